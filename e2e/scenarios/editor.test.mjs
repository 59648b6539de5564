// The editor under real hands: typing, toolbar, tables, clipboard, uploads, completion, preview, drafts, and what is left without it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, overflow, picture, session, whySkip } from "../browser.mjs";
import { serve, temporary, waitFor } from "../holt.mjs";
import { create, logIn, openEditor, setUp, text, write } from "../wiki.mjs";

const ann = { name: "Ann Example", email: "ann@example.org", password: "correct horse battery staple" };
const PATIENCE_MS = 15_000;
/** One black pixel. */
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const field = (page) => page.locator("[data-codemirror] .cm-content");
const source = (page) => page.inputValue("textarea[name=content]");
const notice = (page) => page.locator("[data-notice]");
const tool = (page, label) => page.locator("[data-codemirror]").getByRole("button", { name: label, exact: true });

async function save(page, keys = "Control+s") {
  const [response] = await Promise.all([page.waitForNavigation(), keys ? page.keyboard.press(keys) : page.locator("[data-save]").click()]);
  return response;
}

/** What the clipboard would bring: texts by type, files by name. */
function paste(page, texts, files = []) {
  return field(page).evaluate((element, [byType, list]) => {
    const data = new DataTransfer();
    for (const [type, value] of Object.entries(byType)) data.setData(type, value);
    for (const { name, type, base64 } of list) data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type }));
    element.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true, composed: true }));
  }, [texts, files]);
}

const becomes = (page, expected) => waitFor(async () => {
  const now = await source(page);
  return typeof expected === "string" ? now === expected : expected.test(now);
}, PATIENCE_MS, () => `the text did not become ${expected}`).catch(async (error) => assert.equal(await source(page), expected, error.message));

