//! What files want done: packs are merged after saves; once a week drafts expire, git and SQLite look after what they keep, and all of a wiki is checked. What
//! the check found is said until the next one.

use super::{Budget, Next, Turn, Worker};
use holt_core::Result;
use holt_engine::{Wiki, maintenance};
use std::sync::Arc;
use std::time::Duration;

const NAME: &str = "maintenance";
/// How often all of a wiki is read, in seconds (security.md DUR-15).
const WEEK: i64 = 7 * 86_400;
/// Problems that are named.
const NAMED: usize = 5;

/// The worker.
pub struct Maintenance;

impl Worker for Maintenance {
    fn budget(&self) -> Budget {
        // Reading a large repository takes git as long as it takes.
        Budget { silence: Duration::from_secs(1800), ..Budget::default() }
    }
    fn serve(&self, wiki: &Arc<Wiki>, turn: &Turn<'_>) -> Result<Next> {
        maintenance::tidy(wiki)?;
        let Some(head) = wiki.head()? else { return Ok(Next::Done) };
        let (mut checked, mut found) = match wiki.worker_cursor(NAME)? {
            Some(cursor) => (cursor.at, cursor.note),
            // A wiki that is new was written just now: it is read in a week, not when it is busiest.
            None => {
                wiki.set_worker_cursor(NAME, head, "")?;
                (turn.now(), String::new())
            }
        };
        if checked + WEEK <= turn.now() {
            maintenance::upkeep(wiki)?;
            turn.beat();
            let problems = maintenance::check(wiki)?;
            found = problems.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
            if problems.len() > NAMED {
                found = format!("{found}; and {} more", problems.len() - NAMED);
            }
            wiki.set_worker_cursor(NAME, head, &found)?;
            checked = turn.now();
        }
        Ok(match found.is_empty() {
            true => Next::At(checked + WEEK),
            false => Next::Troubled(checked + WEEK, found),
        })
    }
}
