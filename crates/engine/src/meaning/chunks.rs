//! Pages in pieces that are about one thing each, as they are embedded (spec/api.md §7.2). Pure: a path and a text in, pieces out; whoever has
//! the page can cut it again, so that pieces are kept nowhere.

use crate::db::index::is_cjk;
use crate::frontmatter;
use holt_core::PagePath;
use std::ops::Range;

/// Another number means other pieces: vectors that were made of the old ones are not compared with new ones.
pub const FORMAT: u32 = 1;

/// Words of a piece of a long section, and how many of the piece before stand in front of them.
const TARGET: usize = 150;
const OVERLAP: usize = 35;
/// Sections and pages below so many words are not cut; nor are paragraphs up to here.
const WHOLE: usize = 300;
/// Sections below so many words go into another one.
const STUB: usize = 50;
/// Most headings of a path, below the title.
const DEPTH: usize = 3;
/// Most letters that count as one word: a picture written into the text is one without end.
const WORD: usize = 100;
/// Letters of a snippet.
const SNIPPET: usize = 150;

/// A piece of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The heading it stands under; nothing before the first one.
    pub section: String,
    /// The page's title and up to three headings, joined with ` > `.
    pub section_path: String,
    /// The path in brackets, then its text.
    pub text: String,
}

impl Chunk {
    /// The beginning of its text, without the path.
    pub fn snippet(&self) -> String {
        let text = self.text.strip_prefix(&prefix(&self.section_path)).unwrap_or(&self.text);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let Some((end, _)) = text.char_indices().nth(SNIPPET) else { return text };
        let end = text[..end].rfind(' ').unwrap_or(end);
        format!("{}...", &text[..end])
    }
}

/// The pieces of the page `path`, in order. None for a page without text.
pub fn chunks(path: &PagePath, source: &str) -> Vec<Chunk> {
    let (properties, body) = frontmatter::split(source);
    let named = frontmatter::text(properties.as_ref().and_then(|map| map.get("title")));
    let title = named.unwrap_or_else(|| path.as_str().to_string());
    let length = units(body).len();
    let mut chunks = Vec::new();
    for section in merged(sections(&title, body)) {
        let units = units(&section.text);
        let is_whole = length < WHOLE || units.len() < WHOLE;
        let pieces = if is_whole { std::iter::once(0..units.len()).collect() } else { cut(&section.text, &units) };
        for piece in pieces {
            let Some(last) = piece.end.checked_sub(1) else { continue };
            let first = if piece.start == 0 { 0 } else { piece.start.saturating_sub(OVERLAP) };
            let text = prefix(&section.path) + &section.text[units[first].start..units[last].end];
            chunks.push(Chunk { section: section.heading.clone(), section_path: section.path.clone(), text });
        }
    }
    chunks
}

fn prefix(path: &str) -> String {
    format!("[{path}] ")
}

struct Section {
    heading: String,
    path: String,
    /// Without its heading where that stands in the path.
    text: String,
    /// Whether the path is too long to end with the heading.
    is_deep: bool,
    is_preamble: bool,
}

impl Section {
    fn is_stub(&self) -> bool {
        !self.is_preamble && units(&self.text).len() < STUB
    }
    /// All of it, for where its path does not go along.
    fn whole(&self) -> String {
        if self.is_deep { self.text.clone() } else { format!("{}\n\n{}", self.heading, self.text) }
    }
}

/// The text before the first heading, and what stands under each.
fn sections(title: &str, body: &str) -> Vec<Section> {
    let preamble = Section { heading: String::new(), path: title.into(), text: String::new(), is_deep: false, is_preamble: true };
    let mut sections = vec![preamble];
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut fence: Option<(char, usize)> = None;
    for line in body.lines() {
        if fence.is_none()
            && let Some((level, heading)) = atx(line)
        {
            above.retain(|(outer, _)| *outer < level);
            above.push((level, heading.to_string()));
            let shown = above.iter().take(DEPTH).map(|(_, heading)| heading.as_str()).filter(|heading| !heading.is_empty());
            let path = std::iter::once(title).chain(shown).collect::<Vec<_>>().join(" > ");
            let is_deep = above.len() > DEPTH;
            let text = if is_deep { format!("{heading}\n\n") } else { String::new() };
            sections.push(Section { heading: heading.to_string(), path, text, is_deep, is_preamble: false });
            continue;
        }
        fence = fenced(fence, line);
        if let Some(section) = sections.last_mut() {
            section.text.push_str(line);
            section.text.push('\n');
        }
    }
    sections.retain(|section| !section.is_preamble || !section.text.trim().is_empty());
    sections
}

