//! Pushes as the engine takes them in: rights, rules and limits that the wire knows nothing of, and what is there already.

use crate::wikis::{new_engine, page_text, people, save_text};
use holt_core::{
    AccessLevel, Action, Actor, AgentPolicy, ClientPattern, Handling, PagePath, Person, PolicyRule, Program, SubtreeRule, SubtreeRules,
    WikiName,
};
use holt_engine::db::preferences::{Audience, agent_policy_text, path_access_text};
use holt_engine::import::{Target, import_git};
use holt_engine::pages::git::{GitService, Push, PushLimits, Pushed, git_admit, push};
use holt_engine::repo::{GitStop, Repo};
use holt_engine::{Admin, Engine, Wiki, Write, pages, sync};
use holt_testkit::git;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// What a client sends that pushes HEAD of `clone` to `reference`, where the wiki stands at `old`.
pub fn body(clone: &Path, old: &str, reference: &str) -> Vec<u8> {
    let new = git(clone, &["rev-parse", "HEAD"]);
    let mut pack = Command::new("git");
    pack.args(["pack-objects", "--revs", "--thin", "--stdout", "--quiet", "--delta-base-offset"]).current_dir(clone);
    let mut child = pack.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let known = if old.starts_with("000") { String::new() } else { format!("^{old}\n") };
    child.stdin.take().unwrap().write_all(format!("{new}\n{known}").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let line = format!("{old} {new} {reference}\0 report-status side-band-64k ofs-delta");
    [format!("{:04x}{line}0000", line.len() + 4).as_bytes(), &output.stdout].concat()
}

/// A clone of the wiki beside it.
pub fn clone(wiki: &Wiki, place: &Path) {
    let from = wiki.repo_path().canonicalize().unwrap();
    git(place.parent().unwrap(), &["clone", "--quiet", from.to_str().unwrap(), place.to_str().unwrap()]);
}

/// Writes a file there and commits it.
pub fn commit(clone: &Path, file: &str, content: &str) {
    let path = clone.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
    git(clone, &["add", "--all"]);
    git(clone, &["commit", "--quiet", "--message", &format!("Change {file}")]);
}

/// Pushes HEAD of `clone` on top of what it fetched.
pub fn push_as(wiki: &Wiki, actor: &Actor, clone: &Path, reference: &str, limits: PushLimits) -> Pushed {
    let old = if reference == "refs/heads/main" { git(clone, &["rev-parse", "origin/main"]) } else { "0".repeat(40) };
    let body = body(clone, &old, reference);
    let scope = wiki.grant::<Write>(actor).unwrap();
    push(&scope, &mut Push { request: &mut body.as_slice(), proposals_at: "/-/proposals/", limits, stop: &GitStop::default() }).unwrap()
}

fn said(pushed: &Pushed) -> String {
    String::from_utf8_lossy(&pushed.answer).into_owned()
}

struct Place {
    dir: tempfile::TempDir,
    engine: Engine,
    wiki: Arc<Wiki>,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let engine = new_engine(&dir.path().join("data"));
        let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
        save_text(&wiki, "Home", "# Home\n");
        Self { dir, engine, wiki }
    }
    fn clone(&self, name: &str) -> std::path::PathBuf {
        let place = self.dir.path().join(name);
        clone(&self.wiki, &place);
        place
    }
    fn set(&self, preference: &str, value: &str) {
        pages::set_preferences(&self.wiki.grant::<Admin>(&Actor::System).unwrap(), &[(preference, value)]).unwrap();
    }
}

/// Somebody who is nobody in particular, through a program if they name one.
fn bob(through: Option<(&str, Action)>) -> Actor {
    let Actor::Person(person) = people("bob") else { unreachable!() };
    let through =
        through.map(|(name, ceiling)| Program { name: name.into(), ceiling, handling: Handling::Direct, within: None, session: None });
    Actor::Person(Person { id: holt_core::UserId(7), operator: false, through, ..person })
}

