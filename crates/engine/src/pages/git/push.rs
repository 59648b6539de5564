//! What `git push` brings: refs that shall change, and a pack with what they need. We read both ourselves; git checks the objects, the wiki's
//! own door moves the branch (ARCHITECTURE.md, "Git clients").

use super::packet::{self, Packet};
use super::report::{Report, reason};
use super::{FORCE_SWITCH, propose, whole_scope};
use crate::db::index::OP_TRAILER;
use crate::pages::write::{Continuity, PushedCommits, Writing};
use crate::repo::{GitStop, Incoming, NewCommit, PackLimits, PackRoom, Protocol, TreeChange, TreeLimits};
use crate::scope::{Scope, Write};
use holt_core::{Action, ChangeKind, Error, ErrorKind, FileChange, Handling, PagePath, Result, RevisionId};
use std::collections::BTreeSet;
use std::io::Read;

/// How much a push may be (security.md INP-16).
#[derive(Debug, Clone, Copy)]
pub struct PushLimits {
    /// The pack.
    pub pack: PackLimits,
    /// The trees of its commits.
    pub trees: TreeLimits,
    /// Refs.
    pub refs: usize,
    /// Bytes of a commit's message.
    pub message_bytes: usize,
    /// Commits that name an operation.
    pub operations: Operations,
}

/// What is done about commits that name an operation (`Holt-Op`), as only Holt's own do. Of what came from elsewhere none is believed (`made_here`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operations {
    /// They are refused: whoever wrote them made that up.
    Refused,
    /// They come in: another Holt made them, and they are its history.
    AnothersHistory,
}

impl Default for PushLimits {
    fn default() -> Self {
        Self {
            pack: PackLimits::default(),
            trees: TreeLimits::default(),
            refs: 16,
            message_bytes: 64 * 1024,
            operations: Operations::Refused,
        }
    }
}

/// A push as it comes in.
pub struct Push<'a> {
    /// The body of `POST git-receive-pack`.
    pub request: &'a mut dyn Read,
    /// Where proposals are looked at: their number follows.
    pub proposals_at: &'a str,
    /// How much it may be.
    pub limits: PushLimits,
    /// Ends it.
    pub stop: &'a GitStop,
}

/// What came of a push.
#[derive(Debug, Default)]
pub struct Pushed {
    /// For the client.
    pub answer: Vec<u8>,
    /// From where to where the branch moved; none if it stayed.
    pub moved: Option<(Option<RevisionId>, RevisionId)>,
    /// Whether the history that it left there was replaced by another one.
    pub replaced: bool,
    /// The proposals that were made.
    pub proposed: Vec<i64>,
    /// Why some of it did not happen.
    pub refused: Vec<Error>,
}

/// The answer to `GET info/refs?service=git-receive-pack`. Of the newer versions of the protocol there is only the first for pushes.
pub fn advertise_push(scope: &Scope<'_, Write>, protocol: Protocol) -> Result<Vec<u8>> {
    whole_scope(scope)?;
    let mut answer = Vec::new();
    packet::write(&mut answer, b"# service=git-receive-pack\n");
    packet::flush(&mut answer);
    if protocol == Protocol::V1 {
        packet::write(&mut answer, b"version 1\n");
    }
    let repo = scope.wiki().repo()?;
    let can =
        format!("report-status delete-refs side-band-64k quiet ofs-delta object-format=sha1 agent=holt/{}", env!("CARGO_PKG_VERSION"));
    let line = match repo.head()? {
        Some(head) => format!("{head} refs/heads/{}\0{can}\n", repo.branch()),
        None => format!("{} capabilities^{{}}\0{can}\n", "0".repeat(40)),
    };
    packet::write(&mut answer, line.as_bytes());
    packet::flush(&mut answer);
    Ok(answer)
}

