//! What goes wrong between people and forms: nothing may be lost by it, and the answer says what happened.

use crate::client::{Server, docs};
use holt_testkit::git;
use std::path::Path;

#[test]
fn a_form_without_text_does_not_empty_the_page() {
    let (_dir, _server, ann) = docs();
    ann.save("Page", "important", "");
    let base = ann.get("/Page/edit").field("revision");
    for path in ["/Page/save", "/Page/draft", "/Page/edit"] {
        assert_eq!(ann.post(path, &[("revision", &base), ("commit", "")]).unwrap().status, 422, "{path}");
    }
    assert_eq!(ann.get("/Page.md").body_text(), "important\n");
    // Emptied on purpose it may be.
    assert_eq!(ann.post("/Page/save", &[("revision", &base), ("content", "")]).unwrap().status, 303);
}

#[test]
fn an_undecided_merge_is_not_saved() {
    let (_dir, _server, ann) = docs();
    ann.save("Plan", "one\n\ntwo", "");
    let base = ann.get("/Plan/edit").field("revision");
    let save = |text: &str| ann.post("/Plan/save", &[("content", text), ("revision", &base)]).unwrap();
    assert_eq!(save("ONE\n\ntwo").status, 303);
    let conflict = save("uno\n\ntwo");
    assert_eq!(conflict.status, 409);
    let revision = conflict.field("revision");
    let marked = "<<<<<<< theirs\nONE\n=======\nuno\n>>>>>>> yours\n\ntwo";
    let resolve = |text: &str| ann.post("/Plan/save", &[("content", text), ("revision", &revision), ("resolving", "1")]).unwrap();
    let again = resolve(marked);
    assert_eq!(again.status, 422);
    assert!(again.body_text().contains("still has both versions") && again.body_text().contains("uno"));
    assert_eq!(again.field("revision"), revision, "and can be sent again");
    assert_eq!(ann.get("/Plan.md").body_text(), "ONE\n\ntwo\n");
    assert_eq!(resolve("ONE and uno\n\ntwo").status, 303);
    assert_eq!(ann.get("/Plan.md").body_text(), "ONE and uno\n\ntwo\n");
}

#[test]
fn a_page_that_went_away_says_where() {
    let (_dir, _server, ann) = docs();
    for page in ["Gone", "Old"] {
        ann.save(page, "text", "");
    }
    let base = |page: &str| ann.get(&format!("/{page}/edit")).field("revision");
    let (gone, old) = (base("Gone"), base("Old"));
    assert_eq!(ann.post("/Gone/delete", &[]).unwrap().status, 303);
    assert_eq!(ann.post("/Old/rename", &[("new_pagename", "New")]).unwrap().status, 303);
    let shown = ann.post("/Gone/save", &[("content", "mine"), ("revision", &gone)]).unwrap();
    assert_eq!(shown.status, 409);
    assert!(shown.body_text().contains("<strong>Ann</strong> deleted this page"), "{}", shown.body_text());
    let shown = ann.post("/Old/save", &[("content", "mine"), ("revision", &old)]).unwrap();
    assert_eq!(shown.status, 409);
    assert!(shown.body_text().contains("renamed this page to <a href=\"/New\">New</a>"), "{}", shown.body_text());
}

#[test]
fn old_encodings_are_read_not_destroyed() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("Alt.md"), b"Gr\xfc\xdfe aus K\xf6ln\n").unwrap();
    let data = dir.path().join("data");
    assert_eq!(Server::command(&data, &["import", "folder", &source.to_string_lossy(), "--slug", "docs"]).0, 0);
    let added = Server::command_with_input(
        &data,
        &["user", "add", "ann@example.org", "--name", "Ann", "--admin", "--password-stdin"],
        "correct horse\n",
    );
    assert_eq!(added.0, 0, "{}", added.2);
    let server = Server::start(&data, &[]);
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    let editor = ann.get("/Alt/edit");
    assert!(editor.body_text().contains("Grüße aus Köln") && editor.body_text().contains("is not UTF-8"), "{}", editor.body_text());
    assert_eq!(ann.post("/Alt/save", &[("content", "Grüße aus Köln!"), ("revision", &editor.field("revision"))]).unwrap().status, 303);
    assert_eq!(ann.get("/Alt.md").body_text(), "Grüße aus Köln!\n");
    let blame = ann.get("/Alt/blame");
    assert!(blame.status == 200 && blame.body_text().contains("Grüße"), "{}", blame.status);
}

