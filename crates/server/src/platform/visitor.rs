//! Who asks the platform, and how pages are answered. There is no wiki in here.

use super::views::{BarView, FrameView, Notice, Place};
use crate::api::credentials::Identity;
use crate::app::App;
use crate::error::public_message;
use crate::reply::{Reply, with_cookie, with_header};
use crate::request::Request;
use crate::routes::Params;
use crate::session;
use askama::Template;
use holt_core::{Actor, Error, Language, Result};
use holt_edge::{LiveHead, LivePage, live_page};
use holt_engine::directory::{PlatformScope, PlatformToken, Rank, SessionRow, UserRecord, WikiRecord};
use holt_engine::publish::filters::draw;
use holt_fragments::{Frame, assets};
use http::{StatusCode, header};

/// Longest token that is looked up, in bytes.
const TOKEN_BYTES: usize = 128;

/// A request to the platform with everything that was found out about it.
pub struct Visitor<'a> {
    /// The server.
    pub app: &'a App,
    /// What was asked.
    pub request: &'a Request,
    /// By whom, if by somebody.
    pub user: Option<UserRecord>,
    /// How they are known.
    pub via: Via,
    /// Their session, with its token.
    pub session: Option<(SessionRow, String)>,
    /// The holes of the route.
    pub params: Params,
}

/// How somebody is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// Not at all, or by a session.
    Browser,
    /// By a token of theirs.
    Token(Program),
}

/// A program that looks after somebody's wikis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(PlatformToken);

impl Program {
    /// Whether it may change anything.
    pub fn manages(&self) -> bool {
        self.0.scope == PlatformScope::Manage
    }
}