/// Takes a push in, or says in its answer why not. `Invalid` only for what is no push at all.
pub fn push(scope: &Scope<'_, Write>, push: &mut Push<'_>) -> Result<Pushed> {
    whole_scope(scope)?;
    let wishes = Wishes::read(push.request, push.limits.refs)?;
    let mut pushed = Pushed::default();
    // A client that finds out whether it may push.
    if wishes.commands.is_empty() {
        return Ok(pushed);
    }
    let mut report = Report::new(wishes.channels, wishes.report);
    let branch = scope.wiki().repo()?.branch().to_string();
    let mut fates: Vec<Option<Result<(), String>>> = vec![None; wishes.commands.len()];
    let mut refuse = |fate: &mut Option<Result<(), String>>, report: &mut Report, error: Error| {
        report.explain(&error);
        *fate = Some(Err(reason(&error)));
        pushed.refused.push(error);
    };
    // Why the pack was not taken.
    let mut unpacked = None;
    if wishes.too_many {
        let error = Error::too_large(format!("a push may change {} refs", push.limits.refs)).hint("Push one branch.");
        unpacked = Some(reason(&error));
        fates.iter_mut().for_each(|fate| *fate = Some(Err(reason(&error))));
        refuse(&mut fates[0], &mut report, error);
    }
    let mut wanted = Vec::new();
    for (number, command) in wishes.commands.iter().enumerate().filter(|_| !wishes.too_many) {
        match command.target(&branch) {
            Ok(target) => wanted.push((number, target)),
            Err(error) => refuse(&mut fates[number], &mut report, error),
        }
    }
    if !wanted.is_empty() {
        match receive(scope, push) {
            Ok(incoming) => {
                for (number, target) in wanted {
                    let (old, done) = (
                        wishes.commands[number].old,
                        match target {
                            Target::Branch(new) => take_in(scope, &incoming, wishes.commands[number].old, new, push),
                            Target::Proposal(new) => propose::propose(scope, &incoming, new, push).map(|made| {
                                report.say(&format!("Proposal #{}: {}{}", made.number, push.proposals_at, made.number));
                                report.say("It is not in the wiki until somebody accepts it.");
                                Done::Proposed(made.number)
                            }),
                        },
                    );
                    match done {
                        Ok(done) => {
                            fates[number] = Some(Ok(()));
                            match done {
                                Done::Moved(new, continuity) => {
                                    pushed.moved = Some((old, new));
                                    pushed.replaced = continuity == Continuity::Replaces;
                                    if let (true, Some(old)) = (pushed.replaced, old) {
                                        report.say(&format!("What the wiki was is kept on the server, as refs/holt/replaced/{old}."));
                                    }
                                }
                                Done::Nothing => {}
                                Done::Proposed(made) => pushed.proposed.push(made),
                            }
                        }
                        Err(error) => {
                            report.explain(&error);
                            fates[number] = Some(Err(reason(&error)));
                            pushed.refused.push(error);
                        }
                    }
                }
            }
            Err(error) => {
                unpacked = Some(reason(&error));
                report.explain(&error);
                for (number, _) in wanted {
                    fates[number] = Some(Err("unpacker error".into()));
                }
                pushed.refused.push(error);
            }
        }
    }
    let refs: Vec<(String, Result<(), String>)> = wishes
        .commands
        .into_iter()
        .zip(fates)
        .map(|(command, fate)| (command.reference, fate.unwrap_or_else(|| Err("not looked at".into()))))
        .collect();
    pushed.answer = report.finish(unpacked.as_deref(), &refs);
    Ok(pushed)
}

/// See [`Pushed`].
enum Done {
    Moved(RevisionId, Continuity),
    Nothing,
    Proposed(i64),
}

/// What a client says before the pack.
struct Wishes {
    commands: Vec<Command>,
    too_many: bool,
    report: bool,
    channels: bool,
}

/// A ref that shall change; no id stands for no ref.
struct Command {
    old: Option<RevisionId>,
    new: Option<RevisionId>,
    reference: String,
}

enum Target {
    Branch(RevisionId),
    Proposal(RevisionId),
}

impl Wishes {
    fn read(from: &mut dyn Read, most: usize) -> Result<Self> {
        let mut wishes = Self { commands: Vec::new(), too_many: false, report: false, channels: false };
        loop {
            let mut line = match packet::read(from)? {
                Some(Packet::Line(line)) => line,
                Some(Packet::Flush) => return Ok(wishes),
                Some(Packet::Mark) | None => return Err(packet::malformed()),
            };
            // Where a shallow clone ends; what it pushes has to be complete with what is here.
            if line.starts_with(b"shallow ") {
                continue;
            }
            if wishes.commands.len() == most {
                wishes.too_many = true;
                return Ok(wishes);
            }
            if wishes.commands.is_empty() {
                let end = line.iter().position(|b| *b == 0).unwrap_or(line.len());
                let can = String::from_utf8_lossy(line.get(end + 1..).unwrap_or_default()).into_owned();
                line.truncate(end);
                let mut words = can.split([' ', '\n']);
                if words.clone().any(|word| word.starts_with("object-format=") && word != "object-format=sha1") {
                    return Err(Error::invalid("this repository names objects by SHA-1").hint("Clone it anew and push from that clone."));
                }
                wishes.report = words.clone().any(|word| word == "report-status");
                wishes.channels = words.any(|word| word == "side-band-64k");
            }
            wishes.commands.push(Command::parse(&line).ok_or_else(packet::malformed)?);
        }
    }
}

