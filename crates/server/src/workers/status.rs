//! How workers stand, for whoever looks: as whoever has their posts wrote it down, and what waits now.

use super::control::{Order, ask, standing};
use super::{NAMES, Name};
use crate::app::App;
use holt_core::{Error, Result};
use holt_engine::directory::{Directory, Waiting, WorkerRow};
use serde::Serialize;
use std::path::Path;

/// Failures that are named.
const FAILURES: u32 = 20;

/// One worker.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// What it is called.
    pub worker: &'static str,
    /// `working`; `idle` when there is nothing to do; `held` when it may not begin more; `paused`; or `nowhere` where no process has its post.
    pub state: &'static str,
    /// Why there is never anything to do where it is, or why it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The process that has its post.
    pub process: Option<u32>,
    /// Wikis that it is to look at.
    pub waiting: u64,
    /// Seconds since the one that waits longest moved; 0: none waits.
    pub behind_seconds: u64,
    /// Wikis where it failed and will try again.
    pub failing: u64,
    /// Wikis that it has given up until they move, or it is restarted.
    pub poisoned: u64,
    /// Turns that ended well, ever.
    pub turns: u64,
    /// Turns that did not.
    pub failures: u64,
    /// Milliseconds that they took together.
    pub spent_ms: u64,
    /// When the last one ended: Unix seconds.
    pub last: Option<i64>,
    /// Why the last one failed that did.
    pub last_error: Option<String>,
    /// Where it fails.
    pub failed: Vec<Failed>,
}

/// A wiki where a worker fails.
#[derive(Debug, Clone, Serialize)]
pub struct Failed {
    /// Its slug.
    pub wiki: String,
    /// How often in a row.
    pub tries: u32,
    /// Why.
    pub error: String,
}

/// A worker, as pages show it.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it is called.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Whether this process has its post.
    pub is_here: bool,
    /// Whether another one has.
    pub is_elsewhere: bool,
    /// Whether it is to rest.
    pub is_paused: bool,
    /// Whether it is at something, or about to be.
    pub is_working: bool,
    /// Why it may not begin more.
    pub held: Option<String>,
    /// Why there is nothing for it to do.
    pub idle: Option<String>,
    /// Wikis that it is to look at.
    pub waiting: u64,
    /// Seconds since the one that waits longest moved.
    pub behind: u64,
    /// Turns that ended well.
    pub turns: u64,
    /// Turns that did not.
    pub failures: u64,
    /// Seconds that they took together.
    pub seconds: u64,
    /// Where it fails, and why.
    pub failed: Vec<(String, String)>,
}

/// All workers, as pages show them.
pub fn lines(app: &App) -> Result<Vec<Line>> {
    if let Some(host) = app.workers.get() {
        host.note_now();
    }
    let all = status(app.engine.directory(), app.engine.data(), app.engine.clock().now())?;
    let line = |(status, name): (Status, &Name)| Line {
        name: status.worker,
        about: name.about(),
        is_here: status.process == Some(std::process::id()),
        is_elsewhere: status.process.is_some_and(|process| process != std::process::id()),
        is_paused: status.state == "paused",
        is_working: status.state == "working",
        held: status.because.clone().filter(|_| status.state == "held"),
        idle: status.because.filter(|_| status.state != "held"),
        waiting: status.waiting,
        behind: status.behind_seconds,
        turns: status.turns,
        failures: status.failures,
        seconds: status.spent_ms / 1000,
        failed: status.failed.into_iter().map(|failed| (failed.wiki, failed.error)).collect(),
    };
    Ok(all.into_iter().zip(NAMES).map(line).collect())
}

/// Does what a form or a program asks for: `pause`, `resume` or `restart`.
pub fn obey(app: &App, worker: &str, order: &str) -> Result<()> {
    let name = NAMES.iter().find(|name| name.as_str() == worker).copied().ok_or_else(|| Error::not_found("there is no such worker"))?;
    let order = match order {
        "pause" => Order::Pause,
        "resume" => Order::Resume,
        "restart" => Order::Restart,
        _ => return Err(Error::invalid("a worker is told to pause, to resume or to restart")),
    };
    tell(app.engine.directory(), app.engine.data(), order, name, app.engine.clock().now()).map(drop)
}

/// Gives an order to whoever has the post; where nobody has, it is written down for whoever takes it. Whether somebody had.
pub fn tell(directory: &Directory, data: &Path, order: Order, name: Name, now: i64) -> Result<bool> {
    if ask(data, order, name)?.is_some() {
        return Ok(true);
    }
    match order {
        Order::Pause => directory.pause_worker(name.as_str())?,
        Order::Resume => directory.resume_worker(name.as_str())?,
        Order::Restart => directory.forgive_work(name.as_str(), now)?,
        Order::Give | Order::Note => {}
    }
    Ok(false)
}

/// All workers of a data directory.
pub fn status(directory: &Directory, data: &Path, now: i64) -> Result<Vec<Status>> {
    NAMES.iter().map(|name| of(directory, data, *name, now)).collect()
}

fn of(directory: &Directory, data: &Path, name: Name, now: i64) -> Result<Status> {
    let row = directory.worker(name.as_str())?;
    let Waiting { wikis, since, failing, poisoned } = directory.waiting_work(name.as_str(), row.seen, now)?;
    let standing = standing(data, name);
    let WorkerRow { paused, turns, failures, spent, last, error, idle, .. } = row;
    let idle = Some(idle).filter(|idle| standing.is_some() && !idle.is_empty());
    let state = match &standing {
        _ if paused => "paused",
        None => "nowhere",
        Some(_) if idle.is_some() => "idle",
        Some(standing) if !standing.waits.is_empty() => "held",
        Some(standing) if wikis > 0 || !standing.at.is_empty() => "working",
        Some(_) => "idle",
    };
    let process = standing.as_ref().map(|standing| standing.process);
    let held = standing.map(|standing| standing.waits).filter(|_| state == "held");
    let mut failed = Vec::new();
    for (owed, error) in directory.failed_work(name.as_str(), FAILURES)? {
        let wiki = directory.wiki(owed.wiki)?.map_or_else(|| owed.wiki.to_string(), |record| record.slug.to_string());
        failed.push(Failed { wiki, tries: owed.tries, error });
    }
    Ok(Status {
        worker: name.as_str(),
        state,
        process,
        // What waits for one that has nothing to do there does not wait.
        waiting: if idle.is_some() { 0 } else { wikis },
        behind_seconds: since.filter(|_| idle.is_none()).map_or(0, |since| u64::try_from(now - since).unwrap_or_default()),
        because: idle.or(held),
        failing,
        poisoned,
        turns,
        failures,
        spent_ms: spent,
        last: Some(last).filter(|last| *last > 0),
        last_error: Some(error).filter(|error| !error.is_empty()),
        failed,
    })
}
