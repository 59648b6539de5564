//! Taking over the history of another repository. The source is read by git's own transport and never written to.

use super::{Repo, command, durable};
use holt_core::{Error, Result, RevisionId};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

/// What came in.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Where the branch stands; none for an empty source.
    pub head: Option<RevisionId>,
    /// Things `git fsck` remarks on in old histories; none of them stops Holt.
    pub warnings: Vec<String>,
}

/// Makes the repository `into` with the history of the branch that `source` has checked out. `source` is a directory or an address of https or http.
/// `progress` is told objects done and in all.
pub fn import_from(source: &str, into: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Imported> {
    let local = Path::new(source);
    let protocol = ["https", "http"].into_iter().find(|protocol| source.strip_prefix(protocol).is_some_and(|rest| rest.starts_with("://")));
    let (address, protocol) = if let Some(protocol) = protocol {
        (source.to_string(), protocol)
    } else if local.is_dir() {
        let path = std::fs::canonicalize(local).map_err(|e| Error::io(format!("look at {source}"), e))?;
        let path = path.to_str().ok_or_else(|| Error::invalid("the path of the repository is not UTF-8"))?.to_string();
        (path, "file")
    } else {
        return Err(Error::not_found(format!("{source} is neither a directory nor an address that begins with https:// or http://"))
            .hint("Give the path of a git repository, or https://…"));
    };
    let repo = Repo::create(into)?;
    let Some(branch) = branch(into, &address, protocol)? else { return Ok(Imported::default()) };
    if branch != repo.branch() {
        std::fs::write(into.join("HEAD"), format!("ref: refs/heads/{branch}\n")).map_err(|e| Error::io("write HEAD", e))?;
    }
    drop(repo);
    fetch(into, &address, protocol, &branch, progress)?;
    let repo = Repo::open(into)?;
    let head = repo.head()?;
    if head.is_none() {
        return Err(Error::invalid("the source has only a part of its history, which git does not hand out")
            .hint("If it is a shallow clone, run `git fetch --unshallow` in it first."));
    }
    let mut graph = command::git(into);
    command::run(graph.args(["commit-graph", "write", "--reachable", "--changed-paths"]), "write the commit graph")?;
    let warnings = command::fsck(into)?;
    // Names that would leave the directory of whoever clones the wiki, or land in git's own.
    if let Some(hostile) = warnings.iter().find(|line| ["hasDot:", "hasDotdot:", "hasDotgit:"].iter().any(|name| line.contains(name))) {
        return Err(Error::invalid(format!("the history holds a tree that is dangerous to check out: {hostile}"))
            .hint("Rewrite the history without it, for instance with git filter-repo."));
    }
    durable::sync_tree(into)?;
    Ok(Imported { head, warnings })
}

fn transport(into: &Path, protocol: &str) -> std::process::Command {
    let mut git = command::git(into);
    git.arg("-c").arg(format!("protocol.{protocol}.allow=always")).args(["-c", "protocol.version=2", "-c", "http.followRedirects=false"]);
    // upload-pack runs in the source: it must not ask who owns it, nor run anything of its configuration.
    git.env("GIT_CONFIG_COUNT", "2").env("GIT_CONFIG_KEY_0", "safe.directory").env("GIT_CONFIG_VALUE_0", "*");
    git.env("GIT_CONFIG_KEY_1", "uploadpack.packObjectsHook").env("GIT_CONFIG_VALUE_1", "");
    git
}

/// The branch that HEAD of the source names; none if it has no commit.
fn branch(into: &Path, address: &str, protocol: &str) -> Result<Option<String>> {
    let mut git = transport(into, protocol);
    let output =
        command::run(git.args(["ls-remote", "--symref", "--end-of-options"]).arg(address).arg("HEAD"), "ask the source for its branch")
            .map_err(|e| {
                Error::invalid("the source is no git repository that can be read")
                    .hint("Check the path or address, and that it needs no password.")
                    .because(e)
            })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let named = text.lines().find_map(|line| line.strip_prefix("ref: refs/heads/")?.split('\t').next().map(str::to_string));
    let has_commit = text.lines().any(|line| line.ends_with("\tHEAD") && !line.starts_with("ref:"));
    match (has_commit, named) {
        (false, _) => Ok(None),
        (true, Some(branch)) if plain(&branch) => Ok(Some(branch)),
        _ => Err(Error::invalid("the source has no branch checked out").hint("Check out the branch to import, then try again.")),
    }
}

/// A branch name that is only a name (security.md GIT-6).
pub(super) fn plain(branch: &str) -> bool {
    branch.len() <= 100
        && branch.starts_with(|c: char| c.is_ascii_alphanumeric())
        && branch.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b'-'))
        && !branch.contains("..")
        && !branch.ends_with(".lock")
}

fn fetch(into: &Path, address: &str, protocol: &str, branch: &str, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
    let mut git = transport(into, protocol);
    git.args(["fetch", "--progress", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--end-of-options"]);
    git.arg(address).arg(format!("+refs/heads/{branch}:refs/heads/{branch}")).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = git.spawn().map_err(|e| Error::io("start git fetch", e))?;
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        let mut reader = BufReader::new(stderr);
        let mut part = Vec::new();
        // git overwrites its progress line: parts end in CR.
        while reader.read_until(b'\r', &mut part).map_err(|e| Error::io("read from git fetch", e))? > 0 {
            if let Some((done, total)) = counted(&String::from_utf8_lossy(&part)) {
                progress(done, total);
            } else if said.len() < 4096 {
                said.extend_from_slice(&part);
            }
            part.clear();
        }
    }
    let status = child.wait().map_err(|e| Error::io("wait for git fetch", e))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::internal("fetch the history").because(std::io::Error::other(String::from_utf8_lossy(&said).trim().to_string())))
}

/// `Receiving objects:  42% (420/1000)`.
fn counted(text: &str) -> Option<(u64, u64)> {
    let line = text.lines().next_back()?;
    if !line.starts_with("Receiving objects:") {
        return None;
    }
    let (done, total) = line.split_once('(')?.1.split_once(')')?.0.split_once('/')?;
    Some((done.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_branches_come_in() {
        assert!(plain("main") && plain("release/1.2"));
        for bad in ["-x", "--upload-pack=x", "$(id)", "a..b", "a b", "", "x.lock", "@{0}"] {
            assert!(!plain(bad), "{bad}");
        }
        assert_eq!(counted("Receiving objects:  42% (420/1000)"), Some((420, 1000)));
    }
}
