//! Wikis that moved in from robot.wtf: the command, and that agents go on as they are configured.

use super::{DOMAIN, Platform, with_token};
use crate::api::{PASSWORD, engine};
use crate::client::Server;
use holt_engine::accounts::password;
use holt_testkit::{ROBOT_BROKEN, ROBOT_GOOD, ROBOT_TOKEN, robot_wtf};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The tools that robot.wtf offers.
const SIXTEEN: [&str; 16] = [
    "read_note",
    "write_note",
    "edit_note",
    "list_notes",
    "search_notes",
    "semantic_search",
    "get_links",
    "get_recent_changes",
    "get_history",
    "rename_note",
    "delete_note",
    "find_orphaned_notes",
    "list_attachments",
    "upload_attachment",
    "download_attachment",
    "delete_attachment",
];

fn sql(database: &Path, text: &str) {
    let db = Connection::open(database).unwrap();
    db.pragma_update(None, "journal_mode", "wal").unwrap();
    db.pragma_update(None, "foreign_keys", false).unwrap();
    db.execute_batch(text).unwrap();
}

fn source(dir: &Path) -> PathBuf {
    let source = dir.join("robot");
    robot_wtf(&source, &sql);
    source
}

fn slugs(printed: &Value, outcome: &str) -> Vec<String> {
    let wikis = printed["wikis"].as_array().unwrap().iter();
    wikis.filter(|wiki| wiki["outcome"] == outcome).map(|wiki| wiki["slug"].as_str().unwrap().to_string()).collect()
}

#[test]
fn the_command_says_what_came_in_and_what_did_not() {
    let dir = tempfile::tempdir().unwrap();
    let (source, data) = (source(dir.path()), dir.path().join("data"));
    let path = source.to_str().unwrap();
    let run = |more: &[&str]| Server::command(&data, &[&["import", "robot-wtf", path], more].concat());
    let (code, out, _) = run(&["--dry-run", "--json"]);
    let rehearsed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, slugs(&rehearsed, "would come in"), slugs(&rehearsed, "failed")), (1, texts(ROBOT_GOOD), texts(ROBOT_BROKEN)));
    let (code, out, error) = run(&["--only", "dev"]);
    assert_eq!(code, 0, "{out}{error}");
    assert!(out.contains("imported") && out.contains("token did not come in"), "{out}");
    let (code, out, _) = run(&[]);
    assert_eq!(code, 1);
    for line in
        ["borrows from another repository", "here already", "accounts: 8 new, 1 known", "Notes on alice", "\"@dave\"", "mcp_oauth.db"]
    {
        assert!(out.contains(line), "{line}: {out}");
    }
    let (code, out, _) = run(&["--json"]);
    let again: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, slugs(&again, "here already"), again["users"].as_u64()), (1, texts(ROBOT_GOOD), Some(0)));
    assert_eq!(run(&["--only", "nobody"]).0, 1);
    assert_eq!(Server::command(&data, &["check"]).0, 0);
}

fn texts(slugs: &[&str]) -> Vec<String> {
    slugs.iter().map(|slug| (*slug).to_string()).collect()
}

#[test]
fn an_agent_goes_on_with_the_token_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let (source, data) = (source(dir.path()), dir.path().join("data"));
    assert_eq!(Server::command(&data, &["import", "robot-wtf", source.to_str().unwrap()]).0, 1);
    let server = Server::start(&data, &["--domain", DOMAIN]);
    let at = |slug: &str| server.client_at(&format!("{slug}.{DOMAIN}"));

    let alice = at("alice");
    let page = with_token(&alice, ROBOT_TOKEN, "GET", "/api/v1/pages/Home", "");
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.text("content").starts_with("# Home of alice"));
    let written =
        with_token(&alice, ROBOT_TOKEN, "PUT", "/api/v1/pages/New", r##"{"content": "# New\n", "commit_message": "From an agent"}"##);
    assert!((200..300).contains(&written.status), "{} {}", written.status, written.body);

    let ask = |method: &str, params: Value| {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let said = with_token(&alice, ROBOT_TOKEN, "POST", "/mcp", &message);
        assert_eq!(said.status, 200, "{method}: {}", said.body);
        said.body
    };
    let names: Vec<String> = ask("tools/list", json!({}))["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_string())
        .collect();
    for tool in SIXTEEN {
        assert!(names.iter().any(|name| name == tool), "{tool}: {names:?}");
    }
    let read = ask("tools/call", json!({"name": "read_note", "arguments": {"path": "New"}}));
    assert!(read["result"]["content"][0]["text"].as_str().is_some_and(|text| text.contains("# New")), "{read}");

    for (slug, token) in [("dev", ROBOT_TOKEN), ("alice", "invalidated:dev"), ("dev", "invalidated:dev")] {
        assert_eq!(with_token(&at(slug), token, "GET", "/api/v1/pages/Home", "").status, 401, "{slug} {token}");
    }
    let settings = with_token(&alice, ROBOT_TOKEN, "GET", "/api/v1/settings", "").status;
    assert!(settings >= 400, "an editor administers nothing: {settings}");

    // Who may read is as it was, and so are addresses.
    assert_ne!(alice.get("/").status, 200);
    let dev = at("dev");
    assert_eq!(dev.get("/").status, 200);
    assert!(dev.get("/Getting_Started").body_text().contains("Welcome."));
    for picture in ["/platform/robot.wtf.svg", "/platform/logo.svg"] {
        let answer = dev.get(picture);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/svg+xml")));
    }
    assert_eq!(at("two--hyphens").get("/-/healthz").status, 200);
}

/// An account has the handle where others have a mail address, which is no reason to refuse a form that does not change it. Even where there
/// is one wiki only, its administrator does not rule accounts of people who come from elsewhere.
#[test]
fn members_that_moved_in_can_be_changed() {
    let dir = tempfile::tempdir().unwrap();
    let data = tempfile::tempdir().unwrap();
    let source = source(dir.path());
    assert_eq!(Server::command(data.path(), &["import", "robot-wtf", source.to_str().unwrap(), "--only", "alice"]).0, 0);
    let engine = engine(data.path());
    let directory = engine.directory();
    let id = |handle: &str| directory.user_by_email(handle).unwrap().unwrap().id;
    // What an operator does for somebody who cannot come by the AT Protocol.
    let (alice, bob) = (id("@alice.bsky.social"), id("@bob.example.com"));
    directory.set_email(alice, "alice@example.org").unwrap();
    directory.set_password_hash(alice, Some(&password::hash(PASSWORD).unwrap())).unwrap();
    drop(engine);
    let server = Server::start(data.path(), &["--domain", DOMAIN]);
    let platform = Platform { data, server };
    let wiki = platform.enter(&platform.person("Alice"), "alice");
    let address = format!("/-/user/{}", bob.0);
    assert!(wiki.get(&address).body_text().contains("@bob.example.com"));
    assert!(!wiki.get(&address).body_text().contains("name=\"password1\""));
    let changed = wiki.post(&address, &[("is_approved", "1"), ("allow_read", "1")]).unwrap();
    assert_eq!((changed.status, changed.header("location")), (303, Some(&*format!("{address}?saved=1"))), "{}", changed.body_text());
}
