//! What an issuer says of itself: where its endpoints are (OpenID Connect Discovery) and by which keys it signs. Asked when it is needed, kept for a
//! while, in memory alone; one asks, the others wait for them.

use super::token::Header;
use crate::egress::Egress;
use crate::signature::PublicKey;
use holt_core::{Error, Result};
use serde_json::Value;
use std::sync::{Mutex, PoisonError};
use url::Url;

/// Longest document, in bytes.
const BYTES: usize = 128 * 1024;
/// How long one is kept that says nothing about it; the shortest and the longest, in seconds.
const KEPT: i64 = 3600;
const SHORTEST: i64 = 60;
const LONGEST: i64 = 24 * 3600;
/// How long a failure is kept.
const FAILED: i64 = 10;
/// Most keys that are looked at.
const KEYS: usize = 64;
/// How often in a minute keys are asked for again because a token names one that is not known: whoever makes up tokens has nobody asked for more.
const AGAIN: u32 = 5;

/// Where an issuer is asked what.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// Where people are sent.
    pub authorization: Url,
    /// Where codes are exchanged.
    pub token: String,
    /// Where more is said of somebody.
    pub userinfo: Option<String>,
    /// Whether the token endpoint takes our secret as HTTP has it; else as a field of the form.
    pub takes_basic: bool,
    /// Whether its answers always say whose they are (RFC 9207).
    pub says_who: bool,
    keys: String,
}

/// What is kept, until when: what it is, or why there is nothing.
type Kept<T> = Option<(i64, std::result::Result<T, String>)>;

/// A key and its name.
type Named = (Option<String>, PublicKey);

#[derive(Default)]
struct Keys {
    kept: Kept<Vec<Named>>,
    /// Since when, and how often they were asked for again since.
    again: (i64, u32),
}

/// See the module.
pub struct Issuer {
    address: String,
    egress: Egress,
    metadata: Mutex<Kept<Metadata>>,
    keys: Mutex<Keys>,
}

impl Issuer {
    /// The one at `address`, asked through `egress`.
    pub fn new(address: String, egress: Egress) -> Self {
        Self { address, egress, metadata: Mutex::default(), keys: Mutex::default() }
    }
    /// The way to its servers.
    pub fn egress(&self) -> &Egress {
        &self.egress
    }
    /// Where it is asked what; or in one clause why that is not known.
    pub fn metadata(&self, now: i64) -> Result<Metadata> {
        let mut kept = self.metadata.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((until, known)) = kept.as_ref()
            && *until > now
        {
            return known.clone().map_err(Error::invalid);
        }
        let (seconds, found) = self.discover()?;
        *kept = Some((now.saturating_add(seconds), found.clone()));
        found.map_err(Error::invalid)
    }
    fn discover(&self) -> Result<(i64, std::result::Result<Metadata, String>)> {
        let address = format!("{}/.well-known/openid-configuration", self.address.trim_end_matches('/'));
        self.document(&address, |document| self.read(document))
    }
    /// Fetches and reads a document: how long what came of it is kept, and that.
    fn document<T>(
        &self,
        address: &str,
        read: impl FnOnce(&Value) -> std::result::Result<T, &'static str>,
    ) -> Result<(i64, std::result::Result<T, String>)> {
        let document = match self.egress.json(address, BYTES) {
            Ok(document) => document,
            Err(error) if error.kind == holt_core::ErrorKind::Internal => return Err(error),
            Err(error) => return Ok((FAILED, Err(format!("{address}: {}", error.message)))),
        };
        let parsed = serde_json::from_slice(&document.body).map_err(|_| "what is there is no JSON");
        Ok(match parsed.and_then(|value: Value| read(&value)) {
            Ok(found) => (document.keep.unwrap_or(KEPT).clamp(SHORTEST, LONGEST), Ok(found)),
            Err(why) => (FAILED, Err(format!("{address}: {why}"))),
        })
    }
    fn read(&self, document: &Value) -> std::result::Result<Metadata, &'static str> {
        // Byte for byte (OpenID Connect Discovery §4.3): who stands there for another one is not believed.
        if document["issuer"].as_str() != Some(&self.address) {
            return Err("it is about another issuer");
        }
        let text = |name: &str| document[name].as_str().map(str::to_string);
        let lists = |name: &str, value: &str| document[name].as_array().map(|list| list.iter().any(|entry| entry == value));
        let authorization = text("authorization_endpoint").and_then(|address| Url::parse(&address).ok());
        // People are sent there by an address of ours: to a site like the issuer's, and not to what a browser would run.
        let plain = self.address.starts_with("http://");
        let authorization = authorization.filter(|url| url.scheme() == "https" || (plain && url.scheme() == "http"));
        if lists("response_types_supported", "code") == Some(false) {
            return Err("it has no codes");
        }
        if lists("code_challenge_methods_supported", "S256") == Some(false) {
            return Err("it does not know PKCE by S256");
        }
        Ok(Metadata {
            authorization: authorization.ok_or("it does not say where people log in")?,
            token: text("token_endpoint").ok_or("it does not say where codes are exchanged")?,
            keys: text("jwks_uri").ok_or("it does not say where its keys are")?,
            userinfo: text("userinfo_endpoint"),
            // What nobody says is by basic (OpenID Connect Discovery §3).
            takes_basic: lists("token_endpoint_auth_methods_supported", "client_secret_basic").unwrap_or(true),
            says_who: document["authorization_response_iss_parameter_supported"] == true,
        })
    }
    /// The key by which a token with this header was signed; none if the issuer has no such one. If it is not known, keys are asked for once more, as
    /// they may have changed, but not as often as somebody likes.
    pub fn key(&self, metadata: &Metadata, header: &Header, now: i64) -> Result<Option<PublicKey>> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fresh = false;
        if keys.kept.as_ref().is_none_or(|(until, _)| *until <= now) {
            keys.kept = Some(self.fetch(metadata, now)?);
            fresh = true;
        }
        if let Some(found) = pick(&keys, header)? {
            return Ok(Some(found));
        }
        if now.saturating_sub(keys.again.0) >= 60 || now < keys.again.0 {
            keys.again = (now, 0);
        }
        if fresh || keys.again.1 >= AGAIN {
            return Ok(None);
        }
        keys.again.1 += 1;
        keys.kept = Some(self.fetch(metadata, now)?);
        pick(&keys, header)
    }
    fn fetch(&self, metadata: &Metadata, now: i64) -> Result<(i64, std::result::Result<Vec<Named>, String>)> {
        let (seconds, found) = self.document(&metadata.keys, |document| {
            let all = document["keys"].as_array().ok_or("it holds no keys")?;
            let named = |jwk: &Value| Some((jwk["kid"].as_str().map(str::to_string), PublicKey::from_jwk(jwk)?));
            Ok(all.iter().take(KEYS).filter_map(named).collect())
        })?;
        Ok((now.saturating_add(seconds), found))
    }
}

/// The one key that fits: by its name, or, for a token that names none, the only one that signs that way.
fn pick(keys: &Keys, header: &Header) -> Result<Option<PublicKey>> {
    let known = match &keys.kept {
        Some((_, Ok(known))) => known,
        Some((_, Err(why))) => return Err(Error::invalid(why.clone())),
        None => return Ok(None),
    };
    let fits = |(name, key): &&Named| key.algorithm() == header.algorithm && (header.key.is_none() || *name == header.key);
    let mut fitting = known.iter().filter(fits);
    let first = fitting.next();
    Ok(first.filter(|_| fitting.next().is_none()).map(|(_, key)| key.clone()))
}
