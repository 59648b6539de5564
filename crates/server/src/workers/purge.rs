//! Caches in front of published pages. In the server's process they hear of each page that changed (`purging.rs`) and this only looks whether all were told; in a
//! process of its own it has them forget what was noted of wikis that moved. Its cursors are marks beside the published pages.

use super::publish::{Missed, is_there};
use super::{Name, Next, Stand, Turn, Worker};
use crate::app::App;
use holt_core::Result;
use holt_engine::Wiki;
use holt_engine::directory::WikiRecord;
use std::sync::Arc;
use std::time::Duration;

/// How long is waited for caches that are being told.
const PATIENCE: Duration = Duration::from_secs(20);
/// When a wiki is looked at again that is on its way to where caches ask, in seconds.
const SOON: i64 = 2;
/// The same for one of which a cache cannot be told, which `purging.rs` tries again by itself.
const LATER: i64 = 60;

/// The worker.
#[derive(Default)]
pub struct Purge {
    missed: Missed,
}

impl Worker for Purge {
    /// What is taken off the air is nobody's to show.
    fn minds(&self, _record: &WikiRecord) -> bool {
        true
    }
    fn stand(&self, app: &App, stand: Stand) {
        if let Some(purging) = &app.purging {
            purging.set_stand(stand);
        }
    }
    fn idle_because(&self, app: &App) -> Option<&'static str> {
        app.purging.is_none().then_some(Name::Purge.wants())
    }
    fn serve(&self, wiki: &Arc<Wiki>, turn: &Turn<'_>) -> Result<Next> {
        let (id, local) = (wiki.id(), turn.app.engine.fragments());
        let Some(purging) = &turn.app.purging else { return Ok(Next::Done) };
        if !is_there(wiki, turn)? {
            return Ok(Next::At(turn.now() + SOON));
        }
        // A cache that forgets too early asks an edge that does not know yet.
        if turn.app.shipping.as_ref().map(|shipping| shipping.is_whole(local, id)).transpose()? == Some(false) {
            return Ok(Next::At(turn.now() + SOON));
        }
        if !purging.wait_for(id, PATIENCE) {
            return Ok(Next::At(turn.now() + LATER));
        }
        if purging.is_told(local, id)? {
            self.missed.forget(id);
            return Ok(Next::Done);
        }
        if turn.app.engine.is_beside() || self.missed.again(turn.app, id)? {
            purging.add_behind(local, id)?;
        }
        Ok(Next::At(turn.now() + SOON))
    }
}
