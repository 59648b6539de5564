//! One question of the DNS and what answers it, as bytes (RFC 1035 §4). Whatever is sent, reading ends: names are followed backwards only.

use holt_core::{Error, Result};

const TXT: u16 = 16;
const CNAME: u16 = 5;
const INTERNET: u16 = 1;
const HEAD: usize = 12;
/// Longest name, as bytes of a message and as text.
const NAME: usize = 255;
/// Longest part of a name.
const LABEL: usize = 63;
/// Most records that are read of an answer.
const RECORDS: u16 = 256;
/// A name may be another name for another one, so many times.
const ALIASES: usize = 8;

/// What a message says to a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// What there is, or that there is nothing.
    Texts(Vec<String>),
    /// More than fits: to be asked over TCP.
    Truncated,
    /// The resolver could not find out, or what it says cannot be read.
    Failed,
    /// It answers something else.
    Stray,
}

/// A question for the texts of one name.
#[derive(Debug)]
pub struct Question {
    id: u16,
    name: String,
    bytes: Vec<u8>,
}

impl Question {
    /// For `name`, under a number that nobody guesses. `Invalid` if it is no name: letters, digits, hyphens and underscores between dots.
    pub fn txt(name: &str, id: u16) -> Result<Self> {
        let refused = || Error::invalid(format!("{name:?} is no name of the DNS"));
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if name.is_empty() || name.len() > NAME - 2 {
            return Err(refused());
        }
        // Recursion desired, one question.
        let mut bytes = [id.to_be_bytes(), [1, 0], [0, 1], [0, 0], [0, 0], [0, 0]].concat();
        for label in name.split('.') {
            let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            if label.is_empty() || label.len() > LABEL || !label.bytes().all(fine) {
                return Err(refused());
            }
            bytes.push(u8::try_from(label.len()).map_err(|_| refused())?);
            bytes.extend_from_slice(label.as_bytes());
        }
        bytes.push(0);
        bytes.extend([TXT.to_be_bytes(), INTERNET.to_be_bytes()].concat());
        Ok(Self { id, name, bytes })
    }
    /// As sent.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// What `bytes` say to it.
    pub fn read(&self, bytes: &[u8]) -> Answer {
        let mut reader = Reader { bytes, at: 0 };
        let Some(head) = self.head(&mut reader) else { return Answer::Stray };
        if head.truncated {
            return Answer::Truncated;
        }
        // No error, or no such name; and somebody who knows: a resolver, or whoever rules the name. All else is not known.
        if !matches!(head.code, 0 | 3) || !head.knows || head.answers > RECORDS {
            return Answer::Failed;
        }
        let mut records = Vec::new();
        for _ in 0..head.answers {
            match reader.record() {
                Some(record) => records.extend(record),
                None => return Answer::Failed,
            }
        }
        self.follow(&records)
    }
    /// The head of a message that answers this question and no other.
    fn head(&self, reader: &mut Reader<'_>) -> Option<Head> {
        let (id, flags, questions, answers) = (reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?);
        reader.at = HEAD;
        let is_answer = flags & 0x8000 != 0 && flags & 0x7800 == 0;
        if id != self.id || !is_answer || questions != 1 {
            return None;
        }
        let same = reader.name()? == self.name && reader.u16()? == TXT && reader.u16()? == INTERNET;
        same.then_some(Head { truncated: flags & 0x0200 != 0, knows: flags & 0x0480 != 0, code: flags & 0x000f, answers })
    }
    /// The texts of the name, or of the one that it is another name for.
    fn follow(&self, records: &[Record]) -> Answer {
        let mut name = &self.name;
        for _ in 0..=ALIASES {
            let alias = records.iter().find_map(|record| match record {
                Record::Alias { of, is } if of == name => Some(is),
                _ => None,
            });
            let Some(alias) = alias else {
                let texts = records.iter().filter_map(|record| match record {
                    Record::Text { of, text } if of == name => Some(text.clone()),
                    _ => None,
                });
                return Answer::Texts(texts.collect());
            };
            name = alias;
        }
        Answer::Failed
    }
}

