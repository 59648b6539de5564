//! Who asks the API: a token's owner, somebody with a session, or nobody (spec/api.md §1.2, security.md API).
//!
//! A token narrows its owner in the actor itself ([`Program`]), so that every decision below knows of it and no handler has to.

use crate::app::App;
use crate::door::Door;
use crate::request::Request;
use crate::session;
use holt_core::{Action, Actor, Error, Handling, Person, Program, Result, SessionName, UserId, WikiId};
use holt_engine::directory::{SessionRow, TokenRecord, TokenScope};
use http::header;
use std::net::IpAddr;

/// Longest token that is looked up, in bytes.
pub const TOKEN_BYTES: usize = 128;
/// How access tokens of OAuth begin. Tokens that people make themselves begin with `holt_`.
const ACCESS: &str = "holta_";

/// The header in which a program names the session it works in; its commits do, too.
pub const SESSION: &str = "holt-session";

/// Who asks, and their session, if that is how they are known.
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// Their session, with its token. A request that changes something has to prove then that it comes from a page of ours.
    pub session: Option<(SessionRow, String)>,
    /// Whom limits and repeated requests are counted by.
    pub identity: Identity,
}

/// Who asks, for counting: a token by itself, a person in whatever session, everybody else by where they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A token, by its id.
    Token(i64),
    /// What somebody allowed a program by OAuth, by its id.
    Grant(i64),
    /// Somebody who is logged in.
    Person(UserId),
    /// An address, or the network that one customer has.
    Network(String),
    /// A token for the platform's own API, by its id.
    PlatformToken(i64),
    /// An address in one wiki, where the wiki's plan counts.
    Client(WikiId, String),
}

impl Identity {
    /// Of somebody who comes from `peer` and may have a session.
    pub fn of(session: Option<&SessionRow>, peer: IpAddr) -> Self {
        session.map_or_else(|| Self::Network(network(peer)), |session| Self::Person(session.user.id))
    }
}

/// What attempts are counted by: an address, or the network that one customer has.
pub fn network(peer: IpAddr) -> String {
    match peer {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => address.segments()[..4].iter().map(|segment| format!("{segment:x}:")).collect(),
    }
}

/// Whoever sends these headers to `wiki`. With a bearer token cookies count for nothing.
pub fn caller(app: &App, request: &Request, wiki: WikiId, door: Door) -> Result<Caller> {
    let headers = &request.headers;
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = sent.next() else {
        return visitor(app, request, wiki);
    };
    let text = value.to_str().unwrap_or_default();
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && sent.next().is_none() => token.trim(),
        _ => {
            return Err(Error::unauthenticated("the Authorization header is not one bearer token")
                .hint("Send `Authorization: Bearer holt_…` with a token from your settings in this wiki."));
        }
    };
    let found = if token.starts_with(ACCESS) { granted(app, token, wiki, door)? } else { owner(app, token, wiki)? };
    let (mut actor, identity) = found.ok_or_else(|| {
        Error::unauthenticated("the token is unknown, expired, revoked or for another wiki")
            .hint("Make a new one in your settings in this wiki.")
    })?;
    if let (Actor::Person(Person { through: Some(program), .. }), Some(sent)) = (&mut actor, headers.get(SESSION)) {
        program.session = Some(SessionName::parse(sent.to_str().unwrap_or_default())?);
    }
    Ok(Caller { actor, session: None, identity })
}

/// Whoever has the session of a request.
pub fn visitor(app: &App, request: &Request, wiki: WikiId) -> Result<Caller> {
    let session = session::current(app, request, wiki)?;
    let actor = session.as_ref().map_or(Actor::Anonymous, |(session, _)| Actor::Person(session.user.person()));
    let identity = Identity::of(session.as_ref().map(|(session, _)| session), request.peer);
    Ok(Caller { actor, session, identity })
}

/// Whoever allowed a program what it shows an access token of. That is for `/mcp` and nothing else (security.md OAU-7).
fn granted(app: &App, token: &str, wiki: WikiId, door: Door) -> Result<Option<(Actor, Identity)>> {
    if token.len() > TOKEN_BYTES || door != Door::Mcp {
        return Ok(None);
    }
    let directory = app.engine.directory();
    let Some(access) = directory.oauth_access(wiki, token, app.engine.clock().now())? else { return Ok(None) };
    let Some(user) = directory.user(access.grant.user)? else { return Ok(None) };
    let program = Program {
        name: format!("mcp/{}", access.grant.client_name),
        ceiling: access.scope.action(),
        handling: Handling::Direct,
        within: None,
        session: None,
    };
    let person = Person { through: Some(program), ..user.person() };
    Ok(Some((Actor::Person(person), Identity::Grant(access.grant.id))))
}

fn owner(app: &App, token: &str, wiki: WikiId) -> Result<Option<(Actor, Identity)>> {
    if token.len() > TOKEN_BYTES {
        return Ok(None);
    }
    let directory = app.engine.directory();
    match directory.token(token, app.engine.clock().now())?.filter(|record| record.wiki == wiki) {
        Some(record) => of_token(app, record, "api"),
        None => Ok(None),
    }
}

/// Whoever a token of a wiki stands for, through a program that is called by the door it came through and the token's label; none if they are
/// gone.
pub fn of_token(app: &App, record: TokenRecord, door: &str) -> Result<Option<(Actor, Identity)>> {
    let directory = app.engine.directory();
    let person = match record.user {
        Some(id) => match directory.user(id)? {
            Some(user) => user.person(),
            None => return Ok(None),
        },
        // Made at the command line by whoever runs the machine, for no account: it stands for itself, and account 0 is nobody's.
        None => Person { id: UserId(0), name: record.label.clone(), email: String::new(), operator: true, through: None },
    };
    let through = Some(Program {
        name: format!("{door}/{}", record.label),
        ceiling: ceiling(&record),
        handling: handling(&record),
        within: record.within,
        session: None,
    });
    Ok(Some((Actor::Person(Person { through, ..person }), Identity::Token(record.id))))
}

fn handling(record: &TokenRecord) -> Handling {
    match record.scope {
        TokenScope::Propose => Handling::Propose,
        TokenScope::Read | TokenScope::Write | TokenScope::Admin => Handling::Direct,
    }
}

fn ceiling(record: &TokenRecord) -> Action {
    match record.scope {
        TokenScope::Read => Action::Read,
        // Files belong to pages; whether the owner may add any is asked of the owner. Who proposes takes the same ways: what they end in is
        // decided by how it is handled.
        TokenScope::Propose | TokenScope::Write => Action::Upload,
        TokenScope::Admin => Action::Admin,
    }
}
