//! Reading a page, now or at a revision.

use crate::repo::FileMode;
use crate::scope::{Read, Scope};
use holt_core::{Error, Page, PagePath, Result, Revision, RevisionId, RevisionPrefix};

/// A page as it is now, with what the index knows of it.
#[derive(Debug, Clone)]
pub struct PageView {
    /// Path as stored, source and the revision to base an edit on.
    pub page: Page,
    /// The revision that last changed it.
    pub last_change: Revision,
}

/// The page that `path` names in any spelling, or `None`. Its `revision` is the wiki's current one: the base for an edit.
pub fn page(scope: &Scope<'_, Read>, path: &PagePath) -> Result<Option<PageView>> {
    let wiki = scope.wiki();
    let index = scope.index()?;
    let Some(row) = index.page(&path.key())? else { return Ok(None) };
    let repo = wiki.repo()?;
    let Some(head) = index.newest()? else { return Ok(None) };
    let source = repo.blob(row.blob)?;
    Ok(Some(PageView { page: Page { path: row.path.clone(), source, revision: head }, last_change: row.last_change() }))
}

/// The page `path` as it was at `at`, under the name it had then. `None` if it did not exist.
pub fn page_at(scope: &Scope<'_, Read>, path: &PagePath, at: RevisionId) -> Result<Option<Page>> {
    let wiki = scope.wiki();
    let repo = wiki.repo()?;
    let index = scope.index()?;
    let stored = index.page(&path.key())?.map(|row| row.path);
    let path = stored.as_ref().unwrap_or(path);
    let hidden = index.hidden();
    let mut file = path.file();
    let mut found = if hidden.covers_file(&file) { None } else { repo.read(at, &file)? };
    if found.is_none() {
        // A page that moved since: the index knows what it was called then.
        if let Some(name) = index.name_at(path, at)?.filter(|name| !hidden.covers_file(name)) {
            file = name;
            found = repo.read(at, &file)?;
        }
    }
    match found {
        Some(entry) if entry.mode != FileMode::Symlink => {
            let path = PagePath::from_tree(&file).unwrap_or_else(|| path.clone());
            Ok(Some(Page { path, source: repo.blob(entry.id)?, revision: at }))
        }
        _ => Ok(None),
    }
}

/// The text of the file `path` names at `at`, exactly under that name.
pub fn source_at(scope: &Scope<'_, Read>, file: &str, at: RevisionId) -> Result<Option<Vec<u8>>> {
    let repo = scope.wiki().repo()?;
    if scope.index()?.hidden().covers_file(file) {
        return Ok(None);
    }
    match repo.read(at, file)? {
        Some(entry) if entry.mode != FileMode::Symlink => Ok(Some(repo.blob(entry.id)?)),
        _ => Ok(None),
    }
}

/// The revision that a person means by 4 to 40 digits; `NotFound` if this wiki's history has none.
pub fn resolve(scope: &Scope<'_, Read>, prefix: &RevisionPrefix) -> Result<RevisionId> {
    scope.index()?.revision_by_prefix(prefix)?.ok_or_else(|| {
        Error::not_found(format!("there is no revision {}", prefix.as_str())).hint("The history of the page lists its revisions.")
    })
}

/// The first heading of the page `path`, if it is one and has one.
pub fn title(scope: &Scope<'_, Read>, path: &PagePath) -> Result<Option<String>> {
    Ok(scope.index()?.page(&path.key())?.and_then(|row| row.title))
}

/// Who made a revision, when, and what they said.
pub fn revision(scope: &Scope<'_, Read>, id: RevisionId) -> Result<Revision> {
    scope.index()?.revision(id)?.ok_or_else(|| Error::not_found("there is no such revision"))
}
