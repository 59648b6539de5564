//! What people do with a proposal: accept it, all or in part, reject it, take it back, talk about it. Each is done once, however often it is asked for.

use super::remerge::{Ground, Outcome, Piece, Stand, Wanted, pieces};
use super::{ACCEPTED_BY_TRAILER, Decision, PROPOSAL_TRAILER, Proposal, ProposalComment, ProposalStatus, SYSTEM, acceptance_op, found};
use super::{none, seen, settled_locked};
use crate::db::index::Index;
use crate::db::proposals::ProposalRow;
use crate::failpoint;
use crate::pages::hidden::unturned;
use crate::pages::moving;
use crate::pages::write::{Committed, Writing, busy};
use crate::repo::{Repo, TreeChange, diff};
use crate::scope::{Read, Scope, Write};
use crate::wiki::Wiki;
use holt_core::{Actor, Author, ChangeKind, Edit, Error, FileChange, Handling, PagePath, Result, Revision, RevisionId, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// Most comments on a proposal.
pub const COMMENTS: usize = 200;
/// Longest reason and comment, in bytes.
const TEXT_BYTES: usize = 20 * 1024;

/// What becomes of one file of a proposal. Files that no choice is made for are taken as they are proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Only these hunks of its text, by their numbers.
    Hunks(BTreeSet<usize>),
    /// This text instead of the proposed one. Also where there is a conflict.
    Text(String),
    /// Nothing of it.
    Nothing,
}

/// A proposal that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The revision that holds it.
    pub revision: RevisionId,
    /// `Accepted` or `PartlyAccepted`: what was not taken is rejected.
    pub status: ProposalStatus,
}

/// Takes a proposal into the wiki, in one commit in the name of its maker: `choices` by [`super::ProposedFile::file`], `reason` for what is left out.
/// `view_seen` is [`super::ProposalView::seen`] as the reviewer saw it: `Conflict` if a page of the proposal changed since, or if something does
/// not fit. `Denied` for who may not make the change directly. The same a second time has the first outcome again; anything else is a `Conflict`.
pub fn accept(
    scope: &Scope<'_, Write>,
    number: i64,
    view_seen: Option<RevisionId>,
    choices: &BTreeMap<String, Choice>,
    reason: &str,
) -> Result<Accepted> {
    let reason = checked(reason)?;
    let (_, proposal) = found(&scope.narrow(), number)?;
    may_review(&proposal)?;
    let mut writing = Writing::begin(scope, None)?;
    let repo = scope.wiki().repo()?;
    // As the reviewer may see it: what is hidden from them is not there, and is not named.
    let index = scope.wiki().sight(writing.index()?, scope.wiki().hidden_from(scope.actor())?);
    let row = locked_row(scope.wiki(), number)?;
    if let Some(done) = already(&row, scope.wiki())? {
        return if is_same(&repo, &index, &row, &done, choices)? { Ok(done) } else { Err(decided(number)) };
    }
    let (by, name) = who(scope.actor())?;
    let trailers = vec![(PROPOSAL_TRAILER, number.to_string()), (ACCEPTED_BY_TRAILER, one_line(&name))];
    let proposed = Revision { author: Author::new(&row.name, &row.email), ..repo.revision(row.head)?.0 };
    writing.on_behalf(&proposed, row.via.clone(), acceptance_op(&row)?, trailers);
    for _ in 0..16 {
        let pieces = pieces(&repo, &Ground::Now { index: &index, head: writing.head }, &row)?;
        unchanged(&repo, &index, &pieces, view_seen, writing.head)?;
        let taken = taken(&pieces, choices)?;
        let targets = pieces.iter().flat_map(|piece| [&piece.source, &piece.target]).flatten().map(String::as_str);
        if writing.handling(targets) != Handling::Direct {
            return Err(only_direct());
        }
        let moves = moves(scope, &row, &taken.changes)?;
        let status = if taken.partly { ProposalStatus::PartlyAccepted } else { ProposalStatus::Accepted };
        let time = scope.wiki().shared.clock.now();
        let mut decision = Decision { status, time, by, name: name.clone(), reason: reason.clone(), revision: None };
        let db = scope.wiki().db()?;
        crate::pages::note_news(scope.wiki());
        // Before the commit: if we die between it and the row, the commit's trailer says that this is what happened.
        db.intend(number, &decision)?;
        failpoint::hit("proposal.intended")?;
        let Some(committed) = writing.try_commit(&taken.changes, &unturned(&row.message))? else { continue };
        failpoint::hit("proposal.committed")?;
        decision.revision = Some(committed.revision());
        if let Err(error) = db.decide(number, &decision) {
            // The commit is durable; whoever looks next finds it by its trailer.
            tracing::warn!(wiki.id = %scope.wiki().id(), "proposal {number} was accepted, but not noted: {}", error.chain());
        }
        if matches!(committed, Committed::New(_)) {
            moving::follow(scope, moves.iter().map(|(from, to)| (from, to)));
        }
        writing.finish(committed);
        return Ok(Accepted { revision: committed.revision(), status });
    }
    Err(busy())
}

