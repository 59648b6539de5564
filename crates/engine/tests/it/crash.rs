//! The crash table of ARCHITECTURE.md: the process dies at a named point of a save, and the next start puts everything right.
//!
//! The save runs in a child process (this test binary again) that really dies, without destructors.

use crate::git::{clone, commit, push_as};
use crate::wikis::{new_engine, page_text, people, save_text};
use holt_core::{Actor, PagePath, WikiName};
use holt_engine::db::preferences::Audience;
use holt_engine::failpoint::{Action, arm};
use holt_engine::pages::git::PushLimits;
use holt_engine::{Read, Write, pages, sync};
use std::path::Path;
use std::process::Command;

const DIR: &str = "HOLT_CRASH_DIR";
const POINT: &str = "HOLT_CRASH_POINT";
const WORK: &str = "HOLT_CRASH_WORK";

/// Every row of the table, and whether the save is there after the restart. `true` rows died after the ref had moved.
const ROWS: &[(&str, bool)] = &[
    ("write.marked", false),
    ("repo.before-sync", false),
    ("repo.synced", false),
    ("repo.pack-renamed", false),
    ("repo.before-ref", false),
    ("repo.ref-renamed", true),
    ("write.committed", true),
    ("write.indexed", true),
    ("publish.pages", true),
];

/// What the child does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Work {
    Save,
    Propose,
    /// A proposal that was made before.
    Accept,
    /// HEAD of the clone `mine`, by force if it takes that.
    Push,
}

/// Not a test of its own: the child. Without its environment it does nothing.
#[test]
fn child() {
    let (Ok(dir), Ok(work), Ok(point)) = (std::env::var(DIR), std::env::var(WORK), std::env::var(POINT)) else { return };
    let dir = Path::new(&dir);
    let engine = new_engine(&dir.join("data"));
    let wiki = engine.wiki_named("docs").unwrap();
    let work = [Work::Save, Work::Propose, Work::Accept, Work::Push].into_iter().find(|known| format!("{known:?}") == work).unwrap();
    if work == Work::Accept {
        propose(&wiki, "# Home\n\nProposed.\n");
    }
    arm(Box::leak(point.clone().into_boxed_str()), Action::Abort);
    match work {
        Work::Save => {
            save_text(&wiki, "Home", "# Home\n\nSecond, links to [[Other]].\n");
        }
        Work::Propose => {
            propose(&wiki, "# Home\n\nProposed.\n");
        }
        Work::Accept => {
            accept(&wiki, 1);
        }
        Work::Push => {
            push_as(&wiki, &people("ann"), &dir.join("mine"), "refs/heads/main", PushLimits::default());
        }
    }
    unreachable!("{point} was not passed");
}

/// A data directory below `dir` with the wiki `docs` and a page, and perhaps more.
fn prepare(dir: &Path, more: impl FnOnce(&holt_engine::Wiki)) {
    let engine = new_engine(&dir.join("data"));
    let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
    save_text(&wiki, "Home", "# Home\n\nFirst.\n");
    more(&wiki);
    engine.settle_all().unwrap();
}

/// Lets a child die at `point` of its work.
fn die(dir: &Path, work: Work, point: &str) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture"])
        .env(DIR, dir)
        .env(WORK, format!("{work:?}"))
        .env(POINT, point)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr);
    assert!(!child.status.success() && !said.contains("panicked"), "{work:?} at {point}: the child must die there: {said}");
}

#[test]
fn every_row_of_the_crash_table_recovers() {
    for (point, survives) in ROWS {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path(), |wiki| {
            save_text(wiki, "Other", "# Other\n");
        });
        die(dir.path(), Work::Save, point);

        let engine = new_engine(&dir.path().join("data"));
        let interrupted = engine.interrupted().unwrap();
        assert_eq!(interrupted.len(), 1, "{point}: the dirty mark outlives the process");
        engine.recover(interrupted[0]).unwrap();
        let wiki = engine.wiki_named("docs").unwrap();
        let text = page_text(&wiki, "Home").unwrap();
        assert_eq!(text.contains("Second"), *survives, "{point}");
        assert_eq!(sync::check(&wiki).unwrap(), Vec::<String>::new(), "{point}: everything stands at HEAD");
        assert_eq!(engine.directory().dirty_wikis().unwrap().len(), 0, "{point}: the mark is gone");

        // Derived data equals what a rebuild makes of the same repository.
        let incremental = (wiki.index_dump().unwrap(), published(&engine, &wiki));
        sync::rebuild(&wiki).unwrap();
        assert_eq!(incremental, (wiki.index_dump().unwrap(), published(&engine, &wiki)), "{point}");

        // And the wiki takes the next save.
        save_text(&wiki, "Home", "# Home\n\nThird.\n");
        assert!(page_text(&wiki, "Home").unwrap().contains("Third"), "{point}");
    }
}

