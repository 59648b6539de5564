//! The mirror as administrators set it up and look at it (docs/mirrors.md). Its token is never told.

use super::body::Fields;
use super::failure::Failure;
use super::webhooks::noted;
use super::{Answer, ok};
use crate::reply;
use crate::web::Context;
use holt_core::{Error, Timestamp};
use holt_engine::pages::mirror::{self, Ask, Direction, Mirror, MirrorSettings};
use holt_engine::{Admin, publish};
use http::StatusCode;
use serde_json::{Value, json};

/// Minutes between two looks if nobody says.
const MINUTES: i64 = 5;

/// `GET /mirror`
pub fn show(context: &Context<'_>) -> Answer {
    Ok(ok(&shown(context, &found(context)?)?))
}

/// `PUT /mirror`
pub fn set(context: &Context<'_>) -> Answer {
    let fields = Fields::of(context.request, &["url", "branch", "username", "token", "direction", "minutes", "active"])?;
    let url = fields.required("url")?;
    context.app.hooks.judge(url).map_err(|error| Failure::from(error).with("field", "url"))?;
    let text = |name: &str, usual: &str| Ok::<_, Failure>(fields.text(name)?.unwrap_or(usual).to_string());
    let direction = Direction::parse(&text("direction", "both")?)
        .ok_or_else(|| fields.refuse("direction", "is no way to go", "Send both, push or pull."))?;
    let minutes = match fields.value("minutes") {
        None => MINUTES,
        Some(value) => value
            .as_i64()
            .filter(|minutes| (1..=1440).contains(minutes))
            .ok_or_else(|| fields.refuse("minutes", "is no number from 1 to 1440", "Send how often the repository is looked at."))?,
    };
    let new = MirrorSettings {
        url: url.to_string(),
        branch: text("branch", "main")?,
        username: text("username", "")?,
        token: text("token", "")?,
        direction,
        every: minutes * 60,
        active: fields.flag("active")?.unwrap_or(true),
    };
    mirror::set_mirror(&context.scope::<Admin>()?, &new)?;
    noted(context, "mirror.set", &new.url);
    Ok(ok(&shown(context, &found(context)?)?))
}

/// `DELETE /mirror`
pub fn remove(context: &Context<'_>) -> Answer {
    Fields::of(context.request, &[])?;
    let there = found(context)?;
    mirror::remove_mirror(&context.scope::<Admin>()?)?;
    noted(context, "mirror.delete", &there.settings.url);
    Ok(ok(&json!({"deleted": true})))
}

/// `POST /mirror/sync`
pub fn sync(context: &Context<'_>) -> Answer {
    let fields = Fields::of(context.request, &["as_it_is"])?;
    let ask = if fields.flag("as_it_is")?.unwrap_or_default() { Ask::AsItIs } else { Ask::Now };
    mirror::ask_mirror(&context.scope::<Admin>()?, ask)?;
    noted(context, "mirror.sync", if ask == Ask::AsItIs { "as it is" } else { "" });
    Ok(reply::json(StatusCode::ACCEPTED, &json!({"status": "asked"})))
}

fn found(context: &Context<'_>) -> Result<Mirror, Failure> {
    mirror::mirror(&context.scope::<Admin>()?)?.ok_or_else(|| Error::not_found("this wiki has no mirror").into())
}

fn shown(context: &Context<'_>, mirror: &Mirror) -> Result<Value, Failure> {
    let when = |seconds: i64| (seconds > 0).then(|| publish::rfc3339(Timestamp::utc(seconds)));
    let settings = &mirror.settings;
    Ok(json!({
        "url": settings.url, "branch": settings.branch, "username": settings.username, "has_token": !settings.token.is_empty(),
        "direction": settings.direction.as_str(), "minutes": settings.every / 60, "active": settings.active,
        "seen": mirror.seen.map(|id| id.to_string()), "revision": mirror.revision.map(|id| id.to_string()), "tried": when(mirror.tried),
        "synced": when(mirror.synced), "failures": mirror.failures, "error": mirror.error, "ahead": mirror::ahead(context.wiki, mirror)?,
    }))
}
