//! What several modules need: an engine in a directory, people, a page in a line.

use holt_core::{Actor, Edit, PagePath, Person, SaveOutcome, Saved, UserId, WikiName};
use holt_engine::db::preferences::Audience;
use holt_engine::{Clock, Engine, EngineOptions, Read, Wiki, Write, pages};
use std::path::Path;
use std::sync::Arc;

/// An engine on `dir` with a clock that stands still.
pub fn new_engine(dir: &Path) -> Engine {
    Engine::open(EngineOptions::new(dir, Clock::fixed(1_700_000_000))).unwrap()
}

/// That with the empty wiki `docs`, which everybody may read.
pub fn docs(dir: &tempfile::TempDir) -> (Engine, Arc<Wiki>) {
    let engine = new_engine(dir.path());
    let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
    (engine, wiki)
}

/// Somebody who administers the installation, and so may do everything.
pub fn people(name: &str) -> Actor {
    Actor::Person(Person { id: UserId(1), name: name.into(), email: format!("{name}@example.org"), operator: true, through: None })
}

/// The page as text, or `None`.
pub fn page_text(wiki: &Wiki, path: &str) -> Option<String> {
    let actor = Actor::System;
    let scope = wiki.grant::<Read>(&actor).unwrap();
    let view = pages::page(&scope, &PagePath::parse(path).unwrap()).unwrap()?;
    Some(view.page.text().unwrap().to_string())
}

/// Saves a page over whatever is there now, as ann.
pub fn save_text(wiki: &Wiki, path: &str, text: &str) -> Saved {
    let actor = people("ann");
    let scope = wiki.grant::<Write>(&actor).unwrap();
    let path = PagePath::parse(path).unwrap();
    let base = pages::page(&scope.narrow(), &path).unwrap().map(|view| view.page.revision);
    match pages::save(&scope, &Edit::new(path, base, text.into(), "").unwrap(), None).unwrap() {
        SaveOutcome::Saved(saved) => saved,
        SaveOutcome::Conflict(conflict) => panic!("{conflict:?}"),
    }
}
