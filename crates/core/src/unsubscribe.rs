//! Signed links by which whoever has a mail stops such mail without logging in: good for one thing only, so that a mail that is passed on or
//! read by others gives nothing else away.

use crate::access::UserId;
use crate::wiki::WikiId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How long such a link is good, in seconds: mail is read late.
pub const UNSUBSCRIBE_SECONDS: i64 = 90 * 24 * 3600;

/// Whose mail stops, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The wiki that sends it.
    pub wiki: WikiId,
    /// Who gets it.
    pub user: UserId,
    /// Unix seconds after which the link says nothing.
    pub expires: i64,
}

/// The key that signs them. Never printed.
#[derive(Clone)]
pub struct UnsubscribeKey([u8; 32]);

impl std::fmt::Debug for UnsubscribeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UnsubscribeKey(…)")
    }
}

impl UnsubscribeKey {
    /// From 32 secret bytes.
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }
    fn mac(&self, payload: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(b"holt unsubscribe 1");
        mac.update(payload);
        mac
    }
    /// What stands in the link: 24 payload bytes and a MAC, base64url.
    pub fn sign(&self, unsubscribe: &Unsubscribe) -> String {
        let numbers = [unsubscribe.wiki.to_store(), unsubscribe.user.0, unsubscribe.expires];
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        bytes.extend_from_slice(&self.mac(&bytes).finalize().into_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
    /// What a link asks for, if it is ours and not too old at `now` (Unix seconds).
    pub fn verify(&self, token: &str, now: i64) -> Option<Unsubscribe> {
        if token.len() > 128 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (payload, tag) = bytes.split_at_checked(24)?;
        self.mac(payload).verify_slice(tag).ok()?;
        let number = |i: usize| i64::from_be_bytes(payload[i * 8..i * 8 + 8].try_into().expect("eight bytes"));
        let unsubscribe = Unsubscribe { wiki: WikiId::from_store(number(0))?, user: UserId(number(1)), expires: number(2) };
        (unsubscribe.expires > now).then_some(unsubscribe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_believed_only_as_signed_and_only_for_its_time() {
        let key = UnsubscribeKey::new([7; 32]);
        let unsubscribe = Unsubscribe { wiki: WikiId::from_random(9), user: UserId(3), expires: 1_060 };
        let token = key.sign(&unsubscribe);
        assert_eq!(key.verify(&token, 1_000), Some(unsubscribe));
        assert_eq!(key.verify(&token, 1_060), None, "expired");
        assert_eq!(UnsubscribeKey::new([8; 32]).verify(&token, 1_000), None);
        for i in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[i] = if forged[i] == b'A' { b'B' } else { b'A' };
            assert_ne!(key.verify(std::str::from_utf8(&forged).unwrap(), 1_000), Some(unsubscribe));
        }
        // A key is for one kind of token, even where both have the same bytes.
        assert_eq!(crate::session::ViewerKey::new([7; 32]).verify(&token, 1_000), None);
    }
}
