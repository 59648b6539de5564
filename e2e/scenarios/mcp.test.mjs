// The official TypeScript client of the Model Context Protocol, over HTTP and on standard input. It checks what comes against the schemas.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { binary, holt, serve, temporary } from "../holt.mjs";

/** Reads and writes as an agent does, and says what it saw. */
async function visit(transport, page) {
  const client = new Client({ name: "otter", version: "1" });
  await client.connect(transport);
  try {
    const { tools } = await client.listTools();
    const call = async (name, args) => {
      const result = await client.callTool({ name, arguments: args });
      assert.equal(result.isError, false, `${name}: ${result.content[0].text}`);
      return result;
    };
    const { revision } = (await call("write_note", { path: page, content: "# Page\n\nred\n" })).structuredContent;
    await call("edit_note", { path: page, revision, old_string: "red", new_string: "green" });
    for (const name of ["get_wiki_info", "list_notes", "list_tags", "get_recent_changes", "find_orphaned_notes", "find_missing_pages", "wiki_care"]) await call(name, {});
    const read = await call("read_note", { path: page });
    const refused = await client.callTool({ name: "read_note", arguments: { path: "Nowhere" } });
    const { resources } = await client.listResources();
    const { contents } = await client.readResource({ uri: resources.at(-1).uri });
    const { prompts } = await client.listPrompts();
    const { completion } = await client.complete({ ref: { type: "ref/resource", uri: "wiki://docs/pages/{+path}" }, argument: { name: "path", value: page.slice(0, 2) } });
    return { tools: tools.length, text: read.content[0].text, refused, contents, prompts: prompts.length, completion: completion.values, instructions: client.getInstructions() };
  } finally {
    await client.close();
  }
}

function check(seen, page) {
  assert.ok(seen.tools >= 30, String(seen.tools));
  assert.match(seen.text, /^# .*\nPath: .*\nRevision: [0-9a-f]{40}\n[^]*\ngreen\n$/);
  assert.equal(seen.refused.isError, true);
  assert.match(seen.refused.content[0].text, /write_note/);
  assert.equal(seen.contents[0].mimeType, "text/markdown");
  assert.equal(seen.prompts, 4);
  assert.ok(seen.completion.includes(page), seen.completion.join());
  assert.match(seen.instructions, /get_wiki_info/);
}

describe("an agent", { timeout: 120_000 }, () => {
  const { dir, remove } = temporary();
  let server;
  before(() => holt(["wiki", "create", "docs", "--data", dir]));
  after(async () => {
    await server?.stop();
    remove();
  });

  test("speaks on standard input", async () => {
    const transport = new StdioClientTransport({ command: binary, args: ["mcp", "--data", dir, "--wiki", "docs"] });
    check(await visit(transport, "By-stdio"), "By-stdio");
  });

  test("speaks over HTTP with a token, and not without", async () => {
    const token = holt(["token", "create", "--data", dir, "--wiki", "docs", "--scope", "write", "--name", "e2e"]).trim();
    server = await serve(dir, ["--default-wiki", "docs"]);
    const url = new URL(`${server.url}/mcp`);
    const transport = (token) => new StreamableHTTPClientTransport(url, { requestInit: { headers: { Authorization: `Bearer ${token}` } } });
    check(await visit(transport(token), "By-http"), "By-http");
    await assert.rejects(visit(transport("holt_wrong"), "Never"));
  });
});