#[test]
fn rules_for_parts_of_the_wiki_are_obeyed_in_every_commit() {
    let place = Place::new();
    place.set("WRITE_ACCESS", "REGISTERED");
    place.set("ATTACHMENT_ACCESS", "REGISTERED");
    let rule = SubtreeRule {
        path: PagePath::parse("Laws").unwrap(),
        read: AccessLevel::Anonymous,
        write: AccessLevel::Admin,
        readers: BTreeSet::new(),
        writers: BTreeSet::new(),
    };
    place.set("PATH_ACCESS", &path_access_text(&SubtreeRules::new(vec![rule])));
    save_text(&place.wiki, "Laws/First", "thou shalt\n");
    let mine = place.clone("mine");
    let (bob, limits) = (bob(None), PushLimits::default());
    commit(&mine, "Laws/First.md", "thou shalt not\n");
    let pushed = push_as(&place.wiki, &bob, &mine, "refs/heads/main", limits);
    assert!(
        pushed.moved.is_none() && said(&pushed).contains("Laws/First.md is in a part of the wiki that is not yours"),
        "{}",
        said(&pushed)
    );
    // Put back in the next commit, it is still a change that was made.
    commit(&mine, "Laws/First.md", "thou shalt\n");
    commit(&mine, "Bob.md", "my page\n");
    assert!(push_as(&place.wiki, &bob, &mine, "refs/heads/main", limits).moved.is_none());
    // In a merge of what are two clean branches, too.
    git(&mine, &["reset", "--quiet", "--hard", "origin/main"]);
    git(&mine, &["switch", "--quiet", "--create", "side"]);
    commit(&mine, "Side.md", "side\n");
    git(&mine, &["switch", "--quiet", "main"]);
    commit(&mine, "Along.md", "along\n");
    git(&mine, &["merge", "--quiet", "--no-commit", "side"]);
    std::fs::write(mine.join("Laws/First.md"), "thou shalt not\n").unwrap();
    git(&mine, &["commit", "--quiet", "--all", "--message", "Merge"]);
    std::fs::write(mine.join("Laws/First.md"), "thou shalt\n").unwrap();
    git(&mine, &["commit", "--quiet", "--all", "--message", "Nothing to see"]);
    assert!(push_as(&place.wiki, &bob, &mine, "refs/heads/main", limits).moved.is_none());
    // The control: somebody who may.
    assert!(push_as(&place.wiki, &people("ann"), &mine, "refs/heads/main", limits).moved.is_some());
    assert_eq!(page_text(&place.wiki, "Side").unwrap(), "side\n");
}

#[test]
fn files_need_the_right_to_add_files() {
    let place = Place::new();
    place.set("WRITE_ACCESS", "REGISTERED");
    let mine = place.clone("mine");
    commit(&mine, "Home/pic.png", "a picture");
    let pushed = push_as(&place.wiki, &bob(None), &mine, "refs/heads/main", PushLimits::default());
    assert!(pushed.moved.is_none() && said(&pushed).contains("Home/pic.png is no page"), "{}", said(&pushed));
    place.set("ATTACHMENT_ACCESS", "REGISTERED");
    assert!(push_as(&place.wiki, &bob(None), &mine, "refs/heads/main", PushLimits::default()).moved.is_some());
}

#[test]
fn the_policy_for_programs_holds_for_pushes() {
    let place = Place::new();
    place.set("WRITE_ACCESS", "REGISTERED");
    let policy = |handling, path: Option<&str>| {
        let rule =
            PolicyRule { client: ClientPattern::parse("git/*").unwrap(), path: path.map(|path| PagePath::parse(path).unwrap()), handling };
        place.set("AGENT_POLICY", &agent_policy_text(&AgentPolicy::new(vec![rule])));
    };
    let mine = place.clone("mine");
    commit(&mine, "Home.md", "# Home\n\nMore.\n");
    let (bob, limits) = (bob(Some(("git/laptop", Action::Upload))), PushLimits::default());
    policy(Handling::Deny, Some("Home"));
    for reference in ["refs/heads/main", "refs/for/main"] {
        let pushed = push_as(&place.wiki, &bob, &mine, reference, limits);
        assert!(pushed.moved.is_none() && pushed.proposed.is_empty() && said(&pushed).contains("policy"), "{}", said(&pushed));
    }
    policy(Handling::Propose, None);
    assert!(said(&push_as(&place.wiki, &bob, &mine, "refs/heads/main", limits)).contains("may only propose"));
    assert_eq!(push_as(&place.wiki, &bob, &mine, "refs/for/main", limits).proposed, [1]);
    policy(Handling::Propose, Some("Elsewhere"));
    assert!(push_as(&place.wiki, &bob, &mine, "refs/heads/main", limits).moved.is_some());
    assert!(git_admit(&place.wiki, &Actor::Anonymous, GitService::Push).is_err());
}

