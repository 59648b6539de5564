//! Connected programs: what somebody allowed by OAuth, in their own settings, and all that was allowed in a wiki, for its administrators. Who
//! revokes one has it refused at its next request.

use super::views::{ConnectedProgram, ConnectedView, tabs};
use super::{Context, audit, minute, problem};
use crate::oauth::clients;
use crate::reply::{Reply, see_other};
use holt_core::{Error, ErrorKind, Result, UserId};
use holt_engine::directory::{GrantRecord, OAuthScope};
use http::StatusCode;
use std::collections::HashMap;

/// Where one's own are.
pub const OWN: &str = "/-/settings/agents";
/// Where all of a wiki are.
pub const ALL: &str = "/-/admin/agents";

/// Whose are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// One's own.
    Oneself,
    /// Everybody's.
    All,
}

/// What a grant allows, in words.
fn allows(scope: OAuthScope) -> &'static str {
    match scope {
        OAuthScope::Read => "Read pages",
        OAuthScope::Write => "Read and change pages",
        OAuthScope::Upload => "Read and change pages, and files",
    }
}

/// `GET /-/settings/agents`
pub fn own(context: &Context<'_>) -> Result<Reply> {
    show(context, Of::Oneself, StatusCode::OK, None)
}

/// `GET /-/admin/agents`
pub fn all(context: &Context<'_>) -> Result<Reply> {
    show(context, Of::All, StatusCode::OK, None)
}

/// `POST /-/settings/agents`: ends one's own (`revoke`).
pub fn end_own(context: &Context<'_>) -> Result<Reply> {
    change(context, Of::Oneself)
}

/// `POST /-/admin/agents`: ends anybody's (`revoke`).
pub fn end_any(context: &Context<'_>) -> Result<Reply> {
    change(context, Of::All)
}

fn grants(context: &Context<'_>, of: Of) -> Result<Vec<GrantRecord>> {
    let (session, _) = context.session.as_ref().ok_or_else(|| Error::unauthenticated("log in first"))?;
    let mut grants = context.app.engine.directory().oauth_grants(context.wiki.id(), context.now())?;
    if of == Of::Oneself {
        grants.retain(|grant| grant.user == session.user.id);
    }
    Ok(grants)
}

fn change(context: &Context<'_>, of: Of) -> Result<Reply> {
    match end(context, of) {
        Err(error) if !matches!(error.kind, ErrorKind::Internal | ErrorKind::Unauthenticated) => {
            show(context, of, crate::error::status(&error), Some(&error))
        }
        ended => ended,
    }
}

fn end(context: &Context<'_>, of: Of) -> Result<Reply> {
    let id = context.request.body.get("revoke");
    let grant = grants(context, of)?.into_iter().find(|grant| grant.id.to_string() == id);
    let grant = grant.ok_or_else(|| Error::not_found("that program is not connected any more"))?;
    context.app.engine.directory().end_oauth_grant(context.wiki.id(), grant.id)?;
    audit::done(context, "oauth.revoke", &grant.client_name);
    Ok(see_other(&format!("{}?saved=1", if of == Of::All { ALL } else { OWN })))
}

fn show(context: &Context<'_>, of: Of, status: StatusCode, error: Option<&Error>) -> Result<Reply> {
    let mut names: HashMap<UserId, String> = HashMap::new();
    let mut agents = Vec::new();
    for grant in grants(context, of)? {
        let user = match (of, names.get(&grant.user)) {
            (Of::Oneself, _) => None,
            (Of::All, Some(name)) => Some(name.clone()),
            (Of::All, None) => {
                let name = context.app.engine.directory().user(grant.user)?.map_or_else(String::new, |user| user.name);
                names.insert(grant.user, name.clone());
                Some(name)
            }
        };
        agents.push(ConnectedProgram {
            id: grant.id,
            name: grant.client_name,
            host: clients::host(&grant.client),
            scope: allows(grant.scope),
            user,
            created: minute(grant.created),
            last_used: grant.last_used.map(minute),
        });
    }
    let notice = context.request.query("saved").map(|_| "Revoked.".to_string());
    context.form(status, "Connected programs", |csrf| ConnectedView {
        csrf,
        tabs: if of == Of::All { tabs(ALL) } else { Vec::new() },
        action: if of == Of::All { ALL } else { OWN },
        agents,
        problem: error.map(problem),
        notice,
    })
}
