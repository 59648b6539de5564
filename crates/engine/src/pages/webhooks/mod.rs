//! Webhooks: servers elsewhere that a wiki tells what happens in it (docs/webhooks.md). Here is what administrators do with them, what each is owed, and
//! what follows from how it went; nothing here speaks to anybody.
//!
//! | step | what dies in it loses |
//! |---|---|
//! | [`owe`]: messages and up to where they tell everything, in one transaction | nothing: the next look begins at the same place and makes the same ids |
//! | somebody sends what is due ([`due`]) | nothing: it is sent again, under the same id |
//! | [`sent`]: how it went, and when it is sent again | as above |
//!
//! | state | how it comes to it |
//! |---|---|
//! | on | made, switched on, or a message came through |
//! | failing | a message was given up after [`ATTEMPTS`]; it is told further |
//! | off | an administrator switched it off |
//! | gone | its server answered 410 |
//! | broken | [`FAILURES`] attempts in a row failed |
//!
//! What is owed to one that is off, gone or broken is given up, and it is told nothing of what happens until it is switched on again.

mod events;

pub use crate::db::webhooks::{Attempt, Delivery, HookEvent, HookState, Told, Webhook};
pub use events::owe;

use crate::db::webhooks::Aftermath;
use crate::db::wiki_db::WikiDb;
use crate::scope::{Admin, Scope};
use crate::wiki::Wiki;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holt_core::{Error, PagePath, Result};

/// Who sends what is owed, as `holt.db` knows them.
const WORKER: &str = "webhook";
/// Most webhooks of a wiki.
pub const WEBHOOKS: usize = 10;
/// How often a message is sent before it is given up.
pub const ATTEMPTS: u32 = 8;
/// After so many attempts in a row that failed a webhook is told nothing any more.
pub const FAILURES: u32 = 50;
/// How long messages are signed with the secret before, as well: a day.
const OLD_SECRET: i64 = 24 * 3600;
/// Seconds until a message is sent again, by how often it was.
const WAITS: [i64; 7] = [60, 300, 900, 3600, 3 * 3600, 6 * 3600, 11 * 3600];
/// Longest time a webhook is left alone because of what failed, in seconds: what is owed to it waits for no longer than itself.
const PAUSE: i64 = 3600;
/// So many messages in a row may be refused by a server that answers before it is left alone.
const REFUSED: u32 = 2;
/// Longest address, in bytes.
const URL_BYTES: usize = 1024;
/// What stands before the secret, so that libraries know that it is Base64 (Standard Webhooks).
const PREFIX: &str = "whsec_";

/// What an administrator says of a new webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// Where messages go. Whether anybody may be asked there is for whoever asks to judge.
    pub url: String,
    /// What it is told of; nothing is everything.
    pub events: Vec<HookEvent>,
    /// Only what is at this page or below it.
    pub prefix: Option<PagePath>,
}

/// What an administrator changes; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// See [`NewWebhook::url`].
    pub url: Option<String>,
    /// See [`NewWebhook::events`].
    pub events: Option<Vec<HookEvent>>,
    /// See [`NewWebhook::prefix`]; `Some(None)` is the whole wiki.
    pub prefix: Option<Option<PagePath>>,
    /// Whether it is told anything.
    pub listens: Option<Listening>,
}

/// See [`WebhookChange::listens`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    /// From now on; what was before is not told.
    On,
    /// Not any more.
    Off,
}

/// All webhooks of the wiki.
pub fn list(scope: &Scope<'_, Admin>) -> Result<Vec<Webhook>> {
    scope.wiki().db()?.webhooks()
}

/// One of them.
pub fn webhook(scope: &Scope<'_, Admin>, id: i64) -> Result<Webhook> {
    find(&*scope.wiki().db()?, id)
}

/// Makes one, with a secret of its own. It is told what happens from now on.
pub fn add(scope: &Scope<'_, Admin>, new: &NewWebhook) -> Result<Webhook> {
    let wiki = scope.wiki();
    let mut made = Webhook {
        id: 0,
        url: checked(&new.url)?,
        secret: secret()?,
        old_secret: None,
        events: all_of(&new.events),
        prefix: new.prefix.clone(),
        state: HookState::On,
        failures: 0,
        resumes: 0,
        created: wiki.shared.clock.now(),
        made_by: scope.author().name().to_string(),
        told: now(wiki)?,
    };
    made.id = wiki.db()?.add_webhook(&made, WEBHOOKS)?.ok_or_else(|| {
        Error::too_large(format!("this wiki has {WEBHOOKS} webhooks, and no more can be made")).hint("Delete one that nobody needs.")
    })?;
    Ok(made)
}

