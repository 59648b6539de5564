// The screens of docs/screens.md: from the first-start link to an invited colleague who edits on a phone. Run by `make screens`.

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
  desk.complaints.splice(0, desk.complaints.length, ...desk.complaints.filter((complaint) => !complaint.includes("404")));
  assert.deepEqual(desk.complaints, []);
} finally {
  await browser.close();
  await server.stop();
  data.remove();
}
