//! What would make a finding good, and how it becomes a proposal.

use super::{Finding, FindingKind, waiting};
use crate::db::index::{FlawKind, Index};
use crate::pages::proposals::{self, ProposalStatus};
use crate::publish;
use crate::scope::{Read, Scope, Write};
use holt_core::{Action, Actor, Edit, Error, OpId, PagePath, Result, RevisionId};
use holt_markdown::rewrite_links;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Days until a page that was reviewed has to be reviewed again.
pub const REVIEW_DAYS: i64 = 180;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// What would make a finding good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    /// Links that lead to `target` lead to the page `to` instead, which is called nearly so or was once called so.
    Relink {
        /// Where they lead now: nowhere.
        target: PagePath,
        /// Where they lead then.
        to: PagePath,
    },
    /// The day by which the page has to be reviewed is another.
    Postpone {
        /// As it is written.
        from: String,
        /// As it is written then.
        to: String,
    },
}

/// What [`propose_mend`] does where such a mend waits already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfWaiting {
    /// Answers the one that waits, whoever made it.
    Join,
    /// Proposes it once more, in the name of whoever asks.
    Insist,
}

/// Adds to the findings what would make them good.
pub(super) fn offer(scope: &Scope<'_, Read>, index: &Index, findings: &mut [Finding]) -> Result<()> {
    let mut known: HashMap<PagePath, Option<PagePath>> = HashMap::new();
    for finding in findings {
        finding.mend = match finding.kind {
            FindingKind::BrokenLink => match finding.others.first() {
                Some(target) => {
                    let to = match known.get(target) {
                        Some(to) => to.clone(),
                        None => nearest(index, target)?,
                    };
                    known.insert(target.clone(), to.clone());
                    let to = to.filter(|to| *to != finding.page && may_name(scope, &finding.page, to).unwrap_or(false));
                    to.map(|to| Mend::Relink { target: target.clone(), to })
                }
                None => None,
            },
            FindingKind::Stale => finding.details.first().map(|day| Mend::Postpone { from: day.clone(), to: next_review(scope) }),
            _ => None,
        };
    }
    Ok(())
}

/// Whether the page may name another: all of its readers may see that one, too.
fn may_name(scope: &Scope<'_, Read>, page: &PagePath, other: &PagePath) -> Result<bool> {
    let rules = &scope.wiki().preferences()?.path_access;
    Ok(rules.is_empty() || !rules.hidden_in(Some(&page.key())).covers(other.key().as_str()))
}

/// The page that was once called so; else the only page of that name in another folder; else the page that search would name for somebody
/// who typed it wrong.
fn nearest(index: &Index, target: &PagePath) -> Result<Option<PagePath>> {
    if let Some(now) = index.whereabouts(&target.file())?.and_then(|file| PagePath::from_tree(&file)) {
        return Ok(Some(now));
    }
    let names = index.names()?;
    let plain = crate::db::index::plain(target.as_str());
    let leaf = plain.rsplit('/').next().unwrap_or_default();
    let mut namesakes = names.list.iter().filter(|name| name.plain_path.rsplit('/').next() == Some(leaf));
    if let (Some(only), None) = (namesakes.next(), namesakes.next()) {
        return Ok(Some(only.path.clone()));
    }
    let words: Vec<&str> = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(8).collect();
    Ok(names.mistyped(&words).first().map(|(name, _)| names.list[*name].path.clone()))
}

/// The day from which on a page reviewed today is overdue, less one.
fn next_review(scope: &Scope<'_, Read>) -> String {
    let then = holt_core::Timestamp::utc(scope.wiki().shared.clock.now() + REVIEW_DAYS * DAY);
    publish::rfc3339(then).get(..10).unwrap_or_default().to_string()
}

