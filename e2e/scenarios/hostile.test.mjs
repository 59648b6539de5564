// Nothing that a writer types runs in a reader's browser: not on the page, nor in any other place that shows it. The browser is told to
// ignore the content policy, so that the policy hides no hole; only the last tests look at the policy. Every place has its control.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { launch, whySkip } from "../browser.mjs";
import { corpus, pages } from "../hostile/corpus.mjs";
import { between, hole, opened, percentDecoded, plant } from "../hostile/hole.mjs";
import { beforeAnybody, notYet, places, previewed, silent } from "../hostile/places.mjs";
import { touchByHand, watch } from "../hostile/probe.mjs";
import { converse, decorate, encodePath, fill, people, register, start } from "../hostile/site.mjs";

const routes = join(import.meta.dirname, "../../crates/server/src/routes.rs");
/** Rows of the table of routes that answer nothing of a page: checks, redirects, an icon; numbers and sentences of ours; and a description that browsers read and never show. */
const QUIET = ["/opensearch.xml", "/-/readyz", "/-/setup", "/-/admin/workers", "/-/login/platform", "/-/login/arrive", "/-/login/callback/{provider}", "/-/settings/identities", "/-/settings/passkeys", "/-/logout", "/-/syntax", "/-/help", "/-/admin/permissions_and_registration", "/favicon.ico", "/platform/robot.wtf.svg", "/platform/logo.svg", "/.git", "/.git/info/refs", "/-", "/-/housekeeping/security-check", "/.well-known/change-password", "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server", "/oauth/authorize", "/-/settings/agents", "/-/admin/agents", "/oauth/consent/{request}", "/{page}/t/{file}/{size}"];

/** The frame that diagrams are drawn in, as nobody may send it; and as no script of ours makes it. */
const FRAME = '<iframe class="diagram-frame" src="/-/static/diagram.000000000000.html" tabindex="-1" sandbox="allow-scripts" aria-hidden="true"></iframe>';
const MAKE = "const f = document.createElement('iframe'); f.className = 'diagram-frame'; f.setAttribute('sandbox', 'allow-scripts allow-same-origin'); f.src = '/-/static/diagram.000000000000.html'; document.body.append(f)";
/** Does something when all has been judged as it was sent. */
const later = (script) => `<img src=x onerror="window.addEventListener('load', () => { ${script} })">`;
/** Of the payloads, how many have to run where nothing is escaped or sanitized: about half of what did when this was written, on pages and in the preview. */
const RAN = { viewed: 140, previewed: 100 };
/** Parts of a page, and answers that are no page: every place is in one (hole.mjs). */
const PARTS = ["head", "top", "tree", "crumbs", "main", "aside", "foot", "preview", "corner", "raw", "file"];