#[test]
fn a_file_gets_no_name_that_means_something_else() {
    let (_dir, _server, ann) = docs();
    ann.save("Page", "text", "");
    ann.save("Page/Child", "text", "");
    let send = |name: &str| {
        let body = format!(
            "--X\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\n{}\r\n--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\nx\r\n--X--\r\n",
            ann.csrf()
        );
        let origin = format!("http://{}", ann.host);
        let headers = [("Origin", origin.as_str()), ("Content-Type", "multipart/form-data; boundary=X")];
        ann.send("POST", "/Page/attachments", &headers, body.as_bytes()).unwrap().status
    };
    for name in ["edit", "history", "Child"] {
        assert_eq!(send(name), 422, "{name}");
    }
    assert_eq!(send("edit.txt"), 303);
}

#[test]
fn links_to_files_and_screens_are_links() {
    let (_dir, _server, ann) = docs();
    ann.save("Guide/Setup", "# Setup", "");
    ann.save("Guide/Start", "[setup](Setup.md) [its source](/Guide/Setup/source) [gone](Gone.md)", "");
    let html = ann.get("/Guide/Start").body_text();
    assert!(html.contains("<a href=\"/Guide/Setup\">setup</a>"), "{html}");
    assert!(html.contains("<a href=\"/Guide/Setup/source\">its source</a>"), "{html}");
    assert!(html.contains("class=\"missing\">gone</a>"), "{html}");
    assert!(ann.get("/Guide/Setup").body_text().contains("href=\"/Guide/Start\""), "it is a backlink");
    assert_eq!(ann.post("/Guide/Setup/rename", &[("new_pagename", "Guide/Install"), ("update_backlinks", "1")]).unwrap().status, 303);
    assert!(ann.get("/Guide/Start").body_text().contains("<a href=\"/Guide/Install\">setup</a>"));
}

#[test]
fn a_request_for_two_hosts_is_refused() {
    let (_dir, _server, ann) = docs();
    let sent = format!("GET / HTTP/1.1\r\nHost: {}\r\nHost: other.example\r\nConnection: close\r\n\r\n", ann.host);
    assert_eq!(ann.raw(sent.as_bytes()).unwrap().status, 400);
    let sent = format!("POST /Page/save HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 99999999999\r\n\r\n", ann.host);
    assert_eq!(ann.raw(sent.as_bytes()).unwrap().status, 413, "before the first byte of it");
}