/// Rows of the table about proposals, and where each is passed. What nobody was told of is not there; what was committed is accepted.
const PROPOSAL_ROWS: &[(&str, Work)] = &[
    ("repo.before-sync", Work::Propose),
    ("repo.before-ref", Work::Propose),
    ("repo.ref-renamed", Work::Propose),
    ("proposal.ref", Work::Propose),
    ("proposal.intended", Work::Accept),
    ("proposal.committed", Work::Accept),
];

fn propose(wiki: &holt_engine::Wiki, text: &str) -> i64 {
    let ann = people("ann");
    let scope = wiki.grant::<Write>(&ann).unwrap().proposing();
    let base = pages::page(&scope.narrow(), &PagePath::parse("Home").unwrap()).unwrap().unwrap().page.revision;
    let edit = holt_core::Edit::new(PagePath::parse("Home").unwrap(), Some(base), text.into(), "").unwrap();
    pages::save(&scope, &edit, None).unwrap_err().proposal().unwrap().number
}

fn accept(wiki: &holt_engine::Wiki, number: i64) -> pages::proposals::Accepted {
    let ann = people("ann");
    let scope = wiki.grant::<Write>(&ann).unwrap();
    let seen = pages::proposals::view(&scope.narrow(), number).unwrap().seen;
    pages::proposals::accept(&scope, number, seen, &Default::default(), "").unwrap()
}

#[test]
fn a_proposal_is_there_or_not_and_accepted_or_not() {
    use pages::proposals::{ProposalFilter, ProposalStatus, list};
    for (point, work) in PROPOSAL_ROWS {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path(), |_| ());
        die(dir.path(), *work, point);

        let engine = new_engine(&dir.path().join("data"));
        for id in engine.interrupted().unwrap() {
            engine.recover(id).unwrap();
        }
        let wiki = engine.wiki_named("docs").unwrap();
        let ann = people("ann");
        let scope = wiki.grant::<Read>(&ann).unwrap();
        let found = list(&scope, ProposalFilter::default(), None, 10).unwrap().proposals;
        let committed = *point == "proposal.committed";
        assert_eq!(page_text(&wiki, "Home").unwrap().contains("Proposed"), committed, "{point}");
        if *work == Work::Propose {
            assert_eq!(found.len(), 0, "{point}: nobody was told of it");
        } else {
            let status = if committed { ProposalStatus::Accepted } else { ProposalStatus::Open };
            assert_eq!(found.iter().map(|p| (p.number, p.status)).collect::<Vec<_>>(), [(1, status)], "{point}");
        }
        // The queue goes on where it was.
        let number = if *work == Work::Propose { propose(&wiki, "# Home\n\nProposed.\n") } else { 1 };
        let done = accept(&wiki, number);
        assert_eq!((number, done.status), (1, ProposalStatus::Accepted), "{point}");
        assert!(page_text(&wiki, "Home").unwrap().contains("Proposed"), "{point}");
        assert_eq!(pages::changelog(&scope, &pages::Filter::default(), None, 10).unwrap().len(), 2, "{point}: accepted once");
        assert_eq!(sync::check(&wiki).unwrap(), Vec::<String>::new(), "{point}");
    }
}

/// Every page as it is published.
pub fn published(engine: &holt_engine::Engine, wiki: &holt_engine::Wiki) -> Vec<String> {
    let keys = engine.fragments().pages(wiki.id()).unwrap();
    let mut pages: Vec<String> =
        keys.iter().map(|key| format!("{:?}", engine.fragments().page(wiki.id(), key).unwrap().unwrap())).collect();
    pages.sort();
    pages
}

/// Rows of the table about pushes, and whether the push is there after the restart.
const PUSH_ROWS: &[(&str, bool)] = &[
    ("push.received", false),
    ("write.marked", false),
    ("push.packs-named", false),
    ("repo.before-ref", false),
    ("repo.ref-renamed", true),
    ("write.committed", true),
    ("write.indexed", true),
    ("publish.pages", true),
];

#[test]
fn a_push_is_there_or_not() {
    for (point, survives) in PUSH_ROWS {
        let dir = tempfile::tempdir().unwrap();
        let mine = dir.path().join("mine");
        prepare(dir.path(), |wiki| clone(wiki, &mine));
        commit(&mine, "Home.md", "# Home\n\nSecond, links to [[Other]].\n");
        commit(&mine, "Other.md", "# Other\n");
        die(dir.path(), Work::Push, point);

        let engine = new_engine(&dir.path().join("data"));
        for id in engine.interrupted().unwrap() {
            engine.recover(id).unwrap();
        }
        let wiki = engine.wiki_named("docs").unwrap();
        assert_eq!(page_text(&wiki, "Home").unwrap().contains("Second"), *survives, "{point}");
        assert_eq!(page_text(&wiki, "Other").is_some(), *survives, "{point}: all of it or nothing");
        assert_eq!(sync::check(&wiki).unwrap(), Vec::<String>::new(), "{point}: everything stands at HEAD");
        assert!(!wiki.repo_path().join("incoming").exists(), "{point}: nothing is left of it");
        // Whoever heard nothing pushes again: it is taken, or it is there already.
        if !survives {
            let pushed = push_as(&wiki, &people("ann"), &mine, "refs/heads/main", PushLimits::default());
            assert!(pushed.moved.is_some(), "{point}: {}", String::from_utf8_lossy(&pushed.answer));
        }
        assert!(page_text(&wiki, "Other").is_some(), "{point}");
        assert_eq!(sync::check(&wiki).unwrap(), Vec::<String>::new(), "{point}");
    }
}