/// Refuses a proposal, with a reason for its maker. Again with that reason is the same as once; `Conflict` if something else was decided.
pub fn reject(scope: &Scope<'_, Write>, number: i64, reason: &str) -> Result<()> {
    let reason = checked(reason)?;
    let (_, proposal) = found(&scope.narrow(), number)?;
    may_review(&proposal)?;
    close(&scope.narrow(), number, ProposalStatus::Rejected, reason)
}

/// Takes a proposal back. Only its maker can. Again is the same as once; `Conflict` if something else was decided.
pub fn withdraw(scope: &Scope<'_, Read>, number: i64) -> Result<()> {
    let (_, proposal) = found(scope, number)?;
    if !proposal.mine {
        return Err(Error::denied("this proposal is not yours to withdraw").hint("Reject it, if you may."));
    }
    close(scope, number, ProposalStatus::Withdrawn, String::new())
}

/// Says something about a proposal, as plain text: its maker and those who may review it read it. Said twice in a row it is there once.
pub fn comment(scope: &Scope<'_, Read>, number: i64, text: &str) -> Result<()> {
    let (author, name) = who(scope.actor())?;
    found(scope, number)?;
    let content = checked(text)?;
    if content.is_empty() {
        return Err(Error::invalid("the comment is empty").hint("Write something."));
    }
    let created = scope.wiki().shared.clock.now();
    let comment = ProposalComment { id: 0, author, name, content, created };
    if scope.wiki().db()?.add_proposal_comment(number, &comment, COMMENTS)? {
        return Ok(());
    }
    Err(Error::too_large(format!("there are {COMMENTS} comments on this proposal already")).hint("Decide about it."))
}

fn close(scope: &Scope<'_, Read>, number: i64, status: ProposalStatus, reason: String) -> Result<()> {
    let wiki = scope.wiki();
    let (by, name) = who(scope.actor())?;
    scope.index()?;
    let _lock = wiki.write_lock();
    let row = locked_row(wiki, number)?;
    if row.status == status && row.decision.as_ref().is_some_and(|decision| decision.reason == reason) {
        return Ok(());
    }
    let (row, proposal) = seen(scope, row)?;
    let decision = Decision { status, time: wiki.shared.clock.now(), by, name, reason, revision: None };
    crate::pages::note_news(wiki);
    if proposal.status != ProposalStatus::Open || !wiki.db()?.decide(number, &decision)? {
        return Err(decided(row.number));
    }
    Ok(())
}

/// The row as it is for whoever holds the write lock.
fn locked_row(wiki: &Wiki, number: i64) -> Result<ProposalRow> {
    settled_locked(wiki, wiki.db()?.proposal(number)?.ok_or_else(|| none(number))?)
}

