//! A name of the DNS at which a wiki may answer beside its slug. Names in other scripts come as browsers send them (IDNA, `xn--…`).

use crate::error::{Error, Result};
use std::fmt;

/// Longest such name, in bytes: another label has room before it (RFC 1035 §2.3.4).
pub const DOMAIN_BYTES: usize = 240;
/// Longest part between two dots.
const LABEL_BYTES: usize = 63;
/// Ends of names that nobody has for themselves (RFC 6761, RFC 6762, RFC 7686, RFC 3172, RFC 9476).
const NOBODYS: &[&str] = &["localhost", "local", "onion", "arpa", "invalid", "alt"];

/// A name like `wiki.example.org`: lower case, at least two labels, no dot at its end, no address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(String);

impl DomainName {
    /// From its ASCII form. `Invalid` says what is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        const HOW: &str = "Write it like wiki.example.org.";
        if !is_host_name(text) {
            return Err(Error::invalid("that is no name of a host").hint(HOW));
        }
        if is_address(text) {
            return Err(Error::invalid("that is an address, not a name").hint(HOW));
        }
        let (rest, last) = text.rsplit_once('.').unwrap_or(("", text));
        if rest.is_empty() || NOBODYS.contains(&last) {
            return Err(Error::invalid("nobody can have that name for themselves").hint(HOW));
        }
        Ok(Self(text.to_string()))
    }
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Whether it is `domain` itself or below it.
    pub fn is_within(&self, domain: &str) -> bool {
        self.0.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
    /// Where a text shows that somebody rules it.
    pub fn proof_name(&self) -> String {
        format!("_holt.{}", self.0)
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the wikis of a server are: `wiki.example.org`, whose names below it are wikis. `localhost` and names without a dot, of a network of one's own, may be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseDomain(String);

impl BaseDomain {
    /// From what an operator writes; capitals are made small. `Invalid` says what is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let name = text.to_ascii_lowercase();
        if !is_host_name(&name) {
            return Err(Error::invalid("that is no name of a host")
                .hint("Write the name alone, like wiki.example.org: no scheme, no port, no dot at its end, other scripts as xn--…"));
        }
        if is_address(&name) {
            return Err(Error::invalid("that is an address, not a name")
                .hint("Wikis are at names below it: write a name like wiki.example.org, or localhost."));
        }
        Ok(Self(name))
    }
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for BaseDomain {
    /// What is wrong and what to do, as command lines show it.
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Self::parse(text).map_err(|e| format!("{e}. {}", e.hint.as_deref().unwrap_or_default()))
    }
}

/// Whether its labels are those of a host (RFC 1123 §2.1), in lower case.
fn is_host_name(text: &str) -> bool {
    let fine = |label: &str| {
        let ends = label.starts_with('-') || label.ends_with('-');
        let signs = label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        !label.is_empty() && label.len() <= LABEL_BYTES && signs && !ends
    };
    text.len() <= DOMAIN_BYTES && text.split('.').all(fine)
}

/// Whether it is, or could be taken for, an IPv4 address (WHATWG URL, "ends in a number").
fn is_address(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wikis_are_below_names() {
        for (good, name) in
            [("wiki.example.org", "wiki.example.org"), ("localhost", "localhost"), ("Wiki.LAN", "wiki.lan"), ("intranet", "intranet")]
        {
            assert_eq!(BaseDomain::parse(good).unwrap().as_str(), name);
        }
        for bad in [
            "",
            " ",
            "a b",
            ".",
            "x.",
            ".x",
            "http://x",
            "x/",
            "x:80",
            "127.0.0.1",
            "[::1]",
            "::1",
            "1",
            "0x7f",
            "*.x",
            "münchen.example",
            "_x.org",
            "-x",
        ] {
            assert!(BaseDomain::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_that_somebody_can_have() {
        for good in ["wiki.example.org", "example.org", "a.b", "xn--mnchen-3ya.example", "1.example.org", "wiki.corp.internal"] {
            assert_eq!(DomainName::parse(good).unwrap().as_str(), good);
        }
        let long = format!("{}org", "a.".repeat(120));
        for bad in [
            "",
            ".",
            "org",
            "localhost",
            "wiki.localhost",
            "printer.local",
            "x.onion",
            "1.0.0.127.in-addr.arpa",
            "127.0.0.1",
            "1.2.3",
            "0x7f.0x1",
            "[::1]",
            "Wiki.example.org",
            "wiki.example.org.",
            ".example.org",
            "a..org",
            "-a.org",
            "a-.org",
            "*.example.org",
            "_holt.example.org",
            "a b.org",
            "münchen.example",
            "a.org:443",
            "a.org/x",
            "https://a.org",
            "a.org\n",
            long.as_str(),
            &format!("{}.org", "x".repeat(64)),
        ] {
            assert!(DomainName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn within_is_at_a_dot() {
        let name = DomainName::parse("wiki.example.org").unwrap();
        assert!(name.is_within("example.org") && name.is_within("wiki.example.org") && name.is_within("org"));
        assert!(!name.is_within("ample.org") && !name.is_within("a.wiki.example.org"));
        assert_eq!(name.proof_name(), "_holt.wiki.example.org");
    }
}
