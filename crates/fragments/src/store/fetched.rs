//! Files of a store on another machine, as far as they were fetched. Reading never waits: what is not here, or no longer fresh, is noted as
//! wanted, and whoever asked fetches it and asks again. So the code that answers requests is the same for a folder and for an object store.
//!
//! Names that are made from their content stay; what can change is fresh for a short time, and may be used for longer while the store cannot
//! be asked, if the caller says so.

use crate::cache::Cache;
use bytes::Bytes;
use holt_core::{Error, Result};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How much memory names, manifests and what is known to be missing take at most, in bytes.
const HELD_BYTES: usize = 4 * 1024 * 1024;

/// How long it is believed that a host leads nowhere. Whoever makes a wiki has not asked for it before.
const NOWHERE: Duration = Duration::from_secs(5);

/// Hosts that lead nowhere and are asked for all the same: so many at once, and so many a second. Anybody can make up any number of them, and each
/// would be a request to the store.
const STRANGERS: f64 = 100.0;
const STRANGERS_A_SECOND: f64 = 10.0;

/// Milliseconds since some time in the past. They may go on while the process sleeps.
pub type Milliseconds = fn() -> u64;

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The file, and the tag by which the store can be asked whether it changed.
    Found(Bytes, Option<String>),
    /// There is no such file.
    Missing,
    /// It is as it was: RFC 9110 §15.4.5.
    Unchanged,
    /// The store could not be asked, or did not answer in time.
    Failed,
}

/// For how long answers of the store are used.
#[derive(Debug, Clone, Copy)]
pub struct Freshness {
    /// Without asking again.
    pub fresh: Duration,
    /// While the store cannot be asked.
    pub stale: Duration,
}

/// One reader's view: what it asked is its own, what was fetched is everybody's.
pub(super) struct Fetched {
    held: Arc<Held>,
    asked: Mutex<Asked>,
    /// Whether something was not even noted as wanted.
    refused: AtomicBool,
}

#[derive(Default)]
struct Asked {
    wanted: BTreeSet<String>,
    told: Told,
}

/// What a reader was told of files that can change: what they held, or that there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told(Vec<(String, Option<Bytes>)>);

impl Told {
    /// How much memory it takes, about.
    pub fn weight(&self) -> usize {
        self.0.iter().map(|(path, bytes)| path.len() + bytes.as_ref().map_or(0, Bytes::len) + 64).sum()
    }
}

struct Held {
    seen: Mutex<Cache<String, Seen>>,
    freshness: Freshness,
    now: Milliseconds,
    strangers: Mutex<Strangers>,
}

/// How many hosts may still be asked for of which nothing is known.
struct Strangers {
    left: f64,
    at: u64,
}

#[derive(Clone)]
struct Seen {
    bytes: Option<Bytes>,
    tag: Option<String>,
    /// When the store last said that this is so.
    confirmed: u64,
    /// Until when nobody asks again.
    fresh_until: u64,
}

