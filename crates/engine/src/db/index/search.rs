//! Finding pages by words, and by what they mean beside (`meaning.rs`). Words: BM25 with titles before names, tags, headings and text, and a piece of text that shows why.
//!
//! Ranking costs for every page that matches, so it looks at no more than `RANKED` of them: of words that stand in nearly all pages, those
//! that stand in titles, names, tags and headings come first, then the first others. Texts are read of the pages shown alone; where something
//! is hidden, of those that are ranked, because SQLite's ranks are made of how rare words are in all pages.

use super::meaning::{self, Near};
use super::pages::{LAST, LISTED};
use super::snippet::{Needle, counts, needles, snippet};
use super::terms::{PageFilter, Query, Strictness, Within, expression_of, folded};
use super::{Index, rows};
use crate::repo::BlobId;
use holt_core::{PagePath, Result, RevisionId};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

/// Most results of a query, over all its parts (security.md INP-11).
pub const RESULTS: usize = 200;
/// Most pages whose ranks are compared, twice: by what they are called, and by their text.
const RANKED: usize = 500;

/// Below so many results, pages with similar names are named, too; at most so many.
const FEW: usize = 3;

/// Characters of a text that are counted for a rank, where SQLite's will not do.
const COUNTED: usize = 32 * 1024;
/// What BM25 is told of how long pages are: a constant, because an average would tell of all of them.
const USUAL_LENGTH: f64 = 300.0;

/// Pages that are found by what they mean, at most, and how far away that may be (1 less the cosine). Of questions about this project's own
/// documentation the right page is nearer than that, and what is nearest to words that nobody writes is farther (`crates/server/tests/it/judged.rs`).
const MEANT: usize = 50;
const FAR: f64 = 0.73;
/// How much a place in the list of words counts where no page has all of them: of a question in whole sentences nearly any page has some word. So much
/// that it decides between what is equally near, and no more.
const ANY: f64 = 0.02;
/// How much places in both lists count against each other: the first counts 1/61, the tenth 1/70 (reciprocal rank fusion, Cormack et al. 2009).
const FUSION: f64 = 60.0;
/// So many of what was found by words are looked at for being called exactly what was looked for.
const EXACT: usize = 20;

/// Where words can stand, and how much one counts there (schema.sql).
pub const WEIGHTS: [(&str, f64); 5] = [("title", 10.0), ("name", 8.0), ("tags", 6.0), ("headings", 4.0), ("body", 1.0)];

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResults {
    /// How many pages match; 200 stands for 200 or more.
    pub total: usize,
    /// The part asked for, best first.
    pub hits: Vec<Hit>,
    /// How the query had to be taken to find something.
    pub taken: Strictness,
    /// Where little was found: pages that are called nearly so, best first.
    pub similar: Vec<Similar>,
    /// Whether what pages mean had a part in it.
    pub by_meaning: bool,
    /// The commit that the answer stands at; for whom something is hidden from, the newest they see.
    pub revision: Option<RevisionId>,
}

/// A page that is called nearly what was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Similar {
    /// Where.
    pub path: PagePath,
    /// The text of its first heading.
    pub title: Option<String>,
}

/// A page that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Where.
    pub path: PagePath,
    /// The text of its first heading.
    pub title: Option<String>,
    /// What its properties call it.
    pub name: Option<String>,
    /// Higher is better, at most 1; comparable within one query only.
    pub score: f64,
    /// Some of its text, around the words looked for.
    pub snippet: Vec<Piece>,
    /// The words looked for, each with how often it stands where [`WEIGHTS`] says, in that order; of a long text, in its beginning.
    pub matches: Vec<(String, [usize; 5])>,
    /// Whether it was found by what it means, too.
    pub meant: Option<Meant>,
}

/// That a page means something near to what was looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meant {
    /// 1 less the cosine, of its nearest piece.
    pub distance: f64,
    /// Which piece that is, of which text.
    pub(crate) piece: usize,
    pub(crate) blob: BlobId,
}

