// A wiki in which everything that somebody may type or push is hostile. What stands where is told apart by its name: `mark("message")` runs
// as `message`.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { holt, serve, temporary } from "../holt.mjs";
import { setUp } from "../wiki.mjs";
import { everything, pages } from "./corpus.mjs";

/** Ends whatever it may stand in: an attribute, a title, a text field, a script, a style; then runs. */
export const mark = (name) => `"'></title></textarea></script></style><img src=x onerror=__ran('${name}')>`;
/** The same for one segment of a path, which has no slash. */
export const markName = (name) => `"'><img src=x onerror=__ran('${name}')>`;
/** The same where `<` is refused: if it is unescaped once too often it runs. Without semicolons, at which names of uploads would be cut. */
export const markShort = (name) => `&ltimg src onerror=__ran('${name}')&gt`;

export const people = {
  admin: { name: `"'${markShort("me")}`, email: "admin'onclick=__ran.x'@example.org", password: "correct horse battery staple" },
  member: { name: "\" onfocus=__ran('member') autofocus x=\"", email: "&ltimg/src/onerror=__ran.mail&gt@example.org", password: "correct horse battery staple" },
};

/** Pages that can only be pushed: the editor refuses these names. */
const PUSHED = [`templates/${markName("template")}.md`, 
  `${markName("name")}.md`,
  `${markName("former")}.md`,
  `${markName("gone")}.md`,
  `${markName("folder")}/${markName("below")}.md`,
  "&lt;img src onerror=__ran('name_entity')&gt;.md",
  "%3Cimg src onerror=__ran('name_percent')%3E.md",
  "javascript:__ran('name_scheme').md",
  "[x](javascript:__ran('name_link')).md",
  "' onmouseover='__ran(\"name_quote\").md",
  "<svg onload=__ran('name_svg')>.md",
  "<!--slot:main-->.md",
  "--><img src onerror=__ran('name_comment')>.md",
  "]]><img src onerror=__ran('name_cdata')>.md",
  "{{constructor.constructor('__ran(1)')()}} ${__ran(2)}.md",
  "\ufdd00\ufdd0.md",
  "\u202egnp.<img src onerror=__ran('name_turned')>.md",
];

const marked = (line) => `---
title: ${JSON.stringify(mark("title"))}
${JSON.stringify(mark("key"))}: ${JSON.stringify(mark("property"))}
---
${mark("content")}

## ${mark("heading")}

${line}

## Second

[[Home]] ${mark("content")}
`;

/** A page as people write it, with one of everything that brings markup of its own. */
const ORDINARY = [
  "# Ordinary", "Words, *words*, `code`, $a^2$, [a link](https://example.org), [[Home]], a note[^1].", "[^1]: The note.", "| a | b |\n|:--|--:|\n| 1 | 2 |", "- [x] done\n- [ ] not",
  '```python=3 {1} title="a.py"\nprint("x")\n```', "```mermaid\ngraph TD\nA --> B\n```", "$$\n\\frac{a}{b}\n$$", "> [!NOTE]\n> Words.", ">! hidden", ">| # More\n>| words", "::: info\nwords\n:::",
  '<p style="color:red;text-align:center">Red.</p>', "{{InfoBox\n|caption=C\n|Key=value\nwords\n}}", "{{Figure\n|caption=C\n![x](data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=)\n}}", "{{PageIndex}}",
  "{{DataTable\n|perPage=1\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n}}",
].join("\n\n");

