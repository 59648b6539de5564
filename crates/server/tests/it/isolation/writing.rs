//! What changes pages, files, comments, drafts and proposals, through every door. Most of it is refused most people; that is asked as well.

use super::model::{ADMIN, OPEN, PLAZA, ROOT, Sight, WIKIS, WRITER, Zone};
use super::turn::{Turn, file, form, get, message, sent, url};
use super::wire::Answer;
use super::world::{PROPOSES, PUSHES, Page, WRITES};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::Cursor;

/// Something that is done, and how it is counted.
pub type Change = (&'static str, fn(&mut Turn<'_>));

/// All of them.
pub const CHANGES: &[Change] = &[
    ("api: put", put),
    ("api: patch", patch),
    ("api: delete", delete),
    ("api: rename", rename),
    ("api: revert", revert),
    ("api: commits", commits),
    ("api: put a file", put_file),
    ("api: delete a file", delete_file),
    ("api: propose", propose),
    ("api: accept", accept),
    ("api: reject, withdraw, comment", decide),
    ("api: batchGet", batch_get),
    ("web: save", save),
    ("web: preview", preview),
    ("web: draft", draft),
    ("web: discard a draft", discard),
    ("web: presence", presence),
    ("web: delete", web_delete),
    ("web: rename", web_rename),
    ("web: move", web_move),
    ("web: upload", upload),
    ("web: comment", comment_somewhere),
    ("web: watch", watch),
    ("web: inbox", inbox),
    ("web: revert a commit", web_revert),
    ("web: decide", web_decide),
    ("web: make a token", make_token),
    ("web: invite", invite),
    ("web: create", create),
    ("mcp: write_note", write_note),
    ("mcp: append_to_note", append),
    ("mcp: upload_attachment", mcp_upload),
    ("mcp: propose_changes", mcp_propose),
    ("mcp: apply_changes", mcp_apply),
];

/// Most pages of a wiki, so that a long run reads more than it grows.
const PAGES: usize = 24;

/// Who mostly writes: those who may.
pub fn choose_writer(turn: &mut Turn<'_>) {
    // Where whoever pushes sees everything, mostly: nobody else gets that far.
    if turn.kind.starts_with("git") && turn.random.in_a_thousand(600) {
        turn.wiki = OPEN;
    }
    if turn.random.in_a_thousand(750) {
        let writers = match turn.wiki {
            // Git takes nothing else; forms take none.
            OPEN if turn.kind.starts_with("git") => [PUSHES, PUSHES, PUSHES, PROPOSES],
            _ if turn.kind.starts_with("git") => [WRITES, WRITES, 9, WRITER],
            OPEN if turn.kind.starts_with("web") => [ROOT, WRITER, ADMIN, WRITER],
            _ if turn.kind.starts_with("web") => [ROOT, WRITER, WRITER, WRITER],
            PLAZA => [ROOT, WRITER, WRITES, 9],
            OPEN => [ROOT, WRITER, ADMIN, PROPOSES],
            _ => [ROOT, WRITER, WRITER, WRITER],
        };
        turn.actor = *turn.random.of(&writers);
    }
}

/// A page's text, with a canary in every field that a page has.
pub fn text(turn: &mut Turn<'_>, zone: Zone) -> String {
    let mut word = |what| turn.word(what, zone);
    let (title, tag, category, alias, property) = (word("title"), word("tag"), word("category"), word("alias"), word("property"));
    let (heading, body, section, wanted, hidden) =
        (word("heading"), word("text"), word("section"), word("wanted page"), word("comment in a page"));
    format!(
        "---\ntitle: {title}\ntags: [{tag}, shared]\ncategory: {category}\naliases: [{alias}]\nowner: {property}\n---\n# {heading}\n\n\
         alpha words {body}\n\n## Part\n\n[[Home]] [[Staff/Plan]] [[Crew]] [[{wanted}]]\n\n<!-- {hidden} -->\n\n### {section}\n\n\
         {{{{Include|src=/Staff/Plan}}}}\n\n{{{{PageIndex}}}}\n\n```js\nlet x = '{body}';\n```\n"
    )
}

