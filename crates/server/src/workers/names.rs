//! What workers are called.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use std::fmt;

/// A worker. Its name is part of commands, rows, metrics and file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// Published pages, to the object store.
    Publish,
    /// What is derived of texts.
    Index,
    /// What texts mean.
    Embed,
    /// Mail about what people watch.
    Digests,
    /// How much there is, and letters that a limit is near.
    Quota,
    /// What files want done.
    Maintenance,
    /// What people should look at.
    Care,
    /// Caches in front of published pages.
    Purge,
    /// Repositories elsewhere that wikis are kept the same as.
    Mirror,
    /// Other servers that are told what happens.
    Webhook,
}

/// All of them.
pub const NAMES: &[Name] = &[
    Name::Publish,
    Name::Index,
    Name::Embed,
    Name::Digests,
    Name::Quota,
    Name::Maintenance,
    Name::Care,
    Name::Purge,
    Name::Mirror,
    Name::Webhook,
];

/// What is said of workers while their process takes too much memory.
pub(super) const HELD: &str = "This process takes more memory than background work may (--background-memory).";

impl Name {
    /// As people type it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Index => "index",
            Self::Embed => "embed",
            Self::Digests => "digests",
            Self::Quota => "quota",
            Self::Maintenance => "maintenance",
            Self::Care => "care",
            Self::Purge => "purge",
            Self::Mirror => "mirror",
            Self::Webhook => "webhook",
        }
    }
    /// What it does, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Publish => "Puts published pages into the object store",
            Self::Index => "Brings search and lists to what was pushed or left by a crash",
            Self::Embed => "Looks what changed pages mean, where there is a sentence model",
            Self::Digests => "Mails people about what they watch",
            Self::Quota => "Measures wikis, and tells owners that a limit is near",
            Self::Maintenance => "Merges packs, removes what nothing names, checks all of it weekly",
            Self::Care => "Counts what people should look at",
            Self::Purge => "Has caches forget what changed",
            Self::Mirror => "Keeps wikis the same as repositories elsewhere",
            Self::Webhook => "Tells other servers what happens in wikis",
        }
    }
    /// What is missing where there is nothing for it to do.
    pub fn wants(self) -> &'static str {
        match self {
            Self::Publish => "There is no object store (--publish-to).",
            Self::Purge => "There are no caches (--purge).",
            Self::Embed => "There is no sentence model: `holt model fetch` brings one.",
            _ => "",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ValueEnum for Name {
    fn value_variants<'a>() -> &'a [Self] {
        NAMES
    }
    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()).help(self.about()))
    }
}
