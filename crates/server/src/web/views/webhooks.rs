//! Webhooks as administrators see them.

use askama::Template;
use holt_engine::publish::filters;

use super::{Choice, Field, Moment, Problem, Tab};

/// All webhooks, and a form for one more.
#[derive(Template)]
#[template(path = "webhooks.html")]
pub struct WebhooksView {
    /// Token of the session.
    pub csrf: String,
    /// The other screens.
    pub tabs: Vec<Tab>,
    /// In the order in which they were made.
    pub webhooks: Vec<WebhookRow>,
    /// Address of a new one.
    pub url: Field,
    /// Part of the wiki of a new one.
    pub prefix: Field,
    /// What a new one is told of.
    pub events: Vec<Choice>,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// A line of that list.
#[derive(Debug, Clone)]
pub struct WebhookRow {
    /// Names it.
    pub id: i64,
    /// Where messages go.
    pub url: String,
    /// Of what it is told, if not of everything.
    pub events: Vec<&'static str>,
    /// Of which part of the wiki, if not of all of it.
    pub prefix: Option<String>,
    /// How it stands, in words.
    pub state: &'static str,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub created: Moment,
}

/// One webhook: what it is told, and how that went.
#[derive(Template)]
#[template(path = "webhook.html")]
pub struct WebhookView {
    /// Token of the session.
    pub csrf: String,
    /// The other screens.
    pub tabs: Vec<Tab>,
    /// Names it.
    pub id: i64,
    /// How it stands, in words.
    pub state: &'static str,
    /// Whether it is told anything.
    pub listens: bool,
    /// Where messages go.
    pub url: Field,
    /// Part of the wiki.
    pub prefix: Field,
    /// What it is told of.
    pub events: Vec<Choice>,
    /// Its secret, right after it was made.
    pub secret: Option<String>,
    /// Newest first.
    pub deliveries: Vec<DeliveryRow>,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// A message.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// Names it.
    pub id: i64,
    /// Its id on the wire.
    pub message: String,
    /// What it is about.
    pub event: String,
    /// What is sent.
    pub body: String,
    /// When it was recorded.
    pub created: Moment,
    /// How often it was sent.
    pub attempts: u32,
    /// What came of it: a status, or why there is none.
    pub outcome: Option<String>,
    /// Milliseconds of the last attempt.
    pub took: i64,
    /// Whether it came through.
    pub arrived: bool,
    /// When it is sent again.
    pub next: Option<Moment>,
}

/// The repository elsewhere that the wiki is kept the same as.
#[derive(Template)]
#[template(path = "mirror.html")]
pub struct MirrorView {
    /// Token of the session.
    pub csrf: String,
    /// The other screens.
    pub tabs: Vec<Tab>,
    /// How it stands, if there is one.
    pub stand: Option<MirrorStand>,
    /// Where the repository is.
    pub url: Field,
    /// Which branch of it.
    pub branch: String,
    /// Who Holt is there.
    pub username: String,
    /// Minutes between two looks.
    pub minutes: String,
    /// Which way.
    pub directions: Vec<Choice>,
    /// Whether anything is done.
    pub active: bool,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// How it stands.
#[derive(Debug, Clone)]
pub struct MirrorStand {
    /// When all went well last.
    pub synced: Option<Moment>,
    /// When it was looked at last.
    pub tried: Option<Moment>,
    /// Why that failed.
    pub error: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Commits that the remote does not have yet.
    pub ahead: usize,
}
