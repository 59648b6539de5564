//! Which mail server takes the letters of a wiki: its own by Otterwiki's preferences (spec/wiki.md §1.3), else the installation's.

use holt_core::{Error, Result};
use holt_engine::accounts::check_email;
use holt_engine::db::preferences::Preferences;
use std::fmt;

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    None,
    /// By STARTTLS, or nothing is sent.
    StartTls,
    /// From its first byte.
    Tls,
}

impl Security {
    fn port(self) -> u16 {
        match self {
            Self::None => 25,
            Self::StartTls => 587,
            Self::Tls => 465,
        }
    }
}

/// A mail server, how to log in there, and who letters are from. `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct MailServer {
    /// Name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// See [`Security`].
    pub security: Security,
    /// User name and password.
    pub login: Option<(String, String)>,
    /// The sender's address.
    pub from: String,
}

impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailServer({}:{}, {:?}, from {})", self.host, self.port, self.security, self.from)
    }
}

impl MailServer {
    /// From `smtp://[user:password@]host[:port]`, with `?tls=required` for STARTTLS, or `smtps://…`.
    pub fn parse(url: &str, from: &str) -> Result<Self> {
        let refused = || {
            Error::invalid("HOLT_SMTP_URL is no address of a mail server")
                .hint("Write it like smtps://user:password@mail.example.org, or smtp://mail.example.org:587?tls=required; percent-encode signs in the password.")
        };
        let uri: http::Uri = url.parse().map_err(|_| refused())?;
        let authority = uri.authority().ok_or_else(refused)?;
        let security = match (uri.scheme_str(), uri.query()) {
            (Some("smtp"), None) => Security::None,
            (Some("smtp"), Some("tls=required")) => Security::StartTls,
            (Some("smtps"), None) => Security::Tls,
            _ => return Err(refused()),
        };
        let decode =
            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| refused());
        let login = match authority.as_str().rsplit_once('@') {
            Some((login, _)) => {
                let (user, password) = login.split_once(':').ok_or_else(refused)?;
                Some((decode(user)?, decode(password)?))
            }
            None => None,
        };
        let host = check_host(authority.host().trim_matches(['[', ']'])).map_err(|_| refused())?;
        let port = match authority.as_str().rsplit_once(authority.host()) {
            Some((_, "")) => security.port(),
            Some((_, port)) => port.strip_prefix(':').and_then(|port| port.parse().ok()).ok_or_else(refused)?,
            None => return Err(refused()),
        };
        let from = check_email(from).map_err(|e| Error::invalid("HOLT_MAIL_FROM is no mail address").because(e))?;
        Ok(Self { host, port, security, login, from })
    }
    /// By the wiki's preferences; none if they name no server. An error says which of them cannot be used.
    pub fn of_wiki(preferences: &Preferences) -> Result<Option<Self>> {
        let text = |name: &str| preferences.get(name).unwrap_or_default().trim().to_string();
        if text("MAIL_SERVER").is_empty() {
            return Ok(None);
        }
        let security = Self::security_of(preferences);
        let port = match text("MAIL_PORT").as_str() {
            "" => security.port(),
            port => check_port(port)?,
        };
        let (user, password) = (text("MAIL_USERNAME"), preferences.get("MAIL_PASSWORD").unwrap_or_default().to_string());
        let login = (!user.is_empty()).then_some((user, password));
        let from = check_email(&text("MAIL_DEFAULT_SENDER")).map_err(|e| Error::invalid("the sender is no mail address").because(e))?;
        Ok(Some(Self { host: check_host(&text("MAIL_SERVER"))?, port, security, login, from }))
    }
    /// What the preferences say of the connection.
    pub fn security_of(preferences: &Preferences) -> Security {
        match (preferences.is_on("MAIL_USE_SSL"), preferences.is_on("MAIL_USE_TLS")) {
            (true, _) => Security::Tls,
            (false, true) => Security::StartTls,
            (false, false) => Security::None,
        }
    }
}

/// The name or address of a server.
pub fn check_host(text: &str) -> Result<String> {
    let host = text.trim();
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || host.len() > 253 || !host.chars().all(fine) {
        return Err(
            Error::invalid("that is not the name of a server").hint("Write it like mail.example.org; the port has a box of its own.")
        );
    }
    Ok(host.to_string())
}

/// A port, in the range that Otterwiki takes.
pub fn check_port(text: &str) -> Result<u16> {
    let port = text.trim().parse().ok().filter(|port| *port >= 24);
    port.ok_or_else(|| Error::invalid("the port is a number from 24 to 65535").hint("Leave it empty for the usual one."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_mail_servers() {
        let server = |url: &str| {
            MailServer::parse(url, " Wiki@Example.org ").map(|s| (s.host.clone(), s.port, s.security, s.login.clone(), s.from.clone()))
        };
        let from = || "wiki@example.org".to_string();
        let login = |user: &str, password: &str| Some((user.to_string(), password.to_string()));
        for (url, host, port, security, account) in [
            ("smtp://localhost", "localhost", 25, Security::None, None),
            ("smtp://mail.example.org?tls=required", "mail.example.org", 587, Security::StartTls, None),
            ("smtps://ann:p%40ss%3Aword@mail.example.org", "mail.example.org", 465, Security::Tls, login("ann", "p@ss:word")),
            ("smtp://ann%40example.org:x@127.0.0.1:2525", "127.0.0.1", 2525, Security::None, login("ann@example.org", "x")),
            ("smtp://[::1]:2525", "::1", 2525, Security::None, None),
        ] {
            assert_eq!(server(url).unwrap(), (host.to_string(), port, security, account, from()), "{url}");
        }
        for bad in [
            "",
            "mail.example.org",
            "https://mail.example.org",
            "smtp://",
            "smtp://ann@host",
            "smtp://h?tls=maybe",
            "smtps://h?tls=required",
            "smtp://h:99999",
        ] {
            assert!(server(bad).is_err(), "{bad}");
        }
        assert!(MailServer::parse("smtp://localhost", "nobody").is_err());
        let shown = format!("{:?}", MailServer::parse("smtp://ann:secret@localhost", "a@b.org").unwrap());
        assert!(!shown.contains("secret") && shown.contains("localhost"), "{shown}");
    }

    #[test]
    fn preferences_are_otterwikis() {
        let of = |rows: &[(&str, &str)]| {
            MailServer::of_wiki(&Preferences::from_rows(rows.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect()))
        };
        assert_eq!(of(&[]).unwrap(), None);
        let all = [
            ("MAIL_SERVER", "mail.example.org"),
            ("MAIL_PORT", ""),
            ("MAIL_USERNAME", "ann"),
            ("MAIL_PASSWORD", " kept as it is "),
            ("MAIL_USE_TLS", "True"),
            ("MAIL_DEFAULT_SENDER", "wiki@example.org"),
        ];
        let server = of(&all).unwrap().unwrap();
        assert_eq!((server.port, server.security), (587, Security::StartTls));
        assert_eq!(server.login, Some(("ann".to_string(), " kept as it is ".to_string())));
        for bad in [
            ("MAIL_PORT", "23"),
            ("MAIL_PORT", "x"),
            ("MAIL_SERVER", "a b"),
            ("MAIL_SERVER", "h/x"),
            ("MAIL_DEFAULT_SENDER", "YOUR.ORGANIZATION"),
        ] {
            let rows: Vec<_> = all.iter().copied().filter(|row| row.0 != bad.0).chain([bad]).collect();
            assert!(of(&rows).is_err(), "{bad:?}");
        }
    }
}
