//! Hunks to rows: how a difference is laid out in one column or two.

use super::views::{DiffBody, DiffLayout, DiffLine, LineKind, Piece, SideLine, SideRow};
use holt_engine::pages::marked;
use holt_engine::repo::diff::{Hunk, Line, Part};

/// Lays out the hunks of one file; without hunks, `words` says why there is nothing to show.
pub fn body(hunks: Option<&[Hunk]>, layout: DiffLayout, words: &str) -> DiffBody {
    match (hunks, layout) {
        (None, _) => DiffBody::Words(words.to_string()),
        (Some([]), _) => DiffBody::Words("The text is the same.".to_string()),
        (Some(hunks), DiffLayout::Inline | DiffLayout::Page) => DiffBody::Inline(inline(hunks)),
        (Some(hunks), DiffLayout::SideBySide) => DiffBody::SideBySide(side_by_side(hunks)),
    }
}

fn inline(hunks: &[Hunk]) -> Vec<DiffLine> {
    let mut rows = Vec::new();
    let mut seen = 1;
    for hunk in hunks {
        if hunk.old_start > seen {
            rows.push(DiffLine { kind: LineKind::Gap, old: None, new: None, pieces: vec![Piece::Same(left_out(hunk.old_start - seen))] });
        }
        rows.extend(lines(hunk));
        seen = hunk.old_start + hunk.lines.iter().filter(|line| !matches!(line, Line::Added(_))).count();
    }
    rows
}

/// One hunk in one column.
pub fn lines(hunk: &Hunk) -> Vec<DiffLine> {
    let (mut old, mut new) = (hunk.old_start, hunk.new_start);
    let line = |line: &Line| {
        let (kind, pieces) = pieces(line);
        let (before, after) = (kind != LineKind::Added, kind != LineKind::Removed);
        let shown = DiffLine { kind, old: before.then_some(old), new: after.then_some(new), pieces };
        old += usize::from(before);
        new += usize::from(after);
        shown
    };
    hunk.lines.iter().map(line).collect()
}

/// Removed lines stand beside the added ones that follow them.
pub fn side_by_side(hunks: &[Hunk]) -> Vec<SideRow> {
    let mut rows = Vec::new();
    let mut seen = 1;
    for hunk in hunks {
        if hunk.old_start > seen {
            rows.push(SideRow::Gap(left_out(hunk.old_start - seen)));
        }
        let (mut old, mut new) = (hunk.old_start, hunk.new_start);
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        for line in &hunk.lines {
            let (kind, pieces) = pieces(line);
            match kind {
                LineKind::Removed => {
                    // The counterpart of an added line never follows it.
                    if !added.is_empty() {
                        pair(&mut rows, &mut removed, &mut added);
                    }
                    removed.push(SideLine { number: old, kind, pieces });
                    old += 1;
                }
                LineKind::Added => {
                    added.push(SideLine { number: new, kind, pieces });
                    new += 1;
                }
                LineKind::Same | LineKind::Gap => {
                    pair(&mut rows, &mut removed, &mut added);
                    let side = |number, pieces| Some(SideLine { number, kind, pieces });
                    rows.push(SideRow::Lines { left: side(old, pieces.clone()), right: side(new, pieces) });
                    old += 1;
                    new += 1;
                }
            }
        }
        pair(&mut rows, &mut removed, &mut added);
        seen = old;
    }
    rows
}

fn pair(rows: &mut Vec<SideRow>, removed: &mut Vec<SideLine>, added: &mut Vec<SideLine>) {
    let (mut removed, mut added) = (std::mem::take(removed).into_iter(), std::mem::take(added).into_iter());
    loop {
        match (removed.next(), added.next()) {
            (None, None) => return,
            (left, right) => rows.push(SideRow::Lines { left, right }),
        }
    }
}

fn pieces(line: &Line) -> (LineKind, Vec<Piece>) {
    let parts = |parts: &[Part], mark: fn(String) -> Piece| {
        let texts = marked(parts.iter().map(|(Part::Same(text) | Part::Changed(text))| text.as_str()));
        let piece = |(part, text): (&Part, String)| match part {
            Part::Same(_) => Piece::Same(text),
            Part::Changed(_) => mark(text),
        };
        parts.iter().zip(texts).map(piece).collect()
    };
    match line {
        Line::Same(text) => (LineKind::Same, marked([text.as_str()]).into_iter().map(Piece::Same).collect()),
        Line::Removed(text) => (LineKind::Removed, parts(text, Piece::Removed)),
        Line::Added(text) => (LineKind::Added, parts(text, Piece::Added)),
    }
}

fn left_out(lines: usize) -> String {
    if lines == 1 { "1 unchanged line".to_string() } else { format!("{lines} unchanged lines") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holt_engine::repo::diff::line_diff;

    fn shown(pieces: &[Piece]) -> String {
        pieces
            .iter()
            .map(|piece| match piece {
                Piece::Same(text) | Piece::Added(text) | Piece::Removed(text) => text.as_str(),
            })
            .collect()
    }

    #[test]
    fn every_line_keeps_its_number_on_its_side() {
        let old: String = (1..=20).map(|n| format!("line {n}\n")).collect();
        let new = old.replace("line 12\n", "line twelve\nand more\n").replace("line 3\n", "");
        let hunks = line_diff(&old, &new).unwrap();
        for row in side_by_side(&hunks) {
            let SideRow::Lines { left, right } = row else { continue };
            for (text, side) in [(&old, left), (&new, right)] {
                let Some(side) = side else { continue };
                assert_eq!(text.lines().nth(side.number - 1), Some(shown(&side.pieces).as_str()));
            }
        }
        for row in inline(&hunks) {
            let shown = shown(&row.pieces);
            assert!(row.old.is_none_or(|n| old.lines().nth(n - 1) == Some(shown.as_str())), "{shown}");
            assert!(row.new.is_none_or(|n| new.lines().nth(n - 1) == Some(shown.as_str())), "{shown}");
        }
    }
}
