//! Moving a page with its attachments and subpages, links rewritten, in one commit.

use super::batch::Expect;
use super::write::Writing;
use crate::db::index::LinkedFrom;
use crate::db::preferences::path_access_text;
use crate::scope::{Scope, Write};
use holt_core::{Action, Error, FileChange, PagePath, Result, RevisionId};
use holt_markdown::{Options, rewrite_links};
use std::collections::{HashMap, HashSet};

/// Whether links to a moved page follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlinks {
    /// Every link to the page, its subpages and its attachments is rewritten in the same commit.
    Rewrite,
    /// Links stay as they are.
    Keep,
}

/// A rename that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The revision that holds it.
    pub revision: RevisionId,
    /// Where the page is now.
    pub path: PagePath,
    /// How many pages had links rewritten.
    pub rewritten: usize,
    /// Those of them that did not move themselves, by path.
    pub updated: Vec<PagePath>,
}

/// What became of a rename that somebody wanted only of a page they knew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenameOutcome {
    /// It is durable.
    Renamed(Renamed),
    /// The page is not what was expected; nothing has changed.
    Stale {
        /// The revision that last changed the page; none if there is no such page.
        current: Option<RevisionId>,
    },
}

/// Moves the page `from` and everything below it to `to`. `Conflict` if `to` is another page, `NotFound` if nothing is at `from`.
/// A change of letter case alone is allowed.
pub fn rename(scope: &Scope<'_, Write>, from: &PagePath, to: &PagePath, message: &str, backlinks: Backlinks) -> Result<Renamed> {
    match moved(scope, from, None, to, message, backlinks)? {
        RenameOutcome::Renamed(renamed) => Ok(renamed),
        RenameOutcome::Stale { .. } => Err(Error::internal("a rename that expects nothing was refused")),
    }
}

/// As [`rename`], if the page still is what its renamer saw.
pub fn rename_expected(
    scope: &Scope<'_, Write>,
    from: &PagePath,
    expect: Expect,
    to: &PagePath,
    message: &str,
    backlinks: Backlinks,
) -> Result<RenameOutcome> {
    moved(scope, from, Some(expect), to, message, backlinks)
}

fn moved(
    scope: &Scope<'_, Write>,
    from: &PagePath,
    expect: Option<Expect>,
    to: &PagePath,
    message: &str,
    backlinks: Backlinks,
) -> Result<RenameOutcome> {
    let to = scope.wiki().preferences()?.file_case(to.clone().for_creation()?.into_path());
    scope.check(Action::Write, from)?;
    scope.check(Action::Write, &to)?;
    if opens(scope, from, &to)? && !scope.wiki().may(scope.actor(), Action::Admin)? {
        return Err(Error::denied("only administrators move a page out of a private part of the wiki").hint("Ask one of them."));
    }
    let mut writing = Writing::begin(scope, None)?;
    for _ in 0..16 {
        let index = scope.wiki().index()?;
        let row = index.page(&from.key())?;
        if let Some(expect) = expect
            && !expect.fits(&writing, row.as_ref())?
        {
            return Ok(RenameOutcome::Stale { current: row.map(|row| row.last_revision) });
        }
        let stored = row.map(|row| row.path);
        let from = stored.as_ref().unwrap_or(from);
        if from == &to {
            return Err(Error::invalid("the page has that name already").hint("Give it another name."));
        }
        if to.is_below(from) {
            return Err(Error::invalid("a page cannot move below itself").hint("Choose a place outside the page."));
        }
        let head = writing.head.ok_or_else(|| Error::not_found("the wiki is empty"))?;
        let files = writing.repo().files(head)?.files;
        let moves = moves(&files, from, &to)?;
        if moves.is_empty() {
            return Err(Error::not_found(format!("there is no page {from}")).hint("It may have been moved or deleted meanwhile."));
        }
        let taken = index.page(&to.key())?.is_some_and(|row| row.path.key() != from.key());
        if taken {
            return Err(Error::conflict(format!("there is a page {to} already")).hint("Choose another name, or move that page first."));
        }
        if let Some(file) = in_the_way(&files, &moves) {
            return Err(Error::conflict(format!("there is a file {file} already")).hint("Choose another name, or move that file first."));
        }
        // A commit that would be refused must not change a rule first.
        if moves.iter().any(|(from, to)| !writing.may_change(from) || !writing.may_change(to)) {
            return Err(super::write::not_theirs());
        }
        // Before the pages are there: nobody reads them in between. Rules that nothing moved to are harmless.
        if let Some(rules) = scope.wiki().preferences()?.path_access.along(from, &to) {
            if to.key() != from.key() && index.directory(&to)?.is_some() && !scope.wiki().may(scope.actor(), Action::Admin)? {
                return Err(Error::denied("only administrators move a private part of the wiki to where there are other pages")
                    .hint("They would become private as well. Choose a place of its own."));
            }
            scope.wiki().db()?.set_preferences([("PATH_ACCESS", path_access_text(&rules).as_str())])?;
        }
        let mut changes: Vec<FileChange> = moves.iter().map(|(from, to)| FileChange::Move { from: from.clone(), to: to.clone() }).collect();
        let rewritten = match backlinks {
            Backlinks::Rewrite => rewrite(&writing, scope, from, &to, &moves, &mut changes)?,
            Backlinks::Keep => Vec::new(),
        };
        let default = scope.wiki().preferences()?.language.say_with("Renamed {} to {}", &[from.as_str(), to.as_str()]);
        let message = if message.is_empty() { &default } else { message };
        if let Some(committed) = writing.try_commit(&changes, message)? {
            // Before the lock goes, so that two renames are followed in their order. What fails here does not undo the rename.
            if let Err(error) = scope.wiki().db().and_then(|db| db.follow_rename(from, &to)) {
                tracing::warn!(wiki.id = %scope.wiki().id(), "comments and watches stayed behind at {from}: {}", error.chain());
            }
            writing.finish(committed);
            let is_moved = |page: &PagePath| page == from || page.is_below(from);
            let count = rewritten.len();
            let updated = rewritten.into_iter().filter(|page| !is_moved(page)).collect();
            let renamed = Renamed { revision: committed.revision(), path: to, rewritten: count, updated };
            return Ok(RenameOutcome::Renamed(renamed));
        }
    }
    Err(super::write::busy())
}

