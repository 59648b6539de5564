//! Many wikis of many people on one machine. Numbers are those of the acceptance cases of spec/platform.md §16.

mod domains;
mod hosts;
mod isolation;
mod limits;
mod mail;
mod manage;
mod pages;
mod proxies;
mod rights;
mod robot_wtf;
mod sign_in;
mod smoke;

use crate::api::{PASSWORD, Said, engine, said};
use crate::client::{Answer, Client, Server};
use holt_core::UserId;
use holt_engine::Engine;
use holt_engine::accounts::password;
use holt_engine::directory::{NewUser, Rank};
use serde_json::Value;

/// The platform of these tests.
pub const DOMAIN: &str = "example.test";

/// A server with the platform, its operator Olga, and Ann and Bob, who have accounts and nothing else.
pub struct Platform {
    pub data: tempfile::TempDir,
    pub server: Server,
}

fn account(engine: &Engine, name: &str, rank: Rank) -> UserId {
    let hash = password::hash(PASSWORD).unwrap();
    let email = format!("{}@example.org", name.to_lowercase());
    let user = NewUser { email: &email, name, password_hash: Some(&hash), rank, email_confirmed: true, created: 0, last_seen: 0 };
    engine.directory().create_user(&user).unwrap()
}

impl Platform {
    pub fn start() -> Self {
        Self::start_with(&[], |_| {})
    }
    pub fn start_with(flags: &[&str], more: impl FnOnce(&Engine)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let engine = engine(data.path());
        account(&engine, "Olga", Rank::Operator);
        account(&engine, "Ann", Rank::Member);
        account(&engine, "Bob", Rank::Member);
        more(&engine);
        engine.settle_all().unwrap();
        drop(engine);
        let server = Server::start(data.path(), &[&["--domain", DOMAIN], flags].concat());
        Self { data, server }
    }
    /// A browser that knows nothing, at a host.
    pub fn at(&self, host: &str) -> Client {
        self.server.client_at(host)
    }
    /// A browser at a wiki.
    pub fn at_wiki(&self, slug: &str) -> Client {
        self.at(&format!("{slug}.{DOMAIN}"))
    }
    /// A browser at the platform in which somebody is logged in.
    pub fn person(&self, name: &str) -> Client {
        let client = self.at(DOMAIN);
        let answer = log_in(&client, name, "/app/account");
        assert_eq!((answer.status, answer.header("location")), (303, Some("/app/account")), "{}", answer.body_text());
        client.use_token(&client.get("/app/account"));
        client
    }
    /// A wiki of `person`, made by the API; the token that comes with it.
    pub fn wiki(&self, person: &Client, slug: &str) -> String {
        let made = api(person, "POST", "/api/wikis", &serde_json::json!({"slug": slug, "display_name": format!("The {slug}")}));
        assert_eq!(made.status, 201, "{}", made.body);
        made.text("mcp_token")
    }
    /// The same browser at a wiki, after going there by the platform.
    pub fn enter(&self, person: &Client, slug: &str) -> Client {
        let wiki = self.at_wiki(slug);
        let arrived = travel(person, &wiki, "/-/about");
        assert_eq!((arrived.status, arrived.header("location")), (303, Some("/-/about")), "{}", arrived.body_text());
        wiki.refresh_csrf();
        wiki
    }
}

/// Fills in the log-in form of the platform.
pub fn log_in(client: &Client, name: &str, return_to: &str) -> Answer {
    client.use_token(&client.get("/auth/login"));
    let email = format!("{}@example.org", name.to_lowercase());
    client.post("/auth/login", &[("email", &email), ("password", PASSWORD), ("return_to", return_to)]).unwrap()
}

/// The path of an address at one of our hosts.
pub fn path_at<'a>(answer: &'a Answer, host: &str) -> &'a str {
    let to = answer.header("location").unwrap_or_else(|| panic!("{} leads nowhere: {}", answer.status, answer.body_text()));
    to.strip_prefix(&format!("http://{host}")).unwrap_or_else(|| panic!("{to} is not at {host}"))
}

/// From a wiki to the platform and back, agreeing on the way; what the wiki says in the end.
pub fn travel(person: &Client, wiki: &Client, next: &str) -> Answer {
    let left = wiki.get(&format!("/-/login/platform?next={next}"));
    let mut answer = person.get(path_at(&left, &person.host));
    if answer.status == 200 {
        person.use_token(&answer);
        let fields = ["wiki", "challenge", "next"].map(|name| (name, answer.field(name)));
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        answer = person.post("/auth/wiki", &fields).unwrap();
    }
    wiki.get(path_at(&answer, &wiki.host))
}

/// Asks the management API as a page of the platform does.
pub fn api(person: &Client, method: &str, path: &str, body: &Value) -> Said {
    let (csrf, origin) = (person.csrf(), format!("http://{}", person.host));
    let headers = [("Origin", origin.as_str()), ("X-CSRF-Token", csrf.as_str()), ("Content-Type", "application/json")];
    said(person, method, path, &headers, body.to_string().as_bytes())
}

/// The same, only to look.
pub fn look(person: &Client, path: &str) -> Said {
    said(person, "GET", path, &[], b"")
}

/// Asks with a token and no cookies.
pub fn with_token(client: &Client, token: &str, method: &str, path: &str, body: &str) -> Said {
    let bearer = format!("Bearer {token}");
    said(client, method, path, &[("Authorization", &bearer), ("Content-Type", "application/json")], body.as_bytes())
}
