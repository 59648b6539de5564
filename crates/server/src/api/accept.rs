//! What a client says it understands (RFC 9110 §12.5.1), as far as the API has a choice.

use crate::request::Request;
use http::header;

/// What a request accepts.
pub struct Accept(Vec<(String, f32)>);

impl Accept {
    /// Reads it. A weight that is none counts as nothing.
    pub fn of(request: &Request) -> Self {
        let lines = request.headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
        let kind = |item: &str| {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
            (name, weight.map_or(1.0, |weight| weight.trim().parse().ok().filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0)))
        };
        Self(lines.flat_map(|line| line.split(',')).map(kind).filter(|(name, _)| !name.is_empty()).collect())
    }
    /// How much a type is liked that is named; nothing if it is not, or is refused.
    pub fn named(&self, kind: &str) -> Option<f32> {
        self.0.iter().filter(|(name, weight)| name == kind && *weight > 0.0).map(|(_, weight)| *weight).reduce(f32::max)
    }
    /// Whether a type is named and liked more than JSON is.
    pub fn prefers(&self, kind: &str) -> bool {
        self.named(kind).is_some_and(|weight| self.json().is_none_or(|json| weight > json))
    }
    /// Whether something is accepted, and JSON is not named or is liked less.
    pub fn prefers_anything_to_json(&self) -> bool {
        let best = self.0.iter().map(|(_, weight)| *weight).reduce(f32::max);
        best.is_some_and(|best| self.json().is_none_or(|json| best > json))
    }
    fn json(&self) -> Option<f32> {
        ["application/json", "application/problem+json"].into_iter().filter_map(|kind| self.named(kind)).reduce(f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(text: &str) -> Accept {
        let request = Request {
            method: http::Method::GET,
            uri: http::Uri::from_static("/"),
            path: "/".into(),
            headers: header::HeaderMap::from_iter([(header::ACCEPT, text.parse().unwrap())]),
            peer: std::net::IpAddr::from([127, 0, 0, 1]),
            scheme: crate::proxies::Scheme::Http,
            vouched: None,
            body: crate::request::Form::default(),
            raw: bytes::Bytes::new(),
            spool: None,
            id: String::new(),
            turn: crate::request::Turn::First,
        };
        Accept::of(&request)
    }

    #[test]
    fn weights_count() {
        for (text, markdown, other) in [
            ("text/markdown", true, true),
            ("TEXT/Markdown; charset=utf-8", true, true),
            ("text/markdown;q=0", false, true),
            ("text/markdown, */*;q=0.1", true, true),
            ("application/json, text/markdown;q=0.9", false, false),
            ("application/json;q=0.5, text/markdown;q=0.9", true, true),
            ("application/json, text/plain, */*", false, false),
            ("application/problem+json", false, false),
            ("image/*, application/json;q=0.1", false, true),
            ("application/json;q=0, */*", false, true),
            ("text/markdown;q=2", false, true),
            ("*/*", false, true),
            ("", false, false),
        ] {
            let accept = accept(text);
            assert_eq!((accept.prefers("text/markdown"), accept.prefers_anything_to_json()), (markdown, other), "{text}");
        }
    }
}
