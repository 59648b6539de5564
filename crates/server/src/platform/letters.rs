//! What the platform writes to people by mail, and where the links in it lead: to the domain that the configuration names (security.md HDR-4).
//!
//! What strangers typed stands in no letter: whoever knows an address could have us send their words to it.

use super::Visitor;
use crate::app::{App, CookieSecurity};
use crate::mail::{Letter, MailServer};
use holt_core::{Error, Language, Result, Timestamp, WikiId};
use holt_edge::Apex;
use holt_engine::directory::{DomainRecord, Doubt, LOST_LIFE, TRASH_LIFE, Token, WikiRecord};
use holt_engine::publish;

/// Writes letters in the platform's name.
pub struct Writer<'a> {
    app: &'a App,
    server: MailServer,
    /// The platform's domain.
    name: String,
    origin: String,
    language: Language,
}

/// Whether the platform can send mail.
pub fn work(app: &App) -> bool {
    app.mail_server.is_some()
}

impl<'a> Writer<'a> {
    /// To whoever asks now. An error if this platform sends no mail.
    pub fn new(visitor: &Visitor<'a>) -> Result<Self> {
        // It came to the platform's own name, perhaps by a port that somebody made up.
        let port = visitor.port().strip_prefix(':').and_then(|port| port.parse().ok());
        Self::make(visitor.app, visitor.language(), &visitor.app.link_port(port))
    }
    /// To somebody who asked for nothing just now.
    fn unasked(app: &'a App) -> Result<Self> {
        Self::make(app, Language::default(), "")
    }
    fn make(app: &'a App, language: Language, port: &str) -> Result<Self> {
        let hosts = &app.edge.hosts;
        let domain = hosts.domain.as_deref().filter(|_| hosts.apex == Apex::Platform);
        let (Some(server), Some(domain)) = (app.mail_server.clone(), domain) else {
            return Err(Error::invalid("this server sends no mail").hint("Ask whoever runs it."));
        };
        let scheme = if app.cookies == CookieSecurity::Secure { "https" } else { "http" };
        Ok(Self { app, server, name: domain.to_string(), origin: format!("{scheme}://{domain}{port}"), language })
    }
    /// A letter whose subject is a text of ours and whose text is said already.
    fn post(&self, to: &str, subject: &str, text: &str) -> Result<()> {
        let (name, origin, subject) = (&self.name, &self.origin, self.language.say(subject));
        let text = format!("{text}\n\n-- \n{name}\n{origin}/\n");
        let letter = Letter { to: to.to_string(), subject: format!("{subject} - {name}"), text, ..Letter::default() };
        self.app.outbox.post(None, self.server.clone(), letter)
    }
    /// Lets somebody make the account they asked for.
    pub fn sign_up(&self, to: &str, token: &Token) -> Result<()> {
        let link = format!("{}/auth/register/{}", self.origin, token.expose());
        let text = self.language.say_with(
            "Hello,\n\nsomebody, most likely you, wants to make an account at {} with this address.\nOpen this link to choose your name and password:\n\n{}\n\nThe link works once, and for a day. If it was not you, do nothing: there will be no account.",
            &[&self.name, &link],
        );
        self.post(to, "Make your account", &text)
    }
    /// Says to somebody who asked for an account that they have one.
    pub fn has_account(&self, to: &str) -> Result<()> {
        let (login, lost) = (format!("{}/auth/login", self.origin), format!("{}/auth/lost-password", self.origin));
        let text = self.language.say_with(
            "Hello,\n\nsomebody, most likely you, wants to make an account at {} with this address. You have one already: log in here.\n\n{}\n\nIf you forgot your password, choose a new one here:\n\n{}",
            &[&self.name, &login, &lost],
        );
        self.post(to, "You have an account already", &text)
    }
    /// Lets somebody choose a new password.
    pub fn new_password(&self, to: &str, token: &Token) -> Result<()> {
        let link = format!("{}/auth/new-password/{}", self.origin, token.expose());
        let text = self.language.say_with(
            "Hello,\n\nsomebody, most likely you, forgot the password of your account at {}.\nOpen this link to choose a new one:\n\n{}\n\nThe link works once, and for a day. If it was not you, do nothing: your password stays.",
            &[&self.name, &link],
        );
        self.post(to, "Choose a new password", &text)
    }
    /// Asks whether somebody reads mail sent to the address of their account.
    pub fn confirm(&self, to: &str, token: &Token) -> Result<()> {
        let link = format!("{}/auth/confirm/{}", self.origin, token.expose());
        let text = self.language.say_with(
            "Hello,\n\nsomebody, most likely you, has an account at {} with this address.\nOpen this link to confirm that the address is yours:\n\n{}\n\nThe link works for a day. If it was not you, do nothing.",
            &[&self.name, &link],
        );
        self.post(to, "Confirm your address", &text)
    }
    fn day(&self, seconds: i64) -> String {
        self.language.say(&publish::date(Timestamp::utc(seconds))).into_owned()
    }
    fn page(&self, wiki: &WikiRecord) -> String {
        format!("{}/app/wiki/{}", self.origin, wiki.slug)
    }
}

