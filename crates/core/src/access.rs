//! Who asks, what they want, and the one function that decides for a whole wiki (spec/wiki.md §3.2).

mod policy;
mod subtrees;

pub use policy::{AgentPolicy, CLIENT_PATTERN_CHARS, ClientPattern, Handling, POLICY_RULES, PolicyRule};
pub use subtrees::{Hidden, SubtreeRule, SubtreeRules};

use crate::error::{Error, Result};
use crate::path::PagePath;
use std::fmt;

/// Identifies a person for ever, whatever their mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub i64);

/// A logged-in person, and what they are in the wiki at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// As shown and as written into commits.
    pub name: String,
    /// Lower-case.
    pub email: String,
    /// Whether they administer the whole installation.
    pub operator: bool,
    /// The program that acts for them, if they do not act themselves: it may do less than they may.
    pub through: Option<Program>,
}

/// A program that acts for a person. It is part of who asks, so that every decision knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// As its commits name it: `api/backup`.
    pub name: String,
    /// The most that it may do of what the person may do.
    pub ceiling: Action,
    /// What becomes of its changes at best; the wiki's [`AgentPolicy`] may be stricter.
    pub handling: Handling,
    /// The page that it is for, with what is below it; none: the whole wiki. Everything else is not there for it.
    pub within: Option<PagePath>,
    /// What its commits call the session in which it works, so that they can be found together.
    pub session: Option<SessionName>,
}

/// Longest name of a session, in bytes.
const SESSION_BYTES: usize = 64;

/// A program's name for what it does in one go: 1 to 64 visible ASCII characters, so that it stands in a commit's trailer and in addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionName(String);

impl SessionName {
    /// Refuses what is no such name.
    pub fn parse(text: &str) -> Result<Self> {
        if (1..=SESSION_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            return Ok(Self(text.to_string()));
        }
        Err(Error::invalid("that is no name of a session").hint("Send 1 to 64 visible ASCII characters, without spaces."))
    }
    /// As it stands in commits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Nobody in particular.
    Anonymous,
    /// A person with an account.
    Person(Person),
    /// Holt itself or the operator at the command line.
    System,
}

impl Actor {
    /// The page outside of which there is nothing for a program; none for everybody else.
    pub fn within(&self) -> Option<&PagePath> {
        match self {
            Self::Person(person) => person.through.as_ref()?.within.as_ref(),
            Self::Anonymous | Self::System => None,
        }
    }
}

/// What a member may do in one wiki: Otterwiki's account flags with their meaning (spec/wiki.md §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemberFlags {
    /// Everything.
    pub admin: bool,
    /// Accepted by an administrator.
    pub approved: bool,
    /// May read whatever the level says. Counts only when approved, like the next two.
    pub allow_read: bool,
    /// May write whatever the level says.
    pub allow_write: bool,
    /// May upload whatever the level says.
    pub allow_upload: bool,
}

impl MemberFlags {
    /// What both allow together.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self {
            admin: self.admin || more.admin,
            approved: self.approved || more.approved,
            allow_read: self.allow_read || more.allow_read,
            allow_write: self.allow_write || more.allow_write,
            allow_upload: self.allow_upload || more.allow_upload,
        }
    }
}

/// Who may do something without a personal grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessLevel {
    /// Everybody.
    Anonymous,
    /// Everybody who is logged in.
    Registered,
    /// Everybody whom an administrator accepted.
    Approved,
    /// Administrators and personal grants only.
    Admin,
}

impl AccessLevel {
    /// From a preference. An unknown word opens nothing.
    pub fn parse(text: &str) -> Self {
        match text.trim().to_ascii_uppercase().as_str() {
            "ANONYMOUS" => Self::Anonymous,
            "REGISTERED" => Self::Registered,
            "APPROVED" => Self::Approved,
            _ => Self::Admin,
        }
    }
    /// As stored in preferences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "ANONYMOUS",
            Self::Registered => "REGISTERED",
            Self::Approved => "APPROVED",
            Self::Admin => "ADMIN",
        }
    }
}

/// The three levels of a wiki.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessRules {
    /// `READ_ACCESS`.
    pub read: AccessLevel,
    /// `WRITE_ACCESS`; needs read.
    pub write: AccessLevel,
    /// `ATTACHMENT_ACCESS`; needs write.
    pub upload: AccessLevel,
}

/// What somebody wants to do. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// See pages, history, attachments.
    Read,
    /// Change pages.
    Write,
    /// Add files.
    Upload,
    /// Change settings and members.
    Admin,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Upload => "upload to",
            Self::Admin => "administer",
        })
    }
}

/// Whether `actor`, who is in this wiki what `flags` say (`None`: no member), may do `action`.
pub fn allow(rules: AccessRules, actor: &Actor, flags: Option<MemberFlags>, action: Action) -> bool {
    let person = match actor {
        Actor::System => return true,
        Actor::Anonymous => None,
        Actor::Person(person) => Some(person),
    };
    // A part of a wiki has no settings or members of its own.
    let above = |program: &Program| action > program.ceiling || (program.within.is_some() && action == Action::Admin);
    if person.and_then(|person| person.through.as_ref()).is_some_and(above) {
        return false;
    }
    let flags = flags.unwrap_or_default();
    if person.is_some_and(|p| p.operator || flags.admin) {
        return true;
    }
    let granted = person.is_some() && flags.approved;
    let rung = |level: AccessLevel, grant: bool| reaches(level, person.is_some(), flags) || (granted && grant);
    let read = rung(rules.read, flags.allow_read);
    let write = read && rung(rules.write, flags.allow_write);
    match action {
        Action::Read => read,
        Action::Write => write,
        Action::Upload => write && rung(rules.upload, flags.allow_upload),
        Action::Admin => false,
    }
}

