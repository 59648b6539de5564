//! Finding one's way: completion and quick switcher, the page tree in parts, tags, deleted pages, and moving several at once.

use super::file_type::is_picture;
use super::views::{DeletedPage, DeletedView, MovablePage, MoveView, Problem, TagLink, TagView, TaggedPage, TagsView};
use super::{Context, moment};
use crate::reply::{Reply, see_other};
use holt_core::{Error, ErrorKind, PagePath, Result};
use holt_engine::pages::{self, Backlinks, TreeKind};
use holt_engine::publish::views::{DirectoryEntry, DirectoryView};
use holt_engine::{Read, Write, publish};
use http::StatusCode;
use serde_json::{Value, json};

/// Most suggestions at once.
const SUGGESTIONS: usize = 12;
/// Most entries of a level of the tree that are sent at once.
const TREE_LEVEL: usize = 2_000;

/// `GET /-/complete?kind=pages|headings|files|emoji&q=…&page=…`
pub fn complete(context: &Context<'_>) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let query = |name: &str| context.request.query(name).unwrap_or_default();
    let text = query("q");
    let items: Vec<Value> = match query("kind").as_str() {
        "pages" => pages::suggest(&scope, &text, SUGGESTIONS)?.iter().map(|found| suggestion(context, found)).collect::<Result<_>>()?,
        "headings" => {
            let path = PagePath::parse(query("page").trim_start_matches('/'))?;
            let headings = pages::headings(&scope, &path)?;
            headings.into_iter().map(|(_, text, anchor)| json!({"text": text, "anchor": anchor})).collect()
        }
        "files" => {
            let path = PagePath::parse(query("page").trim_start_matches('/'))?;
            let files = pages::attachments(&scope, &path)?;
            files.iter().map(|file| json!({"name": file.name.as_str(), "image": is_picture(&file.name.extension())})).collect()
        }
        "emoji" => emoji(&text),
        other => {
            return Err(Error::invalid(format!("there is nothing to complete of the kind \"{other}\""))
                .hint("Ask for pages, headings, files or emoji."));
        }
    };
    Ok(context.json(&json!({"items": items})))
}

fn suggestion(context: &Context<'_>, found: &pages::Suggestion) -> Result<Value> {
    let page = context.page_url(&found.path)?;
    let (url, heading) = match &found.heading {
        Some((text, anchor)) => (format!("{page}#{anchor}"), Some(text)),
        None => (page, None),
    };
    Ok(json!({"title": found.title, "path": found.path.as_str(), "url": url, "heading": heading}))
}

fn emoji(text: &str) -> Vec<Value> {
    let wanted = text.trim_matches(':').to_lowercase();
    let mut found: Vec<(&str, &str)> = holt_markdown::emoji(&wanted).collect();
    found.sort_by_key(|(name, _)| (!name.starts_with(&wanted), name.len()));
    found.into_iter().take(SUGGESTIONS).map(|(name, sign)| json!({"name": name, "emoji": sign})).collect()
}

