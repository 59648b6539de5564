//! The way there and back, as it should go.

use super::network::{PDS, document};
use super::{ALICE, ALICES_HANDLE, World, back, leads_to, me, serve};
use crate::client::{Client, Server, until};
use crate::platform::{DOMAIN, api, travel};
use holt_testkit::{DnsConduct, robot_wtf};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_string()).collect()
}

/// Whether the account page says so.
fn account_says(browser: &Client, text: &str) -> bool {
    browser.get("/app/account").body_text().contains(text)
}

#[test]
fn case_19_others_are_shown_the_public_key_and_nothing_else() {
    let world = World::start();
    let shown: Value = serde_json::from_slice(&world.browser().get("/auth/client-metadata.json").body).unwrap();
    let key = shown["jwks"]["keys"][0].clone();
    let names: Vec<&String> = key.as_object().unwrap().keys().collect();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(
        (key["alg"].as_str(), key["crv"].as_str(), shown["jwks"]["keys"].as_array().unwrap().len()),
        (Some("ES256"), Some("P-256"), 1)
    );
    let mut rest = shown.clone();
    rest.as_object_mut().unwrap().remove("jwks");
    assert_eq!(
        rest,
        json!({
            "client_id": format!("https://{DOMAIN}/auth/client-metadata.json"), "client_name": DOMAIN, "client_uri": format!("https://{DOMAIN}/"),
            "application_type": "web", "redirect_uris": [format!("https://{DOMAIN}/auth/callback")], "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"], "scope": "atproto", "dpop_bound_access_tokens": true, "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256",
        })
    );
    // The key is a file of its owner's, and the same after a start.
    let file = world.data.path().join("keys/atproto.pk8");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let World { data, mut server, network, dns } = world;
    server.stop();
    let server = serve(data.path(), &network, &dns, &[]);
    let again: Value = serde_json::from_slice(&server.client_at(DOMAIN).get("/auth/client-metadata.json").body).unwrap();
    assert_eq!(again, shown);
    // Where people do not log in this way there is nothing to be shown.
    drop(server);
    let server = Server::start(data.path(), &["--domain", DOMAIN]);
    let browser = server.client_at(DOMAIN);
    assert_eq!((browser.get("/auth/client-metadata.json").status, browser.get("/auth/callback?state=x").status), (404, 404));
    assert!(!browser.get("/auth/login").body_text().contains("Bluesky"));
}

#[test]
fn somebody_logs_in_with_the_account_they_have() {
    let world = World::start();
    world.network.calls_themselves(ALICE, "Alice Liddell");
    let browser = world.browser();
    assert!(browser.get("/auth/login").body_text().contains("Log in with Bluesky"));
    world.network.take_asked();
    let place = world.set_out(&browser, &format!(" @{}\u{202c}", ALICES_HANDLE.to_uppercase()));
    let asked = world.network.take_asked();
    let expected = [
        "alice.test /.well-known/atproto-did",
        "plc.test /did:plc:alice",
        "pds.test /.well-known/oauth-protected-resource",
        "auth.test /.well-known/oauth-authorization-server",
        // Twice, as the first answer is the nonce.
        "auth.test /oauth/par",
        "auth.test /oauth/par",
    ];
    assert_eq!(asked, texts(&expected));
    assert_eq!(world.network.hint().as_deref(), Some(ALICES_HANDLE));
    let arrived = browser.get(&back(&world.network.agree(&place, ALICE)));
    assert_eq!((arrived.status, arrived.header("location")), (303, Some("/app")), "{}", arrived.body_text());
    for (_, cookie) in arrived.headers.iter().filter(|(name, _)| name == "set-cookie") {
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.to_lowercase().contains("domain="), "{cookie}");
    }
    assert_eq!(me(&browser), Some((ALICES_HANDLE.to_string(), "Alice Liddell".to_string())));
    assert_eq!(world.network.live_tokens(), Vec::<String>::new(), "both tokens were given back");
    // Nothing of what was secret on the way is in the database.
    let database = std::fs::read(world.data.path().join("holt.db")).unwrap();
    let log = std::fs::read(world.data.path().join("holt.db-wal")).unwrap_or_default();
    for secret in ["access-", "refresh-", "code-"] {
        assert!(![&database, &log].iter().any(|bytes| bytes.windows(secret.len()).any(|window| window == secret.as_bytes())), "{secret}");
    }
    // The next time they are known, in another browser, by another name for the same person.
    for typed in [ALICE, "https://pds.test", "https://auth.test/", &format!("at://{ALICES_HANDLE}")] {
        assert_eq!(me(&world.log_in(typed, ALICE)), Some((ALICES_HANDLE.to_string(), "Alice Liddell".to_string())), "{typed}");
    }
    let db = Connection::open(world.data.path().join("holt.db")).unwrap();
    let rows: (i64, i64, i64) = db
        .query_row(
            "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM identities), (SELECT count(*) FROM sign_in_requests)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert_eq!(rows, (1, 1, 0));
}

