//! Following a wiki: parts of what changed, answers that wait, streams of events.

use super::{Api, Names, PASSWORD, Said, join, said, user};
use crate::client::Client;
use holt_core::MemberFlags;
use holt_testkit::git;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

/// A wiki with Ann's token and Eva, who administers it in the browser.
fn start() -> (Api, Client) {
    let api = Api::prepared(Names::Kept, |engine, wiki| {
        let eva = user(engine, "Eva");
        join(wiki, eva, MemberFlags { admin: true, approved: true, ..MemberFlags::default() });
    });
    let eva = api.server.client();
    eva.log_in("eva@example.org", PASSWORD);
    (api, eva)
}

/// A stream of events, read block by block.
struct Stream {
    lines: BufReader<TcpStream>,
}

impl Stream {
    fn open(api: &Api, query: &str, headers: &str) -> Self {
        let host = api.server.client().host;
        let mut stream = TcpStream::connect(&host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let token = &api.token;
        write!(
            stream,
            "GET /api/v1/changes{query} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n{headers}\r\n"
        )
        .unwrap();
        let mut stream = Self { lines: BufReader::new(stream) };
        let head = stream.block();
        assert!(head[0].starts_with("HTTP/1.1 200") && head.iter().any(|line| line == "content-type: text/event-stream"), "{head:?}");
        assert!(head.iter().any(|line| line == "cache-control: no-store"), "{head:?}");
        stream
    }
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_string()
    }
    /// Lines up to an empty one. Sizes of chunks look like lines, too.
    fn block(&mut self) -> Vec<String> {
        let mut block = Vec::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return block;
            }
            block.push(line);
        }
    }
    /// The next event: its name, id and data. None at the end of the stream.
    fn event(&mut self) -> Option<(String, String, Value)> {
        loop {
            let line = self.line();
            if line == "0" {
                assert_eq!(self.line(), "", "a good end");
                return None;
            }
            let Some(id) = line.strip_prefix("id: ").map(str::to_string) else {
                if line == "event: error" {
                    let data = self.line();
                    return Some(("error".into(), String::new(), serde_json::from_str(&data[6..]).unwrap()));
                }
                continue;
            };
            let next = self.line();
            let Some(name) = next.strip_prefix("event: ").map(str::to_string) else {
                return Some(("start".into(), id, Value::Null));
            };
            let data = self.line();
            return Some((name, id, serde_json::from_str(&data[6..]).unwrap()));
        }
    }
}

fn repository(api: &Api) -> PathBuf {
    let wiki = std::fs::read_dir(api.data.path().join("wikis")).unwrap().next().unwrap().unwrap();
    wiki.path().join("repo.git")
}

/// What each commit did, in short.
fn kinds(said: &Said) -> Vec<String> {
    let of = |one: &Value| {
        let page = |page: &Value| {
            format!(
                "{} {}{}",
                page["kind"].as_str().unwrap(),
                page["path"].as_str().unwrap(),
                page["old_path"].as_str().map(|old| format!(" from {old}")).unwrap_or_default()
            )
        };
        let all: Vec<String> = one["pages"].as_array().unwrap().iter().chain(one["attachments"].as_array().unwrap()).map(page).collect();
        all.join(", ")
    };
    said.body["changes"].as_array().unwrap_or_else(|| panic!("{}", said.body)).iter().map(of).collect()
}

