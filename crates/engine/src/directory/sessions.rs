//! Who is logged in where (security.md SES-2, SES-4). A session belongs to one wiki, or to the platform itself.

use super::users::{self, UserRecord};
use super::{Directory, Token, hash, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holt_core::{Result, UserId, WikiId};
use rusqlite::OptionalExtension;

/// A session that nobody uses for so many seconds ends.
pub const SESSION_IDLE: i64 = 14 * 24 * 3600;
/// A session ends after so many seconds, used or not.
pub const SESSION_LIFE: i64 = 90 * 24 * 3600;
/// The last use is written down at most so often, so that reading pages does not write.
const TOUCH: i64 = 3600;

/// A session that is good now.
#[derive(Clone)]
pub struct SessionRow {
    /// Whose it is, as the account is now.
    pub user: UserRecord,
    /// The secret that forms of this session carry (SES-5).
    pub csrf: String,
    /// Unix seconds.
    pub created: i64,
}

impl std::fmt::Debug for SessionRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionRow({:?})", self.user)
    }
}

impl Directory {
    /// Logs `user` into `wiki` (or the platform). The token goes into a cookie; here only its hash stays.
    pub fn create_session(&self, user: UserId, wiki: Option<WikiId>, now: i64) -> Result<Token> {
        let token = Token::new("")?;
        let csrf = random()?;
        self.write("create a session", |db| {
            db.execute("DELETE FROM sessions WHERE last_used < ?1", [now.saturating_sub(SESSION_IDLE)])?;
            let sql = "INSERT INTO sessions (hash, user, wiki, created, last_used, csrf) VALUES (?1, ?2, ?3, ?4, ?4, ?5)";
            db.execute(sql, (token.hash(), user.0, wiki.map(WikiId::to_store), now, csrf))
        })?;
        Ok(token)
    }
    /// The session that `token` names in exactly this wiki, if it has not ended.
    pub fn session(&self, token: &str, wiki: Option<WikiId>, now: i64) -> Result<Option<SessionRow>> {
        let sql = format!(
            "SELECT {}, sessions.created, sessions.last_used, sessions.csrf FROM sessions JOIN users ON users.id = sessions.user
             WHERE hash = ?1 AND wiki IS ?2 AND sessions.created > ?3 AND sessions.last_used > ?4",
            users::COLUMNS
        );
        let hash = hash(token);
        let values = (hash, wiki.map(WikiId::to_store), now.saturating_sub(SESSION_LIFE), now.saturating_sub(SESSION_IDLE));
        let found = self.read("read a session", |db| {
            let row = |row: &rusqlite::Row<'_>| {
                let csrf: Vec<u8> = row.get(10)?;
                let session = SessionRow { user: users::record(row)?, created: row.get(8)?, csrf: URL_SAFE_NO_PAD.encode(csrf) };
                Ok((session, row.get::<_, i64>(9)?))
            };
            db.prepare_cached(&sql)?.query_row(values, row).optional()
        })?;
        let Some((session, last_used)) = found else { return Ok(None) };
        if now.saturating_sub(last_used) > TOUCH {
            self.write("note the use of a session", |db| db.execute("UPDATE sessions SET last_used = ?2 WHERE hash = ?1", (hash, now)))?;
        }
        Ok(Some(session))
    }
    /// Logs out. Effective when this returns; nothing happens if there is no such session.
    pub fn end_session(&self, token: &str) -> Result<()> {
        self.write("end a session", |db| db.execute("DELETE FROM sessions WHERE hash = ?1", [hash(token)])).map(|_| ())
    }
    /// Logs `user` out everywhere; returns how many sessions that were. To be called when a password or a right changes, too.
    pub fn end_all_sessions(&self, user: UserId) -> Result<usize> {
        self.write("end all sessions", |db| db.execute("DELETE FROM sessions WHERE user = ?1", [user.0]))
    }
}
