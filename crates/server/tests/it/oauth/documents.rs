//! Programs that are known by an address of their own (security.md OAU-3, SSRF). What is fetched over real connections, and what never is, is
//! tested beside the code (crates/server/src/egress/tests.rs).

use super::{CALLBACK, Place, allow, authorize, exchange, place, question};
use crate::api::Api;
use crate::client::{Client, Server};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A server of documents, and how often it was asked.
struct Host {
    place: String,
    asked: Arc<AtomicUsize>,
    document: Arc<Mutex<Value>>,
}

fn host() -> Host {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let (asked, document) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Value::Null)));
    let (counted, shown) = (asked.clone(), document.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]);
            let body = shown.lock().unwrap().to_string();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    Host { place, asked, document }
}

impl Host {
    fn address(&self) -> String {
        format!("http://{}/client.json", self.place)
    }
    fn shows(&self, document: Value) {
        *self.document.lock().unwrap() = document;
    }
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A server that asks `host`, though it is on this machine.
fn trusting(host: &Host) -> Place {
    let Place { api: Api { data, mut server, token }, ann } = place();
    assert_eq!(server.client().get("/-/healthz").status, 200);
    server.stop();
    let server = Server::start(data.path(), &["--default-wiki", "docs", "--trust-client-host", &host.place]);
    Place { api: Api { data, server, token }, ann }
}

fn is_refused(browser: &Client, client: &str) -> bool {
    let answer = browser.get(&authorize(client, &[]));
    answer.status == 400 && answer.body_text().contains("does not say who it is") && answer.header("location").is_none()
}

/// Case 34.
#[test]
fn case_34_private_addresses_are_not_asked() {
    let (host, place) = (host(), place());
    let ann = place.browser("ann");
    let port = host.place.rsplit(':').next().unwrap();
    host.shows(json!({"client_id": host.address(), "redirect_uris": [CALLBACK]}));
    for client in [
        host.address(),
        format!("https://127.0.0.1:{port}/client.json"),
        format!("https://localhost:{port}/client.json"),
        "https://127.0.0.1/client.json".to_string(),
        "https://10.0.0.1/client.json".to_string(),
        "https://169.254.169.254/latest/meta-data".to_string(),
        "https://[::1]:8443/client.json".to_string(),
        "https://[::ffff:7f00:1]/client.json".to_string(),
    ] {
        assert!(is_refused(&ann, &client), "{client}");
    }
    assert_eq!(host.asked(), 0);
}

/// Case 34.
#[test]
fn case_34_a_document_is_about_the_address_it_stands_at() {
    let host = host();
    let place = trusting(&host);
    let ann = place.browser("ann");
    host.shows(json!({"client_id": "https://agent.example/client.json", "redirect_uris": [CALLBACK]}));
    assert!(is_refused(&ann, &host.address()) && host.asked() == 1);
    // A failure is kept for a while: whoever sends people here again and again has nobody asked again and again.
    host.shows(json!({"client_id": host.address(), "redirect_uris": [CALLBACK]}));
    assert!(is_refused(&ann, &host.address()) && host.asked() == 1);
}

#[test]
fn a_program_with_an_address_is_connected_without_registering() {
    let host = host();
    let place = trusting(&host);
    let (ann, client) = (place.browser("ann"), host.address());
    host.shows(json!({
        "client_id": client, "client_name": "Beaver", "redirect_uris": ["http://127.0.0.1/callback"], "grant_types": ["authorization_code", "refresh_token"],
    }));
    // Nothing is fetched for strangers.
    assert_eq!((place.nobody().get(&authorize(&client, &[])).status, host.asked()), (303, 0));
    let page = ann.get(&question(&ann, &authorize(&client, &[]))).body_text();
    assert!(page.contains("Beaver</strong>") && page.contains("is described at <strong>127.0.0.1</strong>"), "{page}");
    let said = exchange(&place.nobody(), &client, &allow(&ann, &authorize(&client, &[]), "write"));
    assert_eq!((said.status, place.may(&said.text("access_token")), host.asked()), (200, 200, 1), "asked once, and kept");
    assert_eq!(super::refresh(&place.nobody(), &client, &said.text("refresh_token"), &[]).status, 200);
    let elsewhere = ann.get(&authorize(&client, &[("redirect_uri", "http://127.0.0.1/elsewhere")]));
    assert_eq!((elsewhere.status, elsewhere.header("location")), (400, None));
    assert!(ann.get("/-/settings/agents").body_text().contains("Beaver</strong>"));
}

/// security.md SSRF-6.
#[test]
fn trust_is_for_servers_that_nobody_else_reaches() {
    let data = tempfile::tempdir().unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_holt"))
        .args(["serve", "--listen", "0.0.0.0:0", "--trust-client-host", "127.0.0.1:1", "--data"])
        .arg(data.path())
        .stdout(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(!out.status.success() && said.contains("--trust-client-host"), "{said}");
}
