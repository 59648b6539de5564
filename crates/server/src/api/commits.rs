//! Several pages in one commit, all or nothing (spec/api.md §10).

use super::body::Fields;
use super::failure::Failure;
use super::{Answer, ok, precondition};
use crate::rates::Kind;
use crate::web::Context;
use holt_core::{Error, ErrorKind, Handling, PagePath, RevisionId, RevisionPrefix};
use holt_engine::pages::{self, Backlinks, Batch, Expect, Fault, Operation, OperationKind, SideFiles};
use holt_engine::{Read, Write};
use http::StatusCode;
use serde_json::{Value, json};

/// `POST /commits`: several pages in one commit, all or nothing.
pub fn commit(context: &Context<'_>) -> Answer {
    precondition::none(context, "Send base, or a revision with each operation.")?;
    Ok(ok(&apply(context, &Fields::of(context.request, &["message", "operations", "base"])?, Handling::Direct)?))
}

/// Does what the fields say, or proposes it.
pub fn apply(context: &Context<'_>, fields: &Fields, handling: Handling) -> Result<Value, Failure> {
    let message = fields.required("message")?.trim().to_string();
    if message.is_empty() {
        return Err(fields.refuse("message", "is empty", "Say why these pages change."));
    }
    let message = context.door.message(&message, "", "");
    let scope = context.scope::<Read>()?;
    let base = match fields.text("base")?.filter(|text| !text.is_empty()) {
        Some(text) => {
            Some(pages::resolve(&scope, &RevisionPrefix::parse(text)?).map_err(|error| Failure::from(error).with("field", "base"))?)
        }
        None => None,
    };
    let known = ["op", "path", "content", "old_string", "new_string", "revision", "new_path", "update_links"];
    let operations = fields.objects("operations", 100, &known)?;
    context.charge(Kind::Write, super::more(&operations))?;
    let operations = operations
        .iter()
        .enumerate()
        .map(|(i, one)| operation(context, one, i, base).map_err(|failure| failure.with("operation", i)))
        .collect::<Result<Vec<_>, _>>()?;
    let scope = context.scope::<Write>()?;
    let scope = if handling == Handling::Direct { scope } else { scope.proposing() };
    match pages::change_pages(&scope, &operations, &message)? {
        Batch::Done { revision, paths, changed, updated } => {
            let preferences = context.preferences()?;
            let shown = |paths: &[PagePath]| paths.iter().map(|path| preferences.display_path(path)).collect::<Vec<_>>();
            let (paths, updated) = (shown(&paths), shown(&updated));
            Ok(json!({"revision": revision.to_string(), "paths": paths, "updated_pages": updated, "changed": changed}))
        }
        Batch::Stale { at, current } => {
            let failure = match current {
                Some(current) => Failure::mismatch(StatusCode::CONFLICT, current),
                None => {
                    Failure::new(StatusCode::CONFLICT, "not_found", Error::conflict(format!("there is no page {}", operations[at].path)))
                }
            };
            let field = if current.is_some() { "revision" } else { "path" };
            Err(failure.with("operation", at).with("field", format!("operations[{at}].{field}")))
        }
        Batch::Refused { at, about, problem } => {
            let field = match (&operations[at].kind, about, problem.kind) {
                (OperationKind::Put(_), Fault::Change, _) => "content",
                (OperationKind::Replace { .. }, Fault::Change, ErrorKind::TooLarge) => "new_string",
                (OperationKind::Replace { .. }, Fault::Change, _) => "old_string",
                (OperationKind::Rename(..), Fault::Change, _) => "new_path",
                _ => "path",
            };
            Err(Failure::from(*problem).with("operation", at).with("field", format!("operations[{at}].{field}")))
        }
        Batch::Taken { at, problem } => {
            let failure = Failure::new(StatusCode::CONFLICT, "exists", *problem);
            Err(failure.with("operation", at).with("field", format!("operations[{at}].new_path")))
        }
    }
}

fn operation(context: &Context<'_>, one: &Fields, at: usize, base: Option<RevisionId>) -> Result<Operation, Failure> {
    let path = super::parse_path(&format!("operations[{at}].path"), one.required("path")?)?;
    let now = precondition::now(context, &path)?;
    if now.is_none() {
        // Whether a page of that name may be made, before it is said what is wrong with its text.
        path.clone().for_creation().map_err(|error| one.refuse("path", &error.message, error.hint.as_deref().unwrap_or_default()))?;
    }
    let op = one.required("op")?;
    only(one, op)?;
    let expect = match (one.text("revision")?.filter(|text| !text.is_empty()), &now, base) {
        (Some(sent), Some(page), _) => Expect::As(precondition::base(context, one, page, sent)?),
        (_, Some(_), Some(base)) => Expect::As(base),
        (_, Some(_), None) if op == "put" => {
            let error = Error::conflict(format!("revision required: the page {path} exists")).hint("Send its revision, or a base for all.");
            return Err(Failure::new(StatusCode::CONFLICT, "revision_required", error).with("field", format!("operations[{at}].revision")));
        }
        (_, Some(_), None) => Expect::Present,
        // What is to be moved has to be there.
        (_, None, _) if op == "rename" => Expect::Present,
        (None, None, _) => Expect::Absent,
        (Some(_), None, _) => Expect::Present,
    };
    let kind = match op {
        "put" => OperationKind::Put(one.required("content")?.to_string()),
        "patch" => OperationKind::Replace { old: one.required("old_string")?.to_string(), new: one.required("new_string")?.to_string() },
        "delete" => OperationKind::Delete(SideFiles::Delete),
        _ => {
            let to = super::parse_path(&format!("operations[{at}].new_path"), one.required("new_path")?.trim())?;
            let stored = now.as_ref().map_or(&path, |page| &page.page.path);
            if context.preferences()?.file_case(to.clone()) == *stored {
                return Err(one.refuse("new_path", "is the same as the path of the page", "Send another path."));
            }
            let backlinks = if one.flag("update_links")? == Some(false) { Backlinks::Keep } else { Backlinks::Rewrite };
            OperationKind::Rename(to, backlinks)
        }
    };
    Ok(Operation { path, expect, kind })
}

/// Refuses fields that mean nothing to the operation: whoever sends them expects something to come of them.
fn only(one: &Fields, op: &str) -> Result<(), Failure> {
    let takes: &[&str] = match op {
        "put" => &["content"],
        "patch" => &["old_string", "new_string"],
        "delete" => &[],
        "rename" => &["new_path", "update_links"],
        _ => return Err(one.refuse("op", "is no operation", "Send put, patch, delete or rename.")),
    };
    let all = ["content", "old_string", "new_string", "new_path", "update_links"];
    match all.iter().find(|name| one.has(name) && !takes.contains(name)) {
        Some(name) => Err(one.refuse(name, &format!("means nothing to {op}"), "Leave it out.")),
        None => Ok(()),
    }
}
