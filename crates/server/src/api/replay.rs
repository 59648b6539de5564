//! The answers of requests that were done before, made again from their commits. They say what was so then, whatever happened since.

use super::body::Fields;
use super::failure::Failure;
use super::{Answer, address, attachments, ok, parse_path, writing};
use crate::web::Context;
use holt_core::{AttachmentName, ChangeKind, Error, PageKey, PagePath, RevisionId, RevisionPrefix};
use holt_engine::Read;
use holt_engine::pages::{self as use_cases, Done};
use http::header;
use serde_json::{Value, json};

/// Answers the request, which `done` is the commit of, as it was answered then. `route` is method and pattern of its address.
pub fn answer(context: &Context<'_>, route: (&str, &str), done: &Done) -> Answer {
    let revision = done.revision.to_string();
    match route {
        ("PUT" | "PATCH", "/api/v1/pages/{page}") | ("POST", "/api/v1/pages/{page}/revert") => page(context, route.0, done),
        ("DELETE", "/api/v1/pages/{page}") => {
            let path = before(done, &address(context)?.key()).ok_or_else(unknown)?;
            Ok(ok(&json!({"deleted": true, "path": context.preferences()?.display_path(&path), "revision": revision})))
        }
        ("POST", "/api/v1/pages/{page}/rename") => renamed(context, done),
        ("POST", "/api/v1/undo") => Ok(ok(&super::undo::answered(Some(done.revision)))),
        ("POST", "/api/v1/commits") => commit(context, done),
        ("POST", "/api/v1/pages/{page}/attachments") => {
            let fields = attachments::fields(context)?;
            file(context, fields.required("filename")?, done)
        }
        ("PUT", "/api/v1/pages/{page}/attachments/{file}") => file(context, context.param("file"), done),
        ("DELETE", "/api/v1/pages/{page}/attachments/{file}") => {
            Ok(ok(&json!({"deleted": true, "filename": context.param("file"), "revision": revision})))
        }
        _ => Err(unknown()),
    }
}

/// A route that changes something and is not above; a test asks all of them.
fn unknown() -> Failure {
    Error::internal("answer a request again").into()
}

/// The page of this key after the commit: where the commit put it.
fn after(done: &Done, key: &PageKey) -> Option<PagePath> {
    let put = done.changes.iter().filter(|change| change.kind != ChangeKind::Deleted);
    put.filter_map(|change| PagePath::from_tree(&change.file)).find(|path| path.key() == *key)
}

/// The page of this key that the commit took away.
fn before(done: &Done, key: &PageKey) -> Option<PagePath> {
    let taken = done.changes.iter().filter_map(|change| match &change.kind {
        ChangeKind::Deleted => Some(&change.file),
        ChangeKind::Renamed { from } => Some(from),
        _ => None,
    });
    taken.filter_map(|file| PagePath::from_tree(file)).find(|path| path.key() == *key)
}

fn page(context: &Context<'_>, method: &str, done: &Done) -> Answer {
    let path = after(done, &address(context)?.key()).ok_or_else(unknown)?;
    let file = path.file();
    let created = done.changes.iter().any(|change| change.file == file && change.kind == ChangeKind::Added);
    let merged = match base(context, &file)? {
        Some(base) => base != text(context, &file, done.before)?,
        None => false,
    };
    Ok(writing::told(&writing::saved(context, &path, done.revision, merged, (method == "PUT").then_some(created))?))
}

/// The page as the writer had seen it. Where the change was wanted of exactly one text there was nothing to merge.
fn base(context: &Context<'_>, file: &str) -> Result<Option<Option<Vec<u8>>>, Failure> {
    let headers = &context.request.headers;
    let fields = Fields::any(context.request)?;
    let sent = fields.text("revision")?.and_then(|sent| RevisionPrefix::parse(sent).ok());
    let (Some(sent), false) = (sent, headers.contains_key(header::IF_MATCH) || headers.contains_key(header::IF_NONE_MATCH)) else {
        return Ok(None);
    };
    match use_cases::resolve(&context.scope::<Read>()?, &sent) {
        Ok(base) => Ok(Some(text(context, file, Some(base))?)),
        // A short one that means several by now was the page's own then: it is asked for first.
        Err(_) => Ok(None),
    }
}

fn text(context: &Context<'_>, file: &str, at: Option<RevisionId>) -> Result<Option<Vec<u8>>, Failure> {
    match at {
        Some(at) => Ok(use_cases::source_at(&context.scope::<Read>()?, file, at)?),
        None => Ok(None),
    }
}

fn renamed(context: &Context<'_>, done: &Done) -> Answer {
    let fields = Fields::any(context.request)?;
    let (from, to) = (address(context)?, parse_path("new_path", fields.required("new_path")?.trim())?);
    let (old, new) = (before(done, &from.key()).ok_or_else(unknown)?, after(done, &to.key()).ok_or_else(unknown)?);
    let changed = done.changes.iter().filter(|change| change.kind == ChangeKind::Modified);
    let updated: Vec<PagePath> = changed.filter_map(|change| PagePath::from_tree(&change.file)).collect();
    Ok(ok(&writing::moved(context, &old, &new, done.revision, &updated)?))
}

fn commit(context: &Context<'_>, done: &Done) -> Answer {
    let fields = Fields::any(context.request)?;
    let preferences = context.preferences()?;
    let (mut paths, mut keys) = (Vec::new(), Vec::new());
    for operation in fields.list("operations", usize::MAX)? {
        let sent = parse_path("path", operation["new_path"].as_str().or(operation["path"].as_str()).unwrap_or_default())?;
        let path = after(done, &sent.key()).or_else(|| before(done, &sent.key()));
        // What an operation left as it was is not in the commit: it is where it was.
        let path = match path {
            Some(path) => path,
            None => use_cases::page(&context.scope::<Read>()?, &sent)?.map_or(sent, |page| page.page.path),
        };
        paths.push(preferences.display_path(&path));
        keys.push(path.key());
    }
    // What no operation is about changed because its links followed.
    let changed = done.changes.iter().filter(|change| change.kind == ChangeKind::Modified);
    let followed = changed.filter_map(|change| PagePath::from_tree(&change.file)).filter(|page| !keys.contains(&page.key()));
    let updated: Vec<String> = followed.map(|page| preferences.display_path(&page)).collect();
    Ok(ok(&json!({"revision": done.revision.to_string(), "paths": paths, "updated_pages": updated, "changed": true})))
}

fn file(context: &Context<'_>, sent: &str, done: &Done) -> Answer {
    let name = AttachmentName::for_upload(sent)?;
    let ending = format!("/{name}");
    let file = done.changes.iter().map(|change| &change.file).find(|file| file.ends_with(&ending)).ok_or_else(unknown)?;
    let page = PagePath::parse(&file[..file.len() - ending.len()])?;
    let size = text(context, file, Some(done.revision))?.map_or(0, |content| content.len());
    let body: Value = attachments::stored(context, &page, (sent, &name), size, done.revision)?;
    Ok(crate::reply::json(http::StatusCode::CREATED, &body))
}
