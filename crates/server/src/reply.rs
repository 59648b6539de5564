//! Answers of live handlers. Never stored by anybody unless the handler says so.

use bytes::Bytes;
use holt_edge::{Body, security_headers};
use http::header::{self, HeaderName, HeaderValue};
use http::{Response, StatusCode};

/// What a handler returns.
pub type Reply = Response<Body>;

/// A body with its type; `no-store` and the headers of every page.
pub fn raw(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let body = Body::from(body.into());
    let length = body.length();
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    security_headers(headers);
    reply
}

/// Plain text.
pub fn text(status: StatusCode, body: impl Into<String>) -> Reply {
    raw(status, "text/plain; charset=utf-8", body.into())
}

/// JSON.
pub fn json(status: StatusCode, value: &serde_json::Value) -> Reply {
    raw(status, "application/json", value.to_string())
}

/// 303: the answer to a form is a page to be read.
pub fn see_other(to: &str) -> Reply {
    redirect(StatusCode::SEE_OTHER, to)
}

/// A redirect to a path of this origin.
pub fn redirect(status: StatusCode, to: &str) -> Reply {
    let mut reply = text(status, String::new());
    reply.headers_mut().insert(header::LOCATION, HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/")));
    reply
}

/// Adds a cookie.
pub fn with_cookie(mut reply: Reply, cookie: &str) -> Reply {
    if let Ok(value) = HeaderValue::try_from(cookie) {
        reply.headers_mut().append(header::SET_COOKIE, value);
    }
    reply
}

/// Replaces a header.
pub fn with_header(mut reply: Reply, name: HeaderName, value: &str) -> Reply {
    if let Ok(value) = HeaderValue::try_from(value) {
        reply.headers_mut().insert(name, value);
    }
    reply
}
