//! Mail about what concerns somebody, as text. Nothing is sent here: whoever sends mail asks who is due, what to tell them, and says that it
//! was sent.

use super::inbox::{Frequency, Mark, NoticeKind, NoticeRow, collect, comment_url, excerpt, one_line, place};
use super::proposals::{ProposalNotice, ProposalStatus};
use crate::db::index::Entry;
use crate::db::preferences::Preferences;
use crate::db::watches::ReaderRow;
use crate::directory::Next;
use crate::publish;
use crate::scope::Read;
use crate::wiki::Wiki;
use holt_core::{Action, Actor, ErrorKind, PagePath, Result, UserId};

/// Most comments, proposals and changes in one mail, each.
const ENTRIES: usize = 20;
const DAY: i64 = 24 * 3600;
/// How long is waited after a mail that failed, in seconds: twice as long each time, but not longer than a day.
const FIRST_RETRY: i64 = 300;
/// After so many, four days or so, somebody is tried again only when something happens.
const TRIES: u32 = 12;

/// Somebody whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Who.
    pub user: UserId,
    /// What they know.
    pub since: Mark,
}

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// One line of text.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// What its reader knows then, for [`digest_sent`].
    pub upto: Mark,
}

/// Who is to be told now, if there is something to tell: those who wait longest first. Something happened: those for whom nothing is planned
/// yet get a time.
pub fn digests_due(wiki: &Wiki) -> Result<Vec<Due>> {
    let (db, now) = (wiki.db()?, wiki.shared.clock.now());
    db.note_expired(now)?;
    let mut due = Vec::new();
    for reader in db.readers_by_mail()? {
        let next = match reader.next_at {
            Some(next) => next,
            None => {
                let next = next_time(&reader, now);
                db.plan_mail(reader.user, Some(next), reader.failures)?;
                next
            }
        };
        if next <= now {
            due.push((next, Due { user: reader.user, since: reader.mailed }));
        }
    }
    due.sort_by_key(|(next, _)| *next);
    Ok(due.into_iter().map(|(_, due)| due).collect())
}

/// At the time of day of the last one, so that mail comes once a day whenever things happen.
fn next_time(reader: &ReaderRow, now: i64) -> i64 {
    let period = match reader.digest {
        Frequency::AtOnce | Frequency::None => return now,
        Frequency::Daily => DAY,
        Frequency::Weekly => 7 * DAY,
    };
    now + period - now.saturating_sub(reader.mailed_at).rem_euclid(period)
}

/// When this wiki is to be asked next, after [`digests_due`] and what followed from it.
pub fn next_digests(wiki: &Wiki) -> Result<Next> {
    let readers = wiki.db()?.readers_by_mail()?;
    if readers.is_empty() {
        return Ok(Next::Never);
    }
    let planned = readers.iter().filter_map(|reader| reader.next_at);
    // Nobody does anything when a proposal expires.
    let time = planned.chain(wiki.db()?.next_expiry(wiki.shared.clock.now())?).min();
    Ok(Next::At { time, listens: readers.iter().any(|reader| reader.next_at.is_none()) })
}

/// What becomes of a mail that could not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It is tried again then, Unix seconds.
    At(i64),
    /// Together with what happens next, whenever that is.
    WithTheNext,
}

/// Somebody could not be told: nothing is lost, and they are tried again, later each time.
pub fn digest_failed(wiki: &Wiki, user: UserId) -> Result<Retry> {
    let (db, now) = (wiki.db()?, wiki.shared.clock.now());
    let failures = db.reader(user)?.map_or(0, |reader| reader.failures).saturating_add(1);
    let wait = FIRST_RETRY.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(DAY);
    let retry = if failures < TRIES { Retry::At(now + wait) } else { Retry::WithTheNext };
    let next = match retry {
        Retry::At(time) => Some(time),
        Retry::WithTheNext => None,
    };
    db.plan_mail(user, next, failures)?;
    Ok(retry)
}

/// Somebody wants no mail any more, by the link in one. Whether they did.
pub fn stop_digests(wiki: &Wiki, user: UserId) -> Result<bool> {
    wiki.db()?.end_digest(user)
}

/// What happened since a moment that concerns somebody and that they have not looked at: `None` if there is nothing, and for whoever may not
/// read the wiki any more. `base` is scheme and host of the wiki, without a slash at its end.
pub fn digest(wiki: &Wiki, user: UserId, since: Mark, base: &str) -> Result<Option<Digest>> {
    let Some(account) = wiki.shared.directory.user(user)? else { return Ok(None) };
    let actor = Actor::Person(account.person());
    let scope = match wiki.grant::<Read>(&actor) {
        Ok(scope) => scope,
        Err(error) if matches!(error.kind, ErrorKind::Denied | ErrorKind::Unauthenticated) => return Ok(None),
        Err(error) => return Err(error),
    };
    wiki.db()?.note_expired(wiki.shared.clock.now())?;
    let upto = super::now_mark(&scope)?;
    let (db, index, preferences) = (wiki.db()?, scope.index()?, wiki.preferences()?);
    // Whoever could not log in yet is told nothing.
    if !account.email_confirmed && preferences.is_on("EMAIL_NEEDS_CONFIRMATION") && !wiki.may(&actor, Action::Admin)? {
        return Ok(None);
    }
    let mut notices = super::notices(&scope, None, ENTRIES * 2)?;
    notices.retain(|notice| !notice.seen && notice.comment.id > since.comment);
    let mut proposals = super::proposals::notices(&scope, None, ENTRIES * 2)?;
    proposals.retain(|notice| !notice.seen && notice.id > since.proposal);
    let known = place(&index, since.revision)?.max(place(&index, db.reader(user)?.and_then(|reader| reader.seen))?);
    let (mut changes, more) = collect(&index, &db.watches(user)?, &account.email, None, ENTRIES)?;
    let more_changes = more.is_some() && changes.last().is_some_and(|last| last.seq > known);
    changes.retain(|entry| entry.seq > known);
    if notices.is_empty() && proposals.is_empty() && changes.is_empty() {
        return Ok(None);
    }
    let is_all = notices.len() <= ENTRIES && proposals.len() <= ENTRIES && !more_changes;
    notices.truncate(ENTRIES);
    proposals.truncate(ENTRIES);
    let news = News { notices, proposals, changes };
    let subject = subject(&preferences, &news);
    let body = body(&preferences, &account.name, &news, is_all, base);
    Ok(Some(Digest { subject, body, upto }))
}

