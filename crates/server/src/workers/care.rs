//! What people should look at, counted daily and when a wiki moved: so that whoever looks after many wikis sees where. The report itself is made when it is asked for.

use super::{Next, Turn, Worker};
use holt_core::{Actor, Result};
use holt_engine::{Read, Wiki, pages};
use std::sync::Arc;

const NAME: &str = "care";
/// Pages get stale by the day.
const DAY: i64 = 86_400;

/// The worker.
pub struct Care;

impl Worker for Care {
    fn serve(&self, wiki: &Arc<Wiki>, turn: &Turn<'_>) -> Result<Next> {
        let Some(head) = wiki.head()? else { return Ok(Next::Done) };
        let last = wiki.worker_cursor(NAME)?;
        if last.as_ref().is_none_or(|last| last.revision != head || last.at + DAY <= turn.now()) {
            let counts = pages::care::counts(&wiki.grant::<Read>(&Actor::System)?)?;
            let words = counts.iter().filter(|(_, count)| *count > 0).map(|(kind, count)| format!("{} {count}", kind.as_str()));
            wiki.set_worker_cursor(NAME, head, &words.collect::<Vec<_>>().join(", "))?;
        }
        Ok(Next::At(turn.now() + DAY))
    }
}
