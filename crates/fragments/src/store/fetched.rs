//! Files of a store on another machine, as far as they were fetched. Reading never waits: what is not here, or no longer fresh, is noted as
//! wanted, and whoever asked fetches it and asks again. So the code that answers requests is the same for a folder and for an object store.
//!
//! Names that are made from their content stay; what can change is fresh for a short time, and may be used for longer while the store cannot
//! be asked, if the caller says so.

use crate::cache::Cache;
use bytes::Bytes;
use holt_core::{Error, Result};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How much memory names, manifests and what is known to be missing take at most, in bytes.
const HELD_BYTES: usize = 4 * 1024 * 1024;

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

/// One reader's view: what it wanted is its own, what was fetched is everybody's.
pub(super) struct Fetched {
    held: Arc<Held>,
    wanted: Mutex<BTreeSet<String>>,
}

struct Held {
    seen: Mutex<Cache<String, Seen>>,
    freshness: Freshness,
    now: Milliseconds,
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
        Self { held: Arc::new(Held { seen: Mutex::new(Cache::new(HELD_BYTES)), freshness, now }), wanted: Mutex::default() }
    }
    /// For another reader.
    pub(super) fn again(&self) -> Self {
        Self { held: self.held.clone(), wanted: Mutex::default() }
    }
    /// What was wanted and was not here, in no order.
    pub(super) fn wanted(&self) -> Vec<String> {
        std::mem::take(&mut *self.wanted.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
    /// A file that can change. [`holt_core::ErrorKind::Busy`] if it has to be fetched first.
    pub(super) fn read(&self, path: &str) -> Result<Option<Bytes>> {
        match self.held.seen().get(&path.to_string()) {
            Some(seen) if (self.held.now)() < seen.fresh_until => Ok(seen.bytes),
            _ => Err(self.want(path)),
        }
    }
    /// Notes that `path` has to be fetched.
    pub(super) fn want(&self, path: &str) -> Error {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_string());
        Error::busy("a published file has to be fetched first")
    }
    /// The tag of what is here, to ask whether it changed.
    pub(super) fn tag(&self, path: &str) -> Option<String> {
        self.held.seen().get(&path.to_string())?.tag
    }
    /// How long ago the store last said what is here of `path`.
    pub(super) fn age(&self, path: &str) -> Option<Duration> {
        let seen = self.held.seen().get(&path.to_string())?;
        Some(Duration::from_millis((self.held.now)().saturating_sub(seen.confirmed)))
    }
    /// Takes in what the store said of a file that can change. Whether something can be read now.
    pub(super) fn learn(&self, path: &str, answer: Answer) -> bool {
        let (now, Freshness { fresh, stale }) = ((self.held.now)(), self.held.freshness);
        let until = |time: Duration| now.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let mut seen = self.held.seen();
        let path = path.to_string();
        let known = seen.get(&path);
        let next = match (answer, known) {
            (Answer::Found(bytes, tag), _) => Seen { bytes: Some(bytes), tag, confirmed: now, fresh_until: until(fresh) },
            (Answer::Missing, _) => Seen { bytes: None, tag: None, confirmed: now, fresh_until: until(fresh) },
            (Answer::Unchanged, Some(known)) => Seen { confirmed: now, fresh_until: until(fresh), ..known },
            (Answer::Failed, Some(known)) if Duration::from_millis(now.saturating_sub(known.confirmed)) <= stale => {
                Seen { fresh_until: until(fresh), ..known }
            }
            (Answer::Unchanged | Answer::Failed, _) => return false,
        };
        let weight = path.len() + next.bytes.as_ref().map_or(0, Bytes::len) + 64;
        seen.put(path, next, weight);
        true
    }
}

impl Held {
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
