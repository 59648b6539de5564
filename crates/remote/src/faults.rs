//! What publishing leaves behind when the store, or the process, fails in the middle.

use crate::verify::Differences;
use crate::{Care, Fetcher, Remote, Use};
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use holt_core::{PagePath, RevisionId, Visibility, WikiId};
use holt_fragments::export::{File, names};
use holt_fragments::{Answer, Forms, Fragment, FragmentStore, Frame, Freshness, Kind, PageManifest, Slot, WikiManifest};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// A store that does so many changes, and then none any more; and that says nothing to questions, as long as it is told to.
#[derive(Debug)]
struct Dying {
    store: Arc<InMemory>,
    changes: AtomicUsize,
    /// How many are left.
    left: AtomicUsize,
    asked: AtomicUsize,
    silent: AtomicBool,
}

impl Dying {
    fn new(store: Arc<InMemory>, changes: usize) -> Arc<Self> {
        let (left, silent) = (AtomicUsize::new(changes), AtomicBool::new(false));
        Arc::new(Self { store, changes: AtomicUsize::new(0), left, asked: AtomicUsize::new(0), silent })
    }
    fn change(&self) -> Result<()> {
        let alive = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if !alive {
            return Err(object_store::Error::Generic { store: "dying", source: "the process is gone".into() });
        }
        self.changes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl fmt::Display for Dying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dying")
    }
}

#[async_trait]
impl ObjectStore for Dying {
    async fn put_opts(&self, at: &Path, bytes: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.change()?;
        self.store.put_opts(at, bytes, options).await
    }
    async fn put_multipart_opts(&self, at: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(at, options).await
    }
    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.store.get_opts(at, options).await
    }
    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        match self.change() {
            Ok(()) => self.store.delete_stream(paths),
            Err(error) => futures_util::stream::once(async { Err(error) }).boxed(),
        }
    }
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }
    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }
    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

fn remote(store: Arc<dyn ObjectStore>, usage: Use) -> Remote {
    Remote {
        store,
        prefix: Path::from("w"),
        patience: usage.whole(),
        rest: Arc::default(),
        resting: Duration::ZERO,
        usage,
        care: Care::Manifests,
    }
}

/// A publisher that dies after so many changes, and the store it leaves behind.
fn publisher(store: &Arc<InMemory>, changes: usize) -> (Remote, Arc<Dying>) {
    let dying = Dying::new(store.clone(), changes);
    (remote(dying.clone(), Use::Publishing), dying)
}

const WIKI: u64 = 5;

fn wiki() -> WikiId {
    WikiId::from_random(WIKI)
}

/// A wiki as it is published here: pages with their texts, and a frame that names them all.
fn here(pages: &[(&str, &str)]) -> FragmentStore {
    let store = FragmentStore::memory();
    for (path, text) in pages {
        let put = |kind, text: String| store.put(wiki(), kind, &Fragment::new(text)).unwrap();
        let slots = vec![(Slot::Main, put(Kind::Html, format!("<p>{text}")))];
        let manifest = PageManifest::new((*path).into(), RevisionId::from_bytes([1; 20]), slots, put(Kind::Source, (*text).into()));
        store.put_page(wiki(), &PagePath::parse(path).unwrap().key(), &manifest).unwrap();
    }
    let tree: String = pages.iter().map(|(path, _)| format!("<a>{path}</a>")).collect();
    let slots: String = Slot::ALL.map(|slot| format!("<!--slot:{}-->", slot.name())).concat();
    let frame = store.put_frame(wiki(), &Frame::parse(&format!("{tree}{slots}")).unwrap()).unwrap();
    let not_found = store.put(wiki(), Kind::Html, &Fragment::new("<p>Not here")).unwrap();
    let shared = WikiManifest {
        wiki: wiki(),
        visibility: Visibility::Public,
        epoch: 1,
        generation: 1,
        revision: None,
        settings: 1,
        publisher: 1,
        forms: Forms::Gzip,
        frame,
        not_found,
        not_found_head: None,
        redirects: None,
        home: None,
    };
    store.put_wiki(&shared).unwrap();
    store
}

