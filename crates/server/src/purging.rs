//! Caches in front of published pages are told what to forget, once whoever they ask sees what is new: after it is in the object store, where
//! pages are published to one, and after edges have stopped to believe what they knew. Each cache has a line of its own, in which one failure
//! keeps nobody else waiting. Nothing is remembered over a restart but, for each wiki and cache, up to which generation the cache was told:
//! where that is not the one there is, it is told what was noted since, or to forget the whole wiki.

use crate::app::{App, unix_seconds};
use crate::workers::Stand;
use holt_core::{Error, PageKey, PagePath, Result, WikiId};
use holt_fragments::{Change, FragmentStore, HostName, surrogate};
use holt_remote::purge::{Cache, Page, Pages, Stale};
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

/// Wikis that a cache is told of at once.
const WIKIS: usize = 200;
/// Pages of a wiki that are kept apart; of more, the whole wiki is forgotten.
const PAGES: usize = 500;
/// How long a cache is left alone that refused: this, doubled each time, up to the last, or as long as it says.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(60);
/// After so many refusals in a row whole wikis are forgotten: one address that a cache does not take would keep all others waiting.
const TIMES: u32 = 4;
/// How long somebody waits for the word that caches have forgotten what they changed.
const CONFIRMATION: Duration = Duration::from_secs(5);

/// Caches, and what they have to be told.
pub struct Purging {
    lines: Vec<Line>,
    /// How long after a change is there to be seen edges may show what was before.
    after: Duration,
    /// What the pages of wikis shared when it was looked at last, where nobody else says that it changed.
    faces: Mutex<HashMap<WikiId, u64>>,
    hasher: RandomState,
    done: watch::Sender<()>,
    /// Whether it is this process that tells them.
    stand: watch::Sender<Stand>,
    /// Where it does.
    runtime: OnceLock<Handle>,
}

struct Line {
    cache: Cache,
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Default)]
struct State {
    owed: BTreeMap<WikiId, Owed>,
    /// Since when they wait.
    under_way: BTreeMap<WikiId, Instant>,
    /// Refusals in a row, and when it is asked again.
    failed: Option<(u32, Instant)>,
    told: u64,
    refused: u64,
}

/// Something that readers see changed.
#[derive(Debug, Clone)]
pub struct News {
    /// Which pages.
    pub what: What,
    /// Hosts that lead elsewhere now.
    pub hosts: BTreeSet<HostName>,
    /// Up to where caches are then told.
    pub up_to: UpTo,
}

/// Up to which generation of a wiki a cache is told what to forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpTo {
    /// The one that is there when it is told.
    TheOneHere,
    /// This one.
    Generation(u64),
    /// That is not known.
    Unknown,
}

/// See [`News`].
#[derive(Debug, Clone)]
pub enum What {
    /// These pages: each with the paths by which it is stored and was.
    Pages(BTreeMap<PageKey, BTreeSet<String>>),
    /// As before, and nobody looked whether what all pages share is the same.
    PagesAndPerhapsAll(BTreeMap<PageKey, BTreeSet<String>>),
    /// Everything.
    All,
}

impl What {
    fn add(self, more: Self) -> Self {
        use What::{All, Pages, PagesAndPerhapsAll};
        let perhaps = matches!(self, PagesAndPerhapsAll(_)) || matches!(more, PagesAndPerhapsAll(_));
        match (self, more) {
            (All, _) | (_, All) => All,
            (Pages(mut pages) | PagesAndPerhapsAll(mut pages), Pages(more) | PagesAndPerhapsAll(more)) => {
                for (page, paths) in more {
                    pages.entry(page).or_default().extend(paths);
                }
                match pages.len() {
                    0..=PAGES if perhaps => PagesAndPerhapsAll(pages),
                    0..=PAGES => Pages(pages),
                    _ => All,
                }
            }
        }
    }
}

#[derive(Debug, Clone)]
struct Owed {
    what: What,
    hosts: BTreeSet<HostName>,
    up_to: UpTo,
    first: Instant,
    last: Instant,
}

impl Owed {
    fn add(&mut self, news: News, at: Instant) {
        let what = std::mem::replace(&mut self.what, What::All);
        self.what = what.add(news.what);
        self.hosts.extend(news.hosts);
        self.up_to = news.up_to;
        self.last = at;
    }
    fn reaches(&self, local: &FragmentStore, wiki: WikiId) -> Option<u64> {
        match self.up_to {
            UpTo::TheOneHere => local.wiki(wiki).ok().flatten().map(|shared| shared.generation),
            UpTo::Generation(generation) => Some(generation),
            UpTo::Unknown => None,
        }
    }
}

