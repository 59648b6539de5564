//! Logging in with an account of the AT Protocol, Bluesky's for instance (spec/platform.md §3.2, §3.3). Only who somebody is is asked for: the
//! tokens that come with it are given back at once and never kept.
//!
//! Who somebody is, is a DID. A handle is shown, and checked in both directions before it is, but it opens nothing: it may be another person's tomorrow.

mod names;
mod proof;
mod resolve;
mod sealed;
mod servers;

use super::{Departure, Leaving, Mail, Provider, Returned, Someone};
use crate::egress::{Call, Dns, Egress};
use holt_core::{Error, ErrorKind, Result};
use names::{Did, Named};
use proof::SigningKey;
use resolve::{Asking, Destination};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use servers::{AuthorizationServer, SCOPE};
use url::Url;

/// What addresses call this way to log in, and the directory its identities.
pub const KEY: &str = "atproto";
/// The file with our private key.
pub const KEY_FILE: &str = "atproto.pk8";
/// Where we say who we are; the whole address is our name at other servers.
pub const METADATA: &str = "/auth/client-metadata.json";
/// Where people come back.
pub const CALLBACK: &str = "/auth/callback";

/// Longest answer to a form, in bytes.
const ANSWER: usize = 64 * 1024;
/// Longest nonce, code or token that is sent on, in bytes.
const LONGEST: usize = 8 * 1024;
/// Longest display name, in characters.
const NAME_CHARS: usize = 50;
/// What people call it.
const NAME: &str = "Bluesky";
/// What is derived of a way's secret: the verifier of PKCE, and what the key is sealed with.
const VERIFIER: &str = "atproto pkce";
const SEAL: &str = "atproto key";
/// How one program proves to another who it is (RFC 7523).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Where things are that the whole network shares.
#[derive(Debug, Clone)]
pub struct Places {
    /// Knows the documents of `did:plc`: scheme and host.
    pub directory: String,
    /// Knows what people call themselves: scheme and host.
    pub profiles: String,
}

/// See the module.
pub struct Atproto {
    domain: String,
    places: Places,
    key: SigningKey,
    egress: Egress,
    dns: Dns,
}

/// What is kept while somebody is elsewhere.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Who has to answer.
    issuer: String,
    /// Where its codes become tokens, and where these end.
    token: String,
    revocation: Option<String>,
    /// Who has to come back, if that is known, and what they are called.
    did: Option<String>,
    handle: Option<String>,
    /// The key that the tokens are bound to, sealed: see [`sealed`].
    key: String,
    /// What the server said last.
    nonce: Option<String>,
}

