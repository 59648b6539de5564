//! `holt import`: progress on standard error, a report at the end.

use super::{open_or_create, output};
use crate::config::{ImportArgs, ImportCommand, OutputFormat};
use holt_core::{Error, Result, WikiName};
use holt_engine::import::{self, Progress, Report, Target};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

/// How many items of a list the text report shows; `--json` has them all.
const SHOWN: usize = 20;

/// Runs one of them.
pub fn run(command: &ImportCommand) -> Result<ExitCode> {
    let (ImportCommand::Otterwiki(args) | ImportCommand::Git(args) | ImportCommand::Folder(args)) = command;
    let slug = match &args.slug {
        // What moves in keeps its address, even one that could not be given today.
        Some(slug) => WikiName::existing(slug)?,
        None => import::suggested_slug(&absolute(&args.source))
            .ok_or_else(|| Error::invalid(format!("no wiki name can be made from {}", args.source)).hint("Give one with --slug."))?,
    };
    let target = Target { slug, name: args.name.clone() };
    let engine = open_or_create(&args.data)?;
    let bar = Bar::new();
    let mut progress = |at: Progress| bar.show(&at);
    let source = Path::new(&args.source);
    let report = match command {
        ImportCommand::Otterwiki(_) => import::import_otterwiki(&engine, source, &target, &mut progress),
        ImportCommand::Git(_) => import::import_git(&engine, &args.source, &target, &mut progress),
        ImportCommand::Folder(_) => import::import_folder(&engine, source, &target, &mut progress),
    };
    bar.clear();
    let report = report?;
    engine.settle_all()?;
    print(&report, args);
    Ok(ExitCode::SUCCESS)
}

/// `.` has no name of its own.
fn absolute(source: &str) -> String {
    if source.contains("://") {
        return source.to_string();
    }
    std::fs::canonicalize(source).map_or_else(|_| source.to_string(), |path| path.to_string_lossy().into_owned())
}

struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{msg:<10} [{bar:30}] {pos}/{len}").expect("the template is well-formed");
        bar.set_style(style.progress_chars("=> "));
        Self(bar)
    }
    fn show(&self, at: &Progress) {
        self.0.set_message(at.step);
        self.0.set_length(at.total);
        self.0.set_position(at.done);
    }
    fn clear(&self) {
        self.0.finish_and_clear();
    }
}

fn print(report: &Report, args: &ImportArgs) {
    if args.output.format() == OutputFormat::Json {
        let unreachable: Vec<_> = report.unreachable.iter().map(|u| json!({"file": u.file, "why": u.why})).collect();
        let broken: Vec<_> = report.broken_links.iter().map(|l| json!({"page": l.page, "target": l.target})).collect();
        output::json(&json!({
            "slug": report.slug, "name": report.name, "head": report.head.map(|h| h.to_string()),
            "pages": report.pages, "revisions": report.revisions, "attachments": report.attachments,
            "users": report.users, "users_known": report.users_known, "drafts": report.drafts, "preferences": report.preferences,
            "unreachable": unreachable, "legacy_names": report.legacy_names, "broken_links": broken, "notes": report.notes,
        }));
        return;
    }
    output::line(format_args!("Imported {} as {}", report.name, report.slug));
    output::line(format_args!(
        "  pages        {}\n  revisions    {}\n  attachments  {}",
        report.pages, report.revisions, report.attachments
    ));
    if report.users + report.users_known > 0 {
        let known = if report.users_known > 0 {
            format!(" ({} had an account already and keep their password)", report.users_known)
        } else {
            String::new()
        };
        output::line(format_args!(
            "  accounts     {}{known}\n  drafts       {}\n  preferences  {}",
            report.users + report.users_known,
            report.drafts,
            report.preferences
        ));
    }
    let list = |title: &str, items: &[String]| {
        if items.is_empty() {
            return;
        }
        output::line(format_args!("\n{title} ({}):", items.len()));
        for item in items.iter().take(SHOWN) {
            output::line(format_args!("  {item}"));
        }
        if items.len() > SHOWN {
            output::line(format_args!("  … and {} more; --json lists them all", items.len() - SHOWN));
        }
    };
    list("Files without an address", &report.unreachable.iter().map(|u| format!("{}: {}", u.file, u.why)).collect::<Vec<_>>());
    list("Pages with names that could not be given today; they stay readable and editable", &report.legacy_names);
    list("Broken links", &report.broken_links.iter().map(|l| format!("{} -> {}", l.page, l.target)).collect::<Vec<_>>());
    list("Notes", &report.notes);
    output::line(format_args!("\nNext: holt serve --data {} --default-wiki {}", args.data.data.display(), report.slug));
}
