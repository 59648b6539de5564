//! `holt serve` as a function of AWS Lambda: against a runtime API of our own, with people behind a gateway, and processes that are stopped, killed and
//! started beside each other as Lambda does it.

use crate::client::{Client, Server};
use crate::startup::observe;
use holt_testkit::git;
use holt_testkit::lambda::{Lambda, Next, gateway};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const HOST: &str = "docs.example.org";

fn start(data: &Path, more: &[(&str, &str)]) -> Lambda {
    let mut command = Command::new(Server::binary());
    command.arg("serve").env("HOLT_DATA", data).env("HOLT_LOG", "error").env("HOLT_RATE_LIMIT", "off");
    Lambda::start(command.env("HOLT_DOMAIN", HOST).env("HOLT_DEFAULT_WIKI", "docs").envs(more.iter().copied()))
}

/// Functions behind one gateway: whichever is in place is asked.
struct Cloud {
    function: Arc<Mutex<Lambda>>,
    ann: Client,
}

impl Cloud {
    fn new(data: &Path) -> Self {
        let function = Arc::new(Mutex::new(start(data, &[])));
        let (asked, ids) = (function.clone(), AtomicUsize::new(0));
        let address = gateway(move |event| asked.lock().unwrap().ask(&format!("id-{}", ids.fetch_add(1, Ordering::Relaxed)), event));
        Self { function, ann: Client::secure(address, HOST) }
    }
    fn pid(&self) -> u32 {
        self.function.lock().unwrap().child.id()
    }
    /// Puts another one in its place; the old one is the caller's.
    fn replace(&self, with: Lambda) -> Lambda {
        std::mem::replace(&mut *self.function.lock().unwrap(), with)
    }
}

fn prepared() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    dir
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

fn event(method: &str, path: &str, headers: &Value) -> Value {
    json!({"version": "2.0", "rawPath": path, "headers": headers, "requestContext": {"http": {"method": method, "sourceIp": "192.0.2.1"}}})
}

#[test]
fn what_is_saved_by_one_process_is_there_in_the_next() {
    let dir = prepared();
    let cloud = Cloud::new(dir.path());
    let (ann, nobody) = (&cloud.ann, Client::secure(cloud.ann.address(), HOST));
    ann.log_in("ann@example.org", "correct horse");
    assert_eq!(ann.save("Guide", "# Guide\n\nFirst, feed the otters.\n", "Begin"), Some(303));
    let page = nobody.get("/Guide");
    assert!(page.status == 200 && page.body_text().contains("feed the otters"), "{}", page.body_text());
    assert!(nobody.get("/-/search?q=otters").body_text().contains("Guide"));
    // As when Lambda takes the machine back, at no good moment.
    drop(cloud.replace(start(dir.path(), &[])));
    assert!(nobody.get("/Guide").body_text().contains("feed the otters"));
    assert_eq!(ann.save("Guide", "# Guide\n\nThen feed the others.\n", "Go on"), Some(303), "the session goes on");
    assert!(nobody.get("/Guide").body_text().contains("feed the others"));
    let file = [0_u8, 159, 146, 150].as_slice();
    let sent = ann.send("POST", "/Guide/save", &[("Content-Type", "application/octet-stream")], file).unwrap();
    assert!((400..500).contains(&sent.status), "bytes that are no form arrive as bytes: {}", sent.status);
    let pid = cloud.pid();
    signal(pid, "-KILL");
    let repo = Server::repo(dir.path(), "docs");
    assert_eq!(git(&repo, &["log", "--format=%s"]), "Go on\nBegin");
    git(&repo, &["fsck", "--strict"]);
}

/// Lambda stops a process between two events, and may start another one beside it: what is stopped must hold nothing that the other needs, and must not
/// believe afterwards what was true before.
#[test]
fn a_process_that_is_stopped_holds_nothing() {
    let dir = prepared();
    let data = dir.path().canonicalize().unwrap();
    let cloud = Cloud::new(dir.path());
    cloud.ann.log_in("ann@example.org", "correct horse");
    assert_eq!(cloud.ann.save("Page", "from the first\n", ""), Some(303));
    let first = cloud.pid();
    let seen = observe::look(first);
    let held: Vec<_> = seen.open.iter().chain(&seen.mapped).filter(|file| file.starts_with(&data)).collect();
    assert!(held.is_empty(), "it is between two events and holds {held:?}");
    signal(first, "-STOP");
    let stopped = cloud.replace(start(dir.path(), &[]));
    assert_eq!(cloud.ann.save("Page", "from the second\n", ""), Some(303));
    assert_eq!(Server::command(dir.path(), &["wiki", "create", "other"]).0, 0, "others may have the data directory, too");
    signal(first, "-CONT");
    drop(cloud.replace(stopped));
    assert!(Client::secure(cloud.ann.address(), HOST).get("/Page").body_text().contains("from the second"));
    assert_eq!(cloud.ann.get("/Page.md").body_text(), "from the second\n");
    assert_eq!(cloud.ann.save("Page", "from the first again\n", ""), Some(303));
    assert_eq!(cloud.ann.get("/Page.md").body_text(), "from the first again\n");
}

#[test]
fn who_has_to_wait_is_told_and_readers_do_not() {
    let dir = prepared();
    let cloud = Cloud::new(dir.path());
    cloud.ann.log_in("ann@example.org", "correct horse");
    cloud.ann.save("Page", "here\n", "");
    let mut server = Server::start(dir.path(), &[]);
    let waits = cloud.ann.get("/Page/edit");
    assert_eq!((waits.status, waits.header("retry-after")), (503, Some("1")), "{}", waits.body_text());
    assert_eq!(Client::secure(cloud.ann.address(), HOST).get("/Page").status, 200, "a published page needs nobody");
    // One that is started meanwhile begins when it can.
    drop(cloud.replace(start(dir.path(), &[])));
    assert_eq!(cloud.ann.get("/Page/edit").status, 503);
    server.stop();
    assert_eq!(cloud.ann.get("/Page/edit").status, 200);
}

