//! Pages about what agents did, and about taking it back.

use askama::Template;
use holt_engine::publish::filters;

use super::Moment;

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
