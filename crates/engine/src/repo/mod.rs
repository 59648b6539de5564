//! Git: the only code that names the git library or runs the git command. What goes in and out are ids, paths and bytes of ours.
//!
//! A bare repository per wiki, never a work tree (security.md GIT-3). Reading is gix; a save is our own small pack and ref update, so that
//! the order of syncs is ours; bulk work (import, long logs, fsck, what clients fetch and push) is the git command with an empty environment.

pub mod blame;
mod bundle;
mod child;
mod command;
mod commit;
pub mod diff;
mod durable;
mod fold;
mod import;
mod incoming;
mod log;
pub mod merge;
mod new_trees;
mod pack;
mod pack_scan;
mod read;
mod recent;
mod upload_pack;
pub mod visual_diff;
mod weight;

pub use child::GitStop;
pub use commit::{CommitMeta, CommitOutcome};
pub use fold::Folded;
pub use import::{Imported, import_from};
pub use incoming::{Incoming, NewCommit};
pub use log::{LogEntry, TreeChange};
pub use new_trees::TreeLimits;
pub use pack_scan::{PackLimits, PackRoom};
pub use read::{FileMode, Listing, TreeFile};
pub use upload_pack::Protocol;
pub use weight::Weight;

use holt_core::{Error, Result, RevisionId};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The id of a file's content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId([u8; 20]);

impl BlobId {
    /// From the bytes the index stores.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }
    /// The bytes, for the index.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
    fn object_id(self) -> gix::ObjectId {
        gix::ObjectId::from(self.0)
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}
impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl Default for BlobId {
    /// The id of nothing.
    fn default() -> Self {
        Self([0; 20])
    }
}

/// One bare repository, open. Cheap to share; every use takes a thread-local view.
pub struct Repo {
    dir: PathBuf,
    branch: String,
    inner: gix::ThreadSafeRepository,
    recent: recent::Recent,
}

impl Repo {
    /// Makes an empty repository whose branch is `main`; durable when it returns.
    pub fn create(dir: &Path) -> Result<Self> {
        let fail = |e| Error::io(format!("create {}", dir.display()), e);
        for sub in ["objects/pack", "objects/info", "refs/heads", "refs/tags"] {
            std::fs::create_dir_all(dir.join(sub)).map_err(fail)?;
        }
        std::fs::write(dir.join("HEAD"), "ref: refs/heads/main\n").map_err(fail)?;
        std::fs::write(dir.join("config"), CONFIG).map_err(fail)?;
        durable::sync_tree(dir)?;
        if let Some(parent) = dir.parent() {
            durable::sync_directory(parent)?;
        }
        Self::open(dir)
    }
    /// Opens a repository without looking at any configuration but its own, and removes what a crash left half-written. The caller owns the
    /// data directory and is alone with it, so no lock in it can be anybody's.
    pub fn open(dir: &Path) -> Result<Self> {
        Self::open_with(dir, Leftovers::AllDead)
    }
    /// The same, where others may be at it.
    pub fn open_with(dir: &Path, leftovers: Leftovers) -> Result<Self> {
        refuse_sharing(dir)?;
        match leftovers {
            Leftovers::AllDead => remove_leftovers(dir, Duration::ZERO, Duration::ZERO)?,
            Leftovers::OldDead => remove_leftovers(dir, DEAD_LOCK, DEAD_PUSH)?,
            Leftovers::NotOurs => {}
        }
        // One slot per pack that appears while the repository is open; folding keeps them few, but a burst of saves comes first.
        let slots = gix::odb::store::init::Slots::AsNeededByDiskState { multiplier: 1.5, minimum: 1024 };
        let options = gix::open::Options::isolated().open_path_as_is(true).object_store_slots(slots);
        let inner =
            gix::ThreadSafeRepository::open_opts(dir, options).map_err(|e| fault(format!("open the repository {}", dir.display()), e))?;
        Ok(Self { dir: dir.to_path_buf(), branch: branch_of(dir)?, inner, recent: recent::Recent::default() })
    }
    /// The branch that is the wiki.
    pub fn branch(&self) -> &str {
        &self.branch
    }
    /// The commit the branch stands at; none before the first.
    pub fn head(&self) -> Result<Option<RevisionId>> {
        head_of(&self.dir, &self.branch)
    }
    /// For reading.
    fn view(&self) -> gix::Repository {
        let mut view = self.inner.to_thread_local();
        if let Some(objects) = self.recent.objects() {
            view.objects.set_object_memory(objects);
        }
        view
    }
    /// Has git note how commits hang together.
    pub fn write_commit_graph(&self) -> Result<()> {
        command::write_commit_graph(&self.dir)
    }
    /// What git itself says is wrong, a line each.
    pub fn fsck(&self) -> Result<Vec<String>> {
        command::fsck(&self.dir)
    }
}

/// The commit that a wiki stands at, for whoever does not own its data directory: nothing is opened, nothing changed.
pub fn look_at_head(dir: &Path) -> Result<Option<RevisionId>> {
    head_of(dir, &branch_of(dir)?)
}

fn branch_of(dir: &Path) -> Result<String> {
    let head = std::fs::read_to_string(dir.join("HEAD")).map_err(|e| Error::io("read HEAD", e))?;
    let branch = head.trim().strip_prefix("ref: refs/heads/").ok_or_else(|| Error::internal("HEAD of the repository names no branch"))?;
    if branch.is_empty() || branch.contains("..") || branch.starts_with('-') || branch.chars().any(char::is_control) {
        return Err(Error::internal("HEAD of the repository names an impossible branch"));
    }
    Ok(branch.to_string())
}

fn head_of(dir: &Path, branch: &str) -> Result<Option<RevisionId>> {
    match std::fs::read_to_string(dir.join("refs/heads").join(branch)) {
        Ok(text) => RevisionId::parse(text.trim()).map(Some).map_err(|e| Error::internal("the branch names no commit").because(e)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => packed_head(dir, branch),
        Err(error) => Err(Error::io("read the branch", error)),
    }
}

fn packed_head(dir: &Path, branch: &str) -> Result<Option<RevisionId>> {
    let text = match std::fs::read_to_string(dir.join("packed-refs")) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read packed-refs", error)),
    };
    let name = format!("refs/heads/{branch}");
    let found = text.lines().filter_map(|line| line.split_once(' ')).find(|(_, reference)| *reference == name);
    found.map(|(id, _)| RevisionId::parse(id)).transpose()
}

const CONFIG: &str =
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[gc]\n\tauto = 0\n[receive]\n\tautogc = false\n";

/// Where the refs of proposals are: no branch, so that neither a clone nor `catch_up` sees them, and git keeps what they refer to.
const PROPOSALS: &str = "refs/holt/proposals";

/// Where the tips are kept that the branch left when its history was replaced: as hidden, and as safe.
const REPLACED: &str = "refs/holt/replaced";

/// GIT-13: a repository that shares objects with another one is not ours.
fn refuse_sharing(dir: &Path) -> Result<()> {
    for name in ["objects/info/alternates", "objects/info/http-alternates", "commondir", "worktrees", "modules"] {
        if dir.join(name).symlink_metadata().is_ok() {
            return Err(Error::internal(format!("the repository has {name}, which Holt never makes"))
                .hint("Somebody changed the repository by hand: look into it before removing the file."));
        }
    }
    Ok(())
}

/// Whose what looks half-written may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftovers {
    /// Of processes that died: nobody else is at the repository.
    AllDead,
    /// Perhaps of another process that works: only what is old is a dead one's.
    OldDead,
    /// Whoever owns the data directory looks after it.
    NotOurs,
}

