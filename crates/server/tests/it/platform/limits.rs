//! What a wiki may hold and how much may be asked of it, by its plan.

use super::{DOMAIN, Platform, api, look, with_token};
use crate::client::Client;
use serde_json::json;
use std::num::NonZeroU64;

/// A platform whose plan has these limits.
fn with_plan(change: impl FnOnce(&mut holt_engine::directory::Plan)) -> Platform {
    Platform::start_with(&["--trust-proxy", "127.0.0.1"], |engine| {
        let mut plan = engine.directory().default_plan().unwrap();
        change(&mut plan);
        engine.directory().put_plan(&plan).unwrap();
    })
}

/// Writes a page as a client at `address`.
fn put(client: &Client, token: &str, address: &str, page: &str, text: &str) -> crate::api::Said {
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str()), ("X-Forwarded-For", address), ("Content-Type", "application/json")];
    crate::api::said(client, "PUT", &format!("/api/v1/pages/{page}"), &headers, json!({"content": text}).to_string().as_bytes())
}

#[test]
fn case_20_a_flood_is_slowed_and_others_are_not() {
    let platform = with_plan(|plan| (plan.writes, plan.wikis) = (Some(5), None));
    let ann = platform.person("Ann");
    let (token, other) = (platform.wiki(&ann, "alice"), platform.wiki(&ann, "other"));
    let (alice, elsewhere) = (platform.at_wiki("alice"), platform.at_wiki("other"));
    let statuses: Vec<u16> = (0..6).map(|at| put(&alice, &token, "6.6.6.6", &format!("P{at}"), "x").status).collect();
    assert_eq!(statuses, [201, 201, 201, 201, 201, 429]);
    let refused = put(&alice, &token, "6.6.6.6", "P7", "x");
    assert!(refused.status == 429 && refused.answer.header("retry-after").is_some(), "{}", refused.body);
    assert!(refused.text("hint").contains("plan allows 5 a minute"), "{}", refused.body);
    assert_eq!(put(&alice, &token, "7.7.7.7", "Q", "x").status, 201, "another address");
    assert_eq!(put(&elsewhere, &other, "6.6.6.6", "Q", "x").status, 201, "another wiki");
    assert_eq!(put(&alice, &token, "1.1.1.1, 6.6.6.6", "R", "x").status, 429, "the last entry decides");
    let bearer = format!("Bearer {token}");
    let read = crate::api::said(&alice, "GET", "/api/v1/pages/Home", &[("Authorization", &bearer), ("X-Forwarded-For", "6.6.6.6")], b"");
    assert_eq!(read.status, 200, "reading goes on");
    // Forms are counted with the rest, drafts and previews are not.
    let wiki = platform.enter(&ann, "alice");
    let form = wiki.get("/P0/edit");
    for _ in 0..8 {
        assert!(wiki.post("/P0/preview", &[("content", "y")]).unwrap().status < 300);
    }
    let revision = form.field("revision");
    let saves: Vec<u16> = (0..6)
        .map(|at| wiki.post("/New/save", &[("content", &format!("{at}")), ("commit", ""), ("revision", &revision)]).unwrap().status)
        .collect();
    assert!(saves.last() == Some(&429), "{saves:?}");
}

