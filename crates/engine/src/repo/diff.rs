//! What differs between two texts: lines, and words within changed lines.

use gix::diff::blob::{Algorithm, Diff, InternedInput, diff_with_slider_heuristics};
use holt_core::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Longest text that is compared for showing (security.md INP-12), in bytes, and most lines shown.
const SIDE_BYTES: usize = 2 * 1024 * 1024;
const SHOWN_LINES: usize = 20_000;
/// Most places that are looked at to find out which changes were chosen.
const WAYS: usize = 200_000;
/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// A stretch of a diff with some lines around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Number of its first line before, from 1.
    pub old_start: usize,
    /// Number of its first line after, from 1.
    pub new_start: usize,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A line of a diff, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// On both sides.
    Same(String),
    /// Only before, in parts: what has a counterpart after, and what has not.
    Removed(Vec<Part>),
    /// Only after, in parts.
    Added(Vec<Part>),
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Also on the other side.
    Same(String),
    /// Only here.
    Changed(String),
}

/// What differs, in hunks. `TooLarge` above 2 MiB a side or 20,000 lines of result.
pub fn line_diff(old: &str, new: &str) -> Result<Vec<Hunk>> {
    let too_large = || Error::too_large("the difference is too large to show").hint("Compare with git on your own machine.");
    if old.len() > SIDE_BYTES || new.len() > SIDE_BYTES {
        return Err(too_large());
    }
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let changes = hunks(old, new);
    let mut result: Vec<Hunk> = Vec::new();
    let mut shown = 0;
    let mut at = 0;
    while at < changes.len() {
        // Changes whose surroundings meet are one hunk.
        let mut last = at;
        while last + 1 < changes.len() && changes[last + 1].0.start <= changes[last].0.end + 2 * CONTEXT {
            last += 1;
        }
        let start = changes[at].0.start.saturating_sub(CONTEXT);
        let lead = changes[at].0.start - start;
        let mut hunk = Hunk { old_start: start + 1, new_start: changes[at].1.start - lead + 1, lines: Vec::new() };
        let mut reached = start;
        for (before, after) in &changes[at..=last] {
            hunk.lines.extend(old_lines[reached..before.start].iter().map(|line| same(line)));
            push_change(&mut hunk.lines, &old_lines[before.clone()], &new_lines[after.clone()]);
            reached = before.end;
        }
        let end = (reached + CONTEXT).min(old_lines.len());
        hunk.lines.extend(old_lines[reached..end].iter().map(|line| same(line)));
        shown += hunk.lines.len();
        if shown > SHOWN_LINES {
            return Err(too_large());
        }
        result.push(hunk);
        at = last + 1;
    }
    Ok(result)
}

/// What differs, each change on its own with the unchanged lines next to it: in the order of [`apply`]. `TooLarge` as [`line_diff`].
pub fn changes(old: &str, new: &str) -> Result<Vec<Hunk>> {
    // Refuses what is too large to show.
    line_diff(old, new)?;
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let found = hunks(old, new);
    let hunk = |(at, (before, after)): (usize, &(Range<usize>, Range<usize>))| {
        let reached = if at == 0 { 0 } else { found[at - 1].0.end };
        let next = found.get(at + 1).map_or(old_lines.len(), |(before, _)| before.start);
        let start = before.start.saturating_sub(CONTEXT).max(reached);
        let mut lines: Vec<Line> = old_lines[start..before.start].iter().map(|line| same(line)).collect();
        push_change(&mut lines, &old_lines[before.clone()], &new_lines[after.clone()]);
        lines.extend(old_lines[before.end..(before.end + CONTEXT).min(next)].iter().map(|line| same(line)));
        Hunk { old_start: start + 1, new_start: after.start - (before.start - start) + 1, lines }
    };
    Ok(found.iter().enumerate().map(hunk).collect())
}

/// `old` with those of its [`changes`] to `new` that `chosen` names, from 0.
pub fn apply(old: &str, new: &str, chosen: impl Fn(usize) -> bool) -> String {
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let mut text = String::with_capacity(old.len().max(new.len()));
    let mut reached = 0;
    let push = |text: &mut String, lines: &[&str]| {
        for line in lines {
            // A last line without an end that is not the last any more.
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(line);
        }
    };
    for (at, (before, after)) in hunks(old, new).into_iter().enumerate() {
        push(&mut text, &old_lines[reached..before.start]);
        push(&mut text, if chosen(at) { &new_lines[after] } else { &old_lines[before.clone()] });
        reached = before.end;
    }
    push(&mut text, &old_lines[reached..]);
    text
}

