//! Published pages on their way to an object store. What changed is told by the fragment store itself, so every door is covered; it is gathered
//! for each wiki and shipped in the background, a few wikis at a time. Nothing is remembered over a restart but, for each wiki, which
//! generation of it was shipped whole: where that is not the one there is, what was noted since is shipped, or the wiki is compared.

use crate::app::App;
use crate::purging::{News, Purging, UpTo, What as Stale};
use crate::workers::Stand;
use holt_core::{Error, Result, WikiId};
use holt_engine::directory::Directory;
use holt_fragments::export::names;
use holt_fragments::{Change, Changed, FragmentStore, HostName, Hosted};
use holt_remote::Remote;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Wikis that are shipped at once.
const WIKIS: usize = 4;
/// How long a wiki waits that could not be shipped: this, doubled each time, up to the last.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(60);

/// How often is looked for files of deleted wikis, besides at the start.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

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
    /// Caches in front of those who read there.
    purging: Option<Arc<Purging>>,
    /// Whether it is this process that ships.
    stand: watch::Sender<Stand>,
    /// Where it does.
    runtime: OnceLock<Handle>,
}

#[derive(Default)]
struct State {
    wikis: BTreeMap<WikiId, Work>,
    hosts: BTreeMap<HostName, Leads>,
    /// Since when they wait, and how many pages of them.
    under_way: HashMap<WikiId, (Instant, usize)>,
    failures: u64,
    /// Wikis that were the same there as here once since the start: from then on what is told is all that differs.
    known: HashSet<WikiId>,
    /// Whether all wikis were looked at since the start.
    looked: bool,
    /// How often in a row a wiki could not be shipped, and when it is tried again.
    failed: HashMap<WikiId, (u32, Instant)>,
}

/// Where a host leads, and the wikis that it led to.
#[derive(Debug, Clone)]
struct Leads {
    to: Option<Hosted>,
    was: BTreeSet<WikiId>,
}

#[derive(Debug)]
struct Work {
    what: What,
    since: Instant,
    /// Whether it was tried before: then some of it may be there, and nobody knows what.
    tried: bool,
}

#[derive(Debug)]
enum What {
    /// These pages, by whatever paths they are stored and were; and what all share.
    Pages(Changed),
    /// Those, and whatever was published since it was there as it is here, as far as that is noted; else everything.
    Since(Changed),
    /// Everything, by comparison.
    All,
}

/// What became of a wiki.
struct Done {
    /// What was shipped: never [`What::Since`].
    what: What,
    /// Whether it is then there as it is here.
    whole: bool,
    /// Which generation of it that is, if it is known.
    generation: Option<u64>,
    /// Whether what all pages share is something else than before; of a comparison: whether anything is.
    shared: bool,
}

/// How far the object store is behind.
#[derive(Debug, Clone, Copy)]
pub struct Behind {
    /// Wikis that are not there as they are here.
    pub wikis: usize,
    /// Pages that are not; of wikis that are compared none is counted.
    pub pages: usize,
    /// For how long, of the wiki that waits longest.
    pub behind: Duration,
    /// How often a wiki could not be shipped.
    pub failures: u64,
}

impl Work {
    fn pages(&self) -> usize {
        match &self.what {
            What::Pages(pages) | What::Since(pages) => pages.len(),
            What::All => 0,
        }
    }
    fn add(&mut self, what: What) {
        let is_since = [&self.what, &what].iter().any(|what| matches!(what, What::Since(_)));
        let before = std::mem::replace(&mut self.what, What::All);
        self.what = match (before, what) {
            (What::All, _) | (_, What::All) => What::All,
            (What::Pages(pages) | What::Since(pages), What::Pages(more) | What::Since(more)) => {
                let pages = together(pages, more);
                if is_since { What::Since(pages) } else { What::Pages(pages) }
            }
        };
    }
}

