//! Unsaved work, kept on the server with the revision it started from. One draft per page and person; only its owner sees it.

use crate::db::wiki_db::DraftRow;
use crate::scope::{Scope, Write};
use holt_core::{Action, Actor, Error, PagePath, Result, RevisionId, RevisionPrefix, edit::SOURCE_BYTES};

/// A draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The unsaved source.
    pub content: String,
    /// The revision it is based on, if the page existed.
    pub base: Option<RevisionId>,
    /// When it was last kept, Unix seconds.
    pub time: i64,
}

/// Whose draft it is. Anonymous writers have none: there is nobody to give it back to.
fn owner<'a>(scope: &Scope<'a, Write>) -> Option<&'a str> {
    match scope.actor() {
        Actor::Person(person) => Some(&person.email),
        _ => None,
    }
}

/// The actor's draft of `path`.
pub fn draft(scope: &Scope<'_, Write>, path: &PagePath) -> Result<Option<Draft>> {
    let Some(owner) = owner(scope) else { return Ok(None) };
    let row = scope.wiki().db()?.draft(path, owner)?;
    let Some(row) = row else { return Ok(None) };
    // Imported drafts name their base by its first digits.
    let base = match RevisionPrefix::parse(&row.revision) {
        Ok(prefix) => scope.index()?.revision_by_prefix(&prefix)?,
        Err(_) => None,
    };
    Ok(Some(Draft { content: row.content, base, time: row.time }))
}

/// The drafts of the actor with their pages, latest first: those of pages they may still change. The others stay kept.
pub fn drafts(scope: &Scope<'_, Write>) -> Result<Vec<(PagePath, Draft)>> {
    let Some(owner) = owner(scope) else { return Ok(Vec::new()) };
    let rows = scope.wiki().db()?.drafts(owner)?;
    let rows = rows.into_iter().filter(|(path, _)| scope.check(Action::Write, path).is_ok());
    Ok(rows.map(|(path, row)| (path, Draft { content: row.content, base: None, time: row.time })).collect())
}

/// Keeps `content` as the actor's draft of `path`.
pub fn save_draft(scope: &Scope<'_, Write>, path: &PagePath, content: &str, base: Option<RevisionId>) -> Result<()> {
    scope.check(Action::Write, path)?;
    let owner = owner(scope).ok_or_else(|| Error::unauthenticated("log in to keep drafts"))?;
    if content.len() > SOURCE_BYTES {
        return Err(Error::too_large("the draft is longer than a page may be").hint("Split the page in two."));
    }
    let base = base.map(|b| b.to_string()).unwrap_or_default();
    let row = DraftRow { content: content.to_string(), revision: base, cursor: (0, 0), time: scope.wiki().shared.clock.now() };
    scope.wiki().db()?.put_draft(path, owner, &row)
}

/// Forgets the actor's draft of `path`; nothing happens if there is none.
pub fn discard_draft(scope: &Scope<'_, Write>, path: &PagePath) -> Result<()> {
    match owner(scope) {
        Some(owner) => scope.wiki().db()?.delete_draft(path, owner),
        None => Ok(()),
    }
}
