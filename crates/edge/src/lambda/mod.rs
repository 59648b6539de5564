//! A program as a function of AWS Lambda, the edge or the server: asks the runtime API for an event, answers it, asks for the next. One at a time, as Lambda has it.
//!
//! Five requests of plain HTTP/1.1 to a machine that is beside us; the official library brings forty crates for them, a second set of HTTP
//! types and a service framework. <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

mod answer;
mod event;

pub use answer::{LARGEST, answer_to_json};
pub use event::Event;

use crate::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::pin::Pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// The version of the API that is spoken.
const API: &str = "/2018-06-01/runtime";
/// What is left of an invocation's time when it is given up: enough to say so.
const MARGIN: u64 = 200;
/// How often in a row the API may break off before that is the end, and how long is waited after the first time; then twice as long.
const TRIES: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// Largest event: what Lambda lets in.
const EVENT_BYTES: usize = 8 * 1024 * 1024;

/// What went wrong between us and the runtime API.
#[derive(Debug)]
enum Trouble {
    /// The connection broke, or nobody listens: it may be better next time.
    Broken(String),
    /// It said that it cannot go on, or what nobody understands.
    Over(String),
}

/// A connection to the runtime API, made when it is needed.
pub struct Runtime {
    /// `HOST:PORT`, as `AWS_LAMBDA_RUNTIME_API` says.
    address: String,
    connection: Option<SendRequest<Body>>,
    lateness: Lateness,
}

/// What becomes of the process when the time of an invocation ends before its answer is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lateness {
    /// It goes on with the next.
    GoesOn,
    /// [`Runtime::run`] ends once that was said: what is under way holds something that nobody else can have before the process ends.
    Ends,
}

struct Invocation {
    id: String,
    /// Unix milliseconds, if it says so.
    deadline: Option<u64>,
    event: Bytes,
}

impl Runtime {
    /// The API at `address`. Connects to nothing.
    pub fn new(address: &str, lateness: Lateness) -> Self {
        Self { address: address.to_string(), connection: None, lateness }
    }

    /// Says that nothing can be answered, ever. An error if that could not be said.
    pub async fn init_failed(&mut self, message: &str) -> Result<(), String> {
        let sent = self.post(&format!("{API}/init/error"), complaint("Edge.Init", message), Some("Edge.Init")).await;
        sent.map_err(Trouble::text)
    }

    /// Answers invocations, one after the other, until the API does not go on: why. `now`: Unix milliseconds.
    pub async fn run(mut self, now: fn() -> u64, handle: impl AsyncFn(Event) -> Response<Body>) -> String {
        let mut broken = 0;
        loop {
            match self.one(now, &handle).await {
                Ok(()) => broken = 0,
                Err(Trouble::Over(why)) => return why,
                Err(Trouble::Broken(why)) => {
                    self.connection = None;
                    broken += 1;
                    if broken >= TRIES {
                        return why;
                    }
                    sleep(FIRST_WAIT * (1 << broken)).await;
                }
            }
        }
    }

    async fn one(&mut self, now: fn() -> u64, handle: &impl AsyncFn(Event) -> Response<Body>) -> Result<(), Trouble> {
        let invocation = self.next().await?;
        let base = format!("{API}/invocation/{}", invocation.id);
        let event = match Event::parse(&invocation.event) {
            Ok(event) => event,
            Err(why) => return self.post(&format!("{base}/error"), complaint("Edge.BadEvent", &why), Some("Edge.BadEvent")).await,
        };
        let left = invocation.deadline.map(|deadline| deadline.saturating_sub(now()).saturating_sub(MARGIN));
        let answered = match left {
            Some(left) => timeout(Duration::from_millis(left), handle(event)).await.ok(),
            None => Some(handle(event).await),
        };
        let late = answered.is_none();
        self.post(&format!("{base}/response"), answer_to_json(answered.unwrap_or_else(too_late)), None).await?;
        if late && self.lateness == Lateness::Ends {
            return Err(Trouble::Over("an invocation took longer than its time".into()));
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Invocation, Trouble> {
        let request = Request::get(format!("{API}/invocation/next")).body(Body::empty());
        // Waits as long as nobody asks for anything: Lambda stops the process meanwhile.
        let response = self.send(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let event = whole(response.into_body()).await?;
        if status != StatusCode::OK {
            return Err(Trouble::Over(format!("the runtime API answers {status} where the next event is")));
        }
        let id = text(&headers, "lambda-runtime-aws-request-id").filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        let id = id.ok_or_else(|| Trouble::Over("the runtime API gives an event without an id".into()))?.to_string();
        let deadline = text(&headers, "lambda-runtime-deadline-ms").and_then(|digits| digits.parse().ok());
        Ok(Invocation { id, deadline, event })
    }

    async fn post(&mut self, path: &str, body: Bytes, error: Option<&'static str>) -> Result<(), Trouble> {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json").header(header::CONTENT_LENGTH, body.len());
        if let Some(kind) = error {
            request = request.header("lambda-runtime-function-error-type", kind);
        }
        let response = self.send(request.body(body.into())).await?;
        let status = response.status();
        whole(response.into_body()).await?;
        // 4xx: this invocation is lost (its time was over, or it was too large), the next is not.
        if status.is_server_error() { Err(Trouble::Over(format!("the runtime API answers {status} to an answer"))) } else { Ok(()) }
    }

    async fn send(&mut self, request: Result<Request<Body>, http::Error>) -> Result<Response<Incoming>, Trouble> {
        let mut request = request.map_err(|e| Trouble::Over(format!("a request cannot be made: {e}")))?;
        let host = HeaderValue::try_from(&self.address).map_err(|e| Trouble::Over(format!("{} is no address: {e}", self.address)))?;
        request.headers_mut().insert(header::HOST, host);
        let broken = |why: String| Trouble::Broken(format!("the runtime API at {} cannot be asked: {why}", self.address));
        if self.connection.as_ref().is_none_or(SendRequest::is_closed) {
            let stream = TcpStream::connect(&self.address).await.map_err(|e| broken(e.to_string()))?;
            let _ = stream.set_nodelay(true);
            let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|e| broken(e.to_string()))?;
            tokio::spawn(async move {
                // How it ended is told to whoever sends next.
                let _ = connection.await;
            });
            self.connection = Some(sender);
        }
        let Some(sender) = &mut self.connection else { return Err(broken("no connection".into())) };
        sender.ready().await.map_err(|e| broken(e.to_string()))?;
        sender.send_request(request).await.map_err(|e| broken(e.to_string()))
    }
}

impl Trouble {
    fn text(self) -> String {
        match self {
            Self::Broken(text) | Self::Over(text) => text,
        }
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

async fn whole(mut body: Incoming) -> Result<Bytes, Trouble> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|e| Trouble::Broken(format!("the runtime API broke off: {e}")))?;
        bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data.as_ref()));
        if bytes.len() > EVENT_BYTES {
            return Err(Trouble::Over("the runtime API sends more than an event can be".into()));
        }
    }
    Ok(bytes.freeze())
}

/// What Lambda shows of an error.
fn complaint(kind: &str, message: &str) -> Bytes {
    serde_json::json!({"errorType": kind, "errorMessage": message, "stackTrace": []}).to_string().into()
}

fn too_late() -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from_static(b"This page cannot be had in time. Try again soon.\n")));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    crate::security_headers(headers);
    response
}

/// Methods that an event may have.
fn method(name: &str) -> Option<Method> {
    Method::from_bytes(name.as_bytes()).ok()
}