/// What was done already, if somebody accepted it; an error if it cannot be accepted any more.
fn already(row: &ProposalRow, wiki: &Wiki) -> Result<Option<Accepted>> {
    let expired = row.expires <= wiki.shared.clock.now();
    match (row.status, row.decision.as_ref().and_then(|decision| decision.revision)) {
        (ProposalStatus::Open, _) if expired => Err(decided(row.number)),
        (ProposalStatus::Open, _) => Ok(None),
        (status @ (ProposalStatus::Accepted | ProposalStatus::PartlyAccepted), Some(revision)) => Ok(Some(Accepted { revision, status })),
        _ => Err(decided(row.number)),
    }
}

/// Whether these choices would have made the commit that was made: a click that came twice. What cannot be told is another decision.
fn is_same(repo: &Repo, index: &Index, row: &ProposalRow, done: &Accepted, choices: &BTreeMap<String, Choice>) -> Result<bool> {
    if !index.revisions_by_op(&acceptance_op(row)?)?.contains(&done.revision) {
        // All of it was in the wiki already: there is no commit of its own.
        return Ok(choices.is_empty());
    }
    let before = repo.revision(done.revision)?.1.first().copied();
    let pieces = pieces(repo, &Ground::Before { index, head: before, commit: done.revision }, row)?;
    let Ok(taken) = taken(&pieces, choices) else { return Ok(false) };
    let wanted = Wanted::of(repo, before, taken.changes)?;
    if !wanted.holds(&Stand { repo, at: Some(done.revision) })? {
        return Ok(false);
    }
    // Nor did it change anything else.
    let names = |change: &TreeChange| match &change.change.kind {
        ChangeKind::Renamed { from } => vec![from.clone(), change.change.file.clone()],
        _ => vec![change.change.file.clone()],
    };
    Ok(repo.changes(before, done.revision)?.iter().flat_map(names).all(|file| wanted.names(&file)))
}

fn decided(number: i64) -> Error {
    Error::conflict(format!("proposal #{number} is not open any more")).hint("Look at it again; what it wants can be proposed anew.")
}

fn may_review(proposal: &Proposal) -> Result<()> {
    if proposal.may_review { Ok(()) } else { Err(only_direct()) }
}

fn only_direct() -> Error {
    Error::denied("proposals are decided by those who may make the change themselves")
        .hint("Ask somebody who may write all pages that it touches.")
}

/// Refuses if something that the proposal touches is not what it was at `then`.
fn unchanged(repo: &Repo, index: &Index, pieces: &[Piece], then: Option<RevisionId>, now: Option<RevisionId>) -> Result<()> {
    if then == now {
        return Ok(());
    }
    if let Some(then) = then
        && !index.has_revision(then)?
    {
        return Err(Error::conflict("the wiki has no revision that this proposal was looked at").hint("Look at the proposal again."));
    }
    let at = |revision: Option<RevisionId>, file: &str| -> Result<_> {
        Ok(revision.map(|revision| repo.read(revision, file)).transpose()?.flatten().map(|entry| entry.id))
    };
    for file in pieces.iter().flat_map(|piece| [&piece.source, &piece.target]).flatten() {
        if at(then, file)? != at(now, file)? {
            return Err(Error::conflict(format!("{file} was changed since you looked at the proposal"))
                .hint("Look at it again: it is merged with the change now."));
        }
    }
    Ok(())
}

struct Taken {
    changes: Vec<FileChange>,
    /// Whether something was left out.
    partly: bool,
}

