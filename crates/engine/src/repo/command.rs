//! Running git: arguments out of a closed set, an environment of our own, no shell (security.md GIT-2, GIT-4).

use holt_core::{Error, Result};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// git with an empty environment, no configuration but the repository's own, and every optional behaviour off.
pub(super) fn git(dir: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", "/nonexistent")
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_ATTR_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_DIR", dir)
        .args([
            "-c",
            "safe.directory=*",
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "core.fsync=all",
            "-c",
            "core.fsmonitor=false",
            "-c",
            "gc.auto=0",
            "-c",
            "maintenance.auto=false",
        ])
        .stdin(Stdio::null());
    command
}

/// Runs to the end; an exit code other than 0 is an error that says what git said.
pub(super) fn run(command: &mut Command, attempted: &str) -> Result<Output> {
    let output = command.output().map_err(|e| missing(attempted, e))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::internal(attempted).because(std::io::Error::other(said.trim().chars().take(500).collect::<String>())))
}

pub(super) fn missing(attempted: &str, error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::internal(format!("{attempted}: git is not installed")).hint("Install git and try again.").because(error)
        }
        _ => Error::io(attempted, error),
    }
}

/// Has git note how commits hang together, for clients that fetch from a long history.
pub(super) fn write_commit_graph(dir: &Path) -> Result<()> {
    run(git(dir).args(["commit-graph", "write", "--reachable", "--no-progress"]), "write the commit graph").map(drop)
}

/// What `git fsck` finds wrong.
pub(super) fn fsck(dir: &Path) -> Result<Vec<String>> {
    // Names that leave the directory of whoever clones the wiki, or land in git's own, are more than a warning here.
    let severe = ["-c", "fsck.hasDot=error", "-c", "fsck.hasDotdot=error", "-c", "fsck.hasDotgit=error"];
    let output =
        git(dir).args(severe).args(["fsck", "--no-dangling", "--no-progress"]).output().map_err(|e| missing("check the repository", e))?;
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<String> =
        text.lines().filter(|line| !line.starts_with("notice:") && !line.trim().is_empty()).map(|line| format!("git: {line}")).collect();
    if output.status.success() {
        Ok(lines.into_iter().filter(|line| line.contains("error") || line.contains("missing")).collect())
    } else {
        Ok(lines)
    }
}
