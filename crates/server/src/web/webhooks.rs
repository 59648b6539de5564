//! `/-/admin/webhooks`: whom the wiki tells what happens, with how it went (docs/webhooks.md). A secret is shown by the answer that makes it.

use super::views::{Choice, DeliveryRow, Field, Problem, WebhookRow, WebhookView, WebhooksView, tabs};
use super::{Context, audit, minute, problem};
use crate::reply::{Reply, see_other};
use holt_core::{Error, ErrorKind, PagePath, Result};
use holt_engine::Admin;
use holt_engine::pages::webhooks::{self, Delivery, HookEvent, HookState, Listening, NewWebhook, Webhook, WebhookChange};
use http::StatusCode;

const PATH: &str = "/-/admin/webhooks";
/// Most messages of one webhook that are shown.
const SHOWN: usize = 100;

const EVENTS: [(HookEvent, &str); 10] = [
    (HookEvent::PageCreated, "New pages"),
    (HookEvent::PageUpdated, "Changed pages"),
    (HookEvent::PageRenamed, "Renamed pages"),
    (HookEvent::PageDeleted, "Deleted pages"),
    (HookEvent::AttachmentCreated, "New files"),
    (HookEvent::AttachmentUpdated, "Changed files"),
    (HookEvent::AttachmentRenamed, "Renamed files"),
    (HookEvent::AttachmentDeleted, "Deleted files"),
    (HookEvent::CommentCreated, "Comments"),
    (HookEvent::ProposalOpened, "Proposals"),
];

/// What the screens show besides what is stored.
#[derive(Default)]
struct Page {
    secret: Option<String>,
    notice: Option<String>,
    problem: Option<Problem>,
    url_error: Option<String>,
    prefix_error: Option<String>,
}

impl Page {
    fn failed(&self) -> bool {
        self.problem.is_some() || self.url_error.is_some() || self.prefix_error.is_some()
    }
}

/// `GET /-/admin/webhooks`
pub fn list(context: &Context<'_>) -> Result<Reply> {
    let notice = context.request.query("saved").map(|_| "Deleted.".to_string());
    show_all(context, StatusCode::OK, &Page { notice, ..Page::default() })
}

/// `POST /-/admin/webhooks`
pub fn add(context: &Context<'_>) -> Result<Reply> {
    let (url, prefix) = match checked(context) {
        Ok(checked) => checked,
        Err(page) => return show_all(context, StatusCode::UNPROCESSABLE_ENTITY, &page),
    };
    let made = chosen(context).and_then(|events| webhooks::add(&context.scope::<Admin>()?, &NewWebhook { url, events, prefix }));
    match made {
        Ok(made) => {
            audit::done(context, "webhook.add", &made.url);
            show_one(context, StatusCode::OK, &made, &Page { secret: Some(made.secret.clone()), ..Page::default() })
        }
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => show_all(context, crate::error::status(&error), &Page { problem: Some(problem(&error)), ..Page::default() }),
    }
}

/// `GET /-/admin/webhooks/{webhook}`
pub fn show(context: &Context<'_>) -> Result<Reply> {
    let webhook = found(context)?;
    let notice = match context.request.query("saved").as_deref() {
        Some("sent") => Some("It is on its way."),
        Some(_) => Some("Saved."),
        None => None,
    };
    show_one(context, StatusCode::OK, &webhook, &Page { notice: notice.map(str::to_string), ..Page::default() })
}

/// `POST /-/admin/webhooks/{webhook}`: what `do` says, or a message again (`redeliver`).
pub fn change(context: &Context<'_>) -> Result<Reply> {
    let webhook = found(context)?;
    match act(context, &webhook) {
        Err(error) if error.kind != ErrorKind::Internal => {
            let page = Page { problem: Some(problem(&error)), ..Page::default() };
            show_one(context, crate::error::status(&error), &webhook, &page)
        }
        done => done,
    }
}

fn act(context: &Context<'_>, webhook: &Webhook) -> Result<Reply> {
    let (scope, form, id) = (context.scope::<Admin>()?, &context.request.body, webhook.id);
    let back = |said: &str| see_other(&format!("{PATH}/{id}?saved={said}"));
    if let Some(delivery) = form.find("redeliver") {
        let delivery = delivery.parse().map_err(|_| Error::not_found("there is no such message any more"))?;
        webhooks::redeliver(&scope, id, delivery)?;
        return Ok(back("sent"));
    }
    let switch = |listens| {
        webhooks::change(&scope, id, &WebhookChange { listens: Some(listens), ..WebhookChange::default() })?;
        audit::done(context, "webhook.change", &webhook.url);
        Ok(back("1"))
    };
    match form.get("do") {
        "save" => {
            let (url, prefix) = match checked(context) {
                Ok(checked) => checked,
                Err(page) => return show_one(context, StatusCode::UNPROCESSABLE_ENTITY, webhook, &page),
            };
            let change = WebhookChange { url: Some(url), events: Some(chosen(context)?), prefix: Some(prefix), listens: None };
            let changed = webhooks::change(&scope, id, &change)?;
            audit::done(context, "webhook.change", &changed.url);
            Ok(back("1"))
        }
        "on" => switch(Listening::On),
        "off" => switch(Listening::Off),
        "ping" => {
            webhooks::ping(&scope, id)?;
            Ok(back("sent"))
        }
        "rotate" => {
            let changed = webhooks::rotate(&scope, id)?;
            audit::done(context, "webhook.rotate", &changed.url);
            show_one(context, StatusCode::OK, &changed, &Page { secret: Some(changed.secret.clone()), ..Page::default() })
        }
        "delete" => {
            webhooks::remove(&scope, id)?;
            audit::done(context, "webhook.delete", &webhook.url);
            Ok(see_other(&format!("{PATH}?saved=1")))
        }
        _ => Err(Error::invalid("there is no such choice").hint("Choose one of the list.")),
    }
}

