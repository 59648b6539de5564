//! Undoing many commits at once: all that an agent did in a session, say. First a plan that anybody can look at, then one commit that does it,
//! for the files without a conflict. What others did since stays.

mod line;

pub use line::UndoConflict;

use super::proposals;
use super::write::{Committed, Writing, busy, touched};
use crate::db::index::{Filter, Index};
use crate::publish;
use crate::repo::diff::{Hunk, line_diff};
use crate::repo::{Repo, TreeChange};
use crate::scope::{Rights, Scope, Write};
use holt_core::{ChangeKind, Error, FileChange, Handling, Hidden, PagePath, Result, RevisionId, SessionName, Timestamp};
use line::{Content, Line, Past};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Most commits that are undone at once, and most files.
pub const UNDO_COMMITS: usize = 1_000;
const FILES: usize = 2_000;
/// Hexadecimal digits of [`UndoPlan::id`].
const PLAN_DIGITS: usize = 32;

/// What is to be undone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UndoOf {
    /// The commits that fit this; it has to say by whom: a person, a program or a session.
    pub filter: Filter,
    /// Instead: these commits.
    pub revisions: Vec<RevisionId>,
}

/// What whoever asks did in a session of the program that acts for them now; in the one it works in, if none is named. Known by their mail
/// address, because others may have their name. `Invalid` for who asks without a program.
pub fn own_session(scope: &Scope<'_, Write>, session: Option<&SessionName>) -> Result<UndoOf> {
    let none = || Error::invalid("nothing that you do here has a session").hint("Undo it in the wiki itself, in its history.");
    let via = scope.via().ok_or_else(none)?;
    let session = session.map(|name| name.as_str().to_string()).or_else(|| scope.session()).ok_or_else(none)?;
    let author = scope.author();
    let (address, person) = match author.email() {
        "" => (None, Some(author.name().to_string())),
        address => (Some(address.to_string()), None),
    };
    let filter = Filter { person, address, via: Some(via), session: Some(session), ..Filter::default() };
    Ok(UndoOf { filter, revisions: Vec::new() })
}

/// What undoing would do to one file.
#[derive(Debug, Clone)]
pub struct UndoItem {
    /// The file as it is called now, or where it will be again.
    pub file: String,
    /// What happens to it.
    pub kind: UndoKind,
    /// How many of the undone commits touched it.
    pub commits: usize,
    /// What that changes against now; none for what is no text.
    pub hunks: Option<Vec<Hunk>>,
    content: Option<Content>,
}

/// See [`UndoItem::kind`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoKind {
    /// Its text changes.
    Changed,
    /// It was made, and goes.
    Deleted,
    /// It was deleted, and comes back.
    Restored,
    /// It was renamed, and is called this again.
    Renamed(String),
}

impl UndoKind {
    /// As programs are told.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
            Self::Renamed(_) => "renamed",
        }
    }
}

/// What undoing would do.
#[derive(Debug, Clone)]
pub struct UndoPlan {
    /// Says which plan this is: whoever does it sends it back, and it is done only if it would be the same still.
    pub id: String,
    /// The revision it stands at.
    pub head: RevisionId,
    /// How many commits are undone.
    pub commits: usize,
    /// By file.
    pub items: Vec<UndoItem>,
    /// What stays as it is, by file.
    pub conflicts: Vec<(String, UndoConflict)>,
}

/// What was undone.
#[derive(Debug, Clone)]
pub struct Undone {
    /// The commit; none if there was nothing to do.
    pub revision: Option<RevisionId>,
    /// The plan that was followed; with what was chosen of it.
    pub plan: UndoPlan,
}

/// Says what undoing `of` would do, and changes nothing.
pub fn undo_plan(scope: &Scope<'_, Write>, of: &UndoOf) -> Result<UndoPlan> {
    let wiki = scope.wiki();
    let seen = scope.index()?;
    let (index, repo) = (wiki.index()?, wiki.repo()?);
    let Some(head) = index.cursor()? else { return Err(Error::not_found("the wiki is empty")) };
    plan(&Looking { repo: &repo, index: &index, seen: &seen, rights: &scope.rights()?, head }, of)
}

