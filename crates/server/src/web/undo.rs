//! Taking back what an agent, or anybody, did: a preview with every difference, boxes to choose by, and one button.

use super::history::wanted;
use super::views::{DiffLayout, FileDiff, Problem, UndoCheck, UndoStays, UndoView};
use super::{Context, layout, problem};
use crate::reply::{Reply, see_other};
use holt_core::{ErrorKind, PagePath, Result};
use holt_engine::Write;
use holt_engine::db::preferences::Preferences;
use holt_engine::pages::{self, UndoItem, UndoKind, UndoOf};
use http::StatusCode;

/// Files whose differences are shown; of the others the names are.
const SHOWN: usize = 50;

/// `GET /-/undo?via=…&person=…&session=…`, or any other filter of the changelog that says by whom.
pub fn form(context: &Context<'_>) -> Result<Reply> {
    show(context, StatusCode::OK, None)
}

fn name(preferences: &Preferences, file: &str) -> String {
    PagePath::from_tree(file).map_or_else(|| file.to_string(), |path| preferences.display_name(&path, None))
}

fn show(context: &Context<'_>, status: StatusCode, problem: Option<Problem>) -> Result<Reply> {
    let of = UndoOf { filter: wanted(context)?, revisions: Vec::new() };
    let plan = pages::undo_plan(&context.scope::<Write>()?, &of)?;
    let preferences = context.preferences()?;
    let (language, said) = (preferences.language, &context.request.body);
    let chosen = |item: &UndoItem| problem.is_none() || said.all("file").any(|file| file == item.file);
    let what = |item: &UndoItem| match &item.kind {
        UndoKind::Changed => language.say("as it was before").into_owned(),
        UndoKind::Deleted => language.say("is deleted").into_owned(),
        UndoKind::Restored => language.say("comes back").into_owned(),
        UndoKind::Renamed(place) => language.say_with("is called {} again", &[&name(&preferences, place)]),
    };
    let checks = plan.items.iter().map(|item| UndoCheck {
        file: item.file.clone(),
        name: name(&preferences, &item.file),
        what: what(item),
        chosen: chosen(item),
    });
    let checks: Vec<UndoCheck> = checks.collect();
    let differs = |item: &&UndoItem| item.hunks.as_ref().is_none_or(|hunks| !hunks.is_empty());
    let diff = |item: &UndoItem| FileDiff {
        name: name(&preferences, &item.file),
        url: PagePath::from_tree(&item.file).filter(|_| item.kind != UndoKind::Restored).map(|path| path.url()),
        note: None,
        body: layout::body(item.hunks.as_deref(), DiffLayout::Inline, "Not shown: no text, or too long."),
    };
    let files: Vec<FileDiff> = plan.items.iter().filter(differs).take(SHOWN).map(diff).collect();
    let stays = |(file, why): &(String, pages::UndoConflict)| UndoStays {
        name: name(&preferences, file),
        history_url: PagePath::from_tree(file).map(|path| format!("{}/history", path.url())),
        why: why.why(),
    };
    let stays = plan.conflicts.iter().map(stays).collect();
    let query = context.request.uri.query().unwrap_or_default();
    let filter = of.filter;
    let view = |csrf| UndoView {
        csrf,
        action: format!("/-/undo?{query}"),
        changes_url: format!("/-/changelog?{query}"),
        plan: plan.id.clone(),
        commits: plan.commits,
        via: filter.via.or(filter.agent).unwrap_or_default(),
        person: filter.person.or(filter.author).unwrap_or_default(),
        session: filter.session.unwrap_or_default(),
        more: checks.len().saturating_sub(SHOWN),
        checks,
        files,
        stays,
        problem,
    };
    context.form(status, "Undo", view)
}

/// `POST /-/undo?…`
pub fn undo(context: &Context<'_>) -> Result<Reply> {
    let of = UndoOf { filter: wanted(context)?, revisions: Vec::new() };
    let said = &context.request.body;
    let files: Vec<String> = said.all("file").map(str::to_string).collect();
    let message = holt_core::edit::check_message(said.get("message").trim())?;
    match pages::undo(&context.scope::<Write>()?, &of, said.get("plan"), Some(&files), &message) {
        Ok(undone) => match undone.revision {
            Some(revision) => {
                context.changed("undone", &undone.plan.id, revision);
                Ok(see_other(&format!("/-/commit/{revision}")))
            }
            None => Ok(see_other(&format!("/-/undo?{}", context.request.uri.query().unwrap_or_default()))),
        },
        Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::Invalid) => {
            show(context, crate::error::status(&error), Some(problem(&error)))
        }
        Err(error) => Err(error),
    }
}
