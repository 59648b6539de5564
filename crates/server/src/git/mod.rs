//! Git over HTTP at `/.git` of every wiki that has it switched on: the three addresses of git's smart protocol (gitprotocol-http(5),
//! security.md GIT-7 to GIT-9). Who asks is known by a token and by nothing else.
//!
//! A request is admitted before anything of its body is read; the body goes to the disk; then git works, on a thread of the blocking pool that
//! published pages have no part in, in a bounded number of places ([`turns::Kind::Git`]). Answers are passed on as they come.

mod body;

use crate::api::credentials::{self, Identity, TOKEN_BYTES};
use crate::api::failure::Failure;
use crate::app::{App, CookieSecurity};
use crate::dispatch;
use crate::error::public_message;
use crate::front;
use crate::rates::Kind;
use crate::reply::{Reply, raw, text, with_header};
use crate::routes::{ROUTES, Run, matches};
use crate::turns;
use crate::writes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use body::{Encoding, unpacked};
use bytes::{Bytes, BytesMut};
use holt_core::{Actor, Error, ErrorKind, Result, WikiId, WikiName};
use holt_edge::Body;
use holt_engine::directory::AuditEntry;
use holt_engine::pages::git::{GitService, Push, PushLimits, Pushed, advertise_fetch, advertise_push, fetch, git_admit, git_is_on, push};
use holt_engine::repo::{GitStop, PackLimits, Protocol};
use holt_engine::{Read, Wiki, Write};
use http::StatusCode;
use http::header::{self, HeaderMap};
use http::request::Parts;
use hyper::body::Incoming;
use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::timeout;

/// Longest list of what a client has and wants, in bytes.
const FETCH_BYTES: u64 = 16 * 1024 * 1024;
/// What a push may have beside its pack: names of refs.
const REFS_BYTES: u64 = 1024 * 1024;
/// Pieces of an answer on their way, and the size of one.
const QUEUE: usize = 8;
const PIECE: usize = 64 * 1024;

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// What there is.
    Refs,
    /// Objects.
    Fetch,
    /// To take some in.
    Push,
}

/// Whether an address is one of these, or nothing.
pub fn is_here(path: &str) -> bool {
    path.starts_with("/.git/")
}

/// The wiki that `/{slug}.git/…` at the platform's own name is about, and the same address in that wiki: another way to write `/.git/…` there.
pub fn below_platform(path: &str) -> Option<(WikiName, String)> {
    let (slug, rest) = path.strip_prefix('/')?.split_once(".git/")?;
    Some((WikiName::existing(slug).ok()?, format!("/.git/{rest}")))
}

/// Answers one request.
pub async fn serve(app: Arc<App>, wiki: WikiId, parts: Parts, path: &str, body: Incoming, peer: IpAddr) -> Reply {
    let route = ROUTES.iter().find_map(|route| match route.run {
        Run::Git(asked) if route.method == parts.method.as_str() && matches(route.pattern, path).is_some() => Some(asked),
        _ => None,
    });
    let Some((asked, service)) = route.and_then(|asked| Some((asked, service(asked, parts.uri.query())?))) else { return nothing() };
    let request = Arc::new(Asking { app, wiki, headers: parts.headers, asked, service, peer, id: front::request_id() });
    let Some(permit) = request.turn(turns::Kind::Read).await else { return busy() };
    let admitting = request.clone();
    let admitted = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        admitting.admit()
    });
    let who = match admitted.await {
        Ok(Ok(who)) => who,
        Ok(Err(reply)) => return *reply,
        Err(_) => return failed(&request.id),
    };
    match request.asked {
        Asked::Refs => request.refs(who).await,
        Asked::Fetch => request.fetch(who, body).await,
        Asked::Push => request.push(who, body).await,
    }
}

/// Something, or the answer that says why not.
type Admission<T> = std::result::Result<T, Box<Reply>>;

fn no<T>(reply: Reply) -> Admission<T> {
    Err(Box::new(reply))
}

/// What is asked for; none for what only git's older protocol asks.
fn service(asked: Asked, query: Option<&str>) -> Option<GitService> {
    match (asked, query) {
        (Asked::Refs, Some("service=git-upload-pack")) | (Asked::Fetch, None) => Some(GitService::Fetch),
        (Asked::Refs, Some("service=git-receive-pack")) | (Asked::Push, None) => Some(GitService::Push),
        _ => None,
    }
}

