//! The command line as a person or a script uses it.

use crate::client::Server;
use holt_testkit::git;
use serde_json::Value;

fn json(data: &std::path::Path, args: &[&str]) -> Value {
    let (code, out, error) = Server::command(data, args);
    assert_eq!(code, 0, "{args:?}: {error}");
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{args:?}: {e}: {out}"))
}

#[test]
fn a_wiki_is_made_listed_renamed_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    assert_eq!(json(data, &["wiki", "create", "handbook", "--name", "Team Handbook", "--access", "private", "--json"])["slug"], "handbook");
    assert_eq!(json(data, &["wiki", "list", "--json"])["wikis"][0]["name"], "Team Handbook");
    let shown = json(data, &["wiki", "show", "handbook", "--json"]);
    assert_eq!((&shown["pages"], &shown["access"]["read"]), (&Value::from(0), &Value::from("APPROVED")));
    let path = json(data, &["wiki", "path", "handbook", "--json"])["path"].as_str().unwrap().to_string();
    assert_eq!(git(std::path::Path::new(&path), &["rev-parse", "--is-bare-repository"]), "true");
    assert_eq!(Server::command(data, &["wiki", "rename", "handbook", "book"]).0, 0);
    assert_eq!(Server::command(data, &["wiki", "show", "handbook"]).0, 1);
    assert_eq!(json(data, &["check", "--json"])["ok"], true);
    assert_eq!(json(data, &["reindex", "--wiki", "book", "--json"])["rebuilt"][0], "book");
    let token = Server::command(data, &["token", "create", "--wiki", "book", "--scope", "read", "--name", "bot"]);
    assert!(token.0 == 0 && token.1.trim().len() > 40, "{}", token.2);
    let part = ["token", "create", "--wiki", "book", "--scope", "write", "--path", "Guide", "--days", "30", "--name", "part"];
    assert_eq!(Server::command(data, &part).0, 0);
    assert_ne!(Server::command(data, &["token", "create", "--wiki", "book", "--scope", "admin", "--path", "Guide"]).0, 0);
    let list = Server::command(data, &["token", "list", "--wiki", "book"]).1;
    let rows: Vec<Vec<&str>> = list.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((rows.len(), rows[0][1..].to_vec()), (2, vec!["read", "never", "never", "bot", "all"]), "{list}");
    assert_eq!((rows[1][1], &rows[1][3..]), ("write", ["never", "part", "Guide"].as_slice()), "{list}");
    assert_eq!(Server::command(data, &["token", "revoke", "--wiki", "book", rows[1][0]]).0, 0);
    assert_ne!(Server::command(data, &["token", "revoke", "--wiki", "book", rows[1][0]]).0, 0);
    let refused = Server::command(data, &["wiki", "delete", "book"]);
    assert_eq!(refused.0, 1);
    assert!(refused.2.contains("--yes"), "{}", refused.2);
    assert_eq!(Server::command(data, &["wiki", "delete", "book", "--yes"]).0, 0);
    assert!(!std::path::Path::new(&path).exists());
    assert_eq!(json(data, &["wiki", "list", "--json"])["wikis"].as_array().unwrap().len(), 0);
}

#[test]
fn mistakes_name_the_remedy_and_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    for (args, code, remedy) in [
        (&["wiki", "list"][..], 1, "--data"),
        (&["wiki", "create", "A"], 1, "lower-case"),
        (&["import", "git", "/nowhere/at/all", "--slug", "notes"], 1, ""),
        (&["import", "otterwiki", "/nowhere", "--slug", "notes"], 1, ""),
        (&["import", "git", "ext::sh -c id", "--slug", "notes"], 1, ""),
        (&["import", "git", "--upload-pack=id", "--slug", "notes"], 2, ""),
        (&["serve", "--listen", "nonsense"], 2, "--listen"),
        (&["frobnicate"], 2, "--help"),
    ] {
        let (got, out, error) = Server::command(&data, args);
        assert_eq!((got, out.as_str()), (code, ""), "{args:?}: {error}");
        assert!(error.contains(remedy) && !error.contains("panicked"), "{args:?}: {error}");
    }
    let left = Server::command(&data, &["wiki", "list", "--json"]);
    assert!(left.0 == 1 || left.1.contains("\"wikis\": []"), "{}", left.1);
    let short = Server::command_with_input(&data, &["user", "add", "a@example.org", "--password-stdin"], "short");
    assert!(short.0 == 1 && short.2.contains('8'), "{}", short.2);
}

#[test]
fn markdown_becomes_html_without_any_data() {
    let dir = tempfile::tempdir().unwrap();
    let render = |args: &[&str], text: &str| {
        let (code, out, error) = Server::command_with_input(dir.path(), &[&["render"], args].concat(), text);
        assert_eq!(code, 0, "{error}");
        out
    };
    let html = render(&[], "# Hi\n\n<script>alert(1)</script>\n\n**bold**");
    assert!(html.contains("<h1 id=\"hi\">") && html.contains("<strong>bold</strong>") && !html.contains("<script>"), "{html}");
    let all: Value =
        serde_json::from_str(&render(&["--format", "json", "--set", "WIKILINK_STYLE=LINKTITLE"], "# A\n\n[[Page|text]]")).unwrap();
    assert!(all["html"].as_str().unwrap().contains(">text</a>"), "{all}");
    assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none(), "no data directory appeared");
}

