//! The git layer against real git: what we write it accepts, what it writes we read.

use holt_core::{Author, ErrorKind, FileChange, RevisionId, RevisionPrefix, Timestamp};
use holt_engine::repo::{CommitMeta, CommitOutcome, FileMode, Repo, import_from};
use holt_testkit::git;
use std::path::Path;

fn put(file: &str, content: &str) -> FileChange {
    FileChange::Put { file: file.into(), content: content.as_bytes().to_vec() }
}

fn meta(message: &str) -> CommitMeta {
    let time = Timestamp { seconds: 1_700_000_000, offset: 3600 };
    CommitMeta { author: Author::new("Zoë", "zoe@example.org"), author_time: time, committer_time: time, message: message.into() }
}

fn won(repo: &Repo, changes: &[FileChange], message: &str) -> RevisionId {
    match repo.commit(repo.head().unwrap(), changes, &meta(message)).unwrap() {
        CommitOutcome::Won(id) => id,
        other => panic!("{other:?}"),
    }
}

fn text(repo: &Repo, at: RevisionId, file: &str) -> Option<String> {
    let file = repo.read(at, file).unwrap()?;
    Some(String::from_utf8(repo.blob(file.id).unwrap()).unwrap())
}

fn new_repo() -> (tempfile::TempDir, Repo) {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repo::create(&dir.path().join("repo.git")).unwrap();
    (dir, repo)
}

fn path(dir: &tempfile::TempDir) -> std::path::PathBuf {
    dir.path().join("repo.git")
}

#[test]
fn git_reads_what_we_write() {
    let (dir, repo) = new_repo();
    assert_eq!(repo.head().unwrap(), None);
    let first = won(&repo, &[put("Home.md", "# Home\n"), put("Ünï cødé/a b.md", "x\n"), put("a/b/c.txt", "deep")], "First\n\nbody");
    let second = won(&repo, &[put("Home.md", "# Home\n\nmore\n")], "Second");
    assert_eq!(git(&path(&dir), &["rev-parse", "HEAD"]).trim(), second.to_string());
    assert_eq!(git(&path(&dir), &["show", "HEAD:Home.md"]), "# Home\n\nmore");
    assert_eq!(
        git(&path(&dir), &["log", "-1", "--format=%an %ae %ad %cn %s|%b", "--date=raw", &first.to_string()]).trim(),
        "Zoë zoe@example.org 1700000000 +0100 Holt First|body"
    );
    git(&path(&dir), &["fsck", "--strict"]);
    assert_eq!(repo.fsck().unwrap(), Vec::<String>::new());
    // Another process would open it the same way.
    let again = Repo::open(&path(&dir)).unwrap();
    assert_eq!(text(&again, first, "Home.md").as_deref(), Some("# Home\n"));
    let names: Vec<String> = again.files(second).unwrap().files.into_iter().map(|f| f.path).collect();
    assert_eq!(names, ["Home.md", "a/b/c.txt", "Ünï cødé/a b.md"]);
    assert_eq!(again.revision(first).unwrap().0.message, "First\n\nbody");
}

