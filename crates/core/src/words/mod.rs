//! The words of the interface in the languages it speaks: the English text is the key, what is not in the catalogue stays English.
//!
//! Knows texts only; must not know where they are shown. Code, logs, commands and programs speak English, and errors are made in English;
//! they are translated at the door, where a person reads them. That every key has its entry is a test (`tests/it/words.rs`).

mod de;

use std::borrow::Cow;

/// A language the interface speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// The language of the keys.
    #[default]
    English,
    /// Complete.
    German,
}

impl Language {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The tag of BCP 47.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }
    /// What those who speak it call it.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }
    /// By its tag, a region behind it does not matter: `de-AT` is German. None if we do not speak it.
    pub fn of_code(code: &str) -> Option<Self> {
        let language = code.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|known| known.code().eq_ignore_ascii_case(language))
    }
    /// Keys with what they mean in this language; none in English. A key may have holes (`{}`), which its translation takes in this order,
    /// or by their numbers (`{1}`).
    pub fn catalogue(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::English => &[],
            Self::German => de::WORDS,
        }
    }
    /// A text of ours, which may have values in it already: "there is no page A" finds "there is no page {}". A clause is found by the
    /// sentence it became, too: "There is no page A."
    pub fn say(self, english: &str) -> Cow<'_, str> {
        if self == Self::English || english.is_empty() {
            return Cow::Owned(english.to_string());
        }
        if let Some(said) = self.exact(english) {
            return Cow::Borrowed(said);
        }
        self.formed(english).or_else(|| self.in_two(english)).map_or_else(|| Cow::Owned(english.to_string()), Cow::Owned)
    }
    /// A word that means something else where it stands as `what`: the catalogue may have it as `what|word`.
    pub fn say_as<'e>(self, what: &str, english: &'e str) -> Cow<'e, str> {
        self.exact(&format!("{what}|{english}")).map_or_else(|| self.say(english), Cow::Borrowed)
    }
    /// A key with holes, and what stands in them.
    pub fn say_with(self, key: &str, values: &[&str]) -> String {
        fill(self.exact(key).unwrap_or(key), values)
    }
    /// A key with holes, cut at them: text, hole, text. Its values stand in this order in every language.
    pub fn cut(self, key: &str) -> Vec<String> {
        self.exact(key).unwrap_or(key).split(HOLE).map(str::to_string).collect()
    }

    /// The sentence before its clause: where both stand in the catalogue, they are different texts.
    fn formed(self, text: &str) -> Option<String> {
        self.exact(text).map(str::to_string).or_else(|| self.by_pattern(text)).or_else(|| self.clause(text))
    }
    /// A message and its hint in a row.
    fn in_two(self, text: &str) -> Option<String> {
        text.match_indices(". ").take(4).find_map(|(at, _)| {
            let (message, hint) = (self.formed(&text[..=at])?, self.formed(&text[at + 2..])?);
            Some(format!("{message} {hint}"))
        })
    }
    fn exact(self, key: &str) -> Option<&'static str> {
        let table = self.catalogue();
        table.binary_search_by(|(english, _)| (*english).cmp(key)).ok().map(|at| table[at].1)
    }
    /// By the pattern that fits with the most letters of its own.
    fn by_pattern(self, text: &str) -> Option<String> {
        let fitting = self.catalogue().iter().filter_map(|(english, said)| {
            let values = holes(english, text)?;
            Some((english.len() - values.len() * HOLE.len(), *english, *said, values))
        });
        let (_, english, said, mut values) = fitting.max_by_key(|(letters, ..)| *letters)?;
        // What stands behind a colon at the end is why: a text of ours again.
        let why = values.last().filter(|_| english.trim_end_matches('.').ends_with(": {}")).and_then(|why| self.formed(why));
        if let (Some(why), Some(last)) = (&why, values.last_mut()) {
            *last = why;
        }
        Some(fill(said, &values))
    }
    /// An error's message as a sentence: its clause, with a capital and a full stop again.
    fn clause(self, sentence: &str) -> Option<String> {
        let (body, stop) = sentence.strip_suffix('.').map_or((sentence, ""), |body| (body, "."));
        let clause = recased(body, |first| first.to_lowercase().collect());
        if clause == sentence {
            return None;
        }
        let said = self.exact(&clause).map(str::to_string).or_else(|| self.by_pattern(&clause))?;
        Some(capital(&said) + stop)
    }
}

/// Which way the whole interface runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Left to right.
    #[default]
    LeftToRight,
    /// Right to left.
    RightToLeft,
}

impl Direction {
    /// As HTML's `dir` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LeftToRight => "ltr",
            Self::RightToLeft => "rtl",
        }
    }
}

/// A text that begins with a capital.
pub fn capital(text: &str) -> String {
    recased(text, |first| first.to_uppercase().collect())
}

/// Where a value stands in a key.
const HOLE: &str = "{}";

fn recased(text: &str, first: impl Fn(char) -> String) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| first(c) + chars.as_str())
}

/// What of `text` stands in the holes of `pattern`; none if the rest of the two is not the same, or if there is no hole.
fn holes<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let (first, rest) = pattern.split_once(HOLE)?;
    let mut left = text.strip_prefix(first)?;
    let mut values = Vec::new();
    let mut parts = rest.split(HOLE).peekable();
    while let Some(part) = parts.next() {
        let at = match parts.peek() {
            None => left.len().checked_sub(part.len()).filter(|_| left.ends_with(part))?,
            Some(_) => left.find(part)?,
        };
        values.push(&left[..at]);
        left = &left[at + part.len()..];
    }
    Some(values)
}

