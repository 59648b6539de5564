//! HTML that may be sent as it is. The type is the proof that text passed through escaping or the sanitizer (security.md MD-1).

use std::fmt;

/// HTML that is safe to send. Made by [`SafeHtml::escape`] from any text, or by the renderer from typed nodes and the sanitizer.
///
/// ```compile_fail
/// // The field is private: text does not become HTML by wrapping it.
/// let html = holt_core::SafeHtml("<script>".to_string());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SafeHtml(String);

impl SafeHtml {
    /// Any text, shown as itself.
    pub fn escape(text: &str) -> Self {
        let mut html = String::with_capacity(text.len() + 8);
        escape_into(&mut html, text);
        Self(html)
    }
    /// HTML vouched for by a producer that escaped or sanitised every user-written part of it.
    ///
    /// Callers: the renderer, compiled templates, and stores that hand back what one of those wrote. A tidy test lists them.
    pub fn from_trusted_producer(html: String) -> Self {
        Self(html)
    }
    /// The markup.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The markup, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for SafeHtml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Appends `text` to `html` with `& < > " '` escaped: fit for element content and quoted attribute values.
pub fn escape_into(html: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        html.push_str(&rest[..at]);
        html.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        });
        rest = &rest[at + 1..];
    }
    html.push_str(rest);
}
