//! Making the index again, and search by meaning where there is no model.

use super::{Api, Names, join, token, user};
use crate::client::Server;
use holt_core::MemberFlags;
use holt_engine::directory::TokenScope;
use serde_json::json;

#[test]
fn case_27_search_by_meaning_says_that_it_is_not_there() {
    let api = Api::start(Names::Kept);
    api.create("A", "x");
    for query in ["", "?q=", "?q=%20"] {
        assert_eq!(api.get(&format!("/semantic-search{query}")).refused(422, "validation").text("field"), "q");
    }
    for (query, n, chunks) in [
        ("q=x", 5, 2),
        ("q=x&n=-3", 1, 2),
        ("q=x&n=abc", 5, 2),
        ("q=x&n=999&max_chunks_per_page=99", 50, 10),
        ("q=x&max_chunks_per_page=0", 5, 1),
    ] {
        let said = api.get(&format!("/semantic-search?{query}"));
        let body = &said.refused(503, "unavailable").body;
        assert_eq!((body["n"].as_i64(), body["max_chunks_per_page"].as_i64()), (Some(n), Some(chunks)), "{query}");
    }
    assert_eq!(api.get("/chroma-status").text("status"), "unavailable");
}

#[test]
fn case_28_the_index_is_made_again() {
    let mut admin = String::new();
    let mut api = Api::prepared(Names::Kept, |engine, wiki| {
        let eva = user(engine, "Eva");
        join(wiki, eva, MemberFlags { admin: true, approved: true, ..MemberFlags::default() });
        admin = token(engine, wiki, Some(eva), TokenScope::Admin, "care");
    });
    for i in 0..40 {
        api.create(&format!("P{i}"), &format!("# Words\n\nbutton {i} {}\n", "[[P1]] lorem ipsum ".repeat(200)));
    }
    let before = api.get("/search?q=button&limit=100").body;
    api.send("POST", "/reindex", &json!({})).refused(403, "forbidden");
    assert_eq!(api.get("/reindex/status").text("status"), "idle");
    api.token = admin;
    api.send("POST", "/reindex", &json!({"x": 1})).refused(422, "validation");
    // Again and again: a second at once is refused, and whoever searches meanwhile finds everything.
    let mut refused = 0;
    for _ in 0..20 {
        let started = api.send("POST", "/reindex", &json!({}));
        assert_eq!((started.status, started.text("status")), (202, "started".into()));
        let second = api.send("POST", "/reindex", &json!({}));
        if second.status == 409 {
            second.refused(409, "conflict");
            refused += 1;
        }
        loop {
            assert!(api.get("/search?q=button&limit=100").body == before, "never half an index");
            let status = api.get("/reindex/status");
            match status.text("status").as_str() {
                "in_progress" => assert!(status.text("started_at").contains('T')),
                "complete" => {
                    // Six hundred words and more are four or five pieces.
                    assert!(status.body["pages_indexed"] == 40 && status.body["chunks_created"].as_u64() >= Some(160), "{}", status.body);
                    break;
                }
                other => panic!("{other}"),
            }
        }
        if refused > 0 {
            break;
        }
    }
    assert!(refused > 0);
    // What cannot be made is said.
    let links = api.get("/links").body;
    assert_eq!(links["nodes"].as_array().map(Vec::len), Some(40));
    let wiki = std::fs::read_dir(api.data.path().join("wikis")).unwrap().next().unwrap().unwrap().path();
    let blobs = holt_testkit::git(&wiki.join("repo.git"), &["rev-parse", "HEAD:P7.md"]);
    // Packs that are open stay readable.
    api.server.stop();
    break_object(&wiki.join("repo.git"), blobs.trim());
    api.server = Server::start(api.data.path(), &["--default-wiki", "docs"]);
    api.send("POST", "/reindex", &json!({}));
    let status = std::iter::repeat_with(|| api.get("/reindex/status")).find(|said| said.text("status") != "in_progress").unwrap();
    assert_eq!(status.text("status"), "error", "{}", status.body);
    assert!(status.text("error_message").len() > 10);
    assert!(api.get("/links").body == links, "the old index is there");
}

/// Makes an object unreadable: all packs are unpacked, and its file goes.
fn break_object(repo: &std::path::Path, id: &str) {
    let packs = repo.join("objects/pack");
    let aside = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(&packs).unwrap() {
        let entry = entry.unwrap();
        std::fs::rename(entry.path(), aside.path().join(entry.file_name())).unwrap();
    }
    for entry in std::fs::read_dir(aside.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "pack") {
            let unpack = "git -C \"$0\" unpack-objects -q < \"$1\"";
            let done =
                std::process::Command::new("sh").args(["-c", unpack, repo.to_str().unwrap(), path.to_str().unwrap()]).status().unwrap();
            assert!(done.success());
        }
    }
    std::fs::remove_file(repo.join("objects").join(&id[..2]).join(&id[2..])).unwrap();
}
