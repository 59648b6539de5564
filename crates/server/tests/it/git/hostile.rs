//! What somebody with the right to push sends who means no good (security.md GIT-5, GIT-6; docs/git.md, "What is refused").

use super::{Forge, Said, Wiki, commit, git};
use crate::client::Server;
use std::path::Path;

fn start() -> (Wiki, std::path::PathBuf) {
    let wiki = Wiki::new();
    wiki.ann().save("Home", "# Home\n", "start");
    let place = wiki.clone("eve");
    (wiki, place)
}

fn push(place: &Path, what: &str) -> Said {
    git(place, &["push", "origin", &format!("{what}:refs/heads/main")])
}

/// Refused, with these words, and nothing has changed.
fn refused(wiki: &Wiki, place: &Path, what: &str, words: &str) {
    let before = wiki.head();
    let said = push(place, what).bad();
    assert!(said.contains(words), "{words:?} is not in: {said}");
    assert_eq!(wiki.head(), before);
}

#[test]
fn case_24_links_and_other_repositories_do_not_come_in() {
    let (wiki, place) = start();
    let forge = Forge(&place);
    let target = forge.object("blob", b"/etc/passwd");
    let page = forge.object("blob", b"# Home\n");
    for (mode, id, words) in [
        ("120000", target.as_str(), "leak.md: a symbolic link"),
        ("160000", "1234567890123456789012345678901234567890", "leak.md: another repository"),
        ("100664", page.as_str(), "leak.md: its mode is 100664"),
    ] {
        let tree = forge.tree(&[("100644", b"Home.md", &page), (mode, b"leak.md", id)]);
        refused(&wiki, &place, &forge.commit(&tree), words);
    }
    // Further down, and in a commit that is not the last one.
    let inner = forge.tree(&[("120000", b"x.md", &target)]);
    let tree = forge.tree(&[("40000", b"Guide", &inner), ("100644", b"Home.md", &page)]);
    let bad = forge.commit(&tree);
    git(&place, &["reset", "--quiet", "--soft", &bad]).good();
    let clean = forge.commit(&forge.tree(&[("100644", b"Home.md", &page)]));
    refused(&wiki, &place, &clean, "Guide/x.md: a symbolic link");
    assert_eq!(wiki.server.client().get("/leak").status, 404);
}

/// The same address cannot be a page of a wiki and a file of the server. Where it is a page already, that goes on.
#[test]
fn no_page_comes_in_where_the_servers_files_are() {
    let (wiki, place) = start();
    let before = wiki.head();
    let bad = commit(&place, "platform/logo.md", "mine\n", "logo");
    refused(&wiki, &place, "HEAD", "platform/logo.md: a page cannot be called that: what is below platform/ belongs to the server");
    let ann = wiki.ann();
    assert_eq!(ann.save("platform/logo", "mine", ""), Some(422), "as by the web");
    let Wiki { dir, server, token } = wiki;
    drop(server);
    let data = dir.path().join("data");
    let repo = Server::repo(&data, "docs");
    git(&place, &["push", "--quiet", repo.to_str().unwrap(), &format!("{bad}:refs/heads/main")]).good();
    let wiki = Wiki { server: Server::start(&data, &[]), dir, token };
    assert_ne!(wiki.head(), before);
    let ann = wiki.ann();
    assert_eq!(ann.save("platform/logo", "ours", ""), Some(303));
    git(&place, &["pull", "--quiet", "--rebase", &wiki.address(&wiki.token), "main"]).good();
    commit(&place, "platform/logo.md", "everybody's\n", "logo");
    git(&place, &["push", "--quiet", &wiki.address(&wiki.token), "HEAD:main"]).good();
    assert!(ann.get("/platform/logo").body_text().contains("everybody"));
}