/// Case 23: pushes count, whatever address somebody claims to come from; refs and clones do not. git gets text, and when to come back.
#[test]
fn case_23_pushes_are_slowed_by_the_plan() {
    let platform = with_plan(|plan| plan.writes = Some(5));
    let ann = platform.person("Ann");
    let token = platform.wiki(&ann, "alice");
    assert_eq!(api(&ann, "POST", "/api/wikis/alice/git", &json!({"enabled": true})).status, 200);
    let alice = platform.at_wiki("alice");
    let bearer = format!("Bearer {token}");
    let push = |address: &str, body: &[u8]| {
        let kind = ("Content-Type", "application/x-git-receive-pack-request");
        let headers = [("Authorization", bearer.as_str()), kind, ("X-Forwarded-For", address)];
        alice.send("POST", "/.git/git-receive-pack", &headers, body).unwrap()
    };
    let statuses: Vec<u16> = (0..6).map(|_| push("6.6.6.6", b"nothing that git says").status).collect();
    assert_eq!(statuses, [400, 400, 400, 400, 400, 429]);
    let refused = push("1.1.1.1, 6.6.6.6", b"nothing that git says");
    assert_eq!((refused.status, refused.header("content-type")), (429, Some("text/plain; charset=utf-8")), "the last entry decides");
    assert!(refused.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{:?}", refused.header("retry-after"));
    assert!(refused.body_text().contains("plan allows 5 a minute"), "{}", refused.body_text());
    assert_eq!(push("6.6.6.6", b"0000").status, 200, "whether one may push is no push");
    assert_eq!(push("7.7.7.7", b"nothing that git says").status, 400, "another address");
    let refs = |service: &str, address: &str| {
        let headers = [("Authorization", bearer.as_str()), ("X-Forwarded-For", address)];
        alice.send("GET", &format!("/.git/info/refs?service={service}"), &headers, b"").unwrap()
    };
    for service in ["git-upload-pack", "git-receive-pack"].repeat(6) {
        assert_eq!(refs(service, "8.8.8.8").status, 200, "looking costs nothing");
    }
    // Of an answer to a push git clients show the status alone; of this one the text.
    assert_eq!(refs("git-upload-pack", "6.6.6.6").status, 200);
    let early = refs("git-receive-pack", "6.6.6.6");
    assert!(early.status == 429 && early.body_text().contains("plan allows 5 a minute"), "{}", early.body_text());
    assert!(early.header("retry-after").is_some());
}

/// The same without a proxy in front: what somebody says of where they come from is nothing.
#[test]
fn case_23_a_spoofed_address_pushes_no_more() {
    let platform = Platform::start_with(&[], |engine| {
        let mut plan = engine.directory().default_plan().unwrap();
        plan.writes = Some(5);
        engine.directory().put_plan(&plan).unwrap();
    });
    let ann = platform.person("Ann");
    let token = platform.wiki(&ann, "alice");
    assert_eq!(api(&ann, "POST", "/api/wikis/alice/git", &json!({"enabled": true})).status, 200);
    let bearer = format!("Bearer {token}");
    let statuses: Vec<u16> = (0..6)
        .map(|at| {
            let (address, forwarded) = (format!("6.6.6.{at}"), format!("for=6.6.6.{at}"));
            let headers = [
                ("Authorization", bearer.as_str()),
                ("Content-Type", "application/x-git-receive-pack-request"),
                ("X-Forwarded-For", address.as_str()),
                ("X-Real-IP", address.as_str()),
                ("Forwarded", forwarded.as_str()),
            ];
            platform.at_wiki("alice").send("POST", "/.git/git-receive-pack", &headers, b"nothing that git says").unwrap().status
        })
        .collect();
    assert_eq!(statuses, [400, 400, 400, 400, 400, 429]);
}

#[test]
fn case_20_and_21_a_full_wiki_says_so_first() {
    let platform = with_plan(|plan| (plan.writes, plan.bytes) = (Some(3), Some(20_000)));
    let ann = platform.person("Ann");
    let token = platform.wiki(&ann, "alice");
    let alice = platform.at_wiki("alice");
    let text: String = (0..9000u32).map(|i| char::from(33 + (i.wrapping_mul(2_654_435_761) >> 25) as u8 % 90)).collect();
    let mut statuses = Vec::new();
    for at in 0..8 {
        statuses.push(put(&alice, &token, &format!("6.6.6.{at}"), &format!("P{at}"), &text).status);
    }
    assert!(statuses.first() == Some(&201) && statuses.last() == Some(&413), "{statuses:?}");
    let mut platform = platform;
    let limit = |platform: &mut Platform, bytes: u64| {
        platform.server.stop();
        let engine = crate::api::engine(platform.data.path());
        let id = engine.wiki_named("alice").unwrap().id();
        engine.directory().set_max_bytes(id, NonZeroU64::new(bytes)).unwrap();
        drop(engine);
        platform.server = crate::client::Server::start(platform.data.path(), &["--domain", DOMAIN, "--trust-proxy", "127.0.0.1"]);
    };
    limit(&mut platform, 5_000);
    let (alice, ann) = (platform.at_wiki("alice"), platform.person("Ann"));
    // Over quota and over rate: waiting would not help.
    let both: Vec<u16> = (0..8).map(|at| put(&alice, &token, "7.7.7.7", &format!("Q{at}"), &text).status).collect();
    assert!(both.iter().all(|status| *status == 413), "{both:?}");
    let refused = put(&alice, &token, "8.8.8.8", "Q", &text);
    assert!(refused.text("error").contains("5000 bytes") && refused.text("hint").len() > 20, "{}", refused.body);
    assert_eq!(with_token(&alice, &token, "GET", "/api/v1/pages/P0", "").status, 200, "reading works");
    assert_eq!(with_token(&alice, &token, "DELETE", "/api/v1/pages/P0", "{}").status, 200, "deleting works");
    let wiki = platform.enter(&ann, "alice");
    let saved = wiki.post("/Web/save", &[("content", &text), ("commit", ""), ("revision", "")]).unwrap();
    assert!(saved.status == 413, "a form is refused, too: {}", saved.status);
    let usage = look(&ann, "/api/wikis/alice/usage");
    assert_eq!((usage.body["limits"]["bytes"].as_u64(), usage.texts("near")), (Some(5_000), vec!["bytes".to_string()]), "{}", usage.body);
    // With more room it goes on.
    limit(&mut platform, 50_000_000);
    assert_eq!(put(&platform.at_wiki("alice"), &token, "9.9.9.9", "New", "x").status, 201);
}

#[test]
fn plans_limit_pages_and_members_and_say_which() {
    let platform = with_plan(|plan| (plan.pages, plan.members) = (Some(5), Some(2)));
    let (ann, _) = (platform.person("Ann"), platform.person("Bob"));
    let token = platform.wiki(&ann, "alice");
    let alice = platform.at_wiki("alice");
    assert_eq!(put(&alice, &token, "6.6.6.6", "Fifth", "x").status, 201);
    let refused = put(&alice, &token, "6.6.6.6", "Sixth", "x");
    assert!(refused.status == 413 && refused.text("error").contains("5 pages"), "{}", refused.body);
    let member = |who: &str| api(&ann, "PUT", &format!("/api/wikis/alice/members/{who}@example.org"), &json!({}));
    assert_eq!(member("bob").status, 200);
    let refused = member("olga");
    assert!(refused.status == 413 && refused.text("error").contains("2 members"), "{}", refused.body);
    assert_eq!(member("bob").status, 200, "who is one is changed");
    assert_eq!(look(&ann, "/api/wikis/alice/usage").texts("near"), ["pages", "members"]);
    // Wikis of the machine itself have no plan.
    let main = look(&platform.server.client(), "/api/v1/wiki");
    assert!(main.body["limits"]["pages"].is_null(), "{}", main.body);
}
