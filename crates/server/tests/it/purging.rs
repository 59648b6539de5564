//! Caches that are told what to forget, seen from a cache's webhook: when, what, how often, and after whatever went wrong.

use crate::client::{Client, Server, until};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What a webhook was told since somebody looked, and whoever waits for more.
#[derive(Default)]
struct Told {
    words: Mutex<Vec<Value>>,
    more: Condvar,
}

impl Told {
    fn hear(&self, words: impl IntoIterator<Item = Value>) {
        self.words.lock().unwrap().extend(words);
        self.more.notify_all();
    }
}

const SECRET: &[(&str, &str)] = &[("HOLT_PURGE_SECRET", "sixteen bytes and more")];

/// What a webhook was told, and what it answers.
struct Hook {
    url: String,
    told: Arc<Told>,
    status: Arc<Mutex<&'static str>>,
}

impl Hook {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let hook = Self { url, told: Arc::default(), status: Arc::new(Mutex::new("204 Done")) };
        let (told, status) = (hook.told.clone(), hook.status.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut length) = (stream.unwrap(), 0);
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                for line in (&mut reader).lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                }
                let mut body = vec![0; length];
                if reader.read_exact(&mut body).is_err() {
                    continue;
                }
                let status = *status.lock().unwrap();
                if status.starts_with('2') {
                    told.hear(serde_json::from_slice::<Value>(&body).unwrap()["data"]["wikis"].as_array().unwrap().clone());
                } else {
                    told.hear([json!("refused")]);
                }
                let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        hook
    }
    fn answers(&self, status: &'static str) {
        *self.status.lock().unwrap() = status;
    }
    /// What it was told since the last call, once something `wanted` is among it.
    fn wait_for(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let all = self.told.words.lock().unwrap();
        let (mut all, waited) = self.told.more.wait_timeout_while(all, Duration::from_secs(30), |all| !all.iter().any(&wanted)).unwrap();
        assert!(!waited.timed_out(), "the cache was only told {all:?}");
        std::mem::take(&mut *all)
    }
    fn told(&self) -> Vec<Value> {
        std::mem::take(&mut *self.told.words.lock().unwrap())
    }
    fn flags(&self) -> [&str; 8] {
        ["--purge", &self.url, "--domain", "wiki.test", "--default-wiki", "docs", "--purge-after", "50"]
    }
    fn start(&self, data: &Path, flags: &[&str]) -> (Server, Client) {
        let server = Server::start_with(data, &[&self.flags()[..], flags].concat(), SECRET);
        let ann = server.client();
        ann.log_in("ann@example.org", "correct horse");
        (server, ann)
    }
}

fn whole(wiki: &Value) -> bool {
    wiki["all"] == true
}

fn paths(told: &[Value]) -> Vec<&str> {
    let pages = told.iter().filter_map(|wiki| wiki["pages"].as_array()).flatten();
    pages.filter_map(|page| page["paths"].as_array()).flatten().filter_map(Value::as_str).collect()
}

fn shows(path: &'static str) -> impl Fn(&Value) -> bool {
    move |told| paths(std::slice::from_ref(told)).contains(&path)
}

/// Changes a page's text until the cache is told of that page alone, as it is of every change but for what the start has to say, which comes when it comes:
/// where an object store is compared, names of the wiki may be told long after the first answer. What it was told last.
fn settle(hook: &Hook, ann: &Client, page: &str, path: &'static str) -> Vec<Value> {
    for round in 0..50 {
        assert_eq!(ann.save(page, &format!("# One\n\nRound {round}.\n"), "edited"), Some(303));
        let told = hook.wait_for(|told| whole(told) || shows(path)(told));
        if told.iter().all(|told| told["pages"].as_array().is_some_and(|pages| pages.len() == 1)) {
            return told;
        }
    }
    panic!("the cache is told of more than one page again and again");
}

/// A wiki with a page, whose caches know all of it.
fn world() -> (tempfile::TempDir, Hook) {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    std::fs::create_dir(dir.path().join("store")).unwrap();
    (dir, Hook::new())
}

