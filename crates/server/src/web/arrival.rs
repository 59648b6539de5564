//! From the platform's log-in page into this wiki (security.md SES-3). The browser keeps a secret for this wiki alone; the platform hears its hash
//! and sends it back with a code that is good once, for half a minute, for this wiki, and with that secret.

use super::people::{self, LoginPage};
use super::{Context, audit, problem};
use crate::domains;
use crate::platform::{self, WayBack};
use crate::reply::{Reply, see_other, with_cookie};
use crate::session::{self, Remember, safe_next};
use holt_core::{DomainName, Error, Result};
use holt_edge::Apex;
use holt_engine::directory::Directory;
use http::StatusCode;

/// Where the way begins.
const LEAVE: &str = "/-/login/platform";
/// Where it ends.
pub const ARRIVE: &str = "/-/login/arrive";

/// The platform's name, and where to begin to log in with it; none if this wiki is part of none.
pub(super) fn way(context: &Context<'_>, next: &str) -> Result<Option<(String, String)>> {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    Ok(host(context)?.map(|host| (host.platform, format!("{LEAVE}?next={next}"))))
}

/// Whether people of this wiki, at this name, log in by a platform; as if they did, where that cannot be seen.
pub(super) fn is_by_platform(context: &Context<'_>) -> bool {
    !matches!(host(context), Ok(None))
}

/// A name of this wiki that the platform leads back to.
struct Host {
    /// The platform's domain.
    platform: String,
    /// The name, if it is not below that.
    own: Option<DomainName>,
}

/// What the request came to; none if it is no such name, or there is no platform.
fn host(context: &Context<'_>) -> Result<Option<Host>> {
    let hosts = &context.app.edge.hosts;
    let Some(domain) = hosts.domain.as_deref().filter(|_| hosts.apex == Apex::Platform) else { return Ok(None) };
    let platform = domain.to_string();
    let host = context.request.host().to_ascii_lowercase();
    let name = host.split(':').next().unwrap_or_default();
    if name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')) {
        return Ok(Some(Host { platform, own: None }));
    }
    let own = domains::trusted_name(&context.app.engine, context.wiki.id(), &host)?;
    Ok(own.map(|own| Host { platform, own: Some(own) }))
}

/// `GET /-/login/platform?next=…`: changes nothing but what this browser keeps.
pub fn leave(context: &Context<'_>) -> Result<Reply> {
    let next = context.request.query("next").unwrap_or_default();
    let next = safe_next(&next);
    if context.session.is_some() {
        return Ok(see_other(next));
    }
    let record = context.app.engine.directory().wiki(context.wiki.id())?;
    let (Some(host), Some(record)) = (host(context)?, record) else {
        return Err(Error::not_found("this wiki is not part of a platform"));
    };
    let (secret, cookie) = session::set_out(context.app)?;
    let back = WayBack { slug: record.slug.as_str(), own: host.own.as_ref(), challenge: &Directory::challenge(&secret), next };
    let place = platform::sign_in_url(context.app, context.request, &back);
    let place = place.ok_or_else(|| Error::not_found("this wiki is not part of a platform"))?;
    Ok(with_cookie(see_other(&place), &cookie))
}

/// `GET /-/login/arrive?code=…&next=…`
pub fn arrive(context: &Context<'_>) -> Result<Reply> {
    let request = context.request;
    let next = request.query("next").unwrap_or_default();
    let next = safe_next(&next);
    let (secret, clear) = session::arrive(context.app, &request.headers);
    let again = |status, error: &Error| {
        audit::note(context, "", "login", "platform", "denied");
        let page = LoginPage { next: next.to_string(), problem: Some(problem(error)), ..LoginPage::default() };
        Ok(with_cookie(people::show_login(context, status, page)?, &clear))
    };
    let stale =
        || Error::invalid("this way to log in was used before, took too long, or was begun in another browser").hint("Begin again.");
    let (Some(code), Some(secret)) = (request.query("code").filter(|code| code.len() <= 128), secret) else {
        return again(StatusCode::BAD_REQUEST, &stale());
    };
    let directory = context.app.engine.directory();
    let Some(arrived) = directory.redeem_sign_in(context.wiki.id(), &code, &secret, context.now())? else {
        return again(StatusCode::BAD_REQUEST, &stale());
    };
    let Some(account) = directory.user(arrived.user)? else { return again(StatusCode::BAD_REQUEST, &stale()) };
    if let Err(error) = people::admitted(context, &account) {
        return again(StatusCode::FORBIDDEN, &error);
    }
    if let Some((_, token)) = &context.session {
        directory.end_session(token)?;
    }
    let own = context.app.edge.hosts.own_name(request.host());
    let token = directory.create_session_from(&arrived, context.wiki.id(), own.as_deref(), context.now())?;
    directory.touch(account.id, context.now())?;
    audit::note(context, &account.email, "login", "platform", "ok");
    let cookies = session::begun(context.app, &token, Remember::No);
    Ok(cookies.iter().chain([&clear]).fold(see_other(next), |reply, cookie| with_cookie(reply, cookie)))
}
