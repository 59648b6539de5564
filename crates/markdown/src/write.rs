//! The tree to HTML, in one walk without recursion. Everything a writer typed is escaped here, except raw HTML that [`crate::raw`] lets
//! through, which the sanitizer sees again.

use crate::blocks::{self, Doc, Mark, Special, Syntax};
use crate::code::{self, Info};
use crate::context::{Context, Dependency, Heading, Link, LinkKind, PlaceLink, Purpose, Requires};
use crate::definitions::Definitions;
use crate::linking::guessed;
use crate::math::{Place, mathml};
use crate::properties::front_matter;
use crate::slug::Slugs;
use crate::typed::{Typed, escape};
use crate::{highlight, parser_options, raw};
use comrak::arena_tree::NodeEdge;
use comrak::nodes::{ListType, Node, NodeCodeBlock, NodeValue, TableAlignment};
use comrak::options::BrokenLinkReference;
use comrak::{Arena, ResolvedReference, parse_document};
use holt_core::SafeHtml;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

pub(crate) struct Written {
    pub(crate) html: String,
    pub(crate) toc: Vec<Heading>,
    pub(crate) links: Vec<Link>,
    pub(crate) places: Vec<PlaceLink>,
    pub(crate) requires: Requires,
    pub(crate) text: String,
    pub(crate) has_raw_html: bool,
    pub(crate) typed: Typed,
    pub(crate) depends: Vec<Dependency>,
    /// Bytes of other pages that may still be shown.
    pub(crate) includable: usize,
}

/// Most headings in the table of contents (security.md INP-8).
const HEADINGS: usize = 1_000;
/// Longest row of text that the sanitizer sees.
const TEXT_RUN: usize = 16 * 1024;
/// Deepest nesting of quotes and lists; what is deeper is shown flat.
const NESTED: usize = 40;
/// Most that a page shows of others, in bytes of their source.
const INCLUDED: usize = 2 * 1024 * 1024;

/// See [`Context::cursor_line`].
struct Cursor {
    /// Line of the text without its properties.
    line: Option<usize>,
    at: usize,
}

pub(crate) struct Writer<'c> {
    pub(crate) context: &'c Context<'c>,
    pub(crate) out: Written,
    pub(crate) definitions: Definitions,
    pub(crate) syntax: Syntax,
    /// What was taken out of the text that is being written.
    specials: Vec<Option<(Special, String)>>,
    /// The pages, with their sections, that show this text, outermost first.
    pub(crate) including: Vec<String>,
    /// How deep in special blocks.
    pub(crate) depth: usize,
    pub(crate) slugs: Slugs,
    /// Places of contents lists, which are written last.
    pub(crate) contents_at: Vec<usize>,
    /// Where links to headings lead that are not spelled as the ids are, and those links.
    pub(crate) anchors: HashMap<String, String>,
    pub(crate) fragments: Vec<String>,
    /// Notes that were referred to, in order of the first reference.
    pub(crate) noted: Vec<usize>,
    pub(crate) references: usize,
    pub(crate) has_title: bool,
    /// How much code may still be coloured.
    colours: usize,
    /// The box of a task, until its paragraph begins.
    input: Option<String>,
    /// How many quotes and lists are open.
    nested: usize,
    /// Which elements of raw HTML are open.
    html_open: raw::Open,
    /// How many were open where the block at hand began.
    html_before: usize,
    /// Bytes of text since the last tag.
    text_run: usize,
    /// Where the open heading's HTML and text begin.
    heading: Option<(usize, usize)>,
    /// Depth of open images: their content is alternative text, not markup.
    pub(crate) image: Vec<(String, String)>,
    pub(crate) alt: String,
    /// Where the mark for the editor's cursor goes, and the line of the source from which on it would be too far.
    cursor: Cursor,
    /// Lines before the text: its properties.
    before: usize,
    /// The line at hand, from 1.
    pub(crate) line: usize,
    column: usize,
    alignments: Vec<TableAlignment>,
    in_header: bool,
    rows: usize,
    pub(crate) links_seen: usize,
}

