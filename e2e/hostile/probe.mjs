// Sees what runs, loads or leaves on the pages of one browser session, and provokes what waits for somebody to touch it.

import { session } from "../browser.mjs";

/** Time for what a page does by itself after it has loaded: events of media, frames, timers of 0. */
const SETTLE_MS = 25;
/** Time for the diagrams of a page to be drawn, and for a whole place. */
const DRAW_MS = 15_000;
const PLACE_MS = 90_000;
/** The same where pages may hang, and nobody wants to know why. */
const SHORT_MS = 16_000;

/** Runs in every frame before anything of the page. Nothing of the page can replace it, by name or by script. */
function install() {
  const tell = (name) => void globalThis.holtRan(String(name));
  const ran = new Proxy(function ran() {}, {
    apply: (_target, _self, [name]) => tell(name),
    get: (_target, name) => (typeof name === "string" ? tell(name) : undefined),
  });
  Object.defineProperty(globalThis, "__ran", { value: ran });
  for (const name of ["alert", "confirm", "prompt", "print"]) Object.defineProperty(globalThis, name, { value: (text) => tell(`${name} ${text}`) });
}

/** Places that are looked at side by side. */
const TABS = 4;

/**
 * A session that may run whatever a page holds (no content policy, unless `bypassCSP: false`) and remembers it by place. Whatever is not the
 * server is out of reach: a proxy that does not exist, or that of a hole (hole.mjs). `visit(place, go)` opens a place and answers what happened
 * there, and what stood there; `go` may look at several states of it by itself. `asked` are the addresses of all documents. Without `judges` only
 * what runs is looked at; `alone` gives a place a tab that is not used again, because what it began may still go on. With `survive` a page
 * that crashes, hangs or is lost is nothing to talk about: what ran until then is what happened.
 */
export async function watch(browser, server, { survive = false, ...options } = {}) {
  const proxy = { server: "http://127.0.0.1:9", bypass: "127.0.0.1" };
  const { context, complaints } = await session(browser, { bypassCSP: true, proxy, ...options });
  const host = new URL(server).host;
  const current = new Map();
  const asked = new Set();
  const idle = [];
  await context.exposeBinding("holtRan", ({ page, frame }, name) => current.get(page)?.ran.add(draws(frame, server) ? `${name} in the drawing frame` : name));
  await context.addInitScript(install);
  await context.addInitScript(installJudge, options.bypassCSP ?? true);

  // One after the other, and each is tried: rarely, on a busy machine, one comes to be in which nothing of what was installed is there.
  let making = Promise.resolve();
  async function tab() {
    for (let attempts = 0; attempts < 5; attempts++) {
      const page = (making = making.catch(() => {}).then(() => context.newPage())) && (await making);
      await page.goto(`${server}/-/healthz`);
      if (await page.evaluate(() => typeof __ran === "function" && typeof __judge === "object" && typeof holtRan === "function")) return watched(page);
      await page.close();
    }
    throw new Error("no tab in which the probe is");
  }

  function watched(page) {
    const seen = () => current.get(page) ?? nowhere();
    page.on("dialog", (dialog) => {
      // Leaving an editor asks; nothing else may.
      if (dialog.type() !== "beforeunload") seen().ran.add(`dialog ${dialog.message()}`);
      dialog.accept().catch(() => {});
    });
    page.on("popup", (popup) => {
      current.set(popup, seen());
      seen().wrong.push(`opened ${popup.url()}`);
      if (survive) popup.close().catch(() => {});
    });
    page.on("framenavigated", (frame) => {
      if (frame === page.mainFrame() && frame.url() !== "about:blank" && !isOurs(frame.url(), host)) seen().wrong.push(`went to ${frame.url()}`);
    });
    page.on("request", (request) => {
      if (request.resourceType() === "document" && isOurs(request.url(), host)) asked.add(`${request.method()} ${new URL(request.url()).pathname}`);
      if (/^(https?|wss?|ftp):/.test(request.url()) && !isOurs(request.url(), host) && !mayLoad(request)) seen().wrong.push(`asked for ${request.url()}`);
    });
    return page;
  }

  async function visit(place, go, { judges = true, alone = false } = {}) {
    const page = idle.pop() ?? (await tab());
    const seen = nowhere(place);
    current.set(page, seen);
    const look = async (where = "") => {
      const before = page.url().split("#")[0];
      if (/^https?:/.test(before) && !survive) await page.evaluate((patience) => globalThis.__judge?.drawn(patience), DRAW_MS).catch(() => {});
      await page.waitForTimeout(SETTLE_MS);
      if (!judges) return provoke(page);
      // Before as well: what is touched may load another page, which is in order again.
      const wrong = new Set((await standing(page)).wrong);
      for (const what of strangeFrames(page, server)) wrong.add(what);
      await provoke(page);
      if (page.url().split("#")[0] !== before) wrong.add(`led from ${before} to ${page.url()}`);
      const after = await standing(page);
      for (const what of after.wrong) wrong.add(what);
      seen.wrong.push(...[...wrong].map((what) => where + what));
      seen.text = after.text;
    };
    try {
      await within(survive ? SHORT_MS : PLACE_MS, async () => {
        seen.status = (await go(page, look))?.status() ?? 0;
        await look();
      });
    } catch (error) {
      if (!survive) throw new Error(`${place}: ${error.message}`, { cause: error });
      await close(page);
      return seen;
    }
    if (alone) {
      close(page);
      return seen;
    }
    // The tab is used again at once: a blank page in between would take longer than most visits.
    idle.push(page);
    return seen;
  }

  /** Visits several places side by side; answers what happened at each, in order. */
  async function tour(stops, what) {
    const results = [];
    let next = 0;
    const walk = async () => {
      for (let at = next++; at < stops.length; at = next++) results[at] = await visit(...stops[at], what);
    };
    await Promise.all(Array.from({ length: TABS }, walk));
    return results;
  }
  /** A tab for something else than a visit. */
  async function borrow(work) {
    const page = idle.pop() ?? (await tab());
    await work(page);
    idle.push(page);
  }
  return { context, complaints, asked, visit, tour, borrow };
}

