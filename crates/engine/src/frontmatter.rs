//! The properties of a page as JSON (spec/api.md §1.4), as the API shows them and the index keeps them. The part of YAML that pages use: scalars, lists, mappings, one level written in a line.
//! What goes beyond it, or beyond the limits of security.md INP-6, is no frontmatter: then the body is the whole text.

use serde_json::{Map, Value};

const BYTES: usize = 64 * 1024;
const DEPTH: usize = 8;
const KEYS: usize = 200;

/// The properties, if there are any, and the text after them.
pub fn split(source: &str) -> (Option<Map<String, Value>>, &str) {
    let Some((block, body)) = block(source) else { return (None, source) };
    if block.len() > BYTES {
        return (None, source);
    }
    let lines: Vec<(usize, &str)> = block.lines().map(str::trim_end).filter(|line| is_content(line)).map(indent).collect();
    let mut reader = Reader { lines: &lines, at: 0, keys: 0 };
    match reader.mapping(0, 1) {
        Some(map) if reader.at == lines.len() => (Some(map), body),
        _ => (None, source),
    }
}

fn block(source: &str) -> Option<(&str, &str)> {
    let (first, rest) = source.split_once('\n')?;
    if first.strip_prefix("---")?.trim() != "" {
        return None;
    }
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if matches!(line.trim_end(), "---" | "...") {
            return Some((&rest[..at], &rest[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

fn is_content(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with('#')
}

fn indent(line: &str) -> (usize, &str) {
    let text = line.trim_start_matches(' ');
    (line.len() - text.len(), text)
}

struct Reader<'t> {
    lines: &'t [(usize, &'t str)],
    at: usize,
    keys: usize,
}

impl Reader<'_> {
    /// The lines from here on that stand at `indent`, as a mapping.
    fn mapping(&mut self, indent: usize, depth: usize) -> Option<Map<String, Value>> {
        let mut map = Map::new();
        while let Some((_, text)) = self.lines.get(self.at).filter(|(at, _)| *at == indent) {
            let (key, value) = pair(text)?;
            self.keys += 1;
            if self.keys > KEYS || depth > DEPTH || map.contains_key(&key) {
                return None;
            }
            self.at += 1;
            let value = if value.is_empty() { self.below(indent, depth)? } else { scalar(value)? };
            map.insert(key, value);
        }
        Some(map)
    }
    /// What belongs to a key that has nothing behind it.
    fn below(&mut self, indent: usize, depth: usize) -> Option<Value> {
        match self.lines.get(self.at) {
            // A list may stand at the level of its key.
            Some((at, text)) if *at >= indent && is_item(text) => self.list(*at),
            Some((at, _)) if *at > indent => self.mapping(*at, depth + 1).map(Value::Object),
            _ => Some(Value::Null),
        }
    }
    fn list(&mut self, indent: usize) -> Option<Value> {
        let mut list = Vec::new();
        while let Some((_, text)) = self.lines.get(self.at).filter(|(at, text)| *at == indent && is_item(text)) {
            let item = text.strip_prefix('-').unwrap_or_default().trim();
            if pair(item).is_some() || is_item(item) {
                return None;
            }
            list.push(scalar(item)?);
            self.at += 1;
        }
        Some(Value::Array(list))
    }
}

fn is_item(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

/// `key: value`, neither of them something that goes beyond what is understood here.
fn pair(text: &str) -> Option<(String, &str)> {
    if text.starts_with(['"', '\'']) {
        let quote = text.chars().next()?;
        let (key, rest) = text[1..].split_once(quote)?;
        return Some((key.to_string(), rest.strip_prefix(':').filter(|rest| rest.is_empty() || rest.starts_with(' '))?.trim()));
    }
    let end = text.find(": ").or_else(|| text.ends_with(':').then(|| text.len() - 1))?;
    let key = text[..end].trim_end();
    let plain = !key.is_empty() && !key.starts_with(['[', '{', '&', '*', '!', '|', '>', '%', '@', '`', '?', '-', '#']) && key != "<<";
    plain.then(|| (key.to_string(), text[end + 1..].trim()))
}

fn scalar(text: &str) -> Option<Value> {
    if let Some(inner) = text.strip_prefix('[') {
        let inner = before_comment(inner).strip_suffix(']')?.trim();
        if inner.is_empty() {
            return Some(Value::Array(Vec::new()));
        }
        return pieces(inner)?.into_iter().map(plain_or_quoted).collect::<Option<Vec<_>>>().map(Value::Array);
    }
    plain_or_quoted(text)
}

/// What stands between commas outside of quotes.
fn pieces(text: &str) -> Option<Vec<&str>> {
    let (mut found, mut start, mut quote) = (Vec::new(), 0, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') if text[start..at].trim().is_empty() => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, ',') => {
                found.push(text[start..at].trim());
                start = at + 1;
            }
            (None, '[' | ']' | '{' | '}') => return None,
            _ => {}
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        found.push(last);
    }
    quote.is_none().then_some(found)
}

fn before_comment(text: &str) -> &str {
    text.split(" #").next().unwrap_or_default().trim_end()
}

fn plain_or_quoted(text: &str) -> Option<Value> {
    if let Some(rest) = text.strip_prefix('\'') {
        let inner = before_comment(rest).strip_suffix('\'')?;
        return (!inner.replace("''", "").contains('\'')).then(|| inner.replace("''", "'").into());
    }
    if text.starts_with('"') {
        // The escapes that pages use are those of JSON.
        return serde_json::from_str::<String>(before_comment(text)).ok().map(Value::String);
    }
    let plain = before_comment(text);
    if plain.starts_with(['{', '}', ']', '&', '*', '!', '|', '>', '%', '@', '`']) || plain.contains(": ") {
        return None;
    }
    Some(match plain.to_ascii_lowercase().as_str() {
        "" | "~" | "null" => Value::Null,
        "true" | "yes" | "on" => true.into(),
        "false" | "no" | "off" => false.into(),
        _ => number(plain).unwrap_or_else(|| plain.into()),
    })
}

fn number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    // A leading zero is no number for most who write one.
    let plain = !digits.is_empty() && (digits == "0" || !digits.starts_with('0') || digits.starts_with("0."));
    if !plain || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') || !digits.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if digits.contains('.') { text.parse::<f64>().ok().map(Value::from) } else { text.parse::<i64>().ok().map(Value::from) }
}

