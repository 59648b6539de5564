//! Who people are elsewhere. A subject is an account's for ever; what it is called there, and by which mail address, means nothing here.

use super::{Directory, NewUser, users};
use crate::db::wrap;
use holt_core::{Result, UserId};
use rusqlite::OptionalExtension;

/// Whoever vouches for somebody, and how they call them.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// `atproto`, for instance.
    pub provider: &'a str,
    /// What never changes there: a DID.
    pub subject: &'a str,
}

impl Directory {
    /// The account of whoever that is.
    pub fn user_by_identity(&self, identity: Identity<'_>) -> Result<Option<UserId>> {
        let sql = "SELECT user FROM identities WHERE provider = ?1 AND subject = ?2";
        let values = (identity.provider, identity.subject);
        let found = self.read("read an identity", |db| db.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional())?;
        Ok(found.map(UserId))
    }
    /// Makes an account for them, both or neither. `Conflict` if the address has an account.
    pub fn create_user_as(&self, user: &NewUser<'_>, identity: Identity<'_>) -> Result<UserId> {
        self.change("create an account", |db| {
            let id = users::insert(db, user)?;
            let sql = "INSERT INTO identities (provider, subject, user, created) VALUES (?1, ?2, ?3, ?4)";
            let values = (identity.provider, identity.subject, id.0, user.created);
            db.execute(sql, values).map_err(wrap("note who somebody is"))?;
            Ok(id)
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
