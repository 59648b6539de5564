//! What a file may be called, say and name, by folder. STYLE.md has the table in words; this is the table that counts.
//!
//! Every rule has samples it must catch and samples it must let pass, so that a rule that sees nothing fails.

use crate::source::{self, Tests};
use std::fs;
use std::path::{Path, PathBuf};

/// A file of the repository.
struct File {
    /// From the root, with `/`.
    path: String,
    text: String,
}

struct Rule {
    name: &'static str,
    /// What is wrong with the file, one entry a finding.
    check: fn(&File) -> Vec<String>,
    guilty: &'static [(&'static str, &'static str)],
    innocent: &'static [(&'static str, &'static str)],
}

/// A technology and the only places whose code may name it.
struct Territory {
    names: &'static [&'static str],
    /// Where the rule is asked.
    within: &'static [&'static str],
    /// Folders (ending in `/`) and files where the names are at home.
    home: &'static [&'static str],
}

const EVERYWHERE: &[&str] = &["crates/"];

/// STYLE.md, "Who may name what". Tests are free; see [`is_test`].
const TERRITORIES: &[Territory] = &[
    Territory { names: &["gix"], within: EVERYWHERE, home: &["crates/engine/src/repo/"] },
    // Git, and ourselves for what may break.
    Territory {
        names: &["process::Command"],
        within: EVERYWHERE,
        home: &["crates/engine/src/repo/", "crates/server/src/thumbnails.rs", "crates/testkit/"],
    },
    Territory { names: &["rusqlite"], within: EVERYWHERE, home: &["crates/engine/src/db/", "crates/engine/src/directory/"] },
    Territory {
        names: &["axum", "hyper", "hyper_util", "tower"],
        within: EVERYWHERE,
        home: &["crates/remote/", "crates/edge/", "crates/server/"],
    },
    Territory { names: &["object_store"], within: EVERYWHERE, home: &["crates/remote/"] },
    Territory { names: &["comrak", "ammonia"], within: EVERYWHERE, home: &["crates/markdown/"] },
    Territory {
        names: &["askama"],
        within: EVERYWHERE,
        home: &["crates/engine/src/publish/", "crates/server/src/web/", "crates/server/src/platform/"],
    },
    Territory {
        names: &["std::env", "env::var", "env::var_os", "env::vars", "env::args", "env::current_dir"],
        within: EVERYWHERE,
        home: &["crates/server/src/config.rs", "crates/server/src/main.rs", "crates/edge/src/main.rs", "crates/testkit/"],
    },
    Territory {
        names: &["SystemTime::now", "Timestamp::now", "Zoned::now"],
        within: EVERYWHERE,
        // An object store says by its own clock how old files are; Lambda, until when an answer is good.
        home: &["crates/server/src/app.rs", "crates/edge/src/main.rs", "crates/remote/src/ship.rs", "crates/testkit/src/lambda.rs"],
    },
    // How long something takes is asked by whoever logs it; the engine is handed a clock.
    Territory { names: &["Instant::now"], within: EVERYWHERE, home: &["crates/server/", "crates/edge/src/main.rs", "crates/remote/"] },
    Territory {
        names: &["std::fs", "std::net", "std::thread", "std::process"],
        within: &["crates/core/src/", "crates/markdown/src/"],
        home: &[],
    },
    Territory { names: &["lettre"], within: EVERYWHERE, home: &["crates/server/src/mail/smtp.rs"] },
    Territory { names: &["tokio"], within: EVERYWHERE, home: &["crates/remote/", "crates/edge/", "crates/server/"] },
    // Who vouches for HTML: the type itself, the renderer, compiled templates.
    Territory {
        names: &["from_trusted_producer"],
        within: EVERYWHERE,
        home: &["crates/core/src/html.rs", "crates/markdown/src/", "crates/engine/src/publish/", "crates/server/src/web/"],
    },
];

