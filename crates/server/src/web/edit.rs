//! Changing pages: create, edit, preview, save, the conflict page, drafts, rename, delete.

use super::page::{SHORT, address};
use super::views::{
    Chosen, ConflictPlace, ConflictView, CreateView, DeleteView, DraftNotice, EditKind, EditView, MessageField, NotSavedView, Prefix,
    PreviewView, Problem, RenameView, Theirs,
};
use super::{Context, layout, moment, problem, to_page};
use crate::reply::{Reply, raw, see_other};
use crate::request::Form;
use holt_core::path::decode_url;
use holt_core::{Action, Conflict, Edit, Error, ErrorKind, OpId, PagePath, Result, Revision, RevisionId, SafeHtml, SaveOutcome, Timestamp};
use holt_engine::db::preferences::CommitMessage;
use holt_engine::pages::{self, Backlinks, Found, Subpages, TreeKind};
use holt_engine::publish::views::{Script, scripts};
use holt_engine::repo::diff::line_diff;
use holt_engine::{Read, Write, publish};
use holt_fragments::assets;
use holt_markdown::{Requires, WikilinkStyle, section};
use http::{StatusCode, header};
use serde_json::json;

/// `GET /-/create`
pub fn create_form(context: &Context<'_>) -> Result<Reply> {
    let name = context.request.query("pagename").unwrap_or_default();
    show_create(context, StatusCode::OK, name, None)
}

fn show_create(context: &Context<'_>, status: StatusCode, name: String, problem: Option<Problem>) -> Result<Reply> {
    let prefixes = beginnings(context)?;
    let templates = templates(context)?;
    let template = context.request.body.get("template").to_string();
    context.form(status, "New page", |csrf| CreateView { csrf, name, prefixes, templates, template, problem })
}

/// The folder whose pages new pages can begin with.
const TEMPLATES: &str = "templates";

/// Name and path of the templates of the wiki.
fn templates(context: &Context<'_>) -> Result<Vec<(String, String)>> {
    let scope = context.scope::<Read>()?;
    let folder = match pages::find(&scope, &PagePath::parse(TEMPLATES)?)? {
        Found::Page(path) | Found::Directory(path) => path,
        _ => return Ok(Vec::new()),
    };
    let entries = pages::tree(&scope, Some(&folder))?.into_iter().filter(|entry| entry.kind == TreeKind::Page);
    let named = |entry: pages::TreeEntry| {
        let name = entry.title.split_once('/').map_or(entry.title.as_str(), |(_, name)| name).to_string();
        (name, entry.path.to_string())
    };
    Ok(entries.filter(|entry| entry.path.segments().count() > 1).take(200).map(named).collect())
}

/// A template with its variables filled in, as the beginning of the page `path`. Only pages below `templates` are templates.
fn from_template(context: &Context<'_>, template: &str, path: &PagePath) -> Result<String> {
    let template = PagePath::parse(template)?;
    let is_template = template.parent().is_some() && template.segments().next().is_some_and(|first| first.eq_ignore_ascii_case(TEMPLATES));
    if !is_template {
        return Err(Error::invalid(format!("{template} is no template")).hint("Templates are the pages below `templates`."));
    }
    let source = super::page::at(context, &template, None)?;
    let text = source.text().ok_or_else(no_text)?;
    let now = Timestamp::utc(context.app.engine.clock().now());
    let iso = publish::rfc3339(now);
    let (date, time) = iso.split_once('T').unwrap_or((&iso, ""));
    let author = context.session.as_ref().map_or("", |(session, _)| session.user.name.as_str());
    let title = context.preferences()?.display_segment(path.name());
    let folder = path.parent().map(|up| up.to_string()).unwrap_or_default();
    let values = [
        ("title", title.as_str()),
        ("path", path.as_str()),
        ("folder", folder.as_str()),
        ("date", date),
        ("time", time.get(..5).unwrap_or_default()),
        ("author", author),
    ];
    Ok(fill_in(text, &values))
}

