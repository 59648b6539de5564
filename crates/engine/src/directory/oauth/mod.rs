//! What people allow programs by OAuth (spec/mcp.md §9, security.md OAU): who the programs are, what is asked, what was allowed, and the secrets by
//! which it is used. Knows no HTTP and no addresses but as text; every function names the wiki, and nothing of another wiki is found.

mod clients;
mod grants;
mod requests;

pub use clients::{NewOAuthClient, OAuthClient, Registered, Secrecy};
pub use grants::{ACCESS_LIFE, AccessGrant, GrantRecord, Issued, LONG_ACCESS_LIFE, REFRESH_LIFE, Redemption, Refusal};
pub use requests::{CODE_LIFE, Decided, NewOAuthRequest, OAuthRequest, REQUEST_LIFE};

use crate::db::decode;
use holt_core::{Action, Result};
use rusqlite::Connection;

/// A client that nobody ever allowed anything is forgotten after so many seconds.
const UNUSED: i64 = 24 * 3600;
/// A client whose last consent is so many seconds ago, and which is allowed nothing any more, is forgotten.
const FORGOTTEN: i64 = 90 * 24 * 3600;

/// How much a program may be allowed. Each includes those before it; settings and members are never among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OAuthScope {
    /// Read.
    Read,
    /// Change pages.
    Write,
    /// Add files.
    Upload,
}

impl OAuthScope {
    /// All of them, narrowest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Upload];
    /// The most that it lets somebody do.
    pub fn action(self) -> Action {
        match self {
            Self::Read => Action::Read,
            Self::Write => Action::Write,
            Self::Upload => Action::Upload,
        }
    }
    /// As the database and the protocol spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Upload => "upload",
        }
    }
    /// From such a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

fn scope(word: &str) -> Result<OAuthScope> {
    decode("the scope of a grant", OAuthScope::parse(word))
}

/// Forgets what is over. Whoever adds something calls it, so that what is kept is bounded without anybody's help.
fn purge(db: &Connection, now: i64) -> rusqlite::Result<()> {
    for table in ["oauth_requests", "oauth_tokens", "oauth_grants"] {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE expires <= ?1"))?.execute([now])?;
    }
    let unused = "DELETE FROM oauth_clients WHERE last_used IS NULL AND created <= ?1";
    db.prepare_cached(unused)?.execute([now.saturating_sub(UNUSED)])?;
    let forgotten =
        "DELETE FROM oauth_clients WHERE last_used <= ?1 AND NOT EXISTS (SELECT 1 FROM oauth_grants WHERE client = oauth_clients.id)";
    db.prepare_cached(forgotten)?.execute([now.saturating_sub(FORGOTTEN)])?;
    Ok(())
}
