//! `wiki.db`, and how files are opened; `index.db` in the modules below.

use holt_core::{AccessLevel, ErrorKind, MemberFlags, PagePath, UserId};
use holt_engine::db::preferences::{Audience, CommitMessage};
use holt_engine::db::wiki_db::{DraftRow, Member, WikiDb};
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

mod index;
mod index_damage;
mod index_history;
mod search;

fn wiki_db(audience: Audience) -> (TempDir, WikiDb) {
    let dir = tempfile::tempdir().unwrap();
    let db = WikiDb::create(dir.path(), "Docs", audience).unwrap();
    (dir, db)
}

/// A second connection, as another program would open the file.
fn raw(dir: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(dir.join("wiki.db")).unwrap()
}

fn path(text: &str) -> PagePath {
    PagePath::parse(text).unwrap()
}

#[test]
fn a_missing_or_empty_file_is_never_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let error = WikiDb::open(dir.path()).err().unwrap();
    assert!(error.hint.as_deref().unwrap().contains("backup") && !dir.path().join("wiki.db").exists());
    assert!(WikiDb::open(&dir.path().join("nowhere")).is_err());
    std::fs::write(dir.path().join("wiki.db"), "").unwrap();
    assert!(WikiDb::open(dir.path()).is_err());
    assert_eq!(std::fs::metadata(dir.path().join("wiki.db")).unwrap().len(), 0);
    assert_eq!(WikiDb::create(dir.path(), "x", Audience::Members).err().unwrap().kind, ErrorKind::Conflict, "nor written over");
}

#[test]
fn a_new_wiki_has_the_defaults_of_the_design() {
    for (audience, read) in [(Audience::Everybody, AccessLevel::Anonymous), (Audience::Members, AccessLevel::Approved)] {
        let (_dir, db) = wiki_db(audience);
        let p = db.preferences().unwrap();
        assert_eq!((p.site_name.as_str(), p.read_access), ("Docs", read));
        assert_eq!((p.write_access, p.attachment_access), (AccessLevel::Approved, AccessLevel::Approved));
        assert!(p.retain_page_name_case && matches!(p.wikilink_style, holt_markdown::WikilinkStyle::TargetFirst));
        assert_eq!((p.commit_message, p.get("RETAIN_PAGE_NAME_CASE"), p.site_lang.as_str()), (CommitMessage::Optional, Some("True"), "en"));
    }
}

#[test]
fn preferences_changed_by_another_program_are_seen_at_once() {
    let (dir, db) = wiki_db(Audience::Everybody);
    let before = (db.settings_version().unwrap(), db.epoch().unwrap());
    let held = db.preferences().unwrap();
    assert!(std::sync::Arc::ptr_eq(&held, &db.preferences().unwrap()), "read once while nothing changes");
    let other = raw(dir.path());
    other.execute("UPDATE preferences SET value = 'Otter' WHERE name = 'SITE_NAME'", []).unwrap();
    assert_eq!(db.preferences().unwrap().site_name, "Otter");
    assert_eq!(held.site_name, "Docs", "a snapshot stays what it was");
    assert_eq!((db.settings_version().unwrap(), db.epoch().unwrap()), (before.0 + 1, before.1));
    other.execute("INSERT INTO preferences VALUES ('SERVER_NAME', NULL)", []).unwrap();
    other.execute("UPDATE preferences SET value = 'ADMIN' WHERE name = 'READ_ACCESS'", []).unwrap();
    assert_eq!(db.preferences().unwrap().read_access, AccessLevel::Admin);
    assert_eq!((db.settings_version().unwrap(), db.epoch().unwrap()), (before.0 + 3, before.1 + 1));
    other.execute("UPDATE preferences SET value = 'ADMIN' WHERE name = 'READ_ACCESS'", []).unwrap();
    assert_eq!(db.epoch().unwrap(), before.1 + 1, "the same again is no change");
    other.execute("INSERT INTO members VALUES (7, 0, 1, 0, 0, 0, 0, 0)", []).unwrap();
    assert!(db.member(UserId(7)).unwrap().unwrap().flags.approved);
    assert_eq!(db.epoch().unwrap(), before.1 + 2);
    db.set_preferences([("SITE_NAME", "Ours"), ("MINE", "kept")]).unwrap();
    let p = db.preferences().unwrap();
    assert_eq!((p.site_name.as_str(), p.get("MINE")), ("Ours", Some("kept")));
}

