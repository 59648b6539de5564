//! Published pages over HTTP: from host and path to slices of stored fragments. Knows no git, no database, no renderer.
//!
//! [`respond`] answers what is published and leaves everything else to whoever embeds it: `holt serve` has live handlers, the `holt-edge`
//! binary has an origin or a 404. It never waits for anything but small file reads (microseconds, and cached), so it runs on the
//! connection's own task. Where the published files are on another machine, [`remote`] fetches what was missed and asks again.

mod body;
mod conditional;
mod headers;
mod heads;
mod hosts;
mod live;
pub mod remote;
pub mod serve;
mod visits;

pub use body::Body;
pub use headers::{FRAME_CSP, STATIC_CSP, security_headers};
pub use hosts::{Apex, HostRule, Place};
pub use live::{LiveHead, LivePage, live_page};
pub use visits::Visits;

use conditional::{accepts_gzip, not_modified, prefers_markdown};
use holt_core::path::decode_url;
use holt_core::session::ViewerKey;
use holt_core::{PageKey, PagePath, Visibility, WikiId};
use holt_fragments::assemble::single;
use holt_fragments::{Encoding, FragmentStore, PageManifest, Readers, Slot, WikiManifest, assemble, assets};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode, Uri};
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
    } else if has_session(headers) {
        Freshness::Personal
    } else {
        Freshness::Public
    };
    let Some(manifest) = published(state, &shared, &path) else { return because(found, Reason::Missing) };
    let freshness = match manifest.readers {
        Readers::OfTheWiki => freshness,
        Readers::OfItsOwn if matches!(trust, Trust::Page(key) if manifest.page_path().is_ok_and(|path| path.key() == *key)) => {
            Freshness::Private
        }
        Readers::OfItsOwn => return because(found, Reason::NeedsReader),
    };
    page(state, &shared, &path, &manifest, uri, headers, freshness).ok_or(Fallback { reason: Reason::Missing, ..found })
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
fn published(state: &EdgeState, shared: &WikiManifest, path: &str) -> Option<Arc<PageManifest>> {
    let find = |key: &PageKey| state.store.page(shared.wiki, key).ok().flatten();
    if path == "/" {
        return find(&home_key(shared)?);
    }
    let page = PagePath::parse(path).ok().and_then(|path| find(&path.key()));
    page.or_else(|| find(&PagePath::parse(path.strip_suffix(".md")?).ok()?.key()))
}

fn page(
    state: &EdgeState,
    shared: &WikiManifest,
    path: &str,
    manifest: &PageManifest,
    uri: &Uri,
    headers: &HeaderMap,
    freshness: Freshness,
) -> Option<Response<Body>> {
    let shown = |manifest| match prefers_markdown(headers) {
        true => source(state, shared.wiki, manifest, headers, freshness),
        false => html(state, shared, manifest, headers, freshness),
    };
    if path == "/" {
        return shown(manifest);
    }
    let canonical = manifest.page_path().ok()?;
    if PagePath::parse(path).is_ok_and(|path| path.key() == canonical.key()) {
        // One spelling per page, and the home page is `/` (security.md CDN-8).
        if home_key(shared).is_some_and(|home| home == canonical.key()) {
            return Some(redirect("/", freshness));
        }
        if uri.path() != canonical.url() && decode_url(uri.path()).ok()? != format!("/{canonical}") {
            return Some(redirect(&canonical.url(), freshness));
        }
        return shown(manifest);
    }
    source(state, shared.wiki, manifest, headers, freshness)
}

fn home_key(shared: &WikiManifest) -> Option<PageKey> {
    Some(PagePath::parse(shared.home.as_deref()?).ok()?.key())
}

/// How long an answer may be kept, and by whom.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Freshness {
    /// By anybody, if asked for again each time.
    Public,
    /// The same bytes, to somebody who is logged in.
    Personal,
    /// By nobody.
    Private,
}

impl Freshness {
    fn value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Public => "public, max-age=0, must-revalidate",
            Self::Personal => "private, no-cache",
            Self::Private => "private, no-store",
        })
    }
}