/// Level and text of a heading.
fn atx(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches(' ');
    let rest = text.trim_start_matches('#');
    let level = text.len() - rest.len();
    let fits = line.len() - text.len() < 4 && (1..=6).contains(&level) && (rest.trim().is_empty() || rest.starts_with([' ', '\t']));
    let heading = rest.trim();
    // Marks at the end that stand for themselves close it.
    let open = heading.trim_end_matches('#');
    let heading = if open.is_empty() || open.ends_with([' ', '\t']) { open.trim_end() } else { heading };
    fits.then_some((level, heading))
}

/// The fence of code that is open after `line`: its mark and how often it stands there.
fn fenced(open: Option<(char, usize)>, line: &str) -> Option<(char, usize)> {
    let text = line.trim_start_matches(' ');
    let mark = text.chars().next().filter(|mark| ['`', '~'].contains(mark) && line.len() - text.len() < 4);
    let Some(mark) = mark else { return open };
    let rest = text.trim_start_matches(mark);
    let length = text.len() - rest.len();
    match open {
        Some((of, least)) => (mark != of || length < least || !rest.trim().is_empty()).then_some((of, least)),
        None => (length >= 3 && (mark == '~' || !rest.contains('`'))).then_some((mark, length)),
    }
}

/// Stubs go into the next section that is none, the last ones into the one before; where all are stubs they stay.
fn merged(sections: Vec<Section>) -> Vec<Section> {
    let mut out: Vec<Section> = Vec::new();
    let mut stubs: Vec<Section> = Vec::new();
    for mut section in sections {
        if section.is_stub() {
            stubs.push(section);
        } else if section.is_preamble {
            out.push(section);
        } else {
            let before: Vec<String> = stubs.drain(..).map(|stub| stub.whole()).collect();
            if !before.is_empty() {
                // What came before must not be taken for what the path says.
                section.text = format!("{}\n\n{}", before.join("\n\n"), section.whole());
            }
            out.push(section);
        }
    }
    match out.last_mut().filter(|last| units(&last.text).len() >= STUB) {
        Some(last) => stubs.iter().for_each(|stub| {
            last.text.push_str("\n\n");
            last.text.push_str(&stub.whole());
        }),
        None => out.extend(stubs.into_iter().map(|mut stub| {
            // A heading alone is about itself.
            if stub.text.trim().is_empty() {
                stub.text.clone_from(&stub.heading);
            }
            stub
        })),
    }
    out
}

/// Words: what stands between spaces; of scripts without spaces, two letters.
fn units(text: &str) -> Vec<Range<usize>> {
    let mut units = Vec::new();
    let (mut start, mut end, mut letters, mut without_spaces) = (0, 0, 0, 0);
    for (at, c) in text.char_indices() {
        let ends = c.is_whitespace() || letters == WORD || (without_spaces == 2 && is_cjk(c));
        if ends && start < end {
            units.push(start..end);
        }
        if ends {
            (start, letters, without_spaces) = (at, 0, 0);
        }
        if c.is_whitespace() {
            start = at + c.len_utf8();
        } else {
            letters += 1;
            without_spaces += usize::from(is_cjk(c));
        }
        end = at + c.len_utf8();
    }
    if start < end {
        units.push(start..end);
    }
    units
}

/// A long section as ranges of its words: paragraphs, and of long paragraphs sentences, together as long as they have at most [`TARGET`] words.
fn cut(text: &str, units: &[Range<usize>]) -> Vec<Range<usize>> {
    let between = |at: usize| &text[units[at - 1].end..units[at].start];
    let paragraphs = runs(0..units.len(), |at| between(at).matches('\n').count() > 1);
    let sentences = |paragraph: Range<usize>| {
        runs(paragraph, |at| between(at).contains('\n') || ends_sentence(&text[units[at - 1].clone()]))
            .into_iter()
            .flat_map(|sentence| sentence.clone().step_by(TARGET).map(move |at| at..sentence.end.min(at + TARGET)))
            .collect()
    };
    let pieces = paragraphs.into_iter().flat_map(|p| if p.len() > WHOLE { sentences(p) } else { vec![p] });
    let mut out: Vec<Range<usize>> = Vec::new();
    for piece in pieces {
        match out.last_mut().filter(|last| piece.end - last.start <= TARGET) {
            Some(last) => last.end = piece.end,
            None => out.push(piece),
        }
    }
    out
}

