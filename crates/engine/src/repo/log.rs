//! What changed between two trees, and every commit between two revisions with what it changed.

use super::{BlobId, Repo, bytes20, command, fault, object_id};
use gix::diff::tree::Recorder;
use gix::diff::tree::recorder::Change as Recorded;
use gix::object::tree::diff::ChangeDetached;
use holt_core::{Author, Change, ChangeKind, Error, Result, Revision, RevisionId, Timestamp};
use std::collections::HashSet;

/// A change of one file, with its content before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeChange {
    /// Which file and what happened.
    pub change: Change,
    /// Content before; none if it was added.
    pub old: Option<BlobId>,
    /// Content after; none if it is gone.
    pub new: Option<BlobId>,
}

/// A commit and what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The commit.
    pub revision: Revision,
    /// Its parents; more than one for a merge.
    pub parents: Vec<RevisionId>,
    /// When it was made, by the committer's clock.
    pub committer_time: Timestamp,
    /// Against its first parent. Empty for a merge, whose changes are those of the commits it joins.
    pub changes: Vec<TreeChange>,
}

/// From so many commits on, one git process is faster than walking here.
const IN_PROCESS: usize = 50;

impl Repo {
    /// Files that differ between `from` (nothing without it) and `to`, renames found at half similarity, as git does.
    pub fn changes(&self, from: Option<RevisionId>, to: RevisionId) -> Result<Vec<TreeChange>> {
        let repo = self.view();
        let tree = |id| -> Result<gix::Tree<'_>> { self.find_commit(&repo, id)?.tree().map_err(|e| fault("read a tree", e)) };
        let old = from.map(tree).transpose()?;
        self.tree_changes(&repo, old.as_ref(), &tree(to)?)
    }
    fn tree_changes(&self, repo: &gix::Repository, old: Option<&gix::Tree<'_>>, new: &gix::Tree<'_>) -> Result<Vec<TreeChange>> {
        // Looking for renames costs a walk over the whole tree, and most commits have none.
        if let Some(found) = plain_changes(repo, old, new)? {
            return Ok(found);
        }
        let rewrites = gix::diff::Rewrites { copies: None, percentage: Some(0.5), limit: 1000, track_empty: false };
        let options = gix::diff::Options::default().with_rewrites(Some(rewrites));
        let changes = repo.diff_tree_to_tree(old, Some(new), Some(options)).map_err(|e| fault("compare two trees", e))?;
        let mut found: Vec<TreeChange> = changes.into_iter().filter_map(change).collect();
        found.sort_by(|a, b| a.change.file.cmp(&b.change.file));
        Ok(found)
    }
    /// Every commit that `to` has and `from` has not, oldest first, in git's own order.
    pub fn log(&self, from: Option<RevisionId>, to: RevisionId) -> Result<Vec<LogEntry>> {
        let repo = self.view();
        // The usual case, without a walk: one commit on top.
        if let Some(from) = from
            && self.find_commit(&repo, to)?.parent_ids().map(gix::Id::detach).eq([object_id(from)])
        {
            return Ok(vec![self.entry(&repo, object_id(to))?]);
        }
        let mut walk = repo.rev_walk([object_id(to)]);
        if let Some(from) = from {
            walk = walk.with_hidden([object_id(from)]);
        }
        let mut ids = Vec::new();
        for info in walk.all().map_err(|e| fault("walk the history", e))? {
            ids.push(info.map_err(|e| fault("walk the history", e))?.id);
            if ids.len() > IN_PROCESS {
                return self.long_log(from, to);
            }
        }
        // Few: git's order by date is needed only where history forked, and then git says it.
        if ids.len() > 1 {
            return self.long_log(from, to);
        }
        ids.into_iter().map(|id| self.entry(&repo, id)).collect()
    }
    /// The commits that `to` knows and `from` does not, in no order.
    pub fn between(&self, from: Option<RevisionId>, to: RevisionId) -> Result<HashSet<RevisionId>> {
        let mut git = command::git(&self.dir);
        git.args(["rev-list", "--end-of-options"]).arg(to.to_string());
        git.args(from.map(|from| format!("^{from}")));
        let output = command::run(git.arg("--"), "list commits")?;
        String::from_utf8_lossy(&output.stdout).lines().map(RevisionId::parse).collect()
    }
    fn entry(&self, repo: &gix::Repository, id: gix::ObjectId) -> Result<LogEntry> {
        let commit = self.find_commit(repo, RevisionId::from_bytes(bytes20(&id)))?;
        let parents: Vec<RevisionId> = commit.parent_ids().map(|id| RevisionId::from_bytes(bytes20(&id))).collect();
        let changes = match parents.as_slice() {
            [_, _, ..] => Vec::new(),
            parents => {
                let tree = |id| -> Result<gix::Tree<'_>> { self.find_commit(repo, id)?.tree().map_err(|e| fault("read a tree", e)) };
                let old = parents.first().copied().map(tree).transpose()?;
                self.tree_changes(repo, old.as_ref(), &commit.tree().map_err(|e| fault("read a tree", e))?)?
            }
        };
        let time = commit.time().map_err(|e| fault("read a commit", e))?;
        let committer_time = Timestamp { seconds: time.seconds, offset: time.offset };
        Ok(LogEntry { revision: super::read::revision(&commit)?, parents, committer_time, changes })
    }
    fn long_log(&self, from: Option<RevisionId>, to: RevisionId) -> Result<Vec<LogEntry>> {
        let range = match from {
            Some(from) => format!("{from}..{to}"),
            None => to.to_string(),
        };
        let mut git = command::git(&self.dir);
        git.args([
            "-c",
            "log.mailmap=false",
            "-c",
            "diff.renames=true",
            "-c",
            "diff.renameLimit=1000",
            "log",
            "--reverse",
            "--raw",
            "-z",
            "-M",
            "--no-abbrev",
        ]);
        git.args(["--no-ext-diff", "--no-textconv", "--root", "--date=raw"]).arg(FORMAT).arg("--end-of-options").arg(range).arg("--");
        let output = command::run(&mut git, "read the history")?;
        parse(&output.stdout)
    }
}

