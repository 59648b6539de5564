//! Answers out of an object store: what [`respond`] missed is fetched, and it is asked again. At most four times when nothing is known: whose
//! the host is; the manifests; the fragments; and once more if one of them was replaced meanwhile.

use crate::kept::{Asked, KeptAnswers, asked};
use crate::{Body, EdgeState, FRAME_CSP, Outcome, STATIC_CSP, respond};
use holt_core::{Error, Result, WikiId};
use holt_fragments::{Answer, FragmentStore, assets};
use holt_remote::{Fetcher, Remote};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Response, Uri};

/// How often it is asked again.
const ROUNDS: usize = 6;

/// A store on another machine, and what was answered out of it lately.
pub struct Distant {
    fetcher: Fetcher,
    pub(crate) kept: KeptAnswers,
}

impl Distant {
    /// Fetches from `remote` for the readers of `store`. Asks nothing yet.
    pub fn new(remote: Remote, store: &FragmentStore) -> Self {
        Self { fetcher: Fetcher::new(remote, store), kept: KeptAnswers::default() }
    }

    /// As [`respond`]; `None` if the store could not be asked, and what is known from before is too old or not enough. `state` has the store that
    /// this fetches for, and is the same each time.
    pub async fn respond(&self, state: &EdgeState, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Outcome> {
        let asked = asked(method, uri, headers);
        if let Some(response) = asked.as_ref().and_then(|asked| self.kept.answer(state, asked)) {
            return Some(Outcome::Response(response));
        }
        // Apart, because it is large, and has to be moved about even if nothing of it is needed.
        Box::pin(self.make(state, method, uri, headers, asked)).await
    }

    async fn make(&self, state: &EdgeState, method: &Method, uri: &Uri, headers: &HeaderMap, asked: Option<Asked>) -> Option<Outcome> {
        if let Some(response) = asset(self.fetcher.remote(), method, uri).await {
            return Some(Outcome::Response(response));
        }
        let state = EdgeState { store: state.store.for_one_reader(), ..state.clone() };
        for _ in 0..ROUNDS {
            let outcome = respond(&state, method, uri, headers);
            let (wanted, told) = (state.store.wanted(), state.store.told());
            if wanted.is_empty() {
                return Some(match (outcome, asked) {
                    (Outcome::Response(response), Some(asked)) => Outcome::Response(self.kept.keep(&state, asked, told, response)),
                    (outcome, _) => outcome,
                });
            }
            if !self.fetcher.fetch(&wanted).await {
                return None;
            }
            // Somebody else, who waited for the same, may have made it.
            if let Some(response) = asked.as_ref().and_then(|asked| self.kept.answer(&state, asked)) {
                return Some(Outcome::Response(response));
            }
        }
        None
    }

    /// The wiki that `slug` leads to. `Busy` if the store could not be asked.
    pub async fn host(&self, store: &FragmentStore, slug: &str) -> Result<Option<WikiId>> {
        let store = store.for_one_reader();
        if let Ok(found) = store.host(slug) {
            return Ok(found);
        }
        match self.fetcher.fetch(&store.wanted()).await {
            true => store.host(slug),
            false => Err(Error::busy("the object store does not answer").hint("Look at its address, its credentials and the network.")),
        }
    }
}

/// A style sheet or script of another version of this program, which pages published by that version name. `None` if it is not there, or our own.
async fn asset(remote: &Remote, method: &Method, uri: &Uri) -> Option<Response<Body>> {
    let (name, kind) = assets::stored_elsewhere(uri.path()).filter(|_| method == Method::GET || method == Method::HEAD)?;
    let Answer::Found(bytes, _) = remote.get(&name, None).await else { return None };
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    let policy = if kind.starts_with("text/html") { FRAME_CSP } else { STATIC_CSP };
    for (header, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(header, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    if method == Method::GET {
        *response.body_mut() = bytes.into();
    }
    Some(response)
}
