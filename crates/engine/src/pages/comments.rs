//! What people say about a page: threads of comments, about the page or about some of its words.
//!
//! Who may read the page reads them; whoever is logged in and may read may write them. They are kept beside the repository, never in it
//! (security.md GIT-11): they follow a rename, and stay when the page goes.

use super::anchor::{Words, visible};
use super::mentions::mentioned;
use super::webhooks::{self, HookEvent};
use crate::db::comments::{Added, CommentRow, NewComment, NoticeKind, Room, ThreadRow};
use crate::db::preferences::Preferences;
use crate::publish::links::IndexLinks;
use crate::scope::{Admin, Read, Scope};
use holt_core::{Action, Actor, Error, PagePath, Person, Result, SafeHtml, UserId};
use holt_markdown::Requires;

pub use crate::db::comments::{Quote, Resolved};

/// Longest comment.
pub const COMMENT_BYTES: usize = 20 * 1024;
/// Most threads about a page.
pub const THREADS: usize = 500;
/// Most answers in a thread.
pub const REPLIES: usize = 200;
/// All comments about a page together.
const PAGE_BYTES: usize = 2 * 1024 * 1024;
/// Longest quote, and longest text before and after it, in characters; more is cut off.
const QUOTE_CHARS: usize = 1_000;
const AROUND_CHARS: usize = 100;

const ROOM: Room = Room { threads: THREADS as i64, comments: REPLIES as i64 + 1, bytes: PAGE_BYTES as i64 };

/// A conversation about a page.
#[derive(Debug, Clone)]
pub struct Thread {
    /// Its identity in the wiki.
    pub id: i64,
    /// What it is about.
    pub about: About,
    /// When and by whom it was resolved.
    pub resolved: Option<Resolved>,
    /// Whether whoever asks may resolve it and open it again.
    pub may_resolve: bool,
    /// Never empty.
    pub comments: Vec<Comment>,
}

/// See [`Thread::about`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The whole page.
    Page,
    /// Words that stand in it.
    Words(Quote),
    /// Words that stood in it once.
    Earlier(Quote),
}

/// What somebody said.
#[derive(Debug, Clone)]
pub struct Comment {
    /// Who said what when.
    pub row: CommentRow,
    /// What it says; empty for one that was deleted.
    pub html: SafeHtml,
    /// Whether whoever asks may change what it says.
    pub may_edit: bool,
    /// Whether whoever asks may delete it.
    pub may_delete: bool,
}

/// A part of what is said about a page.
#[derive(Debug, Clone)]
pub struct Threads {
    /// How many threads are open.
    pub open: usize,
    /// How many are resolved.
    pub resolved: usize,
    /// Open ones first, the newest of them first.
    pub threads: Vec<Thread>,
    /// What must be loaded to show them fully.
    pub requires: Requires,
}

/// Whether comments can be written here.
pub fn takes_comments(preferences: &Preferences) -> bool {
    !preferences.get("COMMENTS").is_some_and(|value| value.trim().eq_ignore_ascii_case("off"))
}

/// How many threads about `path` are open, and how many resolved.
pub fn comment_counts(scope: &Scope<'_, Read>, path: &PagePath) -> Result<(usize, usize)> {
    scope.check(Action::Read, path)?;
    scope.wiki().db()?.thread_counts(&path.key())
}

/// `limit` of the threads about `path`, `offset` of them left out. There may be some though the page is gone.
pub fn threads(scope: &Scope<'_, Read>, path: &PagePath, offset: usize, limit: usize) -> Result<Threads> {
    let db = scope.wiki().db()?;
    let (open, resolved) = comment_counts(scope, path)?;
    shown(scope, path, (open, resolved), db.threads(&path.key(), offset, limit)?)
}

/// One thread about `path`.
pub fn thread(scope: &Scope<'_, Read>, path: &PagePath, id: i64) -> Result<Threads> {
    let row = thread_of(scope, path, id)?;
    shown(scope, path, comment_counts(scope, path)?, vec![row])
}

