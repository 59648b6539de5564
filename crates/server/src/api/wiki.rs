//! The wiki as a whole: that it answers, what it is, what is in it (spec/api.md §7.5, §8, §10).

use super::failure::Failure;
use super::{Answer, ok};
use crate::limits::JSON_BYTES;
use crate::web::Context;
use holt_core::edit::{MESSAGE_BYTES, SOURCE_BYTES};
use holt_core::{Action, Actor};
use holt_engine::Read;
use holt_engine::pages::{self, ATTACHMENT_BYTES, TreeKind};
use serde_json::{Value, json};

/// How many levels of the tree are told at most, and if nobody says.
pub const LEVELS: usize = 16;

/// `GET /health`
pub fn health(_: &Context<'_>) -> Answer {
    Ok(ok(&json!({"status": "ok"})))
}

/// `GET /wiki`: what it is called, where it stands, what whoever asks may do, and how much fits.
pub fn info(context: &Context<'_>) -> Answer {
    Ok(ok(&described(context)?))
}

/// What that says.
pub fn described(context: &Context<'_>) -> Result<Value, Failure> {
    let scope = context.scope::<Read>()?;
    let counts = pages::counts(&scope)?;
    let head = pages::now_mark(&scope)?.revision.map(|revision| revision.to_string());
    let (most, most_bytes) = {
        let directory = context.app.engine.directory();
        (directory.max_pages(context.wiki.id())?, directory.max_bytes(context.wiki.id())?)
    };
    let standing = pages::proposals::standing(&scope)?;
    let rates = context.app.rates.limits();
    let may = |action| context.wiki.may(&context.actor, action);
    let user = match &context.actor {
        Actor::Person(person) => Some(person.name.as_str()),
        _ => None,
    };
    Ok(json!({
        "name": context.preferences()?.site_name, "revision": head, "user": user, "within": context.actor.within().map(ToString::to_string),
        "pages": counts.pages, "attachments": counts.attachments, "revisions": counts.revisions, "bytes": pages::bytes(&scope)?,
        "permissions": {
            "read": may(Action::Read)?, "write": may(Action::Write)?, "upload": may(Action::Upload)?, "admin": may(Action::Admin)?,
        },
        "handling": {
            "otherwise": standing.otherwise.as_str(),
            "rules": standing.rules.iter().map(|(path, handling)| json!({"path": path.as_str(), "handling": handling.as_str()})).collect::<Vec<_>>(),
        },
        "limits": {
            "body_bytes": JSON_BYTES, "page_bytes": SOURCE_BYTES, "message_bytes": MESSAGE_BYTES, "attachment_bytes": ATTACHMENT_BYTES, "pages": most,
            "bytes": most_bytes,
            "reads_per_minute": rates.reads, "writes_per_minute": rates.writes,
        },
    }))
}

/// `GET /index-status`: search and links stand at the last acknowledged change, or the request that asks brings them there; vectors follow.
pub fn index_status(context: &Context<'_>) -> Answer {
    let scope = context.scope::<Read>()?;
    let head = pages::now_mark(&scope)?.revision.map(|revision| revision.to_string());
    let pages = pages::counts(&scope)?.pages;
    let meaning = super::semantic::standing(context)?;
    Ok(ok(&json!({"status": "ok", "backend_type": "sqlite-fts5", "commit": head, "head": head, "lag_commits": 0, "pages": pages,
        "model": meaning["model"], "semantic": meaning})))
}

/// `GET /tree?path=&depth=`: pages and folders.
pub fn tree(context: &Context<'_>) -> Answer {
    let start = super::query::text(context, "path").map(|text| super::parse_path("path", &text)).transpose()?;
    let depth = super::query::count(context, "depth", LEVELS, LEVELS);
    let above = start.as_ref().map_or(0, |path| path.segments().count());
    let preferences = context.preferences()?;
    let entries = pages::tree(&context.scope::<Read>()?, start.as_ref())?;
    let near = entries.iter().filter(|entry| entry.path.segments().count() <= above + depth);
    let shown = |entry: &pages::TreeEntry| {
        let kind = match entry.kind {
            TreeKind::Page => "page",
            TreeKind::Directory => "directory",
        };
        json!({"path": preferences.display_path(&entry.path), "kind": kind})
    };
    let tree: Vec<Value> = near.map(shown).collect();
    Ok(ok(&json!({"path": start.map(|path| preferences.display_path(&path)), "tree": tree})))
}
