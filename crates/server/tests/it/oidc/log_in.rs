//! What works: accounts that are found, made and connected.

use super::issuer::{Issuer, Signing};
use super::{PLATFORM, WIKI, depart, got, log_in, platform, wiki};
use crate::client::Server;
use crate::platform::{DOMAIN, look};
use serde_json::json;

#[test]
fn a_newcomer_gets_an_account_and_comes_back_to_it() {
    let issuer = Issuer::start();
    let platform = platform(&issuer, &["--sign-up", "open"]);
    let ada = platform.at(DOMAIN);
    let form = ada.get("/auth/login").body_text();
    assert!(form.contains("Log in with Company") && form.contains("action=\"/auth/elsewhere/oidc\""), "{form}");
    let url = depart(&ada, PLATFORM, &[("return_to", "/app/account")]);
    assert_eq!(url.path(), "/authorize");
    let asked: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!((asked["tenant"].as_str(), asked["redirect_uri"].as_str()), ("1", &*format!("http://{DOMAIN}/auth/callback/oidc")));
    let arrived = ada.get(&format!("/auth/callback/oidc?{}", issuer.agrees(&url)));
    assert_eq!(got(&arrived), "/app/account");
    let me = look(&ada, "/api/me");
    assert_eq!((me.text("handle"), me.text("display_name")), ("ada@company.example".into(), "Ada Lovelace".into()));
    let account = ada.get("/app/account").body_text();
    assert!(account.contains("Company") && account.contains("ada@company.example"), "{account}");
    // The same person in another browser, under another name and address there: the subject is who they are.
    issuer.claims(&json!({"email": "countess@company.example", "name": "Countess"}));
    issuer.signs(Signing::Rs256);
    let again = platform.at(DOMAIN);
    assert_eq!(got(&log_in(&again, &issuer, PLATFORM, "https://evil.example/")), "/app", "nobody is led elsewhere");
    assert_eq!(look(&again, "/api/me").text("handle"), "ada@company.example");
    assert!(again.get("/app/account").body_text().contains("countess@company.example"), "what they are called there now");
    // Somebody else there is somebody else here.
    issuer.claims(&json!({"sub": "bo-2", "email": "bo@company.example", "name": "Bo"}));
    let bo = platform.at(DOMAIN);
    got(&log_in(&bo, &issuer, PLATFORM, "/app"));
    assert_eq!(look(&bo, "/api/me").text("handle"), "bo@company.example");
}

#[test]
fn whoever_has_an_account_connects_it_while_logged_in() {
    let issuer = Issuer::start();
    let platform = platform(&issuer, &[]);
    issuer.claims(&json!({"email": "ann@example.org"}));
    // The same address is not enough, even a verified one.
    let stranger = platform.at(DOMAIN);
    let refused = log_in(&stranger, &issuer, PLATFORM, "/app");
    assert_eq!(refused.status, 409, "{}", refused.body_text());
    assert!(refused.body_text().contains("There is an account for ann@example.org already"), "{}", refused.body_text());
    assert_eq!(look(&stranger, "/api/me").status, 401);
    let ann = platform.person("Ann");
    let url = depart(&ann, PLATFORM, &[("connect", "1")]);
    assert_eq!(got(&ann.get(&format!("/auth/callback/oidc?{}", issuer.agrees(&url)))), "/app/account?saved=1");
    let other = platform.at(DOMAIN);
    got(&log_in(&other, &issuer, PLATFORM, "/app"));
    assert_eq!(look(&other, "/api/me").text("handle"), "ann@example.org");
    // Nobody else can have the same identity.
    let bob = platform.person("Bob");
    let url = depart(&bob, PLATFORM, &[("connect", "1")]);
    let refused = bob.get(&format!("/auth/callback/oidc?{}", issuer.agrees(&url)));
    assert!(refused.status == 409 && refused.body_text().contains("another account"), "{}", refused.body_text());
    assert_eq!(look(&bob, "/api/me").text("handle"), "bob@example.org", "still himself");
    // It ends; the password is left to log in with.
    let page = ann.get("/app/account");
    ann.use_token(&page);
    let (provider, subject) = (page.field("provider"), page.field("subject"));
    assert_eq!((provider.as_str(), subject.as_str()), (issuer.address().as_str(), "ada-1"));
    assert_eq!(bob.post("/app/account/identities", &[("provider", &provider), ("subject", &subject)]).unwrap().status, 404, "not his");
    assert_eq!(
        got(&ann.post("/app/account/identities", &[("provider", &provider), ("subject", &subject)]).unwrap()),
        "/app/account?saved=1"
    );
    assert_eq!(log_in(&platform.at(DOMAIN), &issuer, PLATFORM, "/app").status, 409, "nobody's any more");
}

