// Every place in which text of users is shown. `shows` are the names (site.mjs: `mark`) that stand there: the control requires that each
// of them runs once the place has a hole. `part` says where on the page (hole.mjs).

import { encodePath, mark, markName, markShort } from "./site.mjs";

/** Opens an address; an attachment that is saved instead of shown has no page to look at. */
const at = (path, options) => (page, url) =>
  page.goto(url + path, options).catch((error) => {
    if (!/Download is starting|ERR_ABORTED/.test(error.message)) throw error;
  });

/** Sends a form from an address of the wiki, as a browser does; a plain one, because every visit costs time. */
const sent = (path, fields) => async (page, url) => {
  const form = await (await page.context().request.get(`${url}/-/register`)).text();
  const csrf_token = /name="csrf_token" value="([^"]+)"/.exec(form)[1];
  await page.goto(`${url}/-/healthz`);
  const [response] = await Promise.all([page.waitForNavigation(), page.evaluate(submit, [path, { csrf_token, ...fields }])]);
  return response;
};

function submit([path, fields]) {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: path });
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement("textarea");
    Object.assign(field, { name, value });
    form.append(field);
  }
  document.body.append(form);
  HTMLFormElement.prototype.submit.call(form);
}

/** Opens an address as a script asks for it. */
const asJson = (path) => async (page, url) => {
  await page.setExtraHTTPHeaders({ accept: "application/json" });
  try {
    return await at(path)(page, url);
  } finally {
    await page.setExtraHTTPHeaders({});
  }
};

/** A page, until it has asked who reads, and said so: the first time, because what is said is remembered and then not said again. */
const asked = (path) => async (page, url) => {
  await page.goto(`${url}/-/healthz`);
  await page.evaluate(() => sessionStorage.clear());
  return page.goto(url + path, { waitUntil: "networkidle" });
};

/** The editor, until its preview has come. */
export const previewed = (path) => async (page, url) => {
  const [answer] = await Promise.all([page.waitForResponse((response) => response.url().endsWith("/preview")), page.goto(`${url}${path}/edit`)]);
  await answer.finished();
  await page.waitForFunction(() => document.querySelector("[data-preview]")?.childElementCount > 0);
  return answer;
};

const plainPreview = (path) => async (page, url) => {
  await page.goto(`${url}${path}/edit`);
  const [response] = await Promise.all([page.waitForNavigation(), page.evaluate(() => document.querySelector("[name=preview]").click())]);
  return response;
};

const named = `/${encodePath(markName("name"))}`;
const folder = `/${encodePath(markName("folder"))}`;
const file = encodeURIComponent(`${markName("file")}.png`);
const lost = encodePath(markName("lost"));
const broken = "Line one.\n<<<<<<< theirs\na\n=======\nb\n>>>>>>> yours\n";

