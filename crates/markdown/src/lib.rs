//! Markdown text and a small context in; HTML, outline, links and plain text out. Pure and re-entrant: no I/O, no global state.
//!
//! comrak parses; the writer here turns its tree into HTML and escapes everything on the way. Raw HTML of a page is judged piece by piece
//! (`raw.rs`) and the whole result then goes through the sanitizer; a page without raw HTML does not need it.

#[cfg(all(feature = "unsafe-html", not(debug_assertions)))]
compile_error!("unsafe-html is a control for tests: it has no place in a release");

mod allowlist;
mod blocks;
mod code;
mod context;
mod data_table;
mod definitions;
mod embed;
mod embed_options;
mod extras;
mod highlight;
mod lines;
mod linking;
mod links;
mod math;
mod pages;
mod properties;
mod raw;
mod rewrite;
mod sections;
mod slug;
mod special;
mod typed;
mod urls;
mod write;

pub use allowlist::Allowlist;
pub use context::{
    Context, Dependency, Extras, FileEntry, Heading, IncludedPage, Link, LinkKind, Links, Options, PageEntry, Pages, PlaceLink, Purpose,
    Rendered, Requires, Target, WikilinkStyle,
};
pub use extras::emoji;
pub use properties::{Properties, properties};
pub use rewrite::rewrite_links;
pub use sections::section;
pub use slug::slug;

use holt_core::SafeHtml;
use std::borrow::Cow;

/// Renders a page.
pub fn render(source: &str, context: &Context<'_>) -> Rendered {
    // A byte order mark would hide front matter.
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let source = if source.contains('\r') { Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(source) };
    let written = write::write(&source, context);
    let description = description(&written.text, &written.toc);
    let (html, written) = finished(written, context);
    Rendered {
        // Everything user-written in it was escaped by the writer or passed the sanitizer.
        html: SafeHtml::from_trusted_producer(html),
        toc: written.toc,
        links: written.links,
        places: written.places,
        depends: written.depends,
        requires: written.requires,
        text: written.text,
        description,
    }
}

/// The HTML of what was written: sanitized if users typed HTML, then with what we made ourselves and the sanitizer would not know.
fn finished(mut written: write::Written, context: &Context<'_>) -> (String, write::Written) {
    let html = std::mem::take(&mut written.html);
    let html = if written.has_raw_html { raw::sanitize(&html, &context.options.html_allowlist) } else { html };
    (written.typed.fill_in(&html), written)
}

/// The text of the first heading, found without rendering: the first ATX heading, else the first Setext one, among the first 512
/// characters (spec/wiki.md §5.2).
pub fn title(source: &str) -> Option<String> {
    let end = source.char_indices().nth(512).map_or(source.len(), |(at, _)| at);
    let head = &source[..end];
    let clean = |text: &str| {
        let text = text.trim().trim_end_matches('#').trim();
        (!text.is_empty()).then(|| text.replace(['*', '`'], ""))
    };
    let atx = head.lines().find_map(|line| {
        let rest = line.trim_start_matches('#');
        let level = line.len() - rest.len();
        ((1..=6).contains(&level) && rest.starts_with([' ', '\t'])).then(|| clean(rest))?
    });
    atx.or_else(|| {
        let lines: Vec<&str> = head.lines().collect();
        lines.windows(2).find_map(|pair| {
            let underline = pair[1].trim_end();
            let is_underline = !underline.is_empty() && (underline.bytes().all(|b| b == b'=') || underline.bytes().all(|b| b == b'-'));
            (is_underline && !pair[0].trim().is_empty()).then(|| clean(pair[0]))?
        })
    })
}

pub(crate) fn parser_options<'c>(options: &Options) -> comrak::Options<'c> {
    let mut parser = comrak::Options::default();
    let extension = &mut parser.extension;
    extension.strikethrough = true;
    extension.table = true;
    extension.autolink = true;
    extension.tasklist = true;
    extension.highlight = true;
    extension.math_dollars = true;
    extension.cjk_friendly_emphasis = true;
    if options.extras == Extras::On {
        extension.superscript = true;
        extension.subscript = true;
        extension.shortcodes = true;
        extension.description_lists = true;
    }
    match options.wikilink_style {
        WikilinkStyle::TitleFirst => extension.wikilinks_title_before_pipe = true,
        WikilinkStyle::TargetFirst => extension.wikilinks_title_after_pipe = true,
    }
    parser
}

/// The first words after the title, at most 200 characters.
fn description(text: &str, toc: &[Heading]) -> String {
    let title = toc.first().map(|heading| heading.text.as_str()).unwrap_or_default();
    let body = text.trim_start();
    let body = body.strip_prefix(title).unwrap_or(body);
    let mut words = String::new();
    let mut count = 0;
    for word in body.split_whitespace() {
        let length = word.chars().count();
        if count + length + 1 > 200 {
            break;
        }
        if count > 0 {
            words.push(' ');
        }
        words.push_str(word);
        count += length + 1;
    }
    words
}
