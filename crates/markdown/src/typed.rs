//! Markup that we make ourselves and that no sanitizer list would know: formulas, highlighted code, frames. It is kept out of the page until
//! the sanitizer is done with what users wrote (DESIGN §6).

/// Stands around the number of a piece. Text of users never holds it: [`escape`] and the judge of raw HTML see to that.
pub(crate) const MARK: char = '\u{FDD0}';

/// The pieces of one page.
#[derive(Debug, Default)]
pub(crate) struct Typed(Vec<String>);

impl Typed {
    /// Keeps `html`; what is returned stands in its place.
    pub(crate) fn keep(&mut self, html: String) -> String {
        self.0.push(html);
        format!("{MARK}{}{MARK}", self.0.len() - 1)
    }
    /// The place of the piece that is kept next.
    pub(crate) fn next(&self) -> usize {
        self.0.len()
    }
    /// Puts `html` in the place of a piece that was kept.
    pub(crate) fn set(&mut self, place: usize, html: String) {
        if let Some(piece) = self.0.get_mut(place) {
            *piece = html;
        }
    }
    /// `html` with every piece in its place.
    pub(crate) fn fill_in(&self, html: &str) -> String {
        if self.0.is_empty() {
            return html.to_string();
        }
        let mut out = String::with_capacity(html.len() + self.0.iter().map(String::len).sum::<usize>());
        for (n, part) in html.split(MARK).enumerate() {
            match n % 2 {
                0 => out.push_str(part),
                _ => out.push_str(part.parse().ok().and_then(|n: usize| self.0.get(n)).map_or("", String::as_str)),
            }
        }
        out
    }
}

/// Text of users as HTML.
pub(crate) fn escape(html: &mut String, text: &str) {
    if cfg!(feature = "unsafe-html") {
        return html.push_str(text);
    }
    if text.contains(MARK) {
        holt_core::html::escape_into(html, &text.replace(MARK, "\u{FFFD}"));
    } else {
        holt_core::html::escape_into(html, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_where_they_were() {
        let mut typed = Typed::default();
        let mut html = String::from("a");
        html.push_str(&typed.keep("<math>x</math>".into()));
        escape(&mut html, "<\u{FDD0}0\u{FDD0}>");
        html.push_str(&typed.keep("<b>".into()));
        assert_eq!(typed.fill_in(&html), "a<math>x</math>&lt;\u{FFFD}0\u{FFFD}&gt;<b>");
        assert_eq!(Typed::default().fill_in("x"), "x");
    }
}
