//! OpenID Connect: the operator names an issuer, and whoever that vouches for may come (authorization code, PKCE, state, nonce).
//!
//! Somebody is the issuer and the `sub`, for ever; names and addresses are shown and decide nothing, unless the operator said that verified addresses
//! do. Tokens are looked at and forgotten.

mod issuer;
mod token;

use super::{ByMail, Departure, Leaving, Mail, Provider, Returned, Someone};
use crate::config::SignUp;
use crate::egress::{Call, Egress};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use holt_core::{Error, Result};
use holt_engine::accounts;
use issuer::{Issuer, Metadata};
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Mutex;
use std::sync::PoisonError;
use token::Expected;
use url::Url;

/// What addresses call it.
const KEY: &str = "oidc";
/// What is asked for.
const SCOPE: &str = "openid email profile";
/// Longest answer of the token endpoint, and what it says of somebody, in bytes.
const BYTES: usize = 64 * 1024;
/// Longest access token, in bytes.
const TOKEN_BYTES: usize = 16 * 1024;
/// Most whose codes are exchanged at the same time: an issuer that is slow keeps nobody else from their work.
const AT_ONCE: usize = 4;

/// What the operator says.
#[derive(Clone)]
pub struct Settings {
    /// Whose word counts: an address, exactly as it stands in `iss`.
    pub issuer: String,
    /// What the issuer calls us.
    pub client: String,
    /// What shows that it is us; none: PKCE alone.
    pub secret: Option<String>,
    /// What people call the issuer.
    pub name: Option<String>,
    /// See [`Provider::sign_up`].
    pub sign_up: Option<SignUp>,
    /// See [`Provider::by_mail`].
    pub by_mail: ByMail,
    /// `host:port` of its servers that are in the operator's own network.
    pub own: Vec<String>,
    /// Who vouches for these beside the public authorities.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// See the module.
pub struct Oidc {
    settings: Settings,
    name: String,
    issuer: Issuer,
    under_way: Mutex<usize>,
}

impl Oidc {
    /// `Invalid` if the issuer is none that could be asked. Nobody is asked yet.
    pub fn new(settings: Settings) -> Result<Self> {
        let refused = |why: &str| {
            Error::invalid(format!("{} is no issuer: {why}", settings.issuer)).hint("See docs/hosting.md, \"Log in elsewhere\".")
        };
        let url = Url::parse(&settings.issuer).map_err(|_| refused("that is no address"))?;
        let host = url.host_str().ok_or_else(|| refused("it names no server"))?.to_string();
        let place = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        let own = settings.own.contains(&place);
        if url.scheme() != "https" && !(url.scheme() == "http" && own) {
            return Err(refused("it does not begin with https://"));
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it has a user, a query or a fragment"));
        }
        if settings.client.is_empty() {
            return Err(refused("there is no client id"));
        }
        let name = settings.name.clone().unwrap_or(host);
        let issuer =
            Issuer::new(settings.issuer.clone(), Egress::to_own(settings.own.clone()).with_authorities(settings.authorities.clone()));
        Ok(Self { settings, name, issuer, under_way: Mutex::default() })
    }
    /// The issuer could not be asked: what people are told. Why stands in the log.
    fn unreachable(&self, why: &Error) -> Error {
        tracing::warn!(issuer = self.settings.issuer, "the issuer could not be asked: {}", why.message);
        Error::busy(format!("{} could not be asked who you are", self.name)).hint("Try again in a moment.")
    }
    /// What the issuer says is not to be believed: what people are told. Why stands in the log.
    fn unbelievable(&self, why: &str) -> Error {
        tracing::warn!(issuer = self.settings.issuer, "a log-in was refused: {why}");
        Error::invalid(format!("what {} says of you cannot be believed", self.name))
            .hint("Begin again; if it stays so, tell whoever runs this server.")
    }
    /// Exchanges a code for tokens.
    fn exchange(&self, metadata: &Metadata, returned: &Returned<'_>, code: &str) -> Result<Value> {
        let verifier = returned.secret("pkce");
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", returned.back.as_str()),
            ("code_verifier", verifier.as_str()),
        ];
        let mut headers = Vec::new();
        let basic = self.settings.secret.as_deref().map(|secret| basic(&self.settings.client, secret));
        match (&basic, &self.settings.secret) {
            (Some(basic), _) if metadata.takes_basic => headers.push(("Authorization", basic.as_str())),
            (_, Some(secret)) => form.extend([("client_id", self.settings.client.as_str()), ("client_secret", secret.as_str())]),
            (_, None) => form.push(("client_id", self.settings.client.as_str())),
        }
        let call = Call { headers: &headers, ..Call::post(&metadata.token, &form, BYTES) };
        let answer = self.issuer.egress().ask(&call).map_err(|error| self.unreachable(&error))?;
        let said = answer.json();
        match (answer.status(), said) {
            (200, Some(said)) => Ok(said),
            (400 | 401, Some(said)) => {
                // A code that was used or took too long; or we are not who we say, which the operator has to see.
                let code: String = said["error"].as_str().unwrap_or("no reason").chars().filter(char::is_ascii_graphic).take(60).collect();
                Err(self.unbelievable(&format!("the token endpoint says {code}")))
            }
            (status, _) => Err(self.unreachable(&Error::invalid(format!("the token endpoint answers {status}")))),
        }
    }
    /// What the issuer says of somebody beside the token, of the same somebody.
    fn ask_more(&self, metadata: &Metadata, tokens: &Value, subject: &str) -> Result<Option<Value>> {
        let access =
            tokens["access_token"].as_str().filter(|token| token.len() <= TOKEN_BYTES && token.bytes().all(|b| b.is_ascii_graphic()));
        let (Some(address), Some(access)) = (&metadata.userinfo, access) else { return Ok(None) };
        let bearer = format!("Bearer {access}");
        let call = Call { headers: &[("Authorization", &bearer)], ..Call::get(address, BYTES) };
        let answer = self.issuer.egress().ask(&call).map_err(|error| self.unreachable(&error))?;
        let said = answer.json().filter(|_| answer.status() == 200);
        let said = said.ok_or_else(|| self.unreachable(&Error::invalid(format!("userinfo answers {} or no JSON", answer.status()))))?;
        // Of whoever it is said, it has to be them (OpenID Connect Core §5.3.2).
        if said["sub"].as_str() != Some(subject) {
            return Err(self.unbelievable("userinfo is about somebody else"));
        }
        Ok(Some(said))
    }
    fn someone(&self, claims: &Value, more: Option<&Value>) -> Someone {
        let text = |name: &str| {
            let of = |source: &Value| source[name].as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_string);
            of(claims).or_else(|| of(more?))
        };
        let subject = text("sub").unwrap_or_default();
        // The address and whether it was verified are of one source: halves of two say nothing.
        let source = if claims["email"].is_string() { Some(claims) } else { more };
        let mail =
            source.and_then(|source| Some((accounts::check_email(source["email"].as_str()?).ok()?, is_true(&source["email_verified"]))));
        let user = text("preferred_username");
        let name = text("name").or_else(|| user.clone()).or_else(|| Some(mail.as_ref()?.0.split('@').next()?.to_string()));
        let label = mail.as_ref().map(|(address, _)| address.clone()).or(user).unwrap_or_else(|| subject.clone());
        let mail = match mail {
            Some((address, true)) => Mail::Verified(address),
            Some((address, false)) => Mail::Said(address),
            None => Mail::None(super::stand_in(holt_engine::directory::Identity { provider: &self.settings.issuer, subject: &subject })),
        };
        Someone { provider: self.settings.issuer.clone(), name: name.unwrap_or_else(|| subject.clone()), subject, label, mail }
    }
}

