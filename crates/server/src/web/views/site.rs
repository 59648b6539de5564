//! Pages about the whole wiki: search, index, help, errors.

use crate::workers::Line;
use askama::Template;
use holt_core::SafeHtml;
use holt_engine::publish::filters;
use holt_engine::publish::views::Script;

use super::{Moment, PageRef, Problem, Tab};

/// The search form and what was found.
#[derive(Template)]
#[template(path = "search.html")]
pub struct SearchView {
    /// As typed; empty for the bare form.
    pub query: String,
    /// What narrows it down.
    pub filter: SearchFilter,
    /// Best first.
    pub results: Vec<SearchResult>,
    /// How many pages match; 200 stands for 200 or more.
    pub total: usize,
    /// Whether no page has all of the words.
    pub any: bool,
    /// Pages that are called nearly so, where little was found.
    pub similar: Vec<PageRef>,
    /// Better ones, if any.
    pub newer_url: Option<String>,
    /// Further ones, if any.
    pub older_url: Option<String>,
    /// Why there is no result.
    pub problem: Option<Problem>,
}

/// Which pages are looked at, as typed; empty fields look at all.
#[derive(Debug, Clone, Default)]
pub struct SearchFilter {
    /// Whether anything is set.
    pub is_set: bool,
    /// This page and what is below it.
    pub path: String,
    /// With this tag.
    pub tag: String,
    /// Of this category.
    pub category: String,
    /// Changed by somebody of this name.
    pub author: String,
    /// Changed last on this day or later.
    pub after: String,
    /// Changed last before this day.
    pub before: String,
}

/// A page that matches.
#[derive(Debug, Clone)]
pub struct SearchResult {
    /// As shown.
    pub title: String,
    /// Where it is read.
    pub url: String,
    /// Its full name, shown when it says more than the title.
    pub path: String,
    /// Where it matches.
    pub snippet: Vec<SnippetPart>,
}

/// A run of text in a snippet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnippetPart {
    /// Around the match.
    Text(String),
    /// The match.
    Match(String),
}

/// All pages from A to Z.
#[derive(Template)]
#[template(path = "index.html")]
pub struct IndexView {
    /// In order.
    pub letters: Vec<Letter>,
    /// How many pages there are.
    pub total: usize,
}

/// The pages under one letter.
#[derive(Debug, Clone)]
pub struct Letter {
    /// As shown.
    pub letter: String,
    /// In order.
    pub entries: Vec<IndexEntry>,
}

/// One page of the index.
#[derive(Debug, Clone)]
pub struct IndexEntry {
    /// Last part of its name.
    pub title: String,
    /// The parts before; may be empty.
    pub folder: String,
    /// Where it is read.
    pub url: String,
}

/// How workers stand.
#[derive(Template)]
#[template(path = "workers.html")]
pub struct WorkersView {
    /// Token of the session.
    pub csrf: String,
    /// Where orders go.
    pub action: &'static str,
    /// Each.
    pub workers: Vec<Line>,
    /// What was done.
    pub notice: Option<String>,
    /// Why an order was refused.
    pub problem: Option<Problem>,
}

/// The repository.
#[derive(Template)]
#[template(path = "repository.html")]
pub struct RepositoryView {
    /// Token of the session.
    pub csrf: String,
    /// What was done.
    pub notice: Option<String>,
    /// Whether git clients find it.
    pub git: bool,
    /// Whether administrators may replace the history by them.
    pub force: bool,
    /// Where they would.
    pub clone_address: String,
    /// The other screens.
    pub tabs: Vec<Tab>,
    /// Where it is, for operators.
    pub path: Option<String>,
    /// The branch that is the wiki.
    pub branch: String,
    /// How many pages.
    pub pages: usize,
    /// How many files.
    pub attachments: usize,
    /// How many commits.
    pub commits: usize,
    /// What it takes on the disk.
    pub size: String,
    /// In so many packs.
    pub packs: usize,
    /// The newest commit.
    pub last: Option<LastCommit>,
}

/// See [`RepositoryView::last`].
pub struct LastCommit {
    /// First line of its message.
    pub message: String,
    /// Who made it.
    pub author: String,
    /// Where it is shown.
    pub url: String,
    /// When.
    pub when: Moment,
}

/// About the software.
#[derive(Template)]
#[template(path = "about.html")]
pub struct AboutView {
    /// Name of the wiki.
    pub site_name: String,
    /// How many pages it has.
    pub pages: usize,
    /// Version of Holt.
    pub version: String,
}

/// Something went wrong.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorView {
    /// HTTP status.
    pub status: u16,
    /// What happened, as a sentence without full stop.
    pub message: String,
    /// What to do, as a sentence.
    pub hint: Option<String>,
    /// Finds it in the log; only for our own mistakes.
    pub request_id: Option<String>,
}

/// The guide to Markdown.
#[derive(Template)]
#[template(path = "help.html")]
pub struct GuideView {
    /// In order.
    pub pieces: Vec<GuidePiece>,
    /// What the examples need to be shown fully.
    pub scripts: Vec<Script>,
}

/// A part of the guide.
pub enum GuidePiece {
    /// Rendered.
    Text(SafeHtml),
    /// Shown beside what it becomes.
    Example {
        /// Markdown.
        source: String,
        /// The same, rendered.
        result: SafeHtml,
    },
}
