//! Search, whatever is typed: what comes back holds what was asked for, and comes back quickly because little is read.

use super::index::{added, commit, id, page, path};
use holt_core::{AccessLevel, ErrorKind, SubtreeRule, SubtreeRules};
use holt_engine::db::index::{Facts, Index, IndexBatch, PageDoc, SearchResults, Strictness};
use proptest::prelude::*;
use std::sync::OnceLock;
use tempfile::TempDir;

fn index(pages: Vec<PageDoc>) -> (TempDir, Index) {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    let changes = pages.iter().map(|doc| added(&doc.file, &doc.text)).collect();
    index.apply(&IndexBatch { log: vec![commit(1, &[], 1000, "Import", changes)], pages, ..IndexBatch::at(id(1)) }).unwrap();
    (dir, index)
}

fn tagged(file: &str, text: &str, tags: &[&str], category: &str) -> PageDoc {
    let facts = Facts { tags: tags.iter().map(ToString::to_string).collect(), category: Some(category.into()), ..Facts::default() };
    PageDoc { facts, ..page(file, text) }
}

fn paths(found: &SearchResults) -> Vec<&str> {
    found.hits.iter().map(|hit| hit.path.as_str()).collect()
}

#[test]
fn tags_count_more_than_text_and_category_narrows() {
    let pages = vec![
        tagged("Text.md", "otter otter otter otter", &[], "Animals"),
        tagged("Tagged.md", "nothing", &["Otter"], "Animals"),
        tagged("Titled.md", "# Otter\n\nx", &[], "Toys"),
    ];
    let (_dir, index) = index(pages);
    let found = |query: &str| paths(&index.search(query, 10, 0).unwrap()).join(" ");
    assert_eq!(found("otter"), "Titled Tagged Text");
    assert_eq!(
        (found("otter category:animals"), found("category:\"toys\""), found("otter category:none")),
        ("Tagged Text".into(), "Titled".into(), String::new())
    );
    assert_eq!((found("tag:otter"), found("category:animals -nothing")), ("Tagged".to_string(), "Text".into()));
}

#[test]
fn it_is_said_how_the_query_was_taken_and_why_a_page_was_found() {
    let pages = vec![page("Otter.md", "# Otter\n\nThe red otter swims."), page("Fox.md", "# Fox\n\nA red fox.")];
    let (_dir, index) = index(pages);
    let taken = |query: &str| index.search(query, 10, 0).unwrap().taken;
    assert_eq!((taken("red otter"), taken("ott"), taken("otter fox")), (Strictness::All, Strictness::AllPrefixes, Strictness::AnyPrefix));
    let found = index.search("red OTTER", 10, 0).unwrap();
    assert_eq!((found.total, found.revision), (1, Some(id(1))));
    // Title, name, tags, headings, text; the title is a heading and stands in the text, too.
    assert_eq!(found.hits[0].matches, [("red".to_string(), [0, 0, 0, 0, 1]), ("otter".into(), [1, 1, 0, 1, 2])]);
}

#[test]
fn names_typed_wrong_are_named_and_marked_as_such() {
    let pages =
        vec![page("Guide/Installation.md", "# Installation\n\nx"), page("Notes.md", "installatoin of things"), page("Other.md", "y")];
    let (_dir, index) = index(pages);
    let similar =
        |query: &str| index.search(query, 10, 0).unwrap().similar.into_iter().map(|page| page.path.to_string()).collect::<Vec<_>>();
    assert_eq!(similar("instalation"), ["Guide/Installation"]);
    assert_eq!(similar("installatoin"), ["Guide/Installation"], "little was found");
    assert_eq!((similar("installation"), similar("zebra"), similar("xyz")), (vec![], vec![], vec![]));
}

#[test]
fn what_is_hidden_changes_nothing_of_an_answer() {
    let seen = || {
        let text = |n: usize| format!("# Page {n}\n\n{} fox {}", "otter ".repeat(n % 7 + 1), "filler ".repeat(n * 3));
        (0..40).map(|n| page(&format!("P{n}.md"), &text(n))).collect::<Vec<_>>()
    };
    // Before and after the pages that are seen, long and full of the same words.
    let secret = |file: &str| page(file, &format!("# Otter fox\n\n{}", "fox otter secret words ".repeat(400)));
    let with =
        [vec![secret("Staff/A.md"), secret("Staff.md")], seen(), vec![secret("Staff/Z.md"), secret("Staff/Installation.md")]].concat();
    let closed = AccessLevel::Admin;
    let rule = SubtreeRule { path: path("Staff"), read: closed, write: closed, readers: [].into(), writers: [].into() };
    let staff = SubtreeRules::new(vec![rule]).hidden_in(None);
    let ((_a, without), (_b, with)) = (index(seen()), index(with));
    let (without, with) = (without.without(staff.clone()), with.without(staff));
    for query in ["otter", "fox otter", "otter -page", "fox nothing", "secret", "\"otter fox\"", "ott*", "path:P1", "instalation", "staff"]
    {
        let answer = |index: &Index| format!("{:?}", index.search(query, 50, 0).unwrap());
        assert_eq!(answer(&without), answer(&with), "{query}");
    }
    assert!(with.search("fox otter", 50, 0).unwrap().total == 40 && with.search("secret", 5, 0).unwrap().total == 0);
}

