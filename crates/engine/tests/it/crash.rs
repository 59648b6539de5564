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

/// Not a test of its own: the child. Without its environment it does nothing.
#[test]
fn child() {
    let (Ok(dir), Ok(point)) = (std::env::var(DIR), std::env::var(POINT)) else { return };
    let engine = new_engine(Path::new(&dir));
    let wiki = engine.wiki_named("docs").unwrap();
    let (point, _) = ROWS.iter().find(|(name, _)| *name == point).unwrap();
    arm(point, Action::Abort);
    save_text(&wiki, "Home", "# Home\n\nSecond, links to [[Other]].\n");
    unreachable!("{point} was not passed");
}

#[test]
fn every_row_of_the_crash_table_recovers() {
    for (point, survives) in ROWS {
        let dir = tempfile::tempdir().unwrap();
        {
            let engine = new_engine(dir.path());
            let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
            save_text(&wiki, "Home", "# Home\n\nFirst.\n");
            save_text(&wiki, "Other", "# Other\n");
            engine.settle_all().unwrap();
        }
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child", "--nocapture"])
            .env(DIR, dir.path())
            .env(POINT, point)
            .output()
            .unwrap();
        assert!(!child.status.success(), "{point}: the child must die");
        assert!(!String::from_utf8_lossy(&child.stderr).contains("was not passed"), "{point} is never passed");

        let engine = new_engine(dir.path());
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
const PROPOSAL_ROWS: &[(&str, Passed)] = &[
    ("repo.before-sync", Passed::Proposing),
    ("repo.before-ref", Passed::Proposing),
    ("repo.ref-renamed", Passed::Proposing),
    ("proposal.ref", Passed::Proposing),
    ("proposal.intended", Passed::Accepting),
    ("proposal.committed", Passed::Accepting),
];

#[derive(Clone, Copy, PartialEq)]
enum Passed {
    Proposing,
    Accepting,
}

/// The child of the test below.
#[test]
fn proposing_child() {
    let (Ok(dir), Ok(point)) = (std::env::var(DIR), std::env::var(POINT)) else { return };
    let Some((point, passed)) = PROPOSAL_ROWS.iter().find(|(name, _)| *name == point) else { return };
    let engine = new_engine(Path::new(&dir));
    let wiki = engine.wiki_named("docs").unwrap();
    if *passed == Passed::Proposing {
        arm(point, Action::Abort);
    }
    propose(&wiki, "# Home\n\nProposed.\n");
    arm(point, Action::Abort);
    accept(&wiki, 1);
    unreachable!("{point} was not passed");
}

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
    for (point, passed) in PROPOSAL_ROWS {
        let dir = tempfile::tempdir().unwrap();
        {
            let engine = new_engine(dir.path());
            let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
            save_text(&wiki, "Home", "# Home\n\nFirst.\n");
            engine.settle_all().unwrap();
        }
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::proposing_child", "--nocapture"])
            .env(DIR, dir.path())
            .env(POINT, point)
            .output()
            .unwrap();
        assert!(!child.status.success(), "{point}: the child must die");
        assert!(!String::from_utf8_lossy(&child.stderr).contains("panicked"), "{point}: {}", String::from_utf8_lossy(&child.stderr));

        let engine = new_engine(dir.path());
        for id in engine.interrupted().unwrap() {
            engine.recover(id).unwrap();
        }
        let wiki = engine.wiki_named("docs").unwrap();
        let ann = people("ann");
        let scope = wiki.grant::<Read>(&ann).unwrap();
        let found = list(&scope, ProposalFilter::default(), None, 10).unwrap().proposals;
        let committed = *point == "proposal.committed";
        assert_eq!(page_text(&wiki, "Home").unwrap().contains("Proposed"), committed, "{point}");
        match passed {
            Passed::Proposing => assert_eq!(found.len(), 0, "{point}: nobody was told of it"),
            Passed::Accepting => {
                let status = if committed { ProposalStatus::Accepted } else { ProposalStatus::Open };
                assert_eq!(found.iter().map(|p| (p.number, p.status)).collect::<Vec<_>>(), [(1, status)], "{point}");
            }
        }
        // The queue goes on where it was.
        let number = if *passed == Passed::Proposing { propose(&wiki, "# Home\n\nProposed.\n") } else { 1 };
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

/// The child of the test below.
#[test]
fn pushing_child() {
    let (Ok(dir), Ok(point)) = (std::env::var(DIR), std::env::var(POINT)) else { return };
    let Some((point, _)) = PUSH_ROWS.iter().find(|(name, _)| *name == point) else { return };
    let engine = new_engine(&Path::new(&dir).join("data"));
    let wiki = engine.wiki_named("docs").unwrap();
    arm(point, Action::Abort);
    push_as(&wiki, &people("ann"), &Path::new(&dir).join("mine"), "refs/heads/main", PushLimits::default());
    unreachable!("{point} was not passed");
}

#[test]
fn a_push_is_there_or_not() {
    for (point, survives) in PUSH_ROWS {
        let dir = tempfile::tempdir().unwrap();
        let mine = dir.path().join("mine");
        {
            let engine = new_engine(&dir.path().join("data"));
            let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
            save_text(&wiki, "Home", "# Home\n\nFirst.\n");
            engine.settle_all().unwrap();
            clone(&wiki, &mine);
            commit(&mine, "Home.md", "# Home\n\nSecond, links to [[Other]].\n");
            commit(&mine, "Other.md", "# Other\n");
        }
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::pushing_child", "--nocapture"])
            .env(DIR, dir.path())
            .env(POINT, point)
            .output()
            .unwrap();
        assert!(!child.status.success(), "{point}: the child must die");
        assert!(!String::from_utf8_lossy(&child.stderr).contains("panicked"), "{point}: {}", String::from_utf8_lossy(&child.stderr));

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
