//! Rows of `wiki.db` about what people say: threads, comments, and who is told of them.

use super::decode;
use super::wiki_db::WikiDb;
use holt_core::{PageKey, PagePath, Person, Result, UserId};
use rusqlite::{Connection, OptionalExtension, Row};

/// Words of a page, with what stands around them so that they are found again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quote {
    /// The words.
    pub text: String,
    /// What stands before them.
    pub before: String,
    /// What stands behind them.
    pub after: String,
}

/// A thread without its comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadRow {
    /// Its identity in the wiki, never given again.
    pub id: i64,
    /// The page.
    pub path: PagePath,
    /// What of the page; none: all of it.
    pub quote: Option<Quote>,
    /// When and by whom it was resolved.
    pub resolved: Option<Resolved>,
}

/// See [`ThreadRow::resolved`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Unix seconds.
    pub time: i64,
    /// Who.
    pub by: UserId,
    /// What they were called then.
    pub name: String,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentRow {
    /// Its identity in the wiki, never given again; grows with time.
    pub id: i64,
    /// Its thread.
    pub thread: i64,
    /// Who wrote it.
    pub author: UserId,
    /// What they were called then.
    pub name: String,
    /// Their address then.
    pub email: String,
    /// Markdown.
    pub content: String,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds.
    pub edited: Option<i64>,
    /// Whether its author or an administrator took it back; there is no content then.
    pub deleted: bool,
}

/// Why somebody is told of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// It names them.
    Mention,
    /// It is in a thread they took part in.
    Reply,
}

impl NoticeKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Mention => "mention",
            Self::Reply => "reply",
        }
    }
}

/// A line of an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRow {
    /// Why.
    pub kind: NoticeKind,
    /// Whether they have looked at it.
    pub seen: bool,
    /// What was said.
    pub comment: CommentRow,
    /// About which page.
    pub path: PagePath,
}

/// A comment to be kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewComment<'a> {
    /// Who says it.
    pub(crate) author: &'a Person,
    /// Markdown.
    pub(crate) content: &'a str,
    /// Unix seconds.
    pub(crate) now: i64,
    /// Who is told of it.
    pub(crate) told: &'a [(UserId, NoticeKind)],
}

/// What a page may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Threads.
    pub(crate) threads: i64,
    /// Comments in a thread, the first one included.
    pub(crate) comments: i64,
    /// Bytes of all comments together.
    pub(crate) bytes: i64,
}

/// What became of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Added {
    /// Its id.
    Comment(i64),
    /// The page has all the threads it may have.
    TooManyThreads,
    /// The thread has all the comments it may have.
    TooManyComments,
    /// The comments of the page are too long together.
    TooManyBytes,
}

const COMMENT: &str = "c.id, c.thread, c.author_id, c.author_name, c.author_email, c.content, c.created, c.edited, c.deleted";
const THREAD: &str = "id, pagepath, quote, quote_before, quote_after, resolved_at, resolved_by, resolved_name";

fn comment(row: &Row<'_>) -> rusqlite::Result<CommentRow> {
    Ok(CommentRow {
        id: row.get(0)?,
        thread: row.get(1)?,
        author: UserId(row.get(2)?),
        name: row.get(3)?,
        email: row.get(4)?,
        content: row.get(5)?,
        created: row.get(6)?,
        edited: row.get(7)?,
        deleted: row.get(8)?,
    })
}

pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<usize> {
    Ok(usize::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}

fn path(row: &Row<'_>, column: usize) -> rusqlite::Result<PagePath> {
    PagePath::parse(&row.get::<_, String>(column)?).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, 0))
}

fn thread(row: &Row<'_>) -> rusqlite::Result<ThreadRow> {
    let quote = Quote { text: row.get(2)?, before: row.get(3)?, after: row.get(4)? };
    let resolved = match row.get::<_, Option<i64>>(5)? {
        Some(time) => Some(Resolved { time, by: UserId(row.get(6)?), name: row.get(7)? }),
        None => None,
    };
    Ok(ThreadRow { id: row.get(0)?, path: path(row, 1)?, quote: (!quote.text.is_empty()).then_some(quote), resolved })
}