impl<'a> Visitor<'a> {
    /// Somebody of whom nothing is known.
    pub fn nobody(app: &'a App, request: &'a Request) -> Self {
        Self { app, request, user: None, via: Via::Browser, session: None, params: Params::new() }
    }
    /// Whoever sends these headers. With a bearer token cookies count for nothing.
    pub fn of(app: &'a App, request: &'a Request) -> Result<Self> {
        let nobody = Self::nobody(app, request);
        let mut sent = request.headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = sent.next() else {
            let session = session::current(app, request, None)?;
            let user = session.as_ref().map(|(session, _)| session.user.clone());
            return Ok(Self { user, session, ..nobody });
        };
        let refused = |message| Error::unauthenticated(message).hint("Make a token on your account's page.");
        let token = match value.to_str().unwrap_or_default().split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && sent.next().is_none() => token.trim(),
            _ => return Err(refused("the Authorization header is not one bearer token")),
        };
        let directory = app.engine.directory();
        let known = if token.len() <= TOKEN_BYTES { directory.platform_token(token, app.engine.clock().now())? } else { None };
        let known = known.ok_or_else(|| refused("the token is unknown, expired or revoked"))?;
        let user = directory.user(known.user)?.ok_or_else(|| refused("the token is unknown, expired or revoked"))?;
        Ok(Self { user: Some(user), via: Via::Token(Program(known)), ..nobody })
    }
    /// Whoever is logged in.
    pub fn person(&self) -> Result<&UserRecord> {
        self.user.as_ref().ok_or_else(|| Error::unauthenticated("log in first"))
    }
    /// The same as somebody who acts in wikis.
    pub fn actor(&self) -> Result<Actor> {
        Ok(Actor::Person(self.person()?.person()))
    }
    /// Whether whoever asks administers the whole installation.
    pub fn is_operator(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.rank == Rank::Operator)
    }
    /// Whom limits are counted by.
    pub fn identity(&self) -> Identity {
        match (&self.via, &self.user) {
            (Via::Token(Program(token)), _) => Identity::PlatformToken(token.id),
            (Via::Browser, _) => Identity::of(self.session.as_ref().map(|(session, _)| session), self.request.peer),
        }
    }
    /// A hole of the route; empty if it has none of that name.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value.as_str())
    }
    /// Unix seconds.
    pub fn now(&self) -> i64 {
        self.app.engine.clock().now()
    }
    /// The platform's domain.
    pub fn domain(&self) -> &str {
        self.app.edge.hosts.domain.as_deref().unwrap_or("localhost")
    }
    /// The port of the address that was asked, with its colon, if it has one: wikis have the same.
    pub fn port(&self) -> &str {
        port(self.request)
    }
    /// Scheme and host of a wiki, by its slug: programs find it there whatever its address is.
    pub fn wiki_origin(&self, slug: &str) -> String {
        self.origin_at(&format!("{slug}.{}", self.domain()))
    }
    /// Scheme and host of a wiki at a name of its own.
    pub fn origin_at(&self, name: &str) -> String {
        format!("{}://{name}{}", self.request.scheme.as_str(), self.port())
    }
    /// Scheme and host of a wiki's address, as its owner chose it.
    pub fn wiki_home(&self, record: &WikiRecord) -> Result<String> {
        let main = self.app.engine.directory().main_domain(record.id)?;
        Ok(main.map_or_else(|| self.wiki_origin(record.slug.as_str()), |main| self.origin_at(main.as_str())))
    }
    /// What the reader's browser asks for, of what we speak: pages of the platform are made for each reader, those of wikis are not.
    pub fn language(&self) -> Language {
        let asked = self.request.header(header::ACCEPT_LANGUAGE).unwrap_or_default();
        let mut tags = asked.split(',').map(|tag| tag.split(';').next().unwrap_or_default());
        tags.find_map(Language::of_code).unwrap_or_default()
    }
    /// A text of ours in the reader's language.
    pub fn say(&self, english: &str) -> String {
        self.language().say(english).into_owned()
    }
    /// A page whose view needs the form token.
    pub fn form<V: Template>(&self, status: StatusCode, title: &str, view: impl FnOnce(String) -> V) -> Result<Reply> {
        self.form_towards(None, status, title, view)
    }
    /// The same for a form that may lead to `origin`, a name of a wiki's own.
    pub fn form_towards<V: Template>(
        &self,
        origin: Option<&str>,
        status: StatusCode,
        title: &str,
        view: impl FnOnce(String) -> V,
    ) -> Result<Reply> {
        let (token, cookie) = session::form_token(self.app, &self.request.headers, self.session.as_ref().map(|(session, _)| session))?;
        let reply = self.draw(origin, status, title, &view(token.clone()), token)?;
        Ok(cookie.iter().fold(reply, |reply, cookie| with_cookie(reply, cookie)))
    }
    /// A page. Its title is a text of ours.
    fn draw(&self, towards: Option<&str>, status: StatusCode, title: &str, view: &impl Template, csrf: String) -> Result<Reply> {
        let language = self.language();
        let title = format!("{} – {}", self.say(title), self.domain());
        let bar = BarView {
            csrf,
            name: self.user.as_ref().filter(|_| self.session.is_some()).map(|user| user.name.clone()),
            places: self.places(),
        };
        let page =
            LivePage { status, head: LiveHead { title }, main: draw(view, language)?, crumbs: Some(draw(&bar, language)?), aside: None };
        let reply = live_page(self.frame()?, page, &self.request.headers);
        // Forms here may lead into a wiki.
        let mut wikis = format!("{}://*.{}{}", self.request.scheme.as_str(), self.domain(), self.port());
        if let Some(origin) = towards {
            wikis.push(' ');
            wikis.push_str(origin);
        }
        let policy = reply.headers().get(header::CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok()).unwrap_or_default();
        let policy = policy.replace("form-action 'self'", &format!("form-action 'self' {wikis}"));
        Ok(with_header(reply, header::CONTENT_SECURITY_POLICY, &policy))
    }
    fn places(&self) -> Vec<Place> {
        if self.session.is_none() {
            return Vec::new();
        }
        let mut places = vec![("My wikis", "/app"), ("Account", "/app/account")];
        if self.is_operator() {
            places.extend([
                ("All wikis", "/app/admin"),
                ("People", "/app/admin/people"),
                ("Background work", "/app/admin/workers"),
                ("Log", "/app/admin/log"),
            ]);
        }
        let here = self.request.path.trim_end_matches('/');
        places.into_iter().map(|(label, url)| Place { label, url, current: here == url }).collect()
    }
    fn frame(&self) -> Result<&'a Frame> {
        let language = self.language();
        let at = Language::ALL.iter().position(|known| *known == language).unwrap_or_default();
        let made = &self.app.platform.frames[at];
        if let Some(frame) = made.get() {
            return Ok(frame);
        }
        let view = FrameView {
            name: self.domain().to_string(),
            lang: language.code(),
            css_url: assets::url("style.css"),
            icon_url: assets::url("icon.svg"),
        };
        let frame = Frame::parse(draw(&view, language)?.as_str())?;
        Ok(made.get_or_init(|| frame))
    }
    /// An error as a page.
    pub fn error_page(&self, status: StatusCode, error: &Error) -> Result<Reply> {
        let internal = status == StatusCode::INTERNAL_SERVER_ERROR;
        self.form(status, "Error", |_| super::views::ErrorView {
            status: status.as_u16(),
            message: public_message(error),
            hint: error.hint.clone().filter(|_| !internal),
            request_id: internal.then(|| self.request.id.clone()),
        })
    }
    /// An error above a form.
    pub fn notice(error: &Error) -> Notice {
        Notice { message: format!("{}.", public_message(error)), hint: error.hint.clone() }
    }
}

/// See [`Visitor::port`].
pub fn port(request: &Request) -> &str {
    let host = request.host();
    host.rfind(':').map_or("", |at| &host[at..])
}
