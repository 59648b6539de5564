//! Tokens by which programs look after somebody's wikis at the platform's API. They open no wiki: those have tokens of their own.

use super::{Directory, Token, hash};
use crate::db::{decode, wrap};
use holt_core::{Error, Result, UserId};
use rusqlite::{OptionalExtension, Row};

/// The last use is written down at most so often.
const TOUCH: i64 = 3600;
/// Most such tokens of one person (security.md RATE-2).
const TOKENS: i64 = 20;

/// What such a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlatformScope {
    /// Look.
    Read,
    /// Make, change and delete wikis.
    Manage,
}

impl PlatformScope {
    /// As the database and forms spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Manage => "manage",
        }
    }
    /// From such a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Read, Self::Manage].into_iter().find(|scope| scope.as_str() == word)
    }
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformToken {
    /// To name it in lists.
    pub id: i64,
    /// On whose behalf.
    pub user: UserId,
    /// What it allows.
    pub scope: PlatformScope,
    /// What its owner calls it.
    pub label: String,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds; none: never.
    pub expires: Option<i64>,
    /// Unix seconds, give or take an hour.
    pub last_used: Option<i64>,
}

const COLUMNS: &str = "id, user, scope, label, created, expires, last_used FROM platform_tokens";

type Raw = (i64, i64, String, String, i64, Option<i64>, Option<i64>);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
}

fn record((id, user, scope, label, created, expires, last_used): Raw) -> Result<PlatformToken> {
    let scope = decode("the scope of a token", PlatformScope::parse(&scope))?;
    Ok(PlatformToken { id, user: UserId(user), scope, label, created, expires, last_used })
}

impl Directory {
    /// Makes a token. `Busy` if its owner has too many.
    pub fn make_platform_token(&self, user: UserId, scope: PlatformScope, label: &str, expires: Option<i64>, now: i64) -> Result<Token> {
        let token = Token::new("holt_")?;
        let failed = || wrap("create a token");
        self.change("create a token", |db| {
            db.execute("DELETE FROM platform_tokens WHERE user = ?1 AND expires <= ?2", (user.0, now)).map_err(failed())?;
            let there: i64 =
                db.query_row("SELECT count(*) FROM platform_tokens WHERE user = ?1", [user.0], |row| row.get(0)).map_err(failed())?;
            if there >= TOKENS {
                return Err(Error::busy(format!("you have {TOKENS} tokens already")).hint("Revoke one that nobody uses."));
            }
            let sql = "INSERT INTO platform_tokens (hash, user, scope, label, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            db.execute(sql, (token.hash(), user.0, scope.as_str(), label, now, expires)).map_err(failed())
        })?;
        Ok(token)
    }
    /// What `token` allows, if it is good now.
    pub fn platform_token(&self, token: &str, now: i64) -> Result<Option<PlatformToken>> {
        let sql = format!("SELECT {COLUMNS} WHERE hash = ?1 AND (expires IS NULL OR expires > ?2)");
        let found = self.read("read a token", |db| db.prepare_cached(&sql)?.query_row((hash(token), now), raw).optional())?;
        let Some(found) = found.map(record).transpose()? else { return Ok(None) };
        if found.last_used.is_none_or(|last| now.saturating_sub(last) > TOUCH) {
            let sql = "UPDATE platform_tokens SET last_used = ?2 WHERE id = ?1";
            self.write("note the use of a token", |db| db.execute(sql, (found.id, now)))?;
        }
        Ok(Some(found))
    }
    /// The tokens of `user`, oldest first.
    pub fn platform_tokens(&self, user: UserId) -> Result<Vec<PlatformToken>> {
        let sql = format!("SELECT {COLUMNS} WHERE user = ?1 ORDER BY id");
        let rows = self.read("list tokens", |db| db.prepare(&sql)?.query_map([user.0], raw)?.collect::<rusqlite::Result<Vec<_>>>())?;
        rows.into_iter().map(record).collect()
    }
    /// Ends a token of `user`. `NotFound` if they have no such token.
    pub fn revoke_platform_token(&self, user: UserId, id: i64) -> Result<()> {
        match self.write("revoke a token", |db| db.execute("DELETE FROM platform_tokens WHERE user = ?1 AND id = ?2", (user.0, id)))? {
            0 => Err(Error::not_found("there is no such token")),
            _ => Ok(()),
        }
    }
}
