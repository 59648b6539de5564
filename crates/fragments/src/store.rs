//! Where published wikis are kept: a folder, or memory. A bounded cache stands before the folder; whoever publishes in this process writes
//! through it, so that its readers never see an old manifest.
//!
//! Nothing here is synced: it can all be made again, and what a power cut tears is noticed by length and checksum and counts as absent.

use crate::cache::Cache;
use crate::fragment::Fragment;
use crate::frame::Frame;
use crate::key::{self, FragmentKey, Kind};
use crate::manifest::{PageManifest, WikiManifest, wiki_id};
use bytes::Bytes;
use holt_core::{DomainName, Error, PageKey, Result, WikiId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// How much memory the cache of a folder takes at most, in bytes.
pub const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// A store of published wikis. Clones share it.
#[derive(Clone)]
pub struct FragmentStore(Arc<Inner>);

struct Inner {
    place: Place,
    cache: Mutex<Cache<String, Cached>>,
    temporary: AtomicU64,
}

enum Place {
    Memory(Mutex<BTreeMap<String, Bytes>>),
    Folder(PathBuf),
    /// Written by another process: what can change is read anew each time.
    Foreign(PathBuf),
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
    fn to_text(&self) -> String {
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
    Page(Option<Arc<PageManifest>>),
    Wiki(Option<Arc<WikiManifest>>),
    Host(Option<Hosted>),
}

impl std::fmt::Debug for FragmentStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0.place {
            Place::Memory(_) => f.write_str("FragmentStore(memory)"),
            Place::Folder(dir) | Place::Foreign(dir) => write!(f, "FragmentStore({})", dir.display()),
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
        Self::new(Place::Folder(dir.to_path_buf()))
    }
    /// A folder that another process writes.
    pub fn foreign_folder(dir: &Path) -> Self {
        Self::new(Place::Foreign(dir.to_path_buf()))
    }
    fn new(place: Place) -> Self {
        Self(Arc::new(Inner { place, cache: Mutex::new(Cache::new(CACHE_BYTES)), temporary: AtomicU64::new(0) }))
    }

    /// Stores a fragment under the name its content gives it. Storing it again does nothing.
    pub fn put(&self, wiki: WikiId, kind: Kind, fragment: &Fragment) -> Result<FragmentKey> {
        let name = FragmentKey::of(wiki, kind, fragment.raw());
        let path = key::object(wiki, &name);
        if !self.0.exists(&path) {
            self.0.write(&path, &fragment.to_bytes(), Replaced::Never)?;
        }
        Ok(name)
    }
    /// A fragment, or `None` if it is missing or damaged.
    pub fn get(&self, wiki: WikiId, name: &FragmentKey) -> Result<Option<Arc<Fragment>>> {
        let path = key::object(wiki, name);
        if let Some(Cached::Fragment(fragment)) = self.0.cached(&path) {
            return Ok(Some(fragment));
        }
        let Some(fragment) = self.0.read(&path)?.and_then(|bytes| Fragment::from_bytes(&bytes).ok()) else { return Ok(None) };
        let fragment = Arc::new(fragment);
        self.0.remember(path, Cached::Fragment(fragment.clone()), fragment.weight());
        Ok(Some(fragment))
    }
    /// Stores a frame.
    pub fn put_frame(&self, wiki: WikiId, frame: &Frame) -> Result<FragmentKey> {
        let bytes = frame.to_bytes();
        let name = FragmentKey::of(wiki, Kind::Frame, &bytes);
        let path = key::object(wiki, &name);
        if !self.0.exists(&path) {
            self.0.write(&path, &bytes, Replaced::Never)?;
        }
        Ok(name)
    }
    /// A frame, or `None` if it is missing or damaged.
    pub fn frame(&self, wiki: WikiId, name: &FragmentKey) -> Result<Option<Arc<Frame>>> {
        let path = key::object(wiki, name);
        if let Some(Cached::Frame(frame)) = self.0.cached(&path) {
            return Ok(Some(frame));
        }
        let Some(frame) = self.0.read(&path)?.and_then(|bytes| Frame::from_bytes(&bytes).ok()) else { return Ok(None) };
        let frame = Arc::new(frame);
        self.0.remember(path, Cached::Frame(frame.clone()), frame.weight());
        Ok(Some(frame))
    }
    /// Publishes a page: from here on readers see it. All its fragments are stored before.
    pub fn put_page(&self, wiki: WikiId, page: &PageKey, manifest: &PageManifest) -> Result<()> {
        let path = key::page(wiki, page);
        self.0.write(&path, &manifest.to_bytes(), Replaced::AtOnce)?;
        self.0.remember(path, Cached::Page(Some(Arc::new(manifest.clone()))), manifest.weight());
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
        let manifest = self.0.read(&path)?.and_then(|bytes| PageManifest::from_bytes(&bytes).ok()).map(Arc::new);
        // Hash names could meet by design of an attacker; the manifest says whose it is.
        let manifest = manifest.filter(|m| m.page_path().is_ok_and(|p| p.key() == *page));
        self.0.remember(path, Cached::Page(manifest.clone()), manifest.as_ref().map_or(0, |m| m.weight()));
        Ok(manifest)
    }
    /// Takes a page off. Nothing happens if it is not there.
    pub fn remove_page(&self, wiki: WikiId, page: &PageKey) -> Result<()> {
        let path = key::page(wiki, page);
        self.0.delete(&path)?;
        self.0.remember(path, Cached::Page(None), 0);
        Ok(())
    }
    /// Keys of all published pages.
    pub fn pages(&self, wiki: WikiId) -> Result<Vec<PageKey>> {
        let mut keys = Vec::new();
        for path in self.0.list(&key::pages(wiki))? {
            let manifest = self.0.read(&path)?.and_then(|bytes| PageManifest::from_bytes(&bytes).ok());
            keys.extend(manifest.and_then(|m| m.page_path().ok()).map(|path| path.key()));
        }
        Ok(keys)
    }
    /// Stores what the pages of a wiki share.
    pub fn put_wiki(&self, manifest: &WikiManifest) -> Result<()> {
        let path = key::wiki(manifest.wiki);
        self.0.write(&path, &manifest.to_bytes(), Replaced::AtOnce)?;
        self.0.remember(path, Cached::Wiki(Some(Arc::new(manifest.clone()))), 512);
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
        let manifest = self.0.read(&path)?.and_then(|bytes| WikiManifest::from_bytes(&bytes).ok()).filter(|m| m.wiki == wiki).map(Arc::new);
        self.0.remember(path, Cached::Wiki(manifest.clone()), 512);
        Ok(manifest)
    }
    /// Makes `slug` lead to `wiki`.
    pub fn put_host(&self, slug: &str, wiki: WikiId) -> Result<()> {
        self.put_hosted(slug, &Hosted::at_home(wiki))
    }
    /// Makes `slug` lead somewhere.
    pub fn put_hosted(&self, slug: &str, to: &Hosted) -> Result<()> {
        self.put_lead(key::host(slug), to)
    }
    /// The wiki that `slug` leads to.
    pub fn host(&self, slug: &str) -> Result<Option<WikiId>> {
        Ok(self.hosted(slug)?.map(|to| to.wiki))
    }
    /// Where `slug` leads.
    pub fn hosted(&self, slug: &str) -> Result<Option<Hosted>> {
        let path = key::host(slug);
        let (to, news) = self.lead(&path)?;
        if news {
            self.0.remember(path, Cached::Host(to.clone()), 16);
        }
        Ok(to)
    }
    /// Makes `slug` lead nowhere.
    pub fn remove_host(&self, slug: &str) -> Result<()> {
        self.remove_lead(key::host(slug))
    }
    /// Makes a whole name lead somewhere.
    pub fn put_domain(&self, name: &DomainName, to: &Hosted) -> Result<()> {
        self.put_lead(key::domain(name.as_str()), to)
    }
    /// Where a whole name leads. Any text may be asked for.
    pub fn domain(&self, name: &str) -> Result<Option<Hosted>> {
        let path = key::domain(name);
        let (to, news) = self.lead(&path)?;
        // Names that lead nowhere are without number: whoever makes them up shall not drive out what is read.
        if news && to.is_some() {
            self.0.remember(path, Cached::Host(to.clone()), 16);
        }
        Ok(to)
    }
    /// Makes a whole name lead nowhere.
    pub fn remove_domain(&self, name: &DomainName) -> Result<()> {
        self.remove_lead(key::domain(name.as_str()))
    }
    fn put_lead(&self, path: String, to: &Hosted) -> Result<()> {
        self.0.write(&path, to.to_text().as_bytes(), Replaced::AtOnce)?;
        self.0.remember(path, Cached::Host(Some(to.clone())), 16);
        Ok(())
    }
    /// Where a host leads, and whether that was not in memory.
    fn lead(&self, path: &str) -> Result<(Option<Hosted>, bool)> {
        if self.0.keeps_manifests()
            && let Some(Cached::Host(to)) = self.0.cached(path)
        {
            return Ok((to, false));
        }
        Ok((self.0.read(path)?.and_then(|bytes| Hosted::from_bytes(&bytes)), true))
    }
    fn remove_lead(&self, path: String) -> Result<()> {
        self.0.delete(&path)?;
        self.0.remember(path, Cached::Host(None), 16);
        Ok(())
    }
    /// Removes everything of a wiki, its shared manifest first: readers see it go at once.
    pub fn remove_wiki(&self, wiki: WikiId) -> Result<()> {
        self.0.delete(&key::wiki(wiki))?;
        let prefix = format!("{wiki}/");
        self.0.delete_tree(&prefix)?;
        let mut cache = self.0.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.retain(|path| !path.starts_with(&prefix));
        Ok(())
    }
    /// Removes fragments that no manifest names and that were written before `older_than`. Returns how many went. The caller holds the wiki's
    /// publish lock: a page being published has fragments that no manifest names yet.
    pub fn sweep(&self, wiki: WikiId, older_than: SystemTime) -> Result<usize> {
        let mut named = BTreeSet::new();
        for path in self.0.list(&key::pages(wiki))? {
            let Some(bytes) = self.0.read(&path)? else { continue };
            // A manifest that cannot be read may name anything: keep all.
            named.extend(PageManifest::from_bytes(&bytes)?.fragments().map(|name| key::object(wiki, name)));
        }
        if let Some(shared) = self.wiki(wiki)? {
            named.extend([&shared.frame, &shared.not_found].map(|name| key::object(wiki, name)));
        }
        let mut swept = 0;
        for path in self.0.list(&key::objects(wiki))? {
            if !named.contains(&path) && self.0.written_before(&path, older_than) {
                self.0.delete(&path)?;
                let mut cache = self.0.cache.lock().unwrap_or_else(PoisonError::into_inner);
                cache.remove(&path);
                swept += 1;
            }
        }
        self.0.remove_strays(&key::pages(wiki), older_than)?;
        Ok(swept)
    }
}

/// How files being written are called until they are whole.
const TEMPORARY: &str = "tmp-";

/// Whether a name may get another content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replaced {
    /// The name is made from the content.
    Never,
    /// Readers see the old content or the new one.
    AtOnce,
}

