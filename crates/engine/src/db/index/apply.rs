//! Taking batches in. The caller holds the transaction.

use super::batch::{FileDoc, IndexBatch, PageDoc};
use super::rows::mode_number;
use super::tags::tag_key;
use super::{INDEX_STEP, meaning, terms};
use crate::repo::{BlobId, FileMode, LogEntry};
use holt_core::{AttachmentName, ChangeKind, PagePath, RevisionId};
use holt_markdown::{Dependency, LinkKind};
use rusqlite::{Connection, OptionalExtension, Result, params};
use std::collections::{BTreeSet, HashMap};

/// The line at the end of a commit message that names the operation of a client that made it (security.md API-5).
pub const OP_TRAILER: &str = "Holt-Op";

pub(super) fn batch(db: &Connection, batch: &IndexBatch) -> Result<()> {
    log(db, &batch.log)?;
    documents(db, batch)?;
    last_changes(db, batch)?;
    set_cursor(db, INDEX_STEP, batch.cursor)
}

pub(super) fn clear(db: &Connection) -> Result<()> {
    // `words` has no content of its own to delete row by row.
    db.execute_batch(
        "DELETE FROM cursors; DELETE FROM revisions; DELETE FROM changes; DELETE FROM pages; DELETE FROM headings; DELETE FROM links; DELETE FROM shows; DELETE FROM tags; DELETE FROM aliases;
         DELETE FROM attachments; DELETE FROM texts; DELETE FROM places; DELETE FROM flaws; DELETE FROM sketches; DELETE FROM meanings; DELETE FROM former_pieces;
         DELETE FROM meaning_model; INSERT INTO words (words) VALUES ('delete-all');",
    )
}

pub(super) fn set_cursor(db: &Connection, step: &str, revision: RevisionId) -> Result<()> {
    let sql = "INSERT INTO cursors (step, revision) VALUES (?1, ?2) ON CONFLICT (step) DO UPDATE SET revision = ?2";
    db.prepare_cached(sql)?.execute((step, revision.as_bytes())).map(|_| ())
}

pub(super) fn log(db: &Connection, log: &[LogEntry]) -> Result<()> {
    let sql = "INSERT OR IGNORE INTO revisions
        (id, position, author_name, author_email, time, time_offset, committed, is_merge, op, via, session, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let mut insert = db.prepare_cached(sql)?;
    let sql = "INSERT OR IGNORE INTO changes (file, position, revision, kind, from_file, old, new) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut insert_change = db.prepare_cached(sql)?;
    let positions = positions(db, log)?;
    for (entry, position) in log.iter().zip(positions) {
        let revision = &entry.revision;
        let (author, time) = (&revision.author, revision.time);
        let op = operation(&revision.message);
        let merge = entry.parents.len() > 1;
        let values = (
            revision.id.as_bytes(),
            position,
            author.name(),
            author.email(),
            time.seconds,
            time.offset,
            entry.committer_time.seconds,
            merge,
            op,
            revision.via(),
            revision.session(),
            &revision.message,
        );
        if insert.execute(values)? == 0 {
            continue;
        }
        let number = db.last_insert_rowid();
        for change in &entry.changes {
            let (kind, from) = match &change.change.kind {
                ChangeKind::Added => ("added", None),
                ChangeKind::Modified => ("modified", None),
                ChangeKind::Deleted => ("deleted", None),
                ChangeKind::Renamed { from } => ("renamed", Some(from)),
            };
            let (old, new) = (change.old.as_ref().map(BlobId::as_bytes), change.new.as_ref().map(BlobId::as_bytes));
            insert_change.execute((&change.change.file, position, number, kind, from, old, new))?;
        }
    }
    Ok(())
}

fn operation(message: &str) -> Option<&str> {
    let last = message.trim_end().rsplit('\n').next()?;
    last.strip_prefix(OP_TRAILER)?.strip_prefix(": ").map(str::trim).filter(|op| !op.is_empty())
}

/// Latest committer time that is believed: the year 4147. Later ones would leave no room to count upwards from.
const BELIEVABLE: std::ops::Range<i64> = 0..1 << 36;

/// The place of every commit in the order of history: its time, moved behind its ancestors' where clocks were wrong, then a piece of its
/// id, so that two commits of one second have an order too. It follows from the commit and its ancestors alone: filling the index anew
/// gives every commit the place it had.
fn positions(db: &Connection, log: &[LogEntry]) -> Result<Vec<i64>> {
    let mut known = db.prepare_cached("SELECT position >> 24 FROM revisions WHERE id = ?1")?;
    let by_id: HashMap<RevisionId, usize> = log.iter().enumerate().map(|(i, entry)| (entry.revision.id, i)).collect();
    let mut dates: Vec<Option<i64>> = vec![None; log.len()];
    for start in 0..log.len() {
        // Git's order is by date, so a parent may come after its child where clocks were wrong.
        let mut waiting = vec![start];
        while let Some(&i) = waiting.last() {
            let unknown = |parent: &RevisionId| by_id.get(parent).copied().filter(|p| dates[*p].is_none());
            if dates[i].is_none() {
                let missing: Vec<usize> = log[i].parents.iter().filter_map(unknown).collect();
                if !missing.is_empty() {
                    waiting.extend(missing);
                    continue;
                }
                let mut after = -1;
                for parent in &log[i].parents {
                    let date = match by_id.get(parent) {
                        Some(p) => dates[*p],
                        None => known.query_row([parent.as_bytes()], |row| row.get(0)).optional()?,
                    };
                    after = after.max(date.unwrap_or(-1));
                }
                let own = Some(log[i].committer_time.seconds).filter(|t| BELIEVABLE.contains(t)).unwrap_or(0);
                dates[i] = Some(own.max(after + 1).min((1 << 38) - 1));
            }
            waiting.pop();
        }
    }
    let position = |(entry, date): (&LogEntry, Option<i64>)| {
        let [a, b, c, ..] = *entry.revision.id.as_bytes();
        date.unwrap_or_default() << 24 | i64::from(a) << 16 | i64::from(b) << 8 | i64::from(c)
    };
    Ok(log.iter().zip(dates).map(position).collect())
}

/// Pages and files as they are now, without their last changes.
pub(super) fn documents(db: &Connection, batch: &IndexBatch) -> Result<()> {
    for file in &batch.removed {
        remove_page(db, file)?;
        db.prepare_cached("DELETE FROM attachments WHERE file = ?1")?.execute([file])?;
    }
    batch.pages.iter().try_for_each(|page| put_page(db, page))?;
    batch.files.iter().try_for_each(|file| put_file(db, file))
}

fn remove_page(db: &Connection, file: &str) -> Result<()> {
    let sql = "DELETE FROM pages WHERE file = ?1 RETURNING id, key";
    let removed = db.prepare_cached(sql)?.query_row([file], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))).optional()?;
    let Some((id, key)) = removed else { return Ok(()) };
    judge(db, &key)?;
    meaning::keep_pieces(db, id)?;
    for sql in [
        "DELETE FROM headings WHERE page = ?1",
        "DELETE FROM links WHERE page = ?1",
        "DELETE FROM tags WHERE page = ?1",
        "DELETE FROM aliases WHERE page = ?1",
        "DELETE FROM shows WHERE page = ?1",
        "DELETE FROM texts WHERE page = ?1",
        "DELETE FROM places WHERE page = ?1",
        "DELETE FROM flaws WHERE page = ?1",
        "DELETE FROM sketches WHERE page = ?1",
        "DELETE FROM meanings WHERE page = ?1",
        "DELETE FROM words WHERE rowid = ?1",
    ] {
        db.prepare_cached(sql)?.execute([id])?;
    }
    Ok(())
}

