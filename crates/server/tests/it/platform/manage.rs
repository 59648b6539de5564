//! The management API.

use super::{DOMAIN, Platform, api, look, with_token};
use serde_json::{Value, json};

#[test]
fn case_5_a_wiki_is_made_with_everything() {
    let platform = Platform::start();
    let ann = platform.person("Ann");
    let make = |client, body: Value| api(client, "POST", "/api/wikis", &body);
    // In this order: name, slug, count, taken.
    assert_eq!(make(&ann, json!({"slug": "www"})).status, 400);
    assert_eq!(make(&ann, json!({"slug": "www"})).text("error"), "A wiki needs a name");
    for (slug, why) in [
        ("", "needs a short name"),
        ("MyWiki", "lower case"),
        (" my-wiki", "letters"),
        ("my-wiki\n", "letters"),
        ("ab", "at least 3"),
        ("-x-", "begins and ends"),
        ("www", "reserved"),
        ("docs", "reserved"),
        ("a--b", "two hyphens"),
    ] {
        let refused = make(&ann, json!({"slug": slug, "display_name": "A"}));
        assert!(refused.status == 400 && refused.text("error").contains(why), "case 2: {slug}: {}", refused.body);
    }
    assert_eq!(make(&ann, json!(["x"])).status, 400, "what cannot be read is empty");
    let long = "x".repeat(1001);
    for (field, value, why) in [
        ("color", "red", "There is no field \"color\""),
        ("display_name", "a\u{202e}b", "U+202E"),
        ("display_name", "a\nb", "one line"),
        ("purpose", "a\u{2066}b", "U+2066"),
        ("purpose", "a\0b", "U+0000"),
        ("purpose", &long, "at most 1000 characters"),
    ] {
        let mut body = json!({"slug": "alice", "display_name": "A"});
        body[field] = value.into();
        let refused = make(&ann, body);
        assert!(refused.status == 400 && refused.text("error").contains(why), "{field}: {}", refused.body);
    }
    let made = make(&ann, json!({"slug": "alice", "display_name": "Alice’s *wiki*", "purpose": "Notes & plans"}));
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.text("mcp_endpoint"), format!("http://alice.{DOMAIN}/mcp"));
    let wiki = &made.body["wiki"];
    assert_eq!((wiki["slug"].as_str(), wiki["page_count"].as_u64(), wiki["is_public"].as_bool()), (Some("alice"), Some(4), Some(false)));
    assert_eq!((wiki["description"].as_str(), wiki["plan"].as_str()), (Some("Notes & plans"), Some("free")));
    // The token reads and writes; there is one commit with the pages, and the owner is a member who may do everything.
    let (token, stranger) = (made.text("mcp_token"), platform.at_wiki("alice"));
    let home = with_token(&stranger, &token, "GET", "/api/v1/pages/Home", "");
    assert!(
        home.status == 200 && home.text("content").contains("# Alice’s \\*wiki\\*") && home.text("content").contains("Notes"),
        "{}",
        home.body
    );
    let log = with_token(&stranger, &token, "GET", "/api/v1/changelog", "");
    assert_eq!(log.body["entries"].as_array().map(Vec::len), Some(1), "{}", log.body);
    assert_eq!(with_token(&stranger, &token, "GET", "/api/v1/pages/Agent%20Guide", "").status, 200);
    assert_eq!(stranger.get("/Home").status, 303, "members only");
    let members = look(&ann, "/api/wikis/alice/members");
    assert_eq!(members.column("members", "email"), ["ann@example.org"]);
    assert_eq!(members.body["members"][0]["admin"], true);
    // The plan allows one.
    let second = make(&ann, json!({"slug": "second", "display_name": "Second"}));
    assert!(
        second.status == 403 && second.text("error").to_lowercase().contains("limit") && second.text("hint").len() > 10,
        "{}",
        second.body
    );
    let olga = platform.person("Olga");
    for slug in ["olga-1", "olga-2", "olga-3"] {
        platform.wiki(&olga, slug);
    }
    assert_eq!(make(&olga, json!({"slug": "alice", "display_name": "x"})).status, 409);
    assert_eq!(look(&ann, "/api/wikis").column("wikis", "slug"), ["alice"]);
    // Of two for the last place one wins: nothing is left of the other.
    let bob = platform.person("Bob");
    let both: Vec<u16> = std::thread::scope(|threads| {
        let make = |slug: &'static str| {
            threads.spawn({
                let bob = bob.clone();
                move || api(&bob, "POST", "/api/wikis", &json!({"slug": slug, "display_name": "x"})).status
            })
        };
        [make("bob-1"), make("bob-2")].into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(both.contains(&201) && both.contains(&403), "{both:?}");
}