/// The same of a push that replaces the history: what there was is there, or kept.
#[test]
fn a_history_is_replaced_or_not() {
    for (point, replaced) in [("push.tip-kept", false), ("repo.before-ref", false), ("repo.ref-renamed", true), ("write.indexed", true)] {
        let dir = tempfile::tempdir().unwrap();
        let mine = dir.path().join("mine");
        prepare(dir.path(), |wiki| {
            save_text(wiki, "Old", "# Old\n");
            let scope = wiki.grant::<holt_engine::Admin>(&Actor::System).unwrap();
            pages::set_preferences(&scope, &[(pages::git::FORCE_SWITCH, "True")]).unwrap();
            clone(wiki, &mine);
        });
        holt_testkit::git(&mine, &["reset", "--quiet", "--hard", "HEAD~1"]);
        commit(&mine, "New.md", "# New\n");
        die(dir.path(), Work::Push, point);

        let engine = new_engine(&dir.path().join("data"));
        engine.interrupted().unwrap().into_iter().for_each(|id| engine.recover(id).unwrap());
        let wiki = engine.wiki_named("docs").unwrap();
        assert_eq!((page_text(&wiki, "New").is_some(), page_text(&wiki, "Old").is_some()), (replaced, !replaced), "{point}");
        assert_eq!(sync::check(&wiki).unwrap(), Vec::<String>::new(), "{point}: everything stands at HEAD");
        if !replaced {
            assert!(push_as(&wiki, &people("ann"), &mine, "refs/heads/main", PushLimits::default()).replaced, "{point}: again");
        }
        let kept = holt_testkit::git(&wiki.repo_path(), &["for-each-ref", "--format=%(objectname)", "refs/holt/replaced"]);
        let old = holt_testkit::git(&mine, &["rev-parse", "origin/main"]);
        assert_eq!(kept, old, "{point}");
        assert_eq!((page_text(&wiki, "New").is_some(), page_text(&wiki, "Old")), (true, None), "{point}");
        assert_eq!(sync::check(&wiki).unwrap(), Vec::<String>::new(), "{point}");
    }
}

/// A step after the commit may fail without dying: the save is acknowledged, and the next read catches up.
#[test]
fn a_save_is_acknowledged_although_the_index_could_not_follow() {
    for point in ["write.committed", "write.indexed", "publish.pages"] {
        let dir = tempfile::tempdir().unwrap();
        let engine = new_engine(dir.path());
        let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
        arm(point, Action::Fail);
        save_text(&wiki, "Home", "# Home\n\notters\n");
        holt_engine::failpoint::disarm();
        let actor = Actor::System;
        let scope = wiki.grant::<Read>(&actor).unwrap();
        assert_eq!(pages::search(&scope, "otters", 0, 10).unwrap().hits.len(), 1, "{point}");
        sync::catch_up(&wiki).unwrap();
        assert_eq!(sync::check(&wiki).unwrap(), Vec::<String>::new(), "{point}");
    }
}

/// A step before the ref moves fails: an error, and nothing has changed.
#[test]
fn a_failed_save_leaves_nothing_behind() {
    for (point, survives) in ROWS.iter().filter(|(_, survives)| !survives) {
        let dir = tempfile::tempdir().unwrap();
        let engine = new_engine(dir.path());
        let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
        save_text(&wiki, "Home", "# Home\n");
        let before = files(&wiki.repo_path());
        let actor = people("ann");
        let scope = wiki.grant::<Write>(&Actor::System).unwrap();
        let base = pages::page(&scope.narrow(), &PagePath::parse("Home").unwrap()).unwrap().unwrap().page.revision;
        let edit = holt_core::Edit::new(PagePath::parse("Home").unwrap(), Some(base), "new\n".into(), "").unwrap();
        arm(point, Action::Fail);
        let result = pages::save(&scope, &edit, None);
        holt_engine::failpoint::disarm();
        assert!(result.is_err() && !survives, "{point} as {actor:?}");
        let left: Vec<String> = files(&wiki.repo_path()).into_iter().filter(|f| !before.contains(f)).collect();
        assert!(left.iter().all(|f| f.contains("objects/pack/pack-")), "{point} left {left:?}");
        assert_eq!(page_text(&wiki, "Home").unwrap(), "# Home\n", "{point}");
        save_text(&wiki, "Home", "# Home again\n");
    }
}

fn files(dir: &Path) -> Vec<String> {
    let out = Command::new("find").arg(".").args(["-type", "f"]).current_dir(dir).output().unwrap();
    let mut files: Vec<String> = String::from_utf8_lossy(&out.stdout).lines().map(str::to_string).collect();
    files.sort();
    files
}
