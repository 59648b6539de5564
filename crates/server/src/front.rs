//! The first to see a request. Published pages are answered right here, on the connection's own task; everything else is read, bounded and
//! moved to the blocking pool: the only place where that happens, but for what git clients ask (`git/`), which has threads of its own there.

use crate::api;
use crate::app::{App, CookieSecurity};
use crate::dispatch::dispatch;
use crate::elsewhere;
use crate::follow;
use crate::git;
use crate::health;
use crate::limits::{FORM_BYTES, JSON_BYTES, MCP_BYTES, SLACK, TARGET_BYTES, UPLOAD_BYTES};
use crate::mcp;
use crate::oauth;
use crate::platform;
use crate::proxies::Scheme;
use crate::reply::{Reply, text, with_header};
use crate::request::{Form, Request, Turn};
use crate::routes;
use crate::spool::Spool;
use crate::turns::{Kind, Permit};
use bytes::{Bytes, BytesMut};
use holt_edge::{Apex, Fallback, Outcome, Reason, respond};
use http::header::{self, HeaderMap};
use http::{Method, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Time for a body before its speed counts (security.md INP-2).
const GRACE: Duration = Duration::from_secs(10);

/// How long somebody waits who is refused because too much is asked at once.
const REFUSAL: Duration = Duration::from_millis(40);
/// Where a file is sent as it is.
const FILE: &str = "/api/v1/pages/{page}/attachments/{file}";
/// Bytes of a file that are in memory before they go to the disk.
const PIECE: usize = 128 * 1024;

/// Answers one request.
pub async fn handle(app: Arc<App>, request: hyper::Request<Incoming>, peer: SocketAddr) -> Reply {
    let path = request.uri().path();
    let (is_api, is_oauth) = (api::is_here(path) || mcp::is_here(path), oauth::is_here(path));
    let is_platforms = platform::is_api(path) && !is_api;
    let reply = answer(app.clone(), request, peer).await;
    app.counts.note(reply.status());
    let plain = reply.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/plain; charset=utf-8");
    // What is refused before anybody looked at it is refused in JSON, too. Files beside pages are answered as they are.
    if is_api && plain && !reply.status().is_success() {
        return api::failure::early(reply);
    }
    if is_oauth && plain && !reply.status().is_success() {
        return oauth::early(reply);
    }
    if is_platforms && is_for_people(&reply) {
        return api::failure::not_here();
    }
    reply
}

/// Whether a program that asks for an address of the platform's API is told something that only people understand: it asks at another host.
fn is_for_people(reply: &Reply) -> bool {
    // Too much is too much, wherever it was sent.
    const AS_THEY_ARE: [StatusCode; 4] = [
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::URI_TOO_LONG,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    ];
    let (status, kind) = (reply.status(), reply.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()));
    let leads_to_a_form = [StatusCode::FOUND, StatusCode::SEE_OTHER].contains(&status);
    (leads_to_a_form || status.is_client_error()) && !AS_THEY_ARE.contains(&status) && !kind.is_some_and(|kind| kind.contains("json"))
}

/// What hosts are answered that are no wiki: the same whether there never was one, it was deleted, or it is kept from everybody.
pub fn no_wiki() -> Reply {
    text(StatusCode::NOT_FOUND, "There is no wiki here: wiki not found.\n")
}

