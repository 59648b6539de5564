//! Mail about what people watch, from the save to a mail server: once, only to who may read, and with a way out of it.
//!
//! What happened long ago is due now: the tests let it happen by an engine whose clock stands in the past, and then start the server.

use crate::client::{Client, Server, until};
use crate::smtp::Sink;
use holt_core::{Action, Actor, Edit, Handling, MemberFlags, PagePath, Person, Program, UserId, WikiName};
use holt_engine::db::preferences::Audience;
use holt_engine::db::wiki_db::Member;
use holt_engine::directory::{NewUser, Rank};
use holt_engine::pages::{self, Extent, Frequency};
use holt_engine::{Admin, Clock, Engine, EngineOptions, Read, Wiki, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

const LONG_AGO: i64 = 1_700_000_000;
const BOB: &str = "bob@example.org";

fn long_ago(data: &Path) -> Engine {
    Engine::open(EngineOptions::new(data, Clock::fixed(LONG_AGO))).unwrap()
}

fn flags(approved: bool) -> MemberFlags {
    MemberFlags { approved, ..MemberFlags::default() }
}

/// Somebody who wants mail at once about everything below `Guide`.
fn watcher(engine: &Engine, wiki: &Wiki, email: &str) {
    let account = NewUser { email, name: email, password_hash: None, rank: Rank::Member, email_confirmed: false, created: 0, last_seen: 0 };
    let id = match engine.directory().user_by_email(email).unwrap() {
        Some(user) => user.id,
        None => engine.directory().create_user(&account).unwrap(),
    };
    set_flags(wiki, id, flags(true));
    let actor = Actor::Person(Person { id, name: email.into(), email: email.into(), operator: false, through: None });
    let scope = wiki.grant::<Read>(&actor).unwrap();
    pages::watch(&scope, &PagePath::parse("Guide").unwrap(), Extent::Below).unwrap();
    pages::set_frequency(&scope, Frequency::AtOnce).unwrap();
}

fn set_flags(wiki: &Wiki, user: UserId, flags: MemberFlags) {
    let scope = wiki.grant::<Admin>(&Actor::System).unwrap();
    pages::put_members(&scope, &[Member { user, flags, first_seen: 0, last_seen: 0 }]).unwrap();
}

fn save(wiki: &Wiki, text: &str) {
    let scope = wiki.grant::<Write>(&Actor::System).unwrap();
    let path = PagePath::parse("Guide").unwrap();
    let base = pages::page(&scope.narrow(), &path).unwrap().map(|view| view.page.revision);
    pages::save(&scope, &Edit::new(path, base, text.into(), "Said why").unwrap(), None).unwrap();
}

/// A wiki with news for its watchers.
fn wiki(data: &Path, slug: &str, watchers: &[&str]) {
    let engine = long_ago(data);
    let wiki = engine.create_wiki(&WikiName::parse(slug).unwrap(), slug, Audience::Everybody).unwrap();
    save(&wiki, "one\n");
    for email in watchers {
        watcher(&engine, &wiki, email);
    }
    save(&wiki, "two\n");
    engine.settle_all().unwrap();
}

fn start(data: &Path, smtp: &str) -> Server {
    Server::start(data, &["--smtp-url", smtp, "--mail-from", "wiki@example.org"])
}

/// More news, and with them everything that is owed is due.
fn more_news(data: &Path, slug: &str) {
    let engine = long_ago(data);
    let wiki = engine.wiki_named(slug).unwrap();
    save(&wiki, &format!("more: {:?}\n", wiki.grant::<Read>(&Actor::System).map(|scope| pages::now_mark(&scope).unwrap().revision)));
    engine.directory().expect_digests(wiki.id(), LONG_AGO).unwrap();
    engine.settle_all().unwrap();
}

/// The wiki has its turn before all others. Answers its directory.
fn ask_first(data: &Path, slug: &str) -> PathBuf {
    let engine = long_ago(data);
    let wiki = engine.wiki_named(slug).unwrap();
    engine.directory().expect_digests(wiki.id(), LONG_AGO - 1).unwrap();
    wiki.repo_path().parent().unwrap().to_path_buf()
}

/// What a mail program sends: no cookies, no origin, no form of ours.
fn one_click(server: &Server, link: &str) -> u16 {
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    server.client().send("POST", link, &headers, b"List-Unsubscribe=One-Click").unwrap().status
}

#[test]
fn who_watches_gets_a_mail_once_and_stops_it_by_its_link() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Sink::start();
    wiki(dir.path(), "docs", &[BOB]);
    let mut server = start(dir.path(), &sink.url);
    let host = server.client().host;
    let mail = sink.newest(1, BOB);
    assert_eq!((mail.header("Subject").as_str(), mail.header("From").as_str()), ("[docs] Holt changed Guide", "wiki@example.org"));
    assert!(mail.text().contains(&format!("Said why\n  http://{host}/-/commit/")), "{}", mail.text());
    let link = mail.link("/-/unsubscribe/");
    assert_eq!(mail.header("List-Unsubscribe"), format!("<http://{host}{link}>"));
    assert_eq!(mail.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert!(mail.header("Message-ID").starts_with("<digest."), "{}", mail.header("Message-ID"));
    server.stop();
    // Asked again, the wiki owes nothing; the other one does, and its turn comes later.
    ask_first(dir.path(), "docs");
    wiki(dir.path(), "other", &["cara@example.org"]);
    let mut server = start(dir.path(), &sink.url);
    sink.newest(2, "cara@example.org");
    // Programs that follow links change nothing; the button, or one POST without it, does.
    let client = server.client();
    for _ in 0..2 {
        assert!(client.get(&link).body_text().contains("Stop the mail</button>"));
    }
    let forged = format!("{}{}", &link[..link.len() - 2], if link.ends_with("AA") { "BB" } else { "AA" });
    assert_eq!((client.get(&forged).status, one_click(&server, &forged)), (404, 404));
    assert_eq!((one_click(&server, &link), one_click(&server, &link)), (200, 200));
    server.stop();
    more_news(dir.path(), "docs");
    more_news(dir.path(), "other");
    let mut server = start(dir.path(), &sink.url);
    sink.newest(3, "cara@example.org");
    server.stop();
    assert_eq!(sink.all().iter().filter(|mail| mail.to == [BOB]).count(), 1);
    let log = long_ago(dir.path()).directory().audit_log(&Default::default(), 9).unwrap();
    assert!(log.iter().any(|row| row.action == "mail.stop" && row.actor == BOB), "{log:?}");
}

/// Proposals end by the clock that the server goes by.
fn now(data: &Path) -> Engine {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    Engine::open(EngineOptions::new(data, Clock::fixed(now.cast_signed()))).unwrap()
}

#[test]
fn who_looks_after_a_page_and_whose_agent_proposed_get_mail_about_a_proposal() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Sink::start();
    let cara = "cara@example.org";
    let engine = now(dir.path());
    let docs = engine.create_wiki(&WikiName::parse("docs").unwrap(), "docs", Audience::Everybody).unwrap();
    save(&docs, "one\n");
    for email in [BOB, cara] {
        watcher(&engine, &docs, email);
    }
    let account = |engine: &Engine, email: &str| engine.directory().user_by_email(email).unwrap().unwrap().person();
    let through = Program { name: "mcp/claude".into(), ceiling: Action::Upload, handling: Handling::Propose, within: None, session: None };
    let agent = Actor::Person(Person { through: Some(through), ..account(&engine, cara) });
    let page = PagePath::parse("Guide").unwrap();
    let base = pages::page(&docs.grant(&agent).unwrap(), &page).unwrap().map(|view| view.page.revision);
    let edit = Edit::new(page, base, "two\n".into(), "Shorter").unwrap();
    assert!(pages::save(&docs.grant(&agent).unwrap(), &edit, None).unwrap_err().proposal().is_some());
    engine.directory().expect_digests(docs.id(), LONG_AGO).unwrap();
    engine.settle_all().unwrap();
    drop((docs, engine));
    let mut server = start(dir.path(), &sink.url);
    let host = server.client().host;
    let mail = sink.newest(1, BOB);
    assert_eq!(mail.header("Subject"), format!("[docs] {cara} via mcp/claude proposes: Shorter"));
    assert!(mail.text().contains(&format!("\n  Guide\n  http://{host}/-/proposals/1\n")), "{}", mail.text());
    server.stop();
    assert_eq!(sink.all().len(), 1, "its maker is not told what she did");
    let engine = now(dir.path());
    let docs = engine.wiki_named("docs").unwrap();
    let bob = Actor::Person(account(&engine, BOB));
    pages::proposals::reject(&docs.grant::<Write>(&bob).unwrap(), 1, "We need all of it.").unwrap();
    engine.directory().expect_digests(docs.id(), LONG_AGO).unwrap();
    engine.settle_all().unwrap();
    drop((docs, engine));
    let mut server = start(dir.path(), &sink.url);
    let mail = sink.newest(2, cara);
    assert_eq!(mail.header("Subject"), format!("[docs] {BOB} rejected your proposal: Shorter"));
    assert!(mail.text().contains("\n  We need all of it.\n"), "{}", mail.text());
    server.stop();
    assert_eq!(sink.all().len(), 2);
}

