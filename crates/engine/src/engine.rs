//! The data directory and everything in it: the only door to a [`Wiki`].

use crate::clock::Clock;
use crate::db::preferences::Audience;
use crate::db::wiki_db::{Member, WikiDb};
use crate::directory::{Directory, Holder, TRASH_LIFE, WikiState};
use crate::listeners::Listeners;
use crate::lock::{Company, DataLock};
use crate::open_wikis::OpenWikis;
use crate::repo::{CommitMeta, Repo};
use crate::wiki::{Shared, Wiki};
use crate::{failpoint, publish, sync};
use holt_core::session::ViewerKey;
use holt_core::{Author, Error, FileChange, MemberFlags, PagePath, Result, Timestamp, Visibility, WikiId, WikiName};
use holt_fragments::{Forms, FragmentStore};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What an engine needs to know.
pub struct EngineOptions {
    /// The data directory; made if it is missing.
    pub data: PathBuf,
    /// What time it is.
    pub clock: Clock,
    /// How many wikis stay open when nobody uses them. Each costs about 0.4 MB and six files when fully open.
    pub keep_open: usize,
}

impl EngineOptions {
    /// The defaults for a data directory.
    pub fn new(data: impl Into<PathBuf>, clock: Clock) -> Self {
        Self { data: data.into(), clock, keep_open: 64 }
    }
}

/// A wiki that somebody makes for themselves.
pub struct Foundation<'a> {
    /// Where it is reached.
    pub slug: &'a WikiName,
    /// Its name on screen.
    pub title: &'a str,
    /// Whose it is.
    pub holder: Holder<'a>,
    /// What differs from the preferences of any new wiki.
    pub preferences: &'a [(&'a str, &'a str)],
    /// What stands in it.
    pub pages: &'a [(PagePath, String)],
}

/// The setting that names the publisher which all wikis were published by.
const PUBLISHER: &str = "publisher";

/// One data directory, owned by this process until the value is dropped. Opening it opens `holt.db` and nothing of any wiki.
pub struct Engine {
    data: PathBuf,
    shared: Arc<Shared>,
    open: OpenWikis,
    viewer_key: ViewerKey,
    /// Held while names of wikis change.
    pub(crate) hosts: Mutex<()>,
    /// None: another process owns the data directory, and this one works beside it.
    lock: Option<DataLock>,
    /// What was heard of processes beside this one.
    heard: Mutex<Heard>,
}

/// How often others had published something when it was looked, and whether that was more than before.
#[derive(Debug, Default)]
struct Heard {
    times: u64,
    is_news: bool,
}

