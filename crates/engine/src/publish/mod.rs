//! From pages to what readers get: fragments first, the page's manifest last, the wiki's manifest after all pages.
//!
//! The wiki manifest names the revision its pages stand at: the cursor of this step. What must be written again follows from git and the
//! index alone (`plan.rs`), so that a crash anywhere leaves nothing to remember.

pub mod filters;
pub(crate) mod forms;
mod frame;
pub(crate) mod links;
mod page;
pub(crate) mod pages;
mod plan;
mod redirects;
pub mod views;

pub use frame::bare_frame;
pub use page::{crumbs, date, day_start, instant, mail_date, rfc3339, tag_url, toc, tree_url, visual_diff};

use crate::db::index::Index;
use crate::db::preferences::Preferences;
use crate::failpoint;
use crate::repo::Repo;
use crate::wiki::{Published, Swept, Wiki};
use holt_core::{AccessLevel, Language, PageKey, Result, RevisionId, Visibility};
use holt_fragments::{Forms, WikiManifest, assets};
use plan::Plan;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

/// Counts every change of what the renderer makes of the same page.
const RENDERER_VERSION: u32 = 5;

/// What the templates say; the assets they name have names that change with their content.
const TEMPLATES: &[&str] = &[
    include_str!("../../templates/article.html"),
    include_str!("../../templates/aside.html"),
    include_str!("../../templates/crumbs.html"),
    include_str!("../../templates/foot.html"),
    include_str!("../../templates/frame.html"),
    include_str!("../../templates/head.html"),
    include_str!("../../templates/not_found.html"),
    include_str!("../../templates/storage_error.html"),
    include_str!("../../templates/tree.html"),
];

/// Names what this program makes of a page, in these forms: a program that makes something else of it publishes all pages again, and so does
/// another choice of forms.
pub(crate) fn publisher_version(forms: Forms) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&RENDERER_VERSION.to_be_bytes());
    TEMPLATES.iter().for_each(|template| sum.update(template.as_bytes()));
    for language in Language::ALL {
        language.catalogue().iter().for_each(|(english, said)| {
            sum.update(english.as_bytes());
            sum.update(said.as_bytes());
        });
    }
    ["style.css", "holt.js", "de.js", "icon.svg", "tables.js", "diagrams.js", "diagram.html"]
        .map(assets::url)
        .iter()
        .for_each(|url| sum.update(url.as_bytes()));
    if forms.has_zstd() {
        sum.update(b"zstd");
        sum.update(&forms::LEVEL.to_be_bytes());
    }
    sum.finalize()
}

/// Everything a page needs to become fragments.
pub(crate) struct Publisher<'w> {
    wiki: &'w Wiki,
    repo: Arc<Repo>,
    index: Arc<Index>,
    preferences: Arc<Preferences>,
    forms: Forms,
    /// The revision the index stands at, which is what gets published.
    head: RevisionId,
    home: Option<PageKey>,
}

/// Brings the fragments to the revision the index stands at. The caller holds the publish lock.
pub(crate) fn publish(wiki: &Wiki) -> Result<()> {
    let old = wiki.shared.fragments.wiki(wiki.id())?;
    write(wiki, old.as_deref())
}

/// Publishes everything, and removes what nothing names. The caller holds the publish lock.
pub(crate) fn publish_again(wiki: &Wiki) -> Result<()> {
    write(wiki, None)?;
    let now = u64::try_from(wiki.shared.clock.now()).unwrap_or_default();
    wiki.shared.fragments.sweep(wiki.id(), UNIX_EPOCH + Duration::from_secs(now + 1))?;
    Ok(())
}

/// Publishes what differs from `old`.
fn write(wiki: &Wiki, old: Option<&WikiManifest>) -> Result<()> {
    let (index, forms) = (wiki.index()?, forms::chosen(&wiki.shared.directory)?);
    // Before what they stand for: settings that change in between are then published once more, never taken for published.
    let (settings, epoch) = (settings_stamp(wiki)?, wiki.db()?.epoch()?);
    let preferences = wiki.preferences()?;
    let fragments = &wiki.shared.fragments;
    let head = index.cursor()?;
    let Some(head) = head else {
        // Nothing was ever committed: a frame to show live pages in, no pages.
        return frame::publish(wiki, &index, &preferences, (None, None), (settings, forms), old).map(|_| ());
    };
    let repo = wiki.repo()?;
    let publisher = Publisher { wiki, home: home_key(&preferences), repo, index, preferences, forms, head };
    let plan = Plan::make(&publisher, old, settings, epoch)?;
    if plan.is_empty() {
        return Ok(());
    }
    for key in &plan.gone {
        fragments.remove_page(wiki.id(), key)?;
    }
    publisher.pages(&plan.pages)?;
    failpoint::hit("publish.pages")?;
    let redirects = redirects::publish(&publisher, old, &plan.names)?;
    // The cursor moves last: a crash before this line publishes the same pages again, under the same names.
    let at = (Some(head), Some(redirects));
    frame::publish(wiki, &publisher.index, &publisher.preferences, at, (settings, forms), old.filter(|_| !plan.frame))?;
    Ok(())
}

