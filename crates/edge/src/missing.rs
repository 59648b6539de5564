//! What is answered where no page is: the way to the one that was called so, or the wiki's own words that there is none.

use crate::body::Body;
use crate::caching::Freshness;
use crate::conditional::encoding;
use crate::headers::security_headers;
use crate::page::redirect;
use crate::{Behind, EdgeState};
use holt_core::{PageKey, PagePath};
use holt_fragments::{Slot, WikiManifest, assemble, redirects};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};

/// An address at which nothing is published, and who asks.
pub(crate) struct Missing<'r> {
    pub(crate) state: &'r EdgeState,
    pub(crate) shared: &'r WikiManifest,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) freshness: Freshness,
}

impl Missing<'_> {
    /// `None` if somebody else knows better, or something has to be fetched first.
    pub(crate) fn answer(&self, path: &str) -> Option<Response<Body>> {
        if self.state.behind == Behind::Live {
            return None;
        }
        let key = PagePath::parse(path).ok().map(|path| path.key());
        // Of an error nobody knows whether the page was called so.
        if let Some(moved) = self.moved(path, key.as_ref()).ok()? {
            return Some(moved);
        }
        if self.state.behind == Behind::Origin { None } else { self.not_found(key.as_ref()) }
    }

    /// The way to the page that has this name, too, or to its Markdown.
    fn moved(&self, path: &str, key: Option<&PageKey>) -> Result<Option<Response<Body>>, holt_core::Error> {
        let Some(name) = &self.shared.redirects else { return Ok(None) };
        let Some(list) = self.state.store.get(self.shared.wiki, name)? else { return Ok(None) };
        let whose = path.strip_suffix(".md").and_then(|path| Some(PagePath::parse(path).ok()?.key()));
        let page = key.and_then(|key| redirects::find(&list, key).map(str::to_string));
        let source = || whose.and_then(|key| Some(format!("{}.md", redirects::find(&list, &key)?)));
        let Some(to) = page.or_else(source) else { return Ok(None) };
        let mut response = redirect(&to);
        // By the name that was asked for: whoever writes a page of that name has this forgotten.
        self.freshness.announce(response.headers_mut(), &self.state.caching, self.shared.wiki, || key.cloned());
        Ok(Some(response))
    }

    fn not_found(&self, key: Option<&PageKey>) -> Option<Response<Body>> {
        let (store, shared) = (&self.state.store, self.shared);
        // All are looked for before one is missed: where they have to be fetched, it is done at once.
        let frame = store.frame(shared.wiki, &shared.frame);
        let main = store.get(shared.wiki, &shared.not_found);
        let head = shared.not_found_head.as_ref().map(|head| store.get(shared.wiki, head));
        let (frame, main) = (frame.ok()??, main.ok()??);
        let head = head.transpose().ok()?.flatten();
        let encoding = encoding(self.headers, shared.forms);
        let fill = |slot: Slot| match slot {
            Slot::Main => Some(main.clone()),
            Slot::Head => head.clone(),
            _ => None,
        };
        let body: Body = assemble(&frame, fill, encoding).into();
        let length = body.length();
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::NOT_FOUND;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        if let Some(encoding) = encoding.name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        self.freshness.announce_missing(headers, &self.state.caching, shared.wiki, key);
        security_headers(headers);
        Some(response)
    }
}
