//! Caches that forget an address when it is asked for with the method PURGE: Squid, Apache Traffic Server, nginx with the module for it, Varnish
//! with the usual few lines.

use super::client::{Client, request};
use super::{Driver, Pages, Refusal, Stale};
use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{StatusCode, header};
use std::collections::BTreeSet;

/// Requests that are under way at once.
const AT_ONCE: usize = 16;

pub(super) struct ByAddress {
    server: String,
}

impl ByAddress {
    pub(super) fn new(server: String) -> Self {
        Self { server }
    }
    /// Where a wiki is that has no name elsewhere: people ask the cache by its own.
    fn own_host(&self) -> &str {
        self.server.split_once("://").map_or("", |(_, host)| host)
    }
}

#[async_trait]
impl Driver for ByAddress {
    async fn purge(&self, client: &Client, stale: &[Stale]) -> Result<(), Refusal> {
        let mut addresses = BTreeSet::new();
        for stale in stale {
            let paths: Vec<&String> = match &stale.pages {
                Pages::All(paths) => paths.iter().collect(),
                Pages::These(pages) => pages.iter().flat_map(|page| &page.paths).collect(),
            };
            let own = [self.own_host().to_string()];
            let hosts = if stale.hosts.is_empty() { &own[..] } else { &stale.hosts };
            addresses.extend(hosts.iter().flat_map(|host| paths.iter().map(|path| (host.clone(), (*path).clone()))));
        }
        let asked = stream::iter(addresses).map(|(host, path)| async move {
            let request = request("PURGE", &format!("{}{path}", self.server), &[(header::HOST, host)], Vec::new())?;
            let answer = client.ask(request).await?;
            match answer.status {
                // It has nothing there: some say so by one, some by the other.
                StatusCode::NOT_FOUND | StatusCode::PRECONDITION_FAILED => Ok(()),
                _ => answer.done().map(drop),
            }
        });
        asked.buffer_unordered(AT_ONCE).try_collect().await
    }
}
