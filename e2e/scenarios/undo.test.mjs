// An agent was busy; a person looks through what it did and takes it back, without scripts and with them, on a phone, too.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, overflow, picture, session, whySkip } from "../browser.mjs";
import { holt, serve, temporary } from "../holt.mjs";
import { logIn, openEditor, save, setUp } from "../wiki.mjs";

const ann = { name: "Ann Otter", email: "ann@example.org", password: "correct horse battery" };

/** Calls a tool of the wiki's endpoint as the agent `name`, in a session it names. */
async function call(url, token, tool, args, sessionName) {
  const key = "io.modelcontextprotocol";
  const meta = { [`${key}/protocolVersion`]: "2026-07-28", [`${key}/clientCapabilities`]: {}, [`${key}/clientInfo`]: { name: "otter", version: "1" }, "io.holt/session": sessionName };
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": tool };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool, arguments: args, _meta: meta } });
  const { result } = await (await fetch(`${url}/mcp`, { method: "POST", headers, body })).json();
  assert.equal(result.isError, false, result.content[0].text);
  return result.structuredContent;
}

describe("what an agent did", { skip: whySkip(), timeout: 180_000 }, () => {
  const { dir, remove } = temporary();
  let browser, server;
  before(async () => {
    browser = await launch();
    const { context, page } = await session(browser);
    const tab = await page();
    server = await serve(dir);
    await setUp(tab, server.setup, ann);
    await server.stop();
    const token = holt(["token", "create", "--data", dir, "--wiki", "wiki", "--scope", "write"]).match(/holt_\S+/)[0];
    server = await serve(dir);
    await logIn(tab, server.url, ann);
    await openEditor(tab, server.url, "/Rivers");
    await save(tab, "# Rivers\n\nThe otter swims.\n\nThe beaver builds.\n\nThe heron waits.\n", "by hand");
    const { revision } = await call(server.url, token, "read_note", { path: "Rivers" }, "tidy");
    await call(server.url, token, "edit_note", { path: "Rivers", revision, old_string: "The otter swims.", new_string: "Everybody swims." }, "tidy");
    await call(server.url, token, "write_note", { path: "Ponds", content: "# Ponds\n\nNobody asked for this.\n" }, "tidy");
    await openEditor(tab, server.url, "/Rivers");
    await save(tab, "# Rivers\n\nEverybody swims.\n\nThe beaver builds.\n\nThe heron waits and waits.\n", "by hand");
    await context.close();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    remove();
  });

  test("is looked through and taken back", async () => {
    const { context, complaints, page } = await session(browser, { javaScriptEnabled: false });
    const tab = await page();
    await logIn(tab, server.url, ann);
    await tab.goto(`${server.url}/-/agents`);
    await picture(tab, "undo-agents");
    await Promise.all([tab.waitForNavigation(), tab.getByRole("link", { name: "mcp/otter" }).click()]);
    assert.match(await tab.textContent("main"), /Session tidy/);
    await picture(tab, "undo-agent");
    await Promise.all([tab.waitForNavigation(), tab.getByRole("link", { name: "Undo" }).click()]);
    assert.equal(await tab.getByRole("checkbox").count(), 2);
    assert.match(await tab.textContent("main"), /Everybody swims[^]*The otter swims/);
    await picture(tab, "undo-preview");
    await tab.setViewportSize({ width: 360, height: 740 });
    assert.equal(await overflow(tab), 0);
    await picture(tab, "undo-preview-phone");
    await Promise.all([tab.waitForNavigation(), tab.getByRole("button", { name: "Undo what is ticked" }).click()]);
    assert.match(tab.url(), /\/-\/commit\/[0-9a-f]{40}$/);
    assert.equal(await overflow(tab), 0);
    await tab.goto(`${server.url}/Rivers`);
    const text = await tab.textContent("main");
    assert.ok(text.includes("The otter swims.") && text.includes("The heron waits and waits."), text);
    assert.equal((await tab.goto(`${server.url}/Ponds`)).status(), 404);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("cannot be undone twice", async () => {
    const { context, complaints, page } = await session(browser, { colorScheme: "dark" });
    const tab = await page();
    await logIn(tab, server.url, ann);
    await tab.goto(`${server.url}/-/undo?session=tidy`);
    assert.match(await tab.textContent("main"), /There is nothing left to undo/);
    await picture(tab, "undo-nothing-dark");
    assert.deepEqual(complaints, []);
    await context.close();
  });
});
