//! Cookies: who is logged in, and proof that a form came from a page of ours (security.md SES-1..8).

use crate::app::{App, CookieSecurity};
use crate::request::Request;
use crate::vouched;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holt_core::session::{VIEWER_SECONDS, Viewer};
use holt_core::{Error, Result, UserId, WikiId};
use holt_edge::{SESSION_COOKIE, VIEWER_COOKIE, single_cookie};
use holt_engine::directory::{SIGN_IN_REQUEST_LIFE, SessionRow, Token};
use http::header::{self, HeaderMap};
use subtle::ConstantTimeEq;

/// Holds the token of forms shown to people who are not logged in.
const FORM_COOKIE: &str = "holt_form";
/// Holds what a browser needs to come back from the platform's log-in page.
const WAY_COOKIE: &str = "holt_way";
/// Holds what a browser needs to come back from whoever vouches for somebody.
const ELSEWHERE_COOKIE: &str = "holt_elsewhere";
/// How long somebody may take to log in there, in seconds.
const WAY_SECONDS: i64 = 15 * 60;
/// How long "stay logged in" lasts, in seconds; the session itself ends after 14 days without use.
const REMEMBER: i64 = 90 * 24 * 3600;

/// Whether a session ends with the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remember {
    /// It stays.
    Yes,
    /// It ends.
    No,
}

fn name(app: &App, base: &str) -> String {
    match app.cookies {
        CookieSecurity::Secure => format!("__Host-{base}"),
        CookieSecurity::Plain => base.to_string(),
    }
}

fn cookie(app: &App, base: &str, value: &str, seconds: Option<i64>) -> String {
    let secure = if app.cookies == CookieSecurity::Secure { "; Secure" } else { "" };
    let age = seconds.map(|s| format!("; Max-Age={s}")).unwrap_or_default();
    // The viewer token is read by the edge, which knows one name.
    let name = if base == VIEWER_COOKIE { base.to_string() } else { name(app, base) };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")
}

/// The session of a request for `wiki`, or for the platform itself, and its token. Several cookies of the name count as none. Whoever a proxy of ours
/// vouches for is who it says, whatever cookies there are.
pub fn current(app: &App, request: &Request, wiki: impl Into<Option<WikiId>>) -> Result<Option<(SessionRow, String)>> {
    let wiki = wiki.into();
    if let Some(vouched) = vouched::session(app, request, wiki)? {
        return Ok(Some(vouched));
    }
    let Some(token) = single_cookie(&request.headers, &name(app, SESSION_COOKIE)) else { return Ok(None) };
    if token.len() > 128 {
        return Ok(None);
    }
    let session = app.engine.directory().session(token, wiki, app.engine.clock().now())?;
    Ok(session.map(|session| (session, token.to_string())))
}

/// A new session for `user` in `wiki`, or on the platform itself: the cookies to set.
pub fn begin(app: &App, user: UserId, wiki: impl Into<Option<WikiId>>, remember: Remember) -> Result<Vec<String>> {
    let token = app.engine.directory().create_session(user, wiki.into(), app.engine.clock().now())?;
    Ok(begun(app, &token, remember))
}

/// The cookies of a session that has just begun.
pub fn begun(app: &App, token: &Token, remember: Remember) -> Vec<String> {
    let seconds = (remember == Remember::Yes).then_some(REMEMBER);
    vec![cookie(app, SESSION_COOKIE, token.expose(), seconds), cookie(app, FORM_COOKIE, "", Some(0))]
}

/// What a browser keeps of its way to the platform and back, so that no other browser can finish it (security.md SES-3): the secret, and the
/// cookie to set. Of two ways that are begun at once the later one counts.
pub fn set_out(app: &App) -> Result<(String, String)> {
    let secret = random()?;
    let cookie = cookie(app, WAY_COOKIE, &secret, Some(WAY_SECONDS));
    Ok((secret, cookie))
}

/// The secret of [`set_out`], if the browser still has it, and the cookie that clears it.
pub fn arrive(app: &App, headers: &HeaderMap) -> (Option<String>, String) {
    let secret = single_cookie(headers, &name(app, WAY_COOKIE)).filter(|secret| secret.len() == 43);
    (secret.map(str::to_string), cookie(app, WAY_COOKIE, "", Some(0)))
}

