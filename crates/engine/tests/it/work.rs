//! What waits for workers, as `holt.db` keeps it: nothing is forgotten, whoever dies when.

use crate::wikis::{docs, save_text};
use holt_core::{Actor, Visibility, WikiId};
use holt_engine::directory::{Directory, NEVER, Outcome, TRIES, Waiting};
use holt_engine::pages::{self, ListFilter};
use holt_engine::{Admin, Engine, EngineOptions, Read, Wiki, sync};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

fn moved(directory: &Directory, seen: i64) -> Vec<WikiId> {
    directory.moved_after(seen, 100).unwrap().into_iter().map(|(wiki, _)| wiki).collect()
}

#[test]
fn who_moved_is_known_by_everybody_who_has_not_seen_it() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    assert!(engine.note_moves().unwrap() | moved(engine.directory(), 0).contains(&wiki.id()));
    let all = engine.directory().moved_after(0, 100).unwrap();
    let seen = all.last().unwrap().1;
    assert_eq!(moved(engine.directory(), seen), []);
    save_text(&wiki, "Page", "one\n");
    save_text(&wiki, "Page", "two\n");
    assert!(engine.has_moves());
    assert_eq!(moved(engine.directory(), seen), [], "nobody noted it yet");
    assert!(engine.note_moves().unwrap());
    assert!(!engine.note_moves().unwrap() && !engine.has_moves());
    assert_eq!((moved(engine.directory(), seen), moved(engine.directory(), 0).len()), (vec![wiki.id()], all.len()), "once, however often");
}

#[test]
fn a_process_that_ends_or_dies_leaves_word_of_what_moved() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    engine.settle_all().unwrap();
    let seen = engine.directory().moved_after(0, 100).unwrap().last().unwrap().1;
    save_text(&wiki, "Page", "one\n");
    engine.settle_all().unwrap();
    assert_eq!(moved(engine.directory(), seen), [wiki.id()], "in good order");
    let seen = engine.directory().moved_after(seen, 100).unwrap().last().unwrap().1;
    save_text(&wiki, "Page", "two\n");
    let id = wiki.id();
    drop((wiki, engine));
    let engine = Engine::open(EngineOptions::new(dir.path(), holt_engine::Clock::new(|| 1_700_000_000))).unwrap();
    assert_eq!(moved(engine.directory(), seen), []);
    assert_eq!(engine.interrupted().unwrap(), [id]);
    assert!(engine.note_moves().unwrap());
    assert_eq!(moved(engine.directory(), seen), [id], "after dying");
}

#[test]
fn what_another_process_publishes_is_read_anew_on_both_sides() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let beside = Engine::beside(EngineOptions::new(dir.path(), holt_engine::Clock::new(|| 1_700_000_000))).unwrap();
    let page = holt_core::PagePath::parse("Page").unwrap().key();
    let published = |engine: &Engine| engine.fragments().page(wiki.id(), &page).unwrap().map(|manifest| manifest.revision);
    let generation = |engine: &Engine| engine.fragments().wiki(wiki.id()).unwrap().unwrap().generation;
    for text in ["one\n", "two\n", "three\n"] {
        let saved = save_text(&wiki, "Page", text).revision;
        assert_eq!((published(&engine), published(&beside)), (Some(saved), Some(saved)));
        assert_eq!(generation(&engine), generation(&beside));
        let saved = save_text(&beside.wiki(wiki.id()), "Page", &format!("{text}more\n")).revision;
        engine.hear_others();
        assert_eq!(
            (published(&engine), published(&beside)),
            (Some(saved), Some(saved)),
            "what a worker writes is seen by the server's readers"
        );
        assert_eq!(generation(&engine), generation(&beside));
    }
}

#[test]
fn what_is_published_without_a_commit_is_a_move_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    save_text(&wiki, "Page", "one\n");
    engine.note_moves().unwrap();
    let seen = engine.directory().moved_after(0, 100).unwrap().last().unwrap().1;
    engine.suspend_wiki(wiki.id()).unwrap();
    engine.note_moves().unwrap();
    assert_eq!(moved(engine.directory(), seen), [wiki.id()], "somebody has to take it off the edges");
}

