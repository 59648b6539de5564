//! Who is told of proposals: that one waits, and what became of it. By the inbox and by mail, and never of what is hidden.

use crate::comments::{approved, join, path};
use crate::wikis::{people, save_text};
use holt_core::{AccessLevel, Action, Actor, Edit, Handling, MemberFlags, Person, Program, SubtreeRule, SubtreeRules, UserId, WikiName};
use holt_engine::accounts::Rank;
use holt_engine::db::preferences::{Audience, path_access_text};
use holt_engine::directory::{NewUser, Next};
use holt_engine::pages::proposals::{self, Choice};
use holt_engine::pages::{self, Extent, Frequency, Mark};
use holt_engine::{Admin, Clock, Engine, EngineOptions, Read, Wiki, Write};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const POEM: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n";
const BASE: &str = "https://docs.example.org";

/// A wiki with Ann, whose agent proposes, Root who administers it, Bob who watches the poem, and Dan who watches something else.
struct Place {
    _dir: tempfile::TempDir,
    _engine: Engine,
    wiki: Arc<Wiki>,
    now: Arc<AtomicI64>,
    ann: Actor,
    root: Actor,
    bob: Actor,
    dan: Actor,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(1_700_000_000));
    let clock = now.clone();
    let engine = Engine::open(EngineOptions::new(dir.path(), Clock::new(move || clock.load(Ordering::Relaxed)))).unwrap();
    let (email, rank) = ("ann@example.org", Rank::Operator);
    let ann = NewUser { email, name: "ann", password_hash: None, rank, email_confirmed: true, created: 0, last_seen: 0 };
    assert_eq!(engine.directory().create_user(&ann).unwrap(), UserId(1));
    let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
    for page in ["Poem", "Other", "Staff/Plan"] {
        save_text(&wiki, page, POEM);
    }
    let root = join(&engine, &wiki, "Root", MemberFlags { admin: true, ..approved() });
    let [bob, dan] = ["Bob", "Dan"].map(|name| join(&engine, &wiki, name, approved()));
    for (who, page) in [(&bob, "Poem"), (&dan, "Other")] {
        pages::watch(&wiki.grant::<Read>(who).unwrap(), &path(page), Extent::Below).unwrap();
    }
    Place { _dir: dir, _engine: engine, wiki, now, ann: people("ann"), root, bob, dan }
}

fn agent_of(who: &Actor, handling: Handling) -> Actor {
    let Actor::Person(person) = who else { unreachable!() };
    let through = Some(Program { name: "mcp/claude".into(), ceiling: Action::Upload, handling, within: None, session: None });
    Actor::Person(Person { through, ..person.clone() })
}

fn id(who: &Actor) -> UserId {
    let Actor::Person(person) = who else { unreachable!() };
    person.id
}

impl Place {
    /// Ann's agent proposes another text of a page.
    fn propose(&self, page: &str, text: &str, message: &str) -> i64 {
        let agent = agent_of(&self.ann, Handling::Propose);
        let scope = self.wiki.grant::<Write>(&agent).unwrap();
        let base = pages::page(&scope.narrow(), &path(page)).unwrap().map(|view| view.page.revision);
        let edit = Edit::new(path(page), base, text.into(), message).unwrap();
        pages::save(&scope, &edit, None).unwrap_err().proposal().unwrap().number
    }
    fn accept(&self, who: &Actor, number: i64, choices: &[(&str, Choice)]) {
        let scope = self.wiki.grant::<Write>(who).unwrap();
        let seen = proposals::view(&scope.narrow(), number).unwrap().seen;
        let choices: BTreeMap<_, _> = choices.iter().map(|(file, choice)| ((*file).to_string(), choice.clone())).collect();
        proposals::accept(&scope, number, seen, &choices, "Only that").unwrap();
    }
    fn reject(&self, who: &Actor, number: i64) {
        proposals::reject(&self.wiki.grant::<Write>(who).unwrap(), number, "We need it.").unwrap();
    }
    /// What somebody's inbox says of proposals, newest first, and whether they have looked at it.
    fn told(&self, who: &Actor) -> Vec<(String, bool)> {
        let found = proposals::notices(&self.wiki.grant::<Read>(who).unwrap(), None, 50).unwrap();
        found.iter().map(|notice| (notice.said(holt_core::Language::English), notice.seen)).collect()
    }
    fn unread(&self, who: &Actor) -> usize {
        pages::unread_notices(&self.wiki.grant::<Read>(who).unwrap()).unwrap()
    }
    fn mail(&self, who: &Actor, since: Mark) -> Option<pages::Digest> {
        pages::digest(&self.wiki, id(who), since, BASE).unwrap()
    }
    fn mark(&self) -> Mark {
        pages::now_mark(&self.wiki.grant::<Read>(&Actor::System).unwrap()).unwrap()
    }
}

