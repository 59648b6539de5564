//! Bringing in wikis from elsewhere. The source is read, never changed; the new wiki exists only when all of it is there.

mod folder;
mod git;
mod otterwiki;
mod robot_wtf;
mod settings_cfg;

pub use folder::import_folder;
pub use git::import_git;
pub use otterwiki::import_otterwiki;
pub use robot_wtf::{Arrival, Arrivals, Outcome, RobotWtf, Run, import_robot_wtf};

use crate::db::index::LinkStatus;
use crate::engine::Engine;
use crate::repo::FileMode;
use crate::wiki::Wiki;
use holt_core::{PagePath, Result, RevisionId, WikiName};
use std::sync::Arc;

/// Where an import stands, for a progress bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub step: &'static str,
    /// How much of it is done.
    pub done: u64,
    /// How much there is; 0 if not known.
    pub total: u64,
}

/// What to call the new wiki.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its slug.
    pub slug: WikiName,
    /// Its name on screen; the source's own if there is none.
    pub name: Option<String>,
}

/// What came in, and what deserves a look.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Slug of the new wiki.
    pub slug: String,
    /// Its name on screen.
    pub name: String,
    /// The commit it stands at.
    pub head: Option<RevisionId>,
    /// Pages at that commit.
    pub pages: usize,
    /// Commits.
    pub revisions: usize,
    /// Attachments at that commit.
    pub attachments: usize,
    /// Accounts made.
    pub users: usize,
    /// Accounts that existed already; they became members and kept their password.
    pub users_known: usize,
    /// Members, if the platform it comes from told them apart from accounts.
    pub members: usize,
    /// Drafts.
    pub drafts: usize,
    /// Preferences taken over.
    pub preferences: usize,
    /// Files that have no address, and why.
    pub unreachable: Vec<Unreachable>,
    /// Pages whose names could not be given today. They stay readable and editable.
    pub legacy_names: Vec<String>,
    /// Links inside the wiki that lead nowhere.
    pub broken_links: Vec<BrokenLink>,
    /// Anything else a person should know.
    pub notes: Vec<String>,
}

/// See [`Report::unreachable`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// Path in the repository; bytes that are not UTF-8 are shown as replacement characters.
    pub file: String,
    /// Why it has no address.
    pub why: String,
}

/// See [`Report::broken_links`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenLink {
    /// The page that has the link.
    pub page: String,
    /// What it links to.
    pub target: String,
}

/// Fills in what the finished wiki says of itself.
fn inspect(wiki: &Arc<Wiki>, report: &mut Report) -> Result<()> {
    let index = wiki.fresh_index()?;
    report.head = index.cursor()?;
    let counts = index.counts()?;
    (report.pages, report.revisions, report.attachments) = (counts.pages, counts.revisions, counts.attachments);
    let Some(head) = report.head else { return Ok(()) };
    let listing = wiki.repo()?.files(head)?;
    for name in &listing.unreadable {
        let file = String::from_utf8_lossy(name).into_owned();
        report.unreachable.push(Unreachable { file, why: "the name is not UTF-8".into() });
    }
    for file in &listing.files {
        if let Some(why) = unreachable(&index, file)? {
            report.unreachable.push(Unreachable { file: file.path.clone(), why });
        } else if let Some(path) = PagePath::from_tree(&file.path)
            && path.for_creation().is_err()
        {
            report.legacy_names.push(file.path.clone());
        }
    }
    for link in index.links_by_status(LinkStatus::Broken)? {
        report.broken_links.push(BrokenLink { page: link.from.as_str().to_string(), target: link.target });
    }
    Ok(())
}

fn unreachable(index: &crate::db::index::Index, file: &crate::repo::TreeFile) -> Result<Option<String>> {
    let Some(stem) = file.path.strip_suffix(".md") else {
        return Ok(match file.path.contains('/') {
            _ if file.mode == FileMode::Symlink => Some("a symbolic link; links to files outside pages are not followed".into()),
            false => Some("files in the root of the repository belong to no page and are not served".into()),
            true => None,
        });
    };
    let path = match PagePath::parse(stem) {
        Ok(path) => path,
        Err(error) => return Ok(Some(error.message)),
    };
    if PagePath::from_tree(&file.path).is_none() {
        return Ok(Some("the name is not in Unicode normal form C".into()));
    }
    if let Some(row) = index.page(&path.key())?
        && row.file != file.path
    {
        return Ok(Some(format!("it differs only in case or spelling from {}, which answers for both", row.file)));
    }
    Ok(path.reserved().map(|reason| format!("its address means something else: {reason}")))
}

/// The default name of a wiki made from `source`: the last part of its path or address.
pub fn suggested_slug(source: &str) -> Option<WikiName> {
    let last =
        source.trim_end_matches('/').rsplit(['/', '\\', ':']).find(|part| !matches!(*part, "app-data" | "repository" | "." | ".git"))?;
    let stem = last.strip_suffix(".git").unwrap_or(last);
    WikiName::parse(&WikiName::spelled(stem)).ok()
}

/// As an [`Engine`] method would read; here so that `engine.rs` need not know importers.
fn finish(engine: &Engine, wiki: &Arc<Wiki>, mut report: Report) -> Result<Report> {
    report.name = wiki.preferences()?.site_name.clone();
    engine.directory().set_wiki_name(wiki.id(), &report.name)?;
    inspect(wiki, &mut report)?;
    tracing::info!(wiki.id = %wiki.id(), pages = report.pages, live = engine.live_wikis(), "imported {}", report.slug);
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_suggested_from_the_source() {
        for (source, slug) in [
            ("/srv/My Notes/", "my-notes"),
            ("https://git.example.org/team/handbook.git", "handbook"),
            ("/var/otter/app-data/repository", "otter"),
        ] {
            assert_eq!(suggested_slug(source).unwrap().as_str(), slug);
        }
        assert!(suggested_slug("/").is_none());
    }
}
