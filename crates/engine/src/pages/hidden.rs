//! What stands in a text and is not seen by who reads the page: comments, letters without width, marks that turn the direction of writing. Agents
//! read sources, and people do not see what is said to them there.

use crate::repo::diff::hunks;

/// Why something is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HiddenKind {
    /// A comment of HTML.
    Comment,
    /// Characters without width, and letters that stand for others without being shown.
    Invisible,
    /// Characters that show others in another order than they stand in.
    Bidi,
}

impl HiddenKind {
    /// As programs are told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Invisible => "invisible",
            Self::Bidi => "bidi",
        }
    }
}

/// Something of a kind, in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HiddenText {
    /// From 1 on; where it begins.
    pub line: usize,
    /// See there.
    pub kind: HiddenKind,
    /// Comments, or characters.
    pub count: usize,
}

/// What of `source` is not seen, by line. What blocks and spans of code show as it stands is seen there, but for single characters.
pub fn hidden_text(source: &str) -> Vec<HiddenText> {
    let mut found = Vec::new();
    for (veil, line) in veils(source).into_iter().zip(1..) {
        note(&mut found, line, [veil.comments, veil.invisible, veil.bidi]);
    }
    found
}

/// What of `new` is not seen and was not there, or was seen, in `old`; by line of `new`. What is written into a comment that was there counts, as
/// does what a comment takes in that ends later now.
pub fn hidden_since(old: &str, new: &str) -> Vec<HiddenText> {
    let (before, after) = (veils(old), veils(new));
    let lines: Vec<&str> = new.split('\n').collect();
    let mut stayed: Vec<Option<&Veil>> = vec![None; lines.len()];
    let (mut at, mut to) = (0, 0);
    for (from, into) in hunks(old, new).into_iter().chain([(before.len()..before.len(), after.len()..after.len())]) {
        while at < from.start && to < into.start {
            (stayed[to], at, to) = (before.get(at), at + 1, to + 1);
        }
        (at, to) = (from.end, into.end);
    }
    let (mut found, mut told) = (Vec::new(), false);
    for (number, veil) in after.iter().enumerate() {
        let known = stayed[number];
        // The rest of a comment is told once, where it begins to be new.
        told &= veil.inside;
        let goes_on = veil.inside && !told && known.is_none_or(|known| !known.inside) && !covered(lines[number]).is_empty();
        let comments = veil.comments.saturating_sub(known.map_or(0, |known| known.comments)) + usize::from(goes_on);
        told |= comments > 0;
        let (invisible, bidi) = if known.is_some() { (0, 0) } else { (veil.invisible, veil.bidi) };
        note(&mut found, number + 1, [comments, invisible, bidi]);
    }
    found
}

fn note(found: &mut Vec<HiddenText>, line: usize, counts: [usize; 3]) {
    let kinds = [HiddenKind::Comment, HiddenKind::Invisible, HiddenKind::Bidi].into_iter().zip(counts);
    found.extend(kinds.filter(|(_, count)| *count > 0).map(|(kind, count)| HiddenText { line, kind, count }));
}

/// What of a line that begins inside of a comment belongs to it.
fn covered(line: &str) -> &str {
    line.split("-->").next().unwrap_or_default().trim()
}

/// What of a line is not seen.
struct Veil {
    /// Whether it begins inside of a comment.
    inside: bool,
    /// How many comments begin in it.
    comments: usize,
    /// Characters.
    invisible: usize,
    bidi: usize,
}

/// Of each line.
fn veils(source: &str) -> Vec<Veil> {
    let (mut fence, mut inside) = (None::<(char, usize)>, false);
    let veil = |line: &str| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let began = inside;
        let mut begun = 0;
        match (fence, fence_of(line)) {
            _ if inside => begun = comments(line, &mut inside),
            (None, Some((mark, length, _))) => fence = Some((mark, length)),
            (Some(open), Some((mark, length, true))) if mark == open.0 && length >= open.1 => fence = None,
            (Some(_), _) => {}
            (None, None) => begun = comments(line, &mut inside),
        }
        Veil { inside: began, comments: begun, invisible: invisible(line), bidi: line.chars().filter(|c| turns(*c)).count() }
    };
    source.split('\n').map(veil).collect()
}

