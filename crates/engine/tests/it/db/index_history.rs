//! What the index says of the past, and that growing step by step and filling at once end the same.

use super::index::{added, blob, commit, id, page, path};
use holt_core::{Change, ChangeKind, RevisionId};
use holt_engine::db::index::{FileDoc, Index, IndexBatch};
use holt_engine::repo::{FileMode, LogEntry, TreeChange};
use std::collections::{BTreeMap, BTreeSet};

fn modified(file: &str, old: &str, new: &str) -> TreeChange {
    TreeChange { change: Change { file: file.into(), kind: ChangeKind::Modified }, old: Some(blob(old)), new: Some(blob(new)) }
}
fn deleted(file: &str, old: &str) -> TreeChange {
    TreeChange { change: Change { file: file.into(), kind: ChangeKind::Deleted }, old: Some(blob(old)), new: None }
}
fn renamed(from: &str, to: &str, old: &str, new: &str) -> TreeChange {
    TreeChange {
        change: Change { file: to.into(), kind: ChangeKind::Renamed { from: from.into() } },
        old: Some(blob(old)),
        new: Some(blob(new)),
    }
}

fn index_of(log: Vec<LogEntry>, pages: &[(&str, &str)]) -> (tempfile::TempDir, Index) {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    let head = log.last().unwrap().revision.id;
    index.apply(&IndexBatch { log, pages: pages.iter().map(|(file, text)| page(file, text)).collect(), ..IndexBatch::at(head) }).unwrap();
    (dir, index)
}

fn numbers(entries: &[holt_engine::db::index::Entry]) -> Vec<u64> {
    entries.iter().map(|entry| (1..100).find(|n| id(*n) == entry.revision.id).unwrap()).collect()
}

#[test]
fn history_follows_renames_back() {
    let log = vec![
        commit(1, &[], 100, "", vec![added("old.md", "a"), added("other.md", "o")]),
        commit(2, &[1], 101, "", vec![modified("old.md", "a", "b")]),
        commit(3, &[2], 102, "", vec![renamed("old.md", "dir/new.md", "b", "c")]),
        commit(4, &[3], 103, "", vec![added("old.md", "another page")]),
        commit(5, &[4], 104, "", vec![modified("dir/new.md", "c", "d")]),
        commit(6, &[5], 105, "", vec![renamed("dir/new.md", "New.md", "d", "d")]),
        commit(7, &[6], 106, "", vec![deleted("other.md", "o")]),
    ];
    let (_dir, index) = index_of(log, &[("New.md", "d"), ("old.md", "another page")]);
    let history = index.history(&path("new"), None, 200).unwrap();
    assert_eq!(numbers(&history), [6, 5, 3, 2, 1]);
    assert_eq!(history[2].changes[0].kind, ChangeKind::Renamed { from: "old.md".into() });
    assert_eq!(history[3].changes[0].file, "old.md");
    let mut parts = Vec::new();
    while let Some(part) =
        Some(index.history(&path("New"), parts.last().map(|e: &holt_engine::db::index::Entry| e.seq), 2).unwrap()).filter(|p| !p.is_empty())
    {
        parts.extend(part);
    }
    assert_eq!(parts, history);
    assert_eq!(numbers(&index.history(&path("other"), None, 200).unwrap()), [7, 1], "a deleted page has a history");
    assert!(index.history(&path("never"), None, 200).unwrap().is_empty());

    let versions: Vec<_> = index.versions(&path("new"), None).unwrap().into_iter().map(|(_, blob)| blob).collect();
    assert_eq!(versions, ["a", "b", "c", "d", "d"].map(blob));
    let at_three: Vec<_> = index.versions(&path("new"), Some(id(3))).unwrap().into_iter().map(|(r, _)| r.id).collect();
    assert_eq!(at_three, [1, 2, 3].map(id));
    assert!(index.versions(&path("new"), Some(id(99))).unwrap().is_empty());
    let name = |page: &str, n| index.name_at(&path(page), id(n)).unwrap();
    assert_eq!([1, 2, 3, 5, 6, 7].map(|n| name("New", n).unwrap()), ["old.md", "old.md", "dir/new.md", "dir/new.md", "New.md", "New.md"]);
    assert_eq!((name("other", 7), name("New", 99)), (None, None));
    assert_eq!(index.page(&path("new").key()).unwrap().unwrap().last_revision, id(6));

    let changelog = index.changelog(&Default::default(), None, 3).unwrap();
    assert_eq!(numbers(&changelog), [7, 6, 5]);
    assert_eq!(numbers(&index.changelog(&Default::default(), Some(changelog[2].seq), 200).unwrap()), [4, 3, 2, 1]);
    assert_eq!(index.changelog(&Default::default(), None, 200).unwrap()[6].changes.len(), 2);
    assert_eq!(numbers(&index.file_history("other.md", None, 1).unwrap()), [7]);
}