fn taken(pieces: &[Piece], choices: &BTreeMap<String, Choice>) -> Result<Taken> {
    if let Some(unknown) = choices.keys().find(|file| pieces.iter().all(|piece| piece.file != **file)) {
        return Err(Error::invalid(format!("the proposal has no file {unknown}")).hint("Name files as the proposal lists them."));
    }
    let mut taken = Taken { changes: Vec::new(), partly: false };
    let mut something = false;
    for piece in pieces {
        let choice = choices.get(&piece.file);
        let content = match (choice, &piece.outcome) {
            (Some(Choice::Nothing), _) => {
                taken.partly = true;
                continue;
            }
            (Some(Choice::Text(text)), _) => Some(edited(piece, text)?),
            (_, Outcome::Conflict { .. }) => {
                return Err(Error::conflict(format!("{} was changed meanwhile in a way that the proposal does not fit", piece.file))
                    .hint("Accept a text of your own for it, leave it out, or reject the proposal."));
            }
            (Some(Choice::Hunks(numbers)), Outcome::Text(merged)) => {
                let current = piece.current_text().ok_or_else(|| no_hunks(piece))?;
                let all = diff::changes(current, merged)?.len();
                if let Some(unknown) = numbers.iter().find(|number| !(1..=all).contains(*number)) {
                    return Err(Error::invalid(format!("{} has no hunk {unknown}", piece.file)).hint("Hunks are numbered from 1."));
                }
                taken.partly |= numbers.len() < all;
                if numbers.is_empty() && all > 0 {
                    continue;
                }
                Some(diff::apply(current, merged, |at| numbers.contains(&(at + 1))))
            }
            (Some(Choice::Hunks(_)), Outcome::Done) => None,
            (Some(Choice::Hunks(_)), _) => return Err(no_hunks(piece)),
            (None, _) => None,
        };
        something = true;
        taken.changes.extend(piece.changes(content));
    }
    if something {
        return Ok(taken);
    }
    Err(Error::invalid("nothing of the proposal is chosen").hint("Choose something, or reject it."))
}

fn no_hunks(piece: &Piece) -> Error {
    Error::invalid(format!("{} is accepted as a whole or not at all", piece.file)).hint("Only changed texts have hunks.")
}

/// The reviewer's own text, as one of that page.
fn edited(piece: &Piece, text: &str) -> Result<String> {
    let page =
        piece.page().ok_or_else(|| Error::invalid(format!("{} is no page", piece.file)).hint("Take it as it is, or leave it out."))?;
    if matches!(piece.outcome, Outcome::Conflict { marked: None, .. }) && piece.source != piece.target {
        return Err(Error::conflict(format!("{} cannot be put there", piece.file)).hint("Leave it out."));
    }
    // The rules for the text of a page are those of an edit.
    Ok(Edit::new(page, None, text.to_string(), "")?.source().to_string())
}

/// The pages that move by these changes, with all that is below them. `Denied` where that would need rules to change.
fn moves(scope: &Scope<'_, Write>, row: &ProposalRow, changes: &[FileChange]) -> Result<Vec<(PagePath, PagePath)>> {
    let rules = &scope.wiki().preferences()?.path_access;
    let moved = |from: &PagePath, to: &PagePath| {
        changes.iter().any(|change| matches!(change, FileChange::Move { from: a, to: b } if *a == from.file() && *b == to.file()))
    };
    let moves: Vec<_> = row.moves.iter().filter(|(from, to)| moved(from, to)).cloned().collect();
    match moves.iter().find(|(from, to)| rules.along(from, to).is_some()) {
        Some((from, to)) => Err(Error::denied(format!("{from} has rights of its own by now, which a proposal does not move"))
            .hint(format!("Rename it to {to} yourself, and reject the proposal."))),
        None => Ok(moves),
    }
}

/// Who decides or says something.
fn who(actor: &Actor) -> Result<(UserId, String)> {
    match actor {
        Actor::Person(person) => Ok((person.id, person.name.clone())),
        Actor::System => Ok((UserId(0), SYSTEM.to_string())),
        Actor::Anonymous => Err(Error::unauthenticated("log in to take part in a review")),
    }
}

/// A name as it stands in a trailer.
fn one_line(name: &str) -> String {
    Author::new(name, "").name().to_string()
}

fn checked(text: &str) -> Result<String> {
    let text = unturned(&text.replace("\r\n", "\n"));
    if text.len() > TEXT_BYTES {
        return Err(Error::too_large(format!("the text is longer than {TEXT_BYTES} bytes")).hint("Shorten it."));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Error::invalid("the text contains a control character").hint("Remove it."));
    }
    Ok(text.trim().to_string())
}
