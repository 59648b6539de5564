//! Rows of `wiki.db` about webhooks: whom the wiki tells what happens, what they are owed, and how it went.

use super::decode;
use super::wiki_db::WikiDb;
use holt_core::{PagePath, Result, RevisionId};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// How many messages of a webhook are kept that are done with.
pub const KEPT: i64 = 100;

/// What a webhook is told of, as a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HookEvent {
    /// A page is new.
    PageCreated,
    /// Its text is another.
    PageUpdated,
    /// It is called otherwise, or lies elsewhere.
    PageRenamed,
    /// It is gone.
    PageDeleted,
    /// A file beside a page is new.
    AttachmentCreated,
    /// It has other content.
    AttachmentUpdated,
    /// It is called otherwise, or lies elsewhere.
    AttachmentRenamed,
    /// It is gone.
    AttachmentDeleted,
    /// Somebody said something about a page.
    CommentCreated,
    /// A change waits to be accepted.
    ProposalOpened,
}

impl HookEvent {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::PageCreated,
        Self::PageUpdated,
        Self::PageRenamed,
        Self::PageDeleted,
        Self::AttachmentCreated,
        Self::AttachmentUpdated,
        Self::AttachmentRenamed,
        Self::AttachmentDeleted,
        Self::CommentCreated,
        Self::ProposalOpened,
    ];
    /// As messages, the API and the database spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PageCreated => "page.created",
            Self::PageUpdated => "page.updated",
            Self::PageRenamed => "page.renamed",
            Self::PageDeleted => "page.deleted",
            Self::AttachmentCreated => "attachment.created",
            Self::AttachmentUpdated => "attachment.updated",
            Self::AttachmentRenamed => "attachment.renamed",
            Self::AttachmentDeleted => "attachment.deleted",
            Self::CommentCreated => "comment.created",
            Self::ProposalOpened => "proposal.opened",
        }
    }
    /// From such a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == word)
    }
}

/// Whether a webhook is told anything, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookState {
    /// It is.
    On,
    /// It is, but a message was given up.
    Failing,
    /// Somebody switched it off.
    Off,
    /// Its server said that it wants nothing any more (410).
    Gone,
    /// Nothing came through for too long.
    Broken,
}

impl HookState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::On, Self::Failing, Self::Off, Self::Gone, Self::Broken];
    /// As the API and the database spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Failing => "failing",
            Self::Off => "off",
            Self::Gone => "gone",
            Self::Broken => "broken",
        }
    }
    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
    /// Whether it is told anything.
    pub fn listens(self) -> bool {
        matches!(self, Self::On | Self::Failing)
    }
}

/// Up to where a webhook has been told everything, or is owed it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// The history.
    pub revision: Option<RevisionId>,
    /// The newest comment.
    pub comment: i64,
    /// The newest proposal.
    pub proposal: i64,
}

/// A webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its identity in the wiki, never given again.
    pub id: i64,
    /// Where messages go.
    pub url: String,
    /// What they are signed with.
    pub secret: String,
    /// What they are signed with as well, and until when.
    pub old_secret: Option<(String, i64)>,
    /// What it is told of.
    pub events: Vec<HookEvent>,
    /// Only what is at this page or below it.
    pub prefix: Option<PagePath>,
    /// Whether it is told anything.
    pub state: HookState,
    /// Attempts that failed, in a row.
    pub failures: u32,
    /// Until then it is left alone: Unix seconds.
    pub resumes: i64,
    /// Unix seconds.
    pub created: i64,
    /// What whoever made it was called then.
    pub made_by: String,
    /// Up to where it has been told.
    pub told: Told,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Webhook({}, {:?})", self.id, self.state)
    }
}

/// A message that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owed {
    /// Its id on the wire.
    pub(crate) message: String,
    /// What it is about.
    pub(crate) event: &'static str,
    /// Of which commit it tells.
    pub(crate) revision: Option<RevisionId>,
    /// What is sent.
    pub(crate) body: String,
}

