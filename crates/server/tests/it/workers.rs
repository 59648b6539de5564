//! Workers in the real binary: seen, paused, killed, given to processes of their own and taken back, and what becomes of the rest when one goes wrong.

use crate::client::{Server, until};
use crate::platform::{Platform, api, look};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running `holt worker`, ended when dropped.
pub struct Worker(Child);

impl Worker {
    fn start(data: &Path, args: &[&str]) -> Self {
        Self::start_with(data, args, &[])
    }
    pub fn start_with(data: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(Server::binary());
        command.arg("worker").args(args).env("HOLT_DATA", data).env("HOLT_LOG", "error").envs(env.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("ready for: "), "{line:?}");
        Self(child)
    }
    fn pid(&self) -> u64 {
        self.0.id().into()
    }
    /// Ends it in good order.
    pub fn stop(mut self) {
        assert!(Command::new("kill").arg(self.0.id().to_string()).status().unwrap().success());
        assert_eq!(self.0.wait().unwrap().code(), Some(0));
    }
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
    /// The exit code, when it ends by itself.
    fn ended(mut self) -> Option<i32> {
        let mut code = None;
        until("the worker's end", || match self.0.try_wait().unwrap() {
            Some(status) => {
                code = status.code();
                Ok(())
            }
            None => Err("it runs".to_string()),
        });
        code
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a worker stands, as the command says.
fn status(data: &Path, worker: &str) -> Value {
    let (code, said, error) = Server::command(data, &["workers", "status", worker, "--json"]);
    assert_eq!(code, 0, "{error}");
    serde_json::from_str::<Value>(&said).unwrap()[0].clone()
}

fn told(data: &Path, order: &str, worker: &str) -> String {
    let (code, said, error) = Server::command(data, &["workers", order, worker]);
    assert_eq!(code, 0, "{error}");
    said
}

/// Waits until the worker's status is as wanted.
fn wait_for(data: &Path, worker: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    until(&format!("{worker} to be {what}"), || {
        last = status(data, worker);
        if wanted(&last) { Ok(()) } else { Err(last.to_string()) }
    });
    last
}

fn is_done(status: &Value) -> bool {
    status["waiting"] == 0 && status["failing"] == 0 && status["turns"].as_u64() > Some(0)
}

/// What is noted of a wiki by a worker that counts.
fn noted(data: &Path, worker: &str) -> Vec<String> {
    let wikis = std::fs::read_dir(data.join("wikis")).unwrap().map(|wiki| wiki.unwrap().path());
    let mut notes: Vec<String> = wikis
        .map(|wiki| {
            let db = rusqlite::Connection::open(wiki.join("wiki.db")).unwrap();
            db.query_row("SELECT revision FROM cursors WHERE worker = ?1", [worker], |row| row.get(0)).unwrap_or_default()
        })
        .collect();
    notes.sort();
    notes
}

/// Wikis with a page each.
fn world(count: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    let folder = dir.path().join("source");
    std::fs::create_dir(&folder).unwrap();
    for n in 0..count {
        std::fs::write(folder.join("Home.md"), format!("# Home\n\n[[Missing {n}]]\n")).unwrap();
        let made = Server::command(dir.path(), &["import", "folder", folder.to_str().unwrap(), "--slug", &format!("wiki-{n}")]);
        assert_eq!(made.0, 0, "{}", made.2);
    }
    dir
}

fn heads(data: &Path) -> Vec<String> {
    let wikis = std::fs::read_dir(data.join("wikis")).unwrap().map(|wiki| wiki.unwrap().path().join("repo.git/refs/heads/main"));
    let mut heads: Vec<String> = wikis.map(|head| std::fs::read_to_string(head).unwrap_or_default().trim().to_string()).collect();
    heads.sort();
    heads
}

#[test]
fn workers_rest_and_go_on_when_they_are_told() {
    let dir = world(2);
    let mut server = Server::start(dir.path(), &[]);
    let done = wait_for(dir.path(), "care", "done", is_done);
    assert_eq!((&done["state"], &done["process"]), (&Value::from("idle"), &Value::from(server.pid())));
    assert_eq!(noted(dir.path(), "care"), heads(dir.path()), "its cursors are where the wikis are");
    let idle = wait_for(dir.path(), "publish", "idle", |status| status["state"] == "idle");
    assert_eq!((&idle["waiting"], &idle["because"]), (&Value::from(0), &Value::from("There is no object store (--publish-to).")));
    assert!(told(dir.path(), "pause", "care").contains("care: done"));
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    assert_eq!(ann.save("Home", "# Home\n", "made"), Some(303));
    wait_for(dir.path(), "quota", "done", |status| is_done(status) && status["turns"].as_u64() > done["turns"].as_u64());
    let paused = wait_for(dir.path(), "care", "behind", |status| status["waiting"] == 1);
    assert_eq!((&paused["state"], &paused["turns"]), (&Value::from("paused"), &done["turns"]));
    // Over a restart, too, and where no process is at it.
    server.stop();
    assert!(told(dir.path(), "resume", "care").contains("no process"));
    assert!(told(dir.path(), "pause", "care").contains("no process"));
    let mut server = Server::start(dir.path(), &[]);
    wait_for(dir.path(), "index", "done", is_done);
    assert_eq!(status(dir.path(), "care")["waiting"], 1);
    told(dir.path(), "resume", "care");
    wait_for(dir.path(), "care", "done", is_done);
    assert_eq!(noted(dir.path(), "care"), heads(dir.path()));
    server.stop();
    let (code, _, error) = Server::command(dir.path(), &["workers", "pause", "otter"]);
    assert_eq!(code, 2, "{error}");
}

#[test]
fn a_worker_moves_into_a_process_of_its_own_and_back() {
    let dir = world(3);
    let mut server = Server::start(dir.path(), &[]);
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    let before = wait_for(dir.path(), "care", "done", is_done);
    let own = Worker::start(dir.path(), &["care"]);
    let moved = wait_for(dir.path(), "care", "elsewhere", |status| status["process"] == own.pid());
    assert_eq!(moved["turns"], before["turns"], "nothing is done twice");
    assert_eq!(status(dir.path(), "quota")["process"], server.pid(), "others stay");
    assert_eq!(ann.save("Home", "# Home\n", "made"), Some(303));
    wait_for(dir.path(), "care", "done", |status| {
        is_done(status) && status["turns"].as_u64() == before["turns"].as_u64().map(|turns| turns + 1)
    });
    assert_eq!(noted(dir.path(), "care"), heads(dir.path()), "what the server's people save reaches it");
    // One of a kind.
    let (code, _, error) = Server::command(dir.path(), &["worker", "care"]);
    assert!(code == 1 && error.contains("has a process of its own already"), "{error}");
    own.stop();
    wait_for(dir.path(), "care", "back", |status| status["process"] == server.pid());
    // Killed, it comes back as well.
    let own = Worker::start(dir.path(), &["care"]);
    wait_for(dir.path(), "care", "elsewhere", |status| status["process"] == own.pid());
    own.kill();
    wait_for(dir.path(), "care", "back", |status| status["process"] == server.pid());
    assert_eq!(ann.save("Home", "# Home\n\nAgain.\n", "edited"), Some(303));
    until("the care of the last save", || if noted(dir.path(), "care") == heads(dir.path()) { Ok(()) } else { Err("behind".to_string()) });
    server.stop();
}

#[test]
fn all_of_them_work_without_a_server() {
    let dir = world(3);
    let workers = Worker::start(dir.path(), &["--all"]);
    for worker in ["index", "quota", "maintenance", "care", "digests"] {
        assert_eq!(wait_for(dir.path(), worker, "done", is_done)["process"], workers.pid());
    }
    assert_eq!(noted(dir.path(), "care"), heads(dir.path()));
    // A server comes later, and leaves them where they are.
    let mut server = Server::start(dir.path(), &["--workers", "none"]);
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    assert_eq!(ann.save("Home", "# Home\n", "made"), Some(303));
    until("the care of a save", || if noted(dir.path(), "care") == heads(dir.path()) { Ok(()) } else { Err("behind".to_string()) });
    server.stop();
    workers.stop();
    assert_eq!(status(dir.path(), "care")["state"], "nowhere");
}

/// The files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn published_pages_leave_from_a_process_of_its_own_and_only_those_that_changed() {
    let dir = world(1);
    std::fs::create_dir(dir.path().join("store")).unwrap();
    let store = dir.path().join("store").canonicalize().unwrap();
    let url = format!("file://{}", store.display());
    let mut server = Server::start(dir.path(), &["--publish-to", &url]);
    let own = Worker::start(dir.path(), &["publish", "--publish-to", &url]);
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    let sums = || {
        let (_, said, error) = Server::command(dir.path(), &["publish", "--verify", "--to", &url, "--json"]);
        let said: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{error}"));
        let sum = |what: &str| said["wikis"].as_array().unwrap().iter().map(|wiki| wiki[what].as_u64().unwrap()).sum::<u64>();
        (said["ok"] == true, sum("missing"), sum("old"), said.to_string())
    };
    let arrives = |wanted: &dyn Fn(bool, u64, u64) -> bool| {
        until("what was saved to be in the store", || {
            let (ok, missing, old, said) = sums();
            if wanted(ok, missing, old) { Ok(()) } else { Err(said) }
        });
    };
    // Again and again: what the server changes is not what this process read before.
    for text in ["one", "two", "three"] {
        assert_eq!(ann.save("Guide", &format!("# Guide\n\n{text}\n"), "edited"), Some(303));
        assert_eq!(ann.save("Other", &format!("# Other\n\n{text}\n"), "edited"), Some(303));
        arrives(&|ok, _, _| ok);
    }
    // What did not change is not looked at: that it is missing is nobody's news.
    let is_manifest = |file: &PathBuf| file.components().any(|part| part.as_os_str() == "p");
    let is_guide = |file: &PathBuf| is_manifest(file) && std::fs::read(file).unwrap().windows(7).any(|text| text == b"\"Guide\"");
    let guide = files(&store).into_iter().find(is_guide).expect("the manifest of Guide");
    std::fs::remove_file(&guide).unwrap();
    assert_eq!(ann.save("Other", "# Other\n\nfour\n", "edited"), Some(303));
    arrives(&|_, missing, old| (missing, old) == (1, 0));
    // Nor is a change without a commit missed.
    let private = ann.post("/-/admin/permissions_and_registration", &[("READ_access", "APPROVED")]).unwrap();
    assert_eq!(private.status, 303, "edges know it in time: {}", private.body_text());
    arrives(&|ok, _, _| ok);
    // The control: where nothing is known everything is compared.
    own.stop();
    std::fs::remove_file(&guide).unwrap();
    assert_eq!(sums().1, 1);
    for mark in files(&dir.path().join("fragments")).into_iter().filter(|file| file.ends_with("s")) {
        std::fs::remove_file(mark).unwrap();
    }
    let own = Worker::start(dir.path(), &["publish", "--publish-to", &url]);
    arrives(&|ok, _, _| ok);
    own.stop();
    server.stop();
}

/// The system takes some hundred bytes for the path of a socket.
#[test]
fn a_long_path_is_no_reason_not_to_listen() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("x".repeat(120));
    Server::prepare(&data, "docs");
    let mut server = Server::start(&data, &[]);
    wait_for(&data, "care", "there", |status| status["process"] == server.pid());
    assert!(told(&data, "pause", "care").contains("care: done"));
    assert_eq!(status(&data, "care")["state"], "paused");
    let own = Worker::start(&data, &["quota"]);
    wait_for(&data, "quota", "elsewhere", |status| status["process"] == own.pid());
    own.stop();
    server.stop();
}

