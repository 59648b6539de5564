//! What the text of one page says about its care. Asked once, when the page is indexed: reports are made of what is stored then.

use super::{secrets, sketch};
use crate::db::index::{Flaw, FlawKind, Sketch};
use crate::{frontmatter, publish};
use holt_markdown::Rendered;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Bytes from which on a page is longer than is good for its readers: an agent that reads it spends about 10,000 tokens.
pub const OVERSIZED: usize = 40_000;
/// Bytes of a page that may have hardly anything in it (spec/wiki.md §15.1).
const EMPTY: usize = 512;
/// Properties that say by when a page has to be reviewed.
const REVIEW: [&str; 2] = ["review", "review_by"];
/// Most ids that are kept of a page, and most links to places of itself that lead nowhere.
const PLACES: usize = 1_000;
const BROKEN: usize = 100;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// What is kept of a page.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub(crate) places: Vec<String>,
    pub(crate) flaws: Vec<Flaw>,
    pub(crate) sketch: Option<Sketch>,
}

/// Looks at a page. `rendered` is made of `source`, for its words.
pub(crate) fn look(source: &str, rendered: &Rendered) -> Looked {
    let (properties, body) = frontmatter::split(source);
    let headings: BTreeSet<&str> = rendered.toc.iter().map(|heading| heading.anchor.as_str()).collect();
    let ids: BTreeSet<&str> = rendered.ids().into_iter().filter(|id| !headings.contains(id)).take(PLACES).collect();
    let mut flaws = Vec::new();
    // What a page shows of others has places, too, and nobody knows which.
    if rendered.depends.is_empty() && ids.len() < PLACES {
        let known = |place: &str| headings.contains(place) || ids.contains(place);
        let broken = rendered.places.iter().filter(|link| !known(&link.place)).take(BROKEN);
        flaws.extend(broken.map(|link| Flaw { kind: FlawKind::Place, line: link.line, what: link.place.clone(), value: 0 }));
    }
    flaws.extend(review_in(source, properties.as_ref()));
    if source.len() > OVERSIZED {
        flaws.push(whole(FlawKind::Large, source.len()));
    }
    if is_empty(source) {
        flaws.push(whole(FlawKind::Empty, source.len()));
    }
    flaws.extend(secrets::find(source).into_iter().map(|(line, what)| Flaw { kind: FlawKind::Secret, line, what, value: 0 }));
    Looked { places: ids.into_iter().map(str::to_string).collect(), flaws, sketch: sketch::of(body) }
}

/// Whether a page has hardly anything in it.
pub(super) fn is_empty(source: &str) -> bool {
    source.len() <= EMPTY && source.trim().lines().count() < 3
}

/// The day by which a page has to be reviewed, if it says one.
pub(super) fn review(source: &str) -> Option<Flaw> {
    review_in(source, frontmatter::split(source).0.as_ref())
}

fn review_in(source: &str, properties: Option<&Map<String, Value>>) -> Option<Flaw> {
    for name in REVIEW {
        let Some(day) = frontmatter::text(properties.and_then(|properties| properties.get(name))) else { continue };
        // It is overdue when that day is over.
        let Some(start) = publish::day_start(&day).filter(|_| day.len() == "2026-05-01".len()) else { continue };
        let is_it = |line: &str| line.split_once(':').is_some_and(|(key, _)| key.trim_end().trim_matches(['"', '\'']) == name);
        let line = source.lines().position(is_it).map_or(1, |line| line + 1);
        return Some(Flaw { kind: FlawKind::Review, line, what: day, value: start + DAY });
    }
    None
}

fn whole(kind: FlawKind, bytes: usize) -> Flaw {
    Flaw { kind, line: 0, what: String::new(), value: i64::try_from(bytes).unwrap_or(i64::MAX) }
}
