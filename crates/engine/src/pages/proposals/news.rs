//! Who is told of a proposal: that one waits, those who look after what it touches; what became of it, its maker. What they may not see by now
//! is left out when they look, and when mail is written.

use super::{Eyes, Proposal, ProposalStatus, settled};
use crate::db::proposals::ProposalRow;
use crate::db::watches::WatchRow;
use crate::pages::comments::person;
use crate::pages::inbox::one_line;
use crate::scope::{Read, Scope};
use crate::wiki::Wiki;
use holt_core::{Actor, ErrorKind, Language, Result, UserId};

/// Most people who are told that a proposal waits, and most who are thought of: administrators first, then who watches something it touches.
const TOLD: usize = 50;
const THOUGHT_OF: usize = 200;
/// Most notices that are counted one by one.
const COUNTED: usize = 200;

/// A line of an inbox about a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalNotice {
    /// Its identity in the wiki; grows with time.
    pub id: i64,
    /// `Open`: it waits, and whoever is told may decide about it. Anything else became of their own.
    pub what: ProposalStatus,
    /// Unix seconds.
    pub time: i64,
    /// Whether they have looked at it.
    pub seen: bool,
    /// The proposal as they see it.
    pub proposal: Proposal,
}

impl ProposalNotice {
    /// What happened, on one line.
    pub fn said(&self, language: Language) -> String {
        let proposal = &self.proposal;
        let title = one_line(&proposal.title, 100);
        let by = proposal.decision.as_ref().map_or_else(String::new, |decision| one_line(&decision.name, 60));
        match self.what {
            ProposalStatus::Open | ProposalStatus::Withdrawn => {
                let name = one_line(&proposal.name, 60);
                let who = match &proposal.via {
                    Some(via) => language.say_with("{} via {}", &[&name, &one_line(via, 60)]),
                    None => name,
                };
                language.say_with("{} proposes: {}", &[&who, &title])
            }
            ProposalStatus::Accepted => language.say_with("{} accepted your proposal: {}", &[&by, &title]),
            ProposalStatus::PartlyAccepted => language.say_with("{} accepted a part of your proposal: {}", &[&by, &title]),
            ProposalStatus::Rejected => language.say_with("{} rejected your proposal: {}", &[&by, &title]),
            ProposalStatus::Expired => language.say_with("Nobody decided your proposal in time: {}", &[&title]),
        }
    }
    /// Where it is read.
    pub fn url(&self) -> String {
        format!("/-/proposals/{}", self.proposal.number)
    }
}

/// What whoever asks is told of proposals, newest first: `limit` notices older than `before`.
pub fn notices(scope: &Scope<'_, Read>, before: Option<i64>, limit: usize) -> Result<Vec<ProposalNotice>> {
    let (user, wiki) = (person(scope)?.id, scope.wiki());
    let (db, now) = (wiki.db()?, wiki.shared.clock.now());
    db.note_expired(now)?;
    let eyes = Eyes::of(scope)?;
    let (mut found, mut before) = (Vec::new(), before);
    while found.len() < limit {
        let part = db.proposal_notices(user, before, limit)?;
        let last = part.last().map(|row| row.id).filter(|_| part.len() == limit);
        for row in part {
            let Some(proposal) = db.proposal(row.number)? else { continue };
            let Some(proposal) = eyes.shown(settled(scope, proposal)?, now) else { continue };
            let holds = match row.what {
                ProposalStatus::Open => proposal.may_review,
                what => proposal.mine && proposal.status == what,
            };
            if holds {
                found.push(ProposalNotice { id: row.id, what: row.what, time: row.time, seen: row.seen, proposal });
            }
        }
        let Some(last) = last else { break };
        before = Some(last);
    }
    found.truncate(limit);
    Ok(found)
}

/// How much of that they have not looked at.
pub fn unread(scope: &Scope<'_, Read>) -> Result<usize> {
    let db = scope.wiki().db()?;
    db.note_expired(scope.wiki().shared.clock.now())?;
    if db.unseen_proposal_notices(person(scope)?.id)? == 0 {
        return Ok(0);
    }
    Ok(notices(scope, None, COUNTED)?.into_iter().filter(|notice| !notice.seen).count())
}

/// Whoever asks has looked at a proposal.
pub fn see(scope: &Scope<'_, Read>, number: i64) -> Result<()> {
    match person(scope) {
        Ok(person) => scope.wiki().db()?.see_proposal(person.id, number),
        Err(_) => Ok(()),
    }
}

/// Who is told that a proposal waits: of the administrators and of those who watch something it touches, those who may decide about it, but
/// never its maker. A wiki without administrators has its operators.
pub(super) fn reviewers(wiki: &Wiki, row: &ProposalRow) -> Result<Vec<UserId>> {
    let directory = &wiki.shared.directory;
    let mut people = wiki.administrators()?;
    if people.is_empty() {
        people = directory.operators()?.into_iter().map(|operator| operator.id).collect();
    }
    let watches = wiki.db()?.all_watches()?;
    people.extend(watches.iter().filter(|watch| row.files.iter().any(|file| covers(watch, file))).map(|watch| watch.user));
    let (mut told, mut seen) = (Vec::new(), std::collections::HashSet::from([row.maker]));
    for user in people.into_iter().filter(|user| seen.insert(*user)).take(THOUGHT_OF) {
        let Some(account) = directory.user(user)? else { continue };
        if may_review(wiki, &Actor::Person(account.person()), row)? {
            told.push(user);
        }
        if told.len() == TOLD {
            break;
        }
    }
    Ok(told)
}

fn may_review(wiki: &Wiki, actor: &Actor, row: &ProposalRow) -> Result<bool> {
    match wiki.grant::<Read>(actor) {
        Ok(scope) => Ok(Eyes::of(&scope)?.shown(row.clone(), row.created).is_some_and(|proposal| proposal.may_review)),
        Err(error) if matches!(error.kind, ErrorKind::Denied | ErrorKind::Unauthenticated) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether somebody watches a file: the page itself, or with what is below it the files beside both, too.
fn covers(watch: &WatchRow, file: &str) -> bool {
    let below = || file.strip_prefix(watch.path.directory()).is_some_and(|rest| rest.starts_with('/'));
    file == watch.path.file() || (watch.below && below())
}
