//! The review queue: changes that wait until somebody accepts them (docs/review.md).

use super::body::Fields;
use super::failure::Failure;
use super::{Answer, commits, cursor, history, ok, precondition, query};
use crate::web::Context;
use holt_core::{Error, Handling, RevisionId, RevisionPrefix, Timestamp};
use holt_engine::pages::HiddenText;
use holt_engine::pages::proposals::{
    self, Choice, FileState, Happens, LISTED, Makers, Proposal, ProposalFilter, ProposalStatus, ProposalView, ProposedFile, TakenPart,
};
use holt_engine::{Read, Write, pages, publish};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How many are listed if nobody says.
pub const USUAL: usize = 50;
/// Most hunks that are chosen of one file.
const HUNKS: usize = 10_000;
/// Most places of hidden text that are told of a file.
const HIDDEN: usize = 20;

/// `GET /proposals`
pub fn list(context: &Context<'_>) -> Answer {
    let status = query::text(context, "status").map(|word| status(&word)).transpose()?;
    let of = match query::text(context, "mine").as_deref() {
        None | Some("false") => Makers::Everybody,
        Some("true") => Makers::Me,
        Some(_) => return Err(Failure::field("mine", "mine is neither true nor false", "Send true or false.")),
    };
    let limit = query::count(context, "limit", USUAL, LISTED);
    let (mut found, next) = part(context, ProposalFilter { status, of }, cursor::number(context)?, limit)?;
    found["next_cursor"] = next.map(|next| cursor::make(context, &next.to_string())).into();
    Ok(ok(&found))
}

/// The status that a word means.
pub fn status(word: &str) -> Result<ProposalStatus, Failure> {
    ProposalStatus::parse(word).ok_or_else(|| {
        let known = ProposalStatus::ALL.map(ProposalStatus::as_str).join(", ");
        Failure::field("status", "there is no such status", format!("Send one of {known}."))
    })
}

/// Up to `limit` proposals with numbers below `before`, and where the list goes on.
pub fn part(context: &Context<'_>, filter: ProposalFilter, before: Option<i64>, limit: usize) -> Result<(Value, Option<i64>), Failure> {
    let found = proposals::list(&context.scope::<Read>()?, filter, before, limit)?;
    let shown: Vec<Value> = found.proposals.iter().map(of).collect();
    Ok((json!({"proposals": shown}), found.next))
}

/// `GET /proposals/{number}`
pub fn show(context: &Context<'_>) -> Answer {
    Ok(ok(&described(context, number(context)?)?))
}

/// A proposal with what it would change.
pub fn described(context: &Context<'_>, number: i64) -> Result<Value, Failure> {
    let scope = context.scope::<Read>()?;
    let ProposalView { proposal, seen, files, comments } = proposals::view(&scope, number)?;
    // A revision that changed only what is hidden is nobody else's to know of.
    let known = |id: &RevisionId| RevisionPrefix::parse(&id.to_string()).and_then(|id| pages::resolve(&scope, &id)).is_ok();
    let mut shown = of(&proposal);
    let said =
        |comment: &proposals::ProposalComment| json!({"author": comment.name, "created": when(comment.created), "text": comment.content});
    shown["message"] = proposal.message.as_str().into();
    shown["base"] = proposal.base.filter(known).map(|base| base.to_string()).into();
    shown["seen"] = seen.map(|seen| seen.to_string()).into();
    shown["changes"] = files.iter().map(change).collect();
    shown["comments"] = comments.iter().map(said).collect();
    Ok(shown)
}

/// `POST /proposals`: as `POST /commits`, and always a proposal.
pub fn make(context: &Context<'_>) -> Answer {
    precondition::none(context, "Send base, or a revision with each operation.")?;
    // Only what changes nothing comes back.
    Ok(ok(&commits::apply(context, &Fields::of(context.request, &["message", "operations", "base"])?, Handling::Propose)?))
}

/// `POST /proposals/{number}/accept`
pub fn accept(context: &Context<'_>) -> Answer {
    let number = number(context)?;
    let fields = Fields::of(context.request, &["seen", "files", "reason"])?;
    let seen = match fields.required("seen")? {
        "" => None,
        text => Some(
            pages::resolve(&context.scope::<Read>()?, &RevisionPrefix::parse(text)?)
                .map_err(|error| Failure::from(error).with("field", "seen"))?,
        ),
    };
    let mut choices = BTreeMap::new();
    if fields.has("files") {
        for one in fields.objects("files", proposals::FILES, &["file", "hunks", "content", "leave_out"])? {
            let file = one.required("file")?.to_string();
            let choice = match (one.has("hunks"), one.text("content")?, one.flag("leave_out")?) {
                (true, None, None) => Choice::Hunks(hunks(&one)?),
                (false, Some(text), None) => Choice::Text(text.to_string()),
                (false, None, Some(true)) => Choice::Nothing,
                _ => return Err(one.refuse("file", "has no choice, or several", "Send hunks, content or leave_out: true with it.")),
            };
            if choices.insert(file, choice).is_some() {
                return Err(one.refuse("file", "is there twice", "Choose once for each file."));
            }
        }
    }
    let reason = fields.text("reason")?.unwrap_or_default();
    let done = proposals::accept(&context.scope::<Write>()?, number, seen, &choices, reason)?;
    context.changed("accepted", &format!("proposal {number}"), done.revision);
    Ok(ok(&json!({"number": number, "status": done.status.as_str(), "revision": done.revision.to_string()})))
}

