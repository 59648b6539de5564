//! Accepting connections: HTTP/1.1 with limits, until told to stop. Shared by `holt-edge` and `holt serve`.

use crate::heads::Watched;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

/// Most connections at once; more wait in the kernel's queue (security.md RATE-4).
const CONNECTIONS: usize = 4096;
/// Time for the headers of a request (security.md INP-2).
const HEADER_TIME: Duration = Duration::from_secs(10);
/// Most header bytes and lines (security.md INP-1).
const HEADER_BYTES: usize = 32 * 1024;
const HEADER_LINES: usize = 100;
/// Time to finish what is under way when told to stop (security.md DUR-17).
const FINISH_TIME: Duration = Duration::from_secs(20);

/// SIGTERM and SIGINT, from now on. Made before anybody is told that the server listens: before that, they end the process at once.
pub struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// Begins to listen for them.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }
    /// Waits for the next one.
    pub async fn wanted(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Serves `listener` until `stop`, then finishes what is under way, at most 20 seconds; a second signal ends it at once.
pub async fn serve<H, F, B>(listener: TcpListener, stop: Stop, handle: H) -> std::io::Result<()>
where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    serve_apart(listener, 1, stop, handle).await
}

/// As [`serve`], on so many threads, of which the first is the one that this runs on. Each has connections of its own, as many as the others, and keeps
/// them: no thread is woken by another for more than a new connection.
pub async fn serve_apart<H, F, B>(listener: TcpListener, threads: usize, stop: Stop, handle: H) -> std::io::Result<()>
where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (told, signals) = watch::channel(0);
    // Nothing is ever sent: it ends when the last thread has.
    let (running, mut ended) = mpsc::channel::<Infallible>(1);
    let mut others = Vec::new();
    for _ in 1..threads {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (give, given) = mpsc::unbounded_channel();
        let (signals, handle, running) = (signals.clone(), handle.clone(), running.clone());
        std::thread::Builder::new().name("readers".into()).spawn(move || {
            let _running = running;
            runtime.block_on(take(Arrivals::Given(given), signals, handle));
        })?;
        others.push((give, Arc::default()));
    }
    drop(running);
    let door = Door { listener, slots: Arc::new(Semaphore::new(CONNECTIONS)), load: Arc::default(), others };
    let first = take(Arrivals::Accepted(door), signals, handle);
    until_done(async { tokio::join!(first, ended.recv()) }, told, stop).await;
    Ok(())
}

/// Counts signals for all who serve, until they are done.
async fn until_done<T>(serving: impl Future<Output = T>, told: watch::Sender<u8>, mut stop: Stop) {
    tokio::pin!(serving);
    loop {
        tokio::select! {
            _ = &mut serving => return,
            () = stop.wanted() => told.send_modify(|signals| *signals = signals.saturating_add(1)),
        }
    }
}

/// Waits until there were so many signals, or nobody counts them any more.
async fn signalled(signals: &mut watch::Receiver<u8>, count: u8) {
    let _ = signals.wait_for(|signals| *signals >= count).await;
}

/// A connection, of any thread.
struct Arrival<S> {
    stream: S,
    peer: SocketAddr,
    slot: OwnedSemaphorePermit,
    load: Load,
}

/// Each connection of a thread has a clone of it.
type Load = Arc<()>;

/// Where the connections of a thread come from.
enum Arrivals {
    Accepted(Door),
    Given(mpsc::UnboundedReceiver<Arrival<std::net::TcpStream>>),
}

impl Arrivals {
    async fn next(&mut self) -> Option<Arrival<TcpStream>> {
        match self {
            Self::Accepted(door) => door.next().await,
            Self::Given(given) => match given.recv().await {
                Some(Arrival { stream, peer, slot, load }) => Some(Arrival { stream: TcpStream::from_std(stream).ok()?, peer, slot, load }),
                None => std::future::pending().await,
            },
        }
    }
}

/// Accepts connections for all threads.
struct Door {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    load: Load,
    others: Vec<(mpsc::UnboundedSender<Arrival<std::net::TcpStream>>, Load)>,
}

impl Door {
    /// The next connection that is not given to another thread.
    async fn next(&self) -> Option<Arrival<TcpStream>> {
        loop {
            let slot = self.slots.clone().acquire_owned().await.ok()?;
            let Ok((stream, peer)) = self.listener.accept().await else {
                // Out of file descriptors, most likely: let some connections end first.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let idlest = self.others.iter().min_by_key(|(_, load)| Arc::strong_count(load));
            match idlest.filter(|(_, load)| Arc::strong_count(load) < Arc::strong_count(&self.load)) {
                None => return Some(Arrival { stream, peer, slot, load: self.load.clone() }),
                Some((give, load)) => {
                    if let Ok(stream) = stream.into_std() {
                        // It ends before this does only when it was told to stop.
                        let _ = give.send(Arrival { stream, peer, slot, load: load.clone() });
                    }
                }
            }
        }
    }
}

/// Serves connections until the first of `signals`, then finishes what is under way.
async fn take<H, F, B>(mut arrivals: Arrivals, signals: watch::Receiver<u8>, handle: H)
where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let graceful = GracefulShutdown::new();
    let (mut first, mut second) = (signals.clone(), signals);
    loop {
        let arrival = tokio::select! {
            () = signalled(&mut first, 1) => break,
            arrival = arrivals.next() => arrival,
        };
        let Some(Arrival { stream, peer, slot, load }) = arrival else { continue };
        // A small answer is sent at once, not held back for more.
        let _ = stream.set_nodelay(true);
        let handle = handle.clone();
        let service = service_fn(move |request| {
            let answer = handle(request, peer);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .max_headers(HEADER_LINES)
            .max_buf_size(HEADER_BYTES)
            .serve_connection(TokioIo::new(Watched::new(stream)), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // Broken connections are the client's affair.
            let _ = connection.await;
            drop((slot, load));
        });
    }
    drop(arrivals);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(FINISH_TIME) => {}
        () = signalled(&mut second, 2) => {}
    }
}
