//! Changes that are sent twice: done once, answered the same.

use super::{Api, Names, Said, join, said, token, user};
use crate::client::Server;
use holt_core::MemberFlags;
use holt_engine::directory::TokenScope;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A change: method, address, headers beside the key, body.
type Change = (&'static str, String, Vec<(&'static str, String)>, Vec<u8>);

fn send(api: &Api, key: &str, (method, address, headers, body): &Change) -> Said {
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (*name, value.as_str())).chain([("Idempotency-Key", key)]).collect();
    api.ask(method, &format!("/api/v1{address}"), &headers, body)
}

fn change(method: &'static str, address: &str, body: &Value) -> Change {
    (method, address.to_string(), vec![(JSON.0, JSON.1.to_string())], body.to_string().into_bytes())
}

fn commits(api: &Api) -> usize {
    api.get("/changelog?limit=200").body["total"].as_u64().unwrap().try_into().unwrap()
}

/// Every address that changes something, as the description has them; `answered` are those that were asked.
fn all_asked(answered: &BTreeSet<String>) {
    let golden: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
    for (address, methods) in golden["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let takes = operation["parameters"].as_array().unwrap().iter().any(|one| one["name"] == "Idempotency-Key");
            assert!(!takes || answered.contains(&format!("{} {address}", method.to_uppercase())), "{method} {address} was not asked twice");
        }
    }
}

#[test]
fn what_is_sent_again_is_done_once_and_answered_the_same() {
    let mut api = Api::start(Names::Kept);
    let mut done: Vec<(String, Change, Said)> = Vec::new();
    let mut asked = BTreeSet::new();
    let mut run = |api: &Api, route: &str, change: Change| -> Value {
        let (key, before) = (format!("key-{}", done.len()), commits(api));
        let first = send(api, &key, &change);
        assert!(first.status < 300, "{route}: {}", first.body);
        assert_eq!((first.answer.header("idempotency-replayed"), commits(api)), (None, before + 1), "{route}");
        asked.insert(route.to_string());
        let body = first.body.clone();
        done.push((key, change, first));
        body
    };
    let page = "/pages/{path}";
    let base = run(&api, "PUT /pages/{path}", change("PUT", "/pages/A", &json!({"content": "---\ntitle: T\n---\none\n\ntwo\n\nthree\n"})));
    let base = base["revision"].as_str().unwrap().to_string();
    run(&api, "PATCH /pages/{path}", change("PATCH", "/pages/a", &json!({"revision": base, "old_string": "one", "new_string": "ONE"})));
    // Merged with what came between.
    let merged = json!({"content": "---\ntitle: T\n---\none\n\ntwo\n\nTHREE\n", "revision": &base[..9]});
    assert_eq!(run(&api, "PUT /pages/{path}", change("PUT", "/pages/A", &merged))["merged"], true);
    let now = api.get("/pages/A").text("revision");
    run(&api, "POST /pages/{path}/revert", change("POST", "/pages/A/revert", &json!({"to_revision": base, "revision": now})));
    let now = api.get("/pages/A").text("revision");
    let mut strict = change("PUT", "/pages/A", &json!({"content": "[[B]]\n"}));
    strict.2.push(("If-Match", format!("\"{now}\"")));
    run(&api, "PUT /pages/{path}", strict);
    let operations = json!([
        {"op": "put", "path": "B", "content": "b\n"}, {"op": "patch", "path": "a", "old_string": "[[B]]", "new_string": "see [[B]]"},
    ]);
    run(&api, "POST /commits", change("POST", "/commits", &json!({"message": "m", "operations": operations})));
    run(&api, "POST /pages/{path}/attachments", change("POST", "/pages/B/attachments", &json!({"filename": "x y.txt", "content": "eA=="})));
    let file = "/pages/{path}/attachments/{filename}";
    run(&api, &format!("PUT {file}"), ("PUT", "/pages/b/attachments/raw.bin".into(), vec![], vec![1, 2, 3]));
    run(&api, &format!("DELETE {file}"), change("DELETE", "/pages/b/attachments/raw.bin", &json!({})));
    let renamed = run(&api, "POST /pages/{path}/rename", change("POST", "/pages/b/rename", &json!({"new_path": "C/D"})));
    assert_eq!(renamed["updated_pages"], json!(["A"]));
    run(&api, &format!("DELETE {page}"), change("DELETE", "/pages/C/d", &json!({})));
    let mut undone = json!({"person": "Ann"});
    undone["plan"] = api.send("POST", "/undo", &undone).body["plan"].clone();
    assert_eq!(run(&api, "POST /undo", change("POST", "/undo", &undone))["undone"], true);
    // A proposal is no commit, and a decision no operation of a client: `proposals.rs` asks those twice.
    asked.insert("POST /proposals".to_string());
    all_asked(&asked);

    // Asked again right away, and after the server died and lost all that can be derived.
    let total = commits(&api);
    for life in 0..2 {
        for (key, change, first) in &done {
            let again = send(&api, key, change);
            let what = format!("life {life}, {} {}", change.0, change.1);
            assert_eq!(
                (again.status, &again.body, again.answer.header("etag")),
                (first.status, &first.body, first.answer.header("etag")),
                "{what}"
            );
            assert_eq!(again.answer.header("idempotency-replayed"), Some("true"), "{what}");
        }
        assert_eq!(commits(&api), total);
        api.server.kill();
        let wiki = Server::repo(api.data.path(), "docs").parent().unwrap().to_path_buf();
        std::fs::remove_file(wiki.join("index.db")).unwrap();
        api.server = Server::start(api.data.path(), &["--default-wiki", "docs"]);
    }
}