function nowhere(place = "between two places") {
  return { place, ran: new Set(), wrong: [], status: 0, text: "" };
}

/** A page in an endless loop does not even close, nor does one that is between two pages. */
function close(page) {
  return within(SHORT_MS / 8, () => page.close()).catch(() => {});
}

/** What `work` answers, or an error when it takes longer. */
async function within(limit, work) {
  let timer;
  const late = new Promise((_resolve, reject) => (timer = setTimeout(() => reject(new Error(`nothing for ${limit} ms`)), limit)));
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function isOurs(url, host) {
  return new URL(url).host === host;
}

/** The frame that diagrams are drawn in. Only that it is one: whether it is made as it should be is judged in the page. */
function draws(frame, server) {
  return frame.parentFrame() !== null && frame.url().startsWith(`${server}/-/static/diagram.`);
}

/** Frames that are not where the page put them. What a known host shows is out of reach, and so is an error of the browser. */
function strangeFrames(page, server) {
  const strange = page.frames().filter((frame) => frame.parentFrame() && !(frame.parentFrame() === page.mainFrame() && (draws(frame, server) || /^(chrome-error:|https:\/\/www\.youtube-nocookie\.com\/|$)/.test(frame.url()))));
  return strange.map((frame) => `a frame that shows ${frame.url()}`);
}

/** What pages may load from elsewhere: pictures and videos of an address written as such, and the videos of one known host. */
function mayLoad(request) {
  const { hostname, protocol } = new URL(request.url());
  if (hostname === "picture.test") return ["image", "media"].includes(request.resourceType());
  return protocol === "https:" && hostname === "www.youtube-nocookie.com" && request.frame() !== request.frame().page().mainFrame();
}

/** Does what a reader may do, to every element: moves over it, focuses, clicks, opens; and sends each event that it has a handler for. */
async function provoke(page) {
  for (const frame of page.frames()) await frame.evaluate(touch).catch(() => {});
  await page.waitForTimeout(SETTLE_MS);
}

/** A real hand: moves, clicks and tabs through what is on the screen. Only in front: a tab behind gets such events once a second. */
export async function touchByHand(page) {
  await page.bringToFront();
  await page.evaluate(() => addEventListener("click", (event) => /^https?:/.test(event.target.closest?.("a")?.protocol ?? "") && event.preventDefault(), true));
  for (let y = 120; y < 780; y += 70) await page.mouse.click(340, y);
  for (let i = 0; i < 12; i++) await page.keyboard.press("Tab");
}

function touch() {
  const ordinary = /^(https?|mailto|tel|ftps?|ircs?):$/;
  for (const details of document.querySelectorAll("main details")) details.open = !details.open;
  for (const element of document.querySelectorAll("*")) {
    for (const name of element.getAttributeNames()) {
      if (/^on\w/i.test(name)) element.dispatchEvent(new Event(name.slice(2).toLowerCase(), { cancelable: true }));
    }
    const link = element.closest("a[href], area[href]") === element || element.hasAttribute("xlink:href");
    const protocol = typeof element.protocol === "string" ? element.protocol : "javascript:";
    if (link && !ordinary.test(protocol)) element.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, view: window }));
    if (element.closest("article.prose, [data-preview]")) {
      for (const type of ["mouseover", "mouseenter", "pointerover", "focusin"]) element.dispatchEvent(new Event(type, { bubbles: true }));
      if (element.matches("input, textarea, select, button, [tabindex], [contenteditable], a[href]")) element.focus({ preventScroll: true });
      if (element.matches("button:not([type=button]), input[type=submit], input[type=image]")) element.click();
    }
  }
}

