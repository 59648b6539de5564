//! Making files and names durable, in the order that security.md §3 measured: contents, directories, then the ref.

use holt_core::{Error, Result};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Writes a new file. Not durable until [`sync_all`].
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<File> {
    let create = || -> std::io::Result<File> {
        let mut file = File::options().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        Ok(file)
    };
    create().map_err(|e| Error::io(format!("write {}", path.display()), e))
}

/// Syncs several files at once: on a journalling file system they share one commit of the journal. A failure is not retried (DUR-12).
pub(super) fn sync_all(files: &[&File]) -> Result<()> {
    let Some((first, rest)) = files.split_first() else { return Ok(()) };
    std::thread::scope(|threads| {
        let others: Vec<_> = rest.iter().map(|file| threads.spawn(|| file.sync_all())).collect();
        let mut result = first.sync_all();
        for other in others {
            let other = other.join().unwrap_or_else(|_| Err(std::io::Error::other("a sync thread died")));
            result = result.and(other);
        }
        result
    })
    .map_err(|e| Error::io("sync a file", e))
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(|e| Error::io(format!("sync {}", dir.display()), e))
}

/// Syncs every file and directory below `dir`, for what git itself wrote.
pub(super) fn sync_tree(dir: &Path) -> Result<()> {
    let read = |e| Error::io(format!("read {}", dir.display()), e);
    for entry in std::fs::read_dir(dir).map_err(read)? {
        let entry = entry.map_err(read)?;
        let kind = entry.file_type().map_err(read)?;
        if kind.is_dir() {
            sync_tree(&entry.path())?;
        } else if kind.is_file() {
            File::open(entry.path()).and_then(|f| f.sync_all()).map_err(|e| Error::io(format!("sync {}", entry.path().display()), e))?;
        }
    }
    sync_directory(dir)
}
