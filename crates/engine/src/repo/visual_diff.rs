//! What differs between two rendered pages, shown in the page: words that came and words that went, blocks that came and went.
//!
//! Both sides are HTML that our renderer made and sanitized, so tags are balanced and `<` in text is escaped. The result consists of pieces of the
//! two, whole tags and words, and of `<ins>`, `<del>` and `<div>` around words and blocks: nothing in it is made from text.

use super::diff::ranges;

/// Elements without an end.
const VOID: &[&str] = &["area", "br", "col", "hr", "img", "input", "source", "track", "wbr"];
/// Elements that are one thing, whatever is in them: marks inside would break them.
const WHOLE: &[&str] = &["math", "svg", "iframe", "video", "audio", "button", "nav"];
/// Most tokens of a block that are compared word by word.
const TOKENS: usize = 20_000;

/// A piece of HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Token<'h> {
    Open(&'h str),
    Close(&'h str),
    /// A tag without an end, or an element that is one thing.
    Thing(&'h str),
    Text(&'h str),
}

/// `new` with everything marked that is not in `old`, and with what was there and is not any more.
pub fn visual_diff(old: &str, new: &str) -> String {
    let (old, new) = (blocks(old), blocks(new));
    let mut html = String::new();
    let mut reached = 0;
    for (before, after) in ranges(&old, &new) {
        html.extend(new[reached..after.start].iter().copied());
        change(&mut html, &old[before], &new[after.clone()]);
        reached = after.end;
    }
    html.extend(new[reached..].iter().copied());
    html
}

/// Blocks that stand in each other's place are compared by words as long as they are of one kind.
fn change(html: &mut String, old: &[&str], new: &[&str]) {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.iter().copied().filter(|b| !b.trim().is_empty()).collect(), new.iter().copied().filter(|b| !b.trim().is_empty()).collect());
    let pairs = old.iter().zip(&new).take_while(|(old, new)| name(old) == name(new) && is_similar(old, new)).count();
    for (old, new) in old.iter().zip(&new).take(pairs) {
        words(html, old, new);
    }
    for block in &old[pairs..] {
        html.push_str("<div class=\"block-removed\">");
        html.push_str(&without_ids(block));
        html.push_str("</div>\n");
    }
    for block in &new[pairs..] {
        html.push_str("<div class=\"block-added\">");
        html.push_str(block);
        html.push_str("</div>\n");
    }
}

/// Whether two blocks have a third of their words in common.
fn is_similar(old: &str, new: &str) -> bool {
    let (old, new) = (tokens(old), tokens(new));
    if old.len() > TOKENS || new.len() > TOKENS {
        return false;
    }
    let words = |tokens: &[Token<'_>]| tokens.iter().filter(|t| is_word(t)).count();
    let changed: usize = ranges(&old, &new).iter().map(|(before, _)| words(&old[before.clone()])).sum();
    let all = words(&old).max(words(&new));
    all == 0 || (words(&old) - changed) * 3 >= all
}

fn is_word(token: &Token<'_>) -> bool {
    match token {
        Token::Text(text) => !text.trim().is_empty(),
        Token::Thing(_) => true,
        _ => false,
    }
}

fn words(html: &mut String, old: &str, new: &str) {
    let (old, new) = (tokens(old), tokens(new));
    let mut reached = 0;
    for (before, after) in ranges(&old, &new) {
        plain(html, &new[reached..after.start]);
        marked(html, Mark::Removed, old[before].iter().filter(|t| matches!(t, Token::Text(_) | Token::Thing(_))));
        marked(html, Mark::Added, new[after.clone()].iter());
        reached = after.end;
    }
    plain(html, &new[reached..]);
    html.push('\n');
}

fn plain(html: &mut String, tokens: &[Token<'_>]) {
    for token in tokens {
        let (Token::Open(text) | Token::Close(text) | Token::Thing(text) | Token::Text(text)) = token;
        html.push_str(text);
    }
}

/// What is said of words. The class tells it from `<ins>` and `<del>` that are the page's own.
#[derive(Clone, Copy)]
enum Mark {
    Added,
    Removed,
}

impl Mark {
    fn tags(self) -> (&'static str, &'static str) {
        match self {
            Self::Added => ("<ins class=\"added\">", "</ins>"),
            Self::Removed => ("<del class=\"removed\">", "</del>"),
        }
    }
}

/// Words with a mark around each run of them; tags stay outside of it.
fn marked<'t, 'h: 't>(html: &mut String, mark: Mark, tokens: impl Iterator<Item = &'t Token<'h>>) {
    let (begin, end) = mark.tags();
    let mut is_open = false;
    for token in tokens {
        let (Token::Open(text) | Token::Close(text) | Token::Thing(text) | Token::Text(text)) = token;
        // Blanks between rows and cells must not be marked: nothing may stand there.
        let inside = matches!(token, Token::Text(_) | Token::Thing(_)) && (is_open || is_word(token));
        if inside != is_open {
            html.push_str(if inside { begin } else { end });
            is_open = inside;
        }
        html.push_str(text);
    }
    if is_open {
        html.push_str(end);
    }
}

/// The elements and texts at the top level.
fn blocks(html: &str) -> Vec<&str> {
    let (mut blocks, mut start, mut depth, mut at) = (Vec::new(), 0, 0_usize, 0);
    for token in tokens(html) {
        let (Token::Open(text) | Token::Close(text) | Token::Thing(text) | Token::Text(text)) = token;
        at += text.len();
        match token {
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            blocks.push(&html[start..at]);
            start = at;
        }
    }
    if start < html.len() {
        blocks.push(&html[start..]);
    }
    blocks
}

/// All of `html`, in pieces: tags, whole things, words, and blanks between words.
fn tokens(html: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = html;
    while !rest.is_empty() {
        if rest.starts_with('<') {
            let end = tag_end(rest);
            let (tag, name) = (&rest[..end], name(rest));
            let token = match () {
                () if tag.starts_with("</") => Token::Close(tag),
                () if VOID.contains(&name) || tag.starts_with("<!") => Token::Thing(tag),
                () if WHOLE.contains(&name) => {
                    let whole = element_end(rest, name);
                    tokens.push(Token::Thing(&rest[..whole]));
                    rest = &rest[whole..];
                    continue;
                }
                () => Token::Open(tag),
            };
            tokens.push(token);
            rest = &rest[end..];
        } else {
            let is_blank = rest.starts_with(char::is_whitespace);
            let end = rest.find(|c: char| c == '<' || c.is_whitespace() != is_blank).unwrap_or(rest.len());
            tokens.push(Token::Text(&rest[..end]));
            rest = &rest[end..];
        }
    }
    tokens
}

/// Behind the `>` of the tag at the beginning; a `>` in a value does not count.
fn tag_end(html: &str) -> usize {
    let mut quote = None;
    for (at, c) in html.char_indices() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('>', None) => return at + 1,
            _ => {}
        }
    }
    html.len()
}

/// Behind the end of the element `name` at the beginning; elements of its kind may be in it.
fn element_end(html: &str, element: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(found) = html[at..].find('<') {
        at += found;
        let tag = &html[at..];
        if name(tag) == element {
            depth = if tag.starts_with("</") { depth.saturating_sub(1) } else { depth + 1 };
        }
        at += tag_end(tag);
        if depth == 0 {
            return at;
        }
    }
    html.len()
}

/// The name of the tag at the beginning; empty for a text.
fn name(html: &str) -> &str {
    let Some(rest) = html.trim_start().strip_prefix('<') else { return "" };
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len())]
}

