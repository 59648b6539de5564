//! Rows of `wiki.db` about what people want to know: what they watch, how far they have looked, how they want to be told.

use super::comments::number;
use super::wiki_db::WikiDb;
use holt_core::{PageKey, PagePath, Result, RevisionId, UserId};
use rusqlite::{OptionalExtension, Row};

/// Somebody watches a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRow {
    /// Who.
    pub user: UserId,
    /// What.
    pub path: PagePath,
    /// Whether everything below it as well.
    pub below: bool,
    /// Where the wiki stood when they began; none: it was empty.
    pub since: Option<RevisionId>,
}

/// How often somebody gets mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Frequency {
    /// Never.
    #[default]
    None,
    /// Once a day, if there is something.
    Daily,
    /// Once a week, if there is something.
    Weekly,
    /// When something happens.
    AtOnce,
}

impl Frequency {
    /// All of them, as people choose.
    pub const ALL: [Self; 4] = [Self::None, Self::Daily, Self::Weekly, Self::AtOnce];
    /// As stored and as forms send it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::AtOnce => "at-once",
        }
    }
    /// The reverse of [`Frequency::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|frequency| frequency.as_str() == text)
    }
}

/// A point up to which somebody knows what happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// Of the pages; none: nothing yet.
    pub revision: Option<RevisionId>,
    /// Of the comments, by their ids.
    pub comment: i64,
    /// Of what is told of proposals, by the ids of the notices.
    pub proposal: i64,
}

/// What is kept about somebody who reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderRow {
    /// Who.
    pub user: UserId,
    /// Up to where they have looked at the changes of what they watch.
    pub seen: Option<RevisionId>,
    /// How often they get mail.
    pub digest: Frequency,
    /// What the last mail told.
    pub mailed: Mark,
    /// When it was sent, Unix seconds; 0: never.
    pub mailed_at: i64,
    /// When the next one is to go; none: nothing happened since.
    pub next_at: Option<i64>,
    /// How often sending it failed.
    pub failures: u32,
}

const WATCH: &str = "user_id, pagepath, below, since FROM watches";
const READER: &str = "user_id, seen, digest, mailed_revision, mailed_comment, mailed_at, next_at, failures, mailed_proposal FROM readers";

fn watch(row: &Row<'_>) -> rusqlite::Result<WatchRow> {
    let path = PagePath::parse(&row.get::<_, String>(1)?).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(1, 0))?;
    Ok(WatchRow { user: UserId(row.get(0)?), path, below: row.get(2)?, since: revision(row, 3)? })
}

fn reader(row: &Row<'_>) -> rusqlite::Result<ReaderRow> {
    Ok(ReaderRow {
        user: UserId(row.get(0)?),
        seen: revision(row, 1)?,
        digest: Frequency::parse(&row.get::<_, String>(2)?).unwrap_or_default(),
        mailed: Mark { revision: revision(row, 3)?, comment: row.get(4)?, proposal: row.get(8)? },
        mailed_at: row.get(5)?,
        next_at: Some(row.get(6)?).filter(|at| *at != 0),
        failures: row.get(7)?,
    })
}