/// Every commit that anybody was told of stays: in the history, or, where administrators replaced that, under a name that no client sees.
#[test]
fn a_forced_push_replaces_the_history_and_loses_nothing() {
    let place = Place::new();
    let (ann, limits) = (people("ann"), PushLimits::default());
    let wiki = &place.wiki;
    save_text(wiki, "Secret", "# Secret\n\nnot for long\n");
    let replaced = save_text(wiki, "Home", "# Home\n\nSee [[Secret]].\n").revision;
    let scope = wiki.grant::<Write>(&ann).unwrap();
    let edit = holt_core::Edit::new(PagePath::parse("Home").unwrap(), Some(replaced), "# Home\n\nProposed.\n".into(), "").unwrap();
    let proposed = pages::save(&wiki.grant::<Write>(&ann).unwrap().proposing(), &edit, None).unwrap_err().proposal().unwrap().number;
    pages::save_draft(&scope, &PagePath::parse("Secret").unwrap(), "a draft", Some(replaced)).unwrap();
    let mine = place.clone("mine");
    git(&mine, &["reset", "--quiet", "--hard", "HEAD~2"]);
    commit(&mine, "Other.md", "# Other\n");
    // Off; on, but they are no administrator; on, but the token is for less.
    let forced = |actor: &Actor| push_as(wiki, actor, &mine, "refs/heads/main", limits);
    let refused = |pushed: Pushed, words: &str| {
        assert!(pushed.moved.is_none() && !pushed.replaced, "{}", said(&pushed));
        assert!(said(&pushed).contains("non-fast-forward") && said(&pushed).contains(words), "{}", said(&pushed));
    };
    refused(forced(&ann), "git revert");
    place.set("GIT_ALLOW_FORCE", "True");
    place.set("WRITE_ACCESS", "REGISTERED");
    refused(forced(&bob(None)), "Only administrators");
    let Actor::Person(person) = ann.clone() else { unreachable!() };
    let through = Program { name: "git/laptop".into(), ceiling: Action::Upload, handling: Handling::Direct, within: None, session: None };
    refused(forced(&Actor::Person(Person { through: Some(through), ..person })), "scope admin");
    assert!(!wiki.repo_path().join("refs/holt/replaced").exists());
    let pushed = forced(&ann);
    assert!(pushed.moved.is_some() && pushed.replaced, "{}", said(&pushed));

    // What is derived is what a rebuild makes of it.
    assert_eq!((page_text(wiki, "Home").unwrap().as_str(), page_text(wiki, "Secret")), ("# Home\n", None));
    assert_eq!(sync::check(wiki).unwrap(), Vec::<String>::new());
    let derived = (wiki.index_dump().unwrap(), crate::crash::published(&place.engine, wiki));
    sync::rebuild(wiki).unwrap();
    assert_eq!(derived, (wiki.index_dump().unwrap(), crate::crash::published(&place.engine, wiki)));
    assert!(pages::revision(&scope.narrow(), replaced).is_err());
    // What there was is kept, whatever git collects.
    let repo = wiki.repo_path();
    git(&repo, &["gc", "--quiet", "--prune=now"]);
    assert_eq!(git(&repo, &["rev-parse", &format!("refs/holt/replaced/{replaced}")]), replaced.to_string());
    assert!(git(&repo, &["show", &format!("{replaced}:Secret.md")]).contains("not for long"));
    // Unsaved work is there; it is on a page that is not, so that saving it makes that page.
    let draft = pages::draft(&scope, &PagePath::parse("Secret").unwrap()).unwrap().unwrap();
    assert_eq!((draft.content.as_str(), draft.base), ("a draft", None));
    // A change on what was replaced is not merged with what is there, and the proposal is.
    assert_eq!(pages::save(&scope, &edit, None).unwrap_err().kind, holt_core::ErrorKind::Conflict);
    let view = pages::proposals::view(&scope.narrow(), proposed).unwrap();
    assert_eq!(view.files.len(), 1);
    let file = view.files[0].file.clone();
    let choice = std::collections::BTreeMap::from([(file, pages::proposals::Choice::Text("# Home\n\nDecided.\n".into()))]);
    pages::proposals::accept(&scope, proposed, view.seen, &choice, "").unwrap();
    assert_eq!(page_text(wiki, "Home").unwrap(), "# Home\n\nDecided.\n");
    // And back again.
    git(&mine, &["fetch", "--quiet"]);
    git(&mine, &["reset", "--quiet", "--hard", &replaced.to_string()]);
    assert!(forced(&ann).replaced);
    assert!(page_text(wiki, "Secret").unwrap().contains("not for long"));
    assert_eq!(git(&repo, &["for-each-ref", "refs/holt/replaced"]).lines().count(), 2);
    assert_eq!(sync::check(wiki).unwrap(), Vec::<String>::new());
}