/// A property as text, if it is one or can be written as one.
pub fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.trim().to_string()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// `tags`: a list, or one string with commas.
pub fn tags(map: Option<&Map<String, Value>>) -> Vec<String> {
    match map.and_then(|map| map.get("tags")) {
        Some(Value::Array(list)) => list.iter().filter_map(|tag| text(Some(tag))).collect(),
        Some(Value::String(line)) => line.split(',').map(|tag| tag.trim().to_string()).filter(|tag| !tag.is_empty()).collect(),
        other => text(other).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(source: &str) -> Value {
        split(source).0.map_or(Value::Null, Value::Object)
    }

    #[test]
    fn properties_become_json() {
        let page = "---\r\ntitle: \"My: Page\"\r\ntags: [a, 'b, c', 3]\r\nlist:\r\n- x\r\n- 'y'\r\ndate: 2026-11-21\r\nn: 7\r\nmore:\r\n  deep: yes # so\r\n  empty:\r\n---\r\nBody";
        let expected = json!({"title": "My: Page", "tags": ["a", "b, c", 3], "list": ["x", "y"], "date": "2026-11-21", "n": 7, "more": {"deep": true, "empty": null}});
        assert_eq!((read(page), split(page).1), (expected, "Body"));
        assert_eq!((read("---\n---\nx"), split("---\n---\nx").1), (json!({}), "x"));
        assert_eq!(tags(split("---\ntags: a, b\n---\n").0.as_ref()), ["a", "b"]);
    }

    #[test]
    fn what_is_no_mapping_is_text() {
        for none in [
            "---\n- a\n- b\n---\nx",
            "---\na: &x 1\n---\n",
            "---\na: *x\n---\n",
            "---\na: {b: 1}\n---\n",
            "---\na: 1\na: 2\n---\n",
            "---\na: 1",
            "--- a\nb: 1\n---\n",
            "---\na: 1\n----\n",
            "---\na: 1\n   b: 2\n---\n",
            "---\n<<: x\n---\n",
            "---\na: !!python/object x\n---\n",
            "text",
            "",
        ] {
            assert_eq!((read(none), split(none).1), (Value::Null, none), "{none:?}");
        }
        let deep: String = (0..20).map(|i| format!("{}k:\n", " ".repeat(i))).collect();
        assert_eq!(read(&format!("---\n{deep}---\n")), Value::Null);
        let long: String = (0..300).map(|i| format!("k{i}: 1\n")).collect();
        assert_eq!(read(&format!("---\n{long}---\n")), Value::Null);
    }
}
