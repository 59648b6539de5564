//! Programs that registered themselves (RFC 7591, security.md OAU-1). Those that are known by an address of their own are not kept here.

use super::super::{Directory, Token, hash};
use super::purge;
use holt_core::{Result, WikiId};
use rusqlite::{OptionalExtension, Row};
use subtle::ConstantTimeEq;

/// Most registrations from one network in an hour.
const PER_HOUR: i64 = 10;
const HOUR: i64 = 3600;
/// Most clients that nobody has allowed anything yet, in the whole installation.
const UNUSED_CLIENTS: i64 = 10_000;

/// Whether a client can keep a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// It runs at its user's: anybody can read what is in it.
    Public,
    /// It gets one.
    Secret,
}

/// A client to be.
#[derive(Debug, Clone, Copy)]
pub struct NewOAuthClient<'a> {
    /// The only wiki that knows it.
    pub wiki: WikiId,
    /// As it calls itself, cleaned.
    pub name: &'a str,
    /// Where it may be answered, checked.
    pub redirects: &'a [String],
    /// See there.
    pub secrecy: Secrecy,
    /// Whether it uses refresh tokens.
    pub refreshes: bool,
    /// Where it comes from, for counting; none: it is not counted.
    pub network: Option<&'a str>,
}

/// A client.
#[derive(Clone, PartialEq, Eq)]
pub struct OAuthClient {
    /// What it is called by programs. Public.
    pub id: String,
    /// As it calls itself.
    pub name: String,
    /// Where it may be answered.
    pub redirects: Vec<String>,
    /// Whether it uses refresh tokens.
    pub refreshes: bool,
    secret: Option<Vec<u8>>,
}

impl OAuthClient {
    /// Whether it has to show a secret.
    pub fn secrecy(&self) -> Secrecy {
        if self.secret.is_some() { Secrecy::Secret } else { Secrecy::Public }
    }
    /// Whether it is who it says: with its secret, or without one if it has none.
    pub fn proves(&self, secret: Option<&str>) -> bool {
        match (&self.secret, secret) {
            (Some(stored), Some(shown)) => stored.as_slice().ct_eq(hash(shown).as_slice()).into(),
            (None, None) => true,
            _ => false,
        }
    }
}

impl std::fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OAuthClient({:?}, {:?})", self.id, self.name)
    }
}

/// What became of a registration.
#[derive(Debug)]
pub enum Registered {
    /// There is a new client, and its secret, if it has one.
    Yes(OAuthClient, Option<Token>),
    /// Too many: so many seconds to wait.
    TooMany {
        /// Until there is room again.
        seconds: u16,
    },
}

fn client(row: &Row<'_>) -> rusqlite::Result<OAuthClient> {
    let redirects: String = row.get(2)?;
    Ok(OAuthClient {
        id: row.get(0)?,
        name: row.get(1)?,
        redirects: redirects.lines().map(str::to_string).collect(),
        secret: row.get(3)?,
        refreshes: row.get(4)?,
    })
}

impl Directory {
    /// Makes a client. Its id is chosen here, so that none is ever overwritten.
    pub fn register_oauth_client(&self, new: &NewOAuthClient<'_>, now: i64) -> Result<Registered> {
        let id = Token::new("holti_")?.expose().to_string();
        let secret = if new.secrecy == Secrecy::Secret { Some(Token::new("holts_")?) } else { None };
        let made = OAuthClient {
            id,
            name: new.name.to_string(),
            redirects: new.redirects.to_vec(),
            refreshes: new.refreshes,
            secret: secret.as_ref().map(|secret| secret.hash().to_vec()),
        };
        let wait = self.write("register a client", |db| {
            purge(db, now)?;
            // Where somebody came from is kept only as long as it counts.
            db.execute("UPDATE oauth_clients SET network = NULL WHERE network IS NOT NULL AND created <= ?1", [now.saturating_sub(HOUR)])?;
            let (there, first): (i64, Option<i64>) =
                db.query_row("SELECT count(*), min(created) FROM oauth_clients WHERE network = ?1", [new.network], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            if there >= PER_HOUR {
                let seconds = first.map_or(HOUR, |first| first.saturating_add(HOUR).saturating_sub(now).clamp(1, HOUR));
                return Ok(Some(u16::try_from(seconds).unwrap_or(u16::MAX)));
            }
            let unused: i64 = db.query_row("SELECT count(*) FROM oauth_clients WHERE last_used IS NULL", [], |row| row.get(0))?;
            if unused >= UNUSED_CLIENTS {
                return Ok(Some(u16::try_from(HOUR).unwrap_or(u16::MAX)));
            }
            let sql = "INSERT INTO oauth_clients (id, wiki, name, redirects, secret, refreshes, network, created)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let (wiki, redirects) = (new.wiki.to_store(), made.redirects.join("\n"));
            db.execute(sql, (&made.id, wiki, &made.name, redirects, &made.secret, made.refreshes, new.network, now))?;
            Ok(None)
        })?;
        Ok(match wait {
            Some(seconds) => Registered::TooMany { seconds },
            None => Registered::Yes(made, secret),
        })
    }
    /// The client of `wiki` that is called `id`.
    pub fn oauth_client(&self, wiki: WikiId, id: &str) -> Result<Option<OAuthClient>> {
        let sql = "SELECT id, name, redirects, secret, refreshes FROM oauth_clients WHERE id = ?1 AND wiki = ?2";
        self.read("read a client", |db| db.prepare_cached(sql)?.query_row((id, wiki.to_store()), client).optional())
    }
}
