//! What wikis want done beside what their people wait for, so that nothing is forgotten when a process ends: which wikis moved, how far each worker has taken
//! notice, and what it owes besides. What there is to do in a wiki, the wiki knows itself: looking too often costs time and nothing else.
//!
//! | moment | rows |
//! |---|---|
//! | a wiki moves | `note_moved`: its row gets the next number, once for all workers |
//! | a worker looks around | `moved_after` what it has seen, and `due_work` |
//! | it begins with a wiki | `begin_work`: marks the row that the wiki has, if any |
//! | it is done | `end_work`: that row goes, or says when again, unless somebody asked for it meanwhile |
//! | it could not | `end_work`: a row with the reason, and when to try again |
//! | its process died | `abandoned_work`: what it was at comes again, later each time |
//!
//! One process at a time is a worker of one name: [`crate::Post`] sees to that.

use super::Directory;
use crate::db::decode;
use holt_core::{Result, WikiId};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeSet;

/// Not before somebody says so, or the wiki moves.
pub const NEVER: i64 = i64::MAX;
/// After so many failures in a row a wiki is on the poison list (security.md DUR-18).
pub const TRIES: u32 = 5;

/// A wiki that a worker is to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owed {
    /// Which.
    pub wiki: WikiId,
    /// How often in a row it failed there.
    pub tries: u32,
}

/// What became of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// There is nothing to do until the wiki moves.
    Done,
    /// There is, at this time, in Unix seconds.
    At(i64),
    /// There is, and something is wrong with the wiki that somebody should know of.
    Troubled {
        /// Unix seconds.
        due: i64,
        /// One line.
        error: &'a str,
    },
    /// It failed, for this reason, `tries` times in a row; [`NEVER`] or when it is to be tried again.
    Failed {
        /// Unix seconds.
        due: i64,
        /// In a row.
        tries: u32,
        /// One line.
        error: &'a str,
    },
}

/// How a worker stands, as whoever has its post wrote it down last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkerRow {
    /// The number of the last move that it has taken notice of.
    pub seen: i64,
    /// Whether it is to rest.
    pub paused: bool,
    /// Turns that ended well, ever.
    pub turns: u64,
    /// Turns that did not.
    pub failures: u64,
    /// Milliseconds that turns took.
    pub spent: u64,
    /// When the last turn ended, in Unix seconds; 0: never.
    pub last: i64,
    /// Why the last one failed that did.
    pub error: String,
    /// Why there is nothing for it to do where it is; empty: there may be.
    pub idle: String,
}

/// How much there is of a wiki.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Pages.
    pub pages: u64,
    /// Bytes of the repository.
    pub bytes: u64,
    /// When that was: Unix seconds.
    pub at: i64,
    /// Whether its owner was told that a limit is near.
    pub warned: bool,
}

/// What waits for a worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Wikis that it is to look at now.
    pub wikis: u64,
    /// Since when, of the one that waits longest: Unix seconds.
    pub since: Option<i64>,
    /// Wikis where it failed, and will try again.
    pub failing: u64,
    /// Wikis that it has given up until they move, or somebody says so.
    pub poisoned: u64,
}

fn numbered((id, number): (i64, i64)) -> Result<(WikiId, i64)> {
    Ok((decode("a wiki id", WikiId::from_store(id))?, number))
}

