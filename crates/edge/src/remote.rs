//! Answers out of an object store: what [`respond`] missed is fetched, and it is asked again. At most four times when nothing is known: whose
//! the host is; the manifests; the fragments; and once more if one of them was replaced meanwhile.

use crate::{EdgeState, Outcome, respond};
use holt_core::{Error, Result, WikiId};
use holt_fragments::FragmentStore;
use holt_remote::Remote;
use http::header::HeaderMap;
use http::{Method, Uri};

/// How often it is asked again.
const ROUNDS: usize = 6;

/// As [`respond`]; `None` if the store could not be asked, and what is known from before is too old or not enough.
pub async fn respond_from(remote: &Remote, state: &EdgeState, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Outcome> {
    let state = EdgeState { store: state.store.for_one_reader(), ..state.clone() };
    for _ in 0..ROUNDS {
        let outcome = respond(&state, method, uri, headers);
        let wanted = state.store.wanted();
        if wanted.is_empty() {
            return Some(outcome);
        }
        if !remote.fetch(&state.store, &wanted).await {
            return None;
        }
    }
    None
}

/// The wiki that `slug` leads to. `Busy` if the store could not be asked.
pub async fn host(remote: &Remote, store: &FragmentStore, slug: &str) -> Result<Option<WikiId>> {
    let store = store.for_one_reader();
    if let Ok(found) = store.host(slug) {
        return Ok(found);
    }
    match remote.fetch(&store, &store.wanted()).await {
        true => store.host(slug),
        false => Err(Error::busy("the object store does not answer").hint("Look at its address, its credentials and the network.")),
    }
}