/// Puts values into the holes: in order (`{}`), or by number (`{1}`). A hole without a value stays empty; values are not looked at.
fn fill(pattern: &str, values: &[&str]) -> String {
    let mut filled = String::with_capacity(pattern.len() + values.iter().map(|value| value.len()).sum::<usize>());
    let (mut rest, mut next) = (pattern, 0);
    while let Some((before, behind)) = rest.split_once('{') {
        filled.push_str(before);
        let number = behind.split_once('}').map(|(number, after)| (number, number.parse::<usize>(), after));
        match number {
            Some(("", _, after)) => {
                filled.push_str(values.get(next).unwrap_or(&""));
                next += 1;
                rest = after;
            }
            Some((_, Ok(at), after)) => {
                filled.push_str(values.get(at).unwrap_or(&""));
                rest = after;
            }
            _ => {
                filled.push('{');
                rest = behind;
            }
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_found_as_they_are_with_values_and_as_sentences() {
        let say = |english| Language::German.say(english);
        assert_eq!(say("Save"), "Speichern");
        assert_eq!(say("there is no page Guide/Setup"), "es gibt keine Seite Guide/Setup");
        assert_eq!(say("There is no page Guide/Setup."), "Es gibt keine Seite Guide/Setup.");
        assert_eq!(say("21 March 2026"), "21. März 2026");
        assert_eq!(say("That is not a page name: a segment is empty."), "Das ist kein Name einer Seite: ein Teil ist leer.");
        assert_eq!(say("The comment is empty. Write something."), "Der Kommentar ist leer. Schreib etwas.");
        assert_eq!(Language::German.say_as("column", "Comment"), "Beschreibung");
        assert_eq!(Language::German.say_as("column", "Size"), say("Size"));
        assert_eq!(say("not a text of ours: {} {0}"), "not a text of ours: {} {0}");
        assert_eq!(Language::English.say("Save"), "Save");
        assert_eq!(Language::English.say_with("Join {}", &["{} {0}"]), "Join {} {0}");
    }

    #[test]
    fn values_stand_where_the_translation_wants_them() {
        assert_eq!(fill("{1} und {0}", &["a", "b"]), "b und a");
        assert_eq!(fill("{} und {}, {", &["{1}", "b"]), "{1} und b, {");
        assert_eq!(fill("{} {} {7}", &["a"]), "a  ");
        assert_eq!(holes("{} in {}", "a in b in c"), Some(vec!["a", "b in c"]));
        assert_eq!(holes("{} in {}!", "a in b"), None);
        assert_eq!(holes("in", "in"), None);
        assert_eq!(Language::English.cut("a {} b"), ["a ", " b"]);
    }

    #[test]
    fn languages_are_known_by_their_tags() {
        assert_eq!(Language::of_code("de-AT"), Some(Language::German));
        assert_eq!(Language::of_code(" EN "), Some(Language::English));
        assert_eq!(Language::of_code("deutsch"), None);
        assert_eq!(Language::of_code(""), None);
    }

    /// How often a translation names each value of its key.
    fn named(said: &str, values: usize) -> Vec<usize> {
        let mark = |at: usize| format!("\u{1}{at}\u{2}");
        let values: Vec<String> = (0..values).map(mark).collect();
        let filled = fill(said, &values.iter().map(String::as_str).collect::<Vec<_>>());
        values.iter().map(|value| filled.matches(value.as_str()).count()).collect()
    }

    #[test]
    fn the_catalogue_is_in_order_and_names_every_value_once() {
        for language in Language::ALL {
            let table = language.catalogue();
            for pair in table.windows(2) {
                assert!(pair[0].0 < pair[1].0, "{:?} stands before {:?}", pair[0].0, pair[1].0);
            }
            for (english, said) in table {
                let count = english.matches(HOLE).count();
                assert_eq!(english.matches('{').count(), count, "{english:?} has a hole with a name");
                assert!(named(said, count).iter().all(|times| *times == 1), "{english:?} and {said:?} have other holes");
                assert_eq!(said.matches('{').count(), count, "{said:?}");
                // A pattern without letters fits everything.
                assert!(count == 0 || english.replace(HOLE, "").trim().len() > 1, "{english:?} fits too much");
                assert!(!said.trim().is_empty());
                let edges = |text: &str| (text.starts_with(' '), text.ends_with(' '));
                assert_eq!(edges(english), edges(said), "{english:?} and {said:?} have other blanks at their ends");
            }
        }
        assert!(Language::German.catalogue().len() > 500);
    }

    proptest! {
        #[test]
        fn any_text_can_be_said(text in "\\PC{0,40}", values in prop::collection::vec("\\PC{0,8}", 0..4)) {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            for language in Language::ALL {
                language.say(&text);
                language.cut(&text);
                language.say_with(&text, &values);
            }
        }

        #[test]
        fn values_come_out_as_they_went_in(value in "[a-zA-Z{}<&\" ]{1,20}") {
            let said = Language::German.say(&format!("there is no page {value}")).into_owned();
            prop_assert_eq!(said, format!("es gibt keine Seite {value}"));
        }
    }
}
