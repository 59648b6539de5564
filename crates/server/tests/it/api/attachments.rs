//! Files beside pages.

use super::{Api, Names};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

fn upload(api: &Api, page: &str, name: &str, content: &str) -> super::Said {
    api.send("POST", &format!("/pages/{page}/attachments"), &json!({"filename": name, "content": content}))
}

#[test]
fn case_24_a_file_comes_and_goes() {
    let api = Api::start(Names::Folded);
    api.create("p", "x");
    let bytes: Vec<u8> = (0..=255).collect();
    let said = upload(&api, "p", "hello.txt", &STANDARD.encode(&bytes));
    assert_eq!((said.status, said.body["size"].as_u64(), said.text("mime_type")), (201, Some(256), "text/plain".into()));
    let list = api.get("/pages/p/attachments");
    assert_eq!((list.body["total"].as_u64(), list.column("attachments", "filename")), (Some(1), vec!["hello.txt".to_string()]));
    let file = api.get("/pages/p/attachments/hello.txt");
    assert_eq!(STANDARD.decode(file.text("content")).unwrap(), bytes);
    let raw = api.ask("GET", "/api/v1/pages/p/attachments/hello.txt?format=raw", &[("Range", "bytes=10-19")], b"");
    assert_eq!((raw.status, raw.answer.body.as_slice()), (206, &bytes[10..20]));
    assert_eq!(raw.answer.header("x-content-type-options"), Some("nosniff"));
    let tag = raw.answer.header("etag").unwrap();
    assert_eq!(api.ask("GET", "/api/v1/pages/p/attachments/hello.txt", &[("Accept", "*/*"), ("If-None-Match", tag)], b"").status, 304);
    let delete = || api.send("DELETE", "/pages/p/attachments/hello.txt", &json!({}));
    assert_eq!((delete().body["deleted"].clone(), api.get("/pages/p/attachments").body["total"].clone()), (json!(true), json!(0)));
    delete().refused(404, "not_found");
    api.get("/pages/p/attachments/hello.txt").refused(404, "not_found");
    api.get("/pages/nowhere/attachments").refused(404, "not_found");
}

#[test]
fn case_25_bad_uploads() {
    let api = Api::start(Names::Folded);
    api.create("p", "x");
    upload(&api, "nowhere", "a.txt", "eA==").refused(404, "not_found");
    let said = api.send("POST", "/pages/p/attachments", &json!({"filename": "a.txt"}));
    assert_eq!(said.refused(422, "validation").text("field"), "content");
    for bad in ["eA=", "e A==", "!!!!", "eA==\n", "eB=="] {
        assert_eq!(upload(&api, "p", "a.txt", bad).refused(422, "validation").text("field"), "content", "{bad:?}");
    }
    let large = STANDARD.encode(vec![0; 10 * 1024 * 1024 + 1]);
    assert!(upload(&api, "p", "a.bin", &large).refused(422, "too_large").text("error").contains("too large"));
    assert_eq!(upload(&api, "p", "a.bin", &STANDARD.encode(vec![0; 10 * 1024 * 1024])).status, 201);
    for bad in ["", "..", "x.md", ".git"] {
        assert_eq!(upload(&api, "p", bad, "eA==").refused(422, "validation").text("field"), "filename", "{bad:?}");
    }
    let said = upload(&api, "p", "../../x", "eA==");
    assert_eq!((said.status, said.text("path")), (201, "P/x".into()));
    let again = json!({"filename": "x", "content": "eQ==", "overwrite": false});
    api.send("POST", "/pages/p/attachments", &again).refused(409, "exists");
    assert_eq!(upload(&api, "p", "x", "eQ==").status, 201);
}

#[test]
fn a_file_is_sent_as_it_is() {
    let api = Api::start(Names::Folded);
    api.create("p", "x");
    let put = |headers: &[(&str, &str)]| api.ask("PUT", "/api/v1/pages/p/attachments/%C3%BC.html", headers, b"<script>");
    assert_eq!(put(&[("Content-Type", "text/html")]).status, 201);
    put(&[("If-None-Match", "*")]).refused(409, "exists");
    let raw = api.get("/pages/p/attachments/%C3%BC.html?format=raw");
    let tag = raw.answer.header("etag").unwrap();
    put(&[("If-Match", "\"0000000000000000000000000000000000000000\"")]).refused(412, "revision_mismatch");
    put(&[("If-Match", "x")]).refused(400, "validation");
    assert_eq!((put(&[("If-Match", tag)]).status, put(&[("If-Match", "*")]).status), (201, 201));
    assert_eq!(raw.answer.header("content-type"), Some("application/octet-stream"));
    assert!(raw.answer.header("content-disposition").unwrap().starts_with("attachment"));
    assert_eq!(api.get("/pages/p/attachments").body["attachments"][0]["last_modified"].as_str().map(str::len), Some(25));
    assert_eq!(raw.body, Value::Null);
}
