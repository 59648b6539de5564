//! What an address names, and what there is below it.

use crate::db::index::Index;
use crate::repo::FileMode;
use crate::scope::{Read, Scope};
use crate::wiki::Wiki;
use holt_core::{AttachmentName, PagePath, Result};

/// What a path names in this wiki.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A page, under its stored spelling.
    Page(PagePath),
    /// An attachment: the page whose directory holds it (as stored), and its name.
    Attachment {
        /// The directory, as a page path.
        page: PagePath,
        /// The file in it.
        name: AttachmentName,
    },
    /// No page of that name, but pages or files below it.
    Directory(PagePath),
    /// A symbolic link in the repository to another page or directory.
    Alias(PagePath),
    /// Another name of a page: from its properties, or because it was called so before it was renamed. For a file, its new place.
    Moved(PagePath),
    /// Nothing.
    Missing,
}

/// Resolves `path` in any spelling: exact page, page by key, alias, attachment, other name, directory, former name, and last the form that
/// old Otterwiki addresses used, which dropped some punctuation (spec/wiki.md §5.1, §21.3, §21.4).
pub fn find(scope: &Scope<'_, Read>, path: &PagePath) -> Result<Found> {
    let index = scope.index()?;
    match find_named(scope.wiki(), &index, path)? {
        Found::Missing if !index.hidden().covers(path.key().as_str()) => {}
        found => return Ok(found),
    }
    let cleaned: String = path.as_str().chars().filter(|c| !matches!(c, '?' | '|' | '$' | '.' | '!' | '#' | '\\')).collect();
    if cleaned != path.as_str()
        && let Ok(cleaned) = PagePath::parse(cleaned.trim_start_matches(['-', '/']).trim())
        && let Some(row) = index.page(&cleaned.key())?
    {
        return Ok(Found::Alias(row.path));
    }
    Ok(Found::Missing)
}

/// As [`find`], of what `index` shows, without names that nobody gave.
pub(crate) fn find_named(wiki: &Wiki, index: &Index, path: &PagePath) -> Result<Found> {
    if index.hidden().covers(path.key().as_str()) {
        return Ok(Found::Missing);
    }
    if let Some(row) = index.page(&path.key())? {
        if row.mode == FileMode::Symlink {
            return Ok(alias(&wiki.repo()?.blob(row.blob)?, &row.path).map_or(Found::Missing, Found::Alias));
        }
        return Ok(Found::Page(row.path));
    }
    if let Some(page) = path.parent()
        && let Ok(name) = AttachmentName::parse(path.name())
        && let Some(found) = index.attachment(&page, &name)?
    {
        return Ok(match found.mode {
            FileMode::Symlink => alias(&wiki.repo()?.blob(found.blob)?, path).map_or(Found::Missing, Found::Alias),
            _ => Found::Attachment { page: found.page, name },
        });
    }
    if let Some(page) = index.aliased(&path.key())? {
        return Ok(Found::Moved(page));
    }
    if let Some(directory) = index.directory(path)? {
        return Ok(Found::Directory(directory));
    }
    for was in [path.file(), path.as_str().to_string()] {
        if let Some(now) = index.whereabouts(&was)? {
            let now = PagePath::from_tree(&now).map_or_else(|| PagePath::parse(&now), Ok);
            return Ok(now.map_or(Found::Missing, Found::Moved));
        }
    }
    Ok(Found::Missing)
}

/// Where a symlink at `from` leads, if that is inside the wiki. Nothing is followed on disk: the target is text in a git object.
fn alias(target: &[u8], from: &PagePath) -> Option<PagePath> {
    let target = std::str::from_utf8(target).ok()?;
    if target.is_empty() || target.starts_with('/') {
        return None;
    }
    let mut segments: Vec<&str> = from.segments().collect();
    segments.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    let joined = segments.join("/");
    let path = PagePath::parse(joined.strip_suffix(".md").unwrap_or(&joined)).ok()?;
    (path != *from).then_some(path)
}

/// Level, text and id of the headings of a page; none if there is no such page.
pub fn headings(scope: &Scope<'_, Read>, path: &PagePath) -> Result<Vec<(u8, String, String)>> {
    scope.index()?.headings(&path.key())
}

/// What an entry of [`tree`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeKind {
    /// A page.
    Page,
    /// A directory without a page of its own.
    Directory,
}

/// A page or directory below a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// Where.
    pub path: PagePath,
    /// As displayed.
    pub title: String,
    /// Which.
    pub kind: TreeKind,
}

/// Everything below `start` (the whole wiki without one), in order of path, directories without page included.
pub fn tree(scope: &Scope<'_, Read>, start: Option<&PagePath>) -> Result<Vec<TreeEntry>> {
    let wiki = scope.wiki();
    let preferences = wiki.preferences()?;
    let index = scope.index()?;
    let rows = match start {
        Some(start) => index.pages_below(start)?,
        None => index.pages()?,
    };
    let inside = rows.iter().filter(|row| row.mode != FileMode::Symlink && start.is_none_or(|start| row.path.is_below(start)));
    let mut entries: Vec<TreeEntry> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for row in inside {
        let mut missing = Vec::new();
        let mut up = row.path.parent();
        while let Some(directory) = up {
            if start.is_some_and(|start| !directory.is_below(start)) || !seen.insert(directory.as_str().to_string()) {
                break;
            }
            up = directory.parent();
            missing.push(directory);
        }
        for directory in missing.into_iter().rev() {
            let title = preferences.display_name(&directory, None);
            entries.push(TreeEntry { title, path: directory, kind: TreeKind::Directory });
        }
        seen.insert(row.path.as_str().to_string());
        entries.push(TreeEntry {
            title: preferences.display_name(&row.path, row.title.as_deref()),
            path: row.path.clone(),
            kind: TreeKind::Page,
        });
    }
    // A directory that turned out to have a page: the page row wins.
    entries.sort_by(|a, b| a.path.segments().cmp(b.path.segments()).then(page_first(a).cmp(&page_first(b))));
    entries.dedup_by(|a, b| a.path == b.path);
    Ok(entries)
}

fn page_first(entry: &TreeEntry) -> u8 {
    u8::from(entry.kind == TreeKind::Directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_never_leaves_the_wiki() {
        let from = PagePath::parse("imported/alias").unwrap();
        let to = |t: &str| alias(t.as_bytes(), &from).map(|p| p.as_str().to_string());
        assert_eq!(to("../handbook/glossary.md").as_deref(), Some("handbook/glossary"));
        assert_eq!(to("../atlas").as_deref(), Some("atlas"));
        for bad in ["/etc/passwd", "../../settings.cfg", "../.git/config", "alias.md", "", "..", "\u{0}"] {
            assert_eq!(to(bad), None, "{bad:?}");
        }
    }
}
