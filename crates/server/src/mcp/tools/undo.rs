//! `undo_session`: an agent takes back what it did itself, after it has looked at what that would do.

use super::reading::unified;
use super::{Call, Told};
use crate::api::failure::Failure;
use crate::api::undo;
use crate::mcp::budget;
use holt_core::{Error, SessionName};
use holt_engine::Write;
use holt_engine::pages::{self, UndoOf};
use serde_json::{Value, json};

/// Most files of a plan that an answer names.
const NAMED: usize = 500;

/// Its own changes, and what the session is called.
fn wanted(call: &Call<'_>) -> Result<(UndoOf, String), Failure> {
    let session = call.text("session")?.map(SessionName::parse).transpose()?;
    let of = pages::own_session(&call.context.scope::<Write>()?, session.as_ref())?;
    let name = of.filter.session.clone().unwrap_or_default();
    Ok((of, name))
}

fn files(call: &Call<'_>) -> Result<Option<Vec<String>>, Failure> {
    if !call.fields.has("files") {
        return Ok(None);
    }
    Ok(Some(call.fields.list("files", undo::FILES)?.iter().filter_map(Value::as_str).map(str::to_string).collect()))
}

/// What a person is asked before a plan is followed. What cannot be followed is said before.
pub fn question(call: &Call<'_>) -> Result<Option<String>, Failure> {
    let Some(plan) = call.text("plan")? else { return Ok(None) };
    let (of, session) = wanted(call)?;
    let (scope, files) = (call.context.scope::<Write>()?, files(call)?);
    let found = pages::undo_plan(&scope, &of)?;
    if found.id != plan && pages::undone_before(&scope, plan, files.as_deref())?.is_some() {
        // It is done: the answer was lost, or sent twice.
        return Ok(None);
    }
    if found.id != plan {
        let error = Error::conflict("the wiki has changed since that preview");
        return Err(undo::changed(error.hint("Call the tool without plan and look at the preview again: it is another one now.")));
    }
    let files = files.map_or(found.items.len(), |files| files.len());
    Ok(Some(format!("Undo what was done in session {session}? Files that change: {files}.")))
}

/// `undo_session`
pub fn undo_session(call: &Call<'_>) -> Result<Told, Failure> {
    let (of, session) = wanted(call)?;
    match call.text("plan")? {
        None => preview(call, &of, &session),
        Some(plan) => done(call, &of, &session, plan),
    }
}

fn preview(call: &Call<'_>, of: &UndoOf, session: &str) -> Result<Told, Failure> {
    let mut found = undo::preview(call.context, of)?;
    if found["commits"] == 0 {
        let rule = format!("nothing of yours was done in session {session}");
        return Err(Failure::field("session", rule, "get_recent_changes with via names your sessions."));
    }
    found["session"] = session.into();
    let rows = |name: &str| found[name].as_array().cloned().unwrap_or_default();
    let (items, conflicts) = (rows("items"), rows("conflicts"));
    let mut lines = vec![format!("Undoing session {session} ({} changes) would do this:", found["commits"])];
    lines.extend(items.iter().map(item));
    if items.is_empty() {
        lines.push("- nothing: all of it is undone already, or has to stay".to_string());
    }
    if !conflicts.is_empty() {
        lines.push("These stay as they are:".to_string());
        lines.extend(conflicts.iter().map(|one| format!("- {}: {}", text(one, "file"), text(one, "why"))));
    }
    let fits = budget::fitting(lines.iter()).min(lines.len());
    if fits < lines.len() {
        lines.truncate(fits);
        lines.push("(The rest is too long to be told: people can look at it in the wiki, at /-/agents.)".to_string());
        // Whole differences are as long as the text.
        found["items"].as_array_mut().into_iter().flatten().for_each(|item| item["hunks"] = Value::Null);
    }
    if !items.is_empty() {
        lines.push(format!(
            "Nothing has changed yet. To do it, call again with plan=\"{}\"; with files for some of it.",
            text(&found, "plan")
        ));
    }
    budget::cap(&mut found, "items", NAMED);
    budget::cap(&mut found, "conflicts", NAMED);
    Ok(Told::new(lines.join("\n"), found))
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// What becomes of a file, with the difference to now.
fn item(item: &Value) -> String {
    let what = match text(item, "kind") {
        "changed" => "changes".to_string(),
        "deleted" => "is deleted".to_string(),
        "restored" => "comes back".to_string(),
        _ => format!("is called {} again", text(item, "to")),
    };
    let hunks = item["hunks"].as_array().map(Vec::as_slice).unwrap_or_default();
    format!("- {} {what}\n{}", text(item, "file"), unified(hunks)).trim_end().to_string()
}

fn done(call: &Call<'_>, of: &UndoOf, session: &str, plan: &str) -> Result<Told, Failure> {
    let given = holt_core::edit::check_message(call.text("commit_message")?.unwrap_or_default())?;
    let message = call.context.door.message(&given, "Undo", &format!("session {session}"));
    let undone = undo::done(call.context, of, plan, files(call)?.as_deref(), &message)?;
    let conflicts = undone.plan.conflicts.iter().map(|(file, why)| json!({"file": file, "why": why.why()}));
    let items = undone.plan.items.iter().map(|item| json!({"file": item.file, "kind": item.kind.name()}));
    let revision = undone.revision.map(|revision| revision.to_string());
    let mut said = json!({
        "session": session, "undone": revision.is_some(), "revision": revision, "items": items.collect::<Vec<_>>(),
        "conflicts": conflicts.collect::<Vec<_>>(),
    });
    let (changed, stay) = (undone.plan.items.len(), undone.plan.conflicts.len());
    let text = match &revision {
        Some(revision) => format!("Undid session {session} (revision: {revision}): {changed} files changed, {stay} stay as they are."),
        None => format!("There was nothing to undo of session {session}."),
    };
    budget::cap(&mut said, "items", NAMED);
    budget::cap(&mut said, "conflicts", NAMED);
    Ok(Told::new(text, said))
}
