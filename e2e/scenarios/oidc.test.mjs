// Logging in with a real OpenID provider (npm's oidc-provider, which is certified), the whole way in a real browser: at the platform, at a wiki that is
// part of none, and when somebody changes their mind.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";
import { launch, overflow, picture, session, whySkip } from "../browser.mjs";
import { violations } from "../everything.mjs";
import { holt, serve, temporary } from "../holt.mjs";

const ann = { email: "ann@example.org", password: "correct horse battery" };
const SECRET = "a-secret:&+%26more=";

/** A provider on a port of its own; what it knows of Holt is told later, when Holt's port is known. */
async function company() {
  let answer;
  const server = createServer((request, response) => answer(request, response));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const place = `127.0.0.1:${server.address().port}`;
  const issuer = `http://${place}`;
  const keys = [];
  for (const alg of ["ES256", "RS256"]) {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    keys.push({ ...(await exportJWK(privateKey)), alg, use: "sig", kid: `key-${alg}` });
  }
  const people = {
    "ada-1": { name: "Ada Lovelace", email: "ada@company.example", email_verified: true },
    "ann-9": { name: "Ann at work", email: "ann@company.example", email_verified: true },
  };
  /** From now on it knows one client, which comes back to these addresses and takes tokens signed by `alg`. */
  const knows = (alg, ...redirects) => {
    const provider = new Provider(issuer, {
      clients: [{ client_id: "holt", client_secret: SECRET, redirect_uris: redirects, grant_types: ["authorization_code"], response_types: ["code"], id_token_signed_response_alg: alg }],
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
      cookies: { keys: ["only for tests"] },
      jwks: { keys },
      findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
      pkce: { required: () => true },
    });
    provider.on("server_error", (_context, error) => console.error(error));
    answer = provider.callback();
  };
  return { issuer, place, knows, stop: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))) };
}

/** What people do at the provider: say who they are, and agree. */
async function agree(page, who) {
  await page.fill("input[name=login]", who);
  await page.fill("input[name=password]", "any");
  await page.click("button[type=submit]");
  await page.waitForSelector("text=Authorize");
  await page.click("button[type=submit]");
}

describe("logging in with a real OpenID provider", { skip: whySkip(), timeout: 180_000 }, () => {
  let provider, browser, secret;
  before(async () => {
    provider = await company();
    browser = await launch();
    secret = join(mkdtempSync(join(tmpdir(), "holt-oidc-")), "secret");
    writeFileSync(secret, `${SECRET}\n`);
  });
  after(async () => {
    await browser?.close();
    await provider?.stop();
    rmSync(join(secret, ".."), { recursive: true, force: true });
  });

  const flags = () => ["--oidc-issuer", provider.issuer, "--oidc-client-id", "holt", "--oidc-client-secret-file", secret, "--oidc-name", "Company", "--oidc-own-host", provider.place];

  test("at the platform: a newcomer, and again", async () => {
    const data = temporary();
    const server = await serve(data.dir, ["--domain", "localhost", "--oidc-sign-up", "open", ...flags()]);
    try {
      const home = `http://localhost:${new URL(server.url).port}`;
      provider.knows("ES256", `${home}/auth/callback/oidc`);
      const ada = await session(browser);
      const page = await ada.page();
      await page.goto(`${home}/app/account`);
      await page.waitForURL("**/auth/login?return_to=**");
      assert.deepEqual(await violations(page), []);
      assert.equal(await overflow(page), 0);
      await picture(page, "oidc-login");
      await page.click("text=Log in with Company");
      await agree(page, "ada-1");
      await page.waitForURL(`${home}/app/account`);
      assert.equal(await page.inputValue("#holt-name"), "Ada Lovelace");
      assert.equal(await page.textContent("#identities .log strong"), "Company");
      assert.deepEqual(await violations(page), []);
      await picture(page, "oidc-account");
      await page.click("text=Log out");
      await page.waitForURL(`${home}/`);
      // The provider knows them still, and asks nothing.
      await page.goto(`${home}/auth/login`);
      await page.click("text=Log in with Company");
      await page.waitForURL(`${home}/app/create`);
      assert.equal((await ada.context.cookies()).filter((cookie) => cookie.name === "holt_elsewhere").length, 0, "nothing is left of the way");
      assert.deepEqual(ada.complaints.filter((complaint) => !complaint.includes(provider.place)), []);
      await ada.context.close();
      // Somebody who does not want to.
      const other = await session(browser);
      const there = await other.page();
      await there.goto(`${home}/auth/login`);
      await there.click("text=Log in with Company");
      await there.click("text=Cancel");
      await there.waitForSelector("text=Company did not let you in");
      await other.context.close();
    } finally {
      await server.stop();
      data.remove();
    }
  });

  test("at a wiki that is part of no platform: an account is connected, and used", async () => {
    const data = temporary();
    holt(["wiki", "create", "docs", "--data", data.dir]);
    holt(["user", "add", ann.email, "--name", "Ann", "--admin", "--password-stdin", "--data", data.dir], { input: `${ann.password}\n` });
    const server = await serve(data.dir, flags());
    try {
      provider.knows("RS256", `${server.url}/-/login/callback/oidc`);
      const own = await session(browser);
      const page = await own.page();
      await page.goto(`${server.url}/-/login?next=%2F-%2Fsettings`);
      await page.fill("#holt-email", ann.email);
      await page.fill("#holt-password", ann.password);
      await page.click("main form button.primary");
      await page.waitForURL("**/-/settings");
      await page.click("text=Connect with Company");
      await agree(page, "ann-9");
      await page.waitForURL("**/-/settings?saved=1");
      assert.ok((await page.textContent("#identities")).includes("ann@company.example"));
      assert.deepEqual(await violations(page), []);
      await picture(page, "oidc-settings");
      assert.deepEqual(own.complaints.filter((complaint) => !complaint.includes(provider.place)), []);
      await own.context.close();
      // Another browser, without a password.
      const again = await session(browser, { viewport: { width: 390, height: 844 } });
      const phone = await again.page();
      await phone.goto(`${server.url}/-/login?next=%2F-%2Fadmin`);
      assert.equal(await overflow(phone), 0);
      await phone.click("text=Log in with Company");
      await agree(phone, "ann-9");
      await phone.waitForURL("**/-/admin");
      await again.context.close();
    } finally {
      await server.stop();
      data.remove();
    }
  });
});
