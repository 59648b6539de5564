//! What comes back: plain values. What each means stands in `holt/__init__.pyi`.

use holt_core::Revision;
use holt_engine::pages::Listed;
use pyo3::prelude::*;

/// See the stubs.
#[pyclass(frozen, get_all, module = "holt")]
#[derive(Clone)]
pub struct Heading {
    level: u8,
    text: String,
    anchor: String,
}

/// See the stubs.
#[pyclass(frozen, get_all, module = "holt")]
pub struct Rendered {
    html: String,
    toc: Vec<Heading>,
    links: Vec<String>,
    needs: Vec<&'static str>,
}

impl From<&holt_markdown::Rendered> for Rendered {
    fn from(made: &holt_markdown::Rendered) -> Self {
        let needs = [(made.requires.mathjax, "mathjax"), (made.requires.mermaid, "mermaid"), (made.requires.datatables, "datatables")];
        Self {
            html: made.html.as_str().to_string(),
            toc: made.toc.iter().map(|h| Heading { level: h.level, text: h.text.clone(), anchor: h.anchor.clone() }).collect(),
            links: made.links.iter().map(|link| link.target.clone()).collect(),
            needs: needs.into_iter().filter_map(|(is, what)| is.then_some(what)).collect(),
        }
    }
}

/// See the stubs.
#[pyclass(frozen, get_all, module = "holt")]
#[derive(Clone)]
pub struct Change {
    revision: String,
    author: String,
    email: String,
    time: i64,
    message: String,
}

impl From<&Revision> for Change {
    fn from(revision: &Revision) -> Self {
        Self {
            revision: revision.id.to_string(),
            author: revision.author.name().to_string(),
            email: revision.author.email().to_string(),
            time: revision.time.seconds,
            message: revision.message.clone(),
        }
    }
}

/// See the stubs.
#[pyclass(frozen, get_all, module = "holt")]
pub struct Page {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) revision: String,
}

/// See the stubs.
#[pyclass(frozen, get_all, module = "holt")]
pub struct PageInfo {
    path: String,
    title: Option<String>,
    tags: Vec<String>,
    size: u64,
    last_change: Change,
}

impl From<&Listed> for PageInfo {
    fn from(page: &Listed) -> Self {
        Self {
            path: page.path.to_string(),
            title: page.name.clone(),
            tags: page.tags.clone(),
            size: page.size,
            last_change: (&page.last_change).into(),
        }
    }
}

/// See the stubs.
#[pyclass(frozen, get_all, module = "holt")]
pub struct Hit {
    path: String,
    title: Option<String>,
    score: f64,
    snippet: String,
}

impl From<&holt_engine::pages::Hit> for Hit {
    fn from(hit: &holt_engine::pages::Hit) -> Self {
        Self {
            path: hit.path.to_string(),
            title: hit.name.clone().or_else(|| hit.title.clone()),
            score: hit.score,
            snippet: hit.snippet.iter().map(|piece| piece.text.as_str()).collect(),
        }
    }
}

/// See the stubs.
#[pyclass(frozen, get_all, module = "holt")]
pub struct Saved {
    pub(crate) revision: String,
    pub(crate) merged: bool,
    pub(crate) changed: bool,
}

/// See the stubs.
#[pyclass(frozen, get_all, module = "holt")]
pub struct Conflict {
    pub(crate) base: Option<String>,
    pub(crate) theirs: Option<String>,
    pub(crate) yours: String,
    pub(crate) merged: String,
    pub(crate) current: String,
}