/// Where letters about a wiki go: to its owner, if there is one and mail can be sent.
fn owner<'a>(app: &'a App, wiki: &WikiRecord) -> Result<Option<(Writer<'a>, String)>> {
    let owner = wiki.owner.map(|owner| app.engine.directory().user(owner)).transpose()?.flatten();
    // An address that nobody has shown to be theirs may be a stranger's.
    let Some(owner) = owner.filter(|owner| owner.email_confirmed) else { return Ok(None) };
    Ok(Writer::unasked(app).ok().map(|writer| (writer, owner.email)))
}

/// Tells the owner that a name of their wiki is about to end, or has ended.
pub fn about_domain(app: &App, record: &DomainRecord, doubt: Doubt) -> Result<()> {
    let Some(wiki) = app.engine.directory().wiki(record.wiki)? else { return Ok(()) };
    let Some((writer, to)) = owner(app, &wiki)? else { return Ok(()) };
    let (name, page) = (record.name.as_str(), writer.page(&wiki));
    match doubt {
        Doubt::None => Ok(()),
        Doubt::Begun => {
            let until = writer.day(app.engine.clock().now().saturating_add(LOST_LIFE));
            let text = writer.language.say_with(
                "Hello,\n\nthe TXT record that shows that {} is yours is missing in the DNS. Put it back before {}: from then on your wiki {} is not found there any more. What the record has to be is said here:\n\n{}",
                &[name, &until, wiki.slug.as_str(), &page],
            );
            writer.post(&to, "A domain of your wiki needs you", &text)
        }
        Doubt::Ended => {
            let text = writer.language.say_with(
                "Hello,\n\nthe TXT record that shows that {} is yours has been missing in the DNS for too long. Your wiki {} is not found there any more. You can verify the domain again here:\n\n{}",
                &[name, wiki.slug.as_str(), &page],
            );
            writer.post(&to, "A domain of your wiki has ended", &text)
        }
    }
}

/// Tells the owner that their wiki has nearly as much as it may. What cannot be sent stops nothing.
pub fn about_limit(app: &App, wiki: WikiId) {
    let record = app.engine.directory().wiki(wiki);
    let told = record.and_then(|record| {
        let Some(wiki) = record else { return Ok(()) };
        let Some((writer, to)) = owner(app, &wiki)? else { return Ok(()) };
        let text = writer.language.say_with(
            "Hello,\n\nyour wiki {} has nearly as much as it may have. When it has all of it, nobody can add to it. What there is of it, and how to get below the limit, is said here:\n\n{}",
            &[wiki.slug.as_str(), &writer.page(&wiki)],
        );
        writer.post(&to, "Your wiki is nearly full", &text)
    });
    or_log(told);
}

/// Tells the owner that their wiki was deleted, and until when they can have it back. What cannot be sent stops nothing.
pub fn about_deleted(app: &App, wiki: &WikiRecord) {
    let told = owner(app, wiki).and_then(|found| {
        let Some((writer, to)) = found else { return Ok(()) };
        let until = writer.day(app.engine.clock().now().saturating_add(TRASH_LIFE));
        let text = writer.language.say_with(
            "Hello,\n\nyour wiki {} was deleted. Until {} you can have it back here:\n\n{}",
            &[wiki.slug.as_str(), &until, &writer.page(wiki)],
        );
        writer.post(&to, "Your wiki was deleted", &text)
    });
    or_log(told);
}

/// Notes that a letter was not even posted. Whoever asked goes on without it.
pub fn or_log(posted: Result<()>) {
    if let Err(error) = posted {
        tracing::warn!("a mail was not sent: {}", error.chain());
    }
}
