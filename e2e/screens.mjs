// The screens of docs/screens.md: from the first-start link to an invited colleague who edits on a phone; and those of docs/agents.md: an agent that
// may only propose, of whose words some are taken, and then taken back; and what wants care. Run by `make screens`.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch, session } from "./browser.mjs";
import { serve, temporary } from "./holt.mjs";
import { create, openEditor, save, setUp, write } from "./wiki.mjs";

const OUT = join(import.meta.dirname, "../docs/screens");
const ann = { name: "Ann Otter", email: "ann@example.org", password: "correct horse battery" };
const bob = { name: "Bob Beaver", email: "bob@example.org", password: "staple horse battery" };

const HOME = `# Handbook of the den

Everything a new colleague asks in the first month, and everybody else in the tenth.

> [!TIP]
> Press <kbd>/</kbd> and type a few letters of what you look for.

## Begin here

- [[Working here/Your first week]]
- [[Working here/Holidays and hours]]
- [[Rivers/How we name rivers]]

## This month

| Who | What | Until |
|:----|:-----|------:|
| Ann | Dam inspection | 12 May |
| Bob | New lodge, ==plans are in== | 20 May |
| Eve | Winter stock | 31 May |
`;

const WEEK = `---
tags: [people, new]
---
# Your first week

Welcome! Nobody expects you to know where the fish are.

## Monday

1. Get your key at the lodge.
2. Walk the river with your buddy, from the [[Rivers/How we name rivers|first dam]] to the mouth.
3. Have lunch with everybody: noon, on the big stone.

## Tuesday to Friday

- [x] Read the [[Working here/Holidays and hours]]
- [ ] Repair something small
- [ ] Write down what you missed in this handbook

\`\`\`mermaid
flowchart LR
  Key --> Walk --> Lunch --> Repair
\`\`\`
`;

const PAGES = [
  ["Working here/Your first week", WEEK],
  ["Working here/Holidays and hours", "# Holidays and hours\n\nThirty days a year, and every day the river freezes.\n\nSee also [[Working here/Your first week]].\n"],
  ["Rivers/How we name rivers", "# How we name rivers\n\nBy the sound they make. $v = \\frac{Q}{A}$ is how fast they are.\n"],
  ["Rivers/Upper bend", "# Upper bend\n\nSlow, deep, good for teaching.\n"],
  ["Minutes/May", "# Minutes of May\n\nOnly for the council.\n"],
];

/** Calls a tool of the wiki's endpoint, as an agent does. */
async function call(token, tool, args) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": tool };
  const key = "io.modelcontextprotocol";
  const meta = { [`${key}/protocolVersion`]: "2026-07-28", [`${key}/clientCapabilities`]: {}, [`${key}/clientInfo`]: { name: "Beaver", version: "1" } };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool, arguments: args, _meta: meta } });
  const { result } = await (await fetch(`${server.url}/mcp`, { method: "POST", headers, body })).json();
  assert.equal(result.isError, false, result.content[0].text);
  return result.structuredContent;
}

/** What is in the window, as WebP: a third of the bytes of PNG. */
async function screen(page, name) {
  await page.waitForLoadState("networkidle");
  const debug = await page.context().newCDPSession(page);
  const { data } = await debug.send("Page.captureScreenshot", { format: "webp", quality: 72 });
  writeFileSync(join(OUT, `${name}.webp`), Buffer.from(data, "base64"));
  await debug.detach();
}