pub(crate) fn write(source: &str, context: &Context<'_>) -> Written {
    let (written, misspelled) = pass(source, context, Vec::new(), INCLUDED, HashMap::new());
    if misspelled.is_empty() {
        return written;
    }
    // The ids are known only at the end.
    pass(source, context, Vec::new(), INCLUDED, misspelled).0
}

/// The same for a text that other pages show.
pub(crate) fn write_below(source: &str, context: &Context<'_>, including: Vec<String>, includable: usize) -> Written {
    pass(source, context, including, includable, HashMap::new()).0
}

/// Writes a text. Returns which links to headings it should have known, too.
fn pass(
    source: &str,
    context: &Context<'_>,
    including: Vec<String>,
    includable: usize,
    anchors: HashMap<String, String>,
) -> (Written, HashMap<String, String>) {
    let syntax = Syntax { mark: Mark::absent_from(source), extras: context.options.extras };
    let mut definitions = Definitions::default();
    let (properties, body) = front_matter(source);
    let before = source[..source.len() - body.len()].matches('\n').count();
    let doc = blocks::split(body, &syntax, &mut definitions, 0);
    let out = Written {
        html: String::new(),
        toc: Vec::new(),
        links: Vec::new(),
        places: Vec::new(),
        requires: Requires::default(),
        text: String::new(),
        has_raw_html: false,
        typed: Typed::default(),
        depends: Vec::new(),
        includable,
    };
    let mut writer = Writer {
        context,
        out,
        definitions,
        syntax,
        specials: Vec::new(),
        including,
        depth: 0,
        slugs: Slugs::default(),
        contents_at: Vec::new(),
        anchors,
        fragments: Vec::new(),
        noted: Vec::new(),
        references: 0,
        has_title: false,
        colours: highlight::BUDGET,
        input: None,
        nested: 0,
        html_open: raw::Open::default(),
        html_before: 0,
        text_run: 0,
        heading: None,
        image: Vec::new(),
        alt: String::new(),
        cursor: Cursor { line: context.cursor_line.map(|line| line.saturating_sub(before)), at: 0 },
        before,
        line: before + 1,
        column: 0,
        alignments: Vec::new(),
        in_header: false,
        rows: 0,
        links_seen: 0,
    };
    writer.document(doc);
    if writer.cursor.line.is_some() {
        writer.out.html.insert_str(writer.cursor.at, " <span id=\"otterwiki_cursor\"></span> ");
    }
    writer.footnotes();
    if let Some(properties) = properties {
        writer.properties(properties);
    }
    writer.fill_contents();
    let misspelled = writer.misspelled(source);
    for entry in &mut writer.out.toc {
        entry.html = SafeHtml::from_trusted_producer(writer.out.typed.fill_in(entry.html.as_str()));
    }
    (writer.out, misspelled)
}

/// A node of which nothing below is written.
enum Skip<'a> {
    Nothing,
    Below(Node<'a>),
}