fn html(
    state: &EdgeState,
    shared: &WikiManifest,
    manifest: &PageManifest,
    headers: &HeaderMap,
    freshness: Freshness,
) -> Option<Response<Body>> {
    let encoding = if accepts_gzip(headers) { Encoding::Gzip } else { Encoding::Identity };
    let tag = tag(&manifest.tag, &shared.frame.as_str()[..12], encoding);
    let mut response = Response::builder().header(header::CONTENT_TYPE, "text/html; charset=utf-8");
    if not_modified(headers, &tag) {
        response = response.status(StatusCode::NOT_MODIFIED);
        return finish(response, tag, encoding, freshness, Body::empty());
    }
    // All are looked for before one is missed: where they have to be fetched, it is done at once.
    let frame = state.store.frame(shared.wiki, &shared.frame);
    let parts: Vec<_> = manifest.slots.iter().map(|(slot, key)| (*slot, state.store.part(shared.wiki, manifest, key))).collect();
    let frame = frame.ok()??;
    let mut fragments = Vec::with_capacity(parts.len());
    for (slot, part) in parts {
        // A page is whole or not there: a missing piece sends the reader on.
        fragments.push((slot, part.ok()??));
    }
    let fill = |slot: Slot| fragments.iter().find(|(s, _)| *s == slot).map(|(_, fragment)| Arc::clone(fragment));
    finish(response, tag, encoding, freshness, assemble(&frame, fill, encoding).into())
}

fn source(state: &EdgeState, wiki: WikiId, manifest: &PageManifest, headers: &HeaderMap, freshness: Freshness) -> Option<Response<Body>> {
    let encoding = if accepts_gzip(headers) { Encoding::Gzip } else { Encoding::Identity };
    let tag = tag(manifest.source.as_str(), "md", encoding);
    let response = Response::builder()
        .header(header::CONTENT_TYPE, "text/markdown; charset=utf-8")
        .header("x-holt-revision", manifest.revision.to_string())
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if not_modified(headers, &tag) {
        return finish(response.status(StatusCode::NOT_MODIFIED), tag, encoding, freshness, Body::empty());
    }
    let fragment = state.store.part(wiki, manifest, &manifest.source).ok()??;
    let response = response.header("x-markdown-tokens", tokens(fragment.raw().len()));
    finish(response, tag, encoding, freshness, single(&fragment, encoding).into())
}

/// About how many tokens a language model makes of so many bytes: four bytes each, as prose in English has.
fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(4)
}

fn tag(content: &str, frame: &str, encoding: Encoding) -> String {
    let suffix = if encoding == Encoding::Gzip { "-gz" } else { "" };
    format!("\"{content}-{frame}{suffix}\"")
}

fn finish(builder: http::response::Builder, tag: String, encoding: Encoding, freshness: Freshness, body: Body) -> Option<Response<Body>> {
    let mut response = builder.body(body).ok()?;
    let length = response.body().length();
    let not_modified = response.status() == StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::try_from(tag).ok()?);
    headers.insert(header::CACHE_CONTROL, freshness.value());
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if !not_modified {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        if encoding == Encoding::Gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
    security_headers(headers);
    Some(response)
}

fn redirect(to: &str, freshness: Freshness) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    let headers = response.headers_mut();
    // Percent-encoded ASCII by construction.
    headers.insert(header::LOCATION, HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/")));
    headers.insert(header::CACHE_CONTROL, freshness.value());
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
    security_headers(headers);
    response
}

/// How long browsers keep in mind where the address of a wiki is, in seconds: it may be another one tomorrow.
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
    let location = HeaderValue::try_from(format!("//{to}{port}{target}")).ok()?;
    let mut response = redirect("/", Freshness::Public);
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(MOVED_KEEP));
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

fn has_session(headers: &HeaderMap) -> bool {
    cookies(headers).any(|(name, _)| name.strip_prefix("__Host-").unwrap_or(name).starts_with(SESSION_COOKIE))
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
