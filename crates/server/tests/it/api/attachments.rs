//! Files beside pages.

use super::{Api, Names};
use crate::client::Server;
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

/// The most memory that the process ever had, in KiB.
fn peak(api: &Api) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", api.server.pid())).unwrap();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB").parse().unwrap()
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(next).collect()
}

/// Files in the data directory that are there for a moment only, and packs.
fn left(api: &Api) -> (usize, usize) {
    let names = |dir: &std::path::Path| -> Vec<String> {
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    };
    let wikis = api.data.path().join("wikis");
    let packs = wikis.join(&names(&wikis)[0]).join("repo.git/objects/pack");
    (names(api.data.path()).iter().filter(|name| name.starts_with("upload")).count(), names(&packs).len())
}

#[test]
fn a_large_file_is_never_in_memory() {
    let mut api = Api::start(Names::Kept);
    api.create("p", "x");
    let put = |name: &str, bytes: &[u8]| api.ask("PUT", &format!("/api/v1/pages/p/attachments/{name}"), &[], bytes);
    // What a first upload needs besides.
    assert_eq!(put("small.bin", &noise(100_000)).status, 201);
    let (large, before) = (noise(10 * 1024 * 1024), peak(&api));
    for name in ["one.bin", "two.bin"] {
        assert_eq!(put(name, &large).status, 201);
    }
    // The kernel adds up what threads took now and then, so that a little of it may be missing later.
    let grown = peak(&api).saturating_sub(before);
    assert!(grown < 5 * 1024, "10 MiB took {grown} KiB of memory");
    // Refused when it is announced, and while it comes.
    put("x.bin", &noise(10 * 1024 * 1024 + 1)).refused(422, "too_large");
    let huge = vec![0; 100 * 1024 * 1024];
    assert_eq!(put("x.bin", &huge).status, 413);
    // The kernel adds up what threads took now and then, so that a little of it may be missing later.
    let grown = peak(&api).saturating_sub(before);
    assert!(grown < 5 * 1024, "100 MB took {grown} KiB of memory");
    let packs = left(&api);
    assert_eq!(packs.0, 0);
    // Whoever goes away in the middle leaves nothing.
    let head = format!(
        "PUT /api/v1/pages/p/attachments/half.bin HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Length: 1000000\r\n\r\n",
        api.server.client().host,
        api.token
    );
    let mut half = std::net::TcpStream::connect(&api.server.client().host).unwrap();
    std::io::Write::write_all(&mut half, &[head.as_bytes(), &large[..600_000]].concat()).unwrap();
    half.shutdown(std::net::Shutdown::Both).unwrap();
    assert_eq!(api.get("/pages/p/attachments").column("attachments", "filename"), ["one.bin", "small.bin", "two.bin"]);
    assert_eq!(left(&api), packs);
    // A page is no file, whatever it is called.
    api.create("attachments-guide", "words");
    assert_eq!(api.get("/pages/attachments-guide").text("content"), "words");
    // What is there is what was sent, for git as well.
    let raw = api.get("/pages/p/attachments/two.bin?format=raw");
    assert!(raw.answer.body == large);
    api.server.kill();
    let repo = Server::repo(api.data.path(), "docs");
    holt_testkit::git(&repo, &["fsck", "--strict"]);
    assert_eq!(holt_testkit::git(&repo, &["cat-file", "-s", "HEAD:p/one.bin"]).trim(), large.len().to_string());
}
