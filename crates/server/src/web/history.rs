//! What happened: history of a page, changes of the wiki, differences, who wrote what, and taking a commit back.

use super::files::first_line;
use super::page::{SHORT, address};
use super::views::{
    BlameGroup, BlameLine, BlameView, ChangedFile, ChangelogView, CommitEntry, CommitView, Day, DiffBody, DiffLayout, DiffView, FileDiff,
    HistoryEntry, HistoryView, Problem, RevertView, Version,
};
use super::{Context, layout, moment, problem};
use crate::reply::{Reply, see_other};
use holt_core::{ChangeKind, Error, Language, PagePath, Result, RevisionId, RevisionPrefix, SafeHtml};
use holt_engine::pages::git::pushers;
use holt_engine::pages::{self, Entry, Filter};
use holt_engine::publish::by;
use holt_engine::{Read, Write, publish};
use http::StatusCode;
use std::collections::HashMap;

/// Commits on one screen (security.md INP-13).
const PER_PAGE: usize = 50;
/// Files of a commit that the changelog names.
const FILES_NAMED: usize = 5;

/// What a list of revisions is of: decides where a line leads.
pub enum Numbered<'a> {
    /// A page, by its verbs.
    Page { verbs: &'a str },
    /// A file, by its address.
    File { url: &'a str },
}

/// Lines of a history.
pub fn entries(log: &[Entry], of: &Numbered<'_>, pushers: &HashMap<RevisionId, String>, language: Language) -> Vec<HistoryEntry> {
    let line = |entry: &Entry| {
        let id = entry.revision.id;
        let renamed = entry.changes.iter().find_map(|change| match &change.kind {
            ChangeKind::Renamed { from } if matches!(of, Numbered::Page { .. }) => PagePath::from_tree(from),
            _ => None,
        });
        HistoryEntry {
            revision: id.to_string(),
            short: id.short(SHORT),
            when: moment(entry.revision.time),
            author: by(&entry.revision, language),
            pushed_by: pushers.get(&id).cloned(),
            message: first_line(&entry.revision.message),
            view_url: match of {
                Numbered::Page { verbs } => format!("{verbs}/view/{id}"),
                Numbered::File { url } => format!("{url}/{id}"),
            },
            commit_url: commit_url(id),
            revert_url: Some(format!("/-/revert/{id}")),
            old_name: renamed.map(|path| path.to_string()),
        }
    };
    log.iter().map(line).collect()
}

fn commit_url(id: RevisionId) -> String {
    format!("/-/commit/{id}")
}

/// Where a part of a list begins; the value was made by us and means nothing elsewhere.
fn before(context: &Context<'_>) -> Option<i64> {
    context.request.query("before")?.parse().ok()
}

/// The part behind `log`, if there is one more entry than fits.
fn older(log: &mut Vec<Entry>, base: &str, query: &str) -> Option<String> {
    (log.len() > PER_PAGE).then(|| {
        log.truncate(PER_PAGE);
        format!("{base}?{query}before={}", log.last().map_or(0, |entry| entry.seq))
    })
}

/// `GET /<page>/history`
pub fn history(context: &Context<'_>) -> Result<Reply> {
    show_history(context, StatusCode::OK, None)
}

fn show_history(context: &Context<'_>, status: StatusCode, problem: Option<Problem>) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let path = context.existing().or_else(|_| address(context))?;
    let from = before(context);
    let mut log = pages::history(&scope, &path, from, PER_PAGE + 1)?;
    if log.is_empty() && from.is_none() {
        return Err(Error::not_found(format!("there is no page {path} and there was none")));
    }
    let page = context.page_ref(&path)?;
    let base = format!("{}/history", page.verbs);
    let older_url = older(&mut log, &base, "");
    let pushers = pushers(&scope, log.iter().map(|entry| &entry.revision))?;
    let entries = entries(&log, &Numbered::Page { verbs: &page.verbs }, &pushers, context.preferences()?.language);
    let title = format!("History of {}", page.title);
    context.form(status, &title, |csrf| HistoryView { page, csrf, entries, newer_url: from.map(|_| base), older_url, problem })
}

/// `POST /<page>/history`: two picked revisions to the address of their difference.
pub fn choose(context: &Context<'_>) -> Result<Reply> {
    let path = address(context)?;
    let form = &context.request.body;
    let pick = |name: &str| form.find(name).filter(|text| !text.is_empty()).map(|text| context.revision(text)).transpose();
    let (Some(a), Some(b)) = (pick("rev_a")?, pick("rev_b")?) else {
        let error = Error::invalid("pick two versions to compare");
        return show_history(context, StatusCode::UNPROCESSABLE_ENTITY, Some(problem(&error)));
    };
    if a == b {
        let error = Error::invalid("these are the same version").hint("Pick two different ones.");
        return show_history(context, StatusCode::UNPROCESSABLE_ENTITY, Some(problem(&error)));
    }
    // Whatever was picked where: the older one goes first.
    let scope = context.scope::<Read>()?;
    let (first, second) = (pages::revision(&scope, a)?, pages::revision(&scope, b)?);
    let log = pages::history(&scope, &path, None, usize::MAX)?;
    let place = |id: RevisionId| log.iter().position(|entry| entry.revision.id == id);
    let swapped = match (place(a), place(b)) {
        (Some(a), Some(b)) => a < b,
        _ => first.time.seconds > second.time.seconds,
    };
    let (old, new) = if swapped { (b, a) } else { (a, b) };
    Ok(see_other(&format!("{}/diff/{old}/{new}", path.url())))
}

/// `GET /<page>/diff/<a>/<b>`
pub fn diff(context: &Context<'_>) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let path = context.existing().or_else(|_| address(context))?;
    let (a, b) = (context.revision_or_head(context.param("a"))?, context.revision_or_head(context.param("b"))?);
    let difference = pages::diff(&scope, &path, a, b)?;
    let page = context.page_ref(&path)?;
    let shape = match context.request.query("view").as_deref() {
        Some("side" | "side-by-side") => DiffLayout::SideBySide,
        Some("page") => DiffLayout::Page,
        _ => DiffLayout::Inline,
    };
    let shown_as = match shape {
        DiffLayout::Inline => "",
        DiffLayout::SideBySide => "?view=side",
        DiffLayout::Page => "?view=page",
    };
    let language = context.preferences()?.language;
    let version = |revision: &holt_core::Revision| Version {
        short: revision.id.short(SHORT),
        url: format!("{}/view/{}", page.verbs, revision.id),
        author: by(revision, language),
        when: moment(revision.time),
        message: first_line(&revision.message),
    };
    let address = |a: RevisionId, b: RevisionId| format!("{}/diff/{a}/{b}{shown_as}", page.verbs);
    let log = pages::history(&scope, &path, None, usize::MAX)?;
    let place = |id: RevisionId| log.iter().position(|entry| entry.revision.id == id);
    let id = |at: usize| log.get(at).map(|entry| entry.revision.id);
    let text = |at| Ok::<_, Error>(pages::page_at(&scope, &path, at)?.map(|page| pages::readable(page.source)).unwrap_or_default());
    let view = DiffView {
        old: version(&difference.from),
        new: version(&difference.to),
        layout: shape,
        inline_url: format!("{}/diff/{a}/{b}", page.verbs),
        side_by_side_url: format!("{}/diff/{a}/{b}?view=side", page.verbs),
        page_url: format!("{}/diff/{a}/{b}?view=page", page.verbs),
        previous_url: place(a).and_then(|at| Some(address(id(at + 1)?, a))),
        next_url: place(b).and_then(|at| Some(address(b, id(at.checked_sub(1)?)?))),
        files: vec![FileDiff {
            name: page.title.clone(),
            url: Some(page.url.clone()),
            note: None,
            body: match shape {
                DiffLayout::Page => DiffBody::Page(as_page(&scope, &path, [&text(a)?, &text(b)?])?),
                _ => layout::body(Some(&difference.hunks), shape, ""),
            },
        }],
        page: page.clone(),
    };
    context.page(StatusCode::OK, &format!("Difference of {}", page.title), &view)
}

/// Two texts of a page as one rendered page, with what came and what went.
pub fn as_page(scope: &holt_engine::Scope<'_, Read>, path: &PagePath, texts: [&str; 2]) -> Result<SafeHtml> {
    let html = |text| Ok::<_, Error>(pages::render_old(scope, path, text)?.html);
    Ok(publish::visual_diff(&html(texts[0])?, &html(texts[1])?))
}

/// `GET /<page>/blame[/<revision>]`
pub fn blame(context: &Context<'_>) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let path = context.existing().or_else(|_| address(context))?;
    let at = Some(context.param("rev")).filter(|text| !text.is_empty()).map(|text| context.revision(text)).transpose()?;
    let lines = pages::blame(&scope, &path, at)?;
    let page = context.page_ref(&path)?;
    let language = context.preferences()?.language;
    let mut groups: Vec<(RevisionId, BlameGroup)> = Vec::new();
    for (number, line) in lines.into_iter().enumerate() {
        let id = line.revision.id;
        if groups.last().is_none_or(|(last, _)| *last != id) {
            let group = BlameGroup {
                short: id.short(SHORT),
                commit_url: commit_url(id),
                view_url: format!("{}/view/{id}", page.verbs),
                author: by(&line.revision, language),
                when: moment(line.revision.time),
                message: first_line(&line.revision.message),
                lines: Vec::new(),
            };
            groups.push((id, group));
        }
        if let Some((_, group)) = groups.last_mut() {
            group.lines.push(BlameLine { number: number + 1, text: line.text });
        }
    }
    let title = format!("Who wrote {}", page.title);
    context.page(StatusCode::OK, &title, &BlameView { page, groups: groups.into_iter().map(|(_, group)| group).collect() })
}

/// `GET /-/changelog`, from a revision of the address on or from the newest.
pub fn changelog(context: &Context<'_>) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let from = match context.param("rev") {
        "" => before(context),
        text => match pages::changelog_place(&scope, &RevisionPrefix::parse(text)?)? {
            // Inclusive: the address names the first commit of the part.
            Some(place) => Some(place + 1),
            None => return Err(Error::not_found(format!("there is no revision {text}"))),
        },
    };
    let filter = wanted(context)?;
    let query = filter_query(context);
    let mut log = pages::changelog(&scope, &filter, from, PER_PAGE + 1)?;
    let older_url = older(&mut log, "/-/changelog", &query);
    let pushers = pushers(&scope, log.iter().map(|entry| &entry.revision))?;
    let mut days: Vec<Day> = Vec::new();
    for entry in &log {
        let when = moment(entry.revision.time);
        if days.last().is_none_or(|day| day.label != when.text) {
            days.push(Day { label: when.text.clone(), entries: Vec::new() });
        }
        if let Some(day) = days.last_mut() {
            day.entries.push(commit_entry(context, entry, &pushers)?);
        }
    }
    let asked = |name: &str| context.request.query(name).unwrap_or_default();
    let whose = [&filter.author, &filter.agent, &filter.person, &filter.via, &filter.session];
    let undoable = !days.is_empty() && whose.iter().any(|one| one.is_some());
    let view = ChangelogView {
        days,
        newer_url: from.map(|_| format!("/-/changelog?{query}")),
        older_url,
        author: asked("author"),
        agent: asked("agent"),
        person: asked("person"),
        via: asked("via"),
        session: asked("session"),
        path: asked("path"),
        from: asked("from"),
        until: asked("until"),
        filtered: filter != Filter::default(),
        undo_url: undoable.then(|| format!("/-/undo?{}", query.trim_end_matches('&'))),
        feed_query: query,
    };
    context.page(StatusCode::OK, "Recent changes", &view)
}

