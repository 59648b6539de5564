//! `GET /pages`: which pages there are (spec/api.md §2.1), by path, in parts.

use super::failure::Failure;
use super::{Answer, called, cursor, ok};
use crate::web::Context;
use holt_core::PagePath;
use holt_engine::pages::{self, ListFilter, Listed};
use holt_engine::{Read, publish};
use serde_json::{Value, json};

/// Entries of a part.
pub const DEFAULT: usize = 1_000;
/// Most of them.
pub const MOST: usize = 5_000;

/// Lists the pages that fit all of `prefix`, `category`, `tag` and `updated_since`.
pub fn list(context: &Context<'_>) -> Answer {
    let since = super::query(context, "updated_since").map(|text| publish::instant(&text).ok_or_else(|| refuse_time(&text))).transpose()?;
    let asked = |name: &str| super::query(context, name);
    let filter = ListFilter { prefix: asked("prefix"), category: asked("category"), tag: asked("tag"), since };
    let after = cursor::read(context)?.and_then(|after| PagePath::parse(&after).ok());
    let limit = super::count(context, "limit", DEFAULT, MOST);
    let listing = pages::list(&context.scope::<Read>()?, &filter, after.as_ref(), limit)?;
    let preferences = context.preferences()?;
    let last = listing.pages.last().filter(|_| listing.pages.len() == limit);
    let next = last.map(|page| cursor::make(context, page.path.as_str()));
    let entry = |page: Listed| {
        json!({
            "name": called(&preferences, &page.path, page.name), "path": preferences.display_path(&page.path),
            "category": page.category, "tags": page.tags, "last_updated": publish::rfc3339(page.last_change.time).get(..10),
            "content_length": page.length, "revision": page.last_change.id.to_string(),
        })
    };
    let found: Vec<Value> = listing.pages.into_iter().map(entry).collect();
    Ok(ok(&json!({"pages": found, "total": listing.total, "next_cursor": next})))
}

fn refuse_time(_: &str) -> Failure {
    Failure::field("updated_since", "updated_since is no date", "Send 2026-11-21 or 2026-11-21T09:00:00Z.")
}
