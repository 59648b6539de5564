//! Moving, deleting and taking back: what is in the way is never overwritten, what was there is never lost.

use crate::wikis::{docs, page_text, people, save_text};
use holt_core::{AttachmentName, Edit, ErrorKind, PagePath};
use holt_engine::pages::{self, Backlinks, Subpages};
use holt_engine::{Engine, Read, Upload, Wiki, Write};

fn path(text: &str) -> PagePath {
    PagePath::parse(text).unwrap()
}

fn attach(wiki: &Wiki, page: &str, name: &str, content: &[u8]) {
    let ann = people("ann");
    let scope = wiki.grant::<Upload>(&ann).unwrap();
    pages::upload(&scope, &path(page), &[(AttachmentName::parse(name).unwrap(), content.to_vec())], pages::Existing::Replace, "").unwrap();
}

fn attached(wiki: &Wiki, page: &str, name: &str) -> Option<Vec<u8>> {
    let ann = people("ann");
    let scope = wiki.grant::<Read>(&ann).unwrap();
    pages::attachment(&scope, &path(page), &AttachmentName::parse(name).unwrap(), None).unwrap().map(|found| found.content)
}

fn rename(wiki: &Wiki, from: &str, to: &str) -> holt_core::Result<pages::Renamed> {
    let ann = people("ann");
    pages::rename(&wiki.grant::<Write>(&ann).unwrap(), &path(from), &path(to), "", Backlinks::Rewrite)
}

#[test]
fn a_rename_overwrites_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "One", "# One\n");
    attach(&wiki, "One", "map.png", b"one");
    save_text(&wiki, "One/Sub", "sub of one\n");
    // A folder without a page of its own: its name is free, what is in it is not.
    attach(&wiki, "Two", "map.png", b"two");
    save_text(&wiki, "Two/SUB", "sub of two\n");
    let refused = rename(&wiki, "One", "Two").unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict, "{refused}");
    assert_eq!(attached(&wiki, "Two", "map.png").as_deref(), Some(b"two".as_slice()));
    assert_eq!(page_text(&wiki, "Two/SUB").as_deref(), Some("sub of two\n"));
    assert_eq!(page_text(&wiki, "One").as_deref(), Some("# One\n"));
    // Beside each other they may be.
    save_text(&wiki, "Three/Other", "other\n");
    assert_eq!(rename(&wiki, "One", "Three").unwrap().path, path("Three"));
    assert_eq!(attached(&wiki, "Three", "map.png").as_deref(), Some(b"one".as_slice()));
    assert_eq!(page_text(&wiki, "Three/Other").as_deref(), Some("other\n"));
    assert_eq!(rename(&wiki, "Two/SUB", "Three").unwrap_err().kind, ErrorKind::Conflict);
    // Only the letters' case: the page itself is not in its own way.
    assert_eq!(rename(&wiki, "Three", "THREE").unwrap().path, path("THREE"));
    assert_eq!(page_text(&wiki, "THREE/Sub").as_deref(), Some("sub of one\n"));
    assert_eq!(page_text(&wiki, "three/other").as_deref(), Some("other\n"));
}

#[test]
fn a_deleted_page_comes_back_by_a_revert() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let ann = people("ann");
    let scope = wiki.grant::<Write>(&ann).unwrap();
    save_text(&wiki, "Page", "text\n");
    save_text(&wiki, "Page/Sub", "sub\n");
    attach(&wiki, "Page", "a.txt", b"a");
    let kept = pages::delete(&scope, &path("Page"), "", Subpages::Keep).unwrap();
    assert_eq!((page_text(&wiki, "Page"), page_text(&wiki, "Page/Sub").as_deref()), (None, Some("sub\n")));
    pages::revert(&scope, kept, "").unwrap();
    let all = pages::delete(&scope, &path("page"), "", Subpages::Delete).unwrap();
    assert_eq!((page_text(&wiki, "Page/Sub"), attached(&wiki, "Page", "a.txt")), (None, None));
    pages::revert(&scope, all, "").unwrap();
    assert_eq!(page_text(&wiki, "Page").as_deref(), Some("text\n"));
    assert_eq!(attached(&wiki, "Page", "a.txt").as_deref(), Some(b"a".as_slice()));
    // There is nothing left to undo, and what changed since is not undone with it.
    assert_eq!(pages::revert(&scope, all, "").unwrap_err().kind, ErrorKind::Invalid);
    let change = save_text(&wiki, "Page", "other\n").revision;
    save_text(&wiki, "Page", "another\n");
    assert_eq!(pages::revert(&scope, change, "").unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(page_text(&wiki, "Page").as_deref(), Some("another\n"));
}