#[test]
fn a_name_that_came_back_goes_on_where_it_ended() {
    let log = vec![
        commit(1, &[], 100, "", vec![added("a.md", "1")]),
        commit(2, &[1], 101, "", vec![renamed("a.md", "b.md", "1", "1")]),
        commit(3, &[2], 102, "", vec![renamed("b.md", "a.md", "1", "1")]),
        commit(4, &[3], 103, "", vec![deleted("a.md", "1")]),
        commit(5, &[4], 104, "", vec![added("a.md", "2")]),
    ];
    let (_dir, index) = index_of(log, &[("a.md", "2")]);
    assert_eq!(numbers(&index.history(&path("a"), None, 200).unwrap()), [5, 4, 3, 2, 1]);
    assert_eq!(index.name_at(&path("a"), id(2)).unwrap().as_deref(), Some("b.md"));
    assert_eq!(index.name_at(&path("a"), id(4)).unwrap(), None, "deleted then");
}

/// Ancestors come before descendants whatever the clocks said, and nothing overflows.
#[test]
fn wrong_clocks_do_not_turn_history_round() {
    let times = [100, 100, 50, -7, i64::MAX, i64::MIN, 1 << 36, 90, 253_402_300_799, 5];
    let log: Vec<LogEntry> = times
        .iter()
        .zip(1..)
        .map(|(time, n)| {
            let parents: Vec<u64> = (n > 1).then(|| n - 1).into_iter().collect();
            commit(n, &parents, *time, "", vec![modified("a.md", "", &n.to_string())])
        })
        .collect();
    // git lists by date: here in no order at all.
    let mut shuffled = log.clone();
    shuffled.reverse();
    shuffled.swap(0, 4);
    for log in [log, shuffled] {
        let (_dir, index) = index_of(log, &[("a.md", "")]);
        assert_eq!(numbers(&index.changelog(&Default::default(), None, 200).unwrap()), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    }
}

#[test]
fn a_long_history_is_told_in_parts_of_two_hundred() {
    let log: Vec<LogEntry> = (1..=450)
        .map(|n| commit(n, &if n > 1 { vec![n - 1] } else { vec![] }, 1000, "", vec![modified("a.md", "", &n.to_string())]))
        .collect();
    let (_dir, index) = index_of(log, &[("a.md", "450")]);
    let first = index.history(&path("a"), None, usize::MAX).unwrap();
    assert_eq!((first.len(), first[0].revision.id), (200, id(450)), "commits of one second stay in order");
    let second = index.history(&path("a"), Some(first[199].seq), 500).unwrap();
    assert_eq!(second[0].revision.id, id(250));
}

/// A repository that lives only in memory: commits, merges, and what the tree holds at each.
#[derive(Default)]
struct Repository {
    log: Vec<LogEntry>,
    trees: BTreeMap<u64, BTreeMap<String, String>>,
}

impl Repository {
    fn commit(&mut self, n: u64, parents: &[u64], time: i64, changes: &[(&str, Option<&str>, Option<&str>)]) {
        let mut tree: BTreeMap<String, String> = parents.iter().rev().flat_map(|p| self.trees[p].clone()).collect();
        let mut list = Vec::new();
        for (file, from, text) in changes {
            let old = tree.get(from.unwrap_or(file)).cloned();
            match (from, text, old) {
                (Some(from), text, Some(old)) => {
                    tree.remove(*from);
                    let text = text.unwrap_or(&old).to_string();
                    list.push(renamed(from, file, &old, &text));
                    tree.insert((*file).into(), text);
                }
                (None, Some(text), old) => {
                    list.push(old.map_or_else(|| added(file, text), |old| modified(file, &old, text)));
                    tree.insert((*file).into(), (*text).into());
                }
                (None, None, Some(old)) => {
                    list.push(deleted(file, &old));
                    tree.remove(*file);
                }
                _ => {}
            }
        }
        self.log.push(commit(
            n,
            parents,
            time,
            &format!("Commit {n}\n\nHolt-Op: op-{n}"),
            if parents.len() > 1 { Vec::new() } else { list },
        ));
        self.trees.insert(n, tree);
    }
    fn ancestors(&self, of: u64) -> BTreeSet<RevisionId> {
        let mut seen = BTreeSet::new();
        let mut open = vec![id(of)];
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(&self.log.iter().find(|e| e.revision.id == next).unwrap().parents);
            }
        }
        seen
    }
    /// As `sync` does it: commits that are new, and every file that differs.
    fn batch(&self, from: Option<u64>, to: u64) -> IndexBatch {
        let known = from.map(|from| self.ancestors(from)).unwrap_or_default();
        let wanted = self.ancestors(to);
        let log = self.log.iter().filter(|e| wanted.contains(&e.revision.id) && !known.contains(&e.revision.id)).cloned().collect();
        let nothing = BTreeMap::new();
        let (old, new) = (from.map_or(&nothing, |from| &self.trees[&from]), &self.trees[&to]);
        let mut batch = IndexBatch { log, ..IndexBatch::at(id(to)) };
        batch.removed.extend(old.keys().filter(|file| !new.contains_key(*file)).cloned());
        for (file, text) in new.iter().filter(|(file, text)| old.get(*file) != Some(text)) {
            match file.ends_with(".md") {
                true => batch.pages.push(page(file, text)),
                false => batch.files.push(FileDoc { file: file.clone(), blob: blob(text), mode: FileMode::File, size: 1 }),
            }
        }
        batch
    }
}

