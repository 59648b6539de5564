//! What an administrator lets writers type besides (spec/markdown.md §11.4).

use std::collections::BTreeMap;

/// Elements with their attributes, from the preference `RENDERER_HTML_ALLOWLIST`: `tag` or `tag[attribute attribute]`, separated by commas;
/// `*` stands for every element. Addresses and styles are checked all the same, and what runs code or swallows the page is never allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowlist(BTreeMap<String, Vec<String>>);

/// Elements that no list can allow: they run code, load documents, or end what is around them.
const NEVER: &[&str] = &[
    "script",
    "style",
    "svg",
    "math",
    "iframe",
    "frame",
    "frameset",
    "object",
    "embed",
    "applet",
    "form",
    "textarea",
    "select",
    "option",
    "template",
    "base",
    "link",
    "meta",
    "noscript",
    "noembed",
    "noframes",
    "plaintext",
    "xmp",
    "title",
    "html",
    "head",
    "body",
    "portal",
];

impl Allowlist {
    /// From the preference. What is not understood, or never allowed, is left out; of two items for one element the later counts.
    pub fn parse(text: &str) -> Self {
        let mut list = BTreeMap::new();
        for item in text.split(',') {
            let item = item.trim().to_ascii_lowercase();
            let (tag, rest) = item.split_once('[').unwrap_or((&item, ""));
            let tag = tag.trim();
            let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if (tag != "*" && !word(tag)) || NEVER.contains(&tag) {
                continue;
            }
            let fine =
                |name: &&str| word(name) && !name.starts_with("on") && !matches!(*name, "srcdoc" | "formaction" | "is" | "slot" | "part");
            let attributes = rest.trim_end_matches(']').split_whitespace().filter(fine).map(str::to_string).collect();
            list.insert(tag.to_string(), attributes);
        }
        Self(list)
    }
    /// Whether it allows nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub(crate) fn tags(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().filter(|(tag, _)| *tag != "*").map(|(tag, attributes)| (tag.as_str(), attributes.as_slice()))
    }
    pub(crate) fn everywhere(&self) -> &[String] {
        self.0.get("*").map_or(&[], Vec::as_slice)
    }
    pub(crate) fn tag(&self, tag: &str) -> bool {
        tag != "*" && self.0.contains_key(tag)
    }
    pub(crate) fn attribute(&self, tag: &str, name: &str) -> bool {
        let has = |attributes: &[String]| attributes.iter().any(|known| known == name);
        has(self.everywhere()) || self.0.get(tag).is_some_and(|attributes| has(attributes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        let list = Allowlist::parse("center, td[bgcolor Onclick], script, button[onclick type],*[align], font[color],, <x>");
        assert!(list.tag("center") && list.tag("button") && list.tag("font") && !list.tag("script") && !list.tag("*"));
        assert!(list.attribute("td", "bgcolor") && !list.attribute("td", "onclick") && list.attribute("font", "color"));
        assert!(list.attribute("p", "align") && !list.attribute("p", "bgcolor"));
        assert!(Allowlist::parse("").is_empty() && Allowlist::parse("iframe[src]").is_empty());
    }
}
