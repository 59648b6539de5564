//! The start-up contract: nothing is opened, made, run or kept in memory before somebody asks for it. docs/startup.md is the same table for people.

mod contract;
pub mod observe;

use crate::client::Server;
use contract::{Contract, Program, Until};
use std::path::{Path, PathBuf};

/// The platform's database with what SQLite has beside it, and the posts and the company of workers , which are small files.
const DIRECTORY: &[&str] = &["data/lock", "data/holt.db", "data/holt.db-wal", "data/holt.db-shm", "data/workers*", "data/company"];
const MADE: &[&str] = &["data/holt.db-wal", "data/holt.db-shm", "data/workers*", "data/company"];
/// The runtime's own two and those of its pool; mail, which waits for something to send; workers, and whoever tells them something.
const SERVER_THREADS: &[(&str, usize)] = &[("holt", 1), ("tokio-*", 7), ("holt-mail", 2), ("holt-workers", 1), ("holt-control", 1)];
const SERVER: Contract = Contract {
    name: "holt serve",
    program: Program::Holt,
    args: &["serve", "--listen", "127.0.0.1:0", "--default-wiki", "wiki-0"],
    until: Until::Listens("/-/changelog"),
    wikis: 1,
    opens: DIRECTORY,
    makes: MADE,
    threads: SERVER_THREADS,
    then: &["data/wikis/*/wiki.db", "data/wikis/*/index.db"],
};

/// Of each worker: `args` and `name` are filled in.
const WORKER: Contract = Contract {
    name: "holt worker index",
    program: Program::Holt,
    args: &["worker", "index"],
    until: Until::Works,
    wikis: 1,
    opens: DIRECTORY,
    makes: MADE,
    threads: &[("holt", 1), ("holt-workers", 1), ("holt-control", 1), ("holt-mail", 2)],
    then: &[],
};

/// Of a command that needs no data directory.
const HELP: Contract = Contract {
    name: "holt --help",
    program: Program::Holt,
    args: &["--help"],
    until: Until::Prints,
    wikis: 0,
    opens: &[],
    makes: &[],
    threads: &[("holt", 1)],
    then: &[],
};

const CONTRACTS: &[Contract] = &[
    SERVER,
    Contract { name: "holt serve with 1,000 wikis", wikis: 1_000, ..SERVER },
    HELP,
    Contract { name: "holt render", args: &["render"], until: Until::Reads("# Hello\n"), ..HELP },
    Contract {
        name: "holt-edge",
        program: Program::Edge,
        args: &["--fragments", "{data}/fragments", "--listen", "127.0.0.1:0", "--default-wiki", "wiki-0"],
        until: Until::Listens("/"),
        wikis: 1,
        // Which wiki that name is, and which file says so.
        opens: &["data/fragments/hosts/*"],
        makes: &[],
        threads: &[("holt-edge", 1), ("readers", 7)],
        then: &["data/fragments/*"],
    },
    Contract {
        name: "import holt",
        program: Program::Python,
        args: &["-S", "-c", "import holt, sys; text = sys.stdin.read(); print(holt.render(text))"],
        until: Until::Reads("# Hello\n"),
        wikis: 0,
        opens: &["module", "module/holt", "module/holt/__init__.py"],
        makes: &[],
        threads: &[("python3*", 1)],
        then: &["module/holt/_holt.abi3.so"],
    },
];

fn contract(name: &str) -> &'static Contract {
    CONTRACTS.iter().find(|row| row.name == name).unwrap()
}

macro_rules! held {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            contract::hold(contract($name));
        })*
        #[test]
        fn every_contract_is_held() {
            let rows: Vec<&str> = CONTRACTS.iter().map(|row| row.name).collect();
            assert_eq!(rows, ["holt serve", "holt serve with 1,000 wikis", $($name),*]);
        }
    };
}

held! {
    help_opens_nothing: "holt --help",
    render_opens_nothing: "holt render",
    an_edge_opens_nothing_of_a_wiki: "holt-edge",
    the_python_package_loads_nothing: "import holt",
}

/// All there are, as the program names them.
#[test]
fn workers_open_no_wiki() {
    let place = tempfile::tempdir().unwrap();
    let (_, help, _) = Server::command(place.path(), &["worker", "--help"]);
    let listed = help.split("Options:").next().unwrap().lines();
    let names: Vec<String> = listed.filter_map(|line| Some(line.trim().strip_prefix("- ")?.split_once(':')?.0.to_string())).collect();
    assert!(names.len() > 5 && names.contains(&"index".to_string()), "control: {names:?} in {help}");
    for name in names {
        let called: &'static str = format!("holt worker {name}").leak();
        let args: &'static [&'static str] = vec!["worker", &*name.leak()].leak();
        contract::hold(&Contract { name: called, args, ..WORKER });
    }
}

