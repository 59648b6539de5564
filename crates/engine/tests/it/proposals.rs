//! The review queue: what is proposed is not in the wiki until somebody accepts it, and what is accepted is, with whatever happened meanwhile.

use crate::comments::path;
use crate::wikis::{page_text, people, save_text};
use holt_core::{
    Action, Actor, AgentPolicy, AttachmentName, ClientPattern, Edit, Error, ErrorKind, Handling, MemberFlags, OpId, Person, PolicyRule,
    Program, SaveOutcome, SubtreeRule, SubtreeRules, UserId, WikiName,
};
use holt_engine::db::preferences::{Audience, agent_policy_text, path_access_text};
use holt_engine::db::wiki_db::Member;
use holt_engine::pages::proposals::{
    self, Choice, FileState, Happens, Makers, Proposal, ProposalFilter, ProposalStatus, ProposalView, ProposedFile, TakenPart,
};
use holt_engine::pages::{self, Backlinks, Operation, OperationKind, Subpages};
use holt_engine::{Admin, Clock, Engine, EngineOptions, Read, Upload, Wiki, Write, sync};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const POEM: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

/// A wiki whose clock stands still until it is moved.
struct Time {
    _engine: Engine,
    now: Arc<AtomicI64>,
}

impl Time {
    fn pass(&self, days: i64) {
        self.now.fetch_add(days * 86_400, Ordering::Relaxed);
    }
}

fn docs() -> (tempfile::TempDir, Time, Arc<Wiki>) {
    let dir = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(1_700_000_000));
    let clock = now.clone();
    let engine = Engine::open(EngineOptions::new(dir.path(), Clock::new(move || clock.load(Ordering::Relaxed)))).unwrap();
    let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
    (dir, Time { _engine: engine, now }, wiki)
}

/// Somebody who writes, and is no administrator.
fn member(wiki: &Wiki, id: i64, name: &str) -> Actor {
    let flags = MemberFlags { approved: true, allow_read: true, allow_write: true, allow_upload: true, ..MemberFlags::default() };
    let member = Member { user: UserId(id), flags, first_seen: 0, last_seen: 0 };
    pages::put_members(&wiki.grant::<Admin>(&Actor::System).unwrap(), &[member]).unwrap();
    Actor::Person(Person { id: UserId(id), name: name.into(), email: format!("{name}@example.org"), operator: false, through: None })
}

/// An agent of theirs that may do no more than `handling`.
fn agent_of(person: &Actor, name: &str, handling: Handling) -> Actor {
    let Actor::Person(person) = person else { unreachable!() };
    let through = Some(Program { name: name.into(), ceiling: Action::Upload, handling, within: None, session: None });
    Actor::Person(Person { through, ..person.clone() })
}

fn proposer() -> Actor {
    agent_of(&people("ann"), "mcp/claude", Handling::Propose)
}

fn number(error: &Error) -> i64 {
    error.proposal().unwrap_or_else(|| panic!("{error:?}")).number
}

/// Proposes that a page says something.
fn propose(wiki: &Wiki, who: &Actor, page: &str, text: &str) -> i64 {
    let scope = wiki.grant::<Write>(who).unwrap();
    let base = pages::page(&scope.narrow(), &path(page)).unwrap().map(|view| view.page.revision);
    let edit = Edit::new(path(page), base, text.into(), "[mcp] Better\n\nMuch better").unwrap();
    number(&pages::save(&scope, &edit, None).unwrap_err())
}

fn view(wiki: &Wiki, who: &Actor, number: i64) -> ProposalView {
    proposals::view(&wiki.grant::<Read>(who).unwrap(), number).unwrap()
}

fn accept(wiki: &Wiki, who: &Actor, number: i64, choices: &[(&str, Choice)]) -> holt_core::Result<proposals::Accepted> {
    let seen = view(wiki, who, number).seen;
    let choices: BTreeMap<_, _> = choices.iter().map(|(file, choice)| ((*file).to_string(), choice.clone())).collect();
    proposals::accept(&wiki.grant::<Write>(who).unwrap(), number, seen, &choices, "thanks")
}

fn status(wiki: &Wiki, who: &Actor, number: i64) -> ProposalStatus {
    proposals::proposal(&wiki.grant::<Read>(who).unwrap(), number).unwrap().status
}

fn listed(wiki: &Wiki, who: &Actor) -> Vec<Proposal> {
    let scope = wiki.grant::<Read>(who).unwrap();
    proposals::list(&scope, ProposalFilter::default(), None, 100).unwrap().proposals
}

fn only(view: &ProposalView) -> &ProposedFile {
    assert_eq!(view.files.len(), 1, "{view:?}");
    &view.files[0]
}

fn head(wiki: &Wiki) -> String {
    let scope = wiki.grant::<Read>(&Actor::System).unwrap();
    pages::changelog(&scope, &pages::Filter::default(), None, 1).unwrap()[0].revision.id.to_string()
}

