//! `holt publish`: compares published wikis with an object store and makes the store as they are, or says what differs. Beside a running server
//! or without one; interrupted, it goes on where it stopped when it is run again.

mod verify;

use super::{look, output};
use crate::app::unix_seconds;
use crate::config::{OutputFormat, PublishArgs};
use crate::shipping::deleted;
use holt_core::{Error, Result};
use holt_engine::directory::{Directory, WikiRecord};
use holt_fragments::export::names;
use holt_fragments::{FragmentStore, HostName, Hosted};
use holt_remote::ship::Shipped;
use holt_remote::{Care, Remote, Use};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Wikis that are read from the directory at once.
const PAGE: usize = 500;

/// Runs it. Exit code 1 if some wiki could not be published, or differs.
pub fn run(args: &PublishArgs) -> Result<ExitCode> {
    let directory = look(&args.data)?;
    let local = FragmentStore::foreign_folder(&args.data.data.join("fragments"));
    let care = if args.mend { Care::Everything } else { Care::Manifests };
    let remote = Remote::open(&args.to, Use::Publishing)?.with_care(care);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| Error::io("start the runtime", e))?;
    let text = args.output.format() == OutputFormat::Text;
    // Only where somebody looks: it goes to standard error, and draws nothing unless that is a terminal.
    let bar = if text { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} pages {per_sec} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    if let Some(file) = &args.viewer_key {
        write_key(file, &directory.secret("viewer")?)?;
    }
    if args.verify {
        return verify::run(args, &verify::Places { directory, local, remote, runtime, bar });
    }
    let (mut whole, mut wikis, mut failed) = (Shipped::default(), 0, Vec::new());
    whole.put += runtime.block_on(remote.ship_assets())?;
    let (mut after, mut wanted) = (String::new(), HashSet::new());
    loop {
        let records = selected(&directory, args.wiki.as_deref(), &after)?;
        let Some(last) = records.last() else { break };
        after = last.slug.to_string();
        for record in records {
            wanted.extend(names_of(&directory, &record)?.iter().map(names::host));
            bar.set_message(record.slug.to_string());
            bar.inc_length(local.count_pages(record.id)?);
            match runtime.block_on(publish(&remote, (&directory, &local), &record, &bar)) {
                Ok(shipped) => {
                    wikis += 1;
                    whole.pages += shipped.pages;
                    whole.put += shipped.put;
                    whole.removed += shipped.removed;
                }
                Err(error) => {
                    if text {
                        bar.suspend(|| output::line(format_args!("{}: {}", record.slug, error.chain())));
                    }
                    failed.push(record.slug.to_string());
                }
            }
        }
        if args.wiki.is_some() {
            break;
        }
    }
    // What is of no wiki that there is leads nobody anywhere any more, and goes.
    if args.wiki.is_none() {
        whole.removed += runtime.block_on(remote.forget_hosts(&local, &wanted))?;
        for wiki in deleted(&directory, runtime.block_on(remote.wikis_there())?)? {
            whole.removed += runtime.block_on(remote.forget_wiki(wiki))?;
        }
    }
    bar.finish_and_clear();
    let Shipped { pages, put, removed, .. } = whole;
    match args.output.format() {
        OutputFormat::Json => output::json(&json!({"wikis": wikis, "pages": pages, "put": put, "removed": removed, "failed": failed})),
        OutputFormat::Text => {
            output::line(format_args!("{wikis} wikis compared; {pages} pages published, {put} files put, {removed} removed"));
            if !failed.is_empty() {
                output::line(format_args!("{} could not be published: run this again", failed.len()));
            }
        }
    }
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// For whoever owns the file alone, whatever was there before.
fn write_key(file: &Path, key: &[u8]) -> Result<()> {
    let failed = |e| Error::io(format!("write {}", file.display()), e);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).and_then(|mut file| file.write_all(key)).map_err(failed)
}

fn selected(directory: &Directory, slug: Option<&str>, after: &str) -> Result<Vec<WikiRecord>> {
    match slug {
        None => directory.list_wikis_after(after, PAGE),
        Some(slug) => {
            let record = directory.wiki_by_slug(slug)?;
            Ok(vec![record.ok_or_else(|| {
                Error::not_found(format!("there is no wiki called {slug:?}")).hint("`holt wiki list` shows the wikis there are.")
            })?])
        }
    }
}

async fn publish(
    remote: &Remote,
    (directory, local): (&Directory, &FragmentStore),
    record: &WikiRecord,
    bar: &ProgressBar,
) -> Result<Shipped> {
    let mut compared = remote.ship_wiki(local, record.id, || bar.inc(1)).await?.shipped;
    for (host, to) in hosts(directory, local, record)? {
        let Some(to) = to else {
            remote.delete(&names::host(&host)).await?;
            continue;
        };
        let file = FragmentStore::export_host(&host, &to);
        if !remote.holds(&file).await? {
            remote.put(&file).await?;
            compared.put += 1;
        }
    }
    Ok(compared)
}

/// The names of a wiki.
fn names_of(directory: &Directory, record: &WikiRecord) -> Result<Vec<HostName>> {
    let domains = directory.domains_of(record.id, unix_seconds())?.into_iter().filter(|domain| domain.verified.is_some());
    Ok([HostName::Slug(record.slug.to_string())].into_iter().chain(domains.map(|domain| HostName::Domain(domain.name))).collect())
}

/// The same, and where they lead. A name that leads elsewhere here leads nowhere there.
fn hosts(directory: &Directory, local: &FragmentStore, record: &WikiRecord) -> Result<Vec<(HostName, Option<Hosted>)>> {
    let leads = |host: HostName| {
        let to = match &host {
            HostName::Slug(slug) => local.hosted(slug)?,
            HostName::Domain(name) => local.domain(name.as_str())?,
        };
        Ok((host, to.filter(|to| to.wiki == record.id)))
    };
    names_of(directory, record)?.into_iter().map(leads).collect()
}
