//! The mirror: a repository elsewhere that a wiki is kept the same as (docs/mirrors.md). What comes from there is judged as a push is, and comes in as a
//! fast-forward or by a merge; what both sides changed becomes a proposal, and the sync goes on. Nothing is ever forced, here or there.
//!
//! | step | what dies in it leaves |
//! |---|---|
//! | the remote is asked for its branch; what is new is fetched into `incoming/` and judged | nothing: the next start removes it |
//! | what both changed becomes a proposal, under an operation that names both commits | the proposal: the next try finds it |
//! | the branch moves, by `Writing::adopt` | the wiki has it: the next try has nothing to fetch |
//! | the remote's branch is brought to HEAD, if it only goes on from where it stands | the remote has it, or not: the next try sees |
//! | how it went is noted | the next try asks once more |

use super::git::{self, Operations, Push, PushLimits};
use super::write::{Continuity, PushedCommits, Writing};
use crate::repo::merge::{Merge, merge3};
use crate::repo::{BlobId, CommitMeta, GitStop, Incoming, PackLimits, PackRoom, Remote, Repo, Sent, TreeChange, is_branch};
use crate::scope::{Admin, Scope, Write};
use crate::wiki::Wiki;
use holt_core::{Actor, Author, ChangeKind, Error, ErrorKind, FileChange, OpId, Result, RevisionId, Timestamp};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub use crate::db::mirror::{Direction, Mirror, MirrorSettings};

/// Who does the work, as `holt.db` knows them.
const WORKER: &str = "mirror";
/// Seconds between two looks at the remote: at least, at most.
pub const EVERY: std::ops::RangeInclusive<i64> = 60..=24 * 3600;
/// The first pause after a failure, in seconds; doubled each time, up to the last.
const FIRST_PAUSE: i64 = 60;
const LAST_PAUSE: i64 = 3600;
/// How often is tried to bring in what came while others save.
const TRIES: usize = 5;
/// Longest address, user and token, in bytes.
const BYTES: usize = 1024;
/// Longest text that is merged line by line, in bytes.
const MERGED: usize = 4 * 1024 * 1024;

/// Where a remote is, as somebody has judged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// See [`Remote::place`].
    pub resolve: Option<String>,
    /// See [`Remote::plain`].
    pub plain: bool,
    /// See [`Remote::authorities`].
    pub authorities: Option<PathBuf>,
}

/// The mirror of the wiki, if it has one.
pub fn mirror(scope: &Scope<'_, Admin>) -> Result<Option<Mirror>> {
    scope.wiki().db()?.mirror()
}

/// Makes or changes it. An empty token keeps the one there is, for the same address. It is looked at soon.
pub fn set_mirror(scope: &Scope<'_, Admin>, new: &MirrorSettings) -> Result<()> {
    if new.url.len() > BYTES || new.url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::invalid("that is no address of a repository").hint("Give one that begins with https://."));
    }
    if !is_branch(&new.branch) {
        return Err(Error::invalid("that is no name of a branch").hint("It may be called main, or work/wiki."));
    }
    let is_word = |text: &str| text.len() <= BYTES && !text.chars().any(char::is_control);
    if !is_word(&new.username) || !is_word(&new.token) || new.username.contains(':') {
        return Err(Error::invalid("the user or the token cannot be sent").hint("They are one line each, and the user has no colon."));
    }
    if !EVERY.contains(&new.every) {
        return Err(Error::invalid("the remote cannot be asked that often, or that seldom").hint("Choose a minute to a day."));
    }
    let (wiki, mut new) = (scope.wiki(), new.clone());
    let db = wiki.db()?;
    if new.token.is_empty()
        && let Some(old) = db.mirror()?.filter(|old| old.settings.url == new.url && old.settings.username == new.username)
    {
        new.token = old.settings.token;
    }
    db.put_mirror(&new)?;
    wake(wiki)
}

/// Forgets it; the remote stays as it is.
pub fn remove_mirror(scope: &Scope<'_, Admin>) -> Result<()> {
    match scope.wiki().db()?.delete_mirror()? {
        true => Ok(()),
        false => Err(none()),
    }
}

/// What somebody wants who does not wait for the next look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// A look.
    Now,
    /// One that takes the remote as it is, though its history was replaced.
    AsItIs,
}

/// Has the remote looked at soon.
pub fn ask_mirror(scope: &Scope<'_, Admin>, ask: Ask) -> Result<()> {
    match scope.wiki().db()?.ask_mirror(ask == Ask::AsItIs)? {
        true => wake(scope.wiki()),
        false => Err(none()),
    }
}

