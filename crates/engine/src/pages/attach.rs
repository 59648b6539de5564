//! Files beside a page: `Guide/Setup.md` keeps its attachments in the directory `Guide/Setup/`.

use super::write::{Writing, check_room};
use crate::db::index::Index;
use crate::repo::{BlobId, FileMode};
use crate::scope::{Permission, Read, Scope, Upload, Write};
use holt_core::{Action, AttachmentName, Error, FileChange, PagePath, Result, Revision, RevisionId};

pub use crate::db::index::AttachmentInfo;

/// Largest attachment (security.md INP-14), in bytes.
pub const ATTACHMENT_BYTES: usize = 10 * 1024 * 1024;
/// Most attachments of one page (security.md INP-14).
pub const ATTACHMENTS_PER_PAGE: usize = 500;

/// Which file of the same name an upload may replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Any.
    Replace,
    /// None: there must be no such file.
    Refuse,
    /// The one with this content, which must be there.
    Only(BlobId),
    /// Any, but there must be one.
    Need,
}

impl Existing {
    fn check(self, name: &AttachmentName, there: Option<&AttachmentInfo>) -> Result<()> {
        match (self, there) {
            (Self::Replace, _) | (Self::Refuse, None) | (Self::Need, Some(_)) => Ok(()),
            (Self::Only(blob), Some(there)) if there.blob == blob => Ok(()),
            (Self::Refuse, Some(_)) => {
                Err(Error::conflict(format!("there is a file {name} already")).hint("Choose another name, or let it be replaced."))
            }
            (Self::Only(_) | Self::Need, _) => Err(Error::conflict(format!("the file {name} is not the one that was to be replaced"))
                .hint("Look at the file that is there now, and send its ETag.")),
        }
    }
}

/// A file with its content.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Its name.
    pub name: AttachmentName,
    /// Its bytes.
    pub content: Vec<u8>,
    /// The commit that last changed it, if it was asked for as it is now.
    pub last_change: Option<Revision>,
    /// Hex id of its content, for an ETag.
    pub blob: BlobId,
}

/// The attachments of `page`, by name.
pub fn attachments(scope: &Scope<'_, Read>, page: &PagePath) -> Result<Vec<AttachmentInfo>> {
    let mut files = scope.index()?.attachments(page)?;
    files.retain(|file| file.mode != FileMode::Symlink);
    Ok(files)
}

/// One attachment, now or at `at`. Links to other files are never followed.
pub fn attachment(scope: &Scope<'_, Read>, page: &PagePath, name: &AttachmentName, at: Option<RevisionId>) -> Result<Option<Attachment>> {
    let wiki = scope.wiki();
    let (repo, index) = (wiki.repo()?, scope.index()?);
    if let Some(at) = at {
        let directory = index.directory(page)?.unwrap_or_else(|| page.clone());
        let file = format!("{}/{name}", directory.directory());
        if index.hidden().covers_file(&file) {
            return Ok(None);
        }
        return match repo.read(at, &file)? {
            Some(entry) if entry.mode != FileMode::Symlink => {
                Ok(Some(Attachment { name: name.clone(), content: repo.blob(entry.id)?, last_change: None, blob: entry.id }))
            }
            _ => Ok(None),
        };
    }
    match index.attachment(page, name)? {
        Some(info) if info.mode != FileMode::Symlink => Ok(Some(Attachment {
            name: name.clone(),
            content: repo.blob(info.blob)?,
            blob: info.blob,
            last_change: Some(info.last_change),
        })),
        _ => Ok(None),
    }
}

/// The commits that touched one attachment, newest first.
pub fn attachment_history(scope: &Scope<'_, Read>, page: &PagePath, name: &AttachmentName) -> Result<Vec<super::Entry>> {
    let index = scope.index()?;
    let directory = index.directory(page)?.unwrap_or_else(|| page.clone());
    index.file_history(&format!("{}/{name}", directory.directory()), None, 200)
}

