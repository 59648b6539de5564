//! What a client asked for before, by the name it gave it: the trailer of the commit that did it is all that is remembered, so that it is as
//! durable as the commit itself (security.md API-5, DUR-5).

use super::write::made_here;
use crate::scope::{Read, Scope};
use holt_core::{Change, OpId, Result, RevisionId};

/// A change that was made before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The operation, as its commit names it.
    pub op: String,
    /// The commit.
    pub revision: RevisionId,
    /// The commit it was made on top of.
    pub before: Option<RevisionId>,
    /// What it did to files.
    pub changes: Vec<Change>,
}

/// The first commit since `since` (Unix seconds) whose operation begins with `name` and a full stop. An operation whose commit is not made yet, or
/// that had nothing to change, is unknown; so is one of which the caller sees nothing any more.
pub fn done(scope: &Scope<'_, Read>, name: &OpId, since: i64) -> Result<Option<Done>> {
    let wiki = scope.wiki();
    let claimed = scope.index()?.revisions_by_op_name(name, since)?;
    let Some(revision) = made_here(wiki, claimed.iter().map(|(_, revision)| *revision))? else { return Ok(None) };
    let Some((op, _)) = claimed.into_iter().find(|(_, claimed)| *claimed == revision) else { return Ok(None) };
    let repo = wiki.repo()?;
    let before = repo.revision(revision)?.1.first().copied();
    let changes = repo.changes(before, revision)?.into_iter().map(|change| change.change).collect();
    Ok(Some(Done { op, revision, before, changes }))
}
