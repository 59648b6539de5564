//! `wiki.db`: preferences, members and drafts of one wiki. It cannot be made again, so it is never made except with its wiki (DUR-10).

use super::connection::{self, Durability, Existence, Kind};
use super::preferences::{self, Audience, Preferences};
use super::{decode, wrap};
use holt_core::{Error, MemberFlags, PagePath, Result, RevisionId, UserId};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The name of the file in the wiki's directory.
const FILE: &str = "wiki.db";

const KIND: Kind = Kind {
    name: FILE,
    application_id: i32::from_be_bytes(*b"Howk"),
    durability: Durability::Full,
    migrations: &[
        include_str!("migrations/0001_settings.sql"),
        include_str!("migrations/0002_counters.sql"),
        include_str!("migrations/0003_comments.sql"),
        include_str!("migrations/0004_digests.sql"),
        include_str!("migrations/0005_proposals.sql"),
        include_str!("migrations/0006_proposal_notices.sql"),
        include_str!("migrations/0007_pushers.sql"),
        include_str!("migrations/0008_cursors.sql"),
    ],
};

/// Somebody's place in a wiki.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Whose.
    pub user: UserId,
    /// What they may do.
    pub flags: MemberFlags,
    /// Unix seconds.
    pub first_seen: i64,
    /// Unix seconds.
    pub last_seen: i64,
}

/// Unsaved work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftRow {
    /// The source as it was left.
    pub content: String,
    /// The revision it is based on, as whoever kept it spelled it; empty for a new page.
    pub revision: String,
    /// Line and column of the cursor.
    pub cursor: (i64, i64),
    /// Unix seconds.
    pub time: i64,
}

/// How far a worker came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// What it has done, up to this.
    pub revision: RevisionId,
    /// When: Unix seconds.
    pub at: i64,
    /// What it keeps in mind.
    pub note: String,
}

/// An open `wiki.db`.
pub struct WikiDb {
    state: Mutex<State>,
}

struct State {
    db: Connection,
    /// What was read last, and SQLite's number for the state of the file then: it changes when anybody else commits.
    preferences: Option<(i64, Arc<Preferences>)>,
}

