//! How much a wiki may hold.

use super::{Api, Names, PASSWORD};
use crate::client::Server;
use serde_json::json;

#[test]
fn a_full_wiki_takes_nothing_more_and_lets_go() {
    let mut api = Api::start(Names::Kept);
    let revision = api.create("A", "x\n");
    api.create("B", "x\n");
    let info = api.get("/wiki").body;
    let bytes = info["bytes"].as_u64().unwrap();
    assert!(bytes > 100 && info["limits"]["bytes"].is_null(), "{info}");
    api.server.stop();
    let limit = |most: u64| Server::command(api.data.path(), &["wiki", "limit", "docs", "--bytes", &most.to_string()]);
    assert_eq!(Server::command(api.data.path(), &["wiki", "limit", "docs"]).0, 2, "one of the two must be said");
    assert_eq!(limit(bytes + 20_000).1.trim(), format!("docs may have {} bytes", bytes + 20_000));
    assert!(Server::command(api.data.path(), &["wiki", "show", "docs"]).1.contains(&format!("at most      {} bytes", bytes + 20_000)));
    api.server = Server::start(api.data.path(), &["--default-wiki", "docs"]);
    assert_eq!(api.get("/wiki").body["limits"]["bytes"], bytes + 20_000);

    assert_eq!(api.update("A", &revision, "y\n").status, 200, "there is room yet");
    let large = vec![b'x'; 30_000];
    let refused = api.ask("PUT", "/api/v1/pages/A/attachments/f.bin", &[], &large);
    assert_eq!(
        refused.refused(413, "quota_disk").text("error"),
        format!("this wiki holds at most {} bytes, its history included", bytes + 20_000)
    );
    assert!(refused.text("hint").contains("Ask whoever runs the server"), "{}", refused.body);
    let weight = api.get("/wiki").body["bytes"].as_u64().unwrap();
    api.ask("PUT", "/api/v1/pages/A/attachments/f.bin", &[], &large).refused(413, "quota_disk");
    assert_eq!(api.get("/wiki").body["bytes"], weight, "what is refused takes no room");
    let text = "x ".repeat(15_000);
    api.send("PUT", "/pages/New", &json!({"content": text})).refused(413, "quota_disk");
    api.send("POST", "/commits", &json!({"message": "m", "operations": [{"op": "put", "path": "New", "content": text}]}))
        .refused(413, "quota_disk");
    // What adds nothing is done: a page goes, another moves.
    api.server.stop();
    assert_eq!(limit(1).0, 0);
    api.server = Server::start(api.data.path(), &["--default-wiki", "docs"]);
    api.send("PUT", "/pages/New", &json!({"content": "x"})).refused(413, "quota_disk");
    assert_eq!(api.send("DELETE", "/pages/B", &json!({})).status, 200);
    assert_eq!(api.send("POST", "/pages/A/rename", &json!({"new_path": "C"})).status, 200);
    api.server.stop();
    assert_eq!(limit(0).1.trim(), "docs may have as many bytes as it likes");
    api.server = Server::start(api.data.path(), &["--default-wiki", "docs"]);
    assert_eq!(api.send("PUT", "/pages/New", &json!({"content": text})).status, 201);
}

#[test]
fn case_34_new_pages_are_refused_and_the_rest_goes_on() {
    let mut api = Api::start(Names::Kept);
    let revision = api.create("A", "x\n");
    api.create("B", "[[A]]\n");
    api.create("C", "x\n");
    api.server.stop();
    let (code, _, error) = Server::command(api.data.path(), &["wiki", "limit", "docs", "--pages", "2"]);
    assert_eq!(code, 0, "{error}");
    assert!(Server::command(api.data.path(), &["wiki", "show", "docs"]).1.contains("at most      2 pages"));
    api.server = Server::start(api.data.path(), &["--default-wiki", "docs"]);
    assert_eq!(api.get("/wiki").body["limits"]["pages"], json!(2));

    // Above the limit: what is there is changed, moved and deleted as ever.
    assert_eq!(api.update("A", &revision, "y\n").status, 200);
    assert_eq!(api.send("POST", "/pages/A/rename", &json!({"new_path": "D"})).status, 200);
    let put = |page: &str| api.send("PUT", &format!("/pages/{page}"), &json!({"content": "x"}));
    let refused = put("New");
    assert_eq!(refused.refused(413, "quota_pages").text("error"), "this wiki holds at most 2 pages");
    assert!(refused.text("hint").contains("Delete pages"));
    let commit = |operations: serde_json::Value| api.send("POST", "/commits", &json!({"message": "m", "operations": operations}));
    commit(json!([{"op": "put", "path": "New", "content": "x"}])).refused(413, "quota_pages");
    // One for another is no more than before.
    assert_eq!(commit(json!([{"op": "put", "path": "E", "content": "x"}, {"op": "delete", "path": "C"}])).status, 200);
    for page in ["E", "D"] {
        assert_eq!(api.send("DELETE", &format!("/pages/{page}"), &json!({})).status, 200);
    }
    assert_eq!(put("New").status, 201);
    put("Newer").refused(413, "quota_pages");

    // The editor keeps what was typed.
    let ann = api.server.client();
    ann.log_in("ann@example.org", PASSWORD);
    let form = [("content", "precious words"), ("revision", ""), ("commit", "")];
    let answer = ann.post("/Web/save", &form).unwrap();
    let page = answer.body_text();
    assert!(
        answer.status == 413 && page.contains("precious words") && page.contains("This wiki holds at most 2 pages"),
        "{}: {page}",
        answer.status
    );
    assert_eq!((api.get("/pages/Web").status, api.get("/pages").body["total"].as_u64()), (404, Some(2)));
}
