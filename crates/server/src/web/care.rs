//! Housekeeping: one's own drafts, and what a gardener of the wiki would look after, with proposals that mend it.

use super::browse::named;
use super::views::{CareKind, CareSection, CareView, DraftRow, FindingRow, MendRow, PageRef, WaitingRow};
use super::{Context, moment};
use crate::reply::{Reply, see_other};
use holt_core::{Action, Error, PagePath, Result, Timestamp};
use holt_engine::pages::care::{self, Finding, FindingKind, IfWaiting, Mend, Place};
use holt_engine::pages::{self, Subpages};
use holt_engine::{Read, Write};
use http::StatusCode;

/// Findings of one kind on a screen, and where all kinds are shown.
const PER_SCREEN: usize = 50;
const FIRST: usize = 10;

/// What a kind of findings is called, and what it is.
fn called(kind: FindingKind) -> (&'static str, &'static str) {
    match kind {
        FindingKind::Secret => {
            ("Suspected secrets", "Passwords and keys stay in the history: make them worthless where they count, then take them out.")
        }
        FindingKind::BrokenLink => ("Broken links", "Links to pages that do not exist."),
        FindingKind::BrokenPlace => ("Broken places", "Links to headings and other places that their pages do not have."),
        FindingKind::BrokenFile => ("Missing files", "Pictures and files that pages show or link to, and that are not there."),
        FindingKind::Wanted => ("Wanted pages", "Pages that are linked to and do not exist, most wanted first."),
        FindingKind::Stale => ("Overdue reviews", "Pages whose properties name a day for their review that is over."),
        FindingKind::Duplicate => ("Duplicates", "Pages that say the same as another, or nearly: one of them could lead to the other."),
        FindingKind::Orphan => ("Pages that no page links to", "Nobody finds them but by search and by the menu."),
        FindingKind::Oversized => ("Oversized pages", "Long to read for people, and dear for agents: they could be split."),
        FindingKind::Empty => ("Pages with hardly anything in them", "They could be written, or go."),
    }
}

fn url(kind: Option<FindingKind>) -> String {
    kind.map_or_else(|| "/-/housekeeping".to_string(), |kind| format!("/-/housekeeping?kind={}", kind.as_str()))
}

/// `GET /-/housekeeping[?kind=…[&after=…]]`
pub fn show(context: &Context<'_>) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let asked = context.request.query("kind").filter(|name| !name.is_empty());
    let kind = match asked {
        Some(name) => Some(FindingKind::parse(&name).ok_or_else(|| Error::not_found("there is no such kind of findings"))?),
        None => None,
    };
    let after = context.request.query("after").and_then(|text| Place::parse(&text));
    let report = match kind {
        Some(_) => care::care(&scope, kind, after.as_ref(), PER_SCREEN)?,
        None => care::overview(&scope, FIRST)?,
    };
    let choice = |(this, count): &(FindingKind, usize)| CareKind {
        label: called(*this).0,
        url: url(Some(*this)),
        count: *count,
        chosen: kind == Some(*this),
    };
    let kinds: Vec<CareKind> = report.counts.iter().filter(|(this, count)| *count > 0 || kind == Some(*this)).map(choice).collect();
    let mut sections = Vec::new();
    for (this, count) in report.counts.iter().filter(|(this, count)| kind.map_or(*count > 0, |kind| kind == *this)) {
        let findings: Vec<&Finding> = report.findings.iter().filter(|finding| finding.kind == *this).collect();
        let (label, about) = called(*this);
        sections.push(CareSection {
            kind: this.as_str(),
            label,
            about,
            can_go: *this == FindingKind::Empty,
            count: *count,
            all_url: (kind.is_none() && findings.len() < *count).then(|| url(Some(*this))),
            findings: findings.into_iter().map(|finding| row(context, finding)).collect::<Result<_>>()?,
        });
    }
    let query = |place: &Place| form_urlencoded::Serializer::new(String::new()).append_pair("after", &place.to_string()).finish();
    let (newer_url, older_url) = (after.map(|_| url(kind)), report.next.as_ref().map(|next| format!("{}&{}", url(kind), query(next))));
    let has_drafts = kind.is_none() && context.session.is_some();
    let drafts = if has_drafts { drafts(context)? } else { Vec::new() };
    let may_write = context.wiki.may(&context.actor, Action::Write)?;
    context.form(StatusCode::OK, "Housekeeping", |csrf| CareView {
        csrf,
        may_write,
        has_drafts,
        drafts,
        kinds,
        sections,
        one: kind.is_some(),
        newer_url,
        older_url,
    })
}

