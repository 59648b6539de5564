//! `holt workers`: how workers stand, and what they are told.

use super::{look, output, there_is};
use crate::app::unix_seconds;
use crate::config::{DataArgs, OutputFormat, ToldArgs, WorkersCommand};
use crate::workers::{self, NAMES, Name, Order, Status};
use holt_core::Result;
use holt_engine::directory::Directory;
use std::process::ExitCode;

/// Runs one of them.
pub fn run(command: WorkersCommand) -> Result<ExitCode> {
    match command {
        WorkersCommand::Status { data, name, output } => status(&data, name, output.format())?,
        WorkersCommand::Pause(args) => told(&args, Order::Pause)?,
        WorkersCommand::Resume(args) => told(&args, Order::Resume)?,
        WorkersCommand::Restart(args) => told(&args, Order::Restart)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells whoever has the posts; where nobody has, it is written down for whoever takes them.
fn told(args: &ToldArgs, order: Order) -> Result<()> {
    there_is(&args.data)?;
    let one = args.name.map(|name| [name]);
    for name in one.as_ref().map_or(NAMES, |one| one.as_slice()) {
        let directory = Directory::join(&args.data.data.join("holt.db"))?;
        match workers::tell(&directory, &args.data.data, order, *name, unix_seconds())? {
            true => output::line(format_args!("{name}: done")),
            false => output::line(format_args!("{name}: noted; no process is at it now")),
        }
    }
    Ok(())
}

fn status(data: &DataArgs, name: Option<Name>, format: OutputFormat) -> Result<()> {
    let directory = look(data)?;
    for process in NAMES {
        // So that numbers are of now. Who does not answer is shown as it was.
        let _ = workers::ask(&data.data, Order::Note, *process);
    }
    let mut all = workers::status(&directory, &data.data, unix_seconds())?;
    all.retain(|status| name.is_none_or(|name| name.as_str() == status.worker));
    match format {
        OutputFormat::Json => output::json(&serde_json::json!(all)),
        OutputFormat::Text => all.iter().for_each(show),
    }
    Ok(())
}

fn show(status: &Status) {
    let place = status.process.map_or_else(|| "no process".to_string(), |process| format!("process {process}"));
    output::line(format_args!(
        "{:<12} {:<8} {place}, {} waiting ({} s), {} turns, {} failed, {:.1} s",
        status.worker,
        status.state,
        status.waiting,
        status.behind_seconds,
        status.turns,
        status.failures,
        std::time::Duration::from_millis(status.spent_ms).as_secs_f64(),
    ));
    if let Some(because) = &status.because {
        let what = if status.state == "held" { "it waits" } else { "nothing to do" };
        output::line(format_args!("    {what}: {because}"));
    }
    for failed in &status.failed {
        output::line(format_args!("    {} failed {} times: {}", failed.wiki, failed.tries, failed.error));
    }
}
