//! Who is who. An account is made for a DID and for nothing else; a handle leads to one only while exactly one person has it.

use super::Run;
use crate::db::robot_wtf::RobotDb;
use crate::directory::{Identity, NewUser, Rank};
use crate::engine::Engine;
use holt_core::{Error, ErrorKind, MemberFlags, Result, UserId};
use std::collections::BTreeMap;

/// Who vouches for people of robot.wtf.
pub(super) const PROVIDER: &str = "atproto";
/// Longest DID, in bytes, as the AT Protocol has it.
const DID_BYTES: usize = 2048;
/// Longest handle, in bytes: it is a host name.
const HANDLE_BYTES: usize = 253;

/// Whose a row of a wiki is.
pub(super) enum Whose {
    /// Of the person with that handle.
    Full(String),
    /// Of the person with a handle that begins so.
    Short(String),
    /// Nobody knows, and why.
    Nobody(&'static str),
}

/// Everybody whom the platform knows, and their accounts here.
pub(super) struct People<'a> {
    engine: &'a Engine,
    run: Run,
    /// By DID.
    known_there: BTreeMap<String, Somebody>,
    /// By DID.
    accounts: BTreeMap<String, UserId>,
    strange: Vec<String>,
    /// Accounts made.
    pub made: usize,
    /// Accounts of people who had one.
    pub known: usize,
}

struct Somebody {
    /// In lower case; none if it is no handle.
    handle: Option<String>,
    created: Option<i64>,
}

