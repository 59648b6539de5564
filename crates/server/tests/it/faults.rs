//! When the machine fails: a full disk, a disk that only reads, two processes, lost derived data, pages that are no text.

use crate::client::{Client, Server, encode};
use holt_testkit::{git, skip};
use std::path::Path;
use std::process::Command;

/// A small disk of its own, unmounted when dropped. None where this process may not mount.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(dir.path()).output().ok()?;
        mounted.status.success().then_some(Self(dir))
    }
    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a server that a failed test left behind is still dying.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn ann(server: &Server) -> Client {
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    ann
}

#[test]
fn a_full_disk_refuses_saves_and_loses_none() {
    let Some(disk) = Disk::new("12m") else { skip!("may not mount a small disk here") };
    Server::prepare(disk.path(), "docs");
    let mut server = Server::start(disk.path(), &[]);
    let client = ann(&server);
    assert_eq!(client.save("Page", "# Page\n\nbefore", "first"), Some(303));
    // Text that does not compress, until no more fits.
    let mut state = 1u64;
    let mut noise = || -> String {
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
        };
        std::iter::repeat_with(next).take(400_000).collect()
    };
    let mut kept = vec!["first".to_string()];
    let mut refused = None;
    for n in 0..60 {
        let message = format!("noise {n}");
        match client.save(&format!("Noise {n}"), &noise(), &message) {
            Some(303) => kept.push(message),
            status => {
                refused = status;
                break;
            }
        }
    }
    assert_eq!(refused, Some(507), "a full disk is named as such, after {} saves", kept.len());
    assert_eq!(client.get("/Page").status, 200, "reading goes on");
    // Room again: a small save works, without a restart.
    let spare: Vec<_> = std::fs::read_dir(disk.path().join("fragments")).unwrap().flatten().collect();
    assert!(!spare.is_empty());
    assert!(Command::new("mount").args(["-o", "remount,size=64m"]).arg(disk.path()).status().unwrap().success());
    assert_eq!(client.save("Page", "# Page\n\nafter", "last"), Some(303));
    kept.push("last".to_string());
    assert!(client.get("/Page").body_text().contains("after"));
    server.stop();
    let repo = Server::repo(disk.path(), "docs");
    git(&repo, &["fsck", "--strict"]);
    let log = git(&repo, &["log", "--format=%s", "--reverse"]);
    assert_eq!(log.lines().collect::<Vec<_>>(), kept, "what was acknowledged is there, what was refused is not");
    let left: Vec<_> = std::fs::read_dir(repo.join("objects/pack"))
        .unwrap()
        .flatten()
        .map(|e| e.file_name())
        .filter(|n| n.to_string_lossy().contains("tmp"))
        .collect();
    assert!(left.is_empty(), "half-written: {left:?}");
    assert_eq!(Server::command(disk.path(), &["check"]).0, 0);
}

/// A directory under which nothing can be written until this is dropped.
struct ReadOnly<'p>(&'p Path);

impl<'p> ReadOnly<'p> {
    fn new(dir: &'p Path) -> Option<Self> {
        let mount = |args: &[&str]| Command::new("mount").args(args).arg(dir).output().is_ok_and(|out| out.status.success());
        let bound = Command::new("mount").arg("--bind").args([dir, dir]).output().is_ok_and(|out| out.status.success());
        let made = bound.then_some(Self(dir))?;
        mount(&["-o", "remount,ro,bind"]).then_some(made)
    }
}

impl Drop for ReadOnly<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_disk_that_only_reads_still_shows_everything() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    let repo = Server::repo(dir.path(), "docs");
    let mut server = Server::start(dir.path(), &[]);
    let client = ann(&server);
    assert_eq!(client.save("Page", "# Page\n\ntext", "first"), Some(303));
    {
        let Some(_read_only) = ReadOnly::new(&repo) else { skip!("may not mount here") };
        assert_eq!(client.get("/Page").status, 200);
        assert_eq!(client.get("/Page/history").status, 200);
        let refused = client.save("Page", "# Page\n\nother", "second");
        assert_eq!(refused, Some(503), "refused, and said why");
        assert!(client.get("/Page").body_text().contains("text"));
    }
    assert_eq!(client.save("Page", "# Page\n\nother", "third"), Some(303));
    server.stop();
    git(&repo, &["fsck", "--strict"]);
    assert_eq!(git(&repo, &["log", "--format=%s"]), "third\nfirst");
    // All of it read-only: what is there is shown, what would change something says why it cannot.
    let Some(_read_only) = ReadOnly::new(dir.path()) else { skip!("may not mount here") };
    let mut server = Server::start(dir.path(), &[]);
    let reader = server.client();
    for address in ["/Page", "/Page/history", "/-/search?q=other", "/-/changelog", "/Page.md"] {
        assert_eq!(reader.get(address).status, 200, "{address}");
    }
    reader.use_token(&reader.get("/-/login"));
    let refused = reader.post("/-/login", &[("email", "ann@example.org"), ("password", "correct horse")]).unwrap();
    assert_eq!(refused.status, 503, "{}", refused.body_text());
    server.kill();
}