/// Does what the plan `id` says, in one commit: all of it, or only the files of `only`. The same a second time has the first outcome again, whatever
/// happened since; `Conflict` if the plan is another by now.
pub fn undo(scope: &Scope<'_, Write>, of: &UndoOf, id: &str, only: Option<&[String]>, message: &str) -> Result<Undone> {
    let wiki = scope.wiki();
    let (language, described) = (wiki.preferences()?.language, described(of));
    let mut writing = Writing::begin(scope, None)?;
    writing.undoes = Some(described.clone());
    for _ in 0..16 {
        let head = writing.head.ok_or_else(|| Error::not_found("the wiki is empty"))?;
        let index = writing.index()?;
        let seen = wiki.sight(index.clone(), wiki.hidden_from(scope.actor())?);
        let looking = Looking { repo: writing.repo(), index: &index, seen: &seen, rights: &scope.rights()?, head };
        let mut plan = plan(&looking, of)?;
        if plan.id != id {
            return again(&looking, plan, id, only)?.ok_or_else(|| {
                Error::conflict("the wiki has changed since that preview").hint("Look at the preview again: it is another one now.")
            });
        }
        let all = plan.items.len();
        if let Some(only) = only {
            choose(&looking, &mut plan.items, only)?;
        }
        let followed = followed(id, &plan.items, all);
        let changes = changes(writing.repo(), &plan.items)?;
        if changes.is_empty() {
            return Ok(Undone { revision: None, plan });
        }
        if writing.handling(touched(&changes)) == Handling::Propose {
            proposals::planned_before(wiki, writing.repo(), scope.actor(), &followed)?;
        }
        writing.plan = Some(followed);
        let default = match plan.commits {
            1 => language.say_with("Undid 1 change: {}", &[&described]),
            commits => language.say_with("Undid {} changes: {}", &[&commits.to_string(), &described]),
        };
        match writing.try_commit(&changes, if message.is_empty() { &default } else { message })? {
            Some(committed) => {
                writing.finish(committed);
                let revision = match committed {
                    Committed::New(revision) => Some(revision),
                    Committed::Nothing(_) => None,
                };
                return Ok(Undone { revision, plan });
            }
            None => continue,
        }
    }
    Err(busy())
}

/// The revision that did what the plan `id` says, with this choice of files, if that happened: whoever asks again need not look again.
pub fn undone_before(scope: &Scope<'_, Write>, id: &str, only: Option<&[String]>) -> Result<Option<RevisionId>> {
    let index = scope.wiki().index()?;
    done_before(&index, id, only)
}

/// What is noted in the commit that follows a plan: the plan, whether that was all of it, and which files. It is how a second click knows it.
fn followed(id: &str, items: &[UndoItem], all: usize) -> String {
    let which = if items.len() == all { ALL } else { SOME };
    format!("{id}.{which}-{}", digest(items.iter().map(|item| item.file.as_str())))
}

const ALL: &str = "all";
const SOME: &str = "some";