describe("the editor", { skip: whySkip(), timeout: 300_000 }, () => {
  let data, server, browser, desk;

  before(async () => {
    data = temporary();
    server = await serve(data.dir);
    browser = await launch();
    desk = await session(browser);
    const page = await desk.page();
    await setUp(page, server.setup, ann);
    await page.close();
  });
  after(async () => {
    await browser?.close();
    try {
      await server?.stop();
    } finally {
      data?.remove();
    }
  });

  /** A fresh page with an empty, focused editor. */
  async function blank(name, prepare) {
    const page = await desk.page();
    await prepare?.(page);
    await page.goto(`${server.url}/${name}/edit`);
    await write(page, "");
    await field(page).click();
    return page;
  }
  /** The same for a page that is stored already: only those have files. */
  async function stored(name, prepare) {
    const page = await blank(name, prepare);
    await write(page, "stored");
    await save(page);
    await end(page);
    return blank(name, prepare);
  }
  /** Leaves without questions. */
  const end = async (page) => page.close({ runBeforeUnload: false });

  test("opens at once, focused, accessible, and does not complain", async (t) => {
    const page = await desk.page();
    await create(page, server.url, "Opening");
    const opened = [];
    for (let i = 0; i < 3; i += 1) {
      await page.reload();
      opened.push(await page.evaluate(() => performance.getEntriesByName("holt:editor")[0].duration));
    }
    t.diagnostic(`opened in ${opened.map(Math.round).join(", ")} ms`);
    // The goal is 300; other work on the machine is no mistake of the editor.
    assert.ok(Math.min(...opened) < 1000, `${opened} ms`);
    assert.equal(await page.locator("textarea[name=content]").isVisible(), false);
    assert.equal(await source(page), "# Opening\n\n");
    const box = page.getByRole("textbox", { name: "Text of the page, in Markdown" });
    assert.equal(await box.getAttribute("spellcheck"), "true");
    await page.keyboard.type("Written below the heading.");
    await becomes(page, "# Opening\n\nWritten below the heading.");
    assert.equal((await save(page)).status(), 200);
    assert.match(await text(page), /Written below the heading\./);
    await end(page);
  });

  test("keys of the page do not fire while somebody writes", async () => {
    const page = await blank("Keys");
    const at = page.url();
    await page.keyboard.type("c e / [ ]");
    await becomes(page, "c e / [ ]");
    assert.equal(page.url(), at);
    await page.keyboard.press("Control+Enter");
    await page.waitForURL(`${server.url}/Keys`);
    await end(page);
  });

  test("lists, tasks and quotes go on with Enter and end with it", async () => {
    const page = await blank("Lists");
    await page.keyboard.type("- one\ntwo\n\n\n1. first\nsecond\n\n\n- [ ] task\nmore\n\n\n> said\nagain\n\ndone");
    await becomes(page, "- one\n- two\n\n1. first\n2. second\n\n- [ ] task\n- [ ] more\n\n> said\n> again\ndone");
    await write(page, "- one\n- two");
    await page.keyboard.press("Control+End");
    await page.keyboard.press("Tab");
    await becomes(page, "- one\n    - two");
    await page.keyboard.press("Shift+Tab");
    await becomes(page, "- one\n- two");
    await end(page);
  });

  test("Escape, then Tab, leaves the text", async () => {
    const page = await blank("Leaving");
    await page.keyboard.press("Tab");
    await becomes(page, "    ");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    assert.equal(await field(page).evaluate((element) => element.getRootNode().activeElement === element), false);
    await becomes(page, "    ");
    await end(page);
  });

  test("the toolbar and its keys format words and lines", async () => {
    const page = await blank("Format");
    await page.keyboard.type("word");
    await tool(page, "Bold").click();
    await becomes(page, "**word**");
    await page.keyboard.press("Control+b");
    await becomes(page, "word");
    await page.keyboard.press("Control+i");
    await page.keyboard.press("Control+Shift+S");
    await becomes(page, "*~~word~~*");
    await page.keyboard.press("Control+z");
    await page.keyboard.press("Control+z");
    await becomes(page, "word");
    await page.keyboard.press("Control+Shift+8");
    await becomes(page, "- word");
    await page.keyboard.press("Control+Shift+7");
    await becomes(page, "1. word");
    await page.keyboard.press("Control+Shift+9");
    await becomes(page, "- [ ] word");
    await page.keyboard.press("Control+Shift+9");
    await tool(page, "Heading").click();
    await tool(page, "Heading").click();
    await becomes(page, "## word");
    await tool(page, "Alert").click();
    await page.getByRole("menuitem", { name: "Tip" }).click();
    await becomes(page, "> [!TIP]\n> ## word");
    await page.keyboard.press("Control+k");
    await becomes(page, "> [!TIP]\n> ## [word]()");
    await end(page);
  });

  test("arrows walk through the toolbar", async () => {
    const page = await blank("Toolbar");
    await tool(page, "Undo").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    const focused = () => page.locator("[data-codemirror]").evaluate((host) => host.shadowRoot.activeElement.getAttribute("aria-label"));
    assert.equal(await focused(), "Find and replace");
    await page.keyboard.press("End");
    assert.equal(await focused(), "Diagram");
    assert.equal(await page.locator("[data-codemirror] [role=toolbar] .tool[tabindex='0']").count(), 1);
    await page.keyboard.press("Enter");
    await becomes(page, /```mermaid/);
    await end(page);
  });

  test("tables are inserted, filled with Tab, straightened and changed", async () => {
    const page = await blank("Tables");
    await page.keyboard.press("Control+j");
    for (const cell of ["Name", "Length in cm", "Note", "Otto", "90"]) {
      await page.keyboard.type(cell);
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Control+j");
    await becomes(page, "| Name | Length in cm | Note |\n| ---- | ------------ | ---- |\n| Otto | 90           |      |\n|      |              |      |");
    for (let i = 0; i < 4; i += 1) await page.keyboard.press("Tab");
    await page.keyboard.type("new");
    await becomes(page, /\n\| new/);
    assert.equal((await source(page)).split("\n").length, 5);
    const tools = page.getByRole("toolbar", { name: "Table" });
    await tools.getByRole("button", { name: "Remove this row" }).click();
    await tools.getByRole("button", { name: "Move this column to the right" }).click();
    await tools.getByRole("button", { name: "Align this column to the right" }).click();
    await becomes(page, "| Length in cm | Name | Note |\n| ------------ | ---: | ---- |\n| 90           | Otto |      |\n|              |      |      |");
    await picture(page, "editor-table");
    await page.keyboard.press("Control+End");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await waitFor(async () => (await tools.count()) === 0, PATIENCE_MS, () => "the tools are still there outside the table");
    await end(page);
  });

  test("an address pasted over words makes a link", async () => {
    const page = await blank("Links");
    await desk.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.evaluate(() => navigator.clipboard.writeText("https://example.org/a?b=(c)"));
    await page.keyboard.type("the words");
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Control+v");
    await becomes(page, "[the words](<https://example.org/a?b=(c)>)");
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Control+Shift+V");
    await becomes(page, "https://example.org/a?b=(c)");
    await end(page);
  });

  test("formatted text becomes Markdown, unless it is pasted plain", async () => {
    const page = await blank("Rich");
    const html = `<meta charset="utf-8"><h2>Otters &amp; <i>friends</i></h2><p>They are <b>fast </b>and <a href="https://example.org/">wet</a>; 2*3 &lt;b&gt;<br>new</p>
      <ul><li>one<ul><li>inner</li></ul></li><li><input type="checkbox" checked>two</li></ul><ol start="3"><li>three</li></ol>
      <table><tr><th>a</th><th>b|c</th></tr><tr><td>1</td></tr></table><pre><code class="language-rust">let x = 1;\n</code></pre><p><code>a\`b</code></p>
      <blockquote><p>said</p></blockquote><b style="font-weight:normal">not bold</b><script>globalThis.ran = true</script><img src="x" onerror="globalThis.ran = true">`;
    await paste(page, { "text/html": html, "text/plain": "plain" });
    await becomes(page, [
      "## Otters & *friends*", "They are **fast** and [wet](https://example.org/); 2\\*3 \\<b>\\\nnew", "- one\n    - inner\n- [x] two", "3. three",
      "| a   | b\\|c |\n| --- | ---- |\n| 1   |      |", "```rust\nlet x = 1;\n```", "``a`b``", "> said", "not bold",
    ].join("\n\n"));
    assert.equal(await page.evaluate(() => globalThis.ran), undefined);

    await desk.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.evaluate(() => navigator.clipboard.write([new ClipboardItem({ "text/html": "<h2>rich</h2>", "text/plain": "plain" })]));
    await write(page, "");
    await field(page).press("Control+v");
    await becomes(page, "## rich");
    await write(page, "");
    await field(page).press("Control+Shift+V");
    await becomes(page, "plain");
    await write(page, "");
    await paste(page, { "text/html": "<div style='font-family:monospace'><span>let x</span></div>", "text/plain": "let x" });
    await becomes(page, "let x");
    await end(page);
  });

  test("pasted pictures and files are uploaded and linked, the cursor stays", async () => {
    const page = await stored("Upload");
    await page.keyboard.type("before  after");
    for (let i = 0; i < 6; i += 1) await page.keyboard.press("ArrowLeft");
    await paste(page, {}, [{ name: "image.png", type: "image/png", base64: PNG }]);
    await page.keyboard.type("!");
    await becomes(page, /^before !\[\]\(\.\/pasted-\d{8}-\d{6}\.png\)! after$/);
    assert.match(await notice(page).innerText(), /pasted-.*\.png was uploaded/);
    await write(page, "");
    await paste(page, {}, [{ name: "two words.png", type: "image/png", base64: PNG }, { name: "notes.txt", type: "text/plain", base64: "aGVsbG8=" }]);
    await becomes(page, "![](<./two words.png>)\n[notes.txt](./notes.txt)");
    await page.keyboard.press("Control+z");
    assert.doesNotMatch(await source(page), /Uploading/);
    await page.keyboard.press("Control+Shift+Z");
    await becomes(page, "![](<./two words.png>)\n[notes.txt](./notes.txt)");
    const drop = (element, base64) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], "dropped.png", { type: "image/png" }));
      const { left, top } = element.querySelector(".cm-line").getBoundingClientRect();
      element.dispatchEvent(new DragEvent("drop", { dataTransfer: data, clientX: left + 1, clientY: top + 5, bubbles: true, cancelable: true, composed: true }));
    };
    await field(page).evaluate(drop, PNG);
    await becomes(page, "![](./dropped.png)![](<./two words.png>)\n[notes.txt](./notes.txt)");
    await page.keyboard.press("Control+End");
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), tool(page, "Upload a picture or file").click()]);
    await chooser.setFiles({ name: "chosen.svg", mimeType: "image/svg+xml", buffer: Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>") });
    await becomes(page, /notes\.txt\)!\[\]\(\.\/chosen\.svg\)$/);
    assert.equal((await save(page)).status(), 200);
    assert.ok(await page.locator("main img").first().evaluate((image) => image.decode().then(() => image.naturalWidth === 1)));
    await end(page);
  });

  test("a file of the page is chosen from the gallery", async () => {
    const page = await stored("Gallery");
    await page.keyboard.type("see  there");
    for (let i = 0; i < 6; i += 1) await page.keyboard.press("ArrowLeft");
    const dialog = page.locator("dialog.gallery");
    await tool(page, "Files of this page").click();
    await dialog.getByText("no files yet").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await paste(page, {}, [{ name: "two words.png", type: "image/png", base64: PNG }, { name: "notes.txt", type: "text/plain", base64: "aGVsbG8=" }]);
    await becomes(page, /notes\.txt/);
    await write(page, "see the notes there");
    await page.keyboard.press("Control+End");
    for (let i = 0; i < 6; i += 1) await page.keyboard.press("ArrowLeft");
    for (let i = 0; i < 5; i += 1) await page.keyboard.press("Shift+ArrowLeft");
    await tool(page, "Files of this page").click();
    const picture = dialog.getByRole("button", { name: "two words.png" });
    await picture.waitFor();
    assert.ok(await picture.locator("img").evaluate((image) => image.decode().then(() => image.naturalWidth > 0)), "it is shown as it looks");
    await dialog.getByRole("button", { name: "notes.txt" }).click();
    await becomes(page, "see the [notes](./notes.txt) there");
    await page.keyboard.press("End");
    await tool(page, "Files of this page").click();
    await picture.waitFor();
    await picture.press("Enter");
    await becomes(page, "see the [notes](./notes.txt) there![](<./two words.png>)");
    await page.keyboard.type("!");
    await becomes(page, /png>\)!$/);
    await end(page);
  });

  test("an upload that fails says why and leaves nothing behind", async () => {
    const page = await stored("Refused", async (tab) => {
      await tab.route("**/inline_attachment", (route) => route.fulfill({ status: 413, json: { error: "the file is too large", hint: "Five megabytes fit." } }));
    });
    await page.keyboard.type("text ");
    await paste(page, {}, [{ name: "big.png", type: "image/png", base64: PNG }]);
    await waitFor(async () => /too large\. Five megabytes fit/.test(await notice(page).innerText()), PATIENCE_MS, () => "no reason was given");
    await becomes(page, "text ");
    await end(page);
    const at = desk.complaints.findIndex((complaint) => complaint.startsWith("413"));
    assert.ok(at >= 0);
    desk.complaints.splice(at, 1);
  });

  test("saving waits for uploads", async () => {
    const page = await stored("Patient", async (tab) => {
      await tab.route("**/inline_attachment", async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 800));
        await route.continue();
      });
    });
    await paste(page, {}, [{ name: "slow.png", type: "image/png", base64: PNG }]);
    await becomes(page, "![Uploading slow.png…]()");
    await save(page);
    assert.match(await page.locator("main img").getAttribute("src"), /slow\.png/);
    await end(page);
  });

  test("pages, headings, emoji and files are completed", async () => {
    const guide = await blank("Otters/Setup");
    await write(guide, "# Setup\n\n## First steps\n\ntext\n");
    await save(guide);
    await end(guide);

    const page = await stored("Complete");
    const pick = async (typed, choice) => {
      await page.keyboard.type(typed);
      await page.locator("[data-codemirror] .cm-tooltip-autocomplete li", { hasText: choice }).first().click();
    };
    await pick("[[Otters/Set", "Otters/Setup");
    await becomes(page, "[[Otters/Setup|Setup]]");
    await pick(" [[Opening", "Opening");
    await pick(" [[Otters/Setup#Fir", "First steps");
    await becomes(page, "[[Otters/Setup|Setup]] [[Opening]] [[Otters/Setup#first-steps]]");
    await write(page, "");
    await paste(page, {}, [{ name: "an otter.png", type: "image/png", base64: PNG }]);
    await becomes(page, "![](<./an otter.png>)");
    await write(page, "");
    await pick("at 10:30 :smil", "smile");
    await pick(" ![[", "an otter");
    await pick(" [it](./an", "an otter");
    await becomes(page, /^at 10:30 :smile\w*: !\[\]\(<\.\/an otter\.png>\) \[it\]\(<\.\/an otter\.png>\)$/);
    await write(page, "");
    await page.keyboard.type("[[Otters/Set");
    await page.locator("[data-codemirror] .cm-tooltip-autocomplete li").first().waitFor();
    await page.waitForTimeout(100);
    await picture(page, "editor-completion");
    await page.keyboard.press("Enter");
    await becomes(page, "[[Otters/Setup|Setup]]");
    await end(page);
  });

  test("wikis that came from Otterwiki have titles first", async () => {
    const page = await blank("Order", (tab) => tab.route("**/edit", async (route) => {
      const response = await route.fetch();
      const body = await response.text();
      assert.match(body, / data-wikilink-order="page-first"/);
      await route.fulfill({ response, body: body.replace(' data-wikilink-order="page-first"', "") });
    }));
    for (const [typed, expected] of [["[[Otters/Set", "[[Setup|Otters/Setup]]"], ["[[words|Otters/Set", "[[words|Otters/Setup]]"]]) {
      await write(page, "");
      await page.keyboard.type(typed);
      await page.locator("[data-codemirror] .cm-tooltip-autocomplete li", { hasText: "Otters/Setup" }).first().click();
      await becomes(page, expected);
    }
    await end(page);
  });

  test("what did not change stays in the preview", async () => {
    const page = await blank("Preview stays");
    await page.getByRole("button", { name: "Split" }).click();
    await field(page).click();
    await page.keyboard.insertText("first\n\nsecond\n\n```mermaid\ngraph TD; A-->B\n```\n\nlast");
    const preview = page.locator("[data-preview]");
    const paragraph = (text) => preview.locator("p", { hasText: text });
    await paragraph("last").waitFor();
    for (const text of ["first", "second", "last"]) await paragraph(text).evaluate((element) => { element.dataset.seen = "before"; });
    await page.keyboard.type(" words");
    await paragraph("last words").waitFor();
    const seen = (text) => paragraph(text).getAttribute("data-seen");
    assert.deepEqual([await seen("first"), await seen("second"), await seen("last")], ["before", "before", null]);
    // A block in the middle goes, and everything is in its order.
    await page.keyboard.press("Control+Home");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Shift+End");
    await page.keyboard.insertText("two\n\nthree");
    await paragraph("three").waitFor();
    assert.equal(await seen("first"), "before");
    const order = await preview.evaluate((element) => [...element.children].map((child) => (child.querySelector("pre.mermaid") ?? child).textContent.trim().slice(0, 10)).filter(Boolean));
    assert.deepEqual(order, ["first", "two", "three", "graph TD; ", "last words"]);
    await end(page);
  });

  test("the preview follows the typing, one request at a time", async () => {
    const page = await blank("Preview");
    const open = new Set();
    let most = 0;
    await page.route("**/preview", async (route) => {
      most = Math.max(most, open.add(route.request()).size);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await route.continue();
    });
    page.on("requestfinished", (request) => open.delete(request));
    await page.getByRole("button", { name: "Split" }).click();
    await field(page).click();
    await page.keyboard.type("# Heading\n\nSome *slanted* words for the preview", { delay: 25 });
    await page.locator("[data-preview] em", { hasText: "slanted" }).waitFor();
    await waitFor(async () => /words for the preview/.test(await page.locator("[data-preview]").innerText()), PATIENCE_MS, () => "the last words are missing");
    assert.equal(most, 1);
    assert.match(await page.locator("[data-count]").innerText(), /8 words/);
    await picture(page, "editor-split");
    await page.keyboard.press("Control+p");
    assert.equal(await field(page).isVisible(), false);
    await page.keyboard.press("Control+p");
    assert.equal(await field(page).isVisible(), true);
    await page.keyboard.type("!");
    await becomes(page, /preview!$/);
    await page.getByRole("button", { name: "Write" }).click();
    await page.reload();
    assert.equal(await page.locator("[data-set-mode=write]").getAttribute("aria-pressed"), "true");
    await end(page);
  });

  test("whoever leaves is asked, and drafts come back", async () => {
    const page = await blank("Drafts");
    await write(page, "# Drafts\n\nstored\n");
    await save(page);
    await openEditor(page, server.url, "/Drafts");
    await page.locator("a.button", { hasText: "Cancel" }).click();
    await page.waitForURL(`${server.url}/Drafts`);

    await openEditor(page, server.url, "/Drafts");
    await field(page).click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type("unsaved");
    await page.locator("a.button", { hasText: "Cancel" }).click();
    const dialog = page.getByRole("dialog", { name: "Leave this page?" });
    await picture(page, "editor-leave");
    await dialog.getByRole("button", { name: "Keep editing" }).click();
    assert.equal(await dialog.count(), 0);
    assert.match(await source(page), /unsaved/);

    const kept = page.waitForRequest((request) => request.url().endsWith("/draft"));
    await page.locator("a.button", { hasText: "Cancel" }).click();
    await dialog.getByRole("button", { name: "Keep them as a draft" }).click();
    const sent = new URLSearchParams((await kept).postData());
    assert.equal(sent.get("cursor_line"), "3");
    assert.equal(sent.get("cursor_ch"), "7");
    await page.waitForURL(`${server.url}/Drafts`);
    await openEditor(page, server.url, "/Drafts");
    // A draft that waits for a decision is not written over by what is typed meanwhile.
    const before = await source(page);
    const written = [];
    page.on("request", (request) => { if (request.url().endsWith("/draft")) written.push(request.postData()); });
    await field(page).click();
    await page.keyboard.type("something else");
    await page.evaluate(() => window.dispatchEvent(new Event("pagehide")));
    await write(page, before);
    await page.getByRole("link", { name: "Continue your draft" }).click();
    await page.waitForURL(/draft=continue/);
    assert.deepEqual(written, []);
    await becomes(page, "# Drafts\n\nstored\nunsaved");

    await field(page).click();
    await page.keyboard.type("more");
    await page.locator("a.button", { hasText: "Cancel" }).click();
    await dialog.getByRole("button", { name: "Discard them" }).click();
    await page.waitForURL(`${server.url}/Drafts`);
    assert.equal(await openEditor(page, server.url, "/Drafts"), "# Drafts\n\nstored\n");
    assert.equal(await page.getByRole("link", { name: "Continue your draft" }).count(), 0);
    await end(page);
  });

  test("a draft is kept when writing pauses", async () => {
    const page = await blank("Pause");
    const kept = page.waitForRequest((request) => request.url().endsWith("/draft"), { timeout: 12_000 });
    await page.keyboard.type("thoughts");
    assert.equal(new URLSearchParams((await kept).postData()).get("content"), "thoughts");
    await end(page);
  });

  test("others who edit the page are named, until they leave", async () => {
    const [page, ben] = [await blank("Presence"), await session(browser)];
    const other = await ben.page();
    await logIn(other, server.url, ann);
    await openEditor(other, server.url, "/Presence");
    await other.locator("[data-presence]", { hasText: "Ann Example is editing this page too" }).waitFor();
    await page.goto(`${server.url}/`);
    await other.reload();
    await waitFor(async () => (await other.locator("[data-presence]").innerText()) === "", PATIENCE_MS, () => "nobody else is here");
    assert.deepEqual(ben.complaints, []);
    await ben.context.close();
    await end(page);
  });

  test("the conflict page has the same editor", async () => {
    const [one, two] = [await blank("Clash"), await desk.page()];
    await write(one, "# Clash\n\nIt rains.\n");
    await save(one);
    await openEditor(one, server.url, "/Clash");
    await openEditor(two, server.url, "/Clash");
    await write(one, "# Clash\n\nIt snows.\n");
    await save(one);
    await write(two, "# Clash\n\nIt shines.\n");
    await field(two).click();
    assert.equal((await save(two)).status(), 409);
    assert.match(await field(two).innerText(), /It snows[^]*It shines/);
    // What was sent is beside it, to be read at once: nothing takes that field over.
    assert.equal(await two.locator("textarea[name=yours]").evaluate((area) => getComputedStyle(area).contentVisibility), "visible");
    await picture(two, "editor-conflict");
    await write(two, "# Clash\n\nIt snows, then it shines.\n");
    await field(two).click();
    assert.equal((await save(two)).status(), 200);
    assert.match(await text(two), /It snows, then it shines\./);
    await Promise.all([end(one), end(two)]);
  });

  test("find and replace", async () => {
    const page = await blank("Find");
    await page.keyboard.type("otter otter beaver");
    await page.keyboard.press("Control+f");
    await page.keyboard.type("otter");
    await page.locator("[data-codemirror] .cm-search [name=replace]").nth(0).fill("seal");
    await page.locator("[data-codemirror] .cm-search button[name=replaceAll]").click();
    await becomes(page, "seal seal beaver");
    await picture(page, "editor-search");
    await page.keyboard.press("Escape");
    await end(page);
  });

  for (const [name, options] of [
    ["dark", { colorScheme: "dark" }],
    ["phone", { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }],
  ]) {
    test(`it fits and does not complain: ${name}`, async () => {
      const person = await session(browser, options);
      const page = await person.page();
      await logIn(page, server.url, ann);
      await create(page, server.url, `Looks ${name}`);
      await write(page, "# Looks\n\n## Second\n\nSome **strong**, *slanted*, ~~old~~, ==marked== words, `code`, [a link](https://example.org), [[Home]], {{Embed}}, a note[^1].\n\n> quoted\n\n- [ ] task\n- item\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```rust\nlet x = 1;\n```\n\n[^1]: note\n");
      await page.locator("[data-codemirror] .cm-line", { hasText: "| 1 | 2 |" }).click();
      await page.getByRole("toolbar", { name: "Table" }).waitFor();
      assert.equal(await overflow(page), 0);
      await picture(page, `editor-${name}`);
      await tool(page, "Alert").click();
      await page.getByRole("menuitem", { name: "Caution" }).waitFor();
      assert.equal(await overflow(page), 0);
      await picture(page, `editor-menu-${name}`);
      await page.keyboard.press("Escape");
      await field(page).click();
      assert.equal((await save(page, null)).status(), 200);
      assert.deepEqual(person.complaints, []);
      await person.context.close();
    });
  }

  test("where it cannot start the plain field stays and saves", async () => {
    const old = await session(browser);
    await old.context.addInitScript(() => { Element.prototype.attachShadow = () => { throw new Error("not here"); }; });
    const page = await old.page();
    await logIn(page, server.url, ann);
    await create(page, server.url, "Old browser");
    assert.equal(await page.locator("textarea[name=content]").isVisible(), true);
    await page.fill("textarea[name=content]", "# Old browser\n\nStill saves.\n");
    await page.locator("[data-set-mode=split]").click();
    await page.locator("[data-preview]", { hasText: "Still saves." }).waitFor();
    await save(page);
    assert.match(await text(page), /Still saves\./);
    assert.deepEqual(old.complaints, []);
    await old.context.close();
  });

  test("without scripts the plain field is there and saves", async () => {
    const plain = await session(browser, { javaScriptEnabled: false });
    const page = await plain.page();
    await logIn(page, server.url, ann);
    await create(page, server.url, "No scripts");
    await page.fill("textarea[name=content]", "# No scripts\n\nSaved all the same.\n");
    await save(page, null);
    assert.match(await text(page), /Saved all the same\./);
    assert.deepEqual(plain.complaints, []);
    await plain.context.close();
  });

  test("nothing complained", () => {
    // The browser says that it did not run the handler in the pasted HTML.
    const expected = /script-src-attr inline on \/Rich\/|^console: Executing inline event handler/;
    assert.deepEqual(desk.complaints.filter((complaint) => !expected.test(complaint)), []);
  });
});
