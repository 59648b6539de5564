//! What people say about pages: who may, where it goes when pages change, what it may cost.

use crate::wikis::{new_engine, people, save_text};
use holt_core::{Actor, ErrorKind, MemberFlags, PagePath, Person, UserId, WikiName};
use holt_engine::accounts::Rank;
use holt_engine::db::preferences::Audience;
use holt_engine::db::wiki_db::Member;
use holt_engine::directory::NewUser;
use holt_engine::pages::{self, About, Backlinks, Quote, Resolution, Subpages, Threads};
use holt_engine::{Admin, Engine, Read, Wiki, Write};
use std::sync::Arc;

/// A wiki with the account of ann, whom [`people`] makes.
pub fn docs(dir: &tempfile::TempDir) -> (Engine, Arc<Wiki>) {
    let engine = new_engine(dir.path());
    let (email, rank) = ("ann@example.org", Rank::Operator);
    let ann = NewUser { email, name: "ann", password_hash: None, rank, email_confirmed: true, created: 0, last_seen: 0 };
    assert_eq!(engine.directory().create_user(&ann).unwrap(), UserId(1));
    let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
    (engine, wiki)
}

pub fn path(text: &str) -> PagePath {
    PagePath::parse(text).unwrap()
}

/// An account that is a member of the wiki.
pub fn join(engine: &Engine, wiki: &Wiki, name: &str, flags: MemberFlags) -> Actor {
    let email = format!("{}@example.org", name.to_lowercase().replace(' ', "."));
    let user = NewUser { email: &email, name, password_hash: None, rank: Rank::Member, email_confirmed: true, created: 0, last_seen: 0 };
    let id = engine.directory().create_user(&user).unwrap();
    let operator = people("ann");
    let member = Member { user: id, flags, first_seen: 0, last_seen: 0 };
    pages::put_members(&wiki.grant::<Admin>(&operator).unwrap(), &[member]).unwrap();
    Actor::Person(Person { id, name: name.into(), email, operator: false, through: None })
}

pub fn approved() -> MemberFlags {
    MemberFlags { approved: true, ..MemberFlags::default() }
}

fn stranger(id: i64) -> Actor {
    Actor::Person(Person { id: UserId(id), name: format!("P{id}"), email: format!("p{id}@example.org"), operator: false, through: None })
}

pub fn say(wiki: &Wiki, who: &Actor, page: &str, text: &str) -> i64 {
    pages::comment(&wiki.grant::<Read>(who).unwrap(), &path(page), &Quote::default(), text).unwrap()
}

pub fn shown(wiki: &Wiki, who: &Actor, page: &str) -> Threads {
    pages::threads(&wiki.grant::<Read>(who).unwrap(), &path(page), 0, 1000).unwrap()
}