/// Both are held, and a thousand wikis cost a start what one costs: in memory, and in questions to the system.
#[test]
fn a_server_opens_no_wiki_and_costs_the_same_however_many_there_are() {
    let (one, many) = (contract::hold(contract("holt serve")), contract::hold(contract("holt serve with 1,000 wikis")));
    let (help, _) = contract::memory_of(&["--help"], "");
    for (what, one, many, help) in
        [("in memory", one.seen.rss, many.seen.rss, help.rss), ("of its own", one.seen.own, many.seen.own, help.own)]
    {
        println!("{what}: {help} KiB to print help, {one} KiB to serve, {many} KiB to serve 1,000 wikis");
        assert!(
            10 * many <= 13 * one,
            "holt serve has {many} KiB {what} with 1,000 wikis, {one} KiB with one: more than 1.3 times as much"
        );
        assert!(
            10 * one <= 25 * help,
            "holt serve has {one} KiB {what} before it is asked for anything, {help} KiB are there to print its help"
        );
    }
    let (Some(one), Some(many)) = (one.calls, many.calls) else { return };
    println!("calls of the system: {one}, with 1,000 wikis {many}");
    assert!(many <= 2 * one, "holt serve asks the system {many} times at its start with 1,000 wikis, {one} times with one");
    assert!(one > 50, "control: {one} calls are too few to be a start");
}

/// Grammars are made when the first code is shown, not before: one sees the memory they take.
#[test]
fn grammars_come_with_the_first_code() {
    let plain = "# Title\n\nText *and* more.\n".repeat(40);
    let code = format!("{plain}```rust\nfn main() {{ println!(\"hello\"); }}\n```\n");
    let (before, without) = contract::memory_of(&["render"], &plain);
    let (_, with) = contract::memory_of(&["render"], &code);
    let (text, grammars) = (without.own.saturating_sub(before.own), with.own.saturating_sub(without.own));
    println!("{} KiB before, {text} KiB for a text, {grammars} KiB more for its code", before.own);
    assert!(
        4 * text < grammars,
        "holt render takes {text} KiB for a text without code, and {grammars} KiB more with some: grammars were made for both"
    );
}

/// Files that process `pid` has open below `dir`.
fn open_files(pid: u32, dir: &Path) -> Vec<PathBuf> {
    let dir = dir.canonicalize().unwrap();
    observe::look(pid).open.into_iter().filter(|target| target.starts_with(&dir)).collect()
}

#[test]
fn a_published_page_needs_neither_git_nor_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    {
        let mut server = Server::start(dir.path(), &[]);
        let client = server.client();
        client.log_in("ann@example.org", "correct horse");
        assert_eq!(client.save("Guide", "# Guide\n", "first"), Some(303));
        server.stop();
    }
    let mut server = Server::start(dir.path(), &[]);
    let client = server.client();
    let before = open_files(server.pid(), &dir.path().join("wikis"));
    let page = client.get("/Guide");
    assert_eq!((page.status, before.len()), (200, 0));
    assert!(page.body_text().contains("<h1"));
    assert_eq!(open_files(server.pid(), &dir.path().join("wikis")), Vec::<PathBuf>::new(), "reading a page opened something of its wiki");
    // The control: history does.
    assert_eq!(client.get("/Guide/history").status, 200);
    assert!(!open_files(server.pid(), &dir.path().join("wikis")).is_empty());
    server.stop();
}

/// The timeline that `--explain-startup` prints: steps in the order of time, with what was opened, up to the first page.
#[test]
fn a_start_explains_itself_when_it_is_asked_to() {
    let dir = tempfile::tempdir().unwrap();
    let (data, log) = (dir.path().join("data"), dir.path().join("log"));
    Server::prepare(&data, "docs");
    let mut server = Server::start_logged(Server::binary(), &data, &["--explain-startup"], "error", &log);
    let client = server.client();
    assert_eq!(client.get("/-/healthz").status, 200);
    assert!(!std::fs::read_to_string(&log).unwrap().contains("first page"), "what is no page was taken for one");
    assert_eq!([client.get("/-/changelog").status, client.get("/-/about").status], [200, 200]);
    server.stop();
    let told = std::fs::read_to_string(&log).unwrap();
    let steps: Vec<(f64, &str)> = told
        .lines()
        .filter_map(|line| line.split_once(" ms "))
        .map(|(since, step)| (since.trim().parse().unwrap(), step.trim_start().split_once("  ").unwrap().1))
        .collect();
    assert!(steps.is_sorted_by(|(before, _), (after, _)| before <= after), "{told}");
    let at = |what: &str| steps.iter().position(|(_, step)| step.contains(what)).unwrap_or_else(|| panic!("nothing of {what:?} in {told}"));
    assert!(at("command line") < at("holt.db") && at("holt.db") < at("listening (") && at("listening (") < at("first page"), "{told}");
    assert!(steps[at("first page")].1.contains("index.db"), "control: what the page needed is named as opened then: {told}");
    assert_eq!(at("first page"), steps.len() - 1, "one first page, and nothing after it: {told}");
    // Without the flag nobody hears of it.
    let mut server = Server::start_logged(Server::binary(), &data, &[], "error", &dir.path().join("quiet"));
    assert_eq!(server.client().get("/-/changelog").status, 200);
    server.stop();
    assert_eq!(std::fs::read_to_string(dir.path().join("quiet")).unwrap(), "");
}