/** The stream of a repository with a history, for git fast-import: nothing else makes these names on every file system. */
function repository(dir) {
  mkdirSync(dir, { recursive: true });
  const git = (args, input) => execFileSync("git", ["-C", dir, ...args], { input, encoding: "utf8", timeout: 30_000 });
  const data = (text) => `data ${Buffer.byteLength(text)}\n${text}\n`;
  const quoted = (path) => `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  const who = `${markShort("author")} "' <author@example.org>`;
  let time = 1_700_000_000;
  const commit = (message, files) => {
    time += 60;
    const changes = Object.entries(files).map(([path, text]) => `M 100644 inline ${quoted(path)}\n${data(text)}`);
    return `commit refs/heads/main\nauthor ${who} ${time} +0000\ncommitter ${who} ${time} +0000\n${data(message)}${changes.join("")}\n`;
  };
  const message = `${mark("message")}\n\n${mark("message_rest")}`;
  const files = {
    [`Marked/${markName("file")}.png`]: "<script>__ran('picture')</script>",
    [`Marked/${markName("file")}.csv`]: `${mark("csv")};b\n`,
    "Marked/evil.svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="__ran('svg_file')"><script>__ran('svg_script')</script></svg>`,
    "Marked/evil.html": "<!doctype html><script>__ran('html_file')</script>",
    "Marked/evil.xhtml": `<html xmlns="http://www.w3.org/1999/xhtml"><script>__ran('xhtml_file')</script></html>`,
    "Marked/evil.xml": `<x:script xmlns:x="http://www.w3.org/1999/xhtml">__ran('xml_file')</x:script>`,
    "Marked/evil.txt": "<!doctype html><script>__ran('text_file')</script>",
    "Marked/fake.png": "<!doctype html><script>__ran('fake_file')</script>",
    "Marked/fake.pdf": "<!doctype html><script>__ran('fake_pdf')</script>",
    "Marked/noextension": "<!doctype html><script>__ran('bare_file')</script>",
    "Marked/run.js": "__ran('uploaded_script')",
  };
  const hostile = Object.fromEntries(PUSHED.map((file) => [file, `# ${mark("shown")}\n\nonerror [[Marked]]\n`]));
  git(["init", "-q", "-b", "main"]);
  git(["fast-import", "--quiet"], [
    commit(message, { "Home.md": "# Home\n\nSee [[Marked]].\n", "Marked.md": marked("Line one."), ...hostile }),
    commit(message, { "Marked.md": marked(`Line two ${mark("content")}.`), ...files }),
    commit(message, { "Top.md": "{{PageIndex}}\n\n{{PageIndex|style=list|toc=true}}\n", [`Top/${markName("under")}.md`]: `# A\n\n## ${mark("deep")}\n` }),
    commit(`${mark("message")}\n\nVia: ${mark("via")}\nSession: s-1`, { [`${markName("undone")}.md`]: `${mark("undone_text")}\n` }),
  ].join(""));
  return git(["log", "--format=%H", "--reverse", "--", "Marked.md"]).trim().split("\n");
}

/** Makes the wiki and serves it. `first` and `second` are two revisions of the page Marked. */
export async function start(program) {
  const data = temporary();
  try {
    const [first, second] = repository(join(data.dir, "source"));
    const home = join(data.dir, "data");
    holt(["import", "git", join(data.dir, "source"), "--slug", "hostile", "--data", home], { program });
    const server = await serve(home, [], program);
    const stop = async () => {
      try {
        await server.stop();
      } finally {
        data.remove();
      }
    };
    return { url: server.url, setup: server.setup, first, second, stop };
  } catch (error) {
    data.remove();
    throw error;
  }
}

/** Sends forms as the person of `context`; answers the response, which is not followed. */
export async function hand(context, url) {
  const csrf = (await (await context.request.get(`${url}/-/me`)).json()).csrf;
  const post = (path, form, more = {}) =>
    context.request.post(`${url}${path}`, { headers: { origin: url, "x-csrf-token": csrf }, maxRedirects: 0, ...(form ? { form } : {}), ...more });
  const must = async (path, form, more) => {
    const response = await post(path, form, more);
    assert.equal(response.status(), 303, `${path}: ${(await response.text()).slice(0, 2000)}`);
  };
  const save = async (path, content, message = "", revision = "") => must(`/${encodePath(path)}/save`, { content, commit: message, revision });
  const revision = async (path) => /name="revision" value="(\w+)"/.exec(await (await context.request.get(`${url}/${encodePath(path)}/edit`)).text())[1];
  return { post, must, save, revision, headers: { origin: url, "x-csrf-token": csrf } };
}

export const encodePath = (path) => path.split("/").map(encodeURIComponent).join("/");

/** Only the pages of the corpus, by the administrator that the visitor becomes. */
export async function fill({ context, borrow }, site) {
  await borrow((page) => setUp(page, site.setup, people.admin));
  const pen = await hand(context, site.url);
  for (const { path, content } of pages) await pen.save(path, content, path);
  return pen;
}

/** A stranger becomes a member. */
export async function register(context, url, { name, email, password }) {
  const form = await (await context.request.get(`${url}/-/register`)).text();
  const csrf_token = /name="csrf_token" value="([^"]+)"/.exec(form)[1];
  const response = await context.request.post(`${url}/-/register`, { headers: { origin: url }, form: { csrf_token, name, email, password1: password, password2: password } });
  assert.equal(response.status(), 200, await response.text());
}

