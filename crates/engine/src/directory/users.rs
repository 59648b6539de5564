//! People with accounts. What they are in a wiki is in that wiki's own database.

use super::Directory;
use crate::db::wrap;
use holt_core::{Error, Person, Result, UserId};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row};

/// Whether somebody administers the whole installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// No.
    Member,
    /// Yes.
    Operator,
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    /// Unique; stored in lower case.
    pub email: &'a str,
    /// As shown.
    pub name: &'a str,
    /// As [`crate::accounts::password`] makes and reads it; none: nobody can log in with a password.
    pub password_hash: Option<&'a str>,
    /// Whether the account administers the installation.
    pub rank: Rank,
    /// Whether somebody proved to read mail sent there.
    pub email_confirmed: bool,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds.
    pub last_seen: i64,
}

/// An account.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// Its identity.
    pub id: UserId,
    /// Lower-case.
    pub email: String,
    /// As shown.
    pub name: String,
    /// See [`NewUser::password_hash`].
    pub password_hash: Option<String>,
    /// Whether the account administers the installation.
    pub rank: Rank,
    /// Whether somebody proved to read mail sent there.
    pub email_confirmed: bool,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds.
    pub last_seen: i64,
}

impl UserRecord {
    /// The account as somebody who acts.
    pub fn person(&self) -> Person {
        Person { id: self.id, name: self.name.clone(), email: self.email.clone(), operator: self.rank == Rank::Operator, through: None }
    }
}

impl std::fmt::Debug for UserRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UserRecord({}, {})", self.id.0, self.email)
    }
}

pub(super) const COLUMNS: &str =
    "users.id, users.email, users.name, users.password_hash, users.operator, users.email_confirmed, users.created, users.last_seen";

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<UserRecord> {
    Ok(UserRecord {
        id: UserId(row.get(0)?),
        email: row.get(1)?,
        name: row.get(2)?,
        password_hash: row.get(3)?,
        rank: if row.get(4)? { Rank::Operator } else { Rank::Member },
        email_confirmed: row.get(5)?,
        created: row.get(6)?,
        last_seen: row.get(7)?,
    })
}

