//! Which wikis are alive: at most one live handle per id, at most N kept when nobody uses them (security.md TEN-3, STYLE B.6).
//!
//! A [`Wiki`] shell is a path and empty cells, so there is no "opening" state. The weak map gives everybody the same shell as long as
//! anybody holds it, even after it left the keep-alive list: its write lock stays the only one for its id.

use crate::wiki::Wiki;
use holt_core::WikiId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The live wikis of one engine.
pub(crate) struct OpenWikis {
    keep: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    live: HashMap<WikiId, Weak<Wiki>>,
    /// Most recently used last. Dropping an entry closes the wiki unless somebody is using it.
    recent: VecDeque<Arc<Wiki>>,
}

impl OpenWikis {
    /// Keeps at most `keep` wikis open.
    pub(crate) fn new(keep: usize) -> Self {
        Self { keep: keep.max(1), state: Mutex::default() }
    }
    /// The live handle of `id`, made by `shell` if there is none.
    pub(crate) fn get(&self, id: WikiId, shell: impl FnOnce() -> Wiki) -> Arc<Wiki> {
        let mut evicted = Vec::new();
        let wiki = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let wiki = state.live.get(&id).and_then(Weak::upgrade).unwrap_or_else(|| Arc::new(shell()));
            state.live.insert(id, Arc::downgrade(&wiki));
            if let Some(at) = state.recent.iter().rposition(|w| w.id() == id) {
                state.recent.remove(at);
            }
            state.recent.push_back(wiki.clone());
            while state.recent.len() > self.keep {
                evicted.extend(state.recent.pop_front());
            }
            if state.live.len() > 2 * self.keep + 64 {
                state.live.retain(|_, weak| weak.strong_count() > 0);
            }
            wiki
        };
        // Closing files takes a while: outside the lock.
        drop(evicted);
        wiki
    }
    /// Lets go of `id`: it closes when its last user is done.
    pub(crate) fn forget(&self, id: WikiId) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<Arc<Wiki>> = state.recent.iter().filter(|w| w.id() == id).cloned().collect();
        state.recent.retain(|w| w.id() != id);
        drop(state);
        drop(gone);
    }
    /// How many wikis are alive, for metrics and tests.
    pub(crate) fn live(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.live.values().filter(|w| w.strong_count() > 0).count()
    }
}