pub fn message_for(turn: &mut Turn<'_>, zone: Zone) -> String {
    turn.word("commit message", zone)
}

/// The revision of a page that whoever asks can read.
fn base(turn: &mut Turn<'_>, page: &Page) -> Option<String> {
    let answer = turn.ask(&get(format!("/api/v1/pages/{}", url(&page.path))))?;
    Some(answer.json()["revision"].as_str()?.to_string())
}

fn good(answer: Option<&Answer>) -> bool {
    answer.is_some_and(|answer| matches!(answer.status, 200..=299 | 303))
}

pub fn know(turn: &Turn<'_>, page: Page) {
    let mut pages = turn.world.wikis[turn.wiki].pages.lock().unwrap();
    if !pages.iter().any(|other| other.path == page.path) {
        pages.push(page);
    }
}

fn forget(turn: &Turn<'_>, path: &str) {
    turn.world.wikis[turn.wiki].pages.lock().unwrap().retain(|page| page.path != path);
}

/// Makes a page; the test knows it from now on.
pub fn new_page(turn: &mut Turn<'_>, path: String, zone: Zone, stays: bool) {
    let content = text(turn, zone);
    let about = message_for(turn, zone);
    let answer = turn.ask(&sent("PUT", format!("/api/v1/pages/{}", url(&path)), &json!({"content": content, "commit_message": about})));
    turn.note(answer.as_ref(), zone);
    if answer.is_some_and(|answer| matches!(answer.status, 200 | 201)) {
        know(turn, Page { path, zone, files: Vec::new(), stays });
    }
}

pub fn is_full(turn: &Turn<'_>) -> bool {
    turn.world.wikis[turn.wiki].pages.lock().unwrap().len() >= PAGES
}

/// A name that a page may get.
pub fn name(turn: &mut Turn<'_>, zone: Zone) -> String {
    let word = turn.word("name of a page", zone);
    zone.page(&word)
}

fn put(turn: &mut Turn<'_>) {
    if !is_full(turn) && turn.random.in_a_thousand(400) {
        let zone = *turn.random.of(&Zone::ALL);
        let path = name(turn, zone);
        return new_page(turn, path, zone, false);
    }
    let page = turn.page();
    let revision = base(turn, &page);
    let (content, about) = (text(turn, page.zone), message_for(turn, page.zone));
    let body = json!({"content": content, "commit_message": about, "revision": revision.unwrap_or_else(|| "0".repeat(40))});
    let answer = turn.ask(&sent("PUT", format!("/api/v1/pages/{}", url(&page.path)), &body));
    turn.note(answer.as_ref(), page.zone);
}

fn patch(turn: &mut Turn<'_>) {
    let page = turn.page();
    let Some(revision) = base(turn, &page) else { return };
    let (new, about) = (turn.word("text", page.zone), message_for(turn, page.zone));
    let body =
        json!({"revision": revision, "old_string": "alpha words ", "new_string": format!("alpha words {new} "), "commit_message": about});
    let answer = turn.ask(&sent("PATCH", format!("/api/v1/pages/{}", url(&page.path)), &body));
    turn.note(answer.as_ref(), page.zone);
}

/// A page that nobody counts on.
fn loose(turn: &mut Turn<'_>) -> Option<Page> {
    let page = turn.page();
    (!page.stays).then_some(page)
}

fn delete(turn: &mut Turn<'_>) {
    let Some(page) = loose(turn) else { return };
    let about = message_for(turn, page.zone);
    let body = json!({"commit_message": about});
    let answer = turn.ask(&sent("DELETE", format!("/api/v1/pages/{}", url(&page.path)), &body));
    turn.note(answer.as_ref(), page.zone);
    if good(answer.as_ref()) {
        forget(turn, &page.path);
    }
}

