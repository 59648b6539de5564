//! Several pages changed in one commit, all or nothing, each only if it still is what the writer saw.
//!
//! Where [`save`](super::save) merges, this refuses: a program that asks for exactly this change gets exactly this change.

use super::moving::{self, Moving};
use super::rename::Backlinks;
use super::write::{Committed, Writing, busy};
use crate::db::index::PageRow;
use crate::scope::{Scope, Write};
use holt_core::edit::SOURCE_BYTES;
use holt_core::{Action, Edit, Error, ErrorKind, FileChange, PagePath, Result, RevisionId};

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
    /// It moves there, with its files and what is below it. Links in texts of the same commit follow, too.
    Rename(PagePath, Backlinks),
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
#[derive(Debug)]
pub enum Batch {
    /// All of it is durable.
    Done {
        /// The revision that holds it.
        revision: RevisionId,
        /// The pages as they are stored, in the order of the operations.
        paths: Vec<PagePath>,
        /// Whether there was anything to change.
        changed: bool,
        /// The pages, but for those, in which links followed a rename.
        updated: Vec<PagePath>,
    },
    /// There is something already where the page of this operation would move; nothing has changed.
    Taken {
        /// Which operation.
        at: usize,
        /// What is there, and what helps.
        problem: Box<Error>,
    },
    /// This operation cannot be done, by anybody or by who asks; nothing has changed.
    Refused {
        /// Which operation.
        at: usize,
        /// What of it.
        about: Fault,
        /// Why, and what helps.
        problem: Box<Error>,
    },
    /// The page of this operation is not what was expected; nothing has changed.
    Stale {
        /// Which operation.
        at: usize,
        /// The revision that last changed the page; none if there is no such page.
        current: Option<RevisionId>,
    },
}

/// What of an operation is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The page it is about.
    Page,
    /// What it does to it: the text, the string to replace, the new path.
    Change,
}

/// Does all `operations` in one commit, or none. No page may be in two of them; a rename is about all that is below the page and its new place.
pub fn change_pages(scope: &Scope<'_, Write>, operations: &[Operation], message: &str) -> Result<Batch> {
    let message = holt_core::edit::check_message(message)?;
    for (at, operation) in operations.iter().enumerate() {
        if let Err(problem) = scope.check(Action::Write, &operation.path) {
            return refused(at, Fault::Page, problem);
        }
        if let Some(twice) = operations[..at].iter().find_map(|before| both_touch(before, operation)) {
            return refused(
                at,
                Fault::Page,
                Error::invalid(format!("two operations are about the page {twice}")).hint("Join them into one."),
            );
        }
    }
    let mut writing = Writing::begin(scope, None)?;
    for _ in 0..16 {
        let mut planned = Planned::default();
        for (at, operation) in operations.iter().enumerate() {
            match plan(scope, &writing, operation, &mut planned) {
                Ok(Fit::Yes) => {}
                Ok(Fit::Stale(current)) => return Ok(Batch::Stale { at, current }),
                Err(problem) if problem.kind == ErrorKind::Conflict => return Ok(Batch::Taken { at, problem: Box::new(problem) }),
                Err(problem) => {
                    let is_change = matches!(problem.kind, ErrorKind::Invalid | ErrorKind::TooLarge);
                    return refused(at, if is_change { Fault::Change } else { Fault::Page }, problem);
                }
            }
        }
        let Planned { mut changes, paths, moves } = planned;
        let mut updated = Vec::new();
        if !moves.is_empty() {
            // A commit that would be refused must not change a rule first; and rules are there before the pages are.
            moving::check(&writing, &moves)?;
            writing.check(&changes)?;
            moving::take_rules_along(scope, &mut writing, &moves, &changes)?;
            updated = moving::changes(&writing, scope, &moves, &mut changes)?;
            updated.retain(|page| !moves.iter().any(|one| one.takes(page)));
        }
        if let Some(committed) = writing.try_commit(&changes, &message)? {
            moving::follow(scope, moves.iter().map(Moving::way));
            writing.finish(committed);
            let changed = matches!(committed, Committed::New(_));
            return Ok(Batch::Done { revision: committed.revision(), paths, changed, updated });
        }
    }
    Err(busy())
}

/// What is wrong with an operation belongs to it; what is wrong with us does not.
fn refused(at: usize, about: Fault, problem: Error) -> Result<Batch> {
    match problem.kind {
        ErrorKind::Internal | ErrorKind::Busy => Err(problem),
        _ => Ok(Batch::Refused { at, about, problem: Box::new(problem) }),
    }
}

/// A page that is in both operations.
fn both_touch<'o>(a: &'o Operation, b: &'o Operation) -> Option<&'o PagePath> {
    let within =
        |page: &PagePath, top: &PagePath| page.key() == top.key() || page.key().as_str().starts_with(&format!("{}/", top.key().as_str()));
    let touched = |operation: &'o Operation| match &operation.kind {
        OperationKind::Rename(to, _) => [Some(&operation.path), Some(to)],
        _ => [Some(&operation.path), None],
    };
    let is_rename = |operation: &Operation| matches!(operation.kind, OperationKind::Rename(..));
    touched(a).into_iter().flatten().find_map(|one| {
        let overlaps =
            |other: &&PagePath| one.key() == other.key() || (is_rename(a) && within(other, one)) || (is_rename(b) && within(one, other));
        touched(b).into_iter().flatten().find(overlaps)
    })
}

/// What all operations come to.
#[derive(Default)]
struct Planned {
    changes: Vec<FileChange>,
    paths: Vec<PagePath>,
    moves: Vec<Moving>,
}

enum Fit {
    Yes,
    Stale(Option<RevisionId>),
}

fn plan(scope: &Scope<'_, Write>, writing: &Writing<'_>, operation: &Operation, planned: &mut Planned) -> Result<Fit> {
    let row = writing.index()?.page(&operation.path.key())?;
    let current = row.as_ref().map(|row| row.last_revision);
    if !operation.expect.fits(writing, row.as_ref())? {
        return Ok(Fit::Stale(current));
    }
    let path = match &row {
        Some(row) => row.path.clone(),
        None => scope.wiki().preferences()?.file_case(operation.path.clone()).for_creation()?.into_path(),
    };
    let missing = || Error::not_found(format!("there is no page {path}"));
    match &operation.kind {
        OperationKind::Put(source) => planned.changes.push(put(&path, source.clone())?),
        OperationKind::Replace { old, new } => {
            let text = super::text::readable(writing.repo().blob(row.as_ref().ok_or_else(missing)?.blob)?);
            planned.changes.push(put(&path, replaced(&text, old, new)?)?);
        }
        OperationKind::Delete(files) => {
            planned.changes.push(FileChange::Remove { file: row.as_ref().ok_or_else(missing)?.file.clone() });
            if *files == SideFiles::Delete {
                let beside = writing.index()?.attachments(&path)?;
                planned.changes.extend(beside.into_iter().map(|file| FileChange::Remove { file: file.file }));
            }
        }
        OperationKind::Rename(to, backlinks) => {
            let from = &row.as_ref().ok_or_else(missing)?.path;
            let to = moving::target(scope, from, to)?;
            planned.moves.push(moving::plan(writing, from, &to, *backlinks)?);
            planned.paths.push(to);
            return Ok(Fit::Yes);
        }
    }
    planned.paths.push(path);
    Ok(Fit::Yes)
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
