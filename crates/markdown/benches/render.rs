//! How fast pages are rendered: `cargo bench -p holt-markdown`. With `-- families`, hostile input, a line of JSON per family: the greatest
//! ratio of the time for a text to that for its half, up to 1 MiB (security.md §6.2: at most 2.6). With `-- corpus`, a line of JSON per corpus.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use divan::counter::BytesCount;
use holt_markdown::{Context, Purpose, render};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// As in the program itself: what the system's does with large blocks is not ours to measure.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    match std::env::args().find(|argument| argument == "families" || argument == "corpus").as_deref() {
        Some("families") => families(),
        Some("corpus") => corpora(),
        _ => divan::main(),
    }
}

/// Real pages, where the machine has them; the project's own otherwise.
fn corpus(name: &str) -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = here.join("../../../shared/corpus/markdown");
    let read = |directory: PathBuf| -> Vec<String> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        files.sort();
        files
            .iter()
            .filter(|file| file.extension().is_some_and(|e| e == "md"))
            .filter_map(|file| std::fs::read_to_string(file).ok())
            .collect()
    };
    match name {
        "book" => read(shared.join("rust-book")),
        "changelog" => read(shared),
        "docs" => read(here.join("../../docs")),
        // The Rust of this very program, and prose without anything in it.
        "code" => std::fs::read_dir(here.join("src"))
            .unwrap()
            .map(|entry| format!("```rust\n{}\n```\n", std::fs::read_to_string(entry.unwrap().path()).unwrap()))
            .collect(),
        "python" => vec![format!("```python\n{}\n```\n", include_str!("../../../bench/run.py"))],
        "javascript" => vec![format!("```js\n{}\n```\n", include_str!("../../fragments/assets/holt.js"))],
        "prose" => vec![
            "The keeper of the lamp writes *every* evening what the day has brought.\nNobody reads it, and yet it is there.\n\n"
                .repeat(900),
        ],
        other => panic!("no corpus {other}"),
    }
}
const CORPORA: &[&str] = &["prose", "book", "changelog", "docs", "code", "python", "javascript"];

#[divan::bench(args = CORPORA, sample_count = 20)]
fn page(bencher: divan::Bencher<'_, '_>, name: &str) {
    let pages = corpus(name);
    let bytes: usize = pages.iter().map(String::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| all(&pages, Purpose::Page));
}

#[divan::bench(args = CORPORA, sample_count = 20)]
fn words(bencher: divan::Bencher<'_, '_>, name: &str) {
    let pages = corpus(name);
    let bytes: usize = pages.iter().map(String::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| all(&pages, Purpose::Words));
}

fn all(pages: &[String], purpose: Purpose) -> usize {
    pages.iter().map(|page| render(page, &Context { page_url: Some("/A/B"), purpose, ..Context::default() }).html.as_str().len()).sum()
}

fn fastest(rounds: usize, mut work: impl FnMut()) -> Duration {
    let once = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..rounds).map(once).min().unwrap()
}

fn corpora() {
    for name in CORPORA {
        let pages = corpus(name);
        let bytes: usize = pages.iter().map(String::len).sum();
        all(&pages, Purpose::Page);
        let time = fastest(7, || _ = divan::black_box(all(&pages, Purpose::Page)));
        println!("{{\"corpus\": \"{name}\", \"bytes\": {bytes}, \"mb_s\": {:.2}}}", bytes as f64 / 1e6 / time.as_secs_f64());
    }
}

type Family = fn(usize) -> String;

/// The thirteen of security.md §6.2, then those that were slow once.
const FAMILIES: &[(&str, Family)] = &[
    ("nested quotes", |n| ">".repeat(n)),
    ("nested lists", |n| (0..n / 250).map(|i| format!("{}- a\n", "  ".repeat(i.min(250)))).collect()),
    ("emphasis", |n| "*a **a _a ".repeat(n / 10)),
    ("brackets", |n| "[".repeat(n)),
    ("links", |n| "[a](".repeat(n / 4)),
    ("autolinks", |n| "<http://a.b ".repeat(n / 12)),
    ("tables", |n| format!("|a|\n|-|\n{}", "|x|\n".repeat(n / 4))),
    ("footnotes", |n| (0..n / 24).map(|i| format!("x[^{i}]\n\n[^{i}]: n\n")).collect()),
    ("reference definitions", |n| (0..n / 20).map(|i| format!("[a{i}]: /b\n[a{i}] ")).collect()),
    ("entities", |n| "&amp".repeat(n / 4)),
    ("backticks", |n| (1..n / 90).map(|i| format!("{} ", "`".repeat(i % 180))).collect()),
    ("math", |n| "$a $$b ".repeat(n / 7)),
    ("embeddings", |n| "{{InfoBox|a=b}}\n".repeat(n / 16)),
    ("alerts in a row", |n| "> [!NOTE]\n> a\n".repeat(n / 14)),
    ("open elements", |n| "<div>\n\n".repeat(n / 7)),
    ("nested fancy blocks", |n| "::: a\n".repeat(n / 6)),
    ("spoilers", |n| ">! x\n\n".repeat(n / 6)),
    ("open embeddings", |n| "{{a\n".repeat(n / 4)),
    ("abbreviations", |n| (0..200).map(|i| format!("*[A{i}]: x\n")).collect::<String>() + &"A1 B ".repeat(n / 5)),
    ("wikilinks", |n| "[[a".repeat(n / 3)),
    ("code, deep", |n| format!("```tsx\n{}\n```\n", format!("{}\n", "<a b={".repeat(60)).repeat(n / 361))),
    ("code, deep in blocks", |n| format!("```tsx\n{}\n```\n\n", "<a b={".repeat(160)).repeat(n / 975)),
    ("code, one bracket a line", |n| format!("```js\n{}\n```\n", "({[\n".repeat(n / 4))),
    ("code, long lines", |n| format!("```haskell\n{}\n```\n", format!("{}\n", "{- (a::b ->".repeat(90)).repeat(n / 991))),
    ("code, many blocks", |n| "```ruby\nx\n```\n".repeat(n / 14)),
];

fn families() {
    let html = |source: &str| drop(divan::black_box(render(source, &Context { page_url: Some("/A/B"), ..Context::default() })));
    html("```js\nx\n```\n$a$");
    for (name, family) in FAMILIES {
        let times: Vec<f64> =
            (15..=20).map(|power| family(1 << power)).map(|source| fastest(5, || html(&source)).as_secs_f64() * 1000.0).collect();
        let ratios: Vec<f64> = times.windows(2).map(|pair| pair[1] / pair[0]).collect();
        let mean = (times[5] / times[0]).powf(0.2);
        println!("{{\"family\": \"{name}\", \"mean\": {mean:.2}, \"ratios\": {ratios:.2?}, \"ms\": {:.1}}}", times[5]);
    }
}
