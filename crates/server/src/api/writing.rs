//! One page written, edited in place, deleted, renamed (spec/api.md §2.3 to §2.6).

use super::body::Fields;
use super::change::Change;
use super::failure::Failure;
use super::pages::{readable, text_of};
use super::precondition::{self, Strict};
use super::{Answer, address, message, name, no_page, ok};
use crate::reply::{Reply, json, with_header};
use crate::web::Context;
use holt_core::{Edit, Error, ErrorKind, PagePath, RevisionId, SaveOutcome};
use holt_engine::pages::{self, Backlinks, Batch, Expect, Operation, OperationKind, RenameOutcome, SideFiles};
use holt_engine::{Read, Write, frontmatter};
use http::{StatusCode, header};
use serde_json::{Value, json};

/// What a write came to, as it is told.
pub type Done = Result<Value, Failure>;

/// What says which page is meant, where headers do not.
const BY_REVISION: &str = "Send revision in the body.";

/// `PUT /pages/{path}`: creates or replaces.
pub fn put(context: &Context<'_>) -> Answer {
    let fields = Fields::of(context.request, &["content", "revision", "commit_message"])?;
    fields.required("content")?;
    Ok(told(&put_page(context, &address(context)?, &fields)?))
}

/// Creates or replaces a page by `content`, `revision` and `commit_message`.
pub fn put_page(context: &Context<'_>, path: &PagePath, fields: &Fields) -> Done {
    let content = fields.required("content")?;
    let now = precondition::now(context, path)?;
    let shown = context.preferences()?.display_path(path);
    let message = message(context, fields, if now.is_some() { "Update" } else { "Create" }, &shown)?;
    let strict = precondition::headers(context, now.as_ref())?;
    let sent = fields.text("revision")?.filter(|text| !text.is_empty());
    let base = match (&now, sent, strict) {
        (_, _, Strict::Yes(expect)) => return strictly(context, path.clone(), expect, content, &message),
        (None, None, _) => None,
        (None, Some(sent), _) => {
            precondition::check(fields, sent)?;
            let error = Error::conflict(format!("the page {shown} is not there any more")).hint("Leave out revision to create it again.");
            return Err(Failure::new(StatusCode::CONFLICT, "not_found", error));
        }
        (Some(_), None, _) => {
            let error = Error::conflict("revision required: the page exists").hint("Read the page and send its revision.");
            return Err(Failure::new(StatusCode::CONFLICT, "revision_required", error).with("field", "revision"));
        }
        (Some(page), Some(sent), _) => Some(precondition::base(context, fields, page, sent)?),
    };
    save(context, path, base, content.to_string(), &message, Some(now.is_none()))
}

fn strictly(context: &Context<'_>, path: PagePath, expect: Expect, content: &str, message: &str) -> Done {
    let operation = Operation { path, expect, kind: OperationKind::Put(content.to_string()) };
    match pages::change_pages(&context.scope::<Write>()?, &[operation], message)? {
        Batch::Done { revision, paths, changed, .. } => {
            written(context, &paths[0], changed.then_some(revision), false, Some(expect == Expect::Absent))
        }
        Batch::Stale { current, .. } => Err(precondition::failed(current)),
        Batch::Taken { problem, .. } | Batch::Refused { problem, .. } => Err((*problem).into()),
    }
}

/// Saves, merging what others changed elsewhere in the page since `base`. `created` is said where the answer has it.
fn save(context: &Context<'_>, path: &PagePath, base: Option<RevisionId>, content: String, message: &str, created: Option<bool>) -> Done {
    let edit = Edit::new(path.clone(), base, content, message)?;
    match pages::save(&context.scope::<Write>()?, &edit, None)? {
        SaveOutcome::Saved(saved) => written(context, path, saved.changed.then_some(saved.revision), saved.merged, created),
        SaveOutcome::Conflict(conflict) => match precondition::now(context, path)? {
            Some(page) => Err(Failure::mismatch(StatusCode::CONFLICT, page.last_change.id)),
            None => {
                let error =
                    Error::conflict(format!("the page {path} was deleted meanwhile")).hint("Leave out revision to create it again.");
                Err(Failure::new(StatusCode::CONFLICT, "not_found", error).with("current_revision", conflict.current.to_string()))
            }
        },
    }
}

