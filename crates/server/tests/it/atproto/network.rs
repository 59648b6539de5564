//! The servers of the AT Protocol, played by one listener that tells them apart by `Host`: a directory of DIDs, people's hosts, two servers of
//! accounts, two authorization servers and one that knows what people call themselves.
//!
//! The authorization servers check everything: who the program is (by the document that Holt shows), pushed requests, PKCE, proofs of possession with their
//! signature, method, address, nonce and time, and that nothing is said twice. It shares no code with what it tests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where accounts are, and where their people log in.
pub const PDS: &str = "pds.test";
pub const AUTH: &str = "auth.test";
/// The same of somebody who means no good.
pub const EVIL_PDS: &str = "pds.evil.test";
pub const EVIL_AUTH: &str = "auth.evil.test";
pub const DIRECTORY: &str = "plc.test";
pub const PROFILES: &str = "profiles.test";

/// What a server does otherwise than it should.
#[derive(Debug, Clone, PartialEq)]
pub enum Mischief {
    /// Answers a request for a token with other members.
    Token(&'static str, Value),
    /// Its description has another member; null: lacks it.
    Describes(&'static str, Value),
    /// Leads elsewhere instead of answering at this path.
    Redirects(&'static str),
    /// Asks for a nonce again and again.
    NeverContent,
    /// Refuses to take tokens back.
    KeepsTokens,
    /// Answers pushed requests with something else.
    Pushed(u16, &'static str),
    /// Says nothing at this path until it behaves again.
    Holds(&'static str),
}

struct Pushed {
    server: String,
    redirect: String,
    challenge: String,
    state: String,
    key: String,
}

struct Code {
    server: String,
    who: String,
    challenge: String,
    redirect: String,
    key: String,
}

#[derive(Default)]
struct State {
    documents: BTreeMap<String, Value>,
    hosts: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
    client: Value,
    mischief: Vec<Mischief>,
    asked: Vec<String>,
    hints: Vec<String>,
    said: BTreeSet<String>,
    nonce: usize,
    made: usize,
    pushed: BTreeMap<String, Pushed>,
    codes: BTreeMap<String, Code>,
    tokens: BTreeMap<String, String>,
}

/// All of them. Their threads end with the test process.
#[derive(Clone)]
pub struct Network {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    behaves: Arc<Condvar>,
}

struct Asked {
    method: String,
    host: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    form: BTreeMap<String, String>,
}

struct Told {
    status: u16,
    kind: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

fn told(status: u16, body: &Value) -> Told {
    Told { status, kind: "application/json", headers: Vec::new(), body: body.to_string() }
}

fn problem(status: u16, code: &str, why: &str) -> Told {
    told(status, &json!({"error": code, "error_description": why}))
}

impl Network {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let network = Self { address: listener.local_addr().unwrap(), state: Arc::default(), behaves: Arc::default() };
        let serving = network.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(stream));
            }
        });
        network
    }
    pub fn address(&self) -> SocketAddr {
        self.address
    }
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap())
    }
    /// What the program says of itself: what an authorization server would fetch.
    pub fn client_is(&self, document: Value) {
        self.with(|state| state.client = document);
    }
    /// Somebody with an account at the good server, whose host says who they are.
    pub fn person(&self, did: &str, handle: &str) {
        self.document(did, &document(did, handle, PDS));
        self.host_says(handle, did);
    }
    /// What the directory has of `did`; null: nothing.
    pub fn document(&self, did: &str, document: &Value) {
        self.with(|state| match document {
            Value::Null => state.documents.remove(did),
            _ => state.documents.insert(did.to_string(), document.clone()),
        });
    }
    /// What a handle's own host says it names; empty: nothing.
    pub fn host_says(&self, handle: &str, did: &str) {
        self.with(|state| state.hosts.insert(handle.to_string(), did.to_string()));
    }
    /// What somebody calls themselves.
    pub fn calls_themselves(&self, did: &str, name: &str) {
        self.with(|state| state.names.insert(did.to_string(), name.to_string()));
    }
    /// From now on.
    pub fn misbehave(&self, mischief: &[Mischief]) {
        self.with(|state| state.mischief = mischief.to_vec());
        self.behaves.notify_all();
    }
    /// `host path` of everything that was asked since the last time.
    pub fn take_asked(&self) -> Vec<String> {
        self.with(|state| std::mem::take(&mut state.asked))
    }
    /// How often that was asked since.
    pub fn asked(&self, what: &str) -> usize {
        self.with(|state| state.asked.iter().filter(|asked| *asked == what).count())
    }
    /// Whom the last pushed request said it was about.
    pub fn hint(&self) -> Option<String> {
        self.with(|state| state.hints.last().cloned())
    }
    /// Tokens that are good for something: access and refresh.
    pub fn live_tokens(&self) -> Vec<String> {
        self.with(|state| state.tokens.keys().cloned().collect())
    }
    /// What a browser does at the authorization server: `who` agrees, and is sent back. The address it is sent to.
    pub fn agree(&self, location: &str, who: &str) -> String {
        let rest = location.strip_prefix("https://").unwrap_or_else(|| panic!("{location}"));
        let (server, query) = rest.split_once("/oauth/authorize?").unwrap_or_else(|| panic!("{location}"));
        let query = fields(query);
        self.with(|state| {
            assert_eq!(query["client_id"], state.client["client_id"].as_str().unwrap());
            assert_eq!(query.len(), 2, "nothing else is in the open: {location}");
            let pushed = state.pushed.remove(&query["request_uri"]).expect("a request that was pushed");
            assert_eq!(pushed.server, server);
            state.made += 1;
            let code = format!("code-{}", state.made);
            let Pushed { redirect, challenge, state: going, key, .. } = pushed;
            let back = format!("{redirect}?iss=https%3A%2F%2F{server}&state={going}&code={code}");
            state.codes.insert(code, Code { server: server.to_string(), who: who.to_string(), challenge, redirect, key });
            back
        })
    }
    fn serve(&self, mut stream: TcpStream) {
        let Some(asked) = read(&mut stream) else { return };
        let mut state = self.state.lock().unwrap();
        state.asked.push(format!("{} {}", asked.host, asked.path));
        let holds =
            |state: &mut State| state.mischief.iter().any(|mischief| matches!(mischief, Mischief::Holds(path) if *path == asked.path));
        state = self.behaves.wait_while(state, holds).unwrap();
        let told = state.answer(&asked);
        drop(state);
        let mut head = format!("HTTP/1.1 {} X\r\nContent-Type: {}\r\nContent-Length: {}\r\n", told.status, told.kind, told.body.len());
        for (name, value) in &told.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let _ = stream.write_all(format!("{head}\r\n{}", told.body).as_bytes());
    }
}

