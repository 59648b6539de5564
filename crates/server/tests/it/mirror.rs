//! Two wikis that are kept the same: `here` has the mirror, `there` is a wiki on another server, known by its git address alone.

use crate::bare::{Bare, TOKEN, USER};
use crate::client::{Client, Server, until};
use crate::git::{Wiki, command, commit, git};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpListener;
use std::process::Stdio;

struct Pair {
    there: Wiki,
    here: Wiki,
    ann: Client,
    bea: Client,
}

impl Pair {
    fn new() -> Self {
        let there = Wiki::new();
        let here = Wiki::with(&["--trust-hook-host", &there.server.address().to_string()]);
        let (ann, bea) = (here.ann(), there.ann());
        Self { there, here, ann, bea }
    }
    /// The same with a mirror, which has brought a page over.
    fn mirrored(direction: &str) -> Self {
        let pair = Self::new();
        save(&pair.ann, "Home", "one\ntwo\nthree\nfour\nfive\nsix\nseven\n");
        pair.set(&json!({"direction": direction}));
        pair.well();
        assert_eq!(pair.here.head(), pair.there.head());
        pair
    }
    fn url(&self) -> String {
        format!("http://{}/.git", self.there.server.address())
    }
    fn set(&self, more: &Value) -> (u16, Value) {
        let mut body = json!({"url": self.url(), "token": self.there.token, "minutes": 1440});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        api(&self.ann, "PUT", "/mirror", &body)
    }
    fn stand(&self) -> Value {
        api(&self.ann, "GET", "/mirror", &Value::Null).1
    }
    /// Has it looked at, and waits until that was done: how it stands.
    fn look(&self, body: &Value) -> Value {
        assert_eq!(api(&self.ann, "POST", "/mirror/sync", body).0, 202);
        self.looked()
    }
    fn looked(&self) -> Value {
        until("the mirror", || {
            let stand = self.stand();
            let page = self.ann.get("/-/admin/mirror").body_text();
            assert!(!page.contains(&self.there.token) && !stand.to_string().contains(&self.there.token));
            // Nobody asks any more.
            if stand["tried"].is_string() && !asked(&self.here) { Ok(()) } else { Err(stand.to_string()) }
        });
        // Not what was read before nobody asked.
        self.stand()
    }
    /// As [`Pair::look`]; all is well.
    fn sync(&self) -> Value {
        let stand = self.look(&json!({}));
        assert_eq!((&stand["error"], &stand["failures"]), (&Value::Null, &json!(0)), "{stand}");
        stand
    }
    fn well(&self) {
        until("the first look", || {
            let stand = self.stand();
            if stand["synced"].is_string() && stand["ahead"] == 0 { Ok(()) } else { Err(stand.to_string()) }
        });
    }
}

