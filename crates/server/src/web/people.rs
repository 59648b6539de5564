//! Accounts: log in and out, register, one's own settings, the first administrator.

use super::views::{LoginView, Problem, RegisterView, SettingsView, SetupView};
use super::{Context, agent_setup, arrival, audit, elsewhere, invitations, letters, links, passkeys, problem, sessions, tokens};
use crate::passwords::{self, Checked};
use crate::reply::{Reply, see_other, with_cookie, with_header};
use crate::session::{self, Remember, safe_next};
use crate::vouched;
use holt_core::{AccessLevel, Error, ErrorKind, Result, UserId};
use holt_edge::Apex;
use holt_engine::accounts::password::{self, PASSWORD_CHARS, Verdict};
use holt_engine::accounts::{self, Rank};
use holt_engine::directory::{NewUser, Purpose, UserRecord};
use holt_engine::pages;
use http::{StatusCode, header};

/// `GET /-/login`
pub fn login_form(context: &Context<'_>) -> Result<Reply> {
    let next = context.request.query("next").unwrap_or_default();
    let notice = (safe_next(&next) != "/").then(|| "Log in to go on.".to_string());
    show_login(context, StatusCode::OK, LoginPage { next, notice, ..LoginPage::default() })
}

/// What the log-in form begins with.
#[derive(Default)]
pub(super) struct LoginPage {
    /// Where to go afterwards, as it was asked for.
    pub(super) next: String,
    /// What stands in the box.
    pub(super) email: String,
    /// Why the form came back.
    pub(super) problem: Option<Problem>,
    /// Why the reader was sent here.
    pub(super) notice: Option<String>,
    /// Where to ask for a confirmation mail again.
    pub(super) confirm_url: Option<String>,
}

/// The log-in form.
pub(super) fn show_login(context: &Context<'_>, status: StatusCode, page: LoginPage) -> Result<Reply> {
    let register_url = registration_open(context)?.then(|| "/-/register".to_string());
    let LoginPage { next, email, problem, notice, confirm_url } = page;
    let next = safe_next(&next).to_string();
    let (platform, ways, passkey) = (arrival::way(context, &next)?, elsewhere::ways(context), passkeys::offered(context));
    let view = |csrf| LoginView { csrf, wanted: next, email, register_url, confirm_url, platform, ways, passkey, problem, notice };
    context.form(status, "Log in", view)
}

/// `POST /-/login`: in the order of spec/wiki.md §3.4.
pub fn login(context: &Context<'_>) -> Result<Reply> {
    let form = &context.request.body;
    let (email, secret) = (form.get("email").trim().to_lowercase(), form.get("password"));
    let next = safe_next(form.get("next"));
    let again = |status, error: &Error, confirm_url| {
        audit::note(context, &email, "login", "", "denied");
        let page = LoginPage { next: next.to_string(), email: email.clone(), problem: Some(problem(error)), notice: None, confirm_url };
        show_login(context, status, page)
    };
    let back = |status, error: Error| again(status, &error, None);
    let account = match passwords::check(context.app, context.request, &email, secret)? {
        Checked::Right(account) => account,
        Checked::Wrong => return back(StatusCode::UNPROCESSABLE_ENTITY, passwords::wrong()),
        Checked::TooMany { seconds } => {
            let reply = back(StatusCode::TOO_MANY_REQUESTS, passwords::too_many(seconds))?;
            return Ok(with_header(reply, header::RETRY_AFTER, &seconds.to_string()));
        }
    };
    // Who comes by an invitation may get as far as accepting it.
    if !invitations::leads_to_one(context, next, &account)?
        && let Err(error) = admitted(context, &account)
    {
        let confirm_url = (error.kind == ErrorKind::Denied && must_confirm(context, &account)?).then(|| confirm_url(&account.email));
        return again(StatusCode::FORBIDDEN, &error, confirm_url);
    }
    passwords::succeeded(context.app, &account)?;
    audit::note(context, &email, "login", "", "ok");
    let remember = if form.find("remember").is_some() { Remember::Yes } else { Remember::No };
    begin(context, account.id, remember, next)
}

/// Whether `account` may not log in here before its address is confirmed.
pub(super) fn must_confirm(context: &Context<'_>, account: &UserRecord) -> Result<bool> {
    Ok(!account.email_confirmed && context.preferences()?.is_on("EMAIL_NEEDS_CONFIRMATION"))
}

