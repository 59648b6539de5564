//! The page on which somebody allows a program to act for them, and how they get there (spec/mcp.md §9, security.md OAU-4).
//!
//! Whoever is sent here logs in first: nothing is looked up, fetched or kept for strangers. What a program got wrong is said on a page: nobody is
//! sent to an address that a program named before they have pressed a button (RFC 9700 §4.11.2).

use super::views::{ConsentRefusedView, ConsentView, ScopeChoice};
use super::{Context, audit};
use crate::oauth::{self, clients, redirect};
use crate::rates::Kind;
use crate::reply::{Reply, redirect as leads, see_other, with_header};
use holt_core::{Action, Error, ErrorKind, Result};
use holt_engine::directory::{Decided, NewOAuthRequest, OAuthRequest, OAuthScope, SessionRow};
use http::{StatusCode, header};

/// Where the page is.
const PAGE: &str = "/oauth/consent/";
/// Longest state that is kept and given back, in bytes (security.md OAU-12).
const STATE: usize = 1024;
/// What a program names in the address.
const PARAMETERS: [&str; 8] =
    ["response_type", "client_id", "redirect_uri", "code_challenge", "code_challenge_method", "scope", "state", "resource"];

/// What programs may be allowed, in words.
const SCOPES: [(OAuthScope, &str); 3] = [
    (OAuthScope::Read, "Read pages, their history and their files"),
    (OAuthScope::Write, "Read and change pages"),
    (OAuthScope::Upload, "Read and change pages, add and remove files"),
];

/// Why somebody is not asked: what programs call it, and what people are told.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    about: &'static str,
}

const fn refusal(code: &'static str, about: &'static str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, code, about }
}

fn session<'c>(context: &'c Context<'_>) -> Result<(&'c SessionRow, &'c str)> {
    let (session, token) = context.session.as_ref().ok_or_else(|| Error::unauthenticated("log in first"))?;
    Ok((session, token))
}

/// `GET /oauth/authorize`: keeps what a program asks for, and shows the page.
pub fn authorize(context: &Context<'_>) -> Result<Reply> {
    if let Err(failure) = context.charge(Kind::Read, 10) {
        let seconds = failure.parts().4.unwrap_or(1).to_string();
        let reply = refuse(context, StatusCode::TOO_MANY_REQUESTS, "Too many programs ask at once. Wait a minute and try again.", None)?;
        return Ok(with_header(reply, header::RETRY_AFTER, &seconds));
    }
    let (session, _) = session(context)?;
    let request = context.request;
    let one = |name: &str| request.query(name).filter(|value| !value.is_empty());
    let bad = |about: &str| refuse(context, StatusCode::BAD_REQUEST, about, None);
    if PARAMETERS.iter().any(|name| request.query_all(name).len() > 1) {
        return bad("The program asked twice for the same thing.");
    }
    let (Some(id), Some(to)) = (one("client_id"), one("redirect_uri")) else {
        return bad("The program did not say who it is, or where its answer goes.");
    };
    let client = match clients::find(context, &id) {
        Ok(client) => client,
        Err(error) if error.kind == ErrorKind::NotFound => {
            return bad("This wiki does not know the program. Take the connection out of it, and connect it again.");
        }
        Err(error) if error.kind == ErrorKind::Invalid => {
            tracing::info!(wiki.id = %context.wiki.id(), "a client could not be read: {}", error.message);
            return bad("The address that the program calls itself by does not say who it is.");
        }
        Err(error) => return Err(error),
    };
    if !redirect::fits(&client.redirects, &to) {
        return bad("The program wants its answer somewhere else than it said before. Somebody may be trying to take its place.");
    }
    let state = one("state");
    let asked = match wanted(context, state.as_deref())? {
        Ok(scope) => scope,
        Err(Refusal { status, code, about }) => {
            let state = state.as_deref().filter(|state| state.len() <= STATE);
            return refuse(context, status, about, Some((&to, &answer(context, &to, &[("error", code)], state)?)));
        }
    };
    let challenge = one("code_challenge").unwrap_or_default();
    let new = NewOAuthRequest {
        wiki: context.wiki.id(),
        user: session.user.id,
        client: &id,
        client_name: &client.name,
        refreshes: client.refreshes,
        redirect: &to,
        challenge: &challenge,
        scope: asked,
        state: state.as_deref(),
    };
    let token = context.app.engine.directory().ask_oauth(&new, context.now())?;
    Ok(see_other(&format!("{PAGE}{}", token.expose())))
}