#[test]
fn of_words_that_stand_everywhere_titles_come_first() {
    let mut pages: Vec<PageDoc> = (0..1_300).map(|n| page(&format!("Page {n:04}.md"), "the same words")).collect();
    pages.push(page("Last.md", "# The words\n\nthe same words"));
    let (_dir, index) = index(pages);
    let found = index.search("the words", 30, 0).unwrap();
    assert_eq!((found.total, found.hits.len(), found.hits[0].path.as_str()), (200, 30, "Last"));
    assert!(found.hits.windows(2).all(|pair| pair[0].score >= pair[1].score) && found.hits[0].score <= 1.0);
    assert_eq!(index.search("the words -last", 5, 0).unwrap().hits.len(), 5, "none of them in a title");
    let narrow = index.search("the words path:\"Page 1299\"", 5, 0).unwrap();
    assert_eq!(paths(&narrow), ["Page 1299"], "however late it comes");
}

const WORDS: &[&str] =
    &["otter", "Fox", "größe", "grosse", "naïve", "red", "of", "全文検索", "東京", "한국어", "x1", "ÅNGSTRÖM", "otterly", "ﬁsh"];

fn wiki() -> &'static (TempDir, Index) {
    static WIKI: OnceLock<(TempDir, Index)> = OnceLock::new();
    WIKI.get_or_init(|| {
        let text = |n: usize| (0..4).map(|i| WORDS[(n * (i + 3) + i * i) % WORDS.len()]).collect::<Vec<_>>().join(" ");
        index((0..60).map(|n| page(&format!("P{n}.md"), &text(n))).collect())
    })
}

/// As the test understands it, not the code under test.
fn plain(text: &str) -> String {
    text.to_lowercase().replace("ß", "ss").replace("ö", "o").replace("ï", "i").replace("å", "a").replace("ﬁ", "fi")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_is_typed_nothing_breaks(query in "\\PC{0,60}|[a-z:\"*() -]{0,40}|(AND|OR|NOT|NEAR|-|\"|\\*|tag:|path:|after:|[a-z]{1,3}| ){0,20}") {
        match wiki().1.search(&query, 20, 0) {
            Ok(found) => prop_assert!(found.hits.len() <= 20 && found.hits.len() <= found.total),
            Err(error) => prop_assert!(matches!(error.kind, ErrorKind::Invalid | ErrorKind::TooLarge), "{error}"),
        }
    }

    #[test]
    fn each_hit_holds_what_was_asked_for(
        wanted in proptest::collection::vec((0..WORDS.len(), any::<bool>()), 1..4),
        unwanted in proptest::option::of(0..WORDS.len()),
    ) {
        let mut query: Vec<String> = wanted.iter().map(|(n, starred)| {
            let word = WORDS[*n];
            // A beginning of it, as somebody types it.
            if *starred { format!("{}*", word.chars().take(2).collect::<String>()) } else { word.to_string() }
        }).collect();
        query.extend(unwanted.map(|n| format!("-{}", WORDS[n])));
        let found = wiki().1.search(&query.join(" "), 200, 0).unwrap();
        for hit in &found.hits {
            let all: String = hit.snippet.iter().map(|piece| piece.text.as_str()).collect();
            let words: Vec<String> = plain(&all).split(' ').map(str::to_string).collect();
            let holds = |query: &str| {
                let word = plain(query.trim_end_matches('*'));
                words.iter().any(|have| *have == word || ((query.ends_with('*') || found.taken != Strictness::All) && have.starts_with(&word)))
            };
            let asked: Vec<bool> = query.iter().filter(|word| !word.starts_with('-')).map(|word| holds(word)).collect();
            let fits = if found.taken == Strictness::AnyPrefix { asked.iter().any(|holds| *holds) } else { asked.iter().all(|holds| *holds) };
            prop_assert!(fits, "{query:?} {all:?} {:?}", found.taken);
            if let Some(n) = unwanted {
                prop_assert!(!words.contains(&plain(WORDS[n])), "{query:?} {all:?}");
            }
        }
    }
}