/// What a new reader sees there: the texts of these pages that are shown, and the tree.
async fn there(store: &Arc<InMemory>, pages: &[&str]) -> (BTreeMap<String, String>, String) {
    let (remote, _) = publisher(store, 0);
    let reader = FragmentStore::fetched(Freshness { fresh: Duration::from_secs(60), stale: Duration::ZERO }, || 0);
    loop {
        let shared = reader.wiki(wiki());
        let mut texts = BTreeMap::new();
        for path in pages {
            if let Ok(Some(page)) = reader.page(wiki(), &PagePath::parse(path).unwrap().key()) {
                let source = reader.part(wiki(), &page, &page.source);
                let main = reader.part(wiki(), &page, page.slot(Slot::Main).unwrap());
                if let (Ok(source), Ok(main)) = (source, main) {
                    let (source, main) = (source.expect("a page is whole"), main.expect("a page is whole"));
                    let text = String::from_utf8(source.raw().to_vec()).unwrap();
                    assert_eq!(main.raw(), format!("<p>{text}").as_bytes(), "of one revision");
                    texts.insert((*path).to_string(), text);
                }
            }
        }
        let frame = shared.ok().flatten().map(|shared| reader.frame(wiki(), &shared.frame));
        let wanted = reader.wanted();
        if wanted.is_empty() {
            let frame = frame.map(|frame| frame.unwrap().expect("a frame is whole"));
            return (texts, frame.map(|frame| String::from_utf8_lossy(&frame.to_bytes()).into_owned()).unwrap_or_default());
        }
        assert!(remote.fetch(&reader, &wanted).await);
    }
}

const OLD: &[(&str, &str)] = &[("A", "a one"), ("B", "b one"), ("C", "c one")];
const NEW: &[(&str, &str)] = &[("A", "a two"), ("B", "b one"), ("D", "d two")];
const ALL: &[&str] = &["A", "B", "C", "D"];

fn texts(pages: &[(&str, &str)]) -> BTreeMap<String, String> {
    pages.iter().map(|(path, text)| ((*path).to_string(), (*text).to_string())).collect()
}

/// However far a publisher came, every page is whole, the old one or the new one, every page of the tree is there, and whoever goes on
/// finishes.
#[tokio::test]
async fn a_publisher_may_die_between_any_two_changes() {
    let (old, new) = (here(OLD), here(NEW));
    let changed: BTreeSet<_> = ["A", "C", "D"].iter().map(|path| PagePath::parse(path).unwrap().key()).collect();
    for comparing in [true, false] {
        for changes in 0.. {
            let store = Arc::new(InMemory::new());
            let (first, _) = publisher(&store, usize::MAX);
            first.ship_wiki(&old, wiki(), || ()).await.unwrap();
            assert_eq!(there(&store, ALL).await.0, texts(OLD));
            let (dying, counted) = publisher(&store, changes);
            let result = match comparing {
                true => dying.ship_wiki(&new, wiki(), || ()).await.map(|compared| compared.shipped),
                false => dying.ship_pages(&new, wiki(), &changed).await,
            };
            let (seen, tree) = there(&store, ALL).await;
            for (path, text) in &seen {
                let was = [OLD, NEW].iter().any(|pages| pages.contains(&(path.as_str(), text.as_str())));
                assert!(was, "after {changes}: {path} is {text}");
            }
            for path in ALL.iter().filter(|path| tree.contains(&format!("<a>{path}</a>"))) {
                assert!(seen.contains_key(*path), "after {changes}: {path} is in the tree and not there");
            }
            let (again, _) = publisher(&store, usize::MAX);
            again.ship_wiki(&new, wiki(), || ()).await.unwrap();
            assert_eq!(there(&store, ALL).await.0, texts(NEW), "after {changes}, and once more");
            if result.is_ok() {
                // Two pages with their packs, a frame and the wiki's manifest; the words for a missing page are the same. One page off.
                assert!(counted.changes.load(Ordering::SeqCst) >= 7, "{counted:?}");
                break;
            }
        }
    }
}

