//! What programs may do with the pages that their owners may change: change them, propose changes, or neither.
//!
//! A policy only narrows, like path rules: who may not write does not propose either. People are never subject to it.

use crate::error::{Error, Result};
use crate::path::{PageKey, PagePath};
use std::fmt;

/// What becomes of a change that a program makes. The later one of two is the stricter one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Handling {
    /// It is made.
    #[default]
    Direct,
    /// It waits until somebody accepts it.
    Propose,
    /// It is refused.
    Deny,
}

impl Handling {
    /// As preferences and the API spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Propose => "propose",
            Self::Deny => "deny",
        }
    }
    /// From such a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Direct, Self::Propose, Self::Deny].into_iter().find(|handling| handling.as_str() == word)
    }
}

/// Most characters of a [`ClientPattern`].
pub const CLIENT_PATTERN_CHARS: usize = 100;
/// Most rules of an [`AgentPolicy`].
pub const POLICY_RULES: usize = 100;

/// The names of programs: `mcp/claude*`. A star is anything, letters fit in both cases, and everything else is meant as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPattern(String);

impl ClientPattern {
    /// From 1 to 100 characters without control characters.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > CLIENT_PATTERN_CHARS || text.chars().any(char::is_control) {
            return Err(Error::invalid("the name of a client is empty or too long")
                .hint("Write 1 to 100 characters, like mcp/claude* or api/backup; * is every client."));
        }
        Ok(Self(text.to_string()))
    }
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    fn fits(&self, client: &str) -> bool {
        let (pattern, client) = (self.0.to_lowercase(), client.to_lowercase());
        let Some((head, rest)) = pattern.split_once('*') else { return pattern == client };
        let Some(mut left) = client.strip_prefix(head) else { return false };
        let Some((between, tail)) = rest.rsplit_once('*') else { return left.ends_with(rest) };
        // The leftmost place for each part leaves the most for those after it.
        for part in between.split('*') {
            let Some(at) = left.find(part) else { return false };
            left = &left[at + part.len()..];
        }
        left.ends_with(tail)
    }
}

impl fmt::Display for ClientPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What some programs may do at a page and below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRule {
    /// Which programs.
    pub client: ClientPattern,
    /// Which page, with what is below it; none: the whole wiki.
    pub path: Option<PagePath>,
    /// What becomes of their changes.
    pub handling: Handling,
}

/// The policy of a wiki: of the rules that fit, the first one counts; where none does, changes are made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentPolicy {
    rules: Vec<PolicyRule>,
    damaged: bool,
}

impl AgentPolicy {
    /// These, in their order.
    pub fn new(rules: Vec<PolicyRule>) -> Self {
        Self { rules, damaged: false }
    }
    /// A policy that nobody could read: programs change nothing.
    pub fn damaged() -> Self {
        Self { rules: Vec::new(), damaged: true }
    }
    /// Whether it was [`AgentPolicy::damaged`].
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }
    /// All, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyRule> {
        self.rules.iter()
    }
    /// What becomes of a change that the program `client` makes at `page`; none: to what belongs to no page.
    pub fn decide(&self, client: &str, page: Option<&PageKey>) -> Handling {
        if self.damaged {
            return Handling::Deny;
        }
        let covers = |rule: &&PolicyRule| match (&rule.path, page) {
            (None, _) => true,
            (Some(top), Some(page)) => super::subtrees::is_at_or_below(page.as_str(), top.key().as_str()),
            (Some(_), None) => false,
        };
        self.rules.iter().filter(covers).find(|rule| rule.client.fits(client)).map(|rule| rule.handling).unwrap_or_default()
    }
    /// The rules that could concern the program `client`, in their order.
    pub fn of<'p>(&'p self, client: &'p str) -> impl Iterator<Item = &'p PolicyRule> {
        self.rules.iter().filter(move |rule| rule.client.fits(client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_anything() {
        let fits = |pattern: &str, client: &str| ClientPattern::parse(pattern).unwrap().fits(client);
        for (pattern, client) in [
            ("*", "api/x"),
            ("mcp/*", "mcp/Claude"),
            ("MCP/claude*", "mcp/claude-code"),
            ("*code", "mcp/code"),
            ("a*b*c", "axbxbyc"),
            ("a**c", "ac"),
        ] {
            assert!(fits(pattern, client), "{pattern} {client}");
        }
        for (pattern, client) in [("mcp", "mcp/x"), ("mcp/*", "api/mcp/"), ("a*a", "a"), ("a*b*c", "acb"), ("?", "x"), ("ab*bc", "abc")] {
            assert!(!fits(pattern, client), "{pattern} {client}");
        }
        assert!(ClientPattern::parse(" ").is_err() && ClientPattern::parse("a\nb").is_err());
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rule = |client: &str, path: &str, handling| PolicyRule {
            client: ClientPattern::parse(client).unwrap(),
            path: (!path.is_empty()).then(|| PagePath::parse(path).unwrap()),
            handling,
        };
        let policy = AgentPolicy::new(vec![
            rule("mcp/*", "Log", Handling::Direct),
            rule("mcp/*", "Secret", Handling::Deny),
            rule("mcp/*", "", Handling::Propose),
        ]);
        let decide = |client: &str, page: &str| policy.decide(client, Some(&PagePath::parse(page).unwrap().key()));
        assert_eq!(decide("mcp/x", "log/2026"), Handling::Direct);
        assert_eq!(decide("mcp/x", "Logs"), Handling::Propose);
        assert_eq!(decide("mcp/x", "Secret"), Handling::Deny);
        assert_eq!(decide("api/x", "Secret"), Handling::Direct);
        assert_eq!(policy.decide("mcp/x", None), Handling::Propose);
        assert_eq!(AgentPolicy::damaged().decide("api/x", None), Handling::Deny);
    }
}
