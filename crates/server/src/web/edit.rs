//! Changing pages: create, edit, preview, save, the conflict page, drafts, rename, delete.

use super::page::{SHORT, address};
use super::views::{
    ConflictView, CreateView, DeleteView, DraftNotice, EditKind, EditView, MessageField, Prefix, PreviewView, Problem, RenameView, Theirs,
};
use super::{Context, layout, moment, problem, safe, to_page};
use crate::reply::{Reply, raw, see_other};
use holt_core::path::decode_url;
use holt_core::{Author, Conflict, Edit, Error, ErrorKind, OpId, PagePath, Result, RevisionId, SafeHtml, SaveOutcome, Timestamp};
use holt_engine::db::preferences::CommitMessage;
use holt_engine::pages::{self, Backlinks, Found, Subpages};
use holt_engine::publish::views::{Script, scripts};
use holt_engine::repo::diff::line_diff;
use holt_engine::{Read, Write, publish};
use holt_fragments::assets;
use holt_markdown::Requires;
use http::{StatusCode, header};
use serde_json::json;

/// `GET /-/create`
pub fn create_form(context: &Context<'_>) -> Result<Reply> {
    let name = context.request.query("pagename").unwrap_or_default();
    show_create(context, StatusCode::OK, name, None)
}

fn show_create(context: &Context<'_>, status: StatusCode, name: String, problem: Option<Problem>) -> Result<Reply> {
    let prefixes = beginnings(context)?;
    context.form(status, "New page", |csrf| CreateView { csrf, name, prefixes, problem })
}

/// The page somebody comes from, and the folders it is in: where a new page most likely goes.
fn beginnings(context: &Context<'_>) -> Result<Vec<Prefix>> {
    let here = format!("://{}/", context.request.host());
    let referrer = context.request.header(header::REFERER).and_then(|url| Some(url.split_once(&here)?.1));
    let path = referrer.and_then(|rest| decode_url(rest.split(['?', '#']).next()?).ok()).and_then(|path| PagePath::parse(&path).ok());
    let Some(path) = path else { return Ok(Vec::new()) };
    let Found::Page(path) = pages::find(&context.scope::<Read>()?, &path)? else { return Ok(Vec::new()) };
    let preferences = context.preferences()?;
    let levels = std::iter::successors(Some(path), PagePath::parent).take(4);
    let prefix = |level: PagePath| Prefix {
        title: preferences.display_name(&level, None),
        encoded: form_urlencoded::byte_serialize(format!("{level}/").as_bytes()).collect(),
    };
    Ok(levels.map(prefix).collect())
}

/// `POST /-/create`: a good name leads to the editor.
pub fn create(context: &Context<'_>) -> Result<Reply> {
    let name = context.request.body.get("pagename").trim();
    let path = PagePath::parse(name).and_then(|path| Ok(path.for_creation()?.into_path()));
    match path {
        Ok(path) => Ok(see_other(&format!("{}/edit", path.url()))),
        Err(error) => show_create(context, crate::error::status(&error), name.to_string(), Some(problem(&error))),
    }
}

/// What an editor shows, whatever led to it.
struct Opened {
    path: PagePath,
    /// The revision that a save is based on; empty for a new page.
    revision: String,
    kind: EditKind,
    content: String,
    message: String,
    draft: Option<DraftNotice>,
}

/// `GET /<page>/edit[/<revision>]`
pub fn form(context: &Context<'_>) -> Result<Reply> {
    let opened = open(context)?;
    show_editor(context, StatusCode::OK, opened, None, None)
}

