//! `holt plan`: what wikis may have.

use super::{look, open, output};
use crate::config::{OutputFormat, PlanArgs, PlanCommand};
use holt_core::Result;
use holt_engine::directory::{Directory, Plan};
use serde_json::json;
use std::process::ExitCode;

/// Runs one of them.
pub fn run(command: PlanCommand) -> Result<ExitCode> {
    match command {
        PlanCommand::List { data, output } => list(&look(&data)?, output.format())?,
        PlanCommand::Set(args) => {
            let engine = open(&args.data)?;
            let known = engine.directory().plan(&args.name)?;
            engine.directory().put_plan(&changed(known, &args))?;
            output::line(format_args!("changed the plan {}", args.name));
        }
        PlanCommand::Default { data, name } => {
            open(&data)?.directory().set_default_plan(&name)?;
            output::line(format_args!("wikis that people make have the plan {name}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is not named stays; 0 is no limit.
fn changed(known: Option<Plan>, args: &PlanArgs) -> Plan {
    let old = known.unwrap_or(Plan {
        name: args.name.clone(),
        wikis: None,
        pages: None,
        bytes: None,
        writes: None,
        members: None,
        domains: None,
        warn: 80,
    });
    let pick = |new: Option<u32>, old: Option<u32>| new.map_or(old, |new| Some(new).filter(|new| *new > 0));
    Plan {
        wikis: pick(args.wikis, old.wikis),
        pages: pick(args.pages, old.pages),
        bytes: args.bytes.map_or(old.bytes, |new| Some(new).filter(|new| *new > 0)),
        writes: pick(args.writes, old.writes),
        members: pick(args.members, old.members),
        domains: pick(args.domains, old.domains),
        warn: args.warn.unwrap_or(old.warn),
        name: old.name,
    }
}

fn list(directory: &Directory, format: OutputFormat) -> Result<()> {
    let (plans, default) = (directory.plans()?, directory.default_plan()?.name);
    match format {
        OutputFormat::Json => {
            let plans: Vec<_> = plans
                .iter()
                .map(|plan| {
                    json!({
                        "name": plan.name, "wikis": plan.wikis, "pages": plan.pages, "bytes": plan.bytes, "writes": plan.writes,
                        "members": plan.members, "domains": plan.domains, "warn": plan.warn, "default": plan.name == default,
                    })
                })
                .collect();
            output::json(&json!({"plans": plans}));
        }
        OutputFormat::Text => {
            output::line(format_args!(
                "{:<16} {:>8} {:>8} {:>14} {:>8} {:>8} {:>8}",
                "plan", "wikis", "pages", "bytes", "writes", "members", "domains"
            ));
            let most = |limit: Option<u64>| limit.map_or_else(|| "-".to_string(), |limit| limit.to_string());
            for plan in &plans {
                let mark = if plan.name == default { " (default)" } else { "" };
                output::line(format_args!(
                    "{:<16} {:>8} {:>8} {:>14} {:>8} {:>8} {:>8}{mark}",
                    plan.name,
                    most(plan.wikis.map(u64::from)),
                    most(plan.pages.map(u64::from)),
                    most(plan.bytes),
                    most(plan.writes.map(u64::from)),
                    most(plan.members.map(u64::from)),
                    most(plan.domains.map(u64::from))
                ));
            }
        }
    }
    Ok(())
}
