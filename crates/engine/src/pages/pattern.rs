//! Finding lines by a regular expression: in what pages say, mark-up and all, page by page in order of their paths.
//!
//! Whatever the pattern, the time is linear in the text (no back references, nothing to look behind), and everything is bounded
//! (security.md RATE-6, INP-11): the pattern, its program, the pages and bytes of one answer and how long it may take. What was not reached
//! comes with the next answer. Only pages that may be seen are opened: others cost nobody time.

use super::text::readable;
use crate::scope::{Read, Scope};
use holt_core::{PagePath, Result, RevisionId};
use regex::{Regex, RegexBuilder};

/// Longest pattern, in bytes.
const PATTERN: usize = 512;
/// Largest program a pattern may become, and the memory it may be run in, in bytes.
const PROGRAM: usize = 256 * 1024;
const CACHE: usize = 1024 * 1024;
/// Levels of brackets.
const DEPTH: u32 = 50;
/// Longest line that is looked at, in bytes; of a longer one its beginning is.
const LINE: usize = 16 * 1024;
/// Lines that are told of a page.
const LINES: usize = 5;
/// Characters that are told of a line, and how many of them before the match.
const SHOWN: usize = 200;
const LEAD: usize = 40;
/// What one answer may read.
const BYTES: usize = 64 * 1024 * 1024;
/// Pages that are asked for at a time.
const CHUNK: usize = 500;

/// A regular expression that can be run.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

/// Why a text is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPattern {
    /// What is wrong.
    pub message: String,
    /// Where, in characters from the beginning, if it is in one place.
    pub at: Option<usize>,
}

/// A line in which a pattern was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1 on.
    pub number: usize,
    /// As much of it as is shown.
    pub text: String,
    /// Where in that the first match stands, in characters.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// A page in which a pattern was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageLines {
    /// Where.
    pub path: PagePath,
    /// What its properties call it.
    pub name: Option<String>,
    /// The first lines with a match.
    pub lines: Vec<Line>,
    /// Whether there are more.
    pub more: bool,
}

/// A part of what a pattern finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternHits {
    /// By path.
    pub pages: Vec<PageLines>,
    /// Pages that took too long to be looked through to their end.
    pub unfinished: Vec<PagePath>,
    /// The last page looked through, if others follow.
    pub next: Option<PagePath>,
    /// The commit that the answer stands at; for whom something is hidden from, the newest they see.
    pub revision: Option<RevisionId>,
}

impl Pattern {
    /// Takes what the crate `regex` understands, for one line at a time.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        if text.len() > PATTERN {
            return Err(BadPattern { message: format!("the pattern is longer than {PATTERN} bytes"), at: None });
        }
        let bad = |message: String, byte: usize| BadPattern { message, at: Some(text.get(..byte).unwrap_or(text).chars().count()) };
        let parsed = regex_syntax::ParserBuilder::new().nest_limit(DEPTH).build().parse(text);
        parsed.map_err(|error| match &error {
            regex_syntax::Error::Parse(error) => bad(error.kind().to_string(), error.span().start.offset),
            regex_syntax::Error::Translate(error) => bad(error.kind().to_string(), error.span().start.offset),
            _ => BadPattern { message: "the pattern cannot be read".into(), at: None },
        })?;
        let regex = RegexBuilder::new(text).size_limit(PROGRAM).dfa_size_limit(CACHE).nest_limit(DEPTH).build();
        regex.map(Self).map_err(|_| BadPattern { message: "the pattern stands for too much".into(), at: None })
    }
}

