//! Moving a page with its attachments and subpages, links rewritten, in one commit.

use super::batch::Expect;
use super::moving::{self, Moving};
use super::write::Writing;
use crate::scope::{Scope, Write};
use holt_core::{Error, PagePath, Result, RevisionId};

/// Whether links to a moved page follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlinks {
    /// Every link to the page, its subpages and its attachments is rewritten in the same commit.
    Rewrite,
    /// Links stay as they are.
    Keep,
}

/// A rename that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The revision that holds it.
    pub revision: RevisionId,
    /// Where the page is now.
    pub path: PagePath,
    /// How many pages had links rewritten.
    pub rewritten: usize,
    /// Those of them that did not move themselves, by path.
    pub updated: Vec<PagePath>,
}

/// What became of a rename that somebody wanted only of a page they knew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenameOutcome {
    /// It is durable.
    Renamed(Renamed),
    /// The page is not what was expected; nothing has changed.
    Stale {
        /// The revision that last changed the page; none if there is no such page.
        current: Option<RevisionId>,
    },
}

/// Moves the page `from` and everything below it to `to`. `Conflict` if `to` is another page, `NotFound` if nothing is at `from`.
/// A change of letter case alone is allowed.
pub fn rename(scope: &Scope<'_, Write>, from: &PagePath, to: &PagePath, message: &str, backlinks: Backlinks) -> Result<Renamed> {
    match moved(scope, from, None, to, message, backlinks)? {
        RenameOutcome::Renamed(renamed) => Ok(renamed),
        RenameOutcome::Stale { .. } => Err(Error::internal("a rename that expects nothing was refused")),
    }
}

/// As [`rename`], if the page still is what its renamer saw.
pub fn rename_expected(
    scope: &Scope<'_, Write>,
    from: &PagePath,
    expect: Expect,
    to: &PagePath,
    message: &str,
    backlinks: Backlinks,
) -> Result<RenameOutcome> {
    moved(scope, from, Some(expect), to, message, backlinks)
}

fn moved(
    scope: &Scope<'_, Write>,
    from: &PagePath,
    expect: Option<Expect>,
    to: &PagePath,
    message: &str,
    backlinks: Backlinks,
) -> Result<RenameOutcome> {
    let to = moving::target(scope, from, to)?;
    let mut writing = Writing::begin(scope, None)?;
    for _ in 0..16 {
        let row = writing.index()?.page(&from.key())?;
        if let Some(expect) = expect
            && !expect.fits(&writing, row.as_ref())?
        {
            return Ok(RenameOutcome::Stale { current: row.map(|row| row.last_revision) });
        }
        let moves = [moving::plan(&writing, from, &to, backlinks)?];
        let [Moving { from, .. }] = &moves;
        // A commit that would be refused must not change a rule first.
        moving::check(&writing, &moves)?;
        // Before the pages are there: nobody reads them in between. Rules that nothing moved to are harmless.
        moving::take_rules_along(scope, &mut writing, &moves, &[])?;
        let mut changes = Vec::new();
        let rewritten = moving::changes(&writing, scope, &moves, &mut changes)?;
        let default = scope.wiki().preferences()?.language.say_with("Renamed {} to {}", &[from.as_str(), to.as_str()]);
        let message = if message.is_empty() { &default } else { message };
        if let Some(committed) = writing.try_commit(&changes, message)? {
            moving::follow(scope, moves.iter().map(Moving::way));
            writing.finish(committed);
            let count = rewritten.len();
            let updated = rewritten.into_iter().filter(|page| !moves[0].takes(page)).collect();
            let renamed = Renamed { revision: committed.revision(), path: to, rewritten: count, updated };
            return Ok(RenameOutcome::Renamed(renamed));
        }
    }
    Err(super::write::busy())
}

/// Whether the page `from` would have more readers at `to`: it leaves a part of the wiki that fewer may read.
pub fn opens(scope: &Scope<'_, Write>, from: &PagePath, to: &PagePath) -> Result<bool> {
    Ok(scope.wiki().preferences()?.path_access.opens(&from.key(), &to.key()))
}

/// What a rename or deletion would touch.
#[derive(Debug, Clone, Default)]
pub struct Affected {
    /// Pages that link to the page or below it, by path.
    pub linking: Vec<PagePath>,
    /// Pages below it.
    pub below: Vec<PagePath>,
    /// How many files are beside it.
    pub files: usize,
}

/// What a person wants to know before a page is renamed or deleted.
pub fn affected(scope: &Scope<'_, crate::scope::Read>, from: &PagePath) -> Result<Affected> {
    let index = scope.index()?;
    let linking = index.linking_to_tree(&from.key())?.into_iter().map(|page| page.path).filter(|path| path.key() != from.key()).collect();
    let below = index.pages_below(from)?.into_iter().map(|row| row.path).collect();
    Ok(Affected { linking, below, files: index.attachments(from)?.len() })
}
