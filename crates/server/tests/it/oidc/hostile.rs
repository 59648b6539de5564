//! What does not: tokens that lie, answers that are somebody else's, issuers that misbehave.

use super::issuer::{CLIENT, Issuer, Lie, Signing, answer, now};
use super::{PLATFORM, WIKI, depart, got, log_in, platform, press, wiki};
use crate::client::{Answer, Client};
use crate::platform::{DOMAIN, look};
use serde_json::{Value, json};

fn refused(client: &Client, answer: &Answer, what: &str) {
    assert_eq!(answer.status, 400, "{what}: {}", answer.body_text());
    assert!(answer.body_text().contains("cannot be believed"), "{what}: {}", answer.body_text());
    assert_eq!(look(client, "/api/me").status, 401, "{what}: nobody is logged in");
}

#[test]
fn tokens_that_lie_are_not_believed() {
    let issuer = Issuer::start();
    let platform = platform(&issuer, &["--sign-up", "open"]);
    let try_with = |what: &str, claims: Value| {
        // What was set before is taken back after.
        let back: Value =
            claims.as_object().unwrap().keys().map(|name| (name.clone(), Value::Null)).collect::<serde_json::Map<_, _>>().into();
        issuer.claims(&claims);
        let client = platform.at(DOMAIN);
        refused(&client, &log_in(&client, &issuer, PLATFORM, "/app"), what);
        issuer.claims(&back);
    };
    try_with("another nonce", json!({"nonce": "x"}));
    try_with("no string", json!({"nonce": 1}));
    try_with("for somebody else", json!({"aud": "somebody else"}));
    try_with("for others", json!({"aud": ["somebody else"]}));
    try_with("for several", json!({"aud": [CLIENT, "somebody else"]}));
    try_with("another party", json!({"azp": "somebody else"}));
    try_with("for several, another party", json!({"aud": [CLIENT, "somebody else"], "azp": "somebody else"}));
    try_with("another issuer", json!({"iss": "https://evil.example"}));
    try_with("over", json!({"exp": now() - 120}));
    try_with("never over", json!({"exp": "tomorrow"}));
    try_with("not yet", json!({"iat": now() + 3600}));
    try_with("not before", json!({"nbf": now() + 3600}));
    try_with("old", json!({"iat": now() - 3600}));
    try_with("of nobody", json!({"sub": ""}));
    try_with("of a number", json!({"sub": 7}));
    try_with("of too long a name", json!({"sub": "x".repeat(256)}));
    for signing in [Signing::None, Signing::PublicKeyAsSecret, Signing::Stranger] {
        issuer.signs(signing);
        let client = platform.at(DOMAIN);
        refused(&client, &log_in(&client, &issuer, PLATFORM, "/app"), &format!("{signing:?}"));
    }
    issuer.signs(Signing::Es256);
    for header in [
        json!({"alg": "RS256"}),
        json!({"alg": "HS256"}),
        json!({"alg": "none"}),
        json!({"alg": "None"}),
        json!({"alg": "ES256K"}),
        json!({"kid": "rsa"}),
        json!({"kid": "rsa-enc"}),
        json!({"kid": 1}),
        json!({"crit": ["b64"], "b64": false}),
    ] {
        issuer.header(header.clone());
        let client = platform.at(DOMAIN);
        refused(&client, &log_in(&client, &issuer, PLATFORM, "/app"), &header.to_string());
    }
    // The control: with all that taken back they are let in; several parties are fine if we are the one that may use it.
    issuer.header(json!({}));
    issuer.claims(&json!({"aud": [CLIENT, "somebody else"], "azp": CLIENT}));
    got(&log_in(&platform.at(DOMAIN), &issuer, PLATFORM, "/app"));
}

#[test]
fn userinfo_is_about_the_same_person() {
    let issuer = Issuer::start();
    let platform = platform(&issuer, &["--sign-up", "open", "--oidc-link-by-email"]);
    issuer.claims(&json!({"email": null, "email_verified": null}));
    issuer.userinfo(json!({"sub": "somebody-else", "email": "ann@example.org", "email_verified": true}));
    let client = platform.at(DOMAIN);
    refused(&client, &log_in(&client, &issuer, PLATFORM, "/app"), "another subject");
    // An address of the token and a word about another one of userinfo are no verified address.
    issuer.claims(&json!({"email": "ann@example.org", "name": null}));
    issuer.userinfo(json!({"sub": "ada-1", "email_verified": true}));
    assert_eq!(log_in(&client, &issuer, PLATFORM, "/app").status, 409);
}