fn line(text: &str, seen: bool) -> (String, bool) {
    (text.to_string(), seen)
}

#[test]
fn who_looks_after_a_page_is_told_that_a_proposal_waits() {
    let place = place();
    let Place { ann, root, bob, dan, .. } = &place;
    let number = place.propose("Poem", "short\n", "Shorter\n\nMuch shorter");
    let waits = "ann via mcp/claude proposes: Shorter";
    assert_eq!((place.told(root), place.told(bob)), (vec![line(waits, false)], vec![line(waits, false)]));
    assert_eq!((place.told(dan), place.told(ann)), (vec![], vec![]), "not everybody, and nobody tells themselves");
    assert_eq!((place.unread(root), place.unread(bob), place.unread(dan)), (1, 1, 0));
    // Looking at it is reading it; everything else is marked as what the form knew of.
    let reader = place.wiki.grant::<Read>(bob).unwrap();
    proposals::see(&reader, number).unwrap();
    assert_eq!((place.told(bob), place.unread(bob), place.unread(root)), (vec![line(waits, true)], 0, 1));
    let before = place.mark();
    place.propose("Poem/Below", "new\n", "Another");
    pages::mark_read(&reader, before).unwrap();
    assert_eq!(place.unread(bob), 1, "what came since is news");
    pages::mark_read(&reader, place.mark()).unwrap();
    assert_eq!(place.unread(bob), 0);
    // A part at a time.
    let first = proposals::notices(&reader, None, 1).unwrap();
    let rest = proposals::notices(&reader, Some(first[0].id), 1).unwrap();
    assert_eq!((first[0].proposal.number, rest[0].proposal.number), (2, 1));
    // What was decided asks nothing of anybody any more.
    place.reject(root, number);
    place.reject(root, 2);
    assert_eq!(place.unread(root), 0);
}

#[test]
fn whose_agent_proposed_is_told_what_became_of_it() {
    let place = place();
    let Place { ann, root, now, .. } = &place;
    let texts = [POEM.replace("one", "1").replace("nine", "9"), POEM.replace("one", "I"), "x\n".to_string(), "y\n".to_string()];
    let numbers: Vec<i64> = texts.iter().zip(["A", "B", "C", "D"]).map(|(text, message)| place.propose("Poem", text, message)).collect();
    place.accept(root, numbers[0], &[("Poem.md", Choice::Hunks(BTreeSet::from([1])))]);
    place.reject(root, numbers[1]);
    place.reject(root, numbers[1]);
    let decided = [("Root rejected your proposal: B", false), ("Root accepted a part of your proposal: A", false)];
    assert_eq!(place.told(ann), decided.map(|(text, seen)| line(text, seen)));
    assert_eq!(place.unread(ann), 2, "once each");
    // Who decides about their own knows it.
    place.reject(ann, numbers[2]);
    let other = place.propose("Other", "z\n", "E");
    place.accept(root, other, &[]);
    let text = |at: usize| place.told(ann)[at].0.clone();
    assert_eq!((text(0), place.told(ann).len()), ("Root accepted your proposal: E".to_string(), 3));
    // Nobody does anything when one expires.
    assert_eq!(place.unread(root), 1);
    now.fetch_add(31 * 86_400, Ordering::Relaxed);
    assert_eq!((text(0), place.unread(ann)), ("Nobody decided your proposal in time: D".to_string(), 4));
    assert_eq!((place.unread(root), place.told(ann).len()), (0, 4), "it waits for nobody any more");
}

#[test]
fn nobody_is_told_of_what_is_hidden_from_them() {
    let place = place();
    let Place { wiki, ann, root, bob, .. } = &place;
    pages::watch(&wiki.grant::<Read>(bob).unwrap(), &path("Staff"), Extent::Below).unwrap();
    let start = place.mark();
    place.propose("Staff/Plan", "zqx\n", "zqx before");
    assert_eq!((place.unread(bob), place.mail(bob, start).is_some()), (1, true), "the control: while he may see it");
    let closed = AccessLevel::Admin;
    let rule = SubtreeRule { path: path("Staff"), read: closed, write: closed, readers: [].into(), writers: [].into() };
    let rules = path_access_text(&SubtreeRules::new(vec![rule]));
    pages::set_preferences(&wiki.grant::<Admin>(ann).unwrap(), &[("PATH_ACCESS", &rules)]).unwrap();
    place.propose("Staff/Plan", "zqx too\n", "zqx after");
    assert_eq!((place.told(bob), place.unread(bob), place.mail(bob, start)), (vec![], 0, None));
    assert_eq!((place.told(root).len(), place.unread(root)), (2, 2));
    // Nor of what became of a proposal about something that they do not see any more.
    let agent = agent_of(bob, Handling::Propose);
    let scope = wiki.grant::<Write>(&agent).unwrap();
    let made = pages::save(&scope, &Edit::new(path("Bobs"), None, "x".into(), "Mine").unwrap(), None).unwrap_err();
    let rule = SubtreeRule { path: path("Bobs"), read: closed, write: closed, readers: [].into(), writers: [].into() };
    let rules = path_access_text(&SubtreeRules::new(vec![rule]));
    pages::set_preferences(&wiki.grant::<Admin>(ann).unwrap(), &[("PATH_ACCESS", &rules)]).unwrap();
    place.reject(root, made.proposal().unwrap().number);
    assert_eq!(place.unread(&place.dan), 0);
    let bobs: Vec<String> = place.told(bob).into_iter().map(|(text, _)| text).collect();
    assert!(bobs.iter().all(|text| !text.contains("Mine")), "{bobs:?}");
}

