//! How workers stand, for whoever runs the server: where there is no platform, this is their only page of that kind.

use super::views::{Problem, WorkersView};
use super::{Context, audit};
use crate::error;
use crate::reply::{Reply, see_other};
use crate::workers;
use holt_core::{Error, ErrorKind, Result};
use http::StatusCode;

const PATH: &str = "/-/admin/workers";

/// `GET /-/admin/workers`
pub fn show(context: &Context<'_>) -> Result<Reply> {
    shown(context, StatusCode::OK, None)
}

fn shown(context: &Context<'_>, status: StatusCode, problem: Option<Problem>) -> Result<Reply> {
    operator(context)?;
    let lines = workers::lines(context.app)?;
    let notice = context.request.query("saved").map(|_| "Done.".to_string());
    context.form(status, "Background work", |csrf| WorkersView { csrf, action: PATH, workers: lines, notice, problem })
}

/// `POST /-/admin/workers`: `worker` is told `order`.
pub fn order(context: &Context<'_>) -> Result<Reply> {
    operator(context)?;
    let form = &context.request.body;
    match workers::obey(context.app, form.get("worker"), form.get("order")) {
        Ok(()) => {
            audit::done(context, "worker", &format!("{} {}", form.get("worker"), form.get("order")));
            Ok(see_other(&format!("{PATH}?saved=1")))
        }
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => shown(context, error::status(&error), Some(super::problem(&error))),
    }
}

/// Administrators of one wiki of several are not asked.
fn operator(context: &Context<'_>) -> Result<()> {
    if context.is_operator() { Ok(()) } else { Err(Error::denied("this is for whoever runs this server")) }
}