/// These files, in whatever order.
fn digest<'f>(files: impl Iterator<Item = &'f str>) -> String {
    let mut hash = Sha256::new();
    for file in files.collect::<BTreeSet<_>>() {
        hash.update((file.len() as u64).to_le_bytes());
        hash.update(file.as_bytes());
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn done_before(index: &Index, id: &str, only: Option<&[String]>) -> Result<Option<RevisionId>> {
    if id.len() != PLAN_DIGITS || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let Some(revision) = index.last_of_plan(id)? else { return Ok(None) };
    let choice = revision.plan().and_then(|plan| plan.strip_prefix(id)?.strip_prefix('.')?.split_once('-'));
    let is_same = choice.is_some_and(|(which, files)| match only {
        None => which == ALL,
        Some(only) => files == digest(only.iter().map(String::as_str)),
    });
    Ok(is_same.then_some(revision.id))
}

/// What came of the plan `id` when it was followed, read from its commit; `plan` is the one of now.
fn again(looking: &Looking<'_>, plan: UndoPlan, id: &str, only: Option<&[String]>) -> Result<Option<Undone>> {
    let Some(revision) = done_before(looking.index, id, only)? else { return Ok(None) };
    let parent = looking.repo.revision(revision)?.1.first().copied();
    let item = |change: TreeChange| {
        let (file, kind) = match change.change.kind {
            ChangeKind::Modified => (change.change.file, UndoKind::Changed),
            ChangeKind::Added => (change.change.file, UndoKind::Restored),
            ChangeKind::Deleted => (change.change.file, UndoKind::Deleted),
            ChangeKind::Renamed { from } => (from, UndoKind::Renamed(change.change.file)),
        };
        UndoItem { file, kind, commits: 0, hunks: None, content: None }
    };
    let hidden = looking.seen.hidden();
    let items = looking.repo.changes(parent, revision)?.into_iter().map(item).filter(|item| !hidden.covers_file(&item.file));
    Ok(Some(Undone { revision: Some(revision), plan: UndoPlan { id: id.to_string(), items: items.collect(), ..plan } }))
}

/// Leaves the items whose files are chosen.
fn choose(looking: &Looking<'_>, items: &mut Vec<UndoItem>, only: &[String]) -> Result<()> {
    if let Some(unknown) = only.iter().find(|file| items.iter().all(|item| item.file != **file)) {
        return Err(Error::invalid(format!("there is nothing to undo at {unknown}")).hint("Send files that the preview names."));
    }
    items.retain(|item| only.contains(&item.file));
    let mut blocked = Vec::new();
    settle(looking, items, &mut blocked)?;
    match blocked.pop() {
        Some((file, _)) => {
            Err(Error::conflict(format!("{file} cannot be undone without what took its place")).hint("Choose both, or neither."))
        }
        None => Ok(()),
    }
}

/// What is undone, in a line.
fn described(of: &UndoOf) -> String {
    // Mail addresses stand in no message.
    let Filter { author, agent, person, address: _, via, session, path, from, until } = &of.filter;
    let mut words: Vec<String> = of.revisions.iter().take(10).map(|id| id.short(8)).collect();
    if of.revisions.len() > 10 {
        words.push(format!("and {} more", of.revisions.len() - 10));
    }
    words.extend(session.iter().map(|session| format!("session {session}")));
    words.extend([via, agent].into_iter().flatten().map(|via| format!("via {via}")));
    words.extend([person, author].into_iter().flatten().map(|person| format!("by {person}")));
    words.extend(path.iter().map(|path| format!("in {path}")));
    let time = |seconds: &i64| publish::rfc3339(Timestamp::utc(*seconds));
    words.extend(from.iter().map(|from| format!("from {}", time(from))));
    words.extend(until.iter().map(|until| format!("until {}", time(until))));
    words.join(", ").chars().filter(|c| !c.is_control()).collect()
}

struct Looking<'l> {
    repo: &'l Repo,
    index: &'l Index,
    /// The index without what is hidden from whoever undoes.
    seen: &'l Index,
    rights: &'l Rights<'l>,
    head: RevisionId,
}

/// The commits that are meant, oldest first.
fn commits(seen: &Index, of: &UndoOf) -> Result<Vec<RevisionId>> {
    let Filter { author, agent, person, address, via, session, .. } = &of.filter;
    if !of.revisions.is_empty() {
        let mut placed = Vec::new();
        for id in of.revisions.iter().take(UNDO_COMMITS + 1) {
            let found = seen.revision(*id)?.ok_or_else(|| Error::not_found(format!("there is no revision {id}")))?;
            placed.push((seen.place_of(found.id)?, found.id));
        }
        placed.sort_unstable_by_key(|(place, id)| (*place, *id.as_bytes()));
        placed.dedup();
        return bounded(placed.into_iter().map(|(_, id)| id).collect());
    }
    if [author, agent, person, address, via, session].iter().all(|one| one.is_none()) {
        return Err(Error::invalid("it is not said whose changes are to be undone").hint("Name a person, an agent or a session."));
    }
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let part = seen.changelog(&of.filter, before, 200)?;
        before = part.last().map(|entry| entry.seq);
        found.extend(part.iter().map(|entry| entry.revision.id));
        if part.len() < 200 || found.len() > UNDO_COMMITS {
            found.reverse();
            return bounded(found);
        }
    }
}