fn open(context: &Context<'_>) -> Result<Opened> {
    let path = address(context)?;
    let scope = context.scope::<Write>()?;
    let read = scope.narrow::<Read>();
    let found = pages::page(&read, &path)?;
    let path = found.as_ref().map_or(path, |view| view.page.path.clone());
    let draft = pages::draft(&scope, &path)?;
    let head = found.as_ref().map(|view| view.page.revision.to_string()).unwrap_or_default();
    if context.request.query("draft").is_some()
        && let Some(draft) = draft
    {
        let revision = draft.base.map(|base| base.to_string()).unwrap_or_default();
        return Ok(Opened { path, revision, kind: EditKind::Draft, content: draft.content, message: String::new(), draft: None });
    }
    let asked = match (context.param("rev"), context.request.query("revision")) {
        ("", None) => None,
        ("", Some(text)) => Some(context.revision(&text)?),
        (text, _) => Some(context.revision(text)?),
    };
    let (content, kind) = match (&found, asked) {
        (_, Some(revision)) => {
            let old = super::page::at(context, &path, Some(revision))?;
            (pages::readable(old.source), EditKind::OldRevision(revision.short(SHORT)))
        }
        (Some(view), None) if view.page.text().is_none() => (pages::readable(view.page.source.clone()), EditKind::Foreign),
        (Some(view), None) => (pages::readable(view.page.source.clone()), EditKind::Existing),
        (None, None) => {
            // A name that cannot be given is said before anything is written, not after.
            path.clone().for_creation()?;
            (format!("# {}\n\n", context.preferences()?.display_segment(path.name())), EditKind::New)
        }
    };
    let draft = draft.filter(|draft| normal(&draft.content) != normal(&content));
    let draft = draft.map(|draft| DraftNotice { when: moment(Timestamp::utc(draft.time)) });
    Ok(Opened { path, revision: head, kind, content, message: String::new(), draft })
}

fn show_editor(
    context: &Context<'_>,
    status: StatusCode,
    opened: Opened,
    preview: Option<SafeHtml>,
    problem: Option<Problem>,
) -> Result<Reply> {
    let page = context.page_ref(&opened.path)?;
    let message_field = match context.preferences()?.commit_message {
        CommitMessage::Required => MessageField::Required,
        CommitMessage::Optional => MessageField::Optional,
        CommitMessage::Disabled => MessageField::Off,
    };
    let files = pages::attachments(&context.scope::<Read>()?, &opened.path)?;
    let title = format!("{} {}", if matches!(opened.kind, EditKind::New) { "New page" } else { "Edit" }, page.title);
    let view = |csrf| EditView {
        page,
        csrf,
        revision: opened.revision,
        kind: opened.kind,
        content: opened.content,
        message: opened.message,
        message_field,
        preview,
        attachments: files.iter().take(100).map(|file| file.name.as_str().to_string()).collect(),
        draft: opened.draft,
        problem,
        scripts: editor_scripts(),
    };
    context.form(status, &title, view)
}

/// The editor with what was sent to it.
fn sent(context: &Context<'_>) -> Result<Opened> {
    let path = address(context)?;
    let path = pages::page(&context.scope::<Read>()?, &path)?.map_or(path, |view| view.page.path);
    let form = &context.request.body;
    let revision = form.get("revision").trim().to_string();
    let kind = if revision.is_empty() { EditKind::New } else { EditKind::Existing };
    // Without the field the page would be emptied by a mistake of whoever made the form.
    let content = form.find("content").ok_or_else(no_text)?.replace("\r\n", "\n");
    Ok(Opened { path, revision, kind, content, message: form.get("commit").to_string(), draft: None })
}

fn no_text() -> Error {
    Error::invalid("the form has no text").hint("It has to be sent in the field `content`, which may be empty.")
}

/// `POST /<page>/edit` with `preview`: the preview of those who have no scripts.
pub fn preview_form(context: &Context<'_>) -> Result<Reply> {
    let opened = sent(context)?;
    let rendered = pages::preview(&context.scope::<Write>()?, &opened.path, &opened.content, None)?;
    show_editor(context, StatusCode::OK, opened, Some(rendered.html), None)
}

