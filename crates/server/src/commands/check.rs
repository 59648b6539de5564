//! `holt check`: is everything there and as it should be?

use super::{open, output};
use crate::config::{CareArgs, OutputFormat};
use holt_core::{Error, Result};
use holt_engine::directory::WikiRecord;
use holt_engine::{Engine, sync};
use serde_json::json;
use std::process::ExitCode;

/// The wikis a command is about: one, or all.
pub fn selected(engine: &Engine, slug: Option<&str>) -> Result<Vec<WikiRecord>> {
    match slug {
        None => engine.directory().list_wikis(),
        Some(slug) => {
            let record = engine.directory().wiki_by_slug(slug)?;
            Ok(vec![record.ok_or_else(|| {
                Error::not_found(format!("there is no wiki called {slug:?}")).hint("`holt wiki list` shows the wikis there are.")
            })?])
        }
    }
}

/// Runs it. Exit code 1 if anything is wrong.
pub fn run(args: &CareArgs) -> Result<ExitCode> {
    let engine = open(&args.data)?;
    let mut wikis = Vec::new();
    let mut wrong = 0;
    for record in selected(&engine, args.wiki.as_deref())? {
        let problems = sync::check(&engine.wiki(record.id)).unwrap_or_else(|error| vec![error.chain()]);
        wrong += problems.len();
        if args.output.format() == OutputFormat::Text {
            match problems.as_slice() {
                [] => output::line(format_args!("{}: ok", record.slug)),
                problems => problems.iter().for_each(|problem| output::line(format_args!("{}: {problem}", record.slug))),
            }
        }
        wikis.push(json!({"slug": record.slug.as_str(), "problems": problems}));
    }
    if args.output.format() == OutputFormat::Json {
        output::json(&json!({"ok": wrong == 0, "wikis": wikis}));
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
