//! Which page a writer means: `revision` in the body, `If-Match` and `If-None-Match` beside it (spec/api.md §1.5, DESIGN §6).

use super::body::Fields;
use super::failure::Failure;
use crate::door::Door;
use crate::web::Context;
use holt_core::{Error, ErrorKind, PagePath, RevisionId, RevisionPrefix};
use holt_engine::Read;
use holt_engine::pages::{self, Existing, Expect, PageView};
use holt_engine::repo::BlobId;
use http::{StatusCode, header};

/// What the headers ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strict {
    /// Nothing.
    No,
    /// The page as it is now is exactly this, or the request fails: nothing is merged.
    Yes(Expect),
}

/// Whether the request is about exactly one text, by its headers. A tool call has no headers of its own.
pub fn asks_strictly(context: &Context<'_>) -> bool {
    context.door == Door::Api && context.request.headers.contains_key(header::IF_MATCH)
}

/// Reads `If-Match` and `If-None-Match` of a request that changes the page `now`.
pub fn headers(context: &Context<'_>, now: Option<&PageView>) -> Result<Strict, Failure> {
    if context.door != Door::Api {
        return Ok(Strict::No);
    }
    match context.request.headers.get(header::IF_NONE_MATCH).map(|value| value.to_str().unwrap_or_default().trim()) {
        Some("*") => return Ok(Strict::Yes(Expect::Absent)),
        Some(_) => return Err(bad("If-None-Match", "Send `If-None-Match: *` to create a page that must not be there.")),
        None => {}
    }
    let Some(sent) = context.request.headers.get(header::IF_MATCH) else { return Ok(Strict::No) };
    let sent = sent.to_str().unwrap_or_default().trim();
    if sent == "*" {
        return Ok(Strict::Yes(Expect::Present));
    }
    let current = now.map(|page| page.last_change.id.to_string());
    for tag in sent.split(',').map(str::trim) {
        let inner = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        let inner = inner.filter(|inner| inner.len() >= 7 && RevisionPrefix::parse(inner).is_ok());
        let Some(inner) = inner else {
            return Err(bad("If-Match", "Send the ETag of the page as it came, quotes included."));
        };
        // A weak tag never matches here (RFC 9110 §13.1.1).
        if !tag.starts_with("W/") && current.as_ref().is_some_and(|current| current.starts_with(&inner.to_lowercase())) {
            return Ok(Strict::Yes(now.map_or(Expect::Present, |page| Expect::As(page.last_change.id))));
        }
    }
    Err(failed(now.map(|page| page.last_change.id)))
}

/// Which file an upload may replace, by the same headers. A file's ETag is its content.
pub fn file(context: &Context<'_>) -> Result<Existing, Failure> {
    let sent = |name: header::HeaderName| context.request.headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
    match (sent(header::IF_NONE_MATCH), sent(header::IF_MATCH)) {
        (Some("*"), _) => Ok(Existing::Refuse),
        (Some(_), _) => Err(bad("If-None-Match", "Send `If-None-Match: *` to add a file that must not be there.")),
        (None, None) => Ok(Existing::Replace),
        (None, Some("*")) => Ok(Existing::Need),
        (None, Some(tag)) => {
            // An id of content has the form of a revision.
            let id = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(|id| RevisionId::parse(id).ok());
            let id = id.ok_or_else(|| bad("If-Match", "Send the ETag of the file as it came, quotes included."))?;
            Ok(Existing::Only(BlobId::from_bytes(*id.as_bytes())))
        }
    }
}

/// Refuses both headers where nothing looks at them: whoever sends them relies on them.
pub fn none(context: &Context<'_>, remedy: &str) -> Result<(), Failure> {
    for (header, name) in [(header::IF_MATCH, "If-Match"), (header::IF_NONE_MATCH, "If-None-Match")] {
        if context.request.headers.contains_key(header) {
            let error = Error::invalid(format!("{name} means nothing here")).hint(remedy);
            return Err(Failure::new(StatusCode::BAD_REQUEST, "validation", error).with("field", name));
        }
    }
    Ok(())
}

fn bad(name: &str, remedy: &str) -> Failure {
    let error = Error::invalid(format!("{name} cannot be read")).hint(remedy);
    Failure::new(StatusCode::BAD_REQUEST, "validation", error).with("field", name)
}

/// 412, with the revision there is.
pub fn failed(current: Option<RevisionId>) -> Failure {
    match current {
        Some(current) => Failure::mismatch(StatusCode::PRECONDITION_FAILED, current),
        None => Failure::new(StatusCode::PRECONDITION_FAILED, "not_found", Error::not_found("there is no such page")),
    }
}

/// The revision that a body's `revision` means for `page`: the one it is at, or an older one of this wiki.
pub fn base(context: &Context<'_>, fields: &Fields, page: &PageView, sent: &str) -> Result<RevisionId, Failure> {
    check(fields, sent)?;
    let current = page.last_change.id;
    if current.to_string().starts_with(&sent.to_ascii_lowercase()) {
        return Ok(current);
    }
    match pages::resolve(&context.scope::<Read>()?, &RevisionPrefix::parse(sent)?) {
        Ok(base) => Ok(base),
        // One this wiki has never had is no base for anything.
        Err(error) if error.kind == ErrorKind::NotFound => Err(Failure::mismatch(StatusCode::CONFLICT, current)),
        Err(error) => Err(error.into()),
    }
}

/// Whether `sent` has the form of a revision.
pub fn check(fields: &Fields, sent: &str) -> Result<(), Failure> {
    if sent.len() < 7 {
        return Err(fields.refuse("revision", "is too short: it needs at least 7 digits", "Send the revision of the page as it was read."));
    }
    if RevisionPrefix::parse(sent).is_err() {
        return Err(fields.refuse("revision", "is no revision", "Send 7 to 40 hexadecimal digits."));
    }
    Ok(())
}

/// The page as it is now.
pub fn now(context: &Context<'_>, path: &PagePath) -> Result<Option<PageView>, Failure> {
    Ok(pages::page(&context.scope::<Read>()?, path)?)
}
