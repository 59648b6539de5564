//! Several pages in one commit, all or nothing; and what programs are held to.

use crate::comments::{approved, docs, join, path};
use crate::wikis::{page_text, people, save_text};
use holt_core::{
    AccessLevel, Action, Actor, AttachmentName, Edit, ErrorKind, Handling, MemberFlags, OpId, Person, Program, RevisionId, SaveOutcome,
    SubtreeRule, SubtreeRules,
};
use holt_engine::db::preferences::path_access_text;
use holt_engine::pages::{
    self, Backlinks, Batch, Existing, Expect, Fault, Filter, Operation, OperationKind, RenameOutcome, SideFiles, Subpages,
};
use holt_engine::{Admin, Read, Upload, Wiki, Write};

fn operation(page: &str, expect: Expect, kind: OperationKind) -> Operation {
    Operation { path: path(page), expect, kind }
}

fn put(page: &str, expect: Expect, text: &str) -> Operation {
    operation(page, expect, OperationKind::Put(text.into()))
}

fn replace(page: &str, old: &str, new: &str) -> Operation {
    operation(page, Expect::Present, OperationKind::Replace { old: old.into(), new: new.into() })
}

fn run(wiki: &Wiki, operations: &[Operation]) -> holt_core::Result<Batch> {
    let ann = people("ann");
    pages::change_pages(&wiki.grant::<Write>(&ann).unwrap(), operations, "All of it")
}

fn commits(wiki: &Wiki) -> usize {
    let system = Actor::System;
    pages::changelog(&wiki.grant::<Read>(&system).unwrap(), &Filter::default(), None, 200).unwrap().len()
}

#[test]
fn all_of_it_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let a = save_text(&wiki, "A", "one\n").revision;
    save_text(&wiki, "B", "two\n");
    let before = commits(&wiki);
    let unknown = RevisionId::parse(&"1".repeat(40)).unwrap();
    for (last, kind) in [
        (replace("B", "nothing", "x"), Some(ErrorKind::Invalid)),
        (replace("B", "", "x"), Some(ErrorKind::Invalid)),
        (put("a", Expect::Present, "twice"), Some(ErrorKind::Invalid)),
        (put("x/history", Expect::Absent, "no such name"), Some(ErrorKind::Invalid)),
        (put("C", Expect::Absent, &"x".repeat(1024 * 1024 + 1)), Some(ErrorKind::TooLarge)),
        (put("B", Expect::As(unknown), "x"), None),
        (put("B", Expect::Absent, "x"), None),
        (put("Nowhere", Expect::Present, "x"), None),
    ] {
        let result = run(&wiki, &[put("A", Expect::As(a), "1\n"), put("New", Expect::Absent, "n"), last.clone()]);
        match kind {
            Some(kind) => {
                assert!(matches!(result.unwrap(), Batch::Refused { at: 2, problem, .. } if problem.kind == kind), "{last:?}");
            }
            None => assert!(matches!(result.unwrap(), Batch::Stale { at: 2, .. }), "{last:?}"),
        }
        assert_eq!((page_text(&wiki, "A").unwrap(), page_text(&wiki, "New"), commits(&wiki)), ("one\n".into(), None, before));
    }
    let done = run(&wiki, &[put("a", Expect::As(a), "1\n"), put("New", Expect::Absent, "n"), replace("B", "two", "2")]).unwrap();
    assert!(matches!(done, Batch::Done { changed: true, ref paths, .. } if paths[0] == path("A")));
    assert_eq!((page_text(&wiki, "A").unwrap(), page_text(&wiki, "B").unwrap(), commits(&wiki)), ("1\n".into(), "2\n".into(), before + 1));
    // What it said then it does not say now; who changed it elsewhere in the wiki does not matter.
    assert!(matches!(run(&wiki, &[put("A", Expect::As(a), "x")]).unwrap(), Batch::Stale { at: 0, current: Some(_) }));
    let elsewhere = save_text(&wiki, "B", "3\n").revision;
    assert!(matches!(run(&wiki, &[put("A", Expect::As(elsewhere), "x")]).unwrap(), Batch::Done { .. }));
}

