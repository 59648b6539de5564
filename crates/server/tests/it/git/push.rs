//! What comes in, and how it is part of the wiki then.

use super::{Wiki, commit, git};
use serde_json::Value;

#[test]
fn a_push_is_a_save_of_all_its_commits() {
    let wiki = Wiki::new();
    let ann = wiki.ann();
    ann.save("Home", "# Home\n\nSee [[Guide]].\n", "start");
    ann.save("Old name", "# Old name\n\nwords of the otter\n", "start");
    let place = wiki.clone("bea");
    for number in ["0", "1", "2"] {
        commit(&place, "Guide.md", format!("# Guide\n\nleads {number} to [[Home]]\n"), "Write the guide");
        commit(&place, "Guide/pic.png", format!("not really {number}"), "A picture");
        git(&place, &["-c", &format!("protocol.version={number}"), "push", "--quiet", "origin", "HEAD"]).good();
        assert!(ann.get("/Guide").body_text().contains(&format!("leads {number} to")), "published before the answer");
    }
    git(&place, &["mv", "Old name.md", "New name.md"]).good();
    git(&place, &["commit", "--quiet", "--message", "Rename"]).good();
    let said = git(&place, &["push", "origin", "HEAD"]).good();
    assert!(said.contains("main -> main") || said.contains("HEAD -> main"), "{said}");
    // Every commit is in the history, search knows the words, links lead on, and the file is there.
    let log: Value = serde_json::from_slice(&ann.get("/api/v1/changelog?limit=50").body).unwrap();
    assert_eq!(log.to_string().matches("Write the guide").count(), 3, "{log}");
    assert!(ann.get("/-/search?q=otter").body_text().contains("New name"));
    assert_eq!(ann.get("/Old%20name").status, 301, "former names lead on");
    assert_eq!(ann.get("/Guide/a/pic.png").body, b"not really 2");
    let links: Value = serde_json::from_slice(&ann.get("/api/v1/links/Guide").body).unwrap();
    assert!(links.to_string().contains("Home"), "{links}");
    assert!(ann.get("/Guide/history").body_text().contains("Bea"));
    // Who pushed is known by the token, not by what the commits say.
    let audit = ann.get("/-/admin/audit").body_text();
    assert!(audit.contains("Push") && audit.contains("(git/"), "{audit}");
    let (code, out, err) = {
        let w = wiki;
        let data = w.data();
        drop(w.server);
        crate::client::Server::command(&data, &["check"])
    };
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn who_comes_second_fetches_first() {
    let wiki = Wiki::new();
    let ann = wiki.ann();
    ann.save("Home", "One\n\nTwo\n\nThree\n", "start");
    let place = wiki.clone("bea");
    commit(&place, "Home.md", "One\n\nTwo\n\nThree of Bea\n", "Bea's");
    ann.save("Home", "One of Ann\n\nTwo\n\nThree\n", "Ann's");
    let said = git(&place, &["push", "origin", "HEAD"]).bad();
    assert!(said.contains("fetch first"), "{said}");
    git(&place, &["pull", "--quiet", "--rebase"]).good();
    git(&place, &["push", "--quiet", "origin", "HEAD"]).good();
    assert_eq!(ann.get("/Home.md").body_text(), "One of Ann\n\nTwo\n\nThree of Bea\n");
    // A save whose form was opened before the push is merged with it.
    let form = ann.get("/Home/edit");
    commit(&place, "Home.md", "One of Ann\n\nTwo\n\nThree of Bea, again\n", "Bea's");
    git(&place, &["push", "--quiet", "origin", "HEAD"]).good();
    let revision = form.field("revision");
    let saved = ann.post("/Home/save", &[("content", "One, once more\n\nTwo\n\nThree of Bea\n"), ("commit", "x"), ("revision", &revision)]);
    assert_eq!(saved.unwrap().status, 303);
    assert_eq!(ann.get("/Home.md").body_text(), "One, once more\n\nTwo\n\nThree of Bea, again\n");
}

/// Pushes and saves at the same time: everything that was acknowledged is there.
#[test]
fn nothing_is_lost_between_pushes_and_saves() {
    let wiki = Wiki::new();
    let ann = wiki.ann();
    ann.save("Home", "# Home\n", "start");
    let clones: Vec<_> = (0..2).map(|i| wiki.clone(&format!("clone{i}"))).collect();
    std::thread::scope(|threads| {
        for (i, place) in clones.iter().enumerate() {
            threads.spawn(move || {
                for round in 0..6 {
                    commit(place, &format!("Pushed {i}.md"), format!("round {round}\n"), &format!("push {i} {round}"));
                    // Whoever comes second fetches first, as often as it takes.
                    while !git(place, &["push", "--quiet", "origin", "HEAD"]).ok {
                        git(place, &["pull", "--quiet", "--rebase"]).good();
                    }
                }
            });
        }
        for i in 0..2 {
            let ann = ann.clone();
            threads.spawn(move || {
                for round in 0..8 {
                    assert_eq!(ann.save(&format!("Saved {i}"), &format!("round {round}\n"), &format!("save {i} {round}")), Some(303));
                }
            });
        }
    });
    for i in 0..2 {
        assert_eq!(ann.get(&format!("/Pushed%20{i}.md")).body_text(), "round 5\n");
        assert_eq!(ann.get(&format!("/Saved%20{i}.md")).body_text(), "round 7\n");
    }
    let place = wiki.clone("all");
    let log = git(&place, &["log", "--format=%s"]).good();
    for (what, rounds) in [("push", 6), ("save", 8)] {
        for i in 0..2 {
            for round in 0..rounds {
                assert_eq!(log.lines().filter(|line| *line == format!("{what} {i} {round}")).count(), 1, "{what} {i} {round}: {log}");
            }
        }
    }
    git(&place, &["fsck", "--strict"]).good();
}

#[test]
fn merges_are_part_of_a_push() {
    let wiki = Wiki::new();
    let ann = wiki.ann();
    ann.save("Home", "# Home\n", "start");
    let place = wiki.clone("bea");
    git(&place, &["switch", "--quiet", "--create", "side"]).good();
    commit(&place, "Side.md", "side\n", "Beside");
    git(&place, &["switch", "--quiet", "main"]).good();
    commit(&place, "Main.md", "main\n", "Along");
    git(&place, &["merge", "--quiet", "--no-edit", "side"]).good();
    git(&place, &["push", "--quiet", "origin", "main"]).good();
    assert_eq!((ann.get("/Side.md").body_text(), ann.get("/Main.md").body_text()), ("side\n".into(), "main\n".into()));
}

#[test]
fn many_small_pushes_do_not_leave_many_packs() {
    let wiki = Wiki::new();
    wiki.ann().save("Home", "# Home\n", "start");
    let place = wiki.clone("bea");
    for i in 0..40 {
        // Deltas of what is there already.
        commit(&place, "Long.md", format!("{}{i}\n", "a line of the page\n".repeat(200)), "again");
        git(&place, &["push", "--quiet", "origin", "HEAD"]).good();
    }
    let repo = {
        let data = wiki.data();
        let Wiki { server, dir, .. } = wiki;
        drop(server);
        let repo = crate::client::Server::repo(&data, "docs");
        (repo, dir)
    };
    // Stopped or running: folding is what the server does when nobody waits, and the next start goes on with it.
    let server = crate::client::Server::start(&repo.1.path().join("data"), &[]);
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    ann.save("Home", "# Home again\n", "wakes it");
    let packs = || {
        std::fs::read_dir(repo.0.join("objects/pack"))
            .unwrap()
            .flatten()
            .filter(|f| f.path().extension().is_some_and(|e| e == "pack"))
            .count()
    };
    let begun = std::time::Instant::now();
    while packs() > 20 {
        assert!(begun.elapsed().as_secs() < 60, "{} packs", packs());
        std::thread::yield_now();
    }
    git(&repo.0, &["fsck", "--strict"]).good();
    assert!(ann.get("/Long.md").body_text().ends_with("39\n"));
}
