//! What a proposal would change now: what it says, merged with what happened to its pages since it was made. Made anew for every look.

use super::{Eyes, OPEN_OF_ALL, Proposal, ProposalComment, ProposalStatus, acceptance_op, found};
use crate::db::index::Index;
use crate::db::proposals::ProposalRow;
use crate::pages::hidden::{HiddenText, hidden_since};
use crate::repo::diff::{self, Hunk};
use crate::repo::merge::{Merge, merge3};
use crate::repo::{BlobId, FileMode, Repo, TreeChange};
use crate::scope::{Read, Scope};
use holt_core::{ChangeKind, ErrorKind, FileChange, PagePath, Result, RevisionId};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A proposal with what it would change.
#[derive(Debug, Clone)]
pub struct ProposalView {
    /// What it is.
    pub proposal: Proposal,
    /// The newest revision that whoever asks knows of: what was shown is sent back with it when somebody accepts. None in an empty wiki.
    pub seen: Option<RevisionId>,
    /// What happens to each file. While it is open: now; if it was accepted, at that moment, with what was taken; else what it would have changed
    /// when it was made. Empty when that is long ago.
    pub files: Vec<ProposedFile>,
    /// What was said about it, oldest first.
    pub comments: Vec<ProposalComment>,
}

/// What a proposal does to one file.
#[derive(Debug, Clone)]
pub struct ProposedFile {
    /// Its name in the proposal, by which [`super::Choice`]s name it.
    pub file: String,
    /// Its name after the proposal is accepted; for one that goes, its name now. Pages are followed where they moved.
    pub place: String,
    /// The page it is; none for a file beside a page.
    pub page: Option<PagePath>,
    /// What happens to it.
    pub happens: Happens,
    /// Whether it can happen.
    pub state: FileState,
    /// What happens to its text; none if it is no text.
    pub text: Option<TextChange>,
    /// How many bytes it has then; none for one that goes.
    pub size: Option<u64>,
    /// What it adds that readers of the page do not see, by lines of [`TextChange::merged`], or of what is proposed where that does not fit.
    pub hidden: Vec<HiddenText>,
    /// What of it came into the wiki, if the proposal was accepted, all or in part.
    pub taken: Option<TakenPart>,
}

/// See [`ProposedFile::taken`]: read from the commit that took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenPart {
    /// All of it.
    All,
    /// These hunks, by their numbers, and not the others.
    Hunks(BTreeSet<usize>),
    /// The reviewer's own text instead.
    OwnText,
    /// Nothing of it.
    Nothing,
}

/// See [`ProposedFile::happens`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happens {
    /// It is new.
    Added,
    /// It says something else.
    Changed,
    /// It goes.
    Deleted,
    /// It moves, and may say something else.
    Moved {
        /// Its name now.
        from: String,
    },
}

/// See [`ProposedFile::state`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// It can.
    Fits,
    /// It has happened already.
    Done,
    /// It touches what others changed since. Only the reviewer's own text can be accepted, or nothing.
    Conflict(Clash),
}

/// Why a file of a proposal does not fit any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clash {
    /// The same lines say something else now.
    Lines,
    /// It was changed, and cannot be merged: it would go, or it is no text.
    Changed,
    /// It is not there any more.
    Deleted,
    /// Somebody else made it.
    Made,
    /// It was moved elsewhere: where it is now.
    Moved(String),
    /// Something is already where it would be: this file.
    Taken(String),
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines => f.write_str("the same lines were changed meanwhile"),
            Self::Changed => f.write_str("it was changed meanwhile"),
            Self::Deleted => f.write_str("it was deleted meanwhile"),
            Self::Made => f.write_str("it was made meanwhile"),
            Self::Moved(to) => write!(f, "it was moved to {to} meanwhile"),
            Self::Taken(file) => write!(f, "there is {file} already"),
        }
    }
}

/// A text in its states. Absent where there is no such file.
#[derive(Debug, Clone, Default)]
pub struct TextChange {
    /// What the maker saw.
    pub base: Option<String>,
    /// What is there now.
    pub current: Option<String>,
    /// What the maker wants.
    pub proposed: Option<String>,
    /// What would be there then; in a conflict both sides with `<<<<<<<` marks.
    pub merged: Option<String>,
    /// What differs between `current` and `merged`; none in a conflict, or if it is too large to show.
    pub hunks: Vec<ProposedHunk>,
}