#[test]
fn names_that_somebody_could_not_have_do_not_come_in() {
    let (wiki, place) = start();
    let forge = Forge(&place);
    let page = forge.object("blob", b"text\n");
    for (name, words) in [
        (b".git".as_slice(), "git does not take it"),
        (b".GIT", "git does not take it"),
        (b"..", "git does not take it"),
        (b".", "git does not take it"),
        (b"git~1", "git does not take it"),
        (b".git::$INDEX_ALLOCATION", "git does not take it"),
        ("\u{2e}g\u{200c}it".as_bytes(), "git does not take it"),
        (b"a\\b.md", "a\\b.md"),
        (b"CON.md", "device name"),
        (b"x:y.md", "the character : is not allowed"),
        (b".gitattributes", "may not begin or end with a dot"),
        (b".gitmodules", "may not begin or end with a dot"),
        (b"-x.md", "may not begin with a hyphen"),
        (b"a\nb.md", "control character"),
        (b"\xff\xfe.md", "not UTF-8"),
        ("e\u{301}.md".as_bytes(), "composed form"),
        ("a\u{202e}b.md".as_bytes(), "U+202E"),
        (b"api.md", "belongs to the site"),
        (b"x.lock", ".lock"),
        (b".md", "the page name is empty"),
    ] {
        let tree = forge.tree(&[("100644", name, &page)]);
        refused(&wiki, &place, &forge.commit(&tree), words);
    }
    let inner = forge.tree(&[("100644", b"edit.md", &page)]);
    refused(&wiki, &place, &forge.commit(&forge.tree(&[("40000", b"Guide", &inner)])), "what one does with a page");
    let empty = forge.object("tree", b"");
    refused(&wiki, &place, &forge.commit(&forge.tree(&[("40000", b"Guide", &empty)])), "a folder without files");
    // One page, or one file on somebody's disk, under two names.
    for (one, other) in [("guide.md", "Guide.md"), ("Straße.md", "STRASSE.md"), ("pic.png", "PIC.png")] {
        let mut names = [one, other];
        names.sort_unstable();
        let tree = forge.tree(&[("100644", names[0].as_bytes(), &page), ("100644", names[1].as_bytes(), &page)]);
        refused(&wiki, &place, &forge.commit(&tree), "are one name");
    }
    let inner = forge.tree(&[("100644", b"A.md", &page)]);
    let tree = forge.tree(&[("40000", b"Guide", &inner), ("40000", b"guide", &inner)]);
    refused(&wiki, &place, &forge.commit(&tree), "Guide and guide are one name");
}

/// Ten folders in one another, each with 32 names for the next: twelve objects, a thousand million million paths.
#[test]
fn bombs_are_small_when_they_are_refused() {
    let (wiki, place) = start();
    let forge = Forge(&place);
    let page = forge.object("blob", b"text\n");
    let names: Vec<String> = (0..32).map(|i| format!("d{i:02}")).collect();
    let mut tree = forge.tree(&names.iter().map(|name| ("100644", name.as_bytes(), page.as_str())).collect::<Vec<_>>());
    for _ in 0..10 {
        tree = forge.tree(&names.iter().map(|name| ("40000", name.as_bytes(), tree.as_str())).collect::<Vec<_>>());
    }
    refused(&wiki, &place, &forge.commit(&tree), "more than 50000 files");
    let mut deep = forge.tree(&[("100644", b"x.md", &page)]);
    for _ in 0..17 {
        deep = forge.tree(&[("40000", b"d", &deep)]);
    }
    refused(&wiki, &place, &forge.commit(&deep), "too deep");
    // A gibibyte of zeros would be a mebibyte of pack; 40 of them do as well.
    commit(&place, "Home/zeros.bin", vec![0; 40 << 20], "zeros");
    refused(&wiki, &place, "HEAD", "a file in a push may have 16777216 bytes");
    git(&place, &["reset", "--quiet", "--hard", "origin/main"]).good();
    commit(&place, "Home/large.bin", vec![0; (10 << 20) + 1], "large");
    refused(&wiki, &place, "HEAD", "Home/large.bin is larger than 10240 KiB");
    git(&place, &["reset", "--quiet", "--hard", "origin/main"]).good();
    commit(&place, "Long.md", vec![b'x'; (1 << 20) + 1], "long");
    refused(&wiki, &place, "HEAD", "Long.md is larger than 1024 KiB");
    git(&place, &["reset", "--quiet", "--hard", "origin/main"]).good();
    commit(&place, "Binary.md", b"\xff\xfe\x00", "no text");
    refused(&wiki, &place, "HEAD", "no text in UTF-8");
    // Taken away again, it is still in the history.
    commit(&place, "Binary.md", "text\n", "text");
    refused(&wiki, &place, "HEAD", "no text in UTF-8");
    assert_eq!(wiki.server.client().get("/").status, 200);
}

#[test]
fn one_branch_is_the_wiki_and_it_only_goes_on() {
    let (wiki, place) = start();
    wiki.ann().save("Home", "# Home\n\nMore.\n", "more");
    git(&place, &["pull", "--quiet"]).good();
    let before = wiki.head();
    let said = |args: &[&str]| git(&place, &[&["push", "origin"], args].concat()).bad();
    assert!(said(&["--delete", "main"]).contains("cannot be deleted"));
    assert!(said(&["--force", "HEAD~1:main"]).contains("non-fast-forward"));
    git(&place, &["tag", "--annotate", "--message", "x", "v1"]).good();
    assert!(said(&["v1"]).contains("only the branch main can be pushed"));
    assert!(said(&["v1:refs/heads/main"]).contains("not a commit"));
    git(&place, &["notes", "add", "--message", "x", "HEAD"]).good();
    for name in [
        "refs/heads/other",
        "refs/heads/main2",
        "refs/notes/commits",
        "refs/pull/1/head",
        "refs/holt/proposals/1",
        "refs/heads/HEAD",
        "refs/heads/refs/heads/main",
        "refs/remotes/origin/main",
        "refs/heads/proposals/",
        "refs/for/other",
    ] {
        let refused = git(&place, &["push", "origin", &format!("HEAD:{name}")]);
        assert!(!refused.ok, "{name}: {refused:?}");
    }
    let replacing = git(&place, &["push", "origin", &format!("HEAD:refs/replace/{before}")]);
    assert!(!replacing.ok);
    // What is in order goes through beside what is not.
    commit(&place, "Next.md", "next\n", "next");
    let said = git(&place, &["push", "origin", "HEAD:main", "v1"]).bad();
    assert!(said.contains("HEAD -> main") && said.contains("only the branch"), "{said}");
    assert_eq!(wiki.server.client().get("/Next").status, 200);
    let refs = git(&place, &["ls-remote", "origin"]).good();
    assert_eq!(refs.lines().count(), 2, "{refs}");
    // Unrelated history, which would put the wiki's away.
    git(&place, &["switch", "--quiet", "--orphan", "else"]).good();
    commit(&place, "Else.md", "else\n", "else");
    assert!(git(&place, &["push", "--force", "origin", "HEAD:main"]).bad().contains("non-fast-forward"));
}

