//! Passkeys, with an authenticator of the test's own that signs whatever it is told to. The real one, Chromium's, is in
//! e2e/scenarios/passkeys.test.mjs.

use crate::api::said;
use crate::client::{Answer, Client};
use crate::platform::{DOMAIN, Platform, look};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A device with one passkey.
struct Device {
    key: EcdsaKeyPair,
    id: &'static str,
    /// What it says, for tests in which it lies.
    origin: String,
    place: String,
    flags: u8,
    counter: u32,
    handle: String,
}

impl Device {
    fn new(id: &'static str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
        Self { key, id, origin: format!("http://{DOMAIN}"), place: DOMAIN.to_string(), flags: 0x05, counter: 1, handle: String::new() }
    }
    fn client_data(&self, kind: &str, asked: &Value) -> String {
        json!({"type": kind, "challenge": asked["challenge"], "origin": self.origin, "crossOrigin": false}).to_string()
    }
    fn data(&self, flags: u8, rest: &[u8]) -> Vec<u8> {
        [Sha256::digest(&self.place).as_slice(), &[flags], &self.counter.to_be_bytes(), rest].concat()
    }
    /// What is sent for a new passkey.
    fn makes(&mut self, asked: &Value) -> Vec<(&'static str, String)> {
        self.handle = asked["user"]["id"].as_str().unwrap().to_string();
        let point = self.key.public_key().as_ref();
        let cose = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], &point[1..33], &[0x22, 0x58, 32], &point[33..]].concat();
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let data = self.data(self.flags | 0x40, &[&[0; 16][..], &length, self.id.as_bytes(), &cose].concat());
        vec![
            ("name", format!("Key {}", self.id)),
            ("client_data", b64(self.client_data("webauthn.create", asked))),
            ("authenticator_data", b64(data)),
        ]
    }
    /// What is sent to log in.
    fn signs(&self, asked: &Value) -> Vec<(&'static str, String)> {
        let (client_data, data) = (self.client_data("webauthn.get", asked), self.data(self.flags, &[]));
        let signed = [data.as_slice(), Sha256::digest(&client_data).as_slice()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        vec![
            ("id", b64(self.id)),
            ("client_data", b64(client_data)),
            ("authenticator_data", b64(data)),
            ("signature", b64(signature)),
            ("user_handle", self.handle.clone()),
            ("return_to", "/app/account".to_string()),
        ]
    }
}

