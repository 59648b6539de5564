//! The one door through which a wiki changes: every use case that writes ends in [`Writing::commit`], a push in [`Writing::adopt`].
//!
//! Order, and why (ARCHITECTURE.md, crash table): dirty mark, so that a crash is noticed; commit, which is the truth; index; fragments.
//! What fails after the commit does not undo it: the wiki stays marked and catches up later.

use super::proposals::{self, ACCEPTED_BY_TRAILER, NewProposal, PROPOSAL_TRAILER};
use crate::db::index::{Index, OP_TRAILER};
use crate::failpoint;
use crate::lock::Held;
use crate::repo::{CommitMeta, CommitOutcome, Incoming, NewCommit, Repo};
use crate::scope::{Rights, Scope, Write};
use crate::sync;
use crate::wiki::Wiki;
use holt_core::{
    Actor, Author, Error, FileChange, Handling, OpId, PLAN_TRAILER, PageKey, PagePath, Result, Revision, RevisionId, SESSION_TRAILER,
    Timestamp, UNDOES_TRAILER, VIA_TRAILER,
};
use std::collections::HashSet;
use std::sync::Arc;

/// What only Holt says of a commit.
const OWN_TRAILERS: [&str; 7] =
    [UNDOES_TRAILER, PLAN_TRAILER, VIA_TRAILER, SESSION_TRAILER, PROPOSAL_TRAILER, ACCEPTED_BY_TRAILER, OP_TRAILER];

/// `message` with nothing in it that could be taken for a trailer of ours. Its first paragraph is its title, whatever stands there.
fn disowned(message: &str) -> String {
    let Some(title) = message.find("\n\n") else { return message.to_string() };
    let (title, rest) = message.split_at(title);
    let is = |line: &str, name: &str| line.split_once(':').is_some_and(|(start, _)| start.trim_end().eq_ignore_ascii_case(name));
    let ours = |line: &str| OWN_TRAILERS.iter().any(|name| is(line, name));
    let line = |line: &str| if ours(line) { format!(" {line}") } else { line.to_string() };
    format!("{title}{}", rest.split_inclusive('\n').map(line).collect::<String>())
}

/// The right to move the wiki's branch, held for one logical change.
pub(crate) struct Writing<'w> {
    wiki: &'w Wiki,
    repo: Arc<Repo>,
    actor: &'w Actor,
    author: Author,
    via: Option<String>,
    session: Option<String>,
    /// What this change takes back, in a line.
    pub(crate) undoes: Option<String>,
    /// By which plan, and what was chosen of it.
    pub(crate) plan: Option<String>,
    rights: Rights<'w>,
    op: Option<OpId>,
    /// Trailers besides those that every commit may have.
    trailers: Vec<(&'static str, String)>,
    /// Pages that move, for a proposal.
    moves: Vec<(PagePath, PagePath)>,
    /// The current revision; nobody of ours moves it while this value lives.
    pub(crate) head: Option<RevisionId>,
    lock: Held<'w>,
}