/// Where a page goes: to another name in its part, or from the open into a part. What leaves a part is another matter (`flips`).
fn goes(turn: &mut Turn<'_>, page: &Page) -> (String, Zone) {
    let zone = if page.zone == Zone::Open && turn.random.in_a_thousand(300) { Zone::Staff } else { page.zone };
    (name(turn, zone), zone)
}

fn moved(turn: &Turn<'_>, page: &Page, path: String, zone: Zone) {
    forget(turn, &page.path);
    know(turn, Page { path, zone, ..page.clone() });
}

fn rename(turn: &mut Turn<'_>) {
    let Some(page) = loose(turn) else { return };
    let (path, zone) = goes(turn, &page);
    let about = message_for(turn, zone);
    let body = json!({"new_path": path, "commit_message": about});
    let answer = turn.ask(&sent("POST", format!("/api/v1/pages/{}/rename", url(&page.path)), &body));
    // A proposal has changed nothing.
    if answer.is_some_and(|answer| answer.status == 200) {
        moved(turn, &page, path, zone);
    }
}

fn revert(turn: &mut Turn<'_>) {
    let page = turn.page();
    let Some(revision) = base(turn, &page) else { return };
    let Some(to) = undoable(turn, page.zone) else { return };
    let about = message_for(turn, page.zone);
    let body = json!({"to_revision": to, "revision": revision, "commit_message": about});
    let answer = turn.ask(&sent("POST", format!("/api/v1/pages/{}/revert", url(&page.path)), &body));
    turn.note(answer.as_ref(), page.zone);
}

/// A commit of one part of the wiki.
fn undoable(turn: &mut Turn<'_>, zone: Zone) -> Option<String> {
    let undoable = turn.world.wikis[turn.wiki].undoable.lock().unwrap();
    let list = &undoable[zone as usize];
    (!list.is_empty()).then(|| turn.random.of(list).clone())
}

fn operations(turn: &mut Turn<'_>) -> (Value, Zone, Option<Page>) {
    let page = turn.page();
    let zone = page.zone;
    if turn.random.in_a_thousand(300) && !is_full(turn) {
        let path = name(turn, zone);
        let content = text(turn, zone);
        let made = Page { path: path.clone(), zone, files: Vec::new(), stays: false };
        return (json!([{"op": "put", "path": path, "content": content}]), zone, Some(made));
    }
    let new = turn.word("text", zone);
    (json!([{"op": "patch", "path": page.path, "old_string": "## Part", "new_string": format!("## Part\n\nbeta {new}")}]), zone, None)
}

fn commits(turn: &mut Turn<'_>) {
    let (operations, zone, made) = operations(turn);
    let about = message_for(turn, zone);
    let answer = turn.ask(&sent("POST", "/api/v1/commits", &json!({"message": about, "operations": operations})));
    turn.note(answer.as_ref(), zone);
    if answer.is_some_and(|answer| answer.status == 200) {
        made.into_iter().for_each(|page| know(turn, page));
    }
}

/// A name of a file, and what it holds: text, or a picture with something behind it.
fn some_file(turn: &mut Turn<'_>, zone: Zone) -> (String, Vec<u8>) {
    let (name, bytes) = (turn.word("name of a file", zone), turn.word("bytes of a file", zone));
    if turn.random.in_a_thousand(600) {
        return (format!("{name}.txt"), format!("alpha {bytes}\n").into_bytes());
    }
    let mut picture = Cursor::new(Vec::new());
    image::RgbImage::new(60, 40).write_to(&mut picture, image::ImageFormat::Png).unwrap();
    (format!("{name}.png"), [picture.into_inner(), bytes.into_bytes()].concat())
}

fn has_file(turn: &Turn<'_>, page: &Page, file: &str) {
    let mut pages = turn.world.wikis[turn.wiki].pages.lock().unwrap();
    if let Some(known) = pages.iter_mut().find(|known| known.path == page.path) {
        known.files.push(file.to_string());
    }
}

