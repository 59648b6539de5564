// What a reader and a writer wait for, in a real Chromium with nothing kept from before. Measures, judges nothing: figures go out as JSON.
//
// node bench/screen.mjs '{"base": "http://large.localhost:8080", "long": "/bench/screen", "page": "/bench/page", "next": "/bench/manyrev",
//                         "edit": "/bench/screen/edit", "cookies": {"holt_session": "…"}, "runs": 7}'

import { launch, session } from "../e2e/browser.mjs";

const o = JSON.parse(process.argv[2]);
const QUIET_MS = 400;
/** How long somebody points at a link before the click. */
const AIM_MS = 150;
/** The editor: a host, and in its shadow the text. */
const READY = ["[data-codemirror]", ".cm-content[contenteditable=true]"];

/** In the page, before anything of it: how much has moved, and since when the editor takes letters. */
const watch = ([host, text]) => {
  globalThis.seen = { shift: 0, ready: 0 };
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => (globalThis.seen.shift += entry.hadRecentInput ? 0 : entry.value))).observe({ type: "layout-shift", buffered: true });
  const look = new MutationObserver(() => {
    if (!document.querySelector(host)?.shadowRoot?.querySelector(text)) return;
    globalThis.seen.ready = performance.now();
    look.disconnect();
  });
  look.observe(document, { childList: true, subtree: true, attributes: true });
};

/** A browser window that has never been here; `cookies` make it somebody's. */
const fresh = async (browser, cookies) => {
  const { context, complaints } = await session(browser);
  const list = Object.entries(cookies ?? {}).map(([name, value]) => ({ name, value, url: o.base }));
  if (list.length) await context.addCookies(list);
  await context.addInitScript(watch, READY);
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  const bytes = new Map(), kinds = new Map();
  network.on("Network.responseReceived", ({ requestId, type }) => kinds.set(requestId, type));
  network.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const kind = kinds.get(requestId) ?? "Other";
    bytes.set(kind, (bytes.get(kind) ?? 0) + encodedDataLength);
  });
  /** What came over the wire since the last time, by kind. */
  const taken = () => {
    const now = Object.fromEntries(bytes);
    bytes.clear();
    return now;
  };
  return { context, complaints, page, taken };
};

const settled = async (page, path) => {
  const answer = await page.goto(o.base + path, { waitUntil: "load" });
  if (answer.status() !== 200) throw new Error(`${path} answered ${answer.status()}`);
  await page.waitForTimeout(QUIET_MS);
};

const painted = (page) => page.evaluate(() => ({ paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null, ...globalThis.seen }));

/** First look at a long page, then at an ordinary one and its neighbour. */
const read = async (browser, out) => {
  const long = await fresh(browser);
  await settled(long.page, o.long);
  const seen = await painted(long.page);
  out.paint.push(seen.paint);
  out.shift.push(seen.shift);
  const short = await fresh(browser);
  await settled(short.page, o.page);
  out.first.push(short.taken());
  out.shift.push((await painted(short.page)).shift);
  await settled(short.page, o.next);
  out.warm.push(short.taken());
  await close([long, short]);
};

/** What of that is the browser's own: the same text without any style or script of ours, and a page with nothing in it. */
const floor = async (browser, out) => {
  const reader = await fresh(browser);
  await settled(reader.page, o.long);
  const html = await reader.page.evaluate(() => fetch(location.href).then((answer) => answer.text()));
  const bare = async (body) => {
    const window = await fresh(browser);
    await window.page.route(o.base + o.long, (route) => route.fulfill({ body, contentType: "text/html; charset=utf-8" }));
    await settled(window.page, o.long);
    const { paint } = await painted(window.page);
    await window.context.close();
    return paint;
  };
  out.bare.push(await bare(html.replace(/<script\b[^>]*><\/script>|<link\b[^>]*>/g, "")));
  out.empty.push(await bare("<!doctype html><title>Nothing</title><p>Nothing."));
  await close([reader]);
};

/** Which of the scripts of a page a reader's browser runs before anybody does anything. */
const scripts = async (browser) => {
  const { page, context } = await fresh(browser);
  await page.coverage.startJSCoverage({ reportAnonymousScripts: false });
  await settled(page, o.long);
  const entries = await page.coverage.stopJSCoverage();
  await context.close();
  // Functions are nested: the innermost range says whether a byte ran.
  const ran = ({ source, functions }) => {
    const count = new Uint8Array(source.length).fill(0);
    const ranges = functions.flatMap(({ ranges }) => ranges).sort((a, b) => b.endOffset - b.startOffset - (a.endOffset - a.startOffset));
    for (const { startOffset, endOffset, count: times } of ranges) count.fill(times > 0 ? 1 : 0, startOffset, endOffset);
    return count.reduce((sum, one) => sum + one, 0);
  };
  return entries.map((entry) => ({ url: new URL(entry.url).pathname, bytes: entry.source.length, ran: ran(entry) }));
};

/** Opens the editor from the page, twice in the same window, types beside the preview, and asks for the preview alone. */
const write = async (browser, out) => {
  const desk = await fresh(browser, o.cookies);
  const { page } = desk;
  for (const times of [out.editor, out.editorAgain]) {
    await settled(page, o.long);
    const edit = page.locator(`a[href="${o.edit}"]`).first();
    await edit.hover();
    await page.waitForTimeout(AIM_MS);
    await Promise.all([page.waitForURL(`**${o.edit}`), edit.click()]);
    await page.waitForFunction(() => globalThis.seen.ready > 0);
    times.push((await painted(page)).ready);
    await page.waitForTimeout(QUIET_MS);
    out.editorShift.push((await painted(page)).shift);
  }
  const shown = (what) => page.evaluate(([button]) => new Promise((done) => {
    let start = 0;
    document.addEventListener("holt:shown", () => requestAnimationFrame(() => setTimeout(() => done(performance.now() - start))), { once: true });
    if (button) {
      start = performance.now();
      document.querySelector(button).click();
    } else document.addEventListener("keydown", () => (start = performance.now()), { once: true, capture: true });
  }), [what]);
  await page.locator("[data-set-mode=split]").click();
  await page.locator(READY.join(" ")).click();
  await page.waitForTimeout(QUIET_MS);
  for (const key of "abc") {
    const follows = shown(null);
    // It has to listen first.
    await page.waitForTimeout(QUIET_MS);
    await page.keyboard.press(key);
    out.follows.push(await follows);
  }
  await page.locator("[data-set-mode=write]").click();
  await page.locator(READY.join(" ")).click();
  await page.keyboard.type("x");
  out.preview.push(await shown("[data-set-mode=preview]"));
  // Nobody saves: the browser would ask.
  page.on("dialog", (dialog) => dialog.accept());
  await close([desk]);
};

const close = async (windows) => {
  const complaints = windows.flatMap((window) => window.complaints);
  for (const { context } of windows) await context.close();
  if (complaints.length) throw new Error(complaints.join("; "));
};

const browser = await launch();
try {
  const out = { browser: browser.version(), paint: [], bare: [], empty: [], shift: [], first: [], warm: [], editor: [], editorAgain: [], editorShift: [], follows: [], preview: [] };
  // The browser itself warms up.
  await read(browser, { paint: [], shift: [], first: [], warm: [] });
  for (let i = 0; i < o.runs; i++) {
    await read(browser, out);
    await floor(browser, out);
    await write(browser, out);
  }
  out.scripts = await scripts(browser);
  process.stdout.write(`${JSON.stringify(out)}\n`);
} finally {
  await browser.close();
}
