//! Who last wrote each line, from the versions of one page alone: its revisions are known, so the rest of history need not be walked.

use super::diff::hunks;
use holt_core::{Error, Result, RevisionId};

/// Most versions that are looked at (security.md INP-18).
const VERSIONS: usize = 10_000;

/// Each line of the newest version with the revision that brought it in. `versions` is oldest first.
pub fn blame(versions: &[(RevisionId, String)]) -> Result<Vec<(RevisionId, String)>> {
    if versions.len() > VERSIONS {
        return Err(Error::too_large(format!("the page has more than {VERSIONS} revisions")).hint("Use git blame on your own machine."));
    }
    let Some((first, text)) = versions.first() else { return Ok(Vec::new()) };
    let mut owners = vec![*first; text.split_inclusive('\n').count()];
    for pair in versions.windows(2) {
        let [(_, old), (id, new)] = pair else { continue };
        let mut next = Vec::with_capacity(owners.len());
        let mut reached = 0;
        for (before, after) in hunks(old, new) {
            next.extend_from_slice(&owners[reached..before.start]);
            next.extend(std::iter::repeat_n(*id, after.len()));
            reached = before.end;
        }
        next.extend_from_slice(&owners[reached..]);
        owners = next;
    }
    let newest = versions.last().map(|(_, text)| text.as_str()).unwrap_or_default();
    let line = |line: &str| line.trim_end_matches(['\n', '\r']).to_string();
    Ok(owners.into_iter().zip(newest.split_inclusive('\n').map(line)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_belongs_to_whoever_wrote_it_last() {
        let id = |n: u8| RevisionId::from_bytes([n; 20]);
        let versions = [(id(1), "a\nb\nc\n".to_string()), (id(2), "a\nB\nc\n".to_string()), (id(3), "0\na\nB\n".to_string())];
        let lines: Vec<(RevisionId, String)> = blame(&versions).unwrap();
        let expected = [(id(3), "0"), (id(1), "a"), (id(2), "B")];
        assert_eq!(lines, expected.map(|(id, text)| (id, text.to_string())));
        assert!(blame(&[]).unwrap().is_empty());
    }
}
