//! Undoing one commit by a new one that merges its inverse with what happened since.

use super::write::{Committed, Writing};
use crate::repo::merge::{Merge, merge3};
use crate::repo::{BlobId, FileMode};
use crate::scope::{Scope, Write};
use holt_core::{ChangeKind, Error, FileChange, PagePath, Result, RevisionId};

/// Reverts `target`. `Conflict` if later changes touch the same lines, `Invalid` for a merge or when there is nothing left to undo.
pub fn revert(scope: &Scope<'_, Write>, target: RevisionId, message: &str) -> Result<RevisionId> {
    let default = scope.wiki().preferences()?.language.say_with("Reverted commit {}.", &[&target.short(6)]);
    let message = if message.is_empty() { &default } else { message };
    let writing = Writing::begin(scope, None)?;
    match writing.commit(|writing| inverse(writing, target), message)? {
        Committed::New(revision) => Ok(revision),
        Committed::Nothing(_) => {
            Err(Error::invalid("there is nothing left to undo").hint("The wiki is as it was before that commit already."))
        }
    }
}

fn inverse(writing: &Writing<'_>, target: RevisionId) -> Result<Vec<FileChange>> {
    if !writing.knows(target)? {
        return Err(Error::not_found("there is no such revision"));
    }
    let repo = writing.repo();
    let (_, parents) = repo.revision(target)?;
    if parents.len() > 1 {
        return Err(Error::invalid("a merge cannot be reverted").hint("Revert the commits it brought in, one by one."));
    }
    let head = writing.head.ok_or_else(|| Error::not_found("the wiki is empty"))?;
    let mut wanted = Vec::new();
    for change in repo.changes(parents.first().copied(), target)? {
        if [change.change.file.as_str(), super::old_name(&change.change)].into_iter().any(|file| !writing.may_change(file)) {
            return Err(Error::denied("that commit changed a part of the wiki that is not yours to change")
                .hint("Ask an administrator of the wiki to revert it."));
        }
        let file = change.change.file;
        let before = match &change.change.kind {
            ChangeKind::Renamed { from } => from.clone(),
            _ => file.clone(),
        };
        let at_head = |file: &str| -> Result<Option<(BlobId, Vec<u8>)>> {
            match repo.read(head, file)? {
                Some(entry) if entry.mode != FileMode::Symlink => Ok(Some((entry.id, repo.blob(entry.id)?))),
                _ => Ok(None),
            }
        };
        let now = at_head(&file)?;
        // Where it goes back to there may be something else by now, in whatever spelling.
        if change.old.is_some() && (before != file || now.is_none()) {
            match at_head(&before)? {
                Some((id, _)) if Some(id) == change.old && now.is_none() => continue,
                Some(_) => return Err(changed_since(&before)),
                None if taken(writing, &before, &file)? => return Err(changed_since(&before)),
                None => {}
            }
        }
        let old = change.old.map(|id| repo.blob(id)).transpose()?;
        let content = match (old, change.new, now) {
            // What the commit left is what is there: take back the whole file.
            (old, new, now) if now.as_ref().map(|(id, _)| *id) == new => old,
            // The file changed since: merge line by line.
            (Some(old), Some(new), Some((_, now))) => Some(merged(&repo.blob(new)?, &now, &old, &file)?),
            (Some(old), None, Some((_, now))) if old == now => Some(old),
            (None, Some(_), None) => continue,
            _ => return Err(changed_since(&file)),
        };
        match content {
            Some(content) => {
                wanted.push(FileChange::Put { file: before.clone(), content });
                if before != file {
                    wanted.push(FileChange::Remove { file });
                }
            }
            None => wanted.push(FileChange::Remove { file }),
        }
    }
    Ok(wanted)
}

/// Whether `file` is a page that another file than `except` answers for.
fn taken(writing: &Writing<'_>, file: &str, except: &str) -> Result<bool> {
    let Some(path) = PagePath::from_tree(file) else { return Ok(false) };
    Ok(writing.index()?.page(&path.key())?.is_some_and(|row| row.file != except && row.file != file))
}

fn merged(base: &[u8], now: &[u8], wanted: &[u8], file: &str) -> Result<Vec<u8>> {
    let texts = (std::str::from_utf8(base), std::str::from_utf8(now), std::str::from_utf8(wanted));
    let (Ok(base), Ok(now), Ok(wanted)) = texts else { return Err(changed_since(file)) };
    match merge3(base, now, wanted, "now", "before") {
        Merge::Clean(text) => Ok(text.into_bytes()),
        Merge::Conflict { .. } => Err(changed_since(file)),
    }
}

fn changed_since(file: &str) -> Error {
    Error::conflict(format!("{file} was changed again after that commit"))
        .hint("Open the old revision of the page, take what you need, and save it as a new edit.")
}