fn reference(context: &Context<'_>, path: &PagePath) -> Result<PageRef> {
    Ok(PageRef { title: context.preferences()?.display_name(path, None), url: context.page_url(path)?, verbs: path.url() })
}

fn drafts(context: &Context<'_>) -> Result<Vec<DraftRow>> {
    let Ok(scope) = context.scope::<Write>() else { return Ok(Vec::new()) };
    let row = |(path, draft): (PagePath, pages::Draft)| {
        Ok(DraftRow { when: moment(Timestamp::utc(draft.time)), page: reference(context, &path)? })
    };
    pages::drafts(&scope)?.into_iter().map(row).collect()
}

fn row(context: &Context<'_>, finding: &Finding) -> Result<FindingRow> {
    let preferences = context.preferences()?;
    let (sentence, values) = finding.sentence(|path| preferences.display_path(path));
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let mend = finding.mend.as_ref().map(|mend| match mend {
        Mend::Relink { target, to } => MendRow {
            task: "relink",
            from: target.as_str().to_string(),
            to: to.as_str().to_string(),
            about: preferences.language.say_with("It could lead to {}.", &[&preferences.display_path(to)]),
        },
        Mend::Postpone { from, to } => MendRow {
            task: "postpone",
            from: from.clone(),
            to: to.clone(),
            about: preferences.language.say_with("If it is right as it is: next review by {}.", &[to]),
        },
    });
    let from = if finding.kind == FindingKind::Wanted { finding.others.as_slice() } else { &[] };
    Ok(FindingRow {
        page: reference(context, &finding.page)?,
        exists: finding.kind != FindingKind::Wanted,
        line: finding.line,
        sentence: preferences.language.say_with(sentence, &values),
        from: from.iter().map(|path| reference(context, path)).collect::<Result<_>>()?,
        mend,
        waiting: finding.waiting.as_ref().map(|waits| WaitingRow {
            number: waits.number,
            author: match &waits.via {
                Some(via) => preferences.language.say_with("{} via {}", &[&waits.name, via]),
                None => waits.name.clone(),
            },
            mine: waits.mine,
        }),
    })
}

/// `POST /-/housekeeping`: throws drafts away, deletes pages with nothing in them, or proposes what mends a finding.
pub fn tidy(context: &Context<'_>) -> Result<Reply> {
    let form = &context.request.body;
    let scope = context.scope::<Write>()?;
    match form.get("task") {
        "drafts" => {
            for path in form.all("delete_draft").take(500) {
                pages::discard_draft(&scope, &named(path)?)?;
            }
        }
        "emptypages" => {
            // Only those that are empty now: somebody may have written something meanwhile.
            let empty = care::empty_pages(&context.scope::<Read>()?)?;
            let asked: Vec<PagePath> = form.all("delete_empty_page").take(500).filter_map(|path| named(path).ok()).collect();
            for path in empty.iter().filter(|path| asked.contains(path)) {
                let revision = pages::delete(&scope, path, &context.say("Housekeeping: Removed empty page")?, Subpages::Keep)?;
                context.changed("deleted", path.as_str(), revision);
            }
        }
        "relink" => {
            let mend = Mend::Relink { target: PagePath::parse(form.get("from"))?, to: PagePath::parse(form.get("to"))? };
            return proposed(context, scope, &mend);
        }
        "postpone" => {
            let mend = Mend::Postpone { from: form.get("from").to_string(), to: form.get("to").to_string() };
            return proposed(context, scope, &mend);
        }
        other => {
            return Err(Error::invalid(format!("there is no task \"{other}\"")).hint("There are drafts, emptypages, relink and postpone."));
        }
    }
    Ok(see_other("/-/housekeeping"))
}

/// Proposes it, and shows the proposal.
fn proposed(context: &Context<'_>, scope: holt_engine::Scope<'_, Write>, mend: &Mend) -> Result<Reply> {
    let page = named(context.request.body.get("page"))?;
    let if_waiting = if context.request.body.find("again").is_some() { IfWaiting::Insist } else { IfWaiting::Join };
    let number = care::propose_mend(scope, &page, mend, if_waiting)?;
    Ok(see_other(&format!("/-/proposals/{number}")))
}
