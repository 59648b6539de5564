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
fn queries_are_taken_strictly() {
    let api = Api::start(Names::Folded);
    api.create("p", "one");
    for (address, status, field) in [
        ("/pages?limit=abc", 422, "limit"),
        ("/pages?limit=0", 422, "limit"),
        ("/pages?limit=-1", 422, "limit"),
        ("/pages?limit=1&limit=2", 422, "limit"),
        ("/pages?prefx=x", 422, "prefx"),
        ("/pages?prefix=%zz", 400, "prefix"),
        ("/pages?prefix=%ff", 400, "prefix"),
        ("/pages?%ff=x", 400, "%ff"),
        ("/search?q=one&offset=1000000", 422, "offset"),
        ("/search?q=one&explain=yes", 422, "explain"),
        ("/pages/p?format=html", 422, "format"),
        ("/pages/p?Revision=HEAD", 422, "Revision"),
        ("/tree?depth=1.5", 422, "depth"),
        ("/changes?wait=soon", 422, "wait"),
        ("/wiki?x", 422, "x"),
        ("/health?x=1", 422, "x"),
    ] {
        let said = api.get(address);
        assert_eq!(said.refused(status, "validation").text("field"), field, "{address}");
        assert!(said.text("hint").len() > 5, "{address}: {}", said.body);
    }
    // What is blank is not sent, and more than the most is the most.
    for good in ["/pages?", "/pages?limit=&prefix=&", "/pages?limit=99999999999999999999", "/search?q=one+%22two%22", "/pages/p?format=raw"]
    {
        assert_eq!(api.get(good).status, 200, "{good}");
    }
    // A change whose address says something else than is understood is not done.
    let said = api.send("DELETE", "/pages/p?atachments=keep", &json!({}));
    assert_eq!(said.refused(422, "validation").text("field"), "atachments");
    assert!(said.text("hint").contains("attachments") && api.get("/pages/p").status == 200);
}

#[test]
fn commits_name_the_operation_and_the_field() {
    let api = Api::start(Names::Folded);
    let old = api.create("p", "one\n");
    api.update("p", &old, "two\n");
    api.create("q", "three\n");
    for (operation, status, code, field) in [
        (json!({"op": "put", "path": "a/../b", "content": "x"}), 422, "validation", "path"),
        (json!({"op": "put", "path": "x/history", "content": "x"}), 422, "validation", "path"),
        (json!({"op": "put", "path": "x"}), 422, "validation", "content"),
        (json!({"op": "put", "path": "x", "content": "a\u{0}"}), 422, "validation", "content"),
        (json!({"op": "put", "path": "p", "content": "x"}), 409, "revision_required", "revision"),
        (json!({"op": "put", "path": "p", "content": "x", "revision": old}), 409, "revision_mismatch", "revision"),
        (json!({"op": "patch", "path": "p", "old_string": "one", "new_string": "x"}), 422, "validation", "old_string"),
        (json!({"op": "delete", "path": "nowhere"}), 404, "not_found", "path"),
        (json!({"op": "rename", "path": "nowhere", "new_path": "y"}), 409, "not_found", "path"),
        (json!({"op": "rename", "path": "p", "new_path": "q"}), 409, "exists", "new_path"),
        (json!({"op": "put", "path": "good", "content": "x"}), 422, "validation", "path"),
        (json!({"op": "move", "path": "p"}), 422, "validation", "op"),
    ] {
        let sent = json!({"message": "m", "operations": [{"op": "put", "path": "good", "content": "x"}, operation.clone()]});
        let said = api.send("POST", "/commits", &sent);
        assert_eq!(said.refused(status, code).text("field"), format!("operations[1].{field}"), "{operation}: {}", said.body);
        assert_eq!(said.body["operation"], 1, "{operation}");
    }
    assert_eq!(api.get("/pages/good").status, 404);
}

#[test]
fn revisions_and_parts_that_are_missing_are_told_as_such() {
    let api = Api::start(Names::Folded);
    let old = api.create("p", "one\n");
    let later = api.create("q", "two\n");
    for (address, text) in [
        ("/pages/p?revision=0000000".to_string(), "there is no revision"),
        (format!("/pages/q?revision={old}"), "there is no page q at revision"),
        ("/pages/p/attachments/f.txt?revision=0000000".to_string(), "there is no revision"),
    ] {
        if address.contains("attachments") {
            assert_eq!(api.ask("PUT", "/api/v1/pages/p/attachments/f.txt", &[], b"0123456789").status, 201);
        }
        let said = api.get(&address);
        assert_eq!(said.refused(404, "not_found").text("field"), "revision", "{address}");
        assert!(said.text("error").starts_with(text), "{address}: {}", said.body);
    }
    // Of a page that is not there nothing more is said.
    assert_eq!(api.get(&format!("/pages/nowhere?revision={later}")).text("error"), api.get("/pages/nowhere").text("error"));
    let raw = "/api/v1/pages/p/attachments/f.txt?format=raw";
    let said = api.ask("GET", raw, &[("Range", "bytes=20-30")], b"");
    assert_eq!((said.refused(416, "validation").text("field"), said.body["size"].as_u64()), ("Range".into(), Some(10)));
    assert_eq!(said.answer.header("content-range"), Some("bytes */10"));
}

#[test]
fn kinds_are_chosen_by_their_weights() {
    let api = Api::start(Names::Folded);
    api.create("p", "one\n");
    let kind = |address: &str, accept: &str| {
        let said = api.ask("GET", &format!("/api/v1{address}"), &[("Accept", accept)], b"");
        said.answer.header("content-type").unwrap_or_default().to_string()
    };
    assert_eq!(kind("/pages/p", "text/markdown;q=0"), "application/json");
    assert_eq!(kind("/pages/p", "text/markdown;q=0.5, application/json"), "application/json");
    assert_eq!(kind("/pages/p", "application/json;q=0.5, text/markdown"), "text/markdown; charset=utf-8");
    assert_eq!(kind("/changes", "text/event-stream;q=0"), "application/json");
    assert_eq!(kind("/pages/nowhere", "application/problem+json;q=0"), "application/json");
}

#[test]
fn uploads_say_under_which_name_a_file_is_stored() {
    let api = Api::start(Names::Folded);
    api.create("p", "one\n");
    let upload = |name: &str| api.send("POST", "/pages/p/attachments", &json!({"filename": name, "content": "eA=="}));
    let said = upload("../my file.txt");
    assert_eq!((said.text("filename"), said.text("sent_as")), ("my file.txt".into(), "../my file.txt".into()));
    let said = upload("plain.txt");
    assert_eq!((said.text("filename"), &said.body["sent_as"]), ("plain.txt".into(), &serde_json::Value::Null));
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
