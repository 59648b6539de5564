//! Pages of the review queue: what waits, and one proposal with what it would change.

use askama::Template;
use holt_core::SafeHtml;
use holt_engine::publish::filters;

use super::{Choice, DiffLayout, DiffLine, Moment, Piece, Problem};

/// The proposals that somebody may see, newest first.
#[derive(Template)]
#[template(path = "proposals.html")]
pub struct ProposalsView {
    /// What they can be asked for by.
    pub statuses: Vec<Choice>,
    /// Those asked for.
    pub proposals: Vec<ProposalEntry>,
    /// The newer part, if any.
    pub newer_url: Option<String>,
    /// The older part, if any.
    pub older_url: Option<String>,
}

/// A proposal in the list.
#[derive(Debug, Clone)]
pub struct ProposalEntry {
    /// As people call it.
    pub number: i64,
    /// The first line of its message; may be empty.
    pub title: String,
    /// Where it is looked at.
    pub url: String,
    /// Whose, and through which program.
    pub author: String,
    /// Since when.
    pub when: Moment,
    /// What became of it: a text of ours.
    pub status: &'static str,
    /// Its name in the style sheet.
    pub class: &'static str,
    /// What it touches, the first few.
    pub pages: Vec<String>,
    /// How many more.
    pub more_pages: usize,
}

/// One proposal.
#[derive(Template)]
#[template(path = "proposal.html")]
pub struct ProposalView {
    /// Token of the session.
    pub csrf: String,
    /// What it is.
    pub proposal: ProposalEntry,
    /// The other lines of its message.
    pub rest: String,
    /// When it ends by itself; none if it has ended.
    pub expires: Option<Moment>,
    /// What was decided.
    pub decision: Option<DecisionShown>,
    /// What happens to each file.
    pub files: Vec<ProposedFileShown>,
    /// The revision that this was merged with, as the form sends it back.
    pub seen: String,
    /// Whether the reader may accept and reject it now.
    pub may_review: bool,
    /// Whether the reader may take it back now.
    pub may_withdraw: bool,
    /// Whether somebody is logged in who may say something.
    pub may_comment: bool,
    /// How the changes are shown.
    pub layout: DiffLayout,
    /// What was said about it, oldest first.
    pub comments: Vec<Said>,
    /// What stands in the field for a reason.
    pub reason: String,
    /// What stands in the field for a comment.
    pub comment: String,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// What was typed where there is no field for it any more: what it was for, and the text.
    pub unsent: Vec<(String, String)>,
}

/// What was decided about a proposal.
#[derive(Debug, Clone)]
pub struct DecisionShown {
    /// Who.
    pub name: String,
    /// When.
    pub when: Moment,
    /// What they said to it; may be empty.
    pub reason: String,
    /// The commit that took it in.
    pub commit_url: Option<String>,
}

/// What a proposal does to a file.
#[derive(Debug, Clone)]
pub struct ProposedFileShown {
    /// Its place in the form.
    pub at: usize,
    /// Its name in the repository, as the form sends it back.
    pub file: String,
    /// As shown.
    pub name: String,
    /// Where it is now.
    pub url: Option<String>,
    /// "new", "deleted", "renamed from …".
    pub note: Option<String>,
    /// Why it cannot be taken as it is: a clause.
    pub conflict: Option<String>,
    /// Whether the wiki says all of it already.
    pub done: bool,
    /// What differs.
    pub body: ProposedBody,
    /// Whether it is chosen; counts where hunks are not chosen one by one.
    pub chosen: bool,
    /// The text that would be saved, to be edited; none where there is none.
    pub text: Option<String>,
    /// Whether the reviewer has written another.
    pub edited: bool,
    /// What it adds that readers of the page do not see: where, and what.
    pub hidden: Vec<String>,
    /// What of it was taken, once somebody decided: a sentence of ours.
    pub taken: Option<&'static str>,
}

/// What differs in a file.
#[derive(Debug, Clone)]
pub enum ProposedBody {
    /// Changes that can be taken one by one.
    Hunks(Vec<HunkShown>),
    /// Changes that belong together.
    Whole(Vec<Vec<DiffLine>>),
    /// The rendered page, with marks in it.
    Page(SafeHtml),
    /// Nothing to show, and why.
    Words(String),
}

/// A change that can be taken by itself.
#[derive(Debug, Clone)]
pub struct HunkShown {
    /// From 1.
    pub number: usize,
    /// Whether it is chosen.
    pub chosen: bool,
    /// Whether it was taken, where some were and others not.
    pub taken: Option<bool>,
    /// Its lines.
    pub lines: Vec<DiffLine>,
}

/// What somebody said.
#[derive(Debug, Clone)]
pub struct Said {
    /// Who.
    pub name: String,
    /// When.
    pub when: Moment,
    /// Plain text.
    pub text: String,
}
