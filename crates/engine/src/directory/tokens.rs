//! Tokens for programs: each opens one wiki, with one scope.

use super::{Directory, Token, hash};
use crate::db::{decode, wrap};
use holt_core::{Error, PagePath, Result, UserId, WikiId};
use rusqlite::{OptionalExtension, Row};

/// The last use is written down at most so often.
const TOUCH: i64 = 3600;
/// Most tokens of one wiki (security.md RATE-2).
const TOKENS: i64 = 100;

/// What a token allows. A wider scope includes the narrower ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenScope {
    /// Read.
    Read,
    /// Read, and propose changes.
    Propose,
    /// Read and change pages.
    Write,
    /// Everything.
    Admin,
}

impl TokenScope {
    /// As the command line and the database spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Propose => "propose",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
    /// From such a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Read, Self::Propose, Self::Write, Self::Admin].into_iter().find(|scope| scope.as_str() == word)
    }
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// To name it in lists.
    pub id: i64,
    /// The only wiki it opens.
    pub wiki: WikiId,
    /// On whose behalf, if on anybody's.
    pub user: Option<UserId>,
    /// What it allows.
    pub scope: TokenScope,
    /// The page it is for, with what is below it; none: the whole wiki.
    pub within: Option<PagePath>,
    /// What its owner calls it.
    pub label: String,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds; none: never.
    pub expires: Option<i64>,
    /// Unix seconds, give or take an hour.
    pub last_used: Option<i64>,
}

/// What a new token shall be.
#[derive(Debug, Clone, Copy)]
pub struct NewToken<'a> {
    /// The only wiki it opens.
    pub wiki: WikiId,
    /// On whose behalf, if on anybody's.
    pub user: Option<UserId>,
    /// What it allows.
    pub scope: TokenScope,
    /// The page it is for, with what is below it; none: the whole wiki.
    pub within: Option<&'a PagePath>,
    /// What its owner calls it.
    pub label: &'a str,
    /// Unix seconds; none: never.
    pub expires: Option<i64>,
}

const COLUMNS: &str = "id, wiki, user, scope, label, created, expires, last_used, within FROM tokens";

type Raw = (i64, i64, Option<i64>, String, String, i64, Option<i64>, Option<i64>, Option<String>);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?))
}

fn record((id, wiki, user, scope, label, created, expires, last_used, within): Raw) -> Result<TokenRecord> {
    let wiki = decode("a wiki id", WikiId::from_store(wiki))?;
    let scope = decode("the scope of a token", TokenScope::parse(&scope))?;
    // A part that cannot be read is not the whole wiki.
    let within = within.map(|text| decode("the page of a token", PagePath::parse(&text).ok())).transpose()?;
    Ok(TokenRecord { id, wiki, user: user.map(UserId), scope, within, label, created, expires, last_used })
}

impl Directory {
    /// Makes a token for the whole wiki that does not expire.
    pub fn create_token(&self, wiki: WikiId, user: Option<UserId>, scope: TokenScope, label: &str, now: i64) -> Result<Token> {
        self.make_token(&NewToken { wiki, user, scope, within: None, label, expires: None }, now)
    }
    /// Makes a token. `Invalid` for one that would administer a part of a wiki: settings and members belong to the whole.
    pub fn make_token(&self, new: &NewToken<'_>, now: i64) -> Result<Token> {
        let NewToken { wiki, user, scope, within, label, expires } = *new;
        if scope == TokenScope::Admin && within.is_some() {
            return Err(Error::invalid("a token that administers is for the whole wiki").hint("Let it write, or leave out the page."));
        }
        // The prefix lets scanners of other people's repositories recognise a leaked one.
        let token = Token::new("holt_")?;
        let sql = "INSERT INTO tokens (hash, wiki, user, scope, label, created, expires, within) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let within = within.map(PagePath::as_str);
        let values = (token.hash(), wiki.to_store(), user.map(|u| u.0), scope.as_str(), label, now, expires, within);
        self.change("create a token", |db| {
            let failed = || wrap("create a token");
            db.execute("DELETE FROM tokens WHERE wiki = ?1 AND expires <= ?2", (wiki.to_store(), now)).map_err(failed())?;
            let sql_count = "SELECT count(*) FROM tokens WHERE wiki = ?1";
            let there: i64 = db.query_row(sql_count, [wiki.to_store()], |row| row.get(0)).map_err(failed())?;
            if there >= TOKENS {
                return Err(Error::busy(format!("this wiki has {TOKENS} tokens already")).hint("Revoke one that nobody uses."));
            }
            db.execute(sql, values).map_err(failed())
        })?;
        Ok(token)
    }
    /// What `token` allows, if it is good now.
    pub fn token(&self, token: &str, now: i64) -> Result<Option<TokenRecord>> {
        let sql = format!("SELECT {COLUMNS} WHERE hash = ?1 AND (expires IS NULL OR expires > ?2)");
        let found = self.read("read a token", |db| db.prepare_cached(&sql)?.query_row((hash(token), now), raw).optional())?;
        let Some(found) = found.map(record).transpose()? else { return Ok(None) };
        if found.last_used.is_none_or(|last| now.saturating_sub(last) > TOUCH) {
            self.write("note the use of a token", |db| db.execute("UPDATE tokens SET last_used = ?2 WHERE id = ?1", (found.id, now)))?;
        }
        Ok(Some(found))
    }
    /// The tokens for `wiki` that `user` made, oldest first.
    pub fn tokens_of(&self, wiki: WikiId, user: UserId) -> Result<Vec<TokenRecord>> {
        Ok(self.tokens(wiki)?.into_iter().filter(|token| token.user == Some(user)).collect())
    }
    /// The tokens of a wiki, oldest first.
    pub fn tokens(&self, wiki: WikiId) -> Result<Vec<TokenRecord>> {
        let sql = format!("SELECT {COLUMNS} WHERE wiki = ?1 ORDER BY id");
        let rows =
            self.read("list tokens", |db| db.prepare(&sql)?.query_map([wiki.to_store()], raw)?.collect::<rusqlite::Result<Vec<_>>>())?;
        rows.into_iter().map(record).collect()
    }
    /// Ends a token of `wiki`. `NotFound` if the wiki has no such token.
    pub fn revoke_token(&self, wiki: WikiId, id: i64) -> Result<()> {
        match self.write("revoke a token", |db| db.execute("DELETE FROM tokens WHERE wiki = ?1 AND id = ?2", (wiki.to_store(), id)))? {
            0 => Err(Error::not_found("there is no such token")),
            _ => Ok(()),
        }
    }
}