/// HDR-2: what two servers in a row may read differently is refused, and what comes after it is not read.
#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    let (_dir, _server, ann) = docs();
    let host = &ann.host;
    let get = |more: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\n{more}\r\n");
    let post = |more: &str| format!("POST /-/login HTTP/1.1\r\nHost: {host}\r\n{more}\r\n");
    let next = format!("GET /-/healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    for head in [
        format!("GET / HTTP/1.1\nHost: {host}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {host}\n\r\n"),
        format!("GET / HTTP/1.1\nHost: {host}\n\n"),
        format!("GET http://other.example/ HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET http://other.example/-/static/x.css HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        get("X: a\r\n b\r\n"),
        get("X : a\r\n"),
        get("X: a\rb\r\n"),
        post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n",
        post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + "0\r\n\r\n",
        post("Content-Length: 0\r\nContent-Length: 0\r\n"),
        post("Content-Length: 0\r\nContent-Length: 3\r\n") + "abc",
        post("Transfer-Encoding: gzip\r\n"),
        post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n") + "0\r\n\r\n",
    ] {
        for bytes in [format!("{head}{next}"), format!("{}{head}{next}", get(""))] {
            let answer = ann.raw(bytes.as_bytes()).unwrap();
            let all = format!("HTTP/1.1 {} \r\n{}", answer.status, answer.body_text());
            let statuses: Vec<&str> = all.split("HTTP/1.1 ").skip(1).filter_map(|rest| rest.get(..3)).collect();
            assert_eq!(statuses.last(), Some(&"400"), "{bytes:?}: {statuses:?}");
        }
    }
    // The control: what there is one way to read is answered, one after the other.
    let absolute = format!("GET http://{host}/-/healthz HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let chunks = post("Transfer-Encoding: chunked\r\n") + "1\r\n\n\r\n0\r\n\r\n";
    let answer = ann.raw(format!("{absolute}{chunks}{next}").as_bytes()).unwrap();
    assert_eq!((answer.status, answer.body_text().matches("HTTP/1.1 200").count()), (200, 1));
    assert!(answer.body_text().contains("HTTP/1.1 422"), "{}", answer.body_text());
}

#[test]
fn one_may_look_while_the_server_runs() {
    let (dir, _server, _ann) = docs();
    let (code, out, error) = Server::command(dir.path(), &["wiki", "list"]);
    assert!(code == 0 && out.contains("docs"), "{error}");
    let (code, out, error) = Server::command(dir.path(), &["wiki", "path", "docs"]);
    assert!(code == 0 && Path::new(out.trim()).is_dir(), "{error}");
    let (code, _, error) = Server::command(dir.path(), &["wiki", "create", "more"]);
    assert!(code == 1 && error.contains("in use by process"), "{error}");
}

#[test]
fn repositories_that_cannot_come_in_whole_stay_out() {
    let dir = tempfile::tempdir().unwrap();
    let (data, source) = (dir.path().join("data"), dir.path().join("source"));
    std::fs::create_dir(&source).unwrap();
    git(&source, &["init", "-q", "-b", "main"]);
    let import = |from: &Path, slug: &str| Server::command(&data, &["import", "git", &from.to_string_lossy(), "--slug", slug]);
    let empty = import(&source, "empty");
    assert!(empty.0 == 1 && empty.2.contains("no commit"), "{}", empty.2);
    for text in ["one", "two"] {
        std::fs::write(source.join("Home.md"), text).unwrap();
        git(&source, &["add", "."]);
        git(&source, &["-c", "user.name=A", "-c", "user.email=a@e.org", "commit", "-qm", text]);
    }
    let shallow = dir.path().join("shallow");
    git(dir.path(), &["clone", "-q", "--depth", "1", &format!("file://{}", source.display()), &shallow.to_string_lossy()]);
    let part = import(&shallow, "part");
    assert!(part.0 == 1 && part.2.contains("--unshallow"), "{}", part.2);
    // A tree that would leave the directory of whoever clones the wiki.
    let blob = git(&source, &["rev-parse", "HEAD:Home.md"]);
    let raw = [b"100644 ..\0".as_slice(), &hex(blob.trim())].concat();
    std::fs::write(dir.path().join("raw"), raw).unwrap();
    let hostile = git(&source, &["hash-object", "-w", "-t", "tree", "--literally", &dir.path().join("raw").to_string_lossy()]);
    let commit = git(&source, &["-c", "user.name=A", "-c", "user.email=a@e.org", "commit-tree", hostile.trim(), "-m", "x"]);
    git(&source, &["update-ref", "refs/heads/main", commit.trim()]);
    let refused = import(&source, "hostile");
    assert!(refused.0 == 1 && refused.2.contains("dangerous"), "{}", refused.2);
    assert_eq!(Server::command(&data, &["wiki", "list"]).1.trim(), "", "nothing half-made stays");
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}
