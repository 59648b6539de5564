//! `Idempotency-Key`: a request that is sent again is done once and answered twice the same (security.md API-5, DUR-5).
//!
//! All that is remembered is the trailer of the commit: the key, its caller and the request stand there, hashed with a secret of this
//! installation. So there is nothing to be lost between a commit and a note of it, and the answer is made again from the commit
//! (`replay.rs`). What was refused, or had nothing to change, left no commit and is looked at anew.

use super::credentials::Identity;
use super::failure::Failure;
use super::{Answer, replay};
use crate::reply::with_header;
use crate::web::Context;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holt_core::{Error, OpId};
use holt_engine::Read;
use holt_engine::pages::{self, Done};
use http::{HeaderName, StatusCode, header};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// How long a key is remembered, in seconds.
const MEMORY: i64 = 24 * 3600;
const NAME: &str = "Idempotency-Key";
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Bytes of a hash that stand in a commit: 128 bits, as in any unique id.
const BYTES: usize = 16;

/// Keys whose first request is being worked on: never more than there are requests.
#[derive(Default)]
pub struct UnderWay(Mutex<HashSet<OpId>>);

struct Claim<'a> {
    of: &'a UnderWay,
    name: OpId,
}

impl UnderWay {
    fn claim(&self, name: &OpId) -> Option<Claim<'_>> {
        let fresh = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        fresh.then(|| Claim { of: self, name: name.clone() })
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.of.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// Runs a handler that changes something, or answers as it did when the same was asked before.
pub fn once(context: &mut Context<'_>, route: (&str, &str), run: fn(&Context<'_>) -> Answer) -> Answer {
    let Some(key) = key(context)? else { return run(context) };
    let secret = context.app.engine.directory().secret("operations")?;
    let request = request(context, &secret)?;
    let again = |context: &Context<'_>, done: &Done| Ok(with_header(replay::answer(context, route, done)?, REPLAYED, "true"));
    under(context, NAME, &key, &request, run, again)
}

/// What tells one call of a tool from another.
pub fn call(context: &Context<'_>, tool: &str, arguments: &str) -> Result<String, Failure> {
    let secret = context.app.engine.directory().secret("operations")?;
    Ok(hash(&secret, &[b"mcp", tool.as_bytes(), arguments.as_bytes()]))
}

/// Does what `key` stands for, or says it `again` where the commit of that key is there. `request` tells requests from each other, `field` is
/// where the key came from.
pub fn under<T>(
    context: &mut Context<'_>,
    field: &str,
    key: &str,
    request: &str,
    run: impl FnOnce(&Context<'_>) -> Result<T, Failure>,
    again: impl FnOnce(&Context<'_>, &Done) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let secret = context.app.engine.directory().secret("operations")?;
    let name = name(context, &secret, key)?;
    let app = context.app;
    let Some(_claim) = app.under_way.claim(&name) else {
        let error = Error::conflict(format!("a request with this {field} is being worked on")).hint("Send it again in a moment.");
        return Err(Failure::new(StatusCode::CONFLICT, "in_progress", error).with("field", field).after(1));
    };
    let since = context.now().saturating_sub(MEMORY);
    let Some(done) = pages::done(&context.scope::<Read>()?, &name, since)? else {
        context.operation = Some(OpId::parse(&format!("{}.{request}", name.as_str()))?);
        return run(context);
    };
    if done.op.split_once('.').is_none_or(|(_, before)| before != request) {
        let error = Error::invalid(format!("this {field} was sent with another request")).hint("Send a new one with every new request.");
        return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", error).with("field", field));
    }
    again(context, &done)
}

fn key(context: &Context<'_>) -> Result<Option<String>, Failure> {
    let mut sent = context.request.headers.get_all(NAME).iter();
    let Some(value) = sent.next() else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    if sent.next().is_some() || key.is_empty() || key.len() > 255 || !key.bytes().all(|b| b.is_ascii_graphic()) {
        let error = Error::invalid("Idempotency-Key cannot be read").hint("Send one key of 1 to 255 visible ASCII characters.");
        return Err(Failure::new(StatusCode::BAD_REQUEST, "validation", error).with("field", NAME));
    }
    Ok(Some(key.to_string()))
}

/// Who asks, in one word for each.
pub fn caller(identity: &Identity) -> String {
    match identity {
        Identity::Token(id) => format!("token {id}"),
        Identity::Grant(id) => format!("grant {id}"),
        Identity::Person(id) => format!("person {}", id.0),
        Identity::Network(network) => format!("network {network}"),
        // Never those of a request to a wiki.
        Identity::PlatformToken(id) => format!("platform token {id}"),
        Identity::Client(wiki, network) => format!("client of {wiki} {network}"),
    }
}

/// What the key is called in commits: another one for another wiki or caller, and nobody who reads the commit learns the key.
fn name(context: &Context<'_>, secret: &[u8], key: &str) -> Result<OpId, Failure> {
    let caller = caller(&context.identity);
    let wiki = context.wiki.id().to_string();
    Ok(OpId::parse(&hash(secret, &[wiki.as_bytes(), caller.as_bytes(), key.as_bytes()]))?)
}

/// What tells one request from another, as it stands in commits.
fn request(context: &Context<'_>, secret: &[u8]) -> Result<String, Failure> {
    let request = context.request;
    let header = |name| request.headers.get(name).map_or(&b""[..], |value| value.as_bytes());
    let query = request.uri.query().unwrap_or_default();
    let (method, path) = (request.method.as_str().as_bytes(), request.path.as_bytes());
    let file = match &request.spool {
        Some(spool) => spool.read(digest)?.map_err(|e| Error::io("read an upload", e))?,
        None => Vec::new(),
    };
    let (exactly, new) = (header(header::IF_MATCH), header(header::IF_NONE_MATCH));
    Ok(hash(secret, &[method, path, query.as_bytes(), exactly, new, &request.raw, &file]))
}

fn digest(from: &mut dyn std::io::Read) -> std::io::Result<Vec<u8>> {
    let (mut hasher, mut piece) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(hasher.finalize().to_vec()),
            length => hasher.update(&piece[..length]),
        }
    }
}

fn hash(secret: &[u8], parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new_with_prefix(secret);
    for part in parts {
        // With its length before it, so that no two lists of parts are one text.
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    URL_SAFE_NO_PAD.encode(&hasher.finalize()[..BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_claimed_by_one_at_a_time() {
        let (under_way, name) = (UnderWay::default(), OpId::parse("a").unwrap());
        let first = under_way.claim(&name);
        assert!(first.is_some() && under_way.claim(&name).is_none() && under_way.claim(&OpId::parse("b").unwrap()).is_some());
        drop(first);
        assert!(under_way.claim(&name).is_some());
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(hash(b"s", &[b"ab", b"c"]), hash(b"s", &[b"a", b"bc"]));
        assert_ne!(hash(b"s", &[b"a"]), hash(b"t", &[b"a"]));
        // Two of them and a full stop are an operation's id.
        assert!(OpId::parse(&format!("{}.{}", hash(b"s", &[]), hash(b"s", &[]))).is_ok());
    }
}
