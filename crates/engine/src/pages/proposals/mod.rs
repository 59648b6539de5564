//! The review queue: changes that wait until somebody accepts them.
//!
//! A proposal is a commit on top of the revision its maker saw, at a ref of its own (`repo/`), and a row in `wiki.db`. Any use case that writes
//! makes one, where the writer may only propose (`Writing`). What it would change *now* is never stored: every look merges it
//! with what happened since ([`view`]). Its maker sees it, and who may change everything it touches; nobody else learns that it is there.
//!
//! | status | how it comes to it |
//! |---|---|
//! | open | made |
//! | accepted, partly accepted | [`accept`], by somebody who may make the change themselves |
//! | rejected | [`reject`], by the same people |
//! | withdrawn | [`withdraw`], by its maker |
//! | expired | its time is over: nobody does anything |

mod make;
mod news;
mod remerge;
mod review;

pub use crate::db::proposals::{Decision, ProposalComment, ProposalStatus};
pub(super) use make::{NewProposal, made_before, make, planned_before};
pub use news::{ProposalNotice, notices, see, unread};
pub use remerge::{Clash, FileState, Happens, ProposalView, ProposedFile, ProposedHunk, TakenPart, TextChange, view};
pub(super) use remerge::{ProposedText, proposed_texts};
pub use review::{Accepted, COMMENTS, Choice, accept, comment, reject, withdraw};

use super::hidden::unturned;
use super::write::made_here;
use crate::db::proposals::ProposalRow;
use crate::repo::Repo;
use crate::scope::{Read, Rights, Scope};
use crate::wiki::Wiki;
use holt_core::{Action, Actor, Error, Handling, Hidden, OpId, PagePath, Result, RevisionId, UserId};

/// Most open proposals of one maker.
pub const OPEN_OF_ONE: usize = 50;
/// Most open proposals of a wiki.
pub const OPEN_OF_ALL: usize = 500;
/// Most files of a proposal.
pub const FILES: usize = 500;
/// Most proposals of a [`list`].
pub const LISTED: usize = 100;

/// A proposal, without what it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its identity in the wiki, never given again.
    pub number: i64,
    /// The first line of its message.
    pub title: String,
    /// All of its message.
    pub message: String,
    /// What became of it.
    pub status: ProposalStatus,
    /// Whose it is.
    pub maker: UserId,
    /// What they were called when they made it.
    pub name: String,
    /// The program that acted for them.
    pub via: Option<String>,
    /// The files of the repository that it touches, under their names then.
    pub files: Vec<String>,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds; from then on nobody can accept it.
    pub expires: i64,
    /// The revision it was made on; none in a wiki that was empty.
    pub base: Option<RevisionId>,
    /// Who decided what, and what they said to it; none while it is open or after it expired.
    pub decision: Option<Decision>,
    /// Whether whoever asks made it.
    pub mine: bool,
    /// Whether whoever asks may accept and reject it.
    pub may_review: bool,
}

/// Which proposals a [`list`] has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProposalFilter {
    /// Those of this status; none: all.
    pub status: Option<ProposalStatus>,
    /// Whose.
    pub of: Makers,
}

/// See [`ProposalFilter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Makers {
    /// Whoever made them.
    #[default]
    Everybody,
    /// Whoever asks.
    Me,
}

/// Some proposals.
#[derive(Debug, Clone)]
pub struct Proposals {
    /// Newest first.
    pub proposals: Vec<Proposal>,
    /// What to ask for next as `before`, if there may be more.
    pub next: Option<i64>,
}

