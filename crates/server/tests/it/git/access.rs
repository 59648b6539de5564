//! Who may do what, and what everybody else learns.

use super::{Wiki, commit, git, token};
use crate::client::{Answer, Client, Server};
use crate::comments::member;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const REFS: &str = "/.git/info/refs?service=git-upload-pack";
const PUSH_REFS: &str = "/.git/info/refs?service=git-receive-pack";

fn basic(token: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("anybody:{token}")))
}

fn ask(client: &Client, path: &str, authorization: &str) -> Answer {
    let headers = [("Authorization", authorization)];
    client.send("GET", path, if authorization.is_empty() { &[] } else { &headers }, b"").unwrap()
}

fn challenge(answer: &Answer) -> Option<&str> {
    answer.header("www-authenticate")
}

/// Case 22 of spec/platform.md §16.
#[test]
fn case_22_off_there_is_nothing_and_on_there_is_a_challenge() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    Server::command(dir.path(), &["wiki", "create", "other", "--access", "private"]);
    let (good, others) = (token(dir.path(), "docs", "read", &[]), token(dir.path(), "other", "read", &[]));
    {
        let server = Server::start(dir.path(), &[]);
        let client = server.client();
        for path in [REFS, PUSH_REFS, "/.git/HEAD", "/.git/objects/info/packs", "/.git/info/refs"] {
            let answer = ask(&client, path, &basic(&good));
            assert_eq!((answer.status, challenge(&answer)), (404, None), "{path}");
        }
        let ann = server.client();
        ann.log_in("ann@example.org", "correct horse");
        // Case 26: the switch on the screen, for administrators alone.
        assert!(!ann.get("/-/admin/repository_management").body_text().contains("git clone http"));
        assert_eq!(ann.post("/-/admin/repository_management", &[("git_web_server", "True")]).unwrap().status, 303);
        let screen = ann.get("/-/admin/repository_management").body_text();
        assert!(screen.contains(&format!("git clone http://{}/.git", client.host)), "{screen}");
        assert_eq!(ask(&client, REFS, "").status, 200, "a public wiki");
        assert_eq!(ann.post("/-/admin/repository_management", &[]).unwrap().status, 303);
        assert_eq!(ask(&client, REFS, "").status, 404);
    }
    for slug in ["docs", "other"] {
        Server::command(dir.path(), &["wiki", "git", slug, "on"]);
    }
    let server = Server::start(dir.path(), &["--default-wiki", "other"]);
    let client = server.client();
    let realm = Some("Basic realm=\"other\"");
    for wrong in ["", "Basic", "Basic ???", "Digest x", "Bearer", &basic("holt_unknown"), "Bearer holt_unknown", &basic(&"x".repeat(4000))]
    {
        let answer = ask(&client, REFS, wrong);
        assert_eq!((answer.status, challenge(&answer)), (401, realm), "{wrong}");
    }
    for right in [basic(&others), format!("Bearer {others}"), format!("bEaReR {others}")] {
        let answer = ask(&client, REFS, &right);
        assert_eq!(answer.status, 200, "{right}");
        assert_eq!(answer.header("content-type"), Some("application/x-git-upload-pack-advertisement"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.body_text().starts_with("001e# service=git-upload-pack\n0000"), "{}", answer.body_text());
    }
    let foreign = ask(&client, REFS, &basic(&good));
    assert_eq!((foreign.status, challenge(&foreign)), (403, None), "a token of another wiki");
    let reading = ask(&client, PUSH_REFS, &basic(&others));
    assert_eq!((reading.status, challenge(&reading)), (403, None), "a token that only reads");
    // A session is nothing here.
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    assert_eq!(ann.get(REFS).status, 401);
}