#[test]
fn case_8_wikis_are_their_owners() {
    let platform = Platform::start();
    let (ann, bob) = (platform.person("Ann"), platform.person("Bob"));
    platform.wiki(&ann, "alice");
    let nobody = platform.at(DOMAIN);
    let asked: &[(&str, &str, Value)] = &[
        ("GET", "", json!({})),
        ("PATCH", "", json!({"display_name": "x"})),
        ("DELETE", "", json!({})),
        ("POST", "/restore", json!({})),
        ("POST", "/transfer", json!({"to": "bob@example.org"})),
        ("POST", "/token", json!({})),
        ("GET", "/tokens", json!({})),
        ("POST", "/tokens", json!({"label": "x", "scope": "read"})),
        ("DELETE", "/tokens/1", json!({})),
        ("GET", "/members", json!({})),
        ("PUT", "/members/bob@example.org", json!({"admin": true})),
        ("DELETE", "/members/ann@example.org", json!({})),
        ("POST", "/git", json!({"enabled": true})),
        ("GET", "/usage", json!({})),
        ("GET", "/export", json!({})),
        ("GET", "/export/settings", json!({})),
    ];
    for (method, rest, body) in asked {
        let at = |slug: &str| format!("/api/wikis/{slug}{rest}");
        assert_eq!(api(&bob, method, &at("alice"), body).status, 403, "{method} {rest}");
        assert_eq!(api(&bob, method, &at("nothing"), body).status, 404, "{method} {rest}");
        let origin = format!("http://{DOMAIN}");
        let stranger = crate::api::said(&nobody, method, &at("alice"), &[("Origin", &origin)], body.to_string().as_bytes());
        assert_eq!(stranger.status, 401, "{method} {rest}: {}", stranger.body);
    }
    assert_eq!(api(&ann, "PUT", "/api/wikis", &json!({})).status, 405);
    assert_eq!(api(&ann, "GET", "/api/nothing", &json!({})).status, 404);
    // Nothing of all that happened.
    assert_eq!(look(&ann, "/api/wikis/alice").body["wiki"]["display_name"], "The alice");
    assert_eq!(look(&ann, "/api/wikis/alice/members").column("members", "email"), ["ann@example.org"]);
    // A deleted wiki is nowhere, at once; it can be had back.
    let wiki = platform.enter(&ann, "alice");
    assert_eq!(wiki.get("/").status, 200);
    let deleted = api(&ann, "DELETE", "/api/wikis/alice", &json!({}));
    assert_eq!((deleted.status, deleted.body["deleted"].as_bool()), (200, Some(true)));
    let gone = wiki.get("/Home");
    assert_eq!((gone.status, gone.body_text()), (404, platform.at_wiki("nothing").get("/Home").body_text()), "like one that never was");
    for (method, rest) in [("PATCH", ""), ("DELETE", ""), ("POST", "/token"), ("GET", "/usage"), ("GET", "/export")] {
        assert_eq!(api(&ann, method, &format!("/api/wikis/alice{rest}"), &json!({})).status, 404, "{method} {rest}");
    }
    assert_eq!(look(&ann, "/api/wikis/alice").body["wiki"]["state"], "deleted");
    assert_eq!(api(&bob, "POST", "/api/wikis", &json!({"slug": "alice", "display_name": "x"})).status, 409, "its name stays its own");
    assert_eq!(api(&ann, "POST", "/api/wikis/alice/restore", &json!({})).status, 200);
    assert_eq!(wiki.get("/").status, 200, "with its sessions");
    assert_eq!(api(&ann, "POST", "/api/wikis/alice/restore", &json!({})).status, 404, "it is there");
}

