//! Where published wikis are kept: a folder, memory, or a store on another machine of which this is what was fetched. A bounded cache stands
//! before the folder; whoever publishes in this process writes through it, so that its readers never see an old manifest.
//!
//! Nothing here is synced: it can all be made again, and what a power cut tears is noticed by length and checksum and counts as absent.

mod fetched;
mod news;
mod place;

pub use fetched::{Answer, Freshness, Milliseconds, Told};
pub use news::{Changed, Since};

use crate::cache::Cache;
use crate::fragment::Fragment;
use crate::frame::Frame;
use crate::key::{self, FragmentKey, Kind};
use crate::manifest::{PageManifest, WikiManifest, wiki_id};
use crate::pack::Pack;
use fetched::Fetched;
use holt_core::{DomainName, PageKey, Result, Visibility, WikiId};
use place::{Place, Replaced};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

/// How much memory the cache of a folder takes at most, in bytes.
pub const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// For how long it is believed that a private wiki is as its manifest says, while its store cannot be asked (security.md CDN-5).
const PRIVATE_BELIEF: Duration = Duration::from_secs(60);

/// A store of published wikis. Clones share it.
#[derive(Clone)]
pub struct FragmentStore(Arc<Inner>);

struct Inner {
    place: Place,
    cache: Arc<Mutex<Cache<String, Cached>>>,
    /// Whether other processes write to the same folder.
    is_shared: bool,
    observer: OnceLock<Box<dyn Fn(Change) + Send + Sync>>,
    /// Pages that were published, of wikis whose manifests have not followed yet; noted only where somebody observes.
    published: Mutex<HashMap<WikiId, Changed>>,
}

/// Something that readers see changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A page was published, or taken off. The paths by which it is stored and was.
    Page(WikiId, PageKey, Vec<String>),
    /// What the pages of a wiki share was, or the whole wiki.
    Wiki(WikiId),
    /// A host leads somewhere, or nowhere; and the wiki that it led to.
    Host(HostName, Option<Hosted>, Option<WikiId>),
}

/// What wikis are found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostName {
    /// A label before the platform's domain.
    Slug(String),
    /// A whole name of a wiki's own.
    Domain(DomainName),
}

impl HostName {
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Slug(slug) => key::host(slug),
            Self::Domain(name) => key::domain(name.as_str()),
        }
    }
}

/// Where a host leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosted {
    /// To this wiki.
    pub wiki: WikiId,
    /// Whose address is at this other host, if it is.
    pub moved: Option<Arc<str>>,
}

impl Hosted {
    /// To `wiki`, whose address is here.
    pub fn at_home(wiki: WikiId) -> Self {
        Self { wiki, moved: None }
    }
    pub(crate) fn to_text(&self) -> String {
        match &self.moved {
            Some(moved) => format!("{} {moved}", self.wiki),
            None => self.wiki.to_string(),
        }
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        match text.split_once(' ') {
            Some((wiki, moved)) => Some(Self { wiki: wiki_id(wiki)?, moved: Some(moved.into()) }),
            None => wiki_id(text).map(Self::at_home),
        }
    }
}

#[derive(Clone)]
enum Cached {
    Fragment(Arc<Fragment>),
    Frame(Arc<Frame>),
    Pack(Arc<Pack>),
    Page(Option<Arc<PageManifest>>),
    Wiki(Option<Arc<WikiManifest>>),
    Host(Option<Hosted>),
}

impl std::fmt::Debug for FragmentStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0.place {
            Place::Memory(_) => f.write_str("FragmentStore(memory)"),
            Place::Folder(dir, _) | Place::Foreign(dir) => write!(f, "FragmentStore({})", dir.display()),
            Place::Fetched(_) => f.write_str("FragmentStore(fetched)"),
        }
    }
}

