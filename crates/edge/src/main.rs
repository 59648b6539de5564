//! `holt-edge`: published pages out of a fragment store, without the server. Stateless; as many as one likes.

use clap::Parser;
use holt_core::session::ViewerKey;
use holt_edge::{Apex, Body, EdgeState, HostRule, Outcome, Reason, respond, security_headers, serve};
use holt_fragments::FragmentStore;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode, Uri};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Serve published pages of Holt wikis from a fragment store.
#[derive(Debug, Parser)]
#[command(name = "holt-edge", version)]
#[command(
    after_help = "Example:\n  holt-edge --fragments /srv/holt/fragments --listen 0.0.0.0:8081 --domain wiki.example.org --origin https://origin.example.org\n\nPages that are not published are sent on to --origin (307), or answered 404 without one."
)]
struct Flags {
    /// The fragment store: the directory `fragments` of a data directory
    #[arg(long, env = "HOLT_FRAGMENTS", value_name = "DIR")]
    fragments: PathBuf,
    /// Address to listen on
    #[arg(long, env = "HOLT_LISTEN", default_value = "127.0.0.1:8081", value_name = "ADDR")]
    listen: SocketAddr,
    /// Serve each wiki at SLUG.DOMAIN
    #[arg(long, env = "HOLT_DOMAIN", value_name = "DOMAIN")]
    domain: Option<String>,
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

fn run(flags: Flags) -> Result<(), String> {
    if !flags.fragments.is_dir() {
        return Err(format!("there is no fragment store {}; give the right one with --fragments", flags.fragments.display()));
    }
    let store = FragmentStore::foreign_folder(&flags.fragments);
    let default_wiki = match &flags.default_wiki {
        None => None,
        Some(slug) => Some(store.host(slug).ok().flatten().ok_or_else(|| format!("no wiki called {slug} is published here"))?),
    };
    let viewer_key = flags.viewer_key_file.as_deref().map(viewer_key).transpose()?;
    // As `holt serve` has it: without a wiki that was named, the domain itself is the platform, which is the origin's.
    let apex = if flags.domain.is_some() && default_wiki.is_none() { Apex::Platform } else { Apex::DefaultWiki };
    let hosts = HostRule { domain: flags.domain.map(|domain| domain.to_ascii_lowercase().into()), default_wiki, apex };
    let state = EdgeState { store, viewer_key, hosts, clock: now, visits: std::sync::Arc::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(flags.listen).await.map_err(|e| format!("cannot listen on {}: {e}", flags.listen))?;
        let address = listener.local_addr().map_err(|e| e.to_string())?;
        let stop = serve::Stop::listen().map_err(|e| e.to_string())?;
        {
            use std::io::Write;
            let _ = writeln!(std::io::stdout(), "listening on http://{address}");
        }
        let origin = flags.origin;
        let handle = move |request: http::Request<hyper::body::Incoming>, _| {
            let (state, origin) = (state.clone(), origin.clone());
            async move {
                match respond(&state, request.method(), request.uri(), request.headers()) {
                    Outcome::Response(response) => response,
                    Outcome::Fallback(fallback) => elsewhere(origin.as_deref(), request.uri(), &fallback.reason),
                }
            }
        };
        serve::serve(listener, stop, handle).await.map_err(|e| e.to_string())
    })
}

fn viewer_key(path: &std::path::Path) -> Result<ViewerKey, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    let secret = bytes.as_slice().try_into().map_err(|_| format!("{} does not hold exactly 32 bytes", path.display()))?;
    Ok(ViewerKey::new(secret))
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs().cast_signed())
}

/// What is not published here: the origin's, or 404.
fn elsewhere(origin: Option<&str>, uri: &Uri, reason: &Reason) -> Response<Body> {
    let (status, text) = match reason {
        Reason::BadAddress(_) => (StatusCode::BAD_REQUEST, "This address cannot be read.\n"),
        Reason::UnknownHost => (StatusCode::NOT_FOUND, "There is no wiki here: wiki not found.\n"),
        _ => (StatusCode::NOT_FOUND, "There is no such page.\n"),
    };
    let mut response = Response::new(Body::from(bytes::Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let target = origin.filter(|_| !matches!(reason, Reason::BadAddress(_) | Reason::UnknownHost));
    if let Some(target) = target.and_then(|origin| HeaderValue::try_from(format!("{}{uri}", origin.trim_end_matches('/'))).ok()) {
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        response.headers_mut().insert(header::LOCATION, target);
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    security_headers(headers);
    response
}
