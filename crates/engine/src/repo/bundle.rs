//! The whole history as one file that git itself can clone from.

use super::Repo;
use super::command::git;
use holt_core::{Error, Result};
use std::io::Read;
use std::process::Stdio;

/// Bytes that are handed on at a time.
const PIECE: usize = 64 * 1024;

impl Repo {
    /// Gives `take` the branch with its history as a git bundle, piece by piece, until that wants no more. Other refs, such as those of
    /// proposals, are not in it. `NotFound` if there is no commit yet.
    pub fn bundle(&self, mut take: impl FnMut(&[u8]) -> bool) -> Result<()> {
        if self.head()?.is_none() {
            return Err(Error::not_found("there is nothing in this wiki yet"));
        }
        let attempted = "make a bundle of the repository";
        let branch = format!("refs/heads/{}", self.branch());
        let mut child = git(&self.dir)
            .args(["bundle", "create", "--quiet", "-", "HEAD", &branch])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| Error::io(attempted, e))?;
        let mut out = child.stdout.take().ok_or_else(|| Error::internal(attempted))?;
        let mut piece = vec![0; PIECE];
        loop {
            let read = out.read(&mut piece).map_err(|e| Error::io(attempted, e))?;
            if read == 0 {
                break;
            }
            if !take(&piece[..read]) {
                // Whoever wanted it is gone.
                let _ = child.kill();
                break;
            }
        }
        let ended = child.wait().map_err(|e| Error::io(attempted, e))?;
        if ended.success() { Ok(()) } else { Err(Error::internal(attempted)) }
    }
}