/// `GET /-/tree?path=…`: what is directly below a page; as a page, or as JSON for the menu.
pub fn tree(context: &Context<'_>) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let preferences = context.preferences()?;
    let below = context.request.query("path").unwrap_or_default();
    let start = match below.trim_matches('/') {
        "" => None,
        path => Some(PagePath::parse(path)?),
    };
    let depth = start.as_ref().map_or(0, |path| path.segments().count()) + 1;
    let entries = pages::tree(&scope, start.as_ref())?;
    let level =
        entries.iter().enumerate().filter(|(_, entry)| entry.path.segments().count() == depth && Some(&entry.path) != start.as_ref());
    let level = level.take(TREE_LEVEL);
    // The tree is in order of path: what is below an entry follows it.
    let has_children = |at: usize| entries.get(at + 1).is_some_and(|next| next.path.segments().count() > depth);
    if context.request.header("accept").is_some_and(|accept| accept.contains("application/json")) {
        let item = |(at, entry): (usize, &pages::TreeEntry)| {
            let title = entry.title.rsplit('/').next().unwrap_or_default();
            Ok(json!({"title": title, "url": context.page_url(&entry.path)?, "path": entry.path.as_str(), "children": has_children(at)}))
        };
        let items: Vec<Value> = level.map(item).collect::<Result<_>>()?;
        return Ok(context.json(&json!({"items": items})));
    }
    let entries: Vec<DirectoryEntry> = level
        .map(|(at, entry)| DirectoryEntry {
            title: preferences.display_segment(entry.path.name())
                + if has_children(at) || entry.kind == TreeKind::Directory { "/" } else { "" },
            url: if has_children(at) { publish::tree_url(&entry.path) } else { entry.path.url() },
            depth: 0,
        })
        .collect();
    let title = start.as_ref().map_or_else(|| context.say("Pages"), |path| Ok(preferences.display_segment(path.name())))?;
    let main = context.draw(&DirectoryView { title: &title, pages: &entries })?;
    context.slots(StatusCode::OK, &title, main, None, None)
}

/// `GET /-/tags[?tag=…]`: all tags, or the pages that have one.
pub fn tags(context: &Context<'_>) -> Result<Reply> {
    let wanted: Vec<String> = context.request.query_all("tag").into_iter().filter(|tag| !tag.trim().is_empty()).take(8).collect();
    if !wanted.is_empty() {
        return tagged(context, &wanted);
    }
    let tags = pages::tags(&context.scope::<Read>()?)?;
    let tags = tags.into_iter().map(|tag| TagLink { url: publish::tag_url(&[&tag.name]), name: tag.name, pages: tag.pages }).collect();
    context.page(StatusCode::OK, "Tags", &TagsView { tags })
}

/// `GET /-/tags?tag=…&tag=…[&any]`: the pages that have all of them, or any.
fn tagged(context: &Context<'_>, wanted: &[String]) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let preferences = context.preferences()?;
    let any = context.request.query("any").is_some();
    let found = pages::tagged(&scope, wanted, !any)?;
    if found.is_empty() {
        return Err(Error::not_found(format!("no page has the tag {}", wanted.join(", "))).hint("All tags are listed at /-/tags."));
    }
    let mut others: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    let mut listed = Vec::new();
    for (path, title, description) in found {
        for tag in pages::tags_of(&scope, &path)? {
            if !wanted.iter().any(|have| have.to_lowercase() == tag.to_lowercase()) {
                *others.entry(tag).or_default() += 1;
            }
        }
        let name = preferences.display_name(&path, title.as_deref());
        listed.push(TaggedPage { url: context.page_url(&path)?, title: title.unwrap_or_else(|| name.clone()), path: name, description });
    }
    let these: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let narrower = others.into_iter().map(|(name, pages)| {
        let url = publish::tag_url(&[&these[..], &[name.as_str()]].concat());
        TagLink { url, name, pages }
    });
    let narrower = narrower.collect();
    let joined = wanted.join(&context.say(if any { " or " } else { " and " })?);
    let other_url = (wanted.len() > 1).then(|| publish::tag_url(&these) + if any { "" } else { "&any" });
    let view = TagView { joined, pages: listed, narrower, other_url, any };
    context.slots(StatusCode::OK, &view.joined, context.draw(&view)?, None, None)
}

/// `GET /-/deleted`
pub fn deleted(context: &Context<'_>) -> Result<Reply> {
    let preferences = context.preferences()?;
    let row = |(path, entry): (PagePath, pages::Entry)| DeletedPage {
        title: preferences.display_name(&path, None),
        history_url: format!("{}/history", path.url()),
        revert_url: format!("/-/revert/{}", entry.revision.id),
        author: publish::by(&entry.revision, preferences.language),
        when: moment(entry.revision.time),
    };
    let pages = pages::deleted(&context.scope::<Read>()?)?.into_iter().map(row).collect();
    context.page(StatusCode::OK, "Deleted pages", &DeletedView { pages })
}

