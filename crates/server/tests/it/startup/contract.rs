//! The contract: for each program, what it may have opened, made, mapped, run and reached before anybody asked it for anything (docs/startup.md).
//!
//! A row is data. What breaks it is said in a sentence that names the program and the culprit; each row has a control: what its first use opens must be seen.

use super::observe::{self, Blind, Event, Seen, fits};
use crate::client::Server;
use holt_core::{Actor, Edit, PagePath};
use holt_engine::{Clock, Engine, EngineOptions, pages};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// One program and what it may do.
pub struct Contract {
    /// What people type.
    pub name: &'static str,
    /// What is run; `{data}` is the data directory.
    pub program: Program,
    pub args: &'static [&'static str],
    /// When it is looked at, and what is asked of it then.
    pub until: Until,
    /// How many wikis there are.
    pub wikis: usize,
    /// Files of ours that it may open by then, and make; `*` stands for anything.
    pub opens: &'static [&'static str],
    pub makes: &'static [&'static str],
    /// Its threads, and how many of each there may be.
    pub threads: &'static [(&'static str, usize)],
    /// What its first use opens: the control.
    pub then: &'static [&'static str],
}

/// See [`Contract::program`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Holt,
    Edge,
    Python,
}

/// See [`Contract::until`].
#[derive(Clone, Copy)]
pub enum Until {
    /// It prints its first line: nobody takes it. There is no use of it but that.
    Prints,
    /// It waits for its standard input, which is then this.
    Reads(&'static str),
    /// It listens; then this page is asked for.
    Listens(&'static str),
    /// It has said what it works at, and there is nothing to do.
    Works,
}

/// What everything that runs here opens: the loader's files, and what Linux says of the machine.
const SYSTEM: &[&str] = &["/etc/ld.so.*", "/lib*", "/usr/lib*", "/proc/*", "/sys/*", "/dev/*"];
/// Of Python alone: its own library, wherever it is.
const PYTHON: &[&str] = &["/usr/*", "/opt/*", "/etc/*", "*/python3*", "*/libpython3*", "*/pyvenv.cfg"];
/// Libraries that programs of ours may be linked to: the C library's and the compiler's.
const LIBRARIES: &[&str] =
    &["*/ld-linux*", "*/ld-musl*", "*/libc.so*", "*/libm.so*", "*/libgcc_s.so*", "*/libpthread.so*", "*/libdl.so*", "*/librt.so*"];

/// What was seen of a start: how it stood when it was done, and how many calls of the system it took, if strace can be used here.
pub struct Start {
    pub seen: Seen,
    pub calls: Option<usize>,
}

/// Holds a program to its row.
pub fn hold(row: &Contract) -> Start {
    let place = Place::new(row.wikis);
    let Some(program) = program(row, &place) else {
        holt_testkit::report_skip(module_path!(), &format!("{} is not built: make debug-binary python-test", row.name));
        return Start { seen: observe::look(std::process::id()), calls: None };
    };
    let seen = one_moment(row, &place, &program);
    let calls = match observe::sees(&place.at("home")) {
        Ok(()) => Some(all_the_way(row, &place, &program)),
        Err(Blind::Missing) => {
            holt_testkit::report_skip(module_path!(), "strace is not installed");
            None
        }
        Err(Blind::Forbidden) => {
            let _ = writeln!(std::io::stderr(), "SKIPPED {}: ptrace is forbidden in this container; what /proc shows was held", row.name);
            None
        }
    };
    Start { seen, calls }
}

/// `home/` (where it runs), `data/` and, of Python, `module/`, which is what a wheel holds.
struct Place(tempfile::TempDir);

impl Place {
    fn new(wikis: usize) -> Self {
        // In memory, where making a thousand repositories durable costs nothing.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let data = dir.path().join("data");
        std::fs::create_dir(dir.path().join("home")).unwrap();
        if wikis > 0 {
            Server::prepare_many(&data, wikis);
            let engine = Engine::open(EngineOptions::new(&data, Clock::fixed(1_700_000_000))).unwrap();
            let wiki = engine.wiki_named("wiki-0").unwrap();
            let scope = wiki.grant::<holt_engine::Write>(&Actor::System).unwrap();
            let edit = Edit::new(PagePath::parse("Home").unwrap(), None, "# Home\n".into(), "").unwrap();
            pages::save(&scope, &edit, None).unwrap();
            engine.settle_all().unwrap();
            drop((wiki, engine));
            let added =
                Server::command_with_input(&data, &["user", "add", "ann@example.org", "--admin", "--password-stdin"], "correct horse\n");
            assert_eq!(added.0, 0, "{}", added.2);
            // What only a first start does is done.
            Server::start(&data, &[]).stop();
            // As if workers had looked at all of these wikis, which takes them a while: nothing is owed.
            let db = rusqlite::Connection::open(data.join("holt.db")).unwrap();
            db.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM work; DELETE FROM moved;").unwrap();
        }
        Self(dir)
    }
    fn at(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }
    /// A path below this place as rows have it; none for what is elsewhere.
    fn ours(&self, path: &Path) -> Option<String> {
        path.strip_prefix(self.at("")).ok().map(|rest| rest.display().to_string())
    }
}

/// A program of a row, stopped where the row says.
struct Running {
    child: Child,
    /// What stands behind the words by which it says that it is ready.
    said: Option<String>,
    /// Full, or empty and nobody's: what keeps it where it is.
    _stdout: Option<std::io::PipeReader>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What another crate builds beside `holt`.
fn beside(name: &str) -> Option<PathBuf> {
    let file = Server::binary().with_file_name(name);
    file.is_file().then_some(file)
}

/// Python's module laid out as in its wheel.
fn lay_out_module(place: &Place) -> Option<()> {
    let (native, package) = (beside("lib_holt.so")?, place.at("module/holt"));
    std::fs::create_dir_all(&package).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python/holt/__init__.py");
    std::fs::copy(source, package.join("__init__.py")).unwrap();
    std::fs::copy(native, package.join("_holt.abi3.so")).map(drop).ok()
}

fn program(row: &Contract, place: &Place) -> Option<PathBuf> {
    match row.program {
        Program::Holt => Some(Server::binary().to_path_buf()),
        Program::Edge => beside("holt-edge"),
        Program::Python => lay_out_module(place).map(|()| {
            let said = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
            PathBuf::from(String::from_utf8(said.stdout).unwrap().trim())
        }),
    }
}

impl Running {
    fn start(row: &Contract, place: &Place, mut command: Command) -> Self {
        let fill = |arg: &&str| arg.replace("{data}", place.at("data").to_str().unwrap());
        command.args(row.args.iter().map(fill)).current_dir(place.at("home")).env_clear().env("HOME", place.at("home"));
        command.env("HOLT_DATA", place.at("data")).env("HOLT_LOG", "error").env("PATH", std::env::var_os("PATH").unwrap());
        command.env("PYTHONPATH", place.at("module")).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::piped());
        let mut stdout = None;
        match row.until {
            Until::Prints => {
                // A pipe without room: whoever writes to it waits.
                let (reader, mut writer) = std::io::pipe().unwrap();
                writer.write_all(&[b' '; 65_536]).unwrap();
                command.stdout(writer);
                stdout = Some(reader);
            }
            Until::Reads(_) | Until::Listens(_) | Until::Works => drop(command.stdout(Stdio::piped())),
        }
        let child = command.spawn().unwrap();
        // With it goes the other end of its pipe.
        drop(command);
        let mut running = Self { child, said: None, _stdout: stdout };
        let word = match row.until {
            Until::Listens(_) => Some("listening on http://"),
            Until::Works => Some("ready for: "),
            Until::Prints | Until::Reads(_) => None,
        };
        if let Some(word) = word {
            let mut lines = BufReader::new(running.child.stdout.take().unwrap()).lines();
            let line = lines.find_map(|line| line.unwrap().strip_prefix(word).map(str::to_string));
            running.said = Some(line.unwrap_or_else(|| panic!("{} ended before it said {word:?}", row.name)));
            std::thread::spawn(move || lines.count());
        }
        observe::settle(running.child.id());
        running
    }
    fn get(&self, path: &str) -> String {
        let address = self.said.as_ref().unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
    /// What the row says is asked of it.
    fn first_use(&mut self, row: &Contract) {
        match row.until {
            Until::Prints => drop(self._stdout.take()),
            Until::Works => {}
            Until::Reads(text) => self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap(),
            Until::Listens(path) => {
                let answer = self.get(path);
                assert!(answer.starts_with("HTTP/1.1 200"), "{}: {path} answers {answer}", row.name);
            }
        }
    }
    /// Its end, as it ends by itself or is asked to.
    fn end(&mut self) {
        drop(self.child.stdin.take());
        if self.said.is_some() {
            assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        }
        self.child.wait().unwrap();
    }
}

/// What of these paths a row does not allow, in sentences.
fn complaints<'p>(
    row: &Contract,
    place: &Place,
    did: &str,
    paths: impl IntoIterator<Item = &'p PathBuf>,
    allowed: &[&str],
    program: &Path,
) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for path in paths {
        let elsewhere = path.to_str().unwrap_or_default();
        let fine = match place.ours(path) {
            Some(ours) => allowed.iter().any(|pattern| fits(pattern, &ours)) || ours == "home",
            None => {
                path == program
                    || SYSTEM.iter().any(|pattern| fits(pattern, elsewhere))
                    || row.program == Program::Python && PYTHON.iter().any(|pattern| fits(pattern, elsewhere))
            }
        };
        let named = place.ours(path).unwrap_or_else(|| elsewhere.to_string());
        if !fine {
            found.push(format!("{} {did} {named} before anybody asked for it; by then it may have {allowed:?}", row.name));
        }
    }
    found.dedup();
    found
}

/// What is wrong with one moment of it.
fn judge(row: &Contract, place: &Place, seen: &Seen, program: &Path) -> Vec<String> {
    let mut wrong = complaints(row, place, "has open", &seen.open, row.opens, program);
    wrong.extend(complaints(row, place, "has mapped", &seen.mapped, row.opens, program));
    for library in seen.mapped.iter().filter(|file| place.ours(file).is_none() && *file != program && row.program != Program::Python) {
        if !LIBRARIES.iter().any(|pattern| fits(pattern, library.to_str().unwrap())) {
            wrong.push(format!("{} is linked to {}, which is not one of {LIBRARIES:?}", row.name, library.display()));
        }
    }
    for name in &seen.threads {
        let most = row.threads.iter().find(|(known, _)| fits(known, name)).map_or(0, |(_, most)| *most);
        let there = seen.threads.iter().filter(|other| *other == name).count();
        if there > most {
            wrong.push(format!(
                "{} runs {there} threads called {name} before anybody asked for anything, where {most} are allowed",
                row.name
            ));
        }
    }
    wrong.sort();
    wrong.dedup();
    wrong
}

/// Looks at a row's program by /proc: what is there at that moment, what it made, and that its first use would have been seen.
fn one_moment(row: &Contract, place: &Place, program: &Path) -> Seen {
    let there = observe::walk(&place.at(""));
    let mut running = Running::start(row, place, Command::new(program));
    let seen = observe::look(running.child.id());
    let mut wrong = judge(row, place, &seen, program);
    let made: Vec<PathBuf> = observe::walk(&place.at("")).difference(&there).cloned().collect();
    wrong.extend(complaints(row, place, "made", &made, row.makes, program));
    assert!(wrong.is_empty(), "the start-up contract (docs/startup.md) is broken:\n{}", wrong.join("\n"));
    // The controls: itself and its libraries are seen, and so is what its first use opens, if that stays open.
    assert!(
        seen.mapped.iter().any(|file| fits("*libc*", file.to_str().unwrap())) && !seen.threads.is_empty() && seen.own > 0,
        "control: {seen:?}"
    );
    running.first_use(row);
    let used = if matches!(row.until, Until::Listens(_)) { Some(observe::look(running.child.id())) } else { None };
    running.end();
    if let (Program::Holt, Some(used)) = (row.program, used) {
        let late = judge(row, place, &used, program);
        assert!(late.iter().any(|line| line.contains("wiki.db")), "control: {} opened no wiki when it was asked to: {used:?}", row.name);
    }
    seen
}

/// Watches a row's program by strace: all that it opened, made, ran and reached, however shortly. How many system calls that took.
fn all_the_way(row: &Contract, place: &Place, program: &Path) -> usize {
    let trace = tempfile::NamedTempFile::new().unwrap();
    let there = observe::walk(&place.at(""));
    let mut running = Running::start(row, place, observe::traced(program, trace.path()));
    running.first_use(row);
    running.end();
    let (events, calls) = observe::events(trace.path(), running.child.id(), &place.at("home"));
    let asked = events.iter().position(|event| *event == Event::Asked).unwrap_or(events.len());
    let (before, after) = events.split_at(asked);
    fn opened(events: &[Event]) -> Vec<PathBuf> {
        let opened =
            events.iter().filter_map(|event| if let Event::Opened(path) | Event::Made(path) = event { Some(path.clone()) } else { None });
        opened.collect()
    }
    let made = |events: &[Event]| -> Vec<PathBuf> {
        let new = |path: &&PathBuf| place.ours(path).is_some() && !there.contains(*path);
        let mut made: Vec<PathBuf> = opened(events).iter().filter(new).cloned().collect();
        made.extend(events.iter().filter_map(|event| if let Event::Made(path) = event { Some(path.clone()) } else { None }));
        made
    };
    let mut wrong = complaints(row, place, "opened", &opened(before), row.opens, program);
    wrong.extend(complaints(row, place, "made", &made(before), row.makes, program));
    // The first program is itself.
    for event in before
        .iter()
        .filter(|event| matches!(event, Event::Ran(_)))
        .skip(1)
        .chain(before.iter().filter(|event| matches!(event, Event::Reached(_))))
    {
        wrong.push(format!("{} did {event:?} before anybody asked for anything", row.name));
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "the start-up contract (docs/startup.md) is broken:\n{}", wrong.join("\n"));
    assert!(opened(before).iter().any(|file| fits("*libc*", file.to_str().unwrap())), "control: strace saw no library opened: {before:?}");
    for pattern in row.then {
        let found = opened(after).iter().any(|file| place.ours(file).is_some_and(|ours| fits(pattern, &ours)));
        assert!(found, "control: the first use of {} opens {pattern}, and strace did not see it: {after:?}", row.name);
    }
    calls
}

/// What a program that waits to be used has in memory, without and with its first use done: the text is printed where nobody takes it.
pub fn memory_of(args: &'static [&'static str], text: &str) -> (Seen, Seen) {
    let place = Place::new(0);
    let row = Contract {
        name: "holt",
        program: Program::Holt,
        args,
        until: Until::Prints,
        wikis: 0,
        opens: &[],
        makes: &[],
        threads: &[],
        then: &[],
    };
    let mut running = Running::start(&row, &place, Command::new(Server::binary()));
    let before = observe::look(running.child.id());
    if let Some(mut stdin) = running.child.stdin.take() {
        // Who only prints reads nothing.
        let _ = stdin.write_all(text.as_bytes());
    }
    observe::settle(running.child.id());
    (before, observe::look(running.child.id()))
}
