//! One request to a cache or its vendor, with limits: no redirects, little time, few bytes. The client is that of object stores.

use super::Refusal;
use crate::connect::{Connect, Patience};
use bytes::Bytes;
use futures_util::TryFutureExt;
use holt_core::{Error, Result};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector, HttpErrorKind, HttpRequest, HttpRequestBody};
use std::time::Duration;
use tokio::time::timeout;

const PATIENCE: Patience = Patience { connect: Duration::from_secs(3), answer: Duration::from_secs(10) };
/// Time for the whole of it.
const TIME: Duration = Duration::from_secs(15);
/// Most bytes of an answer that are read.
const ANSWER_BYTES: usize = 64 * 1024;
/// How much of what a cache says of its refusal is told.
const TOLD: usize = 200;
/// Longest time that a cache may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Client(HttpClient);

/// What a cache answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    wait: Option<Duration>,
}

impl Answer {
    /// Whether it says that it is done; a refusal if not.
    pub(super) fn done(self) -> std::result::Result<Self, Refusal> {
        match self.status.is_success() {
            true => Ok(self),
            false => Err(self.refusal()),
        }
    }
    pub(super) fn refusal(self) -> Refusal {
        let status = self.status.as_u16();
        if self.status.is_redirection() {
            return Refusal::new(format!("it answered {status}, a redirect, which is not followed"));
        }
        let said: String = String::from_utf8_lossy(&self.body).chars().map(|c| if c.is_control() { ' ' } else { c }).take(TOLD).collect();
        let why = if said.trim().is_empty() { format!("it answered {status}") } else { format!("it answered {status}: {}", said.trim()) };
        Refusal { why, wait: self.wait }
    }
}

impl Client {
    pub(super) fn new() -> Result<Self> {
        Self::with(PATIENCE)
    }
    /// With as much patience.
    pub(super) fn with(patience: Patience) -> Result<Self> {
        let client = Connect(patience).connect(&ClientOptions::default());
        client.map(Self).map_err(|e| Error::internal("prepare to speak to a cache").because(e))
    }
    /// Asks, and gives back whatever the answer is. A refusal if there is none.
    pub(super) async fn ask(&self, request: HttpRequest) -> std::result::Result<Answer, Refusal> {
        let asked = async {
            let response = self.0.execute(request).await.map_err(|error| {
                Refusal::new(match error.kind() {
                    HttpErrorKind::Connect => "it cannot be reached",
                    HttpErrorKind::Timeout => "it does not answer in time",
                    _ => "it does not answer",
                })
            })?;
            let (parts, body) = response.into_parts();
            let wait = parts.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
            let read = Limited::new(body, ANSWER_BYTES).collect().map_err(|_| Refusal::new("its answer breaks off, or is too long"));
            let body = read.await?.to_bytes();
            Ok(Answer { status: parts.status, body, wait: wait.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT)) })
        };
        timeout(TIME, asked).await.unwrap_or_else(|_| Err(Refusal::new("it does not answer in time")))
    }
}

/// A request with some headers. All of them are ASCII that was looked at before.
pub(super) fn request(
    method: &str,
    url: &str,
    headers: &[(HeaderName, String)],
    body: impl Into<HttpRequestBody>,
) -> std::result::Result<HttpRequest, Refusal> {
    let none = |_| Refusal::new("a request to it cannot be made");
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Refusal::new("a request to it cannot be made"))?;
    let mut builder = Request::builder().method(method).uri(url).header(header::USER_AGENT, concat!("Holt/", env!("CARGO_PKG_VERSION")));
    for (name, value) in headers {
        let value = HeaderValue::try_from(value).map_err(|_| Refusal::new("a header for it holds what no header may hold"))?;
        builder = builder.header(name, value);
    }
    builder.body(body.into()).map_err(none)
}
