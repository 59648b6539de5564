//! What becomes of a robot.wtf data directory: who is who, what is refused, that nothing changes there, that a second run goes on.

use crate::wikis::{new_engine, page_text};
use holt_core::{AccessLevel, Action, Actor, MemberFlags};
use holt_engine::db::wiki_db::WikiDb;
use holt_engine::directory::{Identity, UserRecord};
use holt_engine::failpoint::{Action as Planned, arm, disarm};
use holt_engine::import::{Arrivals, Outcome, Report, RobotWtf, Run, import_robot_wtf};
use holt_engine::{Clock, Engine, EngineOptions, Wiki};
use holt_testkit::{ROBOT_BROKEN, ROBOT_GOOD, ROBOT_TOKEN, git, robot_wtf};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// A year after everything in the fixture.
const NOW: i64 = 1_800_000_000;

/// Leaves what it writes in the log.
fn sql(database: &Path, text: &str) {
    let db = Connection::open(database).unwrap();
    db.pragma_update(None, "journal_mode", "wal").unwrap();
    db.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    db.pragma_update(None, "foreign_keys", false).unwrap();
    db.execute_batch(text).unwrap();
}

struct Scene {
    dir: tempfile::TempDir,
    engine: Engine,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        robot_wtf(&dir.path().join("robot"), &sql);
        let engine = Engine::open(EngineOptions::new(dir.path().join("data"), Clock::fixed(NOW))).unwrap();
        Self { dir, engine }
    }
    fn import(&self, run: Run, only: &[&str]) -> Arrivals {
        let only: Vec<String> = only.iter().map(|slug| (*slug).to_string()).collect();
        let request = RobotWtf { source: &self.dir.path().join("robot"), domain: "robot.wtf", only: &only, run };
        import_robot_wtf(&self.engine, &request, &mut |_| {}).unwrap()
    }
    fn wiki(&self, slug: &str) -> Arc<Wiki> {
        self.engine.wiki_named(slug).unwrap()
    }
    fn user(&self, did: &str) -> UserRecord {
        let identity = Identity { provider: "atproto", subject: did };
        let id = self.engine.directory().user_by_identity(identity).unwrap().unwrap_or_else(|| panic!("{did} has no account"));
        self.engine.directory().user(id).unwrap().unwrap()
    }
    fn db(&self, wiki: &Wiki) -> WikiDb {
        WikiDb::open(&self.engine.data().join("wikis").join(wiki.id().to_string())).unwrap()
    }
    fn flags(&self, wiki: &Wiki, did: &str) -> Option<MemberFlags> {
        self.db(wiki).member(self.user(did).id).unwrap().map(|member| member.flags)
    }
    /// Everything that is there, bytes and kinds and times.
    fn source(&self) -> String {
        let script = "find . -type f -print0 | sort -z | xargs -0 sha256sum; find . -printf '%p %m %l %T@\\n' | sort";
        let out = Command::new("sh").arg("-c").arg(script).current_dir(self.dir.path().join("robot")).output().unwrap();
        String::from_utf8_lossy(&out.stdout).into_owned()
    }
}

fn report<'a>(arrivals: &'a Arrivals, slug: &str) -> &'a Report {
    match &arrivals.wikis.iter().find(|wiki| wiki.slug == slug).unwrap().outcome {
        Outcome::Arrived(report) => report,
        other => panic!("{slug}: {other:?}"),
    }
}

fn of_outcome(arrivals: &Arrivals, fits: fn(&Outcome) -> bool) -> Vec<&str> {
    arrivals.wikis.iter().filter(|wiki| fits(&wiki.outcome)).map(|wiki| wiki.slug.as_str()).collect()
}

