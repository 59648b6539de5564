//! The platform database.

use holt_core::{DomainName, ErrorKind, MemberFlags, UserId, WikiId, WikiName};
use holt_engine::directory::{
    AuditEntry, AuditFilter, CLAIM_LIFE, Delivery, Directory, Doubt, Gate, INVITATION_LIFE, LOST_LIFE, NewInvitation, NewToken, NewUser,
    Purpose, QUARANTINE, RECHECK, Rank, SESSION_IDLE, SESSION_LIFE, TokenScope, UNSEEN_LIFE, WikiState,
};
use std::path::Path;
use tempfile::TempDir;

fn directory() -> (TempDir, Directory) {
    let dir = tempfile::tempdir().unwrap();
    let directory = Directory::open(&dir.path().join("holt.db")).unwrap();
    (dir, directory)
}

fn name(slug: &str) -> WikiName {
    WikiName::parse(slug).unwrap()
}

fn wiki(directory: &Directory, slug: &str, now: i64) -> WikiId {
    let id = directory.unused_wiki_id().unwrap();
    directory.create_wiki(id, &name(slug), slug, now).unwrap();
    id
}

fn user(directory: &Directory, email: &str) -> UserId {
    let user =
        NewUser { email, name: "Somebody", password_hash: None, rank: Rank::Member, email_confirmed: false, created: 1, last_seen: 1 };
    directory.create_user(&user).unwrap()
}

/// A second connection, as another program would open the file.
fn raw(dir: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(dir.join("holt.db")).unwrap()
}

