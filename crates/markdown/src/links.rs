//! Where a link leads inside the wiki.

use crate::slug::wanted;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What a wikilink leaves unescaped (spec/markdown.md §4.1.3).
const WIKILINK: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A wikilink's address, and the page it names if it names one. Always inside the wiki, whatever it says.
pub(crate) struct WikiTarget {
    pub(crate) href: String,
    /// Decoded path without leading slash; none for `[[#heading]]`.
    pub(crate) path: Option<String>,
    /// With its `#`, or empty.
    pub(crate) fragment: String,
}

pub(crate) fn wikilink(target: &str) -> WikiTarget {
    let (path, heading) = target.split_once('#').map_or((target, None), |(path, heading)| (path, Some(heading)));
    let fragment = heading.map(|heading| format!("#{}", wanted(heading))).unwrap_or_default();
    if path.is_empty() && heading.is_some() {
        return WikiTarget { href: fragment.clone(), path: None, fragment };
    }
    // Never two slashes in front: that would be another host.
    let path = path.trim_start_matches(['/', '\\']);
    let decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let href = format!("/{}{fragment}", utf8_percent_encode(&decoded, WIKILINK));
    WikiTarget { href, path: Some(decoded.trim_end_matches('/').to_string()).filter(|p| !p.is_empty()), fragment }
}

/// The path inside the wiki that a Markdown link leads to, decoded and without leading slash; none if it leaves the wiki or stays on the page.
pub(crate) fn resolve(url: &str, page_url: Option<&str>) -> Option<String> {
    if crate::urls::is_external(url) {
        return None;
    }
    let path = url.split(['?', '#']).next().unwrap_or_default();
    if path.is_empty() {
        return None;
    }
    let decoded = percent_decode_str(path).decode_utf8().ok()?.into_owned();
    let absolute = match decoded.strip_prefix("./") {
        _ if decoded.starts_with('/') => decoded,
        Some(rest) => format!("{}/{rest}", page_url?),
        None => format!("{}/{decoded}", page_url?.rsplit_once('/')?.0),
    };
    let mut segments: Vec<&str> = Vec::new();
    for segment in absolute.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    (!segments.is_empty()).then(|| segments.join("/"))
}

/// The id that a fragment names, decoded; none if it names none: the top of the page, or a piece of its text.
pub(crate) fn place(fragment: &str) -> Option<String> {
    let id = fragment.split(":~:").next().unwrap_or_default();
    let id = percent_decode_str(id).decode_utf8().ok()?;
    (!id.is_empty() && id != "top").then(|| id.into_owned())
}

/// The page that a path means: `other.md` is the page `other`.
pub(crate) fn page_of(path: String) -> String {
    match path.strip_suffix(".md") {
        Some(page) if !page.is_empty() && !page.ends_with('/') => page.to_string(),
        _ => path,
    }
}

/// The address as it is written into the page: `./x` is beside the page, as attachments are (spec/markdown.md §10.3).
pub(crate) fn written(url: &str, page_url: Option<&str>) -> String {
    match (url.strip_prefix("./"), page_url) {
        (Some(rest), Some(page)) => format!("{}/{rest}", holt_core::path::encode(page)),
        _ => url.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wikilinks_stay_inside() {
        for (target, href) in [
            ("Page", "/Page"),
            ("A B", "/A%20B"),
            ("a%20b", "/a%20b"),
            ("/a/b", "/a/b"),
            ("#anchor Here", "#anchor-here"),
            ("Page#Ünï Code!", "/Page#uni-code"),
            ("a?b=c", "/a%3Fb%3Dc"),
            ("Page#日本", "/Page#日本"),
            ("http://x.y/z", "/http%3A//x.y/z"),
            ("javascript:alert(1)", "/javascript%3Aalert%281%29"),
            ("//evil.com", "/evil.com"),
            ("\\\\evil", "/evil"),
        ] {
            assert_eq!(wikilink(target).href, href, "{target}");
        }
    }

    #[test]
    fn relative_links_are_resolved_as_a_browser_does() {
        let at = Some("/Some/Page");
        for (url, path) in [
            ("./x.png", Some("Some/Page/x.png")),
            ("x", Some("Some/x")),
            ("../x", Some("x")),
            ("../../../x", Some("x")),
            ("/a%20b?c#d", Some("a b")),
            ("https://e.org/x", None),
            ("//e.org", None),
            ("#h", None),
            ("?edit", None),
            ("mailto:a@b", None),
            ("/", None),
        ] {
            assert_eq!(resolve(url, at).as_deref(), path, "{url}");
        }
    }
}
