//! Pages and files as resources (spec/mcp.md §6): `wiki://docs/pages/Guide/Setup`, listed, read and completed.

use super::envelope::Era;
use super::message::{NO_RESOURCE, Refusal};
use super::{budget, internal, slug};
use crate::api::failure::Failure;
use crate::api::{cursor, history, list, pages as page_api};
use crate::web::{Context, file_type};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holt_core::{AttachmentName, Error, ErrorKind, PagePath};
use holt_engine::pages::{self, Filter, ListFilter};
use holt_engine::{Read, publish};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Pages of a part of the list.
const PART: usize = 200;
/// Most that a completion answers (the protocol's own limit).
const COMPLETIONS: usize = 100;

/// Tokens of the tree: 1 MiB (security.md INP-19). list_notes goes on where it ends.
const TREE: usize = 262_144;

/// The address of a page.
pub fn page_uri(slug: &str, path: &PagePath) -> String {
    format!("wiki://{slug}/pages{}", path.url())
}

/// The address of a file beside a page.
pub fn file_uri(slug: &str, path: &PagePath, file: &str) -> String {
    let file = percent_encoding::utf8_percent_encode(file, percent_encoding::NON_ALPHANUMERIC);
    format!("wiki://{slug}/attachments{}/{file}", path.url())
}

/// A page as a tool result names it beside its text.
pub fn link(slug: &str, shown: &str) -> Option<Value> {
    let path = PagePath::parse(shown).ok()?;
    Some(json!({"type": "resource_link", "uri": page_uri(slug, &path), "name": shown, "mimeType": "text/markdown"}))
}

fn fault(context: &Context<'_>, failure: &Failure) -> Refusal {
    match failure.error().kind {
        ErrorKind::Internal => internal(context, failure),
        _ => Refusal::params(failure.error().message.clone()),
    }
}

fn own(context: &Context<'_>, error: Error) -> Refusal {
    fault(context, &error.into())
}

/// `resources/list`
pub fn list(context: &Context<'_>, sent: Option<&str>) -> Result<Value, Refusal> {
    let mut hasher = DefaultHasher::new();
    (context.wiki.id().to_string(), "resources/list").hash(&mut hasher);
    let question = hasher.finish();
    let after = match sent {
        Some(sent) => {
            let after = cursor::open(question, sent).map_err(|failure| fault(context, &failure))?;
            Some(PagePath::parse(&after).map_err(|error| own(context, error))?)
        }
        None => None,
    };
    let slug = slug(context).map_err(|error| own(context, error))?;
    let listing = || -> Result<(Value, Option<PagePath>), Failure> { list::part(context, &ListFilter::default(), after.as_ref(), PART) };
    let (found, next) = listing().map_err(|failure| fault(context, &failure))?;
    let mut resources = Vec::new();
    if after.is_none() {
        resources.push(
            json!({"uri": format!("wiki://{slug}/changes"), "name": "changes", "title": "What changed lately", "mimeType": "text/plain"}),
        );
        resources.push(
            json!({"uri": format!("wiki://{slug}/tree"), "name": "tree", "title": "All pages and folders", "mimeType": "text/plain"}),
        );
    }
    for page in found["pages"].as_array().into_iter().flatten() {
        let path = page["path"].as_str().unwrap_or_default();
        let Ok(stored) = PagePath::parse(path) else { continue };
        resources.push(json!({
            "uri": page_uri(&slug, &stored), "name": path, "title": page["name"], "mimeType": "text/markdown", "size": page["bytes"],
            "annotations": {"lastModified": format!("{}T00:00:00Z", page["last_updated"].as_str().unwrap_or("1970-01-01"))},
        }));
    }
    let mut answer = json!({"resources": resources});
    if let Some(next) = next {
        answer["nextCursor"] = cursor::seal(question, next.as_str()).into();
    }
    Ok(answer)
}

/// `resources/templates/list`
pub fn templates(context: &Context<'_>) -> Result<Value, Refusal> {
    let slug = slug(context).map_err(|error| own(context, error))?;
    let template = |uri: String, name: &str, title: &str, kind: Option<&str>| {
        let mut template = json!({"uriTemplate": uri, "name": name, "title": title});
        if let Some(kind) = kind {
            template["mimeType"] = kind.into();
        }
        template
    };
    Ok(json!({"resourceTemplates": [
        template(format!("wiki://{slug}/pages/{{+path}}"), "page", "A page", Some("text/markdown")),
        template(format!("wiki://{slug}/pages/{{+path}}?revision={{revision}}"), "page_at", "A page as it was", Some("text/markdown")),
        template(format!("wiki://{slug}/attachments/{{+path}}/{{file}}"), "attachment", "A file beside a page", None),
    ]}))
}