fn shown(scope: &Scope<'_, Read>, path: &PagePath, (open, resolved): (usize, usize), rows: Vec<ThreadRow>) -> Result<Threads> {
    let wiki = scope.wiki();
    let (db, index, preferences) = (wiki.db()?, scope.index_for(path)?, wiki.preferences()?);
    let reader = person(scope).ok();
    let administers = wiki.may(scope.actor(), Action::Admin)?;
    let writes = reader.is_some() && wiki.may_at(scope.actor(), Action::Write, &path.key())?;
    let links = IndexLinks::new(&index);
    let url = format!("/{path}");
    let context = holt_markdown::Context {
        page_url: Some(&url),
        options: super::render_options(&preferences),
        links: Some(&links),
        ..Default::default()
    };
    let words = if rows.iter().any(|row| row.quote.is_some()) { Some(words(scope, path)?) } else { None };
    let mut all = Threads { open, resolved, threads: Vec::new(), requires: Requires::default() };
    for row in rows {
        let mut comments = Vec::new();
        for row in db.comments(row.id)? {
            let rendered = holt_markdown::render(&row.content, &context);
            all.requires.mermaid |= rendered.requires.mermaid;
            all.requires.datatables |= rendered.requires.datatables;
            let own = reader.is_some_and(|reader| reader.id == row.author);
            let (may_edit, may_delete) = (own && !row.deleted, (own || administers) && !row.deleted);
            comments.push(Comment { row, html: rendered.html, may_edit, may_delete });
        }
        let began = comments.first().is_some_and(|first| reader.is_some_and(|reader| reader.id == first.row.author));
        let about = match (row.quote, &words) {
            (Some(quote), Some(words)) if words.have(&quote) => About::Words(quote),
            (Some(quote), _) => About::Earlier(quote),
            (None, _) => About::Page,
        };
        all.threads.push(Thread { id: row.id, about, resolved: row.resolved, may_resolve: began || writes || administers, comments });
    }
    Ok(all)
}

/// The words of the page as its readers see them, with what it shows of other pages; none if it is gone.
fn words(scope: &Scope<'_, Read>, path: &PagePath) -> Result<Words> {
    let Some(view) = super::page(scope, path)? else { return Ok(Words::of("")) };
    let rendered = super::render_old(scope, &view.page.path, &super::readable(view.page.source))?;
    Ok(Words::of(&visible(rendered.html.as_str())))
}

/// Who asks; nobody in particular comments on nothing.
pub(super) fn person<'w>(scope: &Scope<'w, Read>) -> Result<&'w Person> {
    match scope.actor() {
        Actor::Person(person) => Ok(person),
        _ => Err(Error::unauthenticated("log in first")),
    }
}

/// Threads are found through their page: the id of another page's is unknown.
fn thread_of(scope: &Scope<'_, Read>, path: &PagePath, id: i64) -> Result<ThreadRow> {
    scope.check(Action::Read, path)?;
    let row = scope.wiki().db()?.thread(id)?.filter(|row| row.path.key() == path.key());
    row.ok_or_else(|| Error::not_found("there is no such thread").hint("It may have been deleted meanwhile."))
}

fn comment_of(scope: &Scope<'_, Read>, path: &PagePath, id: i64) -> Result<CommentRow> {
    let missing = || Error::not_found("there is no such comment").hint("It may have been deleted meanwhile.");
    let row = scope.wiki().db()?.comment(id)?.filter(|row| !row.deleted).ok_or_else(missing)?;
    thread_of(scope, path, row.thread).map_err(|_| missing())?;
    Ok(row)
}

fn switched_on(scope: &Scope<'_, Read>) -> Result<()> {
    if takes_comments(&*scope.wiki().preferences()?) {
        return Ok(());
    }
    Err(Error::denied("comments are switched off in this wiki").hint("An administrator can switch them on."))
}

