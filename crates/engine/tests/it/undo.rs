//! Undoing what an agent did: the text in which its commits never happened, wherever nobody else touched the same lines; and never a line of
//! others lost.

use crate::comments::{approved, docs, join, path};
use crate::wikis::{page_text, people, save_text};
use holt_core::{
    AccessLevel, Action, Actor, AttachmentName, Edit, ErrorKind, Handling, MemberFlags, Person, Program, RevisionId, SaveOutcome,
    SessionName, SubtreeRule, SubtreeRules,
};
use holt_engine::db::preferences::path_access_text;
use holt_engine::pages::{self, Backlinks, Filter, Subpages, UndoConflict, UndoKind, UndoOf, UndoPlan, Undone, proposals};
use holt_engine::{Admin, Read, Upload, Wiki, Write};
use proptest::prelude::*;

fn agent(name: &str, session: &str) -> Actor {
    let Actor::Person(person) = people("ann") else { unreachable!() };
    let session = Some(SessionName::parse(session).unwrap());
    Actor::Person(Person {
        through: Some(Program { name: name.into(), ceiling: Action::Upload, handling: Handling::Direct, within: None, session }),
        ..person
    })
}

fn otter() -> Actor {
    agent("mcp/otter", "s1")
}

fn save(wiki: &Wiki, actor: &Actor, page: &str, text: &str) {
    let scope = wiki.grant::<Write>(actor).unwrap();
    let base = pages::page(&scope.narrow(), &path(page)).unwrap().map(|view| view.page.revision);
    let saved = pages::save(&scope, &Edit::new(path(page), base, text.into(), "").unwrap(), None).unwrap();
    assert!(matches!(saved, SaveOutcome::Saved(_)));
}

fn rename(wiki: &Wiki, actor: &Actor, from: &str, to: &str) {
    pages::rename(&wiki.grant::<Write>(actor).unwrap(), &path(from), &path(to), "", Backlinks::Rewrite).unwrap();
}

fn delete(wiki: &Wiki, actor: &Actor, page: &str) {
    pages::delete(&wiki.grant::<Write>(actor).unwrap(), &path(page), "", Subpages::Delete).unwrap();
}

fn session(name: &str) -> UndoOf {
    UndoOf { filter: Filter { session: Some(name.into()), ..Filter::default() }, revisions: Vec::new() }
}

fn plan(wiki: &Wiki) -> UndoPlan {
    pages::undo_plan(&wiki.grant::<Write>(&people("bob")).unwrap(), &session("s1")).unwrap()
}

fn told(plan: &UndoPlan) -> Vec<(&str, UndoKind)> {
    plan.items.iter().map(|item| (item.file.as_str(), item.kind.clone())).collect()
}

fn undo(wiki: &Wiki, plan: &UndoPlan, only: Option<&[String]>) -> holt_core::Result<Undone> {
    pages::undo(&wiki.grant::<Write>(&people("bob")).unwrap(), &session("s1"), &plan.id, only, "")
}

/// Undoes all that can be, in one commit, and finds nothing more to do.
fn undo_all(wiki: &Wiki) -> UndoPlan {
    let before = plan(wiki);
    let undone = undo(wiki, &before, None).unwrap();
    assert_eq!(undone.revision.is_some(), !before.items.is_empty());
    let again = plan(wiki);
    assert_eq!(told(&again), [], "undoing twice finds nothing");
    assert_eq!(again.conflicts, before.conflicts);
    before
}

fn text(wiki: &Wiki, page: &str) -> String {
    page_text(wiki, page).unwrap_or_else(|| panic!("no page {page}"))
}

