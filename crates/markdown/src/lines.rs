//! What a line is, looked at alone: quote marks, fences, list markers, the beginnings of blocks. [`crate::blocks`] puts lines together.

/// A line without its quote marks.
pub(crate) struct Stripped<'l> {
    pub(crate) quotes: usize,
    /// Columns of white space after them.
    pub(crate) indent: usize,
    /// From the first character that is not white space, with the end of the line.
    pub(crate) rest: &'l str,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Fence {
    pub(crate) mark: u8,
    pub(crate) length: usize,
    pub(crate) quotes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HtmlEnd {
    /// Types 1 to 5 of CommonMark: a line that contains this.
    Contains(&'static str),
    /// Types 6 and 7.
    Blank,
}

/// The five of GitHub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AlertKind {
    Note,
    Tip,
    Important,
    Warning,
    Caution,
}

impl AlertKind {
    fn parse(name: &str) -> Option<Self> {
        [("note", Self::Note), ("tip", Self::Tip), ("important", Self::Important), ("warning", Self::Warning), ("caution", Self::Caution)]
            .into_iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known))
            .map(|(_, kind)| kind)
    }
}

/// Quote marks and white space at the beginning. A mark that begins a spoiler, a fold or an alert is not taken off.
pub(crate) fn strip(line: &str, list: usize) -> Stripped<'_> {
    let (mut prefix, mut quotes) = (0, 0);
    loop {
        let rest = &line[prefix..];
        let (indent, bytes) = indentation(rest);
        let inner = &rest[bytes..];
        let allowed = indent <= 3 || (quotes == 0 && list > 0 && indent >= list && indent - list <= 3);
        let marks = inner.starts_with('>') && !inner.starts_with(">!") && !inner.starts_with(">|");
        if quotes < 32 && allowed && marks && alert_marker(&inner[1..]).is_none() {
            let blank = usize::from(inner[1..].starts_with(' '));
            prefix += bytes + 1 + blank;
            quotes += 1;
            continue;
        }
        return Stripped { quotes, indent, rest: inner };
    }
}

/// `line` without what another line has before its content, if it has the same.
pub(crate) fn strip_to<'l>(line: &'l str, prefix: &str) -> Option<&'l str> {
    if prefix.trim().is_empty() {
        // White space only: up to as much, or three blanks.
        let bytes = line.len() - line.trim_start_matches([' ', '\t']).len();
        return (bytes <= prefix.len().max(3)).then(|| &line[bytes..]);
    }
    let mut rest = line;
    for _ in 0..prefix.bytes().filter(|b| *b == b'>').count() {
        let (indent, bytes) = indentation(rest);
        if indent > 3 + prefix.len() {
            return None;
        }
        rest = rest[bytes..].strip_prefix('>')?;
    }
    Some(rest.trim_start_matches(' '))
}

/// What stands in a line of a special quote after its prefix and mark.
pub(crate) fn quoted_line<'l>(line: &'l str, prefix: &str, form: &str) -> Option<&'l str> {
    let rest = strip_to(line, prefix)?.strip_prefix(form)?;
    // The others begin with `>`, too.
    (form != ">" || !rest.starts_with(['!', '|'])).then(|| rest.strip_prefix(' ').unwrap_or(rest))
}

/// Columns and bytes of the white space at the beginning.
pub(crate) fn indentation(line: &str) -> (usize, usize) {
    let (mut columns, mut bytes) = (0, 0);
    for byte in line.bytes() {
        match byte {
            b' ' => columns += 1,
            b'\t' => columns += 4 - columns % 4,
            _ => break,
        }
        bytes += 1;
    }
    (columns, bytes)
}

pub(crate) fn opens(body: &str, quotes: usize) -> Option<Fence> {
    let mark = *body.as_bytes().first()?;
    if !matches!(mark, b'`' | b'~') {
        return None;
    }
    let length = body.bytes().take_while(|b| *b == mark).count();
    (length >= 3 && !(mark == b'`' && body[length..].contains('`'))).then_some(Fence { mark, length, quotes })
}

pub(crate) fn closes(body: &str, fence: Fence) -> bool {
    let length = body.bytes().take_while(|b| *b == fence.mark).count();
    length >= fence.length && body[length..].trim().is_empty()
}

/// Columns and bytes of a list marker with the white space after it.
pub(crate) fn list_marker(body: &str) -> Option<(usize, usize)> {
    let bytes = body.as_bytes();
    let marker = match bytes.first()? {
        b'-' | b'*' | b'+' => 1,
        b'0'..=b'9' => {
            let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits > 9 || !matches!(bytes.get(digits), Some(b'.' | b')')) {
                return None;
            }
            digits + 1
        }
        _ => return None,
    };
    let rest = &body[marker..];
    let (columns, bytes) = indentation(rest);
    match columns {
        // A thematic break or a setext underline is no list.
        0 if !rest.is_empty() => None,
        1..=4 if !is_break(body) => Some((marker + columns, marker + bytes)),
        _ if is_break(body) => None,
        _ => Some((marker + 1, marker + bytes.min(1))),
    }
}