#[test]
fn a_thread_lives_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Page", "# Page\n");
    let (ann, bob, eve) = (people("ann"), stranger(7), stranger(8));
    let ann_scope = wiki.grant::<Read>(&ann).unwrap();
    let (bob_scope, eve_scope) = (wiki.grant::<Read>(&bob).unwrap(), wiki.grant::<Read>(&eve).unwrap());
    let page = path("page");
    let first = say(&wiki, &bob, "page", "One *thing*\r\n<script>x</script>");
    let thread = shown(&wiki, &ann, "Page").threads[0].id;
    let second = pages::reply(&ann_scope, &page, thread, "And [[another]]").unwrap();
    let all = shown(&wiki, &bob, "PAGE");
    assert_eq!((all.open, all.resolved, all.threads.len()), (1, 0, 1));
    let comments = &all.threads[0].comments;
    assert_eq!(
        (comments[0].row.name.as_str(), comments[0].row.email.as_str(), comments[0].row.created),
        ("P7", "p7@example.org", 1_700_000_000)
    );
    assert!(comments[0].html.as_str().contains("<em>thing</em>") && !comments[0].html.as_str().contains("<script>"));
    assert_eq!((comments[0].may_edit, comments[0].may_delete, comments[1].may_edit, comments[1].may_delete), (true, true, false, false));
    assert!(shown(&wiki, &ann, "Page").threads[0].comments[0].may_delete, "administrators delete");
    // Words of others stay theirs.
    assert_eq!(pages::edit_comment(&ann_scope, &page, first, "mine").unwrap_err().kind, ErrorKind::Denied);
    assert_eq!(pages::delete_comment(&eve_scope, &page, first).unwrap_err().kind, ErrorKind::Denied);
    pages::edit_comment(&bob_scope, &page, first, "Two").unwrap();
    assert_eq!(shown(&wiki, &ann, "Page").threads[0].comments[0].row.edited, Some(1_700_000_000));
    // Who began it resolves it, and whoever may write; a bystander does not.
    assert_eq!(pages::resolve_thread(&eve_scope, &page, thread, Resolution::Resolved).unwrap_err().kind, ErrorKind::Denied);
    pages::resolve_thread(&bob_scope, &page, thread, Resolution::Resolved).unwrap();
    let resolved = shown(&wiki, &ann, "Page");
    assert_eq!((resolved.open, resolved.resolved), (0, 1));
    assert_eq!(resolved.threads[0].resolved.as_ref().unwrap().name, "P7");
    pages::resolve_thread(&ann_scope, &page, thread, Resolution::Open).unwrap();
    // The first of a thread leaves its place; the last takes the thread along.
    pages::delete_comment(&ann_scope, &page, first).unwrap();
    let left = shown(&wiki, &bob, "Page");
    assert!(left.threads[0].comments[0].row.deleted && left.threads[0].comments[0].row.content.is_empty());
    assert_eq!(pages::edit_comment(&bob_scope, &page, first, "again").unwrap_err().kind, ErrorKind::NotFound);
    pages::delete_comment(&ann_scope, &page, second).unwrap();
    assert!(shown(&wiki, &bob, "Page").threads.is_empty());
    // Nobody in particular says nothing, and an id of another page is unknown.
    let nobody = Actor::Anonymous;
    let refused = pages::comment(&wiki.grant(&nobody).unwrap(), &page, &Quote::default(), "x").unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unauthenticated);
    save_text(&wiki, "Other", "x");
    let there = say(&wiki, &bob, "Other", "x");
    assert_eq!(pages::delete_comment(&ann_scope, &page, there).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(pages::comment(&ann_scope, &path("Nowhere"), &Quote::default(), "x").unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn words_are_found_again_after_edits() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Parts", "shared words of the part\n");
    save_text(&wiki, "Page", "# Otters\n\nThe *quick* otter\nswims under water.\n\n{{Include|src=Parts}}\n");
    let ann = people("ann");
    let scope = wiki.grant::<Read>(&ann).unwrap();
    let quote = |before: &str, text: &str, after: &str| Quote { text: text.into(), before: before.into(), after: after.into() };
    for quote in
        [quote("The ", "quick otter swims", " under"), quote("quick ", "otter", " swims"), quote("", "shared words of the part", "")]
    {
        pages::comment(&scope, &path("Page"), &quote, "here").unwrap();
    }
    let found = || {
        let mut threads = shown(&wiki, &ann, "Page").threads;
        threads.sort_by_key(|thread| thread.id);
        threads.iter().map(|thread| matches!(thread.about, About::Words(_))).collect::<Vec<_>>()
    };
    assert_eq!(found(), [true, true, true]);
    save_text(&wiki, "Page", "# Beasts\n\nNew text.\n\nThe **quick otter swims** under\nwater.\n");
    assert_eq!(found(), [true, true, false], "what moved is found, what is gone is not");
    save_text(&wiki, "Page", "# Otters\n\nAn otter.\n");
    assert_eq!(found(), [false, false, false]);
    let About::Earlier(quote) = &shown(&wiki, &ann, "Page").threads[2].about else { panic!("it is not there") };
    assert_eq!(quote.text, "quick otter swims");
    // Too much is cut, nothing is refused.
    let long = "word ".repeat(1000);
    pages::comment(&scope, &path("Page"), &Quote { text: long.clone(), before: long.clone(), after: long }, "long").unwrap();
    let About::Earlier(quote) = &shown(&wiki, &ann, "Page").threads[0].about else { panic!("it is not there") };
    assert_eq!((quote.text.chars().count(), quote.before.chars().count(), quote.after.chars().count()), (1000, 100, 100));
}

#[test]
fn comments_follow_a_rename_and_outlive_the_page() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let ann = people("ann");
    let write = wiki.grant::<Write>(&ann).unwrap();
    for page in ["Guide", "Guide/Setup", "Guidebook"] {
        save_text(&wiki, page, "text\n");
        say(&wiki, &ann, page, page);
    }
    pages::rename(&write, &path("guide"), &path("Manual/Of Otters"), "", Backlinks::Rewrite).unwrap();
    let said = |page: &str| shown(&wiki, &ann, page).threads.iter().map(|t| t.comments[0].row.content.clone()).collect::<Vec<_>>();
    assert_eq!(said("Manual/Of Otters"), ["Guide"]);
    assert_eq!(said("Manual/Of Otters/Setup"), ["Guide/Setup"]);
    assert_eq!((said("Guidebook"), said("Guide")), (vec!["Guidebook".to_string()], vec![]));
    pages::rename(&write, &path("Manual"), &path("MANUAL"), "", Backlinks::Keep).unwrap();
    assert_eq!(said("manual/of otters"), ["Guide"]);
    pages::delete(&write, &path("MANUAL/Of Otters"), "", Subpages::Keep).unwrap();
    assert_eq!(said("MANUAL/Of Otters"), ["Guide"]);
    // Answers are still given, a new thread needs a page.
    let scope = wiki.grant::<Read>(&ann).unwrap();
    let thread = shown(&wiki, &ann, "MANUAL/Of Otters").threads[0].id;
    pages::reply(&scope, &path("MANUAL/Of Otters"), thread, "why?").unwrap();
    assert_eq!(pages::comment(&scope, &path("MANUAL/Of Otters"), &Quote::default(), "x").unwrap_err().kind, ErrorKind::NotFound);
    let export = pages::comments_export(&wiki.grant(&ann).unwrap()).unwrap();
    let exported: Vec<(&str, usize)> = export.threads.iter().map(|t| (t.thread.path.as_str(), t.comments.len())).collect();
    assert_eq!(exported, [("MANUAL/Of Otters", 2), ("MANUAL/Of Otters/Setup", 1), ("Guidebook", 1)]);
}

