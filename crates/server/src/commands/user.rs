//! `holt user`: accounts, their passwords, and who rules the installation.

use super::{look, open, open_or_create, output};
use crate::app::unix_seconds;
use crate::config::{OutputFormat, Switch, UserCommand};
use holt_core::{Error, Result};
use holt_engine::accounts;
use holt_engine::directory::{Directory, Rank, UserRecord};
use serde_json::json;
use std::io::Read;
use std::process::ExitCode;

/// Runs one of them.
pub fn run(command: UserCommand) -> Result<ExitCode> {
    let (data, email, name, admin, output) = match command {
        UserCommand::Add { data, email, name, admin, password_stdin: _, output } => (data, email, name, admin, output),
        UserCommand::List { data, output } => return list(&look(&data)?, output.format()),
        UserCommand::Show { data, email, output } => return show(&look(&data)?, &email, output.format()),
        UserCommand::Operator { data, email, rank } => return set_rank(open(&data)?.directory(), &email, rank),
    };
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
        if admin { Rank::Operator } else { Rank::Member },
    )?;
    let new = added == accounts::Added::New;
    match output.format() {
        OutputFormat::Json => output::json(&json!({"email": email, "created": new, "admin": admin})),
        OutputFormat::Text if new => output::line(format_args!("added {email}")),
        OutputFormat::Text => output::line(format_args!("changed the password of {email}")),
    }
    Ok(ExitCode::SUCCESS)
}

fn known(directory: &Directory, email: &str) -> Result<UserRecord> {
    let user = directory.user_by_email(email)?;
    user.ok_or_else(|| {
        Error::not_found(format!("nobody has an account with the address {email:?}")).hint("`holt user list` shows them all.")
    })
}

fn list(directory: &Directory, format: OutputFormat) -> Result<ExitCode> {
    let users = directory.list_users("", usize::MAX)?;
    match format {
        OutputFormat::Json => {
            let row = |user: &UserRecord| json!({"email": user.email, "name": user.name, "operator": user.rank == Rank::Operator, "created": user.created, "last_seen": user.last_seen});
            output::json(&json!({"users": users.iter().map(row).collect::<Vec<_>>()}));
        }
        OutputFormat::Text => {
            for user in users {
                let operator = if user.rank == Rank::Operator { " (operator)" } else { "" };
                output::line(format_args!("{:<32} {}{operator}", user.email, user.name));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(directory: &Directory, email: &str, format: OutputFormat) -> Result<ExitCode> {
    let user = known(directory, email)?;
    let wikis: Vec<String> = directory.wikis_of(user.id)?.into_iter().map(|wiki| wiki.slug.to_string()).collect();
    let sessions = directory.sessions_of(user.id, unix_seconds())?.len();
    match format {
        OutputFormat::Json => output::json(&json!({
            "id": user.id.0, "email": user.email, "name": user.name, "operator": user.rank == Rank::Operator,
            "confirmed": user.email_confirmed, "created": user.created, "last_seen": user.last_seen, "sessions": sessions, "wikis": wikis,
        })),
        OutputFormat::Text => {
            output::line(format_args!("{} <{}>", user.name, user.email));
            output::line(format_args!("  operator   {}", if user.rank == Rank::Operator { "yes" } else { "no" }));
            output::line(format_args!("  sessions   {sessions}"));
            output::line(format_args!("  wikis      {}", if wikis.is_empty() { "none".to_string() } else { wikis.join(", ") }));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn set_rank(directory: &Directory, email: &str, rank: Switch) -> Result<ExitCode> {
    let user = known(directory, email)?;
    let rank = if rank == Switch::On { Rank::Operator } else { Rank::Member };
    if rank == Rank::Member && directory.operators()?.iter().all(|operator| operator.id == user.id) {
        return Err(Error::denied(format!("{email} is the only operator")).hint("Make somebody else one first."));
    }
    directory.set_rank(user.id, rank)?;
    // What was opened with other rights is opened again.
    directory.end_all_sessions(user.id)?;
    match rank {
        Rank::Operator => output::line(format_args!("{email} is an operator")),
        Rank::Member => output::line(format_args!("{email} is no operator any more")),
    }
    Ok(ExitCode::SUCCESS)
}
