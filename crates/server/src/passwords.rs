//! Whether a password is an account's, with the brakes on guessing (security.md SES-7): for the log-in form of a wiki and of the platform alike.

use crate::api::credentials;
use crate::app::{App, Throttle};
use crate::request::Request;
use holt_core::{Error, Result};
use holt_engine::accounts::password::{self, Verdict};
use holt_engine::directory::{Gate, UserRecord};

/// What came of looking at a password.
pub enum Checked {
    /// It is the account's.
    Right(UserRecord),
    /// There is no such account, or it has another password: nobody is told which.
    Wrong,
    /// It was not looked at, and will not be for so long.
    TooMany {
        /// For a `Retry-After`.
        seconds: i64,
    },
}

/// Looks at it. An account that does not exist takes as long as one that does.
pub fn check(app: &App, request: &Request, email: &str, secret: &str) -> Result<Checked> {
    let directory = app.engine.directory();
    if app.throttle == Throttle::On
        && let Gate::Closed { seconds } = directory.begin_login(email, &credentials::network(request.peer), app.engine.clock().now())?
    {
        return Ok(Checked::TooMany { seconds });
    }
    let account = directory.user_by_email(email)?;
    let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
    let verdict = if secret.len() > password::PASSWORD_BYTES { Verdict::NoMatch } else { password::verify_login(secret, stored) };
    let (Verdict::Match | Verdict::MatchUpgrade, Some(account)) = (&verdict, account) else { return Ok(Checked::Wrong) };
    if matches!(verdict, Verdict::MatchUpgrade) {
        directory.set_password_hash(account.id, Some(&password::hash(secret)?))?;
    }
    Ok(Checked::Right(account))
}

/// Whoever had the right password was let in: earlier attempts are forgotten.
pub fn succeeded(app: &App, account: &UserRecord) -> Result<()> {
    if app.throttle == Throttle::On {
        app.engine.directory().login_succeeded(&account.email)?;
    }
    app.engine.directory().touch(account.id, app.engine.clock().now())
}

/// What is said of a wrong password.
pub fn wrong() -> Error {
    Error::invalid("the address or the password is wrong")
}

/// What is said to whoever tried too often.
pub fn too_many(seconds: i64) -> Error {
    Error::busy("too many attempts").hint(wait(seconds))
}

/// `Busy` if somebody types too many passwords for `email`, or makes too many accounts.
pub fn check_gate(app: &App, request: &Request, email: &str) -> Result<()> {
    match app.throttle {
        Throttle::On => open(app.engine.directory().begin_login(email, &credentials::network(request.peer), app.engine.clock().now())?),
        Throttle::Off => Ok(()),
    }
}

/// `Busy` if somebody asks for too much mail to `email`.
pub fn check_mail_gate(app: &App, request: &Request, email: &str) -> Result<()> {
    match app.throttle {
        Throttle::On => open(app.engine.directory().begin_mail(email, &credentials::network(request.peer), app.engine.clock().now())?),
        Throttle::Off => Ok(()),
    }
}

fn open(gate: Gate) -> Result<()> {
    match gate {
        Gate::Open => Ok(()),
        Gate::Closed { seconds } => Err(too_many(seconds)),
    }
}

fn wait(seconds: i64) -> String {
    match (seconds + 59) / 60 {
        1 => "Wait a minute before the next one.".to_string(),
        minutes => format!("Wait {minutes} minutes before the next one."),
    }
}
