//! Parts of a page by heading (spec/mcp.md §4): `Setup`, or `Guide > Setup` where that name alone would mean several.

use super::failure::Failure;
use holt_core::Error;
use http::StatusCode;
use std::ops::Range;

/// A heading of a page.
pub struct Heading {
    /// Where it begins, in bytes.
    pub at: usize,
    /// 1 to 6.
    pub level: usize,
    /// Its title below those of the headings it is under: `Guide > Setup`.
    pub path: String,
    /// Its own.
    pub title: String,
}

/// The bytes of the section of `source` that `wanted` means: from its heading to the next of the same or a higher level.
pub fn find(source: &str, wanted: &str) -> Result<Range<usize>, Failure> {
    let headings = headings(source);
    let name = wanted.trim().to_lowercase();
    let ending = format!(" > {name}");
    let by_path: Vec<usize> = (0..headings.len())
        .filter(|i| {
            let path = headings[*i].path.to_lowercase();
            path == name || path.ends_with(&ending)
        })
        .collect();
    let found =
        if by_path.is_empty() { (0..headings.len()).filter(|i| headings[*i].title.to_lowercase() == name).collect() } else { by_path };
    let paths = |which: &mut dyn Iterator<Item = &Heading>| which.map(|heading| heading.path.clone()).take(100).collect::<Vec<_>>();
    match found.as_slice() {
        [one] => {
            let heading = &headings[*one];
            let end = headings[one + 1..].iter().find(|next| next.level <= heading.level).map_or(source.len(), |next| next.at);
            Ok(heading.at..end)
        }
        [] => {
            let error = match headings.is_empty() {
                true => Error::not_found("the page has no sections").hint("Read the whole page."),
                false => Error::not_found("the page has no such section").hint("`sections` lists those it has."),
            };
            Err(Failure::new(StatusCode::NOT_FOUND, "no_match", error)
                .with("field", "section")
                .with("sections", paths(&mut headings.iter())))
        }
        several => {
            let error = Error::invalid("several sections are called that").hint("Send one of the paths in `sections`.");
            let several = paths(&mut several.iter().map(|i| &headings[*i]));
            let failure = Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "ambiguous_match", error);
            Err(failure.with("field", "section").with("sections", several))
        }
    }
}

/// ATX headings outside of fenced code and properties.
pub fn headings(source: &str) -> Vec<Heading> {
    let mut found: Vec<Heading> = Vec::new();
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut fence: Option<(char, usize)> = None;
    let mut at = source.len() - holt_engine::frontmatter::split(source).1.len();
    for line in source[at..].split_inclusive('\n') {
        let (start, text) = (at, line.trim());
        at += line.len();
        let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'));
        let length = mark.map_or(0, |mark| text.chars().take_while(|c| *c == mark).count());
        match (fence, mark) {
            (Some((open, least)), Some(mark)) if mark == open && length >= least && text.chars().all(|c| c == mark) => fence = None,
            (None, Some(mark)) if length >= 3 => fence = Some((mark, length)),
            _ => {}
        }
        let level = text.chars().take_while(|c| *c == '#').count();
        let rest = &text[level.min(text.len())..];
        if fence.is_some() || !(1..=6).contains(&level) || !rest.starts_with([' ', '\t']) || line.starts_with("    ") {
            continue;
        }
        let title = rest.trim();
        let bare = title.trim_end_matches('#');
        let title = if bare.ends_with([' ', '\t']) || bare.is_empty() { bare.trim_end() } else { title };
        open.retain(|(above, _)| *above < level);
        open.push((level, title.to_string()));
        let path = open.iter().map(|(_, title)| title.as_str()).collect::<Vec<_>>().join(" > ");
        found.push(Heading { at: start, level, path, title: title.to_string() });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_found_by_name_and_path() {
        let page = "---\na: 1\n---\n# One\nx\n## Set ##\na\n```\n## no\n```\n### C#\ny\n# Two\n## Set\nb\n";
        let cut = |wanted: &str| find(page, wanted).ok().map(|range| &page[range]);
        assert_eq!(cut("two > set"), Some("## Set\nb\n"));
        assert_eq!(cut("One > Set"), Some("## Set ##\na\n```\n## no\n```\n### C#\ny\n"));
        assert_eq!((cut("c#"), cut("Two")), (Some("### C#\ny\n"), Some("# Two\n## Set\nb\n")));
        assert_eq!((cut("set"), cut("no"), cut("")), (None, None, None));
    }
}
