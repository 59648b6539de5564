// A German wiki says nothing in English; a wiki that runs from right to left does so everywhere; pages run as their text does.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { launch, overflow, picture, session, whySkip } from "../browser.mjs";
import { arrange, violations } from "../everything.mjs";
import { serve, temporary } from "../holt.mjs";
import { create, save, setUp } from "../wiki.mjs";

const ann = { name: "Ann Example", email: "ann@example.org", password: "correct horse battery staple" };
const GERMAN = { resolve: "Erledigen", watch: "Diese Seite beobachten" };
const PHONE = { width: 390, height: 844 };
const HEBREW = "# ברוכים הבאים\n\nזהו דף בעברית, עם `code` ועם [[Everything]].\n\n- אחת\n- שתיים\n\n> ציטוט\n\n```\nplain text\n```\n";
const ARABIC = "# مرحبا\n\nهذه صفحة بالعربية.\n";

/** English texts of the catalogues whose German is another: exact ones, and patterns for those with values. */
function english() {
  const root = join(import.meta.dirname, "../..");
  const rust = readFileSync(join(root, "crates/core/src/words/de.rs"), "utf8").matchAll(/^ {4}\((".*"), (".*")\),$/gm);
  const scripts = ["crates/fragments/assets/de.js", "web/src/german.js"].flatMap((path) => [...readFileSync(join(root, path), "utf8").matchAll(/^ +'(.*)': '(.*)',$/gm)]);
  const pairs = [...[...rust].map(([, key, said]) => [JSON.parse(key), JSON.parse(said)]), ...scripts.map(([, key, said]) => [key, said])];
  assert.ok(pairs.length > 1000, `${pairs.length} texts`);
  const other = pairs.filter(([key, said]) => key.trim() !== said.trim()).map(([key]) => key.trim());
  const letters = (key) => key.replaceAll("{}", "").replace(/[^a-z]/gi, "").length;
  const pattern = (key) => `^${key.split("{}").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".+")}$`;
  // Pages of these wikis are called like some of the texts.
  const names = ["Everything", "Home", "guide", "new"];
  return {
    exact: other.filter((key) => !key.includes("{}") && !names.includes(key)),
    patterns: other.filter((key) => key.includes("{}") && letters(key) > 5).map(pattern),
    // "21. November 2026" is German, though it looks like English with a value.
    german: pairs.map(([, said]) => said).filter((said) => said.includes("{}") && letters(said) > 5).map(pattern),
  };
}

/** What a person sees or hears of the page that is English of ours; what users wrote stands in articles and fields, and is no concern. */
function englishIn(page, texts) {
  return page.evaluate(({ exact, patterns, german }) => {
    const known = new Set(exact);
    const expressions = patterns.map((source) => new RegExp(source));
    const others = german.map((source) => new RegExp(source));
    const found = new Set();
    const judge = (text) => {
      const said = text.replace(/\s+/g, " ").trim();
      if (!said || others.some((one) => one.test(said))) return;
      const clause = `${said[0].toLowerCase()}${said.slice(1).replace(/\.$/, "")}`;
      if (known.has(said) || known.has(clause) || expressions.some((one) => one.test(said))) found.add(said);
    };
    // What describes an operation of the API is English in every wiki, and says so.
    const users = ".api [lang=en], article.prose, .guide, .preview, textarea, code, pre, .diff .text, .visual-diff, .tree, script, style, .cm-content";
    const look = (root) => {
      for (const element of root.querySelectorAll("*")) {
        if (element.shadowRoot) look(element.shadowRoot);
        if (element.matches(users) || element.closest(users)) continue;
        for (const name of ["aria-label", "placeholder", "title", "alt"]) if (element.hasAttribute(name)) judge(element.getAttribute(name));
        for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) judge(node.data);
      }
    };
    look(document);
    judge(document.title.replace(/ – .*?$/, ""));
    return [...found];
  }, texts);
}

async function prefer(page, url, values) {
  await page.goto(`${url}/-/admin/appearance`);
  for (const [name, value] of Object.entries(values)) await page.selectOption(`select[name=${name}]`, value);
  await Promise.all([page.waitForNavigation(), page.locator("form.panel-page button.primary").click()]);
}

const direction = (page, selector) => page.locator(selector).first().evaluate((element) => getComputedStyle(element).direction);

