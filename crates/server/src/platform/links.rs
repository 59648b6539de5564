//! What people do by mail at the platform: make an account, choose a new password, confirm an address. The answers say nothing of which accounts
//! there are, and cost the same work; following a link changes nothing: its page has a button (security.md SES-5, SES-7).

use super::letters::{self, Writer};
use super::sign_in;
use super::views::{AskMailView, ConfirmView, FinishView, NewPasswordView, Notice};
use super::{Visitor, audit};
use crate::error;
use crate::passwords;
use crate::reply::{Reply, see_other, with_cookie};
use crate::session::{self, Remember};
use holt_core::{Error, ErrorKind, Result};
use holt_engine::accounts::{self, Rank, password};
use holt_engine::directory::{NewUser, Purpose, UserRecord};
use http::StatusCode;

/// What somebody wants a mail for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// They have no account.
    Account,
    /// They forgot the password.
    Password,
}

impl Ask {
    fn action(self) -> &'static str {
        match self {
            Self::Account => "register",
            Self::Password => "password.ask",
        }
    }
}

/// `GET /auth/lost-password`
pub fn lost_password_form(visitor: &Visitor<'_>) -> Result<Reply> {
    let problem = Writer::new(visitor).err();
    show_ask(visitor, Ask::Password, StatusCode::OK, problem.as_ref(), None)
}

/// `POST /auth/lost-password`
pub fn lost_password(visitor: &Visitor<'_>) -> Result<Reply> {
    ask(visitor, Ask::Password)
}

/// The form that asks for an address.
pub fn ask_form(visitor: &Visitor<'_>, ask: Ask) -> Result<Reply> {
    show_ask(visitor, ask, StatusCode::OK, None, None)
}

fn show_ask(visitor: &Visitor<'_>, ask: Ask, status: StatusCode, problem: Option<&Error>, notice: Option<&str>) -> Result<Reply> {
    let (title, lead, url) = match ask {
        Ask::Account => ("Register", "You get a mail with a link by which you make your account.", "/auth/register"),
        Ask::Password => ("Forgot your password?", "You get a mail with a link by which you choose a new one.", "/auth/lost-password"),
    };
    let email = if notice.is_some() { String::new() } else { visitor.request.body.get("email").to_string() };
    let (problem, notice) = (problem.map(Visitor::notice), notice.map(str::to_string));
    visitor.form(status, title, |csrf| AskMailView { csrf, title, lead, url, email, problem, notice })
}

/// Sends the mail, or one that says why there is none to send.
pub fn ask(visitor: &Visitor<'_>, ask: Ask) -> Result<Reply> {
    match try_ask(visitor, ask) {
        Ok(()) => {
            let said = match ask {
                Ask::Account => "A mail to that address is on its way. Open the link in it to go on.",
                Ask::Password => "If there is an account with that address, a mail to it is on its way.",
            };
            show_ask(visitor, ask, StatusCode::OK, None, Some(said))
        }
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => {
            let status = if error.kind == ErrorKind::Busy { StatusCode::TOO_MANY_REQUESTS } else { error::status(&error) };
            show_ask(visitor, ask, status, Some(&error), None)
        }
    }
}

/// Does the same, and as much, whether or not there is such an account.
fn try_ask(visitor: &Visitor<'_>, ask: Ask) -> Result<()> {
    let writer = Writer::new(visitor)?;
    let email = accounts::check_email(visitor.request.body.get("email"))?;
    passwords::check_mail_gate(visitor.app, visitor.request, &email)?;
    let (directory, now) = (visitor.app.engine.directory(), visitor.now());
    let account = directory.user_by_email(&email)?;
    let posted = match ask {
        Ask::Account => {
            let token = directory.create_sign_up(&email, now)?;
            if account.is_some() { writer.has_account(&email) } else { writer.sign_up(&email, &token) }
        }
        Ask::Password => {
            let token = directory.create_one_time(Purpose::PasswordReset, account.as_ref().map(|account| account.id), now)?;
            account.map_or(Ok(()), |account| writer.new_password(&account.email, &token))
        }
    };
    audit::note(visitor, &email, None, ask.action(), "mail", "ok");
    letters::or_log(posted);
    Ok(())
}

