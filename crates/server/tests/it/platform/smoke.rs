//! Case 36 of spec/platform.md §16: what was just started is asked from outside, and a backup made as docs/hosting.md says serves what was there.

use super::{DOMAIN, Platform, with_token};
use crate::client::Server;
use crate::git::git;
use holt_testkit::skip;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A platform with two wikis, and a file with the token of the first.
fn world() -> (Platform, PathBuf) {
    let platform = Platform::start();
    let olga = platform.person("Olga");
    let token = platform.wiki(&olga, "canary");
    platform.wiki(&olga, "other");
    let file = platform.data.path().join("canary-token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    (platform, file)
}

/// The exit code and what was looked at: check, outcome, why.
fn smoke(data: &Path, server: &Server, domain: &str, more: &[&str]) -> (i32, Vec<(String, String, String)>) {
    let (address, url) = (server.address().to_string(), format!("http://{domain}:{}", server.address().port()));
    let args = [&["smoke", &url, "--connect", &address, "--wait", "0", "--json"], more].concat();
    let (code, out, error) = Server::command(data, &args);
    let said: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{error}"));
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_string();
    let checks: Vec<_> =
        said["checks"].as_array().unwrap().iter().map(|check| (text(check, "check"), text(check, "outcome"), text(check, "why"))).collect();
    assert_eq!(said["failures"], checks.iter().filter(|check| check.1 == "FAILED").count());
    (code, checks)
}

#[test]
fn case_36_a_healthy_system_passes_and_failures_are_counted() {
    let (mut platform, token) = world();
    let file = token.to_str().unwrap();
    let canary = ["--canary", "canary", "--token-file", file];
    let (code, checks) = smoke(platform.data.path(), &platform.server, DOMAIN, &canary);
    assert_eq!(code, 0, "{checks:?}");
    for what in ["the log-in form", "canary: it answers", "other: it answers", "canary: read through MCP", "canary: it is deleted"] {
        assert!(checks.iter().any(|check| check.0 == what && check.1 == "ok"), "{what}: {checks:?}");
    }
    for what in ["canary: strangers do not read it", "other: the token of canary opens nothing"] {
        assert!(checks.iter().any(|check| check.0 == what && check.1 == "ok"), "{what}: {checks:?}");
    }
    assert!(checks.iter().any(|check| check.0 == "canary: git" && check.1 == "warning"), "{checks:?}");
    // Nothing of it stays.
    let client = platform.at_wiki("canary");
    let secret = std::fs::read_to_string(&token).unwrap();
    let listed = with_token(&client, secret.trim(), "GET", "/api/v1/pages", "");
    assert!(listed.status == 200 && !listed.body.to_string().contains("Smoke"), "{}", listed.body);

    // A token of nobody: the page is not written, and that is all that can be said.
    std::fs::write(&token, "holt_nobody\n").unwrap();
    let (code, checks) = smoke(platform.data.path(), &platform.server, DOMAIN, &canary);
    assert!(code == 1 && checks.last().unwrap().0 == "canary: a page is written", "{code} {checks:?}");
    // Another name than the one it is served at: healthz answers at any, the rest is nowhere.
    let (code, checks) = smoke(platform.data.path(), &platform.server, "elsewhere.test", &[]);
    let failed: Vec<&str> = checks.iter().filter(|check| check.1 == "FAILED").map(|check| check.0.as_str()).collect();
    assert_eq!(
        failed,
        [
            "the front page",
            "the log-in form",
            "canary: it answers",
            "other: it answers",
            "wiki: it answers",
            "canary: who lets programs in"
        ]
    );
    assert_eq!(code, 6);
    // One that does not answer.
    let gone = platform.server.address();
    platform.server.stop();
    let url = format!("http://{DOMAIN}:{}", gone.port());
    let (code, out, _) = Server::command(platform.data.path(), &["smoke", &url, "--connect", &gone.to_string(), "--wait", "0"]);
    assert!(code == 1 && out.contains("FAILED   the server answers (its server does not answer"), "{out}");
    for url in ["wiki.example.org", "ftp://wiki.example.org", "https://wiki.example.org/x", "https://"] {
        let (code, _, error) = Server::command(platform.data.path(), &["smoke", url]);
        assert!(code == 1 && error.contains("https://wiki.example.org"), "{url}: {error}");
    }
    let (code, _, error) = Server::command(&platform.data.path().join("none"), &["smoke", "http://localhost:1"]);
    assert!(code == 1 && error.contains("--data"), "{error}");
}

/// The commands of docs/hosting.md, while the server runs, with other places.
#[test]
fn case_36_a_backup_serves_the_same() {
    if Command::new("sqlite3").arg("--version").output().is_err() {
        skip!("no sqlite3 here");
    }
    let (mut platform, token) = world();
    let token = std::fs::read_to_string(&token).unwrap().trim().to_string();
    let canary = platform.at_wiki("canary");
    for (page, text) in [("Kept", "one\n"), ("Kept-too", "two\n")] {
        let path = format!("/api/v1/pages/{page}");
        assert_eq!(with_token(&canary, &token, "PUT", &path, &json!({"content": text}).to_string()).status, 201);
    }
    let guide = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/hosting.md")).unwrap();
    let script = guide.split("```sh\n").find(|part| part.contains("git clone --quiet --mirror")).unwrap().split("```").next().unwrap();
    let place = tempfile::tempdir().unwrap();
    let script =
        script.replace("/srv/holt/data", platform.data.path().to_str().unwrap()).replace("/backup", place.path().to_str().unwrap());
    let made = Command::new("sh").args(["-e", "-c", &script]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let backup = std::fs::read_dir(place.path()).unwrap().next().unwrap().unwrap().path();
    let heads = |data: &Path| -> Vec<(String, String)> {
        let mut wikis: Vec<_> = std::fs::read_dir(data.join("wikis")).unwrap().map(|entry| entry.unwrap().path()).collect();
        wikis.sort();
        let head = |wiki: &Path| git(&wiki.join("repo.git"), &["rev-parse", "HEAD"]).good();
        wikis.iter().map(|wiki| (wiki.file_name().unwrap().to_string_lossy().into_owned(), head(wiki))).collect()
    };
    let before = heads(platform.data.path());
    assert_eq!(heads(&backup), before);
    platform.server.stop();
    let (code, _, error) = Server::command(&backup, &["reindex"]);
    assert_eq!(code, 0, "{error}");
    let (code, out, error) = Server::command(&backup, &["check"]);
    assert_eq!((code, out.lines().filter(|line| line.ends_with(": ok")).count()), (0, before.len()), "{out}{error}");
    let server = Server::start(&backup, &["--domain", DOMAIN]);
    let restored = server.client_at(&format!("canary.{DOMAIN}"));
    let read = with_token(&restored, &token, "GET", "/api/v1/pages/Kept-too", "");
    assert_eq!((read.status, read.text("content").trim_end()), (200, "two"), "{}", read.body);
    assert_eq!(heads(&backup), before);
}
