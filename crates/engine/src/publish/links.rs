//! Whether the target of a link exists, as the renderer asks it.

use crate::db::index::Index;
use holt_core::{AttachmentName, PagePath};
use holt_markdown::{Links, Target};

/// Looks targets up in the index.
pub(crate) struct IndexLinks<'i> {
    index: &'i Index,
}

impl<'i> IndexLinks<'i> {
    pub(crate) fn new(index: &'i Index) -> Self {
        Self { index }
    }
    fn look_up(&self, path: &PagePath) -> holt_core::Result<Target> {
        if let Some(row) = self.index.page(&path.key())? {
            return Ok(Target::Page { url: row.path.url() });
        }
        if let (Some(page), Ok(name)) = (path.parent(), AttachmentName::parse(path.name()))
            && self.index.attachment(&page, &name)?.is_some()
        {
            return Ok(Target::Unknown);
        }
        if let Some(page) = self.index.aliased(&path.key())? {
            return Ok(Target::Page { url: page.url() });
        }
        if self.index.directory(path)?.is_some() {
            return Ok(Target::Unknown);
        }
        // It is a screen of a page, or of the site.
        if path.reserved().is_some() {
            return Ok(Target::Unknown);
        }
        Ok(Target::Missing)
    }
}

impl Links for IndexLinks<'_> {
    fn target(&self, path: &str) -> Target {
        // Site pages and names that cannot be pages are none of the index's business.
        if path.starts_with("-/") || path.is_empty() {
            return Target::Unknown;
        }
        // A look-up that fails leaves the link as it is written: rendering does not fail for it.
        PagePath::parse(path).and_then(|path| self.look_up(&path)).unwrap_or(Target::Unknown)
    }
}