/// `resources/read`. What is not there and what may not be read are answered alike.
pub fn read(context: &Context<'_>, era: Era, params: &Map<String, Value>) -> Result<Value, Refusal> {
    let uri = params.get("uri").and_then(Value::as_str).ok_or_else(|| Refusal::params("uri is missing"))?;
    let missing = || match era {
        Era::Modern => Refusal { data: Some(json!({"uri": uri})), ..Refusal::params("there is no such resource") },
        Era::Legacy => Refusal { data: Some(json!({"uri": uri})), ..Refusal::new(NO_RESOURCE, "there is no such resource") },
    };
    let slug = slug(context).map_err(|error| own(context, error))?;
    let Some(rest) = uri.strip_prefix(&format!("wiki://{slug}/")) else { return Err(missing()) };
    let found = match rest {
        "changes" => changes(context).map(Some),
        "tree" => tree(context).map(Some),
        rest => match rest.split_once('/') {
            Some(("pages", rest)) => page(context, rest),
            Some(("attachments", rest)) => file(context, rest),
            _ => Ok(None),
        },
    };
    let content = found.map_err(|failure| match failure.error().kind {
        ErrorKind::Internal => internal(context, &failure),
        _ => missing(),
    })?;
    let mut content = content.ok_or_else(missing)?;
    content["uri"] = uri.into();
    Ok(json!({"contents": [content]}))
}

/// A percent-encoded text.
pub fn plain(encoded: &str) -> Option<String> {
    percent_decode_str(encoded).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn page(context: &Context<'_>, rest: &str) -> Result<Option<Value>, Failure> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let Some(path) = plain(path) else { return Ok(None) };
    let revision = match query.strip_prefix("revision=") {
        Some(revision) => Some(revision.to_string()),
        None if query.is_empty() => None,
        None => return Ok(None),
    };
    let text = page_api::text_of(context, &PagePath::parse(&path)?, revision)?;
    Ok(Some(json!({"mimeType": "text/markdown", "text": text.content, "_meta": {"revision": text.last.id.to_string()}})))
}

fn file(context: &Context<'_>, rest: &str) -> Result<Option<Value>, Failure> {
    let Some((path, name)) = rest.rsplit_once('/') else { return Ok(None) };
    let (Some(path), Some(name)) = (plain(path), plain(name)) else { return Ok(None) };
    let path = page_api::existing(context, &PagePath::parse(&path)?)?;
    let found = pages::attachment(&context.scope::<Read>()?, &path, &AttachmentName::parse(&name)?, None)?;
    Ok(found.map(|found| {
        let kind = file_type::by_extension(&found.name.extension());
        json!({"mimeType": kind, "blob": STANDARD.encode(&found.content)})
    }))
}

fn changes(context: &Context<'_>) -> Result<Value, Failure> {
    let preferences = context.preferences()?;
    let entries = pages::changelog(&context.scope::<Read>()?, &Filter::default(), None, 50)?;
    let line = |entry: &pages::Entry| {
        let shown = history::affected(&preferences, entry);
        let paths: Vec<&str> = shown["pages_affected"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let message = shown["message"].as_str().unwrap_or_default().replace('\n', " ");
        let (time, author) = (publish::rfc3339(entry.revision.time), entry.revision.author.name());
        format!("{} {time} {author}: {message} ({})\n", entry.revision.id, paths.join(", "))
    };
    Ok(json!({"mimeType": "text/plain", "text": entries.iter().map(line).collect::<String>()}))
}

fn tree(context: &Context<'_>) -> Result<Value, Failure> {
    let preferences = context.preferences()?;
    let entries = pages::tree(&context.scope::<Read>()?, None)?;
    let line = |entry: &pages::TreeEntry| {
        let end = if entry.kind == pages::TreeKind::Directory { "/" } else { "" };
        format!("{}{end}\n", preferences.display_path(&entry.path))
    };
    let text: String = entries.iter().map(line).collect();
    Ok(json!({"mimeType": "text/plain", "text": budget::start(&text, TREE)}))
}

/// `completion/complete`: paths of pages that begin with what was typed; nothing for anything else.
pub fn complete(context: &Context<'_>, params: &Map<String, Value>) -> Result<Value, Refusal> {
    let argument = params.get("argument").and_then(Value::as_object).ok_or_else(|| Refusal::params("argument is missing"))?;
    let text =
        |name: &str| argument.get(name).and_then(Value::as_str).ok_or_else(|| Refusal::params(format!("argument.{name} is missing")));
    if !params.get("ref").is_some_and(Value::is_object) {
        return Err(Refusal::params("ref is missing"));
    }
    let (name, typed) = (text("name")?, text("value")?);
    if name != "path" {
        return Ok(json!({"completion": {"values": [], "total": 0, "hasMore": false}}));
    }
    let filter = ListFilter { prefix: Some(typed.trim_start_matches('/').to_string()), ..ListFilter::default() };
    let (found, _) = list::part(context, &filter, None, COMPLETIONS).map_err(|failure| fault(context, &failure))?;
    let values: Vec<&str> = found["pages"].as_array().into_iter().flatten().filter_map(|page| page["path"].as_str()).collect();
    let total = found["total"].as_u64().unwrap_or_default();
    Ok(json!({"completion": {"values": values, "total": total, "hasMore": total > values.len() as u64}}))
}