/** name, part, what shows there, how to go there, and who goes: the administrator, or `stranger`. */
export const places = ({ first, second, oldest, newest, invitation, anybody }) => [
  ["page", "main", ["title", "property", "key", "content", "heading"], at("/Marked")],
  ["page: title and description", "head", ["title", "site"], at("/Marked")],
  ["page: contents and backlinks", "aside", ["heading", "name"], at("/Marked")],
  ["page: last change", "foot", ["me"], at(`/${encodePath(markShort("created"))}`)],
  ["page with a hostile name", "main", ["shown"], at(named)],
  ["page with a hostile name: crumbs", "crumbs", ["name"], at(named)],
  ["page with a hostile name: title", "head", ["shown"], at(named)],
  ["folder with a hostile name", "main", ["folder", "below"], at(folder)],
  ["tree of pages", "tree", ["name", "folder", "below", "created"], at("/-/about")],
  ["name of the wiki", "top", ["site"], at("/-/about")],
  ["name of the reader", "corner", ["me"], asked("/Home")],
  ["about the wiki", "main", ["site"], at("/-/about")],
  ["page that shows another", "main", ["content", "title"], at("/Shows")],
  ["index in a page", "main", ["under", "deep"], at("/Top")],
  ["list of attachments in a page", "main", ["listed", "me", "message"], at("/Marked/Files")],
  ["preview", "preview", ["title", "content", "heading"], previewed("/Marked")],
  ["preview without scripts", "main", ["title", "content", "heading"], plainPreview("/Marked")],
  ["editor", "main", ["title", "content", "heading", "file"], at("/Marked/edit")],
  ["editor of an old revision", "main", ["content"], at(`/Marked/edit/${first}`)],
  ["editor of a draft", "main", ["draft"], at("/Marked/edit?draft=continue")],
  ["editor of a new page", "main", ["fresh"], at(`/${encodePath(markShort("fresh"))}/edit`)],
  ["editor after a refusal", "main", ["refused", "reason"], sent("/Marked/save", { content: mark("refused"), commit: `\u0001${mark("reason")}`, revision: second })],
  ["conflict", "main", ["content", "mine", "sent", "author"], sent("/Marked/save", { content: `${mark("mine")}\n`, commit: mark("sent"), revision: first })],
  ["conflict not decided", "main", ["mine", "sent"], sent("/Marked/save", { content: `${mark("mine")}\n${broken}`, commit: mark("sent"), revision: second, resolving: "1" })],
  ["conflict with a deletion", "main", ["mine", "me"], sent(`/${encodePath(markName("gone"))}/save`, { content: `${mark("mine")}\n`, revision: first })],
  ["conflict with a renaming", "main", ["mine", "me"], sent(`/${encodePath(markName("former"))}/save`, { content: `${mark("mine")}\n`, revision: first })],
  ["history", "main", ["message", "author"], at("/Marked/history")],
  ["history of a hostile name", "main", ["name", "message"], at(`${named}/history`)],
  ["history with an old name", "main", ["former"], at("/Renamed/history")],
  ["history refused", "main", ["message"], sent("/Marked/history", { rev_a: first, rev_b: first })],
  ["difference", "main", ["content", "message", "author"], at(`/Marked/diff/${first}/${second}`)],
  ["difference side by side", "main", ["content", "message", "author"], at(`/Marked/diff/${first}/${second}?view=side`)],
  ["difference in the page", "main", ["message", "author"], at(`/Marked/diff/${first}/${second}?view=page`)],
  ["difference of everything in the page", "main", ["scripts_plain"], at(`/Everything/diff/${oldest}/${newest}?view=page`)],
  ["difference of everything", "main", ["scripts_plain"], at(`/Everything/diff/${oldest}/${newest}`)],
  ["blame", "main", ["content", "author", "message"], at("/Marked/blame")],
  ["blame of an old revision", "main", ["content"], at(`/Marked/blame/${first}`)],
  ["source", "main", ["content", "title"], at("/Marked/source")],
  ["source of an old revision", "main", ["content"], at(`/Marked/source/${first}`)],
  ["source of everything", "main", ["scripts_plain"], at("/Everything/source")],
  ["old revision", "main", ["content", "author"], at(`/Marked/view/${first}`)],
  ["commit", "main", ["message", "message_rest", "author", "content", "name"], at(`/-/commit/${first}`)],
  ["commit with files", "main", ["file", "content"], at(`/-/commit/${second}`)],
  ["commit: title", "head", ["message"], at(`/-/commit/${first}`)],
  ["revert", "main", ["message", "author", "name"], at(`/-/revert/${first}`)],
  ["revert refused", "main", ["reason"], sent(`/-/revert/${first}`, { message: `\u0001${mark("reason")}` })],
  ["changelog", "main", ["message", "me"], at("/-/changelog")],
  ["log from the newest", "main", ["message", "me"], at("/-/log")],
  ["changelog from a revision", "main", ["message", "author", "name"], at(`/-/changelog/${second}`)],
  ["log", "main", ["message"], at(`/-/log/${first}`)],
  ["search that finds nothing", "main", ["query"], at(`/-/search?q=${encodeURIComponent(`nosuchword ${mark("query")}`)}`)],
  ["search that finds nothing: title", "head", ["query"], at(`/-/search?q=${encodeURIComponent(`nosuchword ${mark("query")}`)}`)],
  ["search in the path", "main", ["query"], at(`/-/search/${encodeURIComponent(`nosuchword ${markName("query")}`)}`)],
  ["search that finds", "main", ["shown"], at("/-/search?q=shown")],
  ["search that finds: page titles", "main", ["name"], at("/-/search?q=onerror%20shown")],
  ["index", "main", ["name", "below", "created"], at("/-/index")],
  ["page with a tag", "aside", ["tag"], at("/Tagged")],
  ["tags", "main", ["tag"], at("/-/tags")],
  ["pages with a tag", "main", ["tag", "titled", "described"], at(`/-/tags?tag=${encodeURIComponent(mark("tag"))}`)],
  ["no such tag", "main", ["lost"], at(`/-/tags?tag=${lost}`)],
  ["tree in parts", "main", ["name"], at("/-/tree")],
  ["tree in parts, of a hostile page", "main", ["below"], at(`/-/tree?path=${folder.slice(1)}`)],
  ["agents", "main", ["via", "author"], at("/-/agents")],
  ["what an agent did", "main", ["via", "message", "author"], at(`/-/agents?via=${encodeURIComponent(mark("via"))}`)],
  ["undo", "main", ["via", "undone", "undone_text"], at(`/-/undo?via=${encodeURIComponent(mark("via"))}`)],
  ["deleted pages", "main", ["gone", "me"], at("/-/deleted")],
  ["housekeeping", "main", ["wanted"], at("/-/housekeeping")],
  ["create from a template", "main", ["template"], at("/-/create")],
  ["editor of a page from a template", "main", ["shown", "template"], at(`/Fresh/edit?template=${encodeURIComponent(`templates/${markName("template")}`)}`)],
  ["editor of a section", "main", ["heading"], at("/Marked/edit?section=nosuch")],
  ["changelog with a filter", "main", ["lost"], at(`/-/changelog?author=${lost}`)],
  ["changelog with a wrong day", "main", ["lost"], at(`/-/changelog?from=${lost}`)],
  ["completion", "raw", ["titled"], at("/-/complete?kind=pages&q=titled")],
  ...["atom", "rss", "json"].map((feed) => [`feed ${feed}`, "raw", ["message", "site"], at(`/-/changelog/feed.${feed}`)]),
  ["pages for programs", "raw", ["site"], at("/llms.txt")],
  ["texts for programs", "raw", ["site"], at("/llms-full.txt")],
  ["comments", "main", ["remark", "code", "gone_words", "content", "me", "said"], at("/Marked/comments")],
  ["comments of one thread", "main", ["remark", "said"], at("/Marked/comments?thread=1")],
  ["comment about certain words", "main", ["asked", "around"], at(`/Marked/comments?quote=${encodeURIComponent(mark("asked"))}&before=${encodeURIComponent(mark("around"))}&after=x`)],
  ["comment refused", "main", ["refused", "asked"], sent("/Marked/comments", { action: "add", content: mark("refused") + "x".repeat(20_480), quote: mark("asked") })],
  ["reply refused", "main", ["refused", "remark"], sent("/Marked/comments", { action: "reply", thread: "1", content: mark("refused") + "x".repeat(20_480) })],
  ["comment changed and refused", "main", ["refused", "remark"], sent("/Marked/comments", { action: "edit", comment: "1", content: mark("refused") + "x".repeat(20_480) })],
  ["comment with no such action", "main", ["asked"], sent("/Marked/comments", { action: mark("asked") })],
  ["comments, read by a stranger", "main", ["remark", "code", "gone_words", "me"], at("/Marked/comments"), "stranger"],
  ["comments as JSON", "raw", ["remark"], asJson("/Marked/comments")],
  ["proposals", "main", ["proposal"], at("/-/proposals")],
  ["proposal", "main", ["proposal", "proposal_rest", "proposed", "said_of_it"], at("/-/proposals/1")],
  ["proposal as a page", "main", ["proposal", "proposed"], at("/-/proposals/1?view=page")],
  ["proposal refused", "main", ["reason", "asked"], sent("/-/proposals/1", { action: "x", reason: mark("reason"), comment: mark("asked") })],
  ["inbox", "main", ["said", "name", "folder"], at("/-/inbox")],
  ["inbox with no such action", "main", ["asked"], sent("/-/inbox", { action: mark("asked") })],
  ["move pages", "main", ["name", "below"], at("/-/move")],
  ["move pages refused", "main", ["asked"], sent("/-/move", { target: mark("asked") })],
  ["menu of the wiki", "top", ["site"], at("/-/admin/sidebar_preferences")],
  ["appearance of the wiki", "top", ["site"], at("/-/admin/appearance")],
  ["content of the wiki", "top", ["site"], at("/-/admin/content_and_editing")],
  ["menu refused", "main", ["asked", "reason"], sent("/-/admin/sidebar_preferences", { sidebar_menutree_mode: "x", link: mark("asked"), title: mark("reason") })],
  ["appearance refused", "main", ["asked"], sent("/-/admin/appearance", { site_logo: mark("asked") })],
  ["content refused", "main", ["asked"], sent("/-/admin/content_and_editing", { default_commit_message: mark("asked"), commit_message: "x" })],
  ["search with filters", "main", ["query"], at(`/-/search?q=${encodeURIComponent(mark("query"))}&author=${encodeURIComponent(mark("asked"))}`)],
  ["attachments", "main", ["file", "upload", "message", "author"], at("/Marked/attachments")],
  ["attachments: what was added", "main", ["added"], at(`/Marked/attachments?added=${encodeURIComponent(mark("added"))}`)],
  ["attachments refused", "main", ["file"], sent("/Marked/attachments", { message: mark("reason") })],
  ["attachment", "main", ["file", "message", "author"], at(`/Marked/attachment/${file}`)],
  ["attachment that was uploaded", "main", ["upload", "message"], at(`/Marked/attachment/${encodeURIComponent(`${markShort("upload")}.svg`)}`)],
  ["create", "main", ["asked"], at(`/-/create?pagename=${encodeURIComponent(mark("asked"))}`)],
  ["create from a hostile page", "main", ["folder"], async (page, url) => at("/-/create", { referer: `${url}${folder}/${encodePath(markName("below"))}` })(page, url)],
  ["create refused", "main", ["asked"], sent("/-/create", { pagename: mark("asked") })],
  ["rename", "main", ["name"], at(`${named}/rename`)],
  ["rename refused", "main", ["asked", "reason"], sent("/Marked/rename", { new_pagename: mark("asked"), message: mark("reason") })],
  ["delete", "main", ["name"], at(`${named}/delete`)],
  ["no such page", "main", ["lost"], at(`/${lost}`)],
  ["no such page: crumbs", "crumbs", ["lost"], at(`/Deep/${lost}/x`)],
  ["no such page: title", "head", ["lost"], at(`/${encodePath(mark("lost"))}`)],
  ["no such file", "main", ["lost"], at(`/Marked/a/${lost}`)],
  ["no such page to rename", "main", ["lost"], at(`/${lost}/rename`)],
  ...["/-/commit", "/-/revert", "/-/log", "/-/changelog", "/Marked/view", `/Marked/diff/${first}`, "/Marked/blame", "/Marked/source", "/Marked/edit"]
    .map((before) => [`no such revision: ${before.replace(first, "…")}`, "main", ["lost"], at(`${before}/${lost}`)]),
  ["no such revision: ?revision", "main", ["lost"], at(`/Home?revision=${lost}`)],
  ["no such page of the site", "main", ["lost"], at(`/.well-known/${lost}`)],
  ["no history", "main", ["lost"], at(`/${lost}/history`)],
  ["error as JSON", "raw", ["lost"], asJson(`/${lost}/rename`)],
  ["login", "main", ["next"], at(`/-/login?next=/${encodeURIComponent(mark("next"))}`), "stranger"],
  ["login refused", "main", ["login", "next"], sent("/-/login", { email: mark("login"), password: "x", next: `/${mark("next")}` }), "stranger"],
  ["register", "top", ["site"], at("/-/register"), "stranger"],
  ["register refused", "main", ["newcomer", "address"], sent("/-/register", { name: mark("newcomer"), email: mark("address"), password1: "x", password2: "y" }), "stranger"],
  ["lost password", "top", ["site"], at("/-/lost_password"), "stranger"],
  ["lost password refused", "main", ["address"], sent("/-/lost_password", { email: mark("address") }), "stranger"],
  ["confirmation asked for", "main", ["address"], at(`/-/request_confirmation_link/${encodeURIComponent(markName("address"))}`), "stranger"],
  ["confirmation asked for without an address", "top", ["site"], at("/-/request_confirmation_link"), "stranger"],
  ["confirmation refused", "main", ["address"], sent("/-/request_confirmation_link", { email: mark("address") }), "stranger"],
  ["invitation", "main", ["site"], at(invitation), "stranger"],
  ["invitation: title", "head", ["site"], at(invitation), "stranger"],
  ["invitation refused", "main", ["site", "newcomer"], sent(invitation, { name: mark("newcomer"), password: "x" }), "stranger"],
  ["invitation of somebody with an account", "main", ["site", "me"], at(anybody)],
  ["settings", "main", ["me", "site", "label", "part"], at("/-/settings")],
  ["settings: sessions", "main", ["site"], at("/-/settings/sessions")],
  ["settings: tokens", "main", ["label", "part"], at("/-/settings/tokens")],
  ["token refused", "main", ["asked", "elsewhere"], sent("/-/settings/tokens", { label: mark("asked"), scope: "x", within: mark("elsewhere") })],
  ["settings refused", "main", ["me"], sent("/-/settings", { name: mark("asked") })],
  ["administration", "main", ["site", "about"], at("/-/admin")],
  ["administration refused", "main", ["site"], sent("/-/admin", { site_name: "\u0001" })],
  ["members", "main", ["mail", "member"], at("/-/admin/user_management")],
  ["member", "main", ["member"], at("/-/user/2")],
  ["member to be removed", "top", ["site"], sent("/-/user/2", { delete: "1" })],
  ["member to be added", "top", ["site"], at("/-/user")],
  ["member refused", "main", ["newcomer", "address"], sent("/-/user", { name: mark("newcomer"), email: mark("address"), password1: "x", password2: "y" })],
  ["invitations", "main", ["guest"], at("/-/admin/invitations")],
  ["invitation to nobody", "main", ["address"], sent("/-/admin/invitations", { email: mark("address") })],
  ["invitation for many", "main", ["asked"], sent("/-/admin/invitations", { uses: mark("asked") })],
  ["save refused", "main", ["content", "asked"], sent("/Marked/save", { csrf_token: "x", content: mark("content"), commit: mark("asked") })],
  ["private pages", "top", ["site"], at("/-/admin/path_rules")],
  ["private pages refused", "main", ["folder", "people"], sent("/-/admin/path_rules", { path: mark("folder"), read: "ADMIN", write: "ADMIN", readers: mark("people"), writers: "" })],
  ["what programs can ask", "top", ["site"], at("/-/api")],
  ["agents", "top", ["site"], at("/-/admin/agent_policy")],
  ["agents refused", "main", ["asked", "folder"], sent("/-/admin/agent_policy", { client: mark("asked"), path: mark("folder"), handling: "x" })],
  ["mail", "top", ["site"], at("/-/admin/mail_preferences")],
  ["mail refused", "main", ["server", "sender", "port", "user"], sent("/-/admin/mail_preferences", { mail_server: mark("server"), mail_sender: mark("sender"), mail_port: mark("port"), mail_username: mark("user"), mail_security: "" })],
  ["test mail refused", "main", ["address"], sent("/-/admin/mail_preferences", { test_mail_preferences: "1", mail_recipient: mark("address") })],
  ["repository", "top", ["site"], at("/-/admin/repository_management")],
  ["mirror", "top", ["site"], at("/-/admin/mirror")],
  ["mirror refused", "main", ["asked", "user"], sent("/-/admin/mirror", { url: mark("asked"), username: mark("user"), branch: "main", minutes: "5" })],
  ["webhooks refused", "main", ["asked", "folder"], sent("/-/admin/webhooks", { url: mark("asked"), prefix: mark("folder") })],
  ["webhooks", "top", ["site"], at("/-/admin/webhooks")],
  ["webhook made", "top", ["site"], sent("/-/admin/webhooks", { url: "https://hooks.example.org/", prefix: "", events: "page.created" })],
  ["webhook", "top", ["site"], at("/-/admin/webhooks/1")],
  ["audit log", "main", ["mail", "guest", "label"], at("/-/admin/audit")],
  ["audit log asked for", "main", ["query"], at(`/-/admin/audit?actor=${encodeURIComponent(mark("query"))}`)],
  ["Markdown of a page", "raw", ["content"], at("/Marked.md")],
  ["plain source", "raw", ["content"], at("/Marked/source?raw")],
  ["who reads", "raw", ["me"], at("/-/me")],
  ["manifest", "raw", ["site"], at("/manifest.webmanifest")],
  ["sitemap", "raw", ["name"], at("/sitemap.xml")],
  ["preview, opened as a page", "raw", ["content"], sent("/Marked/preview", { content: mark("content") })],
  ...[["evil.svg", "svg_file"], ["evil.html", "html_file"], ["evil.txt", "text_file"], ["fake.png", "fake_file"], ["fake.pdf", "fake_pdf"], ["noextension", "bare_file"], ["upload.html", "html_upload"]]
    .map(([name, runs]) => [`file ${name}`, "file", [runs], at(`/Marked/a/${name}`)]),
  ["file of a revision", "file", ["html_file"], at(`/Marked/a/evil.html/${second}`)],
  ["file at the address of a page", "file", ["html_file"], at("/Marked/evil.html")],
  ["file as a thumbnail", "file", ["html_file"], at("/Marked/t/evil.html")],
];

