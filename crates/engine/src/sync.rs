//! `catch_up`: brings what is derived from git, index and fragments, from their cursors to HEAD. Save, push, import, crash recovery and
//! rebuild are this one function from different starting points.

use crate::db::index::{Facts, FileDoc, Index, IndexBatch, PageDoc};
use crate::publish;
use crate::repo::{FileMode, LogEntry, Repo, TreeFile};
use crate::wiki::Wiki;
use holt_core::{ChangeKind, Hidden, PagePath, Result, RevisionId};
use holt_markdown::{Context, Options, Purpose};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Files read and rendered at a time when a whole wiki is indexed: bounds memory, not work.
const CHUNK: usize = 500;

/// Brings index and fragments to HEAD and returns it. Cheap when they are there already; safe to run twice, or after dying anywhere.
pub fn catch_up(wiki: &Wiki) -> Result<Option<RevisionId>> {
    let head = {
        let _writing = wiki.write_lock();
        index_locked(wiki)?
    };
    publish_step(wiki)?;
    Ok(head)
}

/// Makes index and fragments again, all of them. What is published stays readable meanwhile; a fragment that is there and whole is not written
/// again, one that nothing names goes.
pub fn rebuild(wiki: &Wiki) -> Result<Option<RevisionId>> {
    let head = {
        let _writing = wiki.write_lock();
        wiki.mark_dirty()?;
        wiki.discard_index()?;
        index_locked(wiki)?
    };
    let _publishing = wiki.publish_lock();
    publish::publish_again(wiki)?;
    Ok(head)
}

/// Makes the index again from git, as one transaction: readers see the old one until the new one is whole, writers wait. Returns the revision
/// it stands at.
pub fn reindex(wiki: &Wiki) -> Result<Option<RevisionId>> {
    let _writing = wiki.write_lock();
    let repo = wiki.repo()?;
    let Some(head) = repo.head()? else { return Ok(None) };
    wiki.mark_dirty()?;
    let options = crate::pages::render_options(&*wiki.preferences()?);
    fill(&repo, &*wiki.index()?, head, &options)?;
    // What was derived of the old one is to be made again.
    wiki.shared.listeners.tell(wiki.id());
    Ok(Some(head))
}

/// The publish step. Takes the publish lock.
pub(crate) fn publish_step(wiki: &Wiki) -> Result<()> {
    let _publishing = wiki.publish_lock();
    publish::publish(wiki)
}

/// Whether index and fragments stand at HEAD, and the fragments at the settings: what they hide may have changed.
pub fn is_at_head(wiki: &Wiki) -> Result<bool> {
    let head = wiki.repo()?.head()?;
    let published = wiki.shared.fragments.wiki(wiki.id())?;
    let settings = wiki.db()?.settings_version()?;
    let follows = published.is_some_and(|manifest| manifest.revision == head && manifest.settings == settings);
    Ok(wiki.index()?.cursor()? == head && follows)
}

impl Wiki {
    /// The index, at HEAD: a push by git itself, a crash or a deleted file is made up for first. Costs one small file read when there is nothing to do.
    pub(crate) fn fresh_index(&self) -> Result<Arc<Index>> {
        let index = self.index()?;
        if index.cursor()? == self.repo()?.head()? {
            return Ok(index);
        }
        catch_up(self)?;
        self.index()
    }
}

/// The index at one moment, for what tells everybody the same.
pub(crate) struct Common {
    /// All of it: for places in the history alone.
    pub(crate) whole: Arc<Index>,
    /// What everybody sees who reads the wiki.
    pub(crate) index: Arc<Index>,
    /// What somebody does not see who reads the wiki.
    pub(crate) hidden: Hidden,
}

impl Wiki {
    /// The index without every part of the wiki that has readers of its own.
    pub(crate) fn common(&self) -> Result<Common> {
        let hidden = self.preferences()?.path_access.hidden_in(None);
        let whole = self.fresh_index()?;
        Ok(Common { index: self.sight(whole.clone(), hidden.clone()), whole, hidden })
    }
}

/// The index step. The caller holds the write lock. Returns HEAD.
pub(crate) fn index_locked(wiki: &Wiki) -> Result<Option<RevisionId>> {
    let repo = wiki.repo()?;
    let Some(head) = repo.head()? else { return Ok(None) };
    let index = wiki.index()?;
    let cursor = index.cursor()?;
    if cursor == Some(head) {
        return Ok(Some(head));
    }
    crate::pages::note_news(wiki);
    let options = crate::pages::render_options(&*wiki.preferences()?);
    match cursor {
        Some(cursor) if repo.is_ancestor(cursor, head)? => advance(&repo, &index, cursor, head, &options)?,
        _ => fill(&repo, &index, head, &options)?,
    }
    wiki.shared.moved(wiki.id());
    Ok(Some(head))
}

