//! Headers of every answer (security.md HDR-1, MD-11; DESIGN §6 on style attributes).

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// For pages. Scripts come from this origin's files alone, and an uploaded file is never served as one (UPL-2, nosniff); style attributes
/// that the renderer let through are allowed, style elements are not.
const PAGE_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' https: data:; \
media-src 'self' https:; font-src 'self'; connect-src 'self'; form-action 'self'; manifest-src 'self'; frame-src 'self' https://www.youtube-nocookie.com; frame-ancestors 'none'; \
base-uri 'none'; object-src 'none'; require-trusted-types-for 'script'; trusted-types holt";

/// For the document in which diagrams are drawn. It has no origin (`sandbox`), may load our scripts and the styles that Mermaid makes, and may
/// talk to nobody.
pub const FRAME_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; \
form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts";

/// For files that are never pages.
pub const STATIC_CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// Adds what every page answer carries. A header that is there already stays.
pub fn security_headers(headers: &mut HeaderMap) {
    const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");
    const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
    let fixed: [(HeaderName, &'static str); 5] = [
        (header::CONTENT_SECURITY_POLICY, PAGE_CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (OPENER, "same-origin"),
        (PERMISSIONS, "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}
