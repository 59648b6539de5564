//! One published page as an answer: its HTML, its Markdown, or the way to the one address it has (security.md CDN-8).

use crate::body::Body;
use crate::caching::Freshness;
use crate::conditional::{encoding, not_modified, prefers_markdown};
use crate::headers::security_headers;
use crate::{EdgeState, decode_url};
use holt_core::{PageKey, PagePath, Visibility};
use holt_fragments::assemble::single;
use holt_fragments::{Encoding, PageManifest, Slot, WikiManifest, assemble};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode, Uri};
use std::sync::Arc;

/// A page that was found, and who asks.
pub(crate) struct Found<'r> {
    pub(crate) state: &'r EdgeState,
    pub(crate) shared: &'r WikiManifest,
    pub(crate) manifest: &'r PageManifest,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) freshness: Freshness,
}

/// Headers of a page that everybody may keep, and one or two that whoever sends it adds.
const HEADERS: usize = 16;

/// What depends on which of its forms is sent.
struct Form {
    kind: &'static str,
    tag: String,
    encoding: Encoding,
    /// What the form was chosen by.
    vary: &'static str,
}

/// How an address is written.
#[derive(Debug, PartialEq, Eq)]
enum Spelling {
    /// As we write it.
    Ours,
    /// With other characters escaped than we escape. Some proxies do that, and would do it again after a redirect: it is answered, and no
    /// shared cache keeps it.
    Same,
    /// Otherwise.
    Other,
}

impl Found<'_> {
    /// What `path`, decoded from `uri`, is answered. `None` if the page is not whole.
    pub(crate) fn answer(&self, path: &str, uri: &Uri) -> Option<Response<Body>> {
        if path == "/" {
            return self.negotiated(self.freshness);
        }
        let canonical = self.manifest.page_path().ok()?;
        let is_page = PagePath::parse(path).is_ok_and(|path| path.key() == canonical.key());
        // One spelling per page, and the home page is `/`; its Markdown has an address like any other.
        if is_page && home_key(self.shared).is_some_and(|home| home == canonical.key()) {
            return Some(self.redirect("/"));
        }
        let address = if is_page { canonical.url() } else { format!("{}.md", canonical.url()) };
        let freshness = match spelling(uri.path(), &address) {
            Spelling::Ours => self.freshness,
            Spelling::Same => self.freshness.unshared(),
            Spelling::Other => return Some(self.redirect(&address)),
        };
        if is_page { self.negotiated(freshness) } else { self.source(freshness, "Accept-Encoding") }
    }

    /// The page in the form that was asked for. What is shared is HTML: a cache need not know of `Accept` (CDN-6), and so never has the
    /// Markdown, which at this address is for programs that say what they want.
    fn negotiated(&self, freshness: Freshness) -> Option<Response<Body>> {
        match prefers_markdown(self.headers) {
            true => self.source(freshness.unshared(), "Accept, Accept-Encoding"),
            false => self.html(freshness),
        }
    }

    fn html(&self, freshness: Freshness) -> Option<Response<Body>> {
        let (store, shared, manifest) = (&self.state.store, self.shared, self.manifest);
        let encoding = encoding(self.headers, shared.forms.with(manifest.forms));
        let form = Form {
            kind: "text/html; charset=utf-8",
            tag: self.tag(&manifest.tag, &shared.frame.as_str()[..12], encoding),
            encoding,
            vary: "Accept-Encoding",
        };
        let mut response = Response::builder();
        if let Some(headers) = response.headers_mut() {
            // Room for all of them at once.
            headers.reserve(HEADERS);
        }
        if not_modified(self.headers, &form.tag) {
            response = response.status(StatusCode::NOT_MODIFIED);
            return self.finish(response, form, freshness, Body::empty());
        }
        // All are looked for before one is missed: where they have to be fetched, it is done at once.
        let frame = store.frame(shared.wiki, &shared.frame);
        let parts: Vec<_> = manifest.slots.iter().map(|(slot, key)| (*slot, store.part(shared.wiki, manifest, key))).collect();
        let frame = frame.ok()??;
        let mut fragments = Vec::with_capacity(parts.len());
        for (slot, part) in parts {
            // A page is whole or not there: a missing piece sends the reader on.
            fragments.push((slot, part.ok()??));
        }
        let fill = |slot: Slot| fragments.iter().find(|(s, _)| *s == slot).map(|(_, fragment)| Arc::clone(fragment));
        self.finish(response, form, freshness, assemble(&frame, fill, encoding).into())
    }

    fn source(&self, freshness: Freshness, vary: &'static str) -> Option<Response<Body>> {
        let encoding = encoding(self.headers, self.manifest.forms);
        let form =
            Form { kind: "text/markdown; charset=utf-8", tag: self.tag(self.manifest.source.as_str(), "md", encoding), encoding, vary };
        let response = Response::builder().header("x-holt-revision", self.manifest.revision.to_string());
        if not_modified(self.headers, &form.tag) {
            return self.finish(response.status(StatusCode::NOT_MODIFIED), form, freshness, Body::empty());
        }
        let fragment = self.state.store.part(self.shared.wiki, self.manifest, &self.manifest.source).ok()??;
        let response = response.header("x-markdown-tokens", tokens(fragment.raw().len()));
        self.finish(response, form, freshness, single(&fragment, encoding).into())
    }

    /// Never the same for a wiki that is private and one that is not, or whose readers changed (security.md CDN-11).
    fn tag(&self, content: &str, frame: &str, encoding: Encoding) -> String {
        let epoch = match self.shared.visibility {
            Visibility::Public => String::new(),
            Visibility::Private => format!("-{}", self.shared.epoch),
        };
        format!("\"{content}-{frame}{epoch}{}\"", encoding.tag())
    }

    fn finish(&self, builder: http::response::Builder, form: Form, freshness: Freshness, body: Body) -> Option<Response<Body>> {
        let mut response = builder.body(body).ok()?;
        let length = response.body().length();
        let not_modified = response.status() == StatusCode::NOT_MODIFIED;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form.kind));
        headers.insert(header::ETAG, HeaderValue::try_from(form.tag).ok()?);
        headers.insert(header::VARY, HeaderValue::from_static(form.vary));
        if !not_modified {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            if let Some(encoding) = form.encoding.name() {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
        }
        self.announce(headers, freshness);
        security_headers(headers);
        Some(response)
    }

    fn redirect(&self, to: &str) -> Response<Body> {
        let mut response = redirect(to);
        self.announce(response.headers_mut(), self.freshness);
        response
    }

    fn announce(&self, headers: &mut HeaderMap, freshness: Freshness) {
        let page = || self.manifest.page_path().ok().map(|path| path.key());
        freshness.announce(headers, &self.state.caching, self.shared.wiki, page);
    }
}