/// A request, before its body is read.
struct Asking {
    app: Arc<App>,
    wiki: WikiId,
    headers: HeaderMap,
    asked: Asked,
    service: GitService,
    peer: IpAddr,
    id: String,
}

/// Whoever was admitted, and how they speak.
struct Who {
    actor: Actor,
    protocol: Protocol,
    encoding: Encoding,
}

impl Asking {
    /// What the headers say that git clients send.
    fn spoken(&self) -> Admission<(Protocol, Encoding)> {
        let sent = |name| self.headers.get(name).map(|value: &http::HeaderValue| value.to_str().unwrap_or("?"));
        let protocol = match sent("git-protocol").map(Protocol::parse).transpose() {
            Ok(protocol) => protocol.unwrap_or_default(),
            Err(error) => return no(refused(StatusCode::BAD_REQUEST, &error)),
        };
        let (kind, encoding) = (sent("content-type"), Encoding::parse(sent("content-encoding")));
        let expected = match self.asked {
            Asked::Refs => None,
            Asked::Fetch => Some("application/x-git-upload-pack-request"),
            Asked::Push => Some("application/x-git-receive-pack-request"),
        };
        let unsupported = || no(text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "That is not what git clients send.\n"));
        let Some(encoding) = encoding else { return unsupported() };
        if self.asked != Asked::Refs && kind != expected {
            return unsupported();
        }
        Ok((protocol, encoding))
    }

    /// Says who asks, or refuses them. Nobody learns anything of a wiki where git is off, least of all that a token would be of use.
    fn admit(&self) -> Admission<Who> {
        // Like every door: what is suspended or deleted is not opened, and not told from what never was.
        if let Some(reply) = dispatch::off_the_air(&self.app, &self.id, "/.git", self.wiki) {
            return no(reply);
        }
        let wiki = self.app.engine.wiki(self.wiki);
        let fault = |error: Error| Box::new(self.fault(&error));
        if !git_is_on(&wiki).map_err(fault)? {
            return no(nothing());
        }
        let (protocol, encoding) = self.spoken()?;
        let now = self.app.engine.clock().now();
        let directory = self.app.engine.directory();
        let mut identity = Identity::of(None, self.peer);
        let actor = match credential(&self.headers) {
            Sent::Nothing => Actor::Anonymous,
            Sent::Something => return no(self.challenge("Log in with a token of this wiki as the password.")?),
            Sent::Token(token) => {
                let record = if token.len() <= TOKEN_BYTES { directory.token(&token, now).map_err(fault)? } else { None };
                let Some(record) = record else {
                    // Whoever guesses is counted.
                    self.charge(&identity, Kind::Read)?;
                    return no(self.challenge("The token is unknown, expired or revoked.")?);
                };
                if record.wiki != self.wiki {
                    return no(text(StatusCode::FORBIDDEN, "The token is for another wiki.\n"));
                }
                let Some((actor, known)) = credentials::of_token(&self.app, record, "git").map_err(fault)? else {
                    return no(self.challenge("The token is of nobody any more.")?);
                };
                identity = known;
                actor
            }
        };
        match git_admit(&wiki, &actor, self.service) {
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::Unauthenticated => return no(self.challenge(&said(&error))?),
            Err(error) => return no(self.fault(&error)),
        }
        if self.asked == Asked::Push {
            let announced = self.announced();
            // The first request of a large push only finds out whether it may: it ends a list that has nothing in it.
            if announced != Some(4) {
                self.charge(&identity, Kind::Write)?;
                writes::charge_plan(&self.app, &wiki, self.peer, 1).map_err(|failure| self.too_often(&failure))?;
            }
        } else if self.service == GitService::Push {
            // Of what is answered to the push itself git clients show a number alone; this they show in words.
            self.may_change_soon(&wiki, &identity)?;
        }
        if self.announced().is_some_and(|announced| announced > self.limit()) {
            return no(too_large(&format!("A push may have {} bytes", self.limit())));
        }
        Ok(Who { actor, protocol, encoding })
    }
    /// A place for this request; none if too many wait already, or for too long.
    async fn turn(&self, kind: turns::Kind) -> Option<turns::Permit> {
        self.app.turns.take(Some(self.wiki), kind).await
    }
    fn announced(&self) -> Option<u64> {
        self.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }
    fn limit(&self) -> u64 {
        match self.asked {
            Asked::Refs => 0,
            Asked::Fetch => FETCH_BYTES,
            Asked::Push => PackLimits::default().bytes + REFS_BYTES,
        }
    }
    fn charge(&self, identity: &Identity, kind: Kind) -> Admission<()> {
        let now = self.app.engine.clock().now();
        self.app.rates.take(identity, kind, 1, now).map_err(too_much)
    }
    /// Refuses who would be refused for what they are about to push, whatever it is. Takes nothing: that is done when it comes.
    fn may_change_soon(&self, wiki: &Wiki, identity: &Identity) -> Admission<()> {
        let now = self.app.engine.clock().now();
        self.app.rates.wait(identity, Kind::Write, now).map_err(too_much)?;
        writes::wait_for_plan(&self.app, wiki, self.peer).map_err(|failure| self.too_often(&failure))
    }
    fn too_often(&self, failure: &Failure) -> Box<Reply> {
        let (status, _, _, _, after) = failure.parts();
        Box::new(match after {
            Some(seconds) => with_header(refused(status, failure.error()), header::RETRY_AFTER, &seconds.to_string()),
            None => self.fault(failure.error()),
        })
    }
    fn challenge(&self, why: &str) -> Admission<Reply> {
        let record = self.app.engine.directory().wiki(self.wiki).map_err(|error| Box::new(self.fault(&error)))?;
        let realm = record.map_or_else(String::new, |record| record.slug.to_string());
        Ok(with_header(text(StatusCode::UNAUTHORIZED, format!("{why}\n")), header::WWW_AUTHENTICATE, &format!("Basic realm=\"{realm}\"")))
    }
    fn fault(&self, error: &Error) -> Reply {
        if error.kind == ErrorKind::Internal {
            tracing::error!(request = %self.id, wiki.id = %self.wiki, "{}", error.chain());
            return failed(&self.id);
        }
        match error.kind {
            ErrorKind::Invalid => refused(StatusCode::BAD_REQUEST, error),
            _ => refused(crate::error::status(error), error),
        }
    }

    async fn refs(self: Arc<Self>, who: Who) -> Reply {
        if self.service == GitService::Push {
            return self.refs_to_push(who).await;
        }
        let Some(slot) = self.turn(turns::Kind::Git).await else { return busy() };
        self.answer("application/x-git-upload-pack-advertisement", slot, move |asking, out| {
            let wiki = asking.app.engine.wiki(asking.wiki);
            let scope = wiki.grant::<Read>(&who.actor)?;
            advertise_fetch(&scope, who.protocol, &mut |bytes| out.push(bytes), &asking.app.git_stop())
        })
    }
    async fn refs_to_push(self: Arc<Self>, who: Who) -> Reply {
        let Some(permit) = self.turn(turns::Kind::Read).await else { return busy() };
        let asking = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let wiki = asking.app.engine.wiki(asking.wiki);
            wiki.grant::<Write>(&who.actor).and_then(|scope| advertise_push(&scope, who.protocol))
        });
        match work.await {
            Ok(Ok(answer)) => raw(StatusCode::OK, "application/x-git-receive-pack-advertisement", answer),
            Ok(Err(error)) => self.fault(&error),
            Err(_) => failed(&self.id),
        }
    }

    /// The body, on the disk.
    async fn body(&self, body: Incoming) -> std::result::Result<crate::spool::Spool, Reply> {
        let Some(_place) = self.app.turns.receive(Some(self.wiki)) else { return Err(busy()) };
        let limit = usize::try_from(self.limit()).unwrap_or(usize::MAX);
        match timeout(self.app.git_time, front::receive(&self.app, body, &self.headers, limit, &self.id)).await {
            Ok(received) => received,
            Err(_) => Err(closing(text(StatusCode::REQUEST_TIMEOUT, "The request came too slowly.\n"))),
        }
    }

    async fn fetch(self: Arc<Self>, who: Who, body: Incoming) -> Reply {
        let body = match self.body(body).await {
            Ok(body) => body,
            Err(reply) => return reply,
        };
        let Some(slot) = self.turn(turns::Kind::Git).await else { return busy() };
        self.answer("application/x-git-upload-pack-result", slot, move |asking, out| {
            let request = unpacked(&asking.app, body, who.encoding, FETCH_BYTES, &asking.id)?;
            let wiki = asking.app.engine.wiki(asking.wiki);
            let scope = wiki.grant::<Read>(&who.actor)?;
            fetch(&scope, who.protocol, request, &mut |bytes| out.push(bytes), &asking.app.git_stop())
        })
    }

    /// An answer that is passed on as it comes. What goes wrong before anything was said is said in git's own way.
    fn answer(
        self: Arc<Self>,
        content_type: &'static str,
        slot: turns::Permit,
        work: impl FnOnce(&Self, &mut Out) -> Result<()> + Send + 'static,
    ) -> Reply {
        let (send, pieces) = mpsc::channel(QUEUE);
        let patience = self.app.git_time / 4;
        let mut out = Out { handle: Handle::current(), send, patience, waiting: BytesMut::new(), said: false };
        tokio::task::spawn_blocking(move || {
            let _slot = slot;
            let result = work(&self, &mut out).and_then(|()| out.flush());
            if let Err(error) = result {
                if error.kind == ErrorKind::Internal {
                    tracing::error!(request = %self.id, wiki.id = %self.wiki, "{}", error.chain());
                }
                if !out.said {
                    let line = format!("ERR {}\n", said(&error));
                    // A client that is gone is told nothing.
                    let _ = out.push(format!("{:04x}{line}", line.len() + 4).as_bytes()).and_then(|()| out.flush());
                }
            }
        });
        let mut reply = raw(StatusCode::OK, content_type, Bytes::new());
        reply.headers_mut().remove(header::CONTENT_LENGTH);
        *reply.body_mut() = Body::arriving(pieces);
        reply
    }

    async fn push(self: Arc<Self>, who: Who, body: Incoming) -> Reply {
        // Held while the body comes in: pushes of one wiki do not crowd out those of others.
        let Some(_turn) = self.turn(turns::Kind::Push).await else { return busy() };
        let body = match self.body(body).await {
            Ok(body) => body,
            Err(reply) => return reply,
        };
        let Some(slot) = self.turn(turns::Kind::Git).await else { return busy() };
        let stop = StopWhenDropped(self.app.git_stop());
        let (asking, stopping) = (self.clone(), stop.0.clone());
        let work = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            let limit = asking.limit();
            let request = unpacked(&asking.app, body, who.encoding, limit, &asking.id)?;
            asking.take_in(&who.actor, request, &stopping)
        });
        // If the client goes, this is dropped here, and git with it, unless the wiki has changed already.
        match work.await {
            Ok(Ok(pushed)) => raw(StatusCode::OK, "application/x-git-receive-pack-result", pushed.answer),
            Ok(Err(error)) => self.fault(&error),
            Err(_) => failed(&self.id),
        }
    }
    fn take_in(&self, actor: &Actor, mut request: File, stop: &GitStop) -> Result<Pushed> {
        request.seek(SeekFrom::Start(0)).map_err(|e| Error::io("read a push", e))?;
        let wiki = self.app.engine.wiki(self.wiki);
        let scope = wiki.grant::<Write>(actor)?;
        let mut request = BufReader::new(request);
        let scheme = if self.app.cookies == CookieSecurity::Secure { "https" } else { "http" };
        let host = self.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let proposals_at = format!("{scheme}://{host}/-/proposals/");
        let mut incoming = Push { request: &mut request, proposals_at: &proposals_at, limits: PushLimits::default(), stop };
        let pushed = push(&scope, &mut incoming)?;
        for error in pushed.faults() {
            tracing::error!(request = %self.id, wiki.id = %self.wiki, "a push failed: {}", error.chain());
        }
        self.note(actor, &pushed);
        Ok(pushed)
    }
    /// Who pushed is known by their token; what commits say of their authors is another matter (security.md GIT-16).
    fn note(&self, actor: &Actor, pushed: &Pushed) {
        // The wiki's own log names people; the server's numbers them.
        let (id, name) = match actor {
            Actor::Person(person) => {
                let through = person.through.as_ref().map_or_else(String::new, |program| format!(" ({})", program.name));
                let who = if person.email.is_empty() { &person.name } else { &person.email };
                (person.id.0, format!("{who}{through}"))
            }
            Actor::Anonymous | Actor::System => (0, String::new()),
        };
        let moved = pushed.moved.map(|(from, to)| match from {
            Some(from) => format!("{}..{}", from.short(12), to.short(12)),
            None => to.short(12),
        });
        let proposed = pushed.proposed.iter().map(|number| format!("#{number}"));
        let push = if pushed.replaced { "git.force" } else { "git.push" };
        let done = moved.map(|what| (push, what)).into_iter().chain(proposed.map(|what| ("git.push", what)));
        let done = done.map(|(action, what)| (action, what, "ok"));
        let refused = pushed.refused.iter().map(|error| ("git.push", error.message.clone(), "denied"));
        for (action, object, result) in done.chain(refused) {
            let object: String = object.chars().filter(|c| !c.is_control()).take(254).collect();
            let actor: String = name.chars().take(254).collect();
            tracing::info!(request = %self.id, wiki.id = %self.wiki, actor.id = id, result, "{action}: {object}");
            let time = self.app.engine.clock().now();
            let entry = AuditEntry { time, actor: &actor, wiki: Some(self.wiki), action, object: &object, result };
            if let Err(error) = self.app.engine.directory().audit(&entry) {
                tracing::warn!("not in the audit log: {}", error.chain());
            }
        }
    }
}

