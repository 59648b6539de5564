//! What pages are called, prepared for being looked through at every letter that somebody types, and for names typed wrong.
//!
//! Made of the index when it is first asked, and again when the index has moved; whoever may not see all pages has one of their own.

use super::pages::LISTED;
use super::terms::{Query, folded};
use super::{Index, rows};
use holt_core::{PagePath, Result, RevisionId};
use rusqlite::Row;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Letters of a word that are compared.
const LETTERS: usize = 40;
/// Pages whose headings are looked through.
const HEADING_PAGES: usize = 200;
/// Words of headings that are taken for one typed wrong.
const NEAR: usize = 20;

/// The names of all pages.
#[derive(Debug, Default)]
pub struct Names {
    /// By key.
    pub list: Vec<Name>,
    words: OnceLock<Vec<Word>>,
    /// Every word of a heading once.
    heading_words: OnceLock<Vec<(String, Letters)>>,
}

/// What a page is called.
#[derive(Debug)]
pub struct Name {
    /// Its path.
    pub path: PagePath,
    /// The text of its first heading.
    pub title: Option<String>,
    /// The path as people compare it: no case, no diacritics, `_` as a blank.
    pub plain_path: String,
    /// The title, likewise.
    pub plain_title: String,
}

/// A word of some names.
#[derive(Debug)]
struct Word {
    letters: Letters,
    names: Vec<u32>,
}

/// A word, ready to be compared.
#[derive(Debug)]
struct Letters {
    letters: Box<[char]>,
    /// Which letters it has, as bits.
    bits: u64,
}

impl Letters {
    fn new(word: &str) -> Self {
        let letters: Box<[char]> = word.chars().take(LETTERS).collect();
        let bits = letters.iter().fold(0, |bits, c| bits | 1 << (u32::from(*c) % 64));
        Self { letters, bits }
    }
    /// How many mistakes make this of what was `typed`; none if too many do.
    fn mistakes(&self, typed: &Self) -> Option<u32> {
        let allowed = allowed(typed.letters.len());
        // Each mistake brings at most one letter that the other word has not.
        if self.letters.len() + allowed < typed.letters.len() || (typed.bits & !self.bits).count_ones() as usize > allowed {
            return None;
        }
        mistakes(&self.letters, &typed.letters, allowed)
    }
}

/// A text as names are compared.
pub fn plain(text: &str) -> String {
    folded(text).replace('_', " ")
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty())
}

impl Names {
    fn new(list: Vec<Name>) -> Self {
        Self { list, words: OnceLock::new(), heading_words: OnceLock::new() }
    }
    fn words(&self) -> &[Word] {
        self.words.get_or_init(|| {
            let mut words: HashMap<&str, Vec<u32>> = HashMap::new();
            for (name, number) in self.list.iter().zip(0_u32..) {
                for part in parts(&name.plain_path).chain(parts(&name.plain_title)) {
                    let names = words.entry(part).or_default();
                    if names.last() != Some(&number) {
                        names.push(number);
                    }
                }
            }
            let word = |(word, names): (&str, Vec<u32>)| Word { letters: Letters::new(word), names };
            words.into_iter().map(word).collect()
        })
    }
    /// The names in which each of `typed` stands but for a mistake or two, those with fewer mistakes first; each with its mistakes.
    /// Words of three letters and less have to be right, as beginnings.
    pub fn mistyped(&self, typed: &[&str]) -> Vec<(usize, u32)> {
        let mut sum: Option<HashMap<u32, u32>> = None;
        for word in typed {
            let word = Letters::new(word);
            let mut fits: HashMap<u32, u32> = HashMap::new();
            for known in self.words() {
                let Some(mistakes) = known.letters.mistakes(&word) else { continue };
                for name in known.names.iter().filter(|name| sum.as_ref().is_none_or(|sum| sum.contains_key(name))) {
                    let least = fits.entry(*name).or_insert(mistakes);
                    *least = mistakes.min(*least);
                }
            }
            sum = Some(match sum {
                None => fits,
                Some(before) => fits.into_iter().map(|(name, mistakes)| (name, mistakes + before.get(&name).unwrap_or(&0))).collect(),
            });
        }
        let mut found: Vec<(usize, u32)> = sum.unwrap_or_default().into_iter().map(|(name, mistakes)| (name as usize, mistakes)).collect();
        found.sort_by_key(|(name, mistakes)| (*mistakes, self.list[*name].plain_path.len(), *name));
        found
    }
}

