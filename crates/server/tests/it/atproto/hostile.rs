//! Servers, people and browsers that mean no good.

use super::network::{AUTH, EVIL_AUTH, EVIL_PDS, Mischief, PDS, document};
use super::{ALICE, ALICES_HANDLE, World, altered, me};
use crate::client::{Answer, Server};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What came back is a page that says so, and nobody is logged in.
fn refused(answer: &Answer, status: u16, says: &str) {
    assert_eq!(
        (answer.status, answer.header("location"), answer.header("refresh")),
        (status, None, None),
        "{says}: {}",
        answer.body_text()
    );
    assert!(answer.body_text().contains(says), "{says}: {}", answer.body_text());
    let logged_in = answer.headers.iter().any(|(name, value)| name == "set-cookie" && value.contains("holt_session="));
    assert!(!logged_in, "{says}");
}

#[test]
fn case_17_what_comes_back_has_to_be_what_was_sent() {
    let world = World::start();
    // Refused there.
    let browser = world.browser();
    let path = altered(
        &world.there_and_back(&browser, ALICES_HANDLE, ALICE),
        &[("code", ""), ("error", "access_denied"), ("error_description", "<b>x")],
    );
    let answer = browser.get(&path);
    refused(&answer, 403, "did not let you in");
    assert!(answer.body_text().contains("name=\"username\"") && !answer.body_text().contains("<b>x"));
    // Something is missing, is another's, or is said twice.
    for change in [
        [("state", "")],
        [("iss", "")],
        [("code", "")],
        [("state", "unknown")],
        [("iss", "https://auth.evil.test")],
        [("iss", "https://auth.test/")],
    ] {
        let browser = world.browser();
        let path = world.there_and_back(&browser, ALICES_HANDLE, ALICE);
        world.network.take_asked();
        refused(&browser.get(&altered(&path, &change)), 400, "Begin again");
        assert!(world.network.take_asked().is_empty(), "{change:?}: the code was shown to somebody");
        if !["", "unknown"].contains(&change[0].1) || change[0].0 != "state" {
            refused(&browser.get(&path), 400, "used before");
        }
    }
    let doubled = {
        let browser = world.browser();
        let path = world.there_and_back(&browser, ALICES_HANDLE, ALICE);
        browser.get(&format!("{path}&code=other"))
    };
    refused(&doubled, 400, "Begin again");
    // Used twice; in another browser (a log-in cannot be pushed onto somebody).
    let browser = world.browser();
    let path = world.there_and_back(&browser, ALICES_HANDLE, ALICE);
    assert_eq!(browser.get(&path).status, 303);
    refused(&world.browser().get(&path), 400, "another browser");
    let (browser, victim) = (world.browser(), world.browser());
    let path = world.there_and_back(&browser, ALICES_HANDLE, ALICE);
    let _ = world.set_out(&victim, ALICES_HANDLE);
    refused(&victim.get(&path), 400, "another browser");
    refused(&browser.get(&path), 400, "used before");
    // A code of another way.
    let (one, other) = (world.browser(), world.browser());
    let (path, theirs) = (world.there_and_back(&one, ALICES_HANDLE, ALICE), world.there_and_back(&other, ALICES_HANDLE, ALICE));
    let code = super::fields(theirs.split_once('?').unwrap().1)["code"].clone();
    refused(&one.get(&altered(&path, &[("code", &code)])), 400, "invalid_grant");
}

