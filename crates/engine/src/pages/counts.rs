//! How much there is.

use crate::repo::FileMode;
use crate::scope::{Admin, Read, Scope};
use crate::wiki::Wiki;
use holt_core::{PagePath, Result, Timestamp};

pub use crate::db::index::Counts;
pub use crate::repo::Weight;

/// The repository, as those who administer the wiki see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryState {
    /// The branch that is the wiki.
    pub branch: String,
    /// What it takes on the disk.
    pub weight: Weight,
}

/// What there is of the repository.
pub fn repository(scope: &Scope<'_, Admin>) -> Result<RepositoryState> {
    let repo = scope.wiki().repo()?;
    Ok(RepositoryState { branch: repo.branch().to_string(), weight: repo.weight()? })
}

/// All pages and files with their history, as a git bundle, piece by piece until `take` wants no more. For those who administer the wiki alone:
/// history does not know path rules.
pub fn export_bundle(scope: &Scope<'_, Admin>, take: impl FnMut(&[u8]) -> bool) -> Result<()> {
    scope.wiki().repo()?.bundle(take)
}

/// Bytes of the repository, for those from whom nothing is hidden: of others a page they may not see would be told by its weight.
pub fn bytes(scope: &Scope<'_, Read>) -> Result<Option<u64>> {
    if !scope.index()?.hidden().is_empty() {
        return Ok(None);
    }
    Ok(Some(scope.wiki().repo()?.weight()?.bytes))
}

/// Refuses if the wiki has no room for even one byte more.
pub fn check_room(wiki: &Wiki) -> Result<()> {
    super::write::check_room(wiki, 1)
}

/// Pages, revisions and attachments of the wiki.
pub fn counts(scope: &Scope<'_, Read>) -> Result<Counts> {
    scope.index()?.counts()
}

/// Path, title and first words of the pages, by path; at most `limit`.
pub fn described(scope: &Scope<'_, Read>, limit: usize) -> Result<Vec<(PagePath, Option<String>, String)>> {
    let rows = scope.index()?.pages()?.into_iter().filter(|row| row.mode != FileMode::Symlink);
    Ok(rows.take(limit).map(|row| (row.path, row.title, row.description)).collect())
}

/// Every page with the time it was last changed, by path: for site maps.
pub fn page_list(scope: &Scope<'_, Read>) -> Result<Vec<(PagePath, Timestamp)>> {
    let rows = scope.index()?.pages()?;
    let pages = rows.into_iter().filter(|row| row.mode != FileMode::Symlink);
    Ok(pages
        .map(|row| {
            let time = row.last_change().time;
            (row.path, time)
        })
        .collect())
}
