//! The REST API over the wire. Numbers are those of the acceptance cases of spec/api.md §11.

mod attachments;
mod care;
mod changes;
mod credentials;
mod described;
mod docs;
mod guide;
mod history;
mod idempotency;
mod links;
mod list;
mod mistakes;
mod pages;
mod prefix;
mod proposals;
mod quota;
mod rates;
mod reindex;
mod rename;
mod semantic;

use crate::client::{Answer, Client, Server};
use holt_core::{Actor, MemberFlags, UserId, WikiName};
use holt_engine::accounts::password;
use holt_engine::db::preferences::Audience;
use holt_engine::db::wiki_db::Member;
use holt_engine::directory::{NewUser, Rank, TokenScope};
use holt_engine::{Admin, Clock, Engine, EngineOptions, Wiki, pages as use_cases};
use serde_json::Value;
use std::path::Path;

pub const PASSWORD: &str = "correct horse";

/// How a wiki spells names.
#[derive(Clone, Copy)]
pub enum Names {
    /// In lower case: the mode "fold".
    Folded,
    /// As written: the mode "keep".
    Kept,
}

/// A wiki with a server, and a token of Ann's that may write.
pub struct Api {
    pub data: tempfile::TempDir,
    pub server: Server,
    pub token: String,
}

/// What came back: status, and the body as JSON if it is that.
pub struct Said {
    pub status: u16,
    pub body: Value,
    pub answer: Answer,
}

pub fn user(engine: &Engine, name: &str) -> UserId {
    let hash = password::hash(PASSWORD).unwrap();
    let email = format!("{}@example.org", name.to_lowercase());
    let (rank, hash) = (Rank::Member, Some(hash.as_str()));
    let account = NewUser { email: &email, name, password_hash: hash, rank, email_confirmed: true, created: 0, last_seen: 0 };
    engine.directory().create_user(&account).unwrap()
}

pub fn join(wiki: &Wiki, user: UserId, flags: MemberFlags) {
    let member = Member { user, flags, first_seen: 0, last_seen: 0 };
    use_cases::put_members(&wiki.grant::<Admin>(&Actor::System).unwrap(), &[member]).unwrap();
}

pub fn prefer(wiki: &Wiki, values: &[(&str, &str)]) {
    use_cases::set_preferences(&wiki.grant::<Admin>(&Actor::System).unwrap(), values).unwrap();
}

pub fn engine(data: &Path) -> Engine {
    Engine::open(EngineOptions::new(data, Clock::fixed(1_700_000_000))).unwrap()
}

pub fn token(engine: &Engine, wiki: &Wiki, user: Option<UserId>, scope: TokenScope, label: &str) -> String {
    engine.directory().create_token(wiki.id(), user, scope, label, 1_700_000_000).unwrap().expose().to_string()
}

impl Api {
    /// A wiki that its members read and write, with Ann, who may do everything but administer.
    pub fn start(names: Names) -> Self {
        Self::prepared(names, |_, _| {})
    }
    pub fn prepared(names: Names, more: impl FnOnce(&Engine, &Wiki)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let engine = engine(data.path());
        let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "docs", Audience::Members).unwrap();
        let retain = if matches!(names, Names::Kept) { "True" } else { "False" };
        prefer(&wiki, &[("RETAIN_PAGE_NAME_CASE", retain), ("WIKILINK_STYLE", "")]);
        let ann = user(&engine, "Ann");
        join(&wiki, ann, MemberFlags { approved: true, allow_read: true, allow_write: true, allow_upload: true, ..MemberFlags::default() });
        let token = token(&engine, &wiki, Some(ann), TokenScope::Write, "backup");
        more(&engine, &wiki);
        engine.settle_all().unwrap();
        drop((wiki, engine));
        let server = Server::start(data.path(), &["--default-wiki", "docs"]);
        Self { data, server, token }
    }
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Said {
        let bearer = format!("Bearer {}", self.token);
        let headers = [headers, &[("Authorization", bearer.as_str())]].concat();
        said(&self.server.client(), method, path, &headers, body)
    }
    pub fn get(&self, path: &str) -> Said {
        self.ask("GET", &format!("/api/v1{path}"), &[], b"")
    }
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Said {
        self.ask(method, &format!("/api/v1{path}"), &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }
    /// Ann takes her token back, in her settings; she stays logged in.
    pub fn revoke(&self) -> Client {
        let ann = self.server.client();
        ann.log_in("ann@example.org", PASSWORD);
        let list = ann.get("/-/settings/tokens");
        ann.use_token(&list);
        assert_eq!(ann.post("/-/settings/tokens", &[("revoke", &list.field("revoke"))]).unwrap().status, 303);
        ann
    }
    /// Writes a page that is not there; its revision.
    pub fn create(&self, path: &str, content: &str) -> String {
        let said = self.send("PUT", &format!("/pages/{path}"), &serde_json::json!({"content": content}));
        assert_eq!(said.status, 201, "{path}: {}", said.body);
        said.text("revision")
    }
    /// Writes over a page; what came.
    pub fn update(&self, path: &str, revision: &str, content: &str) -> Said {
        self.send("PUT", &format!("/pages/{path}"), &serde_json::json!({"content": content, "revision": revision}))
    }
}

impl Said {
    /// A text of the body.
    pub fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.body)).to_string()
    }
    /// The texts of a list in the body.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let list = self.body[name].as_array().unwrap_or_else(|| panic!("no {name} in {}", self.body));
        list.iter().map(|text| text.as_str().unwrap().to_string()).collect()
    }
    /// One text of each object of a list in the body.
    pub fn column(&self, list: &str, name: &str) -> Vec<String> {
        let rows = self.body[list].as_array().unwrap_or_else(|| panic!("no {list} in {}", self.body));
        rows.iter().map(|row| row[name].as_str().unwrap_or_default().to_string()).collect()
    }
    pub fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert!(self.body["error"].as_str().is_some_and(|text| text.len() > 5), "{}", self.body);
        self
    }
}

pub fn said(client: &Client, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Said {
    let answer = client.send(method, path, headers, body).unwrap();
    let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    Said { status: answer.status, body, answer }
}
