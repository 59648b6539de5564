//! How the platform's handlers write into the audit log.

use super::Visitor;
use holt_core::WikiId;
use holt_engine::directory::AuditEntry;

/// Writes a row about something that whoever is logged in did, to a wiki or above all of them.
pub fn done(visitor: &Visitor<'_>, wiki: Option<WikiId>, action: &str, object: &str) {
    let actor = visitor.user.as_ref().map_or("", |user| user.email.as_str());
    note(visitor, actor, wiki, action, object, "ok");
}

/// Writes a row. A log that cannot be written stops nobody: the change itself is done.
pub fn note(visitor: &Visitor<'_>, actor: &str, wiki: Option<WikiId>, action: &str, object: &str, result: &str) {
    let short = |text: &str| -> String { text.chars().take(254).collect() };
    let (actor, object) = (short(actor), short(object));
    let entry = AuditEntry { time: visitor.now(), actor: &actor, wiki, action, object: &object, result };
    if let Err(error) = visitor.app.engine.directory().audit(&entry) {
        tracing::warn!("not in the audit log: {}", error.chain());
    }
}
