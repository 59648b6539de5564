//! `POST /undo`: what many commits did, taken back by one. Without `plan` it says what would happen; with it, that happens.

use super::body::Fields;
use super::failure::Failure;
use super::{Answer, history, ok, parse_path, precondition};
use crate::web::Context;
use holt_core::{Error, ErrorKind, PagePath, RevisionId, RevisionPrefix};
use holt_engine::pages::{self, Filter, UndoConflict, UndoItem, UndoKind, UndoOf, UndoPlan, Undone};
use holt_engine::{Read, Write, publish};
use http::StatusCode;
use serde_json::{Value, json};

/// Most revisions in a request.
pub const REVISIONS: usize = 100;
/// Most files of a plan that are chosen.
pub const FILES: usize = 2_000;
/// Lines of differences in an answer; beyond that a file has none.
const LINES: usize = 5_000;

const FIELDS: &[&str] = &["person", "via", "session", "path_prefix", "from", "until", "revisions", "plan", "files", "commit_message"];

/// Answers it.
pub fn undo(context: &Context<'_>) -> Answer {
    precondition::none(context, "Send the plan of the preview.")?;
    let fields = Fields::of(context.request, FIELDS)?;
    let of = wanted(context, &fields)?;
    Ok(ok(&match fields.text("plan")?.filter(|plan| !plan.is_empty()) {
        None => preview(context, &of)?,
        Some(plan) => apply(context, &of, plan, &fields)?,
    }))
}

/// What is to be undone.
fn wanted(context: &Context<'_>, fields: &Fields) -> Result<UndoOf, Failure> {
    let text = |name: &str| Ok::<_, Failure>(fields.text(name)?.map(str::trim).filter(|text| !text.is_empty()).map(str::to_string));
    let time = |name: &str| -> Result<Option<i64>, Failure> {
        let refuse = || fields.refuse(name, "is no date", "Send 2026-11-21 or 2026-11-21T09:00:00Z.");
        text(name)?.map(|text| publish::instant(&text).ok_or_else(refuse)).transpose()
    };
    let scope = context.scope::<Read>()?;
    let mut revisions = Vec::new();
    if fields.has("revisions") {
        for value in fields.list("revisions", REVISIONS)? {
            let refuse = || fields.refuse("revisions", "is no list of revisions of this wiki", "Send revisions from the changelog.");
            let prefix = value.as_str().and_then(|text| RevisionPrefix::parse(text).ok()).ok_or_else(refuse)?;
            revisions.push(pages::resolve(&scope, &prefix).map_err(|_| refuse())?);
        }
    }
    let path = text("path_prefix")?.map(|path| parse_path("path_prefix", &path)).transpose()?;
    let filter = Filter {
        person: text("person")?,
        via: text("via")?,
        session: text("session")?,
        path,
        from: time("from")?,
        until: time("until")?,
        ..Filter::default()
    };
    if !revisions.is_empty() && filter != Filter::default() {
        return Err(fields.refuse("revisions", "goes with no other choice", "Send either revisions or whose changes are meant."));
    }
    Ok(UndoOf { filter, revisions })
}

/// What undoing would do.
pub fn preview(context: &Context<'_>, of: &UndoOf) -> Result<Value, Failure> {
    Ok(told(context, &pages::undo_plan(&context.scope::<Write>()?, of)?)?)
}

fn told(context: &Context<'_>, plan: &UndoPlan) -> Result<Value, Error> {
    let preferences = context.preferences()?;
    let shown = |file: &str| PagePath::from_tree(file).map(|path| preferences.display_path(&path));
    let mut left = LINES;
    let item = |item: &UndoItem| {
        let mut value = json!({"file": item.file, "page": shown(&item.file), "kind": item.kind.name(), "commits": item.commits});
        if let UndoKind::Renamed(place) = &item.kind {
            value["to"] = place.as_str().into();
        }
        let lines: usize = item.hunks.iter().flatten().map(|hunk| hunk.lines.len()).sum();
        value["hunks"] = match &item.hunks {
            Some(hunks) if lines <= left => {
                left -= lines;
                hunks.iter().map(history::hunk).collect()
            }
            _ => Value::Null,
        };
        value
    };
    let items: Vec<Value> = plan.items.iter().map(item).collect();
    let conflict = |(file, why): &(String, UndoConflict)| json!({"file": file, "page": shown(file), "why": why.why()});
    let conflicts: Vec<Value> = plan.conflicts.iter().map(conflict).collect();
    // What came after it is hidden from whoever asks, and so is that it came.
    let revision = pages::newest(&context.scope::<Read>()?)?.map(|revision| revision.to_string());
    Ok(json!({"plan": plan.id, "revision": revision, "commits": plan.commits, "items": items, "conflicts": conflicts}))
}

fn apply(context: &Context<'_>, of: &UndoOf, plan: &str, fields: &Fields) -> Result<Value, Failure> {
    let mut files = None;
    if fields.has("files") {
        let refuse = || fields.refuse("files", "is no list of texts", "Send files that the preview names.");
        let list = fields.list("files", FILES)?.iter().map(|file| file.as_str().map(str::to_string));
        files = Some(list.collect::<Option<Vec<_>>>().ok_or_else(refuse)?);
    }
    let message = holt_core::edit::check_message(fields.text("commit_message")?.unwrap_or_default().trim())?;
    Ok(answered(done(context, of, plan, files.as_deref(), &message)?.revision))
}

/// Undoes.
pub fn done(context: &Context<'_>, of: &UndoOf, plan: &str, files: Option<&[String]>, message: &str) -> Result<Undone, Failure> {
    let undone = pages::undo(&context.scope::<Write>()?, of, plan, files, message).map_err(|error| match error.kind {
        ErrorKind::Conflict => changed(error),
        _ => error.into(),
    })?;
    if let Some(revision) = undone.revision {
        context.changed("undone", &undone.plan.id, revision);
    }
    Ok(undone)
}

/// The plan is another by now.
pub fn changed(error: Error) -> Failure {
    Failure::new(StatusCode::CONFLICT, "plan_changed", error).with("field", "plan")
}

/// What undoing answers that came to this revision.
pub fn answered(revision: Option<RevisionId>) -> Value {
    json!({"undone": revision.is_some(), "revision": revision.map(|revision| revision.to_string())})
}