/// What a program asks for, whose place is known to be its own; or what is wrong with it.
fn wanted(context: &Context<'_>, state: Option<&str>) -> Result<std::result::Result<OAuthScope, Refusal>> {
    let one = |name: &str| context.request.query(name).filter(|value| !value.is_empty());
    let wrong = |code, about| Ok(Err(refusal(code, about)));
    if one("response_type").as_deref() != Some("code") {
        return wrong("unsupported_response_type", "The program asked for an answer of a kind that is not given here.");
    }
    if state.is_some_and(|state| state.len() > STATE) {
        return wrong("invalid_request", "The program sent more along than is kept for it.");
    }
    // SHA-256 in base64url; "plain" would be the default without the second (security.md OAU-5).
    let challenge = one("code_challenge").unwrap_or_default();
    let is_hash = challenge.len() == 43 && challenge.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !is_hash || one("code_challenge_method").as_deref() != Some("S256") {
        return wrong("invalid_request", "The program does not protect its answer as it has to (PKCE with S256).");
    }
    if let Some(resource) = one("resource")
        && !oauth::is_resource(context, &resource)?
    {
        return wrong("invalid_target", "The program means another wiki than this one.");
    }
    if !context.wiki.may(&context.actor, Action::Read)? {
        let about = "You may not read this wiki, and so no program can do it for you.";
        return Ok(Err(Refusal { status: StatusCode::FORBIDDEN, code: "access_denied", about }));
    }
    match one("scope") {
        None => Ok(Ok(OAuthScope::Upload)),
        Some(text) => match oauth::widest(&text) {
            Some(scope) => Ok(Ok(scope)),
            None => wrong("invalid_scope", "The program asked for something that there is not in a wiki."),
        },
    }
}

/// Where an answer goes, with everything that belongs to every answer.
fn answer(context: &Context<'_>, to: &str, said: &[(&str, &str)], state: Option<&str>) -> Result<String> {
    let issuer = oauth::issuer(context)?;
    let mut said = said.to_vec();
    said.extend(state.map(|state| ("state", state)));
    said.push(("iss", &issuer));
    Ok(redirect::answered(to, &said))
}

/// Says why nobody is asked; with the way back to the program, if its place is its own.
fn refuse(context: &Context<'_>, status: StatusCode, about: &str, back: Option<(&str, &str)>) -> Result<Reply> {
    let back = back.map(|(to, url)| (redirect::shown(to), url.to_string()));
    context.page(status, "Connect a program", &ConsentRefusedView { about: about.to_string(), back })
}

/// The question that the address names, and that is put to whoever is logged in.
fn question(context: &Context<'_>) -> Result<std::result::Result<OAuthRequest, Reply>> {
    let (session, _) = session(context)?;
    let found = context.app.engine.directory().oauth_request(context.wiki.id(), context.param("request"), context.now())?;
    let refused = |status, about| Ok(Err(refuse(context, status, about, None)?));
    match found {
        None => refused(StatusCode::BAD_REQUEST, "This question is older than ten minutes, or nobody asked it. Connect the program again."),
        Some(request) if request.user != session.user.id => {
            refused(StatusCode::FORBIDDEN, "Somebody else was asked this. Connect the program again.")
        }
        Some(request) if request.decided => {
            refused(StatusCode::FORBIDDEN, "You have answered this already. Connect the program again if it did not work.")
        }
        Some(request) => Ok(Ok(request)),
    }
}

