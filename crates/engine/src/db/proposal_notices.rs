//! Rows of `wiki.db` about who is told of proposals. They are written with what they tell of, in one transaction; that one expired is noted by
//! whoever looks first, as nobody does anything then.

use super::comments::number as count;
use super::decode;
use super::proposals::ProposalStatus;
use super::wiki_db::WikiDb;
use holt_core::{Result, UserId};
use rusqlite::{Connection, OptionalExtension};

/// That somebody is told of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProposalNoticeRow {
    /// Its identity in the wiki; grows with time.
    pub id: i64,
    /// The proposal.
    pub number: i64,
    /// `Open`: it waits, and they may decide about it. Anything else became of their own.
    pub what: ProposalStatus,
    /// Unix seconds.
    pub time: i64,
    /// Whether they have looked at it.
    pub seen: bool,
}

/// Proposals whose time is over and which are told otherwise, or not at all.
const UNTOLD: &str = "FROM proposals AS p WHERE p.status = 'open' AND p.expires <= ?1 AND (
    EXISTS (SELECT 1 FROM proposal_notices AS n WHERE n.number = p.number AND n.kind = 'open' AND NOT n.seen)
    OR (p.maker > 0 AND NOT EXISTS (SELECT 1 FROM proposal_notices AS n WHERE n.user_id = p.maker AND n.number = p.number AND n.kind = 'expired')))";

/// Tells people that a proposal waits for them.
pub(super) fn tell(db: &Connection, number: i64, people: &[UserId], time: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO proposal_notices (user_id, number, kind, time) VALUES (?1, ?2, 'open', ?3) ON CONFLICT DO NOTHING";
    let mut put = db.prepare_cached(sql)?;
    people.iter().try_for_each(|user| put.execute((user.0, number, time)).map(|_| ()))
}

/// Tells its maker what became of a proposal, if it was not them who decided; it asks nothing of anybody any more.
pub(super) fn settle(db: &Connection, number: i64, what: ProposalStatus, by: UserId, time: i64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM proposal_notices WHERE number = ?1 AND kind = 'expired'", [number])?;
    db.execute("UPDATE proposal_notices SET seen = 1 WHERE number = ?1 AND kind = 'open'", [number])?;
    let sql = "INSERT INTO proposal_notices (user_id, number, kind, time)
               SELECT maker, number, ?2, ?3 FROM proposals WHERE number = ?1 AND maker > 0 AND maker <> ?4 ON CONFLICT DO NOTHING";
    db.execute(sql, (number, what.as_str(), time, by.0)).map(|_| ())
}

impl WikiDb {
    /// What somebody is told of proposals, newest first: `limit` notices with an id below `before`.
    pub fn proposal_notices(&self, user: UserId, before: Option<i64>, limit: usize) -> Result<Vec<ProposalNoticeRow>> {
        let sql = "SELECT id, number, kind, time, seen FROM proposal_notices WHERE user_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Vec<(i64, i64, String, i64, bool)> = self.read("read an inbox", |db| {
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
            db.prepare_cached(sql)?.query_map((user.0, before.unwrap_or(i64::MAX), limit), row)?.collect()
        })?;
        let notice = |(id, number, kind, time, seen): (i64, i64, String, i64, bool)| {
            let what = decode("why somebody is told of a proposal", ProposalStatus::parse(&kind))?;
            Ok(ProposalNoticeRow { id, number, what, time, seen })
        };
        rows.into_iter().map(notice).collect()
    }
    /// How many of them they have not looked at.
    pub fn unseen_proposal_notices(&self, user: UserId) -> Result<usize> {
        let sql = "SELECT count(*) FROM proposal_notices WHERE user_id = ?1 AND NOT seen";
        self.read("count what is new", |db| db.prepare_cached(sql)?.query_row([user.0], |row| count(row, 0)))
    }
    /// They have looked at everything up to a notice.
    pub(crate) fn see_proposal_notices(&self, user: UserId, upto: i64) -> Result<()> {
        let sql = "UPDATE proposal_notices SET seen = 1 WHERE user_id = ?1 AND id <= ?2 AND NOT seen";
        self.write("note what was read", |db| db.execute(sql, (user.0, upto))).map(|_| ())
    }
    /// They have looked at a proposal.
    pub(crate) fn see_proposal(&self, user: UserId, number: i64) -> Result<()> {
        let new = "SELECT 1 FROM proposal_notices WHERE user_id = ?1 AND number = ?2 AND NOT seen";
        // Looking writes nothing where there is nothing new.
        let is_new = self.read("look what is new", |db| db.prepare_cached(new)?.query_row((user.0, number), |_| Ok(())).optional())?;
        if is_new.is_some() {
            let sql = "UPDATE proposal_notices SET seen = 1 WHERE user_id = ?1 AND number = ?2";
            self.write("note what was read", |db| db.execute(sql, (user.0, number)))?;
        }
        Ok(())
    }
    /// The newest notice about a proposal; 0 without any.
    pub fn newest_proposal_notice(&self) -> Result<i64> {
        let sql = "SELECT coalesce(max(id), 0) FROM proposal_notices";
        self.read("look for the newest notice", |db| db.prepare_cached(sql)?.query_row([], |row| row.get(0)))
    }
    /// Tells the makers of proposals whose time is over.
    pub(crate) fn note_expired(&self, now: i64) -> Result<()> {
        let look = format!("SELECT 1 {UNTOLD} LIMIT 1");
        let is_new = self.read("look for expired proposals", |db| db.prepare_cached(&look)?.query_row([now], |_| Ok(())).optional())?;
        if is_new.is_none() {
            return Ok(());
        }
        self.write("tell of expired proposals", |db| {
            let sql = format!(
                "INSERT INTO proposal_notices (user_id, number, kind, time)
                 SELECT p.maker, p.number, 'expired', p.expires {UNTOLD} AND p.maker > 0 ORDER BY p.number ON CONFLICT DO NOTHING"
            );
            db.execute(&sql, [now])?;
            let over = "SELECT number FROM proposals WHERE status = 'open' AND expires <= ?1";
            db.execute(&format!("UPDATE proposal_notices SET seen = 1 WHERE kind = 'open' AND number IN ({over})"), [now])
        })
        .map(|_| ())
    }
    /// When the next proposal expires, after `now`.
    pub(crate) fn next_expiry(&self, now: i64) -> Result<Option<i64>> {
        let sql = "SELECT min(expires) FROM proposals WHERE status = 'open' AND expires > ?1";
        self.read("look when proposals expire", |db| db.prepare_cached(sql)?.query_row([now], |row| row.get(0)))
    }
}