fn together(mut pages: Changed, more: Changed) -> Changed {
    for (page, paths) in more {
        pages.entry(page).or_default().extend(paths);
    }
    pages
}

impl Shipping {
    /// To `remote`, which was given as `url`; then caches are told.
    pub fn new(remote: Remote, url: &str, purging: Option<Arc<Purging>>) -> Self {
        Self {
            remote,
            place: url.to_string(),
            state: Mutex::default(),
            wake: Notify::new(),
            done: watch::Sender::new(()),
            purging,
            stand: watch::Sender::new(Stand::Resting),
            runtime: OnceLock::new(),
        }
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// How far the object store is behind.
    pub fn figures(&self) -> Behind {
        let state = self.state();
        let owed = state.wikis.values().map(|work| (work.since, work.pages())).chain(state.under_way.values().copied());
        let (mut since, mut pages) = (None, 0);
        for (began, count) in owed {
            since = Some(since.map_or(began, |since: Instant| since.min(began)));
            pages += count;
        }
        let wikis = state.wikis.len() + state.under_way.keys().filter(|wiki| !state.wikis.contains_key(wiki)).count();
        let behind = since.map_or(Duration::ZERO, |since| Instant::now().saturating_duration_since(since));
        Behind { wikis, pages, behind, failures: state.failures }
    }
    /// Ships from now on, or leaves it to another process. Nothing is kept meanwhile: whoever ships next looks what was noted, or compares.
    pub fn set_stand(&self, stand: Stand) {
        if self.stand.send_replace(stand) == Stand::Working && stand == Stand::Resting {
            let mut state = self.state();
            state.wikis.clear();
            state.hosts.clear();
            state.known.clear();
            state.failed.clear();
            state.looked = false;
            drop(state);
            self.done.send_replace(());
        }
    }
    fn rests(&self) -> bool {
        *self.stand.borrow() == Stand::Resting
    }
    /// Whether the wiki is in the object store as it is here, as far as this process knows or another noted.
    pub fn is_whole(&self, local: &FragmentStore, wiki: WikiId) -> Result<bool> {
        let generation = local.wiki(wiki)?.map(|shared| shared.generation);
        Ok(generation.is_none() || local.shipped(wiki, &self.place)? == generation)
    }
    /// Ships a wiki of which nobody told what changed: what was noted, or all of it, by comparison.
    pub fn add_behind(&self, wiki: WikiId) {
        self.add(wiki, What::Since(Changed::new()));
        self.wake.notify_one();
    }
    /// Waits on a thread until nothing of the wiki that was told is still to be shipped. Whether it is, by then.
    pub fn wait_for(&self, wiki: WikiId, by: Duration) -> bool {
        let mut stand = self.stand.subscribe();
        let wait = async {
            tokio::select! {
                shipped = self.shipped(wiki, by) => shipped,
                _ = stand.wait_for(|stand| *stand == Stand::Resting) => false,
            }
        };
        self.runtime.get().is_some_and(|runtime| runtime.block_on(wait))
    }
    /// Takes note of a change. Never waits.
    pub fn note(&self, change: Change) {
        if self.rests() {
            return;
        }
        match change {
            Change::Page(wiki, page, paths) => self.add(wiki, What::Pages(Changed::from([(page, paths.into_iter().collect())]))),
            Change::Wiki(wiki) => self.add(wiki, What::Pages(Changed::new())),
            Change::Host(host, to, was) => {
                let mut state = self.state();
                let leads = state.hosts.entry(host).or_insert_with(|| Leads { to: None, was: BTreeSet::new() });
                leads.to = to;
                leads.was.extend(was);
            }
        }
        self.wake.notify_one();
    }
    fn add(&self, wiki: WikiId, what: What) {
        let mut state = self.state();
        match state.wikis.get_mut(&wiki) {
            Some(work) => work.add(what),
            None => drop(state.wikis.insert(wiki, Work { what, since: Instant::now(), tried: false })),
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
                    if !state.wikis.contains_key(&wiki) && !state.under_way.contains_key(&wiki) {
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
    pub fn confirm(&self, local: &FragmentStore, wiki: WikiId) -> Result<()> {
        let shipped =
            if self.rests() { self.shipped_elsewhere(local, wiki)? } else { Handle::current().block_on(self.shipped(wiki, CONFIRMATION)) };
        if shipped {
            return Ok(());
        }
        Err(Error::busy("this is saved, but edges do not know of it yet")
            .hint("The object store does not answer. Until it does, edges may show pages as they were; it is tried again by itself."))
    }

    /// The same, where another process ships: its marks say how far it came.
    fn shipped_elsewhere(&self, local: &FragmentStore, wiki: WikiId) -> Result<bool> {
        let until = Instant::now() + CONFIRMATION;
        while !self.is_whole(local, wiki)? {
            if Instant::now() >= until {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(true)
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
        let ready = state.wikis.iter().filter(|(wiki, _)| !state.under_way.contains_key(wiki) && waits(wiki).is_none());
        // Who waits longest comes first.
        let Some(wiki) = ready.min_by_key(|(_, work)| work.since).map(|(wiki, _)| *wiki) else {
            return Next::Nothing(state.wikis.keys().filter_map(waits).min());
        };
        let Some(work) = state.wikis.remove(&wiki) else { return Next::Nothing(None) };
        state.under_way.insert(wiki, (work.since, work.pages()));
        Next::Wiki(wiki, work)
    }

    async fn ship(&self, local: &FragmentStore, wiki: WikiId, work: Work) {
        let result = self.try_ship(local, wiki, &work.what).await;
        if let Ok(done) = &result {
            // Before anybody is told that it is shipped: whoever waits for both waits for this next.
            self.tell_caches(wiki, work.tried, done);
        }
        let mut state = self.state();
        state.under_way.remove(&wiki);
        match result {
            Ok(done) => {
                state.failed.remove(&wiki);
                if done.whole {
                    state.known.insert(wiki);
                }
            }
            Err(error) => {
                let times = state.failed.get(&wiki).map_or(0, |(times, _)| *times);
                let wait = FIRST_WAIT.saturating_mul(1 << times.min(10)).min(LAST_WAIT);
                state.failures += 1;
                state.failed.insert(wiki, (times + 1, Instant::now() + wait));
                tracing::warn!(wiki.id = %wiki, times = times + 1, "could not publish to the object store: {}", error.chain());
                // What came meanwhile is added to what is owed.
                let meanwhile = state.wikis.remove(&wiki);
                let mut owed = Work { tried: true, ..work };
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

    fn tell_caches(&self, wiki: WikiId, tried: bool, done: &Done) {
        let Some(purging) = &self.purging else { return };
        let what = match &done.what {
            _ if done.shared || tried => Stale::All,
            What::Pages(pages) | What::Since(pages) => Stale::Pages(pages.clone()),
            What::All => return,
        };
        let up_to = done.generation.map_or(UpTo::Unknown, UpTo::Generation);
        purging.note(wiki, &News { what, hosts: BTreeSet::new(), up_to });
    }

    async fn try_ship(&self, local: &FragmentStore, wiki: WikiId, what: &What) -> Result<Done> {
        let generation = local.wiki(wiki)?.map(|shared| shared.generation);
        let (known, looked) = {
            let state = self.state();
            (state.known.contains(&wiki), state.looked)
        };
        let since = match what {
            What::Since(told) => self.since(local, wiki)?.map(|noted| together(noted, told.clone())),
            What::Pages(_) | What::All => None,
        };
        let known = known || since.is_some();
        let pages = match what {
            What::Pages(pages) if known || !looked => Some(pages.clone()),
            _ => since,
        };
        let (what, shared) = match pages.filter(|_| generation.is_some()) {
            Some(pages) => {
                let shipped = self.remote.ship_pages(local, wiki, &pages.keys().cloned().collect()).await?;
                if !known {
                    return Ok(Done { what: What::Pages(pages), whole: false, generation: None, shared: shipped.shared });
                }
                (What::Pages(pages), shipped.shared)
            }
            // Also a wiki that is new, or gone.
            None => {
                let compared = self.remote.ship_wiki(local, wiki, || ()).await?;
                self.remote.sweep(&compared).await?;
                (What::All, compared.shipped.put > 0 || compared.shipped.removed > 0)
            }
        };
        // What was told since this was begun may belong to the generation that was read: then that is not whole yet.
        let generation = generation.filter(|_| !self.state().wikis.contains_key(&wiki));
        if let Some(generation) = generation {
            local.set_shipped(wiki, &self.place, generation)?;
        }
        Ok(Done { what, whole: true, generation, shared })
    }

    /// The pages that were published since the wiki was there as it was here, if that is known.
    fn since(&self, local: &FragmentStore, wiki: WikiId) -> Result<Option<Changed>> {
        let Some(generation) = local.shipped(wiki, &self.place)? else { return Ok(None) };
        Ok(local.changed_since(wiki, generation)?.map(|since| since.pages))
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

    /// Removes what is there of wikis that are not here any more, again and again: of one that was deleted nothing tells who ships after that, if whoever
    /// deleted it ended too soon, or was no server.
    async fn sweep(&self, app: &Arc<App>) {
        let mut wait = FIRST_WAIT;
        loop {
            match self.forget_deleted(app).await {
                Ok(files) => {
                    if files > 0 {
                        tracing::info!(files, "files of deleted wikis were taken off the object store");
                    }
                    wait = FIRST_WAIT;
                    sleep(SWEEP_EVERY).await;
                }
                Err(error) => {
                    tracing::warn!("could not take files of deleted wikis off the object store: {}", error.chain());
                    sleep(wait).await;
                    wait = wait.saturating_mul(2).min(LAST_WAIT);
                }
            }
        }
    }

    async fn forget_deleted(&self, app: &Arc<App>) -> Result<usize> {
        let (there, looking) = (self.remote.wikis_there().await?, app.clone());
        let deleted = tokio::task::spawn_blocking(move || deleted(looking.engine.directory(), there));
        let mut files = 0;
        for wiki in deleted.await.map_err(|e| Error::internal("look for deleted wikis").because(e))?? {
            files += self.remote.forget_wiki(wiki).await?;
        }
        Ok(files)
    }

    /// Whether something was put.
    async fn ship_host(&self, host: &HostName, to: Option<&Hosted>) -> Result<bool> {
        let Some(to) = to else { return self.remote.delete(&names::host(host)).await.map(|()| false) };
        let file = FragmentStore::export_host(host, to);
        if self.remote.holds(&file).await? {
            return Ok(false);
        }
        self.remote.put(&file).await.map(|()| true)
    }

    async fn ship_hosts(&self, hosts: BTreeMap<HostName, Leads>) {
        for (host, leads) in hosts {
            let result = self.ship_host(&host, leads.to.as_ref()).await;
            if let Err(error) = &result {
                tracing::warn!("could not publish a host to the object store: {}", error.chain());
                let was = leads.was.clone();
                self.state().hosts.entry(host).or_insert(leads).was.extend(was);
                sleep(FIRST_WAIT).await;
                self.wake.notify_one();
                continue;
            }
            // At the start nobody knows whether anything changed.
            let Some(purging) = self.purging.as_ref().filter(|_| result.is_ok_and(|changed| changed) || !leads.was.is_empty()) else {
                continue;
            };
            for wiki in leads.was.into_iter().chain(leads.to.map(|to| to.wiki)).collect::<BTreeSet<_>>() {
                purging.note(wiki, &News { what: Stale::All, hosts: BTreeSet::from([host.clone()]), up_to: UpTo::Unknown });
            }
        }
    }
}

enum Next {
    Hosts(BTreeMap<HostName, Leads>),
    Wiki(WikiId, Work),
    Nothing(Option<Instant>),
}

/// Those of these wikis that are in `holt.db` no more: what was put aside can still come back, and is there.
pub fn deleted(directory: &Directory, wikis: Vec<WikiId>) -> Result<Vec<WikiId>> {
    let known = wikis.into_iter().map(|wiki| Ok((wiki, directory.wiki(wiki)?.is_some())));
    let known: Vec<(WikiId, bool)> = known.collect::<Result<_>>()?;
    Ok(known.into_iter().filter(|(_, here)| !here).map(|(wiki, _)| wiki).collect())
}

/// Ships until it is dropped, while it is this process that does.
pub async fn run(app: Arc<App>, shipping: Arc<Shipping>) {
    let _ = shipping.runtime.set(Handle::current());
    let mut stand = shipping.stand.subscribe();
    loop {
        if stand.wait_for(|stand| *stand == Stand::Working).await.is_err() {
            return;
        }
        tokio::select! {
            _ = stand.wait_for(|stand| *stand == Stand::Resting) => {}
            () = work(&app, &shipping) => {}
        }
    }
}

async fn work(app: &Arc<App>, shipping: &Arc<Shipping>) {
    let dressing = shipping.clone();
    tokio::spawn(async move { dressing.ship_assets().await });
    let looking = (app.clone(), shipping.clone());
    let looked = tokio::task::spawn_blocking(move || compare(&looking.0, &looking.1));
    let (keeper, store) = (shipping.clone(), app.clone());
    tokio::spawn(async move {
        let gone = match looked.await {
            Ok(Ok(wanted)) => keeper.remote.forget_hosts(store.engine.fragments(), &wanted).await,
            Ok(Err(error)) => Err(error),
            Err(_) => return,
        };
        match gone {
            Ok(0) => {}
            Ok(names) => tracing::info!(names, "names of wikis that are gone were taken off the object store"),
            Err(error) => tracing::error!("could not see what the object store lacks, or has too much: {}", error.chain()),
        }
    });
    let (sweeper, store) = (shipping.clone(), app.clone());
    // Ends with this: another process sweeps then.
    let mut beside = JoinSet::new();
    beside.spawn(async move { sweeper.sweep(&store).await });
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
///
/// Names of wikis that are gone are found there alone: the set of all that there are is for whoever looks.
fn compare(app: &App, shipping: &Shipping) -> Result<HashSet<String>> {
    let (local, directory) = (app.engine.fragments(), app.engine.directory());
    let (mut after, mut wanted) = (String::new(), HashSet::new());
    loop {
        let records = directory.list_wikis_after(&after, 500)?;
        let Some(last) = records.last() else { break };
        after = last.slug.to_string();
        for record in records {
            wanted.insert(names::host(&HostName::Slug(record.slug.to_string())));
            let here = local.wiki(record.id)?.map(|shared| shared.generation);
            let same = here.is_some() && here == local.shipped(record.id, &shipping.place)?;
            if same {
                shipping.state().known.insert(record.id);
            } else {
                shipping.add(record.id, What::Since(Changed::new()));
            }
            let domains = directory.domains_of(record.id, app.engine.clock().now())?;
            // Of hosts nothing says whether they are there as they are here; wikis with names of their own are few.
            if !same || !domains.is_empty() {
                let slug = record.slug.to_string();
                let to = local.hosted(&slug)?.filter(|to| to.wiki == record.id);
                shipping.note(Change::Host(HostName::Slug(slug), to, None));
            }
            for name in domains.into_iter().filter(|domain| domain.verified.is_some()) {
                wanted.insert(names::host(&HostName::Domain(name.name.clone())));
                let to = local.domain(name.name.as_str())?;
                shipping.note(Change::Host(HostName::Domain(name.name), to, None));
            }
        }
    }
    shipping.state().looked = true;
    Ok(wanted)
}