#[test]
fn a_revert_overwrites_nothing_either() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let ann = people("ann");
    let scope = wiki.grant::<Write>(&ann).unwrap();
    save_text(&wiki, "Old", "text\n");
    let moved = rename(&wiki, "Old", "New").unwrap().revision;
    save_text(&wiki, "Old", "somebody else's\n");
    assert_eq!(pages::revert(&scope, moved, "").unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(page_text(&wiki, "Old").as_deref(), Some("somebody else's\n"));
    let gone = pages::delete(&scope, &path("Old"), "", Subpages::Keep).unwrap();
    save_text(&wiki, "OLD", "in other letters\n");
    assert_eq!(pages::revert(&scope, gone, "").unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(pages::revert(&scope, moved, "").unwrap_err().kind, ErrorKind::Conflict);
    pages::delete(&scope, &path("OLD"), "", Subpages::Keep).unwrap();
    pages::revert(&scope, moved, "").unwrap();
    assert_eq!((page_text(&wiki, "Old").as_deref(), page_text(&wiki, "New")), (Some("text\n"), None));
}

/// The published article of a page.
fn published(wiki: &Wiki, engine: &Engine, page: &str) -> String {
    let manifest = engine.fragments().page(wiki.id(), &path(page).key()).unwrap().unwrap();
    let html = |key| String::from_utf8(engine.fragments().get(wiki.id(), key).unwrap().unwrap().raw().to_vec()).unwrap();
    manifest.fragments().map(html).collect()
}

#[test]
fn a_page_follows_what_it_shows_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    save_text(&wiki, "Top", "{{Include|src=/Middle}}");
    assert!(published(&wiki, &engine, "Top").contains("page &quot;/Middle&quot; not found"));
    save_text(&wiki, "Middle", "# M\n\n{{include|src=Parts/Deep|section=two}}\n\n$x$");
    save_text(&wiki, "Parts/Deep", "# One\n\nnot this\n\n## Two\n\nfirst text\n\n# Three");
    let top = published(&wiki, &engine, "Top");
    assert!(top.contains("first text") && top.contains("<math") && !top.contains("not this"), "{top}");
    save_text(&wiki, "Parts/Deep", "# One\n\n## Two\n\nsecond text");
    assert!(published(&wiki, &engine, "Top").contains("second text"), "through two pages");
    // Round and round it goes nowhere.
    save_text(&wiki, "Parts/Deep", "## Two\n\n{{Include|src=/Top}}");
    assert!(published(&wiki, &engine, "Top").contains("cycle detected"));
    // An index follows what comes, changes and goes below it, and a handmade one of everything, too.
    save_text(&wiki, "Parts", "{{PageIndex|toc=true}}");
    assert!(published(&wiki, &engine, "Parts").contains("href=\"/Parts/Deep\""));
    save_text(&wiki, "Parts/More", "# More\n\n## Inside");
    let parts = published(&wiki, &engine, "Parts");
    assert!(parts.contains("href=\"/Parts/More\"") && parts.contains("href=\"/Parts/More#inside\""), "{parts}");
    rename(&wiki, "Parts/More", "Elsewhere").unwrap();
    assert!(!published(&wiki, &engine, "Parts").contains("/Parts/More"));
    // Files beside the page.
    save_text(&wiki, "Files", "{{AttachmentList|filter=*.txt}}");
    attach(&wiki, "Files", "a.txt", b"12");
    attach(&wiki, "Files", "b.png", b"12");
    let files = published(&wiki, &engine, "Files");
    assert!(
        files.contains("href=\"/Files/a.txt\">a.txt</a>") && files.contains("<td>2.0B</td>") && !files.contains("b.png</a>"),
        "{files}"
    );
    // Files of other pages: a table, a picture that comes later, and a page that shows a page that shows one.
    save_text(&wiki, "Table", "{{DataTable|src=/Files/t.csv}}\n\n{{ImageFrame|src=/Files/p.png}}");
    save_text(&wiki, "Shows", "{{Include|src=/Table}}");
    let table = published(&wiki, &engine, "Table");
    assert!(
        table.contains("csv attachment &quot;/Files/t.csv&quot; not found") && table.contains("&quot;/Files/p.png&quot; not found"),
        "{table}"
    );
    attach(&wiki, "Files", "t.csv", b"a;b\n1;<2>\n");
    attach(&wiki, "Files", "p.png", b"12");
    for page in ["Table", "Shows"] {
        let html = published(&wiki, &engine, page);
        assert!(html.contains("<th>b</th>") && html.contains("<td>&lt;2&gt;</td>") && html.contains("src=\"/Files/p.png\""), "{html}");
    }
    // What cannot be created can be wanted all the same; a screen of a page is not.
    save_text(&wiki, "Links", "[[a?b]] [[Files/history]]");
    let links = published(&wiki, &engine, "Links");
    assert!(
        links.contains("<a class=\"wikilink missing\" href=\"/a%3Fb\"") && links.contains("<a class=\"wikilink\" href=\"/Files/history\""),
        "{links}"
    );
    // Made anew it is the same, and nothing of the old one is left: there was nothing wrong with it.
    let before: Vec<String> = ["Top", "Middle", "Parts", "Files"].iter().map(|page| published(&wiki, &engine, page)).collect();
    holt_engine::sync::rebuild(&wiki).unwrap();
    let after: Vec<String> = ["Top", "Middle", "Parts", "Files"].iter().map(|page| published(&wiki, &engine, page)).collect();
    assert_eq!(before, after);
    let bad = {
        let wikis = std::fs::read_dir(dir.path().join("wikis")).unwrap().flatten();
        let files = wikis.flat_map(|wiki| std::fs::read_dir(wiki.path()).unwrap().flatten());
        files.filter(|file| file.file_name().to_string_lossy().starts_with("index.db.bad-")).count()
    };
    assert_eq!(bad, 0);
}

