//! Three-way merge of text, line by line. Edits that overlap or touch conflict; all others merge, as does the same edit made twice.

use super::diff::hunks;
use std::ops::Range;

/// What became of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merge {
    /// Everything fits.
    Clean(String),
    /// Something touches.
    Conflict {
        /// All of it, with `<<<<<<<`, `=======`, `>>>>>>>` around what touches.
        text: String,
        /// The same in parts.
        parts: Vec<MergePart>,
    },
}

/// A stretch of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergePart {
    /// Agreed on.
    Agreed(String),
    /// Each side's version of what touches.
    Touching {
        /// Before either edit.
        base: String,
        /// One side.
        ours: String,
        /// The other side.
        theirs: String,
    },
}

/// Merges what `ours` and `theirs` made of `base`. The names go behind the conflict marks.
pub fn merge3(base: &str, ours: &str, theirs: &str, our_name: &str, their_name: &str) -> Merge {
    let parts = parts(base, ours, theirs);
    let mut text = String::with_capacity(ours.len().max(theirs.len()));
    let mut clean = true;
    for part in &parts {
        match part {
            MergePart::Agreed(lines) => text.push_str(lines),
            MergePart::Touching { ours, theirs, .. } => {
                clean = false;
                end_line(&mut text);
                text.push_str(&format!("<<<<<<< {our_name}\n"));
                text.push_str(ours);
                end_line(&mut text);
                text.push_str("=======\n");
                text.push_str(theirs);
                end_line(&mut text);
                text.push_str(&format!(">>>>>>> {their_name}\n"));
            }
        }
    }
    if clean { Merge::Clean(text) } else { Merge::Conflict { text, parts } }
}

/// What `ours` and `theirs` made of `base`, in parts.
pub fn merge_parts(base: &str, ours: &str, theirs: &str) -> Vec<MergePart> {
    parts(base, ours, theirs)
}

fn end_line(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

/// One side: its lines, what it changed, and how far it has been read.
struct Side<'t> {
    lines: Vec<&'t str>,
    hunks: Vec<(Range<usize>, Range<usize>)>,
    next: usize,
    /// Lines of this side minus lines of the base, up to the place that was reached.
    shift: isize,
}

impl<'t> Side<'t> {
    fn new(base: &str, text: &'t str) -> Self {
        Self { lines: text.split_inclusive('\n').collect(), hunks: hunks(base, text), next: 0, shift: 0 }
    }
    fn upcoming(&self) -> Option<&Range<usize>> {
        self.hunks.get(self.next).map(|hunk| &hunk.0)
    }
    /// Takes the next hunk if it begins at or before `end`; the new end of the region.
    fn join(&mut self, end: usize) -> Option<usize> {
        let (before, after) = self.hunks.get(self.next)?;
        if before.start > end {
            return None;
        }
        let reach = end.max(before.end);
        self.shift += after.len().cast_signed() - before.len().cast_signed();
        self.next += 1;
        Some(reach)
    }
    fn at(&self, base_line: usize, shift: isize) -> usize {
        base_line.saturating_add_signed(shift).min(self.lines.len())
    }
}

fn parts(base: &str, ours: &str, theirs: &str) -> Vec<MergePart> {
    let lines: Vec<&str> = base.split_inclusive('\n').collect();
    let (mut a, mut b) = (Side::new(base, ours), Side::new(base, theirs));
    let mut parts: Vec<MergePart> = Vec::new();
    let mut agreed = String::new();
    let mut reached = 0;
    while let Some(start) = [a.upcoming(), b.upcoming()].into_iter().flatten().map(|hunk| hunk.start).min() {
        agreed.extend(lines[reached..start].iter().copied());
        let (shift_a, shift_b, next_a, next_b) = (a.shift, b.shift, a.next, b.next);
        let mut end = start;
        while let Some(reach) = a.join(end).or_else(|| b.join(end)) {
            end = reach;
        }
        let ours: String = a.lines[a.at(start, shift_a)..a.at(end, a.shift)].concat();
        let theirs: String = b.lines[b.at(start, shift_b)..b.at(end, b.shift)].concat();
        if b.next == next_b || ours == theirs {
            agreed.push_str(&ours);
        } else if a.next == next_a {
            agreed.push_str(&theirs);
        } else {
            if !agreed.is_empty() {
                parts.push(MergePart::Agreed(std::mem::take(&mut agreed)));
            }
            parts.push(MergePart::Touching { base: lines[start..end].concat(), ours, theirs });
        }
        reached = end;
    }
    agreed.extend(lines[reached..].iter().copied());
    if !agreed.is_empty() || parts.is_empty() {
        parts.push(MergePart::Agreed(agreed));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clean(base: &str, ours: &str, theirs: &str) -> Option<String> {
        match merge3(base, ours, theirs, "a", "b") {
            Merge::Clean(text) => Some(text),
            Merge::Conflict { .. } => None,
        }
    }

    #[test]
    fn distant_edits_merge_and_touching_ones_do_not() {
        assert_eq!(clean("1\n2\n3\n", "1x\n2\n3\n", "1\n2\n3y\n").as_deref(), Some("1x\n2\n3y\n"));
        assert_eq!(clean("1\n2\n3\n", "1x\n2\n3\n", "1\n2y\n3\n"), None, "neighbouring lines touch");
        assert_eq!(clean("1\n", "1\na\n", "1\nb\n"), None, "two insertions at one place touch");
        assert_eq!(clean("1\n2\n", "1\n", "1\n2y\n"), None, "a deletion and an edit touch");
        assert_eq!(
            clean("1\r\n2\r\n3", "1\r\n2\r\n3x", "0\r\n2\r\n3").as_deref(),
            Some("0\r\n2\r\n3x"),
            "line ends and a missing last one stay"
        );
    }

    #[test]
    fn marks_stand_on_lines_of_their_own() {
        let Merge::Conflict { text, .. } = merge3("base", "ours", "theirs", "a", "b") else { panic!("a lost update") };
        assert_eq!(text, "<<<<<<< a\nours\n=======\ntheirs\n>>>>>>> b\n");
    }

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec("[a-d]{0,2}\n", 0..12).prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn one_sided_and_equal_edits_are_taken(base in text(), edit in text()) {
            prop_assert_eq!(clean(&base, &base, &edit), Some(edit.clone()));
            prop_assert_eq!(clean(&base, &edit, &base), Some(edit.clone()));
            prop_assert_eq!(clean(&base, &edit, &edit), Some(edit));
        }
        #[test]
        fn sides_are_equal_and_no_line_is_invented(base in text(), ours in text(), theirs in text()) {
            let one = clean(&base, &ours, &theirs);
            prop_assert_eq!(&one, &clean(&base, &theirs, &ours));
            if let Some(text) = one {
                let known: Vec<&str> = [&base, &ours, &theirs].iter().flat_map(|t| t.split_inclusive('\n')).collect();
                prop_assert!(text.split_inclusive('\n').all(|line| known.contains(&line)));
            }
        }
        #[test]
        fn parts_hold_both_sides_whole(base in text(), ours in text(), theirs in text()) {
            if let Merge::Conflict { parts, .. } = merge3(&base, &ours, &theirs, "a", "b") {
                let lines = |pick: fn(&MergePart) -> &str| parts.iter().map(pick).collect::<String>();
                let seen = lines(|p| match p { MergePart::Agreed(t) => t, MergePart::Touching { ours, .. } => ours });
                // Every line of ours that theirs did not delete is there.
                prop_assert!(ours.split_inclusive('\n').filter(|l| !base.contains(l)).all(|l| seen.contains(l)));
            }
        }
    }
}