#[test]
fn what_an_agent_made_goes_what_it_deleted_comes_back_and_what_it_changed_is_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    for page in ["Changed", "Deleted", "Old name", "Links"] {
        save_text(&wiki, page, &format!("# {page}\n\none\n\n[[Old name]]\n"));
    }
    save(&wiki, &otter(), "Changed", "# Changed\n\ntwo\n\n[[Old name]]\n");
    save(&wiki, &otter(), "Made", "spam\n");
    save(&wiki, &otter(), "Made", "more spam\n");
    delete(&wiki, &otter(), "Deleted");
    rename(&wiki, &otter(), "Old name", "New name");
    assert!(text(&wiki, "Links").contains("[[New name]]"));
    let plan = undo_all(&wiki);
    assert_eq!(plan.commits, 5);
    let changed = |file| (file, UndoKind::Changed);
    assert_eq!(
        told(&plan),
        [
            changed("Changed.md"),
            ("Deleted.md", UndoKind::Restored),
            changed("Links.md"),
            ("Made.md", UndoKind::Deleted),
            ("New name.md", UndoKind::Renamed("Old name.md".into())),
        ]
    );
    assert!(plan.items.iter().all(|item| item.hunks.is_some()));
    for page in ["Changed", "Deleted", "Old name", "Links"] {
        assert_eq!(text(&wiki, page), format!("# {page}\n\none\n\n[[Old name]]\n"), "{page}");
    }
    assert_eq!((page_text(&wiki, "Made"), page_text(&wiki, "New name")), (None, None));
    // One commit, by whoever undid, which says what it took back.
    let bob = people("bob");
    let log = pages::changelog(&wiki.grant::<Read>(&bob).unwrap(), &Filter::default(), None, 1).unwrap();
    let last = &log[0].revision;
    let said = format!("Undid 5 changes: session s1\n\nUndoes: session s1\nUndo-Plan: {}", last.plan().unwrap());
    assert_eq!((last.author.name(), &last.message), ("bob", &said));
    assert!(last.plan().unwrap().starts_with(&format!("{}.all-", plan.id)));
    assert_eq!(log[0].changes.len(), 5);
}

#[test]
fn what_others_did_since_stays_and_where_both_touched_the_same_nothing_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Page", "one\n\ntwo\n\nthree\n");
    save_text(&wiki, "Same", "one\n\ntwo\n");
    save(&wiki, &otter(), "Page", "ONE\n\ntwo\n\nthree\n");
    save(&wiki, &otter(), "Same", "ONE\n\ntwo\n");
    save(&wiki, &otter(), "Ours", "an agent began\n");
    save(&wiki, &otter(), "Moved", "an agent made\n");
    save_text(&wiki, "Page", "ONE\n\ntwo\n\nTHREE\n");
    save_text(&wiki, "Same", "ONE!\n\ntwo\n");
    save_text(&wiki, "Ours", "an agent began\nand people went on\n");
    rename(&wiki, &people("ann"), "Moved", "Tidied");
    rename(&wiki, &people("ann"), "Page", "Section/Page");
    let plan = undo_all(&wiki);
    assert_eq!(told(&plan), [("Section/Page.md", UndoKind::Changed), ("Tidied.md", UndoKind::Deleted)]);
    assert_eq!(plan.conflicts, [("Ours.md".into(), UndoConflict::Continued), ("Same.md".into(), UndoConflict::Edited)]);
    assert_eq!(text(&wiki, "Section/Page"), "one\n\ntwo\n\nTHREE\n");
    assert_eq!((text(&wiki, "Same").as_str(), text(&wiki, "Ours").lines().count()), ("ONE!\n\ntwo\n", 2));
    // What people took back themselves is no matter.
    save_text(&wiki, "Same", "one\n\ntwo!\n");
    assert_eq!(told(&undo_all(&wiki)), []);
}

