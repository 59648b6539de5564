//! A wish to change a wiki, and what became of it.

use crate::error::{Error, Result};
use crate::path::PagePath;
use crate::revision::{Revision, RevisionId};

/// Longest page source (security.md INP-4), in bytes.
pub const SOURCE_BYTES: usize = 1024 * 1024;
/// Longest commit message (security.md INP-7), in bytes.
pub const MESSAGE_BYTES: usize = 4 * 1024;

/// A wish: this page shall have this source. Text is valid UTF-8 without NUL, within its limits, by construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Which page.
    pub path: PagePath,
    /// The revision of the wiki the writer started from; `None` when the page is to be created.
    pub base: Option<RevisionId>,
    source: String,
    message: String,
}

impl Edit {
    /// Checks size and shape: 413 above 1 MiB of source or 4 KiB of message, 422 for NUL and control characters in the message.
    pub fn new(path: PagePath, base: Option<RevisionId>, source: String, message: &str) -> Result<Self> {
        if source.len() > SOURCE_BYTES {
            return Err(Error::too_large(format!("the page is longer than {SOURCE_BYTES} bytes")).hint("Split the page in two."));
        }
        if source.contains('\0') {
            return Err(Error::invalid("the page contains a NUL character").hint("Remove it; pages are text."));
        }
        let message = check_message(message)?;
        Ok(Self { path, base, source, message })
    }
    /// The new source.
    pub fn source(&self) -> &str {
        &self.source
    }
    /// Why, in the writer's words; may be empty.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// A commit message within its limits, trimmed.
pub fn check_message(message: &str) -> Result<String> {
    if message.len() > MESSAGE_BYTES {
        return Err(Error::too_large(format!("the message is longer than {MESSAGE_BYTES} bytes")).hint("Shorten the message."));
    }
    let message = message.replace("\r\n", "\n");
    if message.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Error::invalid("the message contains a control character").hint("Remove it from the message."));
    }
    Ok(message.trim().to_string())
}

/// Makes retries harmless (spec/api.md, security.md API-5): the same id twice is the same change once. 1 to 64 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OpId(String);

impl OpId {
    /// From a client.
    pub fn parse(text: &str) -> Result<Self> {
        if text.is_empty() || text.len() > 64 || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::invalid("the operation id is malformed").hint("Use 1 to 64 printable ASCII characters without spaces."));
        }
        Ok(Self(text.to_string()))
    }
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What happens to one file of the tree in a commit. Paths come from [`PagePath`] and [`crate::AttachmentName`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// The file has these bytes.
    Put {
        /// Path in the tree.
        file: String,
        /// Its content.
        content: Vec<u8>,
    },
    /// The file has content that the repository holds already.
    Stored {
        /// Path in the tree.
        file: String,
        /// The id of its content.
        content: [u8; 20],
    },
    /// The file is gone.
    Remove {
        /// Path in the tree.
        file: String,
    },
    /// The file moves, content and mode untouched.
    Move {
        /// Path in the tree before.
        from: String,
        /// Path in the tree after.
        to: String,
    },
}

/// An edit that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The revision that holds it.
    pub revision: RevisionId,
    /// Whether it was merged with changes made since its base.
    pub merged: bool,
    /// Whether there was anything to change; if not, `revision` is the current one.
    pub changed: bool,
}

/// An edit that touches what somebody else changed since its base. Not an error: three texts to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The page as the writer started from it; `None` if it did not exist.
    pub base: Option<String>,
    /// The page as it is now; `None` if it was deleted.
    pub theirs: Option<String>,
    /// What the writer sent.
    pub yours: String,
    /// Both, with `<<<<<<<` marks where they touch.
    pub merged: String,
    /// The current revision: the base for the resolved edit.
    pub current: RevisionId,
    /// The commit that changed it last.
    pub by: Option<Revision>,
}

/// What became of an [`Edit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaveOutcome {
    /// It is durable.
    Saved(Saved),
    /// It touches newer changes.
    Conflict(Box<Conflict>),
}

/// What happened to a file between two revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Path in the tree, after the change.
    pub file: String,
    /// What happened.
    pub kind: ChangeKind,
}

/// See [`Change`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// New.
    Added,
    /// Other content or mode.
    Modified,
    /// Gone.
    Deleted,
    /// Came from another path, perhaps with changes.
    Renamed {
        /// Path in the tree before.
        from: String,
    },
}
