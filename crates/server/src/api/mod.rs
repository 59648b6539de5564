//! The REST API under `/api/v1` (spec/api.md): JSON in and out, no HTML. Handlers say what a use case takes and what its result is called;
//! who may do what is decided where every door asks.

pub mod accept;
pub mod agents;
pub mod attachments;
pub mod body;
pub mod care;
pub mod change;
pub mod changes;
pub mod commits;
pub mod credentials;
pub mod cursor;
pub mod failure;
pub mod history;
pub mod idempotency;
pub mod links;
pub mod list;
pub mod meaning;
pub mod mirror;
pub mod openapi;
pub mod pages;
pub mod precondition;
pub mod proposals;
pub mod query;
pub mod reindex;
pub mod reindexing;
mod replay;
pub mod search;
pub mod section;
pub mod semantic;
pub mod undo;
pub mod webhooks;
pub mod wiki;
pub mod writing;

use crate::rates::Kind;
use crate::reply::{Reply, json};
use crate::routes::Params;
use crate::web::Context;
use body::Fields;
use failure::Failure;
use holt_core::{Error, PagePath, Revision};
use holt_engine::db::preferences::Preferences;
use holt_engine::{frontmatter, publish};
use http::StatusCode;
use serde_json::{Map, Value};

/// Where changes are followed.
const CHANGES: &str = "/api/v1/changes";

/// What handlers of the API return.
pub type Answer = Result<Reply, Failure>;

/// Whether an address belongs to the API.
pub fn is_here(path: &str) -> bool {
    path == "/api/v1" || path.starts_with("/api/v1/")
}

/// Names of pages as the API takes them: with or without `.md`, slashes doubled or not (spec/api.md §1.3).
pub fn tidy(params: &mut Params) {
    for (_, page) in params.iter_mut().filter(|(name, _)| *name == "page") {
        *page = page_name(page);
    }
}

/// See [`tidy`].
fn page_name(text: &str) -> String {
    let path = text.split('/').filter(|segment| !segment.is_empty()).collect::<Vec<_>>().join("/");
    path.strip_suffix(".md").map(str::to_string).unwrap_or(path)
}

/// The path of a page that came in the field `field`.
pub fn parse_path(field: &str, text: &str) -> Result<PagePath, Failure> {
    PagePath::parse(&page_name(text)).map_err(|error| {
        let hint = error.hint.unwrap_or_default();
        Failure::field(field, error.message, hint)
    })
}

impl Context<'_> {
    /// Takes `cost` out of what whoever asks may ask in a minute.
    pub fn charge(&self, kind: Kind, cost: u32) -> Result<(), Failure> {
        if kind == Kind::Write {
            self.charge_plan(cost)?;
        }
        self.app.rates.take(&self.identity, kind, cost, self.now()).map_err(|seconds| {
            let error = Error::busy("too many requests")
                .hint(format!("Wait {seconds} seconds; `limits` at /api/v1/wiki says how many there may be."));
            Failure::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", error).after(seconds)
        })
    }
}

/// What the members of a list cost beyond the first, which the address did.
fn more<T>(list: &[T]) -> u32 {
    u32::try_from(list.len().saturating_sub(1)).unwrap_or(u32::MAX)
}

/// The page of the address.
fn address(context: &Context<'_>) -> Result<PagePath, Failure> {
    parse_path("path", context.param("page"))
}

/// Word for word what is said of a page that may not be read: nobody can tell the two apart.
pub fn no_page(path: &PagePath) -> Failure {
    Error::not_found(format!("there is no page {path}")).into()
}

fn ok(value: &Value) -> Reply {
    json(StatusCode::OK, value)
}

/// `commit_message`, or what the door says of itself.
fn message(context: &Context<'_>, fields: &Fields, action: &str, subject: &str) -> Result<String, Failure> {
    Ok(context.door.message(fields.text("commit_message")?.unwrap_or_default(), action, subject))
}

/// A revision as lists have it.
pub fn entry(revision: &Revision) -> Value {
    let mut entry = serde_json::json!({
        "revision": revision.id.to_string(), "author": revision.author.name(), "date": publish::rfc3339(revision.time),
        "message": said(&revision.message),
    });
    if let Some(via) = revision.via() {
        entry["via"] = via.into();
    }
    if let Some(session) = revision.session() {
        entry["session"] = session.into();
    }
    entry
}

/// A commit's message as its writer wrote it: without the paragraph in which Holt notes how it came.
pub fn said(message: &str) -> &str {
    let text = message.trim_end();
    let Some((before, last)) = text.rsplit_once("\n\n") else { return text };
    let ours = |line: &str| {
        ["Undoes: ", "Undo-Plan: ", "Via: ", "Session: ", "Proposal: ", "Accepted-by: ", "Holt-Op: "]
            .iter()
            .any(|name| line.starts_with(name))
    };
    if last.lines().all(ours) { before.trim_end() } else { text }
}

/// What a page is called: its `title`, or the last level of its path.
fn name(preferences: &Preferences, path: &PagePath, properties: Option<&Map<String, Value>>) -> String {
    called(preferences, path, frontmatter::text(properties.and_then(|map| map.get("title"))))
}

/// As [`name`], where the `title` is known.
pub fn called(preferences: &Preferences, path: &PagePath, title: Option<String>) -> String {
    let shown = preferences.display_path(path);
    title.unwrap_or_else(|| shown.rsplit('/').next().unwrap_or(&shown).to_string())
}
