//! The HTML of a published page, as compiled templates: the frame and the fragments that fill its slots.
//!
//! Knows texts and URLs only; what they say is decided by the publisher. Nothing here depends on who reads.

use super::filters;
use askama::Template;
use holt_core::{Direction, SafeHtml};
use holt_fragments::{Readers, assets};
use holt_markdown::Requires;

/// What surrounds every page of a wiki, with a marker `<!--slot:NAME-->` per slot.
#[derive(Template)]
#[template(path = "frame.html")]
pub struct FrameView<'a> {
    /// Name of the wiki.
    pub site_name: &'a str,
    /// Language of the interface (BCP 47).
    pub lang: &'a str,
    /// Which way the interface runs.
    pub dir: Direction,
    /// What the scripts say in this language.
    pub words_url: Option<&'a str>,
    /// `assets::url("style.css")`.
    pub css_url: &'a str,
    /// `assets::url("holt.js")`.
    pub js_url: &'a str,
    /// `assets::url("icon.svg")`, unless the wiki has its own.
    pub icon_url: &'a str,
    /// The wiki's own logo instead of the icon, beside its name.
    pub logo_url: Option<&'a str>,
    /// The wiki's own menu (spec/wiki.md §9.4).
    pub menu: &'a [MenuEntry],
    /// The page tree: a rendered [`TreeView`]; none if the wiki wants none.
    pub tree: Option<&'a SafeHtml>,
    /// Which of the four shortcuts stand at the top of the menu; the others stand at its end.
    pub pinned: Shortcuts,
}

/// Which of Otterwiki's four shortcuts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shortcuts {
    /// The home page.
    pub home: bool,
    /// Recent changes.
    pub changes: bool,
    /// All pages.
    pub index: bool,
    /// A new page.
    pub create: bool,
}

/// One line of the wiki's own menu.
pub enum MenuEntry {
    /// A link.
    Link {
        /// As shown.
        title: String,
        /// Checked by whoever stored it: a path, http(s) or mailto.
        url: String,
    },
    /// A rule between links.
    Separator,
}

/// The head slot.
#[derive(Template)]
#[template(path = "head.html")]
pub struct HeadView<'a> {
    /// First heading, or the page name.
    pub title: &'a str,
    /// Name of the wiki, put behind the title.
    pub site_name: &'a str,
    /// At most 200 characters of plain text; may be empty.
    pub description: &'a str,
    /// Absolute address, if the wiki knows its own.
    pub canonical: Option<&'a str>,
    /// Absolute address of a picture for link previews.
    pub image_url: Option<&'a str>,
    /// `/<page>.md`.
    pub markdown_url: Option<&'a str>,
    /// Whether search engines may list the page.
    pub indexing: Indexing,
}

/// Whether search engines may list a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indexing {
    /// Yes.
    Allowed,
    /// No: old revisions, history, search and the like.
    Refused,
}

/// A script that only some pages need.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// Where it is.
    pub url: &'static str,
    /// The document it works in.
    pub frame: Option<&'static str>,
}

/// The scripts that show a page fully.
pub fn scripts(requires: Requires) -> Vec<Script> {
    let mut scripts = Vec::new();
    if requires.datatables {
        scripts.push(Script { url: assets::url("tables.js"), frame: None });
    }
    if requires.mermaid {
        scripts.push(Script { url: assets::url("diagrams.js"), frame: Some(assets::url("diagram.html")) });
    }
    scripts
}

/// The crumbs slot: where the page is, and what can be done with it.
#[derive(Template)]
#[template(path = "crumbs.html")]
pub struct CrumbsView<'a> {
    /// From the top down to the page itself, without the home page.
    pub crumbs: &'a [PageLink],
    /// Who may read the page; that fewer do than read the wiki is shown.
    pub readers: Readers,
    /// The buttons.
    pub actions: PageActions<'a>,
}

/// What the buttons beside the crumbs act on. `verbs` is the page's path without trailing slash: `/Home`, even where the page is read at `/`.
pub enum PageActions<'a> {
    /// A page that exists.
    Page {
        /// Prefix of the verbs.
        verbs: &'a str,
    },
    /// A folder without a page.
    Directory {
        /// Prefix of the verbs.
        verbs: &'a str,
    },
    /// No buttons.
    None,
}

