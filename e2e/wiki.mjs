// What a person does with a wiki, by the names of its forms. The only file that knows the markup.

import assert from "node:assert/strict";

/** The button that submits the form around `field`; previews and the like have a `formaction` of their own. */
function submitOf(page, field) {
  return page.locator("form", { has: page.locator(field) }).locator("button:not([formaction]):not([type=button]):not([name=preview]), input[type=submit]:not([formaction])").first();
}

/** Clicks and waits for the answer of the navigation that follows. */
async function submit(page, field) {
  const [response] = await Promise.all([page.waitForNavigation(), submitOf(page, field).click()]);
  return response;
}

/** Opens the one-time link and makes the administrator. */
export async function setUp(page, link, { name, email, password }) {
  await page.goto(link);
  if (await page.locator("input[name=name]").count()) await page.fill("input[name=name]", name);
  await page.fill("input[name=email]", email);
  for (const field of await page.locator("input[type=password]").all()) await field.fill(password);
  const response = await submit(page, "input[name=email]");
  assert.ok(response.status() < 400, `setup answered ${response.status()}`);
}

export async function logIn(page, base, { email, password }) {
  await page.goto(`${base}/-/login`);
  await page.fill("input[name=email]", email);
  await page.fill("input[name=password]", password);
  const response = await submit(page, "input[name=password]");
  return response;
}

/** Whether the session at hand may reach the editor of `path`. */
export async function mayEdit(page, base, path) {
  const response = await page.goto(`${base}${path}/edit`);
  return response.status() === 200 && (await page.locator("textarea[name=content]").count()) === 1;
}

/** Names a page in the create form; ends in its editor. */
export async function create(page, base, name) {
  await page.goto(`${base}/-/create`);
  await page.fill("input[name=pagename]", name);
  await submit(page, "input[name=pagename]");
  await page.waitForSelector("textarea[name=content]", { state: "attached" });
}

export async function openEditor(page, base, path) {
  const response = await page.goto(`${base}${path}/edit`);
  assert.equal(response.status(), 200, `the editor of ${path}`);
  return page.inputValue("textarea[name=content]");
}

/** Puts a text into the open editor; the textarea is hidden where CodeMirror is there. */
export async function write(page, content) {
  const area = page.locator("textarea[name=content]");
  if (await area.isVisible()) return area.fill(content);
  return area.evaluate((element, value) => {
    element.value = value;
    element.dispatchEvent(new Event("input", { bubbles: true }));
  }, content);
}

/** Fills the open editor and saves; returns the answer the browser ended on. */
export async function save(page, content, message = "") {
  await write(page, content);
  if (await page.locator("[name=commit]:not([type=hidden])").count()) await page.fill("[name=commit]:not([type=hidden])", message);
  return submit(page, "textarea[name=content]");
}

/** The words a reader sees in the page proper. */
export function text(page) {
  return page.locator("main").innerText();
}
