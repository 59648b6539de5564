//! What concerns somebody: what was said to them, and what changed in the pages they watch. The changes come from the history of the wiki;
//! kept is only what is watched, and how far its watcher has looked.

use super::comments::person;
use crate::db::comments::CommentRow;
use crate::db::index::{Entry, EntryChange, Filter, Index};
use crate::scope::{Read, Scope};
use crate::wiki::Wiki;
use holt_core::{ChangeKind, Error, PagePath, Result, RevisionId};
use std::collections::BTreeMap;

pub use crate::db::comments::{NoticeKind, NoticeRow};
pub use crate::db::watches::{Frequency, Mark, WatchRow};

/// Most pages that somebody watches.
pub const WATCHES: usize = 200;
/// Most notices that are counted one by one.
const NOTICES: usize = 200;
/// Longest excerpt of a comment, in characters.
const EXCERPT: usize = 240;

/// How much of the wiki is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// A page.
    Page,
    /// A page, what is below it and the files beside both.
    Below,
}

/// Whoever asks watches `path` from now on.
pub fn watch(scope: &Scope<'_, Read>, path: &PagePath, extent: Extent) -> Result<()> {
    let user = person(scope)?.id;
    let wiki = scope.wiki();
    let index = scope.index()?;
    let stored = match index.page(&path.key())? {
        Some(row) => Some(row.path),
        None => index.directory(path)?,
    };
    let path = stored.ok_or_else(|| Error::not_found(format!("there is no page {path}")))?;
    let watch = WatchRow { user, path, below: extent == Extent::Below, since: index.newest()? };
    if wiki.db()?.put_watch(&watch, WATCHES)? {
        return Ok(());
    }
    Err(Error::too_large(format!("you watch {WATCHES} pages, and no more can be watched"))
        .hint("Watch a page with everything below it instead of each alone."))
}

/// Whoever asks does not watch `path` any more; nothing happens if they did not.
pub fn unwatch(scope: &Scope<'_, Read>, path: &PagePath) -> Result<()> {
    scope.wiki().db()?.delete_watch(person(scope)?.id, &path.key())
}

/// Whether and how whoever asks watches `path` itself.
pub fn watching(scope: &Scope<'_, Read>, path: &PagePath) -> Result<Option<Extent>> {
    let Ok(person) = person(scope) else { return Ok(None) };
    let row = scope.wiki().db()?.watch(person.id, &path.key())?;
    Ok(row.map(|row| if row.below { Extent::Below } else { Extent::Page }))
}

/// Everything whoever asks watches, by path.
pub fn watched(scope: &Scope<'_, Read>) -> Result<Vec<(PagePath, Extent)>> {
    let (rows, hidden) = (scope.wiki().db()?.watches(person(scope)?.id)?, scope.wiki().hidden_from(scope.actor())?);
    let rows = rows.into_iter().filter(|row| !hidden.covers(row.path.key().as_str()));
    Ok(rows.map(|row| (row.path, if row.below { Extent::Below } else { Extent::Page })).collect())
}

/// What was said to whoever asks, newest first: `limit` comments older than `before`.
pub fn notices(scope: &Scope<'_, Read>, before: Option<i64>, limit: usize) -> Result<Vec<NoticeRow>> {
    let (user, wiki) = (person(scope)?.id, scope.wiki());
    let (db, hidden) = (wiki.db()?, wiki.hidden_from(scope.actor())?);
    let (mut found, mut before) = (Vec::new(), before);
    while found.len() < limit {
        let part = db.notices(user, before, limit)?;
        let last = part.last().map(|row| row.comment.id).filter(|_| part.len() == limit);
        found.extend(part.into_iter().filter(|row| !hidden.covers(row.path.key().as_str())));
        let Some(last) = last else { break };
        before = Some(last);
    }
    found.truncate(limit);
    Ok(found)
}

/// How much of what is said to them, and of proposals, they have not looked at.
pub fn unread_notices(scope: &Scope<'_, Read>) -> Result<usize> {
    let proposals = super::proposals::unread(scope)?;
    if scope.wiki().hidden_from(scope.actor())?.is_empty() {
        return Ok(scope.wiki().db()?.unseen_notices(person(scope)?.id)? + proposals);
    }
    Ok(proposals + notices(scope, None, NOTICES)?.into_iter().filter(|notice| !notice.seen).count())
}

/// A commit that changed something watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedChange {
    /// The commit, with what it did to what is watched.
    pub entry: Entry,
    /// Whether it is news.
    pub unread: bool,
}

/// A part of the changes of what is watched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchedChanges {
    /// Newest first.
    pub changes: Vec<WatchedChange>,
    /// Where the next, older, part begins; none if this is all.
    pub older: Option<i64>,
}

/// What others changed in what whoever asks watches, newest first and no older than their watching: `limit` commits below `before`.
pub fn watched_changes(scope: &Scope<'_, Read>, before: Option<i64>, limit: usize) -> Result<WatchedChanges> {
    let who = person(scope)?;
    let wiki = scope.wiki();
    let (db, index) = (wiki.db()?, scope.index()?);
    let seen = place(&index, db.reader(who.id)?.and_then(|reader| reader.seen))?;
    let (entries, older) = collect(&index, &db.watches(who.id)?, &who.email, before, limit)?;
    let changes = entries.into_iter().map(|entry| WatchedChange { unread: entry.seq > seen, entry }).collect();
    Ok(WatchedChanges { changes, older })
}

/// Where a revision stands. What nobody knows, after a history was replaced, stands before everything: better told twice than never.
pub(super) fn place(index: &Index, revision: Option<RevisionId>) -> Result<i64> {
    Ok(match revision {
        Some(revision) => index.place_of(revision)?.unwrap_or(i64::MIN),
        None => i64::MIN,
    })
}

