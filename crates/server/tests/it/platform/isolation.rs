//! What one wiki's people get of another's: nothing, and nothing of one that was there before.

use super::{DOMAIN, Platform, api, look, with_token};
use crate::client::Server;
use holt_engine::directory::{QUARANTINE, TRASH_LIFE};
use holt_engine::{Clock, Engine, EngineOptions};
use serde_json::json;

/// Case 35: the slug of a deleted wiki, made again by somebody else.
#[test]
fn case_35_a_slug_made_again_has_nothing_of_before() {
    let mut platform = Platform::start();
    let ann = platform.person("Ann");
    let old = platform.wiki(&ann, "shared");
    let wiki = platform.at_wiki("shared");
    let made = with_token(&wiki, &old, "PUT", "/api/v1/pages/Canary", r#"{"content":"canary-text"}"#);
    let lost = made.text("revision");
    let session = platform.enter(&ann, "shared");
    let before: Vec<_> = std::fs::read_dir(platform.data.path().join("wikis")).unwrap().map(|dir| dir.unwrap().path()).collect();
    assert_eq!(api(&ann, "DELETE", "/api/wikis/shared", &json!({})).status, 200);
    platform.server.stop();
    // A week later it is removed, and its name stays out of use for a while.
    let at = |now: i64| Engine::open(EngineOptions::new(platform.data.path(), Clock::fixed(now))).unwrap();
    let now = 4_000_000_000;
    assert_eq!(at(1_700_000_000).empty_trash().unwrap(), 0, "not before its time");
    let engine = at(now);
    assert_eq!(engine.empty_trash().unwrap(), 1);
    let slug = holt_core::WikiName::parse("shared").unwrap();
    assert!(engine.directory().check_slug_free(&slug, now + QUARANTINE - 1).is_err() && TRASH_LIFE < QUARANTINE);
    let after: Vec<_> = std::fs::read_dir(platform.data.path().join("wikis")).unwrap().map(|dir| dir.unwrap().path()).collect();
    assert_eq!(after.len() + 1, before.len(), "its directory is gone");
    drop(engine);
    let engine = at(now + QUARANTINE + 1);
    let bob = engine.directory().user_by_email("bob@example.org").unwrap().unwrap();
    let holder = holt_engine::directory::Holder { owner: bob.id, plan: "free", most: Some(1) };
    let pages = [(holt_core::PagePath::parse("Home").unwrap(), "new".to_string())];
    engine.found_wiki(&holt_engine::Foundation { slug: &slug, title: "New", holder, preferences: &[], pages: &pages }).unwrap();
    engine.settle_all().unwrap();
    drop(engine);
    platform.server = Server::start(platform.data.path(), &["--domain", DOMAIN]);
    let session = session.moved(&platform.server);
    for path in ["/Canary", "/-/search?q=canary", "/-/changelog", "/-/index", "/sitemap.xml", "/"] {
        let text = session.get(path).body_text();
        assert!(!text.contains("canary-text") && !text.contains("/Canary"), "{path}: {text}");
    }
    let wiki = platform.at_wiki("shared");
    assert_eq!(with_token(&wiki, &old, "GET", "/api/v1/pages/Canary", "").status, 401, "its token ended");
    assert_eq!(session.get("/-/settings").status, 303, "its sessions ended");
    assert_eq!(look(&platform.person("Ann"), "/api/wikis/shared").status, 403, "it is Bob's");
    let bob = platform.person("Bob");
    let inside = platform.enter(&bob, "shared");
    assert!(inside.get("/").body_text().contains("new"));
    assert_eq!(inside.get("/Canary").status, 404);
    // By git's door, too: neither the token, nor the commit by its name.
    assert_eq!(api(&bob, "POST", "/api/wikis/shared/git", &json!({"enabled": true})).status, 200);
    let new = api(&bob, "POST", "/api/wikis/shared/token", &json!({})).text("mcp_token");
    let fetch = |token: &str, wanted: &str| {
        let bearer = format!("Bearer {token}");
        let kind = ("Content-Type", "application/x-git-upload-pack-request");
        let headers = [("Authorization", bearer.as_str()), kind, ("Git-Protocol", "version=2")];
        let body = format!("0011command=fetch0001{:04x}want {wanted}\n0009done\n0000", wanted.len() + 10);
        wiki.send("POST", "/.git/git-upload-pack", &headers, body.as_bytes()).unwrap()
    };
    let head = with_token(&wiki, &new, "GET", "/api/v1/pages/Home", "").text("revision");
    let has_pack = |answer: crate::client::Answer| (answer.status, answer.body_text().contains("packfile"));
    assert_eq!(has_pack(fetch(&old, &head)), (401, false));
    assert_eq!(has_pack(fetch(&new, &lost)), (200, false));
    assert_eq!(has_pack(fetch(&new, &head)), (200, true), "the control");
}

/// Case 6, as far as files go: nobody else on the machine reads them; and what an owner chose survives being opened again.
#[test]
fn case_6_a_wiki_keeps_to_itself_and_keeps_what_was_chosen() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let mut platform = Platform::start();
    let ann = platform.person("Ann");
    platform.wiki(&ann, "alice");
    api(&ann, "PATCH", "/api/wikis/alice", &json!({"display_name": "Chosen", "access": {"read": "ADMIN"}}));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let data = platform.data.path().to_path_buf();
    let wiki =
        std::fs::read_dir(data.join("wikis")).unwrap().map(|dir| dir.unwrap().path()).find(|dir| dir.join("wiki.db").exists()).unwrap();
    for file in [data.join("holt.db"), data.join("holt.db-wal"), wiki.join("wiki.db")] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    assert_eq!(mode(&data.join("wikis")), 0o750);
    for _ in 0..2 {
        platform.server.stop();
        platform.server = Server::start(&data, &["--domain", DOMAIN]);
        let shown = look(&platform.person("Ann"), "/api/wikis/alice");
        let wiki = &shown.body["wiki"];
        assert_eq!((wiki["display_name"].as_str(), wiki["access"]["read"].as_str()), (Some("Chosen"), Some("ADMIN")), "{}", shown.body);
    }
    // Directories that are missing are made.
    let deep = parent.path().join("a/b/data");
    assert_eq!(Server::command(&deep, &["wiki", "create", "docs"]).0, 0);
    assert_eq!(mode(&deep), 0o750);
}

