//! How a SQLite file is opened, checked, migrated, and how its errors become ours (security.md DUR-8, DUR-14). Knows no table.

use holt_core::{Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What must survive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Every transaction that was reported as done.
    Full,
    /// Only that the file is whole. In WAL mode `synchronous=NORMAL` never leaves a torn file; the last transactions may be undone, which
    /// derived data can afford, because its cursor is undone with them.
    Derived,
}

/// Whether the file has to be there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existence {
    /// It is made if it is missing.
    MayBeNew,
    /// A missing file is an error (DUR-10).
    Required,
}

/// One of Holt's SQLite files.
pub(crate) struct Kind {
    /// As people call it: `wiki.db`.
    pub(crate) name: &'static str,
    /// Stands in the header of the file and tells it from others.
    pub(crate) application_id: i32,
    pub(crate) durability: Durability,
    /// One script per version; never edited once released.
    pub(crate) migrations: &'static [&'static str],
}

/// The file is damaged or is not what its name says. Derived data is made again, anything else restored.
#[derive(Debug)]
struct Damaged(Option<rusqlite::Error>);

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the database file is damaged")
    }
}
impl std::error::Error for Damaged {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_ref().map(|e| e as _)
    }
}

/// Whether `error` says that a database file is damaged. For index.db the remedy is `Index::set_aside`.
pub fn is_damaged(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error + 'static>::is::<Damaged>)
}

/// A value in a row is impossible: the file is damaged.
pub(crate) fn decode<T>(what: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::internal(format!("read {what}")).because(Damaged(None)))
}

/// Turns SQLite's error into ours.
pub(crate) fn wrap(attempted: impl Into<String>) -> impl FnOnce(rusqlite::Error) -> Error {
    let attempted = attempted.into();
    move |error| {
        use std::io::{Error as Io, ErrorKind};
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Error::io(attempted, Io::new(ErrorKind::StorageFull, error)),
            Some(ErrorCode::ReadOnly) => Error::io(attempted, Io::new(ErrorKind::ReadOnlyFilesystem, error)),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Error::busy(format!("{attempted}: the database is locked")).hint("Try again in a moment.").because(error)
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::internal(attempted).because(Damaged(Some(error))),
            // A value of another type, or text that is not UTF-8, in a column that Holt wrote.
            None if !matches!(error, rusqlite::Error::QueryReturnedNoRows) => Error::internal(attempted).because(Damaged(Some(error))),
            _ => Error::internal(attempted).because(error),
        }
    }
}

/// Opens `path`, brings its tables up to date and returns the connection.
pub(crate) fn open(path: &Path, kind: &Kind, existence: Existence) -> Result<Connection> {
    let path = resolve(path, kind, existence)?;
    let fresh = std::fs::metadata(&path).map_or(0, |m| m.len()) == 0;
    if fresh && existence == Existence::Required {
        return Err(Error::internal(format!("open {}: the file is missing or empty", path.display()))
            .hint(format!("Restore {} from a backup; Holt never makes an empty one in its place.", kind.name)));
    }
    let attempted = || format!("open {}", path.display());
    if fresh {
        keep_to_ourselves(&path).map_err(|e| Error::io(attempted(), e))?;
    }
    let mut db = connect(&path, kind).map_err(wrap(attempted()))?;
    let found: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(wrap(attempted()))?;
    if fresh && found == 0 {
        (|| {
            // WAL is a property of the file: set once.
            db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
            db.pragma_update(None, "application_id", kind.application_id)
        })()
        .map_err(wrap(attempted()))?;
    } else if found != kind.application_id {
        return Err(Error::internal(format!("{}: this is not a {} of Holt", attempted(), kind.name)).because(Damaged(None)));
    }
    migrate(&mut db, &path, kind)?;
    Ok(db)
}

/// Makes an empty file that nobody else on the machine reads (spec/platform.md §2.1); what SQLite puts beside it later has the same mode.
fn keep_to_ourselves(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Opens `path` if it is there and of this version.
pub(crate) fn open_as_it_is(path: &Path, kind: &Kind) -> Result<Connection> {
    let path = resolve(path, kind, Existence::Required)?;
    let attempted = || format!("look at {}", path.display());
    if !path.is_file() {
        return Err(Error::not_found(format!("{}: there is no such file", attempted())));
    }
    let db = connect(&path, kind).map_err(wrap(attempted()))?;
    if user_version(&db).map_err(wrap(attempted()))? != kind.migrations.len() {
        return Err(Error::busy(format!("{}: another version of Holt has it", attempted())).hint("Use the program that serves it."));
    }
    Ok(db)
}

/// The path with its directory free of symbolic links: `SQLITE_OPEN_NOFOLLOW` refuses a link anywhere in it, and only the file itself is ours to judge.
fn resolve(path: &Path, kind: &Kind, existence: Existence) -> Result<PathBuf> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let parent = parent.canonicalize().map_err(|e| {
        let error = Error::io(format!("open {}", path.display()), e);
        match existence {
            Existence::Required => error.hint(format!("Restore {} from a backup; Holt never makes an empty one in its place.", kind.name)),
            Existence::MayBeNew => error,
        }
    })?;
    Ok(parent.join(path.file_name().unwrap_or_default()))
}

