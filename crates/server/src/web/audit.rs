//! The audit log: how handlers write into it, and the screen that shows it to administrators.

use super::views::{AuditEntryView, AuditView, Choice, tabs};
use super::{Context, minute};
use crate::mail;
use crate::reply::Reply;
use holt_core::{Result, WikiId};
use holt_engine::directory::{AuditEntry, AuditFilter, AuditRow};
use http::StatusCode;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Rows on one screen (security.md INP-13).
const ROWS: usize = 50;

/// The words of the log, and what they mean.
const ACTIONS: &[(&str, &str)] = &[
    ("login", "Log-in"),
    ("register", "Registration"),
    ("setup", "First administrator"),
    ("password.change", "Password changed"),
    ("password.ask", "New password asked for by mail"),
    ("password.recover", "New password chosen by mail"),
    ("email.ask", "Confirmation asked for by mail"),
    ("email.confirm", "Address confirmed"),
    ("identity.add", "Connected with another way to log in"),
    ("identity.remove", "Disconnected from another way to log in"),
    ("passkey.add", "Passkey added"),
    ("passkey.remove", "Passkey removed"),
    ("invitation.make", "Invitation made"),
    ("invitation.revoke", "Invitation revoked"),
    ("invitation.accept", "Invitation accepted"),
    ("user.add", "Member added"),
    ("user.edit", "Member changed"),
    ("user.delete", "Member deleted"),
    ("session.end", "Session ended"),
    ("token.create", "Token made"),
    ("token.revoke", "Token revoked"),
    ("oauth.register", "Program introduced itself"),
    ("oauth.allow", "Program allowed"),
    ("oauth.revoke", "Program revoked"),
    ("oauth.reused", "Program cut off, as its secret was used twice"),
    ("access.change", "Access changed"),
    ("wiki.path_rules", "Rules for private pages changed"),
    ("wiki.agent_policy", "Rules for agents changed"),
    ("mirror.set", "Mirror changed"),
    ("mirror.sync", "Mirror looked at"),
    ("mirror.delete", "Mirror deleted"),
    ("webhook.add", "Webhook made"),
    ("webhook.change", "Webhook changed"),
    ("webhook.rotate", "Secret of a webhook replaced"),
    ("webhook.delete", "Webhook deleted"),
    ("wiki.git", "Git clients let in or kept out"),
    ("git.push", "Push"),
    ("git.force", "Forced push"),
    ("mail.settings", "Mail settings changed"),
    ("mail.test", "Test mail"),
    ("mail.stop", "Mail stopped by the link in it"),
    (mail::FAILED, "Mail not sent"),
    ("wiki.create", "Wiki made"),
    ("wiki.settings", "Settings changed"),
    ("wiki.rename", "Address of the wiki changed"),
    ("wiki.transfer", "Wiki given away"),
    ("wiki.export", "Wiki taken along"),
    ("wiki.plan", "Plan changed"),
    ("domain.add", "Domain claimed"),
    ("domain.verify", "Domain verified"),
    ("domain.main", "Address chosen"),
    ("domain.remove", "Domain removed"),
    ("domain.lost", "Domain’s record missing"),
    ("domain.end", "Domain ended"),
    ("wiki.suspend", "Wiki suspended"),
    ("wiki.resume", "Wiki resumed"),
    ("wiki.delete", "Wiki deleted"),
    ("wiki.restore", "Wiki restored"),
];

/// Writes a row about something that whoever is logged in did.
pub fn done(context: &Context<'_>, action: &str, object: &str) {
    note(context, context.own_address(), action, object, "ok");
}

/// Writes a row. A log that cannot be written stops nobody: the change itself is done.
pub fn note(context: &Context<'_>, actor: &str, action: &str, object: &str, result: &str) {
    let engine = &context.app.engine;
    let short = |text: &str| -> String { text.chars().take(254).collect() };
    let (actor, object) = (short(actor), short(object));
    let entry = AuditEntry { time: engine.clock().now(), actor: &actor, wiki: Some(context.wiki.id()), action, object: &object, result };
    if let Err(error) = engine.directory().audit(&entry) {
        tracing::warn!("not in the audit log: {}", error.chain());
    }
}

/// `GET /-/admin/audit?actor=…&action=…&before=…`: this wiki's rows; operators may ask for those of all wikis.
pub fn log(context: &Context<'_>) -> Result<Reply> {
    let query = |name: &str| context.request.query(name).unwrap_or_default().trim().to_string();
    let (actor, action) = (query("actor").to_lowercase(), query("action"));
    let operator = context.is_operator();
    let everywhere = operator && !query("everywhere").is_empty();
    let before = query("before").parse().ok();
    let wiki = (!everywhere).then_some(context.wiki.id());
    let directory = context.app.engine.directory();
    let filter = AuditFilter { wiki, actor: &actor, action: &action, before };
    let mut rows = directory.audit_log(&filter, ROWS + 1)?;
    let older = rows.len() > ROWS;
    rows.truncate(ROWS);
    let url = |before: Option<i64>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([("actor", &actor), ("action", &action)].iter().filter(|(_, value)| !value.is_empty()));
        query.extend_pairs(everywhere.then_some(("everywhere", "1")));
        query.extend_pairs(before.map(|id| ("before", id.to_string())));
        format!("/-/admin/audit?{}", query.finish())
    };
    let names = if everywhere { wiki_names(context, &rows)? } else { HashMap::new() };
    let view = AuditView {
        tabs: tabs("/-/admin/audit"),
        older_url: rows.last().filter(|_| older).map(|row| url(Some(row.id))),
        newer_url: before.map(|_| url(None)),
        entries: rows.into_iter().map(|row| entry(row, &names)).collect(),
        actions: ACTIONS.iter().map(|(word, label)| choice(word, label, &action)).collect(),
        actor,
        operator,
        everywhere,
    };
    context.page(StatusCode::OK, "Audit log", &view)
}

fn choice(word: &str, label: &str, chosen: &str) -> Choice {
    Choice { value: word.to_string(), label: label.to_string(), chosen: word == chosen }
}

fn entry(row: AuditRow, names: &HashMap<WikiId, String>) -> AuditEntryView {
    let label = ACTIONS.iter().find(|(word, _)| *word == row.action).map_or(row.action.as_str(), |(_, label)| label);
    AuditEntryView {
        label: label.to_string(),
        object: row.object,
        actor: row.actor,
        when: minute(row.time),
        wiki: row.wiki.and_then(|wiki| names.get(&wiki).cloned()),
        result: Some(row.result).filter(|result| result != "ok"),
    }
}

/// A row where no other wiki's can be.
pub(super) fn plain(row: AuditRow) -> AuditEntryView {
    entry(row, &HashMap::new())
}

fn wiki_names(context: &Context<'_>, rows: &[AuditRow]) -> Result<HashMap<WikiId, String>> {
    let mut names = HashMap::new();
    for wiki in rows.iter().filter_map(|row| row.wiki) {
        if let Entry::Vacant(place) = names.entry(wiki) {
            let record = context.app.engine.directory().wiki(wiki)?;
            place.insert(match record {
                Some(record) => record.slug.to_string(),
                None => context.say("a deleted wiki")?,
            });
        }
    }
    Ok(names)
}
