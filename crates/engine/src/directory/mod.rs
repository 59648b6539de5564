//! `holt.db`, the platform database: which wikis there are, who people are, who is logged in. No SQL of it stands anywhere else.
//!
//! It never sees a secret that it could give away again: sessions, tokens and links are stored as SHA-256 (security.md SEC-1).

mod audit;
mod digests;
mod domains;
mod elsewhere;
mod identities;
mod invitations;
mod logins;
mod moves;
mod oauth;
mod passkeys;
mod plans;
mod platform_tokens;
mod sessions;
mod sign_ins;
mod sign_ups;
mod tokens;
mod users;
mod wikis;
mod work;

pub use audit::{AuditEntry, AuditFilter, AuditRow};
pub use digests::{GATHER, LEASE, Next, Turn};
pub use domains::{CLAIM_LIFE, DomainRecord, Doubt, LOST_LIFE, RECHECK, UNSEEN_LIFE};
pub use elsewhere::{NewSignInRequest, SIGN_IN_REQUEST_LIFE, SignInRequest};
pub use identities::{Identity, IdentityRecord};
pub use invitations::{Delivery, INVITATION_LIFE, INVITATION_USES, InvitationRecord, NewInvitation};
pub use logins::{Gate, Purpose};
pub use moves::MovedWiki;
pub use oauth::{
    ACCESS_LIFE, AccessGrant, CODE_LIFE, Decided, GrantRecord, Issued, LONG_ACCESS_LIFE, NewOAuthClient, NewOAuthRequest, OAuthClient,
    OAuthRequest, OAuthScope, REFRESH_LIFE, REQUEST_LIFE, Redemption, Refusal, Registered, Secrecy,
};
pub use passkeys::Passkey;
pub use plans::{Plan, WikiLimits};
pub use platform_tokens::{PlatformScope, PlatformToken};
pub use sessions::{SESSION_IDLE, SESSION_LIFE, SessionEntry, SessionRow};
pub use sign_ins::{SIGN_IN_LIFE, SignIn, SignedIn};
pub use tokens::{NewToken, TokenRecord, TokenScope};
pub use users::{NewUser, Rank, UserRecord};
pub use wikis::{Holder, QUARANTINE, TRASH_LIFE, WikiRecord, WikiState};
pub use work::{Measured, NEVER, Outcome, Owed, TRIES, Waiting, WorkerRow};

use crate::db::{Durability, Existence, Kind, decode, open, open_as_it_is, wrap};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holt_core::{Error, Result};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const KIND: Kind = Kind {
    name: "holt.db",
    application_id: i32::from_be_bytes(*b"Hodb"),
    durability: Durability::Full,
    migrations: &[
        include_str!("migrations/0001_platform.sql"),
        include_str!("migrations/0002_invitations.sql"),
        include_str!("migrations/0003_digests.sql"),
        include_str!("migrations/0004_token_parts.sql"),
        include_str!("migrations/0005_page_limits.sql"),
        include_str!("migrations/0006_byte_limits.sql"),
        include_str!("migrations/0007_oauth.sql"),
        include_str!("migrations/0008_tenancy.sql"),
        include_str!("migrations/0009_first_wiki.sql"),
        include_str!("migrations/0010_elsewhere.sql"),
        include_str!("migrations/0011_domains.sql"),
        include_str!("migrations/0012_handles.sql"),
        include_str!("migrations/0013_session_hosts.sql"),
        include_str!("migrations/0014_work.sql"),
    ],
};

/// The platform database. One connection writes, one reads beside it; each is used by one thread at a time, for microseconds.
pub struct Directory {
    path: PathBuf,
    writer: Mutex<Connection>,
    reader: Mutex<Option<Connection>>,
}

impl Directory {
    /// Opens `holt.db`, making it if it is missing.
    pub fn open(path: &Path) -> Result<Self> {
        let writer = open(path, &KIND, Existence::MayBeNew)?;
        Ok(Self { path: path.to_path_buf(), writer: Mutex::new(writer), reader: Mutex::default() })
    }
    /// Opens `holt.db` to look at it while another process may have the data directory: changes nothing, not even its version.
    pub fn look(path: &Path) -> Result<Self> {
        let db = open_as_it_is(path, &KIND)?;
        db.pragma_update(None, "query_only", true).map_err(wrap("look at the data directory"))?;
        Ok(Self { path: path.to_path_buf(), writer: Mutex::new(db), reader: Mutex::default() })
    }
    /// Opens `holt.db` for work beside the process that owns the data directory: it must be of this version.
    pub fn join(path: &Path) -> Result<Self> {
        let writer = open_as_it_is(path, &KIND)?;
        Ok(Self { path: path.to_path_buf(), writer: Mutex::new(writer), reader: Mutex::default() })
    }
    /// Reads. `attempted` completes "could not …" in the log.
    fn read<T>(&self, attempted: &str, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if reader.is_none() {
            let db = open(&self.path, &KIND, Existence::Required)?;
            db.pragma_update(None, "query_only", true).map_err(wrap(attempted))?;
            *reader = Some(db);
        }
        let db = reader.as_ref().ok_or_else(|| Error::internal(attempted))?;
        work(db).map_err(wrap(attempted))
    }
    /// Changes, in one transaction that is durable when this returns.
    fn write<T>(&self, attempted: &str, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        (|| {
            let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&tx)?;
            tx.commit()?;
            Ok(result)
        })()
        .map_err(wrap(attempted))
    }
    /// As [`Directory::write`], for changes that rules of ours may refuse: an error undoes everything.
    fn change<T>(&self, attempted: &str, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(wrap(attempted))?;
        let result = work(&tx)?;
        tx.commit().map_err(wrap(attempted))?;
        Ok(result)
    }
    /// 32 random bytes that are made on first use and stay the same for the life of the installation.
    pub fn secret(&self, name: &str) -> Result<[u8; 32]> {
        let query = "SELECT value FROM secrets WHERE name = ?1";
        let read = |db: &Connection| db.query_row(query, [name], |row| row.get::<_, Vec<u8>>(0)).optional();
        let stored = match self.read("read a secret", read)? {
            Some(stored) => stored,
            None => {
                let fresh = random()?;
                self.write("make a secret", |db| {
                    db.execute("INSERT OR IGNORE INTO secrets (name, value) VALUES (?1, ?2)", (name, fresh))?;
                    db.query_row(query, [name], |row| row.get(0))
                })?
            }
        };
        decode("a secret", stored.try_into().ok())
    }
    /// A setting of the installation.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        self.read("read a setting", |db| db.query_row("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0)).optional())
    }
    /// Changes a setting of the installation.
    pub fn set_setting(&self, name: &str, value: &str) -> Result<()> {
        self.write("change a setting", |db| {
            db.execute(
                "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )
        })
        .map(|_| ())
    }
    /// What is wrong with the file, each as a sentence.
    pub fn integrity(&self) -> Result<Vec<String>> {
        self.read("check holt.db", crate::db::problems)
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Directory({})", self.path.display())
    }
}

/// A bearer secret of 256 bits, shown to its owner once. `Debug` does not show it.
pub struct Token(String);

impl Token {
    fn new(prefix: &str) -> Result<Self> {
        Ok(Self(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random()?))))
    }
    /// The secret itself, to be handed to its owner.
    pub fn expose(&self) -> &str {
        &self.0
    }
    fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What is stored of a secret. Looking a hash up by index tells an attacker nothing useful about the time of comparing (SEC-4).
fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal("ask the system for random bytes").because(e))?;
    Ok(bytes)
}