/// Where the account of `email` asks for a confirmation mail.
fn confirm_url(email: &str) -> String {
    let email = percent_encoding::utf8_percent_encode(email, percent_encoding::NON_ALPHANUMERIC);
    format!("/-/request_confirmation_link/{email}")
}

/// Whether an account whose password is right may have a session in this wiki. Somebody from another wiki of this installation becomes a
/// member where everybody may register: the administrators see them, and may approve them.
pub(super) fn admitted(context: &Context<'_>, account: &UserRecord) -> Result<()> {
    let stranger = account.rank != Rank::Operator && context.wiki.member(account.id)?.is_none();
    if stranger && registration_open(context)? && !must_confirm(context, account)? {
        pages::join(context.wiki, account.id)?;
        letters::tell_administrators(context, account)?;
    }
    check_admitted(context, account)
}

/// Whoever a proxy vouches for never stands at the door: with their first request they become a member, as those who register do.
pub fn greet(context: &Context<'_>) -> Result<()> {
    let (Some((session, _)), Some(_)) = (&context.session, &context.request.vouched) else { return Ok(()) };
    let account = &session.user;
    if account.rank == Rank::Operator || context.wiki.member(account.id)?.is_some() {
        return Ok(());
    }
    // Below a platform they come as everybody does.
    if context.app.edge.hosts.apex == Apex::Platform {
        return Ok(());
    }
    pages::join(context.wiki, account.id)?;
    audit::note(context, &account.email, "register", vouched::PROVIDER, "ok");
    letters::tell_administrators(context, account)
}

/// As [`admitted`], for somebody who is not at the door yet.
pub(super) fn check_admitted(context: &Context<'_>, account: &UserRecord) -> Result<()> {
    let preferences = context.preferences()?;
    let member = context.wiki.member(account.id)?;
    if account.rank == Rank::Operator || member.is_some_and(|member| member.flags.admin) {
        return Ok(());
    }
    if must_confirm(context, account)? {
        return Err(Error::denied("the address has not been confirmed yet")
            .hint("Open the link in the mail that was sent to it, or ask an administrator."));
    }
    let levels = [preferences.read_access, preferences.write_access, preferences.attachment_access];
    let approval_matters = !levels.contains(&AccessLevel::Registered);
    if approval_matters && !member.is_some_and(|member| member.flags.approved) {
        return Err(Error::denied("the account has not been approved yet").hint("An administrator of this wiki has to do that."));
    }
    Ok(())
}

/// Logs `user` in and leads on.
pub(super) fn begin(context: &Context<'_>, user: UserId, remember: Remember, next: &str) -> Result<Reply> {
    let cookies = session::begin(context.app, context.request, user, context.wiki.id(), remember)?;
    Ok(cookies.iter().fold(see_other(next), |reply, cookie| with_cookie(reply, cookie)))
}

pub(super) fn registration_open(context: &Context<'_>) -> Result<bool> {
    Ok(!context.preferences()?.is_on("DISABLE_REGISTRATION"))
}

/// `Busy` if somebody types too many passwords for `email`, or makes too many accounts.
pub(super) fn check_gate(context: &Context<'_>, email: &str) -> Result<()> {
    passwords::check_gate(context.app, context.request, email)
}

/// `Busy` if somebody asks for too much mail to `email`.
pub(super) fn check_mail_gate(context: &Context<'_>, email: &str) -> Result<()> {
    passwords::check_mail_gate(context.app, context.request, email)
}

/// `GET /-/logout`: a link cannot log anybody out (SES-5), so it shows what does.
pub fn logout_form(context: &Context<'_>) -> Result<Reply> {
    if context.session.is_none() {
        return Ok(see_other("/-/login"));
    }
    Ok(see_other("/-/settings"))
}

/// `POST /-/logout`
pub fn logout(context: &Context<'_>) -> Result<Reply> {
    let Some((_, token)) = &context.session else { return Ok(see_other("/")) };
    let cookies = session::end(context.app, token)?;
    Ok(cookies.iter().fold(see_other("/"), |reply, cookie| with_cookie(reply, cookie)))
}

/// `GET /-/register`
pub fn register_form(context: &Context<'_>) -> Result<Reply> {
    if !registration_open(context)? {
        return Err(registration_closed());
    }
    show_register(context, StatusCode::OK, None)
}

fn registration_closed() -> Error {
    Error::denied("nobody can register here").hint("Ask an administrator of this wiki for an account.")
}