/// The same for the way to whoever vouches for somebody (`elsewhere/`).
pub fn set_out_elsewhere(app: &App) -> Result<(String, String)> {
    let secret = random()?;
    let cookie = cookie(app, ELSEWHERE_COOKIE, &secret, Some(SIGN_IN_REQUEST_LIFE));
    Ok((secret, cookie))
}

/// The secret of [`set_out_elsewhere`], if the browser still has it, and the cookie that clears it.
pub fn arrive_from_elsewhere(app: &App, headers: &HeaderMap) -> (Option<String>, String) {
    let secret = single_cookie(headers, &name(app, ELSEWHERE_COOKIE)).filter(|secret| secret.len() == 43);
    (secret.map(str::to_string), cookie(app, ELSEWHERE_COOKIE, "", Some(0)))
}

/// 256 random bits, as 43 characters that stand in cookies and addresses as they are.
pub fn random() -> Result<String> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|e| Error::internal(format!("make a token: {e}")))?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}

/// Ends a session: the cookies to clear.
pub fn end(app: &App, token: &str) -> Result<Vec<String>> {
    app.engine.directory().end_session(token)?;
    Ok(vec![cookie(app, SESSION_COOKIE, "", Some(0)), cookie(app, VIEWER_COOKIE, "", Some(0))])
}

/// The cookie that lets the edge answer private pages to `user` for a minute, without asking anybody.
pub fn viewer(app: &App, user: UserId, wiki: WikiId, epoch: u64) -> String {
    let expires = app.engine.clock().now() + VIEWER_SECONDS;
    let token = app.engine.viewer_key().sign(&Viewer { wiki, user, epoch, expires });
    cookie(app, VIEWER_COOKIE, &token, Some(VIEWER_SECONDS))
}

/// The token that forms carry, and a cookie to set if it is new: the session's own, or for people without one a random value that the form
/// and the cookie must both have.
pub fn form_token(app: &App, headers: &HeaderMap, session: Option<&SessionRow>) -> Result<(String, Option<String>)> {
    if let Some(session) = session {
        return Ok((session.csrf.clone(), None));
    }
    if let Some(token) = single_cookie(headers, &name(app, FORM_COOKIE)).filter(|token| token.len() == 43) {
        return Ok((token.to_string(), None));
    }
    let token = random()?;
    let set = cookie(app, FORM_COOKIE, &token, None);
    Ok((token, Some(set)))
}

/// Whether a form was sent from a page of ours: the browser says the origin, and the form carries the token.
pub fn check_form(app: &App, headers: &HeaderMap, session: Option<&SessionRow>, sent: &str) -> Result<()> {
    let same_origin = is_same_origin(headers);
    let expected = match session {
        Some(session) => Some(session.csrf.as_str()),
        None => single_cookie(headers, &name(app, FORM_COOKIE)),
    };
    let token_fits = expected.is_some_and(|expected| !expected.is_empty() && expected.as_bytes().ct_eq(sent.as_bytes()).into());
    if same_origin && token_fits {
        return Ok(());
    }
    let why = if same_origin { "the form is too old or was not made for this session" } else { "the form was not sent from this wiki" };
    Err(Error::denied(why).hint("Go back, reload the page and send the form again; copy your text first."))
}

/// Whether a form was sent by a page of this wiki, as the browser says.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    match (text(header::ORIGIN), headers.get("sec-fetch-site").and_then(|v| v.to_str().ok())) {
        (Some(origin), _) => {
            origin.split_once("://").is_some_and(|(scheme, rest)| matches!(scheme, "http" | "https") && rest.eq_ignore_ascii_case(host))
        }
        (None, Some(site)) => site == "same-origin",
        (None, None) => false,
    }
}

/// Where to go after logging in: a path of this origin and nothing else (SES-8).
pub fn safe_next(next: &str) -> &str {
    let second = next.chars().nth(1);
    let fine = next.starts_with('/')
        && !matches!(second, Some('/' | '\\' | '%'))
        && !next.contains('\\')
        && !next.chars().any(char::is_control)
        && next.len() <= 4096;
    if fine { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_never_leaves_this_origin() {
        for good in ["/", "/Guide/Setup?edit", "/a//b"] {
            assert_eq!(safe_next(good), good);
        }
        for bad in ["", "//evil.org", "/\\evil.org", "https://evil.org", "/%2fevil.org", "/\tevil", "javascript:x", "/a\\b", "evil"] {
            assert_eq!(safe_next(bad), "/", "{bad}");
        }
    }
}
