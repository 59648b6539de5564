// Everything between a writer and a reader, on this machine: an object store, a server that publishes to it, two edges that know nothing but the
// store, and Varnish in front of all. `acts` are what readers are promised; scenarios/cdn.test.mjs plays them as tests, edge-demo.mjs for people.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { binary, freePort, holt, serve, start, temporary, waitFor } from "./holt.mjs";

const s3 = process.env.HOLT_S3_SERVER ?? join(binary, "../../s3-server/bin/s3s-fs");
const edgeBinary = join(binary, "../holt-edge");
const varnish = ["/usr/sbin/varnishd", "/usr/local/sbin/varnishd", "/usr/bin/varnishd"].find((path) => existsSync(path));
const logic = join(import.meta.dirname, "../deploy/varnish.vcl");
const DOMAIN = "wiki.test";
const PASSWORD = "correct horse battery staple";

/** What is missing here to play it; nothing if all is there. */
export const missing = [!existsSync(s3) && `an S3 server at ${s3}`, !varnish && "varnishd"].filter(Boolean).join(" and ");

/** One request, with the host it says; the body as text. */
function ask(port, host, path, { method = "GET", headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, setHost: false, headers: { Host: host, Connection: "close", ...headers } }, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece)).on("error", reject);
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(pieces).toString() }));
    });
    sent.setTimeout(20_000, () => sent.destroy(new Error(`no answer to ${method} ${host}${path}`)));
    sent.once("error", reject).end(body);
  });
}

