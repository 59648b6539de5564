//! What somebody pushed, before it is part of the wiki: a repository of its own below `incoming/`, which sees the objects of the wiki's and is
//! seen by nobody. What is not taken in goes with it (security.md GIT-5).
//!
//! | step | what | a crash after it |
//! |---|---|---|
//! | 1 | the pack is looked at and unpacked by `git index-pack`, which checks every object | the directory is removed at the next start |
//! | 2 | trees, rights and base are checked by whoever has it | the same |
//! | 3 | lock the ref, compare it with the base | the lock is removed, too |
//! | 4 | sync the pack and name it in the repository; sync that directory | objects that nothing refers to |
//! | 5 | write and sync the new value of the ref, rename it: **the push** | it stands, or is gone after a power cut: not acknowledged |
//! | 6 | sync the ref's directory; answer | durable |

use super::child::{GitStop, Running};
use super::commit::RefLock;
use super::durable::{sync_all, sync_directory};
use super::fold::places;
use super::pack_scan::{PackLimits, PackScan};
use super::{CONFIG, CommitOutcome, Repo, command, fault, object_id};
use crate::failpoint;
use holt_core::{Error, Result, RevisionId};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where it is, in the directory of the repository.
pub(super) const INCOMING: &str = "incoming";
/// Bytes of a pack that are looked at together.
const PIECE: usize = 64 * 1024;

/// Objects on their way in. Dropping it removes them.
pub struct Incoming {
    pub(super) repo: Repo,
    bytes: u64,
}

/// A commit that a push brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommit {
    /// The commit.
    pub id: RevisionId,
    /// What it stands on.
    pub parents: Vec<RevisionId>,
}

impl Repo {
    /// Takes in a pack, up to its end, without making it part of the repository. `TooLarge` above `limits`, `Invalid` for one that is damaged or
    /// holds what git would not check out.
    pub fn receive(&self, pack: &mut dyn Read, limits: PackLimits, stop: &GitStop) -> Result<Incoming> {
        let mut incoming = Incoming::new(self)?;
        let mut git = command::git(&incoming.repo.dir);
        let settings = ["core.deltaBaseCacheLimit=16m", "pack.writeReverseIndex=false", "transfer.advertiseSID=false"];
        for setting in settings {
            git.args(["-c", setting]);
        }
        git.args(["index-pack", "--stdin", "--fix-thin", "--strict", "--threads=1"]);
        git.arg(format!("--max-input-size={}", limits.bytes)).stdin(Stdio::piped());
        let mut running = Running::start(&mut git, stop, "run git index-pack")?;
        let mut scan = PackScan::new(limits);
        let mut piece = vec![0; PIECE];
        let mut listens = true;
        loop {
            let length = match pack.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::io("read a push", error)),
            };
            // Before git sees it.
            scan.push(&piece[..length])?;
            listens = listens && running.tell(&piece[..length])?;
        }
        scan.end()?;
        incoming.bytes = scan.bytes();
        running.all_told();
        running.hear(&mut |_| Ok(()))?;
        let (status, said) = running.finish()?;
        if !status.success() {
            return Err(refused(&said));
        }
        failpoint::hit("push.received")?;
        Ok(incoming)
    }
    /// What there is already, to look at it as if it had been pushed.
    pub fn receive_nothing(&self) -> Result<Incoming> {
        Incoming::new(self)
    }
    /// Keeps `tip` and its history from being collected when the branch leaves it, under a name that no client sees. Durable when this returns.
    pub fn keep_replaced(&self, tip: RevisionId) -> Result<()> {
        let reference = self.dir.join(super::REPLACED).join(tip.to_string());
        let Some(lock) = RefLock::take(&reference)? else {
            return Err(Error::busy("another git process holds the ref").hint("Try again in a moment."));
        };
        lock.write(&tip)?;
        sync_all(&[lock.file()])?;
        lock.rename(&reference)?;
        // The directories may be as new as the ref in them.
        reference.ancestors().skip(1).take(3).try_for_each(sync_directory)?;
        failpoint::hit("push.tip-kept")
    }
    /// Makes `new`, which `incoming` holds and which was found to be in order, the branch. Durable when this returns.
    pub fn adopt(&self, base: Option<RevisionId>, new: RevisionId, incoming: &Incoming) -> Result<CommitOutcome> {
        let reference = self.dir.join("refs/heads").join(&self.branch);
        let directory = reference.parent().ok_or_else(|| Error::internal("the ref has no directory"))?;
        let Some(lock) = RefLock::take(&reference)? else {
            return Err(Error::busy("another git process holds the branch").hint("Try again in a moment."));
        };
        let current = self.head()?;
        if current != base {
            return Ok(CommitOutcome::Lost { current });
        }
        incoming.settle(&self.dir.join("objects/pack"))?;
        failpoint::hit("push.packs-named")?;
        lock.write(&new)?;
        sync_all(&[lock.file()])?;
        failpoint::hit("repo.before-ref")?;
        lock.rename(&reference)?;
        failpoint::hit("repo.ref-renamed")?;
        sync_directory(directory)?;
        Ok(CommitOutcome::Won(new))
    }
}

