//! What Holt writes to people by mail, and where the links in it lead.
//!
//! Links are built from the configuration (security.md HDR-4): whoever asks for mail to somebody else must not choose where its secret goes.
//! What strangers typed about themselves stands in letters to administrators only.

use super::Context;
use crate::app::{App, CookieSecurity};
use crate::domains;
use crate::mail::{Letter, MailServer};
use holt_core::{Error, Language, Result, WikiId};
use holt_engine::db::wiki_db::Member;
use holt_engine::directory::{Token, UserRecord};
use http::uri::Authority;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long a test may take.
const TEST: Duration = Duration::from_secs(10);
/// Most administrators that are told of a registration.
const ADMINISTRATORS: usize = 10;

/// Writes letters in the name of a wiki.
pub struct Writer<'c> {
    context: &'c Context<'c>,
    server: MailServer,
    site: String,
    origin: String,
    language: Language,
}

/// What is said to everybody where no mail server is named.
pub const NO_SERVER: &str = "Ask an administrator of the wiki.";

impl<'c> Writer<'c> {
    /// An error if this wiki cannot send mail: it says why.
    pub fn new(context: &'c Context<'c>) -> Result<Self> {
        let preferences = context.preferences()?;
        let server = MailServer::of_wiki(&preferences)?.or_else(|| context.app.mail_server.clone());
        let server = server.ok_or_else(|| Error::invalid("this wiki sends no mail").hint(NO_SERVER))?;
        let asked = context.request.host().parse::<Authority>().ok().and_then(|host| host.port_u16());
        let origin = origin(context, &context.app.link_port(asked))?.ok_or_else(|| {
            Error::invalid("this wiki sends no mail to readers who reach it by a number")
                .hint("An operator has to start the server with --domain, so that links in mail lead to a name.")
        })?;
        let site = preferences.site_name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Ok(Self { context, server, site, origin, language: preferences.language })
    }
    /// A letter in the wiki's language: its subject is a text of ours, its text is said already.
    fn letter(&self, to: &str, subject: &str, text: &str) -> Letter {
        let (site, origin, subject) = (&self.site, &self.origin, self.language.say(subject));
        let text = format!("{text}\n\n-- \n{site}\n{origin}/\n");
        Letter { to: to.to_string(), subject: format!("{subject} - {site}"), text, ..Letter::default() }
    }
    fn post(&self, to: &str, subject: &str, text: &str) -> Result<()> {
        let letter = self.letter(to, subject, text);
        self.context.app.outbox.post(self.context.wiki.id(), self.server.clone(), letter)
    }
    /// Asks whether somebody reads mail sent to the address of their account.
    pub fn confirm(&self, to: &str, token: &Token) -> Result<()> {
        let (site, link) = (&self.site, format!("{}/-/confirm_email/{}", self.origin, token.expose()));
        let text = self.language.say_with(
            "Hello,\n\nsomebody, most likely you, has an account at {} with this address.\nOpen this link to confirm that the address is yours:\n\n{}\n\nThe link works for a day. If it was not you, do nothing.",
            &[site, &link],
        );
        self.post(to, "Confirm your address", &text)
    }
    /// Lets somebody choose a new password.
    pub fn new_password(&self, to: &str, token: &Token) -> Result<()> {
        let (site, link) = (&self.site, format!("{}/-/recover_password/{}", self.origin, token.expose()));
        let text = self.language.say_with(
            "Hello,\n\nsomebody, most likely you, forgot the password of your account at {}.\nOpen this link to choose a new one:\n\n{}\n\nThe link works once, and for a day. If it was not you, do nothing: your password stays.",
            &[site, &link],
        );
        self.post(to, "Choose a new password", &text)
    }
    /// Invites somebody.
    pub fn invite(&self, to: &str, by: &str, token: &Token) -> Result<()> {
        let (site, link) = (&self.site, format!("{}/-/invite/{}", self.origin, token.expose()));
        let text = self.language.say_with(
            "Hello,\n\n{} invites you to {}.\nOpen this link to join:\n\n{}\n\nThe link works once, and for a week. If you do not want to join, do nothing.",
            &[by, site, &link],
        );
        self.post(to, "You are invited", &text)
    }
    /// Where an invitation leads that is passed on by other means than mail.
    pub fn origin(context: &Context<'_>) -> Result<String> {
        let host = context.request.host();
        let port = host.parse::<Authority>().ok().and_then(|host| host.port_u16()).map(|port| format!(":{port}")).unwrap_or_default();
        Ok(origin(context, &port)?.unwrap_or_else(|| context.origin()))
    }
    /// Says that an administrator accepted somebody.
    pub fn approved(&self, to: &str) -> Result<()> {
        let key = "Hello,\n\nyour account at {} has been approved. Log in here:\n\n{}";
        let text = self.language.say_with(key, &[&self.site, &format!("{}/-/login", self.origin)]);
        self.post(to, "Your account is approved", &text)
    }
    /// Tells an administrator about somebody new.
    fn registered(&self, to: &str, user: &UserRecord, member: Option<Member>) -> Result<()> {
        let state = if member.is_some_and(|member| member.flags.approved) { "They are approved." } else { "They wait for your approval." };
        let members = format!("{}/-/admin/user_management", self.origin);
        let text = self.language.say_with(
            "Hello,\n\n{} <{}> has registered at {}. {}\nAll members:\n\n{}",
            &[&user.name, &user.email, &self.site, &self.language.say(state), &members],
        );
        self.post(to, "Somebody registered", &text)
    }
    /// Tries whether mail arrives; waits for the mail server.
    pub fn test(&self, to: &str) -> Result<()> {
        let text = self.language.say_with("Hello,\n\nthis is the test mail that you asked for. {} can send mail.", &[&self.site]);
        self.context.app.outbox.try_now(self.server.clone(), self.letter(to, "Test mail", &text), TEST)
    }
}

