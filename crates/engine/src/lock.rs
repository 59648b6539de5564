//! One process per data directory (security.md DUR-11): an advisory lock, taken before anything is opened, that names its holder.

use holt_core::{Error, Result};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

/// How long a holder is given to end: a server that was just told to stop, or a child that it had forked and that has not become another
/// program yet, which holds the lock for a moment as well.
const PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(10);

/// Held while the process owns the data directory. The kernel releases it with the process, however that ends.
pub(crate) struct DataLock(#[expect(dead_code, reason = "dropping the file releases the lock")] File);

impl DataLock {
    /// Takes the lock, or says who has it and does not end.
    pub(crate) fn take(data: &Path) -> Result<Self> {
        let path = data.join("lock");
        let open = || File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = match open() {
            Ok(file) => file,
            // A read-only disk can still be served from: nobody can write to it, so nobody needs to be kept out.
            Err(error) if error.kind() == std::io::ErrorKind::ReadOnlyFilesystem => {
                File::open(&path).map_err(|_| Error::io("open the lock file", error))?
            }
            Err(error) => return Err(Error::io(format!("open {}", path.display()), error)),
        };
        let mut waited = Duration::ZERO;
        while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            if waited < PATIENCE {
                std::thread::sleep(PAUSE);
                waited += PAUSE;
                continue;
            }
            let mut holder = String::new();
            // Best effort: the name of the holder is a courtesy.
            let _ = file.read_to_string(&mut holder);
            return Err(Error::busy(format!("the data directory {} is in use by process {}", data.display(), holder.trim()))
                .hint("Stop that process first, or give another directory with --data."));
        }
        // Best effort, as above.
        let _ = file.rewind().and_then(|()| file.set_len(0)).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self(file))
    }
}
