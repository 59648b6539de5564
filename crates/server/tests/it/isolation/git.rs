//! Git over HTTP, spoken by hand, so that every answer is looked through like any other; what stands in packs is unpacked by git itself.

use super::model::{Sight, WIKIS, Zone};
use super::turn::{Asked, Turn, get};
use super::wire::Answer;
use super::world::Page;
use super::writing::{self, Change};
use crate::git::command;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

/// What is asked for.
pub const ASKS: &[Change] = &[
    ("git: refs", refs),
    ("git: refs to push", refs_to_push),
    ("git: refs, version 2", refs_of_two),
    ("git: clone", clone),
    ("git: clone, version 2", clone_of_two),
    ("git: fetch what is new", since),
    ("git: fetch by name", by_name),
];

/// What is pushed.
pub const PUSHES: &[Change] =
    &[("git: push", push), ("git: push", push), ("git: push to propose", propose), ("git: push what is refused", refused)];

/// What has to happen now and then, or nothing was tested.
pub const DONE: [&str; 4] = ["git: a pack came", "git: a push was taken", "git: a push was refused", "git: a push became a proposal"];

const UPLOAD: &str = "git-upload-pack";
const RECEIVE: &str = "git-receive-pack";
const ZERO: &str = "0000000000000000000000000000000000000000";

fn line(text: &str) -> String {
    format!("{:04x}{text}", text.len() + 4)
}

/// The packets of an answer, without marks and ends.
fn packets(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut packets = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(4) {
        let Some(length) = std::str::from_utf8(head).ok().and_then(|head| usize::from_str_radix(head, 16).ok()) else { break };
        bytes = rest;
        if let Some(length) = length.checked_sub(4) {
            let Some((packet, rest)) = rest.split_at_checked(length) else { break };
            packets.push(packet);
            bytes = rest;
        }
    }
    packets
}

/// What an answer holds that is said in channels: the pack or report, and what git would show after `remote:`.
fn channels(body: &[u8]) -> (Vec<u8>, String) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for packet in packets(body) {
        match packet.split_first() {
            Some((1, rest)) => first.extend_from_slice(rest),
            Some((2 | 3, rest)) => second.extend_from_slice(rest),
            _ => {}
        }
    }
    (first, String::from_utf8_lossy(&second).into_owned())
}

/// An answer of git in the clear, beside what it says itself. An error is a pack that git does not take.
pub fn clear(answer: &Answer) -> Result<Vec<u8>, String> {
    let (pack, said) = channels(&answer.body);
    let mut clear = said.into_bytes();
    if pack.starts_with(b"PACK") {
        let scratch = Scratch::new();
        scratch.git(&["index-pack", "--stdin"], &pack)?;
        clear.extend(scratch.git(&["cat-file", "--batch-all-objects", "--batch", "--unordered"], b"")?);
    } else {
        clear.extend(pack);
    }
    Ok(clear)
}

/// A repository to unpack something in.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for part in ["objects/pack", "refs/heads"] {
            std::fs::create_dir_all(dir.path().join(part)).unwrap();
        }
        std::fs::write(dir.path().join("HEAD"), "ref: refs/heads/none\n").unwrap();
        Self(dir)
    }
    /// What a command says, or what it complains of.
    fn git(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
        let mut git = command(self.0.path(), &[&["--git-dir=."], args].concat());
        let mut git = git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Whoever has heard enough closes the pipe.
        let _ = git.stdin.take().unwrap().write_all(input);
        let out = git.wait_with_output().unwrap();
        if out.status.success() { Ok(out.stdout) } else { Err(format!("git {args:?}: {}", String::from_utf8_lossy(&out.stderr))) }
    }
    /// Makes a commit out of what `git fast-import` reads; its name and a pack with it and what it needs.
    fn commit(&self, stream: &[u8], base: Option<&str>) -> (String, Vec<u8>) {
        self.git(&["fast-import", "--quiet", "--force"], stream).unwrap();
        let new = std::fs::read_to_string(self.0.path().join("refs/heads/new")).unwrap().trim().to_string();
        let list = format!("{new}\n{}", base.map(|base| format!("^{base}\n")).unwrap_or_default());
        let pack = self.git(&["pack-objects", "--revs", "--stdout", "--quiet"], list.as_bytes()).unwrap();
        (new, pack)
    }
}

