//! What `holt publish` is told.

use super::{DataArgs, OutputArgs};
use clap::Args;
use std::path::PathBuf;

/// `holt publish`.
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// Where the data is.
    #[command(flatten)]
    pub data: DataArgs,
    /// The object store: s3://BUCKET/PATH, gs://BUCKET/PATH, az://CONTAINER/PATH or file:///FOLDER
    #[arg(long, env = "HOLT_PUBLISH_TO", value_name = "URL")]
    pub to: String,
    /// Only this wiki
    #[arg(long, value_name = "SLUG")]
    pub wiki: Option<String>,
    /// Put nothing: say what is not there as it is here, and which wikis are here not as their repositories are
    #[arg(long)]
    pub verify: bool,
    /// Read every file, and put those again that are missing or damaged though the manifest that names them is there
    #[arg(long, conflicts_with = "verify")]
    pub mend: bool,
    /// Also write the key by which edges know members of private wikis to this file (`holt-edge --viewer-key-file`)
    #[arg(long, value_name = "FILE")]
    pub viewer_key: Option<PathBuf>,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}