fn bounded(found: Vec<RevisionId>) -> Result<Vec<RevisionId>> {
    if found.len() > UNDO_COMMITS {
        return Err(Error::too_large(format!("these are more than {UNDO_COMMITS} changes"))
            .hint("Narrow them down, to a session or by time, and undo the newest first."));
    }
    Ok(found)
}

fn plan(looking: &Looking<'_>, of: &UndoOf) -> Result<UndoPlan> {
    let commits = commits(looking.seen, of)?;
    let undone: HashSet<RevisionId> = commits.iter().copied().collect();
    let past = Past { repo: looking.repo, index: looking.index, undone: &undone, head: looking.head };
    let (mut seen, mut lines) = (HashSet::new(), Vec::new());
    for commit in &commits {
        for event in looking.index.events_of(*commit)? {
            if !seen.contains(&(*commit, event.change.change.file.clone())) {
                lines.push(Line::follow(&past, &event, &mut seen)?);
            }
            if lines.len() > FILES {
                return Err(Error::too_large(format!("these changes touched more than {FILES} files")).hint("Narrow them down."));
            }
        }
    }
    let (mut items, mut conflicts) = (Vec::new(), Vec::new());
    for line in lines {
        judge(looking, looking.seen.hidden(), line, &mut items, &mut conflicts)?;
    }
    join(&mut items);
    settle(looking, &mut items, &mut conflicts)?;
    items.sort_by(|a, b| a.file.cmp(&b.file));
    conflicts.sort_by(|a, b| a.0.cmp(&b.0));
    conflicts.dedup();
    for item in &mut items {
        item.hunks = hunks(looking, item)?;
    }
    Ok(UndoPlan { id: fingerprint(looking, &items, &conflicts)?, head: looking.head, commits: commits.len(), items, conflicts })
}

/// What follows for a file from what is there and what would be.
fn judge(
    looking: &Looking<'_>,
    hidden: &Hidden,
    line: Line,
    items: &mut Vec<UndoItem>,
    conflicts: &mut Vec<(String, UndoConflict)>,
) -> Result<()> {
    let Line { file, now, then, names, undone: commits, conflict } = line;
    let item = |file, kind, content| UndoItem { file, kind, commits, hunks: None, content };
    let wanted = match (now, then) {
        _ if conflict.is_some() => None,
        (None, None) => return Ok(()),
        (Some(_), None) => Some(item(file.clone(), UndoKind::Deleted, None)),
        (None, Some((place, content))) => Some(item(place, UndoKind::Restored, Some(content))),
        (Some(now), Some((place, content))) if place == file => {
            if content == Content::Stored(now) || content.bytes(looking.repo)? == looking.repo.blob(now)? {
                return Ok(());
            }
            Some(item(file.clone(), UndoKind::Changed, Some(content)))
        }
        (Some(_), Some((place, content))) => Some(item(file.clone(), UndoKind::Renamed(place), Some(content))),
    };
    // Of what cannot be seen nothing is told, not even that there is something.
    let shown = std::iter::once(&file).chain(&names).find(|name| !hidden.covers_file(name)).cloned();
    let Some(shown) = shown else { return Ok(()) };
    if names.iter().any(|name| hidden.covers_file(name) || !looking.rights.may_change(name)) {
        conflicts.push((shown, UndoConflict::NotYours));
        return Ok(());
    }
    match (wanted, conflict) {
        (Some(item), None) => items.push(item),
        (_, conflict) => conflicts.extend(conflict.map(|conflict| (file, conflict))),
    }
    Ok(())
}

/// What goes and what comes back at one place is one change.
fn join(items: &mut Vec<UndoItem>) {
    let gone: BTreeSet<String> = items.iter().filter(|item| item.kind == UndoKind::Deleted).map(|item| item.file.clone()).collect();
    let mut back = BTreeSet::new();
    for item in items.iter_mut().filter(|item| item.kind == UndoKind::Restored && gone.contains(&item.file)) {
        item.kind = UndoKind::Changed;
        back.insert(item.file.clone());
    }
    items.retain(|item| item.kind != UndoKind::Deleted || !back.contains(&item.file));
}