/// One import, many facts: making the fixture is the slow part.
#[test]
fn a_platform_comes_in_whole_and_what_is_broken_stops_nothing() {
    let scene = Scene::new();
    let before = scene.source();
    assert!(before.contains("robot.db-wal") && before.contains("alice/wiki.db-wal"), "the fixture has what a killed server leaves");
    let arrivals = scene.import(Run::Real, &[]);
    assert_eq!(scene.source(), before, "the source is as it was");
    assert!(!scene.dir.path().join("data/import.tmp").exists(), "no copies stay");
    assert_eq!(of_outcome(&arrivals, |o| matches!(o, Outcome::Arrived(_))), ROBOT_GOOD);
    assert_eq!(of_outcome(&arrivals, |o| matches!(o, Outcome::Failed(_))), ROBOT_BROKEN);
    assert_eq!(arrivals.failed(), ROBOT_BROKEN.len());
    whys(&arrivals);
    people(&scene, &arrivals);
    alice(&scene, report(&arrivals, "alice"));
    dev(&scene, report(&arrivals, "dev"));
    unopened(&scene, report(&arrivals, "unopened"));
    let stray = scene.wiki("two--hyphens");
    assert!(scene.flags(&stray, "did:plc:nobody").unwrap().admin);
    assert!(arrivals.notes.iter().any(|note| note.contains("mcp_oauth.db")), "{:?}", arrivals.notes);
    for slug in ROBOT_GOOD {
        assert_eq!(holt_engine::sync::check(&scene.wiki(slug)).unwrap(), Vec::<String>::new());
    }

    let again = scene.import(Run::Real, &[]);
    assert_eq!(scene.source(), before);
    assert_eq!(of_outcome(&again, |o| matches!(o, Outcome::Already)), ROBOT_GOOD);
    assert_eq!((again.users, again.failed()), (0, ROBOT_BROKEN.len()));
    assert_eq!(scene.engine.directory().list_wikis().unwrap().len(), ROBOT_GOOD.len());
}

/// Each broken wiki says what is wrong with it, and none of what it points at came in.
fn whys(arrivals: &Arrivals) {
    for (slug, why) in [
        ("../escape", "only letters"),
        ("Capital", "lower case"),
        ("slug\u{FFFD}", "only letters"),
        ("elsewhere", "repository is missing"),
        ("linked", "not a plain directory"),
        ("linkeddb", "not a plain file"),
        ("borrowed", "borrows"),
        ("headless", "no git repository"),
        ("corrupt", "wiki.db is not a readable"),
        ("damaged", "fetch the history"),
        ("stolen", "no DID"),
    ] {
        let wiki = arrivals.wikis.iter().find(|wiki| wiki.slug == slug).unwrap();
        let Outcome::Failed(error) = &wiki.outcome else { panic!("{slug} came in") };
        assert!(error.chain().contains(why), "{slug}: {}", error.chain());
    }
}

fn people(scene: &Scene, arrivals: &Arrivals) {
    // Eight with a DID, and the owner who is in no table.
    assert_eq!((arrivals.users, arrivals.users_known), (9, 0), "{:?}", arrivals.notes);
    let alice = scene.user("did:plc:alice");
    assert_eq!((alice.name.as_str(), alice.email.as_str()), ("alice.bsky.social", "@alice.bsky.social"));
    assert!(alice.password_hash.is_none() && !alice.email_confirmed);
    assert_eq!(alice.created, 1_767_254_400);
    assert_eq!(scene.user("did:plc:dave2").created, NOW, "no time there, then it is now");
    for twin in ["did:plc:twin1", "did:plc:twin2", "did:plc:odd"] {
        assert_eq!(scene.user(twin).email, format!("@{twin}"), "a handle that leads nowhere is nobody's address");
    }
    assert!(scene.engine.directory().user_by_email("@evil.example.org").unwrap().is_none());
    assert!(
        arrivals.notes.iter().any(|note| note.contains("../../etc/passwd")) && arrivals.notes.iter().any(|note| note.contains("@twin"))
    );
}

