//! The names that are published beside pages: those that lead somewhere, no others, and the same whether they followed every change or were
//! gathered at once.

use crate::wikis::{docs, people, save_text};
use holt_core::{AccessLevel, PagePath, SubtreeRule, SubtreeRules};
use holt_engine::db::preferences::path_access_text;
use holt_engine::pages::{self, Backlinks, Subpages};
use holt_engine::{Admin, Engine, Wiki, Write, sync};
use holt_fragments::redirects;

fn path(text: &str) -> PagePath {
    PagePath::parse(text).unwrap()
}

fn rename(wiki: &Wiki, from: &str, to: &str) {
    let ann = people("ann");
    pages::rename(&wiki.grant::<Write>(&ann).unwrap(), &path(from), &path(to), "", Backlinks::Rewrite).unwrap();
}

fn delete(wiki: &Wiki, page: &str) {
    let ann = people("ann");
    pages::delete(&wiki.grant::<Write>(&ann).unwrap(), &path(page), "", Subpages::Keep).unwrap();
}

/// `Old>New` for each, in order. Looked at twice: as it came to be, and made again out of nothing.
fn published(engine: &Engine, wiki: &Wiki) -> String {
    let now = |engine: &Engine| {
        let shared = engine.fragments().wiki(wiki.id()).unwrap().unwrap();
        let list = engine.fragments().get(wiki.id(), shared.redirects.as_ref().unwrap()).unwrap().unwrap();
        let mut names: Vec<String> = redirects::read(&list).iter().map(|one| format!("{}>{}", one.from.key().as_str(), one.to)).collect();
        names.sort();
        names.join(" ")
    };
    let followed = now(engine);
    sync::rebuild(wiki).unwrap();
    assert_eq!(followed, now(engine), "what followed every change is what there is");
    followed
}

#[test]
fn names_follow_every_change() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    save_text(&wiki, "One", "# One");
    assert_eq!(published(&engine, &wiki), "");
    rename(&wiki, "One", "Two");
    assert_eq!(published(&engine, &wiki), "one>Two");
    rename(&wiki, "Two", "Deep/Three");
    assert_eq!(published(&engine, &wiki), "one>Deep/Three two>Deep/Three");
    // Somebody writes a page of the old name, and takes it away again.
    save_text(&wiki, "one", "# Another");
    assert_eq!(published(&engine, &wiki), "two>Deep/Three");
    save_text(&wiki, "Two/Below", "below");
    assert_eq!(published(&engine, &wiki), "", "a folder is more than a former name");
    delete(&wiki, "Two/Below");
    assert_eq!(published(&engine, &wiki), "two>Deep/Three");
    delete(&wiki, "Deep/Three");
    assert_eq!(published(&engine, &wiki), "", "nothing leads to what is gone");
}

#[test]
fn pages_have_other_names() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    save_text(&wiki, "Otter", "---\naliases: [Lutra, Fish otter]\n---\n# Otter");
    assert_eq!(published(&engine, &wiki), "fish otter>Otter lutra>Otter");
    let shared = |engine: &Engine| engine.fragments().wiki(wiki.id()).unwrap().unwrap();
    let before = shared(&engine);
    save_text(&wiki, "Otter", "---\naliases: [Lutra, Fish otter]\n---\n# Otter\n\nIt swims.");
    let after = shared(&engine);
    assert_eq!((&after.redirects, &after.frame), (&before.redirects, &before.frame), "a change of the text alone touches neither");
    save_text(&wiki, "Otter", "---\naliases: [Lutra]\n---\n# Otter");
    assert_eq!(published(&engine, &wiki), "lutra>Otter");
    rename(&wiki, "Otter", "Animals/Otter");
    assert_eq!(published(&engine, &wiki), "lutra>Animals/Otter otter>Animals/Otter");
    save_text(&wiki, "Lutra", "# The genus");
    assert_eq!(published(&engine, &wiki), "otter>Animals/Otter");
    delete(&wiki, "Animals/Otter");
    assert_eq!(published(&engine, &wiki), "");
}

/// CDN-1: what readers of the wiki may not see is no name, and no name leads there.
#[test]
fn nothing_leads_to_what_is_hidden() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    save_text(&wiki, "Plan", "---\naliases: [Scheme]\n---\n# Plan");
    save_text(&wiki, "Open", "# Open");
    rename(&wiki, "Plan", "Staff/Plan");
    rename(&wiki, "Open", "Wide");
    assert_eq!(published(&engine, &wiki), "open>Wide plan>Staff/Plan scheme>Staff/Plan", "the control");
    let ann = people("ann");
    let level = AccessLevel::Approved;
    let rule = SubtreeRule { path: path("Staff"), read: level, write: level, readers: [].into(), writers: [].into() };
    let text = path_access_text(&SubtreeRules::new(vec![rule]));
    pages::set_preferences(&wiki.grant::<Admin>(&ann).unwrap(), &[("PATH_ACCESS", &text)]).unwrap();
    assert_eq!(published(&engine, &wiki), "open>Wide");
    rename(&wiki, "Wide", "Staff/Wide");
    assert_eq!(published(&engine, &wiki), "");
}

#[test]
fn a_page_that_is_missing_has_a_title() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    save_text(&wiki, "One", "# One");
    let shared = engine.fragments().wiki(wiki.id()).unwrap().unwrap();
    let head = engine.fragments().get(wiki.id(), shared.not_found_head.as_ref().unwrap()).unwrap().unwrap();
    let head = String::from_utf8(head.raw().to_vec()).unwrap();
    assert!(head.contains("<title>There is no such page – Docs</title>") && head.contains("noindex"), "{head}");
}
