//! Links that follow a page that moved, rewritten in the source. Code and everything that is no link stays byte for byte.

use crate::context::{Options, WikilinkStyle};
use crate::links::{resolve, wikilink};
use holt_core::path::encode;

/// `source` with every link whose target `moved` knows a new place for, or `None` if there is none. Targets are decoded paths without
/// leading slash; `page_url` (`/Some/Page`) is where the page is now.
pub fn rewrite_links(source: &str, moved: &dyn Fn(&str) -> Option<String>, options: &Options, page_url: &str) -> Option<String> {
    let mut scan = Scan { rest: source, out: String::with_capacity(source.len() + 64), changed: false };
    let mut fence: Option<(u8, usize)> = None;
    while !scan.rest.is_empty() {
        let end = scan.rest.find('\n').map_or(scan.rest.len(), |at| at + 1);
        let line = &scan.rest[..end];
        let trimmed = line.trim_start_matches([' ', '>']);
        let mark = trimmed.bytes().next().filter(|b| matches!(b, b'`' | b'~'));
        let run = mark.map_or(0, |mark| trimmed.bytes().take_while(|b| *b == mark).count());
        match fence {
            Some((open, length)) => {
                if mark == Some(open) && run >= length && trimmed[run..].trim().is_empty() {
                    fence = None;
                }
                scan.copy(end);
            }
            None if run >= 3 && !(mark == Some(b'`') && trimmed[run..].contains('`')) => {
                fence = mark.map(|mark| (mark, run));
                scan.copy(end);
            }
            None if line.starts_with("    ") || line.starts_with('\t') => scan.indented(end, moved, options, page_url),
            None => scan.line(end, moved, options, page_url),
        }
    }
    scan.changed.then_some(scan.out)
}

struct Scan<'s> {
    rest: &'s str,
    out: String,
    changed: bool,
}

