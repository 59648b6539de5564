//! Mail about what people watch: sends what a wiki owes. Its cursors are what each reader was told, in `wiki.db`; when to look, `holt.db` says.
//!
//! At least once: that somebody was told is noted after the mail server took the letter. If the process dies in between, the same letter goes
//! again, under the same id, so that mail programs show it once. A letter that fails stays owed (`pages::digest_failed`), and one broken wiki
//! or mail server keeps no other waiting for longer than a minute or so.

use super::{Budget, Next, Turn, Worker};
use crate::app::App;
use crate::mail::{self, Letter, MailServer};
use crate::web::letters;
use holt_core::unsubscribe::{UNSUBSCRIBE_SECONDS, Unsubscribe, UnsubscribeKey};
use holt_core::{Error, Result, UserId, WikiId};
use holt_engine::directory::{Next as Planned, Turn as Asked};
use holt_engine::pages::{self, Digest, Due, Mark};
use holt_engine::{Engine, Wiki};
use std::sync::Arc;
use std::time::Duration;

/// Most letters in one turn; the rest has to wait for the other wikis.
const LETTERS: usize = 50;
/// After so many failures in a row the mail server is taken to be down.
const DOWN: usize = 2;
/// When a wiki is asked again that cannot be asked or cannot send mail, in seconds.
const PAUSE: i64 = 6 * 3600;

/// The worker.
pub struct Digests;

impl Worker for Digests {
    fn budget(&self) -> Budget {
        Budget { turn: Duration::from_secs(60), ..Budget::default() }
    }
    fn due(&self, app: &App, now: i64, most: u32) -> Result<Vec<WikiId>> {
        app.engine.directory().due_digests(now, most)
    }
    fn serve(&self, wiki: &Arc<Wiki>, turn: &Turn<'_>) -> Result<Next> {
        let directory = turn.app.engine.directory();
        let Some(asked) = directory.begin_digests(wiki.id(), turn.now())? else { return Ok(Next::Done) };
        let planned = send(wiki, turn, &asked).unwrap_or_else(|error| {
            tracing::warn!(wiki.id = %wiki.id(), "could not send mail to those who watch: {}", error.chain());
            later(turn)
        });
        directory.end_turn(&asked, planned)?;
        Ok(if turn.goes_on() { Next::Done } else { Next::More })
    }
}

fn later(turn: &Turn<'_>) -> Planned {
    Planned::At { time: Some(turn.now() + PAUSE), listens: false }
}

/// Sends what a wiki owes, and says when it is to be asked again.
fn send(wiki: &Wiki, turn: &Turn<'_>, asked: &Asked) -> Result<Planned> {
    let app = turn.app;
    let due = pages::digests_due(wiki)?;
    if due.is_empty() {
        return pages::next_digests(wiki);
    }
    let server = MailServer::of_wiki(&*wiki.preferences()?)?.or_else(|| app.mail_server.clone());
    let (Some(server), Some(origin)) = (server, letters::home(app, asked.wiki, app.listening.get().copied())?) else {
        tracing::debug!(wiki.id = %asked.wiki, "has readers who want mail, but can send none");
        return Ok(later(turn));
    };
    let desk = Desk { app, wiki, server, origin, key: key(&app.engine)? };
    let mut in_a_row = 0;
    for (n, due) in due.iter().enumerate() {
        if n >= LETTERS || !turn.goes_on() {
            return Ok(Planned::At { time: Some(turn.now()), listens: false });
        }
        // A mail server that is down is not asked for everybody.
        let told = if in_a_row < DOWN { desk.tell(due) } else { Err(Error::busy("the mail server is down")) };
        match told {
            Ok(()) => in_a_row = 0,
            Err(error) => {
                in_a_row += 1;
                let retry = pages::digest_failed(wiki, due.user)?;
                tracing::warn!(wiki.id = %asked.wiki, actor.id = due.user.0, ?retry, "somebody could not be told: {}", error.chain());
            }
        }
    }
    pages::next_digests(wiki)
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
