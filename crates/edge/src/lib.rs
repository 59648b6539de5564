//! Published pages over HTTP: from host and path to slices of stored fragments. Knows no git, no database, no renderer.
//!
//! [`respond`] answers what is published and leaves everything else to whoever embeds it: `holt serve` has live handlers, the `holt-edge`
//! binary has an origin or a 404. It never waits for anything but small file reads (microseconds, and cached), so it runs on the
//! connection's own task. Where the published files are on another machine, [`remote`] fetches what was missed and asks again.

mod body;
mod caching;
mod conditional;
mod headers;
mod heads;
mod hosts;
mod kept;
pub mod lambda;
mod live;
mod missing;
mod page;
pub mod remote;
pub mod serve;
mod visits;

pub use body::Body;
pub use caching::{Caching, LONGEST};
pub use headers::{FRAME_CSP, STATIC_CSP, security_headers};
pub use hosts::{Apex, HostRule, Place};
pub use live::{LiveHead, LivePage, live_page};
pub use visits::Visits;

use caching::Freshness;
use conditional::accepts_gzip;
use holt_core::path::decode_url;
use holt_core::session::ViewerKey;
use holt_core::{PageKey, PagePath, Visibility, WikiId};
use holt_fragments::{Encoding, FragmentStore, PageManifest, Readers, WikiManifest, assets};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode, Uri};
use missing::Missing;
use page::{Found, home_key, redirect};
use std::sync::Arc;

/// Name of the cookie with the viewer token.
pub const VIEWER_COOKIE: &str = "holt_viewer";
/// Names of session cookies begin with this or with `__Host-` and this. The edge only notices that there is one.
pub const SESSION_COOKIE: &str = "holt_session";

/// What answers need.
#[derive(Clone)]
pub struct EdgeState {
    /// The published wikis.
    pub store: FragmentStore,
    /// Verifies viewer tokens; without it private wikis are never answered here.
    pub viewer_key: Option<ViewerKey>,
    /// Which host is which wiki.
    pub hosts: HostRule,
    /// Unix seconds.
    pub clock: fn() -> i64,
    /// Which wikis were asked for.
    pub visits: Arc<Visits>,
    /// What caches in front may keep.
    pub caching: Caching,
    /// Who knows what is not published.
    pub behind: Behind,
}

/// Who is asked for what is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// This process: it knows former names, folders and files, and says itself what is not there.
    Live,
    /// A server somewhere else: former names are answered here, the rest is sent there.
    Origin,
    /// Nobody: what is not published is not there, and a wiki says so in its own words.
    Nobody,
}

/// What became of a request.
pub enum Outcome {
    /// Answered.
    Response(Response<Body>),
    /// Not a published page: somebody else's.
    Fallback(Fallback),
}

/// Why, and what was found out on the way.
#[derive(Debug, Clone)]
pub struct Fallback {
    /// Why.
    pub reason: Reason,
    /// The wiki of the host, if there is one.
    pub wiki: Option<WikiId>,
    /// The path, decoded, if it could be.
    pub path: Option<String>,
}

/// See [`Fallback`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The host is no wiki.
    UnknownHost,
    /// It may be one: too many were asked for that are none, and the store is asked for no more of them at the moment.
    TooManyHosts,
    /// The host is the platform itself.
    Platform,
    /// The address cannot be decoded; the message says why.
    BadAddress(String),
    /// A live address, another method, or a query that asks for something live.
    Live,
    /// The wiki is private and no valid viewer token came along.
    NeedsViewer,
    /// The page has readers of its own, and who asks is known elsewhere.
    NeedsReader,
    /// Nothing is published there.
    Missing,
    /// Something is, and not all of it can be read here.
    Broken,
}

/// Answers a published page, its Markdown, or a static file.
pub fn respond(state: &EdgeState, method: &Method, uri: &Uri, headers: &HeaderMap) -> Outcome {
    match answer(state, method, uri, headers, &Trust::Token) {
        Ok(response) => Outcome::Response(if method == Method::HEAD { without_body(response) } else { response }),
        Err(fallback) => Outcome::Fallback(fallback),
    }
}

/// As [`respond`], for a reader whose right to read was checked just now by other means than a token.
pub fn respond_trusted(state: &EdgeState, method: &Method, uri: &Uri, headers: &HeaderMap, trust: &Trust) -> Outcome {
    match answer(state, method, uri, headers, trust) {
        Ok(response) => Outcome::Response(if method == Method::HEAD { without_body(response) } else { response }),
        Err(fallback) => Outcome::Fallback(fallback),
    }
}