/// Whether this wiki can send mail to whoever asks now.
pub fn work(context: &Context<'_>) -> bool {
    Writer::new(context).is_ok()
}

/// Notes that a letter was not even posted. Whoever asked goes on without it.
pub fn or_log(context: &Context<'_>, posted: Result<()>) {
    if let Err(error) = posted {
        tracing::warn!(wiki.id = %context.wiki.id(), "a mail was not sent: {}", error.chain());
    }
}

/// Tells the administrators that `user` registered here, if they want to know.
pub fn tell_administrators(context: &Context<'_>, user: &UserRecord) -> Result<()> {
    if !context.preferences()?.is_on("NOTIFY_ADMINS_ON_REGISTER") {
        return Ok(());
    }
    let directory = context.app.engine.directory();
    let mut to = Vec::new();
    for member in context.wiki.administrators()? {
        to.extend(directory.user(member)?);
    }
    if to.is_empty() {
        to = directory.operators()?;
    }
    let member = context.wiki.member(user.id)?;
    let writer = match Writer::new(context) {
        Ok(writer) => writer,
        Err(error) => {
            or_log(context, Err(error));
            return Ok(());
        }
    };
    for administrator in to.iter().take(ADMINISTRATORS) {
        or_log(context, writer.registered(&administrator.email, user, member));
    }
    Ok(())
}

/// Scheme and host of links in mail. The host of the request counts only where the configuration vouches for it: below the configured
/// domain, a name that somebody has shown to be this wiki's, or, without one, on the machine itself. None if nothing is left.
fn origin(context: &Context<'_>, port: &str) -> Result<Option<String>> {
    let scheme = if context.app.cookies == CookieSecurity::Secure { "https" } else { "http" };
    let Ok(host) = context.request.host().parse::<Authority>() else { return Ok(None) };
    let name = host.host().to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    let Some(domain) = context.app.edge.hosts.domain.as_deref() else {
        let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
        let here = name == "localhost" || name.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback());
        return Ok(here.then(|| format!("{scheme}://{name}{port}")));
    };
    if name == domain || name.strip_suffix(domain).is_some_and(|before| before.ends_with('.')) {
        return Ok(Some(format!("{scheme}://{name}{port}")));
    }
    if domains::trusted_name(&context.app.engine, context.wiki.id(), name)?.is_some() {
        return Ok(Some(format!("{scheme}://{name}{port}")));
    }
    home(context.app, context.wiki.id(), None)
}

/// Scheme and host of links in mail that nobody asked for just now: below the configured domain, or, without one, on this machine if the
/// server listens there and nowhere else. None if nobody vouches for any name.
pub fn home(app: &App, wiki: WikiId, listening: Option<SocketAddr>) -> Result<Option<String>> {
    let Some(wiki) = app.engine.directory().wiki(wiki)? else { return Ok(None) };
    let scheme = if app.cookies == CookieSecurity::Secure { "https" } else { "http" };
    Ok(match (app.edge.hosts.domain.as_deref(), listening) {
        (Some(domain), _) => {
            let main = app.engine.directory().main_domain(wiki.id)?;
            Some(main.map_or_else(|| format!("{scheme}://{}.{domain}", wiki.slug), |main| format!("{scheme}://{main}")))
        }
        (None, Some(address)) if address.ip().is_loopback() => match app.edge.hosts.default_wiki == Some(wiki.id) {
            true => Some(format!("{scheme}://{address}")),
            false => Some(format!("{scheme}://{}.localhost:{}", wiki.slug, address.port())),
        },
        _ => None,
    })
}
