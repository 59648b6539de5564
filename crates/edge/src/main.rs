//! `holt-edge`: published pages out of a fragment store, without the server. Stateless; as many as one likes.

use clap::Parser;
use holt_core::session::ViewerKey;
use holt_core::{BaseDomain, WikiId};
use holt_edge::remote::Distant;
use holt_edge::{
    Apex, Behind, Body, Caching, EdgeState, HostRule, LONGEST, Outcome, Reason, lambda, log_in, respond, security_headers, serve,
};
use holt_fragments::{FragmentStore, Freshness};
use holt_remote::{Remote, Use};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode, Uri};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Most threads that answer readers: what more of them could answer, no network in front of them asks for.
const THREADS: usize = 8;

/// Serve published pages of Holt wikis from a fragment store.
#[derive(Debug, Parser)]
#[command(name = "holt-edge", version)]
#[command(
    after_help = "Example:\n  holt-edge --fragments /srv/holt/fragments --listen 0.0.0.0:8081 --domain wiki.example.org --origin https://origin.example.org\n\nPages that are not published are sent on to --origin (307), or answered 404 without one."
)]
struct Flags {
    /// The fragment store: the directory `fragments` of a data directory, or where `holt publish` puts pages: s3://BUCKET/PATH, gs://…, az://…
    #[arg(long, env = "HOLT_FRAGMENTS", value_name = "DIR|URL")]
    fragments: String,
    /// Milliseconds for which what can change is not asked for again, with an object store
    #[arg(long, env = "HOLT_FRESH", default_value_t = 500, value_name = "MS")]
    fresh: u64,
    /// Seconds for which public pages are shown as they were while the object store does not answer
    #[arg(long, env = "HOLT_STALE", default_value_t = 86_400, value_name = "SECONDS")]
    stale: u64,
    /// Seconds for which shared caches in front may answer public pages without asking; 0: they ask each time
    #[arg(long, env = "HOLT_CDN_MAX_AGE", default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(..=i64::from(LONGEST)))]
    cdn_max_age: u32,
    /// Address to listen on
    #[arg(long, env = "HOLT_LISTEN", default_value = "127.0.0.1:8081", value_name = "ADDR")]
    listen: SocketAddr,
    /// Serve each wiki at SLUG.DOMAIN
    #[arg(long, env = "HOLT_DOMAIN", value_name = "DOMAIN")]
    domain: Option<BaseDomain>,
    /// The wiki that loopback names and addresses show
    #[arg(long, env = "HOLT_DEFAULT_WIKI", value_name = "SLUG")]
    default_wiki: Option<String>,
    /// Where `holt serve` is: everything that is not a published page is sent there
    #[arg(long, env = "HOLT_ORIGIN", value_name = "URL")]
    origin: Option<String>,
    /// File with the 32-byte key that signs viewer tokens; without it private wikis are not served
    #[arg(long, env = "HOLT_VIEWER_KEY_FILE", value_name = "FILE")]
    viewer_key_file: Option<PathBuf>,
    /// The header in which whoever is in front says which host was asked, where it cannot keep `Host`; nobody else may be able to reach the edge
    #[arg(long, env = "HOLT_HOST_HEADER", value_name = "NAME")]
    host_header: Option<HeaderName>,
    /// Where AWS Lambda says what to answer: set by it, and then nothing is listened on
    #[arg(long, env = "AWS_LAMBDA_RUNTIME_API", hide = true, value_name = "HOST:PORT")]
    runtime_api: Option<String>,
}

fn main() -> ExitCode {
    match run(&Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            complain(&message);
            ExitCode::from(1)
        }
    }
}

fn complain(message: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "holt-edge: {message}");
}

/// Where the published files are.
enum Source {
    /// In a folder of this machine.
    Here,
    /// In an object store.
    There(Box<Distant>),
}

impl Source {
    /// From the flag, with a store that reads it.
    fn open(flags: &Flags) -> Result<(Self, FragmentStore), String> {
        if flags.fragments.contains("://") {
            let remote = Remote::open(&flags.fragments, Use::Reading).map_err(|e| e.to_string())?;
            let freshness = Freshness { fresh: Duration::from_millis(flags.fresh), stale: Duration::from_secs(flags.stale) };
            let store = FragmentStore::fetched(freshness, milliseconds);
            return Ok((Self::There(Box::new(Distant::new(remote, &store))), store));
        }
        let folder = Path::new(&flags.fragments);
        if !folder.is_dir() {
            return Err(format!("there is no fragment store {}; give the right one with --fragments", folder.display()));
        }
        Ok((Self::Here, FragmentStore::foreign_folder(folder)))
    }
    async fn host(&self, store: &FragmentStore, slug: &str) -> Result<Option<WikiId>, String> {
        match self {
            Self::Here => store.host(slug).map_err(|e| e.to_string()),
            Self::There(distant) => distant.host(store, slug).await.map_err(|e| e.to_string()),
        }
    }
    async fn respond(&self, state: &EdgeState, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Outcome> {
        match self {
            Self::Here => Some(respond(state, method, uri, headers)),
            Self::There(distant) => distant.respond(state, method, uri, headers).await,
        }
    }
}

/// What answers a request, however it came in.
struct Edge {
    source: Source,
    state: EdgeState,
    origin: Option<Arc<str>>,
    host_header: Option<HeaderName>,
}

impl Edge {
    async fn open(flags: &Flags) -> Result<Self, String> {
        let (source, store) = Source::open(flags)?;
        let viewer_key = flags.viewer_key_file.as_deref().map(viewer_key).transpose()?;
        let default_wiki = match &flags.default_wiki {
            None => None,
            Some(slug) => Some(source.host(&store, slug).await?.ok_or_else(|| format!("no wiki called {slug} is published here"))?),
        };
        // As `holt serve` has it: without a wiki that was named, the domain itself is the platform, which is the origin's.
        let apex = if flags.domain.is_some() && default_wiki.is_none() { Apex::Platform } else { Apex::DefaultWiki };
        let hosts = HostRule { domain: flags.domain.as_ref().map(|domain| domain.as_str().into()), default_wiki, apex };
        let behind = if flags.origin.is_some() { Behind::Origin } else { Behind::Nobody };
        let caching = Caching::shared(flags.cdn_max_age, Duration::from_secs(flags.stale));
        let state = EdgeState { store, viewer_key, hosts, clock: now, visits: Arc::default(), caching, behind };
        Ok(Self { source, state, origin: flags.origin.as_deref().map(Into::into), host_header: flags.host_header.clone() })
    }