/// Ends what git does for somebody who is gone.
struct StopWhenDropped(GitStop);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// An answer on its way to the client.
struct Out {
    handle: Handle,
    send: Sender<Bytes>,
    /// How long a client may take nothing.
    patience: Duration,
    waiting: BytesMut,
    said: bool,
}

impl Out {
    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.waiting.extend_from_slice(bytes);
        // What is small is passed on at once: somebody waits for it.
        if self.waiting.len() >= PIECE || bytes.len() < 1024 { self.flush() } else { Ok(()) }
    }
    fn flush(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.said = true;
        let piece = self.waiting.split().freeze();
        match self.handle.block_on(timeout(self.patience, self.send.send(piece))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Error::busy("the client is gone")),
            Err(_) => Err(Error::busy("the client takes nothing")),
        }
    }
}

/// What was sent about who asks. Cookies are nothing here (security.md GIT-8).
enum Sent {
    Nothing,
    /// But nothing that could be a token.
    Something,
    Token(String),
}

fn credential(headers: &HeaderMap) -> Sent {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (sent.next(), sent.next()) else {
        return if headers.contains_key(header::AUTHORIZATION) { Sent::Something } else { Sent::Nothing };
    };
    let Some((scheme, rest)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else { return Sent::Something };
    let token = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(rest.trim().to_string()),
        // RFC 7617: whatever the name is, the password says who it is.
        "basic" => STANDARD.decode(rest.trim()).ok().and_then(|pair| {
            let pair = String::from_utf8(pair).ok()?;
            pair.split_once(':').map(|(_, password)| password.to_string())
        }),
        _ => None,
    };
    token.filter(|token| !token.is_empty()).map_or(Sent::Something, Sent::Token)
}

