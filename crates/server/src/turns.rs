//! Who is worked for, and who waits (security.md RATE-3, RATE-4, GIT-9).
//!
//! Each wiki has a few places of its own: as many readers at once as the machine has cores, two who change something, two agents, four git
//! processes, two pushes. Whoever finds them taken waits in the wiki's own line, which is bounded; git clients stand in another one. So a wiki
//! that is asked too much keeps its own people waiting: of the threads that all share it holds a few, and somebody else's request finds its
//! place at once.

use holt_core::WikiId;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Most requests worked on at once, of all wikis.
pub const WORKING: usize = 64;
/// Most that change something in one wiki; they take turns at its lock anyway.
const WRITERS: usize = 2;
/// Most messages of agents worked on at once in one wiki.
const AGENTS: usize = 2;
/// Most git processes of all wikis, and of one.
pub const GIT: usize = 16;
const GIT_EACH: usize = 4;
/// Most pushes that one wiki takes in at once, from their first byte on.
const PUSHES: usize = 2;
/// Most who wait for other servers at once, to log in: slow ones keep nobody else waiting.
const TRAVELLERS: usize = 16;
/// Most requests that wait in one wiki, and as many git clients; more are told to come back.
const WAITING: usize = 64;
/// Longest wait.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most bodies held in memory or on their way, of all wikis and of one.
const BODIES: usize = 64;
const BODIES_EACH: usize = 16;
/// From so many lines on, those that nobody stands in are forgotten.
const LINES: usize = 256;

/// What a request is for. What reads is not held up by what changes something and waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Looking at something.
    Read,
    /// Changing something.
    Write,
    /// A message of an agent, which may do either.
    Agent,
    /// A git process, which works for a client.
    Git,
    /// A push that comes in. Takes a place of [`Kind::Git`] besides, once it has come: never the other way round.
    Push,
    /// Logging in by somebody else's server, which may take its time.
    Elsewhere,
}

/// Whose line: a wiki's; none: the installation's own.
type Whose = Option<WikiId>;

/// All lines.
pub struct Turns {
    readers: usize,
    working: Arc<Semaphore>,
    git: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    lines: Mutex<HashMap<Whose, Weak<Line>>>,
}

/// The places of one wiki.
struct Line {
    readers: Arc<Semaphore>,
    writers: Arc<Semaphore>,
    agents: Arc<Semaphore>,
    git: Arc<Semaphore>,
    pushes: Arc<Semaphore>,
    travellers: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    waiting: AtomicUsize,
    git_waiting: AtomicUsize,
}

/// The right to work on a request, until it is dropped.
pub struct Permit {
    _own: OwnedSemaphorePermit,
    _all: Option<OwnedSemaphorePermit>,
    _line: Arc<Line>,
}

/// The right to hold a body, until it is dropped.
pub struct Receiving {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
    _line: Arc<Line>,
}

impl Default for Turns {
    /// For the machine this runs on.
    fn default() -> Self {
        Self::new(std::thread::available_parallelism().map_or(2, NonZeroUsize::get))
    }
}

