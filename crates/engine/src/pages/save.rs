//! Saving one page: the contract of every door. Base revision in; disjoint edits merge; a true conflict comes back with three texts.

use super::write::{Committed, Writing, busy};
use crate::repo::merge::{Merge, merge3};
use crate::scope::{Scope, Write};
use holt_core::{Action, Conflict, Edit, Error, FileChange, OpId, PagePath, Result, RevisionId, SaveOutcome, Saved};

/// Saves `edit`. Durable when it returns [`SaveOutcome::Saved`]; nothing has changed when it returns anything else.
///
/// * No base: the page is created; if it exists already, that is a conflict, never an overwrite.
/// * A base that is the current revision, or older: merged line by line with what happened since.
/// * A base this wiki has never had: `Conflict` (DESIGN §6).
/// * The same `op` again: the first outcome again.
pub fn save(scope: &Scope<'_, Write>, edit: &Edit, op: Option<&OpId>) -> Result<SaveOutcome> {
    scope.check(Action::Write, &edit.path)?;
    let mut writing = Writing::begin(scope, op)?;
    if let Some(revision) = writing.done_before()? {
        return Ok(SaveOutcome::Saved(Saved { revision, merged: false, changed: true }));
    }
    for _ in 0..16 {
        let path = stored_path(scope, edit)?;
        let theirs = text_at(&writing, writing.head, &path)?;
        let step = match decide(&writing, edit, &path, theirs.as_deref())? {
            Step::Write { text, merged } => (text, merged),
            Step::Conflict(conflict) => return Ok(SaveOutcome::Conflict(conflict)),
        };
        let (text, merged) = step;
        if theirs.is_none() {
            path.clone().for_creation()?;
        }
        let changes = [FileChange::Put { file: path.file(), content: text.into_bytes() }];
        if let Some(committed) = writing.try_commit(&changes, &message(scope, edit, &path, theirs.is_none())?)? {
            let changed = matches!(committed, Committed::New(_));
            writing.finish(committed);
            return Ok(SaveOutcome::Saved(Saved { revision: committed.revision(), merged, changed }));
        }
    }
    Err(busy())
}

pub use crate::repo::merge::MergePart;

/// The parts of a merge that could not be decided: what is at `current` as `ours`, what was sent as `theirs`. No parts if the page is not there
/// at one of the revisions.
pub fn merge_parts(
    scope: &Scope<'_, crate::scope::Read>,
    path: &PagePath,
    base: RevisionId,
    current: RevisionId,
    yours: &str,
) -> Result<Vec<MergePart>> {
    let text = |at| Ok(super::page_at(scope, path, at)?.map(|page| super::text::readable(page.source.clone())));
    let (Some(base), Some(theirs)) = (text(base)?, text(current)?) else { return Ok(Vec::new()) };
    Ok(crate::repo::merge::merge_parts(&base, &theirs, yours))
}

enum Step {
    Write { text: String, merged: bool },
    Conflict(Box<Conflict>),
}

fn decide(writing: &Writing<'_>, edit: &Edit, path: &PagePath, theirs: Option<&str>) -> Result<Step> {
    let write = |text: &str, merged| Ok(Step::Write { text: text.to_string(), merged });
    let yours = edit.source();
    let base = match (edit.base, theirs) {
        (None, None) => return write(yours, false),
        (None, Some(_)) => None,
        (Some(base), _) if Some(base) == writing.head => {
            // Nobody committed since: what is there is what the writer saw.
            return write(yours, false);
        }
        (Some(base), _) => base_text(writing, base, path)?,
    };
    if base.as_deref() == theirs {
        // The wiki moved on, this page did not.
        return write(yours, false);
    }
    let merge = merge3(base.as_deref().unwrap_or_default(), theirs.unwrap_or_default(), yours, "theirs", "yours");
    let marked = match merge {
        Merge::Clean(text) if base.is_some() && theirs.is_some() => return Ok(Step::Write { text, merged: true }),
        Merge::Clean(text) | Merge::Conflict { text, .. } => text,
    };
    if theirs == Some(yours) {
        return write(yours, true);
    }
    let current = writing.head.ok_or_else(|| Error::conflict("the wiki is empty"))?;
    let by = writing.last_change_of(path)?;
    Ok(Step::Conflict(Box::new(Conflict {
        base,
        theirs: theirs.map(str::to_string),
        yours: yours.to_string(),
        merged: marked,
        current,
        by,
    })))
}

/// The page as the writer saw it. Only revisions of this wiki's own history count (TEN-9).
fn base_text(writing: &Writing<'_>, base: RevisionId, path: &PagePath) -> Result<Option<String>> {
    if !writing.knows(base)? {
        return Err(Error::conflict("the edit is based on a revision this wiki does not have")
            .hint("Read the page again and apply your change to what it says now."));
    }
    text_at(writing, Some(base), path)
}

fn text_at(writing: &Writing<'_>, at: Option<RevisionId>, path: &PagePath) -> Result<Option<String>> {
    let Some(at) = at else { return Ok(None) };
    let Some(entry) = writing.repo().read(at, &path.file())? else { return Ok(None) };
    let bytes = writing.repo().blob(entry.id)?;
    Ok(Some(super::text::readable(bytes)))
}

/// The page under the name it is stored by; a page that does not exist must have a name that may be created.
fn stored_path(scope: &Scope<'_, Write>, edit: &Edit) -> Result<PagePath> {
    match scope.wiki().index()?.page(&edit.path.key())? {
        Some(row) => Ok(row.path),
        None if edit.base.is_some() => Ok(edit.path.clone()),
        None => Ok(scope.wiki().preferences()?.file_case(edit.path.clone())),
    }
}

fn message(scope: &Scope<'_, Write>, edit: &Edit, path: &PagePath, new: bool) -> Result<String> {
    let language = scope.wiki().preferences()?.language;
    Ok(match edit.message() {
        "" if new => language.say_with("Created {}", &[path.as_str()]),
        "" => language.say_with("Updated {}", &[path.as_str()]),
        given => given.to_string(),
    })
}