/// Proposes `mend` for `page`, in the name of whoever asks; answers the number of the proposal. The page itself stays as it is until somebody
/// accepts it, and is proposed once however often they ask. `Conflict` if the mend is not what a report would offer now.
pub fn propose_mend(scope: Scope<'_, Write>, page: &PagePath, mend: &Mend, if_waiting: IfWaiting) -> Result<i64> {
    let reader = scope.narrow::<Read>();
    reader.check(Action::Read, page)?;
    if !is_offered(&reader, page, mend)? {
        return Err(over());
    }
    if if_waiting == IfWaiting::Join {
        let mut findings = [finding(page, mend)];
        waiting::note(&reader, &mut findings)?;
        if let Some(waiting) = &findings[0].waiting {
            return Ok(waiting.number);
        }
    }
    let wiki = scope.wiki();
    let view = crate::pages::page(&reader, page)?.ok_or_else(over)?;
    let source = std::str::from_utf8(&view.page.source).map_err(|e| Error::invalid("the page is no text").because(e))?;
    let (text, message) = match mend {
        Mend::Relink { target, to } => {
            let (key, at) = (target.key(), format!("/{}", view.page.path));
            let moved = |path: &str| {
                let path = PagePath::parse(path.strip_suffix(".md").unwrap_or(path)).ok()?;
                (path.key() == key).then(|| to.as_str().to_string())
            };
            let options = crate::pages::render_options(&*wiki.preferences()?);
            let message = wiki.preferences()?.language.say_with("Links to {} lead to {}", &[target.as_str(), to.as_str()]);
            (rewrite_links(source, &moved, &options, &at), message)
        }
        Mend::Postpone { from, to } => {
            let line = reader.index()?.flaws(FlawKind::Review, i64::MAX)?.into_iter().find(|found| found.page == view.page.path);
            let line = line.ok_or_else(over)?.flaw.line;
            let message = wiki.preferences()?.language.say_with("Reviewed; next by {}", &[to.as_str()]);
            (postponed(source, line, from, to), message)
        }
    };
    let text = text.ok_or_else(|| {
        Error::conflict("this cannot be mended by itself: what is wrong is not written as a link").hint("Edit the page instead.")
    })?;
    let op = operation(scope.actor(), page, view.last_change.id, mend)?;
    let edit = Edit::new(view.page.path.clone(), Some(view.page.revision), text, &message)?;
    let scope = scope.proposing();
    let made = |op: Option<&OpId>| match crate::pages::save(&scope, &edit, op) {
        Ok(_) => Err(over()),
        Err(error) => error.proposal().map(|made| made.number).ok_or(error),
    };
    let number = made(Some(&op))?;
    // What was decided is no answer to who wants it still.
    if proposals::proposal(&scope.narrow(), number)?.status == ProposalStatus::Open { Ok(number) } else { made(None) }
}

/// What the mend makes good.
fn finding(page: &PagePath, mend: &Mend) -> Finding {
    match mend {
        Mend::Relink { target, .. } => Finding { others: vec![target.clone()], ..Finding::new(FindingKind::BrokenLink, page.clone(), "") },
        Mend::Postpone { from, .. } => Finding { details: vec![from.clone()], ..Finding::new(FindingKind::Stale, page.clone(), "") },
    }
}

/// The same for the same mend of the same text by the same person: a click that comes twice proposes once.
fn operation(actor: &Actor, page: &PagePath, revision: RevisionId, mend: &Mend) -> Result<OpId> {
    let who = if let Actor::Person(person) = actor { person.id.0 } else { 0 };
    let digest = Sha256::digest(format!("{who}\n{}\n{revision}\n{mend:?}", page.key().as_str()));
    let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    OpId::parse(&format!("mend-{name}"))
}

fn over() -> Error {
    Error::conflict("this was mended meanwhile, or is another thing now").hint("Look at the report again.")
}

/// Whether a report would offer the mend now.
fn is_offered(scope: &Scope<'_, Read>, page: &PagePath, mend: &Mend) -> Result<bool> {
    let index = scope.index()?;
    Ok(match mend {
        Mend::Relink { target, to } => {
            let broken = index.broken_links()?.into_iter().any(|link| link.page == *page && link.target == *target);
            broken && nearest(&index, target)?.as_ref() == Some(to) && may_name(scope, page, to)?
        }
        Mend::Postpone { from, to } => {
            let overdue = index.flaws(FlawKind::Review, scope.wiki().shared.clock.now().saturating_add(1))?;
            *to == next_review(scope) && overdue.into_iter().any(|found| found.page == *page && found.flaw.what == *from)
        }
    })
}

/// The text with another day in its `line`th line.
fn postponed(source: &str, line: usize, from: &str, to: &str) -> Option<String> {
    let start: usize = source.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let here = source[start..].split_inclusive('\n').next()?;
    let at = start + here.find(from)?;
    Some(format!("{}{to}{}", &source[..at], &source[at + from.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_day_in_its_line_is_another() {
        let text = "---\r\ntitle: 2026-05-01\r\nreview: 2026-05-01 # soon\r\n---\r\n2026-05-01";
        let then = postponed(text, 3, "2026-05-01", "2026-11-01");
        assert_eq!(then.as_deref(), Some("---\r\ntitle: 2026-05-01\r\nreview: 2026-11-01 # soon\r\n---\r\n2026-05-01"));
        assert_eq!(
            (postponed(text, 4, "2026-05-01", "x"), postponed(text, 9, "2026-05-01", "x"), postponed(text, 0, "-", "x")),
            (None, None, None)
        );
    }
}