#[test]
fn what_a_page_holds_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Page", "text\n");
    save_text(&wiki, "Long", "text\n");
    let ann = people("ann");
    let scope = wiki.grant::<Read>(&ann).unwrap();
    let page = path("Page");
    for (text, kind) in [("", ErrorKind::Invalid), (" \n\u{1}", ErrorKind::Invalid), (&*"x".repeat(20 * 1024 + 1), ErrorKind::TooLarge)] {
        assert_eq!(pages::comment(&scope, &page, &Quote::default(), text).unwrap_err().kind, kind);
    }
    for _ in 0..pages::THREADS {
        say(&wiki, &ann, "Page", "x");
    }
    let full = pages::comment(&scope, &page, &Quote::default(), "x").unwrap_err();
    assert_eq!(full.to_string(), "this page has 500 threads, and no room for more");
    let thread = shown(&wiki, &ann, "Page").threads[0].id;
    for _ in 0..pages::REPLIES {
        pages::reply(&scope, &page, thread, "x").unwrap();
    }
    assert_eq!(pages::reply(&scope, &page, thread, "x").unwrap_err().kind, ErrorKind::TooLarge);
    let long = "x".repeat(20 * 1024);
    let kept = std::iter::repeat_with(|| pages::comment(&scope, &path("Long"), &Quote::default(), &long)).take_while(Result::is_ok).count();
    assert_eq!(kept, 102, "two megabytes a page");
    assert_eq!(pages::comments_lately(&scope, 60).unwrap(), pages::THREADS + pages::REPLIES + kept);
}

#[test]
fn switched_off_nothing_new_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Page", "text\n");
    let ann = people("ann");
    let first = say(&wiki, &ann, "Page", "before");
    pages::set_preferences(&wiki.grant(&ann).unwrap(), &[("COMMENTS", "off")]).unwrap();
    let scope = wiki.grant::<Read>(&ann).unwrap();
    assert_eq!(pages::comment(&scope, &path("Page"), &Quote::default(), "x").unwrap_err().kind, ErrorKind::Denied);
    assert_eq!(shown(&wiki, &ann, "Page").threads.len(), 1);
    pages::delete_comment(&scope, &path("Page"), first).unwrap();
}

#[test]
fn who_lost_the_right_to_read_hears_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    save_text(&wiki, "Page", "text\n");
    let ann = people("ann");
    pages::set_preferences(&wiki.grant(&ann).unwrap(), &[("READ_ACCESS", "APPROVED")]).unwrap();
    let bob = join(&engine, &wiki, "Bob", MemberFlags::default());
    assert!(wiki.grant::<Read>(&bob).is_err() && wiki.grant::<Read>(&Actor::Anonymous).is_err());
    assert!(wiki.grant::<Read>(&join(&engine, &wiki, "Cara", approved())).is_ok());
}
