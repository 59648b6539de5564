//! What moves with a page, and which links follow: a rename alone, or one of several changes of a commit.

use super::rename::{Backlinks, opens};
use super::write::{Writing, not_theirs, touched};
use crate::db::index::LinkedFrom;
use crate::db::preferences::{Preferences, path_access_text};
use crate::scope::{Rights, Scope, Write};
use holt_core::{Action, Error, FileChange, Handling, PagePath, Result};
use holt_markdown::{Options, rewrite_links};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A page that moves, with everything below it.
pub(super) struct Moving {
    /// Where it is stored now.
    pub(super) from: PagePath,
    /// Where it will be.
    pub(super) to: PagePath,
    backlinks: Backlinks,
    /// Old and new tree path of every file.
    files: Vec<(String, String)>,
}

impl Moving {
    /// From where to where.
    pub(super) fn way(&self) -> (&PagePath, &PagePath) {
        (&self.from, &self.to)
    }
    /// Whether `page` is what moves, or below it.
    pub(super) fn takes(&self, page: &PagePath) -> bool {
        *page == self.from || page.is_below(&self.from)
    }
    /// The new path of a page that moves.
    fn place_of(&self, page: &PagePath) -> Option<String> {
        let key = page.key();
        if key == self.from.key() {
            return Some(self.to.as_str().to_string());
        }
        // Folding may change lengths, so the rest is taken by segments.
        key.as_str().strip_prefix(&format!("{}/", self.from.key().as_str()))?;
        let rest: Vec<&str> = page.segments().skip(self.from.segments().count()).collect();
        Some(format!("{}/{}", self.to, rest.join("/")))
    }
}

/// Where a page will be that somebody wants to move to `to`, if they may.
pub(super) fn target(scope: &Scope<'_, Write>, from: &PagePath, to: &PagePath) -> Result<PagePath> {
    let to = scope.wiki().preferences()?.file_case(to.clone().for_creation()?.into_path());
    scope.check(Action::Write, from)?;
    scope.check(Action::Write, &to)?;
    if opens(scope, from, &to)? && !scope.wiki().may(scope.actor(), Action::Admin)? {
        return Err(Error::denied("only administrators move a page out of a private part of the wiki").hint("Ask one of them."));
    }
    Ok(to)
}

/// What moves from `from` to `to`, which is a [`target`]. `Conflict` if something is there, `NotFound` if nothing is at `from`.
pub(super) fn plan(writing: &Writing<'_>, from: &PagePath, to: &PagePath, backlinks: Backlinks) -> Result<Moving> {
    let index = writing.index()?;
    let stored = index.page(&from.key())?.map(|row| row.path);
    let from = stored.as_ref().unwrap_or(from);
    if from == to {
        return Err(Error::invalid("the page has that name already").hint("Give it another name."));
    }
    if to.is_below(from) {
        return Err(Error::invalid("a page cannot move below itself").hint("Choose a place outside the page."));
    }
    let head = writing.head.ok_or_else(|| Error::not_found("the wiki is empty"))?;
    let files = writing.repo().files(head)?.files;
    let moves = moves(&files, from, to)?;
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
    Ok(Moving { from: from.clone(), to: to.clone(), backlinks, files: moves })
}

/// Refuses if some of the files are not the writer's to move.
pub(super) fn check(writing: &Writing<'_>, moves: &[Moving]) -> Result<()> {
    let files = moves.iter().flat_map(|one| &one.files);
    if files.flat_map(|(from, to)| [from, to]).any(|file| !writing.may_change(file)) {
        return Err(not_theirs());
    }
    Ok(())
}

/// Path rules about what moves hold at its new place, too. What moves is noted for a proposal, whose acceptance changes no rules.
pub(super) fn take_rules_along(scope: &Scope<'_, Write>, writing: &mut Writing<'_>, moves: &[Moving], others: &[FileChange]) -> Result<()> {
    writing.moving(moves.iter().map(|one| (one.from.clone(), one.to.clone())).collect());
    let files = moves.iter().flat_map(|one| &one.files);
    let files = files.flat_map(|(from, to)| [from.as_str(), to.as_str()]).chain(touched(others));
    let proposed = writing.handling(files) != Handling::Direct;
    let preferences = scope.wiki().preferences()?;
    let mut changed = None;
    for one in moves {
        let rules = changed.as_ref().unwrap_or(&preferences.path_access);
        let Some(along) = rules.along(&one.from, &one.to) else { continue };
        if proposed {
            return Err(Error::denied("a page with rights of its own can be moved, but the move cannot be proposed")
                .hint("Ask somebody who may move it."));
        }
        let other_pages = one.to.key() != one.from.key() && scope.wiki().index()?.directory(&one.to)?.is_some();
        if other_pages && !scope.wiki().may(scope.actor(), Action::Admin)? {
            return Err(Error::denied("only administrators move a private part of the wiki to where there are other pages")
                .hint("They would become private as well. Choose a place of its own."));
        }
        changed = Some(along);
    }
    match changed {
        Some(rules) => scope.wiki().db()?.set_preferences([("PATH_ACCESS", path_access_text(&rules).as_str())]),
        None => Ok(()),
    }
}

