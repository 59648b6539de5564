//! Passkeys at the platform: the pages are others', here is what their forms and their script ask.

use super::account;
use super::elsewhere::threshold;
use super::sign_in::{self, destination};
use super::{Visitor, audit};
use crate::error;
use crate::passkeys::{self, Shown, Site};
use crate::reply::{Reply, json, see_other, with_cookie};
use crate::session::{self, Remember};
use holt_core::{Error, ErrorKind, Result};
use http::StatusCode;

fn site(visitor: &Visitor<'_>) -> Option<Site> {
    passkeys::site(visitor.request.scheme.as_str(), &format!("{}{}", visitor.domain(), visitor.port()))
}

fn here(visitor: &Visitor<'_>) -> Result<Site> {
    site(visitor).ok_or_else(|| Error::not_found("there are no passkeys at this address"))
}

/// For the log-in page.
pub(super) fn offered(visitor: &Visitor<'_>) -> Option<Shown> {
    site(visitor).map(|_| Shown::at("/auth/passkey", "/auth/passkey/options"))
}

/// For the account page.
pub(super) fn own(visitor: &Visitor<'_>) -> Result<Option<Shown>> {
    let (Some(_), Some(user)) = (site(visitor), &visitor.user) else { return Ok(None) };
    let shown = Shown::at("/app/account/passkeys", "/app/account/passkeys/options");
    shown.of(visitor.app.engine.directory(), user.id).map(Some)
}

/// `POST /auth/passkey/options`
pub fn ask_for_one(visitor: &Visitor<'_>) -> Result<Reply> {
    let (asked, cookie) = passkeys::ask(threshold(visitor), &here(visitor)?, None)?;
    Ok(with_cookie(json(StatusCode::OK, &asked), &cookie))
}

/// `POST /app/account/passkeys/options`
pub fn ask_for_new(visitor: &Visitor<'_>) -> Result<Reply> {
    let (asked, cookie) = passkeys::ask(threshold(visitor), &here(visitor)?, Some(visitor.person()?))?;
    Ok(with_cookie(json(StatusCode::OK, &asked), &cookie))
}

/// `POST /auth/passkey`: logs in.
pub fn log_in(visitor: &Visitor<'_>) -> Result<Reply> {
    let wanted = visitor.request.body.get("return_to");
    let user = match passkeys::log_in(threshold(visitor), &here(visitor)?) {
        Ok(user) => user,
        Err(error) if error.kind == ErrorKind::Internal => return Err(error),
        Err(error) => {
            audit::note(visitor, "", None, "login", "passkey", "denied");
            return sign_in::show_login(visitor, error::status(&error), wanted.to_string(), String::new(), Err(&error));
        }
    };
    audit::note(visitor, &user.email, None, "login", "passkey", "ok");
    if let Some((_, token)) = &visitor.session {
        session::end(visitor.app, token)?;
    }
    let cookies = session::begin(visitor.app, visitor.request, user.id, None, Remember::No)?;
    Ok(cookies.iter().fold(see_other(&destination(visitor, wanted)), |reply, cookie| with_cookie(reply, cookie)))
}

/// `POST /app/account/passkeys`: adds one, or removes one (`remove`).
pub fn change(visitor: &Visitor<'_>) -> Result<Reply> {
    let (user, threshold) = (visitor.person()?.id, threshold(visitor));
    let changed = match visitor.request.body.find("remove") {
        Some(_) => passkeys::remove(threshold, user).map(|()| ("passkey.remove", String::new())),
        None => passkeys::add(threshold, &here(visitor)?, user).map(|name| ("passkey.add", name)),
    };
    match changed {
        Ok((action, name)) => {
            audit::done(visitor, None, action, &name);
            Ok(account::saved())
        }
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => account::refused(visitor, error::status(&error), error),
    }
}