#[test]
fn replaced_preferences_are_all_there_is() {
    let (_dir, db) = wiki_db(Audience::Members);
    let rows = BTreeMap::from([("SITE_NAME".to_string(), "Otterhölt".to_string()), ("UNKNOWN".to_string(), "x\ny".to_string())]);
    let epoch = db.epoch().unwrap();
    db.replace_preferences(&rows).unwrap();
    let p = db.preferences().unwrap();
    assert_eq!(p.rows(), &rows);
    assert_eq!((p.read_access, p.commit_message), (AccessLevel::Anonymous, CommitMessage::Required), "Otterwiki's defaults again");
    assert!(db.epoch().unwrap() > epoch, "access changed");
}

#[test]
fn members_come_change_and_go_and_are_counted() {
    let (dir, db) = wiki_db(Audience::Members);
    let flags = MemberFlags { approved: true, allow_write: true, ..MemberFlags::default() };
    let member = Member { user: UserId(3), flags, first_seen: 10, last_seen: 20 };
    let mut epoch = db.epoch().unwrap();
    let mut grew = |by: u64| {
        let now = db.epoch().unwrap();
        assert_eq!(now - epoch, by);
        epoch = now;
    };
    db.put_member(&member).unwrap();
    grew(1);
    db.put_member(&Member { last_seen: 30, ..member }).unwrap();
    grew(0);
    db.put_member(&Member { flags: MemberFlags { admin: true, ..flags }, ..member }).unwrap();
    grew(1);
    db.put_member(&Member { user: UserId(1), ..member }).unwrap();
    grew(1);
    assert_eq!(db.members().unwrap().iter().map(|m| (m.user.0, m.flags.admin)).collect::<Vec<_>>(), [(1, false), (3, true)]);
    // The last administrator stays, however one goes about it.
    assert_eq!(db.remove_member(UserId(3)).unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(db.change_members(&[Member { user: UserId(1), ..member }, member]).unwrap_err().kind, ErrorKind::Invalid);
    grew(0);
    db.change_members(&[Member { user: UserId(1), flags: MemberFlags { admin: true, ..flags }, ..member }, member]).unwrap();
    grew(2);
    db.remove_member(UserId(3)).unwrap();
    grew(1);
    db.remove_member(UserId(3)).unwrap();
    grew(0);
    assert_eq!(db.member(UserId(3)).unwrap(), None);
    drop(db);
    assert_eq!(WikiDb::open(dir.path()).unwrap().members().unwrap().len(), 1);
}

#[test]
fn one_draft_per_page_and_author() {
    let (_dir, db) = wiki_db(Audience::Members);
    let draft = |content: &str| DraftRow { content: content.into(), revision: "9b4ea5".into(), cursor: (3, 5), time: 9 };
    db.put_draft(&path("Straße/FAQ"), "ben@example.org", &draft("one")).unwrap();
    db.put_draft(&path("STRASSE/faq"), "Ben@example.org", &draft("two")).unwrap();
    db.put_draft(&path("Straße/FAQ"), "ann@example.org", &draft("hers")).unwrap();
    assert_eq!(db.draft(&path("straße/faq"), "ben@example.org").unwrap(), Some(draft("two")));
    assert_eq!(db.draft(&path("straße/faq"), "eve@example.org").unwrap(), None);
    db.delete_draft(&path("Straße/faq"), "ben@example.org").unwrap();
    assert_eq!(db.draft(&path("Straße/FAQ"), "ben@example.org").unwrap(), None);
    assert_eq!(db.draft(&path("Straße/FAQ"), "ann@example.org").unwrap(), Some(draft("hers")));
}

#[test]
fn a_file_of_version_one_is_copied_and_brought_up_to_date() {
    let (dir, db) = wiki_db(Audience::Members);
    drop(db);
    {
        // As the first version left it.
        let old = raw(dir.path());
        let triggers = ["preference_added", "preference_removed", "preference_changed", "member_added", "member_removed", "member_changed"];
        for trigger in triggers {
            old.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
        }
        for table in [
            "notices",
            "comments",
            "threads",
            "watches",
            "readers",
            "proposal_notices",
            "proposal_comments",
            "proposals",
            "pushers",
            "cursors",
            "deliveries",
            "webhooks",
            "mirror",
        ] {
            old.execute_batch(&format!("DROP TABLE {table}")).unwrap();
        }
        old.execute_batch("DROP TABLE counters; PRAGMA user_version = 1; UPDATE preferences SET value = 'Old' WHERE name = 'SITE_NAME';")
            .unwrap();
    }
    let db = WikiDb::open(dir.path()).unwrap();
    assert_eq!(db.preferences().unwrap().site_name, "Old");
    let epoch = db.epoch().unwrap();
    db.set_preferences([("READ_ACCESS", "ADMIN")]).unwrap();
    assert_eq!(db.epoch().unwrap(), epoch + 1);
    let copy = rusqlite::Connection::open(dir.path().join("wiki.db.v1")).unwrap();
    assert_eq!(copy.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap(), 1);
    assert_eq!(copy.query_row("SELECT value FROM preferences WHERE name = 'SITE_NAME'", [], |row| row.get::<_, String>(0)).unwrap(), "Old");
    assert!(!dir.path().join("wiki.db.v1.tmp").exists());
    drop(db);
    assert!(WikiDb::open(dir.path()).is_ok());
}

#[test]
fn a_migration_that_died_half_way_starts_over() {
    let (dir, db) = wiki_db(Audience::Members);
    drop(db);
    // Version 0 with the header already written: the process died between the header and the first script.
    std::fs::remove_file(dir.path().join("wiki.db")).unwrap();
    raw(dir.path()).execute_batch("PRAGMA journal_mode = WAL; PRAGMA application_id = 0x486f776b;").unwrap();
    let db = WikiDb::open(dir.path()).unwrap();
    assert_eq!(db.preferences().unwrap().rows().len(), 0);
    assert_eq!(db.integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn a_newer_file_says_upgrade_and_is_not_touched() {
    let (dir, db) = wiki_db(Audience::Members);
    drop(db);
    raw(dir.path()).pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(dir.path().join("wiki.db")).unwrap();
    let error = WikiDb::open(dir.path()).err().unwrap();
    assert!(error.hint.unwrap().contains("Upgrade holt"));
    assert_eq!(std::fs::read(dir.path().join("wiki.db")).unwrap(), before);
}

#[test]
fn damage_is_an_error_never_a_panic() {
    let (dir, db) = wiki_db(Audience::Members);
    db.put_draft(
        &path("Home"),
        "ann@example.org",
        &DraftRow { content: "x".repeat(20_000), revision: String::new(), cursor: (0, 0), time: 0 },
    )
    .unwrap();
    drop(db);
    let file = dir.path().join("wiki.db");
    let whole = std::fs::read(&file).unwrap();
    for (i, keep) in [50, 100, 4096, 5000, whole.len() - 4096].into_iter().enumerate() {
        std::fs::write(&file, &whole[..keep]).unwrap();
        let result = WikiDb::open(dir.path()).and_then(|db| {
            db.preferences()?;
            db.draft(&path("Home"), "ann@example.org")?;
            db.integrity()
        });
        assert!(result.as_ref().map_or(true, |problems| !problems.is_empty()), "{i}: {result:?}");
        assert!(file.exists(), "never set aside");
    }
}

#[test]
fn every_connection_has_the_settings_that_keep_it_safe() {
    let (dir, db) = wiki_db(Audience::Members);
    let other = raw(dir.path());
    assert_eq!(other.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0)).unwrap(), "wal");
    assert_eq!(other.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0)).unwrap(), i32::from_be_bytes(*b"Howk"));
    assert!(db.preferences().is_ok());
    let version: String = rusqlite::version().into();
    let numbers: Vec<u32> = version.split('.').map(|n| n.parse().unwrap()).collect();
    assert!(numbers >= vec![3, 51, 3], "DUR-14: {version}");
}
