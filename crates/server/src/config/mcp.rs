//! What `holt mcp` is told.

use super::{DataArgs, ModelArgs};
use clap::Args;

/// `holt mcp`.
#[derive(Debug, Args)]
pub struct McpArgs {
    /// Where the data is.
    #[command(flatten)]
    pub data: DataArgs,
    /// The wiki
    #[arg(long, value_name = "SLUG")]
    pub wiki: String,
    /// Whose rights and name to use (default: whoever runs the machine)
    #[arg(long = "as", value_name = "EMAIL")]
    pub who: Option<String>,
    /// Change nothing
    #[arg(long)]
    pub read_only: bool,
    /// The sentence model.
    #[command(flatten)]
    pub model: ModelArgs,
}
