//! Words that stand for secrets: 128 bits each, found again in whatever clothes an answer wears.
//!
//! All begin with the same mark, so that one pass looks for all of them, however many there are. A canary that was cut is known by its first
//! letters, as long as ten of them are left.

use super::model::Sight;
use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::collections::{BTreeSet, HashMap};
use std::sync::RwLock;

/// How every canary begins.
pub const MARK: &str = "zqholtq";
/// 26²⁸ is more than 2¹²⁸.
const LETTERS: usize = 28;
/// Letters after the mark by which a canary is known.
const KNOWN: usize = 10;

/// Names a canary.
pub type Id = usize;

/// What is known of one.
#[derive(Debug, Clone)]
pub struct Canary {
    /// As it was written.
    pub text: String,
    /// The field it stands in.
    pub what: &'static str,
    /// Who may see it: whoever any of these lets.
    pub sights: Vec<Sight>,
}

/// How text may be written so that it does not look like itself.
#[derive(Debug, Clone, Copy)]
enum Clothes {
    None,
    /// Base64, with the mark beginning so many characters after one that begins a group.
    Base64(usize),
    /// Letters as numbers, between these.
    Numbered {
        before: &'static str,
        after: &'static str,
        radix: u32,
        digits: usize,
    },
}

const CLOTHES: [Clothes; 9] = [
    Clothes::None,
    Clothes::Base64(0),
    Clothes::Base64(2),
    Clothes::Base64(3),
    Clothes::Numbered { before: "%", after: "", radix: 16, digits: 2 },
    Clothes::Numbered { before: "\\u", after: "", radix: 16, digits: 4 },
    Clothes::Numbered { before: "&#x", after: ";", radix: 16, digits: 2 },
    Clothes::Numbered { before: "&#", after: ";", radix: 10, digits: 3 },
    Clothes::Numbered { before: "", after: "", radix: 16, digits: 2 },
];

impl Clothes {
    /// The mark in them, as much of it as does not depend on what is around.
    fn mark(self) -> String {
        match self {
            Self::None => MARK.to_string(),
            // One byte of the mark stands for six bits each of 4/3 characters; what shares a character with others is left out.
            Self::Base64(skip) => {
                let before = [0, 0, 1, 2][skip];
                let whole = STANDARD_NO_PAD.encode([vec![b'?'; before], MARK.as_bytes().to_vec()].concat());
                let sure = (before + MARK.len()) * 8 / 6;
                whole[skip..sure].to_string()
            }
            Self::Numbered { before, after, radix, digits } => MARK
                .bytes()
                .map(|b| match radix {
                    10 => format!("{before}{b}{after}"),
                    _ => format!("{before}{b:0digits$x}{after}"),
                })
                .collect(),
        }
    }
    /// The letters that begin at `at`, without them.
    fn off(self, bytes: &[u8], at: usize) -> Vec<u8> {
        match self {
            Self::None => bytes[at..].iter().take(MARK.len() + LETTERS).copied().collect(),
            Self::Base64(skip) => {
                let plain = |b: &u8| match b {
                    b'-' => b'+',
                    b'_' => b'/',
                    other => *other,
                };
                let run: Vec<u8> = bytes[at.saturating_sub(skip)..].iter().map(plain).take(64).collect();
                let run = run.split(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'+' | b'/')).next().unwrap_or_default();
                let decoded = STANDARD_NO_PAD.decode(&run[..run.len() / 4 * 4]).unwrap_or_default();
                decoded.into_iter().skip([0, 0, 1, 2][skip]).collect()
            }
            Self::Numbered { before, after, radix, digits } => {
                let mut rest = &bytes[at..];
                let mut text = Vec::new();
                while let Some(number) = rest.strip_prefix(before.as_bytes()) {
                    let length = number.iter().take(digits).take_while(|b| char::from(**b).is_digit(radix)).count();
                    let number = std::str::from_utf8(&number[..length]).expect("digits");
                    let Ok(letter) = u8::from_str_radix(number, radix) else { break };
                    text.push(letter);
                    rest = &rest[before.len() + length..];
                    rest = rest.strip_prefix(after.as_bytes()).unwrap_or(rest);
                }
                text
            }
        }
    }
}

