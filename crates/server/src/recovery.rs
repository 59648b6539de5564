//! After a crash: which wikis still have to catch up with their last acknowledged save. They do so one after the other in the background, or
//! at once when somebody wants to read one.

use holt_core::WikiId;
use holt_engine::Engine;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The wikis that wait.
pub struct Recovery {
    waiting: Mutex<HashSet<WikiId>>,
    under_way: AtomicBool,
}

impl Recovery {
    /// All that wait.
    pub fn new(wikis: Vec<WikiId>) -> Self {
        Self { under_way: AtomicBool::new(!wikis.is_empty()), waiting: Mutex::new(wikis.into_iter().collect()) }
    }
    /// Whether any wiki waits: one load, for the path of every request.
    pub fn is_under_way(&self) -> bool {
        self.under_way.load(Ordering::Acquire)
    }
    /// Whether this one waits.
    pub fn waits(&self, wiki: WikiId) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).contains(&wiki)
    }
    /// Brings one wiki to HEAD; two callers do it once, and both wait for it.
    pub fn one(&self, engine: &Engine, wiki: WikiId) {
        match engine.recover(wiki) {
            Ok(()) => tracing::info!(wiki.id = %wiki, "caught up after the last run"),
            Err(error) => tracing::error!(wiki.id = %wiki, "could not catch up: {}", error.chain()),
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(&wiki);
        if waiting.is_empty() {
            self.under_way.store(false, Ordering::Release);
        }
    }
    /// Brings all to HEAD.
    pub fn all(&self, engine: &Engine) {
        loop {
            let next = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).iter().next().copied();
            let Some(wiki) = next else { return };
            self.one(engine, wiki);
        }
    }
}
