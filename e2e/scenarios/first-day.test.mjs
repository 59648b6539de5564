// The first ten minutes with a new wiki: from the one-time link to a conflict between two people, with and without scripts.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, overflow, picture, session, whySkip } from "../browser.mjs";
import { serve, temporary } from "../holt.mjs";
import { create, logIn, mayEdit, openEditor, save, setUp, text } from "../wiki.mjs";

const ann = { name: "Ann Example", email: "ann@example.org", password: "correct horse battery staple" };

describe("the first day", { skip: whySkip(), timeout: 180_000 }, () => {
  let data, server, browser, desk;

  before(async () => {
    data = temporary();
    server = await serve(data.dir);
    browser = await launch();
    desk = await session(browser);
  });
  after(async () => {
    await browser?.close();
    try {
      await server?.stop();
    } finally {
      data?.remove();
    }
  });

  test("a new wiki shows a welcome page and refuses strangers the pen", async () => {
    const page = await desk.page();
    const response = await page.goto(server.url);
    assert.equal(response.status(), 200);
    assert.notEqual((await text(page)).trim(), "");
    assert.equal(await mayEdit(page, server.url, "/Home"), false);
    await page.close();
  });

  test("the one-time link makes the administrator, once", async () => {
    assert.ok(server.setup, `no setup link printed:\n${server.output.text}`);
    const page = await desk.page();
    await setUp(page, server.setup, ann);
    const again = await page.goto(server.setup);
    assert.ok(again.status() >= 400 || (await page.locator("input[type=password]").count()) < 1 || !again.url().includes("/-/setup"), "the link worked twice");
    await page.close();
  });

  test("a wrong password is refused, the right one opens the editor", async () => {
    const other = await session(browser);
    const page = await other.page();
    await logIn(page, server.url, { ...ann, password: "wrong" });
    assert.equal(await mayEdit(page, server.url, "/Home"), false);
    await logIn(page, server.url, ann);
    assert.equal(await mayEdit(page, server.url, "/Home"), true);
    assert.deepEqual(other.complaints, []);
    await other.context.close();
  });

  test("a page is created, read, and changed", async () => {
    const page = await desk.page();
    await logIn(page, server.url, ann);
    await create(page, server.url, "Garden/Bean Diary");
    assert.equal((await save(page, "# Bean Diary\n\nThe first bean is *up*.\n\nSee [[Home]].\n", "First bean")).status(), 200);
    assert.match(await text(page), /The first bean is up\./);
    assert.equal(await page.locator("main em", { hasText: "up" }).count(), 1);

    const before = await openEditor(page, server.url, "/Garden/Bean%20Diary");
    await save(page, `${before}\nThe second bean follows.\n`);
    assert.match(await text(page), /The second bean follows\./);
    const history = await page.goto(`${server.url}/Garden/Bean%20Diary/history`);
    assert.equal(history.status(), 200);
    assert.match(await text(page), /First bean/);
    assert.match(await text(page), /Ann Example/);
    await page.close();
  });

  test("changes to different lines in two tabs both survive", async () => {
    const [one, two] = [await desk.page(), await desk.page()];
    const lines = Array.from({ length: 12 }, (_, i) => `Row ${i + 1} grows.`);
    await create(one, server.url, "Rows");
    await save(one, `# Rows\n\n${lines.join("\n\n")}\n`);
    const start = await openEditor(one, server.url, "/Rows");
    assert.equal(await openEditor(two, server.url, "/Rows"), start);
    await save(one, start.replace("Row 1 grows", "Row 1 flowers"));
    assert.equal((await save(two, start.replace("Row 12 grows", "Row 12 wilts"))).status(), 200);
    assert.match(await text(two), /Row 1 flowers[^]*Row 12 wilts/);
    await Promise.all([one.close(), two.close()]);
  });

  test("the same line in two tabs is a conflict that shows both sides and can be resolved", async () => {
    const [one, two] = [await desk.page(), await desk.page()];
    await create(one, server.url, "Weather");
    await save(one, "# Weather\n\nIt rains.\n");
    const start = await openEditor(one, server.url, "/Weather");
    await openEditor(two, server.url, "/Weather");
    await save(one, start.replace("It rains", "It snows"));
    const answer = await save(two, start.replace("It rains", "It shines"));
    assert.equal(answer.status(), 409);
    const shown = await text(two);
    assert.match(shown, /It snows/);
    assert.match(await two.content(), /It shines/);
    await picture(two, "conflict");

    assert.equal((await save(two, "# Weather\n\nIt snows, then it shines.\n")).status(), 200);
    assert.match(await text(two), /It snows, then it shines\./);
    assert.doesNotMatch(await text(two), /<<<<|>>>>/);
    await Promise.all([one.close(), two.close()]);
  });

  test("everything works with scripts off", async () => {
    const plain = await session(browser, { javaScriptEnabled: false });
    const page = await plain.page();
    await logIn(page, server.url, ann);
    await create(page, server.url, "Plain");
    await save(page, "# Plain\n\nNo scripts here.\n");
    assert.match(await text(page), /No scripts here\./);
    await save(page, (await openEditor(page, server.url, "/Plain")).replace("No scripts", "Still no scripts"));
    assert.match(await text(page), /Still no scripts here\./);
    assert.deepEqual(plain.complaints, []);
    await plain.context.close();
  });

  for (const [name, options] of [
    ["light", {}],
    ["dark", { colorScheme: "dark" }],
    ["phone", { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }],
  ]) {
    test(`it fits and does not complain: ${name}`, async () => {
      const reader = await session(browser, options);
      const page = await reader.page();
      for (const [path, picture_name] of [["/", "home"], ["/Rows", "page"], ["/-/search?q=row", "search"], ["/-/changelog", "changelog"]]) {
        const response = await page.goto(`${server.url}${path}`);
        assert.equal(response.status(), 200, path);
        assert.equal(await overflow(page), 0, `${path} is wider than the window`);
        await picture(page, `${picture_name}-${name}`);
      }
      await logIn(page, server.url, ann);
      await openEditor(page, server.url, "/Rows");
      assert.equal(await overflow(page), 0, "the editor is wider than the window");
      await picture(page, `edit-${name}`);
      assert.deepEqual(reader.complaints, []);
      await reader.context.close();
    });
  }

  test("dark really is dark", async () => {
    const brightness = async (colorScheme) => {
      const reader = await session(browser, { colorScheme });
      const page = await reader.page();
      await page.goto(server.url);
      const colour = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      await reader.context.close();
      return colour;
    };
    assert.notEqual(await brightness("dark"), await brightness("light"));
  });

  test("nothing complained all day", () => assert.deepEqual(desk.complaints, []));
});
