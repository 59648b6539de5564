//! The blocks that CommonMark does not know, found line by line before the parser sees the text (spec/markdown.md §4, §7, §9, §12).
//!
//! Each is taken out and leaves a comment in its place, which the parser keeps as a block of its own at the right depth; the comment holds a
//! mark that the text does not contain. What is inside is split the same way, to a bounded depth. Every line is looked at once per depth, so
//! the time is linear in the length of the text.

use crate::context::Extras;
use crate::definitions::{Definitions, FILLED};
use crate::lines::{
    AlertKind, Fence, HtmlEnd, Stripped, alert_marker, broken, closes, colons, contains_ignore_case, escape_link_pipes, fold_header,
    heading, html_block, is_delimiter_row, list_marker, opens, quoted_line, strip, unescaped_dollars,
};
use std::borrow::Cow;

/// Deepest nesting of these blocks; what is deeper is text.
pub(crate) const DEPTH: usize = 12;
/// Most of these blocks in a page; the others are text.
const MOST: usize = 2_000;

/// A text with its special blocks taken out.
#[derive(Debug, Default)]
pub(crate) struct Doc {
    /// What is left, for the parser.
    pub(crate) markdown: String,
    /// Of each of its lines, which line of the text it was, from 0.
    pub(crate) lines: Vec<usize>,
    /// What was taken out, in order, each with its source; [`Mark::place`] says where.
    pub(crate) specials: Vec<(Special, String)>,
}

/// A block that CommonMark does not know.
#[derive(Debug)]
pub(crate) enum Special {
    /// `>! hidden until clicked`.
    Spoiler(Doc),
    /// `>| # Summary`, folded. The summary is plain text.
    Fold { summary: Option<String>, body: Doc },
    /// `> [!NOTE]`. The title is plain text.
    Alert { kind: AlertKind, title: Option<String>, body: Doc },
    /// `::: family`. The header is plain text.
    Fancy { family: String, header: Option<String>, body: Doc },
    /// `{{Name|…}}`, unparsed.
    Embedding { name: String, body: String },
    /// `$$` on lines of its own.
    Math(String),
}

/// A word that does not occur in a page, so that nothing in the page can be taken for a place of ours.
#[derive(Debug, Clone)]
pub(crate) struct Mark(String);

impl Mark {
    pub(crate) fn absent_from(source: &str) -> Self {
        let taken: std::collections::HashSet<&str> =
            source.match_indices("holt-").filter_map(|(at, _)| source[at + 5..].split_once('-').map(|(number, _)| number)).collect();
        let number = (0..).map(|n: usize| n.to_string()).find(|n| !taken.contains(n.as_str())).unwrap_or_default();
        Self(format!("holt-{number}-"))
    }
    fn comment(&self, index: usize) -> String {
        format!("<!--{}{index}-->\n", self.0)
    }
    /// The place that begins in `text`: which block, where the place is.
    pub(crate) fn find(&self, text: &str) -> Option<(usize, std::ops::Range<usize>)> {
        let start = text.find(&format!("<!--{}", self.0))?;
        let end = start + text[start..].find("-->")? + 3;
        Some((self.place(&text[start..end])?, start..end))
    }
    /// Which special block stands where the parser found this piece of HTML.
    pub(crate) fn place(&self, html: &str) -> Option<usize> {
        html.trim().strip_prefix("<!--")?.strip_suffix("-->")?.strip_prefix(self.0.as_str())?.parse().ok()
    }
    pub(crate) fn word(&self) -> &str {
        &self.0
    }
}

/// What decides how a page is split.
#[derive(Debug)]
pub(crate) struct Syntax {
    pub(crate) mark: Mark,
    pub(crate) extras: Extras,
}

