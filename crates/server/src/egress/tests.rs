//! Real connections to servers of this test's own: what is let out, and what is not (security.md SSRF; case 34 of spec/mcp.md §12).

use super::*;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

const FINE: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\n{}";
/// A certificate for `agent.test` and 127.0.0.1 that signed itself (made by `openssl ca -selfsign`); nothing else knows its key.
const CERTIFICATE: &[u8] = include_bytes!("test-certificate.pem");

/// A server on a port of its own that answers everybody the same, and how many have come.
fn server(answer: &'static str, tls: bool) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, came) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = came.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut stream = stream.unwrap();
            if tls {
                let _ = talk(&mut StreamOwned::new(ServerConnection::new(config()).unwrap(), stream), answer);
            } else {
                let _ = talk(&mut stream, answer);
            }
        }
    });
    (port, came)
}

fn talk(stream: &mut (impl Read + Write), answer: &str) -> std::io::Result<()> {
    let mut asked = Vec::new();
    let mut piece = [0; 512];
    while !asked.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut piece)?;
        if read == 0 {
            return Ok(());
        }
        asked.extend_from_slice(&piece[..read]);
    }
    assert!(asked.starts_with(b"GET /client.json HTTP/1.1\r\nHost: "), "{}", String::from_utf8_lossy(&asked));
    stream.write_all(answer.as_bytes())?;
    stream.flush()
}

fn config() -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("test-key.pem")).unwrap();
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap())
}

fn why(egress: &Egress, address: &str) -> String {
    egress.json(address, 100).unwrap_err().message
}

#[test]
fn case_34_what_is_not_public_is_not_even_connected_to() {
    let (port, came) = server(FINE, false);
    let strict = Egress::new(Vec::new());
    for (address, expected) in [
        ("https://127.0.0.1/client.json", "not on the public network"),
        ("https://localhost/client.json", "not on the public network"),
        ("https://a.localhost/client.json", "not on the public network"),
        ("https://db.internal/client.json", "not on the public network"),
        ("https://printer/client.json", "not on the public network"),
        ("https://[::1]:8443/client.json", "not on the public network"),
        ("https://[::ffff:127.0.0.1]/client.json", "not written as browsers write it"),
        ("https://[::ffff:7f00:1]/client.json", "not on the public network"),
        ("https://10.0.0.1/client.json", "not on the public network"),
        ("https://169.254.169.254/client.json", "not on the public network"),
        ("https://2130706433/client.json", "not written as browsers write it"),
        ("https://0x7f.1/client.json", "not written as browsers write it"),
        ("https://0177.0.0.1/client.json", "not written as browsers write it"),
        ("https://agent.example/../client.json", "not written as browsers write it"),
        ("HTTPS://agent.example/client.json", "not written as browsers write it"),
        ("https://ann@agent.example/client.json", "a user or a fragment"),
        ("https://ann:secret@agent.example/client.json", "a user or a fragment"),
        ("https://agent.example/client.json#x", "a user or a fragment"),
        ("https://agent.example:22/client.json", "neither 443 nor 8443"),
        ("http://agent.example/client.json", "does not begin with https"),
        ("file:///etc/passwd", "names no server"),
        ("no address", "no address"),
        ("https://name.invalid/client.json", "not known"),
    ] {
        assert!(why(&strict, address).contains(expected), "{address}: {}", why(&strict, address));
    }
    for address in [format!("http://127.0.0.1:{port}/client.json"), format!("https://127.0.0.1:{port}/client.json")] {
        assert!(strict.json(&address, 100).is_err());
    }
    assert_eq!(came.load(Ordering::SeqCst), 0, "somebody was connected to");
    // The control: the same server, vouched for, is asked; its neighbour is not.
    let trusting = Egress::new(vec![format!("127.0.0.1:{port}")]);
    let document = trusting.json(&format!("http://127.0.0.1:{port}/client.json"), 100).unwrap();
    assert_eq!((document.body.as_slice(), document.keep, came.load(Ordering::SeqCst)), (b"{}".as_slice(), Some(60), 1));
    assert!(why(&trusting, &format!("http://127.0.0.1:{}/client.json", port ^ 1)).contains("https"));
    assert!(why(&trusting, &format!("http://localhost:{port}/client.json")).contains("https"));
}

#[test]
fn redirects_are_not_followed_and_what_is_long_is_cut() {
    let trusting = |port| Egress::new(vec![format!("127.0.0.1:{port}")]);
    let (there, came) = server(FINE, false);
    let to: &'static str =
        Box::leak(format!("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{there}/client.json\r\n\r\n").into_boxed_str());
    let (port, _) = server(to, false);
    assert!(why(&trusting(port), &format!("http://127.0.0.1:{port}/client.json")).contains("leads elsewhere"));
    assert_eq!(came.load(Ordering::SeqCst), 0);
    let long: &'static str =
        Box::leak(format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}", " ".repeat(200)).into_boxed_str());
    let (port, _) = server(long, false);
    assert!(why(&trusting(port), &format!("http://127.0.0.1:{port}/client.json")).contains("too long"));
}

