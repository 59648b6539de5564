//! Who may what: tokens, their wikis, their scopes, anonymous readers, limits, and what commits say of it.

use super::{Mcp, message, told};
use crate::api::{Api, Names, PASSWORD, prefer, said, token};
use crate::client::Server;
use holt_core::WikiName;
use holt_engine::db::preferences::Audience;
use holt_engine::directory::TokenScope;
use serde_json::{Value, json};
use std::cell::RefCell;

fn names(body: &Value) -> Vec<String> {
    body["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_string()).collect()
}

/// Case 1.
#[test]
fn case_1_nobody_is_told_where_to_get_a_token() {
    let mcp = Mcp::start();
    let said = mcp.ask_as(None, "tools/list", &json!({}));
    assert_eq!(said.status, 401);
    let challenge = said.answer.header("www-authenticate").unwrap();
    let host = mcp.api.server.client().host;
    assert_eq!(
        challenge,
        format!("Bearer resource_metadata=\"http://{host}/.well-known/oauth-protected-resource/mcp\", scope=\"wiki:read\"")
    );
    let wrong = mcp.ask_as(Some("holt_wrong"), "tools/list", &json!({}));
    assert_eq!(wrong.status, 401);
    assert!(wrong.answer.header("www-authenticate").unwrap().starts_with("Bearer error=\"invalid_token\", resource_metadata="));
}

/// Cases 19, 20 and 27.
#[test]
fn case_20_a_token_is_for_one_wiki() {
    let tokens = RefCell::new(Vec::new());
    let api = Api::prepared(Names::Kept, |engine, wiki| {
        let other = engine.create_wiki(&WikiName::parse("other").unwrap(), "zqxother", Audience::Members).unwrap();
        tokens.borrow_mut().push(token(engine, wiki, None, TokenScope::Write, "docs"));
        tokens.borrow_mut().push(token(engine, &other, None, TokenScope::Write, "other"));
    });
    let mcp = Mcp { api };
    let (docs, other) = (tokens.borrow()[0].clone(), tokens.borrow()[1].clone());
    let mut there = mcp.api.server.client();
    there.host = format!("other.localhost:{}", there.host.rsplit(':').next().unwrap());
    let at_other = |token: &str, tool: &str, arguments: Value| {
        let bearer = format!("Bearer {token}");
        let body = message("tools/call", &json!({"name": tool, "arguments": arguments}));
        said(&there, "POST", "/mcp", &[("Content-Type", "application/json"), ("Authorization", &bearer)], body.as_bytes())
    };
    let write = json!({"path": "Same", "content": "zqx"});
    assert_eq!((at_other(&docs, "write_note", write.clone()).status, at_other(&docs, "get_wiki_info", json!({})).status), (401, 401));
    assert_eq!(mcp.ask_as(Some(&other), "tools/list", &json!({})).status, 401);
    // Each on its own, reading, writing and adding files.
    assert!(!told(&at_other(&other, "write_note", write)).failed);
    let file = json!({"path": "Same", "filename": "a.txt", "content": "eA=="});
    assert!(!told(&at_other(&other, "upload_attachment", file)).failed);
    mcp.write("Same", "docs");
    for (tool, arguments) in [
        ("list_notes", json!({})),
        ("search_notes", json!({"query": "zqx*"})),
        ("read_note", json!({"path": "Same"})),
        ("get_recent_changes", json!({})),
        ("get_wiki_info", json!({})),
    ] {
        let said = mcp.ask_as(Some(&docs), "tools/call", &json!({"name": tool, "arguments": arguments}));
        assert_eq!(said.status, 200);
        let echo = said.answer.body_text().replace("zqx*", "");
        assert!(!echo.contains("zqx"), "{tool}: {echo}");
    }
    let elsewhere = json!({"uri": "wiki://other/pages/Same"});
    assert_eq!(mcp.ask("resources/read", &elsewhere).body["error"]["code"], -32002);
}

/// Case 29.
#[test]
fn case_29_who_may_only_read_sees_no_tools_that_write() {
    let tokens = RefCell::new(Vec::new());
    let api = Api::prepared(Names::Kept, |engine, wiki| tokens.borrow_mut().push(token(engine, wiki, None, TokenScope::Read, "reader")));
    let mcp = Mcp { api };
    let reader = tokens.borrow()[0].clone();
    let list = mcp.ask_as(Some(&reader), "tools/list", &json!({}));
    let annotations = |tool: &Value| tool["annotations"]["readOnlyHint"] == true;
    assert!(list.body["result"]["tools"].as_array().unwrap().iter().all(annotations));
    assert_eq!(names(&list.body).len(), 23);
    for (tool, scope) in [
        ("write_note", "wiki:read wiki:write"),
        ("apply_changes", "wiki:read wiki:write"),
        ("upload_attachment", "wiki:read wiki:write wiki:upload"),
    ] {
        let said = mcp.ask_as(Some(&reader), "tools/call", &json!({"name": tool, "arguments": {"path": "x", "content": "y"}}));
        assert_eq!(said.status, 403, "{tool}: {}", said.body);
        let challenge = said.answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer error=\"insufficient_scope\""), "{challenge}");
        assert!(challenge.contains(&format!("scope=\"{scope}\", resource_metadata=")), "{challenge}");
    }
    assert_eq!(mcp.good("list_notes", json!({})).structured["total"], 0);
}

