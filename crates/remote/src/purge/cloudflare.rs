//! Cloudflare: `POST /zones/ZONE/purge_cache` with up to 30 cache tags.

use super::client::{Client, request};
use super::{Driver, Refusal, Stale, Surroundings, words};
use async_trait::async_trait;
use holt_core::Result;
use http::header;
use serde_json::{Value, json};

/// Tags of one request.
const AT_ONCE: usize = 30;

pub(super) struct Cloudflare {
    url: String,
    token: String,
}

impl Cloudflare {
    pub(super) fn new(zone: &str, around: &Surroundings<'_>) -> Result<Self> {
        let endpoint = around.or("CLOUDFLARE_BASE_URL", "https://api.cloudflare.com/client/v4")?;
        let url = format!("{}/zones/{zone}/purge_cache", endpoint.trim_end_matches('/'));
        Ok(Self { url, token: around.required("CLOUDFLARE_API_TOKEN", "Cloudflare")? })
    }
}

#[async_trait]
impl Driver for Cloudflare {
    async fn purge(&self, client: &Client, stale: &[Stale]) -> std::result::Result<(), Refusal> {
        for words in words(stale).chunks(AT_ONCE) {
            let headers =
                [(header::AUTHORIZATION, format!("Bearer {}", self.token)), (header::CONTENT_TYPE, "application/json".to_string())];
            let body = json!({ "tags": words }).to_string();
            let answer = client.ask(request("POST", &self.url, &headers, body)?).await?.done()?;
            // What went wrong may come with status 200.
            if !serde_json::from_slice::<Value>(&answer.body).is_ok_and(|said| said["success"] == true) {
                return Err(answer.refusal());
            }
        }
        Ok(())
    }
}