/// A message as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its identity in the wiki.
    pub id: i64,
    /// To whom.
    pub webhook: i64,
    /// Its id on the wire.
    pub message: String,
    /// What it is about.
    pub event: String,
    /// Of which commit it tells.
    pub revision: Option<RevisionId>,
    /// What is sent.
    pub body: String,
    /// Unix seconds.
    pub created: i64,
    /// When it is to be sent (again), Unix seconds; none if it is done with.
    pub due: Option<i64>,
    /// How often it was sent.
    pub attempts: u32,
    /// How it went the last time.
    pub last: Option<Attempt>,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Unix seconds.
    pub at: i64,
    /// Milliseconds.
    pub took: i64,
    /// What the server answered.
    pub status: Option<u16>,
    /// Why that is no success, in one clause.
    pub error: Option<String>,
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Aftermath {
    /// When the message is sent again; none: it is done with.
    pub(crate) due: Option<i64>,
    /// How the webhook stands.
    pub(crate) state: HookState,
    /// Attempts that failed, in a row.
    pub(crate) failures: u32,
    /// Until when it is left alone.
    pub(crate) resumes: i64,
}

const WEBHOOK: &str = "id, url, secret, old_secret, old_until, events, prefix, state, failures, resumes, created, made_by,
    told_revision, told_comment, told_proposal";
const DELIVERY: &str = "id, webhook, message, event, revision, body, created, due, attempts, at, took, status, error";

/// A row whose words have not been read yet.
struct Raw {
    webhook: Webhook,
    events: String,
    prefix: Option<String>,
    state: String,
    revision: Option<String>,
}

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    let (old, until): (Option<String>, Option<i64>) = (row.get(3)?, row.get(4)?);
    let webhook = Webhook {
        id: row.get(0)?,
        url: row.get(1)?,
        secret: row.get(2)?,
        old_secret: old.zip(until),
        events: Vec::new(),
        prefix: None,
        state: HookState::Off,
        failures: row.get(8)?,
        resumes: row.get(9)?,
        created: row.get(10)?,
        made_by: row.get(11)?,
        told: Told { revision: None, comment: row.get(13)?, proposal: row.get(14)? },
    };
    Ok(Raw { webhook, events: row.get(5)?, prefix: row.get(6)?, state: row.get(7)?, revision: row.get(12)? })
}

