//! The review queue: what programs propose, looked at, talked about and decided by people.

use super::history::as_page;
use super::views::{
    Choice as Shown, DecisionShown, DiffLayout, HunkShown, Problem, ProposalEntry, ProposalView, ProposalsView, ProposedBody,
    ProposedFileShown, Said,
};
use super::{Context, layout, moment, problem};
use crate::reply::{Reply, see_other};
use holt_core::{Error, ErrorKind, PagePath, Result, RevisionId, Timestamp};
use holt_engine::pages::proposals::{
    self, Choice, FileState, Happens, Makers, Proposal, ProposalFilter, ProposalStatus, ProposalView as Proposed, ProposedFile, TakenPart,
};
use holt_engine::pages::{HiddenKind, HiddenText};
use holt_engine::{Read, Write};
use http::StatusCode;
use std::collections::{BTreeMap, BTreeSet};

/// Proposals on one screen.
const PER_SCREEN: usize = 30;
/// Pages of a proposal that the list names.
const PAGES_NAMED: usize = 5;
/// Places of hidden text that are named of a file.
const HIDDEN: usize = 20;

/// How many proposals wait for whoever asks.
pub fn waiting(context: &Context<'_>) -> Result<usize> {
    if context.session.is_none() || !context.wiki.may(&context.actor, holt_core::Action::Write)? {
        return Ok(0);
    }
    proposals::waiting(&context.scope::<Read>()?)
}

/// `GET /-/proposals[?status=…]`
pub fn list(context: &Context<'_>) -> Result<Reply> {
    let asked = context.request.query("status").unwrap_or_default();
    let status = match asked.as_str() {
        "" => Some(ProposalStatus::Open),
        "all" => None,
        word => Some(ProposalStatus::parse(word).ok_or_else(|| Error::not_found("there is no such kind of proposals"))?),
    };
    let before = context.request.query("before").and_then(|text| text.parse::<i64>().ok());
    let filter = ProposalFilter { status, of: Makers::Everybody };
    let found = proposals::list(&context.scope::<Read>()?, filter, before, PER_SCREEN)?;
    let kind = |value: &str, label: &str| Shown { value: value.to_string(), label: label.to_string(), chosen: asked == value };
    let statuses = vec![
        kind("", "Waiting"),
        kind("accepted", "Accepted"),
        kind("partly-accepted", "Partly accepted"),
        kind("rejected", "Rejected"),
        kind("withdrawn", "Withdrawn"),
        kind("expired", "Expired"),
        kind("all", "All"),
    ];
    let query = if asked.is_empty() { String::new() } else { format!("status={asked}&") };
    let view = ProposalsView {
        statuses,
        proposals: found.proposals.iter().map(|proposal| entry(context, proposal)).collect::<Result<_>>()?,
        newer_url: before.map(|_| format!("/-/proposals?{}", query.trim_end_matches('&'))),
        older_url: found.next.map(|next| format!("/-/proposals?{query}before={next}")),
    };
    context.page(StatusCode::OK, "Proposals", &view)
}

fn entry(context: &Context<'_>, proposal: &Proposal) -> Result<ProposalEntry> {
    let preferences = context.preferences()?;
    let name = |file: &str| PagePath::from_tree(file).map_or_else(|| file.to_string(), |path| preferences.display_name(&path, None));
    let (status, class) = match proposal.status {
        ProposalStatus::Open => ("Waiting", "waits"),
        ProposalStatus::Accepted => ("Accepted", "good"),
        ProposalStatus::PartlyAccepted => ("Partly accepted", "good"),
        ProposalStatus::Rejected => ("Rejected", "bad"),
        ProposalStatus::Withdrawn => ("Withdrawn", "over"),
        ProposalStatus::Expired => ("Expired", "over"),
    };
    Ok(ProposalEntry {
        number: proposal.number,
        title: proposal.title.clone(),
        url: format!("/-/proposals/{}", proposal.number),
        author: match &proposal.via {
            Some(via) => preferences.language.say_with("{} via {}", &[&proposal.name, via]),
            None => proposal.name.clone(),
        },
        when: moment(Timestamp::utc(proposal.created)),
        status,
        class,
        pages: proposal.files.iter().take(PAGES_NAMED).map(|file| name(file)).collect(),
        more_pages: proposal.files.len().saturating_sub(PAGES_NAMED),
    })
}

