//! Path rules: what somebody may not see is found by no question, whatever happened to it; what they may not change stays.
//!
//! Two words give a leak away: `zqx` stands in names and messages of hidden pages, `qwy` in their text, title, headings, tags and comments.

use crate::comments::{approved, docs, join, path, say};
use crate::meaning::{Letters, look};
use crate::wikis::{people, save_text};
use holt_core::{AccessLevel, Action, Actor, AttachmentName, Edit, ErrorKind, MemberFlags, SaveOutcome, SubtreeRule, SubtreeRules};
use holt_engine::db::preferences::path_access_text;
use holt_engine::pages::{self, Backlinks, Extent, Filter, Found, Subpages};
use holt_engine::{Admin, Engine, Read, Upload, Wiki, Write};
use holt_fragments::Readers;
use proptest::prelude::*;
use std::fmt::Debug;

fn rule(top: &str, read: AccessLevel, write: AccessLevel) -> SubtreeRule {
    SubtreeRule { path: path(top), read, write, readers: [].into(), writers: [].into() }
}

fn set(wiki: &Wiki, rules: Vec<SubtreeRule>) {
    let ann = people("ann");
    let text = path_access_text(&SubtreeRules::new(rules));
    pages::set_preferences(&wiki.grant::<Admin>(&ann).unwrap(), &[("PATH_ACCESS", &text)]).unwrap();
}

fn secret(n: u8) -> String {
    format!(
        "---\ntags: [qwy{n}, shared]\nreview: 2020-01-01\naliases: [Other qwy{n}]\n---\n# Title qwy{n}\n\nwords qwy{n} alpha\n\n## Heading qwy{n}\n\n[[Home]] ![](./qwy.png) [q](#qwy) [[qwy gone]]\n\npassword: qwy8Kd7Rw2Zx\n"
    )
}

fn public(n: u8) -> String {
    format!(
        "---\ntags: [shared]\n---\n# Public {n}\n\nwords alpha [[Staff/Plan]] [[Staff]]\n\n{{{{Include|src=/Staff/Plan}}}}\n\n{{{{PageIndex}}}}\n\n{{{{PageIndex|src=*}}}}\n\n## More {n}\n"
    )
}

const PUBLIC: [&str; 4] = ["Home", "Guide", "Guide/Setup", "Team"];
const HIDDEN: [&str; 4] = ["Staff", "Staff/Plan", "Staff/Pay/Zqx table", "staff/zqx notes"];
/// Hidden under a name that gives it away, with a text that may be seen once it has left.
const LEAVES: &str = "Staff/Zqx draft";

#[derive(Debug, Clone)]
enum Step {
    Save(u8),
    SavePublic(u8),
    Attach(u8),
    Hide(u8),
    Leave(u8),
    Delete(u8),
    Revert,
    Say(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<u8>().prop_map(Step::Save),
        3 => any::<u8>().prop_map(Step::SavePublic),
        1 => any::<u8>().prop_map(Step::Attach),
        1 => any::<u8>().prop_map(Step::Hide),
        1 => any::<u8>().prop_map(Step::Leave),
        1 => any::<u8>().prop_map(Step::Delete),
        1 => Just(Step::Revert),
        1 => any::<u8>().prop_map(Step::Say),
    ]
}