/// `true`, or as some issuers write it.
fn is_true(value: &Value) -> bool {
    value == &Value::Bool(true) || value == "true"
}

/// RFC 6749 §2.3.1: both parts as a form has them, then as HTTP has them.
fn basic(client: &str, secret: &str) -> String {
    let part = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", part(client), part(secret))))
}

impl Provider for Oidc {
    fn key(&self) -> &'static str {
        KEY
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn sign_up(&self) -> Option<SignUp> {
        self.settings.sign_up
    }
    fn by_mail(&self) -> ByMail {
        self.settings.by_mail
    }
    fn vouches_as(&self, provider: &str) -> bool {
        provider == self.settings.issuer
    }
    fn depart(&self, leaving: &Leaving<'_>) -> Result<Departure> {
        let metadata = self.issuer.metadata(leaving.now).map_err(|error| self.unreachable(&error))?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(leaving.secret("pkce")));
        let mut url = metadata.authorization.clone();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.settings.client),
            ("redirect_uri", leaving.back),
            ("scope", SCOPE),
            ("state", leaving.state),
            ("nonce", &leaving.secret("nonce")),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        if !leaving.typed.is_empty() {
            url.query_pairs_mut().append_pair("login_hint", leaving.typed);
        }
        // An operator who names another issuer meanwhile has nobody taken for somebody else.
        Ok(Departure { url, data: json!({"issuer": self.settings.issuer}) })
    }
    fn arrive(&self, returned: &Returned<'_>) -> Result<Someone> {
        if returned.data["issuer"].as_str() != Some(&self.settings.issuer) {
            return Err(self.unbelievable("it was begun with another issuer"));
        }
        let Some(code) = returned.parameter("code") else { return Err(self.unbelievable("there is no code")) };
        let metadata = self.issuer.metadata(returned.now).map_err(|error| self.unreachable(&error))?;
        // Who says so (RFC 9207): an issuer that always does is not believed where nobody does.
        match returned.parameter("iss") {
            Some(issuer) if issuer == self.settings.issuer => {}
            Some(_) => return Err(self.unbelievable("the answer is another issuer's")),
            None if metadata.says_who || returned.request.query("iss").is_some() => {
                return Err(self.unbelievable("the answer does not say whose it is"));
            }
            None => {}
        }
        let _place = Place::take(&self.under_way)?;
        let tokens = self.exchange(&metadata, returned, &code)?;
        let nonce = returned.secret("nonce");
        let expected = Expected { issuer: &self.settings.issuer, client: &self.settings.client, nonce: &nonce, now: returned.now };
        let token = tokens["id_token"].as_str().ok_or_else(|| self.unbelievable("there is no id_token"))?;
        let key = |wanted: &token::Header| self.issuer.key(&metadata, wanted, returned.now).map_err(|error| self.unreachable(&error));
        let claims = token::check(token, &expected, key)?.map_err(|why| self.unbelievable(why))?;
        let more = match claims["email"].is_string() && claims["name"].is_string() {
            true => None,
            false => self.ask_more(&metadata, &tokens, claims["sub"].as_str().unwrap_or_default())?,
        };
        Ok(self.someone(&claims, more.as_ref()))
    }
}

/// One of the few places of those whose codes are exchanged.
struct Place<'p>(&'p Mutex<usize>);

impl<'p> Place<'p> {
    fn take(taken: &'p Mutex<usize>) -> Result<Self> {
        let mut now = taken.lock().unwrap_or_else(PoisonError::into_inner);
        if *now >= AT_ONCE {
            return Err(Error::busy("too many people log in at once").hint("Try again in a moment."));
        }
        *now += 1;
        Ok(Self(taken))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.saturating_sub(1);
    }
}
