//! What somebody allowed a program, and the secrets by which the program uses it (security.md OAU-5, OAU-6): a code once, an access token until it
//! ends, a refresh token until it is exchanged for the next. Who brings one that is used up ends all that came of it.

use super::super::{Directory, Token, hash};
use super::{OAuthScope, scope};
use holt_core::{Error, Result, UserId, WikiId};
use rusqlite::{Connection, OptionalExtension, Row};

/// How long an access token is good, in seconds.
pub const ACCESS_LIFE: i64 = 3600;
/// The same for clients that have no use for refresh tokens and would ask their user anew every hour.
pub const LONG_ACCESS_LIFE: i64 = 7 * 24 * 3600;
/// How long a refresh token is good, in seconds.
pub const REFRESH_LIFE: i64 = 30 * 24 * 3600;
/// The last use is written down at most so often.
const TOUCH: i64 = 300;
/// Most refresh tokens of one grant that are recognized after they were exchanged.
const REPLACED: i64 = 1000;

/// What a client brings to exchange a code.
#[derive(Debug, Clone, Copy)]
pub struct Redemption<'a> {
    /// The wiki that it asks.
    pub wiki: WikiId,
    /// The client, which has shown that it is that.
    pub client: &'a str,
    /// Where the code was sent, if it says so.
    pub redirect: Option<&'a str>,
    /// What its verifier makes by S256.
    pub challenge: &'a str,
}

/// What a client gets.
#[derive(Debug)]
pub struct Issued {
    /// For requests.
    pub access: Token,
    /// How long that is good, in seconds.
    pub seconds: i64,
    /// For the next of both, where the client has use for it.
    pub refresh: Option<Token>,
    /// What the access token allows.
    pub scope: OAuthScope,
}

/// Why it gets nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such secret for this client in this wiki, or it has ended.
    Unknown,
    /// More is asked for than was allowed.
    TooWide,
    /// It was used before. All that came of it has ended now; this is what it was.
    Reused(GrantRecord),
}

/// What somebody allowed a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRecord {
    /// To name it in lists.
    pub id: i64,
    /// Who allowed it.
    pub user: UserId,
    /// The id of the client: an address of its own, or what it got when it registered.
    pub client: String,
    /// What it calls itself.
    pub client_name: String,
    /// What it may.
    pub scope: OAuthScope,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds, give or take five minutes.
    pub last_used: Option<i64>,
    /// Unix seconds, if it is not used until then.
    pub expires: i64,
}

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessGrant {
    /// What it came of.
    pub grant: GrantRecord,
    /// What this token allows of that.
    pub scope: OAuthScope,
}

const COLUMNS: &str = "g.id, g.user, g.client, g.client_name, g.scope, g.created, g.last_used, g.expires";

type Raw = (i64, i64, String, String, String, i64, Option<i64>, i64);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?))
}

fn record((id, user, client, client_name, word, created, last_used, expires): Raw) -> Result<GrantRecord> {
    Ok(GrantRecord { id, user: UserId(user), client, client_name, scope: scope(&word)?, created, last_used, expires })
}

/// What a transaction came to; secrets are made before it.
enum Outcome {
    Issued(String),
    Unknown,
    TooWide,
    Reused(Raw),
}

/// The secrets that a client may get.
struct Pair {
    access: Token,
    refresh: Token,
}

