//! What changed since a revision, for programs that follow a wiki: every commit once, however it got here.

use crate::db::index::{After, Entry};
use crate::scope::{Read, Scope};
use holt_core::{Result, RevisionId};

/// Longest part that is returned at once (security.md INP-13).
const LIMIT: usize = 200;

/// From where somebody goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// The beginning of the wiki.
    Beginning,
    /// What they know.
    Revision(RevisionId),
}

/// Where a list goes on that came in parts: its end, which stays although the wiki changes meanwhile, and the last commit of the part before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangesPlace {
    /// See above.
    pub until: RevisionId,
    /// See above.
    pub last: RevisionId,
}

/// A part of what changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Commits, ancestors first.
    pub entries: Vec<Entry>,
    /// Whoever has read all parts knows everything up to this revision. None in a wiki without any.
    pub until: Option<RevisionId>,
    /// Where it goes on. None if this was the last part.
    pub next: Option<ChangesPlace>,
}

/// The newest revision that the actor knows of.
pub fn newest(scope: &Scope<'_, Read>) -> Result<Option<RevisionId>> {
    scope.index()?.newest()
}

/// The commits of the wiki's history that are not in that of `since`: `limit` of them, from `place` on. None if one of the revisions is not
/// part of the history, because it is another wiki's or was taken out of it.
pub fn changes(scope: &Scope<'_, Read>, since: Since, place: Option<ChangesPlace>, limit: usize) -> Result<Option<Changes>> {
    let index = scope.index()?;
    let from = match since {
        Since::Beginning => i64::MIN,
        Since::Revision(revision) => match index.place_of(revision)? {
            Some(place) => place,
            None => return Ok(None),
        },
    };
    let last = match place {
        Some(place) => match index.place_of(place.last)? {
            Some(position) => Some((position, place.last)),
            None => return Ok(None),
        },
        None => None,
    };
    let Some(until) = place.map(|place| place.until).map_or_else(|| index.newest(), |until| Ok(Some(until)))? else {
        return Ok(Some(Changes { entries: Vec::new(), until: None, next: None }));
    };
    let Some(to) = index.place_of(until)? else { return Ok(None) };
    let limit = limit.min(LIMIT);
    let mut entries = if index.merged_after(from)? {
        let from = match since {
            Since::Beginning => None,
            Since::Revision(revision) => Some(revision),
        };
        index.since(&After::These(&scope.wiki().repo()?.between(from, until)?), last, limit + 1)?
    } else {
        index.since(&After::Place(from, to), last, limit + 1)?
    };
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|entry| ChangesPlace { until, last: entry.revision.id });
    // What they know may be newer than what they may see of it.
    let until = match since {
        Since::Revision(revision) if from > to => revision,
        _ => until,
    };
    Ok(Some(Changes { entries, until: Some(until), next }))
}
