//! What operators see of the platform: all wikis, all people, what happened. A wiki's pages are none of it.

use super::dashboard::{day, line};
use super::views::{AdminView, LogLine, LogView, Notice, PeopleView, PersonLine, WorkersView};
use super::{Visitor, audit};
use crate::error;
use crate::reply::{Reply, see_other};
use crate::workers;
use holt_core::{Error, ErrorKind, Result, Timestamp};
use holt_engine::directory::{AuditFilter, Rank, WikiRecord};
use holt_engine::publish;
use http::StatusCode;

/// Where workers are.
const WORKERS: &str = "/app/admin/workers";
/// Wikis on one screen: each is opened to see how much there is of it.
const WIKIS: usize = 20;
/// Accounts or rows of the log on one screen (security.md INP-13).
const ROWS: usize = 50;

fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// `GET /app/admin?q=…&after=…`
pub fn wikis(visitor: &Visitor<'_>) -> Result<Reply> {
    show(visitor, StatusCode::OK, None)
}

fn show(visitor: &Visitor<'_>, status: StatusCode, problem: Option<Notice>) -> Result<Reply> {
    let (request, directory) = (visitor.request, visitor.app.engine.directory());
    let (wanted, after) = (request.query("q").unwrap_or_default(), request.query("after").unwrap_or_default());
    let mut found = directory.search_wikis(&wanted, &after, WIKIS + 1)?;
    let more = found.len() > WIKIS;
    found.truncate(WIKIS);
    let next = found.last().filter(|_| more).map(|last| format!("/app/admin?{}", query(&[("q", &wanted), ("after", last.slug.as_str())])));
    let wikis = found.iter().map(|record| Ok(line(visitor, record, about(visitor, record)?))).collect::<Result<Vec<_>>>()?;
    let plans = directory.plans()?.into_iter().map(|plan| plan.name).collect();
    let count = directory.count_wikis()?;
    let notice = request.query("saved").map(|_| "Saved.".to_string());
    visitor.form(status, "All wikis", |csrf| AdminView { csrf, query: wanted, count, wikis, plans, next, notice, problem })
}

fn about(visitor: &Visitor<'_>, record: &WikiRecord) -> Result<Vec<String>> {
    let language = visitor.language();
    let owner = record.owner.map(|owner| visitor.app.engine.directory().user(owner)).transpose()?.flatten();
    let mut about = vec![owner.map_or_else(|| language.say("nobody’s").into_owned(), |owner| owner.email)];
    about.extend(record.plan.clone());
    about.extend(record.last_access.map(|at| language.say_with("last used {}", &[&language.say(&day(at))])));
    Ok(about)
}

/// `POST /app/admin/wiki/{slug}`: `act` suspends, resumes or restores; without it, `plan` changes.
pub fn change(visitor: &Visitor<'_>) -> Result<Reply> {
    match try_change(visitor) {
        Ok(()) => Ok(see_other(&format!("/app/admin?{}", query(&[("q", visitor.param("slug")), ("saved", "1")])))),
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => show(visitor, error::status(&error), Some(Visitor::notice(&error))),
    }
}

fn try_change(visitor: &Visitor<'_>) -> Result<()> {
    let (form, engine) = (&visitor.request.body, &visitor.app.engine);
    let slug = visitor.param("slug");
    let record = engine.directory().wiki_by_slug(slug)?.ok_or_else(|| Error::not_found("there is no such wiki"))?;
    let (action, object) = match (form.get("act"), form.get("plan")) {
        ("suspend", _) => ("wiki.suspend", engine.suspend_wiki(record.id).map(|()| slug.to_string())?),
        ("resume", _) => ("wiki.resume", engine.resume_wiki(record.id).map(|()| slug.to_string())?),
        ("restore", _) => ("wiki.restore", engine.restore_wiki(record.id, None).map(|()| slug.to_string())?),
        ("", "") => return Ok(()),
        ("", plan) => ("wiki.plan", engine.directory().set_wiki_plan(record.id, Some(plan)).map(|()| format!("{slug}: {plan}"))?),
        _ => return Err(Error::invalid("there is no such action")),
    };
    audit::done(visitor, Some(record.id), action, &object);
    Ok(())
}

/// `GET /app/admin/people?after=…`
pub fn people(visitor: &Visitor<'_>) -> Result<Reply> {
    let directory = visitor.app.engine.directory();
    let after = visitor.request.query("after").unwrap_or_default();
    let mut users = directory.list_users(&after, ROWS + 1)?;
    let more = users.len() > ROWS;
    users.truncate(ROWS);
    let next = users.last().filter(|_| more).map(|last| format!("/app/admin/people?{}", query(&[("after", &last.email)])));
    let mut people = Vec::new();
    for user in users {
        let wikis = directory.count_wikis_of(user.id)?;
        let operator = user.rank == Rank::Operator;
        people.push(PersonLine { name: user.name, email: user.email, operator, seen: day(user.last_seen), wikis });
    }
    visitor.form(StatusCode::OK, "People", |_| PeopleView { people, next })
}

/// `GET /app/admin/log?before=…`
pub fn log(visitor: &Visitor<'_>) -> Result<Reply> {
    let directory = visitor.app.engine.directory();
    let before = visitor.request.query("before").and_then(|id| id.parse().ok());
    let mut found = directory.audit_log(&AuditFilter { before, ..AuditFilter::default() }, ROWS + 1)?;
    let more = found.len() > ROWS;
    found.truncate(ROWS);
    let next = found.last().filter(|_| more).map(|last| format!("/app/admin/log?before={}", last.id));
    let mut rows = Vec::new();
    for row in found {
        let wiki = row.wiki.map(|wiki| directory.wiki(wiki)).transpose()?.flatten().map_or_else(String::new, |wiki| wiki.slug.to_string());
        let time = publish::rfc3339(Timestamp::utc(row.time)).replace('T', " ");
        let what = [row.action.as_str(), row.object.as_str(), row.result.as_str()].join(" ");
        rows.push(LogLine { time, actor: row.actor, wiki, what });
    }
    visitor.form(StatusCode::OK, "Log", |_| LogView { rows, next })
}

/// `GET /app/admin/workers`
pub fn workers(visitor: &Visitor<'_>) -> Result<Reply> {
    show_workers(visitor, StatusCode::OK, None)
}

fn show_workers(visitor: &Visitor<'_>, status: StatusCode, problem: Option<Notice>) -> Result<Reply> {
    let lines = workers::lines(visitor.app)?;
    let notice = visitor.request.query("saved").map(|_| "Done.".to_string());
    visitor.form(status, "Background work", |csrf| WorkersView { csrf, action: WORKERS, workers: lines, notice, problem })
}

/// `POST /app/admin/workers`: `worker` is told `order`.
pub fn order(visitor: &Visitor<'_>) -> Result<Reply> {
    let form = &visitor.request.body;
    match workers::obey(visitor.app, form.get("worker"), form.get("order")) {
        Ok(()) => {
            audit::done(visitor, None, "worker", &format!("{} {}", form.get("worker"), form.get("order")));
            Ok(see_other(&format!("{WORKERS}?saved=1")))
        }
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => show_workers(visitor, error::status(&error), Some(Visitor::notice(&error))),
    }
}
