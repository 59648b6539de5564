//! `index.db`: everything about one wiki that can be asked faster than git answers it. Derived: it may be deleted at any time.
//!
//! | module | answers |
//! |---|---|
//! | [`batch`] | what goes in |
//! | [`pages`], [`list`], [`links`] | what is there now |
//! | [`history`], `since`, `agents`, `events` | what was |
//! | [`search`] | words |
//! | [`meaning`] | what is meant |
//! | [`names`] | names, as they are typed |
//! | [`care`] | what wants tending |
//!
//! One connection writes; up to four read beside it, each seeing the whole of a batch or nothing of it. Whoever may not see all pages asks
//! through connections of their own, from which the others are hidden (`sight.rs`).

mod agents;
mod apply;
pub mod batch;
pub mod care;
mod dump;
mod events;
pub mod history;
pub mod links;
pub mod list;
pub mod meaning;
pub mod names;
pub mod pages;
mod rows;
pub mod search;
mod sight;
mod since;
mod snippet;
pub mod tags;
mod terms;

pub use agents::{AgentRow, AgentSession};
pub use apply::OP_TRAILER;
pub use batch::{Facts, FileDoc, IndexBatch, PageDoc};
pub use care::{BadLink, Flaw, FlawKind, PageFlaw, Sketch};
pub use events::Event;
pub use history::{Entry, EntryChange, Filter};
pub use links::{Edge, Graph, Link, LinkStatus, LinkedFrom, Wanted};
pub use list::{ListFilter, Listed, Listing};
pub use meaning::{Digest, Embedded, MeaningStanding, MeaningState, Near, PieceVector, Unembedded, Vector};
pub use names::{FoundHeading, Name, Names, plain};
pub use pages::{AttachmentInfo, Counts, PageRow};
pub use search::{Hit, Meant, Piece, SearchResults, Similar, WEIGHTS, meaning_of};
pub use since::After;
pub use tags::Tag;
pub(crate) use terms::is_cjk;
pub use terms::{QUERY_BYTES, Strictness};

use super::connection::{self, Durability, Existence, Kind};
use super::{is_damaged, wal_of, wrap};
use holt_core::{Error, Hidden, Result, RevisionId};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The name of the file in the wiki's directory.
const FILE: &str = "index.db";

/// Another shape of the tables is another kind of file: change the last byte with schema.sql, and every index is filled again.
const KIND: Kind = Kind {
    name: FILE,
    application_id: i32::from_be_bytes(*b"Hoib"),
    durability: Durability::Derived,
    migrations: &[include_str!("schema.sql")],
};

/// Most connections that read at a time; the next reader waits for one.
const READERS: usize = 4;
/// Most damaged files that are kept for a look.
const KEPT: u32 = 3;
/// The step whose cursor moves with every batch.
const INDEX_STEP: &str = "index";

/// An open `index.db`. Shared freely between threads.
pub struct Index {
    path: PathBuf,
    // Declared before the writer: the last connection to close tidies the file up, and only the writer may.
    readers: Readers,
    /// None where something is hidden.
    writer: Option<Mutex<Connection>>,
    hidden: Hidden,
    names: names::Kept,
    /// Whether the mark that says "not closed properly" may stand in the file.
    marked: AtomicBool,
}

