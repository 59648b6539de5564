//! One process per data directory (security.md DUR-11): an advisory lock, taken before anything is opened, that names its holder. Workers may have
//! processes of their own beside it: what only one of all may do at a time has locks that hold between processes, too.

use crate::repo::Leftovers;
use holt_core::{Error, Result};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
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

/// The file that stands for those who work beside the owner of a data directory.
const COMPANY: &str = "company";

/// Which processes are at a data directory: its owner, and those who work beside it.
pub(crate) enum Company {
    /// This one owns it.
    Owner(PathBuf),
    /// This one works beside the owner, if there is one.
    Beside(File),
}

impl Company {
    pub(crate) fn of_owner(data: &Path) -> Self {
        Self::Owner(data.join(COMPANY))
    }
    pub(crate) fn join(data: &Path) -> Result<Self> {
        let path = data.join(COMPANY);
        let attempted = || format!("work beside the owner of {}", data.display());
        let file = File::options().read(true).append(true).create(true).open(&path).map_err(|e| Error::io(attempted(), e))?;
        flock(&file, FlockOperation::LockShared).map_err(|e| Error::io(attempted(), e.into()))?;
        Ok(Self::Beside(file))
    }
    /// Notes that something was published by this process: a byte more. The owner looks how many there are.
    pub(crate) fn published(&self) {
        if let Self::Beside(file) = self {
            // Best effort: the owner may read what was, until it reads it anew.
            let _ = (&mut &*file).write_all(b".");
        }
    }
    /// How often others published something; none where they are not asked.
    pub(crate) fn heard(&self) -> Option<u64> {
        match self {
            Self::Owner(path) => Some(std::fs::metadata(path).map_or(0, |about| about.len())),
            Self::Beside(_) => None,
        }
    }
    /// Whose what looks half-written may be.
    pub(crate) fn leftovers(&self) -> Leftovers {
        let Self::Owner(path) = self else { return Leftovers::NotOurs };
        match File::open(path) {
            Ok(file) if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() => Leftovers::OldDead,
            _ => Leftovers::AllDead,
        }
    }
}

/// What threads of this process and of others take turns at, by the name of a directory: nothing is written to it, and the kernel gives the turn
/// back with the process, however that ends.
pub(crate) struct Turns {
    here: Mutex<()>,
    directory: PathBuf,
}

/// It is this thread's turn until this is dropped.
pub(crate) struct Held<'a> {
    /// Given back before the turn among our own threads, so that the next of them finds it free.
    _elsewhere: Option<File>,
    _here: MutexGuard<'a, ()>,
}

impl Turns {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { here: Mutex::default(), directory }
    }
    /// Waits for a turn. Where the directory cannot be opened there is nothing to change, and what is tried says so itself.
    pub(crate) fn take(&self) -> Held<'_> {
        let here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        let elsewhere = File::open(&self.directory).ok().filter(|directory| {
            // Interrupted by a signal: asked again. File systems that know no locks serve one process.
            loop {
                match flock(directory, FlockOperation::LockExclusive) {
                    Err(rustix::io::Errno::INTR) => {}
                    taken => return taken.is_ok(),
                }
            }
        });
        Held { _elsewhere: elsewhere, _here: here }
    }
}

/// What became of an attempt to take a [`Post`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// This process has it now. The line that its last holder had noted, if that one died.
    Now(String),
    /// This process had it already.
    Ours,
    /// Another process has it.
    Theirs,
}

/// A task that one process of all that share a data directory has: the file names it, the lock on it is the right to do it.
#[derive(Debug)]
pub struct Post {
    held: Mutex<Option<Filled>>,
    path: PathBuf,
}

#[derive(Debug)]
struct Filled {
    file: File,
    /// What its holder is at, and what keeps it from beginning more.
    lines: [String; 2],
}

