//! HTML that writers type. First each piece is judged: harmless ones stay, others are shown as text, so that writers see what happened
//! (spec/markdown.md §11). Then the whole page goes through the sanitizer, which alone is trusted (security.md MD-1, MD-2).

use crate::allowlist::Allowlist;
use crate::urls::{Use, allowed};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Elements a writer may type.
const TAGS: &[&str] = &[
    "p",
    "br",
    "hr",
    "span",
    "div",
    "i",
    "b",
    "strong",
    "em",
    "u",
    "s",
    "strike",
    "del",
    "ins",
    "sub",
    "sup",
    "mark",
    "small",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "code",
    "pre",
    "kbd",
    "samp",
    "var",
    "blockquote",
    "q",
    "cite",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "td",
    "th",
    "caption",
    "col",
    "colgroup",
    "a",
    "img",
    "abbr",
    "address",
    "time",
    "details",
    "summary",
    "video",
    "audio",
    "source",
    "input",
    "label",
    "figure",
    "figcaption",
];

fn attributes(tag: &str) -> &'static [&'static str] {
    match tag {
        "a" => &["href", "name"],
        "img" => &["src", "alt", "width", "height", "loading"],
        "time" => &["datetime"],
        "td" | "th" => &["colspan", "rowspan", "align", "valign", "width", "scope"],
        "col" | "colgroup" => &["span", "width"],
        "table" => &["border", "cellpadding", "cellspacing", "width"],
        "video" => &["controls", "width", "height", "poster", "src"],
        "audio" => &["controls", "src"],
        "source" => &["src", "type"],
        "input" => &["type", "checked", "id", "value", "disabled"],
        "label" => &["for"],
        "details" => &["open"],
        "ol" => &["start", "type"],
        "div" | "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => &["align", "role"],
        "span" => &["role"],
        _ => &[],
    }
}

const GENERIC: &[&str] = &["id", "class", "title", "style", "lang", "dir"];

/// Properties of style attributes that stay (DESIGN §6): alignment, size, colour, border, margin, padding. Never a position, never an address.
const STYLES: &[&str] = &[
    "color",
    "background-color",
    "text-align",
    "vertical-align",
    "float",
    "clear",
    "width",
    "height",
    "max-width",
    "min-width",
    "max-height",
    "min-height",
    "font-size",
    "font-weight",
    "font-style",
    "font-family",
    "line-height",
    "text-decoration",
    "white-space",
    "border",
    "border-top",
    "border-right",
    "border-bottom",
    "border-left",
    "border-color",
    "border-style",
    "border-width",
    "border-radius",
    "border-collapse",
    "margin",
    "margin-top",
    "margin-right",
    "margin-bottom",
    "margin-left",
    "padding",
    "padding-top",
    "padding-right",
    "padding-bottom",
    "padding-left",
    "list-style-type",
];

/// Whether everything in a piece of HTML is harmless. Only decides what is shown as text; safety comes from [`sanitize`].
pub(crate) fn is_acceptable(html: &str, more: &Allowlist) -> bool {
    if cfg!(feature = "unsafe-html") {
        return true;
    }
    if is_dense(html) {
        return false;
    }
    // Nobody but us may name a piece that is filled in later.
    if html.contains(crate::typed::MARK) || decode_entities(html).contains(crate::typed::MARK) {
        return false;
    }
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            let Some(end) = comment.find("-->") else { return false };
            if comment[..end].contains(['<', '>']) {
                return false;
            }
            rest = &comment[end + 3..];
            continue;
        }
        let closing = rest.starts_with('/');
        let name_start = rest.strip_prefix('/').unwrap_or(rest);
        if !name_start.starts_with(|c: char| c.is_ascii_alphabetic()) {
            if rest.starts_with(['!', '?', '/']) {
                return false;
            }
            continue;
        }
        let Some((tag, after)) = parse_tag(name_start) else { return false };
        if !closing && !tag_is_acceptable(&tag, more) {
            return false;
        }
        rest = after;
    }
    true
}

/// Most elements of raw HTML inside each other: the sanitizer takes time that grows with the square of the depth.
const DEPTH: usize = 100;

/// Elements that have no end.
const VOID: &[&str] = &["br", "hr", "img", "input", "source", "col"];
/// Elements that end by themselves where the next of their kind begins.
const IMPLIED: &[&str] = &["p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot"];
/// Elements that browsers open again in every block that follows, if they are still open when the block around them ends (WHATWG HTML
/// §13.2.4.3): a few bytes could become many.
const FORMATTING: &[&str] =
    &["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u", "span", "mark", "sub", "sup"];

/// Elements that do not end a paragraph.
const INLINE: &[&str] = &["del", "ins", "kbd", "samp", "var", "q", "cite", "abbr", "time", "video", "audio", "label"];

