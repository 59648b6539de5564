//! Files beside a page (spec/api.md §6): in JSON as base64, or as they are.

use super::accept::Accept;
use super::body::Fields;
use super::failure::Failure;
use super::{Answer, address, message, ok, precondition};
use crate::reply::{Reply, json, with_header};
use crate::spool::Spool;
use crate::web::{Context, file_type, files};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holt_core::{AttachmentName, Error, ErrorKind, PagePath, RevisionId};
use holt_engine::pages::{self, ATTACHMENT_BYTES, Existing};
use holt_engine::{Read, Upload, Write, publish};
use http::{StatusCode, header};
use serde_json::{Value, json};

/// `GET /pages/{path}/attachments`
pub fn list(context: &Context<'_>) -> Answer {
    Ok(ok(&beside(context, &address(context)?)?))
}

/// What that says.
pub fn beside(context: &Context<'_>, path: &PagePath) -> Result<Value, Failure> {
    let path = super::pages::existing(context, path)?;
    let infos = pages::attachments(&context.scope::<Read>()?, &path)?;
    let shown = |info: &pages::AttachmentInfo| {
        json!({
            "filename": info.name.as_str(), "size": info.size, "mime_type": file_type::by_extension(&info.name.extension()),
            "last_modified": publish::rfc3339(info.last_change.time),
        })
    };
    let attachments: Vec<Value> = infos.iter().map(shown).collect();
    Ok(json!({"total": attachments.len(), "attachments": attachments, "path": context.preferences()?.display_path(&path)}))
}

/// The file of the address and the page it is beside, which must exist.
fn file(context: &Context<'_>) -> Result<(PagePath, AttachmentName), Failure> {
    let path = super::pages::existing(context, &address(context)?)?;
    let name = AttachmentName::parse(context.param("file")).map_err(|error| Failure::from(error).with("field", "filename"))?;
    Ok((path, name))
}

/// `GET /pages/{path}/attachments/{filename}`: as JSON, or as it is, in parts if asked, where JSON is not what is wanted.
pub fn get(context: &Context<'_>) -> Answer {
    let (path, name) = file(context)?;
    let at = match super::query::text(context, "revision") {
        Some(text) => Some(context.revision(&text).map_err(|error| Failure::from(error).with("field", "revision"))?),
        None => None,
    };
    if super::query::text(context, "format").is_some() || Accept::of(context.request).prefers_anything_to_json() {
        let reply = files::send(context, &path, &name, at, None)?;
        return Ok(if reply.status() == StatusCode::RANGE_NOT_SATISFIABLE { no_part(context, &reply) } else { reply });
    }
    let found = pages::attachment(&context.scope::<Read>()?, &path, &name, at)?;
    let found = found.ok_or_else(|| Error::not_found(format!("the page {path} has no file {name}")))?;
    Ok(ok(&json!({
        "filename": found.name.as_str(), "content": STANDARD.encode(&found.content), "size": found.content.len(),
        "mime_type": file_type::by_extension(&found.name.extension()),
    })))
}

/// 416 as everything here refuses, with how long the file is.
fn no_part(context: &Context<'_>, reply: &Reply) -> Reply {
    let range = reply.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok()).unwrap_or_default();
    let size = range.strip_prefix("bytes */").and_then(|size| size.parse::<u64>().ok()).unwrap_or_default();
    let error = Error::invalid("the file has no such part").hint(format!("Send a Range within its {size} bytes, or none."));
    let failure = Failure::new(StatusCode::RANGE_NOT_SATISFIABLE, "validation", error).with("field", "Range").with("size", size);
    with_header(failure.reply(context.request), header::CONTENT_RANGE, range)
}

/// What an upload in JSON says.
pub fn fields(context: &Context<'_>) -> Result<Fields, Failure> {
    Fields::of(context.request, &["filename", "content", "commit_message", "overwrite"])
}

/// `POST /pages/{path}/attachments`: `content` is base64.
pub fn upload(context: &Context<'_>) -> Answer {
    let fields = fields(context)?;
    precondition::none(context, "Send overwrite: false, or the file itself by PUT.")?;
    Ok(json(StatusCode::CREATED, &take(context, &address(context)?, &fields)?))
}

/// Adds the file in `fields`.
pub fn take(context: &Context<'_>, page: &PagePath, fields: &Fields) -> Result<Value, Failure> {
    let (filename, content) = (fields.required("filename")?, fields.required("content")?);
    let content =
        STANDARD.decode(content).map_err(|_| fields.refuse("content", "is not base64", "Send the bytes of the file as padded base64."))?;
    let overwrite = fields.flag("overwrite")?.unwrap_or(true);
    let message = said(fields)?;
    store(context, page, filename, Content::Bytes(content), if overwrite { Existing::Replace } else { Existing::Refuse }, &message)
}

