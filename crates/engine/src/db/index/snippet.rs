//! The stretch of a page's text that says most about why it was found.

use super::search::Piece;
use super::terms::{Query, fold, folded, is_cjk};
use std::ops::Range;

/// Length of a snippet, in characters.
const LENGTH: usize = 220;
/// How much of it stands before the first word looked for.
const LEAD: usize = 40;
/// Occurrences that are looked at; a page that has more is not read to its end.
const OCCURRENCES: usize = 400;

/// What of a query can stand in a text.
pub(super) struct Needle {
    /// Folded.
    pub(super) text: String,
    pub(super) prefix: bool,
    cjk: bool,
}

/// The best stretch of `text` for `query`, its words marked; the beginning if none stands there as it was typed.
pub(super) fn snippet(text: &str, query: &Query) -> Vec<Piece> {
    let needles = needles(query);
    let found = occurrences(text, &needles);
    let start = best(text, &found);
    let from = back(text, start, if found.is_empty() { 0 } else { LEAD });
    let to = text[from..].char_indices().nth(LENGTH).map_or(text.len(), |(i, _)| back(text, from + i, 12).max(from + i / 2));
    let mut pieces = Vec::new();
    let mut add = |text: &str, hit: bool| {
        if !text.is_empty() {
            pieces.push(Piece { text: one_space(text), hit });
        }
    };
    if from > 0 {
        add("… ", false);
    }
    let mut reached = from;
    for (range, _) in found.iter().filter(|(range, _)| range.start >= from && range.end <= to) {
        if range.start >= reached {
            add(&text[reached..range.start], false);
            add(&text[range.clone()], true);
            reached = range.end;
        }
    }
    add(&text[reached..to], false);
    if to < text.len() {
        add(" …", false);
    }
    pieces
}

/// Every run of white space as one space.
fn one_space(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
    out
}

/// The words of `query` that are looked for.
pub(super) fn needles(query: &Query) -> Vec<Needle> {
    let mut needles: Vec<Needle> = Vec::new();
    for term in &query.wanted {
        let whole = folded(&term.text);
        for word in words(&whole) {
            let text = whole[word.clone()].to_string();
            let cjk = text.starts_with(is_cjk);
            if !needles.iter().any(|needle| needle.text == text) {
                // A word may have been found as the beginning of a longer one.
                needles.push(Needle { prefix: term.prefix || word.end == whole.trim_end().len(), text, cjk });
            }
        }
    }
    needles
}

impl Needle {
    /// Whether it is the word `run`, or what that begins with.
    fn fits(&self, run: &str) -> bool {
        let ends = |length: usize| length == self.text.len() || (self.prefix && length > self.text.len());
        if run.is_ascii() {
            let run = run.as_bytes();
            return ends(run.len()) && run[..self.text.len()].eq_ignore_ascii_case(self.text.as_bytes());
        }
        let run = fold(run);
        ends(run.len()) && run.as_bytes()[..self.text.len()].eq_ignore_ascii_case(self.text.as_bytes())
    }
}

/// How often each needle stands in `text`, as far as it is read.
pub(super) fn counts(text: &str, needles: &[Needle]) -> Vec<usize> {
    let mut counts = vec![0; needles.len()];
    for (_, needle) in occurrences(text, needles) {
        counts[needle] += 1;
    }
    counts
}

/// The runs of letters and digits in `text`; where a script without spaces begins or ends, a run does, too.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(char::is_alphanumeric)?;
        let cjk = text[start..].starts_with(is_cjk);
        let end = text[start..].find(|c: char| !c.is_alphanumeric() || is_cjk(c) != cjk).map_or(text.len(), |n| start + n);
        rest = end;
        Some(start..end)
    })
}

