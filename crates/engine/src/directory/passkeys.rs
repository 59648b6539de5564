//! Passkeys: public keys by which somebody logs in without a password. What they sign is for the server to check.

use super::Directory;
use crate::db::wrap;
use holt_core::{Error, Result, UserId};
use rusqlite::{Connection, OptionalExtension, Row};

/// Most that an account has.
const PASSKEYS: i64 = 20;

/// A passkey.
#[derive(Clone, PartialEq, Eq)]
pub struct Passkey {
    /// What the authenticator calls it.
    pub id: Vec<u8>,
    /// Whose it is.
    pub user: UserId,
    /// The only host at which it is good.
    pub host: String,
    /// The public key as the authenticator wrote it (COSE_Key).
    pub key: Vec<u8>,
    /// How often it says to have been used; 0: it does not count.
    pub counter: u32,
    /// What its owner calls it.
    pub name: String,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds.
    pub last_used: Option<i64>,
}

impl std::fmt::Debug for Passkey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Passkey({}, {})", self.user.0, self.name)
    }
}

const COLUMNS: &str = "id, user, host, key, counter, name, created, last_used";

fn row(row: &Row<'_>) -> rusqlite::Result<Passkey> {
    Ok(Passkey {
        id: row.get(0)?,
        user: UserId(row.get(1)?),
        host: row.get(2)?,
        key: row.get(3)?,
        counter: row.get(4)?,
        name: row.get(5)?,
        created: row.get(6)?,
        last_used: row.get(7)?,
    })
}

impl Directory {
    /// Keeps a passkey. `Conflict` if there is one of that id, whoever's, or the account has very many.
    pub fn add_passkey(&self, passkey: &Passkey) -> Result<()> {
        self.change("keep a passkey", |db| {
            let count = "SELECT count(*) FROM passkeys WHERE user = ?1";
            let count: i64 = db.query_row(count, [passkey.user.0], |row| row.get(0)).map_err(wrap("keep a passkey"))?;
            if count >= PASSKEYS {
                return Err(Error::conflict("your account has very many passkeys").hint("Remove one first."));
            }
            let sql = format!("INSERT INTO passkeys ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL) ON CONFLICT DO NOTHING");
            let Passkey { id, user, host, key, counter, name, created, .. } = passkey;
            match db.execute(&sql, (id, user.0, host, key, counter, name, created)).map_err(wrap("keep a passkey"))? {
                0 => Err(Error::conflict("that passkey is known already").hint("Choose another one.")),
                _ => Ok(()),
            }
        })
    }
    /// The passkey that an authenticator calls `id`.
    pub fn passkey(&self, id: &[u8]) -> Result<Option<Passkey>> {
        let sql = format!("SELECT {COLUMNS} FROM passkeys WHERE id = ?1");
        self.read("read a passkey", |db| db.prepare_cached(&sql)?.query_row([id], row).optional())
    }
    /// The passkeys of an account, oldest first.
    pub fn passkeys_of(&self, user: UserId) -> Result<Vec<Passkey>> {
        let sql = format!("SELECT {COLUMNS} FROM passkeys WHERE user = ?1 ORDER BY created, id");
        self.read("list passkeys", |db| db.prepare_cached(&sql)?.query_map([user.0], row)?.collect())
    }
    /// Notes that a passkey was used. Whether its count says so: one that counts has to count on, whoever uses a copy of it.
    pub fn passkey_used(&self, id: &[u8], counter: u32, now: i64) -> Result<bool> {
        let sql = "UPDATE passkeys SET counter = ?2, last_used = ?3 WHERE id = ?1 AND (counter < ?2 OR (counter = 0 AND ?2 = 0))";
        Ok(self.write("note the use of a passkey", |db| db.execute(sql, (id, counter, now)))? > 0)
    }
    /// Removes a passkey of an account. `NotFound` if it is not its own; `Denied` if nothing else would be left to log in with.
    pub fn remove_passkey(&self, user: UserId, id: &[u8]) -> Result<()> {
        self.change("remove a passkey", |db| {
            let sql = "DELETE FROM passkeys WHERE user = ?1 AND id = ?2";
            if db.execute(sql, (user.0, id)).map_err(wrap("remove a passkey"))? == 0 {
                return Err(Error::not_found("you have no such passkey"));
            }
            check_way_in(db, user)
        })
    }
}

/// `Denied` if an account has nothing to log in with any more.
pub(super) fn check_way_in(db: &Connection, user: UserId) -> Result<()> {
    let sql = "SELECT password_hash IS NOT NULL OR EXISTS (SELECT 1 FROM identities WHERE user = ?1)
        OR EXISTS (SELECT 1 FROM passkeys WHERE user = ?1) FROM users WHERE id = ?1";
    let left: bool = db.query_row(sql, [user.0], |row| row.get(0)).map_err(wrap("look how somebody logs in"))?;
    if left {
        Ok(())
    } else {
        Err(Error::denied("nothing would be left to log in with").hint("Connect the account with something else first."))
    }
}
