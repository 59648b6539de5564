//! What other wikis have and Otterwiki shows as it is typed; only where [`crate::Extras`] are on, so that no imported page changes.

use crate::context::{Extras, Heading};
use crate::slug::{Slugs, slug};
use crate::typed::escape;
use crate::write::Writer;
use comrak::nodes::{Node, NodeValue};
use percent_encoding::percent_decode_str;
use std::collections::HashMap;

/// Most headings of a contents list inside a page.
const ENTRIES: usize = 500;
/// Most such lists in a page.
const LISTS: usize = 8;

/// The names of emoji that contain `text`, each with its sign: those that `:name:` means.
pub fn emoji(text: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    emojis::iter().flat_map(|emoji| emoji.shortcodes().map(|name| (name, emoji.as_str()))).filter(move |(name, _)| name.contains(text))
}

impl Writer<'_> {
    fn extras(&self) -> bool {
        self.context.options.extras == Extras::On
    }

    /// Begins a node that only the extras know.
    pub(crate) fn extra_start(&mut self, node: Node<'_>) {
        match &node.data().value {
            NodeValue::Superscript if is_word(node) => self.tag("<sup>"),
            NodeValue::Subscript if is_word(node) => self.tag("<sub>"),
            NodeValue::Superscript => self.text("^"),
            NodeValue::Subscript => self.text("~"),
            NodeValue::ShortCode(code) => self.text(&code.emoji),
            NodeValue::DescriptionList => self.push("<dl>\n"),
            NodeValue::DescriptionTerm => self.push("<dt>"),
            NodeValue::DescriptionDetails => self.push("<dd>"),
            _ => {}
        }
    }

    /// Ends it.
    pub(crate) fn extra_end(&mut self, node: Node<'_>) {
        match &node.data().value {
            NodeValue::Superscript if is_word(node) => self.tag("</sup>"),
            NodeValue::Subscript if is_word(node) => self.tag("</sub>"),
            NodeValue::Superscript => self.text("^"),
            NodeValue::Subscript => self.text("~"),
            NodeValue::DescriptionList => self.push("</dl>\n"),
            NodeValue::DescriptionTerm => {
                self.push("</dt>\n");
                self.line();
            }
            NodeValue::DescriptionDetails => {
                self.push("</dd>\n");
                self.line();
            }
            _ => {}
        }
    }

    /// A paragraph that is nothing but `[[toc]]`: a place for the contents, which are known at the end. Whether it was one.
    pub(crate) fn contents(&mut self, paragraph: Node<'_>) -> bool {
        let only = only_child(paragraph).filter(|_| self.extras() && self.contents_at.len() < LISTS);
        let found = only.is_some_and(|child| match &child.data().value {
            NodeValue::WikiLink(link) => ["toc", "_toc_"].iter().any(|name| link.url.eq_ignore_ascii_case(name)),
            _ => false,
        });
        if found {
            self.contents_at.push(self.out.typed.next());
            self.typed(String::new());
            self.push("\n");
        }
        found
    }

    /// Fills those places.
    pub(crate) fn fill_contents(&mut self) {
        for place in std::mem::take(&mut self.contents_at) {
            let html = contents(&self.out.toc, &self.said("Contents"));
            self.out.typed.set(place, html);
        }
    }

    /// The caption of a paragraph that is nothing but an image with a title.
    pub(crate) fn caption(&self, paragraph: Node<'_>) -> Option<String> {
        let child = only_child(paragraph).filter(|_| self.extras())?;
        let data = child.data();
        let NodeValue::Image(image) = &data.value else { return None };
        Some(image.title.trim().to_string()).filter(|title| !title.is_empty())
    }

    /// The id that a link to `#fragment` means; remembered if it is not known yet.
    pub(crate) fn anchor(&mut self, fragment: &str) -> Option<String> {
        if !self.extras() || fragment.is_empty() {
            return None;
        }
        let fragment = percent_decode_str(fragment).decode_utf8_lossy().into_owned();
        let known = self.anchors.get(&fragment).cloned();
        if known.is_none() && self.fragments.len() < ENTRIES {
            self.fragments.push(fragment);
        }
        known
    }

    /// Links to headings that are meant but not spelled as their ids are: by their text, or as GitHub spells them. An id that the writer
    /// typed is left alone.
    pub(crate) fn misspelled(&self, source: &str) -> HashMap<String, String> {
        let meant = |fragment: &String| {
            if self.slugs.has(fragment) {
                // Wikilinks are written in ASCII otherwise.
                return (slug(fragment) != *fragment).then(|| (fragment.clone(), fragment.clone()));
            }
            let id = Slugs::base(fragment);
            let typed = ["\"", "'"].iter().any(|quote| source.contains(&format!("{quote}{fragment}{quote}")));
            (self.slugs.has(&id) && !typed).then(|| (fragment.clone(), id))
        };
        self.fragments.iter().filter_map(meant).collect()
    }
}

fn only_child<'a>(node: Node<'a>) -> Option<Node<'a>> {
    node.first_child().filter(|child| child.next_sibling().is_none())
}

/// Whether what is raised or lowered is one word: `2^10 and 2^20` is arithmetic.
fn is_word(node: Node<'_>) -> bool {
    only_child(node).is_some_and(|child| matches!(&child.data().value, NodeValue::Text(text) if !text.contains(char::is_whitespace)))
}

fn contents(toc: &[Heading], label: &str) -> String {
    let mut html = format!("<nav class=\"toc-inline\" aria-label=\"{label}\">\n");
    let mut open: Vec<u8> = Vec::new();
    for heading in toc.iter().take(ENTRIES) {
        while open.len() > 1 && open.last().is_some_and(|level| *level > heading.level) {
            html.push_str("</li></ul>");
            open.pop();
        }
        match open.last() {
            Some(level) if *level >= heading.level => html.push_str("</li>\n<li>"),
            _ => {
                html.push_str("<ul>\n<li>");
                open.push(heading.level);
            }
        }
        html.push_str("<a href=\"#");
        escape(&mut html, &heading.anchor);
        html.push_str("\">");
        escape(&mut html, &heading.text);
        html.push_str("</a>");
    }
    html.push_str(&"</li></ul>".repeat(open.len()));
    html.push_str("</nav>");
    html
}