fn show_register(context: &Context<'_>, status: StatusCode, problem: Option<Problem>) -> Result<Reply> {
    let form = &context.request.body;
    let (name, email) = (form.get("name").to_string(), form.get("email").to_string());
    context.form(status, "Register", |csrf| RegisterView { csrf, name, email, password_length: PASSWORD_CHARS, problem })
}

/// `POST /-/register`
pub fn register(context: &Context<'_>) -> Result<Reply> {
    if !registration_open(context)? {
        return Err(registration_closed());
    }
    match try_register(context) {
        Ok(account) => {
            let notice = Some(welcome(context, &account)?);
            show_login(context, StatusCode::OK, LoginPage { email: account.email, notice, ..LoginPage::default() })
        }
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => show_register(context, crate::error::status(&error), Some(problem(&error))),
    }
}

/// Sends the mails that a new account brings about; what its owner is told.
pub(super) fn welcome(context: &Context<'_>, account: &UserRecord) -> Result<String> {
    if must_confirm(context, account)? {
        return Ok(if links::ask_to_confirm(context, account)? {
            format!("Your account is there. Open the link in the mail that is on its way to {}, then log in.", account.email)
        } else {
            "Your account is there, but this wiki cannot send the mail that confirms your address: ask an administrator.".to_string()
        });
    }
    letters::tell_administrators(context, account)?;
    Ok(match check_admitted(context, account) {
        Ok(()) => "Your account is there. You can log in now.".to_string(),
        Err(_) => "Your account is there. You can log in when an administrator has approved it.".to_string(),
    })
}

fn try_register(context: &Context<'_>) -> Result<UserRecord> {
    let form = &context.request.body;
    let engine = &context.app.engine;
    let email = accounts::check_email(form.get("email"))?;
    let name = accounts::check_name(form.get("name"))?;
    let secret = new_password(context)?;
    let now = engine.clock().now();
    check_gate(context, &email)?;
    let user = NewUser {
        email: &email,
        name: &name,
        password_hash: Some(&password::hash(secret)?),
        rank: Rank::Member,
        email_confirmed: false,
        created: now,
        last_seen: now,
    };
    let id = engine.directory().create_user(&user)?;
    audit::note(context, &email, "register", "", "ok");
    pages::join(context.wiki, id)?;
    engine.directory().user(id)?.ok_or_else(|| Error::internal("the account just made is gone"))
}

/// The new password, typed twice and good enough.
pub(super) fn new_password<'c>(context: &'c Context<'_>) -> Result<&'c str> {
    let form = &context.request.body;
    let (first, second) = (form.get("password1"), form.get("password2"));
    if first != second {
        return Err(Error::invalid("the two passwords differ").hint("Type the same one twice."));
    }
    password::check(first)?;
    Ok(first)
}

/// `GET /-/settings`
pub fn settings_form(context: &Context<'_>) -> Result<Reply> {
    let notice = context.request.query("saved").map(|_| "Saved.".to_string());
    show_settings(context, StatusCode::OK, SettingsPage { notice, ..SettingsPage::default() })
}

/// What the page of one's own settings begins with.
#[derive(Default)]
pub(super) struct SettingsPage {
    /// Why a form came back.
    pub(super) problem: Option<Problem>,
    /// What was done.
    pub(super) notice: Option<String>,
    /// The secret of a new token: this is the only time it is shown.
    pub(super) secret: Option<String>,
}

/// One's own settings.
pub(super) fn show_settings(context: &Context<'_>, status: StatusCode, page: SettingsPage) -> Result<Reply> {
    let Some((session, token)) = &context.session else { return Err(Error::unauthenticated("log in first")) };
    let user = &session.user;
    let (name, email) = (user.name.clone(), user.email.clone());
    let confirm_url = (!user.email_confirmed && letters::work(context)).then(|| confirm_url(&user.email));
    let sessions = sessions::list(context, user.id, token)?;
    let (tokens, scopes) = (tokens::list(context, user.id)?, tokens::scopes(context)?);
    let typed = |name| if page.problem.is_some() { context.request.body.get(name).to_string() } else { String::new() };
    let (label, within) = (typed("label"), typed("within"));
    let SettingsPage { problem, notice, secret } = page;
    let agents = agent_setup::setup(context, secret.as_deref())?;
    let password_length = PASSWORD_CHARS;
    let passkeys = passkeys::own(context)?;
    let (connections, ways) = (elsewhere::connections(context)?, elsewhere::ways(context));
    context.form(status, "Settings", |csrf| SettingsView {
        csrf,
        name,
        email,
        confirm_url,
        has_password: user.password_hash.is_some(),
        password_length,
        sessions,
        passkeys,
        connections,
        ways,
        identities_url: elsewhere::IDENTITIES,
        tokens,
        label,
        within,
        scopes,
        lives: tokens::lives(),
        secret,
        agents,
        problem,
        notice,
    })
}

