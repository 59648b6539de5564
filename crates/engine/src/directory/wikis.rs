//! Which wikis there are, what they are called, and which of them may lag behind their repository.

use super::Directory;
use crate::db::{decode, wrap};
use holt_core::{Error, Result, WikiId, WikiName};
use rusqlite::{Connection, OptionalExtension, Row};
use std::num::{NonZeroU32, NonZeroU64};

/// How long a slug that was given up stays out of use, in seconds (security.md TEN-5).
pub const QUARANTINE: i64 = 90 * 24 * 3600;

/// Whether a wiki answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WikiState {
    /// It does.
    Active,
    /// An operator has taken it off the air.
    Suspended,
}

/// A wiki, as the platform knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WikiRecord {
    /// Its identity.
    pub id: WikiId,
    /// What people type to reach it.
    pub slug: WikiName,
    /// Its name on screen when it was made.
    pub name: String,
    /// Unix seconds.
    pub created: i64,
    /// Whether it answers.
    pub state: WikiState,
}

const COLUMNS: &str = "id, slug, name, created, state FROM wikis";

/// A row as SQLite has it; its words are judged outside the query.
type Raw = (i64, String, String, i64, String);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

fn record((id, slug, name, created, state): Raw) -> Result<WikiRecord> {
    let id = decode("a wiki id", WikiId::from_store(id))?;
    let slug = decode("a wiki slug", WikiName::parse(&slug).ok())?;
    let state = match state.as_str() {
        "active" => WikiState::Active,
        "suspended" => WikiState::Suspended,
        _ => return decode("the state of a wiki", None),
    };
    Ok(WikiRecord { id, slug, name, created, state })
}

