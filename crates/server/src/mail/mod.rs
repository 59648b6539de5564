//! Outgoing mail: letters in plain text, a bounded queue of them, and the threads that hand them to a mail server, so that no request waits
//! for one. Knows neither wikis' pages nor what letters say.

mod server;
mod smtp;

pub use server::{MailServer, Security, check_host, check_port};

use crate::app::App;
use holt_core::{Error, Result, WikiId};
use holt_engine::directory::AuditEntry;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// Most letters that wait at once (security.md RATE-4).
const QUEUE: usize = 256;
/// Most letters of one wiki, or of the platform, that wait at once, so that one with a slow mail server leaves room for others (RATE-3).
const QUEUE_PER_WIKI: usize = 32;
/// Letters on their way at once.
const THREADS: usize = 2;
/// How long a mail server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Trial letters on their way at once.
const TRIALS: usize = 2;
/// The action of a failure in the audit log.
pub const FAILED: &str = "mail.failed";

/// Something to be read by one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Letter {
    /// The address, as [`holt_engine::accounts::check_email`] returns it.
    pub to: String,
    /// One line; whatever would end it becomes a space.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// What makes it the same letter should it go twice; without, it is a letter of its own. Letters, digits, dots and hyphens.
    pub id: Option<String>,
    /// Where a program stops such mail by one POST (RFC 8058).
    pub unsubscribe: Option<String>,
}

/// What waits.
struct Posted {
    wiki: Option<WikiId>,
    server: MailServer,
    letter: Letter,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Posted>,
    under_way: usize,
    closed: bool,
}

/// The letters of all wikis that are to be sent.
#[derive(Default)]
pub struct Outbox {
    state: Mutex<State>,
    news: Condvar,
    trials: Arc<AtomicUsize>,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Leaves a letter of a wiki, or of the platform, to be sent; returns at once. `Busy` if too many wait.
    pub fn post(&self, wiki: impl Into<Option<WikiId>>, server: MailServer, letter: Letter) -> Result<()> {
        let wiki = wiki.into();
        let mut state = self.lock();
        let own = state.waiting.iter().filter(|posted| posted.wiki == wiki).count();
        if state.closed || state.waiting.len() >= QUEUE || own >= QUEUE_PER_WIKI {
            return Err(Error::busy("too many mails wait to be sent").hint("Try again in a few minutes."));
        }
        state.waiting.push_back(Posted { wiki, server, letter });
        self.news.notify_one();
        Ok(())
    }
    /// Sends a letter now and says how that went. Returns after `limit` at the latest.
    pub fn try_now(&self, server: MailServer, letter: Letter, limit: Duration) -> Result<()> {
        let trials = self.trials.clone();
        if trials.fetch_add(1, Ordering::AcqRel) >= TRIALS {
            trials.fetch_sub(1, Ordering::AcqRel);
            return Err(Error::busy("another test is still under way").hint("Try again in a moment."));
        }
        let (done, sent) = mpsc::channel();
        // A thread of its own: looking up a name cannot be interrupted, and a server may answer byte by byte.
        std::thread::spawn(move || {
            let result = smtp::deliver(&server, &letter, limit / 2);
            trials.fetch_sub(1, Ordering::AcqRel);
            // Whoever asked may have given up.
            let _ = done.send(result);
        });
        sent.recv_timeout(limit)
            .unwrap_or_else(|_| Err(Error::busy(format!("the mail server did not answer within {} seconds", limit.as_secs()))))
    }
    fn next(&self) -> Option<Posted> {
        let mut state = self.lock();
        loop {
            if let Some(posted) = state.waiting.pop_front() {
                state.under_way += 1;
                return Some(posted);
            }
            if state.closed {
                return None;
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
    fn finished(&self) {
        self.lock().under_way -= 1;
        self.news.notify_all();
    }
    /// Whether there is a letter that nobody has begun to send.
    pub fn has_letters(&self) -> bool {
        !self.lock().waiting.is_empty()
    }
    /// Takes no more letters and waits until those that wait are sent, but not longer than `limit`.
    pub fn close(&self, limit: Duration) {
        let end = Instant::now() + limit;
        let mut state = self.lock();
        state.closed = true;
        self.news.notify_all();
        while !state.waiting.is_empty() || state.under_way > 0 {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                tracing::warn!(letters = state.waiting.len() + state.under_way, "mail that was not sent is lost");
                state.waiting.clear();
                return;
            }
            state = self.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Starts the threads that send what is posted, until the outbox closes.
pub fn start(app: &Arc<App>) -> Result<()> {
    for _ in 0..THREADS {
        let app = app.clone();
        let work = move || {
            while let Some(posted) = app.outbox.next() {
                // A letter that trips over something must not stop those behind it.
                let sent = catch_unwind(AssertUnwindSafe(|| smtp::deliver(&posted.server, &posted.letter, PATIENCE)));
                let sent = sent.unwrap_or_else(|_| Err(Error::internal("send a mail: the sender panicked")));
                report(&app, posted.wiki, &posted.letter.to, sent.as_ref());
                app.outbox.finished();
            }
        };
        std::thread::Builder::new().name("holt-mail".into()).spawn(work).map_err(|e| Error::io("start a thread for mail", e))?;
    }
    Ok(())
}

/// Sends a letter on this thread and waits for that. What fails is told twice: to the caller and as for letters that were posted.
pub fn send(app: &App, wiki: WikiId, server: &MailServer, letter: &Letter) -> Result<()> {
    let sent = smtp::deliver(server, letter, PATIENCE);
    report(app, Some(wiki), &letter.to, sent.as_ref());
    sent
}

/// Failures are in the log for operators and in the audit log for the wiki's administrators.
fn report(app: &App, wiki: Option<WikiId>, to: &str, sent: Result<&(), &Error>) {
    let whose = wiki.map_or_else(|| "platform".to_string(), |wiki| wiki.to_string());
    let Err(error) = sent else {
        tracing::info!(wiki.id = %whose, "sent a mail");
        return;
    };
    tracing::warn!(wiki.id = %whose, "could not send a mail: {}", error.chain());
    let object = format!("{to}: {}", error.message);
    let entry = AuditEntry { time: app.engine.clock().now(), actor: "Holt", wiki, action: FAILED, object: &object, result: "failed" };
    if let Err(error) = app.engine.directory().audit(&entry) {
        tracing::warn!("not in the audit log: {}", error.chain());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_outbox_refuses_and_one_wiki_does_not_fill_it() {
        let outbox = Outbox::default();
        let server = MailServer::parse("smtp://localhost", "wiki@example.org").unwrap();
        let letter = || Letter { to: "ann@example.org".into(), subject: "Hi".into(), text: "Hi\n".into(), ..Letter::default() };
        let post = |wiki: u64| outbox.post(WikiId::from_random(wiki), server.clone(), letter()).is_ok();
        assert_eq!((0..100).filter(|_| post(1)).count(), QUEUE_PER_WIKI);
        assert_eq!((2..100).map(|wiki| (0..100).filter(|_| post(wiki)).count()).sum::<usize>(), QUEUE - QUEUE_PER_WIKI);
        // Nobody sends them: closing gives up and keeps nobody waiting.
        outbox.close(Duration::from_millis(1));
        assert!(!post(1) && outbox.next().is_none());
    }
}
