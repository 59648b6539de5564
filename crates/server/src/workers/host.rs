//! The supervisor: gives turns to the workers whose posts this process has, one thread to a turn, so that nothing a worker does to itself concerns requests or
//! other workers. A turn that panics or fails comes again later, after five times not until its wiki moves; one that hangs is left behind, and where the
//! process is the worker's own, the process ends. Posts can be given to another process and come back when that ends.

use super::names::HELD;
use super::{Budget, Name, Next, Running, Stand, Turn, Worker, meeting_place, post_file, worker};
use crate::app::App;
use crate::config::ServeArgs;
use holt_core::{Error, Result, WikiId};
use holt_engine::directory::{NEVER, Outcome, TRIES, WorkerRow};
use holt_engine::{Post, Taken};
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// How often is looked around though nobody said anything.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often is looked at the memory of a process with a limit of its own.
const WEIGH_EVERY: Duration = Duration::from_millis(100);
/// Moves gather for so long before they are written down: many saves are one note.
const GATHER: Duration = Duration::from_millis(150);
/// How often a worker's position is written down while it works. After a crash what came since is looked at once more.
const NOTE_EVERY: Duration = Duration::from_secs(5);
/// How often is said that the same does not work.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);
/// How long the workers of a server wait after its start.
const GRACE: Duration = Duration::from_millis(300);
/// Wikis that are looked up at once.
const BATCH: u32 = 100;
/// A post that was given away is not asked for again before this: whoever wanted it takes it first.
const GIVEN: Duration = Duration::from_secs(5);
/// After so many turns that hung, a worker gets no more of them here: each still has its thread.
const LOST: u32 = 3;
/// The first pause after a failure, in seconds; doubled each time, up to the last.
const FIRST_PAUSE: i64 = 5;
const LAST_PAUSE: i64 = 3600;
/// How much turns step back, in nice's units: what they do is no hurry.
const NICE: i32 = 10;
/// The exit code of a process that ends because its worker hung or took too much memory (EX_SOFTWARE).
const BROKEN: i32 = 70;

/// What else the process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Serving people: it lives, whatever happens to a worker. While it takes more than so many bytes of memory, nothing new begins.
    Beside {
        /// Bytes; none: as much as there is.
        memory: Option<u64>,
    },
    /// Workers alone. It ends when one of them hangs, or takes more than so many bytes of memory, to be started again.
    Alone {
        /// Bytes; none: as much as there is.
        memory: Option<u64>,
        /// Whether other processes may have the posts for the asking.
        gives: bool,
    },
}

/// The workers of this process.
pub struct Host {
    app: Arc<App>,
    manner: Manner,
    workers: Vec<Hosted>,
    #[cfg(debug_assertions)]
    faults: Vec<super::faults::Fault>,
    thread: OnceLock<Thread>,
    ending: AtomicBool,
    /// The process takes more memory than it may for anything new to begin.
    held: AtomicBool,
    /// Something happened that workers should look at.
    news: AtomicBool,
    ended: (Mutex<bool>, Condvar),
    /// What is tried again and again, and when it was last said that it does not work.
    complaints: Mutex<HashMap<&'static str, Instant>>,
}

pub(super) struct Hosted {
    pub(super) name: Name,
    worker: Box<dyn Worker>,
    post: Post,
    state: Mutex<State>,
    /// Told when a turn ends.
    turned: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    row: WorkerRow,
    /// Wikis that are to have a turn.
    queue: VecDeque<WikiId>,
    /// The number of the last move among them: seen when they had it.
    upto: i64,
    running: Vec<Arc<Running>>,
    /// Until when the post is somebody else's to take.
    given: Option<Instant>,
    lost: u32,
    /// What the worker was told last.
    stand: Option<Stand>,
    /// Whether there was more than was looked up.
    more: bool,
    looked: Option<Instant>,
    noted: Option<Instant>,
    changed: bool,
}

/// What a worker is doing now, in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doing {
    /// Whose post this process has.
    pub name: Name,
    /// The wikis it is at, and for how many milliseconds.
    pub at: Vec<(WikiId, u64)>,
    /// Turns that hung.
    pub lost: u32,
}

