//! Finding pages by words.

use crate::scope::{Read, Scope};
use holt_core::Result;

pub use crate::db::index::{Hit, Piece, SearchResults, Similar, Strictness, WEIGHTS};

/// The best pages for `query`, never more than 200 (security.md INP-11). Stands at the commit of the last acknowledged save.
pub fn search(scope: &Scope<'_, Read>, query: &str, offset: usize, limit: usize) -> Result<SearchResults> {
    scope.index()?.search(query, limit, offset)
}