#[test]
fn names_are_looked_up_where_the_protocol_says() {
    let world = World::start();
    // The DNS comes first.
    world.network.document("did:plc:bob", &document("did:plc:bob", "bob.test", PDS));
    world.network.host_says("bob.test", ALICE);
    world.dns.set("_atproto.bob.test", &["v=spf1 -all", "did=did:plc:bob"]);
    assert_eq!(me(&world.log_in("bob.test", "did:plc:bob")).unwrap().0, "bob.test");
    // A DNS that does not answer is no reason not to ask the host.
    world.dns.behave(DnsConduct::Fails);
    assert_eq!(me(&world.log_in(ALICES_HANDLE, ALICE)).unwrap().0, ALICES_HANDLE);
    world.dns.behave(DnsConduct::Answers);
    // Several people at one name are nobody.
    world.dns.set("_atproto.bob.test", &["did=did:plc:bob", "did=did:plc:alice"]);
    assert_eq!(world.type_name(&world.browser(), "bob.test", "").status, 400);
    // A host can be somebody, too.
    let web = "did:web:carol.test";
    world.network.document(web, &document(web, "carol.test", PDS));
    world.dns.set("_atproto.carol.test", &["did=did:web:carol.test"]);
    for typed in ["carol.test", web] {
        assert_eq!(me(&world.log_in(typed, web)).unwrap().0, "carol.test", "{typed}");
    }
    // Whose handle does not name them in turn has none here, but is who they are.
    world.network.document("did:plc:dora", &document("did:plc:dora", ALICES_HANDLE, PDS));
    assert_eq!(me(&world.log_in("did:plc:dora", "did:plc:dora")), Some(("did:plc:dora".to_string(), "did:plc:dora".to_string())));
    assert_eq!(world.network.hint().as_deref(), Some("did:plc:dora"));
}

#[test]
fn a_handle_that_changed_is_shown_and_opens_nothing_new() {
    let world = World::start();
    let first = world.log_in(ALICES_HANDLE, ALICE);
    assert_eq!(me(&first), Some((ALICES_HANDLE.to_string(), ALICES_HANDLE.to_string())));
    // She moves to another handle.
    world.network.person(ALICE, "liddell.test");
    world.network.host_says(ALICES_HANDLE, "");
    let second = world.log_in("liddell.test", ALICE);
    assert_eq!(me(&second), Some(("liddell.test".to_string(), "liddell.test".to_string())));
    assert!(account_says(&second, "liddell.test") && !account_says(&second, ALICES_HANDLE));
    // A name that she chose here stays.
    second.use_token(&second.get("/app/account"));
    assert_eq!(second.post("/app/account", &[("name", "Al")]).unwrap().status, 303);
    world.network.person(ALICE, "third.test");
    assert_eq!(me(&world.log_in("third.test", ALICE)), Some(("third.test".to_string(), "Al".to_string())));
}

#[test]
fn case_34_a_handle_that_moved_gives_nothing() {
    let world = World::start();
    let alice = world.log_in(ALICES_HANDLE, ALICE);
    alice.use_token(&alice.get("/app/account"));
    assert_eq!(api(&alice, "POST", "/api/wikis", &json!({"slug": "alice", "display_name": "Alice's"})).status, 201);
    // Mallory gets the handle.
    world.network.person("did:plc:mallory", ALICES_HANDLE);
    let mallory = world.log_in(ALICES_HANDLE, "did:plc:mallory");
    let wikis = |browser: &Client| crate::platform::look(browser, "/api/wikis").body["wikis"].as_array().unwrap().len();
    assert_eq!((wikis(&mallory), wikis(&alice)), (0, 1));
    assert_eq!(crate::platform::look(&mallory, "/api/wikis/alice").status, 403);
    // She comes back by what never changes, and has everything.
    let again = world.log_in(ALICE, ALICE);
    assert_eq!(wikis(&again), 1);
    let wiki = world.server.client_at(&format!("alice.{DOMAIN}"));
    assert_eq!(travel(&again, &wiki, "/-/settings").header("location"), Some("/-/settings"));
}