#[test]
fn wikis_come_and_go_and_slugs_rest() {
    let (_dir, directory) = directory();
    let docs = wiki(&directory, "docs", 100);
    let record = directory.wiki_by_slug("docs").unwrap().unwrap();
    assert_eq!((record.id, record.slug.as_str(), record.created, record.state), (docs, "docs", 100, WikiState::Active));
    assert!(directory.wiki_by_slug("Docs' OR 1=1").unwrap().is_none());
    assert_eq!(directory.create_wiki(directory.unused_wiki_id().unwrap(), &name("docs"), "x", 1).unwrap_err().kind, ErrorKind::Conflict);

    directory.rename_wiki(docs, &name("manual"), 200).unwrap();
    assert!(directory.wiki_by_slug("docs").unwrap().is_none());
    assert_eq!(directory.wiki_by_slug("manual").unwrap().unwrap().id, docs);
    assert_eq!(directory.check_slug_free(&name("docs"), 201).unwrap_err().kind, ErrorKind::Conflict, "quarantined");
    assert!(directory.check_slug_free(&name("docs"), 200 + QUARANTINE).is_ok());
    directory.rename_wiki(docs, &name("docs"), 300).unwrap();
    directory.rename_wiki(docs, &name("docs"), 300).unwrap();
    assert!(directory.check_slug_free(&name("manual"), 301).is_err());

    let other = wiki(&directory, "other", 300);
    assert_eq!(directory.rename_wiki(other, &name("docs"), 300).unwrap_err().kind, ErrorKind::Conflict);
    directory.set_wiki_state(other, WikiState::Suspended, holt_core::Visibility::Private).unwrap();
    assert_eq!(directory.wiki(other).unwrap().unwrap().state, WikiState::Suspended);
    let slugs = |wikis: Vec<holt_engine::directory::WikiRecord>| wikis.iter().map(|w| w.slug.to_string()).collect::<Vec<_>>();
    assert_eq!(slugs(directory.list_wikis().unwrap()), ["docs", "other"]);
    assert_eq!(slugs(directory.list_wikis_after("docs", 10).unwrap()), ["other"]);

    directory.delete_wiki(docs, 400).unwrap();
    assert!(directory.wiki(docs).unwrap().is_none() && directory.wiki_by_slug("docs").unwrap().is_none());
    assert_eq!(directory.delete_wiki(docs, 400).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(directory.rename_wiki(docs, &name("again"), 400).unwrap_err().kind, ErrorKind::NotFound);
    assert!(directory.check_slug_free(&name("docs"), 401).is_err(), "a deleted wiki's slug rests, too");
    let next = directory.unused_wiki_id().unwrap();
    directory.create_wiki(next, &name("docs"), "New", 400 + QUARANTINE).unwrap();
    assert_eq!(directory.wiki_by_slug("docs").unwrap().unwrap().id, next);
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let (dir, directory) = directory();
    let docs = wiki(&directory, "docs", 1);
    let secret = directory.secret("viewer").unwrap();
    assert_ne!(secret, directory.secret("csrf").unwrap());
    directory.set_setting("theme", "otter").unwrap();
    directory.mark_dirty(docs, 5).unwrap();
    directory.mark_dirty(docs, 6).unwrap();
    drop(directory);
    let directory = Directory::open(&dir.path().join("holt.db")).unwrap();
    assert_eq!(directory.secret("viewer").unwrap(), secret);
    assert_eq!((directory.setting("theme").unwrap().as_deref(), directory.setting("x").unwrap()), (Some("otter"), None));
    assert_eq!(directory.dirty_wikis().unwrap(), [docs]);
    directory.clear_dirty(docs).unwrap();
    assert_eq!(directory.dirty_wikis().unwrap(), []);
    assert_eq!(directory.integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn one_address_is_one_account() {
    let (_dir, directory) = directory();
    let ann = user(&directory, " Ann@Example.org");
    assert_eq!(directory.user(ann).unwrap().unwrap().email, "ann@example.org");
    assert_eq!(directory.user_by_email("ANN@EXAMPLE.ORG").unwrap().unwrap().id, ann);
    let again = NewUser {
        email: "aNN@example.org",
        name: "x",
        password_hash: None,
        rank: Rank::Member,
        email_confirmed: false,
        created: 1,
        last_seen: 1,
    };
    assert_eq!(directory.create_user(&again).unwrap_err().kind, ErrorKind::Conflict);
    assert!(!directory.has_operator().unwrap());
    directory.set_rank(ann, Rank::Operator).unwrap();
    directory.set_name(ann, "Ann").unwrap();
    directory.set_password_hash(ann, Some("$x")).unwrap();
    directory.touch(ann, 77).unwrap();
    let record = directory.user(ann).unwrap().unwrap();
    assert_eq!((record.name.as_str(), record.password_hash.as_deref(), record.last_seen), ("Ann", Some("$x"), 77));
    assert!(record.person().operator && directory.has_operator().unwrap());
    assert!(!format!("{record:?}").contains("$x"), "hashes stay out of logs");
    let ben = user(&directory, "ben@example.org");
    assert_eq!(directory.list_users("", 10).unwrap().iter().map(|u| u.id).collect::<Vec<_>>(), [ann, ben]);
    directory.delete_user(ben).unwrap();
    assert_eq!(directory.set_name(ben, "x").unwrap_err().kind, ErrorKind::NotFound);
    assert!(user(&directory, "new@example.org") > ben, "ids are not used twice");
}

#[test]
fn sessions_belong_to_one_wiki_and_end() {
    let (_dir, directory) = directory();
    let (docs, other) = (wiki(&directory, "docs", 1), wiki(&directory, "other", 1));
    let ann = user(&directory, "ann@example.org");
    let start = 1_000_000;
    let token = directory.create_session(ann, Some(docs), start).unwrap();
    let good = |now: i64| directory.session(token.expose(), Some(docs), now).unwrap().is_some();
    let session = directory.session(token.expose(), Some(docs), start).unwrap().unwrap();
    assert_eq!((session.user.id, session.csrf.len()), (ann, 43));
    assert!(!format!("{session:?} {token:?}").contains(token.expose()) && !format!("{session:?}").contains(&session.csrf));
    for elsewhere in [Some(other), None] {
        assert!(directory.session(token.expose(), elsewhere, start).unwrap().is_none());
    }
    assert!(directory.session("", Some(docs), start).unwrap().is_none());
    assert!(!good(start + SESSION_IDLE), "idle");
    let mut now = start;
    while now < start + SESSION_LIFE {
        assert!(good(now), "in use, day {}", (now - start) / 86_400);
        now += SESSION_IDLE - 1;
    }
    assert!(!good(start + SESSION_LIFE), "however often it is used");

    let (a, b) = (directory.create_session(ann, None, start).unwrap(), directory.create_session(ann, None, start).unwrap());
    directory.end_session(a.expose()).unwrap();
    assert!(directory.session(a.expose(), None, start).unwrap().is_none());
    assert!(directory.session(b.expose(), None, start).unwrap().is_some());
    assert_eq!(directory.end_all_sessions(ann).unwrap(), 2);
    assert!(directory.session(b.expose(), None, start).unwrap().is_none());

    let c = directory.create_session(ann, Some(docs), start).unwrap();
    directory.delete_wiki(docs, start).unwrap();
    assert!(directory.session(c.expose(), Some(docs), start).unwrap().is_none());
}

#[test]
fn no_secret_is_stored_as_it_is() {
    let (dir, directory) = directory();
    let docs = wiki(&directory, "docs", 1);
    let ann = user(&directory, "ann@example.org");
    let secrets = [
        directory.create_session(ann, Some(docs), 1).unwrap(),
        directory.create_token(docs, Some(ann), TokenScope::Write, "laptop", 1).unwrap(),
        directory.create_one_time(Purpose::FirstAdministrator, None, 1).unwrap(),
    ];
    for file in ["holt.db", "holt.db-wal"] {
        let bytes = std::fs::read(dir.path().join(file)).unwrap();
        for secret in &secrets {
            let secret = secret.expose().as_bytes();
            assert!(!bytes.windows(secret.len()).any(|w| w == secret), "{file}");
        }
        // The control: what is meant to be there is found.
        assert!(file == "holt.db" || bytes.windows(6).any(|w| w == b"laptop"));
    }
}

#[test]
fn tokens_open_one_wiki_until_they_end() {
    let (_dir, directory) = directory();
    let (docs, other) = (wiki(&directory, "docs", 1), wiki(&directory, "other", 1));
    let ann = user(&directory, "ann@example.org");
    let token = {
        let (user, scope, label, expires) = (Some(ann), TokenScope::Propose, "bot", Some(100));
        directory.make_token(&NewToken { wiki: docs, user, scope, within: None, label, expires }, 10).unwrap()
    };
    assert!(token.expose().starts_with("holt_") && token.expose().len() == 48);
    let record = directory.token(token.expose(), 99).unwrap().unwrap();
    assert_eq!((record.wiki, record.user, record.scope, record.expires), (docs, Some(ann), TokenScope::Propose, Some(100)));
    assert!(directory.token(token.expose(), 100).unwrap().is_none(), "expired");
    assert!(directory.token("holt_x", 1).unwrap().is_none());
    assert_eq!(directory.tokens(docs).unwrap()[0].last_used, Some(99));
    assert_eq!(directory.revoke_token(other, record.id).unwrap_err().kind, ErrorKind::NotFound, "not another wiki's to revoke");
    directory.revoke_token(docs, record.id).unwrap();
    assert!(directory.token(token.expose(), 50).unwrap().is_none());
    let admin = directory.create_token(docs, Some(ann), TokenScope::Admin, "x", 1).unwrap();
    directory.delete_user(ann).unwrap();
    assert!(directory.token(admin.expose(), 1).unwrap().is_none(), "goes with its owner");
    assert!(TokenScope::Read < TokenScope::Propose && TokenScope::Propose < TokenScope::Write && TokenScope::Write < TokenScope::Admin);
}

#[test]
fn a_one_time_link_works_once() {
    let (_dir, directory) = directory();
    let ann = user(&directory, "ann@example.org");
    let link = directory.create_one_time(Purpose::FirstAdministrator, None, 0).unwrap();
    let reset = directory.create_one_time(Purpose::PasswordReset, Some(ann), 0).unwrap();
    assert_eq!(directory.redeem_one_time(Purpose::FirstAdministrator, reset.expose(), 1).unwrap(), None, "for something else");
    assert_eq!(directory.redeem_one_time(Purpose::PasswordReset, reset.expose(), 1).unwrap(), Some(Some(ann)));
    assert_eq!(directory.redeem_one_time(Purpose::PasswordReset, reset.expose(), 1).unwrap(), None, "used");
    assert_eq!(directory.redeem_one_time(Purpose::FirstAdministrator, link.expose(), 24 * 3600).unwrap(), None, "expired");
    let winners: usize = std::thread::scope(|threads| {
        let tries: Vec<_> = (0..8)
            .map(|_| {
                threads.spawn(|| usize::from(directory.redeem_one_time(Purpose::FirstAdministrator, link.expose(), 1).unwrap().is_some()))
            })
            .collect();
        tries.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(winners, 1);
    let link = directory.create_one_time(Purpose::FirstAdministrator, None, 0).unwrap();
    directory.end_one_time(Purpose::FirstAdministrator).unwrap();
    assert_eq!(directory.redeem_one_time(Purpose::FirstAdministrator, link.expose(), 1).unwrap(), None);
}

#[test]
fn guessing_is_slowed_down() {
    let (_dir, directory) = directory();
    let open = |email: &str, address: &str, now: i64| directory.begin_login(email, address, now).unwrap() == Gate::Open;
    for n in 0..5 {
        assert!(open("Ann@example.org", &format!("10.0.0.{n}"), 1000 + n));
    }
    assert_eq!(
        directory.begin_login("ann@example.org ", "10.9.9.9", 1010).unwrap(),
        Gate::Closed { seconds: 890 },
        "from anywhere, in any spelling"
    );
    assert!(open("ben@example.org", "10.0.0.1", 1010), "nobody else is locked out");
    assert!(open("ann@example.org", "10.9.9.9", 1900), "after 15 minutes");
    directory.login_succeeded("ANN@example.org").unwrap();
    for n in 0..5 {
        assert!(open("ann@example.org", "10.0.0.1", 1910), "{n}");
    }
    // Per address, whatever the accounts, whether they exist or not.
    for n in 0..20 {
        assert!(open(&format!("guess{n}@example.org"), "10.1.1.1", 5000));
    }
    assert_eq!(directory.begin_login("guess20@example.org", "10.1.1.1", 5030).unwrap(), Gate::Closed { seconds: 30 });
    assert!(open("guess20@example.org", "10.1.1.1", 5061));
    // A clock that jumps back ten years locks nobody out for ten years.
    for _ in 0..5 {
        directory.begin_login("eve@example.org", "10.2.2.2", 400_000_000).unwrap();
    }
    assert!(open("eve@example.org", "10.2.2.2", 84_000_000));
}

#[test]
fn many_guesses_at_once_do_not_slip_through() {
    let (_dir, directory) = directory();
    let open: usize = std::thread::scope(|threads| {
        let one = |_| threads.spawn(|| usize::from(directory.begin_login("ann@example.org", "10.0.0.1", 1000).unwrap() == Gate::Open));
        let tries: Vec<_> = (0..16).map(one).collect();
        tries.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(open, 5);
}

#[test]
fn sessions_are_listed_and_ended_one_by_one() {
    let (_dir, directory) = directory();
    let (docs, other) = (wiki(&directory, "docs", 1), wiki(&directory, "other", 1));
    let (ann, ben) = (user(&directory, "ann@example.org"), user(&directory, "ben@example.org"));
    let session = |user, wiki, now| directory.create_session(user, Some(wiki), now).unwrap();
    let (first, second, third) = (session(ann, docs, 10), session(ann, other, 20), session(ann, docs, 30));
    let bens = session(ben, docs, 40);
    let list = |user| directory.sessions_of(user, 50).unwrap();
    assert_eq!(list(ann).iter().map(|s| (s.wiki, s.created)).collect::<Vec<_>>(), [(Some(docs), 30), (Some(other), 20), (Some(docs), 10)]);
    let id = Directory::session_id(second.expose());
    assert_eq!(list(ann)[1].id, id);
    assert!(!second.expose().contains(&id));
    assert_eq!(directory.end_session_of(ben, &id).unwrap_err().kind, ErrorKind::NotFound, "not his to end");
    assert_eq!(directory.end_session_of(ann, "' OR 1=1").unwrap_err().kind, ErrorKind::NotFound);
    directory.end_session_of(ann, &id).unwrap();
    assert_eq!(list(ann).len(), 2);
    assert_eq!(directory.end_other_sessions(ann, first.expose()).unwrap(), 1);
    assert!(directory.session(third.expose(), Some(docs), 50).unwrap().is_none());
    assert!(directory.session(first.expose(), Some(docs), 50).unwrap().is_some());
    assert_eq!(list(ben).len(), 1);
    assert!(directory.sessions_of(ann, 10 + SESSION_IDLE).unwrap().is_empty(), "idle ones are not listed");
    directory.create_token(docs, Some(ben), TokenScope::Read, "bot", 50).unwrap();
    directory.lock_out(ben, other).unwrap();
    assert_eq!((list(ben).len(), directory.tokens_of(docs, ben).unwrap().len()), (1, 1), "another wiki is no matter");
    directory.lock_out(ben, docs).unwrap();
    assert!(directory.session(bens.expose(), Some(docs), 50).unwrap().is_none() && directory.tokens_of(docs, ben).unwrap().is_empty());
}

#[test]
fn an_invitation_is_good_for_its_uses_its_wiki_and_its_time() {
    let (dir, directory) = directory();
    let (docs, other) = (wiki(&directory, "docs", 1), wiki(&directory, "other", 1));
    let flags = MemberFlags { approved: true, allow_write: true, ..MemberFlags::default() };
    let make = |uses, delivery| {
        let email = (delivery == Delivery::Mail).then_some("ben@example.org");
        let new = NewInvitation { wiki: docs, email, name: "Ben", delivery, flags, uses, made_by: "ann@example.org" };
        directory.create_invitation(&new, 100).unwrap()
    };
    let (id, mailed) = make(1, Delivery::Mail);
    let (_, open) = make(2, Delivery::Hand);
    let found = directory.invitation(docs, mailed.expose(), 101).unwrap().unwrap();
    assert_eq!((found.id, found.flags, found.expires), (id, flags, 100 + INVITATION_LIFE));
    assert!(found.is_for("ben@example.org") && !found.is_for("eve@example.org"));
    assert!(found.proves("ben@example.org") && !found.proves("eve@example.org"));
    let anybody = directory.invitation(docs, open.expose(), 101).unwrap().unwrap();
    assert!(anybody.is_for("eve@example.org") && !anybody.proves("eve@example.org"));
    for (wiki, token, now) in [(other, mailed.expose(), 101), (docs, "x", 101), (docs, mailed.expose(), 100 + INVITATION_LIFE)] {
        assert!(directory.invitation(wiki, token, now).unwrap().is_none());
        assert!(directory.use_invitation(wiki, token, now).unwrap().is_none());
    }
    let file = std::fs::read(dir.path().join("holt.db-wal")).unwrap();
    assert!(!file.windows(43).any(|w| w == mailed.expose().as_bytes()), "stored as a hash");
    // An account that cannot be made uses nothing up; one that can does, once.
    let account = |email: &'static str| NewUser {
        email,
        name: "Ben",
        password_hash: None,
        rank: Rank::Member,
        email_confirmed: true,
        created: 101,
        last_seen: 101,
    };
    user(&directory, "taken@example.org");
    let refused = directory.accept_invitation(docs, mailed.expose(), &account("taken@example.org"), 101).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(directory.accept_invitation(docs, mailed.expose(), &account("ben@example.org"), 101).unwrap().is_some());
    assert!(directory.accept_invitation(docs, mailed.expose(), &account("eve@example.org"), 101).unwrap().is_none());
    assert!(directory.user_by_email("eve@example.org").unwrap().is_none());
    let winners: usize = std::thread::scope(|threads| {
        let tries: Vec<_> =
            (0..8).map(|_| threads.spawn(|| usize::from(directory.use_invitation(docs, open.expose(), 102).unwrap().is_some()))).collect();
        tries.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(winners, 2);
    let (id, revoked) = make(1, Delivery::Hand);
    assert_eq!(directory.invitations(docs, 102).unwrap().iter().map(|i| i.id).collect::<Vec<_>>(), [id], "those used up are gone");
    assert_eq!(directory.revoke_invitation(other, id).unwrap_err().kind, ErrorKind::NotFound, "not another wiki's to revoke");
    directory.revoke_invitation(docs, id).unwrap();
    assert!(directory.use_invitation(docs, revoked.expose(), 102).unwrap().is_none());
    for _ in 0..100 {
        make(1, Delivery::Hand);
    }
    let new = NewInvitation { wiki: docs, email: None, name: "", delivery: Delivery::Hand, flags, uses: 1, made_by: "ann@example.org" };
    assert_eq!(directory.create_invitation(&new, 103).unwrap_err().kind, ErrorKind::Busy);
    assert!(directory.create_invitation(&NewInvitation { wiki: other, ..new }, 103).is_ok());
}

#[test]
fn an_address_that_changes_ends_the_links_sent_to_it() {
    let (_dir, directory) = directory();
    let ann = user(&directory, "ann@example.org");
    user(&directory, "ben@example.org");
    let reset = directory.create_one_time(Purpose::PasswordReset, Some(ann), 1).unwrap();
    assert!(directory.is_one_time(Purpose::PasswordReset, reset.expose(), 2).unwrap());
    assert!(!directory.is_one_time(Purpose::ConfirmEmail, reset.expose(), 2).unwrap());
    assert_eq!(directory.set_email(ann, "BEN@example.org").unwrap_err().kind, ErrorKind::Conflict);
    assert!(directory.is_one_time(Purpose::PasswordReset, reset.expose(), 2).unwrap(), "nothing changed");
    directory.set_email(ann, "Anna@example.org").unwrap();
    assert!(!directory.is_one_time(Purpose::PasswordReset, reset.expose(), 2).unwrap());
    assert_eq!(directory.user(ann).unwrap().unwrap().email, "anna@example.org");
    assert!(directory.confirm_email(ann).unwrap() && !directory.confirm_email(ann).unwrap());
    directory.doubt_email(ann).unwrap();
    assert!(!directory.user(ann).unwrap().unwrap().email_confirmed);
    // Mail is counted apart from passwords.
    let gates: Vec<bool> = (0..5).map(|_| directory.begin_mail("ann@example.org", "a", 10).unwrap() == Gate::Open).collect();
    assert_eq!(gates, [true, true, true, false, false]);
    assert_eq!(directory.begin_login("ann@example.org", "b", 10).unwrap(), Gate::Open);
}

#[test]
fn the_audit_log_only_grows() {
    let (dir, directory) = directory();
    let docs = wiki(&directory, "docs", 1);
    for (time, wiki) in [(1, None), (2, Some(docs)), (3, None)] {
        directory.audit(&AuditEntry { time, actor: "ann", wiki, action: "login", object: "ann", result: "ok" }).unwrap();
    }
    let log = |filter: AuditFilter<'_>, limit| directory.audit_log(&filter, limit).unwrap();
    let times =
        |wiki, before, limit| log(AuditFilter { wiki, before, ..AuditFilter::default() }, limit).iter().map(|r| r.time).collect::<Vec<_>>();
    assert_eq!(times(None, None, 2), [3, 2]);
    assert_eq!(times(Some(docs), None, 9), [2]);
    assert_eq!(times(None, Some(2), 9), [1]);
    directory.audit(&AuditEntry { time: 4, actor: "ben", wiki: None, action: "logout", object: "", result: "ok" }).unwrap();
    let only = |actor, action| log(AuditFilter { actor, action, ..AuditFilter::default() }, 9).len();
    assert_eq!((only("", ""), only("an", ""), only("", "logout"), only("ann", "logout"), only("%", "")), (4, 3, 1, 0, 0));
    let db = raw(dir.path());
    assert!(db.execute("UPDATE audit SET result = 'x'", []).is_err() && db.execute("DELETE FROM audit", []).is_err());
}

/// How often this thread has asked the system to read (Linux, proc_pid_io(5)).
fn read_calls() -> u64 {
    let io = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    io.lines().find_map(|line| line.strip_prefix("syscr: ")).unwrap().parse().unwrap()
}

/// With 100,000 wikis every look-up on the way of a request or a start is by index.
#[test]
fn look_ups_use_an_index_however_many_wikis_there_are() {
    let (dir, directory) = directory();
    let mut db = raw(dir.path());
    let tx = db.transaction().unwrap();
    for i in 1..=100_000_i64 {
        tx.prepare_cached("INSERT INTO wikis (id, slug, name, created, state) VALUES (?1, ?2, 'W', 0, 'active')")
            .unwrap()
            .execute((i * 7_919, format!("wiki-{i}")))
            .unwrap();
    }
    tx.commit().unwrap();
    drop(directory);
    let directory = Directory::open(&dir.path().join("holt.db")).unwrap();
    assert_eq!(directory.wiki_by_slug("wiki-77777").unwrap().unwrap().id.to_store(), 77_777 * 7_919);
    let page = directory.list_wikis_after("wiki-5", 3).unwrap();
    assert_eq!(page.iter().map(|w| w.slug.as_str()).collect::<Vec<_>>(), ["wiki-50", "wiki-500", "wiki-5000"]);
    // What a start asks, by the reads of this thread: a scan of these rows takes tens of thousands.
    let reads = |work: &dyn Fn(&Directory)| {
        let directory = Directory::open(&dir.path().join("holt.db")).unwrap();
        let before = read_calls();
        work(&directory);
        read_calls() - before
    };
    let counted = reads(&|directory| {
        let _ = directory.count_wikis().unwrap();
    });
    assert!(counted > 500, "the control: {counted} reads for counting all of them");
    for (what, asked) in [
        (
            "the first wiki",
            reads(&|directory| {
                let _ = directory.first_wiki().unwrap();
            }),
        ),
        (
            "whether there is one",
            reads(&|directory| {
                let _ = directory.list_wikis_after("", 1).unwrap();
            }),
        ),
        (
            "whether there is an operator",
            reads(&|directory| {
                let _ = directory.has_operator().unwrap();
            }),
        ),
        (
            "what was interrupted",
            reads(&|directory| {
                let _ = directory.dirty_wikis().unwrap();
            }),
        ),
    ] {
        assert!(asked < 50, "{what}: {asked} reads");
    }
    let plan = |sql: &str| -> String {
        let mut query = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        query.query_map([], |row| row.get::<_, String>(3)).unwrap().map(Result::unwrap).collect::<Vec<_>>().join("; ")
    };
    assert!(plan("SELECT * FROM wikis WHERE name = 'x'").contains("SCAN"), "the control");
    for sql in [
        "SELECT id FROM wikis WHERE slug = 'x' AND state <> 'deleted'",
        "SELECT id FROM wikis WHERE id = 1 AND state <> 'deleted'",
        "SELECT id FROM wikis WHERE slug > 'x' AND state <> 'deleted' ORDER BY slug LIMIT 10",
        "SELECT * FROM users WHERE email = 'x'",
        "SELECT 1 FROM users WHERE operator",
        "SELECT * FROM sessions JOIN users ON users.id = sessions.user WHERE hash = x'00' AND wiki IS 1",
        "DELETE FROM sessions WHERE user = 1",
        "DELETE FROM sessions WHERE last_used < 1",
        "SELECT * FROM tokens WHERE hash = x'00'",
        "SELECT time FROM login_attempts WHERE account = 'x' AND time > 1 ORDER BY time DESC LIMIT 1 OFFSET 4",
        "SELECT time FROM login_attempts WHERE address = 'x' AND time > 1 ORDER BY time DESC LIMIT 1 OFFSET 19",
    ] {
        let plan = plan(sql);
        assert!(plan.contains("SEARCH") || plan.contains("USING INDEX") || plan.contains("USING COVERING INDEX"), "{sql}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}

#[test]
fn a_foreign_file_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("holt.db");
    let text = "not a database, but long enough to have a header of a hundred bytes, so that SQLite looks at it and says what it is not. "
        .repeat(9);
    std::fs::write(&path, &text).unwrap();
    let error = Directory::open(&path).unwrap_err();
    assert!(holt_engine::db::is_damaged(&error), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    std::fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(Directory::open(&path).is_err(), "a database of somebody else");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(dir.path().join("elsewhere.db"), &path).unwrap();
    assert!(Directory::open(&path).is_err(), "a link");
    assert!(!dir.path().join("elsewhere.db").exists());
}

#[test]
fn a_newer_file_says_upgrade() {
    let (dir, directory) = directory();
    drop(directory);
    raw(dir.path()).pragma_update(None, "user_version", 99).unwrap();
    let error = Directory::open(&dir.path().join("holt.db")).unwrap_err();
    assert!(error.hint.unwrap().contains("Upgrade holt"), "{}", error.message);
}

/// The table at the top of `directory/domains.rs`.
#[test]
fn claims_become_names_and_end() {
    let (_dir, directory) = directory();
    let (docs, other) = (wiki(&directory, "docs", 1), wiki(&directory, "other", 1));
    let domain = DomainName::parse("wiki.example.org").unwrap();
    let names = |wiki: WikiId, now: i64| directory.domains_of(wiki, now).unwrap().len();
    let due = |now: i64| directory.due_domains(now, 9).unwrap().len();
    let first = directory.claim_domain(docs, &domain, Some(1), 100).unwrap();
    assert_eq!(directory.claim_domain(docs, &domain, Some(1), 200).unwrap(), first, "asked twice it is the same claim");
    assert!(directory.domain_holder(&domain).unwrap().is_none() && due(i64::MAX / 2) == 0);
    assert_eq!(directory.set_main_domain(docs, Some(&domain)).unwrap_err().kind, ErrorKind::Invalid);
    let more = DomainName::parse("more.example.org").unwrap();
    let refused = directory.claim_domain(docs, &more, Some(1), 200).unwrap_err();
    assert_eq!((refused.kind, &*refused.message), (ErrorKind::Denied, "this wiki may have one name of its own and no more"));
    // What nobody shows to be true ends, and does not count.
    assert_eq!((names(docs, 100 + CLAIM_LIFE - 1), names(docs, 100 + CLAIM_LIFE)), (1, 0));
    let now = 100 + CLAIM_LIFE;
    let again = directory.claim_domain(docs, &domain, Some(1), now).unwrap();
    assert!(again.token != first.token && again.token.len() == 32);
    // Of two claims one is true.
    directory.claim_domain(other, &domain, None, now).unwrap();
    directory.prove_domain(docs, &domain, now).unwrap();
    assert_eq!(directory.prove_domain(other, &domain, now).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(directory.doubt_domain(other, &domain, now).unwrap(), Doubt::None, "a claim cannot be lost");
    assert_eq!(directory.domain_holder(&domain).unwrap().unwrap().wiki, docs);
    directory.set_main_domain(docs, Some(&domain)).unwrap();
    assert_eq!((due(now + RECHECK - 1), due(now + RECHECK)), (0, 1));
    // Missing: said once, and it ends a week later. Found again it is as it was.
    let lost = now + RECHECK;
    assert_eq!(directory.doubt_domain(docs, &domain, lost).unwrap(), Doubt::Begun);
    assert_eq!(directory.main_domain(docs).unwrap(), None, "nobody is led there");
    assert_eq!(directory.doubt_domain(docs, &domain, lost + LOST_LIFE - 1).unwrap(), Doubt::None);
    directory.prove_domain(docs, &domain, lost + LOST_LIFE - 1).unwrap();
    assert_eq!(directory.main_domain(docs).unwrap().as_ref(), Some(&domain));
    let lost = lost + LOST_LIFE;
    assert_eq!(directory.doubt_domain(docs, &domain, lost).unwrap(), Doubt::Begun);
    assert_eq!(directory.doubt_domain(docs, &domain, lost + LOST_LIFE).unwrap(), Doubt::Ended);
    let ended = directory.domain(docs, &domain).unwrap();
    assert!(ended.verified.is_none() && !ended.main && ended.ends() == Some(lost + LOST_LIFE + CLAIM_LIFE));
    // Now it is the other one's; that nobody answers takes it away after a month only.
    let now = lost + LOST_LIFE;
    directory.claim_domain(other, &domain, None, now).unwrap();
    directory.prove_domain(other, &domain, now).unwrap();
    assert_eq!(directory.miss_domain(other, &domain, now + UNSEEN_LIFE - 1).unwrap(), Doubt::None);
    assert_eq!((due(now + UNSEEN_LIFE), due(now + UNSEEN_LIFE + 3600)), (0, 1), "it is asked again in an hour");
    assert_eq!(directory.miss_domain(other, &domain, now + UNSEEN_LIFE).unwrap(), Doubt::Ended);
    assert_eq!(directory.remove_domain(other, &domain).map(|()| names(other, now)).unwrap(), 0);
    assert_eq!(directory.remove_domain(other, &domain).unwrap_err().kind, ErrorKind::NotFound);
    // A wiki that is deleted has none.
    directory.claim_domain(docs, &domain, None, now).unwrap();
    directory.delete_wiki(docs, now).unwrap();
    assert!(directory.wikis_with_domains().unwrap().is_empty());
}
