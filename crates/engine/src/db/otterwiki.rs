//! Reads the database of an Otterwiki installation (spec/wiki.md §2). A copy is read, so that the original is never touched, not even by a lock.

use holt_core::{Error, Result};
use rusqlite::{Connection, OpenFlags, Row};
use std::path::Path;

/// What an Otterwiki database holds that is worth keeping.
#[derive(Debug, Default)]
pub struct OtterwikiDb {
    /// Every preference, as text.
    pub preferences: Vec<(String, String)>,
    /// Every account.
    pub users: Vec<OtterwikiUser>,
    /// Every draft.
    pub drafts: Vec<OtterwikiDraft>,
}

/// A row of `user`.
#[derive(Debug)]
#[expect(missing_docs, reason = "the columns of spec/wiki.md §2, under their names")]
pub struct OtterwikiUser {
    pub name: String,
    pub email: String,
    pub password_hash: Option<String>,
    pub first_seen: i64,
    pub last_seen: i64,
    pub is_approved: bool,
    pub is_admin: bool,
    pub email_confirmed: bool,
    pub allow_read: bool,
    pub allow_write: bool,
    pub allow_upload: bool,
}

/// A row of `drafts`.
#[derive(Debug)]
#[expect(missing_docs, reason = "the columns of spec/wiki.md §2, under their names")]
pub struct OtterwikiDraft {
    pub pagepath: String,
    pub revision: String,
    pub author_email: String,
    pub content: String,
    pub cursor_line: i64,
    pub cursor_ch: i64,
    pub time: i64,
}

impl OtterwikiDb {
    /// Reads `database` through a copy made in `scratch`, which is removed again.
    pub fn read(database: &Path, scratch: &Path) -> Result<Self> {
        let copy = scratch.join("import.sqlite");
        let copied = std::fs::copy(database, &copy).map_err(|e| Error::io(format!("read {}", database.display()), e));
        let read = copied.and_then(|_| read(&copy).map_err(|e| not_otterwiki(database, e)));
        for suffix in ["", "-journal", "-wal", "-shm"] {
            let _ = std::fs::remove_file(scratch.join(format!("import.sqlite{suffix}")));
        }
        read
    }
}

fn not_otterwiki(database: &Path, error: rusqlite::Error) -> Error {
    Error::invalid(format!("{} is not a readable Otterwiki database", database.display()))
        .hint("Check that the file is db.sqlite of an Otterwiki and that the installation is stopped or idle.")
        .because(error)
}

fn read(copy: &Path) -> rusqlite::Result<OtterwikiDb> {
    let db = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.pragma_update(None, "trusted_schema", false)?;
    let preferences = db
        .prepare("SELECT name, value FROM preferences ORDER BY name")?
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?.unwrap_or_default())))?
        .collect::<rusqlite::Result<_>>()?;
    let users = db.prepare("SELECT * FROM user ORDER BY id")?.query_map([], user)?.collect::<rusqlite::Result<_>>()?;
    let drafts = db.prepare("SELECT * FROM drafts ORDER BY id")?.query_map([], draft)?.collect::<rusqlite::Result<_>>()?;
    Ok(OtterwikiDb { preferences, users, drafts })
}

fn user(row: &Row<'_>) -> rusqlite::Result<OtterwikiUser> {
    let flag = |name: &str| Ok::<bool, rusqlite::Error>(row.get::<_, Option<bool>>(name)?.unwrap_or_default());
    Ok(OtterwikiUser {
        name: row.get::<_, Option<String>>("name")?.unwrap_or_default(),
        email: row.get::<_, Option<String>>("email")?.unwrap_or_default(),
        password_hash: row.get("password_hash")?,
        first_seen: seconds(row, "first_seen")?,
        last_seen: seconds(row, "last_seen")?,
        is_approved: flag("is_approved")?,
        is_admin: flag("is_admin")?,
        email_confirmed: flag("email_confirmed")?,
        allow_read: flag("allow_read")?,
        allow_write: flag("allow_write")?,
        allow_upload: flag("allow_upload")?,
    })
}

fn draft(row: &Row<'_>) -> rusqlite::Result<OtterwikiDraft> {
    let text = |name: &str| Ok::<String, rusqlite::Error>(row.get::<_, Option<String>>(name)?.unwrap_or_default());
    Ok(OtterwikiDraft {
        pagepath: text("pagepath")?,
        revision: text("revision")?,
        author_email: text("author_email")?,
        content: text("content")?,
        cursor_line: row.get::<_, Option<i64>>("cursor_line")?.unwrap_or_default(),
        cursor_ch: row.get::<_, Option<i64>>("cursor_ch")?.unwrap_or_default(),
        time: seconds(row, "datetime")?,
    })
}

/// Timestamps are stored as naive UTC text, `2026-11-21 00:54:10.839455`; a missing or odd one is 0.
fn seconds(row: &Row<'_>, column: &str) -> rusqlite::Result<i64> {
    let text: Option<String> = row.get(column)?;
    let parsed = text.and_then(|text| text.replace(' ', "T").parse::<jiff::civil::DateTime>().ok());
    Ok(parsed.and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC).ok()).map_or(0, |time| time.timestamp().as_second()))
}