#[test]
fn a_mail_server_that_is_down_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    wiki(dir.path(), "docs", &[BOB, "cara@example.org", "dan@example.org", "eve@example.org"]);
    let mut server = start(dir.path(), &Sink::nowhere());
    let failed = || {
        let directory = holt_engine::directory::Directory::look(&dir.path().join("holt.db")).unwrap();
        directory.audit_log(&Default::default(), 9).unwrap().iter().filter(|row| row.action == "mail.failed").count()
    };
    until("two mails that failed", || match failed() {
        count @ ..2 => Err(format!("{count} failed")),
        _ => Ok(()),
    });
    server.stop();
    assert_eq!(failed(), 2, "one that is down is not asked for everybody");
    let engine = long_ago(dir.path());
    let wiki = engine.wiki_named("docs").unwrap();
    assert_eq!(pages::digests_due(&wiki).unwrap(), [], "all wait");
    // Their time comes.
    for email in [BOB, "cara@example.org", "dan@example.org", "eve@example.org"] {
        pages::digest_failed(&wiki, engine.directory().user_by_email(email).unwrap().unwrap().id).unwrap();
    }
    engine.directory().expect_digests(wiki.id(), LONG_AGO).unwrap();
    drop((wiki, engine));
    let sink = Sink::start();
    let mut server = start(dir.path(), &sink.url);
    let mails = sink.wait(4);
    server.stop();
    assert!(mails.iter().all(|mail| mail.header("Subject") == "[docs] Holt changed Guide"));
    assert_eq!(sink.all().len(), 4);
}