impl Inner {
    fn keeps_manifests(&self) -> bool {
        !matches!(self.place, Place::Foreign(_))
    }
    fn cached(&self, path: &String) -> Option<Cached> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(path)
    }
    fn remember(&self, path: String, value: Cached, bytes: usize) {
        let bytes = bytes + path.len();
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).put(path, value, bytes);
    }
    fn exists(&self, path: &str) -> bool {
        match &self.place {
            Place::Memory(files) => files.lock().unwrap_or_else(PoisonError::into_inner).contains_key(path),
            // A file of another length was torn by a crash: it is written again. Reading checks the rest.
            Place::Folder(dir) | Place::Foreign(dir) => std::fs::read(dir.join(path)).is_ok_and(|bytes| whole(&bytes.into())),
        }
    }
    fn read(&self, path: &str) -> Result<Option<Bytes>> {
        match &self.place {
            Place::Memory(files) => Ok(files.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()),
            Place::Folder(dir) | Place::Foreign(dir) => match std::fs::read(dir.join(path)) {
                Ok(bytes) => Ok(Some(bytes.into())),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Error::io("read a published file", error)),
            },
        }
    }
    fn write(&self, path: &str, bytes: &[u8], replaced: Replaced) -> Result<()> {
        let dir = match &self.place {
            Place::Memory(files) => {
                files.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_string(), Bytes::copy_from_slice(bytes));
                return Ok(());
            }
            Place::Folder(dir) => dir,
            Place::Foreign(_) => return Err(Error::internal("write to a store that belongs to another process")),
        };
        let target = dir.join(path);
        // Beside the target: two threads that rename out of one directory wait for each other.
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = target.with_file_name(format!("{TEMPORARY}{}-{number}", std::process::id()));
        let place = || match replaced {
            // Nobody knows its name yet; what a crash tears is noticed by its checksums and written again.
            Replaced::Never => std::fs::write(&target, bytes),
            Replaced::AtOnce => {
                std::fs::write(&temporary, bytes)?;
                std::fs::rename(&temporary, &target)
            }
        };
        let placed = match place() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                target.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| place())
            }
            other => other,
        };
        placed.map_err(|error| {
            let _ = std::fs::remove_file(if replaced == Replaced::Never { &target } else { &temporary });
            Error::io("publish a file", error)
        })
    }
    fn delete(&self, path: &str) -> Result<()> {
        match &self.place {
            Place::Memory(files) => {
                files.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
                Ok(())
            }
            Place::Foreign(_) => Err(Error::internal("write to a store that belongs to another process")),
            Place::Folder(dir) => match std::fs::remove_file(dir.join(path)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("take a published file off", error)),
                _ => Ok(()),
            },
        }
    }
    fn delete_tree(&self, prefix: &str) -> Result<()> {
        match &self.place {
            Place::Memory(files) => {
                files.lock().unwrap_or_else(PoisonError::into_inner).retain(|path, _| !path.starts_with(prefix));
                Ok(())
            }
            Place::Foreign(_) => Err(Error::internal("write to a store that belongs to another process")),
            Place::Folder(dir) => match std::fs::remove_dir_all(dir.join(prefix)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("take a published wiki off", error)),
                _ => Ok(()),
            },
        }
    }
    /// Every file below `prefix`, which has one level of directories.
    fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let dir = match &self.place {
            Place::Memory(files) => {
                let files = files.lock().unwrap_or_else(PoisonError::into_inner);
                return Ok(files.keys().filter(|path| path.starts_with(prefix)).cloned().collect());
            }
            Place::Folder(dir) | Place::Foreign(dir) => dir,
        };
        let mut paths = Vec::new();
        for fan in names(&dir.join(prefix))? {
            let files = names(&dir.join(prefix).join(&fan))?;
            paths.extend(files.into_iter().filter(|name| !name.starts_with(TEMPORARY)).map(|name| format!("{prefix}/{fan}/{name}")));
        }
        Ok(paths)
    }
    /// Removes what a crash left of manifests being written.
    fn remove_strays(&self, prefix: &str, older_than: SystemTime) -> Result<()> {
        let Place::Folder(dir) = &self.place else { return Ok(()) };
        for fan in names(&dir.join(prefix))? {
            for name in names(&dir.join(prefix).join(&fan))?.into_iter().filter(|name| name.starts_with(TEMPORARY)) {
                let path = format!("{prefix}/{fan}/{name}");
                if self.written_before(&path, older_than) {
                    self.delete(&path)?;
                }
            }
        }
        Ok(())
    }
    fn written_before(&self, path: &str, when: SystemTime) -> bool {
        match &self.place {
            Place::Memory(_) => true,
            Place::Folder(dir) | Place::Foreign(dir) => {
                dir.join(path).metadata().and_then(|m| m.modified()).is_ok_and(|written| written < when)
            }
        }
    }
}

fn whole(bytes: &Bytes) -> bool {
    Fragment::from_bytes(bytes).is_ok() || Frame::from_bytes(bytes).is_ok()
}

fn names(dir: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list published files", error)),
    };
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
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
            assert_eq!(store.sweep(wiki, SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1 << 34)).unwrap(), 2);
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
