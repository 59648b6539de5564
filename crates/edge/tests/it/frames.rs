//! Pages that are published as frames of zstd, too: who is sent which form, and what caches are told of it.

use super::*;
use holt_core::WikiId;

/// The wiki of [`publish`], with pages and frame in these forms.
fn published_as(page: Forms, shared: Forms) -> (EdgeState, WikiId) {
    let state = EdgeState { behind: Behind::Nobody, ..state(Visibility::Public) };
    let (store, wiki) = (&state.store, state.hosts.default_wiki.unwrap());
    let in_forms = |text: String, forms: Forms| {
        let fragment = Fragment::new(text.clone());
        if forms.has_zstd() { fragment.with_zstd(zstd::bulk::compress(text.as_bytes(), 3).unwrap()) } else { fragment }
    };
    let main = store.put(wiki, Kind::Html, &in_forms(html(), page)).unwrap();
    let source = store.put(wiki, Kind::Source, &in_forms(source(), page)).unwrap();
    let mut manifest = PageManifest::new("Long".into(), RevisionId::from_bytes([2; 20]), vec![(Slot::Main, main)], source);
    manifest.forms = page;
    store.put_page(wiki, &PagePath::parse("Long").unwrap().key(), &manifest).unwrap();
    let frame = "<html><!--slot:head--><!--slot:crumbs--><main><!--slot:main--></main><!--slot:aside--><!--slot:foot--></html>";
    let frame = Frame::parse_with(frame, |text| Ok(in_forms(text, shared))).unwrap();
    let not_found = store.put(wiki, Kind::Html, &in_forms("none".into(), shared)).unwrap();
    let was = store.wiki(wiki).unwrap().unwrap();
    let manifest =
        WikiManifest { forms: shared, frame: store.put_frame(wiki, &frame).unwrap(), not_found, not_found_head: None, ..(*was).clone() };
    store.put_wiki(&manifest).unwrap();
    (state, wiki)
}

fn html() -> String {
    "<p>Otters hold hands.</p>".repeat(500)
}

fn source() -> String {
    "Otters hold hands.\n\n".repeat(500)
}

/// What is sent, unpacked as its header says.
fn unpacked(response: Response<Body>) -> (String, String) {
    let encoding = header(&response, "content-encoding").to_string();
    let length: usize = header(&response, "content-length").parse().unwrap();
    let body = response.into_body().into_bytes();
    assert_eq!(body.len(), length);
    let plain = match encoding.as_str() {
        "zstd" => zstd::stream::decode_all(body.as_ref()).unwrap(),
        "gzip" => {
            let mut plain = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(body.as_ref()), &mut plain).unwrap();
            plain
        }
        _ => body.to_vec(),
    };
    (encoding, String::from_utf8(plain).unwrap())
}

/// Half of a page may have been published by a program, or under a choice, that the other half was not.
#[test]
fn zstd_is_sent_where_all_of_the_page_has_it_and_else_gzip() {
    use Forms::{Gzip, GzipAndZstd};
    let whole = format!("<html><main>{}</main></html>", html());
    for (page, shared) in [(Gzip, Gzip), (GzipAndZstd, Gzip), (Gzip, GzipAndZstd), (GzipAndZstd, GzipAndZstd)] {
        let (state, _) = published_as(page, shared);
        for accepted in ["gzip, deflate, br, zstd", "zstd", "zstd;q=0.5, gzip", "gzip", "identity", "zstd;q=0", "*"] {
            let named = accepted == "gzip, deflate, br, zstd" || accepted == "zstd";
            for (path, text, has_zstd) in [
                ("/Long", whole.clone(), page.has_zstd() && shared.has_zstd()),
                ("/Long.md", source(), page.has_zstd()),
                ("/Nowhere", "<html><main>none</main></html>".to_string(), shared.has_zstd()),
            ] {
                let sent = match accepted {
                    _ if named && has_zstd => "zstd",
                    "zstd" | "identity" | "zstd;q=0" => "",
                    _ => "gzip",
                };
                let answer = get(&state, path, &[("accept-encoding", accepted)]);
                assert_eq!(header(&answer, "vary"), "Accept-Encoding");
                assert_eq!(unpacked(answer), (sent.to_string(), text), "{path} {accepted} {page:?} {shared:?}");
            }
        }
        // What is made when it is asked for, and assets, are gzip.
        let asset = get(&state, holt_fragments::assets::url("style.css"), &[("accept-encoding", "gzip, zstd")]);
        assert_eq!(header(&asset, "content-encoding"), "gzip");
    }
}

