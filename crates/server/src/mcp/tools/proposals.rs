//! Tools of the review queue: what waits, and what became of it. Nothing is decided here: that is for people.

use super::reading::hidden_places;
use super::{Call, Told, more};
use crate::api::failure::Failure;
use crate::api::{cursor, proposals};
use crate::mcp::budget;
use holt_engine::pages::proposals::{Makers, ProposalFilter};
use serde_json::Value;

fn said<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// A line about a proposal, and what was decided.
fn line(proposal: &Value) -> String {
    let via = proposal["via"].as_str().map_or_else(String::new, |via| format!(" via {via}"));
    let line = format!(
        "#{} {}: {} ({}{via}, {})",
        proposal["number"],
        said(proposal, "status"),
        said(proposal, "title"),
        said(proposal, "author"),
        said(proposal, "created")
    );
    match decided(proposal) {
        Some(decided) => format!("{line}\n   {decided}"),
        None => line,
    }
}

fn decided(proposal: &Value) -> Option<String> {
    let decision = proposal.get("decision")?;
    let revision = decision["revision"].as_str().map_or_else(String::new, |revision| format!(" (revision: {revision})"));
    let reason = said(decision, "reason");
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    Some(format!("Decided by {}{revision}{reason}", said(decision, "by")))
}

/// `list_proposals`
pub fn list_proposals(call: &Call<'_>) -> Result<Told, Failure> {
    let status = call.text("status")?.map(proposals::status).transpose()?;
    let of = if call.fields.flag("mine")? == Some(true) { Makers::Me } else { Makers::Everybody };
    let before = call.cursor()?.map(|place| place.parse().map_err(|_| cursor::refuse())).transpose()?;
    let (mut found, next) = proposals::part(call.context, ProposalFilter { status, of }, before, call.number("limit"))?;
    let all = found["proposals"].as_array().cloned().unwrap_or_default();
    let lines: Vec<String> = all.iter().map(line).collect();
    let fits = budget::fitting(lines.iter()).min(lines.len());
    let next = if fits < lines.len() { all[..fits].last().and_then(|last| last["number"].as_i64()) } else { next };
    let next = call.next(next);
    let text = format!("{} proposals:\n{}{}", fits, lines[..fits].join("\n"), more(&next));
    found["proposals"] = all[..fits].into();
    found["next_cursor"] = next;
    Ok(Told::new(text.trim_end(), found))
}

/// `get_proposal`
pub fn get_proposal(call: &Call<'_>) -> Result<Told, Failure> {
    let number = i64::try_from(call.number("number")).unwrap_or(i64::MAX);
    let mut found = proposals::described(call.context, number)?;
    let mut lines = vec![line(&found), format!("Expires: {}", said(&found, "expires"))];
    let message: Vec<&str> = said(&found, "message").lines().skip(1).filter(|line| !line.is_empty()).collect();
    lines.extend(message.into_iter().map(str::to_string));
    for change in found["changes"].as_array().into_iter().flatten() {
        let problem = change["problem"].as_str().map_or_else(String::new, |problem| format!(": {problem}"));
        let from = change["old_place"].as_str().map_or_else(String::new, |from| format!(" from {from}"));
        let taken = match change["taken"].as_str() {
            Some("all") => "; all of it was taken",
            Some("hunks") => "; some of its hunks were taken",
            Some("own-text") => "; the reviewer's own text was taken instead",
            Some(_) => "; nothing of it was taken",
            None => "",
        };
        lines.push(format!("\n{} {}{from} ({}{problem}{taken})", said(change, "kind"), said(change, "place"), said(change, "state")));
        if let Some(places) = hidden_places(change) {
            lines.push(format!("It adds hidden text: {places}. Readers of the page do not see it."));
        }
        for hunk in change["hunks"].as_array().into_iter().flatten() {
            let taken = match (change["taken"].as_str(), hunk["taken"].as_bool()) {
                (Some("hunks"), Some(true)) => " (taken)",
                (Some("hunks"), Some(false)) => " (not taken)",
                _ => "",
            };
            lines.push(format!("@@ hunk {}{taken} @@", hunk["number"]));
            lines.extend(hunk["lines"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string));
        }
    }
    for comment in found["comments"].as_array().into_iter().flatten() {
        lines.push(format!("\n{} ({}): {}", said(comment, "author"), said(comment, "created"), said(comment, "text")));
    }
    let fits = budget::fitting(lines.iter()).min(lines.len());
    if fits < lines.len() {
        lines.truncate(fits);
        lines.push("(The rest is too long to be told: read it in the wiki.)".to_string());
    }
    // Whole texts are for reviewers; the hunks say what changes.
    for change in found["changes"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        for text in ["current", "proposed", "merged"] {
            change.remove(text);
        }
        if fits < lines.len() {
            change.remove("hunks");
        }
    }
    Ok(Told::new(lines.join("\n"), found))
}