fn revision(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RevisionId>> {
    Ok(RevisionId::parse(&row.get::<_, String>(column)?).ok())
}

fn text(revision: Option<RevisionId>) -> String {
    revision.map(|id| id.to_string()).unwrap_or_default()
}

impl WikiDb {
    /// What somebody watches, by path.
    pub fn watches(&self, user: UserId) -> Result<Vec<WatchRow>> {
        let sql = format!("SELECT {WATCH} WHERE user_id = ?1 ORDER BY key");
        self.read("list watched pages", |db| db.prepare_cached(&sql)?.query_map([user.0], watch)?.collect())
    }
    /// What everybody watches.
    pub fn all_watches(&self) -> Result<Vec<WatchRow>> {
        let sql = format!("SELECT {WATCH} ORDER BY user_id, key");
        self.read("list watched pages", |db| db.prepare(&sql)?.query_map([], watch)?.collect())
    }
    /// Whether and how somebody watches a page itself.
    pub fn watch(&self, user: UserId, key: &PageKey) -> Result<Option<WatchRow>> {
        let sql = format!("SELECT {WATCH} WHERE user_id = ?1 AND key = ?2");
        self.read("look for a watch", |db| db.prepare_cached(&sql)?.query_row((user.0, key.as_str()), watch).optional())
    }
    /// Somebody watches a page from now on, or watches it otherwise. Whether there was room for it.
    pub(crate) fn put_watch(&self, watch: &WatchRow, most: usize) -> Result<bool> {
        let key = watch.path.key();
        let count = "SELECT count(*) FROM watches WHERE user_id = ?1 AND key <> ?2";
        let sql = "INSERT INTO watches (user_id, key, pagepath, below, since) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (user_id, key) DO UPDATE SET pagepath = ?3, below = ?4";
        self.write("watch a page", |db| {
            let others = db.query_row(count, (watch.user.0, key.as_str()), |row| number(row, 0))?;
            if others < most {
                db.execute(sql, (watch.user.0, key.as_str(), watch.path.as_str(), watch.below, text(watch.since)))?;
            }
            Ok(others < most)
        })
    }
    /// Somebody does not watch a page any more; nothing happens if they did not.
    pub(crate) fn delete_watch(&self, user: UserId, key: &PageKey) -> Result<()> {
        let sql = "DELETE FROM watches WHERE user_id = ?1 AND key = ?2";
        self.write("stop watching a page", |db| db.execute(sql, (user.0, key.as_str()))).map(|_| ())
    }
    /// What is kept about somebody who reads.
    pub fn reader(&self, user: UserId) -> Result<Option<ReaderRow>> {
        let sql = format!("SELECT {READER} WHERE user_id = ?1");
        self.read("look how far somebody has read", |db| db.prepare_cached(&sql)?.query_row([user.0], reader).optional())
    }
    /// Everybody who wants mail.
    pub fn readers_by_mail(&self) -> Result<Vec<ReaderRow>> {
        let sql = format!("SELECT {READER} WHERE digest <> 'none' ORDER BY user_id");
        self.read("list who wants mail", |db| db.prepare_cached(&sql)?.query_map([], reader)?.collect())
    }
    /// They have looked at the changes up to a revision.
    pub(crate) fn set_seen(&self, user: UserId, seen: RevisionId) -> Result<()> {
        let sql = "INSERT INTO readers (user_id, seen) VALUES (?1, ?2) ON CONFLICT (user_id) DO UPDATE SET seen = ?2";
        self.write("note what was read", |db| db.execute(sql, (user.0, seen.to_string()))).map(|_| ())
    }
    /// They want mail so often; what was before `mark` is not told.
    pub(crate) fn set_digest(&self, user: UserId, digest: Frequency, mark: Mark, now: i64) -> Result<()> {
        let sql = "INSERT INTO readers (user_id, digest, mailed_at, mailed_revision, mailed_comment, mailed_proposal)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (user_id) DO UPDATE
            SET digest = ?2, mailed_at = ?3, mailed_revision = ?4, mailed_comment = ?5, mailed_proposal = ?6, next_at = 0, failures = 0";
        let values = (user.0, digest.as_str(), now, text(mark.revision), mark.comment, mark.proposal);
        self.write("change how somebody gets mail", |db| db.execute(sql, values)).map(|_| ())
    }
    /// They want no mail any more. Whether they did.
    pub(crate) fn end_digest(&self, user: UserId) -> Result<bool> {
        let sql = "UPDATE readers SET digest = 'none', next_at = 0, failures = 0 WHERE user_id = ?1 AND digest <> 'none'";
        self.write("stop mail to somebody", |db| db.execute(sql, [user.0])).map(|changed| changed > 0)
    }
    /// Their next mail is to go then (none: when something happens), after so many that failed.
    pub(crate) fn plan_mail(&self, user: UserId, next: Option<i64>, failures: u32) -> Result<()> {
        let sql = "UPDATE readers SET next_at = ?2, failures = ?3 WHERE user_id = ?1";
        self.write("plan mail to somebody", |db| db.execute(sql, (user.0, next.unwrap_or(0), failures))).map(|_| ())
    }
    /// They were told by mail what happened up to `mark`.
    pub(crate) fn set_mailed(&self, user: UserId, mark: Mark, now: i64) -> Result<()> {
        let sql =
            "UPDATE readers SET mailed_at = ?2, mailed_revision = ?3, mailed_comment = ?4, mailed_proposal = ?5, next_at = 0, failures = 0
            WHERE user_id = ?1";
        let values = (user.0, now, text(mark.revision), mark.comment, mark.proposal);
        self.write("note that mail was sent", |db| db.execute(sql, values)).map(|_| ())
    }
}