fn number(context: &Context<'_>) -> Result<i64> {
    context.param("number").parse().map_err(|_| Error::not_found("there is no such proposal"))
}

/// `GET /-/proposals/<number>[?view=page]`
pub fn show(context: &Context<'_>) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let view = proposals::view(&scope, number(context)?)?;
    if context.session.is_some() {
        proposals::see(&scope, view.proposal.number)?;
    }
    render(context, StatusCode::OK, &view, None)
}

fn render(context: &Context<'_>, status: StatusCode, view: &Proposed, problem: Option<Problem>) -> Result<Reply> {
    let layout = if context.request.query("view").as_deref() == Some("page") { DiffLayout::Page } else { DiffLayout::Inline };
    let proposal = &view.proposal;
    let open = proposal.status == ProposalStatus::Open;
    let unsent = if problem.is_some() && !(open && proposal.may_review) { unsent(context, view)? } else { Vec::new() };
    let kept = |name: &str| context.request.body.get(name).to_string();
    let files = view.files.iter().enumerate();
    let shown = ProposalView {
        proposal: entry(context, proposal)?,
        rest: proposal.message.trim().split_once('\n').map_or("", |(_, rest)| rest).trim().to_string(),
        expires: open.then(|| moment(Timestamp::utc(proposal.expires))),
        decision: proposal.decision.as_ref().map(|decision| DecisionShown {
            name: decision.name.clone(),
            when: moment(Timestamp::utc(decision.time)),
            reason: decision.reason.clone(),
            commit_url: decision.revision.map(|id| format!("/-/commit/{id}")),
        }),
        files: files.map(|(at, file)| shown_file(context, &Sent { at, fresh: problem.is_none() }, file, layout)).collect::<Result<_>>()?,
        seen: view.seen.map(|id| id.to_string()).unwrap_or_default(),
        may_review: open && proposal.may_review,
        may_withdraw: open && proposal.mine,
        may_comment: context.session.is_some(),
        layout,
        comments: view
            .comments
            .iter()
            .map(|said| Said { name: said.name.clone(), when: moment(Timestamp::utc(said.created)), text: said.content.clone() })
            .collect(),
        reason: kept("reason"),
        comment: kept("comment"),
        problem,
        unsent,
        csrf: String::new(),
    };
    let title = match shown.proposal.title.as_str() {
        "" => context.say("No message")?,
        title => title.to_string(),
    };
    context.form_called(status, &title, |csrf| ProposalView { csrf, ..shown })
}

/// What a reviewer typed, if somebody else was faster: it is theirs, and nothing else keeps it.
fn unsent(context: &Context<'_>, view: &Proposed) -> Result<Vec<(String, String)>> {
    let (form, preferences) = (&context.request.body, context.preferences()?);
    let mut kept = Vec::new();
    for (at, file) in view.files.iter().enumerate() {
        let (Some(text), Some(changes)) = (text_sent(context, at), &file.text) else { continue };
        // What they only read is not theirs.
        if form.get(&format!("file-{at}")) == file.file && changes.merged.as_deref() != Some(&text) {
            let name = file.page.as_ref().map_or_else(|| file.file.clone(), |page| preferences.display_name(page, None));
            kept.push((preferences.language.say_with("Text of {}, in Markdown", &[&name]), text));
        }
    }
    let reason = form.get("reason").trim();
    if !reason.is_empty() {
        kept.push((context.say("A word to whoever proposed it")?, reason.to_string()));
    }
    Ok(kept)
}

/// What a file adds that readers of its page do not see, in the wiki's language.
fn hidden(context: &Context<'_>, file: &ProposedFile) -> Result<Vec<String>> {
    let language = context.preferences()?.language;
    let said = |one: &HiddenText| {
        let what = match one.kind {
            HiddenKind::Comment => "line {}: text in an HTML comment",
            HiddenKind::Invisible => "line {}: characters without width",
            HiddenKind::Bidi => "line {}: characters that turn the direction of writing",
        };
        language.say_with(what, &[&one.line.to_string()])
    };
    let mut all: Vec<String> = file.hidden.iter().take(HIDDEN).map(said).collect();
    if let Some(more) = file.hidden.len().checked_sub(HIDDEN).filter(|more| *more > 0) {
        all.push(language.say_with("and {} more", &[&more.to_string()]));
    }
    Ok(all)
}