fn store(dir: &Path) -> String {
    format!("file://{}", dir.join("store").display())
}

#[test]
fn caches_are_told_of_what_changed_and_of_nothing_else() {
    let (dir, hook) = world();
    for flags in [&[][..], &["--publish-to", &store(dir.path())]] {
        let (mut server, ann) = hook.start(dir.path(), flags);
        assert_eq!(ann.save("Guide/Set up", "# One\n", "made"), Some(303));
        assert_eq!(ann.save("Home", "# Home\n", "made"), Some(303));
        let told = hook.wait_for(whole);
        let hosts = json!(["docs.wiki.test", "wiki.test"]);
        assert!(told.iter().all(|wiki| wiki["hosts"] == hosts), "a new page changes all others, by the tree: {told:?}");
        let told = settle(&hook, &ann, "Guide/Set up", "/Guide/Set%20up");
        assert!(paths(&told).iter().all(|path| path.starts_with("/Guide/Set%20up")), "{told:?}");
        assert!(paths(&told).contains(&"/Guide/Set%20up.md"));
        let told = settle(&hook, &ann, "Home", "/");
        assert!(paths(&told).contains(&"/Home"), "{told:?}");
        // A page that is gone is gone from the tree of all others.
        assert_eq!(ann.post("/Guide/Set%20up/delete", &[("message", "gone")]).unwrap().status / 100, 3);
        hook.wait_for(whole);
        server.stop();
        hook.told();
    }
}

#[test]
fn a_cache_that_refuses_is_told_again_and_after_a_restart_too() {
    let (dir, hook) = world();
    let (mut server, ann) = hook.start(dir.path(), &[]);
    settle(&hook, &ann, "Guide", "/Guide");
    until("a note that the cache was told", || {
        let (marks, generation) = (marks(dir.path()), generation(dir.path()));
        if marks.contains(&generation) { Ok(()) } else { Err(format!("{generation} is not among {marks:?}")) }
    });
    // What was confirmed is not told again; the first change that this process sees may have changed what all share.
    server.stop();
    hook.told();
    let (mut server, ann) = hook.start(dir.path(), &[]);
    assert_eq!(hook.told(), Vec::<Value>::new());
    hook.answers("500 Broken");
    assert_eq!(ann.save("Guide", "# Three\n", "edited"), Some(303));
    hook.wait_for(|told| *told == "refused");
    hook.answers("204 Done");
    let told = hook.wait_for(|wiki| whole(wiki) || paths(std::slice::from_ref(wiki)).contains(&"/Guide"));
    assert!(told.iter().any(|wiki| *wiki != "refused"), "{told:?}");
    hook.answers("503 Away");
    assert_eq!(ann.save("Guide", "# Four\n", "edited"), Some(303));
    hook.wait_for(|told| *told == "refused");
    server.kill();
    hook.answers("204 Done");
    hook.told();
    let (mut server, _) = hook.start(dir.path(), &[]);
    hook.wait_for(|told| whole(told) || shows("/Guide")(told));
    server.stop();
}

#[test]
fn a_process_of_its_own_tells_caches_what_changed_and_of_nothing_else() {
    let (dir, hook) = world();
    let (mut server, ann) = hook.start(dir.path(), &[]);
    assert_eq!(ann.save("Guide", "# One\n", "made"), Some(303));
    hook.wait_for(whole);
    let own = crate::workers::Worker::start_with(dir.path(), &[&["purge"], &hook.flags()[..]].concat(), SECRET);
    hook.told();
    for text in ["two", "three", "four"] {
        assert_eq!(ann.save("Guide", &format!("# One\n\n{text}\n"), "edited"), Some(303));
        let told = hook.wait_for(|told| whole(told) || shows("/Guide")(told));
        assert!(text == "two" || told.iter().all(|told| told["pages"].as_array().is_some_and(|pages| pages.len() == 1)), "{told:?}");
    }
    // A page that is new changes the tree of all others, and who may read it is everybody's affair.
    assert_eq!(ann.save("Other", "# Other\n", "made"), Some(303));
    hook.wait_for(whole);
    assert_eq!(ann.post("/-/admin/permissions_and_registration", &[("READ_access", "APPROVED")]).unwrap().status, 303);
    hook.wait_for(whole);
    own.stop();
    server.stop();
}

