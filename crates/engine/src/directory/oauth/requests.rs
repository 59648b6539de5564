//! What somebody is asked to allow, until they have answered: once, within ten minutes, and nobody else.

use super::super::{Directory, Token, hash};
use super::{OAuthScope, purge, scope};
use crate::db::wrap;
use holt_core::{Error, Result, UserId, WikiId};
use rusqlite::OptionalExtension;

/// How long somebody may think about it, in seconds.
pub const REQUEST_LIFE: i64 = 10 * 60;
/// How long a code is good, in seconds.
pub const CODE_LIFE: i64 = 60;
/// Most open questions to one person.
const OPEN_REQUESTS: i64 = 50;
/// Most that one person allows in one wiki. The one that was used longest ago gives way.
const GRANTS: i64 = 100;

/// A question to be.
#[derive(Debug, Clone, Copy)]
pub struct NewOAuthRequest<'a> {
    /// What would be opened.
    pub wiki: WikiId,
    /// Who is asked.
    pub user: UserId,
    /// Who asks: the id of a client.
    pub client: &'a str,
    /// What it is called.
    pub client_name: &'a str,
    /// Whether it uses refresh tokens.
    pub refreshes: bool,
    /// Where the answer goes.
    pub redirect: &'a str,
    /// Of PKCE, by S256.
    pub challenge: &'a str,
    /// What is asked for.
    pub scope: OAuthScope,
    /// What the client wants to have back.
    pub state: Option<&'a str>,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of NewOAuthRequest")]
pub struct OAuthRequest {
    pub user: UserId,
    pub client: String,
    pub client_name: String,
    pub redirect: String,
    pub scope: OAuthScope,
    pub state: Option<String>,
    /// Whether it was answered.
    pub decided: bool,
}

/// What became of an answer.
#[derive(Debug)]
pub enum Decided {
    /// It counts: the code that goes to the client, if something was allowed.
    Now(Option<Token>),
    /// It was answered before, or nobody asks any more.
    Before,
}

impl Directory {
    /// Keeps a question. Its name is a secret between us and the browser of whoever is asked.
    pub fn ask_oauth(&self, new: &NewOAuthRequest<'_>, now: i64) -> Result<Token> {
        let token = Token::new("holtq_")?;
        self.change("keep a question", |db| {
            let failed = || wrap("keep a question");
            purge(db, now).map_err(failed())?;
            let count = "SELECT count(*) FROM oauth_requests WHERE user = ?1 AND decided = 0";
            let open: i64 = db.query_row(count, [new.user.0], |row| row.get(0)).map_err(failed())?;
            if open >= OPEN_REQUESTS {
                return Err(Error::busy("too many programs ask you at once").hint("Wait ten minutes, and connect one after the other."));
            }
            let sql = "INSERT INTO oauth_requests (hash, wiki, user, client, client_name, refreshes, redirect, challenge, scope, state, expires, decided)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)";
            let NewOAuthRequest { wiki, user, client, client_name, refreshes, redirect, challenge, scope, state } = *new;
            let (wiki, scope, expires) = (wiki.to_store(), scope.as_str(), now.saturating_add(REQUEST_LIFE));
            let values =
                (token.hash(), wiki, user.0, client, client_name, refreshes, redirect, challenge, scope, state, expires);
            db.execute(sql, values).map_err(failed())
        })?;
        Ok(token)
    }
    /// The question that `token` names in `wiki`, if it can still be answered, or was within the same ten minutes.
    pub fn oauth_request(&self, wiki: WikiId, token: &str, now: i64) -> Result<Option<OAuthRequest>> {
        let sql = "SELECT user, client, client_name, redirect, scope, state, decided FROM oauth_requests
            WHERE hash = ?1 AND wiki = ?2 AND expires > ?3";
        let row = |row: &rusqlite::Row<'_>| {
            let scope: String = row.get(4)?;
            let values: (UserId, String, String, String) = (UserId(row.get(0)?), row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((values, scope, row.get(5)?, row.get(6)?))
        };
        let values = (hash(token), wiki.to_store(), now);
        let found = self.read("read a question", |db| db.prepare_cached(sql)?.query_row(values, row).optional())?;
        let Some(((user, client, client_name, redirect), word, state, decided)) = found else { return Ok(None) };
        Ok(Some(OAuthRequest { user, client, client_name, redirect, scope: scope(&word)?, state, decided }))
    }
    /// Answers the question that `token` names: with what is allowed, or with nothing. Only `user` can, in the session that `session` is the
    /// secret of, and only once.
    pub fn decide_oauth(
        &self,
        wiki: WikiId,
        token: &str,
        user: UserId,
        session: &str,
        allowed: Option<OAuthScope>,
        now: i64,
    ) -> Result<Decided> {
        let code = Token::new("holtc_")?;
        let asked = hash(token);
        let counts = self.change("answer a question", |db| {
            let failed = || wrap("answer a question");
            let sql = "UPDATE oauth_requests SET decided = 1 WHERE hash = ?1 AND wiki = ?2 AND user = ?3 AND expires > ?4 AND decided = 0
                RETURNING scope";
            let values = (asked, wiki.to_store(), user.0, now);
            let word: Option<String> = db.query_row(sql, values, |row| row.get(0)).optional().map_err(failed())?;
            if word.is_none() {
                return Ok(false);
            }
            let Some(allowed) = allowed else { return Ok(true) };
            let allowed = allowed.as_str();
            let sql = "DELETE FROM oauth_grants WHERE id IN (SELECT id FROM oauth_grants WHERE wiki = ?1 AND user = ?2
                ORDER BY coalesce(last_used, created) DESC, id DESC LIMIT -1 OFFSET ?3)";
            db.execute(sql, (wiki.to_store(), user.0, GRANTS - 1)).map_err(failed())?;
            let sql = "INSERT INTO oauth_grants (wiki, user, client, client_name, refreshes, scope, created, expires, code, code_expires, redeemed,
                    redirect, challenge, session)
                SELECT wiki, user, client, client_name, refreshes, ?2, ?3, ?4, ?5, ?4, 0, redirect, challenge, ?6 FROM oauth_requests WHERE hash = ?1";
            db.execute(sql, (asked, allowed, now, now.saturating_add(CODE_LIFE), code.hash(), hash(session))).map_err(failed())?;
            let sql = "UPDATE oauth_clients SET last_used = ?2, network = NULL WHERE id = (SELECT client FROM oauth_requests WHERE hash = ?1)";
            db.execute(sql, (asked, now)).map_err(failed())?;
            Ok(true)
        })?;
        Ok(if counts { Decided::Now(allowed.map(|_| code)) } else { Decided::Before })
    }
}
