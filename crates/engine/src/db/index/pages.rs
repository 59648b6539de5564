//! What is there now: pages, attachments, directories.

use super::{Index, rows};
use crate::repo::{BlobId, FileMode};
use holt_core::{AttachmentName, PageKey, PagePath, Result, Revision, RevisionId};
use rusqlite::{Connection, OptionalExtension, Row};

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRow {
    /// Its path as stored.
    pub path: PagePath,
    /// Its place in the tree.
    pub file: String,
    /// Its content.
    pub blob: BlobId,
    /// What kind of file it is. Symbolic links have rows, too.
    pub mode: FileMode,
    /// In bytes.
    pub size: u64,
    /// Whether it can be read as text.
    pub utf8: bool,
    /// The text of its first heading.
    pub title: Option<String>,
    /// A line or two for lists.
    pub description: String,
    /// The revision that last changed it.
    pub last_revision: RevisionId,
    last: Revision,
}

impl PageRow {
    /// The revision that last changed it.
    pub fn last_change(&self) -> Revision {
        self.last.clone()
    }
}

/// A file beside a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentInfo {
    /// The directory that holds it, as the path of a page, as stored.
    pub page: PagePath,
    /// Its name.
    pub name: AttachmentName,
    /// Its place in the tree.
    pub file: String,
    /// Its content.
    pub blob: BlobId,
    /// What kind of file it is.
    pub mode: FileMode,
    /// In bytes.
    pub size: u64,
    /// The revision that last changed it.
    pub last_change: Revision,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Pages; symbolic links are none.
    pub pages: usize,
    /// Commits.
    pub revisions: usize,
    /// Attachments; symbolic links are none.
    pub attachments: usize,
}

/// Of files with one key the last by name is the page: lower-case letters come after upper-case ones, and that is what Otterwiki shows.
pub(super) const ANSWERS: &str = "p.shadowed = 0";

/// A page that answers and is no symbolic link, in the words of the index `pages_listed`.
pub(super) const LISTED: &str = "p.shadowed = 0 AND p.mode <> 40960";

/// What only merges ever touched counts as changed by the newest revision: the one the index stands at, or the newest that is seen.
pub(super) const LAST: &str = "coalesce(t.last, (SELECT n FROM revisions ORDER BY position DESC LIMIT 1))";

pub(super) fn pages(db: &Connection, condition: &str, values: impl rusqlite::Params) -> rusqlite::Result<Vec<PageRow>> {
    let sql = format!(
        "SELECT p.path, p.file, p.blob, p.mode, p.size, p.utf8, p.title, p.description, {} FROM pages AS p
         JOIN revisions AS r ON r.n = {} WHERE {condition}",
        rows::REVISION,
        LAST.replace("t.", "p.")
    );
    db.prepare_cached(&sql)?.query_map(values, page)?.collect()
}

fn page(row: &Row<'_>) -> rusqlite::Result<PageRow> {
    let last = rows::revision(row, 8)?;
    Ok(PageRow {
        path: rows::path(row, 0)?,
        file: row.get(1)?,
        blob: rows::blob(row, 2)?,
        mode: rows::mode(row, 3)?,
        size: rows::size(row, 4)?,
        utf8: row.get(5)?,
        title: row.get(6)?,
        description: row.get(7)?,
        last_revision: last.id,
        last,
    })
}

fn attachments(db: &Connection, condition: &str, values: impl rusqlite::Params) -> rusqlite::Result<Vec<AttachmentInfo>> {
    let sql = format!(
        "SELECT a.path, a.name, a.file, a.blob, a.mode, a.size, {} FROM attachments AS a
         JOIN revisions AS r ON r.n = {} WHERE {condition} ORDER BY a.name, a.file",
        rows::REVISION,
        LAST.replace("t.", "a.")
    );
    let attachment = |row: &Row<'_>| {
        let name: String = row.get(1)?;
        Ok(AttachmentInfo {
            page: rows::path(row, 0)?,
            name: AttachmentName::parse(&name).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(1, 0))?,
            file: row.get(2)?,
            blob: rows::blob(row, 3)?,
            mode: rows::mode(row, 4)?,
            size: rows::size(row, 5)?,
            last_change: rows::revision(row, 6)?,
        })
    };
    db.prepare_cached(&sql)?.query_map(values, attachment)?.collect()
}

pub(super) fn page_of(db: &Connection, key: &PageKey) -> rusqlite::Result<Option<PageRow>> {
    Ok(pages(db, "p.key = ?1 ORDER BY p.file DESC LIMIT 1", [key.as_str()])?.pop())
}

