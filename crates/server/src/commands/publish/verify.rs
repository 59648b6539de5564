//! `holt publish --verify`: before readers are sent to an object store. Git is the truth: what is published here must stand at HEAD, and what
//! is there must be what is here.

use super::{hosts, names_of, output, selected};
use crate::config::{OutputFormat, PublishArgs};
use crate::shipping::deleted;
use holt_core::{Error, Result};
use holt_engine::directory::{Directory, WikiRecord};
use holt_engine::{repo, repository};
use holt_fragments::FragmentStore;
use holt_fragments::export::names;
use holt_remote::Remote;
use holt_remote::verify::Differences;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;
use tokio::runtime::Runtime;

/// What is compared with what.
pub struct Places {
    /// Which wikis there are.
    pub directory: Directory,
    /// What is published here.
    pub local: FragmentStore,
    /// Where it is compared with.
    pub remote: Remote,
    /// Waits for the store.
    pub runtime: Runtime,
    /// Shows how far it is.
    pub bar: ProgressBar,
}

/// What was found out about a wiki.
struct Finding {
    differences: Differences,
    /// Whether what is published here is of another revision than the repository's.
    behind: bool,
    /// Names that lead elsewhere there, or nowhere.
    hosts: usize,
}

impl Finding {
    fn fine(&self) -> bool {
        !self.differences.any() && !self.behind && self.hosts == 0
    }
    fn words(&self) -> Vec<String> {
        let Differences { missing, old, broken, extra, shared, .. } = self.differences;
        let counted = [
            (missing, "pages are not there"),
            (old, "pages are there as they were"),
            (broken, "pages lack a file there"),
            (extra, "pages are there and not here"),
            (self.hosts, "names lead elsewhere there"),
        ];
        let counted = counted.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let shared = shared.then(|| "what its pages share is not there as it is here".to_string());
        let behind = self
            .behind
            .then(|| "what is published here is not what its repository holds: start the server, or run `holt reindex`".to_string());
        counted.chain(shared).chain(behind).collect()
    }
    fn json(&self, slug: &str) -> Value {
        let Differences { pages, missing, old, broken, extra, shared } = self.differences;
        json!({
            "slug": slug, "ok": self.fine(), "pages": pages, "missing": missing, "old": old, "broken": broken, "extra": extra,
            "shared": shared, "hosts": self.hosts, "behind_head": self.behind,
        })
    }
}

/// Runs it. Exit code 1 if anything differs.
pub fn run(args: &PublishArgs, places: &Places) -> Result<ExitCode> {
    let text = args.output.format() == OutputFormat::Text;
    let (mut after, mut wikis, mut wrong, mut pages, mut wanted) = (String::new(), Vec::new(), 0, 0, HashSet::new());
    loop {
        let records = selected(&places.directory, args.wiki.as_deref(), &after)?;
        let Some(last) = records.last() else { break };
        after = last.slug.to_string();
        for record in records {
            wanted.extend(names_of(&places.directory, &record)?.iter().map(names::host));
            places.bar.set_message(record.slug.to_string());
            places.bar.inc_length(places.local.count_pages(record.id)?);
            let finding = places.runtime.block_on(look_at(places, &args.data.data, &record))?;
            wrong += usize::from(!finding.fine());
            pages += finding.differences.pages;
            if text && !finding.fine() {
                places.bar.suspend(|| output::line(format_args!("{}: {}", record.slug, finding.words().join("; "))));
            }
            wikis.push(finding.json(record.slug.as_str()));
        }
        if args.wiki.is_some() {
            break;
        }
    }
    places.bar.finish_and_clear();
    let strange = match args.wiki {
        None => places.runtime.block_on(places.remote.strange_hosts(&places.local, &wanted))?.len(),
        Some(_) => 0,
    };
    if text && strange > 0 {
        output::line(format_args!("{strange} names there lead to wikis that are not here"));
    }
    let mut left = 0;
    if args.wiki.is_none() {
        for wiki in deleted(&places.directory, places.runtime.block_on(places.remote.wikis_there())?)? {
            left += usize::from(!places.runtime.block_on(places.remote.files_of(wiki))?.is_empty());
        }
    }
    if text && left > 0 {
        output::line(format_args!("{left} wikis have files there and are not here"));
    }
    let fine = wrong == 0 && strange == 0 && left == 0;
    if text {
        output::line(format_args!("{} wikis, {pages} pages looked at; {wrong} wikis differ", wikis.len()));
        if !fine {
            output::line(
                "`holt publish` puts what is missing or old, and takes such names and files off. Where pages lack a file, empty the folder of that wiki there first.",
            );
        }
    } else {
        output::json(&json!({"ok": fine, "wikis": wikis, "strange_names": strange, "strange_wikis": left}));
    }
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn look_at(places: &Places, data: &Path, record: &WikiRecord) -> Result<Finding> {
    let Places { directory, local, remote, bar, .. } = places;
    let stands = || Ok::<_, Error>(local.wiki(record.id)?.and_then(|shared| shared.revision));
    let head = repo::look_at_head(&repository(data, record.id))?;
    // A server that runs may be about to publish what it just committed.
    let behind = stands()? != head && stands()? != repo::look_at_head(&repository(data, record.id))?;
    let differences = remote.verify_wiki(local, record.id, || bar.inc(1)).await?;
    let mut wrong = 0;
    for (host, to) in hosts(directory, local, record)? {
        let same = match to {
            Some(to) => remote.holds(&FragmentStore::export_host(&host, &to)).await?,
            None => matches!(remote.get(&names::host(&host), None).await, holt_fragments::Answer::Missing),
        };
        wrong += usize::from(!same);
    }
    Ok(Finding { differences, behind, hosts: wrong })
}
