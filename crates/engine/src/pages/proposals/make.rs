//! A change becomes a proposal instead of a commit of the branch.
//!
//! The ref first, then the row. A crash in between leaves a ref without a row: nobody was told of it, nobody sees it, and the next proposal
//! takes its number and its place.

use super::{FILES, OPEN_OF_ALL, OPEN_OF_ONE, ProposalStatus, SYSTEM, made_by, news, sweep, title};
use crate::db::proposals::ProposalRow;
use crate::failpoint;
use crate::pages::webhooks::{self, HookEvent};
use crate::pages::write::touched;
use crate::repo::{CommitMeta, Repo};
use crate::wiki::Wiki;
use holt_core::{Actor, Error, FileChange, OpId, PagePath, ProposedAs, Result, RevisionId, UserId};
use std::collections::BTreeSet;

/// What becomes a proposal.
pub(in crate::pages) struct NewProposal<'a> {
    pub(in crate::pages) actor: &'a Actor,
    pub(in crate::pages) via: Option<&'a str>,
    pub(in crate::pages) op: Option<&'a OpId>,
    pub(in crate::pages) base: Option<RevisionId>,
    pub(in crate::pages) changes: &'a [FileChange],
    pub(in crate::pages) moves: &'a [(PagePath, PagePath)],
    /// Without trailers.
    pub(in crate::pages) message: &'a str,
    /// Of the commit.
    pub(in crate::pages) meta: &'a CommitMeta,
}

/// Refuses with [`Error::proposed`] if the operation made a proposal before.
pub(in crate::pages) fn made_before(wiki: &Wiki, op: &OpId) -> Result<()> {
    match wiki.db()?.proposal_by_op(op)? {
        Some(row) => Err(Error::proposed(row.number, title(&row.message))),
        None => Ok(()),
    }
}

/// Refuses with [`Error::proposed`] if a proposal of `actor` waits that follows this plan. What was decided is no answer to who still wants it.
pub(in crate::pages) fn planned_before(wiki: &Wiki, repo: &Repo, actor: &Actor, plan: &str) -> Result<()> {
    for row in wiki.db()?.proposals(Some(ProposalStatus::Open), i64::MAX, wiki.shared.clock.now(), OPEN_OF_ALL)? {
        if made_by(actor, &row) && repo.revision(row.head)?.0.plan() == Some(plan) {
            return Err(Error::proposed(row.number, title(&row.message)));
        }
    }
    Ok(())
}

/// Makes it, durably. The caller holds the write lock. `None` if there is nothing to change.
pub(in crate::pages) fn make(wiki: &Wiki, repo: &Repo, new: &NewProposal<'_>) -> Result<Option<ProposedAs>> {
    let (maker, name, email) = match new.actor {
        Actor::Person(person) => (person.id, person.name.clone(), person.email.clone()),
        Actor::System => (UserId(0), SYSTEM.to_string(), String::new()),
        Actor::Anonymous => return Err(Error::unauthenticated("log in to propose a change")),
    };
    let files: BTreeSet<&str> = touched(new.changes).collect();
    if files.len() > FILES {
        return Err(Error::too_large(format!("a proposal changes at most {FILES} files")).hint("Propose less at a time."));
    }
    let (db, now) = (wiki.db()?, wiki.shared.clock.now());
    let (own, all) = db.open_proposals((maker, &name), now)?;
    if own >= OPEN_OF_ONE {
        return Err(Error::busy(format!("{OPEN_OF_ONE} of your proposals are open already"))
            .hint("Wait until some are decided, or withdraw those that are not needed any more."));
    }
    if all >= OPEN_OF_ALL {
        return Err(Error::busy(format!("{OPEN_OF_ALL} proposals wait in this wiki already")).hint("Ask somebody to review them first."));
    }
    let number = db.next_proposal()?;
    let Some(head) = repo.propose(number, new.base, new.changes, new.meta)? else { return Ok(None) };
    failpoint::hit("proposal.ref")?;
    let days = i64::from(wiki.preferences()?.proposal_days);
    let row = ProposalRow {
        number,
        status: ProposalStatus::Open,
        message: new.message.to_string(),
        base: new.base,
        head,
        maker,
        name,
        email,
        via: new.via.map(str::to_string),
        op: new.op.cloned(),
        files: files.into_iter().map(str::to_string).collect(),
        moves: new.moves.to_vec(),
        created: now,
        expires: now + days * 86_400,
        decision: None,
    };
    // Whoever proposes has done so, even if nobody can be told.
    let told = news::reviewers(wiki, &row).unwrap_or_else(|error| {
        tracing::warn!(wiki.id = %wiki.id(), "nobody is told of proposal {number}: {}", error.chain());
        Vec::new()
    });
    crate::pages::note_news(wiki);
    db.add_proposal(&row, &told)?;
    webhooks::note(wiki, HookEvent::ProposalOpened);
    sweep(repo, &db, now);
    Ok(Some(ProposedAs { number, title: title(new.message) }))
}
