//! Who is logged in where (security.md SES-2, SES-4). A session belongs to one wiki, or to the platform itself.

use super::users::{self, UserRecord};
use super::{Directory, Token, hash, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holt_core::{Error, Result, UserId, WikiId};
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
    /// The name of the wiki's own at which it was begun, where alone it is good; none: any other.
    pub host: Option<String>,
}

impl std::fmt::Debug for SessionRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionRow({:?})", self.user)
    }
}

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEntry {
    /// Names it among those of its owner; says nothing of its secret.
    pub id: String,
    /// Where.
    pub wiki: Option<WikiId>,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds, give or take an hour.
    pub last_used: i64,
}

/// What a session is called in lists: the beginning of what is stored of its secret.
fn id_of(hash: &[u8]) -> String {
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

impl Directory {
    /// Logs `user` into `wiki` (or the platform). The token goes into a cookie; here only its hash stays.
    pub fn create_session(&self, user: UserId, wiki: Option<WikiId>, now: i64) -> Result<Token> {
        self.create_session_at(user, wiki, None, now)
    }
    /// The same at a name of the wiki's own, `host`: names change hands, and browsers send cookies to whoever has one.
    pub fn create_session_at(&self, user: UserId, wiki: Option<WikiId>, host: Option<&str>, now: i64) -> Result<Token> {
        let token = Token::new("")?;
        let csrf = random()?;
        self.write("create a session", |db| {
            db.execute("DELETE FROM sessions WHERE last_used < ?1", [now.saturating_sub(SESSION_IDLE)])?;
            let sql = "INSERT INTO sessions (hash, user, wiki, created, last_used, csrf, host) VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)";
            db.execute(sql, (token.hash(), user.0, wiki.map(WikiId::to_store), now, csrf, host))
        })?;
        Ok(token)
    }
    /// Logs `user` in under a secret that the caller derives: whatever stood under it is over.
    pub fn create_session_of(&self, token: &str, user: UserId, wiki: Option<WikiId>, now: i64) -> Result<()> {
        let csrf = random()?;
        let sql = "INSERT INTO sessions (hash, user, wiki, created, last_used, csrf) VALUES (?1, ?2, ?3, ?4, ?4, ?5)
            ON CONFLICT (hash) DO UPDATE SET created = excluded.created, last_used = excluded.last_used, csrf = excluded.csrf";
        let values = (hash(token), user.0, wiki.map(WikiId::to_store), now, csrf);
        self.write("create a session", |db| db.execute(sql, values)).map(|_| ())
    }
    /// The session that `token` names in exactly this wiki, if it has not ended.
    pub fn session(&self, token: &str, wiki: Option<WikiId>, now: i64) -> Result<Option<SessionRow>> {
        let sql = format!(
            "SELECT {}, sessions.created, sessions.last_used, sessions.csrf, sessions.host FROM sessions JOIN users ON users.id = sessions.user
             WHERE hash = ?1 AND wiki IS ?2 AND sessions.created > ?3 AND sessions.last_used > ?4",
            users::COLUMNS
        );
        let hash = hash(token);
        let values = (hash, wiki.map(WikiId::to_store), now.saturating_sub(SESSION_LIFE), now.saturating_sub(SESSION_IDLE));
        let found = self.read("read a session", |db| {
            let row = |row: &rusqlite::Row<'_>| {
                let csrf: Vec<u8> = row.get(10)?;
                let (user, csrf) = (users::record(row)?, URL_SAFE_NO_PAD.encode(csrf));
                let session = SessionRow { user, created: row.get(8)?, csrf, host: row.get(11)? };
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
    /// Logs out, in wikis that were entered from this session, too. Effective when this returns; nothing happens if there is no such session.
    pub fn end_session(&self, token: &str) -> Result<()> {
        let sql = "DELETE FROM sessions WHERE hash = ?1 OR parent = ?1";
        self.write("end a session", |db| db.execute(sql, [hash(token)])).map(|_| ())
    }
    /// Logs `user` out everywhere; returns how many sessions that were. To be called when a password or a right changes, too.
    pub fn end_all_sessions(&self, user: UserId) -> Result<usize> {
        self.write("end all sessions", |db| db.execute("DELETE FROM sessions WHERE user = ?1", [user.0]))
    }
    /// The sessions of `user` that are good now, the one used last first.
    pub fn sessions_of(&self, user: UserId, now: i64) -> Result<Vec<SessionEntry>> {
        let sql = "SELECT hash, wiki, created, last_used FROM sessions WHERE user = ?1 AND created > ?2 AND last_used > ?3
            ORDER BY last_used DESC, created DESC";
        let values = (user.0, now.saturating_sub(SESSION_LIFE), now.saturating_sub(SESSION_IDLE));
        let entry = |row: &rusqlite::Row<'_>| {
            let hash: Vec<u8> = row.get(0)?;
            let wiki = row.get::<_, Option<i64>>(1)?.and_then(WikiId::from_store);
            Ok(SessionEntry { id: id_of(&hash), wiki, created: row.get(2)?, last_used: row.get(3)? })
        };
        self.read("list sessions", |db| db.prepare_cached(sql)?.query_map(values, entry)?.collect())
    }
    /// What [`SessionEntry::id`] says of the session that `token` is the secret of.
    pub fn session_id(token: &str) -> String {
        id_of(&hash(token))
    }
    /// Ends the session of `user` that [`Directory::sessions_of`] calls `id`. `NotFound` if there is none.
    pub fn end_session_of(&self, user: UserId, id: &str) -> Result<()> {
        let sql = "DELETE FROM sessions WHERE user = ?1 AND (lower(hex(substr(hash, 1, 8))) = ?2 OR lower(hex(substr(parent, 1, 8))) = ?2)";
        match self.write("end a session", |db| db.execute(sql, (user.0, id)))? {
            0 => Err(Error::not_found("that session has ended already")),
            _ => Ok(()),
        }
    }
    /// Logs `user` out everywhere but in the session that `token` is the secret of; returns how many sessions that were.
    pub fn end_other_sessions(&self, user: UserId, token: &str) -> Result<usize> {
        // Those that were begun from this one are this browser's, too; and this one does not end the one that it was begun from.
        let sql = "DELETE FROM sessions WHERE user = ?1 AND hash <> ?2 AND parent IS NOT ?2
            AND hash IS NOT (SELECT parent FROM sessions WHERE hash = ?2)";
        self.write("end other sessions", |db| db.execute(sql, (user.0, hash(token))))
    }
    /// Takes from `user` what opens `wiki`: sessions, tokens, and what programs were allowed.
    pub fn lock_out(&self, user: UserId, wiki: WikiId) -> Result<()> {
        self.write("end sessions and tokens", |db| {
            db.execute("DELETE FROM sessions WHERE user = ?1 AND wiki = ?2", (user.0, wiki.to_store()))?;
            db.execute("DELETE FROM oauth_requests WHERE user = ?1 AND wiki = ?2", (user.0, wiki.to_store()))?;
            db.execute("DELETE FROM oauth_grants WHERE user = ?1 AND wiki = ?2", (user.0, wiki.to_store()))?;
            db.execute("DELETE FROM tokens WHERE user = ?1 AND wiki = ?2", (user.0, wiki.to_store()))
        })
        .map(|_| ())
    }
}