/// One thing that an administrator does; what cannot be done is left out.
fn act(wiki: &Wiki, step: &Step) {
    let ann = people("ann");
    let scope = wiki.grant::<Write>(&ann).unwrap();
    let of = |list: &[&'static str], n: u8| list[usize::from(n) % list.len()];
    match step {
        Step::Save(n) => {
            save_text(wiki, of(&HIDDEN, *n), &secret(*n));
        }
        Step::SavePublic(n) => {
            save_text(wiki, of(&PUBLIC, *n), &public(*n));
        }
        Step::Attach(n) => {
            let scope = wiki.grant::<Upload>(&ann).unwrap();
            let name = AttachmentName::parse("zqx.txt").unwrap();
            pages::upload(&scope, &path(of(&HIDDEN, *n)), &[(name, format!("qwy{n}").into_bytes())], pages::Existing::Replace, "").unwrap();
        }
        Step::Hide(n) => {
            let _ = pages::rename(&scope, &path("Team"), &path(&format!("Staff/Zqx team {n}")), "", Backlinks::Rewrite);
        }
        Step::Leave(n) => {
            save_text(wiki, LEAVES, &public(*n));
            let _ = pages::rename(&scope, &path(LEAVES), &path(&format!("Team/Out {n}")), "", Backlinks::Rewrite);
        }
        Step::Delete(n) => {
            let _ = pages::delete(&scope, &path(of(&HIDDEN, *n)), "gone zqx", Subpages::Keep);
        }
        Step::Revert => {
            let log = pages::changelog(&scope.narrow(), &Filter::default(), None, 1).unwrap();
            let _ = log.first().map(|last| pages::revert(&scope, last.revision.id, ""));
        }
        Step::Say(n) => {
            let page = of(&HIDDEN, *n);
            if pages::page(&scope.narrow(), &path(page)).unwrap().is_some() {
                let id = say(wiki, &ann, page, "@bob qwy");
                assert!(id > 0);
            }
        }
    }
}

fn clean(what: &str, answer: &impl Debug) {
    let text = format!("{answer:?}").to_lowercase();
    for word in ["zqx", "qwy"] {
        assert!(!text.contains(word), "{what} tells {word}: {text}");
    }
}

/// Asks everything that can be asked about a wiki. `all` is what an administrator knows to ask for.
fn ask(wiki: &Wiki, who: &Actor, all: &[pages::Entry]) {
    let scope = wiki.grant::<Read>(who).unwrap();
    for filter in [
        Filter::default(),
        Filter { path: Some(path("Staff")), ..Filter::default() },
        Filter { path: Some(path("Team")), ..Filter::default() },
    ] {
        clean("changelog", &pages::changelog(&scope, &filter, None, 200).unwrap());
    }
    clean("deleted", &pages::deleted(&scope).unwrap());
    clean("tree", &(pages::tree(&scope, None).unwrap(), pages::tree(&scope, Some(&path("Staff"))).unwrap()));
    clean("tags", &(pages::tags(&scope).unwrap(), pages::tagged(&scope, &["shared".into()], true).unwrap()));
    let care: Vec<String> = [pages::care::care(&scope, None, None, pages::care::MOST).unwrap(), pages::care::overview(&scope, 20).unwrap()]
        .iter()
        .flat_map(|care| care.findings.iter().map(|found| format!("{found:?}")))
        .collect();
    clean("care", &care);
    clean("pages", &pages::list(&scope, &pages::ListFilter::default(), None, 1000).unwrap());
    clean("graph", &pages::graph(&scope).unwrap());
    clean("lists", &(pages::described(&scope, 1000).unwrap(), pages::page_list(&scope).unwrap()));
    for query in ["alpha", "words", "tit", "path:staff", "tag:shared", "author:ann", "qwy*", "heading", "zxqteam", "staf"] {
        let found = pages::search(&scope, query, 50, 0).unwrap();
        clean("search", &(&found.hits, &found.similar, found.revision));
        assert!(found.hits.iter().all(|hit| !hit.path.key().as_str().starts_with("staff")), "{query}: {found:?}");
    }
    let letters = Letters::new();
    look(wiki, &letters);
    for query in ["alpha words", "title heading", "qwx", "zqy table notes"] {
        let found = pages::search_by(&scope, pages::SearchMode::Both(&letters), query, 0, 50).unwrap();
        clean("search by both", &(&found.hits, &found.similar, found.revision));
        let found = pages::search_meaning(&scope, &letters, query, 50, 5).unwrap();
        clean("search by meaning", &found);
        let seen = pages::list(&scope, &pages::ListFilter::default(), None, 1000).unwrap().total;
        let state = pages::meaning_state(&scope).unwrap();
        assert_eq!((state.pages, found.hits.len() <= state.pieces, found.pending, state.behind), (seen, true, 0, 0));
        assert_eq!(found.revision, pages::newest(&scope).unwrap());
    }
    let pattern = pages::Pattern::parse("(?i).*(zqx|qwy|secret).*").unwrap();
    clean("pattern", &pages::search_pattern(&scope, &pattern, "", None, 100, &|| false).unwrap());
    for typed in ["zq", "qw", "staff", "plan", "heading", "pay", "s", "zxqt", "pymroll"] {
        clean("suggest", &pages::suggest(&scope, typed, 20).unwrap());
    }
    let mut files: Vec<String> = all.iter().flat_map(|entry| entry.changes.iter().map(|change| change.file.clone())).collect();
    files.sort();
    files.dedup();
    for page in
        PUBLIC.iter().chain(&HIDDEN).map(|page| path(page)).chain(files.iter().filter_map(|file| holt_core::PagePath::from_tree(file)))
    {
        let hidden = page.key().as_str().starts_with("staff");
        // The path somebody asks for is what they said themselves.
        let answer = |text: String| text.replace(page.as_str(), "").replace(page.key().as_str(), "");
        clean("find", &answer(format!("{:?}", pages::find(&scope, &page).unwrap())));
        if hidden {
            assert!(matches!(pages::find(&scope, &page).unwrap(), Found::Missing), "{page}");
            assert!(pages::page(&scope, &page).unwrap().is_none() && pages::attachments(&scope, &page).unwrap().is_empty());
            assert!(pages::blame(&scope, &page, None).is_err() && pages::threads(&scope, &page, 0, 10).is_err());
            assert_eq!(
                pages::watch(&scope, &page, Extent::Page).unwrap_err().kind,
                if *who == Actor::Anonymous { ErrorKind::Unauthenticated } else { ErrorKind::NotFound }
            );
        } else {
            clean("blame", &pages::blame(&scope, &page, None).ok());
        }
        clean("page", &pages::page(&scope, &page).unwrap().map(|view| view.page.text().map(str::to_string)));
        clean("history", &pages::history(&scope, &page, None, 200).unwrap());
        clean("moved", &pages::moved_to(&scope, &page).unwrap());
        clean("affected", &pages::affected(&scope, &page).unwrap());
        clean(
            "parts",
            &(pages::headings(&scope, &page).unwrap(), pages::tags_of(&scope, &page).unwrap(), pages::title(&scope, &page).unwrap()),
        );
        clean("attachments", &pages::attachments(&scope, &page).unwrap());
        for entry in all {
            clean("page_at", &pages::page_at(&scope, &page, entry.revision.id).unwrap().map(|page| page.text().map(str::to_string)));
        }
        clean("render", &answer(pages::render_old(&scope, &page, &public(0)).unwrap().html.as_str().to_string()));
    }
    for entry in all {
        clean("commit", &pages::commit_view(&scope, entry.revision.id).ok());
        clean("revision", &pages::revision(&scope, entry.revision.id).ok());
        for file in files.iter().filter(|file| file.to_lowercase().starts_with("staff")) {
            assert!(pages::source_at(&scope, file, entry.revision.id).unwrap().is_none(), "{file}");
        }
    }
    if *who != Actor::Anonymous {
        clean("notices", &pages::notices(&scope, None, 50).unwrap());
        clean("proposals", &pages::proposals::notices(&scope, None, 50).unwrap());
        assert_eq!(pages::unread_notices(&scope).unwrap(), 0);
        clean("watched", &(pages::watched(&scope).unwrap(), pages::watched_changes(&scope, None, 100).unwrap()));
    }
}

/// What everybody is sent without being asked who they are.
fn published(engine: &Engine, wiki: &Wiki) {
    let store = engine.fragments();
    let shared = store.wiki(wiki.id()).unwrap().unwrap();
    clean("frame", &String::from_utf8_lossy(&store.frame(wiki.id(), &shared.frame).unwrap().unwrap().to_bytes()));
    clean("404", &String::from_utf8_lossy(store.get(wiki.id(), &shared.not_found).unwrap().unwrap().raw()));
    for key in store.pages(wiki.id()).unwrap() {
        let manifest = store.page(wiki.id(), &key).unwrap().unwrap();
        assert_eq!(manifest.readers == Readers::OfItsOwn, key.as_str().split('/').next() == Some("staff"), "{key:?}");
        if manifest.readers == Readers::OfTheWiki {
            for fragment in manifest.fragments() {
                clean(key.as_str(), &String::from_utf8_lossy(store.get(wiki.id(), fragment).unwrap().unwrap().raw()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn nothing_tells_what_is_hidden(before in prop::collection::vec(step(), 0..6), after in prop::collection::vec(step(), 4..14)) {
        let dir = tempfile::tempdir().unwrap();
        let (engine, wiki) = docs(&dir);
        let bob = join(&engine, &wiki, "bob", approved());
        before.iter().for_each(|step| act(&wiki, step));
        if pages::find(&wiki.grant::<Read>(&bob).unwrap(), &path("Staff")).unwrap() != Found::Missing {
            pages::watch(&wiki.grant::<Read>(&bob).unwrap(), &path("Staff"), Extent::Below).unwrap();
        }
        set(&wiki, vec![rule("Staff", AccessLevel::Admin, AccessLevel::Admin)]);
        after.iter().for_each(|step| act(&wiki, step));
        let ann = people("ann");
        let all = pages::changelog(&wiki.grant::<Read>(&ann).unwrap(), &Filter::default(), None, 200).unwrap();
        ask(&wiki, &Actor::Anonymous, &all);
        ask(&wiki, &bob, &all);
        published(&engine, &wiki);
        // What is published again from nothing is no other.
        holt_engine::sync::rebuild(&wiki).unwrap();
        published(&engine, &wiki);
    }
}

#[test]
fn rules_are_obeyed_at_once_and_lifted_again() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let (bob, eve) = (join(&engine, &wiki, "bob", approved()), join(&engine, &wiki, "eve", approved()));
    let Actor::Person(person) = &bob else { unreachable!() };
    save_text(&wiki, "Staff/Plan", &secret(1));
    save_text(&wiki, "Home", &public(1));
    let main = |page: &str| {
        let manifest = engine.fragments().page(wiki.id(), &path(page).key()).unwrap().unwrap();
        let html: Vec<u8> =
            manifest.fragments().flat_map(|key| engine.fragments().get(wiki.id(), key).unwrap().unwrap().raw().to_vec()).collect();
        String::from_utf8(html).unwrap()
    };
    assert!(main("Home").contains("words qwy1"), "what is open is included");
    let named = SubtreeRule { readers: [person.id].into(), ..rule("Staff", AccessLevel::Admin, AccessLevel::Admin) };
    set(&wiki, vec![named.clone()]);
    assert!(!main("Home").contains("qwy"));
    let sees = |who: &Actor| pages::page(&wiki.grant::<Read>(who).unwrap(), &path("staff/plan")).unwrap().is_some();
    assert_eq!((sees(&bob), sees(&eve), sees(&Actor::Anonymous)), (true, false, false));
    assert_eq!(pages::search(&wiki.grant::<Read>(&bob).unwrap(), "qwy1", 5, 0).unwrap().total, 1);
    // A page in there may show what is in there, and bob sees it in lists.
    save_text(&wiki, "Staff/Index", "{{Include|src=/Staff/Plan}}");
    assert!(main("Staff/Index").contains("words qwy1"));
    assert!(format!("{:?}", pages::tree(&wiki.grant::<Read>(&bob).unwrap(), None).unwrap()).contains("Staff/Plan"));
    // He reads, and changes nothing.
    let writes = |who: &Actor, page: &str| {
        let scope = wiki.grant::<Write>(who).unwrap();
        pages::save(&scope, &Edit::new(path(page), None, "x".into(), "").unwrap(), None).map(|saved| matches!(saved, SaveOutcome::Saved(_)))
    };
    for who in [&bob, &eve] {
        assert_eq!(writes(who, "Staff/New").unwrap_err().kind, ErrorKind::Denied);
        assert_eq!(writes(who, "Staff/Plan").unwrap_err().kind, ErrorKind::Denied, "no conflict that shows the text");
    }
    set(&wiki, vec![SubtreeRule { writers: [person.id].into(), ..named }]);
    assert!(writes(&bob, "Staff/New").unwrap() && writes(&eve, "Staff/New").is_err());
    set(&wiki, Vec::new());
    assert!(sees(&Actor::Anonymous) && main("Home").contains("words qwy1"));
}

#[test]
fn what_is_not_theirs_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let bob = join(&engine, &wiki, "bob", MemberFlags { allow_upload: true, allow_write: true, ..approved() });
    for (page, text) in [("Team", "[[Rules/One]]"), ("Rules", "# Rules"), ("Rules/One", "one [[Team]]"), ("Team/Sub", "sub")] {
        save_text(&wiki, page, text);
    }
    let secret_rule = rule("Team/Sub", AccessLevel::Admin, AccessLevel::Admin);
    set(&wiki, vec![rule("Rules", AccessLevel::Anonymous, AccessLevel::Admin), secret_rule]);
    let ann = people("ann");
    let scope = wiki.grant::<Write>(&bob).unwrap();
    let denied = |result: holt_core::Result<holt_core::RevisionId>| assert_eq!(result.unwrap_err().kind, ErrorKind::Denied);
    denied(pages::rename(&scope, &path("Rules/One"), &path("Mine"), "", Backlinks::Rewrite).map(|done| done.revision));
    denied(pages::rename(&scope, &path("Home"), &path("Rules/Two"), "", Backlinks::Keep).map(|done| done.revision));
    denied(pages::delete(&scope, &path("Rules"), "", Subpages::Delete));
    // With what is below it, a hidden page would go, too.
    denied(pages::delete(&scope, &path("Team"), "", Subpages::Delete));
    denied(pages::rename(&scope, &path("Team"), &path("Crew"), "", Backlinks::Keep).map(|done| done.revision));
    let name = AttachmentName::parse("a.txt").unwrap();
    denied(pages::upload(&wiki.grant::<Upload>(&bob).unwrap(), &path("Rules"), &[(name, vec![1])], pages::Existing::Replace, ""));
    let last = save_text(&wiki, "Rules", "# Other rules").revision;
    denied(pages::revert(&scope, last, ""));
    assert_eq!(pages::preview(&scope, &path("Rules"), "x", None).unwrap_err().kind, ErrorKind::Denied);
    assert_eq!(pages::save_draft(&scope, &path("Rules"), "x", None).unwrap_err().kind, ErrorKind::Denied);
    // A rename of what is theirs leaves links in what is not: the old name goes on to lead there.
    save_text(&wiki, "Own", "# Own");
    save_text(&wiki, "Rules/One", "[[Own]]");
    let renamed = pages::rename(&scope, &path("Own"), &path("Mine"), "", Backlinks::Rewrite).unwrap();
    assert_eq!(renamed.rewritten, 0);
    let read = wiki.grant::<Read>(&ann).unwrap();
    assert_eq!(pages::find(&read, &path("Own")).unwrap(), Found::Moved(path("Mine")));
    assert!(
        wiki.may_at(&bob, Action::Read, &path("Rules/One").key()).unwrap()
            && !wiki.may_at(&bob, Action::Write, &path("rules/one").key()).unwrap()
    );
}

#[test]
fn a_rule_that_was_set_before_a_crash_is_followed_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    save_text(&wiki, "Staff", &secret(1));
    engine.settle_all().unwrap();
    assert!(engine.interrupted().unwrap().is_empty());
    // Its pages could not follow: as if the process had died in between.
    let rules = SubtreeRules::new(vec![rule("Staff", AccessLevel::Admin, AccessLevel::Admin)]);
    holt_engine::failpoint::arm("publish.pages", holt_engine::failpoint::Action::Fail);
    let ann = people("ann");
    assert!(pages::set_preferences(&wiki.grant::<Admin>(&ann).unwrap(), &[("PATH_ACCESS", &path_access_text(&rules))]).is_err());
    holt_engine::failpoint::disarm();
    assert_eq!(engine.interrupted().unwrap(), [wiki.id()]);
    engine.settle_all().unwrap();
    assert_eq!(engine.interrupted().unwrap(), [wiki.id()], "not before the pages are what the rules say");
    engine.recover(wiki.id()).unwrap();
    published(&engine, &wiki);
}

#[test]
fn a_rename_that_is_refused_changes_no_rule() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let bob = join(&engine, &wiki, "bob", approved());
    let Actor::Person(person) = &bob else { unreachable!() };
    for page in ["Team", "Team/Sub", "Staff", "Guide/Team/Sub/Other", "Open/Old"] {
        save_text(&wiki, page, "text");
    }
    let his = SubtreeRule { writers: [person.id].into(), ..rule("Staff", AccessLevel::Admin, AccessLevel::Admin) };
    set(&wiki, vec![rule("Team/Sub", AccessLevel::Admin, AccessLevel::Admin), his]);
    let rules = || wiki.preferences().unwrap().path_access.clone();
    let before = rules();
    let scope = wiki.grant::<Write>(&bob).unwrap();
    // What is below it is not his, and what is at the other place would be hidden with his own page.
    for (from, to) in [("Team", "Guide/Team"), ("Staff", "Open")] {
        assert_eq!(pages::rename(&scope, &path(from), &path(to), "", Backlinks::Keep).unwrap_err().kind, ErrorKind::Denied, "{from}");
        assert_eq!(rules(), before, "{from}");
    }
    assert!(pages::rename(&scope, &path("Staff"), &path("Crew"), "", Backlinks::Keep).is_ok() && rules() != before);
    let ann = people("ann");
    assert!(pages::rename(&wiki.grant::<Write>(&ann).unwrap(), &path("Crew"), &path("Open"), "", Backlinks::Keep).is_ok());
}
