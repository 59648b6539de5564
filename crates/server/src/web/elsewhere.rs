//! Logging in at a wiki by somebody who vouches for people (`crate::elsewhere`), where the wiki is part of no platform that does it.

use super::people::{self, LoginPage, SettingsPage};
use super::views::LeavingView;
use super::{Context, arrival, audit, letters, problem};
use crate::config::SignUp;
use crate::elsewhere::{self, Connection, Found, Rules, SetOut, Someone, Threshold, Way, Wish};
use crate::error;
use crate::reply::{Reply, see_other, with_cookie, with_header};
use crate::session::{Remember, safe_next};
use holt_core::{Error, ErrorKind, Result};
use holt_engine::directory::Identity;
use holt_engine::pages;
use http::{StatusCode, header};

/// Where one's connections are.
pub(super) const IDENTITIES: &str = "/-/settings/identities";

/// The other ways to log in: none where the platform has them.
pub(super) fn ways(context: &Context<'_>) -> Vec<Way> {
    match arrival::is_by_platform(context) {
        true => Vec::new(),
        false => context.app.elsewhere.ways(|key| format!("/-/login/elsewhere/{key}")),
    }
}

/// Who the account at hand is elsewhere, where it can be changed here.
pub(super) fn connections(context: &Context<'_>) -> Result<Vec<Connection>> {
    match (&context.session, arrival::is_by_platform(context)) {
        (Some((session, _)), false) => context.app.elsewhere.connections(context.app, session.user.id),
        _ => Ok(Vec::new()),
    }
}

pub(super) fn threshold<'c>(context: &'c Context<'_>) -> Threshold<'c> {
    Threshold { app: context.app, request: context.request, session: context.session.as_ref(), wiki: Some(context.wiki.id()) }
}

pub(super) fn check_here(context: &Context<'_>) -> Result<()> {
    match arrival::is_by_platform(context) {
        true => Err(Error::not_found("people of this wiki log in at its platform")),
        false => Ok(()),
    }
}

/// `POST /-/login/elsewhere/{provider}`: sends somebody there; with `connect`, to connect the account they are logged in with.
pub fn leave(context: &Context<'_>) -> Result<Reply> {
    check_here(context)?;
    let form = &context.request.body;
    let provider = context.app.elsewhere.provider(context.param("provider"))?;
    let connect = match (form.find("connect"), &context.session) {
        (Some(_), Some((session, _))) => Some(session.user.id),
        (Some(_), None) => return Err(Error::unauthenticated("log in first")),
        (None, _) => None,
    };
    let wish = Wish {
        back: format!("{}/-/login/callback/{}", context.origin(), provider.key()),
        return_to: safe_next(form.get("return_to")),
        connect,
        typed: form.get("username"),
    };
    let SetOut { url, cookie } = match elsewhere::set_out(threshold(context), provider, &wish) {
        Ok(set_out) => set_out,
        Err(error) => return failed(context, &error),
    };
    let (name, url) = (provider.name().to_string(), url.to_string());
    let reply = context.form(StatusCode::OK, "Log in", |_| LeavingView { url: url.clone(), name })?;
    Ok(with_cookie(with_header(reply, header::REFRESH, &format!("0; url={url}")), &cookie))
}

/// `GET /-/login/callback/{provider}`: where people come back.
pub fn arrive(context: &Context<'_>) -> Result<Reply> {
    check_here(context)?;
    let provider = context.app.elsewhere.provider(context.param("provider"))?;
    let (returned, clear) = elsewhere::come_back(threshold(context), provider);
    let arrived = returned.and_then(|returned| {
        let someone = provider.arrive(&returned)?;
        let local = if people::registration_open(context)? { SignUp::Open } else { SignUp::Closed };
        let rules = Rules { sign_up: provider.sign_up().unwrap_or(local), by_mail: provider.by_mail() };
        let found = elsewhere::account(context.app, &someone, returned.connect, rules)?;
        // Who may come though nobody may register is a member like those who did.
        if let Found::Made(account) = &found {
            pages::join(context.wiki, account.id)?;
            letters::tell_administrators(context, account)?;
        }
        people::admitted(context, found.account())?;
        Ok((returned, someone, found))
    });
    let (returned, Someone { label, .. }, found) = match arrived {
        Ok(arrived) => arrived,
        Err(error) => return failed(context, &error).map(|reply| with_cookie(reply, &clear)),
    };
    let account = found.account();
    audit::note(context, &account.email, found.action(), &format!("{} {label}", provider.key()), "ok");
    if returned.connect.is_some() {
        return Ok(with_cookie(see_other("/-/settings?saved=1"), &clear));
    }
    if let Some((_, token)) = &context.session {
        context.app.engine.directory().end_session(token)?;
    }
    let reply = people::begin(context, account.id, Remember::No, safe_next(&returned.return_to))?;
    Ok(with_cookie(reply, &clear))
}

/// What went wrong, where it was begun.
fn failed(context: &Context<'_>, error: &Error) -> Result<Reply> {
    if error.kind == ErrorKind::Internal {
        tracing::error!(request = %context.request.id, wiki.id = %context.wiki.id(), "{}", error.chain());
    }
    audit::note(context, context.own_address(), "login", context.param("provider"), "denied");
    let status = match error.kind {
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        _ => error::status(error),
    };
    let problem = Some(problem(error));
    if context.session.is_some() {
        return people::show_settings(context, status, SettingsPage { problem, ..SettingsPage::default() });
    }
    let next = safe_next(context.request.body.get("return_to")).to_string();
    people::show_login(context, status, LoginPage { next, problem, ..LoginPage::default() })
}

/// `POST /-/settings/identities`: the account is not that one's any more (`provider`, `subject`).
pub fn disconnect(context: &Context<'_>) -> Result<Reply> {
    let Some((session, _)) = &context.session else { return Err(Error::unauthenticated("log in first")) };
    let form = &context.request.body;
    let identity = Identity { provider: form.get("provider"), subject: form.get("subject") };
    match context.app.engine.directory().remove_identity(session.user.id, identity) {
        Ok(()) => {
            audit::done(context, "identity.remove", &format!("{} {}", identity.provider, identity.subject));
            Ok(see_other("/-/settings?saved=1"))
        }
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => {
            let page = SettingsPage { problem: Some(problem(&error)), ..SettingsPage::default() };
            people::show_settings(context, error::status(&error), page)
        }
    }
}
