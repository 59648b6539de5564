//! What comes before a session: links that work once, and the brake on guessing passwords (security.md SES-7).

use super::{Directory, Token, hash};
use holt_core::{Result, UserId};
use rusqlite::OptionalExtension;

/// What a link that works once is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To make the first administrator of an installation.
    FirstAdministrator,
    /// To choose a new password.
    PasswordReset,
    /// To show that one reads mail sent to the account's address.
    ConfirmEmail,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::FirstAdministrator => "first-administrator",
            Self::PasswordReset => "password-reset",
            Self::ConfirmEmail => "confirm-email",
        }
    }
    /// How long such a link is good, in seconds.
    pub fn lifetime(self) -> i64 {
        match self {
            Self::FirstAdministrator | Self::PasswordReset | Self::ConfirmEmail => 24 * 3600,
        }
    }
}

/// Whether a password may be tried now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Yes; the attempt is counted.
    Open,
    /// No, not for so many seconds.
    Closed {
        /// For a `Retry-After`.
        seconds: i64,
    },
}

const ACCOUNT_ATTEMPTS: i64 = 5;
const MAIL_ATTEMPTS: i64 = 3;
const ACCOUNT_WINDOW: i64 = 15 * 60;
const ADDRESS_ATTEMPTS: i64 = 20;
const ADDRESS_WINDOW: i64 = 60;

impl Directory {
    /// Makes a link's secret. Expired ones are swept.
    pub fn create_one_time(&self, purpose: Purpose, user: Option<UserId>, now: i64) -> Result<Token> {
        let token = Token::new("")?;
        self.write("make a one-time link", |db| {
            db.execute("DELETE FROM one_time WHERE expires <= ?1", [now])?;
            let sql = "INSERT INTO one_time (hash, purpose, user, expires) VALUES (?1, ?2, ?3, ?4)";
            db.execute(sql, (token.hash(), purpose.as_str(), user.map(|u| u.0), now.saturating_add(purpose.lifetime())))
        })?;
        Ok(token)
    }
    /// Uses a link up. `None` if it was used before, has expired, or is for something else; of two who come at once, one succeeds.
    pub fn redeem_one_time(&self, purpose: Purpose, token: &str, now: i64) -> Result<Option<Option<UserId>>> {
        let sql = "DELETE FROM one_time WHERE hash = ?1 AND purpose = ?2 AND expires > ?3 RETURNING user";
        let values = (hash(token), purpose.as_str(), now);
        let found = self.write("use a one-time link", |db| db.query_row(sql, values, |row| row.get::<_, Option<i64>>(0)).optional())?;
        Ok(found.map(|user| user.map(UserId)))
    }
    /// Whether [`Directory::redeem_one_time`] would succeed now, for whoever shows a form first.
    pub fn is_one_time(&self, purpose: Purpose, token: &str, now: i64) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM one_time WHERE hash = ?1 AND purpose = ?2 AND expires > ?3)";
        let values = (hash(token), purpose.as_str(), now);
        self.read("look at a one-time link", |db| db.prepare_cached(sql)?.query_row(values, |row| row.get(0)))
    }
    /// Whose a link is that [`Directory::redeem_one_time`] would take now.
    pub fn one_time_of(&self, purpose: Purpose, token: &str, now: i64) -> Result<Option<UserId>> {
        let sql = "SELECT user FROM one_time WHERE hash = ?1 AND purpose = ?2 AND expires > ?3";
        let values = (hash(token), purpose.as_str(), now);
        let found = self.read("look at a one-time link", |db| db.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional())?;
        Ok(found.flatten().map(UserId))
    }
    /// Ends all links that were made for `user`.
    pub fn end_one_time_of(&self, user: UserId) -> Result<()> {
        self.write("end one-time links", |db| db.execute("DELETE FROM one_time WHERE user = ?1", [user.0])).map(|_| ())
    }
    /// Ends all links for `purpose`.
    pub fn end_one_time(&self, purpose: Purpose) -> Result<()> {
        self.write("end one-time links", |db| db.execute("DELETE FROM one_time WHERE purpose = ?1", [purpose.as_str()])).map(|_| ())
    }
    /// To be asked before a password is looked at: counts the attempt, so that many at once cannot slip through. `address` is the caller's
    /// network address (IPv6: its /64). The same for accounts that do not exist.
    pub fn begin_login(&self, email: &str, address: &str, now: i64) -> Result<Gate> {
        self.begin(&email.trim().to_lowercase(), ACCOUNT_ATTEMPTS, address, now)
    }
    /// As [`Directory::begin_login`], before a mail is sent to whoever was named by somebody who is not logged in. Counted apart from
    /// passwords: asking for mail keeps nobody from logging in.
    pub fn begin_mail(&self, email: &str, address: &str, now: i64) -> Result<Gate> {
        self.begin(&format!("mail to {}", email.trim().to_lowercase()), MAIL_ATTEMPTS, address, now)
    }
    fn begin(&self, account: &str, attempts: i64, address: &str, now: i64) -> Result<Gate> {
        let account: String = account.chars().take(254).collect();
        self.write("count a login", |db| {
            // What lies in the future comes from a clock that jumped: it must not lock anybody out.
            db.execute("DELETE FROM login_attempts WHERE time <= ?1 OR time > ?2", (now.saturating_sub(ACCOUNT_WINDOW), now))?;
            let by = |column: &str, key: &str, limit: i64, window: i64| -> rusqlite::Result<Option<i64>> {
                // The oldest of the last `limit` attempts: when it leaves the window, there is room again.
                let sql = format!("SELECT time FROM login_attempts WHERE {column} = ?1 AND time > ?2 ORDER BY time DESC LIMIT 1 OFFSET ?3");
                let oldest = db.query_row(&sql, (key, now.saturating_sub(window), limit - 1), |row| row.get::<_, i64>(0)).optional()?;
                Ok(oldest.map(|time| time.saturating_add(window).saturating_sub(now).max(1)))
            };
            let account_full = by("account", &account, attempts, ACCOUNT_WINDOW)?;
            let address_full = by("address", address, ADDRESS_ATTEMPTS, ADDRESS_WINDOW)?;
            if let Some(seconds) = account_full.max(address_full) {
                return Ok(Gate::Closed { seconds });
            }
            db.execute("INSERT INTO login_attempts (account, address, time) VALUES (?1, ?2, ?3)", (&account, address, now))?;
            Ok(Gate::Open)
        })
    }
    /// The password was right: the account's attempts are forgotten.
    pub fn login_succeeded(&self, email: &str) -> Result<()> {
        let account = email.trim().to_lowercase();
        self.write("forget failed logins", |db| db.execute("DELETE FROM login_attempts WHERE account = ?1", [account])).map(|_| ())
    }
}