/// RFC 9110 §8.8.3: each form is a representation with a tag of its own, and a cache may ask with any of them.
#[test]
fn each_form_has_a_tag_of_its_own() {
    let (state, _) = published_as(Forms::GzipAndZstd, Forms::GzipAndZstd);
    for path in ["/Long", "/Long.md"] {
        let tag = |accepted: &str| header(&get(&state, path, &[("accept-encoding", accepted)]), "etag").to_string();
        let tags = [tag("zstd"), tag("gzip"), tag("identity")];
        assert!(tags[0].ends_with("-zst\"") && tags[1].ends_with("-gz\""), "{tags:?}");
        assert_eq!(tags.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
        for (accepted, its) in ["zstd", "gzip", "identity"].into_iter().zip(&tags) {
            for tag in &tags {
                let again = get(&state, path, &[("accept-encoding", accepted), ("if-none-match", tag)]);
                assert_eq!(again.status(), if tag == its { 304 } else { 200 }, "{accepted} {tag}");
                assert_eq!((header(&again, "etag"), header(&again, "vary")), (its.as_str(), "Accept-Encoding"));
            }
        }
    }
    // Of the same text, published without zstd: not the page that somebody has with it.
    let (before, _) = published_as(Forms::Gzip, Forms::Gzip);
    let tag = |state| header(&get(state, "/Long", &[("accept-encoding", "gzip")]), "etag").to_string();
    assert_ne!(tag(&before), tag(&state));
}

/// CDN-6: what caches do not go by changes nothing. Of `Accept-Encoding` that is everything but which form it leads to.
#[test]
fn headers_that_caches_do_not_go_by_lead_to_the_same_form() {
    let (state, _) = published_as(Forms::GzipAndZstd, Forms::GzipAndZstd);
    let plain = unpacked(get(&state, "/Long", &[("accept-encoding", "zstd")]));
    for extra in
        [("user-agent", "curl/8"), ("accept-language", "de"), ("te", "zstd"), ("sec-fetch-mode", "navigate"), ("accept", "text/html")]
    {
        let answer = get(&state, "/Long", &[("accept-encoding", "zstd"), extra]);
        assert_eq!(header(&answer, "content-encoding"), "zstd", "{extra:?}");
        assert_eq!(unpacked(answer), plain);
    }
    for query in ["?zstd", "?encoding=gzip"] {
        assert_eq!(unpacked(get(&state, &format!("/Long{query}"), &[("accept-encoding", "zstd")])), plain);
    }
}

/// Where pages are kept together in one file: what was published for an edge is what it sends.
#[test]
fn a_pack_keeps_all_forms_and_is_two_files_as_before() {
    let (state, wiki) = published_as(Forms::GzipAndZstd, Forms::GzipAndZstd);
    let key = PagePath::parse("Long").unwrap().key();
    let exported = state.store.export_page(wiki, &key).unwrap().unwrap();
    assert_eq!(exported.named.len(), 1, "a pack and its manifest");
    let pack = holt_fragments::Pack::from_bytes(&exported.named[0].bytes).unwrap();
    let manifest = state.store.page(wiki, &key).unwrap().unwrap();
    for name in manifest.fragments() {
        assert_eq!(pack.get(name), state.store.get(wiki, name).unwrap());
    }
    let (before, _) = published_as(Forms::Gzip, Forms::Gzip);
    let exported_before = before.store.export_page(wiki, &key).unwrap().unwrap();
    assert_ne!(exported.named[0].path, exported_before.named[0].path, "other bytes, another name");
    // A program of before takes it for damaged, and says 503 rather than something else.
    assert!(exported.named[0].bytes.windows(6).any(|bytes| bytes == b"HOLTF\x02"));
    assert!(!exported_before.named[0].bytes.windows(6).any(|bytes| bytes == b"HOLTF\x02"));
}