/// Changes one. Switched on, it begins anew: with what happens from now on, and no failures.
pub fn change(scope: &Scope<'_, Admin>, id: i64, change: &WebhookChange) -> Result<Webhook> {
    let wiki = scope.wiki();
    let db = wiki.db()?;
    let mut webhook = find(&db, id)?;
    if let Some(url) = &change.url {
        webhook.url = checked(url)?;
    }
    if let Some(events) = &change.events {
        webhook.events = all_of(events);
    }
    if let Some(prefix) = &change.prefix {
        webhook.prefix.clone_from(prefix);
    }
    match change.listens {
        Some(Listening::Off) => webhook.state = HookState::Off,
        Some(Listening::On) if !webhook.state.listens() => {
            webhook = Webhook { state: HookState::On, failures: 0, resumes: 0, told: now(wiki)?, ..webhook };
        }
        Some(Listening::On) | None => {}
    }
    db.change_webhook(&webhook)?;
    Ok(webhook)
}

/// Gives one another secret. For a day messages are signed with the one before as well.
pub fn rotate(scope: &Scope<'_, Admin>, id: i64) -> Result<Webhook> {
    let wiki = scope.wiki();
    let db = wiki.db()?;
    let mut webhook = find(&db, id)?;
    let before = std::mem::replace(&mut webhook.secret, secret()?);
    webhook.old_secret = Some((before, wiki.shared.clock.now() + OLD_SECRET));
    db.change_webhook(&webhook)?;
    Ok(webhook)
}

/// Deletes one, with all that it is owed.
pub fn remove(scope: &Scope<'_, Admin>, id: i64) -> Result<Webhook> {
    let db = scope.wiki().db()?;
    let webhook = find(&db, id)?;
    match db.delete_webhook(id)? {
        true => Ok(webhook),
        false => Err(none(id)),
    }
}

/// Has a message sent that tells of nothing, to try it.
pub fn ping(scope: &Scope<'_, Admin>, id: i64) -> Result<()> {
    let (wiki, webhook) = (scope.wiki(), webhook(scope, id)?);
    refuse_silent(&webhook)?;
    let owed = events::ping(wiki, &webhook, &hex(&random::<8>()?))?;
    wiki.db()?.owe_one(id, &owed, wiki.shared.clock.now())?;
    wake(wiki)
}

/// The messages of one, newest first, as many as are kept.
pub fn deliveries(scope: &Scope<'_, Admin>, id: i64, limit: usize) -> Result<Vec<Delivery>> {
    let db = scope.wiki().db()?;
    find(&db, id)?;
    db.deliveries(id, limit)
}

/// Has a message sent again, under its id.
pub fn redeliver(scope: &Scope<'_, Admin>, id: i64, delivery: i64) -> Result<()> {
    let wiki = scope.wiki();
    refuse_silent(&webhook(scope, id)?)?;
    match wiki.db()?.redeliver(id, delivery, wiki.shared.clock.now())? {
        true => wake(wiki),
        false => Err(Error::not_found("there is no such message any more")),
    }
}

/// The webhooks that something is to be sent to now, each with what waits longest: at most `limit` messages.
pub fn due(wiki: &Wiki, limit: usize) -> Result<Vec<(Webhook, Vec<Delivery>)>> {
    let (db, now) = (wiki.db()?, wiki.shared.clock.now());
    let mut found = Vec::new();
    for webhook in db.webhooks()?.into_iter().filter(|webhook| webhook.state.listens() && webhook.resumes <= now) {
        let owed = db.due_deliveries(webhook.id, now, limit)?;
        if !owed.is_empty() {
            found.push((webhook, owed));
        }
    }
    Ok(found)
}

/// When something is to be sent next; none if nothing is owed.
pub fn next_due(wiki: &Wiki) -> Result<Option<i64>> {
    wiki.db()?.next_delivery()
}

/// Whether any webhook of a wiki is told anything.
pub fn any_listens(wiki: &Wiki) -> Result<bool> {
    Ok(wiki.db()?.webhooks()?.iter().any(|webhook| webhook.state.listens()))
}

/// A message was sent: `webhook` becomes what it is after that. Only 2xx is success.
pub fn sent(wiki: &Wiki, webhook: &mut Webhook, delivery: &Delivery, attempt: &Attempt) -> Result<()> {
    let after = aftermath(webhook, delivery, attempt);
    wiki.db()?.note_attempt(delivery, attempt, &after)?;
    (webhook.state, webhook.failures, webhook.resumes) = (after.state, after.failures, after.resumes);
    Ok(())
}

fn aftermath(webhook: &Webhook, delivery: &Delivery, attempt: &Attempt) -> Aftermath {
    match attempt.status {
        Some(200..=299) => return Aftermath { due: None, state: HookState::On, failures: 0, resumes: 0 },
        Some(410) => return Aftermath { due: None, state: HookState::Gone, failures: webhook.failures + 1, resumes: 0 },
        _ => {}
    }
    let failures = webhook.failures.saturating_add(1);
    let wait = |count: u32| WAITS.get(usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(1)).copied();
    let due = wait(delivery.attempts + 1).map(|wait| attempt.at + wait + jitter(&delivery.message, wait));
    let state = match due {
        _ if failures >= FAILURES => HookState::Broken,
        None => HookState::Failing,
        Some(_) => webhook.state,
    };
    // A server that answers is there: what it does not take may be that message's fault. Who takes nothing, or says that it cannot, is left alone.
    let answers = attempt.status.is_some_and(|status| !matches!(status, 429 | 502..=504));
    let in_a_row = if answers { failures.saturating_sub(REFUSED) } else { failures };
    let resumes = if in_a_row == 0 { 0 } else { attempt.at + wait(in_a_row).unwrap_or(PAUSE).min(PAUSE) };
    Aftermath { due, state, failures, resumes }
}

