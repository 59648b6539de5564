//! One commit on top of another, durable before it is acknowledged (security.md DUR-1).
//!
//! | step | what | a crash after it |
//! |---|---|---|
//! | 1 | lock the ref as git does, compare it with the base | the lock is removed at the next start |
//! | 2 | write pack, index and new ref value under temporary names; sync the three at once | temporary files are removed |
//! | 3 | name pack and index; sync their directory | objects that nothing refers to yet |
//! | 4 | rename the new value onto the ref: **the commit** | the commit stands, or is gone after a power cut: not acknowledged |
//! | 5 | sync the ref's directory; answer | durable |

use super::durable::{sync_all, sync_directory, write_new};
use super::pack::{Entry, Pack, build, stream};
use super::{BlobId, Repo, fault, object_id};
use crate::failpoint;
use gix::objs::tree::EntryKind;
use gix::objs::{Write, WriteTo};
use gix::odb::memory::Storage;
use holt_core::{Author, Error, FileChange, Result, RevisionId, Timestamp};
use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Who, when and why.
#[derive(Debug, Clone)]
pub struct CommitMeta {
    /// The person.
    pub author: Author,
    /// When, by the author's clock.
    pub author_time: Timestamp,
    /// When, by ours.
    pub committer_time: Timestamp,
    /// Subject, body, trailers.
    pub message: String,
}

/// What became of a commit. An error after step 4 means that the outcome is unknown: read the branch again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// The branch stands at this commit, durably.
    Won(RevisionId),
    /// Somebody else moved the branch; nothing of ours is visible.
    Lost {
        /// Where it stands now.
        current: Option<RevisionId>,
    },
    /// The tree is the same already; no commit was made.
    Unchanged(RevisionId),
}

/// How long we wait for a git process that holds the ref (git's own default).
const LOCK_PATIENCE: Duration = Duration::from_millis(100);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

impl Repo {
    /// Commits `changes` on top of `base`, which must be where the branch stands.
    pub fn commit(&self, base: Option<RevisionId>, changes: &[FileChange], meta: &CommitMeta) -> Result<CommitOutcome> {
        let before = self.recent.below(base);
        let Some(Made { commit, new }) = self.make(base, changes, meta, &before)? else {
            return base.map(CommitOutcome::Unchanged).ok_or_else(|| Error::internal("a first commit changed nothing"));
        };
        let outcome = self.publish(base, commit, &pack_of(&new)?)?;
        if let CommitOutcome::Won(commit) = outcome {
            self.recent.committed(commit, before, &new);
        }
        Ok(outcome)
    }
    /// Commits `changes` on top of `base` as the proposal `number`: durable when this returns, and no branch has moved. What an earlier try
    /// left under that number is replaced. `None` if there is nothing to change.
    pub fn propose(&self, number: i64, base: Option<RevisionId>, changes: &[FileChange], meta: &CommitMeta) -> Result<Option<RevisionId>> {
        let Some(Made { commit, new }) = self.make(base, changes, meta, &self.recent.below(base))? else { return Ok(None) };
        let reference = self.proposal_ref(number);
        let Some(lock) = RefLock::take(&reference)? else {
            return Err(Error::busy("another git process holds the proposal").hint("Try again in a moment."));
        };
        self.write_ref(lock, &reference, commit, &pack_of(&new)?)?;
        // The directories may be as new as the ref in them.
        for directory in reference.ancestors().skip(2).take(2) {
            sync_directory(directory)?;
        }
        Ok(Some(commit))
    }
    /// Takes the ref of a proposal away; what it held stays until git collects it. Nothing happens if it is gone.
    pub fn drop_proposal(&self, number: i64) -> Result<()> {
        match std::fs::remove_file(self.proposal_ref(number)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove the ref of a proposal", error)),
            _ => Ok(()),
        }
    }
    fn proposal_ref(&self, number: i64) -> PathBuf {
        self.dir.join(super::PROPOSALS).join(number.to_string())
    }
    /// The commit of `changes` on top of `base`, and the objects that are not in `before`; nothing is written yet. `None` if the tree is the same.
    fn make(&self, base: Option<RevisionId>, changes: &[FileChange], meta: &CommitMeta, before: &Storage) -> Result<Option<Made>> {
        let mut repo = self.inner.to_thread_local();
        repo.objects.set_object_memory(before.clone());
        let base_tree = match base {
            Some(base) => Some(self.find_commit(&repo, base)?.tree_id().map_err(|e| fault("read a tree", e))?.detach()),
            None => None,
        };
        let tree = write_tree(&repo, base_tree, changes)?;
        if base_tree == Some(tree) {
            return Ok(None);
        }
        let commit = write_commit(&repo, base, tree, meta)?;
        let mut new = repo.objects.reset_object_memory().ok_or_else(|| Error::internal("collect the objects of a commit"))?;
        new.retain(|id, _| !before.contains_key(id));
        Ok(Some(Made { commit: RevisionId::from_bytes(super::bytes20(&commit)), new }))
    }

