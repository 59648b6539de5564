//! What a wiki is called and how it is told apart.

use crate::error::{Error, Result};
use std::fmt;
use std::num::NonZeroU64;

/// Identifies a wiki for ever; names its directory, keys and rows. Random, never derived from the slug, and there is no way to
/// parse one from user input: it comes only from the platform database (security.md TEN-1, TEN-5).
///
/// ```compile_fail
/// let id: holt_core::WikiId = "17".parse().unwrap();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WikiId(NonZeroU64);

impl WikiId {
    /// From the number that the platform database holds.
    pub fn from_store(number: i64) -> Option<Self> {
        NonZeroU64::new(number.cast_unsigned()).map(Self)
    }
    /// From random bits, when a wiki is created.
    pub fn from_random(bits: u64) -> Self {
        Self(NonZeroU64::new(bits).unwrap_or(NonZeroU64::MIN))
    }
    /// The number, as SQLite stores it.
    pub fn to_store(self) -> i64 {
        self.0.get().cast_signed()
    }
}

impl fmt::Display for WikiId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
impl fmt::Debug for WikiId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What people type to reach a wiki: its slug. May change; never names anything on disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WikiName(String);

/// Longest slug, in bytes (security.md TEN-5).
pub const SLUG_BYTES: usize = 40;

/// Names of hosts that belong to the platform or to the machines around it: no wiki is called so (spec/platform.md §1.2, security.md TEN-5).
const RESERVED: &[&str] = &[
    "admin",
    "api",
    "app",
    "assets",
    "auth",
    "autoconfig",
    "autodiscover",
    "cdn",
    "ftp",
    "git",
    "imap",
    "localhost",
    "login",
    "mail",
    "mcp",
    "mta-sts",
    "ns",
    "ns1",
    "ns2",
    "null",
    "oauth",
    "platform",
    "pop",
    "smtp",
    "ssh",
    "static",
    "status",
    "undefined",
    "vpn",
    "well-known",
    "www",
];
/// Names that visitors would take for the platform's own: whoever runs the machine may give them, nobody else (spec/platform.md §1.2).
const OFFICIAL: &[&str] = &["billing", "blog", "dev", "docs", "help", "support", "user", "wiki"];

impl WikiName {
    /// A name as people choose it: everything that [`WikiName::parse`] asks, and none of those that sound like the platform's own.
    pub fn choose(text: &str) -> Result<Self> {
        let name = Self::parse(text)?;
        if OFFICIAL.contains(&text) { Err(reserved(text)) } else { Ok(name) }
    }
    /// A name as whoever runs the machine gives it: `[a-z0-9](?:[a-z0-9-]{1,38}[a-z0-9])`, no `--`, no host of the platform's
    /// (security.md TEN-5). Says what is wrong first, in the order of spec/platform.md §1.2.
    pub fn parse(text: &str) -> Result<Self> {
        let name = Self::existing(text)?;
        if text.contains("--") {
            // Which covers `xn--`, the names that browsers show in other scripts.
            return Err(misspelt(Error::invalid("the short name of a wiki has no two hyphens in a row")));
        }
        if RESERVED.contains(&text) { Err(reserved(text)) } else { Ok(name) }
    }
    /// A name that a wiki has already, here or where it is imported from: it may be reserved, or have hyphens in a row.
    pub fn existing(text: &str) -> Result<Self> {
        let edge = |c: Option<char>| c == Some('-');
        let wrong = if text.is_empty() {
            Error::invalid("a wiki needs a short name for its address")
        } else if text.chars().any(char::is_uppercase) {
            Error::invalid("the short name of a wiki is in lower case")
        } else if text.chars().count() < 3 {
            Error::invalid("the short name of a wiki has at least 3 characters")
        } else if text.chars().count() > SLUG_BYTES {
            Error::invalid("the short name of a wiki has at most 40 characters")
        } else if edge(text.chars().next()) || edge(text.chars().next_back()) {
            Error::invalid("the short name of a wiki begins and ends with a letter or digit")
        } else if !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            Error::invalid("the short name of a wiki has only letters from a to z, digits and hyphens")
        } else {
            return Ok(Self(text.to_string()));
        };
        Err(misspelt(wrong))
    }
    /// `text` as near to a slug as its letters allow: `Our Team’s Notes` is `our-team-s-notes`. It may be too short or reserved.
    pub fn spelled(text: &str) -> String {
        let mut slug = String::new();
        for c in text.chars().flat_map(char::to_lowercase) {
            match c {
                'a'..='z' | '0'..='9' => slug.push(c),
                'ä' | 'æ' => slug.push_str("ae"),
                'ö' | 'ø' | 'œ' => slug.push_str("oe"),
                'ü' => slug.push_str("ue"),
                'ß' => slug.push_str("ss"),
                _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
                _ => {}
            }
        }
        slug.truncate(SLUG_BYTES);
        slug.trim_end_matches('-').to_string()
    }
    /// What somebody may call a wiki whose name on screen is `text`; none if nothing comes of it (spec/platform.md §1.2).
    pub fn suggest(text: &str) -> Option<Self> {
        let mut slug = Self::spelled(text);
        if slug.len() < 3 {
            slug.push_str("wiki");
        }
        Self::choose(&slug).ok()
    }
    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn misspelt(wrong: Error) -> Error {
    wrong.hint("Use 3 to 40 lower-case letters, digits and single hyphens, beginning and ending with a letter or digit.")
}