const RULES: &[Rule] = &[
    Rule {
        name: "a file begins with what it knows (`//!`)",
        check: |file| {
            let missing = file.path.ends_with(".rs") && !file.text.starts_with("//! ");
            missing.then(|| "line 1: no `//! ` header".to_string()).into_iter().collect()
        },
        guilty: &[("crates/core/src/a.rs", "// A comment.\n//! Late.\n"), ("crates/core/src/a.rs", "")],
        innocent: &[("crates/core/src/a.rs", "//! Knows a.\n"), ("e2e/a.mjs", "// a\n")],
    },
    Rule {
        name: "a technology is named only where it is at home",
        check: outside_home,
        guilty: &[
            ("crates/engine/src/pages/save.rs", "//! s\nuse gix::ObjectId;\n"),
            ("crates/engine/src/pages/save.rs", "//! s\nfn f(o: &gix::Repository) {}\n"),
            ("crates/server/src/web/mod.rs", "//! s\nuse std::{io, process::{Command, Stdio}};\n"),
            ("crates/engine/src/sync.rs", "//! s\nfn f() { std::process::Command::new(\"git\"); }\n"),
            ("crates/engine/src/sync.rs", "//! s\nuse rusqlite as sql;\n"),
            ("crates/engine/src/wiki.rs", "//! s\nuse axum::Router;\n"),
            ("crates/fragments/src/store.rs", "//! s\nuse hyper_util::rt;\n"),
            ("crates/engine/src/publish/page.rs", "//! s\nfn f() { comrak::parse(); }\n"),
            ("crates/server/src/api/pages.rs", "//! s\n#[derive(askama::Template)]\nstruct S;\n"),
            ("crates/engine/src/engine.rs", "//! s\nuse std::env;\n"),
            ("crates/server/src/app.rs", "//! s\nfn f() { env::var(\"X\"); }\n"),
            ("crates/engine/src/engine.rs", "//! s\nfn f() { std::time::SystemTime::now(); }\n"),
            ("crates/engine/src/engine.rs", "//! s\nfn f() { jiff::Timestamp::now(); Instant::now(); }\n"),
            ("crates/core/src/path.rs", "//! s\nuse std::{fmt, fs};\n"),
            ("crates/engine/src/engine.rs", "//! s\nasync fn f() { tokio::spawn(g()); }\n"),
            ("crates/edge/src/page.rs", "//! s\nfn f() { SafeHtml::from_trusted_producer(x) }\n"),
        ],
        innocent: &[
            ("crates/engine/src/repo/mod.rs", "//! s\nuse gix::ObjectId;\nuse std::process::Command;\n"),
            ("crates/engine/src/pages/save.rs", "//! s\n// gix would do\n/// `rusqlite`\nconst S: &str = \"gix::x\";\n"),
            ("crates/engine/src/pages/save.rs", "//! s\n#[cfg(test)]\nmod tests { use std::process::Command; fn f() { gix::open(); } }\n"),
            ("crates/engine/tests/it/repo.rs", "//! s\nuse std::{env, process::Command};\n"),
            ("crates/server/src/config.rs", "//! s\nenum Command { A }\nfn f(c: Command) { std::env::var(\"X\"); }\n"),
            ("crates/engine/src/publish/page.rs", "//! s\nconst V: &str = env!(\"CARGO_PKG_VERSION\");\n"),
        ],
    },
    Rule {
        name: "a use case that reads asks for what its caller may see (`scope.index()`)",
        check: |file| {
            let lines = file.text.lines().enumerate().filter(|_| file.path.starts_with("crates/engine/src/pages/"));
            lines.filter(|(_, line)| line.contains(".fresh_index()")).map(|(at, _)| format!("line {}: the whole index", at + 1)).collect()
        },
        guilty: &[("crates/engine/src/pages/read.rs", "//! r\nfn f() { scope.wiki().fresh_index()?.page(k) }\n")],
        innocent: &[
            ("crates/engine/src/pages/read.rs", "//! r\nfn f() { scope.index()?.page(k) }\n"),
            ("crates/engine/src/scope.rs", "//! s\nfn f() { self.wiki.fresh_index() }\n"),
        ],
    },
    Rule {
        name: "more than 800 lines need a reason in the header",
        check: |file| {
            let lines = file.text.lines().count();
            let header =
                || file.text.lines().take_while(|l| l.starts_with("//!") || l.starts_with('#')).any(|l| l.contains("800 lines because"));
            let long = is_source(&file.path) && lines > 800 && !header();
            long.then(|| format!("{lines} lines, and no \"More than 800 lines because …\" at the top")).into_iter().collect()
        },
        guilty: &[
            ("crates/core/src/a.rs", concat_lines!("//! Knows a.\n", "x\n")),
            ("bench/run.py", concat_lines!("# Measures.\n", "x\n")),
        ],
        innocent: &[
            ("crates/core/src/a.rs", concat_lines!("//! More than 800 lines because it is one table.\n", "x\n")),
            ("e2e/package-lock.json", concat_lines!("{\n", "x\n")),
            ("crates/core/src/a.rs", "//! Short.\n"),
        ],
    },
    Rule {
        name: "a file is named for what it knows",
        check: |file| {
            let stem = |part: &str| part.split('.').next().unwrap_or_default().to_lowercase();
            let dump = |part: &&str| ["util", "utils", "common", "misc", "helper", "helpers"].contains(&stem(part).as_str());
            file.path.split('/').filter(dump).map(|part| format!("{part} says nothing")).collect()
        },
        guilty: &[("crates/core/src/utils.rs", ""), ("crates/server/src/common/mod.rs", ""), ("e2e/helpers.mjs", "")],
        innocent: &[("crates/core/src/path.rs", ""), ("crates/core/src/commonmark.rs", "")],
    },
    Rule {
        name: "what is left to do has an issue number",
        check: unnumbered_todo,
        guilty: &[
            ("crates/core/src/a.rs", "//! a\nfn f() {} // TODO: later\n"),
            ("crates/core/src/a.rs", "//! a\n/* FIXME(#3) */\n"),
            ("Makefile", "# TODO tidy up\n"),
        ],
        innocent: &[
            ("crates/core/src/a.rs", "//! a\n// TODO(#12): later\nconst S: &str = \"TODO\";\n"),
            ("bench/run.py", "# TODO(#7) faster\n"),
        ],
    },
    Rule {
        name: "a manifest takes versions, features and lints from the workspace",
        check: own_versions,
        guilty: &[
            ("crates/core/Cargo.toml", "[lints]\nworkspace = true\n[dependencies]\nserde = \"1\"\n"),
            ("crates/core/Cargo.toml", "[lints]\nworkspace = true\n[target.'cfg(unix)'.dependencies]\nlibc = { version = \"1\" }\n"),
            ("crates/core/Cargo.toml", "[lints]\nworkspace = true\n[dependencies.serde]\nversion = \"1\"\n"),
            ("crates/core/Cargo.toml", "[dependencies]\nserde.workspace = true\n"),
        ],
        innocent: &[(
            "crates/core/Cargo.toml",
            "[lints]\nworkspace = true\n[dependencies]\nserde.workspace = true\nb = { workspace = true, optional = true }\n",
        )],
    },
];