/// Whether a character shows those after it in another order than they stand in.
fn turns(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// A text without characters that turn others around: what is said about changes is read in the order it stands in.
pub(crate) fn unturned(text: &str) -> String {
    text.chars().filter(|c| !turns(*c)).collect()
}

/// The mark of a fence, how long it is, and whether nothing follows it.
fn fence_of(line: &str) -> Option<(char, usize, bool)> {
    let text = line.trim_start_matches(' ');
    let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let rest = text.trim_start_matches(mark);
    let length = text.len() - rest.len();
    // Backticks with others behind them are a span of code.
    (line.len() - text.len() < 4 && length >= 3 && !(mark == '`' && rest.contains('`'))).then(|| (mark, length, rest.trim().is_empty()))
}

/// How many comments begin in a line; `inside` says whether one goes on from the line before, and then whether into the next.
fn comments(line: &str, inside: &mut bool) -> usize {
    let (mut rest, mut count) = (line, 0);
    loop {
        if *inside {
            let Some(end) = rest.find("-->") else { return count };
            rest = &rest[end + 3..];
            *inside = false;
        }
        let Some(start) = rest.find("<!--") else { return count };
        match rest[..start].find('`') {
            Some(tick) => {
                let ticks = rest[tick..].len() - rest[tick..].trim_start_matches('`').len();
                let (mark, after) = (&rest[tick..tick + ticks], &rest[tick + ticks..]);
                // A span of code, or backticks that open nothing.
                rest = after.find(mark).map_or(after, |end| &after[end + ticks..]);
            }
            None => {
                count += 1;
                rest = &rest[start + 4..];
                *inside = true;
            }
        }
    }
}

/// How many characters of a line have no width and no business there.
fn invisible(line: &str) -> usize {
    let letters: Vec<char> = line.chars().collect();
    (0..letters.len()).filter(|at| hides(&letters, *at)).count()
}

/// Whether a character has no width and no business there. Joiners between letters that need them, and what emoji are made of, have.
fn hides(letters: &[char], at: usize) -> bool {
    let near = [at.checked_sub(1), Some(at + 1)].map(|at| at.and_then(|at| letters.get(at)).copied());
    let plain = |c: Option<char>| c.is_none_or(|c| c.is_ascii() || is_selector(c));
    // The flags of some countries are spelled in tags behind a black flag.
    let flag = || letters[..at].iter().rev().find(|c| !matches!(c, '\u{E0020}'..='\u{E007F}')) == Some(&'\u{1F3F4}');
    match letters[at] {
        '\u{200B}' | '\u{2060}'..='\u{2064}' | '\u{180E}' | '\u{FEFF}' | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' => true,
        '\u{200C}' | '\u{200D}' => near.into_iter().any(|c| c.is_none_or(|c| c.is_ascii())),
        '\u{E0000}'..='\u{E007F}' => !flag(),
        c if is_selector(c) => matches!(c, '\u{E0100}'..='\u{E01EF}') && plain(near[0]) || near[0].is_some_and(is_selector),
        _ => false,
    }
}

/// The pieces of a line, with the numbers of characters that are not seen, or turn others around, in their places: whoever compares sources has to
/// see them, and the order of the rest.
pub fn marked<'p>(pieces: impl IntoIterator<Item = &'p str> + Clone) -> Vec<String> {
    let letters: Vec<char> = pieces.clone().into_iter().flat_map(str::chars).collect();
    if letters.iter().all(char::is_ascii) {
        return pieces.into_iter().map(str::to_string).collect();
    }
    let mut at = 0;
    let mut mark = |c: char| {
        at += 1;
        if turns(c) || hides(&letters, at - 1) { format!("‹U+{:04X}›", u32::from(c)) } else { c.to_string() }
    };
    pieces.into_iter().map(|piece| piece.chars().map(&mut mark).collect()).collect()
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(source: &str) -> Vec<(usize, &'static str, usize)> {
        hidden_text(source).into_iter().map(|one| (one.line, one.kind.name(), one.count)).collect()
    }

    #[test]
    fn comments_are_found_where_they_are_not_shown() {
        assert_eq!(
            told("a <!-- b --> c <!-- d -->\n\n<!--\nmany\nlines\n--> <!-- and another -->"),
            [(1, "comment", 2), (3, "comment", 1), (6, "comment", 1)]
        );
        assert_eq!(told("```\n<!-- shown -->\n~~~\n```\n<!-- not -->"), [(5, "comment", 1)]);
        assert_eq!(told("`<!-- shown -->` and ``a ` <!-- shown -->`` and ` <!-- not -->"), [(1, "comment", 1)]);
        assert_eq!(told("<!-- never ends\n```\ntext"), [(1, "comment", 1)]);
        assert_eq!(told("    ```\n<!-- not -->\n# Plain\n\ntext -- > <!- x\n"), [(2, "comment", 1)]);
    }

    #[test]
    fn only_what_is_new_is_told() {
        let since = |old: &str, new: &str| -> Vec<(usize, &str, usize)> {
            hidden_since(old, new).into_iter().map(|one| (one.line, one.kind.name(), one.count)).collect()
        };
        let old = "# A\n<!-- known -->\nx\u{200B}y\nb\n";
        assert_eq!(since(old, old), []);
        assert_eq!(since(old, &old.replace("b\n", "b <!-- new -->\n\u{202E}c\n")), [(4, "comment", 1), (5, "bidi", 1)]);
        assert_eq!(since("", old), [(2, "comment", 1), (3, "invisible", 1)]);
        assert_eq!(since(old, &format!("new\n{old}")), []);
        assert_eq!(since(old, &old.replace("x\u{200B}y", "x\u{200B}\u{200B}z")), [(3, "invisible", 2)]);
        // Into a comment that was there, and one that ends later.
        let long = "<!-- a\nb\n-->\nseen\n\nalso\n";
        assert_eq!(since(long, &long.replace("b\n", "b\nsmuggled\nmore\n")), [(3, "comment", 1)]);
        assert_eq!(since(long, &long.replace("b\n-->\n", "b\n")), [(3, "comment", 1)]);
        assert_eq!(since(long, &long.replace("b\n", "")), []);
        assert_eq!(since("```\n<!-- shown -->\n```\n", "<!-- shown -->\n```\n"), [(1, "comment", 1)]);
        assert_eq!(unturned("a\u{202E}b\u{2066}c\u{200F}"), "abc\u{200F}");
        assert_eq!(marked(["a\u{202E}b\u{200B} 👨", "\u{200D}", "👩 \u{E0041}é"]), ["a‹U+202E›b‹U+200B› 👨", "\u{200D}", "👩 ‹U+E0041›é"]);
    }

    #[test]
    fn letters_that_nobody_sees_are_found_and_those_that_writing_needs_are_not() {
        assert_eq!(told("a\u{200B}b\u{FEFF}\n```\nx\u{2060}\n```"), [(1, "invisible", 2), (3, "invisible", 1)]);
        assert_eq!(told("to\u{202E}txt\u{202C} \u{2066}x\u{2069}"), [(1, "bidi", 4)]);
        let smuggled: String = "ignore".chars().map(|c| char::from_u32(0xE0000 + c as u32).unwrap()).collect();
        assert_eq!(told(&format!("hello{smuggled}")), [(1, "invisible", 6)]);
        assert_eq!(told("x\u{E0101}\u{E0102}\u{FE01}"), [(1, "invisible", 3)]);
        assert_eq!(told("a\u{200D}b"), [(1, "invisible", 1)]);
        let fine = "👨\u{200D}👩\u{200D}👧 ❤\u{FE0F} 🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F} می\u{200C}خواهم क्\u{200D}ष שלום\u{200F} 葛\u{E0100} a\u{AD}b";
        assert_eq!(told(fine), []);
    }
}
