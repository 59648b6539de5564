// The platform in a real browser, on names of localhost: an account, a wiki, into it by one log-in, and out of both; every page of it in both themes
// and on a phone.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, overflow, picture, session, whySkip } from "../browser.mjs";
import { violations } from "../everything.mjs";
import { holt, serve, temporary } from "../holt.mjs";

const eve = { name: "Eve Example", email: "eve@example.org", password: "correct horse battery" };

describe("the platform", { skip: whySkip(), timeout: 300_000 }, () => {
  let data, server, browser, home, port;

  before(async () => {
    data = temporary();
    holt(["wiki", "create", "main", "--data", data.dir]);
    holt(["user", "add", "olga@example.org", "--name", "Olga", "--admin", "--password-stdin", "--data", data.dir], { input: "correct horse battery\n" });
    server = await serve(data.dir, ["--domain", "localhost", "--sign-up", "open"]);
    port = new URL(server.url).port;
    home = `http://localhost:${port}`;
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    try {
      await server?.stop();
    } finally {
      data?.remove();
    }
  });

  const logIn = async (page, email, at) => {
    await page.goto(at);
    await page.fill("#holt-email", email);
    await page.fill("#holt-password", eve.password);
    await page.click("main button.primary");
  };

  test("one log-in from the platform into a wiki, and out of both", async () => {
    const { context, complaints } = await session(browser);
    const page = await context.newPage();
    await page.goto(home);
    await page.click("text=Register");
    await page.fill("#holt-name", eve.name);
    await page.fill("#holt-email", eve.email);
    await page.fill("#holt-password", eve.password);
    await page.fill("#holt-again", eve.password);
    await page.click("main button.primary");
    // Who has no wiki is asked to make one.
    await page.waitForURL("**/app/create");
    assert.equal(await page.inputValue("#holt-slug"), "eve-example");
    await page.fill("#holt-name", "Eve’s notes");
    await page.fill("#holt-slug", "eve");
    await page.click("main button.primary");
    await page.waitForSelector("text=Copy it now");
    await picture(page, "platform-wiki-made");
    await page.click("text=Open");
    await page.waitForURL(`http://eve.localhost:${port}/-/login?next=%2F`);
    await page.click("text=Log in with localhost");
    await page.waitForURL(`http://eve.localhost:${port}/`);
    await page.waitForSelector("text=Eve Example");
    const cookies = await context.cookies();
    assert.ok(cookies.every((cookie) => !cookie.domain.startsWith(".")), "cookies are for one host");
    // Logging out here, and then being sent back from a page of the wiki through the platform's form.
    await page.goto(`${home}/app`);
    await page.click("text=Log out");
    await page.waitForURL(`${home}/`);
    await page.goto(`http://eve.localhost:${port}/-/settings`);
    await page.waitForURL("**/-/login?next=%2F-%2Fsettings");
    await page.click("text=Log in with localhost");
    await page.waitForURL(`${home}/auth/login?**`);
    await page.fill("#holt-email", eve.email);
    await page.fill("#holt-password", eve.password);
    await page.click("main button.primary");
    await page.waitForURL(`http://eve.localhost:${port}/-/settings`);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  for (const [name, options] of [
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["phone", { viewport: { width: 390, height: 844 } }],
    ["German", { locale: "de-DE" }],
  ]) {
    test(`every page, ${name}`, async () => {
      const { context } = await session(browser, { ...options, bypassCSP: true });
      const page = await context.newPage();
      const found = [];
      const look = async (path, as) => {
        await page.goto(home + path, { waitUntil: "networkidle" });
        await picture(page, `platform-${name}-${as}`);
        found.push(...(await violations(page)).map((violation) => `${path}: ${violation}`));
        const wide = await overflow(page);
        if (wide > 0) found.push(`${path}: ${wide} px wider than the window`);
      };
      await look("/", "landing");
      await look("/auth/login", "login");
      await look("/auth/register", "register");
      await look("/nowhere", "nowhere");
      await logIn(page, eve.email, `${home}/auth/login`);
      for (const [path, as] of [["/app", "wikis"], ["/app/create", "create"], ["/app/wiki/eve", "wiki"], ["/app/account", "account"]]) await look(path, as);
      await page.goto(`http://main.localhost:${port}/-/login`);
      await page.click("a[href^='/-/login/platform']");
      await page.waitForSelector("main form[action='/auth/wiki']");
      await picture(page, `platform-${name}-to-wiki`);
      found.push(...(await violations(page)).map((violation) => `/auth/wiki: ${violation}`));
      await context.clearCookies();
      await logIn(page, "olga@example.org", `${home}/auth/login`);
      await page.waitForURL(`${home}/app**`);
      for (const [path, as] of [["/app/admin", "admin"], ["/app/admin/people", "people"], ["/app/admin/log", "log"], ["/app/admin/workers", "workers"]]) await look(path, as);
      await context.close();
      assert.deepEqual(found, []);
    });
  }
});
