//! Keys and what is proved with them: who we are (`private_key_jwt`, RFC 7523), and that a request is made by whoever began (DPoP, RFC 9449).
//! ES256 alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holt_core::{Error, Result};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// How long we are believed to be who we say, in seconds.
const ASSERTION_SECONDS: i64 = 60;
/// How long a proof of possession is good, in seconds.
const PROOF_SECONDS: i64 = 30;

/// A private key on the curve P-256. `Debug` shows nothing of it.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    document: Vec<u8>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.thumbprint())
    }
}

impl SigningKey {
    /// A new one.
    pub fn generate() -> Result<Self> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Self::from_pkcs8(made.map_err(|_| Error::internal("make a key"))?.as_ref())
    }
    /// The one that [`SigningKey::pkcs8`] gave.
    pub fn from_pkcs8(document: &[u8]) -> Result<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document, &SystemRandom::new());
        let pair = pair.map_err(|rejected| Error::internal(format!("read a key: {rejected}")))?;
        Ok(Self { pair, document: document.to_vec() })
    }
    /// The key as it is kept (PKCS #8). A secret.
    pub fn pkcs8(&self) -> &[u8] {
        &self.document
    }
    /// The public half as a JWK (RFC 7517), and nothing of the other.
    pub fn public_jwk(&self) -> Value {
        let (x, y) = self.coordinates();
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
    }
    /// What the public half is called: its thumbprint (RFC 7638).
    pub fn thumbprint(&self) -> String {
        let (x, y) = self.coordinates();
        digest(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#))
    }
    fn coordinates(&self) -> (String, String) {
        // An uncompressed point: 4, then 32 bytes each.
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y))
    }
    /// A signed token of these parts (RFC 7515, compact).
    fn sign(&self, header: &Value, claims: &Value) -> Result<String> {
        let said = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), said.as_bytes()).map_err(|_| Error::internal("sign"))?;
        Ok(format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
    /// That `client` asks, said to the authorization server `issuer` alone.
    pub fn assertion(&self, client: &str, issuer: &str, now: i64) -> Result<String> {
        let header = json!({"typ": "JWT", "alg": "ES256", "kid": self.thumbprint()});
        let claims = json!({
            "iss": client, "sub": client, "aud": issuer, "jti": random()?, "iat": now, "exp": now.saturating_add(ASSERTION_SECONDS),
        });
        self.sign(&header, &claims)
    }
    /// That whoever has this key sends one POST to `url`. `nonce` is what the server said last.
    pub fn possession(&self, url: &str, nonce: Option<&str>, now: i64) -> Result<String> {
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.public_jwk()});
        let target = url.split(['?', '#']).next().unwrap_or_default();
        let mut claims = json!({
            "jti": random()?, "htm": "POST", "htu": target, "iat": now, "exp": now.saturating_add(PROOF_SECONDS),
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        self.sign(&header, &claims)
    }
}

/// SHA-256 as RFC 7636 and RFC 7638 write it.
pub fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// 256 bits nobody can guess, in 43 characters.
fn random() -> Result<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::internal("ask the system for random bytes"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    fn part(token: &str, at: usize) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn what_is_signed_can_be_checked_by_the_public_half() {
        let key = SigningKey::from_pkcs8(SigningKey::generate().unwrap().pkcs8()).unwrap();
        for token in [key.assertion("c", "i", 7).unwrap(), key.possession("https://as.example/token?x#y", Some("n"), 7).unwrap()] {
            let (said, signature) = token.rsplit_once('.').unwrap();
            let jwk = key.public_jwk();
            let half = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [vec![4], half("x"), half("y")].concat());
            public.verify(said.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
            assert!(public.verify(b"other", &URL_SAFE_NO_PAD.decode(signature).unwrap()).is_err());
        }
        let proof = key.possession("https://as.example/token?x#y", Some("n"), 7).unwrap();
        let claims = part(&proof, 1);
        assert_eq!(
            (claims["htu"].as_str(), claims["htm"].as_str(), claims["nonce"].as_str()),
            (Some("https://as.example/token"), Some("POST"), Some("n"))
        );
        assert_eq!((claims["iat"].as_i64(), claims["exp"].as_i64()), (Some(7), Some(37)));
        assert_eq!(part(&proof, 0)["jwk"].as_object().unwrap().keys().collect::<Vec<_>>(), ["crv", "kty", "x", "y"]);
        let assertion = part(&key.assertion("c", "i", 7).unwrap(), 1);
        assert_eq!((assertion["aud"].as_str(), assertion["exp"].as_i64()), (Some("i"), Some(67)));
        assert_eq!(part(&key.assertion("c", "i", 7).unwrap(), 0)["kid"], key.thumbprint());
        assert!(!format!("{key:?}").contains(&URL_SAFE_NO_PAD.encode(&key.pkcs8()[36..68])));
    }

    #[test]
    fn nothing_is_said_twice() {
        let key = SigningKey::generate().unwrap();
        let jti = |token: String| part(&token, 1)["jti"].as_str().unwrap().to_string();
        assert_ne!(jti(key.assertion("c", "i", 7).unwrap()), jti(key.assertion("c", "i", 7).unwrap()));
        assert_eq!(
            digest("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "RFC 7636, appendix B"
        );
    }
}