impl Atproto {
    /// Of the platform at `domain`. `key` is what [`Atproto::new_key`] made once. `Invalid` if one of the places is none.
    pub fn new(domain: &str, places: Places, key: &[u8], egress: Egress, dns: Dns) -> Result<Self> {
        let key = SigningKey::from_pkcs8(key)?;
        for place in [&places.directory, &places.profiles] {
            if names::bare_origin(place).is_none() {
                return Err(Error::invalid(format!("{place} is no server of the AT Protocol")).hint("Write it as https://HOST."));
            }
        }
        Ok(Self { domain: domain.to_string(), places, key, egress, dns })
    }
    /// A key for [`Atproto::new`], to be kept: other servers know us by its public half.
    pub fn new_key() -> Result<Vec<u8>> {
        Ok(SigningKey::generate()?.pkcs8().to_vec())
    }
    fn url(&self, path: &str) -> String {
        // From the configuration, never from what somebody asked for; other servers take nothing else than https.
        format!("https://{}{path}", self.domain)
    }
    /// Who we are: the document at [`METADATA`].
    pub fn metadata(&self) -> Value {
        let mut key = self.key.public_jwk();
        key["kid"] = self.key.thumbprint().into();
        key["use"] = "sig".into();
        key["alg"] = "ES256".into();
        json!({
            "client_id": self.url(METADATA),
            "client_name": self.domain,
            "client_uri": self.url("/"),
            "application_type": "web",
            "redirect_uris": [self.url(CALLBACK)],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": SCOPE,
            "dpop_bound_access_tokens": true,
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256",
            "jwks": {"keys": [key]},
        })
    }
    fn leave(&self, leaving: &Leaving<'_>) -> Result<Departure> {
        let named = Named::read(leaving.typed).ok_or_else(|| {
            Error::invalid("that is no handle, DID or server").hint("A handle looks like alice.bsky.social or alice.example.org.")
        })?;
        let asking = Asking::new(&self.egress, &self.dns, &self.places.directory);
        let Destination { whom, server } = asking.destination(&named)?;
        let key = SigningKey::generate()?;
        let (client, back) = (self.url(METADATA), self.url(CALLBACK));
        let challenge = proof::digest(&leaving.secret(VERIFIER));
        let mut form = vec![
            ("response_type", "code"),
            ("client_id", client.as_str()),
            ("redirect_uri", back.as_str()),
            ("scope", SCOPE),
            ("state", leaving.state),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let hint = whom.as_ref().map(|whom| whom.handle.clone().unwrap_or_else(|| whom.did.to_string()));
        form.extend(hint.as_deref().map(|hint| ("login_hint", hint)));
        let mut talk = Talk { issuer: &server.issuer, key: &key, nonce: None, now: leaving.now };
        let (status, answer) = self.post(&mut talk, &server.pushed, &form)?;
        let request = answer["request_uri"].as_str().filter(|uri| !uri.is_empty() && uri.len() <= LONGEST);
        let (201 | 200, Some(request)) = (status, request) else { return Err(declined(&server.issuer, &answer)) };
        let url = destination(&server, &client, request)?;
        let (did, handle) = whom.map(|whom| (whom.did.to_string(), whom.handle)).unzip();
        let nonce = talk.nonce;
        let key = sealed::seal(&leaving.secret(SEAL), key.pkcs8())?;
        let AuthorizationServer { issuer, token, revocation, .. } = server;
        let kept = Kept { issuer, token, revocation, did, handle: handle.flatten(), key, nonce };
        let data = serde_json::to_value(&kept).map_err(|e| Error::internal("write down a sign-in").because(e))?;
        Ok(Departure { url, data })
    }
    fn receive(&self, returned: &Returned<'_>) -> Result<Someone> {
        let kept: Kept = serde_json::from_value(returned.data.clone()).map_err(|e| Error::internal("read a sign-in").because(e))?;
        let (Some(issuer), Some(code)) = (returned.parameter("iss"), returned.parameter("code")) else {
            return Err(Error::invalid("the answer lacks something").hint("Begin again."));
        };
        // Before the code is shown to anybody (RFC 9207).
        if issuer != kept.issuer {
            return Err(Error::invalid("the answer came from another server than was asked").hint("Begin again."));
        }
        let key = sealed::open(&returned.secret(SEAL), &kept.key).ok_or_else(|| Error::internal("open what was sealed"))?;
        let key = SigningKey::from_pkcs8(&key)?;
        let mut talk = Talk { issuer: &kept.issuer, key: &key, nonce: kept.nonce.clone(), now: returned.now };
        let (back, verifier) = (self.url(CALLBACK), returned.secret(VERIFIER));
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", back.as_str()),
            ("code_verifier", verifier.as_str()),
        ];
        let (status, answer) = self.post(&mut talk, &kept.token, &form)?;
        if status != 200 {
            return Err(declined(&kept.issuer, &answer));
        }
        let vouched = self.vouched(&kept, &answer);
        // Whatever they say, they are good for nothing from here on.
        self.give_back(&mut talk, &kept, &answer);
        vouched
    }
    /// Whom the tokens are about, if they are what was asked for.
    fn vouched(&self, kept: &Kept, answer: &Value) -> Result<Someone> {
        let refused = |why: &str| {
            Error::invalid(format!("{} sent something else than was asked for: {why}", host(&kept.issuer))).hint("Begin again.")
        };
        if !answer["token_type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("dpop")) {
            return Err(refused("its token is not bound to us"));
        }
        if answer["scope"] != SCOPE {
            return Err(refused("another scope"));
        }
        let did = answer["sub"].as_str().and_then(Did::parse).ok_or_else(|| refused("no DID"))?;
        let handle = match &kept.did {
            Some(expected) if expected == did.as_str() => kept.handle.clone(),
            Some(_) => return Err(refused("somebody else")),
            // Only a server was named: any server can say any name, so whoever it is has to say that this one speaks for them.
            None => {
                let asking = Asking::new(&self.egress, &self.dns, &self.places.directory);
                let whereabouts = asking.whereabouts(&did, None)?;
                if asking.issuer(&whereabouts.pds)? != kept.issuer {
                    return Err(refused("somebody for whom another server speaks"));
                }
                whereabouts.handle
            }
        };
        let name = self.display_name(&did).or_else(|| handle.clone()).unwrap_or_else(|| did.to_string());
        let label = handle.unwrap_or_else(|| did.to_string());
        // The address that stands in the history of wikis is made of what never changes: a handle may be somebody else's tomorrow.
        let mail = Mail::None(format!("@{did}"));
        Ok(Someone { provider: KEY.to_string(), subject: did.to_string(), label, name, mail })
    }
    /// What somebody calls themselves in public; none if nobody says so in time.
    fn display_name(&self, did: &Did) -> Option<String> {
        let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("actor", did.as_str()).finish();
        let address = format!("{}/xrpc/app.bsky.actor.getProfile?{query}", self.places.profiles.trim_end_matches('/'));
        let document = self.egress.json(&address, ANSWER).ok()?;
        let profile: Value = serde_json::from_slice(&document.body).ok()?;
        let name: String = profile["displayName"].as_str()?.chars().filter(|c| !names::is_invisible(*c)).collect();
        let name: String = name.trim().chars().take(NAME_CHARS).collect();
        holt_engine::accounts::check_name(&name).ok()
    }
    /// Ends both tokens, as well as it can be done. Nothing of them is kept, whatever comes of it.
    fn give_back(&self, talk: &mut Talk<'_>, kept: &Kept, answer: &Value) {
        let Some(place) = &kept.revocation else { return };
        for member in ["refresh_token", "access_token"] {
            let Some(token) = answer[member].as_str().filter(|token| token.len() <= LONGEST) else { continue };
            match self.post(talk, place, &[("token", token), ("token_type_hint", member)]) {
                Ok((200..=299, _)) => {}
                Ok((status, _)) => tracing::debug!(status, "a token was not taken back by {}", host(&kept.issuer)),
                Err(error) => tracing::debug!("a token was not taken back by {}: {}", host(&kept.issuer), error.chain()),
            }
        }
    }
    /// Sends a form as ourselves, with a proof of possession; once more with the server's nonce if it asks for that. Status and body.
    fn post(&self, talk: &mut Talk<'_>, address: &str, fields: &[(&str, &str)]) -> Result<(u16, Value)> {
        if names::address(address).is_none() {
            return Err(Error::invalid("it has an address that is not asked"));
        }
        let client = self.url(METADATA);
        for again in [true, false] {
            let assertion = self.key.assertion(&client, talk.issuer, talk.now)?;
            let mut form = fields.to_vec();
            if !form.iter().any(|(name, _)| *name == "client_id") {
                form.push(("client_id", &client));
            }
            form.extend([("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion.as_str())]);
            let proof = talk.key.possession(address, talk.nonce.as_deref(), talk.now)?;
            let headers = [("DPoP", proof.as_str())];
            let asked = self.egress.ask(&Call { headers: &headers, ..Call::post(address, &form, ANSWER) });
            let answer = asked.map_err(|error| match error.kind {
                ErrorKind::Invalid => Error::invalid(format!("{} could not be asked: {}", host(talk.issuer), error.message)),
                _ => error,
            })?;
            let said = answer.json().unwrap_or(Value::Null);
            let asks_for_nonce = matches!(answer.status(), 400 | 401)
                && (said["error"] == "use_dpop_nonce"
                    || answer.header("www-authenticate").is_some_and(|told| told.contains("use_dpop_nonce")));
            if let Some(nonce) = answer.header("dpop-nonce").filter(|nonce| nonce.len() <= LONGEST) {
                talk.nonce = Some(nonce.to_string());
            }
            if !(asks_for_nonce && again && talk.nonce.is_some()) {
                return Ok((answer.status(), said));
            }
        }
        Err(Error::internal("ask a server twice"))
    }
}

/// What is said to one server by one key.
struct Talk<'a> {
    issuer: &'a str,
    key: &'a SigningKey,
    nonce: Option<String>,
    now: i64,
}

impl Provider for Atproto {
    fn key(&self) -> &'static str {
        KEY
    }
    fn name(&self) -> &str {
        NAME
    }
    fn asks(&self) -> Option<&'static str> {
        Some("Handle")
    }
    fn callback(&self) -> Option<&'static str> {
        Some(CALLBACK)
    }
    fn introduction(&self) -> Option<Value> {
        Some(self.metadata())
    }
    fn vouches_as(&self, provider: &str) -> bool {
        provider == KEY
    }
    fn labels_move(&self) -> Option<&'static str> {
        Some(KEY)
    }
    fn label_today(&self, subject: &str) -> Result<Option<String>> {
        let did = Did::parse(subject).ok_or_else(|| Error::invalid("that is no DID"))?;
        let whereabouts = Asking::new(&self.egress, &self.dns, &self.places.directory).whereabouts(&did, None)?;
        // Whoever lost their handle is shown by what never changes.
        Ok(Some(whereabouts.handle.unwrap_or_else(|| did.to_string())))
    }
    fn depart(&self, leaving: &Leaving<'_>) -> Result<Departure> {
        self.leave(leaving)
    }
    fn arrive(&self, returned: &Returned<'_>) -> Result<Someone> {
        self.receive(returned)
    }
}

/// Where the browser goes to log in.
fn destination(server: &AuthorizationServer, client: &str, request: &str) -> Result<Url> {
    let mut place = names::address(&server.authorization).ok_or_else(|| Error::internal("an address that was checked"))?;
    place.query_pairs_mut().append_pair("client_id", client).append_pair("request_uri", request);
    Ok(place)
}

/// What a server says that does not want to. Of its words only the code is shown: the rest may say anything.
fn declined(issuer: &str, answer: &Value) -> Error {
    let code = answer["error"].as_str().filter(|code| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
    let code = code.unwrap_or("no reason given");
    Error::invalid(format!("{} declined: {code}", host(issuer))).hint("Begin again; if that does not help, tell whoever runs this server.")
}

fn host(issuer: &str) -> &str {
    issuer.strip_prefix("https://").unwrap_or(issuer)
}
