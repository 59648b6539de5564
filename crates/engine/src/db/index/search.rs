//! Finding pages by words: BM25 with titles before headings before text, and a piece of text that shows why.

use super::pages::ANSWERS;
use super::snippet::snippet;
use super::terms::{PageFilter, Query, Strictness};
use super::{Index, rows};
use holt_core::{Hidden, PagePath, Result};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

/// Most results of a query, over all its parts (security.md INP-11).
pub const RESULTS: usize = 200;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResults {
    /// How many pages match; 200 stands for 200 or more.
    pub total: usize,
    /// The part asked for, best first.
    pub hits: Vec<Hit>,
}

/// A page that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Where.
    pub path: PagePath,
    /// The text of its first heading.
    pub title: Option<String>,
    /// Higher is better; comparable within one query only.
    pub score: f64,
    /// Some of its text, around the words looked for.
    pub snippet: Vec<Piece>,
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
    /// The best pages for `query`: all its words; else all as beginnings of words; else any. `TooLarge` for a query above 512 bytes.
    pub fn search(&self, query: &str, limit: usize, offset: usize) -> Result<SearchResults> {
        let query = Query::parse(query)?;
        let limit = limit.min(RESULTS.saturating_sub(offset));
        self.read("search", |db| {
            for strictness in [Strictness::All, Strictness::AllPrefixes, Strictness::AnyPrefix] {
                let Some(expression) = query.expression(strictness) else { break };
                let total = count(db, &expression, &query.filter)?;
                if total > 0 {
                    return Ok(SearchResults { total, hits: hits(db, &query, &expression, (limit, offset), &self.hidden)? });
                }
            }
            if query.wanted.is_empty() && query.filter != PageFilter::default() {
                return listed(db, &query, limit, offset);
            }
            Ok(SearchResults { total: 0, hits: Vec::new() })
        })
    }
}

/// Without words: what the filter leaves, changed last first.
fn listed(db: &Connection, query: &Query, limit: usize, offset: usize) -> rusqlite::Result<SearchResults> {
    let (condition, values) = query.filter.sql(1);
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM pages AS p WHERE {ANSWERS} {condition} LIMIT {RESULTS})");
    let total: i64 = db.prepare_cached(&sql)?.query_row(params_from_iter(values.clone()), |row| row.get(0))?;
    let sql = format!(
        "SELECT p.path, p.title, 0.0, p.id FROM pages AS p WHERE {ANSWERS} {condition}
         ORDER BY (SELECT position FROM revisions WHERE n = p.last) DESC, p.path LIMIT {limit} OFFSET {offset}"
    );
    let hits = rows_of(db, query, &sql, values)?;
    Ok(SearchResults { total: usize::try_from(total).unwrap_or_default(), hits })
}

fn count(db: &Connection, expression: &str, filter: &PageFilter) -> rusqlite::Result<usize> {
    let (condition, values) = filter.sql(2);
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM words JOIN pages AS p ON p.id = words.rowid WHERE words MATCH ?1 AND {ANSWERS} {condition} LIMIT {RESULTS})"
    );
    let values = std::iter::once(Value::Text(expression.to_string())).chain(values);
    let total: i64 = db.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
    Ok(usize::try_from(total).unwrap_or_default())
}

/// The best pages by rank alone come out of the full text itself, which is faster than sorting joined rows; the few more than are shown make
/// up for those that another page answers for. With a filter, or where something is hidden, that would not be enough.
fn hits(db: &Connection, query: &Query, expression: &str, (limit, offset): (usize, usize), hidden: &Hidden) -> rusqlite::Result<Vec<Hit>> {
    let (condition, values) = query.filter.sql(2);
    let sql = if condition.is_empty() && hidden.is_empty() {
        format!(
            "SELECT p.path, p.title, best.rank, p.id FROM (SELECT rowid, rank FROM words WHERE words MATCH ?1 ORDER BY rank LIMIT {RESULTS} + 56) AS best
             JOIN pages AS p ON p.id = best.rowid WHERE {ANSWERS} ORDER BY best.rank, p.path LIMIT {limit} OFFSET {offset}"
        )
    } else {
        format!(
            "SELECT p.path, p.title, words.rank, p.id FROM words JOIN pages AS p ON p.id = words.rowid
             WHERE words MATCH ?1 AND {ANSWERS} {condition} ORDER BY words.rank, p.path LIMIT {limit} OFFSET {offset}"
        )
    };
    rows_of(db, query, &sql, std::iter::once(Value::Text(expression.to_string())).chain(values).collect())
}

fn rows_of(db: &Connection, query: &Query, sql: &str, values: Vec<Value>) -> rusqlite::Result<Vec<Hit>> {
    let mut text = db.prepare_cached("SELECT text FROM texts WHERE page = ?1")?;
    let row = |row: &rusqlite::Row<'_>| {
        let text: String = text.query_row([row.get::<_, i64>(3)?], |row| row.get(0)).optional()?.unwrap_or_default();
        Ok(Hit { path: rows::path(row, 0)?, title: row.get(1)?, score: -row.get::<_, f64>(2)?, snippet: snippet(&text, query) })
    };
    db.prepare_cached(sql)?.query_map(params_from_iter(values), row)?.collect()
}