impl FragmentStore {
    /// In memory, for tests.
    pub fn memory() -> Self {
        Self::new(Place::Memory(Mutex::default()))
    }
    /// In a folder that this process alone writes.
    pub fn folder(dir: &Path) -> Self {
        Self::new(Place::Folder(dir.to_path_buf(), AtomicU64::new(0)))
    }
    /// In a folder that other processes write to, too: what they may change is read anew each time.
    pub fn shared_folder(dir: &Path) -> Self {
        Self::made(Place::Folder(dir.to_path_buf(), AtomicU64::new(0)), true)
    }
    /// A folder that another process writes.
    pub fn foreign_folder(dir: &Path) -> Self {
        Self::new(Place::Foreign(dir.to_path_buf()))
    }
    /// A store on another machine, of which nothing was fetched yet.
    pub fn fetched(freshness: Freshness, now: Milliseconds) -> Self {
        Self::new(Place::Fetched(Fetched::new(freshness, now)))
    }
    fn new(place: Place) -> Self {
        Self::made(place, false)
    }
    fn made(place: Place, is_shared: bool) -> Self {
        let cache = Arc::new(Mutex::new(Cache::new(CACHE_BYTES)));
        Self(Arc::new(Inner { place, cache, is_shared, observer: OnceLock::new(), published: Mutex::default() }))
    }
    /// Forgets what was read of anything that can change: another process changed something of it.
    pub fn forget_manifests(&self) {
        self.0.cache().retain(|path| !key::may_change(path));
    }

    /// Has `observer` told of every change from now on, after it was made and in the order in which it was. It must neither wait nor use the
    /// store. There is one: a second is not told.
    pub fn observe(&self, observer: impl Fn(Change) + Send + Sync + 'static) {
        let _ = self.0.observer.set(Box::new(observer));
    }
    /// The same store for one reader more, who has wanted nothing yet.
    pub fn for_one_reader(&self) -> Self {
        match &self.0.place {
            Place::Fetched(fetched) => {
                let (place, cache) = (Place::Fetched(fetched.again()), self.0.cache.clone());
                Self(Arc::new(Inner { place, cache, is_shared: false, observer: OnceLock::new(), published: Mutex::default() }))
            }
            _ => self.clone(),
        }
    }
    /// The files that this reader asked for since the last call and that have to be fetched before it is worth asking again. Files that are
    /// here and in memory are never among them.
    pub fn wanted(&self) -> Vec<String> {
        match &self.0.place {
            Place::Fetched(fetched) => fetched.wanted(),
            _ => Vec::new(),
        }
    }
    /// What this reader was told of files that can change, since the last call. Without a wanted file among it, and of a public wiki, whatever was
    /// made of it is right for as long as it [stands](FragmentStore::stands): all other files have names made from their content.
    pub fn told(&self) -> Told {
        match &self.0.place {
            Place::Fetched(fetched) => fetched.told(),
            _ => Told::default(),
        }
    }
    /// Whether every reader would be told the same now, without anything being fetched first. Never if nothing was told.
    pub fn stands(&self, told: &Told) -> bool {
        match &self.0.place {
            Place::Fetched(fetched) => fetched.stands(told),
            _ => false,
        }
    }
    /// Whether this reader asked for a host of which nothing is known here, when too many such had been asked for: the store is not asked, and nobody knows.
    pub fn refused(&self) -> bool {
        matches!(&self.0.place, Place::Fetched(fetched) if fetched.refused())
    }
    /// By which tag the store can be asked whether a wanted file has changed.
    pub fn tag(&self, path: &str) -> Option<String> {
        match &self.0.place {
            Place::Fetched(fetched) => fetched.tag(path),
            _ => None,
        }
    }
    /// Takes in what the store said of a wanted file. Whether there is something to go on with: an answer, or one of before that may still be
    /// used. A damaged file counts as missing.
    pub fn learn(&self, path: &str, answer: Answer) -> bool {
        let Place::Fetched(fetched) = &self.0.place else { return false };
        let Answer::Found(bytes, tag) = answer else { return fetched.learn(path, answer) };
        let cached = if let Ok(pack) = Pack::from_bytes(&bytes) {
            let weight = pack.weight();
            Some((Cached::Pack(Arc::new(pack)), weight))
        } else if let Ok(frame) = Frame::from_bytes(&bytes) {
            let weight = frame.weight();
            Some((Cached::Frame(Arc::new(frame)), weight))
        } else if let Ok(fragment) = Fragment::from_bytes(&bytes) {
            let weight = fragment.weight();
            Some((Cached::Fragment(Arc::new(fragment)), weight))
        } else {
            None
        };
        match cached {
            Some((value, weight)) => {
                self.0.remember(path.to_string(), value, weight);
                true
            }
            None if key::may_change(path) => fetched.learn(path, Answer::Found(bytes, tag)),
            None => fetched.learn(path, Answer::Missing),
        }
    }