/// The text as it is kept.
fn clean(text: &str) -> Result<String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text: String = text.trim().chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    if text.is_empty() {
        return Err(Error::invalid("the comment is empty").hint("Write something."));
    }
    if text.len() > COMMENT_BYTES {
        return Err(Error::too_large(format!("the comment is longer than {} KB", COMMENT_BYTES / 1024))
            .hint("Say it in several comments, or write a page about it."));
    }
    Ok(text)
}

fn clean_quote(quote: &Quote) -> Quote {
    let line = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let tail = |text: &str| {
        let length = text.chars().count();
        text.chars().skip(length.saturating_sub(AROUND_CHARS)).collect()
    };
    Quote {
        text: line(quote.text.trim()).chars().take(QUOTE_CHARS).collect(),
        before: tail(&line(&quote.before)),
        after: line(&quote.after).chars().take(AROUND_CHARS).collect(),
    }
}

fn id_of(added: Added) -> Result<i64> {
    match added {
        Added::Comment(id) => Ok(id),
        Added::TooManyThreads => Err(Error::too_large(format!("this page has {THREADS} threads, and no room for more"))
            .hint("Answer in one of them, or delete what is done.")),
        Added::TooManyComments => {
            Err(Error::too_large(format!("this thread has {REPLIES} answers, and no room for more"))
                .hint("Resolve it and begin a new one."))
        }
        Added::TooManyBytes => Err(Error::too_large("the comments of this page are too long together").hint("Delete some that are done.")),
    }
}

fn told(mentions: Vec<UserId>, replies: Vec<UserId>) -> Vec<(UserId, NoticeKind)> {
    let replies = replies.into_iter().filter(|user| !mentions.contains(user)).map(|user| (user, NoticeKind::Reply)).collect::<Vec<_>>();
    mentions.into_iter().map(|user| (user, NoticeKind::Mention)).chain(replies).collect()
}

/// Begins a thread about the page `path`, or about some of its words. Answers the id of its first comment.
pub fn comment(scope: &Scope<'_, Read>, path: &PagePath, quote: &Quote, text: &str) -> Result<i64> {
    let author = person(scope)?;
    switched_on(scope)?;
    let text = clean(text)?;
    let wiki = scope.wiki();
    let row = scope.index()?.page(&path.key())?;
    let path = row.map(|row| row.path).ok_or_else(|| Error::not_found(format!("there is no page {path}")))?;
    let told = told(mentioned(scope, &path, author.id, &text)?, Vec::new());
    let new = NewComment { author, content: &text, now: wiki.shared.clock.now(), told: &told };
    super::note_news(wiki);
    let id = id_of(wiki.db()?.add_thread(&path, &clean_quote(quote), new, ROOM)?)?;
    webhooks::note(wiki, HookEvent::CommentCreated);
    Ok(id)
}

/// Answers in a thread about `path`. Answers the id of the comment.
pub fn reply(scope: &Scope<'_, Read>, path: &PagePath, thread: i64, text: &str) -> Result<i64> {
    let author = person(scope)?;
    switched_on(scope)?;
    let text = clean(text)?;
    let thread = thread_of(scope, path, thread)?;
    let (wiki, db) = (scope.wiki(), scope.wiki().db()?);
    let mut others: Vec<UserId> = db.comments(thread.id)?.into_iter().map(|row| row.author).filter(|user| *user != author.id).collect();
    others.sort_unstable();
    others.dedup();
    let told = told(mentioned(scope, path, author.id, &text)?, others);
    let new = NewComment { author, content: &text, now: wiki.shared.clock.now(), told: &told };
    super::note_news(wiki);
    let id = id_of(db.add_reply((thread.id, &path.key()), new, ROOM)?)?;
    webhooks::note(wiki, HookEvent::CommentCreated);
    Ok(id)
}

