//! Live pages: what is not published. Handlers are plain functions from a [`Context`] to a reply.

pub mod activity;
pub mod admin;
pub mod agent_policy;
mod agent_setup;
pub mod api_guide;
pub mod arrival;
pub mod audit;
pub mod browse;
pub mod care;
pub mod comments;
pub mod connected;
pub mod consent;
pub mod edit;
pub mod elsewhere;
pub mod feeds;
pub mod file_type;
pub mod files;
pub mod guide;
pub mod history;
pub mod inbox;
pub mod invitations;
mod layout;
pub mod letters;
pub mod links;
pub mod llms;
pub mod mail_settings;
pub mod me;
pub mod page;
pub mod passkeys;
pub mod path_rules;
pub mod people;
pub mod preferences;
pub mod repository;
pub mod review;
pub mod security_check;
pub mod sessions;
pub mod site;
pub mod tokens;
pub mod undo;
pub mod unsubscribe;
pub mod users;
mod views;
pub mod workers;

use crate::api::credentials::Identity;
use crate::app::App;
use crate::door::Door;
use crate::error::public_message;
use crate::reply::{Reply, json, text, with_cookie};
use crate::request::Request;
use crate::routes::Params;
use crate::session;
use askama::Template;
use holt_core::{Action, Actor, AttachmentName, Error, OpId, PagePath, Result, RevisionId, RevisionPrefix, SafeHtml, Timestamp};
use holt_edge::{LiveHead, LivePage, live_page};
use holt_engine::db::preferences::Preferences;
use holt_engine::directory::SessionRow;
use holt_engine::scope::Permission;
use holt_engine::{Read, Scope, Wiki, pages, publish};
use http::{Response, StatusCode};
use std::sync::Arc;
use views::{Moment, PageRef, Problem};

/// A request with everything that was found out about it.
pub struct Context<'a> {
    /// The server.
    pub app: &'a App,
    /// What was asked.
    pub request: &'a Request,
    /// Of which wiki.
    pub wiki: &'a Wiki,
    /// By whom.
    pub actor: Actor,
    /// In which session, with its token.
    pub session: Option<(SessionRow, String)>,
    /// The holes of the route.
    pub params: Params,
    /// Whom limits and repeated requests are counted by.
    pub identity: Identity,
    /// The door they came through.
    pub door: Door,
    /// What the commit of this request is called, so that it is made once however often it is asked for.
    pub operation: Option<OpId>,
}

