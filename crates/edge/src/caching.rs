//! How long answers may be kept and by whom, and what caches call them (platform.md §11.5, security.md CDN-5 to CDN-7). Whoever says nothing
//! here is kept by nobody.

use holt_core::{PageKey, WikiId};
use holt_fragments::surrogate;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

/// Longest time in seconds for which shared caches may answer without asking. With what an edge may be behind its store it is a minute, after
/// which a wiki that became private is out of every cache, even where nobody purges (CDN-5).
pub const LONGEST: u32 = 58;
/// Most seconds for which a cache that follows RFC 9213 may show what it has while it asks again.
const WHILE_ASKING: u32 = 30;
/// Most seconds for which it may be kept that a page is not there (CDN-7).
const MISSING: u32 = 10;

/// RFC 9213: for caches of content delivery networks alone; browsers do not read it.
const TARGETED: HeaderName = HeaderName::from_static("cdn-cache-control");
/// Fastly's name for what an answer is forgotten by; words with spaces between them.
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");
/// Cloudflare's; words with commas between them.
const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");

/// What caches between us and readers may do with public pages.
#[derive(Debug, Clone, Default)]
pub struct Caching(Option<Kept>);

#[derive(Debug, Clone)]
struct Kept {
    shared: HeaderValue,
    targeted: HeaderValue,
    missing: HeaderValue,
}

impl Caching {
    /// They ask each time: nobody sees anything that was.
    pub fn asking() -> Self {
        Self(None)
    }
    /// They answer for `seconds` without asking, at most [`LONGEST`], and while we do not answer for `stale` more. 0 seconds: they ask each time.
    ///
    /// Browsers still ask each time, so that whoever wrote something sees it. That is why only the targeted header has
    /// `stale-while-revalidate`: browsers would obey it, too, and show what was before.
    pub fn shared(seconds: u32, stale: Duration) -> Self {
        let seconds = seconds.min(LONGEST);
        if seconds == 0 {
            return Self::asking();
        }
        let (asking, missing, stale) = (WHILE_ASKING.min(LONGEST - seconds), MISSING.min(seconds), stale.as_secs());
        let value = |text: String| HeaderValue::try_from(text).expect("words and digits are a header value");
        Self(Some(Kept {
            shared: value(format!("public, max-age=0, s-maxage={seconds}, stale-if-error={stale}")),
            targeted: value(format!("public, max-age={seconds}, stale-while-revalidate={asking}, stale-if-error={stale}")),
            missing: value(format!("public, max-age=0, s-maxage={missing}")),
        }))
    }
}

/// Who may keep an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Anybody, for as long as [`Caching`] says.
    Public,
    /// The same bytes, to somebody who is known or at an address that is not the page's only one: their browser, if it asks each time.
    Personal,
    /// Nobody.
    Private,
}

impl Freshness {
    /// For an answer that no shared cache should have.
    pub(crate) fn unshared(self) -> Self {
        if self == Self::Public { Self::Personal } else { self }
    }
    /// Says it on an answer that shows `page` of `wiki`.
    pub(crate) fn announce(self, headers: &mut HeaderMap, caching: &Caching, wiki: WikiId, page: impl FnOnce() -> Option<PageKey>) {
        let value = match (self, &caching.0) {
            (Self::Public, Some(kept)) => {
                name(headers, wiki, page().as_ref());
                headers.insert(TARGETED, kept.targeted.clone());
                kept.shared.clone()
            }
            (Self::Public, None) => HeaderValue::from_static("public, max-age=0, must-revalidate"),
            (Self::Personal, _) => HeaderValue::from_static("private, no-cache"),
            (Self::Private, _) => HeaderValue::from_static("private, no-store"),
        };
        headers.insert(header::CACHE_CONTROL, value);
    }
    /// Says it on an answer that there is no `page` in `wiki`: never shown when it is no longer so.
    pub(crate) fn announce_missing(self, headers: &mut HeaderMap, caching: &Caching, wiki: WikiId, page: Option<&PageKey>) {
        let value = match (self, &caching.0) {
            (Self::Public, Some(kept)) => {
                name(headers, wiki, page);
                kept.missing.clone()
            }
            _ => HeaderValue::from_static("no-store"),
        };
        headers.insert(header::CACHE_CONTROL, value);
    }
}

/// Whether everybody may keep an answer: nobody in particular was answered.
pub(crate) fn is_public(headers: &HeaderMap) -> bool {
    headers.get(header::CACHE_CONTROL).is_some_and(|value| value.as_bytes().starts_with(b"public,"))
}

/// The words by which a cache is told to forget the answer.
fn name(headers: &mut HeaderMap, wiki: WikiId, page: Option<&PageKey>) {
    let mut words = surrogate::wiki(wiki);
    if let Some(page) = page {
        words.push(' ');
        words.push_str(&surrogate::page(wiki, page));
    }
    let tags = words.replace(' ', ",");
    for (header, words) in [(SURROGATE_KEY, words), (CACHE_TAG, tags)] {
        if let Ok(value) = HeaderValue::try_from(words) {
            headers.insert(header, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(caching: &Caching, freshness: Freshness) -> HeaderMap {
        let mut headers = HeaderMap::new();
        freshness.announce(&mut headers, caching, WikiId::from_random(1), || None);
        headers
    }

    #[test]
    fn no_answer_is_shown_for_more_than_a_minute_without_asking() {
        for (seconds, shared, asking) in [(1, 1, 30), (28, 28, 30), (30, 30, 28), (58, 58, 0), (4000, 58, 0)] {
            let caching = Caching::shared(seconds, Duration::from_secs(3600));
            let public = said(&caching, Freshness::Public);
            assert_eq!(public[header::CACHE_CONTROL], format!("public, max-age=0, s-maxage={shared}, stale-if-error=3600"));
            assert_eq!(public[TARGETED], format!("public, max-age={shared}, stale-while-revalidate={asking}, stale-if-error=3600"));
            assert!(shared + asking <= 60, "CDN-5");
            for (freshness, value) in [(Freshness::Personal, "private, no-cache"), (Freshness::Private, "private, no-store")] {
                let other = said(&caching, freshness);
                assert_eq!(other[header::CACHE_CONTROL], value);
                assert_eq!(other.len(), 1, "nothing for shared caches: {other:?}");
            }
        }
        let asking = said(&Caching::shared(0, Duration::from_secs(3600)), Freshness::Public);
        assert_eq!((&asking[header::CACHE_CONTROL], asking.len()), (&HeaderValue::from_static("public, max-age=0, must-revalidate"), 1));
    }
}