fn stale(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 400, "{what}: {}", answer.body_text());
    assert!(answer.body_text().contains("begun in another browser"), "{what}: {}", answer.body_text());
}

#[test]
fn a_way_back_is_good_once_in_one_browser_at_one_host() {
    let issuer = Issuer::start();
    let platform = platform(&issuer, &["--sign-up", "open"]);
    let begin = || {
        let client = platform.at(DOMAIN);
        let url = depart(&client, PLATFORM, &[]);
        (client, format!("/auth/callback/oidc?{}", issuer.agrees(&url)))
    };
    // Twice.
    let (client, path) = begin();
    assert_eq!(got(&client.get(&path)), "/app");
    let (other, _) = begin();
    stale(&other.get(&path), "used");
    // In another browser, which has set out, too: a log-in cannot be pushed onto somebody. The attempt uses it up.
    let ((attacker, path), (victim, _)) = (begin(), begin());
    stale(&victim.get(&path), "another browser");
    stale(&attacker.get(&path), "used up");
    stale(&platform.at(DOMAIN).get(&path), "without a cookie");
    // Nothing, nonsense, and twice the same.
    let (client, path) = begin();
    for query in ["", "state=x&code=y", &format!("state={}", "x".repeat(5000)), "state=a&state=b&code=c"] {
        stale(&client.get(&format!("/auth/callback/oidc?{query}")), query);
    }
    // The first of these took the secret out of the browser: whoever stumbles begins again.
    stale(&client.get(&path), "after nonsense");
    // The person whose account was to be connected is not the one who comes back.
    let ann = platform.person("Ann");
    let url = depart(&ann, PLATFORM, &[("connect", "1")]);
    let path = format!("/auth/callback/oidc?{}", issuer.agrees(&url));
    assert_eq!(ann.post("/auth/logout", &[]).unwrap().status, 303);
    stale(&ann.get(&path), "logged out meanwhile");
    // A provider that does not exist.
    assert_eq!(platform.at(DOMAIN).get("/auth/callback/nobody?state=x").status, 404);
    // A form of another site begins nothing.
    let client = platform.at(DOMAIN);
    let sent = client.send("POST", "/auth/elsewhere/oidc", &[("Content-Type", "application/x-www-form-urlencoded")], b"return_to=/");
    assert_eq!(sent.unwrap().status, 403);
    client.use_token(&client.get("/auth/login"));
    assert_eq!(client.post("/auth/elsewhere/oidc", &[("connect", "1")]).unwrap().status, 403, "nobody is logged in to connect anything");
}

#[test]
fn at_a_wiki_it_is_the_same() {
    let issuer = Issuer::start();
    let (_data, server) = wiki(&issuer, &[]);
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    let url = depart(&ann, WIKI, &[("connect", "1")]);
    got(&ann.get(&format!("/-/login/callback/oidc?{}", issuer.agrees(&url))));
    let client = server.client();
    let path = format!("/-/login/callback/oidc?{}", issuer.agrees(&depart(&client, WIKI, &[])));
    stale(&server.client().get(&path), "another browser");
    stale(&client.get(&path), "used up");
    for (wanted, to) in [("/-/about", "/-/about"), ("//evil.example/", "/"), ("https://evil.example/", "/"), ("/\\evil.example", "/")] {
        assert_eq!(got(&log_in(&server.client(), &issuer, WIKI, wanted)), to, "{wanted}");
    }
}

#[test]
fn answers_of_another_issuer_are_refused() {
    let issuer = Issuer::start();
    let platform = platform(&issuer, &["--sign-up", "open"]);
    let with = |change: fn(String) -> String| {
        let client = platform.at(DOMAIN);
        let query = issuer.agrees(&depart(&client, PLATFORM, &[]));
        let answer = client.get(&format!("/auth/callback/oidc?{}", change(query)));
        (client, answer)
    };
    let (client, answer) = with(|query| query.split('&').filter(|part| !part.starts_with("iss=")).collect::<Vec<_>>().join("&"));
    refused(&client, &answer, "it always says who it is, and here nobody does");
    let (client, answer) = with(|query| format!("{}&iss=https%3A%2F%2Fevil.example", query.split("&iss=").next().unwrap()));
    refused(&client, &answer, "another one");
    let (client, answer) = with(|query| format!("{query}&iss=https%3A%2F%2Fevil.example"));
    refused(&client, &answer, "two");
    let (client, answer) = with(|query| query.replace("code=code-", "code=x"));
    refused(&client, &answer, "a code that is none");
    // Somebody who did not want to.
    let (client, answer) = with(|query| format!("{}&error=access_denied&error_description=%3Cscript%3E", query.replace("code=", "x=")));
    assert!(answer.status == 403 && answer.body_text().contains("Company did not let you in"), "{}", answer.body_text());
    assert!(!answer.body_text().contains("script&gt;") && look(&client, "/api/me").status == 401);
}