/// What a write answers. Without a new revision the page stays at the one it was at.
fn written(context: &Context<'_>, path: &PagePath, revision: Option<RevisionId>, merged: bool, created: Option<bool>) -> Done {
    let now = precondition::now(context, path)?;
    let stored = now.as_ref().map_or(path, |page| &page.page.path);
    let revision = match (revision, &now) {
        (Some(revision), _) => {
            context.changed("saved", stored.as_str(), revision);
            revision
        }
        (None, Some(page)) => page.last_change.id,
        (None, None) => return Err(no_page(path)),
    };
    saved(context, stored, revision, merged, created)
}

/// What a write answers whose page is stored at `stored` and was brought to `revision`: a matter of that revision alone.
pub fn saved(context: &Context<'_>, stored: &PagePath, revision: RevisionId, merged: bool, created: Option<bool>) -> Done {
    let preferences = context.preferences()?;
    let source = pages::source_at(&context.scope::<Read>()?, &stored.file(), revision)?.unwrap_or_default();
    let properties = frontmatter::split(&String::from_utf8_lossy(&source)).0;
    let mut body = json!({
        "name": name(&preferences, stored, properties.as_ref()), "path": preferences.display_path(stored), "revision": revision.to_string(),
    });
    if merged {
        body["merged"] = true.into();
    }
    if let Some(created) = created {
        body["created"] = created.into();
    }
    Ok(body)
}

/// The answer that says what a write came to.
pub fn told(done: &Value) -> Reply {
    let status = if done["created"] == true { StatusCode::CREATED } else { StatusCode::OK };
    with_header(json(status, done), header::ETAG, &format!("\"{}\"", done["revision"].as_str().unwrap_or_default()))
}

/// `PATCH /pages/{path}`: one string for another, or one section for another.
pub fn patch(context: &Context<'_>) -> Answer {
    let fields = Fields::of(context.request, &["revision", "old_string", "new_string", "section", "content", "commit_message"])?;
    if !precondition::asks_strictly(context) {
        fields.required("revision")?;
    }
    let change = Change::of(&fields)?;
    Ok(told(&edit_page(context, &address(context)?, &fields, &change)?))
}

/// Changes a page in place, by `revision` and `commit_message`.
pub fn edit_page(context: &Context<'_>, path: &PagePath, fields: &Fields, change: &Change) -> Done {
    let strict_asked = precondition::asks_strictly(context);
    let sent = if strict_asked { fields.text("revision")? } else { Some(fields.required("revision")?) };
    if let Some(sent) = sent {
        precondition::check(fields, sent)?;
    }
    let page = precondition::now(context, path)?.ok_or_else(|| no_page(path))?;
    let message = message(context, fields, "Edit", &context.preferences()?.display_path(&page.page.path))?;
    if let Strict::Yes(expect) = precondition::headers(context, Some(&page))? {
        let content = change.apply(&readable(&page.page)?)?;
        let expect = if expect == Expect::Present { Expect::As(page.last_change.id) } else { expect };
        return strictly_edited(context, path.clone(), expect, &content, &message);
    }
    let base = precondition::base(context, fields, &page, sent.unwrap_or_default())?;
    // The edit means the page as its writer saw it; what others changed elsewhere since is merged.
    let seen = if base == page.last_change.id { Some(page.page.clone()) } else { pages::page_at(&context.scope::<Read>()?, path, base)? };
    let seen = seen.ok_or_else(|| Failure::mismatch(StatusCode::CONFLICT, page.last_change.id))?;
    let content = match change.apply(&readable(&seen)?) {
        Ok(content) => content,
        // What is not there in an old text may be there now: only a new read helps.
        Err(_) if base != page.last_change.id => return Err(Failure::mismatch(StatusCode::CONFLICT, page.last_change.id)),
        Err(failure) => return Err(failure),
    };
    save(context, path, Some(base), content, &message, None)
}

