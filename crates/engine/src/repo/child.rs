//! A git process that works for somebody outside: in a process group of its own, less urgent than what answers readers, bounded in memory
//! and time, and ended when nobody wants its answer any more (security.md GIT-2, GIT-9).

use holt_core::{Error, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, setpriority_process, waitid};
use std::io::{ErrorKind, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a process has, if nobody says otherwise.
const TIME: Duration = Duration::from_secs(120);
/// One that neither takes nor gives anything for such a part of it is ended, unless it was told everything and thinks about it.
const TURNS: u32 = 4;
/// Memory of its own; packs that it maps do not count.
const MEMORY: u64 = 1024 * 1024 * 1024;
/// The largest file that one may write that fetches from elsewhere: nobody says beforehand how much comes.
const FILE: u64 = 2 * 1024 * 1024 * 1024;
/// Seconds of computing.
const CPU_SECONDS: u64 = 120;
/// How much more willingly it waits than we do.
const NICE: i32 = 10;
/// Bytes of what it says is wrong that are kept.
const SAID: usize = 4096;
/// Bytes that are passed on at a time.
const PIECE: usize = 64 * 1024;

/// Ends what git does for one request, from any thread. Nothing happens to a request that is done.
#[derive(Debug, Clone)]
pub struct GitStop {
    state: Arc<Mutex<Stoppable>>,
    time: Duration,
}

impl Default for GitStop {
    fn default() -> Self {
        Self::after(TIME)
    }
}

#[derive(Debug, Default)]
struct Stoppable {
    stopped: bool,
    /// The group of the process that works now. Set only while its leader has not been waited for: until then the number is nobody else's.
    group: Option<Pid>,
}

impl GitStop {
    /// Ends each process by itself that takes longer, or a quarter of it without taking or giving anything.
    pub fn after(time: Duration) -> Self {
        Self { state: Arc::default(), time }
    }
    /// The same with less time for each.
    pub(super) fn within(&self, time: Duration) -> Self {
        Self { state: self.state.clone(), time: self.time.min(time) }
    }
    /// Ends it, and whatever would come after.
    pub fn stop(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.stopped = true;
        if let Some(group) = state.group {
            // It may have ended by itself just now.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
    /// Refuses to go on for somebody who is gone, or after git was ended.
    pub fn check(&self) -> Result<()> {
        match self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped {
            true => Err(Error::busy("it took too long, or nobody waits for it any more").hint("Try again; ask for less at a time.")),
            false => Ok(()),
        }
    }
    fn works(&self, group: Pid) -> Result<()> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).group = Some(group);
        self.check()
    }
    /// Nobody of the group outlives its leader.
    fn ended(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = state.group.take() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// A running process. Dropping it ends it.
pub(super) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    stop: GitStop,
    progress: Arc<AtomicU64>,
    patient: Arc<AtomicBool>,
    watch: Option<(Sender<()>, JoinHandle<()>)>,
    said: Option<JoinHandle<String>>,
}

impl Running {
    /// Starts `command`, whose standard input is set already.
    pub(super) fn start(command: &mut Command, stop: &GitStop, attempted: &str) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        stop.check()?;
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| super::command::missing(attempted, e))?;
        let (input, stderr) = (child.stdin.take(), child.stderr.take());
        let mut running = Self {
            child,
            input,
            stop: stop.clone(),
            progress: Arc::default(),
            patient: Arc::default(),
            watch: None,
            said: stderr.map(|mut from| thread::spawn(move || listen(&mut from))),
        };
        let pid = Pid::from_child(&running.child);
        running.stop.works(pid)?;
        limit(pid);
        // Not being able to be polite is no reason to fail.
        let _ = setpriority_process(Some(pid), NICE);
        let (end, ended) = mpsc::channel();
        let idle = stop.time / TURNS;
        let (stop, progress, patient) = (stop.clone(), running.progress.clone(), running.patient.clone());
        let watch = thread::spawn(move || {
            let mut before = 0;
            for _ in 0..TURNS {
                match ended.recv_timeout(idle) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
                let now = progress.load(Ordering::Relaxed);
                if now == before && !patient.load(Ordering::Relaxed) {
                    break;
                }
                before = now;
            }
            stop.stop();
        });
        running.watch = Some((end, watch));
        Ok(running)
    }
    /// Lets it write no file that is larger than any push may be.
    pub(super) fn limit_files(&self) {
        limit_files(Pid::from_child(&self.child));
    }
    /// Tells it more. `false` if it does not listen any more; why, [`Running::finish`] knows.
    pub(super) fn tell(&mut self, bytes: &[u8]) -> Result<bool> {
        let Some(input) = &mut self.input else { return Ok(false) };
        match input.write_all(bytes) {
            Ok(()) => {
                self.progress.fetch_add(1, Ordering::Relaxed);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.stop.check()?;
                Ok(false)
            }
            Err(error) => Err(Error::io("tell git something", error)),
        }
    }
    /// That was all: it may think about it for as long as it has.
    pub(super) fn all_told(&mut self) {
        self.patient.store(true, Ordering::Relaxed);
        self.input = None;
    }
    /// Passes on what it says until it ends, or until `to` takes no more.
    pub(super) fn hear(&mut self, to: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let Some(mut output) = self.child.stdout.take() else { return Ok(()) };
        let mut piece = vec![0; PIECE];
        loop {
            let length = match output.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::io("listen to git", error)),
            };
            to(&piece[..length])?;
            self.progress.fetch_add(1, Ordering::Relaxed);
        }
    }
    /// Waits for its end: how it went, and what it complained of.
    pub(super) fn finish(mut self) -> Result<(ExitStatus, String)> {
        self.all_told();
        let pid = Pid::from_child(&self.child);
        // Not reaped yet: whoever stops it meanwhile still means this process.
        while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {}
        self.stop.ended();
        let status = self.child.wait().map_err(|e| Error::io("wait for git", e))?;
        let said = self.said.take().and_then(|said| said.join().ok()).unwrap_or_default();
        if !status.success() {
            self.stop.check()?;
        }
        Ok((status, said))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.ended();
        // It was killed, or has been waited for.
        let _ = self.child.wait();
        if let Some((end, watch)) = self.watch.take() {
            drop(end);
            let _ = watch.join();
        }
    }
}