/// `range` cut before every place where `begins` says so.
fn runs(range: Range<usize>, begins: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let inner = (range.start + 1..range.end).filter(|at| begins(*at));
    let starts: Vec<usize> = std::iter::once(range.start).chain(inner).collect();
    let ends = starts.iter().skip(1).copied().chain([range.end]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).filter(|run| !run.is_empty()).collect()
}

fn ends_sentence(word: &str) -> bool {
    word.trim_end_matches(['"', '\'', ')', ']', '»', '”', '’', '*', '_']).ends_with(['.', '!', '?', '…', '。', '！', '？'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(n: usize) -> String {
        (0..n).map(|i| format!("w{i}")).collect::<Vec<_>>().join(" ")
    }
    fn of(source: &str) -> Vec<Chunk> {
        chunks(&PagePath::parse("Guide/Setup").unwrap(), source)
    }
    fn paths(source: &str) -> Vec<String> {
        of(source).into_iter().map(|chunk| chunk.section_path).collect()
    }
    /// How many words a piece has besides its path.
    fn length(chunk: &Chunk) -> usize {
        units(chunk.text.strip_prefix(&prefix(&chunk.section_path)).unwrap()).len()
    }

    #[test]
    fn a_page_without_text_has_no_pieces_and_properties_are_no_text() {
        assert_eq!(of(""), []);
        assert_eq!(of(" \n\n"), []);
        assert_eq!(of("---\ntitle: T\n---\n"), []);
        assert_eq!(of("---\ntitle: My Page\ntags: [a]\n---\nHello.")[0].text, "[My Page] Hello.");
        assert_eq!(of("Hello.")[0].text, "[Guide/Setup] Hello.");
    }

    #[test]
    fn headings_outside_code_begin_sections_and_make_their_paths() {
        let (a, b) = (words(60), words(70));
        let source =
            format!("Before\n\n# One\n{a}\n## Two ##\n{b}\n```\n# code\n```\n### Three\n{a}\n#### Four\n{b}\n#nothing\n# Last\n{a}");
        let found = of(&source);
        assert_eq!(
            paths(&source),
            [
                "Guide/Setup",
                "Guide/Setup > One",
                "Guide/Setup > One > Two",
                "Guide/Setup > One > Two > Three",
                "Guide/Setup > One > Two > Three",
                "Guide/Setup > Last"
            ]
        );
        let sections: Vec<&str> = found.iter().map(|chunk| chunk.section.as_str()).collect();
        assert_eq!(sections, ["", "One", "Two", "Three", "Four", "Last"]);
        assert!(found[2].text.contains("# code") && found[4].text.contains("#nothing"));
        assert!(found[4].text.starts_with("[Guide/Setup > One > Two > Three] Four"), "the path is too short for its heading");
    }

    #[test]
    fn stubs_go_into_the_next_section_and_the_last_ones_into_the_one_before() {
        let long = words(80);
        let source = format!("# A\nshort a\n# B\nshort b\n# C\n{long}\n# D\nshort d");
        let found = of(&source);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].section, "C");
        assert!(found[0].text.starts_with("[Guide/Setup > C] A\n\nshort a\n\n\nB\n\nshort b"), "{}", found[0].text);
        assert!(found[0].text.ends_with("D\n\nshort d"));
        // Nothing to go into: they stay, and a preamble is none.
        assert_eq!(paths("intro\n# A\nx\n# B\ny"), ["Guide/Setup", "Guide/Setup > A", "Guide/Setup > B"]);
        assert_eq!(of("# Alone")[0].text, "[Guide/Setup > Alone] Alone");
    }

    #[test]
    fn below_three_hundred_words_nothing_is_cut() {
        assert_eq!(of(&words(299)).len(), 1);
        assert_eq!(of(&format!("{}\n\n{}", words(149), words(150))).len(), 1);
        assert!(of(&format!("{}\n\n{}", words(150), words(150))).len() > 1);
        // A paragraph up to three hundred words stays whole.
        assert_eq!(of(&words(300)).len(), 1);
        assert_eq!(of(&format!("# A\n{}\n# B\n{}", words(299), words(299))).len(), 2);
    }

    #[test]
    fn long_sections_are_cut_at_paragraphs_and_each_piece_begins_with_the_end_of_the_one_before() {
        let paragraph = |n: usize| (0..60).map(|i| format!("p{n}w{i}")).collect::<Vec<_>>().join(" ");
        let source = (0..6).map(paragraph).collect::<Vec<_>>().join("\n\n");
        let found = of(&source);
        assert_eq!(found.iter().map(length).collect::<Vec<_>>(), [120, 155, 155]);
        assert!(found[1].text.starts_with("[Guide/Setup] p1w25 ") && found[1].text.ends_with("p3w59"));
    }

    #[test]
    fn long_paragraphs_are_cut_at_sentences_and_what_has_none_by_words() {
        let sentence = |n: usize| (0..49).map(|i| format!("s{n}w{i}")).collect::<Vec<_>>().join(" ") + " end.";
        let source = (0..7).map(sentence).collect::<Vec<_>>().join(" ");
        let found = of(&source);
        assert_eq!(found.iter().map(length).collect::<Vec<_>>(), [150, 185, 85]);
        assert!(found.iter().all(|chunk| chunk.text.ends_with("end.")));
        assert_eq!(of(&words(1000)).iter().map(length).max(), Some(TARGET + OVERLAP));
        // Scripts without spaces: two letters count as a word. What never ends is cut, too.
        let found = of(&"全文検索の仕組み。".repeat(200));
        assert!(found.len() > 3 && found.iter().all(|chunk| length(chunk) <= TARGET + OVERLAP));
        assert!(of(&"x".repeat(100_000)).len() > 3);
    }

    #[test]
    fn snippets_are_the_beginning_without_the_path() {
        let chunk = of(&format!("# Head\n\n**Bold**  text\n{}", "seven77 ".repeat(40))).remove(0);
        assert!(chunk.snippet().starts_with("**Bold** text seven77 ") && chunk.snippet().ends_with("seven77..."));
        assert!(chunk.snippet().chars().count() <= SNIPPET + 3);
        assert_eq!(of("Short.")[0].snippet(), "Short.");
        assert_eq!(of(&"x".repeat(400))[0].snippet().chars().count(), SNIPPET + 3);
    }

    fn line() -> impl Strategy<Value = String> {
        prop_oneof![
            3 => (1usize..120, "[a-z]{1,9}").prop_map(|(n, word)| (0..n).map(|i| format!("{word}{i}")).collect::<Vec<_>>().join(" ") + "."),
            2 => (1usize..8, "[A-Za-z ]{0,12}").prop_map(|(level, text)| format!("{} {text}", "#".repeat(level))),
            1 => Just("```".to_string()), 1 => Just("~~~~ rust".to_string()), 3 => Just(String::new()),
            1 => "\\PC{0,40}", 1 => (1usize..900).prop_map(|n| "検".repeat(n)),
        ]
    }

    proptest! {
        #[test]
        fn every_word_is_in_a_piece_and_no_piece_is_too_long(lines in prop::collection::vec(line(), 0..40)) {
            let source = lines.join("\n");
            let found = of(&source);
            let all: String = found.iter().flat_map(|chunk| [chunk.text.as_str(), "\n", &chunk.section, "\n"]).collect();
            let kept: std::collections::HashSet<&str> = all.split_whitespace().flat_map(|word| [word, word.trim_matches(['[', ']'])]).collect();
            let body = frontmatter::split(&source).1;
            for word in body.split_whitespace().filter(|word| word.len() < 60 && word.trim_matches('#') == *word && word.is_ascii()) {
                prop_assert!(kept.contains(word) || kept.contains(word.trim_matches(['[', ']'])), "{word} is lost of {source:?}");
            }
            for chunk in &found {
                prop_assert!(length(chunk) <= WHOLE + OVERLAP && length(chunk) > 0, "{chunk:?}");
                prop_assert!(chunk.section_path.matches(" > ").count() <= DEPTH + source.matches(" > ").count());
                prop_assert!(chunk.snippet().chars().count() <= SNIPPET + 3);
            }
            prop_assert_eq!(found, of(&source));
        }
    }
}
