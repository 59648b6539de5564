//! What was: the commits, and what each did to which file.
//!
//! A page's history follows its renames as `git log --follow` does: from now backwards, and where a commit moved the file there, on under
//! the name it had before. Each name with the stretch of history in which it counts is a `Stretch`.

use super::pages::page_of;
use super::{After, Index, rows};
use crate::repo::BlobId;
use holt_core::{ChangeKind, OpId, PLAN_TRAILER, PagePath, Result, Revision, RevisionId, RevisionPrefix};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::HashSet;

/// One commit as history shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The commit.
    pub revision: Revision,
    /// Its place in the wiki's history; hand it back as `before` for the next, older, part.
    pub seq: i64,
    /// What it did to files (for one file: to that).
    pub changes: Vec<EntryChange>,
}

/// One file in an [`Entry`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryChange {
    /// Path in the tree after the commit.
    pub file: String,
    /// What happened.
    pub kind: ChangeKind,
}

/// Which commits of the wiki are meant. The default is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// By an author whose name or mail address contains this, whatever the case of its letters.
    pub author: Option<String>,
    /// That a program made whose name contains this; every one that a program made, for nothing.
    pub agent: Option<String>,
    /// By an author who is called exactly so.
    pub person: Option<String>,
    /// By an author with exactly this mail address.
    pub address: Option<String>,
    /// That a program made which is called exactly so.
    pub via: Option<String>,
    /// Of exactly this session.
    pub session: Option<String>,
    /// That touched this page, what is below it or a file beside it.
    pub path: Option<PagePath>,
    /// At this second or later, by the author's clock.
    pub from: Option<i64>,
    /// Before this second.
    pub until: Option<i64>,
}

impl Filter {
    /// A condition for [`Index::changelog`] and its values, from `?3` on.
    fn sql(&self) -> (String, Vec<Value>) {
        let (mut condition, mut values) = (String::new(), Vec::new());
        let mut number = 2;
        let mut next = |values: &mut Vec<Value>, value: Value| {
            values.push(value);
            number += 1;
            number
        };
        if let Some(author) = &self.author {
            let n = next(&mut values, Value::Text(author.to_lowercase()));
            condition.push_str(&format!(" AND (instr(lower(r.author_name), ?{n}) > 0 OR instr(lower(r.author_email), ?{n}) > 0)"));
        }
        if let Some(agent) = &self.agent {
            let n = next(&mut values, Value::Text(agent.to_lowercase()));
            condition.push_str(&format!(" AND r.via IS NOT NULL AND instr(lower(r.via), ?{n}) > 0"));
        }
        let exactly = [("author_name", &self.person), ("author_email", &self.address), ("via", &self.via), ("session", &self.session)];
        for (column, wanted) in exactly {
            let Some(wanted) = wanted else { continue };
            let n = next(&mut values, Value::Text(wanted.clone()));
            condition.push_str(&format!(" AND r.{column} = ?{n}"));
        }
        if let Some(path) = &self.path {
            let page = next(&mut values, Value::Text(path.file()));
            let (from, to) = rows::below(path.directory());
            let (from, to) = (next(&mut values, Value::Text(from)), next(&mut values, Value::Text(to)));
            condition.push_str(&format!(
                " AND r.n IN (SELECT revision FROM changes WHERE file = ?{page} OR (file >= ?{from} AND file < ?{to})
                  OR (kind = 'renamed' AND from_file = ?{page} COLLATE NOCASE))"
            ));
        }
        if let Some(from) = self.from {
            let n = next(&mut values, Value::Integer(from));
            condition.push_str(&format!(" AND r.time >= ?{n}"));
        }
        if let Some(until) = self.until {
            let n = next(&mut values, Value::Integer(until));
            condition.push_str(&format!(" AND r.time < ?{n}"));
        }
        (condition, values)
    }
}

/// Longest part of a history that is returned at once (security.md INP-13).
pub const HISTORY_LIMIT: usize = 200;

/// The positions `from..to` in which a page was stored at `file`.
struct Stretch {
    file: String,
    from: i64,
    to: i64,
}

/// The names of `file`, newest first. Positions only fall, so this ends.
fn stretches(db: &Connection, file: String) -> rusqlite::Result<Vec<Stretch>> {
    let sql =
        "SELECT position, from_file FROM changes WHERE file = ?1 AND position < ?2 AND kind = 'renamed' ORDER BY position DESC LIMIT 1";
    let mut renamed = db.prepare_cached(sql)?;
    let mut found = vec![Stretch { file, from: i64::MIN, to: i64::MAX }];
    while let Some(current) = found.last_mut() {
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let Some((position, before)) = renamed.query_row((&current.file, current.to), row).optional()? else { break };
        current.from = position;
        found.push(Stretch { file: before, from: i64::MIN, to: position });
    }
    Ok(found)
}

