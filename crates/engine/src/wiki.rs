//! One wiki: its directory and what is opened in it late. Holding one costs nothing until it is used; dropping it closes its files.
//!
//! Lock order: `write` before `publish`. Neither is held across the network.

use crate::clock::Clock;
use crate::db::index::Index;
use crate::db::preferences::Preferences;
use crate::db::wiki_db::{Cursor, WikiDb};
use crate::directory::Directory;
use crate::listeners::Listeners;
use crate::lock::{Company, Held, Turns};
use crate::repo::Repo;
use crate::scope::{Permission, Scope};
use holt_core::{AccessRules, Action, Actor, Error, Hidden, MemberFlags, PageKey, Result, RevisionId, WikiId, access};
use holt_fragments::FragmentStore;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Most different views of one index that are kept open, for those who see different parts of the wiki.
const SIGHTS: usize = 8;

/// What all wikis of an engine share.
pub(crate) struct Shared {
    pub(crate) directory: Directory,
    pub(crate) fragments: FragmentStore,
    pub(crate) clock: Clock,
    pub(crate) listeners: Listeners,
    /// Wikis that moved, of which `holt.db` does not know yet.
    pub(crate) moved: Mutex<BTreeSet<WikiId>>,
    /// Who else is at the data directory.
    pub(crate) company: Company,
}

impl Shared {
    /// The wiki has taken in new commits.
    pub(crate) fn moved(&self, wiki: WikiId) {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner).insert(wiki);
        self.listeners.tell(wiki);
    }
    /// Something of a wiki was published. `Otherwise` than by new commits, it has to be said to those who go by that.
    pub(crate) fn published(&self, wiki: WikiId, why: Published) {
        self.company.published();
        if why == Published::Otherwise {
            self.moved.lock().unwrap_or_else(PoisonError::into_inner).insert(wiki);
        }
    }
}

/// Why something was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// There are new commits.
    ByCommits,
    /// Settings are others, or who reads it, or nothing was published before.
    Otherwise,
    /// Nothing of what all pages share is another than before.
    Again,
}

/// A wiki in this process. Get one from [`crate::Engine::wiki`], then [`Wiki::grant`] a scope to do something with it.
pub struct Wiki {
    id: WikiId,
    dir: PathBuf,
    pub(crate) shared: Arc<Shared>,
    repo: Late<Repo>,
    db: Late<WikiDb>,
    /// The index as those see it from whom something is hidden. Dropped before the index itself, which tidies up.
    sights: Mutex<Vec<Arc<Index>>>,
    index: Late<Index>,
    write: Turns,
    publish: Turns,
    /// Whether the dirty mark in holt.db is known to be set: it is written once per life of the handle, not once per save.
    marked: AtomicBool,
    /// When unused fragments were last removed; none before anybody looked.
    pub(crate) swept: Mutex<Option<Swept>>,
}

/// The last look for fragments that nothing names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Swept {
    /// The generation of the published form then.
    pub(crate) generation: u64,
    /// Seconds since 1970.
    pub(crate) at: u64,
}

