//! `holt token create`: prints the token and nothing else, once.

use super::{open, output};
use crate::config::{ScopeArg, TokenCommand};
use holt_core::Result;
use holt_engine::directory::TokenScope;
use std::process::ExitCode;

/// Runs it.
pub fn run(command: TokenCommand) -> Result<ExitCode> {
    let TokenCommand::Create { data, wiki, scope, name } = command;
    let engine = open(&data)?;
    let wiki = engine.wiki_named(&wiki)?;
    let scope = match scope {
        ScopeArg::Read => TokenScope::Read,
        ScopeArg::Propose => TokenScope::Propose,
        ScopeArg::Write => TokenScope::Write,
        ScopeArg::Admin => TokenScope::Admin,
    };
    let token = engine.directory().create_token(wiki.id(), None, scope, &name, engine.clock().now())?;
    output::line(token.expose());
    Ok(ExitCode::SUCCESS)
}
