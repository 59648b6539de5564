//! Reading what no fragment answers: old revisions, folders, files at their page's address, and what is not there.

use super::views::{RevisionView, SourceView};
use super::{Context, files, moment};
use crate::reply::{Reply, raw, redirect, with_header};
use holt_core::{Action, Error, ErrorKind, PagePath, Result, RevisionId, SafeHtml};
use holt_edge::{Outcome, Trust, respond_trusted};
use holt_engine::pages::{self, Found, TreeKind};
use holt_engine::publish::views::{
    ArticleView, AsideView, CrumbsView, DirectoryEntry, DirectoryView, NotFoundView, PageActions, StorageErrorView, scripts,
};
use holt_engine::{Read, publish, sync};
use holt_fragments::Readers;
use http::{StatusCode, header};

/// `/`
pub fn home(context: &Context<'_>) -> Result<Reply> {
    let preferences = context.preferences()?;
    let Some(_) = publish::home_key(&preferences) else {
        return Ok(redirect(StatusCode::FOUND, preferences.home_page.trim()));
    };
    let name = match preferences.home_page.trim() {
        "" => "Home",
        name => name,
    };
    let path = PagePath::parse(name)?;
    match asked_revision(context)? {
        Some(revision) => old(context, &path, revision),
        None => current(context, &path),
    }
}

/// `/<page>`: whatever that names.
pub fn any(context: &Context<'_>) -> Result<Reply> {
    let path = address(context)?;
    let found = pages::find(&context.scope::<Read>()?, &path)?;
    let query = context.request.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    if let Found::Alias(target) = &found
        && context.request.query("revision").is_none()
    {
        return Ok(redirect(StatusCode::FOUND, &format!("{}{query}", target.url())));
    }
    if let Found::Moved(target) = &found
        && context.request.query("revision").is_none()
        && context.request.query("edit").is_none()
    {
        // For good, but somebody may write a page of the old name: nobody keeps the answer.
        let reply = redirect(StatusCode::MOVED_PERMANENTLY, &format!("{}{query}", target.url()));
        return Ok(with_header(reply, header::CACHE_CONTROL, "no-cache"));
    }
    if let Found::Attachment { page, name } = &found {
        let revision = asked_revision(context)?;
        return files::send(context, page, name, revision, files::asked_size(context));
    }
    if context.request.query("edit").is_some() {
        let stored = if let Found::Page(stored) = found { stored } else { path };
        return Ok(redirect(StatusCode::FOUND, &format!("{}/edit", stored.url())));
    }
    if let Some(revision) = asked_revision(context)? {
        return old(context, &path, revision);
    }
    match found {
        Found::Page(stored) => current(context, &stored),
        Found::Directory(stored) => directory(context, &stored),
        _ => match markdown_of(context, &path)? {
            Some((page, true)) => current(context, &page),
            Some((page, false)) => Ok(redirect(StatusCode::FOUND, &format!("{}.md", page.url()))),
            None => missing(context, &path),
        },
    }
}

/// The page whose Markdown `/<page>.md` is, and whether that is its own address.
fn markdown_of(context: &Context<'_>, path: &PagePath) -> Result<Option<(PagePath, bool)>> {
    let Some(Ok(page)) = path.as_str().strip_suffix(".md").map(PagePath::parse) else { return Ok(None) };
    Ok(match pages::find(&context.scope::<Read>()?, &page)? {
        Found::Page(page) => Some((page, true)),
        Found::Moved(page) | Found::Alias(page) => Some((page, false)),
        _ => None,
    })
}

/// `/<page>/view[/<revision>]`
pub fn view(context: &Context<'_>) -> Result<Reply> {
    let path = address(context)?;
    match context.param("rev") {
        "" => Ok(redirect(StatusCode::FOUND, &path.url())),
        revision => old(context, &path, context.revision(revision)?),
    }
}

/// `/<page>/source[/<revision>]`, with `?raw` without page around it.
pub fn source(context: &Context<'_>) -> Result<Reply> {
    let path = address(context)?;
    let revision = match (context.param("rev"), asked_revision(context)?) {
        ("", asked) => asked,
        (text, _) => Some(context.revision(text)?),
    };
    let page = at(context, &path, revision)?;
    let Some(text) = page.text() else {
        let reply = raw(StatusCode::OK, "application/octet-stream", page.source);
        return Ok(with_header(reply, header::CONTENT_DISPOSITION, "attachment; filename=\"page.md\""));
    };
    if context.request.query("raw").is_some() {
        return Ok(raw(StatusCode::OK, "text/plain; charset=utf-8", text.to_string()));
    }
    let base = format!("{}/source", page.path.url());
    let view = SourceView {
        page: context.page_ref(&page.path)?,
        revision: revision.map(|id| id.short(SHORT)),
        raw_url: revision.map_or(format!("{base}?raw"), |id| format!("{base}/{id}?raw")),
        source: text.to_string(),
    };
    context.page(StatusCode::OK, &format!("Source of {}", view.page.title), &view)
}

/// Digits of a revision on screen.
pub const SHORT: usize = 7;

/// The page of the address; a name that cannot be one names nothing.
pub fn address(context: &Context<'_>) -> Result<PagePath> {
    context.page_path().map_err(|mut error| {
        if error.kind == ErrorKind::Invalid {
            error.kind = ErrorKind::NotFound;
        }
        error
    })
}

/// `?revision=`; an empty one is an unknown one.
fn asked_revision(context: &Context<'_>) -> Result<Option<RevisionId>> {
    context.request.query("revision").map(|text| context.revision(&text)).transpose()
}