/// Somebody was told what happened up to `upto`, or there was nothing to tell: their next mail is a day or a week from now, if something
/// happens.
pub fn digest_sent(wiki: &Wiki, user: UserId, upto: Mark) -> Result<()> {
    wiki.db()?.set_mailed(user, upto, wiki.shared.clock.now())
}

/// What a mail tells.
struct News {
    notices: Vec<NoticeRow>,
    proposals: Vec<ProposalNotice>,
    changes: Vec<Entry>,
}

fn subject(preferences: &Preferences, news: &News) -> String {
    let wiki = one_line(&preferences.site_name, 60);
    let what = match (news.notices.as_slice(), news.proposals.as_slice(), news.changes.as_slice()) {
        ([notice], [], []) => said(preferences, notice),
        ([], [notice], []) => notice.said(preferences.language),
        ([], [], [entry]) => changed(preferences, entry),
        (notices, proposals, changes) => {
            let comments = counted(preferences, notices.len(), "1 comment", "{} comments");
            let proposals = counted(preferences, proposals.len(), "1 proposal", "{} proposals");
            let changes = counted(preferences, changes.len(), "1 change", "{} changes");
            [comments, proposals, changes].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
    };
    format!("[{wiki}] {what}")
}

fn counted(preferences: &Preferences, count: usize, one: &str, many: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(preferences.language.say(one).into_owned()),
        count => Some(preferences.language.say_with(many, &[&count.to_string()])),
    }
}

fn said(preferences: &Preferences, notice: &NoticeRow) -> String {
    let (who, page) = (one_line(&notice.comment.name, 60), page(preferences, &notice.path));
    match notice.kind {
        NoticeKind::Mention => preferences.language.say_with("{} mentioned you on {}", &[&who, &page]),
        NoticeKind::Reply => preferences.language.say_with("{} replied on {}", &[&who, &page]),
    }
}

fn changed(preferences: &Preferences, entry: &Entry) -> String {
    let who = publish::by(&entry.revision, preferences.language);
    let names = named(preferences, entry.changes.iter().map(|change| change.file.as_str()));
    preferences.language.say_with("{} changed {}", &[&one_line(&who, 120), &names])
}

/// The first of some files, as people call them.
fn named<'f>(preferences: &Preferences, files: impl Iterator<Item = &'f str>) -> String {
    let name = |file: &str| match PagePath::from_tree(file) {
        Some(path) => page(preferences, &path),
        None => one_line(file, 80),
    };
    let mut names: Vec<String> = files.map(name).collect();
    names.dedup();
    let more = names.len().saturating_sub(3);
    names.truncate(3);
    let language = preferences.language;
    let mut names = names.join(", ");
    if more > 0 {
        names = format!("{names} {}", language.say_with("and {} more", &[&more.to_string()]));
    }
    names
}

fn page(preferences: &Preferences, path: &PagePath) -> String {
    one_line(&preferences.display_name(path, None), 80)
}

fn body(preferences: &Preferences, name: &str, news: &News, is_all: bool, base: &str) -> String {
    let News { notices, proposals, changes } = news;
    let language = preferences.language;
    let mut text = language.say_with("Hello {},\n\nthis is new in {}.", &[&one_line(name, 60), &one_line(&preferences.site_name, 60)]);
    text.push('\n');
    if !notices.is_empty() {
        text.push_str(&format!("\n{}\n", language.say("COMMENTS")));
    }
    for notice in notices {
        let url = comment_url(&notice.path, &notice.comment);
        text.push_str(&format!("\n{}:\n  {}\n  {base}{url}\n", said(preferences, notice), excerpt(&notice.comment.content)));
    }
    if !proposals.is_empty() {
        text.push_str(&format!("\n{}\n", language.say("PROPOSALS")));
    }
    for notice in proposals {
        let more = match (notice.what, &notice.proposal.decision) {
            (ProposalStatus::Open, _) => named(preferences, notice.proposal.files.iter().map(String::as_str)),
            (_, Some(decision)) => one_line(&decision.reason, 200),
            (_, None) => String::new(),
        };
        let more = if more.is_empty() { more } else { format!("  {more}\n") };
        text.push_str(&format!("\n{}:\n{more}  {base}{}\n", notice.said(language), notice.url()));
    }
    if !changes.is_empty() {
        text.push_str(&format!("\n{}\n", language.say("PAGES YOU WATCH")));
    }
    for entry in changes {
        let message = match one_line(entry.revision.message.lines().next().unwrap_or_default(), 200) {
            message if message.is_empty() => String::new(),
            message => format!("  {message}\n"),
        };
        text.push_str(&format!("\n{}:\n{message}  {base}/-/commit/{}\n", changed(preferences, entry), entry.revision.id));
    }
    if !is_all {
        text.push_str(&format!("\n{} {base}/-/inbox\n", language.say("There is more:")));
    }
    text + &format!("\n-- \n{} {base}/-/inbox\n", language.say("How often you get such mail, and what you watch:"))
}