#[test]
fn case_17_tokens_have_to_be_what_was_asked_for() {
    let world = World::start();
    world.network.person("did:plc:bob", "bob.test");
    // Alice was named, Bob comes back.
    let browser = world.browser();
    let path = world.there_and_back(&browser, ALICES_HANDLE, "did:plc:bob");
    refused(&browser.get(&path), 400, "somebody else");
    assert_eq!(world.network.live_tokens(), Vec::<String>::new(), "they are given back all the same");
    for (member, value, says) in [
        ("sub", json!("did:plc:bob"), "somebody else"),
        ("sub", json!("did:plc:alice/../bob"), "no DID"),
        ("sub", Value::Null, "no DID"),
        ("scope", json!("atproto transition:generic"), "another scope"),
        ("scope", Value::Null, "another scope"),
        ("token_type", json!("Bearer"), "not bound to us"),
    ] {
        world.network.misbehave(&[Mischief::Token(member, value.clone())]);
        let browser = world.browser();
        let path = world.there_and_back(&browser, ALICES_HANDLE, ALICE);
        refused(&browser.get(&path), 400, says);
        assert_eq!((me(&browser), world.network.live_tokens()), (None, Vec::new()), "{member} {value}");
    }
    // Tokens that cannot be given back keep nobody out: they were never kept.
    world.network.misbehave(&[Mischief::KeepsTokens]);
    assert!(me(&world.log_in(ALICES_HANDLE, ALICE)).is_some());
}

/// Any server can say any name.
#[test]
fn a_server_speaks_for_its_own_people_only() {
    let world = World::start();
    for typed in ["https://auth.evil.test", "https://pds.evil.test"] {
        let browser = world.browser();
        let path = world.there_and_back(&browser, typed, ALICE);
        refused(&browser.get(&path), 400, "another server speaks");
        assert_eq!(me(&browser), None);
    }
    // It may for its own.
    world.network.document("did:plc:eve", &document("did:plc:eve", "eve.test", EVIL_PDS));
    assert_eq!(me(&world.log_in("https://auth.evil.test", "did:plc:eve")).unwrap().0, "did:plc:eve");
    // A handle says it is Alice's; her document does not.
    world.network.host_says("mallory.test", ALICE);
    refused(&world.type_name(&world.browser(), "mallory.test", ""), 400, "is called something else");
    // A document says it is Alice; her handle does not.
    world.network.document("did:plc:mallory", &document("did:plc:mallory", ALICES_HANDLE, EVIL_PDS));
    assert_eq!(me(&world.log_in("did:plc:mallory", "did:plc:mallory")).unwrap().0, "did:plc:mallory");
    // The document of one is not that of another.
    world.network.document("did:plc:other", &document(ALICE, ALICES_HANDLE, PDS));
    refused(&world.type_name(&world.browser(), "did:plc:other", ""), 400, "about somebody else");
}

