//! Varnish, by bans: one request for up to a hundred words. What it does with them is in `deploy/varnish.vcl`.

use super::client::{Client, request};
use super::{Driver, Refusal, Stale, Surroundings, words};
use async_trait::async_trait;
use holt_core::Result;
use http::{HeaderName, header};

/// Words of one request: with them its header stays far below Varnish's limit of 8 KB.
const AT_ONCE: usize = 100;

const WORDS: HeaderName = HeaderName::from_static("x-holt-forget");

pub(super) struct Varnish {
    url: String,
    secret: Option<String>,
}

impl Varnish {
    pub(super) fn new(server: &str, around: &Surroundings<'_>) -> Result<Self> {
        Ok(Self { url: format!("{server}/"), secret: (around.named)("HOLT_PURGE_SECRET")? })
    }
}

#[async_trait]
impl Driver for Varnish {
    async fn purge(&self, client: &Client, stale: &[Stale]) -> std::result::Result<(), Refusal> {
        for words in words(stale).chunks(AT_ONCE) {
            let mut headers = vec![(WORDS, words.join(" "))];
            headers.extend(self.secret.as_ref().map(|secret| (header::AUTHORIZATION, format!("Bearer {secret}"))));
            client.ask(request("BAN", &self.url, &headers, Vec::new())?).await?.done()?;
        }
        Ok(())
    }
}
