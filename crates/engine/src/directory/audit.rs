//! Who did what: a log that only grows. The database itself refuses to change or delete a row.

use super::Directory;
use holt_core::{Result, WikiId};

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub struct AuditEntry<'a> {
    /// Unix seconds.
    pub time: i64,
    /// Who, as text that outlives the account.
    pub actor: &'a str,
    /// In which wiki, if in one.
    pub wiki: Option<WikiId>,
    /// A word: `login`, `member.change`.
    pub action: &'a str,
    /// To what. Never a secret.
    pub object: &'a str,
    /// How it ended: `ok`, `denied`.
    pub result: &'a str,
}

/// A row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of AuditEntry, and the place in the log")]
pub struct AuditRow {
    pub id: i64,
    pub time: i64,
    pub actor: String,
    pub wiki: Option<WikiId>,
    pub action: String,
    pub object: String,
    pub result: String,
}

/// Which rows of the log are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditFilter<'a> {
    /// Only those of this wiki.
    pub wiki: Option<WikiId>,
    /// Only those whose actor contains this; empty: of everybody.
    pub actor: &'a str,
    /// Only those of this action; empty: of any.
    pub action: &'a str,
    /// Only those older than the row of this id.
    pub before: Option<i64>,
}

impl Directory {
    /// Adds a row.
    pub fn audit(&self, entry: &AuditEntry<'_>) -> Result<()> {
        let sql = "INSERT INTO audit (time, actor, wiki, action, object, result) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let values = (entry.time, entry.actor, entry.wiki.map(WikiId::to_store), entry.action, entry.object, entry.result);
        self.write("write the audit log", |db| db.execute(sql, values)).map(|_| ())
    }
    /// The newest rows that `filter` lets pass.
    pub fn audit_log(&self, filter: &AuditFilter<'_>, limit: usize) -> Result<Vec<AuditRow>> {
        let one = if filter.wiki.is_some() { "wiki = ?1" } else { "?1 IS NULL" };
        let sql = format!(
            "SELECT id, time, actor, wiki, action, object, result FROM audit WHERE {one} AND id < ?2
             AND (?3 = '' OR instr(actor, ?3) > 0) AND (?4 = '' OR action = ?4) ORDER BY id DESC LIMIT ?5"
        );
        let (wiki, before) = (filter.wiki.map(WikiId::to_store), filter.before.unwrap_or(i64::MAX));
        let values = (wiki, before, filter.actor, filter.action, i64::try_from(limit).unwrap_or(i64::MAX));
        self.read("read the audit log", |db| {
            let row = |row: &rusqlite::Row<'_>| {
                Ok(AuditRow {
                    id: row.get(0)?,
                    time: row.get(1)?,
                    actor: row.get(2)?,
                    wiki: row.get::<_, Option<i64>>(3)?.and_then(WikiId::from_store),
                    action: row.get(4)?,
                    object: row.get(5)?,
                    result: row.get(6)?,
                })
            };
            db.prepare(&sql)?.query_map(values, row)?.collect()
        })
    }
}
