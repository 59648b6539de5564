//! What a browser and an authenticator say (WebAuthn Level 2, §5.8.1, §6.1): which challenge, for which place, by whom it was touched.

use super::cose;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Longest of what a browser says, in bytes.
const BYTES: usize = 4096;
/// Longest id of a passkey, in bytes (§6.5.1).
const ID: usize = 1023;
/// Somebody touched it; it saw who; it may be copied; it is; what follows is a new key; extensions.
const TOUCHED: u8 = 0x01;
const SAW_WHO: u8 = 0x04;
const MAY_BE_COPIED: u8 = 0x08;
const IS_COPIED: u8 = 0x10;
const NEW_KEY: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// What somebody wants who is at the authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceremony {
    /// A new passkey.
    Create,
    /// To log in.
    Get,
}

/// Where passkeys are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The host, without its port.
    pub host: String,
    /// Scheme, host and port, as browsers write them.
    pub origin: String,
}

/// Bytes that a form has as base64url.
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() <= BYTES)
}

/// The challenge that the browser says was answered, if it was for this ceremony on a page of this place, and on no other that has ours in a frame.
pub fn challenge(client_data: &[u8], ceremony: Ceremony, site: &Site) -> Option<String> {
    let said: Value = serde_json::from_slice(client_data).ok()?;
    let kind = if ceremony == Ceremony::Create { "webauthn.create" } else { "webauthn.get" };
    let crossed = said.get("crossOrigin").is_some_and(|crossed| crossed != false) || said.get("topOrigin").is_some();
    (said["type"] == kind && said["origin"] == site.origin.as_str() && !crossed)
        .then(|| said["challenge"].as_str().map(str::to_string))
        .flatten()
}

/// What an authenticator says.
#[derive(Debug, PartialEq, Eq)]
pub struct Authenticator<'a> {
    /// How often it was used; 0: it does not count.
    pub counter: u32,
    /// The new passkey: its id and its key (COSE_Key).
    pub made: Option<(&'a [u8], &'a [u8])>,
}

/// Reads it. None if it is about another place, nobody touched it, it did not see who, or it is not whole.
pub fn authenticator<'a>(data: &'a [u8], site: &Site) -> Option<Authenticator<'a>> {
    let (place, rest) = data.split_at_checked(32)?;
    let (flags, rest) = rest.split_first()?;
    let (counter, mut rest) = rest.split_first_chunk::<4>()?;
    if place != Sha256::digest(&site.host).as_slice() || flags & (TOUCHED | SAW_WHO) != TOUCHED | SAW_WHO {
        return None;
    }
    if flags & IS_COPIED != 0 && flags & MAY_BE_COPIED == 0 {
        return None;
    }
    let mut made = None;
    if flags & NEW_KEY != 0 {
        // 16 bytes say of which make it is.
        let (length, after) = rest.get(16..)?.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (id, after) = after.split_at_checked(length).filter(|_| (1..=ID).contains(&length))?;
        let (_, taken) = cose::key(after)?;
        let (key, after) = after.split_at_checked(taken)?;
        (made, rest) = (Some((id, key)), after);
    }
    // Extensions that nobody asked for say nothing.
    let whole = rest.is_empty() || flags & EXTENSIONS != 0;
    whole.then(|| Authenticator { counter: u32::from_be_bytes(*counter), made })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn site() -> Site {
        Site { host: "example.org".into(), origin: "https://example.org".into() }
    }

    #[test]
    fn only_this_page_is_listened_to() {
        let of = |said: Value| challenge(said.to_string().as_bytes(), Ceremony::Get, &site());
        let fine = json!({"type": "webauthn.get", "challenge": "x", "origin": "https://example.org", "crossOrigin": false});
        assert_eq!(of(fine.clone()).as_deref(), Some("x"));
        for (name, value) in [
            ("type", json!("webauthn.create")),
            ("origin", json!("https://evil.example.org")),
            ("origin", json!("https://example.org:8443")),
            ("origin", json!("http://example.org")),
            ("origin", json!("https://example.org/")),
            ("crossOrigin", json!(true)),
            ("crossOrigin", json!("false")),
            ("topOrigin", json!("https://evil.example")),
            ("challenge", json!(7)),
        ] {
            let mut odd = fine.clone();
            odd[name] = value;
            assert_eq!(of(odd.clone()), None, "{odd}");
        }
        assert_eq!(challenge(b"{", Ceremony::Get, &site()), None);
    }

    #[test]
    fn only_this_place_and_whole_answers_count() {
        let data = |host: &str, flags: u8, rest: &[u8]| [Sha256::digest(host).as_slice(), &[flags], &[0, 0, 1, 2], rest].concat();
        let read =
            |data: &[u8]| authenticator(data, &site()).map(|said| (said.counter, said.made.map(|(id, key)| (id.to_vec(), key.to_vec()))));
        assert_eq!(read(&data("example.org", 0x05, &[])), Some((258, None)));
        assert_eq!(read(&data("example.org", 0x1d, &[])), Some((258, None)));
        let key = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], &[7; 32], &[0x22, 0x58, 32], &[9; 32]].concat();
        let made = [&[0; 16][..], &[0, 3], b"abc", &key].concat();
        assert_eq!(read(&data("example.org", 0x45, &made)), Some((258, Some((b"abc".to_vec(), key.clone())))));
        assert_eq!(read(&data("example.org", 0xc5, &[&made[..], &[0xa0]].concat())), Some((258, Some((b"abc".to_vec(), key)))));
        for (what, odd) in [
            ("another place", data("evil.example", 0x05, &[])),
            ("nobody touched it", data("example.org", 0x04, &[])),
            ("it did not see who", data("example.org", 0x01, &[])),
            ("a copy of what cannot be copied", data("example.org", 0x15, &[])),
            ("more than it says", data("example.org", 0x05, &[0])),
            ("more after the key", data("example.org", 0x45, &[&made[..], &[0]].concat())),
            ("an id of no bytes", data("example.org", 0x45, &[&[0; 18][..], &[1; 80]].concat())),
        ] {
            assert_eq!(read(&odd), None, "{what}");
        }
        let whole = data("example.org", 0x45, &made);
        for cut in 0..whole.len() {
            assert_eq!(read(&whole[..cut]), None, "{cut}");
        }
    }
}
