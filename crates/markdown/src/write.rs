//! The tree to HTML, in one walk without recursion. Everything a writer typed is escaped here, except raw HTML that [`crate::raw`] lets
//! through, which the sanitizer sees again.

use crate::context::{Context, Heading, Link, LinkKind, Requires, Target};
use crate::slug::Slugs;
use crate::urls::{Use, checked, is_external};
use crate::{links, raw};
use comrak::arena_tree::NodeEdge;
use comrak::nodes::{AlertType, ListType, Node, NodeCodeBlock, NodeLink, NodeValue, TableAlignment};
use holt_core::SafeHtml;
use holt_core::html::escape_into;

pub(crate) struct Written {
    pub(crate) html: String,
    pub(crate) toc: Vec<Heading>,
    pub(crate) links: Vec<Link>,
    pub(crate) requires: Requires,
    pub(crate) text: String,
    pub(crate) has_raw_html: bool,
}

/// Most headings in the table of contents, and links that are remembered (security.md INP-8).
const HEADINGS: usize = 1_000;
const LINKS: usize = 5_000;

struct Writer<'c> {
    context: &'c Context<'c>,
    out: Written,
    slugs: Slugs,
    /// Where the open heading's HTML and text begin.
    heading: Option<(usize, usize)>,
    /// Depth of open images: their content is alternative text, not markup.
    image: Vec<(String, String)>,
    alt: String,
    column: usize,
    alignments: Vec<TableAlignment>,
    in_header: bool,
    rows: usize,
    links_seen: usize,
}

pub(crate) fn write(document: Node<'_>, context: &Context<'_>) -> Written {
    let out = Written {
        html: String::new(),
        toc: Vec::new(),
        links: Vec::new(),
        requires: Requires::default(),
        text: String::new(),
        has_raw_html: false,
    };
    let mut writer = Writer {
        context,
        out,
        slugs: Slugs::default(),
        heading: None,
        image: Vec::new(),
        alt: String::new(),
        column: 0,
        alignments: Vec::new(),
        in_header: false,
        rows: 0,
        links_seen: 0,
    };
    let has_title = document.children().any(|node| matches!(&node.data().value, NodeValue::Heading(h) if h.level == 1));
    for edge in document.traverse() {
        match edge {
            NodeEdge::Start(node) => writer.start(node, has_title),
            NodeEdge::End(node) => writer.end(node),
        }
    }
    writer.out
}