#[test]
fn who_may_not_change_a_page_is_not_asked_about_it() {
    let place = place();
    let Place { wiki, ann, root, bob, .. } = &place;
    let (read, write) = (AccessLevel::Anonymous, AccessLevel::Admin);
    let rule = SubtreeRule { path: path("Poem"), read, write, readers: [].into(), writers: [].into() };
    let rules = path_access_text(&SubtreeRules::new(vec![rule]));
    pages::set_preferences(&wiki.grant::<Admin>(ann).unwrap(), &[("PATH_ACCESS", &rules)]).unwrap();
    place.propose("Poem", "x\n", "A");
    assert_eq!((place.told(bob).len(), place.told(root).len()), (0, 1));
}

#[test]
fn mail_says_what_waits_and_what_was_decided_and_names_the_program() {
    let place = place();
    let Place { wiki, ann, root, bob, now, .. } = &place;
    let start = place.mark();
    let number = place.propose("Poem", "short\n", "Shorter\u{202e}");
    let one = place.mail(bob, start).unwrap();
    assert_eq!(one.subject, "[Docs] ann via mcp/claude proposes: Shorter");
    let expected = format!(
        "Hello Bob,\n\nthis is new in Docs.\n\nPROPOSALS\n\nann via mcp/claude proposes: Shorter:\n  Poem\n  {BASE}/-/proposals/{number}\n\n\
         -- \nHow often you get such mail, and what you watch: {BASE}/-/inbox\n"
    );
    assert_eq!(one.body, expected);
    assert_eq!((place.mail(bob, one.upto), place.mail(ann, start)), (None, None), "once, and not to the maker");
    place.reject(root, number);
    assert_eq!(place.mail(bob, start), None, "it does not wait any more");
    let decided = place.mail(ann, start).unwrap();
    assert_eq!(decided.subject, "[Docs] Root rejected your proposal: Shorter");
    assert!(decided.body.contains(":\n  We need it.\n  https://docs.example.org/-/proposals/1\n"), "{}", decided.body);
    // Changes through a program name it, too.
    let scope_of = agent_of(root, Handling::Direct);
    let scope = wiki.grant::<Write>(&scope_of).unwrap();
    let base = pages::page(&scope.narrow(), &path("Poem")).unwrap().map(|view| view.page.revision);
    pages::save(&scope, &Edit::new(path("Poem"), base, "by root\n".into(), "").unwrap(), None).unwrap();
    let changed = place.mail(bob, one.upto).unwrap();
    assert_eq!(changed.subject, "[Docs] Root via mcp/claude changed Poem");
    // Mail about one that expires is planned, though nothing happens then.
    pages::set_frequency(&wiki.grant::<Read>(ann).unwrap(), Frequency::AtOnce).unwrap();
    place.propose("Poem", "x\n", "Too late");
    let due = pages::digests_due(wiki).unwrap();
    due.iter().for_each(|due| pages::digest_sent(wiki, due.user, place.mark()).unwrap());
    let expires = now.load(Ordering::Relaxed) + 30 * 86_400;
    assert_eq!(pages::next_digests(wiki).unwrap(), Next::At { time: Some(expires), listens: true });
    now.store(expires, Ordering::Relaxed);
    let due = pages::digests_due(wiki).unwrap();
    assert_eq!(due.iter().map(|due| due.user).collect::<Vec<_>>(), [id(ann)]);
    let late = place.mail(ann, due[0].since).unwrap();
    assert_eq!(late.subject, "[Docs] Nobody decided your proposal in time: Too late");
    pages::digest_sent(wiki, id(ann), late.upto).unwrap();
    assert_eq!(pages::next_digests(wiki).unwrap(), Next::At { time: None, listens: true });
}
