//! How much goes into one answer. Tokens are estimated: four bytes are one.

use serde_json::Value;

/// Bytes of a token.
const BYTES: usize = 4;
/// Most tokens of an answer.
pub const USUAL: usize = 25_000;

/// How many tokens a text is, about.
pub fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(BYTES)
}

/// The first part of `text` of at most so many tokens, cut at the end of a line if there is one, and never inside a letter. At least one letter.
pub fn start(text: &str, tokens: usize) -> &str {
    let most = tokens.saturating_mul(BYTES);
    if text.len() <= most {
        return text;
    }
    let cut = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let whole = text[..cut].rfind('\n').map_or(cut, |at| at + 1);
    // A line that is longer than all of it is cut somewhere.
    let end = if whole == 0 { cut } else { whole };
    &text[..if end == 0 { text.chars().next().map_or(0, char::len_utf8) } else { end }]
}

/// How many of the lines fit into an answer: at least one.
pub fn fitting<'l>(lines: impl Iterator<Item = &'l String>) -> usize {
    let mut left = USUAL * BYTES;
    let fits = |line: &&String| {
        let fits = line.len() < left;
        left = left.saturating_sub(line.len() + 1);
        fits
    };
    lines.take_while(fits).count().max(1)
}

/// Keeps the first `most` of the list `name` in `object`, and says beside it how many there are.
pub fn cap(object: &mut Value, name: &str, most: usize) {
    let Some(list) = object.get_mut(name).and_then(Value::as_array_mut).filter(|list| list.len() > most) else { return };
    let all = list.len();
    list.truncate(most);
    object[format!("{name}_total")] = all.into();
}

/// The first texts of the list `name` in `object`, in one line, and how many there are besides.
pub fn joined(object: &Value, name: &str, most: usize) -> String {
    let list = object[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let shown: Vec<&str> = list.iter().take(most).filter_map(Value::as_str).collect();
    let more = object[format!("{name}_total")].as_u64().and_then(|all| usize::try_from(all).ok()).unwrap_or(list.len()) - shown.len();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_lines_and_never_inside_a_letter() {
        assert_eq!(start("abc", 1), "abc");
        assert_eq!(start("ab\ncdefgh", 1), "ab\n");
        assert_eq!(start("äöüß", 1), "äö");
        assert_eq!(start("\u{1F9A6}\u{1F9A6}", 0), "\u{1F9A6}");
        assert_eq!((tokens(0), tokens(1), tokens(8)), (0, 1, 2));
        let lines = vec!["x".repeat(60_000); 3];
        assert_eq!((fitting(lines.iter()), fitting([].iter())), (1, 1));
    }
}
