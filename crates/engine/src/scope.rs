//! Permission as a type: a use case that changes a wiki takes `Scope<Write>`, and only [`crate::Wiki::grant`] makes one (security.md TEN-1).
//!
//! ```compile_fail
//! // A scope cannot be built by hand …
//! fn forge<'w>(wiki: &'w holt_engine::Wiki, actor: &'w holt_core::Actor) -> holt_engine::Scope<'w, holt_engine::Admin> {
//!     holt_engine::Scope { wiki, actor, permission: std::marker::PhantomData }
//! }
//! ```
//! ```compile_fail
//! // … a right to read does not write …
//! fn write(scope: &holt_engine::Scope<'_, holt_engine::Read>, edit: &holt_core::Edit) {
//!     let _ = holt_engine::pages::save(scope, edit, None);
//! }
//! ```
//! ```compile_fail
//! // … and a wider right is never derived from a narrower one.
//! fn widen<'w>(scope: &holt_engine::Scope<'w, holt_engine::Write>) -> holt_engine::Scope<'w, holt_engine::Admin> {
//!     scope.narrow()
//! }
//! ```

use crate::db::index::Index;
use crate::db::preferences::Preferences;
use crate::wiki::Wiki;
use holt_core::{Action, Actor, Author, Error, Handling, MemberFlags, OpId, PageKey, PagePath, Result};
use std::marker::PhantomData;
use std::sync::Arc;

/// The right to read one wiki.
pub enum Read {}
/// The right to change its pages.
pub enum Write {}
/// The right to add files.
pub enum Upload {}
/// The right to change its settings and members.
pub enum Admin {}

mod sealed {
    pub trait Sealed {}
}

/// One of [`Read`], [`Write`], [`Upload`], [`Admin`].
pub trait Permission: sealed::Sealed {
    /// What it allows.
    const ACTION: Action;
}
/// `P: Implies<Q>`: who has `P` has `Q`.
pub trait Implies<Q: Permission>: Permission {}

macro_rules! permission {
    ($name:ident implies $($lower:ident)*) => {
        impl sealed::Sealed for $name {}
        impl Permission for $name {
            const ACTION: Action = Action::$name;
        }
        $(impl Implies<$lower> for $name {})*
    };
}
permission!(Read implies);
permission!(Write implies Read);
permission!(Upload implies Write Read);
permission!(Admin implies Upload Write Read);

type Brand<'w, P> = PhantomData<(P, fn(&'w ()) -> &'w ())>;

/// What `actor` may do with `wiki`, decided once. The lifetime is invariant, so that scopes of two wikis never mix.
pub struct Scope<'w, P> {
    wiki: &'w Wiki,
    actor: &'w Actor,
    operation: Option<&'w OpId>,
    handling: Handling,
    permission: Brand<'w, P>,
}