/** Starts all of it. */
export async function stage() {
  const data = temporary();
  const store = join(data.dir, "store");
  mkdirSync(join(store, "pages"), { recursive: true });
  for (const [wiki, pages] of Object.entries({ docs: ["Home", "Guide", "Other", "Old"], team: ["Home", "Plan"], secret: ["Home", "Plan"] })) {
    const source = join(data.dir, wiki);
    mkdirSync(source);
    for (const page of pages) writeFileSync(join(source, `${page}.md`), `# ${page}\n\nOf the beginning, in ${wiki}.\n`);
    holt(["import", "folder", source, "--data", data.dir, "--slug", wiki]);
  }
  holt(["user", "add", "ann@example.org", "--name", "Ann", "--admin", "--password-stdin", "--data", data.dir], { input: `${PASSWORD}\n` });
  const token = /holt_[\w-]+/.exec(holt(["token", "create", "--data", data.dir, "--wiki", "docs", "--scope", "write", "--name", "stage"]))[0];
  const [storePort, cachePort] = [await freePort(), await freePort()];
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret", AWS_REGION: "us-east-1", AWS_ALLOW_HTTP: "true", AWS_ENDPOINT_URL: `http://127.0.0.1:${storePort}` });
  const running = {};
  running.store = await start(s3, ["--host", "127.0.0.1", "--port", String(storePort), "--access-key", "key", "--secret-key", "secret", store], storePort);
  running.server = await serve(data.dir, ["--publish-to", "s3://pages/wikis", "--domain", DOMAIN, "--default-wiki", "docs", "--purge", `varnish://127.0.0.1:${cachePort}`]);
  const port = (url) => Number(new URL(url).port);
  const edge = () => start(edgeBinary, ["--fragments", "s3://pages/wikis", "--domain", DOMAIN, "--listen", "127.0.0.1:0", "--cdn-max-age", "58"], /listening on (\S+)/);
  [running.one, running.two] = await Promise.all([edge(), edge()]);
  const ports = { store: storePort, cache: cachePort, server: port(running.server.url), one: port(running.one.said), two: port(running.two.said) };
  const backend = (name, port) => `backend ${name} { .host = "127.0.0.1"; .port = "${port}"; .connect_timeout = 1s; }\n`;
  writeFileSync(
    join(data.dir, "stage.vcl"),
    `vcl 4.1;\nimport directors;\n${backend("edge_one", ports.one)}${backend("edge_two", ports.two)}${backend("origin", ports.server)}` +
      `acl publishers { "127.0.0.1"; }\nsub vcl_init { new edges = directors.round_robin(); edges.add_backend(edge_one); edges.add_backend(edge_two); }\n` +
      `include "${logic}";\n`,
  );
  running.cache = await start(varnish, ["-j", "none", "-F", "-a", `127.0.0.1:${cachePort}`, "-T", "none", "-f", join(data.dir, "stage.vcl"), "-s", "malloc,32m", "-n", join(data.dir, "varnish")], cachePort);
  const at = (place) => (path, options = {}) => ask(ports[place], options.host ?? `docs.${DOMAIN}`, path, options);
  const it = {
    running,
    ports,
    cache: at("cache"),
    server: at("server"),
    edges: [at("one"), at("two")],
    store: at("store"),
    /** Saves a page of docs through the cache, as a program does. */
    async edit(page, content) {
      const url = `/api/v1/pages/${page}`;
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      const before = await it.cache(url, { headers });
      const revision = before.status === 200 ? JSON.parse(before.text).revision : undefined;
      const body = JSON.stringify({ content, revision });
      const answer = await it.cache(url, { method: "PUT", headers: { ...headers, "Content-Length": Buffer.byteLength(body) }, body });
      assert.ok(answer.status < 300, `${answer.status} ${answer.text}`);
    },
    async remove(page) {
      const answer = await it.cache(`/api/v1/pages/${page}`, { method: "DELETE", headers: { Authorization: `Bearer ${token}` } });
      assert.ok(answer.status < 300, `${answer.status} ${answer.text}`);
    },
    /** Waits until a reader is shown what is wanted; how long it took, in milliseconds. Far less than anything may be kept for. */
    async shows(path, wanted, options) {
      const begin = performance.now();
      await waitFor(async () => wanted(await it.cache(path, options)), 20_000, () => `${path} did not come to be shown as it is:\n${running.server.output.text}\n${running.cache.output.text}`);
      return Math.round(performance.now() - begin);
    },
    /** Logs Ann in at a wiki, through the cache; her cookies and the token of her forms. */
    async logIn(host) {
      const jar = new Map();
      const keep = (answer) => {
        for (const line of [answer.headers["set-cookie"] ?? []].flat()) jar.set(line.split("=")[0], line.split(";")[0].slice(line.indexOf("=") + 1));
        return answer;
      };
      const headers = () => ({ Cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") });
      const form = keep(await it.cache("/-/login", { host }));
      const csrf = /name="csrf_token" value="([^"]*)"/.exec(form.text)[1];
      const post = async (path, fields) => {
        const body = new URLSearchParams(fields).toString();
        return keep(await it.cache(path, { host, method: "POST", body, headers: { ...headers(), Origin: `http://${host}`, "Content-Type": "application/x-www-form-urlencoded", "Content-Length": Buffer.byteLength(body) } }));
      };
      const answer = await post("/-/login", { csrf_token: csrf, email: "ann@example.org", password: PASSWORD });
      assert.equal(answer.status, 303, answer.text);
      const me = JSON.parse(keep(await it.cache("/-/me", { host, headers: headers() })).text);
      return { headers, post: (path, fields) => post(path, { csrf_token: me.csrf, ...fields }) };
    },
    /** Who may read a wiki, set by its form: the answer comes when caches have forgotten it. */
    async setReaders(wiki, level) {
      const ann = await it.logIn(`${wiki}.${DOMAIN}`);
      const answer = await ann.post("/-/admin/permissions_and_registration", { READ_access: level });
      assert.equal(answer.status, 303, answer.text);
      return ann;
    },
    async stop() {
      for (const part of Object.values(running)) await part.stop().catch(() => {});
      data.remove();
    },
  };
  try {
    await waitFor(async () => (await it.edges[0]("/Guide")).status === 200, 20_000, () => `nothing was published:\n${running.server.output.text}`);
    // Whatever the start left to forget is forgotten before anybody reads.
    await waitFor(async () => await quiet(it), 20_000, () => `caches are told and told:\n${running.server.output.text}`);
  } catch (error) {
    await it.stop();
    throw error;
  }
  return it;
}

