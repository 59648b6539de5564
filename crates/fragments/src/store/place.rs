//! Where the files of published wikis are: memory, a folder, or what was fetched from far away.

use super::fetched::Fetched;
use crate::fragment::Fragment;
use crate::frame::Frame;
use bytes::Bytes;
use holt_core::{Error, Result};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// How files being written are called until they are whole.
const TEMPORARY: &str = "tmp-";

pub(super) enum Place {
    Memory(Mutex<BTreeMap<String, Bytes>>),
    /// A folder that this process alone writes, and a number for its next temporary file.
    Folder(PathBuf, AtomicU64),
    /// A folder that another process writes: what can change is read anew each time.
    Foreign(PathBuf),
    /// A store on another machine, as far as it was fetched.
    Fetched(Fetched),
}

/// Whether a name may get another content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replaced {
    /// The name is made from the content.
    Never,
    /// Readers see the old content or the new one.
    AtOnce,
}

impl Place {
    pub(super) fn exists(&self, path: &str) -> bool {
        match self {
            Self::Memory(files) => files.lock().unwrap_or_else(PoisonError::into_inner).contains_key(path),
            // A file of another length was torn by a crash: it is written again. Reading checks the rest.
            Self::Folder(dir, _) | Self::Foreign(dir) => std::fs::read(dir.join(path)).is_ok_and(|bytes| whole(&bytes.into())),
            Self::Fetched(_) => false,
        }
    }
    pub(super) fn read(&self, path: &str) -> Result<Option<Bytes>> {
        match self {
            Self::Memory(files) => Ok(files.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()),
            Self::Folder(dir, _) | Self::Foreign(dir) => match std::fs::read(dir.join(path)) {
                Ok(bytes) => Ok(Some(bytes.into())),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Error::io("read a published file", error)),
            },
            Self::Fetched(fetched) => fetched.read(path),
        }
    }
    pub(super) fn write(&self, path: &str, bytes: &[u8], replaced: Replaced) -> Result<()> {
        let (dir, numbers) = match self {
            Self::Memory(files) => {
                files.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_string(), Bytes::copy_from_slice(bytes));
                return Ok(());
            }
            Self::Folder(dir, numbers) => (dir, numbers),
            Self::Foreign(_) | Self::Fetched(_) => return Err(foreign()),
        };
        let target = dir.join(path);
        // Beside the target: two threads that rename out of one directory wait for each other.
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let temporary = target.with_file_name(format!("{TEMPORARY}{}-{number}", std::process::id()));
        let place = || match replaced {
            // Nobody knows its name yet; what a crash tears is noticed by its checksums and written again.
            Replaced::Never => std::fs::write(&target, bytes),
            Replaced::AtOnce => {
                std::fs::write(&temporary, bytes)?;
                std::fs::rename(&temporary, &target)
            }
        };
        let placed = match place() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                target.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| place())
            }
            other => other,
        };
        placed.map_err(|error| {
            let _ = std::fs::remove_file(if replaced == Replaced::Never { &target } else { &temporary });
            Error::io("publish a file", error)
        })
    }
    /// Adds to a file, or begins it. How long it is then.
    pub(super) fn append(&self, path: &str, text: &str) -> Result<usize> {
        let dir = match self {
            Self::Memory(files) => {
                let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
                let whole = [files.get(path).map_or(&[][..], |bytes| bytes), text.as_bytes()].concat();
                let length = whole.len();
                files.insert(path.to_string(), whole.into());
                return Ok(length);
            }
            Self::Folder(dir, _) => dir,
            Self::Foreign(_) | Self::Fetched(_) => return Err(foreign()),
        };
        let added = std::fs::File::options().create(true).append(true).open(dir.join(path)).and_then(|mut file| {
            // In one piece: another process may read meanwhile.
            file.write_all(text.as_bytes())?;
            file.metadata()
        });
        added.map(|about| usize::try_from(about.len()).unwrap_or(usize::MAX)).map_err(|e| Error::io("note what was published", e))
    }
    pub(super) fn delete(&self, path: &str) -> Result<()> {
        match self {
            Self::Memory(files) => {
                files.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
                Ok(())
            }
            Self::Foreign(_) | Self::Fetched(_) => Err(foreign()),
            Self::Folder(dir, _) => match std::fs::remove_file(dir.join(path)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("take a published file off", error)),
                _ => Ok(()),
            },
        }
    }
    pub(super) fn delete_tree(&self, prefix: &str) -> Result<()> {
        match self {
            Self::Memory(files) => {
                files.lock().unwrap_or_else(PoisonError::into_inner).retain(|path, _| !path.starts_with(prefix));
                Ok(())
            }
            Self::Foreign(_) | Self::Fetched(_) => Err(foreign()),
            Self::Folder(dir, _) => match std::fs::remove_dir_all(dir.join(prefix)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("take a published wiki off", error)),
                _ => Ok(()),
            },
        }
    }
    /// Every file below `prefix`, which has one level of directories.
    pub(super) fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let dir = match self {
            Self::Memory(files) => {
                let files = files.lock().unwrap_or_else(PoisonError::into_inner);
                return Ok(files.keys().filter(|path| path.starts_with(prefix)).cloned().collect());
            }
            Self::Folder(dir, _) | Self::Foreign(dir) => dir,
            Self::Fetched(_) => return Err(foreign()),
        };
        let mut paths = Vec::new();
        for fan in names(&dir.join(prefix))? {
            let files = names(&dir.join(prefix).join(&fan))?;
            paths.extend(files.into_iter().filter(|name| !name.starts_with(TEMPORARY)).map(|name| format!("{prefix}/{fan}/{name}")));
        }
        Ok(paths)
    }
    /// Removes what a crash left of manifests being written.
    pub(super) fn remove_strays(&self, prefix: &str, older_than: SystemTime) -> Result<()> {
        let Self::Folder(dir, _) = self else { return Ok(()) };
        for fan in names(&dir.join(prefix))? {
            for name in names(&dir.join(prefix).join(&fan))?.into_iter().filter(|name| name.starts_with(TEMPORARY)) {
                let path = format!("{prefix}/{fan}/{name}");
                if self.written_before(&path, older_than) {
                    self.delete(&path)?;
                }
            }
        }
        Ok(())
    }
    pub(super) fn written_before(&self, path: &str, when: SystemTime) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Folder(dir, _) | Self::Foreign(dir) => {
                dir.join(path).metadata().and_then(|m| m.modified()).is_ok_and(|written| written < when)
            }
            Self::Fetched(_) => false,
        }
    }
}

fn foreign() -> Error {
    Error::internal("write to a store that belongs to another process")
}

fn whole(bytes: &Bytes) -> bool {
    Fragment::from_bytes(bytes).is_ok() || Frame::from_bytes(bytes).is_ok()
}

fn names(dir: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list published files", error)),
    };
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}
