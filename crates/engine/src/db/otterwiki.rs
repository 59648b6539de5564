//! Reads the database of an Otterwiki installation (spec/wiki.md §2), through a copy.

use super::foreign::{flag, has_table, integer, read_copy, rows, seconds, text, without_table};
use holt_core::{Error, Result};
use rusqlite::{Connection, Row};
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
        read_copy(database, scratch, |e| not_otterwiki(database, e), read)
    }
}

fn not_otterwiki(database: &Path, error: rusqlite::Error) -> Error {
    Error::invalid(format!("{} is not a readable Otterwiki database", database.display()))
        .hint("Check that the file is the database of an Otterwiki and that the installation is stopped or idle.")
        .because(error)
}

fn read(db: &Connection) -> rusqlite::Result<OtterwikiDb> {
    if !has_table(db, "preferences")? {
        return Err(without_table("preferences"));
    }
    let preferences = rows(db, "preferences", |row| text(row, "name").map(|name| (name, text(row, "value").unwrap_or_default())))?;
    Ok(OtterwikiDb {
        preferences: preferences.into_iter().flatten().collect(),
        users: rows(db, "user", user)?,
        drafts: rows(db, "drafts", draft)?,
    })
}

fn user(row: &Row<'_>) -> OtterwikiUser {
    OtterwikiUser {
        name: text(row, "name").unwrap_or_default(),
        email: text(row, "email").unwrap_or_default(),
        password_hash: text(row, "password_hash"),
        first_seen: seconds(row, "first_seen").unwrap_or_default(),
        last_seen: seconds(row, "last_seen").unwrap_or_default(),
        is_approved: flag(row, "is_approved"),
        is_admin: flag(row, "is_admin"),
        email_confirmed: flag(row, "email_confirmed"),
        allow_read: flag(row, "allow_read"),
        allow_write: flag(row, "allow_write"),
        allow_upload: flag(row, "allow_upload"),
    }
}

fn draft(row: &Row<'_>) -> OtterwikiDraft {
    let text = |name: &str| text(row, name).unwrap_or_default();
    OtterwikiDraft {
        pagepath: text("pagepath"),
        revision: text("revision"),
        author_email: text("author_email"),
        content: text("content"),
        cursor_line: integer(row, "cursor_line"),
        cursor_ch: integer(row, "cursor_ch"),
        time: seconds(row, "datetime").unwrap_or_default(),
    }
}