/// Which file of a form is meant, and whether the form is new.
struct Sent {
    at: usize,
    fresh: bool,
}

impl Sent {
    /// Whether a box is ticked: all are in a new form.
    fn ticked(&self, context: &Context<'_>, name: &str, value: &str) -> bool {
        self.fresh || context.request.body.all(&format!("{name}-{}", self.at)).any(|sent| sent == value)
    }
}

fn shown_file(context: &Context<'_>, sent: &Sent, file: &ProposedFile, layout: DiffLayout) -> Result<ProposedFileShown> {
    let preferences = context.preferences()?;
    let name = |file: &str| PagePath::from_tree(file).map_or_else(|| file.to_string(), |path| preferences.display_name(&path, None));
    let (note, current) = match &file.happens {
        Happens::Added => (Some("new".to_string()), None),
        Happens::Changed => (None, Some(file.place.as_str())),
        Happens::Deleted => (Some("deleted".to_string()), Some(file.place.as_str())),
        Happens::Moved { from } => (Some(format!("renamed from {}", from.strip_suffix(".md").unwrap_or(from))), Some(from.as_str())),
    };
    let url = current.and_then(PagePath::from_tree).map(|path| context.page_url(&path)).transpose()?;
    let merged = file.text.as_ref().and_then(|text| text.merged.clone());
    let edited = (!sent.fresh).then(|| text_sent(context, sent.at)).flatten().filter(|text| merged.as_deref() != Some(text));
    let is_page = file.page.is_some();
    Ok(ProposedFileShown {
        at: sent.at,
        file: file.file.clone(),
        name: name(&file.place),
        url,
        note,
        conflict: match &file.state {
            FileState::Conflict(why) => Some(problem(&Error::conflict(why.to_string())).message),
            FileState::Fits | FileState::Done => None,
        },
        done: file.state == FileState::Done,
        body: body(context, sent, file, layout)?,
        chosen: sent.ticked(context, "take", "1"),
        edited: edited.is_some(),
        text: edited.or(merged).filter(|_| is_page),
        hidden: hidden(context, file)?,
        taken: file.taken.as_ref().map(|taken| match taken {
            TakenPart::All => "All of it was taken.",
            TakenPart::Hunks(_) => "Some of its changes were taken.",
            TakenPart::OwnText => "The reviewer's own text was taken instead.",
            TakenPart::Nothing => "Nothing of it was taken.",
        }),
    })
}

fn body(context: &Context<'_>, sent: &Sent, file: &ProposedFile, shape: DiffLayout) -> Result<ProposedBody> {
    let Some(text) = &file.text else {
        return Ok(ProposedBody::Words(match file.size {
            Some(_) => "Not shown: no text, or too long.".to_string(),
            None => "The file goes.".to_string(),
        }));
    };
    if let (DiffLayout::Page, Some(page)) = (shape, &file.page) {
        let scope = context.scope::<Read>()?;
        let then = text.merged.as_deref().filter(|_| !matches!(file.state, FileState::Conflict(_))).or(text.proposed.as_deref());
        return Ok(ProposedBody::Page(as_page(&scope, page, [text.current.as_deref(), then].map(Option::unwrap_or_default))?));
    }
    let hunks: Vec<HunkShown> = text
        .hunks
        .iter()
        .map(|hunk| HunkShown {
            number: hunk.number,
            chosen: sent.ticked(context, "hunk", &hunk.number.to_string()),
            taken: match &file.taken {
                Some(TakenPart::Hunks(numbers)) => Some(numbers.contains(&hunk.number)),
                _ => None,
            },
            lines: layout::lines(&hunk.diff),
        })
        .collect();
    Ok(match (&file.state, hunks.is_empty()) {
        (FileState::Conflict(_), _) => {
            let (now, then) = (text.current.as_deref().unwrap_or_default(), text.proposed.as_deref().unwrap_or_default());
            ProposedBody::Whole(holt_engine::repo::diff::line_diff(now, then)?.iter().map(layout::lines).collect())
        }
        (_, true) => ProposedBody::Words("The text is the same.".to_string()),
        _ if by_hunk(file) => ProposedBody::Hunks(hunks),
        _ => ProposedBody::Whole(hunks.into_iter().map(|hunk| hunk.lines).collect()),
    })
}