/// Puts a file beside a page.
pub fn attach(turn: &mut Turn<'_>, page: &Page) {
    let (name, content) = some_file(turn, page.zone);
    let mut asked = get(format!("/api/v1/pages/{}/attachments/{name}", url(&page.path)));
    (asked.method, asked.body) = ("PUT", content);
    let answer = turn.ask(&asked);
    turn.note(answer.as_ref(), page.zone);
    if good(answer.as_ref()) {
        has_file(turn, page, &name);
    }
}

fn put_file(turn: &mut Turn<'_>) {
    let page = turn.page();
    if page.files.len() < 4 {
        attach(turn, &page);
    }
}

fn delete_file(turn: &mut Turn<'_>) {
    let page = turn.page();
    if page.files.len() < 2 {
        return;
    }
    let name = turn.random.of(&page.files).clone();
    let about = message_for(turn, page.zone);
    let path = format!("/api/v1/pages/{}/attachments/{name}", url(&page.path));
    let answer = turn.ask(&sent("DELETE", path, &json!({"commit_message": about})));
    turn.note(answer.as_ref(), page.zone);
    if good(answer.as_ref()) {
        let mut pages = turn.world.wikis[turn.wiki].pages.lock().unwrap();
        pages.iter_mut().filter(|known| known.path == page.path).for_each(|known| known.files.retain(|file| *file != name));
    }
}

/// A change that waits, in words that its maker and who may decide see; of whom somebody made it is known by the actor.
fn proposal(turn: &mut Turn<'_>) -> (Value, String, Sight) {
    let page = turn.page();
    let maker = turn.world.actors[turn.actor].person.unwrap_or(ROOT);
    let sight = Sight::Proposal(turn.wiki, page.zone, maker);
    let (_, new) = turn.canary("text that is proposed", &[sight]);
    let (_, title) = turn.canary("title of a proposal", &[sight]);
    let (_, about) = turn.canary("message of a proposal", &[sight]);
    let operations = json!([{"op": "patch", "path": page.path, "old_string": "## Part", "new_string": format!("## Part\n\ngamma {new}")}]);
    (operations, format!("{title}\n\n{about}"), sight)
}

/// Remembers who may see it.
pub fn proposed(turn: &Turn<'_>, number: Option<u64>, sight: Sight) {
    if let Some(number) = number {
        turn.world.wikis[turn.wiki].proposals.lock().unwrap().insert(usize::try_from(number).unwrap(), sight);
    }
}

fn propose(turn: &mut Turn<'_>) {
    let (operations, message, sight) = proposal(turn);
    let answer = turn.ask(&sent("POST", "/api/v1/proposals", &json!({"message": message, "operations": operations})));
    proposed(turn, answer.and_then(|answer| answer.json()["proposal"]["number"].as_u64()), sight);
}

/// The number of a proposal that may be there.
pub fn number(turn: &mut Turn<'_>) -> usize {
    let most = turn.world.wikis[turn.wiki].proposals.lock().unwrap().last_key_value().map_or(0, |(number, _)| *number);
    1 + turn.random.below(1 + most)
}

/// Takes a proposal in: its words become words of the wiki, as far as its part goes.
fn accept(turn: &mut Turn<'_>) {
    let number = number(turn);
    let Some(shown) = turn.ask(&get(format!("/api/v1/proposals/{number}"))) else { return };
    let Some(seen) = shown.json()["seen"].as_str().map(str::to_string) else { return };
    publish(turn, &shown);
    turn.ask(&sent("POST", format!("/api/v1/proposals/{number}/accept"), &json!({"seen": seen})));
}

fn publish(turn: &Turn<'_>, shown: &Answer) {
    let canaries = &turn.world.canaries;
    for id in canaries.scan(&shown.body) {
        for sight in canaries.of(id).sights {
            if let Sight::Proposal(wiki, zone, _) = sight {
                canaries.open(id, Sight::Zone(wiki, zone));
            }
        }
    }
}

