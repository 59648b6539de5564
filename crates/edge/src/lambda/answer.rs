//! An answer as a Function URL and API Gateway want it: JSON, with what is no text in base64.

use crate::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use std::collections::BTreeMap;

/// Most bytes that an invocation may answer, as Lambda counts them: those of the JSON.
pub const LARGEST: usize = 6 * 1024 * 1024;

/// The JSON. What is larger than Lambda takes is an answer that says so.
pub fn answer_to_json(response: Response<Body>) -> Bytes {
    let (parts, body) = response.into_parts();
    let json = json(parts.status, &parts.headers, &body.into_bytes());
    if json.len() <= LARGEST {
        return json.into();
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    crate::security_headers(&mut headers);
    let words = b"This page is larger than a function may answer, which is 6 MB. Ask for it compressed, or at the wiki's server.\n";
    self::json(StatusCode::INTERNAL_SERVER_ERROR, &headers, words).into()
}

fn json(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> String {
    let mut fields: BTreeMap<&str, String> = BTreeMap::new();
    // Whoever unpacks this counts for itself how long the answer is.
    for (name, value) in headers.iter().filter(|(name, _)| **name != header::CONTENT_LENGTH && **name != header::SET_COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        fields.entry(name.as_str()).and_modify(|known| known.extend([", ", &value])).or_insert(value);
    }
    // The only header that is no list: each has a line of its own.
    let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    // Packed bytes are never UTF-8 by chance for long, but what they are is said by their header.
    let text = std::str::from_utf8(body).ok().filter(|_| !headers.contains_key(header::CONTENT_ENCODING));
    let (body, packed) = match text {
        Some(text) => (text.to_string(), false),
        None => (STANDARD.encode(body), true),
    };
    serde_json::json!({"statusCode": status.as_u16(), "headers": fields, "cookies": cookies, "body": body, "isBase64Encoded": packed})
        .to_string()
}