/** Addresses with hostile parts that are not shown again. If one begins to be, the test says so: it belongs among the places then. */
export const silent = ({ first }) => [
  `/Marked/comments?part=${lost}&thread=${lost}&${lost}`, `/-/inbox?comments=${lost}&changes=${lost}&saved=${lost}`,
  `/-/changelog?before=${lost}`, `/-/help/${lost}`, `/Home/view?${lost}`, `/-/nosuch/${lost}`, `/-/index?x=${lost}`, `/-/admin?saved=${lost}`, `/-/settings?saved=${lost}`, "/%00lost", "/lost%zz",
  "/%fflost", "/a%2flost", `/Marked/diff/${first}/${first}?view=${lost}`, `/-/recover_password/${lost}`, `/-/confirm_email/${lost}`, `/-/invite/${lost}`, `/-/unsubscribe/${lost}`, `/-/user/${lost}`, `/-/admin/audit?action=${lost}&before=${lost}`, `/robots.txt?${lost}`, `/-/healthz?${lost}`, `/Home?edit&${lost}`,
];

/** Addresses that show text of users once they exist. Whoever builds one is told here to list it above. */
export const notYet = ["/-/feed"];

/** The form that makes the first administrator, while there is none. */
export const beforeAnybody = [
  ["setup", "main", ["token"], at(`/-/setup?token=${encodeURIComponent(mark("token"))}`)],
  ["setup refused", "main", ["token", "newcomer", "address"], sent("/-/setup", { token: mark("token"), name: mark("newcomer"), email: mark("address"), password: "x" })],
];