/// git's own client takes minutes to say so much.
#[test]
fn a_hundred_thousand_refs_are_one_refusal() {
    let (wiki, _place) = start();
    let (head, zero) = (wiki.head(), "0".repeat(40));
    let mut body = String::new();
    for i in 0..100_000 {
        let can = if i == 0 { "\0 report-status side-band-64k" } else { "" };
        let line = format!("{zero} {head} refs/heads/b{i}{can}");
        body.push_str(&format!("{:04x}{line}", line.len() + 4));
    }
    body.push_str("0000");
    let bearer = format!("Bearer {}", wiki.token);
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/x-git-receive-pack-request")];
    let answer = wiki.server.client().send("POST", "/.git/git-receive-pack", &headers, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.body_text().contains("A push may change 16 refs") && answer.body.len() < 10_000, "{}", answer.body_text());
    assert_eq!(wiki.head(), head);
    // With a client, as many as it takes.
    let place = wiki.clone("many");
    for i in 0..17 {
        git(&place, &["branch", &format!("b{i}")]).good();
    }
    let said = git(&place, &["push", "origin", "refs/heads/b*:refs/heads/b*"]).bad();
    assert!(said.contains("A push may change 16 refs"), "{said}");
    assert_eq!(git(&place, &["ls-remote", "origin"]).good().lines().count(), 2);
}

#[test]
fn a_history_with_holes_does_not_come_in() {
    let (wiki, place) = start();
    wiki.ann().save("Home", "# Home\n\nMore.\n", "more");
    git(&place, &["pull", "--quiet"]).good();
    let forge = Forge(&place);
    let nowhere = "1234567890123456789012345678901234567890";
    let page = forge.object("blob", b"text\n");
    // git's own client would not send these: it is told that they are there.
    let send = |commit: &str, objects: &[&str]| {
        let list = objects.join("\n") + "\n";
        let mut pack = super::command(&place, &["pack-objects", "--stdout", "--quiet"]);
        let mut child = pack.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), list.as_bytes()).unwrap();
        let pack = child.wait_with_output().unwrap().stdout;
        let line = format!("{} {commit} refs/heads/main\0 report-status\n", wiki.head());
        let body = [format!("{:04x}{line}0000", line.len() + 4).as_bytes(), &pack].concat();
        let bearer = format!("Bearer {}", wiki.token);
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/x-git-receive-pack-request")];
        wiki.server.client().send("POST", "/.git/git-receive-pack", &headers, &body).unwrap().body_text()
    };
    let before = wiki.head();
    let good = forge.tree(&[("100644", b"Home.md", &page)]);
    let control = forge.commit(&good);
    for (tree, with) in [
        (forge.tree(&[("100644", b"Home.md", nowhere)]), vec![]),
        (forge.tree(&[("40000", b"Guide", nowhere)]), vec![]),
        // Said to be a folder, and is a file.
        (forge.tree(&[("40000", b"Guide", &page)]), vec![page.as_str()]),
        (forge.tree(&[("100644", b"Home.md", &good)]), vec![good.as_str(), page.as_str()]),
    ] {
        let commit = forge.commit(&tree);
        let said = send(&commit, &[&[commit.as_str(), tree.as_str()], with.as_slice()].concat());
        assert!(!said.contains("ok refs/heads/main") && said.contains("ng refs/heads/main"), "{said}");
        assert_eq!(wiki.head(), before);
    }
    // The tree of the commit is not there, nor is its parent.
    let said = send(&control, &[control.as_str()]);
    assert!(said.contains("ng refs/heads/main"), "{said}");
    let said = send(&control, &[control.as_str(), good.as_str(), page.as_str()]);
    assert!(said.contains("ok refs/heads/main"), "the control: {said}");
}

#[test]
fn nobody_claims_what_holt_did() {
    let (wiki, place) = start();
    commit(&place, "Next.md", "next\n", "Next\n\nHolt-Op: proposal-1-1234567890abcdef");
    refused(&wiki, &place, "HEAD", "Holt-Op");
}