fn webhook(raw: Raw) -> Result<Webhook> {
    let words: Vec<String> = decode("what a webhook is told of", serde_json::from_str(&raw.events).ok())?;
    let told = Told { revision: raw.revision.as_deref().map(RevisionId::parse).transpose()?, ..raw.webhook.told };
    Ok(Webhook {
        // A word that a later Holt knew is told to nobody here.
        events: words.iter().filter_map(|word| HookEvent::parse(word)).collect(),
        prefix: raw.prefix.as_deref().map(PagePath::parse).transpose()?,
        state: decode("how a webhook stands", HookState::parse(&raw.state))?,
        told,
        ..raw.webhook
    })
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<(Delivery, Option<String>)> {
    let (at, took, status, error): (Option<i64>, Option<i64>, Option<u16>, Option<String>) =
        (row.get(9)?, row.get(10)?, row.get(11)?, row.get(12)?);
    let delivery = Delivery {
        id: row.get(0)?,
        webhook: row.get(1)?,
        message: row.get(2)?,
        event: row.get(3)?,
        revision: None,
        body: row.get(5)?,
        created: row.get(6)?,
        due: row.get(7)?,
        attempts: row.get(8)?,
        last: at.map(|at| Attempt { at, took: took.unwrap_or_default(), status, error }),
    };
    Ok((delivery, row.get(4)?))
}

fn read((delivery, revision): (Delivery, Option<String>)) -> Result<Delivery> {
    Ok(Delivery { revision: revision.as_deref().map(RevisionId::parse).transpose()?, ..delivery })
}

fn words(events: &[HookEvent]) -> String {
    serde_json::Value::from(events.iter().map(|event| event.as_str()).collect::<Vec<_>>()).to_string()
}

fn text(revision: Option<RevisionId>) -> Option<String> {
    revision.map(|revision| revision.to_string())
}

fn note_told(db: &Connection, id: i64, told: Told) -> rusqlite::Result<()> {
    let sql = "UPDATE webhooks SET told_revision = ?2, told_comment = ?3, told_proposal = ?4 WHERE id = ?1";
    db.execute(sql, (id, text(told.revision), told.comment, told.proposal)).map(drop)
}

fn put(db: &Connection, webhook: i64, owed: &Owed, now: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO deliveries (webhook, message, event, revision, body, created, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
        ON CONFLICT DO NOTHING";
    db.prepare_cached(sql)?.execute((webhook, &owed.message, owed.event, text(owed.revision), &owed.body, now)).map(drop)
}

/// What is owed to a webhook that is told nothing any more is given up; what is done with is kept for a while.
fn tidy(db: &Connection, webhook: i64, state: HookState) -> rusqlite::Result<()> {
    if !state.listens() {
        db.execute(
            "UPDATE deliveries SET due = NULL, error = coalesce(error, 'switched off') WHERE webhook = ?1 AND due IS NOT NULL",
            [webhook],
        )?;
    }
    let sql = "DELETE FROM deliveries WHERE webhook = ?1 AND due IS NULL AND id NOT IN
        (SELECT id FROM deliveries WHERE webhook = ?1 AND due IS NULL ORDER BY id DESC LIMIT ?2)";
    db.execute(sql, (webhook, KEPT)).map(drop)
}

impl WikiDb {
    /// All webhooks, in the order in which they were made.
    pub(crate) fn webhooks(&self) -> Result<Vec<Webhook>> {
        let sql = format!("SELECT {WEBHOOK} FROM webhooks ORDER BY id");
        let rows: Vec<Raw> = self.read("list webhooks", |db| db.prepare_cached(&sql)?.query_map([], raw)?.collect())?;
        rows.into_iter().map(webhook).collect()
    }
    /// One of them.
    pub(crate) fn webhook(&self, id: i64) -> Result<Option<Webhook>> {
        let sql = format!("SELECT {WEBHOOK} FROM webhooks WHERE id = ?1");
        self.read("read a webhook", |db| db.prepare_cached(&sql)?.query_row([id], raw).optional())?.map(webhook).transpose()
    }
    /// Keeps a new one, whatever its id says, unless there are `most` already. Its id.
    pub(crate) fn add_webhook(&self, new: &Webhook, most: usize) -> Result<Option<i64>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.write("add a webhook", |db| {
            let there: i64 = db.query_row("SELECT count(*) FROM webhooks", [], |row| row.get(0))?;
            if there >= most {
                return Ok(None);
            }
            let sql =
                "INSERT INTO webhooks (url, secret, events, prefix, state, created, made_by, told_revision, told_comment, told_proposal)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
            let values = params![
                new.url,
                new.secret,
                words(&new.events),
                new.prefix.as_ref().map(PagePath::as_str),
                new.state.as_str(),
                new.created,
                new.made_by,
                text(new.told.revision),
                new.told.comment,
                new.told.proposal
            ];
            db.execute(sql, values)?;
            Ok(Some(db.last_insert_rowid()))
        })
    }
    /// Stores what an administrator may change of one: its address, its events, its part, its state, its secrets, and from where on it is told.
    pub(crate) fn change_webhook(&self, changed: &Webhook) -> Result<()> {
        let (old, until) = changed.old_secret.clone().unzip();
        self.write("change a webhook", |db| {
            let sql = "UPDATE webhooks SET url = ?2, secret = ?3, old_secret = ?4, old_until = ?5, events = ?6, prefix = ?7, state = ?8,
                failures = ?9, resumes = ?10 WHERE id = ?1";
            let values = params![
                changed.id,
                changed.url,
                changed.secret,
                old,
                until,
                words(&changed.events),
                changed.prefix.as_ref().map(PagePath::as_str),
                changed.state.as_str(),
                changed.failures,
                changed.resumes
            ];
            db.execute(sql, values)?;
            note_told(db, changed.id, changed.told)?;
            tidy(db, changed.id, changed.state)
        })
    }
    /// Forgets one, and all that it is owed. Whether there was such a one.
    pub(crate) fn delete_webhook(&self, id: i64) -> Result<bool> {
        self.write("delete a webhook", |db| {
            db.execute("DELETE FROM deliveries WHERE webhook = ?1", [id])?;
            db.execute("DELETE FROM webhooks WHERE id = ?1", [id]).map(|n| n > 0)
        })
    }
    /// Notes what a webhook is owed and up to where that tells it everything: both or nothing. Nothing happens if somebody else was faster, or switched
    /// it off.
    pub(crate) fn owe(&self, webhook: &Webhook, owed: &[Owed], told: Told, now: i64) -> Result<()> {
        let before = webhook.told;
        self.write("note what a webhook is owed", |db| {
            let sql = "SELECT EXISTS (SELECT 1 FROM webhooks WHERE id = ?1 AND state IN ('on', 'failing')
                AND told_revision IS ?2 AND told_comment = ?3 AND told_proposal = ?4)";
            if db.query_row(sql, (webhook.id, text(before.revision), before.comment, before.proposal), |row| row.get(0))? {
                owed.iter().try_for_each(|owed| put(db, webhook.id, owed, now))?;
                note_told(db, webhook.id, told)?;
            }
            Ok(())
        })
    }
    /// Notes one message more, which tells of nothing that happened in the wiki.
    pub(crate) fn owe_one(&self, webhook: i64, owed: &Owed, now: i64) -> Result<()> {
        self.write("note what a webhook is owed", |db| {
            put(db, webhook, owed, now)?;
            db.execute("UPDATE webhooks SET resumes = 0 WHERE id = ?1", [webhook]).map(drop)
        })
    }
    /// How much a webhook is owed.
    pub(crate) fn owed(&self, webhook: i64) -> Result<usize> {
        let sql = "SELECT count(*) FROM deliveries WHERE webhook = ?1 AND due IS NOT NULL";
        self.read("count what a webhook is owed", |db| db.prepare_cached(sql)?.query_row([webhook], |row| super::comments::number(row, 0)))
    }
    /// What is to be sent to a webhook by now, what waits longest first.
    pub(crate) fn due_deliveries(&self, webhook: i64, now: i64, limit: usize) -> Result<Vec<Delivery>> {
        let sql = format!("SELECT {DELIVERY} FROM deliveries WHERE webhook = ?1 AND due <= ?2 ORDER BY due, id LIMIT ?3");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Vec<_> =
            self.read("read what a webhook is owed", |db| db.prepare_cached(&sql)?.query_map((webhook, now, limit), delivery)?.collect())?;
        rows.into_iter().map(read).collect()
    }
    /// The messages of a webhook, newest first.
    pub(crate) fn deliveries(&self, webhook: i64, limit: usize) -> Result<Vec<Delivery>> {
        let sql = format!("SELECT {DELIVERY} FROM deliveries WHERE webhook = ?1 ORDER BY id DESC LIMIT ?2");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Vec<_> =
            self.read("list what a webhook was sent", |db| db.prepare_cached(&sql)?.query_map((webhook, limit), delivery)?.collect())?;
        rows.into_iter().map(read).collect()
    }
    /// One of them is sent again, now, as if for the first time. Whether there is such a one.
    pub(crate) fn redeliver(&self, webhook: i64, id: i64, now: i64) -> Result<bool> {
        self.write("send a message again", |db| {
            let again = db.execute("UPDATE deliveries SET due = ?3, attempts = 0 WHERE id = ?2 AND webhook = ?1", (webhook, id, now))?;
            db.execute("UPDATE webhooks SET resumes = 0 WHERE id = ?1", [webhook])?;
            Ok(again > 0)
        })
    }
    /// Notes how it went to send a message, and what follows from it. Whoever was switched off meanwhile stays so.
    pub(crate) fn note_attempt(&self, delivery: &Delivery, attempt: &Attempt, after: &Aftermath) -> Result<()> {
        self.write("note how a message went", |db| {
            let sql = "UPDATE deliveries SET due = ?2, attempts = ?3, at = ?4, took = ?5, status = ?6, error = ?7 WHERE id = ?1";
            let values = params![delivery.id, after.due, delivery.attempts + 1, attempt.at, attempt.took, attempt.status, attempt.error];
            db.execute(sql, values)?;
            let sql = "UPDATE webhooks SET state = CASE state WHEN 'off' THEN 'off' ELSE ?2 END, failures = ?3, resumes = ?4 WHERE id = ?1";
            db.execute(sql, (delivery.webhook, after.state.as_str(), after.failures, after.resumes))?;
            let state: Option<String> =
                db.query_row("SELECT state FROM webhooks WHERE id = ?1", [delivery.webhook], |row| row.get(0)).optional()?;
            let state = state.as_deref().and_then(HookState::parse).unwrap_or(HookState::Off);
            tidy(db, delivery.webhook, state)
        })
    }
    /// When the next message is to be sent, of all webhooks that are told anything.
    pub(crate) fn next_delivery(&self) -> Result<Option<i64>> {
        let sql = "SELECT min(max(d.due, w.resumes)) FROM deliveries AS d JOIN webhooks AS w ON w.id = d.webhook
            WHERE d.due IS NOT NULL AND w.state IN ('on', 'failing')";
        self.read("look when a message is due", |db| db.prepare_cached(sql)?.query_row([], |row| row.get(0)))
    }
    /// The comments behind `after`, oldest first, each with its page.
    pub(crate) fn comments_after(&self, after: i64, limit: usize) -> Result<Vec<NewComment>> {
        let sql = "SELECT c.id, c.thread, c.author_name, c.created, t.pagepath FROM comments AS c JOIN threads AS t ON t.id = c.thread
            WHERE c.id > ?1 ORDER BY c.id LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Vec<(i64, i64, String, i64, String)> = self.read("read new comments", |db| {
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
            db.prepare_cached(sql)?.query_map((after, limit), row)?.collect()
        })?;
        let comment = |(id, thread, name, created, path): (i64, i64, String, i64, String)| {
            Ok(NewComment { id, thread, name, created, path: PagePath::parse(&path)? })
        };
        rows.into_iter().map(comment).collect()
    }
    /// The number of the newest proposal; 0 without any.
    pub(crate) fn newest_proposal(&self) -> Result<i64> {
        let sql = "SELECT coalesce(max(number), 0) FROM proposals";
        self.read("look for the newest proposal", |db| db.prepare_cached(sql)?.query_row([], |row| row.get(0)))
    }
    /// The numbers of proposals behind `after`, oldest first.
    pub(crate) fn proposals_after(&self, after: i64, limit: usize) -> Result<Vec<i64>> {
        let sql = "SELECT number FROM proposals WHERE number > ?1 ORDER BY number LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("read new proposals", |db| db.prepare_cached(sql)?.query_map((after, limit), |row| row.get(0))?.collect())
    }
}

/// What is told of a comment: not what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewComment {
    /// Its identity in the wiki.
    pub(crate) id: i64,
    /// Its thread.
    pub(crate) thread: i64,
    /// What its author was called then.
    pub(crate) name: String,
    /// Unix seconds.
    pub(crate) created: i64,
    /// Its page.
    pub(crate) path: PagePath,
}