impl Turns {
    fn new(cores: usize) -> Self {
        Self {
            readers: cores.max(2),
            working: Arc::new(Semaphore::new(WORKING)),
            git: Arc::new(Semaphore::new(GIT)),
            bodies: Arc::new(Semaphore::new(BODIES)),
            lines: Mutex::default(),
        }
    }
    fn line(&self, whose: Whose) -> Arc<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(&whose).and_then(Weak::upgrade) {
            return line;
        }
        if lines.len() >= LINES {
            lines.retain(|_, line| line.strong_count() > 0);
        }
        let places = |most| Arc::new(Semaphore::new(most));
        let line = Arc::new(Line {
            readers: places(self.readers),
            writers: places(WRITERS),
            agents: places(AGENTS),
            git: places(GIT_EACH),
            pushes: places(PUSHES),
            travellers: places(TRAVELLERS),
            bodies: places(BODIES_EACH),
            waiting: AtomicUsize::new(0),
            git_waiting: AtomicUsize::new(0),
        });
        lines.insert(whose, Arc::downgrade(&line));
        line
    }
    /// The right to hold a body; none if too many are on their way. Never waits.
    pub fn receive(&self, whose: Whose) -> Option<Receiving> {
        let line = self.line(whose);
        let own = line.bodies.clone().try_acquire_owned().ok()?;
        let all = self.bodies.clone().try_acquire_owned().ok()?;
        Some(Receiving { _own: own, _all: all, _line: line })
    }
    /// A turn, when it comes; none at once if too many wait already, and after [`PATIENCE`].
    pub async fn take(&self, whose: Whose, kind: Kind) -> Option<Permit> {
        let line = self.line(whose);
        let waiting = Waiting::begin(line.clone(), kind)?;
        let turn = timeout(PATIENCE, self.next(line, kind)).await.ok()?;
        drop(waiting);
        turn
    }
    /// A turn, however long it takes: for those that are counted elsewhere. None when the server ends.
    pub async fn wait(&self, whose: Whose, kind: Kind) -> Option<Permit> {
        self.next(self.line(whose), kind).await
    }
    async fn next(&self, line: Arc<Line>, kind: Kind) -> Option<Permit> {
        let places = match kind {
            Kind::Read => &line.readers,
            Kind::Write => &line.writers,
            Kind::Agent => &line.agents,
            Kind::Elsewhere => &line.travellers,
            Kind::Git => &line.git,
            Kind::Push => &line.pushes,
        };
        let all = match kind {
            Kind::Read | Kind::Write | Kind::Agent | Kind::Elsewhere => Some(&self.working),
            Kind::Git => Some(&self.git),
            // Whoever sends slowly holds no thread.
            Kind::Push => None,
        };
        let own = places.clone().acquire_owned().await.ok()?;
        let all = match all {
            Some(all) => Some(all.clone().acquire_owned().await.ok()?),
            None => None,
        };
        Some(Permit { _own: own, _all: all, _line: line })
    }
}

/// Somebody who stands in line; whoever goes away stands there no more.
struct Waiting(Arc<Line>, Kind);

impl Line {
    fn waiting(&self, kind: Kind) -> &AtomicUsize {
        match kind {
            Kind::Read | Kind::Write | Kind::Agent | Kind::Elsewhere => &self.waiting,
            Kind::Git | Kind::Push => &self.git_waiting,
        }
    }
}

