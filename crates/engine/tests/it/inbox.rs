//! What concerns somebody: mentions, answers, changes of what they watch, and the mail about it.

use crate::comments::{approved, docs, join, path, say, shown};
use crate::wikis::{people, save_text};
use holt_core::{Actor, Edit, MemberFlags, UserId};
use holt_engine::directory::{GATHER, LEASE, Next, Turn};
use holt_engine::pages::{self, Backlinks, Extent, Frequency, Mark, NoticeKind, Retry};
use holt_engine::{Admin, Read, Wiki, Write};
use std::sync::atomic::{AtomicI64, Ordering};

fn inbox(wiki: &Wiki, who: &Actor) -> Vec<(NoticeKind, bool, String)> {
    let rows = pages::notices(&wiki.grant::<Read>(who).unwrap(), None, 50).unwrap();
    rows.into_iter().map(|row| (row.kind, row.seen, row.comment.content)).collect()
}

fn watch(wiki: &Wiki, who: &Actor, page: &str, extent: Extent) {
    pages::watch(&wiki.grant::<Read>(who).unwrap(), &path(page), extent).unwrap();
}

/// Message of each change and whether it is news.
fn changes(wiki: &Wiki, who: &Actor) -> Vec<(String, bool)> {
    let found = pages::watched_changes(&wiki.grant::<Read>(who).unwrap(), None, 50).unwrap();
    found.changes.into_iter().map(|change| (change.entry.revision.message.trim().to_string(), change.unread)).collect()
}

fn save_as(wiki: &Wiki, who: &Actor, page: &str, text: &str) {
    let scope = wiki.grant::<Write>(who).unwrap();
    let base = pages::page(&scope.narrow(), &path(page)).unwrap().map(|view| view.page.revision);
    pages::save(&scope, &Edit::new(path(page), base, text.into(), "").unwrap(), None).unwrap();
}

fn id(who: &Actor) -> UserId {
    match who {
        Actor::Person(person) => person.id,
        _ => panic!("nobody"),
    }
}

#[test]
fn who_is_named_or_answered_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let bob = join(&engine, &wiki, "Bob", approved());
    let cara = join(&engine, &wiki, "Cara Otter", approved());
    save_text(&wiki, "Page", "text\n");
    say(&wiki, &bob, "Page", "Look, @cara otter and @Bob, @nobody");
    assert_eq!(inbox(&wiki, &cara), [(NoticeKind::Mention, false, "Look, @cara otter and @Bob, @nobody".to_string())]);
    assert_eq!(inbox(&wiki, &bob), [], "nobody tells themselves");
    let thread = shown(&wiki, &bob, "Page").threads[0].id;
    let scope = wiki.grant::<Read>(&cara).unwrap();
    let reply = pages::reply(&scope, &path("Page"), thread, "Seen @bob@example.org").unwrap();
    assert_eq!(inbox(&wiki, &bob), [(NoticeKind::Mention, false, "Seen @bob@example.org".to_string())]);
    pages::reply(&wiki.grant(&bob).unwrap(), &path("Page"), thread, "Thanks").unwrap();
    assert_eq!(inbox(&wiki, &cara)[0], (NoticeKind::Reply, false, "Thanks".to_string()));
    assert_eq!(pages::unread_notices(&scope).unwrap(), 2);
    // Reading a thread is reading what it says.
    pages::see_thread(&scope, thread).unwrap();
    assert_eq!(pages::unread_notices(&scope).unwrap(), 0);
    // Whoever is named later is told later; whoever knows is not told again.
    pages::edit_comment(&scope, &path("Page"), reply, "Seen @bob and @Cara Otter!").unwrap();
    assert_eq!(inbox(&wiki, &bob).len(), 1);
    // What is deleted is told to nobody.
    pages::delete_comment(&scope, &path("Page"), reply).unwrap();
    assert_eq!(inbox(&wiki, &bob), []);
}

