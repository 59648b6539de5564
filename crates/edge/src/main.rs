//! `holt-edge`: published pages out of a fragment store, without the server. Stateless; as many as one likes.

use clap::Parser;
use holt_core::session::ViewerKey;
use holt_core::{BaseDomain, WikiId};
use holt_edge::{Apex, Body, EdgeState, HostRule, Outcome, Reason, remote, respond, security_headers, serve};
use holt_fragments::{FragmentStore, Freshness};
use holt_remote::{Remote, Use};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode, Uri};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
}

fn main() -> ExitCode {
    match run(Flags::parse()) {
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
#[derive(Clone)]
enum Source {
    /// In a folder of this machine.
    Here,
    /// In an object store.
    There(Remote),
}

impl Source {
    /// From the flag, with a store that reads it.
    fn open(flags: &Flags) -> Result<(Self, FragmentStore), String> {
        if flags.fragments.contains("://") {
            let remote = Remote::open(&flags.fragments, Use::Reading).map_err(|e| e.to_string())?;
            let freshness = Freshness { fresh: Duration::from_millis(flags.fresh), stale: Duration::from_secs(flags.stale) };
            return Ok((Self::There(remote), FragmentStore::fetched(freshness, milliseconds)));
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
            Self::There(remote) => remote::host(remote, store, slug).await.map_err(|e| e.to_string()),
        }
    }
    async fn respond(&self, state: &EdgeState, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Outcome> {
        match self {
            Self::Here => Some(respond(state, method, uri, headers)),
            Self::There(remote) => remote::respond_from(remote, state, method, uri, headers).await,
        }
    }
}

fn run(flags: Flags) -> Result<(), String> {
    let (source, store) = Source::open(&flags)?;
    let viewer_key = flags.viewer_key_file.as_deref().map(viewer_key).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let default_wiki = match &flags.default_wiki {
            None => None,
            Some(slug) => Some(source.host(&store, slug).await?.ok_or_else(|| format!("no wiki called {slug} is published here"))?),
        };
        // As `holt serve` has it: without a wiki that was named, the domain itself is the platform, which is the origin's.
        let apex = if flags.domain.is_some() && default_wiki.is_none() { Apex::Platform } else { Apex::DefaultWiki };
        let hosts = HostRule { domain: flags.domain.map(|domain| domain.as_str().into()), default_wiki, apex };
        let state = EdgeState { store, viewer_key, hosts, clock: now, visits: Arc::default() };
        let listener = tokio::net::TcpListener::bind(flags.listen).await.map_err(|e| format!("cannot listen on {}: {e}", flags.listen))?;
        let address = listener.local_addr().map_err(|e| e.to_string())?;
        let stop = serve::Stop::listen().map_err(|e| e.to_string())?;
        {
            use std::io::Write;
            let _ = writeln!(std::io::stdout(), "listening on http://{address}");
        }
        let origin = flags.origin;
        let handle = move |request: http::Request<hyper::body::Incoming>, _| {
            let (source, state, origin) = (source.clone(), state.clone(), origin.clone());
            async move {
                match source.respond(&state, request.method(), request.uri(), request.headers()).await {
                    Some(Outcome::Response(response)) => response,
                    Some(Outcome::Fallback(fallback)) => elsewhere(origin.as_deref(), request.uri(), Some(&fallback.reason)),
                    None => elsewhere(origin.as_deref(), request.uri(), None),
                }
            }
        };
        serve::serve(listener, stop, handle).await.map_err(|e| e.to_string())
    })
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

/// What is not published here: the origin's, or 404; 503 without a reason, as then nobody knows.
fn elsewhere(origin: Option<&str>, uri: &Uri, reason: Option<&Reason>) -> Response<Body> {
    let (status, text) = match reason {
        Some(Reason::BadAddress(_)) => (StatusCode::BAD_REQUEST, "This address cannot be read.\n"),
        Some(Reason::UnknownHost) => (StatusCode::NOT_FOUND, "There is no wiki here: wiki not found.\n"),
        Some(_) => (StatusCode::NOT_FOUND, "There is no such page.\n"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "This page cannot be had at the moment. Try again soon.\n"),
    };
    let mut response = Response::new(Body::from(bytes::Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let target = origin.filter(|_| !matches!(reason, Some(Reason::BadAddress(_) | Reason::UnknownHost)));
    if let Some(target) = target.and_then(|origin| HeaderValue::try_from(format!("{}{uri}", origin.trim_end_matches('/'))).ok()) {
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        response.headers_mut().insert(header::LOCATION, target);
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    security_headers(headers);
    response
}
