//! `holt serve` as a function of AWS Lambda, over a data directory on a file system that outlives it (docs/hosting.md). Lambda stops the process between two
//! events for as long as it likes, and may go on with another one, so nothing is held there: each event that is not a published page takes the data
//! directory, opens what it needs, is answered when all that follows from it is done, and gives everything back. What dies within an event is a crash like any other.

use super::{output, wiring};
use crate::app::{App, unix_millis, wall_clock};
use crate::config::ServeArgs;
use crate::recovery::Recovery;
use crate::reply::{Reply, text, with_header};
use crate::timeline::Timeline;
use crate::{front, mail, welcome};
use bytes::BytesMut;
use holt_core::{Error, ErrorKind, Result};
use holt_edge::lambda::{Event, LARGEST, Lateness, Runtime};
use holt_edge::{Body, EdgeState, Outcome, respond};
use holt_engine::directory::Purpose;
use holt_engine::{Engine, EngineOptions, maintenance};
use holt_fragments::FragmentStore;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::cell::RefCell;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Bytes that are under way between an event and the handlers.
const PIPE: usize = 256 * 1024;
/// How long letters may keep an answer.
const MAIL: Duration = Duration::from_secs(10);
/// Threads for handlers: what one event may ask for at once.
const THREADS: usize = 8;
/// How long is waited for a handler that has answered to let go of what it held.
const LET_GO: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(1);

/// Answers events until the runtime API at `api` does not go on.
pub fn run(args: &ServeArgs, api: &str, timeline: &Timeline) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(THREADS)
        .enable_all()
        .build()
        .map_err(|e| Error::io("start the runtime", e))?;
    let why = runtime.block_on(async {
        let mut api = Runtime::new(api, Lateness::Ends);
        let function = Function { args, timeline, edge: RefCell::default(), kept: RefCell::default() };
        match function.begin() {
            Ok(()) => {}
            // Another process is at an event: what the first start does is done then.
            Err(error) if error.kind == ErrorKind::Busy => tracing::warn!("{}", error.chain()),
            Err(error) => {
                let said = error.hint.as_ref().map_or_else(|| error.chain(), |hint| format!("{} {hint}", error.chain()));
                let _ = api.init_failed(&said).await;
                return error;
            }
        }
        timeline.stand("waiting for events");
        Error::internal(api.run(unix_millis, async |event| function.answer(event).await).await)
    });
    // Whatever is still under way has had its time, and ends with the process.
    runtime.shutdown_background();
    Err(why)
}

/// What the process keeps from one event to the next: nothing of the data directory.
struct Function<'a> {
    args: &'a ServeArgs,
    timeline: &'a Timeline,
    /// Shows published pages, which needs nothing but their files.
    edge: RefCell<Option<EdgeState>>,
    kept: RefCell<Option<Kept>>,
}

/// What counts over several events.
struct Kept {
    rates: crate::rates::Rates,
    agent_sessions: crate::agent_sessions::AgentSessions,
}