#[test]
fn nobody_pushes_without_a_token_that_may_write() {
    let wiki = Wiki::new();
    wiki.ann().save("Home", "# Home\n", "start");
    let open = wiki.server.client();
    let answer = ask(&open, PUSH_REFS, "");
    assert_eq!((answer.status, challenge(&answer)), (401, Some("Basic realm=\"docs\"")));
    let body = open.send("POST", "/.git/git-receive-pack", &[("Content-Type", "application/x-git-receive-pack-request")], b"0000").unwrap();
    assert_eq!(body.status, 401);
    let place = wiki.clone("bea");
    commit(&place, "Home.md", "mine\n", "mine");
    let address = format!("http://{}/.git", open.host);
    let said = git(&place, &["push", &address, "HEAD:main"]).bad();
    assert!(said.contains("terminal prompts disabled"), "{said}");
}

/// A clone would have everything: whoever does not get to see all of the wiki gets none of it.
#[test]
fn a_wiki_with_a_private_part_is_cloned_by_those_who_see_it() {
    let wiki = Wiki::new();
    let ann = wiki.ann();
    ann.save("Open", "for all\n", "start");
    ann.save("Staff/Plan", "secret\n", "start");
    let bob = member(&wiki.server, &ann, "bob");
    let open = format!("http://{}/.git", wiki.server.client().host);
    git(wiki.dir.path(), &["ls-remote", &open]).good();
    let before = ann.get("/-/admin/path_rules").field("before");
    let fields = [("before", before.as_str()), ("path", "Staff"), ("read", "ADMIN"), ("write", "ADMIN"), ("readers", ""), ("writers", "")];
    assert_eq!(ann.post("/-/admin/path_rules", &fields).unwrap().status, 303);
    let said = git(wiki.dir.path(), &["ls-remote", &open]).bad();
    assert!(said.contains("A clone holds all of a wiki") || said.contains("terminal prompts disabled"), "{said}");
    let token = |client: &Client| {
        let fields = [("label", "git"), ("scope", "read"), ("days", "30")];
        let page = client.post("/-/settings/tokens", &fields).unwrap().body_text();
        let at = page.find("holt_").unwrap_or_else(|| panic!("{page}"));
        page[at..].split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').next().unwrap().to_string()
    };
    let address = |token: &str| wiki.address(token);
    assert!(git(wiki.dir.path(), &["ls-remote", &address(&token(&bob))]).bad().contains("403"));
    git(wiki.dir.path(), &["ls-remote", &address(&token(&ann))]).good();
}

#[test]
fn a_token_for_a_part_of_the_wiki_does_not_clone_it() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    Server::command(dir.path(), &["wiki", "git", "docs", "on"]);
    let narrow = token(dir.path(), "docs", "write", &["--path", "Guide"]);
    let server = Server::start(dir.path(), &[]);
    for path in [REFS, PUSH_REFS] {
        assert_eq!(ask(&server.client(), path, &basic(&narrow)).status, 403, "{path}");
    }
}

/// Case 23 of spec/platform.md §16, with this server's numbers.
#[test]
fn case_23_pushes_are_counted_and_limited() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    Server::command(dir.path(), &["wiki", "git", "docs", "on"]);
    let token = token(dir.path(), "docs", "write", &[]);
    let server = Server::start(dir.path(), &["--rate-limit", "on", "--api-writes", "5"]);
    let client = server.client();
    let push = |body: &[u8]| {
        let headers = [("Authorization", format!("Bearer {token}")), ("Content-Type", "application/x-git-receive-pack-request".into())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        client.send("POST", "/.git/git-receive-pack", &headers, body).unwrap()
    };
    for _ in 0..10 {
        assert_eq!(push(b"0000").status, 200, "finding out whether one may");
    }
    for _ in 0..5 {
        assert_eq!(push(b"nothing that git says").status, 400);
    }
    let sixth = push(b"nothing that git says");
    assert_eq!((sixth.status, sixth.header("content-type")), (429, Some("text/plain; charset=utf-8")));
    assert!(sixth.header("retry-after").is_some());
    for _ in 0..20 {
        assert_eq!(ask(&client, REFS, "").status, 200);
    }
}

