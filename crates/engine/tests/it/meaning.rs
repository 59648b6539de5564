//! Search by meaning, with something that makes vectors in the place of a model: words that begin alike mean alike to it.

use crate::comments::path;
use crate::wikis::{docs, people, save_text};
use holt_core::{Actor, Error, ErrorKind, Result};
use holt_engine::meaning::{Embedder, Pace, embed};
use holt_engine::pages::{self, Backlinks, Hit, SearchMode, Subpages};
use holt_engine::{Read, Wiki, Write, sync};
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Makes vectors of the first three letters of words.
pub struct Letters {
    pub name: &'static str,
    pub texts: AtomicUsize,
}

impl Letters {
    pub fn new() -> Self {
        Self { name: "letters", texts: AtomicUsize::new(0) }
    }
}

impl Embedder for Letters {
    fn is_there(&self) -> bool {
        true
    }
    fn identity(&self) -> Result<String> {
        if self.name.is_empty() { Err(Error::not_found("there is no model")) } else { Ok(self.name.into()) }
    }
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let vector = |text: &&str| {
            self.texts.fetch_add(1, Ordering::Relaxed);
            let mut vector = vec![0.01f32; 64];
            for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2) {
                let sum = word.bytes().take(3).fold(7usize, |sum, byte| sum * 31 + usize::from(byte.to_ascii_lowercase()));
                vector[sum % 64] += 1.0;
            }
            let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
            vector.iter().map(|x| x / length).collect()
        };
        Ok(texts.iter().map(vector).collect())
    }
}

/// Goes on so often.
struct Batches(AtomicUsize);

impl Pace for Batches {
    fn goes_on(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) > 1
    }
}

/// Looks at everything; returns how many texts that took.
pub fn look(wiki: &Wiki, letters: &Letters) -> usize {
    let before = letters.texts.load(Ordering::Relaxed);
    assert!(embed(wiki, letters, &Batches(AtomicUsize::new(usize::MAX))).unwrap());
    letters.texts.load(Ordering::Relaxed) - before
}

fn nearest(wiki: &Wiki, letters: &Letters, query: &str) -> Vec<String> {
    let actor = Actor::System;
    let found = pages::search_meaning(&wiki.grant::<Read>(&actor).unwrap(), letters, query, 5, 1).unwrap();
    assert!(found.hits.windows(2).all(|two| two[0].distance <= two[1].distance));
    found.hits.into_iter().filter(|hit| hit.distance < 0.5).map(|hit| hit.path.as_str().to_string()).collect()
}

#[test]
fn pages_are_found_by_what_they_mean_as_soon_as_somebody_looked() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let letters = Letters::new();
    let actor = Actor::System;
    let scope = wiki.grant::<Read>(&actor).unwrap();
    assert_eq!(look(&wiki, &letters), 0, "an empty wiki");
    save_text(&wiki, "Otter", "# Otter\n\nswimming otters\n");
    save_text(&wiki, "Stones", "---\ntitle: On Stones\n---\nrocks, boulders\n");
    let error = pages::search_meaning(&scope, &letters, "swim", 5, 1).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Busy, "nobody has looked: no false 'nothing found'");
    assert_eq!(look(&wiki, &letters), 2);
    assert_eq!(look(&wiki, &letters), 0, "once is enough");
    let found = pages::search_meaning(&scope, &letters, "boulder", 5, 2).unwrap();
    let best = &found.hits[0];
    assert_eq!((best.path.as_str(), best.name.as_deref(), best.index, best.total, best.words), ("Stones", Some("On Stones"), 0, 1, 2));
    assert_eq!((best.chunk.text.as_str(), best.chunk.section_path.as_str()), ("[On Stones] rocks, boulders", "On Stones"));
    assert_eq!((found.revision, found.pending), (pages::newest(&scope).unwrap(), 0));
    assert!(found.revision.is_some());
    // What changed is left out until it has been looked at, and the answer says where it stands.
    let before = found.revision;
    save_text(&wiki, "Stones", "pebbles\n");
    let found = pages::search_meaning(&scope, &letters, "boulder", 5, 2).unwrap();
    assert_eq!((found.hits.len(), found.revision, found.pending), (1, before, 1));
    let state = pages::meaning_state(&scope).unwrap();
    assert_eq!((state.pages, state.pieces, state.pending, state.behind), (1, 1, 1, 1));
    assert_eq!(look(&wiki, &letters), 1);
    assert_eq!(nearest(&wiki, &letters, "pebble"), ["Stones"]);
    let state = pages::meaning_state(&scope).unwrap();
    assert_eq!((state.pages, state.pending, state.behind, state.revision), (2, 0, 0, pages::newest(&scope).unwrap()));
    assert_eq!(state.identity.as_deref(), Some("letters/1"));
}

