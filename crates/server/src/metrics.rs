//! How the server is doing, for whoever watches many: Prometheus' text format, at an address of its own, as a proxy on this machine would
//! show everybody what is at ours. Numbers only, none of them of one wiki.

use crate::app::App;
use crate::purging::Figures;
use crate::reply::{Reply, text, with_header};
use crate::workers::{self, Status};
use holt_core::{Error, Result};
use holt_edge::serve::Stop;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;

/// Where it is.
pub const PATH: &str = "/-/metrics";

/// What was answered since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// By the first digit of their status: 1 to 5.
    requests: [AtomicU64; 5],
    published: AtomicU64,
}

impl Counts {
    /// A request was answered.
    pub fn note(&self, status: StatusCode) {
        if let Some(count) = self.requests.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
    /// It was answered with something published, without git and database.
    pub fn note_published(&self) {
        self.published.fetch_add(1, Ordering::Relaxed);
    }
}

/// Listens. What was bound is told; the task ends with the program.
pub async fn start(app: &Arc<App>, place: SocketAddr) -> Result<SocketAddr> {
    let listener = TcpListener::bind(place).await.map_err(|e| {
        Error::io(format!("listen on {place} for metrics"), e).hint("Another program may have that port: choose one with --metrics.")
    })?;
    let place = listener.local_addr().map_err(|e| Error::io("find out where metrics are", e))?;
    if !place.ip().is_loopback() {
        tracing::warn!("metrics are shown to whoever can reach {place}");
    }
    let stop = Stop::listen().map_err(|e| Error::io("listen for signals", e))?;
    let app = app.clone();
    tokio::spawn(holt_edge::serve::serve(listener, stop, move |request: http::Request<hyper::body::Incoming>, _| {
        let app = app.clone();
        async move { answer(&app, request.method(), request.uri().path(), request.headers()).await }
    }));
    Ok(place)
}

async fn answer(app: &Arc<App>, method: &Method, path: &str, headers: &HeaderMap) -> Reply {
    // Pages of other sites may not read this through somebody's browser, by a name of theirs that leads here.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let by_address = host.parse::<SocketAddr>().is_ok() || host.split(':').next() == Some("localhost");
    if !by_address && headers.contains_key("sec-fetch-site") {
        return text(StatusCode::FORBIDDEN, "This is not for browsers.\n");
    }
    if path != PATH && path != "/metrics" {
        return text(StatusCode::NOT_FOUND, "There is nothing here but /-/metrics.\n");
    }
    if method != Method::GET && method != Method::HEAD {
        return with_header(text(StatusCode::METHOD_NOT_ALLOWED, "This is only for reading.\n"), header::ALLOW, "GET, HEAD");
    }
    let asked = app.clone();
    let Ok(said) = tokio::task::spawn_blocking(move || described(&asked)).await else {
        return text(StatusCode::INTERNAL_SERVER_ERROR, "This cannot be said.\n");
    };
    let mut reply = text(StatusCode::OK, said);
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    reply
}

/// A text of metrics.
#[derive(Default)]
struct Text(String);

impl Text {
    fn begin(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }
    fn value(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = match labels {
            "" => writeln!(self.0, "{name} {value}"),
            labels => writeln!(self.0, "{name}{{{labels}}} {value}"),
        };
    }
    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.begin(name, kind, help);
        self.value(name, "", value);
    }
}

