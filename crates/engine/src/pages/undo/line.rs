//! One file through time, twice: as it was, and as it would have been had certain commits not been made. What others did is done to both; what is
//! taken back, to the first alone. What others changed since in the same lines cannot be done to the second: then it stays as it is.
//!
//! Others' commits are replayed by three-way merges, so that undoing again, after whatever others did to the result, finds nothing to do.

use crate::db::index::{Event, Index};
use crate::repo::merge::{Merge, merge3};
use crate::repo::{BlobId, FileMode, Repo};
use holt_core::{ChangeKind, Result, RevisionId};
use std::collections::{BTreeSet, HashSet};

/// Most changes of one file that are gone through.
const EVENTS: usize = 2_000;

/// Why something is not taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UndoConflict {
    /// Others changed the same lines since.
    Edited,
    /// It was made by what is undone, and others wrote in it since.
    Continued,
    /// Others renamed it since.
    Renamed,
    /// Something else is where it would go back to.
    Taken,
    /// Some of it is not for whoever undoes to change.
    NotYours,
    /// It was changed too often to go through all of it.
    TooMuch,
    /// It is no ordinary file.
    NoFile,
}

impl UndoConflict {
    /// For people, in English.
    pub fn why(self) -> &'static str {
        match self {
            Self::Edited => "somebody changed the same lines since",
            Self::Continued => "somebody else wrote in it since",
            Self::Renamed => "somebody renamed it since",
            Self::Taken => "something else has that name now",
            Self::NotYours => "a part of it is not yours to change",
            Self::TooMuch => "it was changed too often since",
            Self::NoFile => "it is no ordinary file",
        }
    }
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// What the repository has already.
    Stored(BlobId),
    /// What a merge made.
    Merged(Vec<u8>),
}

