//! The Model Context Protocol (spec/mcp.md): `POST /mcp` of every wiki, and the same on standard input. Messages come in here, are answered by
//! [`methods`], and go out; who asks is known before, by what every door asks.
//!
//! Nothing is kept between two messages: there are no sessions, in neither era of the protocol.

mod budget;
mod envelope;
mod listen;
mod message;
mod methods;
mod prompts;
pub mod resource;
mod resources;
mod tools;

use crate::api::credentials::Identity;
use crate::api::failure::Failure;
use crate::follow::{self, Later};
use crate::oauth;
use crate::proxies::Scheme;
use crate::rates::Kind;
use crate::reply::{Reply, raw, with_header};
use crate::request::Turn;
use crate::session;
use crate::web::Context;
use envelope::Era;
use holt_core::{Action, Actor, Error, Handling, Person, Program, Result, SessionName};
use holt_engine::directory::OAuthScope;
use http::header::{self, HeaderMap};
use http::{StatusCode, header::HeaderValue};
use message::{Id, Message, Refusal};
use methods::Way;
use serde_json::Value;
use std::time::Instant;

/// Where it is spoken.
pub const ADDRESS: &str = "/mcp";
/// Most letters of a client's name in commits.
const CLIENT: usize = 64;

/// Whether an address is the endpoint's.
pub fn is_here(path: &str) -> bool {
    path.strip_suffix('/').unwrap_or(path) == ADDRESS
}

/// Whether the page that sends a request, if a page does, is of the wiki itself.
pub fn may_come_from(headers: &HeaderMap, scheme: Scheme) -> bool {
    !headers.contains_key(header::ORIGIN) || session::is_same_origin(headers, scheme)
}

/// The scope that an action needs, as tokens call it.
fn scope_of(action: Action) -> &'static str {
    match action {
        Action::Read => "wiki:read",
        Action::Write => "wiki:write",
        Action::Upload => "wiki:upload",
        Action::Admin => "wiki:admin",
    }
}

/// All scopes that an action needs (security.md OAU-11).
fn scopes_of(action: Action) -> String {
    match OAuthScope::ALL.into_iter().find(|scope| scope.action() == action) {
        Some(scope) => oauth::words(scope),
        None => scope_of(action).to_string(),
    }
}

/// A refusal with the way to a token (RFC 9728), where one is missing.
pub fn challenged(context: &Context<'_>, reply: Reply) -> Reply {
    if reply.status() != StatusCode::UNAUTHORIZED {
        return reply;
    }
    let wrong = if context.request.headers.contains_key(header::AUTHORIZATION) { "error=\"invalid_token\", " } else { "" };
    let challenge = format!("Bearer {wrong}resource_metadata=\"{}\", scope=\"wiki:read\"", resource::url(context));
    with_header(reply, header::WWW_AUTHENTICATE, &challenge)
}

