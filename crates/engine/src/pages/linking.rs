//! How pages hang together: who links to whom, who is linked to by nobody, and what is linked to and not there.

use crate::scope::{Read, Scope};
use holt_core::{PagePath, Result};
use std::collections::BTreeSet;

use crate::db::index::{Graph, Wanted};

/// The links of one page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageLinks {
    /// Where it links to, each once, by path; pages that do not exist, too.
    pub to: Vec<PagePath>,
    /// Which pages link to it, by path.
    pub from: Vec<PagePath>,
}

/// The links of the page `path`, which need not exist.
pub fn links_of(scope: &Scope<'_, Read>, path: &PagePath) -> Result<PageLinks> {
    let (index, key) = (scope.index()?, path.key());
    let to: BTreeSet<PagePath> = index.edges(&key)?.into_iter().map(|edge| edge.to).collect();
    Ok(PageLinks { to: to.into_iter().collect(), from: index.backlinks(&key)?.into_iter().map(|page| page.path).collect() })
}

/// Every page with every link between pages.
pub fn graph(scope: &Scope<'_, Read>) -> Result<Graph> {
    scope.index()?.graph()
}

/// The pages that no other page links to, by path, but for the home page.
pub fn orphans(scope: &Scope<'_, Read>) -> Result<Vec<PagePath>> {
    let index = scope.index()?;
    let home = crate::publish::home_key(&*scope.wiki().preferences()?);
    Ok(index.unlinked()?.into_iter().filter(|path| home.as_ref() != Some(&path.key())).collect())
}

/// The pages that are linked to and do not exist, most wanted first.
pub fn wanted(scope: &Scope<'_, Read>) -> Result<Vec<Wanted>> {
    scope.index()?.wanted()
}
