//! Passkeys (WebAuthn): how somebody adds one, and logs in by it without saying who they are. ES256 and RS256; which make an authenticator is nobody's
//! business, so no attestation is asked for.
//!
//! A challenge is a row of `sign_in_requests` under its hash, good once, for ten minutes, in the browser that asked for it; what is checked is in
//! `said.rs`. A passkey is good at one host. Of a platform that is the domain itself: browsers would let a wiki below it ask for it, too, but such an
//! answer says the wiki's origin.

mod cose;
mod said;

use crate::elsewhere::Threshold;
use crate::session;
use crate::signature::Form;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use holt_core::{Error, Result, Timestamp, UserId};
use holt_engine::directory::{Directory, NewSignInRequest, Passkey, UserRecord};
use holt_engine::publish;
use holt_fragments::assets;
use said::Ceremony;
pub use said::Site;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What `sign_in_requests.provider` says.
const PROVIDER: &str = "passkey";
/// How long a browser waits for its owner, in milliseconds.
const PATIENCE: u32 = 5 * 60 * 1000;
/// Longest name of a passkey, in characters.
const NAME: usize = 100;

/// Where passkeys of a page are good; none where browsers know none, as at a bare address.
pub fn site(scheme: &str, host: &str) -> Option<Site> {
    let name = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let is_name = !name.is_empty() && !host.starts_with('[') && name.parse::<std::net::IpAddr>().is_err();
    is_name.then(|| Site { origin: format!("{scheme}://{}", host.to_ascii_lowercase()), host: name })
}

/// What a page needs that has to do with passkeys.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Those of whoever reads; empty on log-in pages.
    pub lines: Vec<Line>,
    /// Where its forms go.
    pub url: &'static str,
    /// Where its script asks what to ask.
    pub options_url: &'static str,
    /// The script.
    pub script: &'static str,
}

impl Shown {
    /// For a log-in page.
    pub fn at(url: &'static str, options_url: &'static str) -> Self {
        Self { lines: Vec::new(), url, options_url, script: assets::url("passkeys.js") }
    }
    /// With those of an account.
    pub fn of(self, directory: &Directory, user: UserId) -> Result<Self> {
        let line = |passkey: Passkey| Line {
            id: URL_SAFE_NO_PAD.encode(&passkey.id),
            name: passkey.name,
            used: passkey.last_used.map(|seconds| publish::date(Timestamp::utc(seconds))),
        };
        Ok(Self { lines: directory.passkeys_of(user)?.into_iter().map(line).collect(), ..self })
    }
}

/// A passkey, for its owner.
#[derive(Debug, Clone)]
pub struct Line {
    /// Names it, in base64url.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// When it was last used.
    pub used: Option<String>,
}

/// What a browser is asked for, and the cookie that goes with it. `user`: who wants a new passkey; none: somebody logs in.
pub fn ask(threshold: Threshold<'_>, site: &Site, user: Option<&UserRecord>) -> Result<(Value, String)> {
    threshold.charge()?;
    let directory = threshold.app.engine.directory();
    let (secret, cookie) = session::set_out_elsewhere(threshold.app)?;
    let challenge = session::random()?;
    let row = NewSignInRequest {
        state: &challenge,
        provider: PROVIDER,
        challenge: &Directory::challenge(&secret),
        wiki: threshold.wiki,
        user: user.map(|user| user.id),
        back: &site.origin,
        data: "null",
        return_to: "",
    };
    directory.create_sign_in_request(&row, threshold.now())?;
    let Some(user) = user else {
        let asked = json!({"challenge": challenge, "rpId": site.host, "userVerification": "required", "timeout": PATIENCE});
        return Ok((asked, cookie));
    };
    let known = directory.passkeys_of(user.id)?.into_iter().filter(|passkey| passkey.host == site.host);
    let known: Vec<String> = known.map(|passkey| URL_SAFE_NO_PAD.encode(passkey.id)).collect();
    let asked = json!({
        "challenge": challenge,
        "rp": {"id": site.host, "name": site.host},
        "user": {"id": handle(directory, user.id)?, "name": user.email, "displayName": user.name},
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}],
        "authenticatorSelection": {"residentKey": "required", "requireResidentKey": true, "userVerification": "required"},
        "attestation": "none",
        "excludeCredentials": known,
        "timeout": PATIENCE,
    });
    Ok((asked, cookie))
}