/// What `?author=`, `?agent=` (parts of names), `?person=`, `?via=`, `?session=` (whole ones), `?path=`, `?from=` and `?until=` (days, the second one included) leave of the changelog.
pub fn wanted(context: &Context<'_>) -> Result<Filter> {
    let asked = |name: &str| context.request.query(name).map(|text| text.trim().to_string()).filter(|text| !text.is_empty());
    let day = |name: &str| -> Result<Option<i64>> {
        let Some(text) = asked(name) else { return Ok(None) };
        let start = publish::day_start(&text);
        start.map(Some).ok_or_else(|| Error::invalid(format!("{text} is no day")).hint("Write it as 2026-11-21."))
    };
    Ok(Filter {
        author: asked("author").map(|text| text.chars().take(100).collect()),
        // A star is any.
        agent: asked("agent").map(|text| text.trim_matches('*').chars().take(100).collect()),
        person: asked("person").map(|text| text.chars().take(128).collect()),
        address: None,
        via: asked("via").map(|text| text.chars().take(128).collect()),
        session: asked("session").map(|text| text.chars().take(64).collect()),
        path: asked("path").map(|text| stored(context, PagePath::parse(text.trim_start_matches('/'))?)).transpose()?,
        from: day("from")?,
        until: day("until")?.map(|start| start + 24 * 60 * 60),
    })
}