/// What whoever is asked may allow: no more than they may do themselves.
fn permitted(context: &Context<'_>) -> Result<Vec<(OAuthScope, &'static str)>> {
    let mut permitted = Vec::new();
    for (scope, words) in SCOPES {
        if context.wiki.may(&context.actor, scope.action())? {
            permitted.push((scope, words));
        }
    }
    Ok(permitted)
}

/// `GET /oauth/consent/{request}`: who asks, for what, and where the answer goes.
pub fn form(context: &Context<'_>) -> Result<Reply> {
    let request = match question(context)? {
        Ok(request) => request,
        Err(reply) => return Ok(reply),
    };
    let (session, _) = session(context)?;
    let permitted = permitted(context)?;
    let chosen = permitted.iter().map(|(scope, _)| *scope).filter(|scope| *scope <= request.scope).max();
    let choice = |(scope, words): &(OAuthScope, &'static str)| ScopeChoice {
        value: scope.as_str(),
        label: words,
        chosen: Some(*scope) == chosen,
        asked: *scope == request.scope,
    };
    let wiki = context.preferences()?.site_name.clone();
    let host = oauth::issuer(context)?.split_once("://").map_or_else(String::new, |(_, host)| host.to_string());
    let reply = context.form(StatusCode::OK, "Connect a program", |csrf| ConsentView {
        csrf,
        action: format!("{PAGE}{}", context.param("request")),
        client: request.client_name.clone(),
        known_by: clients::host(&request.client),
        to: redirect::shown(&request.redirect),
        local: redirect::is_local(&request.redirect),
        wiki,
        host,
        name: session.user.name.clone(),
        email: session.user.email.clone(),
        scopes: permitted.iter().map(choice).collect(),
        less: chosen != Some(request.scope),
    })?;
    // Browsers ask the policy of the page about where its form leads in the end, too.
    let policy = reply.headers().get(header::CONTENT_SECURITY_POLICY).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let policy = policy.replace("form-action 'self'", &format!("form-action 'self' {}", redirect::source(&request.redirect)));
    Ok(with_header(reply, header::CONTENT_SECURITY_POLICY, &policy))
}

/// `POST /oauth/consent/{request}`: `decision` is `allow`, with `scope`, or `deny`.
pub fn decide(context: &Context<'_>) -> Result<Reply> {
    let request = match question(context)? {
        Ok(request) => request,
        Err(reply) => return Ok(reply),
    };
    let form = &context.request.body;
    let allowed = match form.get("decision") {
        "deny" => None,
        "allow" => {
            let permitted = permitted(context)?;
            let chosen = OAuthScope::parse(form.get("scope")).filter(|scope| permitted.iter().any(|(one, _)| one == scope));
            match chosen {
                Some(scope) => Some(scope),
                None => {
                    return refuse(
                        context,
                        StatusCode::BAD_REQUEST,
                        "Say what the program may do; nothing that you may not do yourself.",
                        None,
                    );
                }
            }
        }
        _ => return refuse(context, StatusCode::BAD_REQUEST, "Say whether the program may do it or not.", None),
    };
    let (session, token) = session(context)?;
    let directory = context.app.engine.directory();
    let decided = directory.decide_oauth(context.wiki.id(), context.param("request"), session.user.id, token, allowed, context.now())?;
    let said = match decided {
        Decided::Before => {
            return refuse(
                context,
                StatusCode::FORBIDDEN,
                "You have answered this already. Connect the program again if it did not work.",
                None,
            );
        }
        Decided::Now(code) => code,
    };
    let state = request.state.as_deref();
    let to = match (&said, allowed) {
        (Some(code), Some(scope)) => {
            audit::done(context, "oauth.allow", &format!("{} ({})", request.client_name, scope.as_str()));
            answer(context, &request.redirect, &[("code", code.expose())], state)?
        }
        _ => {
            audit::note(context, &session.user.email, "oauth.allow", &request.client_name, "denied");
            answer(context, &request.redirect, &[("error", "access_denied")], state)?
        }
    };
    Ok(leads(StatusCode::SEE_OTHER, &to))
}
