//! A process as it looks from outside: what Linux says of it in /proc, and what strace saw it ask for.
//!
//! /proc always works, and shows what is open, mapped and running at one moment. What was opened and closed again, or made and removed, only strace sees. It
//! needs ptrace, which some containers forbid: there that half is left out, loudly, and the first half still holds.

use crate::client::until;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One moment of a process.
#[derive(Debug)]
pub struct Seen {
    /// Files and folders that are open.
    pub open: BTreeSet<PathBuf>,
    /// Files that are mapped.
    pub mapped: BTreeSet<PathBuf>,
    /// The names of its threads.
    pub threads: Vec<String>,
    /// KiB that are in memory; and those of them that are its own, not a file's.
    pub rss: u64,
    pub own: u64,
}

/// Looks at a process of ours.
pub fn look(pid: u32) -> Seen {
    let say = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_else(|e| panic!("{file} of {pid}: {e}"));
    let fds = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let handed = handed_down();
    // Something may be closed while one looks.
    let named = fds.filter_map(|fd| fd.ok().and_then(|fd| Some((fd.file_name(), std::fs::read_link(fd.path()).ok()?))));
    let open = named.filter(|fd| !handed.contains(fd)).map(|(_, file)| file).filter(|file| is_file(file)).collect();
    let mapped =
        say("maps").lines().filter_map(|line| line.split_whitespace().nth(5).map(PathBuf::from)).filter(|file| is_file(file)).collect();
    let memory = say("smaps_rollup");
    let kib = |name: &str| memory.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok()).unwrap();
    Seen { open, mapped, threads: threads(pid).into_iter().map(|(name, _)| name).collect(), rss: kib("Rss:"), own: kib("Anonymous:") }
}

/// What whoever started these tests left open for every program below them, a lock of a script's, say: by number, and the file. No program of ours opened it.
fn handed_down() -> BTreeSet<(OsString, PathBuf)> {
    let stays = |number: &OsString| {
        let info = std::fs::read_to_string(Path::new("/proc/self/fdinfo").join(number)).ok()?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
        // O_CLOEXEC of fdinfo, proc_pid_fdinfo(5).
        Some(i64::from_str_radix(flags.trim(), 8).ok()? & 0o2_000_000 == 0)
    };
    let fds = std::fs::read_dir("/proc/self/fd").unwrap();
    let named = fds.filter_map(|fd| fd.ok().and_then(|fd| Some((fd.file_name(), std::fs::read_link(fd.path()).ok()?))));
    named.filter(|(number, _)| stays(number) == Some(true)).collect()
}

fn is_file(file: &Path) -> bool {
    // /dev/shm is a folder like others.
    file.is_absolute() && (!file.starts_with("/dev") || file.starts_with("/dev/shm")) && !file.starts_with("/memfd:")
}

/// Threads by name, with what Linux notes of their turns.
fn threads(pid: u32) -> Vec<(String, String)> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|task| task.unwrap().path());
    let say = |task: &Path, file: &str| std::fs::read_to_string(task.join(file)).unwrap_or_default();
    tasks.map(|task| (say(&task, "comm").trim().to_string(), say(&task, "schedstat"))).collect()
}

/// Waits until the process does nothing: every thread sleeps, and none had a turn since it was looked at last.
pub fn settle(pid: u32) {
    let mut before = Vec::new();
    until("rest", || {
        let now = threads(pid);
        let sleeps = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().all(|task| {
            let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
            stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['S', 't']))
        });
        let rests = sleeps && now == before;
        before = now;
        if rests { Ok(()) } else { Err(format!("{before:?}")) }
    });
}

/// Something that a process asked the system for and got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A file or a folder was opened.
    Opened(PathBuf),
    /// A file or a folder was made, or got another name.
    Made(PathBuf),
    /// A program was run.
    Ran(String),
    /// It tried to reach somebody.
    Reached(String),
    /// Somebody reached it, or it got something to read on its standard input.
    Asked,
}

/// What strace watches; all of it is counted.
const CALLS: &str = "trace=execve,open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,connect,accept,accept4,\
                     read,pread64,clone,clone3,stat,lstat,newfstatat,statx";

/// A command that runs `program` with strace writing to `file`. The process that one starts is the program itself: strace stands aside.
pub fn traced(program: &Path, file: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-y", "-s", "4096", "-e", CALLS, "-e", "signal=none", "-o"]).arg(file).arg(program);
    command
}

/// Why strace cannot be used here. A missing program is somebody's mistake, forbidden ptrace is how some containers are.
pub enum Blind {
    Missing,
    Forbidden,
}

/// Whether strace works here.
pub fn sees(scratch: &Path) -> Result<(), Blind> {
    let probe = scratch.join("probe");
    let tried = Command::new("strace").args(["-f", "-o"]).arg(&probe).arg("true").output();
    let _ = std::fs::remove_file(probe);
    match tried {
        Err(_) => Err(Blind::Missing),
        Ok(run) if run.status.success() => Ok(()),
        Ok(_) => Err(Blind::Forbidden),
    }
}

/// What strace wrote of a process that has ended, from its first call on, and how many calls came before [`Event::Asked`] first.
pub fn events(file: &Path, pid: u32, cwd: &Path) -> (Vec<Event>, usize) {
    let mut text = String::new();
    until("the end of the trace", || {
        text = std::fs::read_to_string(file).unwrap_or_default();
        let ended = text
            .lines()
            .any(|line| line.split_once(' ').is_some_and(|(who, end)| who == pid.to_string() && end.trim_start().starts_with("+++ ")));
        if ended { Ok(()) } else { Err(text.lines().last().unwrap_or_default().to_string()) }
    });
    let mut before = None;
    let mut events = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(event) = event(line, cwd) {
            if event == Event::Asked {
                before = before.or(Some(number));
            }
            events.push(event);
        }
    }
    (events, before.unwrap_or(text.lines().count()))
}

