//! Holt for Python: the renderer, and the engine over a data directory, without a server (docs/python.md).
//!
//! Calls that take long let other Python threads run. Nothing is kept but what an object holds, and nothing is printed.

mod errors;
mod records;
mod wiki;

use pyo3::prelude::*;

/// The native half of `holt`.
#[pymodule]
mod _holt {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::errors::{BusyError, ConflictError, DeniedError, HoltError, InvalidError, NotFoundError};
    #[pymodule_export]
    use crate::records::{Change, Conflict, Heading, Hit, Page, PageInfo, Rendered, Saved};
    #[pymodule_export]
    use crate::wiki::{Data, Wiki};
    #[pymodule_export]
    use crate::{render, rendered};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

/// Markdown to sanitized HTML.
#[pyfunction]
#[pyo3(signature = (text, *, page_url = None, extras = true))]
fn render(py: Python<'_>, text: &str, page_url: Option<&str>, extras: bool) -> String {
    py.detach(|| in_context(text, page_url, extras).html.as_str().to_string())
}

/// Markdown to sanitized HTML, with its headings, links and needs.
#[pyfunction]
#[pyo3(signature = (text, *, page_url = None, extras = true))]
fn rendered(py: Python<'_>, text: &str, page_url: Option<&str>, extras: bool) -> records::Rendered {
    py.detach(|| records::Rendered::from(&in_context(text, page_url, extras)))
}

fn in_context(text: &str, page_url: Option<&str>, extras: bool) -> holt_markdown::Rendered {
    use holt_markdown::{Context, Extras, Options};
    let extras = if extras { Extras::On } else { Extras::Off };
    let options = Options { extras, ..Options::default() };
    holt_markdown::render(text, &Context { page_url, options, ..Context::default() })
}
