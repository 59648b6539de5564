//! What `git clone` and `git fetch` ask for. git itself answers; here is looked at what it would not: with version 2 of the protocol it hands
//! out any object whose name somebody knows, also what waits as a proposal or is not part of the history any more (security.md GIT-11).

use super::packet::{self, Packet};
use super::whole_scope;
use crate::repo::{BlobId, GitStop, Protocol};
use crate::scope::{Read, Scope};
use holt_core::{Error, Result, RevisionId};
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};

/// The answer to `GET info/refs?service=git-upload-pack`, piece by piece.
pub fn advertise_fetch(scope: &Scope<'_, Read>, protocol: Protocol, to: &mut dyn FnMut(&[u8]) -> Result<()>, stop: &GitStop) -> Result<()> {
    whole_scope(scope)?;
    if protocol != Protocol::V2 {
        let mut service = Vec::new();
        packet::write(&mut service, b"# service=git-upload-pack\n");
        packet::flush(&mut service);
        to(&service)?;
    }
    scope.wiki().repo()?.advertise(protocol, to, stop)
}

/// The answer to `POST git-upload-pack`, piece by piece. `NotFound` for objects that are not in the history, before anything is said.
pub fn fetch(
    scope: &Scope<'_, Read>,
    protocol: Protocol,
    mut request: File,
    to: &mut dyn FnMut(&[u8]) -> Result<()>,
    stop: &GitStop,
) -> Result<()> {
    whole_scope(scope)?;
    let rewind = |request: &mut File| request.seek(SeekFrom::Start(0)).map_err(|e| Error::io("read a request of git", e));
    rewind(&mut request)?;
    // The older versions hand out what the branch leads to, and nothing else.
    if protocol == Protocol::V2 {
        check_wanted(scope, wanted(&request)?, stop)?;
        rewind(&mut request)?;
    }
    scope.wiki().repo()?.upload_pack(protocol, request, to, stop)
}

/// The names of the objects that a request of version 2 asks for. Every line that could be taken for such a wish is.
fn wanted(request: &File) -> Result<HashSet<BlobId>> {
    let mut from = BufReader::new(request);
    let mut wanted = HashSet::new();
    let mut first = true;
    while let Some(packet) = packet::read(&mut from)? {
        let Packet::Line(line) = packet else { continue };
        if std::mem::take(&mut first) && !matches!(line.as_slice(), b"command=ls-refs" | b"command=fetch") {
            return Err(packet::malformed());
        }
        if let Some(name) = line.strip_prefix(b"want ") {
            let name = name.get(..40).and_then(|name| std::str::from_utf8(name).ok()).ok_or_else(packet::malformed)?;
            let id = RevisionId::parse(name).map_err(|_| packet::malformed())?;
            wanted.insert(BlobId::from_bytes(*id.as_bytes()));
        }
    }
    Ok(wanted)
}

fn check_wanted(scope: &Scope<'_, Read>, mut wanted: HashSet<BlobId>, stop: &GitStop) -> Result<()> {
    let repo = scope.wiki().repo()?;
    let Some(head) = repo.head()? else {
        return if wanted.is_empty() { Ok(()) } else { Err(none()) };
    };
    // Nearly always that is all.
    wanted.remove(&BlobId::from_bytes(*head.as_bytes()));
    if wanted.is_empty() {
        return Ok(());
    }
    let unknown = scope.index()?.unknown_objects(wanted)?;
    // What merges brought and the index does not list; and whoever asks for what is not there waits for it.
    if unknown.is_empty() || repo.not_in_history(head, unknown, stop)?.is_empty() { Ok(()) } else { Err(none()) }
}

fn none() -> Error {
    Error::not_found("that object is not part of this wiki's history").hint("Run `git fetch`; folders cannot be fetched alone.")
}
