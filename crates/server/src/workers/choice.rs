//! Which workers a process hosts, as its command line says.

use super::{NAMES, Name};

/// Which workers a process hosts: `all`, `none`, or some of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice(Vec<Name>);

impl Choice {
    /// All of them.
    pub fn all() -> Self {
        Self(NAMES.to_vec())
    }
    /// This one.
    pub fn one(name: Name) -> Self {
        Self(vec![name])
    }
    /// Which.
    pub fn names(&self) -> &[Name] {
        &self.0
    }
    /// Reads `all`, `none` or names with commas between them.
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = |word: &str| {
            NAMES.iter().find(|name| name.as_str() == word).copied().ok_or_else(|| {
                let all: Vec<&str> = NAMES.iter().map(|name| name.as_str()).collect();
                format!("there is no worker called {word:?}; there are all, none, or some of {}", all.join(","))
            })
        };
        match text {
            "all" => Ok(Self::all()),
            "none" => Ok(Self(Vec::new())),
            some => {
                let mut names = some.split(',').map(|word| name(word.trim())).collect::<Result<Vec<_>, _>>()?;
                names.sort_unstable();
                names.dedup();
                Ok(Self(names))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read() {
        assert_eq!(Choice::parse("all").unwrap().names(), NAMES);
        assert!(Choice::parse("none").unwrap().names().is_empty());
        assert_eq!(Choice::parse("index, digests,index").unwrap().names(), [Name::Index, Name::Digests]);
        assert!(Choice::parse("otter").unwrap_err().contains("index"));
    }
}