#[test]
fn case_18_what_is_not_to_be_asked_is_not() {
    let world = World::start();
    for pds in [
        "http://pds.test",
        "https://pds.test:8443",
        "https://10.0.0.1",
        "https://[::1]",
        "https://localhost",
        "https://pds.internal",
        "https://u@pds.test",
    ] {
        let mut bad = document(ALICE, ALICES_HANDLE, PDS);
        bad["service"][0]["serviceEndpoint"] = pds.into();
        world.network.document(ALICE, &bad);
        world.network.take_asked();
        refused(&world.type_name(&world.browser(), ALICE, ""), 400, "a server that is not asked");
        assert_eq!(world.network.take_asked(), ["plc.test /did:plc:alice"], "{pds}");
    }
    world.network.person(ALICE, ALICES_HANDLE);
    for (member, value) in [
        ("pushed_authorization_request_endpoint", json!("http://auth.test/oauth/par")),
        ("pushed_authorization_request_endpoint", json!("https://127.0.0.1/oauth/par")),
        ("token_endpoint", json!("https://auth.test:8443/oauth/token")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("issuer", json!("https://auth.evil.test")),
        ("require_pushed_authorization_requests", json!(false)),
        ("authorization_response_iss_parameter_supported", Value::Null),
        ("client_id_metadata_document_supported", Value::Null),
        ("code_challenge_methods_supported", json!(["plain"])),
        ("dpop_signing_alg_values_supported", json!(["none"])),
    ] {
        world.network.misbehave(&[Mischief::Describes(member, value.clone())]);
        world.network.take_asked();
        refused(&world.type_name(&world.browser(), ALICES_HANDLE, ""), 400, "cannot be used to log in");
        assert!(!world.network.take_asked().iter().any(|asked| asked.contains("/oauth/")), "{member} {value}");
    }
    // Nothing is followed.
    for path in [
        "/did:plc:alice",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server",
        "/oauth/par",
        "/.well-known/atproto-did",
    ] {
        world.network.misbehave(&[Mischief::Redirects(path)]);
        world.network.take_asked();
        let answer = world.type_name(&world.browser(), ALICES_HANDLE, "");
        assert_eq!((answer.status, answer.header("refresh")), (400, None), "{path}: {}", answer.body_text());
        assert!(!world.network.take_asked().iter().any(|asked| asked.starts_with(EVIL_AUTH)), "{path}");
    }
    world.network.misbehave(&[]);
    // What nobody could mean, and what is nowhere.
    for typed in [
        "",
        "127.0.0.1",
        "http://auth.test",
        "https://auth.test:8443",
        "https://localhost",
        "a b",
        "alice.local",
        "did:key:z6Mk",
        "did:web:127.0.0.1",
    ] {
        world.network.take_asked();
        refused(&world.type_name(&world.browser(), typed, ""), 400, "no handle, DID or server");
        assert!(world.network.take_asked().is_empty(), "{typed}");
    }
    for typed in ["nobody.test", "did:plc:nobody", "https://nobody.test"] {
        refused(&world.type_name(&world.browser(), typed, ""), 400, "cannot be used to log in");
    }
    let marked = world.type_name(&world.browser(), "<b>.test", "");
    assert!(marked.status == 400 && !marked.body_text().contains("<b>.test"));
}

/// Whoever names servers that take their time keeps others neither from logging in nor from anything else.
#[test]
fn slow_servers_hold_up_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    Server::prepare(data.path(), "docs");
    let world = World::start_with(data, &[]);
    world.network.misbehave(&[Mischief::Holds("/did:plc:alice")]);
    world.network.take_asked();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| world.type_name(&world.browser(), ALICE, ""));
        }
        let end = Instant::now() + Duration::from_secs(60);
        while world.network.asked("plc.test /did:plc:alice") < 4 {
            assert!(Instant::now() < end, "four were to wait");
            std::thread::yield_now();
        }
        refused(&world.type_name(&world.browser(), ALICE, ""), 503, "Too many people log in at once");
        let ann = world.browser();
        ann.use_token(&ann.get("/auth/login"));
        assert_eq!(ann.post("/auth/login", &[("email", "ann@example.org"), ("password", "correct horse")]).unwrap().status, 303);
        world.network.misbehave(&[]);
    });
    // They have gone, and with them what they held.
    assert_eq!(world.type_name(&world.browser(), ALICE, "").status, 200);
}

#[test]
fn servers_that_are_never_content_are_left_alone() {
    let world = World::start();
    world.network.misbehave(&[Mischief::NeverContent]);
    world.network.take_asked();
    refused(&world.type_name(&world.browser(), ALICES_HANDLE, ""), 400, "use_dpop_nonce");
    let pushed = world.network.take_asked().iter().filter(|asked| **asked == format!("{AUTH} /oauth/par")).count();
    assert_eq!(pushed, 2, "once more and never again");
    for (status, body) in [
        (201, "{}"),
        (201, r#"{"request_uri": ""}"#),
        (201, r#"{"request_uri": 7}"#),
        (201, "no json"),
        (500, r#"{"request_uri": "urn:x"}"#),
        (400, r#"{"error": "<script>alert(1)</script>"}"#),
    ] {
        world.network.misbehave(&[Mischief::Pushed(status, body)]);
        let answer = world.type_name(&world.browser(), ALICES_HANDLE, "");
        refused(&answer, 400, "declined: no reason given");
        assert!(!answer.body_text().contains("<script>alert"));
    }
    // What it names is a word of its own, and no other address.
    world.network.misbehave(&[Mischief::Pushed(201, r#"{"request_uri": "x&client_id=evil#f"}"#)]);
    let sent = super::leads_to(&world.type_name(&world.browser(), ALICES_HANDLE, ""));
    assert!(
        sent.starts_with("https://auth.test/oauth/authorize?client_id=") && sent.ends_with("&request_uri=x%26client_id%3Devil%23f"),
        "{sent}"
    );
}
