//! What agents and other programs did in a wiki: one line for each, and each one's sessions. What is hidden from whoever asks is not counted.

use crate::scope::{Read, Scope};
use holt_core::Result;

pub use crate::db::index::{AgentRow, AgentSession};

/// Longest list of programs, and longest part of one of sessions (security.md INP-13).
const LIMIT: usize = 200;

/// The programs that made commits, latest first, at most 200.
pub fn agents(scope: &Scope<'_, Read>) -> Result<Vec<AgentRow>> {
    scope.index()?.agents(LIMIT)
}

/// The sessions of the program `via`, latest first, `limit` of them whose last commit has a place below `before`.
pub fn agent_sessions(scope: &Scope<'_, Read>, via: &str, before: Option<i64>, limit: usize) -> Result<Vec<AgentSession>> {
    scope.index()?.agent_sessions(via, before, limit.min(LIMIT))
}
