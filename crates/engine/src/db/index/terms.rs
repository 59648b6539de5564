//! Words, as the full text stores them and as queries ask for them: one rule for both sides.
//!
//! The tokenizer of SQLite takes a run of Chinese, Japanese or Korean letters for one word, so such a run becomes its pairs of letters
//! (`全文検索` is stored as `全文 文検 検索 索`): any two letters that stand together are then a word, and any single one begins a word.

use super::rows;
use holt_core::{Error, PagePath, Result};
use rusqlite::types::Value;
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// Longest query, in bytes (security.md INP-11).
pub const QUERY_BYTES: usize = 512;
/// Most different words and phrases of a query: each costs a look at all pages that have it.
const TERMS: usize = 32;

/// `text` without what makes no difference when looking for words: width, diacritics, `ß` for `ss`, and case but for the letters of ASCII,
/// which the tokenizer folds. Marks that belong to letters of other scripts stay.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.nfkc() {
        match c {
            _ if c.is_ascii() || is_cjk(c) => out.push(c),
            'ß' | 'ẞ' => out.push_str("ss"),
            'ø' | 'Ø' => out.push('o'),
            'ł' | 'Ł' => out.push('l'),
            'æ' | 'Æ' => out.push_str("ae"),
            'œ' | 'Œ' => out.push_str("oe"),
            _ => {
                let kept = std::iter::once(c).nfd().filter(|c| !('\u{300}'..='\u{36F}').contains(c));
                out.extend(kept.flat_map(char::to_lowercase));
            }
        }
    }
    Cow::Owned(out)
}

/// As [`fold`], and the letters of ASCII in lower case, too.
pub(super) fn folded(text: &str) -> String {
    let mut folded = fold(text).into_owned();
    folded.make_ascii_lowercase();
    folded
}

/// Whether `c` belongs to a script that is written without spaces, or to Korean, whose words carry endings.
pub(crate) fn is_cjk(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11FF}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30FF}' | '\u{3100}'..='\u{318F}' | '\u{31A0}'..='\u{31BF}'
        | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}'
        | '\u{FF66}'..='\u{FF9F}' | '\u{20000}'..='\u{3FFFF}')
        // The middle dot and the double hyphen of Japanese separate words; the long-vowel mark belongs to one.
        && !matches!(c, '\u{30FB}' | '\u{30A0}')
}

/// `text` as it is stored.
pub(super) fn stored(text: &str) -> String {
    let text = &*fold(text);
    let mut out = String::with_capacity(text.len() + 16);
    each_run(text, |run| match run {
        Run::Words(words) => out.push_str(words),
        Run::Cjk(letters) => {
            out.push(' ');
            pairs(letters, &mut out);
            out.extend(letters.chars().last());
            out.push(' ');
        }
    });
    out
}

enum Run<'t> {
    Words(&'t str),
    Cjk(&'t str),
}

fn each_run<'t>(text: &'t str, mut take: impl FnMut(Run<'t>)) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let cjk = is_cjk(first);
        let end = rest.find(|c| is_cjk(c) != cjk).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        take(if cjk { Run::Cjk(run) } else { Run::Words(run) });
        rest = after;
    }
}

fn pairs(letters: &str, out: &mut String) {
    let mut next = letters.chars();
    next.next();
    for (a, b) in letters.chars().zip(next) {
        out.extend([a, b, ' ']);
    }
}

/// One thing to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    /// As typed, without quotes, star and minus.
    pub(super) text: String,
    /// Whether longer words that begin so count.
    pub(super) prefix: bool,
}

/// What somebody looks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) wanted: Vec<Term>,
    pub(super) unwanted: Vec<Term>,
    pub(super) filter: PageFilter,
    /// Whether something was typed that has no letters or digits: no page has it, whatever the filter says.
    pub(super) wants_nothing: bool,
    /// Some of what is wanted is about letters: it stands in quotes, or begins words.
    pub(super) is_literal: bool,
}

/// Which pages are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PageFilter {
    /// `path:`, several times: pages that are at or below all of them.
    pub(super) paths: Vec<PagePath>,
    /// `tag:`, several times: pages with all of them.
    pub(super) tags: Vec<String>,
    /// `category:`: of the properties.
    pub(super) category: Option<String>,
    /// `author:`: pages that somebody whose name or address contains this has changed.
    pub(super) author: Option<String>,
    /// The same with a minus before it: pages that are at or below none of these, have none of these tags, no such category, no such author.
    pub(super) without: Without,
    /// `after:`, `before:`: last changed on this day or later, before this day; Unix seconds.
    pub(super) after: Option<i64>,
    pub(super) before: Option<i64>,
}