/// Issue 8: a change of a page's text is two files.
#[tokio::test]
async fn a_change_of_a_text_is_a_pack_and_a_manifest() {
    let store = Arc::new(InMemory::new());
    publisher(&store, usize::MAX).0.ship_wiki(&here(OLD), wiki(), || ()).await.unwrap();
    let (remote, counted) = publisher(&store, usize::MAX);
    let pages = BTreeSet::from([PagePath::parse("B").unwrap().key()]);
    let edited = here(&[("A", "a one"), ("B", "b three"), ("C", "c one")]);
    let done = remote.ship_pages(&edited, wiki(), &pages).await.unwrap();
    assert_eq!((done.put, done.removed, counted.changes.load(Ordering::SeqCst)), (2, 0, 2));
    assert_eq!(remote.ship_wiki(&edited, wiki(), || ()).await.unwrap().shipped, Default::default(), "and nothing is left to do");
}

#[tokio::test]
async fn a_wiki_that_is_gone_leaves_nothing() {
    let store = Arc::new(InMemory::new());
    let (remote, _) = publisher(&store, usize::MAX);
    let local = here(OLD);
    remote.ship_wiki(&local, wiki(), || ()).await.unwrap();
    assert!(remote.list(&names::everything(wiki())).await.unwrap().len() > 6);
    local.remove_wiki(wiki()).unwrap();
    remote.ship_wiki(&local, wiki(), || ()).await.unwrap();
    assert_eq!(remote.list(&names::everything(wiki())).await.unwrap(), []);
}

/// Of a wiki that was deleted while nobody published, everything goes, however often whoever removes it dies; and nothing goes that is another wiki's, another
/// installation's in the same bucket, or of another make.
#[tokio::test]
async fn what_is_of_a_deleted_wiki_is_found_and_removed_and_nothing_else() {
    for prefix in ["", "ours", "ours/wikis"] {
        let store = Arc::new(InMemory::new());
        let at = |changes| Remote { prefix: Path::from(prefix), ..publisher(&store, changes).0 };
        let remote = at(usize::MAX);
        remote.ship_wiki(&here(OLD), wiki(), || ()).await.unwrap();
        remote.ship_assets().await.unwrap();
        let other = WikiId::from_random(77);
        let elsewhere = Remote { prefix: Path::from("theirs"), ..remote.clone() };
        elsewhere.ship_wiki(&here(OLD), wiki(), || ()).await.unwrap();
        // Another one, whose path is called like our wiki.
        let below = Remote { prefix: Path::from_iter(remote.at(&wiki().to_string()).parts()), ..remote.clone() };
        below.ship_wiki(&here(OLD), wiki(), || ()).await.unwrap();
        let file = |path: String| File { path, bytes: "x".into() };
        for path in
            [format!("{other}/w"), format!("{}/notes.txt", wiki()), "hosts/0123456789abcdef0123456789abcdef".into(), "notes.txt".into()]
        {
            remote.put(&file(path)).await.unwrap();
        }
        let all = || async { store.list(None).map(|meta| meta.unwrap().location.to_string()).collect::<BTreeSet<String>>().await };
        let mut wikis = remote.wikis_there().await.unwrap();
        wikis.sort();
        assert_eq!(wikis, BTreeSet::from([wiki(), other]).into_iter().collect::<Vec<_>>(), "{prefix}");
        let (before, ours) = (all().await, remote.files_of(wiki()).await.unwrap());
        assert!(ours.len() > 6 && ours.contains(&names::wiki(wiki())));
        let mut tries = 0;
        for changes in 0.. {
            tries = changes;
            // One that dies after so many, each time going on where the last one stopped; the first change is that nobody sees the rest.
            if at(changes.min(2)).forget_wiki(wiki()).await.is_ok() && changes > 0 {
                break;
            }
            let left = remote.files_of(wiki()).await.unwrap();
            assert!(changes == 0 || !left.contains(&names::wiki(wiki())), "{left:?}");
        }
        assert!(tries > 2, "it died now and then");
        assert_eq!(remote.files_of(wiki()).await.unwrap(), Vec::<String>::new());
        let gone: BTreeSet<String> = ours.iter().map(|path| remote.at(path).to_string()).collect();
        assert_eq!(all().await, before.difference(&gone).cloned().collect(), "{prefix}");
        assert_eq!(remote.forget_wiki(wiki()).await.unwrap(), 0);
    }
}

