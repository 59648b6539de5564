//! Which server sends a wiki's mail. Operators choose it, since it sees the links that open accounts of the whole installation;
//! administrators of the wiki see it and may try it.

use super::letters::{NO_SERVER, Writer};
use super::people::check_mail_gate;
use super::views::{AuditEntryView, Choice, Field, MailView, Problem, tabs};
use super::{Context, audit, problem};
use crate::mail::{self, MailServer, Security};
use crate::reply::{Reply, see_other};
use holt_core::{Error, ErrorKind, Result};
use holt_engine::accounts::check_email;
use holt_engine::directory::AuditFilter;
use holt_engine::{Admin, pages};
use http::StatusCode;

/// Failures shown on the screen.
const FAILURES: usize = 5;

/// How the connection is protected: field, words.
const SECURITY: [(Security, &str, &str); 3] =
    [(Security::Tls, "ssl", "TLS (port 465)"), (Security::StartTls, "tls", "STARTTLS (port 587)"), (Security::None, "", "None (port 25)")];

/// The form as it was sent or is to be shown.
#[derive(Default)]
struct Page {
    sender: Field,
    server: Field,
    port: Field,
    username: Field,
    security: String,
    recipient: Field,
    problem: Option<Problem>,
    notice: Option<String>,
}

impl Page {
    fn stored(context: &Context<'_>) -> Result<Self> {
        let preferences = context.preferences()?;
        let field = |name: &str| Field { value: preferences.get(name).unwrap_or_default().to_string(), error: None };
        let security = MailServer::security_of(&preferences);
        Ok(Self {
            sender: field("MAIL_DEFAULT_SENDER"),
            server: field("MAIL_SERVER"),
            port: field("MAIL_PORT"),
            username: field("MAIL_USERNAME"),
            security: SECURITY.iter().find(|(one, ..)| *one == security).map_or("", |(_, word, _)| word).to_string(),
            recipient: Field { value: context.own_address().to_string(), error: None },
            problem: None,
            notice: None,
        })
    }
}

/// `GET /-/admin/mail_preferences`
pub fn form(context: &Context<'_>) -> Result<Reply> {
    let mut page = Page::stored(context)?;
    page.notice = context.request.query("saved").map(|_| "Saved.".to_string());
    show(context, StatusCode::OK, page)
}

fn show(context: &Context<'_>, status: StatusCode, page: Page) -> Result<Reply> {
    let filter = AuditFilter { wiki: Some(context.wiki.id()), action: mail::FAILED, ..AuditFilter::default() };
    let failures = context.app.engine.directory().audit_log(&filter, FAILURES)?;
    let failures: Vec<AuditEntryView> = failures.into_iter().map(audit::plain).collect();
    let preferences = context.preferences()?;
    let has_password = preferences.get("MAIL_PASSWORD").is_some_and(|password| !password.is_empty());
    let security = |(_, word, label): &(Security, &str, &str)| Choice {
        value: (*word).to_string(),
        label: (*label).to_string(),
        chosen: *word == page.security,
    };
    let security = SECURITY.iter().map(security).collect();
    let default_server = context.app.mail_server.as_ref().map(|server| context.say_with("{}, from {}", &[&server.host, &server.from]));
    let default_server = default_server.transpose()?;
    // Whoever reads this is the administrator that others are told to ask.
    let remedy = if context.is_operator() { "Name a mail server below." } else { "Ask whoever runs this server." };
    let cannot = Writer::new(context).err().map(|error| if error.hint.as_deref() == Some(NO_SERVER) { error.hint(remedy) } else { error });
    let view = |csrf| MailView {
        csrf,
        tabs: tabs("/-/admin/mail_preferences"),
        may_change: context.is_operator(),
        default_server,
        cannot: cannot.as_ref().map(|error| problem(error).sentence()),
        sender: page.sender,
        server: page.server,
        port: page.port,
        username: page.username,
        has_password,
        security,
        recipient: page.recipient,
        failures,
        problem: page.problem,
        notice: page.notice,
    };
    context.form(status, "Mail", view)
}

