//! Wiki care: one report of what somebody who tends a wiki would look at. Each finding names a page and says in a sentence what is wrong; where
//! a mend can be computed it is there, and becomes a proposal ([`propose_mend`]), never a change.
//!
//! What needs the text of a page is found when the page is indexed (`look`); a report asks the index alone, as far as its reader sees it.
//! Everything that is not broken stays out: a report of a well-kept wiki is empty.

mod look;
mod mend;
mod secrets;
mod sketch;
mod waiting;

pub use look::OVERSIZED;
pub(crate) use look::look;
pub use mend::{IfWaiting, Mend, REVIEW_DAYS, propose_mend};
pub use waiting::Waiting;

use crate::db::index::{BadLink, FlawKind, Index, PageFlaw};
use crate::scope::{Read, Scope};
use holt_core::{AttachmentName, PagePath, Result};
use sketch::Likeness;
use std::fmt;

/// Most findings of a part of the report.
pub const MOST: usize = 200;
/// Pages that a finding names besides its own.
const OTHERS: usize = 10;
/// Where links to places of other pages stand among the findings of a page: behind those to places of itself.
const BEHIND: usize = 1_000_000;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// Something looks like a password or a key.
    Secret,
    /// A link leads to a page that is not there.
    BrokenLink,
    /// A link leads to a place of a page that is not there.
    BrokenPlace,
    /// A picture or a file is not there.
    BrokenFile,
    /// A page is linked to and does not exist: the broken links, by where they lead.
    Wanted,
    /// The day is over by which a page was to be reviewed.
    Stale,
    /// A page says the same as another, or nearly.
    Duplicate,
    /// No other page links to a page; the home page is never one.
    Orphan,
    /// A page is longer than [`OVERSIZED`] bytes.
    Oversized,
    /// A page has at most 512 bytes, in less than three lines (spec/wiki.md §15.1).
    Empty,
}

impl FindingKind {
    /// All, in the order of the report: what is dangerous, what is broken, what could be better.
    pub const ALL: [Self; 10] = [
        Self::Secret,
        Self::BrokenLink,
        Self::BrokenPlace,
        Self::BrokenFile,
        Self::Wanted,
        Self::Stale,
        Self::Duplicate,
        Self::Orphan,
        Self::Oversized,
        Self::Empty,
    ];
    /// Its name in addresses and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::BrokenLink => "broken-link",
            Self::BrokenPlace => "broken-place",
            Self::BrokenFile => "broken-file",
            Self::Wanted => "wanted",
            Self::Stale => "stale",
            Self::Duplicate => "duplicate",
            Self::Orphan => "orphan",
            Self::Oversized => "oversized",
            Self::Empty => "empty",
        }
    }
    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Something that wants care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// The page that has it; of [`FindingKind::Wanted`] the one that is not there.
    pub page: PagePath,
    /// The line of its source, from 1, if it is about one.
    pub line: Option<usize>,
    /// What would make it good, if that can be computed.
    pub mend: Option<Mend>,
    /// A proposal that makes it good, and waits.
    pub waiting: Option<Waiting>,
    /// Where a broken link leads, what a page duplicates, the first pages that want one.
    pub others: Vec<PagePath>,
    /// What the sentence says besides pages.
    details: Vec<String>,
    sentence: &'static str,
    rank: i64,
    number: usize,
}

impl Finding {
    fn new(kind: FindingKind, page: PagePath, sentence: &'static str) -> Self {
        Self { kind, page, line: None, mend: None, waiting: None, others: Vec::new(), details: Vec::new(), sentence, rank: 0, number: 0 }
    }
    /// What is wrong, as a sentence about the page with a hole for each of what stands beside it. `shown` says how paths are shown.
    pub fn sentence(&self, shown: impl Fn(&PagePath) -> String) -> (&'static str, Vec<String>) {
        let first = match self.kind {
            FindingKind::BrokenLink | FindingKind::BrokenPlace | FindingKind::BrokenFile | FindingKind::Duplicate => 1,
            _ => 0,
        };
        (self.sentence, self.others.iter().take(first).map(shown).chain(self.details.iter().cloned()).collect())
    }
    /// Where it stands in the report.
    pub fn place(&self) -> Place {
        Place { kind: self.kind, rank: self.rank, page: self.page.clone(), number: self.number }
    }
}

/// Where a finding stands in the report, whatever else comes or goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    kind: FindingKind,
    rank: i64,
    page: PagePath,
    number: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.kind.as_str(), self.rank, self.number, self.page)
    }
}

impl Place {
    /// What was written by `Display`; none for what never was.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, ' ');
        let mut next = || parts.next();
        let (kind, rank, number) = (FindingKind::parse(next()?)?, next()?.parse().ok()?, next()?.parse().ok()?);
        Some(Self { kind, rank, number, page: PagePath::parse(next()?).ok()? })
    }
}