/// A change within a text that can be accepted by itself.
#[derive(Debug, Clone)]
pub struct ProposedHunk {
    /// From 1, in order: the same as long as neither the page nor the proposal changes.
    pub number: usize,
    /// Its lines, with some that stay around them.
    pub diff: Hunk,
}

/// A proposal with what it would change now. `NotFound` if there is none that whoever asks may see.
pub fn view(scope: &Scope<'_, Read>, number: i64) -> Result<ProposalView> {
    let (row, proposal) = found(scope, number)?;
    let wiki = scope.wiki();
    let (repo, index) = (wiki.repo()?, scope.index()?);
    let head = index.cursor()?;
    let accepted = Acceptance::of(&repo, &index, &row, &proposal)?;
    let ground = match (proposal.status, &accepted) {
        (ProposalStatus::Open, _) => Ground::Now { index: &index, head },
        (_, Some(accepted)) => Ground::Before { index: &index, head: accepted.before, commit: accepted.commit },
        (_, None) => Ground::Then,
    };
    let pieces = match pieces(&repo, &ground, &row) {
        // Swept, and collected by git since.
        Err(error) if error.kind == ErrorKind::NotFound && proposal.status != ProposalStatus::Open => Vec::new(),
        pieces => pieces?,
    };
    let taken = |piece: &Piece| accepted.as_ref().map(|accepted| accepted.taken(&repo, piece)).transpose();
    let files = pieces.into_iter().map(|piece| Ok(ProposedFile { taken: taken(&piece)?, ..piece.shown(&repo)? })).collect::<Result<_>>()?;
    // What came after it is hidden from whoever asks, and so is that it came: nothing of it is in the files that they see.
    let seen = index.newest()?;
    Ok(ProposalView { proposal, seen, files, comments: wiki.db()?.proposal_comments(number)? })
}

/// What an open proposal says of a file.
pub(in crate::pages) struct ProposedText {
    pub(in crate::pages) proposal: Proposal,
    /// Its name when it was proposed.
    pub(in crate::pages) file: String,
    /// What its maker saw; none if there was no such text.
    pub(in crate::pages) base: Option<String>,
    /// What they want; none if it goes.
    pub(in crate::pages) proposed: Option<String>,
}

/// Bytes of texts that are read for [`proposed_texts`].
const TEXT_BYTES: usize = 4 * 1024 * 1024;

/// What open proposals that whoever asks may see say of `files`, oldest first; of very many or long ones the first.
pub(in crate::pages) fn proposed_texts(scope: &Scope<'_, Read>, files: &BTreeSet<String>) -> Result<Vec<ProposedText>> {
    let (wiki, now) = (scope.wiki(), scope.wiki().shared.clock.now());
    let rows = wiki.db()?.proposals(Some(ProposalStatus::Open), i64::MAX, now, OPEN_OF_ALL)?;
    let (mut found, mut bytes) = (Vec::new(), 0);
    if rows.is_empty() {
        return Ok(found);
    }
    let (repo, eyes) = (wiki.repo()?, Eyes::of(scope)?);
    let text = |at: Option<RevisionId>, file: &str| -> Result<Option<String>> {
        Ok(Stand { repo: &repo, at }.content(file)?.and_then(|bytes| String::from_utf8(bytes).ok()))
    };
    for row in rows.into_iter().rev().filter(|row| row.files.iter().any(|file| files.contains(file))) {
        let (base, head) = (row.base, row.head);
        // Whether somebody's decision got lost in a crash is seen by whoever looks at the proposal.
        let Some(proposal) = eyes.shown(row, now) else { continue };
        for file in proposal.files.iter().filter(|file| files.contains(*file)) {
            let (base, proposed) = (text(base, file)?, text(Some(head), file)?);
            bytes += [&base, &proposed].into_iter().flatten().map(String::len).sum::<usize>();
            if bytes > TEXT_BYTES {
                return Ok(found);
            }
            found.push(ProposedText { proposal: proposal.clone(), file: file.clone(), base, proposed });
        }
    }
    Ok(found)
}