/// Takes out what would have to go where something else is.
fn settle(looking: &Looking<'_>, items: &mut Vec<UndoItem>, conflicts: &mut Vec<(String, UndoConflict)>) -> Result<()> {
    loop {
        let mut blocked = None;
        let gone: BTreeSet<&str> = items
            .iter()
            .filter(|item| matches!(item.kind, UndoKind::Deleted | UndoKind::Renamed(_)))
            .map(|item| item.file.as_str())
            .collect();
        let mut places = BTreeSet::new();
        for (at, item) in items.iter().enumerate() {
            let place = match &item.kind {
                UndoKind::Renamed(place) => place,
                UndoKind::Restored => &item.file,
                UndoKind::Changed | UndoKind::Deleted => continue,
            };
            let is_there = looking.repo.read(looking.head, place)?.is_some() && !gone.contains(place.as_str());
            let answers = match PagePath::from_tree(place) {
                // Another spelling of the name is the same page.
                Some(path) => looking.index.page(&path.key())?.is_some_and(|row| !gone.contains(row.file.as_str())),
                None => false,
            };
            if is_there || answers || !places.insert(place.as_str()) {
                blocked = Some(at);
                break;
            }
        }
        let Some(at) = blocked else { return Ok(()) };
        // Others may have counted on its going away: look again.
        conflicts.push((items.remove(at).file, UndoConflict::Taken));
    }
}

fn hunks(looking: &Looking<'_>, item: &UndoItem) -> Result<Option<Vec<Hunk>>> {
    if PagePath::from_tree(&item.file).is_none() {
        return Ok(None);
    }
    let now = match looking.repo.read(looking.head, &item.file)? {
        Some(file) => looking.repo.blob(file.id)?,
        None => Vec::new(),
    };
    let then = item.content.as_ref().map_or_else(|| Ok(Vec::new()), |content| content.bytes(looking.repo))?;
    Ok(match (String::from_utf8(now), String::from_utf8(then)) {
        (Ok(now), Ok(then)) => line_diff(&now, &then).ok(),
        _ => None,
    })
}

/// The same for the same changes of the same contents, whatever else happened to the wiki.
fn fingerprint(looking: &Looking<'_>, items: &[UndoItem], conflicts: &[(String, UndoConflict)]) -> Result<String> {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for item in items {
        add(item.file.as_bytes());
        add(item.kind.name().as_bytes());
        if let UndoKind::Renamed(place) = &item.kind {
            add(place.as_bytes());
        }
        add(looking.repo.read(looking.head, &item.file)?.map(|file| *file.id.as_bytes()).unwrap_or_default().as_slice());
        add(&item.content.as_ref().map_or_else(|| Ok(Vec::new()), |content| content.bytes(looking.repo))?);
    }
    for (file, conflict) in conflicts {
        add(file.as_bytes());
        add(conflict.why().as_bytes());
    }
    Ok(hash.finalize().iter().take(PLAN_DIGITS / 2).map(|byte| format!("{byte:02x}")).collect())
}

/// The changes of a commit that does all of `items`.
fn changes(repo: &Repo, items: &[UndoItem]) -> Result<Vec<FileChange>> {
    let mut files: BTreeMap<&str, Option<Vec<u8>>> = BTreeMap::new();
    for item in items {
        if matches!(item.kind, UndoKind::Deleted | UndoKind::Renamed(_)) {
            files.insert(&item.file, None);
        }
    }
    for item in items {
        let place = match &item.kind {
            UndoKind::Deleted => continue,
            UndoKind::Renamed(place) => place,
            UndoKind::Changed | UndoKind::Restored => &item.file,
        };
        let Some(content) = &item.content else { continue };
        files.insert(place, Some(content.bytes(repo)?));
    }
    let change = |(file, content): (&str, Option<Vec<u8>>)| match content {
        Some(content) => FileChange::Put { file: file.to_string(), content },
        None => FileChange::Remove { file: file.to_string() },
    };
    Ok(files.into_iter().map(change).collect())
}