/// How it stands with a [`Post`] that a process has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The process.
    pub process: u32,
    /// What it is at, as it noted it; empty: nothing.
    pub at: String,
    /// What keeps it from beginning more; empty: nothing.
    pub waits: String,
}

impl Post {
    /// The post that the file at `path` stands for; it is made if it is missing.
    pub fn new(path: PathBuf) -> Self {
        Self { held: Mutex::default(), path }
    }
    fn held(&self) -> MutexGuard<'_, Option<Filled>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Takes the post if nobody has it.
    pub fn take(&self) -> Result<Taken> {
        let mut held = self.held();
        if held.is_some() {
            return Ok(Taken::Ours);
        }
        let failed = |e| Error::io(format!("open {}", self.path.display()), e);
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&self.path).map_err(failed)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(Taken::Theirs);
        }
        let mut left = String::new();
        // Best effort: what is not readable says nothing.
        let _ = file.read_to_string(&mut left);
        *held = Some(Filled { file, lines: Default::default() });
        drop(held);
        self.note("");
        Ok(Taken::Now(left.lines().nth(1).unwrap_or_default().to_string()))
    }
    /// Leaves a line for whoever has the post next, should this process die. Of a process that dies it is there, of a machine that does perhaps not.
    pub fn note(&self, line: &str) {
        self.put(0, line);
    }
    /// Says what keeps whoever has the post from beginning more; an empty text: nothing.
    pub fn waits(&self, why: &str) {
        self.put(1, why);
    }
    fn put(&self, number: usize, line: &str) {
        if let Some(Filled { file, lines }) = self.held().as_mut() {
            lines[number] = line.to_string();
            let text = format!("{}\n{}\n", std::process::id(), lines.join("\n"));
            // Best effort: the number says whom to speak to, the lines what they are at. It is never empty, whoever reads meanwhile.
            let _ = file.rewind().and_then(|()| file.write_all(text.as_bytes())).and_then(|()| file.set_len(text.len() as u64));
        }
    }
    /// Gives it back. Nothing happens if another has it.
    pub fn leave(&self) {
        *self.held() = None;
    }
    /// Whether this process has it.
    pub fn is_ours(&self) -> bool {
        self.held().is_some()
    }
    /// The process that has it, if one has.
    pub fn holder(&self) -> Option<u32> {
        self.standing().map(|standing| standing.process)
    }
    /// The same, with what that process said.
    pub fn standing(&self) -> Option<Standing> {
        if let Some(Filled { lines: [at, waits], .. }) = self.held().as_ref() {
            return Some(Standing { process: std::process::id(), at: at.clone(), waits: waits.clone() });
        }
        let mut file = File::open(&self.path).ok()?;
        if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
            return None;
        }
        let mut said = String::new();
        file.read_to_string(&mut said).ok()?;
        let mut lines = said.lines();
        let process = lines.next()?.parse().ok()?;
        let mut next = || lines.next().unwrap_or_default().to_string();
        Some(Standing { process, at: next(), waits: next() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_one_holders_and_free_when_it_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("embed.lock");
        let (mine, theirs) = (Post::new(path.clone()), Post::new(path));
        assert_eq!(theirs.holder(), None);
        assert_eq!(mine.take().unwrap(), Taken::Now(String::new()));
        assert_eq!((mine.take().unwrap(), theirs.take().unwrap()), (Taken::Ours, Taken::Theirs));
        assert_eq!(theirs.holder(), Some(std::process::id()));
        mine.note("7 8 and more");
        mine.waits("for memory");
        mine.note("7 8");
        theirs.note("9");
        let standing = Standing { process: std::process::id(), at: "7 8".into(), waits: "for memory".into() };
        assert_eq!((mine.standing(), theirs.standing()), (Some(standing.clone()), Some(standing)));
        mine.leave();
        assert_eq!(mine.holder(), None);
        assert_eq!(theirs.take().unwrap(), Taken::Now("7 8".into()), "as if the other had died");
        assert!(theirs.is_ours() && !mine.is_ours());
    }
}