#[test]
fn pages_that_show_each_other_stay_small() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    for level in 0..9 {
        save_text(&wiki, &format!("L{level}"), &format!("{{{{Include|src=/L{}}}}}\n\n", level + 1).repeat(6));
    }
    save_text(&wiki, "L9", "end");
    assert!(published(&wiki, &engine, "L0").len() < 8 * 1024 * 1024);
}

#[test]
fn links_to_another_name_of_a_page_are_links_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let all = |page: &str| {
        let manifest = engine.fragments().page(wiki.id(), &path(page).key()).unwrap().unwrap();
        let html: Vec<u8> =
            manifest.slots.iter().flat_map(|(_, key)| engine.fragments().get(wiki.id(), key).unwrap().unwrap().raw().to_vec()).collect();
        String::from_utf8(html).unwrap()
    };
    let scope = wiki.grant::<Read>(&holt_core::Actor::System).unwrap();
    let (alone, wanted) = (|| pages::orphans(&scope).unwrap().contains(&path("Page")), || pages::wanted(&scope).unwrap().len());
    save_text(&wiki, "Other", "See [[Old name]].");
    save_text(&wiki, "Page", "# Page");
    assert!(all("Other").contains("missing") && alone() && wanted() == 1);
    save_text(&wiki, "Page", "---\naliases: [Old Name]\n---\n# Page");
    assert!(!all("Other").contains("missing") && all("Other").contains("href=\"/Page\""), "{}", all("Other"));
    assert!(all("Page").contains("href=\"/Other\""), "it is linked to");
    assert!(!alone() && wanted() == 0);
    save_text(&wiki, "Third", "And [[old name]].");
    assert!(all("Page").contains("href=\"/Third\""));
    save_text(&wiki, "Third", "No more.");
    assert!(!all("Page").contains("href=\"/Third\""));
    // A page of that name is nearer than another name.
    save_text(&wiki, "Old name", "# Own");
    assert!(all("Other").contains("href=\"/Old%20name\"") && !all("Page").contains("href=\"/Other\""));
    let ann = people("ann");
    pages::delete(&wiki.grant::<Write>(&ann).unwrap(), &path("Old name"), "", Subpages::Keep).unwrap();
    assert!(all("Other").contains("href=\"/Page\"") && all("Page").contains("href=\"/Other\""));
    rename(&wiki, "Page", "Renamed").unwrap();
    assert!(all("Other").contains("href=\"/Renamed\""), "{}", all("Other"));
    save_text(&wiki, "Renamed", "# Page");
    assert!(all("Other").contains("missing") && !all("Renamed").contains("href=\"/Other\""));
}

