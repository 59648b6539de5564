//! `holt user add`: an account, or a new password for one.

use super::{open_or_create, output};
use crate::config::{OutputFormat, UserCommand};
use holt_core::{Error, Result};
use holt_engine::accounts;
use serde_json::json;
use std::io::Read;
use std::process::ExitCode;

/// Runs it.
pub fn run(command: UserCommand) -> Result<ExitCode> {
    let UserCommand::Add { data, email, name, admin, password_stdin: _, output } = command;
    let mut password = String::new();
    std::io::stdin().take(4096).read_to_string(&mut password).map_err(|e| Error::io("read the password", e))?;
    let password = password.strip_suffix('\n').unwrap_or(&password);
    let password = password.strip_suffix('\r').unwrap_or(password);
    let engine = open_or_create(&data)?;
    let added = accounts::add(
        engine.directory(),
        engine.clock(),
        &email,
        name.as_deref(),
        password,
        if admin { accounts::Rank::Operator } else { accounts::Rank::Member },
    )?;
    let new = added == accounts::Added::New;
    match output.format() {
        OutputFormat::Json => output::json(&json!({"email": email, "created": new, "admin": admin})),
        OutputFormat::Text if new => output::line(format_args!("added {email}")),
        OutputFormat::Text => output::line(format_args!("changed the password of {email}")),
    }
    Ok(ExitCode::SUCCESS)
}