/// The file that `path` names now, or was last stored at.
fn file_of(db: &Connection, path: &PagePath) -> rusqlite::Result<String> {
    Ok(page_of(db, &path.key())?.map_or_else(|| path.file(), |page| page.file))
}

fn position_of(db: &Connection, id: RevisionId) -> rusqlite::Result<Option<i64>> {
    // Of a commit somebody does not get to see, too: its place says nothing, and what they have read is counted by it.
    db.prepare_cached("SELECT position FROM main.revisions WHERE id = ?1")?.query_row([id.as_bytes()], |row| row.get(0)).optional()
}

/// `file`, `kind`, `from_file`, the first of them at `column`.
pub(super) fn change(row: &Row<'_>, column: usize) -> rusqlite::Result<EntryChange> {
    let kind = match row.get_ref(column + 1)?.as_str().unwrap_or_default() {
        "added" => ChangeKind::Added,
        "modified" => ChangeKind::Modified,
        "deleted" => ChangeKind::Deleted,
        "renamed" => ChangeKind::Renamed { from: row.get(column + 2)? },
        _ => return Err(rusqlite::Error::IntegralValueOutOfRange(column + 1, 0)),
    };
    Ok(EntryChange { file: row.get(column)?, kind })
}

fn history(db: &Connection, stretches: &[Stretch], before: i64, limit: usize) -> rusqlite::Result<Vec<Entry>> {
    let sql = format!(
        "SELECT {}, c.position, c.file, c.kind, c.from_file FROM changes AS c JOIN revisions AS r ON r.n = c.revision
         WHERE c.file = ?1 AND c.position >= ?2 AND c.position < ?3 ORDER BY c.position DESC, c.revision DESC LIMIT ?4",
        rows::REVISION
    );
    let mut query = db.prepare_cached(&sql)?;
    let mut entries = Vec::new();
    for stretch in stretches {
        let room = i64::try_from(limit - entries.len()).unwrap_or(i64::MAX);
        let row = |row: &Row<'_>| Ok(Entry { revision: rows::revision(row, 0)?, seq: row.get(6)?, changes: vec![change(row, 7)?] });
        let found = query.query_map((&stretch.file, stretch.from, stretch.to.min(before), room), row)?;
        entries.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
        if entries.len() >= limit {
            break;
        }
    }
    Ok(entries)
}

