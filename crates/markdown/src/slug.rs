//! Ids of headings (spec/markdown.md §5.2, §5.3).

use std::collections::{HashMap, HashSet};

/// The id made of `text`. ASCII words as Otterwiki makes them, so that links in existing pages keep working; may be empty.
pub fn slug(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let ascii: String = text.nfkd().filter(char::is_ascii).collect();
    let mut slug = String::new();
    for c in ascii.trim().to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' | '_' => slug.push(c),
            '-' => dash(&mut slug),
            c if c.is_whitespace() => dash(&mut slug),
            _ => {}
        }
    }
    slug
}

/// The id that a link to a heading with this text means: the same, with the letters themselves where there is no ASCII.
pub(crate) fn wanted(text: &str) -> String {
    let slug = slug(text);
    if slug.is_empty() && text.chars().any(char::is_alphanumeric) { Slugs::base(text) } else { slug }
}

fn dash(slug: &mut String) {
    if !slug.ends_with('-') {
        slug.push('-');
    }
}

/// Hands out the ids of one page, each once.
#[derive(Default)]
pub(crate) struct Slugs {
    counts: HashMap<String, usize>,
    taken: HashSet<String>,
}

impl Slugs {
    /// Whether this id was handed out.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.taken.contains(id)
    }
    /// The id of the first heading with this text.
    pub(crate) fn base(text: &str) -> String {
        let mut base = slug(text);
        if base.is_empty() {
            // Scripts without ASCII letters: the letters themselves; signs alone: a word.
            let letters: String = text.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
            base = letters.trim_matches('-').to_string();
        }
        if base.is_empty() {
            base = "section".into();
        }
        if base.starts_with("holt-") {
            base.insert_str(0, "u-");
        }
        base
    }
    pub(crate) fn next(&mut self, text: &str) -> String {
        let base = Self::base(text);
        let count = self.counts.entry(base.clone()).or_default();
        loop {
            let id = if *count == 0 { base.clone() } else { format!("{base}-{count}") };
            *count += 1;
            // Ids that pages have anyway.
            let is_ours = matches!(id.as_str(), "frontmatter" | "otterwiki_cursor")
                || id.strip_prefix("fn-").or(id.strip_prefix("fnref-")).is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
            if !is_ours && self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_those_of_existing_links() {
        for (text, id) in [
            ("head 1.1 bold", "head-11-bold"),
            ("Ä ö ß é", "a-o-e"),
            ("½ ﬁ", "12-fi"),
            ("a.b_c-d  e", "ab_c-d-e"),
            ("A & B", "a-b"),
            ("--a--", "-a-"),
            ("日本", ""),
            ("!!!", ""),
            ("Head {#id}", "head-id"),
        ] {
            assert_eq!(slug(text), id, "{text}");
        }
    }

    #[test]
    fn ids_are_unique() {
        let mut slugs = Slugs::default();
        let ids = ["A", "A", "a 1", "a", "日本", "!!!", "holt-menu", "Frontmatter", "fn 1"].map(|text| slugs.next(text));
        assert_eq!(ids, ["a", "a-1", "a-1-1", "a-2", "日本", "section", "u-holt-menu", "frontmatter-1", "fn-1-1"]);
    }
}