#[test]
fn what_changed_in_parts_oldest_first() {
    let api = Api::start(Names::Kept);
    let nothing = "0".repeat(40);
    let empty = api.get("/changes");
    assert_eq!((empty.text("until"), kinds(&empty).len()), (nothing.clone(), 0), "an empty wiki has a place to go on from, too");
    let first = api.create("A", "one, a text that is long enough to be known again\n");
    api.create("B", "two\n");
    api.update("A", &first, "one, a text that is long enough to be known again, changed\n");
    api.send("POST", "/pages/B/attachments", &json!({"filename": "f.txt", "content": "eA=="}));
    api.send("POST", "/pages/A/rename", &json!({"new_path": "C"}));
    let last = api.ask("DELETE", "/api/v1/pages/B", &[], b"").text("revision");
    let all = ["created A", "created B", "changed A", "created B/f.txt", "renamed C from A", "deleted B, deleted B/f.txt"];
    let said = api.get(&format!("/changes?since={nothing}"));
    assert_eq!(
        (kinds(&said), said.text("until"), said.body["next_cursor"].clone()),
        (all.map(String::from).to_vec(), last.clone(), Value::Null)
    );
    let one = &said.body["changes"][0];
    assert_eq!(
        (one["author"].as_str(), one["via"].as_str(), one["revision"].as_str()),
        (Some("Ann"), Some("api/backup"), Some(first.as_str()))
    );
    assert!(one["message"] == "[api] Create: A" && one["date"].as_str().is_some_and(|date| date.contains('T')), "{one}");
    assert_eq!(kinds(&api.get(&format!("/changes?since={}", &first[..8]))), all[1..]);
    assert_eq!((kinds(&api.get(&format!("/changes?since={last}"))).len(), api.get("/changes").text("until")), (0, last.clone()));
    // In parts, while the wiki goes on: the end of the list stays where it was.
    let (mut parts, mut query) = (Vec::new(), format!("?since={first}&limit=2"));
    loop {
        let said = api.get(&format!("/changes{query}"));
        parts.extend(kinds(&said));
        assert_eq!(said.text("until"), last);
        api.create(&format!("Later{}", parts.len()), "x");
        let Some(cursor) = said.body["next_cursor"].as_str() else { break };
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(parts, all[1..]);
    // What is no place to go on from.
    for unknown in ["1".repeat(40), "abcdef0".to_string()] {
        let said = api.get(&format!("/changes?since={unknown}"));
        assert!(said.refused(410, "revision_unknown").text("hint").contains("Start anew"));
    }
    for bad in ["since=abc", "since=HEAD", "since=..", "wait=x", "wait=-1", "cursor=x"] {
        let field = bad.split('=').next().unwrap();
        assert_eq!(api.get(&format!("/changes?{bad}")).refused(422, "validation").text("field"), field);
    }
}

/// A page of the wiki, written by a clone of its repository that pushes.
fn push(api: &Api, page: &str) -> String {
    let repo = repository(api);
    let work = tempfile::tempdir().unwrap();
    git(work.path(), &["clone", "-q", repo.to_str().unwrap(), "."]);
    std::fs::write(work.path().join(format!("{page}.md")), "pushed\n").unwrap();
    git(work.path(), &["add", "-A"]);
    git(work.path(), &["commit", "-q", "-m", "Pushed"]);
    git(work.path(), &["push", "-q", "origin", "HEAD"]);
    git(work.path(), &["rev-parse", "HEAD"])
}

#[test]
fn whoever_waits_hears_of_every_door() {
    let (api, eva) = start();
    let mut since = api.create("Start", "x");
    for door in ["api", "web", "git"] {
        let query = format!("/api/v1/changes?since={since}&wait=60");
        let waiting: Vec<_> = (0..8)
            .map(|_| {
                let (client, query, bearer) = (api.server.client(), query.clone(), format!("Bearer {}", api.token));
                // The question below takes a place, too, for a moment.
                let ask = move || said(&client, "GET", &query, &[("Authorization", &bearer)], b"");
                std::thread::spawn(move || std::iter::repeat_with(ask).find(|said| said.status != 429).unwrap())
            })
            .collect();
        // No more than eight wait for one caller: when the ninth is refused, all eight do. Others may.
        while api.get(&format!("/changes?since={since}&wait=1")).status != 429 {}
        let refused = api.get(&format!("/changes?since={since}&wait=1"));
        assert_eq!(refused.refused(429, "rate_limited").answer.header("retry-after"), Some("1"));
        match door {
            "api" => drop(api.create("By-api", "x")),
            "web" => assert_eq!(eva.save("By-web", "x", ""), Some(303)),
            // The server hears of it when anybody asks it anything.
            _ => {
                push(&api, "By-git");
                assert_eq!(api.get("/wiki").status, 200);
            }
        }
        for one in waiting {
            let said = one.join().unwrap();
            assert_eq!((said.status, kinds(&said)), (200, vec![format!("created By-{door}")]));
            since = said.text("until");
        }
    }
    // Nothing happens: the answer comes when its time is over.
    let said = api.get(&format!("/changes?since={since}&wait=1"));
    assert_eq!((kinds(&said).len(), said.text("until")), (0, since));
}

#[test]
fn events_come_as_they_happen_and_go_on_where_they_were() {
    let (mut api, eva) = start();
    let start = api.create("Start", "x");
    let mut stream = Stream::open(&api, "", "");
    assert_eq!(stream.event(), Some(("start".into(), start.clone(), Value::Null)));
    for (page, revision) in [("One", api.create("One", "x")), ("Two", api.create("Two", "x"))] {
        let (name, id, data) = stream.event().unwrap();
        assert_eq!(
            (name.as_str(), id, data["pages"][0]["path"].as_str(), data["author"].as_str()),
            ("change", revision, Some(page), Some("Ann"))
        );
    }
    assert_eq!(eva.save("Three", "x", ""), Some(303));
    assert_eq!(stream.event().unwrap().2["pages"][0]["path"], "Three");
    let pushed = push(&api, "Four");
    assert_eq!(api.get("/wiki").status, 200);
    assert_eq!(stream.event().unwrap().1, pushed);
    drop(stream);
    // Again from the start, in more parts than one.
    let mut again = Stream::open(&api, "?since=1111111111111111111111111111111111111111&limit=1", &format!("Last-Event-ID: {start}\r\n"));
    let pages: Vec<Value> = (0..4).map(|_| again.event().unwrap().2["pages"][0]["path"].clone()).collect();
    assert_eq!(pages, ["One", "Two", "Three", "Four"]);
    // The server ends, and so does the stream, in good order.
    api.server.stop();
    assert_eq!(again.event(), None);
}

#[test]
fn whoever_is_a_member_no_more_hears_nothing_more() {
    let (api, eva) = start();
    api.create("Start", "x");
    let mut stream = Stream::open(&api, "", "");
    stream.event().unwrap();
    api.create("Before", "x");
    assert_eq!(stream.event().unwrap().2["pages"][0]["path"], "Before");
    let list = eva.get("/-/admin/user_management");
    eva.use_token(&list);
    let text = list.body_text();
    let eva_id = text.split("eva@example.org").next().unwrap().rsplit("/-/user/").next().unwrap().split('"').next().unwrap().to_string();
    let kept = eva.post("/-/admin/user_management", &[("is_admin", &eva_id), ("is_approved", &eva_id)]).unwrap();
    assert_eq!((kept.status, api.get("/wiki").status), (303, 403));
    assert_eq!(eva.save("Secret", "x", ""), Some(303));
    let (name, _, data) = stream.event().unwrap();
    assert_eq!((name.as_str(), data["code"].as_str(), stream.event()), ("error", Some("forbidden"), None));
    assert!(!data.to_string().contains("Secret"));
}

/// Nothing happens in the wiki: it is the heartbeat that finds the token gone.
#[test]
fn a_revoked_token_ends_a_quiet_stream() {
    let (api, _) = start();
    api.create("Start", "x");
    let mut stream = Stream::open(&api, "", "");
    stream.event().unwrap();
    api.revoke();
    let (name, _, data) = stream.event().unwrap();
    assert_eq!((name.as_str(), data["code"].as_str(), stream.event()), ("error", Some("unauthorized"), None));
}

/// Case 33, by git: what was pushed is there for whoever asks next, wherever they ask.
#[test]
fn case_33_a_push_is_found_by_whoever_asks_next() {
    let (api, _) = start();
    api.create("Start", "x");
    push(&api, "ByGit");
    assert_eq!(api.get("/search?q=pushed").column("results", "path"), ["ByGit"]);
    push(&api, "LinksToStart");
    assert_eq!(api.get("/pages").column("pages", "path"), ["ByGit", "LinksToStart", "Start"]);
    push(&api, "Third");
    assert!(api.get("/links/orphans").texts("orphans").contains(&"Third".to_string()));
    push(&api, "Fourth");
    let call =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search_notes", "arguments": {"query": "fourth"}}});
    let said = api.ask("POST", "/mcp", &[("Content-Type", "application/json")], call.to_string().as_bytes());
    assert_eq!(said.body["result"]["structuredContent"]["results"][0]["path"], "Fourth", "{}", said.body);
}

#[test]
fn hidden_pages_are_not_there() {
    let (api, eva) = start();
    let open = api.create("Open", "a text that is long enough to be known again after it moved\n");
    let nothing = "0".repeat(40);
    // Eva closes a part of the wiki, and works in it.
    let form = eva.get("/-/admin/path_rules");
    eva.use_token(&form);
    let before = form.field("before").replace("&#34;", "\"");
    let closed = [("path", "Staff"), ("read", "ADMIN"), ("write", "ADMIN"), ("readers", ""), ("writers", ""), ("before", &before)];
    assert_eq!(eva.post("/-/admin/path_rules", &closed).unwrap().status, 303);
    let before = api.get("/changes").text("until");
    assert_eq!(before, open);
    assert_eq!(eva.save("Staff/Plan", "x", "hush"), Some(303));
    assert_eq!(eva.save("Going", "another text that is long enough to be known again after it moved\n", ""), Some(303));
    let going = api.get("/changes").text("until");
    eva.refresh_csrf();
    assert_eq!(eva.post("/Going/rename", &[("new_pagename", "Staff/Gone"), ("message", "hush")]).unwrap().status, 303);
    let said = api.get(&format!("/changes?since={going}"));
    assert_eq!((kinds(&said), said.body["changes"][0]["message"].as_str()), (vec!["deleted Going".to_string()], Some("")), "{}", said.body);
    let before = said.text("until");
    assert_eq!(eva.save("Staff/Plan", "y", "hush"), Some(303));
    for query in [String::new(), format!("?since={before}"), format!("?since={nothing}")] {
        let said = api.get(&format!("/changes{query}"));
        assert_eq!(said.text("until"), before, "{query}");
        assert!(!said.body.to_string().contains("Plan") && !said.body.to_string().contains("hush"), "{}", said.body);
    }
}
