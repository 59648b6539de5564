// The control: the watch of browser.mjs sees what the other scenarios assert to be absent.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, overflow, session, whySkip } from "../browser.mjs";

const bad = `<!doctype html><title>bad</title><body><main style="width: 3000px">wide</main>
<script>document.title = "the inline script ran";</script><script src="/throws.js"></script><img src="/missing.png">`;

describe("the watch", { skip: whySkip(), timeout: 60_000 }, () => {
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser?.close());

  for (const javaScriptEnabled of [true, false]) {
    test(`sees violations and failures with scripts ${javaScriptEnabled ? "on" : "off"}`, async () => {
      const { context, complaints, page } = await session(browser, { javaScriptEnabled });
      await context.route("**/*", (route) => {
        const path = new URL(route.request().url()).pathname;
        if (path === "/missing.png") return route.fulfill({ status: 404 });
        if (path === "/throws.js") return route.fulfill({ contentType: "text/javascript", body: "throw new Error('thrown')" });
        return route.fulfill({ contentType: "text/html", headers: { "content-security-policy": "default-src 'self'; style-src 'none'" }, body: bad });
      });
      const tab = await page();
      await tab.goto("http://watch.test/", { waitUntil: "load" });
      await tab.waitForTimeout(0);
      const seen = complaints.join("\n");
      assert.match(seen, /404 for .*missing\.png/);
      assert.match(seen, /style-src|Content Security Policy/);
      if (javaScriptEnabled) {
        assert.match(seen, /thrown/);
        assert.match(seen, /script-src/);
        assert.equal(await tab.title(), "bad");
      }
      await context.close();
    });
  }

  test("sees a page that is too wide", async () => {
    const { context, page } = await session(browser);
    const tab = await page();
    await tab.setContent('<div style="width: 3000px">wide</div>');
    assert.ok((await overflow(tab)) > 1000);
    await context.close();
  });
});
