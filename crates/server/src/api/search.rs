//! `GET /search` (spec/api.md §4): by words and meaning, or by a regular expression.

use super::failure::Failure;
use super::{Answer, called, cursor, ok};
use crate::web::Context;
use holt_core::{Error, PagePath};
use holt_engine::pages::{self, BadPattern, Pattern, SearchMode, Strictness, WEIGHTS};
use holt_engine::{Read, publish};
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Results of a part if nobody says, most of them, and how far into a list one may begin.
pub const USUAL: usize = 20;
/// See [`USUAL`].
pub const MOST: usize = 100;
/// See [`USUAL`].
pub const FARTHEST: usize = 200;
/// How long an answer looks for a regular expression; then it says where to go on.
const PATTERN_TIME: Duration = Duration::from_secs(1);

/// What narrows down which pages are looked at: the parameter, and how it is typed in a query.
const FILTERS: [(&str, &str); 6] =
    [("prefix", "path"), ("tag", "tag"), ("category", "category"), ("author", "author"), ("before", "before"), ("after", "after")];

/// Finds pages by words, and by what they mean where that is known and `mode` does not say otherwise; `prefix`, `tag`, `category`, `author`, `before` and `after` narrow what is looked at, `explain=true` says why.
pub fn search(context: &Context<'_>) -> Answer {
    if let Some(pattern) = context.request.query("regex").filter(|pattern| !pattern.is_empty()) {
        return by_pattern(context, &pattern);
    }
    let query = super::query::text(context, "q").ok_or_else(|| Failure::field("q", "q is missing or blank", "Send what to look for."))?;
    let limit = super::query::count(context, "limit", USUAL, MOST);
    let offset = super::query::count(context, "offset", 0, FARTHEST);
    let explains = super::query::text(context, "explain").is_some_and(|text| text == "true" || text == "1");
    // First, where no quote that the query leaves open reaches them.
    let typed = format!("{} {query}", filters(context)?);
    let scope = context.scope::<Read>()?;
    let by = match super::query::text(context, "mode").as_deref() {
        Some("words") => SearchMode::Words,
        _ => SearchMode::Both(&context.app.model),
    };
    let found = pages::search_by(&scope, by, &typed, offset, limit).map_err(|error| Failure::from(error).with("field", "q"))?;
    let preferences = context.preferences()?;
    let mut results: Vec<Value> = Vec::new();
    for hit in found.hits {
        let snippet: String = hit.snippet.iter().map(|piece| piece.text.as_str()).collect();
        let mut result = json!({
            "name": called(&preferences, &hit.path, hit.name.clone()), "path": preferences.display_path(&hit.path),
            "snippet": snippet, "score": hit.score,
        });
        if explains {
            result["explain"] = explained(&hit);
            result["explain"]["distance"] = hit.meant.map(|meant| meant.distance).into();
        }
        results.push(result);
    }
    let similar = |page: pages::Similar| {
        let path = preferences.display_path(&page.path);
        json!({"name": page.title.unwrap_or_else(|| path.rsplit('/').next().unwrap_or(&path).to_string()), "path": path})
    };
    let mut answer = json!({
        "query": query, "results": results, "total": found.total, "matched": matched(found.taken),
        "mode": if found.by_meaning { "hybrid" } else { "words" },
        "similar": found.similar.into_iter().map(similar).collect::<Vec<_>>(), "commit": found.revision.map(|revision| revision.to_string()),
    });
    if explains {
        answer["weights"] = WEIGHTS.into_iter().map(|(field, weight)| (field.to_string(), weight.into())).collect::<Map<_, _>>().into();
    }
    Ok(ok(&answer))
}

/// Lines that a regular expression fits, by path, in parts; narrowed down by the same parameters.
fn by_pattern(context: &Context<'_>, pattern: &str) -> Answer {
    if super::query::text(context, "q").is_some() {
        return Err(Failure::field(
            "regex",
            "q and regex are both sent",
            "Send one of them; what narrows down goes into parameters of its own.",
        ));
    }
    let compiled = Pattern::parse(pattern).map_err(|bad| refuse_pattern(&bad))?;
    let after = cursor::read(context)?.and_then(|after| PagePath::parse(&after).ok());
    let limit = super::query::count(context, "limit", USUAL, MOST);
    let end = Instant::now() + PATTERN_TIME;
    let filters = filters(context)?;
    let found = pages::search_pattern(&context.scope::<Read>()?, &compiled, &filters, after, limit, &|| Instant::now() > end)?;
    let preferences = context.preferences()?;
    let page = |page: pages::PageLines| {
        let line = |line: &pages::Line| json!({"line": line.number, "text": line.text, "start": line.start, "end": line.end});
        let lines: Vec<Value> = page.lines.iter().map(line).collect();
        json!({"name": called(&preferences, &page.path, page.name), "path": preferences.display_path(&page.path), "lines": lines, "more": page.more})
    };
    let next = found.next.map(|path| cursor::make(context, path.as_str()));
    let unfinished: Vec<String> = found.unfinished.iter().map(|path| preferences.display_path(path)).collect();
    Ok(ok(&json!({
        "regex": pattern, "results": found.pages.into_iter().map(page).collect::<Vec<_>>(), "unfinished": unfinished, "next_cursor": next,
        "commit": found.revision.map(|revision| revision.to_string()),
    })))
}

fn refuse_pattern(bad: &BadPattern) -> Failure {
    let error = Error::invalid(format!("regex cannot be used: {}", bad.message))
        .hint("It is what the Rust crate regex takes: no look-around, no back references, at most 512 bytes.");
    let failure = Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "validation", error).with("field", "regex");
    match bad.at {
        Some(at) => failure.with("position", at),
        None => failure,
    }
}

/// The filters that came as parameters, as they are typed: each quoted, so that it stays what it is. One that makes no sense is refused under
/// the name of its parameter.
fn filters(context: &Context<'_>) -> Result<String, Failure> {
    let mut typed = String::new();
    for (parameter, filter) in FILTERS {
        let value = super::query::text(context, parameter).map(|value| value.trim_matches('/').replace('"', "").trim().to_string());
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        match filter {
            "path" => drop(PagePath::parse(&value).map_err(|error| Failure::from(error).with("field", parameter))?),
            "before" | "after" if publish::day_start(&value).is_none() => {
                return Err(Failure::field(parameter, format!("{value} is no day"), "Write it as 2026-11-21."));
            }
            _ => {}
        }
        typed.push_str(&format!(" {filter}:\"{value}\""));
    }
    Ok(typed)
}

fn matched(taken: Strictness) -> &'static str {
    match taken {
        Strictness::All => "all",
        Strictness::AllPrefixes => "beginnings",
        Strictness::AnyPrefix => "any",
    }
}

/// Which words stand where and how often, and the snippet with its words marked.
fn explained(hit: &pages::Hit) -> Value {
    let places = |counts: &[usize; 5]| -> Map<String, Value> {
        let there = WEIGHTS.iter().zip(counts).filter(|(_, count)| **count > 0);
        there.map(|((field, _), count)| ((*field).to_string(), (*count).into())).collect()
    };
    let words: Vec<Value> = hit.matches.iter().map(|(word, counts)| json!({"word": word, "in": places(counts)})).collect();
    let pieces: Vec<Value> = hit.snippet.iter().map(|piece| json!({"text": piece.text, "hit": piece.hit})).collect();
    json!({"words": words, "pieces": pieces})
}
