//! Which wikis may owe somebody mail, and since when: one indexed question, however many wikis there are.
//!
//! What is kept here is only when to look. Whom a wiki owes mail, and about what, it knows itself: looking too early costs time and nothing else.
//!
//! | moment | row of the wiki |
//! |---|---|
//! | somebody wants mail | `expect_digests`: due now |
//! | something happens | `note_news`: due in a minute, if the row listens |
//! | its turn comes | `begin_digests`: due again in [`LEASE`] seconds, should the process end meanwhile; it listens |
//! | its turn ends | `end_turn`: due when the next mail is planned, unless something happened since its turn began |

use super::Directory;
use crate::db::decode;
use holt_core::{Result, WikiId};
use rusqlite::OptionalExtension;

/// How long news gather before anybody is told, in seconds: several saves in a row are one mail.
pub const GATHER: i64 = 60;
/// When a wiki is asked again whose turn did not end, in seconds.
pub const LEASE: i64 = 600;
/// Nothing is planned.
const NEVER: i64 = i64::MAX;

/// It is the turn of a wiki.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Which.
    pub wiki: WikiId,
    lease: i64,
}

/// When a wiki is to be asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Then; and sooner if something happens and `listens`.
    At {
        /// Unix seconds; none: only when something happens.
        time: Option<i64>,
        /// See above.
        listens: bool,
    },
    /// Never: nobody there wants mail.
    Never,
}

impl Directory {
    /// The wikis whose turn it is, longest first; those that do not answer wait.
    pub fn due_digests(&self, now: i64, most: u32) -> Result<Vec<WikiId>> {
        let sql = "SELECT wiki FROM digests JOIN wikis ON wikis.id = digests.wiki
            WHERE due <= ?1 AND wikis.state = 'active' AND wikis.trashed IS NULL ORDER BY due LIMIT ?2";
        let due: Vec<i64> =
            self.read("look for mail that is due", |db| db.prepare_cached(sql)?.query_map((now, most), |row| row.get(0))?.collect())?;
        due.into_iter().map(|id| decode("a wiki id", WikiId::from_store(id))).collect()
    }
    /// Begins the turn of a wiki, if it is: nobody else gets it meanwhile.
    pub fn begin_digests(&self, wiki: WikiId, now: i64) -> Result<Option<Turn>> {
        let (id, lease) = (wiki.to_store(), now.saturating_add(LEASE));
        let sql = "SELECT 1 FROM digests WHERE wiki = ?1 AND due <= ?2";
        let due = self.read("look for mail that is due", |db| db.prepare_cached(sql)?.query_row((id, now), |_| Ok(())).optional())?;
        if due.is_none() {
            return Ok(None);
        }
        let sql = "UPDATE digests SET due = ?2, listens = 1 WHERE wiki = ?1";
        self.write("begin the turn of a wiki", |db| db.execute(sql, (id, lease)))?;
        Ok(Some(Turn { wiki, lease }))
    }
    /// Says when the wiki is to be asked again. What happened since its turn began comes first.
    pub fn end_turn(&self, turn: &Turn, next: Next) -> Result<()> {
        let id = turn.wiki.to_store();
        self.write("end the turn of a wiki", |db| match next {
            Next::Never => db.execute("DELETE FROM digests WHERE wiki = ?1 AND due = ?2", (id, turn.lease)),
            Next::At { time, listens } => {
                let sql = "UPDATE digests SET due = ?3, listens = ?4 WHERE wiki = ?1 AND due = ?2";
                db.execute(sql, (id, turn.lease, time.unwrap_or(NEVER), listens))
            }
        })
        .map(|_| ())
    }
    /// Somebody in `wiki` wants mail: it is asked now.
    pub fn expect_digests(&self, wiki: WikiId, now: i64) -> Result<()> {
        let sql = "INSERT INTO digests (wiki, due, listens) VALUES (?1, ?2, 1)
            ON CONFLICT (wiki) DO UPDATE SET due = min(due, ?2), listens = 1";
        self.write("expect mail of a wiki", |db| db.execute(sql, (wiki.to_store(), now))).map(|_| ())
    }
    /// Something happened in `wiki`. Writes only where somebody is to be told and nothing is planned, once until their mail goes.
    pub fn note_news(&self, wiki: WikiId, now: i64) -> Result<()> {
        let (id, soon) = (wiki.to_store(), now.saturating_add(GATHER));
        let sql = "SELECT 1 FROM digests WHERE wiki = ?1 AND listens AND due > ?2";
        let wanted = self.read("look who waits for news", |db| db.prepare_cached(sql)?.query_row((id, soon), |_| Ok(())).optional())?;
        if wanted.is_some() {
            let sql = "UPDATE digests SET due = ?2 WHERE wiki = ?1 AND due > ?2";
            self.write("note that there is news", |db| db.execute(sql, (id, soon)))?;
        }
        Ok(())
    }
}
