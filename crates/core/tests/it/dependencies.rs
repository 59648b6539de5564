//! What is compiled into what: the arrows between our crates, who may depend on which technology, and what the edge must never link.
//!
//! Asks cargo, which resolves features; every absence has a control that the same question finds something elsewhere.

use crate::tidy::root;
use std::collections::BTreeSet;
use std::process::Command;

/// Our crates and those of ours they may import (ARCHITECTURE.md). `holt-testkit` is for tests and stands apart.
const ARROWS: &[(&str, &[&str])] = &[
    ("holt-core", &[]),
    ("holt-markdown", &["holt-core"]),
    ("holt-fragments", &["holt-core"]),
    ("holt-remote", &["holt-core", "holt-fragments"]),
    ("holt-edge", &["holt-core", "holt-fragments", "holt-remote"]),
    ("holt-engine", &["holt-core", "holt-fragments", "holt-markdown"]),
    ("holt-server", &["holt-core", "holt-edge", "holt-engine", "holt-fragments", "holt-markdown", "holt-remote", "holt-semantic"]),
    ("holt-semantic", &["holt-core"]),
    ("holt-testkit", &["holt-core"]),
    ("holt-python", &["holt-core", "holt-engine", "holt-markdown"]),
];

/// Technologies, by how their packages' names begin, and the crates whose tree may hold them.
const TREES: &[(&str, &[&str], &[&str])] = &[
    ("git", &["gix", "git2", "libgit2"], &["holt-engine", "holt-server", "holt-python"]),
    ("SQLite", &["rusqlite", "libsqlite3", "sqlx"], &["holt-engine", "holt-server", "holt-python"]),
    ("Markdown", &["comrak", "ammonia", "pulldown-cmark", "html5ever"], &["holt-markdown", "holt-engine", "holt-server", "holt-python"]),
    ("templates", &["askama"], &["holt-engine", "holt-server", "holt-python"]),
    ("HTTP framework", &["axum", "hyper", "tower"], &["holt-remote", "holt-edge", "holt-server"]),
    ("async runtime", &["tokio"], &["holt-remote", "holt-edge", "holt-server"]),
    // Dates as object stores write them are object_store's affair; we have jiff.
    ("object stores", &["object_store", "chrono"], &["holt-remote", "holt-edge", "holt-server"]),
    ("highlighting and formulas", &["syntaxmate", "pulldown-latex"], &["holt-markdown", "holt-engine", "holt-server", "holt-python"]),
    // In markdown it reads the grammars of the highlighter; what the renderer returns is never serialised there.
    (
        "serialisation",
        &["serde"],
        &[
            "holt-markdown",
            "holt-fragments",
            "holt-remote",
            "holt-edge",
            "holt-engine",
            "holt-semantic",
            "holt-server",
            "holt-python",
            "holt-testkit",
        ],
    ),
    // Whoever publishes compresses; readers, the edge above all, put together what is there.
    ("zstd", &["zstd"], &["holt-engine", "holt-server", "holt-python"]),
    ("password hashing", &["argon2", "scrypt", "pbkdf2"], &["holt-engine", "holt-server", "holt-python"]),
    ("command line", &["clap"], &["holt-edge", "holt-server"]),
    ("mail", &["lettre"], &["holt-server"]),
    ("sentence models", &["ndarray", "matrixmultiply"], &["holt-semantic", "holt-server"]),
    ("TLS", &["rustls", "ring"], &["holt-remote", "holt-edge", "holt-server"]),
    // What a library must not choose for the program that it is part of: how memory is had, and where a log goes.
    ("allocator", &["mimalloc", "libmimalloc", "jemallocator", "tikv-jemallocator"], &["holt-server"]),
    ("log output", &["tracing-subscriber", "env_logger"], &["holt-server"]),
    ("pictures", &["image", "png", "zune-jpeg"], &["holt-server"]),
];

/// Never, anywhere: a second library for what we have, or a system library in the way of a static build.
const NOWHERE: &[&str] = &["openssl", "native-tls", "git2", "async-std", "reqwest", "actix"];

/// Names of the packages that `package` links, itself left out.
fn tree(package: &str, depth: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(depth)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo tree {package}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let names: BTreeSet<String> = text.lines().filter_map(|line| line.split(' ').next()).map(str::to_string).collect();
    assert!(names.contains(package), "cargo tree {package} says: {text}");
    names.into_iter().filter(|name| name != package).collect()
}

fn beginning_with<'a>(tree: &'a BTreeSet<String>, prefixes: &[&str]) -> Vec<&'a String> {
    let ours = |name: &str, prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']));
    tree.iter().filter(|name| prefixes.iter().any(|prefix| ours(name, prefix))).collect()
}

#[test]
fn our_crates_import_each_other_only_along_the_arrows() {
    for (package, allowed) in ARROWS {
        let direct = tree(package, &["--depth", "1"]);
        let ours: Vec<&str> = direct.iter().map(String::as_str).filter(|name| name.starts_with("holt-")).collect();
        assert_eq!(ours, *allowed, "{package} imports {ours:?}; ARCHITECTURE.md allows {allowed:?}");
    }
    // Those, and Python's module beside them.
    let folders = std::fs::read_dir(root().join("crates")).unwrap().count() + 1;
    assert_eq!(folders, ARROWS.len(), "a crate has no row in ARROWS");
}

#[test]
fn a_technology_is_linked_only_where_it_belongs() {
    for (package, _) in ARROWS {
        let tree = tree(package, &[]);
        for (technology, prefixes, homes) in TREES {
            let found = beginning_with(&tree, prefixes);
            if homes.contains(package) {
                continue;
            }
            assert!(found.is_empty(), "{package} links {technology}: {found:?}");
        }
        let found = beginning_with(&tree, NOWHERE);
        assert!(found.is_empty(), "{package} links {found:?}");
    }
}

/// The control: the same questions find something where it must be. A misspelt name would otherwise pass for ever.
#[test]
fn every_technology_is_found_where_it_belongs() {
    for (package, _) in ARROWS {
        let tree = tree(package, &[]);
        for (technology, prefixes, _) in TREES.iter().filter(|(_, _, homes)| homes.contains(package)) {
            let found = beginning_with(&tree, prefixes);
            assert!(!found.is_empty(), "{package} links no {technology}: strike it from the row, or mend the names {prefixes:?}");
        }
    }
    assert!(TREES.iter().all(|(_, _, homes)| homes.contains(&"holt-server") && !homes.contains(&"holt-core")), "a row without a control");
}
