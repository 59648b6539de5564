//! What comes out.

use super::{Wiki, command, commit, git};

fn version(wiki: &Wiki, number: &str, args: &[&str]) -> super::Said {
    git(wiki.dir.path(), &[&["-c", &format!("protocol.version={number}")], args].concat())
}

#[test]
fn a_clone_has_everything_in_every_version_of_the_protocol() {
    let wiki = Wiki::new();
    let ann = wiki.ann();
    for i in 0..3 {
        assert_eq!(ann.save("Home", &format!("# Home\n\nVersion {i}.\n"), "change"), Some(303));
    }
    assert_eq!(ann.save("Guide/Set up", "# Set up\n", "more"), Some(303));
    for (round, number) in ["0", "1", "2"].into_iter().enumerate() {
        let place = wiki.dir.path().join(format!("v{number}"));
        version(&wiki, number, &["clone", "--quiet", &wiki.address(&wiki.token), place.to_str().unwrap()]).good();
        assert_eq!(git(&place, &["rev-list", "--count", "HEAD"]).good().trim(), (4 + 2 * round).to_string());
        assert_eq!(std::fs::read_to_string(place.join("Home.md")).unwrap(), "# Home\n\nVersion 2.\n");
        git(&place, &["fsck", "--strict"]).good();
        // What is saved later comes by fetching.
        ann.save("Home", &format!("# Home\n\nAfter {number}.\n"), "later");
        git(&place, &["-c", &format!("protocol.version={number}"), "pull", "--quiet"]).good();
        assert_eq!(std::fs::read_to_string(place.join("Home.md")).unwrap(), format!("# Home\n\nAfter {number}.\n"));
        ann.save("Home", "# Home\n\nVersion 2.\n", "back");
    }
    // Anonymous, as everybody may read.
    let open = format!("http://{}/.git", wiki.server.client().host);
    let refs = git(wiki.dir.path(), &["ls-remote", "--symref", &open]).good();
    let names: Vec<&str> = refs.lines().filter_map(|line| line.split('\t').nth(1)).collect();
    assert_eq!(names, ["HEAD", "HEAD", "refs/heads/main"], "{refs}");
}

#[test]
fn an_empty_wiki_can_be_cloned_and_filled() {
    let wiki = Wiki::new();
    let place = wiki.clone("empty");
    commit(&place, "Home.md", "# Home\n\nPushed.\n", "First");
    git(&place, &["push", "--quiet", "origin", "HEAD:refs/heads/main"]).good();
    assert!(wiki.server.client().get("/").body_text().contains("Pushed."));
}

#[test]
fn parts_of_the_history_come_out() {
    let wiki = Wiki::new();
    let ann = wiki.ann();
    for i in 0..5 {
        ann.save("Home", &format!("Version {i} {}\n", "word ".repeat(1000 * i)), "change");
    }
    let (address, dir) = (wiki.address(&wiki.token), wiki.dir.path());
    for number in ["0", "2"] {
        let shallow = dir.join(format!("shallow{number}"));
        version(&wiki, number, &["clone", "--quiet", "--depth", "2", &address, shallow.to_str().unwrap()]).good();
        assert_eq!(git(&shallow, &["rev-list", "--count", "HEAD"]).good().trim(), "2");
        git(&shallow, &["-c", &format!("protocol.version={number}"), "fetch", "--quiet", "--unshallow"]).good();
        assert_eq!(git(&shallow, &["rev-list", "--count", "HEAD"]).good().trim(), "5");
    }
    // Files come when they are needed: here old ones, by their names.
    let partial = dir.join("partial");
    git(dir, &["clone", "--quiet", "--filter=blob:none", &address, partial.to_str().unwrap()]).good();
    let missing = git(&partial, &["rev-list", "--objects", "--missing=print", "HEAD"]).good();
    assert!(missing.lines().any(|line| line.starts_with('?')), "{missing}");
    assert!(git(&partial, &["show", "HEAD~3:Home.md"]).good().starts_with("Version 1 "));
    let limited = dir.join("limited");
    git(dir, &["clone", "--quiet", "--filter=blob:limit=1k", &address, limited.to_str().unwrap()]).good();
    // Whole folders by their names are not handed out, and the client says so.
    let said = git(dir, &["clone", "--quiet", "--filter=tree:0", &address, dir.join("trees").to_str().unwrap()]).bad();
    assert!(said.contains("not supported"), "{said}");
}

#[test]
fn a_long_list_of_what_a_client_has_comes_as_gzip() {
    let wiki = Wiki::new();
    wiki.ann().save("Home", "One\n", "change");
    let place = wiki.clone("long");
    // Commits that the wiki does not know: the client tells of them, and git compresses what is longer than a kilobyte.
    for i in 0..60 {
        commit(&place, "Own.md", format!("{i}\n"), "own");
    }
    wiki.ann().save("Home", "Two\n", "change");
    let output = command(&place, &["fetch", "origin"]).env("GIT_TRACE_CURL", "1").env("GIT_TRACE_CURL_NO_DATA", "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("content-encoding: gzip"), "the control: {said}");
    assert_eq!(git(&place, &["show", "origin/main:Home.md"]).good(), "Two\n");
}

#[test]
fn what_is_not_part_of_the_history_is_handed_out_to_nobody() {
    let wiki = Wiki::new();
    let ann = wiki.ann();
    ann.save("Home", "One\n", "change");
    let place = wiki.clone("maker");
    let kept = git(&place, &["rev-parse", "HEAD:Home.md"]).good().trim().to_string();
    // A proposal is an object of the repository, and its name is known to whoever made it.
    let secret = "a proposal\n";
    commit(&place, "Home.md", secret, "Proposal");
    git(&place, &["push", "--quiet", "origin", "HEAD:refs/for/main"]).good();
    let blob = git(&place, &["rev-parse", "HEAD:Home.md"]).good().trim().to_string();
    let repo = {
        let answer = ann.get("/-/admin/repository_management").body_text();
        answer.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_string()
    };
    let repo = std::path::PathBuf::from(repo);
    git(&repo, &["cat-file", "-e", &blob]).good();
    let other = wiki.dir.path().join("other");
    git(wiki.dir.path(), &["clone", "--quiet", "--filter=blob:none", "--no-checkout", &wiki.address(&wiki.token), other.to_str().unwrap()])
        .good();
    for number in ["0", "2"] {
        let version = format!("protocol.version={number}");
        let said = git(&other, &["-c", &version, "fetch", "origin", &blob]).bad();
        assert!(
            said.contains("not part of this wiki's history") || said.contains("not our ref") || said.contains("unadvertised"),
            "{said}"
        );
    }
    git(&other, &["fetch", "--quiet", "origin", &kept]).good();
    assert_eq!(git(&other, &["show", &kept]).good(), "One\n");
}