/// Whether a part of what happens to the file can be taken: not of what comes or goes as a whole.
fn by_hunk(file: &ProposedFile) -> bool {
    matches!(file.happens, Happens::Changed | Happens::Moved { .. }) && file.text.as_ref().is_some_and(|text| !text.hunks.is_empty())
}

/// The text that the form has for a file, with line ends as they are stored.
fn text_sent(context: &Context<'_>, at: usize) -> Option<String> {
    Some(context.request.body.find(&format!("text-{at}"))?.replace("\r\n", "\n"))
}

/// `POST /-/proposals/<number>`
pub fn act(context: &Context<'_>) -> Result<Reply> {
    let (number, form) = (number(context)?, &context.request.body);
    let done = match form.get("action") {
        "accept" => accept(context, number),
        "reject" => proposals::reject(&context.scope::<Write>()?, number, form.get("reason")),
        "withdraw" => proposals::withdraw(&context.scope::<Read>()?, number),
        "comment" => proposals::comment(&context.scope::<Read>()?, number, form.get("comment")),
        _ => Err(Error::invalid("choose what to do with the proposal").hint("Press one of the buttons.")),
    };
    match done {
        Ok(()) => Ok(see_other(&format!("/-/proposals/{number}"))),
        // What is not there, or nobody's business, has no form to come back to.
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Unauthenticated | ErrorKind::Internal) => Err(error),
        Err(error) => {
            let view = proposals::view(&context.scope::<Read>()?, number)?;
            render(context, crate::error::status(&error), &view, Some(problem(&error)))
        }
    }
}

/// Takes what the form chooses. Files are known by the names that stand in the form, so that nothing is chosen that nobody saw.
fn accept(context: &Context<'_>, number: i64) -> Result<()> {
    let form = &context.request.body;
    let seen = Some(form.get("seen")).filter(|text| !text.is_empty()).map(RevisionId::parse).transpose()?;
    let view = proposals::view(&context.scope::<Read>()?, number)?;
    let mut choices = BTreeMap::new();
    for at in 0..view.files.len() {
        let named = form.get(&format!("file-{at}"));
        let Some(file) = view.files.iter().find(|file| file.file == named) else {
            return Err(Error::conflict("the proposal was shown differently").hint("Look at it again, and decide then."));
        };
        if let Some(choice) = chosen(context, at, file)? {
            choices.insert(file.file.clone(), choice);
        }
    }
    let accepted = proposals::accept(&context.scope::<Write>()?, number, seen, &choices, form.get("reason"))?;
    context.changed("accepted", &number.to_string(), accepted.revision);
    Ok(())
}

/// What the form says of one file; none if it is taken as it is proposed.
fn chosen(context: &Context<'_>, at: usize, file: &ProposedFile) -> Result<Option<Choice>> {
    let form = &context.request.body;
    if file.state == FileState::Done {
        return Ok(None);
    }
    let name = format!("hunk-{at}");
    let hunk = |text: &str| text.parse::<usize>().map_err(|_| Error::invalid("there is no such change"));
    let hunks = form.all(&name).map(hunk).collect::<Result<BTreeSet<usize>>>()?;
    let whole = form.find(&format!("take-{at}")).is_some();
    if hunks.is_empty() && !whole {
        return Ok(Some(Choice::Nothing));
    }
    let text = file.text.as_ref();
    if let Some(sent) = text_sent(context, at).filter(|sent| text.and_then(|text| text.merged.as_deref()) != Some(sent)) {
        if sent.lines().any(|line| line.starts_with("<<<<<<< ")) {
            return Err(Error::invalid("a place is not decided yet")
                .hint("Keep what is right, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>."));
        }
        return Ok(Some(Choice::Text(sent)));
    }
    let all = text.is_some_and(|text| text.hunks.len() == hunks.len());
    Ok((!whole && !all).then_some(Choice::Hunks(hunks)))
}
