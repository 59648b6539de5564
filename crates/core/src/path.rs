//! Where a page lives. One parser for URL, API, link, tree entry and push (security.md PATH-1..9).
//!
//! [`PagePath`] is a name that can be looked up safely, [`NewPagePath`] one that may also be created today: an imported wiki may hold
//! names that the second refuses, and they stay readable and editable. [`PageKey`] decides which names are the same page.

use crate::error::{Error, ErrorKind, Result};
use crate::path_rules::{self as rules, PATH_BYTES, PATH_DEPTH, SEGMENT_BYTES};
use caseless::Caseless;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// What a URL path leaves unescaped: unreserved characters and `/`. The same set for every link Holt writes, so that a page has one spelling.
const PATH_ESCAPES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The path of a page inside its wiki, without `.md` and without a leading slash: `Guide/Setup`. NFC, case kept.
///
/// ```compile_fail
/// let path = holt_core::PagePath("../../etc/passwd".to_string());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PagePath(String);

impl PagePath {
    /// From decoded text: a URL path, an API field, a link target or a tree entry without `.md`. One leading and one trailing slash are ignored.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.strip_prefix('/').unwrap_or(text);
        let text = text.strip_suffix('/').unwrap_or(text);
        // ASCII is in every normal form.
        let path: String = if text.is_ascii() { text.to_string() } else { text.nfc().collect() };
        if path.is_empty() {
            return Err(Error::invalid("the page name is empty").hint("Give the page a name such as Guide/Setup."));
        }
        if path.len() > PATH_BYTES || path.split('/').count() > PATH_DEPTH {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("the page path is longer than {PATH_BYTES} bytes or deeper than {PATH_DEPTH} levels"),
            )
            .hint("Choose a shorter path."));
        }
        for segment in path.split('/') {
            if segment.len() > SEGMENT_BYTES {
                return Err(Error::new(ErrorKind::TooLarge, format!("a part of the page path is longer than {SEGMENT_BYTES} bytes"))
                    .hint("Choose a shorter name."));
            }
            if let Some(reason) = rules::impossible(segment) {
                return Err(
                    Error::invalid(format!("that is not a page name: {reason}")).hint("Use letters, digits, spaces and / between levels.")
                );
            }
        }
        Ok(Self(path))
    }
    /// From a path in a git tree: `guide/setup.md` is the page `guide/setup`; anything else is not a page.
    /// A name that is not NFC in the tree is none either: it could not be found again under its own bytes.
    pub fn from_tree(file: &str) -> Option<Self> {
        let path = Self::parse(file.strip_suffix(".md")?).ok()?;
        (path.0.len() + 3 == file.len() && file.starts_with(&path.0)).then_some(path)
    }
    /// The path in the git tree.
    pub fn file(&self) -> String {
        format!("{}.md", self.0)
    }
    /// The directory of its attachments and subpages in the git tree.
    pub fn directory(&self) -> &str {
        &self.0
    }
    /// The path as text, without a leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Its segments, outermost first.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }
    /// The last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
    /// The page one level up, if any.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_string()))
    }
    /// The page `name` one level down.
    pub fn child(&self, name: &str) -> Result<Self> {
        Self::parse(&format!("{}/{name}", self.0))
    }
    /// Whether this page lies below `other`.
    pub fn is_below(&self, other: &Self) -> bool {
        self.0.strip_prefix(&other.0).is_some_and(|rest| rest.starts_with('/'))
    }
    /// The one spelling of its URL path, with a leading slash, percent-encoded.
    pub fn url(&self) -> String {
        format!("/{}", encode(&self.0))
    }
    /// Which page this is, whatever the spelling.
    pub fn key(&self) -> PageKey {
        PageKey::of(&self.0)
    }
    /// Why this address is not a page's even if a file of that name is there (PATH-7): a verb, or the site's.
    pub fn reserved(&self) -> Option<String> {
        rules::reserved(&self.segments().collect::<Vec<_>>())
    }
    /// The rules for names made today (PATH-3..5, PATH-7).
    pub fn for_creation(self) -> Result<NewPagePath> {
        let segments: Vec<&str> = self.segments().collect();
        let refused = segments
            .iter()
            .enumerate()
            .find_map(|(i, segment)| rules::not_creatable(segment, i == 0))
            .or_else(|| rules::reserved(&segments))
            .or_else(|| rules::taken(&segments));
        match refused {
            Some(reason) => Err(Error::invalid(format!("a page cannot be called that: {reason}"))
                .hint("Choose a name of letters, digits, spaces, hyphens and / between levels.")),
            None => Ok(NewPagePath(self)),
        }
    }
}

