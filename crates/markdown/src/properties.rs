//! The properties of a page: YAML at its very beginning (spec/markdown.md §9).

use crate::typed::escape;
use crate::write::Writer;
use std::borrow::Cow;

/// What stands between `---` lines at the very beginning, and the rest (spec/markdown.md §9).
pub(crate) fn front_matter(source: &str) -> (Option<&str>, &str) {
    let Some(after) = source.strip_prefix("---\n") else { return (None, source) };
    let mut end = after.find('\n').map_or(after.len(), |at| at + 1);
    while end < after.len() {
        if after[end..].starts_with("---") {
            let rest = after[end..].find('\n').map_or("", |at| &after[end + at + 1..]);
            return (Some(after[..end].trim()), rest);
        }
        end += after[end..].find('\n').map_or(after.len() - end, |at| at + 1);
    }
    (None, source)
}

/// A string on one line of YAML (1.1, which Otterwiki reads): in double quotes with escapes, in single quotes with `''`, or plain. None for
/// what is no string: numbers, dates, yes and no, lists and the like.
fn string(value: &str) -> Option<String> {
    if let Some(inner) = value.strip_prefix('\'') {
        return Some(inner.strip_suffix('\'')?.replace("''", "'"));
    }
    if let Some(inner) = value.strip_prefix('"') {
        let mut out = String::new();
        let mut chars = inner.strip_suffix('"')?.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                out.push(c);
            } else if let Some(escaped) = chars.next() {
                out.push(if matches!(escaped, 'n' | 't') { ' ' } else { escaped });
            }
        }
        return Some(out);
    }
    let plain = value.split(" #").next().unwrap_or_default().trim();
    let is_word = ["true", "false", "yes", "no", "on", "off", "null", "~"].iter().any(|word| plain.eq_ignore_ascii_case(word));
    let is_date =
        plain.len() >= 8 && plain.split('-').count() == 3 && plain.split('-').all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let other = plain.starts_with(['[', '{', '|', '>', '&', '*', '!', '%', '@', '`', '#']) || plain.parse::<f64>().is_ok();
    (!plain.is_empty() && !is_word && !is_date && !other).then(|| plain.to_string())
}

/// What the properties of a page say about the page in the wiki.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    /// `tags` and `categories`, as written, without `#`; at most 50.
    pub tags: Vec<String>,
    /// `aliases`: other names of the page; at most 50.
    pub aliases: Vec<String>,
}

/// Most tags, and most other names, of a page; most characters of one.
const LIST: usize = 50;
const LIST_ENTRY: usize = 200;

/// Reads the properties at the beginning of `source`. Lists are `[a, b]`, lines with `- a` below the key, or `a, b` behind it.
pub fn properties(source: &str) -> Properties {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let source = if source.contains('\r') { Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(source) };
    let mut properties = Properties::default();
    let Some(yaml) = front_matter(&source).0 else { return properties };
    let mut lines = yaml.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((key, value)) = line.split_once(':').filter(|(key, _)| !key.starts_with([' ', '-', '#'])) else { continue };
        let into = match key.trim_end().trim_matches(['"', '\'']).to_lowercase().as_str() {
            "tags" | "tag" | "categories" | "category" => &mut properties.tags,
            "aliases" | "alias" => &mut properties.aliases,
            _ => continue,
        };
        let mut found = entries(value.trim());
        while let Some(item) = lines.peek().and_then(|line| line.trim_start().strip_prefix("- ")) {
            found.extend(entry(item));
            lines.next();
        }
        into.extend(found);
        into.truncate(LIST);
    }
    for tag in &mut properties.tags {
        *tag = tag.trim_start_matches('#').trim().to_string();
    }
    properties.tags.retain(|tag| !tag.is_empty());
    properties
}

fn entries(value: &str) -> Vec<String> {
    let inner = value.strip_prefix('[').map_or(value, |rest| rest.split(']').next().unwrap_or_default());
    let mut found = Vec::new();
    let (mut start, mut quote) = (0, None);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match (c, quote) {
            ('"' | '\'', None) if inner[start..at].trim().is_empty() => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (',', None) => {
                found.extend(entry(&inner[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// One entry of a list: as a string, or as it is written where YAML would see a number or a date.
fn entry(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = || {
        (!text.starts_with(['[', '{', '"', '\'', '|', '>', '&', '*', '!']))
            .then(|| text.split(" #").next().unwrap_or_default().trim().to_string())
    };
    string(text).or_else(plain).filter(|entry| !entry.is_empty() && entry.chars().count() <= LIST_ENTRY)
}

impl Writer<'_> {
    /// The properties of a page, folded, and the title they give it if its text has none. They stand before everything else.
    pub(crate) fn properties(&mut self, yaml: &str) {
        let rest = std::mem::take(&mut self.out.html);
        let words = std::mem::take(&mut self.out.text);
        let label = self.said("Properties");
        self.push(&format!("<details class=\"collapse-panel\" id=\"frontmatter\">\n<summary class=\"collapse-header\">{label}</summary>\n<div class=\"collapse-content\">\n<pre>"));
        escape(&mut self.out.html, yaml);
        self.push("</pre>\n</div>\n</details>\n");
        let title = yaml.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim_end().trim_matches(['"', '\'']) == "title").then(|| string(value.trim()))
        });
        if let Some(title) = title.flatten().filter(|title| !self.has_title && !title.trim().is_empty()) {
            self.push("<h1>");
            self.literal(&title);
            self.push("</h1>\n");
            self.line();
        }
        self.out.html.push_str(&rest);
        self.out.text.push_str(&words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_in_any_form() {
        let tags = |yaml: &str| properties(&format!("---\n{yaml}\n---\ntext")).tags;
        assert_eq!(tags("tags: [animals, \"in, water\", 2026]"), ["animals", "in, water", "2026"]);
        assert_eq!(tags("tags:\n  - one\n  - '#two'\ntitle: x"), ["one", "two"]);
        assert_eq!(tags("title: x\ncategory: Guide\nTags: a, b"), ["Guide", "a", "b"]);
        assert_eq!(tags("nested:\n  tags: [no]"), [""; 0]);
        assert_eq!(tags("tags:"), [""; 0]);
        assert_eq!(properties("text\n---\ntags: a\n---"), Properties::default());
        assert_eq!(properties("---\r\naliases: [Old/Name, Other]\r\n---\r\n").aliases, ["Old/Name", "Other"]);
    }
}
