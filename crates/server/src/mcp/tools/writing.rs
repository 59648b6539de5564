//! Tools that change pages: what the API does, told to agents.

use super::{Call, Told, path};
use crate::api::body::Fields;
use crate::api::change::Change;
use crate::api::failure::Failure;
use crate::api::{commits, writing};
use holt_core::{Error, Handling};
use holt_engine::pages::SideFiles;
use http::StatusCode;
use serde_json::Value;

/// Longest text that is taken, in letters.
const LETTERS: usize = 1_000_000;

fn said<'v>(done: &'v Value, name: &str) -> &'v str {
    done[name].as_str().unwrap_or_default()
}

/// That it is done, with the page and its new revision.
fn told(call: &Call<'_>, what: &str, done: Value) -> Told {
    let merged = if done["merged"] == true { " Merged with what others changed elsewhere in the page since." } else { "" };
    let text = format!("{what} {} (revision: {}){merged}", said(&done, "path"), said(&done, "revision"));
    let path = said(&done, "path").to_string();
    Told::new(text, done).linking(call, std::iter::once(path.as_str()))
}

/// `write_note`
pub fn write_note(call: &Call<'_>) -> Result<Told, Failure> {
    let page = call.path("path")?;
    let letters = call.fields.required("content")?.chars().count();
    if letters > LETTERS {
        let error = Error::too_large(format!("the content has {letters} characters, and a page may have {LETTERS}"));
        return Err(
            Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", error.hint("Split it into several pages.")).with("field", "content")
        );
    }
    let done = writing::put_page(call.context, &page, &call.fields)?;
    let what = if done["created"] == true { "Created" } else { "Updated" };
    Ok(told(call, what, done))
}

/// `edit_note`
pub fn edit_note(call: &Call<'_>) -> Result<Told, Failure> {
    let change = Change::several(&call.fields)?;
    Ok(told(call, "Edited", writing::edit_page(call.context, &call.path("path")?, &call.fields, &change)?))
}

/// `append_to_note`
pub fn append_to_note(call: &Call<'_>) -> Result<Told, Failure> {
    let text = call.fields.required("text")?;
    if text.trim().is_empty() {
        return Err(call.fields.refuse("text", "is blank", "Send what to add."));
    }
    Ok(told(call, "Appended to", writing::append(call.context, &call.path("path")?, &call.fields, call.text("section")?, text)?))
}

/// `replace_section`
pub fn replace_section(call: &Call<'_>) -> Result<Told, Failure> {
    let section = call.text("section")?.ok_or_else(|| call.fields.refuse("section", "is blank", "Send the section's name or path."))?;
    let change = Change::Section(section.to_string(), call.fields.required("text")?.to_string());
    Ok(told(call, "Edited", writing::edit_page(call.context, &call.path("path")?, &call.fields, &change)?))
}

/// `rename_note`
pub fn rename_note(call: &Call<'_>) -> Result<Told, Failure> {
    let page = call.path("path")?;
    // Checked as all paths are, before anything is looked up.
    call.path("new_path")?;
    let done = writing::move_page(call.context, &page, &call.fields)?;
    let updated: Vec<&str> = done["updated_pages"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let links = match updated.len() {
        0 => "No backreferences needed updating.".to_string(),
        n => format!("Updated {n} backreferences:\n{}", updated.iter().map(|path| format!("- {path}")).collect::<Vec<_>>().join("\n")),
    };
    let text =
        format!("Renamed {} -> {} (revision: {})\n{links}", said(&done, "old_path"), said(&done, "new_path"), said(&done, "revision"));
    let new = said(&done, "new_path").to_string();
    Ok(Told::new(text, done).linking(call, std::iter::once(new.as_str())))
}

/// `delete_note`
pub fn delete_note(call: &Call<'_>) -> Result<Told, Failure> {
    let done = writing::delete_page(call.context, &call.path("path")?, &call.fields, SideFiles::Delete)?;
    Ok(Told::new(format!("Deleted {}", said(&done, "path")), done))
}

/// `revert_note`
pub fn revert_note(call: &Call<'_>) -> Result<Told, Failure> {
    let done = writing::revert_page(call.context, &call.path("path")?, &call.fields)?;
    Ok(told(call, "Reverted", done))
}

/// `apply_changes`
pub fn apply_changes(call: &Call<'_>) -> Result<Told, Failure> {
    apply(call, Handling::Direct)
}

/// `propose_changes`
pub fn propose_changes(call: &Call<'_>) -> Result<Told, Failure> {
    apply(call, Handling::Propose)
}

fn apply(call: &Call<'_>, handling: Handling) -> Result<Told, Failure> {
    // Paths are checked as everywhere before anything is looked up.
    for one in call.fields.objects("operations", 100, super::table::OPERATION)? {
        check(&one)?;
    }
    let done = commits::apply(call.context, &call.fields, handling)?;
    let list = |name: &str| done[name].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect::<Vec<_>>();
    let (paths, updated) = (list("paths"), list("updated_pages"));
    let links = if updated.is_empty() { String::new() } else { format!("\nLinks followed in: {}", updated.join(", ")) };
    let what = if done["changed"] == true { "Changed" } else { "Nothing to change in" };
    let text = format!("{what} {} pages (revision: {}): {}{links}", paths.len(), said(&done, "revision"), paths.join(", "));
    Ok(Told::new(text, done).linking(call, paths.iter().map(String::as_str)))
}

fn check(operation: &Fields) -> Result<(), Failure> {
    path(operation, "path", operation.required("path")?)?;
    if let Some(to) = operation.text("new_path")? {
        path(operation, "new_path", to)?;
    }
    Ok(())
}
