//! What of a report waits as a proposal already: whoever reads it need not do it again. Told by the proposal's own text, whoever made it and
//! however: what is wrong in the text it was made on, and is not in the one it proposes, is mended by it.

use super::look::{self, OVERSIZED};
use super::{Finding, FindingKind, secrets};
use crate::pages::proposals;
use crate::scope::{Read, Scope};
use holt_core::{PageKey, PagePath, Result};
use holt_markdown::{Options, rewrite_links};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// A proposal that makes a finding good, once it is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its number.
    pub number: i64,
    /// What its maker was called.
    pub name: String,
    /// The program that acted for them.
    pub via: Option<String>,
    /// Whether whoever asks made it.
    pub mine: bool,
}

/// Notes at each finding the first proposal that mends it, of those that whoever asks may see.
pub(super) fn note(scope: &Scope<'_, Read>, findings: &mut [Finding]) -> Result<()> {
    let files: BTreeSet<String> = findings.iter().map(|finding| finding.page.file()).collect();
    let proposed = proposals::proposed_texts(scope, &files)?;
    if proposed.is_empty() {
        return Ok(());
    }
    let options = crate::pages::render_options(&*scope.wiki().preferences()?);
    let sign = |text: &proposals::ProposedText| {
        let of = |source: &Option<String>| source.as_ref().map(|source| Signs::of(source, &text.file, &options));
        (of(&text.base), of(&text.proposed))
    };
    let signs: Vec<_> = proposed.iter().map(|text| (text, sign(text))).collect();
    for finding in findings {
        let file = finding.page.file();
        let mends = |(text, (base, proposed)): &&(&proposals::ProposedText, (Option<Signs>, Option<Signs>))| {
            let had = match base {
                Some(base) => base.has(finding),
                None => finding.kind == FindingKind::Wanted,
            };
            text.file == file && had && Signs::tells(finding.kind) && proposed.as_ref().is_some_and(|proposed| !proposed.has(finding))
        };
        finding.waiting = signs.iter().find(mends).map(|(text, _)| Waiting {
            number: text.proposal.number,
            name: text.proposal.name.clone(),
            via: text.proposal.via.clone(),
            mine: text.proposal.mine,
        });
    }
    Ok(())
}

/// What a text has that a report may find.
struct Signs {
    /// Where its links lead.
    links: BTreeSet<PageKey>,
    review: Option<String>,
    secrets: Vec<String>,
    is_oversized: bool,
    is_empty: bool,
}

impl Signs {
    fn of(source: &str, file: &str, options: &Options) -> Self {
        let links = RefCell::new(BTreeSet::new());
        let note = |path: &str| {
            links.borrow_mut().extend(PagePath::parse(path.strip_suffix(".md").unwrap_or(path)).map(|path| path.key()));
            None
        };
        rewrite_links(source, &note, options, &format!("/{}", file.strip_suffix(".md").unwrap_or(file)));
        Self {
            links: links.into_inner(),
            review: look::review(source).map(|flaw| flaw.what),
            secrets: secrets::find(source).into_iter().map(|(_, what)| what).collect(),
            is_oversized: source.len() > OVERSIZED,
            is_empty: look::is_empty(source),
        }
    }
    /// Whether the text alone tells of findings of this kind.
    fn tells(kind: FindingKind) -> bool {
        !matches!(kind, FindingKind::BrokenPlace | FindingKind::BrokenFile | FindingKind::Duplicate | FindingKind::Orphan)
    }
    /// Whether it has what is wrong.
    fn has(&self, finding: &Finding) -> bool {
        let what = finding.details.first();
        match finding.kind {
            FindingKind::BrokenLink => finding.others.first().is_some_and(|target| self.links.contains(&target.key())),
            FindingKind::Stale => self.review.as_ref() == what,
            FindingKind::Secret => what.is_some_and(|what| self.secrets.contains(what)),
            FindingKind::Oversized => self.is_oversized,
            FindingKind::Empty => self.is_empty,
            FindingKind::Wanted | FindingKind::BrokenPlace | FindingKind::BrokenFile | FindingKind::Duplicate | FindingKind::Orphan => {
                false
            }
        }
    }
}