describe("languages", { skip: whySkip(), timeout: 300_000 }, () => {
  let browser;
  const wikis = [];

  /** A wiki of ann's, with preferences, and a browser that knows her. */
  const wiki = async (values) => {
    const data = temporary();
    const server = await serve(data.dir);
    wikis.push({ data, server });
    const desk = await session(browser, { bypassCSP: true });
    const page = await desk.page();
    await setUp(page, server.setup, ann);
    await prefer(page, server.url, values);
    return { url: server.url, page, complaints: desk.complaints };
  };

  before(async () => { browser = await launch(); });
  after(async () => {
    await browser?.close();
    for (const { data, server } of wikis) {
      try {
        await server.stop();
      } finally {
        data.remove();
      }
    }
  });

  test("a German wiki says nothing in English", async () => {
    const { url, page, complaints } = await wiki({ language: "de" });
    const texts = english();
    await page.goto(`${url}/-/login`);
    assert.equal(await page.locator("html").getAttribute("lang"), "de");
    const paths = await arrange(page, url, GERMAN);
    const found = [];
    for (const path of paths.ann) {
      await page.goto(url + path, { waitUntil: "networkidle" });
      if (path.endsWith("/edit")) await page.waitForSelector("[data-codemirror] .cm-content");
      found.push(...(await englishIn(page, texts)).map((said) => `${path}: ${said}`));
    }
    for (const path of ["/Everything", "/Everything/edit", "/Everything/comments", "/-/admin", "/-/settings"]) {
      await page.goto(url + path, { waitUntil: "networkidle" });
      await picture(page, `german${path.replaceAll("/", "_")}`);
    }
    // What is wrong is said in German, too, with what was typed in it.
    await page.goto(`${url}/-/user/99`);
    assert.equal(await page.locator("main h1").innerText(), "Dieses Mitglied gibt es nicht");
    await page.goto(`${url}/-/tags?tag=nosuchtag`);
    assert.equal(await page.locator("main h1").innerText(), "Keine Seite hat das Schlagwort nosuchtag");
    await page.goto(`${url}/Everything`, { waitUntil: "networkidle" });
    await page.keyboard.press("?");
    found.push(...(await englishIn(page, texts)).map((said) => `keys: ${said}`));
    assert.equal(await page.locator("dialog.keys h2").innerText(), "Tastatur");
    assert.match(await page.locator("footer.foot p").innerText(), /^Zuletzt geändert von Ann Example am \d+\. \p{L}+ \d{4}$/u);
    assert.equal(await page.locator(".copy-to-clipboard-outer button").first().evaluate((button) => getComputedStyle(button, "::after").content), '"Kopieren"');
    assert.deepEqual(found, []);
    assert.deepEqual(complaints.filter((complaint) => !complaint.startsWith("404")), []);
    // German is longer.
    await page.setViewportSize(PHONE);
    for (const path of paths.ann) {
      await page.goto(url + path);
      assert.equal(await overflow(page), 0, `${path} on a phone`);
    }
    // The control: the same pages in English are full of English.
    await page.goto(url);
    await prefer(page, url, { language: "en" });
    await page.goto(`${url}/Everything`, { waitUntil: "networkidle" });
    assert.ok((await englishIn(page, texts)).includes("What links here") || (await englishIn(page, texts)).includes("History"));
  });

  test("a wiki from right to left", async () => {
    const { url, page, complaints } = await wiki({ text_direction: "rtl" });
    const paths = await arrange(page, url);
    await create(page, url, "Hebrew");
    await save(page, HEBREW, "שלום");
    for (const [name, viewport, colorScheme] of [["wide", { width: 1280, height: 800 }, "light"], ["phone", PHONE, "dark"]]) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      for (const path of ["/Hebrew", ...paths.ann]) {
        await page.goto(url + path, { waitUntil: "networkidle" });
        assert.equal(await overflow(page), 0, `${path}, ${name}`);
        if (["/Hebrew", "/Everything", "/Everything/edit", "/Everything/history", "/-/admin"].includes(path)) {
          assert.deepEqual(await violations(page), [], `${path}, ${name}`);
          await picture(page, `rtl-${name}${path.replaceAll("/", "_")}`);
        }
      }
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(`${url}/Hebrew`);
    const [menu, main] = [await page.locator(".side").boundingBox(), await page.locator("main").boundingBox()];
    assert.ok(menu.x > main.x, "the menu is on the right");
    assert.equal(await direction(page, "article.prose"), "rtl");
    assert.equal(await direction(page, "article.prose pre"), "ltr");
    await page.goto(`${url}/Everything`);
    assert.equal(await direction(page, "article.prose"), "ltr", "an English page in it runs from the left");
    // On a phone the menu comes in from the right.
    await page.setViewportSize(PHONE);
    await page.locator("[data-toggle-menu]").click();
    const drawer = await page.locator(".side").boundingBox();
    assert.ok(drawer.x > 0 && Math.round(drawer.x + drawer.width) === PHONE.width, JSON.stringify(drawer));
    assert.deepEqual(complaints.filter((complaint) => !complaint.startsWith("404")), []);
  });

  test("an Arabic page in a wiki from left to right", async () => {
    const { url, page } = await wiki({ language: "en" });
    await create(page, url, "Arabic");
    await save(page, ARABIC, "");
    await page.goto(`${url}/Arabic`);
    assert.deepEqual([await direction(page, "html"), await direction(page, "article.prose")], ["ltr", "rtl"]);
    await page.goto(`${url}/Arabic/edit`);
    await page.waitForSelector("[data-codemirror] .cm-line");
    assert.equal(await direction(page, "[data-codemirror] .cm-line"), "rtl");
    await page.locator("[data-codemirror] .cm-content").click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type("English words");
    assert.equal(await page.locator("[data-codemirror] .cm-line").last().evaluate((line) => getComputedStyle(line).direction), "ltr");
    assert.deepEqual(await overflow(page), 0);
  });
});
