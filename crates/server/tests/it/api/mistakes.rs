//! What cannot be taken is refused, says what to do about it, and changes nothing.

use super::{Api, Names};
use serde_json::json;

#[test]
fn bodies_are_taken_strictly() {
    let api = Api::start(Names::Folded);
    let put = |body: &str| api.ask("PUT", "/api/v1/pages/p", &[("Content-Type", "application/json")], body.as_bytes());
    for bad in ["{", "{\"content\": \"a\", \"content\": \"b\"}", "{\"content\": \"a\"} x", "\u{1}"] {
        put(bad).refused(400, "validation");
    }
    put(&format!("{{\"content\": {}1{}}}", "[".repeat(5000), "]".repeat(5000))).refused(400, "validation");
    for (bad, field) in [
        ("{\"content\": 7}", "content"),
        ("{\"content\": null}", "content"),
        ("{\"content\": \"a\", \"extra\": 1}", "extra"),
        ("{\"content\": \"a\", \"commit_message\": []}", "commit_message"),
    ] {
        let said = put(bad);
        assert_eq!(said.refused(422, "validation").text("field"), field);
        assert!(said.text("hint").len() > 5);
    }
    for bad in ["[]", "7", "\"x\""] {
        put(bad).refused(422, "validation");
    }
    let said = api.ask("PUT", "/api/v1/pages/p", &[("Content-Type", "text/plain")], b"{\"content\": \"a\"}");
    said.refused(415, "validation");
    put(&json!({"content": "a\u{0}b"}).to_string()).refused(422, "validation");
    put(&json!({"content": "a", "commit_message": "a\u{7}"}).to_string()).refused(422, "validation");
    put(&json!({"content": "x".repeat(1024 * 1024 + 1)}).to_string()).refused(413, "too_large");
    put(&"x".repeat(2 * 1024 * 1024 + 1)).refused(413, "too_large");
    assert_eq!(api.get("/changelog").body["total"], 0);
    assert_eq!(put(&json!({"content": "x".repeat(1024 * 1024)}).to_string()).status, 201);
}

#[test]
fn names_that_cannot_be() {
    let api = Api::start(Names::Kept);
    for bad in ["..", "a/../b", ".git/x", "a%5Cb", "a%00b", "x/history", "-/x", "%01", "a%E2%80%AEb"] {
        let said = api.send("PUT", &format!("/pages/{bad}"), &json!({"content": "x"}));
        assert!([400, 404, 405, 422].contains(&said.status), "{bad}: {} {}", said.status, said.body);
    }
    assert_eq!(
        api.send("PUT", &format!("/pages/{}", "x".repeat(300)), &json!({"content": "x"})).refused(422, "validation").text("field"),
        "path"
    );
    assert_eq!(api.get("/changelog").body["total"], 0);
}

#[test]
fn refusals_have_one_shape() {
    let api = Api::start(Names::Folded);
    let said = api.ask("GET", "/api/v1/pages/nowhere", &[("Accept", "application/problem+json")], b"");
    assert_eq!(said.answer.header("content-type"), Some("application/problem+json"));
    assert_eq!((said.text("type"), said.body["status"].as_u64()), ("urn:holt:error:not_found".into(), Some(404)));
    assert_eq!((said.text("detail"), said.text("title")), (said.text("error"), "Not Found".into()));
    for path in ["", "/nothing", "/pages/a/b/history/x/y/../z", "/links/"] {
        let said = api.get(path);
        assert!(said.status < 500 && said.answer.header("content-type") == Some("application/json"), "{path}: {}", said.status);
    }
    let said = api.send("POST", "/health", &json!({}));
    assert_eq!((said.status, said.answer.header("allow")), (405, Some("GET")));
    assert!(said.body["error"].is_string());
}

#[test]
fn what_would_be_passed_over_is_refused() {
    let api = Api::start(Names::Folded);
    api.create("page", "one");
    let json = ("Content-Type", "application/json");
    let file = api.ask("POST", "/api/v1/pages/page/attachments", &[json], br#"{"filename": "a.txt", "content": "aGs="}"#);
    assert_eq!(file.status, 201);
    let before = api.get("/changelog").body["total"].clone();
    for (method, address, body) in [
        ("POST", "pages/page/attachments", r#"{"filename": "a.txt", "content": "aGs="}"#),
        ("DELETE", "pages/page/attachments/a.txt", ""),
        ("POST", "pages/page/rename", r#"{"new_path": "other"}"#),
        ("POST", "pages/page/revert", r#"{"to_revision": "0000000", "revision": "0000000"}"#),
        ("POST", "commits", r#"{"message": "x", "operations": [{"op": "put", "path": "x", "content": "x"}]}"#),
    ] {
        for header in ["If-Match", "If-None-Match"] {
            let said = api.ask(method, &format!("/api/v1/{address}"), &[json, (header, "*")], body.as_bytes());
            assert_eq!(said.refused(400, "validation").text("field"), header, "{method} {address}");
        }
    }
    assert_eq!(api.get("/changelog").body["total"], before, "nothing was done");
    // An empty variable of a script is no question.
    assert_eq!(api.get("/changes?since=").refused(422, "validation").text("field"), "since");
    for list in ["changes", "pages", "changelog", "search?regex=one"] {
        let sign = if list.contains('?') { '&' } else { '?' };
        api.get(&format!("/{list}{sign}cursor=")).refused(422, "validation");
    }
}
