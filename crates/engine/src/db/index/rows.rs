//! Values of ours in rows of SQLite, and back. A value that cannot be ours is an error, never a panic: the file may be damaged.

use crate::repo::{BlobId, FileMode};
use holt_core::{Author, PagePath, Revision, RevisionId, Timestamp};
use rusqlite::{Error, Result, Row};

pub(super) fn impossible(column: usize) -> Error {
    Error::IntegralValueOutOfRange(column, 0)
}

fn id(row: &Row<'_>, column: usize) -> Result<[u8; 20]> {
    let bytes = row.get_ref(column)?.as_blob().map_err(|_| impossible(column))?;
    bytes.try_into().map_err(|_| impossible(column))
}

pub(super) fn revision_id(row: &Row<'_>, column: usize) -> Result<RevisionId> {
    id(row, column).map(RevisionId::from_bytes)
}

pub(super) fn blob(row: &Row<'_>, column: usize) -> Result<BlobId> {
    id(row, column).map(BlobId::from_bytes)
}

pub(super) fn path(row: &Row<'_>, column: usize) -> Result<PagePath> {
    let text: String = row.get(column)?;
    PagePath::parse(&text).map_err(|_| impossible(column))
}

pub(super) fn size(row: &Row<'_>, column: usize) -> Result<u64> {
    row.get::<_, i64>(column)?.try_into().map_err(|_| impossible(column))
}

pub(super) fn mode_number(mode: FileMode) -> i64 {
    match mode {
        FileMode::File => 0o100_644,
        FileMode::Executable => 0o100_755,
        FileMode::Symlink => 0o120_000,
    }
}

pub(super) fn mode(row: &Row<'_>, column: usize) -> Result<FileMode> {
    match row.get::<_, i64>(column)? {
        0o100_644 => Ok(FileMode::File),
        0o100_755 => Ok(FileMode::Executable),
        0o120_000 => Ok(FileMode::Symlink),
        _ => Err(impossible(column)),
    }
}

/// What [`revision`] reads, from a table `revisions r`.
pub(super) const REVISION: &str = "r.id, r.author_name, r.author_email, r.time, r.time_offset, r.message";

/// A revision from the six columns of [`REVISION`], the first of them at `column`.
pub(super) fn revision(row: &Row<'_>, column: usize) -> Result<Revision> {
    let text = |i: usize| row.get::<_, String>(column + i);
    Ok(Revision {
        id: revision_id(row, column)?,
        author: Author::new(&text(1)?, &text(2)?),
        time: Timestamp { seconds: row.get(column + 3)?, offset: row.get(column + 4)? },
        message: text(5)?,
    })
}

/// The first and the last key, exclusive, of everything below `key`: `/` is followed by `0`.
pub(super) fn below(key: &str) -> (String, String) {
    (format!("{key}/"), format!("{key}0"))
}
