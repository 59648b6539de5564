//! What is above all wikis, at the domain itself: where people log in, make wikis and look after them (spec/platform.md §8, §9).
//!
//! A [`Visitor`] has no wiki and no scope: whatever a handler here wants of a wiki it asks of [`Engine::wiki`] by a grant, like everybody.
//!
//! [`Engine::wiki`]: holt_engine::Engine::wiki

mod account;
mod admin;
mod api;
mod audit;
mod dashboard;
mod domains;
mod elsewhere;
mod export;
pub mod files;
pub mod letters;
mod links;
mod overview;
mod passkeys;
mod routes;
mod sign_in;
mod views;
mod visitor;

pub use sign_in::{WayBack, sign_in_url};
pub use visitor::Visitor;

use crate::app::App;
use crate::config::SignUp;
use crate::error;
use crate::rates::Kind;
use crate::reply::{Reply, json, see_other, text, with_header};
use crate::request::Request;
use crate::routes::{Found, find};
use crate::session;
use holt_core::{Error, ErrorKind, Language, Result};
use holt_fragments::Frame;
use http::{Method, StatusCode, header};
use routes::{Need, ROUTES, Route, Voice};
use serde_json::json as object;
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;
use visitor::Via;

/// Most wikis that are sent as a whole at once: each takes a thread for as long as its reader takes.
pub const EXPORTS: usize = 2;

/// What the server keeps for it.
pub struct Platform {
    sign_up: SignUp,
    frames: [OnceLock<Frame>; Language::ALL.len()],
    exports: Arc<Semaphore>,
}

impl Default for Platform {
    fn default() -> Self {
        Self::new(SignUp::default())
    }
}

impl Platform {
    /// With these rules.
    pub fn new(sign_up: SignUp) -> Self {
        Self { sign_up, frames: Default::default(), exports: Arc::new(Semaphore::new(EXPORTS)) }
    }
    /// Whether everybody may make an account.
    pub fn is_open(&self) -> bool {
        self.sign_up == SignUp::Open
    }
}

/// Where proxies ask whether a name is one of ours.
pub const CHECK_SLUG: &str = "/api/internal/check-slug";

/// Whether an address of the platform belongs to its API.
pub fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// Finds the route, checks who asks and where from, and runs the handler.
pub fn dispatch(app: &App, request: &Request) -> Reply {
    let (mut visitor, problem) = match Visitor::of(app, request) {
        Ok(visitor) => (visitor, None),
        Err(error) => (Visitor::nobody(app, request), Some(error)),
    };
    // Whoever guesses tokens is counted as well.
    let result = charge(&visitor).and_then(|()| problem.map_or(Ok(()), Err)).and_then(|()| run(&mut visitor));
    let reply = result.unwrap_or_else(|error| refuse(&visitor, &error));
    if request.method == Method::HEAD { without_body(reply) } else { reply }
}

fn run(visitor: &mut Visitor<'_>) -> Result<Reply> {
    let request = visitor.request;
    match find(ROUTES, &request.method, &request.path) {
        Found::Row(route, params) => {
            visitor.params = params;
            check(visitor, route)?;
            (route.run)(visitor)
        }
        Found::OtherMethods(allowed) => {
            let reply = match is_api(&request.path) {
                true => in_json(visitor, StatusCode::METHOD_NOT_ALLOWED, &Error::invalid("this address does not take that method")),
                false => text(StatusCode::METHOD_NOT_ALLOWED, "This address does not take that method.\n"),
            };
            Ok(with_header(reply, header::ALLOW, &allowed))
        }
        Found::Nothing => Err(Error::not_found("there is nothing at this address")),
    }
}

