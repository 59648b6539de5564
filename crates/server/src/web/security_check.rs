//! What in the settings of a wiki and of its installation opens it further than its administrators may think. The form of the answer is
//! Otterwiki's (spec/wiki.md §4.1, §15.1), the questions are those that mean something here.

use super::Context;
use crate::app::{CookieSecurity, Throttle};
use crate::mail::{MailServer, Security};
use crate::reply::Reply;
use holt_core::{AccessLevel, Language, Result};
use holt_engine::db::preferences::Preferences;
use serde_json::{Value, json};
use std::net::IpAddr;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Severity {
    High,
    Medium,
    Low,
    Notice,
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
            Self::Notice => "NOTICE",
        }
    }
}

/// Whether what was asked is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed(Severity),
}

/// A question and its answer.
struct Check {
    issue: &'static str,
    description: &'static str,
    verdict: Verdict,
}

/// What the checks look at.
struct Facts<'a> {
    preferences: &'a Preferences,
    cookies: CookieSecurity,
    throttle: Throttle,
    has_domain: bool,
    mail: Option<MailServer>,
    /// Whether whoever asks reached the server as only this machine does.
    is_local: bool,
}

/// `GET /-/housekeeping/security-check`
pub fn show(context: &Context<'_>) -> Result<Reply> {
    let preferences = context.preferences()?;
    let facts = Facts {
        preferences: &preferences,
        cookies: context.app.cookies,
        throttle: context.app.throttle,
        has_domain: context.app.edge.hosts.domain.is_some(),
        // A mail server that cannot be used sends nothing.
        mail: MailServer::of_wiki(&preferences).ok().flatten().or_else(|| context.app.mail_server.clone()),
        is_local: is_local(context.request.host()),
    };
    let (passed, issues): (Vec<Check>, Vec<Check>) = checks(&facts).into_iter().partition(|check| check.verdict == Verdict::Passed);
    let list = |checks: Vec<Check>| checks.iter().map(|check| shown(check, preferences.language)).collect::<Vec<Value>>();
    Ok(context.json(&json!({"issues": list(issues), "passed": list(passed)})))
}

fn shown(check: &Check, language: Language) -> Value {
    let severity = match check.verdict {
        Verdict::Passed => Value::Null,
        Verdict::Failed(severity) => severity.as_str().into(),
    };
    let passed = check.verdict == Verdict::Passed;
    json!({"issue": check.issue, "description": language.say(check.description), "severity": severity, "passed": passed})
}