impl Pair {
    fn new() -> Result<Self> {
        Ok(Self { access: Token::new("holta_")?, refresh: Token::new("holtr_")? })
    }
    /// Puts them in the place of all access tokens that the grant had.
    fn store(&self, db: &Connection, grant: i64, refreshes: bool, allowed: &str, scope: &str, now: i64) -> rusqlite::Result<()> {
        db.execute("DELETE FROM oauth_tokens WHERE grant_id = ?1 AND kind = 'access'", [grant])?;
        let sql = "INSERT INTO oauth_tokens (hash, grant_id, kind, scope, expires, replaced) VALUES (?1, ?2, ?3, ?4, ?5, 0)";
        let mut expires = now.saturating_add(if refreshes { ACCESS_LIFE } else { LONG_ACCESS_LIFE });
        db.execute(sql, (self.access.hash(), grant, "access", scope, expires))?;
        if refreshes {
            let old = "DELETE FROM oauth_tokens WHERE hash IN (SELECT hash FROM oauth_tokens WHERE grant_id = ?1 AND replaced
                ORDER BY expires DESC LIMIT -1 OFFSET ?2)";
            db.execute(old, (grant, REPLACED))?;
            expires = now.saturating_add(REFRESH_LIFE);
            db.execute(sql, (self.refresh.hash(), grant, "refresh", allowed, expires))?;
        }
        db.execute("UPDATE oauth_grants SET expires = ?2, redeemed = 1 WHERE id = ?1", (grant, expires)).map(drop)
    }
    fn issued(self, refreshes: bool, word: &str) -> Result<Issued> {
        let seconds = if refreshes { ACCESS_LIFE } else { LONG_ACCESS_LIFE };
        Ok(Issued { access: self.access, seconds, refresh: refreshes.then_some(self.refresh), scope: scope(word)? })
    }
}

fn end(db: &Connection, grant: i64) -> rusqlite::Result<usize> {
    db.execute("DELETE FROM oauth_grants WHERE id = ?1", [grant])
}