/// Case 30.
#[test]
fn case_30_commits_name_the_person_and_the_client() {
    let mcp = Mcp::start();
    mcp.write("Plain", "one");
    let modern = json!({"name": "write_note", "arguments": {"path": "Modern", "content": "two", "commit_message": "Because"}});
    assert_eq!(mcp.ask_modern("tools/call", &modern).body["result"]["isError"], false);
    let log = mcp.api.get("/changelog");
    assert_eq!(log.column("entries", "author"), ["Ann", "Ann"]);
    assert_eq!(log.column("entries", "via"), ["mcp/otter", "mcp/backup"]);
    assert_eq!(log.column("entries", "message"), ["[mcp] Because", "[mcp] Create: Plain"]);
    let (repo, _data) = {
        let Api { data, mut server, .. } = mcp.api;
        server.stop();
        (Server::repo(data.path(), "docs"), data)
    };
    let out = std::process::Command::new("git").arg("--git-dir").arg(&repo).args(["log", "-1", "--format=%an|%ae|%B"]).output().unwrap();
    let (said, session) = (String::from_utf8_lossy(&out.stdout), log.column("entries", "session")[0].clone());
    assert_eq!(said.trim_end(), format!("Ann|ann@example.org|[mcp] Because\n\nVia: mcp/otter\nSession: {session}"));
}

#[test]
fn everybody_reads_a_public_wiki_and_nobody_in_particular_writes() {
    let mcp = Mcp { api: Api::prepared(Names::Kept, |_, wiki| prefer(wiki, &[("READ_ACCESS", "ANONYMOUS")])) };
    mcp.write("Page", "text");
    let list = mcp.ask_as(None, "tools/list", &json!({}));
    assert_eq!((list.status, names(&list.body).len()), (200, 23));
    let read = mcp.ask_as(None, "tools/call", &json!({"name": "read_note", "arguments": {"path": "Page"}}));
    assert!(told(&read).text.starts_with("# Page\n"));
    let write = mcp.ask_as(None, "tools/call", &json!({"name": "write_note", "arguments": {"path": "X", "content": "y"}}));
    assert_eq!(write.status, 401);
}

#[test]
fn a_session_has_to_prove_that_it_means_it() {
    let mcp = Mcp::start();
    let ann = mcp.api.server.client();
    ann.log_in("ann@example.org", PASSWORD);
    let (json_type, origin, csrf) = (("Content-Type", "application/json"), format!("http://{}", ann.host), ann.csrf());
    let body = message("tools/call", &json!({"name": "write_note", "arguments": {"path": "S", "content": "y"}}));
    let send = |headers: &[(&str, &str)]| said(&ann, "POST", "/mcp", headers, body.as_bytes());
    assert_eq!(send(&[json_type]).status, 403);
    assert_eq!(send(&[json_type, ("Origin", "http://evil.example"), ("X-CSRF-Token", &csrf)]).status, 403);
    assert!(!told(&send(&[json_type, ("Origin", &origin), ("X-CSRF-Token", &csrf)])).failed);
}

#[test]
fn who_asks_too_much_is_told_when_to_come_back() {
    let api = Api::start(Names::Kept);
    // A server that has answered is one that can be stopped.
    assert_eq!(api.get("/health").status, 200);
    let Api { data, mut server, token } = api;
    server.stop();
    let server = Server::start(data.path(), &["--default-wiki", "docs", "--rate-limit", "on", "--api-reads", "11", "--api-writes", "2"]);
    let mcp = Mcp { api: Api { data, server, token } };
    mcp.write("A", "1");
    mcp.write("B", "2");
    let told = mcp.call("write_note", json!({"path": "C", "content": "3"}));
    assert!(told.failed && told.text.starts_with("Too many requests"), "{}", told.text);
    assert!(told.structured["error"]["retry_after"].as_u64().is_some_and(|seconds| seconds <= 60), "{}", told.structured);
    // A search costs ten; what is no tool is refused over HTTP.
    mcp.good("search_notes", json!({"query": "1"}));
    mcp.bad("search_notes", json!({"query": "1"}), "rate_limited");
    let said = (0..6).map(|_| mcp.ask("tools/list", &json!({}))).find(|said| said.status == 429).unwrap();
    assert!(said.answer.header("retry-after").is_some() && said.body["error"]["code"] == -32000);
}