/// Puts values where `{{name}}` stands; what is no variable stays. Values are not looked into again.
fn fill_in(text: &str, values: &[(&str, &str)]) -> String {
    let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("{{") {
        filled.push_str(&rest[..at]);
        let name = rest[at + 2..].split("}}").next().unwrap_or_default();
        match values.iter().find(|(known, _)| *known == name.trim()) {
            Some((_, value)) if rest[at + 2 + name.len()..].starts_with("}}") => {
                filled.push_str(value);
                rest = &rest[at + 4 + name.len()..];
            }
            _ => {
                filled.push_str("{{");
                rest = &rest[at + 2..];
            }
        }
    }
    filled + rest
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
        Ok(path) => Ok(see_other(&match context.request.body.get("template") {
            "" => format!("{}/edit", path.url()),
            template => {
                format!("{}/edit?template={}", path.url(), form_urlencoded::byte_serialize(template.as_bytes()).collect::<String>())
            }
        })),
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
    /// The id of the heading whose section alone is edited.
    section: Option<String>,
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
        return Ok(Opened {
            path,
            revision,
            kind: EditKind::Draft,
            content: draft.content,
            message: String::new(),
            draft: None,
            section: None,
        });
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
            let text = match context.request.query("template").filter(|template| !template.is_empty()) {
                Some(template) => from_template(context, &template, &path)?,
                None => format!("# {}\n\n", context.preferences()?.display_segment(path.name())),
            };
            (text, EditKind::New)
        }
    };
    let draft = draft.filter(|draft| normal(&draft.content) != normal(&content));
    let draft = draft.map(|draft| DraftNotice { when: moment(Timestamp::utc(draft.time)) });
    // A section that is gone meanwhile: the whole page then.
    let asked = context.request.query("section").filter(|_| matches!(kind, EditKind::Existing));
    let (section, content) = match asked.and_then(|anchor| Some((section_of(&content, &anchor)?, anchor))) {
        Some((part, anchor)) => (Some(anchor), part),
        None => (None, content),
    };
    Ok(Opened { path, revision: head, kind, content, message: String::new(), draft, section })
}

/// The text of a section, as it stands in the editor.
fn section_of(page: &str, anchor: &str) -> Option<String> {
    section(page, anchor).map(|range| format!("{}\n", page[range].trim_end()))
}

/// The whole page with what was written in place of the section, as far as the page is known at the revision it was read.
fn whole(context: &Context<'_>, path: &PagePath, anchor: &str, revision: &str, content: &str) -> Result<String> {
    let base = super::page::at(context, path, Some(RevisionId::parse(revision)?))?;
    let page = base.text().ok_or_else(no_text)?;
    let range = section(page, anchor)
        .ok_or_else(|| Error::invalid(format!("the page has no section {anchor}")).hint("Edit the whole page: your text is in the box."))?;
    let after = page[range.end..].trim_start_matches('\n');
    let between = if after.is_empty() || content.trim().is_empty() { "" } else { "\n" };
    Ok(format!("{}{}\n{between}{after}", &page[..range.start], content.trim_end()))
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
    let templates = if matches!(opened.kind, EditKind::New) { templates(context)? } else { Vec::new() };
    let may_upload = context.wiki.may_at(&context.actor, Action::Upload, &opened.path.key())?;
    let keeps_drafts = context.session.is_some();
    let page_first = context.preferences()?.wikilink_style == WikilinkStyle::TargetFirst;
    let view = |csrf| EditView {
        section: opened.section.map(|anchor| form_urlencoded::byte_serialize(anchor.as_bytes()).collect()),
        templates: templates.into_iter().map(|(name, path)| (name, form_urlencoded::byte_serialize(path.as_bytes()).collect())).collect(),
        may_upload,
        keeps_drafts,
        page_first,
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
    Ok(Opened { path, revision, kind, content, message: form.get("commit").to_string(), draft: None, section: None })
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
    let content = context.draw(&PreviewView { html: &rendered.html })?;
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
    let mut opened = sent(context)?;
    if let Some(anchor) = context.request.query("section") {
        match whole(context, &opened.path, &anchor, &opened.revision, &opened.content) {
            Ok(page) => opened.content = page,
            Err(error) if error.kind == ErrorKind::Internal => return Err(error),
            Err(error) => return show_editor(context, crate::error::status(&error), opened, None, Some(problem(&error))),
        }
    }
    if context.request.body.find("resolving").is_some() && has_markers(&opened.content) {
        match decided(context, &opened)? {
            Some(text) => opened.content = text,
            None => return still_open(context, &opened),
        }
    }
    match try_save(context, &opened) {
        Ok(SaveOutcome::Saved(saved)) => {
            if saved.changed {
                context.changed("saved", opened.path.as_str(), saved.revision);
            }
            forget_draft(context, &opened.path);
            // The save is durable: whatever fails from here on, the answer is not a refusal.
            Ok(to_page(&stored(context, &opened.path).unwrap_or(opened.path)))
        }
        Ok(SaveOutcome::Conflict(conflict)) => show_conflict(context, &opened, &conflict),
        // It waits for somebody's word, as its writer wanted.
        Err(error) if error.proposal().is_some() => {
            forget_draft(context, &opened.path);
            let number = error.proposal().map_or(0, |made| made.number);
            Ok(see_other(&format!("/-/proposals/{number}")))
        }
        // The text is still in the form, and so it stays with the writer.
        Err(error) if matches!(error.kind, ErrorKind::Internal | ErrorKind::Denied | ErrorKind::Unauthenticated) => Err(error),
        Err(error) => show_editor(context, crate::error::status(&error), opened, None, Some(problem(&error))),
    }
}

/// The text is kept elsewhere now: a draft of it is of no use.
fn forget_draft(context: &Context<'_>, path: &PagePath) {
    if let Err(error) = context.scope::<Write>().and_then(|scope| pages::discard_draft(&scope, path)) {
        tracing::warn!(wiki.id = %context.wiki.id(), "saved, but the draft stays: {}", error.chain());
    }
}

/// Lines that a merge put around what it could not decide.
fn has_markers(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("<<<<<<< theirs")) && text.lines().any(|line| line.starts_with(">>>>>>> yours"))
}

