//! What concerns somebody: what was said to them, what changed in the pages they watch, and how they are told of it.

use super::files::first_line;
use super::page::address;
use super::views::{Choice, InboxChange, InboxNotice, InboxProposal, InboxView, PageRef, WatchShown};
use super::{Context, moment};
use crate::reply::{Reply, see_other};
use holt_core::{Action, Error, PagePath, Result, RevisionId, Timestamp};
use holt_engine::pages::proposals::{self, ProposalNotice, ProposalStatus};
use holt_engine::pages::{self, Extent, Frequency, Mark, NoticeKind};
use holt_engine::{Read, publish};
use http::StatusCode;

/// Comments, proposals and changes on one screen, each.
const PER_SCREEN: usize = 30;
/// Files of a change that are named.
const FILES_NAMED: usize = 5;

/// How many comments and decisions whoever asks has not looked at: none for strangers, and for whoever may not read.
pub fn unread(context: &Context<'_>) -> Result<usize> {
    if context.session.is_none() || !context.wiki.may(&context.actor, Action::Read)? {
        return Ok(0);
    }
    pages::unread_notices(&context.scope::<Read>()?)
}

/// `GET /-/inbox`
pub fn show(context: &Context<'_>) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let preferences = context.preferences()?;
    let asked = |name: &str| context.request.query(name).and_then(|value| value.parse::<i64>().ok());
    let mark = pages::now_mark(&scope)?;
    let mut rows = pages::notices(&scope, asked("comments"), PER_SCREEN + 1)?;
    let older_notices = (rows.len() > PER_SCREEN).then(|| {
        rows.truncate(PER_SCREEN);
        format!("/-/inbox?comments={}", rows.last().map_or(0, |last| last.comment.id))
    });
    let name = |path: &PagePath| preferences.display_name(path, None);
    let notices: Vec<InboxNotice> = rows
        .iter()
        .map(|row| InboxNotice {
            name: row.comment.name.clone(),
            what: match row.kind {
                NoticeKind::Mention => "{} mentioned you on {}",
                NoticeKind::Reply => "{} replied on {}",
            },
            page: name(&row.path),
            url: pages::comment_url(&row.path, &row.comment),
            excerpt: pages::excerpt(&row.comment.content),
            when: moment(Timestamp::utc(row.comment.created)),
            unread: !row.seen,
        })
        .collect();
    let mut told = proposals::notices(&scope, asked("proposals"), PER_SCREEN + 1)?;
    let older_proposals = (told.len() > PER_SCREEN).then(|| {
        told.truncate(PER_SCREEN);
        format!("/-/inbox?proposals={}", told.last().map_or(0, |last| last.id))
    });
    let found = pages::watched_changes(&scope, asked("changes"), PER_SCREEN)?;
    let language = preferences.language;
    let proposal = |notice: &ProposalNotice| InboxProposal {
        said: notice.said(language),
        url: notice.url(),
        about: match (notice.what, &notice.proposal.decision) {
            (ProposalStatus::Open, _) => {
                let named = |file: &String| PagePath::from_tree(file).map_or_else(|| file.clone(), |path| name(&path));
                notice.proposal.files.iter().take(FILES_NAMED).map(named).collect::<Vec<_>>().join(", ")
            }
            (_, Some(decision)) => decision.reason.clone(),
            (_, None) => String::new(),
        },
        when: moment(Timestamp::utc(notice.time)),
        unread: !notice.seen,
    };
    let proposals: Vec<InboxProposal> = told.iter().map(proposal).collect();
    let changes: Vec<InboxChange> = found
        .changes
        .iter()
        .map(|change| {
            let (revision, files) = (&change.entry.revision, &change.entry.changes);
            let file = |file: &str| PagePath::from_tree(file).map_or_else(|| file.to_string(), |path| name(&path));
            InboxChange {
                author: publish::by(revision, language),
                message: first_line(&revision.message),
                url: format!("/-/commit/{}", revision.id),
                files: files.iter().take(FILES_NAMED).map(|change| file(&change.file)).collect(),
                more_files: files.len().saturating_sub(FILES_NAMED),
                when: moment(revision.time),
                unread: change.unread,
            }
        })
        .collect();
    let watch = |(path, extent): (PagePath, Extent)| {
        let page = PageRef { title: name(&path), url: context.page_url(&path)?, verbs: path.url() };
        Ok(WatchShown { page, below: extent == Extent::Below })
    };
    let frequency = pages::frequency(&scope)?;
    let choice = |value: Frequency| Choice {
        value: value.as_str().to_string(),
        label: match value {
            Frequency::None => "Never",
            Frequency::Daily => "Once a day",
            Frequency::Weekly => "Once a week",
            Frequency::AtOnce => "At once",
        }
        .to_string(),
        chosen: value == frequency,
    };
    let watches = pages::watched(&scope)?.into_iter().map(watch).collect::<Result<_>>()?;
    let news = pages::unread_notices(&scope)? > 0 || changes.iter().any(|change| change.unread);
    let view = |csrf| InboxView {
        csrf,
        notices,
        older_notices,
        proposals,
        older_proposals,
        changes,
        older_changes: found.older.map(|before| format!("/-/inbox?changes={before}")),
        news,
        comment: mark.comment,
        proposal: mark.proposal,
        revision: mark.revision.map(|id| id.to_string()).unwrap_or_default(),
        watches,
        mail: Frequency::ALL.map(choice).into(),
        notice: context.request.query("saved").map(|_| "Saved.".to_string()),
    };
    context.form(StatusCode::OK, "Inbox", view)
}

/// `POST /-/inbox`: everything up to what the form knows is read, or how often mail is wanted.
pub fn act(context: &Context<'_>) -> Result<Reply> {
    let form = &context.request.body;
    let scope = context.scope::<Read>()?;
    match form.get("action") {
        "read" => {
            let number = |name: &str| form.get(name).parse().unwrap_or(0);
            let revision = RevisionId::parse(form.get("revision")).ok();
            let mark = Mark { revision, comment: number("comment"), proposal: number("proposal") };
            pages::mark_read(&scope, mark)?;
            Ok(see_other("/-/inbox"))
        }
        "mail" => {
            let frequency = Frequency::parse(form.get("frequency"))
                .ok_or_else(|| Error::invalid("mail cannot be sent that often").hint("Choose one of the answers of the form."))?;
            pages::set_frequency(&scope, frequency)?;
            Ok(see_other("/-/inbox?saved=1#holt-mail"))
        }
        other => Err(Error::invalid(format!("there is no action \"{other}\"")).hint("There are read and mail.")),
    }
}

/// `POST /<page>/watch`: with `below` everything below it too, with `action=unwatch` not any more.
pub fn watch(context: &Context<'_>) -> Result<Reply> {
    let form = &context.request.body;
    let scope = context.scope::<Read>()?;
    let path = match form.get("action") {
        "" | "watch" => {
            let path = context.existing()?;
            let extent = if matches!(form.get("below"), "1" | "on") { Extent::Below } else { Extent::Page };
            pages::watch(&scope, &path, extent)?;
            path
        }
        // What is gone, or was called otherwise, can be left alone as well.
        "unwatch" => {
            let path = address(context)?;
            pages::unwatch(&scope, &path)?;
            path
        }
        other => return Err(Error::invalid(format!("there is no action \"{other}\"")).hint("There are watch and unwatch.")),
    };
    Ok(see_other(&match form.get("back") {
        "inbox" => "/-/inbox".to_string(),
        _ => format!("{}/comments#holt-watch", path.url()),
    }))
}
