//! How workers stand, for whoever looks: as whoever has their posts wrote it down, and what waits now.

use super::control::holder;
use super::{NAMES, Name};
use holt_core::Result;
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
    /// `working`, `paused`, or `nowhere` where no process has its post.
    pub state: &'static str,
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

/// All workers of a data directory.
pub fn status(directory: &Directory, data: &Path, now: i64) -> Result<Vec<Status>> {
    NAMES.iter().map(|name| of(directory, data, *name, now)).collect()
}

fn of(directory: &Directory, data: &Path, name: Name, now: i64) -> Result<Status> {
    let row = directory.worker(name.as_str())?;
    let Waiting { wikis, since, failing, poisoned } = directory.waiting_work(name.as_str(), row.seen, now)?;
    let process = holder(data, name);
    let WorkerRow { paused, turns, failures, spent, last, error, .. } = row;
    let state = match process {
        _ if paused => "paused",
        Some(_) => "working",
        None => "nowhere",
    };
    let mut failed = Vec::new();
    for (owed, error) in directory.failed_work(name.as_str(), FAILURES)? {
        let wiki = directory.wiki(owed.wiki)?.map_or_else(|| owed.wiki.to_string(), |record| record.slug.to_string());
        failed.push(Failed { wiki, tries: owed.tries, error });
    }
    Ok(Status {
        worker: name.as_str(),
        state,
        process,
        waiting: wikis,
        behind_seconds: since.map_or(0, |since| u64::try_from(now - since).unwrap_or_default()),
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
