//! Finding pages by words, and where there is a model by what they mean as well.

use super::readable;
use crate::db::index::meaning_of;
use crate::meaning::{self, Embedder};
use crate::scope::{Read, Scope};
use holt_core::Result;

pub use crate::db::index::{Hit, Meant, Piece, SearchResults, Similar, Strictness, WEIGHTS};

/// By what pages are found.
#[derive(Clone, Copy)]
pub enum SearchMode<'e> {
    /// The words that stand there.
    Words,
    /// Those and what the pages mean, where that is known; else words alone.
    Both(&'e dyn Embedder),
}

/// The best pages for `query`, never more than 200 (security.md INP-11). Stands at the commit of the last acknowledged save.
pub fn search(scope: &Scope<'_, Read>, query: &str, offset: usize, limit: usize) -> Result<SearchResults> {
    scope.index()?.search(query, limit, offset)
}

/// As [`search`], by what `mode` says. Pages that changed a moment ago are found by their words until somebody has looked what they mean. Where that
/// cannot be looked up, words have to do, and the log says why.
pub fn search_by(scope: &Scope<'_, Read>, mode: SearchMode<'_>, query: &str, offset: usize, limit: usize) -> Result<SearchResults> {
    let SearchMode::Both(embedder) = mode else { return search(scope, query, offset, limit) };
    let index = scope.index()?;
    let words = meaning_of(query)?;
    let vector = || -> Result<Option<Vec<f32>>> {
        // Without vectors to compare with the model stays where it is.
        let (Some(words), Some(known)) = (words, index.meaning_identity()?) else { return Ok(None) };
        if embedder.is_there() && known == meaning::identity(embedder)? { meaning::vector(embedder, &words).map(Some) } else { Ok(None) }
    };
    let vector = vector().unwrap_or_else(|error| {
        tracing::warn!("searching by words alone: {}", error.chain());
        None
    });
    let mut found = index.search_meaning(query, vector.as_deref(), limit, offset)?;
    for hit in &mut found.hits {
        let Some(meant) = hit.meant.filter(|_| hit.matches.is_empty()) else { continue };
        let source = readable(scope.wiki().repo()?.blob(meant.blob)?);
        let piece = meaning::chunks(&hit.path, &source).into_iter().nth(meant.piece);
        hit.snippet = piece.map(|piece| Piece { text: piece.snippet(), hit: false }).into_iter().collect();
    }
    Ok(found)
}