/// Where the needles stand in `text`, and which, in order.
fn occurrences(text: &str, needles: &[Needle]) -> Vec<(Range<usize>, usize)> {
    let mut found = Vec::new();
    for word in words(text) {
        if found.len() >= OCCURRENCES {
            break;
        }
        let run = &text[word.clone()];
        if run.starts_with(is_cjk) {
            for (n, needle) in needles.iter().enumerate().filter(|(_, needle)| needle.cjk) {
                found.extend(run.match_indices(&needle.text).map(|(i, m)| (word.start + i..word.start + i + m.len(), n)));
            }
            continue;
        }
        // Of words that fit, the whole one counts before the beginning.
        let fit =
            |whole: bool| needles.iter().position(|needle| !needle.cjk && needle.fits(run) && (!whole || needle.text.len() >= run.len()));
        if let Some(n) = fit(true).or_else(|| fit(false)) {
            found.push((word, n));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.start.cmp(&b.start).then(b.end.cmp(&a.end)));
    found
}

/// The start of the stretch with most different needles, then most occurrences; the first of equals.
fn best(text: &str, found: &[(Range<usize>, usize)]) -> usize {
    let mut best = (0, 0, 0);
    for (i, (range, _)) in found.iter().enumerate() {
        let end = range.start + (LENGTH - LEAD);
        let inside = found[i..].iter().take_while(|(r, _)| r.end <= end);
        let (mut seen, mut count) = (std::collections::BTreeSet::new(), 0);
        for (_, needle) in inside {
            seen.insert(needle);
            count += 1;
        }
        if (seen.len(), count) > (best.0, best.1) {
            best = (seen.len(), count, range.start);
        }
    }
    best.2.min(text.len())
}

/// At most `chars` characters back from `at`, to the beginning of a word if there is one on the way.
fn back(text: &str, at: usize, chars: usize) -> usize {
    let limit = text[..at].char_indices().rev().nth(chars.saturating_sub(1)).map_or(0, |(i, _)| i);
    if chars == 0 || limit == 0 {
        return if chars == 0 { at } else { 0 };
    }
    text[limit..at].find(char::is_whitespace).map_or(limit, |i| {
        let space = limit + i;
        space + text[space..].chars().next().map_or(0, char::len_utf8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, query: &str) -> String {
        let piece = |p: Piece| if p.hit { format!("[{}]", p.text) } else { p.text };
        snippet(text, &Query::parse(query).unwrap()).into_iter().map(piece).collect()
    }

    #[test]
    fn the_words_looked_for_are_marked_and_nothing_else() {
        assert_eq!(marked("The red Otter, an OTTER\n\nand otters.", "otter"), "The red [Otter], an [OTTER] and [otters].");
        assert_eq!(marked("全文検索は便利です", "検索"), "全文[検索]は便利です");
        assert_eq!(marked("Größe zählt", "größe"), "[Größe] zählt");
        assert_eq!(marked("Größe zählt, GROSSE", "grosse zahlt"), "[Größe] [zählt], [GROSSE]");
        assert_eq!(marked("<b>otter</b>", "otter"), "<b>[otter]</b>");
        assert_eq!(marked("nothing here", "otter"), "nothing here");
        assert_eq!(marked("", "otter"), "");
    }

    #[test]
    fn the_stretch_with_most_of_the_query_is_shown() {
        let text = format!("otter {} red otter swims {}", "filler ".repeat(200), "filler ".repeat(200));
        let shown = marked(&text, "red otter");
        assert!(shown.starts_with("… ") && shown.ends_with(" …") && shown.contains("[red] [otter] swims"), "{shown}");
        assert!(shown.chars().count() < LENGTH + 20, "{shown}");
    }

    #[test]
    fn any_text_can_be_cut() {
        for text in ["ß".repeat(1000), "🦦 ".repeat(400), "東京".repeat(500), "e\u{301}".repeat(500), "İ İİ ".repeat(99)] {
            for query in ["ß", "東", "京東", "x", "e", "i", "🦦"] {
                snippet(&text, &Query::parse(query).unwrap());
            }
        }
    }
}