async fn answer(app: Arc<App>, request: hyper::Request<Incoming>, peer: SocketAddr) -> Reply {
    let (parts, body) = request.into_parts();
    if parts.uri.path_and_query().map_or(0, |target| target.as_str().len()) > TARGET_BYTES {
        return text(StatusCode::URI_TOO_LONG, "The address is too long.\n");
    }
    if app.recovery.is_under_way() {
        catch_up(&app, &parts.headers).await;
    }
    let mut fallback = match respond(&app.edge, &parts.method, &parts.uri, &parts.headers) {
        Outcome::Response(response) => {
            app.counts.note_published();
            return response;
        }
        Outcome::Fallback(fallback) => fallback,
    };
    // A proxy on this machine asks by whatever name it has for us.
    if parts.uri.path() == platform::CHECK_SLUG && app.edge.hosts.apex == Apex::Platform {
        fallback = Fallback { reason: Reason::Platform, wiki: None, path: Some(platform::CHECK_SLUG.to_string()) };
    }
    let path = match (&fallback.reason, &fallback.path) {
        // Whoever watches the process asks by its address, and which wiki that shows is no matter.
        (Reason::UnknownHost, _) if parts.uri.path() == "/-/healthz" => return health::alive(),
        (Reason::UnknownHost, _) if parts.uri.path() == "/-/readyz" => return health::ready(&app),
        (Reason::UnknownHost, _) => return no_wiki(),
        (Reason::BadAddress(why), _) => {
            let reply = text(StatusCode::BAD_REQUEST, format!("This address cannot be read: {why}.\n"));
            return with_header(reply, header::CONNECTION, "close");
        }
        (_, None) => return text(StatusCode::NOT_FOUND, "There is nothing here.\n"),
        (_, Some(path)) => path.clone(),
    };
    let is_platform = fallback.reason == Reason::Platform;
    if let Some(wiki) = fallback.wiki.filter(|_| git::is_here(&path)) {
        let peer = app.proxies.client(peer.ip(), &parts.headers);
        return git::serve(app, wiki, parts, &path, body, peer).await;
    }
    if is_platform && let Some((slug, rest)) = git::below_platform(&path) {
        let Ok(Some(wiki)) = app.edge.store.host(slug.as_str()) else { return no_wiki() };
        app.edge.visits.note(wiki);
        let peer = app.proxies.client(peer.ip(), &parts.headers);
        return git::serve(app, wiki, parts, &rest, body, peer).await;
    }
    let connection = peer.ip().to_canonical();
    let configured = if app.cookies == CookieSecurity::Secure { Scheme::Https } else { Scheme::Http };
    let scheme = app.proxies.scheme(connection, &parts.headers).unwrap_or(configured);
    // Before anything of the body is read (security.md MCP-2).
    if !is_platform && mcp::is_here(&path) && !mcp::may_come_from(&parts.headers, scheme) {
        return text(StatusCode::FORBIDDEN, "This address is not for pages of other sites.\n");
    }
    let method = parts.method.clone();
    let has_body = !matches!(method, Method::GET | Method::HEAD);
    let receiving = if has_body { app.turns.receive(fallback.wiki) } else { None };
    if has_body && receiving.is_none() {
        return busy().await;
    }
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_string();
    let (is_api, is_mcp, is_oauth) = match is_platform {
        true => (platform::is_api(&path), false, false),
        false => (api::is_here(&path), mcp::is_here(&path), oauth::is_here(&path)),
    };
    let is_upload = match is_api {
        _ if is_platform => false,
        true => path.contains("/attachments"),
        false => content_type.trim_start().to_ascii_lowercase().starts_with("multipart/"),
    };
    let limit = match (is_upload, is_api) {
        _ if is_mcp => MCP_BYTES,
        _ if is_oauth => oauth::BYTES,
        (true, _) => UPLOAD_BYTES,
        (false, true) => JSON_BYTES,
        (false, false) => FORM_BYTES,
    };
    let id = request_id();
    let (mut raw, mut spool) = (Bytes::new(), None);
    let form = match method {
        Method::GET | Method::HEAD => Form::default(),
        // A file as it is goes to the disk while it comes in.
        Method::PUT if !is_platform && routes::matches(FILE, &path).is_some() => {
            match receive(&app, body, &parts.headers, limit, &id).await {
                Ok(received) => {
                    spool = Some(received);
                    Form::default()
                }
                Err(reply) => return reply,
            }
        }
        _ => match read(body, &parts.headers, limit).await {
            Ok(bytes) if is_api || is_mcp || is_oauth => {
                raw = bytes;
                Form::default()
            }
            Ok(bytes) => match Form::parse(&content_type, &bytes) {
                Ok(form) => form,
                Err(error) => return text(crate::error::status(&error), format!("{}.\n", crate::error::public_message(&error))),
            },
            Err(reply) => return reply,
        },
    };
    let (headers, turn) = (parts.headers, Turn::First);
    let peer = app.proxies.client(connection, &headers);
    // Whoever else says so is not believed, and not even heard.
    let vouched = app.vouching.as_ref().filter(|_| app.proxies.trust(connection)).and_then(|vouching| vouching.read(&headers));
    let request = Arc::new(Request { method, uri: parts.uri, path, headers, peer, scheme, vouched, body: form, raw, spool, id, turn });
    let fallback = Arc::new(fallback);
    let kind = match (is_mcp, has_body) {
        (true, _) => Kind::Agent,
        _ if elsewhere::asks_others(is_platform, &request.path) => Kind::Elsewhere,
        (false, true) => Kind::Write,
        (false, false) => Kind::Read,
    };
    let Some(permit) = app.turns.take(fallback.wiki, kind).await else { return busy().await };
    let mut reply = work(&app, &request, &fallback, permit).await;
    drop(receiving);
    match follow::take(&mut reply) {
        Some(later) => follow::follow(app, request, fallback, reply, later).await,
        None => reply,
    }
}