/// The document of somebody with an account at `pds`.
pub fn document(did: &str, handle: &str, pds: &str) -> Value {
    json!({
        "@context": ["https://www.w3.org/ns/did/v1"], "id": did, "alsoKnownAs": [format!("at://{handle}")],
        "service": [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": format!("https://{pds}")}],
    })
}

impl State {
    fn answer(&mut self, asked: &Asked) -> Told {
        let lost = || problem(404, "NotFound", "there is nothing here");
        if self.mischief.iter().any(|mischief| matches!(mischief, Mischief::Redirects(path) if *path == asked.path)) {
            return Told { headers: vec![("Location", format!("https://{EVIL_AUTH}{}", asked.path))], ..told(302, &Value::Null) };
        }
        match (asked.method.as_str(), asked.host.as_str(), asked.path.as_str()) {
            ("GET", DIRECTORY, path) => self.documents.get(&path[1..]).map_or_else(lost, |document| told(200, document)),
            ("GET", PROFILES, "/xrpc/app.bsky.actor.getProfile") => {
                let name = self.names.get(&fields(&asked.query)["actor"]);
                name.map_or_else(lost, |name| told(200, &json!({"displayName": name})))
            }
            ("GET", host @ (PDS | EVIL_PDS), "/.well-known/oauth-protected-resource") => {
                let server = if host == PDS { AUTH } else { EVIL_AUTH };
                told(200, &json!({"resource": format!("https://{host}"), "authorization_servers": [format!("https://{server}")]}))
            }
            ("GET", host @ (AUTH | EVIL_AUTH), "/.well-known/oauth-authorization-server") => told(200, &self.description(host)),
            ("POST", AUTH | EVIL_AUTH, "/oauth/par") => self.ours(asked, Self::push),
            ("POST", AUTH | EVIL_AUTH, "/oauth/token") => self.ours(asked, Self::token),
            ("POST", AUTH | EVIL_AUTH, "/oauth/revoke") => self.ours(asked, Self::revoke),
            ("GET", host, "/.well-known/atproto-did") => match self.hosts.get(host).filter(|did| !did.is_empty()) {
                Some(did) => Told { status: 200, kind: "text/plain", headers: Vec::new(), body: format!("{did}\n") },
                None => lost(),
            },
            ("GET", host, "/.well-known/did.json") => {
                self.documents.get(&format!("did:web:{host}")).map_or_else(lost, |document| told(200, document))
            }
            _ => lost(),
        }
    }
    fn description(&self, host: &str) -> Value {
        let at = |path: &str| format!("https://{host}{path}");
        let mut description = json!({
            "issuer": at(""), "authorization_endpoint": at("/oauth/authorize"), "token_endpoint": at("/oauth/token"),
            "pushed_authorization_request_endpoint": at("/oauth/par"), "revocation_endpoint": at("/oauth/revoke"),
            "scopes_supported": ["atproto", "transition:generic"], "response_types_supported": ["code"], "response_modes_supported": ["query", "fragment"],
            "grant_types_supported": ["authorization_code", "refresh_token"], "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"], "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
            "dpop_signing_alg_values_supported": ["RS256", "ES256"], "authorization_response_iss_parameter_supported": true,
            "require_pushed_authorization_requests": true, "client_id_metadata_document_supported": true,
        });
        for mischief in &self.mischief {
            if let Mischief::Describes(member, value) = mischief {
                match value {
                    Value::Null => description.as_object_mut().unwrap().remove(*member),
                    _ => description.as_object_mut().unwrap().insert((*member).to_string(), value.clone()),
                };
            }
        }
        description
    }
    /// What only the program itself may ask, with a proof of possession. `work` is handed the key that the proof was made with.
    fn ours(&mut self, asked: &Asked, work: fn(&mut Self, &Asked, &str) -> Told) -> Told {
        let (fresh, told) = match self.possession(asked) {
            Err(told) => (false, told),
            Ok(key) => match self.assertion(asked) {
                Ok(()) => (true, work(self, asked, &key)),
                Err(why) => (false, problem(401, "invalid_client", &why)),
            },
        };
        // A nonce is good until the next answer but one.
        if fresh && asked.path == "/oauth/par" {
            self.nonce += 1;
        }
        let nonce = format!("nonce-{}", self.nonce);
        Told { headers: [told.headers, vec![("DPoP-Nonce", nonce)]].concat(), ..told }
    }
    /// RFC 9449 §4.3: the thumbprint of the key that the request was made with.
    fn possession(&mut self, asked: &Asked) -> Result<String, Told> {
        let bad = |why: &str| problem(400, "invalid_dpop_proof", why);
        let mut proofs = asked.headers.iter().filter(|(name, _)| name == "dpop").map(|(_, value)| value);
        let (Some(proof), None) = (proofs.next(), proofs.next()) else { return Err(bad("one proof is needed")) };
        let (header, claims) = (part(proof, 0), part(proof, 1));
        if header["typ"] != "dpop+jwt" || header["alg"] != "ES256" {
            return Err(bad("another type"));
        }
        let jwk = &header["jwk"];
        if jwk["d"] != Value::Null || !verifies(proof, jwk) {
            return Err(bad("the signature"));
        }
        if claims["htm"] != asked.method.as_str() || claims["htu"] != format!("https://{}{}", asked.host, asked.path) {
            return Err(bad("made for something else"));
        }
        let (now, issued) = (now(), claims["iat"].as_i64().unwrap_or_default());
        if !(now - 30..=now + 5).contains(&issued) {
            return Err(bad("the time"));
        }
        if claims["nonce"] != format!("nonce-{}", self.nonce) || self.mischief.contains(&Mischief::NeverContent) {
            return Err(problem(400, "use_dpop_nonce", "with this one"));
        }
        if !self.said.insert(format!("proof {}", claims["jti"].as_str().unwrap_or_default())) {
            return Err(bad("said twice"));
        }
        Ok(thumbprint(jwk))
    }
    /// RFC 7523 §3: that the program is who it says, by the key it shows.
    fn assertion(&mut self, asked: &Asked) -> Result<(), String> {
        let form = |name: &str| asked.form.get(name).cloned().unwrap_or_default();
        let client = self.client["client_id"].as_str().unwrap_or("none").to_string();
        if form("client_id") != client || form("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
            return Err("another program".into());
        }
        let assertion = form("client_assertion");
        let (header, claims) = (part(&assertion, 0), part(&assertion, 1));
        let keys = self.client["jwks"]["keys"].as_array().cloned().unwrap_or_default();
        let key = keys.iter().find(|key| key["kid"] == header["kid"]).ok_or("no such key")?;
        if header["alg"] != "ES256" || !verifies(&assertion, key) {
            return Err("the signature".into());
        }
        if claims["iss"] != client.as_str() || claims["sub"] != client.as_str() || claims["aud"] != format!("https://{}", asked.host) {
            return Err(format!("said of somebody, or to somebody else: {claims}"));
        }
        let (issued, expires) = (claims["iat"].as_i64().unwrap_or_default(), claims["exp"].as_i64().unwrap_or_default());
        if issued > now() + 5 || expires < now() || expires - issued > 60 {
            return Err("the time".into());
        }
        match self.said.insert(format!("assertion {}", claims["jti"].as_str().ok_or("no jti")?)) {
            true => Ok(()),
            false => Err("said twice".into()),
        }
    }
    fn push(&mut self, asked: &Asked, key: &str) -> Told {
        let form = |name: &str| asked.form.get(name).cloned().unwrap_or_default();
        if let Some(Mischief::Pushed(status, body)) = self.mischief.iter().find(|mischief| matches!(mischief, Mischief::Pushed(..))) {
            return Told { body: (*body).to_string(), ..told(*status, &Value::Null) };
        }
        let redirects = self.client["redirect_uris"].as_array().cloned().unwrap_or_default();
        let wrong = [
            (form("response_type") != "code", "response_type"),
            (!redirects.iter().any(|known| *known == form("redirect_uri")), "redirect_uri"),
            (form("scope") != "atproto" || self.client["scope"] != "atproto", "scope"),
            (form("code_challenge_method") != "S256" || form("code_challenge").len() != 43, "code_challenge"),
            (form("state").len() < 22, "state"),
            (self.client["dpop_bound_access_tokens"] != true, "dpop_bound_access_tokens"),
        ];
        if let Some((_, what)) = wrong.iter().find(|(wrong, _)| *wrong) {
            return problem(400, "invalid_request", what);
        }
        self.hints.push(form("login_hint"));
        self.made += 1;
        let request = format!("urn:ietf:params:oauth:request_uri:{}", self.made);
        let pushed = Pushed {
            server: asked.host.clone(),
            redirect: form("redirect_uri"),
            challenge: form("code_challenge"),
            state: form("state"),
            key: key.to_string(),
        };
        self.pushed.insert(request.clone(), pushed);
        told(201, &json!({"request_uri": request, "expires_in": 299}))
    }
    fn token(&mut self, asked: &Asked, key: &str) -> Told {
        let form = |name: &str| asked.form.get(name).cloned().unwrap_or_default();
        let Some(code) = self.codes.remove(&form("code")) else { return problem(400, "invalid_grant", "no such code") };
        let verifier = form("code_verifier");
        let fits = form("grant_type") == "authorization_code"
            && code.server == asked.host
            && code.redirect == form("redirect_uri")
            && code.key == key
            && (43..=128).contains(&verifier.len())
            && code.challenge == digest(&verifier);
        if !fits {
            return problem(400, "invalid_grant", "not what was asked for");
        }
        self.made += 1;
        let tokens = [format!("access-{}", self.made), format!("refresh-{}", self.made)];
        let mut answer = json!({
            "access_token": tokens[0], "refresh_token": tokens[1], "token_type": "DPoP", "expires_in": 3600, "scope": "atproto", "sub": code.who,
        });
        for token in tokens {
            self.tokens.insert(token, key.to_string());
        }
        for mischief in &self.mischief {
            if let Mischief::Token(member, value) = mischief {
                answer[*member] = value.clone();
            }
        }
        told(200, &answer)
    }
    fn revoke(&mut self, asked: &Asked, _: &str) -> Told {
        if self.mischief.contains(&Mischief::KeepsTokens) {
            return problem(500, "server_error", "no");
        }
        self.tokens.remove(&asked.form.get("token").cloned().unwrap_or_default());
        told(200, &json!({}))
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

fn thumbprint(jwk: &Value) -> String {
    digest(&format!(r#"{{"crv":{},"kty":{},"x":{},"y":{}}}"#, jwk["crv"], jwk["kty"], jwk["x"], jwk["y"]))
}

fn part(token: &str, at: usize) -> Value {
    let bytes = token.split('.').nth(at).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn verifies(token: &str, jwk: &Value) -> bool {
    let Some((said, signature)) = token.rsplit_once('.') else { return false };
    let half = |name: &str| jwk[name].as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).unwrap_or_default();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [vec![4], half("x"), half("y")].concat());
    jwk["kty"] == "EC"
        && jwk["crv"] == "P-256"
        && key.verify(said.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap_or_default()).is_ok()
}

/// The fields of a form or a query.
pub fn fields(text: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn read(stream: &mut TcpStream) -> Option<Asked> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_string(), first.next()?.to_string());
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_string()));
    let headers: Vec<(String, String)> = lines.filter_map(header).collect();
    let find = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let length: usize = find("content-length").and_then(|length| length.parse().ok()).unwrap_or_default();
    while bytes.len() < end + 4 + length {
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
    }
    let form = fields(std::str::from_utf8(&bytes[end + 4..]).ok()?);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Asked { method, host: find("host")?, path: path.to_string(), query: query.to_string(), headers, form })
}
