//! Open late, bounded, one live handle per id.

use crate::wikis::{new_engine, page_text, save_text};
use holt_core::{Actor, Edit, PagePath, WikiName};
use holt_engine::db::preferences::Audience;
use holt_engine::maintenance::tidy;
use holt_engine::{Clock, Engine, EngineOptions, Write, pages};
use std::path::Path;
use std::sync::Arc;

/// How many files of this process are open below `dir`.
fn open_below(dir: &Path) -> usize {
    let links = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
    links.filter(|target| target.starts_with(dir)).count()
}

#[test]
fn a_handle_costs_nothing_until_it_is_used() {
    let dir = tempfile::tempdir().unwrap();
    {
        let engine = new_engine(dir.path());
        for i in 0..20 {
            engine.create_wiki(&WikiName::parse(&format!("wiki-{i}")).unwrap(), "W", Audience::Everybody).unwrap();
        }
        engine.settle_all().unwrap();
    }
    let engine = new_engine(dir.path());
    let wikis = dir.path().join("wikis");
    let handles: Vec<_> = (0..20).map(|i| engine.wiki_named(&format!("wiki-{i}")).unwrap()).collect();
    assert_eq!(open_below(&wikis), 0, "naming a wiki opens nothing");
    // The control: the count does see an open wiki.
    assert_eq!(page_text(&handles[3], "Home"), None);
    assert!(open_below(&wikis) > 0, "reading opens this one");
    let one = open_below(&wikis);
    assert_eq!(page_text(&handles[3], "Home"), None);
    assert_eq!(open_below(&wikis), one, "and opens it once");
}

#[test]
fn at_most_n_wikis_stay_open() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(EngineOptions { keep_open: 3, ..EngineOptions::new(dir.path(), Clock::fixed(1)) }).unwrap();
    for i in 0..12 {
        let wiki = engine.create_wiki(&WikiName::parse(&format!("wiki-{i}")).unwrap(), "W", Audience::Everybody).unwrap();
        save_text(&wiki, "Home", "# Home\n");
    }
    assert!(engine.live_wikis() <= 3, "{} are alive", engine.live_wikis());
    let held = engine.wiki_named("wiki-0").unwrap();
    for i in 1..12 {
        assert!(page_text(&engine.wiki_named(&format!("wiki-{i}")).unwrap(), "Home").is_some());
    }
    assert!(Arc::ptr_eq(&held, &engine.wiki_named("wiki-0").unwrap()), "whoever holds a wiki shares it with all others, evicted or not");
}

#[test]
fn a_second_process_is_turned_away_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let _engine = new_engine(dir.path());
    let error = Engine::open(EngineOptions::new(dir.path(), Clock::fixed(1))).err().unwrap();
    assert!(error.message.contains(&std::process::id().to_string()), "{error:?}");
}

#[test]
fn a_missing_wiki_db_is_never_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let engine = new_engine(dir.path());
    let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
    let path = wiki.repo_path().parent().unwrap().join("wiki.db");
    drop((wiki, engine));
    std::fs::remove_file(&path).unwrap();
    let engine = new_engine(dir.path());
    let wiki = engine.wiki_named("docs").unwrap();
    assert!(wiki.preferences().is_err());
    assert!(!path.exists());
}

#[test]
fn an_upgrade_publishes_every_wiki_again_once() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(EngineOptions::new(dir.path(), Clock::fixed(1_700_000_000))).unwrap();
    assert_eq!(engine.upgrade().unwrap(), 0, "a new installation is what this program makes");
    let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
    let generation = |engine: &Engine| engine.fragments().wiki(wiki.id()).unwrap().unwrap().generation;
    // As if another version had published it.
    let mut old = holt_fragments::WikiManifest::clone(&engine.fragments().wiki(wiki.id()).unwrap().unwrap());
    old.publisher ^= 1;
    engine.fragments().put_wiki(&old).unwrap();
    engine.directory().set_setting("publisher", "another").unwrap();
    let before = generation(&engine);
    assert_eq!((engine.upgrade().unwrap(), engine.upgrade().unwrap()), (1, 0));
    assert!(generation(&engine) > before);
    assert_ne!(engine.fragments().wiki(wiki.id()).unwrap().unwrap().publisher, old.publisher);
}

