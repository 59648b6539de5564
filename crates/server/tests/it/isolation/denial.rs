//! TEN-8: who may not read is answered one and the same, whether something is private, was deleted, or never was.

use super::model::{DEN, PLAZA, ROOT, STRANGER, VAULT, Zone};
use super::turn::{Turn, form, get, message, sent};
use super::wire::Answer;
use super::world::{NOBODY, World};
use serde_json::json;
use std::time::Instant;

/// Every address about a page, and about a file of it.
const ABOUT: &[&str] = &[
    "/PAGE",
    "/PAGE.md",
    "/PAGE?revision=REV",
    "/PAGE/edit",
    "/PAGE/edit/REV",
    "/PAGE/rename",
    "/PAGE/delete",
    "/PAGE/view",
    "/PAGE/view/REV",
    "/PAGE/history",
    "/PAGE/diff/REV/REV",
    "/PAGE/blame",
    "/PAGE/blame/REV",
    "/PAGE/source",
    "/PAGE/source/REV",
    "/PAGE/comments",
    "/PAGE/attachments",
    "/PAGE/a/file.txt",
    "/PAGE/a/file.txt/REV",
    "/PAGE/t/file.txt",
    "/PAGE/file.txt",
    "/PAGE/attachment/file.txt",
    "/-/tree?path=PAGE",
    "/-/changelog?path=PAGE",
    "/-/complete?kind=headings&page=PAGE",
    "/-/complete?kind=files&page=PAGE",
    "/-/complete?kind=pages&q=PAGE",
    "/-/search?q=PAGE",
    "/-/move?path=PAGE",
    "/llms-full.txt?after=PAGE",
    "/api/v1/tree?path=PAGE",
    "/api/v1/pages?prefix=PAGE",
    "/api/v1/pages/PAGE",
    "/api/v1/pages/PAGE?format=raw",
    "/api/v1/pages/PAGE?revision=REV",
    "/api/v1/pages/PAGE?section=Part",
    "/api/v1/pages/PAGE/history",
    "/api/v1/pages/PAGE/diff?from=REV&to=HEAD",
    "/api/v1/pages/PAGE/attachments",
    "/api/v1/pages/PAGE/attachments/file.txt",
    "/api/v1/links/PAGE",
    "/api/v1/changelog?path_prefix=PAGE",
    "/api/v1/search?q=PAGE",
    "/api/v1/search?q=words&prefix=PAGE",
];
/// Tools of agents that take the path of a page.
const TOOLS: &[&str] = &["read_note", "list_sections", "get_history", "get_links", "list_attachments", "delete_note"];

/// Three pages of a private part by names of the same length: one that is there, one that was, one that never was.
fn pages(turn: &mut Turn<'_>) -> [String; 3] {
    let names = ["is", "was", "never"].map(|_| turn.word("name of a page", Zone::Staff)).map(|name| Zone::Staff.page(&name));
    for page in &names[..2] {
        let made = turn.ask(&sent("PUT", format!("/api/v1/pages/{page}"), &json!({"content": "# Page\n\nwords\n\n## Part\n"}))).unwrap();
        assert_eq!(made.status, 201);
        turn.note(Some(&made), Zone::Staff);
        let mut file = get(format!("/api/v1/pages/{page}/attachments/file.txt"));
        (file.method, file.body) = ("PUT", b"words".to_vec());
        assert_eq!(turn.ask(&file).unwrap().status, 201);
    }
    assert_eq!(turn.ask(&sent("DELETE", format!("/api/v1/pages/{}", names[1]), &json!({}))).unwrap().status, 200);
    names
}

/// An answer without what is different each time: the date, the request's number, and tokens of forms.
fn plain(answer: &Answer, page: &str) -> String {
    let varies = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        !matches!(name.as_str(), "date" | "x-request-id" | "set-cookie")
    };
    let head: Vec<&str> = answer.head.lines().filter(varies).collect();
    let mut body = answer.text();
    if let Some(csrf) = answer.field("csrf_token").filter(|csrf| !csrf.is_empty()) {
        body = body.replace(&csrf, "CSRF");
    }
    format!("{}\n{body}", head.join("\n"))
        .replace(page, "PAGE")
        .replace(&page.to_lowercase(), "PAGE")
        .replace(&page.replace('/', "%2F"), "PAGE")
}

