//! The repository of a wiki, as its administrators see it. Nothing is changed here: what there is to do, Holt does by itself.

use super::files::{first_line, size};
use super::views::{LastCommit, RepositoryView, tabs};
use super::{Context, moment};
use crate::reply::Reply;
use holt_core::Result;
use holt_engine::{Admin, pages, publish};
use http::StatusCode;

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
    let view = RepositoryView {
        tabs: tabs("/-/admin/repository_management"),
        // Where things lie on the machine is for those who rule it.
        path: context.is_operator().then(|| context.wiki.repo_path().display().to_string()),
        branch: state.branch,
        pages: counts.pages,
        attachments: counts.attachments,
        commits: counts.revisions,
        size: size(state.weight.bytes),
        packs: state.weight.packs,
        last,
    };
    context.page(StatusCode::OK, "Repository", &view)
}
