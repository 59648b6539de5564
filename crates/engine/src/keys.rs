//! Keys of the installation that are files of their own, so that whoever runs it sees them, keeps them and can replace them.

use crate::engine::{Engine, make_dir, sync_directory};
use holt_core::{Error, Result};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Where they are in the data directory.
const DIRECTORY: &str = "keys";

impl Engine {
    /// The key `name`, a file that its owner alone can read; what `make` gives, on first use. `Denied` if others can read it.
    pub fn key(&self, name: &'static str, make: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
        let dir = self.data().join(DIRECTORY);
        let path = dir.join(name);
        let failed = |e| Error::io(format!("read {}", path.display()), e);
        match std::fs::metadata(&path) {
            Ok(found) if found.permissions().mode() & 0o077 != 0 => {
                Err(Error::denied(format!("others can read the key {}", path.display()))
                    .hint(format!("If nobody did: chmod 600 {}. Else delete it; a new one is made.", path.display())))
            }
            Ok(_) => std::fs::read(&path).map_err(failed),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let made = make()?;
                keep(&dir, &path, &made).map_err(|e| Error::io(format!("write {}", path.display()), e))?;
                sync_directory(&dir)?;
                sync_directory(self.data())?;
                Ok(made)
            }
            Err(error) => Err(failed(error)),
        }
    }
}

/// As a whole or not at all: the data directory is ours alone, so nobody else writes the same.
fn keep(dir: &Path, path: &Path, key: &[u8]) -> std::io::Result<()> {
    make_dir(dir)?;
    let unfinished = path.with_extension("tmp");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(key)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, EngineOptions};

    #[test]
    fn a_key_is_made_once_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Engine::open(EngineOptions::new(dir.path(), Clock::fixed(0))).unwrap();
        let engine = open();
        assert_eq!(engine.key("k.pk8", || Ok(b"one".to_vec())).unwrap(), b"one");
        assert_eq!(engine.key("k.pk8", || Ok(b"two".to_vec())).unwrap(), b"one");
        drop(engine);
        let path = dir.path().join("keys/k.pk8");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(open().key("k.pk8", || Ok(b"two".to_vec())).unwrap(), b"one");
        // What a crash left half there is no key.
        std::fs::write(dir.path().join("keys/l.tmp"), "half").unwrap();
        assert_eq!(open().key("l.pk8", || Ok(b"whole".to_vec())).unwrap(), b"whole");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = open().key("k.pk8", || Ok(b"two".to_vec())).unwrap_err();
        assert!(refused.message.contains("others can read") && refused.hint.unwrap().contains("chmod 600"));
    }
}