impl WikiDb {
    /// Makes the database of a new wiki in its directory `dir`. Durable when this returns, but for the directory itself.
    pub fn create(dir: &Path, title: &str, audience: Audience) -> Result<Self> {
        let path = dir.join(FILE);
        if path.exists() {
            return Err(Error::conflict(format!("{} exists already", path.display())));
        }
        let db = connection::open(&path, &KIND, Existence::MayBeNew)?;
        let made = Self { state: Mutex::new(State { db, preferences: None }) };
        let rows = preferences::of_new_wiki(title, audience);
        made.set_preferences(rows.iter().map(|(name, value)| (*name, value.as_str())))?;
        Ok(made)
    }
    /// Opens the database in `dir`. A missing one is an error that says what to do.
    pub fn open(dir: &Path) -> Result<Self> {
        let db = connection::open(&dir.join(FILE), &KIND, Existence::Required)?;
        Ok(Self { state: Mutex::new(State { db, preferences: None }) })
    }
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(super) fn read<T>(&self, attempted: &str, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        work(&self.lock().db).map_err(wrap(attempted))
    }
    /// One transaction, durable when this returns.
    pub(super) fn write<T>(&self, attempted: &str, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut state = self.lock();
        state.preferences = None;
        (|| {
            let tx = state.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&tx)?;
            tx.commit()?;
            Ok(result)
        })()
        .map_err(wrap(attempted))
    }
    /// The preferences as they are now, whoever changed them last.
    pub fn preferences(&self) -> Result<Arc<Preferences>> {
        let mut state = self.lock();
        let State { db, preferences } = &mut *state;
        (|| {
            let version = db.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
            if let Some((_, known)) = preferences.as_ref().filter(|(seen, _)| *seen == version) {
                return Ok(known.clone());
            }
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?.unwrap_or_default()));
            let rows: BTreeMap<String, String> =
                db.prepare_cached("SELECT name, value FROM preferences")?.query_map([], row)?.collect::<rusqlite::Result<_>>()?;
            let read = Arc::new(Preferences::from_rows(rows));
            *preferences = Some((version, read.clone()));
            Ok(read)
        })()
        .map_err(wrap("read preferences"))
    }
    /// Changes some preferences; all others stay.
    pub fn set_preferences<'a>(&self, rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<()> {
        self.write("change preferences", |db| put_preferences(db, rows))
    }
    /// Changes all preferences: what is not in `rows` has its default again.
    pub fn replace_preferences(&self, rows: &BTreeMap<String, String>) -> Result<()> {
        self.write("replace preferences", |db| {
            let names: Vec<String> =
                db.prepare("SELECT name FROM preferences")?.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            for name in names.iter().filter(|name| !rows.contains_key(*name)) {
                db.execute("DELETE FROM preferences WHERE name = ?1", [name])?;
            }
            put_preferences(db, rows.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        })
    }
    /// Grows with every change of a preference.
    pub fn settings_version(&self) -> Result<u64> {
        self.counter("settings")
    }
    /// Grows with every change of who may do what: of members, their flags, or a level of access.
    pub fn epoch(&self) -> Result<u64> {
        self.counter("access")
    }
    fn counter(&self, name: &str) -> Result<u64> {
        let sql = "SELECT value FROM counters WHERE name = ?1";
        let value = self.read("read a counter", |db| db.prepare_cached(sql)?.query_row([name], |row| row.get::<_, i64>(0)))?;
        Ok(value.cast_unsigned())
    }
    /// What `user` is in this wiki.
    pub fn member(&self, user: UserId) -> Result<Option<Member>> {
        let sql = format!("SELECT {MEMBER} WHERE user_id = ?1");
        self.read("read a member", |db| db.prepare_cached(&sql)?.query_row([user.0], member).optional())
    }
    /// Everybody who is something in this wiki, by id.
    pub fn members(&self) -> Result<Vec<Member>> {
        let sql = format!("SELECT {MEMBER} ORDER BY user_id");
        self.read("list members", |db| db.prepare_cached(&sql)?.query_map([], member)?.collect())
    }
    /// Makes or changes a member.
    pub fn put_member(&self, member: &Member) -> Result<()> {
        self.write("change a member", |db| put_member(db, member))
    }
    /// Makes or changes members, all or none. `Invalid` if the wiki had an administrator and would have none any more.
    pub fn change_members(&self, members: &[Member]) -> Result<()> {
        self.keeping_admin(|db| members.iter().try_for_each(|member| put_member(db, member)))
    }
    /// Removes a member; nothing happens if there is none. `Invalid` if that is the last administrator.
    pub fn remove_member(&self, user: UserId) -> Result<()> {
        self.keeping_admin(|db| db.execute("DELETE FROM members WHERE user_id = ?1", [user.0]).map(|_| ()))
    }
    fn keeping_admin(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> Result<()> {
        let mut state = self.lock();
        state.preferences = None;
        let has_admin = |db: &Connection| -> rusqlite::Result<bool> {
            db.query_row("SELECT EXISTS (SELECT 1 FROM members WHERE is_admin)", [], |row| row.get(0))
        };
        let kept = (|| {
            let tx = state.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let had = has_admin(&tx)?;
            work(&tx)?;
            if had && !has_admin(&tx)? {
                return Ok(false);
            }
            tx.commit()?;
            Ok(true)
        })()
        .map_err(wrap("change members"))?;
        if kept {
            return Ok(());
        }
        Err(Error::invalid("nobody would administer this wiki any more").hint("Leave at least one administrator."))
    }
    /// The draft of `path`, in any spelling, that the owner of `email` keeps.
    pub fn draft(&self, path: &PagePath, email: &str) -> Result<Option<DraftRow>> {
        let sql = "SELECT content, revision, cursor_line, cursor_ch, datetime FROM drafts WHERE key = ?1 AND author_email = ?2";
        let draft = |row: &Row<'_>| {
            Ok(DraftRow { content: row.get(0)?, revision: row.get(1)?, cursor: (row.get(2)?, row.get(3)?), time: row.get(4)? })
        };
        self.read("read a draft", |db| db.prepare_cached(sql)?.query_row((path.key().as_str(), email), draft).optional())
    }
    /// All drafts that the owner of `email` keeps, latest first.
    pub fn drafts(&self, email: &str) -> Result<Vec<(PagePath, DraftRow)>> {
        let sql = "SELECT content, revision, cursor_line, cursor_ch, datetime, pagepath FROM drafts WHERE author_email = ?1 ORDER BY datetime DESC";
        let draft = |row: &Row<'_>| {
            let draft = DraftRow { content: row.get(0)?, revision: row.get(1)?, cursor: (row.get(2)?, row.get(3)?), time: row.get(4)? };
            Ok((row.get::<_, String>(5)?, draft))
        };
        let rows: Vec<(String, DraftRow)> = self.read("list drafts", |db| db.prepare_cached(sql)?.query_map([email], draft)?.collect())?;
        Ok(rows.into_iter().filter_map(|(path, draft)| Some((PagePath::parse(&path).ok()?, draft))).collect())
    }
    /// Keeps a draft in place of the one there was.
    pub fn put_draft(&self, path: &PagePath, email: &str, draft: &DraftRow) -> Result<()> {
        let sql = "INSERT INTO drafts (key, pagepath, revision, author_email, content, cursor_line, cursor_ch, datetime)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (key, author_email) DO UPDATE SET pagepath = ?2, revision = ?3, content = ?5, cursor_line = ?6, cursor_ch = ?7, datetime = ?8";
        let (line, column) = draft.cursor;
        let key = path.key();
        let values = (key.as_str(), path.as_str(), &draft.revision, email, &draft.content, line, column, draft.time);
        self.write("keep a draft", |db| db.execute(sql, values)).map(|_| ())
    }
    /// Forgets a draft; nothing happens if there is none.
    pub fn delete_draft(&self, path: &PagePath, email: &str) -> Result<()> {
        let sql = "DELETE FROM drafts WHERE key = ?1 AND author_email = ?2";
        self.write("forget a draft", |db| db.execute(sql, (path.key().as_str(), email))).map(|_| ())
    }
    /// How far `worker` came.
    pub fn cursor(&self, worker: &str) -> Result<Option<Cursor>> {
        let sql = "SELECT revision, at, note FROM cursors WHERE worker = ?1";
        let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?));
        let stored = self.read("read a cursor", |db| db.prepare_cached(sql)?.query_row([worker], row).optional())?;
        let cursor = |(revision, at, note): (String, i64, String)| {
            let revision = decode("a revision", RevisionId::parse(&revision).ok())?;
            Ok(Cursor { revision, at, note })
        };
        stored.map(cursor).transpose()
    }
    /// Notes it.
    pub fn set_cursor(&self, worker: &str, cursor: &Cursor) -> Result<()> {
        let sql = "INSERT INTO cursors (worker, revision, at, note) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (worker) DO UPDATE SET revision = excluded.revision, at = excluded.at, note = excluded.note";
        self.write("note a cursor", |db| db.execute(sql, (worker, cursor.revision.to_string(), cursor.at, &cursor.note))).map(|_| ())
    }
    /// Forgets unsaved work that nobody touched since; says how much that was.
    pub fn expire_drafts(&self, before: i64) -> Result<usize> {
        self.write("forget old drafts", |db| db.execute("DELETE FROM drafts WHERE datetime < ?1", [before]))
    }
    /// Has SQLite look after its plans and give back what its log takes.
    pub fn upkeep(&self) -> Result<()> {
        self.read("look after wiki.db", super::upkeep)
    }
    /// What is wrong with the file, each as a sentence.
    pub fn integrity(&self) -> Result<Vec<String>> {
        let found = self.read("check wiki.db", super::problems)?;
        Ok(found.into_iter().map(|problem| format!("wiki.db: {problem}")).collect())
    }
}

