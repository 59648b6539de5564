//! What somebody may see, said as simply as it can be said, and at which moment. It is an upper bound: what it forbids is a leak.
//!
//! While rights change, the old ones and the new ones count: a request may have been decided at any moment between its first byte and the last
//! byte of its answer.

use holt_core::{AccessLevel, MemberFlags};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

pub const WIKIS: usize = 4;
/// Approved members read; some of its pages are for fewer.
pub const DEN: usize = 0;
/// Nobody reads it but the operator, who stays away.
pub const VAULT: usize = 1;
/// Everybody reads, but for its private parts.
pub const PLAZA: usize = 2;
/// Everybody reads.
pub const OPEN: usize = 3;

pub const PEOPLE: usize = 6;
/// Operator; changes rights.
pub const ROOT: usize = 0;
pub const STRANGER: usize = 1;
pub const READER: usize = 2;
pub const WRITER: usize = 3;
/// Administers `OPEN` and nothing else.
pub const ADMIN: usize = 4;
/// Becomes this and that.
pub const DRIFTER: usize = 5;

/// A part of a wiki.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Zone {
    /// Whatever is in none of the others.
    Open,
    /// As open as the wiki; a token is for it alone.
    Team,
    /// Has a rule, mostly.
    Staff,
    /// Has a rule, mostly.
    Crew,
}

impl Zone {
    pub const ALL: [Self; 4] = [Self::Open, Self::Team, Self::Staff, Self::Crew];
    pub fn top(self) -> &'static str {
        ["", "Team", "Staff", "Crew"][self as usize]
    }
    /// The place of its rule, if it may have one.
    pub fn rule(self) -> Option<usize> {
        match self {
            Self::Staff => Some(0),
            Self::Crew => Some(1),
            _ => None,
        }
    }
    /// A page in it.
    pub fn page(self, name: &str) -> String {
        if self == Self::Open { name.to_string() } else { format!("{}/{name}", self.top()) }
    }
}

/// Who may see a canary. All but the last are about answers of that wiki: whatever is somebody's right, another wiki's host says none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Whoever comes to the wiki's door: what it is called.
    Front(usize),
    /// Whoever may read there.
    Zone(usize, Zone),
    /// Who administers the wiki.
    Admin(usize),
    /// Somebody alone, in every wiki.
    Own(usize),
    /// What somebody is called: themselves, and readers of wikis they come to.
    Name(usize),
    /// Somebody's address: themselves, and administrators of those wikis.
    Mail(usize),
    /// A change that waits: its maker, and who could make it.
    Proposal(usize, Zone, usize),
    /// It leaves the server never.
    Nobody,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Actor {
    pub name: &'static str,
    /// Whose rights they have; none: nobody's, or, with a token, the operator's.
    pub person: Option<usize>,
    /// A token, for one wiki.
    pub token: Option<usize>,
    /// The part that the token is for.
    pub within: Option<Zone>,
}

/// Who may read a part, and who may write there: people by number.
#[derive(Debug, Clone)]
pub struct Rule {
    pub read: AccessLevel,
    pub readers: BTreeSet<usize>,
    pub writers: BTreeSet<usize>,
}

/// All rights at one moment.
#[derive(Debug, Clone)]
pub struct Rights {
    pub read: [AccessLevel; WIKIS],
    pub rules: [[Option<Rule>; 2]; WIKIS],
    pub members: [[Option<MemberFlags>; PEOPLE]; WIKIS],
    /// Actors whose token was revoked.
    pub dead: BTreeSet<usize>,
}

