//! Whether the trees of pushed commits are ones that Holt could have made (security.md GIT-5, PATH-2..6). git lets through what leaves the
//! directory of nobody but is no wiki: links, other repositories, names that some system cannot have, two names that are one elsewhere.
//!
//! What a commit's parents hold already is not judged again: wikis of old may have names that nobody can give today (PATH-9). The work is
//! bounded by counts: a tree that stands in many places is counted once, and a commit with too many files is refused before they are looked at.

use super::incoming::{Incoming, NewCommit};
use super::{fault, object_id};
use gix::ObjectId;
use holt_core::edit::SOURCE_BYTES;
use holt_core::{Error, PageKey, Result, RevisionId, path};
use std::collections::{HashMap, HashSet};

/// How much the trees of a push may be.
#[derive(Debug, Clone, Copy)]
pub struct TreeLimits {
    /// Files of one commit, unless its parent has as many.
    pub files: u32,
    /// Folders in one another.
    pub depth: u32,
    /// Entries of trees that are looked at, for all commits together; a new name counts as 20 of them.
    pub work: u64,
    /// Bytes of a file that is no page.
    pub file_bytes: u64,
}

impl Default for TreeLimits {
    fn default() -> Self {
        Self { files: 50_000, depth: 16, work: 40_000_000, file_bytes: 10 * 1024 * 1024 }
    }
}

/// A name costs so many times what an entry that has not changed does.
const NAME: u64 = 20;

impl Incoming {
    /// Refuses the first thing that is wrong with any of `commits`, which come after their parents, and says where it is.
    pub fn check_trees(&self, commits: &[NewCommit], limits: TreeLimits) -> Result<()> {
        let repo = self.repo.view();
        let mut check = Check { repo: &repo, limits, sizes: HashMap::new(), blobs: HashSet::new(), work: 0 };
        let tree = |id: RevisionId| -> Result<ObjectId> {
            let commit = repo.find_commit(object_id(id)).map_err(|e| missing("a commit").because(e))?;
            commit.tree_id().map(gix::Id::detach).map_err(|e| fault("read a commit", e))
        };
        for commit in commits {
            let parents = commit.parents.iter().map(|id| tree(*id)).collect::<Result<Vec<_>>>()?;
            check.commit(tree(commit.id)?, &parents).map_err(|error| at(&format!("commit {}", commit.id.short(8)), error))?;
        }
        Ok(())
    }
}

/// How much is below a tree; files stop counting where nobody counts any more.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    files: u32,
    depth: u32,
}

/// An entry of a tree.
#[derive(Debug)]
struct Entry {
    name: Vec<u8>,
    mode: u16,
    id: ObjectId,
}

const TREE: u16 = 0o40000;
const FILE: u16 = 0o100644;
const EXECUTABLE: u16 = 0o100755;
const LINK: u16 = 0o120000;
const COMMIT: u16 = 0o160000;

struct Check<'r> {
    repo: &'r gix::Repository,
    limits: TreeLimits,
    sizes: HashMap<ObjectId, Size>,
    /// What was looked at as a page (`true`) or as another file.
    blobs: HashSet<(ObjectId, bool)>,
    work: u64,
}

