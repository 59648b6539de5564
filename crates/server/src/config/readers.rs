//! What is between the server and its readers, and who watches it, as the command line says.

use clap::Args;
use std::net::SocketAddr;

/// Caches, and how the server is doing (docs/edge.md).
#[derive(Debug, Args)]
pub struct ReadersArgs {
    /// Tell this cache to forget what changed: varnish://HOST:PORT, purge://HOST:PORT, cloudfront://ID, fastly://ID, cloudflare://ZONE or a webhook's https://…; secrets are the environment's
    #[arg(long, env = "HOLT_PURGE_URL", value_name = "URL", value_delimiter = ',')]
    pub purge: Vec<String>,
    /// Milliseconds after which edges have stopped to show what was before; then caches are told (more than --fresh of holt-edge)
    #[arg(long, env = "HOLT_PURGE_AFTER", default_value_t = 750, value_name = "MS", value_parser = clap::value_parser!(u64).range(0..=60_000))]
    pub purge_after: u64,
    /// Show metrics for Prometheus here, at /-/metrics: an address that only those reach who may see them, as 127.0.0.1:9100
    #[arg(long, env = "HOLT_METRICS", value_name = "ADDR")]
    pub metrics: Option<SocketAddr>,
    /// Seconds for which shared caches in front may answer public pages without asking; 0: they ask each time
    #[arg(long, env = "HOLT_CDN_MAX_AGE", default_value_t = 0, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(..=i64::from(holt_edge::LONGEST)))]
    pub cdn_max_age: u32,
}
