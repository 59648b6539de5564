//! Tokens for programs that act for somebody in this wiki: made, listed and revoked in one's own settings.

use super::people::{SettingsPage, show_settings};
use super::views::{Choice, TokenView};
use super::{Context, audit, minute, problem};
use crate::reply::{Reply, see_other};
use holt_core::{Action, Error, ErrorKind, PagePath, Result, UserId};
use holt_engine::directory::{NewToken, TokenScope};
use http::StatusCode;

/// Longest label, in characters.
const LABEL: usize = 100;
const DAY: i64 = 24 * 3600;

/// What a token may do, in words, and the right that whoever makes one needs.
const SCOPES: [(TokenScope, &str, Action); 4] = [
    (TokenScope::Read, "Read pages", Action::Read),
    (TokenScope::Propose, "Read, and suggest changes", Action::Write),
    (TokenScope::Write, "Read and change pages", Action::Write),
    (TokenScope::Admin, "Everything you may do here", Action::Admin),
];

/// How long a token is good, as days; 0 for ever.
const LIVES: [(i64, &str); 4] = [(30, "A month"), (90, "Three months"), (365, "A year"), (0, "Until revoked")];

/// The tokens of `user` for this wiki.
pub(super) fn list(context: &Context<'_>, user: UserId) -> Result<Vec<TokenView>> {
    let tokens = context.app.engine.directory().tokens_of(context.wiki.id(), user)?;
    let now = context.now();
    let label = |scope| SCOPES.iter().find(|(one, ..)| *one == scope).map_or("", |(_, label, _)| label);
    let view = |token: &holt_engine::directory::TokenRecord| TokenView {
        id: token.id,
        label: token.label.clone(),
        scope: label(token.scope).to_string(),
        within: token.within.as_ref().map(ToString::to_string),
        created: minute(token.created),
        last_used: token.last_used.map(minute),
        expires: token.expires.map(minute),
        expired: token.expires.is_some_and(|expires| expires <= now),
    };
    Ok(tokens.iter().map(view).collect())
}

/// What one may let a token do: nothing that one may not do oneself.
pub(super) fn scopes(context: &Context<'_>) -> Result<Vec<Choice>> {
    let mut choices = Vec::new();
    for (scope, label, action) in SCOPES {
        if context.wiki.may(&context.actor, action)? {
            let chosen = choices.is_empty();
            choices.push(Choice { value: scope.as_str().to_string(), label: label.to_string(), chosen });
        }
    }
    Ok(choices)
}

/// How long a token may be good.
pub(super) fn lives() -> Vec<Choice> {
    LIVES.iter().map(|(days, label)| Choice { value: days.to_string(), label: (*label).to_string(), chosen: *days == 90 }).collect()
}

/// `POST /-/settings/tokens`: makes one (`label`, `scope`, `days`, and `within` for a part of the wiki), or revokes one (`revoke`).
pub fn change(context: &Context<'_>) -> Result<Reply> {
    let changed = match context.request.body.find("revoke") {
        Some(id) => revoke(context, id),
        None => create(context),
    };
    match changed {
        Ok(reply) => Ok(reply),
        Err(error) if matches!(error.kind, ErrorKind::Internal | ErrorKind::Unauthenticated) => Err(error),
        Err(error) => {
            let page = SettingsPage { problem: Some(problem(&error)), ..SettingsPage::default() };
            show_settings(context, crate::error::status(&error), page)
        }
    }
}

fn create(context: &Context<'_>) -> Result<Reply> {
    let Some((session, _)) = &context.session else { return Err(Error::unauthenticated("log in first")) };
    let form = &context.request.body;
    let label = form.get("label").trim();
    if label.is_empty() || label.chars().count() > LABEL || label.chars().any(char::is_control) {
        return Err(Error::invalid("a token needs a name").hint(format!("Say in at most {LABEL} characters what it is for.")));
    }
    let word = form.get("scope");
    let scope = TokenScope::parse(word).filter(|scope| SCOPES.iter().any(|(one, ..)| one == scope));
    let scope = scope.ok_or_else(|| Error::invalid("say what the token may do"))?;
    if !scopes(context)?.iter().any(|choice| choice.value == scope.as_str()) {
        return Err(Error::denied("a token may do nothing that you may not do yourself"));
    }
    let days = LIVES.iter().map(|(days, _)| *days).find(|days| days.to_string() == form.get("days"));
    let days = days.ok_or_else(|| Error::invalid("say how long the token is good"))?;
    let within = match form.get("within").trim().trim_matches('/') {
        "" => None,
        text => Some(PagePath::parse(text)?),
    };
    let (now, user) = (context.now(), session.user.id);
    let expires = (days > 0).then(|| now + days * DAY);
    let directory = context.app.engine.directory();
    let new = NewToken { wiki: context.wiki.id(), user: Some(user), scope, within: within.as_ref(), label, expires };
    let token = directory.make_token(&new, now)?;
    let part = within.map_or_else(String::new, |within| format!(", {within}"));
    audit::done(context, "token.create", &format!("{label} ({}{part})", scope.as_str()));
    // Shown by this answer and never again: a redirect would have nowhere to keep it.
    let page = SettingsPage { secret: Some(token.expose().to_string()), ..SettingsPage::default() };
    show_settings(context, StatusCode::OK, page)
}

fn revoke(context: &Context<'_>, id: &str) -> Result<Reply> {
    let Some((session, _)) = &context.session else { return Err(Error::unauthenticated("log in first")) };
    let directory = context.app.engine.directory();
    let own = directory.tokens_of(context.wiki.id(), session.user.id)?;
    let token = own.into_iter().find(|token| token.id.to_string() == id);
    let token = token.ok_or_else(|| Error::not_found("there is no such token"))?;
    directory.revoke_token(context.wiki.id(), token.id)?;
    audit::done(context, "token.revoke", &token.label);
    Ok(see_other("/-/settings?saved=1#tokens"))
}