/// Words about a proposal, for those who see it; none that tell anything if nobody knows who that is.
fn about_proposal(turn: &mut Turn<'_>, number: usize) -> String {
    let sight = turn.world.wikis[turn.wiki].proposals.lock().unwrap().get(&number).copied();
    sight.map_or_else(|| "words".to_string(), |sight| turn.canary("words about a proposal", &[sight]).1)
}

fn decide(turn: &mut Turn<'_>) {
    let number = number(turn);
    let words = about_proposal(turn, number);
    let (action, body) = match turn.random.below(4) {
        0 => ("reject", json!({"reason": words})),
        1 => ("withdraw", json!({})),
        _ => ("comments", json!({"text": words})),
    };
    turn.ask(&sent("POST", format!("/api/v1/proposals/{number}/{action}"), &body));
}

fn web_decide(turn: &mut Turn<'_>) {
    let number = number(turn);
    let words = about_proposal(turn, number);
    let fields = match turn.random.below(3) {
        0 => [("action", "comment"), ("comment", words.as_str())],
        1 => [("action", "reject"), ("reason", words.as_str())],
        _ => [("action", "accept"), ("seen", "0")],
    };
    turn.ask(&form(format!("/-/proposals/{number}"), &fields));
}

/// A form of ours, with the token that belongs to it.
fn post(turn: &mut Turn<'_>, path: String, fields: &[(&str, &str)]) -> Option<Answer> {
    let csrf = turn.csrf();
    turn.ask(&form(path, &[&[("csrf_token", csrf.as_str())], fields].concat()))
}

/// Nothing changes, but it is a POST.
fn batch_get(turn: &mut Turn<'_>) {
    let paths = [turn.page().path, turn.page().path, "Staff/Plan".to_string(), "Crew".to_string(), "Home".to_string()];
    turn.ask(&sent("POST", "/api/v1/pages:batchGet", &json!({"paths": paths})));
}

fn save(turn: &mut Turn<'_>) {
    let page = turn.page();
    let shown = turn.ask(&get(format!("/{}/edit", url(&page.path))));
    let mut revision = shown.and_then(|shown| shown.field("revision")).unwrap_or_default();
    // A form that is too old is answered with both texts.
    if turn.random.in_a_thousand(250) {
        revision = undoable(turn, page.zone).unwrap_or_default();
    }
    let (content, about) = (text(turn, page.zone), message_for(turn, page.zone));
    post(turn, format!("/{}/save", url(&page.path)), &[("content", &content), ("commit", &about), ("revision", &revision)]);
}

fn preview(turn: &mut Turn<'_>) {
    let page = turn.page();
    let content = "{{Include|src=/Staff/Plan}}\n\n[[Staff/Plan]] [[Crew]]\n\n{{PageIndex|src=*}}\n\n![](/Staff/Plan/x.txt)\n";
    post(turn, format!("/{}/preview", url(&page.path)), &[("content", content)]);
}

fn draft(turn: &mut Turn<'_>) {
    let page = turn.page();
    let Some(person) = turn.world.actors[turn.actor].person else { return };
    let (_, content) = turn.canary("draft", &[Sight::Own(person)]);
    post(turn, format!("/{}/draft", url(&page.path)), &[("content", &content), ("revision", "")]);
}

fn discard(turn: &mut Turn<'_>) {
    let page = turn.page();
    post(turn, format!("/{}/draft/discard", url(&page.path)), &[]);
}

fn presence(turn: &mut Turn<'_>) {
    let page = turn.page();
    post(turn, format!("/{}/presence", url(&page.path)), &[]);
}

fn web_delete(turn: &mut Turn<'_>) {
    let Some(page) = loose(turn) else { return };
    let about = message_for(turn, page.zone);
    let answer = post(turn, format!("/{}/delete", url(&page.path)), &[("message", &about)]);
    if good(answer.as_ref()) {
        forget(turn, &page.path);
    }
}

