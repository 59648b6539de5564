//! Who asks the API: a token's owner, somebody with a session, or nobody (spec/api.md §1.2, security.md API).
//!
//! A token narrows its owner in the actor itself ([`Program`]), so that every decision below knows of it and no handler has to.

use crate::app::App;
use crate::session;
use holt_core::{Action, Actor, Error, Person, Program, Result, UserId, WikiId};
use holt_engine::directory::{SessionRow, TokenRecord, TokenScope};
use http::header::{self, HeaderMap};

/// Longest token that is looked up, in bytes.
const TOKEN_BYTES: usize = 128;

/// Who asks, and their session, if that is how they are known.
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// Their session, with its token. A request that changes something has to prove then that it comes from a page of ours.
    pub session: Option<(SessionRow, String)>,
}

/// Whoever sends these headers to `wiki`. With a bearer token cookies count for nothing.
pub fn caller(app: &App, headers: &HeaderMap, wiki: WikiId) -> Result<Caller> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = sent.next() else {
        let session = session::current(app, headers, wiki)?;
        let actor = session.as_ref().map_or(Actor::Anonymous, |(session, _)| Actor::Person(session.user.person()));
        return Ok(Caller { actor, session });
    };
    let text = value.to_str().unwrap_or_default();
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && sent.next().is_none() => token.trim(),
        _ => {
            return Err(Error::unauthenticated("the Authorization header is not one bearer token")
                .hint("Send `Authorization: Bearer holt_…` with a token from your settings in this wiki."));
        }
    };
    let actor = owner(app, token, wiki)?.ok_or_else(|| {
        Error::unauthenticated("the token is unknown, expired, revoked or for another wiki")
            .hint("Make a new one in your settings in this wiki.")
    })?;
    Ok(Caller { actor, session: None })
}

fn owner(app: &App, token: &str, wiki: WikiId) -> Result<Option<Actor>> {
    if token.len() > TOKEN_BYTES {
        return Ok(None);
    }
    let directory = app.engine.directory();
    let Some(record) = directory.token(token, app.engine.clock().now())?.filter(|record| record.wiki == wiki) else { return Ok(None) };
    let person = match record.user {
        Some(id) => match directory.user(id)? {
            Some(user) => user.person(),
            None => return Ok(None),
        },
        // Made at the command line by whoever runs the machine, for no account: it stands for itself, and account 0 is nobody's.
        None => Person { id: UserId(0), name: record.label.clone(), email: String::new(), operator: true, through: None },
    };
    let through = Some(Program { name: format!("api/{}", record.label), ceiling: ceiling(&record) });
    Ok(Some(Actor::Person(Person { through, ..person })))
}

fn ceiling(record: &TokenRecord) -> Action {
    match record.scope {
        // Proposals are no door yet: until there are, whoever may only propose may only read.
        TokenScope::Read | TokenScope::Propose => Action::Read,
        // Files belong to pages; whether the owner may add any is asked of the owner.
        TokenScope::Write => Action::Upload,
        TokenScope::Admin => Action::Admin,
    }
}