/// Which of the [`changes`] from `old` to `new` were chosen where [`apply`] made `result` of them, from 0. None if it is no such text.
pub fn chosen(old: &str, new: &str, result: &str) -> Option<BTreeSet<usize>> {
    let lines =
        |text| -> Vec<&str> { str::split_inclusive(text, '\n').map(|line: &str| line.strip_suffix('\n').unwrap_or(line)).collect() };
    let (old_lines, new_lines, lines) = (lines(old), lines(new), lines(result));
    let found = hunks(old, new);
    // Where in the result one may have come to after each change, and from where, by taking it or not: a text can be made in several ways where
    // lines repeat; one of them is told.
    let mut steps: Vec<BTreeMap<usize, (usize, bool)>> = Vec::with_capacity(found.len());
    let (mut places, mut reached, mut seen) = (BTreeSet::from([0]), 0, 0);
    let step = |at: usize, wanted: &[&str]| lines[at..].starts_with(wanted).then_some(at + wanted.len());
    for (before, after) in &found {
        let mut next = BTreeMap::new();
        for from in places {
            let Some(at) = step(from, &old_lines[reached..before.start]) else { continue };
            for (taken, wanted) in [(false, &old_lines[before.clone()]), (true, &new_lines[after.clone()])] {
                if let Some(at) = step(at, wanted) {
                    next.entry(at).or_insert((from, taken));
                }
            }
        }
        seen += next.len();
        if seen > WAYS {
            return None;
        }
        (places, reached) = (next.keys().copied().collect(), before.end);
        steps.push(next);
    }
    let mut at = places.into_iter().find(|at| step(*at, &old_lines[reached..]) == Some(lines.len()))?;
    let mut way = BTreeSet::new();
    for (number, step) in steps.iter().enumerate().rev() {
        let (from, taken) = *step.get(&at)?;
        at = from;
        if taken {
            way.insert(number);
        }
    }
    (apply(old, new, |number| way.contains(&number)) == result).then_some(way)
}

fn same(line: &str) -> Line {
    Line::Same(trim(line).to_string())
}

fn trim(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// Removed lines, then added ones; where the same number stands on both sides, each pair word by word.
fn push_change(lines: &mut Vec<Line>, old: &[&str], new: &[&str]) {
    let whole = |line: &&str| vec![Part::Changed(trim(line).to_string())];
    if old.len() != new.len() {
        lines.extend(old.iter().map(|line| Line::Removed(whole(line))));
        lines.extend(new.iter().map(|line| Line::Added(whole(line))));
        return;
    }
    let pairs: Vec<(Vec<Part>, Vec<Part>)> = old.iter().zip(new).map(|(old, new)| word_diff(trim(old), trim(new))).collect();
    let (removed, added): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    lines.extend(removed.into_iter().map(Line::Removed));
    lines.extend(added.into_iter().map(Line::Added));
}

/// Two lines word by word. Lines with little in common are shown whole.
pub fn word_diff(old: &str, new: &str) -> (Vec<Part>, Vec<Part>) {
    let (old_words, new_words) = (words(old), words(new));
    let mut input = InternedInput::default();
    input.update_before(old_words.iter().copied());
    input.update_after(new_words.iter().copied());
    let diff = Diff::compute(Algorithm::Myers, &input);
    let side = |words: &[&str], changed: &dyn Fn(u32) -> bool| {
        let mut parts: Vec<Part> = Vec::new();
        for (i, word) in words.iter().enumerate() {
            match (parts.last_mut(), changed(i as u32)) {
                (Some(Part::Changed(text)), true) | (Some(Part::Same(text)), false) => text.push_str(word),
                (_, true) => parts.push(Part::Changed((*word).to_string())),
                (_, false) => parts.push(Part::Same((*word).to_string())),
            }
        }
        parts
    };
    let kept: usize = old_words.iter().enumerate().filter(|(i, _)| !diff.is_removed(*i as u32)).map(|(_, w)| w.trim().len()).sum();
    if kept * 5 < (old.len() + new.len()) {
        return (vec![Part::Changed(old.to_string())], vec![Part::Changed(new.to_string())]);
    }
    (side(&old_words, &|i| diff.is_removed(i)), side(&new_words, &|i| diff.is_added(i)))
}

/// Runs of letters and digits, and every other character by itself.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut in_word = false;
    for (at, c) in line.char_indices() {
        // Scripts without spaces are compared character by character.
        let joins = c.is_alphanumeric() && (c as u32) < 0x2E80;
        if at > start && !(joins && in_word) {
            words.push(&line[start..at]);
            start = at;
        }
        in_word = joins;
    }
    if start < line.len() {
        words.push(&line[start..]);
    }
    words
}

