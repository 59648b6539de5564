//! Comparing: two revisions of a page, all of a commit, every line with who wrote it; and what an edit would look like.

use super::read::page_at;
use crate::db::index::Index;
use crate::repo::blame::blame as blame_versions;
use crate::repo::diff::{Hunk, line_diff};
use crate::scope::{Read, Scope, Write};
use crate::wiki::Wiki;
use holt_core::{Action, Change, ChangeKind, Error, PagePath, Result, Revision, RevisionId};
use holt_markdown::{Context, Rendered};

/// What differs in one file.
#[derive(Debug, Clone)]
pub struct FileDiff {
    /// The file and what happened to it.
    pub change: Change,
    /// Its lines, or nothing if a side is no text or too long.
    pub hunks: Option<Vec<Hunk>>,
}

/// Two revisions of one page.
#[derive(Debug, Clone)]
pub struct DiffView {
    /// The older side.
    pub from: Revision,
    /// The newer side.
    pub to: Revision,
    /// What differs.
    pub hunks: Vec<Hunk>,
}

/// What changed in `path` between two revisions. `NotFound` if the page existed at neither.
pub fn diff(scope: &Scope<'_, Read>, path: &PagePath, from: RevisionId, to: RevisionId) -> Result<DiffView> {
    let (a, b) = (page_at(scope, path, from)?, page_at(scope, path, to)?);
    if a.is_none() && b.is_none() {
        return Err(Error::not_found(format!("there was no page {path} at either revision")));
    }
    let text = |page: Option<holt_core::Page>| page.map(|p| super::text::readable(p.source)).unwrap_or_default();
    Ok(DiffView { from: super::revision(scope, from)?, to: super::revision(scope, to)?, hunks: line_diff(&text(a), &text(b))? })
}

/// A commit and what it did to each file, against its first parent.
pub fn commit_view(scope: &Scope<'_, Read>, id: RevisionId) -> Result<(Revision, Vec<RevisionId>, Vec<FileDiff>)> {
    let (repo, index) = (scope.wiki().repo()?, scope.index()?);
    let revision = super::revision(scope, id)?;
    let (_, parents) = repo.revision(id)?;
    let mut files = Vec::new();
    for mut change in repo.changes(parents.first().copied(), id)? {
        if index.hidden().covers_file(&change.change.file) {
            continue;
        }
        if index.hidden().covers_file(old_name(&change.change)) {
            // It came from where it could not be seen.
            (change.change.kind, change.old) = (ChangeKind::Added, None);
        }
        let is_page = change.change.file.ends_with(".md");
        let side = |blob: Option<crate::repo::BlobId>| -> Result<Option<String>> {
            match blob {
                None => Ok(Some(String::new())),
                Some(_) if !is_page => Ok(None),
                Some(blob) => Ok(String::from_utf8(repo.blob(blob)?).ok()),
            }
        };
        let hunks = match (side(change.old)?, side(change.new)?) {
            (Some(a), Some(b)) => line_diff(&a, &b).ok(),
            _ => None,
        };
        files.push(FileDiff { change: change.change, hunks });
    }
    Ok((revision, parents, files))
}

/// A line and the commit that wrote it.
#[derive(Debug, Clone)]
pub struct BlameLine {
    /// Who and when.
    pub revision: Revision,
    /// The line, without its end.
    pub text: String,
}

/// Every line of `path` at `at` (now without one) with the commit that last wrote it, across renames.
pub fn blame(scope: &Scope<'_, Read>, path: &PagePath, at: Option<RevisionId>) -> Result<Vec<BlameLine>> {
    let wiki = scope.wiki();
    let (repo, index) = (wiki.repo()?, scope.index()?);
    let versions = index.versions(path, at)?;
    if versions.is_empty() {
        return Err(Error::not_found(format!("there is no page {path}")));
    }
    let mut texts = Vec::with_capacity(versions.len());
    for (revision, blob) in &versions {
        texts.push((revision.id, super::text::readable(repo.blob(*blob)?)));
    }
    let lines = blame_versions(&texts)?;
    let find = |id: RevisionId| versions.iter().find(|(r, _)| r.id == id).map(|(r, _)| r.clone());
    Ok(lines.into_iter().filter_map(|(id, text)| find(id).map(|revision| BlameLine { revision, text })).collect())
}

/// What `source` would look like as the page `path`: the same renderer with the same links as a save.
pub fn preview(scope: &Scope<'_, Write>, path: &PagePath, source: &str, cursor_line: Option<usize>) -> Result<Rendered> {
    scope.check(Action::Write, path)?;
    rendered(scope.wiki(), &*scope.index_for(path)?, path, source, cursor_line)
}

/// An old revision of a page as HTML.
pub fn render_old(scope: &Scope<'_, Read>, path: &PagePath, source: &str) -> Result<Rendered> {
    rendered(scope.wiki(), &*scope.index_for(path)?, path, source, None)
}

fn rendered(wiki: &Wiki, index: &Index, path: &PagePath, source: &str, cursor_line: Option<usize>) -> Result<Rendered> {
    let links = crate::publish::links::IndexLinks::new(index);
    let (repo, preferences) = (wiki.repo()?, wiki.preferences()?);
    let pages = crate::publish::pages::IndexPages::new(index, &repo, &preferences);
    let options = super::render_options(&preferences);
    let url = format!("/{path}");
    let context = Context { page_url: Some(&url), options, links: Some(&links), pages: Some(&pages), cursor_line, ..Context::default() };
    Ok(holt_markdown::render(source, &context))
}

/// Whether the kind of a change moved the file.
pub(crate) fn old_name(change: &Change) -> &str {
    match &change.kind {
        ChangeKind::Renamed { from } => from,
        _ => &change.file,
    }
}
