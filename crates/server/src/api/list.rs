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
    let since = super::query::text(context, "updated_since").map(|text| since(&text)).transpose()?;
    let asked = |name: &str| super::query::text(context, name);
    let filter = ListFilter { prefix: asked("prefix"), category: asked("category"), tag: asked("tag"), since };
    let after = cursor::read(context)?.and_then(|after| PagePath::parse(&after).ok());
    let limit = super::query::count(context, "limit", DEFAULT, MOST);
    let (mut found, next) = part(context, &filter, after.as_ref(), limit)?;
    found["next_cursor"] = next.map(|next| cursor::make(context, next.as_str())).into();
    Ok(ok(&found))
}

/// The pages behind `after` that fit, and the last of them if there may be more.
pub fn part(
    context: &Context<'_>,
    filter: &ListFilter,
    after: Option<&PagePath>,
    limit: usize,
) -> Result<(Value, Option<PagePath>), Failure> {
    let listing = pages::list(&context.scope::<Read>()?, filter, after, limit)?;
    let preferences = context.preferences()?;
    let next = listing.pages.last().filter(|_| listing.pages.len() == limit).map(|page| page.path.clone());
    let entry = |page: Listed| {
        json!({
            "name": called(&preferences, &page.path, page.name), "path": preferences.display_path(&page.path),
            "category": page.category, "tags": page.tags, "last_updated": publish::rfc3339(page.last_change.time).get(..10),
            "content_length": page.length, "bytes": page.size, "revision": page.last_change.id.to_string(),
        })
    };
    let found: Vec<Value> = listing.pages.into_iter().map(entry).collect();
    Ok((json!({"pages": found, "total": listing.total}), next))
}

/// The second that `updated_since` means.
pub fn since(text: &str) -> Result<i64, Failure> {
    publish::instant(text).ok_or_else(refuse_time)
}

fn refuse_time() -> Failure {
    Failure::field("updated_since", "updated_since is no date", "Send 2026-11-21 or 2026-11-21T09:00:00Z.")
}