#[test]
fn case_9_a_new_token_ends_the_old_one_and_no_hash_is_shown() {
    let platform = Platform::start();
    let ann = platform.person("Ann");
    let old = platform.wiki(&ann, "alice");
    let wiki = platform.at_wiki("alice");
    let reads = |token: &str| with_token(&wiki, token, "GET", "/api/v1/pages", "").status;
    assert_eq!(reads(&old), 200);
    let new = api(&ann, "POST", "/api/wikis/alice/token", &json!({})).text("mcp_token");
    assert_eq!((reads(&old), reads(&new)), (401, 200));
    // Others are not touched; each can be ended.
    let made = api(&ann, "POST", "/api/wikis/alice/tokens", &json!({"label": "bot", "scope": "read", "days": 7}));
    assert_eq!(made.status, 201, "{}", made.body);
    api(&ann, "POST", "/api/wikis/alice/token", &json!({}));
    assert_eq!(reads(&made.text("token")), 200);
    let list = look(&ann, "/api/wikis/alice/tokens");
    assert_eq!(list.column("tokens", "label"), ["bot", "MCP"]);
    let id = list.body["tokens"][0]["id"].as_i64().unwrap();
    assert_eq!(api(&ann, "DELETE", &format!("/api/wikis/alice/tokens/{id}"), &json!({})).status, 200);
    assert_eq!(reads(&made.text("token")), 401);
    for bad in [
        json!({"label": "x"}),
        json!({"scope": "read"}),
        json!({"label": "x", "scope": "all"}),
        json!({"label": "x", "scope": "read", "days": 0}),
    ] {
        assert_eq!(api(&ann, "POST", "/api/wikis/alice/tokens", &bad).status, 400, "{bad}");
    }
    for path in ["", "/tokens", "/members", "/usage", "/export/settings"] {
        let text = look(&ann, &format!("/api/wikis/alice{path}")).answer.body_text();
        for secret in ["hash", "repo_path", new.as_str(), platform.data.path().to_str().unwrap()] {
            assert!(!text.contains(secret), "{path} tells {secret}: {text}");
        }
    }
}

