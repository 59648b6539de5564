//! The pages on which people make wikis and look after them (spec/platform.md §9).

use super::overview::{self, CHANGING, Changes, READING};
use super::views::{Bar, CreateView, GoneView, LandingView, Level, TokenLine, WikiLine, WikiView, WikisView};
use super::{Visitor, audit};
use crate::error;
use crate::health;
use crate::reply::{Reply, see_other, text};
use holt_core::{Error, ErrorKind, Result, Timestamp, WikiName};
use holt_engine::directory::{TRASH_LIFE, WikiRecord, WikiState};
use holt_engine::publish;
use http::StatusCode;

/// `GET /`
pub fn landing(visitor: &Visitor<'_>) -> Result<Reply> {
    let view =
        LandingView { name: visitor.domain().to_string(), known: visitor.session.is_some(), may_register: visitor.app.platform.is_open() };
    visitor.form(StatusCode::OK, "Home", |_| view)
}

/// `GET /-/healthz`
pub fn healthz(_: &Visitor<'_>) -> Result<Reply> {
    Ok(health::alive())
}

/// `GET /-/readyz`
pub fn readyz(visitor: &Visitor<'_>) -> Result<Reply> {
    Ok(health::ready(visitor.app))
}

/// `GET /robots.txt`: wikis have their own.
pub fn robots(_: &Visitor<'_>) -> Result<Reply> {
    Ok(text(StatusCode::OK, "User-agent: *\nDisallow: /app\nDisallow: /api\nDisallow: /auth\n"))
}

/// `GET /favicon.ico`
pub fn favicon(_: &Visitor<'_>) -> Result<Reply> {
    Ok(see_other(holt_fragments::assets::url("icon.svg")))
}

/// A day, ready to print.
pub(super) fn day(seconds: i64) -> String {
    publish::date(Timestamp::utc(seconds))
}

