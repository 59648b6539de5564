//! The `holt` binary: parse, dispatch, exit code. 0 done, 1 failed, 2 bad command line.

mod agent_sessions;
mod api;
mod app;
mod commands;
mod config;
mod dispatch;
mod domains;
mod door;
mod egress;
mod elsewhere;
mod error;
mod follow;
mod followers;
mod front;
mod git;
mod handles;
mod health;
mod limits;
mod log;
mod mail;
mod mcp;
mod metrics;
mod model;
mod oauth;
mod passkeys;
mod passwords;
mod platform;
mod presence;
mod proxies;
mod purging;
mod rates;
mod recovery;
mod reply;
mod request;
mod routes;
mod session;
mod shipping;
mod signature;
mod spool;
mod thumbnails;
mod timeline;
mod turns;
mod vouched;
mod web;
mod welcome;
mod workers;
mod writes;

use clap::{CommandFactory, Parser};
use config::{Cli, Command};
use std::process::ExitCode;

/// For SQLite's C as well as for Rust. With the C library's own, a hundred open wikis took twice what they allocate: long-lived caches of
/// SQLite stand between short-lived buffers of packing and rendering.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let begun = std::time::Instant::now();
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Serve(args) => commands::serve::run(&args, begun),
        Command::Render(args) => commands::render::run(&args),
        Command::Wiki(command) => commands::wiki::run(command),
        Command::Domain(command) => commands::domain::run(command),
        Command::Plan(command) => commands::plan::run(command),
        Command::User(command) => commands::user::run(command),
        Command::Token(command) => commands::token::run(command),
        Command::Import(command) => commands::import::run(&command),
        Command::Reindex(args) => commands::reindex::run(&args),
        Command::Model(command) => commands::model::run(command),
        Command::Publish(args) => commands::publish::run(&args),
        Command::Worker(args) => commands::worker::run(&args),
        Command::Workers(command) => commands::workers::run(command),
        Command::Check(args) => commands::check::run(&args),
        Command::Smoke(args) => commands::smoke::run(&args),
        Command::Mcp(args) => commands::mcp::run(&args),
        Command::Thumbnail(args) => commands::thumbnail::run(&args),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "holt", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    };
    result.unwrap_or_else(|error| commands::output::failed(&error))
}
