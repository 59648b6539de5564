//! What people say about pages, and what concerns them.

use askama::Template;
use holt_core::SafeHtml;
use holt_engine::publish::filters;
use holt_engine::publish::views::Script;

use super::{Choice, Moment, PageRef, Problem};

/// What was said about a page.
#[derive(Template)]
#[template(path = "comments.html")]
pub struct CommentsView {
    /// The page.
    pub page: PageRef,
    /// Token of the session.
    pub csrf: String,
    /// How many threads are open.
    pub open: usize,
    /// How many are resolved.
    pub resolved: usize,
    /// The open ones of this part.
    pub threads: Vec<ThreadShown>,
    /// The resolved ones of this part.
    pub done: Vec<ThreadShown>,
    /// Whether only one thread was asked for.
    pub alone: bool,
    /// Which part this is, as forms send it back.
    pub at: String,
    /// Where strangers log in; none for whoever is logged in.
    pub login_url: Option<String>,
    /// Whether comments are switched on.
    pub takes: bool,
    /// Whether there is a page to begin a thread about.
    pub is_page: bool,
    /// What stands in the form for a new thread.
    pub fresh: Kept,
    /// Whether the reader watches the page.
    pub watching: WatchState,
    /// Why a form came back.
    pub problem: Option<Problem>,
    /// The part before.
    pub newer_url: Option<String>,
    /// The part behind.
    pub older_url: Option<String>,
    /// What the comments need to be shown fully.
    pub scripts: Vec<Script>,
}

/// What stands in a form.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The comment.
    pub text: String,
    /// Words of the page.
    pub quote: String,
    /// What stands before them.
    pub before: String,
    /// What stands behind them.
    pub after: String,
}

/// Whether and how a page is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchState {
    /// It is not.
    No,
    /// It is.
    Page,
    /// It is, with everything below it.
    Below,
}

/// A thread.
#[derive(Debug, Clone)]
pub struct ThreadShown {
    /// Its number.
    pub id: i64,
    /// The words it is about.
    pub quote: Option<QuoteShown>,
    /// Who resolved it, and when.
    pub resolved: Option<(String, Moment)>,
    /// Whether the reader may resolve it and open it again.
    pub may_resolve: bool,
    /// Oldest first.
    pub comments: Vec<CommentShown>,
    /// What stands in the form for an answer.
    pub answer: String,
}

/// Words of a page.
#[derive(Debug, Clone)]
pub struct QuoteShown {
    /// The words.
    pub text: String,
    /// Where they stand; none if they are gone.
    pub url: Option<String>,
}

/// A comment.
#[derive(Debug, Clone)]
pub struct CommentShown {
    /// Its number.
    pub id: i64,
    /// Who wrote it.
    pub name: String,
    /// The first letter of that.
    pub initial: String,
    /// When.
    pub when: Moment,
    /// When it was last changed.
    pub edited: Option<Moment>,
    /// Whether it was taken back.
    pub deleted: bool,
    /// What it says.
    pub html: SafeHtml,
    /// What stands in the form that changes it.
    pub source: String,
    /// Whether that form came back.
    pub editing: bool,
    /// Whether the reader may change it.
    pub may_edit: bool,
    /// Whether the reader may delete it.
    pub may_delete: bool,
}

/// What concerns somebody.
#[derive(Template)]
#[template(path = "inbox.html")]
pub struct InboxView {
    /// Token of the session.
    pub csrf: String,
    /// What was said to them, newest first.
    pub notices: Vec<InboxNotice>,
    /// Where older ones are.
    pub older_notices: Option<String>,
    /// What they are told of proposals, newest first.
    pub proposals: Vec<InboxProposal>,
    /// Where older ones are.
    pub older_proposals: Option<String>,
    /// What changed in what they watch, newest first.
    pub changes: Vec<InboxChange>,
    /// Where older ones are.
    pub older_changes: Option<String>,
    /// Whether there is anything they have not looked at.
    pub news: bool,
    /// The newest comment there is.
    pub comment: i64,
    /// The newest notice about a proposal.
    pub proposal: i64,
    /// The revision the wiki stands at.
    pub revision: String,
    /// What they watch.
    pub watches: Vec<WatchShown>,
    /// How often they get mail.
    pub mail: Vec<Choice>,
    /// What was done.
    pub notice: Option<String>,
}

/// Something that was said to somebody.
#[derive(Debug, Clone)]
pub struct InboxNotice {
    /// Who said it.
    pub name: String,
    /// Why they are told: "mentioned you on".
    pub what: &'static str,
    /// The page.
    pub page: String,
    /// Where it is read.
    pub url: String,
    /// Its first words.
    pub excerpt: String,
    /// When.
    pub when: Moment,
    /// Whether it is new.
    pub unread: bool,
}

/// What somebody is told of a proposal.
#[derive(Debug, Clone)]
pub struct InboxProposal {
    /// What happened.
    pub said: String,
    /// Where it is read.
    pub url: String,
    /// The pages it touches; or why it was decided so.
    pub about: String,
    /// When.
    pub when: Moment,
    /// Whether it is new.
    pub unread: bool,
}

/// A commit.
#[derive(Debug, Clone)]
pub struct InboxChange {
    /// Who made it.
    pub author: String,
    /// What they say about it.
    pub message: String,
    /// Where it is shown.
    pub url: String,
    /// What it touched of what is watched.
    pub files: Vec<String>,
    /// How much more.
    pub more_files: usize,
    /// When.
    pub when: Moment,
    /// Whether it is new.
    pub unread: bool,
}

/// A watched page.
#[derive(Debug, Clone)]
pub struct WatchShown {
    /// Which.
    pub page: PageRef,
    /// Whether with everything below it.
    pub below: bool,
}