impl<'a> People<'a> {
    pub fn new(engine: &'a Engine, platform: &RobotDb, run: Run) -> Self {
        let mut known_there = BTreeMap::new();
        let mut strange = Vec::new();
        for user in &platform.users {
            if is_did(&user.did) {
                let handle = Some(user.handle.trim().to_lowercase()).filter(|handle| is_handle(handle));
                known_there.insert(user.did.clone(), Somebody { handle, created: user.created });
            } else {
                strange.push(user.did.clone());
            }
        }
        Self { engine, run, known_there, accounts: BTreeMap::new(), strange, made: 0, known: 0 }
    }
    /// What is odd about the platform's people.
    pub fn remarks(&self) -> Vec<String> {
        let strange = self.strange.iter().map(|did| format!("the person {did:?} was left out: that is no DID"));
        let mut handles: BTreeMap<&str, usize> = BTreeMap::new();
        for handle in self.known_there.values().filter_map(|somebody| somebody.handle.as_deref()) {
            *handles.entry(handle).or_default() += 1;
        }
        let shared = handles.into_iter().filter(|(_, count)| *count > 1);
        let shared = shared.map(|(handle, count)| format!("{count} people are called @{handle}: wikis know none of them by it any more"));
        strange.chain(shared).collect()
    }
    /// Makes accounts for everybody who has none. Whose could not be made, and why.
    pub fn accounts_of_all(&mut self) -> Result<Vec<String>> {
        let dids: Vec<String> = self.known_there.keys().cloned().collect();
        let mut strange = Vec::new();
        for did in &dids {
            match self.account(did) {
                Err(error) if error.kind == ErrorKind::Conflict => strange.push(format!("{did} has no account: {}", error.message)),
                other => drop(other?),
            }
        }
        Ok(strange)
    }
    /// The account of `did`, made if there is none. `Invalid` if that is no DID.
    pub fn account(&mut self, did: &str) -> Result<UserId> {
        if let Some(id) = self.accounts.get(did) {
            return Ok(*id);
        }
        if !is_did(did) {
            return Err(Error::invalid(format!("{did:?} is no DID")).hint("Correct owner_did in robot.db, with robot.wtf stopped."));
        }
        let identity = Identity { provider: PROVIDER, subject: did };
        let id = match self.engine.directory().user_by_identity(identity)? {
            Some(id) => {
                self.known += 1;
                id
            }
            None => {
                // Of a rehearsal: no account has such an id.
                let unused = UserId(-1 - i64::try_from(self.made).unwrap_or(i64::MAX - 1));
                let id = if self.run == Run::Rehearsal { unused } else { self.make(identity)? };
                self.made += 1;
                id
            }
        };
        self.accounts.insert(did.to_string(), id);
        Ok(id)
    }
    fn make(&self, identity: Identity<'_>) -> Result<UserId> {
        let did = identity.subject;
        let somebody = self.known_there.get(did);
        let created = somebody.and_then(|somebody| somebody.created).unwrap_or_else(|| self.engine.clock().now());
        let name = self.shown(did);
        let by_did = format!("@{did}");
        let make = |email: &str| {
            let user = NewUser {
                email,
                name: &name,
                password_hash: None,
                rank: Rank::Member,
                email_confirmed: false,
                created,
                last_seen: created,
            };
            self.engine.directory().create_user_as(&user, identity)
        };
        let handle = somebody.and_then(|somebody| somebody.handle.as_deref()).filter(|handle| self.holders(handle).len() == 1);
        // The address that stands in the history of their wikis. Nobody can register it, and it is no key: somebody may hold it already who
        // had the handle before.
        match handle.map(|handle| make(&format!("@{handle}"))) {
            Some(Err(error)) if error.kind == ErrorKind::Conflict => make(&by_did),
            Some(made) => made,
            None => make(&by_did),
        }
    }
    /// What somebody is called.
    pub fn shown(&self, did: &str) -> String {
        self.known_there.get(did).and_then(|somebody| somebody.handle.clone()).unwrap_or_else(|| did.to_string())
    }
    /// The DIDs of those who are called `handle`.
    fn holders(&self, handle: &str) -> Vec<&str> {
        self.those(|theirs| theirs == handle)
    }
    fn those(&self, fits: impl Fn(&str) -> bool) -> Vec<&str> {
        let fits = |somebody: &Somebody| somebody.handle.as_deref().is_some_and(&fits);
        self.known_there.iter().filter(|(_, somebody)| fits(somebody)).map(|(did, _)| did.as_str()).collect()
    }
    /// Whose the row `email` of a wiki of `owner` is. Rows are keyed by `@handle`; older ones of owners by its first label alone.
    pub fn whose(&self, email: &str, owner: &str, flags: MemberFlags) -> Whose {
        let email = email.trim().to_lowercase();
        let Some(handle) = email.strip_prefix('@') else { return Whose::Nobody("that is no handle") };
        if handle.contains('.') {
            return match self.holders(handle).as_slice() {
                [did] => Whose::Full((*did).to_string()),
                [] => Whose::Nobody("nobody with that handle ever logged in"),
                _ => Whose::Nobody("several people have that handle"),
            };
        }
        match self.those(|theirs| theirs.split('.').next() == Some(handle)).as_slice() {
            [did] => Whose::Short((*did).to_string()),
            [] => Whose::Nobody("nobody with such a handle ever logged in"),
            // That is how the row was written which gave the owner everything.
            several if flags.admin && several.contains(&owner) => Whose::Short(owner.to_string()),
            _ => Whose::Nobody("several people have a handle that begins so"),
        }
    }
}

/// Whether `text` has the form of a DID, as the AT Protocol has it.
pub(super) fn is_did(text: &str) -> bool {
    let Some((method, id)) = text.strip_prefix("did:").and_then(|rest| rest.split_once(':')) else { return false };
    let method_good = !method.is_empty() && method.bytes().all(|b| b.is_ascii_lowercase());
    let id_good = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:%-".contains(&b));
    text.len() <= DID_BYTES && method_good && id_good && !id.ends_with([':', '%'])
}

/// Whether `text` has the form of a handle: a host name of at least two labels.
fn is_handle(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= HANDLE_BYTES && text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dids_and_handles_have_a_form() {
        for good in ["did:plc:z72i7hdynmk6r22z27h6tvur", "did:web:example.org", "did:web:localhost%3A8080", "did:plc:alice"] {
            assert!(is_did(good), "{good}");
        }
        for bad in ["", "did", "did:plc", "did:plc:", "DID:plc:a", "did:PLC:a", "did:plc:a b", "did:plc:ü", "did:plc:a/b", "did:web:a:"] {
            assert!(!is_did(bad), "{bad}");
        }
        assert!(is_handle("alice.bsky.social") && is_handle("a-b.example"));
        for bad in ["alice", "", ".", "a..b", "-a.b", "a b.c", "ü.example", "a@b.c", &format!("{}.example", "a".repeat(64))] {
            assert!(!is_handle(bad), "{bad}");
        }
    }
}
