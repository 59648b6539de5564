//! People who asked for an account and have yet to show that they read mail sent to the address: there is no account until then, so that nobody
//! makes one in somebody else's name, or learns by trying who has one.

use super::{Directory, Token, hash};
use holt_core::Result;
use rusqlite::OptionalExtension;

/// How long the link in such a mail is good, in seconds.
const LIFE: i64 = 24 * 3600;

impl Directory {
    /// Makes the secret of a link by which `email` makes an account. Expired ones are swept.
    pub fn create_sign_up(&self, email: &str, now: i64) -> Result<Token> {
        let token = Token::new("")?;
        self.write("make a link", |db| {
            db.execute("DELETE FROM sign_ups WHERE expires <= ?1", [now])?;
            let sql = "INSERT INTO sign_ups (hash, email, expires) VALUES (?1, ?2, ?3)";
            db.execute(sql, (token.hash(), email.trim().to_lowercase(), now.saturating_add(LIFE)))
        })?;
        Ok(token)
    }
    /// The address that a link is for, if it is good.
    pub fn sign_up(&self, token: &str, now: i64) -> Result<Option<String>> {
        let sql = "SELECT email FROM sign_ups WHERE hash = ?1 AND expires > ?2";
        self.read("look at a link", |db| db.prepare_cached(sql)?.query_row((hash(token), now), |row| row.get(0)).optional())
    }
    /// The address is dealt with: all links to it end.
    pub fn end_sign_ups(&self, email: &str) -> Result<()> {
        let email = email.trim().to_lowercase();
        self.write("end links", |db| db.execute("DELETE FROM sign_ups WHERE email = ?1", [email])).map(drop)
    }
}
