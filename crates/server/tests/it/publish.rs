//! `holt publish` and what `--verify` finds, with a folder for an object store.

use crate::client::Server;
use holt_core::{Actor, DomainName, Edit, PagePath, WikiId, WikiName};
use holt_engine::db::preferences::Audience;
use holt_engine::{Clock, Engine, EngineOptions, Write, pages};
use holt_fragments::{FragmentStore, Freshness, Hosted};
use holt_remote::{Remote, Use};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const NAME: &str = "wiki.example.org";

struct World {
    dir: tempfile::TempDir,
    wiki: WikiId,
}

impl World {
    /// A wiki with three pages, whose address is a name of its own.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("store")).unwrap();
        let world = Self { wiki: WikiId::from_random(0), dir };
        let wiki = world.change(|engine| {
            let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
            for page in ["Home", "Guide", "Guide/Set up"] {
                let edit = Edit::new(PagePath::parse(page).unwrap(), None, format!("# {page}\n"), "made").unwrap();
                pages::save(&wiki.grant::<Write>(&Actor::System).unwrap(), &edit, None).unwrap();
            }
            let name = DomainName::parse(NAME).unwrap();
            engine.directory().claim_domain(wiki.id(), &name, None, engine.clock().now()).unwrap();
            engine.prove_domain(wiki.id(), &name).unwrap();
            engine.set_main_domain(wiki.id(), Some(&name)).unwrap();
            wiki.id()
        });
        Self { wiki, ..world }
    }
    fn change<T>(&self, change: impl FnOnce(&Engine) -> T) -> T {
        // The clock of the command is the machine's: names are due by it.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().cast_signed();
        let engine = Engine::open(EngineOptions::new(self.dir.path().join("data"), Clock::fixed(now))).unwrap();
        let changed = change(&engine);
        engine.settle_all().unwrap();
        changed
    }
    fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }
    fn publish(&self, flags: &[&str]) -> (i32, Value) {
        let url = format!("file://{}", self.store().display());
        let args = [&["publish", "--to", &url, "--json"], flags].concat();
        let (code, said, error) = Server::command(&self.dir.path().join("data"), &args);
        (code, serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{error}")))
    }
    /// What `--verify` says of the wiki, and its exit code.
    fn verify(&self) -> (i32, Value) {
        let (code, said) = self.publish(&["--verify"]);
        assert_eq!(said["ok"], code == 0);
        (code, said["wikis"][0].clone())
    }
    fn fine(&self) {
        let (code, said) = self.verify();
        assert_eq!((code, &said["ok"], &said["pages"]), (0, &Value::Bool(true), &Value::from(3)), "{said}");
    }
    /// Where names lead to that an edge reads in the store.
    fn lead(&self) -> (Option<Hosted>, Option<Hosted>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let remote = Remote::open(&format!("file://{}", self.store().display()), Use::Reading).unwrap();
        let store = FragmentStore::fetched(Freshness { fresh: Duration::from_secs(60), stale: Duration::ZERO }, || 0);
        let _ = (store.hosted("docs"), store.domain(NAME));
        assert!(runtime.block_on(remote.fetch(&store, &store.wanted())));
        (store.hosted("docs").unwrap(), store.domain(NAME).unwrap())
    }
    /// Files of the store whose path has this between wiki and name.
    fn files(&self, kind: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut todo = vec![self.store().join(self.wiki.to_string()).join(kind)];
        while let Some(folder) = todo.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { todo.push(path) } else { found.push(path) }
            }
        }
        found.sort();
        found
    }
}

#[test]
fn names_and_where_they_lead_are_published_and_taken_back() {
    let world = World::new();
    assert_eq!(world.publish(&[]).0, 0);
    let home = Some(Hosted::at_home(world.wiki));
    assert_eq!(world.lead(), (Some(Hosted { wiki: world.wiki, moved: Some(NAME.into()) }), home.clone()));
    world.fine();
    world.change(|engine| engine.set_main_domain(world.wiki, None).unwrap());
    let (code, said) = world.verify();
    assert_eq!((code, &said["hosts"]), (1, &Value::from(1)), "{said}");
    assert_eq!(world.publish(&[]).0, 0);
    assert_eq!(world.lead(), (home.clone(), home));
    world.fine();
    // A name that was lost there.
    for host in std::fs::read_dir(world.store().join("hosts")).unwrap() {
        std::fs::remove_file(host.unwrap().path()).unwrap();
    }
    assert_eq!(world.verify().1["hosts"], 2);
    assert_eq!(world.publish(&[]).0, 0);
    world.fine();
}

