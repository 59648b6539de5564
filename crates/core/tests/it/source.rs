//! Just enough of Rust's lexis to ask which names a file uses: code without comments and literals, comments without code, paths with
//! their `use` groups spelled out. Knows nothing of the rules.

/// A Rust file taken apart. Both texts keep the line breaks of the original.
pub struct Lexed {
    pub code: String,
    pub comments: String,
}

/// Separates code from comments; string and character literals become blanks in the code.
pub fn lex(source: &str) -> Lexed {
    let chars: Vec<char> = source.chars().collect();
    let (mut code, mut comments) = (String::new(), String::new());
    let mut i = 0;
    while i < chars.len() {
        let end = match chars[i] {
            '/' if chars.get(i + 1) == Some(&'/') => {
                let end = (i..chars.len()).find(|j| chars[*j] == '\n').unwrap_or(chars.len());
                comments.extend(&chars[i..end]);
                end
            }
            '/' if chars.get(i + 1) == Some(&'*') => {
                let end = block_comment_end(&chars, i);
                comments.extend(&chars[i..end]);
                code.extend(chars[i..end].iter().filter(|c| **c == '\n'));
                i = end;
                continue;
            }
            'r' | 'b' | 'c' | '"' | '\'' if !follows_name(&chars, i) => literal_end(&chars, i).unwrap_or(i),
            _ => i,
        };
        if end > i {
            code.push(' ');
            blank_lines(&chars[i..end], &mut code, &mut comments);
            i = end;
            continue;
        }
        code.push(chars[i]);
        if chars[i] == '\n' {
            comments.push('\n');
        }
        i += 1;
    }
    Lexed { code, comments }
}

fn blank_lines(skipped: &[char], code: &mut String, comments: &mut String) {
    for _ in skipped.iter().filter(|c| **c == '\n') {
        code.push('\n');
        comments.push('\n');
    }
}

fn follows_name(chars: &[char], i: usize) -> bool {
    i > 0 && (chars[i - 1].is_alphanumeric() || chars[i - 1] == '_')
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let (mut depth, mut i) = (0, start);
    while i < chars.len() {
        match (chars[i], chars.get(i + 1)) {
            ('/', Some('*')) => (depth, i) = (depth + 1, i + 2),
            ('*', Some('/')) => {
                (depth, i) = (depth - 1, i + 2);
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    chars.len()
}

/// Where the string or character literal that begins at `start` ends; `None` if none begins there (a lifetime, a plain name).
fn literal_end(chars: &[char], start: usize) -> Option<usize> {
    let mut i = start;
    while i < start + 2 && matches!(chars.get(i), Some('b' | 'c')) {
        i += 1;
    }
    if chars.get(i) == Some(&'r') {
        let hashes = chars[i + 1..].iter().take_while(|c| **c == '#').count();
        if chars.get(i + 1 + hashes) != Some(&'"') {
            return None;
        }
        let body = i + 2 + hashes;
        let closes = |j: usize| chars[j] == '"' && chars[j + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
        return Some((body..chars.len()).find(|j| closes(*j)).map_or(chars.len(), |j| j + 1 + hashes));
    }
    let quote = *chars.get(i)?;
    if quote == '\'' && chars.get(i + 1) != Some(&'\\') && chars.get(i + 2) != Some(&'\'') {
        return None;
    }
    if quote != '"' && quote != '\'' {
        return None;
    }
    i += 1;
    while i < chars.len() && chars[i] != quote {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    Some((i + 1).min(chars.len()))
}

/// A string literal of a file, outside of its tests.
pub struct Literal {
    /// From 1.
    pub line: usize,
    /// Escapes resolved.
    pub text: String,
    /// The code before it on one line, other literals as `""`, blanks left out.
    pub before: String,
}

/// The string literals of a file, byte strings and those of its tests left out.
pub fn literals(source: &str) -> Vec<Literal> {
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let chars: Vec<char> = source.chars().collect();
    let (mut found, mut code, mut line, mut i) = (Vec::new(), String::new(), 1, 0);
    while i < chars.len() {
        let end = match chars[i] {
            '/' if chars.get(i + 1) == Some(&'/') => (i..chars.len()).find(|j| chars[*j] == '\n').unwrap_or(chars.len()),
            '/' if chars.get(i + 1) == Some(&'*') => block_comment_end(&chars, i),
            'r' | 'b' | 'c' | '"' | '\'' if !follows_name(&chars, i) => literal_end(&chars, i).unwrap_or(i),
            _ => i,
        };
        if end == i {
            if !chars[i].is_whitespace() {
                code.push(chars[i]);
            }
            line += usize::from(chars[i] == '\n');
            i += 1;
            continue;
        }
        let whole: String = chars[i..end].iter().collect();
        if let Some(text) = value(&whole) {
            let from = code.char_indices().rev().nth(79).map_or(0, |(at, _)| at);
            found.push(Literal { line, text, before: code[from..].to_string() });
        }
        if !whole.starts_with('/') {
            code.push_str("\"\"");
        }
        line += whole.matches('\n').count();
        i = end;
    }
    found
}

/// What a string literal says; none for other literals.
fn value(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('r') {
        return Some(raw.trim_matches('#').trim_matches('"').to_string());
    }
    let body = literal.strip_prefix('"')?.strip_suffix('"')?;
    let (mut text, mut rest) = (String::new(), body.chars());
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                '0' => text.push('\0'),
                'u' => {
                    let digits: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    text.push(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32)?);
                }
                '\n' => {
                    let left = rest.as_str().trim_start();
                    rest = left.chars();
                }
                other => text.push(other),
            },
            c => text.push(c),
        }
    }
    Some(text)
}

/// A name or `a::b::c` in code, and the line (from 1) where it begins.
#[derive(Debug, PartialEq, Eq)]
pub struct Path {
    pub line: usize,
    pub segments: Vec<String>,
}

impl Path {
    /// Whether the segments of `pattern` (`process::Command`) stand in this path, next to each other.
    pub fn mentions(&self, pattern: &str) -> bool {
        let wanted: Vec<&str> = pattern.split("::").collect();
        self.segments.windows(wanted.len()).any(|w| w == wanted)
    }
}

/// Every path of the code, groups (`use a::{b, c::d}`) spelled out. Items under `#[cfg(test)]` are left out if asked.
pub fn paths(code: &str, tests: Tests) -> Vec<Path> {
    let mut tokens = tokens(code);
    if tests == Tests::LeftOut {
        leave_out_tests(&mut tokens);
    }
    let mut found = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        if tokens[i].is_name() { i = read_path(&tokens, i, &[], &mut found) } else { i += 1 }
    }
    found
}

