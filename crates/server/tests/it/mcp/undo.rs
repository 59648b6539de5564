//! What an agent did, taken back: by a person in the browser's way, by a program, by the agent itself.

use super::{Mcp, message, told};
use crate::api::{Api, Names, PASSWORD, join, token};
use crate::client::Client;
use holt_core::MemberFlags;
use holt_engine::directory::{NewUser, Rank, TokenScope};
use serde_json::{Value, json};
use std::cell::RefCell;

/// A wiki in which an agent was busy: one page changed, which Ann went on with, one made, one changed where Ann changed it, too.
fn busy() -> (Mcp, Client, String) {
    let mcp = Mcp::start();
    mcp.api.create("Page", "one\n\ntwo\n\nthree\n");
    mcp.api.create("Same", "one\n");
    let read = |path: &str| mcp.good("read_note", json!({"path": path})).revision();
    for path in ["Page", "Same"] {
        let revision = read(path);
        mcp.good("edit_note", json!({"path": path, "revision": revision, "old_string": "one", "new_string": "<b>ONE</b>"}));
    }
    mcp.write("Spam", "<b>buy</b>\n");
    let session = mcp.api.get("/changelog?limit=1").column("entries", "session")[0].clone();
    for (path, old, new) in [("Page", "three", "THREE"), ("Same", "ONE", "ONE!")] {
        let change = json!({"revision": read(path), "old_string": old, "new_string": new});
        assert_eq!(mcp.api.send("PATCH", &format!("/pages/{path}"), &change).status, 200);
    }
    let ann = mcp.api.server.client();
    ann.log_in("ann@example.org", PASSWORD);
    (mcp, ann, session)
}