impl<'w> Writing<'w> {
    /// Takes the wiki's write lock, brings the index to HEAD and marks the wiki dirty.
    pub(crate) fn begin(scope: &Scope<'w, Write>, op: Option<&OpId>) -> Result<Self> {
        let wiki = scope.wiki();
        let op = op.or(scope.operation()).cloned();
        let lock = wiki.write_lock();
        if let Some(op) = &op {
            proposals::made_before(wiki, op)?;
        }
        sync::index_locked(wiki)?;
        wiki.mark_dirty()?;
        failpoint::hit("write.marked")?;
        let repo = wiki.repo()?;
        let head = repo.head()?;
        Ok(Self {
            wiki,
            repo,
            actor: scope.actor(),
            author: scope.author(),
            via: scope.via(),
            session: scope.session(),
            undoes: None,
            plan: None,
            rights: scope.rights()?,
            op,
            trailers: Vec::new(),
            moves: Vec::new(),
            head,
            lock,
        })
    }
    /// The commit is in the name of who made `proposed`, by the program and in the session that it names, takes back what it takes back, and
    /// says more in `trailers`: somebody takes in what another one made.
    pub(crate) fn on_behalf(&mut self, proposed: &Revision, via: Option<String>, op: OpId, trailers: Vec<(&'static str, String)>) {
        // Without a program the last paragraph may be the maker's own words.
        let noted = via.is_some().then_some(proposed);
        self.session = noted.and_then(Revision::session).map(str::to_string);
        self.undoes = noted.and_then(Revision::undoes).map(str::to_string);
        self.plan = noted.and_then(Revision::plan).map(str::to_string);
        (self.author, self.via, self.op, self.trailers) = (proposed.author.clone(), via, Some(op), trailers);
    }
    /// Says which pages move, with all that is below them.
    pub(crate) fn moving(&mut self, moves: Vec<(PagePath, PagePath)>) {
        self.moves = moves;
    }
    /// What becomes of a change of these files.
    pub(crate) fn handling<'f>(&self, files: impl IntoIterator<Item = &'f str>) -> Handling {
        files.into_iter().map(|file| self.rights.handling(file)).max().unwrap_or_default()
    }
    /// The repository, to read what the change starts from.
    pub(crate) fn repo(&self) -> &Repo {
        &self.repo
    }
    /// The index, at HEAD.
    pub(crate) fn index(&self) -> Result<Arc<Index>> {
        self.wiki.index()
    }
    /// Whether path rules let the writer change a file.
    pub(crate) fn may_change(&self, file: &str) -> bool {
        self.rights.may_change(file)
    }
    /// Whether `revision` is part of the branch's history.
    pub(crate) fn knows(&self, revision: RevisionId) -> Result<bool> {
        self.wiki.index()?.has_revision(revision)
    }
    /// The commit that changed the page last.
    pub(crate) fn last_change_of(&self, path: &PagePath) -> Result<Option<Revision>> {
        Ok(self.wiki.index()?.page(&path.key())?.map(|row| row.last_change()))
    }
    /// The commit an earlier try of the same operation made, if any.
    pub(crate) fn done_before(&self) -> Result<Option<RevisionId>> {
        match &self.op {
            Some(op) => made_here(self.wiki, self.wiki.index()?.revisions_by_op(op)?),
            None => Ok(None),
        }
    }
    /// Refuses changes of files that are not the writer's to change, and more pages or bytes than the wiki may have.
    pub(crate) fn check(&self, changes: &[FileChange]) -> Result<()> {
        if touched(changes).any(|file| !self.rights.may_change(file)) {
            return Err(not_theirs());
        }
        if self.handling(touched(changes)) == Handling::Deny {
            return Err(Error::denied("the wiki's policy for programs does not let this one change that part of the wiki")
                .hint("Leave that part out, or ask an administrator of the wiki."));
        }
        self.check_page_limit(changes)?;
        let new = changes.iter().filter_map(|change| match change {
            FileChange::Put { content, .. } => Some(content.len() as u64),
            // It is in the repository already.
            FileChange::Stored { .. } => Some(0),
            FileChange::Remove { .. } | FileChange::Move { .. } => None,
        });
        match new.reduce(|all, one| all + one) {
            Some(bytes) => check_room(self.wiki, bytes),
            // What adds nothing is done however full the wiki is.
            None => Ok(()),
        }
    }
    /// One commit on top of `head`: durable when this returns. `None` if the branch was moved by git itself meanwhile: look again.
    ///
    /// If the writer may only propose, the branch stays where it is, and the answer is [`Error::proposed`]: the use case has not happened.
    pub(crate) fn try_commit(&mut self, changes: &[FileChange], message: &str) -> Result<Option<Committed>> {
        // Every use case has looked at the page it is about; here nothing else slips through that it would change along with it.
        self.check(changes)?;
        let now = Timestamp::utc(self.wiki.shared.clock.now());
        let meta = CommitMeta { author: self.author.clone(), author_time: now, committer_time: now, message: self.with_trailers(message) };
        if self.handling(touched(changes)) == Handling::Propose {
            let (via, op, moves) = (self.via.as_deref(), self.op.as_ref(), &self.moves);
            let new = NewProposal { actor: self.actor, via, op, base: self.head, changes, moves, message, meta: &meta };
            return match (proposals::make(self.wiki, &self.repo, &new)?, self.head) {
                (None, Some(head)) => Ok(Some(Committed::Nothing(head))),
                (None, None) => Err(Error::internal("a first commit changed nothing")),
                (Some(proposed), _) => Err(Error::proposed(proposed.number, proposed.title)),
            };
        }
        match self.repo.commit(self.head, changes, &meta)? {
            CommitOutcome::Won(revision) => Ok(Some(Committed::New(revision))),
            CommitOutcome::Unchanged(revision) => Ok(Some(Committed::Nothing(revision))),
            CommitOutcome::Lost { current } => {
                sync::index_locked(self.wiki)?;
                self.head = current;
                Ok(None)
            }
        }
    }
    /// Moves the branch as a push wants it that was found to be in order. `false`, and nothing happened, if it does not stand any more where
    /// that was looked at.
    pub(crate) fn adopt(self, pushed: &PushedCommits<'_>) -> Result<bool> {
        if self.head != pushed.base {
            return Ok(false);
        }
        self.check(pushed.changes)?;
        self.wiki.db()?.note_pusher(&self.pusher(), pushed.commits.iter().map(|commit| commit.id))?;
        if let (Continuity::Replaces, Some(base)) = (pushed.continuity, pushed.base) {
            self.repo.keep_replaced(base)?;
        }
        match self.repo.adopt(pushed.base, pushed.new, pushed.incoming)? {
            CommitOutcome::Won(revision) | CommitOutcome::Unchanged(revision) => {
                self.finish(Committed::New(revision));
                Ok(true)
            }
            CommitOutcome::Lost { .. } => Ok(false),
        }
    }
    /// Whose credential it is: a program's alone, if no person stands behind it.
    fn pusher(&self) -> Author {
        match (self.actor, &self.via) {
            (Actor::Person(person), Some(via)) if person.name.is_empty() => Author::new(via, ""),
            _ => self.author.clone(),
        }
    }
    /// In a paragraph of their own at the end: what the writer said before stays theirs, even if it looks like a trailer. Where we have none to
    /// say, what looks like ours is indented, so that nobody takes it for it.
    fn with_trailers(&self, message: &str) -> String {
        let ours = [(UNDOES_TRAILER, &self.undoes), (PLAN_TRAILER, &self.plan), (VIA_TRAILER, &self.via), (SESSION_TRAILER, &self.session)];
        let ours = ours.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let more = self.trailers.iter().map(|(name, value)| (*name, value.as_str()));
        // The operation last: that is where it is looked for.
        let op = self.op.iter().map(|op| (OP_TRAILER, op.as_str()));
        let trailers: String = ours.chain(more).chain(op).map(|(name, value)| format!("{name}: {value}\n")).collect();
        if trailers.is_empty() { disowned(message) } else { format!("{message}\n\n{trailers}") }
    }
    /// Refuses what would leave the wiki with more pages than before and than it may have. Whatever else is done to it, deleting above all,
    /// is done however many there are.
    fn check_page_limit(&self, changes: &[FileChange]) -> Result<()> {
        let Some(most) = self.wiki.shared.directory.max_pages(self.wiki.id())? else { return Ok(()) };
        let (mut there, mut gone) = (HashSet::new(), HashSet::new());
        let key = |file: &str| PagePath::from_tree(file).map(|page| page.key());
        for change in changes {
            match change {
                FileChange::Put { file, .. } | FileChange::Stored { file, .. } => there.extend(key(file)),
                FileChange::Remove { file } => gone.extend(key(file)),
                FileChange::Move { from, to } => {
                    there.extend(key(to));
                    gone.extend(key(from));
                }
            }
        }
        let index = self.index()?;
        let known = |keys: Vec<&PageKey>| keys.into_iter().map(|key| Ok(usize::from(index.page(key)?.is_some()))).sum::<Result<usize>>();
        let new = there.len() - known(there.iter().collect())?;
        if new == 0 {
            return Ok(());
        }
        let fewer = known(gone.difference(&there).collect())?;
        if new > fewer && index.page_count()? + new - fewer > most as usize {
            return Err(Error::page_limit(most));
        }
        Ok(())
    }
    /// As [`Writing::try_commit`], for changes that do not depend on what the neighbour did.
    pub(crate) fn commit(mut self, mut changes: impl FnMut(&Self) -> Result<Vec<FileChange>>, message: &str) -> Result<Committed> {
        for _ in 0..16 {
            let wanted = changes(&self)?;
            if let Some(committed) = self.try_commit(&wanted, message)? {
                self.finish(committed);
                return Ok(committed);
            }
        }
        Err(busy())
    }
    /// Derived data follows: index under the write lock, fragments after it is released, so that the next writer need not wait for them.
    pub(crate) fn finish(self, committed: Committed) {
        let Committed::New(revision) = committed else { return };
        let wiki = self.wiki;
        let indexed = failpoint::hit("write.committed").and_then(|()| sync::index_locked(wiki));
        drop(self.lock);
        let result = indexed.and_then(|_| failpoint::hit("write.indexed")).and_then(|()| sync::publish_step(wiki));
        if let Err(error) = result {
            // The commit stands and is acknowledged; the dirty mark makes the next reader or the next start catch up.
            tracing::warn!(wiki.id = %wiki.id(), %revision, "saved, but index or pages lag behind: {}", error.chain());
        }
    }
}