mkdirSync(OUT, { recursive: true });
const data = temporary();
const browser = await launch();
const server = await serve(data.dir);
try {
  const desk = await session(browser);
  const page = await desk.page();
  await setUp(page, server.setup, ann);
  await openEditor(page, server.url, "/Home");
  await save(page, HOME, "A home for the handbook");
  for (const [name, content] of PAGES) {
    await create(page, server.url, name);
    await save(page, content, "");
  }
  await openEditor(page, server.url, "/Working%20here/Your%20first%20week");
  await save(page, WEEK.replace("Nobody expects you to know where the fish are.", "Nobody expects you to know where the fish are, or the towels.").replace("noon, on the big stone", "noon, at the mill"), "Lunch has moved");
  await page.goto(`${server.url}/-/admin/path_rules`);
  await page.fill("[name=path]", "Minutes");
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Save" }).click()]);
  await screen(page, "private");

  await page.goto(`${server.url}/-/admin/invitations`);
  await page.fill("[name=uses]", "1");
  await Promise.all([page.waitForNavigation(), page.locator("form", { has: page.locator("[name=uses]") }).locator("button").last().click()]);
  const invitation = /https?:\/\/\S+\/-\/invite\/[\w.-]+/.exec(await page.locator("main").innerHTML())[0];

  const pocket = await session(browser, { viewport: { width: 390, height: 844 }, colorScheme: "dark", isMobile: true, hasTouch: true });
  const phone = await pocket.page();
  await phone.goto(invitation);
  await phone.fill("[name=name]", bob.name);
  await phone.fill("[name=email]", bob.email);
  for (const field of await phone.locator("input[type=password]").all()) await field.fill(bob.password);
  const [joined] = await Promise.all([phone.waitForNavigation(), phone.locator("main form button").first().click()]);
  assert.ok(joined.status() < 400, `the invitation answered ${joined.status()}`);
  await phone.goto(`${server.url}/Working%20here/Your%20first%20week`);
  await screen(phone, "phone");
  await phone.goto(`${server.url}/Working%20here/Holidays%20and%20hours/edit`);
  await phone.waitForSelector("[data-codemirror] .cm-content");
  await phone.locator(".cm-content").tap();
  await phone.keyboard.press("Control+End");
  await phone.keyboard.type("\nAsk **Ann** for the ");
  await phone.waitForTimeout(700);
  await screen(phone, "phone-editor");
  await phone.keyboard.type("calendar.");
  const [saved] = await Promise.all([phone.waitForNavigation(), phone.getByRole("button", { name: "Save", exact: true }).tap()]);
  assert.equal(saved.status(), 200);
  assert.ok((await phone.locator("main").innerText()).includes("Ask Ann for the calendar."));
  assert.equal((await phone.goto(`${server.url}/Minutes/May`)).status(), 404, "not for Bob");
  assert.deepEqual(pocket.complaints, []);

  await page.goto(`${server.url}/Working%20here/Your%20first%20week`);
  await page.waitForSelector("main iframe", { timeout: 5000 }).catch(() => {});
  await page.waitForTimeout(1500);
  await screen(page, "page");
  await page.keyboard.press("/");
  await page.keyboard.type("holi");
  await page.locator("#holt-switcher [role=option]", { hasText: "holi”" }).waitFor();
  await screen(page, "switcher");
  await page.goto(`${server.url}/Rivers/Upper%20bend/edit`);
  await page.waitForSelector("[data-codemirror] .cm-content");
  await write(page, `# Upper bend\n\nSlow, deep, good for teaching.\n\n| Month | Depth |\n| ----- | ----: |\n| May   | 2.1 m |\n| June  | 1.8 m |\n\n> [!NOTE]\n> See also [[Working here/Your first week]].\n\n\`\`\`rust\nfn depth(month: Month) -> Metres {\n    SOUNDINGS[month].median()\n}\n\`\`\`\n`);
  await page.waitForTimeout(1200);
  await screen(page, "editor");
  await page.goto(`${server.url}/Working%20here/Your%20first%20week/history`);
  const [second, first] = [...(await page.content()).matchAll(/name="rev_a" value="(\w{40})"/g)].map(([, id]) => id);
  await page.goto(`${server.url}/Working%20here/Your%20first%20week/diff/${first}/${second}?view=side-by-side`);
  await screen(page, "diff");
  await page.goto(`${server.url}/-/changelog`);
  await screen(page, "changes");
  // An agent may only propose. Ann takes one of its two changes, and later takes that back.
  await page.goto(`${server.url}/-/settings/tokens`);
  await page.fill("[name=label]", "The scribe");
  await page.check("[name=scope][value=propose]");
  await Promise.all([page.waitForNavigation(), page.locator("form", { has: page.locator("[name=label]") }).locator("button").last().click()]);
  const token = /holt_[\w-]{20,}/.exec(await page.locator("main").innerText())[0];
  const path = "Working here/Your first week";
  const { revision } = await call(token, "read_note", { path });
  const edits = [
    { old_string: "Get your key at the lodge.", new_string: "Get your key at the lodge, from [[Ann]]." },
    { old_string: "- [ ] Repair something small", new_string: "- [ ] Repair something small, but not the dam" },
  ];
  await call(token, "edit_note", { path, revision, edits, commit_message: "Who has the keys, and what to leave alone" });
  await page.goto(`${server.url}/-/proposals/1`);
  await page.getByLabel("Take change 2").uncheck();
  await page.getByLabel("A word to whoever proposed it").fill("The dam, too: nothing gets better by waiting.");
  await page.evaluate(() => {
    document.activeElement.blur();
    scrollTo(0, 0);
  });
  await screen(page, "review");
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Accept what is chosen" }).click()]);
  assert.match(await page.locator("main").innerText(), /Partly accepted/);
  await page.goto(`${server.url}/-/agents`);
  await Promise.all([page.waitForNavigation(), page.getByRole("link", { name: "mcp/Beaver" }).click()]);
  await Promise.all([page.waitForNavigation(), page.getByRole("link", { name: "Undo" }).first().click()]);
  await screen(page, "undo");
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Undo what is ticked" }).click()]);
  assert.match(page.url(), /\/-\/commit\/[0-9a-f]{40}$/);
  // What a gardener finds, and mends by a proposal.
  await create(page, server.url, "Rivers/Lower bend");
  await save(page, "---\nreview: 2025-03-01\n---\n# Lower bend\n\nFast. Go to the [[Rivers/Uper bend]] first, or read [[Working here/Your first week#Wednesday]].\n\n![](./map.png)\n", "");
  await create(page, server.url, "Working here/Keys");
  await save(page, "# Keys\n\nThe gate of the lodge:\n\n```\npassword = kR7v!pQ2zLw9\n```\n", "");
  await page.goto(`${server.url}/-/housekeeping`);
  await screen(page, "care");
  await page.goto(`${server.url}/-/housekeeping?kind=broken-link`);
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Propose a mend" }).first().click()]);
  assert.match(page.url(), /\/-\/proposals\/\d+$/);
  desk.complaints.splice(0, desk.complaints.length, ...desk.complaints.filter((complaint) => !complaint.includes("404")));
  assert.deepEqual(desk.complaints, []);
} finally {
  await browser.close();
  await server.stop();
  data.remove();
}