/// Only the server answers pages with readers of their own: nothing of their text is anywhere else.
#[tokio::test]
async fn pages_with_readers_of_their_own_stay_here() {
    let local = here(OLD);
    let key = PagePath::parse("B").unwrap().key();
    let manifest = local.page(wiki(), &key).unwrap().unwrap();
    let own = PageManifest { readers: holt_fragments::Readers::OfItsOwn, ..(*manifest).clone() };
    local.put_page(wiki(), &key, &own).unwrap();
    let store = Arc::new(InMemory::new());
    let (remote, _) = publisher(&store, usize::MAX);
    remote.ship_wiki(&local, wiki(), || ()).await.unwrap();
    let mut shown = 0;
    for (path, _) in remote.list(&names::everything(wiki())).await.unwrap() {
        let Answer::Found(bytes, _) = remote.get(&path, None).await else { panic!("{path}") };
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
        assert!(!holds(b"b one"), "{path}");
        shown += usize::from(holds(b"a one"));
    }
    assert_eq!(shown, 1, "the control");
}

/// What `holt publish --verify` finds: each way in which a store can differ, and nothing where it does not.
#[tokio::test]
async fn what_differs_is_found() {
    let store = Arc::new(InMemory::new());
    let (remote, _) = publisher(&store, usize::MAX);
    let local = here(OLD);
    let nothing = || Differences { pages: OLD.len(), ..Differences::default() };
    let found = |local| remote.verify_wiki(local, wiki(), || ());
    let pages = OLD.len();
    assert_eq!(found(&local).await.unwrap(), Differences { pages, missing: pages, shared: true, ..Differences::default() });
    remote.ship_wiki(&local, wiki(), || ()).await.unwrap();
    assert_eq!(found(&local).await.unwrap(), nothing());
    assert!(!nothing().any());
    // A text that was changed since; a page that is there and not here.
    let newer = here(&[("A", "a one"), ("B", "b three"), ("C", "c one")]);
    assert_eq!(found(&newer).await.unwrap(), Differences { old: 1, ..nothing() });
    let fewer = here(&OLD[..pages - 1]);
    let differs = found(&fewer).await.unwrap();
    assert_eq!((differs.pages, differs.extra, differs.old + differs.missing), (pages - 1, 1, 0));
    // A pack that is damaged, and one that is gone.
    let exported = local.export_page(wiki(), &PagePath::parse("A").unwrap().key()).unwrap().unwrap();
    let mut pack = exported.named[0].clone();
    pack.bytes = pack.bytes.slice(1..);
    remote.put(&pack).await.unwrap();
    assert_eq!(found(&local).await.unwrap(), Differences { broken: 1, ..nothing() });
    remote.delete(&pack.path).await.unwrap();
    assert_eq!(found(&local).await.unwrap(), Differences { broken: 1, ..nothing() });
}