impl Writer<'_> {
    /// Writes a text that was split; special blocks inside come back here.
    pub(crate) fn document(&mut self, doc: Doc) {
        if doc.markdown.trim().is_empty() {
            return;
        }
        let arena = Arena::new();
        let root = self.parse(&arena, &doc.markdown);
        let lines = if self.depth == 0 { doc.lines } else { Vec::new() };
        let outer = std::mem::replace(&mut self.specials, doc.specials.into_iter().map(Some).collect());
        self.depth += 1;
        self.tree(root, &doc.markdown, &lines);
        self.depth -= 1;
        self.specials = outer;
    }

    /// A text of one line inside another, such as the title of a wikilink.
    pub(crate) fn inline(&mut self, text: &str) {
        if !text.contains(['*', '_', '`', '~', '=', '$', '<', '&', '\\', '!']) || self.depth > blocks::DEPTH {
            return self.text(text);
        }
        let arena = Arena::new();
        let root = self.parse(&arena, text);
        match root.first_child().filter(|child| matches!(child.data().value, NodeValue::Paragraph) && child.next_sibling().is_none()) {
            Some(paragraph) => {
                self.depth += 1;
                paragraph.children().for_each(|child| self.tree(child, text, &[]));
                self.depth -= 1;
            }
            None => self.text(text),
        }
    }

    fn parse<'a>(&self, arena: &'a Arena<'a>, markdown: &str) -> Node<'a> {
        let (definitions, mark) = (&self.definitions, &self.syntax.mark);
        let resolve = move |reference: BrokenLinkReference<'_>| {
            if let Some(label) = reference.original.strip_prefix('^') {
                let note = definitions.note(label)?;
                return Some(ResolvedReference { url: format!("{}note:{note}", mark.word()), title: String::new() });
            }
            let (url, title) = definitions.link_target(reference.original)?;
            Some(ResolvedReference { url: url.to_string(), title: title.to_string() })
        };
        let mut options = parser_options(&self.context.options);
        options.parse.broken_link_callback = Some(Arc::new(resolve));
        parse_document(arena, markdown, &options)
    }

    /// `origin` says of each line where it stood in the page, if that is known.
    fn tree<'a>(&mut self, root: Node<'a>, source: &str, origin: &[usize]) {
        let mut skip = Skip::Nothing;
        let lines = Lines::new(source);
        for edge in root.traverse() {
            match edge {
                NodeEdge::Start(node) if matches!(skip, Skip::Nothing) => {
                    self.follow_lines(node, origin);
                    self.follow_cursor(node, origin);
                    if self.start(node, &lines) {
                        skip = Skip::Below(node);
                    }
                }
                NodeEdge::End(node) => match skip {
                    Skip::Below(skipped) if std::ptr::eq(skipped, node) => skip = Skip::Nothing,
                    Skip::Below(_) => {}
                    Skip::Nothing => self.end(node, &lines),
                },
                NodeEdge::Start(_) => {}
            }
        }
    }
}

/// Finds what stands at a place of the source.
pub(crate) struct Lines<'s> {
    source: &'s str,
    starts: std::cell::OnceCell<Vec<usize>>,
}

