//! Mail about what concerns somebody, as text. Nothing is sent here: whoever sends mail asks who is due, what to tell them, and says that it
//! was sent.

use super::inbox::{Frequency, Mark, NoticeKind, NoticeRow, collect, comment_url, excerpt, one_line, place};
use crate::db::index::Entry;
use crate::db::preferences::Preferences;
use crate::scope::Read;
use crate::wiki::Wiki;
use holt_core::{Actor, ErrorKind, PagePath, Result, UserId};

/// Most comments and most changes in one mail.
const ENTRIES: usize = 20;
/// How much earlier than a day or a week after the last one a mail may go, in seconds: timers are never exact.
const EARLY: i64 = 1800;

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

/// Who is to be told now, if there is something to tell.
pub fn digests_due(wiki: &Wiki) -> Result<Vec<Due>> {
    let now = wiki.shared.clock.now();
    let wait = |frequency| match frequency {
        Frequency::None => i64::MAX,
        Frequency::Daily => 24 * 3600 - EARLY,
        Frequency::Weekly => 7 * 24 * 3600 - EARLY,
        Frequency::AtOnce => 0,
    };
    let readers = wiki.db()?.readers_by_mail()?.into_iter();
    Ok(readers
        .filter(|reader| now.saturating_sub(reader.mailed_at) >= wait(reader.digest))
        .map(|reader| Due { user: reader.user, since: reader.mailed })
        .collect())
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
    let upto = super::now_mark(&scope)?;
    let (db, index, preferences) = (wiki.db()?, scope.index()?, wiki.preferences()?);
    let mut notices = super::notices(&scope, None, ENTRIES * 2)?;
    notices.retain(|notice| !notice.seen && notice.comment.id > since.comment);
    let known = place(&index, since.revision)?.max(place(&index, db.reader(user)?.and_then(|reader| reader.seen))?);
    let (mut changes, more) = collect(&index, &db.watches(user)?, &account.email, None, ENTRIES)?;
    let more_changes = more.is_some() && changes.last().is_some_and(|last| last.seq > known);
    changes.retain(|entry| entry.seq > known);
    if notices.is_empty() && changes.is_empty() {
        return Ok(None);
    }
    let is_all = notices.len() <= ENTRIES && !more_changes;
    notices.truncate(ENTRIES);
    let subject = subject(&preferences, &notices, &changes);
    let body = body(&preferences, &account.name, &notices, &changes, is_all, base);
    Ok(Some(Digest { subject, body, upto }))
}

/// Somebody was told what happened up to `upto`, or there was nothing to tell: their next mail is a day or a week from now.
pub fn digest_sent(wiki: &Wiki, user: UserId, upto: Mark) -> Result<()> {
    wiki.db()?.set_mailed(user, upto, wiki.shared.clock.now())
}

fn subject(preferences: &Preferences, notices: &[NoticeRow], changes: &[Entry]) -> String {
    let wiki = one_line(&preferences.site_name, 60);
    let what = match (notices, changes) {
        ([notice], []) => said(preferences, notice),
        ([], [entry]) => changed(preferences, entry),
        (notices, changes) => {
            let comments = counted(preferences, notices.len(), "1 comment", "{} comments");
            let changes = counted(preferences, changes.len(), "1 change", "{} changes");
            [comments, changes].into_iter().flatten().collect::<Vec<_>>().join(", ")
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
    let mut names: Vec<String> = entry
        .changes
        .iter()
        .map(|change| match PagePath::from_tree(&change.file) {
            Some(path) => page(preferences, &path),
            None => one_line(&change.file, 80),
        })
        .collect();
    names.dedup();
    let more = names.len().saturating_sub(3);
    names.truncate(3);
    let language = preferences.language;
    let mut names = names.join(", ");
    if more > 0 {
        names = format!("{names} {}", language.say_with("and {} more", &[&more.to_string()]));
    }
    language.say_with("{} changed {}", &[&one_line(entry.revision.author.name(), 60), &names])
}

fn page(preferences: &Preferences, path: &PagePath) -> String {
    one_line(&preferences.display_name(path, None), 80)
}

fn body(preferences: &Preferences, name: &str, notices: &[NoticeRow], changes: &[Entry], is_all: bool, base: &str) -> String {
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
