//! Links and images as they are written into a page, and remembered.

use crate::context::{Link, LinkKind, PlaceLink, Target};
use crate::links;
use crate::urls::{Use, checked, is_external};
use crate::write::{Lines, Writer};
use comrak::nodes::{Node, NodeLink, NodeValue};

/// Most links that are remembered (security.md INP-8).
const LINKS: usize = 5_000;

impl Writer<'_> {
    pub(crate) fn remember_file(&mut self, path: &str) {
        self.links_seen += 1;
        if self.links_seen <= LINKS {
            self.out.links.push(Link { target: path.to_string(), kind: LinkKind::Image, place: None, line: self.line });
        }
    }

    pub(crate) fn remember(&mut self, url: &str, kind: LinkKind) {
        self.links_seen += 1;
        if self.links_seen <= LINKS
            && let Some(target) = links::resolve(url, self.context.page_url)
        {
            // Markdown of other tools links to files: `other.md` is the page `other`.
            let target = if kind == LinkKind::Markdown { links::page_of(target) } else { target };
            let place = url.split_once('#').and_then(|(_, fragment)| links::place(fragment));
            self.out.links.push(Link { target, kind, place, line: self.line });
        }
    }

    /// A link to `#fragment` of the page itself.
    fn remember_place(&mut self, fragment: &str) {
        if self.out.places.len() < LINKS
            && let Some(place) = links::place(fragment)
        {
            self.out.places.push(PlaceLink { place, line: self.line });
        }
    }

    pub(crate) fn link_start(&mut self, node: Node<'_>, link: &NodeLink) {
        self.remember(&link.url, LinkKind::Markdown);
        if !self.image.is_empty() {
            return;
        }
        let mut url = links::written(&link.url, self.context.page_url);
        let mut class = "";
        if let Some(anchor) = link.url.strip_prefix('#').and_then(|fragment| self.anchor(fragment)) {
            url = format!("#{anchor}");
        }
        if let Some(fragment) = url.strip_prefix('#') {
            self.remember_place(fragment);
        }
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

    pub(crate) fn wikilink(&mut self, node: Node<'_>, target: &str, lines: &Lines<'_>) {
        let written = lines.at(node);
        let (bang, written) = written.strip_prefix('!').map_or(("", written), |rest| ("!", rest));
        if let Some((inner, _)) = written.strip_prefix("[[").and_then(|rest| rest.split_once("]]")) {
            // An exclamation mark before a link is one; pages are shown by `{{Include}}`.
            self.text(bang);
            if inner.is_empty() || inner.starts_with('|') || inner.ends_with('|') {
                return self.text(&format!("[[{inner}]]"));
            }
        }
        let mut link = links::wikilink(target);
        let mut class = "wikilink";
        if let Some(anchor) = target.strip_prefix('#').and_then(|fragment| self.anchor(fragment)) {
            link.href = format!("#{anchor}");
        }
        if let Some(fragment) = link.href.strip_prefix('#') {
            self.remember_place(fragment);
        }
        if let Some(path) = &link.path {
            self.links_seen += 1;
            if self.links_seen <= LINKS {
                let place = link.fragment.strip_prefix('#').and_then(links::place);
                self.out.links.push(Link { target: path.clone(), kind: LinkKind::Wikilink, place, line: self.line });
            }
            match self.context.links.map(|links| links.target(path)) {
                Some(Target::Page { url }) => link.href = url + &link.fragment,
                Some(Target::Missing) => class = "wikilink missing",
                _ => {}
            }
        }
        let mut title = String::new();
        for child in node.children() {
            if let NodeValue::Text(text) = &child.data().value {
                title.push_str(text);
            }
        }
        let title = if title.is_empty() { target.to_string() } else { title };
        if self.image.is_empty() {
            self.push("<a");
            self.attribute("class", class);
            self.attribute("href", &link.href);
            self.push(">");
            self.inline(&title);
            self.push("</a>");
        } else {
            self.literal(&title);
        }
    }

    pub(crate) fn image_end(&mut self) {
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

/// What stands there if the parser made a link of an address that nobody marked as one and that does not begin with http: `www.example.org`,
/// `a@b.c`. The source alone does not say: behind an escaped pipe of a table, places are one too small.
pub(crate) fn guessed(node: Node<'_>, link: &NodeLink, lines: &Lines<'_>) -> Option<String> {
    let child = node.first_child().filter(|child| child.next_sibling().is_none())?;
    let NodeValue::Text(shown) = &child.data().value else { return None };
    let made = link.url.strip_suffix(shown.as_ref())?;
    let unmarked = matches!(made, "mailto:" | "xmpp:")
        || (made == "http://" && shown.starts_with("www."))
        || (made.is_empty() && shown.contains(':') && !shown.starts_with("http"));
    (unmarked && !lines.at(node).starts_with(['[', '<'])).then(|| shown.to_string())
}