/// Takes the special blocks out of `text`; footnotes and abbreviations go to `definitions`.
pub(crate) fn split(text: &str, syntax: &Syntax, definitions: &mut Definitions, depth: usize) -> Doc {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut splitter = Splitter {
        syntax,
        definitions,
        depth,
        doc: Doc { markdown: String::with_capacity(text.len() + 64), ..Doc::default() },
        at: 0,
        columns: 0,
        state: State::default(),
        next_embedding_end: 0,
        next_dollars: 0,
    };
    let mut at = 0;
    while at < lines.len() {
        splitter.at = at;
        at += splitter.line(&lines[at..], at);
    }
    splitter.doc
}

/// What the lines before this one mean for it.
#[derive(Debug, Default)]
struct State {
    fence: Option<Fence>,
    html: Option<HtmlEnd>,
    /// Column at which the content of the open list item begins; 0 outside of lists.
    list: usize,
    paragraph: bool,
    blank: bool,
    table: bool,
    indented: bool,
}

struct Splitter<'s> {
    syntax: &'s Syntax,
    definitions: &'s mut Definitions,
    depth: usize,
    doc: Doc,
    /// The line at hand.
    at: usize,
    /// Cells of the table that may be open.
    columns: usize,
    state: State,
    /// No line before this one ends an embedding, or a formula: each is looked for once.
    next_embedding_end: usize,
    next_dollars: usize,
}