    /// Takes in a file of `size` bytes without holding it in memory: durable when this returns, in a pack of its own. What is never committed
    /// then is an object that nothing refers to, as after a commit that was lost.
    pub fn store(&self, from: &mut dyn Read, size: u64) -> Result<BlobId> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let packs = self.dir.join("objects/pack");
        let path = packs.join(format!("tmp_pack_stored_{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let remove = |error| {
            let _ = std::fs::remove_file(&path);
            error
        };
        let mut file = write_new(&path, &[])?;
        let streamed = stream(from, size, &mut file).map_err(remove)?;
        let paths = [path.clone(), packs.join(format!("tmp_idx_stored_{}", streamed.name))];
        // Left by an earlier try with the same file.
        let _ = std::fs::remove_file(&paths[1]);
        let index = write_new(&paths[1], &streamed.index).map_err(remove)?;
        let written = Written { pack: file, index, paths };
        sync_all(&[&written.pack, &written.index])?;
        written.name(&packs, &streamed.name)?;
        sync_directory(&packs)?;
        Ok(BlobId::from_bytes(super::bytes20(&streamed.id)))
    }

    fn publish(&self, base: Option<RevisionId>, commit: RevisionId, pack: &Pack) -> Result<CommitOutcome> {
        let reference = self.dir.join("refs/heads").join(&self.branch);
        let Some(lock) = RefLock::take(&reference)? else {
            return Err(Error::busy("another git process holds the branch").hint("Try again in a moment."));
        };
        let current = self.head()?;
        if current != base {
            return Ok(CommitOutcome::Lost { current });
        }
        self.write_ref(lock, &reference, commit, pack)?;
        Ok(CommitOutcome::Won(commit))
    }
    /// Steps 2 to 5 of the table above.
    fn write_ref(&self, lock: RefLock, reference: &Path, commit: RevisionId, pack: &Pack) -> Result<()> {
        let directory = reference.parent().ok_or_else(|| Error::internal("the ref has no directory"))?;
        failpoint::hit("repo.before-sync")?;
        let packs = self.dir.join("objects/pack");
        let written = Written::new(&packs, pack)?;
        lock.write(&commit)?;
        sync_all(&[&written.pack, &written.index, &lock.file])?;
        failpoint::hit("repo.synced")?;
        written.name(&packs, &pack.name)?;
        failpoint::hit("repo.pack-renamed")?;
        sync_directory(&packs)?;
        failpoint::hit("repo.before-ref")?;
        lock.rename(reference)?;
        failpoint::hit("repo.ref-renamed")?;
        sync_directory(directory)
    }
}

/// A commit that nothing refers to yet, with the objects it brings.
struct Made {
    commit: RevisionId,
    new: Storage,
}

fn pack_of(new: &Storage) -> Result<Pack> {
    let mut entries = Vec::with_capacity(new.len());
    for (id, (kind, content)) in new.iter() {
        entries.push(Entry::new(*id, *kind, content)?);
    }
    // The same objects make the same pack, whatever order the map gives them in.
    entries.sort_by_key(|entry| entry.id);
    build(&entries)
}

/// Adds an object to what will be the pack. Always, unless it is below the base for sure: gix's own `write_object` leaves out what it finds in a
/// pack that git may have pruned since.
fn write_object(repo: &gix::Repository, object: &dyn WriteTo) -> Result<gix::ObjectId> {
    let mut content = Vec::new();
    object.write_to(&mut content).map_err(|e| fault("write an object", e))?;
    repo.objects.write_buf(object.kind(), &content).map_err(|e| fault("write an object", e))
}

/// Names that a checkout on some system would take for git's own directory. Ours have been checked long before; this is the last door.
fn refuse_name(file: &str) -> Result<()> {
    let options = gix::validate::path::component::Options { protect_windows: false, protect_hfs: true, protect_ntfs: true };
    for name in file.split('/') {
        gix::validate::path::component(name.into(), None, options)
            .map_err(|e| Error::invalid(format!("{file} is no name for a file in a repository")).because(e))?;
    }
    Ok(())
}