/// Answers a message that came over HTTP.
pub fn handle(context: &mut Context<'_>) -> Reply {
    let request = context.request;
    let kind = request.header(header::CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default();
    let in_body = kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        && form_urlencoded::parse(&request.raw).any(|(name, _)| name == "access_token");
    let answer = if in_body {
        let refusal = Refusal::request("a token stands in the body: send it as Authorization: Bearer, and revoke this one");
        Answer::refused(&Id::none(), refusal)
    } else if kind.trim().eq_ignore_ascii_case("application/json") {
        answer(context, &request.raw, Some(&request.headers), &mut Peer::default())
    } else {
        let refusal = Refusal::request("the message is not sent as JSON: send it with Content-Type: application/json");
        Answer::refused(&Id::none(), Refusal { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, ..refusal })
    };
    let Answer { status, body, after, needs, later } = answer;
    if let Some(later) = later {
        return follow::attach(raw(StatusCode::OK, "application/json", ""), later);
    }
    let reply = raw(status, "application/json", body.unwrap_or_default());
    let reply = match after {
        Some(seconds) => with_header(reply, header::RETRY_AFTER, &seconds.to_string()),
        None => reply,
    };
    let reply = challenged(context, reply);
    match needs {
        Some(action) if status == StatusCode::FORBIDDEN => {
            let challenge = format!(
                "Bearer error=\"insufficient_scope\", scope=\"{}\", resource_metadata=\"{}\"",
                scopes_of(action),
                resource::url(context)
            );
            let mut reply = reply;
            if let Ok(value) = HeaderValue::try_from(challenge) {
                reply.headers_mut().insert(header::WWW_AUTHENTICATE, value);
            }
            reply
        }
        _ => reply,
    }
}

/// What goes back.
pub struct Answer {
    /// What it is over HTTP.
    status: StatusCode,
    /// The message, as JSON; none for what is only taken note of.
    pub body: Option<String>,
    after: Option<u16>,
    /// The right that was missing.
    needs: Option<Action>,
    /// What comes instead, as a stream.
    later: Option<Later>,
}

impl Answer {
    fn new(status: StatusCode, body: Option<String>) -> Self {
        Self { status, body, after: None, needs: None, later: None }
    }
    fn refused(id: &Id, refusal: Refusal) -> Self {
        let (status, after, needs) = (refusal.status, refusal.after, refusal.needs);
        Self { status, body: Some(refusal.said(id)), after, needs, later: None }
    }
}

/// Who is at the other end, where that is remembered.
#[derive(Debug, Default)]
pub struct Peer {
    /// What it called itself last.
    pub client: Option<String>,
    /// The session of all its messages that name none.
    pub session: Option<SessionName>,
}

/// Answers one message of `peer`. `headers` are those it came with, if it came over HTTP.
pub fn answer(context: &mut Context<'_>, bytes: &[u8], headers: Option<&HeaderMap>, peer: &mut Peer) -> Answer {
    let start = Instant::now();
    let refused = Answer::refused;
    if let Err(failure) = may(context, Action::Read) {
        return refused(&Id::none(), failure);
    }
    let (id, method, params) = match message::parse(bytes) {
        Ok(Message::Request { id, method, params }) => (id, method, params),
        Ok(Message::Notification) => return Answer::new(StatusCode::ACCEPTED, None),
        Err(refusal) => return refused(&Id::none(), refusal),
    };
    let envelope = match envelope::open(headers, &method, &params) {
        Ok(envelope) => envelope,
        Err(refusal) => return refused(&id, refusal),
    };
    if let Some(name) = envelope.client.clone() {
        peer.client = Some(name);
    }
    let client = &peer.client;
    name_program(context, client.as_deref(), envelope.session.clone().or_else(|| peer.session.clone()));
    let way = if headers.is_some() { Way::Http } else { Way::Lines };
    if (method.as_str(), envelope.era, way) == (listen::METHOD, Era::Modern, Way::Http) {
        let charged = if context.request.turn == Turn::First { charge(context) } else { Ok(()) };
        return match charged.and_then(|()| listen::open(context, &id, &params)) {
            Ok(later) => Answer { later: Some(later), ..Answer::new(StatusCode::OK, None) },
            Err(refusal) => refused(&id, refusal),
        };
    }
    let result = methods::answer(context, &envelope, way, &method, &params);
    let outcome = match &result {
        Ok(value) if value["isError"] == true => "refused",
        Ok(_) => "done",
        Err(_) => "error",
    };
    // No content and no token; what was asked for only as far as it is a name of ours.
    let tool = params.get("name").and_then(Value::as_str).and_then(tools::named).map_or("", |tool| tool.name);
    let (id_, client) = (context.wiki.id(), client.as_deref().unwrap_or_default());
    let took = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::info!(wiki.id = %id_, actor.id = actor_id(context), client, method = methods::known(&method), tool, micros = took, outcome, "mcp");
    match result {
        Ok(value) => Answer::new(StatusCode::OK, Some(message::result(&id, &value))),
        Err(refusal) => refused(&id, refusal.in_era(envelope.era)),
    }
}

fn actor_id(context: &Context<'_>) -> i64 {
    match &context.actor {
        Actor::Person(person) => person.id.0,
        _ => 0,
    }
}

/// Refuses who may not do something in the wiki as a whole, as OAuth has it said (spec/mcp.md §9).
fn may(context: &Context<'_>, action: Action) -> Result<(), Refusal> {
    match context.wiki.may(&context.actor, action) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let status = if context.actor == Actor::Anonymous { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
            let message = match status {
                StatusCode::UNAUTHORIZED => format!("log in to {action} this wiki: send a bearer token"),
                _ => format!("you may not {action} this wiki: the token or its owner does not have the scope {}", scope_of(action)),
            };
            // More scopes help only if it is a scope that is missing: whoever lost the right is not asked for it again.
            let needs = match &context.actor {
                Actor::Person(person) => {
                    let alone = Actor::Person(Person { through: None, ..person.clone() });
                    context.wiki.may(&alone, action).map_err(|error| internal(context, &error.into()))?.then_some(action)
                }
                _ => None,
            };
            Err(Refusal { status, needs, ..Refusal::new(message::DENIED, message) })
        }
        Err(error) => Err(internal(context, &error.into())),
    }
}