fn send(client: &Client, path: &str, fields: &[(&'static str, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    client.post(path, &fields).unwrap()
}

fn asked(client: &Client, path: &str) -> Value {
    let answer = client.post(path, &[]).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body_text());
    serde_json::from_slice(&answer.body).unwrap()
}

const NEW: &str = "/app/account/passkeys";
const LOG_IN: &str = "/auth/passkey";

fn add(person: &Client, device: &mut Device) -> Answer {
    let fields = device.makes(&asked(person, "/app/account/passkeys/options"));
    send(person, NEW, &fields)
}

/// A browser at the log-in page, and what it is asked for.
fn stranger(platform: &Platform) -> (Client, Value) {
    let client = platform.at(DOMAIN);
    client.use_token(&client.get("/auth/login"));
    let question = asked(&client, "/auth/passkey/options");
    (client, question)
}

fn refused(client: &Client, answer: &Answer, what: &str) {
    assert_eq!(answer.status, 422, "{what}: {}", answer.body_text());
    assert!(answer.body_text().contains("That passkey is not known here"), "{what}: {}", answer.body_text());
    assert_eq!(look(client, "/api/me").status, 401, "{what}");
}

#[test]
fn a_passkey_opens_its_owners_account() {
    let platform = Platform::start();
    let ann = platform.person("Ann");
    let question = asked(&ann, "/app/account/passkeys/options");
    assert_eq!((question["rp"]["id"].as_str(), question["attestation"].as_str()), (Some(DOMAIN), Some("none")), "{question}");
    assert_eq!(question["authenticatorSelection"]["userVerification"], "required");
    let (mut phone, mut laptop) = (Device::new("phone"), Device::new("laptop"));
    laptop.counter = 0;
    assert_eq!(add(&ann, &mut phone).header("location"), Some("/app/account?saved=1"));
    assert_eq!(add(&ann, &mut laptop).status, 303);
    let page = ann.get("/app/account").body_text();
    assert!(page.contains("Key phone") && page.contains("Key laptop") && page.contains("/-/static/passkeys."), "{page}");
    // By time, then id: which is first depends on the second they were made in.
    let excluded = asked(&ann, "/app/account/passkeys/options")["excludeCredentials"].clone();
    let known = ["laptop", "phone"].map(b64);
    assert!(excluded == json!(known) || excluded == json!([&known[1], &known[0]]), "{excluded}");
    assert_eq!(add(&ann, &mut phone).status, 409, "known already");
    for device in [&mut phone, &mut laptop] {
        for _ in 0..2 {
            let (client, question) = stranger(&platform);
            assert_eq!((question["rpId"].as_str(), question["userVerification"].as_str()), (Some(DOMAIN), Some("required")));
            device.counter += u32::from(device.counter > 0);
            let answer = send(&client, LOG_IN, &device.signs(&question));
            assert_eq!((answer.status, answer.header("location")), (303, Some("/app/account")), "{}", answer.body_text());
            assert_eq!(look(&client, "/api/me").text("handle"), "ann@example.org");
        }
    }
    // It is removed by its owner alone, and opens nothing then.
    let bob = platform.person("Bob");
    assert_eq!(bob.post(NEW, &[("remove", &b64("phone"))]).unwrap().status, 404);
    assert_eq!(ann.post(NEW, &[("remove", &b64("phone"))]).unwrap().status, 303);
    let (client, question) = stranger(&platform);
    phone.counter += 1;
    refused(&client, &send(&client, LOG_IN, &phone.signs(&question)), "removed");
    assert_eq!(said(&ann, "GET", "/api/me", &[], b"").status, 200);
}

#[test]
fn what_is_not_said_here_now_and_by_its_owner_is_refused() {
    let platform = Platform::start();
    let ann = platform.person("Ann");
    let mut device = Device::new("phone");
    assert_eq!(add(&ann, &mut device).status, 303);
    let mut lies = |what: &str, lie: fn(&mut Device)| {
        let (client, question) = stranger(&platform);
        let (origin, place, flags, counter, id, handle) =
            (device.origin.clone(), device.place.clone(), device.flags, device.counter, device.id, device.handle.clone());
        device.counter += 1;
        lie(&mut device);
        refused(&client, &send(&client, LOG_IN, &device.signs(&question)), what);
        (device.origin, device.place, device.flags, device.counter, device.id, device.handle) = (origin, place, flags, counter, id, handle);
    };
    lies("on a page of a wiki", |device| device.origin = format!("http://evil.{DOMAIN}"));
    lies("on a page by TLS", |device| device.origin = format!("https://{DOMAIN}"));
    lies("for a wiki", |device| device.place = format!("evil.{DOMAIN}"));
    lies("nobody was seen", |device| device.flags = 0x01);
    lies("nobody touched it", |device| device.flags = 0x04);
    lies("it does not count on", |device| device.counter = 1);
    lies("it counts no more", |device| device.counter = 0);
    lies("another id", |device| device.id = "another");
    lies("another account", |device| device.handle = b64([7; 32]));
    lies("no account", |device| device.handle = String::new());
    // A key that is not the account's, under its id.
    let (client, question) = stranger(&platform);
    let stolen = Device { counter: 9, handle: device.handle.clone(), ..Device::new("phone") };
    refused(&client, &send(&client, LOG_IN, &stolen.signs(&question)), "another key");
    // A question is answered once, in the browser that was asked.
    device.counter = 10;
    let (client, question) = stranger(&platform);
    let fields = device.signs(&question);
    let (other, _) = stranger(&platform);
    refused(&other, &send(&other, LOG_IN, &fields), "another browser");
    refused(&client, &send(&client, LOG_IN, &fields), "used up");
    let (client, _) = stranger(&platform);
    refused(&client, &send(&client, LOG_IN, &device.signs(&json!({"challenge": b64([1; 32])}))), "never asked");
    // What was asked for a new key logs nobody in, and the other way round.
    let (client, question) = stranger(&platform);
    let mut new = Device::new("new");
    let bob = platform.person("Bob");
    let for_new = asked(&bob, "/app/account/passkeys/options");
    refused(&client, &send(&client, LOG_IN, &device.signs(&for_new)), "asked for something else");
    new.handle = String::new();
    let mut fields = new.makes(&for_new);
    assert_eq!(send(&ann, NEW, &fields).status, 422, "used up, and asked of somebody else");
    fields = new.makes(&json!({"challenge": question["challenge"], "user": {"id": ""}}));
    assert_eq!(send(&ann, NEW, &fields).status, 422);
    // Garbage.
    for (name, value) in [("client_data", "{"), ("client_data", "%"), ("authenticator_data", ""), ("signature", "AAAA"), ("id", "")] {
        let (client, question) = stranger(&platform);
        let mut fields = device.signs(&question);
        fields.iter_mut().filter(|(field, _)| *field == name).for_each(|(_, sent)| *sent = value.to_string());
        refused(&client, &send(&client, LOG_IN, &fields), name);
    }
    // The control: the same device, as it is.
    let (client, question) = stranger(&platform);
    assert_eq!(send(&client, LOG_IN, &device.signs(&question)).status, 303);
    // Without a form of ours nothing is asked.
    let sent = platform.at(DOMAIN).send("POST", "/auth/passkey/options", &[("Content-Type", "application/x-www-form-urlencoded")], b"x=1");
    assert_eq!(sent.unwrap().status, 403);
}