#[test]
fn what_failed_is_tried_again_and_given_up_until_it_moves() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let (work, id) = (engine.directory(), wiki.id());
    let tries = |now| work.begin_work("care", id, now).unwrap().map(|owed| owed.tries);
    assert_eq!(tries(100), Some(0));
    work.end_work("care", id, &Outcome::Failed { due: 110, tries: 1, error: "why" }).unwrap();
    assert_eq!((work.due_work("care", 109, 9).unwrap(), tries(109)), (vec![], None), "though it moves meanwhile");
    assert_eq!(work.due_work("quota", 200, 9).unwrap(), [], "what one owes is no other's affair");
    assert_eq!((work.due_work("care", 110, 9).unwrap(), tries(110)), (vec![id], Some(1)));
    work.end_work("care", id, &Outcome::Failed { due: NEVER, tries: TRIES, error: "why" }).unwrap();
    assert_eq!(work.due_work("care", i64::MAX - 1, 9).unwrap(), []);
    let poisoned = Waiting { wikis: 0, since: None, failing: 0, poisoned: 1 };
    let seen = work.moved_after(0, 100).unwrap().last().map_or(0, |last| last.1);
    assert_eq!(work.waiting_work("care", seen, 500).unwrap(), poisoned);
    assert_eq!(work.failed_work("care", 9).unwrap()[0].1, "why");
    assert_eq!(tries(500), Some(TRIES), "it moved");
    work.forgive_work("care", 500).unwrap();
    assert_eq!((work.due_work("care", 500, 9).unwrap(), tries(500)), (vec![id], Some(0)));
    work.end_work("care", id, &Outcome::Done).unwrap();
    assert_eq!((work.failed_work("care", 9).unwrap(), work.due_work("care", NEVER - 1, 9).unwrap()), (vec![], vec![]));
}

#[test]
fn what_somebody_asks_for_while_it_is_done_is_not_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let (work, id) = (engine.directory(), wiki.id());
    for outcome in [Outcome::Done, Outcome::At(900)] {
        work.plan_work("mirror", id, 100).unwrap();
        assert!(work.begin_work("mirror", id, 100).unwrap().is_some());
        work.plan_work("mirror", id, 101).unwrap();
        work.end_work("mirror", id, &outcome).unwrap();
        assert_eq!(work.due_work("mirror", 101, 9).unwrap(), [id], "{outcome:?}");
        assert!(work.begin_work("mirror", id, 101).unwrap().is_some());
        work.end_work("mirror", id, &outcome).unwrap();
        assert_eq!(work.due_work("mirror", 101, 9).unwrap(), [], "{outcome:?}");
    }
    assert_eq!(work.due_work("mirror", 900, 9).unwrap(), [id]);
}

#[test]
fn what_a_process_died_at_comes_again_and_later_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let (work, id) = (engine.directory(), wiki.id());
    let mut waits = Vec::new();
    for now in (1_000..).step_by(10_000).take(20) {
        work.abandoned_work("embed", &[id], now).unwrap();
        let due = (0..=4_000).find(|wait| work.due_work("embed", now + wait, 9).unwrap() == [id]).unwrap();
        waits.push(due);
    }
    assert_eq!(waits[..4], [0, 0, 0, 5]);
    assert!(waits.is_sorted() && waits.ends_with(&[3_600]), "never given up: {waits:?}");
}

/// Both processes write: neither loses what the other did, and only one of them has the wiki at a time.
#[test]
fn a_process_beside_takes_turns_with_the_owner() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let beside = Engine::beside(EngineOptions::new(dir.path(), engine.clock().clone())).unwrap();
    assert!(Engine::open(EngineOptions::new(dir.path(), engine.clock().clone())).is_err(), "the owner is one");
    let other = beside.wiki(wiki.id());
    std::thread::scope(|scope| {
        for (wiki, name) in [(&wiki, "Here"), (&other, "There")] {
            scope.spawn(move || {
                for n in 0..20 {
                    save_text(wiki, &format!("{name}/{n}"), &format!("{name} {n}\n"));
                }
            });
        }
    });
    assert_eq!(wiki.head().unwrap(), other.head().unwrap());
    let names = |wiki: &Wiki| -> BTreeSet<String> {
        let scope = wiki.grant::<Read>(&Actor::System).unwrap();
        pages::list(&scope, &ListFilter::default(), None, 100).unwrap().pages.into_iter().map(|page| page.path.to_string()).collect()
    };
    let all = names(&wiki);
    assert_eq!(all, names(&other));
    assert_eq!(all.iter().filter(|name| name.starts_with("Here/") || name.starts_with("There/")).count(), 40, "{all:?}");
    beside.note_moves().unwrap();
    assert!(moved(engine.directory(), 0).contains(&wiki.id()));
}

/// Whoever publishes beside somebody who changes settings must not take the old ones for the new.
#[test]
fn settings_are_published_whoever_publishes_at_the_same_time() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    save_text(&wiki, "Page", "one\n");
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ends.load(Ordering::Acquire) {
                    sync::catch_up(&wiki).unwrap();
                }
            });
        }
        for round in 0..150 {
            let (level, wanted) = if round % 2 == 0 { ("ADMIN", Visibility::Private) } else { ("ANONYMOUS", Visibility::Public) };
            pages::set_preferences(&wiki.grant::<Admin>(&Actor::System).unwrap(), &[("READ_ACCESS", level)]).unwrap();
            let shown = engine.fragments().wiki(wiki.id()).unwrap().unwrap().visibility;
            assert_eq!(shown, wanted, "round {round}");
        }
        ends.store(true, Ordering::Release);
    });
}