#[test]
fn a_page_goes_with_its_files_and_without_those_below() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let system = Actor::System;
    for page in ["A", "A/Below", "K"] {
        save_text(&wiki, page, "x");
        let file = (AttachmentName::parse("f.txt").unwrap(), b"f".to_vec());
        pages::upload(&wiki.grant::<Upload>(&system).unwrap(), &path(page), &[file], Existing::Replace, "").unwrap();
    }
    let gone = |page: &str, files| operation(page, Expect::Present, OperationKind::Delete(files));
    run(&wiki, &[gone("A", SideFiles::Delete), gone("K", SideFiles::Keep)]).unwrap();
    let files = |page: &str| pages::attachments(&wiki.grant::<Read>(&system).unwrap(), &path(page)).unwrap().len();
    assert_eq!((page_text(&wiki, "A"), page_text(&wiki, "K"), page_text(&wiki, "A/Below")), (None, None, Some("x".into())));
    assert_eq!((files("A"), files("K"), files("A/Below")), (0, 1, 1));
}

#[test]
fn what_is_closed_to_the_writer_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let bob = join(&engine, &wiki, "bob", MemberFlags { allow_write: true, ..approved() });
    save_text(&wiki, "Staff/Plan", "secret\n");
    let closed = AccessLevel::Admin;
    let rule = SubtreeRule { path: path("Staff"), read: closed, write: closed, readers: [].into(), writers: [].into() };
    let text = path_access_text(&SubtreeRules::new(vec![rule]));
    pages::set_preferences(&wiki.grant::<Admin>(&Actor::System).unwrap(), &[("PATH_ACCESS", &text)]).unwrap();
    for last in [put("Staff/Plan", Expect::Present, "x"), put("Staff/New", Expect::Absent, "x"), replace("staff/plan", "secret", "x")] {
        let operations = [put("Open", Expect::Absent, "x"), last];
        let refused = pages::change_pages(&wiki.grant::<Write>(&bob).unwrap(), &operations, "m").unwrap();
        assert!(matches!(refused, Batch::Refused { at: 1, about: Fault::Page, problem } if problem.kind == ErrorKind::Denied));
        assert_eq!(page_text(&wiki, "Open"), None);
    }
    // Nor do links tell of it.
    save_text(&wiki, "Open", "[[Staff/Plan]]");
    let scope = wiki.grant::<Read>(&bob).unwrap();
    let names = |paths: Vec<holt_core::PagePath>| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        names(pages::list(&scope, &pages::ListFilter::default(), None, 100).unwrap().pages.into_iter().map(|page| page.path).collect()),
        ["Open"]
    );
    assert!(pages::links_of(&scope, &path("Staff/Plan")).unwrap().to.is_empty());
    let graph = pages::graph(&scope).unwrap();
    assert!(graph.edges.iter().all(|(from, _)| graph.nodes[*from] == path("Open")));
}

#[test]
fn a_program_is_named_and_held_to_its_ceiling() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let through = |ceiling, name: &str| {
        let Actor::Person(person) = people("ann") else { unreachable!() };
        Actor::Person(Person {
            through: Some(Program { name: name.into(), ceiling, handling: Handling::Direct, within: None, session: None }),
            ..person
        })
    };
    let reader = through(Action::Read, "api/x");
    assert_eq!(wiki.grant::<Write>(&reader).err().unwrap().kind, ErrorKind::Denied);
    assert!(wiki.grant::<Read>(&reader).is_ok() && !wiki.may_at(&reader, Action::Write, &path("A").key()).unwrap());
    let writer = through(Action::Upload, "api/back\nHolt-Op: up");
    assert_eq!(wiki.grant::<Admin>(&writer).err().unwrap().kind, ErrorKind::Denied);
    let scope = wiki.grant::<Write>(&writer).unwrap();
    pages::change_pages(&scope, &[put("A", Expect::Absent, "x")], "Why\n\nVia: somebody/else").unwrap();
    let last = pages::page(&scope.narrow(), &path("A")).unwrap().unwrap().last_change;
    assert_eq!((last.via(), last.author.name()), (Some("api/backHolt-Op: up"), "ann"));
}

/// What of two threads that start together each brought about.
fn at_once<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B) {
    let start = std::sync::Barrier::new(2);
    std::thread::scope(|threads| {
        let one = threads.spawn(|| {
            start.wait();
            one()
        });
        start.wait();
        let other = other();
        (one.join().unwrap(), other)
    })
}

