//! What a request says about what it has and what it understands (RFC 9110 §12.5.3, §13.1.2).

use http::header::{self, HeaderMap};

/// Whether gzip may be sent: named, or covered by `*`, and not refused by `q=0`.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut star = None;
    for line in headers.get_all(header::ACCEPT_ENCODING) {
        for item in line.to_str().unwrap_or_default().split(',') {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let refused =
                parts.any(|p| p.strip_prefix("q=").or(p.strip_prefix("Q=")).is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0)));
            if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
                return !refused;
            }
            if name == "*" {
                star = Some(!refused);
            }
        }
    }
    star.unwrap_or(false)
}

/// Whether Markdown is named in `Accept` and HTML is not, or is liked less.
pub(crate) fn prefers_markdown(headers: &HeaderMap) -> bool {
    let (mut markdown, mut html) = (0.0_f32, 0.0_f32);
    for line in headers.get_all(header::ACCEPT) {
        for item in line.to_str().unwrap_or_default().split(',') {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let weight = parts.find_map(|p| p.strip_prefix("q=").or(p.strip_prefix("Q="))).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            match name.to_ascii_lowercase().as_str() {
                "text/markdown" => markdown = markdown.max(weight),
                "text/html" | "application/xhtml+xml" => html = html.max(weight),
                _ => {}
            }
        }
    }
    markdown > 0.0 && markdown >= html
}

/// Whether the client's copy is still the one tagged `tag`. Weak comparison, as for GET.
pub(crate) fn not_modified(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn encodings_are_read_as_the_rfc_says() {
        for (value, gzip) in [
            ("gzip, deflate, br", true),
            ("br;q=1, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("*", true),
            ("*;q=0", false),
            ("identity", false),
            ("gzip;q=0, *", false),
            ("", false),
        ] {
            assert_eq!(accepts_gzip(&with(header::ACCEPT_ENCODING, value)), gzip, "{value}");
        }
    }

    #[test]
    fn tags_are_compared_weakly() {
        for (value, same) in [("\"a\"", true), ("W/\"a\"", true), ("\"b\", \"a\"", true), ("*", true), ("\"b\"", false), ("a", false)] {
            assert_eq!(not_modified(&with(header::IF_NONE_MATCH, value), "\"a\""), same, "{value}");
        }
    }
}
