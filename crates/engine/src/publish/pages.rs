//! What embeddings show of other pages and files, as the renderer asks it.

use super::by;
use super::page::minute;
use crate::db::index::{AttachmentInfo, Index};
use crate::db::preferences::Preferences;
use crate::repo::{FileMode, Repo};
use holt_core::{AttachmentName, PagePath, Result};
use holt_markdown::{FileEntry, IncludedPage, PageEntry, Pages};
use std::collections::BTreeMap;

/// Looks things up in the index, texts in the repository. A look-up that fails finds nothing: rendering does not fail for it.
pub(crate) struct IndexPages<'i> {
    index: &'i Index,
    repo: &'i Repo,
    preferences: &'i Preferences,
}

impl<'i> IndexPages<'i> {
    pub(crate) fn new(index: &'i Index, repo: &'i Repo, preferences: &'i Preferences) -> Self {
        Self { index, repo, preferences }
    }
    fn find(&self, path: &str) -> Result<Option<IncludedPage>> {
        let Some(row) = self.index.page(&PagePath::parse(path)?.key())? else { return Ok(None) };
        if row.mode == FileMode::Symlink {
            return Ok(None);
        }
        let source = String::from_utf8(self.repo.blob(row.blob)?).ok();
        Ok(source.map(|source| IncludedPage { path: row.path.as_str().to_string(), source }))
    }
    fn listed(&self, path: &str) -> Result<Vec<PageEntry>> {
        let (rows, prefix) = match path {
            "" => (self.index.pages()?, None),
            path => {
                let path = PagePath::parse(path)?;
                (self.index.pages_below(&path)?, Some(path))
            }
        };
        let skipped = prefix.as_ref().map_or(0, |path| path.segments().count());
        let mut entries: BTreeMap<String, PageEntry> = BTreeMap::new();
        for row in rows {
            // Folders without a page of their own, too.
            let mut folder = row.path.parent();
            while let Some(path) = folder.filter(|path| path.segments().count() > skipped) {
                entries.entry(path.key().as_str().to_string()).or_insert_with(|| PageEntry {
                    title: self.title(&path, None, skipped),
                    path: path.as_str().to_string(),
                    exists: false,
                });
                folder = path.parent();
            }
            let entry = PageEntry {
                title: self.title(&row.path, row.title.as_deref(), skipped),
                path: row.path.as_str().to_string(),
                exists: true,
            };
            entries.insert(row.path.key().as_str().to_string(), entry);
        }
        Ok(entries.into_values().collect())
    }
    fn attachment(&self, path: &str) -> Result<Option<AttachmentInfo>> {
        let Some((page, name)) = path.rsplit_once('/') else { return Ok(None) };
        let found = self.index.attachment(&PagePath::parse(page)?, &AttachmentName::parse(name)?)?;
        Ok(found.filter(|file| file.mode != FileMode::Symlink))
    }
    /// The name below the page that asks.
    fn title(&self, path: &PagePath, title: Option<&str>, skipped: usize) -> String {
        let name = self.preferences.display_name(path, title);
        name.split('/').skip(skipped).collect::<Vec<_>>().join("/")
    }
}

impl Pages for IndexPages<'_> {
    fn page(&self, path: &str) -> Option<IncludedPage> {
        self.find(path).ok().flatten()
    }
    fn files(&self, path: &str) -> Vec<FileEntry> {
        let files = PagePath::parse(path).and_then(|path| self.index.attachments(&path)).unwrap_or_default();
        let entry = |file: AttachmentInfo| FileEntry {
            name: file.name.as_str().to_string(),
            bytes: file.size,
            date: minute(file.last_change.time, self.preferences.language),
            author: by(&file.last_change, self.preferences.language),
            message: file.last_change.message,
        };
        files.into_iter().filter(|file| file.mode != FileMode::Symlink).map(entry).collect()
    }
    fn file_length(&self, path: &str) -> Option<u64> {
        Some(self.attachment(path).ok()??.size)
    }
    fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.repo.blob(self.attachment(path).ok()??.blob).ok()
    }
    fn headings(&self, path: &str) -> Vec<(u8, String, String)> {
        PagePath::parse(path).and_then(|path| self.index.headings(&path.key())).unwrap_or_default()
    }
    fn below(&self, path: &str) -> Vec<PageEntry> {
        self.listed(path).unwrap_or_default()
    }
}