/// The beginning of what comes; the rest is read, so that nobody waits to be heard.
fn listen(from: &mut dyn Read) -> String {
    let mut said = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        let room = SAID.saturating_sub(said.len());
        said.extend_from_slice(&piece[..length.min(room)]);
    }
    String::from_utf8_lossy(&said).into_owned()
}

#[cfg(target_os = "linux")]
fn limit_files(pid: Pid) {
    use rustix::process::{Resource, Rlimit, prlimit};
    // One that has ended already needs none.
    let _ = prlimit(Some(pid), Resource::Fsize, Rlimit { current: Some(FILE), maximum: Some(FILE) });
    children(pid).into_iter().for_each(limit_files);
}

#[cfg(not(target_os = "linux"))]
fn limit_files(_: Pid) {
    // Elsewhere a process limits only itself; what it wrote is looked at all the same.
    let _ = FILE;
}

#[cfg(target_os = "linux")]
fn limit(pid: Pid) {
    use rustix::process::{Resource, Rlimit, prlimit};
    for (what, most) in [(Resource::Data, MEMORY), (Resource::Cpu, CPU_SECONDS), (Resource::Core, 0)] {
        // One that has ended already needs none.
        let _ = prlimit(Some(pid), what, Rlimit { current: Some(most), maximum: Some(most) });
    }
    // What it starts from now on has the same limits; on a busy machine it has started something before.
    children(pid).into_iter().for_each(limit);
}

