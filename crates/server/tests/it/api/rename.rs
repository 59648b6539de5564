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

#[test]
fn renames_and_other_changes_in_one_commit() {
    let api = Api::start(Names::Kept);
    let a = api.create("A", "see [[A/Below]]\n");
    api.create("A/Below", "below\n");
    api.create("C", "text\n");
    api.create("Linker", "[[A]] [[A/Below]] [[C]]\n");
    api.create("Old", "[[A]]\n");
    api.send("POST", "/pages/A/attachments", &json!({"filename": "f.txt", "content": "eA=="}));
    let commit = |operations: serde_json::Value| api.send("POST", "/commits", &json!({"message": "All", "operations": operations}));
    let ops = json!([
        {"op": "rename", "path": "a", "new_path": "B", "revision": a},
        {"op": "rename", "path": "C", "new_path": "D/C", "update_links": false},
        {"op": "put", "path": "New", "content": "[[A]] and [[C]]\n"},
        {"op": "patch", "path": "Old", "old_string": "[[A]]", "new_string": "[[A/Below]]"},
    ]);
    // What cannot be done at the end undoes what could be.
    let before = api.get("/wiki").text("revision");
    let with = |last: serde_json::Value| {
        let mut all = ops.as_array().unwrap().clone();
        all.push(last);
        commit(json!(all))
    };
    let taken = with(json!({"op": "rename", "path": "Linker", "new_path": "Old"}));
    taken.refused(422, "validation");
    for (last, status, code) in [
        (json!({"op": "rename", "path": "Nowhere", "new_path": "X"}), 409, "not_found"),
        (json!({"op": "rename", "path": "Linker", "new_path": "Linker/x"}), 422, "validation"),
        (json!({"op": "put", "path": "A/Below", "content": "x", "revision": a}), 422, "validation"),
        (json!({"op": "put", "path": "B/New", "content": "x"}), 422, "validation"),
        (json!({"op": "rename", "path": "Linker"}), 422, "validation"),
        (json!({"op": "rename", "path": "Linker", "new_path": "Linker"}), 422, "validation"),
        (json!({"op": "rename", "path": "Linker", "new_path": "X", "content": "x"}), 422, "validation"),
        (json!({"op": "rename", "path": "Linker", "new_path": "X/history"}), 422, "validation"),
    ] {
        with(last.clone()).refused(status, code);
        assert_eq!(api.get("/wiki").text("revision"), before, "{last}");
    }
    let said = commit(json!([{"op": "rename", "path": "C", "new_path": "Linker"}]));
    assert_eq!(said.refused(409, "exists").text("field"), "operations[0].new_path");
    let said = commit(ops);
    assert_eq!(said.texts("paths"), ["B", "D/C", "New", "Old"], "{}", said.body);
    assert_eq!(said.texts("updated_pages"), ["Linker"]);
    let content = |page: &str| api.get(&format!("/pages/{page}")).text("content");
    assert_eq!(content("Linker"), "[[B]] [[B/Below]] [[C]]\n");
    assert_eq!((content("New"), content("Old")), ("[[B]] and [[C]]\n".into(), "[[B/Below]]\n".into()));
    assert_eq!((content("B"), content("D/C")), ("see [[B/Below]]\n".into(), "text\n".into()));
    assert_eq!(api.get("/pages/B/attachments").column("attachments", "filename"), ["f.txt"]);
    assert_eq!((api.get("/pages/A").status, api.get("/pages/A/Below").status), (404, 404));
    assert_eq!(api.get("/changelog?limit=1").column("entries", "revision"), [said.text("revision")], "one commit");
    assert_eq!(api.get("/pages/B/Below/history").column("history", "path_at"), ["B/Below", "A/Below"]);
}