/// The page `path`, now or at `revision`.
pub fn at(context: &Context<'_>, path: &PagePath, revision: Option<RevisionId>) -> Result<holt_core::Page> {
    let scope = context.scope::<Read>()?;
    let page = match revision {
        Some(revision) => pages::page_at(&scope, path, revision)?,
        None => pages::page(&scope, path)?.map(|view| view.page),
    };
    page.ok_or_else(|| match revision {
        Some(revision) => Error::not_found(format!("there was no page {path} at revision {}", revision.short(SHORT))),
        None => Error::not_found(format!("there is no page {path}")),
    })
}

/// A page that exists but was not published where the reader came in: after a loss of the fragments, or over an address that is read live.
fn current(context: &Context<'_>, path: &PagePath) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let Some(view) = pages::page(&scope, path)? else { return missing(context, path) };
    sync::catch_up(context.wiki)?;
    let request = context.request;
    let trust = Trust::Page(path.key());
    if let Outcome::Response(reply) = respond_trusted(&context.app.edge, &request.method, &request.uri, &request.headers, &trust) {
        return Ok(reply);
    }
    let path = &view.page.path;
    let Some(text) = view.page.text() else { return unreadable(context, path) };
    let rendered = pages::render_old(&scope, path, text)?;
    let toc = publish::toc(&rendered.toc);
    let main = context.draw(&ArticleView {
        path: path.as_str(),
        lang: context.preferences()?.page_language(),
        html: &rendered.html,
        beside: !toc.is_empty(),
        scripts: &scripts(rendered.requires),
    })?;
    let aside = match toc.as_slice() {
        [] => None,
        toc => Some(context.draw(&AsideView { toc, tags: &[], backlinks: &[], more_backlinks: 0 })?),
    };
    let verbs = path.url();
    let crumbs = crumbs(context, path, PageActions::Page { verbs: &verbs })?;
    context.slots(StatusCode::OK, &context.page_ref(path)?.title, main, Some(crumbs), aside)
}

/// A page as it was.
fn old(context: &Context<'_>, path: &PagePath, revision: RevisionId) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let page = at(context, path, Some(revision))?;
    let Some(text) = page.text() else { return unreadable(context, path) };
    let about = pages::revision(&scope, revision)?;
    let now = pages::page(&scope, path)?;
    let reference = context.page_ref(now.as_ref().map_or(path, |now| &now.page.path))?;
    let diff_url = now.map(|now| format!("{}/diff/{}/{}", reference.verbs, revision, now.last_change.id));
    let rendered = pages::render_old(&scope, path, text)?;
    let view = RevisionView {
        short: revision.short(SHORT),
        author: publish::by(&about, context.preferences()?.language),
        when: moment(about.time),
        diff_url,
        scripts: scripts(rendered.requires),
        html: rendered.html,
        page: reference,
    };
    let title = context.say_with("{} at revision {}", &[&view.page.title, &view.short])?;
    context.slots(StatusCode::OK, &title, context.draw(&view)?, None, None)
}

fn directory(context: &Context<'_>, path: &PagePath) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let preferences = context.preferences()?;
    let depth = path.segments().count() + 1;
    let entries: Vec<DirectoryEntry> = pages::tree(&scope, Some(path))?
        .into_iter()
        .filter(|entry| entry.path != *path)
        .map(|entry| DirectoryEntry {
            title: preferences.display_segment(entry.path.name()) + if entry.kind == TreeKind::Directory { "/" } else { "" },
            url: entry.path.url(),
            depth: u8::try_from(entry.path.segments().count().saturating_sub(depth)).unwrap_or(3).min(3),
        })
        .collect();
    let title = preferences.display_segment(path.name());
    let verbs = path.url();
    let main = context.draw(&DirectoryView { title: &title, pages: &entries })?;
    let crumbs = crumbs(context, path, PageActions::Directory { verbs: &verbs })?;
    context.slots(StatusCode::OK, &preferences.display_name(path, None), main, Some(crumbs), None)
}

/// 404, with an offer to write the page if its name allows it.
fn missing(context: &Context<'_>, path: &PagePath) -> Result<Reply> {
    // A stranger may log in for it; somebody who may not write there is not sent on.
    let may = context.session.is_none() || context.wiki.may_at(&context.actor, Action::Write, &path.key())?;
    let create = (may && path.clone().for_creation().is_ok()).then(|| format!("{}/edit", path.url()));
    let name = context.preferences()?.display_name(path, None);
    let own = publish::own_not_found(context.wiki)?;
    let main = context.draw(&NotFoundView { name: Some(&name), create_url: create.as_deref(), own: own.as_ref() })?;
    let crumbs = crumbs(context, path, PageActions::None)?;
    context.slots(StatusCode::NOT_FOUND, &name, main, Some(crumbs), None)
}

fn unreadable(context: &Context<'_>, path: &PagePath) -> Result<Reply> {
    let title = context.preferences()?.display_name(path, None);
    let verbs = path.url();
    let view = StorageErrorView {
        title: &title,
        message: "This page is not UTF-8 text and cannot be shown.",
        hint: Some("Its bytes are untouched: download them as Source, or replace the page by editing it."),
        verbs: &verbs,
    };
    context.slots(StatusCode::OK, &title, context.draw(&view)?, None, None)
}

fn crumbs(context: &Context<'_>, path: &PagePath, actions: PageActions<'_>) -> Result<SafeHtml> {
    let title = pages::title(&context.scope::<Read>()?, path)?;
    let links = publish::crumbs(&*context.preferences()?, path, title.as_deref());
    let readers = if context.preferences()?.path_access.restrict(&path.key()) { Readers::OfItsOwn } else { Readers::OfTheWiki };
    context.draw(&CrumbsView { crumbs: &links, readers, actions })
}
