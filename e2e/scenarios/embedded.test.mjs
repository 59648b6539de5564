// Diagrams and data tables: what only a browser shows, and that their scripts come only with pages that need them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, overflow, picture, session, whySkip } from "../browser.mjs";
import { holt, serve, temporary, waitFor } from "../holt.mjs";
import { create, logIn, save, setUp } from "../wiki.mjs";

const SAMPLE = `# Plan

\`\`\`mermaid
flowchart LR
  A[Write] --> B{Good?}
  B -- yes --> C[Publish <b>it</b>]
  B -- no --> A
\`\`\`

\`\`\`mermaid
sequenceDiagram
  Alice->>Bob: Hello
  Bob-->>Alice: Hi
\`\`\`

\`\`\`mermaid
this is no diagram
\`\`\`

{{DataTable
|perPage=10
|caption=Otters
| Name | Length |
|------|-------:|
${Array.from({ length: 30 }, (_, n) => `| Otter ${n} | ${(n * 37) % 100} cm |`).join("\n")}
}}

>! hidden words

\`\`\`rust
let copied = 1;
\`\`\`

[[toc]]

H~2~O, x^2^, :otter:

![An icon](/-/static/nothing.png "A caption")

Term

: What it means
`;

describe("diagrams and data tables", { skip: whySkip(), timeout: 180_000 }, () => {
  let browser, place, server;
  before(async () => {
    place = temporary();
    browser = await launch();
    server = await serve(place.dir);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    place?.remove();
  });

  test("are drawn, sorted and searched", async () => {
    const { context, complaints, page } = await session(browser);
    const tab = await page();
    const asked = [];
    tab.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await setUp(tab, server.setup, { name: "Ada", email: "ada@example.org", password: "correct horse battery" });
    await create(tab, server.url, "Plain");
    await save(tab, "# Plain\n\nNothing special.");
    assert.ok(!asked.some((path) => /mermaid\./.test(path)), "nobody needed Mermaid so far");
    asked.length = 0;
    await tab.goto(`${server.url}/Plain`);
    assert.ok(!asked.some((path) => /mermaid|diagram|tables/.test(path)), asked.join(" "));

    await create(tab, server.url, "Plan");
    await save(tab, SAMPLE);
    await tab.goto(`${server.url}/Plan`);
    await waitFor(async () => (await tab.locator("figure.diagram img").count()) === 2 && (await tab.locator(".diagram-problem").count()) === 1, 30_000, () => "two diagrams, one problem");
    for (const image of await tab.locator("figure.diagram img").all()) {
      const size = await image.evaluate((element) => ({ loaded: element.complete && element.naturalWidth > 50, width: element.clientWidth }));
      assert.ok(size.loaded && size.width > 50, JSON.stringify(size));
    }
    assert.match(await tab.locator(".diagram-problem").innerText(), /cannot be drawn/);
    assert.match(await tab.locator("figure.diagram details").first().evaluate((e) => e.textContent), /A\[Write\]/);
    const light = await tab.locator("figure.diagram img").first().getAttribute("src");
    assert.equal(await tab.locator("iframe[sandbox='allow-scripts']").count(), 1);
    assert.equal(await tab.locator("iframe").evaluate((frame) => frame.contentDocument), null, "the frame has no origin");

    const box = tab.locator(".datatable-embedding");
    assert.equal(await box.locator("tbody tr").count(), 10);
    await box.getByRole("button", { name: "Length" }).click();
    assert.equal(await box.locator("tbody td").nth(1).innerText(), "0 cm");
    await box.getByRole("button", { name: "Length" }).click();
    assert.equal(await box.locator("tbody td").nth(1).innerText(), "99 cm");
    await box.getByRole("button", { name: "Next" }).click();
    assert.match(await box.getByRole("status").innerText(), /11–20 of 30/);
    await box.getByRole("searchbox").fill("otter 2");
    assert.match(await box.getByRole("status").innerText(), /of 15/);

    const spoiler = tab.locator(".spoiler");
    await spoiler.locator("button").click();
    assert.match(await spoiler.getAttribute("class"), /nospoiler/);
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await tab.getByRole("button", { name: "Copy to clipboard" }).click();
    assert.equal((await tab.evaluate(() => navigator.clipboard.readText())).trim(), "let copied = 1;");

    await tab.evaluate(() => scrollTo(0, 0));
    await picture(tab, "embedded-light");
    await tab.getByRole("button", { name: "Light or dark" }).click();
    await waitFor(async () => (await tab.locator("figure.diagram img").first().getAttribute("src")) !== light, 20_000, () => "the diagram did not follow the theme");
    await tab.waitForTimeout(500);
    await picture(tab, "embedded-dark");
    await tab.setViewportSize({ width: 390, height: 800 });
    assert.equal(await overflow(tab), 0);
    await picture(tab, "embedded-phone");
    // The sample has a picture that is not there, on purpose.
    assert.deepEqual(complaints.filter((text) => !/nothing\.png|cannot be drawn/.test(text)), []);

    // The preview draws, too.
    await tab.setViewportSize({ width: 1280, height: 800 });
    await tab.goto(`${server.url}/Plan/edit`);
    await tab.getByRole("button", { name: "Split" }).click();
    await waitFor(async () => (await tab.locator("[data-preview] figure.diagram img").count()) === 2, 30_000, () => "no diagrams in the preview");
    assert.equal(await tab.locator("[data-preview] tbody tr").count(), 10);
    await context.close();
  });

  test("a page stays where pages are", async () => {
    const { context, page } = await session(browser);
    const tab = await page();
    await logIn(tab, server.url, { email: "ada@example.org", password: "correct horse battery" });
    const huge = "margin:-400px;width:5000px;height:3000px;background-color:red";
    const covers = [`<div style="${huge}">x</div>`, `<div class="spoiler"><span class="spoiler-button" style="${huge}">x</span></div>`,
      `<div class="editor-foot" style="${huge}">x</div>`, `<div class="page"><div class="aside" style="${huge}">x</div></div>`];
    for (const [n, html] of covers.entries()) {
      await create(tab, server.url, `Cover ${n}`);
      await save(tab, `${html}\n\ntext`);
      for (const size of [{ width: 1280, height: 800 }, { width: 390, height: 800 }]) {
        await tab.setViewportSize(size);
        await tab.goto(`${server.url}/Cover ${n}`);
        const covered = await tab.evaluate(() => [...document.querySelectorAll(".bar a, .side a, .top a, .top button")]
          .filter((link) => link.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) && !link.closest("details:not([open])"))
          .map((link) => [link, link.getBoundingClientRect()])
          .filter(([, r]) => r.width && document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)?.closest("article"))
          .map(([link]) => link.textContent.trim()));
        assert.deepEqual(covered, [], `${html} at ${size.width}`);
        assert.equal(await overflow(tab), 0, `${html} at ${size.width}`);
      }
    }
    await context.close();
  });

  test("without scripts everything is there to read", async () => {
    const { context, page } = await session(browser, { javaScriptEnabled: false });
    const tab = await page();
    await tab.goto(`${server.url}/Plan`);
    assert.equal(await tab.locator(".datatable-embedding tbody tr").count(), 30);
    assert.match(await tab.locator("pre.mermaid").first().innerText(), /A\[Write\]/);
    await context.close();
  });

  test("render says what a page needs", () => {
    const says = (source) => JSON.parse(holt(["render", "--format", "json"], { input: source })).requires;
    assert.deepEqual(says(SAMPLE), { mathjax: false, mermaid: true, datatables: true });
    assert.deepEqual(says("# x"), { mathjax: false, mermaid: false, datatables: false });
  });
});