#[test]
fn who_pushed_is_known_beside_who_wrote() {
    use pages::git::pushers;
    let place = Place::new();
    let mine = place.clone("mine");
    commit(&mine, "Guide.md", "of somebody else\n");
    git(&mine, &["commit", "--quiet", "--allow-empty", "--author", "ann <ANN@example.org>", "--message", "her own"]);
    assert!(push_as(&place.wiki, &people("ann"), &mine, "refs/heads/main", PushLimits::default()).moved.is_some());
    let ann = people("ann");
    let scope = place.wiki.grant::<holt_engine::Read>(&ann).unwrap();
    let log = pages::changelog(&scope, &pages::Filter::default(), None, 10).unwrap();
    let found = pushers(&scope, log.iter().map(|entry| &entry.revision)).unwrap();
    let told: Vec<_> = log.iter().map(|entry| (entry.revision.message.trim(), found.get(&entry.revision.id).map(String::as_str))).collect();
    assert_eq!(told, [("her own", None), ("Change Guide.md", Some("ann")), ("Created Home", None)]);
}

#[test]
fn a_push_brings_no_more_pages_than_the_wiki_may_have() {
    let place = Place::new();
    place.engine.directory().set_max_pages(place.wiki.id(), std::num::NonZeroU32::new(2)).unwrap();
    let mine = place.clone("mine");
    commit(&mine, "One.md", "one\n");
    commit(&mine, "Two.md", "two\n");
    let pushed = push_as(&place.wiki, &people("ann"), &mine, "refs/heads/main", PushLimits::default());
    assert!(pushed.moved.is_none() && said(&pushed).contains("at most 2 pages"), "{}", said(&pushed));
    git(&mine, &["rm", "--quiet", "Two.md"]);
    git(&mine, &["commit", "--quiet", "--message", "less"]);
    assert!(push_as(&place.wiki, &people("ann"), &mine, "refs/heads/main", PushLimits::default()).moved.is_some());
}

/// Each limit at the limit and one above.
#[test]
fn limits_hold_where_they_are_said_to() {
    let place = Place::new();
    let mine = place.clone("mine");
    for page in ["A", "B", "C"] {
        commit(&mine, &format!("{page}.md"), page);
    }
    commit(&mine, "D/E/F.md", "deep\n");
    // Four pages and Home, three folders deep, counting the file's.
    let limits = PushLimits::default();
    let try_with = |change: &dyn Fn(&mut PushLimits)| {
        let mut limits = limits;
        change(&mut limits);
        push_as(&place.wiki, &people("ann"), &mine, "refs/heads/main", limits)
    };
    let refused = |change: &dyn Fn(&mut PushLimits), words: &str| {
        let pushed = try_with(change);
        assert!(pushed.moved.is_none() && said(&pushed).contains(words), "{words}: {}", said(&pushed));
    };
    refused(&|limits| limits.trees.files = 4, "more than 4 files");
    refused(&|limits| limits.trees.depth = 1, "too deep");
    refused(&|limits| limits.trees.work = 10, "too much to check");
    refused(&|limits| limits.message_bytes = 10, "longer than 10 bytes");
    refused(&|limits| limits.pack.objects = 5, "5 objects");
    refused(&|limits| limits.pack.bytes = 100, "100 bytes");
    let exactly = |limits: &mut PushLimits| {
        (limits.trees.files, limits.trees.depth, limits.refs, limits.message_bytes) = (5, 2, 1, "Change D/E/F.md".len());
    };
    let pushed = try_with(&exactly);
    assert!(pushed.moved.is_some(), "{}", said(&pushed));
}