fn alice(scene: &Scene, report: &Report) {
    let wiki = scene.wiki("alice");
    let record = scene.engine.directory().wiki(wiki.id()).unwrap().unwrap();
    let owner = scene.user("did:plc:alice");
    assert_eq!((record.owner, record.plan.as_deref(), record.name.as_str()), (Some(owner.id), Some("free"), "Alice's Wiki"));
    assert_eq!((record.created, record.last_access), (1_767_607_200, Some(1_770_285_600)));
    assert_eq!(scene.engine.directory().limits(wiki.id()).unwrap().pages, Some(500));
    assert_eq!(page_text(&wiki, "Home").unwrap(), "# Home of alice\n\n[[Getting_Started]]\n");
    let source = scene.dir.path().join("robot/wikis/alice/repo");
    assert_eq!(report.head.unwrap().to_string(), git(&source, &["rev-parse", "HEAD"]));
    assert_eq!((report.pages, report.revisions, report.members, report.drafts), (2, 2, 3, 1));

    let everything = MemberFlags { admin: true, approved: true, allow_read: true, allow_write: true, allow_upload: true };
    assert_eq!(scene.flags(&wiki, "did:plc:alice"), Some(everything));
    let bob = MemberFlags { admin: false, allow_upload: false, ..everything };
    assert_eq!(scene.flags(&wiki, "did:plc:bob"), Some(bob));
    let carol = MemberFlags { approved: true, allow_read: true, ..MemberFlags::default() };
    assert_eq!(scene.flags(&wiki, "did:plc:carol"), Some(carol), "a short handle makes nobody an administrator");
    for nobody in ["did:plc:dave1", "did:plc:dave2", "did:plc:twin1", "did:plc:twin2"] {
        assert_eq!(scene.flags(&wiki, nobody), None, "{nobody}");
    }
    for told in ["\"@carol\"", "\"@dave\"", "\"@twin.example.org\"", "\"@ghost.example.org\"", "\"mail@example.org\"", "own", "passwd"] {
        assert!(report.notes.iter().any(|note| note.contains(told)), "{told}: {:?}", report.notes);
    }
    let drafts = scene.db(&wiki).drafts("@bob.example.com").unwrap();
    assert_eq!((drafts.len(), drafts[0].1.content.as_str()), (1, "half a thought"));

    let preferences = wiki.preferences().unwrap();
    assert_eq!(preferences.read_access, AccessLevel::Approved);
    assert_eq!((preferences.get("GIT_WEB_SERVER"), preferences.get("SITE_DESCRIPTION")), (Some("True"), Some("What Alice knows")));
    let token = scene.engine.directory().token(ROBOT_TOKEN, NOW).unwrap().unwrap();
    assert_eq!((token.wiki, token.user, token.label.as_str()), (wiki.id(), Some(owner.id), "robot.wtf token"));
}

fn dev(scene: &Scene, report: &Report) {
    let wiki = scene.wiki("dev");
    assert!(scene.flags(&wiki, "did:plc:bob").unwrap().admin, "the owner's row with the short handle is the owner's");
    assert_eq!(report.members, 1);
    let record = scene.engine.directory().wiki(wiki.id()).unwrap().unwrap();
    assert_eq!((record.created, record.last_access), (NOW, None), "times that are none, or are yet to come");
    let preferences = wiki.preferences().unwrap();
    let levels = (preferences.read_access, preferences.write_access, preferences.attachment_access);
    assert_eq!(levels, (AccessLevel::Anonymous, AccessLevel::Approved, AccessLevel::Admin));
    assert_eq!(preferences.get("SITE_LOGO"), Some("/platform/logo.svg"));
    assert!(report.notes.iter().any(|note| note.contains("token did not come in")), "{:?}", report.notes);
    assert!(scene.engine.directory().tokens(wiki.id()).unwrap().is_empty());
    let stranger = Actor::Person(scene.user("did:plc:odd").person());
    assert!(wiki.may(&stranger, Action::Read).unwrap() && !wiki.may(&stranger, Action::Write).unwrap());
}

fn unopened(scene: &Scene, report: &Report) {
    let wiki = scene.wiki("unopened");
    assert_eq!(report.name, "unopened");
    assert_eq!(wiki.preferences().unwrap().read_access, AccessLevel::Approved, "private, as a new wiki is there");
    assert!(scene.flags(&wiki, "did:plc:carol").unwrap().allow_write, "the platform's table of rights, where the wiki has none");
    assert_eq!(scene.flags(&wiki, "did:plc:dave1"), None);
    assert_eq!(
        page_text(&wiki, "Home").unwrap(),
        "# Home of unopened\n\n[[Getting_Started]]\n",
        "where its row says it is does not matter"
    );
}