fn found(context: &Context<'_>) -> Result<Webhook> {
    let id = context.param("webhook").parse().map_err(|_| Error::not_found("there is no such webhook"))?;
    webhooks::webhook(&context.scope::<Admin>()?, id)
}

/// Address and part of the wiki as they were typed, or what is wrong with them.
fn checked(context: &Context<'_>) -> std::result::Result<(String, Option<PagePath>), Box<Page>> {
    let form = &context.request.body;
    let (url, prefix) = (form.get("url").trim(), form.get("prefix").trim().trim_matches('/'));
    let said = |error: &Error| Some(problem(error).sentence());
    context.app.hooks.judge(url).map_err(|error| Box::new(Page { url_error: said(&error), ..Page::default() }))?;
    let prefix = match prefix {
        "" => None,
        text => Some(PagePath::parse(text).map_err(|error| Box::new(Page { prefix_error: said(&error), ..Page::default() }))?),
    };
    Ok((url.to_string(), prefix))
}

fn chosen(context: &Context<'_>) -> Result<Vec<HookEvent>> {
    let nothing = || Error::invalid("nothing is chosen").hint("Choose at least one thing that is told.");
    let events: Vec<HookEvent> = context.request.body.all("events").filter_map(HookEvent::parse).collect();
    if events.is_empty() { Err(nothing()) } else { Ok(events) }
}

fn choices(context: &Context<'_>, page: &Page, stored: &[HookEvent]) -> Vec<Choice> {
    let typed: Vec<&str> = context.request.body.all("events").collect();
    let is_chosen = |event: &HookEvent| if page.failed() { typed.contains(&event.as_str()) } else { stored.contains(event) };
    let choice = |(event, label): &(HookEvent, &str)| Choice {
        value: event.as_str().to_string(),
        label: (*label).to_string(),
        chosen: is_chosen(event),
    };
    EVENTS.iter().map(choice).collect()
}

fn state(state: HookState) -> &'static str {
    match state {
        HookState::On => "On",
        HookState::Failing => "Failing: a message was given up",
        HookState::Off => "Off",
        HookState::Gone => "Off: its server wants nothing any more",
        HookState::Broken => "Off: nothing came through for too long",
    }
}

fn show_all(context: &Context<'_>, status: StatusCode, page: &Page) -> Result<Reply> {
    let all = webhooks::list(&context.scope::<Admin>()?)?;
    let typed = |name: &str| context.request.body.find(name).filter(|_| page.failed()).unwrap_or_default().to_string();
    let row = |webhook: &Webhook| WebhookRow {
        id: webhook.id,
        url: webhook.url.clone(),
        events: match webhook.events.len() {
            all if all == EVENTS.len() => Vec::new(),
            _ => EVENTS.iter().filter(|(event, _)| webhook.events.contains(event)).map(|(_, label)| *label).collect(),
        },
        prefix: webhook.prefix.as_ref().map(ToString::to_string),
        state: state(webhook.state),
        made_by: webhook.made_by.clone(),
        created: minute(webhook.created),
    };
    let view = |csrf| WebhooksView {
        csrf,
        tabs: tabs(PATH),
        webhooks: all.iter().map(row).collect(),
        url: Field { value: typed("url"), error: page.url_error.clone() },
        prefix: Field { value: typed("prefix"), error: page.prefix_error.clone() },
        events: choices(context, page, &HookEvent::ALL),
        problem: page.problem.clone(),
        notice: page.notice.clone(),
    };
    context.form(status, "Webhooks", view)
}

fn show_one(context: &Context<'_>, status: StatusCode, webhook: &Webhook, page: &Page) -> Result<Reply> {
    let deliveries = webhooks::deliveries(&context.scope::<Admin>()?, webhook.id, SHOWN)?;
    let typed = |name: &str, stored: &str| context.request.body.find(name).filter(|_| page.failed()).unwrap_or(stored).to_string();
    let prefix = webhook.prefix.as_ref().map(ToString::to_string).unwrap_or_default();
    let view = |csrf| WebhookView {
        csrf,
        tabs: tabs(PATH),
        id: webhook.id,
        state: state(webhook.state),
        listens: webhook.state.listens(),
        url: Field { value: typed("url", &webhook.url), error: page.url_error.clone() },
        prefix: Field { value: typed("prefix", &prefix), error: page.prefix_error.clone() },
        events: choices(context, page, &webhook.events),
        secret: page.secret.clone(),
        deliveries: deliveries.iter().map(|delivery| row(delivery, webhook.resumes)).collect(),
        problem: page.problem.clone(),
        notice: page.notice.clone(),
    };
    context.form(status, "Webhook", view)
}

fn row(delivery: &Delivery, resumes: i64) -> DeliveryRow {
    let last = delivery.last.as_ref();
    let outcome = last.map(|last| match (last.status, &last.error) {
        (Some(status), _) => status.to_string(),
        (None, error) => error.clone().unwrap_or_default(),
    });
    DeliveryRow {
        id: delivery.id,
        message: delivery.message.clone(),
        event: delivery.event.clone(),
        body: delivery.body.clone(),
        created: minute(delivery.created),
        attempts: delivery.attempts,
        outcome,
        took: last.map_or(0, |last| last.took),
        arrived: last.is_some_and(|last| matches!(last.status, Some(200..=299))),
        next: delivery.due.map(|due| minute(due.max(resumes))),
    }
}
