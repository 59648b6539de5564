//! Values of flags that a type alone does not check.

use holt_fragments::Forms;
use http::HeaderName;

/// Headers that mean something else already: whoever may set one of these would say who somebody is, or the other way round.
const TAKEN: &[&str] = &[
    "host",
    "origin",
    "referer",
    "cookie",
    "authorization",
    "proxy-authorization",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "transfer-encoding",
    "content-length",
    "content-type",
    "content-encoding",
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "range",
    "user-agent",
    "via",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
];

/// The name of a header that a proxy sets for us and that nothing else uses.
pub fn header_of_ones_own(text: &str) -> Result<HeaderName, String> {
    let name: HeaderName = text.parse().map_err(|_| "that is no name of a header. Write one like x-user-email.".to_string())?;
    if TAKEN.contains(&name.as_str()) || name.as_str().starts_with("sec-") {
        return Err(format!("{name} means something else already. Have the proxy send a header of its own, like x-user-email."));
    }
    Ok(name)
}

/// The compressed forms in which pages are published.
pub fn encodings(text: &str) -> Result<Forms, String> {
    Forms::parse(text).ok_or_else(|| "there are gzip, which is always there, and gzip,zstd".to_string())
}

/// `KEY=VALUE`.
pub fn key_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=').map(|(k, v)| (k.to_string(), v.to_string())).ok_or_else(|| format!("write it as KEY=VALUE, not {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_vouches_means_nothing_else() {
        for good in ["x-otterwiki-email", "X-User", "remote-user", "X-Forwarded-Email"] {
            assert!(header_of_ones_own(good).is_ok(), "{good}");
        }
        for bad in ["", "host", "Host", "X-Forwarded-For", "cookie", "a b", "x:", "sec-fetch-site"] {
            assert!(header_of_ones_own(bad).is_err(), "{bad:?}");
        }
    }
}
