//! OAuth 2.1 for `/mcp` (spec/mcp.md §9, security.md OAU): every wiki is an authorization server of its own, for itself and nothing else.
//!
//! Programs come in here; the page on which people say yes is `web/consent.rs`. What is stored is in the engine's directory.

pub mod clients;
mod documents;
pub mod metadata;
pub mod redirect;
pub mod register;
pub mod tokens;

pub use documents::Documents;

use crate::api::failure::Failure;
use crate::reply::{Reply, raw, with_header};
use crate::request::Form;
use crate::web::Context;
use crate::web::letters::Writer;
use holt_core::{Error, ErrorKind, Result};
use holt_engine::directory::OAuthScope;
use http::{StatusCode, header};
use serde_json::json;

/// Where people are sent.
pub const AUTHORIZE: &str = "/oauth/authorize";
/// Where codes and refresh tokens are exchanged.
pub const TOKEN: &str = "/oauth/token";
/// Where programs register (RFC 7591).
pub const REGISTER: &str = "/oauth/register";
/// Where tokens are given back (RFC 7009).
pub const REVOKE: &str = "/oauth/revoke";

/// Longest message of a program, in bytes (security.md OAU-1).
pub const BYTES: usize = 16 * 1024;
/// Of the signs in a client's name, so many are kept.
const NAME: usize = 80;

/// Whether an address is one that programs send something to and no form of ours.
pub fn is_here(path: &str) -> bool {
    matches!(path.strip_suffix('/').unwrap_or(path), TOKEN | REGISTER | REVOKE)
}

/// Scheme and host of the wiki, as whoever runs this server says they are: the issuer (security.md OAU-10).
pub fn issuer(context: &Context<'_>) -> Result<String> {
    Writer::origin(context)
}

/// What tokens are for (RFC 8707).
pub fn resource(context: &Context<'_>) -> Result<String> {
    Ok(format!("{}{}", issuer(context)?, crate::mcp::ADDRESS))
}

/// Whether a program means this wiki, if it says what it means.
pub fn is_resource(context: &Context<'_>, said: &str) -> Result<bool> {
    let (issuer, resource) = (issuer(context)?, resource(context)?);
    let said = said.strip_suffix('/').unwrap_or(said);
    Ok(said == issuer || said == resource)
}

/// A scope with those that it includes, as programs spell them.
pub fn words(scope: OAuthScope) -> String {
    let words: Vec<String> = OAuthScope::ALL.into_iter().filter(|one| *one <= scope).map(|one| format!("wiki:{}", one.as_str())).collect();
    words.join(" ")
}

/// The widest of the scopes that a program names. What is not known is passed over; none if nothing is known.
pub fn widest(text: &str) -> Option<OAuthScope> {
    text.split(' ').filter_map(|word| OAuthScope::parse(word.strip_prefix("wiki:")?)).max()
}

/// A client's name as it may stand on a page and in a commit: without what ends a line, hides something or turns text around.
pub fn clean_name(name: &str) -> String {
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '<' | '>' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    let name: String = name.chars().filter(|c| !bad(*c)).take(NAME).collect();
    name.trim().to_string()
}

/// Why a program gets nothing, as RFC 6749 has it said.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    about: String,
    after: Option<u16>,
    /// Whether it tried to log in by `Authorization: Basic`.
    basic: bool,
}

impl Problem {
    /// With status 400.
    pub fn new(code: &'static str, about: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, about: about.into(), after: None, basic: false }
    }
    /// A client that is not who it says.
    fn client(basic: bool) -> Self {
        let about = "the client is unknown here, or its secret is missing or wrong: register it again";
        Self { status: StatusCode::UNAUTHORIZED, basic, ..Self::new("invalid_client", about) }
    }
    /// Too much was asked.
    fn busy(seconds: u16) -> Self {
        let about = format!("too many requests: wait {seconds} seconds");
        Self { status: StatusCode::TOO_MANY_REQUESTS, after: Some(seconds), ..Self::new("temporarily_unavailable", about) }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error.kind {
            ErrorKind::Internal => {
                tracing::error!("{}", error.chain());
                let about = "something went wrong on our side";
                Self { status: StatusCode::INTERNAL_SERVER_ERROR, ..Self::new("server_error", about) }
            }
            ErrorKind::Busy => Self { status: StatusCode::SERVICE_UNAVAILABLE, ..Self::new("temporarily_unavailable", error.message) },
            _ => Self::new("invalid_request", error.message),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::busy(failure.parts().4.unwrap_or(1))
    }
}

/// What a program is told, whatever it is. Pages of other sites may read it, too: nothing in it comes from a cookie (security.md HDR-6).
fn told(answer: std::result::Result<(StatusCode, serde_json::Value), Problem>) -> Reply {
    let reply = match answer {
        Ok((status, body)) => raw(status, "application/json", body.to_string()),
        Err(Problem { status, code, about, after, basic }) => {
            let reply = raw(status, "application/json", json!({"error": code, "error_description": about}).to_string());
            let reply = if basic { with_header(reply, header::WWW_AUTHENTICATE, "Basic realm=\"oauth\"") } else { reply };
            match after {
                Some(seconds) => with_header(reply, header::RETRY_AFTER, &seconds.to_string()),
                None => reply,
            }
        }
    };
    for_everybody(with_header(reply, header::PRAGMA, "no-cache"))
}

fn for_everybody(reply: Reply) -> Reply {
    with_header(reply, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
}

/// What was refused before anybody looked at it, as programs expect it.
pub fn early(reply: Reply) -> Reply {
    let status = reply.status();
    let code = if status.is_client_error() { "invalid_request" } else { "temporarily_unavailable" };
    let (parts, body) = reply.into_parts();
    let about = String::from_utf8_lossy(&body.into_bytes()).trim_end().to_string();
    let mut answer = told(Err(Problem { status, ..Problem::new(code, about) }));
    for name in [header::CONNECTION, header::RETRY_AFTER, header::ALLOW] {
        if let Some(value) = parts.headers.get(&name) {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}

/// The parameters that a program sent. Each at most once, and none in the address, where logs would keep it (security.md OAU-9).
fn parameters(context: &Context<'_>) -> std::result::Result<Form, Problem> {
    let request = context.request;
    if request.uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(Problem::new("invalid_request", "send parameters in the body, not in the address"));
    }
    let kind = request.header(header::CONTENT_TYPE).unwrap_or_default();
    if !kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Err(Problem::new("invalid_request", "send the body as application/x-www-form-urlencoded"));
    }
    let form = Form::parse(kind, &request.raw)?;
    if form.repeats() {
        return Err(Problem::new("invalid_request", "a parameter is there more than once"));
    }
    Ok(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_include_what_is_below_them() {
        assert_eq!(words(OAuthScope::Upload), "wiki:read wiki:write wiki:upload");
        assert_eq!(words(OAuthScope::Read), "wiki:read");
        assert_eq!(
            (widest("openid wiki:write wiki:read"), widest("wiki:admin offline_access"), widest("")),
            (Some(OAuthScope::Write), None, None)
        );
    }

    #[test]
    fn names_of_clients_hide_nothing() {
        assert_eq!(clean_name(" Cl\u{202e}aude\r\n<b>\u{200b} \u{e0041}"), "Claudeb");
        assert_eq!(clean_name(&"é".repeat(500)).chars().count(), NAME);
    }
}