impl Waiting {
    fn begin(line: Arc<Line>, kind: Kind) -> Option<Self> {
        let enter = |waiting| (waiting < WAITING).then_some(waiting + 1);
        line.waiting(kind).fetch_update(Ordering::AcqRel, Ordering::Acquire, enter).ok()?;
        Some(Self(line, kind))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting(self.1).fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    fn wiki(number: u64) -> Whose {
        Some(WikiId::from_random(number))
    }

    fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn now<T>(future: impl Future<Output = Option<T>>) -> Option<T> {
        match poll(pin!(future)) {
            Poll::Ready(turn) => turn,
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn a_flood_fills_its_own_line_and_nobody_elses() {
        let turns = Turns::new(2);
        let held: Vec<Permit> = (0..2).filter_map(|_| now(turns.take(wiki(1), Kind::Read))).collect();
        assert_eq!(held.len(), 2);
        let mut line: Vec<_> = (0..WAITING).map(|_| Box::pin(turns.take(wiki(1), Kind::Read))).collect();
        assert!(line.iter_mut().all(|waiting| poll(waiting.as_mut()).is_pending()));
        // One more is refused at once: the line is as long as it gets.
        assert!(matches!(poll(pin!(turns.take(wiki(1), Kind::Read))), Poll::Ready(None)));
        assert!(matches!(poll(pin!(turns.take(wiki(1), Kind::Write))), Poll::Ready(None)));
        // Others find their places, and so does who is counted elsewhere.
        assert!(now(turns.take(wiki(2), Kind::Read)).is_some() && now(turns.take(None, Kind::Write)).is_some());
        assert!(now(turns.wait(wiki(1), Kind::Agent)).is_some());
        // Who was first in line is first served; who goes away leaves room.
        drop(held);
        assert!(matches!(poll(line[0].as_mut()), Poll::Ready(Some(_))));
        line.truncate(10);
        assert!(matches!(poll(pin!(turns.take(wiki(1), Kind::Write))), Poll::Ready(Some(_))));
    }

    #[tokio::test]
    async fn readers_do_not_wait_for_writers() {
        let turns = Turns::new(4);
        let writers: Vec<Permit> = (0..WRITERS).filter_map(|_| now(turns.take(wiki(1), Kind::Write))).collect();
        assert_eq!(writers.len(), WRITERS);
        assert!(now(turns.take(wiki(1), Kind::Write)).is_none());
        assert!(now(turns.take(wiki(1), Kind::Read)).is_some() && now(turns.take(wiki(1), Kind::Agent)).is_some());
        let travellers: Vec<Permit> = (0..TRAVELLERS).filter_map(|_| now(turns.take(wiki(2), Kind::Elsewhere))).collect();
        assert_eq!(travellers.len(), TRAVELLERS);
        assert!(now(turns.take(wiki(2), Kind::Elsewhere)).is_none() && now(turns.take(wiki(2), Kind::Write)).is_some());
    }

    #[tokio::test]
    async fn git_clients_of_one_wiki_keep_nobody_else_waiting() {
        let turns = Turns::new(2);
        let held: Vec<Permit> = std::iter::from_fn(|| now(turns.take(wiki(1), Kind::Git))).collect();
        assert_eq!(held.len(), GIT_EACH);
        let mut line: Vec<_> = (0..WAITING).map(|_| Box::pin(turns.take(wiki(1), Kind::Git))).collect();
        assert!(line.iter_mut().all(|waiting| poll(waiting.as_mut()).is_pending()));
        assert!(matches!(poll(pin!(turns.take(wiki(1), Kind::Push))), Poll::Ready(None)), "the line is full");
        // People of the same wiki stand in another line; other wikis have places of their own, until all are taken.
        assert!(now(turns.take(wiki(1), Kind::Read)).is_some());
        let others: Vec<Permit> = (2..6)
            .flat_map(|number| (0..GIT_EACH).map(move |_| number))
            .map_while(|number| now(turns.take(wiki(number), Kind::Git)))
            .collect();
        assert_eq!(held.len() + others.len(), GIT);
        drop(held);
        assert!(matches!(poll(line[0].as_mut()), Poll::Ready(Some(_))));
        // A push holds its place while it comes in, and no thread.
        let pushes: Vec<Permit> = std::iter::from_fn(|| now(turns.take(wiki(7), Kind::Push))).collect();
        assert_eq!((pushes.len(), turns.working.available_permits()), (PUSHES, WORKING));
    }

    #[test]
    fn bodies_of_one_wiki_leave_room_for_others() {
        let turns = Turns::new(2);
        let held: Vec<Receiving> = std::iter::from_fn(|| turns.receive(wiki(1))).collect();
        assert_eq!(held.len(), BODIES_EACH);
        assert!(turns.receive(wiki(2)).is_some());
        let all: Vec<Receiving> = (2..).map_while(|number| turns.receive(wiki(number))).take(BODIES).collect();
        assert_eq!(held.len() + all.len(), BODIES);
    }

    #[test]
    fn lines_nobody_stands_in_are_forgotten() {
        let turns = Turns::new(2);
        for number in 1..10_000 {
            assert!(turns.receive(wiki(number)).is_some());
            assert!(turns.lines.lock().unwrap().len() <= LINES);
        }
    }
}
