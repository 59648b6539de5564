//! Agents that propose: what their tools say, and what becomes of it.

use super::{Mcp, told};
use crate::api::{Api, Names, prefer, token};
use holt_engine::directory::TokenScope;
use serde_json::{Value, json};
use std::cell::RefCell;

#[test]
fn an_agent_that_may_only_propose_is_told_what_became_of_it() {
    let robot = RefCell::new(String::new());
    let api = Api::prepared(Names::Kept, |engine, wiki| {
        let ann = engine.directory().user_by_email("ann@example.org").unwrap().unwrap().id;
        *robot.borrow_mut() = token(engine, wiki, Some(ann), TokenScope::Propose, "robot");
    });
    let mcp = Mcp { api };
    let revision = mcp.write("Poem", "one\ntwo\nthree\n");
    let robot = robot.into_inner();
    let call = |tool: &str, arguments: Value| {
        let said = mcp.ask_as(Some(&robot), "tools/call", &json!({"name": tool, "arguments": arguments}));
        assert_eq!(said.status, 200, "{}", said.body);
        told(&said)
    };
    let edit = json!({"path": "Poem", "revision": revision, "old_string": "two", "new_string": "TWO", "commit_message": "Louder"});
    let proposed = call("edit_note", edit);
    assert!(!proposed.failed && proposed.text.starts_with("Proposed \"[mcp] Louder\" as #1. It is not in the wiki"), "{}", proposed.text);
    assert_eq!((&proposed.structured["proposal"]["number"], &proposed.structured["proposal"]["status"]), (&json!(1), &json!("open")));
    let file = json!({"path": "Poem", "filename": "a.txt", "content": "eA=="});
    assert!(call("upload_attachment", file).text.contains("as #2"));
    assert!(call("delete_note", json!({"path": "Poem"})).text.contains("as #3"));
    assert!(mcp.good("read_note", json!({"path": "Poem"})).text.contains("two"));
    assert!(call("get_wiki_info", json!({})).text.contains("Your changes: elsewhere they wait until somebody accepts them"));

    let shown = call("get_proposal", json!({"number": 1}));
    assert!(shown.text.contains("-two\n+TWO") && shown.text.starts_with("#1 open: [mcp] Louder (Ann via mcp/robot"), "{}", shown.text);
    assert!(call("get_proposal", json!({"number": 99})).failed);
    // People decide, elsewhere: no tool does.
    let tools = mcp.ask("tools/list", &json!({})).body["result"]["tools"].clone();
    assert!(tools.as_array().unwrap().iter().all(|tool| !tool["name"].as_str().unwrap().contains("accept")));
    assert_eq!(mcp.api.send("POST", "/proposals/1/accept", &json!({"seen": revision})).status, 200);
    mcp.api.send("POST", "/proposals/3/reject", &json!({"reason": "We need it."}));
    let list = call("list_proposals", json!({"mine": true}));
    assert!(list.text.contains("#3 rejected") && list.text.contains("We need it.") && list.text.contains("#1 accepted"), "{}", list.text);
    assert_eq!(call("list_proposals", json!({"status": "open"})).structured["proposals"].as_array().unwrap().len(), 1);
    assert!(mcp.good("read_note", json!({"path": "Poem"})).text.contains("TWO"));
}

