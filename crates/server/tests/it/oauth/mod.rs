//! OAuth over the wire, as programs and browsers speak it. Numbers are those of the acceptance cases of spec/mcp.md §12.

mod clients;
mod consent;
mod documents;
mod metadata;
mod registration;
mod tokens;
mod use_of_tokens;

use crate::api::{Api, Names, PASSWORD, Said, join, said, user};
use crate::client::{Answer, Client, encode};
use crate::mcp::message;
use holt_core::{MemberFlags, UserId, WikiName};
use holt_engine::db::preferences::Audience;
use serde_json::{Value, json};
use std::cell::Cell;

pub const CALLBACK: &str = "http://127.0.0.1:7777/callback";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The private wikis `docs` and `other` with their server. Ann may write both, Ben may read `docs`, Eve nothing.
pub struct Place {
    pub api: Api,
    pub ann: UserId,
}

pub fn place() -> Place {
    let ids = Cell::new(UserId(0));
    let api = Api::prepared(Names::Kept, |engine, wiki| {
        let other = engine.create_wiki(&WikiName::parse("other").unwrap(), "other", Audience::Members).unwrap();
        let all = MemberFlags { approved: true, allow_read: true, allow_write: true, allow_upload: true, ..MemberFlags::default() };
        let ann = engine.directory().user_by_email("ann@example.org").unwrap().unwrap().id;
        join(&other, ann, all);
        join(wiki, user(engine, "Ben"), MemberFlags { allow_write: false, allow_upload: false, ..all });
        let root = user(engine, "Root");
        join(wiki, root, MemberFlags { admin: true, ..all });
        join(wiki, user(engine, "Eve"), MemberFlags { allow_read: false, allow_write: false, allow_upload: false, ..all });
        // Only what they were given lets somebody read or write.
        crate::api::prefer(wiki, &[("READ_ACCESS", "ADMIN"), ("WRITE_ACCESS", "ADMIN"), ("ATTACHMENT_ACCESS", "ADMIN")]);
        ids.set(ann);
    });
    Place { api, ann: ids.get() }
}

/// What a program got.
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Place {
    pub fn nobody(&self) -> Client {
        self.api.server.client()
    }
    pub fn browser(&self, name: &str) -> Client {
        let browser = self.nobody();
        browser.log_in(&format!("{name}@example.org"), PASSWORD);
        browser
    }
    pub fn there(&self, client: &Client) -> Client {
        let mut there = client.clone();
        there.host = format!("other.localhost:{}", there.host.rsplit(':').next().unwrap());
        there
    }
    /// A program that registers, with what it says beyond its name.
    pub fn register(&self, more: &Value) -> Said {
        register(&self.nobody(), more)
    }
    /// A public one that refreshes.
    pub fn client(&self) -> String {
        let more = json!({"token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"]});
        self.register(&more).text("client_id")
    }
    /// All of it: Ann allows `client` what it asks for.
    pub fn connect(&self, client: &str, scope: &str) -> Tokens {
        let code = allow(&self.browser("ann"), &authorize(client, &[("scope", scope)]), scope_word(scope));
        let said = exchange(&self.nobody(), client, &code);
        assert_eq!(said.status, 200, "{}", said.body);
        Tokens { access: said.text("access_token"), refresh: said.text("refresh_token") }
    }
    pub fn mcp(&self, token: &str, method: &str, params: &Value) -> Said {
        mcp(&self.nobody(), token, method, params)
    }
    /// What a program may do with a token: read, write; or the status with which it is refused.
    pub fn may(&self, token: &str) -> u16 {
        self.mcp(token, "tools/list", &json!({})).status
    }
}

fn scope_word(scope: &str) -> &str {
    scope.rsplit(':').next().unwrap()
}

pub fn register(client: &Client, more: &Value) -> Said {
    let mut body = json!({"client_name": "Otter", "redirect_uris": [CALLBACK, "https://agent.example/cb"]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    said(client, "POST", "/oauth/register", &[("Content-Type", "application/json")], body.to_string().as_bytes())
}

pub fn mcp(client: &Client, token: &str, method: &str, params: &Value) -> Said {
    let bearer = format!("Bearer {token}");
    let headers = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
    said(client, "POST", "/mcp", &headers, message(method, params).as_bytes())
}

/// The address that a program sends people to. A parameter that is given again replaces the one that is there.
pub fn authorize(client: &str, more: &[(&str, &str)]) -> String {
    let usual = [
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "a state & more"),
    ];
    let usual = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| name == other));
    let all: Vec<String> = usual.chain(more.iter().copied()).map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("/oauth/authorize?{}", all.join("&"))
}

/// Where the question is that this address leads to.
pub fn question(browser: &Client, address: &str) -> String {
    let answer = browser.get(address);
    assert_eq!(answer.status, 303, "{}", answer.body_text());
    let page = answer.header("location").unwrap().to_string();
    assert!(page.starts_with("/oauth/consent/holtq_"), "{page}");
    page
}

pub fn decide(browser: &Client, page: &str, decision: &str, scope: &str) -> Answer {
    browser.post(page, &[("decision", decision), ("scope", scope)]).unwrap()
}

/// Says yes; the code.
pub fn allow(browser: &Client, address: &str, scope: &str) -> String {
    let page = question(browser, address);
    assert_eq!(browser.get(&page).status, 200);
    let answer = decide(browser, &page, "allow", scope);
    assert_eq!(answer.status, 303, "{}", answer.body_text());
    parameter(answer.header("location").unwrap(), "code").unwrap()
}

/// A parameter of an address.
pub fn parameter(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(found.replace('+', " ").replace("%26", "&").replace("%3A", ":").replace("%2F", "/"))
}

pub fn form(client: &Client, address: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Said {
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let headers = [&[("Content-Type", "application/x-www-form-urlencoded")], headers].concat();
    said(client, "POST", address, &headers, body.join("&").as_bytes())
}

pub fn exchange(client: &Client, id: &str, code: &str) -> Said {
    let fields =
        [("grant_type", "authorization_code"), ("code", code), ("client_id", id), ("code_verifier", VERIFIER), ("redirect_uri", CALLBACK)];
    form(client, "/oauth/token", &[], &fields)
}

pub fn refresh(client: &Client, id: &str, token: &str, more: &[(&str, &str)]) -> Said {
    let fields = [&[("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", id)], more].concat();
    form(client, "/oauth/token", &[], &fields)
}

impl Said {
    /// That a program is refused, with this word.
    pub fn problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["error"].as_str()), (status, Some(code)), "{}", self.answer.body_text());
        assert!(self.body["error_description"].as_str().is_some_and(|about| about.len() > 10), "{}", self.body);
        assert_eq!(self.answer.header("cache-control"), Some("no-store"));
    }
}
