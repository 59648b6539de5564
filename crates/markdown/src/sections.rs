//! The parts of a page: from one heading to the next (spec/markdown.md §12.11).

use crate::context::{Context, Purpose};
use crate::slug::slug;
use std::ops::Range;

/// The lines of the section with the id `wanted`, the first of them its heading; else the ids there are. Without `children` it ends at the
/// next heading of whatever level.
fn lines(source: &str, wanted: &str, children: bool) -> Result<Range<usize>, Vec<String>> {
    let context = Context { purpose: Purpose::Words, ..Context::default() };
    let outline = crate::render(source, &context).toc;
    // The outline has headings of boxes and lists, too; sections are cut at those of the page itself.
    let mut known = outline.iter();
    let mut found: Vec<(usize, u8, String)> = Vec::new();
    for (line, level, text) in headings(source) {
        if let Some(entry) = known.by_ref().find(|entry| entry.level == level && slug(&text) == slug(&entry.text)) {
            found.push((line, level, entry.anchor.clone()));
        }
    }
    let at = found
        .iter()
        .position(|(_, _, anchor)| anchor == wanted)
        .ok_or_else(|| found.iter().map(|(_, _, a)| a.clone()).collect::<Vec<_>>())?;
    let (start, level, _) = found[at];
    let end = found[at + 1..].iter().find(|(_, next, _)| !children || *next <= level).map(|(line, _, _)| *line);
    Ok(start..end.unwrap_or_else(|| source.lines().count()))
}

/// The section of a page with this id, with or without what is below its subheadings and its own heading; else the ids there are.
pub(crate) fn part(source: &str, wanted: &str, children: bool, heading: bool) -> Result<String, Vec<String>> {
    let found = lines(source, wanted, children)?;
    let lines: Vec<&str> = source.lines().collect();
    let skip = if heading { 0 } else { 1 + usize::from(!lines[found.start].trim_start().starts_with('#')) };
    let lines = &lines[(found.start + skip).min(lines.len())..found.end.max(found.start + skip).min(lines.len())];
    Ok(lines.join("\n").trim_end().to_string())
}

/// The bytes of the section whose heading has the id `anchor`, from its heading up to the next one of the same or a higher level. `None` if no
/// heading of the page itself has it: those in boxes, lists and shown pages have no section.
pub fn section(source: &str, anchor: &str) -> Option<Range<usize>> {
    let found = lines(source, anchor, true).ok()?;
    let starts: Vec<usize> = std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let byte = |line: usize| starts.get(line).copied().unwrap_or(source.len());
    Some(byte(found.start)..byte(found.end))
}

/// Line, level and text of the headings at the top level of a page.
fn headings(source: &str) -> Vec<(usize, u8, String)> {
    let lines: Vec<&str> = source.lines().collect();
    let mut found = Vec::new();
    let mut fence: Option<&str> = None;
    let mut at = match lines.first() {
        Some(&"---") => lines.iter().skip(1).position(|line| line.starts_with("---")).map_or(0, |end| end + 2),
        _ => 0,
    };
    while at < lines.len() {
        let line = lines[at].trim_end();
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
        match (fence, mark) {
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, Some(mark)) => fence = Some(mark),
            (Some(_), _) => {}
            (None, None) => {
                let rest = trimmed.trim_start_matches('#');
                let level = trimmed.len() - rest.len();
                if line.len() - trimmed.len() <= 3 && (1..=6).contains(&level) && (rest.is_empty() || rest.starts_with([' ', '\t'])) {
                    found.push((at, u8::try_from(level).unwrap_or(6), plain(rest.trim().trim_end_matches('#'))));
                } else if let Some(next) = lines.get(at + 1).map(|next| next.trim_end())
                    && !trimmed.is_empty()
                    && !next.is_empty()
                    && (next.bytes().all(|b| b == b'=') || next.bytes().all(|b| b == b'-'))
                    && !trimmed.starts_with(['-', '>', '|'])
                {
                    found.push((at, if next.starts_with('=') { 1 } else { 2 }, plain(trimmed)));
                    at += 1;
                }
            }
        }
        at += 1;
    }
    found
}

/// The words of a heading.
fn plain(text: &str) -> String {
    let context = Context { purpose: Purpose::Words, ..Context::default() };
    crate::render(text, &context).text.trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_cut_out() {
        let page = "---\na: b\n---\n# One\nintro\n\n## *Two*\ntext\n```\n# no\n```\n### Three\ndeep\n\n## Four\nend\n\nSet\n---\nlast\n";
        assert_eq!(part(page, "two", true, true).unwrap(), "## *Two*\ntext\n```\n# no\n```\n### Three\ndeep");
        assert_eq!(part(page, "two", false, false).unwrap(), "text\n```\n# no\n```");
        assert_eq!(part(page, "set", true, false).unwrap(), "last");
        assert_eq!(part(page, "nosuch", true, true).unwrap_err(), ["one", "two", "three", "four", "set"]);
    }

    #[test]
    fn a_section_can_be_put_back() {
        let page = "# One\nintro\n\n## Two\ntext\n### Three\ndeep\n\n## Four\nend";
        let cut = |anchor: &str| section(page, anchor).map(|range| &page[range]);
        assert_eq!(cut("two"), Some("## Two\ntext\n### Three\ndeep\n\n"));
        assert_eq!(cut("four"), Some("## Four\nend"));
        assert_eq!(cut("one"), Some(page));
        assert_eq!(cut("nosuch"), None);
        assert_eq!(section("", "x"), None);
    }
}
