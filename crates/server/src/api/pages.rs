//! Pages as they are, and as they were (spec/api.md §2.2).

use super::accept::Accept;
use super::body::Fields;
use super::failure::Failure;
use super::{Answer, address, entry, name, no_page, ok, precondition, section};
use crate::rates::Kind;
use crate::reply::{raw, with_header};
use crate::web::Context;
use holt_core::{Error, ErrorKind, Page, PagePath, Revision, RevisionPrefix};
use holt_engine::pages::{self, PageView};
use holt_engine::{Read, frontmatter};
use http::{StatusCode, header};
use serde_json::{Value, json};

/// A page at a revision, as text, with what last changed it then.
pub struct Text {
    /// The page.
    pub page: Page,
    /// What it says.
    pub content: String,
    /// What last changed it.
    pub last: Revision,
}

/// `GET /pages/{path}`
pub fn read(context: &Context<'_>) -> Answer {
    let path = address(context)?;
    let text = text_of(context, &path, super::query::text(context, "revision"))?;
    let tag = format!("\"{}\"", text.last.id);
    let tagged = |reply| {
        let reply = with_header(with_header(reply, header::ETAG, &tag), header::CACHE_CONTROL, "private, no-cache");
        with_header(reply, header::VARY, "accept, authorization, cookie")
    };
    if super::query::text(context, "section").is_none() && known(context, &tag) {
        return Ok(tagged(raw(StatusCode::NOT_MODIFIED, "application/json", "")));
    }
    let as_text = super::query::text(context, "format").is_some() || Accept::of(context.request).prefers("text/markdown");
    let wanted = super::query::text(context, "section");
    let part = match &wanted {
        Some(wanted) => Some(text.content[section::find(&text.content, wanted)?].to_string()),
        None => None,
    };
    if as_text {
        let body = part.map_or_else(|| text.page.source.clone(), String::into_bytes);
        return Ok(tagged(raw(StatusCode::OK, "text/markdown; charset=utf-8", body)));
    }
    let mut page = described(context, &text)?;
    if let (Some(part), Some(wanted)) = (part, wanted) {
        page["content"] = part.into();
        page["section"] = wanted.into();
    }
    Ok(tagged(ok(&page)))
}

fn known(context: &Context<'_>, tag: &str) -> bool {
    let sent = context.request.header(header::IF_NONE_MATCH).unwrap_or_default();
    sent.split(',').any(|one| one.trim() == "*" || one.trim().trim_start_matches("W/") == tag)
}

/// The page, now or at a revision. What is said of a revision is said only of pages that are there for who asks: nobody learns from it that
/// there was one.
pub fn text_of(context: &Context<'_>, path: &PagePath, at: Option<String>) -> Result<Text, Failure> {
    let scope = context.scope::<Read>()?;
    let now = pages::page(&scope, path)?;
    let Some(at) = at else {
        let PageView { page, last_change } = now.ok_or_else(|| no_page(path))?;
        return Ok(Text { content: readable(&page)?, page, last: last_change });
    };
    let unknown = |what: String| match &now {
        Some(_) => no_revision(what),
        None => no_page(path),
    };
    let missing = |error: Error| if error.kind == ErrorKind::NotFound { unknown(error.message) } else { error.into() };
    let id = pages::resolve(&scope, &RevisionPrefix::parse(&at).map_err(missing)?).map_err(missing)?;
    let page = pages::page_at(&scope, path, id)?.ok_or_else(|| unknown(format!("there is no page {path} at revision {id}")))?;
    let place = pages::changelog_place(&scope, &RevisionPrefix::parse(&id.to_string())?)?;
    // What changed it last, up to then.
    let before = place.map(|place| place.saturating_add(1));
    let last = pages::history(&scope, path, before, 1)?.into_iter().next().map(|entry| entry.revision);
    let last = last.map_or_else(|| pages::revision(&scope, id), Ok)?;
    Ok(Text { content: readable(&page)?, page, last })
}

fn no_revision(what: String) -> Failure {
    let error = Error::not_found(what).hint("The history of the page has its revisions.");
    Failure::from(error).with("field", "revision")
}

/// The text of a page, or the refusal of one that is none.
pub fn readable(page: &Page) -> Result<String, Failure> {
    page.text().map(str::to_string).ok_or_else(|| {
        let error = Error::invalid(format!("the page {} is not UTF-8 text", page.path))
            .hint("Ask for it with `?format=raw`, or save it again in the web interface.");
        Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "validation", error)
    })
}

/// A page as it is told.
pub fn described(context: &Context<'_>, text: &Text) -> Result<Value, Failure> {
    let preferences = context.preferences()?;
    let (properties, _) = frontmatter::split(&text.content);
    let links = pages::links_of(&context.scope::<Read>()?, &text.page.path)?;
    let shown = |paths: &[PagePath]| paths.iter().map(|path| preferences.display_path(path)).collect::<Vec<_>>();
    Ok(json!({
        "name": name(&preferences, &text.page.path, properties.as_ref()), "path": preferences.display_path(&text.page.path),
        "content": text.content, "frontmatter": properties, "links_to": shown(&links.to), "linked_from": shown(&links.from),
        "revision": text.last.id.to_string(), "last_commit": entry(&text.last),
    }))
}

/// `POST /pages:batchGet`: several pages at once; those that are not there are named.
pub fn batch_get(context: &Context<'_>) -> Answer {
    Ok(ok(&several(context, &Fields::of(context.request, &["paths"])?)?))
}

/// What that says of the `paths`.
pub fn several(context: &Context<'_>, fields: &Fields) -> Result<Value, Failure> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    let paths = fields.list("paths", 50)?;
    context.charge(Kind::Read, super::more(paths))?;
    for (i, path) in paths.iter().enumerate() {
        let field = format!("paths[{i}]");
        let text = path.as_str().ok_or_else(|| Failure::field(&field, format!("{field} is not a string"), "Send the path of a page."))?;
        let path = super::parse_path(&field, text)?;
        match pages::page(&context.scope::<Read>()?, &path)? {
            Some(PageView { page, last_change }) if page.text().is_some() => {
                found.push(described(context, &Text { content: readable(&page)?, page, last: last_change })?);
            }
            _ => missing.push(text.to_string()),
        }
    }
    Ok(json!({"pages": found, "missing": missing}))
}

/// An answer that a page is not there, for handlers beside this one.
pub fn existing(context: &Context<'_>, path: &PagePath) -> Result<PagePath, Failure> {
    Ok(precondition::now(context, path)?.ok_or_else(|| no_page(path))?.page.path)
}