/// What pages that are looked at do not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Without {
    pub(super) paths: Vec<PagePath>,
    pub(super) tags: Vec<String>,
    pub(super) categories: Vec<String>,
    pub(super) authors: Vec<String>,
}

impl PageFilter {
    /// Takes `-name:value`. `false` if it is no filter. What was not changed after a day was changed before it.
    fn take_without(&mut self, name: &str, value: &str) -> Result<bool> {
        let text = value.trim().trim_matches('"');
        match name {
            _ if text.is_empty() => return Ok(false),
            "path" => self.without.paths.push(PagePath::parse(text.trim_matches('/'))?),
            "tag" => self.without.tags.push(super::tags::tag_key(text.trim_start_matches('#'))),
            "category" => self.without.categories.push(super::tags::tag_key(text)),
            "author" => self.without.authors.push(text.to_lowercase()),
            "after" => return self.take("before", value),
            "before" => return self.take("after", value),
            _ => return Ok(false),
        }
        Ok(true)
    }
    /// Takes `name:value`. `false` if it is no filter.
    fn take(&mut self, name: &str, value: &str) -> Result<bool> {
        let value = value.trim().trim_matches('"');
        let day = || {
            let day = crate::publish::day_start(value);
            day.map(Some).ok_or_else(|| Error::invalid(format!("{value} is no day")).hint("Write it as 2026-11-21."))
        };
        match name {
            _ if value.is_empty() => return Ok(false),
            "path" => self.paths.push(PagePath::parse(value.trim_matches('/'))?),
            "tag" => self.tags.push(super::tags::tag_key(value.trim_start_matches('#'))),
            "category" => self.category = Some(super::tags::tag_key(value)),
            "author" => self.author = Some(value.to_lowercase()),
            "after" => self.after = day()?,
            "before" => self.before = day()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
    /// A condition on the page `p`, beginning with ` AND`, and its values from `?first` on.
    pub(super) fn sql(&self, first: usize) -> (String, Vec<Value>) {
        let (mut condition, mut values) = (String::new(), Vec::new());
        let mut put = |condition: &mut String, sql: &str, new: Vec<Value>| {
            let mut sql = sql.to_string();
            for value in new {
                sql = sql.replacen("{}", &format!("?{}", first + values.len()), 1);
                values.push(value);
            }
            condition.push_str(" AND ");
            condition.push_str(&sql);
        };
        let text = |text: &String| Value::Text(text.clone());
        for (paths, not) in [(&self.paths, ""), (&self.without.paths, "NOT ")] {
            for path in paths {
                let key = path.key();
                let (from, to) = rows::below(key.as_str());
                let values = vec![Value::Text(key.as_str().to_string()), Value::Text(from), Value::Text(to)];
                put(&mut condition, &format!("{not}(p.key = {{}} OR (p.key >= {{}} AND p.key < {{}}))"), values);
            }
        }
        for (tags, not) in [(&self.tags, ""), (&self.without.tags, "NOT ")] {
            for tag in tags {
                put(&mut condition, &format!("p.id {not}IN (SELECT page FROM tags WHERE key = {{}})"), vec![text(tag)]);
            }
        }
        if let Some(category) = &self.category {
            put(&mut condition, "p.category_key = {}", vec![text(category)]);
        }
        for category in &self.without.categories {
            put(&mut condition, "p.category_key IS NOT {}", vec![text(category)]);
        }
        for (authors, not) in [(self.author.as_slice(), ""), (&self.without.authors, "NOT ")] {
            for author in authors {
                let sql = "EXISTS (SELECT 1 FROM changes AS c JOIN revisions AS r ON r.n = c.revision WHERE c.file = p.file
                           AND (instr(lower(r.author_name), {}) > 0 OR instr(lower(r.author_email), {}) > 0))";
                put(&mut condition, &format!("{not}{sql}"), vec![text(author), text(author)]);
            }
        }
        let changed = "(SELECT time FROM revisions WHERE n = p.last)";
        if let Some(after) = self.after {
            put(&mut condition, &format!("{changed} >= {{}}"), vec![Value::Integer(after)]);
        }
        if let Some(before) = self.before {
            put(&mut condition, &format!("{changed} < {{}}"), vec![Value::Integer(before)]);
        }
        (condition, values)
    }
}

/// How strictly a query was taken: the first of these that finds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// All words, as typed.
    All,
    /// All words, or words that begin so.
    AllPrefixes,
    /// Any of them, or words that begin so.
    AnyPrefix,
}