/// A block that stands beside its successor must not have the same ids.
fn without_ids(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    for token in tokens(html) {
        let (Token::Open(text) | Token::Close(text) | Token::Thing(text) | Token::Text(text)) = token;
        match text.find(" id=\"") {
            Some(from) if !matches!(token, Token::Text(_)) => {
                let end = text[from + 5..].find('"').map_or(text.len(), |at| from + 6 + at);
                out.push_str(&text[..from]);
                out.push_str(&text[end..]);
            }
            _ => out.push_str(text),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_blocks_are_marked() {
        for (old, new, marked) in [
            ("<p>a b c</p>\n", "<p>a x c</p>\n", "<p>a <del class=\"removed\">b</del><ins class=\"added\">x</ins> c</p>\n\n"),
            ("<p>same</p>", "<p>same</p>", "<p>same</p>"),
            ("<p>a b c d</p>", "<p>a <strong>b</strong> c d</p>", "<p>a <strong>b</strong> c d</p>\n"),
            ("<p>one</p>", "<p>one</p><p>two</p>", "<p>one</p><div class=\"block-added\"><p>two</p></div>\n"),
            ("<h2 id=\"a\">A</h2><p>x</p>", "<p>x</p>", "<div class=\"block-removed\"><h2>A</h2></div>\n<p>x</p>"),
            (
                "<p>x <math><mi>a</mi></math> y z</p>",
                "<p>x <math><mi>b</mi></math> y z</p>",
                "<p>x <del class=\"removed\"><math><mi>a</mi></math></del><ins class=\"added\"><math><mi>b</mi></math></ins> y z</p>\n",
            ),
            (
                "<p title=\"a > b\">x y z</p>",
                "<p title=\"a > b\">x y w</p>",
                "<p title=\"a > b\">x y <del class=\"removed\">z</del><ins class=\"added\">w</ins></p>\n",
            ),
            // Struck out by whoever wrote it, and still there.
            (
                "<p>a <del>b</del> c</p>",
                "<p>a <del>b</del> d</p>",
                "<p>a <del>b</del> <del class=\"removed\">c</del><ins class=\"added\">d</ins></p>\n",
            ),
        ] {
            assert_eq!(visual_diff(old, new), marked, "{old} {new}");
        }
    }

    #[test]
    fn everything_new_is_there_and_tags_stay_balanced() {
        let page = |words: &[&str]| {
            words
                .iter()
                .map(|w| {
                    format!(
                        "<ul><li>{w} <em>x</em></li><li><code>{w}</code> tail</li></ul>\n<table><tr><td>{w}</td> <td>b</td></tr></table>"
                    )
                })
                .collect::<String>()
        };
        let (old, new) = (page(&["a", "b", "c"]), page(&["a", "d", "c", "e"]));
        let html = visual_diff(&old, &new);
        for tag in ["ul", "li", "em", "code", "table", "tr", "td", "ins", "del", "div"] {
            assert_eq!(html.matches(&format!("<{tag}")).count(), html.matches(&format!("</{tag}>")).count(), "{tag}: {html}");
        }
        let without = |html: &str, mark: &str| {
            let mut out = String::new();
            let mut rest = html;
            while let Some(at) = rest.find(&format!("<{mark} class=")) {
                out.push_str(&rest[..at]);
                rest = &rest[at..][rest[at..].find(&format!("</{mark}>")).unwrap() + mark.len() + 3..];
            }
            out + rest
        };
        let kept = without(&html, "del").replace("<ins class=\"added\">", "").replace("</ins>", "");
        for word in ["<li>d <em>x</em></li>", "<code>e</code>"] {
            assert!(kept.contains(word), "{word}: {kept}");
        }
    }
}
