// A wiki whose tree is too large for every page: the branch a reader is in comes later, and moves nothing that is shown.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { launch, session, whySkip } from "../browser.mjs";
import { holt, serve, temporary } from "../holt.mjs";

const FOLDERS = 20, PAGES = 30;

describe("a large wiki", { skip: whySkip(), timeout: 240_000 }, () => {
  let place, server, browser, visitor;
  before(async () => {
    place = temporary();
    const source = join(place.dir, "source"), data = join(place.dir, "data");
    for (let folder = 0; folder < FOLDERS; folder++) {
      mkdirSync(join(source, `F${folder}`), { recursive: true });
      for (let page = 0; page < PAGES; page++) writeFileSync(join(source, `F${folder}`, `P${page}.md`), `# P${page}\n\nWords.\n`);
    }
    const git = (...args) => execFileSync("git", ["-C", source, "-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false", ...args]);
    git("init", "-q", "-b", "main");
    git("add", "-A");
    git("commit", "-q", "-m", "All of it");
    holt(["import", "git", source, "--slug", "w-iki", "--data", data]);
    server = await serve(data, ["--default-wiki", "w-iki"]);
    browser = await launch();
    visitor = await session(browser);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    place?.remove();
  });

  /** What of the sidebar moved while the page came. */
  const moved = async (page, path) => {
    await page.goto(server.url + path, { waitUntil: "load" });
    await page.locator(".side [aria-current=page]").waitFor();
    await page.waitForFunction(() => !document.querySelector("[data-growing]"));
    // What would still move has moved.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))));
    return page.evaluate(() => globalThis.moves);
  };
  const watch = () => {
    globalThis.moves = [];
    new PerformanceObserver((list) => {
      for (const { hadRecentInput, sources } of list.getEntries())
        for (const { node } of hadRecentInput ? [] : sources) if (node?.parentElement?.closest(".side")) globalThis.moves.push(node.outerHTML);
    }).observe({ type: "layout-shift", buffered: true });
  };

  test("nothing moves when the branch comes", async () => {
    const page = await visitor.page();
    await page.addInitScript(watch);
    let branches = 0;
    page.on("request", (request) => (branches += request.url().includes("/-/tree") ? 1 : 0));
    for (const path of ["/F1/P3", "/F2/P4", "/F3/P5"]) assert.deepEqual(await moved(page, path), [], path);
    assert.ok(branches >= 3, "the branches came later");
    assert.equal(await page.locator('.side a[href="/F3/P29"]').count(), 1);
    assert.ok(await page.locator(".side .about").isVisible());
    assert.deepEqual(visitor.complaints, []);
  });
});
