//! An `id_token`: whether the issuer signed it, for us, now, for this very log-in (OpenID Connect Core §3.1.3.7, RFC 8725).

use crate::signature::{Algorithm, Form, PublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holt_core::Result;
use serde_json::Value;

/// Longest token, in bytes.
const BYTES: usize = 32 * 1024;
/// How far the issuer's clock may be from ours, in seconds.
const SKEW: i64 = 60;
/// Oldest token, in seconds: it was made while somebody waited for it.
const AGE: i64 = 15 * 60;
/// Longest `sub`, in bytes (OpenID Connect Core §2).
const SUBJECT: usize = 255;

/// How a token says it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// By which algorithm: one of ours, whatever the token says.
    pub algorithm: Algorithm,
    /// By which key, if it says so.
    pub key: Option<String>,
}

/// What has to stand in it.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// In `aud`.
    pub client: &'a str,
    /// `nonce`.
    pub nonce: &'a str,
    /// Unix seconds.
    pub now: i64,
}

/// The claims of a token; inside, why it is not believed. `key`: the issuer's key by which it was signed, none if it has no such one.
pub fn check(
    token: &str,
    expected: &Expected<'_>,
    key: impl FnOnce(&Header) -> Result<Option<PublicKey>>,
) -> Result<std::result::Result<Value, &'static str>> {
    let (header, signed, signature, claims) = match read(token) {
        Ok(parts) => parts,
        Err(why) => return Ok(Err(why)),
    };
    let Some(key) = key(&header)? else { return Ok(Err("no key of the issuer's fits")) };
    if key.algorithm() != header.algorithm || !key.signed(signed.as_bytes(), &signature, Form::Fixed) {
        return Ok(Err("the issuer did not sign it"));
    }
    Ok(judge(&claims, expected).map(|()| claims))
}

/// Header, what is signed, signature, claims: nothing of them is believed yet.
fn read(token: &str) -> std::result::Result<(Header, &str, Vec<u8>, Value), &'static str> {
    if token.len() > BYTES {
        return Err("the token is too long");
    }
    let (signed, signature) = token.rsplit_once('.').ok_or("that is no token")?;
    let (head, claims) = signed.split_once('.').filter(|(_, claims)| !claims.contains('.')).ok_or("that is no token")?;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| "that is no token");
    let object = |text: &str| {
        let value: Value = serde_json::from_slice(&bytes(text)?).map_err(|_| "that is no token")?;
        if value.is_object() { Ok(value) } else { Err("that is no token") }
    };
    let head = object(head)?;
    let algorithm = head["alg"].as_str().and_then(Algorithm::parse).ok_or("it is signed in no way that is believed")?;
    // What has to be understood, and is not (RFC 7515 §4.1.11).
    if head.get("crit").is_some() {
        return Err("it asks for what is not known");
    }
    let key = match head.get("kid") {
        None => None,
        Some(Value::String(key)) => Some(key.clone()),
        Some(_) => return Err("that is no token"),
    };
    Ok((Header { algorithm, key }, signed, bytes(signature)?, object(claims)?))
}

fn judge(claims: &Value, expected: &Expected<'_>) -> std::result::Result<(), &'static str> {
    if claims["iss"].as_str() != Some(expected.issuer) {
        return Err("it is another issuer's");
    }
    let others = match &claims["aud"] {
        Value::String(one) if one == expected.client => false,
        Value::Array(all) if all.iter().any(|one| one == expected.client) => all.len() > 1,
        _ => return Err("it is for somebody else"),
    };
    match claims.get("azp") {
        Some(party) if party.as_str() != Some(expected.client) => return Err("somebody else may use it"),
        None if others => return Err("it is for several, and says not who may use it"),
        _ => {}
    }
    let time = |name: &str| claims[name].as_i64().or_else(|| claims[name].as_f64().filter(|time| time.is_finite()).map(|time| time as i64));
    let (now, Some(expires), Some(issued)) = (expected.now, time("exp"), time("iat")) else {
        return Err("it does not say when it is good");
    };
    if expires.saturating_add(SKEW) <= now {
        return Err("it is over");
    }
    if issued.saturating_sub(SKEW) > now
        || claims.get("nbf").is_some_and(|_| time("nbf").is_none_or(|from| from.saturating_sub(SKEW) > now))
    {
        return Err("it is not good yet");
    }
    if issued.saturating_add(AGE) < now {
        return Err("it is too old");
    }
    if claims["nonce"].as_str() != Some(expected.nonce) {
        return Err("it was made for another log-in");
    }
    let fine = |subject: &str| (1..=SUBJECT).contains(&subject.len()) && !subject.chars().any(char::is_control);
    if !claims["sub"].as_str().is_some_and(fine) {
        return Err("it says not of whom");
    }
    Ok(())
}
