//! Trees, blobs and commits, read.

use super::{BlobId, Repo, bytes20, fault, object_id};
use gix::objs::tree::EntryKind;
use holt_core::{Author, Error, ErrorKind, Result, Revision, RevisionId, RevisionPrefix, Timestamp};

/// What a tree entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileMode {
    /// A file.
    #[default]
    File,
    /// A file marked executable.
    Executable,
    /// A symbolic link; its content is where it leads.
    Symlink,
}

/// A file in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Path from the root.
    pub path: String,
    /// Its content.
    pub id: BlobId,
    /// What it is.
    pub mode: FileMode,
}

/// All files of a tree.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// In git's order.
    pub files: Vec<TreeFile>,
    /// Paths that are not UTF-8.
    pub unreadable: Vec<Vec<u8>>,
}

/// Most files of one tree, and deepest directory (security.md INP-16, INP-18 with room for attachments).
const FILES: usize = 200_000;
const DEPTH: usize = 24;

pub(super) fn mode(kind: EntryKind) -> Option<FileMode> {
    match kind {
        EntryKind::Blob => Some(FileMode::File),
        EntryKind::BlobExecutable => Some(FileMode::Executable),
        EntryKind::Link => Some(FileMode::Symlink),
        EntryKind::Tree | EntryKind::Commit => None,
    }
}

impl Repo {
    /// The file at exactly `path` in `at`.
    pub fn read(&self, at: RevisionId, path: &str) -> Result<Option<TreeFile>> {
        let repo = self.view();
        let tree = self.find_commit(&repo, at)?.tree().map_err(|e| fault("read a tree", e))?;
        let entry = tree.lookup_entry_by_path(path).map_err(|e| fault(format!("look for {path}"), e))?;
        Ok(entry.and_then(|entry| {
            let mode = mode(entry.mode().kind())?;
            Some(TreeFile { path: path.to_string(), id: BlobId(bytes20(entry.oid())), mode })
        }))
    }
    /// The content of a file.
    pub fn blob(&self, id: BlobId) -> Result<Vec<u8>> {
        let repo = self.view();
        let mut blob = repo.find_blob(id.object_id()).map_err(|e| fault(format!("read the object {id}"), e))?;
        Ok(blob.take_data())
    }
    /// Its length in bytes.
    pub fn blob_size(&self, id: BlobId) -> Result<u64> {
        let repo = self.view();
        let header = repo.find_header(id.object_id()).map_err(|e| fault(format!("read the object {id}"), e))?;
        Ok(header.size())
    }
    /// Every file of `at`. `TooLarge` above 200,000 files or 24 levels, found out while walking, not after.
    pub fn files(&self, at: RevisionId) -> Result<Listing> {
        let repo = self.view();
        let tree = self.find_commit(&repo, at)?.tree_id().map_err(|e| fault("read a tree", e))?.detach();
        let mut listing = Listing::default();
        let mut open = vec![(Vec::new(), tree, 0)];
        while let Some((prefix, id, depth)) = open.pop() {
            if depth > DEPTH {
                return Err(Error::too_large(format!("the repository is deeper than {DEPTH} directories")));
            }
            let tree = repo.find_tree(id).map_err(|e| fault("read a tree", e))?;
            for entry in tree.iter() {
                let entry = entry.map_err(|e| fault("read a tree", e))?;
                let mut path = prefix.clone();
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(entry.filename());
                match mode(entry.mode().kind()) {
                    Some(mode) => match String::from_utf8(path) {
                        Ok(path) => listing.files.push(TreeFile { path, id: BlobId(bytes20(entry.oid())), mode }),
                        Err(error) => listing.unreadable.push(error.into_bytes()),
                    },
                    None if entry.mode().is_tree() => open.push((path, entry.oid().to_owned(), depth + 1)),
                    // A submodule: nothing of this wiki.
                    None => {}
                }
            }
            if listing.files.len() + open.len() > FILES {
                return Err(Error::too_large(format!("the repository has more than {FILES} files")));
            }
        }
        listing.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(listing)
    }
    /// A commit and its parents. `NotFound` if there is no such commit.
    pub fn revision(&self, id: RevisionId) -> Result<(Revision, Vec<RevisionId>)> {
        let repo = self.view();
        let commit = self.find_commit(&repo, id)?;
        let parents = commit.parent_ids().map(|id| RevisionId::from_bytes(bytes20(&id))).collect();
        Ok((revision(&commit)?, parents))
    }
    /// The commit of the branch's history that `prefix` means. `NotFound` for anything else, `Invalid` if several fit.
    pub fn resolve(&self, prefix: &RevisionPrefix) -> Result<RevisionId> {
        let repo = self.view();
        let none = || Error::not_found(format!("there is no revision {}", prefix.as_str()));
        let Some(head) = self.head()? else { return Err(none()) };
        let mut found = None;
        for info in repo.rev_walk([object_id(head)]).all().map_err(|e| fault("walk the history", e))? {
            let id = info.map_err(|e| fault("walk the history", e))?.id;
            if id.to_string().starts_with(prefix.as_str()) && found.replace(id).is_some() {
                return Err(Error::invalid(format!("{} means several revisions", prefix.as_str())).hint("Give more digits."));
            }
        }
        found.map(|id| RevisionId::from_bytes(bytes20(&id))).ok_or_else(none)
    }
    /// Whether `older` is `newer` or in its history.
    pub fn is_ancestor(&self, older: RevisionId, newer: RevisionId) -> Result<bool> {
        if older == newer {
            return Ok(true);
        }
        let repo = self.view();
        // The usual case, without a walk: one commit on top.
        let commit = self.find_commit(&repo, newer)?;
        if commit.parent_ids().any(|id| id == object_id(older)) {
            return Ok(true);
        }
        let walk = repo.rev_walk([object_id(newer)]).all().map_err(|e| fault("walk the history", e))?;
        for info in walk {
            if info.map_err(|e| fault("walk the history", e))?.id == object_id(older) {
                return Ok(true);
            }
        }
        Ok(false)
    }
    pub(super) fn find_commit<'r>(&self, repo: &'r gix::Repository, id: RevisionId) -> Result<gix::Commit<'r>> {
        repo.find_commit(object_id(id)).map_err(|e| Error::new(ErrorKind::NotFound, format!("there is no revision {id}")).because(e))
    }
}

pub(super) fn revision(commit: &gix::Commit<'_>) -> Result<Revision> {
    let decoded = commit.decode().map_err(|e| fault("read a commit", e))?;
    let author = decoded.author().map_err(|e| fault("read a commit", e))?;
    let time = author.time().map_err(|e| fault("read a commit", e)).unwrap_or_default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Revision {
        id: RevisionId::from_bytes(bytes20(&commit.id)),
        author: Author::new(&text(author.name), &text(author.email)),
        time: Timestamp { seconds: time.seconds, offset: time.offset },
        message: text(decoded.message).trim_end().to_string(),
    })
}