/// Who may use a route, and whether whoever sends something means it: on every method that changes anything the browser has to name this very
/// origin, wikis beside us being none, and the session's token (security.md SES-5). A program's token is no cookie: it needs neither.
fn check(visitor: &Visitor<'_>, route: &Route) -> Result<()> {
    let request = visitor.request;
    match route.need {
        Need::Public => {}
        // A proxy that asks for itself, not one that hands on what somebody else asks.
        Need::Neighbour if request.peer.is_loopback() || visitor.app.proxies.trust(request.peer) => {}
        // Nobody else learns that there is such an address.
        Need::Neighbour => return Err(Error::not_found("there is nothing at this address")),
        Need::Login | Need::Manage | Need::Operator if visitor.user.is_none() => return Err(Error::unauthenticated("log in first")),
        Need::Login => {}
        Need::Manage if matches!(&visitor.via, Via::Token(token) if !token.manages()) => {
            return Err(Error::denied("this token may only look").hint("Make one that may manage, on your account's page."));
        }
        Need::Manage => {}
        // What operators do they do themselves.
        Need::Operator if !visitor.is_operator() || matches!(visitor.via, Via::Token(_)) => {
            return Err(Error::denied("this is for operators of this server"));
        }
        Need::Operator => {}
    }
    if route.voice == Voice::Page && matches!(visitor.via, Via::Token(_)) {
        return Err(Error::denied("a token is for the API").hint("Log in to see pages."));
    }
    let changes = route.method != "GET";
    let by_cookie = visitor.session.is_some() || route.voice == Voice::Page;
    if changes && by_cookie && !matches!(visitor.via, Via::Token(_)) {
        let sent = request.header("x-csrf-token").unwrap_or(request.body.get("csrf_token"));
        session::check_form(visitor.app, request, visitor.session.as_ref().map(|(session, _)| session), sent)?;
    }
    Ok(())
}

/// What asking costs, whatever comes of it.
fn charge(visitor: &Visitor<'_>) -> Result<()> {
    let request = visitor.request;
    let looks = matches!(request.method, Method::GET | Method::HEAD);
    let kind = match (looks, is_api(&request.path)) {
        (true, false) => return Ok(()),
        (true, true) if request.path.starts_with("/api/internal/") => return Ok(()),
        (true, true) => Kind::Read,
        (false, _) => Kind::Write,
    };
    visitor.app.rates.take(&visitor.identity(), kind, 1, visitor.now()).map_err(|seconds| too_many(seconds.into()))
}

/// Somebody asks too often.
fn too_many(seconds: i64) -> Error {
    Error::busy("too many requests").hint(format!("Wait {seconds} seconds.")).because(Wait(seconds))
}

/// The cause of [`too_many`]: for how long.
#[derive(Debug)]
struct Wait(i64);

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} seconds", self.0)
    }
}
impl std::error::Error for Wait {}

fn seconds(error: &Error) -> Option<i64> {
    std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<Wait>()).map(|wait| wait.0)
}

/// An error as what asked for it can show it.
fn refuse(visitor: &Visitor<'_>, problem: &Error) -> Reply {
    let request = visitor.request;
    if problem.kind == ErrorKind::Internal {
        tracing::error!(request = %request.id, "{}", problem.chain());
    }
    let waits = seconds(problem);
    let status = match problem.kind {
        _ if waits.is_some() => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unauthenticated if !is_api(&request.path) => StatusCode::FORBIDDEN,
        _ => error::status(problem),
    };
    let reply = if is_api(&request.path) {
        // The management API says 400 where ours says 422 (spec/platform.md §8).
        in_json(visitor, if status == StatusCode::UNPROCESSABLE_ENTITY { StatusCode::BAD_REQUEST } else { status }, problem)
    } else if problem.kind == ErrorKind::Unauthenticated && matches!(request.method, Method::GET | Method::HEAD) {
        let here = request.uri.path_and_query().map_or("/", |target| target.as_str());
        let to: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
        see_other(&format!("/auth/login?return_to={to}"))
    } else {
        visitor
            .error_page(status, problem)
            .unwrap_or_else(|_| text(status, format!("{}.\nRequest {}.\n", error::public_message(problem), request.id)))
    };
    match waits {
        Some(seconds) => with_header(reply, header::RETRY_AFTER, &seconds.to_string()),
        None => reply,
    }
}

fn in_json(visitor: &Visitor<'_>, status: StatusCode, problem: &Error) -> Reply {
    let internal = problem.kind == ErrorKind::Internal;
    let mut said = object!({"error": error::public_message(problem)});
    if let Some(hint) = problem.hint.as_deref().filter(|_| !internal) {
        said["hint"] = hint.into();
    }
    if internal {
        said["request"] = visitor.request.id.as_str().into();
    }
    let reply = json(status, &said);
    match status {
        StatusCode::UNAUTHORIZED => with_header(reply, header::WWW_AUTHENTICATE, "Bearer"),
        _ => reply,
    }
}

fn without_body(mut reply: Reply) -> Reply {
    *reply.body_mut() = holt_edge::Body::empty();
    reply
}
