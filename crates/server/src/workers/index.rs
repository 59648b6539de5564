//! What is derived of texts: search, lists, links, history. Saves bring it along themselves; this is for what came in behind the server's back, by git itself or
//! before a crash. Its cursor stands in the index.

use super::{Next, Turn, Worker};
use holt_core::Result;
use holt_engine::{Wiki, sync};
use std::sync::Arc;

/// The worker.
pub struct Indexing;

impl Worker for Indexing {
    fn serve(&self, wiki: &Arc<Wiki>, _turn: &Turn<'_>) -> Result<Next> {
        sync::catch_up(wiki).map(|_| Next::Done)
    }
}