fn service(name: &str) -> Asked {
    get(format!("/.git/info/refs?service={name}"))
}

fn post(name: &str, body: Vec<u8>) -> Asked {
    let kind = format!("application/x-{name}-request");
    let mut asked = get(format!("/.git/{name}"));
    (asked.method, asked.headers, asked.body) = ("POST", vec![("Content-Type", kind)], body);
    asked
}

fn of_two(mut asked: Asked) -> Asked {
    asked.headers.push(("Git-Protocol", "version=2".into()));
    asked
}

/// A request of version 2 for some objects, by somebody who has some.
fn fetch_of_two(wanted: &[String], had: &[String]) -> Asked {
    let mut body = format!("{}0001{}{}", line("command=fetch\n"), line("ofs-delta\n"), line("no-progress\n"));
    for (word, list) in [("want", wanted), ("have", had)] {
        list.iter().for_each(|id| body.push_str(&line(&format!("{word} {id}\n"))));
    }
    body.push_str(&line("done\n"));
    body.push_str("0000");
    of_two(post(UPLOAD, body.into_bytes()))
}

fn has_pack(answer: &Answer) -> bool {
    channels(&answer.body).0.starts_with(b"PACK")
}

/// Counts something that happened in answers that are all 200.
fn count(turn: &mut Turn<'_>, what: &'static str) {
    turn.counts.entry(what).or_default()[0] += 1;
}

/// The commit that the branch stands at, as its refs say.
fn head(answer: &Answer) -> Option<String> {
    let lines = packets(&answer.body).into_iter().filter_map(|line| std::str::from_utf8(line).ok());
    let mut ids = lines.filter_map(|line| line.split_once(' ')).map(|(id, _)| id);
    ids.find(|id| id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit())).map(str::to_string)
}

fn refs(turn: &mut Turn<'_>) {
    turn.ask(&service(UPLOAD));
}

fn refs_to_push(turn: &mut Turn<'_>) {
    turn.ask(&service(RECEIVE));
}

fn refs_of_two(turn: &mut Turn<'_>) {
    turn.ask(&of_two(service(UPLOAD)));
    let body = format!("{}0001{}{}0000", line("command=ls-refs\n"), line("peel\n"), line("symrefs\n"));
    turn.ask(&of_two(post(UPLOAD, body.into_bytes())));
}

/// All of a wiki, if it is given: its commit and its pack.
fn cloned(turn: &mut Turn<'_>) -> Option<(String, Vec<u8>)> {
    let head = head(&turn.ask(&service(UPLOAD))?)?;
    let body = format!("{}0000{}", line(&format!("want {head} side-band-64k ofs-delta no-progress\n")), line("done\n"));
    let answer = turn.ask(&post(UPLOAD, body.into_bytes()))?;
    let (pack, _) = channels(&answer.body);
    pack.starts_with(b"PACK").then(|| {
        count(turn, DONE[0]);
        (head, pack)
    })
}

fn clone(turn: &mut Turn<'_>) {
    cloned(turn);
}

fn clone_of_two(turn: &mut Turn<'_>) {
    let body = format!("{}0001{}0000", line("command=ls-refs\n"), line("ref-prefix refs/heads/\n"));
    let Some(head) = turn.ask(&of_two(post(UPLOAD, body.into_bytes()))).and_then(|answer| head(&answer)) else { return };
    turn.ask(&fetch_of_two(&[head], &[]));
}

fn since(turn: &mut Turn<'_>) {
    let Some(head) = turn.ask(&service(UPLOAD)).and_then(|answer| head(&answer)) else { return };
    let had = turn.revision(turn.wiki);
    turn.ask(&fetch_of_two(&[head], &[had]));
}

