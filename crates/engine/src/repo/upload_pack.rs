//! Handing out history to git clients: `git upload-pack`, which sees one branch and nothing else (security.md GIT-10).

use super::child::{GitStop, Running};
use super::{BlobId, Repo, command};
use holt_core::{Error, Result, RevisionId};
use std::collections::HashSet;
use std::fs::File;
use std::process::{Command, Stdio};

/// The version of git's protocol that a client speaks (gitprotocol-v2(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// What clients speak that say nothing.
    #[default]
    V0,
    /// The same, and says so.
    V1,
    /// Commands.
    V2,
}

impl Protocol {
    /// From the header `Git-Protocol`: `version=2`, perhaps with more keys, none of which we know. `Invalid` for what is no such list.
    pub fn parse(header: &str) -> Result<Self> {
        let wrong = || Error::invalid("the header Git-Protocol is malformed").hint("Send version=0, version=1 or version=2.");
        let mut keys = header.split(':');
        let version = match keys.next() {
            Some("version=0") => Self::V0,
            Some("version=1") => Self::V1,
            Some("version=2") => Self::V2,
            _ => return Err(wrong()),
        };
        let plain = |key: &str| !key.is_empty() && key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'=' | b'-'));
        if header.len() > 64 || !keys.all(plain) {
            return Err(wrong());
        }
        Ok(version)
    }
    fn name(self) -> &'static str {
        match self {
            Self::V0 => "version=0",
            Self::V1 => "version=1",
            Self::V2 => "version=2",
        }
    }
}

/// Whoever listens: told piece by piece, and may refuse more.
type Listener<'a> = dyn FnMut(&[u8]) -> Result<()> + 'a;

impl Repo {
    /// Says which branch there is, as the answer to `GET info/refs` begins, without the line that names the service.
    pub fn advertise(&self, protocol: Protocol, to: &mut Listener<'_>, stop: &GitStop) -> Result<()> {
        let mut git = self.upload_pack_command(protocol);
        git.arg("--http-backend-info-refs").arg(".");
        run(&mut git, to, stop)
    }
    /// Answers one request, which is read from the file's beginning. Nothing of it is looked at here.
    pub fn upload_pack(&self, protocol: Protocol, request: File, to: &mut Listener<'_>, stop: &GitStop) -> Result<()> {
        let mut git = self.upload_pack_command(protocol);
        git.arg(".").stdin(Stdio::from(request));
        run(&mut git, to, stop)
    }
    fn upload_pack_command(&self, protocol: Protocol) -> Command {
        let mut git = command::git(&self.dir);
        // It enters the directory by itself, and refuses one that others named.
        git.env_remove("GIT_DIR").current_dir(&self.dir).env("GIT_PROTOCOL", protocol.name());
        // The last line that fits a ref counts.
        git.args(["-c", "transfer.hideRefs=refs", "-c"]).arg(format!("transfer.hideRefs=!refs/heads/{}", self.branch));
        let filters = [
            "uploadpack.allowFilter=true",
            "uploadpackfilter.allow=false",
            "uploadpackfilter.blob:none.allow=true",
            "uploadpackfilter.blob:limit.allow=true",
        ];
        let others = [
            "uploadpack.allowAnySHA1InWant=false",
            "uploadpack.allowRefInWant=false",
            "uploadpack.advertiseBundleURIs=false",
            "transfer.advertiseObjectInfo=false",
            "pack.threads=2",
            "pack.windowMemory=64m",
        ];
        for setting in filters.into_iter().chain(others) {
            git.args(["-c", setting]);
        }
        git.args(["upload-pack", "--strict", "--stateless-rpc"]);
        git
    }
    /// Those of `wanted` that the history of `head` does not hold. Goes through all of it: for what no index knows.
    pub fn not_in_history(&self, head: RevisionId, mut wanted: HashSet<BlobId>, stop: &GitStop) -> Result<HashSet<BlobId>> {
        let mut git = command::git(&self.dir);
        git.args(["rev-list", "--objects", "--no-object-names", "--end-of-options"]).arg(head.to_string());
        let mut running = Running::start(&mut git, stop, "list objects")?;
        let mut line = Vec::new();
        let heard = running.hear(&mut |bytes| {
            for byte in bytes {
                if *byte != b'\n' {
                    line.push(*byte);
                    continue;
                }
                if let Ok(id) = RevisionId::parse(&String::from_utf8_lossy(&line)) {
                    wanted.remove(&BlobId::from_bytes(*id.as_bytes()));
                }
                line.clear();
            }
            // What comes after the last one is nobody's concern.
            if wanted.is_empty() { Err(Error::internal("enough")) } else { Ok(()) }
        });
        if wanted.is_empty() {
            return Ok(wanted);
        }
        heard?;
        let (status, said) = running.finish()?;
        if !status.success() {
            return Err(Error::internal("list objects").because(std::io::Error::other(said)));
        }
        Ok(wanted)
    }
}

fn run(git: &mut Command, to: &mut Listener<'_>, stop: &GitStop) -> Result<()> {
    let mut running = Running::start(git, stop, "run git upload-pack")?;
    running.hear(to)?;
    let (status, said) = running.finish()?;
    if !status.success() {
        // It has told the client why, as far as that is the client's business.
        tracing::debug!("git upload-pack ended with {status}: {}", said.trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_matched_exactly() {
        for (header, version) in [("version=0", Protocol::V0), ("version=1", Protocol::V1), ("version=2:x=1:a-b", Protocol::V2)] {
            assert_eq!(Protocol::parse(header).unwrap(), version);
        }
        for wrong in ["", "version=3", "version=2:", "version=2\n", "x:version=2", "version=22", "version=2:A=1"] {
            assert!(Protocol::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(Protocol::parse(&format!("version=2:{}", "a".repeat(64))).is_err());
    }
}