fn said(fields: &Fields) -> Result<String, Failure> {
    Ok(fields.text("commit_message")?.map(str::trim).unwrap_or_default().to_string())
}

/// `PUT /pages/{path}/attachments/{filename}`: the body is the file.
pub fn put(context: &Context<'_>) -> Answer {
    let spool = context.request.spool.as_ref().ok_or_else(|| Error::internal("find the upload"))?;
    let stored = store(context, &address(context)?, context.param("file"), Content::Spool(spool), precondition::file(context)?, "")?;
    Ok(json(StatusCode::CREATED, &stored))
}

/// A file as it came.
enum Content<'a> {
    Bytes(Vec<u8>),
    Spool(&'a Spool),
}

fn store(
    context: &Context<'_>,
    page: &PagePath,
    filename: &str,
    content: Content<'_>,
    existing: Existing,
    message: &str,
) -> Result<Value, Failure> {
    let size = match &content {
        Content::Bytes(bytes) => bytes.len(),
        Content::Spool(spool) => usize::try_from(spool.length()).unwrap_or(usize::MAX),
    };
    if size > ATTACHMENT_BYTES {
        let error = Error::too_large("the file is too large (max 10MB)").hint("Store large files elsewhere and link to them.");
        return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "too_large", error).with("field", "content"));
    }
    let name = AttachmentName::for_upload(filename).map_err(|error| {
        let hint = error.hint.unwrap_or_default();
        Failure::field("filename", error.message, hint)
    })?;
    let path = super::pages::existing(context, page)?;
    let message = holt_core::edit::check_message(&context.door.message(message, "Attach", name.as_str()))?;
    let scope = context.scope::<Upload>()?;
    let revision = match content {
        Content::Bytes(bytes) => pages::upload(&scope, &path, &[(name.clone(), bytes)], existing, &message),
        Content::Spool(spool) => {
            spool.read(|from| pages::upload_from(&scope, &path, &name, (from, spool.length()), existing, &message)).and_then(|done| done)
        }
    };
    let revision = revision.map_err(|error| match (error.kind, existing) {
        (ErrorKind::Conflict, Existing::Refuse) => Failure::new(StatusCode::CONFLICT, "exists", error).with("field", "filename"),
        (ErrorKind::Conflict, Existing::Only(_) | Existing::Need) => {
            Failure::new(StatusCode::PRECONDITION_FAILED, "revision_mismatch", error).with("field", "If-Match")
        }
        _ => error.into(),
    })?;
    context.changed("uploaded", path.as_str(), revision);
    stored(context, &path, (filename, &name), size, revision)
}

/// What an upload answers. A file may be stored under another name than the one `sent`, which is said then.
pub fn stored(
    context: &Context<'_>,
    page: &PagePath,
    (sent, name): (&str, &AttachmentName),
    size: usize,
    revision: RevisionId,
) -> Result<Value, Failure> {
    let mut told = json!({
        "filename": name.as_str(), "path": format!("{}/{name}", context.preferences()?.display_path(page)), "size": size,
        "mime_type": file_type::by_extension(&name.extension()), "revision": revision.to_string(),
    });
    if sent != name.as_str() {
        told["sent_as"] = sent.into();
    }
    Ok(told)
}

/// `DELETE /pages/{path}/attachments/{filename}`
pub fn delete(context: &Context<'_>) -> Answer {
    let fields = Fields::of(context.request, &["commit_message"])?;
    precondition::none(context, "Leave it out: the file is deleted whatever it holds now, and stays in the history.")?;
    let (path, name) = file(context)?;
    Ok(ok(&remove(context, &path, &name, &message(context, &fields, "Delete attachment", name.as_str())?)?))
}

/// Deletes a file.
pub fn remove(context: &Context<'_>, path: &PagePath, name: &AttachmentName, message: &str) -> Result<Value, Failure> {
    let message = holt_core::edit::check_message(message)?;
    let revision = pages::delete_attachment(&context.scope::<Write>()?, path, name, &message).map_err(|error| match error.kind {
        ErrorKind::NotFound => Failure::from(Error::not_found(format!("the page {path} has no file {name}"))),
        _ => error.into(),
    })?;
    context.changed("deleted a file of", path.as_str(), revision);
    Ok(json!({"deleted": true, "filename": name.as_str(), "revision": revision.to_string()}))
}