    /// Stores a fragment under the name its content gives it. Storing it again does nothing.
    pub fn put(&self, wiki: WikiId, kind: Kind, fragment: &Fragment) -> Result<FragmentKey> {
        let name = fragment.key(wiki, kind);
        let path = key::object(wiki, &name);
        if !self.0.place.exists(&path) {
            self.0.place.write(&path, &fragment.to_bytes(), Replaced::Never)?;
        }
        Ok(name)
    }
    /// A fragment, or `None` if it is missing or damaged.
    pub fn get(&self, wiki: WikiId, name: &FragmentKey) -> Result<Option<Arc<Fragment>>> {
        let path = key::object(wiki, name);
        if let Some(Cached::Fragment(fragment)) = self.0.cached(&path) {
            return Ok(Some(fragment));
        }
        let Some(fragment) = self.0.place.read(&path)?.and_then(|bytes| Fragment::from_bytes(&bytes).ok()) else { return Ok(None) };
        let fragment = Arc::new(fragment);
        self.0.remember(path, Cached::Fragment(fragment.clone()), fragment.weight());
        Ok(Some(fragment))
    }
    /// A fragment of a page.
    pub fn part(&self, wiki: WikiId, page: &PageManifest, name: &FragmentKey) -> Result<Option<Arc<Fragment>>> {
        match (&self.0.place, &page.pack) {
            (Place::Fetched(_), Some(pack)) => Ok(self.pack(wiki, pack)?.and_then(|pack| pack.get(name))),
            _ => self.get(wiki, name),
        }
    }
    fn pack(&self, wiki: WikiId, name: &FragmentKey) -> Result<Option<Arc<Pack>>> {
        let path = key::object(wiki, name);
        if let Some(Cached::Pack(pack)) = self.0.cached(&path) {
            return Ok(Some(pack));
        }
        // What is fetched is in the cache: here is at most that it is missing.
        self.0.place.read(&path).map(|_| None)
    }
    /// Stores a frame.
    pub fn put_frame(&self, wiki: WikiId, frame: &Frame) -> Result<FragmentKey> {
        let bytes = frame.to_bytes();
        let name = FragmentKey::of(wiki, Kind::Frame, &bytes);
        let path = key::object(wiki, &name);
        if !self.0.place.exists(&path) {
            self.0.place.write(&path, &bytes, Replaced::Never)?;
        }
        Ok(name)
    }
    /// A frame, or `None` if it is missing or damaged.
    pub fn frame(&self, wiki: WikiId, name: &FragmentKey) -> Result<Option<Arc<Frame>>> {
        let path = key::object(wiki, name);
        if let Some(Cached::Frame(frame)) = self.0.cached(&path) {
            return Ok(Some(frame));
        }
        let Some(frame) = self.0.place.read(&path)?.and_then(|bytes| Frame::from_bytes(&bytes).ok()) else { return Ok(None) };
        let frame = Arc::new(frame);
        self.0.remember(path, Cached::Frame(frame.clone()), frame.weight());
        Ok(Some(frame))
    }
    /// Publishes a page: from here on readers see it. All its fragments are stored before.
    pub fn put_page(&self, wiki: WikiId, page: &PageKey, manifest: &PageManifest) -> Result<()> {
        let path = key::page(wiki, page);
        let was = self.told_of(wiki, page);
        self.0.place.write(&path, &manifest.to_bytes(), Replaced::AtOnce)?;
        self.0.remember(path, Cached::Page(Some(Arc::new(manifest.clone()))), manifest.weight());
        let was = was.filter(|was| *was != manifest.path);
        self.0.tell_page(wiki, page, was.into_iter().chain([manifest.path.clone()]).collect());
        Ok(())
    }
    /// The manifest of a page; `None` if it is not published, or if what is stored is damaged.
    pub fn page(&self, wiki: WikiId, page: &PageKey) -> Result<Option<Arc<PageManifest>>> {
        let path = key::page(wiki, page);
        if self.0.keeps_manifests()
            && let Some(Cached::Page(manifest)) = self.0.cached(&path)
        {
            return Ok(manifest);
        }
        let manifest = self.0.place.read(&path)?.and_then(|bytes| PageManifest::from_bytes(&bytes).ok()).map(Arc::new);
        // Hash names could meet by design of an attacker; the manifest says whose it is.
        let manifest = manifest.filter(|m| m.page_path().is_ok_and(|p| p.key() == *page));
        if self.0.keeps_manifests() {
            self.0.remember(path, Cached::Page(manifest.clone()), manifest.as_ref().map_or(0, |m| m.weight()));
        }
        Ok(manifest)
    }
    /// Takes a page off. Nothing happens if it is not there.
    pub fn remove_page(&self, wiki: WikiId, page: &PageKey) -> Result<()> {
        let path = key::page(wiki, page);
        let was = self.told_of(wiki, page);
        self.0.place.delete(&path)?;
        self.0.remember(path, Cached::Page(None), 0);
        self.0.tell_page(wiki, page, was.into_iter().collect());
        Ok(())
    }
    /// The path by which a page is stored, if anybody wants to be told.
    fn told_of(&self, wiki: WikiId, page: &PageKey) -> Option<String> {
        self.0.observer.get()?;
        self.page(wiki, page).ok().flatten().map(|manifest| manifest.path.clone())
    }
    /// Keys of all published pages.
    pub fn pages(&self, wiki: WikiId) -> Result<Vec<PageKey>> {
        let mut keys = Vec::new();
        for path in self.0.place.list(&key::pages(wiki))? {
            let manifest = self.0.place.read(&path)?.and_then(|bytes| PageManifest::from_bytes(&bytes).ok());
            keys.extend(manifest.and_then(|m| m.page_path().ok()).map(|path| path.key()));
        }
        Ok(keys)
    }
    /// How many pages are published. Nothing of them is read.
    pub fn count_pages(&self, wiki: WikiId) -> Result<u64> {
        Ok(self.0.place.list(&key::pages(wiki))?.len() as u64)
    }
    /// Stores what the pages of a wiki share.
    pub fn put_wiki(&self, manifest: &WikiManifest) -> Result<()> {
        let path = key::wiki(manifest.wiki);
        if self.0.observer.get().is_some() {
            let old = self.wiki(manifest.wiki)?;
            let pages = self.0.published().remove(&manifest.wiki).unwrap_or_default();
            // Where it fails a generation is missing, and whoever looks compares.
            let _ = news::note(&self.0.place, old.as_deref(), manifest, &pages);
        }
        self.0.place.write(&path, &manifest.to_bytes(), Replaced::AtOnce)?;
        self.0.remember(path, Cached::Wiki(Some(Arc::new(manifest.clone()))), 512);
        self.0.tell(Change::Wiki(manifest.wiki));
        Ok(())
    }
    /// What the pages of a wiki share; `None` if nothing is published, or if what is stored is damaged.
    pub fn wiki(&self, wiki: WikiId) -> Result<Option<Arc<WikiManifest>>> {
        let path = key::wiki(wiki);
        if self.0.keeps_manifests()
            && let Some(Cached::Wiki(manifest)) = self.0.cached(&path)
        {
            return Ok(manifest);
        }
        let manifest =
            self.0.place.read(&path)?.and_then(|bytes| WikiManifest::from_bytes(&bytes).ok()).filter(|m| m.wiki == wiki).map(Arc::new);
        if let (Place::Fetched(fetched), Some(Visibility::Private)) = (&self.0.place, manifest.as_ref().map(|m| m.visibility))
            && fetched.age(&path).is_none_or(|age| age > PRIVATE_BELIEF)
        {
            return Err(fetched.want(&path));
        }
        if self.0.keeps_manifests() {
            self.0.remember(path, Cached::Wiki(manifest.clone()), 512);
        }
        Ok(manifest)
    }
    /// Makes `slug` lead to `wiki`.
    pub fn put_host(&self, slug: &str, wiki: WikiId) -> Result<()> {
        self.put_hosted(slug, &Hosted::at_home(wiki))
    }
    /// Makes `slug` lead somewhere.
    pub fn put_hosted(&self, slug: &str, to: &Hosted) -> Result<()> {
        self.lead(HostName::Slug(slug.to_string()), Some(to))
    }
    /// The wiki that `slug` leads to.
    pub fn host(&self, slug: &str) -> Result<Option<WikiId>> {
        Ok(self.hosted(slug)?.map(|to| to.wiki))
    }
    /// Where `slug` leads.
    pub fn hosted(&self, slug: &str) -> Result<Option<Hosted>> {
        let path = key::host(slug);
        let (to, news) = self.leads(&path)?;
        if news {
            self.0.remember(path, Cached::Host(to.clone()), 16);
        }
        Ok(to)
    }
    /// Makes `slug` lead nowhere.
    pub fn remove_host(&self, slug: &str) -> Result<()> {
        self.lead(HostName::Slug(slug.to_string()), None)
    }
    /// Makes a whole name lead somewhere.
    pub fn put_domain(&self, name: &DomainName, to: &Hosted) -> Result<()> {
        self.lead(HostName::Domain(name.clone()), Some(to))
    }
    /// Where a whole name leads. Any text may be asked for.
    pub fn domain(&self, name: &str) -> Result<Option<Hosted>> {
        let path = key::domain(name);
        let (to, news) = self.leads(&path)?;
        // Names that lead nowhere are without number: whoever makes them up shall not drive out what is read.
        if news && to.is_some() {
            self.0.remember(path, Cached::Host(to.clone()), 16);
        }
        Ok(to)
    }
    /// Makes a whole name lead nowhere.
    pub fn remove_domain(&self, name: &DomainName) -> Result<()> {
        self.lead(HostName::Domain(name.clone()), None)
    }
    fn lead(&self, host: HostName, to: Option<&Hosted>) -> Result<()> {
        let path = host.path();
        let was = self.leads(&path).ok().and_then(|(to, _)| to);
        match to {
            Some(to) => self.0.place.write(&path, to.to_text().as_bytes(), Replaced::AtOnce)?,
            None => self.0.place.delete(&path)?,
        }
        self.0.remember(path, Cached::Host(to.cloned()), 16);
        self.0.tell(Change::Host(host, to.cloned(), was.map(|was| was.wiki)));
        Ok(())
    }
    /// Where a host leads, and whether that is worth remembering.
    fn leads(&self, path: &str) -> Result<(Option<Hosted>, bool)> {
        if self.0.keeps_manifests()
            && let Some(Cached::Host(to)) = self.0.cached(path)
        {
            return Ok((to, false));
        }
        let to = self.0.place.read(path)?.and_then(|bytes| Hosted::from_bytes(&bytes));
        Ok((to, self.0.keeps_manifests()))
    }
    /// Removes everything of a wiki, its shared manifest first: readers see it go at once.
    pub fn remove_wiki(&self, wiki: WikiId) -> Result<()> {
        self.0.place.delete(&key::wiki(wiki))?;
        let prefix = format!("{wiki}/");
        self.0.place.delete_tree(&prefix)?;
        self.0.published().remove(&wiki);
        self.0.cache().retain(|path| !path.starts_with(&prefix));
        self.0.tell(Change::Wiki(wiki));
        Ok(())
    }
    pub(crate) fn read_file(&self, path: &str) -> Result<Option<bytes::Bytes>> {
        self.0.place.read(path)
    }
    pub(crate) fn write_mark(&self, path: &str, mark: &str) -> Result<()> {
        self.0.place.write(path, mark.as_bytes(), Replaced::AtOnce)
    }
    /// Removes fragments that no manifest names and that were written before `older_than`. Returns how many went. The caller holds the wiki's
    /// publish lock: a page being published has fragments that no manifest names yet.
    pub fn sweep(&self, wiki: WikiId, older_than: SystemTime) -> Result<usize> {
        let mut named = BTreeSet::new();
        for path in self.0.place.list(&key::pages(wiki))? {
            let Some(bytes) = self.0.place.read(&path)? else { continue };
            // A manifest that cannot be read may name anything: keep all.
            named.extend(PageManifest::from_bytes(&bytes)?.fragments().map(|name| key::object(wiki, name)));
        }
        if let Some(shared) = self.wiki(wiki)? {
            named.extend(shared.fragments().chain([&shared.frame]).map(|name| key::object(wiki, name)));
        }
        let mut swept = 0;
        for path in self.0.place.list(&key::objects(wiki))? {
            if !named.contains(&path) && self.0.place.written_before(&path, older_than) {
                self.0.place.delete(&path)?;
                self.0.cache().remove(&path);
                swept += 1;
            }
        }
        self.0.place.remove_strays(&key::pages(wiki), older_than)?;
        Ok(swept)
    }
}

