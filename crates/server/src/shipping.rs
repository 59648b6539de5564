//! Published pages on their way to an object store. What changed is told by the fragment store itself, so every door is covered; it is gathered
//! for each wiki and shipped in the background, a few wikis at a time. Nothing is remembered over a restart but, for each wiki, which
//! generation of it was shipped whole: where that is not the one there is, the wiki is compared.

use crate::app::App;
use holt_core::{Error, PageKey, Result, WikiId};
use holt_fragments::export::names;
use holt_fragments::{Change, FragmentStore, HostName, Hosted};
use holt_remote::Remote;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

/// Wikis that are shipped at once.
const WIKIS: usize = 4;
/// How long a wiki waits that could not be shipped: this, doubled each time, up to the last.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(60);

/// How long somebody waits for the word that edges can know what they changed.
const CONFIRMATION: Duration = Duration::from_secs(5);

/// What is to be shipped, and where to.
pub struct Shipping {
    /// The object store.
    remote: Remote,
    /// Its name in marks.
    place: String,
    state: Mutex<State>,
    wake: Notify,
    done: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    wikis: BTreeMap<WikiId, Work>,
    hosts: BTreeMap<HostName, Option<Hosted>>,
    under_way: HashSet<WikiId>,
    /// Wikis that were the same there as here once since the start: from then on what is told is all that differs.
    known: HashSet<WikiId>,
    /// Whether all wikis were looked at since the start.
    looked: bool,
    /// How often in a row a wiki could not be shipped, and when it is tried again.
    failed: HashMap<WikiId, (u32, Instant)>,
}

#[derive(Debug)]
struct Work {
    what: What,
    since: Instant,
}

#[derive(Debug)]
enum What {
    /// These pages, and what all share.
    Pages(BTreeSet<PageKey>),
    /// Everything, by comparison.
    All,
}

impl Work {
    fn add(&mut self, what: What) {
        match (&mut self.what, what) {
            (What::All, _) => {}
            (what, What::All) => *what = What::All,
            (What::Pages(pages), What::Pages(more)) => pages.extend(more),
        }
    }
}