#[test]
fn a_second_process_is_told_who_has_the_data() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    let mut server = Server::start(dir.path(), &[]);
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["wiki", "show", "docs"], &["check"], &["reindex"]] {
        let (code, out, error) = Server::command(dir.path(), command);
        assert_eq!((code, out.as_str()), (1, ""), "{command:?}");
        assert!(error.contains(&format!("in use by process {}", server.pid())) && error.contains("--data"), "{error}");
    }
    server.stop();
    assert_eq!(Server::command(dir.path(), &["wiki", "list"]).0, 0);
}

#[test]
fn what_is_derived_comes_back_the_same() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    let mut server = Server::start(dir.path(), &[]);
    let client = ann(&server);
    for (page, text) in
        [("Home", "# Start\n\n[[Guide/Setup]] [[Nowhere]]"), ("Guide/Setup", "# Set up\n\n検索 and words"), ("Other", "[[Home]]")]
    {
        assert_eq!(client.save(page, text, ""), Some(303));
    }
    client.post("/Other/rename", &[("new_pagename", "Guide/Other"), ("update_backlinks", "1")]).unwrap();
    let look = |client: &Client| -> Vec<(u16, String)> {
        [
            "/",
            "/Guide/Setup",
            "/Guide/Other",
            "/Guide",
            "/-/changelog",
            "/Guide/Other/history",
            "/-/search?q=words",
            "/-/search?q=%E6%A4%9C%E7%B4%A2",
            "/-/index",
            "/nope",
        ]
        .map(|address| client.get(address))
        .map(|answer| {
            (answer.status, answer.body_text().lines().filter(|line| !line.contains("csrf_token")).collect::<Vec<_>>().join("\n"))
        })
        .into()
    };
    let before = look(&server.client());
    let tags = |client: &Client| ["/", "/Guide/Setup"].map(|page| client.get(page).header("etag").map(str::to_string));
    let tags_before = tags(&server.client());
    server.stop();
    std::fs::remove_dir_all(dir.path().join("fragments")).unwrap();
    for wiki in std::fs::read_dir(dir.path().join("wikis")).unwrap().flatten() {
        for file in std::fs::read_dir(wiki.path()).unwrap().flatten().filter(|f| f.file_name().to_string_lossy().starts_with("index.db")) {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    let mut server = Server::start(dir.path(), &[]);
    for (now, then) in look(&server.client()).iter().zip(&before) {
        let differs = now.1.lines().zip(then.1.lines()).find(|(a, b)| a != b);
        assert!(now == then, "{differs:#?}");
    }
    assert_eq!(tags(&server.client()), tags_before, "down to the tags that readers kept");
    // While the server runs, too: whoever asks next gets the page.
    std::fs::remove_dir_all(dir.path().join("fragments")).unwrap();
    assert_eq!(server.client().get("/Guide/Setup").status, 200);
    server.stop();
    // Without its settings a wiki refuses; it is not made anew with other people's rights.
    let wiki = std::fs::read_dir(dir.path().join("wikis")).unwrap().flatten().next().unwrap().path();
    let settings = wiki.join("wiki.db");
    std::fs::rename(&settings, wiki.join("kept")).unwrap();
    let mut server = Server::start(dir.path(), &[]);
    let refused = server.client().get("/-/changelog");
    assert_eq!(refused.status, 500);
    assert!(!settings.exists(), "not silently recreated");
    server.stop();
}

#[test]
fn a_page_that_is_no_text_harms_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let source = tempfile::tempdir().unwrap();
    std::fs::write(source.path().join("Latin.md"), b"# gr\xf6\xdfe\n").unwrap();
    std::fs::write(source.path().join("Fine.md"), "# Fine\n\n[[Latin]]\n").unwrap();
    let imported = Server::command(dir.path(), &["import", "folder", source.path().to_str().unwrap(), "--slug", "docs"]);
    assert_eq!(imported.0, 0, "{}", imported.2);
    Server::command_with_input(dir.path(), &["user", "add", "ann@example.org", "--admin", "--password-stdin"], "correct horse");
    let mut server = Server::start(dir.path(), &[]);
    let client = ann(&server);
    let page = client.get("/Latin");
    assert_eq!(page.status, 200);
    assert!(page.body_text().contains("not UTF-8"));
    assert_eq!(client.get("/Fine").status, 200);
    assert_eq!(client.get("/Latin.md").body, b"# gr\xf6\xdfe\n", "its bytes are untouched");
    assert_eq!(client.get("/Latin/source").body, b"# gr\xf6\xdfe\n");
    for address in ["/Latin/history", "/Latin/edit", "/Latin/blame", "/Latin/attachments", "/-/search?q=fine", "/-/index", "/-/changelog"] {
        assert_eq!(client.get(address).status, 200, "{address}");
    }
    assert_eq!(client.save("Latin", "# größe\n", "Repaired"), Some(303));
    assert!(client.get("/Latin").body_text().contains("größe"));
    assert!(client.get(&format!("/-/search?q={}", encode("größe"))).body_text().contains("/Latin"));
    server.stop();
}

#[test]
fn a_server_told_to_stop_as_soon_as_it_listens_ends_well() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    for _ in 0..20 {
        Server::start(dir.path(), &[]).stop();
    }
}
