//! Errors of the engine as exceptions: one class for each thing that a caller may do about them.

use crate::records;
use holt_core::{Error, ErrorKind};
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(holt, HoltError, PyException, "What could not be done. `hint` says what to do about it.");
create_exception!(holt, NotFoundError, HoltError, "There is no such wiki, page or revision.");
create_exception!(holt, InvalidError, HoltError, "A name, a text or a query is not one.");
create_exception!(holt, DeniedError, HoltError, "Whoever writes may not.");
create_exception!(holt, BusyError, HoltError, "Another process has the data directory, or the disk is full.");
create_exception!(holt, ConflictError, HoltError, "A save touches what somebody else changed; `conflict` has the texts.");

/// As an exception. Causes are in its text: there is no log here.
pub fn raised(error: &Error) -> PyErr {
    let text = error.chain();
    let raised = match error.kind {
        ErrorKind::NotFound => NotFoundError::new_err(text),
        ErrorKind::Invalid | ErrorKind::TooLarge => InvalidError::new_err(text),
        ErrorKind::Denied | ErrorKind::Unauthenticated => DeniedError::new_err(text),
        ErrorKind::Conflict => ConflictError::new_err(text),
        ErrorKind::Busy => BusyError::new_err(text),
        _ => HoltError::new_err(text),
    };
    Python::attach(|py| {
        let value = raised.value(py);
        let set = value.setattr("hint", error.hint.as_deref()).and_then(|()| match error.kind {
            ErrorKind::Conflict => value.setattr("conflict", py.None()),
            _ => Ok(()),
        });
        // An exception of ours has room for both; if it has not, the text is what matters.
        drop(set);
    });
    raised
}

/// A save that somebody has to decide.
pub fn conflict(py: Python<'_>, texts: records::Conflict) -> PyErr {
    let raised = ConflictError::new_err("somebody else changed the same lines");
    let set = texts.into_pyobject(py).and_then(|texts| raised.value(py).setattr("conflict", texts));
    match set
        .and_then(|()| raised.value(py).setattr("hint", "Decide between the texts of `conflict`, and save with `base=conflict.current`."))
    {
        Ok(()) => raised,
        Err(error) => error,
    }
}