fn again(db: &Connection, worker: &str, wiki: i64, due: i64, error: &str) -> rusqlite::Result<usize> {
    db.execute(
        "INSERT INTO work (worker, wiki, due, tries, begun, error) VALUES (?1, ?2, ?3, 0, 0, ?4) ON CONFLICT (worker, wiki) DO UPDATE
            SET due = CASE WHEN begun THEN excluded.due ELSE min(due, excluded.due) END, tries = 0, begun = 0, error = excluded.error",
        (worker, wiki, due, error),
    )
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

impl Directory {
    /// The wikis have new commits.
    pub fn note_moved(&self, wikis: &BTreeSet<WikiId>, now: i64) -> Result<()> {
        let sql = "INSERT INTO moved (wiki, seq, at) SELECT ?1, coalesce(max(seq), 0) + 1, ?2 FROM moved WHERE true
            ON CONFLICT (wiki) DO UPDATE SET seq = excluded.seq, at = excluded.at";
        self.write("note that wikis moved", |db| {
            let mut note = db.prepare_cached(sql)?;
            wikis.iter().try_for_each(|wiki| note.execute((wiki.to_store(), now)).map(drop))
        })
    }
    /// Wikis that moved after the move of this number, in order, each with the number of its last move.
    pub fn moved_after(&self, seen: i64, most: u32) -> Result<Vec<(WikiId, i64)>> {
        let sql = "SELECT wiki, seq FROM moved WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let rows = self.read("see which wikis moved", |db| {
            db.prepare_cached(sql)?.query_map((seen, most), |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        rows.into_iter().map(numbered).collect()
    }
    /// What `worker` owes besides and may do now, longest due first.
    pub fn due_work(&self, worker: &str, now: i64, most: u32) -> Result<Vec<WikiId>> {
        let sql = "SELECT wiki FROM work WHERE worker = ?1 AND due <= ?2 ORDER BY due LIMIT ?3";
        let rows: Vec<i64> =
            self.read("see what is due", |db| db.prepare_cached(sql)?.query_map((worker, now, most), |row| row.get(0))?.collect())?;
        rows.into_iter().map(|id| decode("a wiki id", WikiId::from_store(id))).collect()
    }
    /// Has `worker` look at a wiki at this time at the latest, though it does not move.
    pub fn plan_work(&self, worker: &str, wiki: WikiId, due: i64) -> Result<()> {
        let sql = "INSERT INTO work (worker, wiki, due, tries, begun, error) VALUES (?1, ?2, ?3, 0, 0, '')
            ON CONFLICT (worker, wiki) DO UPDATE SET due = min(due, excluded.due), begun = 0";
        self.write("plan work", |db| db.execute(sql, (worker, wiki.to_store(), due))).map(drop)
    }
    /// `worker` begins with a wiki: how often it failed there in a row. None if it is too early to try again. A wiki on the poison list that moved is tried once.
    pub fn begin_work(&self, worker: &str, wiki: WikiId, now: i64) -> Result<Option<Owed>> {
        let key = (worker, wiki.to_store());
        let sql = "SELECT due, tries FROM work WHERE worker = ?1 AND wiki = ?2";
        let row =
            |db: &Connection| db.prepare_cached(sql)?.query_row(key, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?))).optional();
        match self.read("see what is owed", row)? {
            None => Ok(Some(Owed { wiki, tries: 0 })),
            Some((due, tries)) if tries > 0 && due > now && due < NEVER => Ok(None),
            Some((_, tries)) => {
                let sql = "UPDATE work SET begun = 1 WHERE worker = ?1 AND wiki = ?2";
                self.write("begin work", |db| db.execute(sql, key))?;
                Ok(Some(Owed { wiki, tries }))
            }
        }
    }
    /// Says what became of it. What somebody asked for since it began comes first.
    pub fn end_work(&self, worker: &str, wiki: WikiId, outcome: &Outcome<'_>) -> Result<()> {
        let id = wiki.to_store();
        let has_row = |db: &Connection| {
            db.prepare_cached("SELECT 1 FROM work WHERE worker = ?1 AND wiki = ?2")?.query_row((worker, id), |_| Ok(())).optional()
        };
        if *outcome == Outcome::Done && self.read("see what is owed", has_row)?.is_none() {
            return Ok(());
        }
        self.write("end work", |db| match outcome {
            Outcome::Done => {
                db.execute("DELETE FROM work WHERE worker = ?1 AND wiki = ?2 AND begun", (worker, id))?;
                db.execute("UPDATE work SET tries = 0, error = '' WHERE worker = ?1 AND wiki = ?2", (worker, id))
            }
            Outcome::At(due) => again(db, worker, id, *due, ""),
            Outcome::Troubled { due, error } => again(db, worker, id, *due, error),
            Outcome::Failed { due, tries, error } => db.execute(
                "INSERT INTO work (worker, wiki, due, tries, begun, error) VALUES (?1, ?2, ?3, ?4, 0, ?5) ON CONFLICT (worker, wiki) DO UPDATE
                    SET due = excluded.due, tries = excluded.tries, begun = 0, error = excluded.error",
                (worker, id, due, tries, error),
            ),
        })
        .map(drop)
    }
    /// A process died while it was at these wikis: they come again, after a while if that happened more often.
    pub fn abandoned_work(&self, worker: &str, wikis: &[WikiId], now: i64) -> Result<()> {
        self.write("take over work", |db| {
            db.execute("UPDATE work SET begun = 0 WHERE worker = ?1", [worker])?;
            for wiki in wikis {
                db.execute(
                    "INSERT INTO work (worker, wiki, due, tries, begun, error) VALUES (?1, ?2, ?3, 1, 0, ?4) ON CONFLICT (worker, wiki) DO UPDATE
                        SET tries = tries + 1, error = excluded.error, begun = 0,
                            due = excluded.due + CASE WHEN tries < 3 THEN 0 ELSE min(5 << min(tries - 3, 10), 3600) END",
                    (worker, wiki.to_store(), now, "the process ended while it was at it"),
                )?;
            }
            Ok(())
        })
    }
    /// Has `worker` try again now whatever failed, the poison list among it.
    pub fn forgive_work(&self, worker: &str, now: i64) -> Result<()> {
        let sql = "UPDATE work SET due = ?2, tries = 0 WHERE worker = ?1 AND tries > 0";
        self.write("try work again", |db| db.execute(sql, (worker, now))).map(drop)
    }
    /// How a worker stands.
    pub fn worker(&self, name: &str) -> Result<WorkerRow> {
        let sql = "SELECT seen, paused, turns, failures, spent, last, error, idle FROM workers WHERE name = ?1";
        let row = |db: &Connection| {
            db.prepare_cached(sql)?
                .query_row([name], |row| {
                    let (turns, failures, spent) = (unsigned(row.get(2)?), unsigned(row.get(3)?), unsigned(row.get(4)?));
                    let (seen, paused, last) = (row.get(0)?, row.get(1)?, row.get(5)?);
                    Ok(WorkerRow { seen, paused, turns, failures, spent, last, error: row.get(6)?, idle: row.get(7)? })
                })
                .optional()
        };
        Ok(self.read("see how a worker stands", row)?.unwrap_or_default())
    }
    /// Writes it down, but for whether it is to rest.
    pub fn note_worker(&self, name: &str, row: &WorkerRow) -> Result<()> {
        let sql = "INSERT INTO workers (name, seen, paused, turns, failures, spent, last, error, idle) VALUES (?1, ?2, false, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (name) DO UPDATE SET seen = excluded.seen, turns = excluded.turns, failures = excluded.failures, spent = excluded.spent,
                last = excluded.last, error = excluded.error, idle = excluded.idle";
        let [turns, failures, spent] = [row.turns, row.failures, row.spent].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        self.write("note how a worker stands", |db| {
            db.execute(sql, (name, row.seen, turns, failures, spent, row.last, &row.error, &row.idle))
        })
        .map(drop)
    }
    /// It rests, in whatever process, until [`Directory::resume_worker`].
    pub fn pause_worker(&self, name: &str) -> Result<()> {
        self.set_worker_paused(name, true)
    }
    /// Takes it back.
    pub fn resume_worker(&self, name: &str) -> Result<()> {
        self.set_worker_paused(name, false)
    }
    fn set_worker_paused(&self, name: &str, paused: bool) -> Result<()> {
        let sql =
            "INSERT INTO workers (name, seen, paused, turns, failures, spent, last, error, idle) VALUES (?1, 0, ?2, 0, 0, 0, 0, '', '')
            ON CONFLICT (name) DO UPDATE SET paused = excluded.paused";
        self.write("let a worker rest", |db| db.execute(sql, (name, paused))).map(drop)
    }
    /// What waits for a worker that has seen so much.
    pub fn waiting_work(&self, name: &str, seen: i64, now: i64) -> Result<Waiting> {
        self.read("see what waits", |db| {
            let moved = "SELECT count(*), min(at) FROM moved WHERE seq > ?1";
            let (moved, moved_since): (i64, Option<i64>) =
                db.prepare_cached(moved)?.query_row([seen], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let due = "SELECT count(*), min(due) FROM work WHERE worker = ?1 AND due <= ?2";
            let (due, due_since): (i64, Option<i64>) =
                db.prepare_cached(due)?.query_row((name, now), |row| Ok((row.get(0)?, row.get(1)?)))?;
            let failed = "SELECT count(*), count(*) FILTER (WHERE due = ?2) FROM work WHERE worker = ?1 AND (tries > 0 OR error <> '')";
            let (failed, poisoned): (i64, i64) =
                db.prepare_cached(failed)?.query_row((name, NEVER), |row| Ok((row.get(0)?, row.get(1)?)))?;
            let since = [moved_since, due_since].into_iter().flatten().min();
            Ok(Waiting { wikis: unsigned(moved + due), since, failing: unsigned(failed - poisoned), poisoned: unsigned(poisoned) })
        })
    }
    /// The wikis where a worker failed or found something wrong, most recently due last, with how often in a row and why.
    pub fn failed_work(&self, worker: &str, most: u32) -> Result<Vec<(Owed, String)>> {
        let sql = "SELECT wiki, tries, error FROM work WHERE worker = ?1 AND (tries > 0 OR error <> '') ORDER BY due DESC, wiki LIMIT ?2";
        let rows = self.read("see what failed", |db| {
            db.prepare_cached(sql)?
                .query_map((worker, most), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<rusqlite::Result<Vec<(i64, u32, String)>>>()
        })?;
        rows.into_iter().map(|(id, tries, error)| Ok((Owed { wiki: decode("a wiki id", WikiId::from_store(id))?, tries }, error))).collect()
    }
    /// How much there was of a wiki when it was measured last.
    pub fn usage(&self, wiki: WikiId) -> Result<Option<Measured>> {
        let sql = "SELECT pages, bytes, measured, warned FROM usage WHERE wiki = ?1";
        self.read("see how much there is", |db| {
            let row = |row: &rusqlite::Row<'_>| {
                Ok(Measured { pages: unsigned(row.get(0)?), bytes: unsigned(row.get(1)?), at: row.get(2)?, warned: row.get(3)? })
            };
            db.prepare_cached(sql)?.query_row([wiki.to_store()], row).optional()
        })
    }
    /// Notes it.
    pub fn note_usage(&self, wiki: WikiId, measured: &Measured) -> Result<()> {
        let sql = "INSERT INTO usage (wiki, pages, bytes, measured, warned) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (wiki) DO UPDATE
            SET pages = excluded.pages, bytes = excluded.bytes, measured = excluded.measured, warned = excluded.warned";
        let [pages, bytes] = [measured.pages, measured.bytes].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        self.write("note how much there is", |db| db.execute(sql, (wiki.to_store(), pages, bytes, measured.at, measured.warned))).map(drop)
    }
}