fn connect(path: &Path, kind: &Kind) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let read_write = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let opened = Connection::open_with_flags(path, read_write).and_then(|db| settle(db, kind));
    match opened {
        // A WAL file on a read-only disk has nowhere to put its -shm; what cannot change can be read without (DUR-8).
        Err(error) if cannot_open(&error) && path.is_file() && !wal_of(path).exists() => {
            let uri = format!("file:{}?immutable=1", uri_path(path));
            let read_only = flags | OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            Connection::open_with_flags(uri, read_only).and_then(|db| settle(db, kind)).map_err(|_| error)
        }
        opened => opened,
    }
}

fn cannot_open(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

pub(crate) fn wal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn uri_path(path: &Path) -> String {
    path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

/// What has to be said on every connection.
fn settle(db: Connection, kind: &Kind) -> rusqlite::Result<Connection> {
    db.busy_timeout(Duration::from_secs(5))?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // Plans that do not depend on bound values: without it SQLite compiles a statement again for other values.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let synchronous = match kind.durability {
        Durability::Full => "FULL",
        Durability::Derived => "NORMAL",
    };
    // 256 KiB of cache per connection and 64 MiB of WAL at rest: thousands of wikis are open at a time.
    db.execute_batch(&format!(
        "PRAGMA synchronous={synchronous}; PRAGMA foreign_keys=ON; PRAGMA mmap_size=0; PRAGMA cache_size=-256; PRAGMA journal_size_limit=67108864;"
    ))?;
    db.set_prepared_statement_cache_capacity(24);
    // The first read finds out whether the file can be used at all.
    db.pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0))?;
    Ok(db)
}

fn user_version(db: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Runs the scripts that the file has not seen. What cannot be made again is copied first.
fn migrate(db: &mut Connection, path: &Path, kind: &Kind) -> Result<()> {
    let attempted = || format!("bring {} up to date", path.display());
    let mut version = user_version(db).map_err(wrap(attempted()))?;
    if version > kind.migrations.len() {
        return Err(Error::internal(format!("{}: it was written by a newer version of Holt", attempted()))
            .hint("Upgrade holt to the version that wrote this data directory, or a newer one."));
    }
    if version > 0 && version < kind.migrations.len() && kind.durability == Durability::Full {
        keep_copy(db, path, version)?;
    }
    while version < kind.migrations.len() {
        version = step(db, kind).map_err(wrap(attempted()))?;
    }
    Ok(())
}

/// One script in one transaction; returns the version after it. Another process may have been faster: the version is read again inside.
fn step(db: &mut Connection, kind: &Kind) -> rusqlite::Result<usize> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = user_version(&tx)?;
    let Some(script) = kind.migrations.get(version) else { return Ok(version) };
    tx.execute_batch(script)?;
    tx.pragma_update(None, "user_version", i64::try_from(version + 1).unwrap_or(i64::MAX))?;
    tx.commit()?;
    Ok(version + 1)
}

/// `wiki.db.v3`: the file as it was before version 3 was left.
fn keep_copy(db: &Connection, path: &Path, version: usize) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (copy, unfinished) = (path.with_file_name(format!("{name}.v{version}")), path.with_file_name(format!("{name}.v{version}.tmp")));
    let attempted = format!("copy {} before a migration", path.display());
    if unfinished.exists() {
        std::fs::remove_file(&unfinished).map_err(|e| Error::io(attempted.clone(), e))?;
    }
    db.backup("main", &unfinished, None::<fn(rusqlite::backup::Progress)>).map_err(wrap(attempted.clone()))?;
    let sync = |path: &Path| std::fs::File::open(path).and_then(|f| f.sync_all());
    sync(&unfinished)
        .and_then(|()| std::fs::rename(&unfinished, &copy))
        .and_then(|()| sync(path.parent().unwrap_or(Path::new("."))))
        .map_err(|e| Error::io(attempted, e))
}

/// What SQLite finds wrong with a file, each as a sentence. Reads all of it.
pub(crate) fn problems(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut check = db.prepare("PRAGMA quick_check(20)")?;
    let mut found: Vec<String> = check.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    found.retain(|line| line != "ok");
    Ok(found)
}

/// What SQLite wants done now and then: statistics for its plans, and its log at rest. Cheap where nothing changed; others who are at the file go on.
pub(crate) fn upkeep(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("PRAGMA analysis_limit=400; PRAGMA optimize;")?;
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
