//! Who waits for changes of a wiki: an answer that is held back, or a stream of events. They wait on the runtime, not on a thread, for the
//! engine's word that a wiki has changed, and are few: a place is taken before anybody waits.

use crate::api::credentials::Identity;
use holt_core::WikiId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, watch};

/// Most that wait at once for all wikis, and for one (security.md INP-19).
const ALL: usize = 1024;
const OF_A_WIKI: usize = 256;
/// Most that wait at once in the name of one caller.
pub const OF_A_CALLER: usize = 8;
/// Most of them that are answered at once: a change that all wait for leaves room for others.
const TURNS: usize = 4;

/// Everybody who waits.
#[derive(Debug)]
pub struct Followers {
    state: Mutex<State>,
    end: watch::Sender<bool>,
    /// Taken while one of them is answered.
    pub turns: Semaphore,
}

#[derive(Debug, Default)]
struct State {
    all: usize,
    wikis: HashMap<WikiId, OfAWiki>,
}

#[derive(Debug)]
struct OfAWiki {
    news: watch::Sender<()>,
    callers: HashMap<Identity, usize>,
}

impl Default for OfAWiki {
    fn default() -> Self {
        Self { news: watch::Sender::new(()), callers: HashMap::new() }
    }
}

impl Default for Followers {
    fn default() -> Self {
        Self { state: Mutex::default(), end: watch::Sender::new(false), turns: Semaphore::new(TURNS) }
    }
}

impl Followers {
    /// Wakes whoever waits for the wiki. Never waits itself.
    pub fn tell(&self, wiki: WikiId) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wiki) = state.wikis.get(&wiki) {
            wiki.news.send_replace(());
        }
    }
    /// Nobody waits any more: the server ends.
    pub fn close(&self) {
        self.end.send_replace(true);
    }
    /// Whether the server ends.
    pub fn is_closed(&self) -> bool {
        *self.end.borrow()
    }
    /// A place to wait for the wiki in the name of `caller`, who may have `most`, counted as for everything else. None if there are too many.
    pub fn enter(self: &Arc<Self>, wiki: WikiId, caller: &Identity, most: usize) -> Option<Place> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let of_wiki = state.wikis.get(&wiki);
        let in_wiki: usize = of_wiki.map_or(0, |wiki| wiki.callers.values().sum());
        let of_caller = of_wiki.and_then(|wiki| wiki.callers.get(caller)).copied().unwrap_or_default();
        if state.all >= ALL || in_wiki >= OF_A_WIKI || of_caller >= most {
            return None;
        }
        state.all += 1;
        let of_wiki = state.wikis.entry(wiki).or_default();
        *of_wiki.callers.entry(caller.clone()).or_default() += 1;
        let (news, end) = (of_wiki.news.subscribe(), self.end.subscribe());
        Some(Place { followers: self.clone(), wiki, caller: caller.clone(), news, end })
    }
}

/// Somebody's place among those who wait; free again when dropped.
#[derive(Debug)]
pub struct Place {
    followers: Arc<Followers>,
    wiki: WikiId,
    caller: Identity,
    news: watch::Receiver<()>,
    end: watch::Receiver<bool>,
}

/// Why waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// The wiki has changed.
    News,
    /// The server ends.
    End,
}

impl Place {
    /// Waits for a change since the place was taken, or since this was last answered.
    pub async fn wait(&mut self) -> Woken {
        tokio::select! {
            biased;
            _ = self.end.wait_for(|end| *end) => Woken::End,
            _ = self.news.changed() => Woken::News,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.followers.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.all -= 1;
        let Some(of_wiki) = state.wikis.get_mut(&self.wiki) else { return };
        if let Some(count) = of_wiki.callers.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                of_wiki.callers.remove(&self.caller);
            }
        }
        if of_wiki.callers.is_empty() {
            state.wikis.remove(&self.wiki);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_few_and_given_back() {
        let followers = Arc::new(Followers::default());
        let ann = Identity::Token(1);
        let [here, there] = [1, 2].map(WikiId::from_random);
        let mine: Vec<_> = (0..OF_A_CALLER).map(|_| followers.enter(here, &ann, OF_A_CALLER).unwrap()).collect();
        assert!(followers.enter(here, &ann, OF_A_CALLER).is_none() && followers.enter(there, &ann, OF_A_CALLER).is_some());
        let rest: Vec<_> =
            (OF_A_CALLER..OF_A_WIKI).map(|i| followers.enter(here, &Identity::Network(i.to_string()), OF_A_CALLER).unwrap()).collect();
        assert!(followers.enter(here, &Identity::Token(2), OF_A_CALLER).is_none());
        drop((mine, rest));
        assert!(followers.enter(here, &ann, OF_A_CALLER).is_some());
        let state = followers.state.lock().unwrap();
        assert_eq!((state.all, state.wikis.len()), (0, 0), "nothing is kept of those who went");
    }

    #[tokio::test]
    async fn news_before_anybody_waits_are_not_missed() {
        let followers = Arc::new(Followers::default());
        let wiki = WikiId::from_random(1);
        let mut place = followers.enter(wiki, &Identity::Token(1), OF_A_CALLER).unwrap();
        followers.tell(wiki);
        followers.tell(WikiId::from_random(2));
        assert_eq!(place.wait().await, Woken::News);
        followers.close();
        assert_eq!((place.wait().await, place.wait().await), (Woken::End, Woken::End));
    }
}