impl Wiki {
    pub(crate) fn shell(id: WikiId, dir: PathBuf, shared: Arc<Shared>) -> Self {
        let (repo, db, index) = (Late::default(), Late::default(), Late::default());
        // Directories that are there for as long as the wiki is; between processes a file would have to be made first.
        let (write, publish) = (Turns::new(dir.join("repo.git")), Turns::new(dir.clone()));
        Self {
            id,
            dir,
            shared,
            repo,
            db,
            sights: Mutex::default(),
            index,
            write,
            publish,
            marked: AtomicBool::new(false),
            swept: Mutex::default(),
        }
    }
    /// Its identity.
    pub fn id(&self) -> WikiId {
        self.id
    }
    /// Where its bare repository is, for `holt wiki path` and git itself.
    pub fn repo_path(&self) -> PathBuf {
        self.dir.join("repo.git")
    }
    /// Where everything of it is.
    pub(crate) fn dir(&self) -> &std::path::Path {
        &self.dir
    }
    /// What `actor` may do here, as a value that the use cases ask for.
    pub fn grant<'w, P: Permission>(&'w self, actor: &'w Actor) -> Result<Scope<'w, P>> {
        Scope::grant(self, actor)
    }
    /// Whether `actor` may do `action` now.
    pub fn may(&self, actor: &Actor, action: Action) -> Result<bool> {
        if *actor == Actor::System {
            return Ok(true);
        }
        let db = self.db()?;
        Ok(access::allow(rules(&*db.preferences()?), actor, self.flags(actor)?, action))
    }
    /// Whether `actor` may do `action` at a page or to the files beside it: the one decision that every door asks for (DESIGN §6).
    pub fn may_at(&self, actor: &Actor, action: Action, page: &PageKey) -> Result<bool> {
        if *actor == Actor::System {
            return Ok(true);
        }
        let preferences = self.preferences()?;
        let flags = self.flags(actor)?;
        let allowed = access::allow(rules(&preferences), actor, flags, action);
        Ok(allowed && preferences.path_access.allow(actor, flags, action, page))
    }
    /// What of the wiki `actor`, who may read it, does not get to see.
    pub(crate) fn hidden_from(&self, actor: &Actor) -> Result<Hidden> {
        let preferences = self.preferences()?;
        if !preferences.path_access.concern(actor) {
            return Ok(Hidden::default());
        }
        Ok(preferences.path_access.hidden_from(actor, self.flags(actor)?))
    }
    pub(crate) fn flags(&self, actor: &Actor) -> Result<Option<MemberFlags>> {
        match actor {
            Actor::Person(person) => Ok(self.db()?.member(person.id)?.map(|m| m.flags)),
            _ => Ok(None),
        }
    }
    /// The preferences as they are now, whoever changed them last.
    pub fn preferences(&self) -> Result<Arc<Preferences>> {
        self.db()?.preferences()
    }
    /// A member, if they are one.
    pub fn member(&self, user: holt_core::UserId) -> Result<Option<crate::db::wiki_db::Member>> {
        self.db()?.member(user)
    }
    /// The members who administer it, by id.
    pub fn administrators(&self) -> Result<Vec<holt_core::UserId>> {
        Ok(self.db()?.members()?.into_iter().filter(|member| member.flags.admin).map(|member| member.user).collect())
    }
    /// Every table of the index as text, for tests that compare.
    pub fn index_dump(&self) -> Result<String> {
        self.index()?.dump()
    }
    pub(crate) fn repo(&self) -> Result<Arc<Repo>> {
        self.repo.get(|| Repo::open_with(&self.repo_path(), self.shared.company.leftovers()))
    }
    pub(crate) fn db(&self) -> Result<Arc<WikiDb>> {
        self.db.get(|| WikiDb::open(&self.dir))
    }
    pub(crate) fn index(&self) -> Result<Arc<Index>> {
        self.index.get(|| Index::open(&self.dir))
    }
    /// `index` without what is hidden.
    pub(crate) fn sight(&self, index: Arc<Index>, hidden: Hidden) -> Arc<Index> {
        if hidden.is_empty() {
            return index;
        }
        let mut sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = sights.iter().position(|sight| *sight.hidden() == hidden) {
            // Used last stands last.
            sights[known..].rotate_left(1);
        } else {
            if sights.len() >= SIGHTS {
                sights.remove(0);
            }
            sights.push(Arc::new(index.without(hidden)));
        }
        sights.last().cloned().unwrap_or(index)
    }
    /// Takes the index away; the next use makes a new one and `catch_up` fills it. A damaged one is set aside for whoever wants to know why
    /// (DUR-9).
    pub(crate) fn discard_index(&self) -> Result<()> {
        let whole = self.index().and_then(|index| index.integrity()).is_ok_and(|problems| problems.is_empty());
        self.sights.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.index.close();
        if whole { Index::remove(&self.dir) } else { Index::set_aside(&self.dir) }
    }
    pub(crate) fn write_lock(&self) -> Held<'_> {
        self.write.take()
    }
    pub(crate) fn publish_lock(&self) -> Held<'_> {
        self.publish.take()
    }
    /// How far `worker` came here, if it ever began.
    pub fn worker_cursor(&self, worker: &str) -> Result<Option<Cursor>> {
        self.db()?.cursor(worker)
    }
    /// Notes that `worker` has done everything up to `revision`, and what it keeps in mind, durably.
    pub fn set_worker_cursor(&self, worker: &str, revision: RevisionId, note: &str) -> Result<()> {
        let cursor = Cursor { revision, at: self.shared.clock.now(), note: note.to_string() };
        self.db()?.set_cursor(worker, &cursor)
    }
    /// The commit that it stands at.
    pub fn head(&self) -> Result<Option<RevisionId>> {
        self.repo()?.head()
    }
    /// Notes durably, before anything changes, that derived data may lag behind: after a crash the engine opens this wiki and catches up.
    pub(crate) fn mark_dirty(&self) -> Result<()> {
        if !self.marked.load(Ordering::Acquire) {
            self.shared.directory.mark_dirty(self.id, self.shared.clock.now())?;
            self.marked.store(true, Ordering::Release);
        }
        Ok(())
    }
    pub(crate) fn forget_mark(&self) {
        self.marked.store(false, Ordering::Release);
    }
}

/// The three levels out of the preferences.
pub(crate) fn rules(preferences: &Preferences) -> AccessRules {
    AccessRules { read: preferences.read_access, write: preferences.write_access, upload: preferences.attachment_access }
}

impl std::fmt::Debug for Wiki {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wiki({})", self.id)
    }
}

/// Something opened on first use; a failure to open is returned to whoever asked, and the next one tries again.
struct Late<T>(Mutex<Option<Arc<T>>>);

impl<T> Default for Late<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Late<T> {
    fn get(&self, open: impl FnOnce() -> Result<T>) -> Result<Arc<T>, Error> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &*slot {
            return Ok(open.clone());
        }
        let opened = Arc::new(open()?);
        *slot = Some(opened.clone());
        Ok(opened)
    }
    fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
