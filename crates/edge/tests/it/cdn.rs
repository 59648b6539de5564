//! security.md §2.14, row by row, as far as the edge alone keeps it. CDN-1 is with the publisher (`crates/engine/tests/it/{private,redirects}.rs`),
//! CDN-5 and CDN-12 with both (`e2e/scenarios/edge.test.mjs`, `crates/remote/src/faults.rs`), CDN-9 and CDN-14 with the store (`crates/fragments`),
//! CDN-10 with the frame, CDN-13 is not here: nobody purges an edge.

use super::*;
use std::time::Duration;

/// As behind a content delivery network.
fn cached(visibility: Visibility) -> EdgeState {
    EdgeState { caching: Caching::shared(30, Duration::from_secs(86_400)), ..state(visibility) }
}

fn viewer(state: &EdgeState) -> String {
    let viewer = Viewer { wiki: state.hosts.default_wiki.unwrap(), user: UserId(1), epoch: 4, expires: NOW + 30 };
    format!("holt_viewer={}", state.viewer_key.clone().unwrap().sign(&viewer))
}

fn same(one: Response<Body>, other: Response<Body>) {
    assert_eq!((one.status(), one.headers()), (other.status(), other.headers()));
    assert_eq!(text(one), text(other));
}

/// What shared caches are told goes with public pages alone.
fn shared_headers(response: &Response<Body>) -> Vec<String> {
    let names = response.headers().keys().map(|name| name.as_str().to_string());
    names.filter(|name| matches!(name.as_str(), "cdn-cache-control" | "surrogate-key" | "cache-tag")).collect()
}

#[test]
fn cdn_2_a_private_wiki_is_for_nobody_without_a_token_and_kept_by_nobody() {
    let state = cached(Visibility::Private);
    let cookie = viewer(&state);
    for path in ["/", "/Guide/Set%20up", "/Guide/Set%20up.md", "/guide/set%20up"] {
        assert_eq!(reason(&state, path, &[]), Reason::NeedsViewer, "{path}");
        let page = get(&state, path, &[("cookie", &cookie)]);
        assert_eq!((header(&page, "cache-control"), shared_headers(&page)), ("private, no-store", Vec::new()), "{path}");
    }
}

#[test]
fn cdn_3_what_caches_call_an_answer_names_nobody() {
    let state = cached(Visibility::Public);
    let page = get(&state, "/Guide/Set%20up", &[]);
    let keys: Vec<&str> = header(&page, "surrogate-key").split(' ').collect();
    assert_eq!(keys.join(","), header(&page, "cache-tag"));
    assert_eq!(keys.len(), 2);
    let is_word = |word: &str| word.len() == 17 && word[1..].bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(keys.iter().all(|key| is_word(key)), "{keys:?}");
    let others = |path| header(&get(&state, path, &[]), "surrogate-key").split(' ').map(str::to_string).collect::<Vec<_>>();
    assert_eq!(others("/guide/set%20up"), keys, "the way to the page is forgotten with it");
    assert_eq!(others("/Guide/Set%20up.md"), keys);
    let home = others("/");
    assert_eq!(home[0], keys[0], "of the same wiki");
    assert_ne!(home[1], keys[1]);
}

#[test]
fn cdn_4_without_a_manifest_that_can_be_read_nothing_is_shown() {
    let state = cached(Visibility::Public);
    let wiki = state.hosts.default_wiki.unwrap();
    assert_eq!(get(&state, "/", &[]).status(), 200);
    state.store.remove_wiki(wiki).unwrap();
    assert_eq!(reason(&state, "/", &[]), Reason::Missing);
}

