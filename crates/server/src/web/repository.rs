//! The repository of a wiki, as its administrators see it, and whether git clients find it. What else there is to do, Holt does by itself.

use super::files::{first_line, size};
use super::views::{LastCommit, RepositoryView, tabs};
use super::{Context, audit, moment};
use crate::reply::{Reply, see_other};
use holt_core::Result;
use holt_engine::pages::git::{FORCE_SWITCH, GIT_SWITCH, git_is_on};
use holt_engine::{Admin, pages, publish};
use http::StatusCode;

const PATH: &str = "/-/admin/repository_management";

/// `GET /-/admin/repository_management`
pub fn show(context: &Context<'_>) -> Result<Reply> {
    let scope = context.scope::<Admin>()?;
    let state = pages::repository(&scope)?;
    let counts = pages::counts(&scope.narrow())?;
    let newest = pages::changelog(&scope.narrow(), &pages::Filter::default(), None, 1)?;
    let language = context.preferences()?.language;
    let last = newest.first().map(|entry| LastCommit {
        message: first_line(&entry.revision.message),
        author: publish::by(&entry.revision, language),
        url: format!("/-/commit/{}", entry.revision.id),
        when: moment(entry.revision.time),
    });
    let (is_on, force) = (git_is_on(context.wiki)?, context.preferences()?.is_on(FORCE_SWITCH));
    let notice = context.request.query("saved").map(|_| "Saved.".to_string());
    context.form(StatusCode::OK, "Repository", |csrf| RepositoryView {
        csrf,
        notice,
        git: is_on,
        force,
        clone_address: format!("{}/.git", context.origin()),
        tabs: tabs(PATH),
        // Where things lie on the machine is for those who rule it.
        path: context.is_operator().then(|| context.wiki.repo_path().display().to_string()),
        branch: state.branch,
        pages: counts.pages,
        attachments: counts.attachments,
        commits: counts.revisions,
        size: size(state.weight.bytes),
        packs: state.weight.packs,
        last,
    })
}

/// `POST /-/admin/repository_management`: whether git clients find the wiki (`git_web_server`), and whether administrators replace its history
/// (`git_allow_force`).
pub fn set(context: &Context<'_>) -> Result<Reply> {
    let word = |field| if context.request.body.get(field) == "True" { "True" } else { "False" };
    let (git, force) = (word("git_web_server"), word("git_allow_force"));
    pages::set_preferences(&context.scope::<Admin>()?, &[(GIT_SWITCH, git), (FORCE_SWITCH, force)])?;
    audit::done(context, "wiki.git", &format!("{GIT_SWITCH}={git} {FORCE_SWITCH}={force}"));
    Ok(see_other(&format!("{PATH}?saved=1")))
}
