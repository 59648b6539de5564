//! Which wikis make their index again, and how that went the last time, in memory only: whoever wants to know asks the process that did it.

use holt_core::{Error, Result, WikiId};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Most at once, in all wikis.
const AT_ONCE: usize = 2;
/// Most wikis whose last result is kept.
const KEPT: usize = 1_000;

/// How it stands, times in Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is being made.
    InProgress {
        /// Since when.
        started: i64,
    },
    /// It was made.
    Complete {
        /// How many pages are in it.
        pages: usize,
        /// Into how many pieces they are cut for search by meaning.
        pieces: usize,
        /// When.
        completed: i64,
    },
    /// It could not be made; the old one is there.
    Error {
        /// Why.
        message: String,
        /// When.
        completed: i64,
    },
}

/// All of them.
#[derive(Debug, Default)]
pub struct Reindexing(Mutex<HashMap<WikiId, State>>);

impl Reindexing {
    /// Notes that `wiki` begins. `Conflict` if it is at it already, `Busy` if too many are.
    pub fn begin(&self, wiki: WikiId, now: i64) -> Result<()> {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_running = |state: &State| matches!(state, State::InProgress { .. });
        if states.get(&wiki).is_some_and(is_running) {
            return Err(Error::conflict("the index is being made already").hint("Ask `GET /reindex/status` until it is complete."));
        }
        if states.values().filter(|state| is_running(state)).count() >= AT_ONCE {
            return Err(Error::busy("other wikis make their index").hint("Try again in a moment."));
        }
        if states.len() >= KEPT {
            states.retain(|_, state| is_running(state));
        }
        states.insert(wiki, State::InProgress { started: now });
        Ok(())
    }
    /// Notes how it went.
    pub fn end(&self, wiki: WikiId, state: State) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(wiki, state);
    }
    /// How it stands; none if nobody asked for it.
    pub fn state(&self, wiki: WikiId) -> Option<State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&wiki).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holt_core::ErrorKind;

    #[test]
    fn one_at_a_time_and_few_at_all() {
        let jobs = Reindexing::default();
        let [a, b, c] = [1, 2, 3].map(WikiId::from_random);
        jobs.begin(a, 1).unwrap();
        assert_eq!((jobs.begin(a, 2).unwrap_err().kind, jobs.state(b)), (ErrorKind::Conflict, None));
        jobs.begin(b, 2).unwrap();
        assert_eq!(jobs.begin(c, 3).unwrap_err().kind, ErrorKind::Busy);
        jobs.end(a, State::Error { message: "x".into(), completed: 4 });
        jobs.begin(c, 5).unwrap();
        jobs.end(b, State::Complete { pages: 1, pieces: 1, completed: 5 });
        jobs.begin(a, 6).unwrap();
        assert_eq!(jobs.state(a), Some(State::InProgress { started: 6 }));
    }
}