/// What was ticked for a place.
fn chosen(form: &Form, number: usize) -> Chosen {
    match form.get(&format!("place-{number}")) {
        "theirs" => Chosen::Theirs,
        "yours" => Chosen::Yours,
        "both" => Chosen::Both,
        _ => Chosen::Open,
    }
}

/// The page as its writer chose place by place. `None` unless every place was decided.
fn decided(context: &Context<'_>, opened: &Opened) -> Result<Option<String>> {
    let form = &context.request.body;
    let (Some(yours), Some(base)) = (form.find("yours"), form.find("base").and_then(|base| RevisionId::parse(base).ok())) else {
        return Ok(None);
    };
    let Ok(current) = RevisionId::parse(&opened.revision) else { return Ok(None) };
    let yours = normal(yours);
    let parts = pages::merge_parts(&context.scope::<Read>()?, &opened.path, base, current, &yours)?;
    let (mut text, mut place) = (String::new(), 0);
    for part in parts {
        let chosen = match part {
            pages::MergePart::Agreed(lines) => lines,
            pages::MergePart::Touching { ours, theirs, .. } => {
                place += 1;
                // To the merge, what is saved is one side and what was sent the other.
                match chosen(form, place) {
                    Chosen::Theirs => ours,
                    Chosen::Yours => theirs,
                    Chosen::Both => format!("{}\n{theirs}", ours.trim_end_matches('\n')),
                    Chosen::Open => return Ok(None),
                }
            }
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&chosen);
    }
    Ok((place > 0).then_some(text))
}