/// Stores `files` beside `page` in one commit. `Conflict` if what is there may not be replaced. Limits: 10 MiB each, 500 per page.
pub fn upload(
    scope: &Scope<'_, Upload>,
    page: &PagePath,
    files: &[(AttachmentName, Vec<u8>)],
    existing: Existing,
    message: &str,
) -> Result<RevisionId> {
    let put = |(name, content): &(AttachmentName, Vec<u8>)| New { name: name.clone(), content: Content::Bytes(content.clone()) };
    add(scope, page, &files.iter().map(put).collect::<Vec<_>>(), existing, message)
}

/// As [`upload`], for one file of `size` bytes that is read a piece at a time and is never in memory as a whole.
pub fn upload_from(
    scope: &Scope<'_, Upload>,
    page: &PagePath,
    name: &AttachmentName,
    (from, size): (&mut dyn std::io::Read, u64),
    existing: Existing,
    message: &str,
) -> Result<RevisionId> {
    let new = |content| [New { name: name.clone(), content }];
    // What would be refused anyway is not taken in first.
    check(scope, page, &new(Content::Stored(BlobId::default(), size)), existing)?;
    check_room(scope.wiki(), size)?;
    let blob = scope.wiki().repo()?.store(from, size)?;
    add(scope, page, &new(Content::Stored(blob, size)), existing, message)
}

struct New {
    name: AttachmentName,
    content: Content,
}

enum Content {
    Bytes(Vec<u8>),
    /// In the repository already, with its size.
    Stored(BlobId, u64),
}

impl New {
    fn size(&self) -> u64 {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Stored(_, size) => *size,
        }
    }
}

/// Where the files go, if they may be stored there.
fn check(scope: &Scope<'_, Upload>, page: &PagePath, files: &[New], existing: Existing) -> Result<PagePath> {
    scope.check(Action::Upload, page)?;
    if files.is_empty() {
        return Err(Error::invalid("no file was sent").hint("Choose at least one file."));
    }
    if let Some(New { name, .. }) = files.iter().find(|file| file.size() > ATTACHMENT_BYTES as u64) {
        return Err(Error::too_large(format!("{name} is larger than {} MiB", ATTACHMENT_BYTES / 1024 / 1024))
            .hint("Store large files elsewhere and link to them."));
    }
    let index = scope.wiki().index()?;
    let directory = match index.page(&page.key())?.map(|row| row.path).or(index.directory(page)?) {
        Some(stored) => stored,
        None => scope.wiki().preferences()?.file_case(page.clone().for_creation()?.into_path()),
    };
    let present = index.attachments(&directory)?;
    for New { name, .. } in files {
        may_name(scope, Action::Upload, &directory, name)?;
        free_address(&index, &directory, name)?;
        existing.check(name, present.iter().find(|there| there.name == *name))?;
    }
    let new = files.iter().filter(|file| !present.iter().any(|there| there.name == file.name)).count();
    if present.len() + new > ATTACHMENTS_PER_PAGE {
        return Err(Error::too_large(format!("a page holds at most {ATTACHMENTS_PER_PAGE} files")).hint("Spread them over several pages."));
    }
    Ok(directory)
}

fn add(scope: &Scope<'_, Upload>, page: &PagePath, files: &[New], existing: Existing, message: &str) -> Result<RevisionId> {
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let default = scope.wiki().preferences()?.language.say_with("Added attachment(s): {}.", &[&names.join(", ")]);
    let message = if message.is_empty() { &default } else { message };
    // Before anything is locked or marked.
    scope.check(Action::Upload, page)?;
    let writing = Writing::begin(&scope.narrow::<Write>(), None)?;
    let committed = writing.commit(
        |_| {
            let directory = check(scope, page, files, existing)?;
            let change = |new: &New| {
                let file = format!("{}/{}", directory.directory(), new.name);
                match &new.content {
                    Content::Bytes(bytes) => FileChange::Put { file, content: bytes.clone() },
                    Content::Stored(blob, _) => FileChange::Stored { file, content: *blob.as_bytes() },
                }
            };
            Ok(files.iter().map(change).collect())
        },
        message,
    )?;
    Ok(committed.revision())
}