/// Where the words have to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// Anywhere.
    Page,
    /// In what a page is called and said to be about: not in its text alone.
    Heads,
}

impl Query {
    /// Words, `"phrases"`, `begin*`, `-without`, and `path:`, `tag:`, `category:`, `author:`, `after:`, `before:` with a word or a phrase, with a
    /// minus before them, too.
    /// `TooLarge` above 512 bytes or 32 words, `Invalid` for a day or path that is none; anything else is a query, if perhaps an empty one.
    pub(super) fn parse(text: &str) -> Result<Self> {
        if text.len() > QUERY_BYTES {
            return Err(Error::too_large(format!("the query is longer than {QUERY_BYTES} bytes")).hint("Search for fewer words."));
        }
        let mut query = Self::default();
        let mut rest = text;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
            if rest.is_empty() {
                return Ok(query);
            }
            if let Some((name, value, after)) = named(rest)
                && query.filter.take(name, value)?
            {
                rest = after;
                continue;
            }
            let without = rest.strip_prefix('-');
            if let Some((name, value, after)) = without.and_then(named)
                && query.filter.take_without(name, value)?
            {
                rest = after;
                continue;
            }
            rest = without.unwrap_or(rest);
            let (word, after) = match rest.strip_prefix('"') {
                Some(phrase) => phrase.split_once('"').unwrap_or((phrase, "")),
                None => rest.split_at(rest.find(|c: char| c.is_whitespace() || c.is_control() || c == '"').unwrap_or(rest.len())),
            };
            let (after, starred) = after.strip_prefix('*').map_or((after, false), |after| (after, true));
            let term = Term { prefix: starred || word.ends_with('*'), text: word.trim_end_matches('*').to_string() };
            // A term without letters or digits has no words: SQLite would have nothing to look up.
            if term.text.chars().any(char::is_alphanumeric) {
                query.is_literal |= without.is_none() && (term.prefix || rest.starts_with('"'));
                let terms = if without.is_some() { &mut query.unwanted } else { &mut query.wanted };
                if !terms.contains(&term) {
                    terms.push(term);
                }
                if query.wanted.len() + query.unwanted.len() > TERMS {
                    return Err(Error::too_large(format!("the query has more than {TERMS} words")).hint("Search for fewer words."));
                }
            } else if without.is_none() && !term.text.trim().is_empty() {
                query.wants_nothing = true;
            }
            rest = after;
        }
    }
    /// The query in SQLite's language, every term quoted (security.md RATE-6). `None` if nothing is wanted.
    pub(super) fn expression(&self, strictness: Strictness, within: Within) -> Option<String> {
        if self.wanted.is_empty() {
            return None;
        }
        let phrase = |term: &Term| quoted(term, term.prefix || strictness != Strictness::All);
        let wanted: Vec<String> = self.wanted.iter().map(phrase).collect();
        let mut wanted = wanted.join(if strictness == Strictness::AnyPrefix { " OR " } else { " AND " });
        if within == Within::Heads {
            wanted = format!("{{title name tags headings}} : ({wanted})");
        }
        Some(match self.exclusion() {
            Some(unwanted) => format!("({wanted}) NOT ({unwanted})"),
            None => wanted,
        })
    }
    /// Headings in which each of `words` begins a word, in SQLite's language. `None` if there are no words.
    pub(super) fn headings(words: &[&str]) -> Option<String> {
        let real = words.iter().filter(|word| word.chars().any(char::is_alphanumeric));
        Self::headings_of(real.map(|word| vec![*word]))
    }
    /// Headings in which of each group one begins a word.
    pub(super) fn headings_of<'w>(groups: impl Iterator<Item = Vec<&'w str>>) -> Option<String> {
        let group = |words: Vec<&str>| words.iter().map(|word| expression_of(word, true)).collect::<Vec<_>>().join(" OR ");
        let groups: Vec<String> = groups.take(TERMS).map(|words| format!("({})", group(words))).collect();
        (!groups.is_empty()).then(|| format!("{{headings}} : ({})", groups.join(" AND ")))
    }
    /// What is not wanted, in SQLite's language. `None` if there is nothing.
    pub(super) fn exclusion(&self) -> Option<String> {
        let unwanted: Vec<String> = self.unwanted.iter().map(|term| quoted(term, term.prefix)).collect();
        (!unwanted.is_empty()).then(|| unwanted.join(" OR "))
    }
}

