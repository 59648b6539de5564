//! From a request to its answer: who asks, which row of the table it is, whether they may, and what came of it (security.md TEN-2).

use crate::api;
use crate::api::credentials::{self, Caller, Identity};
use crate::api::failure::Failure;
use crate::app::App;
use crate::door::Door;
use crate::error;
use crate::front;
use crate::health;
use crate::mcp;
use crate::rates::Kind;
use crate::reply::{Reply, see_other, text, with_cookie, with_header};
use crate::request::{Request, Turn};
use crate::routes::{Found, Need, Proof, ROUTES, Route, Run, find};
use crate::session;
use crate::web::{self, Context};
use holt_core::{Action, Actor, Error, ErrorKind, Result, Visibility, WikiId};
use holt_edge::{Fallback, Outcome, Reason, Trust, respond_trusted};
use http::{Method, StatusCode};

/// Addresses that programs ask for: a log-in form says nothing to them (spec/wiki.md §3.3).
const FOR_PROGRAMS: &[&str] = &[
    "/-/changelog/feed.atom",
    "/-/changelog/feed.rss",
    "/-/changelog/feed.json",
    "/sitemap.xml",
    "/llms.txt",
    "/llms-full.txt",
    "/{page}/t/{file}",
    "/{page}/t/{file}/{size}",
];

/// Addresses of the API that look through the whole wiki.
const DEAR: &[&str] = &["/api/v1/search", "/api/v1/semantic-search", "/api/v1/links"];

/// Finds the route, checks who asks and where from, runs the handler, and makes an answer of whatever came out.
pub fn dispatch(app: &App, request: &Request, fallback: &Fallback) -> Reply {
    let Some(wiki_id) = fallback.wiki else { return front::no_wiki() };
    if let Some(reply) = off_the_air(app, &request.id, &request.path, wiki_id) {
        return reply;
    }
    let (is_api, is_mcp) = (api::is_here(&request.path), mcp::is_here(&request.path));
    let door = match (is_api, is_mcp) {
        (true, _) => Door::Api,
        (_, true) => Door::Mcp,
        _ => Door::Web,
    };
    let caller =
        if door != Door::Web { credentials::caller(app, request, wiki_id, door) } else { credentials::visitor(app, request, wiki_id) };
    let (Caller { actor, session, identity }, problem) = match caller {
        Ok(caller) => (caller, None),
        Err(error) => {
            let identity = Identity::of(None, request.peer);
            (Caller { actor: Actor::Anonymous, session: None, identity }, Some(error))
        }
    };
    let wiki = app.engine.wiki(wiki_id);
    let mut context = Context { app, request, wiki: &wiki, actor, session, params: Vec::new(), identity, door, operation: None };
    let problem = problem.or_else(|| web::people::greet(&context).err());
    // Addresses are kept in logs (security.md OAU-9).
    if door != Door::Web && request.query("access_token").is_some() {
        let error = Error::invalid("a token stands in the address").hint("Send it as `Authorization: Bearer …`, and revoke this one.");
        return refuse_in_json(&context, Failure::new(StatusCode::BAD_REQUEST, "validation", error));
    }
    let result = match problem {
        // Whoever guesses tokens is counted as well.
        Some(error) if door != Door::Web => match context.charge(Kind::Read, 1) {
            Ok(()) => Err(error),
            Err(failure) => Ok(refuse_in_json(&context, failure)),
        },
        Some(error) => Err(error),
        None => run(&mut context, fallback),
    };
    let reply = result.unwrap_or_else(|error| match door {
        Door::Api | Door::Mcp => refuse_in_json(&context, error.into()),
        Door::Web => refuse(&context, &error),
    });
    let reply = if request.method == Method::HEAD { without_body(reply) } else { reply };
    // A reader of a private wiki reads on at an edge in front of us for a minute. Not everybody whose request succeeds is one: `/robots.txt` is for all. The
    // epoch is taken before the right is asked for, so that a right that ends meanwhile takes the token along.
    match (&fallback.reason, &context.session, app.engine.fragments().wiki(wiki_id)) {
        (Reason::NeedsViewer, Some((session, _)), Ok(Some(shared))) if reply.status().is_success() && may_read(&context) => {
            with_cookie(reply, &session::viewer(app, session.user.id, wiki_id, shared.epoch))
        }
        _ => reply,
    }
}

