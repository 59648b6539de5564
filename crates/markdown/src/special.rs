//! The special blocks and the footnotes as HTML.

use crate::blocks::{self, Special};
use crate::embed::without_paragraph;
use crate::lines::AlertKind;
use crate::math::Place;
use crate::typed::escape;
use crate::write::Writer;

impl Writer<'_> {
    pub(crate) fn special(&mut self, special: Special) {
        match special {
            Special::Spoiler(body) => {
                let label = self.said("Show what is hidden");
                self.push(&format!("<div class=\"spoiler\">\n<button class=\"spoiler-button\" type=\"button\" aria-label=\"{label}\"><i class=\"far fa-eye\"></i></button>\n"));
                self.document(body);
                self.push("</div>\n");
            }
            Special::Fold { summary, body } => {
                self.push("<details class=\"collapse-panel\">\n<summary class=\"collapse-header\">\n");
                self.plain(summary.as_deref().unwrap_or("..."));
                self.push("\n</summary>\n<div class=\"collapse-content\">");
                self.document(body);
                self.push("</div></details>\n");
            }
            Special::Alert { kind, title, body } => {
                let (class, label, icon) = alert(kind);
                self.push(&format!(
                    "<div class=\"quote-alert quote-alert-{class}\"><div class=\"quote-alert-header\"><i class=\"{icon}\"></i> "
                ));
                match title {
                    Some(title) => self.plain(&title),
                    None => self.push(&self.said(label)),
                }
                self.push("</div>");
                self.document(body);
                self.push("</div>\n");
            }
            Special::Fancy { family, header, body } => {
                self.push("<div");
                self.attribute("class", &fancy(&family));
                self.push(" role=\"alert\">");
                if let Some(header) = header {
                    self.push("<h4 class=\"alert-heading\">");
                    self.plain(&header);
                    self.push("</h4>\n");
                }
                self.document(body);
                self.push("</div>\n");
            }
            Special::Math(tex) => {
                self.formula(&tex, Place::Block);
                self.push("\n");
                self.line();
            }
            Special::Embedding { name, body } => self.embedding(&name, &body),
        }
    }

    /// Text of a header: no markup in it means anything.
    fn plain(&mut self, text: &str) {
        escape(&mut self.out.html, text);
        self.out.text.push_str(text);
        self.line();
    }

    pub(crate) fn footnote_reference(&mut self, note: usize) {
        let in_image = self.in_image();
        let Some(definition) = self.definitions.notes.get_mut(note) else { return };
        if in_image {
            return self.literal(&(note + 1).to_string());
        }
        self.references += 1;
        if definition.references.is_empty() {
            self.noted.push(note);
        }
        definition.references.push(self.references);
        let (reference, number) = (self.references, note + 1);
        self.push(&format!("<sup class=\"footnote-ref\" id=\"fnref-{reference}\"><a href=\"#fn-{number}\">{number}</a></sup>"));
        self.out.text.push_str(&number.to_string());
    }

    /// The notes that were referred to, by number. A note may refer to others.
    pub(crate) fn footnotes(&mut self) {
        let mut written: Vec<(usize, String)> = Vec::new();
        while let Some(note) = self.noted.get(written.len()).copied() {
            let text = std::mem::take(&mut self.definitions.notes[note].text);
            let doc = blocks::split(&text, &self.syntax, &mut self.definitions, 1);
            let from = self.out.html.len();
            self.document(doc);
            let html = self.out.html.split_off(from);
            // The text stands beside its arrow.
            let html = html.trim_end();
            written.push((note, without_paragraph(html).into_owned()));
        }
        if written.is_empty() {
            return;
        }
        written.sort_by_key(|(note, _)| *note);
        self.push("<hr><section class=\"footnotes\">\n<ol>\n");
        for (note, html) in written {
            let number = note + 1;
            let references = std::mem::take(&mut self.definitions.notes[note].references);
            self.push(&format!("<li id=\"fn-{number}\" value=\"{number}\">"));
            const ARROW: &str = "<i class=\"fas fa-long-arrow-alt-up\"></i>";
            if let [only] = references.as_slice() {
                let label = self.said("Back to the text");
                self.push(&format!("<a class=\"footnote\" href=\"#fnref-{only}\" aria-label=\"{label}\">{ARROW}</a> "));
            } else {
                self.push(&format!("{ARROW} "));
                for (n, reference) in references.iter().enumerate() {
                    self.push(if n > 0 { ", " } else { "" });
                    self.push(&format!("<a class=\"footnote\" href=\"#fnref-{reference}\">{}</a>", letters(n)));
                }
                self.push(" ");
            }
            self.push(&html);
            self.push("</li>\n");
        }
        self.push("</ol>\n</section>\n");
    }
}

/// a … z, aa, ab …
fn letters(n: usize) -> String {
    let mut out = Vec::new();
    let mut rest = n + 1;
    while rest > 0 {
        rest -= 1;
        out.push(char::from(b'a' + u8::try_from(rest % 26).unwrap_or_default()));
        rest /= 26;
    }
    out.iter().rev().collect()
}

fn alert(kind: AlertKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        AlertKind::Note => ("note", "Note", "fas fa-info-circle"),
        AlertKind::Tip => ("tip", "Tip", "far fa-lightbulb"),
        AlertKind::Important => ("important", "Important", "far fa-comment-alt"),
        AlertKind::Warning => ("warning", "Warning", "fas fa-exclamation-triangle"),
        AlertKind::Caution => ("caution", "Caution", "fas fa-exclamation-circle"),
    }
}

/// Classes of `::: family` (spec/markdown.md §4.9).
fn fancy(family: &str) -> String {
    match family {
        "info" | "blue" => "alert alert-primary mb-20".into(),
        "warning" | "yellow" => "alert alert-secondary mb-20".into(),
        "danger" | "red" => "alert alert-danger mb-20".into(),
        "success" | "green" => "alert alert-success mb-20".into(),
        "none" | "empty" => "alert mb-20".into(),
        other => format!("alert alert-{other} mb-20"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn references_are_lettered() {
        let shown: Vec<String> = [0, 25, 26, 27, 51, 52, 701, 702].into_iter().map(super::letters).collect();
        assert_eq!(shown, ["a", "z", "aa", "ab", "az", "ba", "zz", "aaa"]);
    }
}
