//! From the fragments of a wiki to an object store. Either what is known to have changed, or everything by comparison; both lead to the same,
//! may be interrupted anywhere, and may be done twice.
//!
//! Order: pages with what they need, then what all pages share, and only then are pages taken off that are gone: nobody is shown a tree whose
//! pages are not there yet.

use crate::{AT_ONCE, Remote};
use futures_util::{StreamExt, TryStreamExt, stream};
use holt_core::{Error, PageKey, Result, WikiId};
use holt_fragments::export::names;
use holt_fragments::{FragmentStore, assets};
use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, SystemTime};

/// How long files stay that no manifest names: an edge may be reading one that did, and listings of a store may be old.
const SWEEP_AGE: Duration = Duration::from_secs(3600);

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shipped {
    /// Pages that were put.
    pub pages: usize,
    /// Files that were put.
    pub put: usize,
    /// Files that were removed.
    pub removed: usize,
    /// Whether what all pages share was put or taken off.
    pub shared: bool,
}

/// A wiki as it was compared.
#[derive(Debug)]
pub struct Comparison {
    /// What was done.
    pub shipped: Shipped,
    wiki: WikiId,
    /// The files that its manifests name, and the manifests of its pages.
    needed: HashSet<String>,
}

impl Remote {
    /// Ships these pages of a wiki, and what all of its pages share if that changed.
    pub async fn ship_pages(&self, local: &FragmentStore, wiki: WikiId, pages: &BTreeSet<PageKey>) -> Result<Shipped> {
        let mut done = Shipped::default();
        let mut gone = Vec::new();
        for page in pages {
            match local.export_page(wiki, page)? {
                None => gone.push(names::page(wiki, page)),
                Some(exported) => {
                    self.put_all(&exported).await?;
                    done.put += exported.named.len() + 1;
                    done.pages += 1;
                }
            }
        }
        let (shared, changed) = self.ship_shared(local, wiki).await?;
        done.put += shared;
        done.shared = changed;
        for path in gone {
            self.delete(&path).await?;
            done.removed += 1;
        }
        Ok(done)
    }

    /// Ships what all pages of a wiki share, if it changed, or takes the whole wiki off if nothing of it is published. How many files were put,
    /// and whether readers see something change.
    async fn ship_shared(&self, local: &FragmentStore, wiki: WikiId) -> Result<(usize, bool)> {
        match local.export_wiki(wiki)? {
            Some(exported) => self.publish(&exported).await.map(|put| (put, put > 0)),
            None => self.delete(&names::wiki(wiki)).await.map(|()| (0, true)),
        }
    }

    /// Ships styles, scripts and icon. Those of other versions stay: there may be pages and edges that know them. How many were put.
    pub async fn ship_assets(&self) -> Result<usize> {
        let mut put = 0;
        for (file, kind) in assets::exported() {
            if !self.exists(&file.path).await? {
                self.put_for_ever(&file, kind).await?;
                put += 1;
            }
        }
        Ok(put)
    }