#[test]
fn servers_have_to_be_who_they_say() {
    let (port, _) = server(FINE, true);
    let place = format!("127.0.0.1:{port}");
    let address = format!("https://{place}/client.json");
    let with = |trusted: Vec<String>| Egress::new(trusted).with_authorities(authorities(CERTIFICATE).unwrap());
    let both = with(vec![place.clone(), format!("localhost:{port}")]);
    assert_eq!(both.json(&address, 100).unwrap().body, b"{}");
    // Signed by nobody that is known, or for another name.
    assert!(Egress::new(vec![place.clone()]).json(&address, 100).is_err());
    assert!(both.json(&format!("https://localhost:{port}/client.json"), 100).is_err());
    // Wherever it is: the name is what counts.
    let elsewhere = |name: &str| {
        let address = format!("https://{name}:444/client.json");
        with(vec![format!("{name}:444")]).at(Some(SocketAddr::from(([127, 0, 0, 1], port)))).json(&address, 100)
    };
    assert!(elsewhere("agent.test").is_ok() && elsewhere("other.test").is_err());
    for broken in [b"".as_slice(), b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(authorities(broken).is_err(), "{}", String::from_utf8_lossy(broken));
    }
}

/// A server that answers once, and gives back what it was sent.
fn listener(answer: &'static str) -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, (done, sent)) = (listener.local_addr().unwrap().port(), mpsc::channel());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut asked, mut piece) = (Vec::new(), [0; 512]);
        // The whole of what the test below sends.
        while !asked.ends_with(b"code=a+%26+b") {
            let read = stream.read(&mut piece).unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&asked));
            asked.extend_from_slice(&piece[..read]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        done.send(String::from_utf8(asked).unwrap()).unwrap();
    });
    (port, sent)
}

#[test]
fn forms_are_sent_and_refusals_are_read() {
    let (port, sent) = listener(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nDPoP-Nonce: n1\r\nContent-Length: 17\r\n\r\n{\"error\":\"nonce\"}",
    );
    let (address, form) = (format!("http://127.0.0.1:{port}/token?x=y"), [("grant_type", "code"), ("code", "a & b")]);
    let own = Egress::to_own(vec![format!("127.0.0.1:{port}")]);
    let call = Call { headers: &[("Authorization", "Basic eDp5")], ..Call::post(&address, &form, 100) };
    let answer = own.ask(&call).unwrap();
    assert_eq!((answer.status(), answer.header("dpop-nonce"), answer.body()), (400, Some("n1"), b"{\"error\":\"nonce\"}".as_slice()));
    assert_eq!(answer.json().unwrap()["error"], "nonce");
    let asked = sent.recv().unwrap();
    assert!(asked.starts_with("POST /token?x=y HTTP/1.1\r\nHost: 127.0.0.1:"), "{asked}");
    assert!(
        asked.contains("\r\nAuthorization: Basic eDp5\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 28\r\n\r\n"),
        "{asked}"
    );
    // What would begin another header is not sent.
    for bad in ["x\r\nY: z", "x\nY: z", "ü", "x\0"] {
        let call = Call { headers: &[("Authorization", bad)], ..Call::get(&address, 100) };
        assert_eq!(own.ask(&call).unwrap_err().kind, holt_core::ErrorKind::Internal, "{bad:?}");
    }
}

#[test]
fn without_tls_nothing_leaves_this_machine() {
    let own = Egress::to_own(vec!["10.0.0.1:8080".to_string(), "10.0.0.1:443".to_string()]);
    assert!(why(&own, "http://10.0.0.1:8080/keys").contains("not on this machine"));
    assert!(why(&own, "http://10.0.0.1:8081/keys").contains("does not begin with https"));
    assert!(why(&own, "https://10.0.0.1:8443/keys").contains("not on the public network"));
}

#[test]
fn a_program_is_told_only_places_that_were_judged() {
    let strict = Egress::new(Vec::new());
    for (address, why) in [
        ("https://localhost/x.git", "not on the public network"),
        ("https://[::1]/x.git", "not on the public network"),
        ("https://10.0.0.1/x.git", "not on the public network"),
        ("http://agent.example/x.git", "does not begin with https"),
        ("https://ann:secret@agent.example/x.git", "a user or a fragment"),
        ("https://name.invalid/x.git", "not known"),
    ] {
        assert!(strict.place(address).unwrap_err().message.contains(why), "{address}");
    }
    let trusting = Egress::new(vec!["localhost:9000".into(), "127.0.0.1:9000".into()]);
    let place = trusting.place("http://localhost:9000/x.git").unwrap();
    let resolve = place.resolve.unwrap();
    assert!(place.plain && (resolve.starts_with("localhost:9000:127.0.0.1") || resolve.starts_with("localhost:9000:[::1]")), "{resolve}");
    assert_eq!(trusting.place("http://127.0.0.1:9000/x.git").unwrap(), Place { resolve: None, plain: true, authorities: None });
    assert_eq!(strict.place("https://1.1.1.1/x.git").unwrap(), Place { resolve: None, plain: false, authorities: None });
    assert!(strict.judge("https://agent.example/in").is_ok() && strict.judge("https://[fe80::1]/in").is_err());
}