/// What a rename expects and what an upload may not replace is looked at where the commit is made: of two who come at once, one wins.
#[test]
fn what_is_expected_still_holds_at_the_commit() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let (ann, bob) = (people("ann"), people("bob"));
    let mut renamed = 0;
    for round in 0..25 {
        let (from, to) = (path(&format!("Old {round}")), path(&format!("New {round}")));
        let seen = save_text(&wiki, from.as_str(), "seen\n").revision;
        let edit = Edit::new(from.clone(), Some(seen), "changed\n".into(), "").unwrap();
        let (moved, saved) = at_once(
            || pages::rename_expected(&wiki.grant(&ann).unwrap(), &from, Expect::As(seen), &to, "", Backlinks::Keep).unwrap(),
            || pages::save(&wiki.grant(&bob).unwrap(), &edit, None).unwrap(),
        );
        let (moved, saved) = (matches!(moved, RenameOutcome::Renamed(_)), matches!(saved, SaveOutcome::Saved(_)));
        assert!(moved != saved, "round {round}: a page was renamed that its renamer had not seen: {moved} {saved}");
        renamed += usize::from(moved);

        let file = |content: &str| [(AttachmentName::parse("a.txt").unwrap(), content.as_bytes().to_vec())];
        let add = |who, content| {
            pages::upload(
                &wiki.grant::<Upload>(who).unwrap(),
                &path("Files").child(&format!("{round}")).unwrap(),
                &file(content),
                Existing::Refuse,
                "",
            )
        };
        let (one, other) = at_once(|| add(&ann, "ann"), || add(&bob, "bob"));
        assert!(one.is_ok() != other.is_ok(), "round {round}: {one:?} {other:?}");
    }
    println!("{renamed} of 25 renames came first");
}

#[test]
fn an_operation_is_found_by_its_name_for_a_while() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let ann = people("ann");
    let (op, name) = (OpId::parse("abc.first").unwrap(), OpId::parse("abc").unwrap());
    let scope = || wiki.grant::<Write>(&ann).unwrap().for_operation(Some(&op));
    let found = |name: &OpId, since| pages::done(&scope().narrow::<Read>(), name, since).unwrap();
    assert_eq!(found(&name, 0), None);
    let base = save_text(&wiki, "A", "one\n").revision;
    pages::rename(&scope(), &path("A"), &path("B"), "why", Backlinks::Rewrite).unwrap();
    let done = found(&name, 0).unwrap();
    assert_eq!((done.op.as_str(), done.before, done.changes.len()), ("abc.first", Some(base), 1));
    let at = pages::revision(&scope().narrow(), done.revision).unwrap().time.seconds;
    assert_eq!((found(&name, at - 1).is_some(), found(&name, at)), (true, None), "forgotten");
    for other in ["ab", "abcd", "abc.first", "abb"] {
        assert_eq!(found(&OpId::parse(other).unwrap(), 0), None, "{other}");
    }
}

/// Whatever door a page comes through, it is counted where commits are made.
#[test]
fn no_door_makes_more_pages_than_there_may_be() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let ann = people("ann");
    save_text(&wiki, "A", "one\n");
    save_text(&wiki, "B", "two\n");
    let scope = || wiki.grant::<Write>(&ann).unwrap();
    let gone = pages::delete(&scope(), &path("B"), "", Subpages::Keep).unwrap();
    engine.directory().set_max_pages(wiki.id(), std::num::NonZeroU32::new(1)).unwrap();
    let is_full = |error: holt_core::Error| assert!(error.is_page_limit() && error.kind == ErrorKind::TooLarge, "{error:?}");
    let edit = |page: &str| Edit::new(path(page), None, "x\n".into(), "").unwrap();
    is_full(pages::save(&scope(), &edit("C"), None).unwrap_err());
    is_full(run(&wiki, &[put("C", Expect::Absent, "x")]).unwrap_err());
    is_full(pages::revert(&scope(), gone, "").unwrap_err());
    assert_eq!(commits(&wiki), 3);
    // A file is no page, a page that moves is no new one, in whatever spelling.
    let file = [(AttachmentName::parse("a.txt").unwrap(), b"x".to_vec())];
    pages::upload(&wiki.grant::<Upload>(&ann).unwrap(), &path("A"), &file, Existing::Refuse, "").unwrap();
    pages::rename(&scope(), &path("A"), &path("a"), "", Backlinks::Keep).unwrap();
    pages::rename(&scope(), &path("a"), &path("D"), "", Backlinks::Keep).unwrap();
    run(&wiki, &[put("E", Expect::Absent, "x"), operation("D", Expect::Present, OperationKind::Delete(SideFiles::Delete))]).unwrap();
    engine.directory().set_max_pages(wiki.id(), None).unwrap();
    assert!(pages::save(&scope(), &edit("C"), None).is_ok());
}
