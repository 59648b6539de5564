//! An issuer of this test's own: it checks what a real one checks (client, redirect URI, PKCE, codes that are good once), and lies where a test wants
//! it to. The real one is in e2e/scenarios/oidc.test.mjs.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use url::Url;

/// What the issuer calls Holt, and the secret it gave.
pub const CLIENT: &str = "holt client/1";
pub const SECRET: &str = "s3cret: & more";

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    Es256,
    Rs256,
    /// `alg: none`, and no signature.
    None,
    /// HMAC with the public key as everybody can read it.
    PublicKeyAsSecret,
    /// By a key that is not the issuer's, under the name of one that is.
    Stranger,
}

/// What a path is answered instead of the truth.
#[derive(Debug, Clone)]
pub enum Lie {
    /// These bytes, and the end.
    Bytes(Vec<u8>),
    /// Nothing, for as long as the other side waits.
    Silence,
    /// A byte now and then, for as long as the other side waits.
    Drip,
}

struct State {
    ec: EcdsaKeyPair,
    /// What the curve's key is called.
    kid: String,
    signing: Signing,
    /// Set over the claims of the next tokens; null: taken out.
    claims: Value,
    /// Set over the header.
    header: Value,
    userinfo: Value,
    discovery: Value,
    lies: HashMap<String, Lie>,
    codes: HashMap<String, HashMap<String, String>>,
    asked: Vec<String>,
}

#[derive(Clone)]
pub struct Issuer {
    pub place: String,
    state: Arc<Mutex<State>>,
}

fn fresh_key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap()
}