/// Case 32 of spec/platform.md §16, by git's door: one wiki is broken, and that is its own trouble.
#[test]
fn case_32_a_wiki_without_its_settings_says_so_and_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    for slug in ["torn", "gone"] {
        Server::command(dir.path(), &["wiki", "create", slug]);
    }
    let wikis = ["docs", "torn", "gone"].map(|slug| {
        assert_eq!(Server::command(dir.path(), &["wiki", "git", slug, "on"]).0, 0);
        (slug, token(dir.path(), slug, "write", &[]), Server::repo(dir.path(), slug))
    });
    let settings = |at: usize| wikis[at].2.parent().unwrap().join("wiki.db");
    std::fs::write(settings(1), b"no database").unwrap();
    std::fs::remove_file(settings(2)).unwrap();
    let server = Server::start(dir.path(), &["--domain", "localhost"]);
    for (slug, token, _) in &wikis {
        let client = server.client_at(&format!("{slug}.localhost"));
        let broken = *slug != "docs";
        for path in [REFS, PUSH_REFS] {
            let answer = ask(&client, path, &basic(token));
            assert_eq!((answer.status == 500, answer.status == 200), (broken, !broken), "{slug} {path}: {}", answer.body_text());
            if broken {
                let said = answer.body_text();
                assert!(said.contains("Request ") && !said.contains("wiki.db") && !said.contains('/'), "{said}");
            }
        }
        let headers = [("Authorization", basic(token)), ("Content-Type", "application/x-git-receive-pack-request".to_string())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let pushed = client.send("POST", "/.git/git-receive-pack", &headers, b"0000").unwrap();
        assert_eq!(pushed.status, if broken { 500 } else { 200 }, "{slug}");
    }
    assert!(!settings(2).exists(), "not silently made anew");
}

#[test]
fn a_full_wiki_takes_no_push_and_says_so() {
    let wiki = Wiki::new();
    wiki.ann().save("Home", "# Home\n", "start");
    let place = wiki.clone("bea");
    commit(&place, "Home/large.bin", noise(600_000), "large");
    let Wiki { dir, server, token } = wiki;
    drop(server);
    let data = dir.path().join("data");
    assert_eq!(Server::command(&data, &["wiki", "limit", "docs", "--bytes", "200000"]).0, 0);
    let server = Server::start(&data, &[]);
    let address = format!("http://git:{token}@{}/.git", server.client().host);
    let said = git(&place, &["push", &address, "HEAD:main"]).bad();
    assert!(said.contains("holds at most 200000 bytes"), "{said}");
    assert_eq!(server.client().get("/Home/a/large.bin").status, 404);
    // However it is sent.
    commit(&place, "Home/larger.bin", noise(4_000_000), "larger");
    for buffer in ["http.postBuffer=20000000", "http.postBuffer=100000"] {
        let said = git(&place, &["-c", buffer, "push", &address, "HEAD:main"]).bad();
        assert!(said.contains("remote: This wiki holds at most 200000 bytes"), "{said}");
    }
    let repo = data.join("wikis");
    assert!(size(&repo) < 2_000_000, "nothing of it stays");
    // A page that fits is taken.
    git(&place, &["reset", "--quiet", "--hard", "origin/main"]).good();
    commit(&place, "Small.md", "small\n", "small");
    git(&place, &["push", "--quiet", &address, "HEAD:main"]).good();
}