#[test]
fn changes_of_watched_pages_are_news_until_they_were_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let bob = join(&engine, &wiki, "Bob", approved());
    for page in ["Guide", "Guide/Setup", "Guidebook", "Other"] {
        save_text(&wiki, page, "one\n");
    }
    watch(&wiki, &bob, "guide", Extent::Below);
    watch(&wiki, &bob, "Other", Extent::Page);
    assert_eq!(changes(&wiki, &bob), [], "what was before is no news");
    save_text(&wiki, "Guide/Setup", "two\n");
    save_text(&wiki, "Guidebook", "two\n");
    save_text(&wiki, "Other", "two\n");
    save_text(&wiki, "Other/Below", "two\n");
    save_as(&wiki, &bob, "Guide", "my own\n");
    let news = |texts: &[(&str, bool)]| texts.iter().map(|(text, unread)| ((*text).to_string(), *unread)).collect::<Vec<_>>();
    assert_eq!(changes(&wiki, &bob), news(&[("Updated Other", true), ("Updated Guide/Setup", true)]));
    let scope = wiki.grant::<Read>(&bob).unwrap();
    let mark = pages::now_mark(&scope).unwrap();
    save_text(&wiki, "Guide", "three\n");
    pages::mark_read(&scope, mark).unwrap();
    assert_eq!(changes(&wiki, &bob), news(&[("Updated Guide", true), ("Updated Other", false), ("Updated Guide/Setup", false)]));
    pages::mark_read(&scope, pages::now_mark(&scope).unwrap()).unwrap();
    pages::mark_read(&scope, mark).unwrap();
    assert!(changes(&wiki, &bob).iter().all(|(_, unread)| !unread), "an old form does not make things new");
    // A rename is news, and is followed.
    let ann = people("ann");
    pages::rename(&wiki.grant(&ann).unwrap(), &path("Guide"), &path("Manual"), "", Backlinks::Rewrite).unwrap();
    save_text(&wiki, "Manual/Setup", "four\n");
    let now = changes(&wiki, &bob);
    assert_eq!(now[..2], news(&[("Updated Manual/Setup", true), ("Renamed Guide to Manual", true)]));
    assert_eq!(pages::watched(&scope).unwrap()[0], (path("Manual"), Extent::Below));
    // A part at a time, nothing twice and nothing left out.
    let (mut parts, mut before) = (Vec::new(), None);
    loop {
        let part = pages::watched_changes(&scope, before, 1).unwrap();
        parts.extend(part.changes.iter().map(|change| (change.entry.revision.message.trim().to_string(), change.unread)));
        before = part.older;
        if before.is_none() {
            break;
        }
    }
    let whole: Vec<_> = now.into_iter().filter(|(text, _)| text != "Updated Guide/Setup" && text != "Updated Guide").collect();
    let parts: Vec<_> = parts.into_iter().filter(|(text, _)| text != "Updated Guide/Setup" && text != "Updated Guide").collect();
    assert_eq!(parts, whole);
    pages::unwatch(&scope, &path("manual")).unwrap();
    pages::unwatch(&scope, &path("Other")).unwrap();
    assert_eq!(changes(&wiki, &bob), []);
    assert!(pages::watch(&scope, &path("Nowhere"), Extent::Page).is_err());
    // A folder without a page can be watched.
    save_text(&wiki, "Folder/Page", "x\n");
    watch(&wiki, &bob, "folder", Extent::Below);
    assert_eq!(pages::watching(&scope, &path("Folder")).unwrap(), Some(Extent::Below));
    let export = pages::comments_export(&wiki.grant::<Admin>(&ann).unwrap()).unwrap();
    assert_eq!(export.watches[0].email.as_deref(), Some("bob@example.org"));
}