#[test]
fn a_moved_branch_is_lost_and_nothing_changes() {
    let (dir, repo) = new_repo();
    let first = won(&repo, &[put("a.md", "1")], "1");
    let foreign =
        git(&path(&dir), &["-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "pushed"]);
    git(&path(&dir), &["update-ref", "refs/heads/main", foreign.trim()]);
    let current = Some(RevisionId::parse(foreign.trim()).unwrap());
    assert_eq!(repo.commit(Some(first), &[put("a.md", "2")], &meta("2")).unwrap(), CommitOutcome::Lost { current });
    assert_eq!(repo.commit(None, &[put("a.md", "2")], &meta("2")).unwrap(), CommitOutcome::Lost { current });
    assert_eq!(repo.head().unwrap(), current);
    git(&path(&dir), &["pack-refs", "--all"]);
    assert_eq!(Repo::open(&path(&dir)).unwrap().head().unwrap(), current, "a packed ref is found");
    won(&repo, &[put("a.md", "3")], "3");
    assert_eq!(git(&path(&dir), &["show", "HEAD:a.md"]), "3");
}

/// `exists` may answer from a pack that git has removed since: what a commit needs is written again rather than trusted to be there.
#[test]
fn what_git_pruned_meanwhile_is_written_again() {
    let (dir, repo) = new_repo();
    let first = won(&repo, &[put("a.md", "1"), put("d/b.md", "B")], "1");
    let second = won(&repo, &[put("a.md", "two"), put("d/b.md", "other")], "2");
    won(&repo, &[put("large.bin", &"x".repeat(80_000))], "3");
    // Read from the packs, so that their indexes are open.
    assert_eq!(text(&repo, second, "d/b.md").as_deref(), Some("other"));
    assert_eq!(text(&repo, first, "d/b.md").as_deref(), Some("B"));
    git(&path(&dir), &["update-ref", "refs/heads/main", &first.to_string()]);
    git(&path(&dir), &["gc", "--quiet", "--prune=now"]);
    won(&repo, &[put("a.md", "two"), put("d/b.md", "other")], "2 again");
    git(&path(&dir), &["fsck", "--strict"]);
    assert_eq!(git(&path(&dir), &["show", "HEAD:d/b.md"]), "other");
    let last = won(&repo, &[put("a.md", "1")], "4");
    git(&path(&dir), &["update-ref", "refs/heads/main", &first.to_string()]);
    git(&path(&dir), &["gc", "--quiet", "--prune=now"]);
    won(&repo, &[put("d/b.md", "other")], "the tree of 4");
    assert_eq!(git(&path(&dir), &["rev-parse", "HEAD^{tree}"]).trim().len(), last.to_string().len());
    git(&path(&dir), &["fsck", "--strict"]);
}

#[test]
fn the_same_tree_makes_no_commit() {
    let (_dir, repo) = new_repo();
    let first = won(&repo, &[put("a.md", "1")], "1");
    assert_eq!(repo.commit(Some(first), &[put("a.md", "1")], &meta("again")).unwrap(), CommitOutcome::Unchanged(first));
}

#[test]
fn moves_and_removals() {
    let (dir, repo) = new_repo();
    won(&repo, &[put("a.md", "A\n"), put("b.md", "B\n"), put("d/x.md", "X\n"), put("d/y.png", "Y")], "all");
    let mv = |from: &str, to: &str| FileChange::Move { from: from.into(), to: to.into() };
    // Two files change places, a directory moves.
    let swapped = won(&repo, &[mv("a.md", "b.md"), mv("b.md", "a.md"), mv("d/x.md", "e/f/x.md"), mv("d/y.png", "e/f/y.png")], "swap");
    assert_eq!((text(&repo, swapped, "a.md").as_deref(), text(&repo, swapped, "b.md").as_deref()), (Some("B\n"), Some("A\n")));
    assert_eq!(text(&repo, swapped, "d/x.md"), None);
    let empty = won(&repo, &["a.md", "b.md", "e/f/x.md", "e/f/y.png"].map(|f| FileChange::Remove { file: f.into() }), "gone");
    assert!(repo.files(empty).unwrap().files.is_empty());
    git(&path(&dir), &["fsck", "--strict"]);
    won(&repo, &[put("a.md", "back\n")], "back");
    assert!(repo.commit(repo.head().unwrap(), &[mv("nowhere.md", "x.md")], &meta("x")).is_err());
}

#[test]
fn writers_race_and_none_is_lost() {
    let (dir, repo) = new_repo();
    won(&repo, &[put("start.md", "s")], "start");
    std::thread::scope(|threads| {
        for writer in 0..4 {
            let repo = &repo;
            threads.spawn(move || {
                for i in 0..10 {
                    let change = [put(&format!("{writer}-{i}.md"), "x")];
                    // Bounded: every loss means that somebody else won.
                    let done = (0..200).any(|_| match repo.commit(repo.head().unwrap(), &change, &meta("race")) {
                        Ok(CommitOutcome::Won(_)) => true,
                        Ok(CommitOutcome::Lost { .. }) => false,
                        Ok(other) => panic!("{other:?}"),
                        Err(error) => {
                            assert_eq!(error.kind, ErrorKind::Busy);
                            false
                        }
                    });
                    assert!(done);
                }
            });
        }
    });
    assert_eq!(git(&path(&dir), &["rev-list", "--count", "HEAD"]).trim(), "41");
    assert_eq!(repo.files(repo.head().unwrap().unwrap()).unwrap().files.len(), 41);
    git(&path(&dir), &["fsck", "--strict"]);
}

#[test]
fn packs_are_folded_and_everything_stays() {
    let (dir, repo) = new_repo();
    let old_handle = Repo::open(&path(&dir)).unwrap();
    let ids: Vec<RevisionId> = (0..70).map(|i| won(&repo, &[put("a.md", &format!("{i}\n"))], &format!("{i}"))).collect();
    assert_eq!(text(&old_handle, ids[3], "a.md").as_deref(), Some("3\n"));
    assert!(repo.wants_fold());
    let folded = repo.fold_packs().unwrap();
    assert!(folded.merged >= 64, "{folded:?}");
    let packs = std::fs::read_dir(path(&dir).join("objects/pack"))
        .unwrap()
        .flatten()
        .filter(|e| e.path().extension().is_some_and(|x| x == "pack"))
        .count();
    assert!(packs <= 10, "{packs} packs");
    git(&path(&dir), &["fsck", "--strict"]);
    for handle in [&repo, &old_handle, &Repo::open(&path(&dir)).unwrap()] {
        for (i, id) in ids.iter().enumerate() {
            assert_eq!(text(handle, *id, "a.md"), Some(format!("{i}\n")));
        }
    }
    won(&repo, &[put("a.md", "after\n")], "after");
    assert_eq!(repo.fold_packs().unwrap().merged, 0, "nothing is left to fold");
}

#[test]
fn leftovers_of_a_crash_are_removed() {
    let (dir, repo) = new_repo();
    won(&repo, &[put("a.md", "1")], "1");
    let leftovers = ["refs/heads/main.lock", "objects/pack/tmp_pack_1", "objects/pack/tmp_idx_1"].map(|f| path(&dir).join(f));
    leftovers.iter().for_each(|f| std::fs::write(f, "half").unwrap());
    assert_eq!(
        repo.commit(repo.head().unwrap(), &[put("a.md", "2")], &meta("2")).unwrap_err().kind,
        ErrorKind::Busy,
        "a held lock is respected"
    );
    drop(repo);
    let repo = Repo::open(&path(&dir)).unwrap();
    assert!(leftovers.iter().all(|f| !f.exists()));
    won(&repo, &[put("a.md", "2")], "2");
    std::fs::write(path(&dir).join("objects/info/alternates"), "/elsewhere").unwrap();
    assert!(Repo::open(&path(&dir)).is_err());
}

#[test]
fn revisions_are_resolved_inside_the_history_alone() {
    let (dir, repo) = new_repo();
    let first = won(&repo, &[put("a.md", "1")], "1");
    let blob = git(&path(&dir), &["rev-parse", "HEAD:a.md"]);
    let dropped = git(&path(&dir), &["-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", "HEAD^{tree}", "-m", "dropped"]);
    let resolve = |text: &str| repo.resolve(&RevisionPrefix::parse(text.trim()).unwrap());
    assert_eq!(resolve(&first.short(7)).unwrap(), first);
    for other in [blob.as_str(), dropped.as_str(), "0000000"] {
        assert_eq!(resolve(other).unwrap_err().kind, ErrorKind::NotFound);
    }
}

/// A history with everything in it, made by git: renames, a merge, symlinks, odd names, an executable file, no final newline in messages.
fn messy(dir: &Path) {
    let git = |args: &[&str]| git(dir, args);
    let write = |file: &str, text: &str| {
        std::fs::create_dir_all(dir.join(file).parent().unwrap()).unwrap();
        std::fs::write(dir.join(file), text).unwrap();
    };
    git(&["init", "-q", "-b", "trunk", "."]);
    git(&["config", "user.name", "M"]);
    git(&["config", "user.email", "m@example.org"]);
    write("one.md", "a\nb\nc\nd\n");
    write("dir/ünï.md", "u\n");
    write("run.sh", "#!/bin/sh\n");
    std::os::unix::fs::symlink("one.md", dir.join("alias.md")).unwrap();
    git(&["add", "-A"]);
    git(&["update-index", "--chmod=+x", "run.sh"]);
    git(&["commit", "-q", "-m", "first"]);
    git(&["mv", "one.md", "dir/two.md"]);
    write("dir/two.md", "a\nb\nc\nD\n");
    git(&["commit", "-q", "-am", "rename with a change"]);
    git(&["checkout", "-q", "-b", "side"]);
    write("side.md", "s\n");
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "on the side"]);
    git(&["checkout", "-q", "trunk"]);
    write("dir/ünï.md", "u\nu\n");
    git(&["commit", "-q", "-am", "on the trunk"]);
    git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    git(&["rm", "-q", "run.sh"]);
    git(&["commit", "-q", "-m", "gone"]);
}