#[test]
fn killed_a_hundred_times_it_gets_there() {
    let dir = world(12);
    for n in 0..100_u64 {
        let worker = Worker::start(dir.path(), &["care"]);
        // A different place each time: that is the point, not the time.
        std::thread::sleep(Duration::from_millis(n % 7));
        worker.kill();
    }
    let worker = Worker::start(dir.path(), &["care"]);
    wait_for(dir.path(), "care", "done", is_done);
    assert_eq!(noted(dir.path(), "care"), heads(dir.path()));
    worker.stop();
}

#[test]
fn one_that_panics_concerns_nobody_else() {
    let dir = world(1);
    let mut server = Server::start(dir.path(), &["--worker-fault", "care=panic"]);
    let failed = wait_for(dir.path(), "care", "failing", |status| status["failing"] == 2);
    assert!(failed["failed"][0]["error"].as_str().unwrap().contains("it panicked: a planned panic"), "{failed}");
    for worker in ["index", "quota", "maintenance"] {
        wait_for(dir.path(), worker, "done", is_done);
    }
    assert_eq!(server.client().get("/-/healthz").status, 200);
    let failures = status(dir.path(), "care")["failures"].as_u64();
    told(dir.path(), "restart", "care");
    wait_for(dir.path(), "care", "trying again", |status| status["failures"].as_u64() > failures);
    server.stop();
    // Without the fault it is made up for.
    let mut server = Server::start(dir.path(), &[]);
    told(dir.path(), "restart", "care");
    wait_for(dir.path(), "care", "done", is_done);
    assert_eq!(noted(dir.path(), "care"), heads(dir.path()));
    server.stop();
}