#[test]
fn an_issuer_that_misbehaves_lets_nobody_in() {
    const DISCOVERY: &str = "/.well-known/openid-configuration";
    let elsewhere = Issuer::start();
    let redirect =
        |path: &str| format!("HTTP/1.1 302 Found\r\nLocation: {}{path}\r\nContent-Length: 0\r\n\r\n", elsewhere.address()).into_bytes();
    let huge = |path: &str| {
        (path.to_string(), Lie::Bytes([&b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"[..], &vec![b' '; 2_000_000]].concat()))
    };
    let lies = [
        (DISCOVERY.to_string(), Lie::Bytes(redirect(DISCOVERY))),
        (DISCOVERY.to_string(), Lie::Bytes(answer(200, &json!({"issuer": "https://evil.example"})))),
        (DISCOVERY.to_string(), Lie::Bytes(answer(200, &json!([])))),
        (DISCOVERY.to_string(), Lie::Bytes(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>".to_vec())),
        huge(DISCOVERY),
        (DISCOVERY.to_string(), Lie::Silence),
        ("/keys".to_string(), Lie::Bytes(redirect("/keys"))),
        huge("/keys"),
        ("/token".to_string(), Lie::Bytes(redirect("/token"))),
        huge("/token"),
        ("/token".to_string(), Lie::Drip),
        ("/token".to_string(), Lie::Bytes(answer(500, &json!({})))),
    ];
    for (path, lie) in lies {
        let issuer = Issuer::start();
        let platform = platform(&issuer, &["--sign-up", "open"]);
        let client = platform.at(DOMAIN);
        issuer.lies(&path, lie.clone());
        let what = format!("{path}: {}", format!("{lie:?}").chars().take(80).collect::<String>());
        let answer = match path.as_str() {
            DISCOVERY => press(&client, PLATFORM, &[]),
            _ => log_in(&client, &issuer, PLATFORM, "/app"),
        };
        assert_eq!(answer.status, 503, "{what}: {}", answer.body_text());
        assert!(answer.body_text().contains("Company could not be asked"), "{what}: {}", answer.body_text());
        assert_eq!(look(&client, "/api/me").status, 401, "{what}");
        issuer.tells_the_truth();
        assert_eq!(client.get("/auth/login").status, 200, "others log in by password meanwhile");
    }
    assert_eq!(elsewhere.asked(DISCOVERY) + elsewhere.asked("/keys") + elsewhere.asked("/token"), 0, "nobody is sent on");
}

#[test]
fn only_what_the_operator_named_is_asked_in_the_own_network() {
    // The neighbour is on this machine, too, and nobody vouches for it.
    let (issuer, neighbour) = (Issuer::start(), Issuer::start());
    issuer.discovery(
        json!({"token_endpoint": format!("{}/token", neighbour.address()), "jwks_uri": format!("{}/keys", neighbour.address())}),
    );
    let platform = platform(&issuer, &["--sign-up", "open"]);
    assert_eq!(log_in(&platform.at(DOMAIN), &issuer, PLATFORM, "/app").status, 503);
    assert_eq!(neighbour.asked("/token") + neighbour.asked("/keys"), 0);
    drop(platform);
    // Nor is the issuer itself, if it is not named.
    let flags = ["--oidc-issuer".to_string(), format!("https://{}", issuer.place), "--oidc-client-id".to_string(), CLIENT.to_string()];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let before = issuer.asked("/.well-known/openid-configuration");
    let platform = crate::platform::Platform::start_with(&flags, |_| {});
    assert_eq!(press(&platform.at(DOMAIN), PLATFORM, &[]).status, 503);
    assert_eq!(issuer.asked("/.well-known/openid-configuration"), before);
    // What an issuer calls its log-in page is an address of a site, and nothing that a browser would run.
    drop(platform);
    let issuer = Issuer::start();
    issuer.discovery(json!({"authorization_endpoint": "javascript:alert(1)"}));
    let platform = super::platform(&issuer, &[]);
    assert_eq!(press(&platform.at(DOMAIN), PLATFORM, &[]).status, 503);
}