/// A wiki of old has names that nobody can give today. They stay, and nothing about them is in the way of others.
#[test]
fn what_was_there_before_is_not_judged_again() {
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("old");
    std::fs::create_dir(&old).unwrap();
    git(&old, &["init", "--quiet", "--initial-branch=main", "."]);
    for (file, content) in [("a: b.md", "colon\n"), ("guide.md", "one\n"), ("Guide.md", "two\n"), (".hidden", "x\n"), ("Sub/x.lock", "y\n")]
    {
        commit(&old, file, content);
    }
    std::os::unix::fs::symlink("guide.md", old.join("link.md")).unwrap();
    git(&old, &["add", "--all"]);
    git(&old, &["commit", "--quiet", "--message", "link"]);
    let engine = new_engine(&dir.path().join("data"));
    let target = Target { slug: WikiName::parse("old").unwrap(), name: None };
    import_git(&engine, old.to_str().unwrap(), &target, &mut |_| {}).unwrap();
    let wiki = engine.wiki_named("old").unwrap();
    let mine = dir.path().join("mine");
    clone(&wiki, &mine);
    commit(&mine, "New.md", "new\n");
    commit(&mine, "a: b.md", "colon, changed\n");
    commit(&mine, "Sub/page.md", "beside a lock\n");
    let pushed = push_as(&wiki, &people("ann"), &mine, "refs/heads/main", PushLimits::default());
    assert!(pushed.moved.is_some(), "{}", said(&pushed));
    git(&mine, &["fetch", "--quiet"]);
    // Another of that kind is refused, and a third spelling.
    for bad in ["c: d.md", "GUIDE.md"] {
        commit(&mine, bad, "text\n");
        assert!(push_as(&wiki, &people("ann"), &mine, "refs/heads/main", PushLimits::default()).moved.is_none(), "{bad}");
        git(&mine, &["reset", "--quiet", "--hard", "origin/main"]);
    }
    assert_eq!(sync::check(&wiki).unwrap(), Vec::<String>::new());
}

/// Packs that were pushed hold deltas; they are merged with those of saves.
#[test]
fn small_packs_with_deltas_are_folded() {
    let place = Place::new();
    let text = "a line of the page that is long enough to make a delta of it\n".repeat(200);
    save_text(&place.wiki, "Long", &text);
    let mine = place.clone("mine");
    for i in 0..40 {
        commit(&mine, "Long.md", &format!("{text}{i}\n"));
        assert!(push_as(&place.wiki, &people("ann"), &mine, "refs/heads/main", PushLimits::default()).moved.is_some());
        git(&mine, &["fetch", "--quiet"]);
    }
    place.engine.settle_all().unwrap();
    let repo = Repo::open(&place.wiki.repo_path()).unwrap();
    let folded = repo.fold_packs().unwrap();
    let packs = || std::fs::read_dir(place.wiki.repo_path().join("objects/pack")).unwrap().flatten().count() / 2;
    assert!(folded.merged >= 32 || packs() < 32, "{folded:?}, {} packs", packs());
    assert_eq!(repo.fsck().unwrap(), Vec::<String>::new());
    assert_eq!(page_text(&place.wiki, "Long").unwrap(), format!("{text}39\n"));
}

/// Nothing of a push that was not taken in stays, nor of one that a crash came between.
#[test]
fn leftovers_go() {
    let place = Place::new();
    let mine = place.clone("mine");
    commit(&mine, "a: b.md", "refused\n");
    assert!(push_as(&place.wiki, &people("ann"), &mine, "refs/heads/main", PushLimits::default()).moved.is_none());
    let incoming = place.wiki.repo_path().join("incoming");
    assert_eq!(incoming.read_dir().unwrap().count(), 0);
    let objects = git(&place.wiki.repo_path(), &["count-objects", "-v"]);
    let blob = git(&mine, &["rev-parse", "HEAD:a: b.md"]);
    let there = Command::new("git").args(["cat-file", "-e", &blob]).current_dir(place.wiki.repo_path()).status().unwrap();
    assert!(!there.success(), "{objects}");
    std::fs::create_dir_all(incoming.join("17/objects/pack")).unwrap();
    std::fs::write(incoming.join("17/objects/pack/tmp_pack_x"), "half").unwrap();
    Repo::open(&place.wiki.repo_path()).unwrap();
    assert!(!incoming.exists());
}
