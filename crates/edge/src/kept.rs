//! Answers of a moment ago, whole, for whoever asks the same: a cache of the kind that may stand in front of us, but that it believes nothing
//! for any time. What the store said for an answer is looked at again, and if anything of that is otherwise, or has to be asked anew, the
//! answer is made anew.

use crate::caching::is_public;
use crate::conditional::prefers_markdown;
use crate::{Body, EdgeState, is_known};
use bytes::Bytes;
use holt_core::WikiId;
use holt_fragments::{Cache, Told};
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, Response, StatusCode, Uri};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much memory they take at most, in bytes: a few hundred pages, those that most people read.
const KEPT_BYTES: usize = 2 * 1024 * 1024;
/// What the headers of one answer take, about.
const HEADER_BYTES: usize = 3 * 1024;

/// What was answered lately; nothing of what was asked for once.
pub(crate) struct KeptAnswers(Mutex<Cache<Asked, Option<Arc<Kept>>>>);

/// All of a request that its answer can depend on, if nothing else is in it: see [`asked`]. Host, path and `Accept-Encoding` as they were sent, with
/// line feeds between them, which none of them can have.
pub(crate) type Asked = String;

struct Kept {
    told: Told,
    wiki: WikiId,
    headers: HeaderMap,
    body: Bytes,
}

impl Default for KeptAnswers {
    fn default() -> Self {
        Self(Mutex::new(Cache::new(KEPT_BYTES)))
    }
}

impl KeptAnswers {
    /// The answer that would be made now, if it is here.
    pub(crate) fn answer(&self, state: &EdgeState, asked: &Asked) -> Option<Response<Body>> {
        let kept = self.cache().get(asked).cloned()??;
        if !state.store.stands(&kept.told) {
            return None;
        }
        state.visits.note(kept.wiki);
        let mut response = Response::new(kept.body.clone().into());
        *response.headers_mut() = kept.headers.clone();
        Some(response)
    }

    /// Keeps what was made of `told`, if everybody who asks so would be answered the same and somebody did before: whoever reads every page
    /// once drives nothing out.
    pub(crate) fn keep(&self, state: &EdgeState, asked: Asked, told: Told, response: Response<Body>) -> Response<Body> {
        let shared = response.status() == StatusCode::OK && response.headers().contains_key(header::ETAG) && is_public(response.headers());
        if !shared || response.body().length() > (KEPT_BYTES / 16) as u64 {
            return response;
        }
        let mut cache = self.cache();
        if cache.get(&asked).is_none() {
            let weight = asked.len();
            cache.put(asked, None, weight);
            return response;
        }
        drop(cache);
        let host = asked.split('\n').next().unwrap_or_default();
        let Some(wiki) = state.hosts.wiki(&state.store, host) else { return response };
        let (parts, body) = response.into_parts();
        let body = body.into_bytes();
        let weight = body.len() + asked.len() + told.weight() + HEADER_BYTES;
        let kept = Kept { told, wiki, headers: parts.headers.clone(), body: body.clone() };
        self.cache().put(asked, Some(Arc::new(kept)), weight);
        Response::from_parts(parts, body.into())
    }