/// Deletes one attachment.
pub fn delete_attachment(scope: &Scope<'_, Write>, page: &PagePath, name: &AttachmentName, message: &str) -> Result<RevisionId> {
    scope.check(Action::Write, page)?;
    let default = scope.wiki().preferences()?.language.say_with("Deleted {}", &[name.as_str()]);
    let writing = Writing::begin(scope, None)?;
    let committed = writing.commit(
        |_| Ok(vec![FileChange::Remove { file: present(scope, page, name)?.file }]),
        if message.is_empty() { &default } else { message },
    )?;
    Ok(committed.revision())
}

/// Renames one attachment beside the same page; links to it follow in the same commit. `Conflict` if the new name is taken.
pub fn rename_attachment(
    scope: &Scope<'_, Write>,
    page: &PagePath,
    name: &AttachmentName,
    to: &AttachmentName,
    message: &str,
) -> Result<RevisionId> {
    scope.check(Action::Write, page)?;
    let default = scope.wiki().preferences()?.language.say_with("Renamed {} to {}.", &[name.as_str(), to.as_str()]);
    let writing = Writing::begin(scope, None)?;
    let committed = writing.commit(
        |writing| {
            let found = present(scope, page, name)?;
            if scope.wiki().index()?.attachment(page, to)?.is_some() {
                return Err(Error::conflict(format!("there is a file {to} already")).hint("Choose another name."));
            }
            may_name(scope, Action::Write, &found.page, to)?;
            free_address(&*scope.wiki().index()?, &found.page, to)?;
            let mut changes = vec![FileChange::Move { from: found.file.clone(), to: format!("{}/{to}", found.page.directory()) }];
            // A name that could be no part of an address is linked to by nobody.
            if let (Ok(from), Ok(to)) = (found.page.child(name.as_str()), found.page.child(to.as_str())) {
                super::moving::rewrite_file(writing, scope, &from, &to, &mut changes)?;
            }
            Ok(changes)
        },
        if message.is_empty() { &default } else { message },
    )?;
    Ok(committed.revision())
}

fn present(scope: &Scope<'_, Write>, page: &PagePath, name: &AttachmentName) -> Result<AttachmentInfo> {
    let found = scope.wiki().index()?.attachment(page, name)?;
    found.ok_or_else(|| {
        Error::not_found(format!("there is no file {name} at {page}")).hint("It may have been renamed or deleted meanwhile.")
    })
}

/// A file stands where a page of that name would: whoever may not write the one may not put the other there, nor learn what is there.
fn may_name<P: Permission>(scope: &Scope<'_, P>, action: Action, page: &PagePath, name: &AttachmentName) -> Result<()> {
    match page.child(name.as_str()) {
        Ok(path) => scope.check(action, &path),
        Err(_) => Ok(()),
    }
}

/// A file whose address means something else could never be fetched.
fn free_address(index: &Index, page: &PagePath, name: &AttachmentName) -> Result<()> {
    let taken = |what: String| Err(Error::invalid(what).hint("Give the file another name."));
    let Ok(path) = page.child(name.as_str()) else { return Ok(()) };
    // Whatever the file is called: it is the page that has such a name.
    if let Some(reason) = page.child("x").ok().and_then(|path| path.reserved()) {
        return Err(Error::invalid(format!("there can be no files beside the page {page}: {reason}")).hint("Rename the page."));
    }
    if let Some(reason) = path.reserved() {
        return taken(format!("{name} cannot be the name of a file: {reason}"));
    }
    if index.page(&path.key())?.is_some() {
        return taken(format!("there is a page {path}, which has that address"));
    }
    Ok(())
}