fn web_rename(turn: &mut Turn<'_>) {
    let Some(page) = loose(turn) else { return };
    let (path, zone) = goes(turn, &page);
    let about = message_for(turn, zone);
    let fields = [("new_pagename", path.as_str()), ("message", &about), ("update_backlinks", "1")];
    let answer = post(turn, format!("/{}/rename", url(&page.path)), &fields);
    if good(answer.as_ref()) {
        moved(turn, &page, path, zone);
    }
}

/// Out of a private part, which is refused, and into the part where they are.
fn web_move(turn: &mut Turn<'_>) {
    let Some(page) = loose(turn) else { return };
    let target = if page.zone == Zone::Staff { "Team" } else { page.zone.top() };
    if page.zone == Zone::Staff && turn.world.model.rights().rules[turn.wiki][0].is_none() {
        return;
    }
    // While a rule comes or goes the answer could be either.
    let Ok(_alone) = turn.world.flip.try_lock() else { return };
    if page.zone == Zone::Staff
        && turn.world.model.rights().rules[turn.wiki][0].as_ref().is_none_or(|rule| rule.read != holt_core::AccessLevel::Admin)
    {
        return;
    }
    let named = format!("/{}", url(&page.path));
    let answer = post(turn, "/-/move".to_string(), &[("path", page.zone.top()), ("target", target), ("page", &named)]);
    if page.zone == Zone::Staff && good(answer.as_ref()) {
        turn.found(&format!("{} left a private part in a row of others", page.path));
    }
}

fn upload(turn: &mut Turn<'_>) {
    let page = turn.page();
    if page.files.len() > 4 {
        return;
    }
    let (name, content) = some_file(turn, page.zone);
    let csrf = turn.csrf();
    let answer = turn.ask(&file(format!("/{}/attachments", url(&page.path)), &csrf, &name, &content));
    if good(answer.as_ref()) {
        has_file(turn, &page, &name);
    }
}

/// Says something about a page.
pub fn comment(turn: &mut Turn<'_>, page: &Page) {
    let (words, quote) = (turn.word("comment", page.zone), turn.word("quote of a comment", page.zone));
    let fields = [("action", "add"), ("content", words.as_str()), ("quote", quote.as_str()), ("before", "alpha "), ("after", "")];
    post(turn, format!("/{}/comments", url(&page.path)), &fields);
}

fn comment_somewhere(turn: &mut Turn<'_>) {
    let page = turn.page();
    match turn.random.below(3) {
        0 => comment(turn, &page),
        1 => {
            let (words, thread) = (turn.word("comment", page.zone), (1 + turn.random.below(30)).to_string());
            post(turn, format!("/{}/comments", url(&page.path)), &[("action", "reply"), ("thread", &thread), ("content", &words)]);
        }
        _ => {
            let id = (1 + turn.random.below(60)).to_string();
            post(turn, format!("/{}/comments", url(&page.path)), &[("action", "delete"), ("comment", &id)]);
        }
    }
}

fn watch(turn: &mut Turn<'_>) {
    let page = turn.page();
    post(turn, format!("/{}/watch", url(&page.path)), &[("action", "watch"), ("below", "1")]);
}

fn inbox(turn: &mut Turn<'_>) {
    post(turn, "/-/inbox".to_string(), &[("action", "read")]);
}

fn web_revert(turn: &mut Turn<'_>) {
    let zone = *turn.random.of(&Zone::ALL);
    // One of another wiki, too.
    let revision = if turn.random.in_a_thousand(200) {
        let other = (turn.wiki + 1 + turn.random.below(WIKIS - 1)) % WIKIS;
        Some(turn.revision(other))
    } else {
        undoable(turn, zone)
    };
    let Some(revision) = revision else { return };
    let about = message_for(turn, zone);
    post(turn, format!("/-/revert/{revision}"), &[("message", &about)]);
}