/// A text of more than 800 lines, made while compiling.
macro_rules! concat_lines {
    ($first:literal, $line:literal) => {
        concat!($first, concat_lines!(@ten concat_lines!(@ten concat_lines!(@ten $line))))
    };
    (@ten $($line:tt)*) => {
        concat!($($line)*, $($line)*, $($line)*, $($line)*, $($line)*, $($line)*, $($line)*, $($line)*, $($line)*, $($line)*)
    };
}
use concat_lines;

fn is_source(path: &str) -> bool {
    [".rs", ".py", ".mjs", ".js", ".css", ".sh", "Makefile"].iter().any(|end| path.ends_with(end))
}

/// Tests may use whatever they need: integration tests, the test kit, `tests.rs` beside the code. (`#[cfg(test)]` items are cut out elsewhere.)
fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.contains("/benches/") || path.ends_with("/tests.rs")
}

fn outside_home(file: &File) -> Vec<String> {
    if !file.path.ends_with(".rs") || is_test(&file.path) {
        return Vec::new();
    }
    let paths = source::paths(&source::lex(&file.text).code, Tests::LeftOut);
    let foreign = TERRITORIES.iter().filter(|t| t.within.iter().any(|w| file.path.starts_with(w)) && !at_home(t, &file.path));
    let mentions = |t: &'static Territory| {
        paths.iter().flat_map(move |path| t.names.iter().filter(|name| path.mentions(name)).map(move |name| (path.line, *name, t.home)))
    };
    foreign.flat_map(mentions).map(|(line, name, home)| format!("line {line}: `{name}` belongs in {home:?}")).collect()
}

fn at_home(territory: &Territory, path: &str) -> bool {
    territory.home.iter().any(|home| if home.ends_with('/') { path.starts_with(home) } else { path == *home })
}

fn unnumbered_todo(file: &File) -> Vec<String> {
    if !is_source(&file.path) {
        return Vec::new();
    }
    let text = if file.path.ends_with(".rs") { source::lex(&file.text).comments } else { file.text.clone() };
    let wrong = |line: &str| {
        line.split("TODO").skip(1).any(|after| !after.trim_start_matches('(').trim_start().starts_with('#')) || line.contains("FIXME")
    };
    text.lines().enumerate().filter(|(_, line)| wrong(line)).map(|(i, _)| format!("line {}: write it as TODO(#12)", i + 1)).collect()
}

