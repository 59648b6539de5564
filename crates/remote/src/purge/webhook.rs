//! Any other cache: JSON to an address of the operator's, signed as the Standard Webhooks specification has it (HMAC-SHA256 over
//! `id.timestamp.body`, in `webhook-signature`), so that whoever takes it can check it with a library of their own.

use super::client::{Client, request};
use super::{Driver, Pages, Refusal, Stale, Surroundings};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use holt_core::{Error, Result};
use http::{HeaderName, header};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::atomic::{AtomicU64, Ordering};

/// Wikis of one message.
const AT_ONCE: usize = 100;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIME: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

pub(super) struct Webhook {
    url: String,
    key: Vec<u8>,
    now: fn() -> i64,
    began: i64,
    number: AtomicU64,
}

impl Webhook {
    pub(super) fn new(url: &str, around: &Surroundings<'_>) -> Result<Self> {
        let secret = around.required("HOLT_PURGE_SECRET", "a webhook")?;
        let key = match secret.strip_prefix("whsec_") {
            Some(encoded) => STANDARD.decode(encoded).map_err(|e| {
                Error::invalid("the secret of the webhook begins with whsec_ and goes on with something that is not Base64").because(e)
            })?,
            None => secret.into_bytes(),
        };
        if key.len() < 16 {
            return Err(
                Error::invalid("the secret of the webhook is too short").hint("Take at least 16 bytes: `openssl rand -hex 32` makes one.")
            );
        }
        Ok(Self { url: url.to_string(), key, now: around.now, began: (around.now)(), number: AtomicU64::new(0) })
    }
    pub(super) fn signature(&self, id: &str, time: &str, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{time}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

fn described(stale: &Stale) -> Value {
    match &stale.pages {
        Pages::All(_) => json!({"key": stale.wiki, "hosts": stale.hosts, "all": true, "pages": []}),
        Pages::These(pages) => {
            let pages: Vec<Value> = pages.iter().map(|page| json!({"key": page.word, "paths": page.paths})).collect();
            json!({"key": stale.wiki, "hosts": stale.hosts, "all": false, "pages": pages})
        }
    }
}

#[async_trait]
impl Driver for Webhook {
    async fn purge(&self, client: &Client, stale: &[Stale]) -> std::result::Result<(), Refusal> {
        for stale in stale.chunks(AT_ONCE) {
            let time = (self.now)().to_string();
            let id = format!("purge-{}-{}", self.began, self.number.fetch_add(1, Ordering::Relaxed));
            let wikis: Vec<Value> = stale.iter().map(described).collect();
            let body = json!({"type": "purge", "timestamp": time, "data": {"wikis": wikis}}).to_string();
            let signature = self.signature(&id, &time, &body);
            let headers = [(header::CONTENT_TYPE, "application/json".to_string()), (ID, id), (TIME, time), (SIGNATURE, signature)];
            client.ask(request("POST", &self.url, &headers, body)?).await?.done()?;
        }
        Ok(())
    }
}