/// The answer of a wiki that answers nobody: before it is opened, whichever door it is and whoever asks. That a wiki is suspended is told where
/// everybody could read it; of any other nobody learns more than of one that never was (security.md TEN-8).
pub fn off_the_air(app: &App, request: &str, path: &str, wiki: WikiId) -> Option<Reply> {
    let record = match app.engine.directory().wiki(wiki) {
        Ok(Some(record)) if record.answers() => return None,
        Ok(record) => record,
        Err(error) => {
            tracing::error!(request = %request, wiki.id = %wiki, "{}", error.chain());
            return Some(text(StatusCode::INTERNAL_SERVER_ERROR, format!("Something went wrong on our side. Request {request}.\n")));
        }
    };
    // Whoever watches the process asks by its address, and which wiki that shows is no matter.
    match path {
        "/-/healthz" => return Some(health::alive()),
        "/-/readyz" => return Some(health::ready(app)),
        _ => {}
    }
    match record {
        Some(record) if record.trashed.is_none() && record.was == Visibility::Public => {
            Some(text(StatusCode::SERVICE_UNAVAILABLE, "This wiki has been suspended by whoever runs this server.\n"))
        }
        _ => Some(front::no_wiki()),
    }
}

fn may_read(context: &Context<'_>) -> bool {
    context.wiki.may(&context.actor, Action::Read).unwrap_or(false)
}

fn run(context: &mut Context<'_>, fallback: &Fallback) -> Result<Reply> {
    let request = context.request;
    let (route, params) = match find(ROUTES, &request.method, &request.path) {
        Found::Row(route, params) => (route, params),
        Found::OtherMethods(allowed) => {
            let refusal = text(StatusCode::METHOD_NOT_ALLOWED, "This address does not take that method.\n");
            return Ok(with_header(refusal, http::header::ALLOW, &allowed));
        }
        Found::Nothing => return Err(Error::not_found("there is no such page")),
    };
    context.params = params;
    if matches!(route.run, Run::Api(_)) {
        api::tidy(&mut context.params);
        if let Err(failure) = charge(context, route) {
            return Ok(refuse_in_json(context, failure));
        }
    }
    check(context, route)?;
    if must_prove(context, route) {
        let sent = request.header("x-csrf-token").or(request.header("x-csrftoken")).unwrap_or(request.body.get("csrf_token"));
        session::check_form(context.app, request, context.session.as_ref().map(|(session, _)| session), sent)?;
    }
    if changes_pages(route)
        && let Err(failure) = context.charge_plan(1)
    {
        return Ok(refuse_slowly(context, &failure));
    }
    // A private page whose reader was just found to be allowed is answered from the fragments like any other.
    if fallback.reason == Reason::NeedsViewer
        && let Outcome::Response(response) =
            respond_trusted(&context.app.edge, &request.method, &request.uri, &request.headers, &Trust::Wiki)
    {
        return Ok(response);
    }
    match route.run {
        Run::Page(run) => run(context),
        Run::Api(run) => Ok(answered(context, route, run).unwrap_or_else(|failure| refuse_in_json(context, failure))),
        Run::Mcp(run) => Ok(run(context)),
        // Answered long before (`front.rs`).
        Run::Git(_) => Err(Error::not_found("there is no such page")),
    }
}

/// Whether a form ends in a change of the wiki, not of what somebody is just writing.
fn changes_pages(route: &Route) -> bool {
    const WORKING: &[&str] = &["/{page}/edit", "/{page}/preview", "/{page}/draft", "/{page}/draft/discard", "/{page}/presence"];
    matches!(route.run, Run::Page(_))
        && route.method == "POST"
        && matches!(route.need, Need::Write | Need::Upload)
        && !WORKING.contains(&route.pattern)
}

/// A page that says when to come back.
fn refuse_slowly(context: &Context<'_>, failure: &Failure) -> Reply {
    let (status, _, _, _, after) = failure.parts();
    let reply = web::error_page(context, status, failure.error());
    match after {
        Some(seconds) => with_header(reply, http::header::RETRY_AFTER, &seconds.to_string()),
        None => reply,
    }
}

