//! Webhooks as administrators make, change and try them (docs/webhooks.md). A secret is told once: when it is made.

use super::body::Fields;
use super::failure::Failure;
use super::{Answer, ok, parse_path};
use crate::reply;
use crate::web::{Context, audit};
use holt_core::{Actor, Error, PagePath, Timestamp};
use holt_engine::pages::webhooks::{self, Delivery, HookEvent, Listening, NewWebhook, Webhook, WebhookChange};
use holt_engine::{Admin, publish};
use http::StatusCode;
use serde_json::{Value, json};

/// Most messages that are listed.
const LISTED: usize = 100;

/// `GET /webhooks`
pub fn list(context: &Context<'_>) -> Answer {
    let all = webhooks::list(&context.scope::<Admin>()?)?;
    Ok(ok(&json!({"webhooks": all.iter().map(shown).collect::<Vec<_>>()})))
}

/// `POST /webhooks`
pub fn add(context: &Context<'_>) -> Answer {
    let fields = Fields::of(context.request, &["url", "events", "prefix"])?;
    let new = NewWebhook {
        url: url(context, fields.required("url")?)?,
        events: events(&fields)?.unwrap_or_default(),
        prefix: prefix(&fields)?.flatten(),
    };
    let made = webhooks::add(&context.scope::<Admin>()?, &new)?;
    noted(context, "webhook.add", &made.url);
    Ok(reply::json(StatusCode::CREATED, &with_secret(&made)))
}

/// `GET /webhooks/{webhook}`
pub fn show(context: &Context<'_>) -> Answer {
    Ok(ok(&shown(&webhooks::webhook(&context.scope::<Admin>()?, id(context)?)?)))
}

/// `PATCH /webhooks/{webhook}`
pub fn change(context: &Context<'_>) -> Answer {
    let id = id(context)?;
    let fields = Fields::of(context.request, &["url", "events", "prefix", "active"])?;
    let listens = fields.flag("active")?.map(|active| if active { Listening::On } else { Listening::Off });
    let url = fields.text("url")?.map(|text| url(context, text)).transpose()?;
    let change = WebhookChange { url, events: events(&fields)?, prefix: prefix(&fields)?, listens };
    let changed = webhooks::change(&context.scope::<Admin>()?, id, &change)?;
    noted(context, "webhook.change", &changed.url);
    Ok(ok(&shown(&changed)))
}

/// `DELETE /webhooks/{webhook}`
pub fn remove(context: &Context<'_>) -> Answer {
    let id = id(context)?;
    Fields::of(context.request, &[])?;
    let removed = webhooks::remove(&context.scope::<Admin>()?, id)?;
    noted(context, "webhook.delete", &removed.url);
    Ok(ok(&json!({"deleted": true, "id": id})))
}

/// `POST /webhooks/{webhook}/rotate`
pub fn rotate(context: &Context<'_>) -> Answer {
    let id = id(context)?;
    Fields::of(context.request, &[])?;
    let changed = webhooks::rotate(&context.scope::<Admin>()?, id)?;
    noted(context, "webhook.rotate", &changed.url);
    Ok(ok(&with_secret(&changed)))
}

/// `POST /webhooks/{webhook}/ping`
pub fn ping(context: &Context<'_>) -> Answer {
    let id = id(context)?;
    Fields::of(context.request, &[])?;
    webhooks::ping(&context.scope::<Admin>()?, id)?;
    Ok(reply::json(StatusCode::ACCEPTED, &json!({"status": "owed"})))
}

/// `GET /webhooks/{webhook}/deliveries`
pub fn deliveries(context: &Context<'_>) -> Answer {
    let (scope, id) = (context.scope::<Admin>()?, id(context)?);
    let (webhook, found) = (webhooks::webhook(&scope, id)?, webhooks::deliveries(&scope, id, LISTED)?);
    Ok(ok(&json!({"deliveries": found.iter().map(|one| delivery(one, &webhook)).collect::<Vec<_>>()})))
}

/// `POST /webhooks/{webhook}/deliveries/{delivery}/redeliver`
pub fn redeliver(context: &Context<'_>) -> Answer {
    let id = id(context)?;
    let delivery = context.param("delivery").parse().map_err(|_| Error::not_found("there is no such message any more"))?;
    Fields::of(context.request, &[])?;
    webhooks::redeliver(&context.scope::<Admin>()?, id, delivery)?;
    Ok(reply::json(StatusCode::ACCEPTED, &json!({"status": "owed"})))
}

/// Whoever the token belongs to.
pub fn noted(context: &Context<'_>, action: &str, object: &str) {
    let actor = match &context.actor {
        Actor::Person(person) => person.email.as_str(),
        _ => "",
    };
    audit::note(context, actor, action, object, "ok");
}

fn id(context: &Context<'_>) -> Result<i64, Failure> {
    context.param("webhook").parse().map_err(|_| Error::not_found("there is no such webhook").hint("Webhooks have numbers.").into())
}

/// An address that may be asked, as far as that can be said without asking.
fn url(context: &Context<'_>, text: &str) -> Result<String, Failure> {
    context.app.hooks.judge(text).map_err(|error| Failure::from(error).with("field", "url"))?;
    Ok(text.to_string())
}

/// None: nothing is said of them.
fn events(fields: &Fields) -> Result<Option<Vec<HookEvent>>, Failure> {
    if !fields.has("events") {
        return Ok(None);
    }
    let known = || HookEvent::ALL.map(HookEvent::as_str).join(", ");
    let wrong = || fields.refuse("events", "names something that nobody is told", &format!("Send some of {}.", known()));
    let list = fields.list("events", HookEvent::ALL.len())?.iter();
    list.map(|word| word.as_str().and_then(HookEvent::parse).ok_or_else(wrong)).collect::<Result<_, _>>().map(Some)
}

/// None: nothing is said of it; an empty one is the whole wiki.
fn prefix(fields: &Fields) -> Result<Option<Option<PagePath>>, Failure> {
    Ok(match fields.text("prefix")? {
        None => None,
        Some("") => Some(None),
        Some(text) => Some(Some(parse_path("prefix", text)?)),
    })
}

fn when(seconds: i64) -> String {
    publish::rfc3339(Timestamp::utc(seconds))
}

fn shown(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id, "url": webhook.url, "events": webhook.events.iter().map(|event| event.as_str()).collect::<Vec<_>>(),
        "prefix": webhook.prefix.as_ref().map(ToString::to_string), "state": webhook.state.as_str(), "failures": webhook.failures,
        "created": when(webhook.created), "made_by": webhook.made_by,
    })
}

fn with_secret(webhook: &Webhook) -> Value {
    let mut shown = shown(webhook);
    shown["secret"] = webhook.secret.as_str().into();
    shown
}

fn delivery(delivery: &Delivery, webhook: &Webhook) -> Value {
    let last = delivery.last.as_ref();
    json!({
        "id": delivery.id, "message": delivery.message, "event": delivery.event, "revision": delivery.revision.map(|id| id.to_string()),
        "created": when(delivery.created), "attempts": delivery.attempts, "next": delivery.due.map(|due| when(due.max(webhook.resumes))), "last": last.map(|last| when(last.at)),
        "status": last.and_then(|last| last.status), "error": last.and_then(|last| last.error.as_deref()),
        "milliseconds": last.map(|last| last.took), "body": delivery.body,
    })
}