#[test]
fn names_that_are_taken_by_now_stay_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Gone", "mine\n");
    save_text(&wiki, "Here", "ours\n");
    save_text(&wiki, "Swap", "first\n");
    delete(&wiki, &otter(), "Gone");
    rename(&wiki, &otter(), "Here", "There");
    rename(&wiki, &otter(), "Swap", "Swapped");
    save(&wiki, &otter(), "Swap", "the agent's own\n");
    save_text(&wiki, "Gone", "written anew\n");
    save_text(&wiki, "Here", "another\n");
    let plan = undo_all(&wiki);
    assert_eq!(told(&plan), [("Swap.md", UndoKind::Deleted), ("Swapped.md", UndoKind::Renamed("Swap.md".into()))]);
    assert_eq!(plan.conflicts, [("Gone.md".into(), UndoConflict::Taken), ("There.md".into(), UndoConflict::Taken)]);
    assert_eq!((text(&wiki, "Gone").as_str(), text(&wiki, "Here").as_str()), ("written anew\n", "another\n"));
    assert_eq!((text(&wiki, "There").as_str(), text(&wiki, "Swap").as_str()), ("ours\n", "first\n"));
}

#[test]
fn one_may_choose_but_not_half_of_a_swap() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Swap", "first\n");
    save(&wiki, &otter(), "One", "1\n");
    save(&wiki, &otter(), "Two", "2\n");
    rename(&wiki, &otter(), "Swap", "Swapped");
    save(&wiki, &otter(), "Swap", "the agent's own\n");
    let all = plan(&wiki);
    let refused = |only: &str| undo(&wiki, &all, Some(&[only.to_string()])).unwrap_err().kind;
    assert_eq!((refused("Swapped.md"), refused("Nowhere.md")), (ErrorKind::Conflict, ErrorKind::Invalid));
    assert_eq!(text(&wiki, "Swap"), "the agent's own\n");
    let undone = undo(&wiki, &all, Some(&["One.md".to_string()])).unwrap();
    assert!(undone.revision.is_some() && page_text(&wiki, "One").is_none() && page_text(&wiki, "Two").is_some());
    assert_eq!(plan(&wiki).items.len(), all.items.len() - 1);
}

#[test]
fn a_preview_holds_as_long_as_it_would_be_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Page", "one\n\ntwo\n\nthree\n");
    save(&wiki, &otter(), "Page", "ONE\n\ntwo\n\nthree\n");
    let seen = plan(&wiki);
    save_text(&wiki, "Elsewhere", "nothing to do with it\n");
    save_text(&wiki, "Page", "ONE\n\ntwo\n\nTHREE\n");
    let refused = undo(&wiki, &seen, None).unwrap_err();
    assert_eq!((refused.kind, text(&wiki, "Page").as_str()), (ErrorKind::Conflict, "ONE\n\ntwo\n\nTHREE\n"));
    let seen = plan(&wiki);
    save_text(&wiki, "Elsewhere", "still nothing\n");
    undo(&wiki, &seen, None).unwrap();
    assert_eq!(text(&wiki, "Page"), "one\n\ntwo\n\nTHREE\n");
}