/// A page, as a link.
pub struct PageLink {
    /// As shown.
    pub title: String,
    /// Percent-encoded.
    pub url: String,
}

/// The main slot of a page.
#[derive(Template)]
#[template(path = "article.html")]
pub struct ArticleView<'a> {
    /// Page path, for custom stylesheets.
    pub path: &'a str,
    /// What it is written in, where that is not the language of the interface.
    pub lang: Option<&'a str>,
    /// The rendered page.
    pub html: &'a SafeHtml,
    /// Whether an aside follows: it comes later over the wire, and its place is kept for it so that the text does not move.
    pub beside: bool,
    /// What it needs to be shown fully.
    pub scripts: &'a [Script],
}

/// The aside slot. Leave the slot out when all lists are empty: the text then gets the room.
#[derive(Template)]
#[template(path = "aside.html")]
pub struct AsideView<'a> {
    /// Headings of the page; see [`TocEntry::depth`]. A lone heading is no table of contents: pass none.
    pub toc: &'a [TocEntry],
    /// Tags of the page.
    pub tags: &'a [PageLink],
    /// Pages that link here, best first, as many as are worth showing.
    pub backlinks: &'a [PageLink],
    /// How many more there are.
    pub more_backlinks: usize,
}

/// One heading.
pub struct TocEntry {
    /// 0 to 3: its level below the highest level of the page.
    pub depth: u8,
    /// Its id.
    pub anchor: String,
    /// Its text.
    pub text: String,
}

/// The foot slot.
#[derive(Template)]
#[template(path = "foot.html")]
pub struct FootView<'a> {
    /// Who changed the page last.
    pub author: &'a str,
    /// When, as shown: an absolute date, as the page is stored for long.
    pub changed: &'a str,
    /// The same in RFC 3339.
    pub changed_iso: &'a str,
    /// Prefix of the page's verbs.
    pub verbs: &'a str,
    /// How many files are attached.
    pub attachments: usize,
}

/// A level of the page tree: the same bytes for every page, so no node knows whether it is the current one (holt.js marks it).
#[derive(Template)]
#[template(path = "tree.html")]
pub struct TreeView {
    /// In display order.
    pub nodes: Vec<TreeNode>,
}

/// A page or folder of the tree.
pub struct TreeNode {
    /// As shown.
    pub title: String,
    /// Its canonical URL: `/` for the home page.
    pub url: String,
    /// What is below it.
    pub children: TreeView,
    /// Whether that is shown at once.
    pub open: bool,
    /// Where what is below it is listed, when that is too much to stand here.
    pub more: Option<String>,
}

/// The main slot of a page that is not there.
#[derive(Template)]
#[template(path = "not_found.html")]
pub struct NotFoundView<'a> {
    /// The name asked for. `None` in the published form, which serves every name.
    pub name: Option<&'a str>,
    /// Where to create it. `None` in the published form.
    pub create_url: Option<&'a str>,
    /// What the wiki says instead of our words.
    pub own: Option<&'a SafeHtml>,
}

/// The main slot of a folder without a page.
#[derive(Template)]
#[template(path = "directory.html")]
pub struct DirectoryView<'a> {
    /// Name of the folder.
    pub title: &'a str,
    /// Everything below it, in tree order.
    pub pages: &'a [DirectoryEntry],
}

/// A page in a folder.
pub struct DirectoryEntry {
    /// As shown.
    pub title: String,
    /// Percent-encoded.
    pub url: String,
    /// 0 to 3: how deep below the folder.
    pub depth: u8,
}

/// The main slot of a page whose stored bytes cannot be shown.
#[derive(Template)]
#[template(path = "storage_error.html")]
pub struct StorageErrorView<'a> {
    /// Name of the page.
    pub title: &'a str,
    /// What is wrong, as a sentence.
    pub message: &'a str,
    /// What to do.
    pub hint: Option<&'a str>,
    /// Prefix of the page's verbs.
    pub verbs: &'a str,
}
