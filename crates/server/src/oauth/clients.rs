//! Who a client is: one that registered here, or one that an address of its own describes. And whether it is that.

use super::documents::is_address;
use super::{Problem, documents};
use crate::request::Form;
use crate::web::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holt_core::{Error, Result};
use http::header;
use url::Url;

/// Longest name of a client among programs, in bytes.
const BYTES: usize = 1024;

/// A client, as people are asked about it.
#[derive(Debug, Clone)]
pub struct Client {
    /// As it calls itself.
    pub name: String,
    /// Where it may be answered.
    pub redirects: Vec<String>,
    /// Whether it uses refresh tokens.
    pub refreshes: bool,
}

/// The host of the address that a client is known by; none for one that registered here.
pub fn host(id: &str) -> Option<String> {
    Url::parse(id).ok().filter(|_| is_address(id))?.host_str().map(str::to_string)
}

/// The client of that id. `NotFound` if nobody is called so here, `Invalid` if its address does not describe it.
pub fn find(context: &Context<'_>, id: &str) -> Result<Client> {
    if is_address(id) && id.len() <= BYTES {
        let documents::Described { name, redirects, refreshes } = context.app.documents.describe(id, context.now())?;
        return Ok(Client { name, redirects, refreshes });
    }
    let found = context.app.engine.directory().oauth_client(context.wiki.id(), id)?;
    let found = found.ok_or_else(|| Error::not_found("this wiki knows no such client"))?;
    Ok(Client { name: found.name, redirects: found.redirects, refreshes: found.refreshes })
}

/// The id of the client that sends `form`, which has shown that it is that (RFC 6749 §2.3): by its secret, in one way, or by none if it has none.
pub fn authenticate(context: &Context<'_>, form: &Form) -> std::result::Result<String, Problem> {
    let (basic, sent) = (basic(context)?, form.find("client_id"));
    let is_basic = basic.is_some();
    let (id, secret) = match basic {
        Some(_) if form.find("client_secret").is_some() => {
            return Err(Problem::new("invalid_request", "the client shows a secret in two ways"));
        }
        Some((id, _)) if sent.is_some_and(|sent| sent != id) => {
            return Err(Problem::new("invalid_request", "the client names itself in two ways"));
        }
        Some((id, secret)) => (id, Some(secret).filter(|secret| !secret.is_empty())),
        None => {
            let id = sent.filter(|id| !id.is_empty()).ok_or_else(|| Problem::new("invalid_request", "client_id is missing"))?;
            (id.to_string(), form.find("client_secret").filter(|secret| !secret.is_empty()).map(str::to_string))
        }
    };
    let proven = match is_address(&id) {
        // What is asked for names it, and nothing but what was made for it is found.
        true => secret.is_none() && id.len() <= BYTES,
        false => {
            let found = context.app.engine.directory().oauth_client(context.wiki.id(), &id)?;
            found.is_some_and(|client| client.proves(secret.as_deref()))
        }
    };
    if proven { Ok(id) } else { Err(Problem::client(is_basic)) }
}

/// What `Authorization: Basic` says.
fn basic(context: &Context<'_>) -> std::result::Result<Option<(String, String)>, Problem> {
    let mut sent = context.request.headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = sent.next() else { return Ok(None) };
    let broken = || Problem::new("invalid_request", "the Authorization header is not one of the scheme Basic");
    let (scheme, rest) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(broken)?;
    if !scheme.eq_ignore_ascii_case("basic") || sent.next().is_some() {
        return Err(broken());
    }
    let text = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(broken)?;
    let (id, secret) = text.split_once(':').ok_or_else(broken)?;
    let plain = |text: &str| percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8().map(std::borrow::Cow::into_owned);
    Ok(Some((plain(id).map_err(|_| broken())?, plain(secret).map_err(|_| broken())?)))
}