/// What of a query can be compared by meaning: its words, if it asks for no phrase and no beginnings of words, which are about letters.
pub fn meaning_of(query: &str) -> Result<Option<String>> {
    let query = Query::parse(query)?;
    let words: Vec<&str> = query.wanted.iter().map(|term| term.text.as_str()).collect();
    Ok((!query.is_literal && !words.is_empty()).then(|| words.join(" ")))
}

/// A part of a snippet. Plain text: whoever shows it escapes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether it is one of the words looked for.
    pub hit: bool,
}

impl Index {
    /// The best pages for `query`: all its words; else all as beginnings of words; else any. `TooLarge` for a query above 512 bytes or 32
    /// words, `Invalid` for a filter that means nothing.
    pub fn search(&self, query: &str, limit: usize, offset: usize) -> Result<SearchResults> {
        self.search_meaning(query, None, limit, offset)
    }
    /// As [`Index::search`], and, if there is a vector for what is meant, with pages that mean something near to it.
    pub fn search_meaning(&self, query: &str, meant: Option<&[f32]>, limit: usize, offset: usize) -> Result<SearchResults> {
        let query = Query::parse(query)?;
        let limit = limit.min(RESULTS.saturating_sub(offset));
        let needles = needles(&query);
        // How many pages are seen, where that is not all of them.
        let seen = if self.hidden.is_empty() { None } else { Some(self.names()?.list.len()) };
        let (found, worded, revision) = self.read("search", |db| {
            let rarity = seen.map(|pages| rarity(db, &needles, pages)).transpose()?;
            let ranking = rarity.map_or(Ranking::OfAll, Ranking::OfSeen);
            let found = if query.wanted.is_empty() && query.wants_nothing {
                (Vec::new(), Strictness::All)
            } else if query.wanted.is_empty() && query.filter != PageFilter::default() {
                (listed(db, &query)?, Strictness::All)
            } else {
                found(db, &query, &needles, &ranking)?
            };
            let worded = found.0.len();
            let found = match meant {
                Some(meant) => fused(db, &query, found, &meaning::nearest(db, meant, &Narrowed::of(&query), 1, MEANT)?)?,
                None => scored(found),
            };
            Ok((shown(db, &query, &needles, found, limit, offset)?, worded, newest(db, self.hidden.is_empty())?))
        })?;
        let (hits, total, taken) = found;
        let similar = if worded < FEW && offset == 0 { self.similar(&query, &needles, &hits)? } else { Vec::new() };
        Ok(SearchResults { total, hits, taken, similar, by_meaning: meant.is_some(), revision })
    }
    fn similar(&self, query: &Query, needles: &[Needle], hits: &[Hit]) -> Result<Vec<Similar>> {
        if query.wanted.is_empty() || query.filter != PageFilter::default() {
            return Ok(Vec::new());
        }
        let words: Vec<&str> = needles.iter().map(|needle| needle.text.as_str()).collect();
        let names = self.names()?;
        let wrong = names.mistyped(&words).into_iter().filter(|(_, mistakes)| *mistakes > 0).map(|(name, _)| &names.list[name]);
        let new = wrong.filter(|name| hits.iter().all(|hit| hit.path != name.path));
        Ok(new.take(FEW).map(|name| Similar { path: name.path.clone(), title: name.title.clone() }).collect())
    }
}

/// The newest commit: the one the index stands at, but for whom something is hidden from.
pub(super) fn newest(db: &Connection, all_is_seen: bool) -> rusqlite::Result<Option<RevisionId>> {
    let sql = match all_is_seen {
        true => "SELECT revision FROM cursors WHERE step = 'index'",
        false => "SELECT id FROM revisions ORDER BY position DESC LIMIT 1",
    };
    db.prepare_cached(sql)?.query_row([], |row| rows::revision_id(row, 0)).optional()
}

/// What ranks are made of.
enum Ranking {
    /// SQLite's BM25.
    OfAll,
    /// BM25 without anything that pages have part in that are not seen; of each needle, how much it counts for being rare.
    OfSeen(Vec<f64>),
}

