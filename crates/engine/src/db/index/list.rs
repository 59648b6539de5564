//! The pages in a row, with what lists say about them: all of it stands in the index, no text is read.

use super::pages::{LAST, LISTED};
use super::tags::tag_key;
use super::terms::Query;
use super::{Index, rows};
use crate::repo::BlobId;
use holt_core::{PageKey, PagePath, Result, Revision};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// Which pages are listed: those that fit everything that is said here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// What their paths begin with, whatever the case.
    pub prefix: Option<String>,
    /// Their `category`, whatever the case.
    pub category: Option<String>,
    /// One of their `tags`, whatever the case.
    pub tag: Option<String>,
    /// Changed at this time or later, in Unix seconds.
    pub since: Option<i64>,
}

/// A page in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its path as stored.
    pub path: PagePath,
    /// `title` of its properties.
    pub name: Option<String>,
    /// `category` of its properties.
    pub category: Option<String>,
    /// `tags` of its properties, in order.
    pub tags: Vec<String>,
    /// Words of the text below the properties.
    pub length: u64,
    /// Bytes of its source.
    pub size: u64,
    /// The revision that last changed it.
    pub last_change: Revision,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// How many pages fit, over all parts.
    pub total: usize,
    /// The part.
    pub pages: Vec<Listed>,
}

impl ListFilter {
    /// A condition on the page `p`, and its values from `?1` on.
    fn sql(&self) -> (String, Vec<Value>) {
        let mut condition = LISTED.to_string();
        let mut values: Vec<Value> = Vec::new();
        let mut put = |sql: &str, value: Value| {
            values.push(value);
            condition.push_str(" AND ");
            condition.push_str(&sql.replace("{}", &format!("?{}", values.len())));
        };
        if let Some(prefix) = &self.prefix {
            let key = PageKey::beginning(prefix);
            put("p.key >= {}", Value::Text(key.clone()));
            // No key has this character: it is none.
            put("p.key < {}", Value::Text(key + "\u{10FFFF}"));
        }
        if let Some(category) = &self.category {
            put("p.category_key = {}", Value::Text(tag_key(category)));
        }
        if let Some(tag) = &self.tag {
            put("p.id IN (SELECT page FROM tags WHERE key = {} AND number IS NOT NULL)", Value::Text(tag_key(tag)));
        }
        if let Some(since) = self.since {
            let last = LAST.replace("t.", "p.");
            put(&format!("(SELECT time FROM revisions WHERE n = {last}) >= {{}}"), Value::Integer(since));
        }
        (condition, values)
    }
}

impl Index {
    /// The first `limit` pages behind `after` that fit, by path, and how many fit in all; symbolic links are none.
    pub fn list(&self, filter: &ListFilter, after: Option<&PagePath>, limit: usize) -> Result<Listing> {
        let (condition, values) = filter.sql();
        self.read("list pages", |db| {
            let sql = format!("SELECT count(*) FROM pages AS p WHERE {condition}");
            let total: i64 = db.prepare_cached(&sql)?.query_row(params_from_iter(values.clone()), |row| row.get(0))?;
            let mut values = values;
            values.push(Value::Text(after.map(|path| path.as_str().to_string()).unwrap_or_default()));
            let sql = format!(
                "SELECT p.path, p.name, p.category, p.length, p.id, p.size, {} FROM pages AS p JOIN revisions AS r ON r.n = {}
                 WHERE {condition} AND p.path > ?{} ORDER BY p.path LIMIT {limit}",
                rows::REVISION,
                LAST.replace("t.", "p."),
                values.len()
            );
            let row = |row: &rusqlite::Row<'_>| {
                Ok(Listed {
                    path: rows::path(row, 0)?,
                    name: row.get(1)?,
                    category: row.get(2)?,
                    tags: tags(db, row.get(4)?)?,
                    length: rows::size(row, 3)?,
                    size: rows::size(row, 5)?,
                    last_change: rows::revision(row, 6)?,
                })
            };
            let pages = db.prepare_cached(&sql)?.query_map(params_from_iter(values), row)?.collect::<rusqlite::Result<_>>()?;
            Ok(Listing { total: usize::try_from(total).unwrap_or_default(), pages })
        })
    }
}

/// Where the text of a page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The page.
    pub(crate) path: PagePath,
    /// What its properties call it.
    pub(crate) name: Option<String>,
    /// Its text.
    pub(crate) blob: BlobId,
}

impl Index {
    /// Where the texts of the first `limit` pages behind `after` are that fit `filters`, a query without words; by path.
    pub(crate) fn sources(&self, filters: &str, after: Option<&PagePath>, limit: usize) -> Result<Vec<Source>> {
        let (condition, mut values) = Query::parse(filters)?.filter.sql(2);
        values.insert(0, Value::Text(after.map(|path| path.as_str().to_string()).unwrap_or_default()));
        let sql = format!(
            "SELECT p.path, p.name, p.blob FROM pages AS p WHERE {LISTED} AND p.path > ?1 {condition} ORDER BY p.path LIMIT {limit}"
        );
        self.read("list texts", |db| {
            let row = |row: &rusqlite::Row<'_>| Ok(Source { path: rows::path(row, 0)?, name: row.get(1)?, blob: rows::blob(row, 2)? });
            db.prepare_cached(&sql)?.query_map(params_from_iter(values), row)?.collect()
        })
    }
}

fn tags(db: &Connection, page: i64) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT name FROM tags WHERE page = ?1 AND number IS NOT NULL ORDER BY number";
    db.prepare_cached(sql)?.query_map([page], |row| row.get(0))?.collect()
}
