//! Somebody on the way to whoever vouches for them and back: good once, for ten minutes, in one browser.

use super::{Directory, hash};
use holt_core::{Error, Result, UserId, WikiId};
use rusqlite::{OptionalExtension, Row};

/// How long somebody may take elsewhere, in seconds.
pub const SIGN_IN_REQUEST_LIFE: i64 = 10 * 60;

/// Most that are under way at once: strangers begin them, and none is worth a full disk.
const UNDER_WAY: i64 = 20_000;

/// Somebody who sets out.
#[derive(Debug, Clone, Copy)]
pub struct NewSignInRequest<'a> {
    /// What goes there and comes back, 256 random bits: its hash is kept.
    pub state: &'a str,
    /// Who is asked, by the name that addresses have for them.
    pub provider: &'a str,
    /// What the browser's secret is checked by: see [`Directory::challenge`].
    pub challenge: &'a str,
    /// Into which wiki; none: to the platform.
    pub wiki: Option<WikiId>,
    /// The account that the identity is to be connected with; none: somebody logs in.
    pub user: Option<UserId>,
    /// The address they come back to.
    pub back: &'a str,
    /// What the provider needs to know then, in JSON.
    pub data: &'a str,
    /// Where they wanted to go; checked by whoever sends them there.
    pub return_to: &'a str,
}

/// Somebody who came back.
#[derive(Clone, PartialEq, Eq)]
pub struct SignInRequest {
    /// See [`NewSignInRequest`].
    pub provider: String,
    /// See [`NewSignInRequest`].
    pub challenge: String,
    /// See [`NewSignInRequest`].
    pub wiki: Option<WikiId>,
    /// See [`NewSignInRequest`].
    pub user: Option<UserId>,
    /// See [`NewSignInRequest`].
    pub back: String,
    /// See [`NewSignInRequest`].
    pub data: String,
    /// See [`NewSignInRequest`].
    pub return_to: String,
    expires: i64,
}

impl std::fmt::Debug for SignInRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignInRequest({})", self.provider)
    }
}

impl Directory {
    /// Keeps what is needed when somebody comes back. Expired ones are swept. `Busy` if far too many are under way.
    pub fn create_sign_in_request(&self, request: &NewSignInRequest<'_>, now: i64) -> Result<()> {
        let kept = self.write("keep a sign-in request", |db| {
            db.execute("DELETE FROM sign_in_requests WHERE expires <= ?1", [now])?;
            let sql = "INSERT INTO sign_in_requests (hash, provider, challenge, wiki, user, back, data, return_to, expires)
                SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE (SELECT count(*) FROM sign_in_requests) < ?10";
            let (wiki, user) = (request.wiki.map(WikiId::to_store), request.user.map(|user| user.0));
            let expires = now.saturating_add(SIGN_IN_REQUEST_LIFE);
            let (provider, challenge, back) = (request.provider, request.challenge, request.back);
            let (data, return_to) = (request.data, request.return_to);
            db.execute(sql, (hash(request.state), provider, challenge, wiki, user, back, data, return_to, expires, UNDER_WAY))
        })?;
        match kept {
            0 => Err(Error::busy("too many people log in at once").hint("Try again in some minutes.")),
            _ => Ok(()),
        }
    }
    /// Uses a request up, whatever comes of it: none if there is no such one, or it took too long. Whether the browser is the same is for the caller
    /// to see, by the challenge.
    pub fn take_sign_in_request(&self, state: &str, now: i64) -> Result<Option<SignInRequest>> {
        let sql = "DELETE FROM sign_in_requests WHERE hash = ?1 RETURNING provider, challenge, wiki, user, back, data, return_to, expires";
        let found = self.write("use a sign-in request", |db| db.query_row(sql, [hash(state)], row).optional())?;
        Ok(found.filter(|request| request.expires > now))
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<SignInRequest> {
    Ok(SignInRequest {
        provider: row.get(0)?,
        challenge: row.get(1)?,
        wiki: row.get::<_, Option<i64>>(2)?.and_then(WikiId::from_store),
        user: row.get::<_, Option<i64>>(3)?.map(UserId),
        back: row.get(4)?,
        data: row.get(5)?,
        return_to: row.get(6)?,
        expires: row.get(7)?,
    })
}
