//! Caches in front of edges, and how they are told to forget what changed: by the words that answers carry, or by their addresses. Each kind of
//! cache has a file; none of them remembers anything, tries twice or waits.

mod address;
mod client;
mod cloudflare;
mod cloudfront;
mod fastly;
#[cfg(test)]
mod tests;
mod varnish;
mod webhook;

use address::ByAddress;
use async_trait::async_trait;
use client::Client;
use cloudflare::Cloudflare;
use cloudfront::CloudFront;
use fastly::Fastly;
use holt_core::{Error, Result};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use varnish::Varnish;
use webhook::Webhook;

/// What a cache has to forget of one wiki.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The word on everything that it shows.
    pub wiki: String,
    /// The hosts at which caches know it.
    pub hosts: Vec<String>,
    /// Which of its pages.
    pub pages: Pages,
}

/// See [`Stale`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pages {
    /// Everything. The paths of its pages, for caches that do not know words ([`Cache::needs_paths`]); else none.
    All(Vec<String>),
    /// These.
    These(Vec<Page>),
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The word on everything that shows it.
    pub word: String,
    /// The paths of its addresses, percent-encoded, with the slash they begin with.
    pub paths: Vec<String>,
}

/// Why a cache did not do as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// In one clause.
    pub why: String,
    /// How long it wants to be left alone, if it says so.
    pub wait: Option<Duration>,
}

impl Refusal {
    fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), wait: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// What is not said in an address.
pub struct Surroundings<'a> {
    /// A secret, or another word of the environment, by the name that the vendors' own tools use.
    pub named: &'a dyn Fn(&str) -> Result<Option<String>>,
    /// Unix seconds.
    pub now: fn() -> i64,
}

impl Surroundings<'_> {
    /// What has to be there.
    fn required(&self, name: &str, whose: &str) -> Result<String> {
        let found = (self.named)(name)?;
        found.ok_or_else(|| {
            Error::invalid(format!("{whose} needs a secret")).hint(format!("Put it into {name}, or the name of its file into {name}_FILE."))
        })
    }
    fn or(&self, name: &str, default: &str) -> Result<String> {
        Ok((self.named)(name)?.unwrap_or_else(|| default.to_string()))
    }
}

/// Some kind of cache.
#[async_trait]
trait Driver: Send + Sync {
    /// Has all of it forgotten. After a refusal nothing is known: it is told again.
    async fn purge(&self, client: &Client, stale: &[Stale]) -> std::result::Result<(), Refusal>;
}

/// A cache. Clones share its connections.
#[derive(Clone)]
pub struct Cache {
    name: String,
    client: Client,
    driver: Arc<dyn Driver>,
    needs_paths: bool,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({})", self.name)
    }
}

const KINDS: &str = "Give varnish://HOST:PORT, purge://HOST:PORT (for each address a request with the method PURGE), cloudfront://DISTRIBUTION, \
    fastly://SERVICE, cloudflare://ZONE, or the https:// address of a webhook; varnish+https:// and purge+https:// speak TLS.";

impl Cache {
    /// From its address. `Invalid` if it is none, or if a secret that it needs is not there. Asks nobody.
    pub fn open(url: &str, around: &Surroundings<'_>) -> Result<Self> {
        let wrong = |what: &str| Error::invalid(format!("{url} is no cache: {what}")).hint(KINDS);
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("its kind is missing"))?;
        if rest.contains('@') {
            return Err(Error::invalid("an address of a cache holds a secret")
                .hint("Secrets are given by the environment: docs/edge.md names them."));
        }
        // Numbers of services are asked for as they are written, and begin no path of their own.
        let number = || match !rest.is_empty() && rest.len() <= 64 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            true => Ok(rest.to_string()),
            false => Err(wrong("behind :// is the number of a service, and nothing else")),
        };
        let server = |scheme: &str| match url::Url::parse(&format!("{scheme}://{rest}")) {
            Ok(place) if !rest.contains(['/', '?', '#', '\\', ' ']) => Ok(place.as_str().trim_end_matches('/').to_string()),
            _ => Err(wrong("behind :// is a host, with a port if you like, and nothing else")),
        };
        let mut needs_paths = false;
        let driver: Arc<dyn Driver> = match scheme {
            "varnish" => Arc::new(Varnish::new(&server("http")?, around)?),
            "varnish+https" => Arc::new(Varnish::new(&server("https")?, around)?),
            "purge" | "purge+https" => {
                needs_paths = true;
                Arc::new(ByAddress::new(server(if scheme == "purge" { "http" } else { "https" })?))
            }
            "cloudfront" => Arc::new(CloudFront::new(&number()?, around)?),
            "fastly" => Arc::new(Fastly::new(&number()?, around)?),
            "cloudflare" => Arc::new(Cloudflare::new(&number()?, around)?),
            "http" | "https" => {
                let parsed = url::Url::parse(url).map_err(|e| wrong(&e.to_string()))?;
                Arc::new(Webhook::new(parsed.as_str(), around)?)
            }
            _ => return Err(wrong("nothing of that kind is known")),
        };
        Ok(Self { name: url.to_string(), client: Client::new()?, driver, needs_paths })
    }
    /// Its address.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Whether it has to be given the paths of all pages where all of a wiki is to be forgotten.
    pub fn needs_paths(&self) -> bool {
        self.needs_paths
    }
    /// Has all of it forgotten. When this returns without a refusal, the cache has confirmed each of it.
    pub async fn purge(&self, stale: &[Stale]) -> std::result::Result<(), Refusal> {
        self.driver.purge(&self.client, stale).await
    }
}

/// All words to be forgotten: one for a whole wiki, else one for each page.
fn words(stale: &[Stale]) -> Vec<&str> {
    let mut words = Vec::new();
    for stale in stale {
        match &stale.pages {
            Pages::All(_) => words.push(stale.wiki.as_str()),
            Pages::These(pages) => words.extend(pages.iter().map(|page| page.word.as_str())),
        }
    }
    words
}
