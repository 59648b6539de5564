//! Whether search by words and meaning finds more than by words alone: twenty questions in words of somebody who does not know the wiki, and ten searches of
//! somebody who does, over this project's own documentation. What was judged: which page answers.

use crate::client::{Server, encode};
use holt_testkit::{sentence_model, skip};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

const QUESTIONS: &[(&str, &[&str])] = &[
    ("how do I make a copy of my data in case the disk dies", &["operating"]),
    ("let people log in with our company account", &["hosting"]),
    ("move an existing Otterwiki over", &["importing"]),
    ("push changes with git from my laptop", &["git"]),
    ("approve edits that a bot suggests", &["review"]),
    ("which markup for tables and formulas is supported", &["markdown"]),
    ("connect Claude to the wiki", &["agents", "mcp"]),
    ("tools an AI assistant can call", &["mcp"]),
    ("find pages that exclude a word", &["searching"]),
    ("serve pages from S3 close to readers", &["edge"]),
    ("use it from a Rust program without running a server", &["library"]),
    ("import it in a Python script", &["python"]),
    ("HTTP endpoint to change a part of a page", &["api"]),
    ("get told by email when a page changes", &["comments"]),
    ("how fast is it compared to nginx", &["benchmarks"]),
    ("what happens after a power failure", &["reliability", "operating"]),
    ("put the server behind a reverse proxy with certificates", &["hosting"]),
    ("custom domain name for a wiki", &["hosting"]),
    ("what does the user interface look like", &["screens"]),
    ("how are published pages stored on disk", &["formats"]),
];

const SEARCHES: &[(&str, &[&str])] = &[
    ("passkeys", &["hosting"]),
    ("pygments mathml", &["markdown"]),
    ("elicitation", &["mcp"]),
    ("import otterwiki", &["importing"]),
    ("searching", &["searching"]),
    ("review queue", &["review"]),
    ("benchmarks", &["benchmarks"]),
    ("S3 bucket", &["edge"]),
    ("BM25", &["searching"]),
    ("holt reindex", &["operating", "commands"]),
];

/// The mean of one over the place at which the right page comes; and what came, to look at.
fn judged(ask: &dyn Fn(&str) -> Value, questions: &[(&str, &[&str])], mode: &str, came: &mut String) -> f64 {
    let mut one = |(question, right): &(&str, &[&str])| {
        let found = ask(&format!("/api/v1/search?limit=50&mode={mode}&q={}", encode(question)));
        let paths: Vec<&str> = found["results"].as_array().unwrap().iter().filter_map(|hit| hit["path"].as_str()).collect();
        let place = paths.iter().position(|path| right.contains(path));
        let _ = writeln!(came, "{mode}: {place:?} {question} {:?}", &paths[..paths.len().min(3)]);
        place.map_or(0.0, |place| 1.0 / (place + 1) as f64)
    };
    questions.iter().map(&mut one).sum::<f64>() / questions.len() as f64
}

#[test]
fn meaning_finds_what_words_do_not_and_spoils_nothing() {
    let Some(model) = sentence_model() else { skip!("no sentence model here: scripts/test-tools.sh brings it") };
    let dir = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for file in std::fs::read_dir(docs).unwrap().map(|file| file.unwrap().path()) {
        // What is next, and the same in German, would only say it twice.
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".md") && !["status.md", "markdown.de.md"].contains(&name) {
            std::fs::copy(&file, folder.path().join(name)).unwrap();
        }
    }
    let (code, _, error) = Server::command(dir.path(), &["import", "folder", folder.path().to_str().unwrap(), "--slug", "docs"]);
    assert_eq!(code, 0, "{error}");
    let (code, token, error) = Server::command(dir.path(), &["token", "create", "--wiki", "docs", "--scope", "read"]);
    assert_eq!(code, 0, "{error}");
    let token = token.split_whitespace().find(|word| word.starts_with("holt_")).unwrap();
    let server = Server::start(dir.path(), &["--default-wiki", "docs", "--model", model.to_str().unwrap()]);
    let client = server.client();
    let bearer = format!("Bearer {token}");
    let ask = |path: &str| -> Value {
        let answer = client.send("GET", path, &[("Authorization", bearer.as_str())], b"").unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    };
    while ask("/api/v1/index-status")["semantic"]["lag_commits"] != 0 {
        std::thread::yield_now();
    }
    let mut came = String::new();
    let mut of = |questions| ["words", "hybrid"].map(|mode| judged(&ask, questions, mode, &mut came));
    let (questions, searches) = (of(QUESTIONS), of(SEARCHES));
    assert!(questions[1] > questions[0] + 0.2, "{questions:?}\n{came}");
    assert!(searches[1] >= searches[0], "{searches:?}\n{came}");
    // The control: words find something.
    assert!(questions[0] > 0.1 && searches[0] > 0.8);
}