/// Caches know answers by host and path. What else is in a request changes nothing that a cache may keep.
#[test]
fn cdn_6_nothing_but_host_and_path_makes_an_answer() {
    let state = cached(Visibility::Public);
    for path in ["/", "/Guide/Set%20up", "/Guide/Set%20up.md", "/guide/set%20up", "/Home"] {
        let plain = || get(&state, path, &[]);
        assert_eq!(header(&plain(), "vary"), if plain().status() == 200 { "Accept-Encoding" } else { "" }, "{path}");
        for header in [
            ("accept-language", "de"),
            ("user-agent", "curl"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "gopher"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-original-url", "/-/admin"),
            ("x-rewrite-url", "/-/admin"),
            ("x-http-method-override", "POST"),
            ("x-host", "evil.example"),
            ("forwarded", "host=evil.example"),
            ("referer", "https://evil.example/"),
            ("origin", "https://evil.example"),
            ("cookie", "theme=dark"),
            ("range", "bytes=0-3"),
            ("accept", "text/html"),
        ] {
            same(get(&state, path, &[header]), plain());
        }
        for query in ["?utm_source=x", "?%3Cscript%3E", "?callback=x&cb=1", "?q="] {
            same(get(&state, &format!("{path}{query}"), &[]), plain());
        }
    }
    // A form that Accept chooses is kept by no cache that others ask.
    let markdown = get(&state, "/", &[("accept", "text/markdown")]);
    assert_eq!((header(&markdown, "cache-control"), shared_headers(&markdown)), ("private, no-cache", Vec::new()));
}

#[test]
fn cdn_7_what_is_for_somebody_is_kept_by_nobody_else() {
    let state = cached(Visibility::Public);
    for who in [("cookie", "holt_session=x"), ("cookie", "a=b; __Host-holt_session_docs=x"), ("authorization", "Bearer x")] {
        for path in ["/", "/Guide/Set%20up", "/guide/set%20up", "/Guide/Set%20up.md"] {
            let page = get(&state, path, &[who]);
            assert_eq!((header(&page, "cache-control"), shared_headers(&page)), ("private, no-cache", Vec::new()), "{who:?} {path}");
            assert!(!page.headers().contains_key("set-cookie"));
        }
    }
    let public = get(&state, "/", &[]);
    assert_eq!(header(&public, "cache-control"), "public, max-age=0, s-maxage=30, stale-if-error=86400");
    assert_eq!(header(&public, "cdn-cache-control"), "public, max-age=30, stale-while-revalidate=28, stale-if-error=86400");
    let again = get(&state, "/", &[("if-none-match", header(&public, "etag"))]);
    assert_eq!(again.status(), 304);
    for name in ["cache-control", "cdn-cache-control", "surrogate-key", "etag", "vary"] {
        assert_eq!(header(&again, name), header(&public, name), "{name}");
    }
}

#[test]
fn cdn_8_one_spelling_per_page() {
    let state = cached(Visibility::Public);
    for (path, to) in [
        ("/%47uide/Set%20up", "/Guide/Set%20up"),
        ("/Guide/Set%20%75p", "/Guide/Set%20up"),
        ("/guide/set%20up", "/Guide/Set%20up"),
        ("/Guide/Set%20up/", "/Guide/Set%20up"),
        ("/Guide/Set%20up/?x=//evil.example", "/Guide/Set%20up"),
        ("/guide/set%20up.md", "/Guide/Set%20up.md"),
        ("/Guide/Set%20%75p.md", "/Guide/Set%20up.md"),
        ("/home.md", "/Home.md"),
        ("/Home/.md", "/Home.md"),
        ("/Home", "/"),
        ("/hom%65", "/"),
    ] {
        let page = get(&state, path, &[]);
        assert_eq!((page.status().as_u16(), header(&page, "location")), (301, to), "{path}");
        let there = get(&state, to, &[]);
        assert_eq!(there.status(), 200, "no circles");
    }
    // What looks like a file to a cache that goes by endings is no page, and neither is what looks like none to us.
    for path in [
        "//",
        "//Guide/Set%20up",
        "/Guide//Set%20up",
        "/./Home",
        "/Guide/../Home",
        "/Guide/%2e%2e/Home",
        "/Home;x",
        "/Home;.css",
        "/Home.css",
        "/Home/x.css",
        "/Home%3Fx.css",
        "/Home%23x.css",
        "/Home%20",
        "/Home%0A",
        "/Home.md.css",
    ] {
        let outcome = ask(&state, &Method::GET, path, &[]);
        let Outcome::Fallback(fallback) = outcome else { panic!("{path} is answered") };
        assert!(matches!(fallback.reason, Reason::Missing | Reason::BadAddress(_)), "{path}: {:?}", fallback.reason);
    }
    for path in ["/Guide%2FSet%20up", "/Guide%5CSet%20up", "/Home%00.css", "/%ff", "/%"] {
        assert!(matches!(reason(&state, path, &[]), Reason::BadAddress(_)), "{path}");
    }
}

/// Where two ways to escape lead to one page, one of them is kept by caches.
#[test]
fn cdn_8_an_address_that_proxies_rewrite_is_answered_and_not_kept() {
    let state = cached(Visibility::Public);
    let wiki = state.hosts.default_wiki.unwrap();
    let manifest = state.store.page(wiki, &PagePath::parse("Home").unwrap().key()).unwrap().unwrap();
    let renamed = PageManifest { path: "A (b)".into(), ..(*manifest).clone() };
    state.store.put_page(wiki, &PagePath::parse("A (b)").unwrap().key(), &renamed).unwrap();
    let ours = get(&state, "/A%20%28b%29", &[]);
    assert!(header(&ours, "cache-control").contains("s-maxage=30"));
    let other = get(&state, "/A%20(b)", &[]);
    assert_eq!((other.status().as_u16(), header(&other, "cache-control"), shared_headers(&other)), (200, "private, no-cache", Vec::new()));
    assert_eq!(text(other), text(ours));
}

#[test]
fn cdn_11_a_tag_is_of_one_wiki_and_one_visibility() {
    let (public, private) = (cached(Visibility::Public), cached(Visibility::Private));
    let open = get(&public, "/", &[]);
    let closed = get(&private, "/", &[("cookie", &viewer(&private))]);
    assert_ne!(header(&open, "etag"), header(&closed, "etag"));
    let seen = get(&private, "/", &[("cookie", &viewer(&private)), ("if-none-match", header(&open, "etag"))]);
    assert_eq!(seen.status(), 200);
    let Outcome::Response(head) = ask(&public, &Method::HEAD, "/", &[]) else { panic!("HEAD falls back") };
    assert_eq!(head.headers(), open.headers());
    assert_eq!((text(head), get(&public, "/", &[("range", "bytes=0-1")]).status().as_u16()), (String::new(), 200));
}