/** What stands on the page and should not, whether it ran or not; and all of the page. */
async function standing(page) {
  const read = () => page.evaluate(() => ({ wrong: /^https?:/.test(location.href) ? globalThis.__judge?.standing() ?? ["the page was not judged"] : [], text: document.documentElement?.outerHTML ?? "" }));
  return read().catch((error) => ({ wrong: [`the page could not be read: ${error.message.split("\n")[0]}`], text: "" }));
}

/**
 * What stands on the page and should not, whether it ran or not; runs in the page before anything of it. What the server sent is judged when
 * it has been parsed, before any of our scripts that wait for that, and what it sent for the preview when it is shown. Later the same is
 * judged again, and what our scripts made of it: that alone may be what nobody may send, and only as they make it.
 */
function installJudge(mayParse) {
  if (globalThis !== top) return;
  const FRAME = /^\/-\/static\/diagram\.[0-9a-f]{12}\.html$/;
  const SCRIPT = /^\/-\/static\/(holt|editor|tables|diagrams)\.[0-9a-f]{12}\.js$/;
  const PICTURE = "data:image/svg+xml;charset=utf-8,";
  const FORBIDDEN = "script, style, svg, object, embed, applet, form, base, link, meta, template, textarea, select, frame, frameset, noscript, dialog, portal, slot, title";
  const USERS = "article.prose, [data-preview]";
  const sent = new WeakSet();
  const wrongAsSent = [];
  let judged = false;
  let asked = 0;
  let answered = 0;

  const only = (element, ...names) => element.getAttributeNames().every((name) => names.includes(name));
  const made = (element) => !sent.has(element);
  const notes = () => {
    const wrong = [];
    return { wrong, say: (what, element) => wrong.length < 20 && wrong.push(`${what}: ${element.outerHTML.slice(0, 160)}`) };
  };

  /** The frame that our script draws in, as it is made: without our origin, and out of reach. */
  const drawingFrame = (element) => {
    const address = element.getAttribute("src");
    if (!made(element) || element.parentNode !== document.body || element.nextElementSibling || !FRAME.test(address) || element.src !== location.origin + address) return false;
    if (element.getAttribute("sandbox") !== "allow-scripts" || element.className !== "diagram-frame" || !only(element, "class", "src", "tabindex", "title", "sandbox", "aria-hidden")) return false;
    try {
      return element.contentDocument === null && element.contentWindow.document === undefined;
    } catch (error) {
      return error.name === "SecurityError";
    }
  };
  /** The figure that our script puts around the source of a diagram. */
  const drawing = (figure) => {
    if (!figure.matches("main figure.diagram") || !made(figure) || !only(figure, "class") || figure.className !== "diagram" || figure.childNodes.length !== 2) return false;
    const [image, details] = figure.childNodes;
    if (!made(image) || image.localName !== "img" || !image.getAttribute("src").startsWith(PICTURE) || !only(image, "alt", "src", "width", "height")) return false;
    if (!made(details) || details.localName !== "details" || !only(details, "open") || details.childNodes.length !== 2) return false;
    const [summary, source] = details.childNodes;
    return made(summary) && summary.localName === "summary" && only(summary) && !summary.childElementCount && sent.has(source) && source.matches("pre.mermaid");
  };
  /** What our scripts make of what was sent: drawings, and what makes a table one of data. */
  const ours = (element) => {
    if (element.matches("figure, figure.diagram > img, figure.diagram > details, figure.diagram > details > summary")) return drawing(element.closest("figure"));
    if (element.matches("p.text-danger.diagram-problem")) return only(element, "class") && !element.childElementCount;
    if (element.matches(":is(h1, h2, h3, h4, h5, h6) > a.edit-section")) {
      const address = element.getAttribute("href");
      return only(element, "class", "href", "aria-label") && element.textContent === "Edit" && !element.childElementCount && address.includes("/edit?section=") && address.startsWith("/") && element.host === location.host;
    }
    if (element.matches("th > button.sort[type=button]")) return only(element, "class", "type");
    const bar = element.matches("div.datatable-bar") ? element : element.parentElement;
    return bar.matches("div.datatable-bar") && made(bar) && only(element, "class", "type", "placeholder", "aria-label", "role", "disabled")
      && (element === bar || element.matches("input[type=search], button.button[type=button], span.muted"));
  };

  /** Anywhere on the page. */
  const judgeAll = (elements, live, say) => {
    for (const element of elements) {
      const written = element.closest(USERS);
      const may = live && made(element);
      for (const { name, value } of element.attributes) {
        if (/^on/i.test(name)) say("a handler", element);
        const runs = /^\s*(java|vb|live)script\s*:|^\s*data:(?!image\/(gif|png|jpeg|webp);)/i.test(value.replaceAll(/[\0-\x20]/g, "")) && !/^(title|alt|value|content|placeholder|aria-label|class|id|name)$/.test(name);
        if (runs && !(may && name === "src" && element.matches("figure > img") && drawing(element.parentNode))) say("an address that runs", element);
      }
      if (element.matches("script") && !(sent.has(element) && !written && SCRIPT.test(element.getAttribute("src")) && element.src === location.origin + element.getAttribute("src") && element.text === "" && only(element, "src", "defer", "data-frame"))) say("a script", element);
      if (element.hasAttribute("data-frame") && !(element.matches("script") && FRAME.test(element.getAttribute("data-frame")))) say("an attribute that scripts read", element);
      if (element.matches("iframe") && !(/^https:\/\/www\.youtube-nocookie\.com\/embed\/[\w-]+\?/.test(element.src) && sent.has(element)) && !(may && drawingFrame(element))) say("a frame", element);
      if (element.matches("base, object, embed, applet, style, meta[http-equiv]")) say("an element that loads or replaces", element);
    }
  };
  /** Where users write. */
  const judgeWritten = (elements, live, say) => {
    for (const element of elements) {
      const ofOurs = live && made(element) && ours(element);
      if (live && made(element) && !ofOurs) say("an element that nobody sent", element);
      if (element.matches(FORBIDDEN) || element.localName.includes("-")) say("an element that nobody may write", element);
      if (element.matches("button") && element.type !== "button") say("a button that sends", element);
      if (element.matches("input") && element.type !== "checkbox" && !ofOurs) say("a field", element);
      const known = (name) => live && name === "data-enhanced" && element.matches(".datatable-embedding table");
      if (element.getAttributeNames().some((name) => /^(data-|hx-|x-|v-|ng-|@|:|form|is$|ping$|srcset$|slot$|nonce$|popover|contenteditable|autofocus)/.test(name) && !known(name))) say("an attribute that scripts read", element);
      if (/^holt-/i.test(element.id) || /^holt-/i.test(element.getAttribute("name") ?? "")) say("a name of the frame", element);
      if (/url\(|position|expression|@import|behavior|--/i.test(element.getAttribute("style") ?? "")) say("a style that loads or covers", element);
      // What is parsed may wait for its styles; to ask for them then would make the page wait.
      if (live && ["fixed", "sticky"].includes(getComputedStyle(element).position)) say("something that covers the page", element);
      if (element.matches("a.wikilink") && element.host !== location.host) say("a wikilink that leaves", element);
    }
  };
  // Written out and read again it is the same (security.md MD-10): no markup waits for a second parser. Under the policy nobody may parse.
  const judgeAgain = (root, wrong) => {
    if (!mayParse) return;
    const again = new DOMParser().parseFromString(`<!doctype html><body><div>${root.innerHTML}</div>`, "text/html").body.firstElementChild;
    if (again.innerHTML !== root.innerHTML || again.nextSibling) {
      const at = [...root.innerHTML].findIndex((c, i) => c !== again.innerHTML[i]);
      wrong.push(`read a second time it is different: ${root.innerHTML.slice(Math.max(0, at - 40), at + 80)} | ${again.innerHTML.slice(Math.max(0, at - 40), at + 80)}`);
    }
  };

  const judge = (live) => {
    const { wrong, say } = notes();
    if (!document.querySelector("head > link[rel=stylesheet][href^='/-/static/']")) return ["the page is not ours any more"];
    const users = [...document.querySelectorAll(USERS)];
    judgeAll(document.querySelectorAll("*"), live, say);
    judgeWritten(users.flatMap((root) => [...root.querySelectorAll("*")]), live, say);
    // The frame is as it was made: nothing that a page holds closed, opened or swallowed a part of it.
    const parts = (element) => [...(element?.children ?? [])].map((child) => child.localName + (child.className && typeof child.className === "string" ? `.${child.className.split(" ")[0]}` : "")).join(" ");
    const frame = { body: parts(document.body), shell: parts(document.querySelector("body > .shell")), page: parts(document.querySelector("body > .shell > .page")) };
    // The scripts of a page stand at the end of main. The last of body may be what diagrams are drawn in; which frame that is, is judged above.
    if (frame.body !== "svg a.skip header.top div.shell" && !(live && frame.body === "svg a.skip header.top div.shell iframe.diagram-frame")) wrong.push(`the body is ${frame.body}`);
    if (frame.shell !== "div.side div.page") wrong.push(`the shell is ${frame.shell}`);
    if (!/^div\.bar main( aside\.aside)?( footer\.foot)?$/.test(frame.page)) wrong.push(`the page is ${frame.page}`);
    const article = document.querySelector("article.prose[data-page-path]");
    if (article && (article.parentElement.localName !== "main" || !/^article\.prose( script){0,2}$/.test(parts(article.parentElement)))) wrong.push("the article is not all of main");
    if (article && !document.querySelector("body > .shell > .page > footer.foot")) wrong.push("a page without its foot");
    if (live && document.documentElement.scrollWidth > innerWidth + 1) wrong.push(`the page is ${document.documentElement.scrollWidth - innerWidth} px wider than the window`);
    for (const root of users) judgeAgain(root, wrong);
    return wrong;
  };

  /** `root` is as the server sent it. */
  const take = (root, about) => {
    try {
      for (const element of root.querySelectorAll("*")) sent.add(element);
      wrongAsSent.push(...about());
      if (document.querySelector("main script[data-frame]")) asked += root.querySelectorAll("pre.mermaid").length;
    } catch (error) {
      wrongAsSent.push(`could not be judged as it was sent: ${error}`);
    }
  };
  document.addEventListener("readystatechange", () => {
    if (judged || document.contentType !== "text/html") return;
    judged = true;
    take(document, () => judge(false));
  });
  addEventListener("holt:shown", ({ target }) => {
    take(target, () => {
      const { wrong, say } = notes();
      judgeAll(target.querySelectorAll("*"), false, say);
      judgeWritten(target.querySelectorAll("*"), false, say);
      judgeAgain(target, wrong);
      return wrong;
    });
  }, true);
  addEventListener("message", ({ source, data }) => {
    if (typeof data?.id === "number" && [...document.querySelectorAll("body > iframe.diagram-frame")].some((frame) => frame.contentWindow === source)) answered++;
  }, true);

  const drawn = async (patience) => {
    for (const end = performance.now() + patience; answered < asked && performance.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const standing = () => {
    if (document.contentType !== "text/html") return [];
    if (!judged) return ["the page was not judged as it was sent"];
    const waiting = answered < asked ? [`${asked - answered} of ${asked} diagrams were not drawn`] : [];
    return [...wrongAsSent.splice(0).map((what) => `as sent: ${what}`), ...waiting, ...judge(true)];
  };
  Object.defineProperty(globalThis, "__judge", { value: Object.freeze({ drawn, standing }) });
}
