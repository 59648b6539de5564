// A real Chromium, and a watch on everything it complains about: script errors, CSP violations, failed resources.

import { existsSync, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const PATIENCE_MS = 15_000;

/** Where Chromium is: HOLT_CHROMIUM, else what the PATH has, else undefined. */
export function chromiumPath() {
  if (process.env.HOLT_CHROMIUM) return process.env.HOLT_CHROMIUM;
  const programs = (process.env.PATH ?? "").split(delimiter).flatMap((dir) => ["chromium", "chromium-browser", "google-chrome"].map((name) => join(dir, name)));
  return programs.find((program) => existsSync(program));
}

/** Why browser tests cannot run here, or false. Where HOLT_TESTS_REQUIRE=all a missing browser is a failure, not a reason. */
export function whySkip() {
  if (chromiumPath()) return false;
  if (process.env.HOLT_TESTS_REQUIRE === "all") throw new Error("Chromium is missing: scripts/test-tools.sh installs it");
  return "SKIPPED: no Chromium here";
}

/** Starts Chromium. `args`: more of its own flags. */
export async function launch(args = []) {
  return chromium.launch({ executablePath: chromiumPath(), timeout: 60_000, args: ["--disable-gpu", "--disable-dev-shm-usage", ...args] });
}

/** A fresh session (cookies of its own). `complaints` gathers what went wrong on any of its pages; a test asserts that it stays empty. */
export async function session(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light", reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const complaints = [];
  await context.exposeBinding("holtE2eViolation", (_source, text) => complaints.push(`CSP: ${text}`));
  await context.addInitScript(() =>
    document.addEventListener("securitypolicyviolation", (e) => globalThis.holtE2eViolation(`${e.effectiveDirective} ${e.blockedURI} on ${location.pathname}`)),
  );
  context.on("weberror", (error) => complaints.push(`script: ${error.error()}`));
  context.on("console", (message) => {
    // Chromium also reports an answer of 4xx here; those are judged below, where the kind of request is known.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(`console: ${message.text()}`);
  });
  context.on("response", (response) => {
    const page = response.request().resourceType() === "document";
    if (response.status() >= (page ? 500 : 400)) complaints.push(`${response.status()} for ${response.url()}`);
  });
  return { context, complaints, page: () => context.newPage() };
}

/** Saves what the page looks like as e2e/out/NAME.png, for people to look at. */
export async function picture(page, name) {
  const dir = join(import.meta.dirname, "out");
  mkdirSync(dir, { recursive: true });
  await page.screenshot({ path: join(dir, `${name}.png`), fullPage: true });
}

/** How many pixels the page is wider than the window: 0 means nobody scrolls sideways. */
export function overflow(page) {
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - window.innerWidth));
}
