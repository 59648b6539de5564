// The review queue as people use it: an agent that may only propose, a person who takes some of what it proposes, and one who says no.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { launch, overflow, picture, session, whySkip } from "../browser.mjs";
import { holt, serve, temporary } from "../holt.mjs";
import { create, save, setUp, text } from "../wiki.mjs";

const ann = { name: "Ann Otter", email: "ann@example.org", password: "correct horse battery" };
const RIVER = `# The river

It begins at the old mill and ends in the lake.

## Fish

There are trout and perch. Nobody has seen a pike for years.

## Dams

The first dam is near the mill. It was repaired in spring.

## Lodges

Three of them, all inhabited.
`;

describe("the review queue", { skip: whySkip(), timeout: 240_000 }, () => {
  const { dir, remove } = temporary();
  let server, browser, visitor, page, agent;
  before(async () => {
    // The first start makes a wiki with a few pages.
    await (await serve(dir)).stop();
    const token = holt(["token", "create", "--data", dir, "--wiki", "wiki", "--scope", "propose", "--name", "scribe"]).trim();
    server = await serve(dir);
    browser = await launch();
    visitor = await session(browser);
    page = await visitor.page();
    await setUp(page, server.setup, ann);
    await create(page, server.url, "River");
    await save(page, RIVER, "What we know of the river");
    agent = new Client({ name: "scribe", version: "1" });
    await agent.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), { requestInit: { headers: { Authorization: `Bearer ${token}` } } }));
  });
  after(async () => {
    await agent?.close();
    await browser?.close();
    await server?.stop();
    remove();
  });

  const call = async (name, args) => {
    const result = await agent.callTool({ name, arguments: args });
    assert.equal(result.isError, false, `${name}: ${result.content[0].text}`);
    return result;
  };
  const propose = async (edits, message) => {
    const { revision } = (await call("read_note", { path: "River" })).structuredContent;
    return call("edit_note", { path: "River", revision, edits, commit_message: message });
  };
  const open = async (path, name, options = {}) => {
    const seen = await session(browser, { ...options, storageState: await visitor.context.storageState() });
    const other = await seen.page();
    await other.goto(server.url + path);
    await picture(other, name);
    assert.equal(await overflow(other), 0, name);
    await seen.context.close();
    assert.deepEqual(seen.complaints, []);
  };

  test("what an agent proposes waits", async () => {
    const told = await propose(
      [
        { old_string: "trout and perch", new_string: "trout, perch and eels" },
        { old_string: "Three of them, all inhabited.", new_string: "Four of them, one of them empty." },
      ],
      "Eels, and a fourth lodge",
    );
    assert.match(told.content[0].text, /#1/);
    await page.goto(`${server.url}/River`);
    assert.doesNotMatch(await text(page), /eels/);
    await page.locator("body > .top [data-me] summary").click();
    await page.getByRole("link", { name: "Proposals (1)" }).click();
    await page.getByRole("link", { name: "[mcp] Eels, and a fourth lodge" }).click();
    assert.match(await text(page), /via mcp\/scribe/);
    assert.equal(await page.locator("input[name=hunk-0]").count(), 2);
    for (const [name, options] of [["review", {}], ["review-dark", { colorScheme: "dark" }], ["review-phone", { viewport: { width: 390, height: 844 } }]]) await open("/-/proposals/1", name, options);
    await open("/-/proposals", "review-list");
    await page.goto(`${server.url}/-/proposals/1?view=page`);
    assert.match((await page.locator(".visual-diff ins").allInnerTexts()).join(" "), /eels/);
  });

  test("some of it is taken, and the agent learns of it", async () => {
    await page.goto(`${server.url}/-/proposals/1`);
    await page.getByLabel("Take change 2").uncheck();
    await page.getByLabel("A word to whoever proposed it").fill("There are three lodges: I counted.");
    await page.getByRole("button", { name: "Accept what is chosen" }).click();
    assert.match(await text(page), /Partly accepted/);
    await page.goto(`${server.url}/River`);
    const river = await text(page);
    assert.ok(/trout, perch and eels/.test(river) && /Three of them/.test(river), river);
    await page.goto(`${server.url}/River/history`);
    assert.match(await text(page), /scribe via mcp\/scribe/);
    const told = await call("list_proposals", { mine: true });
    assert.match(told.content[0].text, /partly-accepted[^]*There are three lodges/);
  });

  test("a reviewer's own words are taken instead", async () => {
    await propose([{ old_string: "It was repaired in spring.", new_string: "It was repaird in autumn." }], "The dam");
    await page.goto(`${server.url}/-/proposals/2`);
    await page.getByText("Edit before accepting").click();
    const field = page.getByLabel("Text of River, in Markdown");
    await field.fill((await field.inputValue()).replace("repaird", "repaired"));
    await page.getByRole("button", { name: "Accept what is chosen" }).click();
    await page.goto(`${server.url}/River`);
    assert.match(await text(page), /repaired in autumn/);
  });

  test("what does not fit any more is said, decided by hand, and what nobody wants is rejected with a reason", async () => {
    await propose([{ old_string: "Nobody has seen a pike for years.", new_string: "Pike were seen in May." }], "Pike");
    await page.goto(`${server.url}/River.md`);
    await page.goto(`${server.url}/River/edit`);
    const before = await page.inputValue("textarea[name=content]");
    await save(page, before.replace("Nobody has seen a pike for years.", "There are no pike."), "No pike");
    await page.goto(`${server.url}/-/proposals/3`);
    assert.match(await text(page), /This does not fit any more\. The same lines were changed meanwhile\./);
    await picture(page, "review-conflict");
    await page.getByRole("button", { name: "Accept what is chosen" }).click();
    assert.match(await text(page), /A place is not decided yet|does not fit/);
    await page.getByLabel("A word to whoever proposed it").fill("Who saw them?");
    await page.getByRole("button", { name: "Reject all of it" }).click();
    assert.match(await text(page), /Rejected[^]*Who saw them\?/);
    await page.getByLabel("Say something about this proposal").fill("<b>Eve</b> did.");
    await page.getByRole("button", { name: "Comment", exact: true }).click();
    assert.match(await text(page), /<b>Eve<\/b> did\./);
    await picture(page, "review-rejected");
    assert.deepEqual(visitor.complaints, []);
  });
});