impl Index {
    /// The page of this key.
    pub fn page(&self, key: &PageKey) -> Result<Option<PageRow>> {
        self.read("look for a page", |db| page_of(db, key))
    }
    /// Level, text and id of the headings of a page.
    pub fn headings(&self, key: &PageKey) -> Result<Vec<(u8, String, String)>> {
        let sql = format!(
            "SELECT level, text, anchor FROM headings JOIN pages AS p ON p.id = headings.page WHERE p.key = ?1 AND {ANSWERS} ORDER BY number"
        );
        self.read("list headings", |db| {
            db.prepare_cached(&sql)?.query_map([key.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
        })
    }
    /// The page stored at `file`, even if another one answers for its key.
    pub fn page_by_file(&self, file: &str) -> Result<Option<PageRow>> {
        self.read("look for a page", |db| Ok(pages(db, "p.file = ?1", [file])?.pop()))
    }
    /// Every page, by path.
    pub fn pages(&self) -> Result<Vec<PageRow>> {
        self.read("list pages", |db| pages(db, &format!("{ANSWERS} ORDER BY p.path"), []))
    }
    /// The pages that were changed last, newest first; symbolic links are none.
    pub fn newest_pages(&self, limit: usize) -> Result<Vec<PageRow>> {
        let condition = format!("{LISTED} ORDER BY r.time DESC, p.path LIMIT ?1");
        self.read("list the newest pages", |db| pages(db, &condition, [i64::try_from(limit).unwrap_or(i64::MAX)]))
    }
    /// Every page at any depth below `path`, by path.
    pub fn pages_below(&self, path: &PagePath) -> Result<Vec<PageRow>> {
        let range = rows::below(path.key().as_str());
        self.read("list pages", |db| pages(db, &format!("p.key >= ?1 AND p.key < ?2 AND {ANSWERS} ORDER BY p.path"), range))
    }
    /// The files beside `page`, by name.
    pub fn attachments(&self, page: &PagePath) -> Result<Vec<AttachmentInfo>> {
        let mut found = self.read("list attachments", |db| attachments(db, "a.key = ?1", [page.key().as_str()]))?;
        found.dedup_by(|a, b| a.name == b.name);
        Ok(found)
    }
    /// The file of exactly this name beside `page`, in any spelling of the page.
    pub fn attachment(&self, page: &PagePath, name: &AttachmentName) -> Result<Option<AttachmentInfo>> {
        let key = page.key();
        let found =
            self.read("look for an attachment", |db| attachments(db, "a.key = ?1 AND a.name = ?2", (key.as_str(), name.as_str())))?;
        Ok(found.into_iter().next())
    }
    /// `path` as it is stored, if there are pages or files below it.
    pub fn directory(&self, path: &PagePath) -> Result<Option<PagePath>> {
        let found = self.read("look for a directory", |db| stored_below(db, &path.key()))?;
        let first = |inside: PagePath| {
            let levels: Vec<&str> = inside.segments().take(path.segments().count()).collect();
            PagePath::parse(&levels.join("/")).ok()
        };
        Ok(found.and_then(first))
    }
    /// How many pages there are, symbolic links among them.
    pub fn page_count(&self) -> Result<usize> {
        let count = |db: &Connection| db.prepare_cached("SELECT count(DISTINCT key) FROM pages")?.query_row([], |row| row.get::<_, i64>(0));
        Ok(usize::try_from(self.read("count pages", count)?).unwrap_or_default())
    }
    /// How much there is.
    pub fn counts(&self) -> Result<Counts> {
        let link = rows::mode_number(FileMode::Symlink);
        let count = |db: &Connection, sql: &str| -> rusqlite::Result<usize> {
            let n: i64 = db.query_row(sql, [], |row| row.get(0))?;
            Ok(usize::try_from(n).unwrap_or_default())
        };
        self.read("count pages", |db| {
            Ok(Counts {
                pages: count(db, &format!("SELECT count(*) FROM pages AS p WHERE {LISTED}"))?,
                revisions: count(db, "SELECT count(*) FROM revisions")?,
                attachments: count(db, &format!("SELECT count(*) FROM attachments WHERE mode <> {link}"))?,
            })
        })
    }
}

/// A path at or below the directory `key`, spelled as stored; none if there is nothing.
pub(super) fn stored_below(db: &Connection, key: &PageKey) -> rusqlite::Result<Option<PagePath>> {
    let (from, to) = rows::below(key.as_str());
    let sql = "SELECT path FROM pages WHERE key >= ?1 AND key < ?2 ORDER BY key, file LIMIT 1";
    if let Some(found) = db.prepare_cached(sql)?.query_row([&from, &to], |row| rows::path(row, 0)).optional()? {
        return Ok(Some(found));
    }
    let sql = "SELECT path FROM attachments WHERE key = ?1 OR (key >= ?2 AND key < ?3) ORDER BY key, name, file LIMIT 1";
    db.prepare_cached(sql)?.query_row([key.as_str(), &from, &to], |row| rows::path(row, 0)).optional()
}
