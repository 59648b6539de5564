//! What happened to files, with their contents: what undoing starts from.

use super::{Index, rows};
use crate::repo::{BlobId, TreeChange};
use holt_core::{Change, Result, RevisionId, UNDOES_TRAILER};
use rusqlite::{Row, params};

/// What one commit did to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The commit.
    pub revision: RevisionId,
    /// Its place in the wiki's history.
    pub seq: i64,
    /// Whether it took others back.
    pub undoes: bool,
    /// What it did.
    pub change: TreeChange,
}

const COLUMNS: &str = "r.id, c.position, instr(r.message, ?3) > 0, c.file, c.kind, c.from_file, c.old, c.new";

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let blob = |column| -> rusqlite::Result<Option<BlobId>> {
        if row.get_ref(column)? == rusqlite::types::ValueRef::Null { Ok(None) } else { rows::blob(row, column).map(Some) }
    };
    let changed = super::history::change(row, 3)?;
    let change = TreeChange { change: Change { file: changed.file, kind: changed.kind }, old: blob(6)?, new: blob(7)? };
    Ok(Event { revision: rows::revision_id(row, 0)?, seq: row.get(1)?, undoes: row.get(2)?, change })
}

impl Index {
    /// What a commit did, by file.
    pub fn events_of(&self, revision: RevisionId) -> Result<Vec<Event>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM changes AS c JOIN revisions AS r ON r.n = c.revision WHERE r.id = ?1 AND ?2 = 0 ORDER BY c.file"
        );
        let values = params![revision.as_bytes(), 0, format!("\n{UNDOES_TRAILER}: ")];
        self.read("look what a commit did", |db| db.prepare_cached(&sql)?.query_map(values, event)?.collect())
    }
    /// What happened after the place `after` to the file of this name, and to what was moved from there, in order: at most `limit`.
    pub fn events_at(&self, file: &str, after: i64, limit: usize) -> Result<Vec<Event>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!(
            "SELECT {COLUMNS} FROM changes AS c JOIN revisions AS r ON r.n = c.revision WHERE c.file = ?1 AND c.position > ?2
             UNION SELECT {COLUMNS} FROM changes AS c JOIN revisions AS r ON r.n = c.revision
             WHERE c.kind = 'renamed' AND c.from_file = ?1 COLLATE NOCASE AND c.from_file = ?1 AND c.position > ?2 ORDER BY 2, 1 LIMIT ?4"
        );
        let values = params![file, after, format!("\n{UNDOES_TRAILER}: "), limit];
        self.read("look what happened to a file", |db| db.prepare_cached(&sql)?.query_map(values, event)?.collect())
    }
}