/// Up to `limit` (at most [`LISTED`]) of the proposals that whoever asks may see, newest first, with a number below `before`.
pub fn list(scope: &Scope<'_, Read>, filter: ProposalFilter, before: Option<i64>, limit: usize) -> Result<Proposals> {
    let (wiki, now) = (scope.wiki(), scope.wiki().shared.clock.now());
    let db = wiki.db()?;
    let eyes = Eyes::of(scope)?;
    let limit = limit.clamp(1, LISTED);
    let mut proposals = Vec::new();
    let mut before = before.unwrap_or(i64::MAX);
    // What cannot be seen takes nobody's place; a bound for queues in which there is little to see.
    for _ in 0..20 {
        let rows = db.proposals(filter.status, before, now, LISTED)?;
        let complete = rows.len() < LISTED;
        for row in rows {
            before = row.number;
            let row = settled(scope, row)?;
            let Some(proposal) = eyes.shown(row, now) else { continue };
            // What was settled just now may be something else than what was asked for.
            if filter.status.is_some_and(|status| status != proposal.status) || (filter.of == Makers::Me && !proposal.mine) {
                continue;
            }
            proposals.push(proposal);
            if proposals.len() == limit {
                return Ok(Proposals { proposals, next: Some(before) });
            }
        }
        if complete {
            return Ok(Proposals { proposals, next: None });
        }
    }
    Ok(Proposals { proposals, next: Some(before) })
}

/// How many open proposals wait for whoever asks: those they may accept, at most [`LISTED`].
pub fn waiting(scope: &Scope<'_, Read>) -> Result<usize> {
    let open = ProposalFilter { status: Some(ProposalStatus::Open), of: Makers::Everybody };
    Ok(list(scope, open, None, LISTED)?.proposals.iter().filter(|proposal| proposal.may_review).count())
}

/// A proposal without what it changes. `NotFound` if there is none, or none that whoever asks may see.
pub fn proposal(scope: &Scope<'_, Read>, number: i64) -> Result<Proposal> {
    Ok(found(scope, number)?.1)
}

fn found(scope: &Scope<'_, Read>, number: i64) -> Result<(ProposalRow, Proposal)> {
    let row = scope.wiki().db()?.proposal(number)?.ok_or_else(|| none(number))?;
    seen(scope, settled(scope, row)?)
}

/// The row, if whoever asks may see it, and what they see of it.
fn seen(scope: &Scope<'_, Read>, row: ProposalRow) -> Result<(ProposalRow, Proposal)> {
    let number = row.number;
    let shown = Eyes::of(scope)?.shown(row.clone(), scope.wiki().shared.clock.now());
    Ok((row, shown.ok_or_else(|| none(number))?))
}

fn none(number: i64) -> Error {
    Error::not_found(format!("there is no proposal #{number}")).hint("It may be one that is not yours to see.")
}

/// The row, with the decision of somebody whose commit was made though they never learned of it: a crash came between commit and row.
fn settled(scope: &Scope<'_, Read>, row: ProposalRow) -> Result<ProposalRow> {
    if row.status != ProposalStatus::Open || row.decision.is_none() {
        return Ok(row);
    }
    scope.index()?;
    let _lock = scope.wiki().write_lock();
    let row = scope.wiki().db()?.proposal(row.number)?.unwrap_or(row);
    settled_locked(scope.wiki(), row)
}

/// As [`settled`]; the caller holds the write lock, under which nobody is between a commit and its row.
fn settled_locked(wiki: &Wiki, mut row: ProposalRow) -> Result<ProposalRow> {
    let Some(intended) = row.decision.clone().filter(|_| row.status == ProposalStatus::Open) else { return Ok(row) };
    let Some(revision) = made_here(wiki, wiki.index()?.revisions_by_op(&acceptance_op(&row)?)?)? else { return Ok(row) };
    let (commit, _) = wiki.repo()?.revision(revision)?;
    // Clients choose names of operations, too; the last paragraph is ours alone.
    let ours = format!("{PROPOSAL_TRAILER}: {}", row.number);
    let last = commit.message.trim_end().rsplit_once("\n\n").map(|(_, last)| last);
    if last.is_some_and(|last| last.lines().any(|line| line == ours)) {
        let decision = Decision { revision: Some(revision), ..intended };
        wiki.db()?.decide(row.number, &decision)?;
        (row.status, row.decision) = (decision.status, Some(decision));
    }
    Ok(row)
}

/// The operation that takes a proposal in: it happens once.
fn acceptance_op(row: &ProposalRow) -> Result<OpId> {
    OpId::parse(&format!("proposal-{}-{}", row.number, row.head.short(16)))
}

/// What becomes of the changes that whoever asks makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where no rule says more.
    pub otherwise: Handling,
    /// At some pages and below them, the first that fits: parts of the wiki that they may not see are left out.
    pub rules: Vec<(PagePath, Handling)>,
}

