//! `GET /pages`: which pages there are (spec/api.md §2.1), by path, in parts.

use super::failure::Failure;
use super::{Answer, cursor, frontmatter, name, ok};
use crate::web::Context;
use holt_engine::pages::{self, Listed};
use holt_engine::{Read, publish};
use serde_json::{Value, json};

/// Entries of a part.
const DEFAULT: usize = 1_000;
const MOST: usize = 5_000;

/// Lists the pages that fit all of `prefix`, `category`, `tag` and `updated_since`.
pub fn list(context: &Context<'_>) -> Answer {
    let (prefix, category, tag) = (super::query(context, "prefix"), super::query(context, "category"), super::query(context, "tag"));
    let since = super::query(context, "updated_since").map(|text| publish::instant(&text).ok_or_else(|| refuse_time(&text))).transpose()?;
    let after = cursor::read(context)?;
    let limit = super::count(context, "limit", DEFAULT, MOST);
    let scope = context.scope::<Read>()?;
    let preferences = context.preferences()?;
    let wanted = |page: &Listed| {
        let starts = prefix.as_ref().is_none_or(|prefix| page.path.as_str().to_lowercase().starts_with(&prefix.to_lowercase()));
        starts && since.is_none_or(|since| page.last_change.time.seconds >= since)
    };
    let said = |wanted: &Option<String>, have: &str| wanted.as_ref().is_none_or(|wanted| wanted.to_lowercase() == have.to_lowercase());
    let (mut found, mut total, mut next) = (Vec::new(), 0, None);
    for page in pages::list(&scope)?.into_iter().filter(wanted) {
        let is_shown = found.len() < limit && after.as_ref().is_none_or(|after| page.path.as_str() > after.as_str());
        // The text is read only where the answer, or whether the page belongs to it, depends on it.
        if !is_shown && category.is_none() && tag.is_none() {
            total += 1;
            continue;
        }
        let source = page.source(&scope)?;
        let (properties, body) = frontmatter::split(&source);
        let its_category = frontmatter::text(properties.as_ref().and_then(|map| map.get("category")));
        let tags = frontmatter::tags(properties.as_ref());
        let fits = (category.is_none() || its_category.as_ref().is_some_and(|have| said(&category, have)))
            && (tag.is_none() || tags.iter().any(|have| said(&tag, have)));
        if !fits {
            continue;
        }
        total += 1;
        if !is_shown {
            continue;
        }
        let entry: Value = json!({
            "name": name(&preferences, &page.path, properties.as_ref()), "path": preferences.display_path(&page.path),
            "category": its_category, "tags": tags, "last_updated": publish::rfc3339(page.last_change.time).get(..10),
            "content_length": body.split_whitespace().count(), "revision": page.last_change.id.to_string(),
        });
        found.push(entry);
        next = Some(page.path);
    }
    let all = found.len() < limit;
    let next = next.filter(|_| !all).map(|path| cursor::make(context, path.as_str()));
    Ok(ok(&json!({"pages": found, "total": total, "next_cursor": next})))
}

fn refuse_time(_: &str) -> Failure {
    Failure::field("updated_since", "updated_since is no date", "Send 2026-11-21 or 2026-11-21T09:00:00Z.")
}