/// `POST /-/settings`: the name, or the password.
pub fn settings(context: &Context<'_>) -> Result<Reply> {
    match change_settings(context) {
        Ok(reply) => Ok(reply),
        Err(error) if matches!(error.kind, ErrorKind::Internal | ErrorKind::Unauthenticated) => Err(error),
        Err(error) => {
            let status = crate::error::status(&error);
            show_settings(context, status, SettingsPage { problem: Some(problem(&error)), ..SettingsPage::default() })
        }
    }
}

fn change_settings(context: &Context<'_>) -> Result<Reply> {
    let Some((session, _)) = &context.session else { return Err(Error::unauthenticated("log in first")) };
    let (form, directory) = (&context.request.body, context.app.engine.directory());
    let saved = "/-/settings?saved=1";
    if let Some(name) = form.find("name") {
        directory.set_name(session.user.id, &accounts::check_name(name)?)?;
        return Ok(see_other(saved));
    }
    let current = form.get("password");
    check_gate(context, &session.user.email)?;
    if password::verify_login(current, session.user.password_hash.as_deref()) == Verdict::NoMatch {
        return Err(Error::invalid("the current password is wrong"));
    }
    let hash = password::hash(new_password(context)?)?;
    directory.set_password_hash(session.user.id, Some(&hash))?;
    // Whoever else holds a session of this account is out; this one goes on under a new token.
    directory.end_all_sessions(session.user.id)?;
    directory.login_succeeded(&session.user.email)?;
    audit::done(context, "password.change", "");
    begin(context, session.user.id, Remember::No, saved)
}

/// `GET /-/setup?token=…`: the one-time link that the first start prints.
pub fn setup_form(context: &Context<'_>) -> Result<Reply> {
    if context.app.engine.directory().has_operator()? {
        return Ok(see_other("/-/login"));
    }
    let token = context.request.query("token").unwrap_or_default();
    show_setup(context, StatusCode::OK, token, None)
}

fn show_setup(context: &Context<'_>, status: StatusCode, token: String, problem: Option<Problem>) -> Result<Reply> {
    let form = &context.request.body;
    let (name, email) = (form.get("name").to_string(), form.get("email").to_string());
    let site_name = context.preferences()?.site_name.clone();
    // The address holds the secret: `Referrer-Policy: same-origin` of every page keeps it here. A stricter one would make the browser send
    // this form with an opaque origin, which is refused.
    context.form(status, "Set up", |csrf| SetupView { csrf, token, site_name, name, email, password_length: PASSWORD_CHARS, problem })
}

/// `POST /-/setup`
pub fn setup(context: &Context<'_>) -> Result<Reply> {
    let form = &context.request.body;
    match try_setup(context) {
        Ok(user) => begin(context, user, Remember::Yes, "/"),
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => show_setup(context, crate::error::status(&error), form.get("token").to_string(), Some(problem(&error))),
    }
}

fn try_setup(context: &Context<'_>) -> Result<UserId> {
    let form = &context.request.body;
    let engine = &context.app.engine;
    let email = accounts::check_email(form.get("email"))?;
    let name = accounts::check_name(form.get("name"))?;
    let secret = form.get("password");
    password::check(secret)?;
    // Used up only when everything else is fine.
    let redeemed = engine.directory().redeem_one_time(Purpose::FirstAdministrator, form.get("token"), engine.clock().now())?;
    if redeemed.is_none() {
        return Err(Error::denied("this link has been used or is too old")
            .hint("Start holt again: it prints a new one while there is no administrator."));
    }
    accounts::add(engine.directory(), engine.clock(), &email, Some(&name), secret, Rank::Operator)?;
    engine.directory().end_one_time(Purpose::FirstAdministrator)?;
    audit::note(context, &email, "setup", "", "ok");
    let account = engine.directory().user_by_email(&email)?;
    account.map(|account| account.id).ok_or_else(|| Error::internal("the account just made is gone"))
}