impl<'s> Lines<'s> {
    fn new(source: &'s str) -> Self {
        Self { source, starts: std::cell::OnceCell::new() }
    }
    /// The source from where a node begins.
    pub(crate) fn at(&self, node: Node<'_>) -> &'s str {
        let starts = self.starts.get_or_init(|| std::iter::once(0).chain(self.source.match_indices('\n').map(|(at, _)| at + 1)).collect());
        let position = node.data().sourcepos.start;
        let start = position.line.checked_sub(1).and_then(|line| starts.get(line)).map(|start| start + position.column.saturating_sub(1));
        start.and_then(|start| self.source.get(start..)).unwrap_or_default()
    }
}

impl Writer<'_> {
    /// Notes in which line of the source a node begins, if that is known.
    fn follow_lines(&mut self, node: Node<'_>, origin: &[usize]) {
        let line = node.data().sourcepos.start.line.checked_sub(1).and_then(|line| origin.get(line));
        self.line = line.map_or(self.line, |line| self.before + line + 1);
    }
    /// Notes where a block begins that is not behind the cursor.
    fn follow_cursor(&mut self, node: Node<'_>, origin: &[usize]) {
        let (Some(wanted), false) = (self.cursor.line, origin.is_empty()) else { return };
        let data = node.data();
        let begins = matches!(
            data.value,
            NodeValue::Paragraph
                | NodeValue::Heading(_)
                | NodeValue::CodeBlock(_)
                | NodeValue::HtmlBlock(_)
                | NodeValue::Table(_)
                | NodeValue::ThematicBreak
        );
        if begins && data.sourcepos.start.line.checked_sub(1).and_then(|line| origin.get(line)).is_some_and(|line| *line <= wanted) {
            self.cursor.at = self.out.html.len();
        }
    }
    pub(crate) fn push(&mut self, html: &str) {
        if html.starts_with('<') {
            self.text_run = 0;
        }
        self.out.html.push_str(html);
    }
    /// Text of the page: escaped into the HTML, as it is into the words; into the alternative text while an image is open.
    pub(crate) fn text(&mut self, text: &str) {
        if self.image.is_empty() && self.definitions.has_abbreviations() {
            self.abbreviated(text);
        } else {
            self.literal(text);
        }
    }
    /// Whether what is written now is alternative text.
    pub(crate) fn in_image(&self) -> bool {
        !self.image.is_empty()
    }
    /// Text in which nothing means anything.
    pub(crate) fn literal(&mut self, text: &str) {
        // Ids of headings are made of their words, pictures left out.
        if self.image.is_empty() || self.heading.is_none() {
            self.out.text.push_str(text);
        }
        if self.image.is_empty() { self.escaped(text) } else { self.alt.push_str(text) }
    }
    /// Text as HTML. A long row of it is kept from the sanitizer, which has nothing to look for in it and takes time that grows with the square
    /// of its length.
    fn escaped(&mut self, text: &str) {
        self.text_run += text.len();
        if self.text_run <= TEXT_RUN {
            return escape(&mut self.out.html, text);
        }
        let run = self.text_run;
        let mut html = String::new();
        escape(&mut html, text);
        self.typed(html);
        self.text_run = run;
    }
    /// Code with what was taken out of it by mistake: the parser saw code where we saw a block. Only code: in text a reference such as `&#104;`
    /// could spell the mark.
    fn restored<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !text.contains(self.syntax.mark.word()) {
            return Cow::Borrowed(text);
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((index, place)) = self.syntax.mark.find(rest) {
            out.push_str(&rest[..place.start]);
            if let Some(Some((_, source))) = self.specials.get(index) {
                out.push_str(source.trim_end_matches('\n'));
            }
            rest = &rest[place.end..];
        }
        out.push_str(rest);
        Cow::Owned(out)
    }
    fn abbreviated(&mut self, text: &str) {
        self.out.text.push_str(text);
        let (mut done, mut in_word) = (0, false);
        let mut at = 0;
        while at < text.len() {
            let Some(c) = text[at..].chars().next() else { break };
            let found = (!in_word || !c.is_alphanumeric()).then(|| self.definitions.abbreviation_at(&text[at..])).flatten();
            if let Some((key, expansion)) = found {
                let mut html = String::new();
                escape(&mut html, &text[done..at]);
                html.push_str("<abbr");
                if !expansion.is_empty() {
                    html.push_str(" title=\"");
                    escape(&mut html, expansion);
                    html.push('"');
                }
                html.push('>');
                escape(&mut html, key);
                html.push_str("</abbr>");
                at += key.len();
                done = at;
                in_word = key.ends_with(char::is_alphanumeric);
                self.push(&html);
                continue;
            }
            in_word = c.is_alphanumeric() || c == '_';
            at += c.len_utf8();
        }
        self.escaped(&text[done..]);
    }
    /// Markup of our own making.
    pub(crate) fn typed(&mut self, html: String) {
        let place = self.out.typed.keep(html);
        self.push(&place);
    }
    pub(crate) fn formula(&mut self, tex: &str, place: Place) {
        self.out.requires.mathjax = true;
        if !self.image.is_empty() {
            return self.literal(tex);
        }
        self.out.text.push_str(tex);
        if self.context.purpose == Purpose::Page {
            self.typed(mathml(tex, place, self.context.options.language));
        }
    }
    pub(crate) fn attribute(&mut self, name: &str, value: &str) {
        self.push(&format!(" {name}=\""));
        escape(&mut self.out.html, value);
        self.push("\"");
    }
    /// Words of ours in the language of the wiki, escaped.
    pub(crate) fn said(&self, english: &str) -> String {
        let mut html = String::new();
        escape(&mut html, &self.context.options.language.say(english));
        html
    }
    /// The same for what stands above a column of a list.
    pub(crate) fn column(&self, english: &str) -> String {
        let mut html = String::new();
        escape(&mut html, &self.context.options.language.say_as("column", english));
        html
    }
    pub(crate) fn line(&mut self) {
        if !self.out.text.ends_with('\n') {
            self.out.text.push('\n');
        }
    }
    /// Markup; left out of alternative text.
    pub(crate) fn tag(&mut self, html: &str) {
        if self.image.is_empty() {
            self.push(html);
        }
    }

