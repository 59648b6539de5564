//! The pages on which people and operators look after wikis.

use super::{DOMAIN, Platform, api, look};
use serde_json::json;

#[test]
fn case_27_the_dashboard() {
    let platform = Platform::start();
    let (ann, bob) = (platform.person("Ann"), platform.person("Bob"));
    assert_eq!(ann.get("/app").header("location"), Some("/app/create"), "who has none makes one");
    let form = ann.get("/app/create");
    assert_eq!(form.field("slug"), "ann", "suggested");
    let refused = ann.post("/app/create", &[("display_name", "Ann’s"), ("slug", "docs"), ("purpose", "")]).unwrap();
    assert!(
        refused.status == 422 && refused.body_text().contains("reserved") && refused.body_text().contains("Ann’s"),
        "{}",
        refused.body_text()
    );
    let made = ann.post("/app/create", &[("display_name", "Ann’s <b>notes</b>"), ("slug", ""), ("purpose", "")]).unwrap();
    assert_eq!(made.status, 200, "{}", made.body_text());
    let (page, slug) = (made.body_text(), "ann-s-b-notes-b");
    assert!(!page.contains("<b>notes") && page.contains("&#60;b&#62;notes"), "escaped");
    let secret = page.split("<code>holt_").nth(1).unwrap().split('<').next().unwrap().to_string();
    assert!(page.contains(&format!("claude mcp add --transport http {slug} &#39;http://{slug}.{DOMAIN}/mcp&#39;")), "{page}");
    // The token is shown once.
    let at = format!("/app/wiki/{slug}");
    let again = ann.get(&at).body_text();
    assert!(!again.contains(&secret) && again.contains("git bundle"), "{again}");
    // Somebody else's looks like none.
    let foreign = bob.get(&at);
    assert_eq!((foreign.status, foreign.body_text()), (404, bob.get("/app/wiki/nothing").body_text()));
    for (path, fields) in [
        ("settings", ("display_name", "x")),
        ("delete", ("slug", slug)),
        ("token", ("renew", "1")),
        ("transfer", ("to", "bob@example.org")),
    ] {
        assert_eq!(bob.post(&format!("{at}/{path}"), &[fields]).unwrap().status, 404, "{path}");
    }
    // Settings, git, a new token.
    let saved = ann.post(
        &format!("{at}/settings"),
        &[("display_name", "Notes"), ("purpose", "p"), ("read", "ANONYMOUS"), ("git_sent", "1"), ("git", "1")],
    );
    assert_eq!(saved.unwrap().status, 303);
    let shown = ann.get(&at).body_text();
    assert!(shown.contains(&format!("git clone http://{slug}.{DOMAIN}/.git")), "{shown}");
    assert!(platform.at_wiki(slug).get("/").body_text().contains("Notes"), "everybody reads it now");
    assert!(ann.post(&format!("{at}/token"), &[("renew", "1")]).unwrap().body_text().contains("<code>holt_"));
    // A wrong slug keeps the wiki, a wrong address the account.
    assert_eq!(ann.post(&format!("{at}/delete"), &[("slug", "ann")]).unwrap().status, 422);
    assert_eq!(ann.post("/app/account/delete", &[("email", "ann")]).unwrap().status, 422);
    assert_eq!((platform.at_wiki(slug).get("/").status, look(&ann, "/api/me").status), (200, 200));
    assert_eq!(ann.post(&format!("{at}/delete"), &[("slug", slug)]).unwrap().status, 303);
    assert_eq!(platform.at_wiki(slug).get("/").status, 404);
    assert!(ann.get(&at).body_text().contains("/restore"));
    assert_eq!(ann.post(&format!("{at}/restore"), &[]).unwrap().status, 303);
    assert_eq!(platform.at_wiki(slug).get("/").status, 200);
    for path in ["/app/admin", "/app/admin/stats", "/app/admin/people", "/app/admin/log"] {
        assert_eq!((ann.get(path).status, platform.at(DOMAIN).get(path).status), (403, 303), "{path}");
    }
    assert_eq!(ann.post(&format!("/app/admin/wiki/{slug}"), &[("act", "suspend")]).unwrap().status, 403);
}

