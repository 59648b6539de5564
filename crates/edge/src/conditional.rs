//! What a request says about what it has and what it understands (RFC 9110 §12.5.3, §13.1.2).

use holt_fragments::{Encoding, Forms};
use http::header::{self, HeaderMap};

/// What is sent of something that is published in these `forms`. zstd where it is there, is named, and is liked as well as gzip; `*` is not enough,
/// as not everything that says so unpacks it. gzip else: named, or covered by `*`, and not refused by `q=0`.
pub(crate) fn encoding(headers: &HeaderMap, forms: Forms) -> Encoding {
    let gzip = gzip(headers);
    let zstd = if forms.has_zstd() { liked(headers, |name| name.eq_ignore_ascii_case("zstd")).0 } else { None };
    match zstd {
        Some(zstd) if zstd > 0.0 && zstd >= gzip => Encoding::Zstd,
        _ if gzip > 0.0 => Encoding::Gzip,
        _ => Encoding::Identity,
    }
}

/// Whether gzip may be sent.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    gzip(headers) > 0.0
}

fn gzip(headers: &HeaderMap) -> f32 {
    let (named, star) = liked(headers, |name| name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip"));
    named.or(star).unwrap_or(0.0)
}

/// How much an encoding is liked, where it is named; else how much everything is that is not.
fn liked(headers: &HeaderMap, is_it: impl Fn(&str) -> bool) -> (Option<f32>, Option<f32>) {
    let mut star = None;
    for line in headers.get_all(header::ACCEPT_ENCODING) {
        for item in line.to_str().unwrap_or_default().split(',') {
            let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
            let name = name.trim();
            if is_it(name) {
                return (Some(weight(parameters)), None);
            }
            if name == "*" {
                star = Some(weight(parameters));
            }
        }
    }
    (None, star)
}

fn weight(parameters: &str) -> f32 {
    let q = parameters.split(';').map(str::trim).find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    // What is no number says nothing.
    q.and_then(|q| q.parse::<f32>().ok()).filter(|q| !q.is_nan()).unwrap_or(1.0).clamp(0.0, 1.0)
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
            let headers = with(header::ACCEPT_ENCODING, value);
            assert_eq!(accepts_gzip(&headers), gzip, "{value}");
            assert_eq!(encoding(&headers, Forms::Gzip), if gzip { Encoding::Gzip } else { Encoding::Identity }, "{value}");
        }
    }

    #[test]
    fn zstd_is_sent_to_whoever_names_it_and_likes_it_as_well_as_gzip() {
        use Encoding::{Gzip, Identity, Zstd};
        for (value, sent) in [
            ("gzip, deflate, br, zstd", Zstd),
            ("zstd", Zstd),
            ("ZSTD;q=0.1", Zstd),
            ("gzip;q=0, zstd", Zstd),
            ("gzip;q=0.5,zstd;q=0.5", Zstd),
            ("gzip;q=0.5, zstd;q=0.6", Zstd),
            ("zstd;q=0.2, *;q=0.1", Zstd),
            ("identity, zstd;q=0.001", Zstd),
            ("gzip;q=0.8, zstd;q=0.7", Gzip),
            ("zstd;q=0.5, gzip", Gzip),
            ("zstd;q=0, gzip;q=0.1", Gzip),
            ("zstd;q=0.9, *", Gzip),
            ("gzip, deflate, br", Gzip),
            ("*", Gzip),
            ("zstd;q=0", Identity),
            ("zstd;q=0.000, gzip;q=0", Identity),
            ("zstd;q=-1", Identity),
            ("zstandard, xzstd", Identity),
            ("identity", Identity),
            ("*;q=0", Identity),
            ("", Identity),
        ] {
            let headers = with(header::ACCEPT_ENCODING, value);
            assert_eq!(encoding(&headers, Forms::GzipAndZstd), sent, "{value}");
            assert_ne!(encoding(&headers, Forms::Gzip), Zstd, "{value}");
        }
        let mut lines = HeaderMap::new();
        lines.append(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        lines.append(header::ACCEPT_ENCODING, HeaderValue::from_static("zstd"));
        assert_eq!(encoding(&lines, Forms::GzipAndZstd), Zstd);
        assert_eq!(encoding(&HeaderMap::new(), Forms::GzipAndZstd), Identity);
    }

    #[test]
    fn tags_are_compared_weakly() {
        for (value, same) in [("\"a\"", true), ("W/\"a\"", true), ("\"b\", \"a\"", true), ("*", true), ("\"b\"", false), ("a", false)] {
            assert_eq!(not_modified(&with(header::IF_NONE_MATCH, value), "\"a\""), same, "{value}");
        }
    }
}
