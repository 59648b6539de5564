//! Search by meaning: `GET /semantic-search`, and where its vectors stand (spec/api.md §7).

use super::failure::Failure;
use super::{Answer, called, ok};
use crate::web::Context;
use holt_core::{ErrorKind, Result};
use holt_engine::Read;
use holt_engine::meaning::{self, Embedder, Pace};
use holt_engine::pages;
use http::StatusCode;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long a process without workers looks at what changed before it answers.
const LOOKING: Duration = Duration::from_secs(20);

/// `GET /semantic-search?q=&n=&max_chunks_per_page=`
pub fn semantic_search(context: &Context<'_>) -> Answer {
    let wanted = super::query::text(context, "q").ok_or_else(|| Failure::field("q", "q is missing", "Send words to search for."))?;
    let number = |name: &str, usual: i64, most: i64| {
        let said = super::query::text(context, name).and_then(|text| text.parse::<i64>().ok()).unwrap_or(usual).clamp(1, most);
        usize::try_from(said).unwrap_or(1)
    };
    let (n, per_page) = (number("n", 5, 50), number("max_chunks_per_page", 2, 10));
    let found = found(context, &wanted, n, per_page);
    Ok(ok(&found.map_err(|failure| failure.with("query", wanted).with("n", n).with("max_chunks_per_page", per_page))?))
}

/// What that answers.
pub fn found(context: &Context<'_>, query: &str, n: usize, per_page: usize) -> Result<Value, Failure> {
    let model = &context.app.model;
    model.require().map_err(unavailable)?;
    let scope = context.scope::<Read>()?;
    if context.app.workers.get().is_none() {
        // Nobody else does.
        meaning::embed(context.wiki, model, &Until(Instant::now() + LOOKING))?;
    }
    let found = pages::search_meaning(&scope, model, query, n, per_page).map_err(unavailable)?;
    let preferences = context.preferences()?;
    let result = |hit: &pages::PieceHit| {
        json!({
            "name": called(&preferences, &hit.path, hit.name.clone()), "path": preferences.display_path(&hit.path), "text": hit.chunk.text,
            "snippet": hit.chunk.snippet(), "distance": (hit.distance * 1e4).round() / 1e4, "section": hit.chunk.section,
            "section_path": hit.chunk.section_path, "chunk_index": hit.index, "total_chunks": hit.total, "page_word_count": hit.words,
        })
    };
    Ok(json!({
        "query": query, "total": found.hits.len(), "results": found.hits.iter().map(result).collect::<Vec<_>>(),
        "commit": found.revision.map(|revision| revision.to_string()), "pending": found.pending,
    }))
}

/// What is only not there yet is told as such: a false "nothing found" would be believed.
fn unavailable(error: holt_core::Error) -> Failure {
    match error.kind {
        ErrorKind::Busy => Failure::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", error),
        _ => error.into(),
    }
}

/// Goes on until then.
struct Until(Instant);

impl Pace for Until {
    fn goes_on(&self) -> bool {
        Instant::now() < self.0
    }
}

/// Where the vectors of a wiki stand.
pub fn standing(context: &Context<'_>) -> Result<Value, Failure> {
    let state = pages::meaning_state(&context.scope::<Read>()?)?;
    let status = if context.app.model.is_there() { "ok" } else { "unavailable" };
    Ok(json!({
        "status": status, "model": state.identity, "commit": state.revision.map(|revision| revision.to_string()), "lag_commits": state.behind,
        "pages": state.pages, "pending": state.pending, "document_count": state.pieces,
    }))
}

/// `GET /chroma-status`: the old name for a part of `/index-status`.
pub fn chroma_status(context: &Context<'_>) -> Answer {
    let standing = standing(context)?;
    let there = standing["status"] == "ok";
    Ok(ok(&json!({
        "status": standing["status"], "backend_type": there.then_some("sqlite"), "collection": there.then(|| context.wiki.id().to_string()),
        "document_count": standing["document_count"], "model": standing["model"],
    })))
}