/// `POST /-/admin/mail_preferences`: stores the settings, all or none; or sends a test mail (`test_mail_preferences`).
pub fn change(context: &Context<'_>) -> Result<Reply> {
    if context.request.body.find("test_mail_preferences").is_some() {
        return test(context);
    }
    if !context.is_operator() {
        return Err(Error::denied("only operators of the installation choose the mail server")
            .hint("It sees the links that open accounts. Ask whoever runs this server."));
    }
    let form = &context.request.body;
    let field = |name: &str| Field { value: form.get(name).trim().to_string(), error: None };
    let mut page = Page {
        sender: field("mail_sender"),
        server: field("mail_server"),
        port: field("mail_port"),
        username: field("mail_username"),
        security: form.get("mail_security").to_string(),
        ..Page::stored(context)?
    };
    // Without a server of its own the wiki uses the installation's, and the rest does not matter.
    if !page.server.value.is_empty() {
        let wrong = |result: Result<()>| result.err().map(|error| problem(&error).sentence());
        page.server.error = wrong(mail::check_host(&page.server.value).map(drop));
        page.sender.error = wrong(check_email(&page.sender.value).map(drop));
        if !page.port.value.is_empty() {
            page.port.error = wrong(mail::check_port(&page.port.value).map(drop));
        }
        if page.username.value.len() > 254 || page.username.value.chars().any(char::is_control) {
            page.username.error = Some("That is not a user name.".to_string());
        }
    }
    let Some((security, ..)) = SECURITY.iter().find(|(_, word, _)| *word == page.security) else {
        page.problem = Some(problem(&Error::invalid("choose how the connection is protected")));
        return show(context, StatusCode::UNPROCESSABLE_ENTITY, page);
    };
    let fields = [&page.sender, &page.server, &page.port, &page.username];
    if fields.iter().any(|field| field.error.is_some()) {
        return show(context, StatusCode::UNPROCESSABLE_ENTITY, page);
    }
    let on = |wanted: Security| if *security == wanted { "True" } else { "False" };
    let mut rows = vec![
        ("MAIL_DEFAULT_SENDER", page.sender.value.as_str()),
        ("MAIL_SERVER", page.server.value.as_str()),
        ("MAIL_PORT", page.port.value.as_str()),
        ("MAIL_USERNAME", page.username.value.as_str()),
        ("MAIL_USE_TLS", on(Security::StartTls)),
        ("MAIL_USE_SSL", on(Security::Tls)),
    ];
    // An empty box keeps the password, but a password without a user is of no use.
    match form.get("mail_password") {
        _ if page.username.value.is_empty() => rows.push(("MAIL_PASSWORD", "")),
        "" => {}
        password => rows.push(("MAIL_PASSWORD", password)),
    }
    pages::set_preferences(&context.scope::<Admin>()?, &rows)?;
    audit::done(context, "mail.settings", if page.server.value.is_empty() { "the installation's server" } else { &page.server.value });
    Ok(see_other("/-/admin/mail_preferences?saved=1"))
}

fn test(context: &Context<'_>) -> Result<Reply> {
    let mut page = Page::stored(context)?;
    let typed = context.request.body.get("mail_recipient").trim();
    if !typed.is_empty() {
        page.recipient.value = typed.to_string();
    }
    let email = match check_email(&page.recipient.value) {
        Ok(email) => email,
        Err(error) => {
            page.recipient.error = Some(problem(&error).sentence());
            return show(context, StatusCode::UNPROCESSABLE_ENTITY, page);
        }
    };
    // An operator who looks for the right settings tries often.
    let gate = if context.is_operator() { Ok(()) } else { check_mail_gate(context, &email) };
    let sent = gate.and_then(|()| Writer::new(context)).and_then(|writer| writer.test(&email));
    audit::note(context, context.own_address(), "mail.test", &email, if sent.is_ok() { "ok" } else { "failed" });
    match sent {
        Ok(()) => {
            page.notice = Some(format!("The mail server took the test mail to {email}."));
            show(context, StatusCode::OK, page)
        }
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => {
            page.problem = Some(problem(&error));
            show(context, StatusCode::OK, page)
        }
    }
}
