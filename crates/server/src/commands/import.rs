//! `holt import`: progress on standard error, a report at the end.

use super::{open_or_create, output};
use crate::config::{ImportArgs, ImportCommand, OutputFormat, RobotWtfArgs};
use holt_core::{Error, Result, WikiName};
use holt_engine::Engine;
use holt_engine::import::{self, Arrival, Arrivals, Outcome, Progress, Report, RobotWtf, Run, Target};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// How many items of a list the text report shows; `--json` has them all.
const SHOWN: usize = 20;

/// How one of them reads its source.
type Importer = fn(&Engine, &str, &Target, &mut dyn FnMut(Progress)) -> Result<Report>;

/// Runs one of them.
pub fn run(command: &ImportCommand) -> Result<ExitCode> {
    match command {
        ImportCommand::Otterwiki(args) => {
            one(args, |engine, source, target, at| import::import_otterwiki(engine, Path::new(source), target, at))
        }
        ImportCommand::Git(args) => one(args, import::import_git),
        ImportCommand::Folder(args) => one(args, |engine, source, target, at| import::import_folder(engine, Path::new(source), target, at)),
        ImportCommand::RobotWtf(args) => platform(args),
    }
}

/// One wiki, under a name that can be chosen.
fn one(args: &ImportArgs, import: Importer) -> Result<ExitCode> {
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
    let report = import(&engine, &args.source, &target, &mut progress);
    bar.clear();
    let report = report?;
    engine.settle_all()?;
    print(&report, args);
    Ok(ExitCode::SUCCESS)
}

/// All wikis of a platform, or some of them. Exit code 1 if one could not come in.
fn platform(args: &RobotWtfArgs) -> Result<ExitCode> {
    let engine = open_or_create(&args.data)?;
    let bar = Bar::new();
    let run = if args.dry_run { Run::Rehearsal } else { Run::Real };
    let request = RobotWtf { source: &args.source, domain: args.from_domain.as_str(), only: &args.only, run };
    let arrivals = import::import_robot_wtf(&engine, &request, &mut |at| bar.show(&at));
    bar.clear();
    let arrivals = arrivals?;
    engine.settle_all()?;
    match args.output.format() {
        OutputFormat::Json => output::json(&json!({
            "dry_run": args.dry_run, "users": arrivals.users, "users_known": arrivals.users_known, "failed": arrivals.failed(),
            "wikis": arrivals.wikis.iter().map(|wiki| arrival_json(wiki, run)).collect::<Vec<_>>(), "notes": arrivals.notes,
        })),
        OutputFormat::Text => print_arrivals(&arrivals, run),
    }
    Ok(if arrivals.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What became of a wiki, in a word.
fn word(outcome: &Outcome, run: Run) -> &'static str {
    match outcome {
        Outcome::Arrived(_) if run == Run::Rehearsal => "would come in",
        Outcome::Arrived(_) => "imported",
        Outcome::Already => "here already",
        Outcome::Failed(_) => "failed",
    }
}

fn arrival_json(wiki: &Arrival, run: Run) -> Value {
    let mut value = match &wiki.outcome {
        Outcome::Arrived(report) => report_json(report),
        Outcome::Already => json!({}),
        Outcome::Failed(error) => json!({"error": error.chain(), "hint": error.hint}),
    };
    value["slug"] = wiki.slug.as_str().into();
    value["outcome"] = word(&wiki.outcome, run).into();
    value
}

fn print_arrivals(arrivals: &Arrivals, run: Run) {
    let shown = |slug: &str| -> String { slug.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect() };
    output::line(format_args!("{:<32} {:<14} {:>6} {:>8} {:>7}", "wiki", "", "pages", "members", "drafts"));
    for Arrival { slug, outcome } in &arrivals.wikis {
        let (slug, word) = (shown(slug), word(outcome, run));
        match outcome {
            Outcome::Arrived(report) => {
                output::line(format_args!("{slug:<32} {word:<14} {:>6} {:>8} {:>7}", report.pages, report.members, report.drafts));
            }
            Outcome::Already => output::line(format_args!("{slug:<32} {word}")),
            Outcome::Failed(error) => {
                output::line(format_args!("{slug:<32} {word}: {}", error.chain()));
                if let Some(hint) = &error.hint {
                    output::line(format_args!("{:<32}   {hint}", ""));
                }
            }
        }
    }
    output::line(format_args!("\naccounts: {} new, {} known", arrivals.users, arrivals.users_known));
    for Arrival { slug, outcome } in &arrivals.wikis {
        if let Outcome::Arrived(report) = outcome {
            let unreachable = report.unreachable.iter().map(|u| format!("{}: {}", u.file, u.why));
            list(&format!("Notes on {slug}"), &report.notes.iter().cloned().chain(unreachable).collect::<Vec<_>>());
        }
    }
    list("Notes", &arrivals.notes);
}

fn list(title: &str, items: &[String]) {
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
        output::json(&report_json(report));
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
    list("Files without an address", &report.unreachable.iter().map(|u| format!("{}: {}", u.file, u.why)).collect::<Vec<_>>());
    list("Pages with names that could not be given today; they stay readable and editable", &report.legacy_names);
    list("Broken links", &report.broken_links.iter().map(|l| format!("{} -> {}", l.page, l.target)).collect::<Vec<_>>());
    list("Notes", &report.notes);
    output::line(format_args!("\nNext: holt serve --data {} --default-wiki {}", args.data.data.display(), report.slug));
}

fn report_json(report: &Report) -> Value {
    let unreachable: Vec<_> = report.unreachable.iter().map(|u| json!({"file": u.file, "why": u.why})).collect();
    let broken: Vec<_> = report.broken_links.iter().map(|l| json!({"page": l.page, "target": l.target})).collect();
    json!({
        "slug": report.slug, "name": report.name, "head": report.head.map(|h| h.to_string()),
        "pages": report.pages, "revisions": report.revisions, "attachments": report.attachments,
        "users": report.users, "users_known": report.users_known, "members": report.members, "drafts": report.drafts,
        "preferences": report.preferences,
        "unreachable": unreachable, "legacy_names": report.legacy_names, "broken_links": broken, "notes": report.notes,
    })
}