impl Hosted {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn rests(&self, state: &State) -> bool {
        state.row.paused || state.lost >= LOST || state.given.is_some()
    }
}

impl Host {
    /// A host of these workers. Their posts are taken by [`Host::start`], where nobody has them.
    pub fn new(app: Arc<App>, names: &[Name], manner: Manner, args: &ServeArgs) -> Result<Arc<Self>> {
        let data = app.engine.data();
        let place = meeting_place(data);
        super::control::make_place(&place)?;
        let hosted = |name: &Name| {
            let post = Post::new(post_file(data, *name));
            Hosted { name: *name, worker: worker(*name), post, state: Mutex::default(), turned: Condvar::new() }
        };
        let workers = names.iter().map(hosted).collect();
        let (ending, held, news) = (AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(true));
        // Release builds know no faults.
        let _ = args;
        Ok(Arc::new(Self {
            app,
            manner,
            workers,
            #[cfg(debug_assertions)]
            faults: args.worker_fault.clone(),
            thread: OnceLock::new(),
            ending,
            held,
            news,
            ended: (Mutex::new(false), Condvar::new()),
            complaints: Mutex::default(),
        }))
    }
    /// Starts the thread that gives turns. The engine's word that a wiki moved wakes it.
    pub fn start(self: &Arc<Self>) -> Result<()> {
        let host = self.clone();
        let started = std::thread::Builder::new().name("holt-workers".into()).spawn(move || host.run());
        let thread = started.map_err(|e| Error::io("start a thread for workers", e))?;
        let _ = self.thread.set(thread.thread().clone());
        let host = Arc::downgrade(self);
        self.app.engine.listen(move |_| {
            if let Some(host) = host.upgrade() {
                host.wake();
            }
        });
        Ok(())
    }
    /// There may be something to do. Never waits.
    pub fn wake(&self) {
        self.news.store(true, Ordering::Release);
        self.unpark();
    }
    fn unpark(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
    /// Ends: no new turns, and those under way are waited for, but not longer than `limit`.
    pub fn stop(&self, limit: Duration) {
        self.ending.store(true, Ordering::Release);
        for hosted in &self.workers {
            hosted.lock().running.iter().for_each(|running| running.stop.store(true, Ordering::Release));
        }
        self.wake();
        let (ended, told) = &self.ended;
        let ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
        drop(told.wait_timeout_while(ended, limit, |ended| !*ended));
    }
    /// Says what did not work and is tried again soon: once a minute, as a full disk concerns every worker every second.
    fn complain(&self, what: &'static str, worker: &str, error: &Error) {
        let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        if complaints.get(what).is_some_and(|last| last.elapsed() < COMPLAIN_EVERY) {
            return;
        }
        complaints.insert(what, Instant::now());
        tracing::warn!(worker, "{what}: {}", error.chain());
    }
    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }
    fn run(self: &Arc<Self>) {
        let mut noted: Option<Instant> = None;
        if matches!(self.manner, Manner::Beside { .. }) {
            // Whoever waits for the first page of a server that was just started comes first.
            std::thread::sleep(GRACE);
        }
        loop {
            let mut news = self.news.swap(false, Ordering::AcqRel);
            self.app.engine.hear_others();
            let soon = noted.map_or(Duration::ZERO, |noted| GATHER.saturating_sub(noted.elapsed()));
            if soon.is_zero() || self.is_ending() {
                match self.app.engine.note_moves() {
                    Ok(false) => {}
                    Ok(true) => (news, noted) = (true, Some(Instant::now())),
                    Err(error) => self.complain("could not note which wikis moved", "", &error),
                }
            }
            let mut running = 0;
            for hosted in &self.workers {
                if let Err(error) = self.look_after(hosted, news) {
                    self.complain("could not look what there is to do", hosted.name.as_str(), &error);
                }
                running += hosted.lock().running.len();
            }
            self.weigh();
            if self.is_ending() && running == 0 {
                break;
            }
            let limited = self.limit().is_some() && (running > 0 || self.is_held());
            let rest = if limited { WEIGH_EVERY } else { LOOK_EVERY };
            // What moved since the last note waits for the next.
            let soon = noted.map_or(rest, |noted| GATHER.saturating_sub(noted.elapsed())).max(Duration::from_millis(1));
            let rest = if self.app.engine.has_moves() { rest.min(soon) } else { rest };
            if !self.news.load(Ordering::Acquire) {
                std::thread::park_timeout(rest);
            }
        }
        for hosted in &self.workers {
            if hosted.post.is_ours() {
                self.note(hosted, &mut hosted.lock());
                hosted.post.leave();
            }
        }
        let (ended, told) = &self.ended;
        *ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        told.notify_all();
    }