/// The commits of others that changed something watched since it is, newest first, and where the next part begins.
pub(super) fn collect(
    index: &Index,
    watches: &[WatchRow],
    own: &str,
    before: Option<i64>,
    limit: usize,
) -> Result<(Vec<Entry>, Option<i64>)> {
    let mut found: BTreeMap<(i64, RevisionId), Entry> = BTreeMap::new();
    let mut horizon = i64::MIN;
    for watch in watches {
        let start = place(index, watch.since)?;
        let log = match watch.below {
            true => index.changelog(&Filter { path: Some(watch.path.clone()), ..Filter::default() }, before, limit + 1)?,
            false => index.history(&watch.path, before, limit + 1)?,
        };
        if let Some(last) = log.last().filter(|last| log.len() > limit && last.seq > start) {
            // What is older has not been looked at for this page.
            horizon = horizon.max(last.seq);
        }
        let news = log.into_iter().filter(|entry| entry.seq > start && !entry.revision.author.email().eq_ignore_ascii_case(own));
        for mut entry in news {
            entry.changes.retain(|change| !watch.below || is_in(&watch.path, change));
            let known = found.entry((entry.seq, entry.revision.id)).or_insert_with(|| Entry { changes: Vec::new(), ..entry.clone() });
            for change in entry.changes {
                if !known.changes.contains(&change) {
                    known.changes.push(change);
                }
            }
        }
    }
    found.retain(|(seq, _), _| *seq >= horizon);
    let mut entries: Vec<Entry> = found.into_values().rev().collect();
    let older = if entries.len() > limit {
        entries.truncate(limit);
        entries.last().map(|last| last.seq)
    } else {
        Some(horizon).filter(|horizon| *horizon > i64::MIN)
    };
    Ok((entries, older))
}

/// Whether a change touched the page, something below it or a file beside it.
fn is_in(path: &PagePath, change: &EntryChange) -> bool {
    let fits = |file: &str| file == path.file() || file.strip_prefix(path.directory()).is_some_and(|rest| rest.starts_with('/'));
    fits(&change.file) || matches!(&change.kind, ChangeKind::Renamed { from } if fits(from))
}

/// Up to where everything has happened by now.
pub fn now_mark(scope: &Scope<'_, Read>) -> Result<Mark> {
    let wiki = scope.wiki();
    let db = wiki.db()?;
    Ok(Mark { revision: scope.index()?.newest()?, comment: db.newest_comment()?, proposal: db.newest_proposal_notice()? })
}

/// Whoever asks has looked at everything up to `mark`; what came since stays news.
pub fn mark_read(scope: &Scope<'_, Read>, mark: Mark) -> Result<()> {
    let user = person(scope)?.id;
    let db = scope.wiki().db()?;
    db.see_notices(user, mark.comment)?;
    db.see_proposal_notices(user, mark.proposal)?;
    let index = scope.index()?;
    match mark.revision {
        // Not back: an old form does not make old changes news again.
        Some(revision) if index.has_revision(revision)? => {
            let before = place(&index, db.reader(user)?.and_then(|reader| reader.seen))?;
            if place(&index, Some(revision))? > before { db.set_seen(user, revision) } else { Ok(()) }
        }
        _ => Ok(()),
    }
}

/// Whoever asks has looked at a thread.
pub fn see_thread(scope: &Scope<'_, Read>, thread: i64) -> Result<()> {
    match person(scope) {
        Ok(person) => scope.wiki().db()?.see_thread(person.id, thread),
        Err(_) => Ok(()),
    }
}

/// How often whoever asks gets mail.
pub fn frequency(scope: &Scope<'_, Read>) -> Result<Frequency> {
    Ok(scope.wiki().db()?.reader(person(scope)?.id)?.map(|reader| reader.digest).unwrap_or_default())
}

/// How often whoever asks gets mail from now on; what was before is not told again.
pub fn set_frequency(scope: &Scope<'_, Read>, frequency: Frequency) -> Result<()> {
    let user = person(scope)?.id;
    let wiki = scope.wiki();
    if self::frequency(scope)? == frequency {
        return Ok(());
    }
    wiki.db()?.set_digest(user, frequency, now_mark(scope)?, wiki.shared.clock.now())?;
    match frequency {
        Frequency::None => Ok(()),
        _ => wiki.shared.directory.expect_digests(wiki.id(), wiki.shared.clock.now()),
    }
}

/// Something happened here that somebody may want mail about. Said before it does: a crash in between costs one look.
pub(crate) fn note_news(wiki: &Wiki) {
    if let Err(error) = wiki.shared.directory.note_news(wiki.id(), wiki.shared.clock.now()) {
        // The next news makes up for it.
        tracing::warn!(wiki.id = %wiki.id(), "mail about a change may be late: {}", error.chain());
    }
}

/// The first words of a comment, without markup, on one line.
pub fn excerpt(markdown: &str) -> String {
    let context = holt_markdown::Context { purpose: holt_markdown::Purpose::Words, ..Default::default() };
    one_line(&holt_markdown::render(markdown, &context).text, EXCERPT)
}

/// Where a comment is read.
pub fn comment_url(path: &PagePath, comment: &CommentRow) -> String {
    format!("{}/comments?thread={}#holt-comment-{}", path.url(), comment.thread, comment.id)
}

/// Text on one line, at most so many characters.
pub(super) fn one_line(text: &str, most: usize) -> String {
    // Signs that turn or break lines where text is plain.
    let plain = |c: char| if c.is_control() || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}') { ' ' } else { c };
    let text: String = text.chars().map(plain).collect();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", words[..at].trim_end()),
        None => words,
    }
}
