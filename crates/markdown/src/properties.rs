//! The properties of a page: YAML at its very beginning (spec/markdown.md §9).

use crate::typed::escape;
use crate::write::Writer;

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

impl Writer<'_> {
    /// The properties of a page, folded, and the title they give it if its text has none. They stand before everything else.
    pub(crate) fn properties(&mut self, yaml: &str) {
        let rest = std::mem::take(&mut self.out.html);
        let words = std::mem::take(&mut self.out.text);
        self.push("<details class=\"collapse-panel\" id=\"frontmatter\">\n<summary class=\"collapse-header\">Properties</summary>\n<div class=\"collapse-content\">\n<pre>");
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
