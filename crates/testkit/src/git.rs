//! The git command, free of the machine's settings: same fixture, same commit ids, everywhere.

use crate::fixture::FixtureCommit;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs `git ARGS` in `dir` and returns what it prints, without the last line break.
///
/// # Panics
/// With git's own words, if it fails.
pub fn git(dir: &Path, args: &[&str]) -> String {
    run(command(dir, args), args)
}

/// Makes a bare repository in `dir` (branch `main`) out of `commits`, an hour apart from 2026-01-01.
pub fn repository(dir: &Path, commits: &[FixtureCommit]) {
    git(dir, &["init", "--quiet", "--bare", "--initial-branch=main", "."]);
    let args = ["fast-import", "--quiet", "--done"];
    let mut command = command(dir, &args);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().expect("git starts");
    let mut pipe = child.stdin.take().expect("stdin is piped");
    pipe.write_all(stream(commits).as_bytes()).expect("git reads the stream");
    drop(pipe);
    let status = child.wait().expect("git ends");
    assert!(status.success(), "git fast-import: {status}");
}

fn stream(commits: &[FixtureCommit]) -> String {
    let mut stream = String::new();
    for (i, commit) in commits.iter().enumerate() {
        let when = 1_767_225_600 + 3_600 * i;
        let author = &commit.author;
        let message = format!("Commit {}", i + 1);
        writeln!(stream, "commit refs/heads/main\nauthor {author} <{author}@example.org> {when} +0000").expect("writing to a string");
        writeln!(stream, "committer {author} <{author}@example.org> {when} +0000\ndata {}\n{message}", message.len())
            .expect("writing to a string");
        for (file, content) in &commit.files {
            let quoted = file.replace('\\', "\\\\").replace('"', "\\\"");
            writeln!(stream, "M 100644 inline \"{quoted}\"\ndata {}\n{content}", content.len()).expect("writing to a string");
        }
    }
    stream + "done\n"
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(args).current_dir(dir).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    let person = [("NAME", "Test"), ("EMAIL", "test@example.org"), ("DATE", "2026-01-01T00:00:00Z")];
    for (what, value) in person {
        command.env(format!("GIT_AUTHOR_{what}"), value).env(format!("GIT_COMMITTER_{what}"), value);
    }
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC");
    command
}

fn run(mut command: Command, args: &[&str]) -> String {
    let output = command.output().expect("git is installed");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixture_becomes_the_same_repository_every_time() {
        let commits = crate::commits("//- /Home.md by:ann\nOne\n//- /Ü \"b\".md by:bob rev:2\nTwo\n");
        let make = || {
            let dir = tempfile::tempdir().expect("a temporary directory");
            repository(dir.path(), &commits);
            assert_eq!(git(dir.path(), &["show", "main:Home.md"]), "One");
            assert_eq!(git(dir.path(), &["log", "--format=%an %s", "main"]), "bob Commit 2\nann Commit 1");
            assert_eq!(git(dir.path(), &["-c", "core.quotePath=false", "ls-tree", "--name-only", "-z", "main"]), "Home.md\0Ü \"b\".md\0");
            git(dir.path(), &["rev-parse", "main"])
        };
        assert_eq!(make(), make());
    }

    #[test]
    #[should_panic(expected = "not a git repository")]
    fn failure_is_loud() {
        git(tempfile::tempdir().expect("a temporary directory").path(), &["--git-dir=.", "log"]);
    }
}