/// The first of these commits that was made here. What came from elsewhere, by a push or from a mirror, may claim any operation: who brought it is noted
/// before it is there (`note_pusher`).
pub(crate) fn made_here(wiki: &Wiki, claimed: impl IntoIterator<Item = RevisionId>) -> Result<Option<RevisionId>> {
    for revision in claimed {
        if wiki.db()?.pusher(revision)?.is_none() {
            return Ok(Some(revision));
        }
    }
    Ok(None)
}

/// A push, looked at.
pub(crate) struct PushedCommits<'p> {
    /// Where the branch stood then.
    pub(crate) base: Option<RevisionId>,
    /// Where it shall stand.
    pub(crate) new: RevisionId,
    /// What is new.
    pub(crate) commits: &'p [NewCommit],
    /// Where that is.
    pub(crate) incoming: &'p Incoming,
    /// What differs between the two, without contents: those were counted when they came.
    pub(crate) changes: &'p [FileChange],
    /// Whether the new history has the old one in it.
    pub(crate) continuity: Continuity,
}

/// See [`PushedCommits::continuity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Continuity {
    /// It goes on from there.
    GoesOn,
    /// It does not: where the branch stood is kept aside.
    Replaces,
}

/// The files that `changes` are about, under their old and new names.
pub(crate) fn touched(changes: &[FileChange]) -> impl Iterator<Item = &str> {
    let names = changes.iter().flat_map(|change| match change {
        FileChange::Put { file, .. } | FileChange::Stored { file, .. } | FileChange::Remove { file } => [Some(file), None],
        FileChange::Move { from, to } => [Some(from), Some(to)],
    });
    names.flatten().map(String::as_str)
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Committed {
    /// A new revision.
    New(RevisionId),
    /// There was nothing to change.
    Nothing(RevisionId),
}

impl Committed {
    pub(crate) fn revision(self) -> RevisionId {
        match self {
            Self::New(revision) | Self::Nothing(revision) => revision,
        }
    }
}

/// Some of what would change is not the writer's to change.
pub(crate) fn not_theirs() -> Error {
    Error::denied("this would change a part of the wiki that is not yours to change")
        .hint("Leave that part out, or ask an administrator of the wiki.")
}

/// Refuses so many bytes more than the wiki's repository may have. What is new is counted before it is compressed; what there is, as it lies on
/// the disk, which is looked at only where there is a limit.
pub(crate) fn check_room(wiki: &Wiki, bytes: u64) -> Result<()> {
    let Some(most) = wiki.shared.directory.max_bytes(wiki.id())? else { return Ok(()) };
    if wiki.repo()?.weight()?.bytes.saturating_add(bytes) > most { Err(Error::byte_limit(most)) } else { Ok(()) }
}

/// Too many pushes at once.
pub(crate) fn busy() -> Error {
    Error::busy("the wiki is being changed by git pushes faster than this change can follow").hint("Try again in a moment.")
}