/// What is known of a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// What their viewer token says.
    Token,
    /// They may read the wiki, but for pages with readers of their own.
    Wiki,
    /// They may read this page.
    Page(PageKey),
}

/// Parameters that ask for something else than the page as it is now.
const LIVE_QUERY: &[&str] = &["revision", "edit", "thumbnail", "size", "width", "height", "raw", "draft"];

fn answer(state: &EdgeState, method: &Method, uri: &Uri, headers: &HeaderMap, trust: &Trust) -> Result<Response<Body>, Fallback> {
    let mut found = Fallback { reason: Reason::Live, wiki: None, path: None };
    // Whoever is in front may have gone by the other one (security.md HDR-2).
    let named = headers.get(header::HOST).map(HeaderValue::as_bytes);
    if uri.authority().is_some_and(|target| named.is_some_and(|host| !host.eq_ignore_ascii_case(target.as_str().as_bytes()))) {
        return Err(Fallback { reason: Reason::BadAddress("it names another host than the Host header".into()), ..found });
    }
    if (method == Method::GET || method == Method::HEAD) && uri.path().starts_with("/-/static/") {
        return asset(uri.path(), headers).ok_or(Fallback { reason: Reason::Missing, ..found });
    }
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).or(uri.host()).unwrap_or_default();
    let because = |found: Fallback, reason| Err(Fallback { reason, ..found });
    // RFC 9112 §3.2: with two, a proxy in front may have meant the other one.
    if headers.get_all(header::HOST).iter().nth(1).is_some() {
        return because(found, Reason::BadAddress("there is more than one Host header".into()));
    }
    let wiki = match state.hosts.place(&state.store, host) {
        None if state.store.refused() => return because(found, Reason::TooManyHosts),
        None => return because(found, Reason::UnknownHost),
        Some(Place::Platform) => None,
        Some(Place::Wiki(wiki)) => Some(wiki),
        Some(Place::Moved(wiki, to)) => match elsewhere(method, uri, host, &to) {
            Some(response) => return Ok(response),
            None => Some(wiki),
        },
    };
    found.wiki = wiki;
    let path = match decode_url(uri.path()) {
        Ok(path) => path,
        Err(error) => return because(found, Reason::BadAddress(error.message)),
    };
    found.path = Some(path.clone());
    let Some(wiki) = wiki else { return because(found, Reason::Platform) };
    state.visits.note(wiki);
    if method != Method::GET && method != Method::HEAD {
        return Err(found);
    }
    if is_live_path(&path) || uri.query().is_some_and(asks_for_something_live) {
        return Err(found);
    }
    let Ok(Some(shared)) = state.store.wiki(wiki) else {
        // Where files have to be fetched, the page's manifest is asked for together with the wiki's.
        let _ = PagePath::parse(&path).map(|path| state.store.page(wiki, &path.key()));
        return because(found, Reason::Missing);
    };
    let private = shared.visibility == Visibility::Private;
    if private && *trust == Trust::Token && !token_allows(state, &shared, headers) {
        return because(found, Reason::NeedsViewer);
    }
    let freshness = if private {
        Freshness::Private
    } else if is_known(headers) {
        Freshness::Personal
    } else {
        Freshness::Public
    };
    let missing = Missing { state, shared: &shared, headers, freshness };
    let manifest = match published(state, &shared, &path) {
        Ok(Some(manifest)) => manifest,
        Ok(None) => return missing.answer(&path).ok_or(Fallback { reason: Reason::Missing, ..found }),
        // What has to be fetched first is not missing.
        Err(_) => return because(found, Reason::Missing),
    };
    let freshness = match manifest.readers {
        Readers::OfTheWiki => freshness,
        Readers::OfItsOwn if matches!(trust, Trust::Page(key) if manifest.page_path().is_ok_and(|path| path.key() == *key)) => {
            Freshness::Private
        }
        // Where nobody knows who may read it, nobody is told that it is there.
        Readers::OfItsOwn => return missing.answer(&path).ok_or(Fallback { reason: Reason::NeedsReader, ..found }),
    };
    let page = Found { state, shared: &shared, manifest: &manifest, headers, freshness };
    page.answer(&path, uri).ok_or(Fallback { reason: Reason::Broken, ..found })
}

/// Addresses that are never pages.
fn is_live_path(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    matches!(first, "-" | "api" | "mcp" | "oauth" | ".git" | ".well-known")
}

fn asks_for_something_live(query: &str) -> bool {
    query.split('&').any(|pair| LIVE_QUERY.contains(&pair.split('=').next().unwrap_or_default()))
}