fn dead() -> Error {
    Error::not_found("this link has been used already or is too old").hint("Ask for a new one on the log-in page.")
}

/// The address that a link makes an account for.
fn wanted(visitor: &Visitor<'_>) -> Result<String> {
    sign_in::check_open(visitor)?;
    visitor.app.engine.directory().sign_up(visitor.param("token"), visitor.now())?.ok_or_else(dead)
}

/// `GET /auth/register/{token}`
pub fn finish_form(visitor: &Visitor<'_>) -> Result<Reply> {
    let email = wanted(visitor)?;
    show_finish(visitor, StatusCode::OK, email, None)
}

fn show_finish(visitor: &Visitor<'_>, status: StatusCode, email: String, problem: Option<&Error>) -> Result<Reply> {
    let (name, problem) = (visitor.request.body.get("name").to_string(), problem.map(Visitor::notice));
    visitor.form(status, "Register", |csrf| FinishView { csrf, name, email, password_length: password::PASSWORD_CHARS, problem })
}

/// `POST /auth/register/{token}`: the account is there, its address confirmed, and whoever made it is logged in.
pub fn finish(visitor: &Visitor<'_>) -> Result<Reply> {
    let email = wanted(visitor)?;
    match try_finish(visitor, &email) {
        Ok(reply) => Ok(reply),
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => show_finish(visitor, error::status(&error), email, Some(&error)),
    }
}

fn try_finish(visitor: &Visitor<'_>, email: &str) -> Result<Reply> {
    let (form, directory, now) = (&visitor.request.body, visitor.app.engine.directory(), visitor.now());
    let name = accounts::check_name(form.get("name"))?;
    let hash = new_password(visitor)?;
    let user =
        NewUser { email, name: &name, password_hash: Some(&hash), rank: Rank::Member, email_confirmed: true, created: now, last_seen: now };
    // Of two who follow links to one address, the first makes the account.
    let id = directory.create_user(&user)?;
    directory.end_sign_ups(email)?;
    audit::note(visitor, email, None, "email.confirm", "platform", "ok");
    let cookies = session::begin(visitor.app, visitor.request, id, None, Remember::No)?;
    Ok(cookies.iter().fold(see_other(sign_in::HOME), |reply, cookie| with_cookie(reply, cookie)))
}

/// The hash of a password that was typed twice.
fn new_password(visitor: &Visitor<'_>) -> Result<String> {
    let form = &visitor.request.body;
    let (first, second) = (form.get("password1"), form.get("password2"));
    if first != second {
        return Err(Error::invalid("the two passwords differ").hint("Type the same one twice."));
    }
    password::check(first)?;
    password::hash(first)
}

fn check_alive(visitor: &Visitor<'_>, purpose: Purpose) -> Result<()> {
    let alive = visitor.app.engine.directory().is_one_time(purpose, visitor.param("token"), visitor.now())?;
    alive.then_some(()).ok_or_else(dead)
}

/// Uses the link up, and says whose it is.
fn redeem(visitor: &Visitor<'_>, purpose: Purpose) -> Result<UserRecord> {
    let directory = visitor.app.engine.directory();
    let user = directory.redeem_one_time(purpose, visitor.param("token"), visitor.now())?.flatten();
    user.map(|user| directory.user(user)).transpose()?.flatten().ok_or_else(dead)
}

/// `GET /auth/new-password/{token}`
pub fn new_password_form(visitor: &Visitor<'_>) -> Result<Reply> {
    check_alive(visitor, Purpose::PasswordReset)?;
    show_new_password(visitor, StatusCode::OK, None)
}

fn show_new_password(visitor: &Visitor<'_>, status: StatusCode, problem: Option<Notice>) -> Result<Reply> {
    let password_length = password::PASSWORD_CHARS;
    visitor.form(status, "Choose a new password", |csrf| NewPasswordView { csrf, password_length, problem })
}