/// Ranges of lines that differ, before and after, in order.
pub(crate) fn hunks(old: &str, new: &str) -> Vec<(Range<usize>, Range<usize>)> {
    let mut input = InternedInput::default();
    input.update_before(old.split_inclusive('\n'));
    input.update_after(new.split_inclusive('\n'));
    let diff = diff_with_slider_heuristics(Algorithm::Histogram, &input);
    let range = |r: Range<u32>| r.start as usize..r.end as usize;
    diff.hunks().map(|hunk| (range(hunk.before), range(hunk.after))).collect()
}

/// Where two lists differ, before and after, in order.
pub(super) fn ranges<T: Eq + std::hash::Hash + Copy>(old: &[T], new: &[T]) -> Vec<(Range<usize>, Range<usize>)> {
    let mut input = InternedInput::<Option<T>>::default();
    input.update_before(old.iter().copied().map(Some));
    input.update_after(new.iter().copied().map(Some));
    let diff = Diff::compute(Algorithm::Histogram, &input);
    let range = |r: Range<u32>| r.start as usize..r.end as usize;
    diff.hunks().map(|hunk| (range(hunk.before), range(hunk.after))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(hunks: &[Hunk]) -> String {
        let parts = |parts: &[Part]| {
            parts
                .iter()
                .map(|p| match p {
                    Part::Same(t) => t.clone(),
                    Part::Changed(t) => format!("[{t}]"),
                })
                .collect::<String>()
        };
        let line = |line: &Line| match line {
            Line::Same(text) => format!("  {text}\n"),
            Line::Removed(p) => format!("- {}\n", parts(p)),
            Line::Added(p) => format!("+ {}\n", parts(p)),
        };
        hunks.iter().map(|h| format!("@{},{}\n{}", h.old_start, h.new_start, h.lines.iter().map(line).collect::<String>())).collect()
    }

    #[test]
    fn what_was_chosen_is_told_from_what_came_of_it() {
        let (old, new) = ("a\nb\nc\nd\ne\nf", "a\nB\nB\nc\ne\nF\ng");
        for choice in 0..8_usize {
            let is_in = |number: usize| choice >> number & 1 == 1;
            let made = apply(old, new, is_in);
            assert_eq!(chosen(old, new, &made), Some((0..3).filter(|number| is_in(*number)).collect()), "{made}");
        }
        assert_eq!((chosen(old, new, "a\nb\nX\nd\ne\nf"), chosen(old, new, "a\nb\nc\nd\ne\nf\n")), (None, None));
        assert_eq!((chosen("", "x\n", ""), chosen("", "x\n", "x\n")), (Some([].into()), Some([0].into())));
    }

    #[test]
    fn changed_words_are_marked_and_distant_changes_are_hunks_of_their_own() {
        let old = "one two three\nb\nc\nd\ne\nf\ng\nh\ni\nlast\n";
        let new = "one 2 three\nb\nc\nd\ne\nf\ng\nh\ni\nj\nlast\n";
        let expected = "@1,1\n- one [two] three\n+ one [2] three\n  b\n  c\n  d\n@7,7\n  g\n  h\n  i\n+ [j]\n  last\n";
        assert_eq!(flat(&line_diff(old, new).unwrap()), expected);
        assert!(line_diff("a\n", "a\n").unwrap().is_empty());
        assert!(line_diff(&"x".repeat(SIDE_BYTES + 1), "").is_err());
    }
}