#[test]
fn a_key_belongs_to_one_request_of_one_caller() {
    let others = RefCell::new(Vec::new());
    let api = Api::prepared(Names::Kept, |engine, wiki| {
        let bob = user(engine, "Bob");
        join(wiki, bob, MemberFlags { approved: true, allow_read: true, allow_write: true, ..MemberFlags::default() });
        others.borrow_mut().push(token(engine, wiki, Some(bob), TokenScope::Write, "bob"));
    });
    let put = |key: &str, page: &str, text: &str| send(&api, key, &change("PUT", &format!("/pages/{page}"), &json!({"content": text})));
    let first = put("k", "A", "one\n");
    assert_eq!(first.status, 201);
    // Another body, address, precondition: another request.
    put("k", "A", "two\n").refused(422, "idempotency_key_reused");
    put("k", "B", "one\n").refused(422, "idempotency_key_reused");
    let mut strict = change("PUT", "/pages/A", &json!({"content": "one\n"}));
    strict.2.push(("If-None-Match", "*".into()));
    assert_eq!(send(&api, "k", &strict).refused(422, "idempotency_key_reused").text("field"), "Idempotency-Key");
    assert_eq!((commits(&api), api.get("/pages/B").status), (1, 404));
    // Somebody else's key of that name is another one.
    let bearer = format!("Bearer {}", others.borrow()[0]);
    let headers = [JSON, ("Idempotency-Key", "k"), ("Authorization", bearer.as_str())];
    let bob = said(&api.server.client(), "PUT", "/api/v1/pages/Bob", &headers, b"{\"content\": \"bob\"}");
    assert_eq!((bob.status, commits(&api)), (201, 2));
    // What was refused used nothing up.
    put("r", "A", "two\n").refused(409, "revision_required");
    assert_eq!(put("r", "R", "two\n").status, 201);
    // The key stands in no message, and the trailer is not shown.
    let log = api.get("/changelog").body.to_string();
    assert!(!log.contains("Holt-Op") && log.contains("api/backup"), "{log}");
    for bad in ["", "a b", "ü", &"k".repeat(256)] {
        assert_eq!(put(bad, "X", "x").refused(400, "validation").text("field"), "Idempotency-Key", "{bad:?}");
    }
    assert_eq!(put(&"k".repeat(255), "X", "x").status, 201);
}

#[test]
fn two_at_the_same_moment_make_one_commit() {
    let api = Api::start(Names::Kept);
    for round in 0..10 {
        let change = change("PUT", &format!("/pages/P{round}"), &json!({"content": "x\n"}));
        let start = std::sync::Barrier::new(6);
        let ask = || {
            start.wait();
            send(&api, &format!("k{round}"), &change)
        };
        let answers: Vec<Said> = std::thread::scope(|threads| {
            let asking: Vec<_> = (0..6).map(|_| threads.spawn(ask)).collect();
            asking.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let mut revisions = BTreeSet::new();
        for answer in answers {
            match answer.status {
                201 => drop(revisions.insert(answer.text("revision"))),
                _ => assert_eq!(answer.refused(409, "in_progress").answer.header("retry-after"), Some("1")),
            }
        }
        assert_eq!((revisions.len(), commits(&api)), (1, round + 1));
    }
}