/// `POST /<page>/preview`: what a save would look like, as JSON.
pub fn preview(context: &Context<'_>) -> Result<Reply> {
    let path = address(context)?;
    let form = &context.request.body;
    let source = match form.find("content") {
        Some(content) => content.replace("\r\n", "\n"),
        None => super::page::at(context, &path, None)?.text().ok_or_else(no_text)?.to_string(),
    };
    if source.len() > holt_core::edit::SOURCE_BYTES {
        return Err(Error::too_large("the page is too long for a preview"));
    }
    let cursor_line = form.find("cursor_line").and_then(|line| line.trim().parse().ok());
    let rendered = pages::preview(&context.scope::<Write>()?, &path, &source, cursor_line)?;
    let content = safe(&PreviewView { html: &rendered.html })?;
    let toc: Vec<_> =
        publish::toc(&rendered.toc).iter().map(|entry| json!({"depth": entry.depth, "anchor": entry.anchor, "text": entry.text})).collect();
    let requires = &rendered.requires;
    let requires =
        json!({"requires_mathjax": requires.mathjax, "requires_mermaid": requires.mermaid, "requires_datatables": requires.datatables});
    Ok(context.json(&json!({"preview_content": content.as_str(), "preview_toc": toc, "library_requirements": requires})))
}

/// What a form field holds, as it is stored: no white space around it, one line end (spec/wiki.md §7.3).
fn normal(text: &str) -> String {
    format!("{}\n", text.replace("\r\n", "\n").trim())
}

/// `POST /<page>/save`
pub fn save(context: &Context<'_>) -> Result<Reply> {
    let opened = sent(context)?;
    if context.request.body.find("resolving").is_some() && has_markers(&opened.content) {
        return still_open(context, &opened);
    }
    match try_save(context, &opened) {
        Ok(SaveOutcome::Saved(saved)) => {
            if saved.changed {
                context.changed("saved", opened.path.as_str(), saved.revision);
            }
            if let Err(error) = context.scope::<Write>().and_then(|scope| pages::discard_draft(&scope, &opened.path)) {
                tracing::warn!(wiki.id = %context.wiki.id(), "saved, but the draft stays: {}", error.chain());
            }
            // The save is durable: whatever fails from here on, the answer is not a refusal.
            Ok(to_page(&stored(context, &opened.path).unwrap_or(opened.path)))
        }
        Ok(SaveOutcome::Conflict(conflict)) => show_conflict(context, &opened, &conflict),
        // The text is still in the form, and so it stays with the writer.
        Err(error) if matches!(error.kind, ErrorKind::Internal | ErrorKind::Denied | ErrorKind::Unauthenticated) => Err(error),
        Err(error) => show_editor(context, crate::error::status(&error), opened, None, Some(problem(&error))),
    }
}

/// Lines that a merge put around what it could not decide.
fn has_markers(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("<<<<<<< theirs")) && text.lines().any(|line| line.starts_with(">>>>>>> yours"))
}

/// The editor again, with the text as it was sent: its author has not decided everything yet.
fn still_open(context: &Context<'_>, opened: &Opened) -> Result<Reply> {
    let page = context.page_ref(&opened.path)?;
    let error = Error::invalid("nothing was saved: the text still has both versions of a place")
        .hint("Keep what is right, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>.");
    let view = |csrf| ConflictView {
        csrf,
        revision: opened.revision.clone(),
        theirs: Theirs::Undecided,
        rows: Vec::new(),
        merged: opened.content.clone(),
        open_conflicts: opened.content.lines().filter(|line| line.starts_with("<<<<<<< ")).count(),
        yours: opened.content.clone(),
        message: opened.message.clone(),
        problem: Some(problem(&error)),
        scripts: editor_scripts(),
        page: page.clone(),
    };
    context.form(StatusCode::UNPROCESSABLE_ENTITY, &format!("Conflict in {}", page.title), view)
}

