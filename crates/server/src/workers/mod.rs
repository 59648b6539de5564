//! Work that wikis want done beside what their people wait for. One file each; all of them in one process (`host.rs`), beside the server or alone, and any of
//! them in a process of its own. What is to be done stands in files and databases only: a worker may die anywhere, and its successor may be another process.

mod care;
mod choice;
mod control;
mod digests;
mod embed;
#[cfg(debug_assertions)]
pub mod faults;
mod host;
mod index;
mod maintenance;
mod mirror;
mod names;
mod publish;
mod purge;
mod quota;
mod status;
mod webhook;

pub use choice::Choice;
pub use control::{Order, ask};
pub use digests::key as unsubscribe_key;
pub use host::{Host, Manner};
pub use names::{NAMES, Name};
pub use status::{Line, Status, lines, obey, status, tell};
pub use webhook::TIME as HOOK_TIME;

use crate::app::App;
use holt_core::{Result, WikiId};
use holt_engine::Wiki;
use holt_engine::directory::WikiRecord;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Brings one wiki after the other from where it came to, towards HEAD.
pub trait Worker: Send + Sync {
    /// What it may use.
    fn budget(&self) -> Budget {
        Budget::default()
    }
    /// Does what `wiki` owes, or some of it. Looks itself how far it came and where HEAD is, whoever woke it and how often: it may be run again at any time, and
    /// may have died anywhere before. Called after the wiki moved, at the time that was said last, and after an error again with longer and longer pauses.
    fn serve(&self, wiki: &Arc<Wiki>, turn: &Turn<'_>) -> Result<Next>;
    /// Whether this wiki is its affair.
    fn minds(&self, record: &WikiRecord) -> bool {
        record.answers()
    }
    /// Wikis that it knows of itself that they want it now. At most so many.
    fn due(&self, _app: &App, _now: i64, _most: u32) -> Result<Vec<WikiId>> {
        Ok(Vec::new())
    }
    /// This process has its post from now on, and it is to work; or not.
    fn stand(&self, _app: &App, _stand: Stand) {}
    /// Why there is nothing for it to do here, in a sentence for the operator; none: there may be.
    fn idle_because(&self, _app: &App) -> Option<&'static str> {
        None
    }
}

/// What a worker wants next of a wiki.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing until it moves.
    Done,
    /// To look again then, though it does not move: Unix seconds.
    At(i64),
    /// The same, and somebody should know that something is wrong there.
    Troubled(i64, String),
    /// To go on, when others had their turn.
    More,
}

/// Whether a worker works in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// It does.
    Working,
    /// It does so elsewhere, or rests.
    Resting,
}

/// What a worker may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Wikis at once.
    pub wikis: usize,
    /// After so long a turn does not go on: others wait.
    pub turn: Duration,
    /// A turn that does not say so long that it lives is taken to hang.
    pub silence: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { wikis: 1, turn: Duration::from_secs(30), silence: Duration::from_secs(120) }
    }
}

/// A worker is at one wiki.
pub struct Turn<'a> {
    /// The running server, or what a worker's process has of it.
    pub app: &'a App,
    running: &'a Running,
}

impl Turn<'_> {
    /// Whether to go on. If not, whatever is whole is left as it is, and the answer is [`Next::More`]. Says that the worker lives.
    pub fn goes_on(&self) -> bool {
        self.beat();
        !self.running.stop.load(Ordering::Acquire) && self.running.began.elapsed() < self.running.budget.turn
    }
    /// Says that the worker lives.
    pub fn beat(&self) {
        let since = u64::try_from(self.running.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.running.beat.store(since, Ordering::Release);
    }
    /// Now, in Unix seconds.
    pub fn now(&self) -> i64 {
        self.app.engine.clock().now()
    }
}

/// A turn, as the host sees it.
#[derive(Debug)]
struct Running {
    wiki: WikiId,
    budget: Budget,
    began: Instant,
    /// Milliseconds from its beginning to when it last said that it lives.
    beat: AtomicU64,
    /// It is to end soon.
    stop: AtomicBool,
    /// Nobody waits for it any more.
    lost: AtomicBool,
}

impl Running {
    fn new(wiki: WikiId, budget: Budget) -> Self {
        let (stop, lost) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { wiki, budget, began: Instant::now(), beat: AtomicU64::new(0), stop, lost }
    }
    fn is_silent(&self) -> bool {
        self.began.elapsed().saturating_sub(Duration::from_millis(self.beat.load(Ordering::Acquire))) > self.budget.silence
    }
}

/// The worker of that name.
fn worker(name: Name) -> Box<dyn Worker> {
    match name {
        Name::Publish => Box::new(publish::Publishing::default()),
        Name::Index => Box::new(index::Indexing),
        Name::Embed => Box::new(embed::Embedding::default()),
        Name::Digests => Box::new(digests::Digests),
        Name::Quota => Box::new(quota::Quota),
        Name::Maintenance => Box::new(maintenance::Maintenance),
        Name::Care => Box::new(care::Care),
        Name::Purge => Box::new(purge::Purge::default()),
        Name::Mirror => Box::new(mirror::Mirrors),
        Name::Webhook => Box::<webhook::Webhooks>::default(),
    }
}

/// Where the workers of a data directory meet: the files that stand for their posts, and the sockets of their processes.
fn meeting_place(data: &Path) -> PathBuf {
    data.join("workers")
}

fn post_file(data: &Path, name: Name) -> PathBuf {
    meeting_place(data).join(format!("{name}.lock"))
}