/// Which elements of raw HTML are open.
#[derive(Debug, Default)]
pub(crate) struct Open {
    names: Vec<String>,
    /// How many were open where the innermost element began that ends by itself.
    implied: Option<usize>,
    /// Whether that is a paragraph: every block ends it.
    paragraph: bool,
}

impl Open {
    /// A paragraph begins.
    pub(crate) fn begin_paragraph(&mut self) {
        (self.implied, self.paragraph) = (Some(self.names.len()), true);
    }
    /// How many are open.
    pub(crate) fn depth(&self) -> usize {
        self.names.len()
    }
    /// The ends of the formatting elements that were opened since there were `depth`.
    pub(crate) fn end_formatting(&mut self, depth: usize) -> String {
        let mut ends = String::new();
        let mut at = self.names.len();
        while at > depth {
            at -= 1;
            if FORMATTING.contains(&self.names[at].as_str()) {
                ends.push_str(&format!("</{}>", self.names.remove(at)));
            }
        }
        ends
    }
    /// Follows what a piece of HTML opens and ends. The piece with the ends that it lacks; none, and nothing changed, if it would go too deep.
    pub(crate) fn follow<'h>(&mut self, html: &'h str) -> Option<Cow<'h, str>> {
        let before = self.names.clone();
        let (mut out, mut done) = (String::new(), 0);
        let mut at = 0;
        while let Some(next) = html[at..].find('<') {
            let start = at + next;
            at = start + 1;
            let rest = &html[at..];
            let ends = rest.starts_with('/');
            let name = rest.strip_prefix('/').unwrap_or(rest);
            let name = name[..name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len())].to_ascii_lowercase();
            if name.is_empty() || VOID.contains(&name.as_str()) {
                continue;
            }
            let is_implied = IMPLIED.contains(&name.as_str());
            let mut lacking = String::new();
            if is_implied {
                if let Some(depth) = self.implied.take() {
                    lacking = self.end_formatting(depth);
                }
                self.implied = (!ends).then_some(self.names.len());
                self.paragraph = name == "p";
            } else if ends {
                if let Some(place) = self.names.iter().rposition(|known| *known == name) {
                    if !FORMATTING.contains(&name.as_str()) {
                        lacking = self.end_formatting(place + 1);
                        self.implied = None;
                    }
                    self.names.truncate(place);
                }
            } else if self.names.len() >= DEPTH {
                self.names = before;
                return None;
            } else {
                if self.paragraph && !INLINE.contains(&name.as_str()) && !FORMATTING.contains(&name.as_str()) {
                    lacking = self.implied.take().map(|depth| self.end_formatting(depth)).unwrap_or_default();
                    self.paragraph = false;
                }
                self.names.push(name);
            }
            if !lacking.is_empty() {
                out.push_str(&html[done..start]);
                out.push_str(&lacking);
                done = start;
            }
        }
        if done == 0 {
            return Some(Cow::Borrowed(html));
        }
        out.push_str(&html[done..]);
        Some(Cow::Owned(out))
    }
}

/// Most signs in a row of text, or in a tag, that are written otherwise than they are: the serializer looks at the rest of the text for each.
const ESCAPED: usize = 4_096;

fn is_dense(html: &str) -> bool {
    html.split('<').any(|piece| piece.bytes().filter(|byte| matches!(byte, b'&' | 0xc2)).count() > ESCAPED)
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

/// A tag up to its `>`; none if it has no end or is malformed.
fn parse_tag(text: &str) -> Option<(Tag, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))?;
    let (name, mut rest) = text.split_at(end);
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return Some((Tag { name: name.to_ascii_lowercase(), attributes }, after));
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/' | '"' | '\'' | '<'))?;
        if end == 0 {
            return None;
        }
        let (attribute, after) = rest.split_at(end);
        rest = after.trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            (value, rest) = match after.chars().next()? {
                quote @ ('"' | '\'') => after[1..].split_once(quote)?,
                _ => after.split_at(after.find(|c: char| c.is_ascii_whitespace() || c == '>')?),
            };
        }
        attributes.push((attribute.to_ascii_lowercase(), value.to_string()));
    }
}

fn tag_is_acceptable(tag: &Tag, more: &Allowlist) -> bool {
    if !TAGS.contains(&tag.name.as_str()) && !more.tag(&tag.name) {
        return false;
    }
    tag.attributes.iter().all(|(name, value)| {
        let known = GENERIC.contains(&name.as_str()) || attributes(&tag.name).contains(&name.as_str()) || more.attribute(&tag.name, name);
        known && value_is_acceptable(&tag.name, name, value)
    })
}

fn value_is_acceptable(tag: &str, name: &str, value: &str) -> bool {
    let once = decode_entities(value);
    let value = decode_entities(&once);
    match name {
        "href" => allowed(&value, Use::Link),
        "src" | "poster" | "background" | "cite" | "data" | "action" | "longdesc" | "srcset" | "ping" => allowed(&value, Use::Image),
        "style" => !is_suspicious(&value),
        "type" if tag == "input" => value.eq_ignore_ascii_case("checkbox"),
        _ => true,
    }
}