/// See [`paths`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tests {
    Included,
    LeftOut,
}

struct Token {
    line: usize,
    text: String,
}

impl Token {
    fn is_name(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

fn tokens(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let length = match first {
                c if word(c) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
                ':' if rest.starts_with("::") => 2,
                c => c.len_utf8(),
            };
            tokens.push(Token { line: number + 1, text: rest[..length].to_string() });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// Reads the path that begins at `i` with `before` in front of it; returns the index after it.
fn read_path(tokens: &[Token], mut i: usize, before: &[String], found: &mut Vec<Path>) -> usize {
    let line = tokens[i].line;
    let mut segments = before.to_vec();
    segments.push(tokens[i].text.clone());
    i += 1;
    while tokens.get(i).is_some_and(|t| t.text == "::") {
        match tokens.get(i + 1) {
            Some(next) if next.is_name() => {
                segments.push(next.text.clone());
                i += 2;
            }
            Some(next) if next.text == "{" => return read_group(tokens, i + 2, &segments, found),
            _ => break,
        }
    }
    found.push(Path { line, segments });
    i
}

fn read_group(tokens: &[Token], mut i: usize, before: &[String], found: &mut Vec<Path>) -> usize {
    while let Some(token) = tokens.get(i) {
        match token.text.as_str() {
            "}" => return i + 1,
            _ if token.is_name() => i = read_path(tokens, i, before, found),
            _ => i += 1,
        }
    }
    i
}

fn leave_out_tests(tokens: &mut Vec<Token>) {
    let mark = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut i = 0;
    while i + mark.len() <= tokens.len() {
        if !tokens[i..i + mark.len()].iter().map(|t| t.text.as_str()).eq(mark) {
            i += 1;
            continue;
        }
        let mut depth = 0;
        let mut end = i + mark.len();
        while end < tokens.len() {
            match tokens[end].text.as_str() {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth -= 1,
                _ => {}
            }
            let text = tokens[end].text.as_str();
            end += 1;
            if depth == 0 && (text == "}" || text == ";") {
                break;
            }
        }
        tokens.drain(i..end);
    }
}

mod tests {
    use super::*;

    fn spelled(code: &str, tests: Tests) -> Vec<String> {
        paths(&lex(code).code, tests).into_iter().map(|p| p.segments.join("::")).collect()
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        let lexed = lex("a /* b /* c */ d */ e // f\n\"g \\\" h\" i 'j' '\\'' k<'l> r#\"m \" n\"# b\"o\" br\"p\"\nq");
        assert_eq!(lexed.code.split_whitespace().collect::<Vec<_>>(), ["a", "e", "i", "k<'l>", "q"]);
        assert_eq!(lexed.code.lines().count(), 3);
        assert!(lexed.comments.contains("// f") && !lexed.comments.contains('m'));
    }

    #[test]
    fn groups_are_spelled_out_and_tests_left_out() {
        let code = "std::{env, process::{Command, Stdio}};\nf() { x::y(z) }\n#[cfg(test)]\nmod t { use gix::a; fn g() { b } }\nw";
        let expected = ["std::env", "std::process::Command", "std::process::Stdio", "f", "x::y", "z", "w"];
        assert_eq!(spelled(code, Tests::LeftOut), expected);
        assert!(spelled(code, Tests::Included).contains(&"gix::a".to_string()));
        assert_eq!(paths("a\nb::c", Tests::Included)[1].line, 2);
    }
}