#[test]
fn case_15_and_16_where_somebody_wanted_to_go_is_where_they_get() {
    let world = World::start();
    for (wanted, got) in [
        ("/app/account", "/app/account".to_string()),
        (&format!("http://foo.{DOMAIN}/Page"), format!("http://foo.{DOMAIN}/-/login/platform?next=%2FPage")),
        ("https://evil.com", "/app".to_string()),
        ("//evil.com", "/app".to_string()),
        ("/\\evil.com", "/app".to_string()),
        (&format!("http://{DOMAIN}.evil.com/"), "/app".to_string()),
    ] {
        let browser = world.browser();
        let place = leads_to(&world.type_name(&browser, ALICES_HANDLE, wanted));
        let arrived = browser.get(&back(&world.network.agree(&place, ALICE)));
        assert_eq!((arrived.status, arrived.header("location")), (303, Some(got.as_str())), "{wanted}");
    }
    // A name can come along, and stays when the form comes back.
    let long = format!("/auth/login?username={}", "x".repeat(1000));
    assert_eq!(world.browser().get(&long).field("username"), "x".repeat(253));
    assert_eq!(world.type_name(&world.browser(), "no name\" at all", "").field("username"), "no name&#34; at all");
    let browser = world.log_in(ALICES_HANDLE, ALICE);
    assert_eq!(browser.get("/auth/login?return_to=/app/account").header("location"), Some("/app/account"));
    // A link does not begin it: a form of ours does.
    assert_eq!(world.browser().get("/auth/elsewhere/atproto?username=alice.test").status, 405);
    let stranger = world.browser();
    let form = [("Origin", "http://evil.example.test"), ("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(stranger.send("POST", "/auth/elsewhere/atproto", &form, b"username=alice.test").unwrap().status, 403);
}

#[test]
fn accounts_are_made_where_the_operator_lets_them() {
    let world = World::start_with(tempfile::tempdir().unwrap(), &[]);
    let browser = world.browser();
    let refused = browser.get(&world.there_and_back(&browser, ALICES_HANDLE, ALICE));
    assert!(refused.status == 403 && refused.body_text().contains("Nobody can make an account here"), "{}", refused.body_text());
    assert_eq!((me(&browser), world.network.live_tokens()), (None, Vec::new()));
}

#[test]
fn an_account_can_be_connected_by_whoever_is_logged_in() {
    let data = tempfile::tempdir().unwrap();
    Server::prepare(data.path(), "docs");
    let world = World::start_with(data, &[]);
    let ann = world.browser();
    ann.use_token(&ann.get("/auth/login"));
    assert_eq!(ann.post("/auth/login", &[("email", "ann@example.org"), ("password", "correct horse")]).unwrap().status, 303);
    ann.use_token(&ann.get("/app/account"));
    let sent = ann.post("/auth/elsewhere/atproto", &[("username", ALICES_HANDLE), ("connect", "1")]).unwrap();
    let arrived = ann.get(&back(&world.network.agree(&leads_to(&sent), ALICE)));
    assert_eq!((arrived.status, arrived.header("location")), (303, Some("/app/account?saved=1")), "{}", arrived.body_text());
    let by_handle = world.log_in(ALICES_HANDLE, ALICE);
    assert_eq!(me(&by_handle).unwrap().1, "Ann");
}

/// Whoever moved in from robot.wtf finds their wiki, by the same account out there.
#[test]
fn people_of_robot_wtf_find_their_wikis() {
    let data = tempfile::tempdir().unwrap();
    let source = data.path().join("robot");
    robot_wtf(&source, &|database, text| {
        let db = Connection::open(database).unwrap();
        db.pragma_update(None, "journal_mode", "wal").unwrap();
        db.pragma_update(None, "foreign_keys", false).unwrap();
        db.execute_batch(text).unwrap();
    });
    let moved = tempfile::tempdir().unwrap();
    assert_eq!(Server::command(moved.path(), &["import", "robot-wtf", source.to_str().unwrap()]).0, 1);
    // Accounts are there already: nobody has to be let in.
    let world = World::start_with(moved, &[]);
    // alice.bsky.social is alice.test by now.
    world.network.calls_themselves(ALICE, "Alice");
    let alice = world.log_in(ALICES_HANDLE, ALICE);
    assert_eq!(me(&alice), Some((ALICES_HANDLE.to_string(), "Alice".to_string())));
    let wikis = crate::platform::look(&alice, "/api/wikis").body["wikis"].clone();
    assert_eq!(wikis.as_array().unwrap().iter().map(|wiki| wiki["slug"].as_str().unwrap()).collect::<Vec<_>>(), ["alice"]);
    let wiki = world.server.client_at(&format!("alice.{DOMAIN}"));
    assert_eq!(wiki.get("/Home").status, 303, "the wiki is private");
    assert_eq!(travel(&alice, &wiki, "/Home").header("location"), Some("/Home"));
    wiki.refresh_csrf();
    let home = wiki.get("/");
    assert!(home.body_text().contains("Home of alice"), "{} {}", home.status, home.body_text());
    assert_eq!(wiki.save("Home", "# Mine\n", "From Alice"), Some(303));
    // Bob is a member of it and no more.
    world.network.person("did:plc:bob", "bob.test");
    let bob = world.log_in("bob.test", "did:plc:bob");
    let wiki = world.server.client_at(&format!("alice.{DOMAIN}"));
    assert_eq!(travel(&bob, &wiki, "/Home").header("location"), Some("/Home"));
    assert_ne!(wiki.get("/-/admin").status, 200);
    // Somebody else with her old handle is nobody here.
    world.network.person("did:plc:mallory", "alice.example.test");
    let mallory = world.browser();
    let refused = mallory.get(&world.there_and_back(&mallory, "alice.example.test", "did:plc:mallory"));
    assert_eq!(refused.status, 403, "{}", refused.body_text());
}

#[test]
fn what_is_for_tests_starts_nowhere_else() {
    let data = tempfile::tempdir().unwrap();
    let run = |flags: &[&str]| {
        let (code, _, error) = Server::command(data.path(), &[&["serve"], flags].concat());
        assert_eq!(code, 1, "{flags:?}: {error}");
        error
    };
    assert!(run(&["--listen", "0.0.0.0:0", "--test-network", "127.0.0.1:9"]).contains("for tests on one machine"));
    assert!(run(&["--listen", "127.0.0.1:0", "--test-network", "192.0.2.1:9"]).contains("for tests on one machine"));
    assert!(run(&["--listen", "127.0.0.1:0", "--atproto", "on"]).contains("--domain"));
    assert!(
        run(&["--listen", "127.0.0.1:0", "--domain", DOMAIN, "--atproto", "on", "--atproto-directory", "http://plc.directory"])
            .contains("https")
    );
}

/// Spec/platform.md §3.3: handles are shown, and looked at every day.
#[test]
fn handles_in_lists_of_members_are_those_of_today() {
    let mut world = World::start();
    let alice = world.log_in(ALICES_HANDLE, ALICE);
    alice.use_token(&alice.get("/app/account"));
    assert_eq!(api(&alice, "POST", "/api/wikis", &json!({"slug": "alice", "display_name": "Alice's"})).status, 201);
    let shown = |world: &World, alice: &Client| {
        let members = crate::platform::look(&alice.moved(&world.server), "/api/wikis/alice/members");
        assert_eq!(members.status, 200, "{}", members.body);
        let member = &members.body["members"][0];
        assert_eq!(member["email"], format!("@{ALICE}"), "what never changes is there, too");
        member["handle"].clone()
    };
    assert_eq!(shown(&world, &alice), format!("@{ALICES_HANDLE}"));
    let wiki = world.server.client_at(&format!("alice.{DOMAIN}"));
    travel(&alice, &wiki, "/-/settings");
    let screen = wiki.get("/-/admin/user_management").body_text();
    assert!(screen.contains(&format!("@{ALICES_HANDLE}")) && !screen.contains(ALICE), "{screen}");
    // She is called something else since, and somebody else has her handle; a day goes by.
    let a_day_later = |world: &mut World| {
        world.server.stop();
        let db = Connection::open(world.data.path().join("holt.db")).unwrap();
        db.execute("UPDATE identities SET looked = 0", []).unwrap();
        world.server = serve(world.data.path(), &world.network, &world.dns, &["--sign-up", "open"]);
    };
    world.network.person("did:plc:mallory", ALICES_HANDLE);
    world.network.host_says(ALICES_HANDLE, "did:plc:mallory");
    a_day_later(&mut world);
    // Her document still says so; the handle does not.
    until("the number alone", || match shown(&world, &alice) {
        Value::Null => Ok(()),
        other => Err(other.to_string()),
    });
    world.network.person(ALICE, "liddell.test");
    a_day_later(&mut world);
    until("the new handle", || match shown(&world, &alice) {
        handle if handle == "@liddell.test" => Ok(()),
        other => Err(other.to_string()),
    });
    // Who cannot be asked keeps what they are called.
    world.network.document(ALICE, &json!({"nonsense": true}));
    a_day_later(&mut world);
    let asked = || {
        let db = Connection::open(world.data.path().join("holt.db")).unwrap();
        db.query_row("SELECT looked FROM identities WHERE subject = ?1", [ALICE], |row| row.get::<_, i64>(0)).unwrap()
    };
    until("a look", || if asked() > 0 { Ok(()) } else { Err("not yet".into()) });
    assert_eq!(shown(&world, &alice), "@liddell.test");
}
