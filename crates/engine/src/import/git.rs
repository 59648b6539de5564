//! `holt import git`: a repository, its whole history.

use super::{Progress, Report, Target, finish};
use crate::db::preferences::Audience;
use crate::db::wiki_db::WikiDb;
use crate::engine::Engine;
use crate::repo::import_from;
use holt_core::{Error, Result};

/// Takes the history that the source's current branch has. `source` is a directory or an address of https or http. Names keep their case.
pub fn import_git(engine: &Engine, source: &str, target: &Target, progress: &mut dyn FnMut(Progress)) -> Result<Report> {
    let name = target.name.clone().unwrap_or_else(|| target.slug.to_string());
    let mut notes = Vec::new();
    let wiki = engine.create_wiki_from(&target.slug, &name, None, |dir| {
        progress(Progress { step: "history", done: 0, total: 0 });
        let imported = import_from(source, &dir.join("repo.git"), &mut |done, total| progress(Progress { step: "history", done, total }))?;
        if imported.head.is_none() {
            return Err(Error::invalid("the source has no commit yet").hint("`holt wiki create` makes an empty wiki."));
        }
        notes = imported.warnings;
        WikiDb::create(dir, &name, Audience::Everybody).map(drop)
    })?;
    finish(engine, &wiki, Report { slug: target.slug.to_string(), notes, ..Report::default() })
}