#[test]
fn one_that_hangs_is_left_behind_or_ends_its_own_process() {
    let dir = world(1);
    let mut server = Server::start(dir.path(), &["--worker-fault", "care=hang"]);
    let hung = wait_for(dir.path(), "care", "given up", |status| status["poisoned"].as_u64() > Some(0));
    assert!(hung["failed"][0]["error"].as_str().unwrap().starts_with("it hung"), "{hung}");
    wait_for(dir.path(), "maintenance", "done", is_done);
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    assert_eq!(ann.save("Home", "# Home\n", "made"), Some(303));
    server.kill();
    assert_eq!(Worker::start(dir.path(), &["care", "--worker-fault", "care=hang"]).ended(), Some(70));
    let worker = Worker::start(dir.path(), &["care"]);
    told(dir.path(), "restart", "care");
    wait_for(dir.path(), "care", "done", |status| is_done(status) && status["poisoned"] == 0);
    worker.stop();
}

#[test]
fn one_that_takes_too_much_memory_ends_its_own_process() {
    let dir = world(1);
    let mut server = Server::start(dir.path(), &["--workers", "index,quota"]);
    let own = Worker::start(dir.path(), &["care", "--memory", "128M", "--worker-fault", "care=allocate"]);
    assert_eq!(own.ended(), Some(70));
    let gone = status(dir.path(), "care");
    assert!(gone["poisoned"] == 1 && gone["failed"][0]["error"].as_str().unwrap().contains("bytes of memory"), "{gone}");
    assert_eq!(server.client().get("/-/healthz").status, 200);
    server.stop();
}

