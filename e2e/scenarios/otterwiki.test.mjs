// A real Otterwiki installation moves in: its people log in with their passwords, edit, collide and settle it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { launch, picture, session, whySkip } from "../browser.mjs";
import { corpus, holt, serve, temporary } from "../holt.mjs";
import { logIn, mayEdit, openEditor, save, text } from "../wiki.mjs";

const archive = join(corpus, "otterwiki-app-data.tar.gz");
const skip = whySkip() || (existsSync(archive) ? false : "SKIPPED: no ../shared/corpus here");

describe("an imported Otterwiki", { skip, timeout: 300_000 }, () => {
  let data, server, browser, desk, facts;
  // A picture that is missing in the original, too, on a page that everybody sees after logging in.
  const ours = (complaints) => complaints.filter((complaint) => !complaint.endsWith("/handbook/travel/map.png"));
  const user = (key) => facts.users.find((u) => u.key === key);

  before(async () => {
    data = temporary();
    facts = JSON.parse(readFileSync(join(corpus, "otterwiki-app-data.facts.json"), "utf8"));
    execFileSync("tar", ["xzf", archive, "-C", data.dir], { timeout: 60_000 });
    const home = join(data.dir, "holt");
    holt(["import", "otterwiki", join(data.dir, "app-data"), "--slug", "otter", "--data", home]);
    server = await serve(home, ["--default-wiki", "otter"]);
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

  test("everybody reads, nobody writes without logging in", async () => {
    const page = await desk.page();
    assert.equal((await page.goto(server.url)).status(), 200);
    await picture(page, "otter-home");
    assert.equal((await page.goto(`${server.url}/Faq`)).status(), 200);
    assert.equal(await mayEdit(page, server.url, "/Development"), false);
    await page.close();
  });

  for (const key of ["editor", "pbkdf2", "sha256", "unicode", "admin"]) {
    test(`${key} logs in with the old password, twice`, async () => {
      // The second time meets the upgraded hash.
      for (const _round of [1, 2]) {
        const person = await session(browser);
        const page = await person.page();
        await logIn(page, server.url, user(key));
        assert.equal(await mayEdit(page, server.url, "/Development"), true);
        assert.deepEqual(ours(person.complaints), []);
        await person.context.close();
      }
    });
  }

  test("an imported user edits, collides in two tabs, settles it and sees the result", async () => {
    const [one, two] = [await desk.page(), await desk.page()];
    await logIn(one, server.url, user("editor"));
    const start = await openEditor(one, server.url, "/Development");
    assert.ok(start.length > 100, "the imported text is there");
    await openEditor(two, server.url, "/Development");

    assert.equal((await save(one, `${start.trimEnd()}\n\nHolt took over in spring.\n`, "From tab one")).status(), 200);
    assert.match(await text(one), /Holt took over in spring\./);
    assert.equal((await save(two, `${start.trimEnd()}\n\nHolt took over in autumn.\n`, "From tab two")).status(), 409);
    assert.match(await two.content(), /in spring/);
    assert.match(await two.content(), /in autumn/);
    await picture(two, "otter-conflict");

    assert.equal((await save(two, `${start.trimEnd()}\n\nHolt took over in spring, and again in autumn.\n`, "Both")).status(), 200);
    assert.match(await text(two), /in spring, and again in autumn\./);
    await two.goto(`${server.url}/Development/history`);
    assert.match(await text(two), /From tab one/);
    assert.match(await text(two), new RegExp(user("editor").name));
    await picture(two, "otter-history");
    await Promise.all([one.close(), two.close()]);
  });

  test("nothing complained", () => assert.deepEqual(ours(desk.complaints), []));
});