impl<'w, P: Permission> Scope<'w, P> {
    /// The only constructor.
    pub(crate) fn grant(wiki: &'w Wiki, actor: &'w Actor) -> Result<Self> {
        if wiki.may(actor, P::ACTION)? {
            return Ok(Self { wiki, actor, operation: None, handling: Handling::Direct, permission: PhantomData });
        }
        Err(match actor {
            Actor::Anonymous => Error::unauthenticated(format!("log in to {} this wiki", P::ACTION)),
            _ => Error::denied(format!("you may not {} this wiki", P::ACTION)).hint("Ask an administrator of the wiki for the right."),
        })
    }
    /// The same, for one operation of a client: the commit that it ends in names it, whatever use case makes it.
    #[must_use]
    pub fn for_operation(self, operation: Option<&'w OpId>) -> Self {
        Self { operation, ..self }
    }
    /// The same, for somebody who wants to propose: whatever use case ends in a commit makes a proposal of it and answers
    /// [`Error::proposed`].
    #[must_use]
    pub fn proposing(self) -> Self {
        Self { handling: Handling::Propose, ..self }
    }
    /// As [`Scope::proposing`], for a part of what they do.
    pub(crate) fn to_propose(&self) -> Self {
        Self { wiki: self.wiki, actor: self.actor, operation: self.operation, handling: Handling::Propose, permission: PhantomData }
    }
    /// See [`Scope::for_operation`].
    pub(crate) fn operation(&self) -> Option<&'w OpId> {
        self.operation
    }
    /// The wiki.
    pub fn wiki(&self) -> &'w Wiki {
        self.wiki
    }
    /// Who asks.
    pub fn actor(&self) -> &'w Actor {
        self.actor
    }
    /// Refuses what path rules forbid at `path`, though the scope allows it in the wiki as a whole: `NotFound` for reading, as if there were
    /// nothing; `Denied` for anything else, whether there is something or not.
    pub fn check(&self, action: Action, path: &PagePath) -> Result<()> {
        if self.rights()?.allow(action, &path.key()) {
            return Ok(());
        }
        let outside = self.actor.within().filter(|top| path.key() != top.key() && !path.is_below(top));
        Err(match (action, outside) {
            (Action::Read, _) => Error::not_found(format!("there is no page {path}")),
            (_, Some(top)) => Error::denied(format!("this token is only for the page {top} and what is below it"))
                .hint("Use a token for that part of the wiki, or for all of it."),
            _ => Error::denied("this part of the wiki is not yours to change").hint("Ask an administrator of the wiki for the right."),
        })
    }
    /// What the path rules say about the actor, for many questions.
    pub(crate) fn rights(&self) -> Result<Rights<'w>> {
        Ok(Rights {
            actor: self.actor,
            handling: self.handling,
            flags: self.wiki.flags(self.actor)?,
            preferences: self.wiki.preferences()?,
        })
    }
    /// The index at HEAD, without what the actor may not see: what every use case that reads asks.
    pub(crate) fn index(&self) -> Result<Arc<Index>> {
        Ok(self.wiki.sight(self.wiki.fresh_index()?, self.wiki.hidden_from(self.actor)?))
    }
    /// As [`Scope::index`], without what some readers of `page` may not see as well: what the page can show.
    pub(crate) fn index_for(&self, page: &PagePath) -> Result<Arc<Index>> {
        let own = self.wiki.preferences()?.path_access.hidden_in(Some(&page.key()));
        Ok(self.wiki.sight(self.wiki.fresh_index()?, self.wiki.hidden_from(self.actor)?.and(&own)))
    }
    /// The same actor and wiki with a right that this one includes.
    pub fn narrow<Q: Permission>(&self) -> Scope<'w, Q>
    where
        P: Implies<Q>,
    {
        Scope { wiki: self.wiki, actor: self.actor, operation: self.operation, handling: self.handling, permission: PhantomData }
    }
    /// The actor as the author of a commit (spec/wiki.md §13.2).
    pub fn author(&self) -> Author {
        match self.actor {
            Actor::Anonymous => Author::anonymous(),
            Actor::System => Author::new("Holt", "noreply@holt"),
            Actor::Person(person) => Author::new(&person.name, &person.email),
        }
    }
    /// The program that acts for the author, as commits name it. Nothing in its name can end the line it stands on.
    pub(crate) fn via(&self) -> Option<String> {
        let Actor::Person(person) = self.actor else { return None };
        let name = person.through.as_ref()?.name.chars().filter(|c| !c.is_control()).collect::<String>();
        Some(name.trim().to_string()).filter(|name| !name.is_empty())
    }
    /// The session in which that program works, as commits name it.
    pub(crate) fn session(&self) -> Option<String> {
        let Actor::Person(person) = self.actor else { return None };
        person.through.as_ref()?.session.as_ref().map(|session| session.as_str().to_string())
    }
}

/// What path rules allow somebody, at one moment.
pub(crate) struct Rights<'w> {
    actor: &'w Actor,
    handling: Handling,
    flags: Option<MemberFlags>,
    preferences: Arc<Preferences>,
}

impl Rights<'_> {
    /// Whether the rules let them do `action`, which they may do in the wiki as a whole, at `page`.
    pub(crate) fn allow(&self, action: Action, page: &PageKey) -> bool {
        self.preferences.path_access.allow(self.actor, self.flags, action, page)
    }
    /// Whether they may change a file of the repository.
    pub(crate) fn may_change(&self, file: &str) -> bool {
        let rules = &self.preferences.path_access;
        !rules.concern(self.actor) || !rules.closed_to(self.actor, self.flags, Action::Write).covers_file(file)
    }
    /// What becomes of a change of a file: what the actor asks for, what their program may do at best, and what the wiki's policy says of it.
    pub(crate) fn handling(&self, file: &str) -> Handling {
        let Actor::Person(person) = self.actor else { return self.handling };
        let Some(program) = &person.through else { return self.handling };
        let decide = |page: Option<PagePath>| self.preferences.agent_policy.decide(&program.name, page.map(|page| page.key()).as_ref());
        let beside = || file.rsplit_once('/').and_then(|(directory, _)| PagePath::parse(directory).ok());
        let policy = match PagePath::from_tree(file) {
            Some(page) => decide(Some(page)),
            // What is beside a page stands where a page below it would.
            None => decide(beside()).max(decide(PagePath::parse(file).ok())),
        };
        policy.max(program.handling).max(self.handling)
    }
}