#[test]
fn a_history_comes_in_whole_and_the_log_is_the_same_either_way() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    std::fs::create_dir(&source).unwrap();
    messy(&source);
    let imported = import_from(source.to_str().unwrap(), &path(&dir), &mut |_, _| {}).unwrap();
    let repo = Repo::open(&path(&dir)).unwrap();
    assert_eq!(repo.branch(), "trunk");
    assert_eq!(repo.head().unwrap(), imported.head);
    let head = imported.head.unwrap();
    assert_eq!(head.to_string(), git(&source, &["rev-parse", "HEAD"]).trim());
    let alias = repo.read(head, "alias.md").unwrap().unwrap();
    assert_eq!(alias.mode, FileMode::Symlink);

    let whole = repo.log(None, head).unwrap();
    let order = git(&source, &["log", "--reverse", "--format=%H"]);
    assert_eq!(whole.iter().map(|e| e.revision.id.to_string()).collect::<Vec<_>>(), order.lines().collect::<Vec<_>>());
    for entry in &whole {
        // Commit by commit, in this process, says the same.
        if let [parent] = entry.parents.as_slice() {
            let mut changes = repo.changes(Some(*parent), entry.revision.id).unwrap();
            changes.sort_by(|a, b| a.change.file.cmp(&b.change.file));
            assert_eq!(changes, entry.changes, "{}", entry.revision.message);
        }
    }
    assert!(
        whole
            .iter()
            .any(|e| e.changes.iter().any(|c| matches!(&c.change.kind, holt_core::ChangeKind::Renamed { from } if from == "one.md")))
    );
    assert!(whole.iter().any(|e| e.parents.len() == 2 && e.changes.is_empty()));
    won(&repo, &[put("dir/two.md", "new\n")], "goes on");
    git(&path(&dir), &["fsck", "--strict"]);
    assert!(import_from("/nowhere", &dir.path().join("x.git"), &mut |_, _| {}).is_err());
}