#[test]
fn a_few_letters_find_names_then_headings_then_what_was_typed_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Setter", "# Setter\n");
    save_text(&wiki, "Guide/Setup", "# Setup\n\n## Set the clock\n");
    let found = |query: &str, limit| -> Vec<String> {
        let found = pages::suggest(&wiki.grant::<Read>(&holt_core::Actor::Anonymous).unwrap(), query, limit).unwrap();
        found
            .into_iter()
            .map(|one| one.path.to_string() + &one.heading.map(|(_, anchor)| format!("#{anchor}")).unwrap_or_default())
            .collect()
    };
    assert_eq!(found("set", 9), ["Setter", "Guide/Setup", "Guide/Setup#set-the-clock"]);
    assert_eq!(found("gui set", 9), ["Guide/Setup"]);
    assert_eq!((found("stup", 9), found("sette", 1)), (vec!["Guide/Setup".to_string()], vec!["Setter".to_string()]));
    // A heading typed wrong, too; and only that heading.
    assert_eq!(found("clokc", 9), ["Guide/Setup#set-the-clock"]);
    assert_eq!(found("teh clcok", 9), Vec::<String>::new(), "short words have to be right");
    assert_eq!(found("set clcok", 9), ["Guide/Setup#set-the-clock"]);
    assert_eq!((found("", 9), found("zebra", 9)), (vec!["Guide/Setup".to_string(), "Setter".to_string()], vec![]));
}

#[test]
fn a_file_and_a_folder_never_put_each_other_away() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    for page in ["L", "L/Docs/A", "L/Docs/Deep/B", "M", "N", "P", "P/Sub", "Q"] {
        save_text(&wiki, page, "precious");
    }
    for (page, file) in [("M", "Docs"), ("N", "Data"), ("Q", "Kid")] {
        attach(&wiki, page, file, b"precious");
    }
    let system = holt_core::Actor::System;
    let refused = |result: holt_core::Result<()>, what: &str| {
        assert_eq!(result.expect_err(what).kind, ErrorKind::Conflict, "{what}");
    };
    let file = |name: &str| (AttachmentName::parse(name).unwrap(), b"new".to_vec());
    let scope = wiki.grant::<Upload>(&system).unwrap();
    let put = |page: &str, name: &str| pages::upload(&scope, &path(page), &[file(name)], pages::Existing::Replace, "").map(drop);
    refused(put("L", "Docs"), "a file where a folder of pages is");
    let save = |page: &str| {
        let edit = Edit::new(path(page), None, "new".to_string(), "").unwrap();
        pages::save(&wiki.grant::<Write>(&system).unwrap(), &edit, None).map(drop)
    };
    refused(save("N/Data/Sub"), "a page below a file");
    // The other pages of M move into L, and its file would stand where their folder is.
    refused(rename(&wiki, "P", "Q/Kid").map(drop), "a folder where a file is");
    pages::delete(&wiki.grant::<Write>(&system).unwrap(), &path("L"), "", Subpages::Keep).unwrap();
    refused(rename(&wiki, "M", "L").map(drop), "a file that moves to where a folder is");
    for page in ["L/Docs/A", "L/Docs/Deep/B", "P/Sub"] {
        assert!(pages::page(&wiki.grant::<Read>(&system).unwrap(), &path(page)).unwrap().is_some(), "{page}");
    }
    // What goes in the same commit is in nobody's way.
    let gone = ["L/Docs/A", "L/Docs/Deep/B"].map(|page| pages::Operation {
        path: path(page),
        expect: pages::Expect::Present,
        kind: pages::OperationKind::Delete(pages::SideFiles::Delete),
    });
    pages::change_pages(&wiki.grant::<Write>(&system).unwrap(), &gone, "gone").unwrap();
    rename(&wiki, "M", "L").unwrap();
}