/// By `--publish-encodings`: whoever publishes next, with whatever flags, goes by it; and so does the store, whose files have other names.
#[test]
fn another_choice_of_forms_publishes_every_wiki_again_and_back() {
    use holt_fragments::Forms::{self, Gzip, GzipAndZstd};
    let dir = tempfile::tempdir().unwrap();
    let open = || Engine::open(EngineOptions::new(dir.path(), Clock::fixed(1_700_000_000))).unwrap();
    let save = |engine: &Engine, page: &str, text: &str| {
        let wiki = engine.wiki_named("docs").unwrap();
        let edit = Edit::new(PagePath::parse(page).unwrap(), None, text.to_string(), "made").unwrap();
        pages::save(&wiki.grant::<Write>(&Actor::System).unwrap(), &edit, None).unwrap();
    };
    let published = |engine: &Engine, page: &str| {
        let (store, wiki) = (engine.fragments(), engine.wiki_named("docs").unwrap().id());
        let manifest = store.page(wiki, &PagePath::parse(page).unwrap().key()).unwrap().unwrap();
        assert!(manifest.fragments().all(|name| store.get(wiki, name).unwrap().is_some()));
        (manifest.forms, store.wiki(wiki).unwrap().unwrap().forms, manifest.tag.clone())
    };
    let engine = open();
    engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
    save(&engine, "Home", "# Home\n\nOtters hold hands.\n");
    let first = published(&engine, "Home");
    assert_eq!((first.0, first.1), (Gzip, Gzip), "nobody asked for more");
    engine.publish_as(Gzip).unwrap();
    assert_eq!(
        (engine.upgrade().unwrap(), engine.directory().setting("encodings").unwrap()),
        (0, None),
        "nothing was chosen, nothing is written"
    );
    let go = |engine: &Engine, forms: Forms| {
        engine.publish_as(forms).unwrap();
        assert_eq!((engine.upgrade().unwrap(), engine.upgrade().unwrap()), (1, 0), "{forms:?}");
        published(engine, "Home")
    };
    let both = go(&engine, GzipAndZstd);
    assert_eq!((both.0, both.1, both.2 == first.2), (GzipAndZstd, GzipAndZstd, false), "other bytes, another tag");
    engine.settle_all().unwrap();
    drop(engine);
    // Another process, which was told nothing.
    let engine = open();
    assert_eq!(engine.upgrade().unwrap(), 0);
    save(&engine, "Guide", "# Guide\n\nOf otters.\n");
    for page in ["Home", "Guide"] {
        assert_eq!((published(&engine, page).0, published(&engine, page).1), (GzipAndZstd, GzipAndZstd), "{page}");
    }
    let back = go(&engine, Gzip);
    assert_eq!(back, first, "as it was, to the byte");
}

#[test]
fn what_saves_leave_behind_is_tidied_up() {
    let dir = tempfile::tempdir().unwrap();
    let now = Arc::new(std::sync::atomic::AtomicI64::new(0));
    // Files have the machine's times; the engine's clock is set an hour and a half ahead of them when it matters.
    let machine = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    now.store(machine, std::sync::atomic::Ordering::SeqCst);
    let clock = {
        let now = now.clone();
        Clock::new(move || now.load(std::sync::atomic::Ordering::SeqCst))
    };
    let engine = Engine::open(EngineOptions::new(dir.path(), clock)).unwrap();
    let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
    assert!(!tidy(&wiki).unwrap(), "nothing was saved");
    save_text(&wiki, "Page", "first");
    tidy(&wiki).unwrap();
    for n in 0..210 {
        save_text(&wiki, "Page", &format!("text {n}"));
    }
    let count = |below: &str| {
        let out = std::process::Command::new("find").arg(dir.path().join(below)).args(["-type", "f"]).output().unwrap();
        String::from_utf8(out.stdout).unwrap().lines().filter(|line| below == "fragments" || line.ends_with(".pack")).count()
    };
    let (fragments, packs) = (count("fragments"), count("wikis"));
    assert!(fragments > 400 && packs > 30, "{fragments} {packs}");
    assert!(tidy(&wiki).unwrap());
    assert!(count("wikis") < 40, "{} packs", count("wikis"));
    assert!(count("fragments") >= fragments, "too young to go: {}", count("fragments"));
    now.store(machine + 5400, std::sync::atomic::Ordering::SeqCst);
    for n in 0..210 {
        save_text(&wiki, "Page", &format!("again {n}"));
    }
    tidy(&wiki).unwrap();
    assert!(count("fragments") < 30, "{}", count("fragments"));
    assert_eq!(page_text(&wiki, "Page").as_deref(), Some("again 209"));
    assert_eq!(holt_engine::sync::check(&wiki).unwrap(), Vec::<String>::new());
}