#[test]
fn a_broken_wiki_keeps_no_other_waiting() {
    let dir = tempfile::tempdir().unwrap();
    wiki(dir.path(), "broken", &[BOB]);
    wiki(dir.path(), "docs", &["cara@example.org"]);
    let broken = ask_first(dir.path(), "broken");
    for name in ["wiki.db", "wiki.db-wal"] {
        std::fs::write(broken.join(name), "this is no database").unwrap();
    }
    let sink = Sink::start();
    let mut server = start(dir.path(), &sink.url);
    sink.newest(1, "cara@example.org");
    server.stop();
    assert_eq!(sink.all().len(), 1);
}

#[test]
fn who_may_not_read_any_more_gets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    wiki(dir.path(), "docs", &[BOB, "cara@example.org"]);
    let engine = long_ago(dir.path());
    let docs = engine.wiki_named("docs").unwrap();
    pages::set_preferences(&docs.grant::<Admin>(&Actor::System).unwrap(), &[("READ_ACCESS", "APPROVED")]).unwrap();
    set_flags(&docs, engine.directory().user_by_email(BOB).unwrap().unwrap().id, flags(false));
    drop((docs, engine));
    let sink = Sink::start();
    let mut server = start(dir.path(), &sink.url);
    sink.newest(1, "cara@example.org");
    // The way out is open to whoever may not read any more, and shows nothing of the wiki.
    let link = sink.all()[0].link("/-/unsubscribe/");
    let shown = Client::get(&server.client(), &link);
    assert!(shown.status == 200 && !shown.body_text().contains("Guide"), "{}", shown.body_text());
    server.stop();
    assert_eq!(sink.all().len(), 1, "Bob was first");
}

#[test]
fn a_mail_server_that_says_nothing_does_not_keep_the_server_from_ending() {
    let dir = tempfile::tempdir().unwrap();
    wiki(dir.path(), "docs", &[BOB]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut server = start(dir.path(), &format!("smtp://{}", silent.local_addr().unwrap()));
    let _connection = silent.accept().unwrap();
    let begin = Instant::now();
    server.stop();
    assert!(begin.elapsed() < Duration::from_secs(9), "{:?}", begin.elapsed());
    // Nothing was sent, and everything is still owed.
    let sink = Sink::start();
    more_news(dir.path(), "docs");
    let mut server = start(dir.path(), &sink.url);
    assert_eq!(sink.newest(1, BOB).header("Subject"), "[docs] 2 changes");
    server.stop();
}
