//! How failures are told to agents: what went wrong and what to do next, as a result (spec/mcp.md §5, security.md MCP-8).

use crate::api::failure::{Failure, proposed_as};
use crate::web::Context;
use holt_core::ErrorKind;
use serde_json::{Value, json};

/// The result of a tool whose change waits to be accepted.
pub fn proposed(failure: &Failure) -> Value {
    let Some(proposed) = failure.error().proposal() else { return Value::Null };
    let text = format!(
        "Proposed \"{}\" as #{}. It is not in the wiki until somebody accepts it: pages read as before. get_proposal says what became of it.",
        proposed.title, proposed.number
    );
    json!({"content": [{"type": "text", "text": text}], "structuredContent": {"proposal": proposed_as(proposed)}, "isError": false})
}

/// The result of a tool that could not do what was asked.
pub fn failed(context: &Context<'_>, failure: &Failure) -> Value {
    let (status, code, hint, more, after) = failure.parts();
    let internal = failure.error().kind == ErrorKind::Internal;
    let message = match internal {
        true => format!("something went wrong on our side; request {}", context.request.id),
        false => failure.error().message.clone(),
    };
    let hint = hint.filter(|_| !internal).map_or_else(String::new, |hint| format!(" {hint}"));
    let candidates = more.get("sections").and_then(Value::as_array);
    let text = match (status.as_u16(), code) {
        (404, "no_match") if candidates.is_some_and(Vec::is_empty) => format!("Section not found: {message}.{hint}"),
        (404, "no_match") => format!("Section not found: {message}. Available sections:{}", listed(candidates)),
        (404, _) if more.get("field").is_some_and(|field| field == "revision") => format!("Revision not found: {message}.{hint}"),
        (404, _) => format!("Page not found: {message}.{hint} Use write_note to create a page, or list_notes to see which there are."),
        (401, _) => format!("Authentication failed: {message}.{hint}"),
        (409 | 410 | 412, _) => {
            let now = more.get("current_revision").and_then(Value::as_str);
            let now = now.map_or_else(String::new, |now| format!(" The current revision is {now}."));
            format!("Conflict: {message}.{hint}{now} Read again and retry with what you find.")
        }
        (422, "ambiguous_match") if candidates.is_some() => {
            format!("Invalid request: ambiguous: {message}. Use one of these paths:{}", listed(candidates))
        }
        (422, "ambiguous_match") => format!("Invalid request: ambiguous: {message}.{hint}"),
        (400 | 422, _) => format!("Invalid request: {message}.{hint}"),
        (429, _) => format!("Too many requests: {message}. Try again in {} seconds.", after.unwrap_or(1)),
        (status @ 500.., "unavailable") => format!("Not available ({status}): {message}.{hint}"),
        (status @ 500.., _) => format!("The wiki could not answer ({status}): {message}.{hint} Try again in a few seconds."),
        (status, _) => format!("Refused ({status}): {message}.{hint}"),
    };
    let mut error = json!({"code": code, "message": message});
    for (from, to) in [
        ("current_revision", "current_revision"),
        ("sections", "candidates"),
        ("field", "field"),
        ("count", "count"),
        ("operation", "operation"),
        ("asked", "asked"),
    ] {
        if let Some(value) = more.get(from) {
            error[to] = value.clone();
        }
    }
    if let Some(seconds) = after {
        error["retry_after"] = seconds.into();
    }
    json!({"content": [{"type": "text", "text": text}], "structuredContent": {"error": error}, "isError": true})
}

fn listed(candidates: Option<&Vec<Value>>) -> String {
    candidates.into_iter().flatten().filter_map(Value::as_str).map(|path| format!("\n- {path}")).collect()
}
