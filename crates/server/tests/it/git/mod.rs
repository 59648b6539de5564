//! Git over HTTP with the real git client: clone, fetch, push, and everything that must not come in (spec/platform.md §10, §16 cases 22–26,
//! security.md GIT-1 to GIT-18).

mod access;
mod clone;
mod hostile;
mod proposals;
mod push;
mod wire;

use crate::client::{Client, Server};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A server with the wiki `docs`, where git is on, and a token of Ann's, who administers it.
pub struct Wiki {
    pub dir: TempDir,
    pub server: Server,
    pub token: String,
}

/// What a git command said.
#[derive(Debug)]
pub struct Said {
    pub ok: bool,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Both streams, when it went well.
    pub fn good(self) -> String {
        assert!(self.ok, "{}\n{}", self.out, self.err);
        format!("{}{}", self.out, self.err)
    }
    /// What it complained of, when it failed.
    pub fn bad(self) -> String {
        assert!(!self.ok, "went well: {}\n{}", self.out, self.err);
        self.err
    }
}

impl Wiki {
    pub fn new() -> Self {
        Self::with(&[])
    }
    /// With more arguments for `holt serve`.
    pub fn with(flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = data(&dir);
        Server::prepare(&data, "docs");
        let on = Server::command(&data, &["wiki", "git", "docs", "on"]);
        assert_eq!((on.0, on.1.as_str()), (0, "git clients may clone and push to docs\n"), "{}", on.2);
        let token = token(&data, "docs", "write", &[]);
        Self { server: Server::start(&data, flags), dir, token }
    }
    pub fn data(&self) -> PathBuf {
        data(&self.dir)
    }
    pub fn ann(&self) -> Client {
        let ann = self.server.client();
        ann.log_in("ann@example.org", "correct horse");
        ann
    }
    /// The address with a token in it.
    pub fn address(&self, token: &str) -> String {
        format!("http://git:{token}@{}/.git", self.server.client().host)
    }
    /// Ann's clone, with some pages in the wiki.
    pub fn clone(&self, name: &str) -> PathBuf {
        let place = self.dir.path().join(name);
        git(self.dir.path(), &["clone", "--quiet", &self.address(&self.token), place.to_str().unwrap()]).good();
        place
    }
    /// The commit that the wiki stands at.
    pub fn head(&self) -> String {
        let answer = git(self.dir.path(), &["ls-remote", &self.address(&self.token), "refs/heads/main"]).good();
        answer.split('\t').next().unwrap_or_default().to_string()
    }
}

fn data(dir: &TempDir) -> PathBuf {
    dir.path().join("data")
}

/// A token for the command line's person; the data directory must be free.
pub fn token(data: &Path, wiki: &str, scope: &str, more: &[&str]) -> String {
    let args = [&["token", "create", "--wiki", wiki, "--scope", scope, "--json"], more].concat();
    let (code, out, err) = Server::command(data, &args);
    assert_eq!(code, 0, "{err}");
    let made: serde_json::Value = serde_json::from_str(&out).unwrap();
    made["token"].as_str().unwrap().to_string()
}

/// The git client as somebody has it, without this machine's settings.
pub fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(args).current_dir(dir).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Bea").env(format!("GIT_{who}_EMAIL"), "bea@example.org");
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    command
}

pub fn git(dir: &Path, args: &[&str]) -> Said {
    let output = command(dir, args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { ok: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Writes a file in a clone and commits it.
pub fn commit(clone: &Path, file: &str, content: impl AsRef<[u8]>, message: &str) -> String {
    let path = clone.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
    git(clone, &["add", "--all"]).good();
    git(clone, &["commit", "--quiet", "--message", message]).good();
    git(clone, &["rev-parse", "HEAD"]).good().trim().to_string()
}

/// Objects made by hand: what git's own commands would not make.
pub struct Forge<'a>(pub &'a Path);

impl Forge<'_> {
    pub fn object(&self, kind: &str, content: &[u8]) -> String {
        use std::io::Write;
        let mut git = command(self.0, &["hash-object", "--literally", "-t", kind, "-w", "--stdin"]);
        let mut child = git.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(content).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }
    /// A tree of entries (mode, name, id), in this order.
    pub fn tree(&self, entries: &[(&str, &[u8], &str)]) -> String {
        let mut tree = Vec::new();
        for (mode, name, id) in entries {
            tree.extend_from_slice(mode.as_bytes());
            tree.push(b' ');
            tree.extend_from_slice(name);
            tree.push(0);
            tree.extend((0..20).map(|i| u8::from_str_radix(&id[2 * i..2 * i + 2], 16).unwrap()));
        }
        self.object("tree", &tree)
    }
    /// A commit of it on top of HEAD.
    pub fn commit(&self, tree: &str) -> String {
        let who = "Eve <eve@example.org> 1700000000 +0000";
        let head = git(self.0, &["rev-parse", "HEAD"]).good();
        let text = format!("tree {tree}\nparent {}\nauthor {who}\ncommitter {who}\n\nforged\n", head.trim());
        self.object("commit", text.as_bytes())
    }
}
