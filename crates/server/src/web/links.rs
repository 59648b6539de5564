//! Links that came by mail: an address is confirmed, a forgotten password replaced. The answers say nothing of which accounts there are,
//! and following a link changes nothing: its page has a button (security.md SES-5, SES-7).

use super::letters::{self, Writer};
use super::people::{self, LoginPage, new_password};
use super::views::{AskMailView, NewPasswordView, PressView, Problem};
use super::{Context, audit, problem};
use crate::reply::Reply;
use holt_core::{Error, ErrorKind, Result, UserId};
use holt_engine::accounts::check_email;
use holt_engine::accounts::password::{self, PASSWORD_CHARS};
use holt_engine::directory::{Purpose, UserRecord};
use http::StatusCode;

/// What somebody wants a mail for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// The password is forgotten.
    Password,
    /// The address must be confirmed.
    Confirmation,
}

impl Ask {
    fn purpose(self) -> Purpose {
        match self {
            Self::Password => Purpose::PasswordReset,
            Self::Confirmation => Purpose::ConfirmEmail,
        }
    }
    fn action(self) -> &'static str {
        match self {
            Self::Password => "password.ask",
            Self::Confirmation => "email.ask",
        }
    }
}

/// `GET /-/lost_password`
pub fn lost_password_form(context: &Context<'_>) -> Result<Reply> {
    ask_form(context, Ask::Password, String::new())
}

/// `POST /-/lost_password`
pub fn lost_password(context: &Context<'_>) -> Result<Reply> {
    ask(context, Ask::Password)
}

/// `GET /-/request_confirmation_link/<email>`: Otterwiki sent the mail at once, here a button does.
pub fn confirmation_form(context: &Context<'_>) -> Result<Reply> {
    ask_form(context, Ask::Confirmation, context.param("email").to_string())
}

/// `POST /-/request_confirmation_link`
pub fn confirmation(context: &Context<'_>) -> Result<Reply> {
    ask(context, Ask::Confirmation)
}

fn ask_form(context: &Context<'_>, ask: Ask, email: String) -> Result<Reply> {
    let cannot = Writer::new(context).err().map(|error| problem(&error));
    show_ask(context, ask, StatusCode::OK, email, cannot, None)
}

fn show_ask(
    context: &Context<'_>,
    ask: Ask,
    status: StatusCode,
    email: String,
    problem: Option<Problem>,
    notice: Option<String>,
) -> Result<Reply> {
    let (title, lead, url, button) = match ask {
        Ask::Password => {
            ("Forgot your password?", "You get a mail with a link by which you choose a new one.", "/-/lost_password", "Send the link")
        }
        Ask::Confirmation => (
            "Confirm your address",
            "You get a mail with a link that confirms your address.",
            "/-/request_confirmation_link",
            "Send the link",
        ),
    };
    context.form(status, title, |csrf| AskMailView { csrf, title, lead, url, button, email, problem, notice })
}

fn ask(context: &Context<'_>, ask: Ask) -> Result<Reply> {
    let typed = context.request.body.get("email").trim().to_string();
    match try_ask(context, ask, &typed) {
        Ok(()) => {
            let what = match ask {
                Ask::Password => "If there is an account with that address, a mail to it is on its way.",
                Ask::Confirmation => "If there is an account with that address that is not confirmed yet, a mail to it is on its way.",
            };
            show_ask(context, ask, StatusCode::OK, String::new(), None, Some(what.to_string()))
        }
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => {
            let status = if error.kind == ErrorKind::Busy { StatusCode::TOO_MANY_REQUESTS } else { crate::error::status(&error) };
            show_ask(context, ask, status, typed, Some(problem(&error)), None)
        }
    }
}

/// Does the same, and as much, whether or not there is such an account.
fn try_ask(context: &Context<'_>, ask: Ask, typed: &str) -> Result<()> {
    let writer = Writer::new(context)?;
    let email = check_email(typed)?;
    people::check_mail_gate(context, &email)?;
    let directory = context.app.engine.directory();
    let account = directory.user_by_email(&email)?.filter(|account| ask == Ask::Password || !account.email_confirmed);
    let token = directory.create_one_time(ask.purpose(), account.as_ref().map(|account| account.id), context.now())?;
    audit::note(context, &email, ask.action(), "", "ok");
    if let Some(account) = account {
        letters::or_log(
            context,
            match ask {
                Ask::Password => writer.new_password(&account.email, &token),
                Ask::Confirmation => writer.confirm(&account.email, &token),
            },
        );
    }
    Ok(())
}