#[test]
fn mail_says_what_is_new_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let ann = people("ann");
    let bob = join(&engine, &wiki, "Bob", approved());
    save_text(&wiki, "Guide/Setup", "one\n");
    let scope = wiki.grant::<Read>(&bob).unwrap();
    watch(&wiki, &bob, "Guide/Setup", Extent::Page);
    let base = "https://docs.example.org";
    let start = pages::now_mark(&scope).unwrap();
    assert_eq!(pages::digest(&wiki, id(&bob), start, base).unwrap(), None, "nothing is no mail");
    let first = say(&wiki, &ann, "Guide/Setup", "@Bob, *look*:\n\n> <b>here</b>\u{202e}");
    let one = pages::digest(&wiki, id(&bob), start, base).unwrap().unwrap();
    assert_eq!(one.subject, "[Docs] ann mentioned you on Guide/Setup");
    save_text(&wiki, "Guide/Setup", "two\n");
    let two = pages::digest(&wiki, id(&bob), start, base).unwrap().unwrap();
    assert_eq!(two.subject, "[Docs] 1 comment, 1 change");
    let revision = pages::now_mark(&scope).unwrap().revision.unwrap();
    let expected = format!(
        "Hello Bob,\n\nthis is new in Docs.\n\nCOMMENTS\n\nann mentioned you on Guide/Setup:\n  @Bob, look: here\n  \
         {base}/Guide/Setup/comments?thread=1#holt-comment-{first}\n\nPAGES YOU WATCH\n\nann changed Guide/Setup:\n  Updated Guide/Setup\n  \
         {base}/-/commit/{revision}\n\n-- \nHow often you get such mail, and what you watch: {base}/-/inbox\n"
    );
    assert_eq!(two.body, expected);
    // What was told or looked at is not told again.
    assert_eq!(pages::digest(&wiki, id(&bob), two.upto, base).unwrap(), None);
    pages::mark_read(&scope, two.upto).unwrap();
    assert_eq!(pages::digest(&wiki, id(&bob), Mark::default(), base).unwrap(), None);
    // Much is told in part.
    for n in 0..25 {
        say(&wiki, &ann, "Guide/Setup", &format!("@Bob {n}"));
        save_text(&wiki, "Guide/Setup", &format!("{n}\n"));
    }
    let much = pages::digest(&wiki, id(&bob), start, base).unwrap().unwrap();
    assert_eq!(much.subject, "[Docs] 20 comments, 20 changes");
    assert!(much.body.contains("There is more: https://docs.example.org/-/inbox\n") && much.body.matches("mentioned you").count() == 20);
    // Nobody is told of what they may not read, and nobody who is not there.
    let admin = wiki.grant::<Admin>(&ann).unwrap();
    pages::set_preferences(&admin, &[("READ_ACCESS", "APPROVED"), ("SITE_NAME", "Docs\r\nBcc: x@example.org")]).unwrap();
    let subject = pages::digest(&wiki, id(&bob), start, base).unwrap().unwrap().subject;
    assert_eq!(subject, "[Docs Bcc: x@example.org] 20 comments, 20 changes");
    let member = wiki.member(id(&bob)).unwrap().unwrap();
    pages::put_members(&admin, &[holt_engine::db::wiki_db::Member { flags: MemberFlags::default(), ..member }]).unwrap();
    assert_eq!(pages::digest(&wiki, id(&bob), start, base).unwrap(), None);
    assert_eq!(pages::digest(&wiki, UserId(999), start, base).unwrap(), None);
}