    fn cache(&self) -> MutexGuard<'_, Cache<Asked, Option<Arc<Kept>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is asked for, if the answer depends on no more than that and what is published: to nobody in particular, about a page, as a whole.
pub(crate) fn asked(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Asked> {
    let plain = method == Method::GET && uri.query().is_none() && uri.authority().is_none() && !headers.contains_key(header::IF_NONE_MATCH);
    if !plain || is_known(headers) || prefers_markdown(headers) {
        return None;
    }
    Some(format!("{}\n{}\n{}", single(headers, &header::HOST)?, uri.path(), single(headers, &header::ACCEPT_ENCODING)?))
}

/// The one header of this name, empty if there is none. `None` if there are several, or what is in it is no text.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map_or(Some(""), |value| value.to_str().ok());
    first.filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::Distant;
    use crate::{Behind, Caching, HostRule, Outcome, VIEWER_COOKIE};
    use holt_core::session::{Viewer, ViewerKey};
    use holt_core::{PagePath, RevisionId, UserId, Visibility};
    use holt_fragments::{
        Forms, Fragment, FragmentStore, Frame, Freshness, HostName, Hosted, Kind, PageManifest, Readers, Slot, WikiManifest,
    };
    use holt_remote::{Remote, Use};
    use http::HeaderValue;
    use std::cell::Cell;
    use std::collections::BTreeSet;
    use std::time::Duration;

    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(1_700_000_000_000) };
    }

    fn wiki() -> WikiId {
        WikiId::from_random(21)
    }

    /// Numbers that look like chance and are the same each time.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, sides: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % sides
        }
        fn one<'o, T>(&mut self, of: &'o [T]) -> &'o T {
            &of[self.below(of.len())]
        }
        /// The first three times of four: so that requests meet.
        fn mostly<'o, T>(&mut self, of: &'o [T]) -> &'o T {
            if self.below(4) < 3 { &of[0] } else { self.one(of) }
        }
    }

    /// A wiki that changes, the store it is published to, and who reads it there.
    struct World {
        here: FragmentStore,
        shared: WikiManifest,
        there: Remote,
        folder: tempfile::TempDir,
        count: usize,
    }

    const PAGES: [&str; 3] = ["Home", "A (b)", "Ä/Ö"];

    impl World {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let there = Remote::open(&format!("file://{}", folder.path().display()), Use::Publishing).unwrap();
            let here = FragmentStore::memory();
            let text = |text: &str| here.put(wiki(), Kind::Html, &Fragment::new(text.to_string())).unwrap();
            let shared = WikiManifest {
                wiki: wiki(),
                visibility: Visibility::Public,
                epoch: 1,
                generation: 1,
                revision: None,
                settings: 1,
                publisher: 1,
                frame: text("to be replaced"),
                not_found: text("none"),
                not_found_head: None,
                redirects: None,
                forms: Forms::GzipAndZstd,
                home: Some("home".into()),
            };
            let mut world = Self { here, shared, there, folder, count: 0 };
            PAGES.iter().for_each(|page| world.write(page, Readers::OfTheWiki));
            world.reframe();
            world.lead(&Hosted::at_home(wiki())).await;
            world.ship().await;
            world
        }
        fn write(&mut self, page: &str, readers: Readers) {
            self.count += 1;
            let text = format!("{page}, the {}th", self.count);
            let put = |kind| self.here.put(wiki(), kind, &Fragment::new(text.clone())).unwrap();
            let revision = RevisionId::from_bytes([u8::try_from(self.count % 250).unwrap(); 20]);
            let manifest = PageManifest::new(page.into(), revision, vec![(Slot::Main, put(Kind::Html))], put(Kind::Source));
            let forms = if self.count.is_multiple_of(3) { Forms::Gzip } else { Forms::GzipAndZstd };
            let manifest = PageManifest { readers, forms, ..manifest };
            self.here.put_page(wiki(), &PagePath::parse(page).unwrap().key(), &manifest).unwrap();
        }
        fn reframe(&mut self) {
            self.count += 1;
            let slots: String = Slot::ALL.map(|slot| format!("<!--slot:{}-->", slot.name())).concat();
            self.shared.frame = self.here.put_frame(wiki(), &Frame::parse(&format!("<p>{}{slots}", self.count)).unwrap()).unwrap();
        }
        async fn lead(&self, to: &Hosted) {
            for host in [HostName::Slug("docs".into()), HostName::Domain(holt_core::DomainName::parse("docs.example.com").unwrap())] {
                self.there.put(&FragmentStore::export_host(&host, to)).await.unwrap();
            }
        }
        async fn ship(&self) {
            self.here.put_wiki(&self.shared).unwrap();
            self.there.ship_wiki(&self.here, wiki(), || ()).await.unwrap();
        }
        async fn change(&mut self, dice: &mut Dice) {
            let page = *dice.one(&PAGES);
            let kind = if self.shared.visibility == Visibility::Private { *dice.one(&[0, 6]) } else { dice.below(8) };
            match kind {
                0..3 => self.write(page, Readers::OfTheWiki),
                3 => self.write(page, Readers::OfItsOwn),
                4 => self.here.remove_page(wiki(), &PagePath::parse(page).unwrap().key()).unwrap(),
                5 => self.reframe(),
                6 => {
                    let private = self.shared.visibility == Visibility::Private;
                    self.shared.visibility = if private { Visibility::Public } else { Visibility::Private };
                    self.shared.epoch += 1;
                    self.shared.home = dice.one(&[Some("home".to_string()), Some("a (b)".to_string()), None]).clone();
                }
                _ => {
                    let moved = dice.mostly(&[None, Some("docs.example.com")]).map(Into::into);
                    self.lead(&Hosted { wiki: *dice.mostly(&[wiki(), WikiId::from_random(22)]), moved }).await;
                }
            }
            self.ship().await;
        }
        fn edge(&self) -> (EdgeState, Distant) {
            let freshness = Freshness { fresh: Duration::from_millis(500), stale: Duration::from_secs(3600) };
            let store = FragmentStore::fetched(freshness, || NOW.get());
            let remote = Remote::open(&format!("file://{}", self.folder.path().display()), Use::Reading).unwrap();
            let state = EdgeState {
                store: store.clone(),
                viewer_key: Some(ViewerKey::new([5; 32])),
                hosts: HostRule { domain: Some("wiki.test".into()), default_wiki: Some(wiki()), ..HostRule::default() },
                clock: || (NOW.get() / 1000).cast_signed(),
                visits: Arc::default(),
                caching: Caching::shared(30, Duration::from_secs(60)),
                behind: Behind::Nobody,
            };
            (state, Distant::new(remote, &store))
        }
    }

    /// Any request, most of them plain ones. `tag`: one that was sent before.
    fn request(dice: &mut Dice, world: &World, tag: &str) -> (Method, Uri, HeaderMap) {
        let paths =
            ["/", "/A%20%28b%29", "/A%20(b)", "/a%20%28b%29", "/Home", "/%C3%84/%C3%96", "/%c3%84/%C3%96", "/Home.md", "/Nowhere", "/-/x"];
        let style = holt_fragments::assets::url("style.css");
        let queries = ["", "?utm_source=x", "?revision=abc", "?edit"];
        let mut target = format!("{}{}", if dice.below(20) == 0 { style } else { *dice.one(&paths) }, dice.mostly(&queries));
        if dice.below(20) == 0 {
            target = format!("http://{}{target}", dice.one(&["docs.wiki.test", "docs.example.com"]));
        }
        let viewer = Viewer { wiki: wiki(), user: UserId(1), epoch: world.shared.epoch, expires: (NOW.get() / 1000).cast_signed() + 30 };
        let token = format!("{VIEWER_COOKIE}={}", ViewerKey::new([5; 32]).sign(&viewer));
        let session = format!("a=b; __Host-{}=x", crate::SESSION_COOKIE);
        let choices: [(&str, &[&str]); 6] = [
            ("host", &["docs.wiki.test", "DOCS.wiki.test:80", "docs.example.com", "127.0.0.1", "evil.test", "docs.wiki.test:80", ""]),
            ("accept-encoding", &["gzip, br", "zstd, gzip", "", "gzip;q=0", "*", "br", "identity"]),
            ("accept", &["", "text/html,*/*;q=0.8", "text/markdown", "text/markdown;q=0.1, text/html"]),
            ("cookie", &["", "a=b", &session, &token, "holt_session=", "holt_viewer=x"]),
            ("authorization", &["", "", "", "Bearer x"]),
            ("if-none-match", &["", "", tag, "*", "\"x\""]),
        ];
        let mut headers = HeaderMap::new();
        let odd = dice.below(2) == 0;
        for (name, values) in choices {
            let value = if odd { *dice.mostly(values) } else { values[usize::from(name == "accept-encoding") & dice.below(2)] };
            if !value.is_empty() {
                headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
            }
        }
        if dice.below(30) == 0 {
            let (name, value) = *dice.one(&[("host", "docs.wiki.test"), ("accept-encoding", "gzip"), ("accept", "text/markdown")]);
            headers.append(name, HeaderValue::from_static(value));
        }
        (if odd { dice.mostly(&[Method::GET, Method::HEAD, Method::POST]).clone() } else { Method::GET }, target.parse().unwrap(), headers)
    }

    /// All that a reader sees of an answer.
    fn seen(outcome: Option<Outcome>) -> String {
        match outcome {
            Some(Outcome::Response(response)) => {
                let (parts, body) = response.into_parts();
                let mut headers: Vec<_> = parts.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
                headers.sort();
                format!("{} {headers:?} {:?}", parts.status, body.into_bytes())
            }
            Some(Outcome::Fallback(fallback)) => format!("{fallback:?}"),
            None => "nothing".into(),
        }
    }

    /// Whoever is answered out of memory is answered what everybody is: the same requests at the same time at two edges, one of which keeps nothing, while
    /// everything changes that can.
    #[tokio::test]
    async fn a_kept_answer_is_the_one_that_would_be_made() {
        let mut dice = Dice(7);
        let mut world = World::new().await;
        let ((state, distant), (bare_state, bare)) = (world.edge(), world.edge());
        let (mut used, mut pages, mut tag) = (0, 0, "\"x\"".to_string());
        for round in 0..10_000 {
            if dice.below(25) == 0 {
                world.change(&mut dice).await;
            }
            NOW.set(NOW.get() + *dice.mostly(&[0, 0, 0, 0, 0, 0, 1, 100, 499, 500, 501]));
            let (method, uri, headers) = request(&mut dice, &world, &tag);
            used += usize::from(asked(&method, &uri, &headers).is_some_and(|asked| distant.kept.answer(&state, &asked).is_some()));
            *bare.kept.cache() = Cache::new(KEPT_BYTES);
            let one = distant.respond(&state, &method, &uri, &headers).await;
            let other = bare.respond(&bare_state, &method, &uri, &headers).await;
            if let Some(Outcome::Response(response)) = &one
                && let Some(sent) = response.headers().get(header::ETAG)
            {
                tag = sent.to_str().unwrap().to_string();
                pages += 1;
            }
            assert_eq!(seen(one), seen(other), "{round}: {method} {uri} {headers:?}");
        }
        let visited = |state: &EdgeState| state.visits.take().into_iter().collect::<BTreeSet<_>>();
        assert_eq!(visited(&state), visited(&bare_state), "and it is noted as much");
        assert!(used > 200 && pages > 2 * used, "the control: {used} of {pages}");
    }
}