    async fn answer(&self, method: &Method, uri: &Uri, mut headers: HeaderMap) -> Response<Body> {
        if let Some(name) = &self.host_header {
            // Of several, nobody knows which one the network in front of us wrote.
            let hosts: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
            headers.remove(header::HOST);
            for host in hosts {
                headers.append(header::HOST, host);
            }
            if !headers.contains_key(header::HOST) {
                return elsewhere(None, uri, Some(&Reason::UnknownHost));
            }
        }
        match self.source.respond(&self.state, method, uri, &headers).await {
            Some(Outcome::Response(response)) => response,
            // With an origin they are sent there, which sends them on.
            Some(Outcome::Fallback(fallback)) if self.origin.is_none() && fallback.reason == Reason::NeedsViewer => {
                log_in(uri, &headers).unwrap_or_else(|| elsewhere(None, uri, Some(&fallback.reason)))
            }
            Some(Outcome::Fallback(fallback)) => elsewhere(self.origin.as_deref(), uri, Some(&fallback.reason)),
            None => elsewhere(self.origin.as_deref(), uri, None),
        }
    }
}

fn run(flags: &Flags) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        match &flags.runtime_api {
            Some(api) => answer_events(flags, api).await,
            None => listen(flags).await,
        }
    })
}

async fn listen(flags: &Flags) -> Result<(), String> {
    let edge = Arc::new(Edge::open(flags).await?);
    let listener = tokio::net::TcpListener::bind(flags.listen).await.map_err(|e| format!("cannot listen on {}: {e}", flags.listen))?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    let stop = serve::Stop::listen().map_err(|e| e.to_string())?;
    {
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), "listening on http://{address}");
    }
    let handle = move |request: http::Request<hyper::body::Incoming>, _| {
        let edge = edge.clone();
        async move {
            let (parts, _) = request.into_parts();
            edge.answer(&parts.method, &parts.uri, parts.headers).await
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    serve::serve_apart(listener, threads, stop, handle).await.map_err(|e| e.to_string())
}

/// As a function of AWS Lambda, which ends the process when it wants.
async fn answer_events(flags: &Flags, api: &str) -> Result<(), String> {
    let mut runtime = lambda::Runtime::new(api, lambda::Lateness::GoesOn);
    match Edge::open(flags).await {
        Ok(edge) => {
            let edge = &edge;
            Err(runtime.run(milliseconds, async move |event| edge.answer(&event.method, &event.uri, event.headers).await).await)
        }
        Err(why) => {
            // Lambda shows it in its log; so do we.
            let _ = runtime.init_failed(&why).await;
            Err(why)
        }
    }
}

fn viewer_key(path: &Path) -> Result<ViewerKey, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    let secret = bytes.as_slice().try_into().map_err(|_| format!("{} does not hold exactly 32 bytes", path.display()))?;
    Ok(ViewerKey::new(secret))
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs().cast_signed())
}

/// Milliseconds that go on while the process sleeps, as functions in the cloud do between two requests.
fn milliseconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// What is not published here: the origin's, or 404; 503 for what is broken, and without a reason, as then nobody knows.
fn elsewhere(origin: Option<&str>, uri: &Uri, reason: Option<&Reason>) -> Response<Body> {
    let (status, text) = match reason {
        Some(Reason::BadAddress(_)) => (StatusCode::BAD_REQUEST, "This address cannot be read.\n"),
        Some(Reason::UnknownHost) => (StatusCode::NOT_FOUND, "There is no wiki here: wiki not found.\n"),
        // Caches keep what they have of it, as they would not after 404.
        None | Some(Reason::Broken | Reason::TooManyHosts) => {
            (StatusCode::SERVICE_UNAVAILABLE, "This page cannot be had at the moment. Try again soon.\n")
        }
        Some(_) => (StatusCode::NOT_FOUND, "There is no such page.\n"),
    };
    let mut response = Response::new(Body::from(bytes::Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let target = origin.filter(|_| !matches!(reason, Some(Reason::BadAddress(_) | Reason::UnknownHost | Reason::TooManyHosts)));
    // Path and query alone: who asks may have put another host before them.
    let asked = uri.path_and_query().map_or("/", |asked| asked.as_str());
    if let Some(target) = target.and_then(|origin| HeaderValue::try_from(format!("{}{asked}", origin.trim_end_matches('/'))).ok()) {
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        response.headers_mut().insert(header::LOCATION, target);
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    if status == StatusCode::BAD_REQUEST {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    security_headers(headers);
    response
}
