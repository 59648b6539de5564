//! Commit ids and what a commit says about itself. Only these types ever reach git (security.md GIT-1).

use crate::error::{Error, Result};
use std::fmt;

/// Seconds since the Unix epoch, UTC, with the author's offset from UTC in seconds as git keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Seconds east of UTC.
    pub offset: i32,
}

impl Timestamp {
    /// A time in UTC.
    pub const fn utc(seconds: i64) -> Self {
        Self { seconds, offset: 0 }
    }
}

/// The id of a commit: 40 hex digits, nothing else.
///
/// ```compile_fail
/// let id = holt_core::RevisionId([0; 20]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RevisionId([u8; 20]);

impl RevisionId {
    /// From the bytes of an object id that git reported.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }
    /// From exactly 40 hex digits.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() != 40 {
            return Err(unknown(text));
        }
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let high = hex(pair[0]).ok_or_else(|| unknown(text))?;
            let low = hex(pair[1]).ok_or_else(|| unknown(text))?;
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
    /// The 20 bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
    /// The first `digits` hex digits, as pages show them.
    pub fn short(&self, digits: usize) -> String {
        let mut hex = self.to_string();
        hex.truncate(digits);
        hex
    }
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|d| d as u8)
}

fn unknown(text: &str) -> Error {
    let shown: String = text.chars().take(64).filter(|c| !c.is_control()).collect();
    Error::not_found(format!("there is no revision “{shown}”"))
        .hint("A revision is 4 to 40 hexadecimal digits, as the history of the page shows them.")
}

impl fmt::Display for RevisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}
impl fmt::Debug for RevisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a person types for a revision: 4 to 40 hex digits, to be resolved inside one wiki. Lower-cased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionPrefix(String);

impl RevisionPrefix {
    /// From 4 to 40 hex digits. Everything else is an unknown revision, not a malformed one (spec/wiki.md §4.2).
    pub fn parse(text: &str) -> Result<Self> {
        if !(4..=40).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(unknown(text));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
    /// The digits, lower-case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The full id, if all 40 digits were given.
    pub fn full(&self) -> Option<RevisionId> {
        RevisionId::parse(&self.0).ok()
    }
}

/// Name and mail as written in a commit: at most 128 and 254 bytes, without control characters, `<`, `>` or line breaks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Author {
    name: String,
    email: String,
}

impl Author {
    /// Characters that a commit header cannot hold are dropped; over-long values are cut at a character border. An empty name becomes `Anonymous`.
    pub fn new(name: &str, email: &str) -> Self {
        let name = header_text(name, 128);
        let name = if name.is_empty() { "Anonymous".to_string() } else { name };
        Self { name, email: header_text(email, 254) }
    }
    /// Nobody in particular (spec/wiki.md §13.2).
    pub fn anonymous() -> Self {
        Self::new("Anonymous", "")
    }
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The mail address; may be empty.
    pub fn email(&self) -> &str {
        &self.email
    }
}

fn header_text(text: &str, limit: usize) -> String {
    let mut kept: String = text.trim().chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
    while kept.len() > limit {
        kept.pop();
    }
    kept.trim().to_string()
}

/// One commit of a wiki.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Its id.
    pub id: RevisionId,
    /// Who wrote it.
    pub author: Author,
    /// When, by the author's clock.
    pub time: Timestamp,
    /// The whole message.
    pub message: String,
}

/// The trailer of a commit that a program made for somebody: which one (spec/api.md §5).
pub const VIA_TRAILER: &str = "Via";
/// The trailer beside it: in which session of that program.
pub const SESSION_TRAILER: &str = "Session";
/// The trailer of a commit that takes others back: which.
pub const UNDOES_TRAILER: &str = "Undoes";
/// The trailer beside it: by which plan, so that whoever follows it twice is told what came of it.
pub const PLAN_TRAILER: &str = "Undo-Plan";

impl Revision {
    /// The program that made it for its author, if the message says so in a trailer, as git knows them: a line in its last paragraph, which
    /// is not its first.
    pub fn via(&self) -> Option<&str> {
        self.trailer(VIA_TRAILER)
    }
    /// The session of that program, if the message says so.
    pub fn session(&self) -> Option<&str> {
        self.trailer(SESSION_TRAILER)
    }
    /// What it takes back, if the message says so.
    pub fn undoes(&self) -> Option<&str> {
        self.trailer(UNDOES_TRAILER)
    }
    /// The plan by which it does, if the message says so.
    pub fn plan(&self) -> Option<&str> {
        self.trailer(PLAN_TRAILER)
    }
    fn trailer(&self, name: &str) -> Option<&str> {
        let (_, last) = self.message.trim_end().rsplit_once("\n\n")?;
        let pairs = last.lines().filter_map(|line| line.split_once(": "));
        let mut values = pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
        values.rfind(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hex_becomes_a_revision() {
        assert!(RevisionId::parse(&"a".repeat(40)).is_ok());
        for bad in ["HEAD", "-x", "a".repeat(41).as_str(), "abc", "refs/heads/main", "abcd^", "@{0}"] {
            assert_eq!(RevisionPrefix::parse(bad).unwrap_err().kind, crate::ErrorKind::NotFound, "{bad}");
        }
        assert_eq!(RevisionPrefix::parse("ABCD").unwrap().as_str(), "abcd");
    }

    #[test]
    fn a_trailer_names_the_program() {
        let via = |message: &str| {
            let (id, author, time) = (RevisionId::from_bytes([1; 20]), Author::anonymous(), Timestamp::utc(0));
            Revision { id, author, time, message: message.to_string() }.via().map(str::to_string)
        };
        assert_eq!(via("Title\n\nVia: mcp/claude\nHolt-Op: x\n").as_deref(), Some("mcp/claude"));
        assert_eq!(via("Title\n\nText\n\nSigned-off-by: A\nvia:  two words \n\n").as_deref(), Some("two words"));
        let (id, author, time) = (RevisionId::from_bytes([1; 20]), Author::anonymous(), Timestamp::utc(0));
        let both = Revision { id, author, time, message: "Title\n\nVia: mcp/x\nSession: s-1".to_string() };
        assert_eq!((both.via(), both.session()), (Some("mcp/x"), Some("s-1")));
        for none in ["Via: mcp/x", "Title\n\nVia: x\n\nMore text", "Title\n\nVia:", "Title\n\nVia: ", "", "Title\n\nnot Via: x"] {
            assert_eq!(via(none), None, "{none:?}");
        }
    }

    #[test]
    fn an_author_never_breaks_a_commit_header() {
        let author = Author::new("Eve <e@x>\n\u{0}parent 123", "a>b\nc");
        assert_eq!((author.name(), author.email()), ("Eve e@xparent 123", "abc"));
        assert!(Author::new(&"é".repeat(100), "").name().len() <= 128);
        assert_eq!(Author::new("", "").name(), "Anonymous");
    }
}