/// Fields end in NUL, commits begin with a byte that no field begins with.
const FORMAT: &str = "--format=%x01%H%x00%P%x00%an%x00%ae%x00%ad%x00%cd%x00%B%x02";

fn parse(bytes: &[u8]) -> Result<Vec<LogEntry>> {
    let bad = || Error::internal("understand what git log says");
    let mut entries = Vec::new();
    for part in bytes.split(|b| *b == 1).filter(|part| part.iter().any(|b| !matches!(b, 0 | b'\n'))) {
        let end = part.iter().rposition(|b| *b == 2).ok_or_else(bad)?;
        let (head, raw) = (&part[..end], &part[end + 1..]);
        let mut fields = head.splitn(7, |b| *b == 0);
        let mut text = || fields.next().map(|f| String::from_utf8_lossy(f).into_owned()).ok_or_else(bad);
        let (id, parents, name, email, date, committed, message) = (text()?, text()?, text()?, text()?, text()?, text()?, text()?);
        let parents = parents.split_whitespace().map(RevisionId::parse).collect::<Result<Vec<_>>>()?;
        let revision = Revision {
            id: RevisionId::parse(id.trim())?,
            author: Author::new(&name, &email),
            time: raw_time(&date),
            message: message.trim_end().to_string(),
        };
        let changes = if parents.len() > 1 { Vec::new() } else { raw_changes(raw).ok_or_else(bad)? };
        entries.push(LogEntry { revision, parents, committer_time: raw_time(&committed), changes });
    }
    Ok(entries)
}

/// `1700000000 +0530`.
fn raw_time(text: &str) -> Timestamp {
    let (seconds, zone) = text.trim().split_once(' ').unwrap_or((text, "+0000"));
    let number: i32 = zone.parse().unwrap_or_default();
    let offset = (number / 100) * 3600 + (number % 100) * 60;
    Timestamp { seconds: seconds.parse().unwrap_or_default(), offset }
}