impl Directory {
    /// Exchanges a code for tokens: within its minute, once, by the client that it was made for, while whoever allowed it is logged in.
    pub fn redeem_oauth_code(&self, code: &str, by: &Redemption<'_>, now: i64) -> Result<std::result::Result<Issued, Refusal>> {
        let pair = Pair::new()?;
        let sql = format!(
            "SELECT {COLUMNS}, g.redeemed, g.code_expires, g.redirect, g.challenge, g.refreshes,
                EXISTS (SELECT 1 FROM sessions WHERE hash = g.session)
             FROM oauth_grants g WHERE g.code = ?1 AND g.wiki = ?2 AND g.client = ?3"
        );
        let mut refreshing = false;
        let outcome = self.write("exchange a code", |db| {
            let row = |row: &Row<'_>| {
                let places: (String, String) = (row.get(10)?, row.get(11)?);
                let state: (bool, i64, bool, bool) = (row.get(8)?, row.get(9)?, row.get(12)?, row.get(13)?);
                Ok((raw(row)?, places, state))
            };
            let found = db.query_row(&sql, (hash(code), by.wiki.to_store(), by.client), row).optional()?;
            let Some((found, (redirect, challenge), (redeemed, expires, refreshes, logged_in))) = found else {
                return Ok(Outcome::Unknown);
            };
            if redeemed {
                end(db, found.0)?;
                return Ok(Outcome::Reused(found));
            }
            let is_theirs = challenge == by.challenge && by.redirect.is_none_or(|said| said == redirect);
            if expires <= now || !logged_in || !is_theirs {
                return Ok(Outcome::Unknown);
            }
            pair.store(db, found.0, refreshes, &found.4, &found.4, now)?;
            refreshing = refreshes;
            Ok(Outcome::Issued(found.4))
        })?;
        finish(outcome, pair, refreshing)
    }
    /// Exchanges a refresh token of `client` for the next one and an access token for `asked`, or for all that was allowed.
    pub fn refresh_oauth(
        &self,
        wiki: WikiId,
        client: &str,
        token: &str,
        asked: Option<OAuthScope>,
        now: i64,
    ) -> Result<std::result::Result<Issued, Refusal>> {
        let pair = Pair::new()?;
        let sql = format!(
            "SELECT {COLUMNS}, t.replaced FROM oauth_tokens t JOIN oauth_grants g ON g.id = t.grant_id
             WHERE t.hash = ?1 AND t.kind = 'refresh' AND t.expires > ?2 AND g.wiki = ?3 AND g.client = ?4"
        );
        let old = hash(token);
        let outcome = self.write("refresh a token", |db| {
            let row = |row: &Row<'_>| Ok((raw(row)?, row.get::<_, bool>(8)?));
            let Some((found, replaced)) = db.query_row(&sql, (old, now, wiki.to_store(), client), row).optional()? else {
                return Ok(Outcome::Unknown);
            };
            if replaced {
                end(db, found.0)?;
                return Ok(Outcome::Reused(found));
            }
            let word = match (asked, OAuthScope::parse(&found.4)) {
                (Some(asked), Some(allowed)) if asked > allowed => return Ok(Outcome::TooWide),
                (Some(asked), _) => asked.as_str().to_string(),
                (None, _) => found.4.clone(),
            };
            db.execute("UPDATE oauth_tokens SET replaced = 1 WHERE hash = ?1", [old])?;
            pair.store(db, found.0, true, &found.4, &word, now)?;
            Ok(Outcome::Issued(word))
        })?;
        finish(outcome, pair, true)
    }
    /// What `token` allows in `wiki`, if it is an access token and good now.
    pub fn oauth_access(&self, wiki: WikiId, token: &str, now: i64) -> Result<Option<AccessGrant>> {
        let sql = format!(
            "SELECT {COLUMNS}, t.scope FROM oauth_tokens t JOIN oauth_grants g ON g.id = t.grant_id
             WHERE t.hash = ?1 AND t.kind = 'access' AND t.expires > ?2 AND g.wiki = ?3"
        );
        let row = |row: &Row<'_>| Ok((raw(row)?, row.get::<_, String>(8)?));
        let values = (hash(token), now, wiki.to_store());
        let found = self.read("read an access token", |db| db.prepare_cached(&sql)?.query_row(values, row).optional())?;
        let Some((found, word)) = found else { return Ok(None) };
        let (grant, scope) = (record(found)?, scope(&word)?);
        if grant.last_used.is_none_or(|last| now.saturating_sub(last) > TOUCH) {
            let sql = "UPDATE oauth_grants SET last_used = ?2 WHERE id = ?1";
            self.write("note the use of a grant", |db| db.execute(sql, (grant.id, now)))?;
        }
        Ok(Some(AccessGrant { grant, scope }))
    }
    /// Ends all that `token`, of whatever kind, came of (RFC 7009). None if `client` has no such token here.
    pub fn revoke_oauth_token(&self, wiki: WikiId, client: &str, token: &str) -> Result<Option<GrantRecord>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM oauth_tokens t JOIN oauth_grants g ON g.id = t.grant_id WHERE t.hash = ?1 AND g.wiki = ?2 AND g.client = ?3"
        );
        let found = self.write("revoke a token", |db| {
            let found = db.query_row(&sql, (hash(token), wiki.to_store(), client), raw).optional()?;
            if let Some(found) = &found {
                end(db, found.0)?;
            }
            Ok(found)
        })?;
        found.map(record).transpose()
    }
    /// What is allowed in `wiki` and was begun to be used, the newest first.
    pub fn oauth_grants(&self, wiki: WikiId, now: i64) -> Result<Vec<GrantRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM oauth_grants g WHERE g.wiki = ?1 AND g.redeemed AND g.expires > ?2 ORDER BY g.id DESC");
        let values = (wiki.to_store(), now);
        let rows = self.read("list grants", |db| db.prepare(&sql)?.query_map(values, raw)?.collect::<rusqlite::Result<Vec<_>>>())?;
        rows.into_iter().map(record).collect()
    }
    /// Ends one of them. Effective when this returns. `NotFound` if the wiki has none of that id.
    pub fn end_oauth_grant(&self, wiki: WikiId, id: i64) -> Result<()> {
        let sql = "DELETE FROM oauth_grants WHERE id = ?1 AND wiki = ?2";
        match self.write("end a grant", |db| db.execute(sql, (id, wiki.to_store())))? {
            0 => Err(Error::not_found("that program is not connected any more")),
            _ => Ok(()),
        }
    }
}

fn finish(outcome: Outcome, pair: Pair, refreshes: bool) -> Result<std::result::Result<Issued, Refusal>> {
    Ok(match outcome {
        Outcome::Issued(word) => Ok(pair.issued(refreshes, &word)?),
        Outcome::Unknown => Err(Refusal::Unknown),
        Outcome::TooWide => Err(Refusal::TooWide),
        Outcome::Reused(found) => Err(Refusal::Reused(record(found)?)),
    })
}