/** What the probe has to see, and what it says then. */
const PLANTED = [
  ["<script>__ran('a')</script>", /: a ran/], ["<img src=x onerror=__ran.b>", /: b ran/], ["<img src=x onerror=alert(1)>", /alert 1 ran/], ["<p onpaste=__ran.c>x</p>", /: c ran[^]*a handler/],
  ["<a href=javascript:__ran.d>x</a>", /: d ran[^]*an address that runs/], ["<iframe srcdoc='<script>__ran.e</script>'></iframe>", /: e ran[^]*a frame/],
  ["<svg><a xlink:href=javascript:__ran.f>x</a></svg>", /an address that runs[^]*nobody may write/], ["<iframe src=javascript:top.__ran.g></iframe>", /: g ran/],
  ["<img src=x onerror='window.open(`/Home`)'>", /opened http/], ["<b onclick='document.open()'>x</b>", /not ours any more|could not be read/], ["<img src=https://evil.test/>", /asked for/], ["<b style='background:url(https://evil.test/)'>x</b>", /asked for[^]*a style that loads/],
  ["<meta http-equiv=refresh content='0;url=data:text/html,x'><meta http-equiv=refresh content='0;url=https://evil.test/'>", /asked for|went to|could not be read|element that loads/],
  ["<form><button>x</button></form>", /nobody may write|could not be read|led from/], ["<input type=text>", /a field/], ["<p data-key=e>x</p>", /that scripts read/], ["<p id=holt-main>x</p>", /a name of the frame/],
  ["<p style=position:fixed>x</p>", /covers the page/], ["<a class=wikilink href=//evil.test>x</a>", /a wikilink that leaves/], ["</article><p style=width:9999px>x</p>", /wider than the window/],
  ["</article></main></div></div></div>", /the (body|shell|page) is/], ["</article><article>", /not all of main/], ["<textarea>", /without its foot/], ["<!--", /without its foot/],
  [`</article>${FRAME}`, /as sent: a frame/], [`</article></main></div></div>${FRAME}`, /as sent: a frame[^]*as sent: the body is/], [later(MAKE), /a frame: <iframe class="diagram-frame"/],
  [`<figure class=diagram><img src="data:image/svg+xml;charset=utf-8,%3Csvg/%3E"><details><summary>x</summary><pre class=mermaid>x</pre></details></figure>`, /as sent: an address that runs[^]*: an address that runs/],
  [later("document.querySelector('article').innerHTML = '<figure class=diagram><img src=data:image/svg+xml;charset=utf-8,x></figure>'"), /: an address that runs[^]*that nobody sent: <figure/],
  [later("document.querySelector('article').append(document.createElement('b'))"), /that nobody sent: <b>/], ["<script src=/-/static/diagrams.000000000000.js></script>", /as sent: a script[^]*nobody may write/],
  ["</article><script src=/Marked/a/run.js></script>", /as sent: a script/], ["</article><script src=/-/static/diagrams.000000000000.js data-frame=//evil.test></script>", /that scripts read/],
  ["<div class=datatable-bar><input type=search></div>", /a field/], ["<div class=datatable-embedding><table data-enhanced><tr><td>x</table></div>", /that scripts read/],
  ["<svg><style><a title='</style><b>x</b>'></style></svg>", /nobody may write/], ["<form><div></form><form><b>x</b></form></div>", /read a second time/],
];

/** One line for each thing that is wrong at the places visited. */
const findings = (seen) => seen.flatMap(({ place, ran, wrong }) => [...[...ran].map((name) => `${place}: ${name} ran`), ...wrong.map((what) => `${place}: ${what}`)]);
/** What stands in a place with a hole and did not run: there the probe sees nothing. */
const blind = (stops, seen) => stops.flatMap(([place, , shows], i) => shows.filter((name) => !seen[i].ran.has(name)).map((name) => `${place}: ${name} did not run (${seen[i].status})`));
/** What a place was to show and does not: its silence means nothing then. Files are not read: most are saved, not shown. */
const missing = (stops, seen) => stops.flatMap(([place, part, shows], i) => {
  const text = opened(percentDecoded(seen[i].text));
  return part === "file" ? [] : shows.filter((name) => !text.includes(`__ran('${name}')`) && !text.includes(`__ran.${name}`)).map((name) => `${place}: no ${name} (${seen[i].status})`);
});
const drawings = (seen) => seen.reduce((sum, { text }) => sum + text.split('<figure class="diagram"><img ').length - 1, 0);
const namesOf = (seen) => new Set(seen.flatMap(({ ran }) => [...ran]));