struct Head {
    truncated: bool,
    knows: bool,
    code: u16,
    answers: u16,
}

enum Record {
    Alias { of: String, is: String },
    Text { of: String, text: String },
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }
    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }
    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }
    /// A name in lower case. Pointers lead backwards, each before the one that led there, so that there is an end to it.
    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        // Where reading goes on after the first pointer, and what the next has to be before.
        let (mut after, mut limit) = (None, self.at);
        loop {
            let length = self.u8()?;
            match length & 0xc0 {
                0xc0 => {
                    let to = usize::from(u16::from_be_bytes([length & 0x3f, self.u8()?]));
                    after.get_or_insert(self.at);
                    if to >= limit {
                        return None;
                    }
                    (self.at, limit) = (to, to);
                }
                0 if length == 0 => {
                    self.at = after.unwrap_or(self.at);
                    return Some(name);
                }
                0 => {
                    let label = self.take(usize::from(length))?;
                    if name.len() + 1 + label.len() > NAME {
                        return None;
                    }
                    if !name.is_empty() {
                        name.push('.');
                    }
                    // A byte that no name of ours has makes one that equals none.
                    name.extend(label.iter().map(|byte| if byte.is_ascii_graphic() && *byte != b'.' { *byte as char } else { '\u{fffd}' }));
                }
                _ => return None,
            }
            name.make_ascii_lowercase();
        }
    }
    /// A record, if it is of those that count: none inside if not, none at all if it cannot be read.
    fn record(&mut self) -> Option<Option<Record>> {
        let of = self.name()?;
        let (kind, class) = (self.u16()?, self.u16()?);
        self.take(4)?;
        let length = usize::from(self.u16()?);
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        let record = match (kind, class) {
            (CNAME, INTERNET) => Some(Record::Alias { of, is: self.name()? }),
            (TXT, INTERNET) => {
                let mut text = Vec::new();
                while self.at < end {
                    let piece = usize::from(self.u8()?);
                    text.extend_from_slice(self.take(piece)?);
                }
                String::from_utf8(text).ok().map(|text| Record::Text { of, text })
            }
            _ => {
                self.at = end;
                None
            }
        };
        // A record says how long it is.
        (self.at == end).then_some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer with these records behind the question: name, type, data.
    fn answer(question: &Question, flags: u16, records: &[(&[u8], u16, &[u8])]) -> Vec<u8> {
        let mut bytes = question.bytes().to_vec();
        bytes[2..4].copy_from_slice(&flags.to_be_bytes());
        bytes[6..8].copy_from_slice(&u16::try_from(records.len()).unwrap().to_be_bytes());
        for (name, kind, data) in records {
            bytes.extend_from_slice(name);
            bytes.extend([*kind, INTERNET, 0, 60, u16::try_from(data.len()).unwrap()].map(u16::to_be_bytes).concat());
            bytes.extend_from_slice(data);
        }
        bytes
    }

    const SELF: &[u8] = &[0xc0, 12];
    const KNOWS: u16 = 0x8180;

    #[test]
    fn names_are_names() {
        for good in ["_holt.wiki.example.org", "_atproto.alice.test", "A.b.", &format!("{}.org", "x".repeat(63))] {
            assert!(Question::txt(good, 1).is_ok(), "{good}");
        }
        let long = format!("{}org", "a.".repeat(126));
        for bad in ["", ".", "a..b", ".a", "a b", "ä.org", "a/b", "a\0b", &format!("{}.org", "x".repeat(64)), &long, "*.org", "a.org:53"] {
            assert!(Question::txt(bad, 1).is_err(), "{bad:?}");
        }
        let bytes = Question::txt("_a.Bc", 0x1234).unwrap().bytes;
        assert_eq!(bytes, b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x02_a\x02bc\0\0\x10\0\x01");
    }

    #[test]
    fn what_answers_is_read_and_nothing_else() {
        let question = Question::txt("_holt.example.org", 7).unwrap();
        let texts = |texts: &[&str]| Answer::Texts(texts.iter().map(|text| (*text).to_string()).collect());
        let read = |flags, records: &[(&[u8], u16, &[u8])]| question.read(&answer(&question, flags, records));
        assert_eq!(read(KNOWS, &[(SELF, TXT, b"\x03one")]), texts(&["one"]));
        assert_eq!(read(KNOWS, &[(SELF, TXT, b"\x02on\x01e\0"), (SELF, TXT, b"\x03two")]), texts(&["one", "two"]));
        assert_eq!(read(KNOWS, &[]), texts(&[]));
        assert_eq!(read(KNOWS | 3, &[]), texts(&[]), "no such name");
        assert_eq!(read(0x8480, &[(SELF, TXT, b"\x03one")]), texts(&["one"]), "by whoever rules it");
        assert_eq!(read(KNOWS, &[(SELF, TXT, b"\x02\xff\xfe"), (SELF, 1, b"\x7f\0\0\x01")]), texts(&[]), "no text of ours");
        // Another name for it, and texts of names that nobody asked for.
        let other: &[u8] = b"\x05other\x03org\0";
        assert_eq!(read(KNOWS, &[(SELF, CNAME, other), (other, TXT, b"\x03one"), (SELF, TXT, b"\x01x")]), texts(&["one"]));
        assert_eq!(read(KNOWS, &[(other, TXT, b"\x03one")]), texts(&[]));
        assert_eq!(read(KNOWS, &[(SELF, CNAME, SELF)]), Answer::Failed, "round and round");
        assert_eq!(read(KNOWS | 0x0200, &[]), Answer::Truncated);
        for flags in [KNOWS | 2, KNOWS | 5, 0x8100] {
            assert_eq!(read(flags, &[]), Answer::Failed, "{flags:x}: it did not find out, or leads elsewhere");
        }
        for broken in [b"\x05one".as_slice(), b"\x03onetwo"] {
            assert_eq!(read(KNOWS, &[(SELF, TXT, broken)]), Answer::Failed);
        }
        // Of another question: its number, name, type, or no answer at all.
        for (name, id) in [("_holt.example.org", 8), ("_holt.example.com", 7), ("_holt.example.or", 7)] {
            let other = Question::txt(name, id).unwrap();
            assert_eq!(question.read(&answer(&other, KNOWS, &[(SELF, TXT, b"\x03one")])), Answer::Stray, "{name} {id}");
        }
        assert_eq!((read(0x0100, &[]), question.read(question.bytes())), (Answer::Stray, Answer::Stray));
        let mut mixed = answer(&question, KNOWS, &[(SELF, TXT, b"\x03one")]);
        mixed[13..18].make_ascii_uppercase();
        assert_eq!(question.read(&mixed), texts(&["one"]));
    }

    #[test]
    fn whatever_is_sent_reading_ends() {
        let question = Question::txt("_holt.example.org", 7).unwrap();
        let whole = answer(&question, KNOWS, &[(SELF, CNAME, b"\x05other\xc0\x12"), (b"\x05other\xc0\x12", TXT, b"\x03one")]);
        assert_eq!(question.read(&whole), Answer::Texts(vec!["one".to_string()]));
        for cut in 0..whole.len() {
            assert!(matches!(question.read(&whole[..cut]), Answer::Stray | Answer::Failed), "{cut}");
        }
        for at in 0..whole.len() {
            for byte in 0..=255 {
                let mut broken = whole.clone();
                broken[at] = byte;
                question.read(&broken);
            }
        }
        // A pointer to itself, forwards, and two that lead to each other.
        let end = u8::try_from(question.bytes().len()).unwrap();
        for loops in [[0xc0, end].as_slice(), &[0xc0, end + 2, 0xc0, end], &[1, b'a', 0xc0, end]] {
            assert_eq!(question.read(&answer(&question, KNOWS, &[(loops, TXT, b"\x03one")])), Answer::Failed, "{loops:?}");
        }
        let mut many = answer(&question, KNOWS, &[]);
        many[6..8].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(question.read(&many), Answer::Failed);
    }
}