impl Splitter<'_> {
    /// Handles the first of `lines`, which is the `at`th of all, and maybe those after it. Returns how many.
    fn line(&mut self, lines: &[&str], at: usize) -> usize {
        let line = lines[0];
        let stripped = strip(line, self.state.list);
        let body = stripped.rest.trim_end();
        if let Some(fence) = self.state.fence {
            if stripped.quotes >= fence.quotes {
                if closes(body, fence) {
                    self.state.fence = None;
                }
                return self.copy(line);
            }
            self.state.fence = None;
        }
        if let Some(end) = self.state.html {
            let ends = match end {
                HtmlEnd::Contains(word) => contains_ignore_case(line, word),
                HtmlEnd::Blank => body.is_empty(),
            };
            if ends {
                self.state.html = None;
                self.state.blank = body.is_empty();
            }
            return self.copy(line);
        }
        if body.is_empty() {
            self.state = State { list: self.state.list, blank: true, indented: self.state.indented, ..State::default() };
            return self.copy(line);
        }
        let inside_list = self.state.list > 0 && stripped.quotes == 0 && stripped.indent >= self.state.list;
        let indent = if inside_list { stripped.indent - self.state.list } else { stripped.indent };
        if let Some(taken) = self.special(lines, at, &stripped, indent, inside_list) {
            return taken;
        }
        self.ordinary(lines, &stripped, indent, inside_list, body)
    }

    fn special(&mut self, lines: &[&str], at: usize, stripped: &Stripped<'_>, indent: usize, inside_list: bool) -> Option<usize> {
        if indent > 3 || self.depth >= DEPTH || self.definitions.blocks >= MOST {
            return None;
        }
        let before = self.doc.specials.len();
        let body = stripped.rest.trim_end();
        let taken = match body.as_bytes()[0] {
            b'>' => self.quoted(lines, stripped),
            b':' if stripped.quotes == 0 && !inside_list => self.fancy(lines),
            b'{' if stripped.quotes == 0 && stripped.indent == 0 => self.embedding(lines, at),
            b'$' if stripped.quotes == 0 && !inside_list => self.math(lines, at),
            b'*' if stripped.quotes == 0 && !inside_list && body.starts_with("*[") => self.abbreviation(lines, body),
            b'[' if stripped.quotes == 0 && !inside_list && body.starts_with("[^") => self.footnote(lines, body),
            b'[' if body.contains("]:") => {
                // The parser takes it out of this text; texts inside others need to know it, too.
                self.definitions.link(body);
                None
            }
            _ => None,
        }?;
        if let Some((_, source)) = self.doc.specials.get_mut(before) {
            *source = lines[..taken].concat();
            self.definitions.blocks += 1;
        }
        if stripped.quotes == 0 && !inside_list {
            self.state.list = 0;
        }
        self.state.paragraph = false;
        self.state.blank = false;
        self.state.table = false;
        self.state.indented = false;
        Some(taken)
    }

    /// Everything the parser knows. The splitter only has to know what it would not look into.
    fn ordinary(&mut self, lines: &[&str], stripped: &Stripped<'_>, indent: usize, inside_list: bool, body: &str) -> usize {
        let line = lines[0];
        let state = &mut self.state;
        // A line that belongs to no list item ends the list, unless it continues a paragraph.
        if !inside_list && state.list > 0 && state.blank {
            state.list = 0;
        }
        let lazy = !inside_list && state.list > 0 && state.paragraph;
        if indent > 3 && (!state.paragraph || state.indented) {
            (state.indented, state.blank) = (true, false);
            return self.copy(line);
        }
        if indent > 3 && state.paragraph && stripped.quotes == 0 && state.list == 0 {
            // Indented code interrupts a paragraph here, unlike in CommonMark (spec §3.2).
            self.doc.markdown.push('\n');
            self.doc.lines.push(self.at);
            (state.indented, state.blank, state.paragraph) = (true, false, false);
            return self.copy(line);
        }
        state.indented = false;
        let was_paragraph = std::mem::replace(&mut state.paragraph, true);
        state.blank = false;
        if let Some(fence) = opens(body, stripped.quotes) {
            state.fence = Some(fence);
            state.paragraph = false;
            return self.copy(line);
        }
        if let Some(end) = html_block(body, was_paragraph) {
            let closed = matches!(end, HtmlEnd::Contains(word) if contains_ignore_case(body.get(1..).unwrap_or_default(), word));
            state.html = (!closed).then_some(end);
            state.paragraph = false;
            return self.copy(line);
        }
        if !lazy || list_marker(body).is_some() {
            if let Some((width, bytes)) = list_marker(body).filter(|_| stripped.quotes == 0) {
                state.list = if inside_list { state.list } else { 0 };
                let content = stripped.indent + width;
                // The outermost item decides what is inside the list; nested ones are further in anyway.
                if state.list == 0 {
                    state.list = content;
                }
                let rest = &body[bytes..];
                if let Some(fence) = opens(rest.trim_start(), 0) {
                    state.fence = Some(fence);
                }
                state.paragraph = !rest.trim().is_empty();
            } else if body.starts_with('#') && heading(body).is_some() {
                state.paragraph = false;
            }
        }
        let next_is_delimiter = lines.get(1).is_some_and(|next| is_delimiter_row(strip(next, 0).rest.trim_end()));
        if is_delimiter_row(body) && was_paragraph {
            state.table = true;
        }
        if (state.table || next_is_delimiter) && body.contains("[[") && body.contains('|') {
            let escaped = escape_link_pipes(line);
            return self.copy(&escaped);
        }
        self.copy(line)
    }

    fn copy(&mut self, line: &str) -> usize {
        if self.too_wide(line) {
            self.doc.lines.push(self.at);
            self.doc.markdown.push('\n');
        }
        self.doc.lines.push(self.at);
        match broken(line).filter(|_| self.state.fence.is_none() && !self.state.indented) {
            Some(broken) => {
                let added = broken.matches('\n').count() - line.matches('\n').count();
                self.doc.lines.extend(std::iter::repeat_n(self.at, added));
                self.doc.markdown.push_str(&broken);
            }
            None => self.doc.markdown.push_str(line),
        }
        1
    }

    /// Whether a table has to end before this line: rows are filled up to the width of the first, so a few bytes may become a thousand cells.
    fn too_wide(&mut self, line: &str) -> bool {
        if self.state.fence.is_some() || self.state.indented {
            return false;
        }
        let bare = line.trim_start_matches([' ', '\t', '>']).trim_end();
        let cells = 1 + bare.bytes().filter(|byte| *byte == b'|').count();
        if bare.is_empty() {
            self.columns = 0;
        } else if is_delimiter_row(bare) {
            self.columns = cells;
        } else {
            let missing = self.columns.saturating_sub(cells);
            self.definitions.filled += missing;
            if missing > 0 && self.definitions.filled > FILLED {
                self.columns = 0;
                return true;
            }
        }
        false
    }

    /// Puts `special` in the place of lines that began with `prefix`.
    fn put(&mut self, prefix: &str, special: Special) {
        self.doc.lines.push(self.at);
        self.doc.markdown.push_str(prefix);
        self.doc.markdown.push_str(&self.syntax.mark.comment(self.doc.specials.len()));
        self.doc.specials.push((special, String::new()));
    }

    fn inner(&mut self, text: &str) -> Doc {
        split(text, self.syntax, self.definitions, self.depth + 1)
    }

    /// Spoiler, fold and alert: lines that begin with `>`.
    fn quoted(&mut self, lines: &[&str], stripped: &Stripped<'_>) -> Option<usize> {
        let start = lines[0].len() - stripped.rest.len();
        let prefix = &lines[0][..start];
        let form = match stripped.rest.as_bytes().get(1) {
            Some(b'!') => ">!",
            Some(b'|') => ">|",
            _ => ">",
        };
        let alert = (form == ">").then(|| alert_marker(&stripped.rest[1..])).flatten();
        if form == ">" && alert.is_none() {
            return None;
        }
        let all = lines.iter().map_while(|line| quoted_line(line, prefix, form));
        // A marker inside begins the next alert; looking further would look at every line again for each of them.
        let taken: Vec<&str> =
            all.enumerate().take_while(|(n, line)| *n == 0 || form != ">" || alert_marker(line).is_none()).map(|(_, line)| line).collect();
        if let Some((kind, rest)) = alert {
            if taken.len() < 2 {
                return None;
            }
            let title = Some(rest.trim().to_string()).filter(|title| self.syntax.extras == Extras::On && !title.is_empty());
            let mut text = String::new();
            if title.is_none() && !rest.trim().is_empty() {
                text.push_str(rest);
                text.push('\n');
            }
            text.extend(taken.iter().skip(1).copied());
            let body = self.inner(&text);
            self.put(prefix, Special::Alert { kind, title, body });
        } else if form == ">!" {
            let body = self.inner(&taken.concat());
            self.put(prefix, Special::Spoiler(body));
        } else {
            let header = taken.first().and_then(|first| fold_header(first));
            let skip = usize::from(header.is_some());
            let body = self.inner(&taken[skip..].concat());
            self.put(prefix, Special::Fold { summary: header, body });
        }
        Some(taken.len())
    }

    fn fancy(&mut self, lines: &[&str]) -> Option<usize> {
        let (length, family) = colons(lines[0])?;
        if family.contains(':') {
            return None;
        }
        let mut open = vec![length];
        let mut fence: Option<Fence> = None;
        let mut end = None;
        for (n, line) in lines.iter().enumerate().skip(1) {
            let body = line.trim_start_matches(' ').trim_end();
            match fence {
                Some(running) if closes(body, running) => fence = None,
                Some(_) => continue,
                None => fence = opens(body, 0),
            }
            let Some((length, family)) = fence.is_none().then(|| colons(line)).flatten() else { continue };
            if family.trim_matches(['~', ':', ' ']).is_empty() {
                while open.pop_if(|opened| *opened <= length).is_some() {
                    // A longer closer ends shorter blocks with it, one of the same length ends one.
                    if open.last().is_none_or(|next| *next == length) {
                        break;
                    }
                }
                if open.is_empty() {
                    end = Some(n);
                    break;
                }
            } else if !family.contains(':') {
                open.push(length);
            }
        }
        let stop = end.unwrap_or(lines.len());
        let header = lines[1..stop].first().and_then(|first| fold_header(first));
        let skip = 1 + usize::from(header.is_some());
        let body = self.inner(&lines[skip..stop].concat());
        self.put("", Special::Fancy { family: family.trim().to_lowercase(), header, body });
        Some(end.map_or(lines.len(), |end| end + 1))
    }

    fn embedding(&mut self, lines: &[&str], at: usize) -> Option<usize> {
        let rest = lines[0].strip_prefix("{{")?;
        let name = &rest[..rest.find(|c: char| !(c.is_ascii_alphabetic() || c == ' ')).unwrap_or(rest.len())];
        if name.trim().is_empty() {
            return None;
        }
        if self.next_embedding_end < at {
            self.next_embedding_end = at;
        }
        let ends = |line: &str| line.trim_end_matches(['\n', '\r']).ends_with("}}");
        while !lines.get(self.next_embedding_end - at).is_none_or(|line| ends(line)) {
            self.next_embedding_end += 1;
        }
        let last = self.next_embedding_end - at;
        if last >= lines.len() {
            return None;
        }
        let source = lines[..=last].concat();
        let body = source[2 + name.len()..].trim_end().strip_suffix("}}")?.to_string();
        let name = name.trim().to_string();
        self.put("", Special::Embedding { name, body });
        Some(last + 1)
    }

    fn math(&mut self, lines: &[&str], at: usize) -> Option<usize> {
        let first = lines[0].trim_start_matches(' ').strip_prefix("$$")?;
        if let Some(end) = unescaped_dollars(first) {
            // On one line: a block if nothing follows.
            let tex = &first[..end];
            if tex.trim().is_empty() || !first[end + 2..].trim().is_empty() {
                return None;
            }
            self.put("", Special::Math(tex.trim().to_string()));
            return Some(1);
        }
        if self.next_dollars <= at {
            self.next_dollars = at + 1;
        }
        while lines.get(self.next_dollars - at).is_some_and(|line| unescaped_dollars(line).is_none()) {
            self.next_dollars += 1;
        }
        let last = self.next_dollars - at;
        let line = lines.get(last)?;
        let end = unescaped_dollars(line)?;
        if !line[end + 2..].trim().is_empty() {
            return None;
        }
        let mut tex = first.to_string();
        tex.extend(lines[1..last].iter().copied());
        tex.push_str(&line[..end]);
        self.put("", Special::Math(tex.trim().to_string()));
        Some(last + 1)
    }

    /// `*[KEY]: expansion`, which may stand on the next line if that is indented.
    fn abbreviation(&mut self, lines: &[&str], body: &str) -> Option<usize> {
        let (key, expansion) = body.strip_prefix("*[")?.split_once("]:")?;
        if key.trim().is_empty() || key.contains(['[', ']']) {
            return None;
        }
        let mut taken = 1;
        let mut expansion = Cow::Borrowed(expansion.trim());
        if expansion.is_empty()
            && let Some(next) = lines.get(1).filter(|next| (next.starts_with("   ") || next.starts_with('\t')) && !next.trim().is_empty())
        {
            expansion = Cow::Borrowed(next.trim());
            taken = 2;
        }
        self.definitions.abbreviation(key.trim(), &expansion);
        Some(taken)
    }

    /// `[^label]: text`, and the lines after it that are indented.
    fn footnote(&mut self, lines: &[&str], body: &str) -> Option<usize> {
        let (label, first) = body.strip_prefix("[^")?.split_once("]:")?;
        if label.trim().is_empty() || label.len() > 500 || label.contains(['[', ']']) {
            return None;
        }
        let mut text = format!("{}\n", first.trim_start());
        let mut taken = 1;
        let mut blanks = 0;
        for line in &lines[1..] {
            if line.trim().is_empty() {
                blanks += 1;
                continue;
            }
            let width = line.len() - line.trim_start_matches(' ').len();
            let rest = match (line.strip_prefix('\t'), width) {
                (Some(rest), _) => rest,
                (None, 2..) => &line[width.min(4)..],
                _ => break,
            };
            text.extend(std::iter::repeat_n('\n', blanks));
            text.push_str(rest);
            taken += 1 + blanks;
            blanks = 0;
        }
        self.definitions.footnote(label, text);
        Some(taken)
    }
}
