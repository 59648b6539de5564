//! The pages of a wiki in a row.

use crate::scope::{Read, Scope};
use holt_core::{PagePath, Result};

pub use crate::db::index::{ListFilter, Listed, Listing};

/// The first `limit` pages behind `after` that may be seen and fit, by path. However many there are, no text of a page is read.
pub fn list(scope: &Scope<'_, Read>, filter: &ListFilter, after: Option<&PagePath>, limit: usize) -> Result<Listing> {
    scope.index()?.list(filter, after, limit)
}
