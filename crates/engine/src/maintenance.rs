//! What a wiki's files want done that nobody waits for. Safe beside readers and writers, in any process.

use crate::publish;
use crate::sync;
use crate::wiki::Wiki;
use holt_core::Result;

/// Unsaved work that nobody touched for so long is forgotten, in seconds (spec/wiki.md §17: drafts expire by policy).
pub const DRAFT_LIFE: i64 = 90 * 86_400;
/// A history of fewer commits is as fast without a graph of them.
const LONG: usize = 500;

/// After saves: merges small packs, removes fragments that no page shows any more. Whether there was something to do. Cheap where there is not.
pub fn tidy(wiki: &Wiki) -> Result<bool> {
    let repo = wiki.repo()?;
    let folds = repo.wants_fold();
    if folds {
        repo.fold_packs()?;
    }
    Ok(folds | publish::sweep(wiki)?)
}

/// Now and then: forgets old drafts, has SQLite and git look after what they keep.
pub fn upkeep(wiki: &Wiki) -> Result<()> {
    wiki.db()?.expire_drafts(wiki.shared.clock.now() - DRAFT_LIFE)?;
    wiki.db()?.upkeep()?;
    let index = wiki.index()?;
    index.upkeep()?;
    if index.counts()?.revisions >= LONG {
        wiki.repo()?.write_commit_graph()?;
    }
    Ok(())
}

/// Weekly: what is wrong with the wiki, each as a sentence (security.md DUR-15). Reads all of it.
pub fn check(wiki: &Wiki) -> Result<Vec<String>> {
    sync::check(wiki)
}