impl Directory {
    /// Most pages that a wiki may have; none: as many as it likes.
    pub fn max_pages(&self, id: WikiId) -> Result<Option<u32>> {
        let sql = "SELECT max_pages FROM wikis WHERE id = ?1";
        let found = self.read("read the limit of a wiki", |db| {
            db.prepare_cached(sql)?.query_row([id.to_store()], |row| row.get::<_, Option<i64>>(0)).optional()
        })?;
        found.flatten().map(|most| decode("the limit of a wiki", u32::try_from(most).ok())).transpose()
    }
    /// Sets it. What there is stays, however much it is.
    pub fn set_max_pages(&self, id: WikiId, most: Option<NonZeroU32>) -> Result<()> {
        let values = (id.to_store(), most.map(NonZeroU32::get));
        self.write("set the limit of a wiki", |db| db.execute("UPDATE wikis SET max_pages = ?2 WHERE id = ?1", values)).map(drop)
    }
    /// Most bytes that a wiki's repository may have; none: as many as it likes.
    pub fn max_bytes(&self, id: WikiId) -> Result<Option<u64>> {
        let sql = "SELECT max_bytes FROM wikis WHERE id = ?1";
        let found = self.read("read the limit of a wiki", |db| {
            db.prepare_cached(sql)?.query_row([id.to_store()], |row| row.get::<_, Option<i64>>(0)).optional()
        })?;
        found.flatten().map(|most| decode("the limit of a wiki", u64::try_from(most).ok())).transpose()
    }
    /// Sets it. What there is stays, however much it is.
    pub fn set_max_bytes(&self, id: WikiId, most: Option<NonZeroU64>) -> Result<()> {
        let values = (id.to_store(), most.map(|most| i64::try_from(most.get()).unwrap_or(i64::MAX)));
        self.write("set the limit of a wiki", |db| db.execute("UPDATE wikis SET max_bytes = ?2 WHERE id = ?1", values)).map(drop)
    }
    /// An id that no wiki has or had.
    pub fn unused_wiki_id(&self) -> Result<WikiId> {
        loop {
            let bits = getrandom::u64().map_err(|e| Error::internal("ask the system for random bytes").because(e))?;
            let id = WikiId::from_random(bits);
            let query = |db: &Connection| db.query_row("SELECT 1 FROM wikis WHERE id = ?1", [id.to_store()], |_| Ok(())).optional();
            if self.read("look for a wiki", query)?.is_none() {
                return Ok(id);
            }
        }
    }
    /// `Conflict` if the slug is taken or was given up less than [`QUARANTINE`] ago.
    pub fn check_slug_free(&self, slug: &WikiName, now: i64) -> Result<()> {
        let taken = self.read("look for a wiki", |db| taken(db, slug, None, now))?;
        taken.map_or(Ok(()), |reason| Err(reason.error(slug)))
    }
    /// Makes a wiki exist. `Conflict` as for [`Directory::check_slug_free`].
    pub fn create_wiki(&self, id: WikiId, slug: &WikiName, name: &str, now: i64) -> Result<()> {
        self.change("create a wiki", |db| {
            if let Some(reason) = taken(db, slug, None, now).map_err(wrap("create a wiki"))? {
                return Err(reason.error(slug));
            }
            db.execute("DELETE FROM freed_slugs WHERE slug = ?1", [slug.as_str()])
                .and_then(|_| {
                    let sql = "INSERT INTO wikis (id, slug, name, created, state) VALUES (?1, ?2, ?3, ?4, 'active')";
                    db.execute(sql, (id.to_store(), slug.as_str(), name, now))
                })
                .map(|_| ())
                .map_err(wrap("create a wiki"))
        })
    }
    /// The wiki that answers to `slug`. Any text may be asked for.
    pub fn wiki_by_slug(&self, slug: &str) -> Result<Option<WikiRecord>> {
        let sql = format!("SELECT {COLUMNS} WHERE slug = ?1 AND state <> 'deleted'");
        self.read("look for a wiki", |db| db.prepare_cached(&sql)?.query_row([slug], raw).optional())?.map(record).transpose()
    }
    /// The wiki `id`, unless it was deleted.
    pub fn wiki(&self, id: WikiId) -> Result<Option<WikiRecord>> {
        let sql = format!("SELECT {COLUMNS} WHERE id = ?1 AND state <> 'deleted'");
        self.read("look for a wiki", |db| db.prepare_cached(&sql)?.query_row([id.to_store()], raw).optional())?.map(record).transpose()
    }
    /// All wikis, by slug.
    pub fn list_wikis(&self) -> Result<Vec<WikiRecord>> {
        self.list_wikis_after("", usize::MAX)
    }
    /// At most `limit` wikis whose slug comes after `after`, by slug.
    pub fn list_wikis_after(&self, after: &str, limit: usize) -> Result<Vec<WikiRecord>> {
        let sql = format!("SELECT {COLUMNS} WHERE slug > ?1 AND state <> 'deleted' ORDER BY slug LIMIT ?2");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows =
            self.read("list wikis", |db| db.prepare_cached(&sql)?.query_map((after, limit), raw)?.collect::<rusqlite::Result<Vec<_>>>())?;
        rows.into_iter().map(record).collect()
    }
    /// The wiki that was made first.
    pub fn first_wiki(&self) -> Result<Option<WikiRecord>> {
        let sql = format!("SELECT {COLUMNS} WHERE state <> 'deleted' ORDER BY created, slug LIMIT 1");
        self.read("find the first wiki", |db| db.prepare_cached(&sql)?.query_row([], raw).optional())?.map(record).transpose()
    }
    /// Takes a wiki off the air, or lets it answer again. `NotFound` if it does not exist.
    pub fn set_wiki_state(&self, id: WikiId, state: WikiState) -> Result<()> {
        let word = match state {
            WikiState::Active => "active",
            WikiState::Suspended => "suspended",
        };
        let sql = "UPDATE wikis SET state = ?2 WHERE id = ?1 AND state <> 'deleted'";
        match self.write("change the state of a wiki", |db| db.execute(sql, (id.to_store(), word)))? {
            0 => Err(missing()),
            _ => Ok(()),
        }
    }
    /// Notes what a wiki is called on screen. `NotFound` if it does not exist.
    pub fn set_wiki_name(&self, id: WikiId, name: &str) -> Result<()> {
        let sql = "UPDATE wikis SET name = ?2 WHERE id = ?1 AND state <> 'deleted'";
        match self.write("note the name of a wiki", |db| db.execute(sql, (id.to_store(), name)))? {
            0 => Err(missing()),
            _ => Ok(()),
        }
    }
    /// Gives a wiki another slug; the old one is kept out of use, except for this wiki, which may go back to it.
    pub fn rename_wiki(&self, id: WikiId, to: &WikiName, now: i64) -> Result<()> {
        self.change("rename a wiki", |db| {
            let old = slug_of(db, id).map_err(wrap("rename a wiki"))?.ok_or_else(missing)?;
            if old == to.as_str() {
                return Ok(());
            }
            if let Some(reason) = taken(db, to, Some(id), now).map_err(wrap("rename a wiki"))? {
                return Err(reason.error(to));
            }
            (|| {
                db.execute("UPDATE wikis SET slug = ?2 WHERE id = ?1", (id.to_store(), to.as_str()))?;
                db.execute("DELETE FROM freed_slugs WHERE slug = ?1", [to.as_str()])?;
                free(db, &old, id, now)
            })()
            .map_err(wrap("rename a wiki"))
        })
    }
    /// Marks a wiki as deleted: it is found no more, its sessions and tokens end, its slug is kept out of use.
    pub fn delete_wiki(&self, id: WikiId, now: i64) -> Result<()> {
        self.change("delete a wiki", |db| {
            let slug = slug_of(db, id).map_err(wrap("delete a wiki"))?.ok_or_else(missing)?;
            (|| {
                db.execute("UPDATE wikis SET state = 'deleted' WHERE id = ?1", [id.to_store()])?;
                for table in ["sessions", "tokens", "invitations", "dirty", "digests"] {
                    db.execute(&format!("DELETE FROM {table} WHERE wiki = ?1"), [id.to_store()])?;
                }
                free(db, &slug, id, now)
            })()
            .map_err(wrap("delete a wiki"))
        })
    }
    /// Notes, durably, that derived data of `id` may lag behind.
    pub fn mark_dirty(&self, id: WikiId, now: i64) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO dirty (wiki, since) VALUES (?1, ?2)";
        self.write("mark a wiki", |db| db.execute(sql, (id.to_store(), now))).map(|_| ())
    }
    /// Everything derived of `id` stands at HEAD.
    pub fn clear_dirty(&self, id: WikiId) -> Result<()> {
        self.write("clear the mark of a wiki", |db| db.execute("DELETE FROM dirty WHERE wiki = ?1", [id.to_store()])).map(|_| ())
    }
    /// The wikis that may lag behind, longest first.
    pub fn dirty_wikis(&self) -> Result<Vec<WikiId>> {
        let sql = "SELECT wiki FROM dirty ORDER BY since, wiki";
        let ids =
            self.read("list marked wikis", |db| db.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>())?;
        ids.into_iter().map(|id| decode("a wiki id", WikiId::from_store(id))).collect()
    }
}