#[test]
fn an_agent_is_told_what_was_taken_and_what_nobody_would_see() {
    let mcp = Mcp::start();
    let revision = mcp.write("Poem", "one\ntwo\nthree\nfour\nfive\n");
    let operations = json!([{"op": "put", "path": "Poem", "revision": revision, "content": "ONE <!-- zqx -->\ntwo\nthree\nfour\nFIVE\n"}]);
    mcp.good("propose_changes", json!({"message": "Louder", "operations": operations}));
    let open = mcp.good("get_proposal", json!({"number": 1}));
    assert!(open.text.contains("It adds hidden text: HTML comment in line 1. Readers of the page do not see it."), "{}", open.text);
    assert_eq!(open.structured["changes"][0]["hidden_text_total"], 1);
    let seen = mcp.api.get("/proposals/1").text("seen");
    let files = json!([{"file": "Poem.md", "hunks": [2]}]);
    let ann = mcp.api.send("POST", "/proposals/1/accept", &json!({"seen": seen, "files": files}));
    assert_eq!(ann.text("status"), "partly-accepted", "{}", ann.body);
    let told = mcp.good("get_proposal", json!({"number": 1}));
    assert!(told.text.contains("; some of its hunks were taken)"), "{}", told.text);
    assert!(told.text.contains("@@ hunk 1 (not taken) @@") && told.text.contains("@@ hunk 2 (taken) @@"), "{}", told.text);
    let shown = mcp.api.get("/proposals/1").body["changes"][0].clone();
    assert_eq!((&shown["taken"], &shown["hunks"][0]["taken"], &shown["hunks"][1]["taken"]), (&json!("hunks"), &json!(false), &json!(true)));
    // Connectors read pages, too.
    mcp.write("Trap", "x <!-- zqx -->\n");
    let fetched = mcp.good("fetch", json!({"id": "Trap"})).structured["metadata"].clone();
    assert_eq!((&fetched["hidden_text_total"], fetched["notice"].as_str().map(|notice| notice.contains("zqx"))), (&json!(1), Some(false)));
    assert!(mcp.good("fetch", json!({"id": "Poem"})).structured["metadata"]["notice"].is_null());
    // Nor is a mend proposed that waits.
    mcp.write("Links", "[[Nowhere at all]]\n\nx\n\ny\n");
    let put = json!([{"op": "put", "path": "Nowhere at all", "content": "# Here\n\nnow\n\nit is\n"}]);
    mcp.good("propose_changes", json!({"message": "New", "operations": put}));
    let care = mcp.good("wiki_care", json!({"kind": "wanted"}));
    assert!(care.text.contains(" A mend of it waits already as #2, by Ann via mcp/backup."), "{}", care.text);
    assert_eq!(care.structured["findings"][0]["waiting"]["number"], 2);
}

#[test]
fn a_policy_by_client_makes_tools_propose() {
    let policy = r#"[{"client":"mcp/*","path":"Law","handling":"deny"},{"client":"mcp/otter","path":"","handling":"propose"}]"#;
    let mcp = Mcp { api: Api::prepared(Names::Kept, |_, wiki| prefer(wiki, &[("AGENT_POLICY", policy)])) };
    let write = |page: &str| json!({"name": "write_note", "arguments": {"path": page, "content": "x"}});
    let proposed = told(&mcp.ask_modern("tools/call", &write("A")));
    assert!(!proposed.failed && proposed.text.contains("as #1"), "{}", proposed.text);
    // Another client of the same person.
    assert!(mcp.good("write_note", json!({"path": "B", "content": "x"})).text.starts_with("Created B"));
    mcp.bad("write_note", json!({"path": "Law/A", "content": "x"}), "forbidden");
    assert!(mcp.good("get_wiki_info", json!({})).text.contains("at Law and below it they are refused; elsewhere they are made at once"));
}

#[test]
fn an_agent_that_may_only_propose_proposes_to_undo_its_session() {
    let policy = r#"[{"client":"mcp/otter","path":"","handling":"propose"}]"#;
    let mcp = Mcp { api: Api::prepared(Names::Kept, |_, wiki| prefer(wiki, &[("AGENT_POLICY", policy)])) };
    mcp.write("Home", "x\n");
    let otter = |tool: &str, arguments: Value| told(&mcp.ask_modern("tools/call", &json!({"name": tool, "arguments": arguments})));
    let accept = |number: u32| {
        let seen = mcp.api.get("/wiki").body["revision"].clone();
        let said = mcp.api.send("POST", &format!("/proposals/{number}/accept"), &json!({"seen": seen}));
        assert_eq!(said.status, 200, "{}", said.body);
    };
    assert!(otter("write_note", json!({"path": "Spam", "content": "buy"})).text.contains("as #1"));
    assert!(otter("undo_session", json!({})).failed, "what nobody accepted is not there to be undone");
    accept(1);
    let preview = otter("undo_session", json!({}));
    assert!(!preview.failed && preview.text.contains("- Spam.md is deleted"), "{}", preview.text);
    let proposed = otter("undo_session", json!({"plan": preview.structured["plan"]}));
    assert!(!proposed.failed && proposed.text.starts_with("Proposed \"[mcp] Undo: session "), "{}", proposed.text);
    assert_eq!((&proposed.structured["proposal"]["number"], mcp.api.get("/pages/Spam").status), (&json!(2), 200));
    accept(2);
    assert_eq!(mcp.api.get("/pages/Spam").status, 404);
    assert!(otter("undo_session", json!({})).text.contains("- nothing: all of it is undone already"));
}