impl Fetched {
    pub(super) fn new(freshness: Freshness, now: Milliseconds) -> Self {
        let strangers = Mutex::new(Strangers { left: STRANGERS, at: now() });
        let held = Held { seen: Mutex::new(Cache::new(HELD_BYTES)), freshness, now, strangers };
        Self { held: Arc::new(held), asked: Mutex::default(), refused: AtomicBool::new(false) }
    }
    /// For another reader.
    pub(super) fn again(&self) -> Self {
        Self { held: self.held.clone(), asked: Mutex::default(), refused: AtomicBool::new(false) }
    }
    /// Whether this reader asked for a host of which nothing is known, when too many such were asked for.
    pub(super) fn refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }
    /// What was wanted and was not here, in no order.
    pub(super) fn wanted(&self) -> Vec<String> {
        std::mem::take(&mut self.asked().wanted).into_iter().collect()
    }
    /// What was read since this was last asked.
    pub(super) fn told(&self) -> Told {
        std::mem::take(&mut self.asked().told)
    }
    pub(super) fn stands(&self, told: &Told) -> bool {
        let (now, mut seen) = ((self.held.now)(), self.held.seen());
        let mut same = told.0.iter().map(|(path, bytes)| seen.get(path).is_some_and(|seen| now < seen.fresh_until && seen.bytes == *bytes));
        !told.0.is_empty() && same.all(|same| same)
    }
    /// A file that can change. [`holt_core::ErrorKind::Busy`] if it has to be fetched first.
    pub(super) fn read(&self, path: &str) -> Result<Option<Bytes>> {
        let now = (self.held.now)();
        let seen = self.held.seen().get(path).map(|seen| (now < seen.fresh_until, seen.bytes.clone()));
        let bytes = match seen {
            Some((true, bytes)) => bytes,
            seen if is_host(path) && seen.as_ref().is_none_or(|(_, bytes)| bytes.is_none()) && !self.held.meets_another() => {
                self.refused.store(true, Ordering::Relaxed);
                return Err(Error::busy("too many hosts were asked for that are nobody's"));
            }
            _ => return Err(self.want(path)),
        };
        let read = (path.to_string(), bytes.clone());
        let told = &mut self.asked().told.0;
        if !told.contains(&read) {
            told.push(read);
        }
        Ok(bytes)
    }
    /// Notes that `path` has to be fetched.
    pub(super) fn want(&self, path: &str) -> Error {
        self.asked().wanted.insert(path.to_string());
        Error::busy("a published file has to be fetched first")
    }
    /// The tag of what is here, to ask whether it changed.
    pub(super) fn tag(&self, path: &str) -> Option<String> {
        self.held.seen().get(path)?.tag.clone()
    }
    /// How long ago the store last said what is here of `path`.
    pub(super) fn age(&self, path: &str) -> Option<Duration> {
        let confirmed = self.held.seen().get(path)?.confirmed;
        Some(Duration::from_millis((self.held.now)().saturating_sub(confirmed)))
    }
    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Takes in what the store said of a file that can change. Whether something can be read now.
    pub(super) fn learn(&self, path: &str, answer: Answer) -> bool {
        let (now, Freshness { fresh, stale }) = ((self.held.now)(), self.held.freshness);
        let until = |time: Duration| now.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let mut seen = self.held.seen();
        let host = is_host(path);
        let known = seen.get(path).cloned();
        if host && matches!(answer, Answer::Found(..)) && known.as_ref().is_none_or(|known| known.bytes.is_none()) {
            self.held.knew_it();
        }
        let next = match (answer, known) {
            (Answer::Found(bytes, tag), _) => Seen { bytes: Some(bytes), tag, confirmed: now, fresh_until: until(fresh) },
            (Answer::Missing, _) => {
                let fresh = if host { fresh.max(NOWHERE) } else { fresh };
                Seen { bytes: None, tag: None, confirmed: now, fresh_until: until(fresh) }
            }
            (Answer::Unchanged, Some(known)) => Seen { confirmed: now, fresh_until: until(fresh), ..known },
            (Answer::Failed, Some(known)) if Duration::from_millis(now.saturating_sub(known.confirmed)) <= stale => {
                Seen { fresh_until: until(fresh), ..known }
            }
            (Answer::Unchanged | Answer::Failed, _) => return false,
        };
        let weight = path.len() + next.bytes.as_ref().map_or(0, Bytes::len) + 64;
        seen.put(path.to_string(), next, weight);
        true
    }
}

fn is_host(path: &str) -> bool {
    path.starts_with("hosts/")
}

