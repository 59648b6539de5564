//! SIGKILL under concurrent writers, again and again: no acknowledged save is lost, and git finds nothing wrong.

use crate::client::Server;
use holt_testkit::git;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// security.md §4.1 asks for 50 in every change's tests.
const KILLS: usize = 50;
const WRITERS: usize = 4;

#[test]
fn no_acknowledged_save_is_lost_by_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    // What was acknowledged, as commit messages: "writer/number". Filled before the kill is noticed, so never with too much.
    let acknowledged: Mutex<BTreeSet<String>> = Mutex::default();
    let mut numbers = [0usize; WRITERS];
    // A fixed sequence instead of a random one: the same on every run, all phases of a save are hit over fifty rounds.
    let mut state = 0x9e37_79b9_u32;
    for round in 0..KILLS {
        let mut server = Server::start(dir.path(), &[]);
        let client = server.client();
        client.log_in("ann@example.org", "correct horse");
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let life = Duration::from_millis(u64::from(60 + (state >> 16) % 240));
        let started = Instant::now();
        std::thread::scope(|threads| {
            for (writer, number) in numbers.iter_mut().enumerate() {
                let (client, acknowledged) = (client.clone(), &acknowledged);
                threads.spawn(move || {
                    // Bounded: a server that dies ends every call with an error.
                    for _ in 0..500 {
                        *number += 1;
                        let name = format!("{writer}/{number}");
                        match client.save(&format!("Writer {writer}"), &format!("# Writer {writer}\n\n{number}\n"), &name) {
                            Some(303) => {
                                acknowledged.lock().unwrap().insert(name);
                            }
                            Some(status) => panic!("round {round}: {name} was answered {status}"),
                            None => return,
                        }
                    }
                });
            }
            while started.elapsed() < life {
                std::thread::yield_now();
            }
            server.kill();
        });
        let repo = Server::repo(dir.path(), "docs");
        // Also before there is any commit: then nothing may have been acknowledged.
        let log: BTreeSet<String> = git(&repo, &["log", "--branches", "--format=%s"]).lines().map(str::to_string).collect();
        let lost: Vec<String> = acknowledged.lock().unwrap().iter().filter(|name| !log.contains(*name)).cloned().collect();
        assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
    }
    let total = acknowledged.into_inner().unwrap().len();
    assert!(total > KILLS, "only {total} saves were acknowledged: the test did not test much");

    let repo = Server::repo(dir.path(), "docs");
    git(&repo, &["fsck", "--strict"]);
    let mut server = Server::start(dir.path(), &[]);
    let client = server.client();
    for (writer, number) in numbers.iter().enumerate() {
        // Every page shows its last committed state, through the published form.
        let last = git(&repo, &["log", "-1", "--format=%s", "--", &format!("Writer {writer}.md")]);
        let shown = client.get(&format!("/Writer%20{writer}.md"));
        let committed = last.trim().rsplit('/').next().unwrap().to_string();
        assert!(shown.body_text().contains(&committed), "writer {writer} at {committed} of {number}: {}", shown.body_text());
    }
    server.stop();
    assert_eq!(Server::command(dir.path(), &["check"]).0, 0);
}