fn hunks(one: &Fields) -> Result<BTreeSet<usize>, Failure> {
    let wrong = || one.refuse("hunks", "is not a list of numbers from 1", "Send the numbers of hunks.");
    let list = one.list("hunks", HUNKS)?.iter();
    list.map(|number| number.as_u64().and_then(|number| usize::try_from(number).ok()).ok_or_else(wrong)).collect()
}

/// `POST /proposals/{number}/reject`
pub fn reject(context: &Context<'_>) -> Answer {
    let number = number(context)?;
    let fields = Fields::of(context.request, &["reason"])?;
    proposals::reject(&context.scope::<Write>()?, number, fields.text("reason")?.unwrap_or_default())?;
    now(context, number)
}

/// `POST /proposals/{number}/withdraw`
pub fn withdraw(context: &Context<'_>) -> Answer {
    let number = number(context)?;
    Fields::of(context.request, &[])?;
    proposals::withdraw(&context.scope::<Read>()?, number)?;
    now(context, number)
}

/// `POST /proposals/{number}/comments`
pub fn comment(context: &Context<'_>) -> Answer {
    let number = number(context)?;
    let fields = Fields::of(context.request, &["text"])?;
    proposals::comment(&context.scope::<Read>()?, number, fields.required("text")?)?;
    now(context, number)
}

fn now(context: &Context<'_>, number: i64) -> Answer {
    Ok(ok(&of(&proposals::proposal(&context.scope::<Read>()?, number)?)))
}

/// The number of the address.
fn number(context: &Context<'_>) -> Result<i64, Failure> {
    let text = context.param("number");
    text.parse().map_err(|_| Error::not_found("there is no such proposal").hint("Proposals have numbers.").into())
}

/// Where a proposal is found.
pub fn url(number: i64) -> String {
    format!("/api/v1/proposals/{number}")
}

fn when(seconds: i64) -> String {
    publish::rfc3339(Timestamp::utc(seconds))
}

/// A proposal as lists have it.
fn of(proposal: &Proposal) -> Value {
    let mut shown = json!({
        "number": proposal.number, "title": proposal.title, "status": proposal.status.as_str(), "author": proposal.name,
        "created": when(proposal.created), "expires": when(proposal.expires), "files": proposal.files, "mine": proposal.mine,
        "may_review": proposal.may_review, "url": url(proposal.number),
    });
    if let Some(via) = &proposal.via {
        shown["via"] = via.as_str().into();
    }
    if let Some(decision) = &proposal.decision {
        shown["decision"] = json!({
            "by": decision.name, "date": when(decision.time), "reason": decision.reason,
            "revision": decision.revision.map(|revision| revision.to_string()),
        });
    }
    shown
}

/// Something that readers of a page do not see.
pub fn hidden(one: &HiddenText) -> Value {
    json!({"line": one.line, "kind": one.kind.name(), "count": one.count})
}

/// What of a file was taken, in a word.
fn taken(part: &TakenPart) -> &'static str {
    match part {
        TakenPart::All => "all",
        TakenPart::Hunks(_) => "hunks",
        TakenPart::OwnText => "own-text",
        TakenPart::Nothing => "nothing",
    }
}

/// Whether a hunk was taken, where that can be said.
fn is_taken(part: &TakenPart, number: usize) -> Option<bool> {
    match part {
        TakenPart::All => Some(true),
        TakenPart::Hunks(numbers) => Some(numbers.contains(&number)),
        TakenPart::OwnText => None,
        TakenPart::Nothing => Some(false),
    }
}

fn change(file: &ProposedFile) -> Value {
    let (happens, from) = match &file.happens {
        Happens::Added => ("created", None),
        Happens::Changed => ("changed", None),
        Happens::Deleted => ("deleted", None),
        Happens::Moved { from } => ("renamed", Some(from.as_str())),
    };
    let (state, problem) = match &file.state {
        FileState::Fits => ("fits", None),
        FileState::Done => ("done", None),
        FileState::Conflict(clash) => ("conflict", Some(clash.to_string())),
    };
    let mut shown = json!({
        "file": file.file, "place": file.place, "path": file.page.as_ref().map(ToString::to_string), "kind": happens, "old_place": from,
        "state": state, "problem": problem, "size": file.size,
    });
    shown["hidden_text"] = file.hidden.iter().take(HIDDEN).map(hidden).collect();
    shown["hidden_text_total"] = file.hidden.len().into();
    shown["taken"] = file.taken.as_ref().map(taken).into();
    if let Some(text) = &file.text {
        let hunk = |hunk: &proposals::ProposedHunk| {
            let mut shown = history::hunk(&hunk.diff);
            shown["number"] = hunk.number.into();
            if let Some(is_taken) = file.taken.as_ref().and_then(|part| is_taken(part, hunk.number)) {
                shown["taken"] = is_taken.into();
            }
            shown
        };
        shown["current"] = text.current.as_deref().into();
        shown["proposed"] = text.proposed.as_deref().into();
        shown["merged"] = text.merged.as_deref().into();
        shown["hunks"] = text.hunks.iter().map(hunk).collect();
    }
    shown
}