#[test]
fn while_the_server_takes_too_much_memory_background_work_waits() {
    let dir = world(2);
    let flags = ["--metrics", "127.0.0.1:0", "--background-memory", "250M", "--worker-fault", "care=swell"];
    let mut server = Server::start(dir.path(), &flags);
    let held = wait_for(dir.path(), "care", "held", |status| status["state"] == "held");
    assert!(held["because"].as_str().unwrap().contains("more memory") && held["waiting"].as_u64() > Some(0), "{held}");
    assert_eq!(status(dir.path(), "publish")["state"], "idle", "what has nothing to do waits for nothing");
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    assert_eq!(ann.save("Home", "# Home\n", "made"), Some(303), "people are served meanwhile");
    let page = ann.get("/-/admin/workers").body_text();
    assert!(page.contains("It waits: This process takes more memory"), "{page}");
    // What was under way ended by itself, and goes on when there is room again.
    let done = wait_for(dir.path(), "care", "done", is_done);
    assert_eq!((&done["state"], &done["failures"]), (&Value::from("idle"), &Value::from(0)));
    wait_for(dir.path(), "quota", "done", is_done);
    until("the care of the last save", || if noted(dir.path(), "care") == heads(dir.path()) { Ok(()) } else { Err("behind".to_string()) });
    server.stop();
}