fn write_tree(repo: &gix::Repository, base: Option<gix::ObjectId>, changes: &[FileChange]) -> Result<gix::ObjectId> {
    let wrong = |e| fault("change a tree", e);
    let base = base.unwrap_or_else(|| gix::ObjectId::empty_tree(gix::hash::Kind::Sha1));
    let before =
        if base == gix::ObjectId::empty_tree(gix::hash::Kind::Sha1) { repo.empty_tree() } else { repo.find_tree(base).map_err(wrong)? };
    let mut editor = before.edit().map_err(wrong)?.detach();
    // Sources are taken away before targets are put: two files may change places.
    let mut moved = Vec::new();
    for change in changes {
        match change {
            FileChange::Remove { file } => {
                editor.remove(file.split('/')).map_err(wrong)?;
            }
            FileChange::Move { from, to } => {
                let entry = before.lookup_entry_by_path(from).map_err(wrong)?;
                let entry = entry.ok_or_else(|| Error::not_found(format!("there is no file {from}")))?;
                moved.push((to, entry.mode().kind(), entry.oid().to_owned()));
                editor.remove(from.split('/')).map_err(wrong)?;
            }
            FileChange::Put { .. } | FileChange::Stored { .. } => {}
        }
    }
    let places = Places::of(changes);
    for (to, kind, id) in moved {
        refuse_name(to)?;
        places.check(&before, to)?;
        editor.upsert(to.split('/'), kind, id).map_err(wrong)?;
    }
    for change in changes {
        let file = match change {
            FileChange::Put { file, .. } | FileChange::Stored { file, .. } => file,
            FileChange::Remove { .. } | FileChange::Move { .. } => continue,
        };
        refuse_name(file)?;
        let kind = match places.check(&before, file)? {
            Some(kind @ (EntryKind::Blob | EntryKind::BlobExecutable)) => kind,
            _ => EntryKind::Blob,
        };
        let id = match change {
            FileChange::Put { content, .. } => repo.objects.write_buf(gix::objs::Kind::Blob, content).map_err(wrong)?,
            FileChange::Stored { content, .. } => gix::ObjectId::from(*content),
            FileChange::Remove { .. } | FileChange::Move { .. } => continue,
        };
        editor.upsert(file.split('/'), kind, id).map_err(wrong)?;
    }
    let tree = editor.write(|tree| write_object(repo, tree))?;
    if tree == gix::ObjectId::empty_tree(gix::hash::Kind::Sha1) {
        // git names the empty tree without storing it; a pack that stores it is complete for every reader.
        write_object(repo, &gix::objs::Tree::empty())?;
    }
    Ok(tree)
}

/// What leaves its place and what comes to one. A tree has a file or a folder at a place: one would silently put the other away.
struct Places<'c> {
    gone: HashSet<&'c str>,
    new: HashSet<&'c str>,
}

impl<'c> Places<'c> {
    fn of(changes: &'c [FileChange]) -> Self {
        let (mut gone, mut new) = (HashSet::new(), HashSet::new());
        for change in changes {
            match change {
                FileChange::Put { file, .. } | FileChange::Stored { file, .. } => new.insert(file.as_str()),
                FileChange::Remove { file } => gone.insert(file.as_str()),
                FileChange::Move { from, to } => gone.insert(from.as_str()) | new.insert(to.as_str()),
            };
        }
        Self { gone, new }
    }
    /// What is at `file` now, if it is a file that may be put there: `Conflict` if something that stays is where it or one of its folders would be.
    fn check(&self, before: &gix::Tree<'_>, file: &str) -> Result<Option<EntryKind>> {
        let mut tree = before.clone();
        let ends = file.match_indices('/').map(|(at, _)| at).chain([file.len()]);
        let mut start = 0;
        let mut known = true;
        for end in ends {
            let (here, name) = (&file[..end], &file[start..end]);
            start = end + 1;
            if end < file.len() && self.new.contains(here) {
                return Err(taken(here, file));
            }
            if !known {
                continue;
            }
            let Some((mode, id)) = tree.find_entry(name).map(|entry| (entry.mode(), entry.oid().to_owned())) else {
                known = false;
                continue;
            };
            match (mode.is_tree(), end == file.len()) {
                (true, false) => tree = tree.repo.find_tree(id).map_err(|e| fault("read a tree", e))?,
                (true, true) => self.check_empty(&tree.repo.find_tree(id).map_err(|e| fault("read a tree", e))?, file)?,
                (false, true) => return Ok(Some(mode.kind())),
                (false, false) if !self.gone.contains(here) => return Err(taken(here, file)),
                (false, false) => known = false,
            }
        }
        Ok(None)
    }
    /// A folder makes room when all of its files go.
    fn check_empty(&self, folder: &gix::Tree<'_>, file: &str) -> Result<()> {
        for entry in folder.iter() {
            let entry = entry.map_err(|e| fault("read a tree", e))?;
            let place = format!("{file}/{}", entry.filename());
            if entry.mode().is_tree() {
                let below = folder.repo.find_tree(entry.oid().to_owned()).map_err(|e| fault("read a tree", e))?;
                self.check_empty(&below, &place)?;
            } else if !self.gone.contains(place.as_str()) {
                return Err(Error::conflict(format!("there is a folder {file} already, with pages or files in it"))
                    .hint("Choose another name, or move what is there first."));
            }
        }
        Ok(())
    }
}