impl Writer<'_> {
    fn push(&mut self, html: &str) {
        self.out.html.push_str(html);
    }
    /// Text of the page: escaped into the HTML, as it is into the words; into the alternative text while an image is open.
    fn text(&mut self, text: &str) {
        self.out.text.push_str(text);
        if self.image.is_empty() { escape_into(&mut self.out.html, text) } else { self.alt.push_str(text) }
    }
    fn attribute(&mut self, name: &str, value: &str) {
        self.push(&format!(" {name}=\""));
        escape_into(&mut self.out.html, value);
        self.push("\"");
    }
    fn line(&mut self) {
        if !self.out.text.ends_with('\n') {
            self.out.text.push('\n');
        }
    }
    /// Markup; left out of alternative text.
    fn tag(&mut self, html: &str) {
        if self.image.is_empty() {
            self.push(html);
        }
    }

    fn start(&mut self, node: Node<'_>, has_title: bool) {
        let data = node.data();
        match &data.value {
            NodeValue::FrontMatter(yaml) => self.front_matter(yaml, has_title),
            NodeValue::BlockQuote => self.push("<blockquote>\n"),
            NodeValue::List(list) => match (list.list_type, list.start) {
                (ListType::Bullet, _) => self.push("<ul>\n"),
                (ListType::Ordered, 1) => self.push("<ol>\n"),
                (ListType::Ordered, start) => self.push(&format!("<ol start=\"{start}\">\n")),
            },
            NodeValue::Item(_) => self.push("<li>"),
            NodeValue::TaskItem(task) => {
                let checked = if task.symbol.is_some() { " checked=\"\"" } else { "" };
                self.push(&format!(
                    "<li class=\"task-list-item\"><input class=\"task-list-item-checkbox\" type=\"checkbox\" disabled=\"\"{checked}>"
                ));
            }
            NodeValue::CodeBlock(code) => self.code_block(code),
            NodeValue::HtmlBlock(block) => self.raw_html(&block.literal),
            NodeValue::Paragraph if !is_tight(node) => self.push("<p>"),
            NodeValue::Heading(_) => self.heading = Some((self.out.html.len(), self.out.text.len())),
            NodeValue::ThematicBreak => self.push("<hr>\n"),
            NodeValue::FootnoteDefinition(_) => self.footnote_definition(node),
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
            NodeValue::Code(code) => {
                self.tag("<code>");
                self.text(&code.literal);
                self.tag("</code>");
            }
            NodeValue::HtmlInline(tag) => self.raw_html(tag),
            NodeValue::Emph => self.tag("<em>"),
            NodeValue::Strong => self.tag("<strong>"),
            NodeValue::Strikethrough => self.tag("<del>"),
            NodeValue::Highlight => self.tag("<mark>"),
            NodeValue::Link(link) => self.link_start(node, link),
            NodeValue::WikiLink(link) => self.wikilink_start(&link.url),
            NodeValue::Image(link) => {
                if self.image.is_empty() {
                    self.alt.clear();
                }
                self.remember(&link.url, LinkKind::Image);
                self.image.push((link.url.clone(), link.title.clone()));
            }
            NodeValue::FootnoteReference(reference) => {
                let (number, index) = (reference.ix, reference.ref_num);
                let suffix = if index > 1 { format!("-{index}") } else { String::new() };
                self.tag(&format!("<sup class=\"footnote-ref\" id=\"fnref-{number}{suffix}\"><a href=\"#fn-{number}\">{number}</a></sup>"));
            }
            NodeValue::Math(math) => {
                self.out.requires.mathjax = true;
                let (open, close, class) = if math.display_math { ("\\[", "\\]", "math math-display") } else { ("\\(", "\\)", "math") };
                self.tag(&format!("<span class=\"{class}\">{open}"));
                self.text(&math.literal);
                self.tag(&format!("{close}</span>"));
            }
            NodeValue::Alert(alert) => {
                let (kind, icon) = alert_kind(alert.alert_type);
                let class = kind.to_lowercase();
                self.push(&format!(
                    "<div class=\"quote-alert quote-alert-{class}\"><div class=\"quote-alert-header\"><i class=\"{icon}\"></i> "
                ));
                let title = alert.title.as_deref().unwrap_or(kind).to_string();
                escape_into(&mut self.out.html, &title);
                self.push("</div>");
            }
            NodeValue::BlockDirective(block) => {
                self.push("<div class=\"");
                let family = fancy_family(&block.info);
                escape_into(&mut self.out.html, &family);
                self.push("\" role=\"alert\">");
            }
            // Everything else is an extension that is switched off, or has no markup of its own.
            _ => {}
        }
    }

    fn end(&mut self, node: Node<'_>) {
        let data = node.data();
        match &data.value {
            NodeValue::BlockQuote => self.push("</blockquote>\n"),
            NodeValue::List(list) => self.push(if list.list_type == ListType::Bullet { "</ul>\n" } else { "</ol>\n" }),
            NodeValue::Item(_) | NodeValue::TaskItem(_) => {
                self.push("</li>\n");
                self.line();
            }
            NodeValue::Paragraph => {
                if !is_tight(node) {
                    self.push("</p>\n");
                } else if node.next_sibling().is_some() {
                    self.push("\n");
                }
                self.line();
            }
            NodeValue::Heading(heading) => self.heading_end(heading.level),
            NodeValue::FootnoteDefinition(_) => {
                self.push("</li>\n");
                if !node.next_sibling().is_some_and(is_footnote) {
                    self.push("</ol></section>\n");
                }
                self.line();
            }
            NodeValue::Table(_) => {
                if self.rows > 0 {
                    self.push("</tbody>");
                }
                self.push("</table>\n");
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
            NodeValue::Strikethrough => self.tag("</del>"),
            NodeValue::Highlight => self.tag("</mark>"),
            NodeValue::Link(_) | NodeValue::WikiLink(_) => self.tag("</a>"),
            NodeValue::Image(_) => self.image_end(),
            NodeValue::Alert(_) | NodeValue::BlockDirective(_) => self.push("</div>\n"),
            _ => {}
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
        self.attribute("aria-label", &format!("Link to “{text}”"));
        self.push(&format!("><i class=\"fas fa-link\"></i></a></h{level}>\n"));
        self.line();
        if self.out.toc.len() < HEADINGS {
            // Raw HTML in a heading shows in the page; the outline has its words only.
            let html =
                if inner.contains('<') && self.out.has_raw_html { SafeHtml::escape(&text) } else { SafeHtml::from_trusted_producer(inner) };
            self.out.toc.push(Heading { index: self.out.toc.len(), html, level, text, anchor });
        }
    }

    fn front_matter(&mut self, raw: &str, has_title: bool) {
        let yaml = raw.trim().trim_start_matches("---").trim_end_matches("---").trim();
        self.push("<details class=\"collapse-panel\" id=\"frontmatter\">\n<summary class=\"collapse-header\">Properties</summary>\n<div class=\"collapse-content\">\n<pre>");
        escape_into(&mut self.out.html, yaml);
        self.push("</pre>\n</div>\n</details>\n");
        let title =
            yaml.lines().find_map(|line| line.strip_prefix("title:")).map(|value| value.trim().trim_matches(['"', '\'']).to_string());
        if let Some(title) = title.filter(|title| !has_title && !title.is_empty() && title.parse::<f64>().is_err()) {
            self.push("<h1>");
            self.text(&title);
            self.push("</h1>\n");
            self.line();
        }
    }

    fn code_block(&mut self, code: &NodeCodeBlock) {
        let language = code.info.split([' ', '\t', '{', '=']).next().unwrap_or_default();
        if language == "mermaid" {
            self.out.requires.mermaid = true;
            self.push("<pre class=\"mermaid\">");
            let source = code.literal.trim().to_string();
            self.text(&source);
            self.push("\n</pre>\n");
            self.line();
            return;
        }
        self.push("<div class=\"copy-to-clipboard-outer\"><div class=\"copy-to-clipboard-inner\"><button class=\"btn alt-dm btn-xsm copy-to-clipboard\" type=\"button\" aria-label=\"Copy to clipboard\"><i class=\"fa fa-copy\" aria-hidden=\"true\"></i></button></div><pre class=\"copy-to-clipboard code\">");
        if language.is_empty() {
            self.push("<code>");
        } else {
            self.push("<code");
            let class = format!("language-{}", language.to_lowercase());
            self.attribute("class", &class);
            self.push(">");
        }
        let literal = code.literal.clone();
        self.text(&literal);
        self.push("</code></pre></div>\n");
        self.line();
    }

    /// A block or a tag as the writer typed it: let through if everything in it is harmless, shown as text if not.
    fn raw_html(&mut self, html: &str) {
        if !self.image.is_empty() {
            return;
        }
        if raw::is_acceptable(html) {
            self.out.has_raw_html = true;
            self.push(html);
            self.out.text.push_str(&raw::words(html));
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

    fn footnote_definition(&mut self, node: Node<'_>) {
        if !node.previous_sibling().is_some_and(is_footnote) {
            self.push("<hr><section class=\"footnotes\">\n<ol>\n");
        }
        let mut number = 1;
        let mut before = node.previous_sibling();
        while let Some(sibling) = before.filter(|sibling| is_footnote(sibling)) {
            number += 1;
            before = sibling.previous_sibling();
        }
        self.push(&format!("<li id=\"fn-{number}\"><a class=\"footnote\" href=\"#fnref-{number}\" aria-label=\"Back to the text\"><i class=\"fas fa-long-arrow-alt-up\"></i>↑</a> "));
    }

    fn remember(&mut self, url: &str, kind: LinkKind) {
        self.links_seen += 1;
        if self.links_seen <= LINKS
            && let Some(target) = links::resolve(url, self.context.page_url)
        {
            // Markdown of other tools links to files: `other.md` is the page `other`.
            let target = if kind == LinkKind::Markdown { links::page_of(target) } else { target };
            self.out.links.push(Link { target, kind });
        }
    }

    fn link_start(&mut self, node: Node<'_>, link: &NodeLink) {
        self.remember(&link.url, LinkKind::Markdown);
        if !self.image.is_empty() {
            return;
        }
        let mut url = links::written(&link.url, self.context.page_url);
        let mut class = "";
        if let (Some(known), Some(path)) = (self.context.links, links::resolve(&link.url, self.context.page_url)) {
            let fragment = link.url.find(['?', '#']).map_or("", |at| &link.url[at..]).to_string();
            match known.target(&links::page_of(path)) {
                Target::Page { url: canonical } => url = canonical + &fragment,
                Target::Unknown => {}
                Target::Missing => class = "missing",
            }
        }
        self.push("<a");
        let url = checked(&url, Use::Link);
        self.attribute("href", &url);
        if !link.title.trim().is_empty() {
            self.attribute("title", &link.title);
        }
        if is_external(&url) {
            if self.context.options.open_links_in_new_tab && url.to_ascii_lowercase().starts_with("http") {
                self.push(" class=\"external\" target=\"_blank\"");
            }
            self.push(" rel=\"nofollow noopener noreferrer ugc\"");
        } else if !class.is_empty() {
            self.attribute("class", class);
        }
        self.push(">");
        if node.first_child().is_none() {
            self.text(&link.url);
        }
    }

    fn wikilink_start(&mut self, target: &str) {
        let mut link = links::wikilink(target);
        let mut class = "wikilink";
        if let Some(path) = &link.path {
            self.links_seen += 1;
            if self.links_seen <= LINKS {
                self.out.links.push(Link { target: path.clone(), kind: LinkKind::Wikilink });
            }
            match self.context.links.map(|links| links.target(path)) {
                Some(Target::Page { url }) => link.href = url + &link.fragment,
                Some(Target::Missing) => class = "wikilink missing",
                _ => {}
            }
        }
        if self.image.is_empty() {
            self.push("<a");
            self.attribute("class", class);
            self.attribute("href", &link.href);
            self.push(">");
        }
    }

    fn image_end(&mut self) {
        let Some((url, title)) = self.image.pop() else { return };
        if !self.image.is_empty() {
            return;
        }
        let alt = std::mem::take(&mut self.alt);
        self.push("<img class=\"img-fluid\" loading=\"lazy\"");
        self.attribute("alt", &alt);
        self.attribute("src", &checked(&links::written(&url, self.context.page_url), Use::Image));
        if !title.trim().is_empty() {
            self.attribute("title", &title);
        }
        self.push(">");
    }
}

/// Paragraphs of a tight list stand without `<p>`.
fn is_tight(node: Node<'_>) -> bool {
    let Some(item) = node.parent() else { return false };
    let in_item = matches!(item.data().value, NodeValue::Item(_) | NodeValue::TaskItem(_));
    in_item && item.parent().is_some_and(|list| matches!(&list.data().value, NodeValue::List(list) if list.tight))
}

fn is_footnote(node: Node<'_>) -> bool {
    matches!(node.data().value, NodeValue::FootnoteDefinition(_))
}

fn alert_kind(kind: AlertType) -> (&'static str, &'static str) {
    match kind {
        AlertType::Note => ("Note", "fas fa-info-circle"),
        AlertType::Tip => ("Tip", "far fa-lightbulb"),
        AlertType::Important => ("Important", "far fa-comment-alt"),
        AlertType::Warning => ("Warning", "fas fa-exclamation-triangle"),
        AlertType::Caution => ("Caution", "fas fa-exclamation-circle"),
    }
}

/// Classes of `::: family` (spec/markdown.md §4.9).
fn fancy_family(info: &str) -> String {
    let family = info.trim().to_lowercase();
    match family.as_str() {
        "info" | "blue" => "alert alert-primary mb-20".into(),
        "warning" | "yellow" => "alert alert-secondary mb-20".into(),
        "danger" | "red" => "alert alert-danger mb-20".into(),
        "success" | "green" => "alert alert-success mb-20".into(),
        "none" | "empty" => "alert mb-20".into(),
        other => format!("alert alert-{other} mb-20"),
    }
}