impl Check<'_> {
    fn commit(&mut self, tree: ObjectId, parents: &[ObjectId]) -> Result<()> {
        if parents.contains(&tree) {
            return Ok(());
        }
        let size = self.size(tree, 0)?;
        if size.files > self.limits.files {
            let before = parents.iter().map(|parent| self.size(*parent, 0)).collect::<Result<Vec<_>>>()?;
            if !before.iter().any(|before| before.files >= size.files) {
                return Err(Error::too_large(format!("it has more than {} files", self.limits.files)).hint("Push fewer files."));
            }
        }
        self.tree(tree, parents, &mut String::new())
    }
    /// Each tree is counted once, wherever it stands.
    fn size(&mut self, id: ObjectId, depth: u32) -> Result<Size> {
        let too_deep = || Error::too_large("its folders are too deep").hint("Move pages to fewer levels.");
        if depth > self.limits.depth {
            return Err(too_deep());
        }
        if let Some(known) = self.sizes.get(&id) {
            return if depth + known.depth > self.limits.depth { Err(too_deep()) } else { Ok(*known) };
        }
        let mut size = Size::default();
        for entry in self.entries(id)? {
            if entry.mode == TREE {
                let below = self.size(entry.id, depth + 1)?;
                size = Size { files: size.files.saturating_add(below.files), depth: size.depth.max(below.depth + 1) };
            } else {
                size.files = size.files.saturating_add(1);
            }
        }
        self.sizes.insert(id, size);
        Ok(size)
    }
    fn entries(&mut self, id: ObjectId) -> Result<Vec<Entry>> {
        let tree = self.repo.try_find_object(id).map_err(|e| fault("read a tree", e))?.ok_or_else(|| missing("a folder"))?;
        let tree = tree.try_into_tree().map_err(|e| Error::invalid("a folder is none").because(e))?;
        let mut entries = Vec::new();
        for entry in tree.iter() {
            let entry = entry.map_err(|e| Error::invalid("a folder is damaged").because(e))?;
            entries.push(Entry { name: entry.filename().to_vec(), mode: entry.mode().value(), id: entry.oid().to_owned() });
        }
        self.spend(entries.len() as u64)?;
        Ok(entries)
    }
    fn spend(&mut self, work: u64) -> Result<()> {
        self.work += work;
        if self.work > self.limits.work {
            return Err(Error::too_large("there is too much to check in one push")
                .hint("Push fewer commits at a time, or have the repository imported by whoever runs the server."));
        }
        Ok(())
    }
    /// `prefix` is empty or ends in `/`. `before` are the trees that stood there in the parents.
    fn tree(&mut self, id: ObjectId, before: &[ObjectId], prefix: &mut String) -> Result<()> {
        if before.contains(&id) {
            return Ok(());
        }
        let entries = self.entries(id)?;
        if entries.is_empty() && !prefix.is_empty() {
            return Err(Error::invalid(format!("{prefix} is a folder without files")).hint("Remove it."));
        }
        let trees = before.iter().map(|id| self.entries(*id)).collect::<Result<Vec<_>>>()?;
        let old: Vec<HashMap<&[u8], &Entry>> =
            trees.iter().map(|tree| tree.iter().map(|entry| (entry.name.as_slice(), entry)).collect()).collect();
        let mut new = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            let known: Vec<&Entry> = old.iter().filter_map(|tree| tree.get(entry.name.as_slice()).copied()).collect();
            if known.iter().any(|known| known.mode == entry.mode && known.id == entry.id) {
                continue;
            }
            self.spend(NAME)?;
            let name = std::str::from_utf8(&entry.name).map_err(|_| {
                Error::invalid(format!("{prefix}{}: the name is not UTF-8", shown(&String::from_utf8_lossy(&entry.name))))
                    .hint("Rename the file.")
            })?;
            let wrong = |reason: &str, hint: &str| Err(Error::invalid(format!("{prefix}{}: {reason}", shown(name))).hint(hint));
            match entry.mode {
                TREE | FILE | EXECUTABLE => {}
                LINK => return wrong("a symbolic link", "Put the file itself there: wikis have no links of the file system."),
                COMMIT => return wrong("another repository (a submodule)", "Put its files there, or leave it out."),
                mode => return wrong(&format!("its mode is {mode:o}"), "Files have the mode 644 or 755."),
            }
            if !known.iter().any(|known| (known.mode == TREE) == (entry.mode == TREE)) {
                new.push(number);
            }
            let length = prefix.len();
            prefix.push_str(name);
            if entry.mode == TREE {
                prefix.push('/');
                let below: Vec<ObjectId> = known.iter().filter(|known| known.mode == TREE).map(|known| known.id).collect();
                self.tree(entry.id, &below, prefix)?;
            } else {
                if new.last() == Some(&number) {
                    path::check_new_file(prefix).map_err(|error| at(&shown(prefix), error))?;
                }
                self.blob(entry.id, prefix)?;
            }
            prefix.truncate(length);
        }
        if !new.is_empty() { apart(&entries, &new, prefix) } else { Ok(()) }
    }
    fn blob(&mut self, id: ObjectId, file: &str) -> Result<()> {
        let is_page = file.ends_with(".md");
        if self.blobs.contains(&(id, is_page)) {
            return Ok(());
        }
        let header = self.repo.try_find_header(id).map_err(|e| fault("look at a file", e))?;
        let header = header.ok_or_else(|| missing(&shown(file)))?;
        if header.kind() != gix::objs::Kind::Blob {
            return Err(Error::invalid(format!("{} is no file", shown(file))));
        }
        let most = if is_page { SOURCE_BYTES as u64 } else { self.limits.file_bytes };
        if header.size() > most {
            let error = Error::too_large(format!("{} is larger than {} KiB", shown(file), most / 1024));
            return Err(error.hint("Leave it out of the commits, not only out of the last one (`git rebase --interactive`)."));
        }
        if is_page {
            let content = self.repo.find_blob(id).map_err(|e| fault("read a page", e))?;
            if std::str::from_utf8(&content.data).is_err() || content.data.contains(&0) {
                return Err(
                    Error::invalid(format!("{} is no text in UTF-8", shown(file))).hint("Pages are text: convert it, or rename it.")
                );
            }
        }
        self.blobs.insert((id, is_page));
        Ok(())
    }
}

/// Two entries with one key are one page, or one file on somebody's disk (PATH-6). Refuses a `new` one beside any other.
fn apart(entries: &[Entry], new: &[usize], prefix: &str) -> Result<()> {
    let key = |entry: &Entry| PageKey::beginning(&String::from_utf8_lossy(&entry.name));
    let fresh: HashMap<String, usize> = new.iter().map(|number| (key(&entries[*number]), *number)).collect();
    for (number, entry) in entries.iter().enumerate() {
        if let Some(other) = fresh.get(&key(entry)).filter(|other| **other != number) {
            let name = |entry: &Entry| shown(&String::from_utf8_lossy(&entry.name));
            return Err(Error::invalid(format!("{prefix}{} and {prefix}{} are one name", name(entry), name(&entries[*other])))
                .hint("Rename one of them: names that differ only in the case of letters or in how they are encoded are one page."));
        }
    }
    Ok(())
}

/// Says where something is wrong.
fn at(place: &str, mut error: Error) -> Error {
    error.message = format!("{place}: {}", error.message);
    error
}

/// A name as somebody may see it who did not choose it.
fn shown(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(200).collect()
}

fn missing(what: &str) -> Error {
    Error::invalid(format!("the history is not complete: {what} is missing"))
        .hint("If yours is a shallow or partial clone, run `git fetch --unshallow --refetch` and push again.")
}
