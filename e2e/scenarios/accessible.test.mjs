// Every kind of page, in both themes and on a phone, judged by axe-core: no violation of WCAG 2.2 AA; and nobody has to scroll sideways.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { launch, overflow, session, whySkip } from "../browser.mjs";
import { serve, temporary } from "../holt.mjs";
import { create, openEditor, save, setUp, text } from "../wiki.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const ann = { name: "Ann Example", email: "ann@example.org", password: "correct horse battery staple" };

const PAGE = `---
tags: [animals, water]
---
# Everything

Words, *words*, \`code\`, $a^2$, [[Nowhere]], [a link](https://example.org), a note[^1] and ==a mark==.

[^1]: The note.

| a | b |
|:--|--:|
| 1 | 2 |

- [x] done
- [ ] not

\`\`\`python=3 {1} title="a.py"
print("x")  # words
\`\`\`

> [!WARNING]
> Take care.

>! hidden

>| # More
>| words

::: info
words
:::

{{InfoBox
|caption=C
|Key=value
words
}}

{{DataTable
| a | b |
|---|---|
| 1 | 2 |
}}
`;

/** What axe finds on the page, one line for each; with scripts of the page allowed to finish. */
async function violations(page) {
  // The policy of the pages allows no script of ours: the debugger may.
  await page.evaluate(axe);
  const found = await page.evaluate(async (tags) => (await globalThis.axe.run(document, { runOnly: { type: "tag", values: tags } })).violations, RULES);
  return found.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id} (${help}) at ${target.join(" ")}: ${failureSummary.split("\n").slice(1, 3).join(" ")}`));
}

describe("accessible to everybody", { skip: whySkip(), timeout: 300_000 }, () => {
  let data, server, browser, paths;

  before(async () => {
    data = temporary();
    server = await serve(data.dir);
    browser = await launch();
    const desk = await session(browser);
    const page = await desk.page();
    await setUp(page, server.setup, ann);
    const write = async (name, content, message) => {
      await create(page, server.url, name);
      await save(page, content, message);
    };
    await write("Everything", PAGE, "First");
    await openEditor(page, server.url, "/Everything");
    await save(page, PAGE.replace("Words, *words*", "Other *words*"), "Second");
    await write("Folder/Below", "# Below\n\nSee [[Everything]].", "Below");
    await write("templates/Meeting", "# {{title}}", "");
    for (const content of ["Why *other* words?", "Done already.\n\n- so\n- it is"]) {
      await page.goto(`${server.url}/Everything/comments?quote=words`);
      await page.fill("#holt-new-text", content);
      await Promise.all([page.waitForNavigation(), page.click("#holt-new button")]);
    }
    await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Resolve" }).first().click()]);
    await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Watch this page" }).click()]);
    const history = await page.goto(`${server.url}/Everything/history`);
    const [second, first] = [...(await history.text()).matchAll(/name="rev_a" value="(\w{40})"/g)].map(([, id]) => id);
    paths = {
      everybody: ["/-/login", "/-/register", "/-/lost_password", "/Everything", "/Nowhere", "/-/search?q=words", "/-/about", "/Everything/comments"],
      ann: ["/", "/Everything", "/Folder", "/Everything/edit", "/Everything/edit?section=everything", "/New/edit", "/-/create", "/Everything/history",
        `/Everything/diff/${first}/${second}`, `/Everything/diff/${first}/${second}?view=side`, `/Everything/diff/${first}/${second}?view=page`,
        `/Everything/view/${first}`, `/-/commit/${second}`, `/-/revert/${second}`, "/Everything/blame", "/Everything/source", "/Everything/attachments", "/Everything/rename",
        "/Everything/delete", "/-/changelog", "/-/changelog?author=ann", "/-/index", "/-/tags", "/-/tags?tag=animals", "/-/tree", "/-/deleted", "/-/housekeeping", "/-/move",
        "/-/search?q=words&tag=animals", "/-/search?q=nosuchword", "/-/settings", "/-/admin", "/-/admin/user_management", "/-/admin/mail_preferences", "/-/admin/audit", "/-/user/", "/-/admin/appearance", "/-/admin/sidebar_preferences",
        "/-/admin/content_and_editing", "/-/admin/repository_management", "/-/syntax",
        "/Everything/comments", "/Everything/comments?quote=words", "/Everything/comments?thread=2", "/-/inbox"],
    };
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
    await page.waitForSelector("#holt-switcher [role=option][href='/Everything']");
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
