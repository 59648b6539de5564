//! What clients send that are no git clients.

use super::{Wiki, access::noise, command, commit, git};
use crate::client::Answer;
use std::io::{Read, Write};
use std::net::TcpStream;

fn post(wiki: &Wiki, path: &str, kind: &str, more: &[(&str, &str)], body: &[u8]) -> Answer {
    let bearer = format!("Bearer {}", wiki.token);
    let headers = [&[("Authorization", bearer.as_str()), ("Content-Type", kind)], more].concat();
    wiki.server.client().send("POST", path, &headers, body).unwrap()
}

const FETCH: (&str, &str) = ("/.git/git-upload-pack", "application/x-git-upload-pack-request");
const PUSH: (&str, &str) = ("/.git/git-receive-pack", "application/x-git-receive-pack-request");

#[test]
fn there_are_three_addresses_and_one_way_to_ask_each() {
    let wiki = Wiki::new();
    wiki.ann().save("Home", "# Home\n", "start");
    let client = wiki.server.client();
    let bearer = format!("Bearer {}", wiki.token);
    let auth = [("Authorization", bearer.as_str())];
    for path in [
        "/.git/HEAD",
        "/.git/config",
        "/.git/objects/info/packs",
        "/.git/info/refs",
        "/.git/info/refs?service=git-upload-pack&x=1",
        "/.git/info/refs?service=git-upload-archive",
        "/.git/info/refs?service=upload-pack",
        "/.git/info/refs?Service=git-upload-pack",
        "/.git/git-upload-pack",
        "/.git/git-receive-pack",
        "/.git/x/../info/refs?service=git-upload-pack",
    ] {
        assert!(matches!(client.send("GET", path, &auth, b"").unwrap().status, 404 | 400), "{path}");
    }
    for kind in [
        "",
        "text/plain",
        "application/x-git-upload-pack-result",
        "application/x-git-receive-pack-request",
        "application/x-www-form-urlencoded",
    ] {
        assert_eq!(post(&wiki, FETCH.0, kind, &[], b"0000").status, 415, "{kind}");
    }
    assert_eq!(post(&wiki, PUSH.0, FETCH.1, &[], b"0000").status, 415);
    assert_eq!(post(&wiki, FETCH.0, FETCH.1, &[("Content-Encoding", "br")], b"0000").status, 415);
    for wrong in ["version=3", "version=2 x", "2", "version=2:x/y"] {
        let answer = post(&wiki, FETCH.0, FETCH.1, &[("Git-Protocol", wrong)], b"0000");
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body_text());
    }
    let head = client.send("HEAD", "/.git/info/refs?service=git-upload-pack", &auth, b"").unwrap();
    assert_eq!(head.status, 404);
}

#[test]
fn nonsense_is_answered_and_leaves_nothing() {
    let wiki = Wiki::new();
    wiki.ann().save("Home", "# Home\n", "start");
    let head = wiki.head();
    let zero = "0".repeat(40);
    let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let command = |text: &str| format!("{}0000", line(text));
    let caps = "\0 report-status side-band-64k";
    for (body, status, said) in [
        ("".to_string(), 400, "not what git says"),
        ("zzzz".into(), 400, "not what git says"),
        ("0004".into(), 400, "not what git says"),
        (command("hello"), 400, "not what git says"),
        (command(&format!("{head} {} refs/heads/main{caps}", "f".repeat(39))), 400, "not what git says"),
        (line(&format!("{zero} {head} refs/heads/x{caps}")), 400, "not what git says"),
        (command(&format!("{zero} {head} refs/heads/x\0 object-format=sha256")), 400, "SHA-1"),
        // No pack, half a pack, something else.
        (command(&format!("{head} {} refs/heads/main{caps}", "1".repeat(40))), 200, "ends too early"),
        (command(&format!("{head} {} refs/heads/main{caps}", "1".repeat(40))) + "PACK\0\0\0\u{2}\0\0\0\u{1}", 200, "ends too early"),
        (command(&format!("{head} {} refs/heads/main{caps}", "1".repeat(40))) + "hello, I am no pack at all", 200, "damaged"),
    ] {
        let answer = post(&wiki, PUSH.0, PUSH.1, &[], body.as_bytes());
        assert_eq!(answer.status, status, "{body:?}: {}", answer.body_text());
        assert!(answer.body_text().contains(said), "{body:?}: {}", answer.body_text());
    }
    for (body, version) in [("zzzz", "version=2"), ("0010command=x\n00000000", "version=2"), ("0032want 12340000", "version=2")] {
        let answer = post(&wiki, FETCH.0, FETCH.1, &[("Git-Protocol", version)], body.as_bytes());
        assert_eq!(answer.status, 200);
        assert!(answer.body_text().contains("ERR That is not what git says"), "{body}: {}", answer.body_text());
    }
    let bomb = {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&vec![b'0'; 20 << 20]).unwrap();
        gzip.finish().unwrap()
    };
    let gzip = [("Content-Encoding", "gzip")];
    let answer = post(&wiki, PUSH.0, PUSH.1, &gzip, &bomb);
    assert_eq!(answer.status, 413, "{}", answer.body_text());
    assert!(post(&wiki, FETCH.0, FETCH.1, &gzip, &bomb).body_text().contains("too large unpacked"));
    assert_eq!(wiki.head(), head);
    let incoming = wiki.data().join("wikis").read_dir().unwrap().flatten().next().unwrap().path().join("repo.git/incoming");
    assert!(!incoming.exists() || incoming.read_dir().unwrap().next().is_none(), "nothing stays");
}