impl Rights {
    /// Who an actor is at `wiki`: a person, the machine's operator, or nobody.
    fn is(&self, at: usize, actor: &Actor, wiki: usize) -> (Option<usize>, bool) {
        match actor.token {
            Some(of) if of != wiki || self.dead.contains(&at) => (None, false),
            Some(_) => (actor.person, actor.person.is_none_or(|person| person == ROOT)),
            None => (actor.person, actor.person == Some(ROOT)),
        }
    }
    fn flags(&self, person: Option<usize>, wiki: usize) -> MemberFlags {
        person.and_then(|person| self.members[wiki][person]).unwrap_or_default()
    }
    fn reaches(level: AccessLevel, person: Option<usize>, flags: MemberFlags) -> bool {
        match level {
            AccessLevel::Anonymous => true,
            AccessLevel::Registered => person.is_some(),
            AccessLevel::Approved => person.is_some() && flags.approved,
            AccessLevel::Admin => false,
        }
    }
    fn administers(&self, at: usize, actor: &Actor, wiki: usize) -> bool {
        let (person, operator) = self.is(at, actor, wiki);
        operator || self.flags(person, wiki).admin
    }
    fn reads(&self, at: usize, actor: &Actor, wiki: usize, zone: Zone) -> bool {
        let (person, _) = self.is(at, actor, wiki);
        let flags = self.flags(person, wiki);
        if actor.within.is_some_and(|within| within != zone) && actor.token == Some(wiki) && !self.dead.contains(&at) {
            return false;
        }
        if self.administers(at, actor, wiki) {
            return true;
        }
        let wiki_open = Self::reaches(self.read[wiki], person, flags) || (flags.approved && flags.allow_read);
        let rule = zone.rule().and_then(|rule| self.rules[wiki][rule].as_ref());
        let named = |rule: &Rule| person.is_some_and(|person| rule.readers.contains(&person) || rule.writers.contains(&person));
        wiki_open && rule.is_none_or(|rule| Self::reaches(rule.read, person, flags) || named(rule))
    }
    /// Whether they may change what is there: flags alone give that in the wikis of this test.
    fn writes(&self, at: usize, actor: &Actor, wiki: usize, zone: Zone) -> bool {
        let (person, _) = self.is(at, actor, wiki);
        let flags = self.flags(person, wiki);
        let rule = zone.rule().and_then(|rule| self.rules[wiki][rule].as_ref());
        let named = |rule: &Rule| person.is_some_and(|person| rule.writers.contains(&person));
        self.administers(at, actor, wiki)
            || (self.reads(at, actor, wiki, zone) && flags.approved && flags.allow_write && rule.is_none_or(named))
    }
    /// Whether an answer of the host of `wiki` to an actor may hold what has this sight.
    pub fn shows(&self, at: usize, actor: &Actor, wiki: usize, sight: Sight) -> bool {
        match sight {
            Sight::Front(of) => of == wiki,
            Sight::Zone(of, zone) => of == wiki && self.reads(at, actor, wiki, zone),
            Sight::Admin(of) => of == wiki && self.administers(at, actor, wiki),
            Sight::Own(person) => actor.person == Some(person),
            Sight::Name(person) => {
                let comes = wiki != VAULT || person == ROOT;
                actor.person == Some(person) || (comes && Zone::ALL.iter().any(|zone| self.reads(at, actor, wiki, *zone)))
            }
            Sight::Mail(person) => {
                let comes = wiki != VAULT || person == ROOT;
                actor.person == Some(person) || (comes && self.administers(at, actor, wiki))
            }
            Sight::Proposal(of, zone, maker) => {
                of == wiki
                    && self.reads(at, actor, wiki, zone)
                    && (self.is(at, actor, wiki).0 == Some(maker) || self.writes(at, actor, wiki, zone))
            }
            Sight::Nobody => false,
        }
    }
}

/// The rights of all times that matter.
pub struct Model {
    clock: AtomicU64,
    held: Mutex<Vec<Held>>,
    /// The control: an actor who is said to see nothing of a wiki, though they do.
    pub blind: RwLock<Option<(usize, usize)>>,
}

struct Held {
    from: u64,
    to: u64,
    rights: Arc<Rights>,
}

impl Model {
    pub fn new(rights: Rights) -> Self {
        let first = Held { from: 0, to: u64::MAX, rights: Arc::new(rights) };
        Self { clock: AtomicU64::new(1), held: Mutex::new(vec![first]), blind: RwLock::default() }
    }
    /// A moment, later than all that were asked for.
    pub fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }
    /// The rights as they are.
    pub fn rights(&self) -> Rights {
        self.held.lock().unwrap().last().unwrap().rights.as_ref().clone()
    }
    /// These begin to count. One change at a time.
    pub fn begin(&self, rights: Rights) {
        let from = self.now();
        let mut held = self.held.lock().unwrap();
        // A request that is older than so many changes there is not.
        if held.len() > 200 {
            held.drain(..100);
        }
        held.push(Held { from, to: u64::MAX, rights: Arc::new(rights) });
    }
    /// Those before count no more.
    pub fn end(&self) {
        let to = self.now();
        let mut held = self.held.lock().unwrap();
        let last = held.len() - 1;
        held[..last].iter_mut().filter(|held| held.to == u64::MAX).for_each(|held| held.to = to);
    }
    /// The rights that counted between two moments.
    pub fn during(&self, from: u64, to: u64) -> Vec<Arc<Rights>> {
        let held = self.held.lock().unwrap();
        held.iter().filter(|held| held.from <= to && held.to >= from).map(|held| held.rights.clone()).collect()
    }
}
