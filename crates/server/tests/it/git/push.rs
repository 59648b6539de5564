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
    // Who pushed is known by the token, not by what the commits say: both are shown, on the page's history, its files', and the wiki's.
    for path in ["/Guide/history", "/-/changelog", "/-/commit/HEAD", "/Guide/attachment/pic.png"] {
        let text = ann.get(path).body_text();
        assert!(text.contains("Bea") && text.contains("pushed by git/"), "{path}: {text}");
    }
    assert!(!ann.get("/Home/history").body_text().contains("pushed by"));
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

/// Where administrators let themselves do it.
#[test]
fn a_forced_push_is_taken_where_it_is_allowed() {
    let wiki = Wiki::new();
    let ann = wiki.ann();
    ann.save("Home", "# Home\n", "start");
    let place = wiki.clone("bea");
    let first = commit(&place, "Draft.md", "first words\n", "first");
    git(&place, &["push", "--quiet", "origin", "HEAD"]).good();
    let form = ann.get("/Draft/edit");
    git(&place, &["reset", "--quiet", "--hard", "HEAD~1"]).good();
    commit(&place, "Draft.md", "other words\n", "other");
    let force = |token: &str| git(&place, &["push", "--force", &wiki.address(token), "HEAD:main"]);
    assert!(force(&wiki.token).bad().contains("git revert COMMIT"));
    let fields = [("git_web_server", "True"), ("git_allow_force", "True")];
    assert_eq!(ann.post("/-/admin/repository_management", &fields).unwrap().status, 303);
    assert!(ann.get("/-/admin/repository_management").body_text().contains("name=\"git_allow_force\" value=\"True\" checked"));
    assert!(force(&wiki.token).bad().contains("with a token of the scope admin"), "this one may write");
    let fields = [("label", "git"), ("scope", "admin"), ("days", "30")];
    let page = ann.post("/-/settings/tokens", &fields).unwrap().body_text();
    let at = page.find("holt_").unwrap_or_else(|| panic!("{page}"));
    let admin = page[at..].split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').next().unwrap();
    // Whoever does not know where the branch stands replaces nothing.
    ann.save("Home", "# Home\n\nMore.\n", "more");
    let lease = format!("--force-with-lease=main:{first}");
    assert!(git(&place, &["push", &lease, &wiki.address(admin), "HEAD:main"]).bad().contains("stale info"));
    let said = force(admin).good();
    assert!(said.contains("refs/holt/replaced/"), "{said}");
    assert_eq!((ann.get("/Draft.md").body_text(), ann.get("/Home.md").body_text()), ("other words\n".into(), "# Home\n".into()));
    assert!(!ann.get("/-/changelog").body_text().contains("first"));
    let audit = ann.get("/-/admin/audit").body_text();
    assert!(audit.contains("Forced push"), "{audit}");
    // What was replaced is in the repository, and no client gets it.
    assert_eq!(git(wiki.dir.path(), &["ls-remote", &wiki.address(admin)]).good().lines().count(), 2);
    let other = wiki.clone("other");
    for version in ["0", "2"] {
        let said = git(&other, &["-c", &format!("protocol.version={version}"), "fetch", "origin", &first]).bad();
        assert!(
            said.contains("not our ref") || said.contains("not part of this wiki's history") || said.contains("unadvertised"),
            "{said}"
        );
    }
    // A form that was opened before is not merged with what it never saw; what was typed is on the screen.
    let revision = form.field("revision");
    let late = ann.post("/Draft/save", &[("content", "typed meanwhile\n"), ("commit", ""), ("revision", &revision)]).unwrap();
    assert!(late.status == 409 && late.body_text().contains("typed meanwhile"), "{} {}", late.status, late.body_text());
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
    assert!(ann.get("/Long.md").body_text().ends_with("39\n"));
    // Killed, perhaps in the middle of removing what it merged: `git fsck` beside a server that removes packs complains of those it saw and
    // can no longer open, as it does beside `git gc`; what is left of a server that is gone has to be whole.
    drop(server);
    git(&repo.0, &["fsck", "--strict"]).good();
    let again = crate::client::Server::start(&repo.1.path().join("data"), &[]);
    assert!(again.client().get("/Long.md").body_text().ends_with("39\n"));
}
