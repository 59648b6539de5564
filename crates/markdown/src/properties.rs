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

/// A YAML scalar on one line (YAML 1.2 §7.3): in double quotes with escapes, in single quotes with `''`, or as it is.
fn scalar(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return inner.replace("''", "'");
    }
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.trim_matches(['"', '\'']).to_string();
    };
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
        } else if let Some(escaped) = chars.next() {
            out.push(if matches!(escaped, 'n' | 't') { ' ' } else { escaped });
        }
    }
    out
}

impl Writer<'_> {
    /// The properties of a page, folded, and the title they give it if its text has none. They stand before everything else.
    pub(crate) fn properties(&mut self, yaml: &str) {
        let rest = std::mem::take(&mut self.out.html);
        let words = std::mem::take(&mut self.out.text);
        self.push("<details class=\"collapse-panel\" id=\"frontmatter\">\n<summary class=\"collapse-header\">Properties</summary>\n<div class=\"collapse-content\">\n<pre>");
        escape(&mut self.out.html, yaml);
        self.push("</pre>\n</div>\n</details>\n");
        let title = yaml.lines().find_map(|line| line.strip_prefix("title:")).map(|value| scalar(value.trim()));
        if let Some(title) = title.filter(|title| !self.has_title && !title.is_empty() && title.parse::<f64>().is_err()) {
            self.push("<h1>");
            self.literal(&title);
            self.push("</h1>\n");
            self.line();
        }
        self.out.html.push_str(&rest);
        self.out.text.push_str(&words);
    }
}
