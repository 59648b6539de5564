//! What `holt smoke` is told.

use super::{DataArgs, OutputArgs};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `holt smoke`.
#[derive(Debug, Args)]
pub struct SmokeArgs {
    /// Which wikis there are; the server may have it open.
    #[command(flatten)]
    pub data: DataArgs,
    /// Where the world finds it: https://DOMAIN, as --domain says; http://localhost:PORT without one
    #[arg(value_name = "URL")]
    pub url: String,
    /// Ask this address whatever the DNS says, as before it leads there
    #[arg(long, value_name = "ADDR")]
    pub connect: Option<SocketAddr>,
    /// How long a server that starts may take to answer, in seconds
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(..=3600))]
    pub wait: u32,
    /// Certificates of authorities of your own that vouch for it, too (PEM)
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// A wiki in which a page is written, read and deleted, through the API, MCP and git
    #[arg(long, value_name = "SLUG", requires = "token_file")]
    pub canary: Option<String>,
    /// A file with a token for it that may write
    #[arg(long, value_name = "FILE", requires = "canary")]
    pub token_file: Option<PathBuf>,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}
