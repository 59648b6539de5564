//! Names of a wiki that are not below the platform's domain, as its owner looks after them: by forms and by the API.

use super::dashboard::day;
use super::overview;
use super::views::{DomainLine, DomainRecordView};
use super::{Visitor, audit};
use crate::domains;
use crate::reply::{Reply, json as json_reply};
use holt_core::{DomainName, Error, Result, Timestamp};
use holt_engine::directory::{DomainRecord, WikiRecord};
use holt_engine::publish;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// In a word.
fn state(record: &DomainRecord) -> &'static str {
    match (record.verified, record.lost) {
        (None, _) => "claimed",
        (Some(_), None) => "verified",
        (Some(_), Some(_)) => "lost",
    }
}

fn row(visitor: &Visitor<'_>, record: &DomainRecord) -> Value {
    let time = |seconds: i64| publish::rfc3339(Timestamp::utc(seconds));
    json!({
        "domain": record.name.as_str(), "state": state(record), "main": record.main,
        "record": {"type": "TXT", "name": record.name.proof_name(), "value": domains::text(record)},
        "created_at": time(record.created), "verified_at": record.verified.map(time), "checked_at": record.checked.map(time),
        "lost_since": record.lost.map(time), "ends_at": record.ends().map(time),
        "url": record.verified.map(|_| format!("{}/", visitor.origin_at(record.name.as_str()))),
    })
}

/// A wiki's names for its page. Names of wikis with none: a list without entries.
pub fn lines(visitor: &Visitor<'_>, wiki: &WikiRecord) -> Result<Vec<DomainLine>> {
    let records = visitor.app.engine.directory().domains_of(wiki.id, visitor.now())?;
    let line = |record: DomainRecord| DomainLine {
        url: record.verified.map(|_| format!("{}/", visitor.origin_at(record.name.as_str()))),
        ends: record.ends().map(day),
        lost: record.lost.is_some(),
        main: record.main,
        record: (record.verified.is_none() || record.lost.is_some())
            .then(|| DomainRecordView { name: record.name.proof_name(), value: domains::text(&record) }),
        name: record.name.to_string(),
    };
    Ok(records.into_iter().map(line).collect())
}

/// Claims a name.
fn add(visitor: &Visitor<'_>, wiki: &WikiRecord, typed: &str) -> Result<DomainRecord> {
    let name = domains::name(typed, visitor.app.edge.hosts.domain.as_deref())?;
    let directory = visitor.app.engine.directory();
    let record = directory.claim_domain(wiki.id, &name, directory.limits(wiki.id)?.domains, visitor.now())?;
    audit::done(visitor, Some(wiki.id), "domain.add", name.as_str());
    Ok(record)
}

fn verify(visitor: &Visitor<'_>, wiki: &WikiRecord, name: &DomainName) -> Result<DomainRecord> {
    let known = visitor.app.engine.directory().domain(wiki.id, name)?;
    let tell = |record: &DomainRecord, doubt| domains::tell(visitor.app, record, doubt);
    let record = domains::verify(&visitor.app.engine, &visitor.app.dns, wiki.id, name, tell)?;
    if known.verified.is_none() {
        audit::done(visitor, Some(wiki.id), "domain.verify", name.as_str());
    }
    Ok(record)
}

fn set_main(visitor: &Visitor<'_>, wiki: &WikiRecord, name: Option<&DomainName>) -> Result<()> {
    visitor.app.engine.set_main_domain(wiki.id, name)?;
    audit::done(visitor, Some(wiki.id), "domain.main", name.map_or(wiki.slug.as_str(), DomainName::as_str));
    Ok(())
}

fn remove(visitor: &Visitor<'_>, wiki: &WikiRecord, name: &DomainName) -> Result<()> {
    visitor.app.engine.remove_domain(wiki.id, name)?;
    audit::done(visitor, Some(wiki.id), "domain.remove", name.as_str());
    Ok(())
}

/// `POST /app/wiki/{slug}/domains`: what `act` says with `domain`: add, verify, main, slug, remove.
pub fn act(visitor: &Visitor<'_>, wiki: &WikiRecord) -> Result<()> {
    let form = &visitor.request.body;
    let named = || domains::name(form.get("domain"), None);
    match form.get("act") {
        "add" => add(visitor, wiki, form.get("domain")).map(drop),
        "verify" => verify(visitor, wiki, &named()?).map(drop),
        "main" => set_main(visitor, wiki, Some(&named()?)),
        "slug" => set_main(visitor, wiki, None),
        "remove" => remove(visitor, wiki, &named()?),
        _ => Err(Error::invalid("there is no such action")),
    }
}

fn held(visitor: &Visitor<'_>) -> Result<WikiRecord> {
    overview::held(visitor, visitor.param("slug"))
}

fn named(visitor: &Visitor<'_>) -> Result<DomainName> {
    domains::name(visitor.param("domain"), None)
}

fn said(visitor: &Visitor<'_>, status: StatusCode, record: &DomainRecord) -> Result<Reply> {
    Ok(json_reply(status, &json!({"domain": row(visitor, record)})))
}

fn fields(visitor: &Visitor<'_>) -> Map<String, Value> {
    serde_json::from_slice(&visitor.request.raw).unwrap_or_default()
}

/// `GET /api/wikis/{slug}/domains`
pub fn list(visitor: &Visitor<'_>) -> Result<Reply> {
    let wiki = held(visitor)?;
    let records = visitor.app.engine.directory().domains_of(wiki.id, visitor.now())?;
    let rows: Vec<Value> = records.iter().map(|record| row(visitor, record)).collect();
    Ok(json_reply(StatusCode::OK, &json!({"domains": rows})))
}

/// `POST /api/wikis/{slug}/domains {domain}`
pub fn claim(visitor: &Visitor<'_>) -> Result<Reply> {
    let wiki = held(visitor)?;
    let fields = fields(visitor);
    let typed = fields.get("domain").and_then(Value::as_str);
    let typed = typed.ok_or_else(|| Error::invalid("say which name").hint("Send {\"domain\": \"wiki.example.org\"}."))?;
    said(visitor, StatusCode::CREATED, &add(visitor, &wiki, typed)?)
}

/// `POST /api/wikis/{slug}/domains/{domain}/verify`
pub fn prove(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = verify(visitor, &held(visitor)?, &named(visitor)?)?;
    said(visitor, StatusCode::OK, &record)
}

/// `PATCH /api/wikis/{slug}/domains/{domain} {main}`
pub fn change(visitor: &Visitor<'_>) -> Result<Reply> {
    let (wiki, name) = (held(visitor)?, named(visitor)?);
    let directory = visitor.app.engine.directory();
    let known = directory.domain(wiki.id, &name)?;
    match fields(visitor).get("main") {
        Some(Value::Bool(true)) => set_main(visitor, &wiki, Some(&name))?,
        Some(Value::Bool(false)) if known.main => set_main(visitor, &wiki, None)?,
        Some(Value::Bool(false)) => {}
        _ => return Err(Error::invalid("main is true or false").hint("Send {\"main\": true}.")),
    }
    said(visitor, StatusCode::OK, &directory.domain(wiki.id, &name)?)
}

/// `DELETE /api/wikis/{slug}/domains/{domain}`
pub fn give_up(visitor: &Visitor<'_>) -> Result<Reply> {
    remove(visitor, &held(visitor)?, &named(visitor)?)?;
    Ok(json_reply(StatusCode::OK, &json!({"removed": true})))
}
