//! Embeddings that show other pages and files: what they are comes through the context (spec/markdown.md §12.9 to §12.11).

use crate::context::{Context, Dependency, FileEntry, PageEntry, Purpose};
use crate::embed::Arguments;
use crate::sections::part;
use crate::slug::wanted;
use crate::typed::escape;
use crate::write::{self, Writer};

/// Deepest chain of pages that show each other.
const DEPTH: usize = 8;
/// What showing another page costs besides its length.
const PER_PAGE: usize = 8 * 1024;
/// What looking at a page for an index costs.
const PER_ENTRY: usize = 64;
/// Most entries of an index, or of a list of files.
const ENTRIES: usize = 2_000;

impl Writer<'_> {
    fn page_path(&self) -> Result<String, String> {
        self.context.page_url.map(|url| url.trim_start_matches('/').to_string()).ok_or_else(|| "no page context available.".to_string())
    }

    /// Takes from what this page may still show of others, in bytes.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), String> {
        let left = self.out.includable.checked_sub(bytes);
        self.out.includable = left.unwrap_or(0);
        left.map(drop).ok_or_else(|| "the page shows too much of other pages.".to_string())
    }

    pub(crate) fn include(&mut self, arguments: &Arguments) -> Result<(), String> {
        let source = arguments.get(&["src"]).ok_or("include: |src= is required.")?.to_string();
        if source.split('/').any(|segment| segment == "..") {
            return Err(format!("include: invalid src \"{source}\", path traversal is not allowed."));
        }
        let path = match source.strip_prefix('/') {
            Some(path) => path.to_string(),
            None => match self.page_path()?.rsplit_once('/') {
                Some((directory, _)) => format!("{directory}/{source}"),
                None => source.clone(),
            },
        };
        self.out.depends.push(Dependency::Page(path.clone()));
        if self.context.purpose == Purpose::Words {
            return Ok(());
        }
        let pages = self.context.pages.ok_or("include: no page context available.")?;
        self.charge(PER_PAGE).map_err(|problem| format!("include: {problem}"))?;
        let found = pages.page(&path).ok_or_else(|| format!("include: page \"/{path}\" not found."))?;
        // A page that shows pages that show pages could grow without end. All of it is read, even for a section.
        self.charge(found.source.len()).map_err(|problem| format!("include: {problem}"))?;
        let section = arguments.get(&["section"]).map(wanted).filter(|section| !section.is_empty());
        let place = format!("{}#{}", found.path.to_lowercase(), section.as_deref().unwrap_or_default());
        if self.including.contains(&place) {
            return Err(format!("include: cycle detected including \"/{}\".", found.path));
        }
        if self.including.len() > DEPTH {
            return Err(format!("include: maximum include depth ({DEPTH}) exceeded."));
        }
        let text = match &section {
            None => found.source,
            Some(wanted) => {
                part(&found.source, wanted, arguments.flag("children", true), arguments.flag("heading", true)).map_err(|known| {
                    format!("include: section \"{wanted}\" not found in \"/{}\" (available: {}).", found.path, known.join(", "))
                })?
            }
        };
        let mut including = self.including.clone();
        if including.is_empty() {
            // The page itself is the first of the chain.
            including.push(format!("{}#", self.page_path().unwrap_or_default().to_lowercase()));
            if including.contains(&place) {
                return Err(format!("include: cycle detected including \"/{}\".", found.path));
            }
        }
        including.push(place);
        let url = format!("/{}", found.path);
        let context = Context { page_url: Some(&url), options: self.context.options.clone(), cursor_line: None, ..*self.context };
        let inner = write::write_below(&text, &context, including, self.out.includable);
        self.out.includable = inner.includable;
        self.out.requires.mathjax |= inner.requires.mathjax;
        self.out.requires.mermaid |= inner.requires.mermaid;
        self.out.requires.datatables |= inner.requires.datatables;
        self.out.depends.extend(inner.depends.iter().cloned());
        let html = crate::finished(inner, &context).0;
        // What became of it counts too, where that is much more.
        self.charge(html.len() / 8).map_err(|problem| format!("include: {problem}"))?;
        self.typed(format!("<div class=\"include-embedding\">\n{html}</div>\n"));
        Ok(())
    }

    pub(crate) fn attachment_list(&mut self, arguments: &Arguments) -> Result<(), String> {
        let page = self.page_path()?;
        self.out.depends.push(Dependency::Files(page.clone()));
        if self.context.purpose == Purpose::Words {
            return Ok(());
        }
        let pages = self.context.pages.ok_or("no page context available.")?;
        self.charge(PER_PAGE)?;
        let filter = arguments.any_case("filter").unwrap_or("*").replace('\\', "").to_lowercase();
        let format = arguments.any_case("format").or(arguments.any_case("fmt")).unwrap_or("full").to_lowercase();
        let icons = arguments.flag("icons", format != "minimal");
        let mut html = String::from("<div class=\"attachmentlist-embedding\"><table class=\"table\">");
        if let Some(caption) = arguments.any_case("caption") {
            html.push_str("<caption>");
            escape(&mut html, caption);
            html.push_str("</caption>");
        }
        let files: Vec<FileEntry> =
            pages.files(&page).into_iter().filter(|file| matches(&filter, &file.name.to_lowercase())).take(ENTRIES).collect();
        let empty = files.is_empty();
        if !empty {
            let columns: &[&str] = match format.as_str() {
                "minimal" => &["Attachment"],
                "details" => &["Filename", "Size", "Date"],
                _ => &["Attachment", "Size", "Date", "Author", "Comment"],
            };
            html.push_str("<thead><tr>");
            if icons {
                html.push_str("<th></th>");
            }
            columns.iter().for_each(|column| html.push_str(&format!("<th>{}</th>", self.column(column))));
            html.push_str("</tr></thead><tbody>");
            for file in files {
                let url = format!("/{}/{}", holt_core::path::encode(&page), holt_core::path::encode(&file.name));
                html.push_str("<tr>");
                if icons {
                    let extension = file.name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
                    let shown = if ["png", "jpg", "jpeg", "gif", "webp", "avif", "svg"].contains(&extension.as_str()) {
                        format!("<img alt=\"\" loading=\"lazy\" src=\"{url}?thumbnail\">")
                    } else {
                        "<i class=\"far fa-file\" style=\"font-size:48px;\"></i>".to_string()
                    };
                    html.push_str(&format!("<td width=\"1\"><a href=\"{url}\">{shown}</a></td>"));
                }
                html.push_str(&format!("<td><a href=\"{url}\">"));
                escape(&mut html, &file.name);
                html.push_str("</a></td>");
                if format != "minimal" {
                    html.push_str(&format!("<td>{}</td><td>", self.said(&size(file.bytes))));
                    escape(&mut html, &file.date);
                    html.push_str("</td>");
                }
                if columns.len() > 3 {
                    html.push_str("<td>");
                    escape(&mut html, &file.author);
                    html.push_str("</td><td class=\"text-wrap\">");
                    escape(&mut html, file.message.lines().next().unwrap_or_default());
                    html.push_str("</td>");
                }
                html.push_str("</tr>");
            }
            html.push_str("</tbody>");
        }
        html.push_str("</table></div>\n");
        self.charge(html.len())?;
        self.typed(html);
        if empty {
            self.nothing("There are no such files beside this page.");
        }
        Ok(())
    }

    pub(crate) fn page_index(&mut self, arguments: &Arguments) -> Result<(), String> {
        let below = self.page_path().unwrap_or_default();
        self.out.depends.push(Dependency::Below(below.clone()));
        if self.context.purpose == Purpose::Words {
            return Ok(());
        }
        let pages = self.context.pages.ok_or("no page context available.")?;
        self.charge(PER_PAGE)?;
        let filter = arguments.any_case("src").unwrap_or("*").replace('\\', "").to_lowercase();
        let contents = arguments.flag("toc", false);
        let entries = pages.below(&below);
        self.charge(PER_ENTRY * entries.len())?;
        let entries: Vec<PageEntry> =
            entries.into_iter().filter(|page| matches(&filter, &page.title.to_lowercase())).take(ENTRIES).collect();
        // The first heading is the title.
        let headings =
            |page: &PageEntry| if contents && page.exists { pages.headings(&page.path).into_iter().skip(1).collect() } else { Vec::new() };
        let mut html = String::from("<div class=\"pageindex-embedding\">");
        if arguments.any_case("style").is_some_and(|style| style.eq_ignore_ascii_case("list")) {
            html.push_str("<ul>");
            for page in &entries {
                html.push_str("<li>");
                link(&mut html, "", &page.path, "", &page.title);
                let headings: Vec<(u8, String, String)> = headings(page);
                if !headings.is_empty() {
                    html.push_str("<ul>");
                    for (_, text, anchor) in headings {
                        html.push_str("<li>");
                        link(&mut html, "", &page.path, &anchor, &text);
                        html.push_str("</li>");
                    }
                    html.push_str("</ul>");
                }
                html.push_str("</li>");
            }
            html.push_str("</ul>");
        } else {
            html.push_str("<div class=\"pageindex-columns\">");
            let mut letter = String::new();
            for page in &entries {
                let first: String = page.title.chars().next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
                if first != letter {
                    if !letter.is_empty() {
                        html.push_str("</div>");
                    }
                    html.push_str("<div class=\"pageindex-letterblock\"><h2 class=\"content-title font-weight-bolder pageindex-header\">");
                    escape(&mut html, &first);
                    html.push_str("</h2>");
                    letter = first;
                }
                let depth = page.title.matches('/').count();
                let kind = if page.exists { "pageindex-page" } else { "pageindex-folder font-weight-bold" };
                html.push_str(&format!("<div class=\"pageindex-pageblock pageindex-depth-{depth}\""));
                if depth > 0 {
                    // A half more is a decimal point: rem with one digit.
                    html.push_str(&format!(" style=\"padding-left:{}.{}rem\"", depth * 3 / 2, depth * 15 % 10));
                }
                html.push('>');
                link(&mut html, &format!("global-toc-link {kind} pageindex-depth-{depth}"), &page.path, "", &page.title);
                let headings: Vec<(u8, String, String)> = headings(page);
                if !headings.is_empty() {
                    html.push_str("<div class=\"pagetoc\">");
                    for (level, text, anchor) in headings {
                        html.push_str(&format!("<div class=\"pageindex-heading-{level}\">"));
                        let class = format!("global-toc-link font-weight-light font-italic pageindex-heading pageindex-heading-{level}");
                        link(&mut html, &class, &page.path, &anchor, &text);
                        html.push_str("</div>");
                    }
                    html.push_str("</div>");
                }
                html.push_str("</div>");
            }
            if !letter.is_empty() {
                html.push_str("</div>");
            }
            html.push_str("</div>");
        }
        html.push_str("</div>\n");
        self.charge(html.len())?;
        self.typed(html);
        if entries.is_empty() {
            self.nothing("There are no such pages below this one.");
        }
        Ok(())
    }
}

