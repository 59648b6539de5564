//! Whether an object store holds a wiki as it is here. Only looks.

use crate::{AT_ONCE, Remote};
use futures_util::{StreamExt, TryStreamExt, stream};
use holt_core::{Error, Result, WikiId};
use holt_fragments::export::{File, names};
use holt_fragments::{Answer, FragmentStore};
use std::collections::HashSet;

/// What is not as it should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Differences {
    /// Pages that were looked at.
    pub pages: usize,
    /// Of these, those that are not there.
    pub missing: usize,
    /// Those that are there as they were once.
    pub old: usize,
    /// Those of which a file is missing or damaged, so that nobody can be shown them.
    pub broken: usize,
    /// Pages that are there and not here.
    pub extra: usize,
    /// What all pages share: whether it is missing, old or broken.
    pub shared: bool,
}

impl Differences {
    /// Whether there are any.
    pub fn any(&self) -> bool {
        self.missing + self.old + self.broken + self.extra > 0 || self.shared
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Same,
    Missing,
    Old,
    Broken,
}

impl Remote {
    /// Compares a whole wiki, each file byte for byte. `told` hears of every page that was looked at. `Busy` if the store does not answer.
    pub async fn verify_wiki(&self, local: &FragmentStore, wiki: WikiId, told: impl Fn()) -> Result<Differences> {
        let told = &told;
        let looked = stream::iter(local.pages(wiki)?).map(|page| async move {
            // A page that went meanwhile is looked at the next time.
            let Some(exported) = local.export_page(wiki, &page)? else { return Ok::<_, Error>(None) };
            let found = self.find(&exported.manifest, &exported.named).await?;
            told();
            Ok(Some((found, exported.manifest.path)))
        });
        let mut differences = Differences::default();
        let mut here = HashSet::new();
        let mut looked = looked.buffer_unordered(AT_ONCE);
        while let Some(page) = looked.try_next().await? {
            let Some((found, path)) = page else { continue };
            differences.pages += 1;
            match found {
                Found::Same => {}
                Found::Missing => differences.missing += 1,
                Found::Old => differences.old += 1,
                Found::Broken => differences.broken += 1,
            }
            here.insert(path);
        }
        drop(looked);
        differences.shared = match local.export_wiki(wiki)? {
            Some(exported) => self.find(&exported.manifest, &exported.named).await? != Found::Same,
            None => !matches!(self.get(&names::wiki(wiki), None).await, Answer::Missing),
        };
        let there = self.list(&names::pages(wiki)).await?;
        // What was published while this went on is no difference.
        differences.extra = there.iter().filter(|(path, _)| !here.contains(path) && !local.holds(path)).count();
        Ok(differences)
    }
    async fn find(&self, manifest: &File, named: &[File]) -> Result<Found> {
        match self.get(&manifest.path, None).await {
            Answer::Found(bytes, _) if bytes == manifest.bytes => {}
            Answer::Found(..) => return Ok(Found::Old),
            Answer::Missing => return Ok(Found::Missing),
            Answer::Unchanged | Answer::Failed => return Err(Error::busy("the object store did not answer")),
        }
        for file in named {
            if !self.holds(file).await? {
                return Ok(Found::Broken);
            }
        }
        Ok(Found::Same)
    }
}
