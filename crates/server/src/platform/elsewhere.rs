//! Logging in at the platform by somebody who vouches for people (`crate::elsewhere`), and which of them an account is connected with.

use super::account;
use super::sign_in::{self, destination, may_sign_up};
use super::views::LeavingView;
use super::{Visitor, audit};
use crate::elsewhere::{self, Provider, Rules, SetOut, Someone, Threshold, Way, Wish, atproto};
use crate::error;
use crate::reply::{Reply, json, see_other, with_cookie, with_header};
use crate::session::{self, Remember};
use holt_core::{Error, ErrorKind, Result};
use holt_engine::directory::Identity;
use http::{Method, StatusCode, header};

/// Longest text in the box for a name, in characters: no host name is longer.
const TYPED: usize = 253;

/// The other ways to log in.
pub(super) fn ways(visitor: &Visitor<'_>) -> Vec<Way> {
    let (request, url) = (visitor.request, |key: &str| format!("/auth/elsewhere/{key}"));
    let mut ways = visitor.app.elsewhere.ways(url);
    // What was typed is still there when the form comes back; so it is for who is sent here with a name.
    for way in ways.iter_mut().filter(|way| way.asks.is_some() && (request.path == way.url || request.method == Method::GET)) {
        let typed = request.query("username").unwrap_or_else(|| request.body.get("username").to_string());
        way.typed = typed.chars().filter(|c| !c.is_control()).take(TYPED).collect();
    }
    ways
}

pub(super) fn threshold<'v>(visitor: &'v Visitor<'_>) -> Threshold<'v> {
    Threshold { app: visitor.app, request: visitor.request, session: visitor.session.as_ref(), wiki: None }
}

/// Where the way back of a provider leads.
fn callback(visitor: &Visitor<'_>, provider: &dyn Provider) -> String {
    let path = provider.callback().map_or_else(|| format!("/auth/callback/{}", provider.key()), str::to_string);
    format!("{}://{}{}{path}", visitor.request.scheme.as_str(), visitor.domain(), visitor.port())
}

/// `POST /auth/elsewhere/{provider}`: sends somebody there; with `connect`, to connect the account they are logged in with.
pub fn leave(visitor: &Visitor<'_>) -> Result<Reply> {
    let (elsewhere, form) = (&visitor.app.elsewhere, &visitor.request.body);
    let provider = elsewhere.provider(visitor.param("provider"))?;
    let connect = form.find("connect").map(|_| visitor.person().map(|user| user.id)).transpose()?;
    let wish = Wish { back: callback(visitor, provider), return_to: form.get("return_to"), connect, typed: form.get("username") };
    let SetOut { url, cookie } = match elsewhere::set_out(threshold(visitor), provider, &wish) {
        Ok(set_out) => set_out,
        Err(error) => return failed(visitor, provider.key(), error),
    };
    let (name, url) = (provider.name().to_string(), url.to_string());
    let reply = visitor.form(StatusCode::OK, "Log in", |_| LeavingView { url: url.clone(), name })?;
    Ok(with_cookie(with_header(reply, header::REFRESH, &format!("0; url={url}")), &cookie))
}

/// `GET /auth/callback/{provider}`: where people come back.
pub fn arrive(visitor: &Visitor<'_>) -> Result<Reply> {
    arrive_from(visitor, visitor.app.elsewhere.provider(visitor.param("provider"))?)
}

/// `GET /auth/callback`: the same from the AT Protocol, which knows us by addresses of its own.
pub fn arrive_by_atproto(visitor: &Visitor<'_>) -> Result<Reply> {
    arrive_from(visitor, visitor.app.elsewhere.provider(atproto::KEY)?)
}

/// `GET /auth/client-metadata.json`: who we are, for servers of the AT Protocol. The same for everybody.
pub fn introduction(visitor: &Visitor<'_>) -> Result<Reply> {
    let document = visitor.app.elsewhere.provider(atproto::KEY)?.introduction();
    let document = document.ok_or_else(|| Error::not_found("there is nothing at this address"))?;
    Ok(with_header(json(StatusCode::OK, &document), header::CACHE_CONTROL, "public, max-age=300"))
}

/// Somebody comes back from `provider`, at whatever address.
pub(super) fn arrive_from(visitor: &Visitor<'_>, provider: &dyn Provider) -> Result<Reply> {
    let (returned, clear) = elsewhere::come_back(threshold(visitor), provider);
    let arrived = returned.and_then(|returned| {
        let someone = provider.arrive(&returned)?;
        let rules = Rules { sign_up: provider.sign_up().unwrap_or(may_sign_up(visitor)), by_mail: provider.by_mail() };
        let found = elsewhere::account(visitor.app, &someone, returned.connect, rules)?;
        Ok((returned, someone, found))
    });
    let (returned, someone, found) = match arrived {
        Ok(arrived) => arrived,
        Err(error) => return failed(visitor, provider.key(), error).map(|reply| with_cookie(reply, &clear)),
    };
    let account = found.account();
    let Someone { label, .. } = &someone;
    audit::note(visitor, &account.email, None, found.action(), &format!("{} {label}", provider.key()), "ok");
    if returned.connect.is_some() {
        return Ok(with_cookie(account::saved(), &clear));
    }
    if let Some((_, token)) = &visitor.session {
        session::end(visitor.app, token)?;
    }
    let cookies = session::begin(visitor.app, visitor.request, account.id, None, Remember::No)?;
    let reply = see_other(&destination(visitor, &returned.return_to));
    Ok(cookies.iter().chain([&clear]).fold(reply, |reply, cookie| with_cookie(reply, cookie)))
}

/// What went wrong, where it was begun.
fn failed(visitor: &Visitor<'_>, provider: &str, error: Error) -> Result<Reply> {
    if matches!(error.kind, ErrorKind::Internal) {
        tracing::error!(request = %visitor.request.id, "{}", error.chain());
    }
    let actor = visitor.user.as_ref().map_or("", |user| user.email.as_str());
    audit::note(visitor, actor, None, "login", provider, "denied");
    let status = match error.kind {
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        _ => error::status(&error),
    };
    match visitor.session {
        Some(_) => account::refused(visitor, status, error),
        None => sign_in::show_login(visitor, status, visitor.request.body.get("return_to").to_string(), String::new(), Err(&error)),
    }
}

/// `POST /app/account/identities`: the account is not that one's any more (`provider`, `subject`).
pub fn disconnect(visitor: &Visitor<'_>) -> Result<Reply> {
    let (form, user) = (&visitor.request.body, visitor.person()?);
    let identity = Identity { provider: form.get("provider"), subject: form.get("subject") };
    match visitor.app.engine.directory().remove_identity(user.id, identity) {
        Ok(()) => {
            audit::done(visitor, None, "identity.remove", &format!("{} {}", identity.provider, identity.subject));
            Ok(account::saved())
        }
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => account::refused(visitor, error::status(&error), error),
    }
}