#[test]
fn the_only_way_in_is_not_taken_away() {
    let issuer = Issuer::start();
    let platform = platform(&issuer, &["--sign-up", "open"]);
    let ada = platform.at(DOMAIN);
    got(&log_in(&ada, &issuer, PLATFORM, "/app"));
    let page = ada.get("/app/account");
    ada.use_token(&page);
    let fields = [("provider", page.field("provider")), ("subject", page.field("subject"))];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = ada.post("/app/account/identities", &fields).unwrap();
    assert!(refused.status == 403 && refused.body_text().contains("Nothing would be left"), "{}", refused.body_text());
    got(&log_in(&platform.at(DOMAIN), &issuer, PLATFORM, "/app"));
}

#[test]
fn sign_up_is_the_operators_to_open() {
    let issuer = Issuer::start();
    let closed = platform(&issuer, &[]);
    let refused = log_in(&closed.at(DOMAIN), &issuer, PLATFORM, "/app");
    assert!(refused.status == 403 && refused.body_text().contains("Nobody can make an account here"), "{}", refused.body_text());
    drop(closed);
    let only_there = platform(&issuer, &["--oidc-sign-up", "open"]);
    assert_eq!(only_there.at(DOMAIN).get("/auth/register").status, 403);
    got(&log_in(&only_there.at(DOMAIN), &issuer, PLATFORM, "/app"));
}

#[test]
fn verified_addresses_count_where_the_operator_says_so() {
    let issuer = Issuer::start();
    let platform = platform(&issuer, &["--oidc-link-by-email", "--sign-up", "open"]);
    issuer.claims(&json!({"email": "ann@example.org", "email_verified": false}));
    assert_eq!(log_in(&platform.at(DOMAIN), &issuer, PLATFORM, "/app").status, 409, "not verified there");
    issuer.claims(&json!({"email_verified": true}));
    let ann = platform.at(DOMAIN);
    got(&log_in(&ann, &issuer, PLATFORM, "/app"));
    assert_eq!(look(&ann, "/api/me").text("handle"), "ann@example.org");
    // Somebody makes an account with an address that is not theirs, and waits for its owner.
    let squatter = platform.at(DOMAIN);
    squatter.use_token(&squatter.get("/auth/register"));
    let fields = [("name", "Eve"), ("email", "victim@company.example"), ("password1", "correct horse"), ("password2", "correct horse")];
    assert_eq!(squatter.post("/auth/register", &fields).unwrap().status, 303);
    issuer.claims(&json!({"sub": "victim-3", "email": "victim@company.example"}));
    assert_eq!(log_in(&platform.at(DOMAIN), &issuer, PLATFORM, "/app").status, 409, "not confirmed here");
}

#[test]
fn what_the_token_does_not_say_is_asked_for() {
    let issuer = Issuer::start();
    let platform = platform(&issuer, &["--sign-up", "open"]);
    issuer.claims(&json!({"name": null, "email": null, "email_verified": null}));
    issuer.userinfo(json!({"sub": "ada-1", "preferred_username": "ada", "email": "ada@company.example", "email_verified": "true"}));
    let ada = platform.at(DOMAIN);
    got(&log_in(&ada, &issuer, PLATFORM, "/app"));
    assert_eq!(look(&ada, "/api/me").text("handle"), "ada@company.example");
    assert_eq!(issuer.asked("/userinfo"), 1);
    // Nobody says an address: there is an account nevertheless, with one that nobody could register.
    issuer.claims(&json!({"sub": "bo-2"}));
    issuer.userinfo(json!({"sub": "bo-2", "name": "Bo \u{202e}<script>\n"}));
    let bo = platform.at(DOMAIN);
    got(&log_in(&bo, &issuer, PLATFORM, "/app"));
    assert!(look(&bo, "/api/me").text("handle").starts_with('@'), "{}", look(&bo, "/api/me").body);
}