fn git(wiki: &Wiki, args: &[&str]) -> String {
    let out = Command::new("git").arg("--git-dir").arg(wiki.repo_path()).args(args).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn what_is_proposed_is_in_the_wiki_when_it_is_accepted_and_not_before() {
    let (_dir, _time, wiki) = docs();
    save_text(&wiki, "Poem", POEM);
    let before = head(&wiki);
    let (ann, agent) = (people("ann"), proposer());
    let text = POEM.replace("two", "TWO");
    let n = propose(&wiki, &agent, "Poem", &text);
    assert_eq!((n, page_text(&wiki, "Poem").unwrap(), head(&wiki)), (1, POEM.to_string(), before.clone()));
    assert_eq!(git(&wiki, &["for-each-ref", "--format=%(refname)"]), "refs/heads/main\nrefs/holt/proposals/1\n");

    let shown = view(&wiki, &ann, n);
    assert_eq!(
        (shown.proposal.title.as_str(), shown.proposal.status, shown.proposal.may_review),
        ("[mcp] Better", ProposalStatus::Open, true)
    );
    assert_eq!((shown.proposal.name.as_str(), shown.proposal.via.as_deref()), ("ann", Some("mcp/claude")));
    let file = only(&shown);
    assert_eq!((file.file.as_str(), &file.happens, &file.state), ("Poem.md", &Happens::Changed, &FileState::Fits));
    assert_eq!(file.text.as_ref().unwrap().merged.as_deref(), Some(text.as_str()));
    assert_eq!(file.text.as_ref().unwrap().hunks.len(), 1);

    let bob = Actor::Person(Person { id: UserId(2), name: "Bob".into(), email: "bob@example.org".into(), operator: true, through: None });
    let done = accept(&wiki, &bob, n, &[]).unwrap();
    assert_eq!((page_text(&wiki, "Poem").unwrap(), done.status), (text, ProposalStatus::Accepted));
    let commit = git(&wiki, &["log", "-1", "--format=%an <%ae>%n%B"]);
    let op = commit.lines().find(|line| line.starts_with("Holt-Op: ")).unwrap();
    let expected =
        format!("ann <ann@example.org>\n[mcp] Better\n\nMuch better\n\nVia: mcp/claude\nProposal: 1\nAccepted-by: Bob\n{op}\n\n");
    assert_eq!(commit, expected);
    let decision = view(&wiki, &agent, n).proposal.decision.unwrap();
    assert_eq!((decision.name.as_str(), decision.reason.as_str(), decision.revision), ("Bob", "thanks", Some(done.revision)));

    // A second click is answered as the first; another decision is none.
    assert_eq!(accept(&wiki, &bob, n, &[]).unwrap(), done);
    for other in [Choice::Nothing, Choice::Text("mine\n".into())] {
        assert_eq!(accept(&wiki, &bob, n, &[("Poem.md", other)]).unwrap_err().kind, ErrorKind::Conflict);
    }
    let scope = wiki.grant::<Write>(&bob).unwrap();
    assert_eq!(proposals::reject(&scope, n, "").unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(proposals::withdraw(&wiki.grant::<Read>(&agent).unwrap(), n).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(git(&wiki, &["rev-list", "--count", "main"]).trim(), "2");
    assert_eq!(sync::check(&wiki).unwrap(), Vec::<String>::new());
}

#[test]
fn hunks_are_accepted_one_by_one_and_the_rest_is_rejected() {
    let (_dir, _time, wiki) = docs();
    save_text(&wiki, "Poem", POEM);
    let n = propose(&wiki, &proposer(), "Poem", "one\nTWO\nthree\nfour\nfive\nSIX\nseven\n");
    // The page moves on, elsewhere.
    save_text(&wiki, "Poem", &POEM.replace("four", "4"));
    let ann = people("ann");
    let shown = view(&wiki, &ann, n);
    let text = only(&shown).text.clone().unwrap();
    assert_eq!(text.merged.as_deref(), Some("one\nTWO\nthree\n4\nfive\nSIX\nseven\n"));
    assert_eq!(text.hunks.iter().map(|hunk| hunk.number).collect::<Vec<_>>(), [1, 2]);
    let wrong = accept(&wiki, &ann, n, &[("Poem.md", Choice::Hunks([3].into()))]).unwrap_err();
    assert_eq!(wrong.kind, ErrorKind::Invalid);
    assert_eq!(accept(&wiki, &ann, n, &[("Other.md", Choice::Nothing)]).unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(accept(&wiki, &ann, n, &[("Poem.md", Choice::Hunks([].into()))]).unwrap_err().kind, ErrorKind::Invalid);
    let done = accept(&wiki, &ann, n, &[("Poem.md", Choice::Hunks([2].into()))]).unwrap();
    assert_eq!(done.status, ProposalStatus::PartlyAccepted);
    assert_eq!(page_text(&wiki, "Poem").unwrap(), "one\ntwo\nthree\n4\nfive\nSIX\nseven\n");
    assert_eq!(status(&wiki, &proposer(), n), ProposalStatus::PartlyAccepted);
    // What somebody else chose meanwhile is not taken for it, and nobody is told that it was.
    save_text(&wiki, "Poem", "moved on\n");
    assert_eq!(accept(&wiki, &ann, n, &[("Poem.md", Choice::Hunks([2].into()))]).unwrap(), done);
    for other in [Some(Choice::Hunks([1].into())), Some(Choice::Text("mine\n".into())), None] {
        let choices: Vec<(&str, Choice)> = other.into_iter().map(|choice| ("Poem.md", choice)).collect();
        assert_eq!(accept(&wiki, &people("bob"), n, &choices).unwrap_err().kind, ErrorKind::Conflict);
    }
    assert_eq!(page_text(&wiki, "Poem").unwrap(), "moved on\n");
    // Nor after the page got another name, or is gone.
    let scope = wiki.grant::<Write>(&ann).unwrap();
    pages::rename(&scope, &path("Poem"), &path("Old/Poem"), "", Backlinks::Rewrite).unwrap();
    save_text(&wiki, "Poem", "another one\n");
    let again = |choice| accept(&wiki, &ann, n, &[("Poem.md", choice)]);
    assert_eq!(
        (again(Choice::Hunks([2].into())).unwrap(), again(Choice::Hunks([1].into())).unwrap_err().kind),
        (done.clone(), ErrorKind::Conflict)
    );
    pages::delete(&scope, &path("Old/Poem"), "", Subpages::Keep).unwrap();
    assert_eq!(
        (again(Choice::Hunks([2].into())).unwrap(), again(Choice::Text("mine\n".into())).unwrap_err().kind),
        (done, ErrorKind::Conflict)
    );
}

#[test]
fn what_was_taken_is_read_from_the_commit() {
    let (_dir, _time, wiki) = docs();
    let (ann, agent) = (people("ann"), proposer());
    let taken = |n: i64| -> Vec<(String, Option<TakenPart>)> {
        view(&wiki, &agent, n).files.into_iter().map(|file| (file.file, file.taken)).collect()
    };
    let propose_all = || {
        for page in ["A", "B", "C", "D", "E"] {
            save_text(&wiki, page, POEM);
        }
        let louder = POEM.replace("two", "TWO").replace("six", "SIX");
        let operation = |page: &str, kind| Operation { path: path(page), expect: pages::Expect::Present, kind };
        let mut operations: Vec<_> = ["A", "B", "C"].map(|page| operation(page, OperationKind::Put(louder.clone()))).into();
        operations.extend([
            operation("D", OperationKind::Delete(pages::SideFiles::Delete)),
            Operation { expect: pages::Expect::Absent, ..operation("New", OperationKind::Put("new\n".into())) },
        ]);
        number(&pages::change_pages(&wiki.grant::<Write>(&agent).unwrap(), &operations, "all of it").unwrap_err())
    };
    let n = propose_all();
    assert!(taken(n).iter().all(|(_, taken)| taken.is_none()), "nothing is decided");
    // The page moves on before, and everything after.
    save_text(&wiki, "A", &POEM.replace("four", "4"));
    let choices = [
        ("A.md", Choice::Hunks([2].into())),
        ("B.md", Choice::Nothing),
        ("C.md", Choice::Text("mine\n".into())),
        ("New.md", Choice::Nothing),
    ];
    assert_eq!(accept(&wiki, &ann, n, &choices).unwrap().status, ProposalStatus::PartlyAccepted);
    let expected = [
        ("A.md", TakenPart::Hunks([2].into())),
        ("B.md", TakenPart::Nothing),
        ("C.md", TakenPart::OwnText),
        ("D.md", TakenPart::All),
        ("New.md", TakenPart::Nothing),
    ]
    .map(|(file, part)| (file.to_string(), Some(part)));
    assert_eq!(taken(n), expected);
    pages::rename(&wiki.grant::<Write>(&ann).unwrap(), &path("A"), &path("Z"), "", Backlinks::Rewrite).unwrap();
    for page in ["A", "B", "New", "D"] {
        save_text(&wiki, page, "something else\n");
    }
    assert_eq!(taken(n), expected);
    let shown = view(&wiki, &agent, n).files;
    assert_eq!(
        shown[0].text.as_ref().unwrap().hunks.iter().map(|hunk| hunk.number).collect::<Vec<_>>(),
        [1, 2],
        "as the reviewer saw them"
    );
    // A page that had moved, taken whole; and a proposal that nobody took.
    pages::delete(&wiki.grant::<Write>(&ann).unwrap(), &path("New"), "", Subpages::Keep).unwrap();
    let n = propose_all();
    pages::rename(&wiki.grant::<Write>(&ann).unwrap(), &path("A"), &path("Moved"), "", Backlinks::Rewrite).unwrap();
    accept(&wiki, &ann, n, &[]).unwrap();
    assert!(taken(n).iter().all(|(_, taken)| *taken == Some(TakenPart::All)), "{:?}", taken(n));
    let n = propose(&wiki, &agent, "Late", "x\n");
    proposals::reject(&wiki.grant::<Write>(&ann).unwrap(), n, "").unwrap();
    assert_eq!(taken(n), [("Late.md".to_string(), None)]);
}

#[test]
fn what_does_not_fit_is_refused_until_the_reviewer_says_what_should_stand_there() {
    let (_dir, _time, wiki) = docs();
    save_text(&wiki, "Poem", POEM);
    let ann = people("ann");
    let n = propose(&wiki, &proposer(), "Poem", &POEM.replace("two", "TWO"));
    let seen = view(&wiki, &ann, n).seen;
    save_text(&wiki, "Poem", &POEM.replace("two", "deux"));
    // Looked at before the page changed: shown again, not accepted blindly.
    let scope = wiki.grant::<Write>(&ann).unwrap();
    let stale = proposals::accept(&scope, n, seen, &BTreeMap::new(), "").unwrap_err();
    assert_eq!((stale.kind, stale.message.contains("was changed since you looked")), (ErrorKind::Conflict, true), "{stale:?}");
    let shown = view(&wiki, &ann, n);
    assert!(matches!(only(&shown).state, FileState::Conflict(_)), "{shown:?}");
    assert!(only(&shown).text.as_ref().unwrap().merged.as_ref().unwrap().contains("<<<<<<< now\ndeux\n=======\nTWO\n"));
    assert_eq!(accept(&wiki, &ann, n, &[]).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(page_text(&wiki, "Poem").unwrap(), POEM.replace("two", "deux"));
    // Changes elsewhere in the wiki do not matter.
    let seen = view(&wiki, &ann, n).seen;
    save_text(&wiki, "Elsewhere", "x\n");
    let own = BTreeMap::from([("Poem.md".to_string(), Choice::Text(POEM.replace("two", "DEUX")))]);
    proposals::accept(&scope, n, seen, &own, "").unwrap();
    assert_eq!(page_text(&wiki, "Poem").unwrap(), POEM.replace("two", "DEUX"));
}

#[test]
fn a_proposal_follows_its_page() {
    let (_dir, _time, wiki) = docs();
    save_text(&wiki, "Poem", POEM);
    let ann = people("ann");
    let n = propose(&wiki, &proposer(), "Poem", &POEM.replace("two", "TWO"));
    pages::rename(&wiki.grant::<Write>(&ann).unwrap(), &path("Poem"), &path("Old/Poem"), "", Backlinks::Rewrite).unwrap();
    let shown = view(&wiki, &ann, n);
    assert_eq!((only(&shown).place.as_str(), &only(&shown).state), ("Old/Poem.md", &FileState::Fits));
    accept(&wiki, &ann, n, &[]).unwrap();
    assert_eq!(page_text(&wiki, "Old/Poem").unwrap(), POEM.replace("two", "TWO"));
    assert!(page_text(&wiki, "Poem").is_none());

    let n = propose(&wiki, &proposer(), "Old/Poem", POEM);
    pages::delete(&wiki.grant::<Write>(&ann).unwrap(), &path("Old/Poem"), "", Subpages::Keep).unwrap();
    assert!(matches!(only(&view(&wiki, &ann, n)).state, FileState::Conflict(_)));
    assert_eq!(accept(&wiki, &ann, n, &[]).unwrap_err().kind, ErrorKind::Conflict);
}

#[test]
fn every_way_to_write_can_be_proposed() {
    let (_dir, _time, wiki) = docs();
    save_text(&wiki, "Guide", "[[Guide/Setup]]\n");
    save_text(&wiki, "Guide/Setup", POEM);
    save_text(&wiki, "Gone", "gone\n");
    save_text(&wiki, "Twice", "once\n");
    save_text(&wiki, "Twice", "twice\n");
    let (ann, agent) = (people("ann"), proposer());
    let last = pages::changelog(&wiki.grant::<Read>(&ann).unwrap(), &pages::Filter::default(), None, 1).unwrap()[0].revision.id;
    let before = head(&wiki);
    let scope = wiki.grant::<Write>(&agent).unwrap();
    let upload = wiki.grant::<Upload>(&agent).unwrap();
    let file = AttachmentName::parse("a.bin").unwrap();
    let moved = number(&pages::rename(&scope, &path("Guide"), &path("Manual"), "", Backlinks::Rewrite).unwrap_err());
    let undone = number(&pages::revert(&scope, last, "").unwrap_err());
    let files = [(file.clone(), vec![0, 255])];
    let sent = number(&pages::upload(&upload, &path("Gone"), &files, pages::Existing::Refuse, "").unwrap_err());
    let gone = number(&pages::delete(&scope, &path("Gone"), "", Subpages::Delete).unwrap_err());
    let put = Operation { path: path("New"), expect: pages::Expect::Absent, kind: OperationKind::Put("new\n".into()) };
    let many = number(&pages::change_pages(&scope, &[put], "many").unwrap_err());
    assert_eq!((moved, undone, sent, gone, many, head(&wiki)), (1, 2, 3, 4, 5, before));
    assert!(page_text(&wiki, "New").is_none() && page_text(&wiki, "Gone").is_some() && page_text(&wiki, "Manual").is_none());

    let shown = view(&wiki, &ann, moved);
    assert!(
        shown.files.iter().any(|file| file.happens == Happens::Moved { from: "Guide.md".into() } && file.place == "Manual.md"),
        "{shown:?}"
    );
    for n in [moved, sent, undone, gone, many] {
        accept(&wiki, &ann, n, &[]).unwrap_or_else(|error| panic!("{n}: {error:?}"));
        assert_eq!(status(&wiki, &ann, n), ProposalStatus::Accepted);
        if n == sent {
            let read = wiki.grant::<Read>(&ann).unwrap();
            assert_eq!(pages::attachment(&read, &path("Gone"), &file, None).unwrap().unwrap().content, [0, 255]);
        }
    }
    assert_eq!(page_text(&wiki, "Manual").unwrap(), "[[Manual/Setup]]\n");
    assert_eq!((page_text(&wiki, "Manual/Setup").unwrap(), page_text(&wiki, "New").unwrap()), (POEM.to_string(), "new\n".to_string()));
    assert!(page_text(&wiki, "Gone").is_none() && page_text(&wiki, "Guide").is_none());
    assert_eq!(page_text(&wiki, "Twice").unwrap(), "once\n");
    assert_eq!(sync::check(&wiki).unwrap(), Vec::<String>::new());
}

#[test]
fn the_policy_decides_for_programs_and_never_for_people() {
    let (_dir, _time, wiki) = docs();
    let rule = |client: &str, page: &str, handling| PolicyRule {
        client: ClientPattern::parse(client).unwrap(),
        path: (!page.is_empty()).then(|| path(page)),
        handling,
    };
    let policy = AgentPolicy::new(vec![
        rule("mcp/*", "Log", Handling::Direct),
        rule("mcp/*", "Law", Handling::Deny),
        rule("mcp/*", "", Handling::Propose),
    ]);
    let admin = wiki.grant::<Admin>(&Actor::System).unwrap();
    pages::set_preferences(&admin, &[("AGENT_POLICY", &agent_policy_text(&policy))]).unwrap();
    let ann = people("ann");
    let save = |who: &Actor, page: &str| {
        let edit = Edit::new(path(page), None, "x\n".into(), "").unwrap();
        pages::save(&wiki.grant::<Write>(who).unwrap(), &edit, None)
    };
    let agent = agent_of(&ann, "mcp/claude", Handling::Direct);
    assert!(save(&agent, "Log/Today").is_ok());
    assert_eq!(number(&save(&agent, "Guide").unwrap_err()), 1);
    let denied = save(&agent, "Law/One").unwrap_err();
    assert!(denied.kind == ErrorKind::Denied && denied.proposal().is_none(), "{denied:?}");
    assert!(save(&agent_of(&ann, "api/backup", Handling::Direct), "Law/Two").is_ok());
    assert!(save(&ann, "Law/Three").is_ok());
    // One page of a commit that has to wait makes all of it wait; one that is refused refuses all of it.
    let put = |page: &str| Operation { path: path(page), expect: pages::Expect::Absent, kind: OperationKind::Put("y\n".into()) };
    let scope = wiki.grant::<Write>(&agent).unwrap();
    assert_eq!(number(&pages::change_pages(&scope, &[put("Log/A"), put("B")], "").unwrap_err()), 2);
    assert!(pages::change_pages(&scope, &[put("Log/A"), put("Law/B")], "").unwrap_err().proposal().is_none());
    let moved = pages::rename(&scope, &path("Log/Today"), &path("Law/Today"), "", Backlinks::Rewrite).unwrap_err();
    assert!(moved.kind == ErrorKind::Denied && moved.proposal().is_none());
    // Whoever must propose does not decide either, and nobody may more through a program that proposes.
    assert_eq!(accept(&wiki, &agent, 1, &[]).unwrap_err().kind, ErrorKind::Denied);
    assert_eq!(proposals::reject(&scope, 1, "").unwrap_err().kind, ErrorKind::Denied);
    assert!(!view(&wiki, &agent, 1).proposal.may_review && view(&wiki, &ann, 1).proposal.may_review);
    assert_eq!(number(&save(&agent_of(&ann, "api/backup", Handling::Propose), "Other").unwrap_err()), 3);
    assert!(accept(&wiki, &ann, 1, &[]).is_ok() && page_text(&wiki, "Guide").is_some());
    // A policy that cannot be read lets programs change nothing.
    pages::set_preferences(&admin, &[("AGENT_POLICY", "[{")]).unwrap();
    assert_eq!(save(&agent, "Log/Tomorrow").unwrap_err().kind, ErrorKind::Denied);
    assert!(save(&ann, "Law/Four").is_ok());
}

#[test]
fn rejected_withdrawn_expired_and_talked_about() {
    let (_dir, time, wiki) = docs();
    let (ann, agent) = (people("ann"), proposer());
    let [a, b, c] = ["A", "B", "C"].map(|page| propose(&wiki, &agent, page, "x\n"));
    let scope = wiki.grant::<Write>(&ann).unwrap();
    for _ in 0..2 {
        proposals::comment(&wiki.grant::<Read>(&ann).unwrap(), a, "Why <b>this</b>?").unwrap();
        proposals::reject(&scope, a, "Not now.").unwrap();
        proposals::withdraw(&wiki.grant::<Read>(&agent).unwrap(), b).unwrap();
    }
    proposals::comment(&wiki.grant::<Read>(&agent).unwrap(), a, "Because.").unwrap();
    let shown = view(&wiki, &agent, a);
    let said: Vec<_> = shown.comments.iter().map(|comment| comment.content.as_str()).collect();
    assert_eq!(said, ["Why <b>this</b>?", "Because."], "twice in a row is once");
    assert_eq!(shown.proposal.decision.unwrap().reason, "Not now.");
    assert_eq!((status(&wiki, &agent, a), status(&wiki, &agent, b)), (ProposalStatus::Rejected, ProposalStatus::Withdrawn));
    assert_eq!(proposals::comment(&wiki.grant::<Read>(&agent).unwrap(), a, " \n").unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(accept(&wiki, &ann, a, &[]).unwrap_err().kind, ErrorKind::Conflict);
    // What it was can still be looked at.
    assert_eq!(only(&view(&wiki, &ann, a)).text.as_ref().unwrap().proposed.as_deref(), Some("x\n"));

    time.pass(30);
    assert_eq!(status(&wiki, &agent, c), ProposalStatus::Expired);
    assert_eq!(accept(&wiki, &ann, c, &[]).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(proposals::reject(&scope, c, "").unwrap_err().kind, ErrorKind::Conflict);
    let list = |status| {
        let filter = ProposalFilter { status, of: Makers::Me };
        let found = proposals::list(&scope.narrow(), filter, None, 2).unwrap();
        (found.proposals.iter().map(|proposal| proposal.number).collect::<Vec<_>>(), found.next)
    };
    assert_eq!((list(Some(ProposalStatus::Open)).0, list(Some(ProposalStatus::Expired)).0), (vec![], vec![c]));
    assert_eq!((list(None), list(Some(ProposalStatus::Rejected)).0), ((vec![c, b], Some(b)), vec![a]));

    // Long after, refs go, one proposal at a time; numbers stay.
    time.pass(91);
    assert_eq!(propose(&wiki, &agent, "D", "x\n"), 4);
    assert_eq!(git(&wiki, &["for-each-ref", "--format=%(refname)", "refs/holt"]), "refs/holt/proposals/4\n");
    git(&wiki, &["gc", "--quiet", "--prune=now"]);
    assert_eq!(view(&wiki, &ann, 4).files.len(), 1, "git keeps what a ref names");
    assert_eq!(view(&wiki, &ann, a).files.len(), 0);
}

#[test]
fn the_same_operation_is_proposed_once() {
    let (_dir, _time, wiki) = docs();
    let op = OpId::parse("abc").unwrap();
    let agent = proposer();
    let again = || {
        let scope = wiki.grant::<Write>(&agent).unwrap();
        number(&pages::save(&scope, &Edit::new(path("A"), None, "x\n".into(), "").unwrap(), Some(&op)).unwrap_err())
    };
    assert_eq!((again(), again(), listed(&wiki, &agent).len()), (1, 1, 1));
    // Nothing to change is no proposal.
    save_text(&wiki, "B", "b\n");
    let scope = wiki.grant::<Write>(&agent).unwrap();
    let base = pages::page(&scope.narrow(), &path("B")).unwrap().unwrap().page.revision;
    let same = pages::save(&scope, &Edit::new(path("B"), Some(base), "b\n".into(), "").unwrap(), None).unwrap();
    assert!(matches!(same, SaveOutcome::Saved(saved) if !saved.changed));
}

#[test]
fn there_are_only_so_many() {
    let (_dir, _time, wiki) = docs();
    let (ann, agent) = (people("ann"), proposer());
    for n in 0..proposals::OPEN_OF_ONE {
        propose(&wiki, &agent, &format!("P{n}"), "x\n");
    }
    let scope = wiki.grant::<Write>(&agent).unwrap();
    let edit = Edit::new(path("More"), None, "x\n".into(), "").unwrap();
    let full = pages::save(&scope, &edit, None).unwrap_err();
    assert!(full.kind == ErrorKind::Busy && full.hint.is_some() && full.proposal().is_none(), "{full:?}");
    proposals::withdraw(&scope.narrow(), 1).unwrap();
    assert!(pages::save(&scope, &edit, None).unwrap_err().proposal().is_some());
    assert_eq!(proposals::waiting(&wiki.grant::<Read>(&ann).unwrap()).unwrap(), proposals::OPEN_OF_ONE);
}

/// What may not be read, or not be written, is reviewed by nobody who may not, and its proposals are not there for them.
#[test]
fn a_proposal_is_seen_by_its_maker_and_by_those_who_may_make_the_change() {
    let (_dir, _time, wiki) = docs();
    save_text(&wiki, "Staff/Plan", POEM);
    let rules = |tops: &[&str]| {
        let rule = |top: &&str| SubtreeRule {
            path: path(top),
            read: holt_core::AccessLevel::Admin,
            write: holt_core::AccessLevel::Admin,
            readers: [].into(),
            writers: [UserId(1)].into(),
        };
        let text = path_access_text(&SubtreeRules::new(tops.iter().map(rule).collect()));
        pages::set_preferences(&wiki.grant::<Admin>(&Actor::System).unwrap(), &[("PATH_ACCESS", &text)]).unwrap();
    };
    rules(&["Staff"]);
    let (bob, eve) = (member(&wiki, 7, "bob"), member(&wiki, 8, "eve"));
    let hidden = propose(&wiki, &proposer(), "Staff/Plan", "zqx\n");
    let bobs = propose(&wiki, &agent_of(&bob, "mcp/x", Handling::Propose), "Open", "Open word\n");
    let see = |who: &Actor| listed(&wiki, who).iter().map(|proposal| proposal.number).collect::<Vec<_>>();
    assert_eq!((see(&people("ann")), see(&bob), see(&eve), see(&Actor::Anonymous)), (vec![bobs, hidden], vec![bobs], vec![bobs], vec![]));
    let missing = proposals::view(&wiki.grant::<Read>(&eve).unwrap(), hidden).unwrap_err();
    assert_eq!(missing.kind, ErrorKind::NotFound);
    let scope = wiki.grant::<Write>(&eve).unwrap();
    for result in [
        proposals::reject(&scope, hidden, ""),
        proposals::comment(&scope.narrow(), hidden, "x"),
        proposals::withdraw(&scope.narrow(), hidden),
    ] {
        assert_eq!(result.unwrap_err().kind, ErrorKind::NotFound);
    }
    assert_eq!(proposals::withdraw(&scope.narrow(), bobs).unwrap_err().kind, ErrorKind::Denied);
    // A proposal tells nothing that its maker may not see any more.
    save_text(&wiki, "Open", "qwy\n");
    rules(&["Staff", "Open"]);
    assert_eq!(see(&bob), Vec::<i64>::new());
    // Nor where the page went to.
    rules(&["Staff"]);
    pages::rename(&wiki.grant::<Write>(&people("ann")).unwrap(), &path("Open"), &path("Staff/Zqx"), "", Backlinks::Keep).unwrap();
    let shown = format!("{:?}", view(&wiki, &bob, bobs)).to_lowercase();
    assert!(!shown.contains("zqx") && !shown.contains("qwy"), "{shown}");
}

#[test]
fn a_proposal_is_no_revision_of_the_wiki() {
    let (_dir, _time, wiki) = docs();
    save_text(&wiki, "Poem", POEM);
    propose(&wiki, &proposer(), "Poem", "secret\n");
    let id = git(&wiki, &["rev-parse", "refs/holt/proposals/1"]);
    let ann = people("ann");
    let scope = wiki.grant::<Read>(&ann).unwrap();
    let prefix = holt_core::RevisionPrefix::parse(id.trim()).unwrap();
    assert_eq!(pages::resolve(&scope, &prefix).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(pages::search(&scope, "secret", 0, 10).unwrap().hits.len(), 0);
    sync::rebuild(&wiki).unwrap();
    assert_eq!(pages::search(&scope, "secret", 0, 10).unwrap().hits.len(), 0);
    assert_eq!(page_text(&wiki, "Poem").unwrap(), POEM);
    // A clone does not take it along.
    let copy = tempfile::tempdir().unwrap();
    let out = Command::new("git").args(["clone", "-q", "--bare"]).arg(wiki.repo_path()).arg(copy.path()).output().unwrap();
    assert!(out.status.success());
    let refs = Command::new("git").arg("--git-dir").arg(copy.path()).arg("for-each-ref").output().unwrap();
    assert!(!String::from_utf8_lossy(&refs.stdout).contains("proposals"));
}

/// What happens to a wiki with one page, whose every line is there once.
#[derive(Debug, Clone)]
enum Step {
    /// A person adds a line at this place.
    Save(u8),
    /// An agent proposes to add two.
    Propose(u8, u8),
    /// All of an open proposal.
    Accept(u8),
    /// One hunk of it.
    AcceptHunk(u8, u8),
    /// The reviewer's own text, also where it does not fit: both sides.
    AcceptText(u8),
    Reject(u8),
    Rename(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u8>().prop_map(Step::Save),
        4 => any::<(u8, u8)>().prop_map(|(a, b)| Step::Propose(a, b)),
        2 => any::<u8>().prop_map(Step::Accept),
        2 => any::<(u8, u8)>().prop_map(|(a, b)| Step::AcceptHunk(a, b)),
        1 => any::<u8>().prop_map(Step::AcceptText),
        1 => any::<u8>().prop_map(Step::Reject),
        1 => any::<u8>().prop_map(Step::Rename),
    ]
}

fn with_line(text: &str, place: u8, line: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.insert(usize::from(place) % (lines.len() + 1), line);
    lines.join("\n") + "\n"
}

fn words(text: &str) -> BTreeSet<String> {
    text.lines().filter(|line| line.starts_with("word")).map(str::to_string).collect()
}

/// The page as it is, whatever it is called.
fn the_page(wiki: &Wiki) -> (String, String) {
    let scope = wiki.grant::<Read>(&Actor::System).unwrap();
    let listed = pages::list(&scope, &pages::ListFilter::default(), None, 10).unwrap();
    assert_eq!(listed.pages.len(), 1);
    let name = listed.pages[0].path.as_str().to_string();
    let text = page_text(wiki, &name).unwrap();
    (name, text)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order: all that was saved or accepted is in the page, and nothing else is.
    #[test]
    fn nothing_accepted_is_lost_and_nothing_else_appears(steps in proptest::collection::vec(step(), 1..24)) {
        let (_dir, _time, wiki) = docs();
        save_text(&wiki, "Page 0", &(0..12).map(|n| format!("ground {n}\n")).collect::<String>());
        let (ann, agent) = (people("ann"), proposer());
        let (mut there, mut open, mut next) = (BTreeSet::new(), Vec::<i64>::new(), 0);
        let mut word = || {
            next += 1;
            format!("word {next}")
        };
        for step in steps {
            let (name, text) = the_page(&wiki);
            let pick = |open: &[i64], n: u8| (!open.is_empty()).then(|| open[usize::from(n) % open.len()]);
            let closed = match &step {
                Step::Save(place) => {
                    let word = word();
                    save_text(&wiki, &name, &with_line(&text, *place, &word));
                    there.insert(word);
                    None
                }
                Step::Propose(a, b) => {
                    let text = with_line(&with_line(&text, *a, &word()), *b, &word());
                    open.push(propose(&wiki, &agent, &name, &text));
                    None
                }
                Step::Accept(n) => pick(&open, *n).and_then(|number| {
                    let shown = view(&wiki, &ann, number);
                    let proposed = only(&shown).text.as_ref().unwrap().proposed.clone().unwrap();
                    let base = base_words(&shown);
                    let result = accept(&wiki, &ann, number, &[]);
                    assert_eq!(result.is_ok(), !matches!(only(&shown).state, FileState::Conflict(_)), "what is shown to fit is accepted");
                    result.ok().map(|_| {
                        there.extend(words(&proposed).difference(&base).cloned());
                        number
                    })
                }),
                Step::AcceptHunk(n, hunk) => pick(&open, *n).and_then(|number| {
                    let shown = view(&wiki, &ann, number);
                    let hunks = &only(&shown).text.as_ref().unwrap().hunks;
                    let chosen = hunks.get(usize::from(*hunk) % hunks.len().max(1))?;
                    let added = chosen.diff.lines.iter().filter_map(|line| match line {
                        holt_engine::repo::diff::Line::Added(parts) => Some(format!("{parts:?}")),
                        _ => None,
                    });
                    let added: String = added.collect();
                    let file = only(&shown).file.clone();
                    let all = words(only(&shown).text.as_ref().unwrap().proposed.as_ref().unwrap());
                    accept(&wiki, &ann, number, &[(&file, Choice::Hunks([chosen.number].into()))]).unwrap();
                    there.extend(all.into_iter().filter(|word| added.contains(&format!("\"{word}\""))));
                    Some(number)
                }),
                Step::AcceptText(n) => pick(&open, *n).inspect(|&number| {
                    let shown = view(&wiki, &ann, number);
                    let merged = only(&shown).text.as_ref().unwrap().merged.clone().unwrap();
                    let marks = ["<<<<<<<", "=======", ">>>>>>>"];
                    let own: String =
                        merged.split_inclusive('\n').filter(|line| !marks.iter().any(|mark| line.starts_with(mark))).collect();
                    let file = only(&shown).file.clone();
                    accept(&wiki, &ann, number, &[(&file, Choice::Text(own.clone()))]).unwrap();
                    there.extend(words(&own));
                }),
                Step::Reject(n) => pick(&open, *n).inspect(|&number| {
                    proposals::reject(&wiki.grant::<Write>(&ann).unwrap(), number, "no").unwrap();
                }),
                Step::Rename(n) => {
                    let to = format!("Page {n}");
                    if to != name {
                        let scope = wiki.grant::<Write>(&ann).unwrap();
                        pages::rename(&scope, &path(&name), &path(&to), "", Backlinks::Rewrite).unwrap();
                    }
                    None
                }
            };
            open.retain(|number| Some(*number) != closed);
            prop_assert_eq!(words(&the_page(&wiki).1), there.clone(), "after {:?}", step);
        }
        let still: BTreeSet<i64> = listed(&wiki, &ann).into_iter().filter(|p| p.status == ProposalStatus::Open).map(|p| p.number).collect();
        prop_assert_eq!(still, open.into_iter().collect::<BTreeSet<_>>());
        prop_assert_eq!(sync::check(&wiki).unwrap(), Vec::<String>::new());
    }
}

/// The words that a proposal was made on.
fn base_words(shown: &ProposalView) -> BTreeSet<String> {
    words(only(shown).text.as_ref().unwrap().base.as_deref().unwrap())
}

/// Two agents, one of whom has to propose, and a person who edits and accepts, at one page at once: every line that was acknowledged or accepted
/// is there.
#[test]
fn two_agents_and_a_person_lose_nothing() {
    const ROUNDS: usize = 12;
    let (_dir, _time, wiki) = docs();
    save_text(&wiki, "Page", &(0..40).map(|n| format!("ground {n}\n")).collect::<String>());
    let (ann, robot) = (people("ann"), agent_of(&people("ann"), "mcp/direct", Handling::Direct));
    let agent = proposer();
    // Each writes below a line of its own, and begins anew when it has to.
    let write = |who: &Actor, below: &str, word: &str| loop {
        let scope = wiki.grant::<Write>(who).unwrap();
        let view = pages::page(&scope.narrow(), &path("Page")).unwrap().unwrap();
        let text = view.page.text().unwrap().replace(&format!("{below}\n"), &format!("{below}\n{word}\n"));
        let edit = Edit::new(path("Page"), Some(view.page.revision), text, word).unwrap();
        match pages::save(&scope, &edit, None) {
            Ok(SaveOutcome::Saved(_)) => return,
            Ok(SaveOutcome::Conflict(_)) => {}
            Err(error) => {
                number(&error);
                return;
            }
        }
    };
    std::thread::scope(|threads| {
        threads.spawn(|| (0..ROUNDS).for_each(|n| write(&robot, "ground 5", &format!("word robot {n}"))));
        threads.spawn(|| (0..ROUNDS).for_each(|n| write(&agent, "ground 20", &format!("word agent {n}"))));
        threads.spawn(|| {
            for n in 0..ROUNDS {
                write(&ann, "ground 33", &format!("word ann {n}"));
                for proposal in listed(&wiki, &ann).into_iter().filter(|proposal| proposal.status == ProposalStatus::Open) {
                    let _ = accept(&wiki, &ann, proposal.number, &[]);
                }
            }
        });
    });
    let text = page_text(&wiki, "Page").unwrap();
    for n in 0..ROUNDS {
        assert!(text.contains(&format!("word robot {n}\n")) && text.contains(&format!("word ann {n}\n")), "{n}: {text}");
    }
    let all = listed(&wiki, &ann);
    assert_eq!(all.len(), ROUNDS);
    for proposal in all {
        let accepted = proposal.status == ProposalStatus::Accepted;
        assert_eq!(text.contains(&format!("{}\n", proposal.title)), accepted, "{proposal:?}\n{text}");
    }
    assert_eq!(sync::check(&wiki).unwrap(), Vec::<String>::new());
}
