//! What has to be kept while somebody is elsewhere, so that the database alone gives nothing away (security.md SEC-1): it is opened by a secret
//! that only their browser has.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holt_core::{Error, Result};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::{Digest, Sha256};

/// Keeps this key apart from whatever else is made of such a secret.
const PURPOSE: &[u8] = b"holt sign-in at atproto v1\0";

/// `secret`, to be opened with `with`, which is 256 random bits and used for nothing else.
pub fn seal(with: &str, secret: &[u8]) -> Result<String> {
    let mut bytes = secret.to_vec();
    key(with)?.seal_in_place_append_tag(nonce(), Aad::empty(), &mut bytes).map_err(|_| Error::internal("seal what a sign-in needs"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What was sealed; none if it was with something else, or changed since.
pub fn open(with: &str, sealed: &str) -> Option<Vec<u8>> {
    let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let opened = key(with).ok()?.open_in_place(nonce(), Aad::empty(), &mut bytes).ok()?;
    Some(opened.to_vec())
}

fn key(with: &str) -> Result<LessSafeKey> {
    let secret = Sha256::digest([PURPOSE, with.as_bytes()].concat());
    let key = UnboundKey::new(&CHACHA20_POLY1305, secret.as_slice()).map_err(|_| Error::internal("make a key"))?;
    Ok(LessSafeKey::new(key))
}

/// Always the same: each key seals one text.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_it_was_sealed_with_opens_it() {
        let sealed = seal("one", b"the key").unwrap();
        assert_eq!(open("one", &sealed).as_deref(), Some(b"the key".as_slice()));
        assert!(open("other", &sealed).is_none() && open("one", &sealed[1..]).is_none() && open("one", "").is_none());
        assert!(!URL_SAFE_NO_PAD.decode(&sealed).unwrap().windows(3).any(|bytes| bytes == b"key"));
    }
}
