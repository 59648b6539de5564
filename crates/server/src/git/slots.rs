//! Who works with git at a time (security.md GIT-9, RATE-3): so many in all, of which one wiki never has the last ones; and two pushes of a wiki.
//! Readers of published pages know nothing of it.

use holt_core::WikiId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

/// Processes at a time.
pub const RUNNING: usize = 16;
/// Of which one wiki has so many, however many are free.
const OWN: usize = 4;
/// And more only as long as so many stay free for others.
const FREE: usize = 4;
/// Pushes of one wiki at a time.
const PUSHES: usize = 2;
/// Requests that wait for their turn, and for how long.
const WAITING: usize = 64;
const PATIENCE: Duration = Duration::from_secs(10);

/// All places.
#[derive(Debug)]
pub struct Slots {
    running: Mutex<HashMap<WikiId, usize>>,
    pushes: Mutex<HashMap<WikiId, usize>>,
    freed: Notify,
    waiting: Semaphore,
}

impl Default for Slots {
    fn default() -> Self {
        Self { running: Mutex::default(), pushes: Mutex::default(), freed: Notify::new(), waiting: Semaphore::new(WAITING) }
    }
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    wiki: WikiId,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Process,
    Push,
}

impl Slots {
    /// A place for a process, after a while perhaps. None if there are too many.
    pub async fn process(self: &Arc<Self>, wiki: WikiId) -> Option<Slot> {
        self.turn(wiki, What::Process).await
    }
    /// A place for a push, after a while perhaps. None if there are too many.
    pub async fn push(self: &Arc<Self>, wiki: WikiId) -> Option<Slot> {
        self.turn(wiki, What::Push).await
    }
    async fn turn(self: &Arc<Self>, wiki: WikiId, what: What) -> Option<Slot> {
        let take = || match what {
            What::Process => self.try_process(wiki),
            What::Push => self.try_push(wiki),
        };
        if !take() {
            let _waiting = self.waiting.try_acquire().ok()?;
            let turn = async {
                loop {
                    let freed = self.freed.notified();
                    if take() {
                        return;
                    }
                    freed.await;
                }
            };
            timeout(PATIENCE, turn).await.ok()?;
        }
        Some(Slot { slots: self.clone(), wiki, what })
    }
    fn try_process(&self, wiki: WikiId) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = running.values().sum();
        let own = running.get(&wiki).copied().unwrap_or_default();
        let free = all < RUNNING && (own < OWN || all < RUNNING - FREE);
        if free {
            *running.entry(wiki).or_default() += 1;
        }
        free
    }
    fn try_push(&self, wiki: WikiId) -> bool {
        let mut pushes = self.pushes.lock().unwrap_or_else(PoisonError::into_inner);
        let own = pushes.entry(wiki).or_default();
        let free = *own < PUSHES;
        if free {
            *own += 1;
        }
        free
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let places = match self.what {
            What::Process => &self.slots.running,
            What::Push => &self.slots.pushes,
        };
        let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = places.get_mut(&self.wiki) {
            *own -= 1;
            if *own == 0 {
                places.remove(&self.wiki);
            }
        }
        drop(places);
        self.slots.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wiki(bits: u64) -> WikiId {
        WikiId::from_random(bits)
    }

    #[test]
    fn one_wiki_never_takes_the_last_places() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let slots = Arc::new(Slots::default());
            let mut held = Vec::new();
            while slots.try_process(wiki(1)) {
                held.push(Slot { slots: slots.clone(), wiki: wiki(1), what: What::Process });
            }
            assert_eq!(held.len(), RUNNING - FREE);
            for _ in 0..FREE {
                held.push(slots.process(wiki(2)).await.unwrap());
            }
            assert!(!slots.try_process(wiki(3)), "all are taken");
            // Whoever waits gets the next one.
            let waiting = tokio::spawn({
                let slots = slots.clone();
                async move { slots.process(wiki(3)).await.is_some() }
            });
            tokio::task::yield_now().await;
            held.pop();
            assert!(waiting.await.unwrap());
            held.clear();
            assert!(slots.running.lock().unwrap().is_empty());
        });
    }

    #[test]
    fn a_wiki_takes_two_pushes() {
        let slots = Arc::new(Slots::default());
        let push = |bits| slots.try_push(wiki(bits)).then(|| Slot { slots: slots.clone(), wiki: wiki(bits), what: What::Push });
        let (first, second) = (push(1), push(1));
        assert!(first.is_some() && second.is_some() && push(1).is_none() && push(2).is_some());
        drop(first);
        assert!(push(1).is_some());
    }
}
