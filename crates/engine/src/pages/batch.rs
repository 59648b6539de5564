//! Several pages changed in one commit, all or nothing, each only if it still is what the writer saw.
//!
//! Where [`save`](super::save) merges, this refuses: a program that asks for exactly this change gets exactly this change.

use super::write::{Committed, Writing, busy};
use crate::db::index::PageRow;
use crate::scope::{Scope, Write};
use holt_core::edit::SOURCE_BYTES;
use holt_core::{Action, Edit, Error, FileChange, PagePath, Result, RevisionId};

/// What a page must be for its operation to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// There is no such page.
    Absent,
    /// It says what it said at that revision of the wiki.
    As(RevisionId),
    /// It is there.
    Present,
}

impl Expect {
    /// Whether the page that has `row`, or none, is this. Asked by whoever may move the branch, so that it stays so until the commit.
    pub(super) fn fits(self, writing: &Writing<'_>, row: Option<&PageRow>) -> Result<bool> {
        Ok(match (self, row) {
            (Self::Absent, row) => row.is_none(),
            (Self::Present, row) => row.is_some(),
            (Self::As(_), None) => false,
            // Of this wiki's own history only (TEN-9): another one's revision is no base for anything here.
            (Self::As(revision), Some(row)) => {
                row.last_revision == revision
                    || (writing.knows(revision)? && writing.repo().read(revision, &row.file)?.is_some_and(|then| then.id == row.blob))
            }
        })
    }
}

/// Whether the files beside a page go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SideFiles {
    /// They go. Pages below it, and their files, stay.
    Delete,
    /// They stay.
    Keep,
}

/// What happens to one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationKind {
    /// It has this source.
    Put(String),
    /// The only place where it says `old` says `new`.
    Replace {
        /// What is there once.
        old: String,
        /// What is there then.
        new: String,
    },
    /// It is gone.
    Delete(SideFiles),
}

/// One page of a [`change_pages`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Which page, in any spelling.
    pub path: PagePath,
    /// Only if it is this.
    pub expect: Expect,
    /// What happens to it.
    pub kind: OperationKind,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Batch {
    /// All of it is durable.
    Done {
        /// The revision that holds it.
        revision: RevisionId,
        /// The pages as they are stored, in the order of the operations.
        paths: Vec<PagePath>,
        /// Whether there was anything to change.
        changed: bool,
    },
    /// The page of this operation is not what was expected; nothing has changed.
    Stale {
        /// Which operation.
        at: usize,
        /// The revision that last changed the page; none if there is no such page.
        current: Option<RevisionId>,
    },
}

/// Does all `operations` in one commit, or none. No page may be in two of them.
pub fn change_pages(scope: &Scope<'_, Write>, operations: &[Operation], message: &str) -> Result<Batch> {
    let message = holt_core::edit::check_message(message)?;
    for (at, operation) in operations.iter().enumerate() {
        scope.check(Action::Write, &operation.path)?;
        let key = operation.path.key();
        if operations[..at].iter().any(|before| before.path.key() == key) {
            return Err(Error::invalid(format!("two operations are about the page {}", operation.path)).hint("Join them into one."));
        }
    }
    let mut writing = Writing::begin(scope, None)?;
    for _ in 0..16 {
        let (mut changes, mut paths) = (Vec::new(), Vec::new());
        for (at, operation) in operations.iter().enumerate() {
            match plan(scope, &writing, operation, &mut changes)? {
                Planned::Fits(path) => paths.push(path),
                Planned::Stale(current) => return Ok(Batch::Stale { at, current }),
            }
        }
        if let Some(committed) = writing.try_commit(&changes, &message)? {
            writing.finish(committed);
            return Ok(Batch::Done { revision: committed.revision(), paths, changed: matches!(committed, Committed::New(_)) });
        }
    }
    Err(busy())
}

enum Planned {
    Fits(PagePath),
    Stale(Option<RevisionId>),
}

fn plan(scope: &Scope<'_, Write>, writing: &Writing<'_>, operation: &Operation, changes: &mut Vec<FileChange>) -> Result<Planned> {
    let row = writing.index()?.page(&operation.path.key())?;
    let current = row.as_ref().map(|row| row.last_revision);
    if !operation.expect.fits(writing, row.as_ref())? {
        return Ok(Planned::Stale(current));
    }
    let path = match &row {
        Some(row) => row.path.clone(),
        None => scope.wiki().preferences()?.file_case(operation.path.clone()).for_creation()?.into_path(),
    };
    match &operation.kind {
        OperationKind::Put(source) => changes.push(put(&path, source.clone())?),
        OperationKind::Replace { old, new } => {
            let Some(row) = &row else { return Err(Error::not_found(format!("there is no page {path}"))) };
            let text = super::text::readable(writing.repo().blob(row.blob)?);
            changes.push(put(&path, replaced(&text, old, new)?)?);
        }
        OperationKind::Delete(files) => {
            let Some(row) = &row else { return Err(Error::not_found(format!("there is no page {path}"))) };
            changes.push(FileChange::Remove { file: row.file.clone() });
            if *files == SideFiles::Delete {
                let beside = writing.index()?.attachments(&path)?;
                changes.extend(beside.into_iter().map(|file| FileChange::Remove { file: file.file }));
            }
        }
    }
    Ok(Planned::Fits(path))
}

fn put(path: &PagePath, source: String) -> Result<FileChange> {
    // The rules for the text of a page are those of an edit.
    let edit = Edit::new(path.clone(), None, source, "")?;
    Ok(FileChange::Put { file: path.file(), content: edit.source().as_bytes().to_vec() })
}

/// `text` with `new` where `old` stands, which must be there exactly once (security.md API-4).
pub fn replaced(text: &str, old: &str, new: &str) -> Result<String> {
    if old.is_empty() {
        return Err(Error::invalid("old_string is empty").hint("Send the text to replace, as it stands in the page."));
    }
    match text.matches(old).count() {
        1 if text.len() + new.len() > SOURCE_BYTES + old.len() => {
            Err(Error::too_large(format!("the page would be longer than {SOURCE_BYTES} bytes")).hint("Split the page in two."))
        }
        1 => Ok(text.replacen(old, new, 1)),
        0 => Err(Error::invalid("old_string was not found in the page")
            .hint("It must match exactly, white space included: read the page again.")),
        count => {
            Err(Error::invalid(format!("old_string occurs {count} times in the page")).hint("Send a longer string that occurs only once."))
        }
    }
}