#[test]
fn a_session_is_looked_through_and_undone_in_the_browser() {
    let (mcp, ann, session) = busy();
    let agent = ann.get("/-/agents?via=mcp%2Fbackup").body_text();
    let place = format!("/-/undo?via=mcp%2Fbackup&person=Ann&session={session}");
    assert!(agent.contains(&format!("href=\"{}\"", place.replace('&', "&#38;"))) || agent.contains(&place), "{agent}");
    let preview = ann.get(&place);
    let text = preview.body_text();
    for part in
        ["name=\"file\" value=\"Page.md\" checked", "value=\"Spam.md\" checked", "is deleted", "somebody changed the same lines since"]
    {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert!(!text.contains("<b>ONE") && !text.contains("value=\"Same.md\""), "{text}");
    let plan = preview.field("plan");
    // Somebody else is faster: the preview holds no longer, and is shown again.
    let revision = mcp.good("read_note", json!({"path": "Page"})).revision();
    mcp.api.send("PATCH", "/pages/Page", &json!({"revision": revision, "old_string": "two", "new_string": "TWO"}));
    ann.use_token(&preview);
    let late = ann.post(&place, &[("plan", &plan), ("file", "Page.md")]).unwrap();
    assert_eq!(late.status, 409);
    assert!(late.body_text().contains("has changed since that preview"), "{}", late.body_text());
    assert!(mcp.good("read_note", json!({"path": "Page"})).text.contains("ONE"));
    // Only what is ticked.
    let done = ann.post(&place, &[("plan", &late.field("plan")), ("file", "Page.md")]).unwrap();
    assert_eq!(done.status, 303);
    let commit = ann.get(done.header("location").unwrap()).body_text();
    assert!(commit.contains("Undid 3 changes") && commit.contains("Undoes: session "), "{commit}");
    let page = mcp.good("read_note", json!({"path": "Page"})).text;
    assert!(page.ends_with("one\n\nTWO\n\nTHREE\n") || page.ends_with("one\n\nTWO\n\nTHREE"), "{page}");
    assert!(mcp.api.get("/pages/Spam").status == 200);
    // A second click leads where the first one led.
    let twice = ann.post(&place, &[("plan", &late.field("plan")), ("file", "Page.md")]).unwrap();
    assert_eq!((twice.status, twice.header("location")), (303, done.header("location")));
    let again = ann.get(&place).body_text();
    assert!(!again.contains("value=\"Page.md\"") && again.contains("value=\"Spam.md\""), "{again}");
    // The changelog leads there as well; nothing is undone that nobody is named for.
    assert!(ann.get("/-/changelog?agent=backup").body_text().contains("href=\"/-/undo?agent=backup\""));
    assert!(!ann.get("/-/changelog").body_text().contains("/-/undo"));
    assert_eq!((ann.get("/-/undo").status, ann.get("/-/undo?from=2026-01-01").status), (422, 422));
    assert_eq!(ann.post(&place, &[("plan", &plan), ("file", "../../etc/passwd")]).unwrap().status, 409);
}

#[test]
fn programs_preview_and_undo() {
    let (mcp, _, session) = busy();
    let undo = |body: &Value| mcp.api.send("POST", "/undo", body);
    let plan = undo(&json!({"session": session, "via": "mcp/backup"}));
    assert_eq!((plan.status, &plan.body["commits"]), (200, &json!(3)), "{}", plan.body);
    assert_eq!(plan.column("items", "file"), ["Page.md", "Spam.md"]);
    assert_eq!(plan.column("items", "kind"), ["changed", "deleted"]);
    assert_eq!(plan.column("conflicts", "file"), ["Same.md"]);
    assert_eq!(plan.body["items"][0]["hunks"][0]["lines"][0], "-<b>ONE</b>");
    undo(&json!({"session": session, "plan": "0".repeat(32)})).refused(409, "plan_changed");
    undo(&json!({"session": session, "plan": plan.body["plan"], "files": ["Same.md"]})).refused(422, "validation");
    for bad in [
        json!({}),
        json!({"from": "2026-01-01"}),
        json!({"session": session, "from": "yesterday"}),
        json!({"revisions": ["zz"]}),
        json!({"revisions": []}),
        json!({"revisions": [plan.body["revision"]], "session": session}),
        json!({"session": 7}),
        json!({"session": session, "plan": plan.body["plan"], "files": [7]}),
        json!({"dry_run": true}),
    ] {
        undo(&bad).refused(422, "validation");
    }
    let done = undo(&json!({"session": session, "plan": plan.body["plan"], "commit_message": "No more of that"}));
    assert_eq!((done.status, &done.body["undone"]), (200, &json!(true)), "{}", done.body);
    assert_eq!(mcp.api.get("/changelog?limit=1").column("entries", "message"), ["No more of that"]);
    assert_eq!(mcp.api.get("/pages/Spam").status, 404);
    let twice = undo(&json!({"session": session, "plan": plan.body["plan"], "commit_message": "No more of that"}));
    assert_eq!((twice.status, &twice.body), (200, &done.body));
    let again = undo(&json!({"session": session}));
    assert_eq!((again.body["items"].as_array().map(Vec::len), again.column("conflicts", "file")), (Some(0), vec!["Same.md".into()]));
    let nothing = undo(&json!({"session": session, "plan": again.body["plan"]}));
    assert_eq!((&nothing.body["undone"], &nothing.body["revision"]), (&json!(false), &json!(null)));
    // That commit can be taken back as any other.
    let back = json!({"revisions": [done.body["revision"]]});
    let plan = undo(&back);
    assert_eq!(plan.column("items", "kind"), ["changed", "restored"]);
}

#[test]
fn an_agent_looks_at_what_it_did_and_undoes_it() {
    let (mcp, _, session) = busy();
    let head = || mcp.api.get("/changelog?limit=1").column("entries", "message")[0].clone();
    let before = head();
    let preview = mcp.good("undo_session", json!({}));
    let begin = format!("Undoing session {session} (3 changes) would do this:\n- Page.md changes\n@@ -1 +1 @@\n-<b>ONE</b>\n+one\n");
    assert!(preview.text.starts_with(&begin), "{}", preview.text);
    for part in ["\n- Spam.md is deleted\n", "\n- Same.md: somebody changed the same lines since\n", "\nNothing has changed yet."] {
        assert!(preview.text.contains(part), "no {part} in {}", preview.text);
    }
    assert_eq!((head(), mcp.api.get("/pages/Spam").status), (before, 200), "a preview changes nothing");
    let plan = preview.structured["plan"].clone();
    assert_eq!(mcp.good("undo_session", json!({"session": session})).structured["plan"], plan);
    // What does not fit is refused, and nothing happens.
    let other = mcp.bad("undo_session", json!({"plan": "0".repeat(32)}), "plan_changed");
    assert!(other.text.starts_with("Conflict: the wiki has changed since that preview"), "{}", other.text);
    mcp.bad("undo_session", json!({"plan": plan, "files": ["../Page.md"]}), "validation");
    mcp.bad("undo_session", json!({"session": "a b"}), "validation");
    mcp.bad("undo_session", json!({"session": "never"}), "validation");
    // A part of it, then the rest: by the plan that is so then.
    let some = mcp.good("undo_session", json!({"plan": plan, "files": ["Spam.md"]}));
    assert_eq!(some.text, format!("Undid session {session} (revision: {}): 1 files changed, 1 stay as they are.", some.revision()));
    assert_eq!((head().as_str(), mcp.api.get("/pages/Spam").status), (format!("[mcp] Undo: session {session}").as_str(), 404));
    let twice = mcp.good("undo_session", json!({"plan": plan, "files": ["Spam.md"]}));
    assert_eq!((twice.text, &twice.structured["revision"]), (some.text, &some.structured["revision"]));
    mcp.bad("undo_session", json!({"plan": plan}), "plan_changed");
    let rest = mcp.good("undo_session", json!({})).structured["plan"].clone();
    mcp.good("undo_session", json!({"plan": rest, "commit_message": "No more of that"}));
    assert_eq!(head(), "[mcp] No more of that");
    let page = mcp.good("read_note", json!({"path": "Page"})).structured["content"].clone();
    assert_eq!(page, "one\n\ntwo\n\nTHREE\n", "what Ann did since stays");
    // The commits that undo are of the session, too: nothing is left to do, and nothing comes back.
    let last = mcp.good("undo_session", json!({}));
    assert!(last.text.contains("(5 changes)") && last.text.contains("- nothing: all of it is undone already"), "{}", last.text);
    assert!(!last.text.contains("Nothing has changed yet"), "{}", last.text);
    let nothing = mcp.good("undo_session", json!({"plan": last.structured["plan"]}));
    assert_eq!((nothing.text, &nothing.structured["undone"]), (format!("There was nothing to undo of session {session}."), &json!(false)));
}

/// Others may have the same name, and call their agent and its session the same.
#[test]
fn an_agent_undoes_only_what_it_did_for_the_same_person() {
    let twin = RefCell::new(String::new());
    let api = Api::prepared(Names::Kept, |engine, wiki| {
        let (email, rank) = ("ben@example.org", Rank::Member);
        let ben = NewUser { email, name: "Ann", password_hash: None, rank, email_confirmed: true, created: 0, last_seen: 0 };
        let ben = engine.directory().create_user(&ben).unwrap();
        let flags = MemberFlags { approved: true, allow_read: true, allow_write: true, allow_upload: true, ..MemberFlags::default() };
        join(wiki, ben, flags);
        *twin.borrow_mut() = token(engine, wiki, Some(ben), TokenScope::Write, "backup");
    });
    let (mcp, twin) = (Mcp { api }, twin.into_inner());
    let call = |token: &str, tool: &str, arguments: Value| {
        let mut body: Value = serde_json::from_str(&message("tools/call", &json!({"name": tool, "arguments": arguments}))).unwrap();
        body["params"]["_meta"] = json!({"io.holt/session": "shared"});
        let bearer = format!("Bearer {token}");
        let headers = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
        told(&crate::api::said(&mcp.api.server.client(), "POST", "/mcp", &headers, body.to_string().as_bytes()))
    };
    for (token, page) in [(&mcp.api.token, "Hers"), (&twin, "His")] {
        assert!(!call(token, "write_note", json!({"path": page, "content": "x"})).failed);
    }
    let files = |told: &super::Told| -> Vec<String> {
        told.structured["items"].as_array().unwrap().iter().map(|item| item["file"].as_str().unwrap().to_string()).collect()
    };
    let (hers, his) = (call(&mcp.api.token, "undo_session", json!({})), call(&twin, "undo_session", json!({"session": "shared"})));
    assert_eq!((files(&hers), files(&his)), (vec!["Hers.md".to_string()], vec!["His.md".to_string()]));
    // Nor what another client did for them: this one says what it is called.
    let write = json!({"name": "write_note", "arguments": {"path": "Third", "content": "x"}});
    assert!(!told(&mcp.ask_modern("tools/call", &write)).failed);
    let theirs = mcp.api.get("/changelog?limit=1").column("entries", "session")[0].clone();
    mcp.bad("undo_session", json!({"session": theirs}), "validation");
    let own = told(&mcp.ask_modern("tools/call", &json!({"name": "undo_session", "arguments": {}})));
    assert_eq!((own.failed, files(&own)), (false, vec!["Third.md".to_string()]));
}