/// What happened between two revisions, as one transaction.
fn advance(repo: &Repo, index: &Index, from: RevisionId, head: RevisionId, options: &Options) -> Result<()> {
    let log = repo.log(Some(from), head)?;
    let changes = match log.as_slice() {
        [one] if one.parents == [from] => one.changes.clone(),
        _ => repo.changes(Some(from), head)?,
    };
    let mut touched = BTreeSet::new();
    for change in changes {
        if let ChangeKind::Renamed { from } = &change.change.kind {
            touched.insert(from.clone());
        }
        touched.insert(change.change.file);
    }
    let mut batch = IndexBatch { log, ..IndexBatch::at(head) };
    for file in touched {
        match repo.read(head, &file)? {
            Some(entry) => add(repo, &mut batch, &entry, options)?,
            None => batch.removed.push(file),
        }
    }
    index.apply(&batch)
}

/// Everything, into an empty index: files in chunks, and the cursor with the last of them, so that a crash in between starts over.
fn fill(repo: &Repo, index: &Index, head: RevisionId, options: &Options) -> Result<()> {
    let log: Vec<LogEntry> = repo.log(None, head)?;
    let files = repo.files(head)?.files;
    index.fill(
        head,
        &log,
        files.chunks(CHUNK).map(|chunk| {
            let mut batch = IndexBatch::at(head);
            chunk.iter().try_for_each(|file| add(repo, &mut batch, file, options)).map(|()| batch)
        }),
    )
}

/// Adds one file as it is at HEAD. Names that are no page and no attachment have no row: they have no address.
fn add(repo: &Repo, batch: &mut IndexBatch, file: &TreeFile, options: &Options) -> Result<()> {
    if let Some(path) = PagePath::from_tree(&file.path) {
        batch.pages.push(page_doc(repo, file, path, options)?);
    } else if !file.path.ends_with(".md") {
        batch.files.push(FileDoc { file: file.path.clone(), blob: file.id, mode: file.mode, size: repo.blob_size(file.id)? });
    }
    Ok(())
}

fn page_doc(repo: &Repo, file: &TreeFile, path: PagePath, options: &Options) -> Result<PageDoc> {
    let source = repo.blob(file.id)?;
    let mut doc = PageDoc::new(path, file.path.clone(), file.id, file.mode, source.len() as u64);
    let text = match std::str::from_utf8(&source) {
        Ok(text) if file.mode != FileMode::Symlink => text,
        other => {
            doc.utf8 = other.is_ok();
            if file.mode != FileMode::Symlink {
                doc.facts = Facts::of(&crate::pages::readable(source));
            }
            return Ok(doc);
        }
    };
    let url = format!("/{}", doc.path);
    let rendered = holt_markdown::render(
        text,
        &Context { page_url: Some(&url), options: options.clone(), purpose: Purpose::Words, ..Context::default() },
    );
    doc.utf8 = true;
    doc.title = rendered.toc.first().map(|heading| heading.text.clone());
    doc.headings = rendered.toc.iter().map(|h| (h.level, h.text.clone(), h.anchor.clone())).collect();
    let found = crate::pages::look(text, &rendered);
    (doc.places, doc.flaws, doc.sketch) = (found.places, found.flaws, found.sketch);
    doc.links = rendered.links;
    doc.depends = rendered.depends;
    doc.properties = holt_markdown::properties(text);
    doc.facts = Facts::of(text);
    doc.description = rendered.description;
    doc.text = rendered.text;
    Ok(doc)
}

/// What is wrong with a wiki, each as a sentence; nothing is changed.
pub fn check(wiki: &Wiki) -> Result<Vec<String>> {
    let repo = wiki.repo()?;
    let mut problems = repo.fsck()?;
    let db = wiki.db()?;
    problems.extend(db.integrity()?);
    let index = wiki.index()?;
    problems.extend(index.integrity()?);
    let head = repo.head()?;
    if index.cursor()? != head {
        problems.push("the index is behind the repository; `holt reindex` mends it".into());
    }
    let manifest = wiki.shared.fragments.wiki(wiki.id())?;
    if manifest.as_ref().and_then(|manifest| manifest.revision) != head {
        problems.push("published pages are behind the repository; `holt reindex` mends it".into());
    }
    for row in index.pages()?.into_iter().filter(|row| row.mode != FileMode::Symlink) {
        match wiki.shared.fragments.page(wiki.id(), &row.path.key())? {
            None => problems.push(format!("{} is not published; `holt reindex` mends it", row.path)),
            Some(page) => {
                for key in page.fragments() {
                    if wiki.shared.fragments.get(wiki.id(), key)?.is_none() {
                        problems.push(format!("a fragment of {} is missing or damaged; `holt reindex` mends it", row.path));
                    }
                }
            }
        }
    }
    Ok(problems)
}
