//! Tags and categories.

use crate::scope::{Read, Scope};
use holt_core::{PagePath, Result};
use std::collections::BTreeSet;

pub use crate::db::index::Tag;

/// All tags of the wiki, by name.
pub fn tags(scope: &Scope<'_, Read>) -> Result<Vec<Tag>> {
    scope.index()?.tags()
}

/// All categories that pages say they are of, by name.
pub fn categories(scope: &Scope<'_, Read>) -> Result<Vec<Tag>> {
    scope.index()?.categories()
}

/// The tags of a page, by name.
pub fn tags_of(scope: &Scope<'_, Read>, path: &PagePath) -> Result<Vec<String>> {
    scope.index()?.tags_of(&path.key())
}

/// The pages that have all of the tags (`All`) or one of them, by path, with title and description.
pub fn tagged(scope: &Scope<'_, Read>, tags: &[String], every: bool) -> Result<Vec<(PagePath, Option<String>, String)>> {
    let index = scope.index()?;
    let mut found: Option<Vec<crate::db::index::PageRow>> = None;
    for tag in tags {
        let pages = index.tagged(tag)?;
        found = Some(match found {
            None => pages,
            Some(before) if every => {
                let paths: BTreeSet<&PagePath> = pages.iter().map(|row| &row.path).collect();
                before.into_iter().filter(|row| paths.contains(&row.path)).collect()
            }
            Some(mut before) => {
                before.extend(pages);
                before.sort_by(|a, b| a.path.cmp(&b.path));
                before.dedup_by(|a, b| a.path == b.path);
                before
            }
        });
    }
    Ok(found.unwrap_or_default().into_iter().map(|row| (row.path, row.title, row.description)).collect())
}