impl Context<'_> {
    /// The right to do something, or the refusal.
    pub fn scope<P: Permission>(&self) -> Result<Scope<'_, P>> {
        Ok(self.wiki.grant(&self.actor)?.for_operation(self.operation.as_ref()))
    }
    /// A hole of the route; empty if it has none of that name.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value.as_str())
    }
    /// The page of the address.
    pub fn page_path(&self) -> Result<PagePath> {
        PagePath::parse(self.param("page"))
    }
    /// The file of the address.
    pub fn file_name(&self) -> Result<AttachmentName> {
        AttachmentName::parse(self.param("file"))
    }
    /// The page of the address under its stored spelling, which must exist.
    pub fn existing(&self) -> Result<PagePath> {
        let path = self.page_path()?;
        match pages::find(&self.scope::<Read>()?, &path)? {
            pages::Found::Page(path) | pages::Found::Directory(path) | pages::Found::Alias(path) => Ok(path),
            // A page that is called otherwise now; for a file there is nothing to do here.
            pages::Found::Moved(path) if path.key() != self.page_path()?.key() => Ok(path),
            _ => Err(Error::not_found(format!("there is no page {path}"))),
        }
    }
    /// A revision that a person typed.
    pub fn revision(&self, text: &str) -> Result<RevisionId> {
        pages::resolve(&self.scope::<Read>()?, &RevisionPrefix::parse(text)?)
    }
    /// The same where `HEAD` is taken for the newest: commits, comparisons, reverts (spec/wiki.md §4.2).
    pub fn revision_or_head(&self, text: &str) -> Result<RevisionId> {
        if text != "HEAD" {
            return self.revision(text);
        }
        let head = pages::now_mark(&self.scope::<Read>()?)?.revision;
        head.ok_or_else(|| Error::not_found("there is no revision yet"))
    }
    /// Whether whoever asks administers the whole installation.
    pub fn is_operator(&self) -> bool {
        matches!(&self.actor, Actor::Person(person) if person.operator)
    }
    /// The mail address of whoever is logged in; empty without a session.
    pub fn own_address(&self) -> &str {
        self.session.as_ref().map_or("", |(session, _)| session.user.email.as_str())
    }
    /// Unix seconds.
    pub fn now(&self) -> i64 {
        self.app.engine.clock().now()
    }
    /// The wiki's preferences.
    pub fn preferences(&self) -> Result<Arc<Preferences>> {
        self.wiki.preferences()
    }
    /// The token for forms; a new one comes with a cookie that [`Context::page`] sets.
    fn token(&self) -> Result<(String, Option<String>)> {
        session::form_token(self.app, &self.request.headers, self.session.as_ref().map(|(session, _)| session))
    }
    /// A live page whose view needs the form token. Its title is a text of ours.
    pub fn form<V: Template>(&self, status: StatusCode, title: &str, view: impl FnOnce(String) -> V) -> Result<Reply> {
        self.form_called(status, &self.say(title)?, view)
    }
    /// The same, with a title that somebody gave.
    pub fn form_called<V: Template>(&self, status: StatusCode, title: &str, view: impl FnOnce(String) -> V) -> Result<Reply> {
        let (token, cookie) = self.token()?;
        let reply = self.slots(status, title, self.draw(&view(token))?, None, None)?;
        Ok(match cookie {
            Some(cookie) => with_cookie(reply, &cookie),
            None => reply,
        })
    }
    /// A live page. Its title is a text of ours.
    pub fn page(&self, status: StatusCode, title: &str, view: &impl Template) -> Result<Reply> {
        self.slots(status, &self.say(title)?, self.draw(view)?, None, None)
    }
    /// A template in the wiki's language.
    pub fn draw(&self, view: &impl Template) -> Result<SafeHtml> {
        publish::filters::draw(view, self.preferences()?.language)
    }
    /// A text of ours in the wiki's language, where no template says it.
    pub fn say(&self, english: &str) -> Result<String> {
        Ok(self.preferences()?.language.say(english).into_owned())
    }
    /// A key with what stands in its holes, in the wiki's language: what is stored, as the message of a commit is.
    pub fn say_with(&self, key: &str, values: &[&str]) -> Result<String> {
        Ok(self.preferences()?.language.say_with(key, values))
    }
    /// A live page with crumbs and aside of its own. Its title is said already.
    pub fn slots(
        &self,
        status: StatusCode,
        title: &str,
        main: SafeHtml,
        crumbs: Option<SafeHtml>,
        aside: Option<SafeHtml>,
    ) -> Result<Reply> {
        let title = format!("{title} – {}", self.preferences()?.site_name);
        let page = LivePage { status, head: LiveHead { title }, main, crumbs, aside };
        // The page tree is not for those who may not read.
        if !self.wiki.may(&self.actor, Action::Read)? {
            return Ok(live_page(&publish::bare_frame(&*self.preferences()?)?, page, &self.request.headers));
        }
        let fragments = self.app.engine.fragments();
        let mut shared = fragments.wiki(self.wiki.id())?;
        if shared.is_none() {
            // Nothing of this wiki is published: after a loss of the fragments, say.
            holt_engine::sync::catch_up(self.wiki)?;
            shared = fragments.wiki(self.wiki.id())?;
        }
        let shared = shared.ok_or_else(|| Error::internal("the wiki has no manifest"))?;
        let frame = fragments
            .frame(self.wiki.id(), &shared.frame)?
            .ok_or_else(|| Error::internal("the wiki has no frame").hint("Run `holt reindex`."))?;
        Ok(live_page(&frame, page, &self.request.headers))
    }
    /// Where a page is read: `/` for the home page.
    pub fn page_url(&self, path: &PagePath) -> Result<String> {
        let is_home = publish::home_key(&*self.preferences()?) == Some(path.key());
        Ok(if is_home { "/".to_string() } else { path.url() })
    }
    /// A page as the pages about it name it.
    pub fn page_ref(&self, path: &PagePath) -> Result<PageRef> {
        let preferences = self.preferences()?;
        let url = self.page_url(path)?;
        let title = pages::title(&self.scope::<Read>()?, path)?;
        Ok(PageRef { title: preferences.display_name(path, title.as_deref()), url, verbs: path.url() })
    }
    /// Scheme and host under which the reader came, for the few documents that need whole addresses.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.request.scheme.as_str(), self.request.host())
    }
    /// A JSON answer.
    pub fn json(&self, value: &serde_json::Value) -> Reply {
        json(StatusCode::OK, value)
    }
    /// Says who changed what, once it is durable.
    pub fn changed(&self, what: &str, path: &str, revision: RevisionId) {
        let actor = match &self.actor {
            Actor::Person(person) => person.id.0,
            _ => 0,
        };
        tracing::info!(wiki.id = %self.wiki.id(), page.path = path, actor.id = actor, revision = %revision, "{what}");
    }
}

/// A time as pages show it.
pub fn moment(time: Timestamp) -> Moment {
    Moment { iso: publish::rfc3339(time), text: publish::date(time) }
}

/// A time as lists show it that are about minutes, not days.
pub fn minute(seconds: i64) -> Moment {
    let iso = publish::rfc3339(Timestamp::utc(seconds));
    let text = format!("{} UTC", iso.get(..16).unwrap_or_default().replace('T', " "));
    Moment { iso, text }
}

/// An error as a form shows it above its fields.
pub fn problem(error: &Error) -> Problem {
    Problem { message: format!("{}.", public_message(error)), hint: error.hint.clone() }
}

/// An error as a page in the wiki's frame; in plain text if even that fails.
pub fn error_page(context: &Context<'_>, status: StatusCode, error: &Error) -> Reply {
    let internal = status == StatusCode::INTERNAL_SERVER_ERROR;
    if context.request.header("accept").is_some_and(|accept| accept.starts_with("application/json")) {
        // Our own scripts ask, and show it to people.
        let language = context.preferences().map(|preferences| preferences.language).unwrap_or_default();
        let (said, hint) =
            (language.say(&public_message(error)).into_owned(), error.hint.as_deref().map(|hint| language.say(hint).into_owned()));
        return json(status, &serde_json::json!({"error": said, "hint": hint, "request": context.request.id}));
    }
    let view = views::ErrorView {
        status: status.as_u16(),
        message: public_message(error),
        hint: error.hint.clone().filter(|_| !internal),
        request_id: internal.then(|| context.request.id.clone()),
    };
    let page = context.page(status, "Error", &view);
    page.unwrap_or_else(|_| text(status, format!("{}.\nRequest {}.\n", public_message(error), context.request.id)))
}

/// A redirect to a page.
pub fn to_page(path: &PagePath) -> Response<holt_edge::Body> {
    crate::reply::see_other(&path.url())
}

/// Where the screens for administrators are, for the test of the routes.
#[cfg(test)]
pub fn administration() -> Vec<&'static str> {
    views::tabs("").into_iter().map(|tab| tab.url).collect()
}