#[test]
fn case_13_a_wikis_token_is_for_that_wiki() {
    let platform = Platform::start();
    let (ann, olga) = (platform.person("Ann"), platform.person("Olga"));
    let (of_alice, _) = (platform.wiki(&ann, "alice"), platform.wiki(&olga, "other"));
    let (alice, other) = (platform.at_wiki("alice"), platform.at_wiki("other"));
    let put = |client, token: &str| with_token(client, token, "PUT", "/api/v1/pages/New", r#"{"content":"x"}"#).status;
    assert_eq!(put(&alice, &of_alice), 201);
    assert_eq!(put(&other, &of_alice), 401, "it is not known there");
    assert_eq!(with_token(&alice, &of_alice, "POST", "/api/v1/reindex", "{}").status, 403, "never an administrator");
    // It is no token of the platform, and the platform's is none of a wiki's.
    assert_eq!(with_token(&platform.at(DOMAIN), &of_alice, "GET", "/api/wikis", "").status, 401);
    let made = ann.post("/app/account/tokens", &[("label", "t"), ("scope", "manage")]).unwrap().body_text();
    let platforms = made.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_string();
    assert_eq!(with_token(&alice, &platforms, "GET", "/api/v1/pages", "").status, 401);
}

#[test]
fn programs_look_after_wikis() {
    let platform = Platform::start();
    let ann = platform.person("Ann");
    let token = |scope: &str| {
        let page = ann.post("/app/account/tokens", &[("label", scope), ("scope", scope)]).unwrap().body_text();
        page.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_string()
    };
    let (reads, manages, nobody) = (token("read"), token("manage"), platform.at(DOMAIN));
    let body = r#"{"slug":"alice","display_name":"Alice"}"#;
    assert_eq!(with_token(&nobody, &reads, "POST", "/api/wikis", body).status, 403);
    assert_eq!(with_token(&nobody, &manages, "POST", "/api/wikis", body).status, 201);
    assert_eq!(with_token(&nobody, &reads, "GET", "/api/wikis", "").column("wikis", "slug"), ["alice"]);
    assert_eq!(with_token(&nobody, &manages, "GET", "/app", "").status, 403, "pages are for people");
    assert_eq!(with_token(&nobody, "holt_x", "GET", "/api/me", "").status, 401);
    let basic = crate::api::said(&nobody, "GET", "/api/me", &[("Authorization", "Basic eA==")], b"");
    assert!(basic.status == 401 && basic.answer.header("www-authenticate").is_some());
    // An operator's program is no operator.
    let olga = platform.person("Olga");
    let page = olga.post("/app/account/tokens", &[("label", "x"), ("scope", "manage")]).unwrap().body_text();
    let hers = page.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_string();
    assert_eq!(with_token(&nobody, &hers, "GET", "/app/admin", "").status, 403);
}

#[test]
fn case_26_git_is_switched_and_settings_change() {
    let platform = Platform::start();
    let (ann, bob) = (platform.person("Ann"), platform.person("Bob"));
    platform.wiki(&ann, "alice");
    let enabled = || look(&ann, "/api/wikis/alice").body["wiki"]["git_access_enabled"].clone();
    assert_eq!(enabled(), false);
    for on in [true, true, false] {
        let said = api(&ann, "POST", "/api/wikis/alice/git", &json!({"enabled": on}));
        assert_eq!((said.status, said.body["git_access_enabled"].clone(), enabled()), (200, json!(on), json!(on)));
    }
    assert_eq!(api(&bob, "POST", "/api/wikis/alice/git", &json!({"enabled": true})).status, 403);
    assert_eq!(api(&ann, "POST", "/api/wikis/nothing/git", &json!({"enabled": true})).status, 404);
    assert_eq!(api(&ann, "POST", "/api/wikis/alice/git", &json!({"enabled": "yes"})).status, 400);
    // Name, purpose, access.
    let changed = api(
        &ann,
        "PATCH",
        "/api/wikis/alice",
        &json!({"display_name": "New", "purpose": "y".repeat(300), "access": {"read": "anonymous"}}),
    );
    let wiki = &changed.body["wiki"];
    assert_eq!((wiki["display_name"].as_str(), wiki["is_public"].as_bool()), (Some("New"), Some(true)), "{}", changed.body);
    assert_eq!(wiki["description"].as_str().map(str::len), Some(200), "what is too long is cut");
    assert!(platform.at_wiki("alice").get("/").body_text().contains("New"), "the wiki calls itself so");
    for bad in [
        json!({"display_name": ""}),
        json!({"display_name": 7}),
        json!({"access": {"write": "ANONYMOUS"}}),
        json!({"access": {"read": "SOMEBODY"}}),
        json!({"access": {"reed": "ADMIN"}}),
        json!({"access": "public"}),
        json!({"owner": "bob@example.org"}),
        json!({"slug": "www"}),
        json!({"slug": "other", "access": {"read": "SOMEBODY"}}),
    ] {
        assert_eq!(api(&ann, "PATCH", "/api/wikis/alice", &bad).status, 400, "{bad}");
    }
    // Another address: the old one leads nowhere.
    assert_eq!(
        api(&ann, "PATCH", "/api/wikis/alice", &json!({"slug": "alices"})).text("mcp_endpoint"),
        format!("http://alices.{DOMAIN}/mcp")
    );
    assert_eq!((platform.at_wiki("alice").get("/").status, platform.at_wiki("alices").get("/").status), (404, 200));
}

#[test]
fn members_come_and_go_at_once_and_wikis_change_hands() {
    let platform = Platform::start();
    let (ann, bob) = (platform.person("Ann"), platform.person("Bob"));
    platform.wiki(&ann, "alice");
    let member = |method: &str, who: &str, body: Value| api(&ann, method, &format!("/api/wikis/alice/members/{who}@example.org"), &body);
    assert_eq!(member("PUT", "nobody", json!({})).status, 404);
    assert_eq!(member("PUT", "bob", json!({"write": true})).status, 200);
    let wiki = platform.enter(&bob, "alice");
    assert_eq!((wiki.get("/").status, wiki.save("New", "text", "")), (200, Some(303)));
    assert_eq!(member("DELETE", "bob", json!({})).status, 200);
    assert_eq!(wiki.get("/New").status, 303, "a stranger again");
    assert_eq!(member("DELETE", "bob", json!({})).status, 404);
    // Anybody may have made an account with an address that is not theirs.
    let mut platform = platform;
    platform.server.stop();
    let engine = crate::api::engine(platform.data.path());
    let eve = engine.directory().user_by_email("bob@example.org").unwrap().unwrap();
    engine.directory().doubt_email(eve.id).unwrap();
    drop(engine);
    platform.server = crate::client::Server::start(platform.data.path(), &["--domain", DOMAIN]);
    let (ann, bob) = (platform.person("Ann"), platform.person("Bob"));
    let member = |method: &str, who: &str, body: Value| api(&ann, method, &format!("/api/wikis/alice/members/{who}@example.org"), &body);
    let doubtful = member("PUT", "bob", json!({}));
    assert!(
        doubtful.status == 403 && doubtful.text("hint").contains("invitation in the wiki"),
        "this server sends no mail: {}",
        doubtful.body
    );
    platform.server.stop();
    let engine = crate::api::engine(platform.data.path());
    engine.directory().confirm_email(eve.id).unwrap();
    drop(engine);
    platform.server = crate::client::Server::start(platform.data.path(), &["--domain", DOMAIN]);
    let (ann, bob) = (ann.moved(&platform.server), bob.moved(&platform.server));
    let member = |method: &str, who: &str, body: Value| api(&ann, method, &format!("/api/wikis/alice/members/{who}@example.org"), &body);
    // The owner stays, unless the wiki goes to somebody else.
    for said in [member("DELETE", "ann", json!({})), member("PUT", "ann", json!({"admin": false}))] {
        assert_eq!(said.status, 400, "{}", said.body);
    }
    let give = |to: &str| api(&ann, "POST", "/api/wikis/alice/transfer", &json!({"to": to})).status;
    assert_eq!(give("bob@example.org"), 404, "he is no member");
    member("PUT", "bob", json!({}));
    assert_eq!((give("bob@example.org"), look(&ann, "/api/wikis/alice").status), (200, 403));
    assert_eq!(look(&bob, "/api/wikis").column("wikis", "slug"), ["alice"]);
    assert_eq!(api(&bob, "DELETE", "/api/wikis/alice/members/ann@example.org", &json!({})).status, 200, "she is one of many now");
    // Who has as many as they may takes no more.
    platform.wiki(&ann, "second");
    assert_eq!(api(&bob, "PUT", "/api/wikis/alice/members/ann@example.org", &json!({})).status, 200);
    assert_eq!(api(&bob, "POST", "/api/wikis/alice/transfer", &json!({"to": "ann@example.org"})).status, 403);
}

#[test]
fn a_wiki_can_be_taken_along() {
    let platform = Platform::start();
    let ann = platform.person("Ann");
    let token = platform.wiki(&ann, "alice");
    with_token(&platform.at_wiki("alice"), &token, "PUT", "/api/v1/pages/New", r#"{"content":"mine"}"#);
    let bundle = ann.get("/api/wikis/alice/export");
    assert_eq!((bundle.status, bundle.header("content-type")), (200, Some("application/x-git-bundle")));
    let dir = tempfile::tempdir().unwrap();
    let (file, into) = (dir.path().join("alice.bundle"), dir.path().join("alice"));
    std::fs::write(&file, &bundle.body).unwrap();
    let cloned = std::process::Command::new("git").args(["clone", "--quiet"]).arg(&file).arg(&into).status().unwrap();
    assert!(cloned.success());
    assert_eq!(std::fs::read_to_string(into.join("New.md")).unwrap(), "mine");
    let settings = look(&ann, "/api/wikis/alice/export/settings");
    assert_eq!(
        (settings.body["preferences"]["SITE_NAME"].as_str(), settings.column("members", "email")),
        (Some("The alice"), vec!["ann@example.org".to_string()])
    );
    assert!(!settings.answer.body_text().contains("PASSWORD"));
}