impl Command {
    /// `<old> <new> <ref>`.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(line).ok()?.splitn(3, ' ');
        let mut id = || RevisionId::parse(words.next()?).ok().map(|id| Some(id).filter(|id| *id.as_bytes() != [0; 20]));
        let (old, new) = (id()?, id()?);
        let reference = words.next().filter(|name| !name.is_empty() && name.len() <= 1024 && !name.chars().any(char::is_control))?;
        Some(Self { old, new, reference: reference.to_string() })
    }
    /// What it would change. One branch is the wiki, two names make proposals, all others are nobody's (security.md GIT-6).
    fn target(&self, branch: &str) -> Result<Target> {
        let Some(new) = self.new else {
            return Err(match self.reference.strip_prefix("refs/heads/") == Some(branch) {
                true => Error::denied(format!("the branch {branch} is the wiki: it cannot be deleted")),
                false => Error::not_found(format!("there is no {}", self.reference)),
            });
        };
        if self.reference.strip_prefix("refs/heads/") == Some(branch) {
            return Ok(Target::Branch(new));
        }
        let proposed = self.reference.strip_prefix("refs/heads/proposals/").is_some_and(|name| !name.is_empty());
        if proposed || self.reference.strip_prefix("refs/for/") == Some(branch) {
            return Ok(Target::Proposal(new));
        }
        Err(Error::denied(format!("only the branch {branch} can be pushed"))
            .hint(format!("Push to {branch}, or propose your commits: git push origin HEAD:refs/for/{branch}")))
    }
}

/// Unpacks what comes after the refs, with no more of it than there is room for. What brings no files is taken however full the wiki is: so it is
/// with pages that are deleted or moved elsewhere.
fn receive(scope: &Scope<'_, Write>, push: &mut Push<'_>) -> Result<Incoming> {
    let repo = scope.wiki().repo()?;
    let room = match scope.wiki().shared.directory.max_bytes(scope.wiki().id())? {
        Some(most) => Some(PackRoom { left: most.saturating_sub(repo.weight()?.bytes), most }),
        None => None,
    };
    let incoming = repo.receive(push.request, PackLimits { room, ..push.limits.pack }, push.stop)?;
    match room.filter(|room| incoming.bytes() > room.left) {
        Some(room) if incoming.brings_files(&repo)? => Err(Error::byte_limit(room.most)),
        _ => Ok(incoming),
    }
}

fn take_in(scope: &Scope<'_, Write>, incoming: &Incoming, old: Option<RevisionId>, new: RevisionId, push: &Push<'_>) -> Result<Done> {
    let head = scope.wiki().repo()?.head()?;
    if head == Some(new) {
        return Ok(Done::Nothing);
    }
    let moved =
        || Error::conflict("fetch first").hint("The wiki has changed since you fetched it: run `git pull --rebase` and push again.");
    if old != head {
        return Err(moved());
    }
    let commits = incoming.commits(head, new)?;
    let continuity = match head {
        Some(head) if !incoming.repo().is_ancestor(head, new)? => {
            may_replace(scope)?;
            Continuity::Replaces
        }
        _ => Continuity::GoesOn,
    };
    let changes = look_at(scope, incoming, head, new, &commits, push)?;
    if handling(scope, &changes)? == Handling::Propose {
        let branch = incoming.repo().branch();
        return Err(Error::denied("this token may only propose changes")
            .hint(format!("Propose your commits: git push origin HEAD:refs/for/{branch}")));
    }
    push.stop.check()?;
    let net: Vec<FileChange> = changes.net.iter().map(without_content).collect();
    let pushed = PushedCommits { base: head, new, commits: &commits, incoming, changes: &net, continuity };
    if Writing::begin(scope, None)?.adopt(&pushed)? { Ok(Done::Moved(new, continuity)) } else { Err(moved()) }
}

/// Refuses to take commits out of the history, but where the wiki's administrators let themselves do that.
fn may_replace(scope: &Scope<'_, Write>) -> Result<()> {
    let refused = || Error::conflict("non-fast-forward");
    if !scope.wiki().preferences()?.is_on(FORCE_SWITCH) {
        return Err(
            refused().hint("This would take commits out of the wiki's history. To take changes back, revert them: git revert COMMIT")
        );
    }
    if !scope.wiki().may(scope.actor(), Action::Admin)? {
        return Err(refused().hint("Only administrators of this wiki replace its history, with a token of the scope admin."));
    }
    Ok(())
}

/// What commits change.
pub(in crate::pages) struct Changes {
    /// All of them together.
    pub(in crate::pages) net: Vec<TreeChange>,
    /// Files that any of them touches.
    pub(super) files: BTreeSet<String>,
}