/// Sends the link to somebody who has just made an account. Whether a mail is on its way.
pub fn ask_to_confirm(context: &Context<'_>, account: &UserRecord) -> Result<bool> {
    let Ok(writer) = Writer::new(context) else { return Ok(false) };
    let token = context.app.engine.directory().create_one_time(Purpose::ConfirmEmail, Some(account.id), context.now())?;
    let posted = writer.confirm(&account.email, &token);
    let sent = posted.is_ok();
    letters::or_log(context, posted);
    Ok(sent)
}

fn dead() -> Error {
    Error::not_found("this link has been used already or is too old").hint("Ask for a new one on the log-in page.")
}

/// Uses the link up, and says whose it is.
fn redeem(context: &Context<'_>, purpose: Purpose) -> Result<UserRecord> {
    let directory = context.app.engine.directory();
    let user: Option<UserId> = directory.redeem_one_time(purpose, context.param("token"), context.now())?.flatten();
    user.map(|user| directory.user(user)).transpose()?.flatten().ok_or_else(dead)
}

fn check_alive(context: &Context<'_>, purpose: Purpose) -> Result<()> {
    let alive = context.app.engine.directory().is_one_time(purpose, context.param("token"), context.now())?;
    alive.then_some(()).ok_or_else(dead)
}

/// `GET /-/confirm_email/<token>`
pub fn confirm_form(context: &Context<'_>) -> Result<Reply> {
    check_alive(context, Purpose::ConfirmEmail)?;
    let site_name = context.preferences()?.site_name.clone();
    context.form(StatusCode::OK, "Confirm your address", |csrf| PressView {
        csrf,
        title: "Confirm your address".to_string(),
        lead: format!("One click, and {site_name} knows that mail reaches you."),
        field: None,
        button: "Confirm",
        danger: false,
        back: None,
        tick: None,
    })
}

/// `POST /-/confirm_email/<token>`
pub fn confirm(context: &Context<'_>) -> Result<Reply> {
    let account = redeem(context, Purpose::ConfirmEmail)?;
    confirmed(context, &account)?;
    audit::note(context, &account.email, "email.confirm", "", "ok");
    let account = UserRecord { email_confirmed: true, ..account };
    let notice = match people::check_admitted(context, &account) {
        Ok(()) => "Your address is confirmed. You can log in now.",
        Err(_) => "Your address is confirmed. Now an administrator has to approve your account.",
    };
    people::show_login(
        context,
        StatusCode::OK,
        LoginPage { email: account.email, notice: Some(notice.to_string()), ..LoginPage::default() },
    )
}

/// Mail reaches the address. Who registers while addresses must be confirmed is announced to administrators now, not then: once.
fn confirmed(context: &Context<'_>, account: &UserRecord) -> Result<()> {
    confirmed_by(context, account, context.app.engine.directory().confirm_email(account.id)?)
}

/// The same, where that has been noted. `news`: it was not confirmed before.
fn confirmed_by(context: &Context<'_>, account: &UserRecord, news: bool) -> Result<()> {
    if news && context.wiki.member(account.id)?.is_some() && context.preferences()?.is_on("EMAIL_NEEDS_CONFIRMATION") {
        letters::tell_administrators(context, account)?;
    }
    Ok(())
}

/// `GET /-/recover_password/<token>`
pub fn recover_form(context: &Context<'_>) -> Result<Reply> {
    check_alive(context, Purpose::PasswordReset)?;
    show_recover(context, StatusCode::OK, None)
}

fn show_recover(context: &Context<'_>, status: StatusCode, problem: Option<Problem>) -> Result<Reply> {
    context.form(status, "Choose a new password", |csrf| NewPasswordView { csrf, password_length: PASSWORD_CHARS, problem })
}

/// `POST /-/recover_password/<token>`: the new password counts at once, and whoever was logged in with the old one is out. Logging in is
/// left to the log-in form: a link must not get around confirmation or approval.
pub fn recover(context: &Context<'_>) -> Result<Reply> {
    check_alive(context, Purpose::PasswordReset)?;
    let hash = match new_password(context).and_then(password::hash) {
        Ok(hash) => hash,
        Err(error) if error.kind == ErrorKind::Internal => return Err(error),
        Err(error) => return show_recover(context, crate::error::status(&error), Some(problem(&error))),
    };
    let account = redeem(context, Purpose::PasswordReset)?;
    let directory = context.app.engine.directory();
    confirmed_by(context, &account, directory.recover(account.id, &hash)?)?;
    directory.login_succeeded(&account.email)?;
    audit::note(context, &account.email, "password.recover", "", "ok");
    let notice = Some("Your new password counts from now on. Log in with it.".to_string());
    people::show_login(context, StatusCode::OK, LoginPage { email: account.email, notice, ..LoginPage::default() })
}