fn insert(db: &Connection, thread: i64, new: NewComment<'_>) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO comments (thread, author_id, author_name, author_email, content, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    db.execute(sql, (thread, new.author.id.0, &new.author.name, &new.author.email, new.content, new.now))?;
    let id = db.last_insert_rowid();
    tell(db, id, new.told)?;
    Ok(id)
}

/// Tells people of a comment; who was told stays told, and as seen as it was.
fn tell(db: &Connection, comment: i64, people: &[(UserId, NoticeKind)]) -> rusqlite::Result<()> {
    let mut put = db.prepare_cached("INSERT INTO notices (user_id, comment, kind) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?;
    people.iter().try_for_each(|(user, kind)| put.execute((user.0, comment, kind.as_str())).map(|_| ()))
}

/// Whether the comments of a page have no room for so many bytes more.
fn is_full(db: &Connection, key: &str, more: usize, room: Room) -> rusqlite::Result<bool> {
    let sql =
        "SELECT coalesce(sum(length(CAST(c.content AS BLOB))), 0) FROM threads AS t JOIN comments AS c ON c.thread = t.id WHERE t.key = ?1";
    let bytes: i64 = db.prepare_cached(sql)?.query_row([key], |row| row.get(0))?;
    Ok(bytes.saturating_add(i64::try_from(more).unwrap_or(i64::MAX)) > room.bytes)
}

impl WikiDb {
    /// How many threads about a page are open, and how many resolved.
    pub fn thread_counts(&self, key: &PageKey) -> Result<(usize, usize)> {
        let sql = "SELECT count(*) FILTER (WHERE resolved_at IS NULL), count(*) FILTER (WHERE resolved_at IS NOT NULL) FROM threads WHERE key = ?1";
        self.read("count comments", |db| db.prepare_cached(sql)?.query_row([key.as_str()], |row| Ok((number(row, 0)?, number(row, 1)?))))
    }
    /// Threads about a page: open ones first, and the newest of these.
    pub fn threads(&self, key: &PageKey, offset: usize, limit: usize) -> Result<Vec<ThreadRow>> {
        let sql = format!("SELECT {THREAD} FROM threads WHERE key = ?1 ORDER BY resolved_at IS NOT NULL, id DESC LIMIT ?2 OFFSET ?3");
        let part = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.read("read comments", |db| db.prepare_cached(&sql)?.query_map((key.as_str(), part(limit), part(offset)), thread)?.collect())
    }
    /// All threads of the wiki, oldest first.
    pub fn all_threads(&self) -> Result<Vec<ThreadRow>> {
        let sql = format!("SELECT {THREAD} FROM threads ORDER BY id");
        self.read("read comments", |db| db.prepare(&sql)?.query_map([], thread)?.collect())
    }
    /// A thread.
    pub fn thread(&self, id: i64) -> Result<Option<ThreadRow>> {
        let sql = format!("SELECT {THREAD} FROM threads WHERE id = ?1");
        self.read("read comments", |db| db.prepare_cached(&sql)?.query_row([id], thread).optional())
    }
    /// The comments of a thread, oldest first.
    pub fn comments(&self, thread: i64) -> Result<Vec<CommentRow>> {
        let sql = format!("SELECT {COMMENT} FROM comments AS c WHERE c.thread = ?1 ORDER BY c.id");
        self.read("read comments", |db| db.prepare_cached(&sql)?.query_map([thread], comment)?.collect())
    }
    /// A comment.
    pub fn comment(&self, id: i64) -> Result<Option<CommentRow>> {
        let sql = format!("SELECT {COMMENT} FROM comments AS c WHERE c.id = ?1");
        self.read("read a comment", |db| db.prepare_cached(&sql)?.query_row([id], comment).optional())
    }
    /// How many comments somebody wrote since then.
    pub fn comments_since(&self, author: UserId, since: i64) -> Result<usize> {
        let sql = "SELECT count(*) FROM comments WHERE author_id = ?1 AND created >= ?2";
        self.read("count comments", |db| db.prepare_cached(sql)?.query_row((author.0, since), |row| number(row, 0)))
    }
    /// Everybody who ever commented here.
    pub fn commentators(&self) -> Result<Vec<UserId>> {
        let sql = "SELECT DISTINCT author_id FROM comments";
        self.read("list who commented", |db| db.prepare_cached(sql)?.query_map([], |row| row.get(0).map(UserId))?.collect())
    }
    /// Begins a thread.
    pub(crate) fn add_thread(&self, page: &PagePath, quote: &Quote, new: NewComment<'_>, room: Room) -> Result<Added> {
        let key = page.key();
        self.write("keep a comment", |db| {
            let threads: i64 =
                db.prepare_cached("SELECT count(*) FROM threads WHERE key = ?1")?.query_row([key.as_str()], |row| row.get(0))?;
            if threads >= room.threads {
                return Ok(Added::TooManyThreads);
            }
            if is_full(db, key.as_str(), new.content.len(), room)? {
                return Ok(Added::TooManyBytes);
            }
            let sql = "INSERT INTO threads (key, pagepath, quote, quote_before, quote_after) VALUES (?1, ?2, ?3, ?4, ?5)";
            db.execute(sql, (key.as_str(), page.as_str(), &quote.text, &quote.before, &quote.after))?;
            Ok(Added::Comment(insert(db, db.last_insert_rowid(), new)?))
        })
    }
    /// Answers in a thread of `key`.
    pub(crate) fn add_reply(&self, (thread, key): (i64, &PageKey), new: NewComment<'_>, room: Room) -> Result<Added> {
        self.write("keep a comment", |db| {
            let comments: i64 =
                db.prepare_cached("SELECT count(*) FROM comments WHERE thread = ?1")?.query_row([thread], |row| row.get(0))?;
            if comments >= room.comments {
                return Ok(Added::TooManyComments);
            }
            if is_full(db, key.as_str(), new.content.len(), room)? {
                return Ok(Added::TooManyBytes);
            }
            Ok(Added::Comment(insert(db, thread, new)?))
        })
    }
    /// Changes what a comment of a page says.
    pub(crate) fn edit_comment(&self, (id, key): (i64, &PageKey), new: NewComment<'_>, room: Room) -> Result<Added> {
        self.write("change a comment", |db| {
            if is_full(db, key.as_str(), new.content.len(), room)? {
                return Ok(Added::TooManyBytes);
            }
            db.execute("UPDATE comments SET content = ?2, edited = ?3 WHERE id = ?1 AND NOT deleted", (id, new.content, new.now))?;
            tell(db, id, new.told)?;
            Ok(Added::Comment(id))
        })
    }
    /// Marks a thread as done, or as open again.
    pub(crate) fn set_resolved(&self, thread: i64, resolved: Option<&Resolved>) -> Result<()> {
        let sql = "UPDATE threads SET resolved_at = ?2, resolved_by = ?3, resolved_name = ?4 WHERE id = ?1";
        let values = (thread, resolved.map(|r| r.time), resolved.map(|r| r.by.0), resolved.map(|r| r.name.as_str()));
        self.write("resolve a thread", |db| db.execute(sql, values)).map(|_| ())
    }
    /// Takes a comment back. The first of a thread leaves its place while somebody answered; with the last of a thread the thread goes.
    pub(crate) fn delete_comment(&self, id: i64, thread: i64) -> Result<()> {
        self.write("delete a comment", |db| {
            let begins: bool =
                db.query_row("SELECT min(id) = ?1 AND count(*) > 1 FROM comments WHERE thread = ?2", (id, thread), |row| row.get(0))?;
            if begins {
                db.execute("UPDATE comments SET deleted = 1, content = '', edited = NULL WHERE id = ?1", [id])?;
                db.execute("DELETE FROM notices WHERE comment = ?1", [id])?;
            } else {
                db.execute("DELETE FROM comments WHERE id = ?1", [id])?;
            }
            db.execute(
                "DELETE FROM threads WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM comments WHERE thread = ?1 AND NOT deleted)",
                [thread],
            )
        })
        .map(|_| ())
    }
    /// What somebody is told of, newest first: `limit` comments with an id below `before`.
    pub fn notices(&self, user: UserId, before: Option<i64>, limit: usize) -> Result<Vec<NoticeRow>> {
        let sql = format!(
            "SELECT {COMMENT}, n.kind, n.seen, t.pagepath FROM notices AS n JOIN comments AS c ON c.id = n.comment JOIN threads AS t ON t.id = c.thread
             WHERE n.user_id = ?1 AND n.comment < ?2 ORDER BY n.comment DESC LIMIT ?3"
        );
        let notice = |row: &Row<'_>| Ok((comment(row)?, row.get::<_, String>(9)?, row.get(10)?, path(row, 11)?));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Vec<_> = self.read("read an inbox", |db| {
            db.prepare_cached(&sql)?.query_map((user.0, before.unwrap_or(i64::MAX), limit), notice)?.collect()
        })?;
        rows.into_iter()
            .map(|(comment, kind, seen, path)| {
                let kind = match kind.as_str() {
                    "mention" => Some(NoticeKind::Mention),
                    "reply" => Some(NoticeKind::Reply),
                    _ => None,
                };
                Ok(NoticeRow { kind: decode("why somebody is told of a comment", kind)?, seen, comment, path })
            })
            .collect()
    }
    /// How many of them they have not looked at.
    pub fn unseen_notices(&self, user: UserId) -> Result<usize> {
        let sql = "SELECT count(*) FROM notices WHERE user_id = ?1 AND NOT seen";
        self.read("count what is new", |db| db.prepare_cached(sql)?.query_row([user.0], |row| number(row, 0)))
    }
    /// They have looked at everything up to a comment.
    pub(crate) fn see_notices(&self, user: UserId, upto: i64) -> Result<()> {
        let sql = "UPDATE notices SET seen = 1 WHERE user_id = ?1 AND comment <= ?2 AND NOT seen";
        self.write("note what was read", |db| db.execute(sql, (user.0, upto))).map(|_| ())
    }
    /// They have looked at a thread.
    pub(crate) fn see_thread(&self, user: UserId, thread: i64) -> Result<()> {
        let of = "user_id = ?1 AND NOT seen AND comment IN (SELECT id FROM comments WHERE thread = ?2)";
        let new = format!("SELECT EXISTS (SELECT 1 FROM notices WHERE {of})");
        // Looking writes nothing where there is nothing new.
        if self.read("look what is new", |db| db.prepare_cached(&new)?.query_row((user.0, thread), |row| row.get(0)))? {
            let sql = format!("UPDATE notices SET seen = 1 WHERE {of}");
            self.write("note what was read", |db| db.execute(&sql, (user.0, thread)))?;
        }
        Ok(())
    }
    /// The newest comment of the wiki; 0 without any.
    pub fn newest_comment(&self) -> Result<i64> {
        self.read("look for the newest comment", |db| db.query_row("SELECT coalesce(max(id), 0) FROM comments", [], |row| row.get(0)))
    }
    /// A page moved with what is below it: threads and watches follow.
    pub(crate) fn follow_rename(&self, from: &PagePath, to: &PagePath) -> Result<()> {
        let key = from.key();
        // What is below sorts between `a/` and `a0`: the sign behind the slash.
        let (first, last) = (format!("{}/", key.as_str()), format!("{}0", key.as_str()));
        let depth = from.segments().count();
        self.write("move comments", |db| {
            for (table, id) in [("threads", "id"), ("watches", "user_id")] {
                let find = format!("SELECT {id}, key, pagepath FROM {table} WHERE key = ?1 OR (key >= ?2 AND key < ?3)");
                let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?));
                let found: Vec<_> = db.prepare(&find)?.query_map((key.as_str(), &first, &last), row)?.collect::<rusqlite::Result<_>>()?;
                // Who watched what was at the new name before now watches what is there.
                let mut put = db.prepare(&format!("UPDATE OR REPLACE {table} SET key = ?3, pagepath = ?4 WHERE {id} = ?1 AND key = ?2"))?;
                for (id, old, path) in found {
                    let rest: Vec<&str> = path.split('/').skip(depth).collect();
                    let Ok(new) = PagePath::parse(&[&[to.as_str()], rest.as_slice()].concat().join("/")) else { continue };
                    put.execute((id, old, new.key().as_str(), new.as_str()))?;
                }
            }
            Ok(())
        })
    }
}
