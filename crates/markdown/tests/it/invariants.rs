//! What holds for every text whatsoever. Shared by the tests here and the fuzz targets in `fuzz/`; judged by a browser's parser (html5ever) with
//! lists of its own, so that the renderer does not vouch for itself.
#![allow(clippy::unwrap_used)]

use holt_markdown::{Context, Extras, FileEntry, IncludedPage, Options, PageEntry, Pages, Target, render, rewrite_links};
use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// A wiki in which every page is this text, for embeddings.
struct Mirror<'s>(&'s str);

impl Pages for Mirror<'_> {
    fn page(&self, path: &str) -> Option<IncludedPage> {
        Some(IncludedPage { path: path.to_string(), source: self.0.to_string() })
    }
    fn files(&self, _: &str) -> Vec<FileEntry> {
        let file = |text: &str| FileEntry { name: text.into(), bytes: 7, date: text.into(), author: text.into(), message: text.into() };
        vec![file("a.png"), file(self.0.get(..200.min(self.0.len())).unwrap_or_default())]
    }
    fn file_length(&self, _: &str) -> Option<u64> {
        Some(self.0.len() as u64)
    }
    fn file(&self, _: &str) -> Option<Vec<u8>> {
        Some(self.0.as_bytes().to_vec())
    }
    fn below(&self, _: &str) -> Vec<PageEntry> {
        vec![PageEntry { path: "a/b".into(), title: self.0.chars().take(80).collect(), exists: true }]
    }
    fn headings(&self, _: &str) -> Vec<(u8, String, String)> {
        vec![(1, "One".into(), "one".into()), (2, self.0.chars().take(80).collect(), "two".into())]
    }
}

impl holt_markdown::Links for Mirror<'_> {
    fn target(&self, path: &str) -> Target {
        if path.len().is_multiple_of(2) { Target::Missing } else { Target::Unknown }
    }
}

/// Everything that must hold for `source`.
pub fn hold(source: &str) {
    let mirror = Mirror(source);
    for extras in [Extras::Off, Extras::On] {
        let options = Options { extras, ..Options::default() };
        let context = Context {
            page_url: Some("/A/B"),
            options,
            links: Some(&mirror),
            pages: Some(&mirror),
            cursor_line: Some(3),
            ..Context::default()
        };
        let page = render(source, &context);
        let html = page.html.as_str();
        assert!(html.len() <= 200 * source.len() + 2 * 1024 * 1024, "{} bytes from {}", html.len(), source.len());
        assert_eq!(html, render(source, &context).html.as_str(), "the same text gave two pages");
        assert_eq!(html.matches("id=\"otterwiki_cursor\"").count().min(1), 1, "no cursor");
        judge(html).unwrap_or_else(|problem| panic!("{problem}\n{source:?}\n{html:?}"));
        for heading in &page.toc {
            judge(heading.html.as_str()).unwrap_or_else(|problem| panic!("outline: {problem}\n{source:?}"));
        }
        // A rename of a page that nobody links to changes nothing.
        assert!(rewrite_links(source, &|_| None, &context.options, "/A/B").is_none(), "a link was rewritten: {source:?}");
    }
}

/// Elements a page may hold, ours and the writers'.
const ELEMENTS: &str = "html head body main article p br hr span div i b strong em u s strike del ins sub sup mark small ul ol li dl dt dd h1 h2 h3 h4 h5 h6 \
    code pre kbd samp var blockquote q cite table thead tbody tfoot tr td th caption col colgroup a img abbr address time details summary video audio \
    source input label figure figcaption button section nav iframe tt \
    math mi mn mo ms mtext mspace mrow mfrac msqrt mroot mstyle merror mpadded mphantom msub msup msubsup munder mover munderover mmultiscripts \
    mprescripts none mtable mtr mtd menclose semantics annotation";

/// Why a piece of HTML must not be shown; judged in the frame that surrounds it.
pub fn judge(html: &str) -> Result<(), String> {
    let document = format!(
        "<!doctype html><html><head></head><body><main><article>{html}<hr id=\"holt-end\"></article></main><p id=\"holt-after\">x</p></body></html>"
    );
    let dom = parse_document(RcDom::default(), ParseOpts::default()).one(document);
    let (mut end, mut after) = (None, None);
    let mut frames = 0;
    // Without recursion: a hostile page may be deep.
    let mut waiting: Vec<(Handle, Option<String>)> = vec![(dom.document.clone(), None)];
    while let Some((node, parent)) = waiting.pop() {
        let mut name = parent.clone();
        if let NodeData::Element { name: element, attrs, .. } = &node.data {
            let element = element.local.to_string();
            if !ELEMENTS.split_whitespace().any(|known| known == element) {
                return Err(format!("<{element}>"));
            }
            frames += usize::from(element == "main");
            for attribute in attrs.borrow().iter() {
                let (key, value) = (attribute.name.local.to_string(), attribute.value.to_string());
                match (key.as_str(), value.as_str()) {
                    ("id", "holt-end") => end = parent.clone(),
                    ("id", "holt-after") => after = parent.clone(),
                    _ => attribute_is_harmless(&element, &key, &value)?,
                }
            }
            name = Some(element);
        }
        waiting.extend(node.children.borrow().iter().map(|child| (child.clone(), name.clone())));
    }
    if end.as_deref() != Some("article") || after.as_deref() != Some("body") {
        return Err(format!("the end of the page stands in {end:?}, what comes after it in {after:?}"));
    }
    (frames == 1).then_some(()).ok_or_else(|| "the frame is there twice".to_string())
}

fn attribute_is_harmless(element: &str, key: &str, value: &str) -> Result<(), String> {
    let bad = || Err(format!("<{element} {key}={value:?}>"));
    if key.starts_with("on") || ["srcdoc", "formaction", "ping", "action", "background", "xlink:href", "srcset", "manifest"].contains(&key)
    {
        return bad();
    }
    if key == "id" && value.to_ascii_lowercase().starts_with("holt-") {
        return bad();
    }
    if key == "style" {
        let lower = value.to_lowercase();
        if ["url(", "position", "expression", "@import", "\\"].iter().any(|word| lower.contains(word)) {
            return bad();
        }
    }
    if element == "iframe" && key == "src" && !value.starts_with("https://www.youtube-nocookie.com/embed/") {
        return bad();
    }
    if element == "input" && key == "type" && value != "checkbox" {
        return bad();
    }
    if ["href", "src", "poster", "cite", "data", "longdesc"].contains(&key) {
        // As a browser reads it: leading blanks and all line ends and tabs are dropped.
        let seen: String = value.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect::<String>();
        let seen = seen.trim_start_matches(|c: char| c <= ' ').to_lowercase();
        let scheme = seen.split(['/', '?', '#']).next().unwrap_or_default().split_once(':').map(|(scheme, _)| scheme.to_string());
        let fine = match scheme.as_deref() {
            None => true,
            Some("data") => seen.starts_with("data:image/") && !seen.starts_with("data:image/svg"),
            Some(scheme) if !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) => true,
            Some(scheme) => ["http", "https", "mailto", "tel", "ftp", "ftps", "irc", "ircs"].contains(&scheme),
        };
        if !fine {
            return bad();
        }
    }
    Ok(())
}
