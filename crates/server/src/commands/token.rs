//! `holt token create`: prints the token, once.

use super::{open, output};
use crate::config::{OutputFormat, ScopeArg, TokenCommand};
use holt_core::Result;
use holt_engine::directory::TokenScope;
use serde_json::json;
use std::process::ExitCode;

/// Runs it.
pub fn run(command: TokenCommand) -> Result<ExitCode> {
    let TokenCommand::Create { data, wiki, scope, name, output } = command;
    let engine = open(&data)?;
    let slug = wiki;
    let wiki = engine.wiki_named(&slug)?;
    let scope = match scope {
        ScopeArg::Read => TokenScope::Read,
        ScopeArg::Propose => TokenScope::Propose,
        ScopeArg::Write => TokenScope::Write,
        ScopeArg::Admin => TokenScope::Admin,
    };
    let token = engine.directory().create_token(wiki.id(), None, scope, &name, engine.clock().now())?;
    match output.format() {
        OutputFormat::Json => output::json(&json!({"token": token.expose(), "wiki": slug, "name": name})),
        OutputFormat::Text => output::line(token.expose()),
    }
    Ok(ExitCode::SUCCESS)
}
