//! Tags and other names, from the properties of pages.

use super::pages::{ANSWERS, PageRow, pages};
use super::{Index, rows};
use holt_core::{PageKey, PagePath, Result};
use rusqlite::OptionalExtension;

/// A tag of some pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// As written in one of them.
    pub name: String,
    /// How many pages have it.
    pub pages: usize,
}

/// What makes two tags one: neither case nor the number of blanks.
pub fn tag_key(tag: &str) -> String {
    tag.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Index {
    /// All tags, by name.
    pub fn tags(&self) -> Result<Vec<Tag>> {
        let sql = format!(
            "SELECT min(t.name), count(DISTINCT t.page) FROM tags AS t JOIN pages AS p ON p.id = t.page WHERE {ANSWERS} GROUP BY t.key ORDER BY t.key"
        );
        self.read("list tags", |db| {
            let row =
                |row: &rusqlite::Row<'_>| Ok(Tag { name: row.get(0)?, pages: usize::try_from(row.get::<_, i64>(1)?).unwrap_or_default() });
            db.prepare_cached(&sql)?.query_map([], row)?.collect()
        })
    }
    /// All categories, by name.
    pub fn categories(&self) -> Result<Vec<Tag>> {
        let sql = format!(
            "SELECT min(p.category), count(*) FROM pages AS p WHERE p.category_key IS NOT NULL AND {ANSWERS} GROUP BY p.category_key ORDER BY p.category_key"
        );
        self.read("list categories", |db| {
            let row =
                |row: &rusqlite::Row<'_>| Ok(Tag { name: row.get(0)?, pages: usize::try_from(row.get::<_, i64>(1)?).unwrap_or_default() });
            db.prepare_cached(&sql)?.query_map([], row)?.collect()
        })
    }
    /// The tags of a page, by name.
    pub fn tags_of(&self, key: &PageKey) -> Result<Vec<String>> {
        let sql = format!("SELECT t.name FROM tags AS t JOIN pages AS p ON p.id = t.page WHERE p.key = ?1 AND {ANSWERS} ORDER BY t.key");
        self.read("look for the tags of a page", |db| db.prepare_cached(&sql)?.query_map([key.as_str()], |row| row.get(0))?.collect())
    }
    /// The pages that have the tag, by path.
    pub fn tagged(&self, tag: &str) -> Result<Vec<PageRow>> {
        let condition = format!("p.id IN (SELECT page FROM tags WHERE key = ?1) AND {ANSWERS} ORDER BY p.path");
        self.read("look for pages with a tag", |db| pages(db, &condition, [tag_key(tag)]))
    }
    /// The page that calls itself `key`, too; of several, the first by path.
    pub fn aliased(&self, key: &PageKey) -> Result<Option<PagePath>> {
        // Nobody takes the name of what is hidden.
        if self.hidden.covers(key.as_str()) {
            return Ok(None);
        }
        let sql = format!(
            "SELECT p.path FROM aliases AS a JOIN pages AS p ON p.id = a.page WHERE a.key = ?1 AND {ANSWERS} ORDER BY p.path LIMIT 1"
        );
        self.read("look for another name of a page", |db| {
            db.prepare_cached(&sql)?.query_row([key.as_str()], |row| rows::path(row, 0)).optional()
        })
    }
}