/// Steps at which the branch stood; some jump over several commits and a merge, as a push does.
#[test]
fn growing_and_filling_end_the_same() {
    let mut repository = Repository::default();
    repository.commit(
        1,
        &[],
        100,
        &[
            ("Home.md", None, Some("# Home\n[[Guide]] 東京ガイド")),
            ("Guide.md", None, Some("# Guide\nsee [[Home]]")),
            ("Guide/pic.png", None, Some("p")),
        ],
    );
    repository.commit(2, &[1], 101, &[("Guide.md", None, Some("# The guide\nsee [[Home]] and [[Gone]]"))]);
    repository.commit(3, &[1], 90, &[("Side.md", None, Some("# Side\nfrom another machine"))]);
    repository.commit(4, &[3], 90, &[("Home.md", None, Some("# Home\nboth"))]);
    repository.commit(5, &[4, 2], 105, &[]);
    repository.commit(6, &[5], 103, &[("Manual.md", Some("Guide.md"), None), ("Manual/pic.png", Some("Guide/pic.png"), None)]);
    repository.commit(7, &[6], 110, &[("Side.md", None, None), ("home.md", None, Some("# other home"))]);
    repository.commit(8, &[7], 111, &[("Home.md", None, None), ("Side.md", None, Some("again"))]);
    // A side branch that takes its own change back: the merge changes no file, and yet the page has newer commits.
    repository.commit(9, &[7], 112, &[("Manual.md", None, Some("for a moment"))]);
    let before = repository.trees[&7]["Manual.md"].clone();
    repository.commit(10, &[9], 113, &[("Manual.md", None, Some(&before))]);
    repository.commit(11, &[8, 10], 114, &[("Side.md", None, Some("again")), ("Home.md", None, None)]);
    for stops in [vec![1, 2, 5, 6, 7, 8, 11], vec![2, 8, 11], vec![1, 2, 7], vec![11]] {
        let dir = tempfile::tempdir().unwrap();
        let grown = Index::open(dir.path()).unwrap();
        let mut from = None;
        for to in &stops {
            grown.apply(&repository.batch(from, *to)).unwrap();
            // Taking the same in twice is taking it in once.
            grown.apply(&repository.batch(from, *to)).unwrap();
            from = Some(*to);
        }
        let head = *stops.last().unwrap();
        let whole = repository.batch(None, head);
        let dir = tempfile::tempdir().unwrap();
        let filled = Index::open(dir.path()).unwrap();
        filled.apply(&IndexBatch { pages: vec![page("Leftover.md", "must go")], ..IndexBatch::at(id(77)) }).unwrap();
        let chunks = whole.pages.chunks(2).map(|pages| Ok(IndexBatch { pages: pages.to_vec(), ..IndexBatch::at(id(head)) }));
        let files = std::iter::once(Ok(IndexBatch { files: whole.files.clone(), ..IndexBatch::at(id(head)) }));
        filled.fill(id(head), &whole.log, chunks.chain(files)).unwrap();
        let (grown, filled) = (grown.dump().unwrap(), filled.dump().unwrap());
        assert!(filled.contains("Commit 1") && !filled.contains("Leftover"));
        assert_eq!(grown, filled, "{stops:?}");
    }
}

#[test]
fn a_fill_that_fails_changes_nothing() {
    let (_dir, index) = index_of(vec![commit(1, &[], 1, "", vec![added("a.md", "a")])], &[("a.md", "a")]);
    let before = index.dump().unwrap();
    let chunks =
        [Ok(IndexBatch { pages: vec![page("b.md", "b")], ..IndexBatch::at(id(2)) }), Err(holt_core::Error::invalid("the disk said no"))];
    let error = index.fill(id(2), &[commit(2, &[], 2, "", vec![])], chunks.into_iter()).unwrap_err();
    assert_eq!(error.message, "the disk said no");
    assert_eq!(index.dump().unwrap(), before);
}

#[test]
fn what_only_a_merge_touched_counts_as_changed_now() {
    let log = vec![commit(1, &[], 1, "", vec![]), commit(2, &[], 2, "", vec![]), commit(3, &[1, 2], 3, "", vec![])];
    let (_dir, index) = index_of(log, &[("evil.md", "# Evil")]);
    assert_eq!(index.page(&path("evil").key()).unwrap().unwrap().last_revision, id(3));
    assert!(index.history(&path("evil"), None, 10).unwrap().is_empty());
}