/// How a cache is doing.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Which kind of cache it is, by the scheme of its address.
    pub kind: String,
    /// Wikis of which it shows what was.
    pub wikis: usize,
    /// For how long it has, at most.
    pub behind: Duration,
    /// How often it did as it was told.
    pub told: u64,
    /// How often it did not.
    pub refused: u64,
}

impl Purging {
    /// For `caches`, in front of edges that may show what was before for `after` after it has changed where they look.
    pub fn new(caches: Vec<Cache>, after: Duration) -> Self {
        let lines = caches.into_iter().map(|cache| Line { cache, state: Mutex::default(), wake: Notify::new() });
        Self {
            lines: lines.collect(),
            after,
            faces: Mutex::default(),
            hasher: RandomState::new(),
            done: watch::Sender::new(()),
            stand: watch::Sender::new(Stand::Resting),
            runtime: OnceLock::new(),
        }
    }
    /// Takes note of a change where readers' servers see it at once: nothing is published elsewhere. Never waits.
    pub fn hear(&self, change: Change) {
        let news = |what, hosts| News { what, hosts, up_to: UpTo::TheOneHere };
        match change {
            Change::Page(wiki, page, paths) => {
                self.note(wiki, &news(What::Pages(BTreeMap::from([(page, paths.into_iter().collect())])), BTreeSet::new()));
            }
            Change::Wiki(wiki) => self.note(wiki, &news(What::PagesAndPerhapsAll(BTreeMap::new()), BTreeSet::new())),
            Change::Host(host, to, was) => {
                for wiki in BTreeSet::from_iter([to.map(|to| to.wiki), was].into_iter().flatten()) {
                    self.note(wiki, &news(What::All, BTreeSet::from([host.clone()])));
                }
            }
        }
    }
    /// Tells caches from now on, or leaves it to another process. Nothing is kept meanwhile: whoever tells them next looks what they were not told.
    pub fn set_stand(&self, stand: Stand) {
        if self.stand.send_replace(stand) == Stand::Working && stand == Stand::Resting {
            for line in &self.lines {
                line.state().owed.clear();
            }
            self.faces.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
    fn rests(&self) -> bool {
        *self.stand.borrow() == Stand::Resting
    }
    /// Whether all caches were told of everything of the wiki that is there, as far as that was noted.
    pub fn is_told(&self, local: &FragmentStore, wiki: WikiId) -> Result<bool> {
        let Some(generation) = local.wiki(wiki)?.map(|shared| shared.generation) else { return Ok(true) };
        for line in &self.lines {
            if local.purged(wiki, line.cache.name())? != Some(generation) {
                return Ok(false);
            }
        }
        Ok(true)
    }
    /// Has caches forget what was published of a wiki since they were told, as far as that is noted, or all of it: nobody told what changed.
    pub fn add_behind(&self, local: &FragmentStore, wiki: WikiId) -> Result<()> {
        if self.rests() {
            return Ok(());
        }
        // Before what is noted is read: what comes after it is told later.
        let Some(generation) = local.wiki(wiki)?.map(|shared| shared.generation) else { return Ok(()) };
        for line in &self.lines {
            let told = local.purged(wiki, line.cache.name())?;
            if told == Some(generation) {
                continue;
            }
            let since = told.map(|told| local.changed_since(wiki, told)).transpose()?.flatten();
            let (what, upto) = match since {
                Some(since) if !since.shared && since.pages.len() <= PAGES => (What::Pages(since.pages), since.generation),
                _ => (What::All, generation),
            };
            line.note(wiki, News { what, hosts: BTreeSet::new(), up_to: UpTo::Generation(upto) });
        }
        Ok(())
    }
    /// Waits on a thread until caches were told of everything that is owed of the wiki. Whether they were, by then.
    pub fn wait_for(&self, wiki: WikiId, by: Duration) -> bool {
        let mut stand = self.stand.subscribe();
        let wait = async {
            tokio::select! {
                told = timeout(by, self.forgotten(wiki)) => told.is_ok(),
                _ = stand.wait_for(|stand| *stand == Stand::Resting) => false,
            }
        };
        self.runtime.get().is_some_and(|runtime| runtime.block_on(wait))
    }
    /// Takes note of what caches have to forget.
    pub fn note(&self, wiki: WikiId, news: &News) {
        if self.rests() {
            return;
        }
        for line in &self.lines {
            line.note(wiki, news.clone());
        }
    }
    /// How the caches are doing.
    pub fn figures(&self) -> Vec<Figures> {
        let now = Instant::now();
        let of = |line: &Line| {
            let state = line.state();
            let since = state.owed.values().map(|owed| owed.first).chain(state.under_way.values().copied()).min();
            let wikis = state.owed.keys().chain(state.under_way.keys()).collect::<BTreeSet<_>>().len();
            let kind = line.cache.name().split_once("://").map_or("", |(kind, _)| kind).to_string();
            let behind = since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
            Figures { kind, wikis, behind, told: state.told, refused: state.refused }
        };
        self.lines.iter().map(of).collect()
    }
    /// Waits on a thread of the blocking pool until caches have forgotten what was changed of `wiki` before, for as long as a person waits. An
    /// error if they still have not: the change itself is done.
    pub fn confirm(&self, local: &FragmentStore, wiki: WikiId) -> Result<()> {
        let told = if self.rests() {
            self.told_elsewhere(local, wiki)?
        } else {
            Handle::current().block_on(timeout(CONFIRMATION, self.forgotten(wiki))).is_ok()
        };
        if told {
            return Ok(());
        }
        Err(Error::busy("this is saved, but caches may still show what was before")
            .hint("A cache does not do as it is told. Until it does, it may show pages as they were; it is tried again by itself."))
    }
    /// The same, where another process tells them: its marks say how far it came.
    fn told_elsewhere(&self, local: &FragmentStore, wiki: WikiId) -> Result<bool> {
        let until = Instant::now() + CONFIRMATION;
        while !self.is_told(local, wiki)? {
            if Instant::now() >= until {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(true)
    }
    async fn forgotten(&self, wiki: WikiId) {
        let mut done = self.done.subscribe();
        loop {
            done.borrow_and_update();
            if !self.lines.iter().any(|line| line.owes(wiki)) || done.changed().await.is_err() {
                return;
            }
        }
    }
    /// Whether what all pages of a wiki share is something else than when this was asked last, or never was asked.
    fn has_another_face(&self, local: &FragmentStore, wiki: WikiId) -> bool {
        let face = local.export_wiki(wiki).ok().flatten().map(|exported| self.hasher.hash_one(&exported.manifest.bytes));
        let mut faces = self.faces.lock().unwrap_or_else(PoisonError::into_inner);
        match face {
            Some(face) => faces.insert(wiki, face) != Some(face),
            None => {
                faces.remove(&wiki);
                true
            }
        }
    }
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn owes(&self, wiki: WikiId) -> bool {
        let state = self.state();
        state.owed.contains_key(&wiki) || state.under_way.contains_key(&wiki)
    }
    fn note(&self, wiki: WikiId, news: News) {
        let now = Instant::now();
        let mut state = self.state();
        match state.owed.get_mut(&wiki) {
            Some(owed) => owed.add(news, now),
            None => {
                let News { what, hosts, up_to } = news;
                drop(state.owed.insert(wiki, Owed { what, hosts, up_to, first: now, last: now }));
            }
        }
        drop(state);
        self.wake.notify_one();
    }
    /// What can be told now, or when to look again.
    fn next(&self, after: Duration) -> std::result::Result<Vec<(WikiId, Owed)>, Option<Instant>> {
        let now = Instant::now();
        let mut state = self.state();
        if let Some((_, until)) = state.failed.filter(|(_, until)| *until > now) {
            return Err(Some(until));
        }
        let mut ripe: Vec<(Instant, WikiId)> =
            state.owed.iter().map(|(wiki, owed)| (owed.first + after, *wiki)).filter(|(due, _)| *due <= now).collect();
        if ripe.is_empty() {
            return Err(state.owed.values().map(|owed| owed.first + after).min());
        }
        // Who waits longest comes first.
        ripe.sort();
        let taken: Vec<(WikiId, Owed)> = ripe
            .into_iter()
            .take(WIKIS)
            .filter_map(|(_, wiki)| {
                let owed = state.owed.remove(&wiki)?;
                if owed.last + after > now {
                    // Some of it is younger: an edge may still hand out what was before, so that is told again later.
                    state.owed.insert(wiki, Owed { first: owed.last, ..owed.clone() });
                }
                Some((wiki, owed))
            })
            .collect();
        state.under_way.extend(taken.iter().map(|(wiki, owed)| (*wiki, owed.first)));
        Ok(taken)
    }
    /// The cache did as it was told. Which wikis that brings to which generation.
    fn done(&self, owed: &[(WikiId, Owed)], reached: &[Option<u64>]) -> Vec<(WikiId, u64)> {
        tracing::debug!(cache = self.cache.name(), wikis = owed.len(), "told a cache what to forget");
        let mut state = self.state();
        state.told += 1;
        state.failed = None;
        for (wiki, _) in owed {
            state.under_way.remove(wiki);
        }
        let done = owed.iter().zip(reached).filter_map(|((wiki, _), generation)| Some((*wiki, (*generation)?)));
        // What came meanwhile may belong to the generation that was there.
        done.filter(|(wiki, _)| !state.owed.contains_key(wiki)).collect()
    }
    /// It did not: all of it is owed again.
    fn failed(&self, owed: Vec<(WikiId, Owed)>, why: &str, wait: Option<Duration>) {
        let mut state = self.state();
        let times = state.failed.map_or(0, |(times, _)| times) + 1;
        let doubled = FIRST_WAIT.saturating_mul(1 << (times - 1).min(10)).min(LAST_WAIT);
        state.refused += 1;
        state.failed = Some((times, Instant::now() + wait.unwrap_or_default().max(doubled)));
        tracing::warn!(cache = self.cache.name(), wikis = owed.len(), times, "a cache was not told what to forget: {why}");
        for (wiki, mut back) in owed {
            state.under_way.remove(&wiki);
            // Whether what is shared has changed was looked at, and is not looked at twice.
            if times >= TIMES || matches!(back.what, What::PagesAndPerhapsAll(_)) {
                back.what = What::All;
            }
            if let Some(Owed { what, hosts, up_to, last, .. }) = state.owed.remove(&wiki) {
                back.add(News { what, hosts, up_to }, last);
            }
            state.owed.insert(wiki, back);
        }
    }
}

/// Tells caches until it is dropped, while it is this process that does.
pub async fn run(app: Arc<App>, purging: Arc<Purging>) {
    let _ = purging.runtime.set(Handle::current());
    let mut stand = purging.stand.subscribe();
    loop {
        if stand.wait_for(|stand| *stand == Stand::Working).await.is_err() {
            return;
        }
        tokio::select! {
            _ = stand.wait_for(|stand| *stand == Stand::Resting) => {}
            () = work(&app, &purging) => {}
        }
    }
}

async fn work(app: &Arc<App>, purging: &Arc<Purging>) {
    let looking = (app.clone(), purging.clone());
    let looked = tokio::task::spawn_blocking(move || compare(&looking.0, &looking.1));
    let lines = (0..purging.lines.len()).map(|line| tokio::spawn(tell_all(app.clone(), purging.clone(), line)));
    let _ending = Ending(lines.collect());
    if let Ok(Err(error)) = looked.await {
        tracing::error!("could not see what caches have to forget: {}", error.chain());
    }
    std::future::pending::<()>().await;
}

/// Ends them when it is dropped.
struct Ending(Vec<tokio::task::JoinHandle<()>>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

async fn tell_all(app: Arc<App>, purging: Arc<Purging>, line: usize) {
    let Some(line) = purging.lines.get(line) else { return };
    loop {
        match line.next(purging.after) {
            Ok(owed) => tell(&app, &purging, line, owed).await,
            Err(None) => line.wake.notified().await,
            Err(Some(until)) => {
                let _ = tokio::time::timeout_at(until, line.wake.notified()).await;
            }
        }
    }
}

async fn tell(app: &Arc<App>, purging: &Arc<Purging>, line: &Line, owed: Vec<(WikiId, Owed)>) {
    let looking = (app.clone(), purging.clone(), line.cache.needs_paths());
    let described = tokio::task::spawn_blocking(move || {
        let (app, purging, needs_paths) = looking;
        // Before anything else is looked at: what comes after it is told later.
        let reached: Vec<Option<u64>> = owed.iter().map(|(wiki, owed)| owed.reaches(app.engine.fragments(), *wiki)).collect();
        let stale: Result<Vec<Stale>> = owed.iter().map(|(wiki, owed)| describe(&app, &purging, *wiki, owed, needs_paths)).collect();
        (stale, owed, reached)
    });
    let Ok((stale, owed, reached)) = described.await else {
        // A panic in there: nobody is told that these are done, and after a restart they are owed again.
        tracing::error!(cache = line.cache.name(), "could not say what a cache has to forget");
        return;
    };
    let result = match &stale {
        Ok(stale) => line.cache.purge(stale).await.map_err(|refusal| (refusal.to_string(), refusal.wait)),
        Err(error) => Err((error.chain().to_string(), None)),
    };
    match result {
        Ok(()) => {
            let done = line.done(&owed, &reached);
            let (app, name) = (app.clone(), line.cache.name().to_string());
            let _ = tokio::task::spawn_blocking(move || note_done(&app, &name, &done)).await;
        }
        Err((why, wait)) => line.failed(owed, &why, wait),
    }
    purging.done.send_replace(());
}

/// Notes up to where a cache was told. What is not noted is told again after a restart.
fn note_done(app: &App, cache: &str, done: &[(WikiId, u64)]) {
    let local = app.engine.fragments();
    for (wiki, generation) in done {
        // A wiki that is gone leaves nothing.
        if matches!(local.wiki(*wiki), Ok(Some(_))) {
            let _ = local.set_purged(*wiki, cache, *generation);
        }
    }
}

/// What a cache has to forget, as it knows it.
fn describe(app: &App, purging: &Purging, wiki: WikiId, owed: &Owed, needs_paths: bool) -> Result<Stale> {
    let local = app.engine.fragments();
    let home = local.wiki(wiki)?.and_then(|shared| shared.home.clone());
    let paths = |page: &PageKey, spellings: &BTreeSet<String>| -> Vec<String> {
        let urls = spellings.iter().filter_map(|path| PagePath::parse(path).ok()).map(|path| path.url());
        let both = urls.flat_map(|url| [format!("{url}.md"), url]);
        // The home page has two addresses, and the bare one stays its own when it is gone.
        let home = (home.as_deref().unwrap_or("home") == page.as_str()).then(|| "/".to_string());
        both.chain(home).collect()
    };
    let pages = match &owed.what {
        What::Pages(pages) => Some(pages),
        What::PagesAndPerhapsAll(pages) => (!purging.has_another_face(local, wiki)).then_some(pages),
        What::All => None,
    };
    let pages = match pages {
        Some(pages) => Pages::These(
            pages.iter().map(|(page, spellings)| Page { word: surrogate::page(wiki, page), paths: paths(page, spellings) }).collect(),
        ),
        None if !needs_paths => Pages::All(Vec::new()),
        None => {
            let mut all = BTreeSet::from(["/".to_string()]);
            for page in local.pages(wiki)? {
                let path = local.page(wiki, &page)?.map(|manifest| manifest.path.clone());
                all.extend(paths(&page, &path.into_iter().collect()));
            }
            // Pages that are gone are no longer among those that are there.
            if let What::Pages(pages) | What::PagesAndPerhapsAll(pages) = &owed.what {
                all.extend(pages.iter().flat_map(|(page, spellings)| paths(page, spellings)));
            }
            Pages::All(all.into_iter().collect())
        }
    };
    Ok(Stale { wiki: surrogate::wiki(wiki), hosts: hosts(app, wiki, &owed.hosts)?, pages })
}

/// By which names caches know a wiki.
fn hosts(app: &App, wiki: WikiId, changed: &BTreeSet<HostName>) -> Result<Vec<String>> {
    let rule = &app.edge.hosts;
    let below = |slug: &str| rule.domain.as_deref().map(|domain| format!("{slug}.{domain}"));
    let mut hosts = BTreeSet::new();
    if let Some(record) = app.engine.directory().wiki(wiki)? {
        hosts.extend(below(record.slug.as_str()));
        let names = app.engine.directory().domains_of(wiki, unix_seconds())?;
        hosts.extend(names.into_iter().filter(|domain| domain.verified.is_some()).map(|domain| domain.name.as_str().to_string()));
    }
    if rule.default_wiki == Some(wiki) && rule.apex == holt_edge::Apex::DefaultWiki {
        hosts.extend(rule.domain.as_deref().map(str::to_string));
    }
    for host in changed {
        match host {
            HostName::Slug(slug) => hosts.extend(below(slug)),
            HostName::Domain(name) => drop(hosts.insert(name.as_str().to_string())),
        }
    }
    Ok(hosts.into_iter().collect())
}

/// Finds the wikis of which caches may hold something that is not as it is here.
fn compare(app: &App, purging: &Purging) -> Result<()> {
    let (local, directory) = (app.engine.fragments(), app.engine.directory());
    let mut after = String::new();
    loop {
        let records = directory.list_wikis_after(&after, 500)?;
        let Some(last) = records.last() else { return Ok(()) };
        after = last.slug.to_string();
        for record in records {
            purging.add_behind(local, record.id)?;
        }
    }
}
