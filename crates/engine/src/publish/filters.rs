//! How templates say something in the language of the wiki: `{{ "Save"|t }}`. The server's templates use the same filters.
//!
//! The language comes with the values a template is drawn with, so that no view has a field for it. Only our own texts go through these
//! filters, never what users wrote; what comes out is escaped like any text.

#![expect(missing_docs, reason = "askama makes a struct and a method of each filter, which nobody names")]

use askama::{Values, filter_fn, get_value};
use holt_core::{Language, SafeHtml};
use std::any::Any;
use std::fmt::Display;
use std::ops::Index;

const LANGUAGE: &str = "language";

/// What a template is drawn with.
struct Spoken(Language);

impl Values for Spoken {
    fn get_value<'a>(&'a self, key: &str) -> Option<&'a dyn Any> {
        (key == LANGUAGE).then_some(&self.0 as &dyn Any)
    }
}

/// English where nobody said anything else.
fn language(values: &dyn Values) -> Language {
    get_value::<Language>(values, LANGUAGE).copied().unwrap_or_default()
}

/// A text of ours.
#[filter_fn]
pub fn t(text: impl AsRef<str>, values: &dyn Values) -> askama::Result<String> {
    Ok(language(values).say(text.as_ref()).into_owned())
}

/// A key with one hole, and what stands in it.
#[filter_fn]
pub fn t_with<V: Display>(key: impl AsRef<str>, values: &dyn Values, value: V) -> askama::Result<String> {
    Ok(language(values).say_with(key.as_ref(), &[&value.to_string()]))
}

/// A key with two holes, and what stands in them.
#[filter_fn]
pub fn t_with2<V: Display, W: Display>(key: impl AsRef<str>, values: &dyn Values, one: V, other: W) -> askama::Result<String> {
    Ok(language(values).say_with(key.as_ref(), &[&one.to_string(), &other.to_string()]))
}

/// A key cut at its holes, for values that are markup: `{% let s = "By {}"|cut %}{{ s[0] }}<b>{{ name }}</b>{{ s[1] }}`.
#[filter_fn]
pub fn cut(key: impl AsRef<str>, values: &dyn Values) -> askama::Result<Pieces> {
    Ok(Pieces(language(values).cut(key.as_ref())))
}

/// The text between the holes of a key.
pub struct Pieces(Vec<String>);

impl Index<usize> for Pieces {
    type Output = str;
    /// Nothing behind the last.
    fn index(&self, at: usize) -> &str {
        self.0.get(at).map_or("", String::as_str)
    }
}

/// A compiled template in a language: it escapes everything that is not [`SafeHtml`] already.
pub fn draw(view: &impl askama::Template, language: Language) -> holt_core::Result<SafeHtml> {
    let html = view.render_with_values(&Spoken(language)).map_err(|e| holt_core::Error::internal("fill a template").because(e))?;
    Ok(SafeHtml::from_trusted_producer(html))
}