/// Whether the page `from` would have more readers at `to`: it leaves a part of the wiki that fewer may read.
pub fn opens(scope: &Scope<'_, Write>, from: &PagePath, to: &PagePath) -> Result<bool> {
    Ok(scope.wiki().preferences()?.path_access.opens(&from.key(), &to.key()))
}

/// What a rename or deletion would touch.
#[derive(Debug, Clone, Default)]
pub struct Affected {
    /// Pages that link to the page or below it, by path.
    pub linking: Vec<PagePath>,
    /// Pages below it.
    pub below: Vec<PagePath>,
    /// How many files are beside it.
    pub files: usize,
}

/// What a person wants to know before a page is renamed or deleted.
pub fn affected(scope: &Scope<'_, crate::scope::Read>, from: &PagePath) -> Result<Affected> {
    let index = scope.index()?;
    let linking = index.linking_to_tree(&from.key())?.into_iter().map(|page| page.path).filter(|path| path.key() != from.key()).collect();
    let below = index.pages_below(from)?.into_iter().map(|row| row.path).collect();
    Ok(Affected { linking, below, files: index.attachments(from)?.len() })
}

/// Old and new tree path of every file that moves.
fn moves(files: &[crate::repo::TreeFile], from: &PagePath, to: &PagePath) -> Result<Vec<(String, String)>> {
    let directory = format!("{}/", from.directory());
    let mut moves = Vec::new();
    for file in files {
        let new = if file.path == from.file() {
            to.file()
        } else if let Some(rest) = file.path.strip_prefix(&directory) {
            format!("{}/{rest}", to.directory())
        } else {
            continue;
        };
        // The target must be a possible path as a whole: a deep subtree may become too deep.
        PagePath::parse(&new)?;
        moves.push((file.path.clone(), new));
    }
    Ok(moves)
}

/// A file that stays and whose place one of the `moves` would take, in whatever spelling.
fn in_the_way<'f>(files: &'f [crate::repo::TreeFile], moves: &[(String, String)]) -> Option<&'f str> {
    let key = |file: &str| PagePath::from_tree(file).map_or_else(|| file.to_string(), |path| format!("{}.md", path.key().as_str()));
    let leaving: HashSet<&str> = moves.iter().map(|(from, _)| from.as_str()).collect();
    let wanted: HashSet<String> = moves.iter().map(|(_, to)| key(to)).collect();
    files.iter().map(|file| file.path.as_str()).find(|file| !leaving.contains(file) && wanted.contains(&key(file)))
}