impl Incoming {
    fn new(home: &Repo) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let dir = home.dir.join(INCOMING).join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
        let fail = |e| Error::io("make room for a push", e);
        let made = || -> Result<gix::ThreadSafeRepository> {
            for sub in ["objects/pack", "objects/info", "refs/heads"] {
                std::fs::create_dir_all(dir.join(sub)).map_err(fail)?;
            }
            std::fs::write(dir.join("HEAD"), "ref: refs/heads/main\n").map_err(fail)?;
            std::fs::write(dir.join("config"), CONFIG).map_err(fail)?;
            // From `objects` of this one.
            std::fs::write(dir.join("objects/info/alternates"), "../../../objects\n").map_err(fail)?;
            let options = gix::open::Options::isolated().open_path_as_is(true);
            gix::ThreadSafeRepository::open_opts(&dir, options).map_err(|e| fault("open what is pushed", e))
        };
        match made() {
            Ok(inner) => {
                let branch = home.branch.clone();
                let recent = Default::default();
                Ok(Self { repo: Repo { dir, branch, inner, recent }, bytes: 0 })
            }
            Err(error) => {
                let _ = std::fs::remove_dir_all(&dir);
                Err(error)
            }
        }
    }
    /// For reading: it holds what the wiki holds and what was pushed.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }
    /// Bytes of the pack, as it was sent.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
    /// Whether there is content of files in it that `home` does not have, not only commits and folders. Of files that were moved git clients
    /// may send the content again (`pack.useSparse`).
    pub fn brings_files(&self, home: &Repo) -> Result<bool> {
        let (repo, known, packs) = (self.repo.view(), home.view(), self.repo.dir.join("objects/pack"));
        let entries = std::fs::read_dir(&packs).map_err(|e| Error::io("list what was pushed", e))?;
        for stem in entries.flatten().map(|entry| entry.path()).filter(|file| file.extension().is_some_and(|end| end == "idx")) {
            for (_, id) in places(&stem.with_extension(""))? {
                let kind = repo.find_header(id).map_err(|e| fault("look at what was pushed", e))?.kind();
                if kind == gix::objs::Kind::Blob && !known.has_object(id) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
    /// The commits that `new` brings to the history of `base`, each after its parents. `Invalid` if it is no commit, or if something of its history
    /// is missing.
    pub fn commits(&self, base: Option<RevisionId>, new: RevisionId) -> Result<Vec<NewCommit>> {
        let kind = self.repo.view().try_find_header(object_id(new)).map_err(|e| fault("look for a commit", e))?.map(|header| header.kind());
        match kind {
            Some(gix::objs::Kind::Commit) => {}
            Some(kind) => return Err(Error::invalid(format!("{} is a {kind}, not a commit", new.short(12))).hint("Push a branch.")),
            None => return Err(missing(&new.short(12))),
        }
        let mut git = command::git(&self.repo.dir);
        git.args(["rev-list", "--topo-order", "--reverse", "--parents", "--end-of-options"]).arg(new.to_string());
        git.args(base.map(|base| format!("^{base}")));
        let output = git.arg("--").output().map_err(|e| command::missing("list commits", e))?;
        if !output.status.success() {
            return Err(missing("a commit"));
        }
        let line = |line: &str| -> Result<NewCommit> {
            let mut ids = line.split(' ').map(RevisionId::parse);
            let id = ids.next().unwrap_or_else(|| RevisionId::parse(""))?;
            Ok(NewCommit { id, parents: ids.collect::<Result<_>>()? })
        };
        String::from_utf8_lossy(&output.stdout).lines().map(line).collect()
    }
    /// Where the histories of two commits part; none if they have nothing in common.
    pub fn merge_base(&self, one: RevisionId, other: RevisionId) -> Result<Option<RevisionId>> {
        let mut git = command::git(&self.repo.dir);
        git.args(["merge-base", "--end-of-options"]).arg(one.to_string()).arg(other.to_string());
        let output = git.output().map_err(|e| command::missing("find where histories part", e))?;
        // The best of several, if there are several.
        let base = String::from_utf8_lossy(&output.stdout).lines().next().map(RevisionId::parse).transpose();
        match output.status.code() {
            Some(0) => base,
            Some(1) => Ok(None),
            _ => Err(missing("a commit")),
        }
    }
    /// Moves what came to `packs`, durably. Readers look for indices: the pack comes before its index.
    fn settle(&self, packs: &Path) -> Result<()> {
        let here = self.repo.dir.join("objects/pack");
        let entries = std::fs::read_dir(&here).map_err(|e| Error::io("list what was pushed", e))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|end| end == "pack" || end == "idx"));
        files.sort_by_key(|file| file.extension().is_some_and(|end| end == "idx"));
        let opened: Vec<File> =
            files.iter().map(|file| File::open(file).map_err(|e| Error::io("open what was pushed", e))).collect::<Result<_>>()?;
        sync_all(&opened.iter().collect::<Vec<_>>())?;
        for file in &files {
            let name = file.file_name().ok_or_else(|| Error::internal("a pack has no name"))?;
            std::fs::rename(file, packs.join(name)).map_err(|e| Error::io("name what was pushed", e))?;
        }
        sync_directory(packs)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // What resists goes at the next start.
        let _ = std::fs::remove_dir_all(&self.repo.dir);
    }
}

fn missing(what: &str) -> Error {
    Error::invalid(format!("the history is not complete: {what} is missing"))
        .hint("If yours is a shallow clone, run `git fetch --unshallow` and push again.")
}

/// What git says about a pack, without names of our files.
fn refused(said: &str) -> Error {
    if said.contains("No space left") {
        return Error::io("keep a push", std::io::Error::from(ErrorKind::StorageFull));
    }
    let line = said.lines().find(|line| line.starts_with("error: object ") || line.starts_with("fatal: "));
    let line = line.filter(|line| !line.contains('/')).and_then(|line| line.split_once(": ")).map_or("", |(_, reason)| reason);
    let line: String = line.chars().filter(|c| !c.is_control()).take(200).collect();
    tracing::debug!("git index-pack refuses a push: {}", said.trim());
    Error::invalid(format!("git does not take it: {}", if line.is_empty() { "the pack is damaged" } else { line.as_str() }))
        .hint("`git fsck` in your clone may say more.")
}
