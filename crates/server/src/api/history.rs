//! What happened: to a page, to the wiki, between two revisions (spec/api.md §2.7, §3, §10).

use super::failure::Failure;
use super::{Answer, address, cursor, entry, no_page, ok};
use crate::web::Context;
use holt_core::{ChangeKind, PagePath, RevisionId, RevisionPrefix};
use holt_engine::db::preferences::Preferences;
use holt_engine::pages::{self, Entry, Filter};
use holt_engine::repo::diff::{Hunk, Line, Part};
use holt_engine::{Read, publish};
use serde_json::{Value, json};

/// Most entries of a part (security.md INP-13).
pub const MOST: usize = 200;
/// Entries of the changelog if nobody says.
pub const USUAL: usize = 50;

/// `GET /pages/{path}/history`
pub fn of_page(context: &Context<'_>) -> Answer {
    let limit = super::query::count(context, "limit", MOST, MOST);
    let (mut body, next) = page_part(context, &address(context)?, cursor::number(context)?, limit)?;
    body["next_cursor"] = next.map(|next| cursor::make(context, &next.to_string())).into();
    Ok(ok(&body))
}

/// The commits of a page below `before`, and the place of the last of them if there may be more.
pub fn page_part(context: &Context<'_>, path: &PagePath, before: Option<i64>, limit: usize) -> Result<(Value, Option<i64>), Failure> {
    let scope = context.scope::<Read>()?;
    let now = pages::page(&scope, path)?;
    let entries = pages::history(&scope, path, before, limit)?;
    if now.is_none() && entries.is_empty() && before.is_none() {
        return Err(no_page(path));
    }
    let stored = now.as_ref().map_or(path, |page| &page.page.path);
    let preferences = context.preferences()?;
    let shown = |one: &Entry| {
        let mut value = entry(&one.revision);
        let then = one.changes.first().and_then(|change| PagePath::from_tree(&change.file));
        value["path_at"] = then.map(|path| preferences.display_path(&path)).into();
        value
    };
    let history: Vec<Value> = entries.iter().map(shown).collect();
    let mut body = json!({"path": preferences.display_path(stored), "history": history});
    if now.is_none() {
        body["deleted"] = true.into();
    }
    Ok((body, next(&entries, limit)))
}

fn next(entries: &[Entry], limit: usize) -> Option<i64> {
    Some(entries.last().filter(|_| entries.len() == limit)?.seq)
}

/// `GET /changelog`
pub fn changelog(context: &Context<'_>) -> Answer {
    let scope = context.scope::<Read>()?;
    let limit = super::query::count(context, "limit", USUAL, MOST);
    let path = super::query::text(context, "path_prefix").map(|text| super::parse_path("path_prefix", &text)).transpose()?;
    let filter = Filter {
        author: super::query::text(context, "author"),
        via: super::query::text(context, "via"),
        session: super::query::text(context, "session"),
        path,
        ..Filter::default()
    };
    let before = cursor::number(context)?;
    let entries = match super::query::text(context, "since").map(|text| since(context, &text)).transpose()? {
        None => pages::changelog(&scope, &filter, before, limit)?,
        Some(Begin::At(second)) => pages::changelog(&scope, &Filter { from: Some(second), ..filter }, before, limit)?,
        Some(Begin::After(revision)) => {
            pages::changelog_since(&scope, &filter, revision, before, limit)?.ok_or_else(|| no_begin("is no revision of this wiki"))?
        }
    };
    let more = next(&entries, limit).map(|next| cursor::make(context, &next.to_string()));
    let preferences = context.preferences()?;
    let shown: Vec<Value> = entries.iter().map(|one| affected(&preferences, one)).collect();
    Ok(ok(&json!({"total": shown.len(), "entries": shown, "next_cursor": more})))
}

/// A commit with the pages and files that it touched.
pub fn affected(preferences: &Preferences, one: &Entry) -> Value {
    let mut value = entry(&one.revision);
    let (mut pages, mut files) = (Vec::new(), Vec::new());
    for change in &one.changes {
        let from = match &change.kind {
            ChangeKind::Renamed { from } => Some(from),
            _ => None,
        };
        for file in from.into_iter().chain([&change.file]) {
            match PagePath::from_tree(file) {
                Some(path) => pages.push(preferences.display_path(&path)),
                None => files.push(file.clone()),
            }
        }
    }
    value["pages_affected"] = pages.into();
    value["attachments_affected"] = files.into();
    value
}

/// Where a changelog begins.
enum Begin {
    /// With what was done at this second or later.
    At(i64),
    /// With what is not in the history of this revision.
    After(RevisionId),
}

fn since(context: &Context<'_>, text: &str) -> Result<Begin, Failure> {
    // A day has hyphens, which no revision has.
    if text.contains('-') {
        return publish::instant(text).map(Begin::At).ok_or_else(|| no_begin("is no time"));
    }
    let prefix = RevisionPrefix::parse(text).map_err(|_| no_begin("is neither a revision nor a time"))?;
    let found = pages::resolve(&context.scope::<Read>()?, &prefix).map_err(|_| no_begin("is no revision of this wiki"))?;
    Ok(Begin::After(found))
}

fn no_begin(rule: &str) -> Failure {
    Failure::field("since", format!("since {rule}"), "Send a revision from the changelog, or 2026-11-21, or 2026-11-21T09:00:00Z.")
}

/// `GET /pages/{path}/diff?from=&to=`
pub fn diff(context: &Context<'_>) -> Answer {
    let sent = |name: &str| {
        super::query::text(context, name)
            .ok_or_else(|| Failure::field(name, format!("{name} is missing"), "Send the two revisions to compare."))
    };
    Ok(ok(&between(context, &address(context)?, sent)?))
}

/// What differs in a page between the revisions that `sent` says are `from` and `to`.
pub fn between(context: &Context<'_>, path: &PagePath, sent: impl Fn(&str) -> Result<String, Failure>) -> Result<Value, Failure> {
    let scope = context.scope::<Read>()?;
    // Before anything is said of the revisions, which would tell that there is something to compare.
    if pages::page(&scope, path)?.is_none() && pages::history(&scope, path, None, 1)?.is_empty() {
        return Err(no_page(path));
    }
    let revision = |name: &str| context.revision_or_head(&sent(name)?).map_err(|error| Failure::from(error).with("field", name));
    let view = pages::diff(&scope, path, revision("from")?, revision("to")?)?;
    let hunks: Vec<Value> = view.hunks.iter().map(hunk).collect();
    let path = context.preferences()?.display_path(path);
    Ok(json!({"path": path, "from": view.from.id.to_string(), "to": view.to.id.to_string(), "hunks": hunks}))
}

/// A hunk, its lines with their signs.
pub fn hunk(hunk: &Hunk) -> Value {
    let joined = |parts: &[Part]| {
        let text = |part: &Part| match part {
            Part::Same(text) | Part::Changed(text) => text.clone(),
        };
        parts.iter().map(text).collect::<String>()
    };
    let line = |line: &Line| match line {
        Line::Same(text) => format!(" {text}"),
        Line::Removed(parts) => format!("-{}", joined(parts)),
        Line::Added(parts) => format!("+{}", joined(parts)),
    };
    let lines: Vec<String> = hunk.lines.iter().map(line).collect();
    json!({"old_start": hunk.old_start, "new_start": hunk.new_start, "lines": lines})
}
