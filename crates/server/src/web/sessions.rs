//! Where somebody is logged in, as they see it in their settings, and how they end that.

use super::people::{SettingsPage, show_settings};
use super::views::SessionView;
use super::{Context, audit, minute, problem};
use crate::reply::{Reply, see_other};
use crate::session;
use holt_core::{Error, ErrorKind, Result, UserId};
use holt_engine::directory::Directory;

/// The sessions of `user`; `token` is the secret of the one at hand.
pub(super) fn list(context: &Context<'_>, user: UserId, token: &str) -> Result<Vec<SessionView>> {
    let directory = context.app.engine.directory();
    let here = Directory::session_id(token);
    let mut views = Vec::new();
    for entry in directory.sessions_of(user, context.now())? {
        let wiki = match entry.wiki {
            Some(wiki) if wiki == context.wiki.id() => context.preferences()?.site_name.clone(),
            Some(wiki) => directory.wiki(wiki)?.map_or_else(String::new, |record| record.name),
            None => String::new(),
        };
        let current = entry.id == here;
        views.push(SessionView { id: entry.id, wiki, created: minute(entry.created), last_used: minute(entry.last_used), current });
    }
    views.sort_by_key(|view| !view.current);
    Ok(views)
}

/// `POST /-/settings/sessions`: ends one session (`end`), or all others (`others`).
pub fn end(context: &Context<'_>) -> Result<Reply> {
    match try_end(context) {
        Ok(reply) => Ok(reply),
        Err(error) if matches!(error.kind, ErrorKind::Internal | ErrorKind::Unauthenticated) => Err(error),
        Err(error) => {
            let page = SettingsPage { problem: Some(problem(&error)), ..SettingsPage::default() };
            show_settings(context, crate::error::status(&error), page)
        }
    }
}

fn try_end(context: &Context<'_>) -> Result<Reply> {
    let Some((session, token)) = &context.session else { return Err(Error::unauthenticated("log in first")) };
    let (form, directory) = (&context.request.body, context.app.engine.directory());
    if form.find("others").is_some() {
        let ended = directory.end_other_sessions(session.user.id, token)?;
        audit::done(context, "session.end", &format!("{ended} others"));
        return Ok(see_other("/-/settings?saved=1#sessions"));
    }
    let id = form.get("end");
    if id == Directory::session_id(token) {
        audit::done(context, "session.end", "this one");
        let cookies = session::end(context.app, token)?;
        return Ok(cookies.iter().fold(see_other("/"), |reply, cookie| crate::reply::with_cookie(reply, cookie)));
    }
    directory.end_session_of(session.user.id, id)?;
    audit::done(context, "session.end", "another one");
    Ok(see_other("/-/settings?saved=1#sessions"))
}
