//! Pages that move, and links that follow.

use super::{Api, Names};
use crate::client::Server;
use serde_json::json;

#[test]
fn cases_20_and_21_links_follow() {
    let api = Api::start(Names::Kept);
    let old = "[[Target]] [[Islamic Republic|Actors/Iran]] [[Topic#section]] [[Other]]\n";
    api.create("Target", "body\n");
    api.create("Linker", old);
    api.create("Actors/Iran", "x");
    api.create("Topic", "# section\n");
    let rename = |from: &str, to: &str| api.send("POST", &format!("/pages/{from}/rename"), &json!({"new_path": to}));
    let said = rename("Target", "New-Target");
    assert_eq!((said.status, said.texts("updated_pages")), (200, vec!["Linker".to_string()]), "{}", said.body);
    assert_eq!((said.text("old_path"), said.text("new_path")), ("Target".into(), "New-Target".into()));
    let linker = api.get("/pages/Linker");
    assert!(linker.text("content").starts_with("[[New-Target]]") && linker.text("revision") == said.text("revision"));
    assert_eq!((api.get("/pages/Target").status, api.get("/pages/New-Target").text("content")), (404, "body\n".into()));
    assert_eq!(
        api.get("/pages/New-Target/history").column("history", "message"),
        ["[api] Rename: Target -> New-Target", "[api] Create: Target"]
    );
    rename("Actors/Iran", "Actors/Iran-Islamic-Republic");
    rename("Topic", "New-Topic");
    let text = api.get("/pages/Linker").text("content");
    assert_eq!(text, "[[New-Target]] [[Islamic Republic|Actors/Iran-Islamic-Republic]] [[New-Topic#section]] [[Other]]\n");
}

#[test]
fn case_22_and_nothing_half_done() {
    let api = Api::start(Names::Kept);
    let first = api.create("A", "[[B]]\n");
    api.create("B", "[[A]]\n");
    let rename = |from: &str, body: serde_json::Value| api.send("POST", &format!("/pages/{from}/rename"), &body);
    rename("Nowhere", json!({})).refused(404, "not_found");
    rename("A", json!({"new_path": "B"})).refused(409, "exists");
    assert!(rename("A", json!({"new_path": "A"})).refused(422, "validation").text("error").contains("same"));
    for body in [json!({}), json!({"new_path": "  "}), json!({"new_path": 7})] {
        assert_eq!(rename("A", body).refused(422, "validation").text("field"), "new_path");
    }
    for bad in ["../x", "a/.git/b", "x\u{0}y", "a\\b", "-/x", "x/history"] {
        assert_eq!(rename("A", json!({"new_path": bad})).refused(422, "validation").text("field"), "new_path", "{bad}");
    }
    rename("A", json!({"new_path": "C", "revision": "0000000"})).refused(409, "revision_mismatch");
    assert_eq!((api.get("/pages/A").text("revision"), api.get("/changelog").body["total"].as_u64()), (first, Some(2)));
    let said = rename("A", json!({"new_path": "C", "update_links": false}));
    assert_eq!((said.status, said.texts("updated_pages").len(), api.get("/pages/B").text("content")), (200, 0, "[[A]]\n".into()));
}

#[test]
fn case_23_links_follow_without_an_index() {
    let mut api = Api::start(Names::Kept);
    api.create("Target", "x");
    api.create("Linker", "[[Target]]\n");
    api.server.stop();
    let wiki = Server::repo(api.data.path(), "docs").parent().unwrap().to_path_buf();
    std::fs::remove_file(wiki.join("index.db")).unwrap();
    api.server = Server::start(api.data.path(), &["--default-wiki", "docs"]);
    let said = api.send("POST", "/pages/Target/rename", &json!({"new_path": "New"}));
    assert_eq!(said.texts("updated_pages"), ["Linker"], "{}", said.body);
    assert_eq!(api.get("/pages/Linker").text("content"), "[[New]]\n");
}