/// What an address costs, whoever asks and whatever comes of it. Handlers add what only they know.
fn charge(context: &Context<'_>, route: &Route) -> std::result::Result<(), Failure> {
    match route.need {
        // Whoever waits has paid when they came.
        _ if context.request.turn == Turn::Again => Ok(()),
        Need::Public => Ok(()),
        Need::Write | Need::Upload => context.charge(Kind::Write, 1),
        _ if DEAR.contains(&route.pattern) => context.charge(Kind::Read, 10),
        _ => context.charge(Kind::Read, 1),
    }
}

fn answered(context: &mut Context<'_>, route: &Route, run: fn(&Context<'_>) -> api::Answer) -> api::Answer {
    api::query::check(context.request, route)?;
    match route.need {
        Need::Write | Need::Upload => api::idempotency::once(context, (route.method, route.pattern), run),
        _ => run(context),
    }
}

/// Whether a request has to show that somebody means it. To the API it does if it is the session that says who asks: a token is no cookie, and
/// of nobody nothing can be borrowed.
fn must_prove(context: &Context<'_>, route: &Route) -> bool {
    match route.run {
        Run::Page(_) => route.method == "POST" && route.proof == Proof::Form,
        Run::Git(_) => false,
        Run::Api(_) | Run::Mcp(_) => route.method != "GET" && context.session.is_some(),
    }
}

/// The wiki as a whole, and then the page of the address: nobody is told more of a page they may not read than of one that is not there.
fn check(context: &Context<'_>, route: &Route) -> Result<()> {
    let action = match route.need {
        Need::Public => return Ok(()),
        Need::Login if context.session.is_some() => return check_page(context, route, Action::Read),
        Need::Login => return Err(Error::unauthenticated("log in first")),
        Need::Read => Action::Read,
        Need::Write => Action::Write,
        Need::Upload => Action::Upload,
        Need::Admin => Action::Admin,
    };
    if context.wiki.may(&context.actor, action)? {
        return check_page(context, route, action);
    }
    Err(match context.actor {
        Actor::Anonymous if !FOR_PROGRAMS.contains(&route.pattern) => Error::unauthenticated(format!("log in to {action} this wiki")),
        _ => Error::denied(format!("you may not {action} this wiki")).hint("Ask an administrator of the wiki for the right."),
    })
}

fn check_page(context: &Context<'_>, route: &Route, action: Action) -> Result<()> {
    match context.page_path() {
        // A page alone says itself what it is when it is not there; links are asked of names that are nothing, too.
        Ok(path) if !matches!(route.pattern, "/{page}" | "/api/v1/links/{page}") => {
            context.scope::<holt_engine::Read>()?.check(action, &path)
        }
        _ => Ok(()),
    }
}

/// An error as a page, or as the way to the log-in form.
fn refuse(context: &Context<'_>, problem: &Error) -> Reply {
    let request = context.request;
    if problem.kind == ErrorKind::Internal {
        tracing::error!(request = %request.id, wiki.id = %context.wiki.id(), "{}", problem.chain());
    }
    if problem.kind == ErrorKind::Unauthenticated && matches!(request.method, Method::GET | Method::HEAD) {
        let here = request.uri.path_and_query().map_or("/", |target| target.as_str());
        let next: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
        return see_other(&format!("/-/login?next={next}"));
    }
    let status = match problem.kind {
        // A form sent without a right is refused; there is no page to come back to.
        ErrorKind::Unauthenticated => StatusCode::FORBIDDEN,
        _ => error::status(problem),
    };
    let is_save = request.method == Method::POST && request.path.ends_with("/save") && request.body.find("content").is_some();
    if is_save
        && matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED)
        && session::is_same_origin(&request.headers, request.scheme)
    {
        return web::edit::not_saved(context, status, problem).unwrap_or_else(|_| web::error_page(context, status, problem));
    }
    web::error_page(context, status, problem)
}

fn refuse_in_json(context: &Context<'_>, failure: Failure) -> Reply {
    if failure.error().kind == ErrorKind::Internal {
        tracing::error!(request = %context.request.id, wiki.id = %context.wiki.id(), "{}", failure.error().chain());
    }
    let reply = failure.reply(context.request);
    if context.door == Door::Mcp { mcp::challenged(context, reply) } else { reply }
}

fn without_body(mut reply: Reply) -> Reply {
    *reply.body_mut() = holt_edge::Body::empty();
    reply
}
