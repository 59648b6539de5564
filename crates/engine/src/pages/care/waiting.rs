//! What of a report waits as a proposal already: whoever reads it need not do it again. Told by the proposal's own text, whoever made it and
//! however: what is wrong in the text it was made on, and is not in the one it proposes, is mended by it.

use super::look::{self, OVERSIZED};
use super::{Finding, FindingKind, secrets};
use crate::pages::proposals;
use crate::scope::{Read, Scope};
use holt_core::{PagePath, Result};
use holt_markdown::{Options, rewrite_links};
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
    for finding in findings {
        let file = finding.page.file();
        let has = |text: &Option<String>| match text {
            Some(text) => is_there(finding, text, &options),
            None => (finding.kind == FindingKind::Wanted).then_some(true),
        };
        let mends = |text: &&proposals::ProposedText| {
            text.file == file && has(&text.base) == Some(true) && text.proposed.is_some() && has(&text.proposed) == Some(false)
        };
        finding.waiting = proposed.iter().find(mends).map(|text| Waiting {
            number: text.proposal.number,
            name: text.proposal.name.clone(),
            via: text.proposal.via.clone(),
            mine: text.proposal.mine,
        });
    }
    Ok(())
}

/// Whether a text of the page has what is wrong. None where the text alone does not tell.
fn is_there(finding: &Finding, text: &str, options: &Options) -> Option<bool> {
    let what = finding.details.first().map(String::as_str);
    Some(match finding.kind {
        FindingKind::BrokenLink => {
            let (key, at) = (finding.others.first()?.key(), format!("/{}", finding.page));
            let moved = |path: &str| {
                let path = PagePath::parse(path.strip_suffix(".md").unwrap_or(path)).ok()?;
                (path.key() == key).then(|| format!("{path}-"))
            };
            rewrite_links(text, &moved, options, &at).is_some()
        }
        FindingKind::Wanted => false,
        FindingKind::Stale => look::review(text).map(|flaw| flaw.what).as_deref() == what,
        FindingKind::Secret => secrets::find(text).into_iter().any(|(_, found)| Some(found.as_str()) == what),
        FindingKind::Oversized => text.len() > OVERSIZED,
        FindingKind::Empty => look::is_empty(text),
        FindingKind::BrokenPlace | FindingKind::BrokenFile | FindingKind::Duplicate | FindingKind::Orphan => return None,
    })
}