impl Directory {
    /// Makes an account. `Conflict` if the address has one.
    pub fn create_user(&self, user: &NewUser<'_>) -> Result<UserId> {
        self.change("create an account", |db| insert(db, user))
    }
    /// The account `id`.
    pub fn user(&self, id: UserId) -> Result<Option<UserRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE id = ?1");
        self.read("read an account", |db| db.prepare_cached(&sql)?.query_row([id.0], record).optional())
    }
    /// The account of an address, in any spelling of its letters.
    pub fn user_by_email(&self, email: &str) -> Result<Option<UserRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE email = ?1");
        let email = email.trim().to_lowercase();
        self.read("read an account", |db| db.prepare_cached(&sql)?.query_row([email], record).optional())
    }
    /// At most `limit` accounts whose address comes after `after`, by address.
    pub fn list_users(&self, after: &str, limit: usize) -> Result<Vec<UserRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE email > ?1 ORDER BY email LIMIT ?2");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("list accounts", |db| db.prepare_cached(&sql)?.query_map((after, limit), record)?.collect())
    }
    /// The accounts that administer the installation, by address.
    pub fn operators(&self) -> Result<Vec<UserRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE operator ORDER BY email");
        self.read("list operators", |db| db.prepare_cached(&sql)?.query_map([], record)?.collect())
    }
    /// Whether anybody administers the installation yet.
    pub fn has_operator(&self) -> Result<bool> {
        self.read("look for an operator", |db| db.query_row("SELECT EXISTS (SELECT 1 FROM users WHERE operator)", [], |row| row.get(0)))
    }
    /// Replaces the password hash. `NotFound` if there is no such account.
    pub fn set_password_hash(&self, id: UserId, hash: Option<&str>) -> Result<()> {
        self.update(id, "UPDATE users SET password_hash = ?2 WHERE id = ?1", hash)
    }
    /// Changes the name. `NotFound` if there is no such account.
    pub fn set_name(&self, id: UserId, name: &str) -> Result<()> {
        self.update(id, "UPDATE users SET name = ?2 WHERE id = ?1", name)
    }
    /// Changes the address. Links that were sent to the old one end. `Conflict` if another account has it.
    pub fn set_email(&self, id: UserId, email: &str) -> Result<()> {
        let email = email.trim().to_lowercase();
        self.change("change an address", |db| {
            let failed = || wrap("change an address");
            db.execute("DELETE FROM one_time WHERE user = ?1", [id.0]).map_err(failed())?;
            match db.execute("UPDATE users SET email = ?2 WHERE id = ?1", (id.0, &email)) {
                Ok(0) => Err(Error::not_found("there is no such account")),
                Ok(_) => Ok(()),
                Err(error) if is_taken(&error) => Err(taken(&email)),
                Err(error) => Err(failed()(error)),
            }
        })
    }
    /// Somebody who reads mail sent to the account's address chose a new password, whose hash this is: all sessions end, and links that were sent. If
    /// nobody had shown before that the address is theirs, whoever made the account may be somebody else: everything else that opens it, or speaks
    /// for it, ends as well (tokens, what programs were allowed, passkeys, accounts elsewhere). Whether that was so. `NotFound` if there is no such account.
    pub fn recover(&self, id: UserId, hash: &str) -> Result<bool> {
        self.change("recover an account", |db| {
            let failed = || wrap("recover an account");
            let confirmed = "SELECT email_confirmed FROM users WHERE id = ?1";
            let confirmed: Option<bool> = db.query_row(confirmed, [id.0], |row| row.get(0)).optional().map_err(failed())?;
            let confirmed = confirmed.ok_or_else(|| Error::not_found("there is no such account"))?;
            db.execute("UPDATE users SET password_hash = ?2, email_confirmed = 1 WHERE id = ?1", (id.0, hash)).map_err(failed())?;
            let everything =
                ["sessions", "one_time", "oauth_requests", "oauth_grants", "tokens", "platform_tokens", "passkeys", "identities"];
            let ends = if confirmed { &everything[..2] } else { &everything[..] };
            for table in ends {
                db.execute(&format!("DELETE FROM {table} WHERE user = ?1"), [id.0]).map_err(failed())?;
            }
            Ok(!confirmed)
        })
    }
    /// Somebody proved to read mail sent to the account's address. Whether nobody had before.
    pub fn confirm_email(&self, id: UserId) -> Result<bool> {
        let sql = "UPDATE users SET email_confirmed = 1 WHERE id = ?1 AND NOT email_confirmed";
        Ok(self.write("confirm an address", |db| db.execute(sql, [id.0]))? > 0)
    }
    /// Nobody is known to read mail sent to the account's address.
    pub fn doubt_email(&self, id: UserId) -> Result<()> {
        let sql = "UPDATE users SET email_confirmed = 0 WHERE id = ?1";
        self.write("doubt an address", |db| db.execute(sql, [id.0])).map(|_| ())
    }
    /// Changes whether the account administers the installation. `NotFound` if there is no such account.
    pub fn set_rank(&self, id: UserId, rank: Rank) -> Result<()> {
        self.update(id, "UPDATE users SET operator = ?2 WHERE id = ?1", rank == Rank::Operator)
    }
    /// Notes that the account was in use. `NotFound` if there is no such account.
    pub fn touch(&self, id: UserId, now: i64) -> Result<()> {
        self.update(id, "UPDATE users SET last_seen = ?2 WHERE id = ?1", now)
    }
    /// Deletes an account with its sessions and tokens; nothing happens if there is none. Members and commits keep the id and the name.
    pub fn delete_user(&self, id: UserId) -> Result<()> {
        self.write("delete an account", |db| db.execute("DELETE FROM users WHERE id = ?1", [id.0])).map(|_| ())
    }
    fn update(&self, id: UserId, sql: &str, value: impl rusqlite::ToSql) -> Result<()> {
        match self.write("change an account", |db| db.execute(sql, (id.0, value)))? {
            0 => Err(Error::not_found("there is no such account")),
            _ => Ok(()),
        }
    }
}

/// Adds a row. `Conflict` if the address has an account.
pub(super) fn insert(db: &Connection, user: &NewUser<'_>) -> Result<UserId> {
    let email = user.email.trim().to_lowercase();
    let sql =
        "INSERT INTO users (email, name, password_hash, operator, email_confirmed, created, last_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let operator = user.rank == Rank::Operator;
    let values = (&email, user.name, user.password_hash, operator, user.email_confirmed, user.created, user.last_seen);
    match db.execute(sql, values) {
        Ok(_) => Ok(UserId(db.last_insert_rowid())),
        Err(error) if is_taken(&error) => Err(taken(&email)),
        Err(error) => Err(wrap("create an account")(error)),
    }
}

fn is_taken(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

fn taken(email: &str) -> Error {
    Error::conflict(format!("there is an account for {email} already")).hint("Log in with it, or use another address.")
}
