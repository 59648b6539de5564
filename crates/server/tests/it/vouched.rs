//! People whom a proxy in front has logged in already (docs/hosting.md, "A proxy that logs people in").

use crate::client::{Answer, Client, Server, encode};
use crate::platform::{DOMAIN, Platform, look, path_at};
use serde_json::Value;

const MAIL: &str = "x-otterwiki-email";
const NAME: &str = "x-otterwiki-name";
const FLAGS: [&str; 6] = ["--trust-proxy", "127.0.0.1", "--auth-header", MAIL, "--auth-name-header", NAME];

/// A wiki with Ann, who administers it.
fn wiki(flags: &[&str]) -> (tempfile::TempDir, Server) {
    let data = tempfile::tempdir().unwrap();
    Server::prepare(data.path(), "docs");
    let server = Server::start(data.path(), flags);
    (data, server)
}

fn get(client: &Client, path: &str, headers: &[(&str, &str)]) -> Answer {
    client.send("GET", path, headers, b"").unwrap()
}

fn me(client: &Client, headers: &[(&str, &str)]) -> Value {
    serde_json::from_slice(&get(client, "/-/me", headers).body).unwrap()
}

fn save(client: &Client, headers: &[(&str, &str)], csrf: &str) -> u16 {
    let origin = format!("http://{}", client.host);
    let body = format!("csrf_token={}&content=Hello&commit=x", encode(csrf));
    let headers = [&[("Origin", origin.as_str()), ("Content-Type", "application/x-www-form-urlencoded")], headers].concat();
    client.send("POST", "/New/save", &headers, body.as_bytes()).unwrap().status
}

#[test]
fn whoever_the_proxy_names_is_logged_in() {
    let (_data, server) = wiki(&FLAGS);
    let ada = [(MAIL, "Ada@Company.example"), (NAME, "Ada Lovelace")];
    let client = server.client();
    let known = me(&client, &ada);
    assert_eq!(known["name"], "Ada Lovelace", "{known}");
    let again = me(&server.client(), &ada);
    assert_eq!(known["csrf"], again["csrf"], "one session for each place, without a cookie");
    assert_eq!(me(&client, &[])["name"], Value::Null, "the header decides each time");
    // Existing accounts are theirs by address: Ann is an administrator.
    let ann = [(MAIL, "ann@example.org"), (NAME, "Somebody")];
    let shown = me(&client, &ann);
    assert_eq!((shown["name"].as_str(), shown["can"]["admin"].as_bool()), (Some("Ann"), Some(true)), "{shown}");
    let members = get(&client, "/-/admin/user_management", &ann).body_text();
    assert!(members.contains("ada@company.example"), "a member since her first request: {members}");
    // Forms need what they need of everybody.
    let csrf = shown["csrf"].as_str().unwrap();
    assert_eq!(save(&client, &ann, ""), 403);
    assert_eq!(save(&client, &ann, known["csrf"].as_str().unwrap()), 403, "of somebody else's session");
    assert_eq!(save(&client, &[], csrf), 403, "of nobody");
    assert_eq!(save(&client, &ann, csrf), 303);
    // The header comes before whatever cookies there are.
    let browser = server.client();
    browser.log_in("ann@example.org", "correct horse");
    assert_eq!((me(&browser, &[])["name"].as_str(), me(&browser, &ada)["name"].as_str()), (Some("Ann"), Some("Ada Lovelace")));
    let settings = get(&browser, "/-/settings", &ada);
    assert!(settings.status == 200 && settings.body_text().contains("This browser"), "{}", settings.body_text());
}

#[test]
fn nobody_else_is_believed() {
    for flags in [&FLAGS[2..4], &["--trust-proxy", "10.0.0.0/8", "--auth-header", MAIL], &["--trust-proxy", "127.0.0.1"]] {
        let data = tempfile::tempdir().unwrap();
        Server::prepare(data.path(), "docs");
        if !flags.contains(&"--trust-proxy") {
            let (code, _, error) = Server::command(data.path(), &[&["serve", "--listen", "127.0.0.1:0"], flags].concat());
            assert!(code == 2 && error.contains("--trust-proxy"), "{error}");
            continue;
        }
        let server = Server::start(data.path(), flags);
        assert_eq!(me(&server.client(), &[(MAIL, "ann@example.org")])["name"], Value::Null, "{flags:?}");
        let spoofed = [(MAIL, "ann@example.org"), ("X-Forwarded-For", "10.0.0.1")];
        assert_eq!(me(&server.client(), &spoofed)["name"], Value::Null, "{flags:?}");
    }
}

#[test]
fn a_header_that_names_two_names_nobody() {
    let (_data, server) = wiki(&FLAGS);
    let client = server.client();
    for garbled in
        [&[(MAIL, "ann@example.org"), (MAIL, "bob@example.org")][..], &[(MAIL, "ann")], &[(MAIL, "ann@example.org, bob@example.org")]]
    {
        let refused = get(&client, "/-/settings", garbled);
        assert!(refused.status == 422 && refused.body_text().contains("--auth-header"), "{garbled:?}: {}", refused.body_text());
    }
    assert_eq!(me(&client, &[(MAIL, "")])["name"], Value::Null, "nobody in particular");
    // Somebody made an account with an address that is not theirs, and waits for its owner: not to be had.
    client.use_token(&client.get("/-/register"));
    let fields = [("name", "Eve"), ("email", "victim@company.example"), ("password1", "correct horse"), ("password2", "correct horse")];
    assert_eq!(client.post("/-/register", &fields).unwrap().status, 200);
    let refused = get(&client, "/-/settings", &[(MAIL, "victim@company.example")]);
    assert_eq!(refused.status, 409, "{}", refused.body_text());
}

#[test]
fn below_a_platform_it_is_the_platform_that_knows_them() {
    let platform = Platform::start_with(&FLAGS, |_| {});
    let ann = platform.person("Ann");
    platform.wiki(&ann, "alice");
    let header = [(MAIL, "ada@company.example"), (NAME, "Ada")];
    let (browser, wiki) = (platform.at(DOMAIN), platform.at_wiki("alice"));
    assert_eq!(get(&browser, "/app/account", &header).status, 200);
    assert_eq!(look(&browser, "/api/me").status, 401, "nothing is kept in the browser");
    assert_eq!(me(&wiki, &header)["name"], Value::Null, "a wiki does not hear of them before they agreed");
    let left = get(&wiki, "/-/login/platform?next=/-/about", &header);
    let asked = get(&browser, path_at(&left, DOMAIN), &header);
    assert!(asked.status == 200 && asked.body_text().contains("ada@company.example"), "{}", asked.body_text());
}