/// The editor again, with the text as it was sent: its author has not decided everything yet.
fn still_open(context: &Context<'_>, opened: &Opened) -> Result<Reply> {
    let page = context.page_ref(&opened.path)?;
    let form = &context.request.body;
    let open = match (form.find("yours"), RevisionId::parse(form.get("base")), RevisionId::parse(&opened.revision)) {
        (Some(yours), Ok(base), Ok(current)) => {
            let mut open = places(pages::merge_parts(&context.scope::<Read>()?, &opened.path, base, current, &normal(yours))?);
            open.iter_mut().for_each(|place| place.chosen = chosen(form, place.number));
            open
        }
        _ => Vec::new(),
    };
    let error = Error::invalid("nothing was saved: the text still has both versions of a place")
        .hint("Keep what is right, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>.");
    let view = |csrf| ConflictView {
        csrf,
        revision: opened.revision.clone(),
        theirs: Theirs::Undecided,
        rows: Vec::new(),
        merged: opened.content.clone(),
        open_conflicts: opened.content.lines().filter(|line| line.starts_with("<<<<<<< ")).count(),
        base: form.get("base").to_string(),
        places: open.clone(),
        yours: form.find("yours").unwrap_or(&opened.content).to_string(),
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
    let scope = context.scope::<Write>()?;
    let scope = if context.request.body.find("propose").is_some() { scope.proposing() } else { scope };
    pages::save(&scope, &edit, op.as_ref())
}

/// The page under the name it is stored by now.
fn stored(context: &Context<'_>, path: &PagePath) -> Result<PagePath> {
    Ok(pages::page(&context.scope::<Read>()?, path)?.map_or_else(|| path.clone(), |view| view.page.path))
}

fn show_conflict(context: &Context<'_>, opened: &Opened, conflict: &Conflict) -> Result<Reply> {
    let page = context.page_ref(&opened.path)?;
    let theirs = match (&conflict.by, &conflict.theirs) {
        (Some(by), Some(_)) => {
            let author = publish::by(by, context.preferences()?.language);
            Theirs::Changed { author, when: moment(by.time) }
        }
        (by, None) => gone(context, &opened.path, by.as_ref())?,
        (None, Some(_)) => Theirs::Unknown,
    };
    // Too much to lay side by side is still all there, in the boxes below.
    let hunks = line_diff(conflict.theirs.as_deref().unwrap_or_default(), &conflict.yours).unwrap_or_default();
    let places = match (RevisionId::parse(&opened.revision), &conflict.theirs) {
        (Ok(base), Some(_)) => {
            places(pages::merge_parts(&context.scope::<Read>()?, &opened.path, base, conflict.current, &conflict.yours)?)
        }
        _ => Vec::new(),
    };
    let view = |csrf| ConflictView {
        csrf,
        revision: conflict.current.to_string(),
        theirs,
        rows: layout::side_by_side(&hunks),
        merged: conflict.merged.clone(),
        base: opened.revision.clone(),
        places: places.clone(),
        open_conflicts: conflict.merged.lines().filter(|line| line.starts_with("<<<<<<< ")).count(),
        yours: conflict.yours.clone(),
        message: opened.message.clone(),
        problem: None,
        scripts: editor_scripts(),
        page: page.clone(),
    };
    context.form(StatusCode::CONFLICT, &format!("Conflict in {}", page.title), view)
}

/// The places that somebody has to decide, each with the line before it.
fn places(parts: Vec<pages::MergePart>) -> Vec<ConflictPlace> {
    let (mut places, mut before) = (Vec::new(), String::new());
    for part in parts {
        match part {
            pages::MergePart::Agreed(lines) => before = lines.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().to_string(),
            pages::MergePart::Touching { ours, theirs, .. } => {
                places.push(ConflictPlace {
                    number: places.len() + 1,
                    before: std::mem::take(&mut before),
                    theirs: ours,
                    yours: theirs,
                    chosen: Chosen::Open,
                });
            }
        }
    }
    places
}

/// What became of a page that is not there any more: its newest commit says.
fn gone(context: &Context<'_>, path: &PagePath, by: Option<&Revision>) -> Result<Theirs> {
    let scope = context.scope::<Read>()?;
    let newest = pages::history(&scope, path, None, 1)?.pop();
    let language = context.preferences()?.language;
    let said = |revision: &Revision| (publish::by(revision, language), moment(revision.time));
    if let Some((entry, to)) =
        pages::moved_to(&scope, path)?.filter(|(entry, _)| newest.as_ref().is_none_or(|newest| entry.seq > newest.seq))
    {
        let (author, when) = said(&entry.revision);
        return Ok(Theirs::Moved { author, when, url: to.url(), name: to.as_str().to_string() });
    }
    let by = newest.map(|entry| entry.revision).or_else(|| by.cloned());
    Ok(by.map_or(Theirs::Unknown, |by| {
        let (author, when) = said(&by);
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
    let mut content = context.request.body.find("content").ok_or_else(no_text)?.replace("\r\n", "\n");
    if let Some(anchor) = context.request.query("section") {
        content = whole(context, &path, &anchor, context.request.body.get("revision"), &content)?;
    }
    let now = pages::page(&scope.narrow::<Read>(), &path)?;
    if now.is_some_and(|view| view.page.text().is_some_and(|text| normal(text) == normal(&content))) {
        pages::discard_draft(&scope, &path)?;
    } else {
        pages::save_draft(&scope, &path, &content, RevisionId::parse(context.request.body.get("revision")).ok())?;
    }
    Ok(raw(StatusCode::NO_CONTENT, "text/plain", ""))
}

/// `POST /<page>/presence`: says that the editor is open (or with `active=0`, closed), and hears who else has it open.
pub fn presence(context: &Context<'_>) -> Result<Reply> {
    context.scope::<Write>()?;
    let key = address(context)?.key();
    let (app, wiki) = (context.app, context.wiki.id());
    // Strangers are told apart by the cookie of their forms.
    let (session, name) = match &context.session {
        Some((session, token)) => (token.clone(), session.user.name.clone()),
        None => (
            context.request.body.get("csrf_token").to_string() + context.request.header("x-csrf-token").unwrap_or_default(),
            context.say("Somebody")?,
        ),
    };
    if context.request.body.get("active") == "0" {
        app.presence.leave(wiki, &key, &session);
        return Ok(context.json(&json!({"others": []})));
    }
    let others = app.presence.note(wiki, &key, &session, &name, app.engine.clock().now());
    let others: Vec<_> = others.into_iter().map(|(name, seconds)| json!({"name": name, "seconds": seconds})).collect();
    Ok(context.json(&json!({"others": others})))
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
    let affected = pages::affected(&context.scope::<Read>()?, path)?;
    let references = |paths: &[PagePath]| paths.iter().take(50).map(|path| context.page_ref(path)).collect::<Result<Vec<_>>>();
    let (linking, below) = (references(&affected.linking)?, references(&affected.below)?);
    let page = context.page_ref(path)?;
    let default_message = context.say_with("Renamed {} to …", &[path.as_str()])?;
    let message = context.request.body.get("message").to_string();
    let title = format!("Rename {}", page.title);
    let asks_to_open = match PagePath::parse(name.trim()) {
        Ok(to) => pages::opens(&context.scope::<Write>()?, path, &to)?,
        Err(_) => false,
    };
    let view = |csrf| RenameView {
        asks_to_open,
        page,
        csrf,
        new_name: name,
        message,
        default_message,
        update_backlinks: links == Backlinks::Rewrite,
        backlinks: affected.linking.len(),
        moved_with: affected.below.len() + affected.files,
        linking,
        below,
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
        if form.find("opens").is_none() && pages::opens(&context.scope::<Write>()?, &path, &to)? {
            return Err(Error::invalid("there the page has more readers: it leaves a private part of the wiki")
                .hint("Tick the box if that is meant. What it says there can be read for ever in the history."));
        }
        let message = match form.get("message").trim() {
            "" => context.say_with("Renamed {} to {}.", &[path.as_str(), to.as_str()])?,
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

/// What a refused save has to say, with the text that was sent: nobody loses it because a session ended meanwhile. For forms of our own only.
pub fn not_saved(context: &Context<'_>, status: StatusCode, error: &Error) -> Result<Reply> {
    let form = &context.request.body;
    let action = context.request.uri.path_and_query().map_or_else(String::new, |target| target.as_str().to_string());
    let view = |csrf| NotSavedView {
        csrf,
        action,
        content: form.get("content").replace("\r\n", "\n"),
        revision: form.get("revision").to_string(),
        message: form.get("commit").to_string(),
        problem: Some(problem(error)),
        must_log_in: context.session.is_none(),
    };
    context.form(status, "Not saved", view)
}

/// `GET /<page>/delete`
pub fn delete_form(context: &Context<'_>) -> Result<Reply> {
    let path = context.existing()?;
    let affected = pages::affected(&context.scope::<Read>()?, &path)?;
    let below = affected.below.len() + affected.files;
    let page = context.page_ref(&path)?;
    let title = format!("Delete {}", page.title);
    let default_message = context.say_with("{} deleted.", &[path.as_str()])?;
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
