//! Deleting a page, with or without what lies below it. History keeps everything.

use super::write::Writing;
use crate::scope::{Scope, Write};
use holt_core::{Action, Error, FileChange, PagePath, Result, RevisionId};

/// What happens to attachments and subpages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subpages {
    /// They go as well.
    Delete,
    /// They stay.
    Keep,
}

/// Deletes `path` in one commit. `NotFound` if there is nothing to delete.
pub fn delete(scope: &Scope<'_, Write>, path: &PagePath, message: &str, subpages: Subpages) -> Result<RevisionId> {
    let default = scope.wiki().preferences()?.language.say_with("{} deleted.", &[path.as_str()]);
    let message = if message.is_empty() { &default } else { message };
    scope.check(Action::Write, path)?;
    let writing = Writing::begin(scope, None)?;
    let committed = writing.commit(
        |writing| {
            let stored = scope.wiki().index()?.page(&path.key())?.map(|row| row.path);
            let path = stored.as_ref().unwrap_or(path);
            let directory = format!("{}/", path.directory());
            let head = writing.head.ok_or_else(|| Error::not_found("the wiki is empty"))?;
            let goes = |file: &str| file == path.file() || (subpages == Subpages::Delete && file.starts_with(&directory));
            let changes: Vec<FileChange> = writing
                .repo()
                .files(head)?
                .files
                .into_iter()
                .filter(|f| goes(&f.path))
                .map(|f| FileChange::Remove { file: f.path })
                .collect();
            if changes.is_empty() {
                return Err(
                    Error::not_found(format!("there is nothing to delete at {path}")).hint("It may have been moved or deleted meanwhile.")
                );
            }
            Ok(changes)
        },
        message,
    )?;
    Ok(committed.revision())
}