/// Adds `text` at the end of a page, or of a section of it, as it is now: there is nothing a revision would protect.
pub fn append(context: &Context<'_>, path: &PagePath, fields: &Fields, section: Option<&str>, text: &str) -> Done {
    let change = Change::Append(section.map(str::to_string), text.to_string());
    let mut tries = 0;
    loop {
        let page = precondition::now(context, path)?.ok_or_else(|| no_page(path))?;
        let message = message(context, fields, "Append", &context.preferences()?.display_path(&page.page.path))?;
        let content = change.apply(&readable(&page.page)?)?;
        tries += 1;
        match save(context, path, Some(page.last_change.id), content, &message, None) {
            // Two who add at the same place at once: the second adds to what the first made.
            Err(failure) if tries < 4 && failure.parts().1 == "revision_mismatch" => {}
            done => return done,
        }
    }
}

fn strictly_edited(context: &Context<'_>, path: PagePath, expect: Expect, content: &str, message: &str) -> Done {
    let operation = Operation { path, expect, kind: OperationKind::Put(content.to_string()) };
    match pages::change_pages(&context.scope::<Write>()?, &[operation], message)? {
        Batch::Done { revision, paths, changed, .. } => written(context, &paths[0], changed.then_some(revision), false, None),
        Batch::Stale { current, .. } => Err(precondition::failed(current)),
        Batch::Taken { problem, .. } | Batch::Refused { problem, .. } => Err((*problem).into()),
    }
}

/// `DELETE /pages/{path}`
pub fn delete(context: &Context<'_>) -> Answer {
    let fields = Fields::of(context.request, &["commit_message", "revision"])?;
    let files = match context.request.query("attachments").as_deref() {
        None | Some("" | "delete") => SideFiles::Delete,
        Some("keep") => SideFiles::Keep,
        Some(_) => return Err(Failure::field("attachments", "attachments is neither keep nor delete", "Send keep or delete.")),
    };
    Ok(ok(&delete_page(context, &address(context)?, &fields, files)?))
}

/// Deletes a page, by `revision` and `commit_message`.
pub fn delete_page(context: &Context<'_>, path: &PagePath, fields: &Fields, files: SideFiles) -> Done {
    let page = precondition::now(context, path)?.ok_or_else(|| no_page(path))?;
    let shown = context.preferences()?.display_path(&page.page.path);
    let strict = precondition::headers(context, Some(&page))?;
    let expect = match (strict, fields.text("revision")?.filter(|text| !text.is_empty())) {
        (Strict::Yes(expect), _) => expect,
        (Strict::No, Some(sent)) => Expect::As(precondition::base(context, fields, &page, sent)?),
        (Strict::No, None) => Expect::Present,
    };
    let message = message(context, fields, "Delete", &shown)?;
    let operation = Operation { path: path.clone(), expect, kind: OperationKind::Delete(files) };
    match pages::change_pages(&context.scope::<Write>()?, &[operation], &message)? {
        Batch::Done { revision, .. } => {
            context.changed("deleted", page.page.path.as_str(), revision);
            Ok(json!({"deleted": true, "path": shown, "revision": revision.to_string()}))
        }
        Batch::Taken { problem, .. } | Batch::Refused { problem, .. } => Err((*problem).into()),
        Batch::Stale { current: None, .. } => Err(no_page(path)),
        Batch::Stale { current, .. } if strict != Strict::No => Err(precondition::failed(current)),
        Batch::Stale { current: Some(current), .. } => Err(Failure::mismatch(StatusCode::CONFLICT, current)),
    }
}

