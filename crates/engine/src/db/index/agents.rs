//! What programs did here: which, for whom, in which sessions.

use super::{Index, rows};
use holt_core::{Result, RevisionId};
use rusqlite::{Row, params};

/// A program that made commits for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRow {
    /// What it is called in them.
    pub via: String,
    /// For whom.
    pub person: String,
    /// How many.
    pub changes: usize,
    /// In how many sessions, of those that have a name.
    pub sessions: usize,
    /// When it made the first and the last, in Unix seconds.
    pub times: (i64, i64),
}

/// What a program did for somebody in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSession {
    /// What it is called; none for commits that name none.
    pub session: Option<String>,
    /// For whom.
    pub person: String,
    /// How many commits.
    pub changes: usize,
    /// When the first and the last was made, in Unix seconds.
    pub times: (i64, i64),
    /// The last of them.
    pub last: RevisionId,
    /// Its place; hand it back as `before` for the next, older, part.
    pub seq: i64,
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<usize> {
    usize::try_from(row.get::<_, i64>(column)?).map_err(|_| rows::impossible(column))
}

impl Index {
    /// The programs that made commits, latest first: at most `limit`.
    pub fn agents(&self, limit: usize) -> Result<Vec<AgentRow>> {
        let sql = "SELECT via, author_name, count(*), count(DISTINCT session), min(time), max(time) FROM revisions WHERE via IS NOT NULL
            GROUP BY via, author_name ORDER BY max(position) DESC, via, author_name LIMIT ?1";
        let row = |row: &Row<'_>| {
            let times = (row.get(4)?, row.get(5)?);
            Ok(AgentRow { via: row.get(0)?, person: row.get(1)?, changes: number(row, 2)?, sessions: number(row, 3)?, times })
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("look which programs wrote", |db| db.prepare_cached(sql)?.query_map([limit], row)?.collect())
    }
    /// The sessions of the program `via`, latest first: at most `limit`, whose last commit has a place below `before`.
    pub fn agent_sessions(&self, via: &str, before: Option<i64>, limit: usize) -> Result<Vec<AgentSession>> {
        // Of bare columns SQLite takes those of the row that has the maximum.
        let sql = "SELECT session, author_name, count(*), min(time), max(time), id, max(position) AS place FROM revisions WHERE via = ?1
            GROUP BY session, author_name HAVING place < ?2 ORDER BY place DESC LIMIT ?3";
        let row = |row: &Row<'_>| {
            Ok(AgentSession {
                session: row.get(0)?,
                person: row.get(1)?,
                changes: number(row, 2)?,
                times: (row.get(3)?, row.get(4)?),
                last: rows::revision_id(row, 5)?,
                seq: row.get(6)?,
            })
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = params![via, before.unwrap_or(i64::MAX), limit];
        self.read("look at the sessions of a program", |db| db.prepare_cached(sql)?.query_map(values, row)?.collect())
    }
}
