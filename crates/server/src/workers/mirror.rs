//! Keeps wikis the same as repositories elsewhere (`pages::mirror`). Where those are is judged here, by `egress`, each time anew; git is told to go there and nowhere
//! else, and is ended when the turn is.

use super::{Budget, Next, Turn, Worker};
use holt_core::Result;
use holt_engine::Wiki;
use holt_engine::pages::mirror::{self, Mirror, Place};
use holt_engine::repo::GitStop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longest time of each thing that git does with a remote.
const TIME: Duration = Duration::from_secs(600);
/// How often is looked whether the turn goes on.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The worker.
pub struct Mirrors;

impl Worker for Mirrors {
    fn budget(&self) -> Budget {
        Budget { wikis: 4, turn: TIME, ..Budget::default() }
    }
    fn serve(&self, wiki: &Arc<Wiki>, turn: &Turn<'_>) -> Result<Next> {
        match mirror::next_look(wiki)? {
            Some((mirror, Some(time))) if time <= turn.now() => look(wiki, turn, &mirror)?,
            _ => {}
        }
        Ok(match mirror::next_look(wiki)? {
            Some((_, Some(time))) if time <= turn.now() => Next::More,
            Some((_, Some(time))) => Next::At(time),
            Some((_, None)) | None => Next::Done,
        })
    }
}

fn look(wiki: &Wiki, turn: &Turn<'_>, mirror: &Mirror) -> Result<()> {
    let place = match turn.app.hooks.place(&mirror.settings.url) {
        Ok(found) => Place { resolve: found.resolve, plain: found.plain, authorities: found.authorities },
        Err(error) => return mirror::refuse(wiki, mirror, &error),
    };
    let (stop, done) = (GitStop::after(TIME), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (stopping, over) = (stop.clone(), &done);
        scope.spawn(move || {
            while !over.load(Ordering::Acquire) {
                if !turn.goes_on() {
                    stopping.stop();
                    return;
                }
                std::thread::park_timeout(LOOK_EVERY);
            }
        });
        let synced = mirror::sync(wiki, mirror, &place, &stop);
        done.store(true, Ordering::Release);
        synced
    })
}
