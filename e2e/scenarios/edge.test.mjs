// Readers at the edge: a server that publishes to an object store, an edge that knows nothing but that store, and each of them gone in turn.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { launch, session } from "../browser.mjs";
import { binary, freePort, holt, serve, start, temporary, waitFor } from "../holt.mjs";
import { setUp } from "../wiki.mjs";

const s3 = process.env.HOLT_S3_SERVER ?? join(binary, "../../s3-server/bin/s3s-fs");
const edgeBinary = join(binary, "../holt-edge");
const skip = !existsSync(s3) && process.env.HOLT_TESTS_REQUIRE !== "all" ? `no S3 server at ${s3}: scripts/test-tools.sh makes one` : false;

describe("readers at the edge", { skip, timeout: 180_000 }, () => {
  let data, store, port, s3Server, server, edge, token, browser, page;

  const startStore = () => start(s3, ["--host", "127.0.0.1", "--port", port, "--access-key", "key", "--secret-key", "secret", store], port);
  const startServer = (...flags) => serve(data.dir, ["--publish-to", "s3://pages/wikis", ...flags]);

  before(async () => {
    data = temporary();
    store = join(data.dir, "store");
    mkdirSync(join(store, "pages"), { recursive: true });
    port = String(await freePort());
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret", AWS_REGION: "us-east-1", AWS_ALLOW_HTTP: "true", AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` });
    const source = join(data.dir, "source");
    mkdirSync(source);
    for (const name of ["Home", "Guide", "Secret", "Sketch"]) writeFileSync(join(source, `${name}.md`), `# ${name}\n\nOf the beginning.\n`);
    holt(["import", "folder", source, "--data", data.dir, "--slug", "docs"]);
    token = /holt_[\w-]+/.exec(holt(["token", "create", "--data", data.dir, "--wiki", "docs", "--scope", "write", "--name", "edge"]))[0];
    s3Server = await startStore();
    server = await startServer();
    browser = await launch();
    page = await (await session(browser)).page();
    await setUp(page, server.setup, { name: "Ann Example", email: "ann@example.org", password: "correct horse battery staple" });
    await waitFor(() => existsSync(join(store, "pages/wikis/hosts")), 20_000, () => `nothing was published:\n${server.output.text}`);
    edge = await start(edgeBinary, ["--fragments", "s3://pages/wikis", "--listen", "127.0.0.1:0", "--default-wiki", "docs"], /listening on (\S+)/);
  });
  after(async () => {
    await browser?.close();
    await edge?.stop();
    await server?.stop().catch(() => {});
    await s3Server?.stop();
    data?.remove();
  });

  const atEdge = (path, headers = {}) => fetch(`${edge.said}${path}`, { headers, redirect: "manual" });
  const edit = async (page, content) => {
    const url = `${server.url}/api/v1/pages/${page}`;
    const { revision } = await (await fetch(url, { headers: { Authorization: `Bearer ${token}` } })).json();
    const response = await fetch(url, { method: "PUT", headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" }, body: JSON.stringify({ content, revision }) });
    assert.ok(response.ok, `${response.status} ${await response.clone().text()}`);
  };
  const shows = (path, wanted) =>
    waitFor(async () => wanted(await atEdge(path)), 20_000, () => `the edge did not come to show ${path} as it is:\n${server.output.text}\n${edge.output.text}`);

  test("what was published before the server knew of the store is there", async () => {
    await shows("/Guide", async (response) => response.status === 200 && (await response.text()).includes("Of the beginning."));
    const missing = await atEdge("/Nowhere");
    assert.deepEqual([missing.status, missing.headers.get("content-type"), missing.headers.get("cache-control")], [404, "text/html; charset=utf-8", "public, max-age=0, s-maxage=10"]);
    const words = await missing.text();
    assert.ok(words.includes("There is no such page") && words.includes('href="/Guide"'), "the wiki's own words, in its frame");
    assert.equal((await atEdge(/href="(\/-\/static\/style[^"]+)"/.exec(words)[1])).status, 200);
  });

  test("a former name leads to its page, until there is a page of that name", async () => {
    const response = await fetch(`${server.url}/api/v1/pages/Sketch/rename`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ new_path: "Plans/Sketch" }),
    });
    assert.ok(response.ok, `${response.status} ${await response.clone().text()}`);
    await shows("/sketch?x=1", (answer) => answer.status === 301 && answer.headers.get("location") === "/Plans/Sketch");
    assert.equal((await atEdge("/Plans/Sketch")).status, 200);
    const url = `${server.url}/api/v1/pages/Sketch`;
    const written = await fetch(url, { method: "PUT", headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" }, body: JSON.stringify({ content: "# Another\n" }) });
    assert.ok(written.ok, `${written.status} ${await written.clone().text()}`);
    await shows("/Sketch", (answer) => answer.status === 200);
  });

  test("caches are told how long, and by which words to forget", async () => {
    const answer = await atEdge("/Guide");
    const header = (name) => answer.headers.get(name);
    assert.match(header("cache-control"), /^public, max-age=0, s-maxage=30, stale-if-error=86400$/);
    assert.match(header("surrogate-key"), /^w[0-9a-f]{16} p[0-9a-f]{16}$/);
    assert.equal(header("cache-tag"), header("surrogate-key").replace(" ", ","));
    assert.equal(header("vary"), "Accept-Encoding");
    const known = await atEdge("/Guide", { Cookie: "holt_session=x" });
    assert.deepEqual([known.headers.get("cache-control"), known.headers.get("surrogate-key")], ["private, no-cache", null]);
  });

  test("an edit is seen, and answered with the same tag until the next", async () => {
    await edit("Guide", "# Guide\n\nOf the second day.\n");
    await shows("/Guide", async (response) => (await response.text()).includes("Of the second day."));
    const tag = (await atEdge("/Guide")).headers.get("etag");
    assert.equal((await atEdge("/Guide", { "If-None-Match": tag })).status, 304);
    const source = await (await atEdge("/Guide.md")).text();
    assert.equal(source, "# Guide\n\nOf the second day.\n");
  });

  test("frames of zstd are sent once the server publishes them, and every program there is takes them", async () => {
    const accepted = { "Accept-Encoding": "gzip, zstd" };
    assert.equal((await atEdge("/Guide", accepted)).headers.get("content-encoding"), "gzip", "nobody chose it");
    const text = await (await atEdge("/Guide")).text();
    await server.stop();
    server = await startServer("--publish-encodings", "gzip,zstd");
    // By curl, as this program's fetch may not know of it.
    const headers = join(data.dir, "headers");
    const curl = (url, ...flags) => {
      const { stdout } = spawnSync("curl", ["-s", "-D", headers, ...flags, url]);
      return { stdout, headers: readFileSync(headers, "utf8") };
    };
    await waitFor(() => /content-encoding: zstd/i.test(curl(`${edge.said}/Guide`, "-H", "Accept-Encoding: zstd").headers), 20_000, () => `no zstd:\n${server.output.text}`);
    for (const place of [edge.said, server.url]) {
      const sent = curl(`${place}/Guide`, "-H", "Accept-Encoding: zstd");
      assert.match(sent.headers, /etag: "[0-9a-f-]+-zst"/i);
      assert.ok(sent.stdout.length < text.length / 2, `${sent.stdout.length} bytes for ${text.length}`);
      const unpacked = spawnSync("zstd", ["-dc"], { input: sent.stdout });
      if (!unpacked.error) assert.equal(String(unpacked.stdout), text, `${unpacked.stderr}`);
      const itself = curl(`${place}/Guide`, "--compressed");
      assert.ok(String(itself.stdout) === text, "curl unpacks whatever it asked for");
      const response = await page.goto(`${place}/Guide`);
      assert.equal(response.status(), 200);
      await page.getByText("Of the second day.").waitFor();
      if (/zstd/.test((await response.request().allHeaders())["accept-encoding"] ?? "")) assert.equal(response.headers()["content-encoding"], "zstd");
    }
    assert.equal((await atEdge("/Guide", { "Accept-Encoding": "gzip" })).headers.get("content-encoding"), "gzip");
    await server.stop();
    // Whoever chooses nothing has what there always was.
    server = await startServer();
    await waitFor(() => !/content-encoding: zstd/i.test(curl(`${edge.said}/Guide`, "-H", "Accept-Encoding: zstd").headers), 20_000, () => `still zstd:\n${server.output.text}`);
  });

  test("a page that is deleted is gone", async () => {
    await shows("/Secret", (response) => response.status === 200);
    const response = await fetch(`${server.url}/api/v1/pages/Secret`, { method: "DELETE", headers: { Authorization: `Bearer ${token}` } });
    assert.ok(response.ok, `${response.status} ${await response.clone().text()}`);
    await shows("/Secret", (response) => response.status === 404);
  });

  test("without the server pages are shown, and without the store those that were", async () => {
    await server.stop();
    assert.equal((await atEdge("/Guide")).status, 200);
    await s3Server.stop();
    await new Promise((resolve) => setTimeout(resolve, 700));
    const shown = await atEdge("/Guide");
    assert.equal(shown.status, 200);
    assert.ok((await shown.text()).includes("Of the second day."));
    const unknown = await atEdge("/Home/Unknown");
    assert.deepEqual([unknown.status, unknown.headers.get("retry-after")], [503, "2"]);
  });

  test("what was saved while the store was away is published when it is back", async () => {
    server = await startServer();
    await edit("Guide", "# Guide\n\nOf the third day.\n");
    await waitFor(() => /could not publish/.test(server.output.text), 30_000, () => "the server noticed nothing");
    s3Server = await startStore();
    await shows("/Guide", async (response) => (await response.text()).includes("Of the third day."));
  });

  test("a wiki that becomes private shows nothing at the edge", async () => {
    assert.equal((await atEdge("/Guide")).status, 200);
    await page.goto(`${server.url}/-/admin/permissions_and_registration`);
    await page.check("input[name=READ_access][value=APPROVED]");
    await page.getByRole("button", { name: "Save access" }).click();
    await shows("/Guide", (answer) => answer.status === 303 && answer.headers.get("location") === "/-/login?next=/Guide");
    assert.ok(readdirSync(store).length > 0, "the control: the files are there");
  });

  test("whoever changes who may read is told when edges cannot know of it", async () => {
    await s3Server.stop();
    await page.goto(`${server.url}/-/admin/permissions_and_registration`);
    await page.check("input[name=READ_access][value=ANONYMOUS]");
    await page.getByRole("button", { name: "Save access" }).click();
    await page.getByText("edges do not know of it yet").waitFor();
    assert.ok(await page.isChecked("input[name=READ_access][value=ANONYMOUS]"), "it is saved");
  });
});