impl Shipping {
    /// To `remote`, which was given as `url`.
    pub fn new(remote: Remote, url: &str) -> Self {
        Self { remote, place: url.to_string(), state: Mutex::default(), wake: Notify::new(), done: watch::Sender::new(()) }
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Takes note of a change. Never waits.
    pub fn note(&self, change: Change) {
        match change {
            Change::Page(wiki, page) => self.add(wiki, What::Pages(BTreeSet::from([page]))),
            Change::Wiki(wiki) => self.add(wiki, What::Pages(BTreeSet::new())),
            Change::Host(host, to) => drop(self.state().hosts.insert(host, to)),
        }
        self.wake.notify_one();
    }
    fn add(&self, wiki: WikiId, what: What) {
        let mut state = self.state();
        match state.wikis.get_mut(&wiki) {
            Some(work) => work.add(what),
            None => drop(state.wikis.insert(wiki, Work { what, since: Instant::now() })),
        }
    }
    /// Waits until everything of `wiki` that changed before is shipped. Whether it is, by then.
    async fn shipped(&self, wiki: WikiId, by: Duration) -> bool {
        let mut done = self.done.subscribe();
        let wait = async {
            loop {
                done.borrow_and_update();
                {
                    let state = self.state();
                    if !state.wikis.contains_key(&wiki) && !state.under_way.contains(&wiki) {
                        return;
                    }
                }
                if done.changed().await.is_err() {
                    return;
                }
            }
        };
        timeout(by, wait).await.is_ok()
    }

    /// Waits on a thread of the blocking pool until edges can know of what was changed of `wiki` before, for as long as a person waits. An error
    /// if they still cannot: the change itself is done.
    pub fn confirm(&self, wiki: WikiId) -> Result<()> {
        if Handle::current().block_on(self.shipped(wiki, CONFIRMATION)) {
            return Ok(());
        }
        Err(Error::busy("this is saved, but edges do not know of it yet")
            .hint("The object store does not answer. Until it does, edges may show pages as they were; it is tried again by itself."))
    }

    /// Something that can be shipped now, and when to look again if there is nothing.
    fn next(&self) -> Next {
        let mut state = self.state();
        let hosts = std::mem::take(&mut state.hosts);
        if !hosts.is_empty() {
            return Next::Hosts(hosts);
        }
        if state.under_way.len() >= WIKIS {
            return Next::Nothing(None);
        }
        let now = Instant::now();
        let waits = |wiki: &WikiId| state.failed.get(wiki).map(|(_, until)| *until).filter(|until| *until > now);
        let ready = state.wikis.iter().filter(|(wiki, _)| !state.under_way.contains(wiki) && waits(wiki).is_none());
        // Who waits longest comes first.
        let Some(wiki) = ready.min_by_key(|(_, work)| work.since).map(|(wiki, _)| *wiki) else {
            return Next::Nothing(state.wikis.keys().filter_map(waits).min());
        };
        let Some(work) = state.wikis.remove(&wiki) else { return Next::Nothing(None) };
        state.under_way.insert(wiki);
        Next::Wiki(wiki, work)
    }

    async fn ship(&self, local: &FragmentStore, wiki: WikiId, work: Work) {
        let result = self.try_ship(local, wiki, &work.what).await;
        let mut state = self.state();
        state.under_way.remove(&wiki);
        match result {
            Ok(whole) => {
                state.failed.remove(&wiki);
                if whole {
                    state.known.insert(wiki);
                }
            }
            Err(error) => {
                let times = state.failed.get(&wiki).map_or(0, |(times, _)| *times);
                let wait = FIRST_WAIT.saturating_mul(1 << times.min(10)).min(LAST_WAIT);
                state.failed.insert(wiki, (times + 1, Instant::now() + wait));
                tracing::warn!(wiki.id = %wiki, times = times + 1, "could not publish to the object store: {}", error.chain());
                // What came meanwhile is added to what is owed.
                let meanwhile = state.wikis.remove(&wiki);
                let mut owed = work;
                if let Some(meanwhile) = meanwhile {
                    owed.add(meanwhile.what);
                }
                state.wikis.insert(wiki, owed);
            }
        }
        drop(state);
        self.done.send_replace(());
        self.wake.notify_one();
    }

    /// Whether the wiki is then there as it is here.
    async fn try_ship(&self, local: &FragmentStore, wiki: WikiId, what: &What) -> Result<bool> {
        let generation = local.wiki(wiki)?.map(|shared| shared.generation);
        let (known, looked) = {
            let state = self.state();
            (state.known.contains(&wiki), state.looked)
        };
        match what {
            What::Pages(pages) if generation.is_some() && (known || !looked) => {
                self.remote.ship_pages(local, wiki, pages).await?;
                if !known {
                    return Ok(false);
                }
            }
            // Also a wiki that is new, or gone.
            What::Pages(_) | What::All => {
                let compared = self.remote.ship_wiki(local, wiki, || ()).await?;
                self.remote.sweep(&compared).await?;
            }
        }
        if let Some(generation) = generation {
            local.set_shipped(wiki, &self.place, generation)?;
        }
        Ok(true)
    }

    /// Ships styles and scripts, until they are there. Pages do not wait for them: edges have their own, of their version.
    async fn ship_assets(&self) {
        let mut wait = FIRST_WAIT;
        while let Err(error) = self.remote.ship_assets().await {
            tracing::warn!("could not publish styles and scripts to the object store: {}", error.chain());
            sleep(wait).await;
            wait = wait.saturating_mul(2).min(LAST_WAIT);
        }
    }

    async fn ship_hosts(&self, hosts: BTreeMap<HostName, Option<Hosted>>) {
        for (host, to) in hosts {
            let result: Result<()> = match &to {
                Some(to) => self.remote.put(&FragmentStore::export_host(&host, to)).await,
                None => self.remote.delete(&names::host(&host)).await,
            };
            if let Err(error) = result {
                tracing::warn!("could not publish a host to the object store: {}", error.chain());
                self.state().hosts.entry(host).or_insert(to);
                sleep(FIRST_WAIT).await;
                self.wake.notify_one();
            }
        }
    }
}

enum Next {
    Hosts(BTreeMap<HostName, Option<Hosted>>),
    Wiki(WikiId, Work),
    Nothing(Option<Instant>),
}

/// Ships until it is dropped.
pub async fn run(app: Arc<App>, shipping: Arc<Shipping>) {
    let dressing = shipping.clone();
    tokio::spawn(async move { dressing.ship_assets().await });
    let looking = (app.clone(), shipping.clone());
    let looked = tokio::task::spawn_blocking(move || compare(&looking.0, &looking.1));
    tokio::spawn(async move {
        if let Ok(Err(error)) = looked.await {
            tracing::error!("could not see what the object store lacks: {}", error.chain());
        }
    });
    loop {
        match shipping.next() {
            Next::Hosts(hosts) => shipping.ship_hosts(hosts).await,
            Next::Wiki(wiki, work) => {
                let (app, shipping) = (app.clone(), shipping.clone());
                tokio::spawn(async move { shipping.ship(app.engine.fragments(), wiki, work).await });
            }
            Next::Nothing(None) => shipping.wake.notified().await,
            Next::Nothing(Some(until)) => {
                let _ = tokio::time::timeout_at(until, shipping.wake.notified()).await;
            }
        }
    }
}

/// Finds the wikis that are not in the object store as they are here.
fn compare(app: &App, shipping: &Shipping) -> Result<()> {
    let (local, directory) = (app.engine.fragments(), app.engine.directory());
    let mut after = String::new();
    loop {
        let records = directory.list_wikis_after(&after, 500)?;
        let Some(last) = records.last() else { break };
        after = last.slug.to_string();
        for record in records {
            let here = local.wiki(record.id)?.map(|shared| shared.generation);
            let same = here.is_some() && here == local.shipped(record.id, &shipping.place)?;
            if same {
                shipping.state().known.insert(record.id);
            } else {
                shipping.add(record.id, What::All);
            }
            let names = directory.domains_of(record.id, app.engine.clock().now())?;
            // Of hosts nothing says whether they are there as they are here; wikis with names of their own are few.
            if !same || !names.is_empty() {
                let slug = record.slug.to_string();
                let to = local.hosted(&slug)?.filter(|to| to.wiki == record.id);
                shipping.note(Change::Host(HostName::Slug(slug), to));
            }
            for name in names.into_iter().filter(|domain| domain.verified.is_some()) {
                let to = local.domain(name.name.as_str())?;
                shipping.note(Change::Host(HostName::Domain(name.name), to));
            }
        }
    }
    shipping.state().looked = true;
    Ok(())
}