/// Commits by their names: of the wiki, of another one, of what waits as a proposal.
fn by_name(turn: &mut Turn<'_>) {
    let other = (turn.wiki + 1 + turn.random.below(WIKIS - 1)) % WIKIS;
    let (wanted, what) = match turn.random.below(3) {
        0 => (turn.revision(other), "a commit of another wiki"),
        1 => {
            let Some(id) = proposed(turn) else { return };
            (id, "what waits as a proposal")
        }
        _ => (turn.revision(turn.wiki), ""),
    };
    let asked = fetch_of_two(&[wanted], &[]);
    let Some(answer) = turn.ask(&asked) else { return };
    if has_pack(&answer) && !what.is_empty() {
        turn.found(&format!("{what} was fetched by its name: {}", String::from_utf8_lossy(&asked.body)));
    }
}

/// The commit of a proposal, which no door tells: from the disk.
fn proposed(turn: &mut Turn<'_>) -> Option<String> {
    let entries = std::fs::read_dir(turn.world.wikis[turn.wiki].repo.join("refs/holt/proposals")).ok()?;
    let mut refs: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_none()).collect();
    refs.sort();
    let id = std::fs::read_to_string((!refs.is_empty()).then(|| turn.random.of(&refs))?).ok()?;
    Some(id.trim().to_string()).filter(|id| id.len() == 40)
}

/// A commit as `git fast-import` reads it.
fn stream(base: Option<&str>, who: &str, message: &str, files: &[(&str, String, &str)]) -> Vec<u8> {
    let mut stream = format!("commit refs/heads/new\nauthor {who} 1700000000 +0000\ncommitter {who} 1700000000 +0000\n");
    write!(stream, "data {}\n{message}\n", message.len()).unwrap();
    base.iter().for_each(|base| writeln!(stream, "from {base}").unwrap());
    for (mode, file, content) in files {
        write!(stream, "M {mode} inline {file}\ndata {}\n{content}\n", content.len()).unwrap();
    }
    stream.into_bytes()
}

fn word_of(turn: &mut Turn<'_>, what: &'static str, sight: Sight) -> String {
    turn.canary(what, &[sight]).1
}

/// Somebody, as a commit names them.
fn somebody(turn: &mut Turn<'_>, sight: Sight) -> String {
    let (name, mail) = (word_of(turn, "name of an author", sight), word_of(turn, "address of an author", sight));
    format!("{name} <{mail}@example.org>")
}

/// Pushes `new` to `reference` with a pack, of which `clear` is what it says. Whether it was taken, and what the client reads.
fn send(turn: &mut Turn<'_>, old: &str, new: &str, reference: &str, pack: &[u8], clear: Vec<u8>) -> Option<(bool, String)> {
    turn.ask(&service(RECEIVE));
    let wish = line(&format!("{old} {new} {reference}\0 report-status side-band-64k"));
    let mut asked = post(RECEIVE, [wish.as_bytes(), b"0000", pack].concat());
    asked.clear = clear;
    let answer = turn.ask(&asked)?;
    let (report, said) = channels(&answer.body);
    let taken = packets(&report).iter().any(|line| line.starts_with(b"ok "));
    Some((taken, said))
}

/// Where a push begins: a clone, or something that nobody was given.
fn start(turn: &mut Turn<'_>) -> (Scratch, Option<String>) {
    let scratch = Scratch::new();
    let base = cloned(turn).map(|(head, pack)| {
        scratch.git(&["index-pack", "--stdin"], &pack).unwrap();
        head
    });
    (scratch, base)
}

/// Whoever comes second fetches and tries again, as git's users do.
fn push(turn: &mut Turn<'_>) {
    let zone = *turn.random.of(&Zone::ALL);
    let path = if writing::is_full(turn) { turn.page().path } else { writing::name(turn, zone) };
    let zone = Zone::ALL.into_iter().find(|zone| *zone != Zone::Open && path.split('/').next() == Some(zone.top())).unwrap_or(Zone::Open);
    let (text, message) = (writing::text(turn, zone), writing::message_for(turn, zone));
    let who = somebody(turn, Sight::Zone(turn.wiki, zone));
    for _ in 0..6 {
        let (scratch, base) = start(turn);
        let stream = stream(base.as_deref(), &who, &message, &[("100644", format!("{path}.md"), &text)]);
        let (new, pack) = scratch.commit(&stream, base.as_deref());
        // Who was given nothing tries all the same.
        let old = base.unwrap_or_else(|| turn.revision(turn.wiki));
        let Some((taken, said)) = send(turn, &old, &new, "refs/heads/main", &pack, stream) else { return };
        count(turn, DONE[if taken { 1 } else { 2 }]);
        if taken {
            turn.keep(&new, zone);
            writing::know(turn, Page { path, zone, files: Vec::new(), stays: false });
            return;
        }
        if !said.contains("etch first") {
            return;
        }
    }
}