impl Content {
    /// Its bytes.
    pub(super) fn bytes(&self, repo: &Repo) -> Result<Vec<u8>> {
        match self {
            Self::Stored(id) => repo.blob(*id),
            Self::Merged(bytes) => Ok(bytes.clone()),
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Line {
    /// Where it is, or was last.
    pub(super) file: String,
    /// What is there; none if it is gone.
    pub(super) now: Option<BlobId>,
    /// What would be, and where.
    pub(super) then: Option<(String, Content)>,
    /// Every name it had.
    pub(super) names: BTreeSet<String>,
    /// How many commits that are undone touched it.
    pub(super) undone: usize,
    /// Why it cannot be told what would be.
    pub(super) conflict: Option<UndoConflict>,
}

/// What a line is followed with.
pub(super) struct Past<'p> {
    pub(super) repo: &'p Repo,
    pub(super) index: &'p Index,
    /// The commits that are undone.
    pub(super) undone: &'p HashSet<RevisionId>,
    pub(super) head: RevisionId,
}

impl Line {
    /// Follows the file that `first`, which is undone, changed, until now. What else of the undone commits it meets goes into `seen`.
    pub(super) fn follow(past: &Past<'_>, first: &Event, seen: &mut HashSet<(RevisionId, String)>) -> Result<Self> {
        let change = &first.change;
        let before = match &change.change.kind {
            ChangeKind::Renamed { from } => from.clone(),
            _ => change.change.file.clone(),
        };
        let file = change.change.file.clone();
        let mut line = Self {
            names: BTreeSet::from([before.clone(), file.clone()]),
            then: change.old.map(|id| (before, Content::Stored(id))),
            now: change.new,
            file,
            undone: 1,
            conflict: None,
        };
        let (mut after, mut left) = (first.seq, EVENTS);
        'name: loop {
            let events = past.index.events_at(&line.file, after, left + 1)?;
            if events.len() > left {
                line.conflict = Some(UndoConflict::TooMuch);
            }
            for event in events.iter().take(left) {
                (after, left) = (event.seq, left - 1);
                let name = line.file.clone();
                if past.undone.contains(&event.revision) {
                    // What came here from elsewhere is another file's story, unless there is none here.
                    if line.takes_back(event) {
                        seen.insert((event.revision, event.change.change.file.clone()));
                        line.undone += 1;
                    }
                } else if line.conflict.is_none() {
                    line.conflict = line.keeps(past.repo, event)?;
                } else {
                    line.only_follow(event);
                }
                if line.file != name {
                    line.names.insert(line.file.clone());
                    continue 'name;
                }
            }
            break;
        }
        line.arrive(past)?;
        Ok(line)
    }
    /// An event of an undone commit: it happened, but would not have. Whether it is of this file.
    fn takes_back(&mut self, event: &Event) -> bool {
        let comes = event.change.change.file == self.file;
        match &event.change.change.kind {
            ChangeKind::Renamed { from } if *from == self.file && self.now.is_some() => {
                self.file.clone_from(&event.change.change.file);
                self.now = event.change.new;
                true
            }
            ChangeKind::Renamed { .. } => false,
            _ if comes => {
                self.now = event.change.new;
                true
            }
            _ => false,
        }
    }
    fn only_follow(&mut self, event: &Event) {
        match &event.change.change.kind {
            ChangeKind::Renamed { from } if *from == self.file => {
                self.file.clone_from(&event.change.change.file);
                self.now = event.change.new;
            }
            _ if event.change.change.file == self.file => self.now = event.change.new,
            _ => {}
        }
    }
    /// An event of anybody else's: it happens to both.
    fn keeps(&mut self, repo: &Repo, event: &Event) -> Result<Option<UndoConflict>> {
        let (old, new) = (event.change.old, event.change.new);
        let here = event.change.change.file == self.file;
        match &event.change.change.kind {
            // What an undoing moved was taken away at one place and put back at another: whether git takes that for a move is chance.
            ChangeKind::Renamed { from } if *from == self.file && event.undoes => {
                (self.now, self.then) = (None, None);
            }
            ChangeKind::Renamed { from } if *from == self.file => {
                let to = event.change.change.file.clone();
                let was = std::mem::replace(&mut self.file, to.clone());
                let Some((place, content)) = self.then.take() else {
                    // A name is no content: what would not be there is still what the undone commits made.
                    self.now = new;
                    return Ok((old != new).then_some(UndoConflict::Continued));
                };
                let place = if place == was || place == to { to } else { return Ok(Some(UndoConflict::Renamed)) };
                return self.changed(repo, old, new, place, content);
            }
            ChangeKind::Deleted if here => (self.now, self.then) = (None, None),
            // An undoing put back what stood there before what was made under its name.
            ChangeKind::Modified if here && event.undoes && self.then.is_none() => {
                self.now = new;
                self.then = new.map(|id| (self.file.clone(), Content::Stored(id)));
            }
            ChangeKind::Modified if here => {
                let Some((place, content)) = self.then.take() else {
                    self.now = new;
                    return Ok(Some(UndoConflict::Continued));
                };
                return self.changed(repo, old, new, place, content);
            }
            // It came back, whether from elsewhere or as something new.
            ChangeKind::Added | ChangeKind::Renamed { .. } if here => {
                let Some(id) = new else { return Ok(None) };
                let same = self.then.take().is_none_or(|(place, content)| place == self.file && content == Content::Stored(id));
                self.now = new;
                self.then = Some((self.file.clone(), Content::Stored(id)));
                return Ok((!same).then_some(UndoConflict::Taken));
            }
            _ => {}
        }
        Ok(None)
    }
    fn changed(
        &mut self,
        repo: &Repo,
        old: Option<BlobId>,
        new: Option<BlobId>,
        place: String,
        content: Content,
    ) -> Result<Option<UndoConflict>> {
        self.now = new;
        let (Some(old), Some(new)) = (old, new) else { return Ok(None) };
        match merged(repo, old, content, new)? {
            Some(content) => {
                self.then = Some((place, content));
                Ok(None)
            }
            None => Ok(Some(UndoConflict::Edited)),
        }
    }
    /// Compares with what is there: histories that were merged by git are no line, and what they brought is others' doing.
    fn arrive(&mut self, past: &Past<'_>) -> Result<()> {
        if self.now.is_none() {
            // What is there now is another line's; whether it is in the way is seen when all are known.
            return Ok(());
        }
        let found = past.repo.read(past.head, &self.file)?;
        if found.as_ref().is_some_and(|file| file.mode == FileMode::Symlink) {
            self.conflict = Some(UndoConflict::NoFile);
        }
        let found = found.map(|file| file.id);
        let (before, was) = (self.now, self.then.take());
        self.now = found;
        self.then = match (before, found, was) {
            (Some(old), Some(new), Some((place, content))) if old != new => match merged(past.repo, old, content, new)? {
                Some(content) => Some((place, content)),
                None => {
                    self.conflict = Some(UndoConflict::Edited);
                    None
                }
            },
            (Some(old), Some(new), None) if old != new => {
                self.conflict = Some(UndoConflict::Continued);
                None
            }
            (Some(_), None, _) => None,
            (_, _, was) => was,
        };
        Ok(())
    }
}

/// What `base` to `theirs` makes of `ours`; none where both touch the same.
fn merged(repo: &Repo, base: BlobId, ours: Content, theirs: BlobId) -> Result<Option<Content>> {
    if base == theirs || ours == Content::Stored(theirs) {
        return Ok(Some(ours));
    }
    if ours == Content::Stored(base) {
        return Ok(Some(Content::Stored(theirs)));
    }
    let texts = [repo.blob(base)?, ours.bytes(repo)?, repo.blob(theirs)?].map(String::from_utf8);
    let [Ok(base), Ok(ours), Ok(theirs)] = texts else { return Ok(None) };
    Ok(match merge3(&base, &ours, &theirs, "", "") {
        Merge::Clean(text) => Some(Content::Merged(text.into_bytes())),
        Merge::Conflict { .. } => None,
    })
}