/// A page of sections that are pieces of their own; each is about one word.
fn in_sections(title: &str, about: &[&str]) -> String {
    let section = |word: &&str| format!("# On {word}\n\n{}", (0..320).map(|n| format!("{word}{n} ")).collect::<String>());
    let sections: Vec<String> = about.iter().map(section).collect();
    format!("---\ntitle: {title}\n---\n{}\n", sections.join("\n\n"))
}

#[test]
fn pieces_that_did_not_change_are_not_looked_at_again() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let letters = Letters::new();
    let ann = people("ann");
    let scope = wiki.grant::<Write>(&ann).unwrap();
    save_text(&wiki, "Book", &in_sections("Book", &["otters", "stones", "rivers"]));
    save_text(&wiki, "Other", "nothing of it\n");
    let all = look(&wiki, &letters);
    let each = (all - 1) / 3;
    assert!(each > 1 && each * 3 + 1 == all, "sections are cut into several pieces: {all}");
    save_text(&wiki, "Book", &in_sections("Book", &["otters", "pebbles", "rivers"]));
    assert_eq!(look(&wiki, &letters), each);
    // Two changes before anybody looks; one of them is taken back.
    save_text(&wiki, "Book", &in_sections("Book", &["trees"]));
    save_text(&wiki, "Book", &in_sections("Book", &["otters", "pebbles", "lakes"]));
    assert_eq!(look(&wiki, &letters), each);
    // A page with a title of its own moves, and pieces move to another page.
    pages::rename(&scope, &path("Book"), &path("Shelf/Book"), "", Backlinks::Rewrite).unwrap();
    assert_eq!(look(&wiki, &letters), 0);
    pages::delete(&scope, &path("Shelf/Book"), "", Subpages::Keep).unwrap();
    save_text(&wiki, "Copy", &in_sections("Book", &["lakes", "otters"]));
    assert_eq!(look(&wiki, &letters), 0);
    assert_eq!(nearest(&wiki, &letters, "lakes"), ["Copy"]);
    // What nobody needs any more is kept no longer, and another model makes its own.
    assert!(wiki.index_dump().unwrap().contains("== former_pieces\n== meaning_model"));
    save_text(&wiki, "Again", &in_sections("Book", &["pebbles"]));
    assert_eq!(look(&wiki, &letters), each, "the control: what is kept nowhere is looked at");
    save_text(&wiki, "Copy", &in_sections("Book", &["lakes", "otters", "cups"]));
    let other = Letters { name: "others", ..Letters::new() };
    assert!(look(&wiki, &other) > each);
    let grown = wiki.index_dump().unwrap();
    sync::rebuild(&wiki).unwrap();
    look(&wiki, &other);
    assert_eq!(grown, wiki.index_dump().unwrap());
}

#[test]
fn it_goes_on_where_it_stopped_and_begins_anew_with_another_model() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    for n in 0..40 {
        save_text(&wiki, &format!("Page {n}"), &format!("word{n} some text\n"));
    }
    let letters = Letters::new();
    assert!(!embed(&wiki, &letters, &Batches(AtomicUsize::new(1))).unwrap());
    let looked = letters.texts.load(Ordering::Relaxed);
    assert!(looked > 0 && looked < 40);
    let actor = Actor::System;
    let scope = wiki.grant::<Read>(&actor).unwrap();
    let state = pages::meaning_state(&scope).unwrap();
    assert_eq!((state.pages, state.pending, state.revision), (looked, 40 - looked, None));
    // Another process may go on.
    assert_eq!(look(&wiki, &Letters::new()), 40 - looked);
    let other = Letters { name: "others", ..Letters::new() };
    assert_eq!(pages::search_meaning(&scope, &other, "word", 5, 1).unwrap_err().kind, ErrorKind::Busy);
    assert!(!pages::search_by(&scope, SearchMode::Both(&other), "word1", 0, 5).unwrap().by_meaning, "they cannot be compared");
    assert_eq!(look(&wiki, &other), 40);
    assert_eq!(pages::meaning_state(&scope).unwrap().identity.as_deref(), Some("others/1"));
    // What is made again from git has to be looked at again.
    sync::reindex(&wiki).unwrap();
    assert_eq!(look(&wiki, &other), 40);
    // No model at all is no reason to find nothing by words.
    let none = Letters { name: "", ..Letters::new() };
    assert_eq!(embed(&wiki, &none, &Batches(AtomicUsize::new(9))).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(pages::search_by(&scope, SearchMode::Both(&none), "word1", 0, 5).unwrap().hits[0].path.as_str(), "Page 1");
}

