//! What agents did here: which ones, their sessions, and the way to take one back.

use super::files::first_line;
use super::views::{AgentLine, AgentView, AgentsView, SessionBlock, SessionChange};
use super::{Context, minute};
use crate::reply::Reply;
use holt_core::{Error, Result, Revision};
use holt_engine::Read;
use holt_engine::pages::{self, AgentSession, Filter};
use http::StatusCode;

/// Sessions on one screen.
const PER_PAGE: usize = 20;
/// Changes that are named of a session.
const CHANGES: usize = 5;

/// What a program did for somebody, in one session or in all, as it stands in the addresses of the changelog and of undoing.
pub fn query(via: &str, person: &str, session: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("via", via).append_pair("person", person);
    if let Some(session) = session {
        query.append_pair("session", session);
    }
    query.finish()
}

/// The session of a revision, and where all of it is.
pub fn session_link(revision: &Revision) -> Option<(String, String)> {
    let (via, session) = (revision.via()?, revision.session()?);
    Some((session.to_string(), format!("/-/changelog?{}", query(via, revision.author.name(), Some(session)))))
}

/// `GET /-/agents[?via=…]`
pub fn show(context: &Context<'_>) -> Result<Reply> {
    if let Some(via) = context.request.query("via").filter(|via| !via.trim().is_empty()) {
        return one(context, via.trim());
    }
    let line = |row: pages::AgentRow| AgentLine {
        url: format!("/-/agents?{}", form_urlencoded::Serializer::new(String::new()).append_pair("via", &row.via).finish()),
        via: row.via,
        person: row.person,
        changes: row.changes,
        sessions: row.sessions,
        last: minute(row.times.1),
    };
    let agents = pages::agents(&context.scope::<Read>()?)?.into_iter().map(line).collect();
    context.page(StatusCode::OK, "Agents", &AgentsView { agents })
}

fn one(context: &Context<'_>, via: &str) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let before = context.request.query("before").and_then(|text| text.parse().ok());
    let mut found = pages::agent_sessions(&scope, via, before, PER_PAGE + 1)?;
    if found.is_empty() && before.is_none() {
        return Err(Error::not_found("no agent of that name has changed anything here").hint("All of them are listed at /-/agents."));
    }
    let more = found.len() > PER_PAGE;
    found.truncate(PER_PAGE);
    let base = format!("/-/agents?{}", form_urlencoded::Serializer::new(String::new()).append_pair("via", via).finish());
    let older_url = found.last().filter(|_| more).map(|last| format!("{base}&before={}", last.seq));
    let block = |row: AgentSession| -> Result<SessionBlock> {
        let query = query(via, &row.person, row.session.as_deref());
        let filter =
            Filter { via: Some(via.to_string()), person: Some(row.person.clone()), session: row.session.clone(), ..Filter::default() };
        // Commits without a session are told apart by nothing: the changelog has them.
        let changes = if row.session.is_some() { pages::changelog(&scope, &filter, None, CHANGES)? } else { Vec::new() };
        let changes = changes.iter().map(|entry| SessionChange {
            url: format!("/-/commit/{}", entry.revision.id),
            message: first_line(&entry.revision.message),
            when: minute(entry.revision.time.seconds),
        });
        let changes: Vec<SessionChange> = changes.collect();
        Ok(SessionBlock {
            session: row.session,
            person: row.person,
            count: row.changes,
            first: minute(row.times.0),
            last: minute(row.times.1),
            changes,
            changes_url: format!("/-/changelog?{query}"),
            undo_url: format!("/-/undo?{query}"),
        })
    };
    let sessions = found.into_iter().map(block).collect::<Result<Vec<_>>>()?;
    let view = AgentView { via: via.to_string(), sessions, newer_url: before.map(|_| base), older_url };
    context.slots(StatusCode::OK, via, context.draw(&view)?, None, None)
}