impl Function<'_> {
    /// Takes the data directory. `Busy` if another process has it.
    fn open(&self) -> Result<Engine> {
        Engine::open(EngineOptions { data: self.args.data.data.clone(), clock: wall_clock(), keep_open: self.args.keep_open })
    }
    /// What a start does once: catches up after a crash, makes the first wiki, says who may become administrator.
    fn begin(&self) -> Result<()> {
        if self.args.publish_to.is_some() || !self.args.readers.purge.is_empty() {
            return Err(Error::invalid("--publish-to and --purge are for a server that runs all the time")
                .hint("Leave them out here; `holt publish` brings pages to an object store whenever it is run."));
        }
        let engine = self.open()?;
        self.timeline.step("the data directory is taken, the platform's database is open");
        engine.publish_as(self.args.publish_encodings)?;
        Recovery::new(engine.interrupted()?).all(&engine);
        if engine.directory().list_wikis_after("", 1)?.is_empty() {
            welcome::make(&engine)?;
            self.timeline.step("the welcome wiki is made");
        }
        engine.upgrade()?;
        engine.show_all_hosts()?;
        if !engine.directory().has_operator()? {
            let token = engine.directory().create_one_time(Purpose::FirstAdministrator, None, engine.clock().now())?;
            output::line(format_args!(
                "To become the administrator, open within a day, at this function's host: /-/setup?token={}",
                token.expose()
            ));
        }
        engine.settle_all()?;
        let app = self.app(engine)?;
        self.keep(Arc::try_unwrap(app).map_err(|_| Error::internal("start: somebody uses what was only made"))?);
        self.timeline.step("the data directory is given back");
        Ok(())
    }
    fn app(&self, engine: Engine) -> Result<Arc<App>> {
        let recovery = Recovery::new(engine.interrupted()?);
        let mut app = wiring::app(self.args, engine, recovery)?;
        if let (Some(new), Some(kept)) = (Arc::get_mut(&mut app), self.kept.take()) {
            (new.rates, new.agent_sessions) = (kept.rates, kept.agent_sessions);
        }
        // An answer that waits for what may happen would be billed for it, and never end.
        app.followers.close();
        Ok(app)
    }
    /// Lets the data directory go, and keeps what counts.
    fn keep(&self, app: App) {
        let store = FragmentStore::foreign_folder(&app.engine.data().join("fragments"));
        *self.edge.borrow_mut() = Some(EdgeState { store, visits: Arc::default(), ..app.edge });
        *self.kept.borrow_mut() = Some(Kept { rates: app.rates, agent_sessions: app.agent_sessions });
    }

    async fn answer(&self, event: Event) -> Reply {
        // Published pages, as an edge answers them: nobody waits for them, and they wait for nobody.
        let edge = self.edge.borrow().clone();
        if let Some(Outcome::Response(reply)) = edge.map(|edge| respond(&edge, &event.method, &event.uri, &event.headers)) {
            self.timeline.replied(&reply);
            return reply;
        }
        let opened = self.open().and_then(|engine| self.app(engine));
        let app = match opened {
            Ok(app) => app,
            Err(error) if error.kind == ErrorKind::Busy => {
                tracing::warn!("{}", error.chain());
                let reply = text(StatusCode::SERVICE_UNAVAILABLE, "Somebody else is at this wiki. Try again in a moment.\n");
                return with_header(reply, header::RETRY_AFTER, "1");
            }
            Err(error) => return broken(&error),
        };
        let writes = !matches!(event.method, Method::GET | Method::HEAD);
        let reply = exchange(&app, event).await.unwrap_or_else(|error| broken(&error));
        self.timeline.replied(&reply);
        self.close(app, writes).await;
        reply
    }
    /// Does what else follows from an event, and gives everything back.
    async fn close(&self, mut app: Arc<App>, writes: bool) {
        if writes {
            let closing = app.clone();
            let closed = tokio::task::spawn_blocking(move || tidy_up(&closing)).await;
            // None of it undoes what was answered: it is there to be done again.
            match closed {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!("could not tidy up: {}", error.chain()),
                Err(_) => tracing::error!("tidying up panicked"),
            }
        }
        for _ in 0..LET_GO.as_millis() / LOOK.as_millis() {
            match Arc::try_unwrap(app) {
                Ok(app) => {
                    self.keep(app);
                    return;
                }
                Err(used) => app = used,
            }
            tokio::time::sleep(LOOK).await;
        }
        // It is given back when that ends; until then whoever asks is told to wait.
        tracing::error!("could not give the data directory back: a handler has answered and goes on");
    }
}

/// After a change: what a server does a second or a minute later.
fn tidy_up(app: &Arc<App>) -> Result<()> {
    if app.outbox.has_letters() {
        mail::start(app)?;
        app.outbox.close(MAIL);
    }
    for wiki in app.engine.interrupted()? {
        maintenance::tidy(&app.engine.wiki(wiki))?;
    }
    app.engine.note_moves()?;
    app.engine.directory().note_access(&app.edge.visits.take(), app.engine.clock().now())?;
    app.engine.empty_trash()?;
    app.engine.settle_all()
}

fn broken(error: &Error) -> Reply {
    tracing::error!("{}", error.chain());
    text(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.\n")
}

/// One request to the server's handlers and its answer, over a connection in memory: bodies, limits and routes are what they are anywhere else.
async fn exchange(app: &Arc<App>, event: Event) -> Result<Reply> {
    let peer = SocketAddr::new(event.from.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), 0);
    let mut request = Request::new(Body::from(event.body));
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (event.method, event.uri, event.headers);
    if *request.method() == Method::CONNECT {
        return Ok(text(StatusCode::METHOD_NOT_ALLOWED, "This is no proxy.\n"));
    }
    if !request.headers().contains_key(header::HOST) {
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("unknown.invalid"));
    }
    let failed = |what: &str, error: hyper::Error| Error::internal(format!("{what}: {error}"));
    let (ours, theirs) = tokio::io::duplex(PIPE);
    let handler = app.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let handler = handler.clone();
        async move { Ok::<_, Infallible>(front::handle(handler, request, peer).await) }
    });
    let serving = tokio::spawn(server::Builder::new().serve_connection(TokioIo::new(theirs), service));
    let (mut sender, connection) = client::handshake(TokioIo::new(ours)).await.map_err(|e| failed("take an event", e))?;
    let asking = tokio::spawn(connection);
    let answered = async {
        let response = sender.send_request(request).await.map_err(|e| failed("answer an event", e))?;
        let (mut parts, body) = response.into_parts();
        // Of the connection in memory, which nobody else sees.
        parts.headers.remove(header::CONNECTION);
        parts.headers.remove(header::TRANSFER_ENCODING);
        let mut body = pin!(body);
        let mut bytes = BytesMut::new();
        while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await {
            let frame = frame.map_err(|e| failed("answer an event", e))?;
            bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data.as_ref()));
            // More is an answer that says so.
            if bytes.len() > LARGEST {
                break;
            }
        }
        Ok(Reply::from_parts(parts, Body::from(bytes.freeze())))
    }
    .await;
    // With its connection the handler's part of the server goes.
    drop(sender);
    let _ = (asking.await, serving.await);
    answered
}