/// Adds the pages whose links follow the move. Pages that move themselves are rewritten under their new name.
fn rewrite(
    writing: &Writing<'_>,
    scope: &Scope<'_, Write>,
    from: &PagePath,
    to: &PagePath,
    moves: &[(String, String)],
    changes: &mut Vec<FileChange>,
) -> Result<Vec<PagePath>> {
    let index = scope.wiki().index()?;
    let moved: HashMap<&str, &str> = moves.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let from_key = from.key();
    let below = format!("{}/", from_key.as_str());
    let new_target = |target: &str| -> Option<String> {
        let path = PagePath::parse(target).ok()?;
        let key = path.key();
        if key == from_key {
            return Some(to.as_str().to_string());
        }
        // Folding may change lengths, so the rest is taken by segments.
        key.as_str().strip_prefix(&below)?;
        let rest: Vec<&str> = path.segments().skip(from.segments().count()).collect();
        Some(format!("{to}/{}", rest.join("/")))
    };
    let mut pages: Vec<LinkedFrom> = index.linking_to_tree(&from_key)?;
    // Relative links inside the moved pages are relative to a place that moved.
    pages.extend(
        moves
            .iter()
            .filter_map(|(file, _)| index.page_by_file(file).transpose())
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .map(|row| LinkedFrom { path: row.path, file: row.file, title: row.title }),
    );
    rewrite_in(writing, scope, (pages, to), &new_target, &moved, changes)
}

/// Adds the pages whose links to a file of a page have to follow its new name; answers which.
pub(super) fn rewrite_file(
    writing: &Writing<'_>,
    scope: &Scope<'_, Write>,
    from: &PagePath,
    to: &PagePath,
    changes: &mut Vec<FileChange>,
) -> Result<Vec<PagePath>> {
    let pages = scope.wiki().index()?.linking_to_tree(&from.key())?;
    // Names of files are exact, but for the folder they are in.
    let is_it = |path: &PagePath| path.name() == from.name() && path.key() == from.key();
    let new_target = |target: &str| PagePath::parse(target).ok().filter(is_it).map(|_| to.as_str().to_string());
    rewrite_in(writing, scope, (pages, to), &new_target, &HashMap::new(), changes)
}

fn rewrite_in(
    writing: &Writing<'_>,
    scope: &Scope<'_, Write>,
    (mut pages, to): (Vec<LinkedFrom>, &PagePath),
    new_target: &dyn Fn(&str) -> Option<String>,
    moved: &HashMap<&str, &str>,
    changes: &mut Vec<FileChange>,
) -> Result<Vec<PagePath>> {
    let options = super::render_options(&*scope.wiki().preferences()?);
    let mut rewritten = Vec::new();
    pages.sort_by(|a, b| a.file.cmp(&b.file));
    pages.dedup_by(|a, b| a.file == b.file);
    let head = writing.head.ok_or_else(|| Error::not_found("the wiki is empty"))?;
    // Pages that are not theirs to change keep their links: the old name leads to the new one.
    let rights = scope.rights()?;
    pages.retain(|page| rights.may_change(&page.file));
    // Nor do pages tell their readers the name of what some of them may not see.
    let rules = &scope.wiki().preferences()?.path_access;
    let shown_to =
        |page: &LinkedFrom| moved.contains_key(page.file.as_str()) || !rules.hidden_in(Some(&page.path.key())).covers(to.key().as_str());
    pages.retain(shown_to);
    for page in pages {
        let Some(entry) = writing.repo().read(head, &page.file)? else { continue };
        let Ok(source) = String::from_utf8(writing.repo().blob(entry.id)?) else { continue };
        let Some(text) = rewrite_page(&source, &page.path, new_target, &options) else { continue };
        let file = moved.get(page.file.as_str()).map_or(page.file.clone(), |to| (*to).to_string());
        changes.push(FileChange::Put { file, content: text.into_bytes() });
        rewritten.push(page.path);
    }
    Ok(rewritten)
}

fn rewrite_page(source: &str, page: &PagePath, moved: &dyn Fn(&str) -> Option<String>, options: &Options) -> Option<String> {
    rewrite_links(source, moved, options, &format!("/{page}"))
}
