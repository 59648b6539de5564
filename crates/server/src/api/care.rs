//! `GET /care`: what wants care in the wiki, and what would mend it.

use super::failure::Failure;
use super::{Answer, cursor, ok};
use crate::web::Context;
use holt_core::Language;
use holt_engine::Read;
use holt_engine::pages::care::{self, Finding, FindingKind, MOST, Mend, Place};
use serde_json::{Map, Value, json};

/// Findings if nobody says.
pub const USUAL: usize = 50;
/// Most of a part.
pub const LARGEST: usize = MOST;

/// Answers it.
pub fn show(context: &Context<'_>) -> Answer {
    let kind = super::query::text(context, "kind").map(|name| kind(&name)).transpose()?;
    let after = cursor::read(context)?.map(|text| place(&text)).transpose()?;
    let limit = super::query::count(context, "limit", USUAL, LARGEST);
    let (mut found, places) = part(context, kind, after.as_ref(), limit)?;
    let next = places.more.then(|| places.of.last()).flatten();
    found["next_cursor"] = next.map(|place| cursor::make(context, &place.to_string())).into();
    Ok(ok(&found))
}

/// The kind of that name.
pub fn kind(name: &str) -> Result<FindingKind, Failure> {
    FindingKind::parse(name).ok_or_else(|| {
        let names = FindingKind::ALL.map(FindingKind::as_str).join(", ");
        Failure::field("kind", "there is no such kind of findings", format!("The kinds are {names}."))
    })
}

/// The place that a cursor says.
pub fn place(text: &str) -> Result<Place, Failure> {
    Place::parse(text).ok_or_else(cursor::refuse)
}

/// Where the findings of a part stand, and whether there are more behind them.
pub struct Places {
    /// In their order.
    pub of: Vec<Place>,
    /// See above.
    pub more: bool,
}

/// The findings behind `after`.
pub fn part(context: &Context<'_>, kind: Option<FindingKind>, after: Option<&Place>, limit: usize) -> Result<(Value, Places), Failure> {
    let care = care::care(&context.scope::<Read>()?, kind, after, limit)?;
    let preferences = context.preferences()?;
    let finding = |finding: &Finding| {
        let (sentence, values) = finding.sentence(|path| preferences.display_path(path));
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let others: Vec<String> = finding.others.iter().map(|path| preferences.display_path(path)).collect();
        let mend = finding.mend.as_ref().map(|mend| match mend {
            Mend::Relink { target, to } => {
                json!({"kind": "relink", "from": preferences.display_path(target), "to": preferences.display_path(to)})
            }
            Mend::Postpone { from, to } => json!({"kind": "postpone", "from": from, "to": to}),
        });
        let waiting = finding.waiting.as_ref().map(|waits| {
            let url = super::proposals::url(waits.number);
            json!({"number": waits.number, "author": waits.name, "via": waits.via, "mine": waits.mine, "url": url})
        });
        json!({
            "kind": finding.kind.as_str(), "path": preferences.display_path(&finding.page), "line": finding.line,
            "what": Language::English.say_with(sentence, &values), "others": others, "mend": mend, "waiting": waiting,
        })
    };
    let findings: Vec<Value> = care.findings.iter().map(finding).collect();
    let counts: Map<String, Value> = care.counts.iter().map(|(kind, count)| (kind.as_str().to_string(), (*count).into())).collect();
    let counted = care.counts.iter().filter(|(this, _)| kind.is_none_or(|kind| kind == *this));
    let total: usize = counted.map(|(_, count)| count).sum();
    let of = care.findings.iter().map(Finding::place).collect();
    Ok((json!({"findings": findings, "counts": counts, "total": total}), Places { of, more: care.next.is_some() }))
}
