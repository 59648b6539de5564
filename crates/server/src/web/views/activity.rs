//! Pages about what agents did, and about taking it back.

use askama::Template;
use holt_engine::publish::filters;

use super::{DiffBody, FileDiff, LineKind, Moment, Piece, Problem, SideRow};

/// The agents that wrote here.
#[derive(Template)]
#[template(path = "agents.html")]
pub struct AgentsView {
    /// Latest first.
    pub agents: Vec<AgentLine>,
}

/// An agent and somebody it wrote for.
#[derive(Debug, Clone)]
pub struct AgentLine {
    /// As commits name it.
    pub via: String,
    /// Its page.
    pub url: String,
    /// For whom.
    pub person: String,
    /// How many.
    pub changes: usize,
    /// In how many sessions.
    pub sessions: usize,
    /// When it wrote last.
    pub last: Moment,
}

/// What one agent did.
#[derive(Template)]
#[template(path = "agent.html")]
pub struct AgentView {
    /// As commits name it.
    pub via: String,
    /// Latest first.
    pub sessions: Vec<SessionBlock>,
    /// The newer part, if any.
    pub newer_url: Option<String>,
    /// The older part, if any.
    pub older_url: Option<String>,
}

/// What it did in one go.
#[derive(Debug, Clone)]
pub struct SessionBlock {
    /// What it is called; none for changes that name none.
    pub session: Option<String>,
    /// For whom.
    pub person: String,
    /// How many changes.
    pub count: usize,
    /// From when.
    pub first: Moment,
    /// Until when.
    pub last: Moment,
    /// The last few.
    pub changes: Vec<SessionChange>,
    /// All of them.
    pub changes_url: String,
    /// Where to take them back.
    pub undo_url: String,
}

/// One change.
#[derive(Debug, Clone)]
pub struct SessionChange {
    /// The commit.
    pub url: String,
    /// First line of the message; may be empty.
    pub message: String,
    /// Since when.
    pub when: Moment,
}

/// What undoing many changes would do.
#[derive(Template)]
#[template(path = "undo.html")]
pub struct UndoView {
    /// Token of the session.
    pub csrf: String,
    /// Where the form goes.
    pub action: String,
    /// The changes themselves.
    pub changes_url: String,
    /// Which preview this is.
    pub plan: String,
    /// How many changes.
    pub commits: usize,
    /// Of which program; empty for any.
    pub via: String,
    /// By whom; empty for anybody.
    pub person: String,
    /// In which session; empty for any.
    pub session: String,
    /// What would change.
    pub checks: Vec<UndoCheck>,
    /// How, of the first.
    pub files: Vec<FileDiff>,
    /// Of how many it is not shown.
    pub more: usize,
    /// What would not.
    pub stays: Vec<UndoStays>,
    /// Why the form came back.
    pub problem: Option<Problem>,
}

/// A file that undoing changes.
#[derive(Debug, Clone)]
pub struct UndoCheck {
    /// As the form names it.
    pub file: String,
    /// As shown.
    pub name: String,
    /// What happens to it, in words.
    pub what: String,
    /// Whether it is ticked.
    pub chosen: bool,
}

/// A file that stays as it is.
#[derive(Debug, Clone)]
pub struct UndoStays {
    /// As shown.
    pub name: String,
    /// Where to see what happened to it.
    pub history_url: Option<String>,
    /// Why.
    pub why: &'static str,
}
