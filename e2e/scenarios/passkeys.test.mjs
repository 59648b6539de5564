// Passkeys with Chromium's own authenticator (CDP, WebAuthn): made, used without saying who one is, and removed; at the platform, and at a wiki that is
// part of none.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, overflow, picture, session, whySkip } from "../browser.mjs";
import { violations } from "../everything.mjs";
import { holt, serve, temporary } from "../holt.mjs";

const ann = { email: "ann@example.org", password: "correct horse battery" };

/** A page with an authenticator that sees its owner and says yes. */
async function device(browser, options = {}) {
  const own = await session(browser, options);
  const page = await own.page();
  const cdp = await own.context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  return { ...own, page, sees: (isUserVerified) => cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }) };
}

describe("passkeys", { skip: whySkip(), timeout: 180_000 }, () => {
  let browser;
  before(async () => void (browser = await launch()));
  after(() => browser?.close());

  for (const [where, flags, login, account, home] of [
    ["the platform", ["--domain", "localhost"], "/auth/login", "/app/account", "/app"],
    ["a wiki", [], "/-/login", "/-/settings", "/"],
  ]) {
    test(`at ${where}: made, used, removed`, async () => {
      const data = temporary();
      holt(["wiki", "create", "docs", "--data", data.dir]);
      holt(["user", "add", ann.email, "--name", "Ann", "--admin", "--password-stdin", "--data", data.dir], { input: `${ann.password}\n` });
      const server = await serve(data.dir, flags);
      const url = `http://localhost:${new URL(server.url).port}`;
      try {
        const { page, complaints, context, sees } = await device(browser);
        await page.goto(`${url}${login}`);
        await page.fill("#holt-email", ann.email);
        await page.fill("#holt-password", ann.password);
        await page.click("main form button.primary");
        await page.waitForURL((to) => !to.pathname.endsWith("/login"));
        await page.goto(`${url}${account}`);
        await page.fill("#holt-passkey", "Ann’s laptop");
        await page.click("text=Add a passkey");
        await page.waitForURL("**?saved=1");
        assert.equal(await page.textContent("#passkeys .log strong"), "Ann’s laptop");
        assert.deepEqual(await violations(page), []);
        await picture(page, `passkeys-${where.split(" ")[1]}`);
        // The same device once more: the browser knows that there is one.
        await page.click("text=Add a passkey");
        await page.waitForSelector("text=No passkey was made");
        await context.clearCookies();
        await page.goto(`${url}${login}`);
        assert.deepEqual(await violations(page), []);
        assert.equal(await overflow(page), 0);
        // Somebody whom the device does not recognize.
        await sees(false);
        await page.click("text=Log in with a passkey");
        await page.waitForSelector("text=The passkey did not work");
        await sees(true);
        await page.click("text=Log in with a passkey");
        await page.waitForURL((to) => to.pathname === home || to.pathname === "/app/create");
        await page.goto(`${url}${account}`);
        assert.equal(await page.inputValue("#holt-name"), "Ann");
        await page.click("#passkeys .danger");
        await page.waitForURL("**?saved=1");
        assert.equal(await page.locator("#passkeys .log").count(), 0);
        await context.clearCookies();
        await page.goto(`${url}${login}`);
        await page.click("text=Log in with a passkey");
        await page.waitForSelector("text=That passkey is not known here");
        assert.deepEqual(complaints.filter((complaint) => !complaint.startsWith("422")), []);
        await context.close();
      } finally {
        await server.stop();
        data.remove();
      }
    });
  }
});