/// Bytes as people read them.
fn weight(bytes: u64) -> String {
    match bytes {
        0..=999_999 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..=999_999_999 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

/// A wiki as a line of a list. Opens it, but for those that are off the air.
pub(super) fn line(visitor: &Visitor<'_>, record: &WikiRecord, mut about: Vec<String>) -> WikiLine {
    if record.answers()
        && let Ok(used) = overview::usage(visitor, record)
    {
        let language = visitor.language();
        about.push(language.say_with("{} pages", &[&used.pages.to_string()]));
        about.push(weight(used.bytes));
    }
    let slug = record.slug.as_str().to_string();
    let (note, act) = match (record.trashed, record.state) {
        (Some(_), _) => (Some("Deleted"), ("restore", "Restore", false)),
        (None, WikiState::Suspended) => (Some("Suspended"), ("resume", "Resume", false)),
        (None, WikiState::Active) => (None, ("suspend", "Suspend", true)),
    };
    WikiLine {
        name: record.name.clone(),
        url: format!("{}/", visitor.wiki_home(record).unwrap_or_else(|_| visitor.wiki_origin(&slug))),
        slug,
        note,
        act,
        about,
    }
}

/// `GET /app`
pub fn home(visitor: &Visitor<'_>) -> Result<Reply> {
    let (user, directory) = (visitor.person()?, visitor.app.engine.directory());
    let records = directory.wikis_of(user.id)?;
    let own = records.iter().filter(|record| record.trashed.is_none()).count();
    let most = directory.default_plan()?.wikis;
    let may_create = visitor.is_operator() || most.is_none_or(|most| own < most as usize);
    if records.is_empty() && may_create && visitor.request.query("done").is_none() {
        return Ok(see_other("/app/create"));
    }
    let wikis = records.iter().map(|record| line(visitor, record, Vec::new())).collect();
    let notice = visitor.request.query("done").map(|_| "Done.".to_string());
    visitor.form(StatusCode::OK, "My wikis", |_| WikisView { wikis, may_create, notice })
}

/// `GET /app/create`
pub fn create_form(visitor: &Visitor<'_>) -> Result<Reply> {
    show_create(visitor, StatusCode::OK, None)
}

fn show_create(visitor: &Visitor<'_>, status: StatusCode, problem: Option<&Error>) -> Result<Reply> {
    let form = &visitor.request.body;
    let (name, purpose) = (form.get("display_name").to_string(), form.get("purpose").to_string());
    let suggested = || visitor.user.as_ref().and_then(|user| WikiName::suggest(&user.name)).map(|slug| slug.to_string());
    let slug = form.find("slug").map(str::to_string).or_else(suggested).unwrap_or_default();
    let (domain, problem) = (format!("{}{}", visitor.domain(), visitor.port()), problem.map(Visitor::notice));
    visitor.form(status, "New wiki", |csrf| CreateView { csrf, domain, name, slug, purpose, problem })
}

/// `POST /app/create`
pub fn create(visitor: &Visitor<'_>) -> Result<Reply> {
    let form = &visitor.request.body;
    let name = form.get("display_name");
    // Phones write the first letter large.
    let slug = match form.get("slug").trim() {
        "" => WikiName::suggest(name).map(|slug| slug.to_string()).unwrap_or_default(),
        slug => slug.to_lowercase(),
    };
    match overview::create(visitor, name, &slug, form.get("purpose")) {
        // Shown by this answer and never again: a redirect would have nowhere to keep the token.
        Ok((record, secret)) => show_wiki(visitor, StatusCode::OK, &record, Shown { secret: Some(secret), ..Shown::default() }),
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => show_create(visitor, error::status(&error), Some(&error)),
    }
}

/// What the page of a wiki begins with.
#[derive(Default)]
struct Shown {
    secret: Option<String>,
    problem: Option<Error>,
    notice: Option<String>,
}

/// Somebody else's wiki looks like none: the way back to one's own (spec/platform.md §9).
fn held(visitor: &Visitor<'_>) -> Result<WikiRecord> {
    overview::held_even_trashed(visitor, visitor.param("slug")).map_err(|error| match error.kind {
        ErrorKind::Denied => Error::not_found("there is no such wiki"),
        _ => error,
    })
}

/// `GET /app/wiki/{slug}`
pub fn show(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = held(visitor)?;
    let notice = visitor.request.query("saved").map(|_| "Saved.".to_string());
    show_wiki(visitor, StatusCode::OK, &record, Shown { notice, ..Shown::default() })
}

fn show_wiki(visitor: &Visitor<'_>, status: StatusCode, record: &WikiRecord, shown: Shown) -> Result<Reply> {
    let (name, slug) = (record.name.clone(), record.slug.as_str().to_string());
    let Shown { secret, problem, notice } = shown;
    let problem = problem.as_ref().map(Visitor::notice);
    if !record.answers() {
        let until = record.trashed.map(|since| visitor.say(&day(since + TRASH_LIFE)));
        return visitor.form(status, "My wikis", |csrf| GoneView { csrf, name, slug, until, problem });
    }
    let engine = &visitor.app.engine;
    let preferences = engine.wiki(record.id).preferences();
    let used = overview::usage(visitor, record);
    for error in [preferences.as_ref().err(), used.as_ref().err()].into_iter().flatten() {
        tracing::error!(request = %visitor.request.id, wiki.id = %record.id, "{}", error.chain());
    }
    let broken = preferences.is_err() || used.is_err();
    let (preferences, used) = (preferences.ok(), used.ok());
    let level = |of: fn(&holt_engine::db::preferences::Preferences) -> holt_core::AccessLevel| preferences.as_deref().map(of);
    let access = vec![
        ("read", "Who may read", levels(&READING, level(|p| p.read_access))),
        ("write", "Who may write", levels(&CHANGING, level(|p| p.write_access))),
        ("upload", "Who may upload", levels(&CHANGING, level(|p| p.attachment_access))),
    ];
    let mcp = overview::mcp_endpoint(visitor, record);
    let (origin, home) = (visitor.wiki_origin(&slug), visitor.wiki_home(record)?);
    let domains = super::domains::lines(visitor, record)?;
    let own_host = format!("{slug}.{}", visitor.domain());
    let clone =
        preferences.as_ref().filter(|preferences| preferences.is_on(overview::GIT)).map(|_| format!("git clone {origin}/.git {slug}"));
    let bearer = secret.clone().unwrap_or_else(|| "holt_…".to_string());
    let tokens = engine.directory().tokens_of(record.id, visitor.person()?.id)?;
    let tokens = tokens
        .into_iter()
        .map(|token| TokenLine {
            id: token.id,
            label: token.label,
            scope: token.scope.as_str().to_string(),
            used: token.last_used.map(day),
        })
        .collect();
    let view = |csrf| WikiView {
        csrf,
        description: preferences.as_ref().map(|preferences| preferences.site_description.clone()).unwrap_or_default(),
        url: format!("{home}/"),
        moved: domains.iter().any(|domain| domain.main),
        domains,
        own_host,
        broken,
        access,
        mcp_command: format!("claude mcp add --transport http {slug} '{mcp}' --header 'Authorization: Bearer {bearer}'"),
        mcp,
        clone,
        secret,
        tokens,
        usage: used.map(|used| bars(&used)).unwrap_or_default(),
        problem,
        notice,
        name,
        slug,
    };
    visitor.form(status, "My wikis", view)
}

fn levels(known: &[&'static str], now: Option<holt_core::AccessLevel>) -> Vec<Level> {
    let label = |value: &str| match value {
        "ANONYMOUS" => "Everybody",
        "REGISTERED" => "Whoever is logged in",
        "APPROVED" => "Members",
        _ => "Administrators",
    };
    known.iter().map(|value| Level { value, label: label(value), chosen: now.is_some_and(|now| now.as_str() == *value) }).collect()
}

fn bars(used: &overview::Usage) -> Vec<Bar> {
    let bar = |(word, count, most): (&'static str, u64, Option<u64>)| {
        let print = |value: u64| if word == "bytes" { weight(value) } else { value.to_string() };
        let label = match word {
            "pages" => "Pages",
            "bytes" => "Room",
            _ => "Members",
        };
        let percent = most.map_or(0, |most| (count.saturating_mul(100) / most.max(1)).min(100));
        Bar { label, used: print(count), most: most.map(print), percent, near: used.limits.is_near(count, most) }
    };
    used.each().into_iter().map(bar).collect()
}

/// The form again with what was wrong, or on to the page of the wiki.
fn done(visitor: &Visitor<'_>, record: &WikiRecord, result: Result<()>) -> Result<Reply> {
    match result {
        Ok(()) => Ok(see_other(&format!("/app/wiki/{}?saved=1", record.slug))),
        Err(error) if matches!(error.kind, ErrorKind::Internal | ErrorKind::Unauthenticated) => Err(error),
        Err(error) => show_wiki(visitor, error::status(&error), record, Shown { problem: Some(error), ..Shown::default() }),
    }
}

/// `POST /app/wiki/{slug}/settings`
pub fn settings(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = alive(visitor)?;
    let form = &visitor.request.body;
    let level = |field, preference| form.find(field).map(|level| (preference, level.to_string()));
    let levels = [level("read", "READ_ACCESS"), level("write", "WRITE_ACCESS"), level("upload", "ATTACHMENT_ACCESS")];
    let changes = Changes {
        title: form.find("display_name").map(str::to_string),
        description: form.find("purpose").map(str::to_string),
        levels: levels.into_iter().flatten().collect(),
        git: form.find("git_sent").map(|_| form.find("git").is_some()),
    };
    done(visitor, &record, overview::change(visitor, &record, &changes))
}

/// A wiki that answers.
fn alive(visitor: &Visitor<'_>) -> Result<WikiRecord> {
    let record = held(visitor)?;
    if record.answers() { Ok(record) } else { Err(Error::not_found("there is no such wiki")) }
}

/// `POST /app/wiki/{slug}/token`: a new one for agents (`renew`), or one less (`revoke`).
pub fn token(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = alive(visitor)?;
    let directory = visitor.app.engine.directory();
    if let Some(id) = visitor.request.body.find("revoke") {
        let own = directory.tokens_of(record.id, visitor.person()?.id)?;
        let token = own.into_iter().find(|token| token.id.to_string() == id);
        let revoked = match token {
            Some(token) => directory.revoke_token(record.id, token.id).map(|()| {
                audit::done(visitor, Some(record.id), "token.revoke", &token.label);
            }),
            None => Err(Error::not_found("there is no such token")),
        };
        return done(visitor, &record, revoked);
    }
    match overview::first_token(visitor, &record) {
        Ok(secret) => show_wiki(visitor, StatusCode::OK, &record, Shown { secret: Some(secret), ..Shown::default() }),
        Err(error) => done(visitor, &record, Err(error)),
    }
}

/// `POST /app/wiki/{slug}/transfer`
pub fn transfer(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = alive(visitor)?;
    match overview::transfer(visitor, &record, visitor.request.body.get("to")) {
        Ok(()) => Ok(see_other("/app?done=1")),
        Err(error) => done(visitor, &record, Err(error)),
    }
}

/// `POST /app/wiki/{slug}/delete`: only if its slug was typed.
pub fn delete(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = alive(visitor)?;
    if visitor.request.body.get("slug").trim() != record.slug.as_str() {
        let error = Error::invalid("that is not the short name of this wiki").hint("Nothing was deleted.");
        return done(visitor, &record, Err(error));
    }
    overview::trash(visitor, &record)?;
    Ok(see_other("/app?done=1"))
}

/// `POST /app/wiki/{slug}/domains`
pub fn domains(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = alive(visitor)?;
    done(visitor, &record, super::domains::act(visitor, &record))
}

/// `POST /app/wiki/{slug}/restore`
pub fn restore(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = held(visitor)?;
    let restored = overview::restore(visitor, &record);
    done(visitor, &record, restored)
}