fn link(html: &mut String, class: &str, path: &str, anchor: &str, text: &str) {
    html.push_str("<a");
    if !class.is_empty() {
        html.push_str(&format!(" class=\"{class}\""));
    }
    html.push_str(&format!(" href=\"/{}", holt_core::path::encode(path)));
    if !anchor.is_empty() {
        html.push('#');
        escape(html, anchor);
    }
    html.push_str("\">");
    escape(html, text);
    html.push_str("</a>");
}

/// `70.0B`, `1.5KiB`.
fn size(bytes: u64) -> String {
    let (mut scaled, mut unit) = (bytes * 10, "B");
    for next in ["KiB", "MiB", "GiB"] {
        if scaled < 10_240 {
            break;
        }
        (scaled, unit) = (scaled / 1024, next);
    }
    format!("{}.{}{unit}", scaled / 10, scaled % 10)
}

/// Whether a name fits a pattern of `*` and `?`, in time that is their product at worst.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().take(200).collect(), name.chars().collect());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_patterns() {
        for (pattern, name, fits) in [
            ("*", "", true),
            ("*.png", "a.png", true),
            ("*.png", "a.jpg", false),
            ("a?c*", "abcd", true),
            ("a*b*c", "a1b2c", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
        assert!(!matches(&"*a".repeat(100), &"a".repeat(90)));
    }

    #[test]
    fn sizes_are_shown_as_otterwiki_shows_them() {
        assert_eq!([size(70), size(1536), size(10 * 1024 * 1024)], ["70.0B", "1.5KiB", "10.0MiB"]);
    }
}