impl Inner {
    fn keeps_manifests(&self) -> bool {
        !self.is_shared && !matches!(self.place, Place::Foreign(_) | Place::Fetched(_))
    }
    fn tell(&self, change: Change) {
        if let Some(observer) = self.observer.get() {
            observer(change);
        }
    }
    fn published(&self) -> MutexGuard<'_, HashMap<WikiId, Changed>> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn tell_page(&self, wiki: WikiId, page: &PageKey, paths: Vec<String>) {
        if self.observer.get().is_some() {
            self.published().entry(wiki).or_default().entry(page.clone()).or_default().extend(paths.iter().cloned());
        }
        self.tell(Change::Page(wiki, page.clone(), paths));
    }
    fn cache(&self) -> MutexGuard<'_, Cache<String, Cached>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn cached(&self, path: &str) -> Option<Cached> {
        self.cache().get(path).cloned()
    }
    fn remember(&self, path: String, value: Cached, bytes: usize) {
        let bytes = bytes + path.len();
        self.cache().put(path, value, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Slot;
    use holt_core::{PagePath, RevisionId};

    fn page(store: &FragmentStore, wiki: WikiId, text: &str) -> PageManifest {
        let main = store.put(wiki, Kind::Html, &Fragment::new(text.to_string())).unwrap();
        let source = store.put(wiki, Kind::Source, &Fragment::new(text.to_string())).unwrap();
        PageManifest::new("Guide".into(), RevisionId::from_bytes([1; 20]), vec![(Slot::Main, main)], source)
    }

    #[test]
    fn folder_and_memory_answer_alike() {
        let dir = tempfile::tempdir().unwrap();
        let (wiki, other) = (WikiId::from_random(1), WikiId::from_random(2));
        let key = PagePath::parse("guide").unwrap().key();
        for store in [FragmentStore::memory(), FragmentStore::folder(dir.path())] {
            assert!(store.page(wiki, &key).unwrap().is_none());
            let first = page(&store, wiki, "one");
            store.put_page(wiki, &key, &first).unwrap();
            assert_eq!(*store.page(wiki, &key).unwrap().unwrap(), first, "{store:?}: readers of this process see it at once");
            assert!(store.page(other, &key).unwrap().is_none());
            assert!(store.get(other, &first.source).unwrap().is_none(), "a name of one wiki says nothing in another");
            let second = page(&store, wiki, "two");
            store.put_page(wiki, &key, &second).unwrap();
            assert_eq!(store.sweep(wiki, SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 34)).unwrap(), 2);
            assert!(store.get(wiki, &first.source).unwrap().is_none());
            assert_eq!(store.get(wiki, &second.source).unwrap().unwrap().raw(), "two");
            assert_eq!(store.pages(wiki).unwrap(), std::slice::from_ref(&key));
            store.put_host("docs", wiki).unwrap();
            assert_eq!((store.host("docs").unwrap(), store.host("other").unwrap()), (Some(wiki), None));
            let (name, moved) = (DomainName::parse("wiki.example.org").unwrap(), Some("wiki.example.org".into()));
            assert_eq!(store.domain("wiki.example.org").unwrap(), None);
            store.put_domain(&name, &Hosted::at_home(wiki)).unwrap();
            store.put_hosted("docs", &Hosted { wiki, moved: moved.clone() }).unwrap();
            assert_eq!(store.domain("wiki.example.org").unwrap(), Some(Hosted::at_home(wiki)));
            assert_eq!((store.hosted("docs").unwrap().unwrap().moved, store.host("wiki.example.org").unwrap()), (moved, None));
            store.remove_domain(&name).unwrap();
            assert_eq!(store.domain("wiki.example.org").unwrap(), None);
            store.remove_page(wiki, &key).unwrap();
            assert!(store.page(wiki, &key).unwrap().is_none());
            store.put_page(wiki, &key, &second).unwrap();
            store.remove_wiki(wiki).unwrap();
            assert!(store.page(wiki, &key).unwrap().is_none() && store.pages(wiki).unwrap().is_empty());
        }
    }

    #[test]
    fn another_process_sees_changes() {
        let dir = tempfile::tempdir().unwrap();
        let wiki = WikiId::from_random(1);
        let key = PagePath::parse("guide").unwrap().key();
        let (writer, reader) = (FragmentStore::folder(dir.path()), FragmentStore::foreign_folder(dir.path()));
        assert!(reader.page(wiki, &key).unwrap().is_none());
        for text in ["one", "two"] {
            let manifest = page(&writer, wiki, text);
            writer.put_page(wiki, &key, &manifest).unwrap();
            assert_eq!(*reader.page(wiki, &key).unwrap().unwrap(), manifest);
        }
        assert!(reader.remove_page(wiki, &key).is_err());
    }

    #[test]
    fn what_a_crash_tore_is_absent_and_mended_by_publishing_again() {
        let dir = tempfile::tempdir().unwrap();
        let wiki = WikiId::from_random(1);
        let key = PagePath::parse("guide").unwrap().key();
        let manifest = page(&FragmentStore::folder(dir.path()), wiki, "text");
        FragmentStore::folder(dir.path()).put_page(wiki, &key, &manifest).unwrap();
        for path in [key::object(wiki, &manifest.source), key::page(wiki, &key)] {
            let file = dir.path().join(path);
            let bytes = std::fs::read(&file).unwrap();
            for length in 0..bytes.len() {
                std::fs::write(&file, &bytes[..length]).unwrap();
                let store = FragmentStore::folder(dir.path());
                let complete = store.page(wiki, &key).unwrap().is_some() && store.get(wiki, &manifest.source).unwrap().is_some();
                assert!(!complete, "cut to {length}");
            }
            let store = FragmentStore::folder(dir.path());
            let again = page(&store, wiki, "text");
            store.put_page(wiki, &key, &again).unwrap();
            assert!(store.page(wiki, &key).unwrap().is_some() && store.get(wiki, &manifest.source).unwrap().is_some());
        }
    }
}
