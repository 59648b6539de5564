//! What pages mean: vectors of those that changed, for search by meaning. Its cursor stands in the index, beside the vectors.

use super::{Budget, Name, Next, Turn, Worker};
use crate::app::App;
use holt_core::{Result, WikiId};
use holt_engine::Wiki;
use holt_engine::meaning::{self, Embedder, Pace};
use std::sync::{Arc, Mutex, PoisonError};

/// The setting that says by which model all wikis were looked at.
const LOOKED: &str = "embedded";

/// The worker.
#[derive(Default)]
pub struct Embedding {
    /// How far it came with showing all wikis to another model.
    round: Mutex<Round>,
}

#[derive(Default)]
struct Round {
    /// What can be seen of the model's files.
    stamp: String,
    /// The last slug; none when all had their turn.
    after: Option<String>,
}

impl Worker for Embedding {
    fn budget(&self) -> Budget {
        // It is all computing, for minutes: whoever waits for a page comes first.
        Budget { nice: 19, ..Budget::default() }
    }
    fn serve(&self, wiki: &Arc<Wiki>, turn: &Turn<'_>) -> Result<Next> {
        if !turn.app.model.is_there() {
            return Ok(Next::Done);
        }
        let done = meaning::embed(wiki, &turn.app.model, turn)?;
        Ok(if done { Next::Done } else { Next::More })
    }
    /// All wikis, once, when there is another model: nothing in them moved.
    fn due(&self, app: &App, _now: i64, most: u32) -> Result<Vec<WikiId>> {
        let mut round = self.round.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = app.engine.directory();
        let stamp = app.model.stamp()?;
        if round.stamp != stamp {
            let is_known = directory.setting(LOOKED)?.as_ref() == Some(&stamp);
            *round = Round { stamp, after: (!is_known).then(String::new) };
        }
        let Some(after) = &round.after else { return Ok(Vec::new()) };
        let wikis = directory.list_wikis_after(after, most as usize)?;
        round.after = wikis.last().map(|last| last.slug.as_str().to_string());
        if round.after.is_none() {
            directory.set_setting(LOOKED, &round.stamp)?;
        }
        Ok(wikis.into_iter().map(|wiki| wiki.id).collect())
    }
    fn idle_because(&self, app: &App) -> Option<&'static str> {
        (!app.model.is_there()).then_some(Name::Embed.wants())
    }
}

impl Pace for Turn<'_> {
    fn goes_on(&self) -> bool {
        Turn::goes_on(self)
    }
    fn beat(&self) {
        Turn::beat(self);
    }
}
