//! A body that is too large for memory, on its way into a repository: a file in the data directory that has no name, so that nothing is left of
//! it whatever happens.

use holt_core::{Error, Result};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// What came in.
#[derive(Debug)]
pub struct Spool {
    file: Mutex<File>,
    length: u64,
}

impl Spool {
    /// An empty one in `directory`. `id` is of our own making and unique.
    pub fn new(directory: &Path, id: &str) -> Result<Self> {
        let path = directory.join(format!("upload-{id}"));
        let made = File::options().read(true).write(true).create_new(true).open(&path);
        let file = made.and_then(|file| std::fs::remove_file(&path).map(|()| file)).map_err(|e| Error::io("keep an upload", e))?;
        Ok(Self { file: Mutex::new(file), length: 0 })
    }
    /// Adds to its end.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        file.write_all(bytes).map_err(|e| Error::io("keep an upload", e))?;
        self.length += bytes.len() as u64;
        Ok(())
    }
    /// In bytes.
    pub fn length(&self) -> u64 {
        self.length
    }
    /// The file itself, at its beginning or not.
    pub fn into_file(self) -> File {
        self.file.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
    /// Reads it from its beginning.
    pub fn read<T>(&self, read: impl FnOnce(&mut dyn Read) -> T) -> Result<T> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(0)).map_err(|e| Error::io("read an upload", e))?;
        Ok(read(&mut *file))
    }
}
