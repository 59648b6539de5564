//! A data directory and its wikis. The process owns the directory as a server would, until it is closed.

use crate::errors::{conflict, raised};
use crate::records::{Change, Conflict, Hit, Page, PageInfo, Saved};
use holt_core::{Actor, Edit, Error, PagePath, Person, Result, RevisionPrefix, SaveOutcome, UserId, WikiName};
use holt_engine::db::preferences::Audience;
use holt_engine::pages::{self, Filter, ListFilter};
use holt_engine::{Clock, Engine, EngineOptions, Read, Write, accounts};
use pyo3::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// Most that one call lists.
const MOST: usize = 10_000;

/// The engine, until it is closed.
struct Opened(RwLock<Option<Engine>>);

impl Opened {
    fn new(path: PathBuf) -> Result<Self> {
        let clock = Clock::new(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed()));
        Ok(Self(RwLock::new(Some(Engine::open(EngineOptions::new(path, clock))?))))
    }
    fn with<T>(&self, work: impl FnOnce(&Engine) -> Result<T>) -> Result<T> {
        let engine = self.0.read().unwrap_or_else(PoisonError::into_inner);
        work(engine.as_ref().ok_or_else(|| Error::invalid("it is closed").hint("Open it again."))?)
    }
    fn close(&self) -> Result<()> {
        let Some(engine) = self.0.write().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        engine.settle_all()
    }
}

fn slugs(engine: &Engine) -> Result<Vec<WikiName>> {
    Ok(engine.directory().list_wikis()?.into_iter().map(|record| record.slug).collect())
}

/// The slug of the wiki that is meant.
fn chosen(engine: &Engine, name: Option<&str>) -> Result<String> {
    if let Some(name) = name {
        return engine.wiki_named(name).map(|_| name.to_string());
    }
    match slugs(engine)?.as_slice() {
        [one] => Ok(one.to_string()),
        [] => Err(Error::not_found("there is no wiki").hint("Make one with Data.create.")),
        many => {
            let names: Vec<&str> = many.iter().map(WikiName::as_str).collect();
            Err(Error::invalid("there are several wikis").hint(format!("Name one of {}.", names.join(", "))))
        }
    }
}

/// Who writes: whoever owns the machine, by the name they want in the history.
fn writer(author: Option<(String, String)>) -> Result<Actor> {
    let Some((name, email)) = author else { return Ok(Actor::System) };
    let (name, email) = (accounts::check_name(&name)?, accounts::check_email(&email)?);
    Ok(Actor::Person(Person { id: UserId(0), name, email, operator: true, through: None }))
}

/// See the stubs.
#[pyclass(frozen, module = "holt")]
pub struct Data {
    opened: Arc<Opened>,
}

#[pymethods]
impl Data {
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let opened = py.detach(|| Opened::new(path)).map_err(|e| raised(&e))?;
        Ok(Self { opened: Arc::new(opened) })
    }
    fn wikis(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let slugs = py.detach(|| self.opened.with(slugs)).map_err(|e| raised(&e))?;
        Ok(slugs.iter().map(ToString::to_string).collect())
    }
    #[pyo3(signature = (name, *, title = None))]
    fn create(&self, py: Python<'_>, name: &str, title: Option<&str>) -> PyResult<Wiki> {
        let made = py.detach(|| {
            let slug = WikiName::parse(name)?;
            self.opened.with(|engine| engine.create_wiki(&slug, title.unwrap_or(name), Audience::Everybody).map(drop))
        });
        made.map_err(|e| raised(&e))?;
        Ok(Wiki { opened: self.opened.clone(), name: name.to_string(), actor: Actor::System, owner: false })
    }
    #[pyo3(signature = (name = None, *, author = None))]
    fn wiki(&self, py: Python<'_>, name: Option<&str>, author: Option<(String, String)>) -> PyResult<Wiki> {
        let found = py.detach(|| Ok((self.opened.with(|engine| chosen(engine, name))?, writer(author)?)));
        let (name, actor) = found.map_err(|e| raised(&e))?;
        Ok(Wiki { opened: self.opened.clone(), name, actor, owner: false })
    }
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.opened.close()).map_err(|e| raised(&e))
    }
    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }
    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close(py)
    }
}

/// See the stubs.
#[pyclass(frozen, module = "holt")]
pub struct Wiki {
    opened: Arc<Opened>,
    #[pyo3(get)]
    name: String,
    actor: Actor,
    /// Whether nobody else has opened the data directory.
    owner: bool,
}

