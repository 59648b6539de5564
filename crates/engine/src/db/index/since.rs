//! What came after a revision, for those who follow a wiki.
//!
//! Commits have a place by their own date, so a branch that is merged late brings commits whose places are before what a follower has read.
//! Where no merge came after a revision, what came after it is what has a later place; otherwise git has to say which commits those are.

use super::history::{Entry, change};
use super::{Index, rows};
use holt_core::{Result, RevisionId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::HashSet;

/// Which commits are meant.
#[derive(Debug)]
pub enum After<'a> {
    /// Those after the place, up to another; no merge came after the first.
    Place(i64, i64),
    /// These.
    These(&'a HashSet<RevisionId>),
}

fn entry(db: &Connection, number: i64) -> rusqlite::Result<Option<Entry>> {
    let sql = format!("SELECT {}, r.position FROM revisions AS r WHERE r.n = ?1", rows::REVISION);
    let row = |row: &Row<'_>| Ok(Entry { revision: rows::revision(row, 0)?, seq: row.get(6)?, changes: Vec::new() });
    let Some(mut entry) = db.prepare_cached(&sql)?.query_row([number], row).optional()? else { return Ok(None) };
    let mut changes = db.prepare_cached("SELECT file, kind, from_file FROM changes WHERE revision = ?1 ORDER BY file")?;
    entry.changes = changes.query_map([number], |row| change(row, 0))?.collect::<rusqlite::Result<_>>()?;
    Ok(Some(entry))
}

impl Index {
    /// Whether a merge has a place after this one, of those who see everything: a yes costs more work and tells nobody anything.
    pub fn merged_after(&self, place: i64) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM main.revisions WHERE position > ?1 AND is_merge)";
        self.read("look for merges", |db| db.prepare_cached(sql)?.query_row([place], |row| row.get(0)))
    }
    /// The first `limit` of the commits meant, ancestors first, from behind the commit `last` on.
    pub fn since(&self, which: &After<'_>, last: Option<(i64, RevisionId)>, limit: usize) -> Result<Vec<Entry>> {
        let (from, to) = match which {
            After::Place(from, to) => (*from, *to),
            After::These(_) => (i64::MIN, i64::MAX),
        };
        let sql = "SELECT n, id, position FROM revisions WHERE position > ?1 AND position >= ?2 AND position <= ?3 ORDER BY position, id";
        self.read("read what changed since a revision", |db| {
            let mut query = db.prepare_cached(sql)?;
            let mut found = query.query(params![from, last.map_or(i64::MIN, |last| last.0), to])?;
            let mut entries = Vec::new();
            while entries.len() < limit {
                let Some(row) = found.next()? else { break };
                let (number, id, position) = (row.get(0)?, rows::revision_id(row, 1)?, row.get(2)?);
                let is_behind = last.is_none_or(|last| (position, id.as_bytes()) > (last.0, last.1.as_bytes()));
                let is_meant = match which {
                    After::Place(..) => true,
                    After::These(ids) => ids.contains(&id),
                };
                if is_behind && is_meant {
                    entries.extend(entry(db, number)?);
                }
            }
            Ok(entries)
        })
    }
}