/// Where the published wiki stands.
fn generation(data: &Path) -> String {
    let wikis = std::fs::read_dir(data.join("fragments")).unwrap().map(|wiki| wiki.unwrap().path().join("w"));
    let shared: Value = serde_json::from_slice(&std::fs::read(wikis.into_iter().find(|file| file.is_file()).unwrap()).unwrap()).unwrap();
    shared["generation"].to_string()
}

/// What is noted of caches that were told.
fn marks(data: &Path) -> Vec<String> {
    let wikis = std::fs::read_dir(data.join("fragments")).unwrap();
    let folders = wikis.map(|wiki| wiki.unwrap().path().join("c")).filter_map(|folder| std::fs::read_dir(folder).ok());
    folders.flatten().map(|mark| std::fs::read_to_string(mark.unwrap().path()).unwrap()).collect()
}

/// security.md CDN-5.
#[test]
fn a_wiki_is_private_when_caches_have_forgotten_it() {
    let (dir, hook) = world();
    let url = store(dir.path());
    for flags in [&[][..], &["--publish-to", &url]] {
        let (mut server, ann) = hook.start(dir.path(), flags);
        assert_eq!(ann.save("Guide", &format!("# Guide {}\n", flags.len()), "made"), Some(303));
        hook.wait_for(|told| whole(told) || shows("/Guide")(told));
        let set = |level: &str| ann.post("/-/admin/permissions_and_registration", &[("READ_access", level)]).unwrap();
        assert_eq!(set("APPROVED").status, 303);
        let told = hook.told();
        assert!(told.iter().any(whole), "it was told before the administrator was: {told:?}");
        assert_eq!(server.client().get("/Guide").status / 100, 3, "the control: it is private");
        assert_eq!(set("ANONYMOUS").status, 303);
        hook.answers("500 Broken");
        let late = set("APPROVED");
        assert_eq!(late.status, 503);
        assert!(late.body_text().contains("his is saved, but caches may still show what was before"), "{}", late.body_text());
        assert_eq!(server.client().get("/Guide").status / 100, 3, "and it is saved");
        hook.answers("204 Done");
        assert_eq!(set("ANONYMOUS").status, 303);
        server.stop();
        hook.told();
    }
}

#[test]
fn a_cache_that_cannot_be_told_is_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    let refused = |url: &str| {
        let (code, _, error) = Server::command(dir.path(), &["serve", "--listen", "127.0.0.1:0", "--purge", url]);
        assert_eq!(code, 1, "{error}");
        error
    };
    assert!(refused("squid://host").contains("varnish://HOST:PORT"));
    assert!(refused("fastly://S1").contains("FASTLY_API_TOKEN"));
    assert!(refused("https://example.org/hook").contains("HOLT_PURGE_SECRET_FILE"));
    assert!(!refused("varnish://user:hidden@host").contains("hidden"));
}

/// What a cache would ask an edge for, which knows nothing of it, if it were not told that this is the server's.
#[test]
fn caches_know_the_verbs_of_pages() {
    let routes = include_str!("../../src/routes.rs");
    let verbs = |text: &'static str| text.split("\"/{page}/").skip(1).filter_map(|rest| rest.split(['/', '"']).next());
    let known: std::collections::BTreeSet<&str> = verbs(routes).collect();
    assert!(known.contains("history"), "control: {known:?}");
    for text in [include_str!("../../../../deploy/varnish.vcl"), include_str!("../../../../deploy/cloudfront.tf")] {
        let list = &text[text.find("(a|attachment").expect("a list of verbs") + 1..];
        let listed: std::collections::BTreeSet<&str> = list[..list.find(')').unwrap()].split('|').collect();
        assert_eq!(listed, known);
    }
}
