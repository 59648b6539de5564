//! Which addresses a page may link to or load (spec/markdown.md §10.2, security.md MD-6).

/// What replaces an address that is not allowed.
pub(crate) const HARMFUL: &str = "#harmful-link";

/// Whether an address is a link or something the browser loads by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Link,
    Image,
}

/// The address to write: percent-encoded, or [`HARMFUL`].
pub(crate) fn checked(url: &str, purpose: Use) -> String {
    if cfg!(feature = "unsafe-html") {
        return url.to_string();
    }
    if allowed(url, purpose) { encode(url) } else { HARMFUL.to_string() }
}

/// Decided on the decoded value without the characters browsers ignore, so that no spelling hides a scheme.
pub(crate) fn allowed(url: &str, purpose: Use) -> bool {
    let mut seen = url.to_string();
    for _ in 0..3 {
        seen = percent_encoding::percent_decode_str(&seen).decode_utf8_lossy().into_owned();
    }
    let seen: String =
        seen.chars().filter(|c| !c.is_control() && !c.is_whitespace() && *c != '\u{feff}').flat_map(char::to_lowercase).collect();
    let data = ["data:image/gif;", "data:image/png;", "data:image/jpeg;", "data:image/webp;"];
    let links = ["http:", "https:", "mailto:", "tel:", "ftp:", "ftps:", "irc:", "ircs:"];
    if seen.starts_with(['/', '#', '?']) || seen.is_empty() {
        return !seen.starts_with("/\\") && !seen.contains('\\');
    }
    match purpose {
        Use::Image if data.iter().any(|scheme| seen.starts_with(scheme)) => true,
        Use::Image if ["http:", "https:"].iter().any(|scheme| seen.starts_with(scheme)) => true,
        Use::Link if links.iter().any(|scheme| seen.starts_with(scheme)) => true,
        // Without a scheme: no colon before the first slash.
        _ => !seen.split('/').next().unwrap_or_default().contains(':'),
    }
}

/// Whether the address leaves the wiki.
pub(crate) fn is_external(url: &str) -> bool {
    let lower = url.trim_start().to_ascii_lowercase();
    lower.starts_with("//") || lower.split(['/', '?', '#']).next().unwrap_or_default().contains(':')
}

/// Percent-encodes what no address holds; what is encoded already stays.
fn encode(url: &str) -> String {
    const KEEP: &[u8] = b"-._~:/?#@!$&()*+,;=%'";
    let mut encoded = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_alphanumeric() || KEEP.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_hides_a_scheme() {
        for bad in [
            "javascript:alert(1)",
            "%6aavascript:x",
            "java\tscript:x",
            "java\nscript:x",
            " javascript:x",
            "\u{1}javascript:x",
            "JaVaScRiPt:x",
            "%256aavascript:x",
            "vbscript:x",
            "data:text/html,x",
            "data:image/svg+xml;base64,x",
            "file:///etc",
            "sms:1",
            "ssh://a.b",
            "foo:bar",
            "blob:x",
            "/\\evil.example",
        ] {
            assert!(!allowed(bad, Use::Link), "{bad:?}");
            assert!(!allowed(bad, Use::Image), "{bad:?}");
        }
        for good in ["a/b:c", "?q=a:b", "/a:b", "#x", "https://e.com/a_(b)", "mailto:a@b.c", "x.png", "../x", ""] {
            assert!(allowed(good, Use::Link), "{good:?}");
        }
        assert!(allowed("data:image/png;base64,x", Use::Image) && !allowed("data:image/png;base64,x", Use::Link));
        assert!(!allowed("mailto:a@b.c", Use::Image));
    }

    #[test]
    fn addresses_are_encoded_once() {
        assert_eq!(checked("/a b%20c/ü\"<", Use::Link), "/a%20b%20c/%C3%BC%22%3C");
    }
}