pub(crate) fn is_break(body: &str) -> bool {
    let mark = body.as_bytes()[0];
    matches!(mark, b'-' | b'*' | b'_')
        && body.bytes().all(|b| b == mark || b == b' ' || b == b'\t')
        && body.bytes().filter(|b| *b == mark).count() >= 3
}

pub(crate) fn heading(body: &str) -> Option<&str> {
    let rest = body.trim_start_matches('#');
    ((1..=6).contains(&(body.len() - rest.len())) && (rest.is_empty() || rest.starts_with([' ', '\t']))).then(|| rest.trim())
}

/// Header of a fold or a fancy block: one to five `#` and text.
pub(crate) fn fold_header(line: &str) -> Option<String> {
    let line = line.trim();
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    ((1..=5).contains(&level) && rest.starts_with([' ', '\t']) && !rest.trim().is_empty()).then(|| rest.trim().to_string())
}

/// `[!TYPE]` after the mark of a quote, and what follows it.
pub(crate) fn alert_marker(after: &str) -> Option<(AlertKind, &str)> {
    let inner = after.trim_start_matches([' ', '\t']).strip_prefix("[!")?;
    let (name, rest) = inner.split_once(']')?;
    Some((AlertKind::parse(name)?, rest.trim_end_matches(['\n', '\r']).trim_start()))
}

/// Length and rest of a line of colons.
pub(crate) fn colons(line: &str) -> Option<(usize, &str)> {
    let body = line.trim_start_matches(' ');
    if line.len() - body.len() > 3 {
        return None;
    }
    let length = body.bytes().take_while(|b| *b == b':').count();
    (length >= 3).then(|| (length, body[length..].trim()))
}

pub(crate) fn unescaped_dollars(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + 1 < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'$' if bytes[at + 1] == b'$' => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// Whether a line is the delimiter row of a table.
pub(crate) fn is_delimiter_row(body: &str) -> bool {
    body.contains('-') && body.contains(['|', ':']) && body.bytes().all(|b| matches!(b, b'|' | b':' | b'-' | b' ' | b'\t'))
}

/// The pipe of a wikilink must not split a cell.
pub(crate) fn escape_link_pipes(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 8);
    let mut rest = line;
    while let Some(open) = rest.find("[[") {
        let Some(length) = rest[open..].find("]]") else { break };
        let inside = &rest[open..open + length];
        out.push_str(&rest[..open]);
        let mut before = ' ';
        for c in inside.chars() {
            if c == '|' && before != '\\' {
                out.push('\\');
            }
            out.push(c);
            before = c;
        }
        rest = &rest[open + length..];
    }
    out.push_str(rest);
    out
}

/// Longest row of characters without a blank in which the parser may look for addresses: it looks to the end of the row for each.
const ROW: usize = 4 * 1024;

/// A line with line ends put into rows that are longer and hold many beginnings of addresses.
pub(crate) fn broken(line: &str) -> Option<String> {
    if line.len() <= ROW {
        return None;
    }
    let (mut out, mut row, mut signs) = (String::new(), 0, 0);
    for c in line.chars() {
        if c.is_whitespace() {
            (row, signs) = (0, 0);
        }
        signs += usize::from(matches!(c, ':' | '@' | '.'));
        // Before a letter or a sign that begins no block.
        if row > ROW && signs > 64 && c.is_alphabetic() {
            out.push('\n');
            (row, signs) = (0, 0);
        }
        row += c.len_utf8();
        out.push(c);
    }
    (out.len() > line.len()).then_some(out)
}

pub(crate) fn contains_ignore_case(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

/// Elements that begin an HTML block of type 6.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "base",
    "basefont",
    "blockquote",
    "body",
    "caption",
    "center",
    "col",
    "colgroup",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "iframe",
    "legend",
    "li",
    "link",
    "main",
    "menu",
    "menuitem",
    "nav",
    "noframes",
    "ol",
    "optgroup",
    "option",
    "p",
    "param",
    "search",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "track",
    "ul",
];

pub(crate) fn html_block(body: &str, in_paragraph: bool) -> Option<HtmlEnd> {
    let inner = body.strip_prefix('<')?;
    if inner.starts_with("!--") {
        return Some(HtmlEnd::Contains("-->"));
    }
    if inner.starts_with('?') {
        return Some(HtmlEnd::Contains("?>"));
    }
    if inner.starts_with("![CDATA[") {
        return Some(HtmlEnd::Contains("]]>"));
    }
    if inner.starts_with('!') {
        return Some(HtmlEnd::Contains(">"));
    }
    let closing = inner.starts_with('/');
    let name_start = inner.strip_prefix('/').unwrap_or(inner);
    let name = &name_start[..name_start.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(name_start.len())];
    if name.is_empty() {
        return None;
    }
    let name = name.to_ascii_lowercase();
    for (raw, end) in [("pre", "</pre>"), ("script", "</script>"), ("style", "</style>"), ("textarea", "</textarea>")] {
        if !closing && name == raw {
            return Some(HtmlEnd::Contains(end));
        }
    }
    if BLOCKS.contains(&name.as_str()) {
        return Some(HtmlEnd::Blank);
    }
    // Type 7: one complete tag alone on its line.
    (!in_paragraph && body.ends_with('>') && body.matches('<').count() == 1).then_some(HtmlEnd::Blank)
}