/// The page that an address names, or whose Markdown it names.
fn published(state: &EdgeState, shared: &WikiManifest, path: &str) -> Result<Option<Arc<PageManifest>>, holt_core::Error> {
    let find = |key: Option<PageKey>| key.map_or(Ok(None), |key| state.store.page(shared.wiki, &key));
    let key = |path: &str| PagePath::parse(path).ok().map(|path| path.key());
    if path == "/" {
        return find(home_key(shared));
    }
    let page = find(key(path));
    if matches!(page, Ok(Some(_))) {
        return page;
    }
    let source = find(path.strip_suffix(".md").and_then(key));
    // Both are asked before either is missed: where they have to be fetched, it is done at once.
    if page.is_err() { page } else { source }
}

/// How long caches keep in mind where the address of a wiki is, in seconds: it may be another one tomorrow.
const MOVED_KEEP: &str = "public, max-age=300";

/// The way from one name of a wiki to the one where its address is. What programs ask for is answered at every name, and so is whatever was
/// begun at one: a form that is sent, a log-in on its way back.
fn elsewhere(method: &Method, uri: &Uri, host: &str, to: &str) -> Option<Response<Body>> {
    let looks = method == Method::GET || method == Method::HEAD;
    let first = uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
    let stays = matches!(first, "api" | "mcp" | "oauth" | ".git" | ".well-known" | "platform")
        || matches!(uri.path(), "/-/healthz" | "/-/readyz" | "/-/login/arrive");
    if !looks || stays {
        return None;
    }
    // Of the same scheme, which whoever is in front of us knows better; and at the same port.
    let port = host.rfind(':').map_or("", |at| &host[at..]);
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut response = redirect("/");
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::try_from(format!("//{to}{port}{target}")).ok()?);
    // Caches know answers by name and path: one that says more of what was asked for is kept by nobody (security.md CDN-6).
    let keep = if port.is_empty() && uri.query().is_none() { MOVED_KEEP } else { "no-store" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    Some(response)
}

fn asset(path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let (asset, keep) = match assets::asset(path) {
        Some(asset) => (asset, "public, max-age=31536000, immutable"),
        None => (assets::successor(path)?, "public, max-age=60"),
    };
    let encoding = if accepts_gzip(headers) { Encoding::Gzip } else { Encoding::Identity };
    let body: Body = asset.body(encoding).into();
    let policy = if asset.content_type.starts_with("text/html") { FRAME_CSP } else { STATIC_CSP };
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, asset.content_type)
        .header(header::CACHE_CONTROL, keep)
        .header(header::CONTENT_LENGTH, body.length())
        .header(header::VARY, "Accept-Encoding")
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if encoding == Encoding::Gzip {
        response = response.header(header::CONTENT_ENCODING, "gzip");
    }
    response.body(body).ok()
}

fn token_allows(state: &EdgeState, shared: &WikiManifest, headers: &HeaderMap) -> bool {
    let (Some(key), Some(token)) = (&state.viewer_key, single_cookie(headers, VIEWER_COOKIE)) else { return false };
    key.verify(token, (state.clock)()).is_some_and(|viewer| viewer.wiki == shared.wiki && viewer.epoch == shared.epoch)
}

/// The way to the log-in of a private wiki, as the server shows it to strangers ([`Reason::NeedsViewer`]): at the same host, where whoever is in front sends
/// `/-/…` to the server. `None` for who has a session already: they would come back from there and be sent again.
pub fn log_in(uri: &Uri, headers: &HeaderMap) -> Option<Response<Body>> {
    if is_known(headers) {
        return None;
    }
    let here = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut response = redirect("/");
    *response.status_mut() = StatusCode::SEE_OTHER;
    let to = HeaderValue::try_from(format!("/-/login?next={}", holt_core::path::encode(here))).ok()?;
    response.headers_mut().insert(header::LOCATION, to);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(response)
}

/// Whether somebody says who they are: what they are answered is for them (security.md CDN-7), though the bytes are everybody's.
fn is_known(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
        || cookies(headers).any(|(name, _)| name.strip_prefix("__Host-").unwrap_or(name).starts_with(SESSION_COOKIE))
}

/// The cookie of that name; none if there are several, as then somebody else may have set one (security.md SES-2).
pub fn single_cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut found = cookies(headers).filter(|(n, _)| *n == name);
    let first = found.next()?;
    found.next().is_none().then_some(first.1)
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

fn without_body(mut response: Response<Body>) -> Response<Body> {
    *response.body_mut() = Body::empty();
    response
}
