//! Whether texts are the same, or nearly: two numbers for each text, so that no text is read to compare it with another.
//!
//! The sketch is a simhash (Charikar 2002) over rows of three words: each of its bits is what most rows say. Texts that share 95 of 100
//! rows differ in about six of 64 bits, texts that share none in about 32.

use crate::db::index::Sketch;
use holt_core::PagePath;
use std::collections::{HashMap, HashSet};

/// Words below which a text says too little to be a duplicate of another, and below which a word is too large a part of it for a sketch.
const WORDS: usize = 12;
const SKETCHED: usize = 50;
/// Words that are looked at.
const MOST: usize = 20_000;
/// Bits in which nearly the same texts may differ.
const NEAR: u32 = 8;
/// Parts into which a sketch is cut, and their bits: one more than may differ, so that one part at least is the same.
const PARTS: u32 = 9;
const PART_BITS: u32 = 7;
/// Sketches that are compared with each other for one report, a few tens of milliseconds.
const COMPARED: usize = 20_000_000;

/// What is kept of a text; none if it has too few words.
pub(super) fn of(text: &str) -> Option<Sketch> {
    let words: Vec<u64> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(MOST).map(hash).collect();
    if words.len() < WORDS {
        return None;
    }
    let digest = words.iter().fold(0, |digest: u64, word| mixed(digest.rotate_left(5) ^ word));
    let sketch = (words.len() >= SKETCHED).then(|| {
        let mut votes = [0_i32; 64];
        for row in words.windows(3) {
            let row = mixed(row[0] ^ row[1].rotate_left(21) ^ row[2].rotate_left(42));
            for (bit, vote) in votes.iter_mut().enumerate() {
                *vote += i32::from(row >> bit & 1 == 1) * 2 - 1;
            }
        }
        votes.iter().enumerate().fold(0_u64, |sketch, (bit, vote)| sketch | u64::from(*vote > 0) << bit)
    });
    Some(Sketch { digest: digest.cast_signed(), sketch: sketch.map(u64::cast_signed) })
}

/// FNV-1a of the letters of a word, without case: the same for ever, as what is derived has to be.
fn hash(word: &str) -> u64 {
    let letters = word.chars().flat_map(char::to_lowercase);
    mixed(letters.fold(0xcbf2_9ce4_8422_2325, |hash: u64, c| (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3)))
}

/// The last step of splitmix64: every bit depends on every other.
fn mixed(mut hash: u64) -> u64 {
    hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ hash >> 31
}

/// How alike two pages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    Same,
    Near,
}

/// Of the pages, which are by path: each that says the same as one before it, or nearly, with the first such.
pub(super) fn duplicates(pages: &[(PagePath, Sketch)]) -> Vec<(usize, usize, Likeness)> {
    let mut first: HashMap<i64, usize> = HashMap::new();
    let mut found = Vec::new();
    // What stands for all that say the same.
    let mut different: Vec<(u64, usize)> = Vec::new();
    for (page, (_, sketch)) in pages.iter().enumerate() {
        let known = *first.entry(sketch.digest).or_insert(page);
        if known != page {
            found.push((page, known, Likeness::Same));
        } else if let Some(sketch) = sketch.sketch {
            different.push((sketch.cast_unsigned(), page));
        }
    }
    let mut near: HashMap<usize, usize> = HashMap::new();
    let mut compared = 0;
    for part in 0..PARTS {
        let of = |sketch: u64| sketch >> (part * PART_BITS) & ((1 << PART_BITS) - 1);
        different.sort_unstable_by_key(|(sketch, page)| (of(*sketch), *page));
        for alike in different.chunk_by(|a, b| of(a.0) == of(b.0)) {
            for (at, (sketch, page)) in alike.iter().enumerate().skip(1) {
                compared += at;
                if compared > COMPARED {
                    break;
                }
                if let Some((_, known)) = alike[..at].iter().find(|(other, _)| (other ^ sketch).count_ones() <= NEAR) {
                    let first = near.entry(*page).or_insert(*known);
                    *first = (*first).min(*known);
                }
            }
        }
    }
    found.extend(near.into_iter().map(|(page, known)| (page, known, Likeness::Near)));
    found.sort_unstable_by_key(|(page, ..)| *page);
    let mut seen = HashSet::new();
    found.retain(|(page, ..)| seen.insert(*page));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(from: usize, words: usize) -> String {
        (from..from + words).map(|n| format!("word{}", n * 7919 % 10_007)).collect::<Vec<_>>().join(" ")
    }

    fn pages(texts: &[String]) -> Vec<(PagePath, Sketch)> {
        let page = |(n, text): (usize, &String)| Some((PagePath::parse(&format!("P{n:05}")).unwrap(), of(text)?));
        texts.iter().enumerate().filter_map(page).collect()
    }

    #[test]
    fn the_same_words_and_nearly_the_same_are_found() {
        let long = text(0, 400);
        let changed = long.replace(" word", " Word").replacen("Word", "Other", 3);
        let found =
            duplicates(&pages(&[long.clone(), format!("**{}**", long.to_uppercase()), changed, text(1_000, 400), text(2_000, 400)]));
        assert_eq!(found, [(1, 0, Likeness::Same), (2, 0, Likeness::Near)]);
    }

    #[test]
    fn short_texts_are_compared_as_a_whole_or_not_at_all() {
        assert_eq!(of("To be written."), None);
        let short = text(0, 20);
        assert_eq!(duplicates(&pages(&[short.clone(), format!("{short} more"), short])), [(2, 0, Likeness::Same)]);
    }

    #[test]
    fn many_pages_of_one_text_are_no_more_work_than_others() {
        let same = vec![text(0, 100); 3_000];
        assert_eq!(duplicates(&pages(&same)).len(), 2_999);
    }
}