    /// Begins a node. Whether all of it is written already.
    fn start(&mut self, node: Node<'_>, lines: &Lines<'_>) -> bool {
        let data = node.data();
        if let NodeValue::Paragraph | NodeValue::Heading(_) | NodeValue::TableCell = data.value {
            self.html_before = self.html_open.depth();
            self.html_open.begin_paragraph();
        }
        match &data.value {
            NodeValue::BlockQuote | NodeValue::List(_) if self.nested >= NESTED => self.nested += 1,
            NodeValue::Item(_) | NodeValue::TaskItem(_) if self.nested > NESTED => {}
            NodeValue::BlockQuote => {
                self.nested += 1;
                self.push("<blockquote>\n");
            }
            NodeValue::List(list) => {
                self.nested += 1;
                match (list.list_type, list.start) {
                    (ListType::Bullet, _) => self.push("<ul>\n"),
                    (ListType::Ordered, 1) => self.push("<ol>\n"),
                    (ListType::Ordered, start) => self.push(&format!("<ol start=\"{start}\">\n")),
                }
            }
            NodeValue::Item(_) => self.push("<li>"),
            NodeValue::TaskItem(task) => {
                let checked = if task.symbol.is_some() { " checked=\"\"" } else { "" };
                let label = self.said("Task");
                let input =
                    format!("<input class=\"task-list-item-checkbox\" type=\"checkbox\" aria-label=\"{label}\" disabled=\"\"{checked}>");
                self.push("<li class=\"task-list-item\">");
                // In a loose list it stands in the first paragraph.
                match node.first_child().filter(|child| matches!(child.data().value, NodeValue::Paragraph) && !is_tight(child)) {
                    Some(_) => self.input = Some(input),
                    None => self.push(&input),
                }
            }
            NodeValue::CodeBlock(code) => self.code_block(code),
            NodeValue::HtmlBlock(block) => self.raw_block(&block.literal),
            NodeValue::Paragraph if self.contents(node) => return true,
            NodeValue::Paragraph if self.caption(node).is_some() => self.push("<figure class=\"image\">"),
            NodeValue::Paragraph if !is_tight(node) => {
                self.push("<p>");
                let input = self.input.take().unwrap_or_default();
                self.push(&input);
            }
            NodeValue::Heading(heading) => {
                self.has_title |= heading.level == 1;
                self.heading = Some((self.out.html.len(), self.out.text.len()));
            }
            NodeValue::ThematicBreak => self.push("<hr>\n"),
            NodeValue::Table(table) => {
                self.alignments.clone_from(&table.alignments);
                self.rows = 0;
                self.push("<table>\n");
            }
            NodeValue::TableRow(header) => {
                self.in_header = *header;
                self.column = 0;
                self.push(if *header {
                    "<thead>\n<tr>\n"
                } else if self.rows == 0 {
                    "<tbody>\n<tr>\n"
                } else {
                    "<tr>\n"
                });
                self.rows += usize::from(!*header);
            }
            NodeValue::TableCell => self.cell_start(),
            NodeValue::Text(text) => self.text(text),
            NodeValue::SoftBreak => self.text("\n"),
            NodeValue::LineBreak => {
                self.tag("<br>\n");
                self.out.text.push('\n');
            }
            NodeValue::Code(code) => match code.literal.strip_prefix('$').and_then(|rest| rest.strip_suffix('$')) {
                // GitLab's form of a formula.
                Some(tex) if !tex.is_empty() => self.formula(tex, Place::Inline),
                _ => {
                    self.tag("<code>");
                    let literal = self.restored(&code.literal).into_owned();
                    // CommonMark takes one blank off each side; here they stay (spec/markdown.md §3.3).
                    let blanks = lines.at(node).trim_start_matches('`').starts_with(&format!(" {} `", code.literal));
                    self.literal(if blanks { " " } else { "" });
                    self.literal(&literal);
                    self.literal(if blanks { " " } else { "" });
                    self.tag("</code>");
                }
            },
            NodeValue::HtmlInline(tag) => self.raw_block(tag),
            NodeValue::Emph => self.tag("<em>"),
            NodeValue::Strong => self.tag("<strong>"),
            // One tilde is a tilde here.
            NodeValue::Strikethrough if tildes(node) == 1 => self.text("~"),
            NodeValue::Strikethrough => self.tag("<del>"),
            // One sign of equality in it and it is none.
            NodeValue::Highlight if has_equals(lines.at(node)) => self.text("=="),
            NodeValue::Highlight => self.tag("<mark>"),
            NodeValue::Link(link) => {
                if let Some(note) = link.url.strip_prefix(self.syntax.mark.word()).and_then(|rest| rest.strip_prefix("note:")) {
                    self.footnote_reference(note.parse().unwrap_or_default());
                    return true;
                }
                // Addresses without a scheme are links only where somebody made them one (spec §3.3).
                if let Some(shown) = guessed(node, link, lines) {
                    self.text(&shown);
                    return true;
                }
                self.link_start(node, link);
            }
            NodeValue::WikiLink(link) => {
                self.wikilink(node, &link.url, lines);
                return true;
            }
            NodeValue::Image(link) => {
                if self.image.is_empty() {
                    self.alt.clear();
                }
                self.remember(&link.url, LinkKind::Image);
                self.image.push((link.url.clone(), link.title.clone()));
            }
            NodeValue::Math(math) => {
                let place = if math.display_math { Place::Block } else { Place::Inline };
                self.formula(&math.literal, place);
            }
            // Everything else is an extra, or has no markup of its own.
            _ => self.extra_start(node),
        }
        false
    }