fn reserved(text: &str) -> Error {
    Error::invalid(format!("the name {text} is reserved")).hint("Choose another name.")
}

impl fmt::Display for WikiName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether anonymous readers may see published pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Everybody may read.
    Public,
    /// A viewer token is needed.
    Private,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case 2 of spec/platform.md §16, with the longest of security.md TEN-5.
    #[test]
    fn slugs_follow_the_rule_and_say_what_is_wrong_first() {
        for good in ["my-wiki", "test123", "abc", "a-b", "a1b", "team-handbook-2026", &"a".repeat(40)] {
            assert!(WikiName::choose(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", "needs a short name"),
            ("MyWiki", "lower case"),
            ("A", "lower case"),
            ("ab", "at least 3"),
            ("-", "at least 3"),
            (&*"a".repeat(41), "at most 40"),
            ("-wiki", "begins and ends"),
            ("wiki-", "begins and ends"),
            ("a_b", "only letters"),
            ("../x", "only letters"),
            ("ü-b", "only letters"),
            ("a b", "only letters"),
            ("a.b", "only letters"),
            ("a--b", "two hyphens"),
            ("xn--bcher-kva", "two hyphens"),
            ("admin", "reserved"),
            ("www", "reserved"),
        ] {
            for parse in [WikiName::choose, WikiName::parse] {
                let error = parse(bad).unwrap_err();
                assert!(error.message.contains(why), "{bad:?}: {}", error.message);
            }
        }
    }

    #[test]
    fn what_is_reserved_exists_where_it_was_brought_in() {
        for name in RESERVED.iter().chain(OFFICIAL) {
            let shaped = name.len() >= 3;
            assert!(WikiName::choose(name).is_err(), "{name}");
            assert_eq!(WikiName::existing(name).is_ok(), shaped, "{name}");
        }
        assert!(WikiName::existing("a--b").is_ok(), "robot.wtf let people choose it");
        // An operator's handbook may stand at docs.example.org, a stranger's pages may not.
        assert!(WikiName::parse("docs").is_ok() && WikiName::parse("www").is_err());
    }

    #[test]
    fn names_become_slugs() {
        for (name, slug) in [
            ("Our Team’s  Notes!", Some("our-team-s-notes")),
            ("Bücher & Straßen", Some("buecher-strassen")),
            ("Ö", Some("oewiki")),
            ("Docs", None),
            ("東京", None),
            ("--x--", Some("xwiki")),
        ] {
            assert_eq!(WikiName::suggest(name).as_ref().map(WikiName::as_str), slug, "{name}");
        }
        assert!(WikiName::suggest(&"long name ".repeat(9)).unwrap().as_str().len() <= SLUG_BYTES);
    }
}
