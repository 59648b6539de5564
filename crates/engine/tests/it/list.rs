//! Lists of pages: answered by the index alone.

use crate::wikis::{new_engine, people, save_text};
use holt_core::{PagePath, WikiName};
use holt_engine::db::preferences::Audience;
use holt_engine::pages::{self, ListFilter, Pattern};
use holt_engine::{Read, Wiki};
use std::path::{Path, PathBuf};

fn listed(wiki: &Wiki, filter: &ListFilter) -> (usize, Vec<String>) {
    let ann = people("ann");
    let found = pages::list(&wiki.grant::<Read>(&ann).unwrap(), filter, None, 2).unwrap();
    (found.total, found.pages.iter().map(|page| page.path.to_string()).collect())
}

fn objects(dir: &Path) -> PathBuf {
    let wiki = std::fs::read_dir(dir.join("wikis")).unwrap().next().unwrap().unwrap().path();
    wiki.join("repo.git/objects/pack")
}

#[test]
fn however_many_pages_a_list_reads_no_object_of_git() {
    let dir = tempfile::tempdir().unwrap();
    let engine = new_engine(dir.path());
    let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
    for n in 0..5 {
        save_text(
            &wiki,
            &format!("Guide/Ü{n}"),
            &format!("---\ntitle: Page {n}\ncategory: How To\ntags: [Red, '{n}']\n---\none two three\n"),
        );
    }
    save_text(&wiki, "Other", "---\ncategory: red\n---\nx");
    // Without a single object: whoever looks for one fails.
    engine.settle_all().unwrap();
    drop((wiki, engine));
    std::fs::rename(objects(dir.path()), dir.path().join("away")).unwrap();
    let engine = new_engine(dir.path());
    let wiki = engine.wiki_named("docs").unwrap();
    let filter = |set: fn(&mut ListFilter)| {
        let mut filter = ListFilter::default();
        set(&mut filter);
        listed(&wiki, &filter)
    };
    let two = |total: usize| (total, vec!["Guide/Ü0".to_string(), "Guide/Ü1".into()]);
    assert_eq!(filter(|_| ()), two(6));
    assert_eq!(filter(|filter| filter.prefix = Some("guide/ü".into())), two(5));
    assert_eq!(filter(|filter| filter.category = Some("HOW to".into())), two(5));
    assert_eq!(filter(|filter| filter.tag = Some("red".into())), two(5), "a category is no tag here");
    assert_eq!(filter(|filter| filter.tag = Some("4".into())), (1, vec!["Guide/Ü4".to_string()]));
    assert_eq!(filter(|filter| filter.since = Some(i64::MAX)).0, 0);
    let ann = people("ann");
    let scope = wiki.grant::<Read>(&ann).unwrap();
    let after = PagePath::parse("Guide/Ü3").unwrap();
    let last = pages::list(&scope, &ListFilter::default(), Some(&after), 1).unwrap().pages.remove(0);
    assert_eq!((last.name.as_deref(), last.category.as_deref(), last.length), (Some("Page 4"), Some("How To"), 3));
    assert_eq!((last.tags, last.last_change.author.name()), (vec!["Red".to_string(), "4".into()], "ann"));
    // The control: a text cannot be read now.
    assert!(pages::page(&scope, &after).is_err());
}

#[test]
fn a_pattern_goes_on_where_time_was_over() {
    let dir = tempfile::tempdir().unwrap();
    let engine = new_engine(dir.path());
    let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
    for n in 0..4 {
        save_text(&wiki, &format!("P{n}"), if n == 2 { "nothing" } else { "the needle\n" });
    }
    let ann = people("ann");
    let scope = wiki.grant::<Read>(&ann).unwrap();
    let pattern = Pattern::parse("needle$").unwrap();
    let (mut seen, mut parts, mut after) = (Vec::new(), 0, None);
    loop {
        // Always late: a page each time, and not for ever.
        let hits = pages::search_pattern(&scope, &pattern, "path:\"\"", after, 10, &|| true).unwrap();
        seen.extend(hits.pages.iter().map(|page| page.path.to_string()));
        parts += 1;
        after = hits.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((seen, parts), (vec!["P0".to_string(), "P1".into(), "P3".into()], 4));
    let narrow = pages::search_pattern(&scope, &pattern, "path:P3", None, 10, &|| false).unwrap();
    assert_eq!((narrow.pages.len(), narrow.pages[0].lines[0].number, narrow.next), (1, 1, None));
}