/// How many mistakes a word of so many letters may have.
fn allowed(letters: usize) -> usize {
    match letters {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// How many letters of `word` are wrong, missing, too much or exchanged with the next, for it to be the beginning of `part`; none above
/// `allowed`.
fn mistakes(part: &[char], word: &[char], allowed: usize) -> Option<u32> {
    // Optimal string alignment, with the rest of `part` for nothing; three rows of it are enough.
    let part = &part[..part.len().min(word.len() + allowed)];
    let width = part.len() + 1;
    let mut rows = [[0_usize; LETTERS + 1]; 3];
    for (j, cell) in rows[0][..width].iter_mut().enumerate() {
        *cell = j;
    }
    for (i, w) in word.iter().enumerate() {
        let (row, above, before) = ((i + 1) % 3, i % 3, (i + 2) % 3);
        rows[row][0] = i + 1;
        let mut least = i + 1;
        for (j, p) in part.iter().enumerate() {
            let mut best = (rows[above][j] + usize::from(w != p)).min(rows[above][j + 1] + 1).min(rows[row][j] + 1);
            if i > 0 && j > 0 && *w == part[j - 1] && word[i - 1] == *p {
                best = best.min(rows[before][j - 1] + 1);
            }
            rows[row][j + 1] = best;
            least = least.min(best);
        }
        if least > allowed {
            return None;
        }
    }
    let distance = rows[word.len() % 3][..width].iter().min().copied()?;
    (distance <= allowed).then(|| u32::try_from(distance).unwrap_or(u32::MAX))
}

/// The names, and the revision they are those of.
pub(super) type Kept = Mutex<Option<(Option<RevisionId>, Arc<Names>)>>;

/// A heading somewhere in the wiki.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundHeading {
    /// Its page.
    pub path: PagePath,
    /// The first heading of that.
    pub title: Option<String>,
    /// Its text.
    pub text: String,
    /// Its id.
    pub anchor: String,
}

impl Index {
    /// What all pages are called; symbolic links are not among them.
    pub fn names(&self) -> Result<Arc<Names>> {
        let cursor = self.cursor()?;
        let mut kept = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, names)) = &*kept
            && *of == cursor
        {
            return Ok(names.clone());
        }
        let sql = format!("SELECT p.path, p.title FROM pages AS p WHERE {LISTED} ORDER BY p.key");
        let list = self.read("list the names of pages", |db| {
            let row = |row: &Row<'_>| {
                let (path, title) = (rows::path(row, 0)?, row.get::<_, Option<String>>(1)?);
                Ok(Name { plain_path: plain(path.as_str()), plain_title: title.as_deref().map(plain).unwrap_or_default(), path, title })
            };
            db.prepare_cached(&sql)?.query_map([], row)?.collect::<rusqlite::Result<_>>()
        })?;
        let names = Arc::new(Names::new(list));
        *kept = Some((cursor, names.clone()));
        Ok(names)
    }
    /// Headings of pages in whose headings each of `words` begins a word, but for the first of each page: those of at most 200 pages.
    pub fn headings_with(&self, words: &[&str]) -> Result<Vec<FoundHeading>> {
        match Query::headings(words) {
            Some(expression) => self.headings_found(&expression),
            None => Ok(Vec::new()),
        }
    }
    /// Likewise headings in which each of `words` stands but for a mistake or two, with their mistakes.
    pub fn mistyped_headings(&self, names: &Names, words: &[&str]) -> Result<Vec<(FoundHeading, u32)>> {
        let known = self.heading_words(names)?;
        let typed: Vec<Letters> = words.iter().copied().flat_map(parts).map(Letters::new).collect();
        let near = |typed: &Letters| {
            let mut near: Vec<(u32, &str)> =
                known.iter().filter_map(|(word, letters)| Some((letters.mistakes(typed)?, word.as_str()))).collect();
            near.sort_unstable();
            near.into_iter().take(NEAR).map(|(_, word)| word).collect::<Vec<_>>()
        };
        let near: Vec<Vec<&str>> = typed.iter().map(near).collect();
        if near.iter().any(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let Some(expression) = Query::headings_of(near.into_iter()) else { return Ok(Vec::new()) };
        // Another heading of the same page may be the one that fits.
        let counted = |heading: FoundHeading| {
            let text = plain(&heading.text);
            let words: Vec<Letters> = parts(&text).map(Letters::new).collect();
            let least = typed.iter().map(|typed| words.iter().filter_map(|word| word.mistakes(typed)).min());
            Some((heading, least.sum::<Option<u32>>()?))
        };
        Ok(self.headings_found(&expression)?.into_iter().filter_map(counted).collect())
    }
    fn heading_words<'n>(&self, names: &'n Names) -> Result<&'n [(String, Letters)]> {
        if let Some(words) = names.heading_words.get() {
            return Ok(words);
        }
        let words = self.read("list the words of headings", |db| {
            let mut words = BTreeSet::new();
            let mut statement = db.prepare_cached("SELECT text FROM headings WHERE number > 0")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                words.extend(parts(&plain(&row.get::<_, String>(0)?)).map(str::to_string));
            }
            Ok(words)
        })?;
        let ready = |word: String| {
            let letters = Letters::new(&word);
            (word, letters)
        };
        Ok(names.heading_words.get_or_init(|| words.into_iter().map(ready).collect()))
    }
    fn headings_found(&self, expression: &str) -> Result<Vec<FoundHeading>> {
        let sql = format!(
            "SELECT p.path, p.title, h.text, h.anchor FROM (SELECT p.id, p.path, p.title FROM words JOIN pages AS p ON p.id = words.rowid
             WHERE words MATCH ?1 AND {LISTED} LIMIT {HEADING_PAGES}) AS p JOIN headings AS h ON h.page = p.id WHERE h.number > 0"
        );
        self.read("look for headings", |db| {
            let row =
                |row: &Row<'_>| Ok(FoundHeading { path: rows::path(row, 0)?, title: row.get(1)?, text: row.get(2)?, anchor: row.get(3)? });
            db.prepare_cached(&sql)?.query_map([expression], row)?.collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_or_two_may_be_wrong() {
        let of = |part: &str, word: &str| Letters::new(part).mistakes(&Letters::new(word));
        assert_eq!((of("installation", "instalation"), of("installation", "install")), (Some(1), Some(0)));
        assert_eq!((of("setup", "stup"), of("setup", "sepet"), of("setup", "setpu"), of("setup", "sxxp")), (Some(1), None, Some(1), None));
        assert_eq!((of("abc", "abd"), of("ab", "abcdef"), of("größe", "größen")), (None, None, Some(1)));
    }

    #[test]
    fn names_are_found_by_all_that_was_typed() {
        let name =
            |path: &str| Name { path: PagePath::parse(path).unwrap(), title: None, plain_path: plain(path), plain_title: String::new() };
        let names = Names::new(["Guide/Installation", "Guide/Setup_Steps", "Öl/Gemälde"].map(name).into());
        let found = |typed: &[&str]| {
            names.mistyped(typed).into_iter().map(|(n, mistakes)| (names.list[n].path.as_str(), mistakes)).collect::<Vec<_>>()
        };
        assert_eq!(found(&["giude", "steps"]), [("Guide/Setup_Steps", 1)]);
        assert_eq!(found(&["guide"]), [("Guide/Setup_Steps", 0), ("Guide/Installation", 0)]);
        assert_eq!((found(&["gemlade"]), found(&["zebra"])), (vec![("Öl/Gemälde", 1)], vec![]));
    }
}