/// What a proposal is merged with.
pub(super) enum Ground<'i> {
    /// The wiki as it is.
    Now { index: &'i Index, head: Option<RevisionId> },
    /// The wiki as it was when somebody accepted the proposal, by this commit: `head` is what came before it.
    Before { index: &'i Index, head: Option<RevisionId>, commit: RevisionId },
    /// The wiki as it was when the proposal was made.
    Then,
}

/// How a proposal came into the wiki.
pub(super) struct Acceptance {
    /// The commit that holds it.
    pub(super) commit: RevisionId,
    /// What came before it; the same commit, if all of the proposal was in the wiki already.
    pub(super) before: Option<RevisionId>,
}

impl Acceptance {
    /// None if it was not accepted.
    fn of(repo: &Repo, index: &Index, row: &ProposalRow, proposal: &Proposal) -> Result<Option<Self>> {
        let is_accepted = matches!(proposal.status, ProposalStatus::Accepted | ProposalStatus::PartlyAccepted);
        let Some(commit) = proposal.decision.as_ref().filter(|_| is_accepted).and_then(|decision| decision.revision) else {
            return Ok(None);
        };
        let own = index.revisions_by_op(&acceptance_op(row)?)?.contains(&commit);
        if !own && !index.has_revision(commit)? {
            // History was taken back since.
            return Ok(None);
        }
        let before = if own { repo.revision(commit)?.1.first().copied() } else { Some(commit) };
        Ok(Some(Self { commit, before }))
    }
    /// What of a file was taken.
    fn taken(&self, repo: &Repo, piece: &Piece) -> Result<TakenPart> {
        let after = Stand { repo, at: Some(self.commit) };
        let target = piece.target.as_ref().or(piece.source.as_ref()).unwrap_or(&piece.file);
        let now = piece.sides.current.as_ref();
        let wanted = Wanted::of(repo, self.before, piece.changes(None))?;
        if !matches!(piece.outcome, Outcome::Conflict { .. }) && wanted.holds(&after)? {
            return Ok(TakenPart::All);
        }
        let there = after.content(target)?;
        let stayed = match (&there, now) {
            (None, now) => now.is_none() || piece.source.as_ref() != Some(target),
            (Some(there), Some(now)) => piece.source.as_ref() == Some(target) && *there == repo.blob(now.id)?,
            (Some(_), None) => false,
        };
        let text = there.and_then(|there| String::from_utf8(there).ok());
        Ok(match (&piece.outcome, text, piece.current_text()) {
            _ if stayed => TakenPart::Nothing,
            (Outcome::Text(merged), Some(text), Some(current)) => match diff::chosen(current, merged, &text) {
                Some(chosen) => TakenPart::Hunks(chosen.into_iter().map(|at| at + 1).collect()),
                None => TakenPart::OwnText,
            },
            (_, Some(_), _) => TakenPart::OwnText,
            _ => TakenPart::Nothing,
        })
    }
}

/// The files of a revision.
pub(super) struct Stand<'r> {
    pub(super) repo: &'r Repo,
    /// None: there is nothing yet.
    pub(super) at: Option<RevisionId>,
}

impl Stand<'_> {
    fn content(&self, file: &str) -> Result<Option<Vec<u8>>> {
        let found = self.at.map(|at| self.repo.read(at, file)).transpose()?.flatten();
        found.map(|file| self.repo.blob(file.id)).transpose()
    }
}

/// What files hold once some changes are done; none for those that go.
pub(super) struct Wanted(BTreeMap<String, Option<Vec<u8>>>);

