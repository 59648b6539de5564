//! Signed, short-lived proof that a reader may read one wiki: checked by signature alone, so that the read path needs no database.

use crate::access::UserId;
use crate::wiki::WikiId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Longest life of a [`Viewer`] token, in seconds (security.md CDN-5: a revoked reader is out within it, whatever the caches).
pub const VIEWER_SECONDS: i64 = 60;

/// The little the read path knows of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// The wiki they may read.
    pub wiki: WikiId,
    /// Who they are.
    pub user: UserId,
    /// The access epoch of the wiki when the token was made: it counts every change of members and levels.
    pub epoch: u64,
    /// Unix seconds after which the token says nothing.
    pub expires: i64,
}

/// The key that signs viewer tokens. Never printed.
#[derive(Clone)]
pub struct ViewerKey([u8; 32]);

impl std::fmt::Debug for ViewerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ViewerKey(…)")
    }
}

impl ViewerKey {
    /// From 32 secret bytes.
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }
    fn mac(&self, payload: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(b"holt viewer 1");
        mac.update(payload);
        mac
    }
    /// The token for `viewer`: 32 payload bytes and a MAC, base64url.
    pub fn sign(&self, viewer: &Viewer) -> String {
        let mut bytes = payload(viewer).to_vec();
        bytes.extend_from_slice(&self.mac(&bytes).finalize().into_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
    /// The viewer, if the token is ours and not expired at `now` (Unix seconds).
    pub fn verify(&self, token: &str, now: i64) -> Option<Viewer> {
        if token.len() > 128 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (payload, tag) = bytes.split_at_checked(32)?;
        self.mac(payload).verify_slice(tag).ok()?;
        let number = |i: usize| i64::from_be_bytes(payload[i * 8..i * 8 + 8].try_into().expect("eight bytes"));
        let viewer =
            Viewer { wiki: WikiId::from_store(number(0))?, user: UserId(number(1)), epoch: number(2).cast_unsigned(), expires: number(3) };
        (viewer.expires > now && viewer.expires <= now + VIEWER_SECONDS).then_some(viewer)
    }
}

fn payload(viewer: &Viewer) -> [u8; 32] {
    let mut bytes = [0; 32];
    let numbers = [viewer.wiki.to_store(), viewer.user.0, viewer.epoch.cast_signed(), viewer.expires];
    for (i, number) in numbers.iter().enumerate() {
        bytes[i * 8..i * 8 + 8].copy_from_slice(&number.to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_believed_only_as_signed_and_only_for_its_time() {
        let key = ViewerKey::new([7; 32]);
        let viewer = Viewer { wiki: WikiId::from_random(9), user: UserId(3), epoch: 2, expires: 1_060 };
        let token = key.sign(&viewer);
        assert_eq!(key.verify(&token, 1_000), Some(viewer));
        assert_eq!(key.verify(&token, 1_060), None, "expired");
        assert_eq!(key.verify(&token, 900), None, "from the future: the clock jumped");
        assert_eq!(ViewerKey::new([8; 32]).verify(&token, 1_000), None);
        for i in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[i] = if forged[i] == b'A' { b'B' } else { b'A' };
            assert_ne!(key.verify(std::str::from_utf8(&forged).unwrap(), 1_000), Some(viewer));
        }
    }
}
