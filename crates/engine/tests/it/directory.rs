//! The platform database.

use holt_core::{ErrorKind, UserId, WikiId, WikiName};
use holt_engine::directory::{
    AuditEntry, Directory, Gate, NewUser, Purpose, QUARANTINE, Rank, SESSION_IDLE, SESSION_LIFE, TokenScope, WikiState,
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
    directory.set_wiki_state(other, WikiState::Suspended).unwrap();
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
    let token = directory.create_token_until(docs, Some(ann), TokenScope::Propose, "bot", 10, Some(100)).unwrap();
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
fn the_audit_log_only_grows() {
    let (dir, directory) = directory();
    let docs = wiki(&directory, "docs", 1);
    for (time, wiki) in [(1, None), (2, Some(docs)), (3, None)] {
        directory.audit(&AuditEntry { time, actor: "ann", wiki, action: "login", object: "ann", result: "ok" }).unwrap();
    }
    let times = |wiki, before, limit| directory.audit_log(wiki, before, limit).unwrap().iter().map(|r| r.time).collect::<Vec<_>>();
    assert_eq!(times(None, None, 2), [3, 2]);
    assert_eq!(times(Some(docs), None, 9), [2]);
    assert_eq!(times(None, Some(2), 9), [1]);
    let db = raw(dir.path());
    assert!(db.execute("UPDATE audit SET result = 'x'", []).is_err() && db.execute("DELETE FROM audit", []).is_err());
}

/// With 100,000 wikis every look-up on the way of a request or a start is by index.
#[test]
fn look_ups_use_an_index_however_many_wikis_there_are() {
    let (dir, directory) = directory();
    let mut db = raw(dir.path());
    let tx = db.transaction().unwrap();
    for i in 1..=100_000_i64 {
        tx.prepare_cached("INSERT INTO wikis VALUES (?1, ?2, 'W', 0, 'active')")
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