fn described(app: &App) -> String {
    let mut text = Text::default();
    text.begin("holt_build_info", "gauge", "The version that runs.");
    text.value("holt_build_info", concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), 1);
    if let Some(bytes) = resident_bytes() {
        text.one("process_resident_memory_bytes", "gauge", "Memory that is in use.", bytes);
    }
    text.begin("holt_requests_total", "counter", "Requests that were answered, by the first digit of their status.");
    for (count, digit) in app.counts.requests.iter().zip(1..) {
        text.value("holt_requests_total", &format!("status=\"{digit}xx\""), count.load(Ordering::Relaxed));
    }
    let published = app.counts.published.load(Ordering::Relaxed);
    text.one("holt_published_total", "counter", "Of these, what was published: neither git nor a database was asked.", published);
    if let Some(shipping) = &app.shipping {
        let behind = shipping.figures();
        text.one("holt_publish_behind_wikis", "gauge", "Wikis that are not in the object store as they are here.", behind.wikis);
        text.one("holt_publish_behind_pages", "gauge", "Pages that are not; of wikis that are compared, none is counted.", behind.pages);
        let seconds = behind.behind.as_secs_f64();
        text.one("holt_publish_behind_seconds", "gauge", "For how long, of the wiki that waits longest.", format_args!("{seconds:.3}"));
        text.one("holt_publish_failures_total", "counter", "How often a wiki could not be published there.", behind.failures);
    }
    if let Some(purging) = &app.purging {
        purges(&mut text, &purging.figures());
    }
    if let Ok(all) = workers::status(app.engine.directory(), app.engine.data(), app.engine.clock().now()) {
        work(&mut text, &all);
    }
    text.0
}

/// Of each worker, whatever process it is in.
fn work(text: &mut Text, all: &[Status]) {
    let mut each = |name: &str, kind: &str, help: &str, value: fn(&Status) -> String| {
        text.begin(name, kind, help);
        for status in all {
            text.value(name, &format!("worker=\"{}\"", status.worker), value(status));
        }
    };
    each("holt_worker_up", "gauge", "Whether a process has it, and it does not rest.", |s| {
        u8::from(matches!(s.state, "working" | "idle" | "held")).to_string()
    });
    each("holt_worker_held", "gauge", "Whether it may begin nothing, because its process takes too much memory.", |s| {
        u8::from(s.state == "held").to_string()
    });
    each("holt_worker_waiting_wikis", "gauge", "Wikis that it is to look at.", |s| s.waiting.to_string());
    each("holt_worker_behind_seconds", "gauge", "Since when the one of them waits that waits longest.", |s| s.behind_seconds.to_string());
    each("holt_worker_failing_wikis", "gauge", "Wikis where it failed, and will try again.", |s| s.failing.to_string());
    each("holt_worker_poisoned_wikis", "gauge", "Wikis that it has given up until they move.", |s| s.poisoned.to_string());
    each("holt_worker_turns_total", "counter", "Turns that ended well.", |s| s.turns.to_string());
    each("holt_worker_failures_total", "counter", "Turns that did not.", |s| s.failures.to_string());
    each("holt_worker_seconds_total", "counter", "How long turns took.", |s| format!("{}.{:03}", s.spent_ms / 1000, s.spent_ms % 1000));
}

/// Of each cache, by its place on the command line and its kind: addresses may hold what is nobody's business.
fn purges(text: &mut Text, caches: &[Figures]) {
    let label = |at: usize, cache: &Figures| format!("cache=\"{at}\",kind=\"{}\"", cache.kind);
    let mut each = |name: &str, kind: &str, help: &str, value: fn(&Figures) -> String| {
        text.begin(name, kind, help);
        for (at, cache) in caches.iter().enumerate() {
            text.value(name, &label(at + 1, cache), value(cache));
        }
    };
    each("holt_purge_behind_wikis", "gauge", "Wikis of which a cache may show what was.", |cache| cache.wikis.to_string());
    each("holt_purge_behind_seconds", "gauge", "For how long, of the wiki that waits longest.", |cache| {
        format!("{:.3}", cache.behind.as_secs_f64())
    });
    each("holt_purge_told_total", "counter", "How often a cache forgot what it was told to.", |cache| cache.told.to_string());
    each("holt_purge_refused_total", "counter", "How often it did not.", |cache| cache.refused.to_string());
}

/// What the system says; nothing where it says it otherwise.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
