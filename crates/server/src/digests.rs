//! Mail about what people watch: one thread asks now and then whose turn it is, and sends what a wiki owes.
//!
//! At least once: that somebody was told is noted after the mail server took the letter. If the process dies in between, the same letter goes
//! again, under the same id, so that mail programs show it once. A letter that fails stays owed (`pages::digest_failed`), and one broken wiki
//! or mail server keeps no other waiting for longer than a minute or so.

use crate::app::App;
use crate::mail::{self, Letter, MailServer};
use crate::web::letters;
use holt_core::unsubscribe::{UNSUBSCRIBE_SECONDS, Unsubscribe, UnsubscribeKey};
use holt_core::{Error, Result, UserId, WikiId};
use holt_engine::directory::{Next, Turn, WikiState};
use holt_engine::pages::{self, Digest, Due, Mark};
use holt_engine::{Engine, Wiki};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often is looked whose turn it is: one indexed question.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Most letters in one turn; the rest has to wait for the other wikis.
const LETTERS: usize = 50;
/// How long a turn may last before the others have theirs.
const TURN: Duration = Duration::from_secs(60);
/// After so many failures in a row the mail server is taken to be down.
const DOWN: usize = 2;
/// When a wiki is asked again that cannot be asked or cannot send mail, in seconds.
const PAUSE: i64 = 6 * 3600;

/// Where the thread stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// There is none.
    #[default]
    Idle,
    /// It sends what is due.
    Running,
    /// It ends after the letter at hand.
    Stopping,
}

/// The thread, as the rest of the server sees it.
#[derive(Default)]
pub struct Digests {
    state: Mutex<State>,
    news: Condvar,
}

impl Digests {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn set(&self, state: State) {
        *self.lock() = state;
        self.news.notify_all();
    }
    fn is_stopping(&self) -> bool {
        *self.lock() == State::Stopping
    }
    /// Waits; not for long if the end has come.
    fn rest(&self) {
        let state = self.lock();
        drop(self.news.wait_timeout_while(state, LOOK_EVERY, |state| *state == State::Running));
    }
    /// Ends the thread: at once, or after the letter that is under way, but not later than after `limit`.
    pub fn stop(&self, limit: Duration) {
        let mut state = self.lock();
        if *state == State::Running {
            *state = State::Stopping;
            self.news.notify_all();
            drop(self.news.wait_timeout_while(state, limit, |state| *state == State::Stopping));
        }
    }
}

/// Starts the thread. `listening` is where the server is reached if there is no domain.
pub fn start(app: &Arc<App>, listening: SocketAddr) -> Result<()> {
    app.digests.set(State::Running);
    let app = app.clone();
    let work = move || {
        while !app.digests.is_stopping() {
            app.digests.rest();
            look(&app, listening);
        }
        app.digests.set(State::Idle);
    };
    std::thread::Builder::new().name("holt-digests".into()).spawn(work).map(drop).map_err(|e| Error::io("start a thread for mail", e))
}

/// The turns of all wikis that wait for one.
fn look(app: &App, listening: SocketAddr) {
    while !app.digests.is_stopping() {
        let directory = app.engine.directory();
        let turn = match directory.next_turn(app.engine.clock().now()) {
            Ok(Some(turn)) => turn,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!("could not look for mail that is due: {}", error.chain());
                return;
            }
        };
        // Whatever is wrong with one wiki, the others have their turn.
        let next = catch_unwind(AssertUnwindSafe(|| serve(app, &turn, listening)))
            .unwrap_or_else(|_| Err(Error::internal("send mail of a wiki: it panicked")))
            .unwrap_or_else(|error| {
                tracing::warn!(wiki.id = %turn.wiki, "could not send mail to those who watch: {}", error.chain());
                later(app)
            });
        if let Err(error) = directory.end_turn(&turn, next) {
            tracing::warn!(wiki.id = %turn.wiki, "could not plan mail: {}", error.chain());
        }
    }
}

fn later(app: &App) -> Next {
    Next::At { time: Some(app.engine.clock().now() + PAUSE), listens: false }
}