/// How much each needle counts among so many pages. Beyond [`RANKED`] pages a word is common, however common it is.
fn rarity(db: &Connection, needles: &[Needle], pages: usize) -> rusqlite::Result<Vec<f64>> {
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM words JOIN pages AS p ON p.id = words.rowid WHERE words MATCH ?1 AND {LISTED} LIMIT {RANKED})"
    );
    let mut count = db.prepare_cached(&sql)?;
    let rarity = |needle: &Needle| {
        let having: f64 = count.query_row([expression_of(&needle.text, needle.prefix)], |row| row.get(0))?;
        Ok((1.0 + (pages as f64 - having).max(0.0) / (having + 0.5)).ln().max(1e-6))
    };
    needles.iter().map(rarity).collect()
}

/// A page by its row, and its rank.
type Ranked = (i64, f64);

/// The pages that match, best first and at most [`RESULTS`], and how strictly they had to be looked for.
fn found(db: &Connection, query: &Query, needles: &[Needle], ranking: &Ranking) -> rusqlite::Result<(Vec<Ranked>, Strictness)> {
    for strictness in [Strictness::All, Strictness::AllPrefixes, Strictness::AnyPrefix] {
        let Some(expression) = query.expression(strictness, Within::Page) else { break };
        let (mut best, more) = ranked(db, &expression, &query.filter, needles, ranking)?;
        if let Some(heads) = query.expression(strictness, Within::Heads).filter(|_| more) {
            let mut first = ranked(db, &heads, &query.filter, needles, ranking)?.0;
            best.retain(|(page, _)| !first.iter().any(|(known, _)| known == page));
            first.append(&mut best);
            first.truncate(RESULTS);
            best = first;
        }
        if !best.is_empty() {
            return Ok((best, strictness));
        }
    }
    Ok((Vec::new(), Strictness::All))
}

/// The best of the first pages that match, [`RANKED`] or fewer, and whether there are more that match.
fn ranked(
    db: &Connection,
    expression: &str,
    filter: &PageFilter,
    needles: &[Needle],
    ranking: &Ranking,
) -> rusqlite::Result<(Vec<Ranked>, bool)> {
    // Counting in texts takes longer than SQLite's rank: no more pages than can be told.
    let most = if matches!(ranking, Ranking::OfAll) { RANKED } else { RESULTS };
    let (condition, values) = filter.sql(3);
    let from =
        format!("FROM words JOIN pages AS p ON p.id = words.rowid WHERE words MATCH ?1 AND words.rowid <= ?2 AND {LISTED} {condition}");
    let bound = |last: i64| [Value::Text(expression.to_string()), Value::Integer(last)].into_iter().chain(values.clone());
    let sql = format!("SELECT words.rowid {from} ORDER BY words.rowid LIMIT 1 OFFSET {most}");
    let beyond: Option<i64> = db.prepare_cached(&sql)?.query_row(params_from_iter(bound(i64::MAX)), |row| row.get(0)).optional()?;
    let last = beyond.map_or(i64::MAX, |beyond| beyond - 1);
    let sql = match ranking {
        Ranking::OfAll => format!("SELECT p.id, -words.rank {from} ORDER BY words.rank, p.path LIMIT {RESULTS}"),
        Ranking::OfSeen(_) => format!("SELECT p.id, p.length {from} ORDER BY p.path"),
    };
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let mut best: Vec<Ranked> = db.prepare_cached(&sql)?.query_map(params_from_iter(bound(last)), row)?.collect::<rusqlite::Result<_>>()?;
    if let Ranking::OfSeen(rarity) = ranking {
        for (page, value) in &mut best {
            *value = rank(&fields(db, *page, needles)?, *value, rarity);
        }
        // The order of equals stays.
        best.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        best.truncate(RESULTS);
    }
    Ok((best, beyond.is_some()))
}

/// BM25 as SQLite has it: what a word counts in a field is a multiple of how often it stands there.
fn rank(fields: &[Vec<usize>; 5], length: f64, rarity: &[f64]) -> f64 {
    let enough = 1.2 * (0.25 + 0.75 * length / USUAL_LENGTH);
    let word = |(n, rarity): (usize, &f64)| {
        let often: f64 = WEIGHTS.iter().zip(fields).map(|((_, weight), counts)| weight * counts[n] as f64).sum();
        rarity * often * 2.2 / (often + enough)
    };
    rarity.iter().enumerate().map(word).sum()
}

