// The official TypeScript client connects by OAuth: it finds everything by itself, a person allows it in a real browser, and it goes on.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { auth, UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { launch, overflow, picture, session, whySkip } from "../browser.mjs";
import { holt, serve, temporary } from "../holt.mjs";

const ann = { email: "ann@example.org", password: "correct horse battery" };

/** What a program on somebody's machine is: a place for answers, and a document that says who it is. */
async function program(name) {
  const answers = [];
  const agent = { name, answers, document: null };
  const server = createServer((request, response) => {
    if (request.url === "/client.json") return response.setHeader("content-type", "application/json").end(JSON.stringify(agent.document));
    if (request.url.startsWith("/callback")) answers.push(new URL(request.url, agent.url).searchParams);
    response.end("You can close this window.");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  agent.url = `http://127.0.0.1:${server.address().port}`;
  agent.stop = () => new Promise((resolve) => server.close(resolve));
  const metadata = { client_name: name, redirect_uris: [`${agent.url}/callback`], grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], token_endpoint_auth_method: "none" };
  agent.document = { client_id: `${agent.url}/client.json`, ...metadata };
  const kept = {};
  agent.kept = kept;
  // What the SDK asks of whoever uses it.
  agent.provider = {
    redirectUrl: `${agent.url}/callback`,
    clientMetadata: metadata,
    state: () => "a state & more",
    clientInformation: () => kept.client,
    saveClientInformation: (client) => void (kept.client = client),
    tokens: () => kept.tokens,
    saveTokens: (tokens) => void (kept.tokens = tokens),
    redirectToAuthorization: (url) => void (kept.address = url.href),
    saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
    codeVerifier: () => kept.verifier,
    invalidateCredentials: (what) => void (what === "tokens" && delete kept.tokens),
  };
  return agent;
}

describe("an agent connects by OAuth", { skip: whySkip(), timeout: 180_000 }, () => {
  const { dir, remove } = temporary();
  let server, browser, person, otter, beaver;
  before(async () => {
    holt(["wiki", "create", "docs", "--access", "private", "--name", "Handbook of the den", "--data", dir]);
    holt(["user", "add", ann.email, "--name", "Ann Otter", "--admin", "--password-stdin", "--data", dir], { input: `${ann.password}\n` });
    [otter, beaver] = [await program("Otter"), await program("Beaver")];
    server = await serve(dir, ["--default-wiki", "docs", "--trust-client-host", new URL(beaver.url).host]);
    browser = await launch();
    person = await session(browser);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    await otter?.stop();
    await beaver?.stop();
    remove();
  });

  const url = () => new URL(`${server.url}/mcp`);
  const transport = (agent) => new StreamableHTTPClientTransport(url(), { authProvider: agent.provider });

  /** Uses the wiki as an agent does that may write. */
  async function visit(agent, page) {
    const client = new Client({ name: "says-another-name", version: "1" });
    await client.connect(transport(agent));
    try {
      const { tools } = await client.listTools();
      const written = await client.callTool({ name: "write_note", arguments: { path: page, content: "# Page\n" } });
      assert.equal(written.isError, false, written.content[0].text);
      return tools.length;
    } finally {
      await client.close();
    }
  }

  /** Has it refused first, and sent to the browser. */
  async function begin(agent) {
    const first = transport(agent);
    await assert.rejects(new Client({ name: "x", version: "1" }).connect(first), UnauthorizedError);
    return first;
  }

  test("that registers, is allowed to write, and refreshes", async () => {
    const first = await begin(otter);
    assert.match(otter.kept.client.client_id, /^holti_/);
    const page = await person.page();
    await page.goto(otter.kept.address);
    // Logging in leads back.
    await page.fill("#holt-email", ann.email);
    await page.fill("#holt-password", ann.password);
    await page.click("form.card button.primary");
    await page.waitForURL(/\/oauth\/consent\//);
    const text = await page.textContent("main");
    for (const part of ["Otter", "Nobody has checked it", new URL(otter.url).host, "on your own computer", "Handbook of the den", "Ann Otter"]) assert.ok(text.includes(part), `${part}: ${text}`);
    // It asked for what it was told to ask for; more is the person's to give.
    assert.ok(await page.isChecked("[name=scope][value=read]"));
    await picture(page, "consent");
    assert.equal(await overflow(page), 0);
    await page.setViewportSize({ width: 375, height: 800 });
    await page.emulateMedia({ colorScheme: "dark" });
    await picture(page, "consent-phone");
    assert.equal(await overflow(page), 0);
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.emulateMedia({ colorScheme: "light" });
    await page.check("[name=scope][value=write]");
    await page.click("button[value=allow]");
    await page.waitForURL(`${otter.url}/callback*`);
    const answer = otter.answers.at(-1);
    assert.deepEqual([answer.get("state"), answer.get("iss")], ["a state & more", server.url]);
    await first.finishAuth(answer.get("code"));
    assert.equal(otter.kept.tokens.scope, "wiki:read wiki:write");
    assert.ok((await visit(otter, "By-otter")) > 17);
    // An access token that has ended is exchanged without asking anybody.
    const before = otter.kept.tokens;
    otter.kept.tokens = { ...before, access_token: "holta_ended" };
    await visit(otter, "By-otter-again");
    assert.notEqual(otter.kept.tokens.refresh_token, before.refresh_token);
    const history = await (await page.request.get(`${server.url}/-/changelog`)).text();
    assert.match(history, /mcp\/Otter/);
    assert.doesNotMatch(history, /says-another-name/);
    await page.close();
  });

  test("that an address describes, and is refused", async () => {
    // Clients that know of such addresses come with their own instead of registering.
    beaver.kept.client = { client_id: beaver.document.client_id };
    await begin(beaver);
    const page = await person.page();
    await page.goto(beaver.kept.address);
    assert.match(await page.textContent("main"), /is described at\s*127\.0\.0\.1/);
    await page.click("button[value=deny]");
    await page.waitForURL(`${beaver.url}/callback*`);
    const answer = beaver.answers.at(-1);
    assert.deepEqual([answer.get("error"), answer.get("code"), answer.get("state"), answer.get("iss")], ["access_denied", null, "a state & more", server.url]);
    await page.close();
  });

  test("and is revoked", async () => {
    const page = await person.page();
    await page.goto(`${server.url}/-/settings`);
    await page.click("a[href='/-/settings/agents']");
    await picture(page, "agents");
    assert.match(await page.textContent("main"), /Otter/);
    await page.click("button:has-text('Revoke')");
    await page.waitForURL(/saved=1/);
    assert.doesNotMatch(await page.textContent("main"), /Otter/);
    // Neither of its tokens is good for anything: it has to ask again.
    otter.kept.address = null;
    assert.equal(await auth(otter.provider, { serverUrl: url() }), "REDIRECT");
    assert.match(otter.kept.address, /\/oauth\/authorize\?/);
    await page.close();
    assert.deepEqual(person.complaints, []);
  });
});