const MEMBER: &str = "user_id, is_admin, is_approved, allow_read, allow_write, allow_upload, first_seen, last_seen FROM members";

fn member(row: &Row<'_>) -> rusqlite::Result<Member> {
    let flags = MemberFlags {
        admin: row.get(1)?,
        approved: row.get(2)?,
        allow_read: row.get(3)?,
        allow_write: row.get(4)?,
        allow_upload: row.get(5)?,
    };
    Ok(Member { user: UserId(row.get(0)?), flags, first_seen: row.get(6)?, last_seen: row.get(7)? })
}

fn put_member(db: &Connection, member: &Member) -> rusqlite::Result<()> {
    let sql = "INSERT INTO members (user_id, is_admin, is_approved, allow_read, allow_write, allow_upload, first_seen, last_seen)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (user_id) DO UPDATE SET is_admin = ?2, is_approved = ?3, allow_read = ?4, allow_write = ?5, allow_upload = ?6,
        first_seen = ?7, last_seen = ?8";
    let flags = member.flags;
    let values = (
        member.user.0,
        flags.admin,
        flags.approved,
        flags.allow_read,
        flags.allow_write,
        flags.allow_upload,
        member.first_seen,
        member.last_seen,
    );
    db.prepare_cached(sql)?.execute(values).map(|_| ())
}

fn put_preferences<'a>(db: &Connection, rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> rusqlite::Result<()> {
    let mut put = db.prepare_cached("INSERT INTO preferences (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2")?;
    rows.into_iter().try_for_each(|row| put.execute(row).map(|_| ()))
}
