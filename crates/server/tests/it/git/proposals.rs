//! Pushed branches as proposals.

use super::{Wiki, commit, git, token};
use crate::client::Server;
use serde_json::Value;

#[test]
fn commits_are_proposed_by_pushing_them() {
    let wiki = Wiki::new();
    let ann = wiki.ann();
    ann.save("Home", "One\n\nTwo\n\nThree\n", "start");
    ann.save("Old", "a page that moves\n\nwith enough words\n", "start");
    let place = wiki.clone("bea");
    commit(&place, "Home.md", "One\n\nTwo\n\nThree of Bea\n", "Better words");
    git(&place, &["mv", "Old.md", "New.md"]).good();
    commit(&place, "Fresh.md", "# Fresh\n", "Rename and add");
    // The wiki goes on meanwhile: no reason to fetch first.
    ann.save("Home", "One of Ann\n\nTwo\n\nThree\n", "meanwhile");
    let said = git(&place, &["push", "origin", "HEAD:refs/heads/proposals/words"]).good();
    assert!(said.contains(&format!("Proposal #1: http://{}/-/proposals/1", wiki.server.client().host)), "{said}");
    assert!(ann.get("/Home.md").body_text().ends_with("Three\n"), "nothing changes until somebody accepts it");
    let shown = ann.get("/-/proposals/1").body_text();
    assert!(shown.contains("Three of Bea") && shown.contains("Rename and add"), "{shown}");
    let proposal: Value = serde_json::from_slice(&ann.get("/api/v1/proposals/1").body).unwrap();
    let headers = [("Content-Type", "application/json"), ("X-CSRF-Token", &*ann.csrf()), ("Origin", &*format!("http://{}", ann.host))];
    let seen = proposal["seen"].as_str().unwrap_or_else(|| panic!("{proposal}"));
    let body = serde_json::json!({"seen": seen}).to_string();
    let accepted = ann.send("POST", "/api/v1/proposals/1/accept", &headers, body.as_bytes()).unwrap();
    assert_eq!(accepted.status, 200, "{}", accepted.body_text());
    assert_eq!(ann.get("/Home.md").body_text(), "One of Ann\n\nTwo\n\nThree of Bea\n");
    assert_eq!((ann.get("/New").status, ann.get("/Fresh").status, ann.get("/Old").status), (200, 200, 301));
    // The same again is nothing new, under either name.
    git(&place, &["fetch", "--quiet"]).good();
    let said = git(&place, &["push", "origin", "origin/main:refs/for/main"]).bad();
    assert!(said.contains("nothing to propose"), "{said}");
    // No branch came of it.
    assert_eq!(git(&place, &["ls-remote", "--heads", "origin"]).good().lines().count(), 1);
}

#[test]
fn a_token_that_may_only_propose_does_just_that() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    Server::prepare(&data, "docs");
    Server::command(&data, &["wiki", "git", "docs", "on"]);
    let (write, propose) = (token(&data, "docs", "write", &[]), token(&data, "docs", "propose", &["--name", "otter"]));
    let wiki = Wiki { server: Server::start(&data, &[]), dir, token: write };
    wiki.ann().save("Home", "One\n", "start");
    let place = wiki.clone("bea");
    commit(&place, "Home.md", "Two\n", "Better");
    let address = wiki.address(&propose);
    let said = git(&place, &["push", &address, "HEAD:main"]).bad();
    assert!(said.contains("may only propose") && said.contains("refs/for/main"), "{said}");
    let said = git(&place, &["push", &address, "HEAD:refs/for/main"]).good();
    assert!(said.contains("/-/proposals/1"), "{said}");
    assert_eq!(wiki.server.client().get("/Home.md").body_text(), "One\n");
}
