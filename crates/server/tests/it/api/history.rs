//! Histories, the changelog, differences, and going back.

use super::{Api, Names};
use serde_json::json;

#[test]
fn cases_15_and_16_history() {
    let api = Api::start(Names::Folded);
    let first = api.create("p", "one\n");
    let body = json!({"content": "two\n", "revision": first, "commit_message": "Because: so\n\nAnd more\n\nVia: me"});
    let second = api.send("PUT", "/pages/p", &body).text("revision");
    let third = api.update("p", &second, "three\n").text("revision");
    let said = api.get("/pages/p/history?limit=2");
    assert_eq!(said.column("history", "revision"), [third.clone(), second.clone()]);
    let one = &said.body["history"][1];
    assert_eq!((one["author"].as_str(), one["path_at"].as_str()), (Some("Ann"), Some("P")));
    assert!(one["date"].as_str().unwrap().contains('T'), "{one}");
    // Word for word, even where it looks like what we add.
    assert_eq!(one["message"], "Because: so\n\nAnd more\n\nVia: me");
    assert_eq!(said.body["history"][0]["message"], "[api] Update: P");
    let rest = api.get(&format!("/pages/p/history?limit=2&cursor={}", said.text("next_cursor")));
    assert_eq!(
        (rest.column("history", "revision"), rest.column("history", "message")),
        (vec![first.clone()], vec!["[api] Create: P".into()])
    );
    api.get("/pages/p/history?limit=x").refused(422, "validation");
    api.get("/pages/nowhere/history").refused(404, "not_found");
    let diff = api.get(&format!("/pages/p/diff?from={first}&to={third}"));
    assert_eq!(diff.body["hunks"][0]["lines"], json!(["-one", "+three"]));
    assert_eq!(api.get("/pages/p/diff?from=abc").refused(404, "not_found").text("field"), "from");
    assert_eq!(api.get(&format!("/pages/p/diff?from={first}")).refused(422, "validation").text("field"), "to");
    let said = api.send("POST", "/pages/p/revert", &json!({"to_revision": first, "revision": third}));
    assert_eq!((said.status, api.get("/pages/p").text("content")), (200, "one\n".into()), "{}", said.body);
    api.send("POST", "/pages/p/revert", &json!({"to_revision": "0000000", "revision": third})).refused(404, "not_found");
}

#[test]
fn case_26_changelog() {
    let api = Api::start(Names::Folded);
    assert_eq!(api.get("/changelog").body, json!({"entries": [], "total": 0, "next_cursor": null}));
    let first = api.create("a", "x");
    api.create("b/c", "x");
    let file = json!({"filename": "f.txt", "content": "eA==", "commit_message": "A file"});
    assert_eq!(api.send("POST", "/pages/a/attachments", &file).status, 201);
    let said = api.get("/changelog?limit=2");
    assert_eq!(
        (said.body["total"].as_u64(), said.column("entries", "message")),
        (Some(2), vec!["A file".into(), "[api] Create: B/C".into()])
    );
    assert_eq!(said.body["entries"][1]["pages_affected"], json!(["B/C"]));
    assert_eq!(
        (&said.body["entries"][0]["pages_affected"], &said.body["entries"][0]["attachments_affected"]),
        (&json!([]), &json!(["a/f.txt"]))
    );
    let rest = api.get(&format!("/changelog?limit=2&cursor={}", said.text("next_cursor")));
    assert_eq!(rest.column("entries", "revision"), std::slice::from_ref(&first));
    assert_eq!(api.get(&format!("/changelog?since={first}")).body["total"], 2);
    assert_eq!(api.get("/changelog?path_prefix=b").body["total"], 1);
    assert_eq!(api.get("/changelog?author=nobody").body["total"], 0);
    api.get("/changelog?limit=x").refused(422, "validation");
    assert_eq!(api.get("/changelog?since=0000000").refused(422, "validation").text("field"), "since");
}