/// `POST /pages/{path}/rename`
pub fn rename(context: &Context<'_>) -> Answer {
    precondition::none(context, BY_REVISION)?;
    let path = super::pages::existing(context, &address(context)?)?;
    Ok(ok(&move_page(context, &path, &Fields::of(context.request, &["new_path", "commit_message", "revision", "update_links"])?)?))
}

/// Moves a page, by `new_path`, `revision`, `update_links` and `commit_message`.
pub fn move_page(context: &Context<'_>, path: &PagePath, fields: &Fields) -> Done {
    let page = precondition::now(context, path)?.ok_or_else(|| no_page(path))?;
    let asked = fields.required("new_path")?.trim();
    if asked.is_empty() {
        return Err(fields.refuse("new_path", "is empty", "Send the new path of the page."));
    }
    let to = super::parse_path("new_path", asked)?;
    let preferences = context.preferences()?;
    if preferences.file_case(to.clone()) == page.page.path {
        return Err(fields.refuse("new_path", "is the same as the path of the page", "Send another path."));
    }
    let message = message(context, fields, "Rename", &format!("{path} -> {asked}"))?;
    let message = holt_core::edit::check_message(&message)?;
    let expect = match fields.text("revision")?.filter(|text| !text.is_empty()) {
        Some(sent) => Expect::As(precondition::base(context, fields, &page, sent)?),
        None => Expect::Present,
    };
    let backlinks = if fields.flag("update_links")? == Some(false) { Backlinks::Keep } else { Backlinks::Rewrite };
    let outcome = pages::rename_expected(&context.scope::<Write>()?, path, expect, &to, &message, backlinks);
    let outcome = outcome.map_err(|error| match error.kind {
        ErrorKind::Conflict => Failure::new(StatusCode::CONFLICT, "exists", error).with("field", "new_path"),
        ErrorKind::Invalid => Failure::from(error).with("field", "new_path"),
        _ => error.into(),
    })?;
    let renamed = match outcome {
        RenameOutcome::Renamed(renamed) => renamed,
        RenameOutcome::Stale { current: Some(current) } => return Err(Failure::mismatch(StatusCode::CONFLICT, current)),
        RenameOutcome::Stale { current: None } => return Err(no_page(path)),
    };
    context.changed("renamed", renamed.path.as_str(), renamed.revision);
    moved(context, &page.page.path, &renamed.path, renamed.revision, &renamed.updated)
}

/// What a rename answers.
pub fn moved(context: &Context<'_>, old: &PagePath, new: &PagePath, revision: RevisionId, updated: &[PagePath]) -> Done {
    let preferences = context.preferences()?;
    let updated: Vec<String> = updated.iter().map(|path| preferences.display_path(path)).collect();
    Ok(json!({
        "old_path": preferences.display_path(old), "new_path": preferences.display_path(new),
        "revision": revision.to_string(), "updated_pages": updated,
    }))
}

/// `POST /pages/{path}/revert`: the page as it was at `to_revision`, merged with what happened elsewhere in it since `revision`.
pub fn revert(context: &Context<'_>) -> Answer {
    precondition::none(context, BY_REVISION)?;
    let fields = Fields::of(context.request, &["to_revision", "revision", "commit_message"])?;
    Ok(told(&revert_page(context, &address(context)?, &fields)?))
}

/// What [`revert`] does, by `to_revision`, `revision` and `commit_message`.
pub fn revert_page(context: &Context<'_>, path: &PagePath, fields: &Fields) -> Done {
    let (to, sent) = (fields.required("to_revision")?.to_string(), fields.required("revision")?);
    let page = precondition::now(context, path)?.ok_or_else(|| no_page(path))?;
    let base = precondition::base(context, fields, &page, sent)?;
    let old = text_of(context, path, Some(to))?;
    let message = message(context, fields, "Revert", &format!("{path} to {}", old.last.id.short(7)))?;
    save(context, path, Some(base), old.content, &message, None)
}