impl Index {
    /// The commits that touched `path`, across its renames, newest first: at most 200, with a place below `before`.
    pub fn history(&self, path: &PagePath, before: Option<i64>, limit: usize) -> Result<Vec<Entry>> {
        self.read("read the history of a page", |db| {
            history(db, &stretches(db, file_of(db, path)?)?, before.unwrap_or(i64::MAX), limit.min(HISTORY_LIMIT))
        })
    }
    /// The last commit that moved the page `path` away, its place, and where to. `None` if there was none.
    pub fn moved_from(&self, path: &PagePath) -> Result<Option<(Entry, PagePath)>> {
        let sql = format!(
            "SELECT {}, c.position, c.file, c.kind, c.from_file FROM changes AS c JOIN revisions AS r ON r.n = c.revision
             WHERE c.from_file = ?1 AND c.kind = 'renamed' ORDER BY c.position DESC LIMIT 1",
            rows::REVISION
        );
        let row = |row: &Row<'_>| Ok(Entry { revision: rows::revision(row, 0)?, seq: row.get(6)?, changes: vec![change(row, 7)?] });
        let found = self.read("look where a page went", |db| db.prepare_cached(&sql)?.query_row([path.file()], row).optional())?;
        let to = |entry: &Entry| entry.changes.first().and_then(|change| PagePath::from_tree(&change.file));
        Ok(found.and_then(|entry| to(&entry).map(|to| (entry, to))))
    }
    /// Where the file that was once at `file` is now, through every rename since. `None` if it was never moved, or is gone. Letter case of
    /// `file` does not matter.
    pub fn whereabouts(&self, file: &str) -> Result<Option<String>> {
        let there = "SELECT 1 FROM pages WHERE file = ?1 UNION ALL SELECT 1 FROM attachments WHERE file = ?1";
        let Some(name) = self.moved_by(file, i64::MAX)? else { return Ok(None) };
        // What is there may be another file of the same name, written since: only the last name counts.
        let is_there = self.read("look where a file went", |db| db.prepare_cached(there)?.query_row([&name], |_| Ok(())).optional())?;
        Ok(is_there.map(|()| name))
    }
    /// Names that may lead to pages: those of before a rename, latest first, and those that pages give themselves. At most `limit` of each.
    pub fn other_names(&self, limit: usize) -> Result<Vec<PagePath>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let former = "SELECT from_file FROM changes WHERE kind = 'renamed' AND from_file LIKE '%.md'
                      GROUP BY from_file ORDER BY max(position) DESC LIMIT ?1";
        let given = "SELECT DISTINCT key FROM aliases ORDER BY key LIMIT ?1";
        let ask = |sql: &str| -> Result<Vec<String>> {
            self.read("list other names", |db| db.prepare_cached(sql)?.query_map([limit], |row| row.get(0))?.collect())
        };
        let former = ask(former)?.into_iter().filter_map(|file| PagePath::from_tree(&file));
        Ok(former.chain(ask(given)?.into_iter().filter_map(|key| PagePath::parse(&key).ok())).collect())
    }
    /// As [`Index::whereabouts`], just before `revision`; whether anything is there then is not looked at.
    pub fn whereabouts_before(&self, file: &str, revision: RevisionId) -> Result<Option<String>> {
        match self.place_of(revision)? {
            Some(place) => self.moved_by(file, place),
            None => Ok(None),
        }
    }
    /// What a file is called after all renames before the place `until`. None if it was never moved.
    fn moved_by(&self, file: &str, until: i64) -> Result<Option<String>> {
        let sql = "SELECT file, position FROM changes WHERE kind = 'renamed' AND from_file = ?1 COLLATE NOCASE AND position > ?2
                   AND position < ?3 ORDER BY position DESC LIMIT 1";
        self.read("look where a file went", |db| {
            let (mut name, mut after) = (file.to_string(), i64::MIN);
            // Positions only rise, so this ends; a bound for histories made to be long.
            for _ in 0..64 {
                let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?));
                let Some((to, position)) = db.prepare_cached(sql)?.query_row((&name, after, until), row).optional()? else { break };
                (name, after) = (to, position);
            }
            Ok((after != i64::MIN).then_some(name))
        })
    }
    /// The pages that were deleted and are not there now, latest first: at most `limit`, each with the commit that removed it.
    pub fn deleted_pages(&self, limit: usize) -> Result<Vec<(PagePath, Entry)>> {
        let limit = i64::try_from(limit.min(HISTORY_LIMIT)).unwrap_or_default();
        let sql = format!(
            "SELECT {}, c.position, c.file, c.kind, c.from_file FROM changes AS c JOIN revisions AS r ON r.n = c.revision
             WHERE c.kind = 'deleted' AND c.file LIKE '%.md' AND NOT EXISTS (SELECT 1 FROM pages WHERE pages.file = c.file)
             AND NOT EXISTS (SELECT 1 FROM changes AS d WHERE d.file = c.file AND d.position > c.position)
             ORDER BY c.position DESC LIMIT ?1",
            rows::REVISION
        );
        let row = |row: &Row<'_>| Ok(Entry { revision: rows::revision(row, 0)?, seq: row.get(6)?, changes: vec![change(row, 7)?] });
        let found: Vec<Entry> = self.read("list deleted pages", |db| db.prepare_cached(&sql)?.query_map([limit], row)?.collect())?;
        let page = |entry: Entry| Some((PagePath::from_tree(&entry.changes.first()?.file)?, entry));
        Ok(found.into_iter().filter_map(page).collect())
    }
    /// As [`Index::history`], for any file.
    pub fn file_history(&self, file: &str, before: Option<i64>, limit: usize) -> Result<Vec<Entry>> {
        self.read("read the history of a file", |db| {
            history(db, &stretches(db, file.to_string())?, before.unwrap_or(i64::MAX), limit.min(HISTORY_LIMIT))
        })
    }
    /// The commits of the wiki that fit `filter`, newest first: at most 200, with a place below `before`.
    pub fn changelog(&self, filter: &Filter, before: Option<i64>, limit: usize) -> Result<Vec<Entry>> {
        self.changelog_after(filter, None, before, limit)
    }
    /// As [`Index::changelog`], of those that are meant by `which` alone.
    pub fn changelog_after(&self, filter: &Filter, which: Option<&After<'_>>, before: Option<i64>, limit: usize) -> Result<Vec<Entry>> {
        let limit = limit.min(HISTORY_LIMIT);
        let (condition, values) = filter.sql();
        let sql = format!(
            "SELECT {}, r.position, r.n FROM revisions AS r WHERE r.position < ?1 AND r.position > ?2 {condition}
             ORDER BY r.position DESC, r.id DESC",
            rows::REVISION
        );
        let from = match which {
            Some(After::Place(from, _)) => *from,
            _ => i64::MIN,
        };
        let values: Vec<Value> = [Value::Integer(before.unwrap_or(i64::MAX)), Value::Integer(from)].into_iter().chain(values).collect();
        self.read("read the changelog", |db| {
            let mut query = db.prepare_cached(&sql)?;
            let mut changes = db.prepare_cached("SELECT file, kind, from_file FROM changes WHERE revision = ?1 ORDER BY file")?;
            let mut found = query.query(rusqlite::params_from_iter(values))?;
            let mut entries = Vec::new();
            while entries.len() < limit {
                let Some(row) = found.next()? else { break };
                let revision = rows::revision(row, 0)?;
                if let Some(After::These(ids)) = which
                    && !ids.contains(&revision.id)
                {
                    continue;
                }
                let number: i64 = row.get(7)?;
                let changes = changes.query_map([number], |row| change(row, 0))?.collect::<rusqlite::Result<_>>()?;
                entries.push(Entry { revision, seq: row.get(6)?, changes });
            }
            Ok(entries)
        })
    }
    /// Every version of `path` with its content, across its renames, oldest first; those up to `at`, if one is given that is known.
    pub fn versions(&self, path: &PagePath, at: Option<RevisionId>) -> Result<Vec<(Revision, BlobId)>> {
        let sql = format!(
            "SELECT {}, c.new FROM changes AS c JOIN revisions AS r ON r.n = c.revision
             WHERE c.file = ?1 AND c.position >= ?2 AND c.position < ?3 AND c.new IS NOT NULL ORDER BY c.position DESC, c.revision DESC",
            rows::REVISION
        );
        self.read("read the versions of a page", |db| {
            let end = match at {
                None => i64::MAX,
                Some(at) => match position_of(db, at)? {
                    Some(position) => position.saturating_add(1),
                    None => return Ok(Vec::new()),
                },
            };
            let mut query = db.prepare_cached(&sql)?;
            let mut versions = Vec::new();
            for stretch in stretches(db, file_of(db, path)?)? {
                let row = |row: &Row<'_>| Ok((rows::revision(row, 0)?, rows::blob(row, 6)?));
                let found = query.query_map((&stretch.file, stretch.from, stretch.to.min(end)), row)?;
                versions.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
            }
            versions.reverse();
            Ok(versions)
        })
    }
    /// Where the page that is `path` now was stored at `at`. `None` if that revision is unknown or the page was not there yet.
    pub fn name_at(&self, path: &PagePath, at: RevisionId) -> Result<Option<String>> {
        self.read("look for the name a page had", |db| {
            let Some(position) = position_of(db, at)? else { return Ok(None) };
            let stretches = stretches(db, file_of(db, path)?)?;
            let Some(stretch) = stretches.into_iter().find(|s| s.from <= position && position < s.to) else { return Ok(None) };
            let sql =
                "SELECT kind <> 'deleted' FROM changes WHERE file = ?1 AND position <= ?2 ORDER BY position DESC, revision DESC LIMIT 1";
            let there: Option<bool> = db.prepare_cached(sql)?.query_row((&stretch.file, position), |row| row.get(0)).optional()?;
            Ok(there.unwrap_or_default().then_some(stretch.file))
        })
    }
    /// Where a revision stands in the wiki's history: the `seq` of its [`Entry`].
    pub fn place_of(&self, revision: RevisionId) -> Result<Option<i64>> {
        self.read("find a revision", |db| position_of(db, revision))
    }
    /// The newest commit: the one the index stands at, but for whom something is hidden from. Pages they see are the same there.
    pub fn newest(&self) -> Result<Option<RevisionId>> {
        if self.hidden.is_empty() {
            return self.cursor();
        }
        let sql = "SELECT id FROM revisions ORDER BY position DESC LIMIT 1";
        self.read("read the newest revision", |db| db.prepare_cached(sql)?.query_row([], |row| rows::revision_id(row, 0)).optional())
    }
    /// A commit of the wiki's history.
    pub fn revision(&self, revision: RevisionId) -> Result<Option<Revision>> {
        let sql = format!("SELECT {} FROM revisions AS r WHERE r.id = ?1", rows::REVISION);
        self.read("read a revision", |db| {
            db.prepare_cached(&sql)?.query_row([revision.as_bytes()], |row| rows::revision(row, 0)).optional()
        })
    }
    /// Whether `revision` is part of the wiki's history.
    pub fn has_revision(&self, revision: RevisionId) -> Result<bool> {
        self.read("look for a revision", |db| Ok(position_of(db, revision)?.is_some()))
    }
    /// Those of `ids` that are neither a commit of the wiki's history nor what a file was before or after one. Merges are not listed with what
    /// they brought of their own.
    pub fn unknown_objects(&self, mut ids: HashSet<BlobId>) -> Result<HashSet<BlobId>> {
        self.read("look for objects", |db| {
            fn name(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<BlobId>> {
                let bytes = row.get_ref(column)?.as_blob_or_null().map_err(|_| rows::impossible(column))?;
                bytes.map(|bytes| bytes.try_into().map(BlobId::from_bytes).map_err(|_| rows::impossible(column))).transpose()
            }
            for sql in ["SELECT id, NULL FROM main.revisions", "SELECT new, old FROM main.changes"] {
                let mut select = db.prepare_cached(sql)?;
                let mut found = select.query([])?;
                while let Some(row) = found.next()? {
                    for column in [0, 1] {
                        if let Some(id) = name(row, column)? {
                            ids.remove(&id);
                        }
                    }
                    if ids.is_empty() {
                        return Ok(ids);
                    }
                }
            }
            Ok(ids)
        })
    }
    /// The revision whose id begins so. `None` if there is none or more than one.
    pub fn revision_by_prefix(&self, prefix: &RevisionPrefix) -> Result<Option<RevisionId>> {
        let bound =
            |filler: char| RevisionId::parse(&format!("{}{}", prefix.as_str(), filler.to_string().repeat(40 - prefix.as_str().len())));
        let (from, to) = (bound('0')?, bound('f')?);
        let sql = "SELECT id FROM revisions WHERE id >= ?1 AND id <= ?2 LIMIT 2";
        let found = self.read("look for a revision", |db| {
            let id = |row: &Row<'_>| rows::revision_id(row, 0);
            db.prepare_cached(sql)?.query_map((from.as_bytes(), to.as_bytes()), id)?.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(if let [only] = found.as_slice() { Some(*only) } else { None })
    }
    /// The revisions, committed after the second `since`, that an operation claims to have made whose id begins with `name` and a full stop; and that id.
    pub fn revisions_by_op_name(&self, name: &OpId, since: i64) -> Result<Vec<(String, RevisionId)>> {
        // What begins with a full stop after the name is less than the name with the next character after it.
        let (from, to) = (format!("{}.", name.as_str()), format!("{}/", name.as_str()));
        let sql = "SELECT op, id FROM revisions WHERE op >= ?1 AND op < ?2 AND committed > ?3 ORDER BY position";
        self.read("look for an operation", |db| {
            let found = |row: &Row<'_>| Ok((row.get(0)?, rows::revision_id(row, 1)?));
            db.prepare_cached(sql)?.query_map((from, to, since), found)?.collect()
        })
    }
    /// The last revision that followed the plan `id` of an undoing (`pages/undo`), if any did. All of history is looked through.
    pub fn last_of_plan(&self, id: &str) -> Result<Option<Revision>> {
        let sql = format!("SELECT {} FROM revisions AS r WHERE instr(r.message, ?1) > 0 ORDER BY r.position DESC LIMIT 1", rows::REVISION);
        let wanted = format!("\n{PLAN_TRAILER}: {id}.");
        self.read("look for a plan", |db| db.prepare_cached(&sql)?.query_row([wanted], |row| rows::revision(row, 0)).optional())
    }
    /// The revisions that the operation `op` of a client claims to have made, the first one first.
    pub fn revisions_by_op(&self, op: &OpId) -> Result<Vec<RevisionId>> {
        let sql = "SELECT id FROM revisions WHERE op = ?1 ORDER BY position";
        self.read("look for an operation", |db| {
            db.prepare_cached(sql)?.query_map([op.as_str()], |row| rows::revision_id(row, 0))?.collect()
        })
    }
}
