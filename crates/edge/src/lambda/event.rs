//! An event of a Function URL, or of API Gateway with payload 2.0, as a request.

use super::method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use holt_core::path::encode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// GET, mostly.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// With the cookies in one header, and without those that speak of a connection.
    pub headers: HeaderMap,
    /// What came with it. Of no use to an edge.
    pub body: Bytes,
    /// Who asked the gateway, if it says so.
    pub from: Option<IpAddr>,
}

/// Headers that are between two machines. The gateway has spoken to its client, and we speak to nobody in its name.
const OF_A_CONNECTION: &[HeaderName] =
    &[header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::EXPECT, header::TE, header::TRAILER, header::UPGRADE];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    version: String,
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    request_context: Context,
}

#[derive(Deserialize)]
struct Context {
    #[serde(default)]
    stage: String,
    http: Asked,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    method: String,
    #[serde(default)]
    source_ip: String,
}

impl Event {
    /// From its JSON; or why it is none of ours, and what to do about that.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let wrong = |why: String| {
            format!(
                "this is no event of a Function URL or of API Gateway with payload format 2.0 ({why}); give the function one of these as its trigger"
            )
        };
        let wire: Wire = serde_json::from_slice(json).map_err(|e| wrong(e.to_string()))?;
        if wire.version != "2.0" {
            return Err(wrong(format!("its version is {:?}", wire.version.chars().take(10).collect::<String>())));
        }
        let method = method(&wire.request_context.http.method).ok_or_else(|| wrong("its method is none".into()))?;
        let uri = target(&wire).parse().map_err(|e| wrong(format!("its path cannot be read: {e}")))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &wire.headers {
            // What is no header says nothing.
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str())) {
                headers.append(name, value);
            }
        }
        if !wire.cookies.is_empty() {
            headers.remove(header::COOKIE);
            if let Ok(value) = HeaderValue::try_from(wire.cookies.join("; ")) {
                headers.insert(header::COOKIE, value);
            }
        }
        OF_A_CONNECTION.iter().for_each(|name| drop(headers.remove(name)));
        let text = wire.body.unwrap_or_default();
        let body = if wire.is_base64_encoded {
            STANDARD.decode(&text).map_err(|e| wrong(format!("its body is no base64: {e}")))?
        } else {
            text.into_bytes()
        };
        Ok(Self { method, uri, headers, body: body.into(), from: wire.request_context.http.source_ip.parse().ok() })
    }
}

/// The target of the request as it was before a gateway made an event of it.
fn target(wire: &Wire) -> String {
    // What has a name of its own at the gateway has it before each path.
    let stage = Some(wire.request_context.stage.as_str()).filter(|stage| !stage.is_empty() && *stage != "$default");
    let below = stage
        .and_then(|stage| wire.raw_path.strip_prefix('/')?.strip_prefix(stage))
        .filter(|path| path.is_empty() || path.starts_with('/'));
    let path = below.unwrap_or(&wire.raw_path);
    // API Gateway unpacks escapes, Function URLs do not: where there are none, one writes them as we do.
    let path = if path.contains('%') { escaped(path) } else { encode(path) };
    let slash = if path.starts_with('/') { "" } else { "/" };
    match wire.raw_query_string.as_str() {
        "" => format!("{slash}{path}"),
        query => format!("{slash}{path}?{}", escaped(query)),
    }
}

/// With escapes for what cannot stand in an address, and for percent signs that are none.
fn escaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    for (at, byte) in bytes.iter().enumerate() {
        let escape = *byte == b'%' && bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        if escape
            || (byte.is_ascii_graphic()
                && !matches!(byte, b'%' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'#' | b'?'))
        {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(path: &str, query: &str, stage: &str) -> Result<Event, String> {
        let event = serde_json::json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "cookies": ["a=1", "b=2"],
            "headers": {"host": "docs.example.org", "accept-encoding": "gzip", "no header": "x"},
            "requestContext": {"stage": stage, "http": {"method": "GET", "path": path, "sourceIp": "192.0.2.1"}, "timeEpoch": 1},
            "isBase64Encoded": false,
        });
        Event::parse(event.to_string().as_bytes())
    }

    #[test]
    fn paths_are_as_they_were_asked_for() {
        for (path, query, stage, uri) in [
            ("/", "", "$default", "/"),
            ("", "", "$default", "/"),
            ("/Guide/Set%20up", "a=%C3%A4&b", "$default", "/Guide/Set%20up?a=%C3%A4&b"),
            ("/Guide/Set up (old)", "", "$default", "/Guide/Set%20up%20%28old%29"),
            ("/Käse", "", "$default", "/K%C3%A4se"),
            ("/100% sure", "", "$default", "/100%25%20sure"),
            ("/prod/Guide", "", "prod", "/Guide"),
            ("/prod", "", "prod", "/"),
            ("/production", "", "prod", "/production"),
            ("/a?b#c", "x y", "$default", "/a%3Fb%23c?x%20y"),
        ] {
            assert_eq!(event(path, query, stage).unwrap().uri.to_string(), uri, "{path}");
        }
    }

    #[test]
    fn cookies_stand_in_one_header() {
        let event = event("/", "", "$default").unwrap();
        assert_eq!(event.headers["cookie"], "a=1; b=2");
        assert_eq!((event.headers.len(), &event.headers["host"]), (3, &HeaderValue::from_static("docs.example.org")));
    }

    #[test]
    fn bodies_come_as_they_were_sent() {
        let event = |body: serde_json::Value, packed: bool, from: &str| {
            let event = serde_json::json!({
                "version": "2.0", "rawPath": "/x", "headers": {"content-length": "9", "Transfer-Encoding": "chunked", "connection": "upgrade", "a": "b"},
                "requestContext": {"http": {"method": "POST", "sourceIp": from}}, "body": body, "isBase64Encoded": packed,
            });
            Event::parse(event.to_string().as_bytes())
        };
        let plain = event("a=1&b=ä".into(), false, "192.0.2.1").unwrap();
        assert_eq!((&plain.body[..], plain.from), ("a=1&b=ä".as_bytes(), Some([192, 0, 2, 1].into())));
        assert_eq!(plain.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["a"], "what is of a connection goes no further");
        let packed = event("AAEC/w==".into(), true, "2001:db8::1").unwrap();
        assert_eq!((&packed.body[..], packed.from.is_some_and(|from| from.is_ipv6())), ([0, 1, 2, 255].as_slice(), true));
        assert_eq!(
            (event(serde_json::Value::Null, true, "nobody").unwrap().body.len(), event("".into(), false, "nobody").unwrap().from),
            (0, None)
        );
        assert!(event("not base64!".into(), true, "").unwrap_err().contains("no base64"));
    }

    #[test]
    fn other_events_are_refused_with_a_reason() {
        for json in [
            "",
            "[]",
            "{\"key1\": \"value1\"}",
            "{\"version\": \"1.0\", \"rawPath\": \"/\", \"requestContext\": {\"http\": {\"method\": \"GET\"}}}",
            "{\"version\": \"2.0\", \"rawPath\": \"/\", \"requestContext\": {\"http\": {\"method\": \"\"}}}",
            "{\"version\": \"2.0\", \"rawPath\": 7, \"requestContext\": {\"http\": {\"method\": \"GET\"}}}",
        ] {
            assert!(Event::parse(json.as_bytes()).unwrap_err().contains("payload format 2.0"), "{json}");
        }
    }
}