#[test]
fn mail_goes_as_often_as_people_want() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki, now) = timed(&dir);
    let people = [("Ann", Frequency::AtOnce), ("Bob", Frequency::Daily), ("Cara", Frequency::Weekly), ("Dan", Frequency::None)]
        .map(|(name, frequency)| (join(&engine, &wiki, name, approved()), frequency));
    for (who, frequency) in &people {
        let scope = wiki.grant::<Read>(who).unwrap();
        assert_eq!(pages::frequency(&scope).unwrap(), Frequency::None);
        pages::set_frequency(&scope, *frequency).unwrap();
        assert_eq!(pages::frequency(&scope).unwrap(), *frequency);
    }
    let due = || pages::digests_due(&wiki).unwrap().iter().map(|due| due.user).collect::<Vec<_>>();
    let ids = people.each_ref().map(|(who, _)| id(who));
    assert_eq!(due(), ids[..1]);
    now.fetch_add(24 * 3600, Ordering::Relaxed);
    assert_eq!(due(), ids[..2]);
    pages::digest_sent(&wiki, ids[1], Mark { comment: 3, ..Mark::default() }).unwrap();
    assert_eq!(due(), ids[..1]);
    now.fetch_add(6 * 24 * 3600, Ordering::Relaxed);
    assert_eq!(due(), ids[..3]);
    let bob = pages::digests_due(&wiki).unwrap()[1];
    assert_eq!(bob.since, Mark { comment: 3, ..Mark::default() });
}

/// A wiki whose time is what the test says.
fn timed(dir: &tempfile::TempDir) -> (holt_engine::Engine, std::sync::Arc<Wiki>, std::sync::Arc<AtomicI64>) {
    let now = std::sync::Arc::new(AtomicI64::new(1_700_000_000));
    let clock = {
        let now = now.clone();
        holt_engine::Clock::new(move || now.load(Ordering::Relaxed))
    };
    let engine = holt_engine::Engine::open(holt_engine::EngineOptions::new(dir.path(), clock)).unwrap();
    let slug = holt_core::WikiName::parse("docs").unwrap();
    let wiki = engine.create_wiki(&slug, "Docs", holt_engine::db::preferences::Audience::Everybody).unwrap();
    (engine, wiki, now)
}

/// The wiki whose turn it is.
fn next_turn(engine: &holt_engine::Engine, now: i64) -> Option<Turn> {
    let due = engine.directory().due_digests(now, 1).unwrap();
    engine.directory().begin_digests(*due.first()?, now).unwrap()
}

/// The turn of the wiki, if it has come, with nothing sent: what it waits for then.
fn turn(engine: &holt_engine::Engine) -> Option<(Vec<UserId>, Next)> {
    let now = engine.clock().now();
    let turn = next_turn(engine, now)?;
    let wiki = engine.wiki(turn.wiki);
    let due = pages::digests_due(&wiki).unwrap();
    for due in &due {
        pages::digest_sent(&wiki, due.user, due.since).unwrap();
    }
    let next = pages::next_digests(&wiki).unwrap();
    engine.directory().end_turn(&turn, next).unwrap();
    assert_eq!(next_turn(engine, now), None, "one turn");
    Some((due.iter().map(|due| due.user).collect(), next))
}