/// What was deleted or renamed while nobody published is not shown for ever.
#[test]
fn names_of_wikis_that_are_gone_are_taken_off() {
    let world = World::new();
    assert_eq!(world.publish(&[]).0, 0);
    let data = world.dir.path().join("data");
    let hosts = || std::fs::read_dir(world.store().join("hosts")).unwrap().count();
    assert_eq!((hosts(), Server::command(&data, &["wiki", "rename", "docs", "manual"]).0), (2, 0));
    let strange = || {
        let (code, said) = world.publish(&["--verify"]);
        assert_eq!(code, 1, "{said}");
        said["strange_names"].clone()
    };
    assert_eq!(strange(), 1);
    assert_eq!((world.publish(&[]).0, hosts(), world.lead().0), (0, 2, None));
    world.fine();
    assert_eq!(Server::command(&data, &["wiki", "delete", "manual", "--yes"]).0, 0);
    assert_eq!(strange(), 2);
    // A server that starts does the same.
    let url = format!("file://{}", world.store().display());
    let mut server = Server::start(&data, &["--publish-to", &url]);
    crate::client::until("names are taken off", || match world.lead() {
        (None, None) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    server.stop();
}

/// Nothing of a wiki that was deleted stays where anybody with the bucket's key reads it: whether the server was there or not, or died.
#[test]
fn files_of_deleted_wikis_go_from_the_store() {
    let world = World::new();
    let (data, url) = (world.dir.path().join("data"), format!("file://{}", world.store().display()));
    let other = world.change(|engine| engine.create_wiki(&WikiName::parse("other").unwrap(), "Other", Audience::Everybody).unwrap().id());
    let files = |wiki: WikiId| count(&world.store().join(wiki.to_string()));
    assert_eq!(world.publish(&[]).0, 0);
    let foreign = world.store().join("theirs").join(world.wiki.to_string());
    std::fs::create_dir_all(&foreign).unwrap();
    std::fs::write(foreign.join("w"), "another installation's").unwrap();
    assert!(files(world.wiki) > 6 && files(other) > 2);
    // Put aside it can come back, and stays.
    world.change(|engine| engine.trash_wiki(world.wiki).unwrap());
    assert_eq!(world.publish(&[]).0, 0);
    assert!(files(world.wiki) > 6, "{}", files(world.wiki));
    world.change(|engine| engine.delete_wiki(world.wiki).unwrap());
    let (code, said) = world.publish(&["--verify"]);
    assert_eq!((code, &said["strange_wikis"]), (1, &Value::from(1)), "{said}");
    assert_eq!((world.publish(&[]).0, files(world.wiki)), (0, 0));
    let (code, said) = world.publish(&["--verify"]);
    assert_eq!((code, &said["strange_wikis"]), (0, &Value::from(0)), "{said}");
    // Deleted without a server, as by one that died before it told the store: a server that starts does it.
    assert_eq!(Server::command(&data, &["wiki", "delete", "other", "--yes"]).0, 0);
    world.change(|engine| engine.create_wiki(&WikiName::parse("third").unwrap(), "Third", Audience::Everybody).unwrap());
    assert!(files(other) > 2, "the control");
    let mut server = Server::start(&data, &["--publish-to", &url]);
    crate::client::until("files are taken off", || match files(other) {
        0 => Ok(()),
        left => Err(format!("{left} files are left")),
    });
    server.stop();
    assert_eq!(count(&foreign), 1);
}

/// How many files are below a folder.
fn count(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.map(|entry| entry.unwrap().path()).map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}

/// Edges know members of private wikis by it.
#[test]
fn the_key_of_viewers_is_written_for_edges() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let file = world.dir.path().join("viewer.key");
    assert_eq!(world.publish(&["--viewer-key", file.to_str().unwrap()]).0, 0);
    let key = world.change(|engine| engine.directory().secret("viewer").unwrap());
    assert_eq!(std::fs::read(&file).unwrap(), key);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn whatever_is_not_as_git_has_it_is_found_before_readers_are_sent_there() {
    let world = World::new();
    let (code, said) = world.verify();
    assert_eq!((code, &said["missing"], &said["shared"]), (1, &Value::from(3), &Value::Bool(true)), "nothing is published: {said}");
    assert_eq!(world.publish(&[]).0, 0);
    world.fine();
    let manifests = world.files("p");
    std::fs::remove_file(&manifests[0]).unwrap();
    std::fs::write(&manifests[1], std::fs::read(&manifests[2]).unwrap()).unwrap();
    let (_, said) = world.verify();
    assert_eq!((&said["missing"], &said["old"], &said["broken"], &said["extra"]), (&1.into(), &1.into(), &0.into(), &0.into()), "{said}");
    assert_eq!(world.publish(&[]).0, 0);
    world.fine();
    // What a manifest names was removed, and damaged: manifests say nothing of that, and readers get no page.
    let objects = world.files("o");
    assert!(objects.len() > 2, "{objects:?}");
    std::fs::remove_file(&objects[0]).unwrap();
    std::fs::write(&objects[1], "damaged").unwrap();
    assert_eq!(world.verify().0, 1);
    assert_eq!(world.publish(&[]).0, 0);
    assert_eq!(world.verify().0, 1, "the control");
    let (code, said) = world.publish(&["--mend"]);
    assert_eq!((code, &said["put"]), (0, &Value::from(2)), "{said}");
    world.fine();
    // A page of another time.
    std::fs::write(manifests[0].with_file_name("0123456789abcdef0123456789abcdef"), "{}").unwrap();
    assert_eq!(world.verify().1["extra"], 1);
    assert_eq!(world.publish(&[]).0, 0);
    world.fine();
    // The repository went on, and nobody published it.
    let repo = Server::repo(&world.dir.path().join("data"), "docs");
    commit(&repo);
    let (code, said) = world.verify();
    assert_eq!((code, &said["behind_head"], &said["old"]), (1, &Value::Bool(true), &0.into()), "{said}");
}

/// A commit that changes nothing, by git itself.
fn commit(repo: &Path) {
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(repo).args(args).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@example.org");
        }
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_string()
    };
    let made = git(&["commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "by hand"]);
    git(&["update-ref", "HEAD", &made]);
}