    fn end(&mut self, node: Node<'_>, lines: &Lines<'_>) {
        let data = node.data();
        if let NodeValue::Paragraph | NodeValue::Heading(_) | NodeValue::TableCell = data.value {
            // What writers left open ends with its block.
            let ends = self.html_open.end_formatting(self.html_before);
            self.push(&ends);
        }
        match &data.value {
            NodeValue::BlockQuote | NodeValue::List(_) if self.nested > NESTED => self.nested -= 1,
            NodeValue::Item(_) | NodeValue::TaskItem(_) if self.nested > NESTED => self.line(),
            NodeValue::BlockQuote => {
                self.nested -= 1;
                self.push("</blockquote>\n");
            }
            NodeValue::List(list) => {
                self.nested -= 1;
                self.push(if list.list_type == ListType::Bullet { "</ul>\n" } else { "</ol>\n" });
            }
            NodeValue::Item(_) | NodeValue::TaskItem(_) => {
                self.push("</li>\n");
                self.line();
            }
            NodeValue::Paragraph => {
                if let Some(caption) = self.caption(node) {
                    self.push("<figcaption>");
                    self.text(&caption);
                    self.push("</figcaption></figure>\n");
                } else if !is_tight(node) {
                    self.push("</p>\n");
                } else if node.next_sibling().is_some() {
                    self.push("\n");
                }
                self.line();
            }
            NodeValue::Heading(heading) => self.heading_end(heading.level),
            NodeValue::Table(_) => {
                self.push(if self.rows > 0 { "</tbody></table>\n" } else { "<tbody></tbody></table>\n" });
            }
            NodeValue::TableRow(header) => {
                self.push(if *header { "</tr>\n</thead>\n" } else { "</tr>\n" });
                self.line();
            }
            NodeValue::TableCell => {
                self.push(if self.in_header { "</th>\n" } else { "</td>\n" });
                self.out.text.push(' ');
                self.column += 1;
            }
            NodeValue::Emph => self.tag("</em>"),
            NodeValue::Strong => self.tag("</strong>"),
            NodeValue::Strikethrough if tildes(node) == 1 => self.text("~"),
            NodeValue::Strikethrough => self.tag("</del>"),
            NodeValue::Highlight if has_equals(lines.at(node)) => self.text("=="),
            NodeValue::Highlight => self.tag("</mark>"),
            NodeValue::Link(_) => self.tag("</a>"),
            NodeValue::Image(_) => self.image_end(),
            _ => self.extra_end(node),
        }
    }

    fn heading_end(&mut self, level: u8) {
        let Some((html_start, text_start)) = self.heading.take() else { return };
        let inner = self.out.html.split_off(html_start);
        let text = self.out.text[text_start..].split_whitespace().collect::<Vec<_>>().join(" ");
        let anchor = self.slugs.next(&text);
        self.push(&format!("<h{level}"));
        self.attribute("id", &anchor);
        self.push(">");
        self.push(&inner);
        self.push("<a class=\"anchor\"");
        self.attribute("href", &format!("#{anchor}"));
        let label = self.context.options.language.say_with("Link to “{}”", &[&text]);
        self.attribute("aria-label", &label);
        self.push(&format!("><i class=\"fas fa-link\"></i></a></h{level}>\n"));
        self.line();
        if self.out.toc.len() < HEADINGS {
            // Raw HTML in a heading shows in the page; the outline has its words only.
            let html =
                if inner.contains('<') && self.out.has_raw_html { SafeHtml::escape(&text) } else { SafeHtml::from_trusted_producer(inner) };
            self.out.toc.push(Heading { index: self.out.toc.len(), html, level, text, anchor });
        }
    }

