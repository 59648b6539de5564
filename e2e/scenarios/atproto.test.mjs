// Somebody logs in with their account of the AT Protocol, at Bluesky's own authorization server, in a real browser over TLS: there, back, into a wiki,
// and out.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { AUTH, network } from "../atproto.mjs";
import { launch, overflow, picture, session, whySkip } from "../browser.mjs";
import { violations } from "../everything.mjs";
import { serve, temporary } from "../holt.mjs";

const DOMAIN = "wiki.example.com";
const alice = { did: "did:plc:z72i7hdynmk6r22z27h6tvur", handle: "alice.test", name: "Alice Liddell", password: "down the hole" };
const hare = { did: "did:plc:ewvi7nxzyoun6zhxrhs64oiz", handle: "hare.test", name: "March Hare", password: "half past six" };

describe("the AT Protocol", { skip: whySkip(), timeout: 300_000 }, () => {
  let data, server, browser, world;

  before(async () => {
    data = temporary();
    world = await network(DOMAIN, [alice, hare]);
    const atproto = ["--atproto", "on", "--atproto-directory", "https://plc.test", "--atproto-profiles", "https://profiles.test", "--test-network", world.network];
    // Nothing answers there: names are looked up at their own hosts.
    const proxy = ["--trust-proxy", "127.0.0.1", "--secure-cookies", "--resolver", "127.0.0.1:9"];
    server = await serve(data.dir, ["--domain", DOMAIN, "--sign-up", "open", ...atproto, ...proxy]);
    world.holt(server.url);
    browser = await launch([`--host-resolver-rules=${world.rules}`, "--ignore-certificate-errors"]);
  });
  after(async () => {
    await browser?.close();
    try {
      await server?.stop();
    } finally {
      world?.close();
      data?.remove();
    }
  });

  /** Fills in the forms of the authorization server. */
  const agree = async (page) => {
    await page.waitForURL(`https://${AUTH}/oauth/authorize**`);
    await page.fill("input[name=password]", alice.password);
    await page.click("button[type=submit]");
    await page.getByRole("button", { name: /authorize|accept|allow/i }).click();
  };

  test("there and back, into a wiki and out of it", async () => {
    const { context, complaints } = await session(browser, { ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(`https://${DOMAIN}/auth/login?return_to=/app/account`);
    await picture(page, "atproto-log-in");
    assert.deepEqual(await violations(page), []);
    assert.equal(await overflow(page), 0);
    await page.fill("#holt-atproto", `@${alice.handle}`);
    await page.click("text=Log in with Bluesky");
    await agree(page);
    await page.waitForURL(`https://${DOMAIN}/app/account`);
    await page.waitForSelector(`text=${alice.name}`);
    await page.waitForSelector(`#identities >> text=${alice.handle}`);
    await picture(page, "atproto-account");
    assert.equal(world.liveTokens(), 0, "the tokens were given back");
    const cookies = (await context.cookies()).filter((cookie) => cookie.domain.endsWith(DOMAIN));
    assert.ok(cookies.length > 0 && cookies.every((cookie) => cookie.name.startsWith("__Host-") && cookie.secure && cookie.httpOnly));
    // A wiki of her own, by the same log-in.
    await page.goto(`https://${DOMAIN}/app/create`);
    await page.fill("#holt-name", "Wonderland");
    await page.fill("#holt-slug", "wonderland");
    await page.click("main button.primary");
    await page.waitForSelector("text=Copy it now");
    await page.goto(`https://wonderland.${DOMAIN}/-/login/platform?next=/-/settings`);
    await page.waitForURL(`https://wonderland.${DOMAIN}/-/settings`);
    // Out, and in again: the account is the same.
    await page.goto(`https://${DOMAIN}/app`);
    await page.click("text=Log out");
    await page.waitForURL(`https://${DOMAIN}/`);
    await page.goto(`https://${DOMAIN}/auth/login?username=${alice.did}`);
    await page.click("text=Log in with Bluesky");
    // She agreed before; whether she has to say who she is again is that server's.
    await page.waitForURL(`https://${AUTH}/oauth/authorize**`);
    await page.fill("input[name=password]", alice.password);
    await page.click("button[type=submit]");
    await page.waitForURL(`https://${DOMAIN}/app`);
    await page.waitForSelector("text=Wonderland");
    assert.deepEqual([complaints.filter((complaint) => !complaint.includes(AUTH)), world.failures()], [[], []]);
    await context.close();
  });

  test("who says no there is not in here", async () => {
    const { context } = await session(browser, { ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(`https://${DOMAIN}/auth/login`);
    await page.fill("#holt-atproto", hare.handle);
    await page.click("text=Log in with Bluesky");
    await page.waitForURL(`https://${AUTH}/oauth/authorize**`);
    await page.fill("input[name=password]", hare.password);
    await page.click("button[type=submit]");
    await page.getByRole("button", { name: /authorize|accept|allow/i }).waitFor();
    await page.getByRole("button", { name: /cancel|deny|reject/i }).click();
    await page.waitForURL(`https://${DOMAIN}/auth/callback**`);
    await page.waitForSelector("text=did not let you in");
    await page.goto(`https://${DOMAIN}/app`);
    await page.waitForURL(`https://${DOMAIN}/auth/login**`);
    await context.close();
  });
});
