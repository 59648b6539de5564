//! How much room a repository takes.

use super::Repo;
use holt_core::{Error, Result};

/// What lies on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    /// All files together.
    pub bytes: u64,
    /// Packs of objects.
    pub packs: usize,
}

impl Repo {
    /// Looks at every file. What goes while it is looked at, as packs do that are merged, does not count.
    pub fn weight(&self) -> Result<Weight> {
        let mut weight = Weight::default();
        let mut directories = vec![self.dir.clone()];
        while let Some(directory) = directories.pop() {
            let entries = match std::fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io(format!("list {}", directory.display()), error)),
            };
            for entry in entries.flatten() {
                let Ok(data) = entry.metadata() else { continue };
                if data.is_dir() {
                    directories.push(entry.path());
                } else {
                    weight.bytes += data.len();
                    weight.packs += usize::from(entry.path().extension().is_some_and(|end| end == "pack"));
                }
            }
        }
        Ok(weight)
    }
}
