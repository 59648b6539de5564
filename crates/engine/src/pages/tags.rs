//! Tags, and what a wiki's gardeners look for: pages that are wanted, pages nobody links to, pages with nothing in them.

use crate::db::index::Wanted;
use crate::repo::FileMode;
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

/// What is to be done in a wiki.
#[derive(Debug, Clone)]
pub struct Care {
    /// Pages that are linked to and do not exist, most wanted first.
    pub wanted: Vec<Wanted>,
    /// Pages that no other page links to.
    pub orphans: Vec<PagePath>,
    /// Pages with hardly anything in them: at most 512 bytes, and nothing but a heading or less than three lines (spec/wiki.md §15.1).
    pub empty: Vec<PagePath>,
}

/// Looks through the wiki.
pub fn care(scope: &Scope<'_, Read>) -> Result<Care> {
    let wiki = scope.wiki();
    let index = scope.index()?;
    let home = crate::publish::home_key(&*wiki.preferences()?);
    let linked = index.linked_keys()?;
    let (mut orphans, mut empty) = (Vec::new(), Vec::new());
    for row in index.pages()?.into_iter().filter(|row| row.mode != FileMode::Symlink) {
        let key = row.path.key();
        if home.as_ref() != Some(&key) && !linked.contains(key.as_str()) {
            orphans.push(row.path.clone());
        }
        if row.size <= 512 && is_empty(&wiki.repo()?.blob(row.blob)?) {
            empty.push(row.path);
        }
    }
    Ok(Care { wanted: index.wanted()?, orphans, empty })
}

fn is_empty(source: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(source) else { return false };
    text.trim().lines().count() < 3
}