/// The order that security.md §3 measured: contents, directory, then the ref. Watched from outside.
#[test]
fn everything_is_synced_before_the_ref_moves() {
    let child = "HOLT_TEST_COMMIT_IN";
    if let Ok(dir) = std::env::var(child) {
        let repo = Repo::open(Path::new(&dir)).unwrap();
        won(&repo, &[put("a.md", "2")], "2");
        return;
    }
    let (dir, repo) = new_repo();
    won(&repo, &[put("a.md", "1")], "1");
    drop(repo);
    let trace = dir.path().join("trace");
    let run = std::process::Command::new("strace")
        .args(["-f", "-y", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "repo::everything_is_synced_before_the_ref_moves"])
        .env(child, path(&dir))
        .output();
    let Ok(run) = run else { holt_testkit::skip!("strace is not installed") };
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let trace = std::fs::read_to_string(trace).unwrap();
    let at = |needle: &[&str]| {
        let found = trace.lines().position(|line| needle.iter().all(|n| line.contains(n)));
        found.unwrap_or_else(|| panic!("{needle:?} never happens in\n{trace}"))
    };
    let moved = at(&["rename", "main.lock"]);
    assert!(at(&["fsync", "tmp_pack_"]) < at(&["rename", "tmp_pack_"]));
    assert!(at(&["fsync", "tmp_idx_"]) < at(&["rename", "tmp_idx_"]));
    assert!(at(&["fsync", "main.lock"]) < moved);
    assert!(at(&["rename", "tmp_idx_"]) < at(&["fsync", "objects/pack>"]));
    assert!(at(&["fsync", "objects/pack>"]) < moved);
    assert!(moved < at(&["fsync", "refs/heads>"]));
    // A budget: five syncs a save, three of them at once.
    assert_eq!(trace.lines().filter(|l| l.contains("sync(")).count(), 5, "{trace}");
}
