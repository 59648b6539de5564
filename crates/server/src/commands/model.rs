//! `holt model`: brings a sentence model, and says whether the one that is there works.

use super::output;
use crate::config::{ModelArgs, ModelCommand, OutputFormat};
use holt_core::Result;
use holt_engine::meaning::Embedder;
use serde_json::json;
use std::process::ExitCode;
use std::time::Instant;

/// Runs it.
pub fn run(command: ModelCommand) -> Result<ExitCode> {
    match command {
        ModelCommand::Fetch { .. } => Err(holt_core::Error::busy("not yet")),
        ModelCommand::Status { data, model, output } => status(&model, &data, output.format()),
    }
}

fn status(args: &ModelArgs, data: &crate::config::DataArgs, format: OutputFormat) -> Result<ExitCode> {
    let model = args.open(data);
    model.require()?;
    let identity = model.identity()?;
    let began = Instant::now();
    let vector = model.embed(&["Otters hold hands while they sleep."])?.pop().unwrap_or_default();
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    match format {
        OutputFormat::Json => {
            output::json(&json!({"dir": model.dir(), "identity": identity, "dimensions": vector.len(), "milliseconds": took}))
        }
        OutputFormat::Text => output::line(format_args!(
            "{}\n{identity}\nit works: vectors of {} numbers, the first after {took} ms",
            model.dir().display(),
            vector.len()
        )),
    }
    Ok(ExitCode::SUCCESS)
}
