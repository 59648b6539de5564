//! Pushed commits become one proposal, as if their maker had made the same changes in the browser and might only propose (docs/review.md).

use super::push::{Push, handling, look_at};
use crate::pages::proposals::FILES;
use crate::pages::write::Writing;
use crate::repo::Incoming;
use crate::scope::{Scope, Write};
use holt_core::{ChangeKind, Error, FileChange, PagePath, ProposedAs, Result, RevisionId};

/// Bytes of all files that a proposal by push may put: they are in memory for a moment.
const BYTES: u64 = 32 * 1024 * 1024;

/// Makes it. What is proposed is what `new` has and the wiki had where their histories part.
pub(super) fn propose(scope: &Scope<'_, Write>, incoming: &Incoming, new: RevisionId, push: &Push<'_>) -> Result<ProposedAs> {
    let nothing = || Error::invalid("there is nothing to propose: all of it is in the wiki").hint("Commit something first.");
    let head = scope.wiki().repo()?.head()?;
    let commits = incoming.commits(head, new)?;
    if commits.is_empty() {
        return Err(nothing());
    }
    let base = match head {
        Some(head) => Some(incoming.merge_base(head, new)?.ok_or_else(|| {
            Error::invalid("these commits have no history in common with the wiki").hint("Clone the wiki and make your changes there.")
        })?),
        None => None,
    };
    let changes = look_at(scope, incoming, base, new, &commits, push)?;
    handling(scope, &changes)?;
    if changes.net.is_empty() {
        return Err(nothing());
    }
    if changes.net.len() > FILES {
        return Err(Error::too_large(format!("a proposal changes at most {FILES} files")).hint("Propose less at a time."));
    }
    let (mut files, mut moves, mut bytes) = (Vec::new(), Vec::new(), 0);
    let repo = incoming.repo();
    for change in changes.net {
        let file = change.change.file;
        if change.change.kind == ChangeKind::Deleted {
            files.push(FileChange::Remove { file });
            continue;
        }
        if let ChangeKind::Renamed { from } = &change.change.kind {
            files.push(FileChange::Move { from: from.clone(), to: file.clone() });
            if let (Some(from), Some(to)) = (PagePath::from_tree(from), PagePath::from_tree(&file)) {
                moves.push((from, to));
            }
        }
        if let Some(blob) = change.new.filter(|new| change.old != Some(*new)) {
            bytes += repo.blob_size(blob)?;
            if bytes > BYTES {
                return Err(Error::too_large(format!("a proposal has at most {BYTES} bytes")).hint("Propose less at a time."));
            }
            files.push(FileChange::Put { file, content: repo.blob(blob)? });
        }
    }
    let message = message(incoming, new, commits.len())?;
    let scope = scope.to_propose();
    let mut writing = Writing::begin(&scope, None)?;
    // What they saw; whoever looks at the proposal sees it merged with what happened since.
    writing.head = base;
    writing.moving(moves);
    match writing.try_commit(&files, &message) {
        Err(error) => error.proposal().cloned().ok_or(error),
        Ok(_) => Err(nothing()),
    }
}

/// What the last commit says, and how many there were.
fn message(incoming: &Incoming, new: RevisionId, commits: usize) -> Result<String> {
    let (revision, _) = incoming.repo().revision(new)?;
    let message: String = revision.message.chars().filter(|c| !c.is_control() || *c == '\n').take(1000).collect();
    let message = message.trim().to_string();
    Ok(if commits > 1 { format!("{message}\n\n({commits} commits)") } else { message })
}
