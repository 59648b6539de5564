//! What the API says when it refuses: `{"error", "code", …}`, or RFC 9457 for who asks for that.

use super::accept::Accept;
use crate::reply::{Reply, json as json_reply, raw, with_header};
use crate::request::Request;
use holt_core::{Error, ErrorKind, ProposedAs, RevisionId};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

/// A refusal: what a person reads, what a program branches on, and what belongs to it.
pub struct Failure {
    status: StatusCode,
    code: &'static str,
    error: Error,
    more: Map<String, Value>,
    after: Option<u16>,
}

impl Failure {
    /// `error` under a code and status of its own.
    pub fn new(status: StatusCode, code: &'static str, error: Error) -> Self {
        Self { status, code, error, more: Map::new(), after: None }
    }
    /// A field that breaks a rule, and what to do about it.
    pub fn field(name: &str, rule: impl Into<String>, remedy: impl Into<String>) -> Self {
        let failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation", Error::invalid(rule).hint(remedy));
        failure.with("field", name)
    }
    /// The page is not what the writer saw.
    pub fn mismatch(status: StatusCode, current: RevisionId) -> Self {
        let error = Error::conflict("the page was changed since the revision you sent")
            .hint("Read the page again, apply your change to it, and send its revision.");
        Self::new(status, "revision_mismatch", error).with("current_revision", current.to_string())
    }
    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_string(), value.into());
        self
    }
    /// Says after how many seconds it is worth trying again.
    #[must_use]
    pub fn after(self, seconds: u16) -> Self {
        Self { after: Some(seconds), ..self }
    }
    /// Its status, code and hint, what belongs to it, and after how many seconds it is worth trying again.
    pub fn parts(&self) -> (StatusCode, &'static str, Option<&str>, &Map<String, Value>, Option<u16>) {
        (self.status, self.code, self.error.hint.as_deref(), &self.more, self.after)
    }
    /// The error, for the log.
    pub fn error(&self) -> &Error {
        &self.error
    }
    /// The answer to `request`.
    pub fn reply(self, request: &Request) -> Reply {
        if let Some(proposed) = self.error.proposal() {
            return json_reply(self.status, &json!({"proposal": proposed_as(proposed)}));
        }
        let is_problem = Accept::of(request).named("application/problem+json").is_some();
        let internal = self.error.kind == ErrorKind::Internal;
        let message = if internal { "something went wrong on our side".to_string() } else { self.error.message };
        let mut body = self.more;
        body.insert("error".into(), message.clone().into());
        body.insert("code".into(), self.code.into());
        if let Some(hint) = self.error.hint.filter(|_| !internal) {
            body.insert("hint".into(), hint.into());
        }
        if internal {
            body.insert("request".into(), request.id.clone().into());
        }
        if is_problem {
            body.insert("type".into(), format!("urn:holt:error:{}", self.code).into());
            body.insert("title".into(), self.status.canonical_reason().unwrap_or_default().into());
            body.insert("status".into(), self.status.as_u16().into());
            body.insert("detail".into(), message.into());
        }
        let content_type = if is_problem { "application/problem+json" } else { "application/json" };
        let reply = raw(self.status, content_type, Value::Object(body).to_string());
        let busy = matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS).then_some(1);
        let reply = match self.after.or(busy) {
            Some(seconds) => with_header(reply, header::RETRY_AFTER, &seconds.to_string()),
            None => reply,
        };
        match self.status {
            StatusCode::UNAUTHORIZED => with_header(reply, header::WWW_AUTHENTICATE, "Bearer"),
            _ => reply,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        // No failure of anybody: the change waits to be accepted.
        if error.proposal().is_some() {
            return Self::new(StatusCode::ACCEPTED, "proposed", error);
        }
        let code = match error.kind {
            ErrorKind::NotFound => "not_found",
            ErrorKind::Invalid => "validation",
            ErrorKind::Conflict => "conflict",
            ErrorKind::Denied => "forbidden",
            ErrorKind::Unauthenticated => "unauthorized",
            ErrorKind::TooLarge if error.is_page_limit() => "quota_pages",
            ErrorKind::TooLarge if error.is_byte_limit() => "quota_disk",
            ErrorKind::TooLarge => "too_large",
            ErrorKind::Busy => "busy",
            ErrorKind::Internal => "internal",
        };
        Self::new(crate::error::status(&error), code, error)
    }
}

/// What is said of a change that waits to be accepted.
pub fn proposed_as(proposed: &ProposedAs) -> Value {
    json!({"number": proposed.number, "title": proposed.title, "status": "open", "url": super::proposals::url(proposed.number)})
}

/// What is said to whoever asks a host for the platform's API that is not the platform's.
pub fn not_here() -> Reply {
    let error = "there is nothing at this address";
    let hint = "The API of a wiki is below /api/v1 at its own host; that of the server is at the host of the platform, where there is one.";
    json_reply(StatusCode::NOT_FOUND, &json!({"error": error, "code": "not_found", "hint": hint}))
}

/// An answer in plain text that was given before there was a request to speak of (too long, too slow, not to be decoded), as the API gives it.
pub fn early(reply: Reply) -> Reply {
    let code = match reply.status() {
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::URI_TOO_LONG => "too_large",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE => "busy",
        StatusCode::INTERNAL_SERVER_ERROR => "internal",
        _ => "validation",
    };
    let (parts, body) = reply.into_parts();
    let text = String::from_utf8_lossy(&body.into_bytes()).into_owned();
    let body = json!({"error": text.trim_end().trim_end_matches('.'), "code": code});
    let mut answer = raw(parts.status, "application/json", body.to_string());
    for name in [header::CONNECTION, header::RETRY_AFTER, header::ALLOW] {
        if let Some(value) = parts.headers.get(&name) {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}
