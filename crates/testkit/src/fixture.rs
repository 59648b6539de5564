//! A wiki as a string:
//!
//! ```text
//! //- /Home.md            by:ann
//! See [[Guide]].
//! //- /Guide.md           by:bob rev:2
//! # Guide
//! ```

/// One commit of a fixture: files with the content they have from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixtureCommit {
    /// Short name of the person.
    pub author: String,
    /// Path in the tree and content.
    pub files: Vec<(String, String)>,
}

/// The commits of a fixture string, oldest first. `by:` is who (default `ann`), `rev:` in which round (default 1); files of one person in
/// one round share a commit. A content ends with one line break.
///
/// # Panics
/// On a header it does not understand, or text before the first one: a fixture is part of its test.
pub fn commits(fixture: &str) -> Vec<FixtureCommit> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in fixture.lines() {
        if let Some(header) = line.strip_prefix("//- ") {
            entries.push(Entry::parse(header));
        } else if let Some(entry) = entries.last_mut() {
            entry.content.push_str(line);
            entry.content.push('\n');
        } else {
            assert!(line.trim().is_empty(), "fixture: text before the first header: {line:?}");
        }
    }
    entries.sort_by_key(|e| e.round);
    let mut rounds = Vec::new();
    let mut commits: Vec<FixtureCommit> = Vec::new();
    for Entry { round, author, file, content } in entries {
        let joins = rounds.last() == Some(&round) && commits.last().is_some_and(|c| c.author == author);
        if !joins {
            rounds.push(round);
            commits.push(FixtureCommit { author, files: Vec::new() });
        }
        commits.last_mut().expect("pushed above if empty").files.push((file, content));
    }
    commits
}

struct Entry {
    round: u32,
    author: String,
    file: String,
    content: String,
}

impl Entry {
    /// `/Path with spaces.md   by:ann rev:2`
    fn parse(header: &str) -> Self {
        let (mut round, mut author, mut file) = (1, "ann".to_string(), header.trim());
        while let Some((before, option)) = file.rsplit_once(' ').filter(|(_, option)| option.contains(':')) {
            match option.split_once(':') {
                Some(("by", name)) => author = name.to_string(),
                Some(("rev", number)) => round = number.parse().unwrap_or_else(|_| panic!("fixture: rev:{number} is no number")),
                _ => panic!("fixture: what is {option:?}?"),
            }
            file = before.trim_end();
        }
        let file = file.strip_prefix('/').unwrap_or_else(|| panic!("fixture: {file:?} does not begin with /")).to_string();
        Self { round, author, file, content: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &str) -> (String, String) {
        (name.to_string(), content.to_string())
    }

    #[test]
    fn a_string_becomes_commits_by_round_and_person() {
        let commits =
            commits("\n//- /Home.md   by:ann\nSee [[Guide]].\n//- /Guide/Set up.md by:bob rev:2\n# Guide\n\nText\n//- /Other.md\n");
        let expected = [
            FixtureCommit { author: "ann".into(), files: vec![file("Home.md", "See [[Guide]].\n"), file("Other.md", "")] },
            FixtureCommit { author: "bob".into(), files: vec![file("Guide/Set up.md", "# Guide\n\nText\n")] },
        ];
        assert_eq!(commits, expected);
    }

    #[test]
    fn rounds_keep_apart_what_one_person_wrote() {
        let commits = commits("//- /A.md\none\n//- /A.md rev:2\ntwo");
        assert_eq!(commits.len(), 2);
        assert_eq!(commits[1].files, [file("A.md", "two\n")]);
    }

    #[test]
    #[should_panic(expected = "before the first header")]
    fn text_without_a_header_is_a_mistake() {
        commits("lost\n//- /A.md\n");
    }
}
