//! `holt reindex`: throws the derived data away and makes it again from git.

use super::{open, output};
use crate::config::{CareArgs, OutputFormat};
use holt_core::Result;
use holt_engine::sync;
use serde_json::json;
use std::process::ExitCode;

/// Runs it.
pub fn run(args: &CareArgs) -> Result<ExitCode> {
    let engine = open(&args.data)?;
    let mut done = Vec::new();
    for record in super::check::selected(&engine, args.wiki.as_deref())? {
        let wiki = engine.wiki(record.id);
        sync::rebuild(&wiki)?;
        engine.show_hosts(record.id)?;
        if args.output.format() == OutputFormat::Text {
            output::line(format_args!("rebuilt {}", record.slug));
        }
        done.push(record.slug.to_string());
    }
    engine.settle_all()?;
    if args.output.format() == OutputFormat::Json {
        output::json(&json!({"rebuilt": done}));
    }
    Ok(ExitCode::SUCCESS)
}
