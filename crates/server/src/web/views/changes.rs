//! Pages about what changed: history, differences, blame, source.

use askama::Template;
use holt_core::SafeHtml;
use holt_engine::publish::filters;
use holt_engine::publish::views::Script;

use super::{Moment, PageRef, Problem};

/// The revisions of one page, newest first.
#[derive(Template)]
#[template(path = "history.html")]
pub struct HistoryView {
    /// Whose history.
    pub page: PageRef,
    /// Token of the session.
    pub csrf: String,
    /// As many as fit on a screen or five.
    pub entries: Vec<HistoryEntry>,
    /// The newer part, if any.
    pub newer_url: Option<String>,
    /// The older part, if any.
    pub older_url: Option<String>,
    /// Why the form came back.
    pub problem: Option<Problem>,
}

/// One revision of a page or file.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// In full.
    pub revision: String,
    /// As shown.
    pub short: String,
    /// Since when.
    pub when: Moment,
    /// Whose.
    pub author: String,
    /// Who pushed it, if that is another one.
    pub pushed_by: Option<String>,
    /// First line of the message; may be empty.
    pub message: String,
    /// The page or file as it was.
    pub view_url: String,
    /// The whole commit.
    pub commit_url: String,
    /// Where to take it back.
    pub revert_url: Option<String>,
    /// The name it had then, if another.
    pub old_name: Option<String>,
}

/// Everything that happened in the wiki, newest first.
#[derive(Template)]
#[template(path = "changelog.html")]
pub struct ChangelogView {
    /// Newest first.
    pub days: Vec<Day>,
    /// The newer part, if any.
    pub newer_url: Option<String>,
    /// The older part, if any.
    pub older_url: Option<String>,
    /// Asked for: by whom.
    pub author: String,
    /// Asked for: by which program, for whomever.
    pub agent: String,
    /// Asked for: by whom, called exactly so.
    pub person: String,
    /// Asked for: by a program called exactly so.
    pub via: String,
    /// Asked for: in which session of a program.
    pub session: String,
    /// Asked for: to which page or what is below it.
    pub path: String,
    /// Asked for: since which day.
    pub from: String,
    /// Asked for: until which day, included.
    pub until: String,
    /// Whether anything was asked for.
    pub filtered: bool,
    /// Where to take all of it back, if it was asked whose it is.
    pub undo_url: Option<String>,
    /// What was asked for as it stands in addresses.
    pub feed_query: String,
}

/// The changes of one day.
#[derive(Debug, Clone)]
pub struct Day {
    /// As shown: "Today", "21 November 2026".
    pub label: String,
    /// Newest first.
    pub entries: Vec<CommitEntry>,
}

/// One commit.
#[derive(Debug, Clone)]
pub struct CommitEntry {
    /// As shown.
    pub short: String,
    /// Since when.
    pub when: Moment,
    /// Whose.
    pub author: String,
    /// Who pushed it, if that is another one.
    pub pushed_by: Option<String>,
    /// The session of a program in which it was made, and where all of that is.
    pub session: Option<(String, String)>,
    /// First line of the message; may be empty.
    pub message: String,
    /// The commit.
    pub commit_url: String,
    /// Where to take it back.
    pub revert_url: Option<String>,
    /// What it touched, the first few.
    pub files: Vec<ChangedFile>,
    /// How many more.
    pub more_files: usize,
}

/// A page or file that a commit touched.
#[derive(Debug, Clone)]
pub struct ChangedFile {
    /// As shown.
    pub title: String,
    /// As it was then; `None` when the commit deleted it.
    pub url: Option<String>,
}

/// Two versions of a page.
#[derive(Template)]
#[template(path = "diff.html")]
pub struct DiffView {
    /// Which page.
    pub page: PageRef,
    /// The older one.
    pub old: Version,
    /// The newer one.
    pub new: Version,
    /// How it is shown.
    pub layout: DiffLayout,
    /// The same, inline.
    pub inline_url: String,
    /// The same, side by side.
    pub side_by_side_url: String,
    /// The same, in the rendered page.
    pub page_url: String,
    /// One change back.
    pub previous_url: Option<String>,
    /// One change on.
    pub next_url: Option<String>,
    /// Usually one.
    pub files: Vec<FileDiff>,
}

/// How a difference is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffLayout {
    /// One column.
    Inline,
    /// Two columns.
    SideBySide,
    /// The rendered page, with marks in it.
    Page,
}