/// As by every door: however full a wiki is, its pages may be deleted and moved.
#[test]
fn a_full_wiki_takes_a_push_that_only_takes_away() {
    let wiki = Wiki::new();
    let ann = wiki.ann();
    for number in 0..40 {
        ann.save(&format!("Notes/Page {number}"), &format!("# Page {number}\n\n{number}"), "start");
    }
    let place = wiki.clone("bea");
    let Wiki { dir, server, token } = wiki;
    drop(server);
    let data = dir.path().join("data");
    assert_eq!(Server::command(&data, &["wiki", "limit", "docs", "--bytes", "2000"]).0, 0);
    let server = Server::start(&data, &[]);
    let address = format!("http://git:{token}@{}/.git", server.client().host);
    let full = |said: String| assert!(said.contains("remote: This wiki holds at most 2000 bytes"), "{said}");
    // The control: something new, also beside something that goes, and in a commit whose change another takes back.
    git(&place, &["mv", "Notes/Page 1.md", "Notes/One.md"]).good();
    commit(&place, "New.md", "new\n", "one goes, one comes");
    full(git(&place, &["push", &address, "HEAD:main"]).bad());
    std::fs::remove_file(place.join("New.md")).unwrap();
    git(&place, &["commit", "--quiet", "--all", "--message", "and back"]).good();
    full(git(&place, &["push", &address, "HEAD:main"]).bad());
    git(&place, &["reset", "--quiet", "--hard", "origin/main"]).good();
    // A page that is deleted, all but one, one that is moved.
    git(&place, &["rm", "--quiet", "Notes/Page 7.md"]).good();
    git(&place, &["commit", "--quiet", "--message", "one"]).good();
    git(&place, &["push", "--quiet", &address, "HEAD:main"]).good();
    git(&place, &["mv", "Notes/Page 3.md", "Kept.md"]).good();
    git(&place, &["rm", "--quiet", "-r", "Notes"]).good();
    git(&place, &["commit", "--quiet", "--message", "all but one"]).good();
    git(&place, &["push", "--quiet", &address, "HEAD:main"]).good();
    let client = server.client();
    let seen = ["/Notes/Page%207", "/Notes/Page%201", "/Kept"].map(|path| client.get(path).status);
    assert_eq!(seen, [404, 404, 200]);
    // What was there once is something new again.
    git(&place, &["revert", "--no-edit", "HEAD"]).good();
    full(git(&place, &["push", &address, "HEAD:main"]).bad());
}

/// Git shows what is said to its first question, and of what is said to the push a number alone.
#[test]
fn who_pushes_too_often_reads_when_to_come_back() {
    let wiki = Wiki::with(&["--rate-limit", "on", "--api-writes", "2"]);
    let place = wiki.clone("bea");
    let mut said = None;
    for number in 0..4 {
        commit(&place, &format!("Page {number}.md"), "text\n", "page");
        let pushed = git(&place, &["push", "--quiet", "origin", "HEAD:main"]);
        if !pushed.ok {
            said = Some(pushed.err);
            break;
        }
    }
    let said = said.expect("more than two in a minute");
    assert!(said.contains("remote: Too much for now: try again in ") && said.contains("429"), "{said}");
    // Reading is another matter.
    git(&place, &["fetch", "--quiet", "origin"]).good();
}

/// Bytes that cannot be compressed, the same every time.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

fn size(dir: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    entries.map(|entry| if entry.file_type().unwrap().is_dir() { size(&entry.path()) } else { entry.metadata().unwrap().len() }).sum()
}

#[test]
fn a_wiki_has_a_second_address_at_the_platform() {
    let wiki = Wiki::with(&["--domain", "localhost"]);
    let port = wiki.server.address().port();
    let address = |slug: &str, token: &str| format!("http://git:{token}@localhost:{port}/{slug}.git");
    let place = wiki.dir.path().join("copy");
    git(wiki.dir.path(), &["clone", "--quiet", &address("docs", &wiki.token), place.to_str().unwrap()]).good();
    let pushed = commit(&place, "pushed.md", "# Pushed\n", "By the other address");
    git(&place, &["push", "--quiet", "origin", "HEAD:main"]).good();
    assert_eq!(wiki.head(), pushed);
    // The same rules: who has no right there has none here.
    git(&place, &["push", "--quiet", &address("docs", "nonsense"), "HEAD:main"]).bad();
    git(wiki.dir.path(), &["ls-remote", &address("nothing", &wiki.token)]).bad();
    let platform = wiki.server.client_at("localhost");
    let refs = |path: &str| platform.get(&format!("{path}/info/refs?service=git-upload-pack")).status;
    assert_eq!((refs("/docs.git"), refs("/nothing.git"), refs("/.git"), refs("/../docs.git")), (200, 404, 404, 404));
}