#[test]
fn the_same_plan_again_has_the_first_outcome_again_and_another_has_not() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Page", "one\n\ntwo\n\nthree\n");
    save(&wiki, &otter(), "Page", "ONE\n\ntwo\n\nthree\n");
    save(&wiki, &otter(), "Spam", "spam\n");
    save(&wiki, &otter(), "More spam", "spam, spam\n");
    let first = plan(&wiki);
    let [page, spam] = ["Page.md", "Spam.md"].map(str::to_string);
    let part = undo(&wiki, &first, Some(&[page.clone(), spam.clone()])).unwrap();
    let second = plan(&wiki);
    let rest = undo(&wiki, &second, None).unwrap();
    // Whatever happens since, to the same page, too.
    save_text(&wiki, "Page", "one\n\ntwo\n\nTHREE\n");
    save(&wiki, &otter(), "Later", "more\n");
    let head = |wiki: &Wiki| pages::newest(&wiki.grant::<Read>(&people("bob")).unwrap()).unwrap();
    let before = head(&wiki);
    let again = undo(&wiki, &first, Some(&[spam.clone(), page.clone()])).unwrap();
    assert_eq!((again.revision, told(&again.plan)), (part.revision, told(&part.plan)));
    let again = undo(&wiki, &second, None).unwrap();
    assert_eq!((again.revision, told(&again.plan)), (rest.revision, vec![("More spam.md", UndoKind::Deleted)]));
    assert_eq!(undo(&wiki, &second, Some(&["More spam.md".to_string()])).unwrap().revision, rest.revision, "all of it, by its name");
    for (plan, only) in [(&first, None), (&first, Some(vec![page.clone()])), (&first, Some(vec![])), (&second, Some(vec![page]))] {
        let refused = undo(&wiki, plan, only.as_deref()).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict, "{only:?}");
    }
    assert_eq!(head(&wiki), before, "nothing is done twice");
    // Whoever says so has not undone anything.
    let bob = people("bob");
    let scope = wiki.grant::<Write>(&bob).unwrap();
    let forged = format!("x\n\nUndoes: all\nUndo-Plan: {}.all-0123456789abcdef", "f".repeat(32));
    pages::save(&scope, &Edit::new(path("Claim"), None, "x\n".into(), &forged).unwrap(), None).unwrap();
    let forged = UndoPlan { id: "f".repeat(32), ..first };
    assert_eq!(undo(&wiki, &forged, None).unwrap_err().kind, ErrorKind::Conflict);
}

#[test]
fn a_plan_that_may_only_be_proposed_waits_once() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save(&wiki, &otter(), "Spam", "spam\n");
    let Actor::Person(person) = otter() else { unreachable!() };
    let through = person.through.clone().map(|program| Program { handling: Handling::Propose, ..program });
    let careful = Actor::Person(Person { through, ..person });
    let scope = wiki.grant::<Write>(&careful).unwrap();
    let (of, found) = (session("s1"), plan(&wiki));
    let number = || pages::undo(&scope, &of, &found.id, None, "").unwrap_err().proposal().unwrap().number;
    assert_eq!((number(), number()), (1, 1));
    let ann = people("ann");
    proposals::reject(&wiki.grant::<Write>(&ann).unwrap(), 1, "No").unwrap();
    assert_eq!(number(), 2, "what was refused can be asked for again");
    let reviewer = wiki.grant::<Write>(&ann).unwrap();
    let seen = proposals::view(&reviewer.narrow(), 2).unwrap().seen;
    let accepted = proposals::accept(&reviewer, 2, seen, &std::collections::BTreeMap::new(), "").unwrap();
    let again = pages::undo(&scope, &of, &found.id, None, "").unwrap();
    assert_eq!((again.revision, page_text(&wiki, "Spam")), (Some(accepted.revision), None));
}

#[test]
fn that_it_waits_as_a_proposal_keeps_nobody_from_doing_it() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save(&wiki, &otter(), "Spam", "spam\n");
    let Actor::Person(person) = otter() else { unreachable!() };
    let through = person.through.clone().map(|program| Program { handling: Handling::Propose, ..program });
    let careful = Actor::Person(Person { through, ..person });
    let found = plan(&wiki);
    let waits = pages::undo(&wiki.grant::<Write>(&careful).unwrap(), &session("s1"), &found.id, None, "");
    assert_eq!(waits.unwrap_err().proposal().unwrap().number, 1);
    // The person behind the agent, who may.
    let done = pages::undo(&wiki.grant::<Write>(&people("ann")).unwrap(), &session("s1"), &found.id, None, "").unwrap();
    assert!(done.revision.is_some() && page_text(&wiki, "Spam").is_none());
}

