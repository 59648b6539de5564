//! Fastly: `POST /service/ID/purge` with up to 256 surrogate keys, which Fastly forgets everywhere in a fraction of a second.

use super::client::{Client, request};
use super::{Driver, Refusal, Stale, Surroundings, words};
use async_trait::async_trait;
use holt_core::Result;
use http::{HeaderName, header};

/// Keys of one request.
const AT_ONCE: usize = 256;

const KEY: HeaderName = HeaderName::from_static("fastly-key");
const WORDS: HeaderName = HeaderName::from_static("surrogate-key");

pub(super) struct Fastly {
    url: String,
    token: String,
}

impl Fastly {
    pub(super) fn new(service: &str, around: &Surroundings<'_>) -> Result<Self> {
        let endpoint = around.or("FASTLY_API_ENDPOINT", "https://api.fastly.com")?;
        let url = format!("{}/service/{service}/purge", endpoint.trim_end_matches('/'));
        Ok(Self { url, token: around.required("FASTLY_API_TOKEN", "Fastly")? })
    }
}

#[async_trait]
impl Driver for Fastly {
    async fn purge(&self, client: &Client, stale: &[Stale]) -> std::result::Result<(), Refusal> {
        for words in words(stale).chunks(AT_ONCE) {
            let headers = [(KEY, self.token.clone()), (WORDS, words.join(" ")), (header::ACCEPT, "application/json".to_string())];
            client.ask(request("POST", &self.url, &headers, Vec::new())?).await?.done()?;
        }
        Ok(())
    }
}