/// What a process has started that still runs.
#[cfg(target_os = "linux")]
fn children(pid: Pid) -> Vec<Pid> {
    let pid = pid.as_raw_nonzero();
    let said = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    said.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

#[cfg(not(target_os = "linux"))]
fn limit(_: Pid) {
    // Elsewhere a process limits only itself; time is watched all the same.
    let _ = (MEMORY, CPU_SECONDS);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(Stdio::piped());
        command
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_it_started_before_it_was_limited_is_limited_too() {
        let mut shell = shell("sleep 60 & echo; wait").stdout(Stdio::piped()).spawn().unwrap();
        shell.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let pid = Pid::from_child(&shell);
        let (early, said) = (children(pid), |pid: &Pid| std::fs::read_to_string(format!("/proc/{}/limits", pid.as_raw_nonzero())).unwrap());
        assert_eq!(early.len(), 1);
        limit(pid);
        limit_files(pid);
        for what in ["Max data size             1073741824", "Max file size             2147483648", "Max core file size        0 "] {
            assert!(early.iter().chain([&pid]).all(|pid| said(pid).contains(what)), "{what}: {}", said(&early[0]));
        }
        early.iter().chain([&pid]).for_each(|pid| rustix::process::kill_process(*pid, Signal::KILL).unwrap());
        shell.wait().unwrap();
    }

    #[test]
    fn what_is_said_comes_through_and_complaints_are_kept_apart() {
        let stop = GitStop::default();
        let mut running = Running::start(&mut shell("cat; echo wrong >&2; exit 3"), &stop, "try").unwrap();
        assert!(running.tell(b"hello").unwrap());
        running.all_told();
        let mut heard = Vec::new();
        running
            .hear(&mut |bytes| {
                heard.extend_from_slice(bytes);
                Ok(())
            })
            .unwrap();
        let (status, said) = running.finish().unwrap();
        assert_eq!((heard.as_slice(), status.code(), said.as_str()), (b"hello".as_slice(), Some(3), "wrong\n"));
        stop.stop();
        assert!(stop.check().is_err());
    }

    #[test]
    fn a_process_and_its_children_end_when_it_is_stopped() {
        let stop = GitStop::default();
        // The child of the child says its number and would stay for a minute.
        let mut running = Running::start(&mut shell("sleep 60 & echo $!; wait"), &stop, "try").unwrap();
        let mut number = String::new();
        let stopping = stop.clone();
        running
            .hear(&mut |bytes| {
                number.push_str(std::str::from_utf8(bytes).unwrap());
                stopping.stop();
                Ok(())
            })
            .unwrap();
        assert!(running.finish().is_err(), "it did not end by itself");
        let gone = || {
            let status = std::fs::read_to_string(format!("/proc/{}/stat", number.trim()));
            // Whoever inherits it may not have looked after it yet.
            status.map_or(true, |status| status.contains(") Z "))
        };
        while !gone() {
            thread::yield_now();
        }
        assert!(Running::start(&mut shell("true"), &stop, "try").is_err(), "nothing comes after");
    }

    #[test]
    fn a_process_that_takes_too_long_is_ended() {
        let short = || GitStop::after(Duration::from_millis(400));
        // It says nothing; it is told nothing more and thinks; it never comes to an end.
        for script in ["exec sleep 60", "cat; exec sleep 60", "while :; do echo more; done"] {
            let stop = short();
            let mut running = Running::start(&mut shell(script), &stop, "try").unwrap();
            running.hear(&mut |_| Ok(())).unwrap();
            assert_eq!(running.finish().unwrap_err().kind, holt_core::ErrorKind::Busy, "{script}");
        }
        let stop = short();
        let mut running = Running::start(&mut shell("echo done"), &stop, "try").unwrap();
        running.all_told();
        running.hear(&mut |_| Ok(())).unwrap();
        assert!(running.finish().unwrap().0.success());
    }

    #[test]
    fn a_process_that_does_not_listen_is_told_nothing_more() {
        let stop = GitStop::default();
        let mut running = Running::start(&mut shell("exit 0"), &stop, "try").unwrap();
        while running.tell(&[0; 64 * 1024]).unwrap() {}
        assert!(running.finish().unwrap().0.success());
    }
}