/** The member is approved, says something to the administrator, who has `desk`, and goes again. */
export async function converse(context, desk, url) {
  const rows = await (await desk.request.get(`${url}/-/admin/user_management`)).text();
  const ticks = (field, more) => [...rows.matchAll(new RegExp(`name="${field}" value="(\\d+)"[^>]*?( checked)?>`, "g"))].filter((tick) => more || tick[2]).map((tick) => [field, tick[1]]);
  const members = [...ticks("is_approved", true), ...["allow_read", "allow_write", "allow_upload", "is_admin"].flatMap((field) => ticks(field))];
  const admin = await hand(desk, url);
  await admin.must("/-/admin/user_management", null, { data: new URLSearchParams(members).toString(), headers: { ...admin.headers, "content-type": "application/x-www-form-urlencoded" } });
  const form = await (await context.request.get(`${url}/-/login`)).text();
  const csrf_token = /name="csrf_token" value="([^"]+)"/.exec(form)[1];
  const { email, password } = people.member;
  const response = await context.request.post(`${url}/-/login`, { headers: { origin: url }, form: { csrf_token, email, password }, maxRedirects: 0 });
  assert.equal(response.status(), 303, await response.text());
  const pen = await hand(context, url);
  await pen.must("/Marked/comments", { action: "reply", thread: "1", content: `@${people.admin.email} \`${mark("said")}\`` });
  await pen.save(`${markShort("changed")}`, `${mark("content")}`, mark("change"));
  await context.clearCookies();
}

/** Everything else that people may type. Answers what addresses need: revisions of Marked and of the page with everything, invitations. */
export async function decorate(pen, site) {
  await pen.must("/-/admin", { site_name: `Wiki ${mark("site")}`, site_description: mark("about") });
  await pen.save("Everything", everything, "All");
  const oldest = await pen.revision("Everything");
  await pen.save("Everything", everything.replaceAll(/^\((?=scripts|handlers)/gm, "changed ("), "All again", oldest);
  const newest = await pen.revision("Everything");
  await pen.save("Shows", "{{Include|src=Marked}}");
  await pen.save(markShort("created"), `onerror ${mark("content")}`, mark("message"));
  await pen.must(`/${encodePath(markName("former"))}/rename`, { new_pagename: "Renamed", message: mark("message"), update_backlinks: "1" });
  await pen.must(`/${encodePath(markName("gone"))}/delete`, { message: mark("message") });
  await pen.post("/Marked/draft", { content: mark("draft"), revision: site.second });
  const file = (name, text) => ({ name, mimeType: "text/html", buffer: Buffer.from(text) });
  await pen.must("/Marked/attachments", null, { multipart: { file: file(`${markShort("upload")}.svg`, "<svg xmlns='http://www.w3.org/2000/svg' onload=\"__ran('svg_upload')\"/>"), message: mark("message") } });
  await pen.must("/Marked/attachments", null, { multipart: { file: file("upload.html", "<script>__ran('html_upload')</script>"), message: mark("message") } });
  await pen.save("Marked/Files", "{{AttachmentList}}\n\n{{ImageFrame|src=/Marked/evil.svg}}");
  await pen.must("/Marked/Files/attachments", null, { multipart: { file: file(`${markShort("listed")}.txt`, "x"), message: mark("message") } });
  await pen.save("Tagged", `---\ntags: ["${mark("tag")}"]\n---\n# ${mark("titled")}\n\n${mark("described")}\n`);
  await pen.save("Wants", `[[${markName("wanted")}]]`);
  await pen.save("Ordinary", ORDINARY);
  for (const id of ["1", "2"]) {
    await pen.must("/Marked/comments", { action: "add", content: `${mark("remark")}\n\n\`${mark("code")}\``, quote: mark(id === "1" ? "gone_words" : "content"), before: mark("around"), after: mark("around") });
  }
  await pen.must("/Marked/comments", { action: "resolve", thread: "2" });
  for (const path of [markName("name"), markName("folder")]) await pen.must(`/${encodePath(path)}/watch`, { below: "1" });
  const operations = [{ op: "put", path: "Marked/Proposed", content: `# ${mark("proposed")}\n` }];
  const proposed = await pen.post("/api/v1/proposals", null, { data: { message: `${mark("proposal")}\n\n${mark("proposal_rest")}`, operations } });
  assert.equal(proposed.status(), 202, await proposed.text());
  await pen.must("/-/proposals/1", { action: "comment", comment: mark("said_of_it") });
  const shown = async (path, form) => /<code>([^<]+)<\/code>/.exec(await (await pen.post(path, form)).text())[1];
  const invitation = new URL(await shown("/-/admin/invitations", { email: "&ltimg/src/onerror=__ran.guest&gt@example.org", by_hand: "1" })).pathname;
  const anybody = new URL(await shown("/-/admin/invitations", { uses: "1" })).pathname;
  await shown("/-/settings/tokens", { label: mark("label"), scope: "read", days: "30", within: markName("part") });
  return { first: site.first, second: site.second, oldest, newest, invitation, anybody };
}