/// What is refused because too much is asked at once: within 50 ms (security.md RATE-4), but not so fast that refusing a flood is itself work
/// that others wait for.
async fn busy() -> Reply {
    tokio::time::sleep(REFUSAL).await;
    let reply = text(StatusCode::SERVICE_UNAVAILABLE, "This wiki is busy. Try again in a moment.\n");
    with_header(reply, header::RETRY_AFTER, "1")
}

/// Answers a request on the blocking pool.
pub async fn work(app: &Arc<App>, request: &Arc<Request>, fallback: &Arc<Fallback>, permit: Permit) -> Reply {
    let (app, request, fallback, id) = (app.clone(), request.clone(), fallback.clone(), request.id.clone());
    let work = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let wanted = wanted(&request, &fallback);
        let file = platform::files::answer(&app, &request.path).filter(|_| matches!(request.method, Method::GET | Method::HEAD));
        let reply = match fallback.reason {
            _ if file.is_some() => file.unwrap_or_else(no_wiki),
            Reason::Platform => platform::dispatch(&app, &request),
            _ => dispatch(&app, &request, &fallback),
        };
        tracing::debug!(status = reply.status().as_u16(), request = %request.id, "{wanted}");
        reply
    });
    match work.await {
        Ok(reply) => reply,
        Err(_) => {
            tracing::error!(request = %id, "a handler panicked");
            text(StatusCode::INTERNAL_SERVER_ERROR, format!("Something went wrong on our side. Request {id}.\n"))
        }
    }
}

/// After a crash, what is published of a wiki may be older than its last acknowledged save: its first reader waits until it is not.
async fn catch_up(app: &Arc<App>, headers: &HeaderMap) {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let Some(wiki) = app.edge.hosts.wiki(&app.edge.store, host).filter(|wiki| app.recovery.waits(*wiki)) else { return };
    let app = app.clone();
    // A panic there is in the log; the page is then answered as it was.
    let _ = tokio::task::spawn_blocking(move || app.recovery.one(&app.engine, wiki)).await;
}

/// Addresses that end in a secret: whoever has it may do what its owner may.
const SECRET: &[&str] = &[
    "/-/invite/",
    "/-/recover_password/",
    "/-/confirm_email/",
    "/-/unsubscribe/",
    "/oauth/consent/",
    "/auth/register/",
    "/auth/new-password/",
    "/auth/confirm/",
];

/// What a log says of a request. No secret is in it.
fn wanted(request: &Request, fallback: &Fallback) -> String {
    let path = SECRET.iter().find(|start| request.path.starts_with(**start)).map_or(request.path.as_str(), |start| start);
    format!("{} {} ({:?})", request.method, path.chars().filter(|c| !c.is_control()).collect::<String>(), fallback.reason)
}