#[test]
fn private_deleted_and_absent_are_one_answer() {
    let world = World::new(8);
    let mut turn = Turn::new(&world, 8);
    let mut differ = Vec::new();
    // In a private part of an open wiki, for who may not read there, but all else; and in wikis that they may not read at all.
    for (wiki, who) in [
        (PLAZA, NOBODY),
        (PLAZA, STRANGER),
        (PLAZA, super::model::DRIFTER),
        (PLAZA, super::model::ADMIN),
        (PLAZA, 9),
        (DEN, STRANGER),
        (DEN, NOBODY),
        (DEN, super::model::DRIFTER),
        (VAULT, STRANGER),
        (VAULT, NOBODY),
    ] {
        (turn.actor, turn.wiki) = (ROOT, wiki);
        let pages = pages(&mut turn);
        let revision = turn.revision(wiki);
        turn.actor = who;
        let mut compare = |turn: &mut Turn<'_>, what: &str, ask: &dyn Fn(&str) -> super::turn::Asked| {
            let answers = [0, 1, 2].map(|at| {
                let name = pages[at].rsplit('/').next().unwrap();
                let mut asked = ask(&pages[at]);
                asked.headers.push(("Accept-Encoding", "identity".into()));
                plain(&turn.ask(&asked).unwrap(), &pages[at]).replace(name, "NAME")
            });
            if answers[0] != answers[2] || answers[1] != answers[2] {
                differ.push(format!(
                    "{what} at {wiki} for {}:\n{}\n--- was\n{}\n--- never was\n{}\n",
                    world.actors[who].name, answers[0], answers[1], answers[2]
                ));
            }
        };
        for about in ABOUT {
            compare(&mut turn, about, &|page| get(about.replace("PAGE", page).replace("REV", &revision)));
        }
        for tool in TOOLS {
            compare(&mut turn, tool, &|page| message("tools/call", json!({"name": tool, "arguments": {"path": page}}), false, None));
        }
        for (name, value) in
            [("save", "x"), ("delete", "x"), ("rename", "Other"), ("comments", "x"), ("watch", "x"), ("draft", "x"), ("attachments", "x")]
        {
            let csrf = turn.csrf();
            compare(&mut turn, name, &|page| {
                form(
                    format!("/{page}/{name}"),
                    &[("csrf_token", &csrf), ("content", value), ("new_pagename", value), ("action", "add"), ("revision", "")],
                )
            });
        }
        for (method, body) in [
            ("PUT", json!({"content": "x"})),
            ("DELETE", json!({})),
            ("PATCH", json!({"old_string": "words", "new_string": "y", "revision": revision})),
        ] {
            compare(&mut turn, method, &|page| sent(method, format!("/api/v1/pages/{page}"), &body));
        }
        for verb in ["rename", "revert"] {
            let body = json!({"new_path": "Other", "to_revision": revision, "revision": revision});
            compare(&mut turn, verb, &|page| sent("POST", format!("/api/v1/pages/{page}/{verb}"), &body));
        }
    }
    let findings = world.findings.lock().unwrap();
    assert!(differ.is_empty() && findings.is_empty(), "{} differ:\n{}\n{}", differ.len(), differ.join("\n"), findings.join("\n"));
}

/// How long each of the three takes, as a ratio within this run: shown, not asserted.
pub fn time(world: &World) {
    let mut turn = Turn::new(world, 9);
    (turn.actor, turn.wiki, turn.kind) = (ROOT, PLAZA, "timing");
    let pages = pages(&mut turn);
    turn.actor = NOBODY;
    for address in ["/PAGE", "/PAGE/history", "/api/v1/pages/PAGE"] {
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..1_000 {
            for (page, times) in pages.iter().zip(&mut times) {
                let started = Instant::now();
                turn.ask(&get(address.replace("PAGE", page)));
                times.push(started.elapsed().as_micros());
            }
        }
        let [is, was, never] = times.map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2]
        });
        let line = format!("{address}: median µs of 1,000: private {is}, deleted {was}, absent {never}\n");
        std::io::Write::write_all(&mut std::io::stderr().lock(), line.as_bytes()).unwrap();
    }
}