#[test]
fn a_wiki_has_its_turn_when_something_happened_and_never_without() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki, now) = timed(&dir);
    let pass = |seconds| now.fetch_add(seconds, Ordering::Relaxed);
    let (day, time) = (24 * 3600, |seconds| Some(1_700_000_000 + seconds));
    save_text(&wiki, "Page", "one\n");
    pass(GATHER);
    assert_eq!(turn(&engine), None, "nobody wants mail");
    let bob = join(&engine, &wiki, "Bob", approved());
    let scope = wiki.grant::<Read>(&bob).unwrap();
    pages::set_frequency(&scope, Frequency::Daily).unwrap();
    assert_eq!(turn(&engine), Some((vec![], Next::At { time: time(GATHER + day), listens: false })));
    pass(day);
    assert_eq!(turn(&engine), Some((vec![id(&bob)], Next::At { time: None, listens: true })));
    // Nothing happens: nobody looks, however long. Then mail comes at its time of day, not at once.
    pass(3 * day + 500);
    assert_eq!(turn(&engine), None);
    save_text(&wiki, "Page", "two\n");
    assert_eq!(turn(&engine), None, "news gather");
    pass(GATHER);
    assert_eq!(turn(&engine), Some((vec![], Next::At { time: time(GATHER + 5 * day), listens: false })));
    save_text(&wiki, "Page", "three\n");
    pass(GATHER);
    assert_eq!(turn(&engine), None, "it is planned already");
    // Somebody else wants to know at once; a comment is news, too.
    let ann = join(&engine, &wiki, "Ann", approved());
    pages::set_frequency(&wiki.grant::<Read>(&ann).unwrap(), Frequency::AtOnce).unwrap();
    assert!(turn(&engine).is_some());
    say(&wiki, &bob, "Page", "Look");
    pass(GATHER);
    assert_eq!(turn(&engine).unwrap().0, [id(&ann)]);
    assert_eq!(turn(&engine), None);
    // News while it has its turn are not lost.
    say(&wiki, &bob, "Page", "Again");
    pass(GATHER);
    let began = next_turn(&engine, engine.clock().now()).unwrap();
    assert_eq!(pages::digests_due(&wiki).unwrap().len(), 1);
    pages::digest_sent(&wiki, id(&ann), Mark::default()).unwrap();
    save_text(&wiki, "Page", "four\n");
    engine.directory().end_turn(&began, pages::next_digests(&wiki).unwrap()).unwrap();
    pass(GATHER);
    assert_eq!(turn(&engine).unwrap().0, [id(&ann)]);
    // A turn that did not end comes again.
    save_text(&wiki, "Page", "five\n");
    pass(GATHER);
    assert!(next_turn(&engine, engine.clock().now()).is_some());
    assert_eq!(turn(&engine), None);
    pass(LEASE);
    assert_eq!(turn(&engine).unwrap().0, [id(&ann)]);
    // Nobody wants mail any more.
    assert!(pages::stop_digests(&wiki, id(&ann)).unwrap() && !pages::stop_digests(&wiki, id(&ann)).unwrap());
    pages::set_frequency(&scope, Frequency::None).unwrap();
    pass(2 * day);
    assert_eq!(turn(&engine), Some((vec![], Next::Never)));
    save_text(&wiki, "Page", "six\n");
    pass(2 * day);
    assert_eq!(turn(&engine), None);
}

#[test]
fn mail_that_failed_is_tried_again_later_each_time_and_not_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki, now) = timed(&dir);
    let bob = join(&engine, &wiki, "Bob", approved());
    save_text(&wiki, "Page", "one\n");
    watch(&wiki, &bob, "Page", Extent::Page);
    pages::set_frequency(&wiki.grant::<Read>(&bob).unwrap(), Frequency::AtOnce).unwrap();
    save_text(&wiki, "Page", "two\n");
    let mut waits = Vec::new();
    loop {
        let due = pages::digests_due(&wiki).unwrap();
        assert!(pages::digest(&wiki, id(&bob), due[0].since, "https://x.org").unwrap().is_some(), "nothing is lost");
        match pages::digest_failed(&wiki, id(&bob)).unwrap() {
            Retry::At(time) => {
                assert!(pages::digests_due(&wiki).unwrap().is_empty());
                waits.push((time - now.load(Ordering::Relaxed)) / 60);
                now.store(time, Ordering::Relaxed);
            }
            Retry::WithTheNext => break,
        }
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]);
    assert_eq!(pages::next_digests(&wiki).unwrap(), Next::At { time: None, listens: true });
    // With the next news everything is told, and a mail that went forgives those that did not.
    save_text(&wiki, "Page", "three\n");
    let due = pages::digests_due(&wiki).unwrap()[0];
    let mail = pages::digest(&wiki, id(&bob), due.since, "https://x.org").unwrap().unwrap();
    assert_eq!(mail.subject, "[Docs] 2 changes");
    pages::digest_sent(&wiki, id(&bob), mail.upto).unwrap();
    save_text(&wiki, "Page", "four\n");
    assert_eq!(pages::digests_due(&wiki).unwrap().len(), 1);
    assert_eq!(pages::digest_failed(&wiki, id(&bob)).unwrap(), Retry::At(now.load(Ordering::Relaxed) + 300));
}