/// Changes what one's own comment says. Whoever is named only now is told now.
pub fn edit_comment(scope: &Scope<'_, Read>, path: &PagePath, id: i64, text: &str) -> Result<()> {
    let author = person(scope)?;
    switched_on(scope)?;
    let text = clean(text)?;
    let row = comment_of(scope, path, id)?;
    if row.author != author.id {
        return Err(Error::denied("only who wrote a comment changes it").hint("Answer instead."));
    }
    if row.content == text {
        return Ok(());
    }
    let told = told(mentioned(scope, path, author.id, &text)?, Vec::new());
    let new = NewComment { author, content: &text, now: scope.wiki().shared.clock.now(), told: &told };
    super::note_news(scope.wiki());
    id_of(scope.wiki().db()?.edit_comment((id, &path.key()), new, ROOM)?).map(|_| ())
}

/// What becomes of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It is done.
    Resolved,
    /// It is not.
    Open,
}

/// Resolves a thread about `path` or opens it again: for who began it and whoever may write.
pub fn resolve_thread(scope: &Scope<'_, Read>, path: &PagePath, thread: i64, resolution: Resolution) -> Result<()> {
    let who = person(scope)?;
    let thread = thread_of(scope, path, thread)?;
    let (wiki, db) = (scope.wiki(), scope.wiki().db()?);
    let began = db.comments(thread.id)?.first().is_some_and(|first| first.author == who.id);
    if !began && !wiki.may_at(scope.actor(), Action::Write, &path.key())? {
        return Err(Error::denied("only who began a thread and who may write resolve it").hint("Answer instead."));
    }
    if thread.resolved.is_some() == (resolution == Resolution::Resolved) {
        return Ok(());
    }
    let resolved = Resolved { time: wiki.shared.clock.now(), by: who.id, name: who.name.clone() };
    db.set_resolved(thread.id, Some(&resolved).filter(|_| resolution == Resolution::Resolved))
}

/// Deletes a comment about `path`: for who wrote it and for administrators. With the last of a thread the thread goes.
pub fn delete_comment(scope: &Scope<'_, Read>, path: &PagePath, id: i64) -> Result<()> {
    let who = person(scope)?;
    let row = comment_of(scope, path, id)?;
    if row.author != who.id && !scope.wiki().may(scope.actor(), Action::Admin)? {
        return Err(Error::denied("only who wrote a comment and administrators delete it"));
    }
    scope.wiki().db()?.delete_comment(id, row.thread)
}

/// How many comments whoever asks wrote in the last `seconds`: for a door that bounds it.
pub fn comments_lately(scope: &Scope<'_, Read>, seconds: i64) -> Result<usize> {
    let wiki = scope.wiki();
    wiki.db()?.comments_since(person(scope)?.id, wiki.shared.clock.now() - seconds)
}

/// Everything that was said in a wiki and who watches what, for an export. Plain: whoever writes the file gives it its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentsExport {
    /// Oldest first.
    pub threads: Vec<ExportedThread>,
    /// By person and page.
    pub watches: Vec<ExportedWatch>,
}

/// A thread with its comments, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedThread {
    /// Page, quote, who resolved it.
    pub thread: ThreadRow,
    /// What was said, as Markdown.
    pub comments: Vec<CommentRow>,
}

/// Somebody watches a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedWatch {
    /// Their address; none if the account is gone.
    pub email: Option<String>,
    /// The page.
    pub path: PagePath,
    /// Whether everything below it as well.
    pub below: bool,
}

/// See [`CommentsExport`].
pub fn comments_export(scope: &Scope<'_, Admin>) -> Result<CommentsExport> {
    let db = scope.wiki().db()?;
    let directory = &scope.wiki().shared.directory;
    let threads = db.all_threads()?.into_iter();
    let threads = threads.map(|thread| Ok(ExportedThread { comments: db.comments(thread.id)?, thread })).collect::<Result<_>>()?;
    let watch = |watch: crate::db::watches::WatchRow| {
        Ok(ExportedWatch { email: directory.user(watch.user)?.map(|user| user.email), path: watch.path, below: watch.below })
    };
    let watches = db.all_watches()?.into_iter().map(watch).collect::<Result<_>>()?;
    Ok(CommentsExport { threads, watches })
}