/// Files that process `pid` has open below `dir`.
fn open_files(pid: u32, dir: &Path) -> Vec<PathBuf> {
    let dir = dir.canonicalize().unwrap();
    let fds = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    fds.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok()).filter(|target| target.starts_with(&dir)).collect()
}

#[test]
fn workers_that_owe_nothing_open_no_wiki() {
    let dir = world(3);
    let all = ["index", "digests", "quota", "maintenance", "care"];
    let mut server = Server::start(dir.path(), &[]);
    for worker in all {
        wait_for(dir.path(), worker, "done", is_done);
    }
    server.stop();
    let mut server = Server::start(dir.path(), &[]);
    let wikis = dir.path().join("wikis");
    for worker in all {
        let status = wait_for(dir.path(), worker, "there", |status| status["process"] == server.pid());
        assert_eq!(status["waiting"], 0, "{worker}");
    }
    assert_eq!(open_files(server.pid(), &wikis), Vec::<PathBuf>::new());
    // The control: a save is something to do.
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    assert_eq!(ann.save("Home", "# Home\n", "made"), Some(303));
    until("the care of a save", || if noted(dir.path(), "care") == heads(dir.path()) { Ok(()) } else { Err("behind".to_string()) });
    assert!(!open_files(server.pid(), &wikis).is_empty());
    server.stop();
}

#[test]
fn operators_tell_workers_what_to_do_and_nobody_else_does() {
    let platform = Platform::start();
    let (olga, ann) = (platform.person("Olga"), platform.person("Ann"));
    platform.wiki(&ann, "garden");
    let data = platform.data.path();
    wait_for(data, "care", "done", is_done);
    let all = look(&olga, "/api/workers");
    let care = all.body["workers"].as_array().unwrap().iter().find(|worker| worker["worker"] == "care").unwrap();
    assert_eq!((all.status, &care["state"], &care["waiting"]), (200, &Value::from("idle"), &Value::from(0)));
    assert_eq!(api(&olga, "POST", "/api/workers/care", &json!({"order": "pause"})).status, 200);
    assert_eq!(status(data, "care")["state"], "paused");
    let page = olga.get("/app/admin/workers");
    assert!(page.status == 200 && page.body_text().contains("At rest"), "{}", page.body_text());
    assert_eq!(olga.post("/app/admin/workers", &[("worker", "care"), ("order", "resume")]).unwrap().status, 303);
    wait_for(data, "care", "resumed", |status| status["state"] == "idle");
    assert!(olga.get("/app/admin/log").body_text().contains("worker care resume"));
    for (order, said) in [(json!({"order": "dance"}), 400), (json!({}), 400), (json!({"order": "pause", "more": 1}), 400)] {
        assert_eq!(api(&olga, "POST", "/api/workers/care", &order).status, said, "{order}");
    }
    assert_eq!(api(&olga, "POST", "/api/workers/otter", &json!({"order": "pause"})).status, 404);
    assert_eq!(olga.post("/app/admin/workers", &[("worker", "otter"), ("order", "pause")]).unwrap().status, 404);
    // Whoever owns a wiki owns no worker.
    assert_eq!((look(&ann, "/api/workers").status, ann.get("/app/admin/workers").status / 100), (403, 4));
    assert_eq!(api(&ann, "POST", "/api/workers/care", &json!({"order": "pause"})).status, 403);
    assert!(ann.post("/app/admin/workers", &[("worker", "care"), ("order", "pause")]).unwrap().status / 100 == 4);
    let home = platform.enter(&ann, "garden");
    assert_eq!(home.get("/-/admin/workers").status, 403);
    // The API of the server is nowhere else, and says so as an API does.
    for elsewhere in [&home, &platform.at(&format!("garden.{}", crate::platform::DOMAIN))] {
        let (got, sent) = (look(elsewhere, "/api/workers"), api(elsewhere, "POST", "/api/workers/care", &json!({"order": "pause"})));
        assert_eq!((got.status, got.text("code"), sent.status), (404, "not_found".to_string(), 404));
        assert!(got.text("hint").contains("at the host of the platform"), "{}", got.body);
    }
    wait_for(data, "care", "resumed", |status| status["state"] == "idle");
}
