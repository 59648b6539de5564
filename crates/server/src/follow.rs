//! Answers that wait for something to say: held back until there is news (a long poll), or told as events one after the other (SSE).
//!
//! Nothing is decided here. A request that waits is asked again, with another `since`, whenever its wiki has changed and at every heartbeat;
//! so whoever loses a right, a membership or a token meanwhile is refused like anybody else, and gets nothing more.

use crate::app::App;
use crate::followers::{Place, Woken};
use crate::front;
use crate::reply::{Reply, raw, with_header};
use crate::request::Request;
use crate::turns::Kind;
use bytes::Bytes;
use holt_edge::{Body, Fallback};
use http::header::{self, HeaderName};
use http::{StatusCode, Uri};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::{Instant, timeout};

/// How often somebody who waits is looked after though nothing was heard: rights may have gone, and git itself may have moved the branch.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a stream waits for a reader who takes nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// Events on their way to a reader.
const QUEUE: usize = 16;

/// What a handler says who has more to say, or nothing yet.
#[derive(Debug)]
pub struct Later {
    /// Taken by the first turn, before it looked.
    pub place: Option<Place>,
    /// How the rest is told.
    pub how: How,
    /// Where to ask again.
    pub next: Uri,
    /// Whether there is more to be had at `next` without waiting.
    pub more: bool,
    /// What there is now, as JSON, each with the revision that names it.
    pub events: Vec<(String, String)>,
    /// The revision up to which everything is told then.
    pub until: String,
    /// What is said at the end of a stream of messages.
    pub farewell: Option<Farewell>,
}

/// The last message of a stream, as JSON: which one it is depends on why it ends.
#[derive(Debug)]
pub struct Farewell {
    /// In good order: its time is over, or the server ends.
    pub complete: String,
    /// The credentials are not valid any more.
    pub unknown: String,
    /// Whoever listens may not any more.
    pub denied: String,
}

impl Farewell {
    /// What is said when the request, asked again, has this status.
    fn at(self, status: StatusCode) -> String {
        match status {
            StatusCode::UNAUTHORIZED => self.unknown,
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => self.denied,
            _ => self.complete,
        }
    }
}

/// See [`Later`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// One answer, as soon as there is something, after this time at the latest.
    Answer(Duration),
    /// Events.
    Stream,
    /// Messages of JSON-RPC, for so many seconds by the engine's clock: looked at with every message and heartbeat.
    Messages(i64),
}

/// Responses are cloned by their library; what waits is not.
#[derive(Clone)]
struct Attached(Arc<Mutex<Option<Later>>>);

/// Attaches it to an answer.
pub fn attach(mut reply: Reply, later: Later) -> Reply {
    reply.extensions_mut().insert(Attached(Arc::new(Mutex::new(Some(later)))));
    reply
}

/// Takes it from an answer.
pub fn take(reply: &mut Reply) -> Option<Later> {
    let attached = reply.extensions_mut().remove::<Attached>()?;
    attached.0.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The answer to a request whose handler had a [`Later`].
pub async fn follow(app: Arc<App>, request: Arc<Request>, fallback: Arc<Fallback>, reply: Reply, mut later: Later) -> Reply {
    let Some(place) = later.place.take() else { return reply };
    let asked = Asked { app, request, fallback };
    match later.how {
        How::Answer(time) => hold(&asked, reply, later, place, time).await,
        How::Stream | How::Messages(_) => stream(asked, later, place),
    }
}

/// A request that is asked again.
struct Asked {
    app: Arc<App>,
    request: Arc<Request>,
    fallback: Arc<Fallback>,
}

impl Asked {
    async fn again(&self, uri: Uri) -> Reply {
        let closed = || raw(StatusCode::SERVICE_UNAVAILABLE, "application/json", "{\"error\": \"the server ends\", \"code\": \"busy\"}");
        let Ok(_turn) = self.app.followers.turns.acquire().await else { return closed() };
        let Some(permit) = self.app.turns.wait(self.fallback.wiki, Kind::Read).await else { return closed() };
        front::work(&self.app, &Arc::new(self.request.again(uri)), &self.fallback, permit).await
    }
}

async fn hold(asked: &Asked, mut reply: Reply, mut later: Later, mut place: Place, time: Duration) -> Reply {
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if timeout(left.min(HEARTBEAT), place.wait()).await == Ok(Woken::End) {
            return reply;
        }
        reply = asked.again(later.next).await;
        match take(&mut reply) {
            Some(still) if Instant::now() < end => later = still,
            _ => return reply,
        }
    }
}

fn stream(asked: Asked, later: Later, place: Place) -> Reply {
    let (send, pieces) = mpsc::channel(QUEUE);
    tokio::spawn(tell(asked, later, place, send));
    let mut reply = raw(StatusCode::OK, "text/event-stream", Bytes::new());
    reply.headers_mut().remove(header::CONTENT_LENGTH);
    *reply.body_mut() = Body::arriving(pieces);
    // Proxies that collect an answer before they pass it on would hold back every event.
    with_header(reply, HeaderName::from_static("x-accel-buffering"), "no")
}

/// Ends when the reader is gone, the server ends, or the request is refused.
async fn tell(asked: Asked, mut later: Later, mut place: Place, send: Sender<Bytes>) {
    let say = async |text: String| matches!(timeout(PATIENCE, send.send(text.into())).await, Ok(Ok(())));
    let clock = asked.app.engine.clock().clone();
    let end = match later.how {
        How::Messages(life) => Some(clock.now().saturating_add(life)),
        _ => None,
    };
    let farewell = later.farewell.take();
    let last = async |message: Option<String>| {
        if let Some(message) = message {
            say(format!("event: message\ndata: {message}\n\n")).await;
        }
    };
    if end.is_none() {
        // Whoever comes back after this says from where on, even if nothing happened until then.
        let start = if later.events.is_empty() { format!("id: {}\n", later.until) } else { String::new() };
        if !say(format!("retry: 5000\n{start}\n")).await {
            return;
        }
    }
    loop {
        for (id, event) in &later.events {
            let said = if end.is_none() { format!("id: {id}\nevent: change\n") } else { "event: message\n".to_string() };
            if !say(format!("{said}data: {event}\n\n")).await {
                return;
            }
        }
        if end.is_some_and(|end| clock.now() >= end) {
            return last(farewell.map(|farewell| farewell.complete)).await;
        }
        if !later.more {
            tokio::select! {
                () = send.closed() => return,
                woken = timeout(HEARTBEAT, place.wait()) => match woken {
                    Ok(Woken::End) => return last(farewell.map(|farewell| farewell.complete)).await,
                    Ok(Woken::News) => {}
                    Err(_) => if !say(":\n\n".to_string()).await { return },
                },
            }
        }
        let mut reply = asked.again(later.next).await;
        match take(&mut reply) {
            Some(next) => later = next,
            None if end.is_some() => return last(farewell.map(|farewell| farewell.at(reply.status()))).await,
            None => {
                let why = String::from_utf8_lossy(&reply.into_body().into_bytes()).replace(['\r', '\n'], " ");
                say(format!("event: error\ndata: {why}\n\n")).await;
                return;
            }
        }
    }
}