/// 301 to an address of ours, which is percent-encoded ASCII. Nothing of what was asked for is in it.
pub(crate) fn redirect(to: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/")));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
    security_headers(headers);
    response
}

/// The page shown at `/`.
pub(crate) fn home_key(shared: &WikiManifest) -> Option<PageKey> {
    Some(PagePath::parse(shared.home.as_deref()?).ok()?.key())
}

/// About how many tokens a language model makes of so many bytes: four bytes each, as prose in English has.
fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(4)
}

fn spelling(asked: &str, ours: &str) -> Spelling {
    if asked == ours {
        return Spelling::Ours;
    }
    match (decode_url(asked), decode_url(ours)) {
        (Ok(asked_text), Ok(text)) if asked_text == text && !escapes_plain(asked) => Spelling::Same,
        _ => Spelling::Other,
    }
}

/// Whether a character is escaped that never needs to be (RFC 3986 §2.3): nobody but a person does that.
fn escapes_plain(address: &str) -> bool {
    address.split('%').skip(1).any(|rest| {
        let byte = rest.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_in_one_way() {
        for (asked, spelled) in [
            ("/A%20%28b%29", Spelling::Ours),
            ("/A%20(b)", Spelling::Same),
            ("/A%20%28b)", Spelling::Same),
            ("/%41%20%28b%29", Spelling::Other),
            ("/A%20%28%62%29", Spelling::Other),
            ("/a%20%28b%29", Spelling::Other),
            ("/A%20%28b%29/", Spelling::Other),
            ("/A+%28b%29", Spelling::Other),
        ] {
            assert_eq!(spelling(asked, "/A%20%28b%29"), spelled, "{asked}");
        }
        assert_eq!(spelling("/%c3%a4", "/%C3%A4"), Spelling::Same);
    }
}