/// The connection ends in the middle of a pack.
#[test]
fn a_push_that_is_cut_is_none() {
    let wiki = Wiki::new();
    wiki.ann().save("Home", "# Home\n", "start");
    let before = wiki.head();
    let host = wiki.server.client().host;
    for announced in ["Content-Length: 1000000\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut stream = TcpStream::connect(&host).unwrap();
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: {}\r\n{announced}\r\n",
            PUSH.0, wiki.token, PUSH.1
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(b"400\r\n0000PACK").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    // Others are not held up by it, and the next push is taken.
    assert_eq!(wiki.head(), before);
    let place = wiki.clone("bea");
    commit(&place, "Next.md", "next\n", "next");
    git(&place, &["push", "--quiet", "origin", "HEAD"]).good();
}

/// Bodies that hardly come and answers that nobody takes hold their places for a while, and then they go (security.md GIT-9).
#[test]
fn slow_clients_are_cut_off() {
    let wiki = Wiki::with(&["--git-seconds", "2"]);
    wiki.ann().save("Home", "# Home\n", "start");
    let place = wiki.clone("bea");
    let host = wiki.server.client().host;
    // More than the wiki may have at a time.
    let slow: Vec<TcpStream> = (0..3)
        .map(|_| {
            let mut stream = TcpStream::connect(&host).unwrap();
            let head = format!(
                "POST {} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: {}\r\nContent-Length: 1000000\r\n\r\n",
                PUSH.0, wiki.token, PUSH.1
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(b"0000PACK").unwrap();
            stream
        })
        .collect();
    assert_eq!(wiki.server.client().get("/").status, 200);
    for (name, size) in [("one", 9_000_000), ("two", 9_500_000)] {
        commit(&place, &format!("Home/{name}.bin"), noise(size), "large");
    }
    git(&place, &["push", "--quiet", "origin", "HEAD"]).good();
    for mut stream in slow {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&answer));
    }
    let incoming = wiki.data().join("wikis").read_dir().unwrap().flatten().next().unwrap().path().join("repo.git/incoming");
    assert!(!incoming.exists() || incoming.read_dir().unwrap().next().is_none(), "nothing stays");
    // As many as there are places, which take nothing of what they asked for and do not go.
    let head = wiki.head();
    let body = format!("0032want {head}\n00000009done\n");
    let deaf: Vec<TcpStream> = (0..16)
        .map(|_| {
            let mut stream = TcpStream::connect(&host).unwrap();
            let kind = FETCH.1;
            let request = format!(
                "POST {} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
                FETCH.0,
                body.len()
            );
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_eq!(wiki.server.client().get("/").status, 200);
    git(wiki.dir.path(), &["clone", "--quiet", &wiki.address(&wiki.token), "late"]).good();
    drop(deaf);
}

/// Whoever clones and takes nothing does not keep readers waiting, nor the next one.
#[test]
fn a_client_that_goes_away_takes_git_along() {
    let wiki = Wiki::new();
    let ann = wiki.ann();
    ann.save("Home", "# Home\n", "start");
    let place = wiki.clone("bea");
    commit(&place, "Home/large.bin", noise(9_000_000), "large");
    git(&place, &["push", "--quiet", "origin", "HEAD"]).good();
    let host = wiki.server.client().host;
    let head = wiki.head();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(&host).unwrap();
        let body = format!("0032want {head}\n00000009done\n");
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{body}",
            FETCH.0,
            FETCH.1,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut some = [0; 1000];
        stream.read_exact(&mut some).unwrap();
        assert!(some.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&some));
        // It goes without a word.
    }
    assert_eq!(wiki.server.client().get("/").status, 200);
    let output = command(wiki.dir.path(), &["clone", "--quiet", &wiki.address(&wiki.token), "late"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