impl Wiki {
    fn reading<T>(&self, work: impl FnOnce(&holt_engine::Scope<'_, Read>) -> Result<T>) -> Result<T> {
        self.opened.with(|engine| work(&engine.wiki_named(&self.name)?.grant::<Read>(&self.actor)?))
    }
    fn saved(&self, page: &str, text: &str, base: Option<&str>, message: &str) -> Result<SaveOutcome> {
        let path = PagePath::parse(page)?;
        self.opened.with(|engine| {
            let wiki = engine.wiki_named(&self.name)?;
            let base = base.map(RevisionPrefix::parse).transpose()?;
            let base = base.map(|base| pages::resolve(&wiki.grant::<Read>(&self.actor)?, &base)).transpose()?;
            let edit = Edit::new(path, base, text.to_string(), message)?;
            pages::save(&wiki.grant::<Write>(&self.actor)?, &edit, None)
        })
    }
}

fn no_page(page: &str) -> Error {
    Error::not_found(format!("there is no page {page}"))
}

#[pymethods]
impl Wiki {
    #[staticmethod]
    #[pyo3(signature = (path, name = None, *, author = None))]
    fn open(py: Python<'_>, path: PathBuf, name: Option<&str>, author: Option<(String, String)>) -> PyResult<Self> {
        let opened = py.detach(|| {
            // To look at a wiki must not make a data directory by a typing error.
            if !is_data(&path) {
                let missing = format!("there is no data directory {}", path.display());
                return Err(Error::not_found(missing).hint("Data.open makes one."));
            }
            let actor = writer(author)?;
            let opened = Opened::new(path)?;
            let name = opened.with(|engine| chosen(engine, name))?;
            Ok(Self { opened: Arc::new(opened), name, actor, owner: true })
        });
        opened.map_err(|e| raised(&e))
    }
    #[pyo3(signature = (*, prefix = None, tag = None, after = None, limit = 1000))]
    fn pages(
        &self,
        py: Python<'_>,
        prefix: Option<String>,
        tag: Option<String>,
        after: Option<&str>,
        limit: usize,
    ) -> PyResult<Vec<PageInfo>> {
        let listed = py.detach(|| {
            let after = after.map(PagePath::parse).transpose()?;
            let filter = ListFilter { prefix, tag, ..ListFilter::default() };
            self.reading(|scope| pages::list(scope, &filter, after.as_ref(), limit.min(MOST)))
        });
        Ok(listed.map_err(|e| raised(&e))?.pages.iter().map(PageInfo::from).collect())
    }
    #[pyo3(signature = (page, *, revision = None))]
    fn read(&self, py: Python<'_>, page: &str, revision: Option<&str>) -> PyResult<Page> {
        let read = py.detach(|| {
            let path = PagePath::parse(page)?;
            self.reading(|scope| {
                let found = match revision {
                    Some(revision) => pages::page_at(scope, &path, pages::resolve(scope, &RevisionPrefix::parse(revision)?)?)?,
                    None => pages::page(scope, &path)?.map(|view| view.page),
                };
                let found = found.ok_or_else(|| no_page(page))?;
                let text = found.text().ok_or_else(|| Error::invalid(format!("{page} is not UTF-8 text")))?.to_string();
                Ok(Page { path: found.path.to_string(), text, revision: found.revision.to_string() })
            })
        });
        read.map_err(|e| raised(&e))
    }
    fn html(&self, py: Python<'_>, page: &str) -> PyResult<String> {
        let html = py.detach(|| {
            let path = PagePath::parse(page)?;
            self.reading(|scope| {
                let view = pages::page(scope, &path)?.ok_or_else(|| no_page(page))?;
                let text = view.page.text().ok_or_else(|| Error::invalid(format!("{page} is not UTF-8 text")))?;
                Ok(pages::render_old(scope, &view.page.path, text)?.html.as_str().to_string())
            })
        });
        html.map_err(|e| raised(&e))
    }
    #[pyo3(signature = (page = None, *, limit = 50))]
    fn history(&self, py: Python<'_>, page: Option<&str>, limit: usize) -> PyResult<Vec<Change>> {
        let entries = py.detach(|| {
            let path = page.map(PagePath::parse).transpose()?;
            self.reading(|scope| match &path {
                Some(path) => pages::history(scope, path, None, limit.min(MOST)),
                None => pages::changelog(scope, &Filter::default(), None, limit.min(MOST)),
            })
        });
        Ok(entries.map_err(|e| raised(&e))?.iter().map(|entry| Change::from(&entry.revision)).collect())
    }
    #[pyo3(signature = (query, *, limit = 20))]
    fn search(&self, py: Python<'_>, query: &str, limit: usize) -> PyResult<Vec<Hit>> {
        let found = py.detach(|| self.reading(|scope| pages::search(scope, query, 0, limit)));
        Ok(found.map_err(|e| raised(&e))?.hits.iter().map(Hit::from).collect())
    }
    #[pyo3(signature = (page, text, *, base = None, message = ""))]
    fn save(&self, py: Python<'_>, page: &str, text: &str, base: Option<&str>, message: &str) -> PyResult<Saved> {
        match py.detach(|| self.saved(page, text, base, message)).map_err(|e| raised(&e))? {
            SaveOutcome::Saved(saved) => Ok(Saved { revision: saved.revision.to_string(), merged: saved.merged, changed: saved.changed }),
            SaveOutcome::Conflict(texts) => {
                let holt_core::Conflict { base, theirs, yours, merged, current, .. } = *texts;
                Err(conflict(py, Conflict { base, theirs, yours, merged, current: current.to_string() }))
            }
        }
    }
    /// Closes the data directory, if it was opened by [`Wiki::open`].
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if !self.owner {
            return Ok(());
        }
        py.detach(|| self.opened.close()).map_err(|e| raised(&e))
    }
    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }
    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close(py)
    }
}

fn is_data(path: &Path) -> bool {
    path.join("holt.db").is_file()
}