impl Index {
    /// Opens the index in `dir`, or makes an empty one if there is none or it is damaged.
    pub fn open(dir: &Path) -> Result<Self> {
        match Self::open_whole(dir) {
            Err(error) if is_damaged(&error) => {
                tracing::warn!("made anew: {}", error.chain());
                Self::set_aside(dir)?;
                Self::open_whole(dir)
            }
            opened => opened,
        }
    }
    fn open_whole(dir: &Path) -> Result<Self> {
        let path = dir.join(FILE);
        let writer = connection::open(&path, &KIND, Existence::MayBeNew)?;
        let unclosed = |db: &Connection| db.query_row("SELECT 1 FROM marks WHERE name = 'open'", [], |_| Ok(())).optional();
        let marked = unclosed(&writer).map_err(wrap("open index.db"))?.is_some();
        if marked && !super::problems(&writer).map_err(wrap("check index.db"))?.is_empty() {
            return super::decode("index.db after a crash", None);
        }
        Ok(Self {
            path,
            readers: Readers::default(),
            writer: Some(Mutex::new(writer)),
            hidden: Hidden::default(),
            names: names::Kept::default(),
            marked: AtomicBool::new(marked),
        })
    }
    /// The same index for somebody from whom something is hidden: nothing there can be found out by asking it, and nothing can be written.
    #[must_use]
    pub fn without(&self, hidden: Hidden) -> Self {
        Self {
            path: self.path.clone(),
            readers: Readers::default(),
            writer: None,
            hidden,
            names: names::Kept::default(),
            marked: AtomicBool::new(false),
        }
    }
    /// What cannot be found here though it is there.
    pub fn hidden(&self) -> &Hidden {
        &self.hidden
    }
    /// Moves the index in `dir` out of the way, as `index.db.bad-1`, if there is one. To be called when nobody has it open.
    pub fn set_aside(dir: &Path) -> Result<()> {
        let place = |n: u32| dir.join(format!("{FILE}.bad-{n}"));
        let n = (1..KEPT).find(|n| !place(*n).exists()).unwrap_or(KEPT);
        Self::take_away(dir, |path| std::fs::rename(path, place(n)))
    }
    /// Removes the index in `dir`, if there is one. To be called when nobody has it open.
    pub fn remove(dir: &Path) -> Result<()> {
        Self::take_away(dir, |path| std::fs::remove_file(path))
    }
    fn take_away(dir: &Path, take: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
        let path = dir.join(FILE);
        let gone = |result: std::io::Result<()>| match result {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(format!("take {} away", path.display()), error)),
            _ => Ok(()),
        };
        gone(take(&path))?;
        gone(std::fs::remove_file(wal_of(&path)))?;
        gone(std::fs::remove_file(dir.join(format!("{FILE}-shm"))))
    }
    /// The revision everything here describes; none before the first batch.
    pub fn cursor(&self) -> Result<Option<RevisionId>> {
        self.step_cursor(INDEX_STEP)
    }
    /// The revision that the named step has handled.
    pub fn step_cursor(&self, step: &str) -> Result<Option<RevisionId>> {
        let sql = "SELECT revision FROM cursors WHERE step = ?1";
        self.read("read a cursor", |db| db.prepare_cached(sql)?.query_row([step], |row| rows::revision_id(row, 0)).optional())
    }
    /// Notes that the named step has handled everything up to `revision`.
    pub fn set_step_cursor(&self, step: &str, revision: RevisionId) -> Result<()> {
        self.write("move a cursor", |db| apply::set_cursor(db, step, revision))
    }
    /// Takes a batch in: all of it, or on error nothing.
    pub fn apply(&self, batch: &IndexBatch) -> Result<()> {
        self.write("index changes", |db| apply::batch(db, batch))
    }
    /// Throws everything away and takes in a whole wiki in one transaction: `log` (ancestors first), then what `chunks` bring.
    pub fn fill(&self, head: RevisionId, log: &[crate::repo::LogEntry], chunks: impl Iterator<Item = Result<IndexBatch>>) -> Result<()> {
        let mut failed = None;
        let filled = self.write("index the whole wiki", |db| {
            // Sixteen megabytes instead of a quarter, for as long as this takes: the indexes are filled in no order.
            db.pragma_update(None, "cache_size", -16_384)?;
            apply::clear(db)?;
            apply::log(db, log)?;
            for chunk in chunks {
                match chunk {
                    Ok(batch) => apply::documents(db, &batch)?,
                    Err(error) => {
                        failed = Some(error);
                        return Err(rusqlite::Error::ExecuteReturnedResults);
                    }
                }
            }
            apply::last_changes_of_all(db)?;
            apply::set_cursor(db, INDEX_STEP, head)
        });
        let writer = self.writer()?;
        let shrunk = writer.execute_batch("PRAGMA cache_size=-256; PRAGMA shrink_memory;").map_err(wrap("index the whole wiki"));
        failed.map_or(filled, Err)?;
        shrunk
    }
    /// Throws everything away.
    pub fn clear(&self) -> Result<()> {
        self.write("clear the index", apply::clear)
    }
    /// What is wrong with the file, each as a sentence.
    pub fn integrity(&self) -> Result<Vec<String>> {
        let found = self.read("check index.db", super::problems)?;
        Ok(found.into_iter().map(|problem| format!("index.db: {problem}")).collect())
    }
    /// Has SQLite look after its plans and give back what its log takes.
    pub fn upkeep(&self) -> Result<()> {
        connection::upkeep(&*self.writer()?).map_err(wrap("look after index.db"))
    }
    /// Every table as text, in an order that does not depend on how it came about: equal texts are equal indexes.
    pub fn dump(&self) -> Result<String> {
        dump::dump(&*self.writer()?).map_err(wrap("dump the index"))
    }
    fn read<T>(&self, attempted: &str, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let reader = self.readers.take(|| {
            let db = connection::open(&self.path, &KIND, Existence::Required)?;
            if !self.hidden.is_empty() {
                sight::hide(&db, &self.hidden).map_err(wrap(attempted))?;
            }
            db.pragma_update(None, "query_only", true).map_err(wrap(attempted))?;
            Ok(db)
        })?;
        reader.with(work).map_err(wrap(attempted))
    }
    fn writer(&self) -> Result<MutexGuard<'_, Connection>> {
        let writer = self.writer.as_ref().ok_or_else(|| Error::internal("write to an index of which something is hidden"))?;
        Ok(writer.lock().unwrap_or_else(PoisonError::into_inner))
    }
    fn write<T>(&self, attempted: &str, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut writer = self.writer()?;
        (|| {
            let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if !self.marked.load(Ordering::Relaxed) {
                tx.execute("INSERT OR IGNORE INTO marks (name) VALUES ('open')", [])?;
            }
            let result = work(&tx)?;
            tx.commit()?;
            self.marked.store(true, Ordering::Relaxed);
            Ok(result)
        })()
        .map_err(wrap(attempted))
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        let Some(writer) = &mut self.writer else { return };
        let writer = writer.get_mut().unwrap_or_else(PoisonError::into_inner);
        if *self.marked.get_mut() {
            // If it fails the mark stays, and the next start checks the file.
            let _ = writer.execute("DELETE FROM marks", []);
        }
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Index({})", self.path.display())
    }
}

/// The connections that read, opened when they are needed.
#[derive(Default)]
struct Readers {
    state: Mutex<Idle>,
    returned: Condvar,
}

#[derive(Default)]
struct Idle {
    idle: Vec<Connection>,
    in_use: usize,
}

impl Readers {
    fn take(&self, open: impl FnOnce() -> Result<Connection>) -> Result<Reader<'_>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.idle.is_empty() && state.in_use >= READERS {
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.in_use += 1;
        let idle = state.idle.pop();
        drop(state);
        // From here on the guard gives the place back, whatever happens.
        let mut reader = Reader { readers: self, db: idle };
        if reader.db.is_none() {
            reader.db = Some(open()?);
        }
        Ok(reader)
    }
}

/// A connection lent to one thread.
struct Reader<'r> {
    readers: &'r Readers,
    db: Option<Connection>,
}

impl Reader<'_> {
    fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let db = self.db.as_ref().ok_or(rusqlite::Error::InvalidQuery)?;
        // One snapshot for all statements of a question.
        let tx = db.unchecked_transaction()?;
        let result = work(&tx)?;
        tx.commit()?;
        Ok(result)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.in_use -= 1;
        state.idle.extend(self.db.take());
        drop(state);
        self.readers.returned.notify_one();
    }
}
