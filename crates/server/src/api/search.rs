//! `GET /search` (spec/api.md §4).

use super::failure::Failure;
use super::{Answer, name, ok};
use crate::web::Context;
use holt_engine::pages;
use holt_engine::{Read, frontmatter};
use serde_json::{Value, json};

/// Finds pages by words; `prefix`, `tag`, `author`, `before` and `after` narrow what is looked at.
pub fn search(context: &Context<'_>) -> Answer {
    let query = super::query(context, "q").ok_or_else(|| Failure::field("q", "q is missing or blank", "Send what to look for."))?;
    let limit = super::count(context, "limit", 20, 100);
    let offset = super::count(context, "offset", 0, 200);
    let mut typed = query.clone();
    for (parameter, filter) in [("prefix", "path"), ("tag", "tag"), ("author", "author"), ("before", "before"), ("after", "after")] {
        if let Some(value) = super::query(context, parameter) {
            typed.push_str(&format!(" {filter}:\"{}\"", value.trim_matches('/').replace('"', "")));
        }
    }
    let scope = context.scope::<Read>()?;
    let found = pages::search(&scope, &typed, offset, limit).map_err(|error| Failure::from(error).with("field", "q"))?;
    let preferences = context.preferences()?;
    let mut results: Vec<Value> = Vec::new();
    for hit in found.hits {
        let snippet: String = hit.snippet.iter().map(|piece| piece.text.as_str()).collect();
        let source = pages::page(&scope, &hit.path)?.map(|page| String::from_utf8_lossy(&page.page.source).into_owned());
        let properties = source.as_deref().and_then(|source| frontmatter::split(source).0);
        // Ranks have no upper bound; what is better stays better.
        let score = hit.score.max(0.0) / (1.0 + hit.score.max(0.0));
        results.push(json!({
            "name": name(&preferences, &hit.path, properties.as_ref()), "path": preferences.display_path(&hit.path),
            "snippet": snippet, "score": score,
        }));
    }
    let commit = pages::now_mark(&scope)?.revision.map(|revision| revision.to_string());
    Ok(ok(&json!({"query": query, "results": results, "total": found.total, "commit": commit})))
}
