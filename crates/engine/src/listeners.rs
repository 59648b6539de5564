//! Who wants to know that a wiki has changed.

use holt_core::WikiId;
use std::sync::{PoisonError, RwLock};

type Listener = Box<dyn Fn(WikiId) + Send + Sync>;

/// Called one after the other.
#[derive(Default)]
pub(crate) struct Listeners(RwLock<Vec<Listener>>);

impl Listeners {
    pub(crate) fn add(&self, listener: Listener) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }
    pub(crate) fn tell(&self, wiki: WikiId) {
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().for_each(|listener| listener(wiki));
    }
}
