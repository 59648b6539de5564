//! Live pages (editor, history, login) in the frame of published ones: one chrome in the whole product.

use crate::body::Body;
use crate::conditional::accepts_gzip;
use crate::headers::security_headers;
use holt_core::SafeHtml;
use holt_fragments::{Encoding, Fragment, Frame, Slot, assemble};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use std::sync::Arc;

/// The head of a live page: never indexed.
#[derive(Debug, Clone)]
pub struct LiveHead {
    /// As shown in the tab.
    pub title: String,
}

/// What a handler made.
#[derive(Debug, Clone)]
pub struct LivePage {
    /// Status code.
    pub status: StatusCode,
    /// Its head.
    pub head: LiveHead,
    /// Its main slot.
    pub main: SafeHtml,
    /// Its crumbs, if it has any.
    pub crumbs: Option<SafeHtml>,
    /// Its aside, if it has one.
    pub aside: Option<SafeHtml>,
}

/// Puts a live page into `frame`. Never stored by anybody.
pub fn live_page(frame: &Frame, page: LivePage, request: &HeaderMap) -> Response<Body> {
    let encoding = if accepts_gzip(request) { Encoding::Gzip } else { Encoding::Identity };
    let head = format!(
        "<title>{}</title><meta name=\"robots\" content=\"noindex, nofollow\"><link rel=\"stylesheet\" href=\"{}\">",
        SafeHtml::escape(&page.head.title),
        holt_fragments::assets::url("tools.css")
    );
    let fragment = |html: String| Some(Arc::new(Fragment::new(html)));
    let (head, main) = (fragment(head), fragment(page.main.into_string()));
    let crumbs = page.crumbs.and_then(|html| fragment(html.into_string()));
    let aside = page.aside.and_then(|html| fragment(html.into_string()));
    let fill = |slot: Slot| match slot {
        Slot::Head => head.clone(),
        Slot::Main => main.clone(),
        Slot::Crumbs => crumbs.clone(),
        Slot::Aside => aside.clone(),
        Slot::Foot => None,
    };
    let body: Body = assemble(frame, fill, encoding).into();
    let length = body.length();
    let mut response = Response::new(body);
    *response.status_mut() = page.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if encoding == Encoding::Gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    security_headers(headers);
    response
}