/// How many commits the wiki has that the remote had not when all was well last.
pub fn ahead(wiki: &Wiki, mirror: &Mirror) -> Result<usize> {
    match (wiki.repo()?.head()?, mirror.revision) {
        (head, revision) if head == revision => Ok(0),
        (Some(head), Some(revision)) if wiki.common()?.whole.has_revision(revision)? => {
            Ok(wiki.repo()?.between(Some(revision), head)?.len())
        }
        (Some(head), _) => Ok(wiki.repo()?.between(None, head)?.len()),
        (None, _) => Ok(0),
    }
}

/// The mirror and when it is to be looked at next; none: not before the wiki moves or somebody says so.
pub fn next_look(wiki: &Wiki) -> Result<Option<(Mirror, Option<i64>)>> {
    let Some(mirror) = wiki.db()?.mirror()? else { return Ok(None) };
    let now = wiki.shared.clock.now();
    let next = if !mirror.settings.active {
        None
    } else if mirror.asked > 0 {
        Some(now)
    } else if mirror.failures > 0 {
        Some(mirror.tried + (FIRST_PAUSE << (mirror.failures - 1).min(10)).min(LAST_PAUSE))
    } else if mirror.settings.direction.pushes() && wiki.repo()?.head()? != mirror.revision {
        Some(now)
    } else {
        mirror.settings.direction.pulls().then(|| mirror.tried + mirror.settings.every)
    };
    Ok(Some((mirror, next)))
}

/// Whoever was to say where the remote is refuses to: nobody was asked.
pub fn refuse(wiki: &Wiki, mirror: &Mirror, why: &Error) -> Result<()> {
    wiki.db()?.mirror_failed(mirror, &said(why), wiki.shared.clock.now())
}

/// Brings wiki and remote together, as far as it goes, and notes how it went. An error is a fault of ours; what the remote does is noted.
pub fn sync(wiki: &Wiki, mirror: &Mirror, place: &Place, stop: &GitStop) -> Result<()> {
    let done = meet(wiki, mirror, place, stop);
    let (db, now) = (wiki.db()?, wiki.shared.clock.now());
    match done {
        Ok(seen) => db.mirror_went_well(mirror, seen, wiki.repo()?.head()?, now),
        Err(error) => {
            let why = said(&error);
            tracing::warn!(wiki.id = %wiki.id(), tries = mirror.failures + 1, "a wiki and its mirror did not come together: {why}");
            db.mirror_failed(mirror, &why, now)?;
            if error.kind == ErrorKind::Internal { Err(error) } else { Ok(()) }
        }
    }
}

fn said(error: &Error) -> String {
    if error.kind == ErrorKind::Internal {
        return "something went wrong on our side; the log of the server says what".into();
    }
    match &error.hint {
        Some(hint) => format!("{}. {hint}", error.message),
        None => error.message.clone(),
    }
}

/// What the remote has when all is well.
fn meet(wiki: &Wiki, mirror: &Mirror, place: &Place, stop: &GitStop) -> Result<Option<RevisionId>> {
    let settings = &mirror.settings;
    let user = if settings.username.is_empty() { "holt" } else { &settings.username };
    let remote = Remote {
        url: settings.url.clone(),
        place: place.resolve.clone(),
        plain: place.plain,
        authorities: place.authorities.clone(),
        credentials: (!settings.token.is_empty()).then(|| (user.to_string(), settings.token.clone())),
        branch: settings.branch.clone(),
    };
    let repo = wiki.repo()?;
    let replaced = || {
        Error::conflict("the history of the remote was replaced")
            .hint("Nothing was changed, here or there. Look at what happened; then have the remote taken as it is.")
    };
    let mut there = repo.remote_head(&remote, stop)?;
    let knows = |revision| wiki.common()?.whole.has_revision(revision);
    match (there, mirror.seen) {
        (Some(tip), seen) if knows(tip)? => {
            // Older than what it had: pushing would undo what somebody did there.
            if let Some(seen) = seen
                && !repo.is_ancestor(seen, tip)?
            {
                return Err(replaced());
            }
        }
        (Some(_), seen) => {
            if !settings.direction.pulls() {
                return Err(Error::conflict("the remote has commits that the wiki does not have")
                    .hint("Let the mirror go both ways, or give it a branch of its own."));
            }
            let (incoming, theirs) = repo.fetch_from(&remote, limits(wiki, &repo)?, stop)?;
            if let Some(seen) = seen
                && (!knows(seen)? || !incoming.repo().is_ancestor(seen, theirs)?)
            {
                return Err(replaced());
            }
            take_in(wiki, &incoming, theirs, stop)?;
            there = Some(theirs);
        }
        (None, Some(_)) => {
            return Err(Error::conflict("the branch is gone at the remote").hint("Have the remote taken as it is, and it is made again."));
        }
        (None, None) => {}
    }
    let Some(head) = repo.head()?.filter(|head| settings.direction.pushes() && there != Some(*head)) else { return Ok(there) };
    match repo.push_to(&remote, head, stop)? {
        Sent::Taken => Ok(Some(head)),
        Sent::Behind => Err(Error::busy("the remote moved on meanwhile").hint("It is looked at again in a minute.")),
    }
}