impl fmt::Display for PagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A page path that may be created. Made by [`PagePath::for_creation`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPagePath(PagePath);

impl NewPagePath {
    /// The path.
    pub fn path(&self) -> &PagePath {
        &self.0
    }
    /// The path, owned.
    pub fn into_path(self) -> PagePath {
        self.0
    }
}

/// Two paths with the same key are one page: NFKC with case folded and invisible characters dropped (PATH-6).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageKey(String);

impl PageKey {
    fn of(path: &str) -> Self {
        if path.is_ascii() {
            return Self(path.to_ascii_lowercase());
        }
        let folded: String = path.nfkc().default_case_fold().nfkc().default_case_fold().filter(|c| !rules::ignorable(*c)).nfkc().collect();
        Self(folded)
    }
    /// What the keys of pages begin with whose paths begin with `text`, which need not be a path itself.
    pub fn beginning(text: &str) -> String {
        Self::of(text).0
    }
    /// The key as the database and the fragment store hold it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The file name of an attachment. Imported names may hold more than new ones may (PATH-9).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttachmentName(String);

impl AttachmentName {
    /// A name to look up: one path segment that is not a page.
    pub fn parse(text: &str) -> Result<Self> {
        let name: String = text.nfc().collect();
        if name.len() > SEGMENT_BYTES {
            return Err(Error::too_large(format!("the file name is longer than {SEGMENT_BYTES} bytes")).hint("Choose a shorter name."));
        }
        match rules::impossible(&name) {
            Some(reason) => Err(Error::invalid(format!("that is not a file name: {reason}")).hint("Rename the file and try again.")),
            None => Ok(Self(name)),
        }
    }
    /// The name under which an upload is stored (spec/wiki.md §8.1): its last segment, cleaned; refused when nothing usable is left.
    pub fn for_upload(text: &str) -> Result<Self> {
        let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let cleaned: String = last.nfkc().filter(|c| !c.is_control()).map(|c| if matches!(c, '/' | '\\') { '_' } else { c }).collect();
        let name = cleaned.trim().trim_end_matches('.').trim_end();
        let refused = if name.to_lowercase().ends_with(".md") {
            Some("a page is not uploaded but written".to_string())
        } else {
            rules::not_creatable(name, true)
        };
        match refused {
            Some(reason) => {
                Err(Error::invalid(format!("the file cannot be stored under that name: {reason}"))
                    .hint("Rename the file and upload it again."))
            }
            None => Self::parse(name),
        }
    }
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The part after the last dot, lower-case; empty without one.
    pub fn extension(&self) -> String {
        self.0.rsplit_once('.').map(|(_, e)| e.to_lowercase()).unwrap_or_default()
    }
}

impl fmt::Display for AttachmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Refuses a line of text that people are shown as somebody's or something's name, if it has a character that nobody sees or that turns others
/// around: the characters that stay out of new names of pages (PATH-3). Joiners between letters and in emoji are none of them.
pub fn check_seen(text: &str) -> Result<()> {
    match rules::hidden_in(text) {
        Some(character) => Err(Error::invalid(format!("the character {character} is not allowed")).hint("Leave it out.")),
        None => Ok(()),
    }
}

/// Whether a file of a repository may be called so if it is new there, whoever puts it (PATH-2..5, PATH-7): a page as
/// [`PagePath::for_creation`] has it, any other file by the same characters and below a page that could be.
pub fn check_new_file(file: &str) -> Result<()> {
    let composed = |parsed: &str, given: &str| match parsed == given {
        true => Ok(()),
        false => Err(Error::invalid("the name is not in Unicode's composed form (NFC)").hint("Rename the file and try again.")),
    };
    if let Some(page) = file.strip_suffix(".md") {
        let path = PagePath::parse(page)?;
        composed(path.as_str(), page)?;
        return path.for_creation().map(drop);
    }
    let name = match file.rsplit_once('/') {
        Some((folder, name)) => {
            let path = PagePath::parse(folder)?;
            composed(path.as_str(), folder)?;
            path.for_creation()?;
            name
        }
        None => file,
    };
    composed(AttachmentName::parse(name)?.as_str(), name)?;
    match rules::not_creatable(name, !file.contains('/')) {
        Some(reason) => {
            Err(Error::invalid(format!("the file cannot be stored under that name: {reason}")).hint("Rename the file and try again."))
        }
        None => Ok(()),
    }
}

/// Percent-decodes a URL path, once and for all (PATH-1). An encoded `/`, `\` or NUL, or bytes that are not UTF-8, are refused.
pub fn decode_url(raw: &str) -> Result<String> {
    let refuse = |why: &str| {
        Err(Error::invalid(format!("the address contains {why}")).hint("Check the address; it may have been cut or encoded twice."))
    };
    let mut rest = raw;
    while let Some(at) = rest.find('%') {
        rest = &rest[at + 1..];
        match rest.as_bytes() {
            [b'2', b'f' | b'F', ..] => return refuse("an encoded slash"),
            [b'5', b'c' | b'C', ..] => return refuse("an encoded backslash"),
            [b'0', b'0', ..] => return refuse("a NUL"),
            [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {}
            _ => return refuse("a percent sign that is not followed by two hexadecimal digits"),
        }
    }
    match percent_decode_str(raw).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => refuse("bytes that are not UTF-8"),
    }
}

/// Percent-encodes text for a URL path; `/` stays.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, PATH_ESCAPES).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_old_wikis_can_be_read_but_not_made() {
        for legacy in
            ["less <than> greater", "colon: time 12:30", ".hidden page", "[brackets] {braces}", "say \"hello\"", "-dash", "con", "x.lock"]
        {
            let path = PagePath::parse(legacy).unwrap();
            assert!(path.for_creation().is_err(), "{legacy}");
        }
        for good in [
            "Home",
            "日本語/東京 ガイド",
            "100% coverage",
            "c++ notes",
            "o'neil's page",
            "emoji 🐟 page",
            "a & b; c, d",
            "v1.2 release.notes",
            "مرحبا",
            "👩‍👩‍👧",
        ] {
            assert!(PagePath::parse(good).unwrap().for_creation().is_ok(), "{good}");
        }
    }

    #[test]
    fn hostile_names_are_refused_everywhere() {
        for bad in [
            "",
            "/",
            "a//b",
            "..",
            "a/../b",
            ".",
            ".git",
            ".GIT",
            ".g\u{200c}it",
            ".git.",
            ".git::$INDEX_ALLOCATION",
            "x/git~1",
            "a\0b",
            "a\nb",
            &"a".repeat(201),
            &"a/".repeat(17),
        ] {
            assert!(PagePath::parse(bad).is_err(), "{bad:?}");
        }
        for bad in [
            "a\u{202e}b",
            "a\u{200b}b",
            "\u{3164}",
            "a\u{2800}b",
            "a/edit",
            "a/history",
            "a/a/b",
            "api/x",
            "-/x",
            "x.md",
            "a:b",
            "a*",
            "\u{ff0f}etc",
            "a\u{e000}",
            "a/diff/b/c",
            " a",
            "a.",
        ] {
            assert!(PagePath::parse(bad).and_then(PagePath::for_creation).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_nobody_sees_stands_in_no_name() {
        for good in ["", "Ann’s *wiki*: a/b?", "می‌خواهم", "👩‍👩‍👧 & 🏳️‍🌈", "東京", "a\u{a0}b"] {
            assert!(check_seen(good).is_ok(), "{good:?}");
        }
        for (bad, told) in
            [("a\u{202e}b", "U+202E"), ("a\nb", "U+000A"), ("a\u{200b}b", "U+200B"), ("a\u{2066}b", "U+2066"), ("a\u{e000}", "U+E000")]
        {
            assert!(check_seen(bad).unwrap_err().message.contains(told), "{bad:?}");
        }
    }

    /// Files of whoever runs the server are there, in every wiki.
    #[test]
    fn no_page_is_made_where_the_servers_files_are() {
        for (name, free) in
            [("platform/logo", false), ("platform/x/y", false), ("platform", true), ("Platform/Plan", true), ("x/platform/z", true)]
        {
            assert_eq!(PagePath::parse(name).unwrap().for_creation().is_ok(), free, "{name}");
            assert_eq!(check_new_file(&format!("{name}.md")).is_ok(), free, "{name}");
            assert_eq!(PagePath::parse(name).unwrap().reserved(), None, "what is there goes on: {name}");
        }
    }

    #[test]
    fn one_page_has_one_key() {
        let key = |s: &str| PagePath::parse(s).unwrap().key();
        assert_eq!(key("Straße"), key("STRASSE"));
        assert_eq!(key("é"), key("e\u{301}"));
        assert_eq!(key("ﬁle"), key("FILE"));
        assert_ne!(key("a_b"), key("a b"));
    }

    #[test]
    fn addresses_are_decoded_once() {
        assert_eq!(decode_url("/a%2541").unwrap(), "/a%41");
        for bad in ["/a%2Fb", "/a%5cb", "/%00", "/%ff", "/%zz", "/%"] {
            assert!(decode_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn files_that_are_pushed_have_the_names_of_those_that_are_made_here() {
        for good in ["Home.md", "Guide/Set up.md", "Guide/pic.png", "LICENSE", "日本語/東京.md", "a/b/c.tar.gz"] {
            assert!(check_new_file(good).is_ok(), "{good}");
        }
        for bad in [
            ".gitignore",
            "a/.hidden.md",
            ".git/config",
            "a/../b.md",
            "x:y.md",
            "CON.md",
            "a\\b.md",
            "api/x.md",
            "a/edit.md",
            "a/edit/x.png",
            "-x.md",
            "-x.png",
            "x.md.md",
            "e\u{301}.md",
            "e\u{301}/a.png",
            "e\u{301}.png",
            "a/x.lock",
            "a//b.md",
            "git~1",
            "a/X.MD",
            ".md",
        ] {
            assert!(check_new_file(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn uploads_get_a_plain_name() {
        assert_eq!(AttachmentName::for_upload("C:\\fakepath\\Foto 1.jpg").unwrap().as_str(), "Foto 1.jpg");
        for bad in ["", "..", "page.md", "a/b/.git", ".htaccess", "a\u{202e}gpj.exe"] {
            assert!(AttachmentName::for_upload(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn display_then_parse_is_identity(text in "\\PC{1,40}") {
            if let Ok(path) = PagePath::parse(&text) {
                prop_assert_eq!(&PagePath::parse(path.as_str()).unwrap(), &path);
                prop_assert_eq!(PagePath::parse(&decode_url(&path.url()).unwrap()).unwrap(), path.clone());
                prop_assert_eq!(PagePath::from_tree(&path.file()), Some(path.clone()));
                let key = path.key();
                prop_assert_eq!(PageKey::of(key.as_str()), key);
            }
        }
    }
}