#[test]
fn help_has_examples_and_shells_are_completed() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["--help"][..],
        &["serve", "--help"],
        &["import", "otterwiki", "--help"],
        &["wiki", "create", "--help"],
        &["render", "--help"],
        &["check", "--help"],
    ] {
        let (code, out, _) = Server::command(dir.path(), args);
        assert!(code == 0 && out.contains("Example"), "{args:?}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(Server::command(dir.path(), &["completions", shell]).1.contains("holt"));
    }
}

#[test]
fn folders_and_repositories_are_brought_in() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("notes");
    std::fs::create_dir_all(source.join("deep")).unwrap();
    std::fs::write(source.join("README.md"), "# Read me\n\n[deep](deep/page.md) [gone](gone.md)\n").unwrap();
    std::fs::write(source.join("deep/page.md"), "# Deep\n").unwrap();
    git(&source, &["init", "-q", "-b", "trunk"]);
    git(&source, &["add", "-A"]);
    git(&source, &["-c", "user.name=Bob", "-c", "user.email=bob@example.org", "commit", "-q", "-m", "Notes"]);
    let data = dir.path().join("data");
    let path = source.to_str().unwrap();
    let folder = json(&data, &["import", "folder", path, "--slug", "folder", "--json"]);
    assert_eq!((&folder["pages"], &folder["revisions"]), (&Value::from(2), &Value::from(1)));
    let repository = json(&data, &["import", "git", path, "--json"]);
    assert_eq!(
        (&repository["slug"], &repository["pages"], &repository["revisions"]),
        (&Value::from("notes"), &Value::from(2), &Value::from(1))
    );
    assert_eq!(git(&source, &["status", "--porcelain"]), "", "the source is as it was");
    let again = Server::command(&data, &["import", "git", path]);
    assert!(again.0 == 1 && again.2.contains("notes"), "{}", again.2);

    let Some(corpus) = holt_testkit::shared_corpus() else { holt_testkit::skip!("no ../shared/corpus here") };
    let book = json(&data, &["import", "folder", corpus.join("markdown/rust-book").to_str().unwrap(), "--slug", "book", "--json"]);
    assert!(book["pages"].as_u64() > Some(100), "{book}");
    assert_eq!(Server::command(&data, &["check"]).0, 0);
}

/// The commands below `command`, as its help lists them.
fn below(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_string).collect()
}