    /// Compares a whole wiki and ships what differs; takes off pages that are gone. `told` hears of every page that was looked at.
    pub async fn ship_wiki(&self, local: &FragmentStore, wiki: WikiId, told: impl Fn()) -> Result<Comparison> {
        let mut done = Shipped::default();
        let pages = local.pages(wiki)?;
        let shared = local.export_wiki(wiki)?;
        if shared.is_none() {
            self.delete(&names::wiki(wiki)).await?;
            let everything = self.list(&names::everything(wiki)).await?;
            done.removed = self.delete_all(everything.into_iter().map(|(path, _)| path)).await?;
            done.shared = true;
            return Ok(Comparison { shipped: done, wiki, needed: HashSet::new() });
        }
        let told = &told;
        let shipped = stream::iter(pages).map(|page| async move {
            // A page that went meanwhile is the next round's.
            let Some(exported) = local.export_page(wiki, &page)? else { return Ok::<_, Error>((0, Vec::new())) };
            let put = self.publish(&exported).await?;
            told();
            let named = exported.named.into_iter().map(|file| file.path).chain([exported.manifest.path]);
            Ok((put, named.collect::<Vec<String>>()))
        });
        let mut needed = HashSet::new();
        let mut shipped = shipped.buffer_unordered(AT_ONCE);
        while let Some((put, named)) = shipped.try_next().await? {
            done.put += put;
            done.pages += usize::from(put > 0);
            needed.extend(named);
        }
        drop(shipped);
        if let Some(exported) = shared {
            let put = self.publish(&exported).await?;
            done.put += put;
            done.shared = put > 0;
            needed.extend(exported.named.into_iter().map(|file| file.path));
        }
        // What is there here was published while this went on.
        let manifests = self.list(&names::pages(wiki)).await?.into_iter().map(|(path, _)| path);
        let gone = manifests.filter(|path| !needed.contains(path) && !local.holds(path));
        done.removed += self.delete_all(gone).await?;
        Ok(Comparison { shipped: done, wiki, needed })
    }

    /// Removes files that no manifest named when the wiki was compared, and that are older than an hour. For whoever alone publishes there.
    /// How many went.
    pub async fn sweep(&self, compared: &Comparison) -> Result<usize> {
        let before = SystemTime::now() - SWEEP_AGE;
        let objects = self.list(&names::objects(compared.wiki)).await?;
        let old = objects.into_iter().filter(|(path, written)| *written < before && !compared.needed.contains(path));
        self.delete_all(old.map(|(path, _)| path)).await
    }

    /// The wikis of which there may be something there, whoever put it. Whether they are anybody's here is the caller's to say, afterwards: a wiki is in
    /// `holt.db` before anything of it is published.
    pub async fn wikis_there(&self) -> Result<Vec<WikiId>> {
        Ok(self.folders().await?.iter().filter_map(|folder| names::whose_folder(folder)).collect())
    }

    /// The files there of a wiki. What is below its name and of another make is somebody else's.
    pub async fn files_of(&self, wiki: WikiId) -> Result<Vec<String>> {
        let there = self.list(&names::everything(wiki)).await?.into_iter().map(|(path, _)| path);
        Ok(there.filter(|path| names::whose(path) == Some(wiki)).collect())
    }

    /// Removes all of them, first the one by which readers see the others. How many went. May be interrupted anywhere, and done again.
    pub async fn forget_wiki(&self, wiki: WikiId) -> Result<usize> {
        let files = self.files_of(wiki).await?;
        if !files.is_empty() {
            self.delete(&names::wiki(wiki)).await?;
        }
        let shown = names::wiki(wiki);
        let others: Vec<String> = files.iter().filter(|path| **path != shown).cloned().collect();
        self.delete_all(others.into_iter()).await?;
        Ok(files.len())
    }

    /// Names there that are not among `wanted` and are nobody's in `local`: of wikis that were deleted or renamed while nobody published.
    pub async fn strange_hosts(&self, local: &FragmentStore, wanted: &HashSet<String>) -> Result<Vec<String>> {
        let there = self.list(names::hosts()).await?.into_iter().map(|(path, _)| path);
        // One that was made since `wanted` was gathered is here before it is there.
        Ok(there.filter(|path| !wanted.contains(path) && !local.holds(path)).collect())
    }

    /// Takes these off, so that nobody is shown what they led to. How many went.
    pub async fn forget_hosts(&self, local: &FragmentStore, wanted: &HashSet<String>) -> Result<usize> {
        let strange = self.strange_hosts(local, wanted).await?;
        self.delete_all(strange.into_iter()).await
    }

    async fn delete_all(&self, paths: impl Iterator<Item = String>) -> Result<usize> {
        let deleted = stream::iter(paths).map(|path| async move { self.delete(&path).await }).buffer_unordered(AT_ONCE);
        Ok(deleted.try_collect::<Vec<()>>().await?.len())
    }
}
