//! Finding places in pages by what they mean (spec/api.md §7).

use super::readable;
use crate::meaning::{self, Chunk, Embedder};
use crate::scope::{Read, Scope};
use holt_core::{Error, PagePath, Result, RevisionId};

pub use crate::db::index::MeaningState;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Meanings {
    /// Nearest first.
    pub hits: Vec<PieceHit>,
    /// Everything up to this commit is in the answer; none if not all pages have been looked at yet.
    pub revision: Option<RevisionId>,
    /// How many pages changed since they were looked at: they are left out.
    pub pending: usize,
}

/// A place in a page.
#[derive(Debug, Clone, PartialEq)]
pub struct PieceHit {
    /// The page.
    pub path: PagePath,
    /// What its properties call it.
    pub name: Option<String>,
    /// What stands there.
    pub chunk: Chunk,
    /// Which of its pieces that is, from 0, and of how many.
    pub index: usize,
    /// See `index`.
    pub total: usize,
    /// Words of the page.
    pub words: usize,
    /// 1 less the cosine: less is nearer.
    pub distance: f64,
}

/// The `n` places nearest to what `query` means, at most `per_page` of one page. `Busy` if nothing is there yet that could be compared.
pub fn search_meaning(scope: &Scope<'_, Read>, embedder: &dyn Embedder, query: &str, n: usize, per_page: usize) -> Result<Meanings> {
    let identity = meaning::identity(embedder)?;
    let index = scope.index()?;
    let state = index.meaning_standing()?;
    if state.identity.as_ref() != Some(&identity) {
        return Err(
            Error::busy("nobody has looked yet what the pages of this wiki mean").hint("Try again in a moment, or search by words.")
        );
    }
    let mut hits = Vec::new();
    let mut open: Option<(PagePath, Vec<Chunk>)> = None;
    for near in index.nearest(&meaning::vector(embedder, query)?, per_page, n)? {
        if open.as_ref().is_none_or(|(path, _)| *path != near.path) {
            let source = readable(scope.wiki().repo()?.blob(near.blob)?);
            open = Some((near.path.clone(), meaning::chunks(&near.path, &source)));
        }
        let chunk = open.as_ref().and_then(|(_, chunks)| chunks.get(near.piece).cloned());
        let chunk = chunk.ok_or_else(|| Error::internal(format!("find piece {} of {}", near.piece, near.path)))?;
        let total = open.as_ref().map_or(near.pieces, |(_, chunks)| chunks.len());
        let index = near.piece;
        hits.push(PieceHit { path: near.path, name: near.name, chunk, index, total, words: near.words, distance: near.distance });
    }
    Ok(Meanings { hits, revision: state.revision, pending: state.pending })
}

/// How far the pages have been looked at.
pub fn meaning_state(scope: &Scope<'_, Read>) -> Result<MeaningState> {
    scope.index()?.meaning_state()
}