/// Whether somebody waits for a look: as the wiki's own file says.
fn asked(wiki: &Wiki) -> bool {
    let dir = std::path::PathBuf::from(repo(wiki)).parent().unwrap().join("wiki.db");
    let db = rusqlite::Connection::open_with_flags(dir, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    db.query_row("SELECT coalesce(max(asked), 0) FROM mirror", [], |row| row.get(0)).unwrap()
}

/// Its repository, while the server runs.
fn repo(wiki: &Wiki) -> String {
    let mut found = Vec::new();
    for first in std::fs::read_dir(wiki.data().join("wikis")).unwrap().flatten() {
        found.extend([first.path()]);
        found.extend(std::fs::read_dir(first.path()).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
    found.into_iter().map(|dir| dir.join("repo.git")).find(|dir| dir.exists()).unwrap().to_str().unwrap().to_string()
}

fn api(client: &Client, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let (origin, csrf) = (format!("http://{}", client.host), client.csrf());
    let headers = [("Origin", origin.as_str()), ("X-CSRF-Token", &csrf), ("Content-Type", "application/json")];
    let body = if method == "GET" { String::new() } else { body.to_string() };
    let answer = client.send(method, &format!("/api/v1{path}"), &headers, body.as_bytes()).unwrap();
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
}

fn save(client: &Client, page: &str, text: &str) {
    assert_eq!(client.save(page, text, ""), Some(303));
}

fn text(client: &Client, page: &str) -> String {
    api(client, "GET", &format!("/pages/{page}"), &Value::Null).1["content"].as_str().unwrap_or_default().to_string()
}

/// Makes or changes the mirror of a wiki in a repository that is no Holt, and has it looked at: how it stands then.
fn met(wiki: &Wiki, client: &Client, bare: &Bare, token: &str) -> Value {
    let body = json!({"url": bare.url(), "username": USER, "token": token, "minutes": 1440});
    assert_eq!(api(client, "PUT", "/mirror", &body).0, 200);
    assert_eq!(api(client, "POST", "/mirror/sync", &json!({})).0, 202);
    let stand = || api(client, "GET", "/mirror", &Value::Null).1;
    until("the mirror", || if stand()["tried"].is_string() && !asked(wiki) { Ok(()) } else { Err(stand().to_string()) });
    stand()
}

/// The same; all is well, and both are where the wiki is.
fn same(wiki: &Wiki, client: &Client, bare: &Bare) {
    let stand = met(wiki, client, bare, TOKEN);
    assert_eq!((&stand["error"], wiki.head()), (&Value::Null, bare.head()), "{stand}");
}

#[test]
fn a_repository_behind_tls_has_to_be_who_it_says() {
    let bare = Bare::new(true);
    let (place, file) = (bare.address.to_string(), Bare::authority());
    let flags = ["--trust-hook-host", &place, "--hook-ca-file", file.to_str().unwrap()];
    // Nobody that is known vouches for it: it is told nothing, not even who we are.
    let here = Wiki::with(&flags[..2]);
    let ann = here.ann();
    save(&ann, "Home", "one\n");
    let stand = met(&here, &ann, &bare, TOKEN);
    assert!(stand["error"].as_str().unwrap().contains("the certificate of the remote is not trusted"), "{stand}");
    assert!(ann.get("/-/admin/mirror").body_text().contains("certificate of the remote is not trusted"));
    drop((ann, here));
    let here = Wiki::with(&flags);
    let ann = here.ann();
    save(&ann, "Home", "one\n");
    let stand = met(&here, &ann, &bare, "another");
    assert!(stand["error"].as_str().unwrap().contains("does not take the user and the token"), "{stand}");
    same(&here, &ann, &bare);
    // What is long, and what somebody does over there with their own git.
    save(&ann, "Long", &(0..100_000).map(|n| format!("{n:x} ")).collect::<String>());
    same(&here, &ann, &bare);
    let clone = here.dir.path().join("clone");
    git(here.dir.path(), &["clone", "--quiet", bare.repo().to_str().unwrap(), clone.to_str().unwrap()]).good();
    std::fs::write(clone.join("There.md"), "two\n").unwrap();
    for args in [&["add", "."][..], &["commit", "--quiet", "-m", "There"], &["push", "--quiet", "origin", "HEAD:main"]] {
        git(&clone, args).good();
    }
    same(&here, &ann, &bare);
    assert_eq!(text(&ann, "There"), "two\n");
}

/// A program changes a page under a key: whether it was told that this had been done before.
fn program(wiki: &Wiki, key: &str, page: &str, content: &str) -> bool {
    let body = json!({"content": content}).to_string();
    let token = format!("Bearer {}", wiki.token);
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json"), ("Idempotency-Key", key)];
    let answer = wiki.server.client().send("PUT", &format!("/api/v1/pages/{page}"), &headers, body.as_bytes()).unwrap();
    assert!(answer.status < 300, "{}", answer.body_text());
    answer.header("idempotency-replayed").is_some()
}

fn operations(wiki: &Wiki) -> Vec<String> {
    let log = git(wiki.dir.path(), &["--git-dir", &repo(wiki), "log", "--format=%B", "main"]).good();
    log.lines().filter_map(|line| line.strip_prefix("Holt-Op: ")).map(str::to_string).collect()
}

#[test]
fn two_holts_that_programs_write_to_come_together_through_one_repository() {
    let bare = Bare::new(false);
    let place = bare.address.to_string();
    let [a, b] = [(); 2].map(|()| Wiki::with(&["--trust-hook-host", &place]));
    let (ann, bea) = (a.ann(), b.ann());
    save(&ann, "Home", "one\n");
    same(&a, &ann, &bare);
    same(&b, &bea, &bare);
    assert!(!program(&a, "key-1", "From-A", "a\n"));
    same(&a, &ann, &bare);
    same(&b, &bea, &bare);
    assert_eq!((text(&bea, "From-A"), operations(&b)), ("a\n".into(), operations(&a)));
    assert_eq!(operations(&b).len(), 1, "the control: it came along");
    // What the other one's programs did was not done here.
    assert!(!program(&b, "key-1", "From-B", "b\n"));
    // Both at once, and around until nobody has anything new.
    assert!(!program(&a, "key-2", "Another", "y\n"));
    assert!(!program(&b, "key-3", "Other", "x\n"));
    for (wiki, client) in [(&a, &ann), (&b, &bea), (&a, &ann), (&b, &bea)] {
        same(wiki, client, &bare);
    }
    assert_eq!(a.head(), b.head());
    for client in [&ann, &bea] {
        let texts = ["Another", "From-A", "From-B", "Other"].map(|page| text(client, page));
        assert_eq!(texts, ["y\n", "a\n", "b\n", "x\n"]);
    }
    // What was done here is still known.
    let before = (a.head(), b.head());
    assert!(program(&a, "key-1", "From-A", "a\n") && program(&b, "key-1", "From-B", "b\n"));
    assert_eq!(before, (a.head(), b.head()));
    // Somebody over there makes up that an operation was done which nobody here asked for yet: it is done all the same, once.
    let clone = a.dir.path().join("clone");
    git(a.dir.path(), &["clone", "--quiet", bare.repo().to_str().unwrap(), clone.to_str().unwrap()]).good();
    git(&clone, &["commit", "--quiet", "--allow-empty", "-m", "Made up\n\nHolt-Op: made-up"]).good();
    git(&clone, &["push", "--quiet", "origin", "HEAD:main"]).good();
    same(&a, &ann, &bare);
    assert!(operations(&a).contains(&"made-up".to_string()));
    for times in 1..3 {
        assert_eq!(ann.post("/Later/save", &[("content", "later\n"), ("revision", ""), ("op", "made-up")]).unwrap().status, 303);
        assert_eq!(text(&ann, "Later"), "later\n");
        assert_eq!(operations(&a).iter().filter(|op| *op == "made-up").count(), 2, "{times}");
    }
}

#[test]
fn what_both_sides_do_comes_together() {
    let pair = Pair::mirrored("both");
    save(&pair.bea, "There", "x\n");
    save(&pair.bea, "Home", "one\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n");
    pair.sync();
    assert_eq!((text(&pair.ann, "There"), pair.here.head()), ("x\n".into(), pair.there.head()));
    // Both at once: other pages, and the same page elsewhere.
    save(&pair.bea, "There", "y\n");
    save(&pair.bea, "Home", "ONE\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n");
    assert_eq!(api(&pair.ann, "PUT", "/mirror", &json!({"url": pair.url(), "active": false})).0, 200);
    save(&pair.ann, "Here", "z\n");
    save(&pair.ann, "Home", "one\ntwo\nthree\nfour!\nfive\nsix\nSEVEN\n");
    pair.set(&json!({}));
    pair.sync();
    assert_eq!(pair.here.head(), pair.there.head());
    for client in [&pair.ann, &pair.bea] {
        assert_eq!((text(client, "Home"), text(client, "There")), ("ONE\ntwo\nthree\nfour!\nfive\nsix\nSEVEN\n".into(), "y\n".into()));
        assert_eq!(text(client, "Here"), "z\n");
    }
    // A save goes there by itself.
    save(&pair.ann, "Here", "z again\n");
    until("the save", || if text(&pair.bea, "Here") == "z again\n" { Ok(()) } else { Err(pair.stand().to_string()) });
}

#[test]
fn what_does_not_fit_becomes_a_proposal_and_the_rest_goes_on() {
    let pair = Pair::mirrored("both");
    pair.set(&json!({"active": false}));
    for (client, word) in [(&pair.ann, "here"), (&pair.bea, "there")] {
        save(client, "Home", &format!("one\ntwo\nthree {word}\nfour\nfive\nsix\nseven\n"));
        save(client, word, "x\n");
    }
    pair.set(&json!({}));
    pair.sync();
    assert_eq!(pair.here.head(), pair.there.head());
    for client in [&pair.ann, &pair.bea] {
        assert_eq!(
            (text(client, "Home").contains("three here"), text(client, "there"), text(client, "here")),
            (true, "x\n".into(), "x\n".into())
        );
    }
    let proposals = api(&pair.ann, "GET", "/proposals", &Value::Null).1;
    let proposal = &proposals["proposals"][0];
    assert_eq!(
        (&proposal["files"], &proposal["status"], &proposal["author"]),
        (&json!(["Home.md"]), &json!("open"), &json!("Holt")),
        "{proposals}"
    );
    // Looking again makes no second one; accepting their text goes there.
    pair.sync();
    assert_eq!(api(&pair.ann, "GET", "/proposals", &Value::Null).1["proposals"].as_array().unwrap().len(), 1);
    let shown = api(&pair.ann, "GET", "/proposals/1", &Value::Null).1;
    assert_eq!(shown["changes"][0]["state"], "conflict", "{shown}");
    let choice = json!({"seen": shown["seen"], "files": [{"file": "Home.md", "content": "three there and here\n"}]});
    assert_eq!(api(&pair.ann, "POST", "/proposals/1/accept", &choice).0, 200);
}

#[test]
fn a_file_where_a_folder_is_holds_back_nothing_else() {
    let pair = Pair::mirrored("both");
    pair.set(&json!({"active": false}));
    save(&pair.ann, "Sub/X", "x\n");
    let clone = pair.there.clone("theirs");
    std::fs::write(clone.join("Sub"), "a file\n").unwrap();
    commit(&clone, "Home.md", "one\ntwo there\n", "both");
    git(&clone, &["push", "-q"]).good();
    pair.set(&json!({}));
    pair.sync();
    assert_eq!(pair.here.head(), pair.there.head());
    for client in [&pair.ann, &pair.bea] {
        assert_eq!((text(client, "Home"), text(client, "Sub/X")), ("one\ntwo there\n".into(), "x\n".into()));
    }
    let proposals = api(&pair.ann, "GET", "/proposals", &Value::Null).1;
    assert_eq!(proposals["proposals"][0]["files"], json!(["Sub"]), "{proposals}");
}

#[test]
fn a_history_that_was_replaced_is_left_alone() {
    let pair = Pair::mirrored("both");
    let first = pair.there.head();
    save(&pair.ann, "Home", "two\n");
    pair.sync();
    let (here, there) = (pair.here.head(), repo(&pair.there));
    // Back to what it was: nothing is pushed over it.
    git(pair.there.dir.path(), &["--git-dir", &there, "update-ref", "refs/heads/main", &first]).good();
    let stand = pair.look(&json!({}));
    assert!(stand["error"].as_str().unwrap().contains("was replaced"), "{stand}");
    assert_eq!((pair.here.head(), pair.there.head()), (here.clone(), first.clone()));
    // Another history from there on.
    save(&pair.bea, "Home", "another\n");
    let other = pair.there.head();
    let stand = pair.look(&json!({}));
    assert!(stand["error"].as_str().unwrap().contains("was replaced"), "{stand}");
    assert_eq!((pair.here.head(), pair.there.head()), (here.clone(), other.clone()));
    // As it is: both histories are in what comes of it, and nothing is lost.
    let stand = pair.look(&json!({"as_it_is": true}));
    assert_eq!(stand["error"], Value::Null, "{stand}");
    let merged = pair.here.head();
    assert_eq!(merged, pair.there.head());
    for known in [&here, &other] {
        git(pair.here.dir.path(), &["--git-dir", &repo(&pair.here), "merge-base", "--is-ancestor", known, &merged]).good();
    }
    assert_eq!(
        (text(&pair.ann, "Home"), api(&pair.ann, "GET", "/proposals", &Value::Null).1["proposals"].as_array().unwrap().len()),
        ("two\n".into(), 1)
    );
}

#[test]
fn one_way_is_one_way_and_what_goes_wrong_is_said() {
    let pair = Pair::new();
    save(&pair.ann, "Home", "one\n");
    for (what, said) in [
        (json!({"url": format!("http://{}/.git", dead())}), 422),
        (json!({"url": "https://127.0.0.1/x.git"}), 422),
        (json!({"url": "https://localhost/x.git"}), 422),
        (json!({"url": "ssh://git@example.org/x.git"}), 422),
        (json!({"url": "https://ann:secret@example.org/x.git"}), 422),
        (json!({"branch": "--upload-pack=x"}), 422),
        (json!({"minutes": 0}), 422),
        (json!({"direction": "around"}), 422),
    ] {
        assert_eq!(pair.set(&what).0, said, "{what}");
    }
    assert_eq!(api(&pair.ann, "POST", "/mirror/sync", &json!({})).0, 404);
    assert_eq!(pair.set(&json!({"token": "wrong"})).0, 200);
    let stand = pair.looked();
    assert!(stand["error"].as_str().unwrap().contains("does not take the user and the token"), "{stand}");
    assert!(pair.ann.get("/-/admin/mirror").body_text().contains("does not take the user and the token"));
    assert_eq!(pair.set(&json!({"direction": "push"})).0, 200);
    pair.well();
    save(&pair.bea, "There", "x\n");
    let stand = pair.look(&json!({}));
    assert!(stand["error"].as_str().unwrap().contains("commits that the wiki does not have"), "{stand}");
    assert_eq!(text(&pair.ann, "There"), "");
    // The other way: the token stays, what is here stays here.
    assert_eq!(api(&pair.ann, "PUT", "/mirror", &json!({"url": pair.url(), "direction": "pull"})).0, 200);
    save(&pair.ann, "Here", "x\n");
    pair.sync();
    assert_eq!((text(&pair.ann, "There"), text(&pair.bea, "Here")), ("x\n".into(), String::new()));
    assert_eq!(api(&pair.ann, "DELETE", "/mirror", &json!({})).0, 200);
    assert!(pair.ann.get("/-/admin/audit").body_text().contains("Mirror deleted"));
}

#[test]
fn a_server_that_dies_in_between_goes_on_where_it_was() {
    let mut pair = Pair::mirrored("both");
    for round in 0..5 {
        save(&pair.bea, &format!("There{round}"), "x\n");
        save(&pair.ann, &format!("Here{round}"), "x\n");
        assert_eq!(api(&pair.ann, "POST", "/mirror/sync", &json!({})).0, 202);
        // A different place each time: that is the point, not the time.
        std::thread::sleep(std::time::Duration::from_millis(150 * round));
        pair.here.server.kill();
        let flags = ["--trust-hook-host", &pair.there.server.address().to_string()];
        pair.here.server = Server::start(&pair.here.data(), &flags);
        pair.ann = pair.here.ann();
    }
    pair.sync();
    pair.well();
    assert_eq!(pair.here.head(), pair.there.head());
    for round in 0..5 {
        assert_eq!((text(&pair.ann, &format!("There{round}")), text(&pair.bea, &format!("Here{round}"))), ("x\n".into(), "x\n".into()));
    }
}

#[test]
fn a_long_history_comes_into_an_empty_wiki() {
    let pair = Pair::new();
    // The server opens the repository now: what git is writing is not taken for what a crash left there.
    assert_eq!(api(&pair.bea, "GET", "/pages/Home", &Value::Null).0, 404);
    let mut history = String::new();
    for n in 0..10_000 {
        let text = format!("Round {n}\n");
        history.push_str(&format!("commit refs/heads/main\ncommitter Bea <bea@example.org> {} +0000\ndata 5\nround\n", 1_700_000_000 + n));
        history.push_str(&format!("M 100644 inline P{}.md\ndata {}\n{text}\n", n % 100, text.len()));
    }
    let import = command(pair.there.dir.path(), &["--git-dir", &repo(&pair.there), "fast-import", "--quiet"]).stdin(Stdio::piped()).spawn();
    let mut import = import.unwrap();
    import.stdin.take().unwrap().write_all(history.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    assert_eq!(pair.set(&json!({})).0, 200);
    pair.well();
    assert_eq!((text(&pair.ann, "P99"), pair.here.head()), ("Round 9999\n".into(), pair.there.head()));
}

/// An address of this machine where nobody listens.
fn dead() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}
