//! Tools for the files beside pages.

use super::{Call, Told, more};
use crate::api::failure::Failure;
use crate::api::{attachments, pages as page_api};
use crate::mcp::{budget, resources};
use crate::web::file_type;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holt_core::{AttachmentName, Error};
use holt_engine::Read;
use holt_engine::pages;
use serde_json::{Value, json};

/// The largest file that stands in an answer itself, in bytes (security.md INP-19). Larger ones are named.
const INLINE: usize = 1024 * 1024;

/// `list_attachments`
pub fn list_attachments(call: &Call<'_>) -> Result<Told, Failure> {
    let page = call.path("path")?;
    let found = attachments::beside(call.context, &page)?;
    let files = found["attachments"].as_array().cloned().unwrap_or_default();
    let text = |file: &Value, name: &str| file[name].as_str().unwrap_or_default().to_string();
    let line = |file: &Value| {
        format!(
            "- {} ({} bytes, {}, modified {})",
            text(file, "filename"),
            file["size"],
            text(file, "mime_type"),
            text(file, "last_modified")
        )
    };
    let lines: Vec<String> = files.iter().map(line).collect();
    let (part, next) = call.part(&lines)?;
    let listed = if lines.is_empty() { "(no attachments)".to_string() } else { lines[part.clone()].join("\n") };
    let said = format!("Attachments for {} ({}):\n{listed}{}", text(&found, "path"), lines.len(), more(&next));
    let structured = json!({"path": found["path"], "attachments": files[part], "total": lines.len(), "next_cursor": next});
    Ok(Told::new(said, structured))
}

/// `upload_attachment`
pub fn upload_attachment(call: &Call<'_>) -> Result<Told, Failure> {
    let page = call.path("path")?;
    let done = attachments::take(call.context, &page, &call.fields)?;
    let shown = call.preferences.display_path(&page_api::existing(call.context, &page)?);
    let text = format!("Uploaded {} to {shown} ({} bytes)", done["filename"].as_str().unwrap_or_default(), done["size"]);
    Ok(Told::new(text, done))
}

fn name(call: &Call<'_>) -> Result<AttachmentName, Failure> {
    AttachmentName::parse(call.fields.required("filename")?).map_err(|error| Failure::from(error).with("field", "filename"))
}

/// `download_attachment`: a picture as a picture, text as text, anything else as a resource; never base64 as text.
pub fn download_attachment(call: &Call<'_>) -> Result<Told, Failure> {
    let (page, name) = (call.path("path")?, name(call)?);
    let page = page_api::existing(call.context, &page)?;
    let found = pages::attachment(&call.context.scope::<Read>()?, &page, &name, None)?;
    let found = found.ok_or_else(|| Error::not_found(format!("the page {page} has no file {name}")))?;
    let kind = file_type::by_extension(&found.name.extension());
    let size = found.content.len();
    let uri = resources::file_uri(&call.slug, &page, name.as_str());
    let structured =
        json!({"filename": name.as_str(), "path": call.preferences.display_path(&page), "size": size, "mime_type": kind, "uri": uri});
    let mut told = Told::new(format!("{name} ({size} bytes, {kind})"), structured);
    let plain = std::str::from_utf8(&found.content).ok().filter(|_| kind.starts_with("text/") || kind == "application/json");
    told.blocks.push(match plain {
        _ if size > INLINE => json!({"type": "resource_link", "uri": uri, "name": name.as_str(), "mimeType": kind, "size": size}),
        None if kind.starts_with("image/") => json!({"type": "image", "mimeType": kind, "data": STANDARD.encode(&found.content)}),
        Some(text) if budget::tokens(size) <= budget::USUAL => {
            json!({"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": text}})
        }
        Some(_) => json!({"type": "resource_link", "uri": uri, "name": name.as_str(), "mimeType": kind, "size": size}),
        None => json!({"type": "resource", "resource": {"uri": uri, "mimeType": kind, "blob": STANDARD.encode(&found.content)}}),
    });
    Ok(told)
}

/// `delete_attachment`
pub fn delete_attachment(call: &Call<'_>) -> Result<Told, Failure> {
    let (page, name) = (call.path("path")?, name(call)?);
    let page = page_api::existing(call.context, &page)?;
    let subject = format!("{}/{name}", call.preferences.display_path(&page));
    let given = call.text("commit_message")?.unwrap_or_default();
    let message = call.context.door.message(given, "Delete attachment", &subject);
    let done = attachments::remove(call.context, &page, &name, &message)?;
    Ok(Told::new(format!("Deleted attachment {name}"), done))
}