/// A part of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Care {
    /// How many findings there are of each kind, in the order of the report; those that were not asked for, too.
    pub counts: Vec<(FindingKind, usize)>,
    /// By kind; worst first, then by page and place.
    pub findings: Vec<Finding>,
    /// Where to go on, if there are more.
    pub next: Option<Place>,
}

/// Up to `limit` (at most [`MOST`]) findings behind `after`, of one kind or of all.
pub fn care(scope: &Scope<'_, Read>, kind: Option<FindingKind>, after: Option<&Place>, limit: usize) -> Result<Care> {
    let (index, limit) = (scope.index()?, limit.clamp(1, MOST));
    let (mut counts, mut findings, mut next) = (Vec::new(), Vec::new(), None);
    let report = Report::of(scope, &index)?;
    for (this, found) in report.kinds {
        counts.push((this, found.len()));
        if kind.is_some_and(|kind| kind != this) {
            continue;
        }
        let left = limit - findings.len();
        let behind = found.into_iter().filter(|finding| after.is_none_or(|after| finding.place() > *after));
        let mut part: Vec<Finding> = behind.take(left + 1).collect();
        if part.len() > left {
            part.truncate(left);
            // The last of those that are told, of this kind or one before it.
            next = next.or_else(|| part.last().or(findings.last()).map(Finding::place));
        }
        findings.append(&mut part);
    }
    mend::offer(scope, &index, &mut findings)?;
    waiting::note(scope, &mut findings)?;
    Ok(Care { counts, findings, next })
}

/// The first findings of each kind, at most `limit` (at most [`MOST`]) of one.
pub fn overview(scope: &Scope<'_, Read>, limit: usize) -> Result<Care> {
    let (index, limit) = (scope.index()?, limit.clamp(1, MOST));
    let report = Report::of(scope, &index)?;
    let counts = report.kinds.iter().map(|(kind, found)| (*kind, found.len())).collect();
    let mut findings: Vec<Finding> = report.kinds.into_iter().flat_map(|(_, found)| found.into_iter().take(limit)).collect();
    mend::offer(scope, &index, &mut findings)?;
    waiting::note(scope, &mut findings)?;
    Ok(Care { counts, findings, next: None })
}

/// How many findings there are of each kind.
pub fn counts(scope: &Scope<'_, Read>) -> Result<Vec<(FindingKind, usize)>> {
    let report = Report::of(scope, &*scope.index()?)?;
    Ok(report.kinds.iter().map(|(kind, found)| (*kind, found.len())).collect())
}

/// The pages with hardly anything in them, by path.
pub fn empty_pages(scope: &Scope<'_, Read>) -> Result<Vec<PagePath>> {
    Ok(scope.index()?.flaws(FlawKind::Empty, i64::MAX)?.into_iter().map(|found| found.page).collect())
}

/// All findings, in their order.
struct Report {
    kinds: Vec<(FindingKind, Vec<Finding>)>,
}

impl Report {
    fn of(scope: &Scope<'_, Read>, index: &Index) -> Result<Self> {
        let now = scope.wiki().shared.clock.now();
        let home = crate::publish::home_key(&*scope.wiki().preferences()?);
        let (files, links): (Vec<BadLink>, Vec<BadLink>) = index.broken_links()?.into_iter().partition(is_file);
        let of = |kind| {
            let mut found: Vec<Finding> = match kind {
                FindingKind::Secret => index.flaws(FlawKind::Secret, i64::MAX)?.into_iter().map(secret).collect(),
                FindingKind::BrokenLink => links.iter().map(|link| bad_link(kind, link)).collect(),
                FindingKind::BrokenFile => files.iter().map(|link| bad_link(kind, link)).collect(),
                FindingKind::BrokenPlace => {
                    let elsewhere = index.broken_places()?;
                    let own = index.flaws(FlawKind::Place, i64::MAX)?.into_iter().map(own_place);
                    own.chain(elsewhere.iter().map(|link| bad_link(kind, link))).collect()
                }
                FindingKind::Wanted => wanted(&links),
                FindingKind::Stale => index.flaws(FlawKind::Review, now.saturating_add(1))?.into_iter().map(stale).collect(),
                FindingKind::Duplicate => duplicates(index)?,
                FindingKind::Orphan => {
                    let alone = index.unlinked()?.into_iter().filter(|page| home.as_ref() != Some(&page.key()));
                    alone.map(|page| Finding::new(kind, page, "No other page links to it.")).collect()
                }
                FindingKind::Oversized => index.flaws(FlawKind::Large, i64::MAX)?.into_iter().map(oversized).collect(),
                FindingKind::Empty => {
                    let empty = index.flaws(FlawKind::Empty, i64::MAX)?.into_iter();
                    empty.map(|found| Finding::new(kind, found.page, "It has hardly anything in it.")).collect()
                }
            };
            found.sort_by(|a, b| (a.rank, &a.page, a.number).cmp(&(b.rank, &b.page, b.number)));
            Ok((kind, found))
        };
        Ok(Self { kinds: FindingKind::ALL.into_iter().map(of).collect::<Result<_>>()? })
    }
}

