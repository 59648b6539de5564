//! Following a wiki: every commit once, wherever it comes from.

use crate::comments::docs;
use crate::wikis::save_text;
use holt_core::{Actor, RevisionId};
use holt_engine::pages::{self, Changes, Filter, Since};
use holt_engine::{Read, Wiki, sync};
use holt_testkit::git;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// All that came after `since`, in parts of `limit`, and where to go on.
fn follow(wiki: &Wiki, since: Since, limit: usize) -> Option<(Vec<RevisionId>, Option<RevisionId>)> {
    let system = Actor::System;
    let scope = wiki.grant::<Read>(&system).unwrap();
    let (mut all, mut place) = (Vec::new(), None);
    loop {
        let Changes { entries, until, next } = pages::changes(&scope, since, place, limit).unwrap()?;
        assert!(entries.len() <= limit);
        all.extend(entries.iter().map(|entry| entry.revision.id));
        place = next;
        if place.is_none() {
            return Some((all, until));
        }
    }
}

/// What git says came after it.
fn by_git(repo: &Path, since: Option<RevisionId>) -> BTreeSet<String> {
    let range = since.map_or("HEAD".to_string(), |since| format!("{since}..HEAD"));
    git(repo, &["rev-list", &range]).lines().map(str::to_string).collect()
}

#[test]
fn a_follower_gets_every_commit_once() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    assert_eq!(follow(&wiki, Since::Beginning, 10), Some((vec![], None)));
    let saved: Vec<RevisionId> = (0..5).map(|i| save_text(&wiki, &format!("P{}", i % 2), &format!("{i}\n")).revision).collect();
    for limit in [1, 2, 5, 200] {
        assert_eq!(follow(&wiki, Since::Beginning, limit), Some((saved.clone(), Some(saved[4]))), "oldest first");
        assert_eq!(follow(&wiki, Since::Revision(saved[1]), limit), Some((saved[2..].to_vec(), Some(saved[4]))));
        assert_eq!(follow(&wiki, Since::Revision(saved[4]), limit), Some((vec![], Some(saved[4]))));
    }
    let unknown = RevisionId::parse(&"1".repeat(40)).unwrap();
    assert_eq!(follow(&wiki, Since::Revision(unknown), 5), None);

    // A branch that began long ago is merged: its commits are older than what everybody knows, and nobody knows them.
    let work = dir.path().join("work");
    let clone = git(dir.path(), &["clone", "-q", wiki.repo_path().to_str().unwrap(), work.to_str().unwrap()]);
    assert!(clone.is_empty());
    git(&work, &["checkout", "-q", "-b", "side", &saved[0].to_string()]);
    for i in 0..3 {
        std::fs::write(work.join(format!("Side{i}.md")), "side\n").unwrap();
        git(&work, &["add", "-A"]);
        git(&work, &["commit", "-q", "-m", "side"]);
    }
    let main = wiki_branch(&wiki);
    // As after `git pull` in a clone: what was there is the second parent.
    git(&work, &["merge", "-q", "--no-edit", &format!("origin/{main}")]);
    git(&work, &["push", "-q", "origin", &format!("side:{main}")]);
    let heard = Arc::new(AtomicUsize::new(0));
    let told = heard.clone();
    engine.listen(move |_| {
        told.fetch_add(1, Ordering::Relaxed);
    });
    sync::catch_up(&wiki).unwrap();
    sync::catch_up(&wiki).unwrap();
    assert_eq!(heard.load(Ordering::Relaxed), 1, "told once of what git did");
    let merge = save_text(&wiki, "P0", "after\n").revision;
    check(&wiki, &saved, merge);
    // The same from an index made anew.
    drop((wiki, engine));
    let engine = crate::wikis::new_engine(dir.path());
    let wiki = engine.wiki_named("docs").unwrap();
    sync::rebuild(&wiki).unwrap();
    check(&wiki, &saved, merge);

    // History that was taken back is no place to go on from.
    git(&work, &["push", "-q", "-f", "origin", &format!("{}:{main}", saved[3])]);
    assert_eq!(
        (follow(&wiki, Since::Revision(merge), 5), follow(&wiki, Since::Revision(saved[3]), 5)),
        (None, Some((vec![], Some(saved[3]))))
    );
}

fn check(wiki: &Wiki, saved: &[RevisionId], head: RevisionId) {
    for since in saved.iter().copied().map(Some).chain([None]) {
        for limit in [1, 3, 200] {
            let (all, until) = follow(wiki, since.map_or(Since::Beginning, Since::Revision), limit).unwrap();
            let got: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
            assert_eq!((got.len(), got.clone(), until), (all.len(), by_git(&wiki.repo_path(), since), Some(head)), "{since:?} {limit}");
            if let Some(since) = since {
                assert_eq!(logged(wiki, since, limit), got, "the changelog says the same, newest first");
            }
        }
    }
}

/// What the changelog has that came after it.
fn logged(wiki: &Wiki, since: RevisionId, limit: usize) -> BTreeSet<String> {
    let system = Actor::System;
    let scope = wiki.grant::<Read>(&system).unwrap();
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let part = pages::changelog_since(&scope, &Filter::default(), since, before, limit).unwrap().unwrap();
        assert!(part.len() <= limit && part.windows(2).all(|two| two[0].seq > two[1].seq));
        before = part.last().map(|entry| entry.seq);
        all.extend(part.iter().map(|entry| entry.revision.id.to_string()));
        if part.is_empty() {
            return all.into_iter().collect();
        }
    }
}

fn wiki_branch(wiki: &Wiki) -> String {
    git(&wiki.repo_path(), &["symbolic-ref", "--short", "HEAD"]).trim().to_string()
}
