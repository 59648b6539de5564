//! How much there is of each wiki: measured when it moved, so that lists of wikis need not open them; its owner is told once when a limit is near.

use super::{Next, Turn, Worker};
use crate::platform::letters;
use holt_core::{Actor, Result};
use holt_engine::directory::Measured;
use holt_engine::{Read, Wiki, pages};
use std::sync::Arc;

/// The worker.
pub struct Quota;

impl Worker for Quota {
    fn serve(&self, wiki: &Arc<Wiki>, turn: &Turn<'_>) -> Result<Next> {
        let directory = turn.app.engine.directory();
        let scope = wiki.grant::<Read>(&Actor::System)?;
        let pages = pages::counts(&scope)?.pages as u64;
        let bytes = pages::bytes(&scope)?.unwrap_or_default();
        let limits = directory.limits(wiki.id())?;
        let near = limits.is_near(pages, limits.pages.map(u64::from)) || limits.is_near(bytes, limits.bytes);
        let before = directory.usage(wiki.id())?;
        let told = before.is_some_and(|before| before.warned);
        if near && !told {
            letters::about_limit(turn.app, wiki.id());
        }
        let now = Measured { pages, bytes, at: turn.now(), warned: near };
        if before.is_none_or(|before| (before.pages, before.bytes, before.warned) != (pages, bytes, near)) {
            directory.note_usage(wiki.id(), &now)?;
        }
        Ok(Next::Done)
    }
}
