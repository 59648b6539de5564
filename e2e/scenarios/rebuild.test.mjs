// Git is the truth: without index.db and fragments, the next start answers exactly as before. No browser needed.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { corpus, holt, serve, temporary } from "../holt.mjs";

/** A repository with a history: pages, links, a rename, a deletion, words in three scripts. */
function repository(dir) {
  const git = (...args) => execFileSync("git", ["-C", dir, "-c", "user.name=Ann Example", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false", ...args], { encoding: "utf8" });
  const commit = (message, files) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), text);
    }
    git("add", "-A");
    git("commit", "-q", "-m", message);
  };
  mkdirSync(dir, { recursive: true });
  git("init", "-q", "-b", "main");
  commit("Begin", { "Home.md": "# Home\n\nSee [[Guide/Setup]] and [[Nowhere]].\n", "Guide/Setup.md": "# Setup\n\n| a | b |\n|---|---|\n| 1 | otter |\n" });
  commit("More", { "東京.md": "# 東京\n\n川の近くに住む。\n", "Old.md": "# Old\n\nTo be moved.\n", "Gone.md": "soon\n" });
  git("mv", "Old.md", "New.md");
  rmSync(join(dir, "Gone.md"));
  commit("Move and remove", { "Home.md": "# Home\n\nSee [[Guide/Setup]], [[New]] and [[Nowhere]].\n" });
}

const own = ["/", "/Guide/Setup", "/Guide/Setup.md", "/New", "/New/history", "/Gone", "/Nowhere", `/${encodeURIComponent("東京")}`, "/-/search?q=otter", `/-/search?q=${encodeURIComponent("近く")}`, "/-/changelog"];
const otter = ["/", "/Faq", "/Faq/history", "/Development", "/Examples/All%20Syntax%20Features", "/Faq.md", "/-/search?q=wiki", "/-/changelog"];

/** Status, tag and body of every path, as a stranger sees them. Live pages carry a form token, which is new each time. */
async function answers(url, paths) {
  const all = {};
  for (const path of paths) {
    const response = await fetch(url + path, { redirect: "manual" });
    const body = (await response.text()).replaceAll(/name="csrf_token" value="[^"]*"/g, "").replaceAll(url, "URL");
    all[path] = { status: response.status, tag: response.headers.get("etag"), body };
  }
  return all;
}

/** Removes everything that git can give back; how many files that were. */
function forgetDerived(data) {
  const derived = readdirSync(data, { recursive: true }).filter((name) => /(^|\/)index\.db/.test(name) || name.startsWith("fragments/"));
  for (const name of derived) rmSync(join(data, name), { recursive: true, force: true });
  return derived.length;
}

async function survives(importing, paths) {
  const place = temporary();
  try {
    const data = join(place.dir, "data");
    importing(place.dir, data);
    const ask = async () => {
      const server = await serve(data, ["--default-wiki", "w-iki"]);
      try {
        return await answers(server.url, paths);
      } finally {
        await server.stop();
      }
    };
    const before = await ask();
    assert.ok(before["/"].status === 200 && before["/"].tag, "the home page is published");
    assert.ok(forgetDerived(data) > 3, "there was something to forget");
    const after = await ask();
    for (const path of paths) assert.deepEqual(after[path], before[path], path);
  } finally {
    place.remove();
  }
}

describe("what is derived can be deleted", { timeout: 240_000 }, () => {
  test("a wiki from a git repository", () =>
    survives((dir, data) => {
      repository(join(dir, "source"));
      holt(["import", "git", join(dir, "source"), "--slug", "w-iki", "--data", data]);
    }, own));

  const archive = join(corpus, "otterwiki-app-data.tar.gz");
  test("an imported Otterwiki", { skip: existsSync(archive) ? false : "SKIPPED: no ../shared/corpus here" }, () =>
    survives((dir, data) => {
      execFileSync("tar", ["xzf", archive, "-C", dir], { timeout: 60_000 });
      holt(["import", "otterwiki", join(dir, "app-data"), "--slug", "w-iki", "--data", data]);
    }, otter));
});