/// How often each needle stands in each field of a page, of a long text in its beginning.
fn fields(db: &Connection, page: i64, needles: &[Needle]) -> rusqlite::Result<[Vec<usize>; 5]> {
    let sql = format!(
        "SELECT p.path, p.title, p.name, substr(t.text, 1, {COUNTED}) FROM pages AS p LEFT JOIN texts AS t ON t.page = p.id WHERE p.id = ?1"
    );
    let [path, title, name, text] =
        db.prepare_cached(&sql)?.query_row([page], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, Option<String>>(3)?]))?;
    let joined = |sql: &str| -> rusqlite::Result<String> {
        let all: Vec<String> = db.prepare_cached(sql)?.query_map([page], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(all.join("\n"))
    };
    let called: Vec<String> = title.into_iter().chain(name).collect();
    let tags = joined("SELECT name FROM tags WHERE page = ?1 ORDER BY key")?;
    let headings = joined("SELECT text FROM headings WHERE page = ?1 ORDER BY number")?;
    Ok([called.join("\n"), path.unwrap_or_default(), tags, headings, text.unwrap_or_default()].map(|field| counts(&field, needles)))
}

/// Without words: what the filter leaves, changed last first.
fn listed(db: &Connection, query: &Query) -> rusqlite::Result<Vec<Ranked>> {
    let (condition, values) = query.filter.sql(2);
    let unwanted = query.exclusion();
    let without = if unwanted.is_some() { "AND p.id NOT IN (SELECT rowid FROM words WHERE words MATCH ?1)" } else { "AND ?1 IS NULL" };
    let values = std::iter::once(unwanted.map_or(Value::Null, Value::Text)).chain(values);
    let last = LAST.replace("t.", "p.");
    let sql = format!(
        "SELECT p.id, 0.0 FROM pages AS p WHERE {LISTED} {condition} {without}
         ORDER BY (SELECT position FROM revisions WHERE n = {last}) DESC, p.path LIMIT {RESULTS}"
    );
    db.prepare_cached(&sql)?.query_map(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// A page, how good it is between 0 and 1, and what of it was found by meaning.
type Scored = (i64, f64, Option<Meant>);

/// What was found by words alone.
fn scored((found, taken): (Vec<Ranked>, Strictness)) -> (Vec<Scored>, Strictness) {
    // Those that came first for their titles may have lower ranks: what is before is never worse.
    let mut least = f64::INFINITY;
    let score = |(page, rank): (i64, f64)| {
        least = rank.max(0.0).min(least);
        (page, least / (1.0 + least), None)
    };
    (found.into_iter().map(score).collect(), taken)
}

/// What was found by words and what was found by meaning in one list: whoever stands before in both comes before. First, as ever, what is called
/// exactly what was looked for.
fn fused(
    db: &Connection,
    query: &Query,
    (words, taken): (Vec<Ranked>, Strictness),
    near: &[Near],
) -> rusqlite::Result<(Vec<Scored>, Strictness)> {
    let exact = words.iter().take(EXACT).map(|(page, _)| Ok((is_called(db, *page, query)?, *page)));
    let exact: Vec<i64> = exact
        .filter_map(|one: rusqlite::Result<_>| one.map(|(is, page)| is.then_some(page)).transpose())
        .collect::<rusqlite::Result<_>>()?;
    let mut all: Vec<Scored> = words.iter().map(|(page, _)| (*page, 0.0, None)).collect();
    let place = |n: usize| 1.0 / (FUSION + 1.0 + n as f64);
    let weight = if taken == Strictness::AnyPrefix { ANY } else { 1.0 };
    for (n, one) in all.iter_mut().enumerate() {
        one.1 = weight * place(n);
    }
    for (n, near) in near.iter().filter(|near| near.distance <= FAR).enumerate() {
        let meant = Some(Meant { distance: near.distance, piece: near.piece, blob: near.blob });
        match all.iter_mut().find(|(page, ..)| *page == near.page) {
            Some(one) => (one.1, one.2) = (one.1 + place(n), meant),
            None => all.push((near.page, place(n), meant)),
        }
    }
    all.iter_mut().for_each(|one| one.1 = if exact.contains(&one.0) { 1.0 } else { one.1 / (2.0 * place(0)) });
    // The order of equals stays: words first.
    all.sort_by(|(_, a, _), (_, b, _)| b.total_cmp(a));
    all.truncate(RESULTS);
    Ok((all, taken))
}

/// Whether the query is what a page is called: its title, its name, or the last part of its path.
fn is_called(db: &Connection, page: i64, query: &Query) -> rusqlite::Result<bool> {
    let plain =
        |text: &str| folded(text).split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let wanted = plain(&query.wanted.iter().map(|term| term.text.as_str()).collect::<Vec<_>>().join(" "));
    let sql = "SELECT path, title, name FROM pages WHERE id = ?1";
    let row = |row: &rusqlite::Row<'_>| Ok([row.get::<_, Option<String>>(0)?, row.get(1)?, row.get(2)?]);
    let names = db.prepare_cached(sql)?.query_row([page], row).optional()?.unwrap_or_default();
    let last = names[0].as_deref().and_then(|path| path.rsplit('/').next()).map(str::to_string);
    Ok(names.into_iter().chain([last]).flatten().any(|name| plain(&name) == wanted))
}

/// Of a query what narrows down which pages are looked at, whatever they mean.
pub(super) struct Narrowed {
    pub(super) condition: String,
    pub(super) values: Vec<Value>,
}

impl Narrowed {
    pub(super) fn nothing() -> Self {
        Self { condition: String::new(), values: Vec::new() }
    }
    fn of(query: &Query) -> Self {
        let (mut condition, mut values) = query.filter.sql(1);
        if let Some(unwanted) = query.exclusion() {
            values.push(Value::Text(unwanted));
            condition.push_str(&format!(" AND p.id NOT IN (SELECT rowid FROM words WHERE words MATCH ?{})", values.len()));
        }
        Self { condition, values }
    }
}

/// What is to be said of the part that is shown.
fn shown(
    db: &Connection,
    query: &Query,
    needles: &[Needle],
    (found, taken): (Vec<Scored>, Strictness),
    limit: usize,
    offset: usize,
) -> rusqlite::Result<(Vec<Hit>, usize, Strictness)> {
    let mut hits = Vec::new();
    for (page, score, meant) in found.iter().skip(offset).take(limit) {
        hits.extend(hit(db, *page, *score, query, needles)?.map(|hit| Hit { meant: *meant, ..hit }));
    }
    Ok((hits, found.len(), taken))
}

fn hit(db: &Connection, page: i64, score: f64, query: &Query, needles: &[Needle]) -> rusqlite::Result<Option<Hit>> {
    let sql = "SELECT p.path, p.title, p.name, t.text FROM pages AS p LEFT JOIN texts AS t ON t.page = p.id WHERE p.id = ?1";
    let row = |row: &rusqlite::Row<'_>| {
        let (path, title, name) = (rows::path(row, 0)?, row.get(1)?, row.get(2)?);
        Ok((Hit { path, title, name, score, snippet: Vec::new(), matches: Vec::new(), meant: None }, row.get::<_, Option<String>>(3)?))
    };
    let Some((mut hit, text)) = db.prepare_cached(sql)?.query_row([page], row).optional()? else { return Ok(None) };
    let text = text.unwrap_or_default();
    let fields = fields(db, page, needles)?;
    let matches = needles.iter().enumerate().map(|(n, needle)| (needle.text.clone(), [0, 1, 2, 3, 4].map(|field: usize| fields[field][n])));
    hit.matches = matches.filter(|(_, counts)| counts.iter().any(|count| *count > 0)).collect();
    hit.snippet = snippet(&text, query);
    Ok(Some(hit))
}
