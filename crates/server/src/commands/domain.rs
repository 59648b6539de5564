//! `holt domain`: names of wikis that are not below the platform's domain.

use super::{look, open, output};
use crate::app::unix_seconds;
use crate::config::{DomainCommand, OutputFormat};
use crate::domains;
use crate::egress::Dns;
use holt_core::Result;
use holt_engine::Engine;
use holt_engine::directory::{Directory, DomainRecord, Doubt};
use serde_json::json;
use std::process::ExitCode;

/// Runs one of them.
pub fn run(command: DomainCommand) -> Result<ExitCode> {
    match command {
        DomainCommand::List { data, wiki, output } => list(&look(&data)?, wiki.as_deref(), output.format())?,
        DomainCommand::Add { data, slug, name } => {
            let engine = open(&data)?;
            let (id, name) = (engine.wiki_named(&slug)?.id(), domains::name(&name, None)?);
            let most = engine.directory().limits(id)?.domains;
            let record = engine.directory().claim_domain(id, &name, most, engine.clock().now())?;
            output::line(format_args!("add this to the DNS, then verify it:\n{}. TXT \"{}\"", name.proof_name(), domains::text(&record)));
        }
        DomainCommand::Verify { data, slug, name, resolver } => {
            let engine = open(&data)?;
            let (id, name) = (engine.wiki_named(&slug)?.id(), domains::name(&name, None)?);
            domains::verify(&engine, &Dns::new(resolver), id, &name, |record, doubt| say(&engine, record, doubt))?;
            output::line(format_args!("{slug} answers at {name}"));
        }
        DomainCommand::Main { data, slug, name } => {
            let engine = open(&data)?;
            let id = engine.wiki_named(&slug)?.id();
            let name = name.map(|name| domains::name(&name, None)).transpose()?;
            engine.set_main_domain(id, name.as_ref())?;
            match name {
                Some(name) => output::line(format_args!("other names of {slug} lead to {name}")),
                None => output::line(format_args!("{slug} has its address below the platform's domain")),
            }
        }
        DomainCommand::Remove { data, slug, name } => {
            let engine = open(&data)?;
            let (id, name) = (engine.wiki_named(&slug)?.id(), domains::name(&name, None)?);
            engine.remove_domain(id, &name)?;
            output::line(format_args!("{slug} no longer answers at {name}"));
        }
        DomainCommand::Check { data, resolver } => check(&open(&data)?, &Dns::new(resolver))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// All that are due, as the server does it a few at a time.
fn check(engine: &Engine, dns: &Dns) -> Result<()> {
    while !engine.directory().due_domains(engine.clock().now(), 1)?.is_empty() {
        for (record, doubt) in domains::check_due(engine, dns, || true)? {
            say(engine, &record, doubt);
        }
    }
    Ok(())
}

fn say(engine: &Engine, record: &DomainRecord, doubt: Doubt) {
    let (action, said) = match doubt {
        Doubt::None => return,
        Doubt::Begun => ("domain.lost", "its record is missing"),
        Doubt::Ended => ("domain.end", "it has ended"),
    };
    domains::note(engine, record, action);
    output::line(format_args!("{}: {said}", record.name));
}

fn state(record: &DomainRecord) -> &'static str {
    match (record.verified, record.lost) {
        (None, _) => "claimed",
        (Some(_), None) => "verified",
        (Some(_), Some(_)) => "lost",
    }
}

fn list(directory: &Directory, wiki: Option<&str>, format: OutputFormat) -> Result<()> {
    let now = unix_seconds();
    let wikis = match wiki {
        Some(slug) => vec![directory.wiki_by_slug(slug)?.ok_or_else(|| Engine::no_wiki(slug))?],
        None => directory.list_wikis()?,
    };
    let mut rows = Vec::new();
    for wiki in wikis {
        for record in directory.domains_of(wiki.id, now)? {
            rows.push((wiki.slug.clone(), record));
        }
    }
    match format {
        OutputFormat::Json => {
            let row = |(slug, record): &(holt_core::WikiName, DomainRecord)| {
                json!({
                    "domain": record.name.as_str(), "wiki": slug.as_str(), "state": state(record), "main": record.main,
                    "record": {"type": "TXT", "name": record.name.proof_name(), "value": domains::text(record)},
                    "verified": record.verified, "checked": record.checked, "lost": record.lost, "ends": record.ends(),
                })
            };
            output::json(&json!({"domains": rows.iter().map(row).collect::<Vec<_>>()}));
        }
        OutputFormat::Text => {
            for (slug, record) in rows {
                let main = if record.main { " (address)" } else { "" };
                output::line(format_args!("{:<32} {:<24} {}{main}", record.name.as_str(), slug.as_str(), state(&record)));
            }
        }
    }
    Ok(())
}