/// Most pages on the screen that moves several.
const MOVABLE: usize = 1_000;

/// `GET /-/move?path=…`: several pages to another folder at once.
pub fn move_form(context: &Context<'_>) -> Result<Reply> {
    let folder = context.request.query("path").unwrap_or_default();
    show_move(context, StatusCode::OK, &folder, "", &[], None)
}

fn show_move(
    context: &Context<'_>,
    status: StatusCode,
    folder: &str,
    target: &str,
    chosen: &[PagePath],
    problem: Option<Problem>,
) -> Result<Reply> {
    let preferences = context.preferences()?;
    let start = match folder.trim_matches('/') {
        "" => None,
        path => Some(PagePath::parse(path)?),
    };
    let entries = pages::tree(&context.scope::<Read>()?, start.as_ref())?;
    let rows = entries.into_iter().filter(|entry| entry.kind == TreeKind::Page).take(MOVABLE).map(|entry| MovablePage {
        title: preferences.display_name(&entry.path, None),
        url: entry.path.url(),
        chosen: chosen.contains(&entry.path),
    });
    let pages = rows.collect();
    let (folder, target) = (folder.to_string(), target.to_string());
    context.form(status, "Move pages", |csrf| MoveView { csrf, folder, target, pages, problem })
}

/// `POST /-/move`: each page keeps its name and what is below it, links follow. Nothing moves if one of the new names is taken.
pub fn move_pages(context: &Context<'_>) -> Result<Reply> {
    let form = &context.request.body;
    let (folder, target) = (form.get("path"), form.get("target").trim());
    let chosen: Vec<PagePath> = form.all("page").take(MOVABLE).map(named).collect::<Result<_>>()?;
    match try_move(context, &chosen, target) {
        Ok(()) => Ok(see_other(&format!("/-/changelog?path={}", holt_core::path::encode(target)))),
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => show_move(context, crate::error::status(&error), folder, target, &chosen, Some(super::problem(&error))),
    }
}

fn try_move(context: &Context<'_>, chosen: &[PagePath], target: &str) -> Result<()> {
    let (scope, read) = (context.scope::<Write>()?, context.scope::<Read>()?);
    if chosen.is_empty() {
        return Err(Error::invalid("no page was chosen").hint("Tick the pages to move."));
    }
    let mut moves: Vec<(&PagePath, PagePath)> = Vec::new();
    for from in chosen {
        // What is below a chosen page moves with it.
        if chosen.iter().any(|other| from.is_below(other)) {
            continue;
        }
        let to = match target.trim_matches('/') {
            "" => PagePath::parse(from.name())?,
            folder => PagePath::parse(folder)?.child(from.name())?,
        };
        if to == *from {
            continue;
        }
        let is_taken = matches!(pages::find(&read, &to)?, pages::Found::Page(taken) if taken.key() != from.key());
        if is_taken || moves.iter().any(|(_, other)| other.key() == to.key()) {
            return Err(Error::conflict(format!("there is a page {to} already")).hint("Nothing was moved. Rename one of them first."));
        }
        if pages::opens(&scope, from, &to)? {
            return Err(Error::invalid(format!("{to} would have more readers than {from}: it leaves a private part of the wiki"))
                .hint("Nothing was moved. Rename that page alone, if it is meant."));
        }
        moves.push((from, to.for_creation()?.into_path()));
    }
    for (from, to) in moves {
        let renamed =
            pages::rename(&scope, from, &to, &context.say_with("Renamed {} to {}.", &[from.as_str(), to.as_str()])?, Backlinks::Rewrite)?;
        context.changed("renamed", from.as_str(), renamed.revision);
    }
    Ok(())
}

/// A page as the form names it: by its address.
pub fn named(address: &str) -> Result<PagePath> {
    PagePath::parse(&holt_core::path::decode_url(address.trim_start_matches('/'))?)
}