/// Publishes frame and visibility after a change of settings, and every page if they influence rendering.
pub(crate) fn settings_changed(wiki: &Wiki) -> Result<()> {
    let _publishing = wiki.publish_lock();
    publish(wiki)
}

/// Changes of the published form after which it is worth looking for fragments that nothing names.
const SWEEP_AFTER: u64 = 200;
/// Seconds for which such a fragment stays, as an edge may still be reading a manifest that names it; and seconds between two looks, which cost
/// a read per page.
const SWEEP_AGE: u64 = 3600;

/// Removes fragments that no page shows any more, now and then. Whether it looked.
pub(crate) fn sweep(wiki: &Wiki) -> Result<bool> {
    let fragments = &wiki.shared.fragments;
    let generation = fragments.wiki(wiki.id())?.map_or(0, |shared| shared.generation);
    let now = u64::try_from(wiki.shared.clock.now()).unwrap_or_default();
    {
        let mut swept = wiki.swept.lock().unwrap_or_else(PoisonError::into_inner);
        // A wiki that is opened again counts from a round number, so that one with few saves a day comes to its turn, too.
        let last = swept.get_or_insert(Swept { generation: generation - generation % SWEEP_AFTER, at: 0 });
        if generation < last.generation + SWEEP_AFTER || now < last.at + SWEEP_AGE {
            return Ok(false);
        }
        *last = Swept { generation, at: now };
    }
    let _publishing = wiki.publish_lock();
    fragments.sweep(wiki.id(), UNIX_EPOCH + Duration::from_secs(now.saturating_sub(SWEEP_AGE)))?;
    Ok(true)
}

/// What the wiki says where a page is missing, if it says something of its own.
pub fn own_not_found(wiki: &Wiki) -> Result<Option<holt_core::SafeHtml>> {
    let preferences = wiki.preferences()?;
    frame::own_not_found(wiki, &wiki.sight(wiki.index()?, preferences.path_access.hidden_in(None)), &preferences)
}

fn settings_stamp(wiki: &Wiki) -> Result<u64> {
    wiki.db()?.settings_version()
}

/// The page shown at `/` (spec/wiki.md §5.6); none if `/` redirects to a site page.
pub fn home_key(preferences: &Preferences) -> Option<PageKey> {
    let name = match preferences.home_page.trim() {
        "" => "Home",
        name if name.starts_with("/-/") => return None,
        name => name,
    };
    holt_core::PagePath::parse(name).ok().map(|path| path.key())
}

/// Who may be shown what is published. A wiki that was taken off the air is shown to nobody without a token, and nobody is given one.
pub(crate) fn visibility(wiki: &Wiki) -> Result<Visibility> {
    let answers = wiki.shared.directory.wiki(wiki.id())?.is_none_or(|record| record.answers());
    Ok(match answers && wiki.preferences()?.read_access == AccessLevel::Anonymous {
        true => Visibility::Public,
        false => Visibility::Private,
    })
}

/// What is published is shown to whoever it is for now: to be called when a wiki was taken off the air, or put back.
pub(crate) fn show(wiki: &Wiki) -> Result<()> {
    let _publishing = wiki.publish_lock();
    let fragments = &wiki.shared.fragments;
    let Some(old) = fragments.wiki(wiki.id())? else { return Ok(()) };
    fragments.put_wiki(&WikiManifest { visibility: visibility(wiki)?, generation: old.generation + 1, ..(*old).clone() })?;
    wiki.shared.published(wiki.id(), Published::Otherwise);
    Ok(())
}

impl Publisher<'_> {
    /// Publishes `keys`, on two threads when there are many.
    fn pages(&self, keys: &[PageKey]) -> Result<()> {
        if keys.len() < 32 {
            return keys.iter().try_for_each(|key| self.page(key));
        }
        let next = AtomicUsize::new(0);
        let failed: Mutex<Option<holt_core::Error>> = Mutex::new(None);
        let work = || {
            while let Some(key) = keys.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Err(error) = self.page(key) {
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    next.store(keys.len(), Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|threads| {
            threads.spawn(work);
            work();
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}

/// What of the wiki manifest decides whether its pages can stay.
fn is_current(manifest: &WikiManifest, forms: Forms) -> bool {
    manifest.publisher == publisher_version(forms)
}

/// Who made a revision, as people are shown it: a person, and the program that they let do it.
pub fn by(revision: &holt_core::Revision, language: Language) -> String {
    match revision.via() {
        Some(via) => language.say_with("{} via {}", &[revision.author.name(), via]),
        None => revision.author.name().to_string(),
    }
}