fn taken(here: &str, file: &str) -> Error {
    Error::conflict(format!("there is a file {here} already, where the folder of {file} would be"))
        .hint("Choose another name, or rename that file first.")
}

fn write_commit(repo: &gix::Repository, base: Option<RevisionId>, tree: gix::ObjectId, meta: &CommitMeta) -> Result<gix::ObjectId> {
    let signature = |name: &str, email: &str, time: Timestamp| gix::actor::Signature {
        name: name.into(),
        email: email.into(),
        time: gix::date::Time::new(time.seconds, time.offset),
    };
    let commit = gix::objs::Commit {
        tree,
        parents: base.map(object_id).into_iter().collect(),
        author: signature(meta.author.name(), meta.author.email(), meta.author_time),
        committer: signature("Holt", "noreply@holt", meta.committer_time),
        encoding: None,
        message: format!("{}\n", meta.message.trim_end()).into(),
        extra_headers: Vec::new(),
    };
    debug_assert!(commit.size() > 0);
    write_object(repo, &commit)
}

/// Pack and index under temporary names; removed when dropped unless they got their names.
struct Written {
    pack: File,
    index: File,
    paths: [PathBuf; 2],
}

impl Written {
    fn new(packs: &Path, pack: &Pack) -> Result<Self> {
        let paths = [packs.join(format!("tmp_pack_{}", pack.name)), packs.join(format!("tmp_idx_{}", pack.name))];
        for path in &paths {
            // Left by an earlier try of the same save.
            let _ = std::fs::remove_file(path);
        }
        let cleanup = |error| {
            paths.iter().for_each(|path| drop(std::fs::remove_file(path)));
            error
        };
        let file = write_new(&paths[0], &pack.pack).map_err(cleanup)?;
        let index = write_new(&paths[1], &pack.index).map_err(cleanup)?;
        Ok(Self { pack: file, index, paths })
    }
    /// The pack before its index: readers look for indices.
    fn name(self, packs: &Path, name: &str) -> Result<()> {
        for (path, suffix) in self.paths.iter().zip(["pack", "idx"]) {
            let to = packs.join(format!("pack-{name}.{suffix}"));
            std::fs::rename(path, &to).map_err(|e| Error::io(format!("name {}", to.display()), e))?;
        }
        Ok(())
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // After naming there is nothing under these names.
        self.paths.iter().for_each(|path| drop(std::fs::remove_file(path)));
    }
}

/// `<ref>.lock`, git's own protocol; removed when dropped unless renamed onto the ref.
pub(super) struct RefLock {
    file: File,
    /// None once it is the ref: from then on that name may be somebody else's lock.
    path: Option<PathBuf>,
}

impl RefLock {
    /// None if somebody else holds it for longer than we wait.
    pub(super) fn take(reference: &Path) -> Result<Option<Self>> {
        let mut path = reference.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let mut waited = Duration::ZERO;
        loop {
            match File::options().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Some(Self { file, path: Some(path) })),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    if waited > LOCK_PATIENCE {
                        return Ok(None);
                    }
                    std::thread::sleep(LOCK_PAUSE);
                    waited += LOCK_PAUSE;
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    let directory = path.parent().ok_or_else(|| Error::internal("the branch has no directory"))?;
                    std::fs::create_dir_all(directory).map_err(|e| Error::io("make the directory of the branch", e))?;
                }
                Err(error) => return Err(Error::io("lock the branch", error)),
            }
        }
    }
    /// The lock itself, to be synced.
    pub(super) fn file(&self) -> &File {
        &self.file
    }
    pub(super) fn write(&self, commit: &RevisionId) -> Result<()> {
        use std::io::Write;
        // One call: formatting straight into the file would be one for every byte of the id.
        (&self.file).write_all(format!("{commit}\n").as_bytes()).map_err(|e| Error::io("write the branch", e))
    }
    pub(super) fn rename(mut self, reference: &Path) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        std::fs::rename(path, reference).map_err(|e| Error::io("move the branch", e))?;
        self.path = None;
        Ok(())
    }
}

impl Drop for RefLock {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}