impl Wanted {
    /// By changes of the revision `before`.
    pub(super) fn of(repo: &Repo, before: Option<RevisionId>, changes: Vec<FileChange>) -> Result<Self> {
        let before = Stand { repo, at: before };
        let mut wanted = BTreeMap::new();
        for change in changes {
            match change {
                FileChange::Put { file, content } => wanted.insert(file, Some(content)),
                FileChange::Stored { file, content } => wanted.insert(file, Some(repo.blob(BlobId::from_bytes(content))?)),
                FileChange::Remove { file } => wanted.insert(file, None),
                FileChange::Move { from, to } => {
                    let moved = before.content(&from)?;
                    wanted.insert(from, None);
                    wanted.insert(to, moved)
                }
            };
        }
        Ok(Self(wanted))
    }
    /// Whether a revision has all of it.
    pub(super) fn holds(&self, stand: &Stand<'_>) -> Result<bool> {
        for (file, wanted) in &self.0 {
            if stand.content(file)? != *wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }
    /// Whether a file is among them.
    pub(super) fn names(&self, file: &str) -> bool {
        self.0.contains_key(file)
    }
}

/// One file of a proposal, decided.
pub(super) struct Piece {
    /// Its name in the proposal.
    pub(super) file: String,
    /// Its name now; none if it is not there.
    pub(super) source: Option<String>,
    /// Its name after; none if it goes.
    pub(super) target: Option<String>,
    sides: Sides,
    pub(super) outcome: Outcome,
}

struct Sides {
    base: Option<Side>,
    current: Option<Side>,
    proposed: Option<Side>,
}

#[derive(Clone)]
struct Side {
    id: BlobId,
    /// None if it is no text of a page.
    text: Option<String>,
}

pub(super) enum Outcome {
    /// There is this text.
    Text(String),
    /// There is this content.
    Blob(BlobId),
    /// There is nothing.
    Gone,
    /// Nothing changes any more.
    Done,
    /// It does not fit, for a reason; with marks where texts touch.
    Conflict { why: Clash, marked: Option<String> },
}

/// Everything that `row` changes, merged.
pub(super) fn pieces(repo: &Repo, ground: &Ground<'_>, row: &ProposalRow) -> Result<Vec<Piece>> {
    let mut found = Vec::new();
    for change in joined(repo.changes(row.base, row.head)?, row) {
        let file = change.change.file;
        let (before, after) = match change.change.kind {
            ChangeKind::Added => (None, Some(file.clone())),
            ChangeKind::Modified => (Some(file.clone()), Some(file.clone())),
            ChangeKind::Deleted => (Some(file.clone()), None),
            ChangeKind::Renamed { from } => (Some(from), Some(file.clone())),
        };
        let side = |id: Option<BlobId>| id.map(|id| side_of(repo, &file, id)).transpose();
        let (base, proposed) = (side(change.old)?, side(change.new)?);
        found.push(piece(repo, ground, Wish { file: file.clone(), before, after, base, proposed })?);
    }
    Ok(found)
}

/// With what the maker moved as moves, also where git does not see it: a short page whose links followed has little in common with itself.
fn joined(mut changes: Vec<TreeChange>, row: &ProposalRow) -> Vec<TreeChange> {
    for (from, to) in &row.moves {
        let directory = format!("{}/", from.directory());
        let target = |file: &str| match file.strip_prefix(&directory) {
            Some(rest) => Some(format!("{}/{rest}", to.directory())),
            None => (file == from.file()).then(|| to.file()),
        };
        while let Some((gone, new)) = changes.iter().enumerate().find_map(|(gone, change)| {
            let target = target(&change.change.file).filter(|_| change.change.kind == ChangeKind::Deleted)?;
            let is_it = |other: &TreeChange| other.change.kind == ChangeKind::Added && other.change.file == target;
            Some((gone, changes.iter().position(is_it)?))
        }) {
            let (old, from) = (changes[gone].old, changes[gone].change.file.clone());
            changes[new].old = old;
            changes[new].change.kind = ChangeKind::Renamed { from };
            changes.remove(gone);
        }
    }
    changes
}

/// What a proposal wants of one file.
struct Wish {
    file: String,
    before: Option<String>,
    after: Option<String>,
    base: Option<Side>,
    proposed: Option<Side>,
}

fn piece(repo: &Repo, ground: &Ground<'_>, wish: Wish) -> Result<Piece> {
    let Wish { file, before, after, base, proposed } = wish;
    let (index, head, commit) = match ground {
        Ground::Now { index, head } => (*index, *head, None),
        Ground::Before { index, head, commit } => (*index, *head, Some(*commit)),
        Ground::Then => {
            let outcome = match &proposed {
                None => Outcome::Gone,
                Some(Side { text: Some(text), .. }) => Outcome::Text(text.clone()),
                Some(Side { id, .. }) => Outcome::Blob(*id),
            };
            let sides = Sides { current: base.clone(), base, proposed };
            return Ok(Piece { file, source: before, target: after, sides, outcome });
        }
    };
    let there = |file: &str| -> Result<Option<BlobId>> {
        let Some(head) = head.filter(|_| !index.hidden().covers_file(file)) else { return Ok(None) };
        Ok(repo.read(head, file)?.filter(|entry| entry.mode != FileMode::Symlink).map(|entry| entry.id))
    };
    // Where it is by now, and where it shall be.
    let mut source = match &before {
        Some(before) if there(before)?.is_some() => Some(before.clone()),
        Some(before) => {
            let moved = match commit {
                None => index.whereabouts(before)?,
                Some(commit) => index.whereabouts_before(before, commit)?,
            };
            moved.filter(|file| !index.hidden().covers_file(file))
        }
        None => None,
    };
    let moves = before.is_some() && after.is_some() && before != after;
    let mut target = if moves || before.is_none() { after.clone() } else { after.as_ref().and(source.clone()).or(after.clone()) };
    let mut why = None;
    if before.is_none() {
        source = after.clone();
    } else if source != before && moves && source != after {
        why = source.clone().map(Clash::Moved);
    }
    let current = match &source {
        Some(source) => there(source)?.map(|id| side_of(repo, source, id)).transpose()?,
        None => None,
    };
    if before.is_none() && current.is_none() {
        source = None;
    }
    let free = target.as_ref().is_none_or(|target| Some(target) == source.as_ref());
    if let Some(target) = target.as_ref().filter(|_| !free && (moves || before.is_none())) {
        // What was in the way in another spelling when it was accepted is not known any more, and was left out then.
        let path = PagePath::from_tree(target).filter(|_| commit.is_none());
        let other = path.map(|path| index.page(&path.key())).transpose()?.flatten();
        let other = other.map(|row| row.file).filter(|file| Some(file) != source.as_ref());
        if other.is_some() || there(target)?.is_some() {
            why = Some(Clash::Taken(other.unwrap_or_else(|| target.clone())));
        }
    }
    let outcome = match why {
        Some(why) => Outcome::Conflict { why, marked: None },
        None => outcome(base.as_ref(), current.as_ref(), proposed.as_ref(), source.as_ref() != target.as_ref() && moves),
    };
    if target.is_none() && after.is_some() {
        target.clone_from(&after);
    }
    Ok(Piece { file, source, target, sides: Sides { base, current, proposed }, outcome })
}

fn outcome(base: Option<&Side>, current: Option<&Side>, proposed: Option<&Side>, moves: bool) -> Outcome {
    let id = |side: Option<&Side>| side.map(|side| side.id);
    let wanted = |side: &Side| side.text.clone().map_or(Outcome::Blob(side.id), Outcome::Text);
    if id(current) == id(proposed) && !moves {
        return Outcome::Done;
    }
    let conflict = |why| Outcome::Conflict { why, marked: None };
    match (base, current, proposed) {
        (_, current, Some(proposed)) if id(base) == id(current) => wanted(proposed),
        (_, current, None) if id(base) == id(current) => Outcome::Gone,
        (_, None, _) => conflict(Clash::Deleted),
        (_, Some(_), None) => conflict(Clash::Changed),
        (Some(base), Some(current), Some(proposed)) => match (&base.text, &current.text, &proposed.text) {
            (Some(base), Some(now), Some(wanted)) => match merge3(base, now, wanted, "now", "proposed") {
                Merge::Clean(text) if text == *now && !moves => Outcome::Done,
                Merge::Clean(text) => Outcome::Text(text),
                Merge::Conflict { text, .. } => Outcome::Conflict { why: Clash::Lines, marked: Some(text) },
            },
            _ if current.id == proposed.id => Outcome::Blob(current.id),
            _ => conflict(Clash::Changed),
        },
        (None, Some(_), Some(_)) => conflict(Clash::Made),
    }
}

/// Only pages are text here: what is beside them is a file, whatever is in it.
fn side_of(repo: &Repo, file: &str, id: BlobId) -> Result<Side> {
    let text = if file.ends_with(".md") { String::from_utf8(repo.blob(id)?).ok() } else { None };
    Ok(Side { id, text })
}

impl Piece {
    /// The text that is there now, if it is a text or nothing.
    pub(super) fn current_text(&self) -> Option<&str> {
        match &self.sides.current {
            Some(side) => side.text.as_deref(),
            None => Some(""),
        }
    }
    /// The page it is or becomes.
    pub(super) fn page(&self) -> Option<PagePath> {
        PagePath::from_tree(self.target.as_ref().or(self.source.as_ref())?)
    }
    /// What has to be done for it to say `content`, or for its own outcome. Nothing for a conflict.
    pub(super) fn changes(&self, content: Option<String>) -> Vec<FileChange> {
        let mut changes = Vec::new();
        let target = self.target.clone().or(self.source.clone()).unwrap_or_else(|| self.file.clone());
        let moved = match (&self.source, &self.target) {
            (Some(from), Some(to)) if from != to => Some(FileChange::Move { from: from.clone(), to: to.clone() }),
            _ => None,
        };
        let now = self.sides.current.as_ref();
        let text = content.or_else(|| match &self.outcome {
            Outcome::Text(text) => Some(text.clone()),
            _ => None,
        });
        match (text, &self.outcome) {
            (Some(text), _) => {
                changes.extend(moved);
                if now.and_then(|side| side.text.as_ref()) != Some(&text) {
                    changes.push(FileChange::Put { file: target, content: text.into_bytes() });
                }
            }
            (None, Outcome::Blob(id)) => {
                changes.extend(moved);
                if now.is_none_or(|side| side.id != *id) {
                    changes.push(FileChange::Stored { file: target, content: *id.as_bytes() });
                }
            }
            (None, Outcome::Gone) => changes.extend(self.source.clone().map(|file| FileChange::Remove { file })),
            (None, Outcome::Text(_) | Outcome::Done | Outcome::Conflict { .. }) => {}
        }
        changes
    }
    fn shown(self, repo: &Repo) -> Result<ProposedFile> {
        let page = self.page();
        let place = self.target.clone().or(self.source.clone()).unwrap_or_else(|| self.file.clone());
        let happens = match (&self.sides.base, &self.sides.proposed, &self.source) {
            (None, ..) => Happens::Added,
            (_, None, _) => Happens::Deleted,
            (_, _, Some(from)) if *from != place => Happens::Moved { from: from.clone() },
            _ => Happens::Changed,
        };
        let Sides { base, current, proposed } = self.sides;
        let size = proposed.as_ref().map(|side| repo.blob_size(side.id)).transpose()?;
        let is_text = [&base, &current, &proposed].into_iter().flatten().all(|side| side.text.is_some());
        let text = |side: Option<Side>| side.and_then(|side| side.text);
        let (merged, state) = match self.outcome {
            Outcome::Text(text) => (Some(text), FileState::Fits),
            Outcome::Blob(_) | Outcome::Gone => (None, FileState::Fits),
            Outcome::Done => (current.as_ref().and_then(|side| side.text.clone()), FileState::Done),
            Outcome::Conflict { why, marked } => (marked, FileState::Conflict(why)),
        };
        let text = is_text.then(|| {
            let (base, current, proposed) = (text(base), text(current), text(proposed));
            let hunks = match state {
                FileState::Fits => diff::changes(current.as_deref().unwrap_or_default(), merged.as_deref().unwrap_or_default()),
                FileState::Done | FileState::Conflict(_) => Ok(Vec::new()),
            };
            let number = |(at, diff)| ProposedHunk { number: at + 1, diff };
            // Too large to show is not too large to accept.
            let hunks = hunks.unwrap_or_default().into_iter().enumerate().map(number).collect();
            TextChange { base, current, proposed, merged, hunks }
        });
        let adds = |text: &TextChange| {
            let (old, new) = match state {
                FileState::Conflict(_) => (&text.base, &text.proposed),
                FileState::Fits | FileState::Done => (&text.current, &text.merged),
            };
            hidden_since(old.as_deref().unwrap_or_default(), new.as_deref().unwrap_or_default())
        };
        let hidden = text.as_ref().map(adds).unwrap_or_default();
        Ok(ProposedFile { file: self.file, place, page, happens, state, text, size, hidden, taken: None })
    }
}