/// What a line of strace's says, if it is something that worked.
fn event(line: &str, cwd: &Path) -> Option<Event> {
    let call = line.split_once(' ')?.1.trim_start();
    // `12 <... openat resumed>) = 3</a>` is the end of a call that another thread's stands in the middle of.
    let name = call.strip_prefix("<... ").unwrap_or(call).split(['(', ' ']).next()?;
    let result = call.rsplit_once(" = ").map_or("", |(_, result)| result);
    let worked = result.starts_with(|c: char| c.is_ascii_digit());
    let named = |nth: usize| call.split('"').nth(2 * nth + 1).map(|path| cwd.join(path));
    match name {
        "open" | "openat" | "openat2" | "creat" if worked => {
            let path = PathBuf::from(result.split_once('<')?.1.trim_end_matches('>'));
            Some(Event::Opened(path).into_made_if(call.contains("O_EXCL")))
        }
        "mkdir" | "mkdirat" if worked => named(0).map(Event::Made),
        "rename" | "renameat" | "renameat2" | "link" | "linkat" | "symlink" | "symlinkat" if worked => named(1).map(Event::Made),
        "execve" if worked => call.split('"').nth(1).map(|program| Event::Ran(program.to_string())),
        // Whether it worked or not. Sockets of this machine's own file system are workers', who look whether there is another of them.
        "connect" if call.starts_with("connect(") && !call.contains("sa_family=AF_UNIX") => Some(Event::Reached(call.to_string())),
        "accept" | "accept4" if worked => Some(Event::Asked),
        "read" if call.starts_with("read(0<pipe:") => Some(Event::Asked),
        _ => None,
    }
}

impl Event {
    fn into_made_if(self, made: bool) -> Self {
        match self {
            Self::Opened(path) if made => Self::Made(path),
            other => other,
        }
    }
}

/// Every file and folder below a folder.
pub fn walk(folder: &Path) -> BTreeSet<PathBuf> {
    let (mut found, mut folders) = (BTreeSet::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
            found.insert(entry.path());
        }
    }
    found
}

/// Whether a text fits a pattern in which `*` stands for anything.
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn patterns_fit_what_they_say() {
    for (pattern, text, fit) in [
        ("data/lock", "data/lock", true),
        ("data/lock", "data/locks", false),
        ("data/holt.db*", "data/holt.db-wal", true),
        ("data/wikis/*/wiki.db*", "data/wikis/0a/wiki.db", true),
        ("data/wikis/*/wiki.db*", "data/wikis/0a/index.db", false),
        ("*", "", true),
        ("a*b*c", "abc", true),
        ("a*b*c", "acb", false),
    ] {
        assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
    }
}

#[test]
fn lines_of_strace_are_understood() {
    let cwd = Path::new("/home");
    let opened = |path: &str| Some(Event::Opened(path.into()));
    for (line, said) in [
        (r#"7 openat(AT_FDCWD</home>, "data/lock", O_RDWR|O_CREAT|O_CLOEXEC, 0666) = 3</home/data/lock>"#, opened("/home/data/lock")),
        (r#"7 openat(AT_FDCWD</home>, "/none", O_RDONLY) = -1 ENOENT (No such file or directory)"#, None),
        ("71 <... openat resumed>, O_RDONLY) = 3</a b/c>", opened("/a b/c")),
        (r#"7 open("/x", O_RDWR|O_CREAT|O_EXCL, 0600) = 4</x>"#, Some(Event::Made("/x".into()))),
        (r#"7 mkdir("data", 0750) = -1 EEXIST (File exists)"#, None),
        (r#"7 mkdir("data", 0750) = 0"#, Some(Event::Made("/home/data".into()))),
        (r#"7 rename("a", "b") = 0"#, Some(Event::Made("/home/b".into()))),
        (r#"7 execve("/usr/bin/git", ["git"], 0x7 /* 3 vars */) = 0"#, Some(Event::Ran("/usr/bin/git".into()))),
        (r#"7 accept4(16<socket:[7]>, {sa_family=AF_INET}, [16], SOCK_CLOEXEC) = 17<socket:[8]>"#, Some(Event::Asked)),
        ("7 accept4(16<socket:[7]>, 0x7, [128], SOCK_CLOEXEC) = -1 EAGAIN (Resource temporarily unavailable)", None),
        (r#"7 read(0<pipe:[9]>, "x", 8192) = 1"#, Some(Event::Asked)),
        (r#"7 connect(18<socket:[7]>, {sa_family=AF_UNIX, sun_path="/x.sock"}, 46) = -1 ECONNREFUSED (Connection refused)"#, None),
        (
            "7 connect(18<s>, {sa_family=AF_INET}, 16) = -1 EINPROGRESS (x)",
            Some(Event::Reached("connect(18<s>, {sa_family=AF_INET}, 16) = -1 EINPROGRESS (x)".into())),
        ),
        ("7 <... connect resumed>) = -1 ECONNREFUSED (Connection refused)", None),
        ("7 clone3({flags=CLONE_VM}, 88) = 8", None),
        ("7 +++ exited with 0 +++", None),
    ] {
        assert_eq!(event(line, cwd), said, "{line}");
    }
}
