//! What is defined in one place of a page and used in others: footnotes, abbreviations, the targets of reference links.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most abbreviations of a page.
const ABBREVIATIONS: usize = 500;
/// Most cells that tables of a page have besides those that were written.
pub(crate) const FILLED: usize = 50_000;
/// Most bytes that expansions of abbreviations, and addresses of reference links, make in a page: each is written wherever it is used.
const REPEATED: usize = 200_000;

/// What the blocks of a page define. The first definition of a name counts.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    /// In order of definition; the number of a note is its place here, from 1.
    pub(crate) notes: Vec<Note>,
    by_label: HashMap<String, usize>,
    links: HashMap<String, (String, String)>,
    /// Longest first among those that begin with the same character.
    abbreviations: HashMap<char, Vec<(String, String)>>,
    abbreviation_count: usize,
    /// How many special blocks were found so far.
    pub(crate) blocks: usize,
    /// How many cells rows were short of so far.
    pub(crate) filled: usize,
    // The parser wants its callbacks to be shareable.
    repeated: AtomicUsize,
}

/// A footnote.
#[derive(Debug)]
pub(crate) struct Note {
    /// Its text, Markdown.
    pub(crate) text: String,
    /// The running numbers of the references to it.
    pub(crate) references: Vec<usize>,
}

/// Case and white space do not matter in labels.
fn normal(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

impl Definitions {
    pub(crate) fn footnote(&mut self, label: &str, text: String) {
        let next = self.notes.len();
        if let std::collections::hash_map::Entry::Vacant(entry) = self.by_label.entry(normal(label)) {
            entry.insert(next);
            self.notes.push(Note { text, references: Vec::new() });
        }
    }
    /// Place of the note with this label.
    pub(crate) fn note(&self, label: &str) -> Option<usize> {
        self.by_label.get(&normal(label)).copied()
    }
    pub(crate) fn abbreviation(&mut self, key: &str, expansion: &str) {
        let Some(first) = key.chars().next() else { return };
        let known = self.abbreviations.entry(first).or_default();
        if self.abbreviation_count < ABBREVIATIONS && known.iter().all(|(other, _)| other != key) {
            self.abbreviation_count += 1;
            let at = known.partition_point(|(other, _)| other.len() >= key.len());
            known.insert(at, (key.to_string(), expansion.to_string()));
        }
    }
    pub(crate) fn has_abbreviations(&self) -> bool {
        self.abbreviation_count > 0
    }
    /// The longest abbreviation that `text` begins with and that ends where a word does.
    pub(crate) fn abbreviation_at(&self, text: &str) -> Option<(&str, &str)> {
        let known = self.abbreviations.get(&text.chars().next()?)?;
        let (key, expansion) = known.iter().map(|(key, expansion)| (key.as_str(), expansion.as_str())).find(|(key, _)| {
            let ends_word =
                |rest: &str| !key.ends_with(char::is_alphanumeric) || !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            text.strip_prefix(key).is_some_and(ends_word)
        })?;
        self.repeat(expansion.len()).then_some((key, expansion))
    }
    /// Whether something of this length may be written once more.
    fn repeat(&self, bytes: usize) -> bool {
        self.repeated.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= REPEATED
    }
    /// Notes `[label]: destination "title"`; a line that is something else is left alone.
    pub(crate) fn link(&mut self, line: &str) {
        let Some((label, rest)) = line.strip_prefix('[').and_then(|rest| rest.split_once("]:")) else { return };
        if label.trim().is_empty() || label.len() > 999 || label.contains(['[', ']']) || label.starts_with('^') {
            return;
        }
        let rest = rest.trim();
        let (destination, title) = match rest.strip_prefix('<') {
            Some(inner) => match inner.split_once('>') {
                Some(parts) => parts,
                None => return,
            },
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        let title = title.trim();
        let title = match title.as_bytes() {
            [] => "",
            [b'"', .., b'"'] | [b'\'', .., b'\''] | [b'(', .., b')'] => &title[1..title.len() - 1],
            _ => return,
        };
        if !destination.is_empty() {
            self.links.entry(normal(label)).or_insert_with(|| (destination.to_string(), title.to_string()));
        }
    }
    /// Destination and title of a reference link.
    pub(crate) fn link_target(&self, label: &str) -> Option<(&str, &str)> {
        let (destination, title) = self.links.get(&normal(label))?;
        self.repeat(destination.len() + title.len()).then_some((destination, title))
    }
}