/// `name:value` or `name:"some values"` at the beginning, and the rest.
fn named(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.split_once(':')?;
    if !name.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let (value, after) = match rest.strip_prefix('"') {
        Some(phrase) => phrase.split_once('"').unwrap_or((phrase, "")),
        None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
    };
    Some((name, value, after))
}

/// `word`, or all words that begin so, in SQLite's language.
pub(super) fn expression_of(word: &str, prefix: bool) -> String {
    quoted(&Term { text: word.to_string(), prefix }, prefix)
}

/// A phrase of the words of `term`, as they are stored.
fn quoted(term: &Term, prefix: bool) -> String {
    let (mut words, mut last_is_single) = (String::new(), false);
    each_run(&fold(&term.text), |run| match run {
        Run::Words(run) => {
            words.extend(run.chars().map(|c| if c == '"' || c.is_control() { ' ' } else { c }));
            last_is_single &= !run.chars().any(char::is_alphanumeric);
        }
        Run::Cjk(letters) => {
            words.push(' ');
            last_is_single = letters.chars().nth(1).is_none();
            if last_is_single {
                words.push_str(letters);
            } else {
                pairs(letters, &mut words);
            }
            words.push(' ');
        }
    });
    // A single letter stands at the beginning of the pair it is stored in.
    let star = if prefix || last_is_single { "*" } else { "" };
    format!("\"{}\"{star}", words.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_letters_become_pairs() {
        assert_eq!(stored("Rust言語入門 guide"), "Rust 言語 語入 入門 門  guide");
        assert_eq!(stored("plain text"), "plain text");
        assert_eq!(stored("東"), " 東 ");
        assert_eq!(stored("Größe Ｗｉｄｅ naïve ŁÓDŹ"), "Grosse Wide naive loDz");
        assert_eq!(stored("ガ ｶﾞ 한국"), " ガ   ガ   한국 국 ");
    }

    #[test]
    fn queries() {
        let all = |text: &str| Query::parse(text).unwrap().expression(Strictness::All, Within::Page).unwrap_or_default();
        for (query, expression) in [
            ("red otter", r#""red" AND "otter""#),
            (r#""red otter" -fox ott*"#, r#"("red otter" AND "ott"*) NOT ("fox")"#),
            (r#"-"red fox" otter"#, r#"("otter") NOT ("red fox")"#),
            (r#"a"b c"d"#, r#""a" AND "b c" AND "d""#),
            ("全文検索", r#""全文 文検 検索""#),
            ("東", r#""東"*"#),
            ("Rust言", r#""Rust 言"*"#),
            ("title:x OR NEAR(a) ^b {c} + \\", r#""title:x" AND "OR" AND "NEAR(a)" AND "^b" AND "{c}""#),
            ("--- *** \"\" \"", ""),
            ("-only", ""),
            ("\"open", r#""open""#),
            ("nul\0byte", r#""nul" AND "byte""#),
        ] {
            assert_eq!(all(query), expression, "{query}");
        }
        assert_eq!(Query::parse("a b").unwrap().expression(Strictness::AnyPrefix, Within::Page).unwrap(), r#""a"* OR "b"*"#);
        assert!(Query::parse(&"x".repeat(513)).is_err());
        let filtered =
            Query::parse("otter -path:Guide -tag:#A -tag:\"in water\" -category:X -author:Ann -after:2026-01-02 -other:x -tag:").unwrap();
        let (sql, values) = filtered.filter.sql(2);
        assert_eq!((filtered.wanted.len(), filtered.unwanted.len(), filtered.filter.before), (1, 2, Some(1_767_312_000)));
        assert_eq!((sql.matches("NOT ").count(), sql.matches('?').count(), values.len(), sql.contains("{}")), (5, 9, 9, false), "{sql}");
        let filtered = Query::parse("otter path:Guide/Sub tag:\"in water\" tag:#A author:Ann after:2026-01-02 Path:x").unwrap();
        let filter = &filtered.filter;
        assert_eq!(
            (filter.paths.first().map(PagePath::as_str), filter.tags.as_slice()),
            (Some("Guide/Sub"), &["in water".to_string(), "a".into()][..])
        );
        assert_eq!((filter.author.as_deref(), filter.after, filter.before), (Some("ann"), Some(1_767_312_000), None));
        assert_eq!(filtered.wanted.len(), 2, "another case is a word");
        assert!(Query::parse("before:yesterday").is_err());
        let (sql, values) = filter.sql(3);
        assert_eq!((sql.matches('?').count(), values.len(), sql.contains("{}")), (8, 8, false), "{sql}");
    }
}
