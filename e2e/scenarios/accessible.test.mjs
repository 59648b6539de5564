// Every kind of page, in both themes and on a phone, judged by axe-core: no violation of WCAG 2.2 AA; and nobody has to scroll sideways.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, overflow, session, whySkip } from "../browser.mjs";
import { arrange, violations } from "../everything.mjs";
import { serve, temporary } from "../holt.mjs";
import { setUp, text } from "../wiki.mjs";

const ann = { name: "Ann Example", email: "ann@example.org", password: "correct horse battery staple" };

describe("accessible to everybody", { skip: whySkip(), timeout: 300_000 }, () => {
  let data, server, browser, paths;

  before(async () => {
    data = temporary();
    server = await serve(data.dir);
    browser = await launch();
    const desk = await session(browser);
    const page = await desk.page();
    await setUp(page, server.setup, ann);
    paths = await arrange(page, server.url);
    paths.state = await desk.context.storageState();
    await desk.context.close();
  });
  after(async () => {
    await browser?.close();
    try {
      await server?.stop();
    } finally {
      data?.remove();
    }
  });

  for (const [name, options] of [["light", { colorScheme: "light" }], ["dark", { colorScheme: "dark" }], ["a phone", { viewport: { width: 390, height: 844 } }]]) {
    for (const who of ["everybody", "ann"]) {
      test(`${name}, as ${who} sees it`, async () => {
        const { context } = await session(browser, { ...options, bypassCSP: true, storageState: who === "ann" ? paths.state : undefined });
        const page = await context.newPage();
        const found = [];
        for (const path of paths[who]) {
          await page.goto(server.url + path, { waitUntil: "networkidle" });
          if (path.endsWith("/edit")) await page.waitForSelector("[data-codemirror] .cm-content");
          found.push(...(await violations(page)).map((violation) => `${path}: ${violation}`));
          const wide = await overflow(page);
          if (wide > 0) found.push(`${path}: ${wide} px wider than the window`);
        }
        await context.close();
        assert.deepEqual(found, []);
      });
    }
  }

  for (const [name, options] of [["light", { colorScheme: "light" }], ["dark", { colorScheme: "dark" }], ["a phone", { viewport: { width: 390, height: 844 } }]]) {
    test(`the API, unfolded: ${name}`, async () => {
      const { context } = await session(browser, { ...options, bypassCSP: true, storageState: paths.state });
      const page = await context.newPage();
      await page.goto(`${server.url}/-/api`, { waitUntil: "networkidle" });
      const folded = page.locator("details.operation");
      assert.ok((await folded.count()) > 25);
      await folded.evaluateAll((all) => all.forEach((one) => (one.open = true)));
      assert.deepEqual(await violations(page), []);
      assert.equal(await overflow(page), 0);
      await context.close();
    });
  }

  test("an operation of the API is unfolded for who comes by its address, without scripts", async () => {
    const { context } = await session(browser, { javaScriptEnabled: false, storageState: paths.state });
    const page = await context.newPage();
    await page.goto(`${server.url}/-/api#readPage`);
    await page.locator("#readPage pre").waitFor({ state: "visible" });
    assert.equal(await page.locator("details.operation[open]").count(), 1);
    assert.ok(await page.locator("details.operation[open] summary").evaluate((summary) => summary.getBoundingClientRect().top > 40));
    await context.close();
  });

  test("the menus that scripts make", async () => {
    const { context } = await session(browser, { bypassCSP: true, storageState: paths.state });
    const page = await context.newPage();
    await page.goto(`${server.url}/Everything`, { waitUntil: "networkidle" });
    await page.keyboard.press("?");
    await page.waitForSelector("dialog[open]");
    assert.deepEqual(await violations(page), []);
    // A key pressed before the browser took the focus out of the closed dialog counts, too.
    const reached = await page.evaluate(() => {
      document.querySelector("dialog").close();
      document.querySelector("dialog input").dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true, composed: true }));
      return document.activeElement?.getAttribute("name");
    });
    assert.equal(reached, "q");
    // Who leaves the field and comes back at once finds the list again.
    await page.waitForSelector("#holt-switcher [role=option]");
    await page.evaluate(() => document.activeElement.blur());
    await page.waitForSelector("#holt-switcher", { state: "hidden" });
    await page.keyboard.press("/");
    await page.waitForSelector("#holt-switcher [role=option]");
    const entry = await page.locator("#holt-switcher [role=option]").first().boundingBox();
    await page.mouse.move(entry.x + 8, entry.y + 8);
    await page.mouse.down();
    await page.waitForTimeout(300);
    await page.mouse.move(1, 1);
    await page.mouse.up();
    assert.equal(await page.locator("#holt-switcher").isVisible(), true, "a slow click reaches its entry");
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("?");
    await page.waitForSelector("dialog[open]");
    await page.keyboard.press("/");
    await page.keyboard.press("e");
    assert.equal(page.url(), `${server.url}/Everything`, "an open dialog keeps the keys");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog[open]"));
    await page.keyboard.press("/");
    await page.keyboard.type("evrything");
    await page.locator("#holt-switcher [role=option]", { hasText: "evrything”" }).waitFor();
    // The entry for what was typed is there before the answer is: the pages of before go with it.
    await page.locator("#holt-switcher [role=option]", { hasText: "templates/Meeting" }).waitFor({ state: "detached" });
    await page.locator("#holt-switcher [role=option]", { hasText: "Everything" }).first().waitFor();
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press("ArrowDown");
    assert.match(await page.locator("[aria-selected=true]").innerText(), /^Everything/);
    await Promise.all([page.waitForURL(`${server.url}/Everything`), page.keyboard.press("Enter")]);
    await context.close();
  });

  test("without scripts everything can be read and reached", async () => {
    const { context } = await session(browser, { javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(server.url);
    for (const [link, wanted] of [["All pages A–Z", "Everything"], ["Recent changes", "Second"], ["Everything", "Other words"]]) {
      await page.getByRole("link", { name: link, exact: true }).first().click();
      assert.ok((await text(page)).includes(wanted), link);
    }
    await page.fill("input[name=q]", "below");
    await Promise.all([page.waitForURL(/q=below/), page.keyboard.press("Enter")]);
    assert.ok((await text(page)).includes("Folder/Below"));
    await context.close();
  });
});