/// Checks everything about commits that does not depend on what others do meanwhile: trees, messages, rights. What was there at `base` is not
/// looked at.
pub(in crate::pages) fn look_at(
    scope: &Scope<'_, Write>,
    incoming: &Incoming,
    base: Option<RevisionId>,
    new: RevisionId,
    commits: &[NewCommit],
    push: &Push<'_>,
) -> Result<Changes> {
    incoming.check_trees(commits, push.limits.trees)?;
    let repo = incoming.repo();
    let net = repo.changes(base, new)?;
    let mut files = BTreeSet::new();
    for entry in repo.log(base, new)? {
        check_message(&entry.revision.message, &push.limits)
            .map_err(|(what, hint)| Error::invalid(format!("commit {}: {what}", entry.revision.id.short(8))).hint(hint))?;
        files.extend(entry.changes.iter().flat_map(names));
        // A merge can bring what none of its parents has.
        if entry.parents.len() > 1 {
            let mut own: Option<BTreeSet<String>> = None;
            for parent in &entry.parents {
                let against: BTreeSet<String> = repo.changes(Some(*parent), entry.revision.id)?.iter().flat_map(names).collect();
                own = Some(own.map_or(against.clone(), |own| own.intersection(&against).cloned().collect()));
            }
            files.extend(own.unwrap_or_default());
        }
    }
    files.extend(net.iter().flat_map(names));
    check_rights(scope, &files)?;
    Ok(Changes { net, files })
}

fn names(change: &TreeChange) -> Vec<String> {
    match &change.change.kind {
        ChangeKind::Renamed { from } => vec![from.clone(), change.change.file.clone()],
        _ => vec![change.change.file.clone()],
    }
}

/// What is wrong about a message, and what to do about it. By its operations Holt knows what it did itself: nobody else may claim them.
fn check_message(message: &str, limits: &PushLimits) -> Result<(), (String, &'static str)> {
    let most = limits.message_bytes;
    if message.len() > most {
        return Err((format!("its message is longer than {most} bytes"), "Shorten it: git rebase --interactive"));
    }
    let claims = |line: &str| line.trim_start().get(..OP_TRAILER.len()).is_some_and(|start| start.eq_ignore_ascii_case(OP_TRAILER));
    if limits.operations == Operations::Refused && message.lines().any(claims) {
        return Err((format!("its message has a line {OP_TRAILER}, which is Holt's own"), "Reword it: git rebase --interactive"));
    }
    Ok(())
}

fn check_rights(scope: &Scope<'_, Write>, files: &BTreeSet<String>) -> Result<()> {
    let rights = scope.rights()?;
    if let Some(file) = files.iter().find(|file| !rights.may_change(file)) {
        return Err(Error::denied(format!("{file} is in a part of the wiki that is not yours to change"))
            .hint("Leave that part out, or ask an administrator of the wiki."));
    }
    let is_file = |file: &&String| PagePath::from_tree(file).is_none();
    if let Some(file) = files.iter().find(is_file)
        && !scope.wiki().may(scope.actor(), Action::Upload)?
    {
        return Err(Error::denied(format!("{file} is no page, and this token may not add files"))
            .hint("Push pages only, or ask an administrator of the wiki for the right."));
    }
    Ok(())
}

/// What becomes of them at best. `Denied` if that is nothing.
pub(super) fn handling(scope: &Scope<'_, Write>, changes: &Changes) -> Result<Handling> {
    let rights = scope.rights()?;
    let strictest = changes.files.iter().map(|file| rights.handling(file)).max().unwrap_or_default();
    match strictest {
        Handling::Deny => Err(Error::denied("the wiki's policy for programs does not let this one change that part of the wiki")
            .hint("Leave that part out, or ask an administrator of the wiki.")),
        handling => Ok(handling),
    }
}

/// A change as the wiki's door judges it; the content is in the pack, and has been counted with it.
pub(in crate::pages) fn without_content(change: &TreeChange) -> FileChange {
    let file = change.change.file.clone();
    match &change.change.kind {
        ChangeKind::Renamed { from } => FileChange::Move { from: from.clone(), to: file },
        ChangeKind::Deleted => FileChange::Remove { file },
        ChangeKind::Added | ChangeKind::Modified => FileChange::Put { file, content: Vec::new() },
    }
}

impl Pushed {
    /// Faults of ours among what was refused: they belong into the log.
    pub fn faults(&self) -> impl Iterator<Item = &Error> {
        self.refused.iter().filter(|error| error.kind == ErrorKind::Internal)
    }
}