/// `:100644 100644 <old> <new> M NUL path NUL`, renames with two paths.
fn raw_changes(raw: &[u8]) -> Option<Vec<TreeChange>> {
    let mut changes = Vec::new();
    let mut fields = raw.split(|b| *b == 0).map(|f| f.strip_prefix(b"\n").unwrap_or(f)).filter(|f| !f.is_empty());
    while let Some(meta) = fields.next() {
        let meta = std::str::from_utf8(meta).ok()?;
        let mut words = meta.strip_prefix(':')?.split(' ');
        let (old_mode, new_mode, old, new, status) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
        let first = fields.next()?;
        let second = if status.starts_with(['R', 'C']) { Some(fields.next()?) } else { None };
        let is_file = |mode: &str| matches!(mode, "100644" | "100755" | "100664" | "120000");
        let blob = |mode: &str, hex: &str| -> Option<BlobId> {
            is_file(mode).then(|| RevisionId::parse(hex).ok().map(|id| BlobId(*id.as_bytes())))?
        };
        let (old, new) = (blob(old_mode, old), blob(new_mode, new));
        // Names that are not UTF-8 have no address and no history here.
        let Ok(file) = std::str::from_utf8(second.unwrap_or(first)) else { continue };
        let kind = match (old, new) {
            (None, None) => continue,
            (None, Some(_)) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Deleted,
            (Some(_), Some(_)) if second.is_some() => match std::str::from_utf8(first) {
                Ok(from) => ChangeKind::Renamed { from: from.to_string() },
                Err(_) => ChangeKind::Added,
            },
            (Some(_), Some(_)) => ChangeKind::Modified,
        };
        changes.push(TreeChange { change: Change { file: file.to_string(), kind }, old, new });
    }
    changes.sort_by(|a, b| a.change.file.cmp(&b.change.file));
    Some(changes)
}

/// What differs between two trees, in time that depends on what differs. None if there may be renames: something came and something went.
fn plain_changes(repo: &gix::Repository, old: Option<&gix::Tree<'_>>, new: &gix::Tree<'_>) -> Result<Option<Vec<TreeChange>>> {
    fn entries<'t>(tree: &'t gix::Tree<'_>) -> gix::objs::TreeRefIter<'t> {
        gix::objs::TreeRefIter::from_bytes(&tree.data, tree.id.kind())
    }
    let empty = repo.empty_tree();
    let mut recorder = Recorder::default();
    let (before, after) = (old.unwrap_or(&empty), new);
    gix::diff::tree(entries(before), entries(after), gix::diff::tree::State::default(), &repo.objects, &mut recorder)
        .map_err(|e| fault("compare two trees", e))?;
    let mut found = Vec::new();
    let (mut came, mut went) = (false, false);
    for record in recorder.records {
        let detached = match record {
            Recorded::Addition { entry_mode, oid, path, .. } => {
                ChangeDetached::Addition { location: path, relation: None, entry_mode, id: oid }
            }
            Recorded::Deletion { entry_mode, oid, path, .. } => {
                ChangeDetached::Deletion { location: path, relation: None, entry_mode, id: oid }
            }
            Recorded::Modification { previous_entry_mode, previous_oid, entry_mode, oid, path } => {
                ChangeDetached::Modification { location: path, previous_entry_mode, previous_id: previous_oid, entry_mode, id: oid }
            }
        };
        let Some(change) = change(detached) else { continue };
        came |= change.old.is_none();
        went |= change.new.is_none();
        found.push(change);
    }
    if came && went {
        return Ok(None);
    }
    found.sort_by(|a, b| a.change.file.cmp(&b.change.file));
    Ok(Some(found))
}

fn change(change: ChangeDetached) -> Option<TreeChange> {
    let text = |path: gix::bstr::BString| String::from_utf8(path.into()).ok();
    let blob = |mode: gix::objs::tree::EntryMode, id: gix::ObjectId| super::read::mode(mode.kind()).map(|_| BlobId(bytes20(&id)));
    let (file, kind, old, new) = match change {
        ChangeDetached::Addition { location, entry_mode, id, .. } => (text(location)?, ChangeKind::Added, None, blob(entry_mode, id)),
        ChangeDetached::Deletion { location, entry_mode, id, .. } => (text(location)?, ChangeKind::Deleted, blob(entry_mode, id), None),
        ChangeDetached::Modification { location, previous_entry_mode, previous_id, entry_mode, id } => {
            (text(location)?, ChangeKind::Modified, blob(previous_entry_mode, previous_id), blob(entry_mode, id))
        }
        ChangeDetached::Rewrite { source_location, source_entry_mode, source_id, entry_mode, id, location, .. } => {
            let from = text(source_location)?;
            (text(location)?, ChangeKind::Renamed { from }, blob(source_entry_mode, source_id), blob(entry_mode, id))
        }
    };
    (old.is_some() || new.is_some()).then_some(TreeChange { change: Change { file, kind }, old, new })
}
