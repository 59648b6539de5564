//! `POST /oauth/register`: programs say who they are (RFC 7591, security.md OAU-1). Nobody checks it, and people are told so.

use super::{Problem, clean_name, redirect, told};
use crate::api::credentials;
use crate::app::Throttle;
use crate::rates::Kind;
use crate::reply::Reply;
use crate::web::{Context, audit};
use holt_core::Result;
use holt_engine::directory::{NewOAuthClient, Registered, Secrecy};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

/// Takes a client in.
pub fn register(context: &Context<'_>) -> Result<Reply> {
    Ok(told(try_register(context)))
}

fn wrong(about: impl Into<String>) -> Problem {
    Problem::new("invalid_client_metadata", about)
}

fn try_register(context: &Context<'_>) -> std::result::Result<(StatusCode, Value), Problem> {
    context.charge(Kind::Write, 2)?;
    let request = context.request;
    let kind = request.header(header::CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("application/json") {
        return Err(wrong("send the client as application/json"));
    }
    let sent = crate::api::body::parse(&request.raw).map_err(|_| wrong("the body is no JSON object, or names a member twice"))?;
    let Value::Object(sent) = sent else { return Err(wrong("the body is no JSON object")) };
    let redirects = redirects(&sent)?;
    let name = clean_name(text(&sent, "client_name")?.unwrap_or_default());
    let name = if name.is_empty() { redirect::shown(&redirects[0]) } else { name };
    let method = text(&sent, "token_endpoint_auth_method")?.unwrap_or("client_secret_basic");
    let secrecy = match method {
        "none" => Secrecy::Public,
        "client_secret_basic" | "client_secret_post" => Secrecy::Secret,
        _ => return Err(wrong("token_endpoint_auth_method is none, client_secret_post or client_secret_basic")),
    };
    let grants = list(&sent, "grant_types")?.unwrap_or_else(|| vec!["authorization_code".to_string()]);
    if !grants.iter().any(|grant| grant == "authorization_code") {
        return Err(wrong("grant_types has no authorization_code"));
    }
    if list(&sent, "response_types")?.is_some_and(|types| !types.iter().any(|one| one == "code")) {
        return Err(wrong("response_types has no code"));
    }
    let refreshes = grants.iter().any(|grant| grant == "refresh_token");
    let network = credentials::network(request.peer);
    let network = (context.app.throttle == Throttle::On).then_some(network.as_str());
    let new = NewOAuthClient { wiki: context.wiki.id(), name: &name, redirects: &redirects, secrecy, refreshes, network };
    let (client, secret) = match context.app.engine.directory().register_oauth_client(&new, context.now())? {
        Registered::Yes(client, secret) => (client, secret),
        Registered::TooMany { seconds } => return Err(Problem::busy(seconds)),
    };
    audit::note(context, "", "oauth.register", &name, "ok");
    let grants: &[&str] = if refreshes { &["authorization_code", "refresh_token"] } else { &["authorization_code"] };
    // Whatever else was sent is not kept, and so is not told back.
    let mut body = json!({
        "client_id": client.id, "client_id_issued_at": context.now(), "client_name": client.name, "redirect_uris": client.redirects,
        "token_endpoint_auth_method": method, "grant_types": grants, "response_types": ["code"],
    });
    if let Some(secret) = secret {
        body["client_secret"] = secret.expose().into();
        body["client_secret_expires_at"] = 0.into();
    }
    Ok((StatusCode::CREATED, body))
}

fn redirects(sent: &Map<String, Value>) -> std::result::Result<Vec<String>, Problem> {
    let wrong = |about: &str| Problem::new("invalid_redirect_uri", about);
    let list = list(sent, "redirect_uris").map_err(|_| wrong("redirect_uris is no list of strings"))?.unwrap_or_default();
    if list.is_empty() || list.len() > redirect::MOST {
        return Err(wrong(&format!("redirect_uris has no entry, or more than {}", redirect::MOST)));
    }
    for one in &list {
        redirect::check(one).map_err(wrong)?;
    }
    Ok(list)
}

fn text<'v>(sent: &'v Map<String, Value>, name: &str) -> std::result::Result<Option<&'v str>, Problem> {
    match sent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(format!("{name} is not a string"))),
    }
}

fn list(sent: &Map<String, Value>, name: &str) -> std::result::Result<Option<Vec<String>>, Problem> {
    let refused = || wrong(format!("{name} is no list of strings"));
    match sent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(values)) => values
            .iter()
            .map(|value| value.as_str().map(str::to_string).ok_or_else(refused))
            .collect::<std::result::Result<_, _>>()
            .map(Some),
        Some(_) => Err(refused()),
    }
}