/// See [`Standing`]. People change what they may.
pub fn standing(scope: &Scope<'_, Read>) -> Result<Standing> {
    let program = match scope.actor() {
        Actor::Person(person) => person.through.as_ref(),
        Actor::Anonymous | Actor::System => None,
    };
    let Some(program) = program else { return Ok(Standing { otherwise: Handling::Direct, rules: Vec::new() }) };
    let policy = &scope.wiki().preferences()?.agent_policy;
    let hidden = scope.wiki().hidden_from(scope.actor())?;
    let mut rules = Vec::new();
    for rule in policy.of(&program.name) {
        match &rule.path {
            Some(path) if hidden.covers(path.key().as_str()) => {}
            Some(path) => rules.push((path.clone(), rule.handling.max(program.handling))),
            // Nothing after it counts.
            None => break,
        }
    }
    Ok(Standing { otherwise: policy.decide(&program.name, None).max(program.handling), rules })
}

/// The trailer of a commit that took a proposal in: its number.
pub const PROPOSAL_TRAILER: &str = "Proposal";
/// The trailer that says who accepted it.
pub const ACCEPTED_BY_TRAILER: &str = "Accepted-by";

/// What whoever asks may see and decide.
struct Eyes<'s, 'w> {
    scope: &'s Scope<'w, Read>,
    rights: Rights<'w>,
    hidden: Hidden,
    writes: bool,
}

impl<'s, 'w> Eyes<'s, 'w> {
    fn of(scope: &'s Scope<'w, Read>) -> Result<Self> {
        let (wiki, actor) = (scope.wiki(), scope.actor());
        Ok(Self { scope, rights: scope.rights()?, hidden: wiki.hidden_from(actor)?, writes: wiki.may(actor, Action::Write)? })
    }
    /// A proposal as they see it; none if they do not.
    fn shown(&self, row: ProposalRow, now: i64) -> Option<Proposal> {
        if row.files.iter().any(|file| self.hidden.covers_file(file)) {
            return None;
        }
        let mine = made_by(self.scope.actor(), &row);
        let reviews = self.writes && row.files.iter().all(|file| self.rights.may_change(file));
        if !mine && !reviews {
            return None;
        }
        let status = match row.status {
            ProposalStatus::Open if row.expires <= now => ProposalStatus::Expired,
            status => status,
        };
        let may_review = reviews && row.files.iter().all(|file| self.rights.handling(file) == Handling::Direct);
        Some(Proposal {
            number: row.number,
            title: title(&row.message),
            message: unturned(&row.message),
            maker: row.maker,
            name: row.name,
            via: row.via,
            files: row.files,
            created: row.created,
            expires: row.expires,
            base: row.base,
            decision: row.decision.filter(|_| row.status != ProposalStatus::Open),
            status,
            mine,
            may_review,
        })
    }
}

/// Whether it is `actor`'s. Those without an account are known by their names.
fn made_by(actor: &Actor, row: &ProposalRow) -> bool {
    match actor {
        Actor::Person(person) => person.id == row.maker && (person.id.0 > 0 || person.name == row.name),
        Actor::System => row.maker == UserId(0) && row.name == SYSTEM,
        Actor::Anonymous => false,
    }
}

/// What Holt itself is called.
const SYSTEM: &str = "Holt";

/// The first line of a message.
fn title(message: &str) -> String {
    unturned(message.lines().next().unwrap_or_default().trim())
}

/// Refs of what was decided long ago go, a few at a time. What fails is tried again the next time.
fn sweep(repo: &Repo, db: &crate::db::wiki_db::WikiDb, now: i64) {
    let swept = db.unswept_proposals(now - KEPT_SECONDS).and_then(|numbers| {
        numbers.into_iter().try_for_each(|number| {
            repo.drop_proposal(number)?;
            db.proposal_swept(number)
        })
    });
    if let Err(error) = swept {
        tracing::warn!("old proposals stay: {}", error.chain());
    }
}

/// How long after its decision one can still look at what a proposal was.
const KEPT_SECONDS: i64 = 90 * 86_400;
