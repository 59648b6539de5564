//! One file per command.

pub mod check;
pub mod domain;
mod function;
pub mod import;
pub mod mcp;
pub mod model;
pub mod output;
pub mod plan;
pub mod publish;
pub mod reindex;
pub mod render;
pub mod serve;
pub mod smoke;
pub mod thumbnail;
pub mod token;
pub mod user;
pub mod wiki;
pub mod wiring;
pub mod worker;
pub mod workers;

use crate::app::wall_clock;
use crate::config::DataArgs;
use crate::egress;
use holt_core::{Error, Result};
use holt_engine::directory::Directory;
use holt_engine::{Engine, EngineOptions};
use rustls::pki_types::CertificateDer;
use std::path::Path;

/// Opens an existing data directory. A command that only looks must not make one by a typing error.
fn open(args: &DataArgs) -> Result<Engine> {
    there_is(args)?;
    open_or_create(args)
}

/// The certificates in a file. What is wrong names it.
fn own_authorities(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let pem = std::fs::read(file).map_err(|e| Error::io(format!("read {}", file.display()), e))?;
    egress::authorities(&pem).map_err(|e| Error::invalid(format!("{}: {}", file.display(), e.message)).hint(e.hint.unwrap_or_default()))
}

/// What stands in a file, without the end of its line. `Invalid` if that is nothing.
fn secret(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file).map_err(|e| Error::io(format!("read {}", file.display()), e))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || secret.chars().any(char::is_control) {
        return Err(Error::invalid(format!("{} holds no secret", file.display())).hint("Write the secret into it, on one line."));
    }
    Ok(secret.to_string())
}

/// The wikis of a data directory that another process may be serving.
fn look(args: &DataArgs) -> Result<Directory> {
    there_is(args)?;
    Directory::look(&args.data.join("holt.db"))
}

fn there_is(args: &DataArgs) -> Result<()> {
    if args.data.is_dir() {
        return Ok(());
    }
    Err(Error::not_found(format!("there is no data directory {}", args.data.display()))
        .hint("Give the right one with --data or HOLT_DATA; `holt serve` and `holt wiki create` make a new one."))
}

/// Opens a data directory, making it if needed.
fn open_or_create(args: &DataArgs) -> Result<Engine> {
    Engine::open(EngineOptions::new(&args.data, wall_clock()))
}