fn missing() -> Error {
    Error::not_found("there is no such wiki")
}

fn slug_of(db: &Connection, id: WikiId) -> rusqlite::Result<Option<String>> {
    db.query_row("SELECT slug FROM wikis WHERE id = ?1 AND state <> 'deleted'", [id.to_store()], |row| row.get(0)).optional()
}

fn free(db: &Connection, slug: &str, wiki: WikiId, now: i64) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO freed_slugs (slug, wiki, until) VALUES (?1, ?2, ?3)";
    db.execute(sql, (slug, wiki.to_store(), now.saturating_add(QUARANTINE))).map(|_| ())
}

/// Why a slug cannot be had.
enum Taken {
    InUse,
    Quarantined,
}

impl Taken {
    fn error(&self, slug: &WikiName) -> Error {
        match self {
            Self::InUse => Error::conflict(format!("there is a wiki called {slug} already")).hint("Choose another name."),
            Self::Quarantined => Error::conflict(format!("the name {slug} was given up recently and is kept out of use"))
                .hint("Choose another name; a freed name can be used again after 90 days."),
        }
    }
}

fn taken(db: &Connection, slug: &WikiName, by: Option<WikiId>, now: i64) -> rusqlite::Result<Option<Taken>> {
    let used = db.query_row("SELECT 1 FROM wikis WHERE slug = ?1 AND state <> 'deleted'", [slug.as_str()], |_| Ok(())).optional()?;
    if used.is_some() {
        return Ok(Some(Taken::InUse));
    }
    let sql = "SELECT 1 FROM freed_slugs WHERE slug = ?1 AND until > ?2 AND wiki IS NOT ?3";
    let kept = db.query_row(sql, (slug.as_str(), now, by.map(WikiId::to_store)), |_| Ok(())).optional()?;
    Ok(kept.map(|()| Taken::Quarantined))
}