#[test]
fn hostile_events_are_answered_and_the_next_is_as_well() {
    let dir = prepared();
    let function = start(dir.path(), &[]);
    for (number, bad) in ["", "{}", "[[[[", "{\"version\": \"2.0\"}", &"[".repeat(100_000)].into_iter().enumerate() {
        function.give(Next::Event(format!("bad-{number}"), bad.to_string(), 20_000));
        let told = function.told();
        assert_eq!((told.path, told.kind.as_deref()), (format!("invocation/bad-{number}/error"), Some("Edge.BadEvent")));
    }
    let host = json!({"host": HOST});
    let mut packed = event("POST", "/Page/save", &host);
    (packed["body"], packed["isBase64Encoded"]) = ("=====".into(), true.into());
    function.give(Next::Event("packed".into(), packed.to_string(), 20_000));
    assert_eq!(function.told().path, "invocation/packed/error");
    let long = "x".repeat(40_000);
    for (number, (method, path, headers, statuses)) in [
        ("CONNECT", "/", host.clone(), 405..=405),
        ("TRACE", "/-/changelog", host.clone(), 400..=405),
        ("GET", "/../../etc/passwd", host.clone(), 400..=404),
        ("GET", "/-/changelog", json!({}), 400..=404),
        ("GET", "/-/changelog", json!({"host": "evil.example"}), 404..=404),
        ("GET", "/-/changelog", json!({"host": HOST, "Host": "evil.example"}), 400..=404),
        ("GET", "/-/changelog", json!({"host": HOST, "x-long": long}), 200..=500),
        (
            "POST",
            "/Page/save",
            json!({"host": HOST, "transfer-encoding": "chunked", "content-length": "99999999", "expect": "100-continue"}),
            400..=403,
        ),
        (
            "GET",
            "/-/changelog",
            json!({"host": HOST, "x-split": "a\r\nset-cookie: b", "connection": "upgrade", "upgrade": "websocket"}),
            200..=200,
        ),
        ("GET", "/a%00b", host.clone(), 400..=404),
        ("GET", "http://evil.example/", host.clone(), 301..=404),
        (
            "POST",
            "/Page/save",
            json!({"host": HOST, "origin": "https://evil.example", "content-type": "application/x-www-form-urlencoded"}),
            400..=403,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = function.ask(&format!("odd-{number}"), &event(method, path, &headers));
        let status = answer["statusCode"].as_u64().unwrap();
        assert!(statuses.contains(&status), "{method} {path} {headers} is answered {answer}");
        assert!(!answer["headers"].as_object().unwrap().contains_key("transfer-encoding"), "{answer}");
    }
    let good = function.ask("good", &event("GET", "/-/changelog", &host));
    assert_eq!(good["statusCode"], 200, "{good}");
}

/// Whoever waits for what may happen is sent away: it would be billed, and end in an error.
#[test]
fn nothing_waits_for_what_may_happen() {
    let dir = prepared();
    let function = start(dir.path(), &[]);
    for (id, accept) in [("stream", "text/event-stream"), ("poll", "application/json")] {
        let mut asked = event("GET", "/api/v1/changes", &json!({"host": HOST, "accept": accept}));
        asked["rawQueryString"] = "wait=60".into();
        let answer = function.ask(id, &asked);
        assert_eq!((&answer["statusCode"], answer["headers"]["content-type"].as_str()), (&json!(200), Some(accept)), "{answer}");
    }
    assert_eq!(Server::command(dir.path(), &["wiki", "create", "other"]).0, 0, "and nothing of it is held");
}

/// A process that is still at something when its time is over would hold the data directory while it is stopped: it ends.
#[test]
fn a_process_that_is_late_ends() {
    let dir = prepared();
    let function = start(dir.path(), &[]);
    assert_eq!(function.ask("good", &event("GET", "/-/changelog", &json!({"host": HOST})))["statusCode"], 200);
    function.give(Next::Event("late".into(), event("GET", "/-/changelog", &json!({"host": HOST})).to_string(), 200));
    let told = function.told();
    assert_eq!((told.path.as_str(), &told.body["statusCode"]), ("invocation/late/response", &json!(503)));
    let (well, words) = function.last_words();
    assert!(!well && words.contains("longer than its time"), "{words}");
    assert_eq!(start(dir.path(), &[]).ask("next", &event("GET", "/-/changelog", &json!({"host": HOST})))["statusCode"], 200);
}

#[test]
fn a_function_that_cannot_begin_says_why() {
    let dir = prepared();
    let place = dir.path().join("bucket");
    std::fs::create_dir(&place).unwrap();
    let url = format!("file://{}", place.display());
    for (variables, why) in [
        (vec![("HOLT_PUBLISH_TO", url.as_str())], "all the time"),
        (vec![("HOLT_DEFAULT_WIKI", "none")], "no wiki called"),
        (vec![("HOLT_DATA", "/proc/none")], "create"),
    ] {
        let function = start(dir.path(), &variables);
        let told = function.told();
        assert_eq!((told.path.as_str(), told.kind.as_deref()), ("init/error", Some("Edge.Init")));
        assert!(told.body["errorMessage"].as_str().unwrap().contains(why), "{:?}", told.body);
        assert!(!function.last_words().0);
    }
}