/// What a push could bring.
fn limits(wiki: &Wiki, repo: &Repo) -> Result<PackLimits> {
    let most = wiki.shared.directory.max_bytes(wiki.id())?;
    let room = most.map(|most| Ok::<_, Error>(PackRoom { left: most.saturating_sub(repo.weight()?.bytes), most })).transpose()?;
    Ok(PackLimits { room, ..PushLimits::default().pack })
}

/// Makes what came part of the wiki.
fn take_in(wiki: &Wiki, incoming: &Incoming, theirs: RevisionId, stop: &GitStop) -> Result<()> {
    let scope = wiki.grant::<Write>(&Actor::System)?;
    // What it says of operations concerns the Holt that made it.
    let limits = PushLimits { operations: Operations::AnothersHistory, ..PushLimits::default() };
    let judge = Push { request: &mut std::io::empty(), proposals_at: "", limits, stop };
    for _ in 0..TRIES {
        let head = wiki.repo()?.head()?;
        let (new, conflicts) = match head {
            Some(head) if !incoming.repo().is_ancestor(head, theirs)? => {
                let (merged, conflicts) = merge(wiki, incoming, head, theirs)?;
                (merged, Some(conflicts))
            }
            _ => (theirs, None),
        };
        let commits = incoming.commits(head, new)?;
        let changes = git::look_at(&scope, incoming, head, new, &commits, &judge)?;
        if let (Some(conflicts), Some(head)) = (conflicts.filter(|conflicts| !conflicts.files.is_empty()), head) {
            propose(&scope, &conflicts, head, theirs)?;
        }
        stop.check()?;
        let net: Vec<FileChange> = changes.net.iter().map(git::without_content).collect();
        let pushed = PushedCommits { base: head, new, commits: &commits, incoming, changes: &net, continuity: Continuity::GoesOn };
        if Writing::begin(&scope, None)?.adopt(&pushed)? {
            return Ok(());
        }
    }
    Err(Error::busy("somebody changes the wiki all the time").hint("It is tried again in a minute."))
}

/// What both sides changed, as the remote has it.
struct Conflicts {
    base: RevisionId,
    files: Vec<FileChange>,
}

/// Writes the merge of both; of files that both changed in the same lines it has ours.
fn merge(wiki: &Wiki, incoming: &Incoming, ours: RevisionId, theirs: RevisionId) -> Result<(RevisionId, Conflicts)> {
    let base = incoming.merge_base(ours, theirs)?.ok_or_else(|| {
        Error::invalid("the wiki and the remote have no history in common").hint("Begin with an empty repository, or with an empty wiki.")
    })?;
    let repo = incoming.repo();
    let (mut fits, mut clashes) = (Vec::new(), Vec::new());
    let wanted = effects(repo.changes(Some(base), theirs)?);
    let ours_too = effects(repo.changes(Some(base), ours)?);
    for (file, blob) in &wanted {
        let at = |revision| Ok::<_, Error>(repo.read(revision, file)?.map(|entry| entry.id));
        let (before, here) = (at(base)?, at(ours)?);
        let as_theirs = || change(repo, file, *blob);
        match (before, here) {
            (_, here) if here == *blob => {}
            // A file there is a folder here, or the other way round: somebody has to see.
            _ if blob.is_some() && stands_in_the_way(&ours_too, file) => clashes.push(as_theirs()?),
            (before, here) if before == here => fits.push(stored(file, *blob)),
            (before, Some(here)) => match merged(repo, before, here, *blob)? {
                Some(content) => fits.push(FileChange::Put { file: file.clone(), content }),
                None => clashes.push(as_theirs()?),
            },
            // Gone here, changed there.
            (_, None) => clashes.push(as_theirs()?),
        }
    }
    let now = Timestamp::utc(wiki.shared.clock.now());
    let message = "Merged what came from the mirror".to_string();
    let meta = CommitMeta { author: Author::new("Holt", "noreply@holt"), author_time: now, committer_time: now, message };
    match Repo::merge_into(incoming, ours, theirs, &fits, &meta) {
        Ok(merged) => Ok((merged, Conflicts { base, files: clashes })),
        // Whatever else does not go together: nothing of it comes in by itself.
        Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict) => {
            let all = wanted.iter().map(|(file, blob)| change(repo, file, *blob)).collect::<Result<_>>()?;
            Ok((Repo::merge_into(incoming, ours, theirs, &[], &meta)?, Conflicts { base, files: all }))
        }
        Err(error) => Err(error),
    }
}

