//! `GET /agents`: which agents and other programs wrote here, and in which sessions.

use super::{Answer, cursor, ok};
use crate::web::Context;
use holt_core::Timestamp;
use holt_engine::pages::{self, AgentRow, AgentSession};
use holt_engine::{Read, publish};
use serde_json::{Value, json};

/// Most sessions of a part (security.md INP-13).
pub const MOST: usize = 200;
/// Sessions if nobody says.
pub const USUAL: usize = 50;

fn date(seconds: i64) -> String {
    publish::rfc3339(Timestamp::utc(seconds))
}

/// Answers it: all programs, or the sessions of the one that `via` names.
pub fn show(context: &Context<'_>) -> Answer {
    let scope = context.scope::<Read>()?;
    let Some(via) = super::query::text(context, "via") else {
        let row = |row: &AgentRow| {
            let (first, last) = row.times;
            json!({
                "via": row.via, "person": row.person, "changes": row.changes, "sessions": row.sessions, "first": date(first), "last": date(last),
            })
        };
        let agents: Vec<Value> = pages::agents(&scope)?.iter().map(row).collect();
        return Ok(ok(&json!({"agents": agents})));
    };
    let limit = super::query::count(context, "limit", USUAL, MOST);
    let found = pages::agent_sessions(&scope, &via, cursor::number(context)?, limit)?;
    let row = |row: &AgentSession| {
        let (first, last) = row.times;
        json!({
            "session": row.session, "person": row.person, "changes": row.changes, "first": date(first), "last": date(last),
            "last_revision": row.last.to_string(),
        })
    };
    let sessions: Vec<Value> = found.iter().map(row).collect();
    let next = found.last().filter(|_| found.len() == limit).map(|last| cursor::make(context, &last.seq.to_string()));
    Ok(ok(&json!({"via": via, "sessions": sessions, "next_cursor": next})))
}
