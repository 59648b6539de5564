//! What `holt render` is told.

use super::values::key_value;
use clap::{Args, ValueEnum};

/// `holt render`.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// What to print
    #[arg(long, value_enum, default_value_t = RenderFormat::Html)]
    pub format: RenderFormat,
    /// A preference that influences rendering, or PAGE_URL
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
}

/// See [`RenderArgs::format`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RenderFormat {
    /// The HTML alone.
    Html,
    /// HTML, table of contents, links and required libraries.
    Json,
}