/// What authenticators call an account: it says nothing of whoever has it (§14.6.1).
fn handle(directory: &Directory, user: UserId) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&directory.secret("user handles of passkeys")?).expect("HMAC takes a key of any length");
    mac.update(&user.0.to_be_bytes());
    Ok(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn refused() -> Error {
    Error::invalid("that passkey is not known here, or took too long").hint("Try again, or log in another way.")
}

/// What came back from the browser: the bytes of a field.
fn field(threshold: Threshold<'_>, name: &str) -> Result<Vec<u8>> {
    said::bytes(threshold.request.body.get(name)).filter(|bytes| !bytes.is_empty()).ok_or_else(refused)
}

/// Uses up the challenge that was answered, if it was asked for by this browser at this place, for `user`.
fn answered(threshold: Threshold<'_>, site: &Site, ceremony: Ceremony, client_data: &[u8], user: Option<UserId>) -> Result<()> {
    let challenge = said::challenge(client_data, ceremony, site).ok_or_else(refused)?;
    let row = threshold.app.engine.directory().take_sign_in_request(&challenge, threshold.now())?.ok_or_else(refused)?;
    let (secret, _) = session::arrive_from_elsewhere(threshold.app, &threshold.request.headers);
    let same = secret.is_some_and(|secret| Directory::challenge(&secret) == row.challenge);
    let here = row.provider == PROVIDER && row.wiki == threshold.wiki && row.back == site.origin && row.user == user;
    if same && here { Ok(()) } else { Err(refused()) }
}

/// Adds a passkey to the account of `user`: fields `client_data`, `authenticator_data`, `name`. What it is called.
pub fn add(threshold: Threshold<'_>, site: &Site, user: UserId) -> Result<String> {
    threshold.charge()?;
    let (client_data, data) = (field(threshold, "client_data")?, field(threshold, "authenticator_data")?);
    answered(threshold, site, Ceremony::Create, &client_data, Some(user))?;
    let said = said::authenticator(&data, site).ok_or_else(refused)?;
    let (id, key) = said.made.ok_or_else(refused)?;
    let name: String = threshold.request.body.get("name").trim().chars().filter(|c| !c.is_control()).take(NAME).collect();
    let name = if name.is_empty() { "Passkey".to_string() } else { name };
    threshold.app.engine.directory().add_passkey(&Passkey {
        id: id.to_vec(),
        user,
        host: site.host.clone(),
        key: key.to_vec(),
        counter: said.counter,
        name: name.clone(),
        created: threshold.now(),
        last_used: None,
    })?;
    Ok(name)
}

/// Who logs in by a passkey: fields `id`, `client_data`, `authenticator_data`, `signature`, `user_handle`.
pub fn log_in(threshold: Threshold<'_>, site: &Site) -> Result<UserRecord> {
    threshold.charge()?;
    let directory = threshold.app.engine.directory();
    let (client_data, data) = (field(threshold, "client_data")?, field(threshold, "authenticator_data")?);
    let (id, signature) = (field(threshold, "id")?, field(threshold, "signature")?);
    answered(threshold, site, Ceremony::Get, &client_data, None)?;
    let said = said::authenticator(&data, site).ok_or_else(refused)?;
    let passkey = directory.passkey(&id)?.filter(|passkey| passkey.host == site.host).ok_or_else(refused)?;
    let (key, _) = cose::key(&passkey.key).ok_or_else(|| Error::internal("read a passkey"))?;
    let signed = [data.as_slice(), Sha256::digest(&client_data).as_slice()].concat();
    let whose = threshold.request.body.get("user_handle");
    if !key.signed(&signed, &signature, Form::Der) || whose != handle(directory, passkey.user)? {
        return Err(refused());
    }
    if !directory.passkey_used(&id, said.counter, threshold.now())? {
        tracing::warn!(user = passkey.user.0, "a passkey counts backwards: there may be a copy of it");
        return Err(refused());
    }
    let user = directory.user(passkey.user)?.ok_or_else(refused)?;
    directory.touch(user.id, threshold.now())?;
    Ok(user)
}

/// Takes a passkey from an account: field `remove`, its id.
pub fn remove(threshold: Threshold<'_>, user: UserId) -> Result<()> {
    let id = said::bytes(threshold.request.body.get("remove")).ok_or_else(|| Error::not_found("you have no such passkey"))?;
    threshold.app.engine.directory().remove_passkey(user, &id)
}
