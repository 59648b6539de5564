//! Which wikis somebody asked for, until whoever embeds the edge writes it down: reading a page writes nothing.

use holt_core::WikiId;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Most wikis that are remembered between two looks: one that is asked for after them is noted the next time.
const WIKIS: usize = 100_000;

/// A set of wikis that is emptied now and then.
#[derive(Debug, Default)]
pub struct Visits(Mutex<HashSet<WikiId>>);

impl Visits {
    /// Somebody asked for something of `wiki`.
    pub fn note(&self, wiki: WikiId) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < WIKIS {
            seen.insert(wiki);
        }
    }
    /// The wikis that were asked for since this was last asked.
    pub fn take(&self) -> Vec<WikiId> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
}