#[test]
fn a_wiki_without_a_platform_logs_people_in_itself() {
    let issuer = Issuer::start();
    let (data, server) = wiki(&issuer, &[]);
    let ada = server.client();
    assert!(ada.get("/-/login").body_text().contains("Log in with Company"));
    // As those who register: members, who wait until they are approved.
    let waits = log_in(&ada, &issuer, WIKI, "/Home");
    assert!(waits.status == 403 && waits.body_text().contains("has not been approved yet"), "{}", waits.body_text());
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    assert!(ann.get("/-/admin/user_management").body_text().contains("ada@company.example"));
    // Ann connects her own account with somebody there.
    issuer.claims(&json!({"sub": "ann-9", "email": "ann@company.example"}));
    let url = depart(&ann, WIKI, &[("connect", "1")]);
    assert_eq!(got(&ann.get(&format!("/-/login/callback/oidc?{}", issuer.agrees(&url)))), "/-/settings?saved=1");
    let again = server.client();
    assert_eq!(got(&log_in(&again, &issuer, WIKI, "/-/about")), "/-/about");
    let page = again.get("/-/settings").body_text();
    assert!(page.contains("ann@company.example") && page.contains("Connect with Company"), "{page}");
    let log = ann.get("/-/admin/audit").body_text();
    assert!(log.contains("oidc ann@company.example") && log.contains("Connected with another way to log in"), "{log}");
    drop(server);
    // Where nobody may register, nobody comes from there either.
    drop(data);
}

#[test]
fn keys_may_change_meanwhile() {
    let issuer = Issuer::start();
    let platform = platform(&issuer, &["--sign-up", "open"]);
    got(&log_in(&platform.at(DOMAIN), &issuer, PLATFORM, "/app"));
    assert_eq!(issuer.asked("/keys"), 1);
    issuer.rotates("two");
    got(&log_in(&platform.at(DOMAIN), &issuer, PLATFORM, "/app"));
    got(&log_in(&platform.at(DOMAIN), &issuer, PLATFORM, "/app"));
    assert_eq!((issuer.asked("/keys"), issuer.asked("/.well-known/openid-configuration")), (2, 1));
    // Names of keys that nobody has do not make us ask and ask.
    issuer.header(json!({"kid": "made up"}));
    for _ in 0..8 {
        assert_eq!(log_in(&platform.at(DOMAIN), &issuer, PLATFORM, "/app").status, 400);
    }
    assert!(issuer.asked("/keys") <= 7, "{}", issuer.asked("/keys"));
}

#[test]
fn what_is_no_issuer_is_refused_at_the_start() {
    let data = tempfile::tempdir().unwrap();
    Server::prepare(data.path(), "docs");
    for (issuer, why) in [
        ("http://sso.example.org", "does not begin with https"),
        ("http://127.0.0.1:1", "does not begin with https"),
        ("https://sso.example.org/?x=y", "a query"),
        ("sso.example.org", "no address"),
    ] {
        let args = ["serve", "--listen", "127.0.0.1:0", "--oidc-issuer", issuer, "--oidc-client-id", "x"];
        let (code, _, error) = Server::command(data.path(), &args);
        assert!(code == 1 && error.contains(why), "{issuer}: {error}");
    }
    let (code, _, error) = Server::command(data.path(), &["serve", "--oidc-issuer", "https://sso.example.org"]);
    assert!(code == 2 && error.contains("--oidc-client-id"), "{error}");
    let args = ["serve", "--oidc-issuer", "https://sso.example.org", "--oidc-client-id", "x", "--oidc-client-secret-file", "/nowhere"];
    let (code, _, error) = Server::command(data.path(), &args);
    assert!(code == 1 && error.contains("/nowhere"), "{error}");
}
