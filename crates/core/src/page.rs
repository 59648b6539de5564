//! A page as a value, and what it is called on screen.

use crate::path::PagePath;
use crate::revision::RevisionId;

/// What a page is called on screen: its first heading, else its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(pub String);

/// A page at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where it lives.
    pub path: PagePath,
    /// Its Markdown, exactly the bytes in git. Not UTF-8 is possible in imported wikis.
    pub source: Vec<u8>,
    /// The revision of the wiki it was read at: the base revision for an edit of it.
    pub revision: RevisionId,
}

impl Page {
    /// The source as text, unless it is not UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.source).ok()
    }
}
