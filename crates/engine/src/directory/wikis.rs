//! Which wikis there are, what they are called, and which of them may lag behind their repository.

use super::{Directory, plans};
use crate::db::{decode, wrap};
use holt_core::{Error, Result, UserId, Visibility, WikiId, WikiName};
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
    /// Whose it is; none: of whoever runs the machine.
    pub owner: Option<UserId>,
    /// What it may hold, by the name of a plan; none: no limits but its own.
    pub plan: Option<String>,
    /// Since when it waits to be removed, if it does: Unix seconds.
    pub trashed: Option<i64>,
    /// When somebody last asked for something of it: Unix seconds, give or take an hour.
    pub last_access: Option<i64>,
    /// Of a suspended wiki: who could read it before. That it is there is no secret if everybody could.
    pub was: Visibility,
}

impl WikiRecord {
    /// Whether it answers anybody: it is neither suspended nor on its way out.
    pub fn answers(&self) -> bool {
        self.state == WikiState::Active && self.trashed.is_none()
    }
}

/// Whose a new wiki is.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// Whose.
    pub owner: UserId,
    /// Its plan.
    pub plan: &'a str,
    /// Most wikis that the owner may have; none: as many as they like.
    pub most: Option<u32>,
}

/// How long a wiki that its owner deleted can be had back, in seconds (spec/platform.md §8).
pub const TRASH_LIFE: i64 = 7 * 24 * 3600;

const COLUMNS: &str = "id, slug, name, created, state, owner, plan, trashed, last_access, spoken FROM wikis";

/// A row as SQLite has it; its words are judged outside the query.
type Raw = ((i64, String, String, i64, String), (Option<i64>, Option<String>, Option<i64>, i64, bool));

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    let known = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
    Ok((known, (row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?, row.get(9)?)))
}

fn record(((id, slug, name, created, state), (owner, plan, trashed, last_access, spoken)): Raw) -> Result<WikiRecord> {
    let id = decode("a wiki id", WikiId::from_store(id))?;
    let slug = decode("a wiki slug", WikiName::existing(&slug).ok())?;
    let state = match state.as_str() {
        "active" => WikiState::Active,
        "suspended" => WikiState::Suspended,
        _ => return decode("the state of a wiki", None),
    };
    let was = if spoken { Visibility::Public } else { Visibility::Private };
    let (owner, last_access) = (owner.map(UserId), Some(last_access).filter(|time| *time > 0));
    Ok(WikiRecord { id, slug, name, created, state, owner, plan, trashed, last_access, was })
}