    /// One worker: its post, those who hang, and turns for those who wait.
    fn look_after(self: &Arc<Self>, hosted: &Hosted, news: bool) -> Result<()> {
        let ours = self.has_post(hosted)?;
        let mut state = hosted.lock();
        let works = ours && !self.is_ending() && !hosted.rests(&state);
        let stand = if works { Stand::Working } else { Stand::Resting };
        if state.stand != Some(stand) {
            state.stand = Some(stand);
            hosted.worker.stand(&self.app, stand);
        }
        if !ours {
            return Ok(());
        }
        self.watch(hosted, &mut state);
        let idle = hosted.worker.idle_because(&self.app).unwrap_or_default();
        if state.row.idle != idle {
            state.row.idle = idle.to_string();
            state.changed = true;
        }
        if works && idle.is_empty() && !self.is_held() {
            if state.queue.is_empty() && (news || state.more || state.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY)) {
                self.fill(hosted, &mut state)?;
            }
            while state.running.len() < hosted.worker.budget().wikis {
                let Some(wiki) = state.queue.pop_front() else { break };
                self.begin(hosted, &mut state, wiki)?;
            }
        }
        if state.changed && state.noted.is_none_or(|noted| noted.elapsed() >= NOTE_EVERY) {
            self.note(hosted, &mut state);
        }
        Ok(())
    }

    /// Whether this process has the post; takes it where nobody has.
    fn has_post(&self, hosted: &Hosted) -> Result<bool> {
        {
            let mut state = hosted.lock();
            if let Some(given) = state.given {
                if hosted.post.is_ours() || given.elapsed() < GIVEN {
                    return Ok(false);
                }
                state.given = None;
            }
        }
        if hosted.post.is_ours() {
            return Ok(true);
        }
        if self.is_ending() {
            return Ok(false);
        }
        let left = match hosted.post.take()? {
            Taken::Theirs => return Ok(false),
            Taken::Ours => return Ok(true),
            Taken::Now(left) => left,
        };
        if self.is_held() {
            hosted.post.waits(HELD);
        }
        let directory = self.app.engine.directory();
        let wikis: Vec<WikiId> = left.split_whitespace().filter_map(|id| WikiId::from_store(id.parse().ok()?)).collect();
        directory.abandoned_work(hosted.name.as_str(), &wikis, self.now())?;
        let row = directory.worker(hosted.name.as_str())?;
        let upto = row.seen;
        let mut state = hosted.lock();
        *state = State { row, upto, stand: state.stand, ..State::default() };
        Ok(true)
    }

    fn fill(&self, hosted: &Hosted, state: &mut State) -> Result<()> {
        let (directory, name, now) = (self.app.engine.directory(), hosted.name.as_str(), self.now());
        state.looked = Some(Instant::now());
        // All that were looked up before had their turn, or have it.
        if state.running.is_empty() && state.row.seen != state.upto {
            state.row.seen = state.upto;
            state.changed = true;
        }
        let mut found = directory.due_work(name, now, BATCH)?;
        found.extend(hosted.worker.due(&self.app, now, BATCH)?);
        for (wiki, seq) in directory.moved_after(state.upto, BATCH)? {
            found.push(wiki);
            state.upto = seq;
        }
        state.more = found.len() >= BATCH as usize;
        for wiki in found {
            if !state.queue.contains(&wiki) && !state.running.iter().any(|running| running.wiki == wiki) {
                state.queue.push_back(wiki);
            }
        }
        Ok(())
    }

    fn begin(self: &Arc<Self>, hosted: &Hosted, state: &mut State, wiki: WikiId) -> Result<()> {
        let directory = self.app.engine.directory();
        let name = hosted.name;
        let Some(owed) = directory.begin_work(name.as_str(), wiki, self.now())? else { return Ok(()) };
        // Nobody reaches it: it is looked at when it answers again, which is a move.
        if !directory.wiki(wiki)?.is_some_and(|record| hosted.worker.minds(&record)) {
            return directory.end_work(name.as_str(), wiki, &Outcome::Done);
        }
        let running = Arc::new(Running::new(wiki, self.budget(hosted)));
        state.running.push(running.clone());
        Self::leave_word(hosted, state);
        let host = self.clone();
        let turn = move || host.turn(name, &running, owed.tries);
        std::thread::Builder::new().name(format!("holt-{name}")).spawn(turn).map(drop).map_err(|e| {
            state.running.pop();
            Error::io("start a thread for a worker", e)
        })
    }

    fn budget(&self, hosted: &Hosted) -> Budget {
        let budget = hosted.worker.budget();
        #[cfg(debug_assertions)]
        let budget = super::faults::budget(&self.faults, hosted.name, budget);
        budget
    }

    /// What the next process is told, should this one die.
    fn leave_word(hosted: &Hosted, state: &State) {
        let wikis: Vec<String> = state.running.iter().map(|running| running.wiki.to_store().to_string()).collect();
        hosted.post.note(&wikis.join(" "));
    }

    fn hosted(&self, name: Name) -> Option<&Hosted> {
        self.workers.iter().find(|hosted| hosted.name == name)
    }

    /// A turn, on its own thread.
    fn turn(self: &Arc<Self>, name: Name, running: &Arc<Running>, tries: u32) {
        let Some(hosted) = self.hosted(name) else { return };
        step_back();
        let wiki = self.app.engine.wiki(running.wiki);
        let turn = Turn { app: &self.app, running };
        let serve = || {
            #[cfg(debug_assertions)]
            super::faults::commit(&self.faults, name, &turn);
            hosted.worker.serve(&wiki, &turn)
        };
        let served =
            catch_unwind(AssertUnwindSafe(serve)).unwrap_or_else(|panic| Err(Error::internal(format!("it panicked: {}", said(&*panic)))));
        drop(wiki);
        let mut state = hosted.lock();
        if running.lost.load(Ordering::Acquire) {
            tracing::warn!(worker = %name, wiki.id = %running.wiki, "a turn that was given up has ended after all");
            state.lost = state.lost.saturating_sub(1);
            return;
        }
        let error;
        let outcome = match served {
            Ok(Next::Done) => Outcome::Done,
            Ok(Next::At(time)) => Outcome::At(time),
            Ok(Next::Troubled(due, why)) => {
                error = why;
                tracing::error!(worker = %name, wiki.id = %running.wiki, "a wiki is not in order: {error}");
                Outcome::Troubled { due, error: &error }
            }
            Ok(Next::More) => {
                state.queue.push_back(running.wiki);
                // Written down: this process may not live to see it.
                Outcome::At(self.now())
            }
            Err(failed) => {
                error = failed.chain().to_string();
                tracing::warn!(worker = %name, wiki.id = %running.wiki, tries = tries + 1, "a worker failed: {error}");
                Outcome::Failed { due: self.pause_after(tries + 1), tries: tries + 1, error: &error }
            }
        };
        self.count(&mut state, running, &outcome);
        if let Err(error) = self.app.engine.directory().end_work(name.as_str(), running.wiki, &outcome) {
            tracing::warn!(worker = %name, wiki.id = %running.wiki, "could not note what a worker did: {}", error.chain());
        }
        state.running.retain(|other| !Arc::ptr_eq(other, running));
        Self::leave_word(hosted, &state);
        drop(state);
        hosted.turned.notify_all();
        self.unpark();
    }

    fn count(&self, state: &mut State, running: &Running, outcome: &Outcome<'_>) {
        let row = &mut state.row;
        row.spent += u64::try_from(running.began.elapsed().as_millis()).unwrap_or_default();
        row.last = self.now();
        match outcome {
            Outcome::Failed { error, .. } => {
                row.failures += 1;
                row.error = (*error).to_string();
            }
            Outcome::Done | Outcome::At(_) | Outcome::Troubled { .. } => row.turns += 1,
        }
        state.changed = true;
    }

    /// When to try again what failed so often in a row.
    fn pause_after(&self, tries: u32) -> i64 {
        if tries >= TRIES { NEVER } else { self.now() + FIRST_PAUSE.saturating_mul(1 << (tries - 1).min(20)).min(LAST_PAUSE) }
    }

    /// Gives up turns that hang.
    fn watch(&self, hosted: &Hosted, state: &mut State) {
        let silent: Vec<Arc<Running>> = state.running.iter().filter(|running| running.is_silent()).cloned().collect();
        for running in silent {
            let seconds = running.began.elapsed().as_secs();
            self.give_up(hosted, state, &running, &format!("it hung: nothing was heard of it for too long, after {seconds} s"));
        }
    }

    /// Leaves a turn behind. Where the process is the workers' own, it ends.
    fn give_up(&self, hosted: &Hosted, state: &mut State, running: &Arc<Running>, why: &str) {
        tracing::error!(worker = %hosted.name, wiki.id = %running.wiki, threads = %threads(hosted.name), "a worker is given up: {why}");
        running.lost.store(true, Ordering::Release);
        running.stop.store(true, Ordering::Release);
        state.running.retain(|other| !Arc::ptr_eq(other, running));
        state.lost += 1;
        let outcome = Outcome::Failed { due: NEVER, tries: TRIES, error: why };
        self.count(state, running, &outcome);
        if let Err(error) = self.app.engine.directory().end_work(hosted.name.as_str(), running.wiki, &outcome) {
            tracing::warn!("could not note that a worker hung: {}", error.chain());
        }
        Self::leave_word(hosted, state);
        self.note(hosted, state);
        hosted.turned.notify_all();
        if matches!(self.manner, Manner::Alone { .. }) {
            end();
        }
    }

    /// How much memory the process may take before something is done about it.
    fn limit(&self) -> Option<u64> {
        match self.manner {
            Manner::Beside { memory } | Manner::Alone { memory, .. } => memory,
        }
    }
    fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }
    /// Ends a process of workers that takes more memory than it may: whatever is under way is what took it. A server's has nothing new begin.
    fn weigh(&self) {
        let Some((most, bytes)) = self.limit().zip(crate::metrics::resident_bytes()) else { return };
        if matches!(self.manner, Manner::Beside { .. }) {
            return self.hold(bytes, most);
        }
        if bytes <= most {
            return;
        }
        for hosted in &self.workers {
            let mut state = hosted.lock();
            for running in state.running.clone() {
                self.give_up(hosted, &mut state, &running, &format!("the process took {bytes} bytes of memory, and may take {most}"));
            }
        }
    }

    /// While the process takes too much, whatever is under way is told to end where it is whole, and the sentence model goes. It goes on below nine tenths.
    fn hold(&self, bytes: u64, most: u64) {
        let was = self.is_held();
        let is = bytes > if was { most - most / 10 } else { most };
        if is {
            // Again and again: one may have begun just before.
            for hosted in &self.workers {
                hosted.lock().running.iter().for_each(|running| running.stop.store(true, Ordering::Release));
            }
        }
        if was == is {
            return;
        }
        self.held.store(is, Ordering::Release);
        if is {
            tracing::warn!(bytes, most, "background work waits: this process takes more memory than it may (--background-memory)");
            self.app.model.forget();
        } else {
            tracing::info!(bytes, most, "background work goes on: this process takes less memory again");
            self.news.store(true, Ordering::Release);
        }
        for hosted in &self.workers {
            hosted.post.waits(if is { HELD } else { "" });
        }
    }

    fn note(&self, hosted: &Hosted, state: &mut State) {
        if state.queue.is_empty() && state.running.is_empty() {
            state.row.seen = state.upto;
        }
        state.noted = Some(Instant::now());
        state.changed = false;
        if let Err(error) = self.app.engine.directory().note_worker(hosted.name.as_str(), &state.row) {
            self.complain("could not note how a worker stands", hosted.name.as_str(), &error);
        }
    }

    fn now(&self) -> i64 {
        self.app.engine.clock().now()
    }

    /// What its workers are doing.
    pub fn doing(&self) -> Vec<Doing> {
        let ours = self.workers.iter().filter(|hosted| hosted.post.is_ours());
        ours.map(|hosted| {
            let state = hosted.lock();
            let at = state.running.iter().map(|r| (r.wiki, u64::try_from(r.began.elapsed().as_millis()).unwrap_or_default()));
            Doing { name: hosted.name, at: at.collect(), lost: state.lost }
        })
        .collect()
    }
    /// Writes down how a worker stands, so that whoever looks from elsewhere sees it.
    pub fn note_now(&self) {
        for hosted in self.workers.iter().filter(|hosted| hosted.post.is_ours()) {
            self.note(hosted, &mut hosted.lock());
        }
    }
    /// Lets a worker rest, until it is resumed, whatever process it is in by then: it ends what it is at.
    pub fn pause(&self, name: Name) -> Result<()> {
        let hosted = self.ours(name)?;
        self.app.engine.directory().pause_worker(name.as_str())?;
        let mut state = hosted.lock();
        state.row.paused = true;
        drop(Self::ask_to_end(hosted, state));
        Ok(())
    }
    /// Takes back [`Host::pause`].
    pub fn resume(&self, name: Name) -> Result<()> {
        let hosted = self.ours(name)?;
        self.app.engine.directory().resume_worker(name.as_str())?;
        hosted.lock().row.paused = false;
        self.wake();
        Ok(())
    }
    /// Has a worker begin anew: it ends what it is at, tries again whatever failed, and looks at everything that waits.
    pub fn restart(&self, name: Name) -> Result<()> {
        let hosted = self.ours(name)?;
        let mut state = Self::ask_to_end(hosted, hosted.lock());
        self.app.engine.directory().forgive_work(name.as_str(), self.now())?;
        state.lost = 0;
        state.queue.clear();
        state.upto = state.row.seen;
        drop(state);
        self.wake();
        Ok(())
    }
    /// Gives the post to another process: what is under way ends first. `Busy` if it does not, `Denied` if this process is there for it alone.
    pub fn give(&self, name: Name) -> Result<()> {
        if matches!(self.manner, Manner::Alone { gives: false, .. }) {
            return Err(
                Error::denied(format!("{name} has a process of its own already: {}", std::process::id())).hint("End that one first.")
            );
        }
        let hosted = self.ours(name)?;
        let mut state = hosted.lock();
        state.given = Some(Instant::now());
        let mut state = Self::ask_to_end(hosted, state);
        if !state.running.is_empty() {
            state.given = None;
            return Err(Error::busy(format!("{name} is at something that does not end")).hint("Try again in a minute."));
        }
        self.note(hosted, &mut state);
        state.queue.clear();
        state.given = Some(Instant::now());
        hosted.post.leave();
        Ok(())
    }
    fn ours(&self, name: Name) -> Result<&Hosted> {
        self.hosted(name)
            .filter(|hosted| hosted.post.is_ours())
            .ok_or_else(|| Error::not_found(format!("{name} is not in this process")).hint("`holt workers status` says where it is."))
    }
    /// Tells what is under way to end, and waits for it as long as a turn may be silent.
    fn ask_to_end<'a>(hosted: &'a Hosted, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.running.iter().for_each(|running| running.stop.store(true, Ordering::Release));
        let patience = hosted.worker.budget().silence.min(Duration::from_secs(20));
        let waited = hosted.turned.wait_timeout_while(state, patience, |state| !state.running.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Ends the process although threads of it are at something: they are why.
#[expect(clippy::disallowed_methods, reason = "a turn that hangs never lets main return; everything it may leave half-done is made up for")]
fn end() -> ! {
    std::process::exit(BROKEN)
}

/// Lets everybody who waits for an answer go before this thread.
fn step_back() {
    // On Linux this is about the thread that asks, elsewhere about more than is meant. Best effort: without it background work is only less polite.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICE);
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("nothing")
}

/// What the system says of the threads of a worker: their state, and the time they took.
fn threads(name: Name) -> String {
    let ours = format!("(holt-{name})");
    let stat = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("stat")).ok();
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lines = tasks.filter_map(stat).filter(|line| line.contains(&ours));
    let short = lines.map(|line| {
        let fields: Vec<&str> = line.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        format!("{} {}", fields.first().unwrap_or(&"?"), fields.get(11).unwrap_or(&"?"))
    });
    short.collect::<Vec<_>>().join(", ")
}