/// Pages with lines that `pattern` fits, from behind `after` on: at most `limit`, and fewer once it `is_late`, but for one page that is looked
/// through in any case. `filters` is a query of filters alone, as in [`super::search`].
pub fn search_pattern(
    scope: &Scope<'_, Read>,
    pattern: &Pattern,
    filters: &str,
    after: Option<PagePath>,
    limit: usize,
    is_late: &dyn Fn() -> bool,
) -> Result<PatternHits> {
    let (index, repo) = (scope.index()?, scope.wiki().repo()?);
    let mut hits = PatternHits { pages: Vec::new(), unfinished: Vec::new(), next: after, revision: index.newest()? };
    let mut read = 0;
    loop {
        let sources = index.sources(filters, hits.next.as_ref(), CHUNK)?;
        let last = sources.len() < CHUNK;
        for source in sources {
            if hits.pages.len() >= limit || (read > 0 && (read > BYTES || is_late())) {
                return Ok(hits);
            }
            let text = readable(repo.blob(source.blob)?);
            read += text.len().max(1);
            let (lines, finished) = lines(pattern, &text, is_late);
            hits.next = Some(source.path.clone());
            if !finished {
                hits.unfinished.push(source.path.clone());
            }
            if !lines.is_empty() {
                let more = lines.len() > LINES;
                let lines = lines.into_iter().take(LINES).collect();
                hits.pages.push(PageLines { path: source.path, name: source.name, lines, more });
            }
        }
        if last {
            hits.next = None;
            return Ok(hits);
        }
    }
}

/// One line more than is told, if there are so many, and whether time was enough.
fn lines(pattern: &Pattern, text: &str, is_late: &dyn Fn() -> bool) -> (Vec<Line>, bool) {
    let mut found = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let cut = (0..=line.len().min(LINE)).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
        let line = &line[..cut];
        if let Some(hit) = pattern.0.find(line) {
            found.push(shown(line, number, hit.range()));
            if found.len() > LINES {
                break;
            }
        }
        // A clock is asked now and then: most lines take less than asking.
        if (number % 64 == 0 || line.len() > LINE / 8) && is_late() {
            return (found, false);
        }
    }
    (found, true)
}

fn shown(line: &str, number: usize, hit: std::ops::Range<usize>) -> Line {
    let before = line[..hit.start].chars().count();
    let skipped = before.saturating_sub(LEAD);
    let text: String = line.chars().skip(skipped).take(SHOWN).collect();
    let (start, length) = (before - skipped, text.chars().count());
    Line { number, start: start.min(length), end: (start + line[hit].chars().count()).min(length), text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> BadPattern {
        Pattern::parse(text).unwrap_err()
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, at) in [("ä(b", 1), ("ab[", 2), ("x**{", 3), ("a{5,2}", 1), (r"é\1", 1), (r"(?<=a)b", 0), (r"\p{Nothing}", 0)] {
            let bad = refused(text);
            assert!(bad.at == Some(at) && !bad.message.is_empty(), "{text}: {bad:?}");
        }
        for text in [r"(\w{50}){50}", &"(".repeat(60), &"x".repeat(513), "((a{99}){99}){99}"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
        for text in ["", "a*", "^## ", r"\bfoo\b", r"(?i)größe", r"\p{Han}+", r"\w+@\w+\.\w{2,}", "(a?){30}a{30}"] {
            assert!(Pattern::parse(text).is_ok(), "{text}: {:?}", Pattern::parse(text));
        }
    }

    #[test]
    fn lines_are_told_with_the_place_of_the_match() {
        let told = |pattern: &str, text: &str| lines(&Pattern::parse(pattern).unwrap(), text, &|| false).0;
        let line = |number, text: &str, start, end| Line { number, text: text.into(), start, end };
        assert_eq!(told("b+", "a\r\nöbbx\nb"), [line(2, "öbbx", 1, 3), line(3, "b", 0, 1)]);
        assert_eq!(told("^$", "a\n\nb"), [line(2, "", 0, 0)]);
        assert_eq!(told(r"(?i)GRÖSSE$", "die Größe\nGröße"), []);
        assert_eq!(told("(?i)GRÖ", "die größe").len(), 1);
        let long = format!("{}needle{}", "x".repeat(300), "ö".repeat(300));
        assert_eq!(told("needle", &long)[0].text.chars().count(), SHOWN);
        assert_eq!((told("needle", &long)[0].start, told("needle", &long)[0].end), (LEAD, LEAD + 6));
        assert_eq!(told("x", &"x\n".repeat(99)).len(), LINES + 1);
        assert_eq!(told("needle", &format!("{}needle", "ö".repeat(LINE))).len(), 0, "beyond the bound");
    }

    #[test]
    fn time_that_is_over_ends_it() {
        let pattern = Pattern::parse("x").unwrap();
        assert_eq!(lines(&pattern, &"y\n".repeat(100), &|| true), (Vec::new(), false));
        assert!(lines(&pattern, "x\n", &|| true).1);
    }
}
