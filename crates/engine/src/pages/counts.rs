//! How much there is.

use crate::scope::{Read, Scope};
use holt_core::Result;

pub use crate::db::index::Counts;

/// Pages, revisions and attachments of the wiki.
pub fn counts(scope: &Scope<'_, Read>) -> Result<Counts> {
    scope.wiki().fresh_index()?.counts()
}