/// A path that was typed, in the spelling of what is there; as typed if nothing is, because history knows what is no more.
fn stored(context: &Context<'_>, typed: PagePath) -> Result<PagePath> {
    Ok(match pages::find(&context.scope::<Read>()?, &typed)? {
        pages::Found::Page(path) | pages::Found::Directory(path) => path,
        _ => typed,
    })
}

/// The same as it stands in addresses, with `&` at its end; empty without a filter.
fn filter_query(context: &Context<'_>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in ["author", "agent", "person", "via", "session", "path", "from", "until"] {
        if let Some(value) = context.request.query(name).filter(|value| !value.trim().is_empty()) {
            query.append_pair(name, value.trim());
        }
    }
    let query = query.finish();
    if query.is_empty() { query } else { query + "&" }
}

fn commit_entry(context: &Context<'_>, entry: &Entry, pushers: &HashMap<RevisionId, String>) -> Result<CommitEntry> {
    let id = entry.revision.id;
    let preferences = context.preferences()?;
    let file = |file: &str, kind: &ChangeKind| {
        let gone = *kind == ChangeKind::Deleted;
        let (title, url) = match PagePath::from_tree(file) {
            Some(path) => (preferences.display_name(&path, None), format!("{}/view/{id}", path.url())),
            None => (file.to_string(), file_url(file, id)),
        };
        ChangedFile { title, url: (!gone && !url.is_empty()).then_some(url) }
    };
    Ok(CommitEntry {
        short: id.short(SHORT),
        when: moment(entry.revision.time),
        author: by(&entry.revision, preferences.language),
        pushed_by: pushers.get(&id).cloned(),
        session: super::activity::session_link(&entry.revision),
        message: first_line(&entry.revision.message),
        commit_url: commit_url(id),
        revert_url: Some(format!("/-/revert/{id}")),
        files: entry.changes.iter().take(FILES_NAMED).map(|change| file(&change.file, &change.kind)).collect(),
        more_files: entry.changes.len().saturating_sub(FILES_NAMED),
    })
}

