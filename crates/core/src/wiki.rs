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

/// Host names that mean something else (security.md TEN-5).
const RESERVED: &[&str] =
    &["www", "api", "mcp", "auth", "admin", "static", "cdn", "mail", "git", "oauth", "login", "localhost", "app", "assets", "status"];

impl WikiName {
    /// `[a-z0-9](?:[a-z0-9-]{1,38}[a-z0-9])`, no `--`, not reserved (security.md TEN-5).
    pub fn parse(text: &str) -> Result<Self> {
        let bytes = text.as_bytes();
        let shape = (3..=40).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
            && bytes[0] != b'-'
            && bytes[bytes.len() - 1] != b'-'
            && !text.contains("--");
        if !shape {
            return Err(Error::invalid("that is not a possible wiki name")
                .hint("Use 3 to 40 lower-case letters, digits and single hyphens, beginning and ending with a letter or digit."));
        }
        if RESERVED.contains(&text) {
            return Err(Error::invalid(format!("the name {text} is reserved")).hint("Choose another name."));
        }
        Ok(Self(text.to_string()))
    }
    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
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

    #[test]
    fn slugs_follow_the_rule() {
        for good in ["docs", "a-b", "a1b", "team-handbook-2026"] {
            assert!(WikiName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", "-ab", "ab-", "a--b", "Docs", "a_b", "../x", "www", &"a".repeat(41), "ü-b"] {
            assert!(WikiName::parse(bad).is_err(), "{bad}");
        }
    }
}