#[test]
fn files_are_taken_back_too() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let put = |actor: &Actor, name: &str, bytes: &[u8]| {
        let files = [(AttachmentName::parse(name).unwrap(), bytes.to_vec())];
        pages::upload(&wiki.grant::<Upload>(actor).unwrap(), &path("Page"), &files, pages::Existing::Replace, "").unwrap();
    };
    save_text(&wiki, "Page", "text\n");
    put(&people("ann"), "a.bin", b"\xff1");
    put(&people("ann"), "b.bin", b"\xff1");
    put(&otter(), "a.bin", b"\xff2");
    put(&otter(), "b.bin", b"\xff2");
    put(&otter(), "new.bin", b"\xff3");
    put(&people("ann"), "b.bin", b"\xff4");
    let plan = undo_all(&wiki);
    assert_eq!(
        told(&plan),
        [("page/a.bin", UndoKind::Changed), ("page/new.bin", UndoKind::Deleted)]
            .map(|(file, kind)| (plan.items.iter().find(|item| item.file.eq_ignore_ascii_case(file)).unwrap().file.as_str(), kind))
    );
    assert_eq!(plan.conflicts.iter().map(|(_, why)| *why).collect::<Vec<_>>(), [UndoConflict::Edited]);
    let read = |name: &str| {
        let ann = people("ann");
        let name = AttachmentName::parse(name).unwrap();
        pages::attachment(&wiki.grant::<Read>(&ann).unwrap(), &path("Page"), &name, None).unwrap().map(|file| file.content)
    };
    assert_eq!((read("a.bin"), read("b.bin"), read("new.bin")), (Some(b"\xff1".to_vec()), Some(b"\xff4".to_vec()), None));
}

#[test]
fn nobody_undoes_or_hears_of_what_is_hidden_from_them() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let carol = join(&engine, &wiki, "carol", MemberFlags { allow_write: true, ..approved() });
    for page in ["Staff/Plan", "Locked/Page", "Open"] {
        save_text(&wiki, page, "before\n");
        save(&wiki, &otter(), page, "after\n");
    }
    save(&wiki, &otter(), "Staff/Sketch", "secret\n");
    rename(&wiki, &otter(), "Staff/Sketch", "Published");
    let rule = |top: &str, read, write| SubtreeRule { path: path(top), read, write, readers: [].into(), writers: [].into() };
    let rules = SubtreeRules::new(vec![
        rule("Staff", AccessLevel::Admin, AccessLevel::Admin),
        rule("Locked", AccessLevel::Approved, AccessLevel::Admin),
    ]);
    let text_of = path_access_text(&rules);
    pages::set_preferences(&wiki.grant::<Admin>(&Actor::System).unwrap(), &[("PATH_ACCESS", &text_of)]).unwrap();
    let scope = wiki.grant::<Write>(&carol).unwrap();
    let plan = pages::undo_plan(&scope, &session("s1")).unwrap();
    assert_eq!(told(&plan), [("Open.md", UndoKind::Changed)]);
    let conflicts: Vec<(&str, UndoConflict)> = plan.conflicts.iter().map(|(file, why)| (file.as_str(), *why)).collect();
    assert_eq!(conflicts, [("Locked/Page.md", UndoConflict::NotYours), ("Published.md", UndoConflict::NotYours)]);
    assert!(!format!("{plan:?}").contains("Staff"));
    pages::undo(&scope, &session("s1"), &plan.id, None, "").unwrap();
    let pages = ["Open", "Staff/Plan", "Locked/Page", "Published"].map(|page| text(&wiki, page));
    assert_eq!(pages, ["before\n", "after\n", "after\n", "secret\n"]);
    // A token for a part of the wiki undoes in that part.
    let Actor::Person(mut part) = otter() else { unreachable!() };
    part.through.as_mut().unwrap().within = Some(path("Elsewhere"));
    let part = Actor::Person(part);
    assert_eq!(told(&pages::undo_plan(&wiki.grant::<Write>(&part).unwrap(), &session("s1")).unwrap()), []);
}

