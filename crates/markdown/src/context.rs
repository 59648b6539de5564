//! What rendering may know, and what comes out of it.

use crate::allowlist::Allowlist;
use holt_core::{Language, SafeHtml};

/// Everything a page's HTML depends on besides its text.
#[derive(Clone, Default)]
pub struct Context<'a> {
    /// URL path of the page, not percent-encoded: `/Some/Page`. Resolves links that begin with `./`.
    pub page_url: Option<&'a str>,
    /// Preferences of the wiki.
    pub options: Options,
    /// Knows which pages exist. Without it every link counts as good.
    pub links: Option<&'a dyn Links>,
    /// Knows what embeddings show of other pages. Without it they say that they cannot.
    pub pages: Option<&'a dyn Pages>,
    /// What the result is for.
    pub purpose: Purpose,
    /// The line of the source, from 0, that an editor is at: an empty `<span id="otterwiki_cursor">` stands in front of the block that holds
    /// it (spec/markdown.md §14).
    pub cursor_line: Option<usize>,
}

/// Knows the pages of a wiki and what is in them, for embeddings. Paths are decoded and have no leading slash.
pub trait Pages {
    /// The page that `path` names in any spelling.
    fn page(&self, path: &str) -> Option<IncludedPage>;
    /// The files beside the page `path`, by name.
    fn files(&self, path: &str) -> Vec<FileEntry>;
    /// How long the file at `path` is: the path of its page, a slash and its name.
    fn file_length(&self, path: &str) -> Option<u64>;
    /// What is in it.
    fn file(&self, path: &str) -> Option<Vec<u8>>;
    /// The pages below `path`, or all if it is empty, by path.
    fn below(&self, path: &str) -> Vec<PageEntry>;
    /// Level, text and id of the headings of the page at `path`, which is as it is stored.
    fn headings(&self, path: &str) -> Vec<(u8, String, String)>;
}

/// See [`Pages::page`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncludedPage {
    /// As it is stored.
    pub path: String,
    /// Its Markdown.
    pub source: String,
}

/// See [`Pages::files`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// When it was changed, `YYYY-MM-DD HH:MM`.
    pub date: String,
    /// Who changed it.
    pub author: String,
    /// What they said.
    pub message: String,
}

/// See [`Pages::below`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageEntry {
    /// As it is stored.
    pub path: String,
    /// What it is called, relative to the page that was asked for.
    pub title: String,
    /// Whether there is a page, not only pages below.
    pub exists: bool,
}

/// What a page shows of others: when that changes, the page does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependency {
    /// The content of a page.
    Page(String),
    /// The files beside a page.
    Files(String),
    /// Which pages there are below one, and their headings; all pages if it is empty.
    Below(String),
}

/// See [`Context::purpose`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purpose {
    /// To be shown.
    #[default]
    Page,
    /// For its words, headings and links: code is not coloured, formulas are not set.
    Words,
}

/// Preferences that influence rendering (spec/markdown.md §1.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Which half of `[[a|b]]` is the target.
    pub wikilink_style: WikilinkStyle,
    /// Whether links to other sites open in a new tab.
    pub open_links_in_new_tab: bool,
    /// HTML that writers may type besides.
    pub html_allowlist: Allowlist,
    /// Whether what Otterwiki shows as it is typed means something.
    pub extras: Extras,
    /// What our own words in a page are said in.
    pub language: Language,
}

/// See [`Options::extras`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extras {
    /// Pages look as in Otterwiki: for wikis that were imported.
    #[default]
    Off,
    /// `x^2^`, `H~2~O`, `:smile:`, definition lists, titles of alerts, captions of images, `[[toc]]`, and links to headings by their text.
    On,
}

impl Extras {
    /// From the preference `MARKDOWN_EXTRAS`.
    pub fn from_preference(value: &str) -> Self {
        if matches!(value.trim().to_lowercase().as_str(), "true" | "yes") { Self::On } else { Self::Off }
    }
}

/// See [`Options::wikilink_style`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WikilinkStyle {
    /// `[[Title|Page]]`: Otterwiki's default.
    #[default]
    TitleFirst,
    /// `[[Page|Title]]`: `LINKTITLE`, and what new wikis use.
    TargetFirst,
}

impl WikilinkStyle {
    /// From the preference `WIKILINK_STYLE` (spec/markdown.md §4.1.2).
    pub fn from_preference(value: &str) -> Self {
        match value.trim().to_uppercase().replace('_', "").as_str() {
            "LINKTITLE" | "PAGENAMETITLE" => Self::TargetFirst,
            _ => Self::TitleFirst,
        }
    }
}

/// Knows the pages of a wiki.
pub trait Links {
    /// What is at `path`, which is decoded and has no leading slash.
    fn target(&self, path: &str) -> Target;
}

/// See [`Links::target`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Something that is no page (a file, a directory), or nothing is known: the link stays as written.
    Unknown,
    /// A page; the link goes to its canonical address.
    Page {
        /// Percent-encoded, with a leading slash.
        url: String,
    },
    /// Nothing: the link is marked.
    Missing,
}

/// A rendered page.
#[derive(Debug, Clone, Default)]
pub struct Rendered {
    /// The page, safe to send.
    pub html: SafeHtml,
    /// Its headings, in order.
    pub toc: Vec<Heading>,
    /// Its links inside the wiki, in order, repeated ones too.
    pub links: Vec<Link>,
    /// Its links to places of itself, likewise.
    pub places: Vec<PlaceLink>,
    /// What it shows of other pages, repeated ones too.
    pub depends: Vec<Dependency>,
    /// What must be loaded to show it fully.
    pub requires: Requires,
    /// Its words without markup, a line per block.
    pub text: String,
    /// Its first words, at most 200 characters.
    pub description: String,
}

impl Rendered {
    /// The ids in the page that links can lead to, those of its headings among them, in order. Text that looks like one may be taken for one.
    pub fn ids(&self) -> Vec<&str> {
        let html = self.html.as_str();
        let ids = [" id=\"", " name=\""].into_iter().flat_map(|start| html.match_indices(start).map(move |(at, _)| at + start.len()));
        ids.filter_map(|at| html[at..].split_once('"').map(|(id, _)| id)).collect()
    }
}

/// A heading (spec/markdown.md §1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// From 0.
    pub index: usize,
    /// Its inline HTML.
    pub html: SafeHtml,
    /// 1 to 6.
    pub level: u8,
    /// Its words.
    pub text: String,
    /// Its id.
    pub anchor: String,
}

/// A link to something in the same wiki.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Decoded path without leading slash, query and fragment; relative links are resolved.
    pub target: String,
    /// How it is written.
    pub kind: LinkKind,
    /// The place in the target that it leads to, if it names one.
    pub place: Option<String>,
    /// The line of the source it stands in, from 1; of a block inside another, where the outer one begins.
    pub line: usize,
}

/// A link to a place of the page itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceLink {
    /// The id it leads to, decoded.
    pub place: String,
    /// The line of the source, as [`Link::line`].
    pub line: usize,
}

/// See [`Link::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// `[[Page]]`.
    Wikilink,
    /// `[text](/Page)`.
    Markdown,
    /// `![alt](/Page/file.png)`.
    Image,
}

/// See [`Rendered::requires`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requires {
    /// A formula.
    pub mathjax: bool,
    /// A Mermaid diagram.
    pub mermaid: bool,
    /// A sortable table.
    pub datatables: bool,
}