/// Whether a style attribute is more than sizes and colours.
fn is_suspicious(style: &str) -> bool {
    let lower = style.to_lowercase();
    ["url(", "expression", "@import", "\\", "javascript", "/*", "position", "behavior", "<", "\""].iter().any(|bad| lower.contains(bad))
}

/// What may stay of a style attribute that a writer asks for in an embedding.
pub(crate) fn style(value: &str) -> String {
    if is_suspicious(value) {
        return String::new();
    }
    let known =
        |declaration: &&str| declaration.split_once(':').is_some_and(|(name, _)| STYLES.contains(&name.trim().to_lowercase().as_str()));
    background_colour(value).split(';').map(str::trim).filter(known).collect::<Vec<_>>().join(";")
}

/// `background`, where it is nothing but a colour, under the name that may stay.
fn background_colour(style: &str) -> Cow<'_, str> {
    if !style.contains("background") {
        return Cow::Borrowed(style);
    }
    let named = |declaration: &str| match declaration.split_once(':') {
        Some((name, value)) if name.trim() == "background" && value.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '#') => {
            format!("background-color:{value}")
        }
        _ => declaration.to_string(),
    };
    Cow::Owned(style.split(';').map(named).collect::<Vec<_>>().join(";"))
}

/// The few references that hide schemes; anything undecoded with `&` in front of a colon is refused by the scheme check.
fn decode_entities(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '#')).unwrap_or(rest.len());
        let name = &rest[..end];
        let number = name.strip_prefix('#').and_then(|n| match n.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => n.parse().ok(),
        });
        let known = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "colon" => Some(':'),
            "Tab" => Some('\t'),
            "NewLine" => Some('\n'),
            "sol" => Some('/'),
            "lpar" => Some('('),
            "rpar" => Some(')'),
            _ => number.and_then(char::from_u32),
        };
        match known {
            Some(c) => {
                decoded.push(c);
                rest = rest[end..].strip_prefix(';').unwrap_or(&rest[end..]);
            }
            None => decoded.push('&'),
        }
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// The words of a piece of HTML, for search.
pub(crate) fn words(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        rest = after.split_once('>').map_or("", |(_, after)| after);
        text.push(' ');
    }
    text.push_str(rest);
    decode_entities(&text).into_owned()
}

static SANITIZER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    static NOTHING: LazyLock<Allowlist> = LazyLock::new(Allowlist::default);
    sanitizer(&NOTHING)
});

fn sanitizer(more: &Allowlist) -> ammonia::Builder<'_> {
    let mut builder = ammonia::Builder::default();
    // Ours besides the writers': copy buttons and footnotes.
    let tags: HashSet<&str> = TAGS.iter().copied().chain(["button", "section"]).chain(more.tags().map(|(tag, _)| tag)).collect();
    let mut by_tag: HashMap<&str, HashSet<&str>> = TAGS.iter().map(|tag| (*tag, attributes(tag).iter().copied().collect())).collect();
    for (tag, attributes) in more.tags() {
        by_tag.entry(tag).or_default().extend(attributes.iter().map(String::as_str));
    }
    by_tag.entry("a").or_default().extend(["rel", "target"]);
    by_tag.entry("button").or_default().insert("type");
    builder
        .tags(tags)
        .clean_content_tags(HashSet::from(["script", "style"]))
        .tag_attributes(by_tag)
        .generic_attributes(
            GENERIC
                .iter()
                .copied()
                .chain(["role", "aria-label", "aria-hidden"])
                .chain(more.everywhere().iter().map(String::as_str))
                .collect(),
        )
        .filter_style_properties(STYLES.iter().copied().collect::<HashSet<&str>>())
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "ftp", "ftps", "irc", "ircs", "data"]))
        .link_rel(None)
        .strip_comments(true)
        .attribute_filter(|tag, name, value| match name {
            "id" | "name" if value.to_ascii_lowercase().starts_with("holt-") => None,
            "href" if !allowed(value, Use::Link) => Some(crate::urls::HARMFUL.into()),
            "src" | "poster" | "background" | "cite" | "data" | "action" | "longdesc" | "srcset" | "ping"
                if !allowed(value, Use::Image) =>
            {
                Some(crate::urls::HARMFUL.into())
            }
            "type" if tag == "input" && value != "checkbox" => None,
            "type" if tag == "button" => Some("button".into()),
            "style" => Some(background_colour(value).into_owned().into()),
            _ => Some(value.into()),
        });
    builder
}

/// The page with everything removed that is not on the lists above, and every element closed.
pub(crate) fn sanitize(html: &str, more: &Allowlist) -> String {
    if cfg!(feature = "unsafe-html") {
        return html.to_string();
    }
    if more.is_empty() { SANITIZER.clean(html).to_string() } else { sanitizer(more).clean(html).to_string() }
}