#[test]
fn both_together_find_what_either_does_and_names_come_first() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let letters = Letters::new();
    for (page, text) in [
        ("Backup", "---\ntags: [safe]\n---\n# Backup\n\nWhat to do.\n"),
        ("Operating", "# Operating\n\nA backup is made of copies; each backup copies all. Backup, backup.\n"),
        ("Restoring", "# Restoring\n\nrestore restored restoration\n"),
        ("Apples", "# Apples\n\npears plums\n"),
        ("Hidden/Restorer", "---\ntags: [safe]\n---\n# Restorer\n\nrestorer\n"),
    ] {
        save_text(&wiki, page, text);
    }
    look(&wiki, &letters);
    let actor = Actor::System;
    let scope = wiki.grant::<Read>(&actor).unwrap();
    let both = |query: &str| pages::search_by(&scope, SearchMode::Both(&letters), query, 0, 10).unwrap();
    let paths = |hits: &[Hit]| hits.iter().map(|hit| hit.path.as_str().to_string()).collect::<Vec<_>>();
    let found = both("backup");
    assert!(found.by_meaning);
    assert_eq!(paths(&found.hits)[0], "Backup", "what is called so comes first");
    assert!(paths(&found.hits).contains(&"Operating".into()));
    // Nobody wrote this word.
    let found = both("restorable");
    assert_eq!(pages::search(&scope, "restorable", 0, 10).unwrap().total, 0);
    assert_eq!(paths(&found.hits)[0], "Restoring");
    assert!(found.hits.iter().all(|hit| hit.meant.is_some() && hit.matches.is_empty()));
    assert!(found.hits[0].snippet[0].text.starts_with("restore restored"));
    assert!(!paths(&found.hits).contains(&"Apples".into()), "what is far away is not found");
    assert!(found.hits.windows(2).all(|two| two[0].score >= two[1].score) && found.hits.iter().all(|hit| (0.0..=1.0).contains(&hit.score)));
    // What narrows narrows both; what is about letters is about letters.
    assert_eq!(paths(&both("restorable tag:safe").hits), ["Hidden/Restorer"]);
    assert_eq!(paths(&both("restorable -path:Hidden -restored").hits), Vec::<String>::new());
    for literal in ["restorab*", "\"restorable now\""] {
        assert!(!both(literal).by_meaning && both(literal).total == 0, "{literal}");
    }
    let parts: Vec<String> =
        (0..5).flat_map(|n| paths(&pages::search_by(&scope, SearchMode::Both(&letters), "backup restored", n, 1).unwrap().hits)).collect();
    assert_eq!(parts, paths(&both("backup restored").hits)[..parts.len()], "in parts as in one");
}

#[derive(Debug, Clone)]
enum Step {
    Save(u8, String),
    Move(u8, u8),
    Delete(u8),
    Look(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..6, "([a-z]{3,6} ){1,5}").prop_map(|(n, text)| Step::Save(n, text)),
        2 => (0u8..6, 0u8..6).prop_map(|(a, b)| Step::Move(a, b)),
        1 => (0u8..6).prop_map(Step::Delete),
        2 => (1usize..4).prop_map(Step::Look),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn what_grew_is_what_is_made_at_once(steps in prop::collection::vec(step(), 1..14)) {
        let dir = tempfile::tempdir().unwrap();
        let (_engine, wiki) = docs(&dir);
        let letters = Letters::new();
        let ann = people("ann");
        let page = |n: u8| path(&format!("Page {n}"));
        for step in &steps {
            let scope = wiki.grant::<Write>(&ann).unwrap();
            match step {
                Step::Save(n, text) => {
                    save_text(&wiki, page(*n).as_str(), text);
                }
                // What cannot be done is left out.
                Step::Move(from, to) => {
                    let _ = pages::rename(&scope, &page(*from), &page(*to), "", Backlinks::Rewrite);
                }
                Step::Delete(n) => {
                    let _ = pages::delete(&scope, &page(*n), "", Subpages::Keep);
                }
                Step::Look(batches) => {
                    embed(&wiki, &letters, &Batches(AtomicUsize::new(*batches))).unwrap();
                }
            }
        }
        look(&wiki, &letters);
        let grown = wiki.index_dump().unwrap();
        prop_assert!(!steps.iter().any(|step| matches!(step, Step::Save(..))) || grown.contains("letters/1"));
        sync::rebuild(&wiki).unwrap();
        look(&wiki, &letters);
        prop_assert_eq!(grown, wiki.index_dump().unwrap());
    }
}