impl Held {
    /// Whether one more may be asked for of which nothing is known.
    fn meets_another(&self) -> bool {
        let now = (self.now)();
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_sub(strangers.at) as f64 / 1000.0;
        strangers.left = (strangers.left + passed * STRANGERS_A_SECOND).min(STRANGERS);
        strangers.at = now;
        let may = strangers.left >= 1.0;
        if may {
            strangers.left -= 1.0;
        }
        may
    }
    /// It was a wiki's: whoever begins with nothing may ask for all of them.
    fn knew_it(&self) {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        strangers.left = (strangers.left + 1.0).min(STRANGERS);
    }
    fn seen(&self) -> MutexGuard<'_, Cache<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::names;
    use crate::frame::{Frame, Slot};
    use crate::key::{FragmentKey, Kind};
    use crate::manifest::{PageManifest, WikiManifest};
    use crate::{Forms, Fragment, FragmentStore, HostName, Hosted};
    use holt_core::{PagePath, RevisionId, Visibility, WikiId};
    use std::cell::Cell;
    use std::collections::BTreeMap;

    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(1_000_000) };
    }

    fn pass(seconds: u64) {
        NOW.set(NOW.get() + seconds * 1000);
    }

    fn reader() -> FragmentStore {
        let freshness = Freshness { fresh: Duration::from_secs(1), stale: Duration::from_secs(3600) };
        FragmentStore::fetched(freshness, || NOW.get())
    }

    /// A wiki with one page, as files of an object store.
    fn published(visibility: Visibility) -> (WikiId, BTreeMap<String, Bytes>, PageManifest) {
        let (here, wiki) = (FragmentStore::memory(), WikiId::from_random(9));
        let put = |text: &str, kind| here.put(wiki, kind, &Fragment::new(text.to_string())).unwrap();
        let key = PagePath::parse("Guide").unwrap().key();
        let page = PageManifest::new(
            "Guide".into(),
            RevisionId::from_bytes([1; 20]),
            vec![(Slot::Main, put("<p>Text", Kind::Html))],
            put("Text", Kind::Source),
        );
        here.put_page(wiki, &key, &page).unwrap();
        let slots: String = Slot::ALL.map(|slot| format!("<!--slot:{}-->", slot.name())).concat();
        let frame = here.put_frame(wiki, &Frame::parse(&slots).unwrap()).unwrap();
        let not_found = put("<p>Not here", Kind::Html);
        here.put_wiki(&WikiManifest {
            wiki,
            visibility,
            epoch: 1,
            generation: 7,
            revision: None,
            settings: 3,
            publisher: 1,
            forms: Forms::Gzip,
            frame,
            not_found,
            not_found_head: None,
            redirects: None,
            home: None,
        })
        .unwrap();
        let exported = [here.export_wiki(wiki).unwrap().unwrap(), here.export_page(wiki, &key).unwrap().unwrap()];
        let files = exported.into_iter().flat_map(|exported| exported.named.into_iter().chain([exported.manifest]));
        let mut files: BTreeMap<String, Bytes> = files.map(|file| (file.path, file.bytes)).collect();
        let host = FragmentStore::export_host(&HostName::Slug("docs".to_string()), &Hosted::at_home(wiki));
        files.insert(host.path, host.bytes);
        (wiki, files, page)
    }

    fn answer(files: &BTreeMap<String, Bytes>, path: &str) -> Answer {
        files.get(path).map_or(Answer::Missing, |bytes| Answer::Found(bytes.clone(), None))
    }

    /// Reads the page, fetching what is wanted: the text, and how many rounds and files it took. `None`: the store said what it could.
    fn read(store: &FragmentStore, wiki: WikiId, ask: impl Fn(&str) -> Answer) -> (Option<Bytes>, usize, usize) {
        let (reader, mut rounds, mut files) = (store.for_one_reader(), 0, 0);
        let key = PagePath::parse("Guide").unwrap().key();
        loop {
            let shared = reader.wiki(wiki);
            let page = reader.page(wiki, &key);
            let text = match (&shared, &page) {
                (Ok(Some(_)), Ok(Some(page))) => reader.part(wiki, page, &page.source).ok().flatten().map(|part| part.raw().clone()),
                _ => None,
            };
            let wanted = reader.wanted();
            if wanted.is_empty() {
                return (text, rounds, files);
            }
            rounds += 1;
            files += wanted.len();
            if !wanted.iter().all(|path| reader.learn(path, ask(path))) {
                return (None, rounds, files);
            }
        }
    }

    #[test]
    fn what_is_missed_is_fetched_once_and_what_can_change_is_asked_again() {
        let (wiki, files, page) = published(Visibility::Public);
        let store = reader();
        assert_eq!(read(&store, wiki, |path| answer(&files, path)), (Some("Text".into()), 2, 3), "two manifests, then one pack");
        assert_eq!(read(&store, wiki, |_| unreachable!()), (Some("Text".into()), 0, 0), "all of it is here");
        pass(2);
        assert_eq!(read(&store, wiki, |_| Answer::Unchanged), (Some("Text".into()), 1, 2), "only the manifests are asked for again");
        pass(2);
        let without: BTreeMap<_, _> = files.clone().into_iter().filter(|(path, _)| !path.contains("/p/")).collect();
        assert_eq!(read(&store, wiki, |path| answer(&without, path)).0, None, "a page that was taken off is gone");
        assert_eq!(store.for_one_reader().host("docs").unwrap_err().kind, holt_core::ErrorKind::Busy);
        let name = FragmentKey::of(wiki, Kind::Source, b"Text");
        assert_eq!(page.source, name);
    }

    #[test]
    fn one_reader_does_not_see_what_another_wants() {
        let store = reader();
        let (one, other) = (store.for_one_reader(), store.for_one_reader());
        assert!(one.host("docs").is_err());
        assert_eq!((other.wanted().len(), one.wanted().len(), one.wanted().len()), (0, 1, 0));
    }

    #[test]
    fn what_was_told_stands_until_it_is_old_or_otherwise() {
        let (wiki, mut files, _) = published(Visibility::Public);
        let store = reader();
        read(&store, wiki, |path| answer(&files, path));
        let tell = || {
            let one = store.for_one_reader();
            let all_known = one.wiki(wiki).is_ok() && one.host("nowhere").is_ok();
            (one.told(), all_known)
        };
        assert!(!store.stands(&Told::default()), "of nothing nobody knows");
        let learn_all = |files: &BTreeMap<String, Bytes>| {
            let one = store.for_one_reader();
            let _ = (one.wiki(wiki), one.host("nowhere"));
            one.wanted().iter().for_each(|path| assert!(one.learn(path, answer(files, path))));
        };
        learn_all(&files);
        let (told, known) = tell();
        assert!(known && store.stands(&told) && store.for_one_reader().stands(&told));
        pass(1);
        assert!(!store.stands(&told), "it is old");
        learn_all(&files);
        assert!(store.stands(&told), "it is as it was");
        pass(1);
        files.insert(names::wiki(wiki), Bytes::from_static(b"{}"));
        learn_all(&files);
        assert!(!store.stands(&told), "it is otherwise");
    }

    #[test]
    fn a_store_that_fails_leaves_public_pages_as_they_were_for_a_while() {
        let (wiki, files, _) = published(Visibility::Public);
        let store = reader();
        assert_eq!(read(&store, wiki, |_| Answer::Failed).0, None, "nothing is known");
        read(&store, wiki, |path| answer(&files, path));
        for _ in 0..3 {
            pass(1000);
            assert_eq!(read(&store, wiki, |_| Answer::Failed).0, Some("Text".into()));
        }
        pass(1000);
        assert_eq!(read(&store, wiki, |_| Answer::Failed).0, None, "more than an hour");
        assert_eq!(read(&store, wiki, |path| answer(&files, path)).0, Some("Text".into()));
    }

    /// security.md CDN-5: nobody is shown a private wiki by what is known for more than a minute.
    #[test]
    fn a_private_wiki_is_believed_for_a_minute() {
        let (wiki, files, _) = published(Visibility::Private);
        let store = reader();
        assert_eq!(read(&store, wiki, |path| answer(&files, path)).0, Some("Text".into()));
        pass(50);
        assert_eq!(read(&store, wiki, |_| Answer::Failed).0, Some("Text".into()));
        pass(11);
        // Asked as often as anybody likes: it is wanted, fails, and is wanted again.
        let one = store.for_one_reader();
        for _ in 0..3 {
            assert!(one.wiki(wiki).is_err());
            assert_eq!(one.wanted(), [names::wiki(wiki)]);
            one.learn(&names::wiki(wiki), Answer::Failed);
        }
        assert!(one.learn(&names::wiki(wiki), Answer::Unchanged) && one.wiki(wiki).unwrap().is_some());
    }

    /// Asks for a host as an edge does: whether it leads anywhere, or nobody knows; and whether the store was asked.
    fn ask_for(store: &FragmentStore, slug: &str, wiki: Option<WikiId>) -> (Option<Option<WikiId>>, usize) {
        let reader = store.for_one_reader();
        let mut asked = 0;
        loop {
            let found = reader.host(slug);
            let wanted = reader.wanted();
            assert_eq!(reader.refused(), found.is_err() && wanted.is_empty());
            if wanted.is_empty() {
                return (found.ok(), asked);
            }
            for path in wanted {
                asked += 1;
                let bytes = wiki.map(|wiki| FragmentStore::export_host(&HostName::Slug(slug.into()), &Hosted::at_home(wiki)).bytes);
                reader.learn(&path, bytes.map_or(Answer::Missing, |bytes| Answer::Found(bytes, None)));
            }
        }
    }

    /// Whoever makes up names must not have each of them asked for at the store.
    #[test]
    fn hosts_that_are_nobodys_are_asked_for_at_a_bounded_rate() {
        let store = reader();
        let wiki = WikiId::from_random(9);
        assert_eq!(ask_for(&store, "docs", Some(wiki)), (Some(Some(wiki)), 1));
        let mut asked = 0;
        let mut unknown = 0;
        for number in 0..10_000 {
            let (found, requests) = ask_for(&store, &format!("random-{number}"), None);
            asked += requests;
            unknown += usize::from(found.is_none());
            assert!(found.is_none() || found == Some(None));
        }
        assert_eq!((asked, unknown), (100, 9_900));
        // A wiki that is known is answered all the same, and asked for again when it is its time.
        assert_eq!(ask_for(&store, "docs", Some(wiki)), (Some(Some(wiki)), 0));
        pass(2);
        assert_eq!(ask_for(&store, "docs", Some(wiki)), (Some(Some(wiki)), 1));
        // What leads nowhere is remembered for a while.
        assert_eq!(ask_for(&store, "random-7", None), (Some(None), 0));
        pass(8);
        let asked: usize = (0..1_000).map(|number| ask_for(&store, &format!("another-{number}"), None).1).sum();
        assert_eq!(asked, 100, "ten for each second");
        pass(1);
        assert_eq!(ask_for(&store, "random-7", Some(wiki)), (Some(Some(wiki)), 1), "somebody made it, and is found after some seconds");
    }

    #[test]
    fn an_edge_that_knows_nothing_asks_for_every_wiki_there_is() {
        let store = reader();
        let asked: usize =
            (0..2_000).map(|number| ask_for(&store, &format!("wiki-{number}"), Some(WikiId::from_random(number + 1))).1).sum();
        assert_eq!(asked, 2_000);
    }

    #[test]
    fn what_is_cut_on_the_way_is_missing_and_asked_for_again() {
        let (wiki, files, _) = published(Visibility::Public);
        for cut in files.keys() {
            for keep in [0, 1, 7, files[cut].len() / 2, files[cut].len() - 1] {
                let store = reader();
                let mut damaged = files.clone();
                damaged.insert(cut.clone(), files[cut].slice(..keep));
                let (text, ..) = read(&store, wiki, |path| answer(&damaged, path));
                assert!(text.is_none() || text == Some("Text".into()), "{cut} cut to {keep}");
                pass(2);
                assert_eq!(read(&store, wiki, |path| answer(&files, path)).0, Some("Text".into()), "{cut} cut to {keep}, then whole");
            }
        }
    }
}