fn rsa() -> RsaKeyPair {
    RsaKeyPair::from_der(include_bytes!("rsa-key.der")).unwrap()
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

impl Issuer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let state = State {
            ec: fresh_key(),
            kid: "one".to_string(),
            signing: Signing::Es256,
            claims: json!({"name": "Ada Lovelace", "email": "ada@company.example", "email_verified": true}),
            header: json!({}),
            userinfo: json!({}),
            discovery: json!({}),
            lies: HashMap::new(),
            codes: HashMap::new(),
            asked: Vec::new(),
        };
        let issuer = Self { place, state: Arc::new(Mutex::new(state)) };
        let serving = issuer.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (serving, stream) = (serving.clone(), stream.unwrap());
                std::thread::spawn(move || serving.serve(stream));
            }
        });
        issuer
    }
    pub fn address(&self) -> String {
        format!("http://{}", self.place)
    }
    /// The flags of a server that trusts this issuer.
    pub fn flags<'f>(&'f self, more: &[&'f str]) -> Vec<String> {
        let file = std::env::temp_dir().join(format!("holt-oidc-secret-{}", self.place.replace(':', "-")));
        std::fs::write(&file, format!("{SECRET}\n")).unwrap();
        let (address, file) = (self.address(), file.display().to_string());
        let own =
            ["--oidc-issuer", &address, "--oidc-client-id", CLIENT, "--oidc-client-secret-file", &file, "--oidc-own-host", &self.place];
        own.iter().chain(&["--oidc-name", "Company"]).chain(more).map(ToString::to_string).collect()
    }
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }
    /// What stands in tokens from now on; null takes something out.
    pub fn claims(&self, claims: &Value) {
        self.with(|state| merge(&mut state.claims, claims));
    }
    pub fn header(&self, header: Value) {
        self.with(|state| state.header = header);
    }
    pub fn userinfo(&self, said: Value) {
        self.with(|state| state.userinfo = said);
    }
    pub fn discovery(&self, said: Value) {
        self.with(|state| state.discovery = said);
    }
    pub fn signs(&self, signing: Signing) {
        self.with(|state| state.signing = signing);
    }
    pub fn lies(&self, path: &str, lie: Lie) {
        self.with(|state| state.lies.insert(path.to_string(), lie));
    }
    pub fn tells_the_truth(&self) {
        self.with(|state| state.lies.clear());
    }
    /// A new key, under another name or the same.
    pub fn rotates(&self, kid: &str) {
        self.with(|state| (state.ec, state.kid) = (fresh_key(), kid.to_string()));
    }
    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.with(|state| state.asked.iter().filter(|asked| *asked == path).count())
    }
    /// Somebody agrees to what stands in `url`: the query with which they are sent back.
    pub fn agrees(&self, url: &Url) -> String {
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!((query["response_type"].as_str(), query["client_id"].as_str()), ("code", CLIENT));
        assert_eq!((query["scope"].as_str(), query["code_challenge_method"].as_str()), ("openid email profile", "S256"));
        assert!(query["state"].len() >= 43 && query["nonce"].len() >= 43 && query["code_challenge"].len() == 43, "{query:?}");
        let code = format!("code-{}", b64(query["state"].as_bytes()));
        let state = query["state"].clone();
        self.with(|own| own.codes.insert(code.clone(), query));
        let pairs = [("code", code), ("state", state), ("iss", self.address())];
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }
    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            head.push(line.trim_end().to_string());
        }
        let mut body = vec![0; length];
        let Some(first) = head.first().filter(|_| reader.read_exact(&mut body).is_ok()) else { return };
        let path = first.split(' ').nth(1).unwrap().to_string();
        let lie = self.with(|state| {
            state.asked.push(path.clone());
            state.lies.get(&path).cloned()
        });
        let header = |name: &str| {
            let all = head.iter().filter_map(|line| line.split_once(": "));
            all.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_string()).next()
        };
        match lie {
            Some(Lie::Bytes(bytes)) => drop(stream.write_all(&bytes)),
            // Until the other side has had enough.
            Some(Lie::Silence) => drop(stream.read(&mut [0; 16])),
            Some(Lie::Drip) => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
                // Slow on purpose: a body that never ends, for as long as the other side listens.
                while stream.write_all(b" ").is_ok() {
                    std::thread::sleep(std::time::Duration::from_millis(100));
                }
            }
            None => {
                let (status, said) = match path.as_str() {
                    "/.well-known/openid-configuration" => (200, self.describes()),
                    "/keys" => (200, self.keys()),
                    "/token" => self.exchanges(&header("authorization").unwrap_or_default(), &body),
                    "/userinfo" if header("authorization").as_deref() == Some("Bearer access") => {
                        (200, self.with(|state| state.userinfo.clone()))
                    }
                    _ => (404, json!({})),
                };
                drop(stream.write_all(&answer(status, &said)));
            }
        }
    }
    fn describes(&self) -> Value {
        let own = self.address();
        let mut said = json!({
            "issuer": own,
            "authorization_endpoint": format!("{own}/authorize?tenant=1"),
            "token_endpoint": format!("{own}/token"),
            "userinfo_endpoint": format!("{own}/userinfo"),
            "jwks_uri": format!("{own}/keys"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        self.with(|state| merge(&mut said, &state.discovery));
        said
    }
    fn keys(&self) -> Value {
        let rsa = rsa();
        let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(rsa.public());
        self.with(|state| {
            let point = state.ec.public_key().as_ref();
            json!({"keys": [
                {"kty": "EC", "crv": "P-256", "kid": state.kid, "use": "sig", "alg": "ES256", "x": b64(&point[1..33]), "y": b64(&point[33..65])},
                {"kty": "RSA", "kid": "rsa", "use": "sig", "n": b64(&public.n), "e": b64(&public.e)},
                {"kty": "RSA", "kid": "rsa-enc", "use": "enc", "n": b64(&public.n), "e": b64(&public.e)},
                {"kty": "oct", "kid": "odd", "k": "AAAA"},
            ]})
        })
    }
    fn exchanges(&self, authorization: &str, body: &[u8]) -> (u16, Value) {
        let form: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        let part = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let expected = format!("Basic {}", STANDARD.encode(format!("{}:{}", part(CLIENT), part(SECRET))));
        if authorization != expected {
            return (401, json!({"error": "invalid_client"}));
        }
        let Some(asked) = self.with(|state| state.codes.remove(form.get("code").map_or("", String::as_str))) else {
            return (400, json!({"error": "invalid_grant"}));
        };
        let challenge = b64(Sha256::digest(form.get("code_verifier").map_or("", String::as_str)));
        if challenge != asked["code_challenge"]
            || form.get("redirect_uri") != asked.get("redirect_uri")
            || form["grant_type"] != "authorization_code"
        {
            return (400, json!({"error": "invalid_grant"}));
        }
        let mut claims =
            json!({"iss": self.address(), "sub": "ada-1", "aud": CLIENT, "iat": now(), "exp": now() + 300, "nonce": asked["nonce"]});
        self.with(|state| merge(&mut claims, &state.claims));
        (200, json!({"access_token": "access", "token_type": "Bearer", "id_token": self.sign(&claims)}))
    }
    fn sign(&self, claims: &Value) -> String {
        self.with(|state| {
            let (alg, kid) = match state.signing {
                Signing::Es256 | Signing::Stranger => ("ES256", state.kid.as_str()),
                Signing::Rs256 => ("RS256", "rsa"),
                Signing::None => ("none", state.kid.as_str()),
                Signing::PublicKeyAsSecret => ("HS256", state.kid.as_str()),
            };
            let mut header = json!({"alg": alg, "kid": kid});
            merge(&mut header, &state.header);
            let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
            let random = SystemRandom::new();
            let signature = match state.signing {
                Signing::Es256 => state.ec.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
                Signing::Stranger => fresh_key().sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
                Signing::Rs256 => {
                    let key = rsa();
                    let mut signature = vec![0; key.public().modulus_len()];
                    key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
                    signature
                }
                Signing::None => Vec::new(),
                Signing::PublicKeyAsSecret => {
                    let mac = Hmac::<Sha256>::new_from_slice(state.ec.public_key().as_ref()).unwrap();
                    mac.chain_update(&signed).finalize().into_bytes().to_vec()
                }
            };
            format!("{signed}.{}", b64(signature))
        })
    }
}

pub fn answer(status: u16, said: &Value) -> Vec<u8> {
    let body = said.to_string();
    format!("HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn merge(into: &mut Value, more: &Value) {
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => drop(into.as_object_mut().unwrap().remove(name)),
            value => into[name] = value.clone(),
        }
    }
}