#[test]
fn it_has_to_be_said_whose_changes_are_meant() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save(&wiki, &otter(), "Page", "one\n");
    let bob = people("bob");
    let scope = wiki.grant::<Write>(&bob).unwrap();
    let of = |of: &UndoOf| pages::undo_plan(&scope, of).map(|plan| plan.items.len()).map_err(|error| error.kind);
    let with = |change: fn(&mut Filter)| {
        let mut filter = Filter::default();
        change(&mut filter);
        of(&UndoOf { filter, revisions: Vec::new() })
    };
    assert_eq!(with(|_| {}), Err(ErrorKind::Invalid));
    assert_eq!(with(|filter| filter.from = Some(0)), Err(ErrorKind::Invalid));
    assert_eq!(with(|filter| filter.via = Some("mcp/otter".into())), Ok(1));
    assert_eq!(with(|filter| filter.via = Some("mcp/ott".into())), Ok(0));
    assert_eq!(with(|filter| filter.person = Some("ann".into())), Ok(1));
    assert_eq!(with(|filter| (filter.person, filter.until) = (Some("ann".into()), Some(1))), Ok(0));
    assert_eq!(of(&UndoOf { revisions: vec![RevisionId::from_bytes([7; 20])], ..UndoOf::default() }), Err(ErrorKind::NotFound));
    let last = pages::newest(&scope.narrow()).unwrap().unwrap();
    assert_eq!(of(&UndoOf { revisions: vec![last, last], ..UndoOf::default() }), Ok(1));
}

/// Somebody writes some lines in a place of a page; places are far enough apart to merge.
#[derive(Debug, Clone)]
struct Wrote {
    who: usize,
    page: usize,
    place: usize,
    lines: usize,
}

fn wrote(places: usize) -> impl Strategy<Value = Wrote> {
    (0..3_usize, 0..2_usize, 0..places, 0..3_usize).prop_map(|(who, page, place, lines)| Wrote { who, page, place, lines })
}