fn is_local(host: &str) -> bool {
    let name = host.parse::<http::uri::Authority>().map(|host| host.host().trim_matches(['[', ']']).to_ascii_lowercase());
    let Ok(name) = name else { return false };
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn checks(facts: &Facts<'_>) -> Vec<Check> {
    let preferences = facts.preferences;
    let everybody = |level: AccessLevel| level == AccessLevel::Anonymous;
    let strangers_read = everybody(preferences.read_access);
    let strangers_write = strangers_read && everybody(preferences.write_access);
    let strangers_upload = strangers_write && everybody(preferences.attachment_access);
    let members = |level: AccessLevel| matches!(level, AccessLevel::Anonymous | AccessLevel::Registered | AccessLevel::Approved);
    let anybody_joins = !preferences.is_on("DISABLE_REGISTRATION")
        && !preferences.is_on("EMAIL_NEEDS_CONFIRMATION")
        && (preferences.is_on("AUTO_APPROVAL") || preferences.write_access == AccessLevel::Registered)
        && members(preferences.write_access);
    let local = |there: Severity| if facts.is_local { Severity::Notice } else { there };
    let open = if facts.is_local { Severity::Medium } else { Severity::High };
    let has = |name: &str| preferences.get(name).is_some_and(|value| !value.trim().is_empty());
    let open_mail = facts.mail.as_ref().is_some_and(|mail| mail.security == Security::None && !is_local(&mail.host));
    let check =
        |issue, description, wrong: Option<Severity>| Check { issue, description, verdict: wrong.map_or(Verdict::Passed, Verdict::Failed) };
    vec![
        check("anonymous_write", "Everybody may change pages without logging in.", strangers_write.then_some(open)),
        check("anonymous_upload", "Everybody may attach files without logging in.", strangers_upload.then_some(open)),
        check(
            "open_registration",
            "Whoever registers may write at once, with any mail address. Ask for a confirmation, approve people, or invite them.",
            anybody_joins.then_some(Severity::Medium),
        ),
        check(
            "plain_cookies",
            "Sessions travel over connections that need not be encrypted. Put HTTPS in front and start the server with --secure-cookies.",
            (facts.cookies == CookieSecurity::Plain).then(|| local(Severity::High)),
        ),
        check(
            "no_rate_limit",
            "Passwords may be guessed as often as somebody likes. Start the server without --rate-limit off.",
            (facts.throttle == Throttle::Off).then(|| local(Severity::High)),
        ),
        check(
            "no_domain",
            "No domain is configured: links in mail lead to loopback names, and every numeric address shows the same wiki. Start the server with --domain.",
            (!facts.has_domain).then(|| local(Severity::Medium)),
        ),
        check(
            "mail_password_in_preferences",
            "The password of the mail server stands in wiki.db as it is. Use HOLT_SMTP_URL instead.",
            has("MAIL_PASSWORD").then_some(Severity::Low),
        ),
        check(
            "mail_not_encrypted",
            "Mail, and the links in it that open accounts, go to the mail server unencrypted.",
            open_mail.then_some(Severity::Medium),
        ),
        check(
            "html_allowlist",
            "Writers may use more HTML than usual, by RENDERER_HTML_ALLOWLIST. What it allows is still sanitized.",
            has("RENDERER_HTML_ALLOWLIST").then_some(Severity::Notice),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(rows: &[(&str, &str)], change: impl FnOnce(&mut Facts<'_>)) -> Vec<(&'static str, Severity)> {
        let preferences = Preferences::from_rows(rows.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect());
        let mut facts = Facts {
            preferences: &preferences,
            cookies: CookieSecurity::Secure,
            throttle: Throttle::On,
            has_domain: true,
            mail: None,
            is_local: false,
        };
        change(&mut facts);
        checks(&facts)
            .into_iter()
            .filter_map(|check| match check.verdict {
                Verdict::Failed(severity) => Some((check.issue, severity)),
                Verdict::Passed => None,
            })
            .collect()
    }

    #[test]
    fn what_opens_a_wiki_is_found() {
        let closed =
            [("READ_ACCESS", "APPROVED"), ("WRITE_ACCESS", "APPROVED"), ("AUTO_APPROVAL", "False"), ("EMAIL_NEEDS_CONFIRMATION", "False")];
        let with = |more: &[(&'static str, &'static str)]| closed.iter().chain(more).copied().collect::<Vec<_>>();
        assert_eq!(wrong(&closed, |_| {}), []);
        let open = [
            ("READ_ACCESS", "ANONYMOUS"),
            ("WRITE_ACCESS", "ANONYMOUS"),
            ("ATTACHMENT_ACCESS", "ANONYMOUS"),
            ("EMAIL_NEEDS_CONFIRMATION", "False"),
        ];
        let found = wrong(&open, |_| {});
        assert_eq!(found[..2], [("anonymous_write", Severity::High), ("anonymous_upload", Severity::High)]);
        assert_eq!(found[2..], [("open_registration", Severity::Medium)]);
        assert_eq!(wrong(&open, |facts| facts.is_local = true)[0].1, Severity::Medium);
        // Writing needs reading: no stranger writes where none reads.
        assert_eq!(wrong(&with(&[("WRITE_ACCESS", "ANONYMOUS")]), |_| {}), []);
        assert_eq!(wrong(&with(&[("AUTO_APPROVAL", "True"), ("EMAIL_NEEDS_CONFIRMATION", "True")]), |_| {}), []);
        assert_eq!(wrong(&with(&[("AUTO_APPROVAL", "True"), ("DISABLE_REGISTRATION", "True")]), |_| {}), []);
        assert_eq!(wrong(&with(&[("MAIL_PASSWORD", "x")]), |_| {}), [("mail_password_in_preferences", Severity::Low)]);
        assert_eq!(wrong(&with(&[("RENDERER_HTML_ALLOWLIST", "video")]), |_| {}), [("html_allowlist", Severity::Notice)]);
        assert_eq!(wrong(&closed, |facts| facts.cookies = CookieSecurity::Plain), [("plain_cookies", Severity::High)]);
        assert_eq!(wrong(&closed, |facts| facts.throttle = Throttle::Off), [("no_rate_limit", Severity::High)]);
        assert_eq!(wrong(&closed, |facts| facts.has_domain = false), [("no_domain", Severity::Medium)]);
        let mail = |url: &str| MailServer::parse(url, "wiki@example.org").unwrap();
        assert_eq!(wrong(&closed, |facts| facts.mail = Some(mail("smtp://mail.example.org"))), [("mail_not_encrypted", Severity::Medium)]);
        assert_eq!(wrong(&closed, |facts| facts.mail = Some(mail("smtp://127.0.0.1"))), []);
        assert_eq!(wrong(&closed, |facts| facts.mail = Some(mail("smtps://mail.example.org"))), []);
    }
}