impl Scan<'_> {
    fn copy(&mut self, bytes: usize) {
        let (done, rest) = self.rest.split_at(bytes);
        self.out.push_str(done);
        self.rest = rest;
    }
    /// An indented line is code unless it continues a paragraph or list; only a line after a blank one is taken for code.
    fn indented(&mut self, end: usize, moved: &dyn Fn(&str) -> Option<String>, options: &Options, page_url: &str) {
        let after_blank = self.out.is_empty() || self.out.ends_with("\n\n") || self.out.ends_with("\n\r\n");
        let is_item =
            self.rest.trim_start().starts_with(['-', '*', '+']) || self.rest.trim_start().starts_with(|c: char| c.is_ascii_digit());
        if after_blank && !is_item { self.copy(end) } else { self.line(end, moved, options, page_url) }
    }
    fn line(&mut self, end: usize, moved: &dyn Fn(&str) -> Option<String>, options: &Options, page_url: &str) {
        let stop = self.rest.len() - end;
        self.definition(moved, page_url);
        while self.rest.len() > stop {
            let line = &self.rest[..self.rest.len() - stop];
            let Some(at) = line.find(['\\', '`', '[', ']']) else {
                self.copy(line.len());
                return;
            };
            self.copy(at);
            let here = &self.rest[..self.rest.len() - stop];
            match here.as_bytes()[0] {
                b'\\' => self.copy(here.char_indices().nth(2).map_or(here.len(), |(at, _)| at)),
                b'`' => {
                    // A code span may go on over lines of the paragraph.
                    let run = here.bytes().take_while(|b| *b == b'`').count();
                    let paragraph = self.rest.find("\n\n").map_or(self.rest.len(), |at| at + 1);
                    match closing(&self.rest[run..paragraph], run) {
                        Some(close) if run + close + run <= here.len() => self.copy(run + close + run),
                        Some(close) => {
                            self.copy(run + close + run);
                            return;
                        }
                        None => self.copy(run),
                    }
                }
                b'[' if here.starts_with("[[") => match here.find("]]") {
                    Some(close) => self.wikilink(close, moved, options),
                    None => self.copy(2),
                },
                b']' if here.starts_with("](") => self.target(here.len(), moved, page_url),
                _ => self.copy(1),
            }
        }
    }
    fn wikilink(&mut self, close: usize, moved: &dyn Fn(&str) -> Option<String>, options: &Options) {
        let inner = &self.rest[2..close];
        let (title, target) = match (inner.split_once('|'), options.wikilink_style) {
            (Some((title, target)), WikilinkStyle::TitleFirst) => (Some(title), target),
            (Some((target, title)), WikilinkStyle::TargetFirst) => (Some(title), target),
            (None, _) => (None, inner),
        };
        let new = wikilink(target).path.and_then(|path| moved(&path));
        let Some(new) = new else { return self.copy(close + 2) };
        let fragment = target.find('#').map_or("", |at| &target[at..]);
        let slash = if target.starts_with('/') { "/" } else { "" };
        // What the wikilink syntax cannot hold is percent-encoded, which it decodes.
        let new: String =
            new.chars().map(|c| if matches!(c, '|' | ']' | '[' | '#' | '%') { encode(&c.to_string()) } else { c.to_string() }).collect();
        let new = format!("{slash}{new}{fragment}");
        let link = match (title, options.wikilink_style) {
            (None, _) => format!("[[{new}]]"),
            (Some(title), WikilinkStyle::TitleFirst) => format!("[[{title}|{new}]]"),
            (Some(title), WikilinkStyle::TargetFirst) => format!("[[{new}|{title}]]"),
        };
        self.out.push_str(&link);
        self.rest = &self.rest[close + 2..];
        self.changed = true;
    }
    /// `](dest "title")`: the destination, in angle brackets or with balanced parentheses.
    fn target(&mut self, line: usize, moved: &dyn Fn(&str) -> Option<String>, page_url: &str) {
        self.copy(2);
        let here = &self.rest[..line - 2];
        let space = here.len() - here.trim_start().len();
        self.copy(space);
        self.destination(line - 2 - space, moved, page_url);
    }
    fn destination(&mut self, line: usize, moved: &dyn Fn(&str) -> Option<String>, page_url: &str) {
        let here = &self.rest[..line];
        let (open, url) = if let Some(inner) = here.strip_prefix('<') {
            match inner.find('>') {
                Some(end) => (1, &inner[..end]),
                None => return,
            }
        } else {
            let mut depth = 0;
            let end = here.find(|c: char| match c {
                '(' => {
                    depth += 1;
                    false
                }
                ')' => {
                    depth -= 1;
                    depth < 0
                }
                c => c.is_whitespace(),
            });
            (0, &here[..end.unwrap_or(here.len())])
        };
        let length = url.len();
        let new = resolve(url, Some(page_url)).and_then(|path| match path.strip_suffix(".md") {
            Some(page) => moved(page).map(|new| new + ".md"),
            None => moved(&path),
        });
        let Some(new) = new else { return self.copy(open + length) };
        let suffix = url.find(['?', '#']).map_or("", |at| &url[at..]);
        // What is beside the page is named from the page, wherever that goes.
        let page = page_url.trim_start_matches('/');
        let home = moved(page).unwrap_or_else(|| page.to_string());
        let beside = new.strip_prefix(&home).and_then(|rest| rest.strip_prefix('/')).filter(|_| url.starts_with("./"));
        let written = match beside {
            Some(rest) => format!("./{}{suffix}", encode(rest)),
            None => format!("/{}{suffix}", encode(&new)),
        };
        if written == url {
            return self.copy(open + length);
        }
        self.copy(open);
        self.out.push_str(&written);
        self.rest = &self.rest[length..];
        self.changed = true;
    }
    /// `[label]: dest` at the beginning of a line.
    fn definition(&mut self, moved: &dyn Fn(&str) -> Option<String>, page_url: &str) {
        let line = self.rest.find('\n').unwrap_or(self.rest.len());
        let here = &self.rest[..line];
        let indent = here.len() - here.trim_start_matches(' ').len();
        if indent > 3 || !here[indent..].starts_with('[') || here[indent..].starts_with("[[") || here[indent..].starts_with("[^") {
            return;
        }
        let Some(close) = here.find("]: ") else { return };
        if here[indent + 1..close].contains(['[', ']']) {
            return;
        }
        let start = close + 3;
        let space = here[start..].len() - here[start..].trim_start().len();
        self.copy(start + space);
        self.destination(line - start - space, moved, page_url);
    }
}

