//! Cookies: who is logged in, and proof that a form came from a page of ours (security.md SES-1..8).

use crate::app::{App, CookieSecurity};
use crate::proxies::Scheme;
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
    // What was begun at a name of the wiki's own is good there alone, and the other way round.
    let session = session.filter(|session| session.host == app.edge.hosts.own_name(request.host()));
    Ok(session.map(|session| (session, token.to_string())))
}

/// A new session for `user` in `wiki`, or on the platform itself: the cookies to set.
pub fn begin(app: &App, request: &Request, user: UserId, wiki: impl Into<Option<WikiId>>, remember: Remember) -> Result<Vec<String>> {
    let token = app.engine.directory().create_session_at(
        user,
        wiki.into(),
        app.edge.hosts.own_name(request.host()).as_deref(),
        app.engine.clock().now(),
    )?;
    Ok(begun(app, &token, remember))
}

/// The cookies of a session that has just begun. What an edge would show whoever was here before goes.
pub fn begun(app: &App, token: &Token, remember: Remember) -> Vec<String> {
    let seconds = (remember == Remember::Yes).then_some(REMEMBER);
    vec![cookie(app, SESSION_COOKIE, token.expose(), seconds), cookie(app, FORM_COOKIE, "", Some(0)), no_viewer(app)]
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
    Ok(vec![cookie(app, SESSION_COOKIE, "", Some(0)), no_viewer(app)])
}

fn no_viewer(app: &App) -> String {
    cookie(app, VIEWER_COOKIE, "", Some(0))
}

/// The cookie that lets an edge answer private pages to `user` for a minute, without asking anybody. This server asks each time.
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
pub fn check_form(app: &App, request: &Request, session: Option<&SessionRow>, sent: &str) -> Result<()> {
    let headers = &request.headers;
    let same_origin = is_same_origin(headers, request.scheme);
    let expected = match session {
        Some(session) => Some(session.csrf.as_str()),
        None => single_cookie(headers, &name(app, FORM_COOKIE)),
    };
    let token_fits = expected.is_some_and(|expected| !expected.is_empty() && expected.as_bytes().ct_eq(sent.as_bytes()).into());
    if same_origin && token_fits {
        return Ok(());
    }
    let other = match request.scheme {
        Scheme::Http => Scheme::Https,
        Scheme::Https => Scheme::Http,
    };
    if is_same_origin(headers, other) {
        let error = Error::denied(format!(
            "this server takes its address for one with {}, and no such page sent the form",
            request.scheme.as_str()
        ));
        return Err(error.hint("Whoever runs it names the proxy in front of it with --trust-proxy, or says --secure-cookies."));
    }
    let why = if same_origin { "the form is too old or was not made for this session" } else { "the form was not sent from this wiki" };
    Err(Error::denied(why).hint("Go back, reload the page and send the form again; copy your text first."))
}

/// Whether a form was sent by a page of this wiki, as the browser says: of the same scheme, host and port (security.md SES-5).
pub fn is_same_origin(headers: &HeaderMap, scheme: Scheme) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (origin, second) = (origins.next(), origins.next());
    // No page can make a browser say this. It says so where it trusts the way, over TLS above all: that TLS may end in front of us unknown to us.
    let vouched = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    let Some(origin) = origin else { return vouched };
    let text = |value: &http::HeaderValue| value.to_str().ok().map(str::to_ascii_lowercase);
    let (origin, host) = (text(origin), headers.get(header::HOST).and_then(text));
    let (Some((said, authority)), Some(host)) = (origin.as_deref().and_then(|origin| origin.split_once("://")), host) else { return false };
    let same_scheme = said == scheme.as_str() || vouched && matches!(said, "http" | "https");
    second.is_none() && same_scheme && without_usual_port(said, authority) == without_usual_port(said, &host)
}

/// An authority as origins have it: the port that is meant anyhow is left out.
fn without_usual_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
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
    fn an_origin_is_scheme_host_and_port() {
        let same = |scheme, host: &str, sent: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            headers.append(header::HOST, host.parse().unwrap());
            for (name, value) in sent {
                headers.append(*name, value.parse().unwrap());
            }
            is_same_origin(&headers, scheme)
        };
        let site = |value| ("sec-fetch-site", value);
        for (scheme, host, sent, expected) in [
            (Scheme::Http, "a.test", vec![("origin", "http://a.test")], true),
            (Scheme::Http, "A.test:80", vec![("origin", "HTTP://a.test")], true),
            (Scheme::Https, "a.test:443", vec![("origin", "https://a.test")], true),
            (Scheme::Http, "a.test:8080", vec![("origin", "http://a.test:8080")], true),
            (Scheme::Http, "a.test", vec![("origin", "http://a.test:8080")], false),
            (Scheme::Http, "a.test:443", vec![("origin", "http://a.test")], false),
            (Scheme::Https, "a.test", vec![("origin", "http://a.test")], false),
            (Scheme::Http, "a.test", vec![("origin", "https://a.test")], false),
            (Scheme::Http, "a.test", vec![("origin", "http://b.test")], false),
            (Scheme::Http, "a.test", vec![("origin", "null")], false),
            (Scheme::Http, "a.test", vec![("origin", "http://a.test"), ("origin", "http://b.test")], false),
            // The browser knows better than we what it came by, but not who we are.
            (Scheme::Http, "a.test", vec![("origin", "https://a.test"), site("same-origin")], true),
            (Scheme::Http, "a.test", vec![("origin", "https://b.test"), site("same-origin")], false),
            (Scheme::Http, "a.test", vec![("origin", "ftp://a.test"), site("same-origin")], false),
            (Scheme::Https, "a.test", vec![("origin", "http://a.test"), site("cross-site")], false),
            (Scheme::Https, "a.test", vec![site("same-origin")], true),
            (Scheme::Https, "a.test", vec![site("same-site")], false),
            (Scheme::Https, "a.test", vec![], false),
        ] {
            assert_eq!(same(scheme, host, &sent), expected, "{scheme:?} {host} {sent:?}");
        }
    }

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