fn try_save(context: &Context<'_>, opened: &Opened) -> Result<SaveOutcome> {
    let base = match opened.revision.as_str() {
        "" => None,
        text => Some(RevisionId::parse(text)?),
    };
    let preferences = context.preferences()?;
    let message = match preferences.commit_message {
        CommitMessage::Disabled => preferences.get("DEFAULT_COMMIT_MESSAGE").unwrap_or_default().to_string(),
        CommitMessage::Required if opened.message.trim().is_empty() => {
            return Err(Error::invalid("say what you changed").hint("This wiki wants a message with every save."));
        }
        _ => opened.message.clone(),
    };
    let op = context.request.body.find("op").filter(|op| !op.is_empty()).map(OpId::parse).transpose()?;
    let edit = Edit::new(opened.path.clone(), base, normal(&opened.content), &message)?;
    pages::save(&context.scope::<Write>()?, &edit, op.as_ref())
}

/// The page under the name it is stored by now.
fn stored(context: &Context<'_>, path: &PagePath) -> Result<PagePath> {
    Ok(pages::page(&context.scope::<Read>()?, path)?.map_or_else(|| path.clone(), |view| view.page.path))
}

fn show_conflict(context: &Context<'_>, opened: &Opened, conflict: &Conflict) -> Result<Reply> {
    let page = context.page_ref(&opened.path)?;
    let theirs = match (&conflict.by, &conflict.theirs) {
        (Some((author, time)), Some(_)) => Theirs::Changed { author: author.name().to_string(), when: moment(*time) },
        (by, None) => gone(context, &opened.path, by.as_ref())?,
        (None, Some(_)) => Theirs::Unknown,
    };
    // Too much to lay side by side is still all there, in the boxes below.
    let hunks = line_diff(conflict.theirs.as_deref().unwrap_or_default(), &conflict.yours).unwrap_or_default();
    let view = |csrf| ConflictView {
        csrf,
        revision: conflict.current.to_string(),
        theirs,
        rows: layout::side_by_side(&hunks),
        merged: conflict.merged.clone(),
        open_conflicts: conflict.merged.lines().filter(|line| line.starts_with("<<<<<<< ")).count(),
        yours: conflict.yours.clone(),
        message: opened.message.clone(),
        problem: None,
        scripts: editor_scripts(),
        page: page.clone(),
    };
    context.form(StatusCode::CONFLICT, &format!("Conflict in {}", page.title), view)
}

/// What became of a page that is not there any more: its newest commit says.
fn gone(context: &Context<'_>, path: &PagePath, by: Option<&(Author, Timestamp)>) -> Result<Theirs> {
    let scope = context.scope::<Read>()?;
    let newest = pages::history(&scope, path, None, 1)?.pop();
    let said = |author: &Author, time: Timestamp| (author.name().to_string(), moment(time));
    if let Some((entry, to)) =
        pages::moved_to(&scope, path)?.filter(|(entry, _)| newest.as_ref().is_none_or(|newest| entry.seq > newest.seq))
    {
        let (author, when) = said(&entry.revision.author, entry.revision.time);
        return Ok(Theirs::Moved { author, when, url: to.url(), name: to.as_str().to_string() });
    }
    let by = newest.map(|entry| (entry.revision.author, entry.revision.time)).or_else(|| by.cloned());
    Ok(by.map_or(Theirs::Unknown, |(author, time)| {
        let (author, when) = said(&author, time);
        Theirs::Deleted { author, when }
    }))
}

/// `POST /<page>/draft`: keeps unsaved work; what is saved already needs no draft.
pub fn draft(context: &Context<'_>) -> Result<Reply> {
    let path = stored(context, &address(context)?)?;
    let scope = context.scope::<Write>()?;
    if context.session.is_none() {
        return Ok(raw(StatusCode::NO_CONTENT, "text/plain", ""));
    }
    let content = context.request.body.find("content").ok_or_else(no_text)?.replace("\r\n", "\n");
    let now = pages::page(&scope.narrow::<Read>(), &path)?;
    if now.is_some_and(|view| view.page.text().is_some_and(|text| normal(text) == normal(&content))) {
        pages::discard_draft(&scope, &path)?;
    } else {
        pages::save_draft(&scope, &path, &content, RevisionId::parse(context.request.body.get("revision")).ok())?;
    }
    Ok(raw(StatusCode::NO_CONTENT, "text/plain", ""))
}