fn own_versions(file: &File) -> Vec<String> {
    if !(file.path.starts_with("crates/") && file.path.ends_with("Cargo.toml")) {
        return Vec::new();
    }
    let (mut section, mut lints, mut findings) = (String::new(), false, Vec::new());
    for (i, line) in file.text.lines().map(str::trim).enumerate() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_string();
            if section.contains("dependencies.") {
                findings.push(format!("line {}: write dependencies as `name.workspace = true`", i + 1));
            }
            continue;
        }
        lints |= section == "lints" && line == "workspace = true";
        let entry = section.ends_with("dependencies") && !line.is_empty() && !line.starts_with('#');
        if entry && !line.contains("workspace = true") {
            findings.push(format!("line {}: {line} has its own version", i + 1));
        }
    }
    if !lints {
        findings.push("the workspace's lints are not switched on".to_string());
    }
    findings
}

/// The files that ARCHITECTURE.md names between backticks.
fn named_files(text: &str) -> Vec<&str> {
    let kinds = [".rs", ".sql", ".toml", ".html", ".css", ".py", ".mjs", ".sh"];
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    let is_file = |s: &&str| s.chars().all(plain) && kinds.iter().any(|end| s.ends_with(end) && s.len() > end.len());
    text.split('`').skip(1).step_by(2).filter(is_file).collect()
}

fn is_there(name: &str, files: &[File]) -> bool {
    files.iter().any(|file| file.path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('/')))
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every text file of ours: what is built, fetched or measured is left out.
fn repository() -> Vec<File> {
    let root = root();
    let not_ours = ["target", ".git", "data", "web/node_modules", "web/dist", "e2e/node_modules", "e2e/out", "bench/work"];
    let (mut files, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_string();
            if not_ours.contains(&name.as_str()) || name.ends_with("__pycache__") {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                files.push(File { path: name, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

#[test]
fn every_rule_catches_its_samples_and_nothing_else() {
    for rule in RULES {
        let check = |(path, text): &(&str, &str)| (rule.check)(&File { path: (*path).to_string(), text: (*text).to_string() });
        assert!(!rule.guilty.is_empty() && !rule.innocent.is_empty(), "{}: no samples", rule.name);
        for sample in rule.guilty {
            assert!(!check(sample).is_empty(), "{}: passes {sample:?}", rule.name);
        }
        for sample in rule.innocent {
            assert_eq!(check(sample), Vec::<String>::new(), "{}: refuses {sample:?}", rule.name);
        }
    }
}

#[test]
fn every_technology_is_caught_outside_its_home() {
    for territory in TERRITORIES {
        for name in territory.names {
            let text = format!("//! s\nfn f() {{ {name}::x() }}\n");
            let file = File { path: format!("{}intruder.rs", territory.within[0]), text };
            assert!(outside_home(&file).iter().any(|finding| finding.contains(name)), "{name} passes in {}", file.path);
        }
    }
}

#[test]
fn the_repository_is_tidy() {
    let files = repository();
    assert!(files.iter().any(|f| f.path == "crates/core/src/path.rs"), "the walk misses files: {}", files.len());
    let findings: Vec<String> = RULES
        .iter()
        .flat_map(|rule| {
            files.iter().flat_map(|file| (rule.check)(file).into_iter().map(|f| format!("{}: {f} ({})", file.path, rule.name)))
        })
        .collect();
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn architecture_names_files_that_exist() {
    let files = repository();
    let sample = "see `crates/core/src/path.rs` and `core/src/nowhere.rs`, `path.rs`, `a b.rs`, `.rs`, `holt serve`";
    assert_eq!(named_files(sample), ["crates/core/src/path.rs", "core/src/nowhere.rs", "path.rs"]);
    assert!(is_there("core/src/path.rs", &files) && !is_there("core/src/nowhere.rs", &files) && !is_there("ath.rs", &files));

    let Some(text) = files.iter().find(|f| f.path == "ARCHITECTURE.md").map(|f| f.text.as_str()) else {
        return;
    };
    let missing: Vec<&str> = named_files(text).into_iter().filter(|name| !is_there(name, &files)).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names what is not there: {missing:?}");
    assert!(named_files(text).len() > 5, "ARCHITECTURE.md names hardly a file: is the pattern still right?");
}
