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
    let mut server = Server::start(dir.path(), &["--default-wiki", "wiki-500"]);
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
        let mut server = Server::start(dir.path(), &[]);
        let client = server.client();
        client.log_in("ann@example.org", "correct horse");
        assert_eq!(client.save("Guide", "# Guide\n", "first"), Some(303));
        server.stop();
    }
    let mut server = Server::start(dir.path(), &[]);
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

/// The timeline that `--explain-startup` prints: steps in the order of time, with what was opened, up to the first page.
#[test]
fn a_start_explains_itself_when_it_is_asked_to() {
    let dir = tempfile::tempdir().unwrap();
    let (data, log) = (dir.path().join("data"), dir.path().join("log"));
    Server::prepare(&data, "docs");
    let mut server = Server::start_logged(Server::binary(), &data, &["--explain-startup"], "error", &log);
    let client = server.client();
    assert_eq!(client.get("/-/healthz").status, 200);
    assert!(!std::fs::read_to_string(&log).unwrap().contains("first page"), "what is no page was taken for one");
    assert_eq!([client.get("/-/changelog").status, client.get("/-/about").status], [200, 200]);
    server.stop();
    let told = std::fs::read_to_string(&log).unwrap();
    let steps: Vec<(f64, &str)> = told
        .lines()
        .filter_map(|line| line.split_once(" ms "))
        .map(|(since, step)| (since.trim().parse().unwrap(), step.trim_start().split_once("  ").unwrap().1))
        .collect();
    assert!(steps.is_sorted_by(|(before, _), (after, _)| before <= after), "{told}");
    let at = |what: &str| steps.iter().position(|(_, step)| step.contains(what)).unwrap_or_else(|| panic!("nothing of {what:?} in {told}"));
    assert!(at("command line") < at("holt.db") && at("holt.db") < at("listening (") && at("listening (") < at("first page"), "{told}");
    assert!(steps[at("first page")].1.contains("index.db"), "control: what the page needed is named as opened then: {told}");
    assert_eq!(at("first page"), steps.len() - 1, "one first page, and nothing after it: {told}");
    // Without the flag nobody hears of it.
    let mut server = Server::start_logged(Server::binary(), &data, &[], "error", &dir.path().join("quiet"));
    assert_eq!(server.client().get("/-/changelog").status, 200);
    server.stop();
    assert_eq!(std::fs::read_to_string(dir.path().join("quiet")).unwrap(), "");
}