const views = (url) => [...pages.map(({ path }) => path), "Everything"].map((path) => [path, (page) => page.goto(`${url}/${encodePath(path)}`)]);
/** Texts of the corpus in one editor, one after the other: what its preview makes of them. Where they run, the editor may be `lost` at any time. */
const previews = (url, some, lost) => [`preview of ${some[0].path}…`, async (page, look) => {
  await page.goto(`${url}/Home/edit`);
  for (const { path, content } of some) {
    try {
      const [answer] = await Promise.all([page.waitForResponse((response) => response.url().endsWith("/preview"), { timeout: lost ? 2_000 : 15_000 }), page.evaluate(show, content)]);
      await answer.finished();
      await look(`${path}: `);
    } catch (error) {
      if (!lost) throw error;
      await page.goto(`${url}/Home/edit`);
    }
  }
}];
/** All texts, several in each editor. */
const editors = (url, each, lost = false) => Array.from({ length: Math.ceil(pages.length / each) }, (_, i) => previews(url, pages.slice(i * each, (i + 1) * each), lost));

function show(content) {
  document.querySelector("textarea[name=content]").value = content;
  document.querySelector("[data-set-mode=split]").click();
}

// The two halves run side by side, each with a browser of its own: one browser alone keeps one processor busy.
describe("hostile writers", { skip: whySkip(), timeout: 600_000, concurrency: 1 }, () => {
  let site, browser, other, desk, stranger, list;
  const stop = (url) => ([place, , , go]) => [place, (page) => go(page, url)];

  before(async () => {
    [site, browser] = await Promise.all([start(), launch()]); other = browser;
    desk = await watch(browser, site.url);
    stranger = await watch(browser, site.url);
    const pen = await fill(desk, site);
    await register(stranger.context, site.url, people.member);
    const revisions = await decorate(pen, site);
    await converse(stranger.context, desk.context, site.url);
    list = { places: places(revisions), silent: silent(revisions) };
  });
  after(async () => {
    await browser?.close();
    await other?.close();
    await site?.stop();
  });

  describe("what the wiki shows", { concurrency: 1 }, () => {
    test("the corpus is large, and its names tell payloads apart", (t) => {
      t.diagnostic(`${corpus.length} payloads on ${pages.length} pages`);
      assert.ok(corpus.length >= 150);
      assert.equal(new Set(corpus.map(({ name }) => name)).size, corpus.length);
    });

    test("nothing runs on the pages", async (t) => {
      const seen = await desk.tour(views(site.url));
      assert.deepEqual(findings(seen), []);
      assert.deepEqual(seen.filter(({ status }) => status !== 200).map(({ place }) => place), []);
      t.diagnostic(`${drawings(seen)} diagrams were drawn`);
      assert.ok(drawings(seen) >= 15);
    });

    test("nothing runs under a real hand", async () => {
      const touched = views(site.url).filter(([path]) => /^Corpus\/(handlers|elements|addresses|places|foreign) 1/.test(path));
      for (const [path, go] of touched) {
        assert.deepEqual(findings([await desk.visit(path, async (page) => {
          const response = await go(page);
          await touchByHand(page);
          return response;
        })]), []);
      }
    });

    test("nothing runs in the preview", async () => assert.deepEqual(findings(await desk.tour(editors(site.url, 14))), []));

    test("nothing runs in any other place", async () => {
      const go = stop(site.url);
      for (const [visitor, stops] of [[desk, list.places.filter(([, , , , who]) => !who)], [stranger, list.places.filter(([, , , , who]) => who)]]) {
        const seen = await visitor.tour(stops.map(go));
        assert.deepEqual(findings(seen), []);
        assert.deepEqual(missing(stops, seen), [], "these places do not show what they are visited for");
      }
    });

    test("the other addresses show nothing of what is in them", async () => {
      const shown = [];
      const seen = await desk.tour(list.silent.map((path) => [path, async (page) => {
        const response = await page.goto(site.url + path);
        if (/\blost\b/.test(await page.locator("body > .shell > .page, body > pre").first().textContent())) shown.push(path);
        return response;
      }]));
      assert.deepEqual(shown, [], "these show what is in them: list them among the places");
      assert.deepEqual(findings(seen), []);
      for (const path of notYet) assert.equal((await desk.context.request.get(site.url + path)).status(), 404, `${path} is there now: list it among the places`);
    });

    test("every route that can be read was visited", () => {
      const rows = [...readFileSync(routes, "utf8").matchAll(/^ {4}get \("([^"]+)"/gm)].map(([, pattern]) => pattern);
      assert.ok(rows.length > 40, "the table of routes has another form");
      const fits = (pattern) => new RegExp(`^GET ${pattern.replaceAll(".", "\\.").replaceAll("{page}", ".+").replaceAll(/\{\w+\}/g, "[^/]+")}$`);
      const asked = [...desk.asked, ...stranger.asked];
      assert.deepEqual(rows.filter((row) => !QUIET.includes(row) && !asked.some((address) => fits(row).test(address))), []);
    });

    test("logging in leads nowhere else", async () => {
      const addresses = ["//evil.test", "/\\evil.test", "https://evil.test", "javascript:__ran('next')", "/%2fevil.test", "/\t/evil.test", "data:text/html,<script>__ran('next')</script>"];
      for (const next of addresses) {
        const seen = await stranger.visit(`login with ${next}`, async (page) => {
          await page.context().clearCookies();
          await page.goto(`${site.url}/-/login?next=${encodeURIComponent(next)}`);
          await page.evaluate((value) => (document.querySelector("[name=next]").value = value), next);
          await page.fill("[name=email]", people.admin.email);
          await page.evaluate(() => (document.querySelector("form.card").noValidate = true));
          await page.fill("[name=password]", people.admin.password);
          await Promise.all([page.waitForNavigation(), page.click("form.card button.primary")]);
          assert.equal(new URL(page.url()).origin, site.url);
        });
        assert.deepEqual(findings([seen]), []);
      }
      // A stranger again, for those who come after.
      await stranger.context.clearCookies();
    });

    test("with the policy on, ordinary pages break no rule and hostile ones run nothing", async (t) => {
      const reader = await watch(browser, site.url, { bypassCSP: false, storageState: await desk.context.storageState() });
      const ordinary = ["/Ordinary", "/Ordinary/edit", "/Home", "/Ordinary/history", "/Ordinary/source", "/Ordinary/blame", "/Ordinary/attachments", "/Ordinary/rename", "/-/changelog", "/-/index", "/-/search?q=ordinary", "/-/settings", "/-/admin", "/-/create", "/-/about", "/-/syntax", "/Nowhere"];
      const seen = await reader.tour(ordinary.map((path) => [path, (page) => (path.endsWith("/edit") ? previewed("/Ordinary")(page, site.url) : page.goto(site.url + path))]));
      assert.deepEqual(findings(seen), []);
      assert.deepEqual(reader.complaints.filter((complaint) => !/^404 /.test(complaint)), []);
      // What the probe accepts was there to be accepted.
      for (const { place, text } of seen.slice(0, 2)) for (const part of ['<iframe class="diagram-frame"', '<figure class="diagram"><img ', "datatable-bar"]) assert.ok(text.includes(part), `${place} without ${part}`);
      assert.deepEqual(findings(await reader.tour(views(site.url).slice(0, 12))), []);
      t.diagnostic(`hostile pages: ${reader.complaints.filter((complaint) => complaint.startsWith("CSP")).length} violations`);
      await reader.context.close();
    });
  });

  describe("control", { concurrency: 1 }, () => {
    let gap, hands, outsider;
    before(async () => {
      gap = await between(site.url);
      const through = async ({ context }) => watch(other, site.url, { proxy: gap.proxy, storageState: await context.storageState() });
      hands = await through(desk);
      outsider = await through(stranger);
    });
    after(() => gap?.close());

    for (const part of PARTS) {
      test(`a hole in every place is seen: ${part}`, async () => {
        gap.rewrite = hole(part);
        for (const [visitor, who] of [[hands, undefined], [outsider, "stranger"]]) {
          const stops = list.places.filter(([, where, , , goes]) => where === part && goes === who);
          assert.deepEqual(blind(stops, await visitor.tour(stops.map(stop(site.url)), { judges: false })), []);
        }
      });
    }

    test("a hole where diagrams are drawn is seen", async () => {
      gap.rewrite = hole("drawing");
      const names = ["diagrams_label", "diagrams_sequence", "diagrams_not_one"].map((name) => `${name} in the drawing frame`);
      const seen = namesOf(await hands.tour(views(site.url).filter(([path]) => path.startsWith("Corpus/diagrams")), { judges: false }));
      assert.deepEqual(names.filter((name) => !seen.has(name)), []);
    });

    test("what stands on a page and should not is seen, whether it runs or not", async () => {
      gap.rewrite = plant(PLANTED.map(([markup]) => markup));
      const seen = await hands.tour(PLANTED.map(([markup], i) => [markup, (page) => page.goto(`${site.url}/Ordinary?plant=${i}`)]), { alone: true });
      PLANTED.forEach(([markup, expected], i) => assert.match(findings([seen[i]]).join("\n") || "nothing", expected, markup));
    });

    test("what stands there without holes is not seen", async () => {
      gap.rewrite = () => undefined;
      assert.deepEqual(findings([await hands.visit("Ordinary", (page) => page.goto(`${site.url}/Ordinary`))]), []);
    });

    test("every place is in a part that is controlled, and shows something", () => {
      for (const [place, part, shows] of list.places) assert.ok(PARTS.includes(part) && shows.length > 0, place);
    });

    test("nothing runs where the first administrator is made, and a hole there is seen", async () => {
      const fresh = await start();
      const chink = await between(fresh.url);
      try {
        const visitor = await watch(other, fresh.url, { proxy: chink.proxy });
        for (const part of [undefined, "main"]) {
          if (part) chink.rewrite = hole(part);
          const seen = [];
          // One after the other: the first brings the cookie that the form of the second needs.
          for (const place of beforeAnybody) seen.push(await visitor.visit(...stop(fresh.url)(place)));
          assert.deepEqual(part ? blind(beforeAnybody, seen) : [...findings(seen), ...missing(beforeAnybody, seen)], []);
        }
        await visitor.context.close();
      } finally {
        chink.close();
        await fresh.stop();
      }
    });

    test("a renderer that neither escapes nor sanitizes is seen", async (t) => {
      const program = process.env.HOLT_UNSAFE_BIN;
      if (!program && process.env.HOLT_TESTS_REQUIRE === "all") throw new Error("HOLT_UNSAFE_BIN is not set: build holt with its unsafe renderer and name it there");
      if (!program) return t.skip("SKIPPED: HOLT_UNSAFE_BIN names no binary with an unsafe renderer");
      const open = await start(program);
      try {
        const visitor = await watch(other, open.url, { survive: true });
        await fill(visitor, open);
        // What runs may lead away, stop the page or end it: that is not what is looked at here.
        const payloads = new Set(corpus.map(({ name }) => name));
        const ran = (seen) => [...namesOf(seen)].filter((name) => payloads.has(name));
        const viewed = ran(await visitor.tour(views(open.url).slice(0, -1), { judges: false }));
        const previewed = ran(await visitor.tour(editors(open.url, 4, true), { judges: false }));
        t.diagnostic(`${viewed.length} ran on pages, ${previewed.length} in the preview`);
        for (const name of ["scripts_plain", "handlers_img_error"]) assert.ok(viewed.includes(name), `${name} did not run on a page`);
        assert.ok(viewed.some((name) => name.startsWith("addresses_")), "no address ran on a page");
        assert.ok(previewed.includes("handlers_img_error"), "handlers_img_error did not run in the preview");
        assert.ok(viewed.length >= RAN.viewed, `only ${viewed.length} ran on pages`);
        assert.ok(previewed.length >= RAN.previewed, `only ${previewed.length} ran in the preview`);
        await visitor.context.close();
      } finally {
        await open.stop();
      }
    });
  });
});