/// Up to a tenth of the wait, always the same for the same message: what failed together does not come together again.
fn jitter(message: &str, wait: i64) -> i64 {
    let number: i64 = message.bytes().map(i64::from).sum();
    wait / 10 * (number % 16) / 16
}

/// The worker of webhooks looks at the wiki, though it does not move.
fn wake(wiki: &Wiki) -> Result<()> {
    wiki.shared.directory.plan_work(WORKER, wiki.id(), wiki.shared.clock.now())
}

/// Somebody said something, or proposed a change: whoever is told of that is told soon. A crash before this has them told when the wiki is looked at next.
pub(in crate::pages) fn note(wiki: &Wiki, event: HookEvent) {
    let wanted =
        || -> Result<bool> { Ok(wiki.db()?.webhooks()?.iter().any(|webhook| webhook.state.listens() && webhook.events.contains(&event))) };
    let noted = wanted().and_then(|wanted| if wanted { wake(wiki) } else { Ok(()) });
    if let Err(error) = noted {
        tracing::warn!(wiki.id = %wiki.id(), "webhooks may be told late: {}", error.chain());
    }
}

fn find(db: &WikiDb, id: i64) -> Result<Webhook> {
    db.webhook(id)?.ok_or_else(|| none(id))
}

fn none(id: i64) -> Error {
    Error::not_found(format!("there is no webhook {id}"))
}

fn refuse_silent(webhook: &Webhook) -> Result<()> {
    match webhook.state.listens() {
        true => Ok(()),
        false => Err(Error::conflict("the webhook is switched off").hint("Switch it on first.")),
    }
}

fn checked(url: &str) -> Result<String> {
    if url.is_empty() || url.len() > URL_BYTES || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::invalid("that is no address of a server").hint("Give one that begins with https://."));
    }
    Ok(url.to_string())
}

/// In their order, each once; all, for none.
fn all_of(events: &[HookEvent]) -> Vec<HookEvent> {
    HookEvent::ALL.into_iter().filter(|event| events.is_empty() || events.contains(event)).collect()
}

/// Where everything stands that a webhook is told from now on.
fn now(wiki: &Wiki) -> Result<Told> {
    let db = wiki.db()?;
    Ok(Told { revision: wiki.repo()?.head()?, comment: db.newest_comment()?, proposal: db.newest_proposal()? })
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal("ask the system for random bytes").because(e))?;
    Ok(bytes)
}

fn secret() -> Result<String> {
    Ok(format!("{PREFIX}{}", STANDARD.encode(random::<32>()?)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(failures: u32) -> Webhook {
        Webhook {
            id: 1,
            url: String::new(),
            secret: String::new(),
            old_secret: None,
            events: Vec::new(),
            prefix: None,
            state: HookState::On,
            failures,
            resumes: 0,
            created: 0,
            made_by: String::new(),
            told: Told::default(),
        }
    }
    fn after(failures: u32, attempts: u32, status: Option<u16>) -> Aftermath {
        let (message, event, body) = (String::new(), String::new(), String::new());
        let delivery = Delivery { id: 1, webhook: 1, message, event, revision: None, body, created: 0, due: Some(0), attempts, last: None };
        aftermath(&hook(failures), &delivery, &Attempt { at: 1000, took: 1, status, error: None })
    }

    #[test]
    fn a_message_is_sent_eight_times_in_a_day_and_a_half() {
        let waits: Vec<_> = (0..ATTEMPTS).map(|n| after(n, n, Some(500)).due.map(|due| due - 1000)).collect();
        assert_eq!(waits, [WAITS.map(Some).as_slice(), &[None]].concat());
        assert_eq!(
            (after(3, 3, None).state, after(7, 7, None).state, after(49, 0, None).state),
            (HookState::On, HookState::Failing, HookState::Broken)
        );
        assert_eq!((after(0, 0, None).resumes, after(30, 0, None).resumes), (1060, 1000 + PAUSE));
        // One message that it does not take holds back no other; three do.
        let resumes = |failures| after(failures, 0, Some(500)).resumes;
        assert_eq!([resumes(0), resumes(1), resumes(2), resumes(3), after(0, 0, Some(503)).resumes], [0, 0, 1060, 1300, 1060]);
        assert_eq!(after(20, 7, Some(204)), Aftermath { due: None, state: HookState::On, failures: 0, resumes: 0 });
        assert_eq!((after(0, 0, Some(410)).state, after(0, 0, Some(410)).due), (HookState::Gone, None));
        // A redirect is no success.
        assert_eq!(after(0, 0, Some(302)).failures, 1);
        assert!((0..WAITS[6] / 10).contains(&jitter("msg_f", WAITS[6])));
    }
}
