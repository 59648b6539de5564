//! Links between pages.

use super::{Api, Names, engine, join, prefer, token, user};
use crate::client::Server;
use holt_core::{MemberFlags, WikiName};
use holt_engine::db::preferences::Audience;
use holt_engine::directory::TokenScope;
use serde_json::json;

#[test]
fn cases_18_and_19_links_follow_the_text() {
    let api = Api::start(Names::Folded);
    let first = api.create("link-source", "[[Target Page]] and [[Another]]; `[[code]]`\n");
    let links = || api.get("/links/link-source").texts("links_to");
    assert_eq!(links(), ["Another", "Target Page"]);
    let second = api.update("link-source", &first, "[[target-b]]\n").text("revision");
    assert_eq!(links(), ["Target-B"]);
    let body = json!({"revision": second, "old_string": "target-b", "new_string": "target-c"});
    assert_eq!(api.send("PATCH", "/pages/link-source", &body).status, 200);
    assert_eq!(links(), ["Target-C"]);
    assert_eq!(api.get("/links/target-c").texts("linked_from"), ["Link-Source"]);
    api.create("target-c", "[[Link-Source]] [out](https://example.org) ![](a.png)");
    assert_eq!(api.get("/pages/target-c").texts("linked_from"), ["Link-Source"]);
    let graph = api.get("/links");
    assert_eq!(graph.texts("nodes"), ["Link-Source", "Target-C"]);
    assert_eq!(
        (graph.column("edges", "source"), graph.column("edges", "target")),
        (vec!["Link-Source".to_string(), "Target-C".into()], vec!["Target-C".to_string(), "Link-Source".into()])
    );
    api.create("alone", "[[nowhere]]");
    assert_eq!(api.get("/links/orphans").texts("orphans"), ["Alone"]);
    assert_eq!(api.get("/links/missing").body, json!({"missing": [{"target": "Nowhere", "sources": ["Alone"]}]}));
    assert_eq!(api.send("DELETE", "/pages/link-source", &json!({})).status, 200);
    assert_eq!(links(), Vec::<String>::new());
    assert_eq!(api.get("/links/never-was").body, json!({"path": "Never-Was", "links_to": [], "linked_from": []}));
}

#[test]
fn case_31_no_wiki_sees_another() {
    let data = tempfile::tempdir().unwrap();
    let engine = engine(data.path());
    let ann = user(&engine, "Ann");
    let tokens: Vec<String> = ["one", "two"]
        .iter()
        .map(|slug| {
            let wiki = engine.create_wiki(&WikiName::parse(slug).unwrap(), slug, Audience::Members).unwrap();
            join(&wiki, ann, MemberFlags { admin: true, approved: true, ..MemberFlags::default() });
            prefer(&wiki, &[("RETAIN_PAGE_NAME_CASE", "True")]);
            token(&engine, &wiki, Some(ann), TokenScope::Write, "t")
        })
        .collect();
    engine.settle_all().unwrap();
    drop(engine);
    let server = Server::start(data.path(), &[]);
    let ask = |who: usize, host: &str, method: &str, path: &str, body: &str| {
        let mut client = server.client();
        client.host = format!("{host}.localhost:{}", client.host.rsplit(':').next().unwrap());
        let bearer = format!("Bearer {}", tokens[who]);
        super::said(&client, method, path, &[("Authorization", &bearer), ("Content-Type", "application/json")], body.as_bytes())
    };
    let made = ask(0, "one", "PUT", "/api/v1/pages/Secret", "{\"content\": \"[[Hidden]] words\"}");
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(ask(0, "one", "GET", "/api/v1/links", "").texts("nodes"), ["Hidden", "Secret"]);
    for path in ["/links", "/pages", "/search?q=words", "/changelog", "/links/missing", "/links/orphans", "/links/Hidden"] {
        let text = ask(1, "two", "GET", &format!("/api/v1{path}"), "").answer.body_text();
        assert!(!text.contains("Secret") && (path.ends_with("Hidden") || !text.contains("Hidden")), "{path}: {text}");
    }
    // Neither its revisions nor its tokens mean anything here.
    let revision = made.text("revision");
    ask(1, "two", "PUT", "/api/v1/pages/P", "{\"content\": \"x\"}");
    ask(1, "two", "GET", &format!("/api/v1/pages/P?revision={revision}"), "").refused(404, "not_found");
    let body = json!({"content": "y", "revision": revision}).to_string();
    ask(1, "two", "PUT", "/api/v1/pages/P", &body).refused(409, "revision_mismatch");
    ask(0, "two", "GET", "/api/v1/pages", "").refused(401, "unauthorized");
}
