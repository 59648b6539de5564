//! Text to numbers of pieces of words, as models of the BERT family were taught to read: WordPiece over words and signs.

use holt_core::{Error, Result};
use std::collections::HashMap;
use std::path::Path;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Longer words are unknown as a whole.
const WORD: usize = 100;
/// Most entries of a vocabulary, and most bytes of one.
const ENTRIES: usize = 1_000_000;

/// The vocabulary, and what has to be known of it.
pub(crate) struct Words {
    numbers: HashMap<Box<str>, u32>,
    first: u32,
    last: u32,
    unknown: u32,
    lowercase: bool,
}

impl Words {
    /// Reads a file with one piece on each line.
    pub(crate) fn read(path: &Path, lowercase: bool) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::io(format!("read {}", path.display()), error))?;
        Self::parse(&text, lowercase)
    }
    fn parse(text: &str, lowercase: bool) -> Result<Self> {
        let numbers: HashMap<Box<str>, u32> =
            text.lines().zip(0u32..).take(ENTRIES).map(|(piece, number)| (piece.into(), number)).collect();
        let special = |name: &str| numbers.get(name).copied().ok_or_else(|| Error::invalid(format!("vocab.txt has no {name}")));
        Ok(Self { first: special("[CLS]")?, last: special("[SEP]")?, unknown: special("[UNK]")?, numbers, lowercase })
    }
    /// How many numbers there are.
    pub(crate) fn len(&self) -> usize {
        self.numbers.values().max().map_or(0, |last| *last as usize + 1)
    }
    /// The pieces of `text`, at most `most` with those that stand for beginning and end.
    pub(crate) fn pieces(&self, text: &str, most: usize) -> Vec<u32> {
        let mut pieces = vec![self.first];
        // What cannot be among the first pieces, however long they are, is not looked at.
        let beginning = text.char_indices().nth(most.saturating_mul(WORD)).map_or(text, |(end, _)| &text[..end]);
        for word in split(&self.normal(beginning)) {
            if pieces.len() >= most {
                break;
            }
            self.word(word, &mut pieces);
        }
        pieces.truncate(most.saturating_sub(1));
        pieces.push(self.last);
        pieces
    }
    /// Without signs that control something, in lower case and without accents; Chinese letters stand alone.
    fn normal(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len() + 16);
        for c in text.chars() {
            if is_space(c) {
                clean.push(' ');
            } else if is_ideograph(c) {
                clean.extend([' ', c, ' ']);
            } else if c != '\u{fffd}' && !is_control(c) {
                clean.push(c);
            }
        }
        if !self.lowercase {
            return clean;
        }
        clean.nfd().filter(|c| c.general_category() != GeneralCategory::NonspacingMark).flat_map(char::to_lowercase).collect()
    }
    /// The longest known pieces of a word from its beginning on.
    fn word(&self, word: &str, pieces: &mut Vec<u32>) {
        let known = pieces.len();
        if word.chars().count() > WORD {
            return pieces.push(self.unknown);
        }
        let (mut start, mut piece) = (0, String::new());
        while start < word.len() {
            let ends = word[start..].char_indices().map(|(at, c)| start + at + c.len_utf8());
            let mut found = None;
            for end in ends.collect::<Vec<_>>().into_iter().rev() {
                piece.clear();
                if start > 0 {
                    piece.push_str("##");
                }
                piece.push_str(&word[start..end]);
                if let Some(number) = self.numbers.get(&*piece) {
                    found = Some((*number, end));
                    break;
                }
            }
            let Some((number, end)) = found else {
                pieces.truncate(known);
                return pieces.push(self.unknown);
            };
            pieces.push(number);
            start = end;
        }
    }
}

/// Words between spaces, and signs, each for itself.
fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().flat_map(|word| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let first = rest.chars().next()?;
            let end = if is_sign(first) { first.len_utf8() } else { rest.find(is_sign).unwrap_or(rest.len()) };
            let (piece, after) = rest.split_at(end);
            rest = after;
            Some(piece)
        })
    })
}

fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || c.is_whitespace() && !c.is_control()
}

fn is_control(c: char) -> bool {
    matches!(c.general_category(), GeneralCategory::Control | GeneralCategory::Format | GeneralCategory::PrivateUse)
}

fn is_sign(c: char) -> bool {
    c.is_ascii_punctuation() || c.general_category_group() == GeneralCategoryGroup::Punctuation
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{2A6DF}' | '\u{2A700}'..='\u{2B73F}' | '\u{2B740}'..='\u{2B81F}'
        | '\u{2B820}'..='\u{2CEAF}' | '\u{F900}'..='\u{FAFF}' | '\u{2F800}'..='\u{2FA1F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        Words::parse("[PAD]\n[UNK]\n[CLS]\n[SEP]\notter\n##s\nswim\n.\ncafe\n東\n[\nc", true).unwrap()
    }

    #[test]
    fn words_become_their_longest_known_pieces() {
        assert_eq!(words().pieces("Otters swim.", 10), [2, 4, 5, 6, 7, 3]);
        assert_eq!(words().pieces("CAFÉ\u{0}\u{200b} 東京[swims]", 20), [2, 8, 9, 1, 10, 6, 5, 1, 3]);
        assert_eq!(words().pieces(&"x".repeat(101), 10), [2, 1, 3]);
        assert_eq!(words().pieces("", 10), [2, 3]);
        assert_eq!(words().pieces("otters otters otters", 5), [2, 4, 5, 4, 3]);
        assert_eq!(words().len(), 12);
    }

    #[test]
    fn a_vocabulary_without_its_marks_is_refused() {
        assert!(Words::parse("[CLS]\n[SEP]\nx", true).is_err_and(|error| error.message.contains("[UNK]")));
    }
}