impl Directory {
    /// Most pages that a wiki may have; none: as many as it likes.
    pub fn max_pages(&self, id: WikiId) -> Result<Option<u32>> {
        Ok(self.limits(id)?.pages)
    }
    /// Sets it. What there is stays, however much it is.
    pub fn set_max_pages(&self, id: WikiId, most: Option<NonZeroU32>) -> Result<()> {
        let values = (id.to_store(), most.map(NonZeroU32::get));
        self.write("set the limit of a wiki", |db| db.execute("UPDATE wikis SET max_pages = ?2 WHERE id = ?1", values)).map(drop)
    }
    /// Most bytes that a wiki's repository may have; none: as many as it likes.
    pub fn max_bytes(&self, id: WikiId) -> Result<Option<u64>> {
        Ok(self.limits(id)?.bytes)
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
    /// Makes a wiki of the machine itself exist. `Conflict` as for [`Directory::check_slug_free`].
    pub fn create_wiki(&self, id: WikiId, slug: &WikiName, name: &str, now: i64) -> Result<()> {
        self.create_wiki_of(id, slug, name, None, now)
    }
    /// Makes a wiki exist, of somebody if `holder` says so. `Conflict` as for [`Directory::check_slug_free`]; `Denied` if they have as many
    /// as they may: of two that are made at once for the last place, one comes into being.
    pub fn create_wiki_of(&self, id: WikiId, slug: &WikiName, name: &str, holder: Option<&Holder<'_>>, now: i64) -> Result<()> {
        self.change("create a wiki", |db| insert(db, id, slug, name, holder, now))
    }
    /// `Denied` if whoever would hold one more wiki has as many as they may.
    pub fn check_wiki_limit(&self, holder: &Holder<'_>) -> Result<()> {
        let count = self.read("count wikis", |db| count_of(db, holder.owner))?;
        limit(count, holder)
    }
    /// The wikis of `owner`, those that wait to be removed among them, by slug.
    pub fn wikis_of(&self, owner: UserId) -> Result<Vec<WikiRecord>> {
        let sql = format!("SELECT {COLUMNS} WHERE owner = ?1 AND state <> 'deleted' ORDER BY slug");
        let rows =
            self.read("list wikis", |db| db.prepare_cached(&sql)?.query_map([owner.0], raw)?.collect::<rusqlite::Result<Vec<_>>>())?;
        rows.into_iter().map(record).collect()
    }
    /// Gives a wiki to somebody else, or to nobody. `NotFound` if it does not exist; `Denied` if they have as many as they may.
    pub fn give_wiki(&self, id: WikiId, to: Option<&Holder<'_>>) -> Result<()> {
        self.change("give a wiki away", |db| {
            if let Some(holder) = to {
                check_room(db, holder)?;
            }
            let sql = "UPDATE wikis SET owner = ?2 WHERE id = ?1 AND state <> 'deleted'";
            match db.execute(sql, (id.to_store(), to.map(|holder| holder.owner.0))).map_err(wrap("give a wiki away"))? {
                0 => Err(missing()),
                _ => Ok(()),
            }
        })
    }
    /// Puts a wiki aside, to be removed later; its slug stays its own, and nobody reaches it. `NotFound` if it does not exist.
    pub fn trash_wiki(&self, id: WikiId, now: i64) -> Result<()> {
        let sql = "UPDATE wikis SET trashed = coalesce(trashed, ?2) WHERE id = ?1 AND state <> 'deleted'";
        match self.write("put a wiki aside", |db| db.execute(sql, (id.to_store(), now)))? {
            0 => Err(missing()),
            _ => Ok(()),
        }
    }
    /// Takes back [`Directory::trash_wiki`]. `Denied` if its owner has as many wikis as they may meanwhile.
    pub fn restore_wiki(&self, id: WikiId, holder: Option<&Holder<'_>>) -> Result<()> {
        self.change("restore a wiki", |db| {
            // What was put aside is not counted: there has to be room for it.
            let room = holder.map_or(Ok(()), |holder| check_room(db, holder));
            let sql = "UPDATE wikis SET trashed = NULL WHERE id = ?1 AND state <> 'deleted' AND trashed IS NOT NULL";
            match db.execute(sql, [id.to_store()]).map_err(wrap("restore a wiki"))? {
                0 => Err(Error::not_found("there is no such wiki to be restored")),
                _ => room,
            }
        })
    }
    /// The wikis that were put aside before `time`, at most `limit`.
    pub fn trashed_before(&self, time: i64, limit: usize) -> Result<Vec<WikiRecord>> {
        let sql = format!("SELECT {COLUMNS} WHERE trashed < ?1 AND state <> 'deleted' ORDER BY trashed LIMIT ?2");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.read("list wikis that were put aside", |db| {
            db.prepare_cached(&sql)?.query_map((time, limit), raw)?.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        rows.into_iter().map(record).collect()
    }
    /// Notes that somebody asked for something of these wikis, if that was not noted within the hour; returns how many rows changed.
    pub fn note_access(&self, wikis: &[WikiId], now: i64) -> Result<usize> {
        let stale = |id: &WikiId| -> Result<bool> {
            Ok(self.wiki(*id)?.is_some_and(|wiki| wiki.last_access.is_none_or(|at| now - at >= ACCESS_HOUR)))
        };
        let mut due = Vec::new();
        for id in wikis {
            if stale(id)? {
                due.push(*id);
            }
        }
        if due.is_empty() {
            return Ok(0);
        }
        self.write("note when wikis were used", |db| {
            let mut update = db.prepare_cached("UPDATE wikis SET last_access = ?2 WHERE id = ?1")?;
            due.iter().map(|id| update.execute((id.to_store(), now))).sum()
        })
    }
    /// At most `limit` wikis whose slug comes after `after` and whose slug or name contains `text`, by slug.
    pub fn search_wikis(&self, text: &str, after: &str, limit: usize) -> Result<Vec<WikiRecord>> {
        let sql = format!(
            "SELECT {COLUMNS} WHERE slug > ?1 AND state <> 'deleted' AND (?2 = '' OR instr(slug, ?2) > 0 OR instr(lower(name), ?2) > 0)
             ORDER BY slug LIMIT ?3"
        );
        let values = (after, text.trim().to_lowercase(), i64::try_from(limit).unwrap_or(i64::MAX));
        let rows =
            self.read("search wikis", |db| db.prepare_cached(&sql)?.query_map(values, raw)?.collect::<rusqlite::Result<Vec<_>>>())?;
        rows.into_iter().map(record).collect()
    }
    /// How many wikis there are, those that wait to be removed among them.
    pub fn count_wikis(&self) -> Result<u64> {
        let sql = "SELECT count(*) FROM wikis WHERE state <> 'deleted'";
        let count: i64 = self.read("count wikis", |db| db.prepare_cached(sql)?.query_row([], |row| row.get(0)))?;
        decode("a count", u64::try_from(count).ok())
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
        let sql = format!("SELECT {COLUMNS} WHERE state <> 'deleted' AND trashed IS NULL ORDER BY created, slug LIMIT 1");
        self.read("find the first wiki", |db| db.prepare_cached(&sql)?.query_row([], raw).optional())?.map(record).transpose()
    }
    /// Takes a wiki off the air, or lets it answer again. `was`: see [`WikiRecord::was`]. `NotFound` if it does not exist.
    pub fn set_wiki_state(&self, id: WikiId, state: WikiState, was: Visibility) -> Result<()> {
        let word = match state {
            WikiState::Active => "active",
            WikiState::Suspended => "suspended",
        };
        let sql = "UPDATE wikis SET state = ?2, spoken = ?3 WHERE id = ?1 AND state <> 'deleted'";
        match self.write("change the state of a wiki", |db| db.execute(sql, (id.to_store(), word, was == Visibility::Public)))? {
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
                const OWN: &[&str] = &[
                    "sessions",
                    "tokens",
                    "oauth_clients",
                    "oauth_requests",
                    "oauth_grants",
                    "invitations",
                    "dirty",
                    "digests",
                    "sign_ins",
                    "sign_in_requests",
                    "domains",
                ];
                for table in OWN {
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

/// The last access is written down at most so often, in seconds: reading pages does not write.
const ACCESS_HOUR: i64 = 3600;

/// Adds the row of a wiki: see [`Directory::create_wiki_of`].
pub(super) fn insert(db: &Connection, id: WikiId, slug: &WikiName, name: &str, holder: Option<&Holder<'_>>, now: i64) -> Result<()> {
    let failed = || wrap("create a wiki");
    if let Some(holder) = holder {
        check_room(db, holder)?;
    }
    if let Some(reason) = taken(db, slug, None, now).map_err(failed())? {
        return Err(reason.error(slug));
    }
    db.execute("DELETE FROM freed_slugs WHERE slug = ?1", [slug.as_str()])
        .and_then(|_| {
            let sql = "INSERT INTO wikis (id, slug, name, created, state, owner, plan) VALUES (?1, ?2, ?3, ?4, 'active', ?5, ?6)";
            let (owner, plan) = (holder.map(|holder| holder.owner.0), holder.map(|holder| holder.plan));
            db.execute(sql, (id.to_store(), slug.as_str(), name, now, owner, plan))
        })
        .map(|_| ())
        .map_err(failed())
}

fn check_room(db: &Connection, holder: &Holder<'_>) -> Result<()> {
    limit(count_of(db, holder.owner).map_err(wrap("count wikis"))?, holder)
}

fn limit(count: i64, holder: &Holder<'_>) -> Result<()> {
    match holder.most {
        Some(most) if count >= i64::from(most) => Err(plans::wiki_limit(most)),
        _ => Ok(()),
    }
}

pub(super) fn count_of(db: &Connection, owner: UserId) -> rusqlite::Result<i64> {
    let sql = "SELECT count(*) FROM wikis WHERE owner = ?1 AND state <> 'deleted' AND trashed IS NULL";
    db.prepare_cached(sql)?.query_row([owner.0], |row| row.get(0))
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
