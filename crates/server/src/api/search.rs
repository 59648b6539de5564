//! `GET /search` (spec/api.md §4).

use super::failure::Failure;
use super::{Answer, called, ok};
use crate::web::Context;
use holt_engine::Read;
use holt_engine::pages::{self, Strictness, WEIGHTS};
use serde_json::{Map, Value, json};

/// What narrows down which pages are looked at: the parameter, and how it is typed in a query.
const FILTERS: [(&str, &str); 6] =
    [("prefix", "path"), ("tag", "tag"), ("category", "category"), ("author", "author"), ("before", "before"), ("after", "after")];

/// Finds pages by words; `prefix`, `tag`, `category`, `author`, `before` and `after` narrow what is looked at, `explain=true` says why.
pub fn search(context: &Context<'_>) -> Answer {
    let query = super::query(context, "q").ok_or_else(|| Failure::field("q", "q is missing or blank", "Send what to look for."))?;
    let limit = super::count(context, "limit", 20, 100);
    let offset = super::count(context, "offset", 0, 200);
    let explains = super::query(context, "explain").is_some_and(|text| text == "true" || text == "1");
    let typed = query.clone() + &filters(context);
    let scope = context.scope::<Read>()?;
    let found = pages::search(&scope, &typed, offset, limit).map_err(|error| Failure::from(error).with("field", "q"))?;
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
        }
        results.push(result);
    }
    let similar = |page: pages::Similar| {
        let path = preferences.display_path(&page.path);
        json!({"name": page.title.unwrap_or_else(|| path.rsplit('/').next().unwrap_or(&path).to_string()), "path": path})
    };
    let mut answer = json!({
        "query": query, "results": results, "total": found.total, "matched": matched(found.taken),
        "similar": found.similar.into_iter().map(similar).collect::<Vec<_>>(), "commit": found.revision.map(|revision| revision.to_string()),
    });
    if explains {
        answer["weights"] = WEIGHTS.into_iter().map(|(field, weight)| (field.to_string(), weight.into())).collect::<Map<_, _>>().into();
    }
    Ok(ok(&answer))
}

/// The filters that came as parameters, as they are typed: each quoted, so that it stays what it is.
fn filters(context: &Context<'_>) -> String {
    let value = |parameter| super::query(context, parameter).map(|value| value.trim_matches('/').replace('"', ""));
    let typed = |(parameter, filter)| value(parameter).filter(|value| !value.is_empty()).map(|value| format!(" {filter}:\"{value}\""));
    FILTERS.into_iter().filter_map(typed).collect()
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