/// Where a file that is no page is found as it was; empty for one that has no address.
fn file_url(file: &str, id: RevisionId) -> String {
    let Some((directory, name)) = file.rsplit_once('/') else { return String::new() };
    match PagePath::parse(directory) {
        Ok(path) => format!("{}/a/{}/{id}", path.url(), holt_core::path::encode(name)),
        Err(_) => String::new(),
    }
}

/// `GET /-/commit/<revision>`
pub fn commit(context: &Context<'_>) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let id = context.revision_or_head(context.param("rev"))?;
    let (revision, parents, files) = pages::commit_view(&scope, id)?;
    let (first, rest) = revision.message.trim().split_once('\n').unwrap_or((revision.message.trim(), ""));
    let preferences = context.preferences()?;
    let file = |file: pages::FileDiff| {
        let path = PagePath::from_tree(&file.change.file);
        let note = match &file.change.kind {
            ChangeKind::Added => Some("new".to_string()),
            ChangeKind::Deleted => Some("deleted".to_string()),
            ChangeKind::Renamed { from } => Some(format!("renamed from {}", from.strip_suffix(".md").unwrap_or(from))),
            ChangeKind::Modified => None,
        };
        let url = match &path {
            _ if file.change.kind == ChangeKind::Deleted => String::new(),
            Some(path) => format!("{}/view/{id}", path.url()),
            None => file_url(&file.change.file, id),
        };
        FileDiff {
            name: path.map_or_else(|| file.change.file.clone(), |path| preferences.display_name(&path, None)),
            url: (!url.is_empty()).then_some(url),
            note,
            body: layout::body(file.hunks.as_deref(), DiffLayout::Inline, "Not shown: no text, or too long."),
        }
    };
    let view = CommitView {
        revision: id.to_string(),
        author: by(&revision, preferences.language),
        pushed_by: pushers(&scope, [&revision])?.remove(&id),
        when: moment(revision.time),
        message_title: if first.is_empty() { context.say("No message")? } else { first.to_string() },
        message_rest: rest.trim().to_string(),
        revert_url: (parents.len() < 2).then(|| format!("/-/revert/{id}")),
        files: files.into_iter().map(file).collect(),
    };
    context.slots(StatusCode::OK, &view.message_title, context.draw(&view)?, None, None)
}