#[test]
fn a_rehearsal_reads_everything_and_changes_nothing() {
    let scene = Scene::new();
    let before = scene.source();
    let arrivals = scene.import(Run::Rehearsal, &[]);
    assert_eq!(scene.source(), before);
    assert_eq!(of_outcome(&arrivals, |o| matches!(o, Outcome::Arrived(_))), ROBOT_GOOD);
    assert_eq!(of_outcome(&arrivals, |o| matches!(o, Outcome::Failed(_))), ROBOT_BROKEN);
    whys(&arrivals);
    let rehearsed = report(&arrivals, "alice");
    assert_eq!((arrivals.users, rehearsed.pages, rehearsed.members, rehearsed.drafts), (9, 2, 3, 1));
    assert!(scene.engine.directory().list_wikis().unwrap().is_empty());
    assert!(scene.engine.directory().list_users("", 10).unwrap().is_empty());
    assert_eq!(std::fs::read_dir(scene.dir.path().join("data/wikis")).unwrap().count(), 0);
}

#[test]
fn an_import_that_was_cut_off_goes_on_and_only_what_was_asked_for_comes() {
    let scene = Scene::new();
    let only = scene.import(Run::Real, &["dev"]);
    assert_eq!((only.wikis.len(), only.users), (1, 1), "with the people it needs");
    arm("engine.wiki-filled", Planned::Fail);
    let cut = scene.import(Run::Real, &["alice"]);
    disarm();
    assert_eq!(cut.failed(), 1);
    assert!(scene.engine.wiki_named("alice").is_err());
    assert_eq!(std::fs::read_dir(scene.dir.path().join("data/wikis")).unwrap().count(), 1, "nothing half-made stays");
    let rest = scene.import(Run::Real, &[]);
    assert_eq!(of_outcome(&rest, |o| matches!(o, Outcome::Already)), ["dev"]);
    assert_eq!(of_outcome(&rest, |o| matches!(o, Outcome::Arrived(_))), ["alice", "unopened", "two--hyphens"]);
    assert!(scene.engine.directory().token(ROBOT_TOKEN, NOW).unwrap().is_some());
}

#[test]
fn a_wiki_of_somebody_else_keeps_its_name() {
    let scene = Scene::new();
    let slug = holt_core::WikiName::parse("alice").unwrap();
    let here = scene.engine.create_wiki(&slug, "Another Alice", holt_engine::db::preferences::Audience::Members).unwrap();
    let arrivals = scene.import(Run::Real, &["alice"]);
    let Outcome::Failed(error) = &arrivals.wikis[0].outcome else { panic!("{arrivals:?}") };
    assert!(error.message.contains("already, of somebody else"), "{}", error.message);
    assert_eq!(scene.wiki("alice").id(), here.id());
    assert!(page_text(&here, "Home").is_none());
}

#[test]
fn a_directory_that_is_none_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    let engine = new_engine(&dir.path().join("data"));
    let attempt = |only: &[String]| {
        let request = RobotWtf { source: dir.path(), domain: "robot.wtf", only, run: Run::Real };
        import_robot_wtf(&engine, &request, &mut |_| {}).unwrap_err()
    };
    assert!(attempt(&[]).message.contains("no data directory of robot.wtf"));
    std::fs::write(dir.path().join("robot.db"), "this is no database, and long enough to be looked at by SQLite as one").unwrap();
    assert!(attempt(&[]).message.contains("not a readable database"));
    std::fs::remove_file(dir.path().join("robot.db")).unwrap();
    sql(&dir.path().join("robot.db"), "CREATE TABLE other (x)");
    assert!(attempt(&[]).chain().contains("no table users"));
    let other = tempfile::tempdir().unwrap();
    robot_wtf(other.path(), &sql);
    let request = RobotWtf { source: other.path(), domain: "robot.wtf", only: &["nobody".to_string()], run: Run::Real };
    assert!(import_robot_wtf(&engine, &request, &mut |_| {}).unwrap_err().message.contains("\"nobody\""));
}