fn internal(context: &Context<'_>, failure: &Failure) -> Refusal {
    tracing::error!(request = %context.request.id, wiki.id = %context.wiki.id(), "{}", failure.error().chain());
    Refusal::new(message::INTERNAL, format!("something went wrong on our side; request {}", context.request.id))
}

/// What is asked besides tools is counted, too.
fn charge(context: &Context<'_>) -> Result<(), Refusal> {
    context.charge(Kind::Read, 1).map_err(|failure| {
        let after = failure.parts().4;
        let message = format!("too many requests: wait {} seconds", after.unwrap_or(1));
        Refusal { status: StatusCode::TOO_MANY_REQUESTS, after, ..Refusal::new(message::BUSY, message) }
    })
}

/// Has commits name the agent, by what it calls itself or by the label of its token, and the session it says it works in, or one that it is
/// taken to work in. One that somebody allowed is called what they were shown.
fn name_program(context: &mut Context<'_>, client: Option<&str>, session: Option<SessionName>) {
    let (wiki, now) = (context.wiki.id(), context.now());
    let allowed = matches!(context.identity, Identity::Grant(_));
    let Actor::Person(person) = &mut context.actor else { return };
    match (&mut person.through, client) {
        (Some(_), _) if allowed => {}
        (Some(program), client) => {
            let label = program.name.split_once('/').map_or(program.name.as_str(), |(_, label)| label);
            program.name = format!("mcp/{}", client.unwrap_or(label));
        }
        // Whoever is logged in may do all they may, through an agent, too.
        (through @ None, Some(client)) => {
            *through = Some(Program {
                name: format!("mcp/{client}"),
                ceiling: Action::Admin,
                handling: Handling::Direct,
                within: None,
                session: None,
            });
        }
        (None, None) => {}
    }
    if let Some(program) = &mut person.through {
        let of = || context.app.agent_sessions.of(wiki, &context.identity, &program.name, now);
        program.session = session.or_else(|| program.session.clone()).or_else(of);
    }
}

/// A client's name as it may stand in a commit.
fn cleaned(name: &str) -> Option<String> {
    let name: String = oauth::clean_name(name).chars().take(CLIENT).collect();
    Some(name.trim().to_string()).filter(|name| !name.is_empty())
}

/// The wiki's name in addresses.
fn slug(context: &Context<'_>) -> Result<String, Error> {
    let record = context.app.engine.directory().wiki(context.wiki.id())?;
    Ok(record.map_or_else(String::new, |record| record.slug.as_str().to_string()))
}

impl Refusal {
    /// Older clients take statuses for the connection's: 404 for a session that is gone. There, what the message says is enough.
    fn in_era(self, era: Era) -> Self {
        let own = matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
        if era == Era::Legacy && !own { Self { status: StatusCode::OK, ..self } } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_clients_stay_on_their_line() {
        assert_eq!(cleaned(" otter\n\nVia: x <1>\u{7} ").as_deref(), Some("otterVia: x 1"));
        assert_eq!(cleaned("\n \t"), None);
        assert_eq!(cleaned(&"é".repeat(500)).map(|name| name.chars().count()), Some(CLIENT));
    }

    #[test]
    fn the_address_is_one() {
        assert!(is_here("/mcp") && is_here("/mcp/") && !is_here("/mcp/x") && !is_here("/mcpx") && !is_here("/"));
    }
}
