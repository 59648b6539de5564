//! Databases of other programs. A copy is read, so that the original is never touched: not by a lock, not by the recovery of its journal.

use holt_core::{Error, Result};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What the copy is called.
const COPY: &str = "import.sqlite";
/// A database and what may belong to its last changes. The shared memory of a write-ahead log is made again from the log.
const PARTS: [&str; 3] = ["", "-journal", "-wal"];

/// Reads `database` through a copy made in `scratch`, which is removed again. `refused` says what a file is not that cannot be read.
pub(super) fn read_copy<T>(
    database: &Path,
    scratch: &Path,
    refused: impl Fn(rusqlite::Error) -> Error,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T> {
    let copied = copy(database, scratch);
    let result = copied.and_then(|copy| sound(&copy).and_then(|db| read(&db)).map_err(&refused));
    for part in PARTS.into_iter().chain(["-shm"]) {
        let _ = std::fs::remove_file(scratch.join(format!("{COPY}{part}")));
    }
    result
}

fn copy(database: &Path, scratch: &Path) -> Result<PathBuf> {
    for part in PARTS {
        let mut from = OsString::from(database);
        from.push(part);
        let from = PathBuf::from(from);
        let failed = |e| Error::io(format!("read {}", from.display()), e);
        match std::fs::symlink_metadata(&from) {
            Ok(is) if is.is_file() => {}
            Err(error) if !part.is_empty() && error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
            Ok(_) => return Err(Error::invalid(format!("{} is not a plain file", from.display())).hint("Symbolic links are not followed.")),
        }
        // A platform's database holds secrets.
        let mut to = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(scratch.join(format!("{COPY}{part}")))
            .map_err(|e| Error::io("make a copy of a database", e))?;
        std::fs::File::open(&from).and_then(|mut from| std::io::copy(&mut from, &mut to)).map_err(failed)?;
    }
    Ok(scratch.join(COPY))
}

/// Opens the copy, if SQLite finds nothing wrong with it: half of a broken table is worse than none.
fn sound(copy: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.pragma_update(None, "trusted_schema", false)?;
    let verdict: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" {
        return Ok(db);
    }
    Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), Some(verdict)))
}

/// Says that a database is sound, but not one of those that are looked for.
pub(super) fn without_table(name: &str) -> rusqlite::Error {
    let reason = format!("there is no table {name}");
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB), Some(reason))
}

/// Whether there is a table of that name.
pub(super) fn has_table(db: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    Ok(db.query_row(sql, [name], |_| Ok(())).optional()?.is_some())
}

/// All rows of a table, in the order of their making; none if there is no such table.
pub(super) fn rows<T>(db: &Connection, table: &'static str, row: fn(&Row<'_>) -> T) -> rusqlite::Result<Vec<T>> {
    if !has_table(db, table)? {
        return Ok(Vec::new());
    }
    // A constant of ours, and the names of columns stay what the row asks for: versions differ in them.
    let sql = format!("SELECT * FROM {table} ORDER BY rowid");
    db.prepare(&sql)?.query_map([], |found| Ok(row(found)))?.collect()
}

/// A column as text, whatever it holds; bytes that are not UTF-8 are shown as replacement characters. None for NULL or a missing column.
pub(super) fn text(row: &Row<'_>, column: &str) -> Option<String> {
    match row.get_ref(column).ok()? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Null => None,
    }
}

/// A column as a number; 0 for anything else.
pub(super) fn integer(row: &Row<'_>, column: &str) -> i64 {
    match row.get_ref(column) {
        Ok(ValueRef::Integer(number)) => number,
        _ => 0,
    }
}

/// A column as a flag: only a number other than 0 sets it.
pub(super) fn flag(row: &Row<'_>, column: &str) -> bool {
    integer(row, column) != 0
}

/// A column as Unix seconds. Times are stored as UTC text, `2026-11-21 00:54:10.839455` or `2026-11-21T00:54:10+00:00`.
pub(super) fn seconds(row: &Row<'_>, column: &str) -> Option<i64> {
    let text = text(row, column)?.trim().replace(' ', "T");
    let instant = || text.parse::<jiff::Timestamp>().ok();
    let civil = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|time| time.timestamp());
    instant().or_else(civil).map(jiff::Timestamp::as_second).filter(|seconds| *seconds > 0)
}
