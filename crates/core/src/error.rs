//! One error for all crates above the libraries: eight kinds, a message, a hint for the reader, a boxed cause.

use std::fmt;

/// The result of everything in Holt that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong, as far as a caller can branch on it. Status codes and exit codes are decided from this in one place per door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// It does not exist, or this actor may not know that it does.
    NotFound,
    /// The input is malformed or breaks a rule.
    Invalid,
    /// It exists already, or changed meanwhile.
    Conflict,
    /// We know who asks, and they may not.
    Denied,
    /// Log in first.
    Unauthenticated,
    /// A limit of security.md §2.2 is exceeded.
    TooLarge,
    /// Try again later: locked, overloaded, disk full, read-only.
    Busy,
    /// A fault of ours or of the machine. The message stays in the log.
    Internal,
}

/// An [`ErrorKind`], a message (one lower-case clause without a full stop) and, where there is a remedy, a hint (a sentence).
pub struct Error {
    /// What a caller may branch on.
    pub kind: ErrorKind,
    /// One lower-case clause, no full stop.
    pub message: String,
    /// A full sentence telling the reader what to do.
    pub hint: Option<String>,
    cause: Option<Cause>,
}

impl Error {
    /// An error of `kind`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, cause: None }
    }
    /// [`ErrorKind::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }
    /// [`ErrorKind::Invalid`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }
    /// [`ErrorKind::Conflict`].
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }
    /// [`ErrorKind::Denied`].
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Denied, message)
    }
    /// [`ErrorKind::Unauthenticated`].
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unauthenticated, message)
    }
    /// [`ErrorKind::TooLarge`].
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::TooLarge, message)
    }
    /// [`ErrorKind::Busy`].
    pub fn busy(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Busy, message)
    }
    /// [`ErrorKind::Internal`], with what was attempted: "read manifest of Guide/Setup".
    pub fn internal(attempted: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, attempted)
    }
    /// What the machine refused while we `attempted` something. A full or read-only disk is [`ErrorKind::Busy`] with a hint; the rest is internal.
    pub fn io(attempted: impl Into<String>, cause: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        match cause.kind() {
            Io::StorageFull | Io::QuotaExceeded => Self::busy(format!("{}: the disk is full", attempted.into()))
                .hint("Free some space on the disk that holds the data directory; nothing was changed."),
            Io::ReadOnlyFilesystem => Self::busy(format!("{}: the disk is read-only", attempted.into()))
                .hint("Remount the data directory writable; a server that runs shows pages meanwhile."),
            _ => Self::internal(attempted),
        }
        .because(cause)
    }
    /// Adds the remedy.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    /// Adds the underlying error, for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }
    /// Whether the disk was full: doors that can say so (HTTP 507) do.
    pub fn is_disk_full(&self) -> bool {
        let io = self.cause.as_deref().and_then(|c| c.downcast_ref::<std::io::Error>());
        io.is_some_and(|e| matches!(e.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded))
    }
    /// A wiki that holds no more pages: [`ErrorKind::TooLarge`].
    pub fn page_limit(most: u32) -> Self {
        Self::too_large(format!("this wiki holds at most {most} pages"))
            .hint("Delete pages that nobody needs, or ask whoever runs the server to allow more.")
            .because(PageLimit)
    }
    /// A wiki whose repository has no more room: [`ErrorKind::TooLarge`].
    pub fn byte_limit(most: u64) -> Self {
        Self::too_large(format!("this wiki holds at most {most} bytes, its history included"))
            .hint("Ask whoever runs the server to allow more: what is deleted stays in the history, so that deleting makes no room.")
            .because(ByteLimit)
    }
    /// Whether it was [`Error::byte_limit`].
    pub fn is_byte_limit(&self) -> bool {
        self.cause.as_deref().and_then(|cause| cause.downcast_ref::<ByteLimit>()).is_some()
    }
    /// Whether it was [`Error::page_limit`]: doors that can say so do.
    pub fn is_page_limit(&self) -> bool {
        self.cause.as_deref().and_then(|cause| cause.downcast_ref::<PageLimit>()).is_some()
    }
    /// A change that was not made, as it waits for somebody to accept it: [`ErrorKind::Denied`] for a door that cannot say so, so that nobody
    /// takes it for made.
    pub fn proposed(number: i64, title: impl Into<String>) -> Self {
        Self::denied(format!("this was proposed as #{number}"))
            .hint("It is not in the wiki until somebody accepts it.")
            .because(ProposedAs { number, title: title.into() })
    }
    /// The proposal, if it was [`Error::proposed`]: doors that can say so do.
    pub fn proposal(&self) -> Option<&ProposedAs> {
        self.cause.as_deref().and_then(|cause| cause.downcast_ref())
    }
    /// The message and every cause below it, for the log.
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut next = self.cause.as_deref().map(|c| c as &dyn std::error::Error);
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }
}

/// What a change became that waits for somebody to accept it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedAs {
    /// The number of the proposal in its wiki.
    pub number: i64,
    /// The first line of its message.
    pub title: String,
}

impl fmt::Display for ProposedAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "proposal {}: {}", self.number, self.title)
    }
}
impl std::error::Error for ProposedAs {}

/// The cause of [`Error::page_limit`].
#[derive(Debug)]
struct PageLimit;

impl fmt::Display for PageLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the limit of the wiki")
    }
}
impl std::error::Error for PageLimit {}

/// The cause of [`Error::byte_limit`].
#[derive(Debug)]
struct ByteLimit;

impl fmt::Display for ByteLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the limit of the wiki's repository")
    }
}
impl std::error::Error for ByteLimit {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.chain())
    }
}
impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|c| c as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_busy_and_says_what_to_do() {
        let error = Error::io("write pack", std::io::Error::from(std::io::ErrorKind::StorageFull));
        assert_eq!(error.kind, ErrorKind::Busy);
        assert!(error.is_disk_full() && error.hint.is_some());
        assert!(error.chain().starts_with("write pack: the disk is full: "));
    }
}