/// All canaries there are.
pub struct Canaries {
    kept: RwLock<Kept>,
    marks: AhoCorasick,
}

#[derive(Default)]
struct Kept {
    list: Vec<Canary>,
    by_letters: HashMap<[u8; KNOWN], Id>,
}

impl Canaries {
    pub fn new() -> Self {
        let marks = AhoCorasick::builder().ascii_case_insensitive(true).build(CLOTHES.map(Clothes::mark)).unwrap();
        Self { kept: RwLock::default(), marks }
    }
    /// A new one, out of random letters. It is known before anybody can have heard of it.
    pub fn make(&self, what: &'static str, sights: Vec<Sight>, mut letter: impl FnMut() -> u8) -> (Id, String) {
        let letters: Vec<u8> = (0..LETTERS).map(|_| b'a' + letter() % 26).collect();
        let text = MARK.to_string() + std::str::from_utf8(&letters).unwrap();
        let mut kept = self.kept.write().unwrap();
        let id = kept.list.len();
        kept.by_letters.insert(letters[..KNOWN].try_into().unwrap(), id);
        kept.list.push(Canary { text: text.clone(), what, sights });
        (id, text)
    }
    /// Lets others see it as well.
    pub fn open(&self, id: Id, to: Sight) {
        self.kept.write().unwrap().list[id].sights.push(to);
    }
    pub fn of(&self, id: Id) -> Canary {
        self.kept.read().unwrap().list[id].clone()
    }
    /// One of them, by any number.
    pub fn some(&self, number: usize) -> String {
        let kept = self.kept.read().unwrap();
        kept.list[number % kept.list.len()].text.clone()
    }
    /// Those that stand in `bytes`, in whatever clothes.
    pub fn scan(&self, bytes: &[u8]) -> BTreeSet<Id> {
        let mut found = BTreeSet::new();
        let mut kept = None;
        for hit in self.marks.find_iter(bytes) {
            let text = CLOTHES[hit.pattern().as_usize()].off(bytes, hit.start()).to_ascii_lowercase();
            let letters = text.strip_prefix(MARK.as_bytes()).and_then(|letters| letters.get(..KNOWN)?.try_into().ok());
            let Some(letters): Option<[u8; KNOWN]> = letters else { continue };
            found.extend(kept.get_or_insert_with(|| self.kept.read().unwrap()).by_letters.get(&letters));
        }
        found
    }
}

#[test]
fn canaries_are_found_in_all_clothes() {
    let canaries = Canaries::new();
    let mut state = 7_u8;
    let (id, text) = canaries.make("text", Vec::new(), || {
        state = state.wrapping_mul(29).wrapping_add(17);
        state >> 2
    });
    let numbered = |before: &str, after: &str| text.bytes().map(|b| format!("{before}{b:02x}{after}")).collect::<String>();
    let mut clothes = vec![
        text.clone(),
        text.to_uppercase(),
        format!("<b>{text}</b>"),
        text[..MARK.len() + KNOWN].to_string(),
        numbered("%", ""),
        numbered("\\u00", ""),
        numbered("&#x", ";"),
        numbered("", ""),
        text.bytes().map(|b| format!("&#{b};")).collect(),
    ];
    for before in 0..7 {
        for after in 0..3 {
            let plain = format!("{}{text}{}", &"{\"path\"}"[..before], &"end"[..after]);
            clothes.push(STANDARD_NO_PAD.encode(&plain));
            clothes.push(format!("x=\"{}\"", base64::engine::general_purpose::URL_SAFE.encode(&plain)));
        }
    }
    for worn in clothes {
        assert_eq!(canaries.scan(format!("before {worn} after").as_bytes()), BTreeSet::from([id]), "{worn}");
    }
    assert!(canaries.scan(MARK.as_bytes()).is_empty() && canaries.scan(format!("{MARK}abcdefghijkl").as_bytes()).is_empty());
}