/// Where a run of exactly `length` backticks begins.
fn closing(text: &str, length: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        let run = text[start..].bytes().take_while(|b| *b == b'`').count();
        if run == length {
            return Some(start);
        }
        at = start + run;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rewrite(source: &str, style: WikilinkStyle) -> Option<String> {
        let options = Options { wikilink_style: style, ..Options::default() };
        let moved = |path: &str| match path {
            "Old" => Some("New Home".to_string()),
            "Old/file.png" => Some("New Home/file.png".to_string()),
            _ => None,
        };
        rewrite_links(source, &moved, &options, "/Guide/Page")
    }

    #[test]
    fn every_kind_of_link_follows() {
        for (source, expected) in [
            ("[[Old]]", "[[New Home]]"),
            ("[[Title|Old#Head]] and [[/Old]]", "[[Title|New Home#Head]] and [[/New Home]]"),
            ("[x](/Old) ![y](/Old/file.png \"t\")", "[x](/New%20Home) ![y](/New%20Home/file.png \"t\")"),
            ("[x](../Old?a=b#c)", "[x](/New%20Home?a=b#c)"),
            ("[x](</Old>)", "[x](</New%20Home>)"),
            ("[x](../Old.md#h)", "[x](/New%20Home.md#h)"),
            ("[![i](/Old/file.png)](/Old)", "[![i](/New%20Home/file.png)](/New%20Home)"),
            ("[ref]: /Old \"t\"\n", "[ref]: /New%20Home \"t\"\n"),
            ("a `code` [[Old]] ``x ` y`` [[Old]]", "a `code` [[New Home]] ``x ` y`` [[New Home]]"),
        ] {
            assert_eq!(rewrite(source, WikilinkStyle::TitleFirst).as_deref(), Some(expected), "{source}");
        }
        let beside = |page: &str, source: &str| {
            let moved = |path: &str| path.strip_prefix("Old").map(|rest| format!("New{rest}"));
            rewrite_links(source, &moved, &Options::default(), page)
        };
        assert_eq!(beside("/Old", "![](./a.png)"), None, "what moves together stays as it is");
        let renamed = |path: &str| (path == "Page/a b.png").then(|| "Page/c d.png".to_string());
        let text = rewrite_links("![](./a%20b.png) ![](/Page/a%20b.png)", &renamed, &Options::default(), "/Page");
        assert_eq!(text.as_deref(), Some("![](./c%20d.png) ![](/Page/c%20d.png)"));
        assert_eq!(rewrite("[[Old|Title]]", WikilinkStyle::TargetFirst).as_deref(), Some("[[New Home|Title]]"));
    }

    #[test]
    fn code_and_other_links_stay() {
        for source in [
            "`[[Old]]`",
            "```\n[[Old]]\n[x](/Old)\n```\n",
            "~~~\n```\n[[Old]]\n~~~\n",
            "para\n\n    [[Old]]\n",
            "\\[[Old]]",
            "[[Older]] [x](/Older) [y](https://e.org/Old)",
            "``a\n[[Old]]``",
            "[[Old",
            "[x](/Old",
        ] {
            let result = rewrite(source, WikilinkStyle::TitleFirst);
            assert!(result.is_none() || source == "[x](/Old", "{source}: {result:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_moved_means_nothing_changed(source in "[\\[\\]()`~|#/ a-c\\n\\\\<>:.]{0,80}") {
            prop_assert_eq!(rewrite_links(&source, &|_| None, &Options::default(), "/a/b"), None);
        }
        #[test]
        fn a_move_there_and_back_restores_the_text(source in "[\\[\\]()`|#/ a-c\\n\\\\]{0,80}") {
            let go = |from: &'static str, to: &'static str| move |path: &str| (path == from).then(|| to.to_string());
            let there = rewrite_links(&source, &go("a", "zz"), &Options::default(), "/b/c");
            if let Some(there) = there {
                let back = rewrite_links(&there, &go("zz", "a"), &Options::default(), "/b/c").unwrap();
                // Relative and encoded spellings come back absolute and plain: compare what they lead to.
                let again = rewrite_links(&back, &go("a", "zz"), &Options::default(), "/b/c").unwrap();
                prop_assert_eq!(again, there);
            }
        }
    }
}