/// A page is several files, and each edge has many readers: one of them waits, once, and all go on with what is known.
#[tokio::test]
async fn readers_do_not_wait_for_a_store_that_hangs_more_than_once() {
    let silent = Dying::new(Arc::new(InMemory::new()), 0);
    let asked = || silent.asked.load(Ordering::SeqCst);
    let failed = |answer: Answer| matches!(answer, Answer::Failed);
    let reader = Remote { patience: Duration::from_millis(20), resting: Duration::from_secs(3600), ..remote(silent.clone(), Use::Reading) };
    assert!(matches!(reader.get("a", None).await, Answer::Missing));
    silent.silent.store(true, Ordering::SeqCst);
    for file in ["a", "b", "c", "d", "e", "f"] {
        assert!(failed(reader.clone().get(file, None).await));
    }
    assert_eq!(asked(), 2, "one found out");
    // When it has been left alone for long enough, one asks again, and the others go on without, meanwhile.
    let reader = Remote { resting: Duration::ZERO, patience: Duration::from_secs(3600), ..reader };
    *reader.rest.lock().unwrap() = Some(tokio::time::Instant::now());
    let waiting = reader.get("a", None);
    tokio::pin!(waiting);
    assert!(futures_util::poll!(&mut waiting).is_pending());
    assert!(failed(reader.get("b", None).await));
    assert_eq!(asked(), 3);
    // It is back: whoever asks finds out for everybody.
    silent.silent.store(false, Ordering::SeqCst);
    *reader.rest.lock().unwrap() = Some(tokio::time::Instant::now());
    assert!(matches!(reader.get("a", None).await, Answer::Missing));
    assert!(matches!(reader.get("b", None).await, Answer::Missing));
    // Who publishes waits, and asks each time.
    let publisher = remote(silent.clone(), Use::Publishing);
    *publisher.rest.lock().unwrap() = Some(tokio::time::Instant::now() + Duration::from_secs(3600));
    assert!(matches!(publisher.get("a", None).await, Answer::Missing));
}

/// A page that many people read at once is asked for once, whoever of them goes away meanwhile.
#[tokio::test]
async fn what_many_readers_want_is_fetched_once() {
    let silent = Dying::new(Arc::new(InMemory::new()), 0);
    let asked = || silent.asked.load(Ordering::SeqCst);
    silent.silent.store(true, Ordering::SeqCst);
    let store = FragmentStore::fetched(Freshness { fresh: Duration::from_secs(60), stale: Duration::ZERO }, || 0);
    let late = Remote { patience: Duration::from_millis(50), ..remote(silent.clone(), Use::Reading) };
    let fetcher = Fetcher::new(late.clone(), &store);
    let (wanted, other) = ([names::wiki(wiki())], ["hosts/0".to_string()]);
    let mut readers: Vec<_> = (0..10).map(|_| Box::pin(fetcher.fetch(&wanted))).collect();
    for reader in &mut readers {
        assert!(futures_util::poll!(reader).is_pending());
    }
    assert_eq!(asked(), 1);
    drop(readers.remove(0));
    assert_eq!(futures_util::future::join_all(readers).await, [false; 9], "the store does not answer");
    assert_eq!(asked(), 1);
    // Nobody waits for whoever asks a store that is late; and when it is back, it is asked again.
    *late.rest.lock().unwrap() = Some(tokio::time::Instant::now() + Duration::from_secs(3600));
    assert!(!fetcher.fetch(&wanted).await);
    assert_eq!(asked(), 1);
    *late.rest.lock().unwrap() = None;
    silent.silent.store(false, Ordering::SeqCst);
    assert!(fetcher.fetch(&wanted).await && fetcher.fetch(&other).await);
    assert_eq!((asked(), store.wiki(wiki()).unwrap()), (3, None));
    // What everybody went away from is begun anew.
    silent.silent.store(true, Ordering::SeqCst);
    for round in 4..6 {
        let reader = fetcher.fetch(&wanted);
        tokio::pin!(reader);
        assert!(futures_util::poll!(reader).is_pending());
        assert_eq!(asked(), round);
    }
}