    fn code_block(&mut self, code: &NodeCodeBlock) {
        let info = Info::parse(&code.info);
        let literal = self.restored(&code.literal).into_owned();
        let kind = code.info.trim().trim_end_matches('=').trim_end();
        match kind {
            "mermaid" => {
                self.out.requires.mermaid = true;
                self.push("<pre class=\"mermaid\">");
                self.literal(&literal.trim().replace("\\n", "<br/>"));
                self.push("\n</pre>\n");
            }
            // A formula per line, unless lines belong together.
            "math" if literal.contains("\\begin{") || literal.contains("\\\\") => self.formula(literal.trim(), Place::Block),
            "math" => literal.lines().map(str::trim).filter(|line| !line.is_empty()).for_each(|line| {
                self.formula(line, Place::Block);
                self.out.text.push('\n');
            }),
            _ => {
                self.out.text.push_str(&literal);
                if self.context.purpose == Purpose::Page {
                    let html = code::block(&info, &literal, &self.said("Copy to clipboard"), &mut self.colours);
                    self.typed(html);
                    self.push("\n");
                }
            }
        }
        self.line();
    }

    /// A piece of raw HTML, with the special blocks that stand in it.
    fn raw_block(&mut self, html: &str) {
        let mut rest = html;
        while let Some((index, place)) = self.syntax.mark.find(rest) {
            if !rest[..place.start].trim().is_empty() {
                self.raw_html(&rest[..place.start]);
            }
            if let Some((special, _)) = self.specials.get_mut(index).and_then(Option::take) {
                self.special(special);
            }
            rest = &rest[place.end..];
        }
        if !rest.trim().is_empty() || html.len() == rest.len() {
            self.raw_html(rest);
        }
    }

    /// A block or a tag as the writer typed it: let through if everything in it is harmless, shown as text if not.
    fn raw_html(&mut self, html: &str) {
        if !self.image.is_empty() {
            return;
        }
        let accepted = raw::is_acceptable(html, &self.context.options.html_allowlist).then(|| self.html_open.follow(html)).flatten();
        if let Some(html) = accepted {
            self.out.has_raw_html = true;
            self.push(&html);
            self.out.text.push_str(&raw::words(&html));
        } else {
            self.text(html);
        }
    }

    fn cell_start(&mut self) {
        let align = match self.alignments.get(self.column) {
            Some(TableAlignment::Left) => " style=\"text-align:left\"",
            Some(TableAlignment::Center) => " style=\"text-align:center\"",
            Some(TableAlignment::Right) => " style=\"text-align:right\"",
            _ => "",
        };
        self.push(if self.in_header { "<th" } else { "<td" });
        self.push(align);
        self.push(">");
    }
}

/// Paragraphs of a tight list stand without `<p>`.
fn is_tight(node: Node<'_>) -> bool {
    let Some(item) = node.parent() else { return false };
    if let NodeValue::DescriptionTerm | NodeValue::DescriptionDetails = item.data().value {
        return item.first_child().is_some_and(|child| child.next_sibling().is_none());
    }
    let in_item = matches!(item.data().value, NodeValue::Item(_) | NodeValue::TaskItem(_));
    in_item && item.parent().is_some_and(|list| matches!(&list.data().value, NodeValue::List(list) if list.tight))
}

/// Whether a text that begins with `==` has a single `=` before the next `==`.
fn has_equals(source: &str) -> bool {
    let mut bytes = source.bytes().skip(2).peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'=' => return bytes.peek() != Some(&b'='),
            b'\n' if bytes.peek() == Some(&b'\n') => return false,
            _ => {}
        }
    }
    false
}

/// How many tildes began it.
fn tildes(node: Node<'_>) -> usize {
    let start = |node: Node<'_>| node.data().sourcepos.start.column;
    node.first_child().map_or(2, |child| start(child).saturating_sub(start(node)))
}