/// Sends what a wiki owes, and says when it is to be asked again.
fn serve(app: &App, turn: &Turn, listening: SocketAddr) -> Result<Next> {
    match app.engine.directory().wiki(turn.wiki)? {
        None => return Ok(Next::Never),
        Some(record) if record.state == WikiState::Suspended => return Ok(later(app)),
        Some(_) => {}
    }
    let wiki = app.engine.wiki(turn.wiki);
    let due = pages::digests_due(&wiki)?;
    if due.is_empty() {
        return pages::next_digests(&wiki);
    }
    let server = MailServer::of_wiki(&*wiki.preferences()?)?.or_else(|| app.mail_server.clone());
    let (Some(server), Some(origin)) = (server, letters::home(app, turn.wiki, Some(listening))?) else {
        tracing::debug!(wiki.id = %turn.wiki, "has readers who want mail, but can send none");
        return Ok(later(app));
    };
    let desk = Desk { app, wiki: &wiki, server, origin, key: key(&app.engine)? };
    let (begin, mut in_a_row) = (Instant::now(), 0);
    for (n, due) in due.iter().enumerate() {
        if n >= LETTERS || begin.elapsed() > TURN || app.digests.is_stopping() {
            return Ok(Next::At { time: Some(app.engine.clock().now()), listens: false });
        }
        // A mail server that is down is not asked for everybody.
        let told = if in_a_row < DOWN { desk.tell(due) } else { Err(Error::busy("the mail server is down")) };
        match told {
            Ok(()) => in_a_row = 0,
            Err(error) => {
                in_a_row += 1;
                let retry = pages::digest_failed(&wiki, due.user)?;
                tracing::warn!(wiki.id = %turn.wiki, actor.id = due.user.0, ?retry, "somebody could not be told: {}", error.chain());
            }
        }
    }
    pages::next_digests(&wiki)
}

/// What signs the links by which people stop such mail.
pub fn key(engine: &Engine) -> Result<UnsubscribeKey> {
    engine.directory().secret("unsubscribe").map(UnsubscribeKey::new)
}

/// Where the letters of one wiki are written.
struct Desk<'a> {
    app: &'a App,
    wiki: &'a Wiki,
    server: MailServer,
    origin: String,
    key: UnsubscribeKey,
}

impl Desk<'_> {
    /// Tells somebody what they may know now, and notes it.
    fn tell(&self, due: &Due) -> Result<()> {
        let Some(digest) = pages::digest(self.wiki, due.user, due.since, &self.origin)? else {
            return pages::digest_sent(self.wiki, due.user, due.since);
        };
        let Some(account) = self.app.engine.directory().user(due.user)? else { return Ok(()) };
        let upto = digest.upto;
        mail::send(self.app, self.wiki.id(), &self.server, &self.letter(account.email, due, digest)?)?;
        pages::digest_sent(self.wiki, due.user, upto)
    }
    fn letter(&self, to: String, due: &Due, digest: Digest) -> Result<Letter> {
        let expires = self.app.engine.clock().now() + UNSUBSCRIBE_SECONDS;
        let token = self.key.sign(&Unsubscribe { wiki: self.wiki.id(), user: due.user, expires });
        let stop = format!("{}/-/unsubscribe/{token}", self.origin);
        let language = self.wiki.preferences()?.language;
        Ok(Letter {
            to,
            subject: digest.subject,
            text: format!("{}{} {stop}\n", digest.body, language.say("No such mail any more:")),
            id: Some(id(self.wiki.id(), due.user, due.since, digest.upto)),
            unsubscribe: Some(stop),
        })
    }
}

/// The same for the same letter, should it go twice.
fn id(wiki: WikiId, user: UserId, since: Mark, upto: Mark) -> String {
    let mark = |mark: Mark| {
        let revision = mark.revision.map(|id| id.to_string()).unwrap_or_default();
        format!("{revision}-{}-{}", mark.comment, mark.proposal)
    };
    format!("digest.{wiki}.{}.{}.{}", user.0, mark(since), mark(upto))
}
