//! The words of the domain: names, ids, rights, edits, errors.
//!
//! Pure: no I/O, no clock, no async, no serialisation. Every other crate may use this one; it uses none of ours.

pub mod access;
pub mod domain;
pub mod edit;
pub mod error;
pub mod html;
pub mod page;
pub mod path;
mod path_rules;
pub mod revision;
pub mod session;
pub mod unsubscribe;
pub mod wiki;
pub mod words;

pub use access::{
    AccessLevel, AccessRules, Action, Actor, AgentPolicy, CLIENT_PATTERN_CHARS, ClientPattern, Handling, Hidden, MemberFlags, POLICY_RULES,
    Person, PolicyRule, Program, SessionName, SubtreeRule, SubtreeRules, UserId,
};
pub use domain::{BaseDomain, DomainName};
pub use edit::{Change, ChangeKind, Conflict, Edit, FileChange, OpId, SaveOutcome, Saved};
pub use error::{Error, ErrorKind, ProposedAs, Result};
pub use html::SafeHtml;
pub use page::{Page, Title};
pub use path::{AttachmentName, NewPagePath, PageKey, PagePath};
pub use revision::{Author, PLAN_TRAILER, Revision, RevisionId, RevisionPrefix, SESSION_TRAILER, Timestamp, UNDOES_TRAILER, VIA_TRAILER};
pub use wiki::{Visibility, WikiId, WikiName};
pub use words::{Direction, Language};