/// Case 12 as the doors see it, and case 11: members only, one by one.
#[test]
fn case_10_to_12_doors_agree_about_strangers_and_members() {
    let platform = Platform::start();
    let (ann, bob) = (platform.person("Ann"), platform.person("Bob"));
    platform.wiki(&ann, "alice");
    let stranger = platform.at_wiki("alice");
    let refused = stranger.send("GET", "/Home", &[("Accept", "text/html")], b"").unwrap();
    assert_eq!(refused.header("location"), Some("/-/login?next=%2FHome"));
    for accept in ["application/json", "text/event-stream"] {
        let said = crate::api::said(&stranger, "GET", "/api/v1/pages/Home", &[("Accept", accept)], b"");
        assert!(matches!(said.status, 401 | 403) && said.body["error"].is_string(), "{accept}: {}", said.body);
    }
    let mcp = stranger.send("POST", "/mcp", &[("Content-Type", "application/json")], br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    assert_eq!(mcp.unwrap().status, 401);
    // Logged in on the platform, and still nobody here.
    let origin = format!("http://{DOMAIN}");
    let cookie_only = platform.at_wiki("alice");
    assert_eq!(cookie_only.send("GET", "/Home", &[("Origin", &origin)], b"").unwrap().status, 303);
    api(&ann, "PUT", "/api/wikis/alice/members/bob@example.org", &json!({"read": true}));
    let inside = platform.enter(&bob, "alice");
    assert_eq!(inside.get("/").status, 200);
    // Nonsense as a level lets nobody in but administrators.
    let levels = |read: &str| api(&ann, "PATCH", "/api/wikis/alice", &json!({"access": {"read": read}})).status;
    assert_eq!(levels("ADMIN"), 200);
    api(&ann, "PUT", "/api/wikis/alice/members/bob@example.org", &json!({"read": false}));
    assert_eq!((inside.get("/").status, platform.enter(&ann, "alice").get("/-/index").status), (403, 200));
}

/// Case 34 for local accounts: an address that moves on gives nothing to whoever has it next.
#[test]
fn case_34_an_address_that_moves_on_gives_nothing() {
    let mut platform = Platform::start();
    let (ann, bob) = (platform.person("Ann"), platform.person("Bob"));
    platform.wiki(&ann, "alice");
    api(&ann, "PUT", "/api/wikis/alice/members/bob@example.org", &json!({"write": true}));
    assert_eq!(platform.enter(&bob, "alice").get("/").status, 200);
    assert_eq!(bob.post("/app/account/delete", &[("email", "bob@example.org")]).unwrap().status, 303);
    platform.server.stop();
    let engine = crate::api::engine(platform.data.path());
    super::account(&engine, "Bob", holt_engine::directory::Rank::Member);
    drop(engine);
    platform.server = Server::start(platform.data.path(), &["--domain", DOMAIN]);
    let newcomer = platform.person("Bob");
    let wiki = platform.at_wiki("alice");
    assert_eq!(super::travel(&newcomer, &wiki, "/Home").status, 403, "the same address, another person");
    assert_eq!(wiki.get("/Home").status, 303);
}
