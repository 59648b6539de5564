//! A whole wiki to take along: its history as a git bundle, and what is not in git as JSON (spec/platform.md §8).

use super::visitor::Via;
use super::{Visitor, audit, overview};
use crate::reply::{Reply, json as json_reply, raw, with_header};
use bytes::Bytes;
use holt_core::{Actor, Error, Result};
use holt_edge::Body;
use holt_engine::directory::WikiRecord;
use holt_engine::{Admin, pages};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Pieces that wait for a slow reader.
const QUEUE: usize = 4;

/// The wiki of the route. A token that may only look opens no wiki, and all pages of one are more than a look at it.
fn taken_along(visitor: &Visitor<'_>) -> Result<WikiRecord> {
    if let Via::Token(program) = &visitor.via
        && !program.manages()
    {
        return Err(Error::denied("this token may only look").hint("Make one on your account's page that may manage your wikis."));
    }
    overview::held(visitor, visitor.param("slug"))
}

/// `GET /api/wikis/{slug}/export`: sent while git makes it, so that a large wiki is never in memory as a whole.
pub fn bundle(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = taken_along(visitor)?;
    let wiki = visitor.app.engine.wiki(record.id);
    let actor = visitor.actor()?;
    // May they, and is there anything: afterwards nothing can be refused any more.
    let scope = wiki.grant::<Admin>(&actor)?;
    if pages::counts(&scope.narrow())?.revisions == 0 {
        return Err(Error::not_found("there is nothing in this wiki yet"));
    }
    let permit = visitor.app.platform.exports.clone().try_acquire_owned();
    let permit = permit.map_err(|_| Error::busy("other wikis are being taken along").hint("Try again in a moment."))?;
    let (send, pieces) = mpsc::channel(QUEUE);
    audit::done(visitor, Some(record.id), "wiki.export", "");
    let (wiki, id) = (wiki.clone(), visitor.request.id.clone());
    Handle::current().spawn_blocking(move || {
        let _permit = permit;
        let made = wiki
            .grant::<Admin>(&Actor::System)
            .and_then(|scope| pages::export_bundle(&scope, |piece| send.blocking_send(Bytes::copy_from_slice(piece)).is_ok()));
        if let Err(error) = made {
            tracing::warn!(request = %id, wiki.id = %wiki.id(), "an export was cut: {}", error.chain());
        }
    });
    let mut reply = raw(StatusCode::OK, "application/x-git-bundle", Bytes::new());
    reply.headers_mut().remove(header::CONTENT_LENGTH);
    *reply.body_mut() = Body::arriving(pieces);
    Ok(with_header(reply, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{}.bundle\"", record.slug)))
}

/// `GET /api/wikis/{slug}/export/settings`: preferences, members and comments; no passwords, no tokens, nobody's drafts.
pub fn settings(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = taken_along(visitor)?;
    let wiki = visitor.app.engine.wiki(record.id);
    let actor = visitor.actor()?;
    let scope = wiki.grant::<Admin>(&actor)?;
    let directory = visitor.app.engine.directory();
    let preferences: Map<String, Value> = wiki
        .preferences()?
        .rows()
        .iter()
        .filter(|(name, _)| !name.contains("PASSWORD"))
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let email = |user| -> Result<Option<String>> { Ok(directory.user(user)?.map(|user| user.email)) };
    let mut members = Vec::new();
    for member in pages::members(&scope)? {
        let flags = member.flags;
        members.push(json!({
            "email": email(member.user)?, "admin": flags.admin, "approved": flags.approved, "read": flags.allow_read,
            "write": flags.allow_write, "upload": flags.allow_upload,
        }));
    }
    let export = pages::comments_export(&scope)?;
    let mut threads = Vec::new();
    for thread in &export.threads {
        let mut comments = Vec::new();
        for comment in &thread.comments {
            comments.push(json!({"name": comment.name, "email": comment.email, "time": comment.created, "text": comment.content}));
        }
        threads.push(json!({"page": thread.thread.path.as_str(), "comments": comments}));
    }
    let said =
        json!({"slug": record.slug.as_str(), "name": record.name, "preferences": preferences, "members": members, "threads": threads});
    let reply = json_reply(StatusCode::OK, &said);
    audit::done(visitor, Some(record.id), "wiki.export", "settings");
    Ok(with_header(reply, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{}.json\"", record.slug)))
}