/// Whether a link means a file rather than a page: a picture, or a name that ends as those of files do.
fn is_file(link: &BadLink) -> bool {
    let name = link.target.name();
    let ends = name.rsplit_once('.').is_some_and(|(start, end)| {
        let letters = (1..=5).contains(&end.len()) && end.bytes().all(|b| b.is_ascii_alphanumeric());
        !start.is_empty() && letters && end.bytes().any(|b| b.is_ascii_alphabetic())
    });
    link.image || (!link.wikilink && ends && AttachmentName::parse(name).is_ok())
}

fn bad_link(kind: FindingKind, link: &BadLink) -> Finding {
    let (sentence, number) = match (kind, &link.place) {
        (FindingKind::BrokenFile, _) => ("The file {} is not there.", link.number),
        (_, None) => ("A link leads to {}, which is not there.", link.number),
        (_, Some(_)) => ("A link leads to a place of {} that is not there: {}.", BEHIND + link.number),
    };
    Finding {
        line: Some(link.line),
        others: vec![link.target.clone()],
        details: link.place.iter().map(|place| format!("#{place}")).collect(),
        number,
        ..Finding::new(kind, link.page.clone(), sentence)
    }
}

fn own_place(found: PageFlaw) -> Finding {
    Finding {
        line: Some(found.flaw.line),
        others: vec![found.page.clone()],
        details: vec![format!("#{}", found.flaw.what)],
        number: found.number,
        ..Finding::new(FindingKind::BrokenPlace, found.page, "A link leads to a place of {} that is not there: {}.")
    }
}

fn secret(found: PageFlaw) -> Finding {
    Finding {
        line: Some(found.flaw.line),
        details: vec![found.flaw.what],
        number: found.number,
        ..Finding::new(FindingKind::Secret, found.page, "Something looks like a secret: {}")
    }
}

fn stale(found: PageFlaw) -> Finding {
    Finding {
        line: Some(found.flaw.line),
        details: vec![found.flaw.what],
        rank: found.flaw.value,
        number: found.number,
        ..Finding::new(FindingKind::Stale, found.page, "It was to be reviewed by {}.")
    }
}

fn oversized(found: PageFlaw) -> Finding {
    let bytes = found.flaw.value;
    Finding {
        details: vec![bytes.to_string(), (bytes / 4).to_string()],
        rank: -bytes,
        number: found.number,
        ..Finding::new(FindingKind::Oversized, found.page, "It has {} bytes, about {} tokens for an agent.")
    }
}

/// Most wanted first.
fn wanted(links: &[BadLink]) -> Vec<Finding> {
    let mut by_key: std::collections::BTreeMap<_, (PagePath, Vec<PagePath>)> = std::collections::BTreeMap::new();
    for link in links {
        by_key.entry(link.target.key()).or_insert_with(|| (link.target.clone(), Vec::new())).1.push(link.page.clone());
    }
    let finding = |(page, mut from): (PagePath, Vec<PagePath>)| {
        from.dedup();
        let sentence =
            if from.len() == 1 { "It does not exist, and a page links to it." } else { "It does not exist, and {} pages link to it." };
        let details = if from.len() == 1 { Vec::new() } else { vec![from.len().to_string()] };
        let rank = -i64::try_from(from.len()).unwrap_or(i64::MAX);
        from.truncate(OTHERS);
        Finding { others: from, details, rank, ..Finding::new(FindingKind::Wanted, page, sentence) }
    };
    by_key.into_values().map(finding).collect()
}

fn duplicates(index: &Index) -> Result<Vec<Finding>> {
    let pages = index.sketches()?;
    let finding = |(page, first, likeness): (usize, usize, Likeness)| {
        let sentence = match likeness {
            Likeness::Same => "It says the same as {}.",
            Likeness::Near => "It says nearly the same as {}.",
        };
        Finding { others: vec![pages[first].0.clone()], ..Finding::new(FindingKind::Duplicate, pages[page].0.clone(), sentence) }
    };
    Ok(sketch::duplicates(&pages).into_iter().map(finding).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        for kind in FindingKind::ALL {
            let place = Place { kind, rank: -3, page: PagePath::parse("A b/C d").unwrap(), number: 7 };
            assert_eq!(Place::parse(&place.to_string()), Some(place));
        }
        for bad in ["", "empty", "empty 1", "empty 1 2", "empty 1 2 ", "nothing 1 2 A", "empty x 2 A", "empty 1 -2 A"] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }
}
