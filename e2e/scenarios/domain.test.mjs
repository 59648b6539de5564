// A domain of a wiki's own in a real browser: claimed, shown by a DNS server of this test's own, made the address, and logged into from the platform.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { after, before, describe, test } from "node:test";
import { launch, overflow, picture, session, whySkip } from "../browser.mjs";
import { violations } from "../everything.mjs";
import { holt, serve, temporary } from "../holt.mjs";

const password = "correct horse battery";
const name = "wiki.example.com";

/** A DNS server that answers every question with `texts`, each as a TXT record. */
function resolver(texts) {
  const socket = createSocket("udp4");
  socket.on("message", (question, from) => {
    const end = question.indexOf(0, 12) + 5;
    const head = Buffer.from(question.subarray(0, end));
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(texts.length, 6);
    const records = texts.map((text) => {
      const data = Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
      const record = Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 0]);
      record.writeUInt16BE(data.length, 10);
      return Buffer.concat([record, data]);
    });
    socket.send(Buffer.concat([head, ...records]), from.port, from.address);
  });
  return new Promise((resolve) => socket.bind(0, "127.0.0.1", () => resolve(socket)));
}

describe("a domain of a wiki's own", { skip: whySkip(), timeout: 300_000 }, () => {
  const texts = [];
  let data, server, browser, dns, port;

  before(async () => {
    data = temporary();
    dns = await resolver(texts);
    for (const who of ["eve", "bob"]) holt(["user", "add", `${who}@example.org`, "--name", who, "--password-stdin", "--data", data.dir], { input: `${password}\n` });
    server = await serve(data.dir, ["--domain", "localhost", "--resolver", `127.0.0.1:${dns.address().port}`]);
    port = new URL(server.url).port;
    browser = await launch([`--host-resolver-rules=MAP ${name} 127.0.0.1`]);
  });
  after(async () => {
    await browser?.close();
    dns?.close();
    try {
      await server?.stop();
    } finally {
      data?.remove();
    }
  });

  // Without TLS, which tests do without, browsers warn of what they leave out at names that are not localhost.
  const serious = (complaints) => complaints.filter((complaint) => !/^422|Cross-Origin-Opener-Policy header has been ignored/.test(complaint.replace(/^console: The /, "")));

  const logIn = async (page, who) => {
    await page.fill("#holt-email", `${who}@example.org`);
    await page.fill("#holt-password", password);
    await page.click("main button.primary");
  };

  test("from the claim to the address", async () => {
    const { context, complaints } = await session(browser);
    const page = await context.newPage();
    await page.goto(`http://localhost:${port}/auth/login`);
    await logIn(page, "eve");
    await page.waitForURL("**/app/create");
    await page.fill("#holt-name", "Eve’s notes");
    await page.fill("#holt-slug", "eve");
    await page.click("main button.primary");
    await page.goto(`http://localhost:${port}/app/wiki/eve`);
    await page.fill("#holt-domain", " Wiki.Example.COM ");
    await page.click("text=Add the domain");
    const record = await page.textContent("#domains pre");
    assert.match(record, /^_holt\.wiki\.example\.com\. TXT "holt-verification=[\w-]{32}"$/);
    await picture(page, "domain-claimed");
    assert.deepEqual(await violations(page), []);
    await page.click("#domains button:text-is('Verify')");
    await page.waitForSelector("text=There is no TXT record");
    texts.push(record.split('"')[1]);
    await page.click("#domains button:text-is('Verify')");
    await page.waitForSelector("text=Saved.");
    await page.click("#domains button:text-is('Make it the address')");
    await page.waitForSelector("text=The wiki’s address");
    await picture(page, "domain-address");
    assert.deepEqual(await violations(page), []);
    // From the slug to the address, to the platform and back: nobody is asked anything, as she is logged in there.
    await page.goto(`http://eve.localhost:${port}/?from=slug`);
    await page.waitForURL(`http://${name}:${port}/-/login?**`);
    await page.click("text=Log in with localhost");
    await page.waitForURL(`http://${name}:${port}/?from=slug`);
    await page.waitForSelector("text=eve");
    const cookies = (await context.cookies()).filter((cookie) => cookie.name.includes("session"));
    assert.deepEqual(cookies.map((cookie) => cookie.domain).sort(), ["localhost", name]);
    assert.deepEqual(serious(complaints), []);
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`http://localhost:${port}/app/wiki/eve`);
    assert.equal(await overflow(page), 0);
    await picture(page, "domain-phone");
    await context.close();
  });

  test("log-in and consent forms may lead there", async () => {
    const { context, complaints } = await session(browser);
    const page = await context.newPage();
    await page.goto(`http://${name}:${port}/-/login`);
    await page.click("text=Log in with localhost");
    await page.waitForURL(`http://localhost:${port}/auth/login?**`);
    await logIn(page, "bob");
    // Bob is a stranger to the wiki: he is asked before it learns of him, and then refused by it, not by his browser.
    await page.waitForSelector(`main form[action='/auth/wiki']`);
    await page.click("text=Go on");
    await page.waitForURL(`http://${name}:${port}/-/login/arrive?**`);
    assert.deepEqual(serious(complaints), []);
    // Eve is known: her log-in leads through both hosts at once.
    await context.clearCookies();
    await page.goto(`http://${name}:${port}/-/login`);
    await page.click("text=Log in with localhost");
    await page.waitForURL(`http://localhost:${port}/auth/login?**`);
    await logIn(page, "eve");
    await page.waitForURL(`http://${name}:${port}/`);
    assert.deepEqual(serious(complaints), []);
    await context.close();
  });
});
