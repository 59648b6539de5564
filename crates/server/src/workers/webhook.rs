//! Tells servers elsewhere what happens in a wiki: notes what they are owed (`pages::webhooks`), sends what is due, signed as the Standard Webhooks
//! specification has it, and notes how it went.
//!
//! At least once, and always under the same id. Each webhook has a lane of its own: one that is slow or broken keeps no other waiting, and after a
//! failure its lane ends for now. Of one server no more than [`PER_HOST`] are asked at the same time, whoever's webhooks they are.

use super::{Budget, Next, Turn, Worker};
use crate::egress::{Call, Egress, Sent, Verb};
use crate::web::letters;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use holt_core::{Error, Result};
use holt_engine::Wiki;
use holt_engine::pages::webhooks::{self, Attempt, Delivery, Webhook};
use sha2::Sha256;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time for all of one message (security.md SSRF-3).
pub const TIME: Duration = Duration::from_secs(10);
/// Messages to one webhook in a turn.
const MESSAGES: usize = 20;
/// Webhooks of one wiki that are told at the same time.
const LANES: usize = 8;
/// Requests to one server at the same time (security.md SSRF-4).
const PER_HOST: usize = 2;
/// When a server is asked again that others keep busy, in seconds.
const CROWDED: i64 = 2;

/// See the module.
#[derive(Default)]
pub struct Webhooks {
    hosts: Mutex<HashMap<String, usize>>,
}

impl Worker for Webhooks {
    fn budget(&self) -> Budget {
        Budget { wikis: 4, ..Budget::default() }
    }
    fn serve(&self, wiki: &Arc<Wiki>, turn: &Turn<'_>) -> Result<Next> {
        if !webhooks::any_listens(wiki)? {
            return Ok(Next::Done);
        }
        let home = letters::home(turn.app, wiki.id(), turn.app.listening.get().copied())?;
        let more = webhooks::owe(wiki, home.as_deref())?;
        let due = webhooks::due(wiki, MESSAGES)?;
        let (next, crowded, failed) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(None));
        let lane = || {
            while let Some((webhook, owed)) = due.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| turn.goes_on()) {
                match self.lane(turn, wiki, webhook.clone(), owed) {
                    Ok(Lane::Done) => {}
                    Ok(Lane::Crowded) => crowded.store(true, Ordering::Relaxed),
                    Err(error) => *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error),
                }
            }
        };
        match due.len() {
            0 => {}
            1 => lane(),
            webhooks => std::thread::scope(|scope| {
                for _ in 0..webhooks.min(LANES) {
                    scope.spawn(lane);
                }
            }),
        }
        if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        if more {
            return Ok(Next::More);
        }
        let now = turn.now();
        Ok(match webhooks::next_due(wiki)? {
            None => Next::Done,
            Some(_) if crowded.into_inner() => Next::At(now + CROWDED),
            Some(time) if time <= now => Next::More,
            Some(time) => Next::At(time),
        })
    }
}

impl Webhooks {
    /// Sends what one webhook is owed, until it is all sent or its server is to be left alone.
    fn lane(&self, turn: &Turn<'_>, wiki: &Wiki, mut webhook: Webhook, owed: &[Delivery]) -> Result<Lane> {
        let host = url::Url::parse(&webhook.url).ok().and_then(|url| url.host_str().map(str::to_string)).unwrap_or_default();
        for delivery in owed {
            if !turn.goes_on() {
                break;
            }
            let Some(_place) = self.enter(&host) else { return Ok(Lane::Crowded) };
            let attempt = attempt(&turn.app.hooks, &webhook, delivery, turn.now());
            let (id, message, status, took) = (webhook.id, &delivery.message, attempt.status, attempt.took);
            match &attempt.error {
                None if matches!(status, Some(200..=299)) => {
                    tracing::info!(wiki.id = %wiki.id(), webhook = id, message, status, took, "told a webhook");
                }
                None => tracing::warn!(wiki.id = %wiki.id(), webhook = id, message, status, took, "a webhook did not take a message"),
                Some(why) => tracing::warn!(wiki.id = %wiki.id(), webhook = id, message, status, took, "could not tell a webhook: {why}"),
            }
            webhooks::sent(wiki, &mut webhook, delivery, &attempt)?;
            if webhook.resumes > turn.now() || !webhook.state.listens() {
                break;
            }
        }
        Ok(Lane::Done)
    }
    /// A place among those who ask a server; none if it is asked enough.
    fn enter(&self, host: &str) -> Option<Place<'_>> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let there = hosts.entry(host.to_string()).or_default();
        if *there >= PER_HOST {
            return None;
        }
        *there += 1;
        Some(Place { webhooks: self, host: host.to_string() })
    }
}

enum Lane {
    Done,
    Crowded,
}

struct Place<'a> {
    webhooks: &'a Webhooks,
    host: String,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut hosts = self.webhooks.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut there) = hosts.entry(std::mem::take(&mut self.host)) {
            *there.get_mut() -= 1;
            if *there.get() == 0 {
                there.remove();
            }
        }
    }
}

/// Sends one message, and says how it went. What the server answers beside its status is not looked at.
fn attempt(egress: &Egress, webhook: &Webhook, delivery: &Delivery, now: i64) -> Attempt {
    let begin = Instant::now();
    let told = send(egress, webhook, delivery, now);
    let took = i64::try_from(begin.elapsed().as_millis()).unwrap_or(i64::MAX);
    match told {
        Ok(status) => Attempt { at: now, took, status: Some(status), error: None },
        Err(error) => Attempt { at: now, took, status: None, error: Some(error.message) },
    }
}

fn send(egress: &Egress, webhook: &Webhook, delivery: &Delivery, now: i64) -> Result<u16> {
    let time = now.to_string();
    let old = webhook.old_secret.as_ref().filter(|(_, until)| *until > now).map(|(secret, _)| secret);
    let signatures: Vec<String> = std::iter::once(&webhook.secret)
        .chain(old)
        .map(|secret| signature(secret, &delivery.message, &time, &delivery.body))
        .collect::<Result<_>>()?;
    let signatures = signatures.join(" ");
    let headers = [("webhook-id", delivery.message.as_str()), ("webhook-timestamp", &time), ("webhook-signature", &signatures)];
    let call = Call { headers: &headers, verb: Verb::Post, sent: Sent::Json(&delivery.body), accept: "*/*", ..Call::get(&webhook.url, 0) };
    egress.tell(&call)
}

/// HMAC-SHA256 over `id.timestamp.body`, in Base64 behind the version of the scheme.
fn signature(secret: &str, id: &str, time: &str, body: &str) -> Result<String> {
    let key = secret.strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
    let key = key.ok_or_else(|| Error::internal("read the secret of a webhook"))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{time}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_specification() {
        // The example of the libraries at standardwebhooks.com.
        let made =
            signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}");
        assert_eq!(made.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(signature("plain", "a", "1", "{}").is_err());
    }

    #[test]
    fn of_one_server_two_are_asked_at_once() {
        let webhooks = Webhooks::default();
        let places = [webhooks.enter("a"), webhooks.enter("a"), webhooks.enter("b")];
        assert!(places.iter().all(Option::is_some) && webhooks.enter("a").is_none());
        drop(places);
        assert!(webhooks.enter("a").is_some() && webhooks.hosts.lock().unwrap().is_empty());
    }
}