/// docs/commands.md is what the program says of itself. `HOLT_BLESS=1` writes it anew.
#[test]
fn the_reference_of_commands_is_current() {
    let dir = tempfile::tempdir().unwrap();
    let mut reference = String::from(
        "# Commands\n\nWritten by the tests (`HOLT_BLESS=1 cargo test -p holt-server reference`) from `holt --help`; every flag of `holt serve` also has \
         the variable that stands beside it.\n",
    );
    let mut commands = vec![Vec::<String>::new()];
    let mut documented = 0;
    while let Some(command) = commands.pop() {
        let words: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let (code, out, error) = Server::command(dir.path(), &words);
        assert_eq!(code, 0, "{error}");
        documented += 1;
        // What is below a command comes right behind it.
        commands.extend(below(&out).into_iter().rev().map(|name| [command.as_slice(), &[name]].concat()));
        let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
        reference.push_str(
            &format!("\n## holt {}\n\n```text\n{}\n```\n", command.join(" "), lines.join("\n")).replace("## holt \n", "## holt\n"),
        );
    }
    assert!(documented > 40, "the help lists its commands in another way: found {documented}");
    // What this run was given is no default.
    let reference = reference.replace(&format!("={}]", dir.path().display()), "=]");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/commands.md");
    if std::env::var_os("HOLT_BLESS").is_some() {
        std::fs::write(file, &reference).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(kept == reference, "docs/commands.md is out of date: run HOLT_BLESS=1 cargo test -p holt-server reference");
}

#[test]
fn wikis_are_suspended_restored_and_put_on_plans() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    Server::prepare(data, "docs");
    let ok = |args: &[&str]| {
        let (code, out, error) = Server::command(data, args);
        assert_eq!(code, 0, "{args:?}: {error}");
        out
    };
    let state = || json(data, &["wiki", "list", "--json"])["wikis"][0]["state"].clone();
    ok(&["wiki", "suspend", "docs"]);
    assert_eq!(state(), "suspended");
    assert!(ok(&["wiki", "list"]).contains("(suspended)"));
    ok(&["wiki", "resume", "docs"]);
    assert_eq!(state(), "active");
    assert_eq!(Server::command(data, &["wiki", "restore", "docs"]).0, 1, "it was not deleted");
    // Plans: what is not named stays, 0 is no limit.
    ok(&["plan", "set", "team", "--pages", "7", "--wikis", "2"]);
    ok(&["plan", "set", "team", "--wikis", "0"]);
    ok(&["plan", "default", "team"]);
    let plans = json(data, &["plan", "list", "--json"]);
    let team = plans["plans"].as_array().unwrap().iter().find(|plan| plan["name"] == "team").unwrap();
    assert_eq!((&team["pages"], &team["wikis"], &team["default"]), (&Value::from(7), &Value::Null, &Value::from(true)));
    assert!(ok(&["plan", "list"]).contains("(default)"));
    ok(&["wiki", "plan", "docs", "team"]);
    assert_eq!(json(data, &["wiki", "show", "docs", "--json"])["max_pages"], 7);
    ok(&["wiki", "limit", "docs", "--pages", "3"]);
    assert_eq!(json(data, &["wiki", "show", "docs", "--json"])["max_pages"], 3, "its own limit comes first");
    ok(&["wiki", "limit", "docs", "--pages", "0"]);
    ok(&["wiki", "plan", "docs", "none"]);
    assert!(json(data, &["wiki", "show", "docs", "--json"])["max_pages"].is_null());
    for bad in [
        &["wiki", "plan", "docs", "nothing"][..],
        &["plan", "default", "nothing"],
        &["plan", "set", "A b"],
        &["wiki", "suspend", "nothing"],
    ] {
        let (code, _, error) = Server::command(data, bad);
        assert!(code == 1 && error.len() > 20, "{bad:?}: {error}");
    }
    // People.
    assert_eq!(json(data, &["user", "list", "--json"])["users"][0]["operator"], true);
    assert!(Server::command(data, &["user", "operator", "ann@example.org", "off"]).2.contains("only operator"));
    assert_eq!(Server::command_with_input(data, &["user", "add", "bob@example.org", "--password-stdin"], "correct horse\n").0, 0);
    ok(&["user", "operator", "bob@example.org", "on"]);
    ok(&["user", "operator", "ann@example.org", "off"]);
    assert_eq!(json(data, &["user", "show", "ann@example.org", "--json"])["operator"], false);
    assert!(ok(&["user", "list"]).contains("(operator)") && ok(&["user", "show", "bob@example.org"]).contains("operator   yes"));
    assert_eq!(Server::command(data, &["user", "show", "nobody@example.org"]).0, 1);
}

/// Who asked for a page is noted, without writing while they read.
#[test]
fn wikis_that_nobody_uses_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    Server::prepare_many(data, 2);
    let dormant = || -> Vec<String> {
        let list = json(data, &["wiki", "list", "--dormant", "30d", "--json"]);
        list["wikis"].as_array().unwrap().iter().map(|wiki| wiki["slug"].as_str().unwrap().to_string()).collect()
    };
    assert_eq!(dormant(), ["wiki-0", "wiki-1"], "made in 2023");
    let mut server = Server::start(data, &[]);
    server.client_at("wiki-1.localhost").get("/-/about");
    server.stop();
    assert_eq!(dormant(), ["wiki-0"]);
    assert_eq!(Server::command(data, &["wiki", "list", "--dormant", "soon"]).0, 2);
    assert!(Server::command(data, &["wiki", "list", "--dormant", "99999d"]).1.is_empty());
}

/// Nothing starts with a flag that cannot be meant, and nothing is made by it.
#[test]
fn a_server_says_what_is_wrong_with_its_flags() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let refused = |flags: &[&str], code: i32, why: &str| {
        let (got, said, error) = Server::command(&data, &[&["serve", "--listen", "127.0.0.1:0"], flags].concat());
        assert!(got == code && said.is_empty() && error.contains(why), "{flags:?}: {got} {error}");
        assert!(!data.exists(), "{flags:?}");
    };
    for domain in ["", "a b", "http://wiki.example.org", "wiki.example.org:8080", "wiki.example.org.", "münchen.example"] {
        refused(&["--domain", domain], 2, "Write the name alone");
    }
    refused(&["--domain", "127.0.0.1"], 2, "that is an address");
    for header in ["host", "X-Forwarded-For", "cookie"] {
        refused(&["--trust-proxy", "127.0.0.1", "--auth-header", header], 2, "means something else already");
    }
    refused(&["--mail-from", "wiki@example.org"], 2, "--smtp-url");
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let issuer = ["--oidc-issuer", "https://sso.lan", "--oidc-client-id", "holt", "--oidc-own-host", "sso.lan:443", "--oidc-ca-file"];
    let other = dir.path().join("other");
    let (code, _, error) =
        Server::command(&other, &[&["serve", "--listen", "127.0.0.1:0"], &issuer[..], &[file.to_str().unwrap()]].concat());
    assert!(code == 1 && error.contains(file.to_str().unwrap()) && error.contains("BEGIN CERTIFICATE"), "{error}");
    let (code, _, error) = Server::command(&file, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(code == 1 && error.contains("is not a directory") && error.contains("--data"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), b"x");
}
