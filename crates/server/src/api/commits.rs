//! Several pages in one commit, all or nothing (spec/api.md §10).

use super::body::Fields;
use super::failure::Failure;
use super::{Answer, ok, precondition};
use crate::web::Context;
use holt_core::{Error, RevisionId, RevisionPrefix};
use holt_engine::pages::{self, Batch, Expect, Operation, OperationKind, SideFiles};
use holt_engine::{Read, Write};
use http::StatusCode;
use serde_json::json;

/// `POST /commits`: several pages in one commit, all or nothing.
pub fn commit(context: &Context<'_>) -> Answer {
    let fields = Fields::of(context.request, &["message", "operations", "base"])?;
    let message = fields.required("message")?.trim().to_string();
    if message.is_empty() {
        return Err(fields.refuse("message", "is empty", "Say why these pages change."));
    }
    let scope = context.scope::<Read>()?;
    let base = match fields.text("base")?.filter(|text| !text.is_empty()) {
        Some(text) => {
            Some(pages::resolve(&scope, &RevisionPrefix::parse(text)?).map_err(|error| Failure::from(error).with("field", "base"))?)
        }
        None => None,
    };
    let known = ["op", "path", "content", "old_string", "new_string", "revision"];
    let operations = fields.objects("operations", 100, &known)?;
    let operations = operations.iter().enumerate().map(|(i, one)| operation(context, one, i, base)).collect::<Result<Vec<_>, _>>()?;
    match pages::change_pages(&context.scope::<Write>()?, &operations, &message)? {
        Batch::Done { revision, paths, changed } => {
            let preferences = context.preferences()?;
            let paths: Vec<String> = paths.iter().map(|path| preferences.display_path(path)).collect();
            Ok(ok(&json!({"revision": revision.to_string(), "paths": paths, "changed": changed})))
        }
        Batch::Stale { at, current } => {
            let failure = match current {
                Some(current) => Failure::mismatch(StatusCode::CONFLICT, current),
                None => {
                    Failure::new(StatusCode::CONFLICT, "not_found", Error::conflict(format!("there is no page {}", operations[at].path)))
                }
            };
            Err(failure.with("operation", at))
        }
    }
}

fn operation(context: &Context<'_>, one: &Fields, at: usize, base: Option<RevisionId>) -> Result<Operation, Failure> {
    let path = super::parse_path(&format!("operations[{at}].path"), one.required("path")?)?;
    let now = precondition::now(context, &path)?;
    let expect = match (one.text("revision")?.filter(|text| !text.is_empty()), &now, base) {
        (Some(sent), Some(page), _) => Expect::As(precondition::base(context, one, page, sent)?),
        (_, Some(_), Some(base)) => Expect::As(base),
        (_, Some(_), None) if one.text("op")? == Some("put") => {
            let error = Error::conflict(format!("revision required: the page {path} exists")).hint("Send its revision, or a base for all.");
            return Err(Failure::new(StatusCode::CONFLICT, "revision_required", error).with("operation", at));
        }
        (_, Some(_), None) => Expect::Present,
        (None, None, _) => Expect::Absent,
        (Some(_), None, _) => Expect::Present,
    };
    let kind = match one.required("op")? {
        "put" => OperationKind::Put(one.required("content")?.to_string()),
        "patch" => OperationKind::Replace { old: one.required("old_string")?.to_string(), new: one.required("new_string")?.to_string() },
        "delete" => OperationKind::Delete(SideFiles::Delete),
        _ => return Err(one.refuse("op", "is no operation", "Send put, patch or delete.")),
    };
    Ok(Operation { path, expect, kind })
}
