//! What goes into the index, as plain data that `sync` fills from the repository and the renderer.

use super::care::{Flaw, Sketch};
use crate::frontmatter;
use crate::repo::{BlobId, FileMode, LogEntry};
use holt_core::{PagePath, RevisionId};
use holt_markdown::{Dependency, Link, Properties};

/// What happened up to a revision: one transaction.
#[derive(Debug)]
pub struct IndexBatch {
    /// The commits since the cursor, ancestors first.
    pub log: Vec<LogEntry>,
    /// Pages that are there, as they are now.
    pub pages: Vec<PageDoc>,
    /// Other files that are there, as they are now.
    pub files: Vec<FileDoc>,
    /// Files that are not there any more. Those that never had a row do no harm.
    pub removed: Vec<String>,
    /// The revision all this describes.
    pub cursor: RevisionId,
}

impl IndexBatch {
    /// Nothing, at `cursor`.
    pub fn at(cursor: RevisionId) -> Self {
        Self { log: Vec::new(), pages: Vec::new(), files: Vec::new(), removed: Vec::new(), cursor }
    }
}

/// A page as it is now.
#[derive(Debug, Clone)]
pub struct PageDoc {
    /// Its path.
    pub path: PagePath,
    /// Its place in the tree.
    pub file: String,
    /// Its content.
    pub blob: BlobId,
    /// What kind of file it is. A symbolic link has no text.
    pub mode: FileMode,
    /// In bytes.
    pub size: u64,
    /// Whether it can be read as text.
    pub utf8: bool,
    /// The text of its first heading.
    pub title: Option<String>,
    /// Level, text and anchor of its headings, in order.
    pub headings: Vec<(u8, String, String)>,
    /// Its links inside the wiki, in order.
    pub links: Vec<Link>,
    /// Ids in it that links can lead to, besides those of its headings.
    pub places: Vec<String>,
    /// What its text alone says is wrong with it.
    pub flaws: Vec<Flaw>,
    /// What tells whether another page says the same; none if it says hardly anything.
    pub sketch: Option<Sketch>,
    /// What it shows of other pages.
    pub depends: Vec<Dependency>,
    /// Tags and other names.
    pub properties: Properties,
    /// What lists say about it.
    pub facts: Facts,
    /// A line or two for lists.
    pub description: String,
    /// Its words, without markup.
    pub text: String,
}

impl PageDoc {
    /// A page whose source says nothing yet: not rendered, a symbolic link, or not text.
    pub fn new(path: PagePath, file: String, blob: BlobId, mode: FileMode, size: u64) -> Self {
        let (headings, links, depends, properties) = (Vec::new(), Vec::new(), Vec::new(), Properties::default());
        let (title, description, text) = (None, String::new(), String::new());
        let (facts, places, flaws, sketch) = (Facts::default(), Vec::new(), Vec::new(), None);
        Self {
            path,
            file,
            blob,
            mode,
            size,
            utf8: false,
            title,
            headings,
            links,
            places,
            flaws,
            sketch,
            depends,
            properties,
            facts,
            description,
            text,
        }
    }
}

/// What lists say about a page (spec/api.md §2.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `title` of its properties.
    pub name: Option<String>,
    /// `category` of its properties.
    pub category: Option<String>,
    /// `tags` of its properties, in order.
    pub tags: Vec<String>,
    /// Words of the text below the properties.
    pub length: u64,
}

impl Facts {
    /// What `source` says.
    pub fn of(source: &str) -> Self {
        let (map, body) = frontmatter::split(source);
        let text = |name: &str| frontmatter::text(map.as_ref().and_then(|map| map.get(name)));
        let length = body.split_whitespace().count() as u64;
        Self { name: text("title"), category: text("category"), tags: frontmatter::tags(map.as_ref()), length }
    }
}

/// A file that is no page.
#[derive(Debug, Clone)]
pub struct FileDoc {
    /// Its place in the tree.
    pub file: String,
    /// Its content.
    pub blob: BlobId,
    /// What kind of file it is.
    pub mode: FileMode,
    /// In bytes.
    pub size: u64,
}
