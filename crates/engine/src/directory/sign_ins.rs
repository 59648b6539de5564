//! From the platform into one wiki: a code that is good once, for half a minute, in one browser (security.md SES-3).

use super::{Directory, Token, hash, random};
use holt_core::{Result, UserId, WikiId};
use rusqlite::OptionalExtension;

/// How long such a code is good, in seconds.
pub const SIGN_IN_LIFE: i64 = 30;

/// Somebody on the way.
#[derive(Debug, Clone, Copy)]
pub struct SignIn<'a> {
    /// Into which wiki.
    pub wiki: WikiId,
    /// Who.
    pub user: UserId,
    /// The secret of their session on the platform: what begins in the wiki ends with it.
    pub session: &'a str,
    /// What the browser's secret for that wiki is checked by: see [`Directory::challenge`].
    pub challenge: &'a str,
}

impl Directory {
    /// What is sent to the platform of a browser's secret: its hash, in hexadecimal digits.
    pub fn challenge(verifier: &str) -> String {
        hash(verifier).iter().map(|byte| format!("{byte:02x}")).collect()
    }
    /// Makes a code. Expired ones are swept.
    pub fn create_sign_in(&self, sign_in: &SignIn<'_>, now: i64) -> Result<Token> {
        let token = Token::new("")?;
        self.write("make a sign-in code", |db| {
            db.execute("DELETE FROM sign_ins WHERE expires <= ?1", [now])?;
            let sql = "INSERT INTO sign_ins (hash, wiki, user, parent, challenge, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let (wiki, user, parent) = (sign_in.wiki.to_store(), sign_in.user.0, hash(sign_in.session));
            db.execute(sql, (token.hash(), wiki, user, parent, sign_in.challenge, now.saturating_add(SIGN_IN_LIFE)))
        })?;
        Ok(token)
    }
    /// Uses a code up: who comes. A code that is shown at another wiki or in another browser is used up, too, and gives nothing; so does one
    /// whose session on the platform has ended.
    pub fn redeem_sign_in(&self, wiki: WikiId, code: &str, verifier: &str, now: i64) -> Result<Option<SignedIn>> {
        let sql = "DELETE FROM sign_ins WHERE hash = ?1 RETURNING wiki, user, parent, challenge, expires";
        let found = self.write("use a sign-in code", |db| {
            let row = |row: &rusqlite::Row<'_>| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, Vec<u8>>(2)?,
                    row.get::<_, String>(3)?,
                    row.get::<_, i64>(4)?,
                ))
            };
            let Some(found) = db.query_row(sql, [hash(code)], row).optional()? else { return Ok(None) };
            let lives = "SELECT EXISTS (SELECT 1 FROM sessions WHERE hash = ?1 AND user = ?2)";
            let lives: bool = db.query_row(lives, (&found.2, found.1), |row| row.get(0))?;
            Ok(Some(found).filter(|_| lives))
        })?;
        let fits = |(of, _, _, challenge, expires): &(i64, i64, Vec<u8>, String, i64)| {
            WikiId::from_store(*of) == Some(wiki) && *challenge == Self::challenge(verifier) && *expires > now
        };
        Ok(found.filter(fits).map(|(_, user, parent, ..)| SignedIn { user: UserId(user), parent }))
    }
    /// Logs somebody into `wiki` who came by a code, at `host` if that is a name of the wiki's own. The session ends with theirs on the platform.
    pub fn create_session_from(&self, signed_in: &SignedIn, wiki: WikiId, host: Option<&str>, now: i64) -> Result<Token> {
        let (token, csrf) = (Token::new("")?, random()?);
        self.write("create a session", |db| {
            let sql = "INSERT INTO sessions (hash, user, wiki, created, last_used, csrf, parent, host)
                VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7)";
            db.execute(sql, (token.hash(), signed_in.user.0, wiki.to_store(), now, csrf, &signed_in.parent, host))
        })?;
        Ok(token)
    }
}

/// Who came by a code.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub user: UserId,
    parent: Vec<u8>,
}