/// A page of places with a line between each two that nobody changes.
fn page_of(places: &[Vec<String>]) -> String {
    let text =
        |(at, lines): (usize, &Vec<String>)| format!("{}--- {at}\n", lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    places.iter().enumerate().map(text).collect()
}

const PLACES: usize = 6;

fn run(
    steps: &[Wrote],
    place_of: impl Fn(&Wrote) -> usize,
) -> (tempfile::TempDir, holt_engine::Engine, std::sync::Arc<Wiki>, [Vec<Vec<String>>; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let writers = [otter(), agent("mcp/badger", "s2"), people("ann")];
    let mut all = [0, 1].map(|_| vec![vec!["old".to_string()]; PLACES * 3]);
    let mut without = all.clone();
    for (page, places) in all.iter().enumerate() {
        save_text(&wiki, &format!("Page {page}"), &page_of(places));
    }
    for (n, step) in steps.iter().enumerate() {
        let lines: Vec<String> = (0..step.lines).map(|line| format!("{} {n} {line}", step.who)).collect();
        let place = place_of(step);
        all[step.page][place].clone_from(&lines);
        if step.who != 0 {
            without[step.page][place] = lines;
        }
        let (name, text) = (format!("Page {}", step.page), page_of(&all[step.page]));
        if page_text(&wiki, &name).as_deref() != Some(text.as_str()) {
            save(&wiki, &writers[step.who], &name, &text);
        }
    }
    (dir, engine, wiki, without)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Two agents and a person, each in places of their own: as if the first agent had never been there.
    #[test]
    fn undone_is_as_if_it_had_never_happened(steps in prop::collection::vec(wrote(PLACES), 1..14), after in prop::collection::vec(wrote(PLACES), 0..4)) {
        let place = |step: &Wrote| step.place * 3 + step.who;
        let (_dir, _engine, wiki, without) = run(&steps, place);
        let plan = undo_all(&wiki);
        prop_assert_eq!(&plan.conflicts, &vec![]);
        for (page, places) in without.iter().enumerate() {
            prop_assert_eq!(text(&wiki, &format!("Page {page}")), page_of(places));
        }
        // Whatever people do then, nothing is left to undo.
        for (n, step) in after.iter().enumerate() {
            let name = format!("Page {}", step.page);
            let changed = text(&wiki, &name).replacen("---", &format!("after {n}\n---"), 1 + step.lines);
            save_text(&wiki, &name, &changed);
        }
        let again = pages::undo_plan(&wiki.grant::<Write>(&people("bob")).unwrap(), &session("s1")).unwrap();
        prop_assert_eq!((told(&again), again.conflicts.len()), (vec![], 0));
    }

    /// All in the same places: it is undone, or it is a conflict and stays; what others wrote is there as before in any case.
    #[test]
    fn no_line_of_others_is_lost(steps in prop::collection::vec(wrote(2), 1..14)) {
        let (_dir, _engine, wiki, _) = run(&steps, |step| step.place);
        let before = [0, 1].map(|page| text(&wiki, &format!("Page {page}")));
        let plan = undo_all(&wiki);
        for (page, before) in before.iter().enumerate() {
            let after = text(&wiki, &format!("Page {page}"));
            let conflict = plan.conflicts.iter().any(|(file, _)| file.starts_with(&format!("Page {page}")));
            prop_assert!(!conflict || after == *before);
            let theirs = |line: &&str| line.starts_with("1 ") || line.starts_with("2 ");
            for line in before.lines().filter(theirs) {
                prop_assert!(after.contains(line), "{line} is lost:\n{after}");
            }
            prop_assert!(conflict || !after.lines().any(|line| line.starts_with("0 ")), "{after}");
        }
    }
}

#[test]
fn an_accepted_proposal_keeps_the_session_it_was_made_in_and_is_undone_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Page", "one\n\ntwo\n");
    save(&wiki, &otter(), "Made", "spam\n");
    let Actor::Person(person) = otter() else { unreachable!() };
    let through = person.through.clone().map(|program| Program { handling: Handling::Propose, ..program });
    let careful = Actor::Person(Person { through, ..person });
    let scope = wiki.grant::<Write>(&careful).unwrap();
    let base = pages::page(&scope.narrow(), &path("Page")).unwrap().map(|view| view.page.revision);
    let edit = Edit::new(path("Page"), base, "ONE\n\ntwo\n".into(), "Louder").unwrap();
    let number = pages::save(&scope, &edit, None).unwrap_err().proposal().unwrap().number;
    assert_eq!(plan(&wiki).commits, 1, "what waits is not there to be undone");
    let bob = people("bob");
    let reviewer = wiki.grant::<Write>(&bob).unwrap();
    let seen = proposals::view(&reviewer.narrow(), number).unwrap().seen;
    let accepted = proposals::accept(&reviewer, number, seen, &std::collections::BTreeMap::new(), "").unwrap();
    let log = pages::changelog(&reviewer.narrow(), &Filter::default(), None, 1).unwrap();
    let commit = &log[0].revision;
    assert_eq!((commit.id, commit.author.name()), (accepted.revision, "ann"));
    assert_eq!((commit.via(), commit.session()), (Some("mcp/otter"), Some("s1")));
    // By people, and by the agent itself.
    let own = pages::own_session(&scope, None).unwrap();
    assert_eq!(told(&pages::undo_plan(&scope, &own).unwrap()), told(&plan(&wiki)));
    assert_eq!(told(&undo_all(&wiki)), [("Made.md", UndoKind::Deleted), ("Page.md", UndoKind::Changed)]);
    assert_eq!((text(&wiki, "Page").as_str(), page_text(&wiki, "Made")), ("one\n\ntwo\n", None));
    // A person has no session of their own.
    assert_eq!(pages::own_session(&reviewer, None).unwrap_err().kind, ErrorKind::Invalid);
}