fn said(error: &Error) -> String {
    let hint = error.hint.as_deref().filter(|_| error.kind != ErrorKind::Internal).map_or_else(String::new, |hint| format!(" {hint}"));
    format!("{}.{hint}", public_message(error)).chars().filter(|c| !c.is_control()).take(1000).collect()
}

fn refused(status: StatusCode, error: &Error) -> Reply {
    text(status, format!("{}\n", said(error)))
}

fn nothing() -> Reply {
    closing(text(StatusCode::NOT_FOUND, "There is nothing here.\n"))
}

fn busy() -> Reply {
    let reply = text(StatusCode::SERVICE_UNAVAILABLE, "Git is busy here. Try again in a moment.\n");
    closing(with_header(reply, header::RETRY_AFTER, "5"))
}

fn too_large(why: &str) -> Reply {
    closing(text(StatusCode::PAYLOAD_TOO_LARGE, format!("{why}.\n")))
}

fn too_much(seconds: u16) -> Box<Reply> {
    let reply = text(StatusCode::TOO_MANY_REQUESTS, format!("Too much for now: try again in {seconds} seconds.\n"));
    Box::new(with_header(reply, header::RETRY_AFTER, &seconds.to_string()))
}

fn failed(id: &str) -> Reply {
    text(StatusCode::INTERNAL_SERVER_ERROR, format!("Something went wrong on our side. Request {id}.\n"))
}

/// Nothing more is read from that connection: a body may be on its way.
fn closing(reply: Reply) -> Reply {
    with_header(reply, header::CONNECTION, "close")
}