/// One side of a difference.
#[derive(Debug, Clone)]
pub struct Version {
    /// As shown.
    pub short: String,
    /// The page as it was.
    pub url: String,
    /// Whose.
    pub author: String,
    /// Since when.
    pub when: Moment,
    /// First line of the message.
    pub message: String,
}

/// A commit and what it changed.
#[derive(Template)]
#[template(path = "commit.html")]
pub struct CommitView {
    /// In full.
    pub revision: String,
    /// Whose.
    pub author: String,
    /// Who pushed it, if that is another one.
    pub pushed_by: Option<String>,
    /// Since when.
    pub when: Moment,
    /// First line of the message, or a stand-in.
    pub message_title: String,
    /// The other lines.
    pub message_rest: String,
    /// Where to take it back.
    pub revert_url: Option<String>,
    /// What it changed.
    pub files: Vec<FileDiff>,
}

/// What changed in one file.
#[derive(Debug, Clone)]
pub struct FileDiff {
    /// As shown.
    pub name: String,
    /// The file as it is after the change.
    pub url: Option<String>,
    /// "new", "deleted", "renamed from …".
    pub note: Option<String>,
    /// The lines.
    pub body: DiffBody,
}

/// The lines of a difference, laid out.
#[derive(Debug, Clone)]
pub enum DiffBody {
    /// One column.
    Inline(Vec<DiffLine>),
    /// Two columns.
    SideBySide(Vec<SideRow>),
    /// The rendered page, with marks in it.
    Page(SafeHtml),
    /// Nothing to show, and why: "Binary file, 70 KiB".
    Words(String),
}

/// A line in one column.
#[derive(Debug, Clone)]
pub struct DiffLine {
    /// What happened to it.
    pub kind: LineKind,
    /// Its number before.
    pub old: Option<usize>,
    /// Its number after.
    pub new: Option<usize>,
    /// Its text.
    pub pieces: Vec<Piece>,
}

/// A row in two columns.
#[derive(Debug, Clone)]
pub enum SideRow {
    /// Lines left out, and how many in words.
    Gap(String),
    /// Lines that belong together; one of them may be missing.
    Lines {
        /// Before.
        left: Option<SideLine>,
        /// After.
        right: Option<SideLine>,
    },
}

/// A line in one of two columns.
#[derive(Debug, Clone)]
pub struct SideLine {
    /// Counted from 1.
    pub number: usize,
    /// What happened to it.
    pub kind: LineKind,
    /// Its text.
    pub pieces: Vec<Piece>,
}

/// What happened to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// Nothing.
    Same,
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It stands for lines left out.
    Gap,
}

impl LineKind {
    /// Its name in the stylesheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Gap => "gap",
        }
    }
    /// Its mark, for those who do not see colours.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Removed => "−",
            Self::Same | Self::Gap => "",
        }
    }
}

/// A run of characters within a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// In both versions, or in a line that is marked as a whole.
    Same(String),
    /// Only after.
    Added(String),
    /// Only before.
    Removed(String),
}

/// Who wrote each line.
#[derive(Template)]
#[template(path = "blame.html")]
pub struct BlameView {
    /// Which page.
    pub page: PageRef,
    /// Neighbouring lines of one commit, top down.
    pub groups: Vec<BlameGroup>,
}

/// Neighbouring lines of one commit.
#[derive(Debug, Clone)]
pub struct BlameGroup {
    /// As shown.
    pub short: String,
    /// The commit.
    pub commit_url: String,
    /// The page as it was after it.
    pub view_url: String,
    /// Whose.
    pub author: String,
    /// Since when.
    pub when: Moment,
    /// First line of the message.
    pub message: String,
    /// The lines.
    pub lines: Vec<BlameLine>,
}

/// A line of the page.
#[derive(Debug, Clone)]
pub struct BlameLine {
    /// Counted from 1.
    pub number: usize,
    /// Its text.
    pub text: String,
}

/// The Markdown of a page.
#[derive(Template)]
#[template(path = "source.html")]
pub struct SourceView {
    /// Which page.
    pub page: PageRef,
    /// Short id, if it is not the current one.
    pub revision: Option<String>,
    /// The text.
    pub source: String,
    /// The same without page around it.
    pub raw_url: String,
}

/// A page as it was.
#[derive(Template)]
#[template(path = "revision.html")]
pub struct RevisionView {
    /// Which page.
    pub page: PageRef,
    /// Short id.
    pub short: String,
    /// Whose.
    pub author: String,
    /// Since when.
    pub when: Moment,
    /// What changed since.
    pub diff_url: Option<String>,
    /// The rendered text.
    pub html: SafeHtml,
    /// What it needs to be shown fully.
    pub scripts: Vec<Script>,
}
