//! People whom a proxy in front of us has logged in already: it says who they are in a header that the operator named, and that counts from proxies
//! the operator named and from nobody else (security.md HDR-4).
//!
//! The header decides with every request: there is no cookie. Each of these people has one session for each place, whose secret is derived and never
//! leaves this machine, so that forms, programs that were allowed and lists of sessions are as for everybody. Below a platform they are known at the
//! platform alone: into a wiki they go from there, after they agreed.

use crate::app::App;
use crate::config::SignUp;
use crate::elsewhere::{self, ByMail, Mail, Rules, Someone};
use crate::request::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use holt_core::{Error, Result, UserId, WikiId};
use holt_edge::Apex;
use holt_engine::accounts;
use holt_engine::directory::{Identity, SessionRow};
use http::header::{HeaderMap, HeaderName};
use sha2::Sha256;

/// What `identities.provider` says of them.
pub const PROVIDER: &str = "proxy";

/// Which headers say who somebody is.
#[derive(Debug, Clone)]
pub struct Vouching {
    /// Their mail address.
    pub mail: HeaderName,
    /// Their name.
    pub name: Option<HeaderName>,
}

/// What a proxy of ours says of whoever sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vouched {
    /// Who it is.
    Somebody {
        /// Checked, in lower case.
        email: String,
        /// As sent.
        name: String,
    },
    /// The header is there, and is no mail address, or is there twice.
    Garbled,
}

impl Vouching {
    /// Who the headers say somebody is. To be asked for requests of our own proxies alone. None: nobody in particular.
    pub fn read(&self, headers: &HeaderMap) -> Option<Vouched> {
        let mut sent = headers.get_all(&self.mail).iter();
        let (first, second) = (sent.next()?, sent.next());
        // Proxies that know nobody send it empty, or not at all.
        if first.is_empty() && second.is_none() {
            return None;
        }
        let text = std::str::from_utf8(first.as_bytes()).ok().filter(|_| second.is_none());
        let Some(email) = text.and_then(|text| accounts::check_email(text).ok()) else { return Some(Vouched::Garbled) };
        let name = self.name.as_ref().and_then(|name| headers.get(name)).and_then(|name| std::str::from_utf8(name.as_bytes()).ok());
        Some(Vouched::Somebody { name: name.unwrap_or_default().to_string(), email })
    }
}

/// The session of whoever a proxy vouches for at this place, with its secret; none if none does, or the place is a wiki below a platform. Whoever comes
/// for the first time gets an account: who may come at all is the proxy's to say.
pub fn session(app: &App, request: &Request, wiki: Option<WikiId>) -> Result<Option<(SessionRow, String)>> {
    if wiki.is_some() && app.edge.hosts.apex == Apex::Platform {
        return Ok(None);
    }
    let (email, name) = match &request.vouched {
        None => return Ok(None),
        Some(Vouched::Somebody { email, name }) => (email, name),
        Some(Vouched::Garbled) => {
            return Err(Error::invalid("the proxy in front of this server does not say who you are by one mail address")
                .hint("Tell whoever runs this server: the header of --auth-header is not what it should be."));
        }
    };
    let (directory, now) = (app.engine.directory(), app.engine.clock().now());
    let known = directory.user_by_identity(Identity { provider: PROVIDER, subject: email })?;
    let user = match known {
        Some(user) => user,
        None => {
            let (provider, subject, label) = (PROVIDER.to_string(), email.clone(), email.clone());
            let someone = Someone { provider, subject, label, name: name.clone(), mail: Mail::Verified(email.clone()) };
            let rules = Rules { sign_up: SignUp::Open, by_mail: ByMail::Links };
            elsewhere::account(app, &someone, None, rules)?.account().id
        }
    };
    let token = token(app, user, wiki)?;
    if let Some(session) = directory.session(&token, wiki, now)? {
        return Ok(Some((session, token)));
    }
    directory.create_session_of(&token, user, wiki, now)?;
    Ok(directory.session(&token, wiki, now)?.map(|session| (session, token)))
}

/// The secret of the one session that somebody has at a place.
fn token(app: &App, user: UserId, wiki: Option<WikiId>) -> Result<String> {
    let secret = app.engine.directory().secret("sessions of people whom a proxy vouches for")?;
    let mac = Hmac::<Sha256>::new_from_slice(&secret).expect("HMAC takes a key of any length");
    let place = wiki.map_or_else(|| "platform".to_string(), |wiki| wiki.to_string());
    Ok(URL_SAFE_NO_PAD.encode(mac.chain_update(format!("{} {place}", user.0)).finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_header_names_one_person_or_nobody() {
        let vouching = Vouching { mail: HeaderName::from_static("x-email"), name: Some(HeaderName::from_static("x-name")) };
        let read = |sent: &[(&'static str, &[u8])]| {
            let mut headers = HeaderMap::new();
            for (name, value) in sent {
                headers.append(*name, HeaderValue::from_bytes(value).unwrap());
            }
            vouching.read(&headers)
        };
        let somebody = |email: &str, name: &str| Some(Vouched::Somebody { email: email.into(), name: name.into() });
        assert_eq!(read(&[("x-email", b"Ada@Example.org"), ("x-name", "Adä".as_bytes())]), somebody("ada@example.org", "Adä"));
        assert_eq!(read(&[("x-email", b"ada@example.org")]), somebody("ada@example.org", ""));
        assert_eq!((read(&[]), read(&[("x-email", b"")]), read(&[("x-name", b"Ada")])), (None, None, None));
        for garbled in [&b"ada"[..], b"a@b, c@d", b"\xff@example.org", b"@handle", b" "] {
            assert!(matches!(read(&[("x-email", garbled)]), Some(Vouched::Garbled)), "{garbled:?}");
        }
        assert_eq!(read(&[("x-email", b"a@example.org"), ("x-email", b"b@example.org")]), Some(Vouched::Garbled));
        assert_eq!(read(&[("x-email", b""), ("x-email", b"b@example.org")]), Some(Vouched::Garbled));
    }
}
