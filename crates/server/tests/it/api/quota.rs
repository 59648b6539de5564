//! How much a wiki may hold.

use super::{Api, Names, PASSWORD};
use crate::client::Server;
use serde_json::json;

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