impl Engine {
    /// Takes the data directory's lock, then opens the platform database. Fails at once, naming the holder, if another process has it.
    pub fn open(options: EngineOptions) -> Result<Self> {
        let data = options.data;
        if data.exists() && !data.is_dir() {
            return Err(Error::invalid(format!("{} is not a directory", data.display()))
                .hint("Name a directory, or one that is to be made, with --data or HOLT_DATA."));
        }
        for dir in [data.clone(), data.join("wikis"), data.join("fragments")] {
            make_dir(&dir).map_err(|e| Error::io(format!("create {}", dir.display()), e))?;
        }
        let lock = DataLock::take(&data)?;
        let directory = Directory::open(&data.join("holt.db"))?;
        if directory.setting(PUBLISHER)?.is_none() && directory.first_wiki()?.is_none() {
            directory.set_setting(PUBLISHER, &publish::publisher_version(publish::forms::chosen(&directory)?).to_string())?;
        }
        let viewer_key = ViewerKey::new(directory.secret("viewer")?);
        let fragments = FragmentStore::folder(&data.join("fragments"));
        let company = Company::of_owner(&data);
        let heard = Mutex::new(Heard { times: company.heard().unwrap_or_default(), is_news: false });
        let (listeners, moved) = (Listeners::default(), Mutex::default());
        let shared = Arc::new(Shared { directory, fragments, clock: options.clock, listeners, moved, company });
        Ok(Self { data, shared, open: OpenWikis::new(options.keep_open), viewer_key, hosts: Mutex::default(), heard, lock: Some(lock) })
    }
    /// Opens a data directory for a worker's process, whether or not another process owns it. That one alone makes wikis, removes them and
    /// clears marks of interrupted writing. `Busy` if it is of another version.
    pub fn beside(options: EngineOptions) -> Result<Self> {
        let data = options.data;
        let company = Company::join(&data)?;
        let directory = Directory::join(&data.join("holt.db"))?;
        let viewer_key = ViewerKey::new(directory.secret("viewer")?);
        let fragments = FragmentStore::shared_folder(&data.join("fragments"));
        let (listeners, moved) = (Listeners::default(), Mutex::default());
        let shared = Shared { directory, fragments, clock: options.clock, listeners, moved, company };
        let open = OpenWikis::new(options.keep_open);
        Ok(Self { data, shared: Arc::new(shared), open, viewer_key, hosts: Mutex::default(), heard: Mutex::default(), lock: None })
    }
    /// Notes in `holt.db` which wikis moved since it was last asked to, for workers, and says whether any did. To be called soon after
    /// [`Engine::listen`]'s word: until then a crash leaves it to the marks of interrupted writing.
    pub fn note_moves(&self) -> Result<bool> {
        let moved = std::mem::take(&mut *self.shared.moved.lock().unwrap_or_else(PoisonError::into_inner));
        if moved.is_empty() {
            return Ok(false);
        }
        let noted = self.shared.directory.note_moved(&moved, self.shared.clock.now());
        if noted.is_err() {
            self.shared.moved.lock().unwrap_or_else(PoisonError::into_inner).extend(moved);
        }
        noted.map(|()| true)
    }
    /// Whether another process may own the data directory, and change what this one reads.
    pub fn is_beside(&self) -> bool {
        self.lock.is_none()
    }
    /// Looks whether a process beside this one published something, and forgets what was read of published pages before. To be called every second or so.
    pub fn hear_others(&self) {
        let Some(times) = self.shared.company.heard() else { return };
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = heard.times != times;
        // Once more the next time: somebody may have been reading what was while it was forgotten.
        if is_news || heard.is_news {
            self.shared.fragments.forget_manifests();
        }
        *heard = Heard { times, is_news };
    }
    /// Whether there is something for [`Engine::note_moves`] to note.
    pub fn has_moves(&self) -> bool {
        !self.shared.moved.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
    /// The platform database: wikis, users, sessions, tokens.
    pub fn directory(&self) -> &Directory {
        &self.shared.directory
    }
    /// The published pages.
    pub fn fragments(&self) -> &FragmentStore {
        &self.shared.fragments
    }
    /// The key that signs viewer tokens.
    pub fn viewer_key(&self) -> &ViewerKey {
        &self.viewer_key
    }
    /// The clock the engine was given.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }
    /// Has `listener` told of every wiki whose index has taken in new commits, whoever made them. It is called while the wiki is locked for
    /// writers: it must neither wait nor ask the engine anything.
    pub fn listen(&self, listener: impl Fn(WikiId) + Send + Sync + 'static) {
        self.shared.listeners.add(Box::new(listener));
    }
    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }
    /// How many wikis are alive now.
    pub fn live_wikis(&self) -> usize {
        self.open.live()
    }
    /// The wiki that the platform database calls `id`. Opens nothing.
    pub fn wiki(&self, id: WikiId) -> Arc<Wiki> {
        self.open.get(id, || Wiki::shell(id, self.wiki_dir(id), self.shared.clone()))
    }
    /// The wiki that people call `name`.
    pub fn wiki_named(&self, name: &str) -> Result<Arc<Wiki>> {
        let record = self.shared.directory.wiki_by_slug(name)?;
        Ok(self.wiki(record.ok_or_else(|| Self::no_wiki(name))?.id))
    }
    /// Says that there is no wiki of that name.
    pub fn no_wiki(name: &str) -> Error {
        Error::not_found(format!("there is no wiki called {name:?}")).hint("`holt wiki list` shows the wikis there are.")
    }
    fn wiki_dir(&self, id: WikiId) -> PathBuf {
        wiki_dir(&self.data, id)
    }
    /// Makes an empty wiki: its directory first, complete and durable, then its row, which makes it exist.
    pub fn create_wiki(&self, slug: &WikiName, title: &str, audience: Audience) -> Result<Arc<Wiki>> {
        self.create_wiki_from(slug, title, None, |dir| {
            Repo::create(&dir.join("repo.git"))?;
            WikiDb::create(dir, title, audience).map(drop)
        })
    }
    /// Makes somebody's wiki: members only, with its first pages in one commit, and its owner as a member who may do everything.
    /// `Denied` if they have as many wikis as they may; `Conflict` if the slug is not free.
    pub fn found_wiki(&self, new: &Foundation<'_>) -> Result<Arc<Wiki>> {
        self.shared.directory.check_wiki_limit(&new.holder)?;
        let now = self.shared.clock.now();
        self.create_wiki_from(new.slug, new.title, Some(&new.holder), |dir| {
            let repo = Repo::create(&dir.join("repo.git"))?;
            let time = Timestamp::utc(now);
            let author = Author::new("Holt", "noreply@holt");
            let meta = CommitMeta { author, author_time: time, committer_time: time, message: "Initial commit".to_string() };
            let put = |(page, text): &(PagePath, String)| FileChange::Put { file: page.file(), content: text.clone().into_bytes() };
            let pages: Vec<FileChange> = new.pages.iter().map(put).collect();
            if !pages.is_empty() {
                repo.commit(None, &pages, &meta)?;
            }
            let db = WikiDb::create(dir, new.title, Audience::Members)?;
            db.set_preferences(new.preferences.iter().copied())?;
            let flags = MemberFlags { admin: true, approved: true, allow_read: true, allow_write: true, allow_upload: true };
            db.put_member(&Member { user: new.holder.owner, flags, first_seen: now, last_seen: now })
        })
    }
    /// Makes a wiki whose directory is filled by `fill` (an import). If `fill` fails, nothing remains.
    pub(crate) fn create_wiki_from(
        &self,
        slug: &WikiName,
        title: &str,
        holder: Option<&Holder<'_>>,
        fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Arc<Wiki>> {
        let now = self.shared.clock.now();
        self.bring_wiki(slug, fill, |directory, id| directory.create_wiki_of(id, slug, title, holder, now))
    }
    /// The same, with a row that `enter` makes.
    pub(crate) fn bring_wiki(
        &self,
        slug: &WikiName,
        fill: impl FnOnce(&Path) -> Result<()>,
        enter: impl FnOnce(&Directory, WikiId) -> Result<()>,
    ) -> Result<Arc<Wiki>> {
        self.shared.directory.check_slug_free(slug, self.shared.clock.now())?;
        let id = self.shared.directory.unused_wiki_id()?;
        let dir = self.wiki_dir(id);
        std::fs::create_dir(&dir).map_err(|e| Error::io(format!("create {}", dir.display()), e))?;
        let made = fill(&dir)
            .and_then(|()| sync_directory(&dir))
            .and_then(|()| sync_directory(&self.data.join("wikis")))
            .and_then(|()| failpoint::hit("engine.wiki-filled"))
            .and_then(|()| enter(&self.shared.directory, id));
        if let Err(error) = made {
            // Nothing half-made stays; an orphan that resists is harmless, no row names it.
            let _ = std::fs::remove_dir_all(&dir);
            return Err(error);
        }
        self.open_wiki(id)
    }
    /// Lets a wiki that exists answer at its host: what is left to do if its import was interrupted after the row.
    pub(crate) fn open_wiki(&self, id: WikiId) -> Result<Arc<Wiki>> {
        let wiki = self.wiki(id);
        sync::catch_up(&wiki)?;
        self.show_hosts(id)?;
        // An empty one, too, is looked after from now on.
        self.shared.moved(id);
        Ok(wiki)
    }
    /// Renames a wiki. Its directory keeps its name; the old slug is kept out of use for a while.
    pub fn rename_wiki(&self, id: WikiId, to: &WikiName) -> Result<()> {
        let record = self.shared.directory.wiki(id)?.ok_or_else(|| Error::not_found("there is no such wiki"))?;
        self.shared.directory.rename_wiki(id, to, self.shared.clock.now())?;
        self.show_hosts(id)?;
        self.shared.fragments.remove_host(record.slug.as_str())
    }
    /// Takes a wiki off the air: no door answers for it until [`Engine::resume_wiki`]. Nothing of it is lost.
    pub fn suspend_wiki(&self, id: WikiId) -> Result<()> {
        let was = self.shared.fragments.wiki(id)?.map_or(Visibility::Private, |shared| shared.visibility);
        match self.shared.directory.wiki(id)?.map(|record| record.state) {
            Some(WikiState::Suspended) => return Ok(()),
            _ => self.shared.directory.set_wiki_state(id, WikiState::Suspended, was)?,
        }
        self.show_hosts(id)?;
        publish::show(&self.wiki(id))?;
        self.open.forget(id);
        Ok(())
    }
    /// Takes back [`Engine::suspend_wiki`].
    pub fn resume_wiki(&self, id: WikiId) -> Result<()> {
        self.shared.directory.set_wiki_state(id, WikiState::Active, Visibility::Private)?;
        publish::show(&self.wiki(id))?;
        self.shared.moved(id);
        self.show_hosts(id)
    }
    /// Puts a wiki aside: nobody reaches it, its slug stays its own, and [`Engine::restore_wiki`] brings it back until
    /// [`Engine::empty_trash`] removes it.
    pub fn trash_wiki(&self, id: WikiId) -> Result<()> {
        self.shared.directory.trash_wiki(id, self.shared.clock.now())?;
        self.show_hosts(id)?;
        publish::show(&self.wiki(id))?;
        self.open.forget(id);
        Ok(())
    }
    /// Takes back [`Engine::trash_wiki`]. `Denied` if `holder` says that its owner has as many wikis as they may meanwhile.
    pub fn restore_wiki(&self, id: WikiId, holder: Option<&Holder<'_>>) -> Result<()> {
        self.shared.directory.restore_wiki(id, holder)?;
        publish::show(&self.wiki(id))?;
        self.shared.moved(id);
        self.show_hosts(id)
    }
    /// Removes for good what was put aside more than [`TRASH_LIFE`] ago; returns how many wikis. One that cannot be removed stops no other.
    pub fn empty_trash(&self) -> Result<usize> {
        let mut removed = 0;
        for record in self.shared.directory.trashed_before(self.shared.clock.now() - TRASH_LIFE, 20)? {
            match self.delete_wiki(record.id) {
                Ok(()) => removed += 1,
                Err(error) => tracing::error!(wiki.id = %record.id, "could not remove a wiki: {}", error.chain()),
            }
        }
        Ok(removed)
    }
    /// Takes a wiki off the air, then deletes its directory and fragments. The slug is kept out of use for a while.
    pub fn delete_wiki(&self, id: WikiId) -> Result<()> {
        let record = self.shared.directory.wiki(id)?.ok_or_else(|| Error::not_found("there is no such wiki"))?;
        self.forget_hosts(&record)?;
        self.shared.directory.delete_wiki(id, self.shared.clock.now())?;
        self.open.forget(id);
        self.shared.fragments.remove_wiki(id)?;
        let dir = self.wiki_dir(id);
        std::fs::remove_dir_all(&dir).map_err(|e| Error::io(format!("remove {}", dir.display()), e))
    }
    /// The wikis that were being written to when the last process ended without saying so. What is published of them may be older than their
    /// last acknowledged save: [`Engine::recover`] first, then show.
    pub fn interrupted(&self) -> Result<Vec<WikiId>> {
        let wikis = self.shared.directory.dirty_wikis()?;
        // They moved, perhaps, and nobody noted it.
        self.shared.moved.lock().unwrap_or_else(PoisonError::into_inner).extend(&wikis);
        Ok(wikis)
    }
    /// Brings a wiki to HEAD.
    pub fn recover(&self, id: WikiId) -> Result<()> {
        let wiki = self.wiki(id);
        sync::catch_up(&wiki)?;
        self.settle(&wiki)
    }
    /// Chooses the compressed forms in which pages are published from now on, by every process. What is published already is published again when
    /// it is looked at next: [`Engine::upgrade`].
    pub fn publish_as(&self, forms: Forms) -> Result<()> {
        publish::forms::choose(&self.shared.directory, forms)
    }
    /// After an upgrade of this program that makes something else of the same pages, publishes all wikis again. Returns how many; one broken
    /// wiki stops no other. Until then the old pages are shown.
    pub fn upgrade(&self) -> Result<usize> {
        let publisher = publish::publisher_version(publish::forms::chosen(&self.shared.directory)?).to_string();
        if self.shared.directory.setting(PUBLISHER)?.as_deref() == Some(&publisher) {
            return Ok(0);
        }
        let wikis = self.shared.directory.list_wikis()?;
        for record in &wikis {
            if let Err(error) = sync::catch_up(&self.wiki(record.id)) {
                tracing::error!(wiki.id = %record.id, "could not publish again: {}", error.chain());
            }
        }
        self.shared.directory.set_setting(PUBLISHER, &publisher)?;
        Ok(wikis.len())
    }
    /// Clears the dirty mark of a wiki that stands at HEAD.
    fn settle(&self, wiki: &Wiki) -> Result<()> {
        let _writing = wiki.write_lock();
        if sync::is_at_head(wiki)? {
            wiki.forget_mark();
            self.shared.directory.clear_dirty(wiki.id())?;
        }
        Ok(())
    }
    /// Before a planned end: clears the marks of all wikis that stand at HEAD, so that the next start opens none.
    pub fn settle_all(&self) -> Result<()> {
        self.note_moves()?;
        for id in self.shared.directory.dirty_wikis()? {
            self.settle(&self.wiki(id))?;
        }
        Ok(())
    }
}

/// A directory that strangers on the machine do not look into (spec/platform.md §2.1); one that is there stays as it is.
pub(crate) fn make_dir(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o750);
    builder.create(dir)
}

fn wiki_dir(data: &Path, id: WikiId) -> PathBuf {
    data.join("wikis").join(id.to_string())
}

/// Where the repository of a wiki is, for whoever has no [`Engine`].
pub fn repository(data: &Path, id: WikiId) -> PathBuf {
    wiki_dir(data, id).join("repo.git")
}

/// Makes the names in `dir` durable.
pub(crate) fn sync_directory(dir: &Path) -> Result<()> {
    std::fs::File::open(dir).and_then(|d| d.sync_all()).map_err(|e| Error::io(format!("sync {}", dir.display()), e))
}