fn make_token(turn: &mut Turn<'_>) {
    // The writer's tokens are counted elsewhere.
    let Some(person) = turn.world.actors[turn.actor].person.filter(|person| *person != WRITER && !turn.is_program()) else { return };
    if !turn.random.in_a_thousand(100) {
        turn.ask(&get("/-/settings/tokens"));
        return;
    }
    let (_, label) = turn.canary("label of a token", &[Sight::Own(person), Sight::Admin(turn.wiki)]);
    post(turn, "/-/settings/tokens".to_string(), &[("label", &label), ("scope", "read"), ("days", "30"), ("within", "Team")]);
}

fn invite(turn: &mut Turn<'_>) {
    if !turn.random.in_a_thousand(200) {
        turn.ask(&get("/-/admin/invitations"));
        return;
    }
    let (_, whom) = turn.canary("address of who is invited", &[Sight::Admin(turn.wiki)]);
    let whom = format!("{whom}@example.org");
    post(turn, "/-/admin/invitations".to_string(), &[("email", &whom), ("by_hand", "1")]);
}

fn create(turn: &mut Turn<'_>) {
    let page = turn.page();
    post(turn, "/-/create".to_string(), &[("pagename", &page.path)]);
}

#[expect(clippy::needless_pass_by_value, reason = "a call reads like what is sent")]
fn call(turn: &mut Turn<'_>, tool: &str, arguments: Value, zone: Zone) -> Option<Value> {
    let session = turn.word("name of a session", zone);
    let modern = turn.random.in_a_thousand(500);
    let answer = turn.ask(&message("tools/call", json!({"name": tool, "arguments": arguments}), modern, Some(&session)))?;
    let told = answer.json()["result"]["structuredContent"].clone();
    let plain = Answer { status: answer.status, head: String::new(), body: told.to_string().into_bytes(), clear: Vec::new() };
    turn.note(Some(&plain), zone);
    Some(told)
}

fn write_note(turn: &mut Turn<'_>) {
    let page = turn.page();
    let read = turn.ask(&message("tools/call", json!({"name": "read_note", "arguments": {"path": page.path}}), true, None));
    let revision = read.and_then(|read| Some(read.json()["result"]["structuredContent"]["revision"].as_str()?.to_string()));
    let (content, about) = (text(turn, page.zone), message_for(turn, page.zone));
    let mut arguments = json!({"path": page.path, "content": content, "commit_message": about});
    if let Some(revision) = revision {
        arguments["revision"] = json!(revision);
    }
    call(turn, "write_note", arguments, page.zone);
}

fn append(turn: &mut Turn<'_>) {
    let page = turn.page();
    let words = turn.word("text", page.zone);
    call(turn, "append_to_note", json!({"path": page.path, "text": format!("delta {words}\n")}), page.zone);
}

fn mcp_upload(turn: &mut Turn<'_>) {
    let page = turn.page();
    if page.files.len() > 4 {
        return;
    }
    let (name, content) = some_file(turn, page.zone);
    let told =
        call(turn, "upload_attachment", json!({"path": page.path, "filename": name, "content": STANDARD.encode(content)}), page.zone);
    if told.is_some_and(|told| told["revision"].is_string()) {
        has_file(turn, &page, &name);
    }
}

fn mcp_propose(turn: &mut Turn<'_>) {
    let (operations, message, sight) = proposal(turn);
    // The name of the session goes with the proposal, and into the commit that takes it in.
    let Sight::Proposal(_, zone, _) = sight else { unreachable!("as it was made") };
    let told = call(turn, "propose_changes", json!({"operations": operations, "message": message}), zone);
    proposed(turn, told.and_then(|told| told["proposal"]["number"].as_u64()), sight);
}

fn mcp_apply(turn: &mut Turn<'_>) {
    let (operations, zone, made) = operations(turn);
    let about = message_for(turn, zone);
    let told = call(turn, "apply_changes", json!({"operations": operations, "message": about}), zone);
    if told.is_some_and(|told| told["changed"] == true) {
        made.into_iter().for_each(|page| know(turn, page));
    }
}
