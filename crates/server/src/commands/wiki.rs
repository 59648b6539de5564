//! `holt wiki`: make, list, show, rename and delete wikis.

use super::{look, open, open_or_create, output};
use crate::config::{AccessArg, OutputFormat, Switch, WikiArgs, WikiCommand};
use holt_core::{Actor, Error, Result, WikiName};
use holt_engine::db::preferences::Audience;
use holt_engine::directory::Directory;
use holt_engine::pages::git::GIT_SWITCH;
use holt_engine::{Admin, Engine, Read, pages};
use serde_json::json;
use std::io::{BufRead, IsTerminal};
use std::num::{NonZeroU32, NonZeroU64};
use std::process::ExitCode;

/// Runs one of them.
pub fn run(command: WikiCommand) -> Result<ExitCode> {
    match command {
        WikiCommand::Create { data, slug, name, access, output } => {
            let engine = open_or_create(&data)?;
            let audience = match access {
                AccessArg::Public => Audience::Everybody,
                AccessArg::Private => Audience::Members,
            };
            let slug = WikiName::parse(&slug)?;
            let name = name.unwrap_or_else(|| slug.to_string());
            let wiki = engine.create_wiki(&slug, &name, audience)?;
            match output.format() {
                OutputFormat::Json => output::json(&json!({"slug": slug.as_str(), "id": wiki.id().to_string(), "name": name})),
                OutputFormat::Text => output::line(format_args!("created {slug}")),
            }
            engine.settle_all()?;
        }
        WikiCommand::List { data, output } => list(&look(&data)?, output.format())?,
        WikiCommand::Show(args) => show(&args)?,
        WikiCommand::Rename { data, slug, to } => {
            let engine = open(&data)?;
            engine.rename_wiki(engine.wiki_named(&slug)?.id(), &WikiName::parse(&to)?)?;
            output::line(format_args!("renamed {slug} to {to}"));
        }
        WikiCommand::Limit { data, slug, pages, bytes } => {
            let engine = open(&data)?;
            let id = engine.wiki_named(&slug)?.id();
            if let Some(pages) = pages {
                engine.directory().set_max_pages(id, NonZeroU32::new(pages))?;
                say_limit(&slug, pages.into(), "pages");
            }
            if let Some(bytes) = bytes {
                engine.directory().set_max_bytes(id, NonZeroU64::new(bytes))?;
                say_limit(&slug, bytes, "bytes");
            }
        }
        WikiCommand::Git { data, slug, state } => {
            let engine = open(&data)?;
            let wiki = engine.wiki_named(&slug)?;
            let (word, said) = if state == Switch::On { ("True", "may") } else { ("False", "may not") };
            pages::set_preferences(&wiki.grant::<Admin>(&Actor::System)?, &[(GIT_SWITCH, word)])?;
            engine.settle_all()?;
            output::line(format_args!("git clients {said} clone and push to {slug}"));
        }
        WikiCommand::Delete { data, slug, yes } => {
            let engine = open(&data)?;
            let id = engine.wiki_named(&slug)?.id();
            if !yes {
                confirm(&slug)?;
            }
            engine.delete_wiki(id)?;
            output::line(format_args!("deleted {slug}"));
        }
        WikiCommand::Path(args) => {
            let record = look(&args.data)?.wiki_by_slug(&args.slug)?;
            let record = record.ok_or_else(|| Engine::no_wiki(&args.slug))?;
            let path = holt_engine::repository(&args.data.data, record.id);
            let path = std::path::absolute(&path).unwrap_or(path);
            match args.output.format() {
                OutputFormat::Json => output::json(&json!({"path": path.to_string_lossy()})),
                OutputFormat::Text => output::line(path.display()),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn say_limit(slug: &str, most: u64, what: &str) {
    match most {
        0 => output::line(format_args!("{slug} may have as many {what} as it likes")),
        most => output::line(format_args!("{slug} may have {most} {what}")),
    }
}

fn list(directory: &Directory, format: OutputFormat) -> Result<()> {
    let wikis = directory.list_wikis()?;
    match format {
        OutputFormat::Json => {
            let wikis: Vec<_> = wikis
                .iter()
                .map(|w| json!({"slug": w.slug.as_str(), "name": w.name, "id": w.id.to_string(), "created": w.created}))
                .collect();
            output::json(&json!({"wikis": wikis}));
        }
        OutputFormat::Text => {
            for wiki in wikis {
                output::line(format_args!("{:<24} {}", wiki.slug.as_str(), wiki.name));
            }
        }
    }
    Ok(())
}

fn show(args: &WikiArgs) -> Result<()> {
    let engine = open(&args.data)?;
    let wiki = engine.wiki_named(&args.slug)?;
    let preferences = wiki.preferences()?;
    let scope = wiki.grant::<Read>(&Actor::System)?;
    let counts = pages::counts(&scope)?;
    let (most, most_bytes) = (engine.directory().max_pages(wiki.id())?, engine.directory().max_bytes(wiki.id())?);
    let bytes = pages::bytes(&scope)?;
    let newest = pages::changelog(&scope, &pages::Filter::default(), None, 1)?;
    let newest = newest.first().map(|entry| entry.revision.id.to_string());
    match args.output.format() {
        OutputFormat::Json => output::json(&json!({
            "slug": args.slug, "id": wiki.id().to_string(), "name": preferences.site_name, "head": newest,
            "pages": counts.pages, "revisions": counts.revisions, "attachments": counts.attachments, "max_pages": most,
            "bytes": bytes, "max_bytes": most_bytes,
            "access": {"read": preferences.read_access.as_str(), "write": preferences.write_access.as_str(), "upload": preferences.attachment_access.as_str()},
        })),
        OutputFormat::Text => {
            output::line(format_args!("{} ({})", preferences.site_name, args.slug));
            output::line(format_args!(
                "  pages        {}\n  revisions    {}\n  attachments  {}",
                counts.pages, counts.revisions, counts.attachments
            ));
            if let Some(most) = most {
                output::line(format_args!("  at most      {most} pages"));
            }
            if let Some(bytes) = bytes {
                output::line(format_args!("  bytes        {bytes}"));
            }
            if let Some(most) = most_bytes {
                output::line(format_args!("  at most      {most} bytes"));
            }
            output::line(format_args!("  head         {}", newest.as_deref().unwrap_or("none yet")));
            output::line(format_args!(
                "  access       read {}, write {}, upload {}",
                preferences.read_access.as_str(),
                preferences.write_access.as_str(),
                preferences.attachment_access.as_str()
            ));
        }
    }
    Ok(())
}

fn confirm(slug: &str) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::invalid("deleting a wiki needs a confirmation").hint("Add --yes if you mean it."));
    }
    output::note(format_args!("This deletes the wiki {slug} with its whole history. Type its name to go on:"));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(|e| Error::io("read the answer", e))?;
    if answer.trim() == slug { Ok(()) } else { Err(Error::invalid("nothing was deleted")) }
}
