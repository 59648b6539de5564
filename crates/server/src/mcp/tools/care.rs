//! The tool of wiki care: what wants tending, for an agent that proposes.

use super::{Call, Told, more};
use crate::api::care;
use crate::api::failure::Failure;
use crate::mcp::budget;
use serde_json::Value;

/// `wiki_care`
pub fn wiki_care(call: &Call<'_>) -> Result<Told, Failure> {
    let kind = call.text("kind")?.map(care::kind).transpose()?;
    let after = call.cursor()?.map(|text| care::place(&text)).transpose()?;
    let (mut found, places) = care::part(call.context, kind, after.as_ref(), call.number("limit"))?;
    let findings = found["findings"].as_array().cloned().unwrap_or_default();
    let lines: Vec<String> = findings.iter().map(line).collect();
    let mut left = call.number("max_tokens");
    let fit = |line: &&String| {
        let tokens = budget::tokens(line.len() + 1);
        let fits = tokens <= left;
        left = left.saturating_sub(tokens);
        fits
    };
    // One is told however long it is.
    let fits = lines.iter().take_while(fit).count().max(1).min(lines.len());
    let last = places.of[..fits].last().filter(|_| fits < lines.len() || places.more);
    let next = call.next(last);
    found["findings"] = findings[..fits].into();
    found["next_cursor"] = next.clone();
    if lines.is_empty() {
        return Ok(Told::new("Nothing wants care.", found));
    }
    let is_told = |name: &str, count: &Value| *count != 0 && kind.is_none_or(|kind| kind.as_str() == name);
    let counts = found["counts"].as_object().into_iter().flatten().filter(|(name, count)| is_told(name, count));
    let counts: Vec<String> = counts.map(|(name, count)| format!("{name} {count}")).collect();
    let said = format!("{} findings ({}):\n{}{}", found["total"], counts.join(", "), lines[..fits].join("\n"), more(&next));
    let paths: Vec<&str> = findings[..fits].iter().filter(|one| one["kind"] != "wanted").filter_map(|one| one["path"].as_str()).collect();
    Ok(Told::new(said, found).linking(call, paths.into_iter()))
}

fn line(finding: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let at = finding["line"].as_u64().map_or_else(String::new, |line| format!(", line {line}"));
    let mend = match finding["mend"]["kind"].as_str() {
        Some("relink") => format!(" Mend: let it lead to {}.", text(&finding["mend"]["to"])),
        Some(_) => format!(" Mend, once it is reviewed: {} instead of {}.", text(&finding["mend"]["to"]), text(&finding["mend"]["from"])),
        None => String::new(),
    };
    let from: Vec<&str> = finding["others"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let from = if finding["kind"] == "wanted" { format!(" From: {}.", from.join(", ")) } else { String::new() };
    let waiting = match &finding["waiting"] {
        waits if waits.is_object() => {
            let via = waits["via"].as_str().map_or_else(String::new, |via| format!(" via {via}"));
            format!(" A mend of it waits already as #{}, by {}{via}.", waits["number"], text(&waits["author"]))
        }
        _ => String::new(),
    };
    format!("- {} ({}{at}): {}{from}{mend}{waiting}", text(&finding["path"]), text(&finding["kind"]), text(&finding["what"]))
}
