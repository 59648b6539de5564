//! What happened: to one page, across its renames, or to the whole wiki. Served from the index, never by walking git.

use crate::db::index::After;
use crate::scope::{Read, Scope};
use holt_core::{PagePath, Result, RevisionId, RevisionPrefix};

pub use crate::db::index::{Entry, EntryChange, Filter};

/// Longest part that is returned at once (security.md INP-13).
const LIMIT: usize = 200;

/// The commits that touched `path`, newest first, `limit` of them below `before`. Empty if there never was such a page.
pub fn history(scope: &Scope<'_, Read>, path: &PagePath, before: Option<i64>, limit: usize) -> Result<Vec<Entry>> {
    scope.index()?.history(path, before, limit.min(LIMIT))
}

/// The commits of the wiki that fit `filter`, newest first, `limit` of them below `before`.
pub fn changelog(scope: &Scope<'_, Read>, filter: &Filter, before: Option<i64>, limit: usize) -> Result<Vec<Entry>> {
    scope.index()?.changelog(filter, before, limit.min(LIMIT))
}

/// The pages that were deleted and are not there now, latest first, each with the commit that removed it.
pub fn deleted(scope: &Scope<'_, Read>) -> Result<Vec<(PagePath, Entry)>> {
    scope.index()?.deleted_pages(LIMIT)
}

/// As [`changelog`], of the commits that are not in the history of `since`, whenever they were made. None if that is not part of the wiki's.
pub fn changelog_since(
    scope: &Scope<'_, Read>,
    filter: &Filter,
    since: RevisionId,
    before: Option<i64>,
    limit: usize,
) -> Result<Option<Vec<Entry>>> {
    let index = scope.index()?;
    let (Some(from), Some(newest)) = (index.place_of(since)?, index.newest()?) else { return Ok(None) };
    let limit = limit.min(LIMIT);
    if !index.merged_after(from)? {
        return index.changelog_after(filter, Some(&After::Place(from, i64::MAX)), before, limit).map(Some);
    }
    let these = scope.wiki().repo()?.between(Some(since), newest)?;
    index.changelog_after(filter, Some(&After::These(&these)), before, limit).map(Some)
}

/// The place in the wiki's history of the revision that a person means, for [`changelog`].
pub fn changelog_place(scope: &Scope<'_, Read>, prefix: &RevisionPrefix) -> Result<Option<i64>> {
    let index = scope.index()?;
    match index.revision_by_prefix(prefix)? {
        Some(id) => index.place_of(id),
        None => Ok(None),
    }
}

/// The last commit that renamed the page `path` to something else, and what it was called then. `None` if there was none.
pub fn moved_to(scope: &Scope<'_, Read>, path: &PagePath) -> Result<Option<(Entry, PagePath)>> {
    scope.index()?.moved_from(path)
}
