//! What git clients may do with a wiki: fetch its history (`upload-pack`) and push to it (`receive-pack`), as the two halves of git's smart
//! protocol without the HTTP around it (gitprotocol-http(5), security.md GIT-5 to GIT-17).
//!
//! A repository is handed out whole or not at all: whoever does not get to see a part of the wiki gets none of it. A push ends where every
//! save does, in `Writing`; no hook and no configuration of the repository has a say.

mod fetch;
mod packet;
mod propose;
mod push;
mod report;

pub use fetch::{advertise_fetch, fetch};
pub use push::{Operations, Push, PushLimits, Pushed, advertise_push, push};
pub(super) use push::{look_at, without_content};

use crate::scope::{Permission, Read, Scope};
use crate::wiki::Wiki;
use holt_core::{Action, Actor, Author, Error, Result, Revision, RevisionId};
use std::collections::HashMap;

/// The preference that lets git clients find the wiki, under Otterwiki's name. Off in new wikis.
pub const GIT_SWITCH: &str = "GIT_WEB_SERVER";

/// The preference that lets administrators replace the history by a forced push. Off in new wikis.
pub const FORCE_SWITCH: &str = "GIT_ALLOW_FORCE";

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GitService {
    /// `git-upload-pack`.
    Fetch,
    /// `git-receive-pack`.
    Push,
}

/// Whether git clients find the wiki.
pub fn git_is_on(wiki: &Wiki) -> Result<bool> {
    Ok(wiki.preferences()?.is_on(GIT_SWITCH))
}

/// Refuses whoever may not do that: `Unauthenticated` if they said nothing about who they are, else `Denied`.
pub fn git_admit(wiki: &Wiki, actor: &Actor, service: GitService) -> Result<()> {
    let action = match service {
        GitService::Fetch => Action::Read,
        GitService::Push => Action::Write,
    };
    if *actor == Actor::Anonymous && (service == GitService::Push || !wiki.may(actor, action)?) {
        return Err(Error::unauthenticated("a token of this wiki is needed").hint("Give it as the password, with any user name."));
    }
    if !wiki.may(actor, action)? {
        let what = if service == GitService::Fetch { "fetch from" } else { "push to" };
        return Err(Error::denied(format!("this token may not {what} this wiki")).hint("Use one that may, of somebody who may."));
    }
    whole(wiki, actor)
}

/// Refuses those who do not get to see all of the wiki: a clone has all of it (security.md GIT-11).
fn whole(wiki: &Wiki, actor: &Actor) -> Result<()> {
    if wiki.hidden_from(actor)?.is_empty() {
        return Ok(());
    }
    let why = "a clone holds all of a wiki, and a part of this one is not for you";
    Err(match actor {
        // Clients say who they are only when they are asked.
        Actor::Anonymous => Error::unauthenticated(why).hint("Give a token as the password, with any user name."),
        _ => Error::denied(why).hint("Use the web interface or the API, or ask an administrator of the wiki."),
    })
}

/// Who pushed these commits, of those that name somebody else as their author (security.md GIT-16).
pub fn pushers<'r>(scope: &Scope<'_, Read>, commits: impl IntoIterator<Item = &'r Revision>) -> Result<HashMap<RevisionId, String>> {
    let db = scope.wiki().db()?;
    let mut found = HashMap::new();
    for commit in commits {
        let same = |pusher: &Author| pusher.name() == commit.author.name() && pusher.email().eq_ignore_ascii_case(commit.author.email());
        if let Some(pusher) = db.pusher(commit.id)?.filter(|pusher| !same(pusher)) {
            found.insert(commit.id, pusher.name().to_string());
        }
    }
    Ok(found)
}

fn whole_scope<P: Permission>(scope: &Scope<'_, P>) -> Result<()> {
    whole(scope.wiki(), scope.actor())
}