/// What becomes of each file that was touched: its content, or nothing.
fn effects(changes: Vec<TreeChange>) -> BTreeMap<String, Option<BlobId>> {
    let mut effects = BTreeMap::new();
    for change in &changes {
        if let ChangeKind::Renamed { from } = &change.change.kind {
            effects.insert(from.clone(), None);
        }
    }
    for change in changes {
        effects.insert(change.change.file, change.new);
    }
    effects
}

/// Whether one of these files, as they are to be, is a folder of `file`, or `file` is one of theirs.
fn stands_in_the_way(files: &BTreeMap<String, Option<BlobId>>, file: &str) -> bool {
    let is_there = |name: &str| files.get(name).is_some_and(Option::is_some);
    let folder = format!("{file}/");
    let mut below = files.range(folder.clone()..).take_while(|(name, _)| name.starts_with(&folder));
    file.match_indices('/').any(|(end, _)| is_there(&file[..end])) || below.any(|(_, blob)| blob.is_some())
}

fn stored(file: &str, blob: Option<BlobId>) -> FileChange {
    match blob {
        Some(blob) => FileChange::Stored { file: file.to_string(), content: *blob.as_bytes() },
        None => FileChange::Remove { file: file.to_string() },
    }
}

/// The same with its content, for where the object is not.
fn change(repo: &Repo, file: &str, blob: Option<BlobId>) -> Result<FileChange> {
    Ok(match blob {
        Some(blob) => FileChange::Put { file: file.to_string(), content: repo.blob(blob)? },
        None => FileChange::Remove { file: file.to_string() },
    })
}

/// Both changes in one text; none if they touch, or if something is no text.
fn merged(repo: &Repo, before: Option<BlobId>, ours: BlobId, theirs: Option<BlobId>) -> Result<Option<Vec<u8>>> {
    let (Some(before), Some(theirs)) = (before, theirs) else { return Ok(None) };
    let mut texts = Vec::new();
    for blob in [before, ours, theirs] {
        if repo.blob_size(blob)? > MERGED as u64 {
            return Ok(None);
        }
        match String::from_utf8(repo.blob(blob)?) {
            Ok(text) if !text.contains('\0') => texts.push(text),
            _ => return Ok(None),
        }
    }
    Ok(match merge3(&texts[0], &texts[1], &texts[2], "", "") {
        Merge::Clean(text) => Some(text.into_bytes()),
        Merge::Conflict { .. } => None,
    })
}

/// Has somebody decide about what both sides changed: what the remote made of it, as a proposal. Once, however often this is tried.
fn propose(scope: &Scope<'_, Write>, conflicts: &Conflicts, ours: RevisionId, theirs: RevisionId) -> Result<()> {
    let op = OpId::parse(&format!("mirror-{}-{}", ours.short(24), theirs.short(24)))?;
    let scope = scope.to_propose();
    let made = Writing::begin(&scope, Some(&op)).and_then(|mut writing| {
        writing.head = Some(conflicts.base);
        let message = "Changed at the mirror while the same was changed here\n\nThe wiki has its own version. Take over what the mirror has, or some of it.";
        writing.try_commit(&conflicts.files, message)
    });
    match made {
        Err(error) if error.proposal().is_some() => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

fn wake(wiki: &Wiki) -> Result<()> {
    wiki.shared.directory.plan_work(WORKER, wiki.id(), wiki.shared.clock.now())
}

fn none() -> Error {
    Error::not_found("this wiki has no mirror")
}
