//! Names that lead to pages: what a page was called once, and what it calls itself besides. All of a wiki in one file, in lines that are found
//! by halving: most of them are never looked for, and whoever looks for one has only to find it.

use crate::fragment::Fragment;
use crate::key::page_hash;
use holt_core::path::decode_url;
use holt_core::{PageKey, PagePath};

/// A name, and the page it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The name.
    pub from: PagePath,
    /// The page, as stored.
    pub to: PagePath,
}

/// As stored: a line for each name, with a hash of its key, the address it leads to, and its own. In the order of the hashes.
pub fn write(redirects: &[Redirect]) -> Fragment {
    let line = |one: &Redirect| format!("{} {} {}\n", page_hash(&one.from.key()), one.to.url(), one.from.url());
    let mut lines: Vec<String> = redirects.iter().map(line).collect();
    lines.sort();
    Fragment::new(lines.concat().into_bytes())
}

/// All of them. Lines that say nothing are left out.
pub fn read(stored: &Fragment) -> Vec<Redirect> {
    let text = std::str::from_utf8(stored.raw()).unwrap_or_default();
    let path = |url: &str| PagePath::parse(&decode_url(url).ok()?).ok();
    let redirect = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (to, from) = (path(words.next()?)?, path(words.next()?)?);
        Some(Redirect { from, to })
    };
    text.lines().filter_map(redirect).collect()
}

/// The address that `page` leads to.
pub fn find<'s>(stored: &'s Fragment, page: &PageKey) -> Option<&'s str> {
    let text = std::str::from_utf8(stored.raw()).ok()?;
    let wanted = page_hash(page);
    let (mut from, mut to) = (0, text.len());
    while from < to {
        // The line in which the middle is. All of it is ASCII.
        let middle = from + (to - from) / 2;
        let start = text.get(from..middle)?.rfind('\n').map_or(from, |at| from + at + 1);
        let end = text.get(middle..to)?.find('\n').map_or(to, |at| middle + at);
        let mut words = text.get(start..end)?.split(' ');
        let hash = words.next()?;
        match hash.cmp(&wanted) {
            std::cmp::Ordering::Equal => return words.next().filter(|address| address.starts_with('/') && !address.starts_with("//")),
            std::cmp::Ordering::Less => from = end + 1,
            std::cmp::Ordering::Greater => to = start,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> PagePath {
        PagePath::parse(text).unwrap()
    }

    #[test]
    fn every_name_is_found_and_no_other() {
        for count in 0..40 {
            let all: Vec<Redirect> = (0..count)
                .map(|n| Redirect { from: path(&format!("Old näme {n}")), to: path(&format!("New/{}", "x".repeat(n + 1))) })
                .collect();
            let stored = Fragment::from_bytes(&write(&all).to_bytes().into()).unwrap();
            for one in &all {
                assert_eq!(find(&stored, &one.from.key()), Some(one.to.url().as_str()), "{count}");
            }
            assert_eq!((find(&stored, &path("Old").key()), find(&stored, &path("New/x").key())), (None, None));
            let mut read = read(&stored);
            read.sort_by_key(|one| one.to.as_str().len());
            assert_eq!(read, all);
        }
    }

    #[test]
    fn what_is_no_list_leads_nowhere() {
        for text in ["", "\n\n\n", "x", "x y", "\u{e4}\u{e4}\u{e4}\n\u{e4}\u{e4}"] {
            assert_eq!(find(&Fragment::new(text), &path("x").key()), None, "{text}");
        }
        let hash = page_hash(&path("x").key());
        for line in [hash.clone(), format!("{hash} https://evil.example/"), format!("{hash} //evil.example/ /x")] {
            assert_eq!(find(&Fragment::new(line.clone()), &path("x").key()), None, "{line}");
        }
    }
}