/// Moving a branch takes milliseconds, receiving a push may take long.
const DEAD_LOCK: Duration = Duration::from_secs(60);
const DEAD_PUSH: Duration = Duration::from_secs(3600);

/// Locks of a process that died, packs it had not named yet, and pushes it had not taken in, which nobody touched for these times.
fn remove_leftovers(dir: &Path, lock: Duration, push: Duration) -> Result<()> {
    let is_old = |path: &Path, age: Duration| {
        let changed = std::fs::symlink_metadata(path).and_then(|found| found.modified()).ok();
        age.is_zero() || changed.and_then(|at| at.elapsed().ok()).is_some_and(|since| since >= age)
    };
    let incoming = dir.join(incoming::INCOMING);
    if is_old(&incoming, push) {
        match std::fs::remove_dir_all(incoming) {
            // On a read-only disk they stay; nothing reads them.
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => tracing::debug!("leftovers of a push stay: {error}"),
            _ => {}
        }
    }
    let pack = dir.join("objects/pack");
    let heads = dir.join("refs/heads");
    let (proposals, replaced) = (dir.join(PROPOSALS), dir.join(REPLACED));
    for (place, ours, age) in [(&pack, "tmp_", push), (&heads, "", lock), (&proposals, "", lock), (&replaced, "", lock)] {
        let entries = match std::fs::read_dir(place) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io(format!("read {}", place.display()), error)),
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let leftover = if ours.is_empty() { name.ends_with(".lock") } else { name.starts_with(ours) };
            if leftover && is_old(&entry.path(), age) {
                // On a read-only disk they stay; nothing reads them.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
    Ok(())
}

/// Wraps an error of the library with what was attempted.
fn fault(attempted: impl Into<String>, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal(attempted).because(cause)
}

fn object_id(revision: RevisionId) -> gix::ObjectId {
    gix::ObjectId::from(*revision.as_bytes())
}

fn bytes20(id: &gix::oid) -> [u8; 20] {
    id.as_bytes().try_into().expect("repositories are SHA-1: opened with the sha1 feature alone")
}