/// Whether somebody who is logged in or not, with these flags, is among those a level names. Administrators are asked about elsewhere.
fn reaches(level: AccessLevel, logged_in: bool, flags: MemberFlags) -> bool {
    match level {
        AccessLevel::Anonymous => true,
        AccessLevel::Registered => logged_in,
        AccessLevel::Approved => logged_in && flags.approved,
        AccessLevel::Admin => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> Actor {
        Actor::Person(Person { id: UserId(1), name: "Ann".into(), email: "ann@example.org".into(), operator: false, through: None })
    }

    /// Who may do what under each level, as a matrix: a change of any cell is a change of policy.
    #[test]
    fn the_ladder() {
        let flags = |f: fn(&mut MemberFlags)| {
            let mut flags = MemberFlags::default();
            f(&mut flags);
            Some(flags)
        };
        let who: [(&str, Actor, Option<MemberFlags>); 6] = [
            ("anonymous", Actor::Anonymous, None),
            ("stranger", person(), None),
            ("approved", person(), flags(|f| f.approved = true)),
            ("granted write", person(), flags(|f| (f.approved, f.allow_write) = (true, true))),
            ("granted, not approved", person(), flags(|f| (f.allow_read, f.allow_write, f.allow_upload) = (true, true, true))),
            ("admin", person(), flags(|f| f.admin = true)),
        ];
        let mut table = String::new();
        for level in [AccessLevel::Anonymous, AccessLevel::Registered, AccessLevel::Approved, AccessLevel::Admin] {
            let rules = AccessRules { read: AccessLevel::Anonymous, write: level, upload: level };
            for (name, actor, flags) in &who {
                let may: String = [Action::Read, Action::Write, Action::Upload, Action::Admin]
                    .iter()
                    .map(|a| if allow(rules, actor, *flags, *a) { 'y' } else { '-' })
                    .collect();
                table.push_str(&format!("{:<10} {name:<22} {may}\n", level.as_str()));
            }
        }
        let expected = "\
ANONYMOUS  anonymous              yyy-
ANONYMOUS  stranger               yyy-
ANONYMOUS  approved               yyy-
ANONYMOUS  granted write          yyy-
ANONYMOUS  granted, not approved  yyy-
ANONYMOUS  admin                  yyyy
REGISTERED anonymous              y---
REGISTERED stranger               yyy-
REGISTERED approved               yyy-
REGISTERED granted write          yyy-
REGISTERED granted, not approved  yyy-
REGISTERED admin                  yyyy
APPROVED   anonymous              y---
APPROVED   stranger               y---
APPROVED   approved               yyy-
APPROVED   granted write          yyy-
APPROVED   granted, not approved  y---
APPROVED   admin                  yyyy
ADMIN      anonymous              y---
ADMIN      stranger               y---
ADMIN      approved               y---
ADMIN      granted write          yy--
ADMIN      granted, not approved  y---
ADMIN      admin                  yyyy
";
        assert_eq!(table, expected);
    }

    /// A program may do what its owner may do, up to its ceiling, and never more: not even where everybody may.
    #[test]
    fn a_program_only_narrows() {
        let open = AccessRules { read: AccessLevel::Anonymous, write: AccessLevel::Anonymous, upload: AccessLevel::Anonymous };
        let closed = AccessRules { read: AccessLevel::Admin, write: AccessLevel::Admin, upload: AccessLevel::Admin };
        let actions = [Action::Read, Action::Write, Action::Upload, Action::Admin];
        let admin = Some(MemberFlags { admin: true, ..MemberFlags::default() });
        for ceiling in actions {
            let Actor::Person(person) = person() else { unreachable!() };
            let through = Some(Program { name: "api/x".into(), ceiling, handling: Handling::Direct, within: None, session: None });
            let actor = Actor::Person(Person { through: through.clone(), ..person.clone() });
            let operator = Actor::Person(Person { through, operator: true, ..person });
            for action in actions {
                assert_eq!(allow(open, &actor, None, action), action <= ceiling && action != Action::Admin);
                assert_eq!(allow(closed, &actor, admin, action), action <= ceiling);
                assert_eq!(allow(closed, &operator, None, action), action <= ceiling);
                assert!(!allow(closed, &actor, None, action), "a program opens nothing");
            }
        }
    }

    #[test]
    fn writing_needs_reading() {
        let rules = AccessRules { read: AccessLevel::Approved, write: AccessLevel::Anonymous, upload: AccessLevel::Anonymous };
        assert!(!allow(rules, &Actor::Anonymous, None, Action::Write));
        assert!(!allow(rules, &person(), None, Action::Upload));
    }
}
