//! Published pages on their way to an object store. In the server's process it hears of each page that changed (`shipping.rs`) and this only looks whether all
//! arrived; in a process of its own it ships what was noted of wikis that moved. Its cursor is a mark beside the published pages.

use super::{Name, Next, Stand, Turn, Worker};
use crate::app::App;
use holt_core::{Result, WikiId};
use holt_engine::directory::WikiRecord;
use holt_engine::{Wiki, sync};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long is waited for what is on its way.
const PATIENCE: Duration = Duration::from_secs(20);
/// When a wiki is looked at again of which something is missing, though nobody said that it changed, in seconds: they may be about to.
const SOON: i64 = 2;
/// The same for one that cannot be shipped, which `shipping.rs` tries again by itself.
const LATER: i64 = 60;

/// The worker.
#[derive(Default)]
pub struct Publishing {
    missed: Missed,
}

/// Wikis that were behind when they were looked at, though nobody had said that they changed: by the generation that they were at.
#[derive(Default)]
pub(super) struct Missed(Mutex<HashMap<WikiId, u64>>);

impl Missed {
    /// Whether it is the same as when this was asked last.
    pub(super) fn again(&self, app: &App, wiki: WikiId) -> Result<bool> {
        let generation = app.engine.fragments().wiki(wiki)?.map_or(0, |shared| shared.generation);
        let mut missed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let again = missed.insert(wiki, generation) == Some(generation);
        if again {
            missed.remove(&wiki);
        }
        Ok(again)
    }
    pub(super) fn forget(&self, wiki: WikiId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&wiki);
    }
}

/// Whether what moved is published here, where another process does that: nobody says so, and it may take its time.
pub(super) fn is_there(wiki: &Wiki, turn: &Turn<'_>) -> Result<bool> {
    // What nobody has read yet is not published, and owed to nobody.
    Ok(!turn.app.engine.is_beside() || turn.app.engine.fragments().wiki(wiki.id())?.is_none() || sync::is_at_head(wiki)?)
}

impl Worker for Publishing {
    /// What is taken off the air is taken off the edges.
    fn minds(&self, _record: &WikiRecord) -> bool {
        true
    }
    fn stand(&self, app: &App, stand: Stand) {
        if let Some(shipping) = &app.shipping {
            shipping.set_stand(stand);
        }
    }
    fn idle_because(&self, app: &App) -> Option<&'static str> {
        app.shipping.is_none().then_some(Name::Publish.wants())
    }
    fn serve(&self, wiki: &Arc<Wiki>, turn: &Turn<'_>) -> Result<Next> {
        let (id, local) = (wiki.id(), turn.app.engine.fragments());
        let Some(shipping) = &turn.app.shipping else { return Ok(Next::Done) };
        if !shipping.wait_for(id, PATIENCE) {
            return Ok(Next::At(turn.now() + LATER));
        }
        if !is_there(wiki, turn)? {
            return Ok(Next::At(turn.now() + SOON));
        }
        if shipping.is_whole(local, id)? {
            self.missed.forget(id);
            return Ok(Next::Done);
        }
        if turn.app.engine.is_beside() || self.missed.again(turn.app, id)? {
            shipping.add_behind(id);
        }
        Ok(Next::At(turn.now() + SOON))
    }
}
