//! `holt token`: make one (it is printed once), list, revoke.

use super::{look, open, output};
use crate::config::{DataArgs, NewTokenArgs, OutputFormat, ScopeArg, TokenCommand};
use holt_core::{PagePath, Result, Timestamp};
use holt_engine::directory::{NewToken, TokenRecord, TokenScope};
use holt_engine::{Engine, publish};
use serde_json::json;
use std::process::ExitCode;

/// Runs it.
pub fn run(command: TokenCommand) -> Result<ExitCode> {
    match command {
        TokenCommand::Create(args) => create(args),
        TokenCommand::List { data, wiki, output } => list(&data, &wiki, output.format()),
        TokenCommand::Revoke { data, wiki, id } => {
            let engine = open(&data)?;
            engine.directory().revoke_token(engine.wiki_named(&wiki)?.id(), id)?;
            output::line(format_args!("revoked {id}"));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn create(args: NewTokenArgs) -> Result<ExitCode> {
    let NewTokenArgs { data, wiki: slug, scope, path, days, name, output } = args;
    let engine = open(&data)?;
    let wiki = engine.wiki_named(&slug)?;
    let within = path.map(|path| PagePath::parse(path.trim_matches('/'))).transpose()?;
    let scope = match scope {
        ScopeArg::Read => TokenScope::Read,
        ScopeArg::Propose => TokenScope::Propose,
        ScopeArg::Write => TokenScope::Write,
        ScopeArg::Admin => TokenScope::Admin,
    };
    let now = engine.clock().now();
    let expires = days.map(|days| now + i64::from(days) * 24 * 3600);
    let new = NewToken { wiki: wiki.id(), user: None, scope, within: within.as_ref(), label: &name, expires };
    let token = engine.directory().make_token(&new, now)?;
    match output.format() {
        OutputFormat::Json => output::json(&json!({"token": token.expose(), "wiki": slug, "name": name})),
        OutputFormat::Text => output::line(token.expose()),
    }
    Ok(ExitCode::SUCCESS)
}

fn list(data: &DataArgs, slug: &str, format: OutputFormat) -> Result<ExitCode> {
    let directory = look(data)?;
    let wiki = directory.wiki_by_slug(slug)?.ok_or_else(|| Engine::no_wiki(slug))?;
    let tokens = directory.tokens(wiki.id)?;
    let day = |seconds: i64| publish::rfc3339(Timestamp::utc(seconds)).chars().take(10).collect::<String>();
    let within = |token: &TokenRecord| token.within.as_ref().map(ToString::to_string);
    let shown = |token: &TokenRecord| {
        json!({
            "id": token.id, "name": token.label, "scope": token.scope.as_str(), "path": within(token), "created": token.created,
            "expires": token.expires, "last_used": token.last_used,
        })
    };
    match format {
        OutputFormat::Json => output::json(&json!({"tokens": tokens.iter().map(shown).collect::<Vec<_>>()})),
        OutputFormat::Text => {
            output::line(format_args!("{:<6} {:<8} {:<11} {:<11} {:<24} path", "id", "scope", "expires", "last used", "name"));
            for token in &tokens {
                let expires = token.expires.map_or_else(|| "never".into(), day);
                let used = token.last_used.map_or_else(|| "never".into(), day);
                let (path, label) = (within(token).unwrap_or_else(|| "all".into()), token.label.as_str());
                output::line(format_args!("{:<6} {:<8} {expires:<11} {used:<11} {label:<24} {path}", token.id, token.scope.as_str()));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