fn propose(turn: &mut Turn<'_>) {
    let (scratch, base) = start(turn);
    let page = turn.page();
    let maker = turn.world.actors[turn.actor].person.unwrap_or(super::model::ROOT);
    let sight = Sight::Proposal(turn.wiki, page.zone, maker);
    let mut word = |what| word_of(turn, what, sight);
    let (text, title, about) = (word("text that is proposed"), word("title of a proposal"), word("message of a proposal"));
    let files = [("100644", format!("{}.md", page.path), text.as_str())];
    let stream = stream(base.as_deref(), "Otter <otter@example.org>", &format!("{title}\n\n{about}\n"), &files);
    let (new, pack) = scratch.commit(&stream, base.as_deref());
    let Some((taken, said)) = send(turn, ZERO, &new, "refs/for/main", &pack, stream) else { return };
    let number = said.split("Proposal #").nth(1).and_then(|rest| rest.split(':').next()?.parse().ok());
    if taken && number.is_some() {
        count(turn, DONE[3]);
    }
    writing::proposed(turn, number, sight);
}

/// What nobody may push, in words that only some may read.
fn refused(turn: &mut Turn<'_>) {
    let (scratch, base) = start(turn);
    let zone = *turn.random.of(&Zone::ALL);
    let mut word = |what| turn.word(what, zone);
    let (name, text, branch) = (word("name of a page"), word("text"), word("name of a branch"));
    let path = zone.page(&name);
    let (mut old, mut parent) = (base.clone().unwrap_or_else(|| ZERO.to_string()), base.as_deref());
    let (mut mode, mut file, mut message, mut reference) =
        ("100644", format!("{path}.md"), "words".to_string(), "refs/heads/main".to_string());
    match turn.random.below(8) {
        0 => mode = "120000",
        1 => file = format!("{path}:x.md"),
        2 => file = format!("{path}/edit.md"),
        3 => message = format!("{text}\n\nHolt-Op: {text}"),
        4 => reference = format!("refs/heads/{branch}"),
        5 => reference = format!("refs/tags/{branch}"),
        // A history of its own.
        6 => parent = None,
        _ => {
            let other = turn.random.below(WIKIS);
            old = turn.revision(other);
        }
    }
    let stream = stream(parent, "Otter <otter@example.org>", &message, &[(mode, file, &text)]);
    let (new, pack) = scratch.commit(&stream, parent);
    if let Some((taken, _)) = send(turn, &old, &new, &reference, &pack, stream) {
        // By chance it is what the branch stands at.
        if taken && base.as_ref() != Some(&old) {
            turn.found(&format!("a push from {old} to {new} at {reference} was taken"));
        }
        if !taken {
            count(turn, DONE[2]);
        }
    }
}

#[test]
fn packs_are_looked_into() {
    let scratch = Scratch::new();
    let files = [("100644", "Page.md".to_string(), "zqholtq in a pack")];
    let (_, pack) = scratch.commit(&stream(None, "A <a@b>", "said", &files), None);
    let body = [line("NAK\n").into_bytes(), line("\u{2}beside\n").into_bytes()].concat();
    let packet = [format!("{:04x}\u{1}", pack.len() + 5).into_bytes(), pack.clone(), b"0000".to_vec()].concat();
    let answer = |body: Vec<u8>| Answer { status: 200, head: String::new(), body, clear: Vec::new() };
    let clear = clear(&answer([body, packet].concat())).unwrap();
    let clear = String::from_utf8_lossy(&clear);
    assert!(["beside", "zqholtq in a pack", "Page.md", "said", "A <a@b>"].iter().all(|part| clear.contains(part)), "{clear}");
    let torn = [format!("{:04x}\u{1}", pack.len()).into_bytes(), pack[..pack.len() - 5].to_vec()].concat();
    assert!(super::git::clear(&answer(torn)).is_err());
}
