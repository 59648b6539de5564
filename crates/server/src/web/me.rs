//! Who reads: what a frame that is the same for everybody is told afterwards.

use super::Context;
use crate::reply::{Reply, json};
use holt_core::{AccessLevel, Action, Result};
use holt_engine::Read;
use holt_engine::pages::{self, Found};
use holt_fragments::assets;
use http::StatusCode;

/// `GET /-/me`: what the frame, the same for everybody, is told about who reads it.
pub fn me(context: &Context<'_>) -> Result<Reply> {
    let may = |action| context.wiki.may(&context.actor, action);
    let name = context.session.as_ref().map(|(session, _)| session.user.name.as_str());
    let csrf = context.session.as_ref().map(|(session, _)| session.csrf.as_str());
    let can = serde_json::json!({"write": may(Action::Write)?, "upload": may(Action::Upload)?, "admin": may(Action::Admin)?});
    let inbox = super::inbox::unread(context)?;
    let (private, proposals) = (private(context)?, super::review::waiting(context)?);
    // What the editor consists of, for the moment before it is opened. Readers need none of it.
    let editor = if can["write"] == true { vec![assets::url("editor.js"), assets::url("tools.css")] } else { Vec::new() };
    Ok(json(
        StatusCode::OK,
        &serde_json::json!({
            "name": name, "can": can, "csrf": csrf, "inbox": inbox, "proposals": proposals, "private": private, "editor": editor,
        }),
    ))
}

/// The parts of the wiki that are in nobody's menu because fewer people may read them, and which whoever asks may read.
fn private(context: &Context<'_>) -> Result<Vec<serde_json::Value>> {
    let preferences = context.preferences()?;
    if context.session.is_none() || preferences.path_access.is_empty() || !context.wiki.may(&context.actor, Action::Read)? {
        return Ok(Vec::new());
    }
    let scope = context.scope::<Read>()?;
    let mut found = Vec::new();
    for rule in preferences.path_access.iter().filter(|rule| rule.read != AccessLevel::Anonymous) {
        let path = match pages::find(&scope, &rule.path)? {
            Found::Page(path) | Found::Directory(path) => path,
            _ => continue,
        };
        let title = preferences.display_name(&path, pages::title(&scope, &path)?.as_deref());
        let children = pages::tree(&scope, Some(&path))?.iter().any(|entry| entry.path.is_below(&path));
        found.push(serde_json::json!({"title": title, "url": path.url(), "path": path.as_str(), "children": children}));
    }
    Ok(found)
}