/** Whether a page stays in the cache for longer than it takes until a purge follows a change. */
async function quiet(it) {
  for (let look = 0; look < 10; look++) {
    const hit = (await it.cache("/Other")).headers["x-cache"] === "HIT";
    if (!hit && look > 0) return false;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  return true;
}

const hidden = (host) => ({ host: `${host}.${DOMAIN}` });
const holds = (text) => (answer) => answer.status === 200 && answer.text.includes(text);

/** That nobody is shown anything of a wiki, whichever way they ask. */
async function nothingOf(it, wiki) {
  const ways = [
    ["/"], ["/Plan"], ["/plan"], ["/Plan.md"], ["/Plan?x=1"], ["/Plan", { headers: { Accept: "text/markdown" } }], ["/Plan", { method: "HEAD" }],
    ["/Plan", { headers: { Cookie: "holt_viewer=forged" } }], ["/Plan", { headers: { Cookie: "holt_session=forged" } }],
    ["/-/me"], ["/-/search?query=beginning"], ["/-/changelog"], ["/api/v1/pages"], ["/Plan/history"], ["/Plan/source"], ["/.git/info/refs?service=git-upload-pack"], ["/llms.txt"],
  ];
  const places = { cache: it.cache, server: it.server, "edge one": it.edges[0], "edge two": it.edges[1] };
  for (const [name, place] of Object.entries(places)) {
    for (const [path, options = {}] of ways) {
      const answer = await place(path, { ...hidden(wiki), ...options });
      const said = JSON.stringify(answer.headers) + answer.text;
      assert.ok(!said.includes(`in ${wiki}`), `${name} ${path}: ${said}`);
      assert.ok(!said.includes("Of the beginning"), `${name} ${path}: ${said}`);
      if (["/Plan", "/Plan.md", "/"].includes(path)) assert.notEqual(answer.status, 200, `${name} ${path}`);
    }
    const other = await place("/Plan", { headers: { "X-Forwarded-Host": `${wiki}.${DOMAIN}`, "X-Original-URL": "/Plan" } });
    assert.ok(!other.text.includes(`in ${wiki}`), `${name}, asked by another header`);
  }
  const raw = await it.store("/pages?list-type=2&prefix=wikis", { host: `127.0.0.1:${it.ports.store}` });
  assert.ok(raw.status === 403 || raw.status === 401, `the bucket answers strangers with ${raw.status}`);
}

/** What readers are promised. Each returns what there is to say about it. */
export const acts = [
  {
    name: "a page comes from an edge once, and then from the cache",
    async play(it) {
      const first = await it.cache("/Guide");
      const second = await it.cache("/Guide");
      assert.deepEqual([first.status, first.headers["x-cache"], second.headers["x-cache"]], [200, "MISS", "HIT"]);
      assert.equal(second.text, first.text);
      assert.ok(holds("Of the beginning, in docs.")(second));
      for (const name of ["surrogate-key", "cache-tag", "set-cookie"]) assert.equal(second.headers[name], undefined, name);
      const again = await it.cache("/Guide?utm_source=elsewhere");
      assert.equal(again.headers["x-cache"], "HIT", "whatever else is asked with it");
      return "MISS, then HIT";
    },
  },
  {
    name: "what edges do not have, the server is asked for",
    async play(it) {
      const [robots, platform, missing] = [await it.cache("/robots.txt"), await it.cache("/", { host: DOMAIN }), await it.cache("/Nowhere")];
      assert.deepEqual([robots.status, platform.status, missing.status], [200, 200, 404]);
      assert.ok(robots.text.startsWith("User-agent:"), robots.text);
      return "also the platform's own pages";
    },
  },
  {
    name: "an edit is seen through the cache, and other pages stay in it",
    limit: 2_000,
    async play(it) {
      await it.cache("/Other");
      assert.equal((await it.cache("/Other")).headers["x-cache"], "HIT");
      await it.edit("Guide", "# Guide\n\nOf the second day.\n");
      const took = await it.shows("/Guide", holds("Of the second day."));
      assert.equal((await it.cache("/Other")).headers["x-cache"], "HIT", "what did not change");
      assert.ok(holds("Of the second day.")(await it.cache("/Guide")));
      return took;
    },
  },
  {
    name: "a new page is seen, and so it is in the tree of all others",
    limit: 2_000,
    async play(it) {
      assert.equal((await it.cache("/Novelty")).status, 404);
      await it.edit("Novelty", "# Novelty\n\nNew here.\n");
      const took = await it.shows("/Novelty", holds("New here."));
      await it.shows("/Other", holds("Novelty"));
      return took;
    },
  },
  {
    name: "a page that is deleted is gone",
    limit: 2_000,
    async play(it) {
      await it.cache("/Old");
      assert.equal((await it.cache("/Old")).headers["x-cache"], "HIT");
      await it.remove("Old");
      return it.shows("/Old", (answer) => answer.status === 404);
    },
  },
  {
    name: "a wiki that becomes private is nowhere when its administrator is told so",
    async play(it) {
      const team = hidden("team");
      await it.cache("/Plan", team);
      assert.ok(holds("in team")(await it.cache("/Plan", team)), "the control");
      assert.equal((await it.cache("/Plan", team)).headers["x-cache"], "HIT", "the control");
      await it.setReaders("team", "APPROVED");
      assert.ok(!holds("in team")(await it.cache("/Plan", team)), "the very next reader");
      await nothingOf(it, "team");
    },
  },
  {
    name: "a private wiki shows nothing through any of these paths, and its members all of it",
    async play(it) {
      await it.setReaders("secret", "APPROVED");
      await nothingOf(it, "secret");
      const ann = await it.logIn(`secret.${DOMAIN}`);
      for (let look = 0; look < 2; look++) {
        const shown = await it.cache("/Plan", { ...hidden("secret"), headers: ann.headers() });
        assert.ok(holds("in secret")(shown), `the control: ${shown.status}`);
        assert.equal(shown.headers["x-cache"], "MISS");
        assert.match(shown.headers["cache-control"], /private|no-store/);
      }
      await nothingOf(it, "secret");
    },
  },
  {
    name: "with an edge gone the other one answers",
    async play(it) {
      await it.running.one.stop();
      for (const path of ["/Home.md", "/Other.md", "/Novelty.md", "/Nowhere"]) assert.ok([200, 301, 404].includes((await it.cache(path)).status), path);
      await it.edit("Guide", "# Guide\n\nOf the third day.\n");
      await it.shows("/Guide", holds("Of the third day."));
    },
  },
  {
    name: "with the server gone readers are served, also what no cache has",
    async play(it) {
      await it.running.server.stop();
      assert.ok(holds("Of the third day.")(await it.cache("/Guide")));
      assert.ok(holds("Of the third day.")(await it.edges[1]("/Guide")), "from the store alone");
      assert.ok(holds("# Other")(await it.edges[1]("/Other.md")), "which nobody asked for before");
      await nothingOfWithoutServer(it);
    },
  },
  {
    name: "with the store gone, too, what edges and caches have is shown",
    async play(it) {
      await it.running.store.stop();
      assert.ok(holds("Of the third day.")(await it.cache("/Guide")));
      assert.ok(holds("Of the third day.")(await it.edges[1]("/Guide")));
    },
  },
];

/** As [`nothingOf`], where the server is gone. */
async function nothingOfWithoutServer(it) {
  for (const wiki of ["team", "secret"]) {
    for (const place of [it.cache, it.edges[1]]) {
      const answer = await place("/Plan", hidden(wiki));
      // The way to a log-in that is not there.
      assert.deepEqual([answer.status, answer.headers.location], [303, "/-/login?next=/Plan"], wiki);
      assert.ok(!answer.text.includes(`in ${wiki}`), `${wiki}: ${answer.text}`);
    }
  }
}

