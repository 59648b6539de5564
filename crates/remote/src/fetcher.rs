//! Fetching for many readers of one store: whoever wants a file that is being fetched waits for that, so that a page that many people read at
//! once is asked for once.

use crate::Remote;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared, join_all};
use holt_fragments::FragmentStore;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// More fetches than this are looked through for those that nobody waits for any more.
const MANY: usize = 1024;

type Fetch = BoxFuture<'static, bool>;

/// Fetches files of `remote` into `store`. Clones share what is under way.
#[derive(Clone)]
pub struct Fetcher {
    remote: Remote,
    store: FragmentStore,
    /// By path. It ends when it is answered, or when the last one who waits for it goes away.
    under_way: Arc<Mutex<HashMap<String, WeakShared<Fetch>>>>,
}

impl Fetcher {
    /// Fetches for all readers of `store`.
    pub fn new(remote: Remote, store: &FragmentStore) -> Self {
        Self { remote, store: store.for_one_reader(), under_way: Arc::default() }
    }
    /// Where it fetches from.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }
    /// As [`Remote::fetch`].
    pub async fn fetch(&self, wanted: &[String]) -> bool {
        join_all(wanted.iter().map(|path| self.one(path))).await.into_iter().all(|learned| learned)
    }

    async fn one(&self, path: &str) -> bool {
        // Of a store that is late, nobody waits for what somebody else finds out: see `Remote::rests`.
        if self.remote.is_late() {
            return self.remote.fetch_one(&self.store, path).await;
        }
        self.share(path).await
    }

    /// The fetch of `path` that is under way, or a new one.
    fn share(&self, path: &str) -> Shared<Fetch> {
        let mut under_way = self.under_way();
        if let Some(fetch) = under_way.get(path).and_then(WeakShared::upgrade) {
            return fetch;
        }
        if under_way.len() >= MANY {
            under_way.retain(|_, fetch| fetch.upgrade().is_some());
        }
        let (all, name) = (self.clone(), path.to_string());
        let fetch = async move {
            let learned = all.remote.fetch_one(&all.store, &name).await;
            // Learned first: whoever wants it from now on finds it, or has to ask anew.
            all.under_way().remove(&name);
            learned
        };
        let fetch = fetch.boxed().shared();
        if let Some(weak) = fetch.downgrade() {
            under_way.insert(path.to_string(), weak);
        }
        fetch
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<String, WeakShared<Fetch>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
