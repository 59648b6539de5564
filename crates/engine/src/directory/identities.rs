//! Who people are elsewhere. A subject is an account's for ever; what it is called there, and by which mail address, means nothing here.

use super::{Directory, NewUser, passkeys, users};
use crate::db::wrap;
use holt_core::{Error, Result, UserId};
use rusqlite::{Connection, OptionalExtension};

/// Whoever vouches for somebody, and how they call them.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// `atproto`, `proxy`, or the issuer's address (OpenID Connect).
    pub provider: &'a str,
    /// What never changes there: a DID, a `sub`.
    pub subject: &'a str,
}

/// One identity of an account, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityRecord {
    /// See [`Identity`].
    pub provider: String,
    /// See [`Identity`].
    pub subject: String,
    /// What they are called there; empty if nobody said.
    pub label: String,
    /// Unix seconds.
    pub created: i64,
    /// When somebody came by it, Unix seconds; none: not yet.
    pub last_used: Option<i64>,
}

impl Directory {
    /// The account of whoever that is.
    pub fn user_by_identity(&self, identity: Identity<'_>) -> Result<Option<UserId>> {
        let sql = "SELECT user FROM identities WHERE provider = ?1 AND subject = ?2";
        let values = (identity.provider, identity.subject);
        let found = self.read("read an identity", |db| db.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional())?;
        Ok(found.map(UserId))
    }
    /// Makes an account for them, both or neither. `Conflict` if the address has an account, or they have one.
    pub fn create_user_as(&self, user: &NewUser<'_>, identity: Identity<'_>) -> Result<UserId> {
        self.change("create an account", |db| {
            let id = users::insert(db, user)?;
            connect(db, id, identity, user.created)?;
            Ok(id)
        })
    }
    /// Connects an account with whoever that is. `Conflict` if they are another account's; nothing happens if they are this one's.
    pub fn add_identity(&self, user: UserId, identity: Identity<'_>, now: i64) -> Result<()> {
        self.change("connect an account", |db| {
            let sql = "SELECT user FROM identities WHERE provider = ?1 AND subject = ?2";
            let values = (identity.provider, identity.subject);
            let owner: Option<i64> = db.query_row(sql, values, |row| row.get(0)).optional().map_err(wrap("read an identity"))?;
            if owner == Some(user.0) { Ok(()) } else { connect(db, user, identity, now) }
        })
    }
    /// Notes that somebody came by it, and what they are called there now.
    pub fn identity_used(&self, identity: Identity<'_>, label: &str, now: i64) -> Result<()> {
        let sql = "UPDATE identities SET label = ?3, last_used = ?4, looked = ?4 WHERE provider = ?1 AND subject = ?2";
        let values = (identity.provider, identity.subject, label, now);
        self.write("note who somebody is", |db| db.execute(sql, values)).map(|_| ())
    }
    /// Subjects of `provider` that were not looked at since `before`, Unix seconds; at most `most`, longest ago first.
    pub fn identities_to_look_at(&self, provider: &str, before: i64, most: usize) -> Result<Vec<String>> {
        let sql = "SELECT subject FROM identities WHERE provider = ?1 AND looked < ?2 ORDER BY looked, subject LIMIT ?3";
        let values = (provider, before, i64::try_from(most).unwrap_or(i64::MAX));
        self.read("list identities", |db| db.prepare_cached(sql)?.query_map(values, |row| row.get(0))?.collect())
    }
    /// Notes what somebody is called there now; none: nobody could say, and it stays what it was.
    pub fn identity_looked_at(&self, identity: Identity<'_>, label: Option<&str>, now: i64) -> Result<()> {
        let sql = "UPDATE identities SET label = coalesce(?3, label), looked = ?4 WHERE provider = ?1 AND subject = ?2";
        let values = (identity.provider, identity.subject, label, now);
        self.write("note what somebody is called", |db| db.execute(sql, values)).map(|_| ())
    }
    /// Who an account is elsewhere, oldest first.
    pub fn identities_of(&self, user: UserId) -> Result<Vec<IdentityRecord>> {
        let sql = "SELECT provider, subject, label, created, last_used FROM identities WHERE user = ?1 ORDER BY created, provider, subject";
        let row = |row: &rusqlite::Row<'_>| {
            Ok(IdentityRecord {
                provider: row.get(0)?,
                subject: row.get(1)?,
                label: row.get(2)?,
                created: row.get(3)?,
                last_used: row.get(4)?,
            })
        };
        self.read("list identities", |db| db.prepare_cached(sql)?.query_map([user.0], row)?.collect())
    }
    /// Takes an identity from an account. `NotFound` if it is not its own; `Denied` if nothing else would be left to log in with.
    pub fn remove_identity(&self, user: UserId, identity: Identity<'_>) -> Result<()> {
        self.change("disconnect an account", |db| {
            let sql = "DELETE FROM identities WHERE user = ?1 AND provider = ?2 AND subject = ?3";
            let values = (user.0, identity.provider, identity.subject);
            if db.execute(sql, values).map_err(wrap("disconnect an account"))? == 0 {
                return Err(Error::not_found("your account is not connected with that"));
            }
            passkeys::check_way_in(db, user)
        })
    }
    /// Whether anybody elsewhere vouches for the account.
    pub fn has_identity(&self, user: UserId) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM identities WHERE user = ?1)";
        self.read("read an identity", |db| db.prepare_cached(sql)?.query_row([user.0], |row| row.get(0)))
    }
    /// Who the account is at `provider`.
    pub fn subject_of(&self, user: UserId, provider: &str) -> Result<Option<String>> {
        let sql = "SELECT subject FROM identities WHERE user = ?1 AND provider = ?2";
        self.read("read an identity", |db| db.prepare_cached(sql)?.query_row((user.0, provider), |row| row.get(0)).optional())
    }
}

fn connect(db: &Connection, user: UserId, identity: Identity<'_>, now: i64) -> Result<()> {
    let sql = "INSERT INTO identities (provider, subject, user, created) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    let values = (identity.provider, identity.subject, user.0, now);
    match db.execute(sql, values).map_err(wrap("note who somebody is"))? {
        0 => Err(Error::conflict("that is another account's already").hint("Log in with it, or disconnect it there first.")),
        _ => Ok(()),
    }
}