/// Says anew which of the files with this key answers for it.
fn judge(db: &Connection, key: &str) -> Result<()> {
    let sql = "UPDATE pages AS p SET shadowed = EXISTS (SELECT 1 FROM pages AS q WHERE q.key = p.key AND q.file > p.file) WHERE p.key = ?1";
    db.prepare_cached(sql)?.execute([key]).map(|_| ())
}

fn put_page(db: &Connection, page: &PageDoc) -> Result<()> {
    remove_page(db, &page.file)?;
    let sql = "INSERT INTO pages (file, key, path, blob, mode, size, utf8, title, description, name, category, category_key, length)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let (key, facts) = (page.path.key(), &page.facts);
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    db.prepare_cached(sql)?.execute(params![
        page.file,
        key.as_str(),
        page.path.as_str(),
        page.blob.as_bytes(),
        mode_number(page.mode),
        number(page.size),
        page.utf8,
        page.title,
        page.description,
        facts.name,
        facts.category,
        facts.category.as_deref().map(tag_key),
        number(facts.length),
    ])?;
    let id = db.last_insert_rowid();
    judge(db, key.as_str())?;
    let mut insert = db.prepare_cached("INSERT INTO headings (page, number, level, text, anchor) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for ((level, text, anchor), number) in page.headings.iter().zip(0_i64..) {
        insert.execute((id, number, level, text, anchor))?;
    }
    let mut insert =
        db.prepare_cached("INSERT INTO links (page, number, key, target, kind, place, line) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for (link, number) in page.links.iter().zip(0_i64..) {
        // Site pages and names that no page can have are nobody's business here.
        let Some(target) = PagePath::parse(&link.target).ok().filter(|path| path.segments().next() != Some("-")) else { continue };
        let (kind, line) = (link_kind(link.kind), size(link.line));
        insert.execute((id, number, target.key().as_str(), target.as_str(), kind, &link.place, line))?;
    }
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO places (page, place) VALUES (?1, ?2)")?;
    for place in &page.places {
        insert.execute((id, place))?;
    }
    let mut insert = db.prepare_cached("INSERT INTO flaws (page, number, kind, line, what, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (flaw, number) in page.flaws.iter().zip(0_i64..) {
        insert.execute((id, number, flaw.kind.as_str(), size(flaw.line), &flaw.what, flaw.value))?;
    }
    if let Some(sketch) = &page.sketch {
        let sql = "INSERT INTO sketches (page, digest, sketch) VALUES (?1, ?2, ?3)";
        db.prepare_cached(sql)?.execute((id, sketch.digest, sketch.sketch))?;
    }
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO tags (page, key, name, number) VALUES (?1, ?2, ?3, ?4)")?;
    for (tag, number) in facts.tags.iter().zip(0_i64..) {
        insert.execute((id, tag_key(tag), tag, Some(number)))?;
    }
    for tag in &page.properties.tags {
        insert.execute((id, tag_key(tag), tag, None::<i64>))?;
    }
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO aliases (page, key) VALUES (?1, ?2)")?;
    for alias in page.properties.aliases.iter().filter_map(|alias| PagePath::parse(alias.trim_start_matches('/')).ok()) {
        insert.execute((id, alias.key().as_str()))?;
    }
    for dependency in &page.depends {
        let sql = "INSERT OR IGNORE INTO shows (page, what) VALUES (?1, ?2)";
        let Some(what) = shown(dependency) else { continue };
        db.prepare_cached(sql)?.execute((id, what))?;
    }
    if page.mode == FileMode::Symlink {
        return Ok(());
    }
    db.prepare_cached("INSERT INTO texts (page, text) VALUES (?1, ?2)")?.execute((id, &page.text))?;
    let headings: Vec<&str> = page.headings.iter().map(|(_, text, _)| text.as_str()).collect();
    let called: Vec<&str> = page.title.iter().chain(&facts.name).map(String::as_str).collect();
    let tags: Vec<&str> = facts.tags.iter().chain(&page.properties.tags).chain(&facts.category).map(String::as_str).collect();
    let fields = [&called.join("\n"), page.path.as_str(), &tags.join("\n"), &headings.join("\n"), &page.text].map(terms::stored);
    db.prepare_cached("INSERT INTO words (rowid, title, name, tags, headings, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![id, fields[0], fields[1], fields[2], fields[3], fields[4]])
        .map(|_| ())
}

fn size(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn shown(dependency: &Dependency) -> Option<String> {
    let key = |path: &str| PagePath::parse(path).ok().map(|path| path.key().as_str().to_string());
    match dependency {
        Dependency::Page(path) => key(path),
        Dependency::Files(path) => key(path).map(|key| format!("/{key}")),
        Dependency::Below(path) if path.is_empty() => Some("/".into()),
        Dependency::Below(path) => key(path).map(|key| key + "/"),
    }
}

fn link_kind(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Wikilink => "wikilink",
        LinkKind::Markdown => "markdown",
        LinkKind::Image => "image",
    }
}

/// Files in the root, and names that nothing can be called, belong to no page: they have no row.
fn put_file(db: &Connection, file: &FileDoc) -> Result<()> {
    db.prepare_cached("DELETE FROM attachments WHERE file = ?1")?.execute([&file.file])?;
    let Some((directory, name)) = file.file.rsplit_once('/') else { return Ok(()) };
    let (Ok(page), Ok(name)) = (PagePath::parse(directory), AttachmentName::parse(name)) else { return Ok(()) };
    let sql = "INSERT INTO attachments (file, key, path, name, blob, mode, size) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let size = i64::try_from(file.size).unwrap_or(i64::MAX);
    let values =
        (&file.file, page.key().as_str().to_string(), page.as_str(), name.as_str(), file.blob.as_bytes(), mode_number(file.mode), size);
    db.prepare_cached(sql)?.execute(values).map(|_| ())
}

/// The newest revision that left something at the file. A file that only merges ever touched has none.
const LAST: &str =
    "(SELECT revision FROM changes WHERE changes.file = t.file AND kind <> 'deleted' ORDER BY position DESC, revision DESC LIMIT 1)";

fn last_changes(db: &Connection, batch: &IndexBatch) -> Result<()> {
    let changed = batch.log.iter().flat_map(|entry| entry.changes.iter().map(|change| change.change.file.as_str()));
    let documents = batch.pages.iter().map(|p| p.file.as_str()).chain(batch.files.iter().map(|f| f.file.as_str()));
    let files: BTreeSet<&str> = changed.chain(documents).collect();
    for table in ["pages", "attachments"] {
        let mut update = db.prepare_cached(&format!("UPDATE {table} AS t SET last = {LAST} WHERE file = ?1"))?;
        for file in &files {
            update.execute([file])?;
        }
    }
    Ok(())
}

pub(super) fn last_changes_of_all(db: &Connection) -> Result<()> {
    db.execute(&format!("UPDATE pages AS t SET last = {LAST}"), [])?;
    db.execute(&format!("UPDATE attachments AS t SET last = {LAST}"), []).map(|_| ())
}