/// `GET /-/revert/<revision>`
pub fn revert_form(context: &Context<'_>) -> Result<Reply> {
    show_revert(context, StatusCode::OK, None)
}

fn show_revert(context: &Context<'_>, status: StatusCode, problem: Option<Problem>) -> Result<Reply> {
    let id = context.revision_or_head(context.param("rev"))?;
    let (revision, _, files) = pages::commit_view(&context.scope::<Read>()?, id)?;
    let preferences = context.preferences()?;
    let name = |file: &str| PagePath::from_tree(file).map_or_else(|| file.to_string(), |path| preferences.display_name(&path, None));
    let default_message = default_revert_message(context, id)?;
    let view = |csrf| RevertView {
        csrf,
        revision: id.to_string(),
        short: id.short(SHORT),
        author: by(&revision, preferences.language),
        when: moment(revision.time),
        commit_message: first_line(&revision.message),
        files: files.iter().map(|file| name(&file.change.file)).collect(),
        message: context.request.body.get("message").to_string(),
        default_message,
        problem,
    };
    context.form(status, "Revert", view)
}

fn default_revert_message(context: &Context<'_>, id: RevisionId) -> Result<String> {
    context.say_with("Reverted commit {}.", &[&id.short(SHORT)])
}

/// `POST /-/revert/<revision>`
pub fn revert(context: &Context<'_>) -> Result<Reply> {
    let id = context.revision_or_head(context.param("rev"))?;
    let message = match context.request.body.get("message").trim() {
        "" => default_revert_message(context, id)?,
        given => given.to_string(),
    };
    match pages::revert(&context.scope::<Write>()?, id, &message) {
        Ok(revision) => {
            context.changed("reverted", &id.to_string(), revision);
            Ok(see_other("/-/changelog"))
        }
        Err(error) => show_revert(context, crate::error::status(&error), Some(problem(&error))),
    }
}
