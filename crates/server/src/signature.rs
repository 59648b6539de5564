//! Public keys of others, and whether something was signed with them: ES256 and RS256 alone, whatever a message says of itself. The keys come as JWK
//! (RFC 7517) or as coordinates; what signs and why is for others to know.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::Value;

/// Longest modulus, in bytes: 8192 bits, the longest that is checked at all.
const MODULUS: usize = 1024;

/// How something is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits or more (RFC 7518 §3.3).
    Rs256,
}

impl Algorithm {
    /// As `alg` names it; none for every other one, `none` and HMAC above all.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }
}

/// How a signature by a curve is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Two numbers of 32 bytes (JWS).
    Fixed,
    /// ASN.1 (WebAuthn).
    Der,
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// A point on P-256: `04`, x, y.
    P256(Vec<u8>),
    /// Big-endian, without leading zeros.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({:?})", self.algorithm())
    }
}

impl PublicKey {
    /// A point; none if its coordinates are not 32 bytes each. Whether it lies on the curve is seen when it is used.
    pub fn p256(x: &[u8], y: &[u8]) -> Option<Self> {
        (x.len() == 32 && y.len() == 32).then(|| Self::P256([&[4], x, y].concat()))
    }
    /// A modulus and an exponent; none if they are empty or far too long.
    pub fn rsa(n: &[u8], e: &[u8]) -> Option<Self> {
        let strip = |bytes: &[u8]| bytes.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
        let (n, e) = (strip(n), strip(e));
        (!n.is_empty() && n.len() <= MODULUS && (1..=8).contains(&e.len())).then_some(Self::Rsa { n, e })
    }
    /// From a JWK. None for other kinds of keys, those that are not for signatures or for another algorithm, and those that hold a secret.
    pub fn from_jwk(jwk: &Value) -> Option<Self> {
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok();
        if jwk.get("use").is_some_and(|purpose| purpose != "sig") || jwk.get("d").is_some() || jwk.get("k").is_some() {
            return None;
        }
        let key = match jwk["kty"].as_str()? {
            "EC" if jwk["crv"] == "P-256" => Self::p256(&bytes("x")?, &bytes("y")?)?,
            "RSA" => Self::rsa(&bytes("n")?, &bytes("e")?)?,
            _ => return None,
        };
        let fits = jwk.get("alg").is_none_or(|alg| alg.as_str().and_then(Algorithm::parse) == Some(key.algorithm()));
        fits.then_some(key)
    }
    /// What it signs by: a key has one way, so that nobody can have another one used.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::P256(_) => Algorithm::Es256,
            Self::Rsa { .. } => Algorithm::Rs256,
        }
    }
    /// Whether whoever has the key signed `message`.
    pub fn signed(&self, message: &[u8], signature: &[u8], form: Form) -> bool {
        match self {
            Self::P256(point) => {
                let algorithm = if form == Form::Der { &ECDSA_P256_SHA256_ASN1 } else { &ECDSA_P256_SHA256_FIXED };
                UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()
            }
            Self::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// RFC 7515, appendices A.2 and A.3.
    #[test]
    fn the_examples_of_the_standard_are_signed() {
        let rsa = json!({
            "kty": "RSA",
            "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
            "e": "AQAB",
        });
        let ec = json!({
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        });
        let claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let by_rsa = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        let by_ec = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        for (jwk, head, signature) in [(&rsa, "eyJhbGciOiJSUzI1NiJ9", by_rsa), (&ec, "eyJhbGciOiJFUzI1NiJ9", by_ec)] {
            let key = PublicKey::from_jwk(jwk).unwrap();
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            let message = format!("{head}.{claims}");
            assert!(key.signed(message.as_bytes(), &signature, Form::Fixed), "{jwk}");
            assert!(!key.signed(format!("{message}x").as_bytes(), &signature, Form::Fixed), "{jwk}");
            assert!(!key.signed(message.as_bytes(), &signature[1..], Form::Fixed), "{jwk}");
            assert!(!key.signed(message.as_bytes(), &[], Form::Fixed), "{jwk}");
        }
        for (name, value) in
            [("use", json!("enc")), ("alg", json!("RS512")), ("alg", json!("none")), ("d", json!("AA")), ("kty", json!("oct"))]
        {
            let mut odd = rsa.clone();
            odd[name] = value;
            assert_eq!(PublicKey::from_jwk(&odd), None, "{odd}");
        }
        let mut odd = ec;
        odd["x"] = json!("AAAA");
        assert_eq!(PublicKey::from_jwk(&odd), None);
    }
}
