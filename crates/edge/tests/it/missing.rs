//! What an edge answers where no page is, with a server behind it and without one.

use super::*;
use std::time::Duration;

fn behind(visibility: Visibility, behind: Behind) -> EdgeState {
    EdgeState { caching: Caching::shared(30, Duration::from_secs(60)), behind, ..state(visibility) }
}

#[test]
fn former_names_lead_to_their_pages() {
    for behind_it in [Behind::Nobody, Behind::Origin] {
        let state = behind(Visibility::Public, behind_it);
        for (path, to) in [
            ("/Old%20ways", "/Guide/Set%20up"),
            ("/old%20WAYS/", "/Guide/Set%20up"),
            ("/Old%20ways?next=//evil.example", "/Guide/Set%20up"),
            ("/Old%20ways.md", "/Guide/Set%20up.md"),
            ("/Start", "/Home"),
        ] {
            let moved = get(&state, path, &[]);
            assert_eq!((moved.status().as_u16(), header(&moved, "location")), (301, to), "{path}");
            assert_eq!(header(&moved, "cache-control"), "public, max-age=0, s-maxage=30, stale-if-error=60", "browsers do not keep it");
            assert_eq!(header(&moved, "surrogate-key").split(' ').count(), 2);
        }
    }
    assert_eq!(reason(&behind(Visibility::Public, Behind::Live), "/Old%20ways", &[]), Reason::Missing, "the server knows more");
}

#[test]
fn a_wiki_says_in_its_own_words_that_a_page_is_missing() {
    let state = behind(Visibility::Public, Behind::Nobody);
    for path in ["/Nowhere", "/Guide", "/Guide/Set%20up.css", "//Home", "/Guide/%2e%2e/Home"] {
        let missing = get(&state, path, &[]);
        assert_eq!(missing.status(), 404, "{path}");
        // CDN-7: for ten seconds at most, and never when nobody answers.
        assert_eq!((header(&missing, "cache-control"), header(&missing, "vary")), ("public, max-age=0, s-maxage=10", "Accept-Encoding"));
        assert!(header(&missing, "content-security-policy").contains("default-src 'none'"));
        assert!(header(&missing, "surrogate-key").starts_with('w'));
        assert_eq!(text(missing), "<html><title>None</title><main>none</main></html>");
    }
    let packed = get(&state, "/Nowhere", &[("accept-encoding", "gzip")]);
    assert_eq!(header(&packed, "content-encoding"), "gzip");
    let known = get(&state, "/Nowhere", &[("cookie", "holt_session=x")]);
    assert_eq!((known.status().as_u16(), header(&known, "cache-control")), (404, "no-store"));
    for path in ["/-/search", "/api/v1/pages"] {
        assert_eq!(reason(&state, path, &[]), Reason::Live, "{path}");
    }
    assert_eq!(reason(&behind(Visibility::Public, Behind::Origin), "/Nowhere", &[]), Reason::Missing, "the origin may know");
}

/// A page with readers of its own is to everybody else as if it were not there.
#[test]
fn a_hidden_page_is_answered_like_a_missing_one() {
    let state = behind(Visibility::Public, Behind::Nobody);
    let wiki = state.hosts.default_wiki.unwrap();
    let manifest = state.store.page(wiki, &PagePath::parse("Home").unwrap().key()).unwrap().unwrap();
    let path = PagePath::parse("Staff/Plan").unwrap();
    let hidden = PageManifest { path: path.to_string(), readers: Readers::OfItsOwn, pack: None, ..(*manifest).clone() };
    state.store.put_page(wiki, &path.key(), &hidden).unwrap();
    for (there, absent) in [("/Staff/Plan", "/Staff/None"), ("/staff/plan", "/staff/none"), ("/Staff/Plan.md", "/Staff/None.md")] {
        for who in [&[][..], &[("cookie", "holt_session=x")], &[("accept", "text/markdown")]] {
            let (mut there, mut absent) = (get(&state, there, who), get(&state, absent, who));
            for answer in [&mut there, &mut absent] {
                // The word by which caches forget it is of the address alone.
                answer.headers_mut().remove("surrogate-key");
                answer.headers_mut().remove("cache-tag");
            }
            assert_eq!((there.status(), there.headers()), (absent.status(), absent.headers()));
            assert_eq!(text(there), text(absent));
        }
    }
    assert_eq!(reason(&EdgeState { behind: Behind::Origin, ..state }, "/Staff/Plan", &[]), Reason::NeedsReader);
}

/// CDN-5, TEN: a private wiki says neither what is there nor what is not.
#[test]
fn a_private_wiki_says_nothing_of_names() {
    let state = behind(Visibility::Private, Behind::Nobody);
    for path in ["/Old%20ways", "/Nowhere"] {
        assert_eq!(reason(&state, path, &[]), Reason::NeedsViewer, "{path}");
    }
    let viewer = Viewer { wiki: state.hosts.default_wiki.unwrap(), user: UserId(1), epoch: 4, expires: NOW + 30 };
    let cookie = format!("holt_viewer={}", state.viewer_key.clone().unwrap().sign(&viewer));
    for (path, status, keep) in [("/Old%20ways", 301, "private, no-store"), ("/Nowhere", 404, "no-store")] {
        let answer = get(&state, path, &[("cookie", &cookie)]);
        assert_eq!((answer.status().as_u16(), header(&answer, "cache-control")), (status, keep), "{path}");
        assert!(!answer.headers().contains_key("surrogate-key"));
    }
}