/// Unique in this process, and unlikely to repeat in the next.
pub fn request_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut random = [0; 4];
    // Only to tell processes apart: without randomness the counter still does within this one.
    let _ = getrandom::fill(&mut random);
    format!("{:08x}-{}", u32::from_be_bytes(random), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The body, or the answer to one that is too long: reading stops soon after the limit, and the client is told.
async fn read(body: Incoming, headers: &HeaderMap, limit: usize) -> Result<Bytes, Reply> {
    let announced = announced(headers);
    let mut bytes = BytesMut::with_capacity(if announced > limit.saturating_mul(4) { 0 } else { announced.min(limit) });
    let mut frames = Frames::new(body, announced, limit);
    while let Some(data) = frames.next().await? {
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

/// The body as a file, a few pieces of it in memory at a time.
pub async fn receive(app: &Arc<App>, body: Incoming, headers: &HeaderMap, limit: usize, id: &str) -> Result<Spool, Reply> {
    let mut frames = Frames::new(body, announced(headers), limit);
    let mut spool = Spool::new(app.engine.data(), id).map_err(|error| unkept(&error))?;
    let mut waiting = BytesMut::new();
    loop {
        let data = frames.next().await?;
        waiting.extend_from_slice(data.as_deref().unwrap_or_default());
        if waiting.len() >= PIECE || data.is_none() {
            let piece = waiting.split().freeze();
            // Disks may be slow, and whoever reads published pages does not wait for them.
            let pushed = tokio::task::spawn_blocking(move || spool.push(&piece).map(|()| spool)).await;
            let pushed = pushed.unwrap_or_else(|_| Err(holt_core::Error::internal("keep an upload")));
            spool = pushed.map_err(|error| unkept(&error))?;
        }
        if data.is_none() {
            return Ok(spool);
        }
    }
}

fn unkept(error: &holt_core::Error) -> Reply {
    tracing::error!("{}", error.chain());
    with_header(text(crate::error::status(error), format!("{}.\n", crate::error::public_message(error))), header::CONNECTION, "close")
}

fn announced(headers: &HeaderMap) -> usize {
    headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok()).unwrap_or_default()
}

/// A body in pieces, with its limits.
struct Frames {
    body: Incoming,
    limit: usize,
    announced: usize,
    seen: usize,
    start: Instant,
}

impl Frames {
    fn new(body: Incoming, announced: usize, limit: usize) -> Self {
        Self { body, limit, announced, seen: 0, start: Instant::now() }
    }
    fn too_large(&self) -> Reply {
        let reply = text(StatusCode::PAYLOAD_TOO_LARGE, format!("The request is longer than {} bytes.\n", self.limit));
        with_header(reply, header::CONNECTION, "close")
    }
    /// The next piece that is within the limit; none at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Reply> {
        // What is only a little too long is read, so that a browser gets to see the answer.
        if self.announced > self.limit.saturating_mul(4) {
            return Err(self.too_large());
        }
        loop {
            let next = std::future::poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx));
            // At least 1 KiB a second after the first ten (INP-2).
            let allowed = GRACE + Duration::from_secs(self.seen as u64 / 1024);
            let Ok(frame) = timeout(allowed.saturating_sub(self.start.elapsed()), next).await else {
                let reply = text(StatusCode::REQUEST_TIMEOUT, "The request came too slowly.\n");
                return Err(with_header(reply, header::CONNECTION, "close"));
            };
            match frame {
                None if self.seen > self.limit => return Err(self.too_large()),
                None => return Ok(None),
                Some(Err(_)) => return Err(text(StatusCode::BAD_REQUEST, "The request was cut.\n")),
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    self.seen += data.len();
                    if self.seen <= self.limit {
                        return Ok(Some(data));
                    }
                    if self.seen > self.limit + SLACK {
                        return Err(self.too_large());
                    }
                }
            }
        }
    }
}
