//! What a start does, and when: `holt serve --explain-startup`. Knows this process as Linux shows it, and nothing of wikis.

use crate::commands::output;
use crate::reply::Reply;
use http::header::CONTENT_TYPE;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Prints each step of a start as it is done, or nothing: one value for one start, handed to whoever has steps.
pub struct Timeline(Option<Told>);

struct Told {
    exec: Instant,
    /// When the last step was done, and which files were open then.
    last: Mutex<(Instant, BTreeSet<PathBuf>)>,
    served: AtomicBool,
}

impl Timeline {
    /// A start of which nothing is told.
    pub fn silent() -> Self {
        Self(None)
    }
    /// One that is told on standard error, for a process whose `main` began at `begun`.
    pub fn told(begun: Instant) -> Self {
        // Before `main` there is the loader. Linux counts what a process computed in nanoseconds, and when it began in hundredths of a second only.
        let computed = read("/proc/self/schedstat")
            .split(' ')
            .next()
            .and_then(|nanos| nanos.parse().ok())
            .map_or(Duration::ZERO, Duration::from_nanos);
        let before = computed.saturating_sub(begun.elapsed());
        let exec = begun.checked_sub(before).unwrap_or(begun);
        output::note("since exec   step      what was done, and which files are open since");
        let told = Self(Some(Told { exec, last: Mutex::new((exec, open_files())), served: AtomicBool::new(false) }));
        told.step("the command line and the environment are read");
        told
    }
    /// `what` is done.
    pub fn step(&self, what: impl Display) {
        let Some(told) = &self.0 else { return };
        let now = Instant::now();
        // A panic elsewhere leaves a list of files.
        let mut last = told.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let open = open_files();
        let new: Vec<String> = open.difference(&last.1).map(|file| file.display().to_string()).collect();
        let (since, step) = (millis(now - told.exec), millis(now - last.0));
        let files = if new.is_empty() { String::new() } else { format!(": {}", new.join(", ")) };
        output::note(format_args!("{since:7.1} ms {step:+7.1}  {what}{files}"));
        *last = (Instant::now(), open);
    }
    /// The same, with what the process costs by now.
    pub fn stand(&self, what: impl Display) {
        if self.0.is_some() {
            self.step(format_args!("{what} ({} threads, {:.1} MiB)", field("Threads:"), field("VmRSS:") as f64 / 1024.0));
        }
    }
    /// A request was answered: the first page ends the story.
    pub fn replied(&self, reply: &Reply) {
        let Some(told) = &self.0 else { return };
        let page =
            reply.status().is_success() && reply.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if page && !told.served.swap(true, Ordering::Relaxed) {
            self.stand("the first page is served");
        }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// What Linux says there; nothing on other systems.
fn read(file: &str) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

fn field(name: &str) -> u64 {
    let status = read("/proc/self/status");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// Files that are open now. Pipes, sockets and devices are no files.
fn open_files() -> BTreeSet<PathBuf> {
    let handles = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let targets = handles.filter_map(|handle| std::fs::read_link(handle.path()).ok());
    targets.filter(|target| target.is_absolute() && !target.starts_with("/proc") && !target.starts_with("/dev")).collect()
}