/// `POST /<page>/draft/discard`
pub fn discard_draft(context: &Context<'_>) -> Result<Reply> {
    let path = stored(context, &address(context)?)?;
    pages::discard_draft(&context.scope::<Write>()?, &path)?;
    Ok(see_other(&format!("{}/edit", path.url())))
}

/// `GET /<page>/rename`
pub fn rename_form(context: &Context<'_>) -> Result<Reply> {
    let path = context.existing()?;
    show_rename(context, StatusCode::OK, &path, path.to_string(), Backlinks::Rewrite, None)
}

fn show_rename(
    context: &Context<'_>,
    status: StatusCode,
    path: &PagePath,
    name: String,
    links: Backlinks,
    problem: Option<Problem>,
) -> Result<Reply> {
    let (backlinks, moved_with) = pages::affected(&context.scope::<Read>()?, path)?;
    let page = context.page_ref(path)?;
    let default_message = format!("Renamed {path} to …");
    let message = context.request.body.get("message").to_string();
    let title = format!("Rename {}", page.title);
    let view = |csrf| RenameView {
        page,
        csrf,
        new_name: name,
        message,
        default_message,
        update_backlinks: links == Backlinks::Rewrite,
        backlinks,
        moved_with,
        problem,
    };
    context.form(status, &title, view)
}

/// `POST /<page>/rename`
pub fn rename(context: &Context<'_>) -> Result<Reply> {
    let path = context.existing()?;
    let form = &context.request.body;
    let name = form.get("new_pagename").trim();
    let links = if form.find("update_backlinks").is_some() { Backlinks::Rewrite } else { Backlinks::Keep };
    let done = PagePath::parse(name).and_then(|to| {
        let message = match form.get("message").trim() {
            "" => format!("Renamed {path} to {to}."),
            given => given.to_string(),
        };
        pages::rename(&context.scope::<Write>()?, &path, &to, &message, links)
    });
    match done {
        Ok(renamed) => {
            context.changed("renamed", path.as_str(), renamed.revision);
            Ok(to_page(&renamed.path))
        }
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => show_rename(context, crate::error::status(&error), &path, name.to_string(), links, Some(problem(&error))),
    }
}

/// `GET /<page>/delete`
pub fn delete_form(context: &Context<'_>) -> Result<Reply> {
    let path = context.existing()?;
    let (_, below) = pages::affected(&context.scope::<Read>()?, &path)?;
    let page = context.page_ref(&path)?;
    let title = format!("Delete {}", page.title);
    let default_message = format!("{path} deleted.");
    context.form(StatusCode::OK, &title, |csrf| DeleteView { page, csrf, message: String::new(), default_message, below, problem: None })
}

/// `POST /<page>/delete`
pub fn delete(context: &Context<'_>) -> Result<Reply> {
    let path = context.existing()?;
    let form = &context.request.body;
    let subpages = if form.find("recursive").is_some() { Subpages::Delete } else { Subpages::Keep };
    let revision = pages::delete(&context.scope::<Write>()?, &path, form.get("message").trim(), subpages)?;
    context.changed("deleted", path.as_str(), revision);
    Ok(see_other("/-/changelog"))
}

/// The editor, and everything that a text under work may come to need.
fn editor_scripts() -> Vec<Script> {
    let all = Requires { mathjax: true, mermaid: true, datatables: true };
    let editor = Script { url: assets::url("editor.js"), frame: None };
    std::iter::once(editor).chain(scripts(all)).collect()
}
