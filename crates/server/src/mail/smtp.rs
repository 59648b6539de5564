//! A letter becomes a message, and the message goes to the mail server. The only file that knows the mail library.
//!
//! Nothing that people typed becomes a header unchecked: addresses are parsed, a subject is one line, and the library encodes it.

use super::{Letter, MailServer, Security};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holt_core::{Error, Result};
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, SmtpTransport, Transport};
use std::time::Duration;

/// Longest subject, in characters.
const SUBJECT: usize = 200;
/// Longest account of a failure, in characters.
const WHY: usize = 200;

/// Hands a letter to the server. `patience` is for each of its answers.
pub(super) fn deliver(server: &MailServer, letter: &Letter, patience: Duration) -> Result<()> {
    let message = message(server, letter)?;
    let tls = || TlsParameters::new(server.host.clone()).map_err(|e| failed("prepare the connection to", server, &e));
    let domain = server.from.rsplit('@').next().unwrap_or_default();
    let mut transport = SmtpTransport::builder_dangerous(&server.host)
        .port(server.port)
        .timeout(Some(patience))
        .hello_name(ClientId::Domain(domain.to_string()))
        .tls(match server.security {
            Security::None => Tls::None,
            Security::StartTls => Tls::Required(tls()?),
            Security::Tls => Tls::Wrapper(tls()?),
        });
    if let Some((user, password)) = &server.login {
        transport = transport.credentials(Credentials::new(user.clone(), password.clone()));
    }
    transport.build().send(&message).map(drop).map_err(|e| failed("send by", server, &e))
}

/// What the server said is told: it is for those who administer the wiki.
fn failed(attempted: &str, server: &MailServer, error: &lettre::transport::smtp::Error) -> Error {
    let mut why = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        // The library names some causes twice.
        let text = cause.to_string();
        if !why.contains(&text) {
            why.push_str(": ");
            why.push_str(&text);
        }
        next = cause.source();
    }
    Error::busy(format!("could not {attempted} {}:{}: {}", server.host, server.port, one_line(&why, WHY)))
        .hint("Check server, port, security, user name and password.")
}

fn message(server: &MailServer, letter: &Letter) -> Result<Message> {
    let unusable = |what: &str| Error::invalid(format!("mail cannot be sent {what} that address"));
    let from: Address = server.from.parse().map_err(|_| unusable("from"))?;
    let to: Address = letter.to.parse().map_err(|_| unusable("to"))?;
    let mut random = [0; 18];
    getrandom::fill(&mut random).map_err(|e| Error::internal(format!("make a message id: {e}")))?;
    let own = letter.id.as_ref().filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-')));
    let id = format!("<{}@{}>", own.cloned().unwrap_or_else(|| URL_SAFE_NO_PAD.encode(random)), from.domain());
    let mut builder = Message::builder();
    if let Some(url) = &letter.unsubscribe {
        let fine = url.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b','));
        builder = builder.header(Unsubscribe(Some(url.clone()).filter(|_| fine).ok_or_else(|| unusable("with"))?)).header(OneClick);
    }
    builder
        .from(Mailbox::new(None, from))
        .to(Mailbox::new(None, to))
        .subject(one_line(&letter.subject, SUBJECT))
        .message_id(Some(id))
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN)
        .body(letter.text.clone())
        .map_err(|e| Error::internal("write a mail").because(e))
}

/// One line of at most `longest` characters: whatever would end it, or hide something, is a space.
fn one_line(text: &str, longest: usize) -> String {
    let ends = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    text.chars().take(longest).map(|c| if ends(c) { ' ' } else { c }).collect()
}

/// RFC 3834: nobody's out-of-office note answers.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }
    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}

/// RFC 2369: where such mail ends.
#[derive(Clone)]
struct Unsubscribe(String);

impl Header for Unsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }
    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.trim_matches(['<', '>']).to_string()))
    }
    fn display(&self) -> HeaderValue {
        let value = format!("<{}>", self.0);
        HeaderValue::dangerous_new_pre_encoded(Self::name(), value.clone(), value)
    }
}

/// RFC 8058: one POST there is enough.
#[derive(Clone)]
struct OneClick;

impl Header for OneClick {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe-Post")
    }
    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "List-Unsubscribe=One-Click".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(to: &str, subject: &str, text: &str) -> Result<String> {
        let server = MailServer::parse("smtp://localhost", "wiki@example.org").unwrap();
        let letter = Letter { to: to.into(), subject: subject.into(), text: text.into(), ..Letter::default() };
        message(&server, &letter).map(|message| String::from_utf8(message.formatted()).unwrap())
    }

    /// The names of the header lines, in order.
    fn headers(mail: &str) -> Vec<&str> {
        let head = mail.split("\r\n\r\n").next().unwrap();
        head.lines().filter(|line| !line.starts_with([' ', '\t'])).map(|line| line.split(':').next().unwrap()).collect()
    }

    #[test]
    fn no_text_becomes_a_header() {
        let plain = written("ann@example.org", "Hello", "Text\n").unwrap();
        assert!(plain.contains("Subject: Hello\r\n") && plain.contains("To: ann@example.org\r\n"), "{plain}");
        assert!(plain.contains("Auto-Submitted: auto-generated\r\n") && plain.contains("text/plain; charset=utf-8"), "{plain}");
        let expected = headers(&plain);
        for subject in [
            "a\r\nBcc: eve@example.org",
            "a\nBcc: eve@example.org",
            "a\rBcc: e",
            "ü\r\n\r\nbody",
            "a\u{2028}b",
            "x".repeat(5000).as_str(),
            "=?utf-8?q?=0D=0ABcc:?=",
        ] {
            let mail = written("ann@example.org", subject, "Text\n").unwrap();
            assert_eq!(headers(&mail), expected, "{mail}");
        }
        for to in
            ["ann@example.org\r\nBcc: eve@example.org", "ann@example.org, eve@example.org", "", "Ann <ann@example.org>", "a\n@example.org"]
        {
            assert!(written(to, "Hello", "").is_err(), "{to:?}");
        }
        let dots = written("ann@example.org", "Hello", "a\n.\nQUIT\n").unwrap();
        assert_eq!(headers(&dots), expected);
    }

    #[test]
    fn every_message_has_an_id_of_its_own() {
        let id = |mail: &str| mail.lines().find(|line| line.starts_with("Message-ID")).unwrap().to_string();
        let (a, b) = (written("ann@example.org", "A", "").unwrap(), written("ann@example.org", "A", "").unwrap());
        assert!(id(&a) != id(&b) && id(&a).ends_with("@example.org>"), "{}", id(&a));
    }
}
