//! What `holt serve` opens before anybody asks for anything: its own database, and nothing of a thousand wikis.

use crate::client::Server;
use std::path::{Path, PathBuf};

/// Files that process `pid` has open below `dir`.
fn open_files(pid: u32, dir: &Path) -> Vec<PathBuf> {
    let dir = dir.canonicalize().unwrap();
    let fds = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    fds.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok()).filter(|target| target.starts_with(&dir)).collect()
}

#[test]
fn a_thousand_wikis_are_not_opened_before_a_request() {
    // In memory, where making a thousand repositories durable costs nothing.
    let memory = Path::new("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    Server::prepare_many(dir.path(), 1_000);
    let mut server = Server::start(dir.path(), &["--default-wiki", "wiki-500", "--workers", "none"]);
    let client = server.client();
    assert_eq!(client.get("/-/healthz").status, 200);
    let wikis = dir.path().join("wikis");
    assert_eq!(open_files(server.pid(), &wikis), Vec::<PathBuf>::new(), "nothing of any wiki is open");
    assert!(!open_files(server.pid(), dir.path()).is_empty(), "control: the platform database is, and this test can see it");
    assert_eq!(client.get("/-/changelog").status, 200);
    assert!(!open_files(server.pid(), &wikis).is_empty(), "control: a request that needs the repository opens it");
    server.stop();
}

#[test]
fn a_published_page_needs_neither_git_nor_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    {
        let mut server = Server::start(dir.path(), &["--workers", "none"]);
        let client = server.client();
        client.log_in("ann@example.org", "correct horse");
        assert_eq!(client.save("Guide", "# Guide\n", "first"), Some(303));
        server.stop();
    }
    let mut server = Server::start(dir.path(), &["--workers", "none"]);
    let client = server.client();
    let before = open_files(server.pid(), &dir.path().join("wikis"));
    let page = client.get("/Guide");
    assert_eq!((page.status, before.len()), (200, 0));
    assert!(page.body_text().contains("<h1"));
    assert_eq!(open_files(server.pid(), &dir.path().join("wikis")), Vec::<PathBuf>::new(), "reading a page opened something of its wiki");
    // The control: history does.
    assert_eq!(client.get("/Guide/history").status, 200);
    assert!(!open_files(server.pid(), &dir.path().join("wikis")).is_empty());
    server.stop();
}
