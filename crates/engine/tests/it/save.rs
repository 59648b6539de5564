//! The save contract: merge what is disjoint, hand back what is not, lose nothing.

use crate::wikis::{docs, page_text, people, save_text};
use holt_core::{Edit, ErrorKind, OpId, PagePath, RevisionId, SaveOutcome};
use holt_engine::{Wiki, Write, pages};

fn save(wiki: &Wiki, path: &str, base: Option<RevisionId>, text: &str, op: Option<&OpId>) -> holt_core::Result<SaveOutcome> {
    let actor = people("bob");
    let scope = wiki.grant::<Write>(&actor).unwrap();
    pages::save(&scope, &Edit::new(PagePath::parse(path).unwrap(), base, text.into(), "why").unwrap(), op)
}

#[test]
fn a_stale_base_merges_distant_lines() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let base = save_text(&wiki, "Guide", "one\n\ntwo\n\nthree\n").revision;
    save_text(&wiki, "Guide", "ONE\n\ntwo\n\nthree\n");
    let SaveOutcome::Saved(saved) = save(&wiki, "Guide", Some(base), "one\n\ntwo\n\nTHREE\n", None).unwrap() else {
        panic!("disjoint edits conflict")
    };
    assert!(saved.merged && saved.changed);
    assert_eq!(page_text(&wiki, "Guide").unwrap(), "ONE\n\ntwo\n\nTHREE\n");
}

#[test]
fn a_stale_base_that_touches_comes_back_with_three_texts() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let base = save_text(&wiki, "Guide", "one\n").revision;
    let theirs = save_text(&wiki, "Guide", "theirs\n").revision;
    let SaveOutcome::Conflict(conflict) = save(&wiki, "guide", Some(base), "yours\n", None).unwrap() else { panic!("a lost update") };
    assert_eq!(
        (conflict.base.as_deref(), conflict.theirs.as_deref(), conflict.yours.as_str()),
        (Some("one\n"), Some("theirs\n"), "yours\n")
    );
    assert!(conflict.merged.contains("<<<<<<<") && conflict.merged.contains("theirs\n") && conflict.merged.contains("yours\n"));
    assert_eq!((conflict.current, conflict.by.unwrap().author.name()), (theirs, "ann"));
    assert_eq!(page_text(&wiki, "Guide").unwrap(), "theirs\n");
    // With the current revision as base the resolved text is taken.
    assert!(matches!(save(&wiki, "Guide", Some(conflict.current), "both\n", None).unwrap(), SaveOutcome::Saved(_)));
}

#[test]
fn creating_never_overwrites() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Straße", "first\n");
    for spelling in ["Straße", "STRASSE", "strasse"] {
        assert!(matches!(save(&wiki, spelling, None, "second\n", None).unwrap(), SaveOutcome::Conflict(_)), "{spelling}");
    }
    assert_eq!(page_text(&wiki, "Straße").unwrap(), "first\n");
    // The same text again is no conflict: somebody pressed the button twice.
    assert!(matches!(save(&wiki, "Straße", None, "first\n", None).unwrap(), SaveOutcome::Saved(_)));
}

#[test]
fn an_unknown_base_is_a_conflict_never_a_merge() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Guide", "one\n");
    let foreign = RevisionId::parse(&"ab".repeat(20)).unwrap();
    assert_eq!(save(&wiki, "Guide", Some(foreign), "two\n", None).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(page_text(&wiki, "Guide").unwrap(), "one\n");
}

#[test]
fn the_same_operation_twice_is_one_commit() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let op = OpId::parse("retry-1").unwrap();
    let first = save(&wiki, "Guide", None, "one\n", Some(&op)).unwrap();
    let again = save(&wiki, "Guide", None, "one\n", Some(&op)).unwrap();
    let (SaveOutcome::Saved(first), SaveOutcome::Saved(again)) = (first, again) else { panic!("a retry conflicts with itself") };
    assert_eq!(first.revision, again.revision);
}

#[test]
fn saving_what_is_there_makes_no_commit() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let first = save_text(&wiki, "Guide", "one\n");
    let again = save_text(&wiki, "Guide", "one\n");
    assert!(!again.changed);
    assert_eq!(first.revision, again.revision);
}

#[test]
fn a_page_deleted_meanwhile_is_a_conflict() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let base = save_text(&wiki, "Guide", "one\n").revision;
    let actor = people("ann");
    pages::delete(&wiki.grant(&actor).unwrap(), &PagePath::parse("Guide").unwrap(), "", pages::Subpages::Keep).unwrap();
    let SaveOutcome::Conflict(conflict) = save(&wiki, "Guide", Some(base), "two\n", None).unwrap() else {
        panic!("an edit of a deleted page brings it back unasked")
    };
    assert_eq!((conflict.theirs, conflict.base.as_deref()), (None, Some("one\n")));
}

/// DUR-4: of many edits that touch on one base, exactly one is saved; every other gets its conflict.
#[test]
fn concurrent_edits_of_one_line_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let base = save_text(&wiki, "Guide", "line\n").revision;
    let outcomes: Vec<SaveOutcome> = std::thread::scope(|threads| {
        let handles: Vec<_> = (0..8)
            .map(|i| {
                threads.spawn({
                    let wiki = &wiki;
                    move || save(wiki, "Guide", Some(base), &format!("writer {i}\n"), None).unwrap()
                })
            })
            .collect();
        handles.into_iter().map(|h| h.join().unwrap()).collect()
    });
    let saved = outcomes.iter().filter(|o| matches!(o, SaveOutcome::Saved(_))).count();
    assert_eq!(saved, 1);
}

/// Disjoint edits of many writers all arrive, each in a commit of its own.
#[test]
fn concurrent_edits_of_many_lines_all_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let text = |changed: Option<usize>| -> String {
        (0..8).map(|i| format!("{}{i}\n\n\n", if changed == Some(i) { "new " } else { "old " })).collect()
    };
    let base = save_text(&wiki, "Guide", &text(None)).revision;
    std::thread::scope(|threads| {
        for i in 0..8 {
            let (wiki, text) = (&wiki, text(Some(i)));
            threads.spawn(move || assert!(matches!(save(wiki, "Guide", Some(base), &text, None).unwrap(), SaveOutcome::Saved(_))));
        }
    });
    let result = page_text(&wiki, "Guide").unwrap();
    assert_eq!(result.matches("new ").count(), 8, "{result}");
}

#[test]
fn nobody_claims_what_only_holt_says_of_a_commit() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let ann = people("ann");
    let scope = wiki.grant::<Write>(&ann).unwrap();
    let message = "Via: a title\n\nWhy.\n\nvia: mcp/evil\nSession : x\nProposal: 7\nAccepted-by: Bob\nHolt-Op: abc";
    let edit = Edit::new(PagePath::parse("Forged").unwrap(), None, "x\n".into(), message).unwrap();
    pages::save(&scope, &edit, None).unwrap();
    let reader = scope.narrow::<holt_engine::Read>();
    let newest = pages::changelog(&reader, &pages::Filter::default(), None, 1).unwrap().remove(0).revision;
    assert_eq!((newest.via(), newest.session(), newest.undoes()), (None, None, None));
    assert!(newest.message.starts_with("Via: a title\n\nWhy.\n\n via: mcp/evil\n Session : x\n Proposal: 7\n"), "{}", newest.message);
    assert!(newest.message.trim_end().ends_with("\n Holt-Op: abc"));
}
