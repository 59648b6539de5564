//! What watches the server is told, and what it is not.

use crate::client::{Client, Server, until};

fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.split(' ').next() == Some(name)).unwrap_or_else(|| panic!("no {name} in {text}"));
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn metrics_are_numbers_at_an_address_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "handbook");
    std::fs::create_dir(dir.path().join("store")).unwrap();
    let store = format!("file://{}", dir.path().join("store").display());
    // Nobody is there: the cache can be told nothing.
    let flags = ["--metrics", "127.0.0.1:0", "--publish-to", &store, "--purge", "varnish://127.0.0.1:1", "--purge-after", "0"];
    let mut server = Server::start(dir.path(), &flags);
    let (ann, watcher) = (server.client(), server.watcher());
    let seen = |watcher: &Client| {
        let answer = watcher.get("/-/metrics");
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain; version=0.0.4; charset=utf-8")));
        answer.body_text()
    };
    let before = seen(&watcher);
    ann.log_in("ann@example.org", "correct horse");
    assert_eq!(ann.save("Secret plans", "# Plans\n", "made"), Some(303));
    assert_eq!(ann.get("/Secret%20plans").status, 200);
    assert_eq!(ann.get("/Nothing%20here").status, 404);
    let mut after = String::new();
    until("the end of publishing, and a cache that refuses", || {
        after = seen(&watcher);
        let behind = value(&after, "holt_publish_behind_wikis");
        let refused = value(&after, "holt_purge_refused_total{cache=\"1\",kind=\"varnish\"}");
        if behind == 0.0 && refused > 0.0 { Ok(()) } else { Err(after.clone()) }
    });
    for (name, least) in
        [("holt_requests_total{status=\"2xx\"}", 1.0), ("holt_requests_total{status=\"4xx\"}", 1.0), ("holt_published_total", 1.0)]
    {
        assert!(value(&after, name) >= value(&before, name) + least, "{name}: {before}{after}");
    }
    assert_eq!(value(&after, "holt_publish_behind_pages"), 0.0);
    assert_eq!(value(&after, "holt_purge_behind_wikis{cache=\"1\",kind=\"varnish\"}"), 1.0);
    assert!(value(&after, "holt_purge_behind_seconds{cache=\"1\",kind=\"varnish\"}") > 0.0);
    assert!(value(&after, "process_resident_memory_bytes") > 1e6);
    for secret in ["handbook", "Secret", "127.0.0.1", "ann@"] {
        assert!(!after.contains(secret), "{secret} is in {after}");
    }
    assert_eq!(watcher.get("/").status, 404);
    assert_eq!(watcher.post("/-/metrics", &[]).unwrap().status, 405);
    assert_eq!(ann.get("/-/metrics").status, 404, "where readers are there is nothing of it");
    server.stop();
}
