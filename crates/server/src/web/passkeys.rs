//! Passkeys at a wiki that is part of no platform: the pages are others', here is what their forms and their script ask.

use super::elsewhere::{check_here, threshold};
use super::people::{self, LoginPage, SettingsPage};
use super::{Context, arrival, audit, problem};
use crate::error;
use crate::passkeys::{self, Shown, Site};
use crate::reply::{Reply, json, see_other, with_cookie};
use crate::session::{Remember, safe_next};
use holt_core::{Error, ErrorKind, Result, UserId};
use http::StatusCode;

fn site(context: &Context<'_>) -> Option<Site> {
    passkeys::site(context.request.scheme.as_str(), context.request.host()).filter(|_| !arrival::is_by_platform(context))
}

fn here(context: &Context<'_>) -> Result<Site> {
    check_here(context)?;
    site(context).ok_or_else(|| Error::not_found("there are no passkeys at this address"))
}

fn user(context: &Context<'_>) -> Result<UserId> {
    context.session.as_ref().map(|(session, _)| session.user.id).ok_or_else(|| Error::unauthenticated("log in first"))
}

/// For the log-in page.
pub(super) fn offered(context: &Context<'_>) -> Option<Shown> {
    site(context).map(|_| Shown::at("/-/login/passkey", "/-/login/passkey/options"))
}

/// For one's own settings.
pub(super) fn own(context: &Context<'_>) -> Result<Option<Shown>> {
    let Some(_) = site(context) else { return Ok(None) };
    let shown = Shown::at("/-/settings/passkeys", "/-/settings/passkeys/options");
    shown.of(context.app.engine.directory(), user(context)?).map(Some)
}

/// `POST /-/login/passkey/options`
pub fn ask_for_one(context: &Context<'_>) -> Result<Reply> {
    let (asked, cookie) = passkeys::ask(threshold(context), &here(context)?, None)?;
    Ok(with_cookie(json(StatusCode::OK, &asked), &cookie))
}

/// `POST /-/settings/passkeys/options`
pub fn ask_for_new(context: &Context<'_>) -> Result<Reply> {
    let owner = context.session.as_ref().map(|(session, _)| &session.user);
    let (asked, cookie) = passkeys::ask(threshold(context), &here(context)?, owner)?;
    Ok(with_cookie(json(StatusCode::OK, &asked), &cookie))
}

/// `POST /-/login/passkey`: logs in.
pub fn log_in(context: &Context<'_>) -> Result<Reply> {
    let next = safe_next(context.request.body.get("return_to"));
    let site = here(context)?;
    let logged_in = passkeys::log_in(threshold(context), &site).and_then(|user| people::admitted(context, &user).map(|()| user));
    let account = match logged_in {
        Ok(account) => account,
        Err(error) if error.kind == ErrorKind::Internal => return Err(error),
        Err(error) => {
            audit::note(context, "", "login", "passkey", "denied");
            let page = LoginPage { next: next.to_string(), problem: Some(problem(&error)), ..LoginPage::default() };
            return people::show_login(context, error::status(&error), page);
        }
    };
    audit::note(context, &account.email, "login", "passkey", "ok");
    if let Some((_, token)) = &context.session {
        context.app.engine.directory().end_session(token)?;
    }
    people::begin(context, account.id, Remember::No, next)
}

/// `POST /-/settings/passkeys`: adds one, or removes one (`remove`).
pub fn change(context: &Context<'_>) -> Result<Reply> {
    let (user, threshold) = (user(context)?, threshold(context));
    let changed = match context.request.body.find("remove") {
        Some(_) => passkeys::remove(threshold, user).map(|()| ("passkey.remove", String::new())),
        None => passkeys::add(threshold, &here(context)?, user).map(|name| ("passkey.add", name)),
    };
    match changed {
        Ok((action, name)) => {
            audit::done(context, action, &name);
            Ok(see_other("/-/settings?saved=1"))
        }
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => {
            let page = SettingsPage { problem: Some(problem(&error)), ..SettingsPage::default() };
            people::show_settings(context, error::status(&error), page)
        }
    }
}