/// `POST /auth/new-password/{token}`: the new password counts at once, and whoever was logged in with the old one is out, in wikis, too.
pub fn choose_password(visitor: &Visitor<'_>) -> Result<Reply> {
    check_alive(visitor, Purpose::PasswordReset)?;
    let hash = match new_password(visitor) {
        Ok(hash) => hash,
        Err(error) if error.kind == ErrorKind::Internal => return Err(error),
        Err(error) => return show_new_password(visitor, error::status(&error), Some(Visitor::notice(&error))),
    };
    let account = redeem(visitor, Purpose::PasswordReset)?;
    let directory = visitor.app.engine.directory();
    let first = directory.recover(account.id, &hash)?;
    directory.login_succeeded(&account.email)?;
    audit::note(visitor, &account.email, None, "password.recover", "platform", "ok");
    if first {
        audit::note(visitor, &account.email, None, "email.confirm", "platform", "ok");
    }
    let notice = "Your new password counts from now on. Log in with it.";
    sign_in::show_login(visitor, StatusCode::OK, String::new(), account.email, Ok(Some(notice)))
}

/// `POST /app/account/confirm`: sends the link to whoever is logged in.
pub fn ask_to_confirm(visitor: &Visitor<'_>) -> Result<()> {
    let user = visitor.person()?;
    let writer = Writer::new(visitor)?;
    passwords::check_mail_gate(visitor.app, visitor.request, &user.email)?;
    let token = visitor.app.engine.directory().create_one_time(Purpose::ConfirmEmail, Some(user.id), visitor.now())?;
    audit::done(visitor, None, "email.ask", "platform");
    writer.confirm(&user.email, &token)
}

/// `GET /auth/confirm/{token}`: for whoever is logged in to the account that it is about. Somebody else who reads that mail has not made the account, and
/// would say that what another person has is theirs.
pub fn confirm_form(visitor: &Visitor<'_>) -> Result<Reply> {
    check_alive(visitor, Purpose::ConfirmEmail)?;
    if visitor.user.is_none() {
        let path = format!("/auth/confirm/{}", visitor.param("token"));
        return sign_in::show_login(visitor, StatusCode::OK, path, String::new(), Ok(Some("Log in to confirm your address.")));
    }
    visitor.form(StatusCode::OK, "Confirm your address", |csrf| ConfirmView { csrf })
}

/// `POST /auth/confirm/{token}`
pub fn confirm(visitor: &Visitor<'_>) -> Result<Reply> {
    let directory = visitor.app.engine.directory();
    let of = directory.one_time_of(Purpose::ConfirmEmail, visitor.param("token"), visitor.now())?.ok_or_else(dead)?;
    if visitor.person()?.id != of {
        return Err(Error::denied("this link is for another account").hint("Log in as the one that the mail was for."));
    }
    let account = redeem(visitor, Purpose::ConfirmEmail)?;
    directory.confirm_email(account.id)?;
    audit::note(visitor, &account.email, None, "email.confirm", "platform", "ok");
    Ok(see_other("/app/account?saved=1"))
}

/// Somebody has the password of an account whose address nobody has shown to be theirs, where mail could show it: whoever made the account in a wiki may be
/// a stranger to the address. Whoever reads the mail chooses the password, and everything from before ends.
pub fn prove_first(visitor: &Visitor<'_>, account: &UserRecord) -> Result<Error> {
    let writer = Writer::new(visitor)?;
    passwords::check_mail_gate(visitor.app, visitor.request, &account.email)?;
    let token = visitor.app.engine.directory().create_one_time(Purpose::PasswordReset, Some(account.id), visitor.now())?;
    letters::or_log(writer.new_password(&account.email, &token));
    Ok(Error::denied("nobody has shown yet that this address is theirs")
        .hint("A mail with a link to choose a password is on its way to it."))
}
