//! `GET /changes`: what changed since a revision, at once, as soon as something does, or as events (spec/api.md §10).

use super::accept::Accept;
use super::failure::Failure;
use super::{Answer, cursor, entry, ok};
use crate::follow::{How, Later, attach};
use crate::followers::{OF_A_CALLER, Place};
use crate::request::Turn;
use crate::web::Context;
use holt_core::{ChangeKind, Error, PagePath, RevisionId, RevisionPrefix};
use holt_engine::Read;
use holt_engine::db::preferences::Preferences;
use holt_engine::pages::{self, Changes, ChangesPlace, Entry, Since};
use http::{Method, StatusCode, Uri};
use serde_json::{Value, json};
use std::time::Duration;

/// Most commits in an answer (security.md INP-13).
pub const MOST: usize = 200;
/// Commits in an answer if nobody says.
pub const USUAL: usize = 50;
/// Longest time an answer is held back, in seconds.
pub const LONGEST: u64 = 60;
/// Before everything: what git writes where there is no commit.
pub const BEGINNING: &str = "0000000000000000000000000000000000000000";
/// What a cursor carries itself.
const OWN: &[&str] = &["since", "wait"];

/// Answers it.
pub fn show(context: &Context<'_>) -> Answer {
    let how = how(context)?;
    // Before anything is looked up: what happens from here on wakes whoever waits.
    let place = match (how, context.request.turn) {
        (Some(_), Turn::First) => Some(enter(context)?),
        _ => None,
    };
    let scope = context.scope::<Read>()?;
    let (since, at) = match cursor::read_but(context, OWN)? {
        Some(text) => {
            let (since, at) = places(&text).ok_or_else(cursor::refuse)?;
            (Some(since), Some(at))
        }
        None => (asked(context)?, None),
    };
    let limit = super::query::count(context, "limit", USUAL, MOST);
    let Changes { entries, until, next } = match since {
        Some(since) => pages::changes(&scope, since, at, limit)?.ok_or_else(unknown)?,
        // Whoever begins now.
        None => Changes { entries: Vec::new(), until: pages::newest(&scope)?, next: None },
    };
    let preferences = context.preferences()?;
    let until = until.map_or_else(|| BEGINNING.to_string(), |id| id.to_string());
    let next = next.map(|next| cursor::make_but(context, OWN, &format!("{} {} {}", name(since), next.until, next.last)));
    let changes: Vec<Value> = entries.iter().map(|one| change(&preferences, one)).collect();
    let reply = ok(&json!({"changes": changes, "until": until, "next_cursor": next}));
    let Some(how) = how.filter(|how| *how == How::Stream || entries.is_empty()) else { return Ok(reply) };
    let from = if next.is_some() { name(since) } else { until.clone() };
    let again = match &next {
        Some(cursor) => format!("{}?limit={limit}&since={from}&cursor={cursor}&wait=1", super::CHANGES),
        None => format!("{}?limit={limit}&since={from}&wait=1", super::CHANGES),
    };
    let events = entries.iter().map(|one| one.revision.id.to_string()).zip(changes.iter().map(Value::to_string)).collect();
    let uri = Uri::try_from(again).map_err(|e| Error::internal("ask again").because(e))?;
    Ok(attach(reply, Later { place, how, next: uri, more: next.is_some(), events, until, farewell: None }))
}

/// How the answer is wanted that waits, if one is.
fn how(context: &Context<'_>) -> Result<Option<How>, Failure> {
    let seconds = match super::query::text(context, "wait") {
        Some(text) => text
            .parse::<u64>()
            .map_err(|_| Failure::field("wait", "wait is no number of seconds", format!("Send 0 to {LONGEST} seconds.")))?,
        None => 0,
    };
    if context.request.method != Method::GET {
        return Ok(None);
    }
    if Accept::of(context.request).named("text/event-stream").is_some() {
        return Ok(Some(How::Stream));
    }
    Ok((seconds > 0).then(|| How::Answer(Duration::from_secs(seconds.min(LONGEST)))))
}

fn enter(context: &Context<'_>) -> Result<Place, Failure> {
    context.app.followers.enter(context.wiki.id(), &context.identity, OF_A_CALLER).ok_or_else(|| {
        let error = Error::busy("too many wait for changes already").hint("Close a connection that waits, or ask without waiting.");
        Failure::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", error)
    })
}

/// From where on: what a reconnecting stream has seen, else `since`; from now on without either.
fn asked(context: &Context<'_>) -> Result<Option<Since>, Failure> {
    let seen = context.request.header("last-event-id").filter(|_| context.request.turn == Turn::First).map(str::trim);
    let seen = seen.filter(|text| !text.is_empty()).map(str::to_string);
    let Some(text) = seen.or_else(|| super::query::text(context, "since")) else {
        // An empty variable would skip whatever happened meanwhile.
        return match context.request.query("since") {
            Some(_) => Err(Failure::field("since", "since is empty", "Send `until` of the answer before, or leave it out to begin now.")),
            None => Ok(None),
        };
    };
    if text == BEGINNING {
        return Ok(Some(Since::Beginning));
    }
    if let Ok(id) = RevisionId::parse(&text) {
        return Ok(Some(Since::Revision(id)));
    }
    let bad = || Failure::field("since", "since is no revision", "Send `until` of the answer before: 7 to 40 hexadecimal digits.");
    if text.len() < 7 {
        return Err(bad());
    }
    let prefix = RevisionPrefix::parse(&text).map_err(|_| bad())?;
    let found = pages::resolve(&context.scope::<Read>()?, &prefix).map_err(|_| unknown())?;
    Ok(Some(Since::Revision(found)))
}

/// The refusal of a revision that is not in the history.
pub fn unknown() -> Failure {
    let error = Error::not_found("that revision is not part of this wiki's history")
        .hint("Start anew: ask without since, keep `until`, list the pages, and go on from there.");
    Failure::new(StatusCode::GONE, "revision_unknown", error).with("field", "since")
}

fn name(since: Option<Since>) -> String {
    match since {
        Some(Since::Revision(id)) => id.to_string(),
        _ => BEGINNING.to_string(),
    }
}

fn places(text: &str) -> Option<(Since, ChangesPlace)> {
    let mut ids = text.split(' ');
    let since = match ids.next()? {
        BEGINNING => Since::Beginning,
        id => Since::Revision(RevisionId::parse(id).ok()?),
    };
    let mut id = || RevisionId::parse(ids.next()?).ok();
    Some((since, ChangesPlace { until: id()?, last: id()? }))
}

/// A commit with what it did to pages and files.
pub fn change(preferences: &Preferences, one: &Entry) -> Value {
    let (mut pages, mut files) = (Vec::new(), Vec::new());
    for change in &one.changes {
        let path = PagePath::from_tree(&change.file);
        let shown = |file: &str| PagePath::from_tree(file).map_or_else(|| file.to_string(), |path| preferences.display_path(&path));
        let kind = match &change.kind {
            ChangeKind::Added => "created",
            ChangeKind::Modified => "changed",
            ChangeKind::Deleted => "deleted",
            ChangeKind::Renamed { .. } => "renamed",
        };
        let mut value = json!({"path": shown(&change.file), "kind": kind});
        if let ChangeKind::Renamed { from } = &change.kind {
            value["old_path"] = shown(from).into();
        }
        if path.is_some() { &mut pages } else { &mut files }.push(value);
    }
    let mut value = entry(&one.revision);
    value["pages"] = pages.into();
    value["attachments"] = files.into();
    value
}