#[test]
fn operators_see_all_and_take_wikis_off_the_air() {
    let platform = Platform::start();
    let (olga, ann) = (platform.person("Olga"), platform.person("Ann"));
    let token = platform.wiki(&ann, "alice");
    api(&ann, "PATCH", "/api/wikis/alice", &json!({"access": {"read": "ANONYMOUS"}}));
    let list = olga.get("/app/admin").body_text();
    assert!(list.contains("alice") && list.contains("ann@example.org") && list.contains("free"), "{list}");
    assert!(!olga.get("/app/admin?q=nothing").body_text().contains("/app/wiki/alice"));
    assert!(olga.get("/app/admin/people").body_text().contains("bob@example.org"));
    assert!(olga.get("/app/admin/log").body_text().contains("wiki.create alice ok"));
    let (wiki, act) = (platform.at_wiki("alice"), |act: &str| olga.post("/app/admin/wiki/alice", &[("act", act)]).unwrap().status);
    assert_eq!(wiki.get("/Home").status, 301);
    assert_eq!((act("suspend"), act("nonsense")), (303, 422));
    // Every door says the same, to everybody, and the wiki is not opened for it.
    let bearer = format!("Bearer {token}");
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/Home"),
        ("GET", "/-/login"),
        ("POST", "/-/login"),
        ("GET", "/api/v1/pages"),
        ("PUT", "/api/v1/pages/X"),
        ("POST", "/mcp"),
        ("GET", "/.git/info/refs?service=git-upload-pack"),
        ("GET", "/-/admin"),
    ] {
        let answer = wiki.send(method, path, &[("Authorization", &bearer)], b"").unwrap();
        assert!(
            answer.status == 503 && answer.body_text().contains("suspended"),
            "{method} {path}: {} {}",
            answer.status,
            answer.body_text()
        );
    }
    assert_eq!(olga.get("/app/wiki/alice").status, 200);
    assert_eq!(look(&ann, "/api/wikis/alice").body["wiki"]["state"], "suspended");
    assert_eq!((act("resume"), wiki.get("/").status), (303, 200));
    // One that few may read looks like none.
    api(&ann, "PATCH", "/api/wikis/alice", &json!({"access": {"read": "APPROVED"}}));
    act("suspend");
    assert_eq!((wiki.get("/").status, wiki.get("/").body_text()), (404, platform.at_wiki("nothing").get("/").body_text()));
    act("resume");
    assert_eq!(olga.post("/app/admin/wiki/alice", &[("act", ""), ("plan", "nothing")]).unwrap().status, 404);
    // Only operators bring back what an account took with it.
    assert_eq!(ann.post("/app/account/delete", &[("email", "ann@example.org")]).unwrap().status, 303);
    assert_eq!((act("restore"), wiki.get("/").status), (303, 303));
    assert_eq!(olga.post("/app/account/delete", &[("email", "olga@example.org")]).unwrap().status, 403, "the last of them stays");
}

#[test]
fn pages_speak_german_to_those_who_ask() {
    let platform = Platform::start();
    let german = platform.at(DOMAIN).send("GET", "/auth/login", &[("Accept-Language", "fr, de-AT;q=0.9, en;q=0.8")], b"").unwrap();
    assert!(german.body_text().contains("<html lang=\"de\"") && german.body_text().contains("Anmelden"), "{}", german.body_text());
    assert!(platform.at(DOMAIN).get("/auth/login").body_text().contains("<html lang=\"en\""));
    let answer = platform.at(DOMAIN).get("/auth/login");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn one_broken_wiki_takes_no_list_with_it() {
    let mut platform = Platform::start();
    let ann = platform.person("Ann");
    platform.wiki(&ann, "alice");
    platform.server.stop();
    let dirs: Vec<_> = std::fs::read_dir(platform.data.path().join("wikis")).unwrap().map(|dir| dir.unwrap().path()).collect();
    for dir in dirs {
        std::fs::write(dir.join("wiki.db"), b"no database").unwrap();
    }
    platform.server = crate::client::Server::start(platform.data.path(), &["--domain", DOMAIN]);
    let ann = platform.person("Ann");
    assert_eq!(look(&ann, "/api/wikis").column("wikis", "slug"), ["alice"]);
    assert_eq!(ann.get("/app").status, 200);
    assert!(ann.get("/app/wiki/alice").body_text().contains("cannot be opened"));
    assert_eq!(platform.person("Olga").get("/app/admin").status, 200);
}