/// Adds to `changes` the files that move, and the pages whose links follow; answers which. In texts that `changes` has already links follow, too.
pub(super) fn changes(
    writing: &Writing<'_>,
    scope: &Scope<'_, Write>,
    moves: &[Moving],
    changes: &mut Vec<FileChange>,
) -> Result<Vec<PagePath>> {
    let files = moves.iter().flat_map(|one| &one.files);
    let moved: HashMap<&str, &str> = files.clone().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let links = Links::new(scope, moved)?;
    let followed: Vec<&Moving> = moves.iter().filter(|one| one.backlinks == Backlinks::Rewrite).collect();
    let place = |page: &PagePath, target: &str| {
        let path = PagePath::parse(target).ok()?;
        followed.iter().filter(|one| links.may_say(page, &one.to)).find_map(|one| one.place_of(&path))
    };
    let index = scope.wiki().index()?;
    let mut pages: Vec<LinkedFrom> = Vec::new();
    for one in &followed {
        pages.extend(index.linking_to_tree(&one.from.key())?);
        // Relative links inside the moved pages are relative to a place that moved.
        let inside = one.files.iter().filter_map(|(file, _)| index.page_by_file(file).transpose()).collect::<Result<Vec<_>>>()?;
        pages.extend(inside.into_iter().map(|row| LinkedFrom { path: row.path, file: row.file, title: row.title }));
    }
    for change in changes.iter_mut() {
        let FileChange::Put { file, content } = change else { continue };
        let (Some(page), Ok(text)) = (PagePath::from_tree(file), std::str::from_utf8(content)) else { continue };
        if let Some(text) = links.follow(text, &page, &place) {
            *content = text.into_bytes();
        }
    }
    let changed: HashSet<&str> = changes.iter().map(changed_file).collect();
    pages.retain(|page| !changed.contains(page.file.as_str()));
    changes.extend(files.map(|(from, to)| FileChange::Move { from: from.clone(), to: to.clone() }));
    links.follow_in(writing, pages, &place, changes)
}

fn changed_file(change: &FileChange) -> &str {
    match change {
        FileChange::Put { file, .. }
        | FileChange::Stored { file, .. }
        | FileChange::Remove { file }
        | FileChange::Move { from: file, .. } => file,
    }
}

/// Comments and watches go along. Called before the write lock goes, so that two renames are followed in their order. What fails here does
/// not undo the rename.
pub(super) fn follow<'p>(scope: &Scope<'_, Write>, moves: impl IntoIterator<Item = (&'p PagePath, &'p PagePath)>) {
    for (from, to) in moves {
        if let Err(error) = scope.wiki().db().and_then(|db| db.follow_rename(from, to)) {
            tracing::warn!(wiki.id = %scope.wiki().id(), "comments and watches stayed behind at {from}: {}", error.chain());
        }
    }
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

/// Adds the pages whose links to a file of a page have to follow its new name; answers which.
pub(super) fn rewrite_file(
    writing: &Writing<'_>,
    scope: &Scope<'_, Write>,
    from: &PagePath,
    to: &PagePath,
    changes: &mut Vec<FileChange>,
) -> Result<Vec<PagePath>> {
    let pages = scope.wiki().index()?.linking_to_tree(&from.key())?;
    let links = Links::new(scope, HashMap::new())?;
    // Names of files are exact, but for the folder they are in.
    let is_it = |path: &PagePath| path.name() == from.name() && path.key() == from.key();
    let place = |page: &PagePath, target: &str| {
        PagePath::parse(target).ok().filter(|path| is_it(path) && links.may_say(page, to)).map(|_| to.as_str().to_string())
    };
    links.follow_in(writing, pages, &place, changes)
}

/// Where a link of a page leads then, if what it leads to has moved.
type Place<'p> = dyn Fn(&PagePath, &str) -> Option<String> + 'p;

/// Links that follow what moves.
struct Links<'w, 'm> {
    rights: Rights<'w>,
    preferences: Arc<Preferences>,
    options: Options,
    /// Old and new tree path of the files that move.
    moved: HashMap<&'m str, &'m str>,
}

impl<'w, 'm> Links<'w, 'm> {
    fn new(scope: &Scope<'w, Write>, moved: HashMap<&'m str, &'m str>) -> Result<Self> {
        let preferences = scope.wiki().preferences()?;
        Ok(Self { rights: scope.rights()?, options: super::render_options(&preferences), preferences, moved })
    }
    /// Pages that stay do not tell their readers the name of what some of them may not see.
    fn may_say(&self, page: &PagePath, to: &PagePath) -> bool {
        let rules = &self.preferences.path_access;
        rules.is_empty() || self.moved.contains_key(page.file().as_str()) || !rules.hidden_in(Some(&page.key())).covers(to.key().as_str())
    }
    /// The text of a page, if a link in it follows.
    fn follow(&self, text: &str, page: &PagePath, place: &Place<'_>) -> Option<String> {
        rewrite_links(text, &|target| place(page, target), &self.options, &format!("/{page}"))
    }
    /// Adds those of `pages` in which a link follows, under their new names; answers which.
    fn follow_in(
        &self,
        writing: &Writing<'_>,
        mut pages: Vec<LinkedFrom>,
        place: &Place<'_>,
        changes: &mut Vec<FileChange>,
    ) -> Result<Vec<PagePath>> {
        let mut rewritten = Vec::new();
        pages.sort_by(|a, b| a.file.cmp(&b.file));
        pages.dedup_by(|a, b| a.file == b.file);
        let head = writing.head.ok_or_else(|| Error::not_found("the wiki is empty"))?;
        // Pages that are not theirs to change keep their links: the old name leads to the new one.
        pages.retain(|page| self.rights.may_change(&page.file));
        for page in pages {
            let Some(entry) = writing.repo().read(head, &page.file)? else { continue };
            let Ok(source) = String::from_utf8(writing.repo().blob(entry.id)?) else { continue };
            let Some(text) = self.follow(&source, &page.path, place) else { continue };
            let file = self.moved.get(page.file.as_str()).map_or(page.file.clone(), |to| (*to).to_string());
            changes.push(FileChange::Put { file, content: text.into_bytes() });
            rewritten.push(page.path);
        }
        Ok(rewritten)
    }
}
